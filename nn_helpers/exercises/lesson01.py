"""Lesson 01: layers as pairs of functions, and how to check a gradient."""

import math

import numpy as np

from nn_helpers import gradcheck, layers
from nn_helpers.exercises.exercise import Case, Exercise, Mistake
from nn_helpers.exercises.faulty_answers import overwrite

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
        Case("an array with one axis, small and large numbers", np.array([1e-3, -1e-3, 7.0, -300.0, 3e4])),
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
    mistakes={
        "built-in-max": Mistake(
            lambda z: (max(0, z), z),
            "`max(0, z)` and `if z > 0` ask one question of the whole array, and some of its numbers say "
            "yes, others no. `np.maximum(0, z)` asks every number separately.",
        ),
        "np-max": Mistake(
            lambda z: (np.max(0, z), z),
            "`np.max` looks for the largest number inside one array, and takes the second argument for an "
            "axis. The function that compares two numbers at every place is `np.maximum`.",
            sure=lambda words, returned: bool({"max", "amax"} & words),
        ),
        "largest-of-all": Mistake(
            lambda z: (np.maximum(0, np.max(z)), z),
            "This is one number, the largest in all of z. ReLU looks at every number by itself: a has as "
            "many numbers as z.",
        ),
        "in-place": Mistake(
            overwrite(relu_forward, "z"),
            "The numbers in a are right, but z has changed too: `z[z < 0] = 0` and `out=z` write into the "
            "array that the caller still needs. Let a be a new array; `np.maximum` makes one.",
        ),
        "minimum": Mistake(
            lambda z: (np.minimum(0, z), z),
            "Yours keeps the negative numbers and replaces the positive ones by 0. ReLU does the opposite.",
        ),
        "absolute-value": Mistake(
            lambda z: (np.abs(z), z),
            "Where z is negative, a is 0. Yours turns −2 into 2: that is the absolute value |z|.",
        ),
        "step": Mistake(
            lambda z: ((z > 0).astype(z.dtype), z),
            "Yours says where z is positive, with 1 and 0. ReLU keeps the positive numbers themselves: "
            "multiply that mask by z.",
        ),
        "leaky": Mistake(
            lambda z: (np.where(z > 0, z, 0.01 * z), z),
            "Yours lets 1 % of the negative numbers through. That is leaky ReLU, a relative; ReLU itself "
            "makes them exactly 0.",
        ),
        "no-cache": Mistake(
            lambda z: np.maximum(0, z),
            "a is right. Return the cache too, since relu_backward will need z: `return a, z`.",
        ),
        "exchanged": Mistake(
            lambda z: (z, np.maximum(0, z)),
            "Both things are there, in the wrong order: first the result, then the cache, `return a, z`.",
            sure=lambda words, returned: np.array_equal(returned[1], np.maximum(0, returned[0])),
        ),
    },
    hints=(
        "ReLU keeps a number that is positive and puts 0 in the place of any other. Of the two numbers 0 and "
        "z, which one is it, always?",
        "It is the larger of 0 and z. NumPy has a function that takes two arrays, or an array and a number, "
        "and returns the larger of the two at every place. It is not `np.max`.",
        "The function is `np.maximum`; its arguments are 0 and z.",
    ),
    then="It is half of a layer: net.use(relu_forward=relu_forward) puts it to work.",
)


# relu_backward


def relu_backward(da, cache):
    """Return dz: da where z was positive, 0 elsewhere. The cache is z."""
    return da * (cache > 0)


def _backward_case(name, da, z):
    return Case(name, da, z, forward=(z,))


def _relu_backward_cases():
    rng = np.random.default_rng(2)
    normal = rng.standard_normal
    return [
        _backward_case("z on both sides of 0", np.array([[5.0, 6.0, 7.0]]), np.array([[-2.0, 0.5, 3.0]])),
        _backward_case("z = 0", np.array([[5.0, -6.0]]), np.array([[0.0, 0.0]])),
        _backward_case(
            "da of both signs", np.array([[-5.0, 6.0], [-7.0, -8.0]]), np.array([[1.0, -2.0], [3.0, -4.0]])
        ),
        _backward_case("large z", np.array([[5.0, -6.0, 7.0, 8.0]]), np.array([[-2e6, 7.0, 300.0, 2e6]])),
        _backward_case("z close to 0", np.array([[5.0, -6.0, 7.0]]), np.array([[1e-3, 1e-9, -1e-9]])),
        _backward_case("large da", np.array([[-3e4, 70.0, 2e6]]), np.array([[1.0, 2.0, -3.0]])),
        _backward_case("arrays with four axes", normal((2, 3, 3, 2)), normal((2, 3, 3, 2))),
        _backward_case("float32 numbers", *normal((2, 3, 4)).astype(np.float32)),
    ]


RELU_BACKWARD = Exercise(
    answer=relu_backward,
    library=layers.relu_backward,
    lesson=LESSON,
    section="ReLU",
    returns=("dz",),
    partner="relu_forward",
    cases=_relu_backward_cases,
    mistakes={
        "no-chain-rule": Mistake(
            lambda da, cache: (cache > 0).astype(da.dtype),
            "This is the derivative of ReLU alone, 1 or 0. By the chain rule it is multiplied by da, the "
            "derivative that comes from the layers behind.",
        ),
        "mask-from-da": Mistake(
            lambda da, cache: da * (da > 0),
            "Yours asks where da is positive. What counts is where z was positive on the way forward, and z "
            "is in the cache. da may have any sign.",
        ),
        "passes-at-zero": Mistake(
            lambda da, cache: da * (cache >= 0),
            "At z = 0 ReLU has a corner and no derivative. The lesson and the library use 0 there, so the "
            "mask is `cache > 0`, not `>=`.",
        ),
        "inverted-mask": Mistake(
            lambda da, cache: da * (cache < 0),
            "Yours lets da through where z was negative. It is the other way round: where z was negative, a "
            "stayed 0 whatever z did, so the derivative is 0 there.",
        ),
        "times-activation": Mistake(
            lambda da, cache: da * np.maximum(0, cache),
            "Yours multiplies da by ReLU's value. The chain rule multiplies it by ReLU's derivative, its "
            "slope: 1 where z > 0, and 0 elsewhere.",
        ),
        "forward-again": Mistake(
            lambda da, cache: np.maximum(0, cache),
            "This is ReLU of z once more, and da plays no part in it. The backward pass takes da and lets it "
            "through where z was positive.",
        ),
        "sign-of-z": Mistake(
            lambda da, cache: da * np.sign(cache),
            "`np.sign` is −1 for negative numbers. That is the slope of |z|; ReLU's slope there is 0.",
        ),
        "lets-everything-through": Mistake(
            lambda da, cache: da.copy(),
            "Yours returns da as it came. Where z was negative ReLU let nothing through on the way forward, "
            "so nothing comes back there: dz is 0.",
        ),
        "da-in-place": Mistake(
            overwrite(relu_backward, "da"),
            "dz is right, but da has changed too: `da[mask] = 0` and `da *= mask` write into the caller's "
            "array. A multiplication, `da * mask`, makes a new one.",
        ),
        "cache-in-place": Mistake(
            overwrite(relu_backward, "cache", lambda da, cache: cache > 0),
            "dz is right, but the cache has been overwritten: whoever needs z once more gets other numbers. "
            "Keep the mask in an array of its own, `mask = cache > 0`.",
        ),
    },
    hints=(
        "Where z was positive, a = z, and a change of z changes a by as much: the slope is 1. What is the "
        "slope where z was negative?",
        "The slope is 1 where z > 0 and 0 elsewhere. The chain rule: dz is da times the slope, number by "
        "number.",
        "`cache > 0` is True or False at every place, and in a product True counts as 1 and False as 0.",
    ),
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


def _as_both(a):
    """Return a as result and as cache."""
    return a, a


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


SIGMOID_FORWARD = Exercise(
    answer=sigmoid_forward,
    library=layers.sigmoid_forward,
    lesson=LESSON,
    section="Sigmoid",
    returns=("a", "cache"),
    partner="sigmoid_backward",
    cases=_sigmoid_forward_cases,
    mistakes={
        "overflow": Mistake(
            lambda z: _as_both(np.exp(z) / (1 + np.exp(z))),
            "The formula eᶻ / (1 + eᶻ) is right on paper, but e¹⁰⁰⁰ is infinite in the computer, and ∞/∞ "
            "is NaN. Divide both by eᶻ: 1 / (1 + e⁻ᶻ) has only one exponential, and 1/∞ is 0, as it should "
            "be.",
        ),
        "sign-of-exponent": Mistake(
            lambda z: _as_both(1 / (1 + np.exp(z))),
            "Yours falls from 1 to 0 as z grows; the sigmoid rises from 0 to 1. The exponent is −z.",
        ),
        "brackets": Mistake(
            lambda z: _as_both(1 / 1 + np.exp(-z)),
            "A division is done before an addition, so `1 / 1 + np.exp(-z)` is 1 + e⁻ᶻ. Put brackets round "
            "the denominator: 1 / (1 + …).",
        ),
        "minus-in-denominator": Mistake(
            lambda z: _as_both(1 / (1 - np.exp(-z))),
            "The denominator is 1 + e⁻ᶻ. With a minus it is 0 at z = 0.",
        ),
        "tanh": Mistake(
            lambda z: _as_both(np.tanh(z)),
            "This is tanh, which lies between −1 and 1. The sigmoid lies between 0 and 1, and is ½ at z = 0.",
        ),
        "softmax": Mistake(
            lambda z: _as_both(np.exp(z) / np.sum(np.exp(z))),
            "Yours divides by a sum over the array: that is softmax, where the numbers compete. The sigmoid "
            "looks at every number by itself.",
        ),
        "softmax-of-rows": Mistake(
            lambda z: _as_both(np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)),
            "Yours divides by the sum of each row: that is softmax, where the numbers of a row compete. The "
            "sigmoid looks at every number by itself.",
        ),
        "derivative": Mistake(
            lambda z: _as_both(_sigmoid(z) * (1 - _sigmoid(z))),
            "This is a · (1 − a), the sigmoid's derivative. It belongs into sigmoid_backward; the forward "
            "pass returns a itself.",
        ),
        "math-exp": Mistake(
            lambda z: _as_both(1 / (1 + math.exp(-z))),
            "`math.exp` takes a single number. `np.exp` takes an array, and exponentiates each number in it.",
            sure=lambda words, returned: "math" in words or not {"np", "numpy", "float"} & words,
        ),
        "z-in-cache": Mistake(
            lambda z: (_sigmoid(z), z),
            "a is right. But the cache is z, and sigmoid_backward will take it for a: its derivative a · "
            "(1 − a) needs a only, and no new exponential. `return a, a`",
        ),
        "no-cache": Mistake(
            lambda z: _sigmoid(z),
            "a is right. Return the cache too, the same a once more for sigmoid_backward: `return a, a`.",
        ),
    },
    hints=(
        "Write the formula 1 / (1 + e⁻ᶻ) down as it stands. The exponential of every number in an array is "
        "`np.exp`.",
        "Mind the brackets: the whole sum 1 + e⁻ᶻ is the denominator. And the exponent has a minus.",
        "`1 / (1 + np.exp(-z))`; return it twice, as result and as cache.",
    ),
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
        case("a = ½ and its neighbours", np.array([[1.0, 1.0, 1.0]]), np.array([[0.0, 1.0, -1.0]])),
        case("da of both signs", np.array([[2.0, -3.0], [-0.5, 4.0]]), np.array([[0.5, -2.0], [1.5, -1.0]])),
        case("a = 0 and a = 1", np.array([[5.0, -5.0]]), np.array([[1000.0, -1000.0]])),
        case("large da", np.array([[-3e4, 70.0, 2e6]]), np.array([[1.0, 2.0, -3.0]])),
        case("arrays with four axes", normal((2, 3, 2, 2)), normal((2, 3, 2, 2))),
        case("float32 numbers", *normal((2, 3, 4)).astype(np.float32)),
    ]


SIGMOID_BACKWARD = Exercise(
    answer=sigmoid_backward,
    library=layers.sigmoid_backward,
    lesson=LESSON,
    section="Sigmoid",
    returns=("dz",),
    partner="sigmoid_forward",
    cases=_sigmoid_backward_cases,
    mistakes={
        "no-chain-rule": Mistake(
            lambda da, cache: cache * (1 - cache),
            "This is the sigmoid's own derivative, a · (1 − a). By the chain rule it is multiplied by da, "
            "the derivative that comes from the layers behind.",
        ),
        "sigmoid-twice": Mistake(
            lambda da, cache: da * _sigmoid(cache) * (1 - _sigmoid(cache)),
            "The cache holds a already, the sigmoid of z. Yours takes the sigmoid of it once more.",
        ),
        "no-one-minus-a": Mistake(
            lambda da, cache: da * cache,
            "The derivative is a · (1 − a), and the second factor is missing. Where a is close to 1 the "
            "sigmoid is flat, and dz has to be close to 0.",
        ),
        "no-a": Mistake(
            lambda da, cache: da * (1 - cache),
            "The derivative is a · (1 − a), and the first factor is missing. Where a is close to 0 the "
            "sigmoid is flat, and dz has to be close to 0.",
        ),
        "derivative-of-tanh": Mistake(
            lambda da, cache: da * (1 - cache**2),
            "1 − a² is the derivative of tanh. The sigmoid's is a · (1 − a), which is a − a².",
        ),
        "brackets": Mistake(
            lambda da, cache: da * cache * 1 - cache,
            "A product is done before a difference, so `da * a * 1 - a` subtracts a at the end. Put brackets "
            "round the difference: (1 − a).",
        ),
        "plus": Mistake(
            lambda da, cache: da * cache * (1 + cache),
            "The second factor is 1 − a, with a minus.",
        ),
        "order-of-difference": Mistake(
            lambda da, cache: da * cache * (cache - 1),
            "Yours has a − 1 where 1 − a belongs, so every sign is wrong. The sigmoid rises everywhere, so "
            "dz has the sign of da.",
        ),
        "divides": Mistake(
            lambda da, cache: da / (cache * (1 - cache)),
            "The chain rule multiplies by the derivative a · (1 − a). Yours divides by it, which explodes "
            "where the sigmoid is flat.",
        ),
        "cache-in-place": Mistake(
            overwrite(sigmoid_backward, "cache", lambda da, cache: cache * (1 - cache)),
            "dz is right, but the cache has been overwritten, so a second call would give another result. "
            "`cache * (1 - cache)` makes a new array, `cache *= …` does not.",
        ),
        "da-in-place": Mistake(
            overwrite(sigmoid_backward, "da"),
            "dz is right, but da has changed too: `da *= …` writes into the caller's array. `da * …` makes "
            "a new one.",
        ),
    },
    hints=(
        "The sigmoid has a derivative that needs nothing but its own value a. The lesson works it out.",
        "The derivative is a · (1 − a). The chain rule: dz is da times it, number by number.",
        "The cache is a: da times cache times (1 − cache).",
    ),
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
    """f(x) = ½ Σ x²"""  # noqa: D400 - the learner sees it
    return 0.5 * np.sum(x**2)


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
        Case("a single number", _squares, np.array([30.0])),
    ]


def _differences(quotient=lambda above, here, below, h: (above - below) / (2 * h), own_h=None, put_back=True):
    """Return a numerical gradient with another quotient, a step of its own, or numbers that stay moved."""

    def wrong(f, x, h=1e-5):
        h, result = own_h or h, np.zeros_like(x)
        for index in np.ndindex(x.shape):
            kept, values = x[index], []
            for step in (h, 0, -h):
                x[index] = kept + step
                values.append(f(x))
            result[index] = quotient(*values, h)
            if put_back:
                x[index] = kept
        return result

    return wrong


def _drifting(f, x, h=1e-5):
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        below = f(x)
        x[index] += h
        result[index] = (above - below) / (2 * h)
    return result


def _without_copy(f, x, h=1e-5):
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        above, below = x, x
        above[index] += h
        below[index] -= h
        result[index] = (f(above) - f(below)) / (2 * h)
    return result


def _row_by_row(f, x, h=1e-5):
    result = np.zeros_like(x)
    for i in range(len(x)):
        step = np.zeros_like(x)
        step[i] = h
        result[i] = (f(x + step) - f(x - step)) / (2 * h)
    return result


NUMERICAL_GRADIENT = Exercise(
    answer=numerical_gradient,
    library=gradcheck.numerical_gradient,
    lesson=LESSON,
    section="Gradient checking",
    returns=("gradient",),
    cases=_numerical_gradient_cases,
    mistakes={
        "forward-difference": Mistake(
            _differences(lambda above, here, below, h: (above - here) / h),
            "This is the forward difference, (f(x + h) − f(x)) / h. Its error shrinks with h; that of the "
            "central difference, (f(x + h) − f(x − h)) / 2h, shrinks with h², and you will need these "
            "digits.",
        ),
        "backward-difference": Mistake(
            _differences(lambda above, here, below, h: (here - below) / h),
            "This is the backward difference, (f(x) − f(x − h)) / h. Its error shrinks with h; that of the "
            "central difference, (f(x + h) − f(x − h)) / 2h, shrinks with h².",
        ),
        "divides-by-h": Mistake(
            _differences(lambda above, here, below, h: (above - below) / h),
            "From x − h to x + h it is 2h, and yours divides by h: the gradient is twice too large.",
        ),
        "times-h-over-2": Mistake(
            _differences(lambda above, here, below, h: (above - below) / 2 * h),
            "`/ 2 * h` divides by 2 and then multiplies by h. Put the whole denominator in brackets: `/ (2 "
            "* h)`.",
        ),
        "brackets": Mistake(
            _differences(lambda above, here, below, h: above - below / (2 * h)),
            "A division is done before a subtraction, so only f(x − h) is divided. Put brackets round the "
            "difference.",
        ),
        "order-of-difference": Mistake(
            _differences(lambda above, here, below, h: (below - above) / (2 * h)),
            "Yours subtracts the value above from the value below, so every sign is wrong: f(x + h) comes "
            "first.",
        ),
        "own-h": Mistake(
            _differences(own_h=1e-5),
            "Yours takes a step of its own, whatever the argument h says. Use h in all three places.",
        ),
        "not-put-back": Mistake(
            _differences(put_back=False),
            "After a number of x has had its turn it stays moved, so the next derivatives are taken "
            "somewhere else, and the caller's x has changed. Keep the number before you move it, and put "
            "it back.",
        ),
        "drifting": Mistake(
            _drifting,
            "The gradient is right, but x comes back changed in its last digits: in floating point "
            "x + h − 2h + h need not be x. Keep the number before you move it, and put it back.",
        ),
        "without-copy": Mistake(
            _without_copy,
            "`above = x` makes no copy: it gives the same array a second name, so both values come from "
            "one point and their difference is 0. Write `x.copy()`, or move the number in x and put it "
            "back.",
        ),
        "all-at-once": Mistake(
            lambda f, x, h=1e-5: (f(x + h) - f(x - h)) / (2 * h),
            "`x + h` moves all numbers in x at once, so this is a single number, the sum of the gradient. "
            "The gradient has one entry for each number: move them one at a time.",
        ),
        "row-by-row": Mistake(
            _row_by_row,
            "A loop over `range(len(x))` goes through the first axis only, and `x[i]` is a whole row of a "
            "matrix. `np.ndindex(x.shape)` goes through every single number.",
        ),
    },
    hints=(
        "Take one number of x at a time. Move it up by h and ask f; move it down by h and ask f; then put "
        "it back.",
        "`for index in np.ndindex(x.shape)` visits every number, whatever the shape; `x[index]` reads and "
        "writes it. Keep the old number in a variable.",
        "The entry of the gradient is (above − below) / (2 · h), where above and below are what f returned.",
    ),
    then="Now any backward pass of yours can be checked against it.",
)


EXERCISES = [RELU_FORWARD, RELU_BACKWARD, SIGMOID_FORWARD, SIGMOID_BACKWARD, NUMERICAL_GRADIENT]
