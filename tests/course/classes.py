"""Classes that hand in notebooks: made from the lessons, with answers in them, and cells that went astray."""

import ast
import functools
import inspect
import json
import random
import re
import textwrap
from pathlib import Path

from nn_helpers.course.work_copy import source_folder
from nn_helpers.exercises.catalogue import EXERCISES

ANSWERS = {name: inspect.getsource(exercise.answer) for name, exercise in EXERCISES.items()}


@functools.cache
def lesson_cells(lesson):
    """Return the sources of a lesson's code cells."""
    cells = json.loads((source_folder() / f"{lesson}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def filled(lesson, answers):
    """Return a lesson's cells with these answers, sources by name, in the place of its blanks."""
    cells = []
    for source in lesson_cells(lesson):
        for name, answer in answers.items():
            blank = rf"^def {name}\(.*?(?=^\S)"
            source = re.sub(blank, lambda _, a=answer: f"{a}\n\n", source, flags=re.MULTILINE | re.DOTALL)
        cells.append(source)
    return cells


def notebook(sources, counts=None, **metadata):
    """Return a notebook with these code cells as JSON."""
    counts = counts or range(1, len(sources) + 1)
    cells = [
        {
            "cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": count,
            "source": source.splitlines(keepends=True),
        }
        for i, (source, count) in enumerate(zip(sources, counts, strict=True))
    ]  # fmt: skip
    about = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}, **metadata}
    return json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})


def hand_in(path, *sources, **options):
    """Write a notebook with these cells, indented as they may be in a test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [source if source[:1] != "\n" else textwrap.dedent(source).strip("\n") for source in sources]
    path.write_text(notebook(cells, **options), encoding="utf-8")


# Cells that go astray


def split(cells, rng):
    """Cut some cells in two, between statements or in the middle of a function."""
    made = []
    for source in cells:
        lines = source.split("\n")
        if len(lines) > 3 and rng.random() < 0.4:
            at = rng.randrange(1, len(lines))
            if _is_safe(lines, at):
                made += ["\n".join(lines[:at]), "\n".join(lines[at:])]
                continue
        made.append(source)
    return made


def _is_safe(lines, at):
    """Say whether no text over several lines is cut, of which each half would be something else."""
    return "\n".join(lines[:at]).count('"""') % 2 == 0


def move(cells, rng):
    """Put every cell that defines something whole and begins at the margin somewhere else."""
    cells = list(cells)
    for _ in range(len(cells) // 3):
        i = rng.randrange(len(cells))
        whole = _parses(cells[i]) and (i + 1 == len(cells) or not cells[i + 1][:1].isspace())
        if whole and not cells[i][:1].isspace():
            source = cells.pop(i)
            places = [k for k in range(len(cells) + 1) if k == len(cells) or not cells[k][:1].isspace()]
            cells.insert(rng.choice(places), source)
    return cells


def duplicate(cells, rng):
    """Let some cells stand twice, and some exercises stand there as the lesson gives them as well."""
    cells = list(cells)
    for _ in range(3):
        i = rng.randrange(len(cells))
        if _parses(cells[i]) and not (i + 1 < len(cells) and cells[i + 1][:1].isspace()):
            cells.insert(i, cells[i])
    return cells


def _parses(source):
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def with_helper(name, source, rng):
    """Return cells in which a helper does a function's work, or the function has another name."""
    match rng.randrange(4):
        case 0:
            helper = source.replace(f"def {name}(", f"def my_{name}(")
            parameters = ", ".join(EXERCISES[name].parameters)
            keyword = "yield from" if "yield" in source else "return"
            head = f"def {name}{inspect.signature(EXERCISES[name].answer)}:"
            return [f"{head}\n    {keyword} my_{name}({parameters})", helper]
        case 1:
            return [source.replace(f"def {name}(", f"def my_{name}("), f'check(my_{name}, "{name}")']
        case 2:
            return [source.replace(f"def {name}(", f"def my_{name}("), f"{name} = my_{name}"]
    return [f"{source}\ncheck({name})"]


def astray(lesson, answers, seed):
    """Return the sources and execution counts of a notebook in which nothing is where it was."""
    rng = random.Random(seed)
    extracted = {name for name in answers if rng.random() < 0.3}
    cells = filled(lesson, {name: source for name, source in answers.items() if name not in extracted})
    for name in sorted(extracted):
        for source in with_helper(name, answers[name], rng):
            cells.insert(rng.randrange(len(cells) + 1), source)
    for change in (duplicate, split, move):
        cells = change(cells, rng)
    counts = list(range(1, len(cells) + 1))
    rng.shuffle(counts)
    return cells, [None if rng.random() < 0.1 else count for count in counts]


def hand_in_astray(folder, student, lesson, answers, seed):
    """Write such a notebook, by another name."""
    cells, counts = astray(lesson, answers, seed)
    path = Path(folder, student, f"Untitled{seed}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook(cells, counts), encoding="utf-8")
