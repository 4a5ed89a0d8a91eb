"""Print how large the code is, room by room, and which functions are the longest.

A line of code is one that is not blank, not a comment and not part of a docstring.
`tests/project/test_structure.py` holds the limits.
"""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("nn_helpers", "tools", "benchmarks", "tests")
CORE = ("layers", "losses.py", "network.py", "optimizers.py")
LONGEST = 10  # functions that are printed
HAVE_DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source):
    """Return the numbers of the lines of code, counted from 1."""
    docstrings = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, HAVE_DOCSTRINGS) and ast.get_docstring(node, clean=False) is not None:
            docstrings.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(map(str.strip, source.split("\n")), 1)
    return {number for number, line in lines if line and line[0] != "#" and number not in docstrings}


def function_lengths(source):
    """Return (lines of code, name) of every function, from ``def`` on; one inside another counts for both."""
    code = code_lines(source)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, HAVE_DOCSTRINGS[2:])]
    return [(len(code & set(range(node.lineno, node.end_lineno + 1))), node.name) for node in functions]


def sources(*folders):
    """Return the Python files below these folders as {path from the root, with slashes: source}."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def room(path):
    """Return where a file of nn_helpers belongs: the core, a folder, or a module of its own."""
    name = path.split("/")[1]
    return "core" if name in CORE else name.removesuffix(".py")


def rooms():
    """Return the lines of code of the core, of the other rooms of nn_helpers and of each folder."""
    lines = Counter()
    for path, source in sources(*FOLDERS).items():
        folder, count = path.split("/")[0], len(code_lines(source))
        lines[folder] += count
        if folder == "nn_helpers":
            lines[f"nn_helpers: {room(path)}"] += count
    return lines


def main():
    """Print the table."""
    for name, count in sorted(rooms().items()):
        print(f"{count:7,}  {name}")
    lengths = [
        (count, f"{path}: {name}")
        for path, source in sources("nn_helpers", "tools", "benchmarks").items()
        for count, name in function_lengths(source)
    ]
    print("The longest functions outside tests:")
    for count, name in sorted(lengths, reverse=True)[:LONGEST]:
        print(f"{count:7,}  {name}")


if __name__ == "__main__":
    main()
