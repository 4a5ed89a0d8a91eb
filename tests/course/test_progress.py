"""What has been done and where to go on: on a page, and on a lesson's first line."""

import random
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest

import nn_helpers
from nn_helpers.course import progress, standing
from nn_helpers.exercises import check, hint, solution
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.support import record

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("0*.ipynb"))
LESSON_01 = [name for name, exercise in EXERCISES.items() if exercise.lesson.startswith("01")]


def begin(number, capsys):
    """What a lesson's first cell prints."""
    capsys.readouterr()
    nn_helpers.lesson(number, written_for="0.1")
    return capsys.readouterr().out


def right(*names):
    for name in names:
        record.note("checked", lesson=EXERCISES[name].lesson[:2], exercise=name, kind="right")


def one(lesson):
    return next(found for found in standing.standings() if found.lesson == lesson)


def test_lessons_are_called_as_they_call_themselves():
    for path in NOTEBOOKS:
        title = nbformat.read(path, 4).cells[0].source.splitlines()[0].removeprefix(f"# {path.stem[:2]} · ")
        assert title.startswith(standing.TITLES[path.stem[:2]])
    assert len(standing.TITLES) == len(NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_exercises_have_the_numbers_that_their_headings_have(path):
    cells = [cell.source for cell in nbformat.read(path, 4).cells]
    number, found = 0, {}
    for cell in cells:
        if heading := re.search(r"^### Exercise (\d+)", cell, re.MULTILINE):
            number = int(heading[1])
        for name in re.findall(r"^check\((\w+)\)", cell, re.MULTILINE):
            found.setdefault(name, number)
    for exercise in one(path.stem[:2]).exercises:
        assert found[exercise.name] == exercise.number


# On a lesson's first line


def test_the_first_line_says_how_far_a_lesson_is(home, capsys):
    assert begin("01", capsys) == "Lesson 01: 0 of 5 exercises right. Begin with exercise 1, relu_forward.\n"
    right(*LESSON_01[:3])
    assert (
        begin("01", capsys) == "Lesson 01: 3 of 5 exercises right. Go on at exercise 4, sigmoid_backward.\n"
    )
    right(*LESSON_01)
    assert begin("01", capsys) == "Lesson 01: 5 of 5 exercises right. The questions at its end are left.\n"
    record.note("finished", lesson="01")
    assert begin("01", capsys) == "Lesson 01: done. Go on in lesson 02.\n"
    assert begin("00", capsys) == "Lesson 00: begun. Run its cells, down to the questions at its end.\n"
    assert begin("99", capsys) == ""


def test_a_lesson_that_is_begun_anew_is_not_done(home, capsys):
    right(*LESSON_01)
    record.note("finished", lesson="01")
    record.note("reset", lesson="01")
    assert begin("01", capsys).startswith("Lesson 01: 0 of 5 exercises right.")
    right("relu_forward")
    record.note("reset", lesson="all")
    assert not any(found.right or found.finished for found in standing.standings())


def test_outside_a_learners_folder_it_says_nothing(capsys):
    assert begin("01", capsys) == begin(None, capsys) == ""
    assert record.read() == []


def test_a_lesson_without_a_number_runs_as_before(home, capsys):
    assert begin(None, capsys) == ""


# What is on record


def test_check_and_help_are_on_record(home):
    def relu_forward(z):
        return abs(z), z

    check(relu_forward)
    hint("relu_forward")
    solution("relu_forward")
    check(EXERCISES["relu_forward"].answer)  # not the learner's own
    check(3)
    (found, *_) = one("01").exercises
    assert (found.tries, found.right, found.mistakes) == (1, False, ("absolute-value",))
    assert (found.hints, found.solution) == (1, True)
    assert "relu_forward: absolute value, still there" in repr(progress())
    right("relu_forward")
    assert "relu_forward: absolute value, mended" in repr(progress())


def test_a_function_under_check_leaves_no_record(home):
    def relu_forward(z):
        hint("relu_backward")
        return z * (z > 0), z

    check(relu_forward)
    assert [line.event for line in record.read()] == ["checked"]


def test_guesses_count_as_they_were_at_first_and_then_when_asked_again(home):
    for verdict in (False, True):
        record.note("revealed", lesson="01", question="straight-border", answer="x", truth="y", right=verdict)
    record.note("revealed", lesson="01", question="two-squares", truth="y")
    record.note("revealed", lesson="01", question="gone", answer="x", truth="y", right=True)
    record.note("recalled", lesson="03", question="straight-border", answer="x", right=True)
    assert "Right guesses: 1 of 2; asked again later, 1 of 1." in repr(progress())
    page = progress()._repr_html_()
    assert "Without ReLU, what border" in page
    assert "gone" in page


# The page


def test_where_to_go_on_is_the_lesson_begun_last_or_the_first_that_is_not_done(home):
    assert progress().next_step == "Lesson 00, Start here. Run its cells, down to the questions at its end."
    record.note("begun", lesson="04")
    assert progress().next_step.startswith(
        "Lesson 04, Optimizers: ways down. Begin with exercise 1, sgd_step."
    )
    right(*EXERCISES)
    for lesson in standing.TITLES:
        record.note("finished", lesson=lesson)
    assert progress().next_step == "All lessons are done. Three projects to go on with: projects.md."
    assert all(found.share == 1 for found in progress().standings)


def test_a_certificate_says_what_is_on_record_when_all_lessons_are_done(home):
    check(lambda z: (max(0, z), z), "relu_forward")
    right(*EXERCISES)
    hint("softmax")
    for lesson in standing.TITLES:
        assert "ertificate" not in repr(progress()) + progress()._repr_html_()
        record.note("finished", lesson=lesson)
    total, day = len(EXERCISES), record.read()[0].time[:10]
    words = " ".join(repr(progress()).split())
    assert f"Certificate: all {len(standing.TITLES)} lessons of nn_helpers" in words
    assert f"done between {day} and " in words
    assert (
        f"{total} of {total} exercises are right: {total - 1} at the first try, {total - 1} without a"
        in words
    )
    assert "This is what the learner's own record says" in progress()._repr_html_().replace("&#x27;", "'")
    record.note("reset", lesson="02")
    assert progress().certificate == ""


def test_a_page_can_be_read_as_a_page(home):
    check(lambda z: (max(0, z), z), "relu_forward")
    record.note(
        "checked", lesson="01", exercise="relu_forward", kind="mistake", mistakes=("built-in-max", "gone")
    )
    html = progress()._repr_html_().replace("<br>", "<br/>").replace("&nbsp;", " ")
    page = ElementTree.fromstring(f"<div>{html}</div>")
    assert len(page.findall(".//circle")) > len(standing.TITLES)
    assert page.find(".//svg").get("role") == "img"
    assert "lesson 05: 0% done" in page.find(".//svg").get("aria-label")
    height = float(page.find(".//svg").get("viewBox").split()[3])
    titles = [text for text in page.iterfind(".//text") if len(text.text) > 2]
    assert max(len(title.text) for title in titles) <= 20  # or it touches the next lesson's
    assert max(float(title.get("y")) for title in titles) < height - 4  # nothing is cut off
    words = " ".join(page.itertext())
    assert "built in max" in words
    assert "gone" not in words


def test_without_a_home_the_page_says_so():
    assert "There is no record here" in progress()._repr_html_()
    assert "There is no record here" in repr(progress())


def test_a_record_that_cannot_be_read_is_said_to_be_one(home):
    assert "not shown" not in repr(progress())  # there is none yet
    (home / record.FILE).mkdir()
    words = f"What you did before is not shown: {home / record.FILE} cannot be read ("
    assert words in repr(progress())
    assert words in progress()._repr_html_()


def test_damaged_and_foreign_records_make_a_page_too(home):
    rng = random.Random(0)
    events = [
        "begun",
        "checked",
        "predicted",
        "revealed",
        "recalled",
        "quizzed",
        "finished",
        "hint",
        "reset",
        "?",
    ]
    words = [
        "01",
        "05",
        "99",
        "",
        "relu_forward",
        "softmax",
        "straight-border",
        "right",
        "mistake",
        "<b>",
        "θ" * 99,
    ]
    fields = [name for name in record.Event._fields if name not in ("event", "right", "mistakes", "time")]
    for _ in range(30):
        for _ in range(20):
            what = {name: rng.choice(words) for name in rng.sample(fields, 4)}
            mistakes = tuple(rng.sample(words, 2))
            record.note(rng.choice(events), **what, right=rng.choice([True, False, None]), mistakes=mistakes)
        with (home / record.FILE).open("ab") as file:
            file.write(rng.randbytes(40))
        assert repr(progress())
        assert progress()._repr_html_().endswith("</div>")
