"""Lesson 04: optimizers, each one step in place, and the mini-batches that they learn from."""

import copy
from itertools import combinations, islice

import numpy as np

from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, own_generator, rebinds

LESSON = "04_optimizers"


# sgd_step


def sgd_step(theta, gradient, lr):
    """Change theta in place: θ ← θ − α g."""
    theta -= lr * gradient


def _sgd_step_cases():
    rng = np.random.default_rng(40)
    matrices = rng.standard_normal((2, 3, 4)).transpose(0, 2, 1)
    return [
        Case("two parameters", np.array([1.0, 2.0]), np.array([0.5, -4.0]), 0.1),
        Case("a gradient of 0 in one place", np.array([1.0, 2.0]), np.array([0.0, 1.5]), 0.1),
        Case("a small learning rate", np.array([3.0, 0.0, -1.0]), np.array([2.0, 1.0, 1.0]), 0.001),
        Case("a large learning rate", np.array([3.0, 0.0, -1.0]), np.array([2.0, 1.0, 1.0]), 3.0),
        Case("large numbers", np.array([3e4, 0.0, -1.0]), np.array([-2e6, 70.0, 300.0]), 0.1),
        Case("a transposed matrix", *matrices, 0.05),
        Case("float32", *rng.standard_normal((2, 5)).astype(np.float32), 0.05),
    ]


SGD_STEP = Exercise(
    answer=sgd_step,
    elsewhere="nn_helpers.optimizers.SGD does the same in place, for all parameters at once.",
    lesson=LESSON,
    section="Gradient descent",
    in_place=("theta",),
    cases=_sgd_step_cases,
    sure=rebinds(rebinds=0),
    then="It walks down the ravine in the next cell, and through a network's parameters after that.",
)


# minibatches


def minibatches(N, batch_size, rng, drop_last=True):
    """Yield the indices 0 … N − 1 in a new random order, batch_size at a time: one epoch."""
    order = rng.permutation(N)
    end = N - N % batch_size if drop_last else N
    for start in range(0, end, batch_size):
        yield order[start : start + batch_size]


def _minibatches_cases():
    def rng():
        return np.random.default_rng(41)

    return [
        Case("10 images in batches of 4", 10, 4, rng(), True),
        Case("10 images in batches of 4, all to be used", 10, 4, rng(), False),
        Case("drop_last left out", 10, 4, rng()),
        Case("12 images in batches of 4", 12, 4, rng(), True),
        Case("12 images in batches of 4, all to be used", 12, 4, rng(), False),
        Case("500 images in batches of 8", 500, 8, rng(), True),
        Case("all images in one batch", 9, 9, rng(), True),
        Case("batches of one", 9, 1, rng(), True),
        Case("fewer images than a batch", 9, 16, rng(), False),
    ]


def _epoch(f, N, *rest):
    """Return one epoch's batches as a list of index arrays."""
    given = f(N, *rest)
    try:
        iterator = iter(given)
    except TypeError:
        raise MalformedResult(
            "minibatches gives one batch after the other, with `yield`, or a list of them all; yours gives "
            f"{a_kind_of(given)}."
        ) from None
    found = [_indices(batch) for batch in islice(iterator, N + 2)]
    if not found:
        raise MalformedResult("minibatches gives no batch at all.")
    if len(found) > N + 1:
        raise MalformedResult(f"An epoch of {N} examples has at most {N} batches; yours does not stop there.")
    return found


def _indices(batch):
    try:
        indices = np.asarray(batch)
    except Exception:
        indices = np.array(None)
    if indices.ndim == 0 and indices.dtype.kind in "iu":
        raise MalformedResult(
            "Each batch is an array of indices; yours gives single numbers. `return` inside a loop ends the "
            "function with the first batch, and `yield` in its place hands over one and goes on."
        )
    if isinstance(batch, tuple):
        raise MalformedResult(
            "Each batch is an array of indices; yours gives tuples, and `images[batch]` takes the numbers of "
            "a tuple for one place along several axes. `np.array(batch)` makes an array."
        )
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise MalformedResult(
            f"Each batch is an array of indices, whole numbers with one axis; yours gives {a_kind_of(batch)}."
        )
    return indices


def _observe_minibatches(f, N, batch_size, rng, *drop_last):
    """Look at two epochs in a row, and at one from an equal generator."""
    equal = copy.deepcopy(rng)
    first, second = (_epoch(f, N, batch_size, rng, *drop_last) for _ in range(2))
    again = _epoch(f, N, batch_size, equal, *drop_last)
    one, two, three = (np.concatenate([[], *epoch]) for epoch in (first, second, again))
    many = len(one) > 100  # fewer may come in such an order by chance
    more = [first, second, *(_epoch(f, N, batch_size, rng, *drop_last) for _ in range(15 if many else 0))]
    members = [{tuple(np.sort(batch)) for batch in epoch} for epoch in (first, second)]
    sizes = [len(batch) for batch in first] or [0]
    return {
        "whether an index comes twice in an epoch": len(np.unique(one)) < len(one),
        "whether the order is that of the data": many and bool(np.mean(abs(np.diff(one)) == 1) > 0.05),
        "whether some indices always come early": many and _come_early(more, N),
        "whether some indices stay together": many and _stay_together(first, second),
        "whether the second epoch has the order of the first": np.array_equal(one, two),
        "whether the second epoch has the same batches": many and members[0] == members[1],
        "whether equal generators give equal orders": np.array_equal(one, three),
        "whether some index never comes": many
        and len(np.unique(np.concatenate([batch for epoch in more for batch in epoch]))) < N,
        "how many batches there are": len(first),
        "size of the largest batch": max(sizes),
        "size of the smallest batch": min(sizes),
        "how many indices lie outside 0 … N − 1": int(np.sum((one < 0) | (one >= N))),
    }


def _come_early(epochs, N):
    """Say whether the mean place of an index in an epoch depends on the index more than by chance."""
    places = np.full((len(epochs), N), 0.5)
    for place, epoch in zip(places, epochs, strict=True):
        order = np.concatenate([[], *epoch]).astype(int)
        place[order % N] = np.linspace(0, 1, len(order))
    return bool(places.mean(axis=0).std() > 2 * np.sqrt(1 / 12 / len(epochs)))


def _stay_together(first, second):
    """Say whether more pairs than by chance share a batch in both epochs: of 500 in eights, 1.4 %."""
    batch_of = {int(index): i for i, batch in enumerate(second) for index in batch}
    pairs = [
        batch_of.get(int(a)) == batch_of.get(int(b)) for batch in first for a, b in combinations(batch, 2)
    ]
    return bool(np.mean(pairs) > 0.06) if pairs else False


MINIBATCHES = Exercise(
    answer=minibatches,
    elsewhere="nn_helpers.data.batches does the same, and yields the examples in place of their indices.",
    lesson=LESSON,
    section="Mini-batches",
    observe=_observe_minibatches,
    cases=_minibatches_cases,
    sure={"unseeded-generator": own_generator},
    then="Each call is one epoch, in an order of its own. Next it walks down a ravine and trains a network.",
)


# momentum_step


def momentum_step(theta, gradient, v, lr, beta):
    """Change v and theta in place: v ← βv − αg, then θ ← θ + v."""
    v *= beta
    v -= lr * gradient
    theta += v


def _momentum_step_cases():
    rng = np.random.default_rng(42)
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -4.0])
    single = np.float32
    matrices = rng.standard_normal((3, 3, 4)).transpose(0, 2, 1)
    return [
        Case("two parameters that move already", theta, gradient, np.array([0.25, -0.5]), 0.2, 0.9),
        Case("the first step, v = 0", theta, gradient, np.zeros(2), 0.2, 0.9),
        Case("a gradient of 0 in one place", theta, np.array([0.0, -4.0]), np.array([0.25, -0.5]), 0.2, 0.9),
        Case("β = 0", theta, gradient, np.array([0.25, -0.5]), 0.2, 0.0),
        Case("large numbers", np.array([3e4, -1.0]), np.array([-2e6, 70.0]), np.array([4e5, 90.0]), 0.2, 0.9),
        Case("a transposed matrix", *matrices, 0.05, 0.8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), np.ones(5, single), 0.05, 0.8),
    ]


MOMENTUM_STEP = Exercise(
    answer=momentum_step,
    elsewhere="nn_helpers.optimizers.Momentum does the same for all parameters at once, and keeps v itself.",
    lesson=LESSON,
    section="Momentum",
    in_place=("theta", "v"),
    cases=_momentum_step_cases,
    sure=rebinds(v_rebound=2, theta_rebound=0, nothing_changes=0),
    then="It walks in the next cell, then it trains a network.",
)


# rmsprop_step


def rmsprop_step(theta, gradient, s, lr, beta, eps):
    """Change s and theta in place: s ← βs + (1 − β)g², then θ ← θ − αg / (√s + ε)."""
    s *= beta
    s += (1 - beta) * gradient**2
    theta -= lr * gradient / (np.sqrt(s) + eps)


def _rmsprop_step_cases():
    rng = np.random.default_rng(43)
    theta, gradient, s = np.array([1.0, 2.0]), np.array([0.5, -4.0]), np.array([0.25, 9.0])
    single, small = np.float32, np.array([1e-4, -2e-3])
    unused = np.array([0.0, -4.0]), np.array([0.0, 9.0])
    matrices = rng.standard_normal((2, 3, 4)).transpose(0, 2, 1)
    return [
        Case("two parameters", theta, gradient, s, 0.1, 0.8, 1e-8),
        Case("the first step, s = 0", theta, gradient, np.zeros(2), 0.1, 0.8, 1e-8),
        Case("a gradient that was always 0", theta, *unused, 0.1, 0.8, 1e-8),
        Case("gradients as small as ε", theta, small, np.array([1e-8, 1e-6]), 0.1, 0.8, 1e-3),
        Case("large numbers", 1e4 * theta, 1e4 * gradient, 1e6 * s, 30.0, 0.8, 1e-8),
        Case("a transposed matrix", *matrices, rng.random((4, 3)), 0.05, 0.99, 1e-8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), single([0.25] * 5), 0.05, 0.9, 1e-6),
    ]


RMSPROP_STEP = Exercise(
    answer=rmsprop_step,
    elsewhere="nn_helpers.optimizers.RMSprop does the same for all parameters at once, and keeps s itself.",
    lesson=LESSON,
    section="RMSprop",
    in_place=("theta", "s"),
    cases=_rmsprop_step_cases,
    sure=rebinds(s_rebound=2, theta_rebound=0, nothing_changes=0),
    then="Half of Adam is done. In the next cell it walks down the ravine.",
)


# adam_step


def adam_step(theta, gradient, m, v, t, lr, beta1, beta2, eps):
    """Change m, v and theta in place; t is the number of this step, counted from 1."""
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * gradient**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta -= lr * m_hat / (np.sqrt(v_hat) + eps)


def _adam_step_cases():
    rng = np.random.default_rng(44)
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -4.0])
    m, v = np.array([0.25, 1.0]), np.array([0.5, 9.0])
    single = np.float32
    unused = np.array([0.0, -4.0]), np.array([0.0, 2.0]), np.array([0.0, 9.0])
    memory = single([[0.5] * 5, [0.25] * 5])
    tiny = np.array([1e-4, -2e-3]), np.array([1e-5, 1e-4]), np.array([1e-9, 1e-7])
    matrices = rng.standard_normal((3, 3, 4)).transpose(0, 2, 1)
    return [
        Case("the first step, m = v = 0", theta, gradient, *np.zeros((2, 2)), 1, 0.2, 0.9, 0.999, 1e-8),
        Case("step 2", theta, gradient, m, v, 2, 0.2, 0.9, 0.999, 1e-8),
        Case("step 5000", theta, gradient, m, v, 5000, 0.2, 0.9, 0.999, 1e-8),
        Case("a gradient that was always 0", theta, *unused, 3, 0.2, 0.9, 0.999, 1e-8),
        Case("gradients as small as ε", theta, *tiny, 3, 0.2, 0.9, 0.999, 1e-3),
        Case("β₁ = 0", theta, gradient, m, v, 4, 0.2, 0.0, 0.999, 1e-8),
        Case("large numbers", 1e4 * theta, 1e4 * gradient, 1e4 * m, 1e6 * v, 2, 30.0, 0.9, 0.999, 1e-8),
        Case("a transposed matrix", *matrices, rng.random((4, 3)), 7, 0.05, 0.8, 0.95, 1e-8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), *memory, 3, 0.05, 0.8, 0.95, 1e-6),
    ]


ADAM_STEP = Exercise(
    answer=adam_step,
    elsewhere="nn_helpers.optimizers.Adam does the same for all parameters, and keeps m and v itself.",
    lesson=LESSON,
    section="Adam",
    in_place=("theta", "m", "v"),
    cases=_adam_step_cases,
    sure=rebinds(memory_rebound=2, theta_rebound=0, nothing_changes=0),
    then="Next it trains a network, and you see what its correction is for.",
)

EXERCISES = [SGD_STEP, MINIBATCHES, MOMENTUM_STEP, RMSPROP_STEP, ADAM_STEP]
