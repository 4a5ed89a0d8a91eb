"""Images to train on: the built-in sketches, CIFAR-10, and mini-batches of either."""

import os

from nn_helpers.data.augment import flip_and_shift
from nn_helpers.data.batches import ArrayDataset, batches, empty_batch
from nn_helpers.data.cifar10 import cache_dir, load_cifar10
from nn_helpers.data.dataset import CLASS_NAMES, Dataset, Split
from nn_helpers.data.points import points
from nn_helpers.data.sketches import sketches
from nn_helpers.support.validation import choice


def load_images(which=None, quiet=False):
    """Return the images of the lessons, and say which they are.

    Parameters
    ----------
    which : {"sketches", "cifar10"}, optional
        The built-in sketches, which need no download, or CIFAR-10. Without it the environment
        variable ``NN_HELPERS_DATA`` decides; without that too, sketches.
    quiet : bool
        Say nothing.

    Returns
    -------
    Dataset
        5,000 training and 1,000 test images for sketches; 50,000 and 10,000 for CIFAR-10.
    """
    which = which_images(which)
    data = sketches() if which == "sketches" else load_cifar10()
    if not quiet:
        print(f"{len(data.train):,} training and {len(data.test):,} test images: {data.name}")
        if which == "sketches":
            print('For photographs write load_images("cifar10").')
    return data


def which_images(which=None):
    """Return which images `load_images` takes: ``"sketches"`` or ``"cifar10"``."""
    source = "which" if which is not None else "the environment variable NN_HELPERS_DATA"
    which = which if which is not None else os.environ.get("NN_HELPERS_DATA") or "sketches"
    return choice("load_images", f"data set (from {source})", which, ("sketches", "cifar10"))


def download_cifar10(root=None, progress=True):
    """Fetch CIFAR-10 (170 MB), check it, and return where it is; see `nn_helpers.data.download`."""
    from nn_helpers.data.download import download_cifar10  # what it needs comes in only here

    return download_cifar10(root, progress)
