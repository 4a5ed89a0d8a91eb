"""The kit for a room without network: what is fetched for each system, and what it says when it cannot."""

import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from nn_helpers.__main__ import main
from nn_helpers.course import install_kit, kit
from nn_helpers.data import cifar10
from nn_helpers.support.version import __version__

OWN = f"nn_helpers-{__version__}"
# What a package index has, and what each needs.
INDEX = {
    "lab": ['colorama; sys_platform == "win32"', 'appnope; platform_system == "Darwin"', "schema[more]>=1"],
    "schema": ['colours; extra == "more"', 'never; extra == "less"', 'old; python_version < "3.12"'],
    "terminal": ['pty; os_name != "nt"', 'winpty; os_name == "nt"'],
    **{name: [] for name in ("colorama", "appnope", "colours", "old", "pty", "winpty")},
}


def make_wheel(folder, name, requires, tag="none-any", entry=""):
    about = f"{name}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-py3-{tag}.whl", "w") as file:
        lines = [f"Name: {name.split('-')[0]}", f"Version: {name.split('-')[1]}"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        file.writestr(f"{about}/METADATA", "\n".join(["Metadata-Version: 2.1", *lines, ""]))
        file.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-{tag}\n")
        file.writestr(f"{about}/RECORD", "")
        if entry:
            file.writestr("stand_in.py", entry)
            file.writestr(f"{about}/entry_points.txt", "[console_scripts]\nnn-helpers = stand_in:main\n")


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """A pip that has `INDEX`; `pip.asked` holds what it was asked for, by system and version of Python."""
    pip = SimpleNamespace(asked={}, index=INDEX, fails="")

    def run(command, **options):
        wheels = Path(command[command.index("--wheel-dir" if "wheel" in command else "--dest") + 1])
        if "wheel" in command:
            make_wheel(wheels, OWN, ["lab>=4", "terminal"])
            return SimpleNamespace(returncode=0)
        python = command[command.index("--python-version") + 1]
        platforms = [option.removeprefix("--platform=") for option in command if "--platform" in option]
        names = [option for option in command[command.index("--python-version") + 2 :] if option[0] != "-"]
        pip.asked.setdefault((re.match("[a-z]+", platforms[0])[0], python), []).append(names)
        for name in (re.match(r"\w+", text)[0] for text in names):
            if name == pip.fails:
                said = f"WARNING: Retrying\nERROR: No matching distribution found for {name}\n"
                return SimpleNamespace(returncode=1, stderr=said)
            tag = f"none-{platforms[0]}" if name == "terminal" else "none-any"
            make_wheel(wheels, f"{name}-5.0", pip.index[name], tag)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(kit.subprocess, "run", run)
    monkeypatch.setenv("CIFAR10_DIR", str(tmp_path / "nowhere"))
    kit._requirements.cache_clear()
    return pip


def wheels(folder):
    return {path.name.split("-")[0] for path in (folder / "wheels").glob("*.whl")}


def test_each_system_gets_what_it_needs_and_not_what_this_one_needs(pip, tmp_path):
    said = list(kit.make_kit(tmp_path / "kit", ["3.12"]))
    last = {system: set(rounds[-1]) for (system, _), rounds in pip.asked.items()}
    everywhere = {"lab>=4", "terminal", "schema>=1", "colours"}
    assert last["manylinux"] == everywhere | {"pty"}
    assert last["macosx"] == everywhere | {"pty", "appnope"}
    assert last["win"] == everywhere | {"colorama", "winpty"}
    assert wheels(tmp_path / "kit") == {"nn_helpers", *INDEX} - {"old"}
    assert said[:3] == [
        f"Fetching the packages for {name} and Python 3.12." for name in ("Linux", "macOS", "Windows")
    ]
    assert "CIFAR-10 is not on this computer" in said[-2]
    assert f"{tmp_path / 'kit'} is ready: " in said[-1]


def test_each_version_of_python_gets_its_own(pip, tmp_path):
    list(kit.make_kit(tmp_path / "kit", ["3.11", "3.13"]))
    assert "old" in pip.asked["win", "3.11"][-1]
    assert "old" not in pip.asked["win", "3.13"][-1]
    about = json.loads((tmp_path / "kit/kit.json").read_text(encoding="utf-8"))
    assert about == {
        "version": __version__, "pythons": ["3.11", "3.13"], "systems": ["Linux", "macOS", "Windows"]
    }  # fmt: skip


def test_a_kit_replaces_an_older_one_whole(pip, tmp_path, monkeypatch):
    list(kit.make_kit(tmp_path, ["3.12"]))
    (tmp_path / "wheels" / "of_old-1.0-py3-none-any.whl").touch()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    pip.fails = "winpty"
    with pytest.raises(ValueError, match="winpty"):
        list(kit.make_kit(tmp_path, ["3.12"]))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    pip.fails = ""
    list(kit.make_kit(tmp_path, ["3.12"]))
    assert "of_old" not in wheels(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["README.txt", "install.py", "kit.json", "wheels"]


def test_cifar10_is_in_the_kit_where_lessons_look(pip, tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", 10)
    copy = tmp_path / "mine"
    copy.mkdir()
    for name in cifar10.FILES:
        (copy / f"{name}.bin").write_bytes(bytes(cifar10.file_size()))
    (copy / "letters.txt").touch()
    monkeypatch.setenv("CIFAR10_DIR", str(copy))
    list(kit.make_kit(tmp_path / "kit", ["3.12"]))
    there = tmp_path / "kit/data/cifar-10-batches-bin"
    assert sorted(os.listdir(there)) == [f"{name}.bin" for name in sorted(cifar10.FILES)]
    (tmp_path / "my_lessons").mkdir()
    os.rename(tmp_path / "kit/data", tmp_path / "data")  # as install.py does
    monkeypatch.chdir(tmp_path / "my_lessons")
    monkeypatch.delenv("CIFAR10_DIR")
    monkeypatch.setenv("NN_HELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert cifar10.find_copies() == [Path("../data/cifar-10-batches-bin")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["file"], "file is a file; name a folder"),
        (["full"], "full has files in it and is no kit, so nothing is changed in it; name a new folder"),
        (["new", "--python", "2.7"], "--python takes versions from 3.11 on, such as 3.12, got '2.7'"),
        (["new", "--python", "3.12.1"], "such as 3.12, got '3.12.1'"),
        (["file/new"], "the kit cannot be written: "),
    ],
)
def test_what_cannot_be_is_one_sentence(pip, arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("full").mkdir()
    Path("full/thesis.txt").touch()
    assert main(["kit", *arguments]) == 2
    said = capsys.readouterr().err
    assert re.match(r"\S+( -m nn_helpers)? kit: ", said)
    assert words in said
    assert said.count("\n") == 1
    assert sorted(os.listdir()) == ["file", "full"]
    assert os.listdir("full") == ["thesis.txt"]


def test_without_network_space_or_pip_a_sentence_says_so(pip, tmp_path, monkeypatch, capsys):
    pip.fails = "lab"
    assert main(["kit", str(tmp_path / "kit"), "--python", "3.12"]) == 2
    said = capsys.readouterr().err
    assert (
        "kit: the packages for Linux and Python 3.12 cannot be fetched. Is there a network? pip says: "
        in said
    )
    assert said.endswith("No matching distribution found for lab\n")
    assert os.listdir(tmp_path / "kit") == []

    monkeypatch.setattr(kit.shutil, "disk_usage", lambda folder: namedtuple("Usage", "free")(10_000_000))
    assert main(["kit", str(tmp_path / "kit"), "--python", "3.12", "3.13"]) == 2
    assert "has 10 MB free, and a kit takes up to 1400; free some" in capsys.readouterr().err
    monkeypatch.setattr(kit.importlib.util, "find_spec", lambda name: None)
    assert main(["kit", str(tmp_path / "kit")]) == 2
    assert "there is no pip here; with uv, uvx --with pip nn-helpers kit FOLDER" in capsys.readouterr().err


# install.py


@pytest.fixture
def small_kit(tmp_path, monkeypatch):
    """A kit for this computer that holds a stand-in for nn-helpers, which makes a folder."""
    folder = tmp_path / "the kit"
    make_wheel(
        folder / "wheels", OWN, [], entry="def main():\n    import os, sys\n    os.mkdir(sys.argv[-1])"
    )
    (folder / "data" / "cifar-10-batches-bin").mkdir(parents=True)
    (folder / "install.py").write_bytes(Path(install_kit.__file__).read_bytes())
    about = {"version": __version__, "pythons": [install_kit.PYTHON]}
    (folder / "kit.json").write_text(json.dumps(about), encoding="utf-8")
    monkeypatch.setattr(install_kit, "__file__", str(folder / "install.py"))
    monkeypatch.setattr(
        install_kit, "MACHINES", {platform.system().replace("Darwin", "macOS"): platform.machine()}
    )
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_kit_installs_without_network_and_says_how_to_go_on(small_kit, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)  # pip's own are not ours
    install_kit.main()
    said, place = capfd.readouterr().out, tmp_path / "nn-lessons"
    assert sorted(os.listdir(place)) == [".venv", "data", "my_lessons"]
    folder, command = re.search(r'cd "(.+)"\n    (\S+) lab\n', said).groups()
    assert folder == str(place)
    assert (place / command).exists() or (place / f"{command}.exe").exists()


def test_where_a_kit_does_not_fit_a_sentence_says_so(small_kit, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(SystemExit, match=r"full is there already. Name another folder: python install.py"):
        install_kit.main("full")
    monkeypatch.setattr(install_kit, "PYTHON", "3.99")
    with pytest.raises(SystemExit, match=r"This is Python 3.99, and the kit is for 3.\d+. Start install.py"):
        install_kit.main()
    monkeypatch.setattr(install_kit, "MACHINES", {"Linux": "abacus"})
    with pytest.raises(SystemExit, match=r"and the kit is for Linux on abacus\."):
        install_kit.main()
    assert os.listdir(tmp_path / "full") == ["thesis.txt"]
    assert not (tmp_path / "nn-lessons").exists()


def test_install_py_needs_nothing_but_python(small_kit):
    (small_kit / "kit.json").write_text('{"version": "0", "pythons": ["3.0"]}', encoding="utf-8")
    command = [sys.executable, "-I", "-S", small_kit / "install.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "the kit is for" in done.stderr
    assert "Traceback" not in done.stderr
