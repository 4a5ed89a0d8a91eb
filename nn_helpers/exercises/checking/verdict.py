"""Judge a learner's function: run it, recognise what it does, and put that into words."""

import inspect
import re
from dataclasses import dataclass, replace

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.diagnosis import TOO_LONG, beside, diagnose, easy_cases, first_wrong_thing
from nn_helpers.exercises.checking.error_meanings import error_in_words, message
from nn_helpers.exercises.checking.facts import facts
from nn_helpers.exercises.checking.page import example_page, page_of
from nn_helpers.exercises.checking.recognition import outcomes_of, recognise, wrong_results
from nn_helpers.exercises.checking.repair import place_in_words
from nn_helpers.exercises.checking.sandbox import (
    FROM_CACHE,
    PRINTED,
    Stop,
    namespace,
    outcome_on,
    some_derivative,
)
from nn_helpers.exercises.checking.showing import Shown
from nn_helpers.exercises.checking.source import blank_line, has_content
from nn_helpers.exercises.checking.trial import Trial
from nn_helpers.exercises.checking.wording import example_in_words, without_addresses, wrap
from nn_helpers.exercises.exercise import CACHES, MalformedResult


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """What `check` found out. True only when the function is right; its repr is the text to read.

    Attributes
    ----------
    kind : {"not attempted", "right", "mistake"}
    mistake : str or None
        The name of the mistake, when the catalogue knows it; of several, the first.
    head, said : str
        The first sentence, and what comes after it.
    after : str
        Where to look, and what the function printed.
    example, example_page : str
        A case that shows what is wrong, as text and as HTML.
    mistakes : tuple of str
        The names of all.
    unknown : bool
        Whether there is something wrong that no name explains.
    raised : (int, str) or ()
        The line that raised an error: its number and its text.
    places : tuple of Place
        Where small changes make the function right.
    as_a_pair : bool
        Whether it is right only together with the learner's other half of the pair.
    """

    kind: str
    mistake: str | None
    head: str
    said: str = ""
    after: str = ""
    example: str = ""
    example_page: str = ""
    mistakes: tuple = ()
    unknown: bool = False
    raised: tuple = ()
    places: tuple = ()
    as_a_pair: bool = False

    def __bool__(self):
        return self.kind == "right"

    @property
    def text(self):
        """What there is to read."""
        said = wrap(f"{self.head}{' ' if self else chr(10)}{self.said}".rstrip())
        parts = said, wrap(place_in_words(self.places)), self.example, self.after
        return "\n\n".join(filter(None, parts))

    def _repr_html_(self):
        return page_of(self, place_in_words(self.places))

    def with_places(self, places):
        """Return the verdict with the places where to look in the function."""
        return replace(self, places=tuple(places))

    def with_note(self, sentence):
        """Return the verdict with a sentence below it."""
        return replace(self, after="\n\n".join(filter(None, [sentence, self.after])))


# How a sentence begins that praises other results
PRAISE = re.compile(r"^(The )?\w+( and \w+)? (is|are) right( in this step)?(, but|, and|\. But|\.) ")

# What is said where the copy of the process that judges does not answer, and where it fails itself.
WITHOUT_VERDICT = {
    "time": TOO_LONG,
    "memory": "It takes more and more memory, over a gigabyte, so it was stopped. Does a list or an array "
    "grow there without end?",
    "end": "It ends Python itself, and would have ended the notebook with it: with a call such as "
    "`os._exit`, or by a crash in code that is not Python.",
    "fault": "check itself failed while it looked at it ({}). That is a fault in check, and says nothing "
    "about your function. Compare yours with the solution.",
}


def without_verdict(exercise, reason, *details):
    """Return the `Verdict` where a function could not be judged to the end."""
    sentence = WITHOUT_VERDICT[reason].format(*details)
    return _verdict(exercise, "mistake", sentence, after=_where_to_look(exercise))


def prepare(exercise):
    """Work out what is the same for every function: a copy of the process would forget it."""
    outcomes_of(exercise, exercise.answer)
    for mistake in exercise.mistakes.values():
        outcomes_of(exercise, mistake.wrong)
    easy_cases(exercise)


def judge(exercise, f, sandbox):
    """Return the `Verdict` on f, which runs in an open `Sandbox`."""
    if complaint := _signature_complaint(exercise, f):
        return _verdict(exercise, "mistake", complaint)
    trial = try_out(exercise, f, sandbox)
    if trial.right:
        return _right(trial, sandbox)
    if trial.complete and _right_as_a_pair(exercise, f, sandbox):
        pair = f"Its cache goes with your own {exercise.partner}: use the two together."
        return _right(trial, sandbox, pair)
    if blank := _blank(trial):
        return _verdict(exercise, "not attempted", blank)
    keys, explained = recognise(trial)
    if keys:
        return _known_mistakes(trial, keys, explained, sandbox)
    trial = first_wrong_thing(trial)
    sentence, index = diagnose(trial, sandbox)
    return _mistake(trial, "\n".join([*facts(trial, sandbox), sentence]), index, sandbox)


def try_out(exercise, f, sandbox, partner=None):
    """Run f on all cases, or up to the first on which it does not come to an end."""
    outcomes = []
    for case in exercise.all_cases:
        outcomes.append(outcome_on(exercise, f, case, partner, sandbox))
        if isinstance(outcomes[-1].error, Stop):
            break
    return Trial(exercise, f, outcomes, outcomes_of(exercise, exercise.answer))


def _right_as_a_pair(exercise, f, sandbox):
    """Say whether f is right together with the other half of its pair in the learner's notebook."""
    own = namespace(f).get(exercise.partner)
    if not callable(own) or exercise.observe or not try_out(exercise, f, sandbox, own).right:
        return False
    other = EXERCISES[exercise.partner]
    return bool(set(exercise.returns) & CACHES) or try_out(other, own, sandbox, f).right


def _signature_complaint(exercise, f):
    """Return a sentence when f cannot be called with the exercise's arguments."""
    try:
        signature = inspect.signature(f)
    except Exception:
        return None  # some functions written in C have none
    for case in exercise.all_cases:
        try:
            signature.bind(*case.args)
        except TypeError:
            own = f"{exercise.name}{without_addresses(str(signature))}"
            return f"It takes other arguments: yours is {own}, and it should be {exercise.signature}."
    return None


def _blank(trial):
    """Return a sentence when the function has not been written yet."""
    first = trial.outcomes[0]
    if isinstance(first.error, NotImplementedError):
        return "It still raises NotImplementedError. Put your own lines in place of that one."
    if line := blank_line(trial.f):
        do = "Put your own code in place of the three dots."
        if line.startswith("assert ..."):  # in a program that is wrong, as those of lesson 06
            do = "Mend what is wrong, and take this line away."
        return f"There is still a blank in it:\n    {line}\n{do}"
    returned = first.returned if isinstance(first.returned, tuple | list) else (first.returned,)
    if any(part is Ellipsis for part in returned) or "'ellipsis'" in message(first.error):
        return "There is still a blank in it: put your own code in place of the three dots."
    if first.came_back and first.returned is None and not has_content(trial.f):
        return "It does nothing yet. Put your own code into it."
    return None


def _right(trial, sandbox, pair=""):
    exercise, whose, also = trial.exercise, trial.exercise.whose(trial.f), pair
    size = "tried" if pair or all(trial.verdicts) else "as large as the lesson's"
    count = len(trial.cases) if pair else sum(trial.verdicts)
    head = f"{exercise.name}: right, on all {count} inputs {size}."
    if whose:
        also = f"This is the {whose}'s own function, though, not yours."
    said = " ".join(filter(None, [also, exercise.then]))
    return Verdict("right", None, head, said, _quote_prints(sandbox), as_a_pair=bool(pair))


def _verdict(exercise, kind, sentence, keys=(), **parts):
    head = "not written yet" if kind == "not attempted" else "not right yet"
    first = keys[0] if keys else None
    return Verdict(kind, first, f"{exercise.name}: {head}.", sentence, mistakes=keys, **parts)


def _known_mistakes(trial, keys, explained, sandbox):
    """Say all mistakes that have a name, and beside them what else is wrong."""
    index = trial.first_wrong
    sentences = [_sentence(trial, key).format(**trial.arguments(index)) for key in keys]
    if not isinstance(trial.outcomes[index].error, MalformedResult | None):
        sentences[-1] += "\n" + error_in_words(trial.outcomes[index], explain=False)
    others = beside(trial, keys, explained, sandbox)
    return _mistake(trial, "\n".join([*sentences, *others]), index, sandbox, keys, bool(others))


def _sentence(trial, key):
    """Return what is said about a mistake, without praise of results that are wrong for other reasons."""
    exercise = trial.exercise
    said, explained = exercise.mistakes[key].sentence, wrong_results(exercise, key)
    if not explained or set(trial.wrong_results) <= explained:
        return said
    bare = PRAISE.sub("", said)
    name = bare.partition(" ")[0] in (*exercise.parameters, *exercise.returns)
    return bare if name else bare[0].upper() + bare[1:]


def _with_capitals(trial, text):
    """Return a text with a capital letter where a sentence begins with the description of a result."""
    described = [name for name in trial.names if " " in name and not name.endswith(FROM_CACHE)]
    begins = rf"(^|\. )({'|'.join(map(re.escape, described)) or '$.'})"
    return re.sub(begins, lambda m: m[1] + m[2][0].upper() + m[2][1:], text, flags=re.MULTILINE)


def _mistake(trial, sentence, index, sandbox, keys=(), unknown=True):
    """Compose a verdict: the sentence, the case that shows it, and where to look."""
    exercise = trial.exercise
    sentence = _with_capitals(trial, sentence)
    where = _where_to_look(exercise, exercise.mistakes[keys[0]].section if keys else None)
    after = "\n\n".join(filter(None, [where, _quote_prints(sandbox)]))
    parts = {"unknown": unknown, "raised": (trial.outcomes[index].where or ())[1:], **_example(trial, index)}
    return _verdict(exercise, "mistake", sentence, keys, after=after, **parts)


def _where_to_look(exercise, section=None):
    return (
        f'Where to look: "{section or exercise.section}" in lesson {exercise.lesson}. '
        f"For a hint: hint({exercise.name})"
    )


def _example(trial, index):
    """Return a case as text and as HTML, by name: what goes in, and what differs from the right results."""
    outcome, goes_in = trial.outcomes[index], trial.arguments(index)
    changes = [(name, goes_in[name], outcome.arguments[name]) for name in outcome.changed]
    difference = trial.difference(index)
    if difference and difference[0].endswith(FROM_CACHE):
        derivative = some_derivative(next(iter(trial.expected[index].results.values())))
        goes_in[EXERCISES[trial.exercise.partner].parameters[0]] = derivative
    parts = trial.cases[index].name, goes_in, difference, changes
    return {"example": example_in_words(*parts), "example_page": example_page(*parts)}


def _quote_prints(sandbox):
    if not sandbox.printed:
        return ""
    text = without_addresses(sandbox.printed)
    if len(text) > PRINTED:
        text = text[:PRINTED] + " …"
    lines = "\n".join(f"    {line}" for line in text.rstrip("\n").splitlines())
    return f"On the first input it printed:\n{lines}"
