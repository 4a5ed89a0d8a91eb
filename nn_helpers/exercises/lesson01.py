"""Lesson 01: layers as pairs of functions, and how to check a gradient."""

import numpy as np

from nn_helpers import gradcheck, layers
from nn_helpers.exercises.exercise import Case, Exercise

LESSON = "01_layers_and_relu"


# relu_forward


def relu_forward(z):
    """Return a = max(0, z), with z's shape and dtype, and the cache that relu_backward will need: z."""
    a = np.maximum(0, z)
    return a, z


def _relu_forward_cases():
    rng = np.random.default_rng(1)
    return [
        Case("numbers on both sides of 0", np.array([[-2.0, 0.0, 3.0]])),
        Case("numbers between −1 and 1", np.array([[0.25, -0.5], [-0.125, 0.75]])),
        Case("negative numbers only", np.array([[-1.0, -4.0], [-0.5, -3.0]])),
        Case("an array with one axis, small and large numbers", np.array([1e-3, -1e-3, 7.0, -300.0, 3e12])),
        Case("an array with four axes", rng.standard_normal((2, 3, 3, 2))),
        Case("float32 numbers", rng.standard_normal((3, 4)).astype(np.float32)),
    ]


RELU_FORWARD = Exercise(
    answer=relu_forward,
    library=layers.relu_forward,
    lesson=LESSON,
    section="ReLU",
    returns=("a", "cache"),
    partner="relu_backward",
    cases=_relu_forward_cases,
    tolerances={"a": 1e-7},
    sure={
        "np-max": lambda words, returned: bool({"max", "amax"} & words),
        "exchanged": lambda words, returned: np.array_equal(returned[1], np.maximum(0, returned[0])),
    },
    then="It is half of a layer: net.use(relu_forward=relu_forward) puts it to work.",
)


# relu_backward


def relu_backward(da, cache):
    """Return dz: da where z was positive, 0 elsewhere. The cache is z."""
    return da * (cache > 0)


def _relu_backward_cases():
    rng = np.random.default_rng(2)

    def case(name, da, z):
        return Case(name, da, z, forward=(z,))

    normal = rng.standard_normal
    return [
        case("z on both sides of 0", np.array([[5.0, 6.0, 7.0]]), np.array([[-2.0, 0.5, 3.0]])),
        case("z = 0", np.array([[5.0, -6.0, 7.0, 8.0]]), np.array([[0.0, 0.0, 0.5, -3.0]])),
        case("da of both signs", np.array([[-5.0, 6.0], [-7.0, -8.0]]), np.array([[1.0, -2.0], [3.0, -4.0]])),
        case("large z", np.array([[5.0, -6.0, 7.0, 8.0]]), np.array([[-2e6, 7.0, 300.0, 2e6]])),
        case("z close to 0", np.array([[5.0, -6.0, 7.0]]), np.array([[1e-3, 1e-9, -1e-9]])),
        case("large da", np.array([[-3e4, 70.0, 2e6]]), np.array([[1.0, 2.0, -3.0]])),
        case("arrays with four axes", normal((2, 3, 3, 2)), normal((2, 3, 3, 2))),
    ]


RELU_BACKWARD = Exercise(
    answer=relu_backward,
    library=layers.relu_backward,
    lesson=LESSON,
    section="ReLU",
    returns=("dz",),
    partner="relu_forward",
    cases=_relu_backward_cases,
    tolerances={"dz": 1e-7},
    then="With relu_forward it makes a pair: a gradient can travel back through your layer.",
)


# sigmoid_forward


def sigmoid_forward(z):
    """Return a = 1 / (1 + e⁻ᶻ), with z's shape and dtype, and the cache for sigmoid_backward: a."""
    with np.errstate(over="ignore"):  # e¹⁰⁰⁰ is inf, and 1 / (1 + inf) is 0, as it should be
        a = 1 / (1 + np.exp(-z))
    return a, a


def _sigmoid_forward_cases():
    rng = np.random.default_rng(3)
    return [
        Case("z = 0 and its neighbours", np.array([[0.0, 1.0, -1.0]])),
        Case("several examples", np.array([[0.5, -2.0], [3.0, -0.25], [-1.0, 1.5]])),
        Case("z around ±20", np.array([[20.0, -20.0], [18.0, -22.0]])),
        Case("z = ±1000", np.array([[1000.0, -1000.0]])),
        Case("an array with one axis", np.array([-0.5, 0.25, 2.0])),
        Case("an array with four axes", rng.standard_normal((2, 3, 2, 2))),
        Case("float32 numbers", (4 * rng.standard_normal((3, 4))).astype(np.float32)),
        Case("z = ±200 in float32", np.array([[200.0, -200.0]], np.float32)),
    ]


SIGMOID_FORWARD = Exercise(
    answer=sigmoid_forward,
    library=layers.sigmoid_forward,
    lesson=LESSON,
    section="Sigmoid",
    returns=("a", "cache"),
    partner="sigmoid_backward",
    cases=_sigmoid_forward_cases,
    sure={"math-exp": lambda words, returned: "math" in words or not {"np", "numpy", "float"} & words},
    then="Try it on large numbers: no NaN, even at ±1000.",
)


# sigmoid_backward


def sigmoid_backward(da, cache):
    """Return dz = da · a · (1 − a). The cache is a."""
    return da * cache * (1 - cache)


def _sigmoid_backward_cases():
    rng = np.random.default_rng(4)

    def case(name, da, z):
        return Case(name, da, sigmoid_forward(z)[1], forward=(z,))

    normal = rng.standard_normal
    return [
        case("a = ½ and its neighbours", np.array([[2.0, 2.0, 2.0]]), np.array([[0.0, 1.0, -1.0]])),
        case("da of both signs", np.array([[2.0, -3.0], [-0.5, 4.0]]), np.array([[0.5, -2.0], [1.5, -1.0]])),
        case("a = 0, a = 1 and a = ½", np.array([[5.0, -5.0, 2.0]]), np.array([[-1000.0, 1000.0, 0.0]])),
        case("large da", np.array([[-3e4, 70.0, 2e6]]), np.array([[1.0, 2.0, -3.0]])),
        case("arrays with four axes", normal((2, 3, 2, 2)), normal((2, 3, 2, 2))),
    ]


SIGMOID_BACKWARD = Exercise(
    answer=sigmoid_backward,
    library=layers.sigmoid_backward,
    lesson=LESSON,
    section="Sigmoid",
    returns=("dz",),
    partner="sigmoid_forward",
    cases=_sigmoid_backward_cases,
    then="With sigmoid_forward it makes a second pair: swap it for ReLU and see what training says.",
)


# numerical_gradient


def numerical_gradient(f, x, h=1e-5):
    """Return the gradient of f at x by central differences, an array shaped like x."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept - h
        below = f(x)
        x[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def _squares(x):
    """f(x) = ½ Σ (x + 1)²"""  # noqa: D400 - the learner sees it; no symmetry that would hide a sign
    return 0.5 * np.sum((x + 1) ** 2)


def _plane(x):
    """f(x) = x₀ + 2 x₁ + 3 x₂ + …, in the order of x.ravel()"""  # noqa: D400
    return np.sum(np.arange(1, x.size + 1) * x.ravel())


def _cubes(x):
    """f(x) = Σ x³"""  # noqa: D400
    return np.sum(x**3)


def _fifth_powers(x):
    """f(x) = Σ x⁵"""  # noqa: D400
    return np.sum(x**5)


def _product(x):
    """f(x) = the product of all numbers in x"""  # noqa: D400
    return np.prod(x)


def _layer(W):
    """f(W) = Σ tanh(x W), with a fixed x of shape (2, 3)"""  # noqa: D400
    return np.sum(np.tanh(np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]]) @ W))


def _numerical_gradient_cases():
    rng = np.random.default_rng(5)
    return [
        Case("a parabola", _squares, np.array([1.0, -2.0, 3.0])),
        Case("a plane over a matrix", _plane, np.array([[0.1, 0.2], [0.3, 0.4]])),
        Case("a product", _product, np.array([1.0, 2.0, -0.5])),
        Case("cubes", _cubes, np.array([0.3, -0.7])),
        Case("cubes with a wide step", _cubes, np.array([0.3, -0.7]), 0.1),
        Case("fifth powers with a wide step", _fifth_powers, np.array([1.5, -2.0]), 0.1),
        Case("the weights of a layer", _layer, rng.standard_normal((3, 2))),
        Case("an array with three axes", _squares, rng.standard_normal((2, 2, 3))),
        Case("a transposed array", _squares, np.arange(6.0).reshape(2, 3).T),
        Case("a single number", _squares, np.array([30.0])),
        Case("a transposed matrix", _squares, rng.standard_normal((2, 3)).T),
    ]


NUMERICAL_GRADIENT = Exercise(
    answer=numerical_gradient,
    library=gradcheck.numerical_gradient,
    lesson=LESSON,
    section="Gradient checking",
    returns=("gradient",),
    cases=_numerical_gradient_cases,
    then="Now any backward pass of yours can be checked against it.",
)


EXERCISES = [RELU_FORWARD, RELU_BACKWARD, SIGMOID_FORWARD, SIGMOID_BACKWARD, NUMERICAL_GRADIENT]
