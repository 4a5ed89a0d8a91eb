"""A network, its data and its optimizer made of the learner's functions train to the library's numbers."""

import inspect

import numpy as np
import pytest

from nn_helpers import (
    ClassificationNet,
    CosineWithWarmup,
    flip_and_shift,
    layers,
    make_optimizer,
    relative_error,
    sketches,
    train,
)
from nn_helpers.__main__ import main
from nn_helpers.exercises import my_network
from nn_helpers.exercises.mine import EXERCISES, MyNetwork
from nn_helpers.exercises.portfolio import FILE, HEADER

ANSWERS = {name: inspect.getsource(exercise.answer) for name, exercise in EXERCISES.items()}
ALL = len(EXERCISES)
OF_THE_NETWORK = ["affine_forward", "affine_backward", "relu_forward", "relu_backward", "softmax"]
OF_THE_NETWORK += ["cross_entropy", "dropout_forward", "net_forward", "net_backward", "l2_gradient"]


def write(folder, **changed):
    """Write a work copy with all answers as the learner's, but for what is `changed`."""
    (folder / ".nn_helpers").mkdir(parents=True, exist_ok=True)
    sources = {**ANSWERS, **changed}
    (folder / FILE).write_text("\n\n".join([HEADER, *sources.values()]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return my_network(write(tmp_path_factory.mktemp("my_lessons")))


@pytest.fixture(scope="module")
def data():
    return sketches(n_train=160, n_test=20).subset(96, val=32)


def both(mine, data, rule, lr, *, net, **options):
    """Train the library's network and the learner's alike; return pairs of (net, history)."""
    nets = (
        ClassificationNet(hidden_sizes=[12, 8], dtype=np.float64, **net),
        mine.net([12, 8], dtype=np.float64, **net),
    )
    optimizers = make_optimizer(rule, lr), mine.optimizer(rule, lr)
    datasets, augments = (data, mine.data(data)), (flip_and_shift, mine.augment)
    if not options.pop("augment", False):
        augments = None, None
    return [
        (net, train(net, d, optimizer, augment=augment, progress=False, epochs=2, **options))
        for net, optimizer, d, augment in zip(nets, optimizers, datasets, augments, strict=True)
    ]


def test_all_are_the_learner_s(mine):
    assert len(mine.yours) == len(EXERCISES)
    assert str(mine) == f"{ALL} of {ALL} functions at work are yours."
    assert mine.net().functions_of_your_own == OF_THE_NETWORK
    assert mine.functions.keys() == EXERCISES.keys()
    assert mine.gradient_error() < 1e-7


@pytest.mark.parametrize(
    ("rule", "lr", "net", "options"),
    [
        ("sgd", 0.1, {"seed": 1}, {"batch_size": None}),
        ("sgd", 0.05, {"reg": 0.3, "seed": 4}, {"threads": 2, "batch_size": 32}),
        ("momentum", 0.01, {"activation": "sigmoid", "reg": 0.1}, {"drop_last": False, "batch_size": 10}),
        ("rmsprop", 1e-3, {"dropout": 0.3}, {"augment": True, "batch_size": 16, "seed": 5}),
        ("adam", 1e-3, {"reg": 0.1}, {"augment": True, "batch_size": 16}),
        (
            "adamw",
            CosineWithWarmup(1e-3, 12, 2),
            {"activation": "tanh"},
            {"batch_size": 16, "shuffle": False},
        ),
        ("adam", 1e-3, {"init": "xavier", "dropout": 0.2}, {"threads": 3, "batch_size": 48}),
        ("adam", 1e-3, {"normalise": True, "reg": 0.1}, {"batch_size": 16}),
    ],
)
def test_it_trains_to_the_same_numbers(mine, data, rule, lr, net, options):
    (ours, history), (yours, own) = both(mine, data, rule, lr, net=net, **options)
    assert relative_error(ours.theta, yours.theta) < 1e-10
    records = history.records, own.records
    for name in ("loss", "reg_loss", "accuracy", "val_loss", "lr"):
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(*records, strict=True)]
        pairs = [pair for pair in pairs if None not in pair]
        assert np.allclose(*zip(*pairs, strict=True), rtol=1e-10)


def test_the_learner_s_functions_do_the_work(tmp_path, data):
    called = set()
    mine = my_network(write(tmp_path))

    def watched(name, f):
        def watch(*args):
            called.add(name)
            return f(*args)

        return watch

    mine = MyNetwork({name: watched(name, f) for name, f in mine.yours.items()}, {})
    for options in ({}, {"activation": "sigmoid"}, {"dropout": 0.1}, {"normalise": True}):
        net = mine.net([4], reg=0.1, **options)
        for rule in ("sgd", "momentum", "rmsprop", "adam", "adamw"):
            optimizer = mine.optimizer(rule, mine.schedule(1e-3, 100, 1))
            train(net, mine.data(data), optimizer, epochs=1, augment=mine.augment, progress=False)
    mine.gradient_error()
    assert called == EXERCISES.keys() - {"temperature_softmax", "log_softmax", "confusion_matrix"}


def test_copies_and_replicas_stay_the_learner_s(mine):
    net = mine.net([4], reg=0.1)
    for other in (net.copy(), net.replica()):
        assert other.functions_of_your_own == net.functions_of_your_own
    assert ClassificationNet().functions_of_your_own == []


def test_a_training_of_the_learner_s_functions_can_be_resumed(mine, data, tmp_path):
    def run(epochs, **options):
        net = mine.net([6], reg=0.1, seed=3)
        optimizer = mine.optimizer("adamw", 1e-3, weight_decay=0.1)
        options |= {"augment": mine.augment, "progress": False, "epochs": epochs}
        train(net, mine.data(data), optimizer, **options)
        return net

    path = tmp_path / "run.safetensors"
    run(1, checkpoint=path)
    resumed = run(2, resume=path)
    assert np.array_equal(resumed.theta, run(2).theta)
    assert ClassificationNet.load(path).hidden_sizes == [6]


# Some are missing


def test_what_is_missing_is_the_library_s(tmp_path, data):
    folder = write(
        tmp_path, adam_step="", flip="def flip(images, rng):\n    return images\n", softmax="def s(:"
    )
    mine = my_network(folder)
    assert str(mine).splitlines() == [
        f"{ALL - 4} of {ALL} functions at work are yours.",
        "The library's stand in for",
        f"  softmax, adam_step: yours is not in {FILE} yet",
        "  flip, adamw_step: check says what is wrong with yours",  # which calls adam_step
    ]
    (ours, _), (yours, _) = both(mine, data, "adam", 1e-3, net={"reg": 0.1}, augment=True)
    assert relative_error(ours.theta, yours.theta) < 1e-10
    assert type(mine.optimizer("adam", 1e-3)).__name__ == "Adam"


def test_half_a_pair_waits_for_the_other_half(tmp_path, data):
    mine = my_network(write(tmp_path, relu_backward="", net_forward="", affine_forward=""))
    assert {name for name in mine.reasons if "waits" in mine.reasons[name]} == {
        "relu_forward", "net_backward", "affine_backward",
    }  # fmt: skip
    assert mine.reasons["relu_forward"] == "yours waits for a relu_backward of yours that goes with it"
    assert mine.net().functions_of_your_own == [
        *("softmax", "cross_entropy", "dropout_forward", "l2_gradient")
    ]
    (ours, _), (yours, _) = both(mine, data, "adam", 1e-3, net={"reg": 0.1})
    assert relative_error(ours.theta, yours.theta) < 1e-10


def test_two_halves_that_do_not_go_together_are_not_used_together(tmp_path):
    mine = my_network(
        write(
            tmp_path,
            relu_forward="def relu_forward(z):\n    return np.maximum(0, z), z > 0\n",
            relu_backward="def relu_backward(da, cache):\n    return da * (np.sign(cache) > 0)\n",
        )
    )
    assert "relu_forward" not in mine.yours
    assert mine.functions["relu_forward"] is layers.relu_forward
    assert mine.gradient_error() < 1e-7


def test_without_a_work_copy_all_is_the_library_s(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NN_HELPERS_MY_LESSONS", raising=False)
    mine = my_network()
    assert str(mine) == (
        f"0 of {ALL - 2} functions at work are yours. "
        "The library's stand in for them (there is no work copy here)."
    )
    (ours, _), (yours, _) = both(mine, data, "adam", 1e-3, net={"reg": 0.1}, augment=True)
    assert np.array_equal(ours.theta, yours.theta)
    assert mine.gradient_error() < 1e-7


@pytest.mark.parametrize("text", ["", "(" * 1000, "x" * 200_000, "def relu_forward(z):\n    return 3\n"])
def test_a_damaged_file_leaves_the_library_s(tmp_path, text):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    assert str(my_network(tmp_path)).startswith(f"0 of {ALL - 2} functions at work are yours.")


def test_batch_normalisation_counts_from_when_it_is_there(tmp_path):
    without = {"batchnorm_forward": "", "batchnorm_backward": ""}
    assert (
        str(my_network(write(tmp_path, **without))) == f"{ALL - 2} of {ALL - 2} functions at work are yours."
    )
    half = my_network(write(tmp_path, batchnorm_backward=""))
    assert str(half).splitlines() == [
        f"{ALL - 2} of {ALL - 1} functions at work are yours.",
        "The library's stand in for",
        "  batchnorm_forward: yours waits for a batchnorm_backward of yours that goes with it",
    ]
    assert half.net([4], normalise=True).functions["batchnorm_forward"] is layers.batchnorm_forward
    wrong = my_network(write(tmp_path, batchnorm_backward="def batchnorm_backward(dy, cache:"))
    assert "batchnorm_backward: " in str(wrong)


# In a terminal

QUICK = ["train", "--epochs", "1", "--quiet", "--images", "64", "--val", "16", "--hidden", "8"]


@pytest.fixture
def few(data, monkeypatch):
    monkeypatch.setattr("nn_helpers.__main__.load_images", lambda name: data)


def rows(capsys):
    """Return the table without seconds."""
    out = capsys.readouterr().out
    return out, [line.split()[:2] + line.split()[3:] for line in out.splitlines() if "%" in line]


@pytest.mark.parametrize("place", [".", "my_lessons"])
def test_train_mine(tmp_path, monkeypatch, capsys, few, place):
    write(tmp_path / place)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NN_HELPERS_MY_LESSONS", raising=False)
    tables = []
    options = ["--optimizer", "gd", "momentum", "adamw", "--augment", "--schedule", "cosine", "--reg", "0.1"]
    for also in ([], ["--mine"]):
        assert main([*QUICK, *options, *also]) == 0
        out, table = rows(capsys)
        assert out.startswith(f"{ALL} of {ALL} functions at work are yours.\n") == bool(also)
        tables.append(table)
    assert tables[0] == tables[1]
    assert len(tables[0]) == 3


def test_train_mine_needs_a_work_copy(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NN_HELPERS_MY_LESSONS", raising=False)
    assert main([*QUICK, "--mine"]) == 2
    assert (
        "--mine: my_lessons is no work copy of the lessons; go to where yours is" in capsys.readouterr().err
    )


def test_what_is_no_folder_is_said_not_to_be_one():
    with pytest.raises(TypeError, match="my_network: folder must be a path"):
        my_network([64, 64])
