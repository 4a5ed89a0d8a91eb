"""`grade` finds what was handed in wherever it stands, judges it as `check` does, and comes to no harm."""

import contextlib
import csv
import importlib
import inspect
import json
import os
import random
import textwrap
import time
from types import ModuleType

import hostile
import numpy as np
import pytest
from classes import ANSWERS, astray, hand_in, hand_in_astray, notebook

from nn_helpers.__main__ import main
from nn_helpers.course import grade as grading
from nn_helpers.course import gradebook
from nn_helpers.course.grade import grade
from nn_helpers.course.source import source_folder
from nn_helpers.course.submissions import LEADING_OUT, OUTSIDE, form_of, functions_in, students_in
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking import copied_process, sandbox
from nn_helpers.exercises.checking.sandbox import Sandbox
from nn_helpers.exercises.checking.verdict import judge
from nn_helpers.exercises.portfolio import MODULES, load, statement_of
from nn_helpers.support.confine import confine, why_not

confined = pytest.mark.skipif(bool(why_not()), reason="no process can be confined here")
LESSONS = sorted({exercise.lesson for exercise in EXERCISES.values()})
WRONG_RELU = "def relu_forward(z):\n    return abs(z), z"
OTHER_RELU = "def relu_forward(z):\n    return z * (z > 0), z"


def of_lesson(lesson):
    return {name: source for name, source in ANSWERS.items() if EXERCISES[name].lesson == lesson}


def verdict_on(text, exercise):
    """Judge the function in a text here, with the lesson's in the place of what is not there."""
    loaded = load(text)
    for name, other in EXERCISES.items():
        loaded.names.setdefault(name, other.ours)
    f = loaded.names[exercise.name]
    with Sandbox(f).open() as opened:
        return judge(exercise, f, opened)


def graded(folder, **options):
    """Return {student: {exercise: what became of it, in a word}}."""
    students, _ = grade(folder, seed=1, unprotected=bool(why_not()), **options)
    return {s.name: {name: found.in_a_word for name, found in s.found.items()} for s in students}


# Whose it is


@pytest.mark.parametrize(
    ("paths", "students"),
    [
        (["anna.ipynb", "ben.ipynb"], {"anna": 1, "ben": 1}),
        (["anna/01_layers_and_relu.ipynb", "anna/a/b.ipynb", "ben/x.ipynb"], {"anna": 2, "ben": 1}),
        (["anna_05_cifar10.ipynb", "05_cifar10-ben.ipynb"], {"anna": 1, "ben": 1}),
        (["Anna Muster_1234567_assignsubmission_file/05_cifar10.ipynb"], {"Anna Muster": 1}),
        (["Anna Muster_1234567_assignsubmission_file_05_cifar10.ipynb"], {"Anna Muster": 1}),
        (["Anna M_12_assignsubmission_file_/x.ipynb", "Anna M_13_assignsubmission_file_/x.ipynb"],
         {"Anna M 12": 1, "Anna M 13": 1}),
        (["musteranna_LATE_123_456_05_cifar10-1.ipynb", "ben_9_8_x.ipynb"], {"musteranna": 1, "ben": 1}),
        (["anna_1_2_my_lessons.zip", "ben_3_4_x.ipynb.txt", "ben_3_5_x.ipynb", "grades.csv"],
         {"anna": 1, "ben": 2}),
        (["submitted/anna/ps1/05_cifar10.ipynb", "source/ps1/05_cifar10.ipynb"], {"anna": 1}),
        (["05_cifar10/anna.ipynb", "04_optimizers/anna.ipynb"], {"anna": 2}),
        (["anna.ipynb", "anna (1).ipynb", "anna-Copy1.ipynb"], {"anna": 3}),
        (["05_cifar10.ipynb", "04_optimizers.ipynb"], {"class": 2}),
        (["anna/.ipynb_checkpoints/x.ipynb", "__MACOSX/x.ipynb", "anna/notes.txt"], {"anna": 0}),
        (["group-1/x.ipynb", "group-2/x.ipynb"], {"group-1": 1, "group-2": 1}),
        (["a\x1b[2J.ipynb"], {r"a\x1b[2J": 1}),
    ],
)  # fmt: skip
def test_a_student_is_a_folder_or_a_file(tmp_path, paths, students):
    for path in paths:
        hand_in(tmp_path / "class" / path)
    assert {name: len(files) for name, files in students_in(tmp_path / "class").items()} == students


# Where it is


@pytest.mark.parametrize("seed", range(12))
def test_each_function_is_found_wherever_its_cell_went(seed):
    lesson = LESSONS[seed % len(LESSONS)]
    sources, counts = astray(lesson, of_lesson(lesson), seed)
    versions = functions_in(notebook(sources, counts).encode())
    for name in of_lesson(lesson):
        texts = [text for version in versions if version["exercise"] == name for text in version["texts"]]
        assert any(verdict_on(text, EXERCISES[name]) for text in texts), name


@pytest.mark.parametrize(
    "cells",
    [
        ["def relu_forward(z):\n    a = np.maximum(0, z)", "    return a, z\n\n\ncheck(relu_forward)"],
        ["def relu_forward(z):", "\n    a = np.maximum(0, z)", "    return a, z"],
        ["check(x)", "    def relu_forward(z):\n        return np.maximum(0, z), z"],
        ["relu_forward = lambda z: (np.maximum(0, z), z)"],
        ["def mine(z):\n    return np.maximum(0, z), z", 'check(mine, "relu_forward")'],
        ["def mine(z):\n    return np.maximum(0, z), z\nrelu_forward = mine"],
        ["if True:\n    def relu_forward(z):\n        return np.maximum(0, z), z"],
        ["ZERO = 0\ndef f(z):\n    return np.maximum(ZERO, z)", "def relu_forward(z):\n    return f(z), z"],
        ["%%time\ndef relu_forward(z):\n    return np.maximum(0, z), z"],
        ["!ls\nx = = 3\ndef relu_forward(z):\n    return np.maximum(0, z), z"],
        ["from numpy import *", "def relu_forward(z):\n    return maximum(0, z), z"],
        ["from math import *", "def relu_forward(z):\n    return np.maximum(comb(1, 2), z), z"],
        ["import numpy\r\ndef relu_forward(z):\r\n    return numpy.maximum(0, z), z\r\n"],
        ["def f(z, g=lambda z: z):\n    return z", "def relu_forward(z):\n    return np.maximum(0, z), z"],
    ],
)
def test_a_function_is_found_as_it_was_written(cells):
    (version,) = functions_in(notebook(cells).encode())
    assert verdict_on(version["texts"][0], EXERCISES["relu_forward"])


def test_the_last_one_that_ran_counts_and_a_right_one_before_all(tmp_path):
    helper = "def f(z):\n    return {}", "def relu_forward(z):\n    return f(z), z"
    cells = [helper[0].format("np.maximum(0, z)"), helper[0].format("abs(z)"), helper[1]]
    hand_in(tmp_path / "in order.ipynb", *cells)
    hand_in(tmp_path / "out of order.ipynb", *cells, counts=[9, 3, 5])
    hand_in(tmp_path / "two.ipynb", OTHER_RELU, WRONG_RELU)
    hand_in(tmp_path / "again/first.ipynb", WRONG_RELU)
    hand_in(tmp_path / "again/second.ipynb", OTHER_RELU)
    assert {name: found["relu_forward"] for name, found in graded(tmp_path).items()} == {
        "in order": "absolute-value", "out of order": "right", "two": "right", "again": "right"
    }  # fmt: skip


# How it is judged


def test_a_class_gets_the_verdicts_that_were_planted(tmp_path):
    planted = {}
    for number in range(2):
        rng = random.Random(number)
        for lesson in LESSONS[:3:2]:
            answers = {}
            for name, source in of_lesson(lesson).items():
                mistake = rng.choice(["right", "not written", *EXERCISES[name].mistakes])
                planted[f"s{number}", name] = mistake
                if mistake != "not written":
                    known = EXERCISES[name].mistakes.get(mistake)
                    answers[name] = known.code if known else source
            hand_in_astray(tmp_path, f"s{number}", lesson, answers, int(lesson[:2]) + 10 * number)
    found = graded(tmp_path)
    assert {(who, name): word for who, all_of in found.items() for name, word in all_of.items()} == planted


def test_an_answer_that_is_made_for_the_known_inputs_is_seen():
    for name, exercise in EXERCISES.items():
        fresh = grading.fresh_exercise(exercise, seed=1)
        if exercise.observe:  # judged by the properties of what comes out at random
            assert (fresh is None) == (name in ("minibatches", "breaking_inputs"))  # which get no array
            continue
        known = {_key(case.args) for case in exercise.all_cases}
        assert sum(_key(case.args) in known for case in fresh.all_cases) < len(known), name
    known, answer = (
        {_key(case.args) for case in EXERCISES["adam_step"].all_cases},
        EXERCISES["adam_step"].answer,
    )

    def adam_step(*args):
        return answer(*args) if _key(args) in known else None

    for exercise, right in (
        (EXERCISES["adam_step"], True),
        (grading.fresh_exercise(EXERCISES["adam_step"], seed=1), False),
    ):
        with Sandbox(adam_step).open() as opened:
            assert bool(judge(exercise, adam_step, opened)) == right


def _key(args):
    return repr([part.tolist() if isinstance(part, np.ndarray) else part for part in _flat(args)])


def _flat(value):
    return [x for part in value for x in _flat(part)] if isinstance(value, list | tuple) else [value]


def test_a_right_answer_is_right_on_fresh_inputs():
    for name, exercise in EXERCISES.items():
        if fresh := grading.fresh_exercise(exercise, seed=1):
            assert verdict_on(f"import numpy as np\n{ANSWERS[name]}", fresh), name


def test_what_was_seen_on_fresh_inputs_is_said(tmp_path):
    cases = EXERCISES["l2_gradient"].all_cases
    known = sorted({round(float(case.args[0].sum()), 6) for case in cases})
    body = "return dW + reg * W if round(float(W.sum()), 6) in KNOWN else dW"
    hand_in(tmp_path / "anna.ipynb", f"KNOWN = {known}\ndef l2_gradient(W, dW, reg):\n    {body}")
    (student,), _ = grade(tmp_path, seed=1, unprotected=bool(why_not()))
    verdict = student.of("l2_gradient").verdict
    assert verdict.head.endswith("right on the inputs that check tries, but not on others like them.")
    assert "Is it made for those inputs?" in verdict.said
    assert "with other numbers" in verdict.example


def test_a_mistake_counts_once_and_a_cache_of_ones_own_is_no_mistake(tmp_path):
    hand_in(
        tmp_path / "anna.ipynb",
        "def log_softmax(logits):\n    return np.log(np.exp(logits) / np.exp(logits).sum())",
        ANSWERS["cross_entropy"],
        "def relu_forward(z):\n    return np.maximum(0, z), z > 0",
        "def relu_backward(da, cache):\n    return da * cache",
    )
    found = graded(tmp_path)["anna"]
    assert found.pop("log_softmax") not in ("right", "not written")
    assert found == dict.fromkeys(("cross_entropy", "relu_forward", "relu_backward"), "right")


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        (["def relu_forward(z):\n    return np.maximum(0, z) z"], "wrong"),
        (["rng = np.random.default_rng(0)\ndef relu_forward(z):\n    return rng, z"], "to look at"),
        (["@np.vectorize\ndef relu_forward(z):\n    return max(0, z), z"], "to look at"),
        (["def relu_forward(z):\n    import os\n    return np.maximum(0, z), z"], "to look at"),
        (["def relu_forward(z):\n    a = ...\n    return a, z"], "not written"),
        (["def relu_forward(z):\n    ..."], "not written"),
        (["def relu_forward(z):\n    a = np.abs(z)\n    return a, z"], "not written"),  # lesson 00's
    ],
)
def test_what_cannot_be_judged_is_not_called_wrong(tmp_path, cells, word):
    hand_in(tmp_path / "anna.ipynb", *cells)
    assert graded(tmp_path) == {"anna": {"relu_forward": word}}


# What a person should look at


def test_what_is_not_ones_own_is_marked():
    def marks(*cells):
        return functions_in(notebook(cells).encode())[-1]["marks"]

    softmax = "def softmax(logits):\n    return losses.softmax(logits)"
    assert marks("from nn_helpers import losses", softmax) == ["calls the library (losses)"]
    assert marks("def softmax(z):\n    from nn_helpers.losses import softmax as s\n    return s(z)") == [
        "calls the library (softmax)"
    ]
    assert marks("from nn_helpers import losses", ANSWERS["softmax"]) == []
    assert marks("import os", "def softmax(z):\n    return os") == ["needs what is not run here (os)"]
    assert marks("def softmax(z):\n    return z.__class__") == ["reaches beyond computing (__class__)"]
    for lesson in LESSONS:
        sources, counts = astray(lesson, of_lesson(lesson), 1)
        assert not any(version["marks"] for version in functions_in(notebook(sources, counts).encode()))


# Each reaches all of Python, and so the pipe for the verdict, or what compares.
WAYS_OUT = [
    "b = __builtins__",
    "b = getattr(x, '__' + 'class__')",
    "b = operator.attrgetter('__globals__')(relu_forward)",
    "def g():\n  yield it.gi_frame.f_back.f_builtins\nit = g()",
    "match relu_forward:\n  case object(__globals__=b): pass",
    "np.isclose = lambda a, b, **_: np.ones(np.shape(b), bool)",
    "del np.isclose",
    "from numpy import ctypeslib as c",
    "b = np.load(File(), allow_pickle=True)",
]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_whatever_leads_out_of_a_function_is_marked(way):
    source = "def relu_forward(x):\n" + textwrap.indent(f"{way}\nreturn np.maximum(x, 0), x", "  ")
    backward = "def relu_backward(da, z):\n    return da * (z > 0)"
    found = functions_in(notebook(["import operator", source, backward]).encode())
    for version in found:  # both halves: they run in one process
        assert [mark.partition(" (")[0] for mark in version["marks"]] == [OUTSIDE]
    own = OTHER_RELU.replace("z", "core")  # a name of one's own leads nowhere
    assert not any(version["marks"] for version in functions_in(notebook([own, backward]).encode()))


def test_what_leads_out_is_marked_when_all_of_numpy_was_imported():
    cells = "from numpy import *", "def relu_forward(z):\n    return maximum(0, z), {}"
    for last, marks in {"z": [], "ctypeslib.ctypes": [f"{OUTSIDE} (ctypes, ctypeslib)"]}.items():
        (version,) = functions_in(notebook([cells[0], cells[1].format(last)]).encode())
        assert version["marks"] == marks


def test_no_name_of_numpy_leads_to_another_module_unmarked():
    waiting, seen = [importlib.import_module(name) for name in MODULES], set()
    while waiting:
        module = waiting.pop()
        seen.add(module.__name__)
        names = (name for name in dir(module) if name[0] != "_" and name not in LEADING_OUT)
        for found in (getattr(module, name, None) for name in names):
            if isinstance(found, ModuleType):
                assert found.__name__.partition(".")[0] in MODULES, f"{module.__name__} leads to {found}"
                waiting += [found] * (found.__name__ not in seen)


def test_the_form_of_a_function_knows_no_names_and_no_comments():
    one = "def f(x: int, n=1) -> int:\n    '''Text.'''\n    total = x + n  # text\n    return np.sum(total)"
    two = "def f(a, b=1):\n    s = (a +\n         b)\n    return np.sum(s)"
    assert form_of(statement_of(one)) == form_of(statement_of(two))
    assert form_of(statement_of(one)) != form_of(statement_of(two.replace("+", "-")))


def test_copies_of_solution_and_of_each_other_are_listed(tmp_path):
    own = """
        def softmax(logits):
            parts = np.exp(logits - np.amax(logits, axis=-1, keepdims=True))
            total = np.sum(parts, axis=-1)
            return parts / total[:, np.newaxis]
    """
    hand_in(tmp_path / "anna.ipynb", own)
    hand_in(tmp_path / "ben.ipynb", own.replace("parts", "e").replace("total", "s") + "  # all mine")
    hand_in(tmp_path / "carla.ipynb", ANSWERS["softmax"].replace("shifted", "z"))
    hand_in(tmp_path / "fred.ipynb", ANSWERS["softmax"])
    hand_in(tmp_path / "dora.ipynb", own.replace("keepdims=True", "keepdims=1").replace("-1", "1"))
    hand_in(tmp_path / "eva.ipynb", "from nn_helpers import losses\ndef softmax(z): return losses.softmax(z)")
    students, _ = grade(tmp_path, seed=1, unprotected=bool(why_not()))
    text = gradebook.report(students)
    assert "anna and ben alone wrote the same softmax" in text
    assert "dora" not in text.partition("person to look at")[2]
    assert text.count("alone wrote") == 1  # and not carla and fred
    assert "carla: as solution() shows it: softmax" in text
    assert "eva: calls the library (losses): softmax" in text


# What wants to do harm


@confined
def test_nothing_that_is_hostile_does_harm_and_each_gets_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    monkeypatch.setattr(copied_process, "SILENCE", 0.6)
    monkeypatch.setattr(grading, "LONGEST", 1.5)
    (tmp_path / "mine").mkdir()
    victim = tmp_path / "mine" / "victim"
    victim.write_text("SECRET", encoding="utf-8")
    before = victim.stat()
    kinds = hostile.notebooks(victim)
    for kind in () if os.environ.get("NN_HELPERS_COSTLY") else hostile.TWINS:
        del kinds[kind]
    for kind, source in kinds.items():
        hand_in(tmp_path / "class" / kind / "x.ipynb", source)
    hand_in(tmp_path / "class" / "zoe.ipynb", OTHER_RELU)
    began = time.monotonic()
    students, _ = grade(tmp_path / "class", seed=1)
    text = gradebook.report(students)
    gradebook.write_csv(students, tmp_path / "marks.csv")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["victim"]
    after = victim.stat()
    assert (after.st_mtime_ns, after.st_mode, after.st_ino) == (
        before.st_mtime_ns,
        before.st_mode,
        before.st_ino,
    )
    assert victim.read_text(encoding="utf-8") == "SECRET"
    assert "SECRET" not in text + (tmp_path / "marks.csv").read_text(encoding="utf-8")
    words = {student.name: student.of("relu_forward").in_a_word for student in students}
    assert words.keys() == {*kinds, "zoe"}
    assert [name for name, word in words.items() if word == "right"] == ["zoe"]
    assert [name for name in kinds if f"\n{name}" not in text] == []
    assert time.monotonic() - began < 60


@confined
@pytest.mark.parametrize(
    "attempt",
    [
        lambda: os.open("/etc/passwd", os.O_RDONLY),
        lambda: os.listdir("/"),
        lambda: os.unlink("x"),
        lambda: os.fork(),
        lambda: os.kill(os.getppid(), 0),
        lambda: __import__("socket").socket(),
        lambda: os.write(1, b"x"),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: np.ones(30 * 10**9 // 8),
        lambda: __import__("resource").setrlimit(0, (-1, -1)),
    ],
)
def test_a_confined_process_can_compute_and_nothing_else(attempt):
    def tried(_):
        try:
            attempt()
        except (OSError, ValueError, MemoryError):
            return "refused", float(np.linalg.norm(np.ones((99, 99)) @ np.ones(99)))
        return "done"

    assert copied_process.in_a_copy(tried, confine=confine)[0] == "refused"


@confined
def test_where_the_kernel_refuses_to_confine_nothing_is_run(tmp_path, monkeypatch):
    def refuse(report):
        raise PermissionError("no filter")

    hand_in(tmp_path / "anna.ipynb", OTHER_RELU)
    monkeypatch.setattr(grading, "confine", refuse)
    with pytest.raises(ValueError, match="the kernel does not confine a process"):
        grade(tmp_path)


def test_where_nothing_can_be_confined_nothing_is_run(tmp_path, monkeypatch, capsys):
    hand_in(tmp_path / "anna.ipynb", OTHER_RELU)
    monkeypatch.setattr(grading, "why_not", lambda: "there is no way here")
    assert main(["grade", str(tmp_path)]) == 2
    assert "run here as a program of yours, for there is no way here." in capsys.readouterr().err
    assert main(["grade", str(tmp_path), "--unprotected"]) == 0
    monkeypatch.setattr(copied_process, "COPIES", False)
    assert main(["grade", str(tmp_path), "--unprotected"]) == 0
    assert "anna              1  ✓––––" in capsys.readouterr().out


# What is no notebook


def test_files_that_are_none_get_a_line_each_and_the_others_go_on(tmp_path, monkeypatch):
    good = notebook([OTHER_RELU])
    contents = {
        "empty": b"", "text": b"hello", "half": good.encode()[:200], "null": b"null", "list": b"[]",
        "no cells": b'{"cells": 3}', "bytes": bytes(range(256)), "deep": b"[" * 100_000,
        "numbers": b"1" * 10_000, "cells of numbers": b'{"cells": [1, null, {"cell_type": "code"}]}',
        "in R": notebook(["f <- 3"], language_info={"name": "R"}).encode(),
        "strange": notebook([OTHER_RELU], kernelspec=3, language_info=[]).encode(),
        "utf-16": good.encode("utf-16"), "old": json.dumps({"worksheets": [{"cells": [
            {"cell_type": "code", "input": OTHER_RELU, "prompt_number": 1}]}]}).encode(),
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / f"{name}.ipynb").write_bytes(content)
    with open(tmp_path / "large.ipynb", "wb") as file:
        file.truncate(10**9)
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "link.ipynb").symlink_to("text.ipynb")
    (tmp_path / "links").symlink_to("/")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.ipynb")
    students, _ = grade(tmp_path, seed=1, unprotected=bool(why_not()))
    found = {
        student.name: [*student.notes, *(f.in_a_word for f in student.found.values())] for student in students
    }
    assert [name for name, said in found.items() if said == ["right"]] == ["old"]
    assert found["cells of numbers"] == []
    assert found["in R"] == ["in R: in R.ipynb is not read: it is a notebook in R, and not in Python"]
    assert found["large"] == ["large: large.ipynb is not read: it has more than 20 million bytes"]
    assert found["nothing"] == ["nothing: there is no notebook"]
    assert found["deep"] == ["deep: deep.ipynb is not read: it is no notebook, or a damaged one"]
    assert all(len(said) == 1 for name, said in found.items() if name != "cells of numbers")
    assert gradebook.report(students).count("is not read") == len(found) - 4


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_notebook_is_read_or_refused(seed):
    rng, lesson = random.Random(seed), LESSONS[seed % len(LESSONS)]
    content = bytearray(notebook(*astray(lesson, of_lesson(lesson), 1)).encode())
    for _ in range(rng.choice([1, 3, 30])):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(4):
            case 0:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del content[at : at + rng.choice([1, 100])]
            case 2:
                content[at:at] = rng.choice([b"null", b"{}", b"[", b'"', b"\\n    ", b"\\ud800", b"def "])
            case 3:
                del content[at:]
                content += rng.choice([b"", b'"', b'"]}]}'])
    with contextlib.suppress(ValueError):
        assert isinstance(functions_in(bytes(content)), list)


# What is told


def test_the_command_tells_a_table_a_csv_and_a_page_for_each(tmp_path, capsys):
    hand_in(tmp_path / "class" / "=anna.ipynb", OTHER_RELU)
    hand_in(tmp_path / "class" / "<b>ben" / "hw.ipynb", WRONG_RELU)
    hand_in(
        tmp_path / "class" / "?b?ben" / "hw.ipynb", "def relu_forward(z):\n    raise ValueError('<script>')"
    )
    (tmp_path / "class" / "carla").mkdir()
    options = ["--csv", str(tmp_path / "m.csv"), "--feedback", str(tmp_path / "pages"), "--seed", "7"]
    unprotected = ["--unprotected"] if why_not() else []
    assert main(["grade", str(tmp_path / "class"), *options, *unprotected]) == 0
    out = capsys.readouterr().out
    assert "<b>ben            0  ✗––––" in out
    assert "relu_forward: absolute-value, 1 (<b>ben)" in out
    assert "relu_forward: none that has a name, 1 (?b?ben)" in out
    assert "carla: there is no notebook" in out
    assert "--seed 7" in out
    with open(tmp_path / "m.csv", encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["'=anna"]["relu_forward"] == "right"
    assert [rows["<b>ben"][key] for key in ("right", "of", "percent")] == ["0", "5", "0"]
    assert rows["<b>ben"]["relu_forward"] == "absolute-value"
    assert rows["carla"]["relu_forward"] == "missing"
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "pages").iterdir()}
    assert len(pages) == 4
    assert "<b>ben" not in "".join(pages.values()) + "".join(pages)
    assert "<script>" not in "".join(pages.values())
    assert "that is the absolute value |z|" in pages["_b_ben.html"]
    assert "cell 1 of hw.ipynb" in pages["_b_ben.html"]
    assert "Not handed in: relu_backward, sigmoid_forward" in pages["_b_ben.html"]


def test_what_is_saved_is_saved_whoever_stops_reading(tmp_path, monkeypatch):
    def print_to_nobody(*_, **__):
        raise ValueError("nobody reads")

    hand_in(tmp_path / "class" / "anna.ipynb", OTHER_RELU)
    monkeypatch.setattr("builtins.print", print_to_nobody)
    with contextlib.suppress(ValueError):
        main(["grade", str(tmp_path / "class"), "--csv", str(tmp_path / "m.csv"),
              "--feedback", str(tmp_path / "pages"), *["--unprotected"] * bool(why_not())])  # fmt: skip
    assert (tmp_path / "m.csv").exists()
    assert (tmp_path / "pages" / "anna.html").exists()


def test_lessons_that_nobody_began_do_not_count_and_what_is_left_is_one_line(tmp_path):
    blanks = [cell["source"] for path in sorted(source_folder().glob("0[12]*.ipynb"))
              for cell in json.loads(path.read_bytes())["cells"] if cell["cell_type"] == "code"]  # fmt: skip
    hand_in(tmp_path / "anna.ipynb", *map("".join, blanks), OTHER_RELU)
    students, _ = grade(tmp_path, seed=1, unprotected=bool(why_not()))
    lessons = gradebook.lessons_of(students)
    assert list(lessons) == ["01"]
    page = gradebook.page_for(students[0], lessons)
    assert "Right: 1 of 5 functions." in page
    assert "<h2>Lesson 01: Layers and ReLU</h2>" in page
    assert "Not written yet: relu_backward, sigmoid_forward, sigmoid_backward, numerical_gradient" in page
    assert page.count("cell ") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is no folder; name the one with what was handed in"),
        (["class"], "there are no notebooks in class, and no folders with any"),
        (["class", "--csv", "marks.txt"], "--csv must end in .csv, got 'marks.txt'"),
        (["class", "--csv", "no/marks.csv"], "there is no folder"),
        (["class", "--feedback", "class/pages"], "--feedback is inside class, among the students"),
        (["class", "--feedback", "file"], "--feedback cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_first(tmp_path, capsys, arguments, message):
    (tmp_path / "class").mkdir()
    (tmp_path / "file").touch()
    assert main(["grade", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_seed_brings_the_same_inputs_again():
    exercise = EXERCISES["softmax"]
    one, same, other = (grading.fresh_exercise(exercise, seed).all_cases[-1].args[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.dtype == exercise.all_cases[-1].args[0].dtype


def test_the_answers_are_found_in_the_lessons():
    assert {name for name, _ in grading.given()} == {*EXERCISES}
    assert all(inspect.getsource(exercise.answer) for exercise in EXERCISES.values())
