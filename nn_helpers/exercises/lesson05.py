"""Lesson 05: CIFAR-10, from bytes to a network that is right about new images, and where it is wrong."""

import copy
import functools

import numpy as np

from nn_helpers.exercises.checking.comparison import is_numeric
from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, own_generator, rebinds
from nn_helpers.exercises.lesson04 import adam_step

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
    then="In section 4 a network learns from the numbers it makes.",
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


CALLS = 64  # how often to call a function that decides at random, and with how many images


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
        "the flipped images": outs.reshape(-1, *images.shape)[first, np.arange(n)],
        "the share of images that are mirrored": share,
        "how often an image and the next are treated alike": together.mean(),
        "how much the places differ, where chance makes it 1": spread[0],
        "how much the calls differ, where chance makes it 1": spread[1],
        "how often a place is treated as in the call before": (changed[1:] == changed[:-1]).mean(),
        "how often two equal generators treat an image alike": (once == again).all(axis=(2, 3, 4)).mean(),
    }


def _expect_images(out, images):
    if not isinstance(out, np.ndarray) or out.shape != images.shape:
        raise MalformedResult(
            f"flip returns all images, mirrored or not, in an array of shape {images.shape}; yours is "
            f"{a_kind_of(out)}."
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
        "the share of images that are mirrored": 0.08,
        "how much the places differ, where chance makes it 1": 0.4,
        "how much the calls differ, where chance makes it 1": 0.4,
        "how often an image and the next are treated alike": 0.1,
        "how often a place is treated as in the call before": 0.1,
        "how often two equal generators treat an image alike": 0.25,
    },
    sure={"unseeded-generator": own_generator},
    then="The library makes the same decisions, and moves the images as well.",
)


# dropout_forward


def dropout_forward(a, rate, rng):
    """Return a · mask and the mask: 0 with probability rate, otherwise 1 / (1 − rate)."""
    mask = (rng.random(a.shape) >= rate) / (1 - rate)
    return a * mask, mask


TILES = 20, 6  # how often rows and columns are repeated, so that the shares of a few units are known well


def _observe_dropout(f, a, rate, rng):
    """Find out what a unit is multiplied by, how many units are dropped, and what decides which."""
    _expect_dropped(f(a, rate, rng), a)
    batch, chance = np.tile(a, TILES), np.sqrt(rate * (1 - rate)) or 1
    pairs = [_expect_dropped(f(batch.copy(), rate, rng), batch) for _ in range(20)]
    out, masks = (np.array(arrays, float) for arrays in zip(*pairs, strict=True))
    zero, kept = masks == 0, masks[masks != 0]
    equal = [copy.deepcopy(rng) for _ in range(2)]
    once, again = (f(batch.copy(), rate, generator)[1] for generator in equal)
    spread = [zero.mean(axis=axes).std() / chance * np.sqrt(n) for axes, n in _groups(zero.shape)]
    return {
        "the share of zeros in the mask": zero.mean(),
        "the smallest number in the mask that is not 0": kept.min() if kept.size else 0.0,
        "the largest number in the mask": masks.max(),
        "whether the result is a times the mask": np.allclose(out, batch * masks, rtol=1e-5),
        "how often a unit and the next of its image are treated alike": (
            zero[:, :, 1:] == zero[:, :, :-1]
        ).mean(),
        "how often a unit is treated alike in an image and the next": (zero[:, 1:] == zero[:, :-1]).mean(),
        "how much the calls differ, where chance makes it 1": spread[0],
        "how much the images differ, where chance makes it 1": spread[1],
        "how much the places differ, where chance makes it 1": spread[2],
        "how often a place is treated as in the call before": (zero[1:] == zero[:-1]).mean(),
        "whether equal generators give equal masks": np.array_equal(once, again),
    }


def _groups(shape):
    """Return the axes of (calls, rows, columns) to take means over, and of how many numbers each is."""
    calls, rows, columns = shape
    return ((1, 2), rows * columns), (2, columns), (0, calls)


def _expect_dropped(returned, a):
    """Return the result and the mask as arrays, or say what they are instead."""
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise MalformedResult(
            "dropout_forward returns two things, the result and the mask: `return a * mask, mask`. Yours "
            f"returns {a_kind_of(returned)}."
        )
    for what, array in zip(("result", "mask"), returned, strict=True):
        if not is_numeric(array) or np.shape(array) != a.shape:
            raise MalformedResult(
                f"The {what} is an array of numbers of shape {a.shape}, as a is; yours is {a_kind_of(array)}."
            )
    return returned


def _dropout_cases():
    rng = np.random.default_rng(54)
    some = rng.integers(1, 10, (4, 5)) * rng.choice([-0.5, 0.5], (4, 5))
    return [
        Case("six units of value 1", np.ones((2, 3)), 0.2, np.random.default_rng(1)),
        Case("half of the units", some, 0.5, np.random.default_rng(2)),
        Case("three of four units", some[:3, :3], 0.75, np.random.default_rng(3)),
        Case("rate = 0", some[:, :2], 0.0, np.random.default_rng(4)),
        Case("one image", some[:1], 0.2, np.random.default_rng(5)),
    ]


DROPOUT_FORWARD = Exercise(
    answer=dropout_forward,
    elsewhere="nn_helpers.layers.dropout_forward does the same, and writes into arrays that it is given.",
    lesson=LESSON,
    section="Dropout",
    observe=_observe_dropout,
    cases=_dropout_cases,
    tolerances={
        "the share of zeros in the mask": 0.1,
        "how often a unit and the next of its image are treated alike": 0.05,
        "how often a unit is treated alike in an image and the next": 0.05,
        "how much the calls differ, where chance makes it 1": 0.9,
        "how much the images differ, where chance makes it 1": 0.2,
        "how much the places differ, where chance makes it 1": 0.25,
        "how often a place is treated as in the call before": 0.05,
    },
    sure={"unseeded-generator": own_generator},
    then="The mask is the cache: on the way back, dropout_backward multiplies by it once more.",
)


# adamw_step


def adamw_step(theta, gradient, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """Shrink theta by the share lr · weight_decay, then make Adam's step; change theta, m and v in place."""
    theta -= lr * weight_decay * theta
    adam_step(theta, gradient, m, v, t, lr, beta1, beta2, eps)


def _adamw_step_cases():
    rng = np.random.default_rng(55)
    theta, gradient = np.array([1.0, -2.0]), np.array([0.5, 4.0])
    m, v = np.array([0.25, 1.0]), np.array([0.5, 9.0])
    usual, single = (0.9, 0.999, 1e-8), np.float32
    memory = single([[0.5] * 5, [0.25] * 5])
    large = 1e3 * theta, 1e3 * gradient, 1e3 * m, 1e6 * v
    matrices = rng.standard_normal((3, 3, 4)).transpose(0, 2, 1)
    return [
        Case("the first step, m = v = 0", theta, gradient, *np.zeros((2, 2)), 1, 0.1, *usual, 0.5),
        Case("step 5", theta, gradient, m, v, 5, 0.1, *usual, 0.5),
        Case("no gradient yet", theta, *np.zeros((3, 2)), 1, 0.1, *usual, 0.5),
        Case("λ = 0", theta, gradient, m, v, 5, 0.1, *usual, 0.0),
        Case("a large λ", theta, gradient, m, v, 3, 0.1, *usual, 6.0),
        Case("a small learning rate", theta, gradient, m, v, 3, 1e-3, *usual, 0.5),
        Case("large numbers", *large, 2, 3.0, *usual, 0.2),
        Case("a transposed matrix", *matrices, rng.random((4, 3)), 7, 0.05, 0.8, 0.95, 1e-8, 0.3),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), *memory, 3, 0.05, 0.8, 0.95, 1e-6, 0.3),
    ]


ADAMW_STEP = Exercise(
    answer=adamw_step,
    elsewhere="nn_helpers.optimizers.AdamW does the same for all parameters, and keeps m and v itself.",
    lesson=LESSON,
    section="Weight decay beside the gradient",
    in_place=("theta", "m", "v"),
    cases=_adamw_step_cases,
    sure=rebinds(theta_rebound=0),
    then="In the next cell it loses weights beside Adam with L2.",
)


# cosine_with_warmup


def cosine_with_warmup(t, lr, total_steps, warmup_steps):
    """Return the learning rate of step t = 1, 2, 3, …: up to lr in a line, down to 0 in half a cosine."""
    if t <= warmup_steps:
        return lr * t / warmup_steps
    done = min(1, (t - warmup_steps) / (total_steps - warmup_steps))
    return lr * (1 + np.cos(np.pi * done)) / 2


def _cosine_with_warmup_cases():
    return [
        Case("the first step of the warm-up", 1, 0.1, 100, 20),
        Case("in the warm-up", 5, 0.1, 100, 20),
        Case("the last step of the warm-up", 20, 0.1, 100, 20),
        Case("the step after the warm-up", 21, 0.1, 100, 20),
        Case("a quarter of the way down", 40, 0.1, 100, 20),
        Case("half of the way down", 60, 0.1, 100, 20),
        Case("three quarters of the way down", 80, 0.1, 100, 20),
        Case("the last step", 100, 0.1, 100, 20),
        Case("a step after the last", 130, 0.1, 100, 20),
        Case("another rate and length", 7, 3.0, 13, 2),
        Case("no warm-up", 25, 0.1, 100, 0),
        Case("no warm-up, the first step", 1, 0.1, 100, 0),
    ]


COSINE_WITH_WARMUP = Exercise(
    answer=cosine_with_warmup,
    elsewhere="nn_helpers.CosineWithWarmup makes a function of t alone, and can end at another rate than 0.",
    lesson=LESSON,
    section="A learning rate that warms up and cools down",
    returns=("rate",),
    cases=_cosine_with_warmup_cases,
    then="The next cell draws it, and an optimizer takes it in place of a number.",
)

EXERCISES = [
    *(STANDARDISE, L2_GRADIENT, CONFUSION_MATRIX, FLIP),
    *(DROPOUT_FORWARD, ADAMW_STEP, COSINE_WITH_WARMUP),
]
