"""Augmentation: half of the images mirrored, all moved by a few pixels, nothing else changed."""

import numpy as np
import pytest

from nn_helpers import ArrayDataset, Dataset, Split, batches, flip_and_shift


def numbered(N=1, size=4):
    """Images whose pixels tell where they were: red the row, green the column, blue the image."""
    images = np.zeros((N, size, size, 3), np.uint8)
    images[..., 0] = np.arange(size)[None, :, None]
    images[..., 1] = np.arange(size)[None, None, :]
    images[..., 2] = np.arange(N)[:, None, None]
    return images


class Drawing:
    """A generator that draws what it is told to: who is flipped, and how far each moves."""

    def __init__(self, *draws):
        self.draws = list(draws)

    def random(self, N):
        return np.full(N, self.draws.pop(0))


# of the shifts −1, 0, 1 by one draw each
UP, STAY, DOWN = LEFT, _, RIGHT = 0.1, 0.5, 0.9
FLIP, KEEP = 0.0, 0.9


@pytest.mark.parametrize(
    ("draws", "rows", "columns"),
    [
        ((KEEP, STAY, STAY), [0, 1, 2, 3], [0, 1, 2, 3]),
        ((FLIP, STAY, STAY), [0, 1, 2, 3], [3, 2, 1, 0]),
        ((KEEP, DOWN, STAY), [0, 0, 1, 2], [0, 1, 2, 3]),
        ((KEEP, UP, STAY), [1, 2, 3, 3], [0, 1, 2, 3]),
        ((KEEP, STAY, RIGHT), [0, 1, 2, 3], [0, 0, 1, 2]),
        ((KEEP, STAY, LEFT), [0, 1, 2, 3], [1, 2, 3, 3]),
        ((FLIP, DOWN, LEFT), [0, 0, 1, 2], [2, 1, 0, 0]),
    ],
)
def test_an_image_is_mirrored_and_moved_and_its_edge_repeated(draws, rows, columns):
    images = numbered()
    flip_and_shift(images, Drawing(*draws))
    np.testing.assert_array_equal(images[0, :, 0, 0], rows)
    np.testing.assert_array_equal(images[0, 0, :, 1], columns)


def test_each_image_keeps_its_place_and_draws_for_itself():
    images = numbered(200)
    flip_and_shift(images, np.random.default_rng(0))
    np.testing.assert_array_equal(images[:, 0, 0, 2], np.arange(200) % 256)
    kinds = {image[:, :, :2].tobytes() for image in images}
    assert len(kinds) == 18  # two ways round, three heights, three widths


def test_half_are_mirrored_and_each_distance_is_as_frequent():
    images = numbered(9000, size=8)
    flip_and_shift(images, np.random.default_rng(0), shift=2)
    top, first, last = images[:, 3, 0, 0], images[:, 0, 3, 1].astype(int), images[:, 0, 4, 1].astype(int)
    assert np.mean(last < first) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(np.bincount(top, minlength=6)[1:6] / 9000, 0.2, atol=0.02)


def test_without_a_shift_images_are_only_mirrored():
    images = numbered(20)
    flip_and_shift(images, np.random.default_rng(0), shift=0)
    np.testing.assert_array_equal(images[..., 0], numbered(20)[..., 0])


def test_batches_are_augmented_by_seed_and_the_data_stays_as_it_was():
    images = np.random.default_rng(0).integers(256, size=(12, 6, 6, 3), dtype=np.uint8)
    data = Dataset("noise", Split(images.copy(), np.arange(12) % 10))

    def first(**options):
        return next(batches(data, 12, **options))[0]

    plain = first(shuffle=False)
    augmented = first(shuffle=False, augment=flip_and_shift)
    assert (augmented != plain).any()
    np.testing.assert_array_equal(first(shuffle=False, augment=flip_and_shift), augmented)
    assert (first(shuffle=False, augment=flip_and_shift, seed=1) != augmented).any()
    np.testing.assert_array_equal(data.train.images, images)


@pytest.mark.parametrize(
    ("images", "shift", "error", "words"),
    [
        (np.zeros((2, 4, 4, 3)), 1, TypeError, "must be uint8 .* got float64 array"),
        (np.zeros((4, 4, 3), np.uint8), 1, TypeError, r"\(N, H, W, 3\), got uint8 array \(4, 4, 3\)"),
        (numbered(), -1, ValueError, "shift must be at least 0"),
        (numbered(), 1.5, TypeError, "shift must be a whole number"),
        (numbered(), 4, ValueError, "shift 4 is as large as the images, 4×4"),
    ],
)
def test_what_cannot_be_moved_is_refused(images, shift, error, words):
    with pytest.raises(error, match=words):
        flip_and_shift(images, np.random.default_rng(0), shift)


def test_points_have_no_images_to_augment():
    data = ArrayDataset((np.ones((4, 2)), np.zeros(4, int)))
    with pytest.raises(TypeError, match="augment changes images"):
        next(batches(data, 2, augment=flip_and_shift))
