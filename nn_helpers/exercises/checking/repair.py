"""Find small changes of a learner's own function that make it right, and so the place to look at.

Every change is tried against the exercise's cases, under the same watch as the function itself, and only where
the function is arithmetic, NumPy and its own arguments: what prints, opens or imports is not run in variants.
Several repairs of one function can exist; what is said is that one change *there* makes it right.
"""

import ast
import builtins
import copy
import heapq
import inspect
import itertools
import textwrap
import time
from dataclasses import dataclass
from types import FunctionType, ModuleType

import numpy as np

from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.changes import changes_of
from nn_helpers.exercises.checking.comparison import identical, leaves
from nn_helpers.exercises.checking.sandbox import OutOfTime, outcome_on, slowness
from nn_helpers.exercises.checking.source import innermost
from nn_helpers.exercises.checking.trial import Trial

SECONDS = 2.0  # of computing, for a whole search
BEAM = 12  # changed programs of which each is changed once more
FEW = 4  # cases that tell how near a changed program is
PLAIN = {
    "abs", "all", "any", "bool", "divmod", "enumerate", "filter", "float", "int", "isinstance", "iter", "len", "list",
    "map", "max", "min", "next", "pow", "range", "reversed", "round", "set", "slice", "sorted", "sum", "tuple", "zip",
    "dict", "ValueError", "TypeError",
}  # fmt: skip
FILES = {"save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile", "tofile", "memmap",
         "dump", "dumps", "open", "f2py", "ctypeslib", "show_config", "info", "test", "lookfor"}  # fmt: skip
STATEMENTS = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.ClassDef, ast.AsyncFunctionDef, ast.With,
              ast.Await, ast.AsyncFor, ast.AsyncWith)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What a change was made to: a line of the function, counted from its ``def``, its text, and the part."""

    line: int
    text: str
    part: str
    kind: str


def find_places(exercise, f, sandbox):
    """Return the places of one change, or of two, that make f right; or an empty list."""
    try:
        program = Program(f)
    except (OSError, TypeError, SyntaxError, ValueError):  # there is no source, or it is not plain
        return []
    return _Search(exercise, program, sandbox).run()


class Program:
    """The source of a function as a tree that can be changed and run."""

    def __init__(self, f):
        f = innermost(f)
        if not isinstance(f, FunctionType) or f.__closure__:
            raise TypeError
        source = textwrap.dedent(inspect.getsource(f))
        self.tree = ast.parse(source)
        self.function = self.tree.body[0]
        if not isinstance(self.function, ast.FunctionDef) or f.__name__ != self.function.name:
            raise TypeError
        self.lines = source.splitlines()
        self.first = self.function.lineno
        self.function.decorator_list = []
        self.names = dict(f.__globals__)
        if not is_plain(self.function, self.names):
            raise ValueError

    def compile(self):
        """Return the function as its tree is now."""
        code = compile(ast.fix_missing_locations(self.tree), "<a changed program>", "exec")
        exec(code, self.names)
        return self.names[self.function.name]

    def place(self, change):
        """Return the `Place` of a change."""
        node = change.node
        line = self.lines[node.lineno - 1].strip()
        part = line if isinstance(node, ast.stmt) else ast.get_source_segment("\n".join(self.lines), node) or line
        return Place(node.lineno - self.first + 1, line, " ".join(part.split()), change.kind)


def is_plain(tree, names, depth=3):
    """Say whether a function is arithmetic, NumPy and its own arguments, as far as can be seen."""
    own = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    own |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, STATEMENTS):
            return False
        if isinstance(node, ast.Attribute) and (node.attr.startswith("_") or node.attr in FILES):
            return False
        if isinstance(node, ast.Name) and node.id not in own and not _is_plain_name(node.id, names, depth):
            return False
    return True


def _is_plain_name(name, names, depth):
    if name not in names:
        return name in PLAIN or not hasattr(builtins, name)
    value = names[name]
    if isinstance(value, ModuleType):
        return value.__name__ in ("numpy", "math")
    if isinstance(value, FunctionType) and depth and not value.__closure__:
        if (value.__module__ or "").startswith("nn_helpers."):
            return True
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
        except (OSError, TypeError, SyntaxError):
            return False
        return is_plain(tree, value.__globals__, depth - 1)
    return isinstance(value, np.ndarray | np.generic | int | float | list | tuple | str | type(None)) or (
        isinstance(value, np.ufunc) or getattr(value, "__module__", "").startswith("numpy")
    )


class _Search:
    def __init__(self, exercise, program, sandbox):
        self.exercise, self.program, self.sandbox = exercise, program, sandbox
        self.until = time.process_time() + SECONDS * slowness()
        self.expected = [outcome_on(exercise, exercise.answer, case) for case in exercise.all_cases]
        self.tried = 0

    def run(self):
        """Look for one change, for the same change in two places, and then for two."""
        order = self._order_of_cases()
        near, made = [], []
        try:
            for number, change in enumerate(changes_of(self.program.function)):
                score = self._try(change, order)
                if score is None:
                    return [self.program.place(change)]
                near.append((score, -number, change))
            return self._two(order, heapq.nlargest(BEAM, near))
        except OutOfTime:
            return []

    def _two(self, order, near):
        for _, _, first in near:
            first.make()
            try:
                for second in changes_of(self.program.function):
                    if self._try(second, order) is None:
                        places = sorted({self.program.place(first), self.program.place(second)}, key=lambda p: p.line)
                        return places
            finally:
                first.undo()
        return []

    def _order_of_cases(self):
        """Return the indices of the cases, those first that are wrong and computed soon."""
        f, taken = self.program.compile(), []
        for index, case in enumerate(self.exercise.all_cases):
            began = time.process_time()
            outcome = outcome_on(self.exercise, f, case, sandbox=self.sandbox)
            trial = Trial(self.exercise, f, [], [])
            right = trial.right_on(outcome, self.expected[index].results)
            taken.append((right, time.process_time() - began, index))
        return [index for *_, index in sorted(taken)]

    def _try(self, change, order):
        """Return None if a change makes all right, else how much it makes right of a few cases."""
        if time.process_time() > self.until:
            raise OutOfTime
        self.tried += 1
        change.make()
        try:
            candidate = self.program.compile()
        except Exception:
            return -1
        finally:
            change.undo()
        score, trial = 0, Trial(self.exercise, candidate, [], [])
        for count, index in enumerate(order):
            outcome = outcome_on(self.exercise, candidate, self.exercise.all_cases[index], sandbox=self.sandbox)
            if isinstance(outcome.error, OutOfTime):
                return -1
            expected = self.expected[index].results
            if not trial.right_on(outcome, expected):
                if not self.exercise.all_cases[index].required:
                    continue
                score += self._share(trial, outcome, expected)
                if count + 1 >= FEW:
                    return score
            else:
                score += 1
        return None if score >= sum(case.required for case in self.exercise.all_cases) else score

    @staticmethod
    def _share(trial, outcome, expected):
        """Return the share of the results that are right."""
        if outcome.error is not None or not outcome.results:
            return 0
        right = [
            all(trial.agrees(name, a, b) for _, a, b in leaves(name, outcome.results.get(name), expected[name]))
            for name in expected
        ]
        return sum(right) / (len(right) + 1)
