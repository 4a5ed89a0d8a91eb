"""`check` stops functions that never end, and leaves everything as it was, whatever they print or draw."""

import io
import random
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from handed_in import Result, blank_in_the_return, notebook, relu_with_where

from nn_helpers.exercises import check
from nn_helpers.exercises.checking import sandbox
from nn_helpers.exercises.checking.comparison import agrees, identical

# Time


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n    try:\n        pass\n    except Exception:\n        pass",
        "while True:\n    try:\n        g(), g(), g(), g()\n    except:\n        pass",
        "while True: print('.')",
        "time.sleep(100)",
    ],
)
def test_a_function_without_end_is_stopped_and_leaves_nothing_behind(body, capsys, monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    threads = threading.active_count()
    f = notebook(f"import time\ndef g(): pass\ndef f(z):\n{textwrap.indent(body, '    ')}")["f"]
    start = time.monotonic()
    verdict = check(f, "relu_forward")
    assert time.monotonic() - start < 10
    assert verdict.kind == "mistake"
    assert "did not come to an end" in str(verdict)
    assert capsys.readouterr().out == ""
    if "sleep" not in body:  # which cannot be woken
        deadline = time.monotonic() + 5
        while threading.active_count() > threads and time.monotonic() < deadline:
            time.sleep(0.01)
        assert threading.active_count() <= threads


def test_except_exception_does_not_catch_the_end_of_time(monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    caught = []

    def g():
        pass

    def f(z):
        while True:
            try:
                g(), g(), g(), g()
            except Exception as error:
                caught.append(error)

    assert "did not come to an end" in str(check(f, "relu_forward"))
    assert caught == []


def test_a_loop_on_a_later_case_is_shown_on_that_case(monkeypatch):
    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)

    def f(z):
        while z.ndim == 4:
            pass
        return np.maximum(0, z), z

    text = str(check(f, "relu_forward"))
    assert "did not come to an end" in text
    assert "For example, with an array with four axes" in text


def test_the_whole_check_is_bounded(monkeypatch):
    monkeypatch.setattr(sandbox, "CHECK_SECONDS", 0.3)

    def slow(z):
        start = time.process_time()
        while time.process_time() - start < 0.15:
            pass
        return np.maximum(0, z), z

    assert "did not come to an end" in str(check(slow, "relu_forward"))


def test_check_works_on_any_thread_and_on_several_at_once():
    def pauses(z):
        time.sleep(0.002)
        return np.maximum(0, z), z

    verdicts, before = [], (sys.stdout, random.getstate())

    def run():
        verdicts.append(check(pauses, "relu_forward"))
        verdicts.append(check(blank_in_the_return, "relu_forward"))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdict.kind for verdict in verdicts) == 6 * ["not attempted"] + 6 * ["right"]
    assert (sys.stdout, random.getstate()) == before


def test_a_check_within_a_check_does_not_block():
    def f(z):
        assert check(relu_with_where, "relu_forward")
        return np.maximum(0, z), z

    assert check(f, "relu_forward")


def test_an_interrupt_gets_through(monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sandbox.Sandbox().run(lambda: None)


# What is left as it was


def test_printing_warnings_random_numbers_and_arguments_are_left_as_they_were(capsys):
    def f(z):
        print("from inside")
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        warnings.warn("mine", stacklevel=1)
        return np.exp(1e6 * np.abs(z)), z

    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state()[1].copy(), random.getstate(), sys.stdout, list(warnings.filters)  # noqa: NPY002
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not check(f, "relu_forward")
    after = np.random.get_state()[1], random.getstate(), sys.stdout, list(warnings.filters)  # noqa: NPY002
    assert np.array_equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert capsys.readouterr() == ("", "")
    assert check(relu_with_where, "relu_forward")


def test_raising_on_overflow_is_left_out_of_it():
    with np.errstate(all="raise"):
        assert check(lambda z: 2 * (1 / (1 + np.exp(-z)),), "sigmoid_forward")


def test_prints_of_other_threads_are_not_taken(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)

    def f(z):
        other = threading.Thread(target=lambda: print("from elsewhere"))
        other.start()
        other.join()
        print("from f")
        return np.maximum(0, z), z

    text = str(check(f, "relu_forward"))
    assert "from f" in text
    assert "from elsewhere" not in text
    assert "from elsewhere" in screen.getvalue()
    assert "from f" not in screen.getvalue()


def test_prints_are_shown_for_the_first_input_only_and_not_without_end():
    def f(z):
        print(z.shape, object())
        print("a" * 5000)
        return np.maximum(0, z), z

    text = str(check(f, "relu_forward"))
    assert "On the first input it printed:\n    (1, 3) <object object>\n    aaa" in text
    assert text.count("<object object>") == 1
    assert len(text) < 1500


@pytest.mark.parametrize("one", [1.0, 1, np.float32(1), np.float64(1), np.array(1.0)])
def test_a_single_number_may_be_of_any_kind(one):
    assert agrees(one, 1.0)
    assert not agrees(one, 1.001)
    assert not agrees([one], 1.0)
    assert not agrees(np.array([one]), 1.0)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (np.array([0.1]), np.array([0.1]), True),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([0.1]), np.array([0.1 + 1e-18]), True),
        (np.array([0.1]), np.array([0.1 + 1e-16]), False),
        (np.array([0.0]), np.array([0], dtype=int), False),
        ([np.ones(2), (np.ones(1),)], [np.ones(2), (np.ones(1),)], True),
        ([np.ones(2), (np.ones(1),)], [np.ones(2), (np.zeros(1),)], False),
        ([np.ones(2)], [], False),
        ({"a": np.ones(2)}, {"a": np.zeros(2)}, False),
        ({"a": np.ones(2)}, {"b": np.ones(2)}, False),
        (np.random.default_rng(0), np.random.default_rng(1), True),
    ],
)
def test_an_argument_is_unchanged_to_the_last_bit(before, after, same):
    assert identical(before, after) is same


def test_no_more_is_kept_of_what_is_printed_than_can_be_shown():
    watch = sandbox.Sandbox()
    for _ in range(1000):
        watch.keep("0123456789")
    assert len(watch.printed) == sandbox.PRINTED + 1


def test_named_tuples_can_be_kept():
    kept = sandbox.snapshot([Result(np.ones(2), cache=3)])
    assert isinstance(kept[0], tuple)
    assert kept[0][1] == 3


@pytest.mark.parametrize("draw", [random.random, np.random.rand])
def test_random_results_are_the_same_every_time(draw):
    texts = set()
    for _ in range(3):
        texts.add(str(check(lambda z: (z + draw(), z), "relu_forward")))
        draw()
    assert len(texts) == 1


def test_a_function_that_ends_after_its_check_puts_nothing_back(tmp_path, monkeypatch):
    def relu_forward(z):
        time.sleep(2)
        return np.maximum(z, 0), z

    monkeypatch.setattr(sandbox, "CASE_SECONDS", 0.1)
    monkeypatch.chdir(tmp_path)
    threads = threading.active_count()
    assert not check(relu_forward)
    monkeypatch.chdir(tmp_path.parent)
    deadline = time.monotonic() + 20
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert Path.cwd() == tmp_path.parent


def test_a_function_that_waits_for_a_processor_is_not_taken_for_one_that_sleeps(monkeypatch):
    def relu_forward(z):
        time.sleep(0.2)
        return np.maximum(z, 0), z

    monkeypatch.setattr(sandbox, "PATIENCE", 0.1)
    assert "did not come to an end" in str(check(relu_forward))
    monkeypatch.setattr(sandbox, "_waited", lambda worker: 60.0)  # as on a machine with much to do
    assert "did not come to an end" not in str(check(relu_forward))
