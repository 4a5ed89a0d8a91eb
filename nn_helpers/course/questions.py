"""Read ``questions/lessonNN.md``: what is asked in a lesson, its options, and what is wrong with each.

A question begins with ``## its-id`` and a text. Below it stand its options, "- text : what to say to who
chose it". A line ``Number: within 20 %`` asks for a number, and the items are known wrong ones; a line
``Order`` asks for an order of the items. ``Because:`` says why the truth is so. ``### Later`` is the same
idea once more, and ``## quiz: its-id`` a question for the lesson's end. These two have an ``Answer:``, an
option's text, arithmetic between backticks, or items in their order with → between them. What one line
begins, the next may go on with. "43 %" is the number 0.43.
"""

import ast
import functools
import math
import operator
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

KINDS = {True: "right", False: "mistake", None: "not attempted"}  # the kinds of `check`, for their signs
FOLDER = Path(__file__).parent / "questions"
MARK = re.compile(r"(## |### |- |Number:|Order$|Because:|Answer:)(.*)")
POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBER = re.compile(
    r"(?:(?:about|around|nearly|≈|~) ?)?(?P<number>[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)(?:/(?P<below>\d+))?"
    r"(?P<times> ?[·×] ?10)?(?P<power>⁻?[⁰¹²³⁴-⁹]+)?"
    r"(?: (?P<many>thousand|million|billion)\b)?(?P<percent> ?%)?"
)
TYPED = str.maketrans("×·−", "**-")
MANY = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
ARITHMETIC = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg,
}  # fmt: skip
EXACT = 1e-6  # how far apart, relatively, numbers are that are meant to be one


@dataclass(frozen=True)
class Option:
    """What can be chosen, the sentence for who does, and the number it begins with, if it does."""

    text: str
    sentence: str
    number: float | None


@dataclass(frozen=True)
class Question:
    """A question of a lesson.

    Attributes
    ----------
    id, lesson : str
        The lesson's number, as "01".
    part : {"predict", "later", "quiz"}
    kind : {"choice", "number", "order"}
    text, because : str
    options : tuple of Option
    within : (float, bool)
        For a number: how far off it may be, and whether that is relative.
    answer : str, float, list or None
        None where the lesson computes it.
    later : Question or None
    """

    id: str
    lesson: str
    part: str
    kind: str
    text: str
    options: tuple
    within: tuple = (EXACT, True)
    because: str = ""
    answer: object = None
    later: "Question | None" = None

    def true_option(self, truth):
        """Return the option that a truth means, or None."""
        if isinstance(truth, bool):
            words = "yes" if truth else "no"
            return next((o for o in self.options if re.match(rf"{words}\b", o.text, re.IGNORECASE)), None)
        if isinstance(truth, str):
            return next((o for o in self.options if _plain(o.text) == _plain(truth)), None)
        if isinstance(truth, float) and self.kind == "choice":
            return _nearest(truth, [o for o in self.options if o.number is not None])
        return None

    def is_right(self, guess, truth):
        """Say whether a guess, as text, is the truth, as `truth_of` returns it."""
        if self.kind == "number":
            number = number_in(guess)
            return number is not None and isinstance(truth, float) and _agree(number, truth, *self.within)
        if self.kind == "order":
            return isinstance(truth, list) and _plain(guess) == _plain(" → ".join(truth))
        option = self.true_option(truth)
        return option is not None and _plain(option.text) == _plain(guess)

    def taken(self, guess):
        """Return a guess as it is kept, as text, or an empty text if it is none."""
        if self.kind == "choice":
            return getattr(self.true_option(truth_of(guess)), "text", "")
        words = truth_of(guess)
        words = " → ".join(words) if isinstance(words, list) else str(words).strip().removesuffix(".0")
        if self.kind == "number":
            return words if number_in(words) is not None else ""
        is_order = sorted(words.split(" → ")) == sorted(option.text for option in self.options)
        return words if is_order else ""

    def sentence(self, guess):
        """Return what is wrong with a guess, when that is known."""
        number = number_in(guess) if self.kind == "number" else None
        for option in self.options:
            if number is not None and option.number is not None:
                if _agree(number, option.number, EXACT, True):
                    return option.sentence
            elif _plain(option.text) == _plain(guess):
                return option.sentence
        return ""

    def in_words(self, truth):
        """Return a truth as text, a number like the options' numbers."""
        if isinstance(truth, bool):
            return getattr(self.true_option(truth), "text", "yes" if truth else "no")
        if isinstance(truth, list):
            return " → ".join(truth)
        if isinstance(truth, str):
            return getattr(self.true_option(truth), "text", truth)
        found = [NUMBER.match(option.text) for option in self.options if option.number is not None]
        for option in self.options:
            if option.number is not None and _agree(option.number, truth, EXACT, True):
                return option.text
        if found and all(match["percent"] for match in found):
            return f"{_digits(100 * truth)} %"
        units = {match.string[match.end() :] for match in found if not match["many"]}
        return _digits(truth) + (units.pop() if len(units) == 1 else "")


def truth_of(value):
    """Return a computed value as a bool, a finite float, a list of texts or a text."""
    if isinstance(value, np.ndarray | np.generic) and value.size == 1:
        value = value.item()
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    with suppress(Exception):  # whatever a cell has come to
        number = float(value)
        return number if math.isfinite(number) else "NaN" if number != number else f"{number}inity"
    with suppress(Exception):
        return str(value)
    return type(value).__name__


def in_plain_text(question):
    """Return a question and its options as text."""
    options = [f"  - {option.text}" for option in question.options] if question.kind != "number" else []
    return "\n".join([question.text, *options])


def number_in(text):
    """Return the number that a text is or begins with, or that its arithmetic makes, or None."""
    text = text.strip().removeprefix("`").removesuffix("`")
    typed = text.translate(TYPED)
    if len(text) > 200:
        return None
    if re.fullmatch(r"[-+*/(). e\d]+", typed):
        return arithmetic(typed)
    match = NUMBER.match(text)
    if not match:
        return None
    number = float(match["number"].replace(",", "").replace("−", "-"))
    power = int((match["power"] or "⁰").translate(POWERS))
    try:
        number = number * 10.0**power if match["times"] else number**power if match["power"] else number
        number = number / float(match["below"] or 1) * MANY.get(match["many"], 1)
    except (OverflowError, ZeroDivisionError):
        return None
    return number / 100 if match["percent"] else number


def arithmetic(text):
    """Return what a sum such as ``48 * 48 * 3`` makes, or None; with floats, so that it cannot take long."""

    def value(node):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return float(node.value)
        if isinstance(node, ast.UnaryOp):
            return ARITHMETIC[type(node.op)](value(node.operand))
        return ARITHMETIC[type(node.op)](value(node.left), value(node.right))

    try:
        return float(value(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError):
        return None


def _plain(text):
    return " ".join(text.replace("`", "").casefold().split())


def _agree(a, b, within, relative):
    return abs(a - b) <= within * (abs(b) if relative else 1) + 1e-12 * abs(b)


def _nearest(truth, options):
    """Return the option with the nearest number; None if it is far beyond them all, or no number."""
    numbers = sorted({option.number for option in options})
    if not numbers:
        return None
    by_ratio = numbers[0] > 0 and numbers[-1] >= 10 * numbers[0] and truth > 0
    scale = math.log if by_ratio else float
    places, place = [scale(number) for number in numbers], scale(truth)
    room = (places[1] - places[0], places[-1] - places[-2]) if len(places) > 1 else (EXACT, EXACT)
    if place < places[0] - room[0] or place > places[-1] + room[1]:
        return None
    return min(options, key=lambda option: abs(scale(option.number) - place))


def _digits(number):
    """Return a number with three digits, or all those of a whole one."""
    if abs(number) < 1e15 and (number == round(number) or abs(number) >= 1000):
        return f"{number:,.0f}".replace("-", "−")
    return f"{number:.3g}".replace("-", "−")


# Reading


def questions_of(lesson):
    """Return a lesson's questions in their order, by id; an empty dict where it has no file yet."""
    path = FOLDER / f"lesson{lesson}.md"
    try:
        about = path.stat()
    except OSError:
        return {}
    return _read(path, lesson, about.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read(path, lesson, _):
    questions = {}
    for question in parse(path.read_text(encoding="utf-8"), lesson, path.name):
        if question.id in questions:
            raise ValueError(f"{path.name}: there are two questions {question.id}")
        questions[question.id] = question
    return questions


def number_of(lesson):
    """Return a lesson's number as two digits; a ValueError says that something else was given."""
    digits = str(lesson).zfill(2)
    if not re.fullmatch("[0-9]{2}", digits):
        raise ValueError(f'A lesson is named by its number, such as "03"; {lesson!r} is none.')
    return digits


def lessons():
    """Return the numbers of the lessons that have questions, as texts."""
    return sorted(path.stem.removeprefix("lesson") for path in FOLDER.glob("lesson[0-9][0-9].md"))


def find(name):
    """Return the question with this id, or None, and then a sentence that says so."""
    faults = []
    for lesson in lessons():
        try:
            if isinstance(name, str) and (question := questions_of(lesson).get(name)):
                return question, ""
        except ValueError as error:
            faults.append(str(error))
    return None, ". ".join([f"There is no question {name!r} here", *faults]) + "."


def parse(text, lesson, file="this text"):
    """Return the questions of a text.

    Raises
    ------
    ValueError
        If it is not as this module's first lines say: which line, and what is wrong with it.
    """
    blocks = []  # of each heading: its line, its mark, its title, its text, and the marks below it
    for number, line in enumerate(text.splitlines(), 1):
        mark = MARK.fullmatch(line.rstrip())
        if mark and mark[1].startswith("#"):
            blocks.append([number, mark[1].strip(), mark[2].strip(), [], []])
        elif line.strip() and not blocks:
            raise ValueError(f"{file}, line {number}: text before the first ## heading")
        elif mark:
            blocks[-1][4].append([number, mark[1].strip(" :"), mark[2].strip()])
        elif line.strip() and blocks[-1][4]:
            blocks[-1][4][-1][2] += " " + line.strip()
        elif blocks:
            blocks[-1][3].append(line.rstrip())
    found = []
    for number, mark, title, words, items in blocks:
        try:
            _add(found, lesson, mark, title, _paragraphs(words), items)
        except ValueError as error:
            raise ValueError(f"{file}, line {number}, {title}: {error}") from None
    for question in found:
        if question.part == "predict" and question.later is None:
            raise ValueError(f"{file}, {question.id}: it has no ### Later")
    return found


def _paragraphs(lines):
    """Return lines with those of a paragraph joined; indented ones are code and stay."""
    text = ""
    for line in lines:
        joined = text and not text.endswith("\n") and line and not line.startswith("    ")
        text += (" " if joined else "\n" if text else "") + line + ("\n" if line.startswith("    ") else "")
    return re.sub(r"\n+", "\n", text).strip("\n")


def _add(found, lesson, mark, title, text, items):
    """Add the question of one heading to the others, or to the one that it is the later part of."""
    if mark == "##":
        part, _, name = title.rpartition(": ")
        if part not in ("", "quiz") or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise ValueError("an id has small letters, digits and hyphens, after ## or ## quiz:")
        found.append(_question(name, lesson, part or "predict", text, items))
        return
    before = found[-1] if found else None
    if title != "Later" or before is None or before.part != "predict" or before.later:
        raise ValueError("### Later, once, below a question that is no quiz, is all that may stand there")
    later = _question(before.id, lesson, "later", text, items)
    found[-1] = replace(before, later=later)


def _question(name, lesson, part, text, items):
    marks = {mark: value for _, mark, value in items if mark != "-"}
    if len(marks) < sum(mark != "-" for _, mark, _ in items):
        raise ValueError("Number, Order, Because and Answer stand once each")
    kind = "number" if "Number" in marks else "order" if "Order" in marks else "choice"
    options = tuple(_option(value) for _, mark, value in items if mark == "-")
    if kind != "number" and not 2 <= len(options) <= (4 if kind == "choice" else 6):
        raise ValueError(f"{len(options)} options: one chooses from two to four, and orders two to six")
    if len({_plain(option.text) for option in options}) < len(options):
        raise ValueError("two options are the same")
    if not text.strip():
        raise ValueError("it has no text")
    if ("Answer" in marks) != (part != "predict"):
        raise ValueError("a predicted question has no Answer, its later part and a quiz have one")
    question = Question(name, lesson, part, kind, text, options, _within(marks), marks.get("Because", ""))
    return question if part == "predict" else replace(question, answer=_answer(question, marks["Answer"]))


def _option(text):
    text, _, sentence = text.partition(" : ")
    if not text.strip() or "$" in text:
        raise ValueError(f"an option is plain text, without formulas, for it stands on a button: {text!r}")
    return Option(text.strip(), sentence.strip(), number_in(text))


def _within(marks):
    if "Number" not in marks:
        return EXACT, True
    match = re.fullmatch(r"within ([\d.]+)( ?%)?", marks["Number"])
    if not match:
        raise ValueError("after Number: stands how far off it may be, as within 20 %, or within 3")
    return (float(match[1]) / 100, True) if match[2] else (float(match[1]), False)


def _answer(question, text):
    """Return the answer that a text gives, if it is one."""
    if question.kind == "order":
        answer = [part.strip() for part in text.split("→")]
        if sorted(answer) == sorted(option.text for option in question.options):
            return answer
        raise ValueError("its Answer is not the items, each once, with → between them")
    if question.true_option(text):
        return text
    number = number_in(text) if question.kind == "number" or text.startswith("`") else None
    if number is None or (question.kind == "choice" and question.true_option(number) is None):
        raise ValueError(f"its Answer is none of its options, and no number: {text!r}")
    return number
