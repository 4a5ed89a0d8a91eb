"""What a lesson computes with PyTorch, and what it shows where that is missing."""

import json
import sys
import types

import pytest

from nn_helpers.course import with_pytorch
from nn_helpers.course.pytorch import FILE, SAVING, NoPyTorchError

KEPT = {"losses": {"on": "2026-11-29", "torch": "2.13.0", "result": [0.5, 0.25]}}


@pytest.fixture(autouse=True)
def saved(tmp_path, monkeypatch):
    """The lessons' folder, with one result in it."""
    path = tmp_path / FILE
    path.write_text(json.dumps(KEPT), encoding="utf-8")
    monkeypatch.setattr("nn_helpers.course.pytorch.source_folder", lambda: tmp_path)
    monkeypatch.delenv(SAVING, raising=False)
    return path


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.fixture
def there(monkeypatch):
    torch = types.ModuleType("torch")
    torch.__version__, torch.set_num_threads = "2.14.1+cpu", lambda number: None
    monkeypatch.setitem(sys.modules, "torch", torch)
    return torch


def test_with_pytorch_the_function_is_called_and_nothing_is_said_or_saved(there, saved, capsys):
    assert with_pytorch("losses", lambda torch: [torch is there]) == [True]
    assert capsys.readouterr().out == ""
    assert json.loads(saved.read_text(encoding="utf-8")) == KEPT


def test_without_pytorch_the_saved_result_is_shown_as_such(missing, capsys):
    assert with_pytorch("losses", lambda torch: pytest.fail("called")) == [0.5, 0.25]
    assert capsys.readouterr().out == (
        "PyTorch is not installed. In place of losses this shows what was saved on 2026-11-29, with "
        "PyTorch 2.13.0 and the sketches, whatever you change here.\n"
    )


@pytest.mark.usefixtures("missing")
def test_without_pytorch_and_without_a_saved_result_a_sentence_says_what_is_missing(saved):
    with pytest.raises(NoPyTorchError, match="PyTorch is not installed, and this needs it: `pip install"):
        with_pytorch("other", lambda torch: 0)
    saved.unlink()
    with pytest.raises(NoPyTorchError) as caught:
        with_pytorch("losses", lambda torch: 0)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_pytorch_that_cannot_be_imported_is_named(monkeypatch, capsys, tmp_path):
    (tmp_path / "torch.py").write_text("raise OSError('libc10.so: file too short')")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert with_pytorch("losses", lambda torch: 0) == [0.5, 0.25]
    assert "PyTorch cannot be imported (libc10.so: file too short)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ([0.5, 0.25 + 1e-12], True),
        ([0.5, 0.3], False),
        ([0.5], False),
        ({"a": 1.0}, False),
        ([[1.0], [1.0, 2.0]], False),
    ],
)
def test_saving_replaces_a_result_that_is_another(there, saved, monkeypatch, result, kept):
    monkeypatch.setenv(SAVING, str(saved))
    assert with_pytorch("losses", lambda torch: result) is result
    now = json.loads(saved.read_text(encoding="utf-8"))
    assert now == KEPT if kept else (now["losses"]["result"], now["losses"]["torch"]) == (result, "2.14.1")


def test_saving_adds_a_result_and_agrees_with_itself(there, saved, monkeypatch):
    monkeypatch.setenv(SAVING, str(saved))
    for result in ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0 + 1e-9], [3.0, 4.0]], {"a": 1}, {"a": 1}):
        with_pytorch("more" if isinstance(result, list) else "other", lambda torch, result=result: result)
    now = json.loads(saved.read_text(encoding="utf-8"))
    assert now["losses"] == KEPT["losses"]
    assert (now["more"]["result"], now["other"]["result"]) == ([[1.0, 2.0], [3.0, 4.0]], {"a": 1})


@pytest.mark.usefixtures("missing")
def test_a_lesson_is_not_saved_without_pytorch(saved, monkeypatch):
    monkeypatch.setenv(SAVING, str(saved))
    with pytest.raises(NoPyTorchError):
        with_pytorch("losses", lambda torch: 0)
