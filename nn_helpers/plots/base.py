"""What all figures share: a figure that shows itself, the look of its lines, and saving."""

import io
import os
from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import MaxNLocator

from nn_helpers.support.arrays import describe
from nn_helpers.support.files import explain_failure, own_place, require_writable, temporary_file

# Okabe & Ito 2008, without yellow, which is faint on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (9, 2)), (0, (3, 1)), "-")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")

TYPICAL_SIZE = 100_000  # bytes of a figure


class Figure(MatplotlibFigure):
    """A figure that every notebook front end shows, in any back end."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"layout": "constrained", "facecolor": "white", **kwargs})
        FigureCanvasAgg(self)

    def _repr_png_(self):
        buffer = io.BytesIO()
        # without the version of the software, the same figure is the same file
        self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()


def subplots(width, height, *grid, dpi=100, **options):
    """Return a new figure of this size (inches) and its axes, as Matplotlib's function of this name does."""
    figure = Figure(figsize=(width, height), dpi=dpi)
    return figure, figure.subplots(*grid, **options)


def save(figure, path):
    """Write a figure to a .png file; an old file of that name stays whole until the new one is complete.

    Raises
    ------
    OSError, ValueError
        If it cannot be written. The message names `path`.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"plots.save: figure must be one of plots, got {describe(figure)}")
    _write("plots.save", path, figure._repr_png_())


def check_path(path, function="plots.save"):
    """Raise what `save` would raise for this path, before there is a figure; nothing there is changed."""
    _write(function, path, bytes(TYPICAL_SIZE), keep=False)


def _write(function, path, png, keep=True):
    path = require_writable(function, "path", path, ".png")
    with (
        own_place(path, "the figure"),
        explain_failure("the figure", path),
        temporary_file(path, png) as part,
    ):
        if keep:
            os.replace(part, path)


def require_dict(function, name, value, example):
    """Refuse what has no names for its lines, rows or plots."""
    if not isinstance(value, Mapping) or not value:
        found = "an empty one" if isinstance(value, Mapping) else describe(value)
        raise TypeError(f"{function}: {name} must be a dict such as {example}, got {found}")


def style(i, marker=False):
    """Return how line i of a plot looks, as options for Matplotlib: colour, dashes and perhaps marker."""
    looks = {"color": COLOURS, "linestyle": DASHES} | ({"marker": MARKERS} if marker else {})
    return {name: look[i % len(look)] for name, look in looks.items()}


def legend_below(figure):
    """Name the lines of the first plot below all plots, where no line is hidden; return the figure."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    fit = sum(len(label) + 9 for label in labels) < 13.5 * figure.get_figwidth()  # in one row; else in two
    ncols = max(1, len(labels) if fit else -(-len(labels) // 2))
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols, frameon=False)
    return figure


def finish(ax, horizontal=None, grid=True):
    """Give a plot a grid, no frame above and right, and whole numbers below when these are epochs."""
    if horizontal == "epoch":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if grid:
        ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
