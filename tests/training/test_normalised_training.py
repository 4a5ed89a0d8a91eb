"""Running means in files: saved networks and checkpoints have them, and so have the best parameters."""

import json

import numpy as np
import pytest

from nn_helpers import Adam, ArrayDataset, ClassificationNet, evaluate, saving, train

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((90, 6)), rng.integers(3, size=90)

DATA = ArrayDataset(train=(X[:60], Y[:60]), val=(X[60:], Y[60:]))


def new_net(**options):
    options = {"normalise": True, "residual": True, **options}
    return ClassificationNet(6, (5, 5), 3, "tanh", dtype=np.float64, **options)


def trained(net, epochs=4, **options):
    train(net, DATA, Adam(0.02), epochs=epochs, batch_size=10, progress=False, **options)
    return net


def test_a_file_has_the_running_means_and_predicts_the_same(tmp_path):
    net = trained(new_net())
    net.save(tmp_path / "net.safetensors")
    loaded = ClassificationNet.load(tmp_path / "net.safetensors")
    assert np.array_equal(net.numbers, loaded.numbers)
    assert np.abs(loaded.arrays["mean2"]).max() > 0.01
    assert np.array_equal(net.logits(X), loaded.logits(X))
    assert (loaded.normalise, loaded.residual) == (True, True)


def test_a_plain_networks_file_says_nothing_new(tmp_path):
    path = tmp_path / "net.safetensors"
    new_net(normalise=False, residual=False).save(path)
    about, arrays = saving.read(path)
    assert about["network"].keys().isdisjoint({"normalise", "residual"})
    assert sorted(arrays) == ["W1", "W2", "W3", "b1", "b2", "b3"]


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_file_with_another_word_is_refused(tmp_path, value):
    path, net = tmp_path / "net.safetensors", new_net()
    about = saving.description(net)
    about["network"]["normalise"] = value
    saving.write(path, dict(net.arrays), json.loads(json.dumps(about)))
    with pytest.raises(ValueError, match=r"net\.safetensors: .*normalise must be True or False"):
        ClassificationNet.load(path)


def test_a_resumed_training_ends_with_the_same_numbers(tmp_path):
    path, whole, first, second = tmp_path / "run.safetensors", new_net(), new_net(), new_net()
    trained(whole, keep_best=True)
    trained(first, epochs=2, keep_best=True, checkpoint=path)
    trained(second, keep_best=True, checkpoint=path, resume=path)
    assert np.array_equal(whole.numbers, second.numbers)
    plain = new_net(normalise=False)
    with pytest.raises(ValueError, match="normalise is True there and missing here"):
        trained(plain, checkpoint=path, resume=path)


def test_the_best_parameters_come_with_their_running_means():
    net = new_net()
    history = train(net, DATA, Adam(0.1), epochs=8, batch_size=10, keep_best=True, progress=False)
    accuracies = history.epochs()["val_accuracy"]
    assert np.argmax(accuracies) < 7
    assert evaluate(net, DATA, "val")[1] == max(accuracies)
    at_best, epochs = new_net(), int(np.argmax(accuracies)) + 1
    train(at_best, DATA, Adam(0.1), epochs=epochs, batch_size=10, progress=False)
    assert np.array_equal(net.numbers, at_best.numbers)
