"""Points of one's own in the plane: drawn, erased, written as text, or passed as arrays."""

import numpy as np

from nn_helpers.data import ArrayDataset
from nn_helpers.support.arrays import describe

CLASSES = ("class 1", "class 2", "class 3", "class 4")
APART, REACH = 0.2, 0.35  # points drawn in one go are so far from each other; the eraser reaches so far
IN_CODE = 300  # points that are written out
FIRST = [(-1.5 + dx, -1 + dy) for dx in (0, 0.5, 1) for dy in (0, 0.5)]  # of class 1; class 2 faces them


class OwnPoints:
    """Some points with their classes; at least two, so that there is something to train and to validate with.

    Parameters
    ----------
    arrays : tuple (x, y), optional
        x (N, 2) finite numbers, y (N,) integers from 0 to 3.

    Attributes
    ----------
    version : int
        Another one after each change.
    """

    def __init__(self, arrays=None):
        self.version = 0
        first = FIRST + [(-a, -b) for a, b in FIRST], [0] * 6 + [1] * 6
        self._take(*(first if arrays is None else _checked(arrays)))

    def _take(self, x, y):
        # Two decimals, so that the code can say exactly where they are.
        self.x, self.y = np.round(np.asarray(x, float), 2), np.asarray(y, np.intp)
        self.version += 1

    @property
    def num_classes(self):
        """How many classes there are, at least two."""
        return max(2, int(self.y.max()) + 1)

    def touch(self, place, pen, phase):
        """Draw a point of the class that the pen says, or erase; return whether there was a change."""
        if phase == "up":
            return False
        before, distance = self.version, np.linalg.norm(self.x - place, axis=1)
        left = distance > REACH
        if pen == "erase" and 2 <= left.sum() < len(left):
            self._take(self.x[left], self.y[left])
        elif pen != "erase" and (phase == "down" or distance[-1] >= APART):
            self._take([*self.x, place], [*self.y, CLASSES.index(pen)])
        return self.version > before

    def text(self):
        """Return the points as text, one a line: x, y and the class from 1 on."""
        return "\n".join(f"{a:g} {b:g} {label + 1}" for (a, b), label in zip(self.x, self.y, strict=True))

    def read(self, text):
        """Take the points of a text in the place of those that are there; ValueError says what is wrong."""
        x, y = [], []
        for i, line in enumerate(text.replace(",", " ").replace(";", " ").replace("−", "-").splitlines(), 1):
            try:
                *place, label = map(float, line.split())
                if len(place) != 2 or label not in (1, 2, 3, 4) or not np.isfinite(place).all():
                    raise ValueError
            except ValueError:
                if not line.strip():
                    continue
                raise ValueError(
                    f"line {i} of the points is {line[:40]!r}; write x, y and the class from 1 to 4, "
                    "such as 0.5 -1.2 2"
                ) from None
            x.append(place)
            y.append(int(label) - 1)
        if len(x) < 2:
            raise ValueError(f"at least two points are needed, one a line; got {len(x)}")
        self._take(x, y)

    def dataset(self, share, seed):
        """Return a share of the points, in random order, to train with, and the others to validate with."""
        N, order = len(self.x), np.random.default_rng(seed).permutation(len(self.x))
        n = min(max(1, round(N * share)), N - 1)
        x, y = self.x[order].astype(np.float32), self.y[order]
        return ArrayDataset((x[:n], y[:n]), (x[n:], y[n:]), name="own")

    def code(self, data):
        """Return the line of code that makes the training part of a data set."""
        x, y = data.train.inputs, data.train.labels
        if len(x) > IN_CODE:
            return "# data = (x, y): the training points that playground was called with"
        places = np.round(x.astype(float), 2).tolist()
        return f"data = np.array({places}, np.float32), np.array({y.tolist()})"


def _checked(arrays):
    what = (
        "playground: your own points are a pair (x, y): x (N, 2) finite numbers, y (N,) classes from 0 to 3"
    )
    try:
        x, y = map(np.asarray, arrays)
    except (TypeError, ValueError):
        raise TypeError(f"{what}; got a tuple of {len(arrays)}") from None
    if x.ndim != 2 or x.shape[1:] != (2,) or x.dtype.kind not in "iuf" or len(x) < 2:
        raise ValueError(f"{what}, at least two; got x {describe(x)}")
    if y.shape != x.shape[:1] or y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() < len(CLASSES):
        raise ValueError(f"{what}; got y {describe(y)}" + (f", {y.min()} to {y.max()}" if y.size else ""))
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if len(bad):
        raise ValueError(f"{what}; row {bad[0]} of x is {x[bad[0]].tolist()}")
    return x, y
