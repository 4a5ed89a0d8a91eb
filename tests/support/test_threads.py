"""Cores: what a container gives counts, lessons take no more threads, and work is shared among them."""

import os
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import nn_helpers
from nn_helpers.course import doctor
from nn_helpers.course.lesson import edition
from nn_helpers.support import threads
from nn_helpers.support.threads import (
    at_once,
    blas_libraries,
    physical_cores,
    sharing,
    threads_to_share,
    usable_cores,
)

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def container(tmp_path, monkeypatch):
    """The file that says how much processor time a container may use; tests write into it."""
    for name in ("CPU_MAX", "CPU_QUOTA", "CPU_PERIOD"):
        monkeypatch.setattr(threads, name, tmp_path / name)
    return threads.CPU_MAX


@pytest.fixture
def eight_threads():
    if not blas_libraries():
        pytest.skip("it is not known which library multiplies here")
    with threadpool_limits(8, user_api="blas"):
        yield


def thread_counts():
    return [info["num_threads"] for info in blas_libraries()]


@pytest.mark.parametrize(
    ("says", "cores"),
    [
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("20000 100000", 1),
        ("6400000 100000", HERE),
        ("max 100000", HERE),
        ("", HERE),
        (None, HERE),
    ],
)
def test_a_container_may_use_what_its_share_says_and_no_core_that_is_not_there(container, says, cores):
    if says is not None:
        container.write_text(f"{says}\n", encoding="ascii")
    assert usable_cores() == min(cores, HERE)


@pytest.mark.parametrize(("quota", "cores"), [(100_000, 1), (150_000, 2), (-1, HERE), (0, HERE)])
def test_a_container_of_the_older_kind_says_it_in_two_files(container, quota, cores):
    threads.CPU_QUOTA.write_text(f"{quota}\n", encoding="ascii")
    assert usable_cores() == HERE  # there is no period
    threads.CPU_PERIOD.write_text("100000\n", encoding="ascii")
    assert usable_cores() == min(cores, HERE)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say which processors")
@pytest.mark.parametrize(
    ("siblings", "cores"),
    [(["0", "1", "2", "3"], 4), (["0,2", "1,3", "0,2", "1,3"], 2), (["0-3"] * 4, 1), ([], 4)],
)
def test_two_processors_of_one_core_count_once(container, tmp_path, monkeypatch, siblings, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)))
    monkeypatch.setattr(threads, "SIBLINGS", str(tmp_path / "cpu{}"))
    for cpu, says in enumerate(siblings):
        (tmp_path / f"cpu{cpu}").write_text(f"{says}\n", encoding="ascii")
    assert physical_cores() == cores
    container.write_text("100000 100000", encoding="ascii")
    assert physical_cores() == 1


def test_a_lesson_takes_no_more_threads_than_there_are_cores(container, eight_threads):
    container.write_text("100000 100000", encoding="ascii")
    assert set(thread_counts()) == {8}
    finding = doctor.blas()
    assert "8 threads; 1 core for this process, so threads wait for one another" in finding.found
    assert "OPENBLAS_NUM_THREADS=1 " in finding.advice
    nn_helpers.lesson(written_for=edition(nn_helpers.__version__))
    assert set(thread_counts()) == {1}
    assert doctor.blas().found.endswith("1 thread; 1 core for this process")


def test_a_lesson_leaves_fewer_threads_as_they_are(container):
    with threadpool_limits(1, user_api="blas"):
        nn_helpers.lesson(written_for=edition(nn_helpers.__version__))
        assert set(thread_counts()) <= {1}


# Work that threads share


@pytest.fixture
def three():
    with threadpool_limits(3, user_api="blas"):
        yield [3] * len(thread_counts())


def test_sharing_in_sharing_and_on_several_threads_gives_the_products_their_threads_back(three):
    inside, outside, shared = threading.Event(), threading.Event(), threads_to_share()

    def other():
        with sharing(2):
            inside.set()
            outside.wait()

    with sharing(5):
        with sharing(1):
            assert (threads_to_share(), thread_counts()) == (1, [1] * len(three))
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait()
        assert (threads_to_share(), thread_counts()) == (5, [1] * len(three))
    assert threads_to_share() == shared  # whatever another thread does just now
    assert thread_counts() == [1] * len(three)
    outside.set()
    thread.join()
    assert thread_counts() == three


def test_another_thread_shares_too_where_the_first_has_set_the_products_threads(three):
    def other():
        with sharing(2):
            seen.append(thread_counts())

    seen, thread = [], threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [[1] * len(three)]
    assert thread_counts() == three


@pytest.mark.parametrize(
    ("cores", "products", "shared"), [(4, [8], 4), (4, [2], 2), (4, [8, 1], 1), (4, [], 1)]
)
def test_work_is_shared_among_no_more_threads_than_cores_and_than_products_take(
    monkeypatch, cores, products, shared
):
    libraries = [(None, count) for count in products]
    monkeypatch.setattr(threads, "physical_cores", lambda: cores)
    monkeypatch.setattr(threads._one_thread, "usual", lambda: libraries)
    assert threads_to_share() == shared


def test_products_take_one_thread_on_each_also_where_each_has_a_number_of_its_own(monkeypatch):
    class OpenMP(threading.local):
        threading_layer, threads = "openmp", 8

        def get_num_threads(self):
            return self.threads

        def set_num_threads(self, threads):
            self.threads = threads

    openmp, seen = OpenMP(), {}
    monkeypatch.setattr(threads, "_blas", lambda: SimpleNamespace(lib_controllers=[openmp]))
    monkeypatch.setattr(threads, "_own", threading.local())
    with sharing(3):
        at_once(lambda number: seen.update({number: openmp.threads}), 3)
    assert seen == {0: 1, 1: 1, 2: 1}
    assert openmp.threads == 8


def test_of_several_errors_that_of_the_first_share_is_raised_when_all_have_ended():
    ended = []

    def task(number):
        try:
            raise KeyError(number)
        finally:
            ended.append(number)

    with pytest.raises(KeyError, match="0"):
        at_once(task, 4)
    assert sorted(ended) == [0, 1, 2, 3]


def test_after_an_interrupt_other_threads_do_the_work():
    """An interrupt that comes late ends a thread in the middle of the next task, or takes the task along."""
    begun, seen = threading.Event(), []

    def task(number):
        if number:
            seen.append(threading.current_thread())
            begun.set()
        else:
            begun.wait()
            time.sleep(0.05)  # until that thread is free again
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        at_once(task, 2)
    at_once(lambda number: number and seen.append(threading.current_thread()), 2)
    assert seen[0] is not seen[1]


def test_what_the_caller_set_for_numpys_errors_holds_on_all_threads():
    numbers = np.full(3, 1e308)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        at_once(lambda number: number and numbers * 10, 2)
    with np.errstate(over="ignore"):
        at_once(lambda number: numbers * 10, 2)
