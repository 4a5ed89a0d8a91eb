"""How many cores there are for this process, and work shared among threads on them.

While work is shared, NumPy's matrix products take one thread each. Threads of theirs would wait for one
another at every product, and where something else holds a core, that makes them slower than one thread.
"""

import contextvars
import ctypes
import os
import threading
import weakref
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue

from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

# A container's share of the cores: microseconds in each period
CPU_MAX = Path("/sys/fs/cgroup/cpu.max")  # "share period" in version 2 of cgroups; the share may be "max"
CPU_QUOTA = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")  # in version 1; −1 where there is no limit
CPU_PERIOD = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
PATIENCE = 2  # seconds that an interrupt gives the other threads to end


def usable_cores():
    """Return how many processors this process may use: a container often has a few of many."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in ((CPU_MAX,), (CPU_QUOTA, CPU_PERIOD)):
        try:
            share, period = map(int, " ".join(file.read_text(encoding="ascii") for file in files).split())
        except (OSError, ValueError):
            continue
        if share > 0:
            return max(1, min(cores, -(-share // period)))
    return cores


def physical_cores():
    """Return how many usable processors are cores of their own: two in one core share what multiplies."""
    try:
        cores = {Path(SIBLINGS.format(cpu)).read_text(encoding="ascii") for cpu in os.sched_getaffinity(0)}
    except (AttributeError, OSError):
        return usable_cores()
    return min(usable_cores(), len(cores))


def blas_libraries():
    """Return what is known of the libraries that multiply matrices for NumPy, as dicts."""
    return [info for info in threadpool_info() if info["user_api"] == "blas"]


def no_more_threads_than_cores():
    """Let matrix products take no more threads than there are cores.

    Extra threads would only contend for the same cores.
    """
    cores = usable_cores()
    if any(info["num_threads"] > cores for info in blas_libraries()):
        threadpool_limits(cores, user_api="blas")


_shared = contextvars.ContextVar("threads", default=None)


def threads_to_share():
    """Return how many threads work may be shared among: one for each core, and no more than products take.

    One, where it is not known how NumPy multiplies.
    """
    if _shared.get() is not None:
        return _shared.get()
    products = [threads for _, threads in _one_thread.usual()]
    return min([physical_cores(), *products]) if products else 1


@lru_cache(maxsize=1)
def _blas():
    # Looking for the libraries takes a hundred times as long as setting their threads.
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def sharing(threads):
    """Share work among so many threads until the end of the context; matrix products take one in each."""
    before, asker = _shared.get(), _Asker()
    if before == threads:  # within such a context: of many short steps this would be a tenth
        yield
        return
    try:
        _shared.set(threads)
        _one_thread.begin(asker)
        yield
    finally:
        _shared.set(before)
        _one_thread.end(asker)


class _Asker:
    """Who asks for one thread."""


class _OneThread:
    """One thread for matrix products, as long as any thread of this process asks for it."""

    def __init__(self):
        self._before, self._askers = [], weakref.WeakSet()  # weak: an interrupt may keep one from its `end`
        self.renew_lock()

    def renew_lock(self):
        self._lock = threading.Lock()

    def usual(self):
        """Return the libraries, each with the threads that it takes when nobody asks."""
        return self._before or [(library, library.get_num_threads()) for library in _blas().lib_controllers]

    def begin(self, asker):
        with self._lock:
            if not self._askers:
                self._before = self.usual()
                _set_threads((library, 1) for library, _ in self._before)
            self._askers.add(asker)

    def end(self, asker):
        with self._lock:
            self._askers.discard(asker)
            if not self._askers:
                _set_threads(self._before)
                self._before = []


def _set_threads(libraries):
    for library, threads in libraries:
        if library.get_num_threads() == threads:  # setting takes 25 times as long
            continue
        # From threadpoolctl 3.8 on, the first thread that sets OpenBLAS's is the only one that can.
        free = getattr(library, "clear_controlling_thread", lambda force: None)
        free(force=True)
        library.set_num_threads(threads)
        free(force=True)


def at_once(task, count):
    """Call ``task(0)``, …, ``task(count − 1)`` at the same time, and come back when all have ended.

    The first runs on this thread. Of several errors, that of the lowest number is raised. On an interrupt the
    other threads get one too, and the interrupt is raised at the latest after `PATIENCE`.
    """
    if count == 1:
        task(0)
        return
    others = []
    try:
        others.extend(_Task(task, number) for number in range(1, count))
        task(0)
    except Exception:
        _join(others)
        raise
    except BaseException:
        _stop(others)
        raise
    _join(others)
    for other in others:
        other.future.result()


def share_out(task, count):
    """Call ``task(0)``, …, ``task(count − 1)``, shared among as many threads as there may be."""
    threads = min(threads_to_share(), count)

    def some(first):
        for number in range(first, count, threads):
            task(number)

    with sharing(threads):
        at_once(some, threads)


class _Task:
    """A call on a thread of its own, with NumPy's settings for errors as they are on this one."""

    def __init__(self, task, number):
        from concurrent.futures import Future  # here: `import nn_helpers` loads NumPy and nothing heavier

        self.future, self.thread = Future(), None
        context, helpers = contextvars.copy_context(), vars(_own).setdefault("helpers", {})
        if number not in helpers:
            helpers[number] = _Helper()
        helpers[number].calls.put(lambda: self._run(context.run, task, number))

    def _run(self, run, *call):
        self.thread = threading.get_ident()
        if self.future.set_running_or_notify_cancel():
            try:
                self.future.set_result(run(*call))
            except BaseException as error:
                self.future.set_exception(error)

    def interrupt(self):
        if not self.future.cancel() and not self.future.done():
            interrupt = ctypes.py_object(KeyboardInterrupt)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), interrupt)


def _join(tasks):
    try:
        for task in tasks:
            task.future.exception()  # waits
    except BaseException:
        _stop(tasks)
        raise


def _stop(tasks):
    from concurrent.futures import wait

    vars(_own).clear()  # an interrupt may reach a thread after its task, and no other task shall get it
    for task in tasks:
        task.interrupt()
    wait([task.future for task in tasks], PATIENCE)


_own = threading.local()  # each thread's `helpers`, by the number of the tasks that they do


class _Helper:
    """A thread that makes calls until nobody has this any more. It does not keep Python from ending."""

    calls = None

    def __init__(self):
        self.calls = SimpleQueue()
        threading.Thread(target=_serve, args=(self.calls,), name="nn_helpers", daemon=True).start()

    def __del__(self):
        if self.calls is not None:  # an interrupt may come before there are any
            self.calls.put(None)


def _serve(calls):
    # With OpenMP each thread has a number of its own for products.
    _set_threads((library, 1) for library, _ in _one_thread.usual() if library.threading_layer == "openmp")
    with suppress(KeyboardInterrupt):
        while call := calls.get():
            call()
            del call  # and the arrays that it holds


def _begin_anew():
    """In a forked process there are none of these threads, and nobody to free the lock."""
    vars(_own).clear()
    _one_thread.renew_lock()


_one_thread = _OneThread()
if hasattr(os, "register_at_fork"):  # Windows forks no processes
    os.register_at_fork(after_in_child=_begin_anew)
