"""How long a lesson takes, section by section, by one rule; `run_notebooks` writes it under the headings.

A section's minutes come from its words, its lines of code, its exercises, guesses and widgets. The rates fit
what readers took who worked through the lessons. A section whose heading's cell has
``"beyond": true`` in its metadata is beyond the core path.
"""

import ast
import inspect
import re

from nn_helpers.course.work_copy import LEFT_OUT
from nn_helpers.exercises.catalogue import EXERCISES
from tools.measure import code_lines

WORDS_A_MINUTE = 130
LINES_A_MINUTE = 8
EXERCISE, ANSWER_LINE = 3, 2  # minutes: to read the task and its verdicts, and for each line of the answer
CALLS = {"predict": 0.5, "recall": 2, "quiz": 2}
WIDGET = 3
HEADING = re.compile(r"(?m)^(#{1,3} .*)$(?:\n\n\*(?:About )?\d+ minutes?\b.*\*$)?")
DIFFICULTIES = {2: "easy", 5: "medium"}  # up to so many lines of the answer


def write_minutes(notebook):
    """Write, in place, how long each section, each exercise and the whole lesson take."""
    sections = _sections(notebook)
    core = whole = 0
    for heading, cells in sections[1:]:
        minutes = max(1, round(sum(map(_minutes, cells))))
        beyond = heading.metadata.get("beyond", False)
        _write(heading, f"{minutes} minute{'s' * (minutes > 1)}{' · beyond the core path' * beyond}")
        core, whole = core + minutes * (not beyond), whole + minutes
        for task, lines in _exercises(cells):
            difficulty = next((name for most, name in DIFFICULTIES.items() if lines <= most), "hard")
            _write(task, f"{EXERCISE + ANSWER_LINE * lines} minutes · {difficulty}")
    start = round(sum(map(_minutes, sections[0][1])))
    core, whole = core + start, whole + start
    _write(
        sections[0][0],
        f"About {core} minutes" + f"; {whole} with the parts beyond the core path" * (whole > core),
    )


def _sections(notebook):
    """Return (the heading's cell, all cells) of what stands before the first ``##`` and of each section."""
    sections = [(notebook.cells[0], [])]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            sections.append((cell, []))
        sections[-1][1].append(cell)
    return sections


def _minutes(cell):
    """Return how long a cell takes, in minutes; what only tests the lesson takes none."""
    if cell.cell_type == "markdown":
        return len(HEADING.sub(r"\1", cell.source).split()) / WORDS_A_MINUTE
    if LEFT_OUT & set(cell.metadata.get("tags", [])):
        return 0
    minutes = len(code_lines(cell.source)) / LINES_A_MINUTE
    minutes += sum(EXERCISE + ANSWER_LINE * lines for _, lines in _checked(cell))
    minutes += sum(time for name, time in CALLS.items() if re.search(rf"(?m)^{name}\(", cell.source))
    return minutes + WIDGET * ("nn_helpers.widgets import" in cell.source)


def _checked(cell):
    """Return (exercise, the lines that its blanks leave to write) for what a cell checks."""
    given = set(map(str.strip, cell.source.splitlines()))
    names = [name for name in re.findall(r"(?m)^check\((\w+)", cell.source) if name in EXERCISES]
    return [(name, len([line for line in _body(name) if line not in given])) for name in names]


def _exercises(cells):
    """Return (the task's cell, the lines to write) for each exercise in a section."""
    found, task = [], None
    for cell in cells:
        if cell.cell_type == "markdown" and re.match(r"#{2,3} .*Exercise", cell.source):
            task = cell
        elif cell.cell_type == "code" and task and _checked(cell):
            found.append((task, sum(lines for _, lines in _checked(cell))))
            task = None
    return found


def _body(name):
    """Return the lines of code in the body of an exercise's answer."""
    source = inspect.getsource(EXERCISES[name].answer)
    first = ast.parse(source).body[0].body[0].lineno
    lines = source.splitlines()
    return [lines[number - 1].strip() for number in sorted(code_lines(source)) if number > first]


def _write(cell, text):
    cell.source = HEADING.sub(rf"\1\n\n*{text}*", cell.source, count=1)
