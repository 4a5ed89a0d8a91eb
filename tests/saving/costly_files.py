"""Files of networks and trainings that are built to cost time or memory. `FILES` makes each by its name."""

import gzip
import json
import os
import tempfile
import zlib
from functools import cache
from itertools import pairwise

import numpy as np
from safetensors import safe_open

from nn_helpers import SGD, ClassificationNet, train

MB = 1_000_000
SIZES = {"F16": 2, "F32": 4, "F64": 8}
NETWORK = {
    "input_size": 5, "hidden_sizes": [4], "num_classes": 3, "activation": "relu", "reg": 0.0, "init": "he",
    "dtype": "float32", "dropout": 0.0,
}  # fmt: skip


def header(entries, length=None):
    """The begin of a file: how long the header is, and the header, which is JSON or is given as text."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def layout(network):
    """Shape of each parameter by name."""
    shapes = {}
    sizes = [network["input_size"], *network["hidden_sizes"], network["num_classes"]]
    for i, (D, M) in enumerate(pairwise(sizes), start=1):
        shapes |= {f"W{i}": [D, M], f"b{i}": [M]}
    return shapes


def checksum_of_zeros(text, size):
    """Return the checksum of a text and of so many zeros."""
    checksum = zlib.crc32(text)
    for _ in range(size // MB):
        checksum = zlib.crc32(bytes(MB), checksum)
    return zlib.crc32(bytes(size % MB), checksum)


def zeros(network=NETWORK, text=None, arrays=None, crc32=None, **about):
    """A file of zeros with these arrays, or those of the network, and the checksum it should have.

    `text` is the JSON that tells of the file, in the place of what tells of the network and of `about`.
    """
    if text is None:
        text = json.dumps({"format": 1, "network": network, **about})
    arrays = layout(network) if arrays is None else arrays
    entries, end = {}, 0
    for name, shape in arrays.items():
        dtype, shape = shape if isinstance(shape, tuple) else ("F32", shape)
        begin, end = end, end + SIZES[dtype] * int(np.prod(shape, dtype=object))
        entries[name] = entry(shape, begin, end, dtype)
    if crc32 is None:
        crc32 = f"{checksum_of_zeros(text.encode(), end):08x}"
    return sparse(header({"__metadata__": {"nn_helpers": text, "crc32": crc32}, **entries}), end)


def begin(**arguments):
    """The training that the checkpoints below pretend to be of."""
    data = np.zeros((12, 5)), np.zeros(12, int)
    train(ClassificationNet(5, [4], 3), data, SGD(0.1), batch_size=4, epochs=4, progress=False, **arguments)


@cache
def true_training():
    """What a true checkpoint tells of the training."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.safetensors")
        begin(checkpoint=path)
        with safe_open(path, framework="numpy") as file:
            return json.loads(file.metadata()["nn_helpers"])["training"]


def training(history=12, arrays=None, crc32=None, **changes):
    """A checkpoint of zeros, with other arrays or another training in it."""
    shapes = {**layout(NETWORK), "history": ("F64", [history, 11]), **(arrays or {})}
    return zeros(arrays=shapes, crc32=crc32, training={**true_training(), "steps": history, **changes})


def settings(**changes):
    return training(settings={**true_training()["settings"], **changes})


def generator(**changes):
    generators = true_training()["generators"]
    return training(generators={**generators, "now": {**generators["now"], **changes}})


def sparse(begin, zeros):
    """Write the begin of a file, and zeros that take no place on the disk."""

    def write(path):
        path.write_bytes(begin)
        os.truncate(path, len(begin) + zeros)

    return write


def told(text):
    """A file with this JSON in it, and no arrays."""
    return zeros(text=text, arrays={})


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth


def tensors(count, make=lambda i: entry([0], 0, 0)):
    return {f"{i:x}": make(i) for i in range(count)}


def repeated(count, name):
    """A header, put together as text: a dict has each name once, and takes long to become JSON."""
    one = '"%s":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    named = (one % (name % i if "%" in name else name) for i in range(count))
    return f"{{{','.join(named)}}}".encode()


def link_to(target):
    return lambda path: os.symlink(target, path)


WIDE = {**NETWORK, "input_size": 2_500_000_000, "hidden_sizes": [], "num_classes": 1}  # 10 GB
DEEP = 990  # json takes no more

FILES = {
    # the header's length
    "a header of 2**63 bytes": lambda: header({}, 2**63),
    "a header of 2**64 - 1 bytes": lambda: header({}, 2**64 - 1),
    "a header of 4 GB": lambda: header({}, 2**32),
    "a header of 10 GB of zeros": lambda: sparse(header(b"", 10**10), 10**10),
    "a header of 99 MB of zeros": lambda: sparse(header(b"", 99 * MB), 10**10),
    "a header of 4.9 MB of spaces": lambda: header(b" " * 4_900_000),
    "a header of 4.9 MB of brackets": lambda: header(b"[" * 4_900_000),
    "a header of 4.9 MB of digits": lambda: header(b'{"a":' + b"1" * 4_900_000 + b"}"),
    "a header of one text": lambda: header(b'{"a":"' + b"x" * 4_900_000 + b'"}'),
    "a GB of zeros as gzip": lambda: gzip.compress(bytes(10 * MB)) * 100,
    "a network as gzip": lambda: gzip.compress(header({"W1": entry([1], 0, 4)}) + bytes(4)),
    "10 GB of zeros": lambda: sparse(b"", 10**10),
    "10 GB of zeros after a network": lambda: sparse(header({"W1": entry([1], 0, 4)}), 10**10),
    # arrays
    "70,000 arrays": lambda: header(tensors(70_000)),
    "70,000 arrays beside a network": lambda: zeros(arrays={f"{i:x}": [0] for i in range(70_000)}),
    "a million arrays": lambda: header(repeated(MB, "%x")),
    "the same name 90,000 times": lambda: header(repeated(90_000, "W1")) + bytes(4),
    "two descriptions": lambda: header(b'{"__metadata__":{"a":"b"},"__metadata__":{"nn_helpers":"{}"}}'),
    "a shape that overflows": lambda: header({"W1": entry([2**40, 2**40], 0, 4)}) + bytes(4),
    "a shape of 2**64": lambda: header({"W1": entry([2**64], 0, 4)}) + bytes(4),
    "a shape below zero": lambda: header({"W1": entry([-1], 0, 4)}) + bytes(4),
    "a shape that is NaN": lambda: header({"W1": entry([float("nan")], 0, 4)}) + bytes(4),
    "a shape with 1.6 million axes": lambda: header({"W1": entry([1] * 1_600_000, 0, 4)}) + bytes(4),
    "offsets out of order": lambda: header({"W1": entry([1], 4, 0)}) + bytes(4),
    "offsets that overlap": lambda: header(tensors(50_000, lambda i: entry([1], 0, 4))) + bytes(4),
    "offsets far beyond the end": lambda: header({"W1": entry([2**60], 0, 2**62)}) + bytes(4),
    "offsets that wrap around": lambda: header({"W1": entry([1], 2**64 - 4, 2**64)}) + bytes(4),
    "an array of 10 GB that is no network's": lambda: zeros(arrays={"x": [2_500_000_000]}, crc32="0"),
    "a network of 10 GB": lambda: zeros(WIDE, crc32="00000000"),
    "a network of 10 GB in float64":
        lambda: zeros({**WIDE, "input_size": 1_250_000_000, "dtype": "float64"},
                      arrays={"W1": ("F64", [1_250_000_000, 1]), "b1": ("F64", [1])}, crc32="00000000"),
    "a network of 1 GB": lambda: zeros({**WIDE, "input_size": 250_000_000}),
    "a network of 30 MB": lambda: zeros({**WIDE, "input_size": 7_500_000}),
    "a network of 29 MB": lambda: zeros({**WIDE, "input_size": 7_250_000}),
    "numbers of every other type": lambda: header(
        {dtype: entry([0], 0, 0, dtype) for dtype in ("BOOL", "U8", "I16", "U64", "F16", "BF16", "F8_E5M2")}),
    "weights in half precision": lambda: zeros(arrays={**layout(NETWORK), "W1": ("F16", [5, 4])}),
    # what is told of the network
    "a million layers": lambda: zeros({**NETWORK, "hidden_sizes": [1] * 1_000_000}, arrays={}),
    "1,001 layers": lambda: zeros({**NETWORK, "hidden_sizes": [1] * 1000}),
    "999 layers": lambda: zeros({**NETWORK, "hidden_sizes": [1] * 998}),
    "layers of 10**18 units": lambda: zeros({**NETWORK, "hidden_sizes": [10**18] * 9}, arrays={}),
    "a layer of 4,000 digits": lambda: zeros({**NETWORK, "hidden_sizes": [10**4000]}, arrays={}),
    "layers in a text": lambda: zeros({**NETWORK, "hidden_sizes": "1" * 2 * MB}, arrays={}),
    "a layer of NaN units": lambda: zeros({**NETWORK, "hidden_sizes": [float("nan")]}, arrays={}),
    "a reg of 4,000 digits": lambda: zeros({**NETWORK, "reg": 10**4000}, arrays=layout(NETWORK)),
    "an activation of 4 MB": lambda: zeros({**NETWORK, "activation": "x" * 4 * MB}, arrays=layout(NETWORK)),
    "300,000 arguments": lambda: zeros({**NETWORK, **{f"{i:x}": 0 for i in range(300_000)}}),
    # JSON
    "brackets in brackets": lambda: told("[" * 4_900_000),
    "a description as deep as JSON goes": lambda: told(nested(DEEP)),
    "a format as deep as JSON goes": lambda: told(f'{{"format":{nested(DEEP - 1)}}}'),
    "a format of 1.6 million lists": lambda: told(f'{{"format":[{"[]," * 1_600_000}1]}}'),
    "a description of 700,000 dictionaries": lambda: told(f'{{"format":1,"a":[{"{},[]," * 700_000}1]}}'),
    "a number of 4.9 million digits": lambda: told(f'{{"format":{"1" * 4_900_000}}}'),
    "a number of 4,300 digits": lambda: told(f'{{"format":{"1" * 4300}}}'),
    "the same key 400,000 times": lambda: told("{" + '"a":1,' * 400_000 + '"format":1}'),
    "350,000 entries in the metadata": lambda: header(
        {"__metadata__": {f"{i:x}": "" for i in range(350_000)}}),
    # what is told of the training
    "a training of zeros": training,
    "10**18 steps": lambda: training(steps=10**18),
    "10**7 steps": lambda: training(history=10**7, crc32="00000000"),
    "10**18 steps of the optimizer": lambda: training(t=10**18),
    "steps that are NaN": lambda: training(steps=float("nan")),
    "10**18 epochs": lambda: settings(epochs=10**18, batch_size=10**18),
    "150,000 arrays that the optimizer remembers": lambda: training(remembers=list(map(str, range(150_000)))),
    "the same array 150,000 times": lambda: training(remembers=["m"] * 150_000, arrays={"optimizer.m": [39]}),
    "settings as deep as JSON goes": lambda: settings(optimizer=json.loads(nested(DEEP - 60))),
    "a setting of lists in lists": lambda: settings(seed=json.loads("[" * (DEEP - 60) + "]" * (DEEP - 60))),
    "settings with a long name, many times": lambda: settings(
        optimizer={"x" * MB: {f"{i:x}": 0 for i in range(50_000)}}),
    "settings with long names in one another": lambda: settings(
        optimizer=json.loads(nested(DEEP - 100).replace('"a"', f'"{"a" * 4000}"'))),
    "200,000 settings": lambda: settings(**{f"{i:x}": i for i in range(200_000)}),
    "a setting of 4 MB": lambda: settings(seed="x" * 4 * MB),
    "a generator with a state of 4,000 digits": lambda: generator(state={"state": 10**4000, "inc": 1}),
    "a generator with 900,000 numbers": lambda: generator(
        bit_generator="MT19937", state={"key": [1] * 900_000, "pos": 1}),
    "a best accuracy of 4,000 digits": lambda: training(best_accuracy=10**4000, arrays={"best": [39]}),
    # what is no file
    "a pipe": lambda: os.mkfifo,
    "a folder": lambda: os.mkdir,
    "a link to itself": lambda: lambda path: os.symlink(path, path),
    "a link to a pipe": lambda: lambda path: (os.mkfifo(f"{path}.pipe"), os.symlink(f"{path}.pipe", path)),
    "a link to endless zeros": lambda: link_to("/dev/zero"),
    "a link to nothing": lambda: link_to("/no/such/file.safetensors"),
}  # fmt: skip


# Those that are networks all the same.
NETWORKS = {
    "a network of 29 MB", "999 layers", "a training of zeros",
    "10**18 steps of the optimizer", "10**18 epochs", "the same array 150,000 times",
    "settings as deep as JSON goes", "a setting of lists in lists", "settings with a long name, many times",
    "settings with long names in one another", "200,000 settings", "a setting of 4 MB",
    "a generator with a state of 4,000 digits", "a generator with 900,000 numbers",
    "a best accuracy of 4,000 digits",
}  # fmt: skip


def write(name, path):
    """Write the file of this name."""
    made = FILES[name]()
    if callable(made):
        made(path)
    else:
        path.write_bytes(made)
