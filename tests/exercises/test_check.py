"""What `check` says to all the functions that people may hand in."""

import functools
import io
import random
import sys
import textwrap
import threading
import time
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from IPython.lib.pretty import pretty

import nn_helpers
from nn_helpers import ClassificationNet
from nn_helpers.exercises import check, hint, solution, yours_or_ours
from nn_helpers.exercises.checking import api, sandbox
from nn_helpers.exercises.checking.comparison import agrees, identical
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, Mistake, exercises

# Right answers in other words


def relu_with_where(z):
    return np.where(z > 0, z, 0), z


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


def relu_that_returns_a_list(z):
    return [np.maximum(0, z), z]


class Result(NamedTuple):
    a: np.ndarray
    cache: np.ndarray


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
    relu_that_returns_a_list,
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


def notebook(source):
    """Return the names that cells with this source define."""
    names = {"np": np}
    exec(textwrap.dedent(source), names)
    return names


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


# Blanks


def blank_in_an_assignment(z):
    a = ...  # your line here
    return a, z


def blank_in_a_call(z):
    a = np.maximum(..., z)
    return a, z


def blank_in_an_operation(z):
    return z * ..., z


def blank_in_the_return(z):
    return ..., z


def two_blanks(z):
    mask = ...
    a = ...
    return a * mask, z


def one_of_two_blanks(z):
    mask = z > 0
    a = ...
    return a * mask, z


@pytest.mark.parametrize(
    ("f", "line"),
    [
        (blank_in_an_assignment, "a = ...  # your line here"),
        (blank_in_a_call, "a = np.maximum(..., z)"),
        (blank_in_an_operation, "return z * ..., z"),
        (blank_in_the_return, "return ..., z"),
        (one_of_two_blanks, "a = ..."),
        (two_blanks, "mask = ..."),
    ],
)
def test_a_blank_is_shown_with_its_line(f, line):
    verdict = check(f, "relu_forward")
    assert verdict.kind == "not attempted"
    assert f"\n    {line}\n" in str(verdict)


@pytest.mark.parametrize("expression", ["np.maximum(..., z)", "z * ...", "(..., z)", "[z, ...]"])
def test_a_blank_is_recognised_without_the_source(expression):
    assert check(notebook(f"def f(z): return {expression}")["f"], "relu_forward").kind == "not attempted"


def wrong_with_an_ellipsis_index(z):
    a = z[..., :]
    a = np.einsum(a, [..., 0], [..., 0])
    return a, z


def wrong_after_all(z):
    a = z
    return a + 1, z


@pytest.mark.parametrize("f", [wrong_with_an_ellipsis_index, wrong_after_all])
def test_an_ellipsis_in_an_index_is_no_blank(f):
    assert check(f, "relu_forward").kind == "mistake"


def computes_and_returns_nothing(z):
    np.maximum(0, z)


def test_a_forgotten_return_is_a_mistake():
    verdict = check(computes_and_returns_nothing, "relu_forward")
    assert verdict.kind == "mistake"
    assert "It returns nothing. Its last line should be `return a, cache`." in str(verdict)


# Errors


def helper_that_fails(z):
    return z["key"]


def calls_a_helper(z):
    a = z + 1
    a = helper_that_fails(a)
    return a, z


def test_an_error_in_a_helper_is_shown_where_it_arose():
    text = str(check(calls_a_helper, "relu_forward"))
    assert 'It raised an error in line 2 of helper_that_fails:\n    return z["key"]\n    IndexError: ' in text
    assert "An index is a whole number" in text
    assert "z = [[-2.,  0.,  3.]]" in text


def fails_inside_numpy(z):
    a = np.linalg.inv(z)
    return a, z


def test_an_error_inside_numpy_is_shown_at_the_learners_line():
    text = str(check(fails_inside_numpy, "relu_forward"))
    assert "in line 2 of fails_inside_numpy:\n    a = np.linalg.inv(z)\n    LinAlgError: " in text


def fails_inside_the_library(z):
    return nn_helpers.relu_forward(list(z))


def test_an_error_of_the_library_is_shown_with_its_message_and_the_learners_line():
    text = str(check(fails_inside_the_library, "relu_forward"))
    assert (
        "return nn_helpers.relu_forward(list(z))\n    TypeError: relu_forward: z must be a NumPy array"
        in text
    )


def works_on_matrices_only(z):
    rows, columns = z.shape
    return np.maximum(0, z).reshape(rows, columns), z


def fails_in_a_comprehension(z):
    a = np.array([
        number.positive_part() for number in z.ravel()
    ])  # fmt: skip
    return a, z


def test_an_error_in_a_comprehension_is_shown_with_the_functions_name():
    text = str(check(fails_in_a_comprehension, "relu_forward"))
    assert " of fails_in_a_comprehension:\n    number.positive_part() for number in z.ravel()\n" in text


def test_an_error_on_some_cases_only_says_where_it_was_right():
    text = str(check(works_on_matrices_only, "relu_forward"))
    assert "ValueError: not enough values to unpack" in text
    assert "It was right for numbers on both sides of 0" in text
    assert "For example, with an array with one axis" in text


MEANINGS = {
    "if z > 0:\n    pass": "ask one question",
    "max(0, z)": "ask one question of the whole array",
    "np.max(0, z)": "The function that compares two numbers",
    "undefined": "Is the name spelt",
    "y = y + 1": "before it has one",
    "z + np.zeros(17)": "shapes do not fit",
    "z @ z": "perhaps one of them needs `.T`",
    "z.reshape(7)": "The new shape must hold",
    "p, q, r = z.shape": "to the left of `=`",
    "np.array([[1], [1, 2]])": "rows of different lengths",
    "z.sum(axis=5)": "Axes are counted from 0",
    "z[100]": "one less than the length",
    "z[0, 0, 0]": "fewer axes",
    "z[np.array([True] * 7)]": "A mask needs the shape",
    "z[0.5]": "An index is a whole number",
    "None + z": "Something here is None",
    "(z, z) - 1": "unpack them",
    "[1.0] - 1": "A list cannot calculate",
    "math.exp(z)": "take arrays: `np.exp`",
    "len(z, z)": "",
    "larger(z)": "Compare the call with its `def` line",
    "z(0)": "Round brackets call",
    "len[0]": "Square brackets",
    "i = np.arange(3); i *= 0.5": "An array keeps its dtype",
    "np.relu(z)": "no such function in the module",
    "(z, z).shape": "unpack them",
    "[1].shape": "A list cannot calculate",
    "2.5 * [1]": "A list cannot calculate",
    "z[0, 0] = [1, 2]": "put an array where one number belongs",
    "z.setflags(write=False); z[0] = 1": "must not be written to",
    "None.shape": "Something here is None",
    "z.append(1)": "Perhaps it is a function",
    "(2.0).shape": "a plain Python number",
    "[1][1]": "one less than the length",
    "for i in 3: pass": "a single one",
    "i, j = 3": "a single one",
    "bytearray(2**62)": "more memory",
    "math.exp(1000)": "refuse to overflow",
    "1 / 0": "divided by 0",
    "f(z)": "calls itself again",
    "raise AssertionError": "assertion of your own",  # an assert would not be there under -O
    "{}['a']": "no such key",
    "exit()": "Use `return`",
    "np.zeros(2**62)": "",
    "np.zeros(z)": "where one whole number belongs",
    "import nonexistent_module": "",
    "raise ValueError": "",
    "raise KeyboardInterrupt": "",
}


@pytest.mark.parametrize("statement", MEANINGS)
def test_what_an_error_usually_means(statement):
    body = textwrap.indent(f"{statement}\nreturn z, z", "    ")
    source = f"import math\ndef larger(a, b): pass\ndef f(z):\n{body}"
    text = str(check(notebook(source)["f"], "relu_forward"))
    assert MEANINGS[statement] in " ".join(text.split())
    assert "rror" in text
    assert "Traceback" not in text


def test_an_error_without_a_message_and_one_that_cannot_be_printed():
    names = notebook(
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError

            def __bool__(self):
                return False

        def plain(z):
            raise Exception

        def odd(z):
            raise Odd

        def long(z):
            raise ValueError("x" * 5000 + " at 0x7f0000000000")
        """
    )
    assert "    Exception\n" in str(check(names["plain"], "relu_forward"))
    assert "    Odd\n" in str(check(names["odd"], "relu_forward"))
    assert len(str(check(names["long"], "relu_forward"))) < 1000


# Time


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n    try:\n        pass\n    except Exception:\n        pass",
        "while True:\n    try:\n        g(), g(), g(), g()\n    except:\n        pass",
        "while True: print('.')",
        "time.sleep(100)",
    ],
)
def test_a_function_without_end_is_stopped_and_leaves_nothing_behind(body, capsys, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    threads = threading.active_count()
    f = notebook(f"import time\ndef g(): pass\ndef f(z):\n{textwrap.indent(body, '    ')}")["f"]
    start = time.monotonic()
    verdict = check(f, "relu_forward")
    assert time.monotonic() - start < 10
    assert verdict.kind == "mistake"
    assert "did not come to an end" in str(verdict)
    assert capsys.readouterr().out == ""
    if "sleep" not in body:  # which cannot be woken
        deadline = time.monotonic() + 5
        while threading.active_count() > threads and time.monotonic() < deadline:
            time.sleep(0.01)
        assert threading.active_count() <= threads


def test_except_exception_does_not_catch_the_end_of_time(monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    caught = []

    def g():
        pass

    def f(z):
        while True:
            try:
                g(), g(), g(), g()
            except Exception as error:
                caught.append(error)

    assert "did not come to an end" in str(check(f, "relu_forward"))
    assert caught == []


def test_a_loop_on_a_later_case_is_shown_on_that_case(monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)

    def f(z):
        while z.ndim == 4:
            pass
        return np.maximum(0, z), z

    text = str(check(f, "relu_forward"))
    assert "did not come to an end" in text
    assert "For example, with an array with four axes" in text


def test_the_whole_check_is_bounded(monkeypatch):
    monkeypatch.setattr(sandbox, "CHECK_SECONDS", 0.3)

    def slow(z):
        start = time.process_time()
        while time.process_time() - start < 0.15:
            pass
        return np.maximum(0, z), z

    assert "did not come to an end" in str(check(slow, "relu_forward"))


def test_check_works_on_any_thread_and_on_several_at_once():
    def pauses(z):
        time.sleep(0.002)
        return np.maximum(0, z), z

    verdicts, before = [], (sys.stdout, random.getstate())

    def run():
        verdicts.append(check(pauses, "relu_forward"))
        verdicts.append(check(blank_in_the_return, "relu_forward"))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdict.kind for verdict in verdicts) == 6 * ["not attempted"] + 6 * ["right"]
    assert (sys.stdout, random.getstate()) == before


def test_a_check_within_a_check_does_not_block():
    def f(z):
        assert check(relu_with_where, "relu_forward")
        return np.maximum(0, z), z

    assert check(f, "relu_forward")


def test_an_interrupt_gets_through(monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sandbox.Sandbox().run(lambda: None)


# What is left as it was


def test_printing_warnings_random_numbers_and_arguments_are_left_as_they_were(capsys):
    def f(z):
        print("from inside")
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        warnings.warn("mine", stacklevel=1)
        return np.exp(1e6 * np.abs(z)), z

    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state()[1].copy(), random.getstate(), sys.stdout, list(warnings.filters)  # noqa: NPY002
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not check(f, "relu_forward")
    after = np.random.get_state()[1], random.getstate(), sys.stdout, list(warnings.filters)  # noqa: NPY002
    assert np.array_equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert capsys.readouterr() == ("", "")
    assert check(relu_with_where, "relu_forward")


def test_raising_on_overflow_is_left_out_of_it():
    with np.errstate(all="raise"):
        assert check(lambda z: 2 * (1 / (1 + np.exp(-z)),), "sigmoid_forward")


def test_prints_of_other_threads_are_not_taken(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)

    def f(z):
        other = threading.Thread(target=lambda: print("from elsewhere"))
        other.start()
        other.join()
        print("from f")
        return np.maximum(0, z), z

    text = str(check(f, "relu_forward"))
    assert "from f" in text
    assert "from elsewhere" not in text
    assert "from elsewhere" in screen.getvalue()
    assert "from f" not in screen.getvalue()


def test_prints_are_shown_for_the_first_input_only_and_not_without_end():
    def f(z):
        print(z.shape, object())
        print("a" * 5000)
        return np.maximum(0, z), z

    text = str(check(f, "relu_forward"))
    assert "On the first input it printed:\n    (1, 3) <object object>\n    aaa" in text
    assert text.count("<object object>") == 1
    assert len(text) < 1500


@pytest.mark.parametrize("one", [1.0, 1, np.float32(1), np.float64(1), np.array(1.0)])
def test_a_single_number_may_be_of_any_kind(one):
    assert agrees(one, 1.0)
    assert not agrees(one, 1.001)
    assert not agrees([one], 1.0)
    assert not agrees(np.array([one]), 1.0)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (np.array([0.1]), np.array([0.1]), True),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([0.1]), np.array([0.1 + 1e-18]), True),
        (np.array([0.1]), np.array([0.1 + 1e-16]), False),
        (np.array([0.0]), np.array([0], dtype=int), False),
        ([np.ones(2), (np.ones(1),)], [np.ones(2), (np.ones(1),)], True),
        ([np.ones(2), (np.ones(1),)], [np.ones(2), (np.zeros(1),)], False),
        ([np.ones(2)], [], False),
        ({"a": np.ones(2)}, {"a": np.zeros(2)}, False),
        ({"a": np.ones(2)}, {"b": np.ones(2)}, False),
        (np.random.default_rng(0), np.random.default_rng(1), True),
    ],
)
def test_an_argument_is_unchanged_to_the_last_bit(before, after, same):
    assert identical(before, after) is same


def test_no_more_is_kept_of_what_is_printed_than_can_be_shown():
    watch = sandbox.Sandbox()
    for _ in range(1000):
        watch.keep("0123456789")
    assert len(watch.printed) == sandbox.PRINTED + 1


def test_named_tuples_can_be_kept():
    kept = sandbox.snapshot([Result(np.ones(2), cache=3)])
    assert isinstance(kept[0], tuple)
    assert kept[0][1] == 3


@pytest.mark.parametrize("draw", [random.random, np.random.rand])
def test_random_results_are_the_same_every_time(draw):
    texts = set()
    for _ in range(3):
        texts.add(str(check(lambda z: (z + draw(), z), "relu_forward")))
        draw()
    assert len(texts) == 1


# Diagnoses without a name


def relu(change=lambda a: a, cache=lambda z: z):
    """Return a relu_forward whose result is changed."""
    return lambda z: (change(np.maximum(0, z)), cache(z))


def affine(**changes):
    """Return a function with two results, for a test exercise, one of which may be changed."""
    same = {"total": lambda x: x, "mean": lambda x: x, **changes}
    return lambda x: (same["total"](x.sum(axis=0)), same["mean"](x.mean(axis=1, keepdims=True)))


DIAGNOSES = [
    (relu(lambda a: -a), "a has the wrong sign"),
    (relu(lambda a: -a), "yours: a = [[ 0., 0., -3.]]"),  # and not −0
    (relu(lambda a: 2 * a), "a is right but for a factor: yours is 2 times too large, on every input"),
    (relu(lambda a: a / 4), "yours is 4 times too small"),
    (relu(lambda a: -3 * a), "yours is 3 times too large, and has the wrong sign"),
    (relu(lambda a: 0 * a), "a is 0 everywhere"),
    (
        relu(lambda a: a.astype(float)),
        "in a are right, but they are float64 and should be float32. float32 in",
    ),
    (relu(lambda a: a.astype(np.float16)), "they are float16 and should be float64."),
    (
        relu(lambda a: a.T),
        "the shape (1, 3), as z has; yours has (3, 1). It is transposed, and otherwise right.",
    ),
    (relu(lambda a: (a + 1).T), "It is transposed. For example"),
    (relu(lambda a: a.ravel()), "It has as many numbers as it should, and they are right: reshape it."),
    (relu(lambda a: a.ravel() + 1), "It has as many numbers as it should: reshape it."),
    (relu(lambda a: a.sum()), "a should have the shape (1, 3), as z has; yours is one number."),
    (relu(lambda a: a[:, :1] if a.ndim > 1 else a), "Something was summed or cut away"),
    (relu(lambda a: np.stack([a, a])), "Something stayed that should have been summed"),
    (
        relu(lambda a: a.tolist()),
        "yours is a list. The numbers in it are right: `np.array(a)` makes it an array.",
    ),
    (relu(lambda a: (a + 1).tolist()), "a should be an array; yours is a list. For example"),
    (relu(lambda a: [[1], [1, 2]]), "a should be an array; yours is a list. For example"),
    (relu(lambda a: "abc"), "a should be an array; yours is a str."),
    (relu(lambda a: iter(a)), "a should be an array; yours is an iterator."),
    (relu(lambda a: a.view(np.matrix) if a.ndim == 2 else a), "a should be an array; yours is a matrix."),
    (relu(lambda a: np.ma.array(a)), "a should be an array; yours is a MaskedArray."),
    (relu(lambda a: a + 1j), "a should be an array; yours is a complex128 array"),
    (relu(lambda a: a / 0), "a contains NaN, not a number, where"),
    (relu(lambda a: a + np.inf), "a contains infinity where"),
    (
        relu(lambda a: a if a.ndim < 4 else a + 1),
        "a is right for numbers on both sides of 0, numbers between −1 and 1, negative numbers only and 2 "
        "more, but not for an array with four axes. For example, with an array with four axes: z = float64 "
        "array of shape (2, 3, 3, 2) expected: a = float64 array of shape (2, 3, 3, 2) yours: a = float64 "
        "array of shape (2, 3, 3, 2) at [0, 0, 0, 0]: expected 0.3456, yours 1.346",
    ),
    (relu(lambda a: a + 1), "a is not what it should be yet"),
    (
        relu(cache=lambda z: -z),
        "a is right, but the cache is not what relu_backward needs: with it, relu_backward computes",
    ),
    (relu(cache=lambda z: None), "with it, relu_backward raises TypeError"),
    (lambda z: (np.maximum(0, z), z, z), "returns 2 things, `return a, cache`; yours returns 3."),
    (lambda z: {"a": z}, "yours returns one, a dict."),
    (lambda z: np.maximum(0, z, out=z), "yours returns one, a float64 array of shape (1, 3)."),
    (lambda z: (yield z), "yours returns one, a generator."),
]


@pytest.mark.parametrize(("f", "sentence"), DIAGNOSES, ids=lambda part: part if isinstance(part, str) else "")
def test_a_mistake_without_a_name_is_described(f, sentence):
    verdict = check(f, "relu_forward")
    assert (verdict.kind, verdict.mistake) == ("mistake", None)
    assert sentence in " ".join(str(verdict).split()), verdict


def test_a_mistake_is_recognised_in_another_dtype():
    assert check(lambda z: (np.abs(z).astype(float), z), "relu_forward").mistake == "absolute-value"


def test_a_missing_cache_is_recognised_by_what_is_returned():
    assert check(lambda z: np.maximum(0, z), "relu_forward").mistake == "no-cache"
    assert check(lambda z: np.abs(z), "relu_forward").mistake is None
    assert check(lambda z: (i for i in z), "relu_forward").mistake is None


def test_arguments_in_another_order_are_pointed_out():
    def relu_backward(cache, da):
        return da * (cache > 0)

    assert "(da, cache), not (cache, da)" in str(check(relu_backward))


def test_what_differs_by_little_is_printed_with_enough_digits():
    text = str(check(relu(lambda a: a * (1 + 1e-6)), "relu_forward"))
    assert "expected: a = [[0., 0., 3.]]" in text
    assert "yours:    a = [[0.      , 0.      , 3.000003]]" in text


# An exercise of the tests' own, with two results and more than one name for a factor


def sums(x):
    """Return the sums of the columns, and the sums of the rows."""
    return x.sum(axis=0), x.sum(axis=1)


def _sums_cases():
    rng = np.random.default_rng(0)
    return [Case(f"{n} rows", rng.random((n, c))) for n, c in ((1, 3), (4, 5), (6, 6), (9, 2))]


SUMS = Exercise(
    answer=sums,
    lesson="00",
    section="Sums",
    then="Go on.",
    returns=("columns", "rows"),
    cases=_sums_cases,
    quantities=lambda x: {"C": x.shape[1], "N": len(x)},
    mistakes={
        "squares": Mistake(
            lambda x: (x.sum(axis=0) ** 2, x.sum(axis=1)),
            lambda example: (
                f"You square: {example.yours['columns'][0]:.2f}, not {example.expected['columns'][0]:.2f}, "
                f"with {len(example.args['x'])} row."
            ),
            section="Squares",
        ),
    },
    hints=("Add.",),
)


@pytest.fixture
def own_exercises(monkeypatch):
    """Let `sums` be an exercise too."""
    monkeypatch.setattr(api, "exercises", lambda: {**exercises(), "sums": SUMS})


SUMS_DIAGNOSES = [
    (
        lambda x: (x.mean(axis=0), x.sum(axis=1)),
        "rows is right. columns is N times too small, and N is 4 here.",
    ),
    (
        lambda x: (x.sum(axis=0), x.mean(axis=1)),
        "columns is right. rows is C times too small, and C is 3 here.",
    ),
    (lambda x: (x.sum(axis=0) * len(x), x.sum(axis=1)), "columns is N times too large, and N is 4 here."),
    (lambda x: (x.sum(axis=0), x.sum(axis=1) + 1), "columns is right. rows is not what it should be yet."),
    (lambda x: (x.sum(axis=0), -x.sum(axis=1)), "columns is right. rows has the wrong sign"),
    (lambda x: (x.sum(axis=0), list(x)), "rows should be an array; yours is a list."),
]


@pytest.mark.usefixtures("own_exercises")
@pytest.mark.parametrize(
    ("f", "sentence"), SUMS_DIAGNOSES, ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_diagnosis_names_the_wrong_result_and_the_quantity(f, sentence):
    verdict = check(f, "sums")
    assert not verdict
    assert sentence in " ".join(str(verdict).split()), verdict


@pytest.mark.usefixtures("own_exercises")
def test_a_changed_argument_is_shown_as_it_was_and_as_it_is():
    def changes(x):
        x -= 1
        return x.sum(axis=0) + len(x), x.sum(axis=1) + x.shape[1]

    text = str(check(changes, "sums"))
    assert "The result is right, but it changes its argument x" in " ".join(text.split())
    assert "    x = [[0.637 , 0.2698, 0.041 ]]\n    afterwards: x = [[-0.363 , -0.7302, -0.959 ]]\n" in text


@pytest.mark.usefixtures("own_exercises")
def test_a_sentence_may_use_the_numbers_of_the_case_and_name_another_section():
    verdict = check(lambda x: (x.sum(axis=0) ** 2, x.sum(axis=1)), "sums")
    assert verdict.mistake == "squares"
    assert "You square: 0.41, not 0.64, with 1 row." in str(verdict)
    assert '"Squares" in lesson 00' in str(verdict)


def test_the_librarys_own_function_is_not_called_yours(capsys):
    assert yours_or_ours(nn_helpers.relu_forward) is nn_helpers.relu_forward
    assert capsys.readouterr().out == "relu_forward: the library's (you passed the library's own function)\n"


@pytest.mark.usefixtures("own_exercises")
def test_an_exercise_without_a_library_function_hands_out_its_answer(capsys):
    assert yours_or_ours(lambda x: (0, 0), "sums") is sums
    assert capsys.readouterr().out == "sums: the lesson's (check says what is wrong with yours)\n"
    assert "The library" not in solution("sums")


def outer(x):
    """Return the product of every number with every other's square."""
    return np.outer(x, x**2)


OUTER = Exercise(
    answer=outer,
    lesson="00",
    section="Products",
    then="Go on.",
    returns=("p",),
    cases=lambda: [
        Case("one", np.array([2.0])),
        Case("two", np.array([2.0, 3.0])),
        Case("three", np.arange(3.0)),
    ],
    mistakes={},
    hints=("Multiply.",),
)


def test_a_square_result_that_is_transposed_is_recognised(monkeypatch):
    monkeypatch.setattr(api, "exercises", lambda: {"outer": OUTER})
    assert "p is transposed: its rows and columns are exchanged." in str(check(lambda x: outer(x).T, "outer"))
    mixed = check(lambda x: outer(x).T if len(x) == 2 else outer(x) + 1, "outer")
    assert "p is not what it should be yet" in str(mixed)


def observed(**options):
    """Return an exercise whose function returns a generator of batches."""

    def batches(n):
        """Return lists of numbers."""
        return [[i] for i in range(n)]

    def observe(f, n):
        numbers = list(f(n))
        if not numbers:
            raise MalformedResult("You return no batches.")
        return {"the number of batches": len(numbers), "batches": numbers}

    return Exercise(
        answer=batches,
        lesson="00",
        section="Batches",
        then="Go on.",
        observe=observe,
        cases=lambda: [Case("three", 3), Case("one", 1)],
        mistakes={},
        hints=("Think.",),
        **options,
    )


OBSERVED = [
    ("return ([i] for i in range(n))", "right"),
    ("return []", "You return no batches."),
    ("n += 1", "It returns nothing. Its last line should be `return batches`."),
    ("return 3 * n", "It returns an int, which is not what was asked for."),
    ("return [[i] for i in range(n + 1)]", "batches should be a list of 3; yours is a list of 4."),
    ("return [[i, i] for i in range(n)]", "batches[0] should be a list of 1; yours is a list of 2."),
    (
        "return [[i + 1] for i in range(n)]",
        "the number of batches is right. batches is not what it should be",
    ),
    ("return [1 / 0 for _ in range(n)]", "ZeroDivisionError"),
    ("yield 1 / 0", "ZeroDivisionError"),
]


@pytest.mark.parametrize(("body", "sentence"), OBSERVED)
def test_an_exercise_may_look_at_results_in_its_own_way(body, sentence, monkeypatch):
    monkeypatch.setattr(api, "exercises", lambda: {"batches": observed(returns=("batches",))})
    f = notebook(f"def batches(n):\n    {body}")["batches"]
    assert sentence in " ".join(str(check(f)).split())


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
    for name, exercise in exercises().items():
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
