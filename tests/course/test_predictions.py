"""`predict`, `reveal`, `recall` and `quiz`, as text; how they look is in test_question_panel.py."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from nn_helpers import History
from nn_helpers.course import predict, predictions, questions, quiz, recall, reveal
from nn_helpers.support import record


@pytest.fixture
def said(capsys):
    """What a call prints."""
    return lambda call, *arguments: (capsys.readouterr(), call(*arguments), capsys.readouterr().out)[2]


def noted(event):
    return [line for line in record.read() if line.event == event]


def recalled(lesson):
    return [question.id for question in predictions.recalled_in(lesson)]


# Guesses


def test_a_question_is_asked_and_answered(said):
    assert said(predict, "straight-border").splitlines() == [
        "Without ReLU, what border can `net` draw?",
        "  - any curve", "  - a straight line", "  - one bend for each unit",
        'Answer with predict("straight-border", "…").',
    ]  # fmt: skip
    assert "You can change it" in said(predict, "straight-border", "any curve")
    assert said(reveal, "straight-border", "a straight line").splitlines() == [
        "✗ You said: any curve. The answer is: a straight line.",
        "Sums of sums are again sums.",
    ]
    assert [(line.answer, line.truth, line.right) for line in noted("revealed")] == [
        ("any curve", "a straight line", False)
    ]


def test_a_right_guess_is_praised_in_no_more_words_than_needed(said):
    predict("straight-border", "A straight line")
    assert said(reveal, "straight-border", "a straight line").endswith(
        "✓ You said: a straight line. So it is.\n"
    )


def test_a_guess_at_a_number_hears_what_it_is(said):
    predict("new-images", "10 %")
    assert said(reveal, "new-images", 0.432).endswith(
        "✗ You said 10 %. It is 43.2 %.\nThat would be guessing.\n"
    )
    predict("image-numbers", 3072)
    predict("two-squares", 12)
    assert "✓ You said 3,072. So it is." in said(reveal, "image-numbers", np.int64(3072))
    assert "✗ You said 12. It is 108.\nThe chain rule multiplies." in said(reveal, "two-squares", 108)


def test_an_order_is_guessed_as_a_list(said):
    predict("from-input-to-loss", ["loss", "input", "layers"])
    assert "It is" not in said(predict, "from-input-to-loss")
    words = said(reveal, "from-input-to-loss", ["input", "layers", "loss"])
    assert words == "✗ You said: loss → input → layers. The answer is: input → layers → loss.\n"


def test_a_guess_can_be_changed_until_it_is_revealed(said):
    predict("straight-border", "any curve")
    predict("straight-border", "a straight line")
    assert "✓" in said(reveal, "straight-border", "a straight line")
    assert "It came out as: a straight line." in said(predict, "straight-border", "any curve")
    assert "✓" in said(reveal, "straight-border", "a straight line")
    assert [line.answer for line in noted("predicted")] == ["any curve", "a straight line"]
    assert len(noted("revealed")) == 1


def test_who_does_not_guess_is_asked_to_once(said, home):
    first = said(reveal, "image-numbers", 3072)
    assert first.startswith("○ It is 3,072.\nHeight times width times three colours.\nNext time, guess")
    assert said(reveal, "straight-border", "a straight line") == "○ The answer is: a straight line.\n"


def test_where_nobody_could_guess_nobody_is_asked_to(said):
    """As in the lessons' saved outputs."""
    assert said(reveal, "image-numbers", 3072) == "○ It is 3,072.\nHeight times width times three colours.\n"


def test_after_a_training_that_was_stopped_nothing_is_recorded(said):
    whole, stopped = History(), History(stopped="interrupted after step 3 of 9")
    predict("two-squares", 108)
    words = said(reveal, "two-squares", 4, [whole, stopped])
    assert words.startswith("A training was stopped before its end")
    assert noted("revealed") == []
    assert "✓" in said(reveal, "two-squares", 108, [whole])


def test_a_late_guess_is_taken_but_does_not_count(said):
    reveal("straight-border", "a straight line")
    predict("straight-border", "a straight line")
    assert "✓" in said(reveal, "straight-border", "a straight line")
    assert [line.right for line in noted("revealed")] == [None]


def test_a_changed_cell_hears_what_it_is_now(said):
    predict("new-images", "40 %")
    reveal("new-images", 0.43)
    assert said(reveal, "new-images", 0.9) == "○ Now it is 90 %. Before, it was 43 %.\n"
    assert said(reveal, "new-images", 0.41) == "✓ You said 40 %. It is 41 %.\n"
    predict("two-squares", 108)
    reveal("two-squares", 108)
    assert said(reveal, "two-squares", 4) == "○ Now it is 4. Before, it was 108.\n"


def test_a_truth_that_is_no_option_is_said_as_it_is(said):
    predict("new-images", "40 %")
    assert "✗ You said 40 %. It is 700 %, none of the options." in said(reveal, "new-images", 7)
    assert "○ The answer is: a circle, none of the options." in said(reveal, "straight-border", "a circle")


def test_what_is_no_answer_is_not_taken(said):
    for name, guess in (
        ("straight-border", "a circle"),
        ("two-squares", "many"),
        ("from-input-to-loss", ["loss"]),
    ):
        assert "cannot be an answer to this:" in said(predict, name, guess)
    assert record.read() == []


def test_an_unknown_question_is_a_sentence(said):
    for call in (predict, lambda name: reveal(name, 3)):
        assert said(call, "no-such-thing") == "There is no question 'no-such-thing' here.\n"
    assert said(quiz, "09") == "There are no questions for the end of lesson 09 yet.\n"
    assert said(recall, "00") == "There are no questions from before lesson 00 yet.\n"


def test_what_names_no_question_and_no_lesson_is_a_sentence(said):
    for call in (predict, lambda name: reveal(name, 3)):
        assert said(call, ["straight-border"]) == "There is no question ['straight-border'] here.\n"
    for call in (quiz, recall):
        for lesson in (None, "all", -1, 2.5, ["02"]):
            sentence = f'A lesson is named by its number, such as "03"; {lesson!r} is none.\n'
            assert said(call, lesson) == sentence
        assert said(call, 3) == said(call, "03")


def test_what_is_no_training_was_not_interrupted(said):
    for after in (None, 3, "losses", [None], {"a": 1}, SimpleNamespace(interrupted=False)):
        assert "The answer is: a straight line." in said(
            lambda _, after=after: reveal("straight-border", "a straight line", after=after), ""
        )
    stopped = SimpleNamespace(interrupted=True)
    for after in (stopped, [stopped], (each for each in [stopped])):
        assert said(lambda _, after=after: reveal("straight-border", True, after=after), "").startswith(
            predictions.STOPPED[:20]
        )


def test_a_pipe_that_knows_few_signs_gets_them_all_the_same():
    script = "from nn_helpers.course import progress, predict; print(progress()); predict('one-unit')"
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"\\u25cb" in ran.stdout  # ○


def test_a_text_that_cannot_be_read_is_a_sentence(said, monkeypatch, tmp_path):
    monkeypatch.setattr(questions, "FOLDER", tmp_path)
    (tmp_path / "lesson03.md").write_text("nothing", encoding="utf-8")
    for call in (predict, lambda _: reveal("a", 3), lambda _: quiz("03"), lambda _: recall("04")):
        assert "lesson03.md, line 1: text before the first ## heading" in said(call, "a")


def test_guesses_last_from_one_kernel_to_the_next(said, home):
    predict("straight-border", "any curve")
    record.forget()
    predictions.forget()
    assert "✗ You said: any curve." in said(reveal, "straight-border", "a straight line")
    record.forget()
    assert "It came out as" in said(predict, "straight-border")


def test_a_lesson_that_is_begun_anew_asks_anew(said, home):
    predict("straight-border", "any curve")
    reveal("straight-border", "a straight line")
    record.note("reset", lesson="01")
    assert "Answer with" in said(predict, "straight-border")
    predict("straight-border", "a straight line")
    assert "✓" in said(reveal, "straight-border", "a straight line")


# Asked again


def wrong(name, lesson):
    record.note("revealed", lesson=lesson, question=name, answer="x", truth="y", right=False)


def answered(name, right, event="recalled", lesson="02"):
    record.note(event, lesson=lesson, question=name, answer="x", right=right)


def test_what_was_met_is_asked_before_what_was_left_out(said, home):
    late = [question.id for question in questions.questions_of("01").values()][-1]
    assert late not in recalled("02")
    record.note("revealed", lesson="01", question=late, answer="", truth="y")
    assert recalled("02")[0] == late


def test_without_a_record_the_same_three_are_asked():
    assert recalled("02") == ["straight-border", "image-numbers", "two-squares"]
    assert recalled("01") == ["image-numbers", "new-images", "why-new-images"]
    wrong("new-images", "00")
    assert recalled("02") == ["straight-border", "image-numbers", "two-squares"]
    assert [question.part for question in predictions.recalled_in("01")] == ["later", "later", "quiz"]


def test_wrong_guesses_come_back_first_two_lessons_later(home):
    for name in ("image-numbers", "straight-border"):
        answered(name, True, event="revealed", lesson="")
    wrong("new-images", "00")
    wrong("two-squares", "01")
    assert recalled("01") == ["image-numbers", "new-images", "why-new-images"]
    assert recalled("02") == ["new-images", "straight-border", "image-numbers"]
    assert recalled("03") == ["new-images", "two-squares", "straight-border"]


def test_what_was_answered_rightly_does_not_come_back(home):
    wrong("new-images", "00")
    answered("new-images", True)
    answered("straight-border", True)
    assert recalled("03") == ["image-numbers", "two-squares", "from-input-to-loss"]
    answered("image-numbers", False)
    assert recalled("03")[0] == "image-numbers"


def test_the_three_stay_when_the_cell_runs_again(home):
    for name in ("straight-border", "two-squares"):
        answered(name, True)
    assert recalled("02") == ["straight-border", "two-squares", "image-numbers"]


def test_a_lesson_is_finished_when_all_its_last_questions_are_answered(home, monkeypatch, said):
    asked = {}
    monkeypatch.setattr(
        predictions, "_ask", lambda _, found, reply_of, answer: asked.update(a=answer, q=found)
    )
    quiz("01")
    for question in asked["q"] * 2:
        assert noted("finished") == [] or len(noted("quizzed")) >= 2
        asked["a"](question, question.options[0].text)
    assert [line.right for line in noted("quizzed")][:2] == [True, False]
    assert [line.lesson for line in noted("finished")] == ["01"]
    monkeypatch.undo()
    monkeypatch.setattr(questions, "FOLDER", questions.FOLDER)
