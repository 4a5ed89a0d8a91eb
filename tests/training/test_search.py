"""`search` trains each configuration with each seed once, and never sees the test images."""

import re
from concurrent.futures import CancelledError
from contextlib import nullcontext

import numpy as np
import pytest

from nn_helpers import ClassificationNet, evaluate, load_images, points
from nn_helpers.__main__ import main
from nn_helpers.training import search as room
from nn_helpers.training.estimator import NetClassifier
from nn_helpers.training.search import configurations, fit, search, table

DATA = points("blobs", n_train=60, n_val=60)
QUICK = [{"hidden_sizes": (8,), "lr": lr, "batch_size": 8} for lr in (1e-5, 3e-2, 3e-3)]


def by_lr(found):
    return {each.configuration["lr"]: (each.epochs, each.scores.tolist()) for each in found}


@pytest.fixture(scope="module")
def found():
    return search(DATA, QUICK, epochs=5, seeds=2, jobs=1, progress=False)


def test_a_score_is_the_validation_accuracy_of_one_training(found):
    assert len(found) == 3
    for each in found:
        for seed, score in enumerate(each.scores):
            net = fit(NetClassifier(**each.configuration, epochs=5, random_state=seed), DATA).net_
            assert score == pytest.approx(evaluate(net, DATA, "val")[1])


def test_the_best_comes_first(found):
    means = [each.mean for each in found]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) == 3


def test_two_processes_find_the_same(found):
    assert by_lr(search(DATA, QUICK, epochs=5, seeds=2, jobs=2, progress=False)) == by_lr(found)


def test_the_test_images_are_not_taken_along(monkeypatch):
    seen = []

    def look(data, configuration, epochs, number, seed):
        seen.append(data)
        return number, seed, 0.5

    monkeypatch.setattr(room, "_train", look)
    images = load_images("sketches", quiet=True).subset(20, val=10)
    search(images, QUICK, jobs=1, progress=False)
    assert len(images.test) == 1000
    assert {len(data.test) for data in seen} == {0}
    assert {len(data.val) for data in seen} == {10}


def test_what_diverges_comes_last_and_is_called_so():
    wild = {"hidden_sizes": (8,), "optimizer": "sgd", "lr": 1e30}
    found = search(DATA, [wild, *QUICK], epochs=2, seeds=2, jobs=1, progress=False)
    assert found[-1].configuration == wild
    assert np.isnan(found[-1].scores).all()
    assert table(found).splitlines()[-1].split()[0] == "diverged"


@pytest.mark.parametrize(
    ("count", "epochs", "rungs"),
    [
        (16, 16, [(16, 2), (8, 4), (4, 8), (2, 16)]),
        (5, 20, [(5, 5), (3, 10), (2, 20)]),
        (8, 3, [(8, 1), (4, 3)]),
        (2, 7, [(2, 7)]),
        (1, 7, [(1, 7)]),
    ],
)
def test_halving_trains_half_as_many_twice_as_long(monkeypatch, count, epochs, rungs):
    trained = []

    def scores(data, configuration, epochs, number, seed):
        trained.append((number, epochs))
        return number, seed, number / 100

    monkeypatch.setattr(room, "_train", scores)
    found = search(
        DATA,
        [{"lr": n + 1} for n in range(count)],
        epochs=epochs,
        seeds=2,
        halving=True,
        jobs=1,
        progress=False,
    )
    for left, length in rungs:
        assert trained[: 2 * left : 2] == trained[1 : 2 * left : 2]  # two seeds
        assert sorted(trained[: 2 * left : 2]) == [(n, length) for n in range(count - left, count)]
        del trained[: 2 * left]
    assert trained == []
    assert [each.configuration["lr"] for each in found] == list(range(1, count + 1))[::-1]
    assert found[0].epochs == epochs


def test_a_grid_has_all_combinations_and_random_ones_lie_between():
    choices = {"lr": [1e-4, 1e-1], "dropout": [0.0, 0.1, 0.2]}
    grid = configurations(choices)
    assert len(grid) == 6
    assert {"lr": 1e-1, "dropout": 0.2} in grid
    drawn = configurations(choices, 400, seed=1)
    lr = np.array([each["lr"] for each in drawn])
    assert len(set(lr)) == 400
    assert ((lr >= 1e-4) & (lr <= 1e-1)).all()
    assert np.mean(lr < 10**-2.5) == pytest.approx(0.5, abs=0.08)  # half of the factors of 10
    assert {each["dropout"] for each in drawn} == {0.0, 0.1, 0.2}
    assert drawn == configurations(choices, 400, seed=1)


def test_a_penalty_of_0_is_drawn_beside_those_between_the_others():
    drawn = np.array([each["reg"] for each in configurations({"reg": [0, 1e-4, 1e-2]}, 400)])
    assert np.mean(drawn == 0) == pytest.approx(1 / 3, abs=0.08)
    assert ((drawn == 0) | (drawn >= 1e-4) & (drawn <= 1e-2)).all()
    assert len(set(drawn)) > 200
    assert {each["reg"] for each in configurations({"reg": [0, 1e-3]}, 20)} == {0, 1e-3}


def test_an_activation_for_each_layer_is_a_value_to_try():
    choices = {"hidden_sizes": [(8, 4)], "activation": ["relu", ["tanh", "relu"], ("relu", "tanh")]}
    assert [each["activation"] for each in configurations(choices)] == choices["activation"]
    each = {"activation": np.array(["tanh", "relu"]), "hidden_sizes": np.array([8, 4])}
    (tried,) = configurations({name: [value] for name, value in each.items()})
    found = search(DATA, [tried, {"hidden_sizes": (8,)}], epochs=1, seeds=1, jobs=1, progress=False)
    assert "tanh,relu" in table(found)
    assert "8,4" in table(found)
    with pytest.raises(ValueError, match="unknown activation 'relo'"):
        configurations({"activation": [["tanh", "relo"]]})
    with pytest.raises(ValueError, match="one for each hidden layer; got 2 for 1"):
        search(DATA, [{"hidden_sizes": (8,), "activation": ["tanh", "relu"]}])


def test_equal_configurations_are_trained_once(monkeypatch):
    trained = []
    monkeypatch.setattr(room, "_train", lambda *given: trained.append(given[1]) or (*given[3:], 0.5))
    twice = configurations({"lr": [0.1, 0.1, 0.2], "hidden_sizes": [(8,), (8,)]})
    assert len(search(DATA, twice, seeds=1, jobs=1, progress=False)) == 2
    assert trained == [{"lr": lr, "hidden_sizes": (8,)} for lr in (0.1, 0.2)]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"lr": [-1, 1]}, "lr must be"),
        ({"lr": [0, 1]}, "lr must be"),
        ({"reg": [-1, 1]}, "reg must be"),
        ({"dropout": [0.1, 1.0]}, "dropout must be"),
        ({"optimizer": ["adam", "eve"]}, "unknown optimizer 'eve'"),
        ({"hidden_sizes": (8, 0)}, "hidden_sizes"),
        ({"lr": []}, "the values of lr must be a list of at least one, got"),
        ({"lr": 0.1}, "the values of lr must be a list of at least one, got 0.1"),
        ({"optimizer": "adam"}, "the values of optimizer must be a list"),
        ({"epochs": [1, 2]}, "epochs is no setting to vary; there are activation, .* epochs and seeds"),
        ({"random_state": [1]}, "random_state is no setting .* seeds are arguments of search"),
        ({"learning_rate": [1]}, "learning_rate is no setting to vary"),
    ],
)
def test_values_that_no_training_takes_are_refused_drawn_or_not(choices, words):
    for count in (None, 1):
        with pytest.raises((ValueError, TypeError), match=words):
            configurations(choices, count)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"data": points("moons", n_val=0)}, "no validation part; write data.subset"),
        ({"configurations": []}, "configurations must be a list of dicts"),
        ({"configurations": None}, "configurations must be a list of dicts"),
        ({"configurations": {"lr": [0.1]}}, "configurations must be a list of dicts"),
        ({"configurations": [0.1]}, "configurations must be a list of dicts"),
        ({"configurations": [{"lr": -1}]}, "lr must be"),
        ({"configurations": [{"epochs": 3}]}, "epochs is no setting to vary"),
        ({"jobs": 0}, "jobs must be at least 1"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)
def test_what_makes_no_search_is_said(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        search(**{"data": DATA, "configurations": QUICK, **arguments}, progress=False)


def test_a_cluster_that_goes_away_is_told_in_words(monkeypatch):
    def gone(**_):
        raise CancelledError("scheduler-connection-lost")

    monkeypatch.setattr(room, "parallel_config", lambda *_, **__: nullcontext())
    monkeypatch.setattr(room, "Parallel", gone)
    with pytest.raises(ConnectionError, match="the cluster stopped: scheduler-connection-lost"):
        search(DATA, QUICK, client="a client", progress=False)
    with pytest.raises(CancelledError):
        search(DATA, QUICK, progress=False)


def test_the_command_prints_a_table_and_saves_the_best_network(tmp_path, capsys):
    path = tmp_path / "best.safetensors"
    given = "search --how grid --lr 1e-5 1e-3 --hidden 8 0 --seeds 2 --epochs 2 --images 64 --val 50"
    others = ["--save", str(path), "--data", "sketches", "--jobs", "1", "--quiet", "--test"]
    assert main([*given.split(), *others]) == 0
    _, _, head, *rows, saved, tested = capsys.readouterr().out.splitlines()
    assert head.split() == ["accuracy", "±", "error", "epochs", "hidden_sizes", "lr"]
    assert len(rows) == 4
    assert saved == f"Saved {path}"
    net = ClassificationNet.load(path)
    assert net.hidden_sizes in ([8], [])
    images = load_images("sketches", quiet=True).subset(64, val=50)
    assert float(re.search(r"([\d.]+)%$", tested)[1]) == pytest.approx(
        100 * evaluate(net, images)[1], abs=0.06
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--save best.txt", "must end in .safetensors"),
        ("--save /proc/best.safetensors", "--save cannot be written"),
        ("--val 0", "--val must be at least 1, got 0"),
        ("--count 0", "count must be at least 1, got 0"),
        ("--epochs 0", "--epochs must be at least 1"),
        ("--jobs 0", "--jobs must be at least 1"),
        ("--seed -1", "--seed must be at least 0"),
        ("--lr -1", "lr must be"),
        ("--lr -1 1", "lr must be"),
        ("--dropout 0 1.5", "dropout must be"),
        ("--scheduler nowhere", "--scheduler nowhere: no Dask cluster answers there"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong_before_it_draws(given, words, capsys, monkeypatch):
    monkeypatch.setattr("nn_helpers.__main__.load_images", None)
    if "scheduler" in given:
        pytest.importorskip("distributed")
    small = [
        "search",
        "--data",
        "sketches",
        "--images",
        "20",
        "--val",
        "10",
        "--jobs",
        "1",
        "--quiet",
        "--hidden",
        "0",
    ]
    assert main([*small, *given.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
