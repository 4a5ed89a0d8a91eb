"""What holds for every exercise of every lesson."""

import ast
import builtins
import functools
import inspect
import itertools
import pkgutil
import re
import textwrap
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from nn_helpers.exercises import check, hint, solution, yours_or_ours
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import sandbox
from nn_helpers.exercises.checking.comparison import identical, same_results
from nn_helpers.exercises.checking.error_meanings import message
from nn_helpers.exercises.checking.recognition import outcomes_of

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def lesson_of(exercise):
    """Return the name of the module that the exercise is in: ``lesson01``."""
    return exercise.answer.__module__.rpartition(".")[2]


ALL = [pytest.param(e, id=f"{lesson_of(e)}-{e.name}") for e in EXERCISES.values()]
MISTAKES = [
    pytest.param(e, key, id=f"{lesson_of(e)}-{e.name}-{key}")
    for e in EXERCISES.values()
    for key in e.mistakes
]
each_exercise = pytest.mark.parametrize("exercise", ALL)
each_mistake = pytest.mark.parametrize(("exercise", "key"), MISTAKES)


# Right answers


@each_exercise
def test_the_answer_is_right(exercise):
    verdict = check(exercise.answer)
    assert verdict, verdict
    assert (verdict.kind, verdict.mistake) == ("right", None)
    assert exercise.then in " ".join(str(verdict).split())


@each_exercise
def test_the_librarys_function_is_right(exercise):
    verdict = check(exercise.ours)
    assert verdict, verdict
    if exercise.ours is exercise.library:
        assert "the library's own function" in str(verdict)


@each_exercise
def test_an_answer_without_source_is_right(exercise):
    source = textwrap.dedent(inspect.getsource(exercise.answer))
    names = dict(exercise.answer.__globals__)
    exec(compile(source, "<nowhere>", "exec"), names)
    assert check(names[exercise.name]), check(names[exercise.name])


@each_exercise
def test_the_answer_uses_only_numpy_and_earlier_answers(exercise):
    known = list(EXERCISES)
    earlier = known[: known.index(exercise.name)]
    assert globals_used_by(exercise.answer) <= {"np", *earlier, *vars(builtins)}


def globals_used_by(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    local = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    local |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    local |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - local


@each_exercise
def test_the_answer_can_be_read(exercise):
    assert exercise.answer.__doc__
    source = inspect.getsource(exercise.answer)
    assert len(source.splitlines()) <= 30
    assert source.rstrip() in str(solution(exercise.answer))


@each_exercise
def test_the_solution_shows_nothing_that_a_learner_does_not_know(exercise):
    text = str(solution(exercise.name))
    assert not re.search(r"\bscratch\b|\bin_blocks\b|\bnumber\(|\b_[a-z]", text)
    if exercise.library:
        assert exercise.library.__name__ == exercise.name
        assert text.endswith(inspect.getsource(exercise.library).rstrip())
    if exercise.elsewhere:
        *_, last = text.splitlines()
        assert last == f"# {exercise.elsewhere}"
        assert len(last) <= 100
        assert pkgutil.resolve_name(exercise.elsewhere.split()[0])


def test_the_solution_of_adam_has_the_names_of_the_lesson():
    text = str(solution("adam_step"))
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert names == {"np", *EXERCISES["adam_step"].parameters, "m_hat", "v_hat"}


# Catalogued mistakes


@functools.cache
def verdict_on(exercise, key):
    """Return the verdict on a mistake, which several tests look at."""
    return check(exercise.mistakes[key].wrong, exercise.name)


@each_mistake
def test_a_catalogued_mistake_is_named_and_explained(exercise, key):
    mistake = exercise.mistakes[key]
    verdict = verdict_on(exercise, key)
    assert (verdict.kind, verdict.mistake) == ("mistake", key), verdict
    text = str(verdict)
    said = "(.+)".join(re.escape(part) for part in re.split("{.+?}", mistake.sentence))
    assert re.search(said, " ".join(text.split()))
    assert f'"{mistake.section or exercise.section}" in lesson {exercise.lesson}' in text
    assert "For example, with " in text
    assert f"hint({exercise.name})" in text


@each_mistake
def test_a_mistake_is_taken_for_no_other_and_differs_from_the_answer(exercise, key):
    others = [mistake.wrong for other, mistake in exercise.mistakes.items() if other != key]
    for other in [*others, exercise.answer]:
        mine, theirs = outcomes_of(exercise, exercise.mistakes[key].wrong), outcomes_of(exercise, other)
        assert any(different(exercise, a, b) for a, b in zip(mine, theirs, strict=True))


def different(exercise, a, b):
    if a.error is not None or b.error is not None:
        return message(a.error) != message(b.error) or type(a.returned) is not type(b.returned)
    return (a.changed, a.global_random) != (b.changed, b.global_random) or not same_results(
        a.results, b.results, exercise.tolerances
    )


@each_exercise
def test_the_catalogue_is_complete(exercise):
    keys = list(exercise.mistakes)
    assert len(keys) >= 4
    assert all(re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", key) for key in keys)
    assert 1 <= len(exercise.hints) <= 3
    assert exercise.then.endswith((".", "?", "!"))


def texts_of(exercise):
    yield check(exercise.answer)
    yield from (verdict_on(exercise, key) for key in exercise.mistakes)
    yield from (hint(exercise.name) for _ in exercise.hints)


@each_exercise
def test_texts_are_plain(exercise):
    for text in map(str, texts_of(exercise)):
        assert not re.search(r"0x[0-9a-f]{4}|/tmp|site-packages|Traceback|nn_helpers/|Unusable", text)
        assert not re.search(r"\b(simply|just|easy|easily|obviously|trivial)\b", text)
        assert max(map(len, text.splitlines())) <= 120


@each_exercise
def test_hints_come_one_after_the_other(exercise):
    total = len(exercise.hints)
    shown = [str(hint(exercise.answer)) for _ in range(total + 1)]
    assert [re.match(r"Hint (\d)", text)[1] for text in shown[-1:]] == [str(total)]
    assert repr(hint(exercise.name)) == shown[-1]


# Cases


@each_exercise
def test_cases_are_few_small_and_the_same_every_time(exercise):
    first, again = list(exercise.cases()), list(exercise.cases())
    names = [case.name for case in first]
    assert 2 <= len(names) <= 16
    assert len(set(names)) == len(names)
    for one, other in zip(first, again, strict=True):
        assert identical(one.args, other.args)
    assert sum(sizes(case.args) for case in first) < 500_000


def sizes(value):
    if isinstance(value, list | tuple):
        return sum(map(sizes, value))
    return value.size if isinstance(value, np.ndarray) else 1


@each_exercise
def test_the_first_case_is_small_enough_to_read(exercise):
    assert sizes(exercise.all_cases[0].args) <= 40


@each_exercise
def test_the_answer_changes_no_argument_and_uses_no_global_random_numbers(exercise):
    for outcome in outcomes_of(exercise, exercise.answer):
        assert outcome.error is None
        assert not outcome.changed
        assert not outcome.global_random


@each_exercise
def test_a_check_is_quick(exercise):
    check(exercise.answer)  # makes cases and outcomes
    durations = [cpu_seconds(lambda: check(exercise.answer)) for _ in range(3)]
    assert min(durations) < 4 * calibration()


def cpu_seconds(task):
    start = time.process_time()
    task()
    return time.process_time() - start


@functools.cache
def calibration():
    """Return the seconds of a task that takes about 0.1: machines differ, ratios do not."""
    return min(cpu_seconds(lambda: sum(i * i for i in range(2_000_000))) for _ in range(3))


@each_exercise
def test_the_same_function_gets_the_same_text(exercise):
    for key, mistake in itertools.islice(exercise.mistakes.items(), 2):
        assert str(check(mistake.wrong, exercise.name)) == str(verdict_on(exercise, key))


# What anybody may hand in, for any exercise


def function_like(exercise, body):
    """Return a function with the exercise's name and arguments, and a body of its own."""
    source = f"def {exercise.name}{inspect.signature(exercise.answer)}:\n{textwrap.indent(body, '    ')}\n"
    scope = {"np": np, "right": exercise.answer}
    exec(source, scope)
    return scope[exercise.name]


@each_exercise
@pytest.mark.parametrize(
    "body",
    [
        "...",
        "pass",
        "return None",
        "return ...",
        "raise NotImplementedError",
        "raise NotImplementedError('your code here')",
        '"""Return it."""',
        "# your code\nresult = ...\nreturn result",
        "result = ...\nreturn result, result",
    ],
)
def test_a_blank_is_not_a_mistake(exercise, body):
    verdict = check(function_like(exercise, body))
    assert (verdict.kind, verdict.mistake) == ("not attempted", None), verdict
    assert not verdict


def call(exercise):
    return f"right({', '.join(exercise.parameters)})"


@each_exercise
def test_an_error_is_reported_with_its_line(exercise):
    verdict = check(function_like(exercise, f"result = {call(exercise)}\nreturn undefined_name"))
    assert verdict.kind == "mistake"
    assert "NameError: name 'undefined_name' is not defined" in str(verdict)
    assert f"line 3 of {exercise.name}" in str(verdict)
    assert "Is the name spelt" in str(verdict)


def one_of_each_kind():
    """Return an exercise for each way to look at results."""
    return {(bool(e.in_place), bool(e.observe), bool(e.partner)): e for e in EXERCISES.values()}.values()


@pytest.mark.parametrize("exercise", one_of_each_kind(), ids=lambda e: e.name)
def test_a_loop_without_end_is_stopped(exercise, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    body = "while True:\n    try:\n        pass\n    except Exception:\n        pass"
    verdict = check(function_like(exercise, body))
    assert verdict.kind == "mistake"
    assert "did not come to an end" in str(verdict)


@each_exercise
def test_an_argument_that_is_overwritten_is_noticed(exercise):
    arrays = [
        name
        for name, value in zip(exercise.parameters, exercise.all_cases[0].args, strict=False)
        if isinstance(value, np.ndarray) and value.size and name not in exercise.in_place
    ]
    for name in arrays:
        body = f"result = {call(exercise)}\n{name}[...] = {name} + 1\nreturn result"
        verdict = check(function_like(exercise, body))
        assert verdict.kind == "mistake"
        if not (verdict.mistake or exercise.observe):  # which may call more than once
            assert f"changes its argument {name}" in str(verdict), name


@each_exercise
def test_global_random_numbers_are_noticed(exercise):
    for draw in ("np.random.rand()", "np.random.seed(0)", "__import__('random').random()"):
        verdict = check(function_like(exercise, f"{draw}\nreturn {call(exercise)}"))
        assert verdict.kind == "mistake"
        assert "global random generator" in str(verdict), draw


@each_exercise
def test_what_is_printed_is_shown_once_and_kept_from_the_screen(exercise, capsys):
    verdict = check(function_like(exercise, f"print('looking at it')\nreturn {call(exercise)}"))
    assert verdict
    assert "On the first input it printed:\n    looking at it" in str(verdict)
    if not exercise.observe:
        assert str(verdict).count("looking at it") == 1
    assert capsys.readouterr().out == ""


@each_exercise
def test_other_arguments_are_reported(exercise):
    scope = {}
    exec(f"def {exercise.name}(): pass\ndef many(a, b, c, d, e, f, g, h, i, j, k): pass", scope)
    for f in (scope[exercise.name], scope["many"]):
        verdict = check(f, exercise.name)
        assert verdict.kind == "mistake"
        assert exercise.signature in " ".join(str(verdict).split())


class Hostile:
    """An object that cannot be printed, compared, counted or made an array."""

    def fail(self, *args, **kwargs):
        raise RuntimeError("do not look at me")

    __array__ = __bool__ = __eq__ = __iter__ = __len__ = __repr__ = __str__ = __getitem__ = fail
    __hash__ = object.__hash__


SELF = []
SELF.append(SELF)
STRANGE = {
    "text": "a string",
    "number": 3,
    "lists": [[1.0]],
    "nothing in a list": [],
    "nothing in a tuple": (),
    "four things": (1, 2, 3, 4),
    "zeros": np.zeros(2),
    "function": lambda: 1,
    "hostile": Hostile(),
    "itself": SELF,
    "empty": np.array([]),
    "no rows": np.zeros((0, 3)),
    "no axes": np.array(1.0),
    "texts": np.array(["a", "b"]),
    "objects": np.array([None, "a"], dtype=object),
    "records": np.zeros(2, dtype=[("x", float)]),
    "matrix": np.eye(2).view(np.matrix),
    "masked": np.ma.masked_equal([1.0, 2.0], 1.0),
    "complex": np.ones((1, 3)) * 1j,
    "nan": float("nan"),
    "nans": np.full((1, 3), np.nan),
    "infinite": np.full((1, 3), np.inf),
    "huge": 10**400,
    "int": np.ones((1, 3), dtype=np.int8),
    "half": np.ones((1, 3), dtype=np.float16),
    "many axes": np.ones((1,) * 20),
    "ragged": [[1.0], [1.0, 2.0]],
    "arrays": [np.ones(3), np.ones(2)],
    "dict": {"a": np.ones(3)},
    "type": int,
    "module": np,
    "error": ValueError("returned, not raised"),
}


@each_exercise
def test_strange_results_are_mistakes_that_can_be_described(exercise):
    count = max(1, len(exercise.returns))
    bodies = ["return strange"]
    if not exercise.in_place:  # which take nothing apart
        bodies += [f"return {', '.join(['strange'] * n)}" for n in {2, count} - {1}]
    if count > 1:
        names = [f"r{i}" for i in range(count)]
        for i in range(count):
            changed = ", ".join([*names[:i], "strange", *names[i + 1 :]])
            bodies.append(f"{', '.join(names)} = {call(exercise)}\nreturn {changed}")
    for body in bodies:
        f = function_like(exercise, body)
        for what, strange in STRANGE.items():
            f.__globals__["strange"] = strange
            verdict = check(f)
            if not exercise.in_place:  # which ignore what is returned
                assert verdict.kind == "mistake", (what, body)
            assert str(verdict), (what, body)


@each_exercise
def test_yours_is_used_when_it_is_right_and_ours_otherwise(exercise, capsys):
    mine = function_like(exercise, f"return {call(exercise)}")
    assert yours_or_ours(mine) is mine
    assert capsys.readouterr().out == f"{exercise.name}: yours\n"
    wrong = next(iter(exercise.mistakes.values())).wrong
    assert yours_or_ours(wrong, exercise.name) is exercise.ours
    assert "check says what is wrong" in capsys.readouterr().out
    assert yours_or_ours(function_like(exercise, "...")) is exercise.ours
    assert "not written yet" in capsys.readouterr().out


# The lessons


@each_exercise
def test_sections_that_are_pointed_to_exist(exercise):
    path = NOTEBOOKS / f"{exercise.lesson}.ipynb"
    if not path.exists():
        pytest.skip(f"{path.name} is not there yet")
    cells = nbformat.read(path, as_version=4).cells
    titles = {
        re.sub(r"^\d+ · ", "", title)
        for cell in cells
        if cell.cell_type == "markdown"
        for title in re.findall(r"^##+ (.+)$", cell.source, re.M)
    }
    assert {exercise.section, *(m.section for m in exercise.mistakes.values() if m.section)} <= titles
