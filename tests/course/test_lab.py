"""JupyterLab on the learner's lessons: where it opens, its settings, and what is not there."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nn_helpers.__main__ import main
from nn_helpers.course import lab, source
from nn_helpers.course.lesson import OutOfStepError, lesson
from nn_helpers.support import record

SCHEMAS = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """What JupyterLab was opened with, if it was; it is not run."""
    calls = []
    stub = SimpleNamespace(main=lambda options: calls.append((options, dict(os.environ))))
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", stub)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.chdir(tmp_path)
    return calls


def test_lab_makes_the_copy_and_opens_its_first_lesson(opened, tmp_path, capsys):
    assert main(["lab", "--no-browser", "--port=8899"]) == 0
    ((options, environment),) = opened
    folder = tmp_path / "my_lessons"
    assert options[:2] == [
        f"--ServerApp.root_dir={folder}",
        "--LabApp.default_url=/lab/tree/00_start_here.ipynb",
    ]
    assert options[2:] == ["--no-browser", "--port=8899"]
    assert capsys.readouterr().out == "my_lessons is your copy of the lessons.\n"
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTERLAB_WORKSPACES_DIR"):
        assert environment[name].startswith(str(folder / ".nn_helpers"))
    assert set(os.listdir(tmp_path)) == {"my_lessons"}


def test_lab_goes_on_in_the_lesson_that_was_begun_last(opened, monkeypatch, tmp_path):
    main(["lab", "here"])
    monkeypatch.setenv("NN_HELPERS_MY_LESSONS", str(tmp_path / "here"))
    for number in ("00", "02"):
        record.note("begun", lesson=number)
    main(["lab", "here"])
    assert opened[1][0][1] == "--LabApp.default_url=/lab/tree/02_affine_backprop.ipynb"


def test_the_value_of_an_option_of_jupyterlab_is_not_taken_for_a_folder(opened, tmp_path, capsys):
    assert main(["lab", "--port", "8899"]) == 2
    said = "is 8899 a folder, or the value of --port? Write the folder first, lab 8899 --port, or the value "
    assert said in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
    assert main(["lab", "here", "--port=8899", "--no-browser"]) == 0
    ((options, _),) = opened
    assert options[0] == f"--ServerApp.root_dir={tmp_path / 'here'}"
    assert options[2:] == ["--port=8899", "--no-browser"]


def test_in_a_folder_of_a_copy_lab_opens_that_copy_and_makes_none_inside(opened, monkeypatch, tmp_path):
    main(["lab", "here", "--copy-only"])
    inside = tmp_path / "here" / "notes" / "week 1"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert main(["lab"]) == 0
    assert opened[0][0][0] == f"--ServerApp.root_dir={tmp_path / 'here'}"
    assert not os.listdir(inside)


def test_copy_only_opens_nothing_and_says_what_it_did(opened, tmp_path, capsys):
    for said in ("teacher is your copy of the lessons.\n", "teacher is up to date.\n"):
        assert main(["lab", "teacher", "--copy-only"]) == 0
        assert capsys.readouterr().out == said
    assert (tmp_path / "teacher" / "00_start_here.ipynb").exists()
    with pytest.raises(SystemExit):
        main(["lab", "--copy-only", "--no-browser"])
    assert "unrecognized arguments: --no-browser" in capsys.readouterr().err
    assert not opened


def test_copy_only_ends_with_1_where_a_lesson_could_not_be_brought_up_to_date(opened, tmp_path, capsys):
    (tmp_path / "teacher" / ".nn_helpers").mkdir(parents=True)
    (tmp_path / "teacher" / "00_start_here.ipynb").write_text("mine", encoding="utf-8")
    assert main(["lab", "teacher", "--copy-only"]) == 1
    said = capsys.readouterr().out
    assert "00_start_here.ipynb is left as it was: nothing says which edition it was made from" in said
    assert "01_layers_and_relu.ipynb is new." in said


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that is in use")
@pytest.mark.parametrize("command", ["progress", "reset 02", "lab --copy-only", "train --mine"])
def test_where_the_current_folder_is_gone_it_is_said(opened, tmp_path, monkeypatch, capsys, command):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main([*command.split()]) == 2
    words = "the current folder is gone; change into one that is there"
    assert capsys.readouterr().err.endswith(f" {command.split()[0]}: {words}\n")


def test_terminals_of_jupyterlab_find_the_command(opened):
    before = os.environ["PATH"]
    main(["lab"])
    ((_, environment),) = opened
    assert environment["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}{before}"


def test_progress_is_shown_where_the_copy_is_and_where_there_is_none_it_is_said(
    opened, tmp_path, monkeypatch, capsys
):
    assert main(["progress"]) == 2
    words = "my_lessons is no work copy of the lessons; go to where yours is, or make one: nn-helpers lab"
    assert words in capsys.readouterr().err
    main(["lab", "--copy-only"])
    main(["lab", "--copy-only", "other"])
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "other")
        record.note("finished", lesson="00")
    capsys.readouterr()
    for arguments, lesson_to_go_on in ([], "Lesson 00"), (["other"], "Lesson 01"):
        assert main(["progress", *arguments]) == 0
        assert f"Where to go on: {lesson_to_go_on}" in capsys.readouterr().out
    assert Path.cwd() == tmp_path


def test_in_the_copy_itself_lab_opens_the_copy(opened, monkeypatch, tmp_path):
    main(["lab"])
    monkeypatch.chdir(tmp_path / "my_lessons")
    main(["lab"])
    assert opened[0][0] == opened[1][0]


def test_settings_are_those_that_jupyterlab_knows(tmp_path):
    lab.environment(tmp_path)
    for path in (tmp_path / ".nn_helpers").rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    for plugin, values in lab.SETTINGS["labconfig/default_setting_overrides.json"].items():
        package, name = plugin.split(":")
        schema = json.loads((SCHEMAS / package / f"{name}.json").read_text(encoding="utf-8"))
        assert set(values) <= set(schema["properties"])


def test_how_jupyterlab_was_left_is_not_changed(tmp_path):
    lab.environment(tmp_path)
    (workspace,) = (tmp_path / ".nn_helpers/jupyter/workspaces").iterdir()
    workspace.write_text("{}", encoding="utf-8")
    lab.environment(tmp_path)
    assert workspace.read_text(encoding="utf-8") == "{}"


def test_settings_that_somebody_has_are_read_after_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/theirs")
    assert lab.environment(tmp_path)["JUPYTER_CONFIG_PATH"].endswith(f"{os.pathsep}/theirs")


def test_where_jupyterlab_or_a_lesson_is_missing_it_is_said(opened, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    assert main(["lab"]) == 2
    assert "JupyterLab is not installed; pip install -r requirements.txt" in capsys.readouterr().err
    monkeypatch.undo()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.txt").touch()
    assert main(["lab", str(tmp_path / "own")]) == 2
    assert "is no work copy of the lessons" in capsys.readouterr().err
    assert not opened


def test_reset_says_what_it_did_and_what_it_does_not_know(opened, tmp_path, capsys):
    main(["lab"])
    capsys.readouterr()
    assert main(["reset", "affine_forward"]) == 0
    assert "affine_forward is blank again in " in capsys.readouterr().out
    assert main(["reset", "affine"]) == 2
    assert "python -m nn_helpers reset: 'affine' is no exercise" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("clone", "pip", "advice"),
    [
        (True, True, "pip install -r requirements.txt"),
        (False, True, "pip install --upgrade --force-reinstall nn-helpers"),
        (False, False, "uvx --refresh nn-helpers@latest lab"),
    ],
)
def test_what_installs_anew_is_what_installed_it(monkeypatch, tmp_path, clone, pip, advice):
    if clone:
        (tmp_path / "requirements.txt").touch()
    monkeypatch.setattr(source, "PACKAGE", tmp_path / "nn_helpers")
    monkeypatch.setattr(source.importlib.util, "find_spec", lambda name: pip or None)
    assert source.reinstall() == advice


def test_an_old_lesson_of_the_learners_own_says_what_brings_it_up_to_date(monkeypatch, tmp_path):
    (tmp_path / record.MARKER).mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        OutOfStepError, match="`make lab`; it brings this lesson up to date and keeps what you wrote"
    ):
        lesson("00", written_for="0.0")


def test_options_that_jupyterlab_gets_are_errors_elsewhere(capsys):
    with pytest.raises(SystemExit):
        main(["data", "--no-browser"])
    assert "unrecognized arguments: --no-browser" in capsys.readouterr().err
