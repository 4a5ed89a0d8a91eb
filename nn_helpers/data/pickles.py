"""Read a batch of CIFAR-10's Python archive, which is a pickle, without unpickling it.

A pickle is a program, and ``pickle.load`` calls whatever that program names. The interpreter here knows
only the instructions that CIFAR-10's batches are written with, and it calls nothing: where the file wants a
function called, it writes down which one with what. The result must then be what NumPy writes for an array
of the right kind. What it reads and keeps is bounded too: no file can fill the memory or run for ever.
"""

import codecs
import pickle  # for the instructions' names; nothing of it is called
from dataclasses import dataclass

# What the batches ask for: by Python 2, and by later versions of Python and NumPy that saved them again.
_KNOWN = {
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.numeric._frombuffer",
    "_codecs.encode",
}
_LONGEST_TEXT = 1000  # of the batch's title, a file name, …
_INSTRUCTIONS_PER_PICTURE = 20  # 3 in the original: a label, a file name and its place in the memo

# Instructions that differ only in how many bytes of argument follow, or in what they push.
_TEXTS = {
    pickle.SHORT_BINSTRING: (1, "latin-1"),
    pickle.BINSTRING: (4, "latin-1"),
    pickle.SHORT_BINBYTES: (1, "latin-1"),
    pickle.BINBYTES: (4, "latin-1"),
    pickle.BINBYTES8: (8, "latin-1"),
    pickle.BYTEARRAY8: (8, "latin-1"),
    pickle.SHORT_BINUNICODE: (1, "utf-8"),
    pickle.BINUNICODE: (4, "utf-8"),
    pickle.BINUNICODE8: (8, "utf-8"),
}
_INTEGERS = {pickle.BININT1: 1, pickle.BININT2: 2, pickle.BININT: 4}
_CONSTANTS = {pickle.NONE: None, pickle.NEWFALSE: False, pickle.NEWTRUE: True}
_TUPLES = {pickle.EMPTY_TUPLE: 0, pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}
_PUTS = {pickle.BINPUT: 1, pickle.LONG_BINPUT: 4}
_GETS = {pickle.BINGET: 1, pickle.LONG_BINGET: 4}
_IGNORED = {pickle.PROTO: 1, pickle.FRAME: 8}


@dataclass(frozen=True)
class _Name:
    """A function or class the pickle names; it is never looked up."""

    text: str


@dataclass(eq=False)
class _Call:
    """A call the pickle asks for, written down and not made."""

    function: _Name
    args: tuple
    state: object = None


_PIXELS = _Name("the pictures")  # stands where the pictures' bytes would


def read_batch(stream, pixels):
    """Read one batch's pictures and labels.

    Parameters
    ----------
    stream : binary file
    pixels : uint8 array (N, 3072)
        The pictures are written here, one a row: 1,024 red values, 1,024 green, 1,024 blue.

    Returns
    -------
    list of N integers from 0 to 9, the labels

    Raises
    ------
    ValueError
        If the file is anything but a batch of N pictures. Nothing in it is ever run.
    """
    match _Interpreter(stream, pixels).run():
        case {"labels": list(labels), "data": _Call() as data}:
            pass
        case _:
            raise ValueError("not a CIFAR-10 batch: it is not a dictionary of labels and data")
    match data:
        case _Call(_Name("numpy.core.multiarray._reconstruct"), _, (1, shape, dtype, False, content)):
            pass
        case _Call(_Name("numpy.core.numeric._frombuffer"), (content, dtype, shape, "C"), None):
            pass
        case _:
            raise ValueError("not a CIFAR-10 batch: its data is not an array in rows")
    match dtype:
        case _Call(_Name("numpy.dtype"), ("u1" | "|u1", *_)):
            pass
        case _:
            raise ValueError("not a CIFAR-10 batch: its data is not of type uint8")
    if shape != pixels.shape or content is not _PIXELS:
        raise ValueError(f"not a CIFAR-10 batch: its data is not an array of shape {pixels.shape}")
    if len(labels) != len(pixels):
        raise ValueError(f"not a CIFAR-10 batch: {len(labels):,} labels for {len(pixels):,} pictures")
    for record, label in enumerate(labels):
        if type(label) is not int or not 0 <= label <= 9:
            raise ValueError(f"record {record} has a label that is not an integer from 0 to 9")
    return labels


class _Interpreter:
    def __init__(self, stream, pixels):
        self.stream, self.pixels = stream, pixels
        self.stack, self.marks, self.memo, self.has_pixels = [], [], {}, False

    def run(self):
        """Return what the pickle builds, as far as that goes without calling anything."""
        for _ in range(_INSTRUCTIONS_PER_PICTURE * len(self.pixels) + 1000):
            instruction = self.take(1)
            if instruction == pickle.STOP:
                return self.stack.pop() if self.stack else None
            try:
                self.step(instruction)
            except (IndexError, KeyError, TypeError, AttributeError, UnicodeError) as error:
                raise ValueError(f"not a CIFAR-10 batch: damaged at {_name_of(instruction)}") from error
        raise ValueError("not a CIFAR-10 batch: it is far too long a pickle")

    def step(self, instruction):
        stack, memo = self.stack, self.memo
        if instruction in _INTEGERS:
            signed = instruction == pickle.BININT
            stack.append(self.integer(_INTEGERS[instruction], signed))
        elif instruction in _TEXTS:
            size, encoding = _TEXTS[instruction]
            stack.append(self.text(self.integer(size), encoding))
        elif instruction in _PUTS:
            memo[self.integer(_PUTS[instruction])] = stack[-1]
        elif instruction == pickle.MEMOIZE:
            memo[len(memo)] = stack[-1]
        elif instruction in _GETS:
            stack.append(memo[self.integer(_GETS[instruction])])
        elif instruction in _CONSTANTS:
            stack.append(_CONSTANTS[instruction])
        elif instruction == pickle.MARK:
            self.marks.append(len(stack))
        elif instruction in _TUPLES:
            self.push_tuple(len(stack) - _TUPLES[instruction])
        elif instruction == pickle.TUPLE:
            self.push_tuple(self.marks.pop())
        elif instruction == pickle.EMPTY_LIST:
            stack.append([])
        elif instruction == pickle.EMPTY_DICT:
            stack.append({})
        elif instruction == pickle.APPEND:
            self.extend(self.cut(len(stack) - 1))
        elif instruction == pickle.APPENDS:
            self.extend(self.cut(self.marks.pop()))
        elif instruction == pickle.SETITEM:
            self.update(self.cut(len(stack) - 2))
        elif instruction == pickle.SETITEMS:
            self.update(self.cut(self.marks.pop()))
        elif instruction == pickle.GLOBAL:
            self.push_name(self.line(), self.line())
        elif instruction == pickle.STACK_GLOBAL:
            self.push_name(*self.cut(len(stack) - 2))
        elif instruction == pickle.REDUCE:
            self.push_call(*self.cut(len(stack) - 2))
        elif instruction == pickle.BUILD:
            state = stack.pop()
            stack[-1].state = state  # only a call has a place for it
        elif instruction in _IGNORED:
            self.take(_IGNORED[instruction])
        else:
            raise ValueError(
                f"not a CIFAR-10 batch: it uses {_name_of(instruction)}, as no CIFAR-10 batch does; "
                "nothing of it was run"
            )

    def take(self, size):
        content = self.stream.read(size)
        if len(content) != size:
            raise ValueError("not a CIFAR-10 batch: it ends in the middle")
        return content

    def integer(self, size, signed=False):
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self):
        line = self.stream.readline(_LONGEST_TEXT)
        return line.rstrip(b"\r\n").decode()

    def text(self, size, encoding):
        """Return a text, or put the pictures where they belong and return what stands for them."""
        expected = self.pixels.nbytes
        if size <= _LONGEST_TEXT:
            return self.take(size).decode(encoding)
        if self.has_pixels:  # they would be written over those that the array is made of
            raise ValueError("not a CIFAR-10 batch: it has pictures twice")
        self.has_pixels = True
        if encoding == "latin-1" and size == expected:
            for start in range(0, len(self.pixels), 1000):  # straight into place: a second copy is 30 MB
                rows = self.pixels[start : start + 1000]
                if self.stream.readinto(rows) != rows.nbytes:
                    raise ValueError("not a CIFAR-10 batch: it ends in the middle of its pictures")
            return _PIXELS
        if encoding == "utf-8" and size <= 2 * expected:  # Python 3 writing for Python 2: bytes as a text
            decoder, flat, done = codecs.getincrementaldecoder("utf-8")(), self.pixels.reshape(-1), 0
            for start in range(0, size, 1 << 20):
                content = decoder.decode(self.take(min(1 << 20, size - start))).encode("latin-1")
                if len(content) <= expected - done:
                    flat[done : done + len(content)] = bytearray(content)
                done += len(content)
            if done == expected:
                return _PIXELS
            size = done
        raise ValueError(f"not a CIFAR-10 batch: {size:,} bytes of pictures where {expected:,} belong")

    def cut(self, start):
        """Take everything above `start` off the stack."""
        if start < 0:
            raise IndexError("the stack is empty")
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def push_tuple(self, start):
        self.stack.append(tuple(self.cut(start)))

    def extend(self, items):
        self.stack[-1].extend(items)

    def update(self, items):
        keys, values = items[::2], items[1::2]
        # Only texts: to hash a tuple of tuples of tuples can take for ever.
        if len(keys) != len(values) or not all(isinstance(key, str) for key in keys):
            raise TypeError("a key that is not a text")
        self.stack[-1].update(zip(keys, values, strict=True))

    def push_name(self, module, name):
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is not a text")
        asked = f"{module}.{name}".replace("numpy._core.", "numpy.core.")  # as NumPy 2 calls it
        if asked not in _KNOWN:
            shown = ascii(asked)[1:-1][:80]
            raise ValueError(f"not a CIFAR-10 batch: it asks for {shown}; nothing of it was run")
        self.stack.append(_Name(asked))

    def push_call(self, function, args):
        if function.text == "_codecs.encode":  # how Python 3 writes bytes for Python 2; here a text is a text
            self.stack.append(args[0])
        else:
            self.stack.append(_Call(function, args))


def _name_of(instruction):
    import pickletools  # only an error needs it

    known = pickletools.code2op.get(instruction.decode("latin-1"))
    return f"the instruction {known.name}" if known else f"the byte {instruction[0]:#04x}"
