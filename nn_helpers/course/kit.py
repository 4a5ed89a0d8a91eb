"""A kit for a room without network: packages for three systems, and what installs them.

pip alone does not do it: it decides by the system it runs on, and not by the one it downloads for, what a
package needs. So it downloads without looking, and this reads in each wheel what its system needs too.
"""

import functools
import importlib.metadata as metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from nn_helpers.course import install_kit
from nn_helpers.data.cifar10 import FILES, find_copies, first_good_copy
from nn_helpers.support.files import explain_failure
from nn_helpers.support.version import __version__

ABOUT = "kit.json"  # written last: a folder that has it is a kit
SPACE = 700_000_000  # bytes: what a kit takes at most, with CIFAR-10
ASKS = "sys_platform", "os_name", "platform_system", "platform_machine"  # conditions of packages
SYSTEMS = {  # the tags of packages, those for older systems first, and the answers
    "Linux": (["manylinux2014_x86_64", *(f"manylinux_2_{n}_x86_64" for n in range(17, 29))],
              ("linux", "posix", "Linux", "x86_64")),
    "macOS": (["macosx_11_0_arm64", "macosx_14_0_arm64"], ("darwin", "posix", "Darwin", "arm64")),
    "Windows": (["win_amd64"], ("win32", "nt", "Windows", "AMD64")),
}  # fmt: skip
README = """\
nn-helpers {version}: lessons on neural networks, for a room without network

For {systems}, with Python {pythons}{images}.

In a terminal, go to where the lessons are to be, and type

    python FOLDER/install.py

with this folder in the place of FOLDER (python3 on Linux and macOS, py on Windows). It makes the folder
nn-lessons, installs everything into it, and says how to open the lessons. This folder is only read.
"""


def make_kit(folder, pythons=None):
    """Make a kit, or a new one in the place of an older one; yield what is done, a sentence each.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    pythons : sequence of str, optional
        The versions of Python that packages are for, such as ``"3.12"``; without them, the one that runs.

    Raises
    ------
    ValueError
        If a version is none, pip is missing, or a package cannot be fetched.
    OSError
        If the folder belongs to something else, or cannot be written.
    """
    folder = Path(folder)
    pythons = [_version(python) for python in pythons or [install_kit.PYTHON]]
    if importlib.util.find_spec("pip") is None:
        raise ValueError("kit: there is no pip here; with uv, uvx --with pip nn-helpers kit FOLDER")
    _claim(folder, len(pythons))
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
        wheels, images = Path(new, "wheels"), Path(new, "data")
        _own_wheel(wheels)
        for python in pythons:
            for system in SYSTEMS:
                yield f"Fetching the packages for {system} and Python {python}."
                _fetch(wheels, system, python)
        found = _copy_cifar10(images)
        about = {"version": __version__, "pythons": pythons, "systems": list(SYSTEMS)}
        words = {"systems": ", ".join(SYSTEMS), "pythons": ", ".join(pythons), "version": __version__}
        files = {
            "README.txt": README.format(**words, images=", and CIFAR-10" * found),
            "install.py": Path(install_kit.__file__).read_text(encoding="utf-8"),
            ABOUT: json.dumps(about),
        }
        for there in (wheels, images):
            shutil.rmtree(folder / there.name, ignore_errors=True)
            if there.exists():
                os.replace(there, folder / there.name)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    if not found:
        yield "CIFAR-10 is not on this computer, so the kit is without; nn-helpers data fetches it."
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    yield f"{folder} is ready: {size / 1e6:.0f} MB. In the room: python {folder.name}/install.py"


def _version(python):
    if not re.fullmatch(r"3\.(1[1-9]|[2-9]\d)", python):
        raise ValueError(f"kit: --python takes versions from 3.11 on, such as 3.12, got {python!r}")
    return python


def _claim(folder, pythons):
    """Make sure that a folder is a kit, or becomes one, and that there is room."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"kit: {folder} is a file; name a folder")
    with explain_failure("the kit", folder):
        folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ABOUT).is_file() and any(path.name[0] != "." for path in folder.iterdir()):
        raise FileExistsError(
            f"kit: {folder} has files in it and is no kit, so nothing is changed in it; name a new folder"
        )
    free = shutil.disk_usage(folder).free
    if free < SPACE * pythons:
        raise OSError(
            f"kit: {folder} has {free / 1e6:.0f} MB free, and a kit takes up to {SPACE * pythons / 1e6:.0f}; "
            "free some, or name a folder on another disk"
        )


def _own_wheel(wheels):
    """Put this package's own wheel there, from wherever it was installed from."""
    origin = json.loads(metadata.distribution("nn-helpers").read_text("direct_url.json") or "{}").get("url")
    _pip("this package", "wheel", "--no-deps", "--wheel-dir", wheels, origin or f"nn-helpers=={__version__}")


def _fetch(wheels, system, python):
    """Fetch what the wheels need on a system, and what that needs, until nothing is missing."""
    platforms, answers = SYSTEMS[system]
    environment = {
        **default_environment(), **dict(zip(ASKS, answers, strict=True)),
        "python_version": python, "python_full_version": f"{python}.0",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    asked = set()
    while (needed := _needs(wheels, environment)) - asked:
        asked |= needed
        _pip(
            f"the packages for {system} and Python {python}",
            "download", "--no-deps", "--only-binary=:all:", "--dest", wheels, "--python-version", python,
            *(f"--platform={platform}" for platform in platforms), *sorted(asked),
        )  # fmt: skip


def _needs(wheels, environment):
    """Return what the wheels in a folder need in an environment, as text that pip reads."""
    extras = defaultdict(lambda: {""})  # of each package: those that another asks for
    while True:
        before, needed = {name: set(asked) for name, asked in extras.items()}, set()
        for wheel in sorted(wheels.glob("*.whl")):
            for requirement in _requirements(wheel):
                marker, asked = requirement.marker, extras[parse_wheel_filename(wheel.name)[0]]
                if marker is None or any(marker.evaluate({**environment, "extra": e}) for e in asked):
                    needed.add(requirement)
        for requirement in needed:
            extras[canonicalize_name(requirement.name)] |= requirement.extras
        if extras == before:
            return {f"{each.name}{each.specifier}" for each in needed}


@functools.cache
def _requirements(wheel):
    """Return what a wheel says that it needs."""
    with zipfile.ZipFile(wheel) as file:
        (about,) = (name for name in file.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        requires = metadata.PathDistribution(zipfile.Path(file, about.removesuffix("METADATA"))).requires
    return [Requirement(line) for line in requires or ()]


def _pip(what, *arguments):
    """Run pip; a ValueError says in its words what cannot be fetched."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *map(str, arguments)], capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        said = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = said[-1] if said else f"it ended with status {done.returncode}"
        raise ValueError(f"kit: {what} cannot be fetched. Is there a network? pip says: {reason}")


def _copy_cifar10(folder):
    """Copy CIFAR-10 to a folder, if a good copy is here; return whether."""
    if not find_copies():
        return False
    try:
        copy, *_ = first_good_copy()
    except (ValueError, OSError):
        return False
    folder.mkdir()
    if copy.is_file():
        shutil.copy(copy, folder)
        return True
    (folder / "cifar-10-batches-bin").mkdir()
    for path in (copy / f"{name}{end}" for name in FILES for end in (".bin", "")):
        if path.is_file():
            shutil.copy(path, folder / "cifar-10-batches-bin")
    return True
