"""What layers and losses ask of their arguments: each check is one call, and says what to write instead."""

import numpy as np

from nn_helpers.support.arrays import as_floats, floats, labels


def affine_forward(x, W, b):
    """Return x, x as rows (N, D), W and b as floats that fit together."""
    x, W, b = floats("affine_forward", x=x, W=W, b=b)
    rows = x if x.ndim == 2 else _flatten(x)
    if W.shape != (rows.shape[1], *b.shape):
        raise ValueError(_affine_mismatch(x, rows, W, b))
    return x, rows, W, b


def affine_backward(dz, cache):
    """Return dz, and from the cache x, x as rows (N, D) and W."""
    dz = as_floats("affine_backward", "dz", dz)
    x, W = _unpack(cache)
    rows = x if x.ndim == 2 else _flatten(x)
    if dz.shape != (len(rows), W.shape[1]):
        raise ValueError(
            f"affine_backward: dz has shape {dz.shape}, but z had {(len(rows), W.shape[1])}; "
            "dz is the derivative of the loss with respect to z, so their shapes agree"
        )
    return dz, x, rows, W


def activation_forward(function, z, out):
    """Return z as floats; `out` must have its shape."""
    z = as_floats(function, "z", z)
    if out is not None and out.shape != z.shape:
        raise ValueError(f"{function}: out has shape {out.shape}, but the result has {z.shape}")
    return z


def activation_backward(function, da, cache, out):
    """Return da as floats, the cache, and an array for the result."""
    da = as_floats(function, "da", da)
    if not isinstance(cache, np.ndarray):
        raise TypeError(_foreign_cache(function, cache))
    if da.shape != cache.shape:
        raise ValueError(
            f"{function}: da has shape {da.shape}, but the forward pass returned {cache.shape}; "
            "da is the derivative of the loss with respect to a, so their shapes agree"
        )
    if out is None:
        return da, cache, np.empty_like(da)
    if out is da or out is cache:
        raise ValueError(f"{function}: out must be an array of its own, not da or the cache")
    if out.shape != da.shape:
        raise ValueError(f"{function}: out has shape {out.shape}, but the result has {da.shape}")
    return da, cache, out


def leaky_relu_backward(da, cache, out):
    """Return da, z and the slope from the cache, and an array for the result."""
    try:
        z, slope = cache
    except (TypeError, ValueError):
        raise TypeError(_foreign_cache("leaky_relu_backward", cache)) from None
    da, z, out = activation_backward("leaky_relu_backward", da, z, out)
    return da, z, slope, out


def dropout_backward(d, mask):
    """Return d as floats; the mask must have its shape."""
    d = as_floats("dropout_backward", "d", d)
    if not isinstance(mask, np.ndarray):
        raise TypeError(_foreign_cache("dropout_backward", mask))
    if d.shape != mask.shape:
        raise ValueError(
            f"dropout_backward: d has shape {d.shape}, but the forward pass returned {mask.shape}"
        )
    return d


def batchnorm_forward(z, gamma, beta, running):
    """Return z (N, M), gamma, beta and, unless it is None, running as floats that fit together."""
    names = {"gamma": gamma, "beta": beta}
    if running is not None:
        names["the running mean"], names["the running variance"] = _pair(running)
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
            f"batchnorm_forward: z has {len(z)} examples, and their mean and variance say nothing: give two "
            "or more or, for predictions, running=(mean, var)"
        )
    return z, *units[:2], units[2:] or None


def batchnorm_backward(dy, cache):
    """Return dy as floats, and what is in the cache."""
    dy = as_floats("batchnorm_backward", "dy", dy)
    if not isinstance(cache, tuple) or len(cache) != 3:
        raise TypeError(_foreign_cache("batchnorm_backward", cache))
    if dy.shape != (there := np.shape(cache[0])):
        raise ValueError(
            f"batchnorm_backward: dy has shape {dy.shape}, but the forward pass returned {there}"
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


def _pair(running):
    if not isinstance(running, tuple | list) or len(running) != 2:
        raise TypeError(f"batchnorm_forward: running must be (mean, var), got {type(running).__name__}")
    return running


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
        return f"affine_forward: x has {rows.shape[1]} features but W has {W.shape[0]} rows {shapes}{hint}"
    return f"affine_forward: b must have shape ({W.shape[1]},), one bias for each column of W {shapes}"


def _unpack(cache):
    """Return x and W from a cache, or say that a foreign forward pass made it."""
    try:
        x, W = cache
        if isinstance(x, np.ndarray) and isinstance(W, np.ndarray) and W.ndim == 2:
            return x, W
    except (TypeError, ValueError):
        pass
    raise TypeError(_foreign_cache("affine_backward", cache, "(x, W)"))


def _foreign_cache(function, cache, expected="what the forward pass returned as its second result"):
    forward = function.replace("backward", "forward")
    return f"{function}: cache must come from {forward}: {expected}; got {type(cache).__name__}"
