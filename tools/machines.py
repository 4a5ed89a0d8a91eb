"""Play other machines on this one, and run the whole test suite on each: `make machines`.

A machine is a set of conditions, and a condition what one computer has and another has not: old versions,
a C locale, a home that cannot be written. Each machine gets a fresh copy of the tracked files and a virtual
environment, below build/machines/. Before the tests run, every condition is looked for; one that this
system cannot play is named in the table as left out. The time budgets are switched off.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "machines"
ABROAD = "Übungen mit Leerzeichen, θ"
HOME, EIGHT = FOLDER / "home", FOLDER / "eight threads"
SHOWN = ("numpy", "matplotlib", "ipywidgets", "jupyterlab")
BLAS = "__import__('threadpoolctl').threadpool_info()[0]"

# A slow machine may take long, though not for ever; and the test that there are budgets would miss them.
PYTEST = (
    "-p", "no:budgets", "--deselect", "tests/project/test_budgets.py::test_the_budgets_hold_for_this_run",
    "--nbval-cell-timeout=1200", "-p", "no:cacheprovider", "-rfE",
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """What is different on a machine.

    Parameters
    ----------
    says : str
        What the list and the table say.
    holds : str
        A Python expression that is true where it holds; os, sys, locale, socket and Path are there.
    env : dict
        Environment variables to set; None removes one.
    within : tuple of str
        A command that runs the one after it.
    pytest : tuple of str
        Options for pytest.
    """

    says: str
    holds: str = "True"
    env: dict = field(default_factory=dict)
    within: tuple = ()
    pytest: tuple = ()


def unshare(what, setup):
    """Return a command that runs another in a namespace of its own, after `setup` in sh."""
    return ("unshare", "--map-root-user", what, "sh", "-c", f'{setup} && exec "$@"', "sh")


def kernels(name, also=None):
    """Return the condition that OpenBLAS takes the kernels for the processor `name`, or `also` as it says."""
    return Condition(
        f"OpenBLAS for {name}", f"{BLAS}['architecture'] in {(name, also)}", {"OPENBLAS_CORETYPE": name}
    )


def threads(number):
    """Return the condition that OpenBLAS has `number` threads."""
    return Condition(
        f"OPENBLAS_NUM_THREADS={number}",
        f"{BLAS}['num_threads'] == {number}",
        {"OPENBLAS_NUM_THREADS": str(number)},
    )


CONDITIONS = {
    "oldest": Condition("the lowest version of all that is required, on the oldest Python here"),
    "newest": Condition("the highest version of all that is required, on the newest Python here"),
    "1 thread": threads(1),
    "2 threads": threads(2),
    # OpenBLAS takes no more from the environment than there are cores.
    "8 threads": Condition(
        "8 BLAS threads in every process; a lesson takes no more than there are cores",
        f"{BLAS}['num_threads'] == 8",
        {"PYTHONPATH": str(EIGHT)},
    ),
    "Prescott": kernels("Prescott", also="Katmai"),  # they share kernels
    "Haswell": kernels("Haswell"),
    "SkylakeX": kernels("SkylakeX"),
    "path": Condition("a path with spaces and non-ASCII letters", f"Path.cwd().parent.name == {ABROAD!r}"),
    "C locale": Condition(
        "LC_ALL=C, PYTHONCOERCECLOCALE=0",
        "locale.setlocale(locale.LC_CTYPE) == 'C'",
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    ),
    "read-only home": Condition(
        "an empty home that cannot be written, and JUPYTER_DATA_DIR as the doctor advises",
        "not list(Path.home().iterdir()) and os.statvfs(Path.home()).f_flag & os.ST_RDONLY",
        {
            "HOME": str(HOME),
            "JUPYTER_DATA_DIR": str(FOLDER / "jupyter"),
            "XDG_CACHE_HOME": None,
            "XDG_CONFIG_HOME": None,
            "XDG_DATA_HOME": None,
        },
        unshare("--mount", 'mount -t tmpfs -o ro home "$HOME"'),
    ),
    "no network": Condition(
        "no network but the loopback",
        "[name for _, name in socket.if_nameindex()] == ['lo']",
        within=unshare("--net", "ip link set lo up"),
    ),
    "1 core": Condition("1 core", "len(os.sched_getaffinity(0)) == 1", within=("taskset", "-c", "0")),
    "-W error": Condition(
        "PYTHONWARNINGS=error, in kernels and subprocesses too",
        "'error' in sys.warnoptions",
        {"PYTHONWARNINGS": "error"},
    ),
    # pytest turns the asserts of test modules into other code, so they count; it warns that others do not.
    "-O": Condition(
        "PYTHONOPTIMIZE=1: asserts count in test modules, not in lessons, docstrings or modules",
        "not __debug__",
        {"PYTHONOPTIMIZE": "1"},
        pytest=("-W", "ignore:assertions not in test modules:pytest.PytestConfigWarning"),
    ),
}

# Conditions that do not disturb one another share a machine.
MACHINES = {
    "oldest": ("oldest", "Haswell", "2 threads"),
    "newest": ("newest", "SkylakeX"),
    "abroad": ("path", "C locale", "read-only home", "no network", "1 core", "Prescott", "1 thread"),
    "strict": ("-W error", "-O"),
    "crowded": ("8 threads",),  # on fewer cores they wait for one another: this one takes long
    "lessons-10": (),
}
TESTS = {"lessons-10": ["notebooks"]}  # of a machine that does not run them all
TIMES = {"lessons-10": 10}  # how often in a row, where it is not once


def lower_bounds():
    """Return a line such as "numpy==2.0" for every requirement of the lessons and the tests."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for line in lines if line and line[0].isalpha()] + project["optional-dependencies"]["dev"]
    return [
        f"{requirement.name}=={bound.version}"
        for requirement in map(Requirement, wanted)
        for bound in requirement.specifier
        if bound.operator in (">=", "==")
    ]


def python_for(conditions):
    """Return the Python for the machine's environment: this one, or the oldest or newest that runs."""
    if not {"oldest", "newest"} & set(conditions):
        return sys.executable
    names = [f"python3.{minor}" for minor in range(11, 20)]
    for name in names if "oldest" in conditions else reversed(names):
        # A pyenv shim can be on the path and still not run.
        if shutil.which(name) and not subprocess.run([name, "-c", ""], capture_output=True).returncode:
            return shutil.which(name)
    return sys.executable


def version_of(python):
    """Return what a Python says of its version; an empty text when it is not there."""
    if not Path(python).exists():
        return ""
    return subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout


def set_up(conditions, extra):
    """Make the machine's folder: a fresh copy of the tracked files, installed in a .venv; return it."""
    versions = next((name for name in conditions if name in ("oldest", "newest")), "usual")
    folder = FOLDER / (ABROAD if "path" in conditions else "here") / versions
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name != ".venv":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for file in filter(None, tracked.decode().split("\0")):
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)
    constraints = folder.with_name(f"{versions}.txt")
    constraints.write_text("\n".join(lower_bounds() if versions == "oldest" else []), encoding="utf-8")
    python = python_for(conditions)
    if version_of(python) != version_of(python_of(folder)):
        subprocess.run([python, "-m", "venv", "--clear", folder / ".venv"], check=True)
    install = [python_of(folder), "-m", "pip", "install", "-q", "--upgrade", "--upgrade-strategy", "eager"]
    what = ["-r", "requirements.txt", "-e", ".[dev]", *extra, "-c", constraints]
    subprocess.run([*install, *what], cwd=folder, check=True)
    HOME.mkdir(exist_ok=True)
    EIGHT.mkdir(exist_ok=True)
    limit = "import threadpoolctl, numpy\nthreadpoolctl.threadpool_limits(8, user_api='blas')\n"
    (EIGHT / "sitecustomize.py").write_text(limit, encoding="utf-8")
    return folder


def python_of(folder):
    """Return the path of the Python in `folder`'s environment."""
    return folder / ".venv" / "bin" / "python"


def environment(conditions):
    """Return the environment variables on a machine with these conditions."""
    ours = ("PYTHON", "PYTEST_", "OPENBLAS_", "OMP_", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    for condition in conditions:
        variables |= CONDITIONS[condition].env
    return {name: value for name, value in variables.items() if value is not None}


def why_not(condition, folder, env):
    """Return why this system cannot play a `Condition`; an empty text when it can."""
    probe = "import locale, os, socket, sys, numpy; from pathlib import Path\n"
    probe += f"if not ({condition.holds}): sys.exit('it has no effect')"
    try:
        result = subprocess.run(
            [*condition.within, python_of(folder), "-c", probe],
            cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
    except OSError as error:
        return str(error)
    said = result.stderr.strip().rpartition("\n")[2]
    return (said or f"it ends with {result.returncode}") if result.returncode else ""


def run_tests(name, conditions, folder, env, options):
    """Run pytest on the machine; return the counts of its report, and the names of the tests that failed."""
    command = [part for condition in conditions for part in CONDITIONS[condition].within]
    command += [python_of(folder), "-m", "pytest", *PYTEST]
    command += [part for condition in conditions for part in CONDITIONS[condition].pytest]
    if options.processes > 1:
        command += ["-n", str(options.processes), "--dist", "loadfile"]
    command += [f"--ignore={path}" for path in options.skip]
    report = FOLDER / f"{name}.xml"
    report.unlink(missing_ok=True)
    with (FOLDER / f"{name}.log").open("ab") as log:
        status = subprocess.run(
            [*command, f"--junitxml={report}", *(options.tests or TESTS.get(name, []))],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
        ).returncode  # fmt: skip
    counts, failed = Counter(), []
    for case in ET.parse(report).iter("testcase") if report.exists() else []:
        said = {child.tag for child in case}
        outcome = "failed" if said & {"failure", "error"} else "skipped" if "skipped" in said else "passed"
        counts[outcome] += 1
        if outcome == "failed":
            failed.append(f"{case.get('classname')}::{case.get('name')}")
    if status and not failed:
        failed.append(f"pytest ended with {status}")
    return counts, failed


def play(name, options):
    """Run the tests on the machine; return its row of the table, and what failed."""
    wished, began = MACHINES[name], time.perf_counter()
    nothing = [name, describe(name, wished), "–", "–", "–", "–"]
    (FOLDER / f"{name}.log").unlink(missing_ok=True)
    try:
        folder = set_up(wished, options.install)
    except (OSError, subprocess.CalledProcessError) as error:
        return nothing, [f"could not be set up: {error}"]
    if why := why_not(Condition("Python starts", "__import__('nn_helpers')"), folder, environment(wished)):
        return nothing, [f"Python or nn_helpers does not start: {why}"]
    missing = {one: why_not(CONDITIONS[one], folder, environment(wished)) for one in wished}
    played = [condition for condition in wished if not missing[condition]]
    what = [describe(name, played)] if played or not wished else []
    what += [f"left out: {CONDITIONS[one].says} ({why})" for one, why in missing.items() if why]
    if wished and not played:
        return [name, "; ".join(what), "–", "–", "–", "–"], []
    show = "import platform, importlib.metadata as m; print('Python', platform.python_version(), end='')\n"
    show += "".join(f"print(', {name}', m.version('{name}'), end='')\n" for name in SHOWN)
    versions = subprocess.run([python_of(folder), "-c", show], capture_output=True, text=True, check=True)
    counts, failed = Counter(), []
    for _ in range(TIMES.get(name, 1)):
        more, names = run_tests(name, played, folder, environment(played), options)
        counts, failed = counts + more, failed + names
    what += [versions.stdout.strip()]
    numbers = [str(counts[outcome]) for outcome in ("passed", "failed", "skipped")]
    return [name, "; ".join(filter(None, what)), *numbers, f"{time.perf_counter() - began:.0f}"], failed


def describe(name, conditions):
    """Return what is different on the machine with this name and these conditions, in words."""
    often = [f"{TIMES[name]} times in a row"] if name in TIMES else []
    return "; ".join([CONDITIONS[condition].says for condition in conditions] + often)


def main():
    """Play the machines named on the command line, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--list", action="store_true", help="say which machines there are, and stop")
    add("--only", nargs="+", choices=MACHINES, default=list(MACHINES), metavar="NAME", help="default: all")
    add("--tests", nargs="+", metavar="PATH", help="what pytest is given (default: all tests)")
    add("--skip", nargs="+", default=[], metavar="PATH", help="tests to leave out, such as slow ones")
    add("--processes", type=int, default=2, help="how many test side by side (default: 2)")
    add("--install", nargs="+", default=[], metavar="PACKAGE", help="more to install, such as torch")
    options = parser.parse_args()
    if options.list:
        for name, conditions in MACHINES.items():
            print(f"{name:12}", describe(name, conditions))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows, trouble = [["machine", "what differs", "passed", "failed", "skipped", "seconds"], ["---"] * 6], {}
    for name in options.only:
        row, trouble[name] = play(name, options)
        rows.append(row)
        print(*row, *trouble[name], sep="\n  ", flush=True)
    print("", *("| " + " | ".join(row) + " |" for row in rows), sep="\n")
    print(f"\nThe logs: {FOLDER}")
    return int(any(trouble.values()))


if __name__ == "__main__":
    sys.exit(main())
