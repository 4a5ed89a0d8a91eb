"""Lesson 07: batch normalisation, forwards and backwards, and layer normalisation."""

import numpy as np

from nn_helpers import layers
from nn_helpers.exercises.exercise import Case, Exercise

LESSON = "07_deep_and_healthy"


# batchnorm_forward


def batchnorm_forward(z, gamma, beta, running=None):
    """Return y = γ ẑ + β (N, M) and the cache (z_hat, std, gamma); running is (mean, var), or None."""
    if running is None:
        mean, var = z.mean(axis=0), z.var(axis=0)
    else:
        mean, var = running
    std = np.sqrt(var + 1e-5)
    z_hat = (z - mean) / std
    return gamma * z_hat + beta, (z_hat, std, gamma)


def _batches():
    """Return (name, z, gamma, beta) of each case in training."""
    rng = np.random.default_rng(70)

    def batch(name, N, M, spread=2.0):
        z = spread * rng.standard_normal((N, M)) + rng.integers(-3, 4, M)
        return name, z, rng.integers(1, 5, M) / 2, rng.integers(-4, 5, M) / 4

    constant = np.array([[2.0, 1.0], [2.0, -1.0], [2.0, 3.0]])
    return [
        ("two examples, one unit", np.array([[1.0], [5.0]]), np.array([10.0]), np.array([3.0])),
        batch("five examples, three units", 5, 3),
        batch("as many examples as units", 3, 3),
        ("a unit that is always 2", constant, np.array([1.5, 0.5]), np.array([0.25, -1.0])),
        batch("hardly any spread", 4, 2, spread=3e-3),
    ]


def _batchnorm_forward_cases():
    rng = np.random.default_rng(71)
    z, gamma, beta, mean, var = rng.standard_normal((4, 3)), *rng.integers(1, 6, (4, 3)) / 2
    one = np.array([[3.0, 5.0]]), *np.array([[2.0, 1.0], [1.0, 0.5]])
    given = np.array([1.0, 4.0]), np.array([4.0, 0.25])
    return [
        *(Case(*batch) for batch in _batches()),
        Case("a prediction for one example", *one, given, way_back=False),
        Case("predictions for four examples", z, gamma, beta, (mean, var), way_back=False),
    ]


BATCHNORM_FORWARD = Exercise(
    answer=batchnorm_forward,
    library=layers.batchnorm_forward,
    lesson=LESSON,
    section="Batch normalisation",
    returns=("y", "cache"),
    partner="batchnorm_backward",
    cases=_batchnorm_forward_cases,
    then="The next cell sends a deep network's signals through it.",
)


# batchnorm_backward


def batchnorm_backward(dy, cache):
    """Return dz (N, M), dgamma (M,) and dbeta (M,). The cache is (z_hat, std, gamma)."""
    z_hat, std, gamma = cache
    dgamma = (dy * z_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dz_hat = gamma * dy
    dz = (dz_hat - dz_hat.mean(axis=0) - z_hat * (dz_hat * z_hat).mean(axis=0)) / std
    return dz, dgamma, dbeta


def _batchnorm_backward_cases():
    for i, (name, *batch) in enumerate(_batches()):
        y, cache = batchnorm_forward(*batch)
        dy = np.random.default_rng(i).integers(-6, 7, y.shape) / 2
        yield Case(name, dy, cache, forward=tuple(batch))


BATCHNORM_BACKWARD = Exercise(
    answer=batchnorm_backward,
    library=layers.batchnorm_backward,
    lesson=LESSON,
    section="The way back",
    returns=("dz", "dgamma", "dbeta"),
    partner="batchnorm_forward",
    cases=_batchnorm_backward_cases,
    then="The pair is complete: next, networks of 30 layers train with it.",
)


# layernorm_forward


def layernorm_forward(z, gamma, beta, running=None):
    """Return y = γ ẑ + β (N, M) and the cache (z_hat, std (N, 1), gamma). There are no running means."""
    mean, var = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
    std = np.sqrt(var + 1e-5)
    z_hat = (z - mean) / std
    return gamma * z_hat + beta, (z_hat, std, gamma)


def _layernorm_forward_cases():
    _, wide, *others = _batches()
    z, units = np.array([[1.0, 5.0], [2.0, 8.0]]), np.array([[10.0, 1.0], [3.0, 0.0]])
    yield Case("two examples, two units", z, *units)
    yield Case("one example", wide[1][:1], *wide[2:])
    yield from (Case(*batch) for batch in (wide, *others))
    yield Case("running means that are not needed", *wide[1:], (np.zeros(3), np.ones(3)))


LAYERNORM_FORWARD = Exercise(
    answer=layernorm_forward,
    lesson=LESSON,
    section="Layer normalisation",
    returns=("y", "cache"),
    cases=_layernorm_forward_cases,
    then="The next cell gives it one example alone.",
)

EXERCISES = [BATCHNORM_FORWARD, BATCHNORM_BACKWARD, LAYERNORM_FORWARD]
