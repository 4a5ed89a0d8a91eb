"""Functions that several modules of tests hand in, and how to make one from its source."""

import textwrap
from typing import NamedTuple

import numpy as np


def relu_with_where(z):
    return np.where(z > 0, z, 0), z


class Result(NamedTuple):
    a: np.ndarray
    cache: np.ndarray


def blank_in_the_return(z):
    return ..., z


def relu(change=lambda a: a, cache=lambda z: z):
    """Return a relu_forward whose result is changed."""
    return lambda z: (change(np.maximum(0, z)), cache(z))


def notebook(source):
    """Return the names that cells with this source define."""
    names = {"np": np}
    exec(textwrap.dedent(source), names)
    return names
