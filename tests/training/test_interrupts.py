"""Ctrl-C, once and twice, at any place of a training: everything is as the last step left it."""

import os
import signal

import numpy as np
import pytest
from runs import STEPS, Augment, Run, assert_equal, steps_in
from safetensors.numpy import load_file

from nn_helpers import SGD, compare_optimizers, flip_and_shift, training_steps
from nn_helpers.training import progress as bars


def test_ctrl_c_leaves_a_checkpoint_of_the_last_step(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run().train()
    stopped = Run().train(augment=Augment(STEPS + 3, signal.SIGINT), checkpoint=path)
    assert stopped.history.stopped == f"interrupted after step {STEPS + 3} of {4 * STEPS}"
    assert stopped.history.interrupted
    assert len(load_file(path)["history"]) == STEPS + 3
    assert_equal(Run().train(resume=path), expected)


def test_a_second_ctrl_c_leaves_no_checkpoint_of_half_a_step(tmp_path):
    class Twice(SGD):
        def update(self, theta, gradient, lr, scratch):
            theta[::2] -= lr * gradient[::2]
            if self.t == STEPS + 3 and self._stuck:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            theta[1::2] -= lr * gradient[1::2]

    def make(stuck):
        optimizer = Twice(0.1)
        optimizer._stuck = stuck
        return Run(optimizer)

    path = tmp_path / "run.safetensors"
    make(stuck=True).train(checkpoint=path)
    assert len(load_file(path)["history"]) == STEPS
    assert_equal(make(stuck=False).train(resume=path), make(stuck=False).train())


@pytest.fixture(scope="module")
def states():
    """What a training of two epochs is after each step: parameters, and the optimizer's count and memory."""
    run, after = Run(), []
    arguments = {k: v for k, v in run.arguments.items() if k not in ("data", "keep_best", "progress")}

    def look():
        memory = {name: array.copy() for name, array in run.optimizer.state.items()}
        after.append((run.net.theta.copy(), run.optimizer.t, memory))

    look()
    for _ in training_steps(run.net, run.arguments["data"], run.optimizer, **{**arguments, "epochs": 2}):
        look()
    return after


def assert_as_after(run, step, states):
    theta, t, memory = states[step]
    assert [record.step for record in run.history.records] == list(range(1, step + 1))
    assert run.history.stopped == f"interrupted after step {step} of {2 * STEPS}"
    np.testing.assert_array_equal(run.net.theta, theta)
    assert run.optimizer.t == t
    if step:
        np.testing.assert_equal(run.optimizer.state, memory)


def go_on(path):
    return Run(epochs=2).train(resume=path)


@pytest.mark.parametrize("step", range(1, 2 * STEPS + 1))
def test_ctrl_c_in_any_step_ends_after_it_with_everything_as_it_left_it(tmp_path, states, step):
    path = tmp_path / "run.safetensors"
    augment = Augment(step, signal.SIGINT)
    run = Run(epochs=2, keep_best=False).train(augment=augment, checkpoint=path)
    assert_as_after(run, step, states)
    assert len(load_file(path)["history"]) == step
    assert_equal(Run(epochs=2, keep_best=False).train(resume=path), Run(epochs=2, keep_best=False).train())


@pytest.mark.parametrize("step", range(1, 2 * STEPS + 1))
def test_an_interrupt_between_two_steps_leaves_a_checkpoint_of_the_first(tmp_path, monkeypatch, step):
    class Bar:
        def show(self, record):
            if record.step == step:
                raise KeyboardInterrupt

    path = tmp_path / "run.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(bars, "Quiet", Bar)
        run = Run(epochs=2).train(checkpoint=path)
    assert run.history.stopped == f"interrupted after step {step} of {2 * STEPS}"
    assert len(load_file(path)["history"]) == len(run.history) == step
    assert_equal(go_on(path), Run(epochs=2).train())


class InterruptAt:
    """A function that raises KeyboardInterrupt when it is called for the n-th time, or never."""

    def __init__(self, function, at=None):
        self.function, self._at, self.calls = function, at, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        if self.calls == self._at:
            raise KeyboardInterrupt
        return self.function(*arguments, **options)


PLACES = (
    "augment", "lr", "affine_forward", "relu_forward", "cross_entropy", "l2_penalty", "affine_backward",
    "relu_backward",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupt_in_a_function_of_your_own_leaves_everything_as_the_last_step_did(tmp_path, place):
    def make(at=None):
        run = Run(epochs=2, keep_best=False, augment=flip_and_shift)
        if place == "augment":
            mine = run.arguments["augment"] = InterruptAt(flip_and_shift, at)
        elif place == "lr":
            mine = run.optimizer.lr = InterruptAt(run.optimizer.lr, at)
        else:
            mine = InterruptAt(run.net.functions[place], at)
            run.net.use(**{place: mine})
        return run, mine

    path = tmp_path / "run.safetensors"
    expected, mine = make()
    begun, after = [], []  # calls before each step, and what it left

    def look(run, mine):
        memory = {name: array.copy() for name, array in run.optimizer.state.items()}
        begun.append(mine.calls)
        after.append((run.net.theta.copy(), run.optimizer.t, memory))

    expected.train()
    counted, mine = make()
    arguments = {k: v for k, v in counted.arguments.items() if k not in ("keep_best", "progress")}
    look(counted, mine)
    for _ in training_steps(counted.net, optimizer=counted.optimizer, **arguments):
        look(counted, mine)
    for at in sorted({begun[0] + 1, begun[2] + 1, begun[STEPS - 1] + 1, begun[STEPS], begun[-1]}):
        run, _ = make(at)
        run.train(checkpoint=path)
        assert_as_after(run, len(run.history), after)
        assert_equal(make()[0].train(resume=path), expected)


def test_ctrl_c_while_the_last_checkpoint_is_written_ends_a_comparison(tmp_path, monkeypatch):
    replace, writes = os.replace, []

    def ctrl_c(*arguments):
        writes.append(arguments)
        if len(writes) == 3:  # of steps 0, 4 and 6
            signal.raise_signal(signal.SIGINT)
        replace(*arguments)

    monkeypatch.setattr(os, "replace", ctrl_c)
    run, first = Run(epochs=1), {"checkpoint": tmp_path / "run.safetensors", "checkpoint_every": 4}
    runs = {"a": (SGD(0.1), first), "b": SGD(0.1)}
    _, histories = compare_optimizers(run.net, optimizers=runs, **run.arguments)
    assert list(histories) == ["a"]
    assert histories["a"].stopped == f"interrupted after step {STEPS} of {STEPS}"
    assert steps_in(tmp_path)["run.safetensors"] == STEPS
