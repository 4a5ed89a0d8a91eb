"""What `check` says to mistakes that have no name in the catalogue."""

import itertools

import numpy as np
import pytest
from handed_in import notebook, relu

from nn_helpers.exercises import check, solution, yours_or_ours
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import api
from nn_helpers.exercises.checking.api import verdict_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult

# Diagnoses without a name


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


# An exercise of the tests' own, with two results and more than one name for a factor; its mistakes are in the
# text beside this file


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
)


@pytest.fixture
def own_exercises(monkeypatch):
    """Let `sums` be an exercise too."""
    monkeypatch.setattr(api, "EXERCISES", {**EXERCISES, "sums": SUMS})


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
    assert "You square, with 1 row." in str(verdict)
    assert '"Squares" in lesson 00' in str(verdict)


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
)


def test_a_square_result_that_is_transposed_is_recognised(monkeypatch):
    monkeypatch.setattr(api, "EXERCISES", {"outer": OUTER})
    assert "p is transposed: its rows and columns are exchanged." in str(check(lambda x: outer(x).T, "outer"))
    mixed = check(lambda x: outer(x).T if len(x) == 2 else outer(x) + 1, "outer")
    assert "p is not what it should be yet" in str(mixed)


def batches_exercise():
    """Return an exercise that looks at its function's results in its own way."""

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
        returns=("batches",),
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
        "The number of batches is right. batches is not what it should be",
    ),
    ("return [1 / 0 for _ in range(n)]", "ZeroDivisionError"),
    ("yield 1 / 0", "ZeroDivisionError"),
]


@pytest.mark.parametrize(("body", "sentence"), OBSERVED)
def test_an_exercise_may_look_at_results_in_its_own_way(body, sentence, monkeypatch):
    monkeypatch.setattr(api, "EXERCISES", {"batches": batches_exercise()})
    f = notebook(f"def batches(n):\n    {body}")["batches"]
    assert sentence in " ".join(str(check(f)).split())


def test_a_sentence_begins_with_a_capital_letter_or_with_a_name():
    def minibatches(N, batch_size, rng, drop_last=True):
        for start in range(0, N - N % batch_size if drop_last else N, batch_size):
            yield rng.choice(N, size=min(batch_size, N - start), replace=False)

    text = " ".join(verdict_of(minibatches).said.split())
    assert text.startswith("Whether the order is that of the data, ")

    def he_init(sizes, rng):
        root = np.sqrt(2 / sizes[0])
        return [(rng.standard_normal((D, M)) * root, np.zeros(M)) for D, M in itertools.pairwise(sizes)]

    text = verdict_of(he_init).text
    assert "and 7 more are right. Standard deviation of W is right for one layer" in " ".join(text.split())
    assert verdict_of(relu(lambda a: -a), "relu_forward").said.startswith("a has the wrong sign")
