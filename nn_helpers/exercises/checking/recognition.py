"""Recognise the mistakes of the catalogue: one that explains all a function does, or one for each result.

A mistake is known by the results that it makes wrong. Where a function has these results wrong, and in the
same way, on all cases, it makes the mistake; what else is wrong with it may be another one, or nobody's.
"""

import functools

import numpy as np

from nn_helpers.exercises.checking.comparison import same_results
from nn_helpers.exercises.checking.error_meanings import message
from nn_helpers.exercises.checking.sandbox import outcome_on
from nn_helpers.exercises.checking.source import words
from nn_helpers.exercises.exercise import MalformedResult


@functools.cache
def outcomes_of(exercise, f):
    """Return the outcomes of one of our functions on all cases of an exercise."""
    return [outcome_on(exercise, f, case) for case in exercise.all_cases]


def recognise(trial):
    """Return the names of mistakes that a function makes, and the names of the results that they explain."""
    if not trial.complete:
        return (), set()
    for dtypes in (True, False):
        for key, mistake in trial.exercise.mistakes.items():
            if not dtypes and _only_in_the_dtype(trial.exercise, mistake.wrong):
                continue
            known = outcomes_of(trial.exercise, mistake.wrong)
            if _same(trial.exercise, trial.outcomes, known, dtypes) and _is_sure(trial, key):
                return (key,), set(trial.names)
    return _result_by_result(trial)


def _result_by_result(trial):
    """Name a mistake for each result that is wrong, those first that explain most."""
    if any(outcome.results is None for outcome in trial.outcomes):
        return (), set()
    left, found = set(trial.wrong_results), []
    fitting = [(key, wrong) for key in trial.exercise.mistakes if (wrong := _fits(trial, key))]
    for key, wrong in sorted(fitting, key=lambda pair: -len(pair[1])):
        if wrong <= left:
            found.append((min(map(trial.names.index, wrong)), key))
            left -= wrong
    return tuple(key for _, key in sorted(found)), set(trial.wrong_results) - left


def _fits(trial, key):
    """Return the results that a mistake makes wrong, if the function has them wrong in the same way."""
    exercise, mistake = trial.exercise, trial.exercise.mistakes[key]
    dtypes, wrong = _only_in_the_dtype(exercise, mistake.wrong), wrong_results(exercise, key)
    known = outcomes_of(exercise, mistake.wrong)
    fits = wrong and wrong <= set(trial.wrong_results) and all(
        _same_result(exercise, name, mine.results, theirs.results, dtypes)
        for mine, theirs in zip(trial.outcomes, known, strict=True)
        for name in wrong
    )  # fmt: skip
    return wrong if fits and _is_sure(trial, key) else set()


@functools.cache
def wrong_results(exercise, key):
    """Return the names of the results that a mistake makes wrong; none where it does anything else, too."""
    right, known = (outcomes_of(exercise, f) for f in (exercise.answer, exercise.mistakes[key].wrong))
    if any(outcome.results is None or outcome.changed or outcome.global_random for outcome in known):
        return frozenset()
    names = {name for outcome in right for name in outcome.results}
    return frozenset(
        name
        for name in names
        if not all(
            _same_result(exercise, name, mine.results, theirs.results)
            for mine, theirs in zip(known, right, strict=True)
        )
    )


def _same_result(exercise, name, results, others, dtypes=True):
    pair = [{name: each[name]} if name in each else {} for each in (results, others)]
    return same_results(*pair, exercise.tolerances, dtypes, exercise.floats)


def _is_sure(trial, key):
    """Say whether a function that does the same as a mistake makes it: others may do the same."""
    sure = trial.exercise.sure.get(key)
    try:
        return sure is None or sure(words(trial.f), trial.outcomes[0].returned)
    except Exception:  # a class of the learner's own may calculate by any rules
        return False


@functools.cache
def _only_in_the_dtype(exercise, wrong):
    """Say whether a mistake has the right numbers, of another dtype."""
    right = outcomes_of(exercise, exercise.answer)
    return _same(exercise, outcomes_of(exercise, wrong), right, dtypes=False)


def _same(exercise, outcomes, others, dtypes=True):
    """Say whether two functions did the same on all cases."""
    return all(
        (a.changed, a.global_random) == (b.changed, b.global_random)
        and type(a.error) is type(b.error)
        and (a.error is None or message(a.error) == message(b.error))
        and (
            a.results is None
            or same_results(a.results, b.results, exercise.tolerances, dtypes, exercise.floats)
        )
        and (not isinstance(a.error, MalformedResult) or _same_returned(a.returned, b.returned, dtypes))
        for a, b in zip(outcomes, others, strict=True)
    )


def _same_returned(a, b, dtypes):
    """Compare malformed results; of a generator, only the type."""
    if isinstance(a, np.ndarray | list | tuple):
        return same_results({"returned": a}, {"returned": b}, dtypes=dtypes)
    return type(a) is type(b)
