"""Mini-batches: the training images in random order, a few at a time, as the network takes them."""

import numpy as np

from nn_helpers.data.dataset import Dataset, Split
from nn_helpers.support.arrays import FLOATS, describe, float_advice, label_advice, refuse_mask
from nn_helpers.support.validation import choice, counted, flag, float_dtype, generator, takes, whole_number


class ArrayDataset:
    """Arrays x (N, D) and labels y (N,) in the place of a `Dataset`: points, features, anything.

    Parameters
    ----------
    train : tuple (x, y)
    val, test : tuple (x, y), optional
    name : str
    """

    def __init__(self, train, val=None, test=None, name="arrays"):
        self.name = name
        self.train = ArraySplit("train", train)
        empty = self.train.inputs[:0], self.train.labels[:0]
        self.val = ArraySplit("val", empty if val is None else val)
        self.test = ArraySplit("test", empty if test is None else test)
        for part in ("val", "test"):
            D = getattr(self, part).inputs.shape[1]
            if self.input_size != D:
                columns = counted(self.input_size, "column")
                raise ValueError(f"ArrayDataset: x has {columns} in train but {D} in {part}")

    def standardise(self, images, dtype=np.float32, out=None):
        """Return the rows as they are, in `dtype` or in `out`."""
        if out is None:
            return images.astype(dtype)
        np.copyto(out, images, casting="same_kind")
        return out

    @property
    def input_size(self):
        """How many numbers an example is."""
        return self.train.inputs.shape[1]

    def __repr__(self):
        counts = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in ("train", "val", "test"))
        return f"ArrayDataset({counts} examples)"


class ArraySplit:
    """x as `inputs` (N, D), flattened, and y as `labels`.

    `images` is a former name of `inputs`, which are no images.
    """

    def __init__(self, part, pair):
        try:
            x, y = pair
        except (TypeError, ValueError):
            raise TypeError(
                f"ArrayDataset: {part} must be a pair (x, y) of arrays, got {type(pair)}"
            ) from None
        refuse_mask("ArrayDataset", f"x of {part}", x)
        if not isinstance(x, np.ndarray) or x.dtype not in FLOATS or x.ndim < 2:
            raise TypeError(
                f"ArrayDataset: x of {part} must be a float array (N, D), got {describe(x)}{_advice(x)}"
            )
        refuse_mask("ArrayDataset", f"y of {part}", y)
        if not isinstance(y, np.ndarray) or y.dtype.kind not in "iu" or y.shape != x.shape[:1]:
            raise ValueError(
                f"ArrayDataset: y of {part} must be {len(x)} integer labels, one for each row of x; "
                f"got {describe(y)}{label_advice('y', y, len(x))}"
            )
        self.inputs, self.labels = x.reshape(len(x), int(np.prod(x.shape[1:]))), y

    @property
    def images(self):
        """The same as `inputs`."""
        return self.inputs

    def __len__(self):
        return len(self.labels)


def _advice(x):
    """Return what makes x a float array (N, D), as "; write …", or nothing where nothing does."""
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8:
        is_float = isinstance(x, np.ndarray) and x.dtype in FLOATS
        return "; write x[:, np.newaxis]" * (x.ndim == 1) if is_float else float_advice("x", x)
    if x.ndim == 4 and x.shape[3] == 3:
        return '; for uint8 images make a Dataset: Dataset("my images", Split(x, y))'
    return "; write x / 255, or for uint8 images (N, H, W, 3) make a Dataset"


def as_dataset(function, data):
    """Return `data` if it is a data set, or a pair of arrays ``(x, y)`` as one to train on.

    Errors begin with the name of the `function` that was called.
    """
    if isinstance(data, Dataset | ArrayDataset):
        return data
    if isinstance(data, tuple):
        return ArrayDataset(data)
    advice = '; write Dataset("my images", split)' if isinstance(data, Split) else ""
    kind = type(data).__name__
    raise TypeError(f"{function}: data must be a Dataset or a pair (x, y) of arrays, got {kind}{advice}")


def batches(
    data, batch_size, *, part="train", shuffle=True, drop_last=True, augment=None, seed=0, dtype=np.float32,
    out=None,
):  # fmt: skip
    """Yield one epoch of mini-batches (x, y).

    Parameters
    ----------
    data : Dataset or tuple (x, y)
    batch_size : int
        At most the number of examples; all of them make the batch of plain gradient descent.
    part : {"train", "val", "test"}
    shuffle : bool
        A random order, or the order of the data.
    drop_last : bool
        Leave out the last batch when it is smaller: 500 images in batches of 8 are then 62.
    augment : function (images, rng), optional
        Changes each batch of uint8 images before it is standardised: in place, as `flip_and_shift` does,
        or by returning new ones.
    seed : int or numpy.random.Generator
        For the order, and for `augment`. A Generator goes on where it was: each epoch differs from the last.
    dtype : float32 or float64
        The dtype of x.
    out : tuple, optional
        From `empty_batch`. Every batch is then written to the same arrays, over the one before.

    Yields
    ------
    x : float array (batch_size, D)
        Standardised.
    y : integer array (batch_size,)
    """
    data = as_dataset("batches", data)
    split = getattr(data, choice("batches", "part", part, ("train", "val", "test")))
    N = len(split)
    batch_size = whole_number("batches", "batch_size", batch_size, 1)
    if batch_size > N:
        raise ValueError(f"batches: batch_size {batch_size} is larger than {part}: {counted(N, 'example')}")
    check_augment("batches", augment, data)
    rng = generator("batches", seed)
    # A data set may have an order of its own for what is shuffled.
    own = getattr(data, "minibatches", _shuffled) if flag("batches", "shuffle", shuffle) else _in_order
    for at in own(N, batch_size, rng, flag("batches", "drop_last", drop_last)):
        arrays = empty_batch(data, len(at), dtype) if out is None else out
        images, x, y = (array[: len(at)] for array in arrays)
        # mode="clip" skips a second look at indices that are right already
        np.take(split.inputs, at, axis=0, out=images, mode="clip")
        np.take(split.labels, at, out=y, mode="clip")
        if augment is not None:
            images = augmented(augment, images, rng)
        yield data.standardise(images, out=x), y


def _shuffled(N, batch_size, rng, drop_last):
    """Yield the indices of each batch of an epoch, in a random order."""
    order = rng.permutation(N)
    yield from (order[at] for at in _in_order(N, batch_size, rng, drop_last))


def _in_order(N, batch_size, rng, drop_last):
    for start in range(0, N - N % batch_size if drop_last else N, batch_size):
        yield np.arange(start, min(start + batch_size, N))


def check_augment(function, augment, data):
    """Refuse what is no function (images, rng), and data without images."""
    if augment is None:
        return
    if not callable(augment):
        raise TypeError(f"{function}: augment must be a function such as flip_and_shift, got {augment!r}")
    if not takes(augment, 2):
        raise TypeError(
            f"{function}: augment must take two arguments, images and rng, as flip_and_shift does"
        )
    if not isinstance(data, Dataset):
        raise TypeError(f"{function}: augment changes images; {data!r} has none")


def augmented(augment, images, rng):
    """Return the images as `augment` leaves them, or those that it returns."""
    returned = augment(images, rng)
    if returned is None:
        return images
    expected = images.shape, images.dtype
    if not isinstance(returned, np.ndarray) or (returned.shape, returned.dtype) != expected:
        raise TypeError(
            f"augment must return images like those it was given, {describe(images)}, or change them in "
            f"place and return nothing; got {describe(returned)}"
        )
    return returned


def empty_batch(data, batch_size, dtype=np.float32):
    """Return arrays for `batches` to write to: images, x and y of one batch."""
    data = as_dataset("empty_batch", data)
    images, labels = data.train.inputs, data.train.labels
    return (
        np.empty((batch_size, *images.shape[1:]), images.dtype),
        np.empty((batch_size, data.input_size), float_dtype("empty_batch", dtype)),
        np.empty(batch_size, labels.dtype),
    )
