"""Tell a learner what an error that their function raises usually means."""

import re

import numpy as np

from nn_helpers.exercises.checking.wording import without_addresses

BOTH_RETURNED = "A forward pass returns two things, its result and the cache: unpack them, `a, cache = …`."

# (type, pattern in the message, what it usually means); the first that fits counts.
MEANINGS = [
    (NameError, "name 'np' is not defined", "Run the cell with `import numpy as np` first."),
    (
        UnboundLocalError,
        "",
        "A name that gets a value anywhere in a function is the function's own: here it is read before it "
        "has one.",
    ),
    (NameError, "", "Is the name spelt as where it was made, and has the cell that makes it been run?"),
    (
        np.exceptions.AxisError,
        "",
        "Axes are counted from 0: an array of shape (N, D) has the axes 0 and 1. Print the shape.",
    ),
    (
        ValueError,
        "truth value of an array",
        "`if`, `and`, `max(0, z)` and the like ask one question, but an array holds many answers. Use what "
        "works on every number: `np.maximum`, `np.where` or a mask such as `z > 0`.",
    ),
    (
        TypeError,
        "integer scalar arrays can be converted to a scalar index",
        "An array stands where one whole number belongs, such as an axis, an index or a length. "
        "(`np.max(a, b)` takes b for an axis; what compares two numbers at every place is `np.maximum(a, "
        "b)`.)",
    ),
    (
        ValueError,
        "broadcast",
        "Two arrays meet whose shapes do not fit. Print both shapes before this line; a missing "
        "`keepdims=True` or a wrong axis is the usual reason.",
    ),
    (
        ValueError,
        "matmul|not aligned",
        "In `A @ B`, A has as many columns as B has rows. Print both shapes: perhaps one of them needs "
        "`.T`, or they stand in the wrong order.",
    ),
    (
        ValueError,
        "cannot reshape",
        "The new shape must hold as many numbers as the array has: print its size. (For a row of each "
        "example, `reshape(len(x), -1)` counts for you.)",
    ),
    (
        ValueError,
        "values to unpack",
        "There are more names to the left of `=` than values to the right, or fewer. Print the right-hand "
        "side: what is in it, and in which order?",
    ),
    (
        ValueError,
        "inhomogeneous|setting an array element with a sequence",
        "You make an array of rows of different lengths, or put an array where one number belongs.",
    ),
    (ValueError, "read-only", "This array must not be written to. Write to a copy: `x.copy()`."),
    (
        IndexError,
        "out of (bounds|range)",
        "Counting begins at 0, so the last index is one less than the length.",
    ),
    (IndexError, "too many indices", "The array has fewer axes than you give indices. Print its shape."),
    (
        IndexError,
        "boolean index did not match",
        "A mask needs the shape of the array it is used on. Print both.",
    ),
    (
        IndexError,
        "arrays used as indices|only integers",
        "An index is a whole number. Convert it: `int(i)`, or `y.astype(int)` for an array.",
    ),
    (
        TypeError,
        "not callable",
        "Round brackets call a function. Square ones take an element out of an array. If a function should "
        "stand here, its name has been given to a value, as in `sum = …`.",
    ),
    (
        (TypeError, AttributeError),
        "'tuple'.*(assignment|deletion|attribute '(append|extend|insert|pop|remove|clear|sort|reverse)')",
        "A tuple, in round brackets, cannot be changed once it is made. A list, in square ones, can.",
    ),
    (
        (TypeError, AttributeError),
        "'NoneType'",
        "Something here is None. A function without `return` gives None, and so do methods such as "
        "`list.append` that work in place.",
    ),
    ((TypeError, AttributeError), "'tuple'", BOTH_RETURNED),
    (
        (TypeError, AttributeError),
        "'list'|multiply sequence",
        "A list cannot calculate. Make it an array first: `np.array(…)`.",
    ),
    (
        TypeError,
        "to Python scalars|must be real number",
        "`float`, `int` and the functions of `math` take one number. NumPy's take arrays: `np.exp`, "
        "`np.log`, `np.sqrt`.",
    ),
    (
        TypeError,
        "required positional argument|unexpected keyword|positional arguments? but",
        "A function is called here with other arguments than it has. Compare the call with its `def` line.",
    ),
    (
        TypeError,
        "not subscriptable",
        "Square brackets take an element out of an array or a list; what stands before them is neither.",
    ),
    (TypeError, "iterable", "A loop and an unpacking need several values, and here is a single one."),
    (
        TypeError,
        "Cannot cast",
        "An array keeps its dtype when it is changed in place. Make it a float array first.",
    ),
    (AttributeError, "module", "There is no such function in the module. Is it spelt right?"),
    (AttributeError, "ndarray", "Arrays have no such method. Perhaps it is a function: `np.…(array)`."),
    (
        AttributeError,
        "'(float|int)'",
        "This is a plain Python number, not an array. Print it: is it what you expect?",
    ),
    (
        OverflowError,
        "",
        "Python's own numbers refuse to overflow where NumPy's go to infinity. Use `np.exp`, and rewrite "
        "the formula so that nothing large is exponentiated.",
    ),
    (ZeroDivisionError, "", "A number is divided by 0 here. Which one is 0, and may it be?"),
    (RecursionError, "", "The function calls itself again and again. Did you give a helper the same name?"),
    (AssertionError, "", "An assertion of your own does not hold on this input."),
    (MemoryError, "", "That is more memory than there is: an array here is far larger than meant."),
    (KeyError, "", "The dictionary has no such key. Print its keys before this line."),
    (SystemExit, "", "`exit()` and `quit()` would end the whole notebook. Use `return`."),
]


def meaning(error):
    """Return a sentence on what such an error usually means, or an empty string."""
    said = message(error)
    return next(
        (text for kind, words, text in MEANINGS if isinstance(error, kind) and re.search(words, said)), ""
    )


def message(error):
    """Return an error's message, on one line and not too long."""
    try:
        text = " ".join(without_addresses(str(error)).split())
    except Exception:  # its own __str__ may fail
        return ""
    return text if len(text) <= 200 else text[:199] + "…"


def error_in_words(outcome, explain=True):
    """Say which error was raised, where, and what it usually means."""
    place = ""
    if outcome.where:
        function, line, text = outcome.where
        place = f" in line {line} of {function}" if function.isidentifier() else ""
        place += f":\n    {text}" if text else ":"
    said = f"{type(outcome.error).__name__}: {message(outcome.error)}".removesuffix(": ")
    why = meaning(outcome.error) if explain else ""
    return f"It raised an error{place or ':'}\n    {said}\n{why}".rstrip()
