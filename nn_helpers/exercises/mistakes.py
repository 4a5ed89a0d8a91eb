"""Read ``lessonNN.md``: the hints for a lesson's exercises, and the mistakes that people make in them.

A mistake stands there as changes of the answer, ```old` → `new```, or as a whole function; below it is what
the learner is told. A learner's function with the same results made the same mistake.
"""

import functools
import inspect
import linecache
import re
import sys
from dataclasses import dataclass
from pathlib import Path

CHANGE = re.compile(r"^- `(.+)` → `(.*)`\n", re.MULTILINE)
CODE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
HINT = re.compile(r"^\d\. (.*?)(?=^\d\. |\Z)", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^Section: (.*)\n?", re.MULTILINE)


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really give, and what to say to them.

    Parameters
    ----------
    code : str
        The answer's source with the mistake in it.
    sentence : str
        What the learner is told: a format string for the arguments of the case that shows the mistake.
    section : str, optional
        The section that explains it, when that is not the exercise's own.
    answer : function
        The right answer; the code sees the names that it sees.
    """

    code: str
    sentence: str
    section: str | None
    answer: object

    @functools.cached_property
    def wrong(self):
        """The function that makes the mistake, called like the answer."""
        names, file = dict(self.answer.__globals__), f"<{self.answer.__name__}, {hash(self.code)}>"
        linecache.cache[file] = len(self.code), None, self.code.splitlines(keepends=True), file
        exec(compile(self.code, file, "exec"), names)
        return names[self.answer.__name__]


@functools.cache
def known_about(answer):
    """Return the hints for the exercise with this answer, a tuple, and its mistakes by name."""
    own, *mistakes = re.split(r"^### ", _sections(answer.__module__)[answer.__name__], flags=re.MULTILINE)
    hints = tuple(_one_line(hint) for hint in HINT.findall(own))
    return hints, dict(_mistake(text, answer) for text in mistakes)


@functools.cache
def _sections(module):
    """Return what a lesson's text says of each exercise, by the exercise's name."""
    text = Path(sys.modules[module].__file__).with_suffix(".md").read_text(encoding="utf-8")
    return dict(part.split("\n", 1) for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])


def _mistake(text, answer):
    name, text = text.split("\n", 1)
    code = "".join(CODE.findall(text)) or inspect.getsource(answer)
    for old, new in CHANGE.findall(text):
        if code.count(old) != 1:
            raise ValueError(f"{answer.__name__}, {name}: {old!r} must be in its answer once")
        code = code.replace(old, new)
    section = SECTION.search(text)
    said = SECTION.sub("", CHANGE.sub("", CODE.sub("", text))).strip()
    sentence = "\n".join(_one_line(paragraph) for paragraph in said.split("\n\n"))
    return name, Mistake(code, sentence, section and section[1], answer)


def _one_line(text):
    return " ".join(text.split())
