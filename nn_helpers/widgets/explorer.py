"""What the explorers share: a figure that is drawn anew for each value of a control, and says its numbers."""

import html
from itertools import chain

import ipywidgets as widgets

from nn_helpers.widgets.canvas import Canvas, Sheet
from nn_helpers.widgets.controls import row
from nn_helpers.widgets.panel import Panel

WIDTH = 960  # pixels


class Explorer(Panel):
    """A panel with one sheet. A subclass makes its controls, then this, and writes `show`.

    Parameters
    ----------
    height : int
        Of the sheet, in pixels.
    words : str
        What is to be seen on it, for a screen reader.
    *rows : sequences of controls
    """

    def __init__(self, height, words, *rows):
        super().__init__()
        self.sheet, self.facts = Sheet(WIDTH, height, words), widgets.HTML()
        self.canvas = Canvas([self.sheet], self.post)
        self.ui.children = [*(row(*each) for each in rows), self.message, self.canvas, self.facts]
        for control in chain(*rows):
            self.when(control, lambda _: self.draw())
        self.draw()

    def show(self):
        """Compute everything for the controls' values and draw it; return it in a sentence or two."""

    def draw(self):
        """Bring sheet and sentences up to date."""
        self.sheet.clear()
        self.canvas.say = self.show()
        self.facts.value = html.escape(self.canvas.say)
        self.canvas.draw()
