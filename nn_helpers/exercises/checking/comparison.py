"""Compare a learner's results with the right ones."""

import numpy as np

# rtol, atol: another algorithm rounds differently; a mistake is larger than that.
TOLERANCES = {np.dtype(np.float16): (1e-2, 1e-3), np.dtype(np.float32): (1e-4, 1e-5)}
TOLERANCE = (1e-7, 1e-9)


def leaves(name, yours, expected):
    """Yield (name, yours, expected) of every array or number in two results; lists may be nested."""
    if isinstance(expected, list | tuple) and isinstance(yours, list | tuple) and len(yours) == len(expected):
        for i, (mine, theirs) in enumerate(zip(yours, expected, strict=True)):
            yield from leaves(f"{name}[{i}]", mine, theirs)
    else:
        yield name, yours, expected


def same_results(yours, expected, tolerances=None, dtypes=True, floats=()):
    """Say whether two dicts of results agree."""
    return yours.keys() == expected.keys() and all(
        agrees(a, b, (tolerances or {}).get(name), dtypes, name in floats)
        for name in expected
        for _, a, b in leaves(name, yours[name], expected[name])
    )


def agrees(yours, expected, tolerance=None, dtypes=True, any_float=False):
    """Say whether two values agree in shape, numbers and, if asked, the kind of numbers."""
    if not is_numeric(expected):
        return type(yours) is type(expected) and _equal(yours, expected)
    return (
        is_numeric(yours)
        and np.shape(yours) == np.shape(expected)
        and close(yours, expected, tolerance)
        and (not dtypes or same_dtype(yours, expected, any_float))
    )


def is_numeric(value):
    """Say whether a value is an array or a number that can be compared."""
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:  # it calculates by rules of its own
        return False
    return isinstance(value, np.ndarray | np.generic | int | float) and np.asarray(value).dtype.kind in "fiub"


def close(yours, expected, tolerance=None):
    """Say whether arrays of one shape agree; NaN agrees with NaN."""
    return bool(close_entries(yours, expected, tolerance).all())


def close_entries(yours, expected, tolerance=None):
    """Say of each entry of arrays of one shape whether they agree there."""
    yours, expected = np.asarray(yours), np.asarray(expected)
    rtol, atol = max(TOLERANCES.get(array.dtype, TOLERANCE) for array in (yours, expected))
    if tolerance is not None:
        rtol, atol = max(rtol, tolerance), 0.0
    return np.isclose(yours, expected, rtol=rtol, atol=atol, equal_nan=True)


def same_dtype(yours, expected, any_float=False):
    """Say whether arrays hold the same kind of numbers; single numbers may differ.

    Counts are integers with a sign, of any size. Floats are the same, or float32 for float64 if `any_float`.
    """
    if np.ndim(expected) == 0:
        return True
    yours, expected = np.asarray(yours).dtype, np.asarray(expected).dtype
    if expected.kind == "i":
        return yours.kind == "i"
    return yours == expected or (any_float and yours == np.float32)


def _equal(yours, expected):
    if isinstance(expected, list | tuple):
        return len(yours) == len(expected) and all(map(agrees, yours, expected))
    try:
        return bool(yours == expected)
    except Exception:
        return False


def identical(before, after):
    """Say whether an argument is what it was, to the last bit."""
    if isinstance(before, np.ndarray):
        return (
            isinstance(after, np.ndarray)
            and before.shape == after.shape
            and before.dtype == after.dtype
            and before.tobytes() == after.tobytes()
        )
    if isinstance(before, list | tuple):
        return (
            type(before) is type(after) and len(before) == len(after) and all(map(identical, before, after))
        )
    if isinstance(before, dict):
        return (
            type(before) is type(after)
            and before.keys() == after.keys()
            and all(identical(before[k], after[k]) for k in before)
        )
    return True  # a number cannot change, and a generator must
