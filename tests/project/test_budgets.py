"""The time budgets: what counts, what a slow or busy machine changes, and that too long a run fails."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import budgets
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

TESTS = {
    "notebooks/a.ipynb::Cell 0": 10.0,
    "notebooks/a.ipynb::Cell 1": 4.0,
    "notebooks/b.ipynb::Cell 0": 6.0,
}
OTHER = {"tests/test_x.py::test_lesson.ipynb": 1000.0}


def rows(tests=TESTS, run=100.0, processes=2, loops=(0.2,)):
    return {what.split()[0]: row for what, *row in budgets.compare(tests, run, processes, loops)}


def test_a_lesson_takes_what_its_cells_take_and_no_other_test_counts():
    assert budgets.lesson_times(TESTS | OTHER) == {"notebooks/a.ipynb": 14.0, "notebooks/b.ipynb": 6.0}
    assert rows(TESTS | OTHER)["all"] == [20.0, 20.0 / 0.2, budgets.LESSONS]


def test_the_slowest_cell_is_named():
    _, (what, seconds, times, budget), _ = budgets.compare(TESTS, 100.0, 2, [0.2])
    assert what == "slowest cell notebooks/a.ipynb::Cell 0"
    assert (seconds, times, budget) == (10.0, 10.0 / 0.2, budgets.CELL)


def test_one_process_may_take_twice_as_long_as_two():
    assert rows(processes=2)["the"] == [100.0, 100.0 / 0.2, budgets.RUN]
    assert rows(processes=1)["the"][2] == 2 * budgets.RUN
    assert rows(processes=8)["the"][2] == budgets.RUN


def test_on_a_machine_twice_as_slow_the_ratios_are_the_same():
    slow = rows({test: 2 * seconds for test, seconds in TESTS.items()}, 200.0, 2, [0.4])
    assert [row[1:] for row in slow.values()] == [row[1:] for row in rows().values()]


def test_a_moment_when_the_machine_was_busy_or_idle_does_not_count():
    assert rows(loops=[0.2, 0.2, 0.2, 5.0, 0.01]) == rows()


def test_a_run_without_lessons_exceeds_no_lessons_budget():
    assert [row[0] for row in rows(OTHER).values()] == [0.0, 0.0, 100.0]


def test_the_budgets_hold_for_this_run(request):
    assert isinstance(request.config.pluginmanager.get_plugin("budgets"), budgets.Budgets)


def report(test, seconds, when="call", loop=None):
    properties = [] if loop is None else [("calibration loop", loop)]
    return SimpleNamespace(nodeid=test, duration=seconds, when=when, user_properties=properties)


def exit_status(lesson_seconds, exitstatus=pytest.ExitCode.OK, **config):
    """Return the exit status of a run whose lesson of ten cells takes this long, with a loop of 0.2 s."""
    collected = budgets.Budgets(SimpleNamespace(option=SimpleNamespace(), **config))
    for cell in range(10):
        test = f"notebooks/a.ipynb::Cell {cell}"
        collected.pytest_runtest_logreport(
            report(test, lesson_seconds / 10, loop=1e9)
        )  # counts at teardown only
        collected.pytest_runtest_logreport(report(test, 0.0, "teardown", loop=0.2))
    session = SimpleNamespace(exitstatus=exitstatus)
    collected.pytest_sessionfinish(session, exitstatus)
    return session.exitstatus


def test_a_run_fails_from_the_budget_on():
    assert exit_status(0.99 * 0.2 * budgets.LESSONS) == pytest.ExitCode.OK
    assert exit_status(1.01 * 0.2 * budgets.LESSONS) == pytest.ExitCode.TESTS_FAILED


def test_what_went_wrong_otherwise_is_still_said():
    assert exit_status(1e6, pytest.ExitCode.INTERRUPTED) == pytest.ExitCode.INTERRUPTED


def test_only_the_process_that_has_all_reports_decides():
    assert exit_status(1e6, workerinput={}) == pytest.ExitCode.OK


CONFTEST = """
import os, sys
sys.path.insert(0, {folder!r})
import budgets

budgets.CELL = float(os.environ["CELL"])
budgets.PAUSE = 0
budgets.loop = lambda: 0.2

def pytest_configure(config):
    config.pluginmanager.register(budgets.Budgets(config), "budgets")
"""


@pytest.mark.parametrize(
    ("options", "cell", "status"),
    [(["-n", "1", "--dist", "loadfile"], 0.0, 1), ([], 1e6, 0)],
    ids=["too long, in a worker", "fast enough, without workers"],
)
def test_pytest_says_how_long_a_lesson_took_and_exits_accordingly(tmp_path, options, cell, status):
    if options:
        pytest.importorskip("xdist")
    folder = str(Path(budgets.__file__).parent)
    (tmp_path / "conftest.py").write_text(CONFTEST.format(folder=folder), encoding="utf-8")
    cells = [new_code_cell("x = 1"), new_code_cell("x += 1")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "lesson.ipynb")
    # These plugins and no others, which take longer to load than the lesson takes.
    plugins = ["-p", "nbval.plugin", *(["-p", "xdist.plugin"] if options else [])]
    command = [sys.executable, "-m", "pytest", *plugins, "--nbval", "--nbval-current-env"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"CELL": str(cell), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options, "."],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == status, run.stdout
    assert " s  lesson.ipynb\n" in run.stdout
    assert "   0.20 s  the calibration loop, median of 2\n" in run.stdout
    assert ("loops, budget 0: TOO LONG" in run.stdout) == bool(status)
