"""The answer in the learner's own names, so that its parts fit into the learner's function."""

import ast
import copy
from collections import Counter

ALIKE = 0.4  # the share of words in common, from which two variables seem to be for the same thing


def in_names_of(function, answer, parameters):
    """Rename what the answer calls otherwise, and write out what the learner has no variable for."""
    own = names_of(function)
    _rename(answer, dict(zip(parameters, own, strict=False)))
    mine, theirs = _origins(function), _origins(answer)
    pairs = [
        (len(mine[name] & theirs[other]) / (len(mine[name] | theirs[other]) or 1), other, name)
        for other in theirs
        for name in mine
        if other not in mine and name not in theirs
    ]
    renamed = {}
    for share, other, name in sorted(pairs, key=lambda pair: -pair[0]):  # of equals the first ones
        if share > ALIKE and other not in renamed and name not in renamed.values():
            renamed[other] = name
    _rename(answer, renamed)
    return _WrittenOut(answer, set(own)).visit(answer)


def names_of(function):
    """Return the names of arguments and variables in the order in which they come up."""
    stored = [n.id for n in _in_order(function, ast.Name) if isinstance(n.ctx, ast.Store)]
    return list(dict.fromkeys([a.arg for a in function.args.args] + stored))


def _in_order(function, *kinds):
    nodes = [node for node in ast.walk(function) if isinstance(node, kinds)]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def _rename(tree, names):
    for node in _in_order(tree, ast.Name):
        node.id = names.get(node.id, node.id)


def _origins(function):
    """Return for each variable the words of what it is made of at first, down to the arguments.

    Of `a = x` there is one word: that is too little to know what a is for.
    """
    origins = {}
    for node in _in_order(function, ast.Assign, ast.For):
        is_loop, words = isinstance(node, ast.For), set()
        for part in ast.walk(node.iter if is_loop else node.value):
            known = [getattr(part, name, None) for name in ("id", "attr", "value")]
            is_sign = isinstance(part, ast.operator | ast.unaryop | ast.List)
            for word in [w for w in known if isinstance(w, str | int | float)] or [type(part)] * is_sign:
                words |= origins.get(word, {word})
        target = node.target if is_loop else node.targets[0]
        for index, part in enumerate(getattr(target, "elts", [target])):
            place = {("place", index)} if isinstance(target, ast.Tuple) else set()
            names = [n.id for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            origins.update({name: words | place for name in names if len(origins.get(name, ())) < 2})
    return origins


class _WrittenOut(ast.NodeTransformer):
    """Puts a value in the place of a variable that has one value only, and that the learner has not."""

    def __init__(self, answer, own):
        stored = Counter(n.id for n in _in_order(answer, ast.Name) if isinstance(n.ctx, ast.Store))
        self.values = {}
        for node in _in_order(answer, ast.Assign, ast.AugAssign):
            target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
            drawn = "rng." in ast.unparse(node.value)  # and another number each time
            if isinstance(target, ast.Name) and stored[target.id] == 1 and target.id not in own and not drawn:
                self.values[target.id] = node.value
            elif isinstance(target, ast.Subscript | ast.Name):  # what was read before is another value now
                base = ast.unparse(getattr(target, "value", target))
                self.values = {n: v for n, v in self.values.items() if base not in ast.unparse(v)}

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load) and node.id in self.values:
            return self.visit(copy.deepcopy(self.values[node.id]))
        return node
