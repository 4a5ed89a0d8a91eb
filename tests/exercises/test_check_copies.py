"""Whatever a function does, `check` comes to a verdict, and everything is as it was: on Linux in a copy."""

import builtins
import gc
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest
from handed_in import notebook, relu_with_where
from processes import run_python

from nn_helpers.exercises import check, yours_or_ours
from nn_helpers.exercises.checking import api, copied_process, sandbox
from nn_helpers.exercises.checking.copied_process import CopyEnded, in_a_copy
from nn_helpers.exercises.checking.verdict import Verdict

both = pytest.mark.parametrize("where", ["in a copy", "in this process"], indirect=True)


@pytest.fixture
def where(request):
    """Judge where the parameter says."""
    if request.param == "in a copy":
        request.getfixturevalue("copies")
    return request.param


def function(body, **names):
    """Return a relu_forward with this body."""
    source = f"import itertools, os, sys\ndef relu_forward(z):\n{textwrap.indent(body, '    ')}"
    f = notebook(source)["relu_forward"]
    f.__globals__.update(names, check=check, yours_or_ours=yours_or_ours)
    return f


def said(verdict):
    return " ".join(str(verdict).split())


RIGHT = "return np.maximum(0, z), z"


# Functions that no thread can stop


@pytest.mark.parametrize(
    "body",
    [
        "sum(range(10**10))",
        "max(itertools.count())",
        "return Endless(), z",
        "return np.maximum(0, z), Endless()",
        "return EndlessText(), z",
        "return np.array([EndlessText()], dtype=object), z",
        "raise EndlessError()",
        "np.allclose = relu_forward; return EndlessText(), z",
    ],
)
@pytest.mark.usefixtures("copies")
def test_what_cannot_be_stopped_gets_a_verdict_and_the_process_goes_on(body, monkeypatch):
    monkeypatch.setattr(copied_process, "SILENCE", 0.6)
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)

    class Endless(tuple):
        __slots__ = ()

        def __iter__(self):
            while True:
                pass

        __len__ = __getitem__ = __iter__

    class EndlessText:
        def __repr__(self):
            while True:
                pass

        __str__ = __repr__

    class EndlessError(Exception):
        def __str__(self):
            return sum(range(10**10))

    f = function(body, Endless=Endless, EndlessText=EndlessText, EndlessError=EndlessError)
    start = time.monotonic()
    assert check(f).kind == "mistake"
    assert time.monotonic() - start < 5
    assert check(relu_with_where, "relu_forward")


@pytest.mark.usefixtures("copies")
def test_a_loop_in_c_is_stopped_within_three_seconds_and_said_to_be_too_long():
    start = time.monotonic()
    verdict = check(function("sum(range(10**10))"))
    assert time.monotonic() - start < 3.5 * sandbox.slowness()  # of which 2.5 are waited
    assert "did not come to an end" in said(verdict)
    assert "hint(relu_forward)" in said(verdict)


@pytest.mark.usefixtures("copies")
@pytest.mark.parametrize("body", ["list(itertools.repeat(z))", "k = []\nwhile True: k.append(np.ones(9999))"])
def test_memory_is_bounded(body, monkeypatch):
    monkeypatch.setattr(copied_process, "MEMORY", 200 * 2**20)
    assert "It takes more and more memory" in said(check(function(body)))


@pytest.mark.usefixtures("copies")
@pytest.mark.parametrize("body", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_the_end_of_the_process_is_not_that_of_the_notebook(body):
    verdict = check(function(body))
    assert verdict.kind == "mistake"
    assert "It ends Python itself" in said(verdict)


@pytest.mark.usefixtures("copies")
def test_an_interrupt_ends_the_copy():
    def interrupted(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupted)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            check(function("sum(range(10**10))"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.usefixtures("copies")
def test_a_copy_that_waits_for_the_disk_is_waited_for(monkeypatch):
    monkeypatch.setattr(
        copied_process, "_status", lambda pid, name: "D (disk sleep)" if name == "State" else ""
    )
    assert in_a_copy(lambda beat: time.sleep(0.3) or 7, silence=0.1) == 7
    monkeypatch.setattr(copied_process, "_status", lambda pid, name: "")
    with pytest.raises(CopyEnded, match="time"):
        in_a_copy(lambda beat: time.sleep(0.3), silence=0.1)


@pytest.mark.usefixtures("copies")
def test_without_room_for_a_copy_the_judging_is_done_here(monkeypatch):
    def no_room():
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_room)
    descriptors = os.listdir("/proc/self/fd")
    assert check(function(RIGHT))
    assert os.listdir("/proc/self/fd") == descriptors


@pytest.mark.usefixtures("copies")
def test_a_copy_says_what_this_process_would_say(monkeypatch):
    functions = [relu_with_where, lambda z: (abs(z), z), lambda z: print(z) or z, lambda z: 1 / 0]
    texts = [str(check(f, "relu_forward")) for f in functions]
    monkeypatch.setattr(copied_process, "COPIES", False)
    assert [str(check(f, "relu_forward")) for f in functions] == texts


# Time


SLOW_IMPORT = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"


@both
def test_the_time_of_an_import_does_not_count(where, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    (tmp_path / "slow_to_import.py").write_text(SLOW_IMPORT.format(seconds=0.6))
    monkeypatch.syspath_prepend(tmp_path)
    assert check(function(f"import slow_to_import\n{RIGHT}"))
    sys.modules.pop("slow_to_import", None)


@both
def test_the_time_of_a_compiler_does_not_count(where, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    compiler = {"__name__": "numba.core.dispatcher", "done": set()}
    exec(
        "import time\ndef compile(kind):\n    end = time.process_time() + 0.3\n"
        "    while kind not in done and time.process_time() < end: pass\n    done.add(kind)",
        compiler,
    )
    assert check(function(f"compile((z.ndim, z.dtype))\n{RIGHT}", compile=compiler["compile"]))


@both
def test_a_first_call_that_prepares_something_has_more_time(where, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.3)
    prepare = "end = now() + 0.6\nwhile not ready and now() < end: pass\nready.append(1)"
    assert check(function(f"{prepare}\n{RIGHT}", now=time.process_time, ready=[]))


@both
def test_an_import_without_end_ends(where, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    monkeypatch.setattr(sandbox, "PREPARATION_SECONDS", 0.5)
    (tmp_path / "endless_import.py").write_text("while True: pass")
    monkeypatch.syspath_prepend(tmp_path)
    assert "did not come to an end" in said(check(function("import endless_import")))


def test_a_slower_machine_gives_more_time(monkeypatch):
    monkeypatch.setattr(sandbox, "slowness", lambda: 2.5)
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    watch = sandbox.Sandbox()
    watch.runs = 1  # after the first call

    def busy():
        end = time.process_time() + 0.17
        while time.process_time() < end:
            pass

    assert watch.left == 2.5 * sandbox.CHECK_SECONDS
    assert watch.run(busy) is None
    monkeypatch.setattr(sandbox, "slowness", lambda: 1.0)
    assert isinstance(watch.run(busy), sandbox.OutOfTime)


def test_a_fast_machine_gives_no_less_time(monkeypatch):
    assert sandbox.slowness() >= 1
    monkeypatch.setattr(sandbox, "UNIT", 1e9)
    assert sandbox.slowness.__wrapped__() == 1
    monkeypatch.setattr(sandbox, "UNIT", 1e-9)
    assert sandbox.slowness.__wrapped__() > 1000


# Waiting for somebody, and checks within checks


@both
@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("input()", "input()"),
        ("x = input('how many? ')", "input()"),
        ("breakpoint()", "breakpoint()"),
        ("import pdb; pdb.set_trace()\nz = z + 1", "input()"),
        ("sys.stdin.readline()", "sys.stdin"),
        ("for line in sys.stdin: pass", "sys.stdin"),
    ],
)
def test_what_waits_for_somebody_is_told_so(where, body, what, capsys):
    kept = builtins.input, sys.breakpointhook, sys.stdin
    verdict = check(function(f"{body}\n{RIGHT}"))
    assert verdict.kind == "mistake"
    assert f"It waits for you: `{what}`" in said(verdict)
    assert (builtins.input, sys.breakpointhook, sys.stdin) == kept
    assert capsys.readouterr() == ("", "")


def test_a_script_that_checks_a_function_with_input_ends_as_it_should(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from nn_helpers.exercises import check\ndef relu_forward(z):\n    input()\n"
        "if __name__ == '__main__':\n    print(check(relu_forward))\n"
    )
    with subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:  # its standard input stays open
        assert process.wait(60) == 0
        assert "It waits for you" in process.stdout.read().decode()
        assert process.stderr.read() == b""


@both
@pytest.mark.parametrize("call", ["check(relu_forward)", "yours_or_ours(relu_forward)", "helper()"])
def test_a_check_of_the_function_in_its_own_lines_is_told_so_at_once(where, call):
    threads, start = threading.active_count(), time.monotonic()
    f = function(f"a = np.maximum(0, z)\n{call}\nreturn a, z")
    f.__globals__["helper"] = lambda: check(f)
    verdict = check(f)
    assert time.monotonic() - start < 2
    assert "belongs below the function, at the left margin" in said(verdict)
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:  # the last are about to end
        time.sleep(0.01)
    assert threading.active_count() <= threads


@both
def test_checks_of_ever_new_functions_within_each_other_come_to_an_end(where):
    def another(z):
        check(lambda z: another(z), "relu_forward")
        return z, z

    start = time.monotonic()
    assert check(another, "relu_forward").kind == "mistake"
    assert time.monotonic() - start < 10


# What is left as it was

CHANGES = {
    "folder": "os.chdir('/')",
    "environment": "os.environ['NEW'] = '1'; del os.environ['PATH']",
    "recursion": "sys.setrecursionlimit(5000)",
    "garbage": "import gc; gc.disable()",
    "numpy": "np.allclose = np.array_equal = lambda *_, **__: True",
    "numpy's errors": "np.seterr(all='raise')",
    "printing": "np.set_printoptions(precision=1)",
    "warnings": "import warnings; warnings.simplefilter('error')",
    "random numbers": "np.random.seed(1); import random; random.seed(1)",
    "builtins": "import builtins; builtins.sum = builtins.len = None",
    "time": "import time; time.monotonic = time.process_time = lambda: 0",
    "output": "sys.stdout = sys.stderr = None",
}


def surroundings():
    state = np.random.get_state()  # noqa: NPY002
    return {
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "recursion": sys.getrecursionlimit(),
        "garbage": gc.isenabled(),
        "numpy": (np.allclose, np.array_equal),
        "numpy's errors": np.geterr(),
        "printing": np.get_printoptions(),
        "warnings": list(warnings.filters),
        "random numbers": (state[1].tolist(), state[2:], random.getstate()),
        "builtins": (sum, len),
        "time": (time.monotonic, time.process_time),
        "output": (sys.stdout, sys.stderr, sys.stdin),
    }


@both
@pytest.mark.parametrize("change", CHANGES)
def test_what_an_answer_changes_is_put_back_and_changes_no_verdict(where, change):
    before = surroundings()
    wrong = check(function(f"{CHANGES[change]}\nreturn z + 1, z"))
    assert wrong.kind == "mistake"
    right = check(function(f"a = np.maximum(0, z)\n{CHANGES[change]}\nreturn a, z"))
    assert bool(right) == (change != "random numbers"), right
    assert surroundings() == before


@both
def test_a_folder_that_is_gone_is_no_reason_to_fail(where, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert check(function(RIGHT))


@both
def test_many_checks_leave_no_thread_no_file_and_no_process_behind(where):
    functions = [function(RIGHT), function("return abs(z), z"), function("1 / 0"), function("return ..., z")]
    for f in functions:
        check(f)
    before, threads = surroundings(), threading.active_count()
    descriptors = os.listdir("/proc/self/fd") if os.path.isdir("/proc") else []
    for _ in range(10):
        for f in functions:
            check(f)
    assert surroundings() == before
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:  # the last are about to end
        time.sleep(0.01)
    assert threading.active_count() <= threads
    assert descriptors == (os.listdir("/proc/self/fd") if os.path.isdir("/proc") else [])
    if hasattr(os, "WNOHANG"):
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


@both
def test_a_check_while_an_error_is_handled_is_a_check_as_any(where):
    descriptors = os.listdir("/proc/self/fd") if os.path.isdir("/proc") else []
    try:
        raise KeyError
    except KeyError:
        assert check(function(RIGHT))
        assert not check(function("return abs(z), z"))
    assert descriptors == (os.listdir("/proc/self/fd") if os.path.isdir("/proc") else [])
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, getattr(os, "WNOHANG", 0))


# An error of ours


@both
def test_an_error_in_the_judging_becomes_a_sentence_and_is_logged(where, monkeypatch, capsys):
    def fails(*_):
        raise KeyError("N")

    monkeypatch.setattr(api, "judge", fails)
    with pytest.raises(AssertionError, match="KeyError: 'N'"):  # see conftest.py
        check(relu_with_where, "relu_forward")
    monkeypatch.setattr(api.log, "disabled", True)
    verdict = check(relu_with_where, "relu_forward")
    assert "check itself failed while it looked at it (KeyError)" in said(verdict)
    assert "says nothing about your function" in said(verdict)
    yours_or_ours(relu_with_where, "relu_forward")
    assert "the library's" in capsys.readouterr().out


@both
@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, sandbox.WaitsForAnswer])
def test_an_error_that_would_end_python_becomes_a_sentence_too(where, error, monkeypatch):
    def fails(*_):
        raise error

    monkeypatch.setattr(api, "judge", fails)
    monkeypatch.setattr(api.log, "disabled", True)
    assert "check itself failed" in said(check(relu_with_where, "relu_forward"))


def test_a_verdict_can_be_sent_from_a_copy():
    assert json.loads(json.dumps({"text": "α \ud800"}))["text"] == "α \ud800"
    assert Verdict(kind="right", mistake=None, head="x")


# IPython's thread that saves the history, which IPython stops before a fork


@pytest.mark.skipif(not copied_process.COPIES, reason="only Linux makes copies")
def test_a_copy_is_made_however_late_ipythons_thread_hears_that_it_was_called(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    said = run_python("""
import faulthandler, threading, time
from IPython.core.interactiveshell import InteractiveShell
from nn_helpers.exercises.checking.copied_process import in_a_copy

faulthandler.dump_traceback_later(30, exit=True)
shell = InteractiveShell.instance()
flag, late = shell.history_manager.save_flag, threading.Event()
clear = flag.clear

def clear_late():
    late.set()
    time.sleep(0.5)
    clear()

flag.clear = clear_late
flag.set()  # as at the beginning of each cell
late.wait()
shell.user_ns["in_a_copy"] = in_a_copy
print(*(shell.run_cell("in_a_copy(lambda beat: 3)", store_history=True).result for _ in range(3)))
""")
    assert said.split()[-3:] == ["3", "3", "3"]
