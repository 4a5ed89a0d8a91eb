"""Layers as pairs of functions: forward and backward.

``name_forward(…)`` returns its result and a *cache*: what the backward pass will need. That is (x, W) for
affine, z for ReLU, z and the slope for leaky ReLU, and for sigmoid and tanh their own result a, for their
derivatives can be written with a alone. ``name_backward(d_result, cache)`` takes the derivative of the
loss L with respect to the result and returns the derivative with respect to each argument. ``dz`` stands
for ∂L/∂z.

Shapes: N examples, D inputs, M outputs. An activation takes z of any shape; a, da, dz and the mask
of dropout have that shape too. Arrays are float32 or float64, and the result has the dtype of the
arguments. Where they do not fit, a TypeError or a ValueError says what was expected.

The functions are pure: they change none of their arguments, and a backward pass can be called
twice. Like NumPy's own, they take ``out=``, arrays to write the result to; these must be none of
the arguments. That is how the training loop runs without allocating memory. Where a line fills dz step by
step, a comment says what is in it by then.

References
----------
.. [1] Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 6.5 (back-propagation).
.. [2] CS231n, *Backpropagation, intuitions*, https://cs231n.github.io/optimization-2/
.. [3] Srivastava et al., *Dropout*, 2014, JMLR 15, section 10 (with the mask scaled in training).
"""

import numpy as np

from nn_helpers.layers.normalisation import batchnorm_backward, batchnorm_forward, follow_batch
from nn_helpers.support import layer_checks as check
from nn_helpers.support.arrays import as_floats
from nn_helpers.support.matmul import matmul
from nn_helpers.support.validation import number, require_generator


def affine_forward(x, W, b, out=None):
    """Compute ``z = xW + b`` (N, M) for x (N, …), flattened to (N, D), W (D, M) and b (M,).

    Examples
    --------
    >>> z, cache = affine_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([5.0]))
    >>> z
    array([[16.]])
    """
    x, rows, W, b = check.affine_forward(x, W, b)  # rows: x flattened to (N, D)
    z = matmul(rows, W, out=out)
    z += b
    return z, (x, W)


def affine_backward(dz, cache, out=(None, None, None), need_dx=True):
    """Propagate dz (N, M) back: ``dx = dz Wᵀ``, shaped like x; ``dW = xᵀ dz`` (D, M); ``db = Σ dz`` (M,).

    In xᵀ dz the examples are rows (N, D), whatever the shape of x. `out` has arrays for dx (N, D), dW and
    db. With ``need_dx=False`` dx is None: the first layer of a network has nothing before it that would
    need it.
    """
    dz, x, rows, W = check.affine_backward(dz, cache)
    dx, dW, db = out
    dx = matmul(dz, W.T, out=dx).reshape(x.shape) if need_dx else None
    dW = matmul(rows.T, dz, out=dW)
    db = dz.sum(axis=0, out=db)
    return dx, dW, db


def relu_forward(z, out=None):
    """Compute ``a = max(0, z)``, the rectified linear unit."""
    z = check.activation_forward("relu_forward", z, out)
    return np.maximum(z, 0, out=out), z


def relu_backward(da, cache, out=None):
    """Let da through where z was positive: ``dz = da · (z > 0)``. At 0, without a derivative, 0 is used."""
    da, z, dz = check.activation_backward("relu_backward", da, cache, out)
    np.greater(z, 0, out=dz)  # the derivative: 1 or 0
    dz *= da
    return dz


def leaky_relu_forward(z, slope=0.01, out=None):
    """Compute ``a = z`` where z > 0 and ``a = slope · z`` elsewhere, with a slope in [0, 1)."""
    z = check.activation_forward("leaky_relu_forward", z, out)
    slope = number("leaky_relu_forward", "slope", slope, below=1.0)
    a = np.multiply(z, slope, out=out)
    return np.maximum(z, a, out=out), (z, slope)


def leaky_relu_backward(da, cache, out=None):
    """Let da through where z was positive, and ``slope · da`` elsewhere."""
    da, z, slope, dz = check.leaky_relu_backward(da, cache, out)
    np.greater(z, 0, out=dz)
    np.maximum(dz, slope, out=dz)  # the derivative: 1 or slope
    dz *= da
    return dz


def sigmoid_forward(z, out=None):
    """Compute ``a = 1 / (1 + e⁻ᶻ)``, which lies between 0 and 1."""
    z = check.activation_forward("sigmoid_forward", z, out)
    a = np.negative(z, out=np.empty_like(z) if out is None else out)
    with np.errstate(over="ignore", under="ignore"):  # e¹⁰⁰⁰ is inf, and 1 / (1 + inf) = 0 is right
        np.exp(a, out=a)
        a += 1
        np.divide(1, a, out=a)
    return a, a


def sigmoid_backward(da, cache, out=None):
    """Multiply da by the sigmoid's derivative: ``dz = da · a · (1 − a)``."""
    da, a, dz = check.activation_backward("sigmoid_backward", da, cache, out)
    np.subtract(1, a, out=dz)
    dz *= a  # the derivative: a · (1 − a)
    dz *= da
    return dz


def tanh_forward(z, out=None):
    """Compute ``a = tanh z``, which lies between −1 and 1."""
    z = check.activation_forward("tanh_forward", z, out)
    a = np.tanh(z, out=out)
    return a, a


def tanh_backward(da, cache, out=None):
    """Multiply da by the derivative of tanh: ``dz = da · (1 − a²)``."""
    da, a, dz = check.activation_backward("tanh_backward", da, cache, out)
    np.multiply(a, a, out=dz)
    np.subtract(1, dz, out=dz)  # the derivative: 1 − a²
    dz *= da
    return dz


def dropout_forward(a, rate, rng, out=(None, None)):
    """Set a random share of the units to 0, and make the others larger by as much: ``a · mask`` [3]_.

    The mask is 0 with probability `rate`, in [0, 1), and 1 / (1 − rate) otherwise, so that the expected
    value stays; `rng`, a `numpy.random.Generator`, draws it. For training only: predictions use all
    units. `out` has arrays for the result and the mask, C-contiguous.
    """
    a = as_floats("dropout_forward", "a", a)
    require_generator("dropout_forward", rng)
    rate = number("dropout_forward", "rate", rate, below=1.0)
    dropped, mask = out
    mask = rng.random(a.shape, dtype=a.dtype if mask is None else mask.dtype, out=mask)
    np.greater_equal(mask, rate, out=mask)
    mask *= 1 / (1 - rate)
    return np.multiply(a, mask, out=dropped), mask


def dropout_backward(d, cache, out=None):
    """Let d, the derivative with respect to the result, through where the unit was kept: ``d · mask``."""
    return np.multiply(check.dropout_backward(d, cache), cache, out=out)


ACTIVATIONS = {
    "relu": (relu_forward, relu_backward),
    "leaky_relu": (leaky_relu_forward, leaky_relu_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "tanh": (tanh_forward, tanh_backward),
}
