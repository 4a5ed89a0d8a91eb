"""Run a learner's function safely, and note everything it does.

The function gets copies of its arguments and runs in a thread of its own, so that a loop without end
can be stopped, whichever thread calls `check`.
"""

import copy
import ctypes
import functools
import linecache
import random
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.comparison import identical
from nn_helpers.exercises.checking.source import innermost
from nn_helpers.exercises.checking.surroundings import nobody_answers, watch_surroundings
from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import CACHES, MalformedResult

# Of computing, on a machine that needs no longer than UNIT for a loop; a slower one gets more, in proportion.
CASE_SECONDS = 0.5  # for one case
FIRST = 4  # times as long for the first call, which may have something to prepare
CHECK_SECONDS = 2.0  # for all cases of a check together, of the first CASE_SECONDS at most
PATIENCE = 4  # times CASE_SECONDS by the clock on the wall, after which a function must not be
IDLE = 0.1  # computing less than this share of the time, or ready to: then it sleeps, or waits
UNIT = 0.0006  # seconds
PREPARATION = {"importlib", "numba", "llvmlite"}  # packages that import, or compile
PREPARATION_SECONDS = 30  # by the clock on the wall, which do not count; afterwards all do
PRINTED = 600  # characters to keep of what a function prints
SEED = 20_269  # for the global generators: a function that uses them gets the same numbers each time
FROM_CACHE = " from your cache"


class Stop(BaseException):
    """Ends a function that cannot be judged any further; `except Exception` does not catch it."""


class OutOfTime(Stop):
    """Raised inside a function that runs for too long."""


class WaitsForAnswer(Stop):
    """Raised where a function would wait for somebody to type."""


class ChecksItself(Stop):
    """Raised where a function that is being checked checks itself."""


@dataclass
class Outcome:
    """What a function did on one case: its results by name, or an error, and what else it did."""

    results: Mapping | None = None
    error: BaseException | None = None
    where: tuple | None = None  # where the error arose: (function, line in it, the line's text)
    came_back: bool = False  # whether it returned, even if its result could not be used
    returned: object = None
    changed: tuple = ()  # the names of the arguments that it changed
    arguments: Mapping | None = None  # as they are after the call
    shared: tuple = ()  # the names of the arguments that are a result, or have one for a part of them
    global_random: bool = False  # whether it drew from NumPy's or Python's global generator


@dataclass(frozen=True, repr=False)
class UnusableCache:
    """Stands for the result of a partner that raised an error on the cache."""

    partner: str
    error: str

    def __repr__(self):
        return f"nothing: {self.partner} raises {self.error}"


def outcome_on(exercise, f, case, partner=None, sandbox=None):
    """Return the `Outcome` of f on a case.

    Parameters
    ----------
    exercise : Exercise
    f : function
    case : Case
    partner : function, optional
        The other half of the pair from the learner's notebook, in place of the exercise's.
    sandbox : Sandbox, optional
        For a learner's function, which may do anything.
    """
    outcome = Outcome()
    args, before = list(copy.deepcopy(case.args)), []

    def task():
        with np.errstate(all="ignore"):
            if partner and case.forward:
                *_, args[exercise.cache_index] = partner(*copy.deepcopy(case.forward))
            before.extend(copy.deepcopy(args))
            results = snapshot(call(exercise, f, args, partner, outcome, sandbox))
            unused = {name for name in results if name.endswith(FROM_CACHE) and not case.way_back}
            outcome.results = {name: results[name] for name in results if name not in unused}

    _seed()
    outcome.error = sandbox.run(task) if sandbox else _trust(task)
    outcome.global_random = _global_state() != _fresh_state()
    if outcome.error is not None:
        outcome.results, outcome.where = None, _where(outcome.error, f)
    outcome.arguments = dict(zip(exercise.parameters, args, strict=False))
    outcome.changed = tuple(
        name
        for name, old in zip(exercise.parameters, before, strict=False)
        if name not in exercise.in_place and not identical(old, outcome.arguments[name])
    )
    return outcome


def _trust(task):
    try:
        task()
    except Exception as error:
        return error


def call(exercise, f, args, partner, outcome, sandbox):
    """Call f, note in the outcome what it returned, and return the results to compare, by name."""

    def call(*args):
        try:
            outcome.returned = f(*args)
        finally:
            if sandbox:  # by now it may be closed, and then there is nothing to put back
                sandbox.restore()
        outcome.came_back = True
        return outcome.returned

    if exercise.observe:
        return exercise.observe(call, *args)
    returned = call(*args)
    if exercise.in_place:
        return {name: args[exercise.parameters.index(name)] for name in exercise.in_place}
    results = _by_name(exercise.name, exercise.returns, returned)
    caches = {name: results.pop(name) for name in CACHES & results.keys() if exercise.partner}
    outcome.shared = tuple(
        name
        for name, value in zip(exercise.parameters, args, strict=False)
        for result in results.values()
        if isinstance(value, np.ndarray)
        and isinstance(result, np.ndarray)
        and np.may_share_memory(value, result)
    )
    for cache in caches.values():
        results.update(_through_cache(exercise, results, cache, partner))
    return results


def _by_name(function, names, returned):
    """Return what a function returned as a dict; raise `MalformedResult` when it is something else."""
    if len(names) == 1:
        return {names[0]: returned}
    wanted = f"{len(names)} things, `return {', '.join(names)}`"
    if not isinstance(returned, tuple | list):
        raise MalformedResult(f"{function} returns {wanted}; yours returns one, {a_kind_of(returned)}.")
    if len(returned) != len(names):
        raise MalformedResult(f"{function} returns {wanted}; yours returns {len(returned)}.")
    if isinstance(returned, list):  # which no network takes
        raise MalformedResult(
            f"{function} returns {wanted}; yours puts them into a list. Leave its square brackets away."
        )
    return dict(zip(names, returned, strict=True))


def _through_cache(exercise, results, cache, partner):
    """Return what the backward pass computes with the cache: a cache is right if it works."""
    other = EXERCISES[exercise.partner]
    try:
        d = some_derivative(next(iter(results.values())))
        back = _by_name(other.name, other.returns, (partner or other.answer)(d, cache))
    except Exception as error:
        back = dict.fromkeys(other.returns, UnusableCache(other.name, type(error).__name__))
    return {name + FROM_CACHE: value for name, value in back.items()}


def snapshot(value, depth=5):
    """Copy the arrays in a value: a function may write its next result into the same ones."""
    if isinstance(value, np.matrix | np.ma.MaskedArray):
        return value.copy()
    if isinstance(value, np.ndarray):  # a class of the learner's own may calculate by any rules
        return np.array(value)
    if isinstance(value, list | tuple) and depth:
        parts = [snapshot(part, depth - 1) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, dict) and depth:
        return {key: snapshot(part, depth - 1) for key, part in value.items()}
    return value


def some_derivative(z):
    """Return numbers of both signs, shaped like z, to send through a backward pass."""
    z = np.asarray(z)
    dtype = z.dtype if z.dtype.kind == "f" else float
    return np.linspace(-1, 2, z.size, dtype=dtype).reshape(z.shape)


def _seed():
    np.random.seed(SEED)  # noqa: NPY002 - the global generator, which the function should leave alone
    random.seed(SEED)


@functools.cache
def _fresh_state():
    _seed()
    return _global_state()


def _global_state():
    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002
    return keys.tobytes(), position, random.getstate()


def _where(error, f):
    """Return (function, line in it, text) for the last line of the learner's code in the traceback."""
    found, trace, theirs = None, error.__traceback__, namespace(f)
    while trace is not None:
        code = trace.tb_frame.f_code
        if trace.tb_frame.f_globals is theirs:
            place = code.co_name, trace.tb_lineno - code.co_firstlineno + 1
            if found and place[0].startswith("<"):  # a comprehension or lambda within the function
                place = found[:2]
            found = *place, linecache.getline(code.co_filename, trace.tb_lineno, theirs).strip()
        trace = trace.tb_next
    return found


def namespace(f):
    """Return the global names that f sees; in a notebook, those of all cells."""
    f = innermost(f)
    if not hasattr(f, "__globals__"):  # a method, or an object that can be called
        f = getattr(f, "__func__", type(f).__call__)
    return getattr(f, "__globals__", {})


# The sandbox

_one_at_a_time = threading.Lock()  # what a Sandbox diverts belongs to the whole process


@functools.cache
def slowness():
    """Return how many times longer this machine takes for a loop than the one the limits were set on."""

    def seconds():
        start = time.process_time()
        sum(i * i for i in range(20_000))
        return time.process_time() - start

    return max(1.0, min(seconds() for _ in range(5)) / UNIT)


class Sandbox:
    """Runs functions that may print, warn, loop for ever or draw from the global generator.

    While it is open, it keeps in `printed` what the first function prints, and drops all other prints
    and warnings. When it closes, everything is as it was before.

    Parameters
    ----------
    f : function, optional
        The function that is checked. It may check others, but not itself.
    beat : function, optional
        Called all the time that a function runs.
    """

    def __init__(self, f=None, beat=lambda: None):
        self.under_check = (*functions_under_check(), f)
        self.beat = beat
        self.left = CHECK_SECONDS * slowness()
        self.runs = 0
        self.printed = ""
        self.restore = _nothing_to_restore

    def run(self, task):
        """Call ``task()`` and return the error it raises, `OutOfTime` if it takes too long, or None."""
        self.runs += 1
        clock, computed = time.monotonic, time.process_time  # whatever the function makes of them
        usual = CASE_SECONDS * slowness()
        limit = FIRST * usual if self.runs == 1 else max(0.1, min(usual, self.left))
        worker = _Worker(task, self)
        start = uncounted = computed()
        worker.start()
        begun = clock()
        deadline, latest = begun + PATIENCE * usual, begun + PREPARATION_SECONDS
        before = begun
        try:
            while not worker.finished.wait(0.01):
                self.beat()
                now, used = clock(), computed()
                if now < latest and _prepares(worker):
                    start, deadline = start + used - uncounted, deadline + now - before
                uncounted, before = used, now
                idle = used - start + _waited(worker) < IDLE * (now - begun)
                if used - start > limit or (now > deadline and idle) or now > latest:
                    return OutOfTime()
        finally:
            worker.stop()
            self.left -= min(usual, computed() - start)
            self.restore()
        return worker.error

    def keep(self, text):
        """Keep what is printed, as far as there is room."""
        self.printed += text[: max(0, PRINTED + 1 - len(self.printed))]

    @contextmanager
    def open(self):
        """Divert prints, ignore warnings, answer no questions, and put everything back at the end."""
        nested = isinstance(threading.current_thread(), _Worker)
        with nullcontext() if nested else _one_at_a_time:
            numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
            screens = sys.stdout, sys.stderr
            sys.stdout, sys.stderr = map(_Divert, screens)
            try:
                with warnings.catch_warnings(), nobody_answers(_nobody_answers):
                    warnings.simplefilter("ignore")
                    self.restore = watch_surroundings()
                    yield self
            finally:
                self.restore = _nothing_to_restore
                sys.stdout, sys.stderr = screens
                np.random.set_state(numpy_state)  # noqa: NPY002
                random.setstate(python_state)


def _nothing_to_restore():
    """Stand for `restore` outside a check: a function that comes to its end too late changes nothing back."""


def _nobody_answers(what):
    raise WaitsForAnswer(what)


def _prepares(worker):
    """Say whether a worker imports or compiles just now."""
    frame = sys._current_frames().get(worker.ident)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in PREPARATION:
            return True
        frame = frame.f_back
    return False


def _waited(worker):
    """Return the seconds that a worker waited for a processor, as far as the system tells."""
    try:
        with open(f"/proc/self/task/{worker.native_id}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def functions_under_check():
    """Return the functions whose check led to this call, the outermost first."""
    return getattr(threading.current_thread(), "under_check", ())


class _Worker(threading.Thread):
    """A thread that can be told to stop."""

    def __init__(self, task, sandbox):
        super().__init__(daemon=True)
        self.task, self.under_check = task, sandbox.under_check
        self.keep = sandbox.keep if sandbox.runs == 1 else None
        self.error = None
        self.finished = threading.Event()
        self._lock = threading.Lock()

    def run(self):
        try:
            try:
                self.task()
            except BaseException as error:
                self.error = error
            self._finish()
        except OutOfTime:  # it came at the last moment, when there was nothing left to stop
            self._finish()

    def _finish(self):
        with self._lock:
            self.finished.set()
        time.sleep(0)  # lets an exception that was sent arrive before the thread ends

    def stop(self):
        """Raise `OutOfTime` in the thread until it ends; leave a thread behind that cannot be reached."""
        for _ in range(50):
            with self._lock:
                if self.finished.is_set():
                    return
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.ident), ctypes.py_object(OutOfTime)
                )
            self.finished.wait(0.01)


class _Divert:
    """Standard output or error, without what the functions in a `Sandbox` print."""

    def __init__(self, stdout):
        self._stdout = stdout

    def write(self, text):
        thread = threading.current_thread()
        if not isinstance(thread, _Worker):
            return self._stdout.write(text)
        if thread.keep:
            thread.keep(text)
        return len(text)

    def __getattr__(self, name):
        return getattr(self._stdout, name)
