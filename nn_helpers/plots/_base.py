"""What all pictures share: a figure that shows itself, colours, dashes, and saving."""

import io
import os
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe & Ito 2008, without yellow, which is faint on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (9, 2)), (0, (3, 1)), "-")


class Picture(Figure):
    """A figure that every notebook front end shows, in any back end."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"layout": "constrained", "facecolor": "white", **kwargs})
        FigureCanvasAgg(self)

    def _repr_png_(self):
        buffer = io.BytesIO()
        # without the version of the software, the same picture is the same file
        self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()


def save(figure, path):
    """Write a figure to a PNG file; an old file of that name stays whole until the new one is complete."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(figure._repr_png_())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def legend_below(figure):
    """Name the lines of the first plot below all plots, where no line can be hidden."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(labels)), frameon=False)


def finish(ax, horizontal=None):
    """Give a plot a grid, no frame above and right, and whole numbers below when these are epochs."""
    if horizontal == "epoch":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
