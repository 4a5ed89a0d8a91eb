"""Facts about a function that is not right, seen in its code and in its results without a search.

Each look returns a sentence, or None where it is not sure.
"""

import ast
import builtins
import functools
import re
from types import FunctionType, ModuleType
from typing import NamedTuple

import numpy as np

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.comparison import is_numeric
from nn_helpers.exercises.checking.error_meanings import message
from nn_helpers.exercises.checking.sandbox import FROM_CACHE, outcome_on
from nn_helpers.exercises.checking.source import tree_of
from nn_helpers.exercises.checking.wording import a_kind_of, join_names, value_in_words

MOST = 2  # facts that are said
UNSEEN = {"locals", "vars", "eval", "exec", "globals"}  # through which names are used that nobody sees
# Functions of NumPy's and methods that return None, and methods of lists and arrays that do
FUNCTIONS = {"shuffle", "put", "at", "copyto", "fill_diagonal", "put_along_axis", "place", "putmask"}
METHODS = {"append", "extend", "insert", "remove", "reverse", "clear", "sort", "shuffle", "fill", "put"}
USES = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Call, ast.Subscript),
    *(ast.BinOp, ast.For, ast.Attribute, ast.Compare),
)
EMPTY = {"zeros", "zeros_like", "empty", "empty_like"}
MARK = 77.25  # which is in no result


def facts(trial, sandbox, in_code=True):
    """Return sentences on a function that is not right: what is seen in its code, and what in its results."""
    code = _code(trial.f)
    if code is None:
        return []
    looks = [_mask, _never_read, _left_over, _hidden, _none, _return, _rebound] if in_code else []
    if all(outcome.results is not None for outcome in trial.outcomes):
        looks += [_whole_numbers, _range, functools.partial(_untouched, sandbox=sandbox)]
    return list(filter(None, (look(trial, code) for look in looks)))[:MOST]


class _Code(NamedTuple):
    f: FunctionType
    function: ast.FunctionDef
    nodes: list  # in the order of the text
    lines: list
    own: set  # the names that get a value in it, its arguments' among them
    given: dict  # the assignments to a name alone, by name

    def all(self, *kinds):
        return [node for node in self.nodes if isinstance(node, kinds)]

    def line(self, node):
        return self.lines[node.lineno - 1].strip()

    def number(self, node):
        return node.lineno - self.function.lineno + 1

    def at(self, node):
        """Quote a part and say where it stands: ``h = 0.1` in line 3``."""
        part = ast.get_source_segment("\n".join(self.lines), node)
        return f"`{' '.join(part.split())}` in line {self.number(node)}"

    def outside(self, node):
        """Return the value of a name that is not the function's own."""
        name = getattr(node, "id", None)
        return None if name in self.own else self.f.__globals__.get(name)

    def numpy(self, node):
        """Return the name of the NumPy function that a node calls, or None."""
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        return node.func.attr if is_method and self.outside(node.func.value) is np else None


def _code(f):
    try:
        f, function, lines = tree_of(f)
    except TypeError:
        return None
    nodes = [node for part in (function.args, *function.body) for node in ast.walk(part)]
    nodes.sort(key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
    own, given = {node.arg for node in nodes if isinstance(node, ast.arg)}, {}
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            own.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            own.add(node.name)
        elif isinstance(node, ast.alias):
            own.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            given.setdefault(node.targets[0].id, []).append(node)
    return _Code(f, function, nodes, lines, own, given)


# In the code


def _never_read(trial, code):
    """Find an argument that nothing reads, or that is overwritten before."""
    read = {node.id for node in code.all(ast.Name) if isinstance(node.ctx, ast.Load)}
    read |= {node.target.id for node in code.all(ast.AugAssign) if isinstance(node.target, ast.Name)}
    if UNSEEN & read:
        return None
    read |= set(trial.exercise.parameters) - {node.id for node in _code(trial.exercise.answer).all(ast.Name)}
    passed = max(len(case.args) for case in trial.cases)
    arguments = [node.arg for node in (*code.function.args.posonlyargs, *code.function.args.args)][:passed]
    if unread := [f"`{name}`" for name in arguments if name not in read and not name.startswith("_")]:
        said = "{} is an argument, and nothing in the function uses it."
        if len(unread) > 1:
            said = "{} are arguments, and nothing in the function uses them."
        return said.format(join_names(unread))
    for statement in code.function.body:
        names = [node.id for node in _names(statement)]
        for name in arguments:
            if statement in code.given.get(name, ()) and names.count(name) == 1:
                return (
                    f"`{name}` is an argument, and {code.at(statement)} gives the name another value before "
                    "anything has read it: what came in is lost."
                )
        arguments = [name for name in arguments if name not in names]
    return None


def _left_over(trial, code):
    """Find a value of the notebook's where one of the function's own belongs."""
    partner = trial.exercise.partner
    answers = [trial.exercise.answer, *([EXERCISES[partner].answer] if partner else [])]
    usual = {name for answer in answers for name in answer.__code__.co_varnames}
    for node in code.all(ast.Name):
        value = code.outside(node)
        number = isinstance(value, int | float | np.generic) and node.id in usual
        if number or isinstance(value, np.ndarray | list | tuple | dict):
            what = value_in_words(value) if number else a_kind_of(value)
            return (
                f"`{node.id}` in line {code.number(node)}, `{code.line(node)}`, is not the function's own: "
                f"it is the notebook's, {what}, from another cell, and stays the same whatever comes in."
            )
    return None


def _hidden(trial, code):
    """Find a value that has the name of a function or a module, where that one was meant."""
    error, text = next(((o.error, o.where[2]) for o in trial.outcomes if o.error and o.where), (None, None))
    if not isinstance(error, UnboundLocalError | AttributeError) and "not callable" not in message(error):
        return None
    for node in code.all(ast.Call, ast.Attribute):
        called = isinstance(node, ast.Call)
        owner = node.func if called else node.value
        name = getattr(owner, "id", None)
        if not name or code.line(owner) != text:
            continue
        module, value = isinstance(code.f.__globals__.get(name), ModuleType), code.outside(owner)
        function = called and hasattr(builtins, name)
        if name in code.given and (module or function):
            meant, why = "the module" if module else "Python's own function", code.at(code.given[name][0])
            return (
                f"`{name}` in line {code.number(owner)} is not {meant}: {why} gives the name to a value, in "
                "the whole function. Give the value another name."
            )
        if function and value is not None and not callable(value):
            return (
                f"`{name}` in line {code.number(owner)} is not Python's own function: another cell has given "
                f"the name to a value, {a_kind_of(value)}. `del {name}` in a cell brings the function back."
            )
    return None


def _none(_, code):
    """Find the value of what has none."""
    parents = {child: node for node in code.nodes for child in ast.iter_child_nodes(node)}
    for node in code.all(ast.Call):
        module = isinstance(code.outside(getattr(node.func, "value", None)), ModuleType)
        known = FUNCTIONS if module or ast.unparse(node.func).startswith("np.") else METHODS
        if getattr(node.func, "attr", None) in known and isinstance(parents.get(node), USES):
            return (
                f"{code.at(node)} works in place and returns None: there is no value to use. Let it stand in "
                "a line of its own."
            )
    return None


def _return(_, code):
    """Find a loop that ends in its first round."""
    for loop in code.all(ast.For, ast.While):
        found = _always_returns(loop.body)
        if found and not any(isinstance(node, ast.Continue) for node in ast.walk(loop)):
            return (
                f"`return` in line {code.number(found)} stands inside the loop of line {code.number(loop)}, "
                "which so ends in its first round. Should it stand below the loop, further to the left?"
            )
    return None


def _always_returns(body):
    """Return the `return` that these statements come to in any case."""
    for statement in body:
        if isinstance(statement, ast.Return):
            return statement
        if isinstance(statement, ast.With) and (found := _always_returns(statement.body)):
            return found
    return None


def _rebound(_, code):
    """Find a new value of a loop's own name that nothing reads."""
    for loop in code.all(ast.For):
        names = {node.id for node in _names(loop.target)}
        for statement in loop.body:
            name = next((name for name in names if statement in code.given.get(name, ())), None)
            end = statement.end_lineno, statement.end_col_offset
            later = {node.id for node in code.all(ast.Name) if (node.lineno, node.col_offset) >= end}
            if name and name not in later:
                return (
                    f"{code.at(statement)} gives the loop's own name `{name}` a new value that nothing "
                    "reads: what the loop goes through stays as it was."
                )
    return None


def _mask(_, code):
    """Find an index of zeros and ones, which are places and no mask."""
    for node in code.all(ast.Subscript):
        index = node.slice
        if len(known := code.given.get(getattr(index, "id", None), [])) == 1:
            index = known[0].value
        if re.fullmatch(
            r"\(.*[<>]=? .*\)\.astype\((int|np\.int64|np\.int32)\)|np\.where\(.*, (1, 0|0, 1)\)"
            r"|rng\.integers\((0, )?2, .*\)",
            ast.unparse(index),
        ):
            return (
                f"The index in {code.at(node)} holds the whole numbers 0 and 1, which are two places. A mask "
                "holds True and False."
            )
    return None


# In the results


def _wrong(trial):
    """Return (index of the case, name, yours, right) of arrays that are wrong, if they all compare."""
    wrong = [e for e in trial.leaves if not e[1].endswith(FROM_CACHE) and not trial.agrees(*e[1:])]
    fits = all(is_numeric(a) and is_numeric(b) and np.shape(a) == np.shape(b) != () for *_, a, b in wrong)
    return [(i, name, np.asarray(a), np.asarray(b)) for i, name, a, b in wrong] if fits else []


def _whole_numbers(trial, code):
    """Find a result that has lost what stands behind the point."""
    wrong = [
        leaf for leaf in _wrong(trial) if (leaf[2].dtype.kind, leaf[3].dtype.kind) in (("i", "f"), ("u", "f"))
    ]
    if not wrong:
        return None
    index, name, yours, _ = wrong[0]
    whole = {
        argument.arg
        for argument, value in zip(code.function.args.args, trial.cases[index].args, strict=False)
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu"
    }
    makers = [node for node in code.all(ast.Call) if _makes_whole_numbers(node, code, whole)]
    with np.errstate(all="ignore"):
        cut = all(np.array_equal(yours, right.astype(yours.dtype)) for *_, yours, right in wrong)
    if not makers and not cut:
        return None
    where = f": see {code.at(makers[0])}" if len(makers) == 1 else ""
    return f"{name} holds whole numbers, {yours.dtype}, with no room for what stands behind the point{where}."


def _makes_whole_numbers(node, code, whole):
    name = code.numpy(node) or ""
    if name.endswith("_like"):
        return any(part.id in whole for argument in node.args[:1] for part in _names(argument))
    dtypes = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "dtype")]
    is_int = [re.fullmatch(r"'?(np\.)?u?int\d*_?'?", ast.unparse(dtype)) for dtype in dtypes]
    return name in {"zeros", "empty", "ones", "full", "array"} and any(is_int)


def _range(trial, code):
    """Find a `range` that leaves out the first or the last, where these alone are wrong."""
    wrong = _wrong(trial)
    for node in code.all(ast.Call) if wrong else ():
        bounds = [ast.unparse(bound) for bound in node.args[:2]]
        if getattr(node.func, "id", None) != "range" or not bounds:
            continue
        without_first, without_last = len(bounds) > 1 and bounds[0] == "1", bounds[-1].endswith(" - 1")
        for place, text, left_out in ((0, "first", without_first), (-1, "last", without_last)):
            if left_out and _only_at(place, [yours != right for *_, yours, right in wrong]):
                return (
                    f"Only what stands {text} in {wrong[0][1]} is wrong, and {code.at(node)} leaves out the "
                    f"{text}."
                )
    return None


def _only_at(place, wrong):
    """Say whether what is wrong in some arrays all stands at one end of the same axis."""
    return any(
        any(each.shape[axis] > 1 for each in wrong)
        and not any(np.delete(each, place, axis).any() for each in wrong)
        for axis in range(min(each.ndim for each in wrong))
    )


def _untouched(trial, code, sandbox):
    """Find numbers that are still what `np.zeros` or `np.empty` made them: run it with others there."""
    wrong = _wrong(trial)
    arrays = {given[0].value: name for name, given in code.given.items() if len(given) == 1}
    makers = [node for node in code.all(ast.Call) if code.numpy(node) in EMPTY]
    array = arrays.get(makers[0]) if len(makers) == 1 and wrong else None
    computed = [part.id for node in code.all(ast.BinOp, ast.AugAssign) for part in _names(node)]
    if array is None or array in computed:  # 0 + 0 looks as if nobody had written there
        return None
    index, name, yours, right = wrong[0]
    made = ast.unparse(makers[0])

    def marked(*args):
        function = ast.parse(ast.unparse(code.function).replace(made, f"_mark({made})")).body[0]
        function.decorator_list, names = [], {**code.f.__globals__, "_mark": _mark}
        exec(ast.unparse(function), names)
        return names[function.name](*args)

    results = outcome_on(trial.exercise, marked, trial.cases[index], None, sandbox).results or {}
    if not is_numeric(results.get(name)) or np.shape(results[name]) != right.shape:
        return None
    result = np.asarray(results[name])
    still = (result == np.asarray(MARK).astype(result.dtype)) & (yours != right)
    if not still.any():
        return None
    what = f"{name} is" if still.all() else f"{name}{np.argwhere(still)[0].tolist()} is"
    return f"{what} never written to: it is what {code.at(makers[0])} made."


def _names(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _mark(array):
    array.fill(MARK)
    return array
