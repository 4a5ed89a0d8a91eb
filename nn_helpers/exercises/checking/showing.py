"""Show what a call returns in a notebook exactly once, wherever in its cell the call stands.

A notebook shows the value of a cell's last line only. A call whose value is not used is shown at once; any
other when the notebook or ``print`` asks for its text, or at the latest where the cell ends.
"""

import dis
import sys

from nn_helpers.exercises.checking.sandbox import functions_under_check

_waiting = []  # texts that nobody has looked at yet
_shells = []  # those that call `_show_all` at the end of each cell


class Shown:
    """A text that knows when it has been looked at. A subclass gives it as `text`."""

    __slots__ = ()

    def __repr__(self):
        _waiting[:] = [other for other in _waiting if other is not self]
        return self.text

    __str__ = __repr__


class Text(Shown, str):
    """A text that a notebook shows as it is."""

    __slots__ = ()

    @property
    def text(self):
        """The text itself."""
        return str.__str__(self)


def show(shown):
    """Return what was passed, and let a notebook show it if it does not do so anyway."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell and not functions_under_check():
        if shell not in _shells:
            _shells.append(shell)
            shell.events.register("post_run_cell", _show_all)
        if not isinstance(shown, str):  # a text that goes into another one is seen there
            _waiting.append(shown)
        if _is_dropped(sys._getframe(2)):
            ipython.display.display(shown)
    return shown


def _show_all(*_):
    for shown in list(_waiting):
        sys.modules["IPython"].display.display(shown)


def _is_dropped(frame):
    """Say whether the value of the call that a frame is at is thrown away."""
    steps = dis.get_instructions(frame.f_code)
    return next(step.opname for step in steps if step.offset > frame.f_lasti) == "POP_TOP"
