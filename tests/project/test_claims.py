"""What a lesson's text says is asserted beside it, and holds with other seeds too.

A claim is an assertion in a cell tagged "claims", below the cell that it is about. nbval runs these on the
sketches, `test_lessons` on CIFAR-10. Other seeds than the lessons' own take minutes, so they are asked for:
``CLAIMS_SEEDS="1 2" make test ARGS=tests/project/test_claims.py``, with ``CIFAR10_DIR`` for the photographs.
"""

import ast
import os
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
SEEDS = [int(seed) for seed in os.environ.get("CLAIMS_SEEDS", "").split()]
DATA = ["sketches", *(["cifar10"] if os.environ.get("CIFAR10_DIR") else [])]

# Every seed that is a whole number, of data, first weights or order, is another.
SHIFT = """
import numpy
default_rng = numpy.random.default_rng
numpy.random.default_rng = lambda seed=None: default_rng(seed + {by} if isinstance(seed, int) else seed)
get_ipython().display_formatter.formatters["image/png"].enabled = False
del numpy
"""


def is_claims(cell):
    return "claims" in cell.metadata.get("tags", [])


def assertions(source):
    """Return the assertions in a text; `assert ...` is a blank and claims nothing."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
    return [node for node in found if getattr(node.test, "value", None) is not ...]


def code(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_learner_sees_an_assertion_and_none_is_far_from_what_it_is_about(path):
    cells = code(path)
    for before, cell in pairwise(cells):
        if is_claims(cell):
            assert cell.id == f"{before.id}-claims"
            assert assertions(cell.source)
            assert cell.outputs == []
    assert [cell.id for cell in cells if not is_claims(cell) and assertions(cell.source)] == []


def test_the_lessons_make_many_claims():
    claims = [cell.source for path in LESSONS for cell in code(path) if is_claims(cell)]
    assert sum(len(assertions(source)) for source in claims) >= 250


class GoOn(ast.NodeTransformer):
    """Print an assertion that does not hold, and go on."""

    def visit_Assert(self, node):
        text = ast.unparse(node)
        body = f"try:\n    {text}\nexcept Exception as error:\n    print('FALSE', {text!r}, repr(error))"
        return ast.parse(body).body[0]


def false_claims(path, seed, data):
    """Run a lesson with every seed moved, and return the claims that do not hold."""
    lesson = nbformat.read(path, as_version=4)
    for cell in filter(is_claims, lesson.cells):
        cell.source = ast.unparse(ast.fix_missing_locations(GoOn().visit(ast.parse(cell.source))))
    lesson.cells.insert(0, new_code_cell(SHIFT.format(by=1000 * seed)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NN_HELPERS_DATA", data)
        NotebookClient(lesson, timeout=600, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    said = (
        (cell.id, output.get("text", ""))
        for cell in filter(is_claims, lesson.cells)
        for output in cell.outputs
    )
    return [
        f"{where}: {line}" for where, text in said for line in text.splitlines() if line.startswith("FALSE")
    ]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_claims_hold_with_other_seeds(path, seed, data):
    assert false_claims(path, seed, data) == []


@pytest.mark.skipif(not __debug__, reason="python -O leaves assertions out")
def test_a_false_claim_is_noticed(tmp_path):
    lesson = nbformat.v4.new_notebook(cells=[new_code_cell("a, b = 1, 2")])
    lesson.cells.append(
        new_code_cell("assert a == 1\nfor c in (1, 2):\n    assert c == b", metadata={"tags": ["claims"]})
    )
    nbformat.write(lesson, tmp_path / "lesson.ipynb")
    (found,) = false_claims(tmp_path / "lesson.ipynb", 0, "sketches")
    assert "FALSE assert c == b AssertionError()" in found
