"""Every picture of the lessons: functions of plain data that return a figure.

Nothing here uses pyplot: a figure is an object, shown when it is a cell's last line, and forgotten
when nobody holds it. Colours are those of Okabe and Ito, which colour-blind readers can tell apart;
lines differ in their dashes as well.
"""

import io
import os
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nn_helpers._arguments import choice

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


def contact_sheet(images, labels, class_names, columns=10):
    """Show pictures of each class in a row of their own.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    labels : integer array (N,)
    class_names : sequence of str
        The name of class 0, 1, …
    columns : int
        Pictures of each class, the first ones.

    Returns
    -------
    Picture
    """
    height, width = images.shape[1:3]
    inches, names = 0.66, 1.1  # of a picture, and of the column with the names
    size = names + inches * columns, inches * height / width * len(class_names)
    figure = Picture(figsize=size, dpi=100, layout=None)
    grid = figure.add_gridspec(len(class_names), left=names / size[0], right=1, bottom=0, top=1, hspace=0)
    for label, (ax, name) in enumerate(zip(grid.subplots(squeeze=False)[:, 0], class_names, strict=True)):
        row = np.full((height + 2, columns * (width + 2), 3), 255, np.uint8)
        for column, image in enumerate(images[labels == label][:columns]):
            left = column * (width + 2) + 1
            row[1:-1, left : left + width] = image
        ax.imshow(row, interpolation="nearest", aspect="auto")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def training_curves(epochs):
    """Show data loss and accuracy over the epochs, for training and, where it was measured, validation.

    Parameters
    ----------
    epochs : dict of str to array
        As from ``History.epochs()``.

    Returns
    -------
    Picture
    """
    figure = Picture(figsize=(9, 3.4), dpi=100)
    loss, accuracy = figure.subplots(1, 2)
    quantities = ((loss, "data_loss", "val_loss", 1), (accuracy, "accuracy", "val_accuracy", 100))
    for ax, train, val, scale in quantities:
        for i, (part, key) in enumerate((("training", train), ("validation", val))):
            values = scale * epochs[key]
            if np.isfinite(values).any():
                ax.plot(
                    epochs["epoch"], values, color=COLOURS[i], linestyle=DASHES[i], marker=".", label=part
                )
        ax.set_xlabel("epoch")
        _finish(ax, "epoch")
    loss.set(title="Cross-entropy, without L2", ylabel="data loss (nats)", ylim=(0, None))
    accuracy.set(title="Accuracy", ylabel="accuracy (%)", ylim=(0, 102))
    _legend_below(figure)
    return figure


def compare_histories(histories, quantity="loss", over=("epoch", "seconds")):
    """Show one quantity of several trainings over epochs and over time, side by side.

    Parameters
    ----------
    histories : dict of str to History
        By the name in the legend.
    quantity : {"loss", "data_loss", "accuracy", "val_loss", "val_accuracy"}
        One value an epoch. `loss` includes L2; `data_loss` and `val_loss` do not.
    over : sequence of {"epoch", "seconds"}
        The horizontal axis of each plot.

    Returns
    -------
    Picture
    """
    name, unit, scale = QUANTITIES[choice("compare_histories", "quantity", quantity, QUANTITIES)]
    figure = Picture(figsize=(4.8 * len(over), 3.6), dpi=100)
    for ax, horizontal in zip(figure.subplots(1, len(over), squeeze=False)[0], over, strict=True):
        for i, (label, history) in enumerate(histories.items()):
            epochs = history.epochs()
            ax.plot(
                epochs[choice("compare_histories", "over", horizontal, HORIZONTAL)],
                scale * epochs[quantity],
                color=COLOURS[i % len(COLOURS)],
                linestyle=DASHES[i % len(DASHES)],
                marker=".",
                label=label,
            )
        words, unit_below = HORIZONTAL[horizontal]
        ax.set(xlabel=unit_below, ylabel=f"{name} ({unit})", title=f"{name.capitalize()} {words}")
        ax.set_ylim(0, 102 if scale == 100 else None)
        _finish(ax, horizontal)
    _legend_below(figure)
    return figure


QUANTITIES = {
    "loss": ("training loss", "nats", 1),
    "data_loss": ("training data loss", "nats", 1),
    "accuracy": ("training accuracy", "%", 100),
    "val_loss": ("validation loss", "nats", 1),
    "val_accuracy": ("validation accuracy", "%", 100),
}
HORIZONTAL = {"epoch": ("over epochs", "epoch"), "seconds": ("over time", "time spent training (s)")}


def save(figure, path):
    """Write a figure to a PNG file; an old file of that name stays whole until the new one is complete."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(figure._repr_png_())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _legend_below(figure):
    """Name the lines of the first plot below all plots, where no line can be hidden."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(labels)), frameon=False)


def _finish(ax, horizontal):
    if horizontal == "epoch":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
