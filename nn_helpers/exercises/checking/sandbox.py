"""Run a learner's function safely, and note everything it does.

The function runs in a thread of its own, so that a loop without end can be stopped wherever `check`
is called from. It gets copies of its arguments.
"""

import copy
import ctypes
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

from nn_helpers.exercises.checking.comparison import unchanged
from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import CACHES, Malformed, exercises

CASE_SECONDS = 0.5  # of computing
CHECK_SECONDS = 2.0  # of computing, all cases of a check together
PATIENCE = 4  # times as long by the wall's clock: the machine may be busy, or the function asleep
PRINTED = 600  # characters that are kept
SEED = 20_269  # of the global generators, so that a function that uses them gets the same numbers each time
FROM_CACHE = " from your cache"


class OutOfTime(BaseException):
    """Raised inside a function that runs for too long. `except Exception` lets it through."""


@dataclass
class Outcome:
    """What a function did on one case: its results by name, or an error, and everything else of note."""

    results: Mapping | None = None
    error: BaseException | None = None
    where: tuple | None = None  # of the error: (function, line in it, the line's text)
    came_back: bool = False  # it returned, whatever happened to the result afterwards
    returned: object = None
    changed: tuple = ()  # names of arguments
    arguments: Mapping | None = None  # as they were afterwards
    global_random: bool = False  # it drew from NumPy's or Python's global generator


@dataclass(frozen=True, repr=False)
class Unusable:
    """In the place of what a partner would have computed, had it not raised an error on the cache."""

    partner: str
    error: str

    def __repr__(self):
        return f"nothing: {self.partner} raises {self.error}"


def outcome_on(exercise, f, case, partner=None, watch=None):
    """Return the `Outcome` of f on a case.

    Parameters
    ----------
    exercise : Exercise
    f : function
    case : Case
    partner : function, optional
        The learner's own other half of the pair, in place of the exercise's.
    watch : Watch, optional
        For functions that may do anything.
    """
    outcome = Outcome()
    args, before = list(copy.deepcopy(case.args)), []

    def task():
        with np.errstate(all="ignore"):
            if partner and case.forward:
                *_, args[exercise.cache_index] = partner(*copy.deepcopy(case.forward))
            before.extend(copy.deepcopy(args))
            outcome.results = snapshot(_observed(exercise, f, args, partner, outcome))

    np.random.seed(SEED)  # noqa: NPY002 - the global generator, which the function should leave alone
    random.seed(SEED)
    fresh = _global_state()
    outcome.error = watch.run(task) if watch else _trust(task)
    outcome.global_random = _global_state() != fresh
    if outcome.error is not None:
        outcome.results, outcome.where = None, _where(outcome.error, f)
    outcome.arguments = dict(zip(exercise.parameters, args, strict=False))
    outcome.changed = tuple(
        name
        for name, old in zip(exercise.parameters, before, strict=False)
        if name not in exercise.in_place and not unchanged(old, outcome.arguments[name])
    )
    return outcome


def _trust(task):
    try:
        task()
    except Exception as error:
        return error


def _observed(exercise, f, args, partner, outcome):
    def watched(*args):
        outcome.returned = f(*args)
        outcome.came_back = True
        return outcome.returned

    if exercise.observe:
        return exercise.observe(watched, *args)
    returned = watched(*args)
    if exercise.in_place:
        return {name: args[exercise.parameters.index(name)] for name in exercise.in_place}
    results = _by_name(exercise.name, exercise.returns, returned)
    for name in CACHES & results.keys():
        results.update(_through_cache(exercise, results, results.pop(name), partner))
    return results


def _by_name(function, names, returned):
    """Return what a function returned as a dict, or say in `Malformed` why that cannot be done."""
    if len(names) == 1:
        return {names[0]: returned}
    wanted = f"{len(names)} things, `return {', '.join(names)}`"
    if not isinstance(returned, tuple | list):
        raise Malformed(f"{function} returns {wanted}; yours returns one, {a_kind_of(returned)}.")
    if len(returned) != len(names):
        raise Malformed(f"{function} returns {wanted}; yours returns {len(returned)}.")
    return dict(zip(names, returned, strict=True))


def _through_cache(exercise, results, cache, partner):
    """Give the cache to the backward pass and return what comes out: a cache is right if it works."""
    other = exercises()[exercise.partner]
    try:
        d = some_derivative(next(iter(results.values())))
        back = _by_name(other.name, other.returns, (partner or other.answer)(d, cache))
    except Exception as error:
        back = dict.fromkeys(other.returns, Unusable(other.name, type(error).__name__))
    return {name + FROM_CACHE: value for name, value in back.items()}


def snapshot(value, depth=5):
    """Return a value with copies of its arrays: a function may use the same array for its next result."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple) and depth:
        parts = [snapshot(part, depth - 1) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, dict) and depth:
        return {key: snapshot(part, depth - 1) for key, part in value.items()}
    return value


def some_derivative(z):
    """Return numbers of both signs, shaped like z, to be sent through a backward pass."""
    z = np.asarray(z)
    return np.linspace(-1, 2, z.size, dtype=z.dtype).reshape(z.shape)


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
    """Return the global names that f sees, in a notebook those of all cells."""
    if not hasattr(f, "__globals__"):  # an object that can be called
        f = getattr(f, "__func__", type(f).__call__)
    return getattr(f, "__globals__", {})


# Watching

_one_at_a_time = threading.Lock()  # what a Watch diverts belongs to the whole process


class Watch:
    """Runs functions that may print, warn, loop for ever or draw from the global generator.

    While it is open, what the first of them prints is kept in `printed`, other prints and warnings
    are dropped. When it is closed everything is as it was before.
    """

    def __init__(self):
        self.left = CHECK_SECONDS
        self.runs = 0
        self.printed = ""

    def run(self, task):
        """Call ``task()`` and return the error it raised, or None; `OutOfTime` when it took too long."""
        self.runs += 1
        start, limit = time.process_time(), max(0.1, min(CASE_SECONDS, self.left))
        worker = _Worker(task, self.keep if self.runs == 1 else None)
        worker.start()
        deadline = time.monotonic() + PATIENCE * limit
        try:
            while not worker.finished.wait(0.01):
                if time.process_time() - start > limit or time.monotonic() > deadline:
                    return OutOfTime()
        finally:
            worker.stop()
            self.left -= time.process_time() - start
        return worker.error

    def keep(self, text):
        """Keep what was printed, as far as there is room."""
        self.printed += text[: max(0, PRINTED + 1 - len(self.printed))]

    @contextmanager
    def open(self):
        """Divert prints, ignore warnings, and put the global generators back at the end."""
        nested = isinstance(threading.current_thread(), _Worker)
        with nullcontext() if nested else _one_at_a_time:
            numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
            stdout = sys.stdout
            sys.stdout = _Divert(stdout)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    yield self
            finally:
                sys.stdout = stdout
                np.random.set_state(numpy_state)  # noqa: NPY002
                random.setstate(python_state)


class _Worker(threading.Thread):
    """A thread that can be told to stop."""

    def __init__(self, task, keep):
        super().__init__(daemon=True)
        self.task, self.keep = task, keep
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
        except OutOfTime:  # sent at the last moment, when there was nothing left to stop
            self._finish()

    def _finish(self):
        with self._lock:
            self.finished.set()
        time.sleep(0)  # lets an exception that was sent arrive before the thread ends

    def stop(self):
        """Raise `OutOfTime` in the thread until it ends; one that cannot be reached is left behind."""
        for _ in range(50):
            with self._lock:
                if self.finished.is_set():
                    return
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self.ident), ctypes.py_object(OutOfTime)
                )
            self.finished.wait(0.01)


class _Divert:
    """Standard output, but for what the watched functions print."""

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
