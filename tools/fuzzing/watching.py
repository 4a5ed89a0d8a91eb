"""Run one input after the other, and see what it does besides: time, memory, warnings, files, programs.

Linux says all this; elsewhere nothing is fuzzed.
"""

import faulthandler
import os
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

MEGABYTE = 1 << 20
# What nothing here has any business doing while it reads a file, by Python's audit events.
FORBIDDEN = {
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.kill",
    "os.chdir", "subprocess.Popen", "pty.spawn", "socket.bind", "socket.connect",
    "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request", "webbrowser.open",
}  # fmt: skip
# Nor that, while it only reads.
CODE = {"exec", "compile", "import", "marshal.loads", "code.__new__", "function.__new__", "pickle.find_class"}
# Audit events that change what is on disk, and which of their arguments are paths.
CHANGES = {
    "os.remove": (0,), "os.rename": (0, 1), "os.mkdir": (0,), "os.rmdir": (0,), "os.link": (1,),
    "os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,),
    "os.mkfifo": (0,), "os.mknod": (0,), "os.setxattr": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
STATUS = os.open("/proc/self/status", os.O_RDONLY)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class TooSlow(BaseException):
    """An input took longer than it may."""


class NotAllowed(BaseException):
    """An input led to something forbidden, which was not done."""


@dataclass
class Seen:
    """What one target did with its inputs."""

    inputs: int = 0
    seconds: float = 0.0
    outcomes: Counter = field(default_factory=Counter)
    kinds: Counter = field(default_factory=Counter)
    messages: dict = field(default_factory=dict)  # outcome -> Counter of messages, numbers and names left out
    warned: Counter = field(default_factory=Counter)
    slowest: tuple = (0.0, None)  # seconds, number
    grown: float = 0.0  # megabytes
    failures: list = field(default_factory=list)


class Watch:
    """Watches everything that this process does while an input is run; there is one in a process.

    Parameters
    ----------
    folder : path
        The only place that may be written to.
    seconds : float
        How long one input may take.
    megabytes : float
        How much more memory one input may take than any before it.
    """

    def __init__(self, folder, seconds=10.0, megabytes=64.0):
        self.folder, self.seconds, self.megabytes = os.path.realpath(folder), seconds, megabytes
        self.active, self.forbidden, self.breaches, self.warned = False, FORBIDDEN, [], []

    def install(self):
        """Begin; audit hooks stay until the process ends."""
        sys.dont_write_bytecode = True
        sys.addaudithook(self._audit)
        warnings.simplefilter("always")
        warnings.showwarning = self._warned
        sys.unraisablehook = self._unraisable
        signal.signal(signal.SIGALRM, self._too_slow)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = (
            pages * resource.getpagesize() + 1024 * MEGABYTE
        )  # so that an array of 10¹² bytes fails at once
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))

    def run(self, target, given):
        """Return outcome, message and what went wrong, if anything did, as (what, where, traceback)."""
        self.breaches, self.warned = [], []
        self.forbidden = FORBIDDEN | CODE if target.reads_only else FORBIDDEN
        outcome, message, error = "", "", None
        memory, began = _peak(), time.perf_counter()
        try:
            signal.setitimer(signal.ITIMER_REAL, self.seconds)
            self.active = True
            outcome, message = target.run(given)
        except target.documented as refusal:
            outcome, message = type(refusal).__name__, str(refusal)
        except BaseException as unexpected:
            error = unexpected
        finally:
            self.active = False
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.took, self.grown = time.perf_counter() - began, (_peak() - memory) / MEGABYTE
        if isinstance(error, KeyboardInterrupt) and not self.breaches:
            raise error
        return outcome, message, self._wrong(target, error)

    def _wrong(self, target, error):
        if self.breaches:
            return self.breaches[0]
        if error is not None:
            text = "".join(traceback.format_exception(error)[-25:])
            return f"{type(error).__name__}: {str(error)[:300]}", _where(error.__traceback__), text
        if self.took > self.seconds:
            return f"it took more than {self.seconds:g} s", "", ""
        if self.grown > self.megabytes:
            return f"it took more than {self.megabytes:g} MB of memory", "", f"{self.grown:.0f} MB"
        for warning in self.warned:
            if _expected(warning, target) is None:
                return f"a warning: {warning[:300]}", "", ""
        return None

    def _too_slow(self, signum, frame):
        if self.active:
            raise TooSlow(f"more than {self.seconds:g} s")

    def _warned(self, message, category, *rest, **more):
        if self.active:
            self.warned.append(f"{category.__name__}: {message}")

    def _unraisable(self, unraisable):
        if self.active:
            self.breaches.append((f"unraisable: {unraisable.exc_value!r}", str(unraisable.object), ""))

    def _audit(self, event, arguments):
        if not self.active:
            return
        if event in self.forbidden:
            self._breach(f"{event} {arguments!r:.200}")
        elif event == "open":
            path, _, flags = arguments
            if flags & WRITING and not isinstance(path, int):
                self._look_at(event, path)
        elif event in CHANGES:
            below = arguments[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
            for which in CHANGES[event]:
                self._look_at(event, arguments[which], below)

    def _look_at(self, event, path, below=-1):
        if isinstance(path, int):
            return
        path = os.fsdecode(path)
        if isinstance(below, int) and below >= 0 and not os.path.isabs(path):
            path = os.path.join(f"/proc/self/fd/{below}", path)
        parent, name = os.path.split(os.path.abspath(path))
        there = os.path.join(os.path.realpath(parent), name)
        if there != os.devnull and os.path.commonpath([there, self.folder]) != self.folder:
            self._breach(f"{event} outside of the folder: {there}")

    def _breach(self, what):
        self.active = False
        stack = traceback.extract_stack()[:-2]
        self.breaches.append((what, _where_in(stack), "".join(traceback.format_list(stack[-25:]))))
        raise NotAllowed(what)


def fuzz(target, numbers, random_for, watch, tell=lambda number: None, failed=lambda number, given: None):
    """Run a target on its inputs of these numbers.

    Parameters
    ----------
    target : Target
    numbers : iterable of int
    random_for : function (number) -> random.Random
        What an input is made with: nothing but its number decides.
    watch : Watch
    tell : function (number) -> None
        Called before each input.
    failed : function (number, given) -> str
        Called after each that failed; where it was saved.

    Returns
    -------
    Seen
    """
    seen, began = Seen(), time.perf_counter()
    for number in numbers:
        if seen.inputs % 500 == 0:  # for what no signal can interrupt
            faulthandler.dump_traceback_later(60 + 30 * watch.seconds, exit=True)
        tell(number)
        given = target.generate(random_for(number))
        target.prepare(given)
        outcome, message, wrong = watch.run(target, given)
        seen.inputs += 1
        seen.kinds[given.kind] += 1
        seen.slowest = max(seen.slowest, (watch.took, number), key=lambda pair: pair[0])
        seen.grown = max(seen.grown, watch.grown)
        if wrong:
            what, where, text = wrong
            outcome = "FAILED"
            _note(seen, number, what, where, text, failed(number, given))
        else:
            seen.warned.update(_expected(warning, target) for warning in watch.warned)
        seen.outcomes[outcome] += 1
        if message:
            seen.messages.setdefault(outcome, Counter())[_template(message)] += 1
    faulthandler.cancel_dump_traceback_later()
    seen.seconds = time.perf_counter() - began
    return seen


def _note(seen, number, what, where, text, saved):
    kind = where if where and "WrongError" not in what else _template(what)  # one line fails for one reason
    for failure in seen.failures:
        if failure["kind"] == kind:
            failure["times"] += 1
            return
    failure = {"kind": kind, "number": number, "what": what, "where": where, "text": text, "saved": saved}
    seen.failures.append({**failure, "times": 1})


def _expected(warning, target):
    """Return the target's pattern that a warning fits, if there is one."""
    return next((pattern for pattern in target.warnings if re.search(pattern, warning)), None)


def _template(message):
    """Return a message without what differs from input to input: paths, names, numbers."""
    message = re.sub(r"(/[^\s:;,)'\"]+)+", "PATH", message)
    message = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", message)
    message = re.sub(r"[-+]?\d[\d,.]*(e[-+]?\d+)?|\bnan\b|\binf\b", "0", message)
    return re.sub(r"\s+", " ", message)[:160]


def _peak():
    """Return the most bytes of memory this process has had so far; getrusage begins with its parent's."""
    status = os.pread(STATUS, 4096, 0)
    at = status.index(b"VmHWM:") + 6
    return int(status[at : status.index(b"kB", at)]) * 1024


def _where(tb):
    return _where_in(traceback.extract_tb(tb))


def _where_in(frames):
    """Return the innermost line of the package, and the innermost of all."""
    frames = [frame for frame in frames if frame.name != "expect"]
    own = [frame for frame in frames if "nn_helpers" in Path(frame.filename).parts]
    places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in (own[-1:] + frames[-1:])]
    return " < ".join(dict.fromkeys(places))
