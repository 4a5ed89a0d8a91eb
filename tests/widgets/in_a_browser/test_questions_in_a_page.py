"""Questions in JupyterLab: clicked and typed, in the light and in the dark, and what is left of them."""

from pathlib import Path

import pytest

QUESTIONS = Path(__file__).resolve().parents[2] / "course" / "questions"
CELLS = [
    f"""from pathlib import Path
from nn_helpers.course import predict, progress, questions, quiz, reveal
questions.FOLDER = Path({str(QUESTIONS)!r})""",
    'predict("straight-border")',
    'predict("two-squares")',
    'reveal("straight-border", "a straight line")',
    'quiz("01")',
    "progress()",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS) as notebook:
        for cell in (0, 1, 2, 4, 5):
            notebook.run(cell)
        notebook.until(lambda: notebook.button("○ any curve").count())
        yield notebook


def test_questions_are_answered_by_keys_and_by_typing(notebook):
    notebook.press("○ any curve", key="Enter")
    notebook.until(lambda: notebook.button("● any curve").count())
    notebook.press("○ a straight line", key="Space")
    notebook.until(lambda: notebook.button("● a straight line").count())
    notebook.type("Your number", "12")
    notebook.until(lambda: notebook.text("Your guess is kept").count("Your guess is kept") == 2)
    assert notebook.root.locator(".jp-Notebook.jp-mod-editMode").count() == 0
    notebook.run(3)
    notebook.until(lambda: "So it is." in notebook.output(3).whole())
    notebook.until(lambda: "It came out as: a straight line." in notebook.text())
    assert notebook.button("○ any curve").is_disabled()
    notebook.press("○ no")
    notebook.until(lambda: "a is positive exactly where z is." in notebook.text())
    assert notebook.errors() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_can_be_read_in_the_light_and_in_the_dark(notebook, theme):
    notebook.theme(theme)
    enabled = [found for found in notebook.contrasts() if not notebook.button(found[1]).count()]
    assert enabled[0][0] >= 4.5
    assert notebook.cut_off() == []
    assert notebook.output(5).root.locator(".nn-progress svg").is_visible()


def test_the_next_day_the_question_stands_there_and_says_what_to_do(notebook, lab):
    lab.reopen(notebook)
    words = notebook.output(1).whole()
    assert "Run this cell to answer." in words
    assert "any curve" in words
    assert "model not found" not in notebook.whole()
    notebook.run(0)
    notebook.run(1)
    notebook.until(lambda: notebook.button("○ any curve").count())
    assert "Run this cell to answer." not in notebook.output(1).whole()
