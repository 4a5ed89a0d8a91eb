"""Small changes of a program, of the kind that separates a beginner's from a right one.

`changes_of` takes the syntax tree of a function and returns its changes, the likely ones first. A change is
made in the tree itself and can be taken back, so that a second one can be tried on top of it.
"""

import ast
import itertools
from dataclasses import dataclass

import numpy as np

from nn_helpers.exercises.checking.counterpart import names_of

BLOCKS = ast.For, ast.While, ast.If
OPERATORS = ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult  # a power may take any amount of memory
COMPARISONS = ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq
# Functions and methods that people take for one another
FAMILIES = (
    ("sum", "mean", "max", "min", "prod", "cumsum"), ("max", "maximum", "amax", "minimum", "min"),
    ("max", "argmax", "min", "argmin"), ("exp", "log", "expm1", "log1p", "log2", "log10"), ("std", "var"),
    ("sqrt", "square", "abs"), ("zeros_like", "ones_like", "empty_like"), ("zeros", "ones", "empty"),
    ("sin", "cos", "tanh", "sinh", "arctan"), ("dot", "multiply"), ("sign", "abs"), ("append", "extend"),
    ("random", "standard_normal", "normal", "uniform"), ("permutation", "permuted", "arange"),
    ("round", "floor", "ceil"), ("any", "all"), ("ravel", "flatten"),
)  # fmt: skip
RELATIVES = {}
for _name, _other in (pair for family in FAMILIES for pair in itertools.permutations(family, 2)):
    RELATIVES.setdefault(_name, []).append(_other)
REDUCTIONS = {
    "sum", "mean", "max", "min", "amax", "amin", "std", "var", "argmax", "argmin", "prod", "any", "all",
    "median", "flip",
}  # fmt: skip
OF_SIZES = {"randn": "standard_normal", "rand": "random"}


@dataclass(eq=False)
class Change:
    """Another node, or list of statements, in the place of one in the tree."""

    parent: ast.AST
    field: str
    index: int | None
    new: object
    old: object
    node: ast.AST  # where it is
    kind: str

    def make(self):
        """Change the tree."""
        self._put(self.new)

    def undo(self):
        """Take the change back."""
        self._put(self.old)

    def excludes(self, other):
        """Say whether two changes are of the same place, so that only the second would be there."""
        same = self.parent is other.parent and self.field == other.field
        return same and (self.index == other.index or None in (self.index, other.index))

    def difference(self):
        """Return what goes and what comes in its place, as text: the same change elsewhere has the same."""
        old, new = ast.unparse(self.old), ast.unparse(self.new)
        start = _in_common(old, new)
        end = _in_common(old[start:][::-1], new[start:][::-1])
        return old[start : len(old) - end], new[start : len(new) - end]

    def _put(self, value):
        if self.index is None:
            setattr(self.parent, self.field, value)
        else:
            getattr(self.parent, self.field)[self.index] = value


def _in_common(a, b):
    """Return how many letters two texts have in common at the beginning."""
    return next(
        (i for i, pair in enumerate(zip(a, b, strict=False)) if len({*pair}) > 1), min(len(a), len(b))
    )


def changes_of(function, answer):
    """Return the changes of a function's tree, an `ast.FunctionDef`, the likely kinds first.

    The last ones put an expression or a line of the answer in the place of one. They tell a place where more
    than a sign is wrong.
    """
    found, known = list(_Finder(function, answer).find()), _vocabulary(function) | _vocabulary(answer)

    def unlikely(change):
        new = change.new if isinstance(change.new, ast.AST) else ast.Pass()
        return ORDER.index(change.kind) + STRANGE * (not _vocabulary(new) <= known)

    return sorted(found, key=unlikely)


SPLICED = "another expression"
RESULTS = "another order or number of results"
MOVED = "another order of lines"
BOUNDS = "other bounds of the range or slice"

# What a function needs, in the words of a hint, the likely ones first
ORDER = [
    "the generator rng", "another operator", "another comparison",
    "another axis, or keepdims", "a transpose, or one less",
    "another order of operands", "another sign", "another function", "another number", "another name",
    RESULTS, "brackets elsewhere", "a factor, term or function less",
    BOUNDS, "another index", "a change in place, or none",
    MOVED, "a line less", SPLICED, "a divisor", "one more factor", "one more argument",
    "a copy, another shape or another type", "one more term or function",
]  # fmt: skip
STRANGE = 8  # kinds by which a change is less likely that has words of neither the function nor the answer


def _vocabulary(tree):
    """Return the names and attributes in a tree."""
    words = (getattr(node, "id", None) or getattr(node, "attr", None) for node in ast.walk(tree))
    return {word for word in words if word}


class _Finder:
    """Goes through a function and finds what can be changed at each node."""

    def __init__(self, function, answer):
        self.function = function
        body = answer.body[ast.get_docstring(answer) is not None :]
        nodes = [node for line in body for node in ast.walk(line)]
        loaded = (node for node in nodes if isinstance(getattr(node, "ctx", ast.Load()), ast.Load))
        found = (node for node in loaded if isinstance(node, ast.expr) and not _is_module(node))
        self.expressions = list({ast.unparse(node): node for node in found}.items())
        statements = (node for node in nodes if isinstance(node, ast.stmt))
        self.statements = [line for line in statements if not isinstance(line, BLOCKS)]
        self.inner = [line for line in self.statements if not isinstance(line, ast.Return)]
        every = function.args
        defaults = [[ast.unparse(value) for value in f.args.defaults] for f in (function, answer)]
        self.usual_defaults = defaults[0] == defaults[1]
        self.parameters = [a.arg for a in (*every.posonlyargs, *every.args, *every.kwonlyargs)]
        self.names = names_of(function)

    def find(self):
        for parent in ast.walk(self.function):
            if isinstance(parent, ast.arguments) and self.usual_defaults:
                continue
            for field, value in ast.iter_fields(parent):
                if field in ("args", "decorator_list", "returns") and parent is self.function:
                    continue
                if isinstance(value, ast.AST):
                    yield from self._at(parent, field, None, value)
                elif isinstance(value, list) and value and isinstance(value[0], ast.AST):
                    if isinstance(value[0], ast.stmt):
                        yield from self._lines(parent, field, value)
                    for index, node in enumerate(value):
                        yield from self._at(parent, field, index, node)

    def _at(self, parent, field, index, node):
        """Yield the changes at a node, which stands in a field of its parent."""
        look = getattr(self, f"_{type(node).__name__.lower()}", None)
        made = look(node) if look else ()
        if isinstance(node, ast.stmt) and not (isinstance(node, BLOCKS) or is_docstring(node)):
            others = self.statements if isinstance(node, ast.Return) else self.inner
            made = itertools.chain(made, ((SPLICED, other) for other in others))
        if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            made = itertools.chain(made, self._expression(node, parent))
        for kind, new in made:
            if kind != SPLICED:  # what is the answer's has a place of its own
                new = ast.fix_missing_locations(ast.copy_location(new, node))
            yield Change(parent, field, index, new, node, node, kind)

    # Expressions

    def _binop(self, node):
        left, op, right = node.left, node.op, node.right
        for other in OPERATORS:
            if not isinstance(op, other):
                yield "another operator", ast.BinOp(left, other(), right)
        if not isinstance(op, ast.Add | ast.Mult):
            yield "another order of operands", ast.BinOp(right, op, left)
        for kept in (left, right):
            yield "a factor, term or function less", kept
        if isinstance(left, ast.BinOp):  # (a ∘ b) ∘ c
            yield "brackets elsewhere", ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
        if isinstance(right, ast.BinOp):  # a ∘ (b ∘ c)
            yield "brackets elsewhere", ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right)
        if isinstance(left, ast.UnaryOp):
            yield "brackets elsewhere", ast.UnaryOp(left.op, ast.BinOp(left.operand, op, right))
        if isinstance(left, ast.Call) and len(left.args) == 1 and not left.keywords:  # f(a) ∘ b
            yield "brackets elsewhere", ast.Call(left.func, [ast.BinOp(left.args[0], op, right)], [])
        if isinstance(right, ast.Call) and len(right.args) == 1 and not right.keywords:
            yield "brackets elsewhere", ast.Call(right.func, [ast.BinOp(left, op, right.args[0])], [])

    def _unaryop(self, node):
        if isinstance(node.op, ast.USub | ast.Not):
            yield "another sign", node.operand
        if isinstance(node.operand, ast.BinOp):
            inner = node.operand
            yield "brackets elsewhere", ast.BinOp(ast.UnaryOp(node.op, inner.left), inner.op, inner.right)

    def _compare(self, node):
        for other in COMPARISONS:
            if len(node.ops) == 1 and not isinstance(node.ops[0], other):
                yield "another comparison", ast.Compare(node.left, [other()], node.comparators)

    def _constant(self, node):
        value = node.value
        if isinstance(value, bool):
            yield "another number", ast.Constant(not value)
        elif isinstance(value, int | float):
            near = (value + 1, value - 1, -value, 1 - value, value / 2, value * 2)
            for other in dict.fromkeys((0, 1, 2, -1, 0.5, *near)):
                if other != value:
                    yield "another number", ast.Constant(other)
            for name in self.names:
                yield "another name", _name(name)

    def _name(self, node):
        if isinstance(node.ctx, ast.Store):
            return
        for other in self.names:
            if other != node.id:
                yield "another name", _name(other)
        for other in RELATIVES.get(node.id, ()):
            yield "another function", _name(other)
        for other in {"max": ["maximum"], "min": ["minimum"]}.get(node.id, ()):
            yield "another function", ast.Attribute(_name("np"), other, ast.Load())

    def _attribute(self, node):
        if node.attr == "T":
            yield "a transpose, or one less", node.value
            return
        if ast.unparse(node.value) == "math":
            yield "another function", ast.Attribute(_name("np"), node.attr, ast.Load())
        for other in RELATIVES.get(node.attr, ()):
            yield "another function", ast.Attribute(node.value, other, ast.Load())
        if ast.unparse(node.value) in ("np.random", "numpy.random") and "rng" in self.parameters:
            for other in (node.attr, *{"randint": ["integers"]}.get(node.attr, ())):
                yield "the generator rng", ast.Attribute(_name("rng"), other, ast.Load())

    def _call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in REDUCTIONS:
            yield from self._axes(node)
        for index in range(len(node.args) - 1):  # two neighbours
            a, b, *after = node.args[index:]
            args = [*node.args[:index], b, a, *after]
            yield "another order of operands", ast.Call(node.func, args, node.keywords)
        yield from (("a factor, term or function less", argument) for argument in node.args[:3])
        if not node.args and isinstance(node.func, ast.Attribute):
            yield "a factor, term or function less", node.func.value
        inner = _operand(node)
        if isinstance(inner, ast.Call) and (innermost := _operand(inner)):  # f(g(x)) as g(f(x))
            yield "brackets elsewhere", _applied(inner, _applied(node, innermost))
        if name == "range" and len(node.args) < 3:
            others = [ast.Constant(1), *node.args] if len(node.args) == 1 else node.args[1:]
            yield BOUNDS, ast.Call(node.func, others, [])
        wanted = getattr(getattr(np, name, None), "nin", np.inf)  # one more would be for the result
        if node.args and isinstance(node.func, ast.Attribute) and len(node.args) < wanted:
            more = [[ast.Constant(0), *node.args], *([*node.args, _name(name)] for name in self.names)]
            yield from (("one more argument", ast.Call(node.func, args, node.keywords)) for args in more)
        if name in OF_SIZES and "rng" in self.parameters:  # they take the sizes one by one
            method = ast.Attribute(_name("rng"), OF_SIZES[name], ast.Load())
            yield "the generator rng", ast.Call(method, [ast.Tuple(node.args, ast.Load())], [])
        if name == "default_rng" and "rng" in self.parameters:
            yield "the generator rng", _name("rng")
        for index in range(len(node.keywords)):
            others = [*node.keywords[:index], *node.keywords[index + 1 :]]
            yield "another axis, or keepdims", ast.Call(node.func, node.args, others)

    def _axes(self, node):
        keywords = {k.arg: k for k in node.keywords}
        rest = [k for k in node.keywords if k.arg != "axis"]
        of_module = isinstance(node.func, ast.Name) or _is_module(node.func.value)
        # The array of np.sum(x, 0), and what x.sum(0) has
        args, own = node.args[:of_module], node.args[of_module:]
        now = keywords["axis"].value if "axis" in keywords else (own[0] if own else None)
        for axis in (0, 1, -1, None):
            if (now is None and axis is None) or (isinstance(now, ast.Constant) and now.value == axis):
                continue
            axes = [] if axis is None else [ast.keyword("axis", ast.Constant(axis))]
            yield "another axis, or keepdims", ast.Call(node.func, list(args), axes + rest)
        if "keepdims" not in keywords:
            extra = [*node.keywords, ast.keyword("keepdims", ast.Constant(True))]
            yield "another axis, or keepdims", ast.Call(node.func, node.args, extra)
            if now is None:
                for axis in (0, 1):
                    both = [ast.keyword("axis", ast.Constant(axis)), *extra]
                    yield "another axis, or keepdims", ast.Call(node.func, list(args), both)

    def _subscript(self, node):
        if isinstance(node.slice, ast.Name | ast.Compare):  # a mask
            yield "another sign", ast.Subscript(node.value, ast.UnaryOp(ast.Invert(), node.slice), node.ctx)
        if isinstance(node.ctx, ast.Load):
            yield "another index", node.value
        elements = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        ways = [[ast.Slice(), *elements], elements[1:]]  # along another axis
        if len(elements) == 2:
            ways.append(elements[::-1])
        for way in filter(None, ways):
            yield "another index", ast.Subscript(node.value, ast.Tuple(way, ast.Load()), node.ctx)

    def _slice(self, node):
        parts = {"lower": node.lower, "upper": node.upper, "step": node.step}
        yield from ((BOUNDS, ast.Slice(**{**parts, bound: None})) for bound in parts if parts[bound])
        if node.step is None:
            yield BOUNDS, ast.Slice(node.lower, node.upper, ast.UnaryOp(ast.USub(), ast.Constant(1)))

    def _tuple(self, node):
        if isinstance(node.ctx, ast.Load) and 1 < len(node.elts) <= 4:
            for order in itertools.permutations(node.elts):
                if list(order) != node.elts:
                    yield RESULTS, ast.Tuple(list(order), ast.Load())
            for index in range(len(node.elts)):
                fewer = [*node.elts[:index], *node.elts[index + 1 :]]
                new = ast.Tuple(fewer, ast.Load()) if len(fewer) > 1 else fewer[0]
                yield RESULTS, new

    def _ifexp(self, node):
        yield "another comparison", ast.IfExp(node.test, node.orelse, node.body)

    def _expression(self, node, parent):
        """Yield what can be put around any expression."""
        if isinstance(node, ast.Constant | ast.Tuple | ast.List | ast.Slice | ast.Lambda | ast.JoinedStr):
            return
        called = isinstance(parent, ast.Call) and parent.func is node
        if called or isinstance(parent, ast.Attribute | ast.keyword) or _is_module(node):
            return
        yield "another sign", ast.UnaryOp(ast.USub(), node)
        if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            yield "a transpose, or one less", ast.Attribute(node, "T", ast.Load())
        for divisor in self._divisors():
            yield "a divisor", ast.BinOp(node, ast.Div(), divisor)
        names = *map(_name, self.names), *map(_one_minus, self.parameters)
        for factor in (ast.Constant(2), ast.Constant(0.5), *names):
            yield "one more factor", ast.BinOp(node, ast.Mult(), factor)
        in_range = getattr(getattr(parent, "func", None), "id", "") == "range"
        bound = in_range or isinstance(parent, ast.Slice | ast.Subscript)
        for constant, op in itertools.product((1, 1e-8), (ast.Add(), ast.Sub())):
            kind = BOUNDS if bound and constant == 1 else "one more term or function"
            yield kind, ast.BinOp(node, op, ast.Constant(constant))
        for function in ("exp", "log", "sqrt", "abs"):
            called = ast.Attribute(_name("np"), function, ast.Load())
            yield "one more term or function", ast.Call(called, [node], [])
        yield "one more factor", ast.BinOp(node, ast.Pow(), ast.Constant(2))
        yield from self._kept(node)
        text = ast.unparse(node)
        yield from ((SPLICED, other) for other_text, other in self.expressions if other_text != text)

    def _kept(self, node):
        kind = "a copy, another shape or another type"
        for method, args in (("copy", []), ("astype", [_name("float")]), ("astype", [_name("int")])):
            yield kind, ast.Call(ast.Attribute(node, method, ast.Load()), args, [])
        for name in self.parameters:
            for attribute, method in (("shape", "reshape"), ("dtype", "astype")):
                argument = ast.Attribute(_name(name), attribute, ast.Load())
                yield kind, ast.Call(ast.Attribute(node, method, ast.Load()), [argument], [])

    def _divisors(self):
        for name in self.parameters:
            yield ast.Call(_name("len"), [_name(name)], [])
            yield ast.Subscript(ast.Attribute(_name(name), "shape", ast.Load()), ast.Constant(1), ast.Load())
        yield from (*map(_name, self.names), *map(_one_minus, self.parameters))

    def _first_use(self, name):
        """Return the statement that first writes, or may write, into an argument."""
        for node in (each for each in ast.walk(self.function) if isinstance(each, ast.stmt)):
            written = [*getattr(node, "targets", ()), getattr(node, "target", None)]
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # x.sort(), np.add.at(x, …)
                written += [*node.value.args[:1], getattr(node.value.func, "value", None)]
            if isinstance(node, ast.Assign):  # y = x.pop()
                written += [part.value for part in ast.walk(node) if getattr(part, "attr", "") == "pop"]
            if name in (getattr(getattr(part, "value", part), "id", None) for part in written):
                return node
        return None

    # Statements

    def _augassign(self, node):
        target = _load(node.target)
        yield "a change in place, or none", ast.Assign([node.target], ast.BinOp(target, node.op, node.value))
        for other in OPERATORS:
            if not isinstance(node.op, other):
                yield "another operator", ast.AugAssign(node.target, other(), node.value)
        yield "a factor, term or function less", ast.Assign([node.target], node.value)

    def _assign(self, node):
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and len(target.elts) == 2:
            yield RESULTS, ast.Assign([ast.Tuple(target.elts[::-1], ast.Store())], value)
        for index, other in itertools.product(range(len(getattr(target, "elts", ()))), self.names):
            elements = [*target.elts[:index], ast.Name(other, ast.Store()), *target.elts[index + 1 :]]
            yield "another name", ast.Assign([ast.Tuple(elements, ast.Store())], value)
        if len(node.targets) > 1 or not isinstance(target, ast.Name | ast.Subscript):
            return
        for op in (ast.Add, ast.Sub, ast.Mult):
            yield "a change in place, or none", ast.AugAssign(target, op(), value)
        if isinstance(value, ast.BinOp) and ast.unparse(value.left) == ast.unparse(target):
            yield "a change in place, or none", ast.AugAssign(target, value.op, value.right)
        if isinstance(target, ast.Name):
            whole = ast.Subscript(_name(target.id), ast.Constant(...), ast.Store())
            yield "a change in place, or none", ast.Assign([whole], value)
            for other in self.names:
                if other != target.id:
                    yield "another name", ast.Assign([ast.Name(other, ast.Store())], value)
            for other in self.parameters:
                whole = ast.Subscript(_name(other), ast.Constant(...), ast.Store())
                yield "a change in place, or none", ast.Assign([target, whole], value)

    def _lines(self, parent, field, lines):
        """Yield changes of the order and number of statements."""
        ways = self._copied(parent, lines), _dropped(lines), _moved(lines), self._spliced(lines)
        for kind, node, new in itertools.chain(*ways):
            yield Change(parent, field, None, new, lines, node, kind)

    def _spliced(self, lines):
        for index, line in enumerate(lines):
            for other in self.inner if not is_docstring(line) else ():
                yield SPLICED, line, [*lines[:index], other, *lines[index:]]

    def _copied(self, parent, lines):
        """Begin the function with a copy of an argument."""
        if parent is self.function:
            at = 1 if ast.get_docstring(parent) is not None and len(lines) > 1 else 0
            for name in self.parameters:
                line = ast.parse(f"{name} = {name}.copy()").body[0]
                for node in ast.walk(line):
                    ast.copy_location(node, lines[at])
                node = self._first_use(name) or lines[at]
                yield "a copy, another shape or another type", node, [*lines[:at], line, *lines[at:]]


def _dropped(lines):
    for index, line in enumerate(lines):
        if len(lines) > 1 and not is_docstring(line):
            yield "a line less", line, [*lines[:index], *lines[index + 1 :]]


def _moved(lines):
    """Exchange neighbours, and move lines into a loop or a condition, or out of it."""
    for index, (line, following) in enumerate(itertools.zip_longest(lines, lines[1:])):
        before, after = lines[:index], lines[index + 1 :]
        if following and not is_docstring(line):
            yield MOVED, line, [*before, following, line, *after[1:]]
        if not isinstance(line, ast.For | ast.While | ast.If):
            continue
        first, last = line.body[0], line.body[-1]
        if len(line.body) > 1:
            yield MOVED, last, [*before, _with_body(line, line.body[:-1]), last, *after]
            yield MOVED, first, [*before, first, _with_body(line, line.body[1:]), *after]
        if following and not isinstance(following, ast.Return):
            yield MOVED, following, [*before, _with_body(line, [*line.body, following]), *after[1:]]
        if before and not isinstance(line, ast.If):
            yield MOVED, before[-1], [*before[:-1], _with_body(line, [before[-1], *line.body]), *after]
        if isinstance(last, ast.Return):
            yield MOVED, last, [*before, _with_body(line, line.body[:-1] or [ast.Pass()]), *after, last]


def is_docstring(line):
    """Say whether a line is a text that nothing reads."""
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _with_body(statement, body):
    fields = {**dict(ast.iter_fields(statement)), "body": body}
    return ast.copy_location(type(statement)(**fields), statement)


def _operand(call):
    """Return what a function of one argument, or a method, is applied to."""
    if isinstance(call.func, ast.Attribute) and not _is_module(call.func.value):
        return call.func.value
    return call.args[0] if len(call.args) == 1 else None


def _applied(call, operand):
    """Return the same call, applied to something else."""
    if isinstance(call.func, ast.Attribute) and not _is_module(call.func.value):
        return ast.Call(ast.Attribute(operand, call.func.attr, ast.Load()), call.args, call.keywords)
    return ast.Call(call.func, [operand], call.keywords)


def _name(name):
    return ast.Name(name, ast.Load())


def _one_minus(name):
    return ast.BinOp(ast.Constant(1), ast.Sub(), _name(name))


def _load(target):
    return ast.parse(ast.unparse(target), mode="eval").body


def _is_module(node):
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math")
