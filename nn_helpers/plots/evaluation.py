"""What a network confuses, and the learning rate of its training."""

import numpy as np

from nn_helpers.plots.base import COLOURS, finish, legend_below, require_dict, style, subplots
from nn_helpers.support.validation import counted


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
    ax.set(title=f"{total:,} image{'' if total == 1 else 's'}, {right:.1%} of them on the diagonal")
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


def scores_in_bands(scores):
    """Show how each configuration did: a point for the mean, and a line from its worst seed to its best.

    Parameters
    ----------
    scores : dict of str to float array (S,)
        Accuracies from 0 to 1 with S seeds, by the configuration's name. The best mean is drawn uppermost.

    Returns
    -------
    Figure
    """
    require_dict("scores_in_bands", "scores", scores, '{"lr 0.1": [0.5, 0.6]}')
    figure, ax = subplots(7.6, 1.2 + 0.23 * len(scores))
    names = sorted(scores, key=lambda name: np.mean(scores[name]))
    for place, name in enumerate(names):
        values = 100 * np.asarray(scores[name])
        ax.plot([values.min(), values.max()], [place, place], linewidth=3, alpha=0.4, color=COLOURS[0])
        ax.plot(values.mean(), place, "o", color=COLOURS[0])
    ax.set_yticks(range(len(names)), names)
    seeds = max(map(np.size, scores.values()))
    ax.set(title=f"{counted(len(names), 'configuration')}, {counted(seeds, 'seed')} each")
    ax.set(xlabel="validation accuracy (%)")
    finish(ax)
    return figure


def accuracies_over(x, accuracies, xlabel, log=False, lines=True):
    """Show accuracies over a quantity.

    Parameters
    ----------
    x : dict of str to float array (K,)
    accuracies : dict of str to float array (K,)
        Between 0 and 1, by the same names.
    xlabel : str
    log : bool
        Whether `x` has a logarithmic axis.
    lines : bool
        Draw a line through them, or else points.

    Returns
    -------
    Figure
    """
    require_dict("accuracies_over", "accuracies", accuracies, '{"grid": [0.5, 0.6]}')
    figure, ax = subplots(7.6, 3.6)
    for i, (name, values) in enumerate(accuracies.items()):
        looks = style(i) if lines else style(i, marker=True) | {"linestyle": "none"}
        ax.plot(x[name], 100 * np.asarray(values), linewidth=2, label=name, **looks)
    ax.set(title=f"Accuracy by {xlabel}", xlabel=xlabel, ylabel="accuracy (%)")
    ax.set_xscale("log" if log else "linear")
    finish(ax)
    return legend_below(figure)
