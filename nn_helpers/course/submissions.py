"""What a class handed in: whose notebooks there are, and the exercises' functions in them, wherever they are.

Nothing here runs what was handed in. Still, a notebook may be made to keep its reader busy for ever, or to
crash it, so `functions_in` belongs into a process that may be ended.
"""

import ast
import bisect
import copy
import json
import os
import re
import sys
import textwrap
from pathlib import Path

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.keeping import globals_in
from nn_helpers.exercises.portfolio import MODULES, NOT_PYTHON, Piece, pieces, statement_of
from nn_helpers.support.validation import printable

LARGEST = 20_000_000  # bytes of a notebook; a lesson with all its figures has two million
MOST = 6  # versions of a function, the last ones
LESSONS = {"00_start_here", *(exercise.lesson for exercise in EXERCISES.values())}
# What Moodle and Canvas write behind a student's name: a number, and what the file was called.
PLATFORM = re.compile(r"(?:_LATE)?_(\d+)_(?:assignsubmission|\d+)_.*", re.DOTALL)
AGAIN = re.compile(r"( ?\(\d+\)|-Copy\d+)$")  # what browsers and Jupyter write behind a second one
BLOCK = re.compile(r"(@|(async\s+)?def|class|if|elif|else|for|while|try|except|finally|with)\b")
HEADER = "import numpy as np\n\n"
# Marks
LIBRARY = "calls the library"
OUTSIDE = "reaches beyond computing"
ABSENT = "needs what is not run here"
# Names that lead to any other name; and those that, as after `np.`, lead out of NumPy.
REACHING = {
    "open", "exec", "eval", "compile", "globals", "locals", "vars", "breakpoint", "getattr", "setattr",
    "delattr", "attrgetter", "methodcaller",
}  # fmt: skip
LEADING_OUT = REACHING | {
    "ctypes", "ctypeslib", "f2py", "testing", "core", "extras", "mtrand", "bit_generator", "os", "sys",
    "builtins", "warnings", "pickle", "io", "re", "load", "read_array", "as_strided", "stride_tricks",
}  # fmt: skip
INSIDE = re.compile(r"_|(f|tb|gi|cr|ag)_")  # names of what Python keeps inside functions and frames


def students_in(folder):
    """Return {student: paths of notebooks}: a student is a folder, or a file's name.

    Raises
    ------
    OSError
        If it is no folder, or cannot be read.
    """
    folder, found = Path(folder), {}
    if not folder.is_dir():
        raise NotADirectoryError(f"{printable(folder)} is no folder; name the one with what was handed in")
    _collect(folder / "submitted" if (folder / "submitted").is_dir() else folder, found)  # nbgrader's
    names, students = [name for name, _ in found], {}
    for (name, number), paths in found.items():
        students.setdefault(f"{name} {number}".strip() if names.count(name) > 1 else name, []).extend(paths)
    return students


def _collect(folder, found):
    for entry in sorted(folder.iterdir()):
        who = _whose(entry)
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir() and not entry.is_symlink():
            if who:
                found.setdefault(who, []).extend(_notebooks(entry))
            else:  # the folder is a lesson's, and the students are in it
                _collect(entry, found)
        elif entry.suffix.lower() == ".ipynb" or PLATFORM.search(entry.name):  # what is none gets a line
            found.setdefault(who or _whose(folder.resolve()) or ("student", ""), []).append(entry)


def _whose(path):
    """Return a student's name and number, from a folder's or file's name; nothing if it is a lesson's."""
    name = path.name.removesuffix(path.suffix if path.suffix.lower() == ".ipynb" else "")
    found = PLATFORM.search(name)
    name = AGAIN.sub("", name[: found.start()] if found else name)
    for lesson in LESSONS:
        name = name.replace(lesson, "")
    name = printable(name).strip(" _-.")
    return (name, found[1] if found else "") if name else ()


def _notebooks(folder):
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        found += [Path(place, name) for name in sorted(names) if Path(name).suffix.lower() == ".ipynb"]
    return found


# The functions in a notebook


def functions_in(content):
    """Return every version of every exercise's function in a notebook's bytes, a list of dicts.

    In each there are the ``exercise``, the ``cell``, the ``texts`` to try, each a file of definitions, a
    ``form`` that is the same for the same function with other names, ``marks`` for a person to look at, and
    the ``error`` where it is no Python.

    Raises
    ------
    ValueError
        If it is no notebook in Python.
    """
    text, starts = _code_of(content)
    lines, found = [line for line, *_ in starts], []
    for piece in pieces(text):
        _, number, executed = starts[bisect.bisect(lines, piece.first) - 1]
        found += [(executed, number, each) for each in _definitions(piece)]
    found.sort(key=lambda each: each[0])  # the last one that ran counts; those that never did come first
    last = {name: piece for *_, piece in found if piece.is_harmless for name in piece.names}
    unused = {name for *_, piece in found for name in piece.names if piece.statement}
    unused -= last.keys() | EXERCISES.keys()
    versions = {name: {} for name in EXERCISES}
    for _, number, piece in found:
        for name in piece.names:
            if name in EXERCISES and piece.rank > 1 and _may_be_a_function(piece.statement):
                versions[name].pop(piece.text, None)
                versions[name][piece.text] = number, piece
    return [
        _version(name, *version, last, unused)
        for name, all_versions in versions.items()
        for version in [*all_versions.values()][-MOST:]
    ]


def _code_of(content):
    """Return the code of all cells as one text, and where each begins: (line, its number, when it ran)."""
    cells = _cells(content)
    text, starts, open_block = "", [], False
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))  # the latter up to 2014
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        source = re.sub(r"\r\n?", "\n", source).strip("\n")
        if not open_block:  # else it may be the rest of a function
            indent = re.match(r"[ \t]*", source)[0]  # which IPython takes away
            source = re.sub(f"^{indent}", "", source, flags=re.MULTILINE)
        margin = re.findall(r"^[^\s#)\]}].*", source, re.MULTILINE)
        open_block = bool(BLOCK.match(margin[-1])) if margin else open_block
        executed = cell.get("execution_count", cell.get("prompt_number"))
        starts.append((text.count("\n"), number, executed if isinstance(executed, int) else 0))
        text += source + "\n\n"
    return text, starts


def _cells(content):
    try:
        notebook = json.loads(content.decode().removeprefix("\ufeff"))
        cells = notebook.get("cells")
        if cells is None:
            cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
        about = notebook.get("metadata") or {}
        kernel, language = about.get("kernelspec") or {}, about.get("language_info") or {}
        spoken = str(language.get("name") or kernel.get("language") or "python")
        list(cells)
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        raise ValueError("it is no notebook, or a damaged one") from None
    if "python" not in spoken.lower():
        raise ValueError(f"it is a notebook in {printable(spoken, 20)}, and not in Python")
    return cells


def _definitions(piece):
    """Yield the definitions in a piece: itself, or what it comes to."""
    match piece.statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=arguments, body=body)):
            yield _as(piece, f"def {name}({ast.unparse(arguments)}):\n    return {ast.unparse(body)}")
        case ast.Expr(ast.Call(ast.Name(id="check"), [ast.Name(id=own), ast.Constant(str(name))])):
            yield _as(piece, f"{name} = {own}")  # it has another name
        case ast.ImportFrom(module=module, names=[ast.alias(name="*")]) if module in MODULES:
            public = getattr(sys.modules[module], "__all__", vars(sys.modules[module]))
            yield from (_as(piece, f"from {module} import {name}") for name in public if name[0] != "_")
        case ast.If() | ast.Try() | ast.With():
            lines = piece.text.split("\n")
            for node in ast.walk(piece.statement):
                if isinstance(node, ast.FunctionDef) and node.name in EXERCISES:
                    source = textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno]))
                    yield Piece(piece.first + node.lineno - 1, piece.end, source, statement_of(source))
        case _:
            yield piece


def _as(piece, source):
    return piece._replace(text=source, statement=statement_of(source))


def _may_be_a_function(statement):
    return not isinstance(statement, ast.Assign) or isinstance(statement.value, ast.Name)


def _version(name, number, piece, last, unused):
    about = {"exercise": name, "cell": number, "texts": [], "form": "", "marks": [], "error": ""}
    if piece.statement is None:
        return {**about, "error": _syntax_error(piece.text)}
    needed = _closure(piece, last)
    partner = last.get(EXERCISES[name].partner)
    pair = [other for other in _closure(partner, last) if name not in other.names] if partner else []
    texts = [
        HEADER + "\n\n".join(dict.fromkeys(other.text for other in (*pair, *each)))
        for each in (needed, _closure(piece, {key: last[key] for key in last.keys() - EXERCISES.keys()}))
    ]
    definition = last.get(piece.statement.value.id, piece) if piece.rank == 3 else piece
    taken = {each for other in needed for each in globals_in(other.text)}
    about["texts"], about["form"] = list(dict.fromkeys(texts)), form_of(definition.statement)
    about["marks"] = _marks(needed, pair, taken & unused, EXERCISES[about["exercise"]])
    return about


def _closure(piece, last):
    """Return a piece and all that it needs, itself last."""
    chosen, waiting = {}, [piece]
    while waiting:
        one = waiting.pop()
        if one.text not in chosen:
            chosen[one.text] = one
            waiting += [last[name] for name in globals_in(one.text) & last.keys() if name not in piece.names]
    return [*chosen.values()][::-1]


def _syntax_error(text):
    try:
        ast.parse(text)
    except SyntaxError as error:
        return error.msg + (f" in line {error.lineno} of the function" if error.lineno else "")
    except NOT_PYTHON as error:
        return type(error).__name__
    return "its lines do not belong together"


def _marks(needed, pair, computed, exercise):
    """Return what a person should look at: calls of the library, what reaches further, what is not here.

    What the other half of its `pair` reaches counts too, for that runs in the same process. What the
    exercise's own answer calls is no mark.
    """
    imports = [each for node in _nodes(needed) for each in _imports(node)]
    library = {name for module, name in imports if module.partition(".")[0] == "nn_helpers"}
    library -= set(exercise.answer.__code__.co_names)
    outside = {name for node in _nodes((*needed, *pair)) for name in _reached(node)}
    said = (LIBRARY, library), (OUTSIDE, outside), (ABSENT, computed)
    return [f"{what} ({', '.join(sorted(names))})" for what, names in said if names]


def _nodes(all_pieces):
    return (node for piece in all_pieces for node in ast.walk(piece.statement))


def _imports(node):
    """Yield (module, what is imported from it) of a node that imports something."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield getattr(node, "module", None) or alias.name, alias.name.removeprefix("nn_helpers.")


def _reached(node):
    """Yield the names in a node by which a function can do more than compute with what it was given."""
    for module, name in _imports(node):
        if module not in MODULES and module.partition(".")[0] != "nn_helpers":
            yield module
        elif name in LEADING_OUT:
            yield name
    match node:
        case ast.Name(id=name) if name in REACHING or name.startswith("__"):
            yield name
        case ast.Attribute(attr=name, ctx=use):  # np.isclose = … would change what compares
            if name in LEADING_OUT or INSIDE.match(name) or not isinstance(use, ast.Load):
                yield name
        case ast.MatchClass(kwd_attrs=names):
            yield from names


def form_of(function):
    """Return the code of a function with names in place of its own ones, and without what is only said."""
    if not isinstance(function, ast.FunctionDef):
        return ""
    tree = copy.deepcopy(function)
    if ast.get_docstring(tree) is not None:
        del tree.body[0]
    tree.returns, tree.decorator_list, own = None, [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
            own.setdefault(node.arg, f"v{len(own)}")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.setdefault(node.id, f"v{len(own)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.arg = own[node.arg]
        elif isinstance(node, ast.Name):
            node.id = own.get(node.id, node.id)
    return ast.unparse(tree)


def words(form):
    """Return the words and signs in a function's form."""
    return re.findall(r"\w+|[^\w\s]", form)
