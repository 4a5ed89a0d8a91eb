"""A network's numbers: all parameters in one vector, their gradient in another, and arrays to compute in."""

import threading
from collections.abc import MutableMapping
from typing import NamedTuple

import numpy as np

from nn_helpers.support.arrays import refuse_mask


class Layer(NamedTuple):
    """An affine layer's weights (D, M) and biases (M,), and the gradient of each: views of two vectors."""

    W: np.ndarray
    b: np.ndarray
    dW: np.ndarray  # noqa: N815 - as in the formulas
    db: np.ndarray


class Buffer(NamedTuple):
    """What a hidden layer is computed in: arrays (N, M), the last two for the way back."""

    z: np.ndarray
    a: np.ndarray
    dropped: np.ndarray
    mask: np.ndarray
    da: np.ndarray
    dz: np.ndarray


class Parameters:
    """Every weight and then every bias of affine layers, given their shapes (D, M), and the gradient.

    Vectors that are not given are made, full of zeros.

    Attributes
    ----------
    theta, gradient : float array (P,)
    params, grads : ParameterViews
        Views of `theta` and of `gradient`.
    weights : float array
        The part of `theta` that holds weights.
    layers : list of Layer
    """

    def __init__(self, shapes, dtype, theta=None, gradient=None):
        weights, P = (sum(D * M + more * M for D, M in shapes) for more in (0, 1))
        self.theta, self.gradient = (_zeros(P, dtype) if v is None else v for v in (theta, gradient))
        self.params, self.grads = ParameterViews(self.theta, shapes), ParameterViews(self.gradient, shapes)
        self.weights = self.theta[:weights]
        self.layers = [
            Layer(*(views[f"{kind}{layer}"] for views in (self.params, self.grads) for kind in "Wb"))
            for layer in range(1, len(shapes) + 1)
        ]

    def sharing_theta(self, gradient=None):
        """Return the same parameters, in the same array, with another gradient."""
        shapes = [layer.W.shape for layer in self.layers]
        return Parameters(shapes, self.theta.dtype, self.theta, gradient)


class ParameterViews(MutableMapping):
    """W1, b1, W2, b2, … as views of one flat vector, by name.

    Assigning writes into the vector: ``params["W1"] = W`` copies W, so the views stay views.
    """

    def __init__(self, vector, shapes):
        self._arrays = {}
        weights, biases = 0, sum(D * M for D, M in shapes)  # all weights first, then all biases
        for layer, (D, M) in enumerate(shapes, start=1):
            self._arrays[f"W{layer}"] = vector[weights : weights + D * M].reshape(D, M)
            self._arrays[f"b{layer}"] = vector[biases : biases + M]
            weights, biases = weights + D * M, biases + M

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
