"""What layers and losses ask of their arguments: each check is one call, and says what to write instead."""

import numpy as np

from nn_helpers.support.arrays import as_floats, floats, labels
from nn_helpers.support.validation import counted


def affine_forward(x, W, b):
    """Return x, x as rows (N, D), W and b as floats that fit together."""
    x, W, b = floats("affine_forward", x=x, W=W, b=b)
    rows = x if x.ndim == 2 else _flatten(x)
    if W.shape != (rows.shape[1], *b.shape):
        raise ValueError(_affine_mismatch(x, rows, W, b))
    return x, rows, W, b


def affine_backward(dz, cache):
    """Return dz, and from the cache x, x as rows (N, D) and W."""
    x, W = _unpack(cache)
    rows = x if x.ndim == 2 else _flatten(x)
    return _derivative("affine_backward", "dz", dz, (len(rows), W.shape[1])), x, rows, W


def activation_forward(function, z, out):
    """Return z as floats; `out` must have its shape."""
    z = as_floats(function, "z", z)
    if out is not None and out.shape != z.shape:
        raise ValueError(f"{function}: out has shape {out.shape}, but the result has {z.shape}")
    return z


def activation_backward(function, da, cache, out):
    """Return da as floats, the cache, and an array for the result."""
    da = _derivative(function, "da", da, _array(function, cache).shape)
    if out is not None and (out is da or out is cache):
        raise ValueError(f"{function}: out must be an array of its own, not da or the cache")
    return activation_forward(function, da, out), cache, np.empty_like(da) if out is None else out


def leaky_relu_backward(da, cache, out):
    """Return da, z and the slope from the cache, and an array for the result."""
    if not isinstance(cache, tuple | list) or len(cache) != 2:
        raise TypeError(_foreign_cache("leaky_relu_backward", cache))
    z, slope = cache
    da, z, out = activation_backward("leaky_relu_backward", da, z, out)
    return da, z, slope, out


def dropout_backward(d, mask):
    """Return d as floats; the mask must have its shape."""
    return _derivative("dropout_backward", "d", d, _array("dropout_backward", mask).shape)


def batchnorm_forward(z, gamma, beta, running):
    """Return z (N, M), gamma, beta and, unless it is None, running as floats that fit together."""
    names = {"gamma": gamma, "beta": beta}
    if running is not None:
        if not isinstance(running, tuple | list) or len(running) != 2:
            raise TypeError(f"batchnorm_forward: running must be (mean, var), got {type(running).__name__}")
        names["the running mean"], names["the running variance"] = running
    z, *units = floats("batchnorm_forward", z=z, **names)
    if z.ndim != 2:
        raise ValueError(f"batchnorm_forward: z must have shape (N, M), got {z.shape}")
    for name, of_each in zip(names, units, strict=True):
        if of_each.shape != z.shape[1:]:
            raise ValueError(
                f"batchnorm_forward: {name} must have shape {z.shape[1:]}, one number for each unit of z "
                f"{z.shape}; got {of_each.shape}"
            )
    if running is None and len(z) < 2:
        raise ValueError(
            "batchnorm_forward: a batch needs two examples or more to have a mean and a variance, got z "
            f"{z.shape}; for predictions give running=(mean, var)"
        )
    return z, *units[:2], units[2:] or None


def batchnorm_backward(dy, cache):
    """Return dy as floats, and what is in the cache."""
    if not isinstance(cache, tuple) or len(cache) != 3:
        expected = "(z_hat, std, gamma), which it keeps unless running= makes it a prediction"
        raise TypeError(_foreign_cache("batchnorm_backward", cache, expected))
    dy = _derivative("batchnorm_backward", "dy", dy, np.shape(cache[0]))
    if np.shape(cache[1])[-1:] != dy.shape[1:]:
        raise ValueError(
            f"batchnorm_backward: std in the cache must have shape {dy.shape[1:]}, one for each unit, got "
            f"{np.shape(cache[1])}; another normalisation needs a way back of its own"
        )
    return dy, *cache


def logits(function, given):
    """Return logits as floats, with at least one class."""
    given = floats(function, logits=given)
    if given.ndim == 0 or given.shape[-1] == 0:
        raise ValueError(f"{function}: logits must have shape (N, C), at least one class; got {given.shape}")
    return given


def logits_and_labels(function, given, y):
    """Return logits (N, C) as floats, and labels that fit."""
    given = floats(function, logits=given)
    if given.ndim != 2 or not given.size:
        raise ValueError(
            f"{function}: logits must have shape (N, C) with N and C at least 1; got {given.shape}"
        )
    return given, labels(function, y, *given.shape)


def _derivative(function, name, given, there):
    """Return what a backward pass is given as floats; it must be shaped like the forward pass's result."""
    given = as_floats(function, name, given)
    if given.shape != there:
        raise ValueError(
            f"{function}: {name} has shape {given.shape}, but the forward pass returned {there}; {name} is "
            f"the derivative of the loss with respect to {name[1:] or 'that'}, so their shapes agree"
        )
    return given


def _array(function, cache):
    if not isinstance(cache, np.ndarray):
        raise TypeError(_foreign_cache(function, cache))
    return cache


def _flatten(x):
    if x.ndim == 0:
        raise ValueError("affine_forward: x must have shape (N, …), got one number; write x.reshape(1, 1)")
    return x.reshape(len(x), int(np.prod(x.shape[1:])))


def _affine_mismatch(x, rows, W, b):
    shapes = f"(x {x.shape}, W {W.shape}, b {b.shape})"
    if W.ndim != 2:
        return f"affine_forward: W must have shape (D, M), D inputs by M outputs {shapes}"
    if rows.shape[1] != W.shape[0]:
        hint = "; for one example write x[np.newaxis]" if x.shape == W.shape[:1] else ""
        features, rows = counted(rows.shape[1], "feature"), counted(W.shape[0], "row")
        return f"affine_forward: x has {features} but W has {rows} {shapes}{hint}"
    return f"affine_forward: b must have shape ({W.shape[1]},), one bias for each column of W {shapes}"


def _unpack(cache):
    """Return x and W from a cache, or say that a foreign forward pass made it."""
    x, W = cache if isinstance(cache, tuple | list) and len(cache) == 2 else (None, None)
    if not isinstance(x, np.ndarray) or not isinstance(W, np.ndarray) or W.ndim != 2:
        raise TypeError(_foreign_cache("affine_backward", cache, "(x, W)"))
    return x, W


def _foreign_cache(function, cache, expected="what the forward pass returned as its second result"):
    forward = function.replace("backward", "forward")
    return f"{function}: cache must come from {forward}: {expected}; got {type(cache).__name__}"
