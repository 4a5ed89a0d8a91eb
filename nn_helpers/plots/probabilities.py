"""Figures of logits, probabilities and what they cost."""

import numpy as np
from matplotlib.ticker import NullFormatter

from nn_helpers.plots.base import COLOURS, MARKERS, finish, legend_below, style, subplots

HATCH = "///"  # of what is pushed down, so that colour is not the only difference


def image_with_scores(image, scores, class_names, quantity="logit"):
    """Show an image and, beside it, one number for each class as a bar.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
    scores : float array (C,)
    class_names : sequence of str (C,)
    quantity : str
        What the numbers are: ``"logit"``, ``"probability"``.

    Returns
    -------
    Figure
    """
    figure, (left, right) = subplots(9, 2.7, 1, 2, width_ratios=(1, 2.2))
    left.imshow(image, interpolation="nearest")
    left.set(title="The image", xticks=[], yticks=[])
    _bars(right, scores, class_names, digits=2)
    right.set(title=f"One {quantity} for each class", xlabel=quantity)
    return figure


def bars_at_temperatures(probabilities, class_names):
    """Show one example's probabilities at several temperatures, side by side.

    Parameters
    ----------
    probabilities : dict of float to float array (C,)
        By temperature.
    class_names : sequence of str (C,)

    Returns
    -------
    Figure
    """
    figure, axes = subplots(9, 3, 1, len(probabilities), sharey=True, squeeze=False)
    for ax, (T, p) in zip(axes.flat, probabilities.items(), strict=True):
        _bars(ax, p, class_names, digits=2)
        ax.set(title=f"T = {T:g}", xlabel="probability", xlim=(0, 1.25), xticks=(0, 0.5, 1))
    return figure


def two_classes(difference, p, sigmoid):
    """Show softmax of two classes over the difference of their logits, and the sigmoid of it.

    Parameters
    ----------
    difference : float array (N,)
        The first logit minus the second.
    p : float array (N, 2)
        Softmax of the two logits.
    sigmoid : float array (N,)

    Returns
    -------
    Figure
    """
    figure, ax = subplots(7, 3.2)
    for i, name in enumerate(("first", "second")):
        ax.plot(difference, p[:, i], label=f"softmax, {name} class", lw=2, **style(i))
    rings = {"color": COLOURS[-1], "markerfacecolor": "none", "label": "sigmoid of the difference"}
    ax.plot(difference, sigmoid, "o", **rings)
    ax.set(title="With two classes softmax is the sigmoid")
    ax.set(xlabel="z₁ − z₂, the difference of the two logits", ylabel="probability")
    finish(ax)
    return legend_below(figure)


def cost_of_probability(examples):
    """Show what the true class costs, −log p, over its probability p, and some examples on the curve.

    Parameters
    ----------
    examples : dict of str to float
        Probabilities by the name to write beside them. p = 0 costs infinity and is not shown.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(7, 3.2)
    examples = {name: probability for name, probability in examples.items() if probability > 0}
    lowest = min([0.005, *examples.values()])
    p = np.geomspace(lowest, 1, 400)
    ax.plot(p, -np.log(p), color=COLOURS[0], lw=2)
    for name, probability in examples.items():
        cost = -np.log(probability)
        ax.plot(probability, cost, "o", color=COLOURS[1])
        ax.annotate(f"{name}: {cost:.2f}", (probability, cost), (8, 6), textcoords="offset points")
    ax.set(title="What the true class costs", xlim=(-0.02, 1.12), ylim=(0, None))
    ax.set(xlabel="p, the probability that the network gave to the true class", ylabel="−log p (nats)")
    finish(ax)
    return figure


def first_losses(spreads, losses, num_classes, marked):
    """Show the loss of untrained networks over the spread of their logits, beside log C.

    Parameters
    ----------
    spreads, losses : float arrays (n,)
        The standard deviation of the logits, and the loss.
    num_classes : int
    marked : dict of str to tuple (spread, loss)
        Networks to name.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(7, 3.4)
    ax.plot(spreads, losses, marker=".", label="untrained networks", **style(0))
    ax.axhline(np.log(num_classes), label=f"log {num_classes}, all classes alike", **style(1))
    for name, point in marked.items():
        ax.plot(*point, "D", color=COLOURS[-1])
        ax.annotate(name, point, (0, 9), textcoords="offset points", ha="right")
    ax.set(title="The first loss, before any training", xscale="log", ylim=(0, None))
    ax.set(xlabel="standard deviation of the logits", ylabel="loss (nats)")
    finish(ax)
    return legend_below(figure)


def softmax_jacobian(J, class_names):
    """Show the Jacobian of softmax, ∂pₖ/∂zⱼ, as numbers on coloured squares.

    Parameters
    ----------
    J : float array (C, C)
        Row k, column j.
    class_names : sequence of str (C,)

    Returns
    -------
    Figure
    """
    figure, ax = subplots(8, 4.4)
    largest = np.abs(J).max()
    ax.imshow(J, cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto")
    for (k, j), value in np.ndenumerate(J):
        shown = _rounded(value, 2)
        ink = "white" if abs(value) > 0.7 * largest else "black"
        ax.text(j, k, shown, ha="center", va="center", color=ink, fontsize=9)
    places = range(len(class_names))
    ax.set(title="∂pₖ/∂zⱼ: what a little more of one logit does to every probability")
    ax.set(xlabel="logit zⱼ that is raised", ylabel="probability pₖ that changes")
    ax.set_xticks(places, class_names, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(places, class_names)
    ax.spines[:].set_visible(False)
    return figure


def p_minus_y(p, y, class_names):
    """Show one example's probabilities, its one-hot target, and their difference, as bars.

    Parameters
    ----------
    p, y : float arrays (C,)
    class_names : sequence of str (C,)

    Returns
    -------
    Figure
    """
    figure, (first, second, third) = subplots(9, 3.2, 1, 3, sharey=True, width_ratios=(1, 1, 1.4))
    _bars(first, p, class_names, digits=2)
    _bars(second, y, class_names, digits=2)
    _bars(third, p - y, class_names, digits=2, signs=True)
    for ax, name in ((first, "p, what the network says"), (second, "y, what is true")):
        ax.set(title=name, xlabel="probability", xlim=(0, 1.3), xticks=(0, 0.5, 1))
    third.set(title="p − y, the gradient", xlim=(-1.3, 1.3), xticks=(-1, -0.5, 0, 0.5, 1))
    third.set(xlabel="∂L/∂z: right, the logit goes down; left, up")
    return figure


def loss_over_temperature(temperatures, losses):
    """Show losses over the temperature, and where each is lowest.

    Parameters
    ----------
    temperatures : float array (n,)
    losses : dict of str to float array (n,)
        By the name of the images.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(7, 3.2)
    for i, (name, values) in enumerate(losses.items()):
        ax.plot(temperatures, values, label=name, **style(i))
        lowest = np.argmin(values)
        ax.plot(temperatures[lowest], values[lowest], MARKERS[i], color=COLOURS[i])
    ax.set(title="Loss at other temperatures", xlabel="temperature T", ylabel="loss (nats)", xscale="log")
    ticks = [T for T in (0.25, 0.5, 1, 2, 4, 8, 16) if min(temperatures) <= T <= max(temperatures)]
    ax.set_xticks(ticks, [f"{T:g}" for T in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    finish(ax)
    return legend_below(figure)


def _bars(ax, values, names, digits, signs=False):
    """Draw horizontal bars, the first on top, each with its number; with signs, positive ones hatched."""
    places = np.arange(len(values))
    down = np.asarray(values) > 0 if signs else np.zeros(len(values), bool)
    for which, colour, hatch in ((~down, COLOURS[0], None), (down, COLOURS[1], HATCH)):
        ax.barh(places[which], values[which], color=colour, hatch=hatch, edgecolor="white", height=0.75)
    for place, value in zip(places, values, strict=True):
        side, away = ("left", 4) if value >= 0 else ("right", -4)
        look = {"textcoords": "offset points", "va": "center", "ha": side, "fontsize": 8.5}
        ax.annotate(_rounded(value, digits), (value, place), (away, 0), **look)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(places, names)
    ax.margins(x=0.14)
    ax.yaxis.set_inverted(True)
    finish(ax)
    ax.grid(visible=False, axis="y")
    ax.set_axisbelow(True)


def _rounded(value, digits):
    """``0.46``, ``−1.10``, and 0 where that is all that is left; what is not quite 0 gets its dot."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return "0" if value == 0 else f"{0:.{digits}f}"
    return text.replace("-", "−")
