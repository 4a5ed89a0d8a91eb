"""`check`, `hint`, `solution` and `yours_or_ours`: what a learner calls."""

import difflib
import functools
import inspect
import io
import logging
import os
import sys
import traceback
from collections import Counter
from dataclasses import asdict

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import copied_process
from nn_helpers.exercises.checking.copied_process import CopyEnded, in_a_copy
from nn_helpers.exercises.checking.repair import Place, find_places
from nn_helpers.exercises.checking.sandbox import (
    PRINTED,
    ChecksItself,
    Sandbox,
    Stop,
    functions_under_check,
    slowness,
)
from nn_helpers.exercises.checking.showing import Text, show, show_now
from nn_helpers.exercises.checking.source import source_of
from nn_helpers.exercises.checking.verdict import Verdict, judge, prepare, without_verdict
from nn_helpers.exercises.checking.wording import join_names, wrap
from nn_helpers.exercises.keeping import keep
from nn_helpers.exercises.portfolio import FILE, load, read
from nn_helpers.support import record

log = logging.getLogger(__name__)


def check(f, name=None):
    """Say whether f is right, or which mistake it makes.

    Whatever f does, there is an answer, after a few seconds at most, and nothing that f changes beside its
    arguments stays changed. On macOS and Windows a loop inside Python's own C code cannot be stopped.

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
    verdict = verdict_of(f, name)
    if not callable(f):
        return show(verdict)
    exercise = _find(f, name, "check")
    if not exercise.whose(f):
        _note("checked", exercise, kind=verdict.kind, mistakes=verdict.mistakes)
    if verdict and not functions_under_check():
        verdict = verdict.with_note(keep(exercise, f, verdict.as_a_pair))
    if not verdict.unknown:
        return show(verdict)
    put_in_its_place = show_now(verdict)
    return put_in_its_place(verdict.with_places(_places(exercise, f, verdict)))


def _places(exercise, f, verdict):
    """Return the places where small changes make a function right; they are looked for once.

    A function that does something else than it did, because another in the notebook has changed, is another.
    """
    source = source_of(f)
    if source is None or functions_under_check():
        return []
    known = exercise.name, source, verdict.text
    if known not in _known_places:

        def search(beat=lambda: None):
            with Sandbox(f, beat).open() as sandbox:
                return find_places(exercise, f, sandbox, copied_process.COPIES)

        try:
            silence = copied_process.SILENCE * slowness()
            found = in_a_copy(search, silence) if copied_process.COPIES else search()
        except (CopyEnded, OSError):
            found = []
        _known_places[known] = [Place(*place) for place in found]
    return _known_places[known]


_known_places = {}  # by the exercise, the function's source, and what was said of it


def verdict_of(f, name=None, caller="check"):
    """Return what `check` finds out, without looking for the place, and show nothing."""
    if not callable(f) and caller == "check":
        return Verdict("not attempted", None, _not_a_function(f, caller))
    exercise, outer = _find(f, name, caller), functions_under_check()
    if any(f is other for other in outer) or len(outer) > 2:
        raise ChecksItself
    prepare(exercise)
    found = None
    if copied_process.COPIES and not outer:
        try:
            found = in_a_copy(
                lambda beat: _judge_in_a_copy(exercise, f, beat), copied_process.SILENCE * slowness()
            )
        except CopyEnded as end:
            return without_verdict(exercise, str(end))
        except OSError:  # there is no room for one
            pass
    verdict, fault, printed = found or _judge(exercise, f)
    if printed:
        sys.stdout.write(printed)
    if fault:
        log.debug("check failed\n%s", fault)
    # JSON makes lists of tuples.
    return Verdict(**{name: tuple(v) if isinstance(v, list) else v for name, v in verdict.items()})


def _judge_in_a_copy(exercise, f, beat):
    """Judge and keep what threads of the function's own print, who have no screen here."""
    sys.stdout = sys.stderr = screen = io.StringIO()
    verdict, fault, _ = _judge(exercise, f, beat, BaseException)
    return verdict, fault, screen.getvalue()[:PRINTED]


def _judge(exercise, f, beat=lambda: None, errors=(Exception, SystemExit, GeneratorExit, Stop)):
    """Return the verdict as a dict, the traceback of an error in the judging itself or None, and ""."""
    try:
        with Sandbox(f, beat).open() as sandbox:
            return asdict(judge(exercise, f, sandbox)), None, ""
    except errors as error:
        fault = without_verdict(exercise, "fault", type(error).__name__)
        return asdict(fault), traceback.format_exc(), ""


def hint(f, name=None):
    """Return the next hint: about what is wrong with f, if that is known, or else about the exercise.

    After the last hint that one comes again.

    Parameters
    ----------
    f : function, or an exercise's name
    name : str, optional
        The exercise, when the function has another name.
    """
    exercise = _find(f, name, "hint")
    hints = (callable(f) and not exercise.whose(f) and _hints_about(exercise, f)) or exercise.hints
    _note("hint", exercise)
    _hints_given[hints] += 1
    number, last = min(_hints_given[hints], len(hints)), _hints_given[hints] > len(hints)
    before = "Which line do you suspect, and why? Decide before you read on.\n" if number == 1 else ""
    more = f"; solution({exercise.name}) shows an answer" * _shows_solutions()
    after = f"\nThat was the last hint{more}." if last else ""
    return show(Text(wrap(f"{before}Hint {number} of {len(hints)}: {hints[number - 1]}{after}")))


_hints_given = Counter()


def _hints_about(exercise, f):
    """Return hints about what is wrong with a function: the line, the part of it, and what it needs."""
    verdict = verdict_of(f, exercise.name)
    places = _places(exercise, f, verdict) if verdict.kind == "mistake" else []
    if places:
        lines, parts, kinds = ([getattr(p, name) for p in places] for name in ("text", "part", "kind"))
        where = [f"line {place.line}, `{line}`" for place, line in zip(places, lines, strict=True)]
        first = f"Look at {join_names(dict.fromkeys(where))}."
        second = f"In it, look at {join_names(f'`{part}`' for part in parts)}."
        needs = f"What it needs is {join_names(dict.fromkeys(kinds))}."
        return first, second, needs
    arguments = dict(zip(exercise.parameters, exercise.all_cases[0].args, strict=False))
    said = [exercise.mistakes[key].sentence.format(**arguments) for key in verdict.mistakes]
    return (*exercise.hints[:1], *said, *exercise.hints[-1:]) if said else ()


def solution(f, name=None):
    """Return the answer of an exercise, and the library's own source or where the library does the same.

    In a course that has set the environment variable ``NN_HELPERS_SOLUTIONS`` to ``off``, return a sentence
    that says so.

    Parameters
    ----------
    f : function, or an exercise's name
    name : str, optional
        The exercise, when the function has another name.
    """
    exercise = _find(f, name, "solution")
    if not _shows_solutions():
        switch = os.environ[SOLUTIONS]
        unknown = f' ({SOLUTIONS} is {switch!r}; it can be "on" or "off".)' if switch != "off" else ""
        words = f"Your course has switched solutions off. hint({exercise.name}) goes on helping.{unknown}"
        return show(Text(wrap(words)))
    _note("solution", exercise)
    text = inspect.getsource(exercise.answer)
    if library := exercise.library:
        text += f"\n\n# The library's own, {library.__module__}.{library.__name__}:\n\n"
        text += inspect.getsource(library)
    if exercise.elsewhere:
        text += f"\n\n# {exercise.elsewhere}"
    return show(Text(text.rstrip()))


SOLUTIONS = "NN_HELPERS_SOLUTIONS"


def _shows_solutions():
    """Return whether `solution` shows answers: a course can switch that off, and a misspelt switch does."""
    return os.environ.get(SOLUTIONS, "") in ("", "on")


def yours_or_ours(f, name=None):
    """Return your function when `check` says it is right, or else the library's, and print which it is.

    Parameters
    ----------
    f : function, or an exercise's name
        A name stands for the function that you wrote in that exercise's lesson; so does a function that is
        not written yet.
    name : str, optional
        The exercise, when the function has another name.
    """
    exercise, said = _find(f, name, "yours_or_ours"), "yours"
    if isinstance(f, str):
        f, why = kept(exercise)
        said = f"yours, from lesson {exercise.lesson[:2]}"
    else:
        verdict, given = verdict_of(f, name, "yours_or_ours"), exercise.whose(f)
        why = WRONG if verdict.kind == "mistake" else f"you passed the {given}'s own function" * bool(given)
        if verdict.kind == "not attempted":
            before, _ = kept(exercise)
            f, why, said = before or f, "" if before else "yours is not written yet", f"yours, from {FILE}"
    if why:
        said = f"the {'library' if exercise.library else 'lesson'}'s ({why})"
    print(f"{exercise.name}: {said}")
    return exercise.ours if why else f


WRONG = "check says what is wrong with yours"


def kept(exercise, loaded=None):
    """Return the learner's function from the portfolio if `check` calls it right, and why it is not taken.

    Parameters
    ----------
    exercise : Exercise
    loaded : Loaded, optional
        The portfolio, where it has been read already.
    """
    if loaded is None:
        if (folder := record.home()) is None:
            return None, "there is no work copy here"
        try:
            loaded = load(read(folder / FILE))
        except OSError as error:
            return None, f"{FILE} cannot be read: {error.strerror or error}"
    f = loaded.function(exercise.name)
    if f is None:
        return None, loaded.problems.get(exercise.name, f"yours is not in {FILE} yet")
    return (f, "") if verdict_of(f, exercise.name) else (None, WRONG)


def _note(event, exercise, **what):
    """Put it on record, unless a function under check does this."""
    if not functions_under_check():
        record.note(event, lesson=exercise.lesson[:2], exercise=exercise.name, **what)


# Finding the exercise


def _error(sentence):
    """Return an error of which a notebook shows the sentence, and no traceback."""
    error = ValueError(sentence)
    error._render_traceback_ = functools.partial(list, [sentence])  # IPython asks for it
    return error


def _find(f, name, caller):
    """Return the exercise for a function or a name."""
    if not isinstance(name, str | None):
        raise _error(
            f"{caller} takes one function, and after it only the name of its exercise, as text: "
            f'{caller}(f, "{next(iter(EXERCISES))}"). Give each function a call of its own.'
        )
    if not name and not callable(f) and not isinstance(f, str):
        raise _error(_not_a_function(f, caller))
    name = str(name or (f if isinstance(f, str) else _name_of(f)))
    if name in EXERCISES:
        return EXERCISES[name]
    lessons = {}
    for exercise in EXERCISES.values():
        lessons.setdefault(exercise.lesson, []).append(exercise.name)
    similar = difflib.get_close_matches(name, EXERCISES, 1)
    guess = f" Did you mean {similar[0]}?" if similar else ""
    raise _error(
        f"there is no exercise {name!r}.{guess} A function that has another name, or none, is checked "
        f'with check(f, "{next(iter(EXERCISES))}"). The exercises are\n'
        + "\n".join(f"  {lesson}: {', '.join(names)}" for lesson, names in lessons.items())
    )


def _name_of(f):
    try:
        return f.__name__
    except Exception:  # not only where there is none: an object may say anything
        return type(f).__name__


def _not_a_function(given, caller):
    if isinstance(given, str):
        return f"{caller} takes the function itself, without quotation marks: {caller}({given})."
    if given is None or given is Ellipsis:
        this = "None" if given is None else "..."
        return f"{caller} takes a function, and this is {this}: {caller}(relu_forward)."
    return (
        f"{caller} takes a function, and this is a value of type {type(given).__name__}. Leave the brackets "
        f"after the function's name away: {caller}(relu_forward), not {caller}(relu_forward(z))."
    )
