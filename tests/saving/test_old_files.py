"""Files that version 0.1.0 wrote are still read, and the trainings in them still go on.

They are in files_of_0_1_0. `net.save` wrote network.safetensors, of the network in the first test. The
others are checkpoints of `train(net, data, optimizer, checkpoint=path, **options)`, with what `TRAININGS`
says of each; adam with ``checkpoint_every=4``, adamw with ``checkpoint_every=5``. They are as a process
would have left them that ended soon after the step in `STOPPED`: for adam and adamw that is in the middle
of an epoch.
"""

import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest

from nn_helpers import (
    Adam,
    AdamW,
    ArrayDataset,
    ClassificationNet,
    CosineWithWarmup,
    Momentum,
    evaluate,
    points,
    train,
)

FILES = Path(__file__).with_name("files_of_0_1_0")
STOPPED = {"adam": 8, "adamw": 15, "momentum": 10}
CHECKSUMS = {"adam": "ade2f0e6", "adamw": "8ef232f2", "momentum": "47d940a5"}  # of the weights
BEST = {"adamw": 28 / 30, "momentum": 0.5}  # validation accuracy up to there
# Of all steps of adam, as they are when it is not stopped.
LOSSES = [
    0.7623184591, 0.740071193, 0.7690674495, 0.7094643823, 0.7097517017,
    0.677433675, 0.6608148184, 0.6795911046, 0.6149008457, 0.6127145686,
    0.5926723145, 0.6357714747, 0.6004872859, 0.5214210844, 0.5521469774,
]  # fmt: skip


def rounded(kind, n_train, n_val, dtype):
    """Points that are the same on every machine, to the last bit."""
    data = points(kind, n_train, n_val, dtype=np.float64)
    parts = [
        (np.round(part.images, 2).astype(dtype), part.labels.astype(np.int64))
        for part in (data.train, data.val)
    ]
    return ArrayDataset(*parts)


TRAININGS = {
    "adam": lambda: (
        ClassificationNet(2, [6, 5], 2, reg=1e-3, dtype="float64", seed=1),
        rounded("moons", 40, 20, np.float64),
        Adam(0.01),
        {"epochs": 3, "batch_size": 8, "seed": 2},
    ),
    "adamw": lambda: (
        ClassificationNet(2, [8], 3, "leaky_relu", init="xavier", seed=3, dropout=0.2),
        rounded("blobs", 60, 30, np.float32),
        AdamW(CosineWithWarmup(0.05, 24, 4), weight_decay=0.05),
        {"epochs": 4, "batch_size": 10, "seed": 4, "keep_best": True},
    ),
    "momentum": lambda: (
        ClassificationNet(2, [8], 2, "sigmoid", init="xavier", seed=5, dropout=0.3),
        rounded("circles", 40, 20, np.float32),
        Momentum(0.5, 0.8),
        {"epochs": 4, "batch_size": 8, "seed": 6, "keep_best": True},
    ),
}


def resumed(name, folder):
    """Go on with a copy of an old checkpoint; return the network, its data and the history."""
    path = shutil.copy(FILES / f"{name}.safetensors", folder)
    net, data, optimizer, options = TRAININGS[name]()
    history = train(net, data, optimizer, checkpoint=path, resume=path, progress=False, **options)
    return net, data, history


def test_a_saved_network_is_loaded_as_it_was():
    net = ClassificationNet.load(FILES / "network.safetensors")
    expected = ClassificationNet(3, [5, 4], 2, "tanh", 0.01, lambda D, M: 0.5, "float32", dropout=0.25)
    expected.theta = np.arange(expected.theta.size) / 100 - 0.3
    np.testing.assert_array_equal(net.theta, expected.theta)
    assert net.config == {**expected.config, "init": "custom"}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_checkpoint_is_loaded_as_the_network_of_its_last_step(name):
    net, _, _, _ = TRAININGS[name]()
    loaded = ClassificationNet.load(FILES / f"{name}.safetensors")
    assert loaded.config == net.config
    assert f"{zlib.crc32(loaded.theta):08x}" == CHECKSUMS[name]


def test_a_training_goes_on_from_the_middle_of_an_epoch_as_if_it_had_never_stopped(tmp_path):
    _, _, history = resumed("adam", tmp_path)
    np.testing.assert_allclose([record.loss for record in history.records], LOSSES, rtol=1e-6)
    assert [record.step for record in history.records] == list(range(1, 16))


@pytest.mark.parametrize("name", BEST)
def test_a_training_that_keeps_the_best_goes_on_with_the_best_so_far(name, tmp_path):
    net, data, history = resumed(name, tmp_path)
    _, _, _, options = TRAININGS[name]()
    epochs = history.epochs()
    assert history.stopped is None
    assert len(epochs["epoch"]) == options["epochs"]
    before = [record.val_accuracy for record in history.records[: STOPPED[name]] if record.epoch_ends]
    assert max(before) == pytest.approx(BEST[name])
    one_point = 1 / len(data.val)
    assert evaluate(net, data, "val")[1] == pytest.approx(max(epochs["val_accuracy"]), abs=1.1 * one_point)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_takes_up_its_steps_where_they_ended(name, tmp_path):
    path = shutil.copy(FILES / f"{name}.safetensors", tmp_path)
    net, data, optimizer, options = TRAININGS[name]()
    made, step = [], optimizer.step
    optimizer.step = lambda theta, gradient: made.append(optimizer.t + 1) or step(theta, gradient)
    history = train(net, data, optimizer, resume=path, progress=False, **options)
    assert made == list(range(STOPPED[name] + 1, len(history) + 1))
