"""Small networks as files, and files that were written again with something else in them."""

import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from nn_helpers import ClassificationNet


def small_net(**options):
    return ClassificationNet(**{"input_size": 5, "hidden_sizes": [4, 3], "num_classes": 3, **options})


def save_small_net(tmp_path, **options):
    """Save a network, and return it and where."""
    net = small_net(**options)
    net.params["b1"] += 0.5
    net.save(tmp_path / "net.safetensors")
    return net, tmp_path / "net.safetensors"


ONE = np.ones((4, 5), np.float32)


def rewrite(path, arrays=None, checksum=None, **changes):
    """Write the file again with other metadata, and a checksum that fits unless another is given."""
    from nn_helpers import saving

    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    for place, value in changes.items():
        about = put(about, place.split("__"), value)
    arrays, text = load_file(path) if arrays is None else arrays, json.dumps(about)
    checksum = checksum or saving._checksum(text, arrays)
    save_file(arrays, path, {"nn_helpers": text, "crc32": checksum})


def put(about, place, value):
    """Return nested dicts with another value at `place`, a list of keys."""
    if not place:
        return value
    inner = dict(about)
    inner[place[0]] = put(inner.get(place[0]), place[1:], value)
    return inner


needs_known_homes = pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
