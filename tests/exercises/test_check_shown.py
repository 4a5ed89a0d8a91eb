"""In a notebook every verdict, hint and solution is shown exactly once, wherever its call stands."""

import json
import os
import subprocess
import sys

import pytest
from handed_in import relu_with_where

from nn_helpers.exercises import check, hint, solution
from nn_helpers.exercises.checking.copied_process import COPIES

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
shell.run_cell('''
import numpy as np
from nn_helpers.exercises import check, hint, solution, yours_or_ours
def relu_forward(z):
    return np.maximum(0, z), z
def relu_backward(da, cache):
    return da * (cache > 0)
''')
shown = []
for cell in json.load(sys.stdin):
    with capture_output() as captured:
        shell.run_cell(cell, store_history=True)
    outputs = [output.data["text/plain"] for output in captured.outputs]
    shown.append([captured.stdout, captured.stderr, outputs])
sys.stdout.write("\\n" + json.dumps(shown))
"""
KERNEL = """
import json, sys
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(display_pub_class=CapturingDisplayPublisher)
shell.kernel = None  # a shell that has one shows what can be replaced
shell.run_cell("import numpy as np")
shell.run_cell("from nn_helpers.exercises import check")
shell.run_cell(sys.stdin.read())
sys.stdout.write("\\n" + json.dumps(shell.display_pub.outputs))
"""
SIGMOID = """
def sigmoid_forward(z):
    a = 1 / (1 + np.exp(-z)) + 0.5
    return a, a
check(sigmoid_forward)
"""
F, B = "relu_forward: right", "relu_backward: right"

CELLS = {  # what stands in a cell, and in which order it is shown
    "check(relu_forward)": [F],
    "check(relu_forward)\nx = 1": [F],
    "check(relu_forward)\ncheck(relu_backward)": [F, B],
    "check(relu_forward)\nprint('between')\ncheck(relu_backward)": [F, "between", B],
    "check(relu_backward)\nprint('after')": [B, "after"],
    "check(relu_forward);": [F],
    "verdict = check(relu_forward)": [F],
    "verdict = check(relu_forward)\nverdict": [F],
    "verdict = check(relu_forward)\nprint(verdict)": [F],
    "print(check(relu_forward))": [F],
    "print(f'{check(relu_forward)}')": [F],
    "assert check(relu_forward)": [F],
    "for f in (relu_forward, relu_backward):\n    check(f)": [F, B],
    "for f in (relu_forward, relu_backward): print(check(f))": [F, B],
    "[check(relu_forward), check(relu_backward)]": [F, B],
    "check(relu_forward), check(relu_backward)": [F, B],
    "if check(relu_forward):\n    check(relu_backward)": [B, F],
    "v = check(relu_forward)\ncheck(relu_backward)\nprint(v)": [B, F],
    "def both():\n    check(relu_forward)\n    return check(relu_backward)\nboth()": [F, B],
    "check(relu_forward)\n1 / 0": [F],
    "relu = yours_or_ours(relu_forward)": ["relu_forward: yours"],
    "hint(relu_forward)\nhint(relu_backward)": ["Hint 1 of 3: ReLU keeps", "Hint 1 of 3: Where z was"],
    "h = hint(relu_forward)\nprint(h)": ["Hint 2 of 3"],
    "solution(relu_backward)\nx = 1": ["def relu_backward(da, cache):"],
    "print(solution(relu_backward))": ["def relu_backward(da, cache):"],
    "def f(z):\n    hint(relu_forward)\n    return np.maximum(0, z), z\ncheck(f, 'relu_forward')": [F],
}
FAULTS = {  # cells with a sentence in the place of a traceback
    "check(relu_foward)": "name 'relu_foward' is not defined",
    "check(relu_forward, 'relu')": "there is no exercise 'relu'. A function that has",
    "hint('relu')": "there is no exercise 'relu'",
    "check(relu_forward, relu_backward)": "check takes one function, and after it only the name",
    "hint(relu_forward, relu_backward)": "hint takes one function",
    "yours_or_ours(relu_forward(np.ones(3)))": "yours_or_ours takes a function, and this is a value of",
    "solution(None)": "solution takes a function, and this is None",
}


@pytest.fixture(scope="module")
def shown():
    """Return what each cell shows, as one text; displayed outputs come where they were displayed."""
    cells = [*CELLS, *FAULTS]
    return dict(zip(cells, run(SHELL, json.dumps(cells))[1], strict=True))


def run(code, text):
    """Return what another Python prints when it runs code and reads a text: lines, and at last JSON."""
    process = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True
    )
    *printed, last = process.stdout.splitlines()
    return printed, json.loads(last)


@pytest.mark.skipif(not __debug__, reason="python -O leaves assertions out")
def test_every_verdict_is_shown_exactly_once_and_in_order(shown):
    for cell, parts in CELLS.items():
        printed, errors, displayed = shown[cell]
        everything = "\n".join([printed, *displayed])
        for part in parts:
            assert everything.count(part) == 1, (cell, part, shown[cell])
        assert everything.count(": right, on all") == sum(": right" in part for part in parts), cell
        for texts in ([printed], displayed):
            found = [part for part in parts if part in "\n".join(texts)]
            places = ["\n".join(texts).index(part) for part in found]
            assert places == sorted(places), cell
        assert "1 / 0" in cell or "Traceback" not in everything + errors


def test_what_is_wrong_with_a_name_is_a_sentence_without_a_traceback(shown):
    for cell, sentence in FAULTS.items():
        everything = "\n".join(shown[cell][:2])
        assert sentence in everything, (cell, shown[cell])
        if "foward" not in cell:  # which is Python's own
            assert "Traceback" not in everything, cell
            assert "File " not in everything, cell
            assert len(everything.splitlines()) < 12, cell


def test_the_first_verdict_is_replaced_by_one_with_the_place_as_text_and_as_html():
    printed, (first, then) = run(KERNEL, SIGMOID)
    assert printed == ["Out[0]: "]  # and after it nothing: the value is on the screen
    assert (first["update"], then["update"]) == (False, True)
    assert first["transient"]["display_id"] == then["transient"]["display_id"]
    for kind, line in ("text/plain", "One change in line 2"), ("text/html", "<small>line 2:</small>"):
        assert "sigmoid_forward: not right yet." in first["data"][kind]
        assert line not in first["data"][kind]
        assert line in then["data"][kind] or not COPIES


def test_a_pipe_that_knows_few_signs_gets_the_verdict_all_the_same():
    code = (
        "from nn_helpers.exercises import check, hint; f = lambda z: (abs(z), z); f.__name__ = 'relu_forward'"
    )
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    script = [sys.executable, "-c", f"{code}; print(check(f), hint('adam_step'))"]
    ran = subprocess.run(script, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"relu_forward: not right yet." in ran.stdout
    assert b"\\u" in ran.stdout


def test_plain_python_prints_nothing_by_itself(capsys):
    verdict = check(relu_with_where, "relu_forward")
    hint("relu_forward")
    solution("relu_forward")
    assert capsys.readouterr() == ("", "")
    print(verdict, hint("softmax"))
    printed = capsys.readouterr().out
    assert printed.count("relu_forward: right") == printed.count("Hint ") == 1
