"""Other machines: what tools/machines.py plays, what it reads, and that it says what it left out."""

import importlib.util
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("machines", ROOT / "tools" / "machines.py")
machines = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = machines  # where dataclasses look
spec.loader.exec_module(machines)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Machines of this very Python, with nothing to copy and to install."""
    monkeypatch.setattr(machines, "FOLDER", tmp_path)
    monkeypatch.setattr(machines, "set_up", lambda conditions, extra: tmp_path)
    monkeypatch.setattr(machines, "python_of", lambda folder: sys.executable)
    return tmp_path


def test_every_condition_is_played_on_a_machine():
    assert {name for conditions in machines.MACHINES.values() for name in conditions} == set(
        machines.CONDITIONS
    )


def test_the_oldest_versions_are_the_lower_bounds_of_what_is_required():
    oldest = machines.lower_bounds()
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for line in re.findall(r"^[a-z].*", requirements, re.M):
        wanted = Requirement(line)
        (version,) = (pin.partition("==")[2] for pin in oldest if pin.startswith(f"{wanted.name}=="))
        assert version in line
        assert wanted.specifier.contains(version)
    assert any(pin.startswith("hypothesis==") for pin in oldest)
    assert len(oldest) == len({pin.partition("==")[0] for pin in oldest})


@pytest.mark.parametrize(
    "condition",
    [
        machines.Condition("a missing tool", within=("no such command",)),
        machines.Condition("a tool that may not", within=(sys.executable, "-c", "raise SystemExit(1)")),
        machines.Condition("a setting without effect", holds="os.environ.get('NN_HELPERS_X') == 'y'"),
    ],
    ids=lambda condition: condition.says,
)
def test_a_condition_that_cannot_be_played_is_left_out_and_named(here, monkeypatch, condition):
    monkeypatch.setitem(machines.CONDITIONS, "impossible", condition)
    monkeypatch.setitem(machines.CONDITIONS, "easy", machines.Condition("this", env={"NN_HELPERS_X": "x"}))
    monkeypatch.setitem(machines.MACHINES, "other", ("impossible", "easy"))
    monkeypatch.setitem(machines.MACHINES, "none", ("impossible",))
    played = []
    monkeypatch.setattr(
        machines,
        "run_tests",
        lambda name, conditions, *_: (machines.Counter(), played.append(conditions) or []),
    )
    row, _ = machines.play("other", Namespace(install=[]))
    assert f"this; left out: {condition.says} (" in row[1]
    assert played == [["easy"]]
    row, _ = machines.play("none", Namespace(install=[]))
    assert row[1].startswith(f"left out: {condition.says} (")
    assert row[2:] == ["–"] * 4
    assert len(played) == 1


def test_a_machine_on_which_python_does_not_start_has_failed(here, monkeypatch):
    broken = machines.Condition("no standard library", env={"PYTHONHOME": str(here)})
    monkeypatch.setitem(machines.CONDITIONS, "broken", broken)
    monkeypatch.setitem(machines.MACHINES, "other", ("broken",))
    row, (trouble,) = machines.play("other", Namespace(install=[]))
    assert row == ["other", "no standard library", "–", "–", "–", "–"]
    assert "does not start" in trouble


def test_a_machine_that_cannot_be_set_up_still_says_what_differs(monkeypatch, here):
    monkeypatch.setattr(machines, "set_up", lambda *_: (here / "missing").read_text())
    row, (trouble,) = machines.play("lessons-10", Namespace(install=[]))
    assert row == ["lessons-10", "the lessons, 10 times in a row", "–", "–", "–", "–"]
    assert "could not be set up" in trouble


TESTS = """
import os, pytest
def test_set(): assert os.environ["NN_HELPERS_X"] == "x"
def test_wrong(): assert not os.environ["NN_HELPERS_X"]
def test_skipped(): pytest.skip("not here")
"""


def test_what_pytest_reports_is_counted_and_failures_are_named(here, monkeypatch):
    quick = {"NN_HELPERS_X": "x", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    monkeypatch.setitem(machines.CONDITIONS, "quick", machines.Condition("this", env=quick))
    monkeypatch.setattr(machines, "PYTEST", ("-p", "no:cacheprovider", "-rfE", "--durations=0"))
    monkeypatch.setitem(machines.MACHINES, "other", ("quick",))
    (here / "test_it.py").write_text(TESTS, encoding="utf-8")
    row, failed = machines.play("other", Namespace(install=[], pytest=["test_it.py"]))
    assert row[1].startswith("this; Python ")
    assert row[2:5] == ["1", "1", "1"]
    assert failed == ["test_it.py::test_wrong"]
    row, failed = machines.play("other", Namespace(install=[], pytest=["nowhere.py"]))
    assert (row[2:5], failed) == (["0", "0", "0"], ["pytest ended with 4"])


def test_ten_times_stops_at_the_first_failure(tmp_path):
    for status, times in ((0, 10), (3, 1)):
        count = tmp_path / str(status)
        command = [*machines.TEN_TIMES, "sh", "-c", f"echo x >> '{count}'; exit {status}"]
        assert subprocess.run(command, check=False).returncode == status
        assert len(count.read_text().splitlines()) == times
