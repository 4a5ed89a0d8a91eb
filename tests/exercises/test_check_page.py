"""What a notebook shows of a verdict: HTML that says what the text says, and runs nothing."""

import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from test_check_places import SOFTMAX, learner

from nn_helpers.exercises import check
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.api import verdict_of
from nn_helpers.exercises.checking.page import example_page
from nn_helpers.exercises.checking.repair import Place
from nn_helpers.exercises.checking.verdict import Verdict

TAGS = {"div", "b", "small", "code", "pre", "mark", "table", "tr", "td"}
ATTRIBUTES = {"style", "title", "cellpadding", "cellspacing"}


class Page(HTMLParser):
    """HTML taken apart: its text, its tags, and its tables as lists of (text, title, style)."""

    def __init__(self, html):
        super().__init__()
        self.html, self.text, self.open, self.tables, self.marks, self.styles = html, "", [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS
        assert dict(attributes).keys() <= ATTRIBUTES
        attributes = {"title": "", "style": "", **dict(attributes)}
        self.open.append(tag)
        self.text += "" if tag in ("b", "small", "code", "mark") else "\n"
        self.styles.append(attributes["style"])
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag == "td":
            self.tables[-1][-1].append(["", attributes["title"], attributes["style"]])
        if tag == "mark":
            self.marks.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "td" in self.open:
            self.tables[-1][-1][-1][0] += data
        if "mark" in self.open:
            self.marks[-1] += data

    @property
    def lines(self):
        """The lines of the text."""
        return [line.strip() for line in self.text.splitlines() if line.strip()]

    def cells(self, table):
        """Return all cells of a table."""
        return itertools.chain.from_iterable(self.tables[table])

    def numbers(self, table):
        """Return the text of a table's cells."""
        return [[cell.strip() for cell, *_ in row] for row in self.tables[table]]


def page_of(verdict):
    return Page(verdict._repr_html_())


def compared(right, yours, goes_in=None):
    """Return the page of an example whose only result is wrong."""
    return Page(example_page("these", goes_in or {}, ("dW", right, yours), []))


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)
def test_the_page_of_every_mistake_is_small_and_says_what_the_text_says(exercise):
    for mistake in exercise.mistakes.values():
        verdict = verdict_of(mistake.wrong, exercise.name)
        page = page_of(verdict)
        assert len(page.html.encode()) < 40_000
        assert page.lines[0] == f"✗ {verdict.head}"
        for line in f"{verdict.said}\n{verdict.after}".replace("`", "").splitlines():
            assert any(seen.endswith(line.strip()) for seen in page.lines)
        for name in exercise.parameters:
            in_text = re.search(rf"^    {name} = ", verdict.example, re.M)
            in_page = re.search(rf"^{name}(\[\d\])*( =|   shape)", page.text, re.M)
            assert bool(in_text) == bool(in_page)


def test_the_sign_says_the_same_as_the_colour():
    def blank(z):
        return ..., z

    right = verdict_of(EXERCISES["relu_forward"].answer)
    assert page_of(right).lines[0].startswith("✓ relu_forward: right, on all")
    assert EXERCISES["relu_forward"].then in page_of(right).text
    assert page_of(verdict_of(blank, "relu_forward")).lines[0] == "○ relu_forward: not written yet."
    assert page_of(check("relu_forward")).lines[0].startswith("○ check takes the function itself")
    colours = [page_of(Verdict(kind, None, "")).styles[1] for kind in ("right", "mistake", "not attempted")]
    assert len(set(colours)) == 3
    assert all(re.search(r"color: var\(--jp-\w+-color1, #\w+\)", colour) for colour in colours)


@pytest.mark.skipif(not __debug__, reason="python -O leaves assertions out")
def test_what_a_learner_wrote_is_text_and_no_html():
    f = learner(
        """
def relu_forward(z):
    print("<script>alert(1)</script> &amp; <td>")
    assert z is None, "<img src=x onerror=alert(2)> `<b>` \\" ' <"
    return z, z
"""
    )
    page = page_of(verdict_of(f))  # which allows only our tags and attributes
    assert "<script>alert(1)</script> &amp; <td>" in page.text
    assert "AssertionError: <img src=x onerror=alert(2)> `<b>` \" ' <" in page.text
    strange = Verdict(
        "mistake", None, "<b>", "<i> `<u>`\n    <s>", "<p>", places=(Place(1, "<q>x", "x", ""),)
    )
    assert page_of(strange).text.count("<") == strange.text.count("<") + 1  # the line of the place
    assert "yours: <i> = '<u>'" in Page(example_page("<b>", {"<s>": "<q>"}, ("<i>", 1.0, "<u>"), [])).text


def test_entries_that_differ_have_a_sign_and_a_shade():
    right = np.array([[1.0, 2.0, np.nan], [4.0, -np.inf, 6.0]])
    yours = np.array([[1.0 + 1e-12, 2.5, np.nan], [3.0, 5.0, np.nan]])
    page = compared(right, yours, {"x": right})
    assert page.numbers(0) == page.numbers(1) == [["1", "2", "nan"], ["4", "-inf", "6"]]
    assert page.numbers(2) == [["1", "▲ 2.5", "nan"], ["▼ 3", "▲ 5", "≠ nan"]]
    for text, title, style in page.cells(2):
        assert ("background: rgba(" in style) == (text[0] in "▲▼≠"), text
        assert title.startswith("[")
    assert page.tables[2][1][0][1] == "[1, 0]: yours 3, expected 4"
    assert "▲ larger, ▼ smaller, ≠ other than expected" in page.text
    assert not any(title or style for text, title, style in [*page.cells(0), *page.cells(1)])


def test_the_shade_is_the_deeper_the_larger_the_difference_and_never_hides_the_number():
    page = compared(np.zeros(4), np.array([1.0, 2.0, -4.0, 0.0]))
    shades = [float(style.split()[-1].strip(")")) for _, _, style in page.tables[1][0][:3]]
    assert 0.1 < shades[0] < shades[1] < shades[2] < 0.8
    assert page.tables[1][0][0][2].split(",")[:3] == page.tables[1][0][1][2].split(",")[:3]
    assert page.tables[1][0][0][2].split(",")[:3] != page.tables[1][0][2][2].split(",")[:3]


def test_a_small_difference_is_written_with_enough_digits():
    page = compared(np.array([0.5, 3.0, 0.0]), np.array([0.5000001, 3.0, -0.0]))
    assert page.numbers(0) == [["0.5", "3", "0"]]
    assert page.numbers(1) == [["▲ 0.5000001", "3", "0"]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_a_difference_has_its_sign_whatever_the_kind_of_number(dtype):
    page = compared(np.array([0, 1, 1], dtype), np.array([1, 0, 1], dtype))
    assert [re.match("[▲▼≠]?", cell)[0] for cell in page.numbers(1)[0]] == ["▲", "▼", ""]


def test_other_shapes_and_dtypes_are_said_and_not_compared():
    page = compared(np.ones((2, 1)), np.zeros(3, np.float32))
    assert "expected: dW   shape (2, 1), float64" in page.text
    assert "yours: dW   shape (3,), float32" in page.text
    assert page.numbers(1) == [["0", "0", "0"]]
    assert compared(np.ones(2), None).lines[-1] == "yours: dW = None"
    assert compared(0.5, 0.25).lines[-2:] == ["expected: dW = 0.5", "yours: dW = 0.25"]
    assert "yours: dW = []" in compared(np.ones(2), np.ones(0)).text


def test_a_medium_matrix_is_a_map_of_signs_and_a_large_one_only_its_worst_entry():
    right = np.arange(144.0).reshape(12, 12)
    yours = right.copy()
    yours[3, 4] += 1.0
    yours[5] -= 0.001
    page = compared(right, yours, {"x": right})
    assert len(page.tables) == 1
    assert page.numbers(0)[3] == ["·"] * 4 + ["▲"] + ["·"] * 7
    assert page.numbers(0)[5] == ["▼"] * 12
    assert page.tables[0][3][4][1] == "[3, 4]: yours 41, expected 40"
    assert page.tables[0][0][1][1] == "[0, 1]: yours 1, expected 1"
    assert "point at an entry for its numbers" in page.text
    for shape in ((13, 12), (12, 13), (2, 7, 12), (200,)):
        right = np.zeros(shape)
        page = compared(right, right + np.arange(right.size).reshape(shape))
        assert page.tables == []
        assert f"yours: dW = float64 array of shape {shape}" in page.text
        worst = [size - 1 for size in shape]
        assert page.text.endswith(f"at {worst}: expected 0, yours {right.size - 1}")


def test_the_largest_pages_have_at_most_40_kilobytes():
    right = np.random.default_rng(0).standard_normal((12, 12)) * 1e-200
    yours = right * (1 + 1e-6)  # which takes all digits
    page = Page(example_page("these", {"x": right}, ("dW", right, yours + 1), [("x", right, yours - 1)]))
    assert len(page.tables) == 2
    assert len(page.html.encode()) < 40_000


def test_a_cache_is_shown_array_by_array_and_a_list_of_numbers_as_a_list():
    page = Page(example_page("these", {"cache": (np.ones((2, 1)), [np.zeros(2)]), "sizes": [3, 2]}, None, []))
    assert page.numbers(0) == [["1"], ["1"]]
    assert "cache[0]   shape (2, 1)" in page.text
    assert "cache[1][0]   shape (2,)" in page.text
    assert "sizes = [3, 2]" in page.text


def test_axes_before_the_last_are_one_below_the_other():
    page = compared(np.zeros((1, 2, 2, 2)), np.arange(8.0).reshape(1, 2, 2, 2))
    assert page.numbers(1) == [["0", "▲ 1"], ["▲ 2", "▲ 3"], ["▲ 4", "▲ 5"], ["▲ 6", "▲ 7"]]
    assert page.tables[1][3][1][1] == "[0, 1, 1, 1]: yours 7, expected 0"


def test_a_changed_argument_is_compared_with_what_it_was():
    def relu_forward(z):
        z[z < 0] = 0
        return z, z

    page = page_of(verdict_of(relu_forward))
    assert page.numbers(0) == [["-2", "0", "3"]]
    assert page.numbers(1) == [["▲ 0", "0", "3"]]
    assert "▲ larger than before" in page.text


def test_the_line_of_the_place_has_its_number_and_its_part_is_marked():
    verdict = check(learner(SOFTMAX, ("exponentials.sum(", "2 * exponentials.sum(")))
    assert verdict.places
    page, place = page_of(verdict), verdict.places[0]
    assert f"line {place.line}:  {place.text}" in page.text
    two = (
        Place(3, "a = b * b + c", "b", ""),
        Place(3, "a = b * b + c", "c", ""),
        Place(4, "d = e", "d = e", ""),
    )
    page = page_of(Verdict("mistake", None, "f: not right yet.").with_places(two))
    assert page.marks == ["c"]  # where b is meant nobody knows, and all of a line needs no mark
    assert page.text.count("line 3:") == page.text.count("line 4:") == 1


def test_the_line_that_raised_an_error_has_its_number_and_is_not_shown_twice():
    verdict = verdict_of(learner(SOFTMAX, ("np.exp(shifted)", "np.exp(shiftd)")))
    line = "exponentials = np.exp(shiftd)"
    assert verdict.raised == (4, line)
    assert f"line 4:  {line}\nNameError: " in page_of(verdict).text
    page = page_of(verdict.with_places([Place(4, line, "shiftd", "another name")]))
    assert page.text.count(line) == 1
    assert page.marks == ["shiftd"]


def test_what_is_quoted_keeps_its_lines():
    def relu_forward(z):
        print("one\n\n    two")
        return z, z

    page = page_of(verdict_of(relu_forward))
    assert page.text.endswith("On the first input it printed:\none\n\n    two")


def test_a_verdict_from_a_copy_is_the_same(copies, monkeypatch):
    f = learner(SOFTMAX, ("np.exp(shifted)", "np.expp(shifted)"))
    there = verdict_of(f)
    monkeypatch.setattr("nn_helpers.exercises.checking.copied_process.COPIES", False)
    assert there.raised
    assert there == verdict_of(f)
    assert page_of(there).html == page_of(verdict_of(f)).html


def test_a_notebook_gets_both_and_the_text_is_what_it_is_elsewhere():
    verdict = verdict_of(learner(SOFTMAX, ("np.exp(shifted)", "shifted")))
    shown, _ = DisplayFormatter().format(verdict)
    assert shown == {"text/plain": str(verdict), "text/html": verdict._repr_html_()}
