"""What is in a checkpoint, when it is written, and what happens when it is damaged."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from networks import ONE, rewrite
from runs import STEPS, Run, assert_equal, damage, steps_in
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from nn_helpers import SGD, ClassificationNet, Record
from nn_helpers.training.history import COLUMNS


def test_the_newest_checkpoint_is_kept_and_nothing_beside_it(tmp_path):
    path = tmp_path / "run.safetensors"
    Run().cut_after(0, path)
    assert steps_in(tmp_path) == {"run.safetensors": 0}
    Run().cut_after(2 * STEPS + 1, path, every=None)
    assert steps_in(tmp_path) == {"run.safetensors": 2 * STEPS}
    Run().train(checkpoint=path, checkpoint_every=9, resume=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24}


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
        (Path.unlink, "there is no checkpoint"),
        (lambda path: rewrite(path, training__remembers=None), "makes no sense"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_the_reason_and_left_as_it_is(tmp_path, spoil, words):
    path, expected = tmp_path / "run.safetensors", Run().train()
    Run().cut_after(STEPS + 3, path, every=2)
    good = path.read_bytes()
    spoil(path)
    spoiled = path.read_bytes() if path.exists() else None
    with pytest.raises((ValueError, FileNotFoundError), match=rf"{path}.*{words}|{words}.*{path}"):
        Run().train(resume=path, checkpoint=path)
    assert (path.read_bytes() if path.exists() else None) == spoiled
    assert len(list(tmp_path.iterdir())) == path.exists()
    path.write_bytes(good)  # such as a copy of one's own
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
        (other_program, "not an nn_helpers file"),
    ],
)
def test_a_file_that_is_something_else_is_refused_and_left_as_it_is(tmp_path, put, words):
    path = tmp_path / "run.safetensors"
    Run().cut_after(3, path)
    put(path)
    content = path.read_bytes()
    with pytest.raises(ValueError, match=f"this checkpoint cannot be resumed: .*{words}"):
        Run().train(resume=path, checkpoint=path)
    assert path.read_bytes() == content


def test_parameters_that_are_not_finite_replace_no_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    run = Run(SGD(lambda t: 0.01 if t <= 8 else math.inf), "float64")
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        run.train(checkpoint=path, checkpoint_every=1)
    assert all(np.isfinite(array).all() for name, array in load_file(path).items() if name != "history")
