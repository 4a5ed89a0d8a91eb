"""Look into a function without calling it: whether it has been written yet, and what is in it."""

import ast
import dis
import inspect
import textwrap
from contextlib import suppress
from types import FunctionType

# The first letters of the bytecodes that compute or store something.
WORK = ("BINARY", "CALL", "COMPARE", "CONTAINS", "FOR_ITER", "STORE_ATTR", "STORE_SUBSCR", "UNARY")


def blank_line(f):
    """Return the line of f that still holds a blank ``...``, or None.

    ``x[..., 0]`` is an index and no blank; neither is ``[..., 0]`` in a list of axes.
    """
    source = source_of(f)
    try:
        tree = ast.parse(source or "")
    except (SyntaxError, ValueError):  # as of a lambda within a longer line
        return None
    found = [node.lineno for node in _blanks(tree)]
    return source.splitlines()[min(found) - 1].strip() if found else None


def source_of(f):
    """Return the source of f from the left margin, or None if it is not to be had."""
    try:
        return textwrap.dedent(inspect.getsource(f))
    except Exception:  # an object may say anything
        return None


def tree_of(f):
    """Return the function that was written, its tree, an ``ast.FunctionDef``, and the lines of its source.

    Raises
    ------
    TypeError
        If the source is not to be had, or is not all of it: a lambda, a method, a function within another.
    """
    f = innermost(f)
    source = source_of(f)
    if isinstance(f, FunctionType) and not f.__closure__ and source is not None:
        with suppress(SyntaxError, ValueError):
            tree = ast.parse(source).body[0]
            if isinstance(tree, ast.FunctionDef) and tree.name == f.__name__:
                return f, tree, source.splitlines()
    raise TypeError("there is no source of a whole function")


def _blanks(node):
    if isinstance(node, ast.Constant) and node.value is Ellipsis:
        yield node
    elif isinstance(node, ast.Subscript):
        yield from _blanks(node.value)
    elif isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            # einsum and the like take lists and tuples of axes
            if not isinstance(child, ast.List | ast.Tuple):
                yield from _blanks(child)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _blanks(child)


def has_content(f):
    """Say whether f computes anything at all: ``pass`` and ``return None`` do not."""
    code = code_of(f)
    if code is None:
        return True  # not written in Python; somebody wrote it
    return any(step.opname.startswith(WORK) for step in dis.get_instructions(code))


def words(f):
    """Return the names and the operators in the code of f, and of the functions within it.

    Where the name of the first argument is given to something else, ``argument 0 =`` is among them.
    """
    found, codes, arguments = set(), [code_of(f)], ()
    if codes[0]:
        arguments = codes[0].co_varnames[: codes[0].co_argcount]
    while codes:
        for step in dis.get_instructions(code) if (code := codes.pop()) else ():
            found.add(step.argrepr if step.opname == "BINARY_OP" else step.argval)
            if step.opname.startswith("STORE_FAST"):
                stored = step.argval if isinstance(step.argval, tuple) else (step.argval,)
                stored = stored[:1] if step.opname.endswith("LOAD_FAST") else stored  # two steps in one
                found |= {f"argument {arguments.index(name)} =" for name in stored if name in arguments}
            codes += [step.argval] if hasattr(step.argval, "co_code") else []
    return {word for word in found if isinstance(word, str)}


def code_of(f):
    """Return the code of a function or a method, or None."""
    f = innermost(f)
    return getattr(getattr(f, "__func__", f), "__code__", None)


def innermost(f):
    """Return the function that was written: without decorators that say what they wrap, and `partial`."""
    for _ in range(20):  # a wrapper may name itself
        f = getattr(f, "__wrapped__", None) or getattr(f, "func", None) or f
    return f
