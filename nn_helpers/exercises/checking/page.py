"""Show a verdict as HTML, which a notebook prefers to the text.

There is no style sheet and no script, and shades are half transparent, over a light page as over a dark one.
Where styles are taken away, as on GitHub, the signs and the tables still say everything.
"""

import itertools
import re
from html import escape

import numpy as np

from nn_helpers.exercises.checking.comparison import close_entries, is_numeric, leaves
from nn_helpers.exercises.checking.wording import (
    DIGITS,
    SHOWN,
    kind_in_words,
    tell_apart,
    value_in_words,
    worst_in_words,
)

# By kind: the sign and its colour, JupyterLab's own where there is one.
SIGNS = {
    "right": ("✓", "var(--jp-success-color1, #1a8f3c)"),
    "mistake": ("✗", "var(--jp-error-color1, #d9363e)"),
    "not attempted": ("○", "var(--jp-info-color1, #3b82c4)"),
}
# What an entry is, in other words, and its shade; orange and blue can be told apart by everyone.
ENTRIES = {"▲": ("larger", "217, 95, 2"), "▼": ("smaller", "31, 119, 180"), "≠": ("other", "150, 60, 150")}
LARGEST = 12  # rows and columns of a table of signs
MOST = 8  # arrays of which an argument is made
GREY = "rgba(128, 128, 128, .5)"
MARKED = 'style="background: rgba(255, 190, 0, .4); color: inherit"'
FRAMED = f'cellpadding="4" cellspacing="0" style="margin: 0; text-align: right; border: 1px solid {GREY}"'
SPACE = "margin: .4em 0"


def page_of(verdict, place):
    """Return a `Verdict` as HTML; `place` is the sentence about its places."""
    lines = {}
    for number, text, part, *_ in verdict.places:
        lines.setdefault((number, text), []).append(part)
    raised = verdict.raised and (*verdict.raised, lines.pop(verdict.raised, ()))
    said = paragraphs(verdict.said, raised) + paragraphs(place)
    quotes = "".join(_quote(_numbered(*line, parts)) for line, parts in lines.items())
    return (
        headline(verdict.kind, verdict.head)
        + said
        + quotes
        + verdict.example_page
        + paragraphs(verdict.after)
    )


def headline(kind, words):
    """Return a first line in bold, with the sign for a kind of verdict."""
    sign, colour = SIGNS[kind]
    sign = f'<b style="color: {colour}; font-size: 1.2em">{sign}</b>'
    return f'<div style="{SPACE}">{sign} <b>{with_code(words)}</b></div>'


def example_page(case, goes_in, difference, changes):
    """Return a case as HTML; the arguments are those of `wording.example_in_words`."""
    rows = [[box for argument in goes_in.items() for box in _boxes(*argument)]]
    if difference:
        name, right, yours = difference
        mine = _box(f"yours: {name}", yours, right, "expected")
        rows.append([_box(f"expected: {name}", right, yours), mine])
    rows += [[_box(f"afterwards: {name}", after, before, "before")] for name, before, after in changes]
    boxes = (f'<div style="display: flex; flex-wrap: wrap; gap: 0 2em">{"".join(row)}</div>' for row in rows)
    return paragraphs(f"For example, with {case}:") + "".join(boxes)


def paragraphs(text, raised=()):
    """Return a text with what it quotes, indented there, as code; the line that raised an error numbered."""
    parts = []
    for quoted, lines in itertools.groupby(text.splitlines(), lambda line: line.startswith("    ")):
        if quoted:
            code = (line[4:] for line in lines)
            code = [_numbered(*raised) if line in raised else escape(line) for line in code]
            parts.append(_quote("\n".join(code)))
        else:
            parts += [f'<div style="{SPACE}">{with_code(line)}</div>' for line in lines if line]
    return "".join(parts)


def with_code(text):
    """Return a text with its code, which stands between backticks, as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(text))


def _quote(html):
    return f'<pre style="{SPACE}; padding-left: 1em; border-left: 3px solid {GREY}">{html}</pre>'


def _numbered(number, text, parts=()):
    """Return a line with its number, and those parts marked that occur in it once."""
    once = [re.escape(part) for part in parts if text.count(part) == 1 and part != text]
    pieces = [escape(piece) for piece in re.split(f"({'|'.join(once)})", text)] if once else [escape(text)]
    pieces[1::2] = (f"<mark {MARKED}>{piece}</mark>" for piece in pieces[1::2])
    return f"<small>line {number}:</small>  {''.join(pieces)}"


def _boxes(name, value):
    """Return an argument below its name; if it is made of arrays, as a cache is, each of them by itself."""
    parts = list(leaves(name, value, value))
    apart = len(parts) <= MOST and any(isinstance(part, np.ndarray) for _, part, _ in parts)
    return [_box(name, part) for name, part, _ in parts] if apart else [_box(name, value)]


def _box(name, value, other=None, than=""):
    """Return a value below its name, and what makes it another: larger or smaller "than", if that is said."""
    few = not is_numeric(value) or np.size(value) <= SHOWN
    compared = is_numeric(value) and is_numeric(other) and np.shape(value) == np.shape(other)
    table, title = "", f" = {tell_apart(value, other, len(name) + 3)[0]}"
    if is_numeric(value) and np.ndim(value) and np.size(value) and (few or (compared and than)):
        table = _table(value, other if compared else value, compared and than)
        title = kind_in_words(value, value if other is None else other) if few else title
    worst = worst_in_words(other, value) if than else ""
    return f'<div style="{SPACE}"><pre style="margin: 0">{escape(name + title)}</pre>{table}{worst}</div>'


def _table(value, other, than):
    """Return a table with signs where it differs; of many numbers the signs alone; of very many, nothing.

    Axes before the last are one below the other.
    """
    width, few = value.shape[-1], value.size <= SHOWN
    if not few and max(width, value.size // width) > LARGEST:
        return ""
    texts, (signs, shares) = _texts(value, other), _differences(value, other if than else value)
    cells = []
    for index, (mine, right), sign in zip(np.ndindex(value.shape), texts, signs.ravel(), strict=True):
        title = f' title="{list(index)}: yours {mine}, {than} {right}"' if than else ""
        shade = f"background: rgba({ENTRIES[sign][1]}, {0.2 + shares[index] / 2:.2f})" if sign else ""
        shown = f"{sign} {mine}" if few else sign or "·"
        cells.append(f'<td{title} style="{shade}">{shown}</td>' if shade else f"<td{title}>{shown}</td>")
    rows = ("".join(row) for row in zip(*[iter(cells)] * width, strict=True))
    rows = "".join(f'<tr style="background: none">{row}</tr>' for row in rows)
    legend = ", ".join(f"{sign} {words}" for sign, (words, _) in ENTRIES.items() if sign in signs)
    legend += f" than {than}" if legend else ""
    legend += "" if few else "; point at an entry for its numbers"
    table = f"<table {FRAMED}>{rows}</table>"
    return f"{table}<div><small>{legend}</small></div>" if legend else table


def _texts(value, other):
    """Return pairs of the entries of two arrays as texts, with enough digits to show all differences."""
    differs = ~close_entries(value, other).ravel()
    for digits in DIGITS:
        pairs = zip(value.ravel(), other.ravel(), strict=True)
        texts = [[value_in_words(number, digits) for number in pair] for pair in pairs]
        if all(mine != right for (mine, right), apart in zip(texts, differs, strict=True) if apart):
            break
    return texts


def _differences(value, other):
    """Return a sign for each entry, "" where two arrays agree, and how much it differs, from 0 to 1."""
    same = close_entries(value, other)
    with np.errstate(all="ignore"):
        by = np.subtract(value, other, dtype=float)
    size = np.abs(by)
    share = np.nan_to_num(size / size[np.isfinite(size)].max(initial=1e-300), nan=1).clip(0, 1)
    return np.select([same, by > 0, by < 0], ["", "▲", "▼"], "≠"), share
