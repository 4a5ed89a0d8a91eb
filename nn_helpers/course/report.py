"""`report`: what a class stumbled over, by the records of those in it."""

import os
import textwrap
from collections import Counter
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

from nn_helpers.course import questions
from nn_helpers.course.standing import TITLES, standings
from nn_helpers.course.submissions import PLATFORM
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.support import record
from nn_helpers.support.files import write_table
from nn_helpers.support.validation import counted, printable

SHOWN = 10  # findings of a kind, on the screen and in the figure; the CSV has all
COLUMNS = ("kind", "lesson", "about", "finding", "learners", "of", "mended", "half_mended_by_try", "names")
HOW = {
    "right on the first try": lambda tried: tried.right_after() == 1,
    "right later": lambda tried: tried.right_after() > 1,
    "not right yet": lambda tried: not tried.right,
    "hint read": lambda tried: tried.hints > 0,
    "solution seen": lambda tried: tried.solution,
}


class Learner(NamedTuple):
    """One record: whose it is, by its file's name, and what it says.

    `tried` has the exercises, also those before a lesson was begun anew; `answers` the first answer to each
    question, by (event, question); `place` where the learner was last, in words.
    """

    name: str
    tried: tuple
    answers: dict
    place: str


class Finding(NamedTuple):
    """What holds for some learners, of those of whom it can be said.

    `mended` has, for each who mended a mistake, the number of the try that was right; for a question that was
    asked again, the 1 of that try. `names` are theirs for whom it holds, of a mistake theirs who have not
    mended it.
    """

    kind: str
    lesson: str
    about: str
    finding: str
    learners: int
    of: int
    mended: tuple = ()
    names: tuple = ()


class Report:
    """What a class stumbled over; `problems` has a line for each file of which not all was read."""

    def __init__(self, learners, problems, known):
        self.learners, self.problems, self.known = learners, problems, known
        self.mistakes, self.exercises = _mistakes(learners), _exercises(learners)
        self.questions, self.places = _questions(learners, known), _places(learners)

    def in_words(self, names=False):
        """Return it as sentences and a table, with the learners' names if they are wanted."""
        mistakes = [_mistake_in_words(each, names) for each in self.mistakes[:SHOWN]]
        more = len(self.mistakes) - SHOWN
        mistakes += [f"{more} more, made by as many or fewer; --csv writes all."] * (more > 0)
        questions = [self._question_in_words(each) for each in self.questions[:SHOWN]]
        places = [f"  {each.learners:3} {each.finding}{_named(each, names)}" for each in self.places]
        parts = (
            [counted(len(self.learners), "learner")],
            mistakes or ["No mistake is on record."],
            self._table(),
            ["Answered wrong at first:", *questions] if questions else ["No wrong guess is on record."],
            ["Where they were last, and what comes next:", *places],
        )
        return "\n\n".join("\n".join(part) for part in parts if part)

    def _table(self):
        head, rows = ("tried", *HOW), {}
        for each in self.exercises:
            rows.setdefault("", head)
            rows.setdefault(f"{each.lesson} {each.about}", [each.of]).append(each.learners)
        return [f"{name:24}{_aligned(row, head)}" for name, row in rows.items()]

    def _question_in_words(self, finding):
        later = f"; right when asked again: {len(finding.mended)}" if finding.mended else ""
        head = f"  {finding.learners} of {finding.of}: lesson {finding.lesson}, {self.asked(finding)}"
        return f"{head}\n      {finding.finding}{later}"

    def asked(self, finding):
        """Return what a question asks, without what it tells before."""
        return self.known[finding.about].text.splitlines()[-1]

    def write_csv(self, path, names=False):
        """Write all findings as a table for spreadsheets, one a row; an old file stays whole until then."""
        rows = [COLUMNS if names else COLUMNS[:-1]]
        for each in (*self.mistakes, *self.exercises, *self.questions, *self.places):
            half = median_low(each.mended) if each.mended else ""
            rows.append((*each[:6], len(each.mended), half, *["; ".join(each.names)] * names))
        write_table("report", path, rows)

    def figure(self):
        """Return a figure for the wall; nobody's name is in it."""
        if not self.exercises:
            raise ValueError("nobody has tried an exercise yet, so there is nothing to draw")
        from nn_helpers import plots  # matplotlib comes in only when something is drawn

        most, bars = {}, {}
        for each in self.mistakes:
            words = f"{_mistake(each)}: {each.learners} made it, {len(each.mended)} mended it"
            most.setdefault(each.about, words)
        for each in self.exercises:
            bar, _ = bars.setdefault(f"{each.lesson}  {each.about}", ([], most.get(each.about, "")))
            bar.append(each.learners)
        asked = {f"{q.lesson}  {self.asked(q)}": (q.learners, q.of) for q in self.questions[:SHOWN]}
        bars = {name: (*numbers[:3], words) for name, (numbers, words) in bars.items()}
        return plots.stumbles(bars, asked, len(self.learners))


def _aligned(row, head):
    return "".join(f"{cell:>{len(title) + 2}}" for cell, title in zip(row, head, strict=True))


def _mistake(finding):
    return f"“{finding.finding.replace('-', ' ')}”" if finding.finding else "a mistake without a name"


def _mistake_in_words(finding, names):
    then = "nobody has mended it yet"
    if finding.mended:
        half, last = median_low(finding.mended), finding.mended[-1]
        then = f"{len(finding.mended)} mended it within {last} tries"
        then += f", half of them within {half}" * (half < last)
    said = EXERCISES[finding.about].mistakes[finding.finding].sentence if finding.finding else "{"
    lines = [] if "{" in said else textwrap.wrap(said, 96)  # or it speaks of the numbers of one case
    where = f"{_mistake(finding)} in {finding.about} (lesson {finding.lesson})"
    head = f"{finding.learners} of {finding.of} made {where}; {then}.{_named(finding, names)}"
    return "\n    ".join([head, *lines])


def _named(finding, names):
    return f" [{', '.join(finding.names)}]" if names and finding.names else ""


# From records to findings


def report(folder):
    """Read all records below a folder, one a learner.

    Parameters
    ----------
    folder : str or Path
        Below it, at any depth, a file ``record.jsonl`` or ``name.jsonl`` for each learner.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If there is no such folder, or no record in it. The message has a line for each file that is none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder. Give the one with the records, and unpack an archive first")
    known = {name: q for each in questions.lessons() for name, q in questions.questions_of(each).items()}
    learners, problems, seen = [], [], {}
    for path in _files(folder):
        where = printable(path.relative_to(folder), 80)
        if path.suffix.lower() == ".zip":
            problems.append(f"{where} is an archive, which is not opened; unpack it")
            continue
        try:
            found = record.read_from(path)
        except OSError as error:
            problems.append(f"{where} cannot be read: {error.strerror or error}")
            continue
        own = tuple(event for event in found.events if _is_known(event, known))
        problems += [f"{where}: {problem}" for problem in _problems(found, len(own))]
        if own and hash(own) in seen:
            problems.append(f"{where} is the same as {seen[hash(own)]}; they count once")
        elif own:
            seen[hash(own)] = where
            learners.append(_learner(_name(path.relative_to(folder)) or printable(folder.name, 80), own))
    if not learners:
        raise ValueError("\n".join([*problems, f"no record of a learner is below {folder}. {COLLECT}"]))
    return Report(learners, problems, known)


ENDS = ".jsonl", ".jsonl.txt", ".zip"  # some editors and browsers add .txt
COLLECT = "Collect each learner's my_lessons/record.jsonl, as name.jsonl or in a folder name"


def _files(folder):
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")  # as those of reset all
        yield from (Path(parent, name) for name in sorted(names) if name.lower().endswith(ENDS))


def _name(path):
    """Return a learner's name, as the path has it without what learning platforms and lessons add."""
    parts = (part.removesuffix(".jsonl") for part in path.with_suffix("").parts)
    return printable("/".join(PLATFORM.sub("", p) for p in parts if p not in ("record", "my_lessons")), 80)


def _is_known(event, known):
    exercise = EXERCISES.get(event.exercise)
    return (
        event.lesson in (*TITLES, "all")
        and (set(event.mistakes) <= exercise.mistakes.keys() if exercise else not event.exercise)
        and (not event.question or event.question in known)
    )


def _problems(found, own):
    """Say what is unusual about a file of which so many events are this course's."""
    others, later = len(found.events) - own, max((event.v for event in found.events), default=0)
    if not own:
        yield f"no record of this course{', but of another' * bool(others)}"
    elif others:
        yield f"{others} of {others + own} events left out, of another course or edition"
    if own and found.damaged:
        yield f"{counted(found.damaged, 'damaged line')} left out"
    if later > record.VERSION:
        yield f"written by a later version ({later!s:.9}), and read as far as this one knows it"
    if found.cut:
        yield f"longer than {record.LARGEST // 10**6} MB; its end was read"


def _learner(name, events):
    everything = standings([event for event in events if event.event != "reset"])
    tried = tuple(each for lesson in everything for each in lesson.exercises if each.tries or each.hints)
    answers = {}
    for event in events:
        if event.question and event.right is not None:
            answers.setdefault((event.event, event.question), event)
    last = next((event.lesson for event in reversed(events) if event.lesson in TITLES), "00")
    here = next(each for each in standings(events) if each.lesson == last)
    return Learner(name, tried, answers, f"lesson {last}: {here.next_step}")


def _mistakes(learners):
    """Return a finding for each mistake that somebody made, those of most learners first."""
    made, tried = {}, Counter(each.name for learner in learners for each in learner.tried if each.tries)
    for learner in learners:
        for each in learner.tried:
            for mistake in each.mistakes:
                made.setdefault((each.name, mistake), []).append((learner.name, each.right_after(mistake)))
    found = []
    for (about, mistake), those in made.items():
        mended = tuple(sorted(right for _, right in those if right))
        names, lesson = tuple(name for name, right in those if not right), EXERCISES[about].lesson[:2]
        found.append(Finding("mistake", lesson, about, mistake, len(those), tried[about], mended, names))
    return sorted(found, key=lambda each: (-each.learners, each.lesson, each.about, each.finding))


def _exercises(learners):
    """Return how each exercise went that somebody tried, in the order of the lessons."""
    found = []
    for about, exercise in EXERCISES.items():
        those = [(who.name, each) for who in learners for each in who.tried if each.name == about]
        for finding, holds in HOW.items() if those else ():
            names = tuple(name for name, each in those if holds(each))
            counts = len(names), len(those)
            found.append(Finding("exercise", exercise.lesson[:2], about, finding, *counts, names=names))
    return found


def _questions(learners, known):
    """Return how many answered each question wrong at first, and what they said, the worst question first."""
    found = []
    for about, question in known.items():
        kind = "quizzed" if question.part == "quiz" else "revealed"
        those = [(who, who.answers[kind, about]) for who in learners if (kind, about) in who.answers]
        wrong = [(who, event.answer) for who, event in those if not event.right]
        again = [who.answers.get(("recalled", about)) for who, _ in wrong]
        later = tuple(1 for event in again if event and event.right)
        for answer, number in Counter(printable(answer, 80) for _, answer in wrong).most_common(1):
            said = f"most frequent: {answer} ({number})"
            found.append(Finding("question", question.lesson, about, said, len(wrong), len(those), later))
    return sorted(found, key=lambda each: (-each.learners / each.of, -each.of))


def _places(learners):
    """Return how many were last at which place, in the order of the lessons."""
    places = {}
    for learner in learners:
        places.setdefault(learner.place, []).append(learner.name)
    of = len(learners)
    return [
        Finding("last", place[7:9], "", place, len(n), of, names=n) for place, n in sorted(places.items())
    ]
