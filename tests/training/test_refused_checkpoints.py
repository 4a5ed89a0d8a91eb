"""What no training goes on from, or may not write over: an error says why, and nothing is changed."""

import copy
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from networks import needs_known_homes, rewrite, save_small_net, small_net
from runs import (
    STEPS,
    Augment,
    Run,
    assert_equal,
    assert_equal_generators,
    blobs,
    colours,
    one_checkpoint,
    steps_in,
)
from safetensors.numpy import load_file

from nn_helpers import (
    SGD,
    Adam,
    AdamW,
    ClassificationNet,
    CosineWithWarmup,
    Dataset,
    Split,
    StepDecay,
    compare_optimizers,
    flip_and_shift,
    train,
)
from nn_helpers.training.history import COLUMNS


def other_images():
    data = colours()
    images = data.train.images.copy()
    images[-1, -1, -1, -1] ^= 1
    return Dataset(data.name, Split(images, data.train.labels), data.val, class_names=data.class_names)


def other_labels(part):
    data, splits = colours(), {}
    for name in ("train", "val"):
        split = getattr(data, name)
        splits[name] = Split(split.images, split.labels[::-1].copy()) if name == part else split
    return Dataset(data.name, **splits, class_names=data.class_names)


def other_net(**options):
    def change(run):
        run.net = ClassificationNet(
            **{
                "input_size": 108,
                "hidden_sizes": [7, 6],
                "num_classes": 3,
                "reg": 0.01,
                "dropout": 0.3,
                **options,
            }
        )

    return change


def optimizer(optimizer):
    return lambda run: setattr(run, "optimizer", optimizer)


def with_function(run):
    run.net.use(softmax=lambda logits: logits)


COSINE = CosineWithWarmup(0.02, 4 * STEPS, 3)


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        (other_net(hidden_sizes=[7]), {}, r"network hidden_sizes is \[7, 6\] there and \[7\] here"),
        (other_net(activation="tanh"), {}, "network activation is relu there and tanh here"),
        (other_net(dtype="float64"), {}, "network dtype is float32 there and float64 here"),
        (other_net(reg=0.1), {}, "network reg is 0.01 there and 0.1 here"),
        (other_net(dropout=0.1), {}, "network dropout is 0.3 there and 0.1 here"),
        (other_net(seed=np.random.Generator(np.random.SFC64())), {}, "generators dropout is PCG64 .* SFC64"),
        (with_function, {}, r"functions of your own is \[\] there and \['softmax'\] here"),
        (optimizer(Adam(COSINE)), {}, "optimizer kind is AdamW there and Adam here"),
        (optimizer(AdamW(COSINE, weight_decay=0.1)), {}, "weight_decay is 0.01 there and 0.1"),
        (optimizer(AdamW(0.02)), {}, "optimizer lr kind is CosineWithWarmup there and missing here"),
        (optimizer(AdamW(StepDecay(0.02, 3))), {}, "lr kind is CosineWithWarmup there and StepDecay"),
        (
            optimizer(AdamW(CosineWithWarmup(0.02, 30, 3))),
            {},
            "optimizer lr total_steps is 24 there and 30 here. Pass what that run began with",
        ),
        (None, {"batch_size": 5}, "batch_size is 4 there and 5 here"),
        (None, {"drop_last": True}, "drop_last is False there and True here"),
        (None, {"shuffle": False}, "shuffle is True there and False here"),
        (None, {"seed": 6}, "seed is 5 there and 6 here"),
        (None, {"seed": np.random.Generator(np.random.MT19937())}, "generators order is PCG64 .* MT19937"),
        (None, {"augment": None}, "augment is Augment there and None here"),
        (None, {"augment": flip_and_shift}, "augment is Augment there and flip_and_shift here"),
        (None, {"augment": partial(flip_and_shift, shift=2)}, r"and flip_and_shift\(shift=2\) here"),
        (None, {"keep_best": False}, "keep_best is True there and False here"),
        (None, {"validate": False, "keep_best": False}, "validate is True there and False here"),
        (None, {"data": colours().subset(20)}, "data train examples is 22 there and 20 here"),
        (None, {"data": colours(seed=1)}, "data train checksum"),
        (None, {"data": other_images()}, "data train checksum"),
        (None, {"data": other_labels("train")}, "data train checksum"),
        (None, {"data": other_labels("val")}, "data val checksum"),
    ],
)  # fmt: skip
def test_another_training_is_refused_and_nothing_is_changed(tmp_path, change, arguments, words):
    path = tmp_path / "run.safetensors"
    Run().train(epochs=1, checkpoint=path)
    content, other = path.read_bytes(), Run(**arguments)
    if change:
        change(other)
    before = other.net.theta.copy(), copy.deepcopy(other.net.rng)
    with pytest.raises(ValueError, match=words) as caught:
        other.train(resume=path, checkpoint=path)
    assert f"{path} is of another training" in str(caught.value)
    np.testing.assert_array_equal(other.net.theta, before[0])
    assert_equal_generators(other.net.rng, before[1])
    assert (other.optimizer.t, other.optimizer.state) == (0, {})
    assert path.read_bytes() == content


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(
        FileNotFoundError, match=r"there is no checkpoint .* A training that begins without resume"
    ):
        Run().train(resume=path, checkpoint=path)
    Run().net.save(path)
    with pytest.raises(ValueError, match=r"a network and no training; ClassificationNet\.load reads it"):
        Run().train(resume=path)
    path.write_bytes(b"<html>")
    with pytest.raises(
        ValueError, match=r"this checkpoint cannot be resumed: .*run.safetensors: no complete"
    ):
        Run().train(resume=path)
    with pytest.raises(TypeError, match="resume must be a path such as"):
        Run().train(resume=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"training__generators__now": {}},
        {"training__generators__dropout": None},
        {"training__generators__epoch_began__state__state": -1},
        {"training__t": "6"},
        {"training__t": -1},
        {"training__t": 10**400},
        {"training__remembers": ["M"]},
        {"training__remembers": None},
        {"training__steps": 5},
        {"training__best_accuracy": None},
        {"training__best_accuracy": "high"},
        {"training__best_accuracy": float("nan")},
        {"training__settings": None},
        {"training": []},
    ],
    ids=str,
)
def test_a_checkpoint_that_makes_no_sense_is_refused_and_nothing_is_changed(tmp_path, changes):
    assert_refused(one_checkpoint(tmp_path / "run.safetensors"), Run(), changes)


def assert_refused(path, run, changes, words="", arrays=None):
    """Rewrite a checkpoint, and see that it is refused with nothing changed."""
    rewrite(path, arrays, **changes)
    before = copy.deepcopy(run)
    with pytest.raises(ValueError, match=rf"run\.safetensors: .*{words}") as caught:
        run.train(resume=path)
    assert str(caught.value).isprintable()
    np.testing.assert_array_equal(run.net.theta, before.net.theta)
    assert (run.optimizer.t, run.optimizer.state) == (0, {})
    assert_equal_generators(run.net.rng, before.net.rng)
    if isinstance(run.arguments["seed"], np.random.Generator):
        assert_equal_generators(run.arguments["seed"], before.arguments["seed"])


@pytest.mark.parametrize(
    "names", [["M", "W"], ["M"], [], ["M", "M", "V"], [["M"], "V"], [None, "V"], [{}]], ids=str
)
def test_a_checkpoint_with_another_memory_than_the_optimizers_is_refused(tmp_path, names):
    path = one_checkpoint(tmp_path / "run.safetensors")
    arrays = {name: array for name, array in load_file(path).items() if "optimizer" not in name}
    arrays |= {f"optimizer.{name}": Run().net.theta for name in names}
    assert_refused(path, Run(), {"training__remembers": names}, arrays=arrays)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[::-1], "its history does not count step"),
        (lambda rows: np.concatenate([rows, rows]), "its history does not count step"),
        (lambda rows: rows[1:], "its history does not count step"),
        (lambda rows: put_number(rows, "step", np.nan), "its history does not count step"),
        (lambda rows: put_number(rows, "step", 1e300), "its history does not count step"),
        (lambda rows: put_number(rows, "epoch", np.inf), "its history does not count epoch"),
        (lambda rows: put_number(rows, "epoch", 2), "its history does not count epoch"),
        (lambda rows: put_number(rows, "epoch_ends", 0), "its history does not count epoch_ends"),
    ],
)
def test_a_history_that_does_not_count_its_steps_is_refused(tmp_path, change, words):
    path = one_checkpoint(tmp_path / "run.safetensors")
    arrays = load_file(path)
    arrays["history"] = change(arrays["history"]).copy()
    assert_refused(path, Run(), {"training__steps": len(arrays["history"])}, words, arrays)


def put_number(rows, column, number):
    rows[-1, COLUMNS.index(column)] = number
    return rows


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("b1", "its parameters are"),
        ("optimizer.m_sum", r"optimizer\.m_sum is"),
        ("optimizer.v_sum", r"optimizer\.v_sum is"),
        ("best", "best is"),
    ],
)
def test_what_is_no_number_is_nothing_to_go_on_from(tmp_path, number, name, words):
    path = one_checkpoint(tmp_path / "run.safetensors")
    arrays = load_file(path)
    arrays[name][0] = number
    assert_refused(path, Run(), {}, f"{words} not all finite numbers", arrays)


def test_a_memory_that_nobody_could_go_on_from_replaces_no_checkpoint_and_that_is_said(tmp_path):
    class Forgetful(SGD):
        remembers = ("seen",)

        def update(self, theta, gradient, lr, scratch, seen):
            super().update(theta, gradient, lr, scratch)
            seen[0] = np.inf if STEPS < self.t <= 3 * STEPS else 1

    path, total = tmp_path / "run.safetensors", 4 * STEPS
    with pytest.warns(
        RuntimeWarning, match=r"not be written after step 12 \(optimizer\.seen is not all finite"
    ):
        expected = Run(Forgetful(0.01)).train(checkpoint=path)
    assert steps_in(tmp_path) == {path.name: total}
    path.unlink()
    with pytest.warns(RuntimeWarning, match=r"optimizer\.seen"):
        Run(Forgetful(0.01)).cut_after(2 * STEPS + 3, path)
    assert steps_in(tmp_path) == {path.name: STEPS}
    with pytest.warns(RuntimeWarning, match=r"optimizer\.seen"):
        assert_equal(Run(Forgetful(0.01)).train(checkpoint=path, resume=path), expected)


@pytest.mark.parametrize("position", [-1, 625, 65_536, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("kind", ["MT19937", "Philox"])
def test_a_generator_is_not_sent_beyond_its_own_memory(tmp_path, kind, position):
    def make():
        return Run(seed=np.random.Generator(getattr(np.random, kind)(5)))

    path = tmp_path / "run.safetensors"
    make().train(epochs=1, checkpoint=path)
    place = "state__pos" if kind == "MT19937" else "buffer_pos"
    # We refuse it; from NumPy 2.5 on, NumPy does.
    refused = rf"(position {position} in a|pos(ition)? must be between)"
    assert_refused(path, make(), {f"training__generators__now__{place}": position}, refused)


def test_what_a_file_says_steers_no_terminal_and_fills_none(tmp_path):
    path, odd = one_checkpoint(tmp_path / "run.safetensors"), "\x1b[2J\n" * 9000
    for changes in ({"training__settings__seed": odd}, {"training__settings": {odd: 1}}, {"format": odd}):
        one_checkpoint(path)
        rewrite(path, **changes)
        with pytest.raises(ValueError, match=r"run\.safetensors.*\\x1b\[2J\\n.*…") as caught:
            Run().train(resume=path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 2000
    _, path = save_small_net(tmp_path)
    rewrite(path, network__activation=odd)
    with pytest.raises(ValueError, match=r"unknown activation '\\x1b\[2J") as caught:
        ClassificationNet.load(path)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"checkpoint": "run.pt"}, ValueError, r"checkpoint must end in \.safetensors, got 'run\.pt'"),
        ({"checkpoint": "folder.safetensors"}, IsADirectoryError, "is a folder; checkpoint must be a file"),
        (
            {"checkpoint": "no/run.safetensors"},
            FileNotFoundError,
            "there is no folder .*no; make it, or correct",
        ),
        ({"checkpoint": 1}, TypeError, "checkpoint must be a path such as"),
        ({"checkpoint_every": 5}, ValueError, "checkpoint_every needs a checkpoint"),
        ({"checkpoint": "run.safetensors", "checkpoint_every": 0}, ValueError, "must be at least 1, got 0"),
        ({"checkpoint": "run.safetensors", "checkpoint_every": 0.5}, TypeError, "must be a whole number"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_said_before_training(
    tmp_path, monkeypatch, arguments, error, words
):
    monkeypatch.chdir(tmp_path)
    Path("folder.safetensors").mkdir()
    Run().train(epochs=1, checkpoint="good.safetensors")
    run, augment = Run(), Augment()
    theta = run.net.theta.copy()
    for more in ({}, {"resume": "good.safetensors"}):
        with pytest.raises(error, match=words):
            run.train(augment=augment, **arguments, **more)
    assert augment.batches == 0
    np.testing.assert_array_equal(run.net.theta, theta)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"augment": "flip"}, "augment must be a function such as flip_and_shift, got 'flip'"),
        ({"augment": flip_and_shift}, "augment changes images"),
        ({"seed": -1}, "train: seed must be a whole number of at least 0, .* got -1"),
        ({"keep_best": True}, "keep_best needs validate=True"),
        ({"checkpoint_every": 0}, "checkpoint_every must be at least 1"),
    ],
)
def test_a_refused_call_changes_no_file(tmp_path, arguments, words):
    paths = {name: {"checkpoint": tmp_path / f"{name}.safetensors"} for name in "ab"}
    with pytest.raises((TypeError, ValueError), match=words):
        train(small_net(), blobs(), SGD(0.1), progress=False, **paths["a"], **arguments)
    runs = {"a": (SGD(0.1), paths["a"]), "b": (SGD(0.1), {**paths["b"], **arguments})}
    with pytest.raises((TypeError, ValueError), match=words):
        compare_optimizers(small_net(), blobs(), runs, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (
            lambda path: Run().cut_after(3, path),
            r'holds a training that stands at step 3\. .* pass resume=".*" .*--resume.* to go on',
        ),
        (lambda path: Run().net.save(path), r"holds a network\. .* it: delete it, or name another path"),
        (lambda path: path.write_bytes(b"mine"), "no complete safetensors file .* delete it, or name"),
        (lambda path: one_checkpoint(path) and rewrite(path, format=2), "of another version of nn_helpers"),
    ],
)
def test_no_training_writes_over_what_it_did_not_go_on_from(tmp_path, put, words):
    path, other = (tmp_path / file for file in ("run.safetensors", "other.safetensors"))
    Run().train(epochs=1, checkpoint=other)
    put(path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    run = Run()
    for arguments in ({}, {"resume": other}):
        with pytest.raises(FileExistsError, match=f"{re.escape(str(path))}.* {words}"):
            run.train(checkpoint=path, **arguments)
    with pytest.raises(FileExistsError, match=words):
        compare_optimizers(
            run.net, colours(), {"a": SGD(0.1), "b": (SGD(0.1), {"checkpoint": path})}, progress=False
        )
    assert run.optimizer.t == 0
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_name_too_long_is_said_before_training_and_the_longest_is_not(tmp_path):
    path, augment = tmp_path / f"{'r' * 244}.safetensors", Augment()  # 256 characters: one too many
    with pytest.raises(OSError, match=r"train: checkpoint cannot be written: .*r\.safetensors'"):
        Run().train(checkpoint=path, augment=augment)
    with pytest.raises(OSError, match=r"save: path cannot be written: .*r\.safetensors'"):
        small_net().save(path)
    assert augment.batches == 0
    assert list(tmp_path.iterdir()) == []
    longest = path.with_name(path.name[1:])
    Run().train(checkpoint=longest)
    small_net().save(longest)
    assert list(tmp_path.iterdir()) == [longest]


def test_a_training_that_never_began_is_written_over(tmp_path):
    path = tmp_path / "run.safetensors"
    Run().cut_after(0, path)
    Run().train(checkpoint=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24}


@needs_known_homes
def test_a_home_folder_that_nobody_has_is_said(tmp_path):
    path = "~nobody-of-this-name/run.safetensors"
    for function, try_it in {
        "load: path": lambda: ClassificationNet.load(path),
        "save: path": lambda: small_net().save(path),
        "train: checkpoint": lambda: Run().train(checkpoint=path),
        "train: resume": lambda: Run().train(resume=path),
    }.items():
        with pytest.raises(FileNotFoundError, match=f"{function} is '~nobody.*no home folder is known"):
            try_it()
