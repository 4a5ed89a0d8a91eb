"""Where no name explains all that is wrong, `check` says which lines a small change makes right."""

import copy
import inspect
import itertools
import linecache
from dataclasses import replace

import numpy as np
import pytest

from nn_helpers.exercises import check, hint
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import api, repair
from nn_helpers.exercises.checking.api import verdict_of
from nn_helpers.exercises.checking.recognition import outcomes_of
from nn_helpers.exercises.checking.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("copies")  # elsewhere only lines of the answer are tried

BACKWARD, SOFTMAX, ADAM = (
    inspect.getsource(EXERCISES[name].answer) for name in ("affine_backward", "softmax", "adam_step")
)

OURS = {
    name: EXERCISES[name].ours
    for name in ("affine_forward", "affine_backward", "relu_forward", "softmax", "log_softmax", "one_hot")
}


def learner(code, *changes, **names):
    """Return a function as it would stand in a cell, with some of its code changed."""
    for old, new in changes:
        assert code.count(old) == 1
        code = code.replace(old, new)
    file = f"<cell {hash(code)}>"
    linecache.cache[file] = len(code), None, code.splitlines(keepends=True), file
    seen = {"np": np, **names}
    exec(compile(code, file, "exec"), seen)
    return [f for f in seen.values() if getattr(f, "__code__", None) and f.__name__ in code][-1]


PLACES = [
    (SOFTMAX, [("exponentials.sum(axis=1, keepdims=True)", "(exponentials.sum(axis=1, keepdims=True) + 1)")],
     "One change in line 5 makes it right: look at `exponentials / (exponentials.sum("),
    (BACKWARD, [("db = dz.sum(axis=0)", "db = dz.mean(axis=0) * 2")],
     "One change in line 7 makes it right: look at `d"),
    (BACKWARD, [("rows.T @ dz", "rows.T @ dz + 1"), ("(dz @ W.T)", "(2 * dz @ W.T)")],
     "Two changes make it right: look at `2 * dz @ W.T` in line 5 and `rows.T @ dz + 1` in line 6."),
    (ADAM, [("beta1**t", "beta2**t")],
     "One change in line 7 makes it right: look at `"),
    (ADAM, [("    v += (1 - beta2) * gradient**2\n", ""), ("theta -= lr", "theta -= 2 * lr")],
     "changes make it right"),
]  # fmt: skip


FLOORED = """
def sigmoid_forward(z):
    safe = np.where(z > 5, 5, np.where(z < -5, -5, z))
    a = 1.0 / (1.0 + np.exp(-safe))
    return a, a
"""
MASKED = """
def relu_backward(da, cache):
    on = cache > 0
    dz = da.copy()
    dz[on] = 0
    return dz
"""
REVERSED = """
def net_backward(dlogits, caches):
    gradients, da = [], dlogits
    caches.reverse()
    for affine_cache, z in caches:
        dz = da if z is None else da * (z > 0)
        da, dW, db = affine_backward(dz, affine_cache)
        gradients.insert(0, (dW, db))
    return gradients
"""
NESTED = """
def log_softmax(logits):
    out = np.zeros_like(logits)
    for i in range(len(logits)):
        z = logits[i] - logits[i].max()
        out[i] = z - np.sum(np.log(np.exp(z)))
    return out
"""
IN_A_BLOCK = """
def net_backward(dlogits, caches):
    da, gradients = dlogits, []
    for affine_cache, z in reversed(caches):
        if z is None:
            dz = da
        else:
            dz = da * np.maximum(z, 0)
        da, dW, db = affine_backward(dz, affine_cache)
        gradients.append((dW, db))
    return gradients[::-1]
"""
HE_INIT = """
def he_init(sizes, rng):
    params = []
    for D, M in zip(sizes, sizes[1:]):
        W = np.random.randn(D, M) * np.sqrt(2 / D)
        params.append((W, np.zeros(M)))
    return params
"""
TWO_LINES = """
def sigmoid_backward(da, cache):
    rest = np.subtract(1, cache)
    return np.multiply(da, rest) * rest
"""
CLIPPED = """
def sigmoid_forward(z):
    safe = np.clip(z, -1, 1)
    a = 1 / (1 + np.exp(-safe))
    return a, a
"""
SWAPPED = """
def net_forward(x, params):
    caches = []
    for W, b in params[:-1]:
        x, affine_cache = affine_forward(x, W, b)
        z, x = relu_forward(x)
        caches.append((affine_cache, z))
    logits, affine_cache = affine_forward(x, *params[-1])
    return logits, [*caches, (affine_cache, None)]
"""


POPPED = """
def net_forward(x, params):
    caches = []
    W_out, b_out = params.pop()
    for W, b in params:
        z, cache = affine_forward(x, W, b)
        caches.append((cache, z))
        x, _ = relu_forward(z)
    logits, cache = affine_forward(x, W_out, b_out)
    return logits, [*caches, (cache, None)]
"""
WITHOUT_EXP = """
def softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / shifted.sum(axis=1, keepdims=True)
"""
KEPT_ELSEWHERE = """
def rmsprop_step(theta, gradient, s, lr, beta, eps):
    squares = np.square(gradient)
    s_new = s * beta + squares * (1 - beta)
    theta -= lr * gradient / (np.sqrt(s_new) + eps)
"""
WITHOUT_ITS_VARIABLES = """
def cross_entropy(logits, y):
    p = softmax(logits)
    Y = one_hot(y, logits.shape[1])
    loss = -np.mean(np.sum(Y * np.log(p + 1e-8) + (1 - Y) * np.log(1 - p + 1e-8), axis=1))
    return loss, (p - Y) / len(y)
"""
FROM_A_LIST = """
def relu_forward(z):
    values = [v if v > 0 else 0.0 for v in z.ravel()]
    a = np.array(values).reshape(z.shape)
    return a, z
"""
WALK = """
def walk_back(tape):
    gradients = {tape[-1][0]: 1.0}
    for out, backward, cache, inputs in reversed(tape):
        for name, gradient in zip(inputs, backward(gradients[out], cache)):
            gradients[name] = gradients.get(name, 1) + gradient
    return gradients
"""
IMPORTS = """
def sigmoid_forward(z):
    from math import exp
    a = np.array([1 / (1 + exp(-min(v, 700))) if v > -700 else 0.0 for v in z])
    return a, a
"""


@pytest.mark.parametrize(
    ("code", "line", "part"),
    [
        (POPPED, 4, "params.pop()"),  # it changes its argument
        (WITHOUT_EXP, 5, "exponentials / shifted"),  # np.exp(shifted, shifted) writes into shifted
        (KEPT_ELSEWHERE, 4, "s_new"),
        (WITHOUT_ITS_VARIABLES, 5, "np.log"),  # the answer has others
        (IMPORTS, 4, "exp"),
        (FROM_A_LIST, 4, "np.array(values)"),  # not where the answer's own line would fit in
        (WALK, 6, "1"),
        (HE_INIT, 5, "np.random.randn(D, M)"),
        (TWO_LINES, 4, "rest"),  # a return put before it would make it right as well
        (CLIPPED, 3, "np.clip(z, -1, 1)"),  # and z in the next line, which would leave this one idle
        (SWAPPED, 6, "z, x = relu_forward(x)"),
        (FLOORED, 3, "np.where(z > 5, 5"),
        (MASKED, 5, "dz[on]"),  # and the mask turned round would make it right as well
        (REVERSED, 4, "caches.reverse()"),
        (NESTED, 6, "np.sum(np.log(np.exp(z)))"),
        (IN_A_BLOCK, 8, "da * np.maximum(z, 0)"),  # not a line that does the work of the whole block
    ],
)
def test_of_several_places_it_is_the_one_that_is_wrong(code, line, part):
    (place,) = check(learner(code.lstrip("\n"), **OURS)).places
    assert place.line == line - 1
    assert part in place.part


FLAT = """
def net_forward(x, params):
    caches = []
    for W, b in params[:-1]:
        z, cache = affine_forward(x, W, b)
        caches += [cache, z]
        x, _ = relu_forward(z)
    logits, cache = affine_forward(x, params[-1][0], params[-1][1])
    caches += [cache, None]
    return logits, caches
"""


@pytest.mark.parametrize(
    ("code", "lines"),
    [(FLAT, {5, 8})],
)
def test_several_lines_are_told_by_the_answers_in_the_learners_names(code, lines):
    assert {place.line for place in repair_of(learner(code.lstrip("\n"), **OURS))} == lines


def test_a_cache_of_several_arrays_is_no_fault_of_check():
    f = learner("def relu_forward(z):\n    a = z.copy()\n    a[z > 0] = 0\n    return a, (a, z)\n")
    assert "dz from your cache is not what it should be" in " ".join(str(check(f)).split())


@pytest.mark.parametrize(("code", "changes", "sentence"), PLACES)
def test_the_place_is_said(code, changes, sentence):
    f = learner(code, *changes)
    verdict = check(f)
    assert not verdict
    assert sentence in " ".join(str(verdict).split()), verdict


def test_of_several_single_changes_the_one_like_the_answer_is_said():
    f = learner(ADAM, ("(np.sqrt(v_hat) + eps)", "(v_hat + eps)"))
    assert "in line 9 " in str(check(f)) or check(f).mistake == "no-root"
    assert {place.line for place in repair_of(f)} == {9}


def repair_of(f):
    with Sandbox(f).open() as sandbox:
        return repair.find_places(EXERCISES[f.__name__], f, sandbox)


def test_where_no_change_makes_all_right_the_one_is_said_that_mends_a_part(monkeypatch):
    monkeypatch.setattr(repair, "_several_of", lambda changes, number: ())
    monkeypatch.setattr(repair, "_pairs", lambda better, others: ())
    monkeypatch.setattr(repair._Search, "lines", lambda self: set())
    monkeypatch.setattr(repair, "SECONDS", 20)  # what is found is asked, not how fast
    f = learner(
        BACKWARD, ("(dz @ W.T)", "(2 * dz @ W.T)"), ("db = dz.sum(axis=0)", "db = 3 + dz[0] - dz[-1]")
    )
    said = repair.place_in_words(repair_of(f))
    assert said.startswith("One change in line 5 mends a part of it (dx): look at")
    f = learner(IN_A_BLOCK.lstrip("\n"), ("(dW, db)", "(db, dW)"), **OURS)
    said = repair.place_in_words(repair_of(f))
    assert said.startswith("One change in line 9 mends a part of it (one layer): look at")
    assert (
        repair_of(
            learner("def relu_forward(z):\n    a = np.sin(z)\n    b = np.tanh(a) / 3\n    return b, [b]\n")
        )
        == []
    )


def test_where_a_line_is_missing_and_another_is_wrong_both_places_are_said(monkeypatch):
    monkeypatch.setattr(repair, "_several_of", lambda changes, number: ())
    monkeypatch.setattr(repair, "_pairs", lambda better, others: ())
    places = repair_of(learner(ADAM, ("    m *= beta1\n", ""), ("np.sqrt(v_hat)", "v_hat")))
    assert {place.line for place in places} == {3, 8}
    assert not repair.place_in_words(places).startswith("One change")


def test_the_repaired_code_is_shown_by_nothing_but_the_solution():
    f = learner(BACKWARD, ("db = dz.sum(axis=0)", "db = dz.mean(axis=0) * 2"))
    shown = [str(check(f)), *(str(hint(f)) for _ in range(2))]
    assert not any("dz.sum" in text for text in shown)


@pytest.mark.parametrize(
    "line",
    [
        "print(z)", "open('x', 'w')", "import os", "z.tofile('x')", "np.save('x', z)", "z.__class__",
        "exec('1')", "global seen", "class A: pass", "input()",
    ],
)  # fmt: skip
def test_what_is_not_arithmetic_is_not_run_in_variants(line):
    f = learner(f"def relu_forward(z):\n    {line}\n    return 2 * np.maximum(0, z), z\n")
    assert repair_of(f) == []


def test_variants_leave_the_data_of_a_notebook_as_they_are():
    seen, array = [], np.zeros(3)
    lines = "    seen.append(1)\n    array[0] += 1\n    return 2 * np.maximum(0, z), z\n"
    f = learner(f"def relu_forward(z):\n{lines}", seen=seen, array=array)
    assert [place.line for place in repair_of(f)] == [4]
    assert seen == []
    assert array[0] == 0


def test_a_function_without_source_has_no_place():
    namespace = {"np": np}
    exec("def relu_forward(z):\n    return 2 * np.maximum(0, z), z", namespace)
    verdict = check(namespace["relu_forward"])
    assert not verdict
    assert "makes it right" not in str(verdict)
    assert repair_of(namespace["relu_forward"]) == []
    assert not check(np.maximum, "relu_forward")


def test_a_docstring_and_an_idle_line_do_not_hide_the_place():
    f = learner(BACKWARD, ("dW = rows.T @ dz", "N = len(x)\n    dW = np.tensordot(rows, dz, 0)"))
    assert {place.line for place in repair_of(f)} == {7}


def test_a_second_check_of_the_same_function_remembers(monkeypatch):
    f = learner(SOFTMAX, ("exponentials /", "3 * exponentials /"))
    first = str(check(f))
    assert "makes it right" in first
    monkeypatch.setattr(api, "find_places", None)
    assert str(check(f)) == first


def test_a_function_whose_helper_has_changed_is_looked_at_anew(monkeypatch):
    code = (
        "def softmax(logits):\n    e = np.exp(shift(logits))\n    return e / e.sum(axis=1, keepdims=True)\n"
    )
    looked, verdict = [], verdict_of(learner(code, shift=lambda z: 2 * z))
    monkeypatch.setattr(api, "in_a_copy", lambda *_: looked.append(1) or [])
    for helper, times in ((lambda z: 2 * z, 1), (lambda z: 2 * z, 1), (lambda z: 3 * z, 2)):
        f = learner(code, shift=helper)
        monkeypatch.setattr(
            api, "verdict_of", lambda f, name, v=verdict, h=helper: replace(v, said=str(h(1)))
        )
        check(f)
        assert len(looked) == times


def test_variants_leave_the_function_and_its_names_as_they_are():
    f = learner(SOFTMAX, ("exponentials /", "3 * exponentials /"))
    before, code = dict(f.__globals__), f.__code__
    repair_of(f)
    assert f.__globals__ == before
    assert f.__code__ is code


def test_hints_are_about_the_place_and_the_kind_of_change():
    f = learner(SOFTMAX, ("logits.max(axis=1, keepdims=True)", "logits.max(axis=1, keepdims=True) + logits"))
    assert "Which line do you suspect, and why?" in str(first := hint(f))
    assert "Hint 1 of 3: Look at line 3, `shifted = logits" in " ".join(str(first).split())
    assert "In it, look at `logits" in " ".join(str(hint(f)).split())
    assert "What it needs is" in str(hint(f))
    assert "That was the last hint; solution(softmax) shows an answer." in " ".join(str(hint(f)).split())


def test_hints_about_a_right_function_and_by_name_are_the_exercises_own():
    own = EXERCISES["softmax"].hints
    text = " ".join(str(hint(learner(SOFTMAX))).split())
    assert any(sentence[:40] in text for sentence in own)


# Two mistakes


def parts(exercise, key):
    """Return the positions, in what is returned, of what a mistake makes wrong."""
    right, wrong = (outcomes_of(exercise, f) for f in (exercise.answer, exercise.mistakes[key].wrong))
    if any(outcome.results is None or outcome.changed for outcome in wrong):
        return frozenset()
    cache = next((i for i, name in enumerate(exercise.returns) if name in ("cache", "caches")), None)
    return frozenset(
        cache if name.endswith(" from your cache") else exercise.returns.index(name)
        for mine, theirs in zip(wrong, right, strict=True)
        for name in theirs.results
        if not np.array_equal(mine.results[name], theirs.results[name])
    )


TWO = [
    pytest.param(exercise, a, b, id=f"{exercise.name}-{a}-{b}")
    for exercise in EXERCISES.values()
    if len(exercise.returns) > 1 and not exercise.observe
    for a, b in itertools.combinations(exercise.mistakes, 2)
    if (one := exercise.returns and parts(exercise, a)) and (two := parts(exercise, b)) and not one & two
]
"""Mistakes in different results; one that is in the catalogue as both together has a name of its own."""


@pytest.mark.parametrize(("exercise", "a", "b"), TWO[::3])
def test_two_mistakes_in_different_results_are_both_named(exercise, a, b):
    places = parts(exercise, a), parts(exercise, b)

    def both(*args):
        one, two, right = (
            f(*copy.deepcopy(args))
            for f in (exercise.mistakes[a].wrong, exercise.mistakes[b].wrong, exercise.answer)
        )
        chosen = [one if i in places[0] else two if i in places[1] else right for i in range(len(right))]
        return tuple(each[i] for i, each in enumerate(chosen))

    verdict = verdict_of(both, exercise.name)
    together = {"neither-averaged", "both-averaged-over-classes", "both-signs", "columns-for-pairs"}
    assert {a, b} <= set(verdict.mistakes) or set(verdict.mistakes) <= together, verdict
    assert not verdict.unknown


def test_a_known_mistake_is_named_beside_one_that_nobody_knows():
    f = learner(BACKWARD, ("rows.T @ dz", "dz.T @ rows"), ("dz.sum(axis=0)", "dz.sum(axis=0) ** 2"))
    verdict = verdict_of(f)
    assert verdict.mistakes == ("transposed",)
    assert verdict.unknown
    assert "db is not what it should be yet" in " ".join(str(verdict).split())


def test_inputs_that_show_too_little_are_told_all_that_they_lack():
    shapes = (4, 2), (4, 3), (3, 2)
    verdict = verdict_of(
        lambda rng: [tuple(10 * rng.standard_normal(shape) for shape in shapes)], "breaking_inputs"
    )
    assert set(verdict.mistakes) == {"tables-only", "no-batch-of-one"}
    assert not verdict.unknown
    verdict = verdict_of(lambda rng: [(np.full((2, 2), np.nan),) * 3], "breaking_inputs")
    assert "arrays of finite numbers" in verdict.said
