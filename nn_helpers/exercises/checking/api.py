"""`check`, `hint`, `solution` and `yours_or_ours`: what a learner calls."""

import difflib
import inspect
from collections import Counter

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.sandbox import Sandbox
from nn_helpers.exercises.checking.verdict import Verdict, judge
from nn_helpers.exercises.checking.wording import wrap


class Text(str):
    """A text that a notebook shows as it is."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def check(f, name=None):
    """Say whether f is right, or which mistake it makes.

    Parameters
    ----------
    f : function
    name : str, optional
        The exercise, when the function has another name.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> def relu_forward(z):
    ...     return abs(z), z
    >>> check(relu_forward).mistake
    'absolute-value'
    """
    if not callable(f):
        return Verdict("not attempted", None, wrap(_not_a_function(f)))
    exercise = _find(f, name)
    with Sandbox().open() as sandbox:
        return judge(exercise, f, sandbox)


def hint(f, name=None):
    """Return the next hint for an exercise: the first, second, third, and then the third again.

    Parameters
    ----------
    f : function, or an exercise's name
    name : str, optional
        The exercise, when the function has another name.
    """
    exercise = _find(f, name)
    _hints_given[exercise.name] += 1
    number = min(_hints_given[exercise.name], len(exercise.hints))
    return Text(wrap(f"Hint {number} of {len(exercise.hints)}: {exercise.hints[number - 1]}"))


_hints_given = Counter()


def solution(f, name=None):
    """Return the answer of an exercise, and the library's own source or where the library does the same.

    Parameters
    ----------
    f : function, or an exercise's name
    name : str, optional
        The exercise, when the function has another name.
    """
    exercise = _find(f, name)
    text = inspect.getsource(exercise.answer)
    if library := exercise.library:
        text += f"\n\n# The library's own, {library.__module__}.{library.__name__}:\n\n"
        text += inspect.getsource(library)
    if exercise.elsewhere:
        text += f"\n\n# {exercise.elsewhere}"
    return Text(text.rstrip())


def yours_or_ours(f, name=None):
    """Return f when `check` says it is right, or else the library's function, and print which it is.

    Parameters
    ----------
    f : function
    name : str, optional
        The exercise, when the function has another name.
    """
    verdict, exercise = check(f, name), _find(f, name)
    if verdict and f is not exercise.library:
        print(f"{exercise.name}: yours")
        return f
    whose = "library" if exercise.library else "lesson"
    why = {
        "not attempted": "yours is not written yet",
        "mistake": "check says what is wrong with yours",
        "right": "you passed the library's own function",
    }[verdict.kind]
    print(f"{exercise.name}: the {whose}'s ({why})")
    return exercise.ours


# Finding the exercise


def _find(f, name):
    """Return the exercise for a function or a name."""
    name = name or (f if isinstance(f, str) else getattr(f, "__name__", type(f).__name__))
    if name in EXERCISES:
        return EXERCISES[name]
    lessons = {}
    for exercise in EXERCISES.values():
        lessons.setdefault(exercise.lesson, []).append(exercise.name)
    similar = difflib.get_close_matches(str(name), EXERCISES, 1)
    guess = f" Did you mean {similar[0]}?" if similar else ""
    raise ValueError(
        f"there is no exercise {str(name)!r}.{guess} A function that has another name, or none, is checked "
        f'with check(f, "{next(iter(EXERCISES))}"). The exercises are\n'
        + "\n".join(f"  {lesson}: {', '.join(names)}" for lesson, names in lessons.items())
    )


def _not_a_function(given):
    if isinstance(given, str):
        return f"check takes the function itself, without quotation marks: check({given})."
    if given is None or given is Ellipsis:
        return (
            f"check takes a function, and this is {'None' if given is None else '...'}: check(relu_forward)."
        )
    return (
        f"check takes a function, and this is a value of type {type(given).__name__}. Leave the brackets "
        "after the function's name away: check(relu_forward), not check(relu_forward(z))."
    )
