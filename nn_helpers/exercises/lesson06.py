"""Lesson 06: three programs that run and are wrong, and inputs that show what is wrong with others."""

import functools

import numpy as np

from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult
from nn_helpers.exercises.lesson02 import AFFINE_BACKWARD, affine_backward
from nn_helpers.exercises.lesson03 import cross_entropy

LESSON = "06_clinic"


# train_epoch


def train_epoch(W, b, x, y, order, batch_size, lr):
    """Make a step of SGD for each batch of an epoch; change W (D, C) and b (C,) in place."""
    for start in range(0, len(order), batch_size):
        at = order[start : start + batch_size]
        _, dlogits = cross_entropy(x[at] @ W + b, y[at])
        W -= lr * x[at].T @ dlogits
        b -= lr * dlogits.sum(axis=0)


def _one_epoch_cases():
    rng = np.random.default_rng(60)

    def case(name, N, D, C, batch_size, lr=0.5):
        W, b, x = (rng.integers(-4, 5, shape) / 2 for shape in ((D, C), C, (N, D)))
        return Case(name, W, b, x, rng.integers(0, C, N), rng.permutation(N)[::-1], batch_size, lr)

    x, y = np.array([[1.0, 2.0], [-1.0, 0.0]]), np.array([0, 1])
    return [
        Case("two examples, exchanged", np.zeros((2, 2)), np.zeros(2), x, y, np.array([1, 0]), 1, 1.0),
        case("three batches of two", 6, 3, 3, 2),
        case("a smaller last batch", 7, 2, 4, 3),
        case("all examples in one batch", 5, 4, 3, 5),
    ]


ONE_EPOCH = Exercise(
    answer=train_epoch,
    elsewhere="nn_helpers.train does the same for networks of any depth, epoch after epoch.",
    lesson=LESSON,
    section="Three programs that are wrong",
    in_place=("W", "b"),
    cases=_one_epoch_cases,
    then="In the next cell it learns from sketches.",
)


# split


def split(x, y, order, n_val):
    """Return x and y to learn from, then x and y to validate on, standardised alike."""
    val, train = order[:n_val], order[n_val:]
    mean, std = x[train].mean(axis=0), x[train].std(axis=0)
    x = (x - mean) / std
    return x[train], y[train], x[val], y[val]


def _split_cases():
    rng = np.random.default_rng(61)

    def case(name, N, D, n_val):
        return Case(name, 10 * rng.random((N, D)), rng.integers(0, 9, N), rng.permutation(N)[::-1], n_val)

    x = np.array([[1.0, 8.0], [3.0, 2.0], [5.0, 6.0]])
    return [
        Case("three examples", x, np.array([7, 8, 9]), np.array([2, 0, 1]), 1),
        case("ten examples", 10, 3, 4),
        case("more to validate on than to learn from", 7, 2, 5),
    ]


SPLIT = Exercise(
    answer=split,
    lesson=LESSON,
    section="Three programs that are wrong",
    returns=("x", "y", "x_val", "y_val"),
    cases=_split_cases,
    then="In the next cell its validation accuracy is one that holds for fresh images too.",
)


# keep_best


def keep_best(w, x, y, x_val, y_val, lr, epochs):
    """Return the weights of the epoch with the lowest validation loss, and that loss."""
    w = w.copy()
    best, lowest = w.copy(), np.inf
    for _ in range(epochs):
        w -= lr * x.T @ (x @ w - y) / len(x)
        loss = np.mean((x_val @ w - y_val) ** 2)
        if loss < lowest:
            best, lowest = w.copy(), loss
    return best, lowest


def _keep_best_cases():
    rng = np.random.default_rng(62)

    def case(name, N, D, lr, epochs):
        w, x, y, x_val, y_val = (rng.standard_normal(shape) for shape in (D, (N, D), N, (N - 1, D), N - 1))
        return Case(name, w, x, y, x_val, y_val, lr, epochs)

    def one_weight(name, w, y, y_val, lr, epochs):
        arrays = (np.array(value) for value in ([w], [[1.0]], [y], [[1.0]], [y_val]))
        return Case(name, *arrays, lr, epochs)

    return [
        one_weight("it overshoots", 0.0, 4.0, 3.0, 0.5, 4),
        case("the best in the middle", 5, 3, 0.3, 12),
        case("steps that are too long", 4, 2, 1.4, 6),
        one_weight("falling all the time", 0.0, 4.0, 4.0, 0.5, 3),
        one_weight("equally low each time", 0.0, 4.0, 4.0, 2.0, 4),
        one_weight("no epoch at all", 1.0, 4.0, 4.0, 0.5, 0),
    ]


KEEP_BEST = Exercise(
    answer=keep_best,
    elsewhere="nn_helpers.train does the same with keep_best=True, by the validation accuracy.",
    lesson=LESSON,
    section="Three programs that are wrong",
    returns=("best", "lowest"),
    cases=_keep_best_cases,
    then="In the next cell it keeps what it had found.",
)


# breaking_inputs


def breaking_inputs(rng):
    """Return a list of inputs (dz, x, W) for affine_backward, drawn from rng."""
    inputs = []
    for x_shape, M in [((3, 2, 2), 5), ((1, 3), 1)]:
        x = 10 * rng.standard_normal(x_shape)
        W = 10 * rng.standard_normal((x[0].size, M))
        dz = 10 * rng.standard_normal((len(x), M))
        inputs.append((dz, x, W))
    return inputs


@functools.cache
def mutants():
    """Return wrong versions of affine_backward, by name: the mistakes of lesson 02, and rarer ones."""
    return {name: mistake.wrong for name, mistake in AFFINE_BACKWARD.mistakes.items()} | {
        "sign-lost": lambda dz, cache: affine_backward(dz, (np.abs(cache[0]), cache[1])),
        "only-positive-dz": lambda dz, cache: affine_backward(np.maximum(dz, 0), cache),
        "cut-off-at-20": lambda dz, cache: [np.clip(d, -20, 20) for d in affine_backward(dz, cache)],
        "one-example-squeezed": lambda dz, cache: [d.squeeze() for d in affine_backward(dz, cache)],
        "rounded": lambda dz, cache: affine_backward(dz, (cache[0], np.round(cache[1]))),
    }


def _observe_inputs(f, rng):
    """Find out which mutants the inputs show."""
    inputs = [_expect_input(each) for each in _expect_list(f(rng))]
    shown = {name: any(_shows(f, *each) for each in inputs) for name, f in mutants().items()}
    return {f"whether {name} is caught": "yes" if caught else "no" for name, caught in shown.items()}


def _shows(mutant, dz, x, W):
    right = affine_backward(dz, (x, W))
    try:
        given = mutant(dz.copy(), (x.copy(), W.copy()))
    except ValueError:  # the shapes do not fit: that is noticed too
        return True
    pairs = zip(right, given, strict=True)
    return any(a.shape != np.shape(b) or not np.allclose(a, b, equal_nan=True) for a, b in pairs)


def _expect_list(inputs):
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= 10:
        raise MalformedResult("breaking_inputs returns a list of one to ten inputs, each (dz, x, W).")
    return inputs


def _expect_input(given):
    if not isinstance(given, tuple) or len(given) != 3:
        raise MalformedResult("Each input is a tuple of three arrays: (dz, x, W).")
    arrays = [isinstance(a, np.ndarray) and a.dtype.kind in "fi" and 0 < a.size < 10_000 for a in given]
    if not all(arrays) or not all(a.ndim and np.isfinite(a).all() for a in given):
        raise MalformedResult("dz, x and W are arrays of finite numbers, fewer than 10,000 in each.")
    dz, x, W = (a.astype(float) for a in given)
    if W.shape != (x[0].size, dz[0].size) or dz.shape != (len(x), W.shape[1]):
        raise MalformedResult(
            f"dz is (N, M), x is (N, …) with D numbers in each example, W is (D, M). Yours are {dz.shape}, "
            f"{x.shape} and {W.shape}."
        )
    return dz, x, W


BREAKING_INPUTS = Exercise(
    answer=breaking_inputs,
    lesson=LESSON,
    section="Break it on purpose",
    observe=_observe_inputs,
    cases=lambda: [Case(f"seed {seed}", np.random.default_rng(seed)) for seed in (1, 2)],
    then="A test made of these inputs would have caught each of these mistakes.",
)

EXERCISES = [ONE_EPOCH, SPLIT, KEEP_BEST, BREAKING_INPUTS]
