"""Argument checks that come before anything is computed, and say what to write instead."""

import numbers

import numpy as np


def as_floats(function, name, value):
    """Return one array as `floats` does; this is what every layer does at every step."""
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value
    return floats(function, **{name: value})


def floats(function, /, **arrays):
    """Return `arrays` as floating-point arrays; integers are converted, anything else is refused.

    Returns one array when one is given, else a list in the order given.
    """
    values = list(arrays.values())
    for value in values:
        if type(value) is not np.ndarray or value.dtype.kind != "f":
            values = _converted(function, arrays)
            break
    return values if len(values) > 1 else values[0]


def _converted(function, arrays):
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray | np.generic):
            raise TypeError(
                f"{function}: {name} must be a NumPy array, got {type(value).__name__}; "
                f"write np.array({name}, dtype=float)"
            )
        if value.dtype.kind not in "fiu":
            raise TypeError(
                f"{function}: {name} must hold floating-point numbers, got {describe(value)}; "
                "expected float32 or float64"
            )
    dtypes = [value.dtype for value in arrays.values() if value.dtype.kind == "f"]
    whole = np.result_type(*dtypes) if dtypes else np.float64
    return [np.asarray(v, v.dtype if v.dtype.kind == "f" else whole) for v in arrays.values()]


def labels(function, y, N, C):
    """Return `y`, having made sure that it holds N labels from 0 to C − 1 or N rows of C probabilities."""
    if not isinstance(y, np.ndarray):
        raise TypeError(f"{function}: y must be a NumPy array, got {type(y).__name__}; write np.array(y)")
    if y.shape == (N,):
        if y.dtype.kind not in "iu":
            raise TypeError(f"{function}: labels y must be integers, got {y.dtype}; write y.astype(int)")
        if N and not 0 <= y.min() <= y.max() < C:
            row = int(np.flatnonzero((y < 0) | (y >= C))[0])
            raise ValueError(f"{function}: y[{row}] is {y[row]}, but {C} classes have labels 0 to {C - 1}")
    elif y.shape == (N, C):
        if y.dtype.kind not in "fiub":
            raise TypeError(f"{function}: one-hot labels y must be numbers, got {y.dtype}")
        bad = (y < 0).any(axis=1) | ~(np.abs(y.sum(axis=1, dtype=np.float64) - 1) < 1e-4)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(f"{function}: row {row} of y is {y[row]}; expected numbers ≥ 0 that sum to 1")
    else:
        raise ValueError(
            f"{function}: labels y have shape {y.shape}; "
            f"expected ({N},) for integer labels or ({N}, {C}) for one-hot, as logits are ({N}, {C})"
        )
    return y


def choice(function, name, value, known):
    """Return `value` when it is one of `known`; otherwise say which there are."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{function}: unknown {name} {value!r}; known: {', '.join(map(repr, known))}")
    return value


def whole_number(function, name, value, least):
    """Return `value` as an int ≥ `least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{function}: {name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{function}: {name} must be at least {least}, got {value}")
    return int(value)


def number(function, name, value, least=0.0, below=float("inf"), above=None):
    """Return `value` as a float in [least, below), or in (above, below) when `above` is given."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{function}: {name} must be a number, got {value!r}")
    try:
        converted = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        converted = float("inf")
    enough = converted >= least if above is None else converted > above
    if not (enough and converted < below):
        lower = f"at least {least:g}" if above is None else f"greater than {above:g}"
        raise ValueError(f"{function}: {name} must be {lower} and below {below:g}, got {value}")
    return converted


class Number:
    """An attribute that takes a number within these limits, whenever it is assigned."""

    def __init__(self, least=0.0, below=float("inf"), above=None):
        self.limits = least, below, above

    def __set_name__(self, owner, name):
        self.name = name

    def __set__(self, thing, value):  # and no __get__, so that reading costs what any attribute does
        vars(thing)[self.name] = number(type(thing).__name__, self.name, value, *self.limits)


def printable(text, longest=1000):
    """Return what a file says as a message can: without what would steer a terminal, and not endless."""
    text = str(text)
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:longest])
    return shown + "…" * (len(text) > longest)


def describe(value):
    """``float32 array (8, 10)`` for an array, else the type's name."""
    return f"{value.dtype} array {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
