"""Copies of CIFAR-10: folders and archives, damaged in every part of them."""

import pickle
import tarfile
import zlib

import numpy as np

from fuzzing import Given, Target, expect, expect_readable, rewrite
from fuzzing.mutations import change_bytes
from nn_helpers.data import cifar10

N = 2  # images a file
RECORD = 3073


class Copies(Target):
    """`load_cifar10` reads folders and archives of the binary layout, and of the Python layout too."""

    name = "copies"
    documented = (FileNotFoundError, ValueError)

    def __init__(self, folder):
        super().__init__(folder)
        self.copy = folder / "copy"
        cifar10.RECORDS_PER_FILE = N
        cifar10._INSIDE = ("",)  # the other places are looked for in vain, which takes most of the time
        self.binary, self.python = {}, {}
        rng = np.random.default_rng(0)
        for name in cifar10.FILES:
            records = np.repeat(rng.integers(0, 256, (N, 16), np.uint8), 193, axis=1)[:, :RECORD]
            records[:, 0] %= 10
            self.binary[f"{name}.bin"] = records.tobytes()
            batch = {b"labels": records[:, 0].tolist(), b"data": records[:, 1:].copy()}
            self.python[name] = pickle.dumps(batch, int(rng.integers(2, 6)))

    def generate(self, rng):
        layout = "python" if rng.random() < 0.2 else "binary"
        packed = rng.random() < 0.55
        files, damaged = dict(getattr(self, layout)), not packed or rng.random() < 0.2
        if damaged:
            files = self._damage(rng, files)
        expected = files if layout == "binary" else None if damaged else self.binary
        if not packed:
            has_binary = any(files.get(f"{name}.bin") is not None for name in cifar10.FILES)
            return Given(files, {"packed": False}, f"folder, {layout}", files if has_binary else None)
        content, kind = archive(rng, files)
        mixed = any(name in files for name in cifar10.FILES) and layout == "binary"
        if mixed or kind in ("fields", "members", "bytes"):  # these decide anew what is in the files
            expected = None
        return Given({"copy": content}, {"packed": True}, f"archive, {layout}, {kind}", expected)

    def _damage(self, rng, files):
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            name = rng.choice(list(files))
            content, kind = files[name], rng.randrange(10)
            if content is None:
                continue
            if kind == 0:
                files[name] = content[: rng.choice((0, 1, len(content) - 1, rng.randrange(len(content) + 1)))]
            elif kind == 1:
                files[name] = content + rng.randbytes(rng.choice((1, 2, RECORD, 100_000)))
            elif kind == 2:
                del files[name]
                files = files or {"readme.html": b""}
            elif kind == 3:
                files[rng.choice((name + "x", "readme.html", "batches.meta", "x" + name))] = content
            elif kind == 4:
                other = name.removesuffix(".bin") if name.endswith(".bin") else f"{name}.bin"
                files[other] = rng.choice((content, self.binary.get(other, b""), self.python.get(other, b"")))
            elif kind == 5:
                files[name] = None
            elif kind == 6 and len(content) == N * RECORD:
                at = rng.randrange(N) * RECORD  # a label
                files[name] = content[:at] + bytes([rng.randrange(20)]) + content[at + 1 :]
            elif kind == 7:
                files[name] = rng.randbytes(rng.choice((0, 10, len(content))))
            else:
                files[name] = change_bytes(rng, content)
        return files

    def prepare(self, given):
        if given.options["packed"]:
            super().prepare(given)
            return
        rewrite(self.folder, {"copy": None})
        for name, content in given.files.items():
            path = self.copy / name
            path.mkdir() if content is None else path.write_bytes(content)

    def run(self, given):
        must_be_accepted = given.expected is not None and _right(given.expected)
        try:
            data = cifar10.load_cifar10(self.copy)
        except self.documented as error:
            expect_readable(str(error))
            expect(str(self.copy) in str(error), f"the message does not name the copy: {error}")
            whole = not given.options["packed"] or given.kind.endswith("whole")
            expect(not (must_be_accepted and whole), f"a right copy is refused: {error}")
            raise
        labels = np.concatenate([data.train.labels, data.test.labels])
        expect(labels.shape == (6 * N,) and 0 <= labels.min() <= labels.max() <= 9, "labels are wrong")
        if given.expected is not None:
            expect(must_be_accepted, "a wrong copy is accepted")
            content = b"".join(given.expected[f"{name}.bin"] for name in cifar10.FILES)
            records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
            images = np.concatenate([data.train.images, data.test.images])
            expect(np.array_equal(labels, records[:, 0]), "labels are others")
            rows = images.transpose(0, 3, 1, 2).reshape(-1, 3072)
            expect(np.array_equal(rows, records[:, 1:]), "images are others")
        return "accepted", ""


def _right(files):
    """Whether a folder holds six files of the right size with right labels; of the binary layout."""
    contents = [files.get(f"{name}.bin") for name in cifar10.FILES]
    return all(
        content is not None and len(content) == N * RECORD and max(content[::RECORD]) <= 9
        for content in contents
    )


# Archives: every field of a tar header can be wrong while its checksum is right


def archive(rng, files):
    """Return a .tar.gz with these files, and where something is wrong with it."""
    inside = rng.choice(("cifar-10-batches-bin/", "./", "", "/", "../", "a/" * 40))
    members = [member(inside + name, content or b"") for name, content in files.items()]
    kind = rng.choice(("whole", "fields", "fields", "members", "members", "ends", "bytes", "gzip", "gzip"))
    if kind == "fields":
        for _ in range(rng.randint(1, 2)):
            at = rng.randrange(len(members))
            name, content = list(files.items())[at]
            members[at] = member(inside + name, content or b"", **wrong_fields(rng))
    elif kind == "members":
        for _ in range(rng.randint(1, 2)):
            members.insert(rng.randrange(len(members) + 1), special_member(rng))
        if rng.random() < 0.3:
            rng.shuffle(members)
    content = b"".join(members) + bytes(1024)
    if kind == "ends":
        content = content[:-1024] + bytes(rng.choice((0, 511, 512, 10_240, 300_000)))
        content = content[: rng.choice((None, rng.randrange(len(content))))]
    elif kind == "bytes":
        content = change_bytes(rng, content)
    packed = compress(content, rng.choice((0, 1)))
    if kind == "gzip":
        packed = damage_gzip(rng, packed, content)
    return packed, kind


def compress(content, level=0):
    """Return bytes as gzip."""
    packer = zlib.compressobj(level, wbits=31)
    return packer.compress(content) + packer.flush()


def damage_gzip(rng, packed, content):
    """Return gzip that is wrong somewhere, or right in an unusual way."""
    kind = rng.randrange(8)
    if kind == 0:
        return packed[: rng.randrange(len(packed))]
    if kind == 1:
        return packed + rng.choice((bytes(100), rng.randbytes(30), packed[:40], compress(b"more")))
    if kind == 2:
        at = rng.randrange(len(content))
        return compress(content[:at]) + compress(b"") * rng.randrange(3) + compress(content[at:])
    if kind == 3:
        return packed[:-8] + rng.randbytes(8)
    if kind == 4:  # flags: extra fields, a name, a comment, a checksum of the header
        flags = rng.randrange(256)
        return packed[:3] + bytes([flags]) + packed[4:10] + rng.randbytes(rng.randrange(20)) + packed[10:]
    if kind == 5:
        return change_bytes(rng, packed[:20]) + packed[20:]
    if kind == 6:
        return rng.choice(
            (b"", b"\x1f\x8b", b"<!DOCTYPE html>", content[:2000], b"PK\x03\x04", compress(b""))
        )
    return change_bytes(rng, packed)


FIELDS = {  # of a header, those that are changed: where they begin, and how long they are
    "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "size": (124, 12), "mtime": (136, 12),
    "checksum": (148, 8), "type": (156, 1), "link": (157, 100), "magic": (257, 8), "rest": (345, 167),
}  # fmt: skip


def member(called, content=b"", /, **fields):
    """Return a file's header and content as tar has them; `fields` are put into the header as they are."""
    info = tarfile.TarInfo()
    info.size = len(content)
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    for field, value in {"name": called.encode(), "checksum": b" " * 8, **fields}.items():
        at, size = FIELDS[field]
        header[at : at + size] = value.ljust(size, b"\0")[:size]
    if "checksum" not in fields:
        header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content + bytes(-len(content) % 512)


def number(rng):
    """Return a number as tar writes it, in either way, or as it should not."""
    octal, large = (
        rng.choice((0, 1, 511, 512, 513, 6146, 2**33 - 1)),
        rng.choice((0, 1, 600, 2**31, 2**60, 2**80)),
    )
    negative = (-rng.choice((1, 512, 2**40))).to_bytes(11, "big", signed=True)
    known = b"%011o" % octal, b"\x80" + large.to_bytes(11, "big"), b"\xff" + negative
    wrong = b"", b" " * 12, b"-0000000001", b"9999", b"1e9", b"\xff" * 12, rng.randbytes(12)
    return rng.choice((*known, *wrong))


def wrong_fields(rng):
    """Return one or two header fields that are unusual."""
    fields = {}
    for _ in range(rng.randint(1, 2)):
        field = rng.choice(
            ("size", "size", "type", "name", "mtime", "uid", "mode", "checksum", "magic", "rest")
        )
        if field == "type":
            fields[field] = bytes([rng.choice(b"\x00712356SLxgZ")])
        elif field in ("size", "mtime", "uid", "mode", "checksum"):
            fields[field] = number(rng)
        else:
            known = b"", b"ustar  \0", b"\xff\xfe", rng.randbytes(160), b"../" * 60, b"x\0y"
            fields[field] = rng.choice(known)
    return fields


def special_member(rng):
    """Return a member of a kind that CIFAR-10 has none of."""
    kind = rng.randrange(14)
    if kind < 5:
        return pax(rng)
    if kind < 7:
        size = rng.choice((0, 1, 100, 300, 70_000))
        name = rng.choice((b"x" * size, rng.randbytes(size), b"data_batch_1.bin\0" + b"x" * size))
        return member("././@LongLink", name, type=rng.choice((b"L", b"K")), **lie(rng))
    if kind < 9:
        return sparse(rng)
    if kind == 9:
        link = rng.choice((b"data_batch_1.bin", b"/etc/hostname", b"../../secret", b"\xff"))
        kind = rng.choice((b"1", b"2", b"3", b"4", b"5", b"6"))
        return member(rng.choice(("data_batch_2.bin", "folder/", "x")), type=kind, link=link)
    if kind == 10:
        return rng.choice((bytes(512), bytes(1024), rng.randbytes(512), b"x" * 512, bytes(100)))
    if kind == 11 and rng.random() < 0.05:  # each of these is read within the one before it
        return member("././@LongLink", b"x", type=rng.choice((b"L", b"K"))) * rng.choice((10, 400, 3000))
    if kind == 12 and rng.random() < 0.05:
        return member("empty") * rng.choice((10, 3000, 20_000))
    if kind == 13 and rng.random() < 0.05:
        return member("large", bytes(rng.choice((1000, 9_000_000, 12_000_000))))
    return member(rng.choice(("batches.meta.txt", "data_batch_1.bin", "data_batch_1")), rng.randbytes(600))


def lie(rng):
    """Return another size than the right one, seldom."""
    return {"size": number(rng)} if rng.random() < 0.2 else {}


PAX_KEYS = (
    "path", "size", "size", "linkpath", "mtime", "uid", "hdrcharset", "comment", "", "GNU.sparse.map",
    "GNU.sparse.size", "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.realsize",
    "GNU.sparse.offset", "GNU.sparse.numbytes",
)  # fmt: skip
PAX_VALUES = (
    b"data_batch_1.bin", b"0", b"1", b"512", b"-1", b"6146", b"10" * 20, b"9" * 5000, b"nan", b"inf",
    b"1e400", b"", b"0,1,2,3", b"0,512", b"x,y", b"BINARY", b"utf-8", b"\xff\xfe", b"a/b/../../c", b"\n=",
)  # fmt: skip


def pax(rng):
    """Return a header of POSIX's extended format: records of keys and values, with their lengths."""
    records = []
    for _ in range(rng.randint(0, 4)):
        key = rng.choice(PAX_KEYS).encode()
        value = rng.choice(PAX_VALUES)
        record = b" " + key + b"=" + value + b"\n"
        length = len(record) + len(str(len(record) + 3))
        wrong = rng.choice((b"0", b"1", b"99999", b"-5", b"9" * 5000, b"x"))
        records.append((wrong if rng.random() < 0.1 else b"%d" % length) + record)
    if rng.random() < 0.2:
        version = {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0"}
        records += [b"%d %s=%s\n" % (len(key) + 6, key, value) for key, value in version.items()]
    content = b"".join(records)
    if rng.random() < 0.1:
        content = change_bytes(rng, content)
    return member("PaxHeaders/x", content, type=rng.choice((b"x", b"x", b"g", b"X")), **lie(rng))


def sparse(rng):
    """Return the header of a file with holes, as old GNU tar writes it, sometimes with more headers."""
    places = [number(rng) for _ in range(8)]
    extended = rng.choice((b"\0", b"\1"))
    rest = bytes(41) + b"".join(place.ljust(12, b"\0")[:12] for place in places) + extended + number(rng)
    more = b"".join(
        rng.randbytes(504) + rng.choice((b"\0", b"\1")) + bytes(7) for _ in range(rng.randrange(3))
    )
    return member("data_batch_3.bin", type=b"S", magic=b"ustar  \0", rest=rest, **lie(rng)) + more
