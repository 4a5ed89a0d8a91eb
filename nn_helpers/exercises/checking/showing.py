"""Show what a call returns in a notebook exactly once, wherever in its cell the call stands.

A notebook shows the value of a cell's last line only. A call whose value is not used is shown at once; any
other when the notebook or ``print`` asks for its text, or at the latest where the cell ends.
"""

import dis
import sys

from nn_helpers.exercises.checking.sandbox import functions_under_check
from nn_helpers.support.printing import printable

_waiting = []  # texts that nobody has looked at yet
_on_screen = []  # in this cell, by `show_now`
# What a cell does with a value that it shows: it throws it away, or it is the cell's own, or gets a name.
SHOWN_ANYWAY = {"POP_TOP", "PRINT_EXPR", "CALL_INTRINSIC_1", "STORE_NAME"}
_shells = []  # those that call `_show_all` at the end of each cell


class Shown:
    """A text that knows when it has been looked at. A subclass gives it as `text`."""

    __slots__ = ()

    def __repr__(self):
        _waiting[:] = [other for other in _waiting if other is not self]
        return printable(self.text)

    __str__ = __repr__

    def _ipython_display_(self):
        if not any(other is self for other in _on_screen):
            raise NotImplementedError  # then IPython shows the text
        _waiting[:] = [other for other in _waiting if other is not self]


class Text(Shown, str):
    """A text that a notebook shows as it is."""

    __slots__ = ()

    @property
    def text(self):
        """The text itself."""
        return str.__str__(self)


def show(shown, depth=2):
    """Return what was passed, and let a notebook show it if it does not do so anyway."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell and not functions_under_check():
        if shell not in _shells:
            _shells.append(shell)
            shell.events.register("post_run_cell", _show_all)
        if not isinstance(shown, str):  # a text that goes into another one is seen there
            _waiting.append(shown)
        if _next_step(sys._getframe(depth)) == "POP_TOP":
            ipython.display.display(shown)
    return shown


def show_now(shown):
    """Show what may soon be replaced, and return a function that puts something better in its place."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    soon = hasattr(shell, "kernel") and _next_step(sys._getframe(2)) in SHOWN_ANYWAY
    if not soon or functions_under_check():  # a terminal takes nothing back
        return lambda better: show(better, 3)
    handle = ipython.display.display(shown, display_id=True)

    def replace(better):
        handle.update(better)
        _on_screen.append(better)
        return better

    return replace


def _show_all(*_):
    _on_screen.clear()
    for shown in list(_waiting):
        sys.modules["IPython"].display.display(shown)


def _next_step(frame):
    """Return what happens to the value of the call that a frame is at, as the name of a bytecode."""
    steps = dis.get_instructions(frame.f_code)
    return next(step.opname for step in steps if step.offset > frame.f_lasti)
