"""Functions of a learner's own in the place of the library's: they return new arrays and know no ``out=``."""

import numpy as np

from nn_helpers.support.parameters import copy_into
from nn_helpers.support.validation import describe


def adapt(name, function):
    """Let a function that returns new arrays serve where the network passes ``out=``."""
    expect = _EXPECTED.get(name) or (_expect_activation if name.endswith("_forward") else _expect_derivative)

    def call(*args, out=None, need_dx=True):
        result = function(*args)
        if name == "affine_backward":
            _expect_gradients(result, out, need_dx)
        else:
            expect(name, result, args)
        return result

    call.__wrapped__ = function
    return call


def _expect_gradients(result, out, need_dx):
    _, dW, db = _expect_tuple("affine_backward", result, "(dx, dW, db)")
    copy_into(out[1], dW, "dW from your affine_backward")
    copy_into(out[2], db, "db from your affine_backward")
    if need_dx:
        _expect_array("dx from your affine_backward", result[0], out[0].shape)


def _expect_affine(name, result, args):
    x, W, _ = args
    z, _ = _expect_tuple(name, result, "(z, cache)")
    _expect_array(f"z from your {name}", z, (len(x), W.shape[1]))


def _expect_loss(name, result, args):
    loss, dlogits = _expect_tuple(name, result, "(loss, dlogits)")
    _expect_number(f"loss from your {name}", loss)
    _expect_array(f"dlogits from your {name}", dlogits, args[0].shape)


def _expect_penalty(name, result, args):
    _expect_number(f"what your {name} returns", result)


def _expect_activation(name, result, args):
    a, _ = _expect_tuple(name, result, "(a, cache)")
    _expect_array(f"a from your {name}", a, args[0].shape)


def _expect_derivative(name, result, args):
    _expect_array(f"what your {name} returns", result, args[0].shape)


_EXPECTED = {"affine_forward": _expect_affine, "cross_entropy": _expect_loss, "l2_penalty": _expect_penalty}


def _expect_tuple(name, result, names):
    if not isinstance(result, tuple) or len(result) != names.count(",") + 1:
        raise TypeError(f"your {name} must return {names}, got {describe(result)}")
    return result


def _expect_number(what, given):
    if np.ndim(given) != 0 or np.asarray(given).dtype.kind not in "fiu":
        raise TypeError(f"{what} must be one number, got {describe(given)}")


def _expect_array(what, given, shape):
    if not isinstance(given, np.ndarray):
        raise TypeError(f"{what} must be an array, got {describe(given)}")
    if given.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {given.shape}")
    if given.dtype.kind not in "fiu":
        raise TypeError(f"{what} must hold numbers, got {given.dtype}")
