"""What a network confuses, and the learning rate of its training."""

import numpy as np

from nn_helpers.plots.base import finish, legend_below, require_dict, style, subplots


def confusion_matrix(matrix, class_names):
    """Show how often each class was taken for each.

    The colour of a field says which share of its row it is, the number in it how many images.

    Parameters
    ----------
    matrix : integer array (C, C)
        ``matrix[i, j]`` images of class i were taken for class j.
    class_names : sequence of C str

    Returns
    -------
    Figure
    """
    matrix = np.asarray(matrix)
    if (
        isinstance(class_names, str)
        or not np.iterable(class_names)
        or matrix.shape != 2 * (len(class_names),)
    ):
        raise ValueError(
            "confusion_matrix: matrix must have a row and a column for each of class_names; "
            f"got shape {matrix.shape} and {class_names!r:.60}"
        )
    C, total = len(class_names), matrix.sum()
    share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, ax = subplots(7.6, 6.2)
    shown = ax.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for (i, j), count in np.ndenumerate(matrix):
        ax.text(j, i, str(count), ha="center", va="center", color="white" if share[i, j] > 71 else "black")
    ax.set_xticks(range(C), class_names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(C), class_names)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    right = np.trace(matrix) / max(total, 1)
    ax.set(title=f"{total:,} images, {right:.1%} of them on the diagonal")
    ax.set(xlabel="predicted class", ylabel="true class")
    figure.colorbar(shown, ax=ax, shrink=0.8, label="share of the row (%)")
    return figure


def learning_rates(rates):
    """Show the learning rate of each step of training, for several schedules.

    Parameters
    ----------
    rates : dict of str to float array (T,)
        The learning rates of steps 1 to T, by the schedule's name.

    Returns
    -------
    Figure
    """
    require_dict("learning_rates", "rates", rates, '{"constant": [0.1, 0.1, 0.1]}')
    figure, ax = subplots(7.6, 3.2)
    for i, (name, lr) in enumerate(rates.items()):
        ax.plot(np.arange(1, len(lr) + 1), lr, linewidth=2, label=name, **style(i))
    ax.set(xlabel="step", ylabel="learning rate α", title="Learning rate over training", ylim=(0, None))
    finish(ax)
    return legend_below(figure)
