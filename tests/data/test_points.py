"""Points in a plane."""

import numpy as np
import pytest

from nn_helpers import Adam, ArrayDataset, ClassificationNet, evaluate, points, train
from nn_helpers.data.points import POINTS


@pytest.mark.parametrize("kind", POINTS)
def test_points_are_a_data_set_in_a_plane_with_as_many_of_each_class(kind):
    data = points(kind, n_train=60, n_val=30)
    assert isinstance(data, ArrayDataset)
    assert data.name == kind
    assert data.train.images.shape == (60, 2)
    assert data.train.images.dtype == np.float32
    assert len(set(np.bincount(data.train.labels))) == 1
    assert len(set(np.bincount(data.val.labels))) == 1
    assert np.abs(data.train.images).max() < 5


@pytest.mark.parametrize("kind", POINTS)
def test_a_small_network_learns_them_and_softmax_regression_only_the_blobs(kind):
    data = points(kind, n_train=300, n_val=300, seed=1)
    accuracy = {}
    for hidden in ([], [16, 16]):
        net = ClassificationNet(2, hidden, POINTS[kind][1], seed=0)
        train(net, data, Adam(0.01), epochs=40, progress=False)
        accuracy[len(hidden)] = evaluate(net, data, "val")[1]
    assert accuracy[2] > 0.9
    assert (accuracy[0] > 0.9) == (kind == "blobs")


def test_the_same_seed_draws_the_same_points_and_another_seed_others():
    first, again, other = (points("moons", seed=seed).train.images for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_noise_points_lie_on_their_curve():
    x = points("circles", noise=0).train.images
    assert np.allclose(sorted(set(np.linalg.norm(x, axis=1).round(4))), [0.8, 2.0])


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="known: 'moons', 'spirals'"):
        points("squares")
    with pytest.raises(ValueError, match="n_train must be at least 3, got 2"):
        points("blobs", n_train=2)
    with pytest.raises(ValueError, match="noise must be at least 0"):
        points(noise=-1)
