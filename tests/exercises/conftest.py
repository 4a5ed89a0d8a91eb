"""Most tests let `check` judge in this process, which is the faster way; those of the other say so."""

import logging

import pytest

from nn_helpers.exercises.checking import copied_process

COPIES = copied_process.COPIES


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Judge here, unless a test asks for `copies`."""
    monkeypatch.setattr(copied_process, "COPIES", False)


@pytest.fixture
def copies(in_this_process, monkeypatch):
    """Let a copy of the process judge, where there are copies."""
    if not COPIES:
        pytest.skip("this system makes no copies of a process that can compute")
    monkeypatch.setattr(copied_process, "COPIES", True)


class Raise(logging.Handler):
    """Raises what is logged."""

    def emit(self, record):
        raise AssertionError(record.getMessage())


@pytest.fixture(autouse=True)
def faults_of_the_judging_are_seen(request):
    """Let an error in our own judging fail the test, where a learner gets a sentence."""
    log, handler = logging.getLogger("nn_helpers.exercises"), Raise()
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    yield
    log.removeHandler(handler)
    log.setLevel(before)
