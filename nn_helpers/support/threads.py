"""How many processors there are for this process, and no more threads than that."""

import os
from functools import lru_cache
from pathlib import Path

from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")  # a container's share: microseconds in each period, or "max"

SHARED_BATCH = 64  # examples from which on two threads are faster than one
SHARED_PRODUCT = 9216  # multiplications from which on OpenBLAS may share a matrix product among threads


def usable_cores():
    """Return how many processors this process may use: a container often has a few of many."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = map(int, CPU_MAX.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, -(-share // period)))


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


def blas_threads(threads=None, batch_size=SHARED_BATCH):
    """Set how many threads matrix products take for such batches, until the returned context ends."""
    if threads is None and batch_size < SHARED_BATCH:
        threads = 1
    return threadpool_limits(threads, user_api="blas")


@lru_cache(maxsize=1)
def _controller():
    return ThreadpoolController()  # looking for the libraries takes longer than setting their threads


def one_thread():
    """Let matrix products take one thread until the returned context ends, many times a second.

    A widget's page needs the other cores, and threads of which one waits for its core are slower than one.
    """
    return _controller().limit(limits=1, user_api="blas")
