"""Datasets and splits: what they hold, refuse, and how images become what a network takes."""

import warnings

import numpy as np
import pytest

from nn_helpers import Dataset, Split, load_images
from nn_helpers.data import CLASS_NAMES


def split(N=20, seed=0, size=4):
    rng = np.random.default_rng(seed)
    return Split(rng.integers(256, size=(N, size, size, 3), dtype=np.uint8), np.arange(N) % 10)


def dataset(N=20, **parts):
    return Dataset("noise", split(N), **parts)


def test_a_dataset_has_three_parts_and_the_ten_classes():
    data = dataset(val=split(3), test=split(5))
    assert [len(part) for part in (data.train, data.val, data.test)] == [20, 3, 5]
    assert data.class_names == CLASS_NAMES
    assert data.num_classes == 10
    assert data.input_size == 48
    assert repr(data) == "Dataset('noise': 20 training, 3 validation, 5 test images 4×4×3, 10 classes)"
    assert repr(data.val) == "Split(3 images 4×4×3)"


def test_parts_left_out_are_empty():
    assert len(dataset().val) == len(dataset().test) == 0


def test_the_html_shows_every_class_by_name_and_images_with_alternative_text():
    html = dataset(N=5)._repr_html_()
    for name in CLASS_NAMES:
        assert f"<td>{name}</td>" in html
    assert html.count("<img ") == 5
    assert 'alt="airplane"' in html
    awkward = Dataset("a<b", split(2), class_names=("<script>", "&"))._repr_html_()
    assert "<script>" not in awkward
    assert "a<b" not in awkward


# --- subset ------------------------------------------------------------------------------------------


def test_one_percent_of_50_000_is_500():
    images = np.zeros((50_000, 1, 1, 3), np.uint8)
    data = Dataset("big", Split(images, np.zeros(50_000, int)))
    assert len(data.subset(0.01).train) == 500


def test_a_subset_is_the_first_images_and_validation_the_next():
    data = dataset(test=split(5))
    small = data.subset(4, val=3)
    np.testing.assert_array_equal(small.train.images, data.train.images[:4])
    np.testing.assert_array_equal(small.val.labels, data.train.labels[4:7])
    assert len(small.test) == 5
    assert len(data.train) == 20
    assert len(data.subset(1.0).train) == 20


def test_a_subset_by_seed_is_random_repeatable_and_disjoint_from_its_validation():
    data = dataset()
    a, b = data.subset(6, val=6, seed=1), data.subset(6, val=6, seed=1)
    np.testing.assert_array_equal(a.train.images, b.train.images)
    assert (a.train.images != data.train.images[:6]).any()
    rows = {image.tobytes() for image in a.train.images} & {image.tobytes() for image in a.val.images}
    assert not rows


def test_a_subset_keeps_the_validation_part_unless_a_new_one_is_asked_for():
    data = dataset(val=split(3, seed=5))
    np.testing.assert_array_equal(data.subset(4).val.images, data.val.images)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0,), ValueError, "0 training and 0 validation images asked for; there are 20"),
        ((21,), ValueError, "there are 20 training images"),
        ((15, 6), ValueError, "15 training and 6 validation"),
        ((1.5,), ValueError, r"a fraction lies in \(0, 1\], got 1.5"),
        ((0.0,), ValueError, "a fraction lies in"),
        ((0.01,), ValueError, "0 training"),
        (("4",), TypeError, "a number of images or a fraction, got '4'"),
        ((True,), TypeError, "a number of images or a fraction"),
        ((4, 0.5), TypeError, "val must be a number of images, got 0.5"),
        ((4, -1), ValueError, "-1 validation"),
    ],
)
def test_subsets_that_cannot_be_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        dataset().subset(*arguments)


# --- standardise -------------------------------------------------------------------------------------


def test_standardised_training_images_have_mean_0_and_standard_deviation_1_in_each_colour():
    data = dataset(N=300)
    x = data.standardise(data.train.images, dtype=np.float64).reshape(300, -1, 3)
    np.testing.assert_allclose(x.mean(axis=(0, 1)), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=(0, 1)), 1, rtol=1e-12)


def test_other_parts_are_standardised_with_the_training_images_mean_and_deviation():
    data = dataset(test=Split(np.full((2, 4, 4, 3), 200, np.uint8), np.array([0, 1])))
    mean, std = data.train.images.mean(axis=(0, 1, 2)), data.train.images.std(axis=(0, 1, 2))
    x = data.standardise(data.test.images, dtype=np.float64)
    np.testing.assert_allclose(
        x.reshape(2, 16, 3), np.broadcast_to((200 - mean) / std, (2, 16, 3)), rtol=1e-12
    )


def test_mean_and_deviation_are_those_of_numpy_over_more_than_one_block():
    data = dataset(N=2300)
    mean, std = data.mean_and_std
    np.testing.assert_allclose(mean, data.train.images.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, data.train.images.std(axis=(0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_the_one_asked_for_and_out_is_written_to(dtype):
    data = dataset()
    x = data.standardise(data.train.images, dtype=dtype)
    assert x.dtype == dtype
    out = np.empty((20, 48), dtype)
    assert data.standardise(data.train.images, out=out) is out
    np.testing.assert_array_equal(out, x)


def test_no_images_are_no_rows():
    data = dataset()
    assert data.standardise(data.val.images).shape == (0, 48)


def test_images_of_one_colour_make_no_division_by_zero():
    data = Dataset("grey", Split(np.full((3, 4, 4, 3), 7, np.uint8), np.arange(3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not data.standardise(data.train.images).any()


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        (
            np.zeros((2, 4, 4, 3)),
            TypeError,
            r"must be uint8 \(N, 4, 4, 3\) as in data.train.images, got float64",
        ),
        (np.zeros((4, 4, 3), np.uint8), ValueError, r"for one image write images\[0:1\]"),
        (np.zeros((2, 5, 5, 3), np.uint8), ValueError, r"must have shape \(N, 4, 4, 3\), got \(2, 5, 5, 3\)"),
        (np.zeros((2, 48), np.uint8), ValueError, r"got \(2, 48\)"),
        ([[1]], TypeError, "must be uint8"),
    ],
)
def test_what_is_no_image_of_this_kind_is_refused(images, error, words):
    with pytest.raises(error, match=words):
        dataset().standardise(images)


def test_standardising_to_whole_numbers_is_refused():
    with pytest.raises(TypeError, match="dtype must be float32 or float64, got int64"):
        dataset().standardise(split().images, dtype=np.int64)


# --- as other programs have them ---------------------------------------------------------------------


IMAGES = split(4, size=32).images
GREY = np.repeat(IMAGES[..., :1], 3, axis=3)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (list(IMAGES), IMAGES),
        (IMAGES.tolist(), IMAGES),
        (IMAGES / 255, IMAGES),
        ((IMAGES / 255).astype(np.float32), IMAGES),
        (IMAGES.astype(np.int64), IMAGES),
        ((IMAGES > 99).astype(np.int64), 255 * (IMAGES > 99)),
        (IMAGES.astype(float), IMAGES),
        (IMAGES.transpose(0, 3, 1, 2), IMAGES),
        (IMAGES.transpose(0, 3, 1, 2) / 255, IMAGES),
        (IMAGES.transpose(0, 3, 1, 2).reshape(4, 3072), IMAGES),
        (np.concatenate([IMAGES, IMAGES[..., :1]], axis=3), IMAGES),
        (GREY[..., 0], GREY),
        (GREY[..., :1], GREY),
        (IMAGES[0], IMAGES[:1]),
    ],
)
def test_images_become_right_by_following_what_the_errors_say(given, expected):
    for _ in range(3):
        try:
            given = Split(given, np.arange(len(expected))).images
            break
        except (TypeError, ValueError) as error:
            given = eval(str(error).partition("write ")[2], {"np": np, "images": given})
    np.testing.assert_array_equal(given, expected)
    assert given.dtype == np.uint8


@pytest.mark.parametrize(
    "given", [[2, 0, 1, 0], np.array([2.0, 0, 1, 0]), np.eye(3)[[2, 0, 1, 0]], np.array(["c", "a", "b", "a"])]
)
def test_labels_become_right_by_following_what_the_error_says(given):
    names = {"np": np, "labels": given}
    with pytest.raises(TypeError, match=r"Split: labels must be an array of integers, got .*; ") as caught:
        Split(IMAGES, given)
    code = str(caught.value).partition("write ")[2]
    exec(code if " = " in code else f"labels = {code}", names)
    np.testing.assert_array_equal(Split(IMAGES, names["labels"]).labels, [2, 0, 1, 0])


# --- what does not fit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "labels", "error", "words"),
    [
        (np.zeros((2, 4, 4, 3)), np.zeros(2, int), TypeError, "images must be a uint8 array, got float64"),
        ([1], np.zeros(1, int), TypeError, "images must be a uint8 array"),
        (np.zeros((2, 4, 4), np.uint8), np.zeros(2, int), ValueError, "images must have shape"),
        (np.zeros((2, 3, 4, 4), np.uint8), np.zeros(2, int), ValueError, "height, width, 3"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros(2), TypeError, "array of integers, got float64"),
        (
            np.zeros((2, 4, 4, 3), np.uint8),
            np.zeros(3, int),
            ValueError,
            r"labels must have shape \(2,\), one for each image, got \(3,\)",
        ),
    ],
)
def test_splits_that_cannot_be_are_refused(images, labels, error, words):
    with pytest.raises(error, match=words):
        Split(images, labels)


def test_datasets_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="the training part is empty"):
        Dataset("none", split(0))
    with pytest.raises(ValueError, match="labels go from 0 to 9, but those of 2 classes go from 0 to 1"):
        Dataset("two", split(), class_names=("a", "b"))
    with pytest.raises(ValueError, match="val images are 5×5×3, training images 4×4×3"):
        dataset(val=split(size=5))
    with pytest.raises(TypeError, match=r"for example split\[3:4\]"):
        split()[3]


# --- load_images -------------------------------------------------------------------------------------


@pytest.fixture
def no_wish(monkeypatch):
    monkeypatch.delenv("NN_HELPERS_DATA", raising=False)


@pytest.mark.usefixtures("no_wish")
def test_lessons_get_sketches_unless_they_ask_and_are_told_so(default_sketches, monkeypatch, capsys):
    monkeypatch.setattr("nn_helpers.data.sketches", lambda: default_sketches)
    assert load_images() is default_sketches
    assert "5,000 training" in capsys.readouterr().out
    load_images(quiet=True)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("no_wish")
def test_cifar10_is_taken_when_asked_for_by_argument_or_by_environment(
    default_sketches, monkeypatch, tmp_path
):
    monkeypatch.setattr("nn_helpers.data.sketches", lambda: default_sketches)
    monkeypatch.setenv("CIFAR10_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="CIFAR-10"):
        load_images("cifar10")
    monkeypatch.setenv("NN_HELPERS_DATA", "cifar10")
    with pytest.raises(FileNotFoundError, match="CIFAR-10"):
        load_images()
    assert load_images("sketches", quiet=True) is default_sketches


def test_an_unknown_data_set_is_refused_with_the_known_ones(monkeypatch):
    with pytest.raises(ValueError, match=r"\(from which\) 'mnist'; known: 'sketches', 'cifar10'"):
        load_images("mnist")
    monkeypatch.setenv("NN_HELPERS_DATA", "CIFAR100")
    with pytest.raises(ValueError, match="environment variable NN_HELPERS_DATA"):
        load_images()


def test_names_of_classes_need_an_order_and_numbers_become_text():
    for names in (set("abcdefghij"), frozenset("abcdefghij"), dict(enumerate("abcdefghij"))):
        with pytest.raises(TypeError, match="class_names must be a list"):
            dataset(class_names=names)
    data = dataset(class_names=np.arange(1, 11))
    assert data.class_names[0] == "1"
    assert "<td>10</td>" in data._repr_html_()


def test_one_row_of_labels_is_not_taken_for_one_hot_rows():
    whole = split()
    with pytest.raises(ValueError, match=r"one for each image, got \(1, 20\)$"):
        Split(whole.images, whole.labels[np.newaxis])
