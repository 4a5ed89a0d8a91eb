"""A small training with everything that has a state, and ways to end it before its time."""

import signal

import numpy as np
import pytest
from safetensors.numpy import load_file

from nn_helpers import ClassificationNet, CosineWithWarmup, Dataset, Record, Split, flip_and_shift, train
from nn_helpers.optimizers import make_optimizer


def blobs(N=60, D=5, C=3, seed=0):
    """Points around one centre for each class."""
    rng = np.random.default_rng(seed)
    y = np.arange(N) % C
    return 2 * np.eye(C, D)[y] + 0.5 * rng.standard_normal((N, D)), y


def colours(seed=0):
    """22 training and 12 validation images of 6×6 pixels; every third one is brighter in one colour."""
    rng = np.random.default_rng(seed)
    labels = np.arange(34) % 3
    images = rng.integers(0, 160, (34, 6, 6, 3), dtype=np.uint8)
    images[np.arange(34), ..., labels] += 40
    part = Split(images, labels)
    return Dataset("colours", part[:22], part[22:], class_names=("red", "green", "blue"))


class PowerCutError(Exception):
    """Stands for the end of the process."""


class Augment:
    """`flip_and_shift`, with Ctrl-C or the end of the process at the n-th batch."""

    def __init__(self, at=None, happens=None):
        self.at, self.happens, self.batches = at, happens, 0

    def __call__(self, images, rng):
        self.batches += 1
        if self.batches == self.at:
            if self.happens is PowerCutError:
                raise PowerCutError
            signal.raise_signal(signal.SIGINT)
        flip_and_shift(images, rng)


def forget(path):
    """Remove a checkpoint, so that another training may begin there."""
    path.unlink(missing_ok=True)


STEPS = 6  # in an epoch: 22 images in batches of 4, the last one smaller


class Run:
    """A training with everything that has a state: dropout, augmentation, a schedule, the best epoch."""

    def __init__(self, optimizer="adamw", dtype="float32", net=(), total_steps=4 * STEPS, **arguments):
        lr = CosineWithWarmup(0.02, total_steps, 3)
        self.optimizer = make_optimizer(optimizer, lr) if isinstance(optimizer, str) else optimizer
        self.net = ClassificationNet(
            108, [7, 6], 3, reg=0.01, dtype=dtype, **{"dropout": 0.3, "seed": 1, **dict(net)}
        )
        self.arguments = {
            "data": colours(), "epochs": 4, "batch_size": 4, "drop_last": False, "augment": Augment(),
            "keep_best": True, "seed": 5, "progress": False, **arguments,
        }  # fmt: skip

    def train(self, **arguments):
        self.history = train(self.net, optimizer=self.optimizer, **{**self.arguments, **arguments})
        return self

    def cut_after(self, step, path, every=1, **arguments):
        """Train, and end like a process that is killed after `step` steps."""
        if "resume" not in arguments:
            forget(path)
        with pytest.raises(PowerCutError):
            self.train(
                augment=Augment(step + 1, PowerCutError), checkpoint=path, checkpoint_every=every, **arguments
            )
        return self


def assert_equal(run, expected):
    """Two runs have ended alike, bit for bit, in all but the seconds."""
    np.testing.assert_array_equal(run.net.theta, expected.net.theta)
    assert run.optimizer.t == expected.optimizer.t
    np.testing.assert_equal(run.optimizer.state, expected.optimizer.state)
    for ours, theirs in zip(run.history.records, expected.history.records, strict=True):
        for name in Record.__slots__:
            assert name == "seconds" or getattr(ours, name) == getattr(theirs, name), (ours.step, name)
            assert type(getattr(ours, name)) is type(getattr(theirs, name)), name
    assert (np.diff(run.history.to_arrays()["seconds"]) > 0).all()
    assert run.history.stopped == expected.history.stopped
    assert_equal_generators(run.net.rng, expected.net.rng)


def assert_equal_generators(a, b):
    np.testing.assert_equal(a.bit_generator.state, b.bit_generator.state)


def one_checkpoint(path, **arguments):
    """Write a checkpoint of one epoch."""
    forget(path)
    Run(**arguments).train(epochs=1, checkpoint=path)
    return path


def steps_in(folder):
    """Return how many steps each checkpoint in a folder has, by its name."""
    return {path.name: len(load_file(path)["history"]) for path in sorted(folder.iterdir())}


def damage(path):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
