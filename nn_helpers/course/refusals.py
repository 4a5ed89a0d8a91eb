"""An error inside the library, shown in a notebook as the learner's own line and a sentence.

Someone who tried `lr=0` reads what to write in its place. The frames inside the library would explain nothing
to them; `%tb` shows those.
"""

import linecache
import sys
import traceback
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ASK = "(nn_helpers did not expect this. %tb shows where it came about.)"


def show_refusals_as_sentences():
    """Do so in this kernel from now on; every other error keeps its traceback."""
    ipython = sys.modules.get("IPython")
    if shell := ipython and ipython.get_ipython():
        shell.set_custom_exc((Exception,), _show)


def _show(shell, kind, error, stack, tb_offset=None):
    speaks = hasattr(error, "_render_traceback_")  # IPython asks for it; `check` says more than the line
    lines = [] if speaks else in_sentences(error, stack, shell.user_global_ns)
    if lines:
        error._render_traceback_ = lambda: lines
    shell.showtraceback((kind, error, stack), tb_offset=tb_offset, running_compiled_code=True)
    if lines:
        del error._render_traceback_  # for %tb


def in_sentences(error, stack, cells):
    """Return the learner's own lines that led to an error, and what it says.

    Parameters
    ----------
    error : Exception
    stack : traceback
    cells : dict
        The global names of the notebook's cells.

    Returns
    -------
    list of str
        None, if the error came about in the learner's code or in what that called, and not in this package.
    """
    from nn_helpers.exercises.portfolio import NAME  # here: exercises need all of the package

    frames = list(traceback.walk_tb(stack))
    names = [frame.f_globals for frame, _ in frames]
    own = [i for i, each in enumerate(names) if each is cells or each.get("__name__") == NAME]
    below = frames[own[-1] + 1 :] if own else []
    if not any(_is_ours(frame) for frame, _ in below):
        return []
    last, number = below[-1]
    meant = _is_ours(last) and _line(last.f_code.co_filename, number).startswith("raise ")
    places = [_place(frames[i][0].f_code, frames[i][1]) for i in own]
    said = "".join(traceback.format_exception_only(error)).rstrip()
    return [*places, said, *([] if meant else [ASK])]


def _is_ours(frame):
    return Path(frame.f_code.co_filename).is_relative_to(PACKAGE)


def _place(code, number):
    inside = "" if code.co_name.startswith("<") else f", in {code.co_name}"
    return f"Line {number}{inside}: {_line(code.co_filename, number)}"


def _line(path, number):
    return linecache.getline(path, number).strip()
