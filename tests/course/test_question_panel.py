"""Questions as widgets: what is clicked, typed and shown, and what is left of them."""

import gc
import weakref

from IPython.display import display
from ipywidgets.widgets.widget import _instances

from nn_helpers.course import predict, predictions, questions, reveal
from nn_helpers.course.panel import QuestionPanel
from nn_helpers.support import record

NAMES = "straight-border", "two-squares", "from-input-to-loss"


def ask(*names):
    """What `predict` shows in a notebook."""
    asked = [questions.find(name)[0] for name in names]
    return QuestionPanel("", asked, predictions._guessed, predictions._guess)


def buttons(panel):
    return {button.tooltip: button for part in panel.parts for button in part.buttons.values()}


def said(panel):
    return " ".join(part.said.value for part in panel.parts)


def guesses():
    return [line.answer for line in record.read() if line.event == "predicted"]


def test_a_click_is_a_guess_and_can_be_changed(home):
    panel = ask("straight-border")
    assert said(panel) == ""
    buttons(panel)["any curve"].click()
    assert "You can change it until" in said(panel)
    assert buttons(panel)["any curve"].description == "● any curve"
    assert buttons(panel)["a straight line"].description == "○ a straight line"
    buttons(panel)["a straight line"].click()
    buttons(panel)["a straight line"].click()
    assert buttons(panel)["any curve"].description == "○ any curve"
    assert guesses() == ["any curve", "a straight line"]


def test_what_is_revealed_is_closed(monkeypatch):
    panel = ask("straight-border")
    monkeypatch.setitem(predictions._panels, "straight-border", panel)
    buttons(panel)["any curve"].click()
    reveal("straight-border", "a straight line")
    assert all(button.disabled for button in buttons(panel).values())
    assert "It came out as: a straight line." in said(panel)
    buttons(panel)["a straight line"].click()
    assert guesses() == ["any curve"]


def test_a_number_is_typed(home):
    panel = ask("two-squares")
    field = panel.parts[0].field
    field.value = "nine"
    assert "Type a number, such as" in said(panel)
    assert guesses() == []
    field.value = " 4 * 27 "
    buttons(panel)["Take this number"].click()
    assert guesses() == ["4 * 27"]
    assert "You can change it" in said(panel)
    assert ask("two-squares").parts[0].field.value == "4 * 27"


def test_an_order_is_clicked_and_taken_back():
    panel = ask("from-input-to-loss")
    for name in ("loss", "layers"):
        buttons(panel)[name].click()
    assert [button.description for button in buttons(panel).values()] == ["1 loss", "2 layers", "○ input"]
    buttons(panel)["loss"].click()  # this one and those after it
    assert guesses() == []
    for name in ("input", "layers", "loss"):
        buttons(panel)[name].click()
    assert guesses() == ["input → layers → loss"]
    buttons(panel)["layers"].click()  # anew
    assert [button.description for button in buttons(panel).values()] == ["○ loss", "1 layers", "○ input"]


def test_questions_asked_again_hear_at_once_what_is_right(monkeypatch):
    shown = []
    monkeypatch.setattr(predictions, "_ask", lambda *parts: shown.append(QuestionPanel(*parts)))
    predictions.recall("02")
    predictions.quiz("01")
    again, end = shown
    buttons(again)["30"].click()
    assert "✗" in said(again)
    assert "You said: 30. The answer is: 1." in said(again)
    assert "Multiply out." in said(again)
    buttons(end)["yes, and it saves memory"].click()
    assert "✓" in said(end)
    assert [line.right for line in record.read()] == [False, True]
    buttons(end)["no"].click()  # the first answer counts
    assert len(record.read()) == 2


def test_what_is_saved_is_the_question_and_always_the_same(capsys):
    panel, other = ask(*NAMES), ask(*NAMES)
    buttons(other)["any curve"].click()
    assert repr(panel) == repr(other)
    assert panel.saved_html() == other.saved_html()
    assert panel.saved_png() is None
    assert repr(panel).endswith("Run this cell to answer.")
    for words in ("what border can <code>net</code> draw?", "<li>any curve</li>", "Run this cell to answer"):
        assert words in panel.saved_html()
    assert "81" not in panel.saved_html()  # a known wrong number is no option
    display(panel)
    assert "what border" in capsys.readouterr().out


def test_a_card_is_html_that_escapes_what_it_quotes():
    card = predictions.Card(predictions.Reply("a", True, False, "<b> & `x`", "because"))
    assert "&lt;b&gt; &amp; <code>x</code>" in card._repr_html_()
    assert "✗" in card._repr_html_()
    assert repr(card) == "✗ <b> & `x`\nbecause"


def test_every_control_says_what_it_is():
    for part in ask(*NAMES).parts:
        assert all(button.description and button.tooltip for button in part.buttons.values())
        if part.field:
            assert part.field.description


def test_an_error_shows_in_the_panel():
    def fail(*_):
        raise RuntimeError("no disk")

    panel = QuestionPanel("", [questions.find("straight-border")[0]], predictions._guessed, fail)
    buttons(panel)["any curve"].click()
    assert "no disk" in panel.message.value


def test_a_closed_panel_leaves_nothing_behind():
    before = set(_instances)
    panel = ask(*NAMES)
    buttons(panel)["any curve"].click()
    panel.parts[1].field.value = "5"
    assert set(_instances) > before
    left = weakref.ref(panel)
    panel.close()
    assert set(_instances) == before
    reveal("straight-border", "a straight line")
    del panel
    gc.collect()
    assert left() is None


def test_in_a_terminal_no_widget_is_made():
    before = set(_instances)
    predict("straight-border")
    assert set(_instances) == before
