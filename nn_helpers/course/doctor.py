"""Is everything in order here, and if not, what is to be done? ``nn-helpers doctor``."""

import importlib.metadata as metadata
import json
import os
import platform
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nn_helpers.course.lesson import STATEMENT, edition
from nn_helpers.course.source import reinstall, source_folder
from nn_helpers.support.threads import blas_libraries, usable_cores
from nn_helpers.support.version import __version__

FINE, NOTE, TROUBLE = "fine", "note", "trouble"
MARKS = {FINE: "✓", NOTE: "·", TROUBLE: "✗"}
LESSONS_NEED = ("jupyterlab", "ipykernel", "ipywidgets", "jupyterlab_widgets", "anywidget")
FREE_FOR_CIFAR10 = 400_000_000  # bytes: the archive, and its files beside it while they are unpacked
REINSTALL = reinstall()


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it.

    Attributes
    ----------
    topic, found : str
    state : {"fine", "note", "trouble"}
        A note is worth knowing; with trouble something will not work.
    advice : str
        Empty where nothing is to be done.
    """

    topic: str
    found: str
    state: str = FINE
    advice: str = ""

    def __str__(self):
        lines = [f"{MARKS[self.state]} {self.topic}: {self.found}"]
        if self.advice:
            lines.append(f"    → {self.advice}")
        return "\n".join(lines)


class Report(list):
    """Findings; shows itself as text, and is in order when there is no trouble."""

    @property
    def in_order(self):
        """Whether everything will work."""
        return not any(finding.state == TROUBLE for finding in self)

    @property
    def troubles(self):
        """The findings with trouble."""
        return [finding for finding in self if finding.state == TROUBLE]

    def summary(self):
        """Return one sentence that is the same everywhere when all is in order; else the troubles only."""
        return "\n".join([*map(str, self.troubles), self._end()])

    def _end(self):
        if self.in_order:
            return "Everything the lessons need is in order."
        count = len(self.troubles)
        return f"{count} thing{'s need' if count > 1 else ' needs'} your attention: see ✗ above."

    def __repr__(self):
        return "\n".join([*map(str, self), "", self._end()])


def doctor():
    """Look at this computer and at this environment.

    Nothing is changed, nothing is sent, and no network is needed.

    Returns
    -------
    Report
        A list of `Finding`, which shows itself as text.
    """
    report = Report()
    for look in (
        python,
        packages,
        widget_stack,
        jupyter,
        kernel,
        blas,
        speed,
        formulas,
        sketches_work,
        images,
        cifar10,
        disk,
        notebooks,
    ):
        try:
            with warnings.catch_warnings(action="ignore"):  # what matters, the report says
                found = look()
        except Exception as error:  # whatever is broken here: the rest is still worth knowing
            text = f"could not be looked at: {type(error).__name__}: {error}"
            advice = f"{REINSTALL}; if that does not help, show this to whoever helps you"
            if "home directory" in str(error):
                advice = "nobody knows a home folder here: set HOME to a folder of yours"
            found = Finding(look.__name__.replace("_", " "), text, TROUBLE, advice)
        report.extend(found if isinstance(found, list) else [found])
    return report


def python():
    """Which Python runs this."""
    text = f"{platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}"
    if sys.prefix == sys.base_prefix and not os.environ.get("CONDA_PREFIX"):
        return Finding("Python", f"{text}; no virtual environment", NOTE, "fine if it works")
    return Finding("Python", text)


def packages():
    """Whether everything that nn_helpers declares is installed, in versions that were tried."""
    from packaging.requirements import Requirement

    findings, fine = [], [f"nn_helpers {metadata.version('nn-helpers')}"]
    for line in metadata.requires("nn-helpers") or ():
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            findings.append(Finding(requirement.name, "is not installed", TROUBLE, REINSTALL))
            continue
        running = getattr(sys.modules.get(requirement.name), "__version__", installed)
        advices = {running: f"restart the kernel: {installed} is installed", installed: REINSTALL}
        wrong = [it for it in advices if not requirement.specifier.contains(it, prereleases=True)]
        if wrong:
            text = f"{wrong[0]}; {requirement.specifier} was tried"
            findings.append(Finding(requirement.name, text, TROUBLE, advices[wrong[0]]))
        else:
            fine.append(f"{requirement.name} {installed}")
    return [Finding("packages", ", ".join(fine)), *findings]


def widget_stack():
    """Whether sliders and buttons will show in JupyterLab."""
    found, missing = [], []
    for name in LESSONS_NEED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    text = ", ".join(found) or "nothing of it"
    if missing:
        return Finding("widgets", f"{text}; not installed: {', '.join(missing)}", TROUBLE, REINSTALL)
    lab = int(metadata.version("jupyterlab").split(".")[0])
    widgets = int(metadata.version("ipywidgets").split(".")[0])
    front_end = int(metadata.version("jupyterlab_widgets").split(".")[0])
    if (widgets, front_end) != (8, 3) or lab < 4:
        return Finding(
            "widgets", f"{text}: these do not fit together", TROUBLE,
            'pip install --upgrade "ipywidgets>=8.1,<9" "jupyterlab>=4.4,<5", then restart JupyterLab',
        )  # fmt: skip
    from jupyter_core.paths import jupyter_path

    manifest = Path("labextensions", "@jupyter-widgets", "jupyterlab-manager", "package.json")
    if not any((Path(folder) / manifest).is_file() for folder in jupyter_path()):
        return Finding(
            "widgets", f"{text}; JupyterLab's part of them is not where JupyterLab looks", TROUBLE,
            "pip install --force-reinstall jupyterlab_widgets, then restart JupyterLab and reload the page",
        )  # fmt: skip
    return Finding("widgets", text)


def jupyter():
    """Whether JupyterLab can write its own files: where it cannot, it opens no notebook and says little."""
    from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir

    folders = {"JUPYTER_DATA_DIR": jupyter_data_dir(), "JUPYTER_RUNTIME_DIR": jupyter_runtime_dir()}
    for variable, folder in folders.items():
        there = _first_that_exists(Path(folder))
        if not os.access(there, os.W_OK):
            return Finding(
                "Jupyter", f"{there} cannot be written to, and JupyterLab needs {folder}", TROUBLE,
                f"set {variable} to a folder of yours before JupyterLab starts",
            )  # fmt: skip
    return Finding("Jupyter", f"keeps its own files in {folders['JUPYTER_DATA_DIR']}")


def _first_that_exists(path):
    """Return the path, or the nearest folder above it that exists."""
    return next(place for place in (path, *path.parents) if os.path.exists(place))


def kernel():
    """Whether the kernel that JupyterLab offers runs in this environment."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("kernel", "there is no kernel named python3", TROUBLE, "pip install ipykernel")
    if os.path.isabs(command) and Path(command).parent.resolve() != Path(sys.executable).parent.resolve():
        return Finding(
            "kernel", f"JupyterLab's python3 is another Python: {command}", TROUBLE,
            f"{sys.executable} -m ipykernel install --sys-prefix, then restart JupyterLab",
        )  # fmt: skip
    return Finding("kernel", "python3 runs in this environment")


def blas():
    """Which library multiplies matrices, and with how many threads."""
    libraries, cores = blas_libraries(), usable_cores()
    if not libraries:
        return Finding(
            "matrix products", "NumPy's library for them is not known; it works, perhaps slowly", NOTE
        )
    text = "; ".join(
        f"{info['internal_api']} {info['version'] or ''} ({info.get('architecture') or 'unknown kernels'}), "
        f"{info['num_threads']} thread{'s' if info['num_threads'] != 1 else ''}"
        for info in libraries
    )
    text += f"; {cores} core{'s' if cores != 1 else ''} for this process"
    if any(info["num_threads"] > cores for info in libraries):
        return Finding(
            "matrix products", f"{text}, so threads wait for one another", NOTE,
            f"lessons set it right; for programs of your own set OPENBLAS_NUM_THREADS={cores} before Python",
        )  # fmt: skip
    return Finding("matrix products", text)


def speed():
    """Whether matrix products are as fast as on any laptop of the last ten years."""
    a = np.ones((512, 512), np.float32)
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    gigaflops = 2 * 512**3 / best / 1e9
    text = f"{gigaflops:.0f} billion operations a second"
    if gigaflops < 5:
        return Finding(
            "speed", f"{text}, which is little", NOTE,
            "plugged in? other programs? lessons work, but take longer; a NumPy from pip or conda is fast",
        )  # fmt: skip
    return Finding("speed", text)


def formulas():
    """Whether what the network computes is right: its gradients against central differences."""
    from nn_helpers.layers import ACTIVATIONS

    wrong = [activation for activation in ACTIVATIONS if not _gradient_error(activation) < 1e-6]
    if wrong:
        return Finding(
            "formulas", f"the gradient of a network with {', '.join(wrong)} is wrong: was a file changed?",
            TROUBLE, f"get its files anew, with {REINSTALL}, or in a clone with git checkout nn_helpers",
        )  # fmt: skip
    return Finding("formulas", f"{len(ACTIVATIONS)} networks have the gradients of central differences")


def _gradient_error(activation):
    from nn_helpers.gradcheck import numerical_gradient, relative_error
    from nn_helpers.network import ClassificationNet

    rng, y = np.random.default_rng(0), np.array([0, 1, 2])
    net, x = ClassificationNet(4, [5, 4], 3, activation, dtype="float64"), rng.standard_normal((3, 4))
    net.theta = rng.standard_normal(net.theta.size)
    _, dlogits = net.functions["cross_entropy"](net.forward(x), y)
    net.backward(dlogits)
    return relative_error(net.gradient, numerical_gradient(lambda theta: net.loss(x, y), net.theta))


def sketches_work():
    """Whether the built-in images can be drawn, which is all that the lessons need."""
    from nn_helpers.data import sketches

    data = sketches(n_train=10, n_test=10)
    if data.train.images.shape != (10, 32, 32, 3):
        return Finding("sketches", "come out in the wrong shape", TROUBLE, REINSTALL)
    return Finding("sketches", "can be drawn: every lesson works without CIFAR-10 and without a network")


def images():
    """Whether NN_HELPERS_DATA asks for images that there are."""
    from nn_helpers.data import which_images

    try:
        return Finding("images", f'load_images() takes "{which_images()}"')
    except ValueError as error:
        return Finding("images", str(error), TROUBLE, "correct NN_HELPERS_DATA, or unset it")


def cifar10():
    """Whether CIFAR-10 is here, where, and whether it can be read."""
    from nn_helpers.data.cifar10 import WAYS_TO_GET_IT, find_copies, first_good_copy

    named, asked = os.environ.get("CIFAR10_DIR"), os.environ.get("NN_HELPERS_DATA") == "cifar10"
    advice = "python -m nn_helpers data fetches it (170 MB)"
    if named:
        advice = f"correct CIFAR10_DIR, or unset it; {advice}"
    elif os.path.expanduser("~") == "~" and not os.environ.get("NN_HELPERS_CACHE"):
        advice = f"set CIFAR10_DIR to a folder of yours, for there is no home folder; then {advice}"
    if asked:
        advice += "; or unset NN_HELPERS_DATA"
    try:
        if not (named or asked or find_copies()):
            return Finding("CIFAR-10", "not here; the lessons take the sketches", NOTE, advice)
        copy, _, damaged = first_good_copy()
    except (ValueError, OSError) as error:
        found = str(error).removesuffix(WAYS_TO_GET_IT).rstrip()
        return Finding("CIFAR-10", found, TROUBLE if named or asked else NOTE, advice)
    at = copy.absolute()
    if damaged:
        return Finding("CIFAR-10", "\n".join([f"good at {at}, damaged elsewhere:", *damaged]), NOTE)
    return Finding("CIFAR-10", f"found at {at}" + (" (CIFAR10_DIR)" if named else ""))


def disk():
    """Whether temporary files can be made and the cache can be written, and what is free there."""
    from nn_helpers.data import cache_dir

    try:
        with tempfile.TemporaryFile():
            pass
    except OSError as error:
        return Finding(
            "disk", f"no temporary file can be made: {error}", TROUBLE, "free some space, or set TMPDIR"
        )
    try:
        folder = cache_dir()
    except FileNotFoundError as error:
        if os.environ.get("NN_HELPERS_CACHE"):
            return Finding("disk", str(error), TROUBLE, "correct NN_HELPERS_CACHE, or unset it")
        return Finding("disk", str(error), NOTE, "set CIFAR10_DIR to a folder of yours, to fetch CIFAR-10")
    there = _first_that_exists(folder)
    free = shutil.disk_usage(there).free
    text = f"{free / 1e9:.1f} GB free for {folder}"
    if not os.access(there, os.W_OK):
        return Finding(
            "disk", f"{there} cannot be written to", NOTE,
            "lessons work; to fetch CIFAR-10, set CIFAR10_DIR to a folder of yours",
        )  # fmt: skip
    if free < FREE_FOR_CIFAR10:
        return Finding("disk", text, NOTE, "fetching CIFAR-10 takes 400 MB for a while")
    return Finding("disk", text)


def notebooks():
    """Whether the lessons that came with the package were written for this version of it."""
    try:
        lessons = sorted(source_folder().glob("[0-9]*.ipynb"))
    except FileNotFoundError as error:
        return Finding("lessons", str(error), NOTE)
    here, written_for = edition(__version__), {}
    for path in lessons:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if said := STATEMENT.search("".join(cell["source"])):
                written_for[path.name] = said[2]
    others = [f"{name} ({version})" for name, version in written_for.items() if version != here]
    if others:
        return Finding(
            "lessons", f"written for another version than {here}: {', '.join(others)}", TROUBLE,
            "run such a lesson: its first cell says what to do",
        )  # fmt: skip
    return Finding("lessons", f"{len(written_for)}, written for nn_helpers {here}")
