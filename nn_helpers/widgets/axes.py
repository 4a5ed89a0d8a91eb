"""Axes on a sheet: where values lie in pixels, with a title, labels, ticks and a grid."""

import numpy as np
from matplotlib.ticker import MaxNLocator

MARGINS = 50, 10, 24, 36  # pixels around what is drawn: left, right, above, below


class Axes:
    """A rectangle of a sheet with two scales.

    Parameters
    ----------
    sheet : Sheet
    box : tuple (x, y, width, height)
        In pixels, labels included.
    xlim, ylim : tuple (low, high)
    title, xlabel, ylabel : str
    ticks : tuple of int
        At most so many on each scale; 0 for none.
    margins : tuple of int
        Pixels for labels: left, right, above, below.
    """

    def __init__(self, sheet, box, xlim, ylim, title="", xlabel="", ylabel="", ticks=(5, 4), margins=MARGINS):
        x, y, width, height = box
        left, right, above, below = margins
        self.left, self.right = x + left, x + width - right
        self.top, self.bottom = y + above, y + height - below
        self.box = self.left, self.top, self.right - self.left, self.bottom - self.top
        self._ticks = ticks
        middle = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        self._title = sheet.texts([], size=13, align="center", bold=True)
        self._title_at = middle[0], y + 9
        self.entitle(title)
        sheet.texts([(middle[0], y + height - 8, xlabel)], align="center")
        sheet.texts([(x + 7, middle[1], ylabel)], align="center", turned=True)
        self._grid = sheet.line(np.empty((0, 2)), "grid", 1)
        self._below = sheet.texts([], "faint", align="center")
        self._beside = sheet.texts([], "faint", align="right")
        self.limit(xlim, ylim)

    def entitle(self, title):
        """Write another title."""
        self._title.show([(*self._title_at, title)])

    def limit(self, xlim, ylim):
        """Let the scales go from low to high; what was placed before has to be placed anew."""
        self.xlim, self.ylim = xlim, ylim
        xs, ys = (_ticks(*limits, count) for limits, count in zip((xlim, ylim), self._ticks, strict=True))
        gap = [(np.nan, np.nan)]
        lines = [[(x, self.top), (x, self.bottom), *gap] for x in self.x(xs)]
        lines += [[(self.left, y), (self.right, y), *gap] for y in self.y(ys)]
        self._grid.show(np.reshape(lines, (-1, 2)))
        self._below.show([(float(self.x(x)), self.bottom + 11, f"{x:g}") for x in xs])
        self._beside.show([(self.left - 5, float(self.y(y)), f"{y:g}") for y in ys])

    def x(self, values):
        """Return where values lie, in pixels from the sheet's left edge."""
        low, high = self.xlim
        return self.left + (np.asarray(values, float) - low) * ((self.right - self.left) / (high - low))

    def y(self, values):
        """Return where values lie, in pixels from the sheet's upper edge."""
        low, high = self.ylim
        return self.bottom - (np.asarray(values, float) - low) * ((self.bottom - self.top) / (high - low))

    def place(self, x, y):
        """Return points as pixels (N, 2); those beyond the scales lie at their edge."""
        x, y = np.clip(x, *sorted(self.xlim)), np.clip(y, *sorted(self.ylim))
        return np.stack(np.broadcast_arrays(self.x(x), self.y(y)), axis=-1)

    def bars(self, left, right, heights):
        """Return boxes (N, 4) from left to right that reach from 0 to their heights, or to the edge."""
        (x, y), zero = self.place(left, heights).T, self.place(0, 0)[1]
        width = self.x(right) - self.x(left)
        return np.column_stack([x, np.minimum(y, zero), np.broadcast_to(width, x.shape), np.abs(zero - y)])

    def values(self, x, y):
        """Return what lies at a place in pixels."""
        across, up = (x - self.left) / (self.right - self.left), (self.bottom - y) / (self.bottom - self.top)
        (low, high), (bottom, top) = self.xlim, self.ylim
        return low + across * (high - low), bottom + up * (top - bottom)


def _ticks(low, high, count):
    ticks = MaxNLocator(count).tick_values(low, high) if count else np.empty(0)
    slack = 1e-9 * abs(high - low)
    return ticks[(ticks >= min(low, high) - slack) & (ticks <= max(low, high) + slack)]
