"""The shape of the code: how large, how deep, what is imported from where, and what is private."""

import ast
import functools
import graphlib
import re
from pathlib import Path

import pytest

from tools import measure

PACKAGE = measure.sources("nn_helpers")
ALL = measure.sources("nn_helpers", "tools", "benchmarks")
TESTS = measure.sources("tests")
sizes = functools.cache(measure.rooms)


# Sizes


def functions_over(limit, sources):
    """Return "path: name, lines" of the functions with more lines of code than `limit`."""
    return [
        f"{path}: {name}, {lines} lines"
        for path, source in sources.items()
        for lines, name in measure.function_lengths(source)
        if lines > limit
    ]


@pytest.mark.parametrize(
    ("part", "limit"), [("nn_helpers: core", 460), ("nn_helpers", 17_300), ("tools", 1_870)]
)
def test_the_code_stays_small(part, limit):
    assert sizes()[part] <= limit


def test_layers_can_be_read_at_one_go():
    lines = [len(text.splitlines()) for path, text in PACKAGE.items() if "/layers/" in path]
    assert len(lines) == 2
    assert max(lines) <= 160


def test_a_function_of_the_core_is_its_formula():
    core = {path: source for path, source in PACKAGE.items() if measure.room(path) == "core"}
    assert functions_over(15, core) == []


def test_a_function_fits_on_a_screen():
    assert functions_over(40, ALL) == []


def test_the_top_floor_is_short_and_has_no_private_doors():
    names = {path.split("/")[1].removesuffix(".py") for path in PACKAGE}
    shown = {name for name in names if not re.fullmatch("__.+__", name)}
    assert len(shown) <= 14
    assert [name for name in shown if name.startswith("_")] == []


SHORT = '''"""A module
in two lines."""
import x  # one


# none
@x.y
def f(a):
    """One."""

    def g():
        """Two.

        Three."""
        text = """two
        lines"""
        return text
    return "no docstring", g
class C: "A docstring."
'''


def test_lines_of_code_are_without_docstrings_comments_and_blanks():
    assert sorted(measure.code_lines(SHORT)) == [3, 7, 8, 11, 15, 16, 17, 18]
    assert measure.function_lengths(SHORT) == [(6, "f"), (4, "g")]
    assert functions_over(5, {"a.py": SHORT}) == ["a.py: f, 6 lines"]


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("nn_helpers/losses.py", "core"),
        ("nn_helpers/layers/__init__.py", "core"),
        ("nn_helpers/saving.py", "saving"),
        ("nn_helpers/support/files.py", "support"),
        ("nn_helpers/plots/layers.py", "plots"),
    ],
)
def test_a_file_belongs_to_its_room(path, room):
    assert measure.room(path) == room


# Imports

FLOORS = [  # from the ground up
    {"support"},
    {"schedules", "layers", "losses"},
    {"saving"},
    {"network", "optimizers", "gradcheck"},
    {"data"},
    {"plots"},
    {"training"},
    {"exercises", "widgets"},
    {"course"},
    {"__main__"},
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def module_name(path):
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(path, source, known):
    """Return which of the `known` modules a file imports, wherever in it."""
    home, found = path.split("/")[:-1], set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= names & known
            found |= {module} if names - known else set()
    return found & known


def graph(sources):
    """Return {module: modules it imports} of {path: source}."""
    known = set(map(module_name, sources))
    return {module_name(path): imports(path, source, known) for path, source in sources.items()}


def climbs(imported):
    """Return the imports that run up, or that are of the package as a whole."""
    floor = {name: FLOOR_OF[name.split(".")[1]] for name in imported if "." in name}
    return sorted(
        f"{name} imports {other}"
        for name, others in imported.items()
        for other in others
        if name in floor and floor.get(other, len(FLOORS)) > floor[name]
    )


def circle(imported):
    """Return modules that import one another in a circle, or nothing."""
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_every_room_has_a_floor():
    assert {name.split(".")[1] for name in map(module_name, PACKAGE) if "." in name} == FLOOR_OF.keys()


def test_no_import_runs_up():
    assert climbs(graph(PACKAGE)) == []


def test_no_import_runs_in_a_circle():
    assert circle(graph(PACKAGE)) == []


UP = ["nn_helpers.data.points imports nn_helpers.training.steps"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from nn_helpers.support.files import replace", []),
        ("import numpy\nfrom nn_helpers.losses import softmax", []),
        ("from nn_helpers.training.steps import step", UP),
        ("from nn_helpers.training import steps", UP),
        ("import nn_helpers.training.steps", UP),
        ("def f():\n    from nn_helpers.training.steps import step", UP),
        ("from nn_helpers.training import train", ["nn_helpers.data.points imports nn_helpers.training"]),
        (
            "from nn_helpers.training import steps, train",
            ["nn_helpers.data.points imports nn_helpers.training", *UP],
        ),
        ("from ..training.steps import step", UP),
        ("from . import batches\nfrom .batches import Batch\nfrom ..support import files", []),
        ("import nn_helpers", ["nn_helpers.data.points imports nn_helpers"]),
        ("from nn_helpers import softmax", ["nn_helpers.data.points imports nn_helpers"]),
    ],
)
def test_an_import_that_runs_up_is_noticed(source, found):
    others = ("__init__", "data/batches", "support/files", "losses", "training/__init__", "training/steps")
    sources = {f"nn_helpers/{name}.py": "" for name in others}
    assert climbs(graph({**sources, "nn_helpers/data/points.py": source})) == found


def test_a_circle_is_noticed():
    sources = {
        "nn_helpers/support/a.py": "from nn_helpers.support import b",
        "nn_helpers/support/b.py": "from .c import f",
        "nn_helpers/support/c.py": "def f():\n    import nn_helpers.support.a",
    }
    assert set(circle(graph(sources))) == set(map(module_name, sources))
    del sources["nn_helpers/support/c.py"]
    assert circle(graph(sources)) == []


# Private names

PRIVATE = re.compile(r"_(?!_).*(?<!_)")  # names that end in an underscore too are protocols, as _repr_png_ is
ALLOWED = {
    "_fields", "_replace", "_asdict", "_make",  # of named tuples
    "_exit", "_getframe", "_current_frames",  # of os and sys, and in Python's manual
    "_Pickler", "_Unpickler", "_reconstructor",  # those of pickle and copyreg that are written in Python
    "_options_values", "_view_count", "_click_handlers",  # of ipywidgets, which has no other way
}  # fmt: skip


def definitions(tree):
    """Return the names that a module gives to something: functions, variables, attributes, slots."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node):
            names.add(node.attr)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__slots__":
            names |= {element.value for element in node.value.elts}
    return names


def is_own(attribute):
    return isinstance(attribute.value, ast.Name) and attribute.value.id in ("self", "cls")


def private_uses(source):
    """Return "line: name" of the private names that a source takes from elsewhere."""
    tree = ast.parse(source)
    here, found = definitions(tree) | ALLOWED, []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Attribute) and not is_own(node) and node.attr not in here:
            names = [node.attr]
        found += [f"{node.lineno}: {name}" for name in names if PRIVATE.fullmatch(name)]
    return found


def test_no_private_name_is_used_outside_its_module():
    used = [f"{path}:{use}" for path, source in ALL.items() for use in private_uses(source)]
    assert used == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from nn_helpers.network import _examples", ["1: _examples"]),
        ("from nn_helpers._support import files", ["1: _support"]),
        ("import nn_helpers._support", ["1: _support"]),
        ("from nn_helpers import network\nnetwork._examples(x)", ["2: _examples"]),
        ("def f(net):\n    return net._rng", ["2: _rng"]),
        ("def f(net):\n    net._rng = 3", ["2: _rng"]),
        ("class A:\n    def f(self):\n        return self.net._rng", ["3: _rng"]),
        ("class A:\n    def f(self, other):\n        self._x = other._x", []),
        ("class A:\n    __slots__ = ('_x',)\n\ndef f(a):\n    return a._x", []),
        ("class A:\n    _x: int = 3\n\ndef f(a):\n    return a._x", []),
        ("class A:\n    def f(self):\n        return self._of_the_base_class", []),
        ("def _f(): ...\n\ndef g(module):\n    return module._f", []),
        ("import matplotlib as _plots\n_plots.show()", []),
        ("figure._repr_png_(), record._fields, record._replace(x=1), os.__name__", []),
    ],
)
def test_a_private_name_from_elsewhere_is_noticed(source, found):
    assert private_uses(source) == found


# Tests


def unmirrored(folders):
    """Return the folders of tests that are about no room, and not about the project as a whole."""
    return sorted(set(folders) - set(map(measure.room, PACKAGE)) - {"core", "project"})


def long_files(sources):
    return [path for path, source in sources.items() if len(source.splitlines()) > 700]


def test_tests_mirror_the_package():
    assert unmirrored(path.split("/")[1] for path in TESTS if path.count("/") > 1) == []
    assert [path for path in TESTS if path.count("/") == 1 and Path(path).name.startswith("test_")] == []


def test_no_file_of_tests_is_long():
    assert long_files(TESTS) == []


def test_files_of_tests_have_names_of_their_own():
    names = [Path(path).name for path in TESTS if not path.endswith("conftest.py")]
    assert sorted(names) == sorted(set(names))  # their folders are no packages


def test_a_folder_that_mirrors_nothing_and_a_long_file_are_noticed():
    assert unmirrored(["core", "plots", "house", "project", "saving"]) == ["house"]
    assert long_files({"a.py": "x\n" * 700, "b.py": "x\n" * 701}) == ["b.py"]
