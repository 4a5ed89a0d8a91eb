"""Parts of the playground's drawing: what the network answers, and loss and accuracy over the steps."""

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image

from nn_helpers.plots import COLOURS
from nn_helpers.widgets.axes import Axes

POINTS_KEPT = 400  # of a curve
POINTS_DRAWN = 1000  # of a class
STRENGTHS = 64  # how sure the network can be, in colours
LEAST = 1e-6  # activations below this are drawn as none
# Where an activation's derivative is 0, or nearly, by what it puts out.
FLAT = {
    "relu": lambda a: a <= 0,
    "leaky_relu": lambda a: np.zeros(a.shape, bool),
    "sigmoid": lambda a: a * (1 - a) < 0.02,
    "tanh": lambda a: 1 - a * a < 0.02,
}


def blend(*stops, count=256):
    """Return a palette, uint8 (count, 3), that goes evenly from colour to colour."""
    stops = np.array([to_rgb(stop) for stop in stops])
    at, where = np.linspace(0, len(stops) - 1, count), np.arange(len(stops))
    return np.stack([255 * np.interp(at, where, channel) for channel in stops.T], axis=1).astype(np.uint8)


DIVERGING = blend(COLOURS[1], "white", COLOURS[0])  # below 0, 0, above 0
FADING = [blend("white", colour) for colour in COLOURS[:4]]  # a class's probability from 0 to 1


def signed(values, largest):
    """Return values from −largest to largest as numbers of colours of `DIVERGING`; NaN is 0."""
    shades = np.clip(values * (127.5 / np.maximum(largest, LEAST)) + 127.5, 0, 255)
    shades[np.isnan(shades)] = 127.5
    return shades.astype(np.uint8)


class Regions:
    """What the network answers at every place of the plane: the class by colour, how surely by strength.

    Parameters
    ----------
    sheet : Sheet
    data : ArrayDataset
        Points in a plane. Training points are large, validation points small.

    Attributes
    ----------
    x : float32 array (CELLS², 2)
        The places whose answers `show` expects.
    """

    LIMIT, CELLS = 3.5, 48

    def __init__(self, sheet, data):
        centres = ((np.arange(self.CELLS) + 0.5) / self.CELLS * 2 - 1) * self.LIMIT
        self.x = np.stack(np.meshgrid(centres, -centres), axis=-1).reshape(-1, 2).astype(np.float32)
        limits = -self.LIMIT, self.LIMIT
        self.axes = Axes(sheet, (0, 0, 330, 340), limits, limits, "Decision regions", margins=(26, 4, 18, 22))
        palette = np.concatenate([blend("white", colour, count=STRENGTHS) for colour in COLOURS[:4]])
        blank = np.zeros((1, self.CELLS, self.CELLS), np.uint8)
        self.image = sheet.images([self.axes.box], blank, palette)
        self.unit = sheet.images([self.axes.box], blank[:0], DIVERGING)
        for label in range(4):
            for part, size, alpha in ((data.val, 3, 0.6), (data.train, 4.5, 1.0)):
                x = part.inputs[part.labels == label][:POINTS_DRAWN]
                sheet.points(self.axes.place(*x.T), COLOURS[label], label, size, alpha)
        self.chosen = sheet.rects([], "ink", stroke=2)

    def show(self, p, unit=None, title=""):
        """Colour the plane by the answers p (CELLS², C); or by what one unit puts out there (CELLS²,)."""
        self.axes.entitle(title or "Decision regions")
        C, p = p.shape[1], np.ascontiguousarray(p.T)  # many times as fast as along short rows
        sure = (p.max(axis=0) - 1 / C) / (1 - 1 / C)  # 0 where all classes are as probable
        strength = (0.6 * (STRENGTHS - 1) * np.fmin(np.fmax(sure, 0), 1)).astype(np.uint8)  # NaN is 0
        picture = (STRENGTHS * p.argmax(axis=0).astype(np.uint8) + strength).reshape(1, self.CELLS, -1)
        self.image.show(picture)
        self.unit.show(picture[:0] if unit is None else
                       signed(unit, np.abs(unit).max()).reshape(picture.shape))  # fmt: skip

    def choose(self, place):
        """Put a frame around a point, (x, y) in the plane."""
        x, y = self.axes.place(*place)
        self.chosen.show([(x - 7, y - 7, 14, 14)])


class Samples:
    """Some validation images, and below each what the network takes it for.

    Attributes
    ----------
    answers : list of str
        The most probable class, and ✓ or ✗ with its probability.
    """

    COLUMNS, COUNT, SIDE = 3, 12, 62

    def __init__(self, sheet, split, class_names):
        self.labels, self.names = split.labels[: self.COUNT], class_names
        images = [Image.fromarray(each).resize((self.SIDE, self.SIDE)) for each in split.images[: self.COUNT]]
        self.corners = [(i % self.COLUMNS * 110 + 24, i // self.COLUMNS * 82 + 2) for i in range(len(images))]
        sheet.images([(*each, self.SIDE, self.SIDE) for each in self.corners], np.array(images))
        self.texts = [sheet.texts([], colour, 11, "center") for colour in (COLOURS[1], COLOURS[2])]
        self.answers = []

    def show(self, p, unit=None, title=""):
        """Say of each image its most probable class, from p (COUNT, C)."""
        best = p.argmax(axis=1)
        right = (best == self.labels) & np.isfinite(p.max(axis=1))
        self.answers = [
            f"{self.names[k]} {'✓' if good else '✗'} {np.nan_to_num(row[k]):.0%}"
            for k, good, row in zip(best, right, p, strict=True)
        ]
        for mark, which in zip(self.texts, (False, True), strict=True):
            mark.show([(x + self.SIDE / 2, y + self.SIDE + 9, words) for (x, y), words, good
                       in zip(self.corners, self.answers, right, strict=True) if good == which])  # fmt: skip


class Curves:
    """One quantity over the steps, for training and validation; long curves are thinned.

    Parameters
    ----------
    sheet : Sheet
    box : tuple (x, y, width, height)
    title : str
    top : float, optional
        Where the vertical axis ends; without it the axis follows the curves.
    """

    FIRST = 200  # steps shown at the beginning

    def __init__(self, sheet, box, title, top=None):
        self.top, self.title = top, title
        self.axes = Axes(
            sheet, box, (0, self.FIRST), (0, top or 1), title, margins=(34, 18, 18, 18), ticks=(3, 3)
        )
        self.lines = [sheet.line(np.empty((0, 2)), COLOURS[i], 1.8, dash=(5, 3) * i) for i in (0, 1)]
        right, above = self.axes.right, self.axes.top + 8 if top is None else self.axes.bottom - 22
        for i, part in enumerate(("training", "validation")):
            y = above + 14 * i
            sheet.texts([(right - 22, y, part)], size=11, align="right")
            sheet.line([(right - 18, y), (right, y)], COLOURS[i], 1.8, dash=(5, 3) * i)
        self.clear()

    def clear(self):
        """Forget the curves."""
        self.rows, self.steps, self.values = [], [], []

    def add(self, step, training, validation):
        """Add a point to each curve."""
        if self.rows and self.rows[-1][0] == step:  # the same step measured again
            self.rows.pop()
        values = np.array([training, validation], float)
        self.rows.append([step, *np.where(np.isfinite(values), values, np.nan)])
        if len(self.rows) > POINTS_KEPT:
            del self.rows[1:-1:2]
        self.steps, *self.values = map(list, zip(*self.rows, strict=True))
        self.axes.entitle(f"{self.title}: {training:.3g}")
        self._fit()
        for line, values in zip(self.lines, self.values, strict=True):
            line.show(self.axes.place(self.steps, values))

    def _fit(self):
        """Let the axes end where the curves do."""
        before = right, top = self.axes.xlim[1], self.axes.ylim[1]
        right = self.FIRST
        while right < self.steps[-1]:
            right *= 3
        is_new = right != before[0] or len(self.steps) == 1
        if self.top is None and (is_new or 1.1 * max(each[-1] for each in self.values) > top):
            finite = np.array(self.values)[np.isfinite(self.values)]
            # a few steps that overshoot may leave the plot, the beginning may not
            needed = 1.1 * max(finite[0], np.quantile(finite, 0.97)) if len(finite) else 0
            if needed > top or (is_new and needed):
                top = round_up(needed)
        if (right, top) != before:
            self.axes.limit((0, right), (0, top))


def round_up(value):
    """Return the next larger of 1, 1.5, 2, 3, 5, 7, 10, 15, … at which an axis may end."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-9)))
    return next(float(f"{step * power:.2g}") for step in (1, 1.5, 2, 3, 5, 7, 10) if step * power >= value)


def shares(a, low, high, bins):
    """Return the share of values in each bin from `low` to `high`; those beyond are in the outer two."""
    place = np.nan_to_num((a.ravel() - low) * (bins / (high - low)))
    return np.bincount(np.clip(place, 0, bins - 1).astype(np.intp), minlength=bins) / a.size


def dead_units(a, activation):
    """Return which of a layer's units (N, M) have a derivative of 0, or nearly, for every example.

    Such a unit passes no gradient on. With ReLU it is 0 for all examples; with sigmoid and tanh it is near an
    end of its range, where the derivative is below 0.02. With leaky ReLU no unit is dead.
    """
    return FLAT[activation](a).all(axis=0)
