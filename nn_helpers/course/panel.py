"""Questions in a notebook: buttons to click, a number to type, an order to click."""

import html

import ipywidgets as widgets

from nn_helpers.course.questions import KINDS, in_plain_text
from nn_helpers.exercises.checking.page import headline, paragraphs
from nn_helpers.widgets.controls import control, row
from nn_helpers.widgets.panel import Panel

STYLE = """<style>
.nn-question {border-left: 3px solid var(--jp-brand-color1, #1976d2); padding: .2em 1em; margin: .4em 0}
.nn-question .widget-html-content {line-height: 1.5}
.nn-question button {width: auto; height: auto; white-space: normal; text-align: left; line-height: 1.4;
  padding: .35em .8em; color: var(--jp-ui-font-color1, #222); background: var(--jp-layout-color2, #eee)}
.nn-question button:focus-visible {outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px}
.nn-question button.nn-chosen {background: rgba(33, 150, 243, .3)}
</style>"""
NO_NUMBER = "Type a number, such as 0.5, 1/8, 1e-3, 20 % or 48 * 48 * 3."


class QuestionPanel(Panel):
    """Questions and what is said of the answers.

    Parameters
    ----------
    heading : str
    asked : list of Question
    reply_of : function of Question -> Reply
        What is to be shown of a question now.
    answer : function of (Question, str)
        Takes an answer.
    """

    def __init__(self, heading, asked, reply_of, answer):
        super().__init__()
        self.heading, self.reply_of, self.answer = heading, reply_of, answer
        self.parts = [_Part(self, question) for question in asked]
        first = widgets.HTML(STYLE + (f"<b>{html.escape(heading)}</b>" if heading else ""))
        self.ui.children = [first, *(part.box for part in self.parts), self.message]
        self.refresh()

    def refresh(self):
        """Show all questions as they are now."""
        for part in self.parts:
            self.guard(part.show)

    def saved_png(self):
        """Return None: there is no figure."""
        return

    def saved_html(self):
        """Return the questions and their options."""
        asked = (
            f"{paragraphs(part.question.text)}<ul>{''.join(map(_item, part.question.options))}</ul>"
            if part.question.kind != "number" else paragraphs(part.question.text)
            for part in self.parts
        )  # fmt: skip
        heading = f"<b>{html.escape(self.heading)}</b>" if self.heading else ""
        return f'<div class="nn-saved">{heading}{"".join(asked)}<p>▶ Run this cell to answer.</p></div>'

    def __repr__(self):
        return "\n".join([*(in_plain_text(part.question) for part in self.parts), "Run this cell to answer."])


def _item(option):
    return f"<li>{html.escape(_bare(option.text))}</li>"


def _bare(text):
    return text.replace("`", "")


class _Part:
    """One of the questions: its text, its controls, and what is said."""

    def __init__(self, panel, question):
        self.panel, self.question, self.order = panel, question, []
        self.said, self.field = widgets.HTML(), None
        texts = [option.text for option in question.options]
        if question.kind == "number":
            self.field = control(
                widgets.Text, "Your number", NO_NUMBER, "250px", "90px", continuous_update=False
            )
            panel.when(self.field, lambda text: text.strip() and self.take(text))
            self.buttons = {"Answer": panel.button("Answer", "", "Take this number", self.take_typed)}
        else:
            self.buttons = {
                text: panel.button(_bare(text), "", _bare(text), lambda text=text: self.click(text))
                for text in texts
            }
        controls = [self.field] if self.field else []
        self.box = widgets.VBox(
            [widgets.HTMLMath(paragraphs(question.text)), row(*controls, *self.buttons.values()), self.said]
        ).add_class("nn-question")

    def click(self, text):
        """Take the option, or the next one of an order."""
        if self.question.kind == "choice":
            self.take(text)
            return
        known = self.order if len(self.order) < len(self.buttons) else []
        self.order = known[: known.index(text)] if text in known else [*known, text]
        if len(self.order) == len(self.buttons):
            self.take(" → ".join(self.order))
        else:
            self.show()

    def take_typed(self):
        """Take what stands in the field."""
        self.take(self.field.value)

    def take(self, guess):
        """Take an answer, if it is one and the question is open."""
        taken = self.question.taken(guess)
        if taken and not self.panel.reply_of(self.question).final:
            self.panel.answer(self.question, taken)
        self.panel.refresh()
        if not taken:
            self.said.value = f'<div role="status">{html.escape(NO_NUMBER)}</div>'

    def show(self):
        """Show the reply, and which options are chosen."""
        reply = self.panel.reply_of(self.question)
        if reply.guess and self.question.kind == "order" and len(self.order) in (0, len(self.buttons)):
            self.order = reply.guess.split(" → ")
        for text, button in self.buttons.items():
            button.disabled = reply.final
            chosen = text == reply.guess or text in self.order
            if self.question.kind == "choice":
                button.description = f"{'●' if chosen else '○'} {_bare(text)}"
            elif self.question.kind == "order":
                place = f"{self.order.index(text) + 1}" if chosen else "○"
                button.description = f"{place} {_bare(text)}"
            (button.add_class if chosen else button.remove_class)("nn-chosen")
        if self.field:
            self.field.disabled = reply.final
            if reply.guess and not self.field.value:
                self.field.value = reply.guess
        head = html.escape(reply.head)
        words = f"<small>{head}</small>" if reply.right is None else headline(KINDS[reply.right], reply.head)
        self.said.value = f'<div role="status">{words}{paragraphs(reply.said)}</div>' if reply.head else ""
