"""Find small changes of a learner's own function that make it right, and so the place to look at.

Every change is tried against the exercise's cases, under the same watch as the function itself, and only
where the function is arithmetic, NumPy and its own arguments: what prints, opens or imports is not run in
variants. Several repairs of one function can exist; what is said is that one change *there* makes it right.
"""

import ast
import builtins
import copy
import difflib
import functools
import heapq
import inspect
import re
import time
from contextlib import contextmanager, suppress
from itertools import combinations
from types import FunctionType, ModuleType
from typing import NamedTuple

import numpy as np

from nn_helpers.exercises.checking.changes import ORDER, RESULTS, SPLICED, Change, changes_of, is_docstring
from nn_helpers.exercises.checking.comparison import agrees, is_numeric, leaves
from nn_helpers.exercises.checking.counterpart import in_names_of, names_of
from nn_helpers.exercises.checking.recognition import outcomes_of
from nn_helpers.exercises.checking.sandbox import Outcome, OutOfTime, call, outcome_on, slowness
from nn_helpers.exercises.checking.source import tree_of
from nn_helpers.exercises.checking.trial import Trial
from nn_helpers.exercises.checking.wording import join_names

SECONDS = 1.8  # of computing, for a whole search
MORE_SECONDS = 0.4  # for a better place, once there is one
BEAM = 16  # changed programs of which each is changed once more
FIRST = 2  # of them, which are changed once more in every way before the others are
MOST_IN_LINE = 6  # of them
NEAREST = 2  # lines of the answer that are tried, in twos and threes, in the place of each
MOST_TRIES = 12_000
MOST_LINES = 2  # that have to be the answer's, or half the function's
LIKELY = 13  # kinds of changes of which any two are tried
FEW = 2  # cases that tell how near a changed program is; one, if it takes longer than
SOON = 0.001  # seconds
RIGHT = float("inf")
PLAIN = {
    "abs", "all", "any", "bool", "dict", "divmod", "enumerate", "filter", "float", "int", "isinstance",
    "iter", "len", "list", "map", "max", "min", "next", "pow", "range", "reversed", "round", "set", "slice",
    "sorted", "sum", "tuple", "zip", "TypeError", "ValueError",
}  # fmt: skip
FILES = {
    "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile", "tofile",
    "memmap", "dump", "dumps", "open", "f2py", "ctypeslib", "show_config", "info", "test", "lookfor",
}  # fmt: skip
STATEMENTS = (
    *(ast.Global, ast.Nonlocal, ast.ClassDef, ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith),
)


class Place(NamedTuple):
    """What a change was made to: a line of the function, counted from its ``def``, its text, and the part."""

    line: int
    text: str
    part: str
    kind: str
    mended: str = ""  # the results that are right with it, where others are not


def find_places(exercise, f, sandbox, widely=True):
    """Return the places of one change, or of two, that make f right; or of one that makes a part of it right.

    A wide search makes programs that may take any amount of memory: it is for a process that can be ended.
    """
    try:
        program = Program(f, exercise)
    except (TypeError, ValueError):  # there is no source, or it is not plain
        return []
    search = _Search(exercise, program, sandbox)
    if sandbox.run(lambda: search.order) is not None:
        return []
    changes = search.find() if widely else ()
    places = {program.place(change) for change in changes} or search.lines() or search.part()
    return sorted(places, key=lambda place: place.line)


def place_in_words(places):
    """Say how many changes make a function right, and where."""
    if not places:
        return ""
    if mended := places[0].mended:
        line, _, part, *_ = places[0]
        return f"One change in line {line} mends a part of it ({mended}): look at `{part}`."
    parts = [f"`{place.part}`" for place in places]
    if len({place.line for place in places}) == 1:
        many = "One change" if len(places) == 1 else "Two changes"
        makes = "makes" if len(places) == 1 else "make"
        return f"{many} in line {places[0].line} {makes} it right: look at {' and at '.join(parts)}."
    lines = [f"{part} in line {place.line}" for part, place in zip(parts, places, strict=True)]
    return f"{'Two' if len(places) == 2 else 'A few'} changes make it right: look at {join_names(lines)}."


class Program:
    """The source of a function as a tree that can be changed and run."""

    def __init__(self, f, exercise):
        f, self.function, self.lines = tree_of(f)
        self.tree = ast.Module([self.function], [])
        self.first = self.function.lineno
        self.function.decorator_list = []
        self.names = dict(f.__globals__)
        if not is_plain(self.function, self.names):
            raise ValueError
        used = {node.id for node in ast.walk(self.function) if isinstance(node, ast.Name)}
        for name in used & self.names.keys():  # data of the notebook, which variants must not change
            if isinstance(self.names[name], np.ndarray | list):
                self.names[name] = copy.deepcopy(self.names[name])
        answer = ast.parse(inspect.getsource(exercise.answer)).body[0]
        self.answer = in_names_of(self.function, answer, exercise.parameters)
        self.head = f"def {self.function.name}({ast.unparse(self.function.args)}):"

    def compile(self):
        """Return the function as its tree is now."""
        code = compile(self.tree, "<a changed program>", "exec")
        exec(code, self.names)
        return self.names[self.function.name]

    def place(self, change):
        """Return the `Place` of a change."""
        node = change.node
        line = self.lines[node.lineno - 1].strip()
        part = None if isinstance(node, ast.stmt) else ast.get_source_segment("\n".join(self.lines), node)
        part = part or line
        return Place(node.lineno - self.first + 1, line, " ".join(part.split()), change.kind)


def lines_of(function):
    """Return pairs of a line of a function's body, written in one way, and the statement that it begins."""
    found = []

    def add(statements, indent):
        for node in statements:
            if is_docstring(node):
                continue
            head, *rest = ast.unparse(node).splitlines()
            blocks = [getattr(node, field, []) for field in ("body", "orelse")]
            found.append((indent + head, node))
            if not any(blocks):
                found.extend((indent + line, node) for line in rest)
                continue
            add(blocks[0], indent + "    ")
            if blocks[1]:
                found.append((f"{indent}else:", node))
                add(blocks[1], indent + "    ")

    add(function.body, "    ")
    return found


def is_plain(tree, names, depth=3):
    """Say whether a function is arithmetic, NumPy and its own arguments, as far as can be seen."""
    own = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    own |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    named = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.alias))
    own |= {getattr(n, "asname", None) or n.name for n in named}
    for node in ast.walk(tree):
        imports = node.names if isinstance(node, ast.Import) else ()
        modules = {getattr(node, "module", "math"), *(alias.name for alias in imports)}
        if isinstance(node, STATEMENTS) or not modules <= {"math", "numpy"}:
            return False
        name = getattr(node, "attr", getattr(node, "name", None)) or ""  # of an attribute, or an import
        if name.startswith("_") or name in FILES:
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
    if isinstance(value, FunctionType) and (value.__module__ or "").startswith("nn_helpers."):
        return True
    if isinstance(value, FunctionType) and depth:
        try:
            tree = tree_of(value)[1]
        except TypeError:
            return False
        return is_plain(tree, value.__globals__, depth - 1)
    return isinstance(value, np.ndarray | np.generic | int | float | list | tuple | str | type(None)) or (
        isinstance(value, np.ufunc) or getattr(value, "__module__", "").startswith("numpy")
    )


class _Search:
    def __init__(self, exercise, program, sandbox):
        self.exercise, self.program, self.sandbox = exercise, program, sandbox
        self.expected = [outcome.results for outcome in outcomes_of(exercise, exercise.answer)]
        self.until = time.process_time() + SECONDS * slowness()
        self.made, self.current, self.winners, self.tries = [], (), [], 0
        self.near = []  # changes that make something right: (how much, minus their number, change)
        self.own = {part for each in _results(program.function) for part in ast.walk(each)}
        self.whole = {ast.unparse(each) for each in _results(program.answer)}
        self.swallowing = set()  # changes that make the function right and tell no place

    def run(self):
        """Yield what to try: one change, the same one in several places, and then two.

        It is told how much became right each time.
        """
        base, near, same = self._score(self.program.compile()), self.near, {}
        singles = changes_of(self.program.function, self.program.answer)
        for number, change in enumerate(singles):
            score = yield (change,)
            if base + 0.01 < score < RIGHT:
                near.append((score, -number, change))
            if isinstance(change.node, ast.expr):
                same.setdefault((change.kind, *change.difference()), []).append(change)
        if self.winners:
            return
        singles = [change for change in singles if change not in self.swallowing]
        for changes in same.values():
            for together in (changes, *combinations(changes, 2)) if 2 < len(changes) < 6 else (changes,):
                yield tuple(together)
        better = _best(near)
        for few, number in ((better, 2), (self._alike(singles), 2), (self._alike(singles), 3)):
            yield from _several_of(few, number)
        likely = [change for change in singles if ORDER.index(change.kind) < LIKELY]
        yield from _pairs(better[:FIRST], singles)
        yield from _pairs(better[FIRST:], likely)
        for number in sorted({change.node.lineno for change in likely}):
            yield from _several_of([change for change in likely if change.node.lineno == number], 2)
        yield from _pairs(better[FIRST:], [c for c in singles if ORDER.index(c.kind) >= LIKELY])

    def _alike(self, changes):
        """Return the changes that put the answer's lines in the place of those that are most like them."""
        found, lines = {}, [c for c in changes if isinstance(c.new, ast.stmt) and c.kind == SPLICED]
        for change in sorted(lines, key=lambda change: -_ratio(change.old, change.new)):
            found.setdefault(change.node, []).append(change)
        return [change for each in found.values() for change in each[:NEAREST]]

    def find(self):
        """Return the changes that make the function right, or an empty tuple.

        Of several single changes it is the one whose program is most like the answer.
        """
        tries, score, ended = self.run(), None, False

        def some():
            nonlocal score, ended
            began = now = time.process_time()
            while now - began < 0.05 and not ended:
                try:
                    self.current = tries.send(score)
                except StopIteration:
                    ended = True
                    return
                score = -1
                score = self._try(self.current)
                if score == RIGHT and self._swallow(self.current):
                    self.swallowing.update(self.current)
                elif score == RIGHT:
                    self.winners.append(self.current)
                    if not self._leaves_idle(self.current):
                        self.until = min(self.until, time.process_time() + MORE_SECONDS * slowness())
                self.tries += 1
                now = time.process_time()
                ended = (
                    now > self.until or self.tries > MOST_TRIES or (self.winners and len(self.current) > 1)
                )

        while not ended:
            error = self.sandbox.run(some)
            self._put_back()  # where it was stopped in between
            if error is not None and not isinstance(error, OutOfTime):
                break
        return max(self.winners, key=self._likeness, default=())

    def _likeness(self, changes):
        """Return how like the answer the program is with these changes, and how little is changed.

        What is wrong can often be mended at the end, too, or by a line more: the lines before count for more.
        """
        with self._changed(changes):
            ratio = _ratio(self.program.function, self.program.answer)
        places = [self.program.place(change) for change in changes]
        at_the_end = sum(p.text.startswith("return") and p.kind != RESULTS for p in places)
        idle = self._leaves_idle(changes)
        beside = sum(change.kind == SPLICED and isinstance(change.new, list) for change in changes)
        return ratio - 0.1 * (at_the_end + idle + beside), -sum(len(place.part) for place in places)

    def _leaves_idle(self, changes):
        """Say whether the program with these changes no longer reads a value that it computes."""
        function = self.program.function
        before = _read(function) & set(names_of(function))
        with self._changed(changes):
            return not before <= _read(function)

    def lines(self):
        """Return the places of a few lines: with the answer's in their place, and no fewer, all is right.

        Only a function that goes the way of the answer differs from it in a few lines.
        """
        mine, right = lines_of(self.program.function), lines_of(self.program.answer)
        matcher = difflib.SequenceMatcher(
            None, [text for text, _ in mine], [text for text, _ in right], autojunk=False
        )
        codes = matcher.get_opcodes()
        if not self._is_right_with(codes, mine, right):
            return set()
        for split in (lambda *code: [code], _line_by_line):  # what is not needed is left as it is
            codes = [part for code in codes for part in split(*code)]
            for number, code in enumerate(codes):
                fewer = [*codes[:number], ("equal", *code[1:]), *codes[number + 1 :]]
                if code[0] != "equal" and self._is_right_with(fewer, mine, right):
                    codes = fewer
        needed = [(i1, i2) for kind, i1, i2, *_ in codes if kind != "equal"]
        if sum(i2 - i1 for i1, i2 in needed) > max(MOST_LINES, len(mine) / 2):
            return set()
        # Where lines are missing, it is the one that would stand below them.
        numbers = [min(n, len(mine) - 1) for i1, i2 in needed for n in range(i1, max(i2, i1 + 1))]
        return {self.program.place(Change(*[None] * 5, mine[number][1], SPLICED)) for number in numbers}

    def part(self):
        """Return the place of a change with which more is right: whole results, or else whole cases."""
        wrong, most, places = self._wrong(()), (0, 1), set()
        for change in _best([each for each in self.near if self._tells(each[-1])]):
            left = self._wrong([change])
            names, cases = ({pair[i] for pair in wrong} - {pair[i] for pair in left} for i in (0, 1))
            much = len(names), len(cases), self._likeness([change])
            if left < wrong and much > most:
                most, mended = much, join_names(sorted(names or cases))
                places = {self.program.place(change)._replace(mended=mended)}
        return places

    def _tells(self, change):
        """Say whether a place tells more than that a result is wrong, or a line."""
        part = isinstance(change.new, ast.expr) and ast.unparse(change.new) not in self.whole
        return part or change.kind != SPLICED

    def _wrong(self, changes):
        """Return pairs of a result's name and the name of a case in which it is wrong with these changes."""
        wrong = {(name, case.name) for case in self.exercise.all_cases for name in self.expected[0]}

        def look():
            with self._changed(changes):
                f = self.program.compile()
            for case, expected in zip(self.exercise.all_cases, self.expected, strict=True):
                results = outcome_on(self.exercise, f, case).results or {}
                for name in expected:
                    if self._share({name: results.get(name)}, {name: expected[name]}) == 1:
                        wrong.discard((name, case.name))

        self.sandbox.run(look)  # what it does not come to is wrong
        return wrong

    def _is_right_with(self, codes, mine, right):
        """Say whether the program is right with the answer's parts in the place of its own that differ."""
        text = [self.program.head]
        for kind, i1, i2, j1, j2 in codes:
            text += [line for line, _ in (mine[i1:i2] if kind == "equal" else right[j1:j2])]
        found = []

        def look():
            exec(compile("\n".join(text), "<a changed program>", "exec"), self.program.names)
            found.append(self._score(self.program.names[self.program.function.name]))

        error = self.sandbox.run(look)
        return error is None and found == [RIGHT]

    @functools.cached_property
    def order(self):
        """The indices of the cases that have to be right, those first that are wrong and computed soon."""
        f, taken = self.program.compile(), []
        trial = Trial(self.exercise, f, [], [])
        for index, case in enumerate(self.exercise.all_cases):
            if not case.required:
                continue
            began = time.process_time()
            outcome = outcome_on(self.exercise, f, case)
            slow = time.process_time() - began > SOON * slowness()
            taken.append((trial.right_on(outcome, self.expected[index]), slow, index))
        taken.sort()
        self.few = 1 if taken[0][1] else FEW
        return [index for *_, index in taken]

    @contextmanager
    def _changed(self, changes):
        """Change the program for a while."""
        before = len(self.made)
        try:
            for change in changes:
                self.made.append(change)
                change.make()
            yield
        finally:
            self._put_back(before)

    def _put_back(self, before=0):
        """Take back all changes but so many."""
        while len(self.made) > before:
            with suppress(IndexError):  # it was never made: the one before has taken its place away
                self.made.pop().undo()

    def _try(self, changes):
        """Return RIGHT if these changes make all right, else how much they make right of a few cases."""
        try:
            with self._changed(changes):
                candidate = self.program.compile()
        except Exception:  # no program, or the first change has taken away what the second one changes
            return -1
        return self._score(candidate)

    def _swallow(self, changes):
        """Say whether a part of the answer does the work of other lines: then the place tells nothing."""
        if not any(change.kind == SPLICED for change in changes):
            return False
        elsewhere = [c.new for c in changes if isinstance(c.new, ast.expr) and c.node not in self.own]
        if self.whole & set(map(ast.unparse, elsewhere)):  # a result, where none is computed
            return True
        function, places = self.program.function, [change.node for change in changes]
        inserted = {part for c in changes for part in (c.new if isinstance(c.new, list) else [c.new])}
        inserted -= {part for change in changes if isinstance(change.old, list) for part in change.old}
        idle = [line for *_, line in _blocks(function) if not _is_needed(line, function)]
        with self._changed(changes):
            for parent, field, lines, line in list(_blocks(function)):
                own = {id(node) for node in ast.walk(line)}
                if line in idle or own & {id(node) for node in (*places, *inserted)}:
                    continue
                others = [other for other in lines if other is not line] or [ast.Pass()]
                if self._try([Change(parent, field, None, others, lines, line, SPLICED)]) == RIGHT:
                    return True
        return False

    def _score(self, candidate):
        score = 0
        for count, index in enumerate(self.order):
            if count == self.few and score < count:
                return score
            results = self._results(candidate, index)
            score += self._share(results, self.expected[index])
        return RIGHT if score == len(self.order) and self._is_right(candidate) else score

    def _results(self, candidate, index):
        args = copy.deepcopy(self.exercise.all_cases[index].args)
        try:
            with np.errstate(all="ignore"):
                return call(self.exercise, candidate, list(args), None, Outcome(), None)
        except Exception:
            return None

    def _share(self, results, expected):
        """Return the share of the results that are right."""
        if not results or results.keys() != expected.keys():
            return 0
        shares = []
        for name in expected:
            rule = self.exercise.tolerances.get(name), True, name in self.exercise.floats
            found = leaves(name, results[name], expected[name])
            parts = [agrees(a, b, *rule) or _nearness(a, b) / 2 for _, a, b in found] or [1]
            shares.append(sum(parts) / len(parts))
        return sum(shares) / len(shares)

    def _is_right(self, candidate):
        """Say whether a function is right in every respect."""
        outcomes = [outcome_on(self.exercise, candidate, case) for case in self.exercise.all_cases]
        return Trial(self.exercise, None, outcomes, outcomes_of(self.exercise, self.exercise.answer)).right


def _line_by_line(code, i1, i2, j1, j2):
    """Return a difference as one for each line, with all that there are more of on one side in the first."""
    most = min(i2 - i1, j2 - j1)
    if code == "equal" or most < 2:
        return [(code, i1, i2, j1, j2)]
    pairs = [(code, i2 - n, i2 - n + 1, j2 - n, j2 - n + 1) for n in range(most - 1, 0, -1)]
    return [(code, i1, i2 - most + 1, j1, j2 - most + 1), *pairs]


def _blocks(function):
    """Yield each line of a function, after the node, the name of its field and the list that it stands in."""
    for parent in ast.walk(function):
        for field, lines in ast.iter_fields(parent):
            if isinstance(lines, list):
                yield from ((parent, field, lines, line) for line in lines if isinstance(line, ast.stmt))


def _is_needed(line, function):
    """Say whether a line gives, or does something to, what others read, or changes an argument."""
    done = set()  # to names: by a value, and by a method such as `append`
    for node in ast.walk(line):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.For):
            done.update(*(ast.walk(target) for target in getattr(node, "targets", None) or [node.target]))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            done.update(ast.walk(node.value.func))
    names = {node.id for node in done if isinstance(node, ast.Name)}
    others = (node for other in function.body if other is not line for node in ast.walk(other))
    read = {node.id for node in others if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return bool(names & (read | {argument.arg for argument in function.args.args}))


def _results(function):
    """Return the expressions that a function returns, in place of a name the values that it is given."""
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    parts = [part for value in values for part in getattr(value, "elts", [value])]
    given = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    parts += [node.value for node in given if ast.unparse(node.targets[0]) in map(ast.unparse, parts)]
    return [part for part in parts if not isinstance(part, ast.Name)]


def _read(function):
    """Return the names that a function reads."""
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}


def _best(near):
    """Return the changes with the best scores, of triples that end with the change; few in each line."""
    lines = {}
    for each in near:
        lines.setdefault(each[-1].node.lineno, []).append(each)
    several = [each for own in lines.values() for each in heapq.nlargest(MOST_IN_LINE, own)]
    return [change for *_, change in heapq.nlargest(BEAM, several)]


def _several_of(changes, number):
    """Yield so many changes of different places."""
    for chosen in combinations(changes, number):
        if not any(first.excludes(second) for first, second in combinations(chosen, 2)):
            yield chosen


def _pairs(better, others):
    """Yield pairs of a change that made something right and another one, the likely ones first."""
    return ((first, second) for second in others for first in better if not first.excludes(second))


def _ratio(*nodes):
    """Return how like two lines are in words and signs, or two functions without their docstrings."""
    bodies = [[line for line in getattr(node, "body", [node]) if not is_docstring(line)] for node in nodes]
    words = [re.findall(r"\w+|\S", "\n".join(map(ast.unparse, body))) for body in bodies]
    return difflib.SequenceMatcher(None, *words, autojunk=False).ratio()


def _nearness(yours, right):
    """Return a number from 0 to 1 that says how near wrong numbers are; 1 only by rounding."""
    if not is_numeric(yours) or not is_numeric(right) or np.size(yours) != np.size(right):
        return 0.0
    most = 1 if np.shape(yours) == np.shape(right) else 0.5
    with np.errstate(all="ignore"):
        difference = np.subtract(np.ravel(yours), np.ravel(right), dtype=float)
        distance = np.linalg.norm(difference) / (np.linalg.norm(right) or 1.0)
    return most / (1 + distance) if np.isfinite(distance) else 0.0
