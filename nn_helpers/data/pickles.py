"""Read a batch of CIFAR-10's Python archive, which is a pickle, without unpickling it.

A pickle is a program, and ``pickle.load`` calls whatever that program names. No library reads one without
that, so this is done by hand: the standard library's ``pickletools`` takes the instructions apart, and the
interpreter here follows those that CIFAR-10's batches are written with. It calls nothing: where the file
wants a function called, it notes which one and with what. The result must then be what NumPy writes for an
array of the right kind. What it reads and keeps is bounded too: no file can fill the memory or run for ever.
"""

import pickletools
from dataclasses import dataclass

import numpy as np

# What the batches ask for: by Python 2, and by later versions of Python and NumPy that saved them again.
NAMES = {
    "numpy.ndarray", "numpy.dtype", "numpy.core.multiarray._reconstruct", "numpy.core.numeric._frombuffer",
    "_codecs.encode",
}  # fmt: skip
INSTRUCTIONS = {
    "PROTO", "FRAME", "NONE", "NEWFALSE", "NEWTRUE", "BININT1", "BININT2", "BININT", "SHORT_BINSTRING",
    "BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8", "SHORT_BINUNICODE", "BINUNICODE",
    "BINUNICODE8", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "TUPLE", "MARK",
    "APPEND", "APPENDS", "SETITEM", "SETITEMS", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET",
    "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "STOP",
}  # fmt: skip
_LABELS_ARE_AN_ARRAY = "its labels are an array; save them as a list, labels.tolist()"
_LONGEST_TEXT = 1000  # of the batch's title, a file name, …
_INSTRUCTIONS_PER_IMAGE = 20  # 3 in the original: a label, a file name and its place in the memo


class _NotABatchError(ValueError):
    """The file is a damaged batch, a hostile one, or none at all."""

    def __init__(self, reason):
        super().__init__(f"not a CIFAR-10 batch: {reason}")


@dataclass(frozen=True)
class _Name:
    """A function or class the pickle names; it is never looked up."""

    text: str


@dataclass(eq=False)
class _Call:
    """A call the pickle asks for, noted and not made."""

    function: str
    args: tuple
    state: object = None


_PIXELS = _Name("the images")  # stands where the images' bytes would


def read_batch(stream, pixels):
    """Read one batch's images and labels.

    Parameters
    ----------
    stream : binary file
    pixels : uint8 array (N, 3072)
        The images are written here, one a row: 1,024 red values, 1,024 green, 1,024 blue.

    Returns
    -------
    list of N integers from 0 to 9, the labels

    Raises
    ------
    ValueError
        If the file is anything but a batch of N images. Nothing in it is ever run.
    """
    match _Interpreter(stream, pixels).run():
        case {
            "labels": list(labels),
            "data": _Call("numpy.core.multiarray._reconstruct", _, (1, shape, dtype, False, content))
            | _Call("numpy.core.numeric._frombuffer", (content, dtype, shape, "C"), None),
        }:
            pass
        case {"labels": list(), "data": _Call()}:
            raise _NotABatchError("its data is not an array in rows")
        case {"labels": _Call()}:
            raise _NotABatchError(_LABELS_ARE_AN_ARRAY)
        case _:
            raise _NotABatchError("it is not a dictionary of labels and data")
    uint8 = ("numpy.dtype", "u1"), ("numpy.dtype", "|u1")
    if not isinstance(dtype, _Call) or (dtype.function, *dtype.args[:1]) not in uint8:
        raise _NotABatchError("its data is not of type uint8")
    if shape != pixels.shape or content is not _PIXELS:
        raise _NotABatchError(f"its data is not an array of shape {pixels.shape}")
    if len(labels) != len(pixels):
        raise _NotABatchError(f"{len(pixels):,} images, and labels for {len(labels):,}")
    for record, label in enumerate(labels):
        if type(label) is not int or not 0 <= label <= 9:
            raise ValueError(f"record {record} has a label that is not an integer from 0 to 9")
    return labels


class _Interpreter:
    """Follows a pickle's instructions; it is also the bounded file from which their arguments are read."""

    def __init__(self, stream, pixels):
        self.stream, self.pixels = stream, pixels
        self.stack, self.marks, self.memo, self.has_images = [], [], {}, False

    def run(self):
        """Return what the pickle builds, as far as that goes without calling anything."""
        for _ in range(_INSTRUCTIONS_PER_IMAGE * len(self.pixels) + 1000):
            byte = self.read(1)
            op = self.op = pickletools.code2op.get(byte.decode("latin-1"))
            if op is None or op.name not in INSTRUCTIONS:
                used = f"the instruction {op.name}" if op else f"the byte {byte[0]:#04x}"
                raise _NotABatchError(f"it uses {used}, as no CIFAR-10 batch does; nothing of it was run")
            if op.name == "STOP":
                return self.stack.pop() if self.stack else None
            try:
                self.step(op)
            except _NotABatchError:
                raise
            except (LookupError, ValueError) as error:
                raise _NotABatchError(f"damaged at the instruction {op.name}") from error
        raise _NotABatchError("it is far too long a pickle")

    def step(self, op):
        """Follow one instruction, if what it finds on the stack is what it needs."""
        push, memo = self.stack.append, self.memo
        match op.name, self.take(op.stack_before):
            case "PROTO" | "FRAME", _:
                op.arg.reader(self)
            case "BINPUT" | "LONG_BINPUT", _:
                memo[op.arg.reader(self)] = self.stack[-1]
            case "MEMOIZE", [item]:
                memo[len(memo)] = item
                push(item)
            case "BINGET" | "LONG_BINGET", _:
                push(memo[op.arg.reader(self)])
            case "NONE" | "NEWFALSE" | "NEWTRUE" | "EMPTY_LIST" | "EMPTY_DICT" as name, _:
                new = {"NONE": None, "NEWFALSE": False, "NEWTRUE": True, "EMPTY_LIST": [], "EMPTY_DICT": {}}
                push(new[name])
            case "EMPTY_TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3" | "TUPLE", items:
                push(tuple(items))
            case "MARK", _:
                self.marks.append(len(self.stack))
            case "APPEND" | "APPENDS", [list(target), *items]:
                target.extend(items)
                push(target)
            # Only texts as keys: to hash a tuple of tuples of tuples can take for ever.
            case "SETITEM" | "SETITEMS", [dict(target), *items] if all(type(k) is str for k in items[::2]):
                target.update(zip(items[::2], items[1::2], strict=True))
                push(target)
            case "GLOBAL", _:
                push(_name(self.line(), self.line()))
            case "STACK_GLOBAL", [str(module), str(name)]:
                push(_name(module, name))
            case "REDUCE", [_Name("_codecs.encode"), (text, *_)]:  # bytes that Python 3 wrote for Python 2
                push(text)
            case "REDUCE", [_Name(function), tuple(args)]:
                push(_Call(function, args))
            case "BUILD", [_Call() as call, state]:
                call.state = state
                push(call)
            case _ if op.arg:  # the instruction pushes it
                push(self.value(op.arg.reader(self)))
            case _:
                raise ValueError("the stack holds something else")

    def take(self, kinds):
        """Take an instruction's operands off the stack: as many as there are kinds, or those above a mark."""
        start = len(self.stack) - len(kinds)
        if pickletools.markobject in kinds:
            start = self.marks.pop() - kinds.index(pickletools.markobject)
        if start < 0:
            raise IndexError("the stack is empty")
        taken, self.stack[start:] = self.stack[start:], []
        return taken

    def value(self, argument):
        """Return a number or text; put the images where they belong and return what stands for them."""
        if isinstance(argument, int) or len(argument) <= _LONGEST_TEXT:
            return argument if isinstance(argument, int | str) else argument.decode("latin-1")
        images = argument.encode("latin-1") if isinstance(argument, str) else argument
        memoryview(self.pixels).cast("B")[:] = images
        return _PIXELS

    def line(self):
        return self.stream.readline(_LONGEST_TEXT).rstrip(b"\r\n").decode()

    def read(self, size):
        """Return `size` bytes and no fewer; more than a text has must be the images, which come once."""
        is_long, expected = size > _LONGEST_TEXT, self.pixels.nbytes
        is_utf8 = is_long and "UNICODE" in self.op.name  # Python 3 writing for Python 2: bytes as a text
        if is_long and size in (len(self.pixels) * itemsize for itemsize in (1, 2, 4, 8)):
            raise _NotABatchError(_LABELS_ARE_AN_ARRAY)
        if is_long and self.has_images:  # they would be written over those that the array is made of
            raise _NotABatchError("it has images twice")
        self.has_images |= is_long
        if is_long and not expected <= size <= expected * (2 if is_utf8 else 1):
            raise _NotABatchError(f"{size:,} bytes of images where {expected:,} belong")
        content = self.stream.read(size)
        if len(content) != size:
            raise _NotABatchError(f"it ends in the middle{' of its images' if is_long else ''}")
        if is_utf8:  # before it is decoded: a single wide character would make the text four times as large
            if np.frombuffer(content, np.uint8).max() > 0xC3:
                raise ValueError("a character that is no byte")
            characters = size - content.count(b"\xc2") - content.count(b"\xc3")
            if characters != expected:
                raise _NotABatchError(f"{characters:,} bytes of images where {expected:,} belong")
        return content


def _name(module, name):
    asked = f"{module}.{name}".replace("numpy._core.", "numpy.core.")  # as NumPy 2 calls it
    if asked not in NAMES:
        raise _NotABatchError(f"it asks for {ascii(asked)[1:-1][:80]}; nothing of it was run")
    return _Name(asked)
