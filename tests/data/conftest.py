"""A CIFAR-10 of 6 × 20 images, in every layout the real one comes in."""

import io
import pickle
import struct
import tarfile
import time

import numpy as np
import pytest
from servers import Mirrors

from nn_helpers.data import cifar10, download
from nn_helpers.data.dataset import CLASS_NAMES
from nn_helpers.data.sketches import sketches

N = 20  # images a file


class SmallCifar10:
    """6 × n random images and their labels, and how they are written to files."""

    def __init__(self, n=N):
        rng = np.random.default_rng(0)
        self.n = n
        self.labels = rng.integers(0, 10, 6 * n)
        self.images = rng.integers(0, 256, (6 * n, 32, 32, 3), dtype=np.uint8)

    def batches(self):
        """Yield each file's name, labels and rows of 1,024 red, 1,024 green, 1,024 blue values."""
        rows = self.images.transpose(0, 3, 1, 2).reshape(-1, 3072)
        for i, name in enumerate(cifar10.FILES):
            here = slice(i * self.n, (i + 1) * self.n)
            yield name, self.labels[here].tolist(), rows[here].copy()

    def files(self, layout):
        """The files of a layout: "binary", "python" (the original), or 2 … 5 (saved again by Python 3)."""
        if layout == "binary":
            files = {
                f"{name}.bin": b"".join(
                    bytes([label]) + row.tobytes() for label, row in zip(*rest, strict=True)
                )
                for name, *rest in self.batches()
            }
            return files | {"batches.meta.txt": "\n".join(CLASS_NAMES).encode()}
        write = original_pickle if layout == "python" else saved_again(layout)
        return {name: write(labels, rows) for name, labels, rows in self.batches()}

    def folder(self, path, layout="binary", **changed):
        """Write a folder; `changed` gives files other contents, None leaves one out."""
        path.mkdir(parents=True, exist_ok=True)
        for name, content in self._changed(layout, changed).items():
            (path / name).write_bytes(content)
        return path

    def archive(self, path, layout="binary", extra=(), **changed):
        """Write a .tar.gz; `extra` are further members, each a TarInfo and its content."""
        inside = "cifar-10-batches-bin" if layout == "binary" else "cifar-10-batches-py"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w:gz") as tar:
            for info, content in extra:
                tar.addfile(info, io.BytesIO(content))
            for name, content in self._changed(layout, changed).items():
                info = tarfile.TarInfo(f"{inside}/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return path

    def _changed(self, layout, changed):
        end = ".bin" if layout == "binary" else ""
        files = self.files(layout) | {name + end: content for name, content in changed.items()}
        return {name: content for name, content in files.items() if content is not None}

    def is_in(self, data):
        """Whether a data set holds these very images."""
        return (
            np.array_equal(np.concatenate([data.train.images, data.test.images]), self.images)
            and np.array_equal(np.concatenate([data.train.labels, data.test.labels]), self.labels)
            and len(data.train) == 5 * self.n
        )


def saved_again(protocol):
    """How Python 3 saves a batch that it loaded."""

    def write(labels, rows):
        names = [f"an_image_{i}.png".encode() for i in range(len(labels))]
        batch = {b"batch_label": b"training", b"labels": labels, b"data": rows, b"filenames": names}
        return pickle.dumps(batch, protocol)

    return write


def original_pickle(labels, rows):
    """A batch as Python 2's cPickle wrote the original: protocol 2, texts as bytes, all memorised."""
    memorised = 0

    def put():
        nonlocal memorised
        memorised += 1  # cPickle counts from 1
        return b"q" + bytes([memorised]) if memorised < 256 else b"r" + struct.pack("<I", memorised)

    def text(content):
        size = b"U" + bytes([len(content)]) if len(content) < 256 else b"T" + struct.pack("<i", len(content))
        return size + content + put()

    def number(value):
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    parts = [b"\x80\x02}", put(), b"(", text(b"batch_label"), text(b"training batch 1 of 5")]
    parts += [text(b"labels"), b"]", put(), b"(", *map(number, labels), b"e"]
    parts += [text(b"data"), b"cnumpy.core.multiarray\n_reconstruct\n", put(), b"cnumpy\nndarray\n", put()]
    parts += [b"K\x00\x85", put(), text(b"b"), b"\x87", put(), b"R", put()]
    parts += [b"(K\x01", number(len(rows)), number(3072), b"\x86", put()]
    parts += [b"cnumpy\ndtype\n", put(), text(b"u1"), b"K\x00K\x01\x87", put(), b"R", put()]
    parts += [b"(K\x03", text(b"|"), b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t", put(), b"b\x89"]
    parts += [text(rows.tobytes()), b"t", put(), b"b"]
    parts += [text(b"filenames"), b"]", put(), b"("]
    parts += [text(f"an_image_{i}.png".encode()) for i in range(len(labels))]
    return b"".join([*parts, b"eu."])


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A computer without CIFAR-10: an empty home, cache and working folder."""
    for variable in ("CIFAR10_DIR", "KERAS_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("NN_HELPERS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work" / "notebooks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "notebooks")
    return tmp_path


@pytest.fixture
def small(nowhere, monkeypatch):
    """A small CIFAR-10 that is nowhere on this computer yet."""
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", N)
    return SmallCifar10()


@pytest.fixture
def mirrors(small, tmp_path, monkeypatch):
    """Servers that send the small CIFAR-10."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0)
    mirrors = Mirrors(monkeypatch, small.archive(tmp_path / "made.tar.gz").read_bytes())
    yield mirrors
    mirrors.close()


@pytest.fixture
def place(tmp_path):
    """A folder that is not there yet."""
    return tmp_path / "place"


@pytest.fixture(scope="session")
def timed_sketches():
    """What `sketches()` draws, and how many seconds of the processor that took."""
    start = time.process_time()  # not the clock on the wall: other programs may be running
    return sketches(), time.process_time() - start


@pytest.fixture(scope="session")
def default_sketches(timed_sketches):
    """What `sketches()` draws."""
    return timed_sketches[0]
