"""Run lessons from the top in fresh kernels and save them so that a second run changes nothing.

`make notebooks` runs them all. It writes into each how many minutes it takes, the first cell that installs
nn_helpers where it is missing, the words of its figures, and for which version of nn_helpers it is: the one
it ran with. A lesson that raises, writes to stderr or takes too long is left as it was.
"""

import argparse
import base64
import io
import os
import re
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell
from PIL import Image

from nn_helpers import __version__
from nn_helpers.course.lesson import STATEMENT, edition
from nn_helpers.course.pytorch import FILE, SAVING
from nn_helpers.support.files import temporary_file
from tools.minutes import write_minutes

LESSONS = Path(__file__).resolve().parent.parent / "notebooks"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {"name": "python"}
FIRST_CELL = Path(__file__).with_name("first_cell.txt").read_text(encoding="utf-8").rstrip()
SHOWS_TIME = "shows-time"  # the tag of a cell whose figure depends on how fast the machine is
WORDS = re.compile(r"\*(The figures?\b.*?)\*(?:\n\n|\Z)", re.DOTALL)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class LessonError(Exception):
    """A lesson that cannot be saved, and why."""


def run(path, timeout):
    """Run the notebook at `path` and save it; return whether the file changed.

    Parameters
    ----------
    path : Path
        The notebook. Its folder is the kernel's working directory.
    timeout : float
        How long a cell may take, in seconds.

    Raises
    ------
    LessonError
        If a cell raises, writes to stderr or takes longer than `timeout`; the file stays as it was.
    """
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    for i, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{i}")
    for cell in code_cells(notebook):
        cell.source = STATEMENT.sub(rf"\g<1>{edition(__version__)}\g<3>", cell.source)
    write_first_cell(notebook)
    write_minutes(notebook)
    old_images = images(notebook)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name=KERNELSPEC["name"],
        resources={"metadata": {"path": str(path.resolve().parent)}},
        record_timing=False,
        store_widget_state=False,
    )
    try:
        client.execute(env={**os.environ, SAVING: str(path.resolve().with_name(FILE))})
    except CellTimeoutError as error:
        raise LessonError(f"a cell took longer than {timeout:g} s") from error
    except (CellExecutionError, DeadKernelError) as error:
        raise LessonError(str(error)) from error
    refuse_complaints(notebook)
    write_words(notebook)
    normalise(notebook, old_images)
    after = as_text(notebook)
    if after == before:
        return False
    with temporary_file(path, after.encode("utf-8")) as new:
        os.replace(new, path)
    return True


def write_first_cell(notebook):
    """Put into a lesson, below its title, the cell that installs the package where it is missing."""
    if any('nn_helpers.lesson("' in cell.source for cell in code_cells(notebook)):
        if notebook.cells[1].id != "install":
            notebook.cells.insert(1, new_code_cell(id="install", metadata={"tags": ["install"]}))
        notebook.cells[1].source = FIRST_CELL.replace("EDITION", edition(__version__))


def as_text(notebook):
    """Return the notebook as a lesson's file holds it."""
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip() + "\n"


def code_cells(notebook):
    """Return the code cells that have something to run, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def images(notebook):
    """Return a notebook's PNGs with their code: {(cell id, which output): (code, base64 text)}."""
    return {
        (cell.id, i): (cell.source, output.data["image/png"])
        for cell in code_cells(notebook)
        for i, output in enumerate(cell.outputs)
        if "image/png" in output.get("data", {})
    }


def refuse_complaints(notebook):
    """Raise `LessonError` for an output no learner should see first: an error, a warning, a progress bar."""
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            if output.output_type == "error":
                raise LessonError(f"cell {number} raised {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                raise LessonError(f"cell {number} wrote to stderr: {output.text.strip()}")


def write_words(notebook):
    """Make the words below each figure its alternative text, without the marks of Markdown and LaTeX."""
    for cell, below in pairwise(notebook.cells):
        words = WORDS.match(below.source)
        for output in cell.get("outputs", ()):
            if words and "image/png" in output.get("data", {}):
                heard = re.sub(r"\\[a-z]+|[$*`_{}\\]", "", words[1])
                output.metadata["image/png"] = {"alt": " ".join(heard.split())}


def normalise(notebook, old_images):
    """Take out of `notebook`, in place, what differs from run to run or from machine to machine.

    Saved widgets go too: without their state, which is large and never the same twice, JupyterLab shows
    "model not found" where now it shows the text that stands for the widget until the cell is run.
    """
    notebook.metadata.kernelspec = KERNELSPEC
    notebook.metadata.language_info = LANGUAGE_INFO
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    for count, cell in enumerate(code_cells(notebook), start=1):
        cell.execution_count = count
        cell.outputs = merge_streams(cell.outputs)
        for i, output in enumerate(cell.outputs):
            if "execution_count" in output:
                output.execution_count = count
            data = output.get("data", {})
            data.pop(WIDGET_VIEW, None)
            old_code, old = old_images.get((cell.id, i), (None, None))
            if old and "image/png" in data:
                timed = SHOWS_TIME in cell.metadata.get("tags", []) and old_code == cell.source
                if timed or same_pixels(old, data["image/png"]):
                    data["image/png"] = old


def merge_streams(outputs):
    """Return `outputs` with neighbouring pieces of text joined: where they are cut is a matter of timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.output_type == "stream" and output.name == last.get("name"):
            last.text += output.text
        else:
            merged.append(output)
    return merged


def same_pixels(a, b):
    """Tell whether two PNGs, each as base64 text, show the same figure."""
    if a == b:
        return True
    a, b = (np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")) for png in (a, b))
    return np.array_equal(a, b)


def main():
    """Run the notebooks named on the command line, or every lesson; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="NOTEBOOK", help="default: every lesson")
    parser.add_argument("--timeout", type=float, default=300, help="seconds a cell may take (default: 300)")
    options = parser.parse_args()
    os.environ.pop("NN_HELPERS_DATA", None)  # lessons are saved with the sketches, which everybody has
    failed = False
    for path in options.paths or sorted(LESSONS.glob("*.ipynb")):
        try:
            changed = run(path, options.timeout)
        except (LessonError, OSError, nbformat.reader.NotJSONError) as error:
            failed = True
            print(f"{path.name}: left as it was: {error}", file=sys.stderr)
        else:
            print(f"{path.name}: {'saved' if changed else 'unchanged'}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
