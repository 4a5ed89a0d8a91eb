"""Points in a plane, in two or three classes: small enough to see what a network does with them."""

import numpy as np

from nn_helpers.data.batches import ArrayDataset
from nn_helpers.support.validation import choice, float_dtype, generator, number, whole_number


def _moons(t, label, noise):
    # Two half circles, each around an end of the other.
    angle = np.pi * t
    first = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    second = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return 1.6 * (np.where(label[:, None] == 0, first, second) - [0.5, 0.25]) + 0.3 * noise


def _spirals(t, label, noise):
    radius, angle = 0.3 + 2.2 * t, 4 * t * np.pi / 2 + label * 2 * np.pi / 3
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.15 * noise


def _circles(t, label, noise):
    angle = 2 * np.pi * t
    return (0.8 + 1.2 * label)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.25 * noise


def _blobs(t, label, noise):
    angle = np.pi / 2 + label * 2 * np.pi / 3
    return 1.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.6 * noise


def _xor(t, label, noise):
    # Class 0 in two opposite quarters of the plane, class 1 in the others.
    x = np.where(t < 0.5, -1.2, 1.2)
    y = np.where(label == 0, x, -x)
    return np.stack([x, y], axis=1) + 0.55 * noise


# What places points t in [0, 1) of a class, with standard normal noise, and how many classes there are.
POINTS = {
    "moons": (_moons, 2),
    "spirals": (_spirals, 3),
    "circles": (_circles, 2),
    "blobs": (_blobs, 3),
    "xor": (_xor, 2),
}


def points(kind="moons", n_train=200, n_val=100, noise=1.0, seed=0, dtype=np.float32):
    """Draw points in a plane, as many of each class as of the others.

    Parameters
    ----------
    kind : {"moons", "spirals", "circles", "blobs", "xor"}
        Spirals and blobs have three classes, the others two.
    n_train, n_val : int
        How many points.
    noise : float
        How far the points stray; 0 puts them on their curves.
    seed : int or numpy.random.Generator
    dtype : float32 or float64

    Returns
    -------
    ArrayDataset
        x (N, 2) lies within about ±3; y (N,) holds the classes.

    Examples
    --------
    >>> points("spirals", n_train=300)
    ArrayDataset(300 train, 100 val, 0 test examples)
    """
    place, num_classes = POINTS[choice("points", "kind", kind, POINTS)]
    noise, dtype = number("points", "noise", noise), float_dtype("points", dtype)
    rng = generator("points", seed)

    def part(N):
        label = np.arange(N) % num_classes
        x = place(rng.random(N), label, noise * rng.standard_normal((N, 2)))
        order = rng.permutation(N)
        return x[order].astype(dtype), label[order]

    train = part(whole_number("points", "n_train", n_train, num_classes))
    return ArrayDataset(train, part(whole_number("points", "n_val", n_val, 0)), name=kind)
