"""No wrong answer passes: every mutant of every answer is refused, or known to be equivalent."""

import functools
import importlib.util
from pathlib import Path

import pytest
from mutation import compile_mutant, difference, mutants

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.api import verdict_of

HERE = Path(__file__).parent


def lesson_of(exercise):
    """Return the name of the module that the exercise is in: ``lesson01``."""
    return exercise.answer.__module__.rpartition(".")[2]


ALL = [pytest.param(e, id=f"{lesson_of(e)}-{e.name}") for e in EXERCISES.values()]


@functools.cache
def equivalents_of_lesson(lesson):
    """Return {exercise: {description: reason}} from ``equivalents_lessonNN.py``, if there is one."""
    path = HERE / f"equivalents_{lesson}.py"
    if not path.exists():
        return {}
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EQUIVALENT


@functools.cache
def passing(exercise):
    """Return (how many mutants there are, the descriptions of those that pass)."""
    verdicts = [
        (description, bool(verdict_of(compile_mutant(source, exercise.answer), exercise.name)))
        for description, source in mutants(exercise.answer)
    ]
    return len(verdicts), [description for description, passes in verdicts if passes]


@pytest.mark.parametrize("exercise", ALL)
def test_every_mutant_is_refused_or_equivalent(exercise):
    count, passed = passing(exercise)
    known = equivalents_of_lesson(lesson_of(exercise)).get(exercise.name, {})
    unknown = [description for description in passed if description not in known]
    lines = "\n".join(f'    "{description}": "",' for description in unknown)
    assert not unknown, f"these mutants of {exercise.name} pass:\n{lines}"
    assert count - len(passed) >= 10
    stale = set(known) - set(passed)
    assert not stale, f"listed as equivalent, but refused or never made: {stale}"
    assert all(known.values()), "an equivalent mutant needs a reason"


def test_more_than_200_mutants_are_refused(capsys):
    results = {name: passing(exercise) for name, exercise in EXERCISES.items()}
    made = sum(count for count, _ in results.values())
    equivalent = sum(len(passed) for _, passed in results.values())
    with capsys.disabled():
        print(
            f"\nmutants of {len(results)} answers: {made} made, {made - equivalent} refused, "
            f"{equivalent} equivalent"
        )
    assert made - equivalent > 200


# The generator itself


def double(x, y):
    """Return something to make mutants of."""
    y -= 1
    return 2 * x.T, y


def test_the_generator_changes_operators_constants_names_and_order_and_drops_lines():
    made = dict(mutants(double))
    for description in (
        "y -= 1  →  (nothing)",
        "y -= 1  →  y += 1",
        "y -= 1  →  y = y - 1",
        "y -= 1  →  y -= 2",
        "return (2 * x.T, y)  →  return (2 / x.T, y)",
        "return (2 * x.T, y)  →  return (2 * x, y)",
        "return (2 * x.T, y)  →  return (2 * y.T, y)",
        "return (2 * x.T, y)  →  return (y, 2 * x.T)",
        "return (2 * x.T, y)  →  return y",
        "return (2 * x.T, y)  →  return",
    ):
        assert description in made, description
    assert all(difference("def double(x, y):\n    y -= 1\n    return (2 * x.T, y)", s) for s in made.values())


def test_a_mutant_is_called_like_the_function():
    source = dict(mutants(double))["y -= 1  →  y += 1"]
    assert compile_mutant(source, double).__name__ == "double"
