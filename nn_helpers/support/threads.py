"""How many cores there are for this process, and work shared among threads on them.

While work is shared, NumPy's matrix products take one thread each. Threads of theirs would wait for one
another at every product, and where something else holds a core, that makes them slower than one thread.
"""

import contextvars
import ctypes
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

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
    products = [library.get_num_threads() for library in _blas().lib_controllers]
    return min([physical_cores(), *products]) if products else 1


@lru_cache(maxsize=1)
def _blas():
    # Looking for the libraries takes a hundred times as long as setting their threads.
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def sharing(threads):
    """Share work among so many threads until the end of the context; matrix products take one in each."""
    before = _shared.set(threads)
    _one_thread.begin()
    try:
        yield
    finally:
        _one_thread.end()
        _shared.reset(before)


class _OneThread:
    """One thread for matrix products, as long as any thread of this process asks for it."""

    def __init__(self):
        self._lock, self._asked, self._before = threading.Lock(), 0, []

    def begin(self):
        with self._lock:
            if not self._asked:
                libraries = _blas().lib_controllers
                self._before = [(library, library.get_num_threads()) for library in libraries]
                for library in libraries:
                    library.set_num_threads(1)
            self._asked += 1

    def end(self):
        with self._lock:
            self._asked -= 1
            if not self._asked:
                for library, threads in self._before:
                    library.set_num_threads(threads)


def at_once(task, count):
    """Call ``task(0)``, …, ``task(count − 1)`` at the same time, and come back when all have ended.

    The first runs on this thread. Of several errors, that of the lowest number is raised. On an interrupt the
    other threads get one too, and the interrupt is raised at the latest after `PATIENCE`.
    """
    if count == 1:
        task(0)
        return
    others = [_Task(task, number) for number in range(1, count)]
    try:
        task(0)
    finally:
        _join(others)
    for other in others:
        other.future.result()


class _Task:
    """A call on a thread of the pool, with NumPy's settings for errors as they are on this one."""

    def __init__(self, task, number):
        self.thread, context = None, contextvars.copy_context()
        self.future = _pool().submit(context.run, self._call, task, number)

    def _call(self, task, number):
        self.thread = threading.get_ident()
        task(number)


def _join(tasks):
    futures = [task.future for task in tasks]
    try:
        wait(futures)
    except KeyboardInterrupt:
        for task in tasks:
            if task.thread is not None and not task.future.done():
                interrupt = ctypes.py_object(KeyboardInterrupt)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(task.thread), interrupt)
        wait(futures, PATIENCE)
        raise


@lru_cache(maxsize=1)
def _pool():
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="nn_helpers")


def _begin_anew():
    """In a forked process there are none of these threads, and nobody to free the lock."""
    global _one_thread
    _pool.cache_clear()
    _one_thread = _OneThread()


_one_thread = _OneThread()
if hasattr(os, "register_at_fork"):  # Windows forks no processes
    os.register_at_fork(after_in_child=_begin_anew)
