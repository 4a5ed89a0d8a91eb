import functools
import hashlib
import re
import time

import numpy as np
import pytest

from nn_helpers.data.dataset import CLASS_NAMES, Dataset
from nn_helpers.data.sketches import sketches

drawn = functools.cache(sketches)


@pytest.fixture(scope="module")
def data():
    return drawn(n_train=500, n_test=500, n_val=500)


def fingerprint(split):
    pixels = np.ascontiguousarray(split.images).tobytes()
    return hashlib.sha256(pixels + split.labels.astype("<i8").tobytes()).hexdigest()


# The committed lessons show these very pixels: a change here changes every committed output.
# The same hashes came out of NumPy 2.0.2 and 2.4.6, with AVX-512, with AVX2 only and with neither.
@pytest.mark.parametrize(
    ("n", "seed", "part", "expected"),
    [
        ((60, 50, 40), 0, "train", "d87d8ff413992844439dbf0bcca56317d32cc74a8b56c1041f250bd66df57dd5"),
        ((60, 50, 40), 0, "val", "f7e11689fe4264101a95e01612e3491cba9a4811a7002876240ea399a565f850"),
        ((60, 50, 40), 0, "test", "1a384ce138f45e4e2b6c3eaf78cb3d1e077e65d35de7aa3c8f7c40e28fe42756"),
        ((60, 50, 40), 7, "train", "bbc2543b930b48bfc160f2627f1484c1b86dcb576bc08816ce2d4e5dd935edee"),
        ((500, 500, 500), 0, "train", "50bbd52861e26cb8e86e1fa8b9bb77faa9ee8f58bb929aee5e0170f4f85a5044"),
        ((500, 500, 500), 0, "val", "9583d78461a735b6707857ab1575bfba2e0b497e36cdb7985f03216d80960900"),
        ((500, 500, 500), 0, "test", "6b7433ca12a687e0505307f899b9374a37557691104508e79135c323247252b9"),
    ],
)
def test_a_seed_draws_the_same_pixels_everywhere(n, seed, part, expected):
    n_train, n_test, n_val = n
    assert (
        fingerprint(getattr(drawn(n_train=n_train, n_test=n_test, n_val=n_val, seed=seed), part)) == expected
    )


def test_the_result_is_a_dataset_of_cifar10s_classes_and_shapes(data):
    assert isinstance(data, Dataset)
    assert data.name == "sketches"
    assert data.class_names == CLASS_NAMES
    for split in (data.train, data.val, data.test):
        assert split.images.dtype == np.uint8
        assert split.images.shape == (500, 32, 32, 3)
        assert split.images.flags.c_contiguous
        assert split.labels.dtype == np.int64
        assert split.labels.shape == (500,)


@pytest.mark.parametrize("n", [1, 30, 499])
def test_a_smaller_set_is_the_beginning_of_a_larger_one(data, n):
    small = sketches(n_train=n, n_test=n, n_val=n)
    for part in ("train", "val", "test"):
        assert np.array_equal(getattr(small, part).images, getattr(data, part).images[:n])
        assert np.array_equal(getattr(small, part).labels, getattr(data, part).labels[:n])


def test_a_larger_set_goes_on_with_new_images(data, default_sketches):
    large = default_sketches.train[:1001].images
    assert np.array_equal(large[:500], data.train.images)
    assert len(np.unique(large.reshape(1001, -1), axis=0)) == 1001


def test_how_many_images_one_part_has_changes_no_other_part(data):
    other = sketches(n_train=20, n_test=700, n_val=0)
    assert np.array_equal(other.train.images, data.train.images[:20])
    assert np.array_equal(other.test.images[:500], data.test.images)


def test_no_image_appears_twice_in_any_two_parts(data):
    every = np.concatenate([data.train.images, data.val.images, data.test.images]).reshape(1500, -1)
    assert len(np.unique(every, axis=0)) == 1500


def test_the_parts_differ_in_their_labels_too(data):
    assert not np.array_equal(data.train.labels, data.test.labels)
    assert not np.array_equal(data.train.labels, data.val.labels)


def test_another_seed_draws_other_images_in_another_order(data):
    other = sketches(n_train=500, n_test=0, seed=1)
    assert not (other.train.images == data.train.images).all(axis=(1, 2, 3)).any()
    assert not np.array_equal(other.train.labels, data.train.labels)


def test_a_seed_may_be_a_numpy_integer_or_larger_than_64_bits(data):
    assert np.array_equal(sketches(5, 0, seed=np.int64(0)).train.images, data.train.images[:5])
    assert len(sketches(5, 0, seed=2**80).train) == 5


def test_every_ten_images_show_each_class_once(data):
    for split in (data.train, data.val, data.test):
        assert (np.sort(split.labels.reshape(-1, 10), axis=1) == np.arange(10)).all()


def test_the_ten_classes_come_in_a_new_order_each_time(data):
    assert len(np.unique(data.train.labels.reshape(-1, 10), axis=0)) == 50


@pytest.mark.parametrize("n", [7, 503, 1009])
def test_any_number_of_images_is_balanced_within_one(default_sketches, n):
    counts = np.bincount(default_sketches.train[:n].labels, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_no_image_is_blank(data):
    grey = data.train.images.mean(axis=3)
    assert grey.std(axis=(1, 2)).min() > 8


def test_few_pixels_are_washed_out_or_drowned(data):
    assert (data.train.images == 255).mean() < 0.05
    assert (data.train.images == 0).mean() < 0.05


def test_the_images_are_neither_dark_nor_pale_on_average(data):
    mean, std = data.mean_and_std
    assert (mean > 90).all()
    assert (mean < 165).all()
    assert (std > 30).all()


def test_each_class_has_its_own_mean_image(data):
    images, labels = data.train.images.astype(float), data.train.labels
    means = np.array([images[labels == c].mean(axis=0) for c in range(10)])
    for c in range(10):
        for other in range(c):
            assert np.sqrt(((means[c] - means[other]) ** 2).mean()) > 5


def test_images_of_one_class_vary(data):
    images, labels = data.train.images.astype(float), data.train.labels
    for c in range(10):
        assert images[labels == c].std(axis=0).mean() > 25


def test_500_images_are_too_few_for_a_linear_classifier_but_not_hopeless(default_sketches):
    data = default_sketches.subset(500)
    x = data.standardise(data.train.images, dtype=np.float64)
    kernel, test = x @ x.T, data.standardise(data.test.images, dtype=np.float64) @ x.T
    for ridge in (1e-6, 1, 10):  # least squares on one-hot labels, solved in the space of the images
        penalty = ridge * x.shape[1] * np.eye(len(x))
        scores = test @ np.linalg.solve(kernel + penalty, np.eye(10)[data.train.labels] - 0.1)
        assert 0.2 < (scores.argmax(axis=1) == data.test.labels).mean() < 0.6


def test_colour_alone_does_not_give_the_class_away(data):
    colours = (
        data.train.images.reshape(500, -1, 3).mean(axis=1),
        data.test.images.reshape(500, -1, 3).mean(axis=1),
    )
    distance = ((colours[1][:, None] - colours[0]) ** 2).sum(axis=2)
    nearest = data.train.labels[distance.argmin(axis=1)]
    assert (nearest == data.test.labels).mean() < 0.3


def test_the_default_is_5000_training_and_1000_test_images_in_seconds_not_minutes(timed_sketches):
    default, seconds = timed_sketches
    assert (len(default.train), len(default.val), len(default.test)) == (5000, 0, 1000)
    assert seconds < 6


@pytest.mark.parametrize("name", ["n_train", "n_test", "n_val", "seed"])
@pytest.mark.parametrize("value", [2.5, 3.0, "3", None, True, np.array([3])])
def test_a_number_that_is_not_whole_is_refused(name, value):
    message = rf"sketches: {name} must be a whole number, got {re.escape(repr(value))}"
    with pytest.raises(TypeError, match=message):
        sketches(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("n_train", 0, 1), ("n_train", -3, 1), ("n_test", -1, 0), ("n_val", -1, 0), ("seed", -1, 0)],
)
def test_a_number_too_small_is_refused(name, value, least):
    with pytest.raises(ValueError, match=f"sketches: {name} must be at least {least}, got {value}"):
        sketches(**{name: value})


def test_bad_input_is_refused_before_anything_is_drawn():
    start = time.perf_counter()
    with pytest.raises(ValueError, match="seed"):
        sketches(n_train=10**9, seed=-1)
    assert time.perf_counter() - start < 1
