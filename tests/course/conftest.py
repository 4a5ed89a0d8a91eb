"""Questions to try, and a folder of lessons for a learner who has none."""

from pathlib import Path

import pytest

from nn_helpers.course import predictions, questions
from nn_helpers.support import record


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch, tmp_path):
    """The questions of these tests, in a folder of nobody's, in a kernel that has just begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NN_HELPERS_MY_LESSONS", raising=False)
    monkeypatch.setattr(questions, "FOLDER", Path(__file__).parent / "questions")
    record.forget()
    predictions.forget()
    yield
    record.forget()


@pytest.fixture
def home(tmp_path):
    """The current folder, as a learner's own."""
    (tmp_path / record.MARKER).mkdir()
    return tmp_path
