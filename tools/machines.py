"""Play other machines on this one, and run the whole test suite on each: `make machines`.

A machine is a set of conditions, and a condition what one computer has and another has not: old versions,
a C locale, a home that cannot be written. Each machine gets a fresh copy of what git has staged and a virtual
environment, below build/machines/. Before the tests run, every condition is looked for; one that this
system cannot play is named in the table as left out. The time budgets are switched off.

CI tries systems and versions of Python; kernels of BLAS, kinds of homes and networks no library plays.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "machines"
ABROAD = "Übungen mit Leerzeichen, θ"
HOME, EIGHT = FOLDER / "home", FOLDER / "eight threads"
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


def blas(variable, value, *holds):
    """Return the condition that OpenBLAS takes a variable: it then says one of the values in `holds`."""
    says = "num_threads" if "THREADS" in variable else "architecture"
    return Condition(f"{variable}={value}", f"{BLAS}[{says!r}] in {holds}", {variable: str(value)})


TEN_TIMES = ("sh", "-c", 'for _ in 1 2 3 4 5 6 7 8 9 10; do "$@" || exit; done', "sh")
NO_HOME = {
    "HOME": str(HOME), "JUPYTER_DATA_DIR": str(FOLDER / "jupyter"),
    "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None,
}  # fmt: skip
CONDITIONS = {
    "oldest": Condition("the lowest version of all that is required, on the oldest Python here"),
    "newest": Condition("the highest version of all that is required, on the newest Python here"),
    "1 thread": blas("OPENBLAS_NUM_THREADS", 1, 1),
    "2 threads": blas("OPENBLAS_NUM_THREADS", 2, 2),
    # OpenBLAS takes no more from the environment than there are cores.
    "8 threads": Condition("8 BLAS threads in every process; a lesson takes no more than there are cores",
        f"{BLAS}['num_threads'] == 8", {"PYTHONPATH": str(EIGHT)}),
    "Prescott": blas("OPENBLAS_CORETYPE", "Prescott", "Prescott", "Katmai"),  # they share kernels
    "Haswell": blas("OPENBLAS_CORETYPE", "Haswell", "Haswell"),
    "SkylakeX": blas("OPENBLAS_CORETYPE", "SkylakeX", "SkylakeX"),
    "path": Condition("a path with spaces and non-ASCII letters", f"Path.cwd().parent.name == {ABROAD!r}"),
    "C locale": Condition("LC_ALL=C, PYTHONCOERCECLOCALE=0", "locale.setlocale(locale.LC_CTYPE) == 'C'",
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}),
    "read-only home": Condition(
        "an empty home that cannot be written, and JUPYTER_DATA_DIR as the doctor advises",
        "not list(Path.home().iterdir()) and os.statvfs(Path.home()).f_flag & os.ST_RDONLY",
        NO_HOME, unshare("--mount", 'mount -t tmpfs -o ro home "$HOME"')),
    "no network": Condition(
        "no network but the loopback", "[name for _, name in socket.if_nameindex()] == ['lo']",
        within=unshare("--net", "ip link set lo up")),
    "1 core": Condition("1 core", "len(os.sched_getaffinity(0)) == 1", within=("taskset", "-c", "0")),
    "-W error": Condition(
        "PYTHONWARNINGS=error, in kernels and subprocesses too", "'error' in sys.warnoptions",
        {"PYTHONWARNINGS": "error"}),
    # pytest turns the asserts of test modules into other code, so they count; it warns that others do not.
    "-O": Condition("PYTHONOPTIMIZE=1: asserts count in test modules, not in lessons, docstrings or modules",
        "not __debug__", {"PYTHONOPTIMIZE": "1"},
        pytest=("-W", "ignore:assertions not in test modules:pytest.PytestConfigWarning")),
    "10 times": Condition("the lessons, 10 times in a row", within=TEN_TIMES, pytest=("notebooks",)),
}  # fmt: skip

# Conditions that do not disturb one another share a machine.
MACHINES = {
    "oldest": ("oldest", "Haswell", "2 threads"),
    "newest": ("newest", "SkylakeX"),
    "abroad": ("path", "C locale", "read-only home", "no network", "1 core", "Prescott", "1 thread"),
    "strict": ("-W error", "-O"),
    "crowded": ("8 threads",),  # on fewer cores they wait for one another: this one takes long
    "lessons-10": ("10 times",),
}


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


def set_up(conditions, extra):
    """Make the machine's folder: a fresh copy of what git has staged, installed in a .venv; return it."""
    versions = next((name for name in conditions if name in ("oldest", "newest")), "usual")
    folder = FOLDER / (ABROAD if "path" in conditions else "here") / versions
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={folder}/"], cwd=ROOT, check=True)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lower_bounds() if versions == "oldest" else []), encoding="utf-8")
    subprocess.run([python_for(conditions), "-m", "venv", folder / ".venv"], check=True)
    what = ["-r", "requirements.txt", "-e", ".[dev]", *extra, "-c", constraints]
    subprocess.run([python_of(folder), "-m", "pip", "install", "-q", *what], cwd=folder, check=True)
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
    command += options.pytest or ["-n", "2", "--dist", "loadfile"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    result = subprocess.run(
        command, cwd=folder, env=env, **pipe, encoding="utf-8", errors="replace", check=False
    )
    with (FOLDER / f"{name}.log").open("a", encoding="utf-8") as log:
        log.write(result.stdout)
    summary = result.stdout.rpartition("= short test summary info =")[2]
    failed = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", summary, re.M)
    last = result.stdout.rstrip().rpartition("\n")[2]
    counts = Counter({outcome: int(count) for count, outcome in re.findall(r"(\d+) (\w+?)s?\b", last)})
    counts["failed"] += counts["error"]
    return counts, failed or [f"pytest ended with {result.returncode}"] * bool(result.returncode)


def play(name, options):
    """Run the tests on the machine; return its row of the table, and what failed."""
    conditions, began, nothing = MACHINES[name], time.perf_counter(), ["–"] * 4
    (FOLDER / f"{name}.log").unlink(missing_ok=True)
    try:
        folder = set_up(conditions, options.install)
    except (OSError, subprocess.CalledProcessError) as error:
        return [name, describe(conditions), *nothing], [f"could not be set up: {error}"]
    show = (
        "import sys, numpy, nn_helpers; print(f'Python {sys.version.split()[0]}, numpy {numpy.__version__}')"
    )
    versions = subprocess.run(
        [python_of(folder), "-c", show],
        env=environment(conditions),
        capture_output=True,
        text=True,
        check=False,
    )
    if versions.returncode:
        why = versions.stderr.strip().rpartition("\n")[2]
        return [name, describe(conditions), *nothing], [f"Python or nn_helpers does not start: {why}"]
    missing = {one: why_not(CONDITIONS[one], folder, environment(conditions)) for one in conditions}
    played = [condition for condition in conditions if not missing[condition]]
    left_out = [f"left out: {CONDITIONS[one].says} ({why})" for one, why in missing.items() if why]
    if not played:
        return [name, "; ".join(left_out), *nothing], []
    counts, failed = run_tests(name, played, folder, environment(played), options)
    numbers = [str(counts[outcome]) for outcome in ("passed", "failed", "skipped")]
    what = "; ".join([describe(played), *left_out, versions.stdout.strip()])
    return [name, what, *numbers, f"{time.perf_counter() - began:.0f}"], failed


def describe(conditions):
    """Return what is different on a machine with these conditions, in words."""
    return "; ".join(CONDITIONS[condition].says for condition in conditions)


def main():
    """Play the machines named on the command line, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--list", action="store_true", help="say which machines there are, and stop")
    add("--only", nargs="+", choices=MACHINES, default=list(MACHINES), metavar="NAME", help="default: all")
    add("--install", nargs="+", default=[], metavar="PACKAGE", help="more to install, such as torch")
    add("--pytest", nargs=argparse.REMAINDER, help="all that follows goes to pytest, in place of all tests")
    options = parser.parse_args()
    if options.list:
        for name, conditions in MACHINES.items():
            print(f"{name:12}", describe(conditions))
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
