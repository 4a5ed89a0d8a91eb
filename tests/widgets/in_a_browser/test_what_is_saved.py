"""Widgets in a real browser whose kernel is gone, and what is left of widgets in a kernel."""

import pytest

KINDS = ("playground()", "backprop_stepper(N=1)", "softmax_explorer()")
CELLS = ["from nn_helpers.widgets import *", *KINDS]
WORDS = "run this cell to use it"
MODELS = "len(__import__('ipywidgets').widgets.widget._instances)"


@pytest.fixture(scope="module")
def opened(lab):
    with lab.open(CELLS) as notebook:
        yield notebook


@pytest.fixture
def notebook(opened):
    """The notebook, just run, as the test before left it or at first."""
    if not is_alive(opened):
        opened.run_all()
        assert_alive(opened)
    return opened


def parts(notebook, cell):
    """What is to be seen below a cell: its sentence, its controls, its figure."""
    output = notebook.root.locator(".jp-Cell").nth(cell).locator(".jp-Cell-outputWrapper")
    where = (".nn-saved", ".nn-canvas", ".jp-RenderedImage img")
    return tuple(output.locator(f"{each}:visible").count() for each in where)


def is_alive(notebook):
    return all(parts(notebook, cell) == (0, 1, 0) for cell in range(1, len(CELLS)))


def assert_alive(notebook):
    notebook.until(lambda: is_alive(notebook))


def assert_saved(notebook):
    for cell in range(1, len(CELLS)):
        notebook.until(lambda cell=cell: parts(notebook, cell) == (1, 0, 1), message=f"cell {cell}")
        notebook.wait(0.1)
        assert parts(notebook, cell) == (1, 0, 1)
    assert notebook.root.get_by_text(WORDS).count() == len(KINDS)
    assert not notebook.root.get_by_text("Error").filter(visible=True).count()
    assert not notebook.root.get_by_text("Loading").filter(visible=True).count()


def test_on_the_next_day_a_figure_and_a_sentence_stand_where_the_widget_was(lab, notebook, tmp_path):
    lab.reopen(notebook)
    assert_saved(notebook)
    notebook.wait(3)  # JupyterLab gives up to find a model after two seconds
    assert_saved(notebook)
    notebook.screenshot(tmp_path / "saved.png")
    notebook.run_all()
    assert_alive(notebook)
    assert notebook.errors() == []


def test_after_a_restart_too_and_after_a_reload_it_is_the_widget(notebook):
    notebook.reload()
    assert_alive(notebook)
    notebook.restart()
    assert_saved(notebook)
    notebook.run_all()
    assert_alive(notebook)


def test_a_deleted_or_cleared_output_leaves_nothing_and_a_moved_cell_keeps_its_widget(notebook):
    one = notebook.ask(MODELS)
    notebook.run_all()
    assert_alive(notebook)
    notebook.until(lambda: notebook.ask(MODELS) == one)
    notebook.command("move-cell-up", 1)
    notebook.wait(3)
    assert parts(notebook, 0) == (0, 1, 0)
    notebook.delete(2)
    assert notebook.ask(MODELS) == one  # not at once: a deletion may be undone
    notebook.command("clear-all-cell-outputs", 0)
    notebook.until(lambda: notebook.ask(MODELS) == 0, 20)
    assert notebook.comms() == 0
