"""Time budgets of the test run: all lessons, a cell, everything. A run that exceeds one fails.

A budget is not in seconds, which would mean something else on every machine, but in loops of fixed work.
The loop runs between the tests, again and again, and its median counts: on a slow or busy machine it takes
longer too.
"""

import statistics
import time
from collections import Counter

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

# On the machine where the budgets were agreed on (2 cores; AMD EPYC), with tests on both, the loop takes
# 0.20 s. There all lessons may take 150 s together, whichever core they run on: 150 / 0.20 = 750 loops.
# Training waits for memory and the loop does not, so other machines take more.
LESSONS = 750
CELL = 75  # 15 s; the first cell of a lesson includes the start of its kernel
RUN = 2400  # 8 min for everything, in two processes; twice that in one

PAUSE = 100  # from one loop to the next, in loops: 1 % of the run


def loop():
    """Do a fixed amount of work, half of it NumPy's and half Python's; return how many seconds it took."""
    x, W, total = np.ones((8, 3072)), np.ones((3072, 100)), 0
    began = time.perf_counter()
    with threadpool_limits(1, user_api="blas"):
        for _ in range(470):
            x @ W
            W *= 0.999
    for i in range(3_000_000):
        total += i % 7
    return time.perf_counter() - began


def lesson_times(tests):
    """Return the seconds of each lesson, from those of every test by its id: ``lesson.ipynb::Cell 3``."""
    lessons = Counter()
    for cell, seconds in cells(tests).items():
        lessons[cell.partition("::")[0]] += seconds
    return lessons


def cells(tests):
    """Return the seconds of the lessons' cells alone."""
    return {test: seconds for test, seconds in tests.items() if test.partition("::")[0].endswith(".ipynb")}


def compare(tests, run, processes, loops):
    """Return each budget as (what, seconds taken, the same in loops, loops allowed)."""
    unit = statistics.median(loops)
    slowest = max(cells(tests).items(), key=lambda item: item[1], default=("", 0.0))
    taken = [
        ("all lessons", sum(lesson_times(tests).values()), LESSONS),
        (f"slowest cell {slowest[0]}".rstrip(), slowest[1], CELL),
        ("the whole run", run, RUN * 2 / min(processes, 2)),
    ]
    return [(what, seconds, seconds / unit, budget) for what, seconds, budget in taken]


class Budgets:
    """Collects times during a run, prints them at its end, and fails a run that took too long.

    With pytest-xdist this runs in every process: tests and loops in the workers, the rest in the controller,
    where the workers' reports arrive.
    """

    def __init__(self, config):
        self.worker = hasattr(config, "workerinput")
        self.processes = max(1, getattr(config.option, "numprocesses", None) or 1)
        self.began, self.next_loop = time.perf_counter(), 0.0
        self.tests, self.loops, self.compared = Counter(), [], []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item):
        """Run the loop now and then, before a test outside its time, and send it with the report."""
        if time.perf_counter() >= self.next_loop:
            seconds = loop()
            item.user_properties.append(("calibration loop", seconds))
            self.next_loop = time.perf_counter() + PAUSE * seconds

    def pytest_runtest_logreport(self, report):
        self.tests[report.nodeid] += report.duration
        if report.when == "teardown":
            self.loops += [value for name, value in report.user_properties if name == "calibration loop"]

    def pytest_sessionfinish(self, session, exitstatus):
        if self.worker or not self.loops:
            return
        self.compared = compare(self.tests, time.perf_counter() - self.began, self.processes, self.loops)
        if self.exceeded and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def exceeded(self):
        return [row for row in self.compared if row[2] > row[3]]

    def pytest_terminal_summary(self, terminalreporter):
        lessons = lesson_times(self.tests)
        if not self.compared or not (lessons or self.exceeded):
            return
        terminalreporter.section("time of the lessons")
        for lesson, seconds in sorted(lessons.items()):
            terminalreporter.line(f"{seconds:7.2f} s  {lesson}")
        unit = statistics.median(self.loops)
        terminalreporter.line(f"{unit:7.2f} s  the calibration loop, median of {len(self.loops)}")
        for what, seconds, times, budget in self.compared:
            over = times > budget
            terminalreporter.line(
                f"{seconds:7.2f} s  {what}: {times:.0f} loops, budget {budget:.0f}{': TOO LONG' * over}",
                red=over,
            )
