"""Lesson 05: CIFAR-10, from bytes to a network that is right about new images, and where it is wrong."""

import copy
import functools

import numpy as np

from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, Mistake
from nn_helpers.exercises.faulty_answers import ignore_rng, overwrite

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


def _in_rows(x):
    return x.reshape(len(x), -1)


STANDARDISE = Exercise(
    answer=standardise,
    lesson=LESSON,
    section="The data",
    returns=("x",),
    floats=("x",),
    cases=_standardise_cases,
    mistakes={
        "own-mean": Mistake(
            lambda images, mean, std: _in_rows((images - images.mean((0, 1, 2))) / images.std((0, 1, 2))),
            "You take the mean and the deviation of the images that come in. Use those that are given: "
            "they are the training images', and every image, now and later, is measured with them.",
        ),
        "own-mean-of-each-pixel": Mistake(
            lambda images, mean, std: (_in_rows(images) - _in_rows(images).mean(0)) / _in_rows(images).std(0),
            "You take the mean and the deviation of each pixel over the images that come in. Use those "
            "that are given: three means and three deviations, one for each colour, from the training "
            "images.",
        ),
        "all-colours-alike": Mistake(
            lambda images, mean, std: _in_rows((images - mean.mean()) / std.mean()),
            "You take one mean and one deviation for all three colours. mean and std hold three numbers "
            "each: (N, H, W, 3) − (3,) already lets every colour meet its own.",
        ),
        "no-std": Mistake(
            lambda images, mean, std: _in_rows(images - mean),
            "You take the mean away, and the inputs lie around 0. They are still around 50 in size: divide "
            "by std.",
        ),
        "divided-first": Mistake(
            lambda images, mean, std: _in_rows(images / std - mean),
            "You divide before you subtract. The mean is in units of pixels, so it has to go first: "
            "(images − mean) / std, with the brackets.",
        ),
        "no-brackets": Mistake(
            lambda images, mean, std: _in_rows(images - mean / std),
            "`images - mean / std` divides the mean alone, because / goes before −. You need brackets: "
            "`(images - mean) / std`.",
        ),
        "variance": Mistake(
            lambda images, mean, std: _in_rows((images - mean) / std**2),
            "You divide by the variance, std². The inputs are then about 1/50 in size. Divide by std.",
        ),
        "from-0-to-1-first": Mistake(
            lambda images, mean, std: _in_rows((images / 255 - mean) / std),
            "You divide the images by 255 first, but mean and std are in units of pixels, 0 to 255. "
            "Dividing by std is all the scaling there is.",
        ),
        "bytes": Mistake(
            lambda images, mean, std: _in_rows((images - mean.astype(np.uint8)) / std),
            "You subtract in bytes, and a byte cannot be negative: 0 − 120 wraps around to 136. Keep mean a "
            "float array, then `images - mean` is one too.",
        ),
        "channels-first": Mistake(
            lambda images, mean, std: _in_rows(((images - mean) / std).transpose(0, 3, 1, 2)),
            "The numbers are right, in another order: you put all red values of an image first. Here the "
            "three colours of a pixel stay together: reshape, without a transpose.",
        ),
        "mean-repeated": Mistake(
            lambda images, mean, std: (
                (_in_rows(images) - np.repeat(mean, images[0].size // 3))
                / np.repeat(std, images[0].size // 3)
            ),
            "`np.repeat` writes the red mean H·W times, then the green one. In a row the colours take turns: "
            "red, green, blue, red, … Standardise before you reshape, where the last axis is the colour.",
        ),
    },
    hints=(
        "The shapes do the work: images is (N, H, W, 3), mean and std are (3,). NumPy aligns them at the "
        "last axis, so every colour meets its own mean.",
        "First `(images - mean) / std`, all four axes still there. Then one row for each image.",
        "`x = (images - mean) / std`, and `reshape(len(images), ...)`: which number tells NumPy to count the "
        "columns itself?",
    ),
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
        Case("a square W", rng.standard_normal((3, 3)), rng.standard_normal((3, 3)), 0.01),
        Case("a larger W", rng.standard_normal((6, 4)), rng.standard_normal((6, 4)), 3.0),
        Case("large numbers", np.array([[2e4, -300.0]]), np.array([[-7e5, 40.0]]), 3.0),
        Case(
            "float32",
            rng.standard_normal((3, 5)).astype(np.float32),
            rng.standard_normal((3, 5)).astype(np.float32),
            0.25,
        ),
    ]


L2_GRADIENT = Exercise(
    answer=l2_gradient,
    elsewhere="nn_helpers.ClassificationNet.backward does the same in place, for all its weights at once.",
    lesson=LESSON,
    section="Regularization",
    returns=("gradient",),
    floats=("gradient",),
    cases=_l2_gradient_cases,
    mistakes={
        "penalty-itself": Mistake(
            lambda W, dW, reg: dW + 0.5 * reg * (W**2).sum(),
            "You add the penalty itself, one number, to every entry. The gradient needs its derivative with "
            "respect to each weight: an array like W.",
        ),
        "norm": Mistake(
            lambda W, dW, reg: dW + reg * np.linalg.norm(W),
            "You add reg · ‖W‖, one number, to every entry. Each weight has a derivative of its own, and in "
            "it all other weights are constants: what is left of ½ · reg · Σ‖W‖²?",
        ),
        "square-of-each": Mistake(
            lambda W, dW, reg: dW + 0.5 * reg * W**2,
            "You add ½ · reg · W² to every entry: that is each weight's part of the penalty. Differentiate "
            "it: what is the derivative of ½ · reg · W²?",
        ),
        "half": Mistake(
            lambda W, dW, reg: dW + 0.5 * reg * W,
            "The derivative of W² is 2W, and the ½ in front of the penalty cancels that 2. Yours still has "
            "the ½.",
        ),
        "double": Mistake(
            lambda W, dW, reg: dW + 2 * reg * W,
            "You add 2 · reg · W. That belongs to the penalty reg · ‖W‖², which other courses use. Here "
            "there is a ½ in front, and it cancels the 2.",
        ),
        "minus": Mistake(
            lambda W, dW, reg: dW - reg * W,
            "You subtract reg · W. The optimizer goes against the gradient, so the weights would grow. A sum "
            "of losses has a sum of gradients: plus.",
        ),
        "penalty-only": Mistake(
            lambda W, dW, reg: reg * W,
            "This is the penalty's gradient alone. The total loss is data loss + penalty, so its gradient is "
            "the sum: do not lose dW.",
        ),
        "exchanged": Mistake(
            lambda W, dW, reg: W + reg * dW,
            "You multiply reg with dW and add it to W. It is the other way round: reg belongs to W.",
        ),
        "l1": Mistake(
            lambda W, dW, reg: dW + reg * np.sign(W),
            "You add reg · sign(W): the gradient of reg · Σ|W|, which is L1. The derivative of ½ · reg · W² "
            "grows with W.",
        ),
        "in-place": Mistake(
            overwrite(l2_gradient, "dW"),
            "The numbers are right, but `dW += …` writes them into the caller's array. Called twice, it "
            "would add the penalty's gradient twice. Return a new array: `dW + …`.",
        ),
        "weights-shrunk": Mistake(
            overwrite(lambda W, dW, reg: dW, "W", lambda W, dW, reg: W - reg * W),
            "You make the weights themselves smaller. That is the optimizer's part; this function only says "
            "in which direction: return dW plus the penalty's gradient, and leave W as it is.",
        ),
    },
    hints=(
        "The total loss is data loss + ½ · reg · Σ‖W‖², and the derivative of a sum is the sum of the "
        "derivatives. The first one is given: dW.",
        "What is the derivative of ½ · reg · w² with respect to w, for a single weight? For the whole array "
        "it is the same formula.",
        "`return dW + reg * ...`",
    ),
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

    def labels(*numbers):
        return np.array(numbers)

    return [
        Case("three images, two classes", labels(0, 0, 1), labels(0, 1, 1), 2),
        Case("the same confusion twice", labels(0, 0, 1, 1), labels(1, 1, 1, 0), 2),
        Case("classes that do not occur", labels(0, 2), labels(2, 2), 4),
        Case("a last class that is predicted but never true", labels(0, 1, 1), labels(2, 1, 2), 3),
        Case("everything right", labels(2, 0, 1, 1), labels(2, 0, 1, 1), 3),
        Case("200 images, ten classes", rng.integers(0, 10, 200), rng.integers(0, 10, 200), 10),
        Case("40,000 images, one class nearly always", *(rng.random((2, 40_000)) < 0.01).astype(int), 3),
    ]


def _count(y, predicted, size, dtype=int):
    matrix = np.zeros((size, size), dtype=dtype)
    np.add.at(matrix, (y, predicted), 1)
    return matrix


def _count_where(these, y, predicted, size):
    return _count(y[these], predicted[these], size)


def _fancy_index(y, predicted, num_classes):
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    matrix[y, predicted] += 1
    return matrix


def _fancy_index_transposed(y, predicted, num_classes):
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    matrix[predicted, y] += 1
    return matrix


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
    mistakes={
        "transposed": Mistake(
            lambda y, predicted, num_classes: _count(predicted, y, num_classes),
            "Rows and columns are exchanged. The first index is the true class, the second what the network "
            "said: `matrix[true, guess]`.",
        ),
        "fancy-indexing": Mistake(
            _fancy_index,
            "`matrix[y, predicted] += 1` writes each entry once, however often its pair occurs: NumPy reads, "
            "adds 1, then writes. Count in a loop over the images, or with "
            "`np.add.at(matrix, (y, predicted), 1)`.",
            sure=_adds,
        ),
        "fancy-indexing-transposed": Mistake(
            _fancy_index_transposed,
            "Two things. `matrix[a, b] += 1` with arrays writes each entry once, however often its pair "
            "occurs: count in a loop, or with `np.add.at`. And the first index is the true class.",
            sure=_adds,
        ),
        "size-from-the-labels": Mistake(
            lambda y, predicted, num_classes: _count(y, predicted, max(y.max(), predicted.max()) + 1),
            "The matrix is as large as the labels in this batch make it. A class that does not occur still "
            "has its row and its column: num_classes is the size.",
        ),
        "always-ten": Mistake(
            lambda y, predicted, num_classes: _count(y, predicted, 10),
            "Your matrix has ten rows and columns, whatever the number of classes is. Make it "
            "num_classes × num_classes.",
        ),
        "shares": Mistake(
            lambda y, predicted, num_classes: (
                (m := _count(y, predicted, num_classes)) / m.sum(axis=1, keepdims=True)
            ),
            "You divide each row by its sum. Return the counts, whole numbers: the figure makes the colours "
            "from the shares, and a class without images would be 0 / 0.",
        ),
        "share-of-all": Mistake(
            lambda y, predicted, num_classes: _count(y, predicted, num_classes) / len(y),
            "You divide by the number of images. Return the counts, whole numbers: whoever reads the "
            "matrix wants to know how many images stand behind it.",
        ),
        "mistakes-only": Mistake(
            lambda y, predicted, num_classes: _count_where(y != predicted, y, predicted, num_classes),
            "You count the mistakes only. The diagonal counts those that are right, and each row has to sum "
            "to the images of its class.",
        ),
        "diagonal-only": Mistake(
            lambda y, predicted, num_classes: _count_where(y == predicted, y, predicted, num_classes),
            "You count those that are right only, on the diagonal. The mistakes, beside it, are what this "
            "matrix is for.",
        ),
        "floats": Mistake(
            lambda y, predicted, num_classes: _count(y, predicted, num_classes, dtype=float),
            "The counts are right, but they are floats: `np.zeros` makes those unless you ask for whole "
            "numbers, `dtype=int`.",
        ),
    },
    hints=(
        "Begin with a matrix of zeros. Every image adds 1 to one entry. Which row, and which column?",
        "`np.zeros((rows, columns), dtype=int)` is a matrix of whole zeros. Then loop over both arrays at "
        "once: `for true, guess in zip(y, predicted):`",
        "`matrix[true, guess] += ...`",
    ),
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


def _reverse(index, draw=lambda rng, n: rng.random(n)):
    """Return flip with another axis reversed, or with other draws."""

    def wrong(images, rng):
        chosen = draw(rng, len(images)) < 0.5
        out = images.copy()
        out[chosen] = images[chosen][index]
        return out

    return wrong


LEFT_RIGHT = np.s_[:, :, ::-1]


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
        "share of neighbours decided alike": 0.4,
        "share decided as in the call before": 0.4,
        "share decided alike by equal generators": 0.25,
    },
    mistakes={
        "upside-down": Mistake(
            _reverse(np.s_[:, ::-1]),
            "You turn images upside down: axis 1 goes from top to bottom. Left to right is axis 2.",
        ),
        "turned-round": Mistake(
            _reverse(np.s_[:, ::-1, ::-1]),
            "You reverse rows and columns, which turns an image by 180 degrees. A mirrored one keeps its "
            "rows: reverse axis 2 only.",
        ),
        "colours-exchanged": Mistake(
            _reverse(np.s_[..., ::-1]),
            "You reverse the last axis, the colours: red becomes blue, and nothing moves. The columns are "
            "axis 2, the last but one.",
        ),
        "order-reversed": Mistake(
            _reverse(np.s_[::-1]),
            "You reverse the order of the images: axis 0. They then no longer belong to their labels. "
            "Reverse axis 2, the columns.",
        ),
        "one-decision-for-all": Mistake(
            lambda images, rng: images[LEFT_RIGHT].copy() if rng.random() < 0.5 else images.copy(),
            "You decide once for the whole batch: all images are mirrored, or none. Each needs a decision "
            "of its own: `rng.random(len(images)) < 0.5`.",
        ),
        "all-mirrored": Mistake(
            lambda images, rng: images[LEFT_RIGHT].copy(),
            "You mirror every image, always. The network would see the mirrored ones only, which is "
            "nothing gained: leave each as it is with probability ½.",
        ),
        "none-mirrored": Mistake(
            lambda images, rng: images.copy(),
            "No image is ever mirrored: what comes out is what went in. Each should be mirrored with "
            "probability ½.",
        ),
        "in-place": Mistake(
            overwrite(flip, "images"),
            "The images that come out are right, but the array that came in is changed as well. If those "
            "are the training images, they stay mirrored. Begin with `flipped = images.copy()`, and write "
            "into that.",
        ),
        "generator-of-its-own": Mistake(
            ignore_rng(flip, 0),
            "You make a generator with a fixed seed in the function, so every call decides the same. Draw "
            "from rng, which goes on where it was.",
        ),
        "unseeded-generator": Mistake(
            ignore_rng(flip),
            "You draw from a generator of your own, and nobody can repeat what it did. Draw from the "
            "argument rng: equal generators then give equal images.",
        ),
        "normal-numbers": Mistake(
            _reverse(LEFT_RIGHT, draw=lambda rng, n: rng.standard_normal(n)),
            "`rng.standard_normal` is below 0.5 in about 69 of 100 draws. `rng.random` draws evenly between "
            "0 and 1: below 0.5 in half of them.",
        ),
    },
    hints=(
        "Two steps: decide for each image, then mirror those. `rng.random(n)` draws n numbers between 0 "
        "and 1.",
        "`mirrored = rng.random(len(images)) < 0.5` is an array of True and False, and `images[mirrored]` "
        "are the images that are to be mirrored. Which axis runs from left to right?",
        "`flipped[mirrored] = np.flip(images[mirrored], axis=...)`, or with a slice: `::-1` goes through an "
        "axis backwards.",
    ),
    then="The library makes the same decisions, and moves the images as well.",
)

EXERCISES = [STANDARDISE, L2_GRADIENT, CONFUSION_MATRIX, FLIP]
