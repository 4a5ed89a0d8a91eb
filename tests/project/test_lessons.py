"""The lessons can be worked through, their claims hold on CIFAR-10 too, and their numbers on other machines.

That every lesson prints what is saved in it is tested by nbval, in the same pytest run.
"""

import ast
import builtins
import inspect
import io
import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

import nn_helpers.exercises.catalogue
from nn_helpers import load_images
from nn_helpers.course.doctor import Finding
from nn_helpers.course.lesson import edition
from nn_helpers.course.questions import questions_of
from tools.run_notebooks import FIRST_CELL

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
EVERY = bool(os.environ.get("NN_HELPERS_COSTLY"))  # all of them, filled in, take more than a minute

DATA = "cifar10" if os.environ.get("CIFAR10_DIR") else "sketches"  # the lessons' claims hold on both


def cells_of(path):
    """Return a lesson's cells without the one that installs the package where it is missing."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.id != "install"]


def exercises_in(path):
    """Return the exercises of a lesson, by name."""
    known = nn_helpers.exercises.catalogue.EXERCISES
    return {name: exercise for name, exercise in known.items() if exercise.lesson == path.stem}


def with_answers(source, exercises):
    """Return a cell with every function that is an exercise replaced by its answer."""
    lines = source.splitlines()
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: -node.lineno):
        if node.name in exercises:
            answer = inspect.getsource(exercises[node.name].answer).rstrip().splitlines()
            lines[node.lineno - 1 : node.end_lineno] = answer
    return "\n".join(lines)


def outputs(cell):
    """Return all text that a cell put out."""
    parts = [output.get("text", "") for output in cell.get("outputs", [])]
    parts += [output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return "\n".join(parts)


def fill_in(notebook, exercises):
    """Fill in every blank, and return the cells that check one, by the exercise's name."""
    checks = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = with_answers(cell.source, exercises)
            for name in re.findall(r"^check\((\w+)", cell.source, re.MULTILINE):
                checks[name] = cell
    return checks


# Forget the lesson before, but for what Python asks for when it begins a process. Figures and widgets are
# made but not turned into pixels: that takes long, and nbval does it.
BEGIN = """
%reset -f
__spec__ = None
get_ipython().display_formatter.formatters["image/png"].enabled = False
__import__("nn_helpers.widgets").widgets.panel.Panel._ipython_display_ = lambda panel: None
"""


@pytest.fixture(scope="module")
def kernel(pytestconfig):
    """One kernel for all lessons, with CIFAR-10 if it is there and else the sketches.

    Each lesson begins without the names of the one before; nbval gives each a kernel of its own.
    """
    timeout = int(pytestconfig.getoption("--nbval-cell-timeout"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NN_HELPERS_DATA", DATA)
        client = NotebookClient(
            new_notebook(), timeout=timeout, resources={"metadata": {"path": str(NOTEBOOKS)}}
        )
        with client.setup_kernel():
            yield client


def run(kernel, notebook):
    """Run `notebook`; an assertion that fails is an error here, and so is a cell too slow for nbval."""
    notebook.cells.insert(0, new_code_cell(BEGIN))
    kernel.nb = notebook
    kernel.reset_execution_trackers()
    for index, cell in enumerate(notebook.cells):
        kernel.execute_cell(cell, index)


@pytest.mark.skipif(not __debug__, reason="python -O leaves assertions out")
def test_a_cell_that_fails_is_noticed_and_no_lesson_has_the_names_of_the_one_before(kernel):
    run(kernel, new_notebook(cells=[new_code_cell("x = 1"), new_code_cell("assert x == 1")]))
    for fault in ("x", "assert False"):
        with pytest.raises(CellExecutionError):
            run(kernel, new_notebook(cells=[new_code_cell(fault)]))


@pytest.mark.parametrize("path", LESSONS if EVERY else LESSONS[:4], ids=lambda path: path.stem)
def test_with_every_blank_filled_in_every_check_says_right_and_every_assertion_holds(path, kernel):
    """On CIFAR-10 if it is there. On the sketches nbval runs the assertions too, with the blanks empty."""
    notebook, exercises = nbformat.read(path, as_version=4), exercises_in(path)
    checks = fill_in(notebook, exercises)
    if exercises:  # lesson 00 has none of its own; it checks a function that is wrong on purpose
        assert set(checks) == set(exercises)
    run(kernel, notebook)
    for name in exercises:
        assert re.search(rf"{name}: right", outputs(checks[name])), outputs(checks[name])
    shown = "\n".join(outputs(cell) for cell in notebook.cells)
    assert [line for line in shown.splitlines() if " not written yet" in line] == []
    if DATA == "cifar10":
        assert "50,000 training and 10,000 test images: CIFAR-10" in shown


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_is_committed_has_every_blank_empty(path):
    exercises = exercises_in(path)
    checks = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            for name in re.findall(r"^check\((\w+)", cell.source, re.MULTILINE):
                checks[name] = outputs(cell)
    for name in exercises:
        assert f"{name}: not written yet" in checks[name]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_figure_is_described_in_words_below_it(path):
    cells = nbformat.read(path, as_version=4).cells
    for cell, below in pairwise(cells):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            assert below.cell_type == "markdown", cell.source
            assert re.match(r"\*The (figure|figures)\b", below.source), below.source[:80]
            images = [output for output in cell.outputs if "image/png" in output.get("data", {})]
            for alternative in (
                output.metadata["image/png"]["alt"] for output in images
            ):  # nbconvert shows it
                assert alternative.startswith("The figure"), "run make notebooks"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_its_parts_in_order(path):
    cells = cells_of(path)
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    first_code = next(cell for cell in cells if cell.cell_type == "code")
    assert cells[0].source.startswith(f"# {path.stem[:2]} · ")
    assert "?" in cells[0].source
    assert any("image/png" in output.get("data", {}) for output in first_code.outputs)  # on the first screen
    parts = ["## What you now have", "### Three questions", "### Further reading"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "[glossary](glossary.md)" in text[places[-1] :]
    assert "[formula sheet](formulas.md)" in text[places[-1] :]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_before_it_finds_out_and_at_its_beginning_and_end(path):
    number, cells = path.stem[:2], nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    asked, told = (re.findall(rf'\b{name}\("([^"]+)"', "\n".join(code)) for name in ("predict", "reveal"))
    assert asked == told != []
    assert len(asked) <= 8
    assert asked == [q.id for q in questions_of(number).values() if q.part == "predict"]
    assert [f'quiz("{number}")'] == [source for source in code if source.startswith("quiz(")]
    assert sum(f'recall("{number}")' in source for source in code) == (number != "00")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_answer_comes_from_a_training_that_was_stopped(path):
    for cell in nbformat.read(path, as_version=4).cells:
        read = names_in(cell.source)[1] if cell.cell_type == "code" else set()
        if "reveal" in read and read & {"train", "compare_optimizers"}:
            assert re.search(r"reveal\([^#]*after=", cell.source), cell.id


def names_in(source):
    """Return the names that a cell makes and those that it reads."""
    made, read = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.ExceptHandler):
            made.add(node.name)
    return made, read


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_core_path_needs_nothing_that_is_beyond_it(path):
    known, beyond = set(dir(builtins)), False
    for cell in cells_of(path):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            beyond = cell.metadata.get("beyond", False)
        elif cell.cell_type == "code" and not beyond and "claims" not in cell.metadata.get("tags", []):
            made, read = names_in(cell.source)
            assert read <= known | made, cell.id
            known |= made


def test_the_first_lesson_shows_images_and_says_how_to_run_a_cell_above_its_first_code():
    cells = cells_of(LESSONS[0])
    assert [cell.cell_type for cell in cells[:2]] == ["markdown", "code"]
    title = cells[0]
    assert "press **Shift+Enter**" in title.source
    ((words, name),) = re.findall(r"!\[([^]]+)\]\(attachment:([\w.-]+)\)", title.source)
    assert all(word in words for word in load_images("sketches", quiet=True).class_names)
    png = b64decode(title.attachments[name]["image/png"])
    assert Image.open(io.BytesIO(png)).width < 900  # fits a small laptop's screen


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_says_first_of_all_for_which_version_it_was_written(path):
    cells = cells_of(path)
    first = next(cell for cell in cells if cell.cell_type == "code")
    here, number = edition(nn_helpers.__version__), path.stem[:2]
    statement = f'nn_helpers\\.lesson\\("{number}", written_for="{here}"\\)'
    assert re.match(f"import nn_helpers\n{statement}\n\n", first.source)
    assert "\n".join(cell.source for cell in cells).count("nn_helpers.lesson(") == 1


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_first_cell_installs_the_package_where_it_is_missing(path):
    cell = nbformat.read(path, as_version=4).cells[1]
    here = edition(nn_helpers.__version__)
    assert cell.source == FIRST_CELL.replace("EDITION", here), "run make notebooks"
    assert f"install --quiet nn-helpers=={here}.*" in cell.source
    assert (cell.metadata.tags, cell.outputs, cell.execution_count) == (["install"], [], 1)


def first_cell(monkeypatch, missing, findings=(), installs=True):
    """Run the cell; return what it runs of pip."""
    ran = []
    magic = SimpleNamespace(run_line_magic=lambda *line: ran.append(line))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: not missing or (ran and installs))
    monkeypatch.setattr("nn_helpers.course.doctor.packages", lambda: list(findings))
    exec(FIRST_CELL, {"get_ipython": lambda: magic})
    return ran


def test_where_the_package_is_the_first_cell_does_and_says_nothing(monkeypatch, capsys):
    assert first_cell(monkeypatch, missing=False) == []
    assert capsys.readouterr().out == ""


def test_where_a_service_keeps_another_version_the_first_cell_says_which_and_what_to_do(monkeypatch, capsys):
    old = Finding("ipywidgets", "7.7.1; <9,>=8.1 was tried", "trouble", "restart the kernel")
    ran = first_cell(monkeypatch, missing=True, findings=[Finding("packages", "numpy 2.0.2"), old])
    assert ran == [("pip", "install --quiet nn-helpers==EDITION.*")]
    said = capsys.readouterr().out
    assert said.startswith("nn_helpers is not installed here. Installing it takes a minute or two.\n")
    assert said.endswith(f"{old}\n")
    assert "numpy" not in said
    first_cell(monkeypatch, missing=True)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_where_pip_fails_the_first_cell_says_what_to_do(monkeypatch):
    with pytest.raises(ImportError, match=r"^pip says above why it failed\. Check the network, and run this"):
        first_cell(monkeypatch, missing=True, installs=False)


def test_in_colab_the_first_cell_asks_for_the_widgets_of_today(monkeypatch):
    asked = []
    output = SimpleNamespace(enable_custom_widget_manager=lambda: asked.append("widgets"))
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    for missing in (True, False):  # after a restart of the kernel too
        first_cell(monkeypatch, missing)
    assert asked == ["widgets"] * 2


@pytest.mark.parametrize(
    ("written_for", "running", "advice"),
    [
        (
            "0.2",
            "0.1.9",
            r"restart the kernel .* run `pip install -r requirements\.txt` in a terminal, in the project's",
        ),
        ("0.10", "0.9.0", "restart the kernel"),
        ("1.0", "0.9.0", "restart the kernel"),
        ("0.1", "0.2.0", "go on in this lesson's new edition, which `nn-helpers lab` or `make lab` puts"),
        ("0.9", "0.10.0", "go on in this lesson's new edition"),
    ],
)
def test_a_lesson_of_another_version_stops_with_a_sentence_that_says_what_to_do(
    monkeypatch, written_for, running, advice
):
    monkeypatch.setattr("nn_helpers.course.lesson.__version__", running)
    nn_helpers.lesson(written_for=edition(running))
    words = f"This lesson was written for nn_helpers {written_for}, but {running} is running here: {advice}"
    with pytest.raises(RuntimeError, match=words):
        nn_helpers.lesson(written_for=written_for)


def test_in_a_notebook_that_sentence_is_all_that_the_first_cell_shows():
    """In every lesson, before it imports anything that another version may not have."""
    cells = [next(cell.source for cell in cells_of(path) if cell.cell_type == "code") for path in LESSONS]
    program = """if True:
        import json, sys
        import nn_helpers
        from IPython.core.interactiveshell import InteractiveShell

        del nn_helpers.load_images, nn_helpers.SGD, nn_helpers.Adam  # as in another version
        nn_helpers.course.lesson.__version__ = "0.0.3"
        shell = InteractiveShell()
        shell.history_manager.enabled = False
        for cell in json.load(sys.stdin):
            shell.run_cell(cell)
    """
    shown = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(cells), capture_output=True, text=True, check=True
    )
    lines = shown.stdout.splitlines()
    assert len(lines) == len(LESSONS)
    for line in lines:
        assert line.startswith("This lesson was written for nn_helpers ")
        assert line.endswith("in the project's folder if you cloned it, and restart it again.")


TRAINING = """
import numpy as np
from nn_helpers import *
x, y = np.random.default_rng(0).standard_normal((200, 300)), np.arange(200) % 10
net = ClassificationNet(300, [40, 40], 10, dtype=np.float64)
loss = train(net, (x, y), Adam(1e-3), epochs=20, progress=False).to_arrays()["loss"]
print(*(f"{value:.9f}" for value in loss))
"""


def losses_with(**environment):
    result = subprocess.run(
        [sys.executable, "-c", TRAINING], env={**os.environ, **environment}, capture_output=True, check=True
    )
    return np.array(result.stdout.split(), float)


def test_losses_in_float64_do_not_depend_on_threads_or_on_the_processors_kernels():
    here = losses_with()
    assert len(here) == 500
    for environment in (
        {"OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Prescott"},
        {"OPENBLAS_CORETYPE": "Haswell"},
    ):
        # lessons print four digits
        np.testing.assert_allclose(
            losses_with(**environment), here, rtol=1e-6, atol=2e-9, err_msg=str(environment)
        )
