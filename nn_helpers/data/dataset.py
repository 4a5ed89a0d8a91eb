"""What every lesson trains on: images, their labels, and the split into train, validation and test."""

import base64
import html
import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nn_helpers.support.arrays import describe, image_advice, label_advice, refuse_mask, require_images
from nn_helpers.support.validation import counted, generator

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Attributes
    ----------
    images : uint8 array (N, H, W, 3)
        Red, green and blue from 0 to 255, ready for ``imshow``.
    labels : integer array (N,)
        The index of each image's class.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        images, labels = self.images, self.labels
        for name, value in (("images", images), ("labels", labels)):
            refuse_mask("Split", name, value)
        require_images("Split", "images", images)
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
            raise TypeError(
                f"Split: labels must be an array of integers, got {describe(labels)}"
                f"{label_advice('labels', labels, len(images))}"
            )
        if labels.shape != images.shape[:1]:
            raise ValueError(
                f"Split: labels must have shape ({len(images)},), one for each image, got {labels.shape}"
                f"{label_advice('labels', labels, len(images))}"
            )

    @property
    def inputs(self):
        """The same as `images`: what a network learns from, whatever the kind of data."""
        return self.images

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        """Return the images at a slice or an array of indices, as a new `Split`."""
        if isinstance(index, int | np.integer):
            raise TypeError(
                f"Split: take a slice or an array of indices, for example split[{index}:{index + 1}]"
            )
        return Split(self.images[index], self.labels[index])

    def __repr__(self):
        return f"Split({counted(len(self), 'image')} {_by(self.images.shape[1:])})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images in three parts: `train` to learn from, `val` to choose with, `test` to report.

    Parameters
    ----------
    name : str
        What plots and messages call this data set.
    train, val, test : Split
        `val` and `test` may be left out; they are then empty.
    class_names : sequence of str
        The name of class 0, 1, ….
    """

    name: str
    train: Split
    val: Split | None = None
    test: Split | None = None
    class_names: tuple[str, ...] = CLASS_NAMES

    def __post_init__(self):
        if not isinstance(self.name, str):
            raise TypeError(
                f"Dataset: name must be a text, got {describe(self.name)}; "
                'write Dataset("my images", train, …)'
            )
        if isinstance(self.class_names, str | set | frozenset | dict) or not np.iterable(self.class_names):
            raise TypeError(
                f"Dataset {self.name!r}: class_names must be a list with the name of each class, "
                f"got {self.class_names!r:.60}"
            )
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        for part in ("train", "val", "test"):
            if part != "train" and getattr(self, part) is None:
                object.__setattr__(self, part, self.train[:0])
            if not isinstance(split := getattr(self, part), Split):
                raise TypeError(
                    f"Dataset {self.name!r}: {part} must be a Split, got {describe(split)}; "
                    "write Split(images, labels)"
                )
        if not len(self.train):
            raise ValueError(f"Dataset {self.name!r}: the training part is empty")
        for part in ("train", "val", "test"):
            split, C = getattr(self, part), self.num_classes
            if split.images.shape[1:] != self.train.images.shape[1:]:
                raise ValueError(
                    f"Dataset {self.name!r}: {part} images are {_by(split.images.shape[1:])}, "
                    f"training images {_by(self.train.images.shape[1:])}"
                )
            if len(split) and not 0 <= split.labels.min() <= split.labels.max() < C:
                raise ValueError(
                    f"Dataset {self.name!r}: {part} labels go from {split.labels.min()} to "
                    f"{split.labels.max()}, but those of {counted(C, 'class')} go from 0 to {C - 1}"
                )

    @property
    def num_classes(self):
        """The number of classes C."""
        return len(self.class_names)

    @property
    def input_size(self):
        """How many numbers an image is: 32 · 32 · 3 = 3,072 for CIFAR-10."""
        return int(np.prod(self.train.images.shape[1:]))

    def subset(self, train, val=0, seed=None):
        """Return a smaller data set; test images stay as they are.

        Parameters
        ----------
        train : int or float
            How many training images to keep, or which fraction of them: ``subset(0.01)`` of
            CIFAR-10's 50,000 is 500.
        val : int
            How many of the training images left over become the validation part.
            With 0 the validation part stays as it is.
        seed : int, optional
            Which images: the first ones (default), or a random choice by this seed.
        """
        N = len(self.train)
        whole = isinstance(train, int | np.integer) and not isinstance(train, bool)
        if not whole and not isinstance(train, float | np.floating):
            raise TypeError(f"subset: train must be a number of images or a fraction, got {_kind(train)}")
        if not whole and not 0 < train <= 1:
            raise ValueError(
                f"subset: a fraction lies in (0, 1], got {train}; for a number of images give an int"
            )
        n_train = int(train) if whole else round(train * N)
        if not isinstance(val, int | np.integer) or isinstance(val, bool):
            raise TypeError(f"subset: val must be a number of images, got {_kind(val)}")
        if n_train < 1 or val < 0 or n_train + val > N:
            raise ValueError(
                f"subset: {n_train} training and {val} validation images asked for; "
                f"there are {N} training images to take them from"
            )
        kept, others = slice(n_train), slice(n_train, n_train + val)
        if seed is not None:  # without one, slices: the images need not be copied
            order = generator("subset", seed).permutation(N)
            kept, others = order[kept], order[others]
        return Dataset(
            self.name, self.train[kept], self.train[others] if val else self.val, self.test, self.class_names
        )

    @cached_property
    def mean_and_std(self):
        """Mean and standard deviation of the training images' red, green and blue, each (3,) in 0 … 255.

        Counted in whole numbers, so every machine gets the same floats.
        """
        counts = np.zeros((3, 256), np.int64)
        for start in range(0, len(self.train), 1000):
            for channel in range(3):
                values = self.train.images[start : start + 1000, ..., channel].ravel()
                counts[channel] += np.bincount(values, minlength=256)
        level, n = np.arange(256), counts[0].sum()
        total, squares = counts @ level, counts @ level**2
        mean = total / n
        return mean, np.sqrt(squares / n - mean**2)

    def standardise(self, images, dtype=np.float32, out=None):
        """Turn images into what the network takes: mean 0, standard deviation 1, one row each.

        ``(image − mean) / std`` per colour channel, with the *training* images' mean and standard
        deviation, whichever part the images come from.

        Parameters
        ----------
        images : uint8 array (N, H, W, 3)
        dtype : float32 or float64
            The dtype of the result, when `out` is not given.
        out : float array (N, H·W·3), optional
            Where to write the result.

        Returns
        -------
        float array (N, H·W·3); 3,072 columns for CIFAR-10
        """
        shape = self.train.images.shape[1:]
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise TypeError(
                f"standardise: images must be uint8 {_batch_shape(shape)} as in data.train.images, "
                f"got {describe(images)}{image_advice('images', images)}"
            )
        if images.ndim != 4 or images.shape[1:] != shape:
            one = images.shape == shape
            advice = "; for one image write images[0:1]" if one else image_advice("images", images)
            raise ValueError(
                f"standardise: images must have shape {_batch_shape(shape)}, got {images.shape}{advice}"
            )
        x = images.reshape(len(images), self.input_size)
        if out is None:
            out = np.empty(x.shape, dtype)
        scale, shift = self._scale_and_shift(out.dtype)
        np.multiply(x, scale, out=out)
        out += shift
        return out

    def _scale_and_shift(self, dtype):
        """``(x − mean) / std`` as ``x · scale + shift``, one value per input, kept once per dtype."""
        kept = self.__dict__.setdefault("_kept", {})
        if dtype not in kept:
            if dtype.kind != "f":
                raise TypeError(f"standardise: dtype must be float32 or float64, got {dtype}")
            mean, std = self.mean_and_std
            scale = 1 / np.where(std > 0, std, 1)
            pixels = self.input_size // 3
            kept[dtype] = np.tile(scale, pixels).astype(dtype), np.tile(-mean * scale, pixels).astype(dtype)
        return kept[dtype]

    def __repr__(self):
        counts = f"{len(self.train):,} training, {len(self.val):,} validation, {len(self.test):,} test"
        size = _by(self.train.images.shape[1:])
        return f"Dataset({self.name!r}: {counts} images {size}, {counted(self.num_classes, 'class')})"

    def _repr_html_(self):
        """Eight images of each class, for a notebook."""
        rows = []
        for label, name in enumerate(self.class_names):
            at = np.flatnonzero(self.train.labels == label)
            cell = "–"
            if len(at):
                strip = np.concatenate(list(self.train.images[at[:8]]), axis=1)
                cell = (
                    f'<img alt="{html.escape(name)}" height="40" style="image-rendering: pixelated" '
                    f'src="data:image/png;base64,{_png(strip)}">'
                )
            rows.append(
                f"<tr><td>{label}</td><td>{html.escape(name)}</td><td>{len(at):,}</td><td>{cell}</td></tr>"
            )
        return (
            f"<p>{html.escape(repr(self))}</p><table><tr><th>label</th><th>class</th>"
            f"<th>training images</th><th>the first of them</th></tr>{''.join(rows)}</table>"
        )


def _png(image):
    from matplotlib.image import imsave  # only a notebook needs it; loading data does not

    buffer = io.BytesIO()
    imsave(buffer, image, format="png")
    return base64.b64encode(buffer.getvalue()).decode()


def _batch_shape(shape):
    return f"(N, {', '.join(map(str, shape))})"


def _by(shape):
    return "×".join(map(str, shape))


def _kind(value):
    return f"{value.dtype} array {value.shape}" if isinstance(value, np.ndarray) else repr(value)[:60]
