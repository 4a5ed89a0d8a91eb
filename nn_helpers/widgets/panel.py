"""What all widgets share: a panel that loses no error, and is an image where no kernel runs."""

import asyncio
import base64
import html
import traceback
from collections.abc import Mapping
from itertools import dropwhile
from pathlib import Path
from weakref import WeakSet

import ipywidgets as widgets
from IPython import get_ipython
from IPython.display import display

from nn_helpers.widgets.page import SAVED

PACKAGE = str(Path(__file__).resolve().parent.parent)
NO_CANVAS = "If it stays a picture: pip install anywidget where Jupyter runs, and load the page again."
GONE = 2  # seconds that a panel may be nowhere to be seen, as when its cell is moved, before it is closed
open_panels = WeakSet()  # a panel closes those of an earlier run of its notebook cell


class Panel:
    """Controls and figures in one box, for a cell's last line.

    A subclass fills ``self.ui.children``, draws on a `Canvas`, ``self.canvas``, and connects its controls by
    `when` and `button`. What a control does runs on the kernel's main loop, never in the middle of a cell
    or of a frame. An error in it shows in the panel; ipywidgets would lose it.
    """

    def __init__(self):
        self.ui = CountedBox().add_class("nn-panel")
        self.message = widgets.HTML()
        self.closed, self._presses = False, []
        self.asked = False  # whether something waits for its turn on the main loop
        try:
            self.loop = asyncio.get_running_loop()
        except RuntimeError:  # plain Python: what a control does runs at once
            self.loop = None
        self._cell, self._run = running_cell()
        for panel in list(open_panels):
            if self._cell is not None and panel._cell == self._cell and panel._run != self._run:
                panel.close()
        open_panels.add(self)
        self.ui.observe(lambda change: self.close() if change["new"] is None else None, "comm")
        self.ui._view_count = 0  # from here on the page counts the places where the panel is to be seen
        self.ui.observe(lambda change: self.post(self._count_views, change["new"]), "_view_count")

    def saved_html(self):
        """Return what is saved of the panel besides, one element of the class nn-saved."""
        missing = f" {NO_CANVAS}" if self._has_canvas() else ""
        return f'<p class="nn-saved">▶ {html.escape(repr(self))}.{missing}</p>'

    def saved_png(self):
        """Return what is saved of the panel, a PNG file: its figure as it is now; None if it has none."""
        return self.canvas.figure()._repr_png_()

    def _has_canvas(self):
        return isinstance(getattr(self, "canvas", None), widgets.Widget)

    def stop(self):
        """Stop what runs behind the panel; one that only draws has nothing to stop."""

    def _count_views(self, places):
        if not places:  # its cell was deleted, or the notebook closed
            self.stop()
            if self.loop is not None:
                self.loop.call_later(GONE, lambda: self.ui._view_count or self.close())

    def when(self, control, action):
        """Call ``action(new value)`` whenever a control's value changes.

        Of changes that come faster than `action` can be called, the last one counts.
        """
        waiting = []

        def act():
            waiting.clear()
            action(control.value)

        def changed(_):
            if not waiting:
                waiting.append(True)
                self.post(act)

        control.observe(changed, "value")

    def button(self, words, icon, tooltip, action):
        """Return a button that calls ``action()`` whenever it is pressed."""
        button = widgets.Button(description=words, icon=icon, tooltip=tooltip)
        self._presses.append((button, lambda _: self.post(action)))
        button.on_click(self._presses[-1][1])
        return button

    def post(self, action, *arguments):
        """Run ``action(*arguments)`` on the kernel's main loop, from whatever thread this is called on."""
        if self.loop is None or self.loop.is_closed():
            self.guard(action, *arguments)
        else:
            self.loop.call_soon_threadsafe(self.guard, action, *arguments)
            self.asked = True  # after it: whoever sees this makes room once

    def guard(self, action, *arguments):
        """Run ``action(*arguments)``; an error shows in the panel."""
        if self.closed:
            return
        try:
            action(*arguments)
        except Exception as error:
            self.show_error(error)

    def say(self, text):
        """Show a sentence; an empty one clears it."""
        self.message.value = f'<div role="status">{html.escape(text)}</div>' if text else ""

    def show_error(self, error):
        """Show an error with its traceback, from the first line that is the learner's."""
        text = html.escape(traceback_of(error))
        self.message.value = f'<pre role="alert" style="white-space: pre-wrap; line-height: 1.3">{text}</pre>'

    def close(self):
        """Stop what runs behind the panel and take it from the page, with all its widgets, seen or not.

        Running its cell again does this too, and so does deleting its output.
        """
        if self.closed:
            return
        self.closed = True
        self.stop()
        open_panels.discard(self)
        for widget in _widgets_in(vars(self)):
            widget.close()
            widget.unobserve_all()  # what they would call holds the panel, and all that it has
        while self._presses:
            button, pressed = self._presses.pop()
            button.on_click(pressed, remove=True)

    def _ipython_display_(self):
        """Show the panel between a text and a figure, which are to be seen where its kernel is not.

        In JupyterLab and Notebook 7 the text's style sheet hides them while the panel lives, and hides
        the panel afterwards, which would say "model not found" there.
        """
        words, live = repr(self), {} if self.closed else self.ui._repr_mimebundle_()
        if self._has_canvas():
            self.ui.add_class("nn-drawn")
        if str(self._cell).startswith("vscode"):  # it has none of these classes: the figure would always show
            display({**live, **self._saved_figure(), "text/plain": words}, raw=True)
            return
        display({"text/plain": words, "text/html": SAVED.format(self.saved_html())}, raw=True)
        display({**live, "text/plain": ""}, raw=True)  # at once: the figure takes its time
        if figure := self._saved_figure():
            display({**figure, "text/plain": ""}, raw=True)

    def _saved_figure(self):
        png = self.saved_png()
        return {"image/png": base64.b64encode(png).decode()} if png else {}

    def __repr__(self):
        return f"{type(self).__name__}: run this cell to use it"


class CountedBox(widgets.VBox):
    """A box whose views are counted by the page; one that was loaded again begins at 0."""

    def get_state(self, key=None, drop_defaults=False):
        """Return what the page is told of the box."""
        state = super().get_state(key, drop_defaults)
        if key is None and self._view_count is not None:  # all of it: this is a new page
            state["_view_count"] = 0
        return state


def traceback_of(error):
    """Return an error's traceback without this package's lines before those of the learner's."""
    shown = traceback.TracebackException.from_exception(error)
    theirs = list(dropwhile(lambda frame: frame.filename.startswith(PACKAGE), shown.stack))
    if theirs:
        shown.stack = traceback.StackSummary.from_list(theirs)
    return "".join(shown.format())


def running_cell():
    """Return the id of the cell that runs, and of this run of it; None twice outside a notebook."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return parent.get("metadata", {}).get("cellId"), parent.get("header", {}).get("msg_id")


def _widgets_in(thing):
    """Return all widgets that a thing holds at any depth, with layouts and styles, the innermost first."""
    found, left = [], [thing]
    while left:
        thing = left.pop()
        if isinstance(thing, widgets.Widget):
            if thing not in found:
                found.append(thing)
                left.append(thing.trait_values(sync=True))
        elif isinstance(thing, Mapping):
            left += thing.values()
        elif isinstance(thing, list | tuple):
            left += thing
    return found[::-1]
