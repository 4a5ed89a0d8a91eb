"""Figures of the first two lessons: what an image is to a network, activations, gradients."""

import numpy as np
from matplotlib.patches import Rectangle

from nn_helpers.plots.base import COLOURS, MARKERS, finish, legend_below, require_dict, style, subplots
from nn_helpers.plots.images import require_one_each
from nn_helpers.support.arrays import floats, require_images
from nn_helpers.support.validation import whole_number


def predictions(images, labels, predicted, class_names, columns=8):
    """Show images with the class that was predicted for each, and the right one where that is another.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    labels, predicted : integer array (N,)
    class_names : sequence of str
    columns : int

    Returns
    -------
    Figure
    """
    require_images("predictions", "images", images)
    labels = require_one_each("predictions", images, labels=labels)
    predicted = require_one_each("predictions", images, predicted=predicted)
    whole_number("predictions", "columns", columns, 1)
    rows, size = -(-len(images) // columns), 9 / columns
    height = size * images.shape[1] / images.shape[2] + 0.4
    figure, grid = subplots(9, rows * height, rows, columns, squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for ax, image, true, said in zip(grid.flat, images, labels, predicted, strict=False):
        ax.imshow(image, interpolation="nearest")
        right = said == true
        title = f"✓ {class_names[said]}\n" if right else f"✗ {class_names[said]}\nis: {class_names[true]}"
        ax.set_title(title, fontsize=9, color=COLOURS[0] if right else COLOURS[1], pad=3)
    return figure


def taken_apart(image, corner=(12, 12), size=6):
    """Show an image, its three channels, and the numbers in a small square of each.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
    corner : tuple of int
        Row and column where the square begins; one that would reach beyond the image begins earlier.
    size : int
        Its side, in pixels.

    Returns
    -------
    Figure
    """
    row, column = np.maximum(np.minimum(corner, np.subtract(image.shape[:2], size)), 0)
    square = np.s_[row : row + size, column : column + size]
    planes = {"the image": image} | {name: image[..., i] for i, name in enumerate(("red", "green", "blue"))}
    figure, grid = subplots(9, 4.9, 2, 4)
    for i, (above, below, (name, plane)) in enumerate(zip(*grid, planes.items(), strict=True)):
        colour = {"edgecolor": COLOURS[1], "linewidth": 1.5}
        above.imshow(plane, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        above.add_patch(Rectangle((column - 0.5, row - 0.5), size, size, fill=False, **colour))
        above.set_title(name if i == 0 else f"{name} (0 to 255)")
        below.imshow(plane[square], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        below.set_title("its square" if i == 0 else "its numbers")
        if i:
            _write_numbers(below, plane[square])
        for ax in (above, below):
            ax.set(xticks=[], yticks=[])
        below.spines[:].set(color=COLOURS[1], linewidth=1.5)
    return figure


def _write_numbers(ax, numbers):
    for (row, column), number in np.ndenumerate(numbers):
        colour = "white" if number < 128 else "black"
        ax.text(column, row, number, color=colour, fontsize=8, ha="center", va="center")


def decision_regions(predictors, points, labels):
    """Show, for each of several classifiers, which class it gives to every place in a plane.

    Parameters
    ----------
    predictors : dict of str to function
        By the name in the title. Each takes points (n, 2) and returns integers (n,). None in place of a
        function shows the points alone.
    points : float array (N, 2)
    labels : integer array (N,)

    Returns
    -------
    Figure
    """
    require_dict("decision_regions", "predictors", predictors, '{"my network": net.predict}')
    points = floats("decision_regions", points=points)
    labels = require_one_each("decision_regions", points, "point", labels=labels)
    low, high = points.min(axis=0) - 0.3, points.max(axis=0) + 0.3
    across, up = np.meshgrid(*np.linspace(low, high, 150).T)
    everywhere = np.stack([across.ravel(), up.ravel()], axis=1)
    classes = np.unique(labels)
    figure, axes = subplots(4.5 * len(predictors), 3.1, 1, len(predictors), squeeze=False)
    for ax, (name, predict) in zip(axes.flat, predictors.items(), strict=True):
        if predict is not None:
            region = predict(everywhere).reshape(across.shape)
            levels = np.arange(-0.5, classes.max() + 1)
            ax.contourf(across, up, region, levels=levels, colors=COLOURS, alpha=0.2)
            name = f"{name}: {100 * np.mean(predict(points) == labels):.0f} % right"
        for k in classes:
            mine = points[labels == k]
            ax.scatter(*mine.T, s=14, color=COLOURS[k], marker=MARKERS[k], linewidth=0.9, label=f"class {k}")
        ax.set(title=name, xlabel="first input", ylabel="second input")
        finish(ax)
    return legend_below(figure)


def activation_graphs(z, graphs):
    """Show activations and their derivatives.

    Parameters
    ----------
    z : float array (n,)
        Increasing.
    graphs : dict of str to tuple of two float arrays (n,)
        By name: a, and ∂a/∂z.

    Returns
    -------
    Figure
    """
    k = len(graphs)
    figure, axes = subplots(9, 3, 1, 2) if k == 1 else subplots(9, 4.4, 2, k, sharey="row")
    for i, (name, (a, derivative)) in enumerate(graphs.items()):
        above, below = axes.reshape(2, k)[:, i]
        jumps = np.abs(np.diff(derivative, append=derivative[-1])) > 0.3
        above.plot(z, a, linewidth=2, **style(0))
        below.plot(z, np.where(jumps, np.nan, derivative), linewidth=2, **style(1))
        above.set(title=name, xlabel="z", ylabel="a" if i == 0 else None)
        below.set(title="its derivative", xlabel="z", ylabel="∂a/∂z" if i == 0 else None)
        below.set_ylim(-0.08, max(1.1, 1.1 * derivative.max()))
        for ax in (above, below):
            finish(ax)
    return figure


def one_feature(x, y, curve, names, xlabel):
    """Show two classes over one feature, and the curve that gives the probability of the second.

    Parameters
    ----------
    x : float array (N,)
        The feature.
    y : integer array (N,)
        0 or 1.
    curve : tuple of two float arrays (n,)
        Places on the axis of the feature, and the probability of class 1 there.
    names : tuple of str
        Names of class 0 and class 1.
    xlabel : str
        What the feature is, with its unit.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(9, 3.6)
    for k, name in enumerate(names):
        mine = x[y == k]
        label = f"a {name}"
        ax.plot(mine, np.full(len(mine), 100.0 * k), "|", color=COLOURS[1 - k], ms=12, alpha=0.4, label=label)
    order = np.argsort(x, kind="stable")
    groups = np.array_split(order, 12)
    shares = [100 * y[group].mean() for group in groups]
    ax.plot([x[group].mean() for group in groups], shares, "o", color="black", label=f"share of {names[1]}s")
    ax.plot(curve[0], 100 * curve[1], color=COLOURS[2], linewidth=2, label=f"probability of {names[1]}")
    ax.set(title=f"{names[1]} or {names[0]}, judged by one number".capitalize(), xlabel=xlabel)
    ax.set(ylabel=f"probability of {names[1]} (%)", ylim=(-8, 108))
    finish(ax)
    return legend_below(figure)


def saturated_and_dead(scales, saturated, biases, silent):
    """Show how many units saturate as weights grow, and how many fall silent as biases move.

    Parameters
    ----------
    scales : float array (n,)
        Factors on the weights.
    saturated : dict of str to float array (n,)
        By activation: the share, 0 to 1, of values whose derivative is almost 0.
    biases : float array (m,)
    silent : dict of str to float array (m,)
        By what is counted: a share, 0 to 1.

    Returns
    -------
    Figure
    """
    figure, (left, right) = subplots(9, 3.6, 1, 2)
    _shares(left, scales, saturated, 0)
    _shares(right, biases, silent, len(saturated))
    left.set(title="Saturated", xlabel="weights, times their usual size", xscale="log")
    right.set(title="Silent ReLUs", xlabel="bias")
    right.invert_xaxis()
    return figure


def _shares(ax, x, shares, first):
    for i, (name, share) in enumerate(shares.items(), start=first):
        ax.plot(x, 100 * share, ms=4, label=name, **style(i, marker=True))
    ax.set(ylabel="share (%)", ylim=(-3, 103))
    ax.legend(frameon=False)
    finish(ax)


def difference_errors(h, errors):
    """Show the error of numerical gradients against their step.

    Parameters
    ----------
    h : float array (n,)
        Steps.
    errors : dict of str to float array (n,)
        By method: the relative error with each step. An error of 0 is not drawn.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(9, 4)
    for i, (name, error) in enumerate(errors.items()):
        ax.plot(h, np.where(error > 0, error, np.nan), ms=4, label=name, **style(i, marker=True))
    note = {"transform": ax.transAxes, "va": "bottom", "color": "0.3"}
    ax.text(0.02, 0.06, "← h too small:\nrounding", ha="left", **note)
    ax.text(0.98, 0.06, "h too large: →\nthe formula itself", ha="right", **note)
    ax.set(title="The valley of the step", xscale="log", yscale="log", xlabel="step h")
    ax.set_ylabel("relative error of the gradient")
    finish(ax)
    return legend_below(figure)
