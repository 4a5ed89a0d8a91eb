"""What is right is kept as source in the work copy, comes back from there, and nothing else is run."""

import inspect
import itertools
import linecache
import multiprocessing
import os
import random
import re
import textwrap
import time

import numpy as np
import pytest
from faults import DISK_FULL, FORBIDDEN, failing_disk

from nn_helpers import layers
from nn_helpers.exercises import check, yours_or_ours
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import sandbox
from nn_helpers.exercises.keeping import ONLY_DEF, keep
from nn_helpers.exercises.portfolio import FILE, HEADER, LARGEST, load, pieces

RELU = "def relu_forward(z):\n    # mine\n    return np.maximum(0, z), z\n"
OTHER_RELU = "def relu_forward(z):\n    return z * (z > 0), z  # without maximum\n"
BACKWARD = "def relu_backward(da, cache):\n    return np.where(cache > 0, da, 0)\n"
ANSWERS = [inspect.getsource(exercise.answer) for exercise in EXERCISES.values()]
BLANK = "def relu_forward(z):\n    return ..., z\n"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The current folder as a work copy."""
    (tmp_path / ".nn_helpers").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NN_HELPERS_MY_LESSONS", raising=False)
    return tmp_path


_cells = itertools.count()


def cell(source, names):
    """Run a cell of a notebook, and return the function that it defines last, if any."""
    source, file = textwrap.dedent(source), f"<cell {next(_cells)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(compile(source, file, "exec"), names)
    defined = re.findall(r"^def (\w+)", source, re.MULTILINE)
    return names[defined[-1]] if defined else None


def notebook(*cells):
    """Return the names of a notebook in which these cells were run."""
    names = {"__name__": "__main__", "np": np}
    for source in cells:
        cell(source, names)
    return names


def kept(source, name=None, *cells):
    """Keep the last function of a notebook, as `check` does where it is right; return what is said."""
    f = cell(source, notebook(*cells))
    return keep(EXERCISES[name or f.__name__], f)


def text(folder):
    return (folder / FILE).read_text(encoding="utf-8")


def alone(folder):
    """Return what the file defines when Python runs it as it is."""
    names = {"__name__": "my_network"}
    exec(compile(text(folder), FILE, "exec"), names)
    return names


def test_all_answers_come_back(copy, capsys):
    learner = notebook(*ANSWERS)
    shuffled = random.Random(1).sample(list(EXERCISES), len(EXERCISES))
    for name in shuffled:
        came_before = (copy / FILE).exists() and f"def {name}(" in text(copy)  # another one needs it
        assert keep(EXERCISES[name], learner[name]) == ("" if came_before else f"It is in {FILE} now.")
    assert [name for piece in pieces(text(copy)) for name in piece.names] == ["np", *EXERCISES]
    assert text(copy).startswith(HEADER)
    for name, exercise in EXERCISES.items():
        assert alone(copy)[name].__doc__ == exercise.answer.__doc__
        assert yours_or_ours(name) is not exercise.ours
        assert capsys.readouterr().out == f"{name}: yours, from lesson {exercise.lesson[:2]}\n"


def test_check_keeps_what_is_right_and_says_so_once(copy):
    names = notebook(RELU)
    assert check(names["relu_forward"]).text.endswith(f"\n\nIt is in {FILE} now.")
    assert FILE in check(cell(OTHER_RELU, names))._repr_html_()
    assert FILE not in check(names["relu_forward"]).text
    assert text(copy).endswith(f"# Lesson 01, ReLU: relu_forward\n{OTHER_RELU}")


def test_check_keeps_nothing_that_is_wrong_or_ours(copy):
    check(cell("def relu_forward(z):\n    return abs(z), z\n", notebook()))
    check(layers.relu_forward)
    check(EXERCISES["relu_forward"].answer)
    assert not (copy / FILE).exists()


def test_without_a_work_copy_nothing_is_written_or_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert FILE not in check(cell(RELU, notebook())).text
    assert yours_or_ours("relu_forward") is layers.relu_forward
    assert capsys.readouterr().out == "relu_forward: the library's (there is no work copy here)\n"
    assert list(tmp_path.iterdir()) == []


def test_the_environment_may_name_the_work_copy(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("NN_HELPERS_MY_LESSONS", str(copy))
    monkeypatch.chdir(tmp_path.parent)
    kept(RELU)
    assert RELU in text(copy)


# What the learner edited


def test_what_else_is_in_the_file_stays(copy):
    kept(RELU)
    edited = f"# my own words\n{text(copy)}\n\nSIZE = 3\n\n\ndef helper(x):\n  return x\n# the end"
    (copy / FILE).write_text(edited, encoding="utf-8")
    kept(OTHER_RELU)
    assert text(copy) == edited.replace(RELU, OTHER_RELU) + "\n"
    kept(BACKWARD)
    assert (
        text(copy).replace(f"\n\n# Lesson 01, ReLU: relu_backward\n{BACKWARD}", "")
        == edited.replace(RELU, OTHER_RELU) + "\n"
    )


def test_nothing_that_was_written_by_hand_is_ever_lost(copy):
    rng, learner, marks = random.Random(3), notebook(*ANSWERS), itertools.count()
    written = []
    for _ in range(150):
        lines = text_of(copy).splitlines(keepends=True) if (copy / FILE).exists() else []
        at = rng.randrange(len(lines) + 1)
        indent = re.match(" *", lines[at])[0] if at < len(lines) else ""
        written.append(f"mark {next(marks)}.")
        new = rng.choice(["# {}\n", f"{indent}# {{}}\n", "def helper(): '{}'\n", "!? {}\n", "x = '{}'\n"])
        lines.insert(at, new.format(written[-1]))
        (copy / FILE).write_bytes("".join(lines).encode("utf-8", "surrogateescape"))
        name = rng.choice(list(EXERCISES))
        if rng.random() < 0.5:
            cell(ANSWERS[list(EXERCISES).index(name)].replace('"""', f'"""{rng.random()} ', 1), learner)
        keep(EXERCISES[name], learner[name])
        there = text_of(copy) + (copy / ".nn_helpers" / "replaced.txt").read_text(encoding="utf-8")
        assert [mark for mark in written if mark not in there] == []


def test_line_ends_and_bytes_of_others_stay(copy):
    start = HEADER.replace("\n", "\r\n").encode() + b"# \xff\xfe\r\n\r\ndef other(x):\r\n    return x\r\n"
    (copy / FILE).write_bytes(start)
    kept(RELU)
    assert (copy / FILE).read_bytes().replace(
        b"\n\n# Lesson 01, ReLU: relu_forward\n" + RELU.encode(), b""
    ) == start
    assert load(text_of(copy)).function("relu_forward")


def text_of(folder):
    return (folder / FILE).read_bytes().decode("utf-8", "surrogateescape")


def test_an_old_answer_does_not_replace_what_was_edited_since(copy):
    kept(RELU)
    edited = text(copy).replace("# mine", "# better")
    (copy / FILE).write_text(edited, encoding="utf-8")
    assert kept(RELU) == f"{FILE} keeps the version that you have edited there since."
    assert text(copy) == edited


def test_a_new_answer_does_and_what_was_edited_is_put_aside(copy):
    kept(RELU)
    (copy / FILE).write_text(text(copy).replace("# mine", "# better"), encoding="utf-8")
    assert "the version that you had edited there is in" in kept(OTHER_RELU).lower()
    assert OTHER_RELU in text(copy)
    assert "# better" in (copy / ".nn_helpers" / "replaced.txt").read_text(encoding="utf-8")


def test_the_same_holds_for_a_helper(copy):
    helper = "def least():\n    return 0\n"
    relu = "def relu_forward(z):\n    return np.maximum(least(), z), z\n"
    kept(relu, None, helper)
    edited = text(copy).replace("return 0", "return 0.0")
    (copy / FILE).write_text(edited, encoding="utf-8")
    assert kept(relu, None, helper) == f"{FILE} keeps the version that you have edited there since."
    assert text(copy) == edited


def test_a_mark_of_utf_8_is_no_obstacle(copy):
    (copy / FILE).write_text("\ufeffimport numpy as np\n", encoding="utf-8")
    kept(RELU)
    assert text(copy).startswith("\ufeffimport numpy as np\n")
    assert load(text(copy)).function("relu_forward")(np.array([-1.0, 2.0]))[0].tolist() == [0, 2]


@pytest.mark.parametrize("before", ["\ufeff", "\ufeff\n", "\ufeff\n\n# mine\n", "\ufeff\ufeff\n"])
def test_a_mark_of_utf_8_on_a_line_of_its_own_is_none_either(before):
    assert set(load(before).names) == set(load("").names)
    assert "relu_forward" in load(f"{before}\n{RELU}").names


def test_an_earlier_answer_replaces_a_later_one_that_nobody_edited(copy):
    for source in (RELU, OTHER_RELU, RELU):
        assert kept(source) == f"It is in {FILE} now."
        assert source in text(copy)


# What a function needs


NEEDS = {
    "a helper and its constant": (
        "ZERO = 0.0\n\n\ndef larger(a, b):\n    return np.where(a > b, a, b) + ZERO\n",
        "def relu_forward(z):\n    return larger(z, 0), z\n",
    ),
    "a module by another name": (
        "import numpy as xp",
        "def relu_forward(z):\n    return xp.maximum(0, z), z\n",
    ),
    "a part of a module": (
        "import numpy.linalg as la",
        "def relu_forward(z):\n    la.norm(z.ravel())\n    return np.maximum(0, z), z\n",
    ),
    "functions of modules": (
        "from numpy import maximum as most\nfrom math import pi\nfrom nn_helpers import softmax",
        "def relu_forward(z, least=pi):\n    softmax(np.ones((1, 2)))\n    return most(0, z), z\n",
    ),
    "a default": (
        "LEAST = np.float64(0.0)\nNAMES = ('a', 2, None)",
        "def relu_forward(z, least=LEAST):\n    NAMES[0]\n    return np.maximum(least, z), z\n",
    ),
    "a helper by another name": (
        "def f(z):\n    return np.maximum(0, z)\n\n\ng = f",
        "def relu_forward(z):\n    return g(z), z\n",
    ),
    "itself": (
        "",
        """\
        def relu_forward(z):
            if z.ndim > 1:
                return np.array([relu_forward(row)[0] for row in z], z.dtype), z
            return np.array([n if n > 0 else 0 for n in z], z.dtype), z
        """,
    ),
    "annotations": (
        "Array = np.ndarray",
        "def relu_forward(z: Array) -> tuple[Array, Array]:\n    return np.maximum(0, z), z\n",
    ),
    "np.errstate": (
        "",
        "@np.errstate(over='ignore')\ndef relu_forward(z):\n    return np.maximum(0, z), z\n",
    ),
}


@pytest.mark.parametrize("need", NEEDS)
def test_what_it_needs_comes_with_it(copy, need, capsys):
    before, source = NEEDS[need]
    assert kept(source, "relu_forward", before) == f"It is in {FILE} now."
    z = np.array([[-1.0, 2.0]])
    for f in (alone(copy)["relu_forward"], yours_or_ours("relu_forward")):
        assert np.array_equal(f(z)[0], [[0.0, 2.0]])
    assert "yours" in capsys.readouterr().out
    once = text(copy)
    assert kept(source, "relu_forward", before) == ""
    assert text(copy) == once


ALONE = {
    "BUFFER = np.zeros(3)": "it needs `BUFFER`, a float64 array of shape (3,) of this notebook",
    "BUFFER = [1]": "it needs `BUFFER`, a list of this notebook",
    "BUFFER = float('inf')": "it needs `BUFFER`, a float of this notebook",
    "BUFFER = np.random.default_rng(0)": "it needs `BUFFER`, a Generator of this notebook",
    "class BUFFER: pass": "it needs `BUFFER`, a type of this notebook",
    "import random as BUFFER": "it needs `BUFFER`, and the file imports only NumPy and a few others",
    "BUFFER = lambda: 3": ONLY_DEF,
}


@pytest.mark.parametrize("before", ALONE)
def test_what_cannot_stand_alone_is_not_kept(copy, before):
    source = "def relu_forward(z):\n    BUFFER\n    return np.maximum(0, z), z\n"
    assert kept(source, None, before).startswith(f"It is not kept in {FILE}: {ALONE[before]}")
    assert not (copy / FILE).exists()


MADE_OTHERWISE = {
    "relu_forward = lambda z: (np.maximum(0, z), z)": ONLY_DEF,
    """
    def made(n):
        def relu_forward(z):
            return np.maximum(n, z), z
        return relu_forward
    relu_forward = made(0)
    """: ONLY_DEF,
    """
    import functools
    def general(n, z):
        return np.maximum(n, z), z
    relu_forward = functools.partial(general, 0)
    """: ONLY_DEF,
    """
    def same(f):
        return f
    @same
    def relu_forward(z):
        return np.maximum(0, z), z
    """: "a decorator or a default value calls something",
    """
    def relu_forward(z, n=int("0")):
        return np.maximum(n, z), z
    """: "a decorator or a default value calls something",
    "relu_forward = __import__('nn_helpers').layers.relu_forward": "",
    "relu_forward = __import__('nn_helpers').exercises.lesson01.relu_forward": "",
}


@pytest.mark.parametrize("source", MADE_OTHERWISE)
def test_only_what_was_typed_as_a_function_is_kept(copy, source):
    said = keep(EXERCISES["relu_forward"], notebook(source)["relu_forward"])
    assert MADE_OTHERWISE[source] in said
    assert bool(said) == bool(MADE_OTHERWISE[source])
    assert not (copy / FILE).exists()


def test_a_function_of_an_earlier_lesson_may_be_used_by_any_name(copy):
    kept(RELU)
    names = notebook()
    names["bend"] = yours_or_ours("relu_forward")
    source = "def net_forward(x, params):\n    return bend(x)\n"
    keep(EXERCISES["net_forward"], cell(source, names))
    assert alone(copy)["net_forward"](np.array([-1.0]), [])[0] == 0
    assert load(text(copy)).function("net_forward")(np.array([-1.0]), [])[0] == 0


def test_a_helper_may_be_decorated_by_errstate(copy):
    helper = "@np.errstate(over='ignore')\ndef larger(z):\n    return np.maximum(0, z)\n"
    kept("def relu_forward(z):\n    return larger(z), z\n", None, helper)
    assert helper in text(copy)


class Unfriendly:
    def __call__(self, z):
        return np.maximum(0, z), z

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_a_right_object_that_answers_nothing_about_itself_is_not_kept(copy):
    assert f"not kept in {FILE}: {ONLY_DEF}." in " ".join(check(Unfriendly(), "relu_forward").text.split())


def test_a_function_by_another_name_is_found_by_the_exercises(copy, capsys):
    kept(RELU.replace("relu_forward", "my_relu"), "relu_forward")
    assert text(copy).endswith("\n\n\n# Lesson 01, ReLU: relu_forward\nrelu_forward = my_relu\n")
    assert yours_or_ours("relu_forward").__name__ == "my_relu"
    assert "yours" in capsys.readouterr().out
    assert "relu_forward" in alone(copy)


def test_two_halves_that_are_right_only_together_are_kept_together(copy, capsys):
    names = notebook(
        "def relu_forward(z):\n    return np.maximum(0, z), [z > 0]\n",
        "def relu_backward(da, cache):\n    return da * cache[0]\n",
    )
    check(names["relu_forward"])
    assert "def relu_backward" in text(copy)
    cell("def relu_backward(da, cache):\n    (mask,) = cache\n    return da * mask\n", names)
    check(names["relu_forward"])
    assert "(mask,)" in text(copy)
    yours_or_ours("relu_backward")
    assert "yours" in capsys.readouterr().out


def test_the_library_s_function_under_a_function_of_the_learner_s_is_imported(copy):
    source = inspect.getsource(EXERCISES["cross_entropy"].answer)
    kept(source, None, "from nn_helpers import log_softmax")
    assert "from nn_helpers.losses import log_softmax\n" in text(copy)
    own = inspect.getsource(EXERCISES["log_softmax"].answer)
    kept(own)
    assert alone(copy)["log_softmax"].__module__ == "my_network"
    assert load(text(copy)).function("log_softmax")


def test_a_name_that_another_lesson_s_function_uses_is_not_given_to_something_else(copy):
    kept("def relu_forward(z):\n    return np.maximum(LEAST, z), z\n", None, "LEAST = 0")
    said = kept("def softmax(logits):\n    return LEAST\n", None, "LEAST = 1")
    assert said == (
        f"It is not kept in {FILE}: it needs `LEAST`, and relu_forward in that file uses another one; give "
        "one of them another name."
    )
    assert "softmax" not in text(copy)


def test_in_the_same_notebook_the_newer_helper_counts(copy):
    helper = "def least():\n    return 0\n"
    relu = "def relu_forward(z):\n    return np.maximum(least(), z), z\n"
    names = notebook(helper, relu)
    keep(EXERCISES["relu_forward"], names["relu_forward"])
    cell(helper.replace("0", "-0"), names)
    cell("def relu_backward(da, cache):\n    return da * (cache > least())\n", names)
    assert keep(EXERCISES["relu_backward"], names["relu_backward"]) == f"It is in {FILE} now."
    assert text(copy).count("def least") == 1
    assert "return -0" in text(copy)


# What comes back


def test_a_function_that_is_not_written_yet_comes_from_the_file(copy, capsys):
    kept(RELU)
    f = yours_or_ours(notebook(BLANK)["relu_forward"])
    assert capsys.readouterr().out == f"relu_forward: yours, from {FILE}\n"
    assert np.array_equal(f(np.array([-1.0, 2.0]))[0], [0.0, 2.0])
    assert keep(EXERCISES["relu_forward"], f) == ""  # it is there
    yours_or_ours(notebook("def relu_forward(z):\n    return abs(z), z\n")["relu_forward"])
    assert "the library's (check says what is wrong with yours)" in capsys.readouterr().out


REASONS = {
    "": f"yours is not in {FILE} yet",
    RELU.replace("np.max", "np.min"): "check says what is wrong with yours",
    RELU.replace("(z)", "(z", 1): f"there is a syntax error in line 1 of {FILE}",
    RELU.replace("(z)", "(z=print())", 1): f"more would be run than a definition in line 1 of {FILE}",
    RELU.replace("(z)", "(z=y)", 1): f"NameError arises in line 1 of {FILE}",
    "def relu_forward(z):\n    while True:\n        pass\n": "check says what is wrong with yours",
    "from nn_helpers import relu_forward\n": f"yours is not in {FILE} yet",
    BLANK: "check says what is wrong with yours",
}


@pytest.mark.parametrize("source", REASONS)
def test_whatever_is_in_the_file_the_lesson_goes_on(copy, capsys, monkeypatch, source):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    (copy / FILE).write_text(source, encoding="utf-8")
    assert yours_or_ours("relu_forward") is layers.relu_forward
    assert capsys.readouterr().out == f"relu_forward: the library's ({REASONS[source]})\n"


@pytest.mark.parametrize(
    "damage",
    [
        ("def relu_backward(da", "def relu_backward(("),
        ("    return np.where(cache", "return np.where(cache"),
        ("da, 0)", "da, 0"),
        ("da, 0)", '"""'),
        ("def relu_backward(", "def relu_backward\x00("),
    ],
)
def test_a_syntax_error_costs_only_the_function_it_is_in(copy, damage):
    for source in (RELU, BACKWARD, inspect.getsource(EXERCISES["softmax"].answer)):
        kept(source)
    loaded = load(text(copy).replace(*damage))
    assert loaded.function("relu_forward")
    assert loaded.function("softmax")
    assert loaded.function("relu_backward") is None
    (copy / FILE).write_text(text(copy).replace(*damage), encoding="utf-8")
    kept(BACKWARD)  # and a right answer mends it
    assert load(text(copy)).function("relu_backward")


def test_a_text_over_several_lines_is_no_code(copy):
    source = 'def relu_forward(z):\n    """Say\nimport os\nand\n@this\n"""\n    return np.maximum(0, z), z\n'
    kept(source)
    assert [piece.names for piece in pieces(text(copy))] == [("np",), ("relu_forward",)]
    assert load(text(copy)).function("relu_forward").__doc__ == "Say\nimport os\nand\n@this\n"


# What is not run

RAN = []
HOSTILE = [
    "RAN()",
    "import RAN",
    "import numpy.f2py.__main__",
    "import nn_helpers.__main__",
    "from nn_helpers.__main__ import main",
    "from RAN import *",
    "from . import RAN",
    "x = RAN()",
    "x = [RAN() for _ in '1']",
    "x = 9**9**9**9",
    "x = [0] * 10**12",
    "x: RAN() = 3",
    "x = y = RAN()",
    "(RAN())",
    "if RAN(): pass",
    "while True: pass",
    "for x in RAN(): pass",
    "with RAN(): pass",
    "class A(RAN()): pass",
    "class A:\n    RAN()",
    "def f(x=RAN()): pass",
    "def f(*, x=RAN()): pass",
    "def f(x: RAN()) -> RAN(): pass",
    "def f(x=lambda: 0): RAN()",
    "@RAN\ndef f(): pass",
    "@RAN()\ndef f(): pass",
    "@np.errstate(over=RAN())\ndef f(): pass",
    "async def f(x=RAN()): pass",
    "def __build_class__(*_): RAN()",
    "__builtins__ = 3",
    "__name__ = '__main__'",
    "lambda: RAN()",
    "f'{RAN()}'",
    "assert RAN()",
    "raise RAN()",
    "del np; RAN()",
    "x = 1; RAN()",
    "(x := RAN())",
    "try:\n    RAN()\nfinally:\n    RAN()",
    "match RAN():\n    case _: RAN()",
    "np.x = RAN()",
    "np[RAN()] = 3",
    "x = (yield RAN())",
    "x = ~RAN()",
    "global RAN",
    "type X = RAN()",
    "def np(*_): RAN()",
]


@pytest.fixture
def canary(monkeypatch):
    """Let whatever calls RAN be noticed."""
    ran = []
    monkeypatch.setattr("builtins.RAN", lambda *_: ran.append(1) or [], raising=False)
    return ran


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_is_run_but_definitions(canary, hostile):
    began = time.perf_counter()
    loaded = load(f"{HEADER}\n{hostile}\n\n\n{RELU}")
    assert canary == []
    assert loaded.function("relu_forward")
    assert time.perf_counter() - began < 1


def test_ten_thousand_damaged_files(canary):
    """Cut off, with other bytes, lines exchanged, hostile ones put in: load returns, and runs nothing."""
    rng = random.Random(7)
    whole = f'import numpy as np\nH = 1e-5\n\n\n# one\n{RELU}\n\n@np.errstate(over="ignore")\n{BACKWARD}'
    found = 0
    for _ in range(10_000):
        lines = whole.splitlines(keepends=True)
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(lines))
            match rng.randrange(3):
                case 0:
                    lines.insert(at, rng.choice(HOSTILE) + "\n")
                case 1:
                    lines[at], lines[0] = lines[0], lines[at]
                case 2:
                    del lines[at]
        data = bytearray("".join(lines).encode())
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(1, len(data)) :]
        loaded = load(bytes(data).decode("utf-8", "surrogateescape"))
        found += bool(loaded.function("relu_forward"))
    assert canary == []
    assert 2_000 < found < 9_500


@pytest.mark.parametrize(
    "line", ["(", "'''", '"""', "@x", "x", "def f(:", "#", "x = [", "\\", "\x0c", "-" * 9000]
)
def test_a_large_file_of_nonsense_takes_no_time(line):
    began = time.process_time()
    load((f"{line}\n" * LARGEST)[:LARGEST])
    assert time.process_time() - began < 10


# Files


def test_two_kernels_lose_nothing_of_each_other(copy):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system copies no processes")
    learner = notebook(*ANSWERS)
    names = list(EXERCISES)
    fork = multiprocessing.get_context("fork")

    def work(mine):
        for name in mine:
            keep(EXERCISES[name], learner[name])

    processes = [fork.Process(target=work, args=(names[start::3],)) for start in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [name for piece in pieces(text(copy)) for name in piece.names] == ["np", *EXERCISES]
    assert sorted(os.listdir(copy)) == [".nn_helpers", FILE]


@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN])
def test_a_disk_that_fails_leaves_the_file_as_it_was(copy, fault):
    kept(RELU)
    before = text(copy)
    for at in itertools.count(1):
        with failing_disk(copy, at, fault) as disk:
            said = kept(BACKWARD)
        if not disk.failed:
            break
        assert load(text(copy)).function("relu_forward")
        assert said.startswith(("It is not kept: my_network.py cannot be written (", "It is in"))
        (copy / FILE).write_text(before, encoding="utf-8")
    assert at > 3


def in_the_way(kind, path):
    if kind == "a folder":
        path.mkdir()
    elif kind == "a link":
        path.symlink_to(path.with_name("elsewhere.py"))
        path.with_name("elsewhere.py").write_text(RELU, encoding="utf-8")
    elif kind == "a pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"#" * (LARGEST + 1) if kind == "too large" else RELU.encode("utf-16"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with a name")
@pytest.mark.parametrize("kind", ["a folder", "a link", "a pipe", "too large", "in UTF-16"])
def test_what_is_no_file_of_ours_is_left_alone(copy, kind, capsys):
    in_the_way(kind, copy / FILE)
    before = (copy / FILE).read_bytes() if "a" not in kind.split() else b""
    assert kept(RELU).startswith("It is not kept: my_network.py cannot be written (")
    assert yours_or_ours("relu_forward") is layers.relu_forward
    assert "my_network.py cannot be read: " in capsys.readouterr().out
    assert not before or (copy / FILE).read_bytes() == before
