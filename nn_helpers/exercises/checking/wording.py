"""Put arrays, arguments and errors into words a learner can use."""

import re
import textwrap

import numpy as np

from nn_helpers.exercises.checking.comparison import is_numeric

SHOWN = 16  # an array with more numbers is described, not printed
WIDTH = 100
DIGITS = (4, 8, 12, 17)  # as many as show a difference


def without_addresses(text):
    """Return a text without addresses in memory, which differ from run to run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def value_in_words(value, digits=4, indent=0):
    """Return a value as text: its numbers if they are few, or else what kind of thing it is."""
    if isinstance(value, np.ndarray) and value.ndim:
        if value.size > SHOWN:
            return f"{value.dtype} array of shape {value.shape}"
        with np.printoptions(
            precision=digits, suppress=False, floatmode="maxprec", linewidth=WIDTH, sign="-"
        ):
            # + 0 turns −0 into 0
            value = value + 0 if is_numeric(value) else value
            return without_addresses(np.array2string(value, separator=", ", prefix=" " * indent))
    if is_numeric(value):
        return f"{float(value) + 0:.{digits}g}" if np.asarray(value).dtype.kind == "f" else str(value)
    if isinstance(value, list | tuple):
        return _fill(_part_in_words(value, digits, _size(value) > SHOWN), " " * indent)
    if isinstance(value, np.random.Generator):
        return "a random generator"
    if callable(value):
        return (value.__doc__ or getattr(value, "__name__", "a function")).strip().splitlines()[0]
    if value is Ellipsis:
        return "..."
    try:
        return without_addresses(f"{value!r:.200}")
    except Exception:
        return a_kind_of(value)


def _part_in_words(value, digits, briefly, depth=5):
    """Return an element of a list on one line; an array only by its shape, when there is little room."""
    if isinstance(value, list | tuple):
        parts = (_part_in_words(part, digits, briefly, depth - 1) for part in value if depth)
        return f"({', '.join(parts)})" if isinstance(value, tuple) else f"[{', '.join(parts)}]"
    if briefly and isinstance(value, np.ndarray):
        return f"array {value.shape}"
    return " ".join(value_in_words(value, digits).split())


def _size(value, depth=5):
    if isinstance(value, list | tuple):
        return sum(_size(part, depth - 1) for part in value if depth)
    return value.size if isinstance(value, np.ndarray) else 1


def a_kind_of(value):
    """Say what a value is: ``a float64 array of shape (3,)``, ``a list``, ``None``."""
    if type(value) is np.ndarray:
        return f"a {value.dtype} array of shape {value.shape}"
    if value is None or value is Ellipsis:
        return "None" if value is None else "..."
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def example_in_words(case, goes_in, difference, changes):
    """Return a case: its arguments, (name, expected, yours) of what differs, (name, before, after)."""
    lines = [f"For example, with {case}:"]
    lines += [
        f"    {name} = {value_in_words(value, indent=len(name) + 7)}" for name, value in goes_in.items()
    ]
    lines += [_both_in_words(*difference)] if difference else []
    for name, before, after in changes:
        lines.append(f"    afterwards: {name} = {tell_apart(before, after, 19 + len(name))[1]}")
    return "\n".join(lines)


def _both_in_words(name, expected, yours):
    """Return the right result and the learner's, one below the other."""
    right, wrong = tell_apart(expected, yours, 17 + len(name))
    lines = [
        f"    expected: {name} = {right}{kind_in_words(expected, yours)}",
        f"    yours:    {name} = {wrong}{kind_in_words(yours, expected)}",
    ]
    if worst := worst_in_words(expected, yours):
        lines.append(f"    {worst}")
    return "\n".join(lines)


def worst_in_words(expected, yours):
    """Return the entry of large arrays that differs most, or an empty string."""
    if not (worst := worst_entry(expected, yours)) or np.size(expected) <= SHOWN:
        return ""
    index, *numbers = worst
    right, wrong = tell_apart(*numbers)
    return f"at {list(index)}: expected {right}, yours {wrong}"


def tell_apart(first, second, indent=0):
    """Return both values as texts, with enough digits to show a difference."""
    for digits in DIGITS:
        texts = [value_in_words(value, digits, indent) for value in (first, second)]
        if texts[0] != texts[1]:
            break
    return texts


def kind_in_words(value, other):
    """Return an array's shape, and its dtype where the other's differs, if its numbers are printed."""
    if not isinstance(value, np.ndarray) or value.ndim == 0 or value.size > SHOWN:
        return ""
    shape = f"   shape {value.shape}"
    return shape if getattr(other, "dtype", None) == value.dtype else f"{shape}, {value.dtype}"


def worst_entry(expected, yours):
    """Return (index, expected, yours) where two arrays of one shape differ most, or None."""
    if not (is_numeric(expected) and is_numeric(yours)) or np.shape(expected) != np.shape(yours):
        return None
    expected, yours = np.asarray(expected, float), np.asarray(yours, float)
    if not expected.ndim or not expected.size:
        return None
    with np.errstate(all="ignore"):
        distance = np.abs(expected - yours)
    distance[np.isnan(distance)] = np.inf
    distance[(expected == yours) | (np.isnan(expected) & np.isnan(yours))] = 0
    index = np.unravel_index(distance.argmax(), distance.shape)
    return tuple(map(int, index)), float(expected[index]), float(yours[index])


def wrap(text):
    """Break paragraphs into lines; an indented paragraph stays indented."""
    return "\n".join(_fill(line, line[: len(line) - len(line.lstrip())]) for line in text.splitlines())


def _fill(line, indent):
    return textwrap.fill(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def join_names(names, most=3):
    """Join names: ``a, b and c``; when there are too many, count the rest."""
    names = list(names)
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
