"""Keep a right function in the learner's portfolio, with what it needs from the notebook."""

import ast
import dis
import itertools
import sys
from types import CodeType, FunctionType, ModuleType

import numpy as np

from nn_helpers.exercises import portfolio
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.source import innermost, source_of, tree_of
from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.portfolio import FILE, MODULES, NAME, Piece, definition, is_known, pieces
from nn_helpers.support.files import own_place, write
from nn_helpers.support.record import MARKER, home

REPLACED = "replaced.txt"  # in the marker folder: all that was ever kept, and what it took the place of
END = "\f\n"  # between two of them
MOST = 2_000  # of them
LITERALS = int, float, complex, str, bool, type(None), tuple
ONLY_DEF = "it holds only what def begins, outside any other function"


class CannotStandAlone(Exception):  # noqa: N818 - nothing failed
    """A function that the file cannot hold; the message says why."""


def keep(exercise, f, as_a_pair=False):
    """Keep the source of a right function in the work copy, and return a sentence on what became of it.

    Parameters
    ----------
    exercise : Exercise
    f : function
    as_a_pair : bool
        Whether it is right together with the other half of its pair, which then comes with it.
    """
    folder = home()
    if folder is None or exercise.whose(f) or _globals_of(f).get("__name__") == NAME:
        return ""
    try:
        with own_place(folder / FILE, FILE):
            return _keep(exercise, f, folder, exercise.partner if as_a_pair else None)
    except CannotStandAlone as why:
        return f"It is not kept in {FILE}: {why}."
    except OSError as error:
        reason = (error.strerror or str(error)).removeprefix(f"{FILE} cannot be written: ")
        return f"It is not kept: {FILE} cannot be written ({reason})."


def _keep(exercise, f, folder, partner):
    text, known = portfolio.read(folder / FILE) or portfolio.HEADER, _known(folder)
    needs = _Needs(exercise, f, text)
    if partner:
        needs.add(partner, needs.names[partner], anew=True)
    after, helpers, stays, aside = text, set(), False, False
    for name, source in needs.sources.items():
        old = definition(pieces(after), name)
        edited = bool(old) and old.text != source and old.text not in known
        if edited and source in known and old.is_harmless:
            stays = True
            continue
        aside |= edited
        known += [piece for piece in (old and old.text, source) if piece and piece not in known]
        below = _earlier(name if name in EXERCISES else exercise.name) | helpers
        after = portfolio.placed(after, name, source, _comment(name, exercise), below)
        helpers |= {name} - EXERCISES.keys()
    if after == text:
        return f"{FILE} keeps the version that you have edited there since." if stays else ""
    _write(folder / MARKER / REPLACED, END.join(known[-MOST:]))  # first: nothing is lost on the way
    _write(folder / FILE, after)
    put_aside = f" The version that you had edited there is in {MARKER}/{REPLACED}." if aside else ""
    return f"It is in {FILE} now.{put_aside}"


def _comment(name, exercise):
    about = EXERCISES.get(name)
    return f"Lesson {about.lesson[:2]}, {about.section}: {name}" if about else f"for {exercise.name}"


def _earlier(name):
    """Return the names of the exercises before this one."""
    return set(itertools.takewhile(lambda other: other != name, EXERCISES))


def _known(folder):
    try:
        return portfolio.read(folder / MARKER / REPLACED, 10_000_000).split(END)
    except OSError:
        return []


def _write(path, text):
    path.parent.mkdir(exist_ok=True)
    write(path, text.encode("utf-8", "surrogateescape"), FILE)


class _Needs:
    """The sources of a function and of all that it needs, by name, in the order in which to write them."""

    def __init__(self, exercise, f, text):
        self.exercise, self.names, self.sources = exercise, _globals_of(f), {}
        self.found, self.there = pieces(text), portfolio.load(text)
        if not self.names:
            raise CannotStandAlone(ONLY_DEF)
        if self.names.get("__name__") != "__main__":
            raise CannotStandAlone("it is not written in this notebook")
        name = self._function(f, of_the_exercise=True)
        if name != exercise.name:  # checked with check(f, "relu_forward")
            self.sources[exercise.name] = f"{exercise.name} = {name}"

    def _function(self, f, of_the_exercise=False):
        """Add a function and what it needs, and return its name."""
        try:
            inner, tree, lines = tree_of(f)
        except TypeError:
            raise CannotStandAlone(ONLY_DEF) from None
        source = "\n".join(lines).rstrip()
        if not (inner is f or tree.decorator_list) or not Piece(0, 0, source, tree).is_harmless:
            raise CannotStandAlone("a decorator or a default value calls something")
        self.sources[tree.name] = None  # it may call itself
        for name in sorted(globals_in(source) - {tree.name}):
            self.add(name, self.names.get(name, self))
        del self.sources[tree.name]
        if not of_the_exercise or tree.name != self.exercise.name:
            self._refuse_conflict(tree.name, source)
        self.sources[tree.name] = source
        return tree.name

    def add(self, name, value, anew=False):
        """Add what a name stands for in the notebook, unless the file has it."""
        exercises = name in EXERCISES and not anew
        if value is self or name in self.sources or (exercises and definition(self.found, name)):
            return
        from_file = _globals_of(value).get("__name__") == NAME
        if from_file or _globals_of(value) is self.names:
            written = value.__name__ if from_file else self._function(value)
            if written != name:
                self.sources[name] = f"{name} = {written}"
            return
        source = _line(name, value)
        there = self.there.names.get(name, self)
        if there is value or (type(there) is type(value) and isinstance(value, LITERALS) and there == value):
            return
        self._refuse_conflict(name, source)
        self.sources[name] = source

    def _refuse_conflict(self, name, source):
        """Refuse another value for a name that functions of other notebooks use."""
        old = definition(self.found, name)
        if old is None or old.text == source:
            return
        for piece in self.found:
            user = "".join(piece.names)
            theirs = isinstance(piece.statement, ast.FunctionDef) and user not in (name, self.exercise.name)
            if theirs and name in globals_in(piece.text) and not self._is_of_here(piece, user):
                raise CannotStandAlone(
                    f"it needs `{name}`, and {user} in that file uses another one; give one of them another "
                    "name"
                )

    def _is_of_here(self, piece, user):
        """Say whether a function in the file is the one of this notebook."""
        source = source_of(self.names.get(user))
        return source is not None and source.rstrip() == piece.text


def _globals_of(f):
    """Return the names that a function sees, nothing for what is none: an object may say anything."""
    return getattr(innermost(f), "__globals__", {}) if isinstance(f, FunctionType) else {}


def globals_in(source):
    """Return the names that a definition takes from outside."""
    try:
        codes, names = [compile(source, FILE, "exec", dont_inherit=True)], set()
    except (SyntaxError, ValueError):
        return set()
    while codes:
        code = codes.pop()
        for step in dis.get_instructions(code):
            if step.opname.startswith("LOAD_") and ("NAME" in step.opname or "GLOBAL" in step.opname):
                names.add(step.argval)
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names


def _line(name, value):
    """Return the line that gives a name its value: an import, or a constant."""
    if isinstance(value, ModuleType):
        module = value.__name__
        if is_known(module):
            return f"import {module}" if module == name else f"import {module} as {name}"
        raise CannotStandAlone(f"it needs `{name}`, and the file imports only NumPy and a few others")
    if found := _module_of(value):
        own = value.__name__
        return f"from {found} import {own}" + (f" as {name}" if own != name else "")
    value = value.item() if isinstance(value, np.generic) else value
    with_text = repr(value) if isinstance(value, LITERALS) else ""
    try:
        if with_text and len(with_text) < 500 and ast.literal_eval(with_text) == value:
            return f"{name} = {with_text}"
    except (ValueError, SyntaxError):  # infinity, perhaps
        pass
    raise CannotStandAlone(f"it needs `{name}`, {a_kind_of(value)} of this notebook")


def _module_of(value):
    """Return the name of the module that has a function or a class, if the file may import it."""
    own = getattr(value, "__name__", None)
    if not isinstance(own, str):
        return None
    for module in (str(getattr(value, "__module__", "")), *MODULES):
        if is_known(module) and getattr(sys.modules.get(module), own, None) is value:
            return module
    return None
