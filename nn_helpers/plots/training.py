"""What happened in training: loss and accuracy over epochs and time, and threads that share a batch."""

import numpy as np

from nn_helpers.plots.base import COLOURS, DASHES, finish, legend_below, require_dict, style, subplots
from nn_helpers.support.validation import choice


def training_curves(epochs):
    """Show data loss and accuracy over the epochs, for training and, where it was measured, validation.

    Parameters
    ----------
    epochs : dict of str to array
        As from ``History.epochs()``.

    Returns
    -------
    Figure
    """
    require_dict("training_curves", "epochs", epochs, "history.epochs()")
    figure, (loss, accuracy) = subplots(9, 3.4, 1, 2)
    quantities = ((loss, "data_loss", "val_loss", 1), (accuracy, "accuracy", "val_accuracy", 100))
    for ax, train, val, scale in quantities:
        for i, (part, key) in enumerate((("training", train), ("validation", val))):
            values = scale * epochs[key]
            if np.isfinite(values).any():
                ax.plot(epochs["epoch"], values, marker=".", label=part, **style(i))
        ax.set_xlabel("epoch")
        finish(ax, "epoch")
    with_l2 = bool(np.any(epochs.get("reg_loss", 0)))  # who has not heard of L2 need not read of it
    loss.set(title="Cross-entropy" + ", without L2" * with_l2, ylabel="data " * with_l2 + "loss (nats)")
    _from_zero(loss)
    accuracy.set(title="Accuracy", ylabel="accuracy (%)", ylim=(0, 102))
    return legend_below(figure)


def compare_histories(histories, quantity="loss", over=("epoch", "seconds")):
    """Show one quantity of several trainings over epochs and over time, side by side.

    Parameters
    ----------
    histories : dict of str to History
        By the name in the legend.
    quantity : {"loss", "data_loss", "accuracy", "val_loss", "val_accuracy"}
        One value an epoch. `loss` includes L2; `data_loss` and `val_loss` do not.
    over : {"epoch", "seconds"} or sequence of them
        The horizontal axis of each plot.

    Returns
    -------
    Figure
    """
    require_dict("compare_histories", "histories", histories, '{"Adam": history}')
    over = [over] if isinstance(over, str) else over
    name, unit, scale = QUANTITIES[choice("compare_histories", "quantity", quantity, QUANTITIES)]
    figure, axes = subplots(4.8 * len(over), 3.6, 1, len(over), squeeze=False)
    for ax, horizontal in zip(axes.flat, over, strict=True):
        for i, (label, history) in enumerate(histories.items()):
            epochs = history.epochs()
            at = epochs[choice("compare_histories", "over", horizontal, HORIZONTAL)]
            ax.plot(at, scale * epochs[quantity], marker=".", label=label, **style(i))
        words, unit_below = HORIZONTAL[horizontal]
        ax.set(xlabel=unit_below, ylabel=f"{name} ({unit})", title=f"{name.capitalize()} {words}")
        _from_zero(ax)
        if scale == 100:
            ax.set_ylim(0, 102)
        finish(ax, horizontal)
    return legend_below(figure)


def _from_zero(ax):
    """Let the vertical axis begin at 0, and end above the highest line, a flat one too."""
    highest = ax.dataLim.ymax  # infinite where nothing is drawn
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.02 * highest) if np.isfinite(highest) else None)


QUANTITIES = {
    "loss": ("training loss", "nats", 1),
    "data_loss": ("training data loss", "nats", 1),
    "accuracy": ("training accuracy", "%", 100),
    "val_loss": ("validation loss", "nats", 1),
    "val_accuracy": ("validation accuracy", "%", 100),
}
HORIZONTAL = {"epoch": ("over epochs", "epoch"), "seconds": ("over time", "time spent training (s)")}


def shared_batch(N, milliseconds):
    """Show how two threads share a batch, and how long a step takes with one thread and with several.

    Parameters
    ----------
    N : int
        Examples in the batch.
    milliseconds : dict of int to float
        The time of a step, by the number of threads; 1 must be among them.

    Returns
    -------
    Figure
    """
    figure, (lanes, times) = subplots(9.2, 3, 1, 2, width_ratios=(2.3, 1))
    forward, backward, update = COLOURS[:3]
    for lane, (rows, part) in enumerate(((f"[:{N // 2}]", "[:P/2]"), (f"[{N // 2}:]", "[P/2:]"))):
        for start, end, colour, text in (
            (0, 2.2, forward, f"forward\nx{rows} → logits{rows}"),
            (3, 5.2, backward, f"backward\ndlogits{rows} → $g_{lane}$"),
            (5.4, 7.3, update, f"update\nθ{part} with $g_0 + g_1$"),
        ):
            lanes.barh(lane, end - start, 0.72, start, facecolor=f"{colour}40", edgecolor=colour)
            lanes.text((start + end) / 2, lane, text, ha="center", va="center", fontsize=8)
    lanes.barh(0.5, 0.6, 1.72, 2.3, facecolor="#00000020", edgecolor="black")
    lanes.text(2.6, 0.5, f"loss\nof all\n{N}", ha="center", va="center", fontsize=8)
    lanes.axvline(5.3, color="black", linestyle=DASHES[2])
    lanes.set(yticks=(0, 1), yticklabels=("thread 0", "thread 1"), ylim=(1.5, -0.5), xticks=())
    lanes.set(title="A step, shared: each waits for the other at the loss and at the line", xlabel="time →")
    finish(lanes, grid=False)
    names = [str(threads) for threads in milliseconds]
    bars = times.bar(names, list(milliseconds.values()), color=COLOURS[0])
    times.bar_label(bars, fmt="%.1f", padding=4)
    ideal = [milliseconds[1] / threads for threads in milliseconds]
    times.plot(names, ideal, color=COLOURS[1], linestyle=DASHES[1], marker=".", label="if all were shared")
    times.set(title="Measured here", xlabel="threads", ylabel="time of a step (ms)")
    times.margins(y=0.3)
    times.legend(frameon=False, fontsize="small", loc="upper right")
    finish(times)
    return figure
