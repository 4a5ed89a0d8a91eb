"""Archives that are built to cost time or memory. `ARCHIVES` makes each by its name."""

import gzip
import os
import pickle
import struct
import tarfile

import numpy as np

BLOCK, RECORDS = 512, 30_730_000


def header(name="x", size=0, kind=tarfile.REGTYPE, **pax):
    """A header of tar as it stands before a file; the file is for the caller."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.pax_headers = size, kind, pax
    return info.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT)


def extra(content, kind=tarfile.XHDTYPE, tells=None):
    """A header that tells more about the next one."""
    return (
        header(size=len(content) if tells is None else tells, kind=kind)
        + content
        + bytes(-len(content) % BLOCK)
    )


def packed(content):
    return gzip.compress(content, 1)


def batch(name="data_batch_1.bin", size=RECORDS):
    return header(name, size) + bytes(size + -size % BLOCK)


def good():
    """CIFAR-10 with black images only, packed file by file."""
    return b"".join(packed(batch(f"{name}.bin")) for name in NAMES)


NAMES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
ZEROS = packed(bytes(10_000_000)) * 100  # 1 GB
EMPTY = packed(b"")


def flagged(flag, content):
    """A gzip with more in its own header: 4 is an extra field, 8 a name, 16 a comment."""
    return b"\x1f\x8b\x08" + bytes([flag]) + bytes(6) + content


def bits(text):
    """Bits, the first one being the lowest of the first byte; the number of them is made a multiple of 8."""
    text = text.replace(" ", "") * 8
    return int(text[::-1], 2).to_bytes(len(text) // 8, "little")


EMPTY_STORED = b"\0\0\0\xff\xff"
EMPTY_STATIC = bits("010 0000000")
# Two codes of length 1 for lengths (1 and 18), 256 times none, one for the end of the block, one distance
EMPTY_DYNAMIC = bits(
    "001 00000 00000 0111" + "000000100" + "000" * 14 + "100" + "1 1111111" + "1 1101011" + "0 0" + "0"
)
ONE_BYTE_STORED = b"\0\1\0\xfe\xffx"


def deflated(block, size):
    return flagged(0, block * (size // len(block)))


def sparse_file(*parts):
    """Write parts of a file, an int being so many zeros that take no place on the disk."""

    def write(path):
        with open(path, "wb") as file:
            for part in parts:
                if isinstance(part, int):
                    file.seek(part, os.SEEK_CUR)
                else:
                    file.write(part)
            file.truncate()

    return write


def old_sparse(blocks):
    """A file with holes, as old GNU tar writes it, with a map of so many more blocks."""
    block = bytearray(header("data_batch_1.bin", kind=tarfile.GNUTYPE_SPARSE))
    block[482] = 1  # more blocks follow
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + (b"00000000001\0" * 42 + b"\1" + bytes(7)) * blocks


def pickled(*parts):
    """An archive of the Python layout with one file in it."""
    content = b"".join(parts)
    return packed(header("data_batch_1", len(content)) + content + bytes(-len(content) % BLOCK))


def text(size, of=b"x"):
    return b"X" + struct.pack("<I", size) + of * (size // len(of))


def labelled(labels):
    return pickle.dumps({"labels": labels, "data": np.zeros((10_000, 3072), np.uint8)}, 4)


DIGITS = b"1" * 400_000
MAP = b"1000000\n" + b"1\n1\n" * 1_000_000

ARCHIVES = {
    # gzip
    "a GB of zeros": lambda: ZEROS,
    "a GB of zeros in one of the files": lambda: packed(header("data_batch_1.bin", 2**30)) + ZEROS,
    "a GB of zeros in another file": lambda: packed(header("x", 2**30)) + ZEROS,
    "a GB of zeros after all files": lambda: good() + ZEROS,
    "a GB of zeros as another kind of member": lambda: packed(header("x", 2**30, b"Z")) + ZEROS,
    "empty gzips": lambda: EMPTY * 2_000_000,
    "empty gzips after a header": lambda: packed(header("data_batch_1.bin", RECORDS)) + EMPTY * 2_000_000,
    "empty gzips after all files": lambda: good() + EMPTY * 2_000_000,
    "gzips of one byte": lambda: packed(b"x") * 1_000_000,
    "gzips of 100 bytes": lambda: packed(b"x" * 100) * 1_500_000,
    "a name of 60 MB in gzip's header": lambda: flagged(8, b"x" * 60_000_000),
    "a comment of 60 MB in gzip's header": lambda: flagged(16, b"x" * 60_000_000),
    "extra fields in 1,000 headers":
        lambda: (flagged(4, b"\xff\xff" + bytes(65_535)) + b"\3\0" + bytes(8)) * 1000,
    "empty blocks that are stored": lambda: deflated(EMPTY_STORED, 60_000_000),
    "empty blocks with the fixed code": lambda: deflated(EMPTY_STATIC, 60_000_000),
    "empty blocks with a code of their own": lambda: deflated(EMPTY_DYNAMIC, 60_000_000),
    "blocks of one byte": lambda: deflated(ONE_BYTE_STORED, 60_000_000),
    # .tar, not packed, on a disk where zeros take no place
    "nothing but zeros": lambda: sparse_file(10**10),
    "a file of 100 GB": lambda: sparse_file(header("x", 10**11), 10**11),
    "one of the files with 10 GB": lambda: sparse_file(header("data_batch_1.bin", 10**10), 10**10),
    "a batch of Python's with 10 GB": lambda: sparse_file(header("data_batch_1", 10**10), 10**10),
    "a name of 10 GB": lambda: sparse_file(header("x", 10**10, b"L"), 10**10),
    # headers
    "a length of 400,000 digits": lambda: packed(extra(DIGITS)),
    "a length of 290,000 digits": lambda: packed(extra(DIGITS[:290_000])),
    "a length of 400,000 digits, as Solaris writes it": lambda: packed(extra(DIGITS, b"X")),
    "a length of 400,000 digits for all files": lambda: packed(extra(DIGITS, tarfile.XGLTYPE)),
    "lengths of 9,000 digits, 900 times": lambda: packed(extra(DIGITS[:9000]) * 900),
    "records of nothing": lambda: packed(extra(b"\n" * 90_000) * 900),
    "records of the same key": lambda: packed(extra(b"9 path=x\n" * 10_000) * 900),
    "a name of 40 MB": lambda: packed(extra(b"40000000 path=" + b"x" * 40_000_000)),
    "a name of 40 MB, as GNU writes it": lambda: packed(extra(b"x" * 40_000_000, b"L")),
    "a link of 40 MB": lambda: packed(extra(b"x" * 40_000_000, b"K")),
    "names of 90 kB in many folders": lambda: packed((extra(b"a/" * 45_000, b"L") + header()) * 490),
    "names of names": lambda: packed(extra(b"x", b"L") * 100_000),
    "a name that tells of 8 GB": lambda: packed(extra(b"x", b"L", tells=2**33 - 1)),
    "a map of holes": lambda: packed(header("data_batch_1.bin", len(MAP), **{"GNU.sparse.major": "1",
                              "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}) + MAP),
    "a map of holes, as GNU wrote it first": lambda: packed(old_sparse(80_000)),
    "a map of holes in one record":
        lambda: packed(extra(b"999999 GNU.sparse.map=" + b"0,1," * 70_000 + b"0\n")),
    "a map of holes in many records": lambda: packed(extra(b"24 GNU.sparse.offset=1\n" * 12_000)),
    "300,000 empty files": lambda: packed(header() * 300_000),
    "300,000 folders": lambda: packed(header("x/", kind=tarfile.DIRTYPE) * 300_000),
    "300,000 links": lambda: packed(header(kind=tarfile.SYMTYPE) * 300_000),
    "the same batch again and again": lambda: packed(batch()) * 40,
    "a size of 25 digits": lambda: packed(header("data_batch_1.bin", 2**80)),
    "a size below zero": lambda: packed(header("data_batch_1.bin", -(2**40))),
    # batches of the Python layout
    "a pickle of 60 MB of numbers": lambda: pickled(b"\x80\x04]", b"(", b"K\1" * 30_000_000, b"e."),
    "a pickle of texts": lambda: pickled(b"\x80\x04(", text(990) * 60_000, b"t."),
    "a pickle of tuples in tuples": lambda: pickled(b"\x80\x04)", b"\x85" * 5_000_000, b"."),
    "a pickle that keeps all": lambda: pickled(b"\x80\x04N", b"\x94" * 5_000_000, b"."),
    "a pickle of marks": lambda: pickled(b"\x80\x04", b"(" * 5_000_000, b"."),
    "a pickle of a dictionary as its key": lambda: pickled(b"\x80\x04}}", b"}s" * 2_000_000, b"."),
    "a pickle of a name without end": lambda: pickled(b"\x80\x04c", b"x" * 60_000_000),
    "a pickle of a long number":
        lambda: pickled(b"\x80\x04\x8b", struct.pack("<i", 50_000_000), b"\1" * 50_000_000, b"."),
    "a pickle of a number in digits": lambda: pickled(b"\x80\x04I", b"1" * 50_000_000, b"\n."),
    "a pickle of a text of 4 GB":
        lambda: pickled(b"\x80\x04\x8d", struct.pack("<Q", 2**32), b"x" * 1000),
    "a pickle of wide characters": lambda: pickled(b"\x80\x04", text(60_000_000, "😀".encode()), b"."),
    "a pickle of images in text": lambda: pickled(b"\x80\x04", text(61_440_000, "ÿ".encode()), b"K\1s."),
    "a pickle of 40,000 labels": lambda: pickled(labelled([0] * 40_000)),
}  # fmt: skip


def write(name, path):
    """Write the archive of this name."""
    made = ARCHIVES[name]()
    if callable(made):
        made(path)
    else:
        path.write_bytes(made)
