"""Layers as pairs of functions: forward and backward.

``x_forward(…)`` returns its result and a *cache*: what the backward pass will need.
``x_backward(d_result, cache)`` takes the derivative of the loss L with respect to the result and
returns the derivative with respect to each argument. ``dz`` stands for ∂L/∂z.

The functions are pure: they change none of their arguments, and a backward pass can be called
twice. Like NumPy's own, they take ``out=``, arrays to write the result to; these must be none of
the arguments. That is how the training loop runs without allocating memory.

Shapes: N examples, D inputs, M outputs. Arrays are float32 or float64, and the result has the
dtype of the arguments.

References
----------
.. [1] Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 6.5 (back-propagation).
.. [2] CS231n, *Backpropagation, intuitions*, https://cs231n.github.io/optimization-2/
"""

import numpy as np

from nn_helpers._arguments import as_floats, floats, number
from nn_helpers._products import product, times, transposed_times


def affine_forward(x, W, b, out=None):
    """Compute ``z = xW + b``.

    Parameters
    ----------
    x : float array (N, …)
        N examples; each is flattened to D numbers.
    W : float array (D, M)
        Weights.
    b : float array (M,)
        Biases.
    out : float array (N, M), optional

    Returns
    -------
    z : float array (N, M)
    cache : tuple
        For `affine_backward`.

    Examples
    --------
    >>> z, cache = affine_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([5.0]))
    >>> z
    array([[16.]])
    """
    x, W, b = floats("affine_forward", x=x, W=W, b=b)
    rows = x if x.ndim == 2 else _flatten(x)
    if W.shape != (rows.shape[1], *b.shape):
        raise ValueError(_affine_mismatch(x, rows, W, b))
    z = times(rows, W, out=out)  # rows @ W
    z += b
    return z, (x, W)


def affine_backward(dz, cache, out=(None, None, None), need_dx=True):
    """Propagate ``dz`` back through ``z = xW + b``.

    ``dW = xᵀ dz``, ``dx = dz Wᵀ``, ``db = Σ dz`` over the examples.

    Parameters
    ----------
    dz : float array (N, M)
        ∂L/∂z.
    cache : tuple
        From `affine_forward`.
    out : tuple of three arrays or None, optional
        Where to write dx (N, D), dW and db.
    need_dx : bool
        With False dx is not computed, and None is returned in its place. The first layer of a
        network has nothing before it that would need dx.

    Returns
    -------
    dx : float array, shaped like x
    dW : float array (D, M)
    db : float array (M,)
    """
    dz = as_floats("affine_backward", "dz", dz)
    x, W = _unpacked(cache)
    rows = x if x.ndim == 2 else _flatten(x)
    if dz.shape != (len(rows), W.shape[1]):
        raise ValueError(
            f"affine_backward: dz has shape {dz.shape}, but z had {(len(rows), W.shape[1])}; "
            "dz is the derivative of the loss with respect to z, so their shapes agree"
        )
    dx, dW, db = out
    dx = product(dz, W.T, out=dx).reshape(x.shape) if need_dx else None  # dz @ W.T
    dW = transposed_times(rows, dz, out=dW)  # rows.T @ dz
    db = dz.sum(axis=0, out=db)
    return dx, dW, db


def relu_forward(z, out=None):
    """Compute ``a = max(0, z)``, the rectified linear unit.

    Parameters
    ----------
    z : float array, any shape
    out : float array shaped like z, optional

    Returns
    -------
    a : float array, shaped like z
    cache : float array
        For `relu_backward`.
    """
    z = _forward("relu_forward", z, out)
    return np.maximum(z, 0, out=out), z


def relu_backward(da, cache, out=None):
    """Let ``da`` through where the input was positive: ``dz = da · (z > 0)``.

    At z = 0, where ReLU has no derivative, 0 is used.

    Parameters
    ----------
    da : float array, shaped like z
        ∂L/∂a.
    cache : float array
        From `relu_forward`.
    out : float array shaped like z, optional

    Returns
    -------
    dz : float array, shaped like z
    """
    da, z, dz = _backward("relu_backward", da, cache, out)
    np.greater(z, 0, out=dz)  # the derivative: 1 or 0
    dz *= da
    return dz


def leaky_relu_forward(z, slope=0.01, out=None):
    """Compute ``a = z`` where z > 0 and ``a = slope · z`` elsewhere.

    Parameters
    ----------
    z : float array, any shape
    slope : float in [0, 1)
        What is left of a negative input.
    out : float array shaped like z, optional

    Returns
    -------
    a : float array, shaped like z
    cache : tuple
        For `leaky_relu_backward`.
    """
    z = _forward("leaky_relu_forward", z, out)
    slope = number("leaky_relu_forward", "slope", slope, below=1.0)
    a = np.multiply(z, slope, out=out)
    return np.maximum(z, a, out=out), (z, slope)


def leaky_relu_backward(da, cache, out=None):
    """Let ``da`` through where the input was positive, and ``slope · da`` elsewhere.

    Parameters
    ----------
    da : float array, shaped like z
        ∂L/∂a.
    cache : tuple
        From `leaky_relu_forward`.
    out : float array shaped like z, optional

    Returns
    -------
    dz : float array, shaped like z
    """
    try:
        z, slope = cache
    except (TypeError, ValueError):
        raise TypeError(_foreign_cache("leaky_relu_backward", cache)) from None
    da, z, dz = _backward("leaky_relu_backward", da, z, out)
    np.greater(z, 0, out=dz)
    np.maximum(dz, slope, out=dz)  # the derivative: 1 or slope
    dz *= da
    return dz


def sigmoid_forward(z, out=None):
    """Compute ``a = 1 / (1 + e⁻ᶻ)``, which lies between 0 and 1.

    Parameters
    ----------
    z : float array, any shape
    out : float array shaped like z, optional

    Returns
    -------
    a : float array, shaped like z
    cache : float array
        For `sigmoid_backward`.
    """
    z = _forward("sigmoid_forward", z, out)
    a = np.negative(z, out=np.empty_like(z) if out is None else out)
    with np.errstate(over="ignore", under="ignore"):  # e¹⁰⁰⁰ is inf, and 1 / (1 + inf) = 0 is right
        np.exp(a, out=a)
        a += 1
        np.divide(1, a, out=a)
    return a, a


def sigmoid_backward(da, cache, out=None):
    """Multiply ``da`` by the sigmoid's derivative: ``dz = da · a · (1 − a)``.

    Parameters
    ----------
    da : float array, shaped like a
        ∂L/∂a.
    cache : float array
        From `sigmoid_forward`.
    out : float array shaped like a, optional

    Returns
    -------
    dz : float array, shaped like a
    """
    da, a, dz = _backward("sigmoid_backward", da, cache, out)
    np.subtract(1, a, out=dz)
    dz *= a
    dz *= da
    return dz


def tanh_forward(z, out=None):
    """Compute ``a = tanh z``, which lies between −1 and 1.

    Parameters
    ----------
    z : float array, any shape
    out : float array shaped like z, optional

    Returns
    -------
    a : float array, shaped like z
    cache : float array
        For `tanh_backward`.
    """
    z = _forward("tanh_forward", z, out)
    a = np.tanh(z, out=out)
    return a, a


def tanh_backward(da, cache, out=None):
    """Multiply ``da`` by the derivative of tanh: ``dz = da · (1 − a²)``.

    Parameters
    ----------
    da : float array, shaped like a
        ∂L/∂a.
    cache : float array
        From `tanh_forward`.
    out : float array shaped like a, optional

    Returns
    -------
    dz : float array, shaped like a
    """
    da, a, dz = _backward("tanh_backward", da, cache, out)
    np.multiply(a, a, out=dz)
    np.subtract(1, dz, out=dz)
    dz *= da
    return dz


def dropout_forward(a, rate, rng, out=(None, None)):
    """Set a random share of the units to 0, and make the others larger by as much.

    ``a · mask``, where the mask is 0 with probability `rate` and 1 / (1 − rate) otherwise, so that the
    expected value stays. For training only: predictions use all units.

    Parameters
    ----------
    a : float array, any shape
    rate : float in [0, 1)
        The share that is dropped.
    rng : numpy.random.Generator
    out : tuple of two arrays shaped like a, or None, optional
        Where to write the result and the mask; C-contiguous.

    Returns
    -------
    dropped : float array, shaped like a
    cache : float array
        The mask, for `dropout_backward`.

    References
    ----------
    Srivastava et al., *Dropout*, 2014, JMLR 15, section 10 (with the mask scaled in training).
    """
    a = as_floats("dropout_forward", "a", a)
    rate = number("dropout_forward", "rate", rate, below=1.0)
    dropped, mask = out
    mask = rng.random(a.shape, dtype=a.dtype if mask is None else mask.dtype, out=mask)
    np.greater_equal(mask, rate, out=mask)
    mask *= 1 / (1 - rate)
    return np.multiply(a, mask, out=dropped), mask


def dropout_backward(d, cache, out=None):
    """Let the gradient through where the unit was kept: ``d · mask``.

    Parameters
    ----------
    d : float array, shaped like the mask
        The derivative of the loss with respect to what `dropout_forward` returned.
    cache : float array
        From `dropout_forward`.
    out : float array shaped like d, optional

    Returns
    -------
    da : float array, shaped like d
    """
    d = as_floats("dropout_backward", "d", d)
    if not isinstance(cache, np.ndarray):
        raise TypeError(_foreign_cache("dropout_backward", cache))
    if d.shape != cache.shape:
        raise ValueError(
            f"dropout_backward: d has shape {d.shape}, but the forward pass returned {cache.shape}"
        )
    return np.multiply(d, cache, out=out)


ACTIVATIONS = {
    "relu": (relu_forward, relu_backward),
    "leaky_relu": (leaky_relu_forward, leaky_relu_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "tanh": (tanh_forward, tanh_backward),
}


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


def _unpacked(cache):
    """Return x and W from a cache, or say that a foreign forward pass made it."""
    try:
        x, W = cache
        if isinstance(x, np.ndarray) and isinstance(W, np.ndarray) and W.ndim == 2:
            return x, W
    except (TypeError, ValueError):
        pass
    raise TypeError(_foreign_cache("affine_backward", cache, "(x, W)"))


def _forward(function, z, out):
    """Check an activation's forward arguments and return z as floats."""
    z = as_floats(function, "z", z)
    if out is not None and out.shape != z.shape:
        raise ValueError(f"{function}: out has shape {out.shape}, but the result has {z.shape}")
    return z


def _backward(function, da, cache, out):
    """Check an activation's backward arguments and return them with an array for the result."""
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


def _foreign_cache(function, cache, expected="what the forward pass returned as its second result"):
    forward = function.replace("backward", "forward")
    return f"{function}: cache must come from {forward}: {expected}; got {type(cache).__name__}"
