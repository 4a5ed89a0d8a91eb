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
    mistakes={
        "no-maximum": Mistake(
            lambda logits: _normalise(np.exp(logits)),
            "The formula is right, and the computer cannot follow it: e¹⁰⁰⁰ is too large for a float and "
            "becomes ∞, and ∞ / ∞ is NaN. Subtract the largest logit of each row before you exponentiate.",
        ),
        "maximum-too-late": Mistake(
            lambda logits: _normalise(np.exp(logits) / np.exp(logits).max(axis=1, keepdims=True)),
            "You divide by the largest exponential, but by then it has overflowed: ∞ / ∞ is NaN. Subtract "
            "the largest logit of the row before `np.exp`, not after.",
        ),
        "global-maximum": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.max())),
            "You subtract the largest logit of the whole batch. In a row whose own logits are far below it "
            "every exponential rounds to 0, and 0 / 0 is NaN. Each row needs its own maximum: axis=1.",
        ),
        "maximum-of-the-column": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.max(axis=0))),
            "You subtract the maximum of each column (axis 0, over the examples). That shifts the logits "
            "of one row by different amounts, which changes its probabilities. Take the maximum of each "
            "row: axis=1.",
        ),
        "mean-for-maximum": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.mean(axis=1, keepdims=True))),
            "You subtract the mean of each row. That is allowed, but it does not help: the largest logit "
            "can still be far above 0, and its exponential overflows. Minus the maximum, nothing is above "
            "0.",
        ),
        "clipped": Mistake(
            lambda logits: _normalise(np.exp(np.clip(logits, -500, 500))),
            "You cut large logits off. That stops the overflow, and it changes the probabilities: 1000 and "
            "999 become the same number. Subtract the maximum of the row: it changes nothing.",
        ),
        "minimum-for-maximum": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.min(axis=1, keepdims=True))),
            "You subtract the smallest logit of each row. Now everything is at least 0, and large "
            "exponentials overflow. Minus the maximum everything is at most 0, so that no exponential "
            "exceeds 1.",
        ),
        "sum-over-examples": Mistake(
            lambda logits: _normalise(np.exp(_shift(logits)), axis=0),
            "You divide by the sum of each column, so the examples share one distribution for each class. "
            "Every example needs a distribution over the classes: sum along axis 1.",
        ),
        "axis-0": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.max(axis=0)), axis=0),
            "You work along axis 0, over the examples: each column sums to 1. The classes are along axis "
            "1, and each row must sum to 1.",
        ),
        "sum-over-all": Mistake(
            lambda logits: np.exp(_shift(logits)) / np.exp(_shift(logits)).sum(),
            "You divide by the sum over the whole batch, so all examples together sum to 1. Each row needs "
            "a sum of its own: axis=1.",
        ),
        "no-keepdims": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.max(axis=1)), keepdims=False),
            _KEEPDIMS,
        ),
        "no-keepdims-in-the-sum": Mistake(
            lambda logits: _normalise(np.exp(_shift(logits)), keepdims=False),
            _KEEPDIMS,
        ),
        "no-keepdims-in-the-maximum": Mistake(
            lambda logits: _normalise(np.exp(logits - logits.max(axis=1))),
            _KEEPDIMS,
        ),
        "no-sum": Mistake(
            lambda logits: np.exp(_shift(logits)),
            "These are the exponentials of the shifted logits: at least 0, but the largest in each row is "
            "1. Divide by the sum of the row, and they become probabilities.",
        ),
        "no-exponential": Mistake(
            lambda logits: logits / logits.sum(axis=1, keepdims=True),
            "You divide the logits themselves by their sum. Logits can be negative, and so could these "
            "“probabilities” be. The exponential makes them positive first.",
        ),
        "sign": Mistake(
            lambda logits: _normalise(np.exp(logits.min(axis=1, keepdims=True) - logits)),
            "The smallest logit gets the largest probability: a sign is wrong in the exponent. It is "
            "logits − maximum, not the other way round.",
        ),
        "exponent-reversed": Mistake(
            lambda logits: _normalise(np.exp(-_shift(logits))),
            "You compute maximum − logits: the smallest logit gets the largest probability, and what "
            "should be kept from overflowing overflows. It is logits − maximum.",
        ),
        "log-probabilities": Mistake(
            lambda logits: losses.log_softmax(logits),
            "These are the logarithms of the probabilities. softmax returns the probabilities themselves.",
        ),
        "winner-takes-all": Mistake(
            lambda logits: np.eye(logits.shape[1], dtype=logits.dtype)[logits.argmax(axis=1)],
            "The largest logit gets 1 and all others 0: that is the maximum itself. softmax is soft: the "
            "others keep a share.",
        ),
        "in-place": Mistake(
            overwrite(softmax, "logits", _shift),
            "The probabilities are right, but the logits are changed: `logits -= …` writes into the "
            "caller's array. `logits - …` makes a new one.",
        ),
    },
    hints=(
        "Two steps: shift the logits so that nothing overflows, then exponentiate and divide by the sum. "
        "Both the shift and the sum belong to one row.",
        "The largest logit of each row is `logits.max(axis=1, keepdims=True)`, of shape (N, 1). Without "
        "`keepdims` it has the shape (N,) and does not stand beside its rows.",
        "`shifted = logits - logits.max(axis=1, keepdims=True)`, and then "
        "`np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)`",
    ),
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
    mistakes={
        "multiplied": Mistake(
            lambda logits, T: softmax(logits * T),
            "You multiply by T. Then a high temperature makes the network surer; it should make it less "
            "sure. Divide the logits by T.",
        ),
        "no-effect": Mistake(
            lambda logits, T: softmax(logits),
            "T has no effect in yours. It is left out, or it divides numbers that are normalised "
            "afterwards, where it cancels. T belongs into the exponent: divide the logits.",
        ),
        "probabilities-divided": Mistake(
            lambda logits, T: softmax(logits) / T,
            "You divide the probabilities by T, so that a row sums to 1/T. Divide the logits by T, and "
            "take the softmax of that.",
        ),
        "probabilities-multiplied": Mistake(
            lambda logits, T: softmax(logits) * T,
            "You multiply the probabilities by T, so that a row sums to T. Divide the logits by T, and "
            "take the softmax of that.",
        ),
        "softmax-twice": Mistake(
            lambda logits, T: softmax(softmax(logits) / T),
            "You take a softmax of probabilities. Divide the logits by T, and take the softmax once.",
        ),
        "power-of-probabilities": Mistake(
            lambda logits, T: _normalise(softmax(logits) ** (1 / T)),
            "The root p^(1/T) is right on paper. But where p has rounded to 0, the root of 0 is 0, and "
            "what the logits knew is lost. Divide the logits by T before the exponential.",
        ),
        "maximum-not-divided": Mistake(
            lambda logits, T: _normalise(np.exp(logits / T - logits.max(axis=1, keepdims=True))),
            "You subtract the maximum of the logits from logits / T. The two are on different scales, so "
            "the largest exponent is not 0: it overflows, or everything rounds to 0. Divide first, then "
            "take the maximum.",
        ),
        "no-maximum": Mistake(
            lambda logits, T: _normalise(np.exp(logits / T)),
            "No maximum is subtracted. A low temperature makes logits large, so here it is needed even "
            "more: take the softmax of logits / T that subtracts each row's maximum.",
            section="Overflow",
        ),
        "global-maximum": Mistake(
            lambda logits, T: _normalise(np.exp(logits / T - (logits / T).max())),
            "You subtract the largest number of the whole batch. Where a row is far below it, every "
            "exponential rounds to 0, and 0 / 0 is NaN. Each row needs its own maximum: axis=1.",
            section="Overflow",
        ),
        "axis-0": Mistake(
            lambda logits, T: softmax(logits.T / T).T,
            "You normalise along axis 0, over the examples. The classes are along axis 1: each row must "
            "sum to 1.",
        ),
        "shifted-by-temperature": Mistake(
            lambda logits, T: softmax(logits - np.log(T)),
            "Subtracting a number from all logits changes nothing: softmax does not see a shift. Divide "
            "the logits by T.",
        ),
    },
    hints=(
        "A high temperature brings the logits closer together, a low one drives them apart. Which operation "
        "with T does that?",
        "Divide the logits by T, all of them. What remains to be done to logits / T you have written "
        "already.",
        "`return softmax(logits / T)`",
    ),
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
    mistakes={
        "every-pair": Mistake(
            lambda y, num_classes: _with_ones(y, num_classes, np.s_[:, y]),
            "`rows[:, y] = 1` means all rows, at all the columns in y. You want pairs: row 0 with y[0], "
            "row 1 with y[1]. Two index arrays of length N make pairs: `rows[np.arange(N), y]`.",
        ),
        "whole-rows": Mistake(
            lambda y, num_classes: _with_ones(y, num_classes, y),
            "`rows[y] = 1` fills whole rows, those whose numbers are in y. The label says the column: "
            "index with a row and a column, `rows[np.arange(N), y]`.",
        ),
        "all-ones": Mistake(
            lambda y, num_classes: np.ones((len(y), num_classes)),
            "`rows[...] = 1` sets every number to 1. Say where: put a row and a column into the brackets, "
            "for all examples at once, `rows[np.arange(N), y]`.",
        ),
        "counted-from-1": Mistake(
            lambda y, num_classes: _with_ones(y, num_classes, (np.arange(len(y)), y - 1)),
            "Yours counts classes from 1, so everything is one column too far left, and class 0 lands in "
            "the last one. Labels count from 0: the 1 stands in column y[i].",
        ),
        "classes-from-the-labels": Mistake(
            lambda y, num_classes: np.eye(int(y.max()) + 1)[y],
            "You take the number of classes from the largest label. A batch need not contain the last "
            "class; the rows must have num_classes columns all the same.",
        ),
        "classes-counted": Mistake(
            lambda y, num_classes: np.eye(num_classes)[np.unique(y, return_inverse=True)[1]],
            "You number the classes that occur afresh. The label itself is the column, also where other "
            "classes are missing from the batch.",
        ),
        "transposed": Mistake(
            lambda y, num_classes: np.eye(num_classes)[:, y],
            "Yours has a column for each example, (C, N). Examples are rows everywhere in these lessons: "
            "(N, C).",
        ),
        "label-as-value": Mistake(
            lambda y, num_classes: np.eye(num_classes)[y] * y[:, None],
            "You write the label where the 1 belongs. The row is a distribution: all of the probability, "
            "1, is on the true class.",
        ),
        "booleans": Mistake(
            lambda y, num_classes: y[:, None] == np.arange(num_classes),
            "True and False are in the right places, but p − y needs numbers: `.astype(float)`.",
        ),
        "integers": Mistake(
            lambda y, num_classes: np.eye(num_classes, dtype=int)[y],
            "The numbers are right, but they are integers. Probabilities are floats: `np.zeros` and "
            "`np.eye` make floats when you give no dtype.",
        ),
        "one-cold": Mistake(
            lambda y, num_classes: 1 - np.eye(num_classes)[y],
            "Yours is 0 at the true class and 1 at all others. It is the other way round.",
        ),
    },
    hints=(
        "Begin with zeros of the shape (N, num_classes), then set N entries to 1. Row 0 gets it in column "
        "y[0], row 1 in column y[1], and so on.",
        "Two index arrays of the same length are taken in pairs: `rows[[0, 1, 2], [2, 0, 3]]` are the "
        "entries (0, 2), (1, 0) and (2, 3). The first of them is `np.arange(len(y))`.",
        "`rows = np.zeros((len(y), num_classes))`, and then `rows[np.arange(len(y)), y] = 1`",
    ),
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
    mistakes={
        "log-of-softmax": Mistake(
            lambda logits: np.log(softmax(logits)),
            "You take the logarithm of softmax. Where a probability is too small for a float it has become "
            "0, and log 0 is −∞. Write log pₖ = zₖ − log Σ eᶻ and compute that: no probability is needed "
            "on the way.",
        ),
        **{f"epsilon-{epsilon:g}": _with_epsilon(epsilon) for epsilon in EPSILONS},
        "no-maximum": Mistake(
            lambda logits: logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)),
            "z − log Σ eᶻ is right, but e¹⁰⁰⁰ overflows and e⁻¹⁰⁰⁰ is 0. Subtract each row's maximum from "
            "the logits first: the logarithms do not change by it.",
        ),
        "maximum-not-added-back": Mistake(
            lambda logits: logits - np.log(np.exp(_shift(logits)).sum(axis=1, keepdims=True)),
            "Inside the logarithm the maximum is subtracted, outside it is not, so yours is too large by the "
            "maximum. Subtract it from both: shifted − log Σ e^shifted.",
        ),
        "maximum-twice": Mistake(
            lambda logits: _shift(logits) - _log_sum_exp(logits, logits.max(axis=1, keepdims=True)),
            "The maximum is subtracted twice. If the logits are shifted already, the logarithm of the sum is "
            "subtracted alone: shifted − log Σ e^shifted.",
        ),
        "global-maximum": Mistake(
            lambda logits: logits - _log_sum_exp(logits, logits.max()),
            "You subtract the largest logit of the whole batch. In a row far below it all exponentials "
            "round to 0, and log 0 is −∞. Each row needs its own maximum: axis=1.",
            section="Overflow",
        ),
        "axis-0": Mistake(
            lambda logits: logits - _log_sum_exp(logits, logits.max(axis=0, keepdims=True), axis=0),
            "You work along axis 0, over the examples. The classes are along axis 1.",
        ),
        "sum-over-all": Mistake(
            lambda logits: _shift(logits) - np.log(np.exp(_shift(logits)).sum()),
            "You sum over the whole batch. Each row needs a sum of its own: axis=1, with keepdims=True.",
        ),
        "no-keepdims": Mistake(
            lambda logits: logits - (m := logits.max(axis=1)) - np.log(np.exp(logits - m).sum(axis=1)),
            _KEEPDIMS,
        ),
        "no-keepdims-in-the-sum": Mistake(
            lambda logits: _shift(logits) - np.log(np.exp(_shift(logits)).sum(axis=1)),
            _KEEPDIMS,
        ),
        "sum-of-logarithms": Mistake(
            lambda logits: _shift(logits) - _shift(logits).sum(axis=1, keepdims=True),
            "You take the logarithm of each exponential and then the sum. It is the logarithm of the sum: "
            "first `np.exp`, then `.sum`, then `np.log`.",
        ),
        "mean-for-sum": Mistake(
            lambda logits: losses.log_softmax(logits) + np.log(np.array(logits.shape[1], logits.dtype)),
            "Yours takes the mean of the exponentials; the formula has their sum. So yours is too large by "
            "log C.",
        ),
        "sign": Mistake(
            lambda logits: -losses.log_softmax(logits),
            "This is −log p, what each class would cost. log_softmax returns log p, which is never above 0.",
        ),
        "no-logarithm": Mistake(
            lambda logits: softmax(logits),
            "These are the probabilities. log_softmax returns their logarithms.",
        ),
        "sum-not-logged": Mistake(
            lambda logits: _shift(logits) - np.exp(_shift(logits)).sum(axis=1, keepdims=True),
            "The sum of the exponentials is subtracted, but it is its logarithm that should be.",
        ),
        "in-place": Mistake(
            overwrite(log_softmax, "logits", _shift),
            "The numbers are right, but the logits are changed: `logits -= …` writes into the caller's "
            "array. `logits - …` makes a new one.",
        ),
    },
    hints=(
        "The logarithm of a quotient is a difference: log (eᶻ / S) = z − log S. Shift the logits by their "
        "row's maximum first, as in softmax.",
        "With `shifted = logits - logits.max(axis=1, keepdims=True)` you need the logarithm of the sum of "
        "`np.exp(shifted)` over each row, kept as (N, 1).",
        "`shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))`",
    ),
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
    mistakes={
        "loss-not-averaged": Mistake(
            _scale(loss=lambda N, C: N),
            lambda example: (
                "dlogits is right. The loss is a sum over the examples; it should be their mean, or a larger "
                f"batch would cost more. Divide by N, which is {len(example.args['y'])} here."
            ),
            section="How far from the target",
        ),
        "gradient-not-averaged": Mistake(
            _scale(dlogits=lambda N, C: N),
            lambda example: (
                "The loss is right. It is a mean over N examples, so each example's p − y counts 1/N: "
                f"dlogits is (p − y) / N, and N is {len(example.args['y'])} here."
            ),
        ),
        "neither-averaged": Mistake(
            _scale(loss=lambda N, C: N, dlogits=lambda N, C: N),
            lambda example: (
                "Loss and gradient fit each other, but both are sums over the examples. The loss is a "
                f"mean: divide both by N, which is {len(example.args['y'])} here."
            ),
            section="How far from the target",
        ),
        "loss-averaged-over-classes": Mistake(
            _scale(loss=lambda N, C: 1 / C),
            "dlogits is right. The loss is C times too small: `.mean()` over an array (N, C) divides by "
            "N·C. The sum over the classes has one term that is not 0; only the examples are averaged.",
            section="How far from the target",
        ),
        "both-averaged-over-classes": Mistake(
            _scale(loss=lambda N, C: 1 / C, dlogits=lambda N, C: 1 / C),
            "Loss and gradient are both C times too small: the mean is over the N examples, not over all N·C "
            "numbers.",
            section="How far from the target",
        ),
        "gradient-averaged-over-classes": Mistake(
            _scale(dlogits=lambda N, C: 1 / C),
            "The loss is right. dlogits is divided by N·C; the loss is a mean over the N examples only.",
        ),
        "sign-of-loss": Mistake(
            _scale(loss=lambda N, C: -1),
            "dlogits is right, and the loss has the wrong sign: log p is never above 0, so −log p is never "
            "below. A loss should be small when the answer is good.",
            section="How far from the target",
        ),
        "sign-of-gradient": Mistake(
            _scale(dlogits=lambda N, C: -1),
            "The loss is right, and dlogits has the wrong sign: it is p − y, not y − p. Training subtracts "
            "the gradient; with y − p the true class would become less probable with every step.",
        ),
        "both-signs": Mistake(
            _scale(loss=lambda N, C: -1, dlogits=lambda N, C: -1),
            "Both have the wrong sign: you compute the mean of log p. The loss is −log p, small when the "
            "true class is probable.",
            section="How far from the target",
        ),
        "diagonal-only": Mistake(
            _another_gradient(lambda p, target, y: -target * (1 - p)),
            "The loss is right. Your gradient is 0 for every class but the true one: it uses the diagonal "
            "of the softmax Jacobian, pₖ(1 − pₖ), and leaves out the rest. Raising any logit takes "
            "probability from all other classes, ∂pₖ/∂zⱼ = −pₖpⱼ. With it the sum becomes p − y.",
        ),
        "diagonal-times-everything": Mistake(
            _another_gradient(lambda p, target, y: (p - target) * p * (1 - p)),
            "The loss is right. p − y is the derivative with respect to the logits already: the softmax is "
            "in it. You multiply by p(1 − p) once more.",
        ),
        "with-respect-to-p": Mistake(
            _another_gradient(lambda p, target, y: -target / p),
            "The loss is right. −y / p is the derivative with respect to the probabilities. Go one step "
            "further back, through the softmax, to the logits: p − y.",
        ),
        "no-target": Mistake(
            _another_gradient(lambda p, target, y: p),
            "The loss is right. dlogits is p / N: y is not subtracted. With it no class would ever be "
            "pushed up.",
        ),
        "labels-for-one-hot": Mistake(
            _another_gradient(lambda p, target, y: p - y[:, None].astype(p.dtype)),
            "The loss is right. In p − y, y is one-hot. You subtract the label itself, a number such as 3, "
            "from every class. Subtract 1 at the true class only: `dlogits[np.arange(N), y] -= 1`.",
        ),
        "labels-along-classes": Mistake(
            _another_gradient(lambda p, target, y: p - y.astype(p.dtype)),
            "In p − y, y is one-hot (N, C). You subtract the labels, an array (N,), and NumPy lays it "
            "along the classes. Subtract 1 at the true class only: `dlogits[np.arange(N), y] -= 1`.",
        ),
        "columns-for-pairs": Mistake(
            _columns_for_pairs,
            "`[:, y]` takes all rows at all the columns in y, N × N numbers. You want pairs, row i with "
            "column y[i]: `[np.arange(N), y]`.",
            section="How far from the target",
        ),
        "columns-for-pairs-in-loss": Mistake(
            _another_loss(lambda p, logp, target, y: -logp[:, y].mean()),
            "dlogits is right. In the loss `logp[:, y]` takes all rows at all the columns in y, N × N "
            "numbers. You want pairs, row i with column y[i]: `logp[np.arange(N), y]`.",
            section="How far from the target",
        ),
        "columns-for-pairs-in-gradient": Mistake(
            _another_gradient(_columns_for_pairs_in_gradient),
            "The loss is right. `dlogits[:, y] -= 1` subtracts in every row, at all the columns in y. You "
            "want pairs, row i with column y[i]: `dlogits[np.arange(N), y] -= 1`.",
        ),
        "loss-of-each-example": Mistake(
            _another_loss(lambda p, logp, target, y: -logp[np.arange(len(y)), y]),
            "dlogits is right. Your loss has one number for each example, and it should be one number for "
            "all: their mean.",
            section="How far from the target",
        ),
        "all-classes-in-loss": Mistake(
            _another_loss(lambda p, logp, target, y: -logp.sum() / len(y)),
            "dlogits is right. Your loss sums −log p over all classes. y is 0 for all but one: only the "
            "true class counts, `logp[np.arange(N), y]`.",
            section="How far from the target",
        ),
        "probability-for-logarithm": Mistake(
            _another_loss(lambda p, logp, target, y: -p[np.arange(len(y)), y].mean()),
            "dlogits is right. The loss uses p where −log p belongs.",
            section="How far from the target",
        ),
        "log-of-softmax": Mistake(
            _another_loss(lambda p, logp, target, y: -np.log(p[np.arange(len(y)), y]).mean()),
            "The loss is infinite where the true class has a probability too small for a float. Take log p "
            "from `log_softmax`, not the logarithm of softmax.",
            section="Log-sum-exp",
        ),
        **{f"epsilon-{epsilon:g}": _with_epsilon_in_loss(epsilon) for epsilon in EPSILONS},
        "no-maximum": Mistake(
            lambda logits, y: _cross_entropy_of(np.log(_normalise(np.exp(logits))), y),
            "Large logits overflow: probabilities become 0 or NaN, and the loss ∞ or NaN. Begin with "
            "`log_softmax(logits)`: it subtracts each row's maximum, and p is its exponential.",
            section="Overflow",
        ),
        "softmax-twice": Mistake(
            lambda logits, y: losses.cross_entropy(softmax(logits), y),
            "You put softmax before log_softmax, so a softmax is taken twice: of the logits, and of their "
            "probabilities. The second flattens what the first had said. `log_softmax` wants the logits.",
            section="Log-sum-exp",
        ),
        "softmax-over-examples": Mistake(
            lambda logits, y: _cross_entropy_of(losses.log_softmax(np.ascontiguousarray(logits.T)).T, y),
            "Your softmax runs along axis 0, over the examples. The classes are along axis 1: the "
            "probabilities of each row sum to 1.",
        ),
        "loss-after-minus-1": Mistake(
            _another_loss(lambda p, logp, target, y: -np.log((p - target)[np.arange(len(y)), y]).mean()),
            "dlogits is right. The loss is computed from p after 1 was subtracted from it, so it is the "
            "logarithm of a negative number. Compute the loss first, or let dlogits begin as a copy.",
        ),
    },
    hints=(
        "Three lines: log p from `log_softmax`; the loss, minus the mean of log p at the true classes; the "
        "gradient, (p − y) / N.",
        "`logp[np.arange(N), y]` is log p of each example's true class. p is `np.exp(logp)`, and "
        "subtracting a one-hot y means subtracting 1 at the same places.",
        "`loss = -logp[np.arange(N), y].mean()`; `dlogits = np.exp(logp)`; `dlogits[np.arange(N), y] -= "
        "1`; and divide dlogits by N.",
    ),
    then="Put it to work: the network can train with it, net.use(cross_entropy=cross_entropy).",
)

EXERCISES = [SOFTMAX, TEMPERATURE_SOFTMAX, ONE_HOT, LOG_SOFTMAX, CROSS_ENTROPY]
