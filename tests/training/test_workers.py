"""A batch that threads share: the numbers are those of one thread, and it ends as any training does."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from runs import STEPS, Augment, Run, assert_equal, blobs

from nn_helpers import Adam, ClassificationNet, Momentum, training_steps
from nn_helpers.layers import tanh_forward
from nn_helpers.optimizers import OPTIMIZERS, make_optimizer
from nn_helpers.support import scratch, threads
from nn_helpers.support.threads import blas_libraries
from nn_helpers.training import workers

needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows sends a thread no signal")
MAIN = threading.main_thread().ident


@pytest.fixture(autouse=True)
def short_vectors_are_shared_too(monkeypatch):
    monkeypatch.setattr(workers, "LARGE", 10)
    monkeypatch.setattr(scratch, "LONG", 20)
    monkeypatch.setattr(scratch, "BLOCK", 7)


class Clipped(Momentum):
    def update(self, theta, gradient, lr, scratch, v):
        super().update(theta, gradient / np.linalg.norm(gradient), lr, scratch, v)


class Stepping(Adam):
    def step(self, theta, gradient):
        super().step(theta, gradient / np.linalg.norm(gradient))


def trained(threads, optimizer="adam", hidden=(6, 5), dtype=np.float64, own=None, batch_size=13, **options):
    """A network after three epochs of 60 examples."""
    net = ClassificationNet(5, hidden, 3, "tanh", reg=0.1, dtype=dtype, **options).use(**own or {})
    optimizer = make_optimizer(optimizer, 0.01) if isinstance(optimizer, str) else optimizer(0.01)
    how = {"batch_size": batch_size, "epochs": 3, "drop_last": False, "threads": threads}
    net.losses = [record.loss for record in training_steps(net, blobs(), optimizer, **how)]
    return net


def assert_close(net, expected):
    for ours, theirs in ((net.theta, expected.theta), (net.gradient, expected.gradient)):
        assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()
    np.testing.assert_allclose(net.losses, expected.losses, rtol=1e-12)


@pytest.mark.parametrize("threads", [2, 3, 5, 100])
@pytest.mark.parametrize("hidden", [(), (6,), (6, 5), (6, 5, 4)])
def test_threads_make_the_steps_of_one_at_any_depth(threads, hidden):
    for batch_size in (13, 59):  # the last batch has 8 examples, or one
        how = {"hidden": hidden, "batch_size": batch_size}
        assert_close(trained(threads, **how), trained(1, **how))


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, Clipped, Stepping])
def test_threads_make_the_steps_of_one_with_any_optimizer(optimizer):
    assert_close(trained(3, optimizer), trained(1, optimizer))


def test_threads_make_the_steps_of_one_with_functions_of_your_own():
    library = ClassificationNet(5, (6, 5), 3, "tanh").library
    own = {name: lambda *a, function=function: function(*a) for name, function in library.items()}
    assert_close(trained(3, own=own), trained(1))


def test_one_thread_makes_the_steps_that_one_writes_by_hand_to_the_last_bit():
    net, (x, y) = ClassificationNet(5, (6, 5), 3, "tanh", reg=0.1, dropout=0.2), blobs()
    optimizer, order = Adam(0.01), np.random.default_rng(0)
    for _ in range(3):
        rows = order.permutation(60)
        for start in range(0, 60, 13):
            these = rows[start : start + 13]
            logits = net.forward(x[these])
            net.backward(net.functions["cross_entropy"](logits, y[these])[1])
            optimizer.step(net.theta, net.gradient)
    assert np.array_equal(trained(1, dtype=np.float32, dropout=0.2).theta, net.theta)


def test_the_same_seed_and_threads_give_the_same_bits_beside_a_busy_process():
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        first, *others = (trained(3, dtype=np.float32, dropout=0.2) for _ in range(20))
    finally:
        busy.kill()
        busy.wait()
    assert all(np.array_equal(net.theta, first.theta) for net in others)
    assert not np.array_equal(trained(3, dtype=np.float32, dropout=0.2, seed=1).theta, first.theta)


@pytest.mark.parametrize("step", [1, STEPS, STEPS + 2])
def test_a_checkpoint_goes_on_bit_for_bit_with_two_threads_and_dropout(tmp_path, step):
    path, expected = tmp_path / "run.safetensors", Run(threads=2).train()
    Run(threads=2).cut_after(step, path)
    assert_equal(Run(threads=2).train(resume=path), expected)
    stopped = Run(threads=2).train(augment=Augment(step, signal.SIGINT))
    assert stopped.history.stopped == f"interrupted after step {step} of {4 * STEPS}"


def in_worker(happens):
    """Own functions, the first of which does it on every thread but this one, at the second step."""
    calls = []

    def forward(z):
        calls.append(threading.get_ident())
        if threading.get_ident() != MAIN and len(calls) > 6:
            happens()
        return tanh_forward(z)

    return {"tanh_forward": forward}


@pytest.mark.parametrize("count", [2, 5])
def test_an_error_on_another_thread_is_raised_once_as_it_is_and_the_next_training_works(count):
    error = ValueError("mine")

    def fail():
        raise error

    with pytest.raises(ValueError, match="mine") as caught:
        trained(count, own=in_worker(fail))
    assert caught.value is error
    assert error.__context__ is error.__cause__ is None
    assert_close(trained(count), trained(1))


def forever(*_):
    while True:
        pass


@needs_signals
@pytest.mark.parametrize(("what", "patience"), [("loop", 9), ("loops in both", 9), ("wait", 0.1)])
def test_ctrl_c_ends_what_never_ends(monkeypatch, what, patience):
    monkeypatch.setattr(threads, "PATIENCE", patience)
    goes_on = threading.Event()
    own = {
        "loop": in_worker(forever),
        "loops in both": {"tanh_forward": forever},
        "wait": in_worker(goes_on.wait),  # which no interrupt reaches before it ends
    }[what]
    threading.Timer(0.1, signal.pthread_kill, (MAIN, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        trained(2, own=own)
    goes_on.set()
    assert_close(trained(2), trained(1))


def test_an_interrupt_at_any_place_spoils_nothing_that_comes_after():
    """Python looks for interrupts when a function begins, and when one in C has ended."""
    files, expected, usual = (threads.__file__, workers.__file__), trained(2).theta, products()
    calls = at = 0

    def interrupt(frame, event, argument):
        nonlocal calls
        calls += frame.f_code.co_filename in files and event in ("call", "c_return")
        if calls == at:
            raise KeyboardInterrupt

    while calls == at:  # until training ends before it comes to that place
        calls, at, before = 0, at + 1, sys.getprofile()
        sys.setprofile(interrupt)
        with contextlib.suppress(KeyboardInterrupt):
            trained(2, batch_size=60)
        sys.setprofile(before)
        if at % 10 == 0:
            assert np.array_equal(trained(2).theta, expected)
    assert at > 100
    assert np.array_equal(trained(2).theta, expected)
    assert products() == usual


def products():
    """How many threads the products take."""
    return [library["num_threads"] for library in blas_libraries()]


def test_trainings_and_predictions_on_two_threads_at_once_are_those_of_one_alone():
    def work(seed):
        found[seed] = [(trained(2, seed=seed).theta, expected[0].logits(x)) for _ in range(10)]

    x, expected, found = np.eye(1300, 5), [trained(2, seed=seed) for seed in (0, 1)], {}
    answers, both = expected[0].logits(x), [threading.Thread(target=work, args=(seed,)) for seed in (0, 1)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    for seed in (0, 1):
        assert len(found[seed]) == 10
        for theta, logits in found[seed]:
            assert np.array_equal(theta, expected[seed].theta)
            assert np.array_equal(logits, answers)
