"""What a learner has done: a line of JSON for each event, in the folder of their lessons only."""

import errno
import functools
import json
import os
import sys
from collections import deque
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from nn_helpers.support.files import open_plain

FILE = "record.jsonl"
MARKER = ".nn_helpers"  # a folder in the learner's lessons, and in no other
VERSION = 1
LARGEST = 8_000_000  # bytes: of a longer record, the end is read
_here = deque(maxlen=10_000)  # what this kernel could not write, or need not
_refused = []  # whether it has said so


class Event(NamedTuple):
    """A line of the record; what does not apply is empty.

    An event is "begun" or "finished" (a lesson), "reset" (a lesson, or "all"), "predicted", "revealed",
    "recalled", "quizzed" (a question), "checked", "hint" or "solution" (an exercise), "treated" (a case of
    the clinic, as "clinic(3)": its `kind` is "named" or "mended").
    """

    event: str
    time: str = ""
    lesson: str = ""
    question: str = ""
    answer: str = ""
    truth: str = ""
    case: str = ""
    right: bool | None = None
    exercise: str = ""
    kind: str = ""
    mistakes: tuple[str, ...] = ()
    v: int = VERSION


class Record(NamedTuple):
    """What a file holds: sound events, how many lines are none, and whether older lines were not read."""

    events: list
    damaged: int
    cut: bool


def home():
    """Return the folder of the learner's lessons, or None where none are: that has no record."""
    with suppress(OSError, ValueError):  # the current folder is gone; no path
        if os.path.isdir(MARKER):
            return Path.cwd()
        named = os.environ.get("NN_HELPERS_MY_LESSONS")
        if named and os.path.isdir(named):
            return Path(named).absolute()
    return None


def note(event, **what):
    """Put an event on record; without a home, in this kernel's memory.

    Parameters
    ----------
    event : str
    **what
        The other fields of `Event`.
    """
    folder, now = home(), datetime.now().astimezone().isoformat(timespec="seconds")
    what = {name: value for name, value in what.items() if value not in (None, "", ())}
    line = json.dumps({"v": VERSION, "time": now, "event": event, **what}, ensure_ascii=False)
    try:
        if folder is not None:
            _append(folder / FILE, line.encode("utf-8", "replace") + b"\n")
            return
    except OSError as error:
        if not _refused:
            _refused.append(True)
            reason = error.strerror or error
            print(
                f"What you do now is not kept: {folder / FILE} cannot be written ({reason}).", file=sys.stderr
            )
    _here.append(_event(line.encode("utf-8", "replace")))


def read():
    """Return all sound events, the oldest first; damaged lines are passed over."""
    events, folder = [], home()
    if folder is not None:
        with suppress(OSError):  # there is none yet, or it is no file
            events = read_from(folder / FILE, _known).events
    return events + list(_here)


def read_from(path, event_of=None):
    """Return the `Record` that a file holds, of a long one the end.

    Raises
    ------
    OSError
        If it cannot be read, or is a link, a pipe or a device.
    """
    content, cut = _end_of(path)
    lines = [line for line in content.split(b"\n") if line.strip()]
    events = [event for event in map(event_of or _event, lines) if event]
    return Record(events, len(lines) - len(events), cut)


def since_reset(events, lesson):
    """Return the events since a lesson was last begun anew."""
    resets = (
        i for i, event in enumerate(events) if event.event == "reset" and event.lesson in (lesson, "all")
    )
    return events[max(resets, default=-1) + 1 :]


def forget():
    """Forget what is only in this kernel's memory."""
    _here.clear()
    _refused.clear()


def _append(path, line):
    descriptor = open_plain(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    try:
        if os.fstat(descriptor).st_size:
            os.lseek(descriptor, -1, os.SEEK_END)
            line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _end_of(path):
    """Return a file's content, or the last `LARGEST` bytes of it, and whether there are more."""
    with open(open_plain(path), "rb") as file:
        start = max(0, os.fstat(file.fileno()).st_size - LARGEST)
        file.seek(start)
        if start:
            file.readline()
        return file.read(LARGEST), start > 0


def _event(line):
    """Return a line as an `Event`, or None for one that is none; fields of later versions are passed over."""
    try:
        found = json.loads(line)
        if not (isinstance(found, dict) and isinstance(found.get("v"), int)):
            return None
        fields = {name: found[name] for name in Event._fields if name in found}
        if "mistakes" in fields:
            fields["mistakes"] = tuple(fields["mistakes"])
        event = Event(**fields)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = [*event[: Event._fields.index("right")], event.exercise, event.kind, *event.mistakes]
    return event if all(isinstance(t, str) for t in texts) and event.right in (None, True, False) else None


_known = functools.lru_cache(maxsize=20_000)(_event)  # one's own lines are read again and again
