"""Figures of the data, and of weights that belong to pixels."""

import numpy as np

from nn_helpers.plots.base import Figure, require_dict, subplots
from nn_helpers.support.arrays import require_images
from nn_helpers.support.validation import whole_number

INCHES = 0.66  # of an image in a row


def contact_sheet(images, labels, class_names, columns=10):
    """Show images of each class in a row of their own.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    labels : integer array (N,)
    class_names : sequence of str
        The name of class 0, 1, …
    columns : int
        Images of each class, the first ones.

    Returns
    -------
    Figure
    """
    require_images("contact_sheet", "images", images)
    labels = require_one_each("contact_sheet", images, labels=labels)
    whole_number("contact_sheet", "columns", columns, 1)
    rows = [(name, images[labels == label][:columns]) for label, name in enumerate(class_names)]
    return _in_rows(rows, images.shape[1:3], columns)


def image_rows(rows, titles=None):
    """Show several images of each thing in a row of its own.

    Parameters
    ----------
    rows : dict of str to uint8 array (N, H, W, 3)
        The images of each row, by the name to its left. All have the same height and width.
    titles : sequence of str, optional
        What stands above each column.

    Returns
    -------
    Figure
    """
    require_dict("image_rows", "rows", rows, '{"cats": images[:10]}')
    for name, images in rows.items():
        require_images("image_rows", f"rows[{name!r}]", images)
    height, width = next(iter(rows.values())).shape[1:3]
    columns = max(len(images) for images in rows.values())
    return _in_rows(list(rows.items()), (height, width), columns, titles)


def first_layer(weights, columns=10, shape=(32, 32, 3)):
    """Show what units of the first layer look for: their weights, each at the place of its pixel.

    0 is grey. A bright pixel has weights above 0, a dark one below, and a coloured one differs between
    red, green and blue. Each unit is scaled to its own largest weight.

    Parameters
    ----------
    weights : dict of str to float array (D, M)
        W of the first layer of several networks, by the name of its row.
    columns : int
        Units of each network, those with the largest ``‖W‖`` first.
    shape : tuple (H, W, 3)
        Shape of the images; its numbers multiply to D.

    Returns
    -------
    Figure
    """
    require_dict("first_layer", "weights", weights, '{"my network": net.params["W1"]}')
    whole_number("first_layer", "columns", columns, 1)
    for name, W in weights.items():
        if np.ndim(W) != 2 or len(W) != np.prod(shape):
            raise ValueError(
                f"first_layer: W of {name!r} must have {np.prod(shape)} rows, one for each number of an "
                f"image of shape {shape}; got {np.shape(W)}"
            )
    rows = [(name, _weights_as_images(W, columns, shape)) for name, W in weights.items()]
    return _in_rows(rows, shape[:2], columns)


def _weights_as_images(W, count, shape):
    strongest = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:count]
    units = W.T[strongest].reshape(-1, *shape)
    largest = np.abs(units).max(axis=(1, 2, 3), keepdims=True)
    return np.round(127.5 + 127.5 * units / np.where(largest > 0, largest, 1)).astype(np.uint8)


def image_grid(images, titles, columns=5):
    """Show images with a text above each.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    titles : sequence of N str
        The text of each, one line or two.
    columns : int

    Returns
    -------
    Figure
    """
    require_images("image_grid", "images", images)
    require_one_each("image_grid", images, titles=titles)
    whole_number("image_grid", "columns", columns, 1)
    rows = max(1, -(-len(images) // columns))
    figure, grid = subplots(9, 2.1 * rows, rows, columns, squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for ax, image, title in zip(grid.flat, images, titles, strict=False):
        ax.imshow(image, interpolation="nearest")
        ax.set_title(title, fontsize=10)
    return figure


def require_one_each(function, images, what="image", **named):
    """Return what belongs to each image as an array, or say that there is not one for each."""
    ((name, given),) = named.items()
    if np.shape(given) != (len(images),):
        raise ValueError(
            f"{function}: {name} must have shape ({len(images)},), one for each {what}, got {np.shape(given)}"
        )
    return np.asarray(given)


def _in_rows(rows, image_size, columns, titles=None):
    """Draw images in rows without margins: the images of a row share one axes."""
    height, width = image_size
    names, above = 1.1, 0.3 if titles else 0.0  # inches
    size = names + INCHES * columns, above + INCHES * height / width * len(rows)
    figure = Figure(figsize=size, dpi=100, layout=None)
    grid = figure.add_gridspec(
        len(rows), left=names / size[0], right=1, bottom=0, top=1 - above / size[1], hspace=0
    )
    axes = grid.subplots(squeeze=False)[:, 0]
    for ax, (name, images) in zip(axes, rows, strict=True):
        row = np.full((height + 2, columns * (width + 2), 3), 255, np.uint8)
        for column, image in enumerate(images):
            left = column * (width + 2) + 1
            row[1:-1, left : left + width] = image
        ax.imshow(row, interpolation="nearest", aspect="auto")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    if titles:
        centres = (width + 2) * (np.arange(len(titles)) + 0.5) - 0.5
        points = 72 * INCHES / (0.65 * max(map(len, titles)))  # so that neighbours do not touch
        axes[0].set_xticks(centres, titles)
        axes[0].tick_params(
            top=True, labeltop=True, bottom=False, labelbottom=False, length=0,
            labelsize=min(9, max(7, points)),
        )  # fmt: skip
    return figure
