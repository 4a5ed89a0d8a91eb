"""`check` says facts first: what is seen in a function's code and results, where no mistake has a name."""

import copy
import inspect
import itertools
import linecache
import textwrap

import numpy as np
import pytest

from nn_helpers.exercises import check
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import api
from nn_helpers.exercises.checking import verdict as judging
from nn_helpers.exercises.checking.facts import facts
from nn_helpers.exercises.checking.recognition import outcomes_of
from nn_helpers.exercises.checking.sandbox import Sandbox
from nn_helpers.exercises.checking.trial import Trial

_cells = itertools.count()


def write(source, **notebook):
    """Return the function that a cell with this source defines; its source can be read, as in a notebook."""
    source, file = textwrap.dedent(source).strip() + "\n", f"<cell {next(_cells)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    names = {"np": np, **{name: exercise.answer for name, exercise in EXERCISES.items()}, **notebook}
    exec(compile(source, file, "exec"), names)
    return names[source.split("def ")[1].split("(")[0]]


@pytest.fixture(autouse=True)
def no_search(monkeypatch):
    """Leave the search for the place out: these sentences come before it."""
    monkeypatch.setattr(api, "find_places", lambda *_: [])


def said(verdict):
    return " ".join(verdict.text.partition("\n\nFor example")[0].split())


FACTS = {
    "an argument that nothing uses": (
        """
        def softmax(logits, T=1):
            return np.ones((2, 3)) / 3
        """,
        "`logits` is an argument, and nothing in the function uses it. p should",
    ),
    "two arguments that nothing uses": (
        """
        def adam_step(theta, gradient, m, v, t, lr, beta1, beta2, eps):
            m += (1 - 0.9) * (gradient - m)
            v += (1 - 0.999) * (gradient**2 - v)
            theta -= lr * m / (np.sqrt(v) + eps) / t
        """,
        "`beta1` and `beta2` are arguments, and nothing in the function uses them.",
    ),
    "an argument that is overwritten": (
        """
        def temperature_softmax(logits, T):
            T = 2.0
            exponentials = np.exp(logits / T)
            return exponentials / exponentials.sum()
        """,
        "`T` is an argument, and `T = 2.0` in line 2 gives the name another value before anything",
    ),
    "an array of the notebook's": (
        """
        def relu_backward(da, cache):
            return da * (z > 0) + cache
        """,
        "`z` in line 2, `return da * (z > 0) + cache`, is not the function's own: it is the "
        "notebook's, a float64 array of shape (1, 1), from another cell",
    ),
    "a number of the notebook's": (
        """
        def cross_entropy(logits, y):
            p = softmax(logits)
            loss = -log_softmax(logits)[np.arange(len(y)), y].sum() / N
            p[np.arange(len(y)), y] -= 1
            return loss, p / len(y)
        """,
        "`N` in line 3, `loss = -log_softmax(logits)[np.arange(len(y)), y].sum() / N`, is not the function's "
        "own: it is the notebook's, 500, from another cell",
    ),
    "a value that hides a function": (
        """
        def softmax(logits):
            sum = np.exp(logits)
            return sum / sum(sum)
        """,
        "`sum` in line 3 is not Python's own function: `sum = np.exp(logits)` in line 2 gives the name to",
    ),
    "a function that is hidden further down": (
        """
        def softmax(logits):
            shift = max(max(row) for row in logits)
            max = shift
            return np.exp(logits - max)
        """,
        "`max` in line 2 is not Python's own function: `max = shift` in line 3 gives the name to a value",
    ),
    "a value that hides a module": (
        """
        def relu_forward(z):
            np = z.copy()
            return np.maximum(0, z), z
        """,
        "`np` in line 3 is not the module: `np = z.copy()` in line 2 gives the name to a value",
    ),
    "a function that another cell hides": (
        """
        def softmax(logits):
            return np.array([np.exp(row) / len(row) for row in logits])
        """,
        "`len` in line 2 is not Python's own function: another cell has given the name to a value, an int. "
        "`del len`",
    ),
    "the value of a list's method": (
        """
        def net_forward(x, params):
            caches = []
            for W, b in params:
                z, cache = affine_forward(x, W, b)
                x = np.maximum(z, 0)
                caches = caches.append((cache, z))
            return z, caches
        """,
        "`caches.append((cache, z))` in line 6 works in place and returns None",
    ),
    "the value of a shuffle": (
        """
        def minibatches(N, batch_size, rng, drop_last=True):
            order = rng.shuffle(np.arange(N))
            for start in range(0, N, batch_size):
                yield order[start : start + batch_size]
        """,
        "`rng.shuffle(np.arange(N))` in line 2 works in place and returns None",
    ),
    "the value of np.add.at": (
        """
        def confusion_matrix(y, predicted, num_classes):
            matrix = np.zeros((num_classes, num_classes), int)
            return np.add.at(matrix, (y, predicted), 1)
        """,
        "`np.add.at(matrix, (y, predicted), 1)` in line 3 works in place and returns None",
    ),
    "return inside a loop": (
        """
        def he_init(sizes, rng):
            params = []
            for D, M in zip(sizes, sizes[1:]):
                params.append((rng.standard_normal((D, M)) * np.sqrt(2 / D), np.zeros(M)))
                return params
        """,
        "`return` in line 5 stands inside the loop of line 3, which so ends in its first round.",
    ),
    "return inside a loop, and deeper": (
        """
        def one_hot(y, num_classes):
            rows = np.zeros((len(y), num_classes))
            for i, label in enumerate(y):
                with np.errstate(all="ignore"):
                    rows[i, label] = 1
                    return rows
        """,
        "`return` in line 6 stands inside the loop of line 3",
    ),
    "a loop's name that gets a new value": (
        """
        def softmax(logits):
            p = np.exp(logits - logits.max(axis=1, keepdims=True)) + 1
            for row in p:
                row = row / row.sum()
            return p
        """,
        "`row = row / row.sum()` in line 4 gives the loop's own name `row` a new value that nothing reads",
    ),
    "a range without the first": (
        """
        def softmax(logits):
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            for i in range(1, len(p)):
                p[i] /= p[i].sum()
            return p
        """,
        "Only what stands first in p is wrong, and `range(1, len(p))` in line 3 leaves out the first.",
    ),
    "a range without the last": (
        """
        def one_hot(y, num_classes):
            rows = np.zeros((len(y), num_classes))
            for i in range(len(y) - 1):
                rows[i][y[i]] += 1
            return rows
        """,
        "Only what stands last in rows is wrong, and `range(len(y) - 1)` in line 3 leaves out the last.",
    ),
    "an array of whole numbers": (
        """
        def numerical_gradient(f, x, h=1e-5):
            gradient = np.zeros(x.shape, dtype=int)
            for at in np.ndindex(x.shape):
                step = np.zeros(x.shape)
                step[at] = h
                gradient[at] = (f(x + step) - f(x - step)) / (2 * h)
            return gradient
        """,
        "gradient holds whole numbers, int64, with no room for what stands behind the point: see "
        "`np.zeros(x.shape, dtype=int)` in line 2.",
    ),
    "an array like one of whole numbers": (
        """
        def standardise(images, mean, std):
            x = np.zeros_like(images)
            for colour in range(3):
                x[..., colour] = (images[..., colour] - mean[colour]) / std[colour]
            return x.reshape(len(x), -1)
        """,
        "x holds whole numbers, uint8, with no room for what stands behind the point: see "
        "`np.zeros_like(images)` in line 2.",
    ),
    "numbers that are cut, nobody knows where": (
        """
        def relu_forward(z):
            a = np.vectorize(lambda number: max(0, number))(z)
            return a, z
        """,
        "a holds whole numbers, int64, with no room for what stands behind the point.",
    ),
    "an index for a mask": (
        """
        def relu_forward(z):
            a = z.copy()
            negative = (z < 0).astype(int)
            a[negative] = 0
            return a, z
        """,
        "The index in `a[negative]` in line 4 holds the whole numbers 0 and 1, which are two places.",
    ),
    "an index of draws for a mask": (
        """
        def flip(images, rng):
            mirrored = rng.integers(0, 2, len(images))
            return np.concatenate([images[mirrored], images[mirrored][:, :, ::-1]])
        """,
        "The index in `images[mirrored]` in line 3 holds the whole numbers 0 and 1, which are two places.",
    ),
    "numbers that np.empty left": (
        """
        def relu_forward(z):
            a = np.empty_like(z)
            a[z > 1] = z[z > 1]
            a[z <= 0] = 0
            return a, z
        """,
        "a[0, 0] is never written to: it is what `np.empty_like(z)` in line 2 made.",
    ),
    "zeros that stayed": (
        """
        def relu_forward(z):
            a = np.zeros(z.shape, z.dtype)
            a[z > 1] = z[z > 1]
            return a, z
        """,
        "a[0, 0] is never written to: it is what `np.zeros(z.shape, z.dtype)` in line 2 made.",
    ),
    "an array that nobody writes to": (
        """
        def numerical_gradient(f, x, h=1e-5):
            gradient = np.zeros_like(x)
            for at in np.ndindex(x.shape):
                step = h * (np.arange(x.size).reshape(x.shape) == at)
                slope = (f(x + step) - f(x - step)) / (2 * h)
            return gradient
        """,
        "gradient is never written to: it is what `np.zeros_like(x)` in line 2 made.",
    ),
    "the root of a negative number": (
        """
        def rmsprop_step(theta, gradient, s, lr, beta, eps):
            s *= beta
            s -= 3 * (1 - beta) * gradient**2
            theta -= lr * gradient / (np.sqrt(s) + eps)
        """,
        "It arises in line 4 of rmsprop_step, `theta -= lr * gradient / (np.sqrt(s) + eps)`: the root of a "
        "negative number.",
    ),
    "the logarithm of a negative number": (
        """
        def log_softmax(logits):
            return np.log(logits - logits.max(axis=1, keepdims=True) - 1)
        """,
        "It arises in line 2 of log_softmax, `return np.log(logits - logits.max(axis=1, keepdims=True) - 1)"
        "`: the logarithm of a negative number.",
    ),
    "the logarithm of 0": (
        """
        def log_softmax(logits):
            shifted = logits - logits.max(axis=1, keepdims=True)
            return np.log(np.maximum(shifted, 0))
        """,
        "It arises in line 3 of log_softmax, `return np.log(np.maximum(shifted, 0))`: the logarithm of 0.",
    ),
    "a division of infinity by infinity": (
        """
        def sigmoid_forward(z):
            e = np.exp(1e4 + z)
            return e / (e + 1), e / (e + 1)
        """,
        "It arises in line 3 of sigmoid_forward, `return e / (e + 1), e / (e + 1)`: 0/0 or ∞/∞.",
    ),
    "the exponential of a large number": (
        """
        def sigmoid_forward(z):
            a = np.exp(1e4 + z)
            return a, a
        """,
        "It arises in line 2 of sigmoid_forward, `a = np.exp(1e4 + z)`: the exponential of a large number.",
    ),
}
NOTEBOOK = {"z": np.ones((1, 1)), "N": 500}


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_said_with_the_learners_own_name_and_line(fact):
    source, sentence = FACTS[fact]
    hidden = {"len": 3} if "another cell hides" in fact else {}
    verdict = check(write(source, **NOTEBOOK, **hidden))
    assert verdict.unknown, verdict
    assert sentence in said(verdict), verdict


# What looks like a fact, and explains nothing

SILENT = {
    "an argument that is used in another way": (
        """
        def softmax(logits):
            given = locals()
            return given["logits"] * 2
        """,
        "is an argument",
    ),
    "an argument of the learner's own": (
        """
        def relu_forward(z, verbose=False):
            return z + 1, z
        """,
        "is an argument",
    ),
    "an argument that only changes in place": (
        """
        def sgd_step(theta, gradient, lr):
            theta -= 3 * gradient / lr
        """,
        "is an argument",
    ),
    "a constant of the notebook's": (
        """
        def log_softmax(logits):
            return np.log(softmax(logits) + EPS)
        """,
        "notebook's",
    ),
    "a function of the notebook's": (
        """
        def log_softmax(logits):
            return softmax(logits)
        """,
        "notebook's",
    ),
    "another name for a function": (
        """
        def softmax(logits):
            max = np.max
            return logits - max(logits)
        """,
        "Python's own",
    ),
    "an error in another place": (
        """
        def softmax(logits):
            max = logits.max()
            three = 3
            return three(logits - max)
        """,
        "Python's own",
    ),
    "NumPy's functions that return something": (
        """
        def softmax(logits):
            return np.sort(np.append(np.insert(logits, 0, 1), 2))
        """,
        "works in place",
    ),
    "a method in a line of its own": (
        """
        def net_backward(dlogits, caches):
            gradients = []
            for cache, z in caches:
                gradients.append(affine_backward(dlogits, cache)[1:])
            gradients.reverse()
            return gradients[:1]
        """,
        "works in place",
    ),
    "return inside a loop, in some rounds": (
        """
        def one_hot(y, num_classes):
            rows = np.zeros((len(y), num_classes))
            for i in range(len(y)):
                if i == 2:
                    return rows
                rows[i, y[i]] = 1
            return rows
        """,
        "first round",
    ),
    "return in a function within the loop": (
        """
        def relu_forward(z):
            for _ in range(2):
                def step(v):
                    return v + 1
                z = step(z)
            return z, z
        """,
        "first round",
    ),
    "return after continue": (
        """
        def relu_forward(z):
            for number in z.ravel():
                if number < 0:
                    continue
                return z * 2, z
            return z, z
        """,
        "first round",
    ),
    "a loop's name that is read again": (
        """
        def softmax(logits):
            rows = []
            for row in logits:
                row = np.exp(row)
                rows.append(row / row.max())
            return np.array(rows)
        """,
        "loop's own name",
    ),
    "a range without the last, where more is wrong": (
        """
        def one_hot(y, num_classes):
            rows = np.zeros((len(y), num_classes))
            for i in range(len(y) - 1):
                rows[i][y[i]] += 2
            return rows
        """,
        "Only what stands",
    ),
    "whole numbers in an index": (
        """
        def one_hot(y, num_classes):
            at = np.zeros(len(y), int)
            at[:] = y
            return np.eye(num_classes)[at] / 2
        """,
        "whole numbers",
    ),
    "a mask": (
        """
        def relu_forward(z):
            a = z.copy()
            a[np.where(z < 0, True, False)] = 1
            a[z < 0] = 2
            return a, z
        """,
        "The index",
    ),
    "zeros to which zeros are added": (
        """
        def affine_forward(x, W, b):
            z = np.zeros((len(x), W.shape[1]))
            z = z + x.reshape(len(x), -1) @ W
            z += 0 * b
            return z, (x, W, 1)
        """,
        "never written to",
    ),
    "zeros that are written": (
        """
        def relu_forward(z):
            a = np.zeros_like(z)
            a[:] = np.where(z > 1, z, 0)
            return a, z
        """,
        "never written to",
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_nothing_is_said_that_is_no_fact(case):
    source, words = SILENT[case]
    verdict = check(write(source, EPS=0.1))
    assert verdict.kind == "mistake"
    assert words not in said(verdict)


def _no_facts(*_, **__):
    raise AssertionError("facts about a right answer")


@pytest.mark.parametrize("name", EXERCISES)
def test_no_fact_is_looked_for_in_a_right_answer(name, monkeypatch):
    monkeypatch.setattr(judging, "facts", _no_facts)
    assert check(write(inspect.getsource(EXERCISES[name].answer)))


@pytest.mark.parametrize("name", EXERCISES)
def test_the_code_of_a_right_answer_has_no_fact_to_say(name):
    """Even if nobody knew that it is right."""
    exercise = EXERCISES[name]
    f = write(inspect.getsource(exercise.answer))
    trial = Trial(exercise, f, outcomes_of(exercise, f), outcomes_of(exercise, exercise.answer))
    with Sandbox(f).open() as sandbox:
        assert facts(trial, sandbox) == []


def test_where_nan_may_arise_in_two_places_none_is_named():
    f = write("""
        def relu_forward(z):
            a = np.where(z > 0, np.sqrt(z), 0)
            return a / a, z
    """)
    assert "NaN comes out of the root" in said(check(f))


def test_the_origin_of_nan_is_found_in_a_function_that_the_learners_own_calls():
    f = write("""
        def log_softmax(logits):
            return log(logits - logits.max(axis=1, keepdims=True) - 1)

        def log(x):
            return np.log(x)
    """)
    assert "It arises in line 2 of log, `return np.log(x)`: the logarithm of a negative number." in said(
        check(f)
    )


# The first wrong thing, and no corner


def test_an_error_in_a_corner_is_not_reported_before_numbers_that_are_wrong_everywhere():
    f = write("""
        def softmax(logits):
            if logits.shape[1] == 1:
                raise ValueError("one class")
            return np.exp(logits) + 1
    """)
    assert said(check(f)) == "softmax: not right yet. p is not what it should be yet."


def test_a_shape_in_a_corner_is_not_reported_before_numbers_that_are_wrong_everywhere():
    f = write("""
        def softmax(logits):
            return (np.exp(logits - logits.max()) + 1).squeeze()
    """)
    assert "p should have the shape (1, 3)" in said(check(f))
    f = write("""
        def softmax(logits):
            p = np.exp(logits - logits.max()) + 1
            return p.ravel() if p.shape[1] == 1 else p
    """)
    assert "shape" not in said(check(f))


def test_a_corner_is_reported_where_all_else_is_right():
    f = write("""
        def softmax(logits):
            if logits.shape[1] == 1:
                raise ValueError("one class")
            return np.exp(logits - logits.max(axis=1, keepdims=True)) / np.exp(
                logits - logits.max(axis=1, keepdims=True)
            ).sum(axis=1, keepdims=True)
    """)
    assert "ValueError: one class" in said(check(f))


def test_what_is_changed_is_said_beside_wrong_numbers_and_not_instead():
    f = write("""
        def relu_forward(z):
            z += 1
            return z * 2 + 3, z
    """)
    assert "a is not what it should be yet. It also changes its argument z" in said(check(f))


def test_a_result_beside_a_named_mistake_is_explained_by_what_is_seen_in_it():
    f = write("""
        def affine_backward(dz, cache):
            x, W = cache
            rows = x.reshape(len(x), -1)
            dx = (dz @ W.T).reshape(x.shape)
            dW = np.zeros(W.shape)
            dW[1:] = rows.T[1:] @ dz
            return dx, dW, dz.mean(axis=0)
    """)
    verdict = check(f)
    assert verdict.mistake == "bias-mean"
    assert "dW[0, 0] is never written to: it is what `np.zeros(W.shape)` in line 5 made." in said(verdict)


def copied_rng(images, rng):
    rng = copy.deepcopy(rng)
    return np.array([image[:, ::-1] if rng.random() < 0.5 else image for image in images])


orders = {}


def kept_order(N, batch_size, rng, drop_last=True):
    order = orders.setdefault(N, rng.permutation(N))
    for start in range(0, N - N % batch_size if drop_last else N, batch_size):
        yield order[start : start + batch_size]


def test_decisions_that_are_the_same_at_every_call_are_named_whatever_makes_them_so():
    assert check(copied_rng, "flip").mistakes == ("generator-of-its-own",)
    assert check(kept_order, "minibatches").mistakes == ("same-order-every-epoch",)


def one_row_many_times(y, num_classes):
    rows = [[0.0] * num_classes] * len(y)
    for row, k in zip(rows, y, strict=True):
        row[k] = 1.0
    return np.array(rows)


def test_one_list_many_times_is_no_index_without_pairs():
    assert check(one_row_many_times, "one_hot").mistakes == ()
