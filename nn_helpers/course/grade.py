"""Judge what a class handed in: which functions are right, which mistakes were made, and what is missing.

Each function is judged as `check` does it, in a process of its own that can compute and nothing else, on
fresh inputs beside the usual ones. Nothing else of a notebook is run.
"""

import functools
import inspect
import io
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from tqdm import tqdm

from nn_helpers.course.submissions import ABSENT, LARGEST, OUTSIDE, form_of, functions_in, students_in, words
from nn_helpers.course.work_copy import source_folder
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import copied_process
from nn_helpers.exercises.checking.copied_process import CopyEnded, in_a_copy
from nn_helpers.exercises.checking.diagnosis import TOO_LONG
from nn_helpers.exercises.checking.recognition import outcomes_of
from nn_helpers.exercises.checking.sandbox import Sandbox, slowness
from nn_helpers.exercises.checking.verdict import Verdict, judge, prepare, without_verdict
from nn_helpers.exercises.exercise import Case
from nn_helpers.exercises.portfolio import load, statement_of
from nn_helpers.support.confine import confine, why_not
from nn_helpers.support.files import open_plain
from nn_helpers.support.validation import printable

LONGEST = 20  # seconds for a function, on a machine as fast as that of the limits
PATIENCE = 60  # seconds for a student, whose functions may all be endless
ROOM = 20  # words and signs that a solution has beside what the lesson gives: fewer, and all write the same
KINDS = ["not attempted", "mistake", "unsure", "right"]
SOLUTION = "as solution() shows it"
AS_GIVEN = "It stands there as in the lesson."
WORDS = {
    "right": "right", "unsure": "to look at", "mistake": "wrong", "not attempted": "not written",
    "missing": "missing",
}  # fmt: skip


@dataclass
class Found:
    """What became of one exercise of one student."""

    verdict: Verdict
    where: str = ""  # "cell 7 of lesson.ipynb"
    form: str = ""  # nothing where it is the solution's
    marks: list = field(default_factory=list)

    @property
    def doubts(self):
        """The marks for which the verdict may be none: it wrote it itself, perhaps, or it lacks something."""
        doubt = OUTSIDE if self.verdict else ABSENT
        return [mark for mark in self.marks if mark.startswith(doubt)]

    @property
    def kind(self):
        """The verdict's kind, or "unsure"."""
        return "unsure" if self.doubts else self.verdict.kind

    @property
    def in_a_word(self):
        """The mistake's name, if it has one, or else what kind of verdict it is."""
        return "+".join(self.verdict.mistakes * (self.kind == "mistake")) or WORDS[self.kind]


@dataclass
class Student:
    """What became of what one student handed in: by exercise, and sentences on files that were not read."""

    name: str
    found: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def of(self, name):
        """Return what became of an exercise."""
        return self.found.get(name) or Found(Verdict("missing", None, f"{name}: not handed in."))

    def right(self, names):
        """Return how many of these exercises are right."""
        return sum(self.of(name).kind == "right" for name in names)


def grade(folder, seed=None, unprotected=False):
    """Return a `Student` for each student of a folder, and the seed of the fresh inputs.

    Parameters
    ----------
    folder : str or Path
        With a folder or a notebook of each student, as Moodle, Canvas and nbgrader make them.
    seed : int, optional
        Of the fresh inputs; nobody knows it beforehand where it is left out.
    unprotected : bool
        Whether to go on where no process can be confined.

    Raises
    ------
    ValueError, OSError
        If there is nothing to judge, or no way to judge it safely.
    """
    files = students_in(folder)
    if not files:
        raise ValueError(f"there are no notebooks in {folder}, and no folders with any")
    if not unprotected and (reason := why_not() or _refused()):
        raise ValueError(
            f"what students hand in would run here as a program of yours, for {reason}. Where you trust all "
            "of them, --unprotected goes on"
        )
    if seed is not None and seed < 0:
        raise ValueError(f"--seed must be at least 0, got {seed}")
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    judging = _Judging(seed, None if unprotected else confine)
    with ThreadPoolExecutor(os.cpu_count() if copied_process.COPIES else 1) as pool:
        read = list(pool.map(judging.read, files, files.values()))
        judging.prepare({name for _, versions in read for name in versions})  # before it is copied
        each = pool.map(judging.judge, *zip(*read, strict=True))
        return list(tqdm(each, total=len(files), unit="student", disable=None, leave=False)), seed


def _refused():
    """Return why no copy of this process can be confined, by confining one, or an empty string."""
    try:
        in_a_copy(lambda _: True, LONGEST, LONGEST, confine)
    except (CopyEnded, OSError):
        return "the kernel does not confine a process, as in some containers"
    return ""


class _Judging:
    """Reads and judges what students handed in, in copies of this process that know all inputs already."""

    def __init__(self, seed, confine):
        self.seed, self.confine, self.fresh = seed, confine, {}
        slowness()

    def read(self, name, paths):
        """Return a `Student` with notes on files that cannot be read, and all versions of each function."""
        student, versions = Student(name), {}
        if not paths:
            student.notes.append(f"{name}: there is no notebook")
        for path in paths:
            try:
                for version in self._functions_in(path):
                    version["where"] = f"cell {version['cell']} of {printable(path.name)}"
                    versions.setdefault(version["exercise"], []).append(version)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                student.notes.append(f"{name}: {printable(path.name)} is not read: {reason}")
        return student, versions

    def prepare(self, names):
        """Work out what is the same for all students."""
        self.solutions = _solutions()
        for exercise in map(EXERCISES.get, names):
            self.fresh[exercise.name] = fresh = fresh_exercise(exercise, self.seed)
            prepare(exercise)
            if fresh:
                outcomes_of(fresh, fresh.answer)

    def judge(self, student, versions):
        """Judge all functions of a student, whatever they do, and return the `Student`."""
        latest = time.monotonic() + PATIENCE * slowness()
        for name in EXERCISES:
            if name in versions:
                student.found[name] = self._best(name, versions[name], latest)
        return student

    def _functions_in(self, path):
        with open(open_plain(path), "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"it has more than {LARGEST // 10**6} million bytes")

        def look(_):
            try:
                return functions_in(content)
            except ValueError as error:
                return str(error)
            except Exception as error:
                return f"{type(error).__name__} arises"

        try:
            found = self._in_a_copy(look, LONGEST)
        except CopyEnded:
            found = "reading it comes to no end"
        if isinstance(found, str):
            raise ValueError(found)
        return found

    def _best(self, name, versions, latest):
        """Return the version that is right, or else the last one that is the student's own."""
        best = None
        for version in versions[::-1]:
            verdict = self._judge(name, version, latest)
            form, solutions = version["form"], self.solutions[name]
            marks = [SOLUTION] * solutions.get(form, False) + version["marks"]
            found = Found(verdict, version["where"], "" if form in solutions else form, marks)
            better = best is None or _rank(found) > _rank(best)
            best = found if better else best
            if verdict and not found.marks:
                break
        return best

    def _judge(self, name, version, latest):
        exercise = EXERCISES[name]
        if (name, version["form"]) in given():
            return Verdict("not attempted", None, f"{name}: not written yet.", AS_GIVEN)
        if not version["texts"]:
            error = f"It is no Python yet: {version['error']}."
            return Verdict("mistake", None, f"{name}: not right yet.", error)
        for text in version["texts"]:  # with the student's own other functions, and with the lesson's
            if time.monotonic() > latest:
                return _not_judged(exercise, "The others took too long.")
            verdict = self._ask(exercise, text)
            if verdict:
                break
        return verdict

    def _ask(self, exercise, text):
        """Return the `Verdict` on the function in a text of definitions."""
        try:
            given = self._in_a_copy(lambda beat: _verdict(exercise, self.fresh[exercise.name], text, beat))
            return _trusted(given, exercise)
        except CopyEnded as end:
            return without_verdict(exercise, str(end))
        except OSError as error:
            return _not_judged(exercise, f"There was no room for a process ({error.strerror}).")

    def _in_a_copy(self, task, silence=None):
        if not copied_process.COPIES:
            return task(lambda: None)
        silence, slow = silence or copied_process.SILENCE, slowness()
        try:
            return in_a_copy(task, silence * slow, LONGEST * slow, self.confine)
        except (ValueError, RecursionError):  # it wrote something of its own
            raise CopyEnded("end") from None


def _verdict(exercise, fresh, text, beat):
    """Judge the function in a text, in a copy of the process; return what JSON can hold."""
    if copied_process.COPIES:
        sys.stdout = sys.stderr = io.StringIO()
    try:
        loaded = load(text)
        for name, other in EXERCISES.items():
            loaded.names.setdefault(name, other.ours)
        f = loaded.function(exercise.name) or loaded.names.get(exercise.name)
        if why := loaded.problems.get(exercise.name):
            said = _not_judged(exercise, f"It cannot be taken by itself: {why.partition(' in line ')[0]}.")
        else:
            said = _on_both(exercise, fresh, f, beat)
    except BaseException as error:
        said = _not_judged(exercise, f"{type(error).__name__} arose in the judging itself.")
    return [said.kind, list(said.mistakes), said.head, said.said, said.example, said.after]


def _not_judged(exercise, why):
    return Verdict("unsure", None, f"{exercise.name}: not judged.", why)


def _on_both(exercise, fresh, f, beat):
    with Sandbox(f, beat).open() as sandbox:
        verdict = judge(exercise, f, sandbox)
    if verdict and fresh and not exercise.whose(f):
        with Sandbox(f, beat).open() as sandbox:
            other = judge(fresh, f, sandbox)
        if not other and TOO_LONG not in other.said:  # slow is not made up
            head = f"{exercise.name}: right on the inputs that check tries, but not on others like them."
            return replace(other, head=head, said=f"Is it made for those inputs?\n{other.said}", mistakes=())
    return verdict


def _trusted(given, exercise):
    """Return the `Verdict` that a copy wrote, if it is one: a function may write what it likes."""
    match given:
        case [kind, [*mistakes], *texts] if kind in KINDS and len(texts) == 4:
            if set(map(str, mistakes)) <= exercise.mistakes.keys() and all(type(t) is str for t in texts):
                head, said, example, after = (text[:5000] for text in texts)
                return Verdict(kind, None, head, said, after, example, mistakes=tuple(mistakes))
    return without_verdict(exercise, "end")


def _rank(found):
    return KINDS.index(found.kind), -len(found.marks)


@functools.cache
def given():
    """Return (exercise, form) of the functions that stand in the lessons themselves."""
    notebooks = (functions_in(path.read_bytes()) for path in source_folder().glob("*.ipynb"))
    return {(each["exercise"], each["form"]) for found in notebooks for each in found if each["form"]}


@functools.cache
def _solutions():
    """Return {exercise: {a form that `solution` shows: whether there is room for another answer}}."""
    blanks, found = {name: Counter(words(form)) for name, form in given()}, {}
    for name, exercise in EXERCISES.items():
        shown = {form_of(statement_of(inspect.getsource(f))) for f in (exercise.answer, exercise.ours)}
        found[name] = {form: (Counter(words(form)) - blanks[name]).total() >= ROOM for form in shown}
    return found


# Fresh inputs


def fresh_exercise(exercise, seed):
    """Return an exercise with other numbers in its cases, or None where they would be the same."""
    rng = np.random.default_rng([seed, *exercise.name.encode()])
    cases = [_fresh_case(exercise, case, rng) for case in exercise.all_cases]
    same = all(
        other is case for one, two in zip(exercise.all_cases, cases, strict=True)
        for case, other in zip(one.args, two.args, strict=True)
    )  # fmt: skip
    return None if same else replace(exercise, cases=lambda: cases)


def _fresh_case(exercise, case, rng):
    numbers = not exercise.observe  # there, tolerances hold for these rates and sizes
    args = [_vary(value, rng, numbers) for value in case.args]
    forward = case.forward and tuple(_vary(value, rng, numbers) for value in case.forward)
    if forward:
        made = EXERCISES[exercise.partner].answer(*forward)
        args[exercise.cache_index] = made[-1]
    return Case(f"{case.name}, with other numbers", *args, forward=forward, required=case.required)


def _vary(value, rng, numbers=True):
    """Return a value of the same kind: other numbers, in the same shape."""
    if isinstance(value, list | tuple):
        return type(value)(_vary(part, rng, numbers) for part in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        # Up to a quarter smaller, in sixteenths: they hardly round where the usual numbers do not.
        return (value * (rng.integers(12, 17, value.shape) / 16)).astype(value.dtype)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.size:
        return rng.integers(min(0, value.min()), int(value.max()) + 1, value.shape, dtype=value.dtype)
    if numbers and type(value) is float:
        return value * int(rng.integers(12, 17)) / 16
    if numbers and type(value) is int:
        return value + int(rng.integers(0, 1 + value // 8))
    return value
