"""Lesson 05: CIFAR-10, from bytes to a network that is right about new images, and where it is wrong."""

import copy
import functools

import numpy as np

from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, own_generator

LESSON = "05_cifar10"


def _bytes(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


# standardise


def standardise(images, mean, std):
    """Return (images − mean) / std, colour by colour, each image a row: (N, H·W·3)."""
    x = (images - mean) / std
    return x.reshape(len(images), -1)


def _standardise_cases():
    rng = np.random.default_rng(50)
    mean, std = np.array([120.0, 110.0, 100.0]), np.array([60.0, 50.0, 40.0])
    small = functools.partial(Case, required=False)  # in the lesson all images have 32 × 32 pixels
    two_pixels = np.array([[[[180, 60, 100], [0, 255, 20]]]], np.uint8)
    return [
        small("one image of two pixels", two_pixels, mean, std),
        small("two images of two pixels", np.concatenate([two_pixels, two_pixels[:, :, ::-1]]), mean, std),
        small("a black image", np.zeros((1, 1, 2, 3), np.uint8), mean, std),
        small("higher than wide", _bytes(rng, 2, 4, 2, 3), mean, std),
        small("three by three pixels", _bytes(rng, 3, 3, 3, 3), mean, std),
        Case("whole images", _bytes(rng, 3, 32, 32, 3), np.array([125.3, 123.0, 113.9]), std),
        Case("one whole image", _bytes(rng, 1, 32, 32, 3), mean, std / 8),
    ]


STANDARDISE = Exercise(
    answer=standardise,
    lesson=LESSON,
    section="The data",
    returns=("x",),
    floats=("x",),
    cases=_standardise_cases,
    then="In section 3 a network learns from the numbers it makes.",
)


# l2_gradient


def l2_gradient(W, dW, reg):
    """Return dW, the data loss's gradient, plus that of ½ · reg · Σ‖W‖², as a new array."""
    return dW + reg * W


def _l2_gradient_cases():
    rng = np.random.default_rng(51)
    return [
        Case("two weights", np.array([[2.0], [-4.0]]), np.array([[1.0], [1.0]]), 0.5),
        Case("dW = 0", np.array([[2.0, -4.0, 3.0]]), np.zeros((1, 3)), 0.1),
        Case("reg = 0", np.array([[2.0, -4.0]]), np.array([[1.0, 3.0]]), 0.0),
        Case("a square W", *rng.standard_normal((2, 3, 3)), 0.01),
        Case("a larger W", *rng.standard_normal((2, 6, 4)), 3.0),
        Case("large numbers", np.array([[2e4, -300.0]]), np.array([[-7e5, 40.0]]), 3.0),
        Case("float32", *rng.standard_normal((2, 3, 5)).astype(np.float32), 0.25),
    ]


L2_GRADIENT = Exercise(
    answer=l2_gradient,
    elsewhere="nn_helpers.ClassificationNet.backward does the same in place, for all its weights at once.",
    lesson=LESSON,
    section="Regularization",
    returns=("gradient",),
    floats=("gradient",),
    cases=_l2_gradient_cases,
    then="Next, a network trains one epoch with it.",
)


# confusion_matrix


def confusion_matrix(y, predicted, num_classes):
    """Return integers (C, C): entry [i, j] counts class i being taken for class j."""
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    for true, guess in zip(y, predicted, strict=True):
        matrix[true, guess] += 1
    return matrix


def _confusion_matrix_cases():
    rng = np.random.default_rng(52)
    return [
        Case("three images, two classes", np.array([0, 0, 1]), np.array([0, 1, 1]), 2),
        Case("the same confusion twice", np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0]), 2),
        Case("classes that do not occur", np.array([0, 2]), np.array([2, 2]), 4),
        Case("a last class that is predicted but never true", np.array([0, 1, 1]), np.array([2, 1, 2]), 3),
        Case("everything right", np.array([2, 0, 1, 1]), np.array([2, 0, 1, 1]), 3),
        Case("200 images, ten classes", rng.integers(0, 10, 200), rng.integers(0, 10, 200), 10),
        Case("40,000 images, one class nearly always", *(rng.random((2, 40_000)) < 0.01).astype(int), 3),
    ]


def _adds(words, returned):
    """Say whether the code adds to an entry: ``= 1`` in its place has the same results."""
    return bool({"+=", "+"} & words)


CONFUSION_MATRIX = Exercise(
    answer=confusion_matrix,
    lesson=LESSON,
    section="Where is it wrong?",
    returns=("matrix",),
    cases=_confusion_matrix_cases,
    quantities=lambda y, predicted, num_classes: {"N": len(y), "C": num_classes},
    sure={"fancy-indexing": _adds, "fancy-indexing-transposed": _adds},
    then="plots.confusion_matrix draws it.",
)


# flip


def flip(images, rng):
    """Return new images (N, H, W, 3), each mirrored left to right with probability ½."""
    mirrored = rng.random(len(images)) < 0.5
    flipped = images.copy()
    flipped[mirrored] = np.flip(images[mirrored], axis=2)
    return flipped


CALLS = 160  # how often to call a function that decides at random, and with how many images


def _observe_flip(f, images, rng):
    """Find out how an image changes, how many images do, and what decides which."""
    n = len(images)
    batch = np.concatenate([images] * -(-CALLS // n))
    _expect_images(f(images, rng), images)
    outs = np.array([_expect_images(f(batch.copy(), rng), batch) for _ in range(CALLS)])
    changed = (outs != batch).any(axis=(2, 3, 4))  # (calls, images)
    first = changed.reshape(-1, n).argmax(axis=0)  # the first copy of each image that was changed
    share = changed.mean()
    together = changed[:, 1:] == changed[:, :-1]
    # By chance both are 1: how the number of changed images differs from call to call, and that of calls
    # from place to place.
    spread = [changed.sum(axis=axis).std() / (np.sqrt(CALLS * share * (1 - share)) or 1) for axis in (0, 1)]
    equal = [copy.deepcopy(rng) for _ in range(2)]
    once, again = (np.array([f(batch.copy(), generator) for _ in range(8)]) for generator in equal)
    return {
        "changed images": outs.reshape(-1, *images.shape)[first, np.arange(n)],
        "share changed": share,
        "share of neighbours decided alike": together.mean(),
        "how the places differ, compared with chance": spread[0],
        "how the calls differ, compared with chance": spread[1],
        "share decided as in the call before": (changed[1:] == changed[:-1]).mean(),
        "share decided alike by equal generators": (once == again).all(axis=(2, 3, 4)).mean(),
    }


def _expect_images(out, images):
    if not isinstance(out, np.ndarray):
        raise MalformedResult(
            f"flip returns the images, an array of shape {images.shape}; yours is {a_kind_of(out)}."
        )
    if out.shape != images.shape:
        raise MalformedResult(
            f"flip returns as many images of the same size, shape {images.shape}; yours has {out.shape}. "
            "Those that are not mirrored are returned as well."
        )
    return out


def _flip_cases():
    rng = np.random.default_rng(53)
    corners = np.array([[[[200, 10, 0], [0, 20, 90]], [[1, 2, 3], [4, 5, 6]]]], np.uint8)
    return [
        Case("an image of 2 × 2 pixels", corners, np.random.default_rng(1)),
        Case("images of one row", _bytes(rng, 2, 1, 3, 3), np.random.default_rng(2)),
        Case("square images", _bytes(rng, 4, 4, 4, 3), np.random.default_rng(3)),
        Case("as many images as pixels in a row", _bytes(rng, 6, 4, 6, 3), np.random.default_rng(4)),
    ]


FLIP = Exercise(
    answer=flip,
    elsewhere="nn_helpers.data.flip_and_shift does the same in place, and moves each image by a pixel or so.",
    lesson=LESSON,
    section="Flips and shifts",
    returns=("flipped",),
    observe=_observe_flip,
    cases=_flip_cases,
    tolerances={
        "share changed": 0.08,
        "how the places differ, compared with chance": 0.4,
        "how the calls differ, compared with chance": 0.4,
        "share of neighbours decided alike": 0.1,
        "share decided as in the call before": 0.1,
        "share decided alike by equal generators": 0.25,
    },
    sure={"generator-of-its-own": own_generator, "unseeded-generator": own_generator},
    then="The library makes the same decisions, and moves the images as well.",
)

EXERCISES = [STANDARDISE, L2_GRADIENT, CONFUSION_MATRIX, FLIP]
