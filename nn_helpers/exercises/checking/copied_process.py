"""Judge in a copy of this process, which can be ended whatever it does.

A loop inside Python's or NumPy's own C code, such as ``sum(range(10**10))``, keeps all threads of its
process waiting, and not even the notebook's ■ can stop it. Nor is there another way to be rid of a function
that takes all memory, or that crashes. So a copy of the process, made by ``fork``, judges and reports by a
pipe.

Only Linux makes copies that can compute: on macOS the system's own libraries do not survive a fork, and
Windows has none. There a function runs in a thread, and such a loop needs Kernel → Restart.
"""

import json
import math
import os
import select
import signal
import sys
import time
import warnings
from contextlib import suppress

COPIES = sys.platform == "linux"
SILENCE = 2.5  # seconds without a sign of life, on a machine as fast as that of the limits
MEMORY = 2**30  # bytes that a copy may take beyond what it began with
LONGEST_ANSWER = 2**24  # bytes


class CopyEnded(Exception):  # noqa: N818 - not an error of ours
    """The copy gave no answer: it took too long ("time"), too much memory, or came to an "end"."""


def in_a_copy(task, silence=SILENCE, longest=math.inf, confine=None):
    """Return ``task(beat)`` as a copy of this process computes it: what JSON can hold.

    The task calls ``beat()`` as long as it is alive, at least once in `silence` seconds, and ends within the
    `longest` time. Before it begins, ``confine(report)`` may shut the copy in, all but that descriptor.

    Raises
    ------
    CopyEnded
    OSError
        No copy could be made.
    """
    _let_history_be_saved()
    answer, report = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # ■ is not for the copy, at no moment
    try:
        pid = _fork()
        if pid == 0:
            _be_the_copy(task, report, confine)
    except BaseException:
        os.close(answer)
        raise
    finally:
        os.close(report)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    try:
        return json.loads(_listen(answer, pid, silence, longest))
    finally:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # somebody has seen to all of them
            os.waitpid(pid, 0)
        os.close(answer)


def _let_history_be_saved():
    """Wait until IPython's thread that saves the history has heard that there is something to save.

    From version 9.11 on, IPython stops this thread before a fork, and waits until it has ended. A thread that
    was called a moment ago would miss that and sleep on: the notebook would wait without end, deaf to ■.
    """
    ipython = sys.modules.get("IPython")
    history = getattr(ipython and ipython.get_ipython(), "history_manager", None)
    thread, called = (getattr(history, name, None) for name in ("save_thread", "save_flag"))
    while thread and called and called.is_set() and thread.is_alive():
        time.sleep(0.001)


def _fork():
    with warnings.catch_warnings():
        # Threads are not copied, and may hold locks; the copy computes, and takes none of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _be_the_copy(task, report, confine):
    """Do the task, say what came out, and end, without what a process does at its end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # ■ is for the notebook, which ends this copy
        if confine:
            confine(report)
        os.write(report, json.dumps(task(lambda: os.write(report, b"."))).encode() + b"\n")
    finally:
        os._exit(0)


def _listen(answer, pid, silence, longest):
    """Return what the copy says at last."""
    poll, latest = select.poll(), time.monotonic() + longest
    poll.register(answer, select.POLLIN)
    said, heard, at_first = b"", time.monotonic(), _memory(pid)
    while not said.endswith(b"\n"):
        if poll.poll(50):
            part = os.read(answer, 65536)
            if not part:
                raise CopyEnded("end")
            said, heard = (said + part).lstrip(b"."), time.monotonic()
            if heard > latest or len(said) > LONGEST_ANSWER:
                raise CopyEnded("time")
        elif _status(pid, "State").startswith("D"):  # it waits for the disk, perhaps for a large import
            heard = time.monotonic()
        elif time.monotonic() - heard > silence:
            raise CopyEnded("time")
        if _memory(pid) - at_first > MEMORY:
            raise CopyEnded("memory")
    return said


def _memory(pid):
    """Return how many bytes of memory a process has."""
    return 1024 * int(_status(pid, "VmRSS").removesuffix("kB") or 0)


def _status(pid, name):
    """Return what Linux says of a process."""
    with suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(f"{name}:"):
                return line.partition(":")[2].strip()
    return ""
