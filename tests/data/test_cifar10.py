import ast
import errno
import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_helpers.data import cifar10
from nn_helpers.data.cifar10 import FILES, cache_dir, load_cifar10
from nn_helpers.data.pickles import read_batch

N = 20  # pictures a file, see conftest.py
LAYOUTS = ["binary", "python", 2, 3, 4, 5]


# Every layout


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_from_a_folder(small, tmp_path, layout):
    data = load_cifar10(small.folder(tmp_path / "copy", layout))
    assert small.is_in(data)
    assert data.name == "CIFAR-10"
    assert len(data.val) == 0
    assert data.train.images.dtype == np.uint8
    assert data.train.labels.dtype == np.int64


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_from_an_archive(small, tmp_path, layout):
    before = small.archive(tmp_path / "copy.tar.gz", layout)
    assert small.is_in(load_cifar10(before))
    assert list(tmp_path.glob("cop*")) == [before]  # nothing was unpacked beside it


def test_more_records_than_are_read_at_once(small, tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", 1050)
    rng = np.random.default_rng(0)
    records = rng.integers(0, 10, (1050, 3073), dtype=np.uint8)
    for layout, end in [("binary", ".bin"), ("python", "")]:
        folder = tmp_path / layout
        folder.mkdir()
        for name in FILES:
            batch = {"labels": records[:, 0].tolist(), "data": records[:, 1:].copy()}
            content = records.tobytes() if end else pickle.dumps(batch, 4)
            (folder / (name + end)).write_bytes(content)
        images = load_cifar10(folder).test.images
        assert np.array_equal(images.transpose(0, 3, 1, 2).reshape(1050, 3072), records[:, 1:])


def test_an_archive_may_hold_the_files_in_any_order(small, tmp_path):
    archive = tmp_path / "copy.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in sorted(small.files("python").items(), reverse=True):
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    assert small.is_in(load_cifar10(archive))


def test_the_pickles_written_here_are_what_pickle_itself_understands(small):
    for layout in LAYOUTS[1:]:
        for (_, labels, rows), content in zip(small.batches(), small.files(layout).values(), strict=True):
            batch = pickle.loads(content, encoding="bytes")
            assert batch[b"labels"] == labels
            assert np.array_equal(batch[b"data"], rows)


# Where it is looked for


@pytest.mark.parametrize(
    ("inside", "layout"),
    [
        (".", "binary"),
        (".", "python"),
        ("cifar-10-batches-bin", "binary"),
        ("cifar-10-batches-py", "python"),
        ("cifar-10-batches-py/cifar-10-batches-py", "python"),
        ("cifar-10-batches-py-target/cifar-10-batches-py", "python"),
        ("cifar-10-binary.tar.gz", "binary"),
        ("cifar-10-python.tar.gz", "python"),
        ("cifar-10-batches-py.tar.gz", "python"),
        ("cifar-10-batches-py_archive", "python"),
        ("cifar-10-batches-py-target_archive", "python"),
    ],
)
def test_a_copy_is_found_in_a_folder_under_every_usual_name(small, tmp_path, inside, layout):
    put = small.archive if inside.endswith(("gz", "archive")) else small.folder
    put(tmp_path / "place" / inside, layout)
    assert small.is_in(load_cifar10(tmp_path / "place"))
    assert small.is_in(load_cifar10(str(tmp_path / "place" / inside)))


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("cache", {}),
        ("home/.keras/datasets", {}),
        ("keras/datasets", {"KERAS_HOME": "keras"}),
        ("work/notebooks/data", {}),
        ("work/data", {}),
        ("home/data", {}),
        ("wished", {"CIFAR10_DIR": "wished"}),
    ],
)
def test_a_copy_is_found_where_it_usually_is(small, nowhere, monkeypatch, place, variables):
    for variable, folder in variables.items():
        monkeypatch.setenv(variable, str(nowhere / folder))
    with pytest.raises(FileNotFoundError):
        load_cifar10()
    small.folder(nowhere / place / "cifar-10-batches-py", "python")
    assert small.is_in(load_cifar10())


def different(small, label):
    """Files in which every label is the same, to tell copies apart."""
    return {name: bytes([label, *bytes(3072)]) * N for name in FILES}


def test_root_goes_before_the_variable_and_the_variable_before_the_cache(small, nowhere, monkeypatch):
    places = [nowhere / "root", nowhere / "variable", nowhere / "cache"]
    for label, place in enumerate(places):
        small.folder(place, **different(small, label))
    assert load_cifar10().train.labels[0] == 2
    monkeypatch.setenv("CIFAR10_DIR", str(places[1]))
    assert load_cifar10().train.labels[0] == 1
    assert load_cifar10(root=places[0]).train.labels[0] == 0


def test_our_cache_goes_before_keras_and_keras_before_torchvision(small, nowhere):
    places = ["home/data", "work/data", "work/notebooks/data", "home/.keras/datasets", "cache"]
    for label, place in enumerate(places):
        small.folder(nowhere / place, **different(small, label))
        assert load_cifar10().train.labels[0] == label


def test_a_wish_that_fails_is_not_silently_replaced(small, nowhere, monkeypatch):
    small.folder(nowhere / "cache")
    assert small.is_in(load_cifar10())
    (nowhere / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="empty\nand nowhere else, because root= names it"):
        load_cifar10(nowhere / "empty")
    monkeypatch.setenv("CIFAR10_DIR", str(nowhere / "gone"))
    with pytest.raises(
        FileNotFoundError, match=r"gone .does not exist.\nand nowhere else, because CIFAR10_DIR"
    ):
        load_cifar10()
    small.folder(nowhere / "empty", data_batch_2=b"too short")
    with pytest.raises(ValueError, match=r"data_batch_2\.bin: 9 bytes"):
        load_cifar10(nowhere / "empty")


@pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
def test_a_home_folder_that_nobody_has_is_said_where_it_was_asked_for(small, nowhere, monkeypatch):
    nobody = "~nobody-of-this-name/data"
    for variable, function in [("CIFAR10_DIR", load_cifar10), ("NN_HELPERS_CACHE", cache_dir)]:
        monkeypatch.setenv(variable, nobody)
        with pytest.raises(
            FileNotFoundError, match=f"{variable} is '~nobody.*no home folder is known by that"
        ):
            function()
        monkeypatch.delenv(variable)
    monkeypatch.setenv("NN_HELPERS_CACHE", str(nowhere / "cache"))
    with pytest.raises(FileNotFoundError, match="load_cifar10: root is '~nobody"):
        load_cifar10(nobody)
    small.folder(nowhere / "work" / "data")
    monkeypatch.setenv("KERAS_HOME", nobody)  # nobody asked for these: the next one is looked at
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # nor is this user's own home known
    assert small.is_in(load_cifar10())


def test_an_empty_variable_is_no_wish(small, nowhere, monkeypatch):
    monkeypatch.setenv("CIFAR10_DIR", "")
    small.folder(nowhere / "cache")
    assert small.is_in(load_cifar10())


def test_a_damaged_copy_nobody_asked_for_is_passed_over_with_a_warning(small, nowhere):
    archive = small.archive(nowhere / "home/.keras/datasets/cifar-10-batches-py-target_archive", "python")
    archive.write_bytes(archive.read_bytes()[:-1000])  # a download that was cut off
    with pytest.raises(ValueError, match=r"only damaged copies:\n.*target_archive: cut short"):
        load_cifar10()
    small.folder(nowhere / "home/data")
    with pytest.warns(UserWarning, match="passed over a damaged copy: .*target_archive: cut short"):
        assert small.is_in(load_cifar10())


def test_in_a_place_that_was_named_the_first_good_copy_is_taken_too(small, nowhere, monkeypatch):
    small.folder(nowhere / "place", data_batch_4=None, data_batch_5=None)
    small.folder(nowhere / "place" / "cifar-10-batches-bin")
    with pytest.warns(UserWarning, match="a damaged copy: .*place: no data_batch_4, no data_batch_5"):
        assert small.is_in(load_cifar10(nowhere / "place"))
    monkeypatch.setenv("CIFAR10_DIR", str(nowhere / "place"))
    with pytest.warns(UserWarning, match="a damaged copy"):
        assert small.is_in(load_cifar10())


@pytest.mark.parametrize("named", [False, True])
def test_where_all_copies_lack_files_it_is_a_file_not_found_and_else_a_value_error(small, nowhere, named):
    root = nowhere / "cache" if named else None
    small.folder(nowhere / "cache" / "cifar-10-batches-bin", test_batch=None)
    with pytest.raises(FileNotFoundError, match=r"bin: no test_batch in it.*Copy what is missing, or run"):
        load_cifar10(root)
    small.folder(nowhere / "cache" / "cifar-10-batches-py", "python", test_batch=b"")
    with pytest.raises(ValueError, match=r"no test_batch in it.*\n.*test_batch: not a CIFAR-10 batch"):
        load_cifar10(root)


def test_where_nothing_is_found_the_error_says_where_it_looked_and_what_to_do(nowhere):
    with pytest.raises(FileNotFoundError) as error:
        load_cifar10()
    message = str(error.value)
    for place in ["cache", "home/.keras/datasets", "work/notebooks/data", "home/data"]:
        assert str(nowhere / place) in message
    for way in [
        "download_cifar10()",
        "python -m nn_helpers data",
        "make data",
        "CIFAR10_DIR",
        "root=",
        "load_images()",
    ]:
        assert way in message


@pytest.mark.skipif(os.name == "nt", reason="Windows asks in another way whether something exists")
def test_a_folder_that_may_not_be_looked_into_is_passed_over(small, nowhere, monkeypatch):
    stat = os.stat

    def forbidden(path, *args, **kwargs):
        if ".keras" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", forbidden)
    with pytest.raises(FileNotFoundError, match="load_cifar10 found no CIFAR-10"):
        load_cifar10()
    small.folder(nowhere / "home/data")
    assert small.is_in(load_cifar10())


def test_cache_dir_is_the_variable_or_the_systems_folder(nowhere, monkeypatch):
    assert cache_dir() == nowhere / "cache"
    monkeypatch.setenv("NN_HELPERS_CACHE", "~/mine")
    assert cache_dir() == nowhere / "home" / "mine"
    monkeypatch.delenv("NN_HELPERS_CACHE")
    assert "nn_helpers" in cache_dir().parts
    if sys.platform == "linux":
        assert cache_dir() == nowhere / "home" / ".cache" / "nn_helpers"


# Damaged copies


@pytest.mark.parametrize("layout", ["binary", "python"])
@pytest.mark.parametrize("pack", ["folder", "archive"])
def test_a_missing_file_is_named(small, tmp_path, layout, pack):
    copy = getattr(small, pack)(tmp_path / "copy", layout, data_batch_3=None, test_batch=None)
    with pytest.raises(FileNotFoundError, match=r"copy: no data_batch_3, no test_batch in it.* or run"):
        load_cifar10(copy)


@pytest.mark.parametrize("pack", ["folder", "archive"])
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda content: content[:-1],
            r"61,459 bytes, but 20 records of 3,073 bytes are 61,460: it was cut short",
        ),
        (lambda content: content + b"\0", r"61,461 bytes, but 20 .* 61,460: it is another file"),
        (lambda content: b"", r"0 bytes, but 20"),
        (
            lambda content: content[:3073] + b"\x0a" + content[3074:],
            r"record 1 of 20 has label 10; labels are 0 to 9",
        ),
    ],
)
def test_a_damaged_binary_file_is_named_with_what_is_wrong(small, tmp_path, pack, change, complaint):
    content = change(small.files("binary")["data_batch_4.bin"])
    copy = getattr(small, pack)(tmp_path / "copy", data_batch_4=content)
    with pytest.raises(ValueError, match=rf"data_batch_4\.bin: {complaint}.*Delete it.*download_cifar10\(\)"):
        load_cifar10(copy)


def test_a_file_that_shrinks_while_it_is_read_is_noticed(small, tmp_path):
    images, labels = np.empty((N, 32, 32, 3), np.uint8), np.empty(N, np.int64)
    with pytest.raises(ValueError, match="ends in the middle of records 0 to 19"):
        cifar10._read_binary(io.BytesIO(bytes(5000)), N * 3073, images, labels)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-4],  # all files are whole, but gzip's own checksum is gone
        lambda content: content[:-8] + b"\0\0\0\0" + content[-4:],
        lambda content: content[:50_000] + b"\xff" * 100 + content[50_100:],
        lambda content: content[:20] + b"\xff" * 100 + content[120:],
        lambda content: b"<!DOCTYPE html>",
        lambda content: b"",
        lambda content: gzip.compress(b"no tar archive" * 100),
    ],
)
def test_a_damaged_archive_is_refused(small, tmp_path, change):
    archive = small.archive(tmp_path / "cifar-10-binary.tar.gz")
    archive.write_bytes(change(archive.read_bytes()))
    with pytest.raises(
        ValueError, match=r"cifar-10-binary\.tar\.gz.*(cut short|no \.tar\.gz|label).*Delete it"
    ):
        load_cifar10(tmp_path)


@pytest.mark.parametrize("error", [zlib.error, EOFError, gzip.BadGzipFile, tarfile.ReadError])
def test_whatever_an_archive_fails_with_in_the_middle_of_a_file_says_what_to_do(error):
    says_so = pytest.raises(ValueError, match=r"a\.tar\.gz: cut short, damaged .*in the middle.*Delete it")
    with says_so, cifar10.archive_errors("a.tar.gz"):
        raise error("in the middle")


def test_the_checksum_at_an_archives_very_end_is_looked_at(small, tmp_path):
    archive = small.archive(tmp_path / "copy.tar.gz")
    padded = gzip.compress(gzip.decompress(archive.read_bytes()) + bytes(3_000_000))  # as on a tape
    archive.write_bytes(padded)
    assert small.is_in(load_cifar10(archive))
    archive.write_bytes(padded[:-8] + b"\0\0\0\0" + padded[-4:])
    with pytest.raises(ValueError, match="CRC check failed"):
        load_cifar10(archive)


def test_an_archive_that_unpacks_without_end_is_refused(small, tmp_path):
    info = tarfile.TarInfo("bomb")
    info.size = 60_000_000  # 60 kB of gzip
    archive = small.archive(tmp_path / "copy.tar.gz", extra=[(info, bytes(info.size))])
    with pytest.raises(ValueError, match="unpacks to far more than CIFAR-10"):
        load_cifar10(archive)


def header(name, size=0, kind=tarfile.REGTYPE, **pax):
    """A header, without the file that it tells of."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.pax_headers = size, kind, pax
    return info.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (header("x", size=2**80), "it ends in the middle of a file"),  # to skip it would take for ever
        (header("x", size=-(2**40)), "seeking backwards"),
        (header("x", kind=tarfile.GNUTYPE_LONGNAME) * 1100, "a header in it makes no sense"),
        (header("x", **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}), "a header in it makes no sense"),
        (header("x", **{"GNU.sparse.size": "nan"}), "a header in it makes no sense"),
        (header("x", **{"GNU.sparse.map": "9" * 5000}), "a header in it makes no sense"),
        (header("x") + header("x", **{"GNU.sparse.size": "nan"}), "a header in it makes no sense"),
        (header("x") * 1001, "it holds far more files than CIFAR-10"),
    ],
    ids=["size", "negative size", "nested names", "holes", "size of holes", "map of holes", "second", "many"],
)
def test_an_archive_whose_headers_make_no_sense_is_refused_soon(small, tmp_path, content, complaint):
    archive = tmp_path / "copy.tar.gz"
    archive.write_bytes(gzip.compress(content + bytes(1024), 1))
    with pytest.raises(ValueError, match=rf"copy\.tar\.gz: cut short, damaged or .*{complaint}.*Delete it"):
        load_cifar10(archive)


def test_links_in_an_archive_are_not_followed(small, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(small.files("binary")["test_batch.bin"])
    link = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        link.type, link.linkname = kind, str(secret)
        archive = small.archive(tmp_path / "copy.tar.gz", extra=[(link, b"")], test_batch=None)
        with pytest.raises(FileNotFoundError, match="no test_batch"):
            load_cifar10(archive)


# Pickles that are no batches


def read(content):
    pixels = np.empty((N, 3072), np.uint8)
    return read_batch(io.BufferedReader(io.BytesIO(content)), pixels)


class Asks:
    """Pickles as a call of `function`."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def touch(path):
    return f"touch {path}"


def classic(module_and_name, path):
    """A call of a named function, in the oldest instructions: GLOBAL and REDUCE."""
    return b"c" + module_and_name + b"\n(U" + bytes([len(touch(path))]) + touch(path).encode() + b"tR"


def hostile_values(path):
    """Pickled values, without their end, each of which runs a command when `pickle` loads it."""
    command = touch(path).encode()
    text = b"U" + bytes([len(command)]) + command
    spelled = b"\x8c\x02os\x8c\x06system\x93"
    return {
        "GLOBAL, REDUCE": classic(b"os\nsystem", path),
        "STACK_GLOBAL": spelled + text + b"\x85R",
        "memorised": b"\x8c\x02os\x94\x8c\x06system\x94\x93\x94" + text + b"\x85\x94R\x94",
        "eval": b"cbuiltins\neval\n"
        + pickle.dumps(f"__import__('os').system({touch(path)!r})", 4)[11:-1]
        + b"\x85R",
        "INST": b"(" + text + b"ios\nsystem\n",
        "OBJ": b"(csubprocess\nPopen\n]"
        + b"(\x8c\x05touch\x8c"
        + bytes([len(str(path))])
        + str(path).encode()
        + b"eo",
        "NEWOBJ": b"csubprocess\nPopen\n\x8c" + bytes([len(command)]) + command + b"\x85\x81",
        "NEWOBJ_EX": b"csubprocess\nPopen\n)}\x92",
        "by another name": classic(b"posix\nsystem", path),
        "through NumPy": b"cnumpy.testing._private.utils\nrunstring\n" + text + b"}\x86R",
        "inside a state": b"cnumpy\nndarray\n" + spelled + text + b"\x85Rb",
    }


RUN_BY_PICKLE = ["GLOBAL, REDUCE", "STACK_GLOBAL", "memorised", "eval", "INST", "OBJ", "by another name"]


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.mark.skipif(os.name == "nt", reason="touch and posix are for Linux and macOS")
@pytest.mark.parametrize("kind", RUN_BY_PICKLE)
def test_pickle_itself_would_run_these_commands(canary, kind):
    result = pickle.loads(b"\x80\x04" + hostile_values(canary)[kind] + b".", encoding="latin1")
    if hasattr(result, "wait"):
        result.wait()
    assert canary.exists()


@pytest.mark.parametrize("kind", hostile_values("x"))
@pytest.mark.parametrize("where", ["alone", "as the labels", "as the data", "among the labels", "forgotten"])
def test_a_hostile_pickle_is_refused_and_nothing_of_it_runs(canary, kind, where):
    value = hostile_values(canary)[kind]
    labels = b"U\x06labels"
    content = {
        "alone": value,
        "as the labels": b"}(" + labels + value + b"u",
        "as the data": b"}(" + labels + b"](K\x01eU\x04data" + value + b"u",
        "among the labels": b"}(" + labels + b"](K\x01" + value + b"eu",
        "forgotten": value + b"q\x01}",
    }[where]
    with pytest.raises(ValueError, match=r"not a CIFAR-10 batch: .*(asks for|uses|damaged)"):
        read(b"\x80\x02" + content + b".")
    time.sleep(0.01)
    assert not canary.exists()


def test_the_refusal_says_what_was_asked_for(small, tmp_path, canary):
    content = b"\x80\x02" + classic(b"os\nsystem", canary) + b"."
    copy = small.folder(tmp_path / "copy", "python", data_batch_2=content)
    with pytest.raises(ValueError, match=r"data_batch_2: .*it asks for os\.system; nothing of it was run"):
        load_cifar10(copy)


def test_what_was_asked_for_is_shown_without_control_characters():
    with pytest.raises(ValueError, match=r"asks for os\.\\x1b\[2J; nothing"):
        read(b"\x80\x02cos\n\x1b[2J\n.")
    with pytest.raises(ValueError, match=r"asks for os\.x{1,80}; nothing"):
        read(b"\x80\x02cos\n" + b"x" * 900 + b"\n.")


def unaccepted(**changed):
    batch = {"labels": [1] * N, "data": np.zeros((N, 3072), np.uint8)} | changed
    return [pickle.dumps(batch, protocol) for protocol in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"data": np.zeros((N, 3072), np.int8)}, "not of type uint8"),
        ({"data": np.zeros((N, 3072), bool)}, "not of type uint8"),
        ({"data": np.zeros((N, 384), np.int64)}, "not of type uint8"),
        ({"data": np.zeros((N, 3072), [("a", "u1")])}, "not of type uint8"),
        ({"data": np.array([[1, "x"]], object)}, "not a CIFAR-10 batch"),
        ({"data": np.zeros((N + 1, 3072), np.uint8)}, "pictures where 61,440 belong"),
        ({"data": np.zeros((N - 1, 3072), np.uint8)}, "pictures where 61,440 belong"),
        ({"data": np.zeros((N, 1024, 3), np.uint8)}, r"not an array of shape \(20, 3072\)"),
        ({"data": np.zeros((3072, N), np.uint8)}, r"not an array of shape \(20, 3072\)"),
        ({"data": np.zeros((N, 3072), np.uint8, order="F")}, "not an array in rows"),
        ({"data": bytes(N * 3072)}, "not a dictionary of labels and data"),
        ({"data": [1]}, "not a dictionary of labels and data"),
        ({"data": None}, "not a dictionary of labels and data"),
        ({"labels": [1] * (N - 1)}, "19 labels for 20 pictures"),
        ({"labels": [1] * (N + 1)}, "21 labels for 20 pictures"),
        ({"labels": [1] * (N - 1) + [10]}, "record 19 has a label that is not an integer from 0 to 9"),
        ({"labels": [-1] + [1] * (N - 1)}, "record 0 has a label"),
        ({"labels": [True] * N}, "record 0 has a label"),
        ({"labels": ["1"] * N}, "record 0 has a label"),
        ({"labels": [None] * N}, "record 0 has a label"),
        ({"labels": tuple([1] * N)}, "not a dictionary of labels and data"),
        ({"labels": np.ones(N, np.int64)}, "not a"),
    ],
)
def test_a_batch_of_the_wrong_kind_is_refused(change, complaint):
    for content in unaccepted(**change):
        with pytest.raises(ValueError, match=complaint):
            read(content)


def test_the_same_batch_with_nothing_wrong_is_accepted():
    for content in unaccepted():
        assert read(content) == [1] * N


def test_a_batch_without_pictures_is_refused():
    content = pickle.dumps({"labels": [1] * N, "data": np.zeros((N, 3072), np.uint8)}, 3)
    pictures = b"B" + struct.pack("<I", N * 3072) + bytes(N * 3072)
    assert pictures in content
    with pytest.raises(ValueError, match=r"not an array of shape \(20, 3072\)"):
        read(content.replace(pictures, b"C\x01x"))


def test_a_batch_with_pictures_twice_is_refused():
    for content in unaccepted(more=bytes(N * 3072)):  # which of them would be shown?
        with pytest.raises(ValueError, match="it has pictures twice"):
            read(content)


def test_an_array_that_is_given_another_state_after_its_pictures_is_refused():
    content = unaccepted()[-1]  # protocol 5, which gives an array its pictures as it makes it
    assert content.endswith(b"R\x94u.")
    with pytest.raises(ValueError, match="its data is not an array in rows"):
        read(content[:-2] + b")b" + content[-2:])


def test_a_pickle_of_too_many_instructions_is_refused_before_its_end():
    stream = io.BytesIO(b"N" * 100_000 + b".")
    with pytest.raises(ValueError, match="far too long"):
        read_batch(stream, np.empty((N, 3072), np.uint8))
    assert stream.tell() < 2000


def test_a_text_too_long_to_be_the_pictures_is_not_even_read():
    content = b"X" + struct.pack("<I", 2 * N * 3072 + 1)
    stream = io.BytesIO(content + b"x" * 1_000_000)
    with pytest.raises(ValueError, match="122,881 bytes of pictures where 61,440 belong"):
        read_batch(stream, np.empty((N, 3072), np.uint8))
    assert stream.tell() == len(content)


def test_a_damaged_pickle_is_refused_with_the_instruction_that_does_not_fit():
    with pytest.raises(ValueError, match="damaged at the instruction TUPLE3"):
        read(b"K\x01\x87.")


@pytest.mark.parametrize("value", [[], {}, None, "text", 5, {"labels": [1]}, {"data": [1]}])
def test_a_pickle_of_something_else_is_refused(value):
    for protocol in range(6):
        with pytest.raises(ValueError, match="not a"):
            read(pickle.dumps(value, protocol))


DEEP = 1300  # as deep as the number of instructions lets it be


@pytest.mark.parametrize(
    "content",
    [
        b"(" * 3000 + b".",
        b"N" * 3000 + b".",
        b"]" + b"\x85" * DEEP + b".",
        b"}" + b"(U\x01k" * 300 + b"}" + b"u" * 300 + b".",
        b")" + b"q\x00h\x00h\x00\x86" * 100 + b"}q\x01h\x00Ns.",  # a key whose hash takes 2 to the 100 steps
        b")" + b"q\x00h\x00h\x00\x86" * 100 + b"h\x00\x93.",  # a name that long
        b"]q\x00h\x00a.",  # a list in itself
        b"}q\x00(U\x06labelsh\x00U\x04datah\x00u.",
        b"Nr\xff\xff\xff\x7f.",  # a place 2 billion in the memo
        b"T\xff\xff\xff\xff" + b"x" * 100,
        b"B\xff\xff\xff\x7f" + b"x" * 100,
        b"\x8e" + b"\xff" * 8 + b"x" * 100,
        b"\x96" + b"\xff" * 8 + b"x" * 100,
        b"\x8d" + struct.pack("<Q", 100_000) + b"x" * 100,
        b"\x8a\xff" + b"\xff" * 255 + b".",  # LONG1
        b"\x8b\xff\xff\xff\x7f" + b"\xff" * 255,  # LONG4
        b"I" + b"9" * 100_000 + b"\n.",
        b"\x82\x01.",  # EXT1
        b"P1\n.",
        b"\x97.",
        b"\xff.",
        b".",
        b"0.",
        b"R.",
        b"b.",
        b"e.",
        b"u.",
        b"t.",
        b"\x93.",
        b"]]b.",
        b"}Na.",
        b"](NNu.",
        b"}(Nu.",
        b"}(U\x01ku.",
        b"c_codecs\nencode\n)R.",
        b"(inumpy\ndtype\n.",
        b"cnumpy\ndtype\nNb.",
        b"cnumpy\ndtype\n(N.",
        b"X\x02\x00\x00\x00\xff\xff.",
        b"h\x07.",
        b"c\xff\nx\n.",
        b"c",
    ],
)
def test_nonsense_is_refused_at_once(content):
    start = time.perf_counter()
    with pytest.raises(ValueError, match="not a CIFAR-10 batch"):
        read(b"\x80\x04" + content)
    assert time.perf_counter() - start < 1


@given(st.data())
def test_a_batch_damaged_anywhere_is_read_or_refused_but_never_anything_else(data):
    content = bytearray(ORIGINAL)
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly outside the pictures, which may be anything.
        at = data.draw(st.one_of(st.integers(0, 300), st.integers(len(content) - 600, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    try:
        labels = read(bytes(content))
    except ValueError:
        return
    assert len(labels) == N
    assert set(labels) <= set(range(10))


@given(st.binary(max_size=60))
def test_random_bytes_are_refused(content):
    with pytest.raises(ValueError, match="not a CIFAR-10 batch"):
        read(content)


ORIGINAL = pickle.dumps(
    {b"labels": [1] * N, b"data": np.zeros((N, 3072), np.uint8), b"filenames": [b"a.png"] * N}, 2
)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_a_batch_cut_anywhere_is_refused(small, layout):
    content = next(iter(small.files(layout).values()))
    for end in [*range(400), *range(len(content) - 400, len(content))]:
        with pytest.raises(ValueError, match="not a CIFAR-10 batch"):
            read(content[:end])


def test_a_pickle_far_too_large_is_not_even_opened(small, tmp_path):
    copy = small.folder(tmp_path / "copy", "python", data_batch_1=bytes(3_000_000))
    with pytest.raises(ValueError, match=r"3,000,000 bytes, but a batch of 20 pictures"):
        load_cifar10(copy)


def test_the_reader_of_pickles_has_nothing_in_it_that_could_unpickle_or_run():
    """Whatever the tests above forgot: its source has no loads in it, no getattr and no eval."""
    source = Path(sys.modules[read_batch.__module__].__file__).read_text(encoding="utf-8")
    forbidden = {
        "load",
        "loads",
        "Unpickler",
        "eval",
        "exec",
        "getattr",
        "__import__",
        "import_module",
        "compile",
    }
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert not names & forbidden
    assert "pickle" in names


# The real thing


@pytest.fixture
def real():
    folder = os.environ.get("CIFAR10_DIR")
    if not folder:
        pytest.skip("CIFAR10_DIR is not set: no CIFAR-10 to test with")
    return folder


def test_real_cifar10_has_its_shapes_and_its_order(real):
    data = load_cifar10()
    assert data.train.images.shape == (50_000, 32, 32, 3)
    assert data.test.images.shape == (10_000, 32, 32, 3)
    assert data.train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert data.test.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert np.bincount(data.train.labels).tolist() == [5000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10


def test_real_cifar10_has_red_green_and_blue_in_that_order(real):
    mean, std = load_cifar10().mean_and_std
    assert mean == pytest.approx([125.3, 123.0, 113.9], abs=0.5)
    assert std == pytest.approx([63.0, 62.1, 66.7], abs=0.5)


def test_real_cifar10_is_read_quickly_and_into_little_memory(real):
    if sys.platform != "linux":
        pytest.skip("peak memory is measured with Linux's /proc")
    # Not with getrusage: a new process inherits its parent's peak.
    program = """
import re, time
from nn_helpers.data.cifar10 import load_cifar10
start = time.process_time()
load_cifar10()
seconds = time.process_time() - start
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024)
"""
    runs = [
        [float(word) for word in subprocess.check_output([sys.executable, "-c", program], text=True).split()]
        for _ in range(3)
    ]
    assert min(seconds for seconds, _ in runs) < 2
    assert max(megabytes for _, megabytes in runs) < 250
