"""Argument checks that come before anything is computed, and say what to write instead."""

import numbers
from inspect import signature

import numpy as np


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


def flag(function, name, value):
    """Return True or False; "no" is neither, and Python takes it for True."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{function}: {name} must be True or False, got {value!r:.60}")
    return bool(value)


def float_dtype(function, given):
    """Return float32 or float64 as NumPy's dtype."""
    try:
        name = np.dtype(given).name
    except TypeError:
        name = repr(given)
    return np.dtype(choice(function, "dtype", name, ("float32", "float64")))


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


def takes(function, count):
    """Say whether `function` can be called with so many arguments, as far as it tells which it takes."""
    try:
        signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # some built-in ones do not tell
        return callable(function)
    return True


def counted(count, noun):
    """Return how many there are of something: "1 class", "3 classes"."""
    return f"{count} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def printable(text, longest=1000):
    """Return what a file says as a message can: without what would steer a terminal, and both its ends."""
    text, half = str(text), longest // 2
    text = text if len(text) <= longest else f"{text[:half]}…{text[1 - half :]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def generator(function, seed):
    """Return a Generator that is given, or the one that a seed makes."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(
            f"{function}: seed must be a whole number of at least 0, or a numpy.random.Generator, "
            f"got {seed!r:.60}"
        ) from None


def require_generator(function, rng):
    """Refuse a seed, and NumPy's former generators, which draw no float32."""
    if not hasattr(rng, "random") or rng is np.random or isinstance(rng, np.random.RandomState):
        seed = rng if isinstance(rng, int) and rng >= 0 else 0
        advice = f"; write np.random.default_rng({seed})"
        raise TypeError(f"{function}: rng must be a numpy.random.Generator, got {rng!r:.60}{advice}")
