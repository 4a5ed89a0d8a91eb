"""Networks as files: safetensors for the arrays, JSON for all else, and no pickle.

A file's arrays are the parameters by name, ``W1`` (D, M), ``b1`` (M,), …, and a normalised network's running
means, ``mean1`` and ``var1`` (M,), …; its metadata has two entries.
``nn_helpers`` is JSON: ``format``, a number; ``versions``; and ``network``, the arguments that make the
network. ``crc32`` is the checksum of that text and of all arrays. A checkpoint of a training is such a file
with more in it: `nn_helpers.training.checkpoints` says what.

Reference: https://huggingface.co/docs/safetensors
"""

import errno
import json
import os
import sys
import zlib
from contextlib import contextmanager, suppress

import numpy as np

from nn_helpers.support.files import explain_failure, own_place, require_writable, resolve, temporary_file
from nn_helpers.support.network_checks import CUSTOM
from nn_helpers.support.parameters import shapes_of
from nn_helpers.support.validation import choice, flag, generator, printable, whole_number
from nn_helpers.support.version import __version__

FORMAT = 1
SUFFIX = ".safetensors"
_LONGEST_HEADER = 5_000_000  # bytes; a checkpoint of 10,000 epochs has about one million
_MOST_LAYERS = 1000
_LARGE = 30_000_000  # bytes; below it, even a file of zeros costs little
_ANOTHER = "; use another copy"
DTYPES = {"float32": "F32", "float64": "F64"}  # NumPy's names and those in a file


class OtherFileError(ValueError):
    """Somebody's file, which may be whole, but not what was looked for."""


def save_network(net, path):
    """Write a network's architecture and parameters to a new file, or over an old one."""
    path = require_writable("save", "path", path, SUFFIX)
    with own_place(path, "save: the network"), explain_failure("save: the network", path):
        write(path, dict(net.arrays), description(net))


def load_network(make, path, seed):
    """Return ``make(**arguments, seed=seed)`` with the parameters of a saved network.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the file is damaged, was not written by this module, or describes a network that cannot be made.
    """
    given, path = path, resolve("load", "path", path, SUFFIX)
    if not path.exists():
        raise FileNotFoundError(f"load: there is no file {path}")
    rng = generator("load", seed)
    about, arrays = read(path)
    config = about["network"]
    try:
        custom = config["init"] == CUSTOM  # the weights follow, so init is not asked for them
        net = make(**{**config, "init": "normal" if custom else config["init"]}, seed=rng)
        if left_out := net.config.keys() - config.keys():
            raise ValueError(f"it leaves out {', '.join(sorted(left_out))}")
    except (KeyError, TypeError, ValueError) as error:
        reason = printable(f"the network it describes cannot be made: {error}")
        raise ValueError(f"{given}: {reason}{_ANOTHER}") from None
    net.init = config["init"]
    net.arrays.update({name: arrays[name] for name in net.arrays})
    return net


def description(net):
    """Return the metadata of a network's file."""
    python = ".".join(map(str, sys.version_info[:3]))
    versions = {"nn_helpers": __version__, "numpy": np.__version__, "python": python}
    network = {**net.config, "dtype": net.dtype.name, "init": CUSTOM if callable(net.init) else net.init}
    return {"format": FORMAT, "versions": versions, "network": network}


def shapes_in(about):
    """Return the shape of each array of an architecture, by name."""
    network = about["network"]
    sizes = [network["input_size"], *network["hidden_sizes"], network["num_classes"]]
    if len(sizes) > _MOST_LAYERS:
        raise ValueError(f"it tells of {len(sizes) - 1:,} layers")
    sizes = [whole_number("load", "each size", size, 1) for size in sizes]
    return shapes_of(sizes, flag("load", "normalise", network.get("normalise", False)))


def _network_layout(about):
    dtype = DTYPES[choice("load", "dtype", about["network"]["dtype"], DTYPES)]
    return {name: (shape, dtype) for name, shape in shapes_in(about).items()}


# What metadata may tell of, and its arrays: function (metadata) -> {name: (shape, dtype)}. Training adds more
SECTIONS = {"network": _network_layout}


def write(path, arrays, about):
    """Write a file that is at `path` complete or not at all, whenever the process or the power ends."""
    from safetensors.numpy import save  # here: `import nn_helpers` loads NumPy and nothing heavier

    text = json.dumps(about)
    content = save(arrays, {"nn_helpers": text, "crc32": _checksum(text, arrays)})
    with temporary_file(path, content) as part:
        os.replace(part, path)
    _sync_folder(path.parent)


def _sync_folder(folder):
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path, advice=_ANOTHER):
    """Return the metadata and all arrays of a file that is what it claims to be.

    `advice` ends the message about a file that is damaged.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is not; the message names the file.
    """
    from safetensors import SafetensorError, safe_open

    if path.exists() and not path.is_file():
        kind = "folder" if path.is_dir() else "device and no file"
        raise OtherFileError(f"{path}: this is a {kind}; give a file that net.save or train wrote")
    # Opened here first: safetensors calls a file missing when it may not be read.
    with open(path, "rb") as file, explain_damage(path, advice):
        _refuse_costly(file)
    with explain_damage(path, advice):
        try:
            with safe_open(path, framework="numpy") as file:
                text, checksum = _metadata(file.metadata() or {})
                about, names = json.loads(text), file.keys()
                found = {name: file.get_slice(name) for name in names}
                found = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in found.items()}
                _refuse_other_arrays(_layout(about), found)  # before they are read: they may be huge
                arrays = {name: file.get_tensor(name) for name in names}
        except SafetensorError as error:
            raise ValueError(f"no complete safetensors file ({error}); {_what_it_is(path)}") from None
        if _checksum(text, arrays) != checksum:
            raise ValueError("damaged, its checksum is not that of its content")
    return about, arrays


def _refuse_costly(file):
    """Refuse a file that promises far more than it has, before it takes minutes and GB."""
    size, length = os.stat(file.fileno()).st_size, int.from_bytes(file.read(8), "little")
    if _LONGEST_HEADER < length < size:
        raise OtherFileError(f"not an nn_helpers file: its header has {length:,} bytes")
    if size > _LARGE and (there := _bytes_on_disk(file.fileno(), size)) < size / 10:
        raise ValueError(f"it has {size:,} bytes, and only {there:,} of them were ever written")


def _bytes_on_disk(descriptor, size):
    """Return how many bytes of a file are outside of holes; all of them, where holes are not known."""
    if not hasattr(os, "SEEK_HOLE"):  # Windows
        return size
    there = end = 0
    try:
        while end < size:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, begin, os.SEEK_HOLE)
            there += end - begin
    except OSError as error:
        return there if error.errno == errno.ENXIO else size  # no data follows
    return there


@contextmanager
def explain_damage(path, advice=_ANOTHER):
    """Turn every error that unexpected content causes into a ValueError that names the file."""
    try:
        yield
    except OtherFileError as error:
        raise OtherFileError(f"{path}: {printable(error)}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {printable(error)}{advice}") from None
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError) as error:
        reason = printable(f"damaged, what it tells of itself makes no sense ({error!r})")
        raise ValueError(f"{path}: {reason}{advice}") from None


def _metadata(metadata):
    """Return the JSON text and the checksum."""
    if "nn_helpers" not in metadata:
        raise OtherFileError("not an nn_helpers file: it contains arrays but no network description")
    format_number = json.loads(metadata["nn_helpers"])["format"]
    if format_number != FORMAT:
        found = printable(repr(format_number), 60)
        raise OtherFileError(f"format {found} is of another version of nn_helpers; this one reads {FORMAT}")
    return metadata["nn_helpers"], metadata["crc32"]


def _layout(about):
    """Return shape and dtype of every array that a file must have, by name."""
    layout = {}
    for section, arrays in SECTIONS.items():
        if section == "network" or section in about:
            layout |= arrays(about)
    return layout


def _refuse_other_arrays(expected, found):
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            there, here = (_shown(arrays.get(name)) for arrays in (found, expected))
            raise ValueError(
                f"its arrays are not those of the network it describes: {name} is {there}, not {here}"
            )


def _shown(array):
    return "missing" if array is None else f"{array[1]} {array[0]}"


def _checksum(text, arrays):
    checksum = zlib.crc32(text.encode())
    for name in sorted(arrays):
        checksum = zlib.crc32(arrays[name], checksum)
    return f"{checksum:08x}"


def _what_it_is(path):
    with open(path, "rb") as file:
        begin = file.read(64)
    if not begin:
        return "it is empty"
    if begin.lstrip().startswith(b"<"):
        return "it begins like a web page, so the download may have wanted a login"
    return "it was cut off, or it is something else"
