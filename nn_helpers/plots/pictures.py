"""Pictures of the data."""

import numpy as np

from nn_helpers.plots._base import Picture


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
