"""Answers with a fault that people put into more than one exercise; the lessons' tables have sentences."""

import inspect

import numpy as np


def overwrite(answer, name, value=None):
    """Return the answer with one fault: it writes into one of its arguments.

    Parameters
    ----------
    answer : function
    name : str
        The argument's name.
    value : function (*args) -> array, optional
        What it writes there; by default its result, or the first of them.
    """
    index = _position(answer, name)

    def wrong(*args):
        results = answer(*args)
        result = results[0] if isinstance(results, tuple) else results
        args[index][...] = value(*args) if value else result
        return results

    return wrong


def ignore_rng(answer, *seed):
    """Return the answer with one fault: it makes a generator of its own, with or without a seed."""
    index = _position(answer, "rng")

    def wrong(*args):
        return answer(*args[:index], np.random.default_rng(*seed), *args[index + 1 :])

    return wrong


def rebind(answer, *names):
    """Return the answer with one fault: it changes copies of these arguments."""
    indices = [_position(answer, name) for name in names]

    def wrong(*args):
        return answer(*(arg.copy() if i in indices else arg for i, arg in enumerate(args)))

    return wrong


def _position(answer, name):
    return list(inspect.signature(answer).parameters).index(name)
