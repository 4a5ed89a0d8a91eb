"""Augmentation: change training images a little each time they are seen, so that few act like many."""

import numpy as np

from nn_helpers.support.arrays import describe
from nn_helpers.support.validation import require_generator, whole_number


def flip_and_shift(images, rng, shift=1):
    """Mirror half of the images, and move each by a few pixels, in place.

    A mirrored cat is a cat; so is one that stands a pixel further left. Where an image moves away
    from an edge, the pixels of that edge are repeated.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
        A batch of its own, such as `batches` makes; it is changed.
    rng : numpy.random.Generator
    shift : int
        How many pixels at most, up or down and left or right, each distance as often as the others.
    """
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
        raise TypeError(f"flip_and_shift: images must be uint8 (N, H, W, 3), got {describe(images)}")
    require_generator("flip_and_shift", rng)
    shift = whole_number("flip_and_shift", "shift", shift, 0)
    height, width = images.shape[1:3]
    if shift >= min(height, width):
        raise ValueError(f"flip_and_shift: shift {shift} is as large as the images, {height}×{width}")
    flipped = rng.random(len(images)) < 0.5
    images[flipped] = images[flipped, :, ::-1]
    move(images, rng, shift)


def move(images, rng, shift=1):
    """Move each image by at most `shift` pixels up or down and left or right: half of `flip_and_shift`."""
    N, height, width, _ = images.shape
    for axis, length in ((1, height), (2, width)):
        distances = np.floor((2 * shift + 1) * rng.random(N)).astype(int) - shift
        for distance in range(-shift, shift + 1):
            if distance:
                moved = distances == distance
                source = np.clip(np.arange(length) - distance, 0, length - 1)
                images[moved] = np.take(images[moved], source, axis=axis)
