"""Files of networks and of trainings: safetensors whose header, metadata and arrays are changed apart.

The checksum is often made right again after the change: otherwise nothing behind it would ever be reached.
"""

import copy
import json
import pickle
import zlib
from functools import partial
from itertools import pairwise

import numpy as np
from safetensors import safe_open

from fuzzing import Given, Target, expect, expect_readable, rewrite
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
        shape = rng.choice(
            (shape[::-1], [*shape, 1], [1, *shape], [*shape, 0], [], [len(content)], shape[:1])
        )
        file.arrays[name] = dtype, shape, content
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
        kind = rng.randrange(10)
        name = rng.choice(names) if names else "__metadata__"
        entry = header.get(name)
        if kind == 0 and isinstance(entry, dict) and "data_offsets" in entry:
            begin, end = WHOLE[rng.randrange(len(WHOLE))], rng.choice(WHOLE)
            entry["data_offsets"] = rng.choice(([begin, end], [begin], [], None, [0, 0], [end, begin, end]))
        elif kind == 1 and isinstance(entry, dict):
            entry["shape"] = rng.choice(
                ([rng.choice(WHOLE)], [rng.choice(WHOLE)] * 3, [2**32, 2**32], None, "x")
            )
        elif kind == 2 and isinstance(entry, dict):
            entry["dtype"] = rng.choice((*SIZES, "F8_E4M3", "F4", "C64", "f32", "", 5, None))
        elif kind == 3:
            header["__metadata__"] = rng.choice(
                (None, {}, [], {"nn_helpers": 5}, {"crc32": "0"}, "x", {"x": None})
            )
        elif kind == 4 and isinstance(header["__metadata__"], dict):
            change_json(rng, header, ["__metadata__"])
        elif kind == 5:
            return twice(rng, header)
        else:
            change_json(rng, header)
            if "__metadata__" not in header:
                return header
    return header


def change(rng, file, places=(None,)):
    """Change a file somewhere, and return its bytes and what was done."""
    kind = rng.choice(("bytes", "header", "about", "about", "about", "arrays", "arrays", "both", "right"))
    if kind in ("about", "both"):
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            path = rng.choice(places)
            try:
                change_json(rng, file.about, path)
            except (KeyError, TypeError, IndexError):  # an earlier change took it away
                continue
    if kind in ("arrays", "both"):
        for _ in range(rng.choice((1, 1, 2))):
            if file.arrays:
                change_array(rng, file)
    about = file.about
    if kind == "about" and rng.random() < 0.15:
        about = twice(rng, about)
    text = to_json(about)
    if kind == "about" and rng.random() < 0.05:
        text = rng.choice(
            (text[: rng.randrange(len(text))], text + "x", to_json(json_value(rng)), "[" * 99_999, "")
        )
    believed = rng.random() < 0.8
    header = file.header(text, None if believed else rng.choice(("00000000", "", 5, [], "ABCDEF01")))
    if kind == "header":
        header = change_header(rng, header)
    content = file.to_bytes(header)
    if kind == "bytes":
        content = change_bytes(rng, content) if rng.random() < 0.95 else rng.choice(OTHERS)
    return content, kind if believed or kind == "bytes" else f"{kind}, checksum wrong"


class Networks(Target):
    """`ClassificationNet.load` reads a network, or the network in a checkpoint."""

    name = "networks"

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "net.safetensors"
        self.right = []
        for hidden, activation, dtype in (
            ([], "relu", "float32"),
            ([2], "tanh", "float64"),
            ([3, 2], "relu", "float32"),
        ):
            net = ClassificationNet(4, hidden, 3, activation, 0.1, dtype=dtype, dropout=0.25)
            net.save(self.path)
            self.right.append(File.read(self.path))
        self.path.unlink()
        net = ClassificationNet(4, [2], 3)
        x, y = np.eye(8, 4), np.arange(8) % 3
        train(net, (x, y), optimizers.Adam(0.1), epochs=1, batch_size=4, progress=False, checkpoint=self.path)
        self.right.append(File.read(self.path))

    def generate(self, rng):
        file = copy.deepcopy(rng.choice(self.right))
        if rng.random() < 0.15:
            return Given({self.path.name: another(rng, file).to_bytes()}, kind="another architecture")
        content, kind = change(rng, file, (None, ["network"], ["network"], ["network"]))
        return Given({self.path.name: content}, kind=kind)

    def run(self, given):
        try:
            net = ClassificationNet.load(self.path, seed=1)
        except self.documented as error:
            expect_readable(str(error))
            expect(str(self.path) in str(error), f"the message does not name the file: {error}")
            expect(given.kind not in ("right", "another architecture"), f"a right file is refused: {error}")
            raise
        expect("checksum wrong" not in given.kind, "a file with another checksum is accepted")
        with np.errstate(all="ignore"):
            x = np.ones((2, net.input_size), net.dtype)
            expect(net.logits(x).shape == (2, net.num_classes), "the network does not work")
            expect(net.forward(x).dtype == net.dtype, "the network does not work")
        expect("ClassificationNet(" in repr(net), "the network does not say what it is")
        return "accepted", ""


def another(rng, file):
    """Return a file with arrays of another architecture, described rightly, with any numbers."""
    network = {
        "input_size": rng.randint(1, 9),
        "hidden_sizes": [rng.randint(1, 5) for _ in range(rng.choice((0, 1, 2, 3, 40)))],
        "num_classes": rng.randint(1, 4),
        "activation": rng.choice(("relu", "leaky_relu", "sigmoid", "tanh")),
        "reg": rng.choice((0, 0.0, 1e-3, 1, 1e300)),
        "init": rng.choice(("he", "xavier", "normal", "custom")),
        "dtype": rng.choice(list(DTYPES)),
        "dropout": rng.choice((0, 0.0, 0.5, 0.999)),
    }
    dtype, arrays = DTYPES[network["dtype"]], {}
    sizes = [network["input_size"], *network["hidden_sizes"], network["num_classes"]]
    for layer, (D, M) in enumerate(pairwise(sizes), 1):
        for name, shape in ((f"W{layer}", [D, M]), (f"b{layer}", [M])):
            arrays[name] = dtype, shape, rng.randbytes(int(np.prod(shape)) * SIZES[dtype])
    return File({"format": 1, "versions": file.about["versions"], "network": network}, arrays)


# Trainings


EPOCHS, BATCH = 2, 4


class Training:
    """A tiny training that is always the same, and everything of it that a checkpoint can change."""

    def __init__(self, data, optimizer, bits=None, **arguments):
        self.net = ClassificationNet(
            4, [3], 3, dropout=0.2, reg=0.01, dtype=arguments.pop("dtype", "float32")
        )
        self.optimizer = optimizer()
        self.rng = np.random.default_rng(5) if bits is None else np.random.Generator(bits(5))
        self.data, self.arguments = data, {"batch_size": BATCH, "progress": False, **arguments}

    def train(self, **arguments):
        """Train, with a seed that is a generator: it must not be touched by what is refused."""
        arguments = {"seed": self.rng, "epochs": EPOCHS, **self.arguments, **arguments}
        return train(self.net, self.data, self.optimizer, **arguments)

    @property
    def state(self):
        """Return all that training changes, to compare."""
        return (
            self.net.theta.tobytes(), self.net.gradient.tobytes(), self.net.config, repr(self.optimizer),
            self.optimizer.t, {name: array.tobytes() for name, array in self.optimizer.state.items()},
            self.optimizer._for, pickle.dumps(self.rng.bit_generator.state),
            pickle.dumps(self.net.rng.bit_generator.state),
        )  # fmt: skip


def trainings():
    """Return functions that make a training, by name."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((10, 4)), np.arange(10) % 3
    data = ArrayDataset((x, y), val=(x[:5], y[:5]))
    cosine = partial(CosineWithWarmup, 0.02, 6, 1)
    make = partial(partial, Training, data)
    return {
        "sgd": make(partial(optimizers.SGD, 0.1)),
        "momentum": make(partial(optimizers.Momentum, 0.1), keep_best=True, drop_last=False),
        "rmsprop": make(partial(optimizers.RMSprop, 0.01), bits=np.random.MT19937),
        "adam": make(partial(optimizers.Adam, 0.01), seed=3, dtype="float64", keep_best=True),
        "adamw": make(lambda: optimizers.AdamW(cosine()), bits=np.random.Philox, shuffle=False),
        "sfc": make(partial(optimizers.Adam, 0.01), bits=np.random.SFC64, validate=False),
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
    )

    def __init__(self, folder):
        super().__init__(folder)
        self.path = folder / "run.safetensors"
        self.make, self.right = trainings(), {}
        for name, make in self.make.items():
            found = []
            for epochs, every in ((1, None), (2, 3), (2, None)):  # at an epoch's end, within one, at the end
                make().train(epochs=epochs, checkpoint=self.path, checkpoint_every=every)
                found.append(File.read(self.path))
                rewrite(folder, {})
            self.right[name] = found

    def generate(self, rng):
        name = rng.choice(list(self.right))
        file = copy.deepcopy(rng.choice(self.right[name]))
        if rng.random() < 0.35:
            kind, change_one = rng.choice(list(CONSISTENT.items()))
            change_one(rng, file)
            content = file.to_bytes()
        else:
            content, kind = change(rng, file, PLACES)
        options = {"training": name, "epochs": rng.choice((1, 2, 2, 3)), "writes": rng.random() < 0.1}
        return Given({self.path.name: content}, options, kind)

    def prepare(self, given):
        super().prepare(given)
        self.training = self.make[given.options["training"]]()
        self.before = self.training.state

    def run(self, given):
        arguments = {"resume": self.path, "epochs": given.options["epochs"]}
        if given.options["writes"]:
            arguments["checkpoint"] = self.path
        try:
            history = self.training.train(**arguments)
        except self.documented as error:
            expect_readable(str(error))
            expect("run." in str(error), f"the message does not name the file: {error}")
            expect(self.training.state == self.before, f"refused, and changed something: {error}")
            refused_rightly = given.kind != "right" or "counts the whole run" in str(error)
            expect(refused_rightly, f"a right checkpoint is refused: {error}")
            raise
        expect("checksum wrong" not in given.kind, "a file with another checksum is accepted")
        expect("History(" in repr(history), "the history does not say what it is")
        steps = history.to_arrays()["step"]
        expect(np.array_equal(steps, np.arange(1, len(steps) + 1)), f"steps are counted {steps}")
        expect(history.stopped or len(steps) == self._total(given), f"{len(steps)} steps were made")
        return "accepted" if history.stopped is None else "accepted, diverged", history.stopped or ""

    def _total(self, given):
        N, drop_last = len(self.training.data.train), self.training.arguments.get("drop_last", True)
        return given.options["epochs"] * (N // BATCH if drop_last else -(-N // BATCH))


# Changes of one thing, with everything else as it then must be


def change_history(rng, file):
    """Change the table of steps."""
    _, shape, content = file.arrays["history"]
    rows = np.frombuffer(content).reshape(shape).copy()
    if not len(rows):
        rows = np.ones((1, len(COLUMNS)))
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
    training, dtype = file.about["training"], DTYPES[file.about["network"]["dtype"]]
    names = [*training["remembers"]]
    for name in names:
        del file.arrays[f"optimizer.{name}"]
    known = (
        ["m_sum", "v_sum"],
        ["v"],
        ["s"],
        [["v"]],
        [None, "s"],
        "vs",
        {"v": 1, "s": 2},
        [],
        ["v", "v"],
        [{}],
        [5],
    )
    names = rng.choice((names[:-1], names[::-1], [*names, "x"], ["t"], ["theta"], *known))
    training["remembers"] = names
    P = _parameters(file)
    for name in names:
        file.arrays[f"optimizer.{name}"] = dtype, [P], bytes(P * SIZES[dtype])


def _parameters(file):
    """Return how many parameters the network has."""
    shapes = [shape for name, (_, shape, _) in file.arrays.items() if name[1:].isdigit()]
    return sum(int(np.prod(shape)) for shape in shapes)


def change_best(rng, file):
    """Change how good the best epoch was, and whether there was one."""
    training, dtype = file.about["training"], DTYPES[file.about["network"]["dtype"]]
    training["best_accuracy"] = rng.choice((None, json_value(rng), json_value(rng)))
    P = _parameters(file)
    if training["best_accuracy"] is None:
        file.arrays.pop("best", None)
    else:
        file.arrays.setdefault("best", (dtype, [P], bytes(P * SIZES[dtype])))


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
