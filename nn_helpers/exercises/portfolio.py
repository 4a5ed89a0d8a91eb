"""The learner's functions as a file, `my_network.py` in the work copy, which is read piece by piece.

A piece is one statement at the left margin. Where one is no Python, or damaged, the others are still there.
Anybody may have edited the file, so only harmless pieces are executed: definitions of functions, constants,
and imports of modules that compute. Nothing is called.
"""

import __future__

import ast
import functools
import itertools
import linecache
import re
import warnings
import zlib
from types import FunctionType
from typing import NamedTuple

from nn_helpers.exercises.checking.source import innermost
from nn_helpers.support.files import open_plain

NAME, FILE = "my_network", "my_network.py"
MODULES = "math", "numpy", "numpy.linalg", "numpy.random", "itertools", "functools", "operator"
LARGEST = 100_000  # bytes; 24 functions have about 10,000
MERGED = 12  # a text in a piece may have as many lines that look like the beginning of another
BEGINS = re.compile(r"\ufeff?[^\s#)\]}\ufeff]")  # a statement, at the left margin; U+FEFF is an editor's mark
LINE = re.compile(r".*\n|.+")  # as Python counts them; str.splitlines knows more ends
QUOTES = re.compile("\"\"\"|'''")
NOT_PYTHON = SyntaxError, ValueError, RecursionError, MemoryError, OverflowError
HEADER = """\
# My network: every function here is mine, and `check` called it right.
# Change what you like. A lesson changes only a function that is written anew in it, and keeps all else.

import numpy as np
"""


def is_known(module):
    """Say whether the file may import a module: one that computes, or the library's."""
    return module in MODULES or (module.partition(".")[0] == "nn_helpers" and "__" not in module)


def read(path, largest=LARGEST):
    """Return the text of a file, "" where there is none.

    Raises
    ------
    OSError
        If it cannot be read, is too large, or is a link, a pipe or a folder.
    """
    try:
        descriptor = open_plain(path)
    except FileNotFoundError:
        return ""
    with open(descriptor, "rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise OSError(f"it has more than {largest:,} bytes, or is not in UTF-8")
    return content.decode("utf-8", "surrogateescape")  # what is no UTF-8 goes back as it came


class Piece(NamedTuple):
    """Lines ``first`` to ``end`` of the file, the last left out: a statement, or None if it is damaged."""

    first: int
    end: int
    text: str
    statement: ast.stmt | None

    @property
    def names(self):
        """The names that the piece defines; of a damaged one the name that stands after ``def``."""
        match self.statement:
            case ast.FunctionDef(name=name):
                return (name,)
            case ast.Assign(targets=[ast.Name(id=name)]):
                return (name,)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                return tuple((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        return tuple(re.findall(r"^def (\w+)", self.text, re.MULTILINE)[:1])

    @property
    def rank(self):
        """The order to execute in: 0 for imports, 1 for constants, 2 for functions, 3 for second names."""
        match self.statement:
            case ast.Import() | ast.ImportFrom():
                return 0
            case ast.Assign(value=value):
                return 3 if isinstance(value, ast.Name) else 1
        return 2

    @property
    def is_harmless(self):
        """Whether executing it calls nothing."""
        try:
            return _is_harmless(self.statement)
        except RecursionError:
            return False


@functools.lru_cache(maxsize=8)
def pieces(text):
    """Return the pieces of a file, a tuple."""
    lines = LINE.findall(text)
    # What stands below a decorator belongs to it.
    starts = [n for n, line in enumerate(lines) if BEGINS.match(line) and (not n or lines[n - 1][0] != "@")]
    bounds, found, at = [*starts, len(lines)], [], 0
    while at < len(starts):
        piece, after = _piece(lines, bounds[at], bounds[at + 1]), at + 1
        # In a text over several lines something may look like a beginning.
        more = 2 if piece.text[0] == "@" else MERGED * (len(QUOTES.findall(piece.text)) % 2)
        if not piece.statement:
            for end in range(at + 2, min(at + 1 + more, len(bounds))):
                longer = _piece(lines, bounds[at], bounds[end])
                if longer.statement:
                    piece, after = longer, end
                    break
        found.append(piece)
        at = after
    return tuple(found)


def _piece(lines, first, end):
    while lines[end - 1].isspace() or lines[end - 1][0] == "#":  # they belong to what follows
        end -= 1
    text = "".join(lines[first:end]).lstrip("\ufeff").replace("\r\n", "\n").rstrip("\n")
    return Piece(first, end, text, statement_of(text))


def statement_of(text):
    """Return the one statement in a text, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a backslash in a text, perhaps
        try:
            body = ast.parse(text).body
        except NOT_PYTHON:
            return None
    return body[0] if len(body) == 1 else None


def _is_harmless(statement):
    match statement:
        case ast.Import(names=aliases):
            return all(is_known(alias.name) for alias in aliases)
        case ast.ImportFrom(module=str(module), level=0):
            return is_known(module)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return not name.startswith("__") and _is_plain(value)
        case ast.FunctionDef(name=name, args=arguments, decorator_list=decorators):
            defaults = filter(None, (*arguments.defaults, *arguments.kw_defaults))
            return (
                not name.startswith("__")
                and all(map(_is_plain, defaults))
                and all(map(_is_errstate, decorators))
            )
    return False


def _is_errstate(node):
    """Say whether a decorator is ``np.errstate(…)``: calling any other could do anything."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr="errstate"), args=[], keywords=words):
            return all(isinstance(word.value, ast.Constant) for word in words)
    return False


def _is_plain(node):
    """Say whether an expression calls nothing, and takes no time."""
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.Attribute(value=inner) | ast.UnaryOp(operand=inner):
            return _is_plain(inner)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(map(_is_plain, parts))
        case ast.BinOp(left=ast.Constant(value=a), right=right):
            right = right.operand if isinstance(right, ast.UnaryOp) else right
            b = getattr(right, "value", None)
            return all(isinstance(n, int | float) and abs(n) < 1000 for n in (a, b))
    return False


class Loaded(NamedTuple):
    """What was read from a portfolio: the names it defines, and sentences on those that it does not."""

    names: dict
    problems: dict

    def function(self, name):
        """Return the learner's function of this name, or None."""
        f = self.names.get(name)
        seen = getattr(innermost(f), "__globals__", None)
        return f if isinstance(f, FunctionType) and seen is self.names else None


def load(text):
    """Execute the harmless pieces of a portfolio, and return what they define."""
    loaded = Loaded({"__name__": NAME}, {})
    for piece in sorted(pieces(text), key=lambda piece: piece.rank):  # a default may be a constant
        for name in piece.names:
            loaded.problems.pop(name, None)
            if problem := _execute(piece, loaded.names):
                loaded.problems[name] = f"{problem} in line {piece.first + 1} of {FILE}"
                loaded.names.pop(name, None)
    return loaded


def _execute(piece, names):
    """Execute a piece, and return what is wrong with it, if anything is."""
    if piece.statement is None:
        return "there is a syntax error"
    if not piece.is_harmless:
        return "more would be run than a definition"
    version = zlib.crc32(piece.text.encode("utf-8", "replace"))  # as it was when it was read
    file = f"<{FILE}, {', '.join(piece.names)}, {version:08x}>"
    linecache.cache[file] = len(piece.text), None, piece.text.splitlines(keepends=True), file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:  # annotations stay text: they could call something too
            late = __future__.annotations.compiler_flag
            exec(compile(piece.text, file, "exec", flags=late, dont_inherit=True), names)
        except Exception as error:
            return f"{type(error).__name__} arises"
    return ""


def placed(text, name, source, comment, below):
    """Return the text with a definition of this name, in the place of the last one, or where it belongs.

    Imports and constants belong at the top, functions `below` those of other names. A comment goes before.
    """
    lines, found = LINE.findall(text), pieces(text)
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    source += "\n"
    if old := definition(found, name):
        lines[old.first : old.end] = [source]
        return "".join(lines)
    rank = Piece(0, 0, source, statement_of(source)).rank
    at = _place(found, set() if rank < 2 else below)
    before = ["\n", "\n", f"# {comment}\n"] if rank > 1 else []
    if rank == 1 and lines[at - 1].startswith(("import ", "from ")):
        before = ["\n"]
    lines[at:at] = [*before, source]
    return "".join(lines)


def definition(found, name):
    """Return the last piece that defines a name by more than an import, or None."""
    return next((piece for piece in reversed(found) if name in piece.names and piece.rank), None)


def _place(found, below):
    """Return the line before which something new belongs: below the top, and below those names."""
    top = itertools.takewhile(lambda piece: piece.rank < 2, found)
    ends = [piece.end for piece in (*top, *(piece for piece in found if below & set(piece.names)))]
    return max(ends, default=0)
