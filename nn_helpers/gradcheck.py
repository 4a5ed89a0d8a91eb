"""Numerical gradients: what a backward pass has to agree with.

References
----------
.. [1] Nocedal, Wright, *Numerical Optimization*, 2006, section 8.1 (the error and the choice of h).
"""

import numpy as np


def numerical_gradient(f, x, h=6e-6):
    """Estimate the gradient of f at x by central differences: ``(f(x + h) − f(x − h)) / 2h``.

    Parameters
    ----------
    f : function
        Takes x and returns a number. It is called twice for every number in x.
    x : float64 array, any shape
        Changed one number at a time while f is called, and put back.
    h : float
        The step. The error of the formula grows with h², that of rounding with 1/h; they meet
        near the cube root of the machine's precision, 6e-6.

    Returns
    -------
    float64 array, shaped like x
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        kind = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"numerical_gradient: x must be a float64 array, got {kind}; write x.astype(float)")
    if not h > 0:
        raise ValueError(f"numerical_gradient: h must be greater than 0, got {h}")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        try:
            x[index] = kept + h
            above = f(x)
            x[index] = kept - h
            below = f(x)
        finally:
            x[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def relative_error(a, b):
    """Return ``‖a − b‖ / max(‖a‖, ‖b‖)``, the distance of two arrays as a share of their size.

    Parameters
    ----------
    a, b : arrays of the same shape

    Returns
    -------
    float
        0 when they are equal, 1 when one of them is 0, 2 when they are opposite. A right gradient
        in float64 stays below 1e-7 away from kinks.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"relative_error: shapes differ: {a.shape} and {b.shape}")
    size = max(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / size) if size else 0.0
