"""Figures of networks: their shapes, the way of the derivatives, and the size of their numbers."""

from itertools import pairwise

import numpy as np
from matplotlib.patches import Rectangle

from nn_helpers.plots.base import COLOURS, finish, legend_below, style, subplots

BLUE, VERMILION = COLOURS[:2]  # forwards and backwards
GREY, PICKED = "#777777", "#FFE3B0"
DRAWN = 10  # units of a layer; of a wider one only the first and the last few


def network_diagram(sizes, image=None, class_names=None):
    """Draw a network of affine layers with the shape of every array.

    Parameters
    ----------
    sizes : sequence of int
        Numbers in an example, the width of each hidden layer, number of classes.
    image : uint8 array (H, W, 3), optional
        An example, shown on the left.
    class_names : sequence of str, optional
        Written beside the last layer's units, if all of them are drawn.

    Returns
    -------
    Figure
    """
    if not np.ndim(sizes) or len(sizes) < 2:
        found = f"{sizes!r}; of a network they are [net.input_size, *net.hidden_sizes, net.num_classes]"
        raise TypeError(f"network_diagram: sizes must be numbers such as [3072, 100, 10], got {found}")
    room = 1 if image is not None else 0.01
    figure, (example, ax) = subplots(9, 2.9, 1, 2, width_ratios=(room, 5.5))
    example.axis("off")
    if image is not None:
        example.imshow(image, interpolation="nearest")
        example.set_title("one example", fontsize=10)
    for layer, (D, M) in enumerate(pairwise(sizes), start=1):
        ends = [(start, end) for start in _heights(D) for end in _heights(M)]
        ax.plot([layer - 1, layer], np.transpose(ends), color=GREY, alpha=0.3, linewidth=0.6, zorder=1)
        shapes = f"$W_{{{layer}}}$  ({D}, {M})\n$b_{{{layer}}}$  ({M},)"
        ax.text(layer - 0.5, 1.2, shapes, ha="center", color=BLUE)
    last = len(sizes) - 1
    for layer, size in enumerate(sizes):
        heights = _heights(size)
        ax.scatter(np.full(len(heights), layer), heights, 60, "white", edgecolors="black", zorder=2)
        if size > DRAWN:
            ax.text(layer, 0, "⋮", ha="center", va="center", fontsize=14)
        name = "x" if layer == 0 else "logits" if layer == last else f"$a_{{{layer}}}$"
        ax.text(layer, -1.25, f"{name}\n(N, {size})", ha="center", va="top")
    if class_names and sizes[-1] <= DRAWN:
        for height, name in zip(_heights(sizes[-1]), class_names, strict=True):
            ax.text(last + 0.1, height, name, va="center", fontsize=9)
    ax.set(xlim=(-0.3, last + (0.75 if class_names else 0.3)), ylim=(-1.8, 1.65))
    ax.axis("off")
    parameters = sum(D * M + M for D, M in pairwise(sizes))
    figure.suptitle(f"{last} affine layer{'s' if last > 1 else ''}, {parameters:,} parameters")
    return figure


def _heights(size):
    """Return where the units of a layer are drawn, from top to bottom; wide layers have a gap."""
    if size <= DRAWN:
        return 0.22 * (np.arange(size)[::-1] - (size - 1) / 2)
    return 0.22 * np.array([4.5, 3.5, 2.5, 1.5, -1.5, -2.5, -3.5, -4.5])


def wiring_diagram(nodes, wires):
    """Draw a calculation: on each wire a value, and the derivative of the result L with respect to it.

    Parameters
    ----------
    nodes : dict of str to tuple (text, column, row)
        Inputs and operations by name, and where they stand.
    wires : sequence of tuple (start, end, name, value, derivative)
        Each from one node to another.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(9, 3.2)
    boxes = {}
    for node, (text, column, row) in nodes.items():
        box = {"boxstyle": "circle" if len(text) == 1 else "round", "facecolor": "white"}
        boxes[node] = ax.text(column, row, text, ha="center", va="center", fontsize=12, bbox=box)
    for start, end, name, value, derivative in wires:
        (_, *begin), (_, *stop) = nodes[start], nodes[end]
        patches = {"patchA": boxes[start].get_bbox_patch(), "patchB": boxes[end].get_bbox_patch()}
        ax.annotate("", stop, begin, arrowprops={"arrowstyle": "->", "color": GREY, **patches})
        middle = np.add(begin, stop) / 2
        above, below = f"{name} = {value:g}", f"d{name} = {derivative:g}"
        # Beside a slanted wire the nearest corner of a text stands at the wire's middle: none lies on a wire.
        slope = int(np.sign(np.subtract(stop, begin).prod()))
        for text, colour, side, sign in ((above, BLUE, "bottom", 1), (below, VERMILION, "top", -1)):
            look = {"color": colour, "ha": ("center", "right", "left")[slope * sign], "va": side}
            away = (0, sign * (3 if slope else 5))
            ax.annotate(text.replace("-", "−"), middle, away, textcoords="offset points", **look)
    _, columns, rows = zip(*nodes.values(), strict=True)
    ax.set(xlim=(min(columns) - 0.3, max(columns) + 0.3), ylim=(min(rows) - 0.45, max(rows) + 0.45))
    ax.axis("off")
    ax.set_title("Above each wire its value, forwards →      below it the derivative of L, backwards ←")
    return figure


def matrix_product(left, right, names=("A", "B", "AB"), row=None, column=None):
    """Show two matrices and their product, number by number, with one entry of the product picked out.

    Parameters
    ----------
    left : array (K, N)
    right : array (N, M)
    names : tuple of three str
    row, column : int, optional
        The entry, shown with the row of `left` and the column of `right` that make it.

    Returns
    -------
    Figure
    """
    matrices = (left, right, left @ right)
    height = max(map(len, matrices))
    widths = [matrix.shape[1] for matrix in matrices]
    figure, axes = subplots(9, 0.45 * height + 0.6, 1, 3, width_ratios=widths)
    picked = ((row, None), (None, column), (row, column))
    for ax, matrix, name, place, sign in zip(axes, matrices, names, picked, ("@", "=", ""), strict=True):
        _write_table(ax, matrix, place, height)
        ax.set_title(f"{name}  {matrix.shape}", fontsize=11)
        ax.text(1.05, 0.5, sign, transform=ax.transAxes, ha="center", va="center", fontsize=16)
    return figure


def _write_table(ax, matrix, picked, height):
    """Write a matrix as a table; of `picked`, (row, column), None stands for all, twice None for nothing."""
    rows, columns = matrix.shape
    top = (height - rows) / 2
    for index, value in np.ndenumerate(matrix):
        chosen = picked != (None, None) and all(p in (None, i) for p, i in zip(picked, index, strict=True))
        i, j = index
        colours = {"facecolor": PICKED if chosen else "white", "edgecolor": GREY}
        ax.add_patch(Rectangle((j, top + i), 1, 1, **colours))
        weight = "bold" if chosen else "normal"
        number = f"{value:g}".replace("-", "−")
        ax.text(j + 0.5, top + i + 0.5, number, ha="center", va="center", weight=weight)
    ax.set(xlim=(0, columns), ylim=(height, 0))
    ax.axis("off")


def weighted_images(images, labels, weights, total, title):
    """Show images with the weight of each, and the sum they make.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    labels : sequence of str (N,)
        What is on each image.
    weights : float array (N,)
    total : float array (H, W, 3)
        The weighted sum, drawn with 0 as grey and its largest number as full colour, or none.
    title : str
        Above the sum.

    Returns
    -------
    Figure
    """
    figure, (*axes, last) = subplots(9, 1.75, 1, len(images) + 1)
    for ax, image, label, weight in zip(axes, images, labels, weights, strict=True):
        ax.imshow(image, interpolation="nearest")
        number = f"{weight:+.3f}".replace("-", "−")
        ax.set_title(f"{number} ×", color=BLUE if weight > 0 else VERMILION)
        ax.set_xlabel(label)
    last.imshow(0.5 + 0.5 * total / np.abs(total).max(), interpolation="nearest")
    last.set_title(title)
    for ax in (*axes, last):
        ax.set(xticks=[], yticks=[])
    return figure


def sizes_through_layers(sizes, quantity):
    """Show how large the numbers are in each layer of several networks, on a logarithmic scale.

    Parameters
    ----------
    sizes : dict of str to array
        By the name in the legend: a number for each layer, from layer 1.
    quantity : str
        What the numbers are.

    Returns
    -------
    Figure
    """
    figure, ax = subplots(9, 3.8)
    for i, (label, values) in enumerate(sizes.items()):
        ax.plot(range(1, len(values) + 1), values, label=label, **style(i, marker=True))
    ax.set(yscale="log", xlabel="layer", ylabel=quantity, title="How large the numbers are, layer by layer")
    finish(ax, "epoch")  # layers are whole numbers, as epochs are
    return legend_below(figure)
