"""Describe what is wrong with a result when no mistake in the catalogue fits.

`diagnose` asks the functions below one after the other; each returns a sentence and the index of the
case that shows it, or None.
"""

import functools

import numpy as np

from nn_helpers.exercises.checking.comparison import agrees, close, identical, is_numeric
from nn_helpers.exercises.checking.error_meanings import error_in_words, message
from nn_helpers.exercises.checking.facts import facts
from nn_helpers.exercises.checking.origin import origin
from nn_helpers.exercises.checking.recognition import outcomes_of
from nn_helpers.exercises.checking.sandbox import (
    FROM_CACHE,
    ChecksItself,
    OutOfTime,
    UnusableCache,
    WaitsForAnswer,
)
from nn_helpers.exercises.checking.trial import Trial
from nn_helpers.exercises.checking.wording import a_kind_of, join_names
from nn_helpers.exercises.exercise import MalformedResult

TOO_LONG = (
    "It did not come to an end in time, so it was stopped. Does every `while` reach its end? If there "
    "are loops over single numbers, one NumPy call on the whole array is shorter and much faster."
)


def first_wrong_thing(trial):
    """Return a trial of the cases that are right, or wrong in the way of the first that is wrong."""
    if not trial.complete:
        return trial
    first, *others = (i for i, fine in enumerate(trial.verdicts) if not fine)
    unlike = {i for i in others if _way(trial.of([i])) is not _way(trial.of([first]))}
    return trial.of([i for i in range(len(trial.cases)) if i not in unlike])


def _way(trial):
    return next((look for look in (_error, _kind, _shape, _finite) if look(trial)), None)


def diagnose(trial, sandbox):
    """Return (sentence, index of the case to show) for a trial that is not right."""
    for look in (_stop, _argument_order, _error):
        if found := look(trial):
            return found
    looks = _results(trial, sandbox), _changed_argument(trial), _random(trial)
    sentences, indices = zip(*(list(filter(None, looks)) or [_shared(trial)]), strict=True)
    return "\n".join(sentences), indices[0]


def _results(trial, sandbox):
    looks = _kind, _shape, _cache, functools.partial(_finite, sandbox=sandbox), _numbers
    return next(filter(None, (look(trial) for look in looks)), None)


def _stop(trial):
    error, index = trial.outcomes[-1].error, len(trial.outcomes) - 1
    if isinstance(error, OutOfTime):
        return TOO_LONG, index
    if isinstance(error, WaitsForAnswer):
        return (
            f"It waits for you: {message(error)} goes on only when somebody types, and in a check "
            "nobody does. Take it out."
        ), index
    if isinstance(error, ChecksItself):
        return (
            "The function is checked in its own lines, so that each check would begin with another. "
            f"`check({trial.exercise.name})` belongs below the function, at the left margin."
        ), index
    return None


def _argument_order(trial):
    code = getattr(trial.f, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if code else ()
    wanted = trial.exercise.parameters
    if names == wanted or sorted(names) != sorted(wanted):
        return None
    return f"Its arguments come in another order: ({', '.join(wanted)}), not ({', '.join(names)}).", 0


def _error(trial):
    exercise = trial.exercise
    for index, outcome in enumerate(trial.outcomes):
        came_back = outcome.came_back and outcome.where is None
        if came_back and outcome.returned is None and not exercise.in_place:
            return (
                f"It returns nothing. Its last line should be `return {', '.join(exercise.returns)}`.",
                index,
            )
        if isinstance(outcome.error, MalformedResult):
            return message(outcome.error), index
        if outcome.error is not None and came_back:
            return f"It returns {a_kind_of(outcome.returned)}, which is not what was asked for.", index
        if outcome.error is not None:
            return error_in_words(outcome) + _right_cases(trial, index), index
    return None


def _right_cases(trial, index):
    right = _praised(trial, trial.verdicts)
    return f"\nIt was right for {join_names(right)}." if right and index else ""


def _praised(trial, fine):
    """Return the names of cases that are right, without those that most mistakes get right."""
    easy = easy_cases(trial.exercise)
    return [case.name for case, right in zip(trial.cases, fine, strict=True) if right and case not in easy]


@functools.cache
def easy_cases(exercise):
    """Return the cases that at least half of the known mistakes get right: one row, one class, T = 1."""
    right = outcomes_of(exercise, exercise.answer)
    wrong = [
        Trial(exercise, m.wrong, outcomes_of(exercise, m.wrong), right) for m in exercise.mistakes.values()
    ]
    return {
        case
        for i, case in enumerate(exercise.all_cases)
        if wrong and 2 * sum(trial.verdicts[i] for trial in wrong) >= len(wrong)
    }


def _kind(trial):
    for index, name, yours, right in trial.leaves:
        if isinstance(yours, UnusableCache):
            continue
        if is_numeric(right) and not is_numeric(yours):
            wanted = "an array" if np.ndim(right) else "one number"
            return (
                f"{name} should be {wanted}; yours is {a_kind_of(yours)}.{_list(name, yours, right)}",
                index,
            )
        if isinstance(right, list | tuple):  # of another length, or leaves would have gone into it
            length = f" of {len(yours)}" if isinstance(yours, list | tuple) else ""
            wanted = f"{a_kind_of(right)} of {len(right)}"
            return f"{name} should be {wanted}; yours is {a_kind_of(yours)}{length}.", index
    return None


def _list(name, yours, right):
    """Say so when the numbers in a list are right."""
    try:
        fits = isinstance(yours, list | tuple) and agrees(np.array(yours, dtype=float), right, dtypes=False)
    except Exception:  # lists of anything
        fits = False
    return f" The numbers in it are right: `np.array({name})` makes it an array." if fits else ""


def _shape(trial):
    for index, name, yours, right in trial.leaves:
        if is_numeric(right) and is_numeric(yours) and np.shape(yours) != np.shape(right):
            return _shape_sentence(trial.arguments(index), name, np.asarray(yours), np.asarray(right)), index
    return None


def _shape_sentence(arguments, name, yours, right):
    arrays = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    like = next((f", as {other} has" for other, array in arrays.items() if array.shape == right.shape), "")
    wanted = f"have the shape {right.shape}{like}" if right.ndim else "be one number"
    mine = f"has {yours.shape}" if right.ndim else f"is {a_kind_of(yours)}"
    if not yours.ndim:
        mine = "is one number"
    if _is_transpose(yours, right):
        remedy = "It is transposed, and otherwise right."
    elif yours.ndim > 1 and yours.shape == right.shape[::-1]:
        remedy = "It is transposed."
    elif yours.size == right.size:
        fits = ", and they are right" if close(yours.reshape(right.shape), right) else ""
        remedy = f"It has as many numbers as it should{fits}: reshape it."
    elif yours.size < right.size:
        remedy = "Something was summed or cut away that should have stayed."
    else:
        remedy = "Something stayed that should have been summed or cut away."
    return f"{name} should {wanted}; yours {mine}. {remedy}"


def _changed_argument(trial):
    for index, outcome in enumerate(trial.outcomes):
        for name in outcome.changed:
            praise = "It also" if trial.wrong_results else "The result is right, but it"
            return (
                f"{praise} changes its argument {name}, and whoever called it still needs {name} as it was. "
                f"`{name} *= 2`, `{name}[mask] = 0` and `out={name}` write into the array itself, and "
                f"`a = {name}` gives the same array a second name. Compute a new one, or begin with "
                f"`{name} = {name}.copy()`."
            ), index
    return None


def _cache(trial):
    """Look at the cache when nothing else is wrong."""
    from_cache = [name for name in trial.names if name.endswith(FROM_CACHE)]
    wrong = trial.wrong_results
    if not wrong or not set(wrong) <= set(from_cache):
        return None
    index = trial.right_results[wrong[0]].index(False)
    partner, value = trial.exercise.partner, trial.outcomes[index].results[wrong[0]]
    fails = f"raises {value.error}" if isinstance(value, UnusableCache) else "computes something wrong"
    good = [name for name in trial.names if name not in from_cache]
    if not good:
        return None
    return (
        f"{join_names(good)} {_is(good)} right, but the cache is not what {partner} needs: with it, "
        f"{partner} {fails}."
    ), index


def _shared(trial):
    index, name = next((i, outcome.shared[0]) for i, outcome in enumerate(trial.outcomes) if outcome.shared)
    return (
        f"The numbers are right, but with {trial.cases[index].name} the result is the argument {name} "
        "itself, and whoever changes the one changes the other. Return a new array, such as "
        f"`{name}.copy()`."
    ), index


def _random(trial):
    for index, outcome in enumerate(trial.outcomes):
        if outcome.global_random:
            has_rng = "rng" in trial.exercise.parameters
            instead = "Draw from the argument rng instead." if has_rng else "Nothing here needs to be random."
            return (
                "It draws from the global random generator, `np.random.…` or `random.…`, or seeds it. All "
                f"code shares that one, so results depend on what ran before. {instead}"
            ), index
    return None


def _finite(trial, sandbox=None):
    for index, name, yours, right in trial.leaves:
        numeric = is_numeric(right) and is_numeric(yours)
        if numeric and np.isfinite(right).all() and not np.isfinite(yours).all():
            what = "NaN, not a number," if np.isnan(yours).any() else "infinity"
            why = f" {origin(trial, index, sandbox)}" if sandbox else ""
            return f"{name} contains {what} where the right numbers are finite.{why}", index
    return None


def beside(trial, keys, explained, sandbox):
    """Return sentences for what is wrong with a function beside mistakes that have a name."""
    wrong = [trial.exercise.mistakes[key].wrong for key in keys]
    known = [outcome for f in wrong for outcome in outcomes_of(trial.exercise, f)]
    found = []
    if not explained >= set(trial.names) and (left := [n for n in trial.wrong_results if n not in explained]):
        rest = first_wrong_thing(trial.only(left))
        found += [*facts(rest, sandbox, in_code=False), _results(rest, sandbox)]
    if not any(outcome.changed for outcome in known):
        found.append(_changed_argument(trial))
    if not any(outcome.global_random for outcome in known):
        found.append(_random(trial))
    return [each if isinstance(each, str) else each[0] for each in found if each]


def _numbers(trial):
    """Say what is wrong with the first result whose numbers, or whose kind of numbers, are wrong."""
    if not trial.wrong_results:
        return None
    name = trial.wrong_results[0]
    good = [n for n in trial.names if n not in trial.wrong_results and not n.endswith(FROM_CACHE)]
    praise = f"{join_names(good)} {_is(good)} right. " if good else ""
    sentences = (
        look(trial, name)
        for look in (_yes_or_no, _unchanged, _too_small, _dtype, _factor, _transpose, _some_cases)
    )
    return praise + next(filter(None, sentences)), trial.right_results[name].index(False)


def _yes_or_no(trial, name):
    """Say what is so and should not be, or the other way round."""
    right = next(right for _, yours, right in trial.values(name) if not trial.agrees(name, yours, right))
    if not isinstance(right, bool):
        return None
    yes, no = ("yes", "no") if right else ("no", "yes")
    return f"One thing is not right: {name}. It should be {yes}, and in yours it is {no}."


def _unchanged(trial, name):
    before = [trial.arguments(index).get(name) for index in range(len(trial.cases))]
    after = [outcome.results[name] for outcome in trial.outcomes]
    if name not in trial.exercise.in_place or not all(map(identical, before, after)):
        return None
    return f"{name} is after the call what it was before: nothing in the function changes that array."


def _too_small(trial, name):
    """Look for whole numbers that do not fit their dtype."""
    for _, yours, right in trial.values(name):
        dtype = getattr(yours, "dtype", np.dtype(float))
        largest = np.max(right, initial=0) if is_numeric(right) else 0
        if dtype.kind in "iu" and largest > (limit := np.iinfo(dtype).max):
            return f"{name} is made of {dtype}, whose largest number is {limit}: {largest:.0f} does not fit."
    return None


def _dtype(trial, name):
    values = trial.values(name)
    if not all(trial.agrees(name, yours, right, dtypes=False) for _, yours, right in values):
        return None
    mine, wanted = next((np.asarray(y).dtype, r.dtype) for _, y, r in values if not trial.agrees(name, y, r))
    why = ""
    if wanted == np.float32:
        why = (
            " float32 in, float32 out saves half the memory. `np.zeros(…)` makes float64; `np.zeros_like(…)` "
            "keeps the dtype."
        )
    elif mine.kind == "u":
        why = " Without a sign there is no −1: a difference below 0 becomes a very large number."
    return f"The numbers in {name} are right, but they are {mine} and should be {wanted}.{why}"


def _factor(trial, name):
    """Look for one factor on each case that would make the result right."""
    factors = []
    for case, yours, right in trial.values(name):
        if not is_numeric(yours) or not is_numeric(right) or not np.isfinite(right).all():
            return None
        size = float(np.sum(np.square(right, dtype=float)))
        factor = float(np.sum(np.multiply(yours, right, dtype=float))) / size if size else 1.0
        if not close(np.multiply(right, factor), yours):
            return None
        if size:
            factors.append((case, factor))
    return factors and (_constant_factor(name, factors) or _named_factor(trial.exercise, name, factors))


def _constant_factor(name, factors):
    factor = factors[0][1]
    if not np.allclose([other for _, other in factors], factor, rtol=1e-4, atol=1e-9):
        return None
    if abs(factor) < 1e-6:
        return f"{name} is 0 everywhere in yours."
    if np.isclose(factor, -1, rtol=1e-4):
        return f"{name} has the wrong sign: yours is minus the right one, everywhere."
    size = max(abs(factor), 1 / abs(factor))
    digits = next(d for d in (4, 8, 17) if f"{size:.{d}g}" != "1" or d == 17)
    times = f"{size:.{digits}g} times too {'large' if abs(factor) > 1 else 'small'}"
    minus = ", and has the wrong sign" if factor < 0 else ""
    return f"{name} is right but for a factor: yours is {times}{minus}, on every input."


def _named_factor(exercise, name, factors):
    """Name the quantity that all factors are equal to, or to one over it."""
    known = [exercise.quantities_of(case) for case, _ in factors]
    found = [factor for _, factor in factors]
    for symbol in set.intersection(*map(set, known)):
        values = np.array([quantities[symbol] for quantities in known], dtype=float)
        shown = next((value for value in values if value != 1), 1)
        here = f"and {symbol} is {shown:g} here"
        if np.allclose(found, values, rtol=1e-4):
            return f"{name} is {symbol} times too large, {here}. Should it be divided by {symbol}?"
        if np.allclose(found, 1 / values, rtol=1e-4):
            return f"{name} is {symbol} times too small, {here}. Is it divided by {symbol} once too often?"
    return None


def _transpose(trial, name):
    wrong = [(yours, right) for _, yours, right in trial.values(name) if not trial.agrees(name, yours, right)]
    if all(is_numeric(a) and is_numeric(b) and _is_transpose(a, b) for a, b in wrong):
        return f"{name} is transposed: its rows and columns are exchanged."
    return None


def _is_transpose(yours, right):
    transposed = np.transpose(yours)
    return transposed.ndim > 1 and transposed.shape == np.shape(right) and close(transposed, right)


def _some_cases(trial, name):
    fine = trial.right_results[name]
    good, bad = _praised(trial, fine), [c.name for c, f in zip(trial.cases, fine, strict=True) if not f]
    if not good:
        return f"{name} is not what it should be yet."
    return f"{name} is right for {join_names(good)}, but not for {join_names(bad)}."


def _is(names):
    return "is" if len(names) == 1 else "are"
