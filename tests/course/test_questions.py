"""The texts of the questions, and what is right."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from nn_helpers.course import questions
from nn_helpers.course.questions import arithmetic, find, number_in, parse, questions_of, truth_of

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("0*.ipynb"))
OWN = Path(questions.__file__).parent / "questions"
CALL = re.compile(r'^\s*(predict|reveal|quiz|recall)\("([\w-]+)"', re.MULTILINE)


def question(name):
    return find(name)[0]


# The lessons' own


def test_the_lessons_own_questions_can_be_read_and_have_ids_of_their_own(monkeypatch):
    monkeypatch.setattr(questions, "FOLDER", OWN)
    names = [name for lesson in questions.lessons() for name in questions_of(lesson)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_lesson_asks_its_own_questions_and_finds_out(monkeypatch, path):
    monkeypatch.setattr(questions, "FOLDER", OWN)
    lesson, known = path.stem[:2], questions_of(path.stem[:2])
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    calls = CALL.findall("\n".join(cells))
    predicted = [name for call, name in calls if call == "predict"]
    assert predicted == [name for name, found in known.items() if found.part == "predict"]
    assert len(predicted) <= 8
    for name in predicted:
        asks = next(i for i, cell in enumerate(cells) if ("predict", name) in CALL.findall(cell))
        tells = next(i for i, cell in enumerate(cells) if ("reveal", name) in CALL.findall(cell))
        assert asks < tells
    assert {name for call, name in calls if call == "reveal"} == set(predicted)
    assert {name for call, name in calls if call in ("quiz", "recall")} <= {lesson}
    at_the_end = [found for found in known.values() if found.part == "quiz"]
    assert len(at_the_end) == 3 * (("quiz", lesson) in calls)


# Numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("64", 64), ("3,072", 3072), ("10 %", 0.1), ("about 0.5", 0.5), ("≈ 2.5 times", 2.5), ("-6", -6),
        ("−6", -6), ("1/32", 1 / 32), ("10⁻⁵", 1e-5), ("2 × 10⁸", 2e8), ("3.6 billion", 3.6e9),
        ("48 * 48 * 3", 6912), ("`(1 + -1) / 2`", 0), ("2**10", 1024), ("43%", 0.43), ("1e-3", 1e-3),
        ("about 10 %, as by", 0.1), ("48 × 48 · 3", 6912), ("2 − 5", -3),
        ("any curve", None), ("", None), ("9**9**9**9", None), ("1/0", None),
        ("(" * 5000, None), ("e", None),
        ("layer 4", None), ("0/0", None), ("10⁹⁹⁹", None), ("nan", None),
    ],
)  # fmt: skip
def test_a_number_is_read_from_a_text(text, number):
    found = number_in(text)
    assert found is None if number is None else found == pytest.approx(number, rel=1e-12)


def test_arithmetic_is_numbers_only():
    assert arithmetic("48 * 48 * 3") == 6912
    for text in (
        "__import__('os')",
        "x",
        "[1]",
        "1 if 1 else 2",
        "True",
        "'a' * 9",
        "1j",
        "~1",
        "1 // 2",
        "1 +",
    ):
        assert arithmetic(text) is None


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (3072, 3072.0), (np.float32(0.5), 0.5), (np.array([7]), 7.0), (np.bool_(True), True), ("a", "a"),
        (np.str_("a"), "a"), (["a", "b"], ["a", "b"]), (("a",), ["a"]), (None, "None"),
        (np.inf, "infinity"), (np.float32("nan"), "NaN"), (-np.inf, "-infinity"),
    ],
)  # fmt: skip
def test_a_computed_truth_is_one_of_few_kinds(value, truth):
    assert truth_of(value) == truth
    assert type(truth_of(value)) is type(truth)


def test_a_truth_of_any_kind_is_put_into_words():
    class Hostile:
        def __str__(self):
            raise RuntimeError

    for value in (Hostile(), np.arange(5), object(), 1j, {}, float("nan"), -np.inf, 10**400, b"", print):
        for name in ("straight-border", "image-numbers", "two-squares", "from-input-to-loss"):
            truth = truth_of(value)
            assert question(name).in_words(truth)
            assert not question(name).is_right("a straight line", truth)


# What is right


@pytest.mark.parametrize(
    ("name", "truth", "option"),
    [
        ("image-numbers", 3072, "3,072"),
        ("image-numbers", 2000, "3,072"),  # by ratio
        ("image-numbers", 400, "1,024"),
        ("image-numbers", 60_000, None),
        ("image-numbers", 0, "64"),
        ("image-numbers", -6000, None),
        ("new-images", 0.43, "40 %"),
        ("new-images", 0.2, "10 %"),
        ("new-images", 1.0, "95 %"),
        ("new-images", 43, None),  # per cent are hundredths
        ("new-images", float("nan"), None),
        ("new-images", np.inf, None),
        ("straight-border", "a straight line", "a straight line"),
        ("straight-border", "A straight  line", "a straight line"),
        ("straight-border", "a circle", None),
        ("straight-border", 7, None),
        ("kept-for-backward", True, "yes, and it saves memory"),
        ("kept-for-backward", np.bool_(False), "no"),
    ],
)
def test_a_truth_means_the_option_nearest_to_it(name, truth, option):
    assert getattr(question(name).true_option(truth_of(truth)), "text", None) == option


@pytest.mark.parametrize(
    ("name", "truth", "words"),
    [
        ("image-numbers", 3072, "3,072"),
        ("image-numbers", 2000.4, "2,000"),
        ("new-images", 0.4, "40 %"),
        ("new-images", 0.4321, "43.2 %"),
        ("straight-border", "a Straight line", "a straight line"),
        ("two-squares", 108, "108"),
        ("two-squares", -0.12345, "−0.123"),
        ("kept-for-backward", False, "no"),
        ("from-input-to-loss", ["input", "layers", "loss"], "input → layers → loss"),
    ],
)
def test_a_truth_reads_like_the_options(name, truth, words):
    assert question(name).in_words(truth_of(truth)) == words


@pytest.mark.parametrize(
    ("name", "guess", "truth", "right"),
    [
        ("two-squares", "100", 108.0, True),
        ("two-squares", "4 * 27", 108.0, True),
        ("two-squares", "80", 108.0, False),
        ("two-squares", "many", 108.0, False),
        ("from-input-to-loss", "input → layers → loss", ["input", "layers", "loss"], True),
        ("from-input-to-loss", "loss → layers → input", ["input", "layers", "loss"], False),
        ("new-images", "40 %", 0.43, True),
        ("new-images", "10 %", 0.43, False),
    ],
)
def test_a_guess_is_right_or_not(name, guess, truth, right):
    assert question(name).is_right(guess, truth) is right


def test_how_far_off_a_number_may_be_can_be_a_number_itself():
    later = question("two-squares").later
    assert (later.within, later.answer) == ((0.5, False), 9)
    assert later.is_right("9.5", later.answer)
    assert not later.is_right("9.6", later.answer)


def test_who_is_wrong_is_told_why():
    assert question("straight-border").sentence("one bend for each unit") == "The bends are ReLU's."
    assert question("two-squares").sentence("3 * 4") == "The chain rule multiplies."
    assert question("two-squares").sentence("13") == ""
    assert question("straight-border").later.sentence("30") == "Multiply out."


def test_answers_are_found_in_each_way_to_write_them():
    assert question("image-numbers").later.answer == 6912
    assert question("from-input-to-loss").later.answer == ["loss", "layers", "input"]
    assert question("a-photograph").true_option(question("a-photograph").answer).text == "3.6 billion"
    assert question("straight-border").later.answer == "1"
    for lesson in questions.lessons():
        for found in questions_of(lesson).values():
            asked = found.later or found
            assert asked.is_right(asked.in_words(asked.answer), asked.answer)


# What authors may get wrong

SOUND = "## an-id\nWhy?\n\n- a : no\n- b\n\n### Later\nWhy?\n\n- a : no\n- b\nAnswer: b\n"


def test_the_sound_text_is_sound():
    (found,) = parse(SOUND, "01")
    assert (found.id, found.text, found.later.answer) == ("an-id", "Why?", "b")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("## an-id", "Words\n## an-id", 1),
        ("## an-id", "## An Id", 1),
        ("## an-id", "## exam: an-id", 1),
        ("Why?\n\n- a : no\n- b\n\n#", "\n- a : no\n- b\n\n#", 1),
        ("- a : no\n- b\n\n#", "- a : no\n\n#", 1),
        ("- a : no\n- b\n\n#", "- a : no\n- A\n\n#", 1),
        ("- a : no\n- b\n\n#", "- $a$ : no\n- b\n\n#", 1),
        ("- a : no\n- b\n\n#", "- a\n- b\n- c\n- d\n- e\n\n#", 1),
        ("- a : no\n- b\n\n#", "- a : no\n- b\nAnswer: b\n\n#", 1),
        ("- a : no\n- b\n\n#", "Number: within a bit\n- 1 : no\n\n#", 1),
        ("- a : no\n- b\n\n#", "- a : no\n- b\nBecause: x\nBecause: y\n\n#", 1),
        ("Answer: b", "Answer: c", 7),
        ("Answer: b", "Answer: `1 +`", 7),
        ("Answer: b", "", 7),
        ("### Later", "### Sooner", 7),
        ("### Later\nWhy?\n\n- a : no\n- b\nAnswer: b\n", "", None),
        ("Answer: b\n", "Answer: b\n### Later\nWhy?\n- a\n- b\nAnswer: b\n", 13),
        ("- a : no\n- b\nAnswer: b", "Order\n- a\n- b\nAnswer: a → c", 7),
    ],
)
def test_what_is_not_as_it_should_be_is_said_with_its_line(old, new, line):
    assert SOUND.count(old) == 1
    with pytest.raises(ValueError, match="my.md, an-id" if line is None else f"my.md, line {line}"):
        parse(SOUND.replace(old, new), "01", "my.md")


def test_one_id_stands_for_one_question(monkeypatch, tmp_path):
    monkeypatch.setattr(questions, "FOLDER", tmp_path)
    (tmp_path / "lesson07.md").write_text(SOUND + SOUND, encoding="utf-8")
    with pytest.raises(ValueError, match="two questions an-id"):
        questions_of("07")
    assert "two questions an-id" in find("an-id")[1]


def test_code_in_a_question_stays_as_it_is():
    text = SOUND.replace(
        "Why?\n\n- a : no\n- b\n\n#",
        "What does\nthis print?\n\n    x = 1\n    print(x)\n\nAnd then?\n- a\n- b\n#",
    )
    assert parse(text, "01")[0].text == "What does this print?\n    x = 1\n    print(x)\nAnd then?"
