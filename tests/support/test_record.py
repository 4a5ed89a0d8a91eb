"""The record of what a learner has done: sound lines are read, whatever else is in the file."""

import json
import os
import random
import subprocess
import sys
import time

import pytest

from nn_helpers.support import record

WRITER = """
import sys
from nn_helpers.support import record
for i in range(300):
    record.note("checked", exercise=sys.argv[1], kind="x" * i)
"""


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A folder of a learner's own, and a kernel that has just begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NN_HELPERS_MY_LESSONS", raising=False)
    (tmp_path / record.MARKER).mkdir()
    record.forget()
    yield tmp_path
    record.forget()


def names():
    return [event.event for event in record.read()]


def test_what_is_noted_is_read_again(home):
    record.note("checked", exercise="relu_forward", kind="mistake", mistakes=("built-in-max", "θ"))
    record.note("predicted", question="a", answer="3 \ud800 → ü")
    first, second = record.read()
    assert (first.exercise, first.mistakes, first.right) == ("relu_forward", ("built-in-max", "θ"), None)
    assert second.answer == "3 ? → ü"
    lines = (home / record.FILE).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["v"] for line in lines] == [1, 1]
    assert first.time[10] == "T"
    assert first.time[-6] in "+-"  # with its zone


def test_home_is_the_current_folder_or_the_one_that_is_named(home, monkeypatch):
    assert record.home() == home
    (home / "other").mkdir()
    monkeypatch.chdir(home / "other")
    assert record.home() is None
    for name in ("nowhere", "a\0b", ""):
        monkeypatch.setattr(os, "environ", {"NN_HELPERS_MY_LESSONS": name})
        assert record.home() is None
    monkeypatch.setattr(os, "environ", {"NN_HELPERS_MY_LESSONS": str(home)})
    assert record.home() == home


def test_without_a_home_nothing_is_written(home):
    (home / record.MARKER).rmdir()
    record.note("hint", exercise="softmax")
    assert names() == ["hint"]
    assert list(home.iterdir()) == []
    record.forget()
    assert record.read() == []


def test_a_line_that_was_cut_off_costs_no_other(home):
    (home / record.FILE).write_bytes(b'{"v": 1, "event": "hint"}\n{"v": 1, "eve')
    record.note("solution")
    assert names() == ["hint", "solution"]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"null", b"[]", b"1", b"{}", b'{"event": "hint"}', b'{"v": "1", "event": "hint"}', b'{"v": 1}',
        b"\xff", b'{"v": 1, "event": 3}', b'{"v": 1, "event": "hint", "exercise": ["a"]}', b"[" * 100_000,
        b"\0" * 100,
        b'{"v": 1, "event": "hint", "right": "no"}', b'{"v": 1, "event": "checked", "mistakes": 3}',
        b'{"v": 1, "event": "checked", "mistakes": [[]]}',
        b'{"v": 1, "event": "hint", "time": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_event_is_passed_over(home, line):
    sound = b'{"v": 1, "event": "begun", "lesson": "02"}'
    (home / record.FILE).write_bytes(b"\n".join([sound, line, sound]))
    assert names() == ["begun", "begun"]


def test_a_later_version_may_say_more(home):
    (home / record.FILE).write_bytes(b'{"v": 2, "event": "begun", "lesson": "02", "mood": [1]}\n')
    assert record.read() == [record.Event("begun", lesson="02", v=2)]


def test_ten_thousand_damaged_records_can_be_read(home):
    rng = random.Random(0)
    for number in range(20):
        record.note("checked", exercise=f"e{number}", kind="mistake", mistakes=("a", "b"), lesson="01")
    sound = (home / record.FILE).read_bytes()
    whole, lines = set(record.read()), sound.splitlines(keepends=True)
    for _ in range(100):  # files, with a hundred damaged pieces in each
        text = b""
        for _ in range(100):
            damaged = bytearray(b"".join(rng.sample(lines, 2)))
            for _ in range(rng.randrange(1, 4)):
                place = rng.randrange(len(damaged))
                damaged[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
            text += damaged[: rng.randrange(len(damaged) + 1)] + b"\n" + lines[0]
        (home / record.FILE).write_bytes(text)
        found = record.read()
        assert sum(event in whole for event in found) >= 100
        assert all(isinstance(event, record.Event) for event in found)


def test_two_who_write_at_once_lose_nothing(home):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    found = record.read()
    for name in ("a", "b"):
        assert [len(event.kind) for event in found if event.exercise == name] == list(range(300))


def test_a_huge_record_is_read_from_its_end(home):
    record.note("begun")
    with (home / record.FILE).open("r+b") as file:
        file.truncate(1 << 30)
    record.note("hint")
    began = time.perf_counter()
    assert names() == ["hint"]
    assert time.perf_counter() - began < 2


# Where nothing can be written


@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "folder", "link to nowhere"])
def test_only_a_plain_file_is_read_and_written(home, kind, capsys):
    other, path = home / "somebody's.jsonl", home / record.FILE
    other.write_bytes(b'{"v": 1, "event": "foreign"}\n')
    if kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no pipes with names here")
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        make = os.link if kind == "second name" else os.symlink
        try:
            make(home / "nowhere" if kind == "link to nowhere" else other, path)
        except OSError:
            pytest.skip("no links here")
    for _ in range(3):
        record.note("hint")
    assert names() == ["hint"] * 3  # in memory
    assert other.read_bytes() == b'{"v": 1, "event": "foreign"}\n'
    assert not (home / "nowhere").exists()
    said = capsys.readouterr().err
    assert said.count("What you do now is not kept") == said.count("\n") == 1


def test_a_read_only_folder_is_said_once(home, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(record, "open_plain", refuse)
    record.note("hint")
    record.note("solution")
    assert names() == ["hint", "solution"]
    assert capsys.readouterr().err.count("Permission denied") == 1


def test_a_full_disk_leaves_what_is_there(home, monkeypatch, capsys):
    record.note("begun")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:5]))
    record.note("hint")
    monkeypatch.undo()
    monkeypatch.chdir(home)
    record.note("solution")
    assert sorted(names()) == ["begun", "hint", "solution"]
    assert "No space left" in capsys.readouterr().err
