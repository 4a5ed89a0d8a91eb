"""Batches of CIFAR-10's Python layout: right ones, changed instruction by instruction; wild and hostile ones.

A pickle is made here as a list of (instruction, argument) and written with `pickletools`' own table, so
that a change is a change of the program and not only of its bytes.
"""

import copyreg
import io
import pickle
import pickletools
import struct
import sys
from itertools import pairwise
from random import Random
from types import ModuleType

import numpy as np

from fuzzing import Given, Target, expect, expect_readable
from fuzzing.mutations import WHOLE, change_bytes
from nn_helpers.data.pickles import read_batch

N = 2  # pictures
OPS = {op.name: op for op in pickletools.opcodes}
# What the reader knows; a wild pickle of all instructions alike would hardly get beyond its third.
USUAL = (
    "BININT1", "BININT1", "BININT2", "BININT", "SHORT_BINSTRING", "SHORT_BINBYTES", "SHORT_BINUNICODE",
    "BINUNICODE", "BINSTRING", "NONE", "NEWTRUE", "NEWFALSE", "MARK", "EMPTY_LIST", "EMPTY_DICT",
    "EMPTY_TUPLE",
    "TUPLE1", "TUPLE2", "TUPLE3", "TUPLE", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "BINPUT", "MEMOIZE",
    "BINGET", "LONG_BINPUT", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "PROTO", "FRAME",
)  # fmt: skip
KNOWN = (
    ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.numeric", "_frombuffer"), ("_codecs", "encode"),
)  # fmt: skip

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
EXTENSIONS = {"EXT1": 0xE7, "EXT2": 0xE7E7, "EXT4": 0x7E7E7E7E}
for name, code in EXTENSIONS.items():  # under other names, or `sing` itself would always be written so
    setattr(canary, f"sing_{name}", sing)
    copyreg.add_extension(canary.__name__, f"sing_{name}", code)

SONG = "__import__('fuzz_canary').sing()"
COMMAND = "exit 7"
# (module, name), arguments, and whether the canary is heard where `pickle` loads a call of it
HOSTILE = (
    (("fuzz_canary", "sing"), (), True),
    (("fuzz_canary", "Singer"), (), True),
    (("builtins", "eval"), (SONG,), True),
    (("builtins", "exec"), (SONG,), True),
    (("__builtin__", "eval"), (SONG,), True),  # as Python 2 called it
    (("timeit", "timeit"), (SONG, "pass", 1), False),
    (("code", "InteractiveInterpreter"), (), False),
    (("os", "system"), (COMMAND,), False),
    (("posix", "system"), (COMMAND,), False),
    (("nt", "system"), (COMMAND,), False),
    (("subprocess", "Popen"), (COMMAND,), False),
    (("subprocess", "getoutput"), (COMMAND,), False),
    (("pty", "spawn"), (COMMAND,), False),
    (("builtins", "open"), ("canary", "w"), False),
    (("builtins", "__import__"), ("fuzz_canary",), False),
    (("builtins", "getattr"), ("x", "y"), False),
    (("importlib", "import_module"), ("antigravity",), False),
    (("runpy", "run_path"), ("canary.py",), False),
    (("operator", "attrgetter"), ("system",), False),
    (("operator", "methodcaller"), ("system", COMMAND), False),
    (("functools", "partial"), ("x",), False),
    (("copyreg", "_reconstructor"), ("x", "y", None), False),
    (("copyreg", "__newobj__"), ("x",), False),
    (("copy_reg", "_reconstructor"), ("x", "y", None), False),
    (("types", "FunctionType"), ("x", {}), False),
    (("types", "CodeType"), (0,), False),
    (("marshal", "loads"), (b"\xe3",), False),
    (("pickle", "loads"), (b"cfuzz_canary\nsing\n(tR.",), True),
    (("_pickle", "loads"), (b"cfuzz_canary\nsing\n(tR.",), True),
    (("numpy", "load"), ("canary.npy",), False),
    (("numpy", "fromfile"), ("canary",), False),
    (("numpy.testing._private.utils", "runstring"), (SONG, {}), False),
    (("numpy.core.multiarray", "_reconstruct.__globals__"), (), False),
    (("numpy.core.multiarray", "fromfile"), ("canary",), False),
    (("numpy.core.multiarray.", "_reconstruct"), (), False),
    (("numpy", "ndarray\0"), (), False),
    (("numpy", " ndarray"), (), False),
    (("numpy._core.numeric", "_frombuffer\r"), (), False),
    (("numpy.dtype", ""), (), False),
    (("_codecs", "encode.__self__"), (), False),
    (("", "numpy.ndarray.__reduce__"), (), False),
    (("socket", "create_connection"), (("127.0.0.1", 9),), False),
    (("webbrowser", "open"), ("http://127.0.0.1:9/",), False),
    (("shutil", "rmtree"), ("canary",), False),
    (("nn_helpers.__main__", "main"), (["doctor"],), False),
)


# Instructions as bytes


def written(program):
    """Return a program, a list of (name of the instruction, its argument) or of bytes, as bytes."""
    parts = []
    for step in program:
        if isinstance(step, bytes):
            parts.append(step)
        else:
            name, argument = step
            op = OPS[name]
            parts.append(op.code.encode("latin-1") + (_argument(op.arg.name, argument) if op.arg else b""))
    return b"".join(parts)


SIZES = {"uint1": 1, "uint2": 2, "int4": 4, "uint4": 4, "uint8": 8}
LENGTHS = {  # of what carries its own length: how many bytes tell it
    "string1": 1, "string4": 4, "bytes1": 1, "bytes4": 4, "bytes8": 8, "bytearray8": 8, "unicodestring1": 1,
    "unicodestring4": 4, "unicodestring8": 8, "long1": 1, "long4": 4,
}  # fmt: skip


def _argument(kind, argument):
    if kind in SIZES:
        size = SIZES[kind]
        return (argument % (1 << 8 * size)).to_bytes(size, "little")
    if kind in LENGTHS:
        size = LENGTHS[kind]
        return (len(argument) % (1 << 8 * size)).to_bytes(size, "little") + argument
    if kind == "float8":
        return struct.pack(">d", argument)
    if kind == "stringnl_noescape_pair":
        return "\n".join(argument).encode("utf-8", "surrogatepass") + b"\n"
    return str(argument).encode() + b"\n"  # the oldest ones: text up to the end of the line


def random_argument(rng, kind):
    """Return an argument that an instruction of pickletools' kind can have."""
    if kind in SIZES:
        return rng.choice((0, 1, 2, 3, rng.randrange(12), rng.choice(WHOLE)))
    if kind in LENGTHS:
        texts = (
            b"",
            b"labels",
            b"data",
            b"u1",
            b"|u1",
            b"b",
            b"C",
            b"numpy",
            b"ndarray",
            b"dtype",
            b"\xff\xfe",
        )
        return rng.choice(
            (*texts, bytes(1000), bytes(1001), bytes(3072 * N), rng.randbytes(rng.randrange(9)))
        )
    if kind == "float8":
        return rng.choice((0.0, 1.0, float("nan"), float("inf")))
    if kind == "stringnl_noescape_pair":
        return rng.choice(KNOWN) if rng.random() < 0.8 else rng.choice(HOSTILE)[0]
    if kind.startswith("decimalnl"):
        return rng.choice(("0", "1", "01", "00", "-1", "9" * 5000, "x", "", "1L", "0x10"))
    return rng.choice(("1", "'x'", "x", "", "nan", "\\x00", "e" * 2000))


# Right batches


def right_batch(rng, y, pictures, /, **parts):
    """Return the program of a batch, in one of the ways that versions of Python and NumPy write one.

    Parameters
    ----------
    rng : random.Random
    y : list of int
        The labels.
    pictures : bytes
    **parts : lists of steps
        What stands in the place of a part: `labels`, `label`, `data`, `array`, `dtype`, `state`, `names`,
        `first`,
        `between`, `last`.
    """
    text = rng.choice(("SHORT_BINSTRING", "SHORT_BINBYTES", "SHORT_BINUNICODE", "BINUNICODE", "BINSTRING"))
    pixels = rng.choice(("BINSTRING", "BINBYTES", "BINBYTES8", "BYTEARRAY8"))

    def entry(key, value):
        return [(text, key), *put(), *value]

    def put():
        return [("MEMOIZE", None)] if memo and rng.random() < 0.7 else []

    def named(module, name):
        if rng.random() < 0.5:
            return [("GLOBAL", (module, name)), *put()]
        return [
            ("SHORT_BINUNICODE", module.encode()),
            *put(),
            ("SHORT_BINUNICODE", name.encode()),
            *put(),
            ("STACK_GLOBAL", None),
            *put(),
        ]

    memo = rng.random() < 0.5
    core = rng.choice(("numpy.core", "numpy._core"))
    dtype = parts.get("dtype") or [
        *named("numpy", "dtype"), (text, b"u1"), ("NEWFALSE", None), ("NEWTRUE", None), ("TUPLE3", None),
        *put(),
        ("REDUCE", None), *put(), ("MARK", None), ("BININT1", 3), (text, b"|"), ("NONE", None), ("NONE",
        None),
        ("NONE", None), ("BININT", -1), ("BININT", -1), ("BININT1", 0), ("TUPLE", None), *put(), ("BUILD",
        None),
    ]  # fmt: skip
    shape = [("BININT1", N), ("BININT2", 3072), ("TUPLE2", None), *put()]
    if "array" not in parts and rng.random() < 0.3:
        data = [
            *named(f"{core}.numeric", "_frombuffer"), ("MARK", None), (pixels, pictures), *put(), *dtype,
            *shape,
            (text, b"C"), ("TUPLE", None), *put(), ("REDUCE", None), *put(), *parts.get("state", []),
        ]  # fmt: skip
    else:
        array = parts.get("array") or [
            *named(f"{core}.multiarray", "_reconstruct"), *named("numpy", "ndarray"), ("BININT1", 0),
            ("TUPLE1", None), (text, b"b"), ("TUPLE3", None), *put(), ("REDUCE", None), *put(),
        ]  # fmt: skip
        data = [
            *array, *parts.get("state", []), ("MARK", None), ("BININT1", 1), *shape, *dtype, ("NEWFALSE",
            None),
            (pixels, pictures), *put(), ("TUPLE", None), *put(), ("BUILD", None),
        ]  # fmt: skip
    numbers = [("BININT1", label) for label in y]
    if "label" in parts:
        numbers[rng.randrange(len(numbers))] = parts["label"]
    numbers = [step for number in numbers for step in (number if isinstance(number, list) else [number])]
    entries = [
        entry(b"labels", parts.get("labels") or [("EMPTY_LIST", None), *put(), ("MARK", None), *numbers,
                                                  ("APPENDS", None)]),
        entry(b"data", parts.get("data") or data),
        entry(b"batch_label", [(text, b"training batch 1 of 5"), *put()]),
        entry(b"filenames", parts.get("names") or [("EMPTY_LIST", None), ("MARK", None), (text, b"a.png"),
                                                    ("APPENDS", None)]),
    ]  # fmt: skip
    rng.shuffle(entries)
    between = rng.randrange(len(entries) + 1)
    entries[between:between] = [parts["between"]] if "between" in parts else []
    start = [("PROTO", rng.randrange(2, 6))] + ([("FRAME", 10**6)] if rng.random() < 0.3 else [])
    middle = [step for steps in entries for step in steps]
    return [
        *start, *parts.get("first", []), ("EMPTY_DICT", None), *put(), ("MARK", None), *middle, ("SETITEMS",
        None),
        *parts.get("last", []), ("STOP", None),
    ]  # fmt: skip


# Wild ones


def wild(rng, length):
    """Return a program in which every instruction finds on the stack what it needs."""
    stack, program = [], [("PROTO", rng.randrange(6))]
    names = list(OPS)
    for _ in range(length):
        for _ in range(8):
            name = rng.choice(USUAL) if rng.random() < 0.93 else rng.choice(names)
            op = OPS[name]
            below = _below(op, stack)
            if below is not None and name != "STOP":
                break
        else:
            continue
        program.append((name, random_argument(rng, op.arg.name) if op.arg else None))
        stack = [*below, *("mark" if kind is pickletools.markobject else "any" for kind in op.stack_after)]
    program += [("TUPLE", None)] * stack.count("mark")
    return [*program, ("STOP", None)]


def _below(op, stack):
    """Return what is left of the stack under what an instruction takes, or None where it is too short."""
    if pickletools.markobject in op.stack_before:
        if "mark" not in stack:
            return None
        at = len(stack) - 1 - stack[::-1].index("mark")
        before = op.stack_before.index(pickletools.markobject)
        return stack[: at - before] if at >= before and "mark" not in stack[at - before : at] else None
    needed = len(op.stack_before)
    if needed > len(stack) or "mark" in stack[len(stack) - needed :]:
        return None
    return stack[: len(stack) - needed]


def value(rng):
    """Return steps that push one value: a wild program, packed into a list."""
    program = wild(rng, rng.randrange(1, 12))[1:-1]
    return [("EMPTY_LIST", None), ("MARK", None), *program, ("APPENDS", None)]


def changed(rng, program):
    """Return a program with a few of its steps taken out, doubled, exchanged, or given other arguments."""
    program = list(program)
    for _ in range(rng.randint(1, 3)):
        at, kind = rng.randrange(len(program)), rng.randrange(8)
        name, argument = program[at] if not isinstance(program[at], bytes) else (None, None)
        if kind == 0:
            del program[at]
        elif kind == 1:
            program.insert(at, program[at])
        elif kind == 2:
            other = rng.randrange(len(program))
            program[at], program[other] = program[other], program[at]
        elif kind < 5 and name and OPS[name].arg:
            program[at] = name, random_argument(rng, OPS[name].arg.name)
        elif kind == 5 and name and OPS[name].arg and OPS[name].arg.name in LENGTHS:
            content = written([(name, argument)])  # the length lies
            size = LENGTHS[OPS[name].arg.name]
            length = (len(argument) + rng.choice((-1, 1, 2, 1000, 2**31))) % (1 << 8 * size)
            program[at] = content[:1] + length.to_bytes(size, "little") + content[1 + size :]
        elif kind == 6:
            program[at:at] = value(rng)
        else:
            op = rng.choice(USUAL)
            program.insert(at, (op, random_argument(rng, OPS[op].arg.name) if OPS[op].arg else None))
        program = program or [("STOP", None)]
    return program


# Hostile ones


def pushed(rng, content):
    """Return steps that push a text, bytes, number, None, list, tuple or dict."""
    if isinstance(content, str):
        content = content.encode()
        return [(rng.choice(("SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINSTRING", "BINSTRING")), content)]
    if isinstance(content, bytes):
        return [(rng.choice(("SHORT_BINBYTES", "BINBYTES")), content)]
    if isinstance(content, int):
        return [("BININT", content)]
    if content is None:
        return [("NONE", None)]
    inside = [step for item in content for step in pushed(rng, item)]
    if isinstance(content, dict):
        return [("EMPTY_DICT", None)]
    last = ("APPENDS", None) if isinstance(content, list) else ("TUPLE", None)
    return [*([("EMPTY_LIST", None)] if isinstance(content, list) else []), ("MARK", None), *inside, last]


def named(rng, module, name):
    """Return steps that push a function by its name, in one of the ways there are."""
    kind = rng.randrange(5)
    if kind < 2 and not set("\r\n\0") & set(module + name):
        return [("GLOBAL", (module, name))]
    spelled = [*pushed(rng, module), *pushed(rng, name)]
    spelled = [("BINUNICODE" if "STRING" in step[0] else step[0], step[1]) for step in spelled]
    if kind == 2:  # remembered in three places, the right one taken back
        at = rng.randrange(200, 250)
        return [
            spelled[0], ("BINPUT", at), ("TUPLE1", None), ("BINPUT", at + 1), spelled[1], ("BINPUT", at + 2),
            ("TUPLE2", None), ("BINGET", at), ("BINGET", at + 2), ("STACK_GLOBAL", None), ("BINPUT", at),
            ("TUPLE2", None), ("BINGET", at),
        ]  # fmt: skip
    if kind == 3:  # over what was remembered in its place
        return [
            ("GLOBAL", ("numpy", "dtype")), ("BINPUT", 7), *spelled, ("STACK_GLOBAL", None), ("BINPUT", 7),
            ("TUPLE2", None), ("LONG_BINGET", 7),
        ]  # fmt: skip
    return [*spelled, ("STACK_GLOBAL", None)]


def hostile(rng):
    """Return steps that push what `pickle` would run code for, and whether the canary would be heard."""
    (module, name), arguments, heard = rng.choice(HOSTILE[:9] if rng.random() < 0.4 else HOSTILE)
    kind = rng.randrange(12)
    if kind == 0:
        inside = [step for item in arguments for step in pushed(rng, item)]
        plain = not set("\r\n\0") & set(module + name)
        return [("MARK", None), *inside, ("INST", (module, name))], heard and plain and bool(name)
    if kind == 1:
        inside = [step for item in arguments for step in pushed(rng, item)]
        return [("MARK", None), *single(rng, module, name), *inside, ("OBJ", None)], heard
    if kind == 2:
        return [*single(rng, "fuzz_canary", "Singer"), *pushed(rng, arguments), ("NEWOBJ", None)], True
    if kind == 3:
        steps = [*single(rng, "fuzz_canary", "Singer"), *pushed(rng, arguments), ("EMPTY_DICT", None)]
        return [*steps, ("NEWOBJ_EX", None)], True
    if kind == 4:
        op, code = rng.choice(list(EXTENSIONS.items()))
        return [(op, code), ("EMPTY_TUPLE", None), ("REDUCE", None)], True
    if kind == 5:
        op = rng.choice(("PERSID", "BINPERSID"))
        return ([(op, "sing")] if op == "PERSID" else [*pushed(rng, "sing"), (op, None)]), False
    if kind == 6:
        parts = rng.choice(
            (
                (sing, ()), (eval, (SONG,)), (Singer, ()), (exec, (SONG,)),
                (dict, (), None, None, iter([(1, Reduces(sing, ()))])), (list, (), None, iter([Reduces(sing,
                ())])),
                (object, (), Reduces(sing, ())), (dict, (), {1: 2}, None, None, sing),
                (copyreg._reconstructor, (Singer, object, None), {1: 2}), (getattr, (Reduces(sing, ()), "x",
                1)),
            )
        )  # fmt: skip
        content = pickle.dumps(_fresh(parts), rng.randrange(6))
        return [content[2 if content[:1] == b"\x80" else 0 : -1]], True
    if kind == 7:
        build = [*pushed(rng, {"x": 1} if rng.random() < 0.5 else "state"), ("BUILD", None)]
        made = [*named(rng, "fuzz_canary", "Singer"), ("EMPTY_TUPLE", None), ("NEWOBJ", None)]
        return [*made, *build], True
    if kind == 8:
        op = rng.choice(("NEXT_BUFFER", "READONLY_BUFFER"))
        return ([("NEXT_BUFFER", None)] if op == "NEXT_BUFFER" else [("NONE", None), (op, None)]), False
    return [*named(rng, module, name), *pushed(rng, arguments), ("REDUCE", None)], heard


def single(rng, module, name):
    """Return steps that push a function by its name, and nothing below it."""
    if rng.random() < 0.5 and not set("\r\n\0") & set(module + name):
        return [("GLOBAL", (module, name))]
    return [
        ("SHORT_BINUNICODE", module.encode()),
        ("SHORT_BINUNICODE", name.encode()),
        ("STACK_GLOBAL", None),
    ]


def _fresh(parts):
    """Return an object that is pickled as `parts`; iterators are made anew, for they are used up."""
    parts = tuple(iter(list(part)) if hasattr(part, "__next__") else part for part in parts)
    return Reduces(*parts)


class Limited(pickle._Unpickler):
    """`pickle` itself, with nothing to call: NumPy crashes on some of what it is called with.

    The one in Python: the other one reads wrong bytes where a FRAME tells a wrong length.
    """

    def find_class(self, module, name):
        known = {
            ("_codecs", "encode"): lambda text, _: text.encode("latin-1"),
            ("numpy", "ndarray"): "ndarray",
        }
        known |= {("numpy", "dtype"): Noted, ("numpy.core.numeric", "_frombuffer"): Noted}
        known |= {("numpy.core.multiarray", "_reconstruct"): Noted}
        return known[module.replace("numpy._core", "numpy.core"), name]


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
        self.labels = [3, 8]
        self.rows = np.repeat(np.arange(N * 12, dtype=np.uint8), 256).reshape(N, 3072)
        self.saved = self._saved_again()
        self._prove_the_canary_sings()
        b"".decode("latin-1", "replace")  # imports a module, the first time

    def _saved_again(self):
        """Right batches as Python 3 writes them, as bytes of one instruction each."""
        found = []
        for protocol in range(6):
            for kind in (bytes, str):
                keys = [key.encode() if kind is bytes else key for key in ("batch_label", "labels", "data")]
                batch = dict(zip(keys, (kind(), self.labels, self.rows), strict=True))
                content = pickle.dumps(batch, protocol)
                at = [where for _, _, where in pickletools.genops(content)] + [len(content)]
                found.append([content[a:b] for a, b in pairwise(at)])
        return found

    def _prove_the_canary_sings(self):
        """See that `pickle` runs what is called hostile here: else a refusal would show nothing."""
        heard = 0
        for number in range(400):
            steps, sings = hostile(Random(number))
            if sings:
                SUNG.clear()
                pickle.loads(written([("PROTO", 2), *steps, ("STOP", None)]), encoding="latin-1")
                expect(SUNG, f"pickle runs nothing of {steps}")
                heard += 1
        expect(heard > 100, "too few of the hostile pickles are heard")

    def generate(self, rng):
        pictures = self.rows.tobytes()
        kind = rng.choice(("right", "changed", "changed", "changed", "parts", "saved", "bytes", "wild",
        "hostile",
                           "hostile", "hostile"))  # fmt: skip
        program = right_batch(rng, self.labels, pictures)
        if kind == "changed":
            program = changed(rng, program)
        elif kind == "parts":
            part = rng.choice(
                ("labels", "label", "data", "array", "dtype", "state", "names", "first", "last")
            )
            more = [*value(rng), ("BUILD", None)] if part == "state" else value(rng)
            program = right_batch(rng, self.labels, pictures, **{part: more})
        elif kind == "saved":
            program = rng.choice(self.saved)
            if rng.random() < 0.8:
                program = changed(rng, program)
        elif kind == "wild":
            program = wild(rng, rng.choice((3, 10, 40, 200)))
            if rng.random() < 0.05:
                at = rng.randrange(len(program))
                program[at:at] = [(rng.choice(("NONE", "MARK", "EMPTY_LIST", "EMPTY_TUPLE")), None)] * 1100
        elif kind == "hostile":
            program = self._with_hostile(rng, pictures)
        content = written(program)
        if kind == "bytes":
            content = change_bytes(rng, content)
        return Given({"batch": content}, {}, kind)

    def _with_hostile(self, rng, pictures):
        steps, _ = hostile(rng)
        part = rng.choice(
            (
                "alone",
                "labels",
                "label",
                "data",
                "array",
                "dtype",
                "state",
                "names",
                "first",
                "between",
                "last",
            )
        )
        if part == "alone":
            return [("PROTO", 2), *steps, ("STOP", None)]
        if part == "state":
            steps = [*steps, ("BUILD", None)]
        elif part == "between":
            steps = [("SHORT_BINUNICODE", b"more"), *steps]
        elif part == "last":
            steps = [("SHORT_BINUNICODE", b"more"), *steps, ("SETITEM", None)]
        return right_batch(rng, self.labels, pictures, **{part: steps})

    def prepare(self, given):
        SUNG.clear()
        self.stream = io.BufferedReader(io.BytesIO(given.files["batch"]))
        self.pixels = np.zeros((N, 3072), np.uint8)

    def run(self, given):
        try:
            labels = read_batch(self.stream, self.pixels)
        except ValueError as error:
            expect_readable(str(error))
            expect(given.kind != "right", "a right batch is refused")
            expect(not SUNG, "something was run")
            raise
        expect(not SUNG, "something was run")
        expect(given.kind != "hostile", "a hostile pickle is accepted")
        expect(len(labels) == N and all(type(y) is int and 0 <= y <= 9 for y in labels), "labels are wrong")
        if given.kind == "right":
            expect(labels == self.labels and np.array_equal(self.pixels, self.rows), "it was read wrongly")
        return ("accepted" if self._as_pickle_reads_it(given, labels) else "accepted, not by pickle"), ""

    def _as_pickle_reads_it(self, given, labels):
        """Compare with what `pickle` makes of a batch; it may refuse what has nothing to do with pictures."""
        try:
            batch = Limited(io.BytesIO(given.files["batch"]), encoding="latin-1").load()
            (theirs,) = (value for key, value in batch.items() if key in ("labels", b"labels"))
            (data,) = (value for key, value in batch.items() if key in ("data", b"data"))
            pictures = data.content.encode("latin-1") if isinstance(data.content, str) else data.content
        except Exception:
            return False
        expect(theirs == labels, f"pickle reads labels {theirs}, not {labels}")
        expect(pictures == self.pixels.tobytes(), "pickle reads other pictures")
        return True
