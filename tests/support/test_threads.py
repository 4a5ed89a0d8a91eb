"""Cores: what a container gives counts, and lessons take no more threads than that."""

import os

import pytest
from threadpoolctl import threadpool_limits

import nn_helpers
from nn_helpers import doctor
from nn_helpers.support import threads
from nn_helpers.support.lesson import edition
from nn_helpers.support.threads import blas_libraries, usable_cores

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def container(tmp_path, monkeypatch):
    """The file that says how much processor time a container may use; tests write into it."""
    monkeypatch.setattr(threads, "CPU_MAX", tmp_path / "cpu.max")
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
