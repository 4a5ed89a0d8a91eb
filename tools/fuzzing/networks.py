"""Files of networks and of trainings: safetensors whose header, metadata and arrays are changed apart.

The checksum is often made right again after the change: otherwise nothing behind it would ever be reached.
"""

import copy
import json
import pickle
import zlib
from contextlib import suppress
from functools import partial

import numpy as np
from safetensors import safe_open

from fuzzing import Given, Target, expect, rewrite
from fuzzing.mutations import TEXTS, WHOLE, change_bytes, change_json, json_value, place, to_json, twice
from nn_helpers import ArrayDataset, ClassificationNet, CosineWithWarmup, optimizers, train
from nn_helpers.training.history import COLUMNS

SIZES = {"F32": 4, "F64": 8, "F16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1, "BF16": 2}
DTYPES = {"float32": "F32", "float64": "F64"}
OTHERS = b"", b"<!DOCTYPE html><html>" * 9, b"PK\x03\x04" + bytes(99), b"\x80\x04." + bytes(99), bytes(16)
SPECIAL = (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e300, 1e-320, 3.5, 2.0**63, 1e18)


class File:
    """A safetensors file in parts.

    Attributes
    ----------
    about : dict
        The JSON of the entry ``nn_helpers``.
    arrays : dict of str to (dtype, shape, bytes)
    """

    def __init__(self, about, arrays):
        self.about, self.arrays = about, arrays

    @classmethod
    def read(cls, path):
        """Take a file apart."""
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["nn_helpers"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 it is no dict
        arrays = {n: (DTYPES[a.dtype.name], list(a.shape), a.tobytes()) for n, a in tensors.items()}
        return cls(about, arrays)

    def header(self, text=None, checksum=None):
        """Return the header as a tree of JSON."""
        text = to_json(self.about) if text is None else text
        checksum = self.checksum(text) if checksum is None else checksum
        header, at = {"__metadata__": {"nn_helpers": text, "crc32": checksum}}, 0
        for name, (dtype, shape, content) in self.arrays.items():
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(content)]}
            at += len(content)
        return header

    def checksum(self, text):
        """Return the checksum that makes a reader believe the content."""
        checksum = zlib.crc32(text.encode("utf-8", "surrogatepass"))
        for name in sorted(self.arrays):
            checksum = zlib.crc32(self.arrays[name][2], checksum)
        return f"{checksum:08x}"

    def to_bytes(self, header=None):
        """Return the file's bytes, with the right header or with another one."""
        text = to_json(self.header() if header is None else header).encode("utf-8", "surrogatepass")
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text + b"".join(part[2] for part in self.arrays.values())


def change_number(rng, file, name):
    """Change one number of an array."""
    dtype, shape, content = file.arrays[name]
    numbers = np.frombuffer(content, {"F32": np.float32, "F64": np.float64}[dtype]).copy()
    with np.errstate(all="ignore"):
        numbers[rng.randrange(numbers.size)] = rng.choice(SPECIAL)
    file.arrays[name] = dtype, shape, numbers.tobytes()


def change_array(rng, file):
    """Change one array of a file: its numbers, type, shape, name, or whether it is there."""
    name = rng.choice(list(file.arrays))
    dtype, shape, content = file.arrays[name]
    kind = rng.randrange(9)
    if kind < 4 and content and dtype in ("F32", "F64") and len(content) % SIZES[dtype] == 0:
        change_number(rng, file, name)
    elif kind == 4:
        file.arrays[name] = rng.choice(list(SIZES)), shape, content
    elif kind == 5:
        shapes = shape[::-1], [*shape, 1], [1, *shape], [*shape, 0], [], [len(content)], shape[:1]
        file.arrays[name] = dtype, rng.choice(shapes), content
    elif kind == 6:
        del file.arrays[name]
    elif kind == 7:
        file.arrays[rng.choice((*TEXTS, "W2", "optimizer.m_sum", "optimizer.v"))] = file.arrays.pop(name)
    else:
        added = rng.choice((*TEXTS, "W9", "optimizer.m_sum", "best"))
        file.arrays[added] = dtype, [2], bytes(2 * SIZES.get(dtype, 4))


def change_header(rng, header):
    """Change the header itself: types, shapes, places, metadata that is no text, keys that stand twice."""
    names = [name for name in header if name != "__metadata__"]
    for _ in range(rng.randint(1, 2)):
        kind, entry = rng.randrange(10), header.get(rng.choice(names)) if names else None
        begin, end = rng.choice(WHOLE), rng.choice(WHOLE)
        others = {
            "data_offsets": ([begin, end], [begin], [], None, [0, 0], [end, begin, end]),
            "shape": ([begin], [begin] * 3, [2**32, 2**32], None, "x"),
            "dtype": (*SIZES, "F8_E4M3", "F4", "C64", "f32", "", 5, None),
        }
        if kind < 3 and isinstance(entry, dict):
            key = rng.choice(list(others))
            entry[key] = rng.choice(others[key])
        elif kind == 3:
            metadata = None, {}, [], {"nn_helpers": 5}, {"crc32": "0"}, "x", {"x": None}
            header["__metadata__"] = rng.choice(metadata)
        elif kind == 4 and "__metadata__" in header:
            change_json(rng, header, ["__metadata__"])
        elif kind == 5:
            return twice(rng, header)
        else:
            change_json(rng, header)
    return header


def change(rng, file, places=(None,)):
    """Change a file somewhere; return its bytes, what was done, and whether it is right, if that is known."""
    kind = rng.choice(("bytes", "header", "about", "about", "about", "arrays", "arrays", "both", "right"))
    if kind in ("about", "both"):
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            with suppress(KeyError, TypeError, IndexError):  # an earlier change took the place away
                change_json(rng, file.about, rng.choice(places))
    if kind in ("arrays", "both"):
        for _ in range(rng.choice((1, 1, 2))):
            if file.arrays:
                change_array(rng, file)
    if kind == "about" and rng.random() < 0.15:
        twice(rng, file.about)
    text = to_json(file.about)
    if kind == "about" and rng.random() < 0.05:
        begin = text[: rng.randrange(len(text))]
        text = rng.choice((begin, text + "x", to_json(json_value(rng)), "[" * 99_999, ""))
    believed = kind == "bytes" or rng.random() < 0.8
    header = file.header(text, None if believed else rng.choice(("00000000", "", 5, [], "ABCDEF01")))
    if kind == "header":
        header = change_header(rng, header)
    content = file.to_bytes(header)
    if kind == "bytes":
        content = change_bytes(rng, content) if rng.random() < 0.95 else rng.choice(OTHERS)
    if not believed:
        return content, f"{kind}, checksum wrong", False
    return content, kind, True if kind == "right" else None


class Networks(Target):
    """`ClassificationNet.load` reads a network, or the network in a checkpoint."""

    name = "networks"

    def __init__(self, folder):
        super().__init__(folder)
        self.path, self.named = folder / "net.safetensors", str(folder / "net.safetensors")
        self.right = []
        for hidden, dtype in (([], "float32"), ([2], "float64"), ([3, 2], "float32")):
            net = ClassificationNet(4, hidden, 3, "tanh", 0.1, dtype=dtype, dropout=0.25)
            net.save(self.path)
            self.right.append(File.read(self.path))
        rewrite(folder, {})
        trainings()["adam"]().train(checkpoint=self.path)
        self.right.append(File.read(self.path))

    def generate(self, rng):
        if rng.random() < 0.15:
            return Given({self.path.name: another(rng, self.path)}, {}, "another architecture", right=True)
        file = copy.deepcopy(rng.choice(self.right))
        content, kind, right = change(rng, file, (None, ["network"], ["network"], ["network"]))
        return Given({self.path.name: content}, {}, kind, right)

    def read(self, given):
        return ClassificationNet.load(self.path, seed=1)

    def check(self, given, net):
        with np.errstate(all="ignore"):
            x = np.ones((2, net.input_size), net.dtype)
            expect(net.logits(x).shape == (2, net.num_classes), "the network does not work")
            expect(net.forward(x).dtype == net.dtype, "the network does not work")
        expect("ClassificationNet(" in repr(net), "the network does not say what it is")
        return "accepted", ""


def another(rng, path):
    """Return the file of a network of another architecture, with any numbers; it is written to `path`."""
    net = ClassificationNet(
        input_size=rng.randint(1, 9),
        hidden_sizes=[rng.randint(1, 5) for _ in range(rng.choice((0, 1, 2, 3, 40)))],
        num_classes=rng.randint(1, 4),
        activation=rng.choice(("relu", "leaky_relu", "sigmoid", "tanh")),
        reg=rng.choice((0, 0.0, 1e-3, 1, 1e300)),
        init=rng.choice(("he", "xavier", "normal", lambda D, M: 1.0)),
        dtype=rng.choice(list(DTYPES)),
        dropout=rng.choice((0, 0.0, 0.5, 0.999)),
    )
    net.theta[:] = np.frombuffer(rng.randbytes(net.theta.nbytes), net.dtype)
    net.save(path)
    return path.read_bytes()


# Trainings


BATCH = 4


class Training:
    """A tiny training that is always the same, and everything of it that a checkpoint can change."""

    def __init__(self, data, optimizer, bits=np.random.PCG64, dtype="float32", **arguments):
        self.net = ClassificationNet(4, [3], 3, dropout=0.2, reg=0.01, dtype=dtype)
        self.data, self.optimizer, self.rng = data, optimizer, np.random.Generator(bits(5))
        self.drop_last = arguments.get("drop_last", True)
        self.arguments = {"seed": self.rng, "epochs": 2, "batch_size": BATCH, "progress": False} | arguments

    def train(self, **arguments):
        """Train, with a seed that is a generator: it must not be touched by what is refused."""
        return train(self.net, self.data, self.optimizer, **{**self.arguments, **arguments})

    def steps(self, epochs):
        """Return how many steps so many epochs have."""
        N = len(self.data.train)
        return epochs * (N // BATCH if self.drop_last else -(-N // BATCH))

    def state(self):
        """Return all that training changes, to compare."""
        return pickle.dumps((self.net, self.net.gradient, self.optimizer, self.rng))


def trainings():
    """Return functions that make a training, by name."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((10, 4)), np.arange(10) % 3
    make = partial(Training, ArrayDataset((x, y), val=(x[:5], y[:5])))
    cosine = partial(CosineWithWarmup, 0.02, 6, 1)
    return {
        "sgd": lambda: make(optimizers.SGD(0.1)),
        "momentum": lambda: make(optimizers.Momentum(0.1), keep_best=True, drop_last=False),
        "rmsprop": lambda: make(optimizers.RMSprop(0.01), np.random.MT19937),
        "adam": lambda: make(optimizers.Adam(0.01), dtype="float64", seed=3, keep_best=True),
        "adamw": lambda: make(optimizers.AdamW(cosine()), np.random.Philox, shuffle=False),
        "sfc": lambda: make(optimizers.Adam(0.01), np.random.SFC64, validate=False),
    }


# Where a change is most likely to get far
PLACES = (
    None, ["network"], ["training"], ["training"], ["training"], ["training", "generators"],
    ["training", "generators", "now"], ["training", "generators", "epoch_began"],
    ["training", "generators", "dropout"], ["training", "settings"], ["training", "remembers"],
)  # fmt: skip


class Checkpoints(Target):
    """`train` resumes a checkpoint, or refuses it and changes nothing."""

    name = "checkpoints"
    warnings = (
        "RuntimeWarning: training diverged: ",
        # NumPy's own, where a file's numbers are beyond all measure
        "RuntimeWarning: (overflow|invalid value) encountered in ",
        r"RuntimeWarning: train: (the checkpoint .* is not all finite|.* no checkpoint could be)",
    )

    def __init__(self, folder):
        super().__init__(folder)
        self.path, self.named = folder / "run.safetensors", str(folder / "run.safetensors")
        self.make, self.right = trainings(), {name: [] for name in trainings()}
        for name, make in self.make.items():
            for epochs, every in ((1, None), (2, 3), (2, None)):  # at an epoch's end, within one, at the end
                make().train(epochs=epochs, checkpoint=self.path, checkpoint_every=every)
                self.right[name].append(File.read(self.path))
                rewrite(folder, {})

    def generate(self, rng):
        name = rng.choice(list(self.right))
        options = {"training": name, "epochs": rng.choice((1, 2, 2, 3)), "writes": rng.random() < 0.1}
        file = copy.deepcopy(rng.choice(self.right[name]))
        if rng.random() < 0.35:
            kind, change_one = rng.choice(list(CONSISTENT.items()))
            change_one(rng, file)
            return Given({self.path.name: file.to_bytes()}, options, kind)
        content, kind, right = change(rng, file, PLACES)
        if right:
            right = file.about["training"]["steps"] <= self.make[name]().steps(options["epochs"])
        return Given({self.path.name: content}, options, kind, right)

    def prepare(self, given):
        super().prepare(given)
        self.training = self.make[given.options["training"]]()
        self.before = self.training.state()

    def read(self, given):
        arguments = {"checkpoint": self.path} if given.options["writes"] else {}
        try:
            return self.training.train(resume=self.path, epochs=given.options["epochs"], **arguments)
        except self.documented as error:
            expect(self.training.state() == self.before, f"refused, and changed something: {error}")
            raise

    def check(self, given, history):
        expect("History(" in repr(history), "the history does not say what it is")
        steps, total = history.to_arrays()["step"], self.training.steps(given.options["epochs"])
        expect(np.array_equal(steps, np.arange(1, len(steps) + 1)), f"steps are counted {steps}")
        expect(history.stopped or len(steps) == total, f"{len(steps)} steps were made")
        return "accepted" if history.stopped is None else "accepted, diverged", history.stopped or ""


# Changes of one thing, with everything else as it then must be


def change_history(rng, file):
    """Change the table of steps."""
    _, shape, content = file.arrays["history"]
    rows = np.frombuffer(content).reshape(shape).copy()
    kind = rng.randrange(5)
    if kind < 3:
        for _ in range(rng.randint(1, 3)):
            column = rng.choice((0, 1, rng.randrange(len(COLUMNS))))
            rows[rng.choice((-1, rng.randrange(len(rows)))), column] = rng.choice(SPECIAL)
    elif kind == 3:
        rows = rows[:: rng.choice((-1, 2))]
    else:
        rows = np.concatenate([rows, rows[: rng.randrange(1, len(rows) + 1)]])
    file.arrays["history"] = "F64", list(rows.shape), rows.tobytes()
    file.about["training"]["steps"] = rng.choice((len(rows), len(rows), float(len(rows))))


def change_count(rng, file):
    """Change how many steps the optimizer has made."""
    file.about["training"]["t"] = json_value(rng)


def change_remembered(rng, file):
    """Change what the optimizer remembers, by name."""
    training = file.about["training"]
    names = [*training["remembers"]]
    for name in names:
        del file.arrays[f"optimizer.{name}"]
    known = ["m_sum", "v_sum"], ["v"], ["s"], ["t"], ["theta"], []
    odd = "vs", {"v": 1, "s": 2}, [["v"]], [None, "s"], ["v", "v"], [{}], [5]
    names = rng.choice((names[:-1], names[::-1], [*names, "x"], *known, *odd))
    training["remembers"] = names
    for name in names:
        file.arrays[f"optimizer.{name}"] = zeros(file)


def zeros(file):
    """Return an array as long as the network's theta, as a file has it."""
    dtype = DTYPES[file.about["network"]["dtype"]]
    P = sum(int(np.prod(shape)) for name, (_, shape, _) in file.arrays.items() if name[1:].isdigit())
    return dtype, [P], bytes(P * SIZES[dtype])


def change_best(rng, file):
    """Change how good the best epoch was, and whether there was one."""
    training = file.about["training"]
    training["best_accuracy"] = rng.choice((None, json_value(rng), json_value(rng)))
    if training["best_accuracy"] is None:
        file.arrays.pop("best", None)
    else:
        file.arrays.setdefault("best", zeros(file))


def change_generator(rng, file):
    """Change the state of a generator, a number of it more often than its form."""
    states = file.about["training"]["generators"]
    container, key = place(rng, states[rng.choice(list(states))])
    container[key] = rng.choice(WHOLE) if rng.random() < 0.8 else json_value(rng)


def change_numbers(rng, file):
    """Change a parameter, or what the optimizer remembers of one."""
    for _ in range(rng.randint(1, 3)):
        change_number(rng, file, rng.choice([name for name in file.arrays if name != "history"]))


CONSISTENT = {
    "history": change_history,
    "count": change_count,
    "remembered": change_remembered,
    "best": change_best,
    "generator": change_generator,
    "numbers": change_numbers,
}
