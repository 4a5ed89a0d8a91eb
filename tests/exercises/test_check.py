"""What `check` says to right answers and to what is no answer, and how its text looks."""

import functools
import textwrap
import warnings
from collections import Counter

import numpy as np
import pytest
from handed_in import Result, notebook, relu, relu_with_where
from IPython.lib.pretty import pretty

import nn_helpers
from nn_helpers import ClassificationNet
from nn_helpers.exercises import check, hint, solution, yours_or_ours
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.support import record

# Right answers in other words


def relu_with_product(z):
    return z * (z > 0), z


def relu_with_absolute_value(z):
    return (np.abs(z) + z) / 2, z


def relu_on_a_copy(z):
    a = z.copy()
    a[a < 0] = 0
    return a, z


def relu_in_a_comprehension(z):
    return np.array([max(0, number) for number in z.ravel()], dtype=z.dtype).reshape(z.shape), z


def relu_in_a_loop(z):
    a = np.zeros_like(z)
    for index in np.ndindex(z.shape):
        if z[index] > 0:
            a[index] = z[index]
    return a, z


def relu_by_recursion(z):
    if z.ndim > 1:
        return np.array([relu_by_recursion(row)[0] for row in z]), z
    return np.array([number if number > 0 else 0 for number in z], dtype=z.dtype), z


def larger(a, b):
    return np.where(a > b, a, b)


def relu_with_a_helper(z):
    return larger(z, 0), z


def relu_with_a_default(z, threshold=0):
    return np.maximum(threshold, z), z


def relu_with_annotations(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(0, z), z


def relu_with_an_ellipsis(z):
    a = z[..., :].copy()
    a[...] = np.maximum(0, z[...])
    return a, z


def relu_that_caches_a(z):
    a = np.maximum(0, z)
    return a, a


def relu_that_caches_a_mask(z):
    return np.maximum(0, z), z > 0


def relu_that_returns_a_named_tuple(z):
    return Result(np.maximum(0, z), cache=z)


def relu_that_warns(z):
    np.log(z - 1e9)
    warnings.warn("a warning of mine", stacklevel=1)
    return np.maximum(0, z), z


BUFFER = np.empty((8, 8))


def relu_into_a_buffer(z):
    out = BUFFER[: z.shape[0], : z.shape[1]] if z.ndim == 2 and z.dtype == float else None
    return np.maximum(z, 0, out=out), z


class Layer:
    def forward(self, z):
        return np.maximum(0, z), z

    def __call__(self, z):
        return self.forward(z)


RIGHT = [
    relu_with_where,
    relu_with_product,
    relu_with_absolute_value,
    relu_on_a_copy,
    relu_in_a_comprehension,
    relu_in_a_loop,
    relu_by_recursion,
    relu_with_a_helper,
    relu_with_a_default,
    relu_with_annotations,
    relu_with_an_ellipsis,
    relu_that_caches_a,
    relu_that_caches_a_mask,
    relu_that_returns_a_named_tuple,
    relu_that_warns,
    relu_into_a_buffer,
    lambda z: (np.maximum(0, z), z),
    Layer().forward,
    Layer(),
    functools.partial(relu_with_a_default, threshold=0),
    functools.wraps(relu_with_where)(lambda *args: relu_with_where(*args)),
    np.vectorize(lambda number: max(0, number), otypes=[float]),
]


@pytest.mark.parametrize("f", RIGHT[:-1], ids=lambda f: getattr(f, "__name__", type(f).__name__))
def test_a_right_answer_in_other_words_is_right(f):
    assert check(f, "relu_forward"), check(f, "relu_forward")


SIGMOIDS = [
    lambda z: 1 / (1 + np.exp(-z)),
    lambda z: (1 + np.tanh(z / 2)) / 2,
    lambda z: np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), 1 - 1 / (1 + np.exp(-np.abs(z)))),
    lambda z: 1 / (1 + np.exp(-np.clip(z, -80, 80))),
    lambda z: np.exp(-np.logaddexp(0, -z)),
]


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
def test_every_stable_sigmoid_is_right(sigmoid):
    verdict = check(lambda z: (sigmoid(z), sigmoid(z)), "sigmoid_forward")
    assert verdict, verdict


def gradient_on_copies(f, x, h=1e-5):
    gradient = np.empty(x.size)
    for i in range(x.size):
        above, below = x.copy().ravel(), x.copy().ravel()
        above[i] += h
        below[i] -= h
        gradient[i] = (f(above.reshape(x.shape)) - f(below.reshape(x.shape))) / (2 * h)
    return gradient.reshape(x.shape)


def gradient_with_nditer(f, x, h=1e-5):
    gradient = np.zeros_like(x)
    numbers = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not numbers.finished:
        at = numbers.multi_index
        kept = float(x[at])
        x[at] = kept + h
        above = f(x)
        x[at] = kept - h
        below = f(x)
        x[at] = kept
        gradient[at] = (above - below) / h / 2
        numbers.iternext()
    return gradient


def gradient_with_unit_steps(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps]).reshape(x.shape)


@pytest.mark.parametrize("f", [gradient_on_copies, gradient_with_nditer, gradient_with_unit_steps])
def test_every_central_difference_is_right(f):
    assert check(f, "numerical_gradient"), check(f, "numerical_gradient")


# Pairs with a cache of their own


PAIR = notebook(
    """
    def relu_forward(z):
        return np.maximum(0, z), {"mask": z > 0}

    def relu_backward(da, cache):
        return da * cache["mask"]
    """
)


def test_a_cache_of_another_kind_is_right_when_the_own_backward_pass_reads_it():
    for name in ("relu_forward", "relu_backward"):
        verdict = check(PAIR[name])
        assert verdict, verdict
        assert "use the two together" in " ".join(str(verdict).split())


def test_a_pair_with_a_cache_of_its_own_trains_a_network():
    functions = {name: yours_or_ours(PAIR[name]) for name in ("relu_forward", "relu_backward")}
    net, own = (ClassificationNet(4, [5], 3, dtype=np.float64) for _ in range(2))
    own.use(**functions)
    x = np.random.default_rng(0).standard_normal((6, 4))
    for network in (net, own):
        network.backward(network.forward(x))
    np.testing.assert_allclose(own.gradient, net.gradient)


def test_a_cache_of_another_kind_is_a_mistake_without_a_backward_pass_that_reads_it():
    forward = notebook("def relu_forward(z):\n    return np.maximum(0, z), {'mask': z > 0}")["relu_forward"]
    verdict = check(forward)
    assert not verdict
    assert "a is right, but the cache is not what relu_backward needs" in str(verdict)
    assert "relu_backward raises TypeError" in str(verdict)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ("np.maximum(0, z), (z,)", "da * (cache[0] < 0)"),
        ("np.maximum(0, -z), (z,)", "da * (cache[0] > 0)"),
        ("np.maximum(0, z), (z,)", "..."),
        ("np.maximum(0, z), (z,)", "1 / 0"),
    ],
)
def test_a_pair_of_which_one_is_wrong_is_not_right(forward, backward):
    names = notebook(
        f"def relu_forward(z): return {forward}\ndef relu_backward(da, cache): return {backward}"
    )
    assert not check(names["relu_forward"])
    assert not check(names["relu_backward"])


def test_a_wrong_forward_pass_does_not_make_its_backward_pass_right():
    names = notebook(
        """
        def relu_forward(z):
            return np.maximum(0, z) + 1, (z,)

        def relu_backward(da, cache):
            return da * (cache[0] > 0)
        """
    )
    assert not check(names["relu_backward"])


# Names, and things that are no functions


@pytest.mark.parametrize("given", ["relu_forward", 3, None, ..., np.zeros(3), (1, 2), [relu_with_where]])
def test_what_is_no_function_gets_a_sentence(given):
    verdict = check(given)
    assert (verdict.kind, bool(verdict)) == ("not attempted", False)
    assert str(verdict).startswith("check takes ")
    assert "check(relu_forward)" in str(verdict)


def test_an_unknown_name_is_answered_with_all_exercises():
    def relu_foward(z):
        return z, z

    with pytest.raises(ValueError, match=r"Did you mean relu_forward\?") as error:
        check(relu_foward)
    for name, exercise in EXERCISES.items():
        assert name in str(error.value)
        assert exercise.lesson in str(error.value)
    for unknown in (lambda z: z, np.vectorize(abs), functools.partial(abs), Layer):
        with pytest.raises(ValueError, match=r'check\(f, "relu_forward"\)'):
            check(unknown)
    for function in (hint, solution, yours_or_ours):
        with pytest.raises(ValueError, match="there is no exercise"):
            function(relu_foward)
    with pytest.raises(ValueError, match="there is no exercise 'relu'"):
        check(relu_with_where, "relu")


def test_a_builtin_can_be_checked():
    assert check(max, "relu_forward").kind == "mistake"
    assert check(np.maximum, "relu_forward").kind == "mistake"
    assert check(print, "relu_forward").kind == "mistake"


# How it looks


def test_the_text_is_what_a_notebook_shows():
    verdict = check(relu_with_where, "relu_forward")
    assert str(verdict) == repr(verdict) == pretty(verdict)
    assert pretty(solution("relu_forward")) == str(solution("relu_forward"))
    text = hint("relu_forward")
    assert pretty(text) == repr(text) == str(text)


def test_a_verdict_reads_like_this():
    verdict = check(lambda z: (np.abs(z), z), "relu_forward")
    assert str(verdict) == textwrap.dedent(
        """\
        relu_forward: not right yet.
        Where z is negative, a is 0. Yours turns −2 into 2: that is the absolute value |z|.

        For example, with numbers on both sides of 0:
            z = [[-2.,  0.,  3.]]
            expected: a = [[0., 0., 3.]]   shape (1, 3)
            yours:    a = [[2., 0., 3.]]   shape (1, 3)

        Where to look: "ReLU" in lesson 01_layers_and_relu. For a hint: hint(relu_forward)"""
    )


def test_print_options_of_the_notebook_change_nothing():
    before = str(check(relu(lambda a: a + 1e-6), "relu_forward"))
    with np.printoptions(precision=1, suppress=True, formatter={"float": lambda x: "?"}):
        assert str(check(relu(lambda a: a + 1e-6), "relu_forward")) == before


def test_a_solution_shows_the_plain_answer_and_the_librarys():
    text = str(solution(relu_with_where, "relu_forward"))
    assert text.startswith("def relu_forward(z):")
    assert "# The library's own, nn_helpers.layers.relu_forward:\n\ndef relu_forward(z, out=None):" in text


@pytest.mark.parametrize(
    ("switch", "more"), [("off", ""), ("of", ' (NN_HELPERS_SOLUTIONS is \'of\'; it can be "on" or "off".)')]
)
def test_a_course_can_switch_solutions_off_and_hints_go_on(switch, more, monkeypatch, tmp_path):
    monkeypatch.setenv("NN_HELPERS_SOLUTIONS", switch)
    monkeypatch.setenv("NN_HELPERS_MY_LESSONS", str(tmp_path))
    before = Counter(event.event for event in record.read())
    said = " ".join(str(solution("relu_forward")).split())
    assert said == f"Your course has switched solutions off. hint(relu_forward) goes on helping.{more}"
    shown = [str(hint("relu_forward")) for _ in range(9)]
    assert "That was the last hint." in shown[-1]
    assert Counter(event.event for event in record.read()) - before == {"hint": 9}  # and no solution
    monkeypatch.setenv("NN_HELPERS_SOLUTIONS", "on")
    assert "def relu_forward" in str(solution("relu_forward"))


def test_the_librarys_own_function_is_not_called_yours(capsys):
    assert yours_or_ours(nn_helpers.relu_forward) is nn_helpers.relu_forward
    assert capsys.readouterr().out == "relu_forward: the library's (you passed the library's own function)\n"


@pytest.mark.parametrize("name", ["relu_backward", "affine_backward", "log_softmax", "l2_gradient"])
def test_float64_is_right_where_the_text_names_no_dtype(name):
    def double(*args):
        made = EXERCISES[name].answer(*args)
        return tuple(map(np.float64, made)) if isinstance(made, tuple) else np.float64(made)

    assert check(double, name)


def batchnorm_with(in_training, in_prediction):
    """Return a right batchnorm_forward that keeps these of its numbers."""

    def batchnorm_forward(z, gamma, beta, running=None):
        mean, var = (z.mean(axis=0), z.var(axis=0)) if running is None else running
        std = np.sqrt(var + 1e-5)
        z_hat = (z - mean) / std
        kept = (z_hat, std, gamma)[: in_training if running is None else in_prediction]
        return gamma * z_hat + beta, kept or None

    return batchnorm_forward


def test_a_prediction_has_no_way_back_and_may_keep_what_it_likes():
    assert check(batchnorm_with(3, 0))
    assert check(batchnorm_with(3, 3))
    assert "the cache is not what batchnorm_backward needs" in str(check(batchnorm_with(0, 3)))


def test_a_cache_that_no_exercise_takes_back_is_compared():
    def layernorm_forward(z, gamma, beta, running=None):
        y, (z_hat, std, gamma) = EXERCISES["layernorm_forward"].answer(z, gamma, beta)
        return y, (z_hat, std**2, gamma)

    assert "cache[1]" in str(check(layernorm_forward))


def test_an_argument_that_the_answer_does_not_read_may_stay_unread():
    def layernorm_forward(z, gamma, beta, running=None):
        mean, var = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
        std = np.sqrt(var + 1e-5)
        z_hat = 0.7 * (z - mean) / std
        return gamma * z_hat + beta, (z_hat, std, gamma)

    verdict = check(layernorm_forward)
    assert not verdict
    assert "running" not in str(verdict)
