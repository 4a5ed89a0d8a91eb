"""What happened in training: loss and accuracy over epochs and time."""

import numpy as np

from nn_helpers.plots.base import finish, legend_below, require_dict, style, subplots
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
    loss.set(title="Cross-entropy, without L2", ylabel="data loss (nats)", ylim=(0, None))
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
        ax.set_ylim(0, 102 if scale == 100 else None)
        finish(ax, horizontal)
    return legend_below(figure)


QUANTITIES = {
    "loss": ("training loss", "nats", 1),
    "data_loss": ("training data loss", "nats", 1),
    "accuracy": ("training accuracy", "%", 100),
    "val_loss": ("validation loss", "nats", 1),
    "val_accuracy": ("validation accuracy", "%", 100),
}
HORIZONTAL = {"epoch": ("over epochs", "epoch"), "seconds": ("over time", "time spent training (s)")}
