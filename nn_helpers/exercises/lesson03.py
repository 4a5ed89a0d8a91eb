"""Lesson 03: from logits to probabilities, to a loss, and back to a gradient."""

import numpy as np

from nn_helpers import losses
from nn_helpers.exercises.exercise import Case, Exercise, Mistake
from nn_helpers.exercises.faulty_answers import overwrite

LESSON = "03_softmax_cross_entropy"
EPSILONS = 1e-15, 1e-12, 1e-10, 1e-8  # what people add inside a logarithm


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
        Case("very negative logits", _rows([-1000, -1001])),
        Case("examples of very different size", _rows([1000, 1001], [-1000, -1001])),
        Case("logits in the thousands", _rows([5000, 4999, 0])),
        Case("one class", _rows([3], [-4])),
        Case("random logits", rng.normal(0, 3, (5, 4))),
        Case("float32", rng.normal(0, 3, (4, 6)).astype(np.float32)),
    ]


def _shift(logits):
    return logits - logits.max(axis=1, keepdims=True)


def _normalise(exponentials, axis=1, keepdims=True):
    return exponentials / exponentials.sum(axis=axis, keepdims=keepdims)


_KEEPDIMS = (
    "`.max(axis=1)` and `.sum(axis=1)` return the shape (N,), and NumPy would lay that along the classes: "
    "the numbers of example 0 would meet class 0 of every example. With `keepdims=True` the shape is (N, 1), "
    "so each number stays with its own row."
)

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
        Case("large logits at a high temperature", _rows([1000, 900, 0]), 100.0),
        Case("examples of very different size", _rows([1000, 1001], [-1000, -1001]), 2.0),
        Case("random logits", rng.normal(0, 3, (5, 4)), 1.5),
        Case("float32", rng.normal(0, 3, (4, 6)).astype(np.float32), 0.7),
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
        Case("classes without an example", np.array([0, 1]), 5),
        Case("as many examples as classes", np.array([2, 0, 0]), 3),
        Case("one example", np.array([1]), 2),
        Case("ten classes", np.array([9, 0, 4, 4, 7]), 10),
    ]


def _with_ones(y, num_classes, where):
    rows = np.zeros((len(y), num_classes))
    rows[where] = 1
    return rows


ONE_HOT = Exercise(
    answer=one_hot,
    lesson=LESSON,
    section="How far from the target",
    returns=("rows",),
    floats=("rows",),
    cases=_one_hot_cases,
    quantities=lambda y, num_classes: {"N": len(y), "C": num_classes},
    then="The cells below compute the formula with it, sum signs and all.",
)


# log_softmax


def log_softmax(logits):
    """Return the logarithms of the probabilities, (N, C) like the logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted - log_sum


def _log_sum_exp(logits, m, axis=1):
    return m + np.log(np.exp(logits - m).sum(axis=axis, keepdims=True))


def _with_epsilon(epsilon):
    return Mistake(
        lambda logits: np.log(softmax(logits) + epsilon),
        "A small number inside the logarithm keeps −∞ away and puts a wrong number in its place: whatever "
        f"is less probable than {epsilon:g} all gets the same logarithm, and the gradient there is lost. "
        "Compute z − log Σ eᶻ directly, and nothing needs to be added.",
    )


LOG_SOFTMAX = Exercise(
    answer=log_softmax,
    library=losses.log_softmax,
    lesson=LESSON,
    section="Log-sum-exp",
    returns=("logp",),
    cases=_softmax_cases,
    quantities=_sizes,
    then="Put it to work in the cells below, where the log of softmax gave −inf.",
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
        Case("two examples", _rows([0, 1, 2], [3, -1, 0]), np.array([1, 0])),
        Case("one example", _rows([0, 1, 2]), np.array([2])),
        Case("labels that repeat", _rows([0, 1, 2, 0], [3, -1, 0, 1], [1, 1, 1, 1]), np.array([3, 3, 0])),
        Case("as many examples as classes", _rows([0, 1, 2], [2, 2, 0], [-1, 0, 3]), np.array([0, 2, 1])),
        Case("a true class whose probability rounds to 0", _rows([1000, 0, 0]), np.array([1])),
        Case(
            "examples of very different size",
            _rows([1000, 1001], [-1000, -1001], [0, 1]),
            np.array([0, 1, 1]),
        ),
        Case("random logits", rng.normal(0, 3, (6, 4)), rng.integers(4, size=6)),
    ]


def _parts(logits, y):
    """Return N, C, logp, p, one-hot y in the dtype of the logits, the loss and dlogits."""
    N, C = logits.shape
    logp = losses.log_softmax(logits)
    target = np.eye(C, dtype=logits.dtype)[y]
    return N, C, logp, np.exp(logp), target, *losses.cross_entropy(logits, y)


def _scale(loss=lambda N, C: 1, dlogits=lambda N, C: 1):
    """Return cross-entropy with wrong factors, each a function of N and C."""

    def wrong(logits, y):
        N, C, *_, right_loss, right_dlogits = _parts(logits, y)
        return right_loss * loss(N, C), right_dlogits * dlogits(N, C)

    return wrong


def _another_gradient(gradient):
    """Return cross-entropy with another gradient: a function of p, one-hot y and y, divided by N."""

    def wrong(logits, y):
        N, _, _, p, target, loss, _ = _parts(logits, y)
        return loss, gradient(p, target, y) / N

    return wrong


def _another_loss(mean_loss):
    """Return cross-entropy with another loss: a function of p, log p, one-hot y and y."""

    def wrong(logits, y):
        _, _, logp, p, target, _, dlogits = _parts(logits, y)
        return mean_loss(p, logp, target, y), dlogits

    return wrong


def _columns_for_pairs(logits, y):
    N, _, logp, p, *_ = _parts(logits, y)
    p[:, y] -= 1
    return -logp[:, y].mean(), p / N


def _columns_for_pairs_in_gradient(p, target, y):
    p[:, y] -= 1
    return p


def _cross_entropy_of(logp, y):
    """Return the loss and dlogits that follow from wrong log probabilities."""
    true = np.arange(len(y)), y
    dlogits = np.exp(logp)
    dlogits[true] -= 1
    return -logp[true].mean(), dlogits / len(y)


def _with_epsilon_in_loss(epsilon):
    return Mistake(
        _another_loss(lambda p, logp, target, y: -np.log(p[np.arange(len(y)), y] + epsilon).mean()),
        f"With {epsilon:g} inside the logarithm no example can cost more than {-np.log(epsilon):.3g}, "
        "however sure the network is of the wrong class. Take log p from `log_softmax`, and nothing needs "
        "to be added.",
        section="Log-sum-exp",
    )


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
