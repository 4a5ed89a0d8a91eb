"""An error that comes about below the learner's own lines, shown in a notebook as these and a sentence.

Someone who tried `lr=0` reads what to write in its place. The frames inside this package or NumPy are of no
use to them; `%tb` shows those.
"""

import linecache
import sys
import traceback
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
MOST = 5  # lines; a function that calls itself has many
MORE = "(%tb shows the whole traceback.)"  # for what is not one of our own sentences


def show_refusals_as_sentences():
    """Do so in this kernel from now on; an error in the learner's own line keeps its traceback."""
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
        None, if the last of these lines is where the error came about.
    """
    from nn_helpers.exercises.portfolio import NAME  # here: exercises need all of the package

    frames = list(traceback.walk_tb(stack))
    names = [frame.f_globals for frame, _ in frames]
    own = [i for i, each in enumerate(names) if each is cells or each.get("__name__") == NAME]
    if not own or own[-1] == len(frames) - 1:
        return []
    (last, number), places = frames[-1], [_place(frames[i][0].f_code, frames[i][1]) for i in own[-MOST:]]
    path = last.f_code.co_filename
    meant = Path(path).is_relative_to(PACKAGE) and _line(path, number).startswith("raise ")
    said = "".join(traceback.format_exception_only(error)).rstrip()
    return [*places, said] if meant else [*places, said, MORE]


def _place(code, number):
    inside = "" if code.co_name.startswith("<") else f", in {code.co_name}"
    return f"Line {number}{inside}: {_line(code.co_filename, number)}"


def _line(path, number):
    return linecache.getline(path, number).strip()
