"""Lesson 09: a tape that finds derivatives by itself, and momentum as PyTorch has it."""

import numpy as np

from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, rebinds
from nn_helpers.exercises.lesson02 import affine_backward, affine_forward

LESSON = "09_pytorch"


# What is recorded in the cases: forward passes with a cache, and their backward passes


def _product(a, b):
    return a * b, (a, b)


def _product_backward(dc, cache):
    a, b = cache
    return dc * b, dc * a


def _total(a, b):
    return a + b, None


def _total_backward(dc, cache):
    return dc, dc


def _sum(a):
    return a.sum(), np.shape(a)


def _sum_backward(ds, cache):
    return (ds * np.ones(cache),)


PRODUCT, TOTAL, SUM = (_product, _product_backward), (_total, _total_backward), (_sum, _sum_backward)
AFFINE = affine_forward, affine_backward


# record

LINE = "out", "backward", "cache", "inputs"


def record(tape, values, out, forward, backward, inputs):
    """Compute values[out] from the inputs' values, and put on the tape how to get back from it."""
    arguments = [values[name] for name in inputs]
    values[out], cache = forward(*arguments)
    tape.append((out, backward, cache, inputs))


def _observe_record(f, tape, values, out, *rest):
    before = len(tape)
    f(tape, values, out, *rest)
    last = tape[-1] if tape else (None,) * 4
    if not isinstance(last, tuple) or len(last) != 4:
        raise MalformedResult("A line of the tape is a tuple of four: (out, backward, cache, inputs).")
    line = {f"{name} on the tape": part for name, part in zip(LINE, last, strict=True)}
    added = len(tape) - before
    return {
        "values[out]": values.get(out),
        "the number of lines added": added,
        **line,
        "values": sorted(values),
    }


def _record_cases():
    line = "c", _product_backward, (3.0, 4.0), ("a", "b")
    three = {"a": 3.0, "b": 4.0, "c": 12.0}
    x, W, b = np.array([[1.0, 2.0]]), np.array([[3.0, -1.0], [4.0, 0.0]]), np.array([5.0, 6.0])
    return [
        Case("a product", [], {"a": 3.0, "b": 4.0}, "c", *PRODUCT, ("a", "b")),
        Case("a second line", [line], three, "d", *TOTAL, ("c", "a")),
        Case("one input", [line], {**three, "v": np.array([1.0, 2.0])}, "s", *SUM, ("v",)),
        Case("one value twice", [], {"a": 3.0}, "d", *PRODUCT, ("a", "a")),
        Case("an affine layer", [line, line], {"x": x, "W": W, "b": b}, "z", *AFFINE, ("x", "W", "b")),
    ]


RECORD = Exercise(
    answer=record,
    lesson=LESSON,
    section="A tape",
    observe=_observe_record,
    in_place=("tape", "values"),
    cases=_record_cases,
    then="Forwards, everything is on the tape. Now the way back.",
)


# walk_back


def walk_back(tape):
    """Return, by name, the derivative of the tape's last value with respect to each value on it."""
    gradients = {tape[-1][0]: 1.0}
    for out, backward, cache, inputs in reversed(tape):
        for name, gradient in zip(inputs, backward(gradients[out], cache), strict=True):
            gradients[name] = gradients.get(name, 0) + gradient
    return gradients


NAMES = "L", "p", "q", "r", "a", "b", "c", "x", "W"  # of all values in the cases


def _observe_walk_back(f, tape):
    gradients = f(tape)
    if not isinstance(gradients, dict):
        raise MalformedResult(
            f"walk_back returns a dict, derivatives by name; yours is {a_kind_of(gradients)}."
        )
    others = [name for name in gradients if name not in NAMES]
    return {**{f"gradients[{name!r}]": gradients.get(name) for name in NAMES}, "others": others}


def _tape(*lines, **values):
    """Return the tape of a calculation with these values."""
    tape = []
    for out, operation, *inputs in lines:
        record(tape, values, out, *operation, tuple(inputs))
    return tape


def _walk_back_cases():
    rng = np.random.default_rng(90)
    vectors = {"a": np.array([2.0, -1.0]), "b": np.array([0.5, 3.0])}
    layer = {"x": rng.integers(-3, 4, (2, 3)) / 2, "W": rng.integers(-3, 4, (3, 2)) / 2, "b": np.ones(2)}
    p = "p", PRODUCT, "a", "b"
    added = ("p", TOTAL, "a", "b"), ("q", TOTAL, "p", "a"), ("r", TOTAL, "q", "p"), ("L", SUM, "r")
    return [
        Case("a product", _tape(("L", PRODUCT, "a", "b"), a=3.0, b=4.0)),
        Case("a product of three", _tape(p, ("L", PRODUCT, "p", "c"), a=3.0, b=4.0, c=5.0)),
        Case("a value that is used twice", _tape(p, ("L", TOTAL, "p", "a"), a=3.0, b=4.0)),
        Case("three lines", _tape(p, ("q", PRODUCT, "p", "b"), ("L", PRODUCT, "q", "p"), a=3.0, b=4.0)),
        Case("a square", _tape(("L", PRODUCT, "a", "a"), a=3.0)),
        Case("arrays that are added", _tape(*added, **vectors)),
        Case("an affine layer", _tape(("p", AFFINE, "x", "W", "b"), ("L", SUM, "p"), **layer)),
    ]


WALK_BACK = Exercise(
    answer=walk_back,
    lesson=LESSON,
    section="The way back",
    observe=_observe_walk_back,
    cases=_walk_back_cases,
    then="It works for everything that can be recorded: no network has to be walked by hand again.",
)


# pytorch_momentum_step


def pytorch_momentum_step(theta, gradient, v, lr, beta):
    """Change v and theta in place, as PyTorch does: v ← βv + g, then θ ← θ − αv."""
    v *= beta
    v += gradient
    theta -= lr * v


def _pytorch_momentum_step_cases():
    rng = np.random.default_rng(91)
    theta, gradient, v = np.array([1.0, 2.0]), np.array([0.5, -4.0]), np.array([0.25, -0.5])
    single, matrices = np.float32, rng.standard_normal((3, 3, 4)).transpose(0, 2, 1)
    return [
        Case("two parameters that move already", theta, gradient, v, 0.2, 0.9),
        Case("the first step, v = 0", theta, gradient, np.zeros(2), 0.2, 0.9),
        Case("a gradient of 0 in one place", theta, np.array([0.0, -4.0]), v, 0.2, 0.9),
        Case("β = 0", theta, gradient, v, 0.2, 0.0),
        Case("β = 1", theta, gradient, v, 0.2, 1.0),
        Case("large numbers", 3e4 * theta, 1e6 * gradient, 1e5 * v, 0.2, 0.9),
        Case("a transposed matrix", *matrices, 0.05, 0.8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), np.ones(5, single), 0.05, 0.8),
    ]


PYTORCH_MOMENTUM_STEP = Exercise(
    answer=pytorch_momentum_step,
    lesson=LESSON,
    section="The same words, other formulas",
    in_place=("theta", "v"),
    cases=_pytorch_momentum_step_cases,
    sure=rebinds(v_rebound=2, theta_rebound=0, nothing_changes=0),
    then="In the next cell it trains, beside that of lesson 04.",
)

EXERCISES = [RECORD, WALK_BACK, PYTORCH_MOMENTUM_STEP]
