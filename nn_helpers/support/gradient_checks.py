"""What numerical gradients ask of their arguments."""

import numbers

import numpy as np

from nn_helpers.support.arrays import describe, float_advice, refuse_mask


def point_and_step(x, h):
    """Refuse an x that cannot be changed a little, number by number, and an h that changes nothing."""
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        kind = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        advice = float_advice("x", x)
        raise TypeError(f"numerical_gradient: x must be a float64 array, got {kind}{advice}")
    refuse_mask("numerical_gradient", "x", x)
    if not x.flags.writeable:
        raise ValueError(
            "numerical_gradient: x is read-only, and each of its numbers is changed for a moment; "
            "write x.copy()"
        )
    if not isinstance(h, numbers.Real):
        raise TypeError(f"numerical_gradient: h must be a number, got {h!r:.60}")
    if not h > 0:
        raise ValueError(f"numerical_gradient: h must be greater than 0, got {h}")


def one_number(value):
    """Return what f returned, if that is one number."""
    if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "fiu":
        raise TypeError(f"numerical_gradient: f must return one number, got {describe(value)}")
    return value


def same_shapes(a, b):
    """Return both as float64 arrays of one shape."""
    for name, value in (("a", a), ("b", b)):
        refuse_mask("relative_error", name, value)
        if np.asarray(value).dtype.kind not in "fiub":
            raise TypeError(f"relative_error: {name} must hold numbers, got {describe(value)}")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"relative_error: shapes differ: {a.shape} and {b.shape}")
    return a, b
