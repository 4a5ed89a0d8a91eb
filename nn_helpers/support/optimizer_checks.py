"""What an optimizer asks of its learning rate and of the arrays it steps on."""

import numbers

import numpy as np

from nn_helpers.support.arrays import as_floats, describe
from nn_helpers.support.validation import number, takes


class LearningRate:
    """The attribute `lr`: a number greater than 0, or a schedule."""

    def __set__(self, optimizer, lr):
        name = type(optimizer).__name__
        if callable(lr) and not takes(lr, 1):
            raise TypeError(f"{name}: a schedule lr must be a function of one argument, the step t")
        vars(optimizer)["lr"] = lr if callable(lr) else number(name, "the learning rate lr", lr, above=0.0)


def scheduled(optimizer, lr, t):
    """Return what a schedule gave for step t, if it is a learning rate."""
    if not isinstance(lr, numbers.Real) or not lr >= 0:  # nor is it NaN
        raise ValueError(
            f"{type(optimizer).__name__}: the schedule lr must give a learning rate of at least 0, got "
            f"{lr!r:.60} for step {t}"
        )
    return lr


def step(optimizer, theta, gradient, remembered):
    """Return the gradient as floats; theta must be like it, and like the last one, which is `remembered`."""
    name = type(optimizer).__name__
    if not isinstance(theta, np.ndarray) or theta.dtype.kind != "f":
        raise TypeError(f"{name}: theta must be a float array, to be changed in place; got {theta!r:.60}")
    if not theta.flags.writeable:
        raise ValueError(f"{name}: theta is read-only, and a step changes it in place; write theta.copy()")
    gradient = as_floats(name, "gradient", gradient)
    if gradient.shape != theta.shape:
        raise ValueError(f"{name}: theta has shape {theta.shape} but gradient {gradient.shape}")
    if remembered not in (None, (theta.shape, theta.dtype)):
        shape, dtype = remembered
        raise ValueError(
            f"{name}: theta is a {describe(theta)}, but this optimizer remembers a {dtype} array "
            f"{shape}; make a new optimizer for another network"
        )
    return gradient
