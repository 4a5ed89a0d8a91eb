"""The training step allocates nothing of the size of a layer or of the parameters, and stays in its dtype."""

import tracemalloc

import numpy as np
import pytest

from nn_helpers import ClassificationNet, Dataset, Split, make_optimizer, training_steps
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.optimizers import OPTIMIZERS

# NumPy's own buffers for changing a dtype on the way hold 8,192 numbers, however large the arrays are; every
# thread has its own.
ALLOWED = {1: 100_000, 2: 125_000}  # bytes, by threads
SHARE, HIDDEN = 64, [512, 600]  # the smaller layer: 64 · 512 · 4 = 131,072 bytes


def data():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(384, 32, 32, 3), dtype=np.uint8)
    return Dataset("random", Split(images, rng.integers(10, size=384)))


def training(activation="relu", optimizer="adam", dropout=0.0, threads=1):
    net = ClassificationNet(3072, HIDDEN, 10, activation, reg=1e-3, dropout=dropout)
    how = {"batch_size": threads * SHARE, "threads": threads}
    return net, training_steps(net, data(), make_optimizer(optimizer, 1e-4), **how)


def allocation(steps):
    """The most bytes that were in use at once during six steps, which go over an epoch's end."""
    for _ in range(6):
        next(steps)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(6):
            next(steps)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_layer_is_allocated_with_any_activation(activation, threads):
    assert allocation(training(activation, threads=threads)[1]) < ALLOWED[threads] < SHARE * min(HIDDEN) * 4


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_layer_is_allocated_with_any_optimizer(optimizer, threads):
    assert allocation(training(optimizer=optimizer, threads=threads)[1]) < ALLOWED[threads]


def test_no_layer_is_allocated_by_dropout():
    assert allocation(training(dropout=0.1)[1]) < ALLOWED[1]


def test_an_allocation_in_the_step_would_be_seen():
    net, steps = training()
    forward = net.functions["relu_forward"]

    def allocating(z, out=None):
        a, cache = forward(z)
        np.copyto(out, a)
        return out, cache

    net.functions["relu_forward"] = allocating
    assert allocation(steps) > ALLOWED[1]


class Watch:
    """Wraps functions, and notes every dtype that they are given or return."""

    def __init__(self, net, optimizer):
        self.dtypes = set()
        for name, function in net.functions.items():
            net.functions[name] = self.watch(function)
        optimizer.update = self.watch(optimizer.update)

    def watch(self, function):
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            self.look(args, kwargs, result)
            return result

        return call

    def look(self, *values):
        for value in values:
            if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f":
                self.dtypes.add(value.dtype.name)
            elif isinstance(value, tuple | list):
                self.look(*value)
            elif isinstance(value, dict):
                self.look(*value.values())


def dtypes_seen(activation, optimizer, dtype, disturb=None):
    net = ClassificationNet(3072, [16], 10, activation, reg=1e-3, dtype=dtype, dropout=0.1)
    optimizer = make_optimizer(optimizer, 1e-4)
    if disturb:
        disturb(net)
    watching = Watch(net, optimizer)
    steps = training_steps(net, data(), optimizer, batch_size=2 * SHARE, threads=2)
    for _ in range(3):
        next(steps)
    return watching.dtypes


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_array_of_the_step_has_the_dtype_of_the_network(activation, optimizer, dtype):
    assert dtypes_seen(activation, optimizer, dtype) == {dtype}


def test_a_float64_in_a_float32_step_would_be_seen():
    def disturb(net):
        forward = net.functions["relu_forward"]
        net.functions["relu_forward"] = lambda z, out=None: forward(z.astype(np.float64))

    assert dtypes_seen("relu", "adam", "float32", disturb) == {"float32", "float64"}
