"""Make wrong versions of a function by changing one thing in its source at a time."""

import ast
import copy
import inspect
import sys
import textwrap

OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}
FUNCTIONS = {
    "maximum": ["minimum"],
    "minimum": ["maximum"],
    "max": ["min", "sum"],
    "sum": ["mean", "max"],
    "mean": ["sum"],
    "exp": ["log", "expm1"],
    "log": ["exp", "log2"],
    "sqrt": ["square"],
    "zeros": ["ones"],
    "ones": ["zeros"],
    "zeros_like": ["ones_like"],
    "argmax": ["argmin"],
    "standard_normal": ["random"],
    "random": ["standard_normal"],
    "abs": ["negative"],
    "where": ["select"],
    "permutation": ["choice"],
    "range": ["list"],
    "reversed": ["list"],
}


def mutants(f):
    """Yield (description, source) of every mutant of f; a description is ``old line  →  new line``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    function = tree.body[0]
    if ast.get_docstring(function) is not None:
        del function.body[0]
    seen = {ast.unparse(tree)}
    names = [argument.arg for argument in function.args.args]
    for index, node in enumerate(ast.walk(tree)):
        for change in changes(node, names):
            mutant = copy.deepcopy(tree)
            target = list(ast.walk(mutant))[index]
            changed = change(target)
            replace(mutant, target, changed)
            source = ast.unparse(ast.fix_missing_locations(mutant))
            if source not in seen:
                seen.add(source)
                yield difference(ast.unparse(tree), source), source


def difference(before, after):
    """Return ``old line  →  new line`` for two sources that differ in one place."""
    old, new = before.splitlines(), after.splitlines()
    start = next(i for i, (a, b) in enumerate(zip([*old, ""], [*new, ""], strict=False)) if a != b)
    while old and new and old[-1] == new[-1] and len(old) > start and len(new) > start:
        old.pop()
        new.pop()
    return f"{_lines(old[start:])}  →  {_lines(new[start:])}"


def _lines(lines):
    return "; ".join(line.strip() for line in lines) or "(nothing)"


def replace(tree, target, changed):
    """Put `changed` in the place of the node `target`; None removes it."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, changed)
            elif isinstance(value, list) and any(part is target for part in value):
                at = next(i for i, part in enumerate(value) if part is target)
                value[at : at + 1] = [] if changed is None else [changed]
                if not value and field == "body":
                    value.append(ast.Pass())


def changes(node, names):
    """Return functions that turn a copy of the node into something else."""
    made = []
    if isinstance(node, ast.stmt):
        made += _statement(node)
    elif isinstance(node, ast.BinOp):
        made += [_operator(op) for op in OPERATORS.get(type(node.op), [])]
        made += [lambda n: n.left, lambda n: n.right]
        if type(node.op) in (ast.Sub, ast.Div, ast.MatMult, ast.Pow):
            made.append(_exchange("left", "right"))
    elif isinstance(node, ast.UnaryOp):
        made.append(lambda n: n.operand)
    elif isinstance(node, ast.Compare):
        made += [_comparison(op) for op in OPERATORS.get(type(node.ops[0]), [])]
    elif isinstance(node, ast.Constant):
        made += _constant(node.value)
    elif isinstance(node, ast.Call):
        made += _call(node)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        made.append(lambda n: n.value)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        made += [_name(other) for other in names if other != node.id]
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        made.append(lambda n: n.value)
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        made += [_exchange_elements(i) for i in range(len(node.elts) - 1)]
        made += [_without_element(i) for i in range(len(node.elts))]
        made += [_negative_element(i) for i in range(len(node.elts))]
    elif isinstance(node, ast.IfExp):
        made.append(_exchange("body", "orelse"))
    return made


def _statement(node):
    made = []
    if isinstance(node, ast.Return):
        made.append(lambda n: ast.Return(None))
    elif not isinstance(node, ast.FunctionDef):
        made.append(lambda n: None)
    if isinstance(node, ast.Assign | ast.Return) and not _is_empty(node.value):
        made += [_negative_value, _doubled_value]
    if isinstance(node, ast.AugAssign):
        made += [_operator(op) for op in OPERATORS.get(type(node.op), [])]
        made.append(_not_in_place)
    if isinstance(node, ast.If | ast.While):
        made.append(_negate)
    return made


def _is_empty(value):
    """Say whether a value is a tuple, a constant or an array to fill later."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.attr in ("zeros", "zeros_like", "empty", "empty_like")
    return value is None or isinstance(value, ast.Tuple | ast.List | ast.Dict | ast.Constant)


def _call(node):
    made = []
    if node.args:
        made.append(lambda n: n.args[0].value if isinstance(n.args[0], ast.Starred) else n.args[0])
    if len(node.args) > 1:
        made.append(_exchange_arguments)
    if isinstance(node.func, ast.Attribute):
        made += [_attribute(other) for other in FUNCTIONS.get(node.func.attr, [])]
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "np":
            made.append(lambda n: n.func.value)
    elif isinstance(node.func, ast.Name):
        made += [_function(other) for other in FUNCTIONS.get(node.func.id, [])]
    made += [_without_keyword(i) for i in range(len(node.keywords))]
    return made


def _constant(value):
    if isinstance(value, bool):
        return [_value(not value)]
    if isinstance(value, int | float):
        return [_value(value + 1), _value(value - 1), _value(2 * value), _value(-value)]
    return []


def _value(value):
    return lambda n: ast.Constant(value)


def _operator(op):
    def change(n):
        n.op = op()
        return n

    return change


def _comparison(op):
    def change(n):
        n.ops[0] = op()
        return n

    return change


def _exchange(first, second):
    def change(n):
        a, b = getattr(n, first), getattr(n, second)
        setattr(n, first, b)
        setattr(n, second, a)
        return n

    return change


def _exchange_arguments(n):
    n.args[0], n.args[1] = n.args[1], n.args[0]
    return n


def _exchange_elements(i):
    def change(n):
        n.elts[i], n.elts[i + 1] = n.elts[i + 1], n.elts[i]
        return n

    return change


def _without_element(i):
    def change(n):
        del n.elts[i]
        return n if len(n.elts) > 1 else n.elts[0]

    return change


def _without_keyword(i):
    def change(n):
        del n.keywords[i]
        return n

    return change


def _negative_value(n):
    n.value = ast.UnaryOp(ast.USub(), n.value)
    return n


def _doubled_value(n):
    n.value = ast.BinOp(ast.Constant(2), ast.Mult(), n.value)
    return n


def _negative_element(i):
    def change(n):
        n.elts[i] = ast.UnaryOp(ast.USub(), n.elts[i])
        return n

    return change


def _attribute(name):
    def change(n):
        n.func.attr = name
        return n

    return change


def _function(name):
    def change(n):
        n.func.id = name
        return n

    return change


def _name(other):
    def change(n):
        return ast.Name(other, n.ctx)

    return change


def _negate(n):
    n.test = ast.UnaryOp(ast.Not(), n.test)
    return n


def _not_in_place(n):
    value = copy.deepcopy(n.target)
    value.ctx = ast.Load()
    return ast.Assign([n.target], ast.BinOp(value, n.op, n.value), lineno=n.lineno)


def compile_mutant(source, f):
    """Return the function of a source; it sees only the names it uses, so `check` finds no partner to try."""
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    names = {name: value for name, value in vars(sys.modules[f.__module__]).items() if name in used}
    exec(compile(source, f"<mutant of {f.__name__}>", "exec"), names)
    return names[f.__name__]
