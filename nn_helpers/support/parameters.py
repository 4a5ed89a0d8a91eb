"""A network's numbers: all parameters in one vector, their gradient in another, and arrays to compute in."""

import math
import threading
from collections.abc import MutableMapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nn_helpers.support.arrays import refuse_mask

TRAINED = ("W", "b", "gamma", "beta")  # kinds of arrays, in the order in which they lie in memory
KINDS = (*TRAINED, "mean", "var")  # the last two are running means: no gradient changes them


def shapes_of(sizes, normalise):
    """Return the shape of each array of a network by name, W1 and b1 first.

    Parameters
    ----------
    sizes : list of int
        The widths of all layers, from the input to the classes.
    normalise : bool
        Whether the hidden layers are normalised: gamma1, beta1, mean1, var1, … are there then.
    """
    shapes, of_unit = {}, KINDS[1:] if normalise else "b"
    for layer, (D, M) in enumerate(pairwise(sizes), start=1):
        hidden = layer < len(sizes) - 1
        shapes |= {f"W{layer}": (D, M), **{f"{kind}{layer}": (M,) for kind in (of_unit if hidden else "b")}}
    return shapes


def of_kinds(kinds, shapes):
    """Return the shapes of the arrays of these kinds."""
    return {name: shape for name, shape in shapes.items() if _kind(name) in kinds}


def _kind(name):
    return name.rstrip("0123456789")


class Layer(NamedTuple):
    """A layer's weights (D, M) and biases (M,), and the gradient of each: views of two vectors.

    Where a layer is normalised it has a scale γ and a shift β too, and the running mean and variance (M,).
    """

    W: np.ndarray
    b: np.ndarray
    dW: np.ndarray  # noqa: N815 - as in the formulas
    db: np.ndarray
    gamma: np.ndarray | None = None
    beta: np.ndarray | None = None
    dgamma: np.ndarray | None = None
    dbeta: np.ndarray | None = None
    mean: np.ndarray | None = None
    var: np.ndarray | None = None


class Buffer(NamedTuple):
    """What a hidden layer is computed in: arrays (N, M), the last two for the way back."""

    z: np.ndarray
    a: np.ndarray
    dropped: np.ndarray
    mask: np.ndarray
    da: np.ndarray
    dz: np.ndarray


NOWHERE = Buffer(*[None] * len(Buffer._fields))  # to compute in new arrays


class Parameters:
    """Every parameter, given the shapes of all arrays by name, its gradient, and the running means.

    Vectors that are not given are made, full of zeros.

    Attributes
    ----------
    numbers : float array
        All there is to know: the parameters, all weights first, and after them the running means.
    theta, gradient : float array (P,)
        The parameters, a part of `numbers`, and their gradient.
    arrays, params, grads : ParameterViews
        Views of `numbers`, `theta` and `gradient`.
    weights : float array
        The part of `theta` that holds weights.
    layers : list of Layer
    """

    def __init__(self, shapes, dtype, numbers=None, gradient=None):
        weights, trained = of_kinds("W", shapes), of_kinds(TRAINED, shapes)
        P = size(trained)
        self.numbers = _zeros(size(shapes), dtype) if numbers is None else numbers
        self.gradient = _zeros(P, dtype) if gradient is None else gradient
        self.theta, self.weights = self.numbers[:P], self.numbers[: size(weights)]
        self.arrays = ParameterViews(self.numbers, shapes)
        self.params, self.grads = (ParameterViews(v, trained) for v in (self.theta, self.gradient))
        self.layers = [self._layer(number) for number in range(1, len(weights) + 1)]
        if numbers is None:
            for name in of_kinds(("gamma", "var"), shapes):
                self.arrays[name].fill(1)

    def _layer(self, number):
        names = {kind: f"{kind}{number}" for kind in KINDS}
        arrays = {kind: self.arrays.get(name) for kind, name in names.items()}
        return Layer(**arrays, **{f"d{kind}": self.grads.get(names[kind]) for kind in TRAINED})

    def sharing_theta(self, gradient=None):
        """Return the same parameters, in the same array, with another gradient.

        Without `gradient` it has no running means: those follow one part of a shared batch, the first.
        """
        shapes = {name: array.shape for name, array in self.arrays.items()}
        shared = Parameters(shapes, self.theta.dtype, self.numbers, gradient)
        if gradient is None:
            shared.layers = [layer._replace(mean=None, var=None) for layer in shared.layers]
        return shared


class ParameterViews(MutableMapping):
    """W1, b1, W2, b2, … as views of one flat vector, by name.

    Assigning writes into the vector: ``params["W1"] = W`` copies W, so the views stay views.
    """

    def __init__(self, vector, shapes):
        self._arrays, end = dict.fromkeys(shapes), 0
        for name in sorted(shapes, key=lambda name: KINDS.index(_kind(name))):  # all weights first, …
            start, end = end, end + math.prod(shapes[name])
            self._arrays[name] = vector[start:end].reshape(shapes[name])

    def __getitem__(self, name):
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(f"no parameter {name!r}; this network has {', '.join(self)}") from None

    def __setitem__(self, name, value):
        copy_into(self[name], value, name)

    def __delitem__(self, name):
        raise TypeError("a network's parameters cannot be removed")

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self):
        return len(self._arrays)

    def __repr__(self):
        return "{" + ", ".join(f"{name!r}: {array.shape}" for name, array in self.items()) + "}"


class Buffers:
    """A `Buffer` for each hidden layer, kept between steps so that a step allocates nothing."""

    def __init__(self, sizes, dtype):
        self._sizes, self._dtype = sizes, dtype
        self.examples, self._longest, self._in_use = 0, [], []

    def of(self, N):
        """Return the buffers for N examples, the first hidden layer's first."""
        if N != self.examples or len(self._in_use) != len(self._sizes):
            if not self._longest or N > len(self._longest[0].z):
                self._longest = [self._buffer(N, M) for M in self._sizes]
            self._in_use = [Buffer(*(array[:N] for array in buffer)) for buffer in self._longest]
            self.examples = N
        return self._in_use

    def _buffer(self, N, M):
        return Buffer(*(np.empty((N, M), self._dtype) for _ in Buffer._fields))


class BuffersOfThread(threading.local, Buffers):
    """The same, others in each thread: several may compute with one network."""


def size(shapes):
    """Return how many numbers there are in arrays of these shapes."""
    return sum(map(math.prod, shapes.values()))


def _zeros(P, dtype):
    """Return a vector of P zeros."""
    try:
        return np.zeros(P, dtype)
    except (MemoryError, OverflowError, ValueError):  # which one depends on how large P is
        shown = f"{P:,}" if P < 10**18 else "more than 10¹⁸"
        raise MemoryError(
            f"ClassificationNet: there is not enough memory for {shown} parameters and their gradient; "
            "write smaller hidden_sizes"
        ) from None


def copy_into(array, values, name):
    """Copy numbers of the same shape into an array."""
    refuse_mask("a network's parameters", name, values)
    values = np.asarray(values)
    if values.shape != array.shape:
        raise ValueError(f"{name} must have shape {array.shape}, got {values.shape}")
    if values.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold numbers, got {values.dtype}")
    array[...] = values
