"""Lesson 02: the affine layer, a stack of layers, and their first weights."""

import copy
from itertools import combinations, pairwise

import numpy as np

from nn_helpers import layers
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, own_generator

LESSON = "02_affine_backprop"


# affine_forward


def affine_forward(x, W, b):
    """Return z = xW + b, shape (N, M), and the cache for affine_backward: (x, W)."""
    rows = x.reshape(len(x), -1)
    z = rows @ W + b
    return z, (x, W)


def _affine_forward_cases():
    rng = np.random.default_rng(1)

    def case(name, x_shape, M):
        D = int(np.prod(x_shape[1:]))
        shapes = (x_shape, (D, M), (M,))
        return Case(name, *(rng.integers(-9, 10, shape) / 2 for shape in shapes))

    return [
        Case("one example", np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([5.0])),
        case("three examples", (3, 2), 4),
        case("as many examples as inputs and outputs", (3, 3), 3),
        case("images with four axes", (2, 2, 2, 3), 4),
        case("images with as many rows as there are images", (2, 2, 2), 2),
        Case("large numbers", *(1e4 * rng.integers(-9, 10, shape) for shape in ((2, 3), (3, 2), (2,)))),
    ]


AFFINE_FORWARD = Exercise(
    answer=affine_forward,
    library=layers.affine_forward,
    lesson=LESSON,
    section="One layer, forwards",
    returns=("z", "cache"),
    partner="affine_backward",
    cases=_affine_forward_cases,
    then="Forwards is done. For learning it needs the way back, affine_backward.",
)


# affine_backward


def affine_backward(dz, cache):
    """Return dx (shaped like x), dW (D, M) and db (M,). The cache is (x, W)."""
    x, W = cache
    rows = x.reshape(len(x), -1)
    dx = (dz @ W.T).reshape(x.shape)
    dW = rows.T @ dz
    db = dz.sum(axis=0)
    return dx, dW, db


def _affine_backward_cases():
    rng = np.random.default_rng(2)

    def case(name, x_shape, M):
        N, D = x_shape[0], int(np.prod(x_shape[1:]))
        x, W, dz = (rng.integers(-9, 10, shape) / 2 for shape in (x_shape, (D, M), (N, M)))
        return Case(name, dz, (x, W), forward=(x, W, np.zeros(M)))

    x, W, dz = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0], [4.0, 0.0]]), np.array([[0.5, 2.0]])
    return [
        case("three examples", (3, 2), 4),
        Case("one example", dz, (x, W), forward=(x, W, np.zeros(2))),
        case("as many examples as inputs and outputs", (3, 3), 3),
        case("images with four axes", (2, 2, 2, 3), 4),
    ]


AFFINE_BACKWARD = Exercise(
    answer=affine_backward,
    library=layers.affine_backward,
    lesson=LESSON,
    section="Why xᵀ dz",
    returns=("dx", "dW", "db"),
    partner="affine_forward",
    cases=_affine_backward_cases,
    then="The pair is complete: a network can learn with it, in the next cells.",
)


# net_forward


def net_forward(x, params):
    """Return the logits and the caches: (affine cache, z) a layer, None for the last z."""
    caches = []
    a = x
    for W, b in params[:-1]:
        z, affine_cache = affine_forward(a, W, b)
        a = np.maximum(z, 0)
        caches.append((affine_cache, z))
    W, b = params[-1]
    logits, affine_cache = affine_forward(a, W, b)
    caches.append((affine_cache, None))
    return logits, caches


def _net(name, N, sizes, seed, largest=7):
    """Return (name, x, params) of a case: numbers without rounding, and biases that matter."""
    rng = np.random.default_rng(seed)

    def draw(largest, *shape):
        return rng.integers(-largest, largest + 1, shape).astype(float)

    return name, draw(largest, N, sizes[0]) / 2, [(draw(2, D, M), draw(2, M)) for D, M in pairwise(sizes)]


def _nets():
    W1, b1 = np.array([[1.0, -1.0], [2.0, 1.0]]), np.array([0.0, -1.0])
    W2, b2 = np.array([[1.0, -2.0], [3.0, 1.0]]), np.array([-4.0, -1.0])
    return [
        ("two layers", np.array([[1.0, -2.0], [-1.0, 2.0]]), [(W1, b1), (W2, b2)]),
        _net("one layer", 3, [2, 4], 0),
        _net("one example", 1, [2, 3, 2], 8),
        _net("three layers", 2, [3, 4, 5, 2], 14),
        _net("five layers of equal width", 3, [3, 3, 3, 3, 3, 3], 1, largest=4000),
        _net("four examples", 4, [5, 3, 2], 8),
    ]


NET_FORWARD = Exercise(
    answer=net_forward,
    elsewhere="nn_helpers.ClassificationNet.forward does the same; it keeps the caches for backward itself.",
    lesson=LESSON,
    section="Any number of layers",
    returns=("logits", "caches"),
    partner="net_backward",
    cases=lambda: [Case(*net) for net in _nets()],
    then="Now the way back: net_backward.",
)


# net_backward


def net_backward(dlogits, caches):
    """Return the list [(dW1, db1), (dW2, db2), …], the first layer first."""
    gradients = []
    da = dlogits
    for affine_cache, z in reversed(caches):
        dz = da if z is None else da * (z > 0)
        da, dW, db = affine_backward(dz, affine_cache)
        gradients.insert(0, (dW, db))
    return gradients


def _net_backward_cases():
    made = []
    for i, (name, x, params) in enumerate(_nets()):
        logits, caches = net_forward(x, params)
        dlogits = np.random.default_rng(i).integers(-3, 4, logits.shape).astype(float)
        made.append(Case(name, dlogits, caches, forward=(x, params)))
    return made


NET_BACKWARD = Exercise(
    answer=net_backward,
    elsewhere="nn_helpers.ClassificationNet.backward does the same; it also adds the gradient of L2.",
    lesson=LESSON,
    section="Any number of layers",
    returns=("gradients",),
    partner="net_forward",
    cases=_net_backward_cases,
    then="All gradients of a network of any depth, from one walk back.",
)


# he_init


def he_init(sizes, rng):
    """Return a list of (W, b): W normal with standard deviation √(2/D), b zero."""
    params = []
    for i in range(len(sizes) - 1):
        D, M = sizes[i], sizes[i + 1]
        W = rng.standard_normal((D, M)) * np.sqrt(2 / D)
        b = np.zeros(M)
        params.append((W, b))
    return params


def _he_init_cases():
    return [
        Case("two layers", [50, 400, 50], np.random.default_rng(3)),
        Case("one layer", [150, 100], np.random.default_rng(4)),
        Case("three layers", [200, 150, 150, 200], np.random.default_rng(5)),
    ]


def _weights_and_biases(f, sizes, rng):
    """Describe random weights by what is known of them, and return the biases as they are."""
    start = copy.deepcopy(rng)
    params, second, again = f(sizes, rng), f(sizes, rng), f(sizes, start)
    for made in (params, second, again):
        _expect_layers(made, sizes)
    weights = [W for W, _ in params]
    scaled = [np.abs(W / (W.std() or 1.0)).round(6).ravel() for W in weights]  # a sign makes no other draw
    return {
        "shape of W": [W.shape for W in weights],
        "standard deviation of W": [W.std() for W in weights],
        "share of positive numbers in W": [np.mean(W > 0) for W in weights],
        "share of numbers in W within half a standard deviation": [np.mean(each < 0.5) for each in scaled],
        "share of numbers in W beyond two standard deviations": [np.mean(each > 2) for each in scaled],
        "share of different numbers in all W": len(np.unique(np.concatenate(scaled)))
        / sum(W.size for W in weights),
        "share of neighbours in W with the same sign": [
            np.mean((W > 0) == (np.roll(W, 1, axis) > 0)) for W in weights for axis in (0, 1)
        ],
        "b": [b for _, b in params],
        "whether each array is one of its own": _are_independent([a for pair in params for a in pair]),
        "other weights at the next call": not any(map(np.array_equal, weights, [W for W, _ in second])),
        "the same weights with the same rng": all(map(np.array_equal, weights, [W for W, _ in again])),
    }


def _are_independent(arrays):
    """Say whether all arrays can be changed, each without any other."""
    shared = any(np.shares_memory(a, b) for a, b in combinations(arrays, 2))
    return not shared and all(a.flags.writeable for a in arrays)


def _expect_layers(params, sizes):
    if not isinstance(params, list | tuple):
        raise MalformedResult("he_init returns a list with one pair (W, b) for each layer.")
    if len(params) != len(sizes) - 1:
        raise MalformedResult(
            f"There is one layer between two neighbours in sizes: {len(sizes) - 1}; you return {len(params)}."
        )
    for pair in params:
        own = pair if isinstance(pair, list | tuple) else ()
        if len(own) != 2 or not all(isinstance(a, np.ndarray) for a in own) or own[0].ndim != 2:
            raise MalformedResult("Each entry is a pair of arrays, W of shape (D, M) and b of shape (M,).")


HE_INIT = Exercise(
    answer=he_init,
    elsewhere="nn_helpers.ClassificationNet does the same when it is made; init takes other deviations.",
    lesson=LESSON,
    section="The first weights",
    observe=_weights_and_biases,
    cases=_he_init_cases,
    tolerances={
        "standard deviation of W": 0.05,
        "share of positive numbers in W": 0.1,
        "share of numbers in W within half a standard deviation": 0.1,
        "share of numbers in W beyond two standard deviations": 0.2,
        "share of different numbers in all W": 0.05,
        "share of neighbours in W with the same sign": 0.1,
    },
    sure={"own-generator": own_generator, "no-seed": own_generator},
    floats=("b",),
    then="With it a network ten layers deep begins in good health.",
)

EXERCISES = [AFFINE_FORWARD, AFFINE_BACKWARD, NET_FORWARD, NET_BACKWARD, HE_INIT]
