"""What `check` says to functions with blanks in them, and to those that raise an error."""

import textwrap

import numpy as np
import pytest
from handed_in import blank_in_the_return, notebook

import nn_helpers
from nn_helpers.exercises import check

# Blanks


def blank_in_an_assignment(z):
    a = ...  # your line here
    return a, z


def blank_in_a_call(z):
    a = np.maximum(..., z)
    return a, z


def blank_in_an_operation(z):
    return z * ..., z


def two_blanks(z):
    mask = ...
    a = ...
    return a * mask, z


def one_of_two_blanks(z):
    mask = z > 0
    a = ...
    return a * mask, z


@pytest.mark.parametrize(
    ("f", "line"),
    [
        (blank_in_an_assignment, "a = ...  # your line here"),
        (blank_in_a_call, "a = np.maximum(..., z)"),
        (blank_in_an_operation, "return z * ..., z"),
        (blank_in_the_return, "return ..., z"),
        (one_of_two_blanks, "a = ..."),
        (two_blanks, "mask = ..."),
    ],
)
def test_a_blank_is_shown_with_its_line(f, line):
    verdict = check(f, "relu_forward")
    assert verdict.kind == "not attempted"
    assert f"\n    {line}\n" in str(verdict)


def program_to_mend(z):
    assert ...  # one line below is wrong
    a = np.minimum(0, z)
    return a, z


def test_a_program_that_is_to_be_mended_has_no_dots_to_fill():
    assert "\nMend what is wrong, and take this line away." in str(check(program_to_mend, "relu_forward"))
    assert "\nPut your own code in place of the three dots." in str(check(blank_in_a_call, "relu_forward"))


@pytest.mark.parametrize("expression", ["np.maximum(..., z)", "z * ...", "(..., z)", "[z, ...]"])
def test_a_blank_is_recognised_without_the_source(expression):
    assert check(notebook(f"def f(z): return {expression}")["f"], "relu_forward").kind == "not attempted"


def wrong_with_an_ellipsis_index(z):
    a = z[..., :]
    a = np.einsum(a, [..., 0], [..., 0])
    return a, z


def wrong_after_all(z):
    a = z
    return a + 1, z


@pytest.mark.parametrize("f", [wrong_with_an_ellipsis_index, wrong_after_all])
def test_an_ellipsis_in_an_index_is_no_blank(f):
    assert check(f, "relu_forward").kind == "mistake"


def computes_and_returns_nothing(z):
    np.maximum(0, z)


def test_a_forgotten_return_is_a_mistake():
    verdict = check(computes_and_returns_nothing, "relu_forward")
    assert verdict.kind == "mistake"
    assert "It returns nothing. Its last line should be `return a, cache`." in str(verdict)


# Errors


def helper_that_fails(z):
    return z["key"]


def calls_a_helper(z):
    a = z + 1
    a = helper_that_fails(a)
    return a, z


def test_an_error_in_a_helper_is_shown_where_it_arose():
    text = str(check(calls_a_helper, "relu_forward"))
    assert 'It raised an error in line 2 of helper_that_fails:\n    return z["key"]\n    IndexError: ' in text
    assert "An index is a whole number" in text
    assert "z = [[-2.,  0.,  3.]]" in text


def fails_inside_numpy(z):
    a = np.linalg.inv(z)
    return a, z


def test_an_error_inside_numpy_is_shown_at_the_learners_line():
    text = str(check(fails_inside_numpy, "relu_forward"))
    assert "in line 2 of fails_inside_numpy:\n    a = np.linalg.inv(z)\n    LinAlgError: " in text


def fails_inside_the_library(z):
    return nn_helpers.relu_forward(list(z))


def test_an_error_of_the_library_is_shown_with_its_message_and_the_learners_line():
    text = str(check(fails_inside_the_library, "relu_forward"))
    assert (
        "return nn_helpers.relu_forward(list(z))\n    TypeError: relu_forward: z must be a NumPy array"
        in text
    )


def works_on_matrices_only(z):
    rows, columns = z.shape
    return np.maximum(0, z).reshape(rows, columns), z


def fails_in_a_comprehension(z):
    a = np.array([
        number.positive_part() for number in z.ravel()
    ])  # fmt: skip
    return a, z


def test_an_error_in_a_comprehension_is_shown_with_the_functions_name():
    text = str(check(fails_in_a_comprehension, "relu_forward"))
    assert " of fails_in_a_comprehension:\n    number.positive_part() for number in z.ravel()\n" in text


def test_an_error_on_some_cases_only_says_where_it_was_right():
    text = str(check(works_on_matrices_only, "relu_forward"))
    assert "ValueError: not enough values to unpack" in text
    assert "It was right for numbers on both sides of 0" in text
    assert "For example, with an array with one axis" in text


MEANINGS = {
    "if z > 0:\n    pass": "ask one question",
    "max(0, z)": "ask one question of the whole array",
    "np.max(0, z)": "The function that compares two numbers",
    "undefined": "Is the name spelt",
    "y = y + 1": "before it has one",
    "z + np.zeros(17)": "shapes do not fit",
    "z @ z": "perhaps one of them needs `.T`",
    "z.reshape(7)": "The new shape must hold",
    "p, q, r = z.shape": "to the left of `=`",
    "np.array([[1], [1, 2]])": "rows of different lengths",
    "z.sum(axis=5)": "Axes are counted from 0",
    "z[100]": "one less than the length",
    "z[0, 0, 0]": "fewer axes",
    "z[np.array([True] * 7)]": "A mask needs the shape",
    "z[0.5]": "An index is a whole number",
    "None + z": "Something here is None",
    "(z, z) - 1": "unpack them",
    "[1.0] - 1": "A list cannot calculate",
    "math.exp(z)": "take arrays: `np.exp`",
    "len(z, z)": "",
    "larger(z)": "Compare the call with its `def` line",
    "z(0)": "Round brackets call",
    "len[0]": "Square brackets",
    "i = np.arange(3); i *= 0.5": "An array keeps its dtype",
    "np.relu(z)": "no such function in the module",
    "(z, z).shape": "unpack them",
    "[1].shape": "A list cannot calculate",
    "2.5 * [1]": "A list cannot calculate",
    "z[0, 0] = [1, 2]": "put an array where one number belongs",
    "z.setflags(write=False); z[0] = 1": "must not be written to",
    "None.shape": "Something here is None",
    "z.append(1)": "Perhaps it is a function",
    "(2.0).shape": "a plain Python number",
    "[1][1]": "one less than the length",
    "for i in 3: pass": "a single one",
    "i, j = 3": "a single one",
    "bytearray(2**62)": "more memory",
    "math.exp(1000)": "refuse to overflow",
    "1 / 0": "divided by 0",
    "f(z)": "calls itself again",
    "raise AssertionError": "assertion of your own",  # an assert would not be there under -O
    "{}['a']": "no such key",
    "exit()": "Use `return`",
    "np.zeros(2**62)": "",
    "np.zeros(z)": "where one whole number belongs",
    "import nonexistent_module": "",
    "raise ValueError": "",
    "raise KeyboardInterrupt": "",
}


@pytest.mark.parametrize("statement", MEANINGS)
def test_what_an_error_usually_means(statement):
    body = textwrap.indent(f"{statement}\nreturn z, z", "    ")
    source = f"import math\ndef larger(a, b): pass\ndef f(z):\n{body}"
    text = str(check(notebook(source)["f"], "relu_forward"))
    assert MEANINGS[statement] in " ".join(text.split())
    assert "rror" in text
    assert "Traceback" not in text


def test_an_error_without_a_message_and_one_that_cannot_be_printed():
    names = notebook(
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError

            def __bool__(self):
                return False

        def plain(z):
            raise Exception

        def odd(z):
            raise Odd

        def long(z):
            raise ValueError("x" * 5000 + " at 0x7f0000000000")
        """
    )
    assert "    Exception\n" in str(check(names["plain"], "relu_forward"))
    assert "    Odd\n" in str(check(names["odd"], "relu_forward"))
    assert len(str(check(names["long"], "relu_forward"))) < 1000
