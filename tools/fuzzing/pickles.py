"""Batches of CIFAR-10's Python layout: right ones, changed instruction by instruction; wild and hostile ones.

Python's own pickler writes them, with raw instructions in the place of any part of a batch.
"""

import copyreg
import io
import pickle
import pickletools
import sys
from functools import partial
from itertools import pairwise
from random import Random
from types import ModuleType

import numpy as np

from fuzzing import Given, Target, expect, expect_readable
from fuzzing.mutations import WHOLE, change_bytes, json_value
from nn_helpers.data import pickles

N = 2  # images
OPS = {op.name: op for op in pickletools.opcodes}
BY_CODE = {op.code.encode("latin-1"): op for op in pickletools.opcodes}
# What the reader knows; a wild pickle of all instructions alike would hardly get beyond its third.
USUAL = sorted(pickles.INSTRUCTIONS - {"STOP"})

# A canary in a coal mine: whoever calls it, or makes or restores a `Singer`, is heard.
SUNG = []
canary = ModuleType("fuzz_canary")


def sing(*args, **kwargs):
    """Be heard."""
    SUNG.append(args)


class Singer:
    """Heard when it is made by NEWOBJ, and when it is restored by BUILD."""

    def __new__(cls, *args, **kwargs):
        sing()
        return super().__new__(cls)

    def __setstate__(self, state):
        sing()


class Reduces:
    """Pickled as what `__reduce_ex__` is told to return."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce_ex__(self, protocol):
        return self.parts


for thing in (sing, Singer):
    thing.__module__ = canary.__name__
    thing.__qualname__ = thing.__name__
    setattr(canary, thing.__name__, thing)
sys.modules[canary.__name__] = canary
for code in (0xE7, 0xE7E7, 0x7E7E7E7E):  # under other names, or `sing` itself would always be written so
    setattr(canary, f"sing_{code}", sing)
    copyreg.add_extension(canary.__name__, f"sing_{code}", code)

SONG = "__import__('fuzz_canary').sing()"
COMMAND = "exit 7"
# (module, name), arguments, and whether the canary is heard where `pickle` loads a call of it
HOSTILE = (
    (("fuzz_canary", "sing"), (), True), (("fuzz_canary", "Singer"), (), True),
    (("builtins", "eval"), (SONG,), True), (("builtins", "exec"), (SONG,), True),
    (("__builtin__", "eval"), (SONG,), True), (("_pickle", "loads"), (b"cfuzz_canary\nsing\n(tR.",), True),
    (("timeit", "timeit"), (SONG, "pass", 1), False), (("os", "system"), (COMMAND,), False),
    (("posix", "system"), (COMMAND,), False),
    (("subprocess", "Popen"), (COMMAND,), False), (("pty", "spawn"), (COMMAND,), False),
    (("builtins", "open"), ("canary", "w"), False), (("builtins", "__import__"), ("fuzz_canary",), False),
    (("builtins", "getattr"), ("x", "y"), False), (("importlib", "import_module"), ("antigravity",), False),
    (("operator", "methodcaller"), ("system", COMMAND), False),
    (("copyreg", "_reconstructor"), ("x", "y", None), False), (("types", "CodeType"), (0,), False),
    (("marshal", "loads"), (b"\xe3",), False), (("numpy", "fromfile"), ("canary",), False),
    (("numpy.testing._private.utils", "runstring"), (SONG, {}), False),
    (("numpy.core.multiarray", "_reconstruct.__globals__"), (), False),
    (("numpy.core.multiarray.", "_reconstruct"), (), False), (("numpy", "ndarray\0"), (), False),
    (("numpy", " ndarray"), (), False), (("numpy._core.numeric", "_frombuffer\r"), (), False),
    (("numpy.dtype", ""), (), False), (("", "numpy.ndarray.__reduce__"), (), False),
    (("socket", "create_connection"), (("127.0.0.1", 9),), False), (("shutil", "rmtree"), ("canary",), False),
    (("nn_helpers.__main__", "main"), (["doctor"],), False),
)  # fmt: skip


# Writing


class Op(bytes):
    """Instructions as they stand in a pickle."""


class Program(list):
    """Instructions, and values between them that the pickler writes."""


class Writer(pickle._Pickler):
    """Python's own pickler, in Python: of instructions it writes what they are."""

    as_python_2 = False  # which wrote texts and bytes alike

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Op):
            self.write(obj)
        elif isinstance(obj, Program):
            for part in obj:
                self.save(part)
        elif self.as_python_2 and isinstance(obj, str | bytes):
            text = obj.encode("utf-8", "surrogatepass") if isinstance(obj, str) else obj
            size, op = (1, b"U") if len(text) < 256 else (4, b"T")
            self.write(op + len(text).to_bytes(size, "little") + text)
        else:
            super().save(obj, save_persistent_id)


def write(content, protocol, as_python_2=False, fast=False):
    """Return a pickle's bytes; `fast` ones remember nothing."""
    file = io.BytesIO()
    writer = Writer(file, protocol)
    writer.fast, writer.as_python_2 = fast, as_python_2
    writer.dump(content)
    return file.getvalue()


def take_apart(content):
    """Return a pickle as a list of instructions, each with its argument, as bytes."""
    at = [where for _, _, where in pickletools.genops(content)] + [len(content)]
    return [content[a:b] for a, b in pairwise(at)]


def instruction(rng, op):
    """Return an instruction with any argument that it can have, seldom one whose length is a lie."""
    code = op.code.encode("latin-1")
    if op.arg is None:
        return code
    if op.arg.n >= 0:
        number = rng.choice((0, 1, 2, 3, rng.randrange(12), rng.choice(WHOLE)))
        return code + (number % 256**op.arg.n).to_bytes(op.arg.n, "little")
    if op.arg.n == pickletools.UP_TO_NEWLINE:
        module, _, name = rng.choice(sorted(pickles.NAMES)).rpartition(".")
        lines = ["0", "-1", "9" * 5000, "x", "", "1L", "'x'", "nan", "\\x00"]
        line = f"{module}\n{name}" if op.name == "GLOBAL" else rng.choice(lines)
        return code + line.encode() + b"\n"
    texts = [b"", b"labels", b"data", b"u1", b"b", b"C", b"numpy", b"dtype", b"\xff\xfe", rng.randbytes(8)]
    text = rng.choice([*texts, bytes(1000), bytes(1001), bytes(3072 * N)])
    length = len(text) + (rng.choice((-1, 1, 1000, 2**31)) if rng.random() < 0.05 else 0)
    size = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT8U: 8}.get(op.arg.n, 4)
    return code + (length % 256**size).to_bytes(size, "little") + text


# Right batches


CALL, BUILD = Op(b"R"), Op(b"b")
LABELS, ROWS = [3, 8], np.repeat(np.arange(N * 12, dtype=np.uint8), 256).reshape(N, 3072)
PARTS = "labels", "label", "data", "array", "dtype", "state", "names", "first", "between", "last"


def name_of(rng, module, name):
    """Return what pushes a function by its name, and nothing below it, in one of the two ways."""
    if rng.random() < 0.5 and not set("\r\n\0") & set(module + name):
        return Op(f"c{module}\n{name}\n".encode())
    spelled = [b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)]
    return Op(b"".join(spelled) + b"\x93")


def right_batch(rng, **parts):
    """Return a batch in one of the ways that versions of Python and NumPy write one, as bytes.

    Parameters
    ----------
    rng : random.Random
    **parts
        What stands in the place of some of `PARTS`.
    """
    named, core, protocol = (
        partial(name_of, rng),
        rng.choice(("numpy.core", "numpy._core")),
        rng.randrange(2, 6),
    )
    kind = [named("numpy", "dtype"), ("u1", False, True), CALL, (3, "|", *[None] * 3, -1, -1, 0), BUILD]
    dtype, state = parts.get("dtype", Program(kind)), parts.get("state", Program())
    pixels = bytearray(ROWS.tobytes()) if protocol == 5 and rng.random() < 0.5 else ROWS.tobytes()
    if "array" not in parts and rng.random() < 0.3:
        array = [named(f"{core}.numeric", "_frombuffer"), (pixels, dtype, ROWS.shape, "C"), CALL, state]
    else:
        arguments = named("numpy", "ndarray"), (0,), b"b"
        empty = parts.get("array", Program([named(f"{core}.multiarray", "_reconstruct"), arguments, CALL]))
        array = [empty, state, (1, ROWS.shape, dtype, False, pixels), BUILD]
    labels = parts.get("labels", [LABELS[0], parts.get("label", LABELS[1])])
    entries = [("labels", labels), ("data", parts.get("data", Program(array)))]
    entries += [("batch_label", "batch 1 of 5"), ("filenames", parts.get("names", ["a.png"]))]
    entries += [("more", parts["between"])] if "between" in parts else []
    rng.shuffle(entries)
    as_key = rng.choice((str, str.encode))
    last = ["last", parts["last"], Op(b"s")] if "last" in parts else []
    batch = Program([parts.get("first", Op()), {as_key(key): value for key, value in entries}, *last])
    return write(batch, protocol, as_python_2=rng.random() < 0.3, fast=rng.random() < 0.3)


# Changed ones


def value(rng):
    """Return a list of any values: Python's own, and such as an instruction pushes."""
    pushes = [op for op in map(OPS.get, USUAL) if not op.stack_before and len(op.stack_after) == 1]
    pushed = [Op(instruction(rng, rng.choice(pushes))) for _ in range(rng.randrange(4))]
    return [json_value(rng), *pushed]


def change(rng, program, most=3):
    """Return instructions with a few of them taken out, doubled, exchanged, or given other arguments."""
    program = list(program)
    for _ in range(rng.randint(1, most)):
        at, kind = rng.randrange(len(program)), rng.randrange(8)
        if kind == 0:
            del program[at]
        elif kind == 1:
            program.insert(at, program[at])
        elif kind == 2:
            other = rng.randrange(len(program))
            program[at], program[other] = program[other], program[at]
        elif kind < 6:
            program[at] = instruction(rng, BY_CODE.get(program[at][:1], OPS["NONE"]))
        else:
            op = OPS[rng.choice(USUAL) if rng.random() < 0.9 else rng.choice(list(OPS))]
            program[at:at] = [instruction(rng, op)] * rng.choice((1, 1, 1, 2, 1100))
        program = program or [b"."]
    return program


# Hostile ones


def remembered(rng, module, name):
    """Return what pushes a function by its name; the name's parts are remembered and taken back."""
    if rng.random() < 0.5:
        spelled = [b"X" + len(text).to_bytes(4, "little") + text.encode() for text in (module, name)]
        return Op(spelled[0] + b"q\xf0\x85q\xf1" + spelled[1] + b"q\xf2\x86h\xf0h\xf2\x93q\xf0\x86h\xf0")
    # over what was remembered in its place
    return Op(b"cnumpy\ndtype\nq\xf7" + name_of(rng, module, name) + b"q\xf7\x86j\xf7\0\0\0")


def hostile(rng):
    """Return what pushes a value that `pickle` would run code for, and whether the canary would be heard."""
    (module, name), arguments, heard = rng.choice(HOSTILE[:6] if rng.random() < 0.4 else HOSTILE)
    one, singer = name_of(rng, module, name), name_of(rng, "fuzz_canary", "Singer")
    state = {"x": 1} if rng.random() < 0.5 else "state"
    ext = rng.choice((b"\x82\xe7", b"\x83\xe7\xe7", b"\x84\x7e\x7e\x7e\x7e"))
    sung = Reduces(sing, ())
    reduces = rng.choice(((sing, ()), (object, (), sung), (list, (), None, iter([sung]))))
    plain = bool(name) and not set("\r\n\0") & set(module + name)
    steps, sings = rng.choice(
        (
            ([Op(b"("), *arguments, Op(f"i{module}\n{name}\n".encode())], heard and plain),  # INST
            ([Op(b"("), one, *arguments, Op(b"o")], heard),  # OBJ
            ([singer, arguments, Op(b"\x81")], True),  # NEWOBJ
            ([singer, arguments, {}, Op(b"\x92")], True),  # NEWOBJ_EX
            ([Op(ext + b")R")], True),
            ([Op(b"Psing\n")], False),
            (["sing", Op(b"Q")], False),  # BINPERSID
            ([Reduces(*reduces)], True),
            ([singer, (), Op(b"\x81"), state, BUILD], True),
            ([Op(rng.choice((b"\x97", b"N\x98")))], False),  # buffers out of band
            ([one, arguments, CALL], heard),
            ([remembered(rng, module, name), arguments, CALL], heard),
            ([remembered(rng, module, name), arguments, CALL], heard),
        )
    )
    return Program(steps), sings


class Limited(pickle._Unpickler):
    """`pickle` itself, with nothing to call: NumPy crashes on some of what it is called with.

    The one in Python: the other one reads wrong bytes where a FRAME tells a wrong length.
    """

    def find_class(self, module, name):
        if f"{module}.{name}".replace("numpy._core", "numpy.core") not in pickles.NAMES:
            raise pickle.UnpicklingError("not of a batch")
        known = {"encode": lambda text, _: text.encode("latin-1"), "ndarray": "ndarray"}
        return known.get(name, Noted)


class Noted:
    """A call, and the state that its result is given."""

    def __init__(self, *args):
        self.content = args[0]

    def __setstate__(self, state):
        self.content = state[4] if len(state) == 5 else None


class Pickles(Target):
    """`read_batch` reads a pickle, and runs nothing of it."""

    name = "pickles"
    documented = (ValueError,)
    reads_only = True

    def __init__(self, folder):
        super().__init__(folder)
        batch = {"batch_label": "", "labels": LABELS, "data": ROWS}
        self.saved = [take_apart(pickle.dumps(batch, protocol)) for protocol in range(6)]
        self._prove_the_canary_sings()
        b"".decode("latin-1", "replace")  # imports a module, the first time

    def _prove_the_canary_sings(self):
        """See that `pickle` runs what is called hostile here: else a refusal would show nothing."""
        heard = 0
        for number in range(400):
            steps, sings = hostile(Random(number))
            if sings:
                SUNG.clear()
                pickle.loads(write(steps, 2), encoding="latin-1")
                expect(SUNG, f"pickle runs nothing of {steps}")
                heard += 1
        expect(heard > 100, "too few of the hostile pickles are heard")

    def generate(self, rng):
        kind = rng.choice(("right", *["changed"] * 3, "parts", "saved", "bytes", "wild", *["hostile"] * 3))
        content = right_batch(rng)
        if kind in ("changed", "wild"):
            content = b"".join(change(rng, take_apart(content), most=3 if kind == "changed" else 40))
        elif kind == "saved":
            content = b"".join(change(rng, rng.choice(self.saved)))
        elif kind == "bytes":
            content = change_bytes(rng, content)
        elif kind in ("parts", "hostile"):
            steps, part = value(rng) if kind == "parts" else hostile(rng)[0], rng.choice((*PARTS, "alone"))
            steps = Program([steps, BUILD]) if part == "state" else steps
            alone = part == "alone"
            content = write(steps, rng.randrange(6)) if alone else right_batch(rng, **{part: steps})
        return Given({"batch": content}, {}, kind)

    def prepare(self, given):
        SUNG.clear()
        self.stream = io.BufferedReader(io.BytesIO(given.files["batch"]))
        self.pixels = np.zeros((N, 3072), np.uint8)

    def run(self, given):
        try:
            labels = pickles.read_batch(self.stream, self.pixels)
        except ValueError as error:
            expect_readable(str(error))
            expect(given.kind != "right", "a right batch is refused")
            expect(not SUNG, "something was run")
            raise
        expect(not SUNG, "something was run")
        expect(given.kind != "hostile", "a hostile pickle is accepted")
        expect(len(labels) == N and all(type(y) is int and 0 <= y <= 9 for y in labels), "labels are wrong")
        if given.kind == "right":
            expect(labels == LABELS and np.array_equal(self.pixels, ROWS), "it was read wrongly")
        return ("accepted" if self._as_pickle_reads_it(given, labels) else "accepted, not by pickle"), ""

    def _as_pickle_reads_it(self, given, labels):
        """Compare with what `pickle` makes of a batch; it may refuse what has nothing to do with images."""
        try:
            batch = Limited(io.BytesIO(given.files["batch"]), encoding="latin-1").load()
            (theirs,) = (value for key, value in batch.items() if key in ("labels", b"labels"))
            (data,) = (value for key, value in batch.items() if key in ("data", b"data"))
            images = data.content.encode("latin-1") if isinstance(data.content, str) else data.content
        except Exception:
            return False
        expect(theirs == labels, f"pickle reads labels {theirs}, not {labels}")
        expect(images == self.pixels.tobytes(), "pickle reads other images")
        return True
