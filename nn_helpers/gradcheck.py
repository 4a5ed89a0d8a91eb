"""Numerical gradients: what a backward pass has to agree with.

References
----------
.. [1] Nocedal, Wright, *Numerical Optimization*, 2006, section 8.1 (the error and the choice of h).
"""

import numpy as np

from nn_helpers.support import gradient_checks as check


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
    check.point_and_step(x, h)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        try:
            x[index] = kept + h
            above = check.one_number(f(x))
            x[index] = kept - h
            below = check.one_number(f(x))
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
        0 when they are equal, 1 when one of them is 0, 2 when they are opposite, NaN when there is NaN in
        one of them. A right gradient in float64 stays below 1e-7 away from kinks.
    """
    a, b = check.same_shapes(a, b)
    size = np.maximum(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / size) if size else 0.0
