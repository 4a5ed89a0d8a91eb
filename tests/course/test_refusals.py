"""In a lesson, an error below the learner's own lines is these lines and a sentence."""

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import nn_helpers
from nn_helpers.course.lesson import edition

BEGIN = f"import nn_helpers\nnn_helpers.lesson(written_for={edition(nn_helpers.__version__)!r})"
HERS = """def fitted(lr):
    optimizer = nn_helpers.Adam(lr=lr)
    return optimizer


fitted(0)"""

SELF = """def down(n):
    return down(n - 1) if n else nn_helpers.Adam(lr=0)


down(50)"""
OF_FILE = """names = {"__name__": "my_network"}
exec("def f(x): return 1 / 0", names)
nn_helpers.numerical_gradient(names["f"], numpy.ones(3))"""


@pytest.fixture(scope="module")
def shown():
    """What each of these cells shows, in a kernel in which a lesson has begun."""
    cells = {
        "refused": "net = 1\nnn_helpers.Adam(lr=0)",
        "in a function": HERS,
        "full": "%tb",
        "own": "1 / 0",
        "own ValueError": "int('three')",
        "own function": "import numpy\nnn_helpers.numerical_gradient(lambda x: 1 / 0, numpy.ones(3))",
        "my_network.py": OF_FILE,
        "no Python": "x = = 3",
        "a fault": "nn_helpers.gradcheck.np = None\nnn_helpers.numerical_gradient(sum, numpy.ones(3))",
        "NumPy": "numpy.linspace(0, 1, -3)",
        "calls itself": SELF,
        "check": "from nn_helpers.exercises import check\ncheck(print, print)",
        "after": "print('it goes on')",
    }
    notebook = new_notebook(cells=[new_code_cell(source) for source in (BEGIN, *cells.values())])
    NotebookClient(notebook, timeout=60, allow_errors=True).execute()
    outputs = [cell.outputs for cell in notebook.cells[1:]]
    return dict(zip(cells, outputs, strict=True))


def text(outputs):
    (output,) = outputs
    return "\n".join(output.traceback)


def test_a_refusal_is_the_line_and_the_sentence(shown):
    line, sentence = text(shown["refused"]).strip().splitlines()
    assert line == "Line 2: nn_helpers.Adam(lr=0)"
    assert sentence.startswith("ValueError: Adam: the learning rate lr must be ")


def test_all_lines_of_the_learners_are_there(shown):
    first, second, sentence = text(shown["in a function"]).strip().splitlines()
    assert (first, second) == ("Line 6: fitted(0)", "Line 2, in fitted: optimizer = nn_helpers.Adam(lr=lr)")
    assert sentence.startswith("ValueError: Adam: the learning rate lr must be ")


def test_a_function_that_calls_itself_fills_no_page(shown):
    lines = text(shown["calls itself"]).strip().splitlines()
    assert 3 <= len(lines) < 10


def test_it_is_still_an_error_for_whoever_runs_all_cells(shown):
    assert [output.output_type for output in shown["refused"]] == ["error"]
    assert shown["refused"][0].ename == "ValueError"


def test_the_whole_traceback_can_be_asked_for(shown):
    assert "optimizers.py" in text(shown["full"])


@pytest.mark.parametrize("cell", ["own", "own ValueError", "own function", "my_network.py"])
def test_an_error_in_the_learners_code_keeps_its_traceback(shown, cell):
    assert "Traceback" in text(shown[cell])


@pytest.mark.parametrize(
    ("cell", "own", "said"),
    [
        (
            "a fault",
            "Line 2: nn_helpers.numerical_gradient(sum, numpy.ones(3))",
            "AttributeError: 'NoneType'",
        ),
        ("NumPy", "Line 1: numpy.linspace(0, 1, -3)", "ValueError: Number of samples, -3,"),
    ],
)
def test_an_error_that_the_library_did_not_mean_says_how_to_see_all_of_it(shown, cell, own, said):
    line, error, advice = text(shown[cell]).strip().splitlines()
    assert line == own
    assert error.startswith(said)
    assert advice == "(%tb shows the whole traceback.)"


def test_what_has_words_of_its_own_keeps_them(shown):
    assert text(shown["check"]).startswith("check takes one function")
    assert "Line" not in text(shown["check"])


def test_what_is_no_python_is_shown_as_ever(shown):
    assert text(shown["no Python"]).count("SyntaxError") == 1
    assert "it goes on" in shown["after"][0].text
