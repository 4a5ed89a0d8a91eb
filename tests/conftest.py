"""Settings for all tests: the same examples on every machine, however slow it is."""

import gc
import os
import signal

import hypothesis
import pytest
from budgets import Budgets

pytest.register_assert_rewrite("runs")

IN_A_BROWSER = "tests/widgets/in_a_browser/"
# What takes longest; the lessons last of it, as a browser beside them takes more than its half of two cores.
FIRST = IN_A_BROWSER, "tests/course/test_learner.py", "tests/widgets/", "tests/exercises/", "notebooks/"

# Python ignores Ctrl-C if it was started in the background, as with `make test &`, but tests press it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Two processes test side by side; with two threads for products each, they would mostly wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("NN_HELPERS_DATA", None)  # lessons are checked with the sketches, as they were saved
os.environ.pop("NN_HELPERS_MY_LESSONS", None)  # and write to nobody's work copy
hypothesis.settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("deterministic")


def pytest_configure(config):
    config.pluginmanager.register(Budgets(config), "budgets")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Take the half a million objects of collected tests and their imports from the garbage collector.

    It would look through all of them again and again, in tests of what is left of a widget for seconds.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: two processes then end at about the same time."""

    def rank(item):
        return next((i for i, place in enumerate(FIRST) if item.nodeid.startswith(place)), len(FIRST))

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep that order, and let one process test all that needs a browser: one for all of it."""
    if config.option.dist != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return IN_A_BROWSER if nodeid.startswith(IN_A_BROWSER) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)
