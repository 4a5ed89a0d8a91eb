"""What is in a checkpoint, when it is written, and what happens when the newest one is damaged."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import runs
from faults import forbidden_link
from networks import ONE, rewrite
from runs import STEPS, Run, assert_equal, damage, forget, steps_in
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from nn_helpers import SGD, ClassificationNet, Record
from nn_helpers.training.history import COLUMNS


@pytest.mark.parametrize("links", [True, False])
def test_the_last_two_checkpoints_are_kept(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", forbidden_link)
    path = tmp_path / "run.safetensors"
    Run().cut_after(0, path)
    assert steps_in(tmp_path) == {"run.safetensors": 0}
    Run().cut_after(2 * STEPS + 1, path, every=None)
    assert steps_in(tmp_path) == {"run.safetensors": 2 * STEPS, "run.previous.safetensors": STEPS}
    Run().train(checkpoint=path, checkpoint_every=9, resume=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24, "run.previous.safetensors": 18}
    forget(path)
    Run().train(checkpoint=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24, "run.previous.safetensors": 18}


def test_a_checkpoint_is_a_saved_network_as_well(tmp_path):
    path = tmp_path / "run.safetensors"
    run = Run(keep_best=False).train(checkpoint=path)
    np.testing.assert_array_equal(ClassificationNet.load(path).theta, run.net.theta)


def test_a_checkpoint_holds_every_column_of_the_history(tmp_path):
    assert COLUMNS == tuple(Record.__slots__)
    path = tmp_path / "run.safetensors"
    run = Run().train(checkpoint=path)
    arrays = load_file(path)
    memory = ["optimizer.m_sum", "optimizer.v_sum"]
    assert sorted(arrays) == sorted([*run.net.params, *memory, "history", "best"])
    losses = arrays["history"][:, COLUMNS.index("loss")]
    np.testing.assert_array_equal(losses, run.history.to_arrays()["loss"])
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    assert about["versions"]["numpy"] == np.__version__
    assert about["training"]["settings"]["optimizer"]["lr"] == {
        "kind": "CosineWithWarmup", "lr": 0.02, "total_steps": 24, "warmup_steps": 3, "final_lr": 0.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, "its checksum is not that of its content"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "no complete safetensors file"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (Path.unlink, "No such file"),
        (lambda path: rewrite(path, training__remembers=None), "makes no sense"),
    ],
)
def test_when_the_newest_is_damaged_the_one_before_goes_on_with_a_warning(tmp_path, spoil, words):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    expected = Run().train()
    Run().cut_after(STEPS + 3, path, every=2)
    spoil(path)
    kept = previous.read_bytes()
    with pytest.warns(
        RuntimeWarning, match=f"{words}.* Going on from .*run.previous.safetensors, step 6"
    ) as caught:
        Run().cut_after(0, path, resume=path, every=None)
    assert caught[0].filename == runs.__file__
    assert previous.read_bytes() == kept  # and not what could not be read
    assert_equal(Run().train(resume=path), expected)


def other_format(path):
    rewrite(path, format=2)


def other_program(path):
    save_file({"weight": ONE}, path)


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (lambda path: Run().net.save(path), "a network and no training; ClassificationNet.load reads it"),
        (other_format, "format 2 is of another version of nn_helpers"),
        (other_program, "not written by nn_helpers"),
    ],
)
@pytest.mark.parametrize("which", ["newest", "the one before"])
def test_a_file_that_is_not_damaged_is_not_passed_over(tmp_path, put, words, which):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    Run().cut_after(3, path)
    if which == "the one before":
        damage(path)
    put(path if which == "newest" else previous)
    contents = path.read_bytes(), previous.read_bytes()
    with pytest.raises(ValueError, match=f"this checkpoint cannot be resumed: .*{words}"):
        Run().train(resume=path, checkpoint=path)
    assert (path.read_bytes(), previous.read_bytes()) == contents


def test_when_neither_can_be_read_both_reasons_are_given(tmp_path):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    Run().cut_after(3, path)
    damage(path)
    previous.write_bytes(b"")
    with pytest.raises(ValueError, match=r"its checksum is not .* Nor can the one before it: .* it is empty"):
        Run().train(resume=path)


def test_parameters_that_are_not_finite_replace_no_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    run = Run(SGD(lambda t: 0.01 if t <= 8 else math.inf), "float64")
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        run.train(checkpoint=path, checkpoint_every=1)
    assert all(np.isfinite(array).all() for name, array in load_file(path).items() if name != "history")
