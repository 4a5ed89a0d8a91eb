"""Lesson 03: from logits to probabilities, to a loss, and back to a gradient."""

import numpy as np

from nn_helpers import losses
from nn_helpers.exercises.exercise import Case, Exercise

LESSON = "03_softmax_cross_entropy"


def _rows(*rows):
    return np.array(rows, dtype=float)


def _sizes(logits, *_):
    N, C = logits.shape
    return {"N": N, "C": C, "N·C": N * C}


# softmax


def softmax(logits):
    """Return the probabilities (N, C) of logits (N, C): each row is a distribution."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _softmax_cases():
    rng = np.random.default_rng(3)
    return [
        Case("one example", _rows([0, 1, 2])),
        Case("two examples", _rows([0, 1, 2], [3, -1, 0])),
        Case("as many examples as classes", _rows([0, 1, 2], [2, 2, 0], [-1, 0, 3])),
        Case("large logits", _rows([1000, 0, 0], [0, 1000, 999])),
        Case("very negative logits", _rows([-1000, -1001], [-1002, -1000])),
        Case("examples of very different size", _rows([1000, 1001], [-1000, -1001])),
        Case("logits in the thousands", _rows([5000, 4999, 0], [4998, 5001, 5000])),
        Case("one class", _rows([3], [-4])),
        Case("random logits", rng.normal(0, 3, (5, 4))),
    ]


SOFTMAX = Exercise(
    answer=softmax,
    library=losses.softmax,
    lesson=LESSON,
    section="Overflow",
    returns=("p",),
    cases=_softmax_cases,
    quantities=_sizes,
    then="Put it to work in the cells below: your network's predictions use it.",
)


# temperature_softmax


def temperature_softmax(logits, T):
    """Return the probabilities (N, C) of softmax at temperature T, a number above 0."""
    scaled = logits / T
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _temperature_cases():
    rng = np.random.default_rng(4)
    return [
        Case("a high temperature", _rows([0, 1, 2]), 4.0),
        Case("a low temperature", _rows([0, 1, 2], [3, -1, 0]), 0.5),
        Case("as many examples as classes", _rows([0, 2], [1, -1]), 3.0),
        Case("T = 1", _rows([0, 1, 2], [3, -1, 0]), 1.0),
        Case("logits that T makes large", _rows([10, 9, 0], [1, 2, 3]), 0.01),
        Case("large logits at a high temperature", _rows([1000, 900, 0], [800, 1000, 1100]), 100.0),
        Case("examples of very different size", _rows([1000, 1001], [-1000, -1001]), 2.0),
        Case("random logits", rng.normal(0, 3, (5, 4)), 1.5),
    ]


TEMPERATURE_SOFTMAX = Exercise(
    answer=temperature_softmax,
    lesson=LESSON,
    section="Temperature",
    returns=("p",),
    cases=_temperature_cases,
    quantities=lambda logits, T: {**_sizes(logits), "T": T},
    then="Put it to work in the cells below: turn the temperature up and down.",
)


# one_hot


def one_hot(y, num_classes):
    """Return floats (N, num_classes): 1 in row i at column y[i], and 0 elsewhere."""
    rows = np.zeros((len(y), num_classes))
    rows[np.arange(len(y)), y] = 1
    return rows


def _one_hot_cases():
    return [
        Case("three examples", np.array([2, 0, 3]), 4),
        Case("labels that repeat", np.array([1, 1, 0, 1]), 3),
        Case("classes without an example", np.array([3, 1]), 5),
        Case("as many examples as classes", np.array([2, 0, 0]), 3),
        Case("one example", np.array([2]), 4),
        Case("twelve classes", np.array([9, 0, 4, 4, 11]), 12),
    ]


ONE_HOT = Exercise(
    answer=one_hot,
    lesson=LESSON,
    section="How far from the target",
    returns=("rows",),
    floats=("rows",),
    cases=_one_hot_cases,
    quantities=lambda y, num_classes: {"N": len(y), "C": num_classes},
    sure={"every-pair": lambda words, _: "*" not in words},  # [[0.0] * C] * N is one row
    then="Your cross_entropy can make its target with it.",
)


# log_softmax


def log_softmax(logits):
    """Return the logarithms of the probabilities, (N, C) like the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted - log_sum


LOG_SOFTMAX = Exercise(
    answer=log_softmax,
    library=losses.log_softmax,
    lesson=LESSON,
    section="Log-sum-exp",
    returns=("logp",),
    cases=_softmax_cases,
    quantities=_sizes,
    then="Where the log of softmax gave −∞, it gives a number: the loss stands on it.",
)


# cross_entropy


def cross_entropy(logits, y):
    """Return the mean loss, a number, and dlogits (N, C), for integer labels y (N,)."""
    N = len(y)
    logp = log_softmax(logits)
    loss = -logp[np.arange(N), y].sum() / N
    dlogits = np.exp(logp)
    dlogits[np.arange(N), y] -= 1
    dlogits /= N
    return loss, dlogits


def _cross_entropy_cases():
    rng = np.random.default_rng(5)
    return [
        Case("two examples", _rows([0, 1, 2], [3, -1, 0]), np.array([2, 0])),
        Case("one example", _rows([0, 1, 2]), np.array([2])),
        Case("labels that repeat", _rows([0, 1, 2, 0], [3, -1, 0, 1], [1, 1, 1, 1]), np.array([3, 3, 0])),
        Case("as many examples as classes", _rows([0, 1, 2], [2, 2, 0], [-1, 0, 3]), np.array([1, 2, 0])),
        Case("a true class whose probability rounds to 0", _rows([1000, 0, 0], [0, 1, 2]), np.array([1, 0])),
        Case(
            "examples of very different size",
            _rows([1000, 1001], [-1000, -1001], [0, 1]),
            np.array([0, 1, 1]),
        ),
        Case("random logits", rng.normal(0, 3, (6, 4)), rng.integers(4, size=6)),
    ]


CROSS_ENTROPY = Exercise(
    answer=cross_entropy,
    library=losses.cross_entropy,
    lesson=LESSON,
    section="The gradient is p − y",
    returns=("loss", "dlogits"),
    cases=_cross_entropy_cases,
    quantities=_sizes,
    then="Put it to work: the network can train with it, net.use(cross_entropy=cross_entropy).",
)

EXERCISES = [SOFTMAX, TEMPERATURE_SOFTMAX, ONE_HOT, LOG_SOFTMAX, CROSS_ENTROPY]
