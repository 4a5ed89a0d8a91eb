"""What a network asks of its arguments."""

from inspect import signature
from itertools import pairwise

import numpy as np

from nn_helpers.support.arrays import floats, labels
from nn_helpers.support.validation import choice, counted, flag, whole_number

CUSTOM = "custom"  # what a file says of an init that is a function
LIBRARYS_ALONE = "out", "need_dx", "slope"  # arguments that no function of a learner's own is given


class OnTheClass(classmethod):
    """A class method that an instance does not have: there, what it returns would be lost without a word."""

    def __get__(self, net, kind=None):
        if net is not None:
            raise AttributeError("load returns a new network: write net = ClassificationNet.load(path)")
        return super().__get__(net, kind)


def sizes(input_size, hidden_sizes, num_classes):
    """Return the widths of all layers, from the input to the classes."""
    if not np.iterable(hidden_sizes) or isinstance(hidden_sizes, set | frozenset | dict):  # no order
        raise TypeError(
            f"ClassificationNet: hidden_sizes must be a list with the width of each hidden layer, "
            f"got {hidden_sizes}; write [100] for one hidden layer, [] for none"
        )
    return [
        whole_number("ClassificationNet", "input_size", input_size, 1),
        *(whole_number("ClassificationNet", "each of hidden_sizes", M, 1) for M in hidden_sizes),
        whole_number("ClassificationNet", "num_classes", num_classes, 1),
    ]


def switches(normalise, residual, sizes):
    """Return both, having made sure that they are True or False, and that some layer can add its input."""
    flag("ClassificationNet", "normalise", normalise)
    flag("ClassificationNet", "residual", residual)
    if residual and all(D != M for D, M in pairwise(sizes)):
        raise ValueError(
            "ClassificationNet: a residual layer adds its input where both have as many units; with "
            f"input_size {sizes[0]} and hidden_sizes {sizes[1:]} none does. Write two equal widths in a row"
        )
    return bool(normalise), bool(residual)  # NumPy's are not JSON


def activations(given, known, hidden_sizes):
    """Return the activation, or a list of all where they differ, and a tuple: that of each hidden layer."""
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(given, list | tuple) or not hidden_sizes:
        choice("ClassificationNet", "activation", given, known)
        return given, (given,) * len(hidden_sizes)
    names = tuple(choice("ClassificationNet", "activation", name, known) for name in given)
    if len(names) != len(hidden_sizes):
        raise ValueError(
            "ClassificationNet: activation must be one name, or one for each hidden layer; got "
            f"{len(names)} for {len(hidden_sizes)}"
        )
    return names[0] if len({*names}) == 1 else list(names), names


def init(given, known):
    """Return the name of an initialisation, or a function."""
    if isinstance(given, str) and given == CUSTOM:
        raise ValueError(
            "ClassificationNet: unknown init 'custom': the file says that init was a function, which it "
            f"does not hold; write init=… with that function, or one of {', '.join(known)}"
        )
    return given if callable(given) else choice("ClassificationNet", "init", given, known)


def examples(method, x, net):
    """Return x as an array (N, input_size) of the network's dtype."""
    if isinstance(x, np.ndarray) and x.dtype == np.uint8:
        raise TypeError(
            f"{method}: x is uint8 {x.shape}; scale it as in training: data.standardise(x), or x / 255"
        )
    x = floats(method, x=x)
    if x.ndim < 2 or int(np.prod(x.shape[1:])) != net.input_size:
        raise ValueError(
            f"{method}: x must have shape (N, {net.input_size}), or (N, …) with as many numbers in each "
            f"example; got {x.shape}{'; for one example write x[np.newaxis]' * (x.size == net.input_size)}"
        )
    return x.reshape(len(x), net.input_size).astype(net.dtype, copy=False)


def dlogits(given, net, examples):
    """Return dlogits in the network's dtype, shaped like the logits of the last `forward`."""
    given = floats("backward", dlogits=given).astype(net.dtype, copy=False)
    expected = examples, net.num_classes
    if given.shape != expected:
        raise ValueError(
            f"backward: dlogits must have the shape of the logits of the last forward, "
            f"{expected}; got {given.shape}"
        )
    return given


def largest(method, logits):
    """Return the class (N,) with the largest logit of each example; of NaN there is none."""
    without = np.isnan(logits).any(axis=1)
    if without.any():
        raise ValueError(
            f"{method}: the logits of {without.sum()} of {counted(len(logits), 'example')} are NaN, so none "
            "is the largest; look for NaN in x and in the network's parameters"
        )
    return logits.argmax(axis=1)


def true_classes(predicted, y, net):
    """Return the label (N,) of each example, however y says it."""
    if not len(predicted):
        raise ValueError("score: needs at least one example")
    y = labels("score", y, len(predicted), net.num_classes)
    return y if y.ndim == 1 else y.argmax(axis=1)


def replacements(functions, library):
    """Refuse what the network does not call, what is no function, and what takes other arguments."""
    for name, function in functions.items():
        if name not in library:
            raise ValueError(f"use: this network calls no function {name!r}; it calls {', '.join(library)}")
        if function is None:
            continue
        if not callable(function):
            raise TypeError(f"use: {name} must be a function, got {type(function).__name__}")
        wanted = [each for each in signature(library[name]).parameters if each not in LIBRARYS_ALONE]
        try:
            signature(function).bind(*wanted)
        except TypeError:
            given = ", ".join(signature(function).parameters)
            raise TypeError(
                f"use: {name} must take ({', '.join(wanted)}), got a function of ({given})"
            ) from None
        except ValueError:
            pass  # some functions in C do not say what they take
