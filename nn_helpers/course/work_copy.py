"""The learner's copy of the lessons: made, brought up to date cell by cell, and reset.

`notebooks/`, which a wheel carries, is the source: executed, checked, and changed by authors only. A learner
works in `my_lessons/`. What a copy was made from is kept in its folder `.nn_helpers`, so that a newer edition
can be merged: what the learner wrote stays, everything else moves on.
"""

import difflib
import hashlib
import json
import os
import re
import stat
import time
import zlib
from argparse import Namespace
from contextlib import chdir, contextmanager
from itertools import chain, count
from pathlib import Path

from nn_helpers.course.source import reinstall, source_folder
from nn_helpers.support import files, record
from nn_helpers.support.files import explain_failure, own_place

MARKER = record.MARKER
RULES = b"1"  # of what a copy leaves out; with another number, all lessons count as new editions
LEFT_OUT = {"claims", "install"}  # tags of the cells that test the lesson or install the package
ASKS = re.compile(
    r"(?<![\w.])(predict|reveal|recall|quiz|progress|check|hint|solution)\((?:\s*[\"']([\w-]+)[\"'])?"
)
WIDGET = re.compile(r'"application/vnd\.jupyter\.widget-view\+json"|nn-saved')
WRITTEN_FOR = re.compile(r'(written_for=")([^"]*)')
LEARNERS = (record.FILE, "my_network.py")  # what `reset all` puts away beside the lessons
IN_LAB = (
    "Is it open in JupyterLab? Then that asks when it saves: Revert shows the new one, "
    "Overwrite keeps what you see there."
)
LEFT = "is left as it was"
ANEW = "nn-helpers reset {} puts the new one there, and keeps this one"
NOTE = """**A newer edition has another version of the cell above.** You changed that cell, so yours stays and
runs. This is the new one; delete this note when you no longer need it.

{fence}{language}
{source}
{fence}"""


def make(folder):
    """Make the work copy, or bring it up to date; a file that the learner changed is never overwritten.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.

    Returns
    -------
    list of str
        What was done, a sentence each; nothing if everything was up to date.

    Raises
    ------
    OSError
        If the folder belongs to something else, or cannot be written.
    """
    folder, sources = Path(folder), _sources()
    _claim(folder)
    with _alone(folder) as before:
        said = [sentence for source in sources for sentence in _try_to_bring(source, folder, before)]
        made = [f"{folder / source.name} is new." for source in sources]
        return [f"{folder} is your copy of the lessons."] if said == made else said + _where(before)


def require(command, folder):
    """Return a work copy's path, or raise a ValueError that says how to get one."""
    folder = Path(folder)
    if not (folder / MARKER).is_dir():
        advice = "go to where yours is, or make one: nn-helpers lab"
        raise ValueError(f"{command}: {folder} is no work copy of the lessons; {advice}")
    return folder


def reset(what, folder):
    """Put back an exercise, a lesson or everything; what was there is kept.

    Parameters
    ----------
    what : str
        An exercise's function, such as ``"relu_forward"``; a lesson's number, such as ``"02"``; or ``"all"``:
        every lesson, the record and the learner's own network.
    folder : str or Path
        The work copy.

    Returns
    -------
    list of str
        What was done, a sentence each.

    Raises
    ------
    ValueError
        If there is no such exercise or lesson, or no work copy.
    """
    folder, sources = require("reset", folder), _sources()
    _claim(folder)
    lessons = [
        source for source in sources if what == "all" or re.match(rf"0?{re.escape(what)}_", source.name)
    ]
    with _alone(folder) as before:
        for source in lessons:  # before anything is changed
            _require_no_folder(folder / source.name)
            _require_no_folder(_note_of(folder, source.name))
        for name in LEARNERS * (what == "all"):
            _require_no_folder(folder / name)
        if not lessons:
            return _reset_exercise(what, sources, folder, before) + _where(before)
        for source in lessons:
            _keep(folder / source.name, before)
            _put(source, folder)
        for name in LEARNERS * (what == "all"):
            _keep(folder / name, before)
            (folder / name).unlink(missing_ok=True)
        if what != "all":
            with chdir(folder):
                record.note("reset", lesson=lessons[0].name[:2])  # its questions can be answered again
        names = "Everything" if what == "all" else lessons[0].name
        return [f"{names} is as on the first day.", *_where(before)]


def copy_of(notebook):
    """Leave out of a lesson, in place, what a learner should not see before its time; return it.

    Cells that only test go, and the one that installs the package. Outputs of what is to be guessed, of
    checks and of widgets are cleared.
    """
    notebook.cells = [cell for cell in notebook.cells if not LEFT_OUT & set(cell.metadata.get("tags", []))]
    asked = {}  # {a question's id: the cell that asks it}
    clear = set()
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = None
        for call, question in ASKS.findall(cell.source):
            if call == "predict":
                asked[question] = i
            clear.update(range(asked.get(question, i), i + 1) if call == "reveal" else [i])
        if WIDGET.search(json.dumps(cell.outputs)):
            clear.add(i)
    for i in clear:
        if notebook.cells[i].cell_type == "code":
            notebook.cells[i].outputs = []
    return notebook


def merge(base, mine, new):
    """Merge two sets of changes to a lesson's cells: the learner's stay, the new edition's come in.

    Parameters
    ----------
    base, mine, new : list of dict
        Cells with `id`, `cell_type` and `source`: of the edition that the copy was made from, of the
        learner's copy, and of the new edition.

    Returns
    -------
    cells : list of dict
    both : list of str
        The ids of cells that both changed. The learner's stands there, and a note with the other below it.
    """
    old, own, theirs = ({cell["id"]: cell for cell in cells} for cells in (base, mine, new))
    ours = {name for name, cell in own.items() if _words(cell) != _words(old.get(name))}
    moved_on = {name for name, cell in theirs.items() if _words(cell) != _words(old.get(name))}
    both = [name for name in own if name in ours & moved_on and _words(own[name]) != _words(theirs[name])]
    order = _order(base, mine, [own[cell["id"]] if cell["id"] in both else cell for cell in new])
    for before, cell in zip([None, *mine], mine, strict=False):
        if cell["id"] in ours and cell["id"] not in order:
            order.insert(order.index(before["id"]) + 1 if before and before["id"] in order else 0, cell["id"])
    cells = []
    for name in order:
        cell = own.get(name) or theirs.get(name)
        if cell is None:  # both left it out
            continue
        untouched = name not in ours and (name in moved_on or not cell.get("execution_count"))
        cells.append(theirs[name] if untouched and name in theirs else cell)
        note = _note(theirs[name]) if name in both else None
        if note and note["id"] not in own:
            cells.append(note)
    return cells, both


def _words(cell):
    return cell and (cell["cell_type"], cell["source"])


def _order(*editions):
    """Return the ids of the cells in the order that nbdime's merge gives them."""
    from nbdime import merge_notebooks  # here, as nbformat elsewhere: only where something is new
    from nbformat.v4 import new_code_cell, new_notebook

    how = Namespace(
        merge_strategy="union", input_strategy="use-local", output_strategy="use-local",
        ignore_transients=True, log_level="INFO",
    )  # fmt: skip
    bare = [
        new_notebook(cells=[new_code_cell(id=cell["id"], source=cell["source"]) for cell in cells])
        for cells in editions
    ]
    merged, _ = merge_notebooks(*bare, how)
    return list(dict.fromkeys(cell.id for cell in merged.cells))


def _note(cell):
    """Return a cell of text that shows the new edition's version of a cell."""
    from nbformat.v4 import new_markdown_cell

    source = cell["source"]
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source)), default=0))
    language = "python" if cell["cell_type"] == "code" else "markdown"
    return new_markdown_cell(
        NOTE.format(fence=fence, language=language, source=source),
        id=f"{cell['id'][:40]}-edition-{zlib.crc32(source.encode()):08x}",
    )


def _sources():
    """Return the files that a work copy has: the lessons, and what they link to."""
    lessons = re.compile(r"\d\d_.+\.ipynb|[^.].*(?<!\.ipynb)")
    return [
        path for path in sorted(source_folder().iterdir()) if path.is_file() and lessons.fullmatch(path.name)
    ]


def _claim(folder):
    """Make sure that a folder is a work copy, or becomes one; somebody's own is left alone."""
    if folder.is_symlink() or (folder / MARKER).is_symlink():
        raise FileExistsError(f"{folder} is a link; name the folder itself, {os.path.realpath(folder)}")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; move it away, or name another folder")
    if not (folder / MARKER).is_dir() and any(path.name[0] != "." for path in _entries(folder)):
        raise FileExistsError(
            f"{folder} has files in it and is no work copy of the lessons, so nothing is changed in it; "
            "name another folder: nn-helpers lab FOLDER"
        )
    editions = folder / MARKER / "editions"
    if os.path.lexists(editions) and not editions.is_dir():
        raise FileExistsError(f"{editions} is in the place of a folder; move it away, and try again")
    with explain_failure("the work copy", folder):
        editions.mkdir(parents=True, exist_ok=True)


def _entries(folder):
    return folder.iterdir() if folder.is_dir() else ()


@contextmanager
def _alone(folder):
    """Let one process at a time change a work copy; yield a new folder's name for what was there before."""
    with own_place(folder / MARKER / "editions", "the work copy"):
        stamp = folder / MARKER / time.strftime("before-%Y-%m-%d-%H%M%S")
        names = chain([stamp], (stamp.with_name(f"{stamp.name}-{number}") for number in count(2)))
        yield next(name for name in names if not os.path.lexists(name))


def _try_to_bring(source, folder, before):
    try:
        return _bring(source, folder, before)
    except (OSError, ValueError) as error:
        return [f"{source.name} {LEFT}: {error}"]
    except ImportError as error:
        return [f"{source.name} {LEFT}: {error}; {reinstall()} mends that"]


def _bring(source, folder, before):
    """Bring one file up to date; return what was done, as sentences."""
    path, edition = folder / source.name, _edition(source)
    if not os.path.lexists(path):
        _put(source, folder)
        return [f"{path} is new."]
    base = _base(folder, source.name)
    if base and base["edition"] == edition:
        return []
    _require_file(path)
    if base is None:
        raise ValueError(f"nothing says which edition it was made from; {ANEW.format(source.name[:2])}")
    if source.suffix != ".ipynb":
        changed = _edition(path) != base["edition"]
        if changed:
            _remember(folder, source.name, {"edition": edition})
            return [f"{path} is as you changed it; the newer edition is {source}."]
        _put(source, folder)
        return [f"{path} is the new edition."]
    return _bring_lesson(source, path, base, before)


def _bring_lesson(source, path, base, before):
    mine, new = _read(path), copy_of(_read(source))
    old = base["cells"]
    _adopt_ids(mine.cells, old)
    if found := WRITTEN_FOR.search("\n".join(cell.source for cell in new.cells)):
        for cell in [*old, *mine.cells]:
            if cell["cell_type"] == "code":
                cell["source"] = WRITTEN_FOR.sub(rf"\g<1>{found[2]}", cell["source"])
    mine.cells, both = merge(old, mine.cells, new.cells)
    _keep(path, before)
    write(path, _bytes_of(mine))
    _remember(path.parent, path.name, {"edition": _edition(source), "cells": _bare(new)})
    both_changed = f" Cells that both changed: {len(both)}. Yours stays, and the new one is shown below it."
    return [f"{path} is the new edition, with all that you wrote.{both_changed * bool(both)}"]


def _adopt_ids(cells, old):
    """Give cells whose ids an editor replaced those of the base's cells with the same words, in place."""
    here = {cell["id"] for cell in cells}
    lost = {_words(cell): cell["id"] for cell in old if cell["id"] not in here}
    known = {cell["id"] for cell in old}
    for cell in cells:
        if cell["id"] not in known and _words(cell) in lost:
            cell["id"] = lost.pop(_words(cell))


def _reset_exercise(what, sources, folder, before):
    """Put back the cell of an exercise, in each lesson that has one, or in none where one cannot be read."""
    blank, names = {}, set()
    for source in (one for one in sources if one.suffix == ".ipynb"):
        new, path = copy_of(_read(source)), folder / source.name
        blanks = {}
        for cell in new.cells:
            for name in re.findall(r"^check\((\w+)\)", cell.source, re.M) if cell.cell_type == "code" else ():
                names.add(name)
                blanks |= {cell.id: cell} if name == what else {}
        if not blanks or not os.path.lexists(path):
            continue
        _require_file(path)
        mine = _read(path)
        _adopt_ids(mine.cells, new.cells)
        there = {cell.id for cell in mine.cells}
        mine.cells = [blanks.get(cell.id, cell) for cell in mine.cells]
        mine.cells += [cell for name, cell in blanks.items() if name not in there]
        blank[path] = mine
    if not blank:
        near = difflib.get_close_matches(what, names) or sorted(names)
        raise ValueError(f"reset: {what!r} is no exercise or lesson; there is {', '.join(near)}, 02 or all")
    for path, mine in blank.items():
        _keep(path, before)
        write(path, _bytes_of(mine))
    return [f"{what} is blank again in {path}." for path in blank]


def _put(source, folder):
    """Write a file of the work copy as it is in the edition `source`, and then what it was made from."""
    content, base = source.read_bytes(), {"edition": _edition(source)}
    if source.suffix == ".ipynb":
        notebook = copy_of(_read(source))
        content, base["cells"] = _bytes_of(notebook), _bare(notebook)
    write(folder / source.name, content)
    _remember(folder, source.name, base)


def _bytes_of(notebook):
    import nbformat

    # Half a character, which an editor left, stays as it was written in the file: \ud83d
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def _bare(notebook):
    return [{part: cell[part] for part in ("id", "cell_type", "source")} for cell in notebook.cells]


def _edition(path):
    rules = RULES if path.suffix == ".ipynb" else b""
    return hashlib.sha256(rules + path.read_bytes()).hexdigest()


def _base(folder, name):
    """Return what a copy was made from, None if that is not known: lost, damaged, or from a later version."""
    try:
        path = _note_of(folder, name)
        if not path.is_file():  # reading from a pipe would never end
            return None
        base = json.loads(path.read_bytes())
        cells = base["cells"] if name.endswith(".ipynb") else ()
        parts = [cell[part] for cell in cells for part in ("id", "cell_type", "source")]
        return base if all(isinstance(part, str) for part in parts) and base["edition"] else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _remember(folder, name, base):
    write(_note_of(folder, name), json.dumps(base, ensure_ascii=False).encode())


def _note_of(folder, name):
    """Return the file that says from which edition a copy was made."""
    return folder / MARKER / "editions" / f"{name}.json"


def _require_no_folder(path):
    if path.is_dir() and not path.is_symlink():
        raise IsADirectoryError(f"{path} is a folder in the place of a file; move it away, and try again")


def _require_file(path):
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError(f"{path} is a link, a folder or a device, and no file")


def _read(path):
    """Return a notebook, with an id for every cell; a ValueError says that a file is none."""
    import warnings

    import nbformat

    try:
        with warnings.catch_warnings(action="ignore"):
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            notebook.nbformat_minor = max(5, notebook.nbformat_minor)  # older ones, as Colab's, have no ids
            nbformat.validate(notebook)
    except OSError:
        raise
    except Exception:  # of many kinds
        raise ValueError(f"{path} is no notebook that can be read; {ANEW.format(path.name[:2])}") from None
    return notebook


def _keep(path, before):
    """Copy a file to where the things are that were there before."""
    if path.is_file():
        before.mkdir(exist_ok=True)
        write(before / path.name, path.read_bytes())


def _where(before):
    return [f"What was there before is in {before}.", IN_LAB] if before.exists() else []


def write(path, content):
    """Write a file of the work copy whole or not at all."""
    _require_no_folder(path)
    files.write(path, content, "the work copy")
