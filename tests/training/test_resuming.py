"""A training goes on from its checkpoint and ends, bit for bit, like one that never stopped."""

import signal
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from networks import small_net
from runs import STEPS, Augment, Run, assert_equal, assert_equal_generators, blobs, colours
from safetensors.numpy import load_file

from nn_helpers import (
    SGD,
    Adam,
    ArrayDataset,
    ClassificationNet,
    Momentum,
    compare_optimizers,
    flip_and_shift,
    train,
)
from nn_helpers import __main__ as cli
from nn_helpers.optimizers import OPTIMIZERS, Optimizer, make_optimizer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_training_ends_bit_for_bit_like_one_that_never_stopped(tmp_path, name, dtype):
    path = tmp_path / "run.safetensors"
    expected = Run(name, dtype).train()
    Run(name, dtype).cut_after(2 * STEPS + 3, path)
    assert_equal(Run(name, dtype).train(resume=path), expected)


def test_it_can_stop_after_any_step(tmp_path):
    path = tmp_path / "run.safetensors"
    expected = Run().train(epochs=2)
    for step in range(2 * STEPS):
        Run().cut_after(step, path, epochs=2)
        assert len(load_file(path)["history"]) == step
        assert_equal(Run().train(resume=path, epochs=2), expected)


def test_it_can_stop_again_and_again(tmp_path):
    path = tmp_path / "run.safetensors"
    Run().cut_after(5, path, every=2)
    for step in (8, 8, 13, 17, 22):  # once without a single step
        steps_here = step - len(load_file(path)["history"])
        replayed = len(load_file(path)["history"]) % STEPS
        Run().cut_after(steps_here + replayed, path, every=2, resume=path)
        assert len(load_file(path)["history"]) == step - step % 2
    assert_equal(Run().train(resume=path, checkpoint=path), Run().train())


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": None},
        {"drop_last": True},
        {"shuffle": False},
        {"validate": False, "keep_best": False},
        {"keep_best": False},
        {"net": {"activation": ["tanh", "relu"]}},
        {"data": blobs(), "keep_best": False, "augment": None},
        {"data": ArrayDataset(blobs(), val=blobs(20, seed=1)), "augment": None, "batch_size": 8},
    ],
    ids=str,
)
def test_it_goes_on_with_every_argument(tmp_path, arguments):
    if isinstance(arguments.get("data"), tuple | ArrayDataset):
        make = partial(RunOnPoints, **arguments)
    else:
        make = partial(Run, **arguments)
    path, expected = tmp_path / "run.safetensors", make().train()
    stopped = make(epochs=3).train(checkpoint=path, checkpoint_every=5)
    assert len(stopped.history) < len(expected.history)
    assert_equal(make().train(resume=path), expected)


class RunOnPoints(Run):
    def __init__(self, **arguments):
        super().__init__(total_steps=60, **arguments)
        self.net = ClassificationNet(5, [6], 3, dtype="float64", dropout=0.2)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
@pytest.mark.parametrize("shared", [False, True])
def test_it_goes_on_with_every_kind_of_generator_and_with_one_for_both_seeds(tmp_path, kind, shared):
    def make():
        rng = np.random.Generator(getattr(np.random, kind)(3))
        rng.integers(9, dtype=np.uint32)  # half of 64 random bits are left over
        return Run(
            net={"seed": rng}, seed=rng if shared else np.random.Generator(getattr(np.random, kind)(4))
        )

    path, expected = tmp_path / "run.safetensors", make().train()
    make().cut_after(STEPS + 3, path)
    resumed = make().train(resume=path)
    assert_equal(resumed, expected)
    assert_equal_generators(resumed.arguments["seed"], expected.arguments["seed"])


def test_a_custom_schedule_and_an_optimizer_of_your_own_go_on_too(tmp_path):
    def falling(t):
        return 0.1 / t

    class Nesterov(Momentum):
        remembers = ("v", "last")

        def update(self, theta, gradient, lr, scratch, v, last):
            np.copyto(last, v)
            super().update(theta, gradient, lr, scratch, v)
            theta += self.beta * (v - last)

    def make():
        return Run(Nesterov(falling))

    path, expected = tmp_path / "run.safetensors", make().train()
    make().cut_after(STEPS + 3, path)
    assert_equal(make().train(resume=path), expected)


class Mine(Optimizer):
    remembers = ("v",)

    def __init__(self, lr, beta=0.9):
        super().__init__(lr)
        self.beta, self.steps, self.net = beta, 0, small_net()

    def update(self, theta, gradient, lr, scratch, v):
        self.steps += 1
        v *= self.beta
        v -= lr * gradient
        theta += v


class Falling:
    def __init__(self, lr, at=(3, 9)):
        self.lr, self.at = lr, np.array(at)

    def __call__(self, t):
        return self.lr / (1 + int((t >= self.at).sum()))


def test_an_optimizer_and_a_schedule_of_your_own_class_are_told_apart_by_their_attributes(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run(Mine(Falling(0.01))).train()
    Run(Mine(Falling(0.01))).cut_after(STEPS + 3, path)
    for other, words in (
        (Mine(Falling(0.01), 0.1), "optimizer beta is 0.9 there and 0.1 here"),
        (Mine(Falling(9.0)), "optimizer lr lr is 0.01 there and 9.0 here"),
        (Mine(Falling(0.01, (3, 8))), r"optimizer lr at is \[3, 9\] there and \[3, 8\] here"),
        (Mine(0.01), "optimizer lr kind is Falling there and missing here"),
    ):
        with pytest.raises(ValueError, match=words):
            Run(other).train(resume=path)
    assert_equal(Run(Mine(Falling(0.01))).train(resume=path), expected)


def test_an_optimizer_that_was_used_before_goes_on_from_where_it_was(tmp_path):
    def make():
        optimizer = Adam(0.01)
        train(Run().net, colours(), optimizer, epochs=1, batch_size=4, progress=False)
        return Run(optimizer)

    path, expected = tmp_path / "run.safetensors", make().train()
    make().cut_after(STEPS + 3, path)
    assert_equal(make().train(resume=path), expected)
    assert_equal(Run(Adam(0.01)).train(resume=path), expected)


def test_what_the_network_and_the_optimizer_were_before_does_not_matter(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run().train()
    Run().cut_after(STEPS + 3, path)
    other = Run(net={"seed": 9}).train(epochs=1)
    assert_equal(other.train(resume=path), expected)


def test_epochs_counts_the_whole_run_and_may_grow(tmp_path):
    path = tmp_path / "run.safetensors"
    Run(epochs=2).train(checkpoint=path)
    assert_equal(Run(epochs=4).train(resume=path), Run(epochs=4).train())
    with pytest.raises(
        ValueError, match=r"has made 12 steps, into epoch 2, and epochs allows 6; it counts the"
    ):
        Run(epochs=1).train(resume=path)


def test_a_finished_training_is_only_read(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run().train()
    Run().train(checkpoint=path)
    augment = Augment()
    assert_equal(Run().train(resume=path, augment=augment), expected)
    assert augment.batches == 0


def test_the_best_epoch_may_lie_before_the_stop(tmp_path):
    def make():  # goes down for two epochs, and far away from there on
        return Run(SGD(lambda t: 0.02 if t <= 2 * STEPS else 5.0), net={"dropout": 0.0})

    path, expected = tmp_path / "run.safetensors", make().train()
    accuracy = expected.history.epochs()["val_accuracy"]
    assert np.argmax(accuracy) <= 1  # or this test would show nothing
    make().cut_after(2 * STEPS + 3, path)
    resumed = make().train(resume=path)
    assert_equal(resumed, expected)
    assert resumed.net.score(*standard(colours())) == np.max(accuracy)


def standard(data):
    return data.standardise(data.val.images), data.val.labels


def test_checkpoints_change_nothing_in_a_training(tmp_path):
    assert_equal(Run().train(checkpoint=tmp_path / "run.safetensors", checkpoint_every=1), Run().train())


def test_the_progress_bar_begins_where_the_training_does(tmp_path, capsys):
    path = tmp_path / "run.safetensors"
    Run(epochs=2).train(checkpoint=path)
    Run().train(resume=path, progress=True)
    shown = capsys.readouterr().err
    assert "12/24" in shown
    assert "24/24" in shown
    assert " 0/24" not in shown


def test_a_resumed_training_diverges_like_one_that_never_stopped(tmp_path):
    def make():
        return Run(SGD(lambda t: 0.01 if t <= 8 else t * 1e299), "float64")

    path = tmp_path / "run.safetensors"
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = make().train()
        assert "at step 10 (learning rate 9e+299); one step before it was" in expected.history.stopped
        make().cut_after(9, path)
        assert_equal(make().train(resume=path), expected)


def test_a_comparison_refuses_one_checkpoint_for_all(tmp_path):
    net, path = small_net(), tmp_path / "run.safetensors"
    with pytest.raises(ValueError, match="a checkpoint holds one training; give each optimizer its own"):
        compare_optimizers(net, blobs(), {"a": SGD(0.1), "b": Adam(0.1)}, checkpoint=path, progress=False)
    assert list(tmp_path.iterdir()) == []
    own = {
        name: (make_optimizer(name, 0.01), {"checkpoint": tmp_path / f"{name}.safetensors"})
        for name in ("sgd", "adam")
    }
    nets, _ = compare_optimizers(net, blobs(), own, epochs=1, progress=False)
    for name, trained in nets.items():
        loaded = ClassificationNet.load(tmp_path / f"{name}.safetensors")
        np.testing.assert_array_equal(loaded.theta, trained.theta)


QUICK = ["train", "--data", "sketches", "--images", "40", "--val", "20", "--hidden", "8", "--quiet"]


@pytest.fixture(scope="module")
def few_sketches():
    from nn_helpers import data

    few = data.sketches(n_train=60, n_test=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nn_helpers.data.sketches", lambda: few)
        yield


def without_seconds(out):
    *rest, last = out.splitlines()
    name, steps, _, *numbers = last.split()
    return rest, name, steps, numbers


def test_the_command_line_goes_on_from_its_checkpoint(few_sketches, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = [*QUICK, "--optimizer", "adam", "--epochs", "4", "--augment", "--dropout", "0.2", "--keep-best"]
    assert cli.main(command) == 0
    expected = without_seconds(capsys.readouterr().out)
    with monkeypatch.context() as patch:
        patch.setattr(cli, "flip_and_shift", stop_at_batch_8(flip_and_shift))
        assert cli.main([*command, "--checkpoint", "run.safetensors"]) == 1
    assert "adam: interrupted after step 8 of 20" in (error := capsys.readouterr().err)
    assert "add --resume to go on from run.safetensors" in error
    assert cli.main([*command, "--checkpoint", "run.safetensors", "--resume"]) == 0
    assert without_seconds(capsys.readouterr().out) == expected
    assert cli.main([*command[:-1], "--checkpoint", "run.safetensors", "--resume"]) == 2
    assert "keep_best is True there and False here" in capsys.readouterr().err
    whole = Path("run.safetensors").read_bytes()
    assert cli.main([*command, "--checkpoint", "run.safetensors"]) == 2
    error = capsys.readouterr().err
    assert "run.safetensors holds a training that stands at step 20. A new" in error
    assert "(in a terminal --resume)" in error
    assert error.count("train: ") == 1
    assert error.count("\n") == 1
    assert Path("run.safetensors").read_bytes() == whole


def stop_at_batch_8(augment):
    seen = []

    def flip_and_shift(images, rng):
        seen.append(len(images))
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)
        augment(images, rng)

    flip_and_shift.__qualname__ = "flip_and_shift"
    return flip_and_shift


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--checkpoint", "run.safetensors"],
            "--checkpoint holds one training, and gd sgd momentum adam make 4;",
        ),
        (["--resume", "--optimizer", "adam"], "--resume needs --checkpoint"),
        (
            ["--optimizer", "adam", "--checkpoint", "run.pt"],
            "checkpoint must end in .safetensors, got 'run.pt'",
        ),
        (["--optimizer", "adam", "--checkpoint", "no.safetensors", "--resume"], "there is no checkpoint"),
        (["--optimizer", "adam", "--checkpoint", "a/b.safetensors"], "there is no folder"),
    ],
)
def test_the_command_line_says_what_it_cannot_do(few_sketches, tmp_path, capsys, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*QUICK, *options]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_plain_gradient_descent_keeps_a_checkpoint_too(few_sketches, tmp_path, capsys):
    command = [*QUICK, "--optimizer", "gd", "--checkpoint", str(tmp_path / "run.safetensors")]
    assert cli.main([*command, "--epochs", "2"]) == 0
    assert cli.main([*command, "--epochs", "3", "--resume"]) == 0
    assert " 3 " in capsys.readouterr().out.splitlines()[-1]
