"""What TEACHING.md names is there: sections, exercises, mistakes, questions, files."""

import re
from pathlib import Path

import nbformat
import pytest

from nn_helpers.course.questions import questions_of
from nn_helpers.exercises.catalogue import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "TEACHING.md").read_text(encoding="utf-8")
LESSONS = dict(re.findall(r"(?ms)^### Lesson (\d\d) · .*?$(.*?)(?=^##)", TEXT))
NOTEBOOKS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("0*.ipynb"))}
KNOWN_QUESTIONS = {name for lesson in NOTEBOOKS for name in questions_of(lesson)}


def sections(lesson):
    cells = nbformat.read(NOTEBOOKS[lesson], 4).cells
    return re.findall(r"(?m)^## (\d+ · .*)$", "\n".join(c.source for c in cells if c.cell_type == "markdown"))


def test_each_lesson_has_a_plan_that_ends_in_time():
    assert list(LESSONS) == list(NOTEBOOKS)
    for lesson, text in LESSONS.items():
        times = [(int(a), int(b)) for a, b in re.findall(r"(?m)^\| (\d+)–(\d+) \|", text)]
        assert times[0][0] == 0
        assert times[-1][1] == (45 if lesson == "00" else 90)
        assert [end for _, end in times[:-1]] == [begin for begin, _ in times[1:]]
        for part in ("**Aims.**", "**Where students stumble.**", "**What to cut.**"):
            assert part in text


@pytest.mark.parametrize("lesson", NOTEBOOKS)
def test_sections_have_the_numbers_and_titles_that_they_have_in_the_lesson(lesson):
    words, titles = " ".join(LESSONS[lesson].split()), sections(lesson)
    named = re.findall(r"\b\d+ · ", words)
    assert len(named) >= 5
    assert sum(words.count(title) for title in titles) >= len(named)
    assert all(title in words for title in titles)  # in the plan, or in what to cut


@pytest.mark.parametrize("lesson", NOTEBOOKS)
def test_mistakes_stand_beside_the_exercise_that_knows_them(lesson):
    text = LESSONS[lesson].partition("**Where students stumble.**")[2].partition("**What to cut.**")[0]
    here = []
    for part in re.findall(r"`(\w+)`|“(.+?)”", " ".join(text.split())):
        if part[0] in EXERCISES:
            here = [*here[-1:], part[0]]
        elif part[1]:
            known = {name.replace("-", " ") for exercise in here for name in EXERCISES[exercise].mistakes}
            assert part[1] in known


def test_what_stands_as_code_exists():
    code = set(re.findall(r"`([a-z0-9_-]+)`", TEXT))
    questions = {name for name in code if re.fullmatch(r"[a-z]+(-[a-z]+)+", name)}
    assert questions <= KNOWN_QUESTIONS
    functions = {name for name in code if "_" in name and not name.startswith("my_")}
    assert functions <= set(EXERCISES)
    for link in re.findall(r"\]\(([\w/.]+)\)", TEXT):
        assert (ROOT / link).exists()
    headings = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
        for title in re.findall(r"(?m)^## (.*)$", TEXT)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= headings
