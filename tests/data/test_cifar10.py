import ast
import bz2
import errno
import gzip
import io
import lzma
import os
import pickle
import re
import subprocess
import sys
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

from nn_helpers.data import cifar10
from nn_helpers.data.cifar10 import FILES, cache_dir, find_copies, load_cifar10

N = 20  # images a file, see conftest.py
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
        ("cifar-10-binary (1).tar.gz", "binary"),  # as browsers name the second download
        ("cifar-10-python.tar (1).gz", "python"),
        ("cifar-10-binary.tar-2.gz", "binary"),
        ("cifar-10-python.tgz", "python"),
        ("cifar-10-batches-py_archive", "python"),
        ("cifar-10-batches-py-target_archive", "python"),
    ],
)
def test_a_copy_is_found_in_a_folder_under_every_usual_name(small, tmp_path, inside, layout):
    put = small.archive if inside.endswith(("gz", "archive")) else small.folder
    put(tmp_path / "place" / inside, layout)
    assert small.is_in(load_cifar10(tmp_path / "place"))
    assert small.is_in(load_cifar10(str(tmp_path / "place" / inside)))


def test_a_browsers_second_download_comes_after_the_first_and_half_a_download_is_no_copy(small, tmp_path):
    names = ["cifar-10-binary.tar.gz", "cifar-10-binary (1).tar.gz", "cifar-10-binary (2).tar.gz"]
    for name in (*names, "cifar-10-binary.tar.gz.part", "cifar-100-binary.tar.gz"):
        (tmp_path / name).write_bytes(b"")
    assert find_copies(tmp_path) == [tmp_path / name for name in names]
    small.archive(tmp_path / names[1])
    with pytest.warns(UserWarning, match=r"passed over a damaged copy: .*cifar-10-binary\.tar\.gz"):
        assert small.is_in(load_cifar10(tmp_path))


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
    with pytest.raises(ValueError, match=r"data_batch_2\.bin: it has 9 bytes,"):
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
    with pytest.raises(ValueError, match=r"no good copy:\n.*target_archive: cut short"):
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
            r"it has 61,459 bytes, not the 61,460 of 20 records: it was cut short",
        ),
        (lambda content: content + b"\0", r"it has 61,461 bytes, not the 61,460 .*: it is another file"),
        (lambda content: b"", r"it has 0 bytes, not the"),
        (
            lambda content: content[:3073] + b"\x0a" + content[3074:],
            r"record 1 of 20 has label 10; labels are 0 to 9",
        ),
    ],
)
def test_a_damaged_binary_file_is_named_with_what_is_wrong(small, tmp_path, pack, change, complaint):
    content = change(small.files("binary")["data_batch_4.bin"])
    copy = getattr(small, pack)(tmp_path / "copy", data_batch_4=content)
    advice = "move this one away" if "another file" in complaint else "Delete it"
    words = rf"data_batch_4\.bin: {complaint}.*{advice}.*download_cifar10\(\)"
    with pytest.raises(ValueError, match=words):
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
        lambda content: b"",
    ],
)
def test_a_damaged_archive_is_refused(small, tmp_path, change):
    archive = small.archive(tmp_path / "cifar-10-binary.tar.gz")
    archive.write_bytes(change(archive.read_bytes()))
    with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz.*(cut short|label).*Delete it"):
        load_cifar10(tmp_path)


@pytest.mark.parametrize("error", [zlib.error, EOFError, tarfile.ReadError])
def test_whatever_an_archive_fails_with_in_the_middle_of_a_file_says_what_to_do(error):
    says_so = pytest.raises(ValueError, match=r"a\.tar\.gz: cut short or damaged .*in the middle.*Delete it")
    with says_so, cifar10.archive_errors("a.tar.gz"):
        raise error("in the middle")


def test_the_checksum_at_an_archives_very_end_is_looked_at(small, tmp_path):
    archive = small.archive(tmp_path / "copy.tar.gz")
    padded = gzip.compress(gzip.decompress(archive.read_bytes()) + bytes(3_000_000))  # as on a tape
    archive.write_bytes(padded)
    assert small.is_in(load_cifar10(archive))
    archive.write_bytes(padded[:-8] + b"\0\0\0\0" + padded[-4:])
    with pytest.raises(ValueError, match="incorrect data check"):
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
        (header("x", size=2**80), "cut short or damaged .it ends in the middle of a file"),
        (header("x", size=10**12, comment="as POSIX writes it"), "no archive .* unpacks to far more than"),
        (header("x", size=-(2**40)), "cut short or damaged .a header in it makes no sense"),
        (header("x") + b"?" * 512, "cut short or damaged .invalid header"),
        (header("x") + b"?" * 99, "cut short or damaged .truncated header"),
        (
            header("x", kind=tarfile.GNUTYPE_LONGNAME) * 1100,
            "no archive of CIFAR-10: it holds far more files",
        ),
        (header("x", size=2**33, kind=tarfile.GNUTYPE_LONGNAME), "no archive .* far longer headers"),
        (header("x", kind=tarfile.GNUTYPE_SPARSE), "no archive of CIFAR-10: it holds a file with holes"),
        (header("x", **{"GNU.sparse.size": "nan"}), "no archive of CIFAR-10: it holds a file with holes"),
        (header("x") + header("x", **{"GNU.sparse.map": "9" * 5000}), "no archive .* a file with holes"),
        (header("x") * 1001, "no archive of CIFAR-10: it holds far more files than CIFAR-10"),
    ],
)
def test_an_archive_with_headers_that_cifar10_does_not_have_is_refused_soon(
    small, tmp_path, content, complaint
):
    archive = tmp_path / "copy.tar.gz"
    for packed in (gzip.compress(content + bytes(1024) * (b"?" not in content), 1), content):
        archive.write_bytes(packed)
        with pytest.raises(ValueError, match=rf"copy\.tar\.gz: .*{complaint}") as error:
            load_cifar10(archive)
        advice = "Delete it" if "damaged" in complaint else "move this one away"
        assert advice in str(error.value)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["cifar-10-binary.tar", "cifar-10-python.tar", "cifar-10-batches-py.tar"])
def test_an_archive_that_a_browser_unpacked_is_read(small, tmp_path, layout, name):
    packed = small.archive(tmp_path / "packed", layout)
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / name).write_bytes(gzip.decompress(packed.read_bytes()))
    assert small.is_in(load_cifar10(tmp_path / "place" / name))
    assert small.is_in(load_cifar10(tmp_path / "place"))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_that_was_packed_again_from_a_folder_with_a_long_name_is_read(small, tmp_path, form):
    folder = small.folder(tmp_path / "cifar-10-batches-bin")
    with tarfile.open(tmp_path / "copy.tar.gz", "w:gz", format=form) as tar:
        tar.add(folder, "f" * 90 + "/" + "o" * (200 if form else 50) + "/cifar-10-batches-bin")
        tar.add(folder / "test_batch.bin", "with a pax header, ö.bin")
    assert small.is_in(load_cifar10(tmp_path / "copy.tar.gz"))


def test_an_archive_in_several_gzips_one_after_another_is_read(small, tmp_path):
    content = gzip.decompress(small.archive(tmp_path / "copy.tar.gz").read_bytes())
    pieces = [gzip.compress(content[at : at + 5000]) for at in range(0, len(content), 5000)]
    (tmp_path / "copy.tar.gz").write_bytes(b"".join(pieces) + bytes(10_000))  # as on a tape
    assert small.is_in(load_cifar10(tmp_path / "copy.tar.gz"))


# What is good, or somebody else's, and no copy


def zipped(small, path):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in small.files("binary").items():
            file.writestr(f"cifar-10-batches-bin/{name}", content)
    return path


def test_a_zip_is_named_and_the_advice_works_when_it_is_followed(small, tmp_path):
    path = zipped(small, tmp_path / "cifar-10.zip")
    with pytest.raises(
        ValueError, match=r"10\.zip: this is no archive .*it is a \.zip: unpack it, and give the"
    ):
        load_cifar10(path)
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path / "unpacked")
    assert small.is_in(load_cifar10(tmp_path / "unpacked"))


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_what_is_packed_in_another_way_is_named_and_the_advice_works(small, tmp_path, pack):
    content = gzip.decompress(small.archive(tmp_path / "copy.tar.gz").read_bytes())
    (tmp_path / "other").write_bytes(pack(content))
    with pytest.raises(ValueError, match=r"it is packed with (bzip2|xz): unpack it, and give the \.tar"):
        load_cifar10(tmp_path / "other")
    (tmp_path / "other.tar").write_bytes(content)
    assert small.is_in(load_cifar10(tmp_path / "other.tar"))


@pytest.mark.parametrize("layout", ["binary", "python"])
def test_a_file_of_a_copy_leads_to_the_folder_that_it_is_in(small, tmp_path, layout):
    folder = small.folder(tmp_path / "it's here", layout)
    (folder / "batches.meta").write_bytes(b"")
    for path in folder.iterdir():
        with pytest.raises(ValueError, match="this is one file of a copy") as error:
            load_cifar10(path)
        advised = re.search(r"root=(.+)\n", str(error.value))[1]
        assert small.is_in(load_cifar10(ast.literal_eval(advised)))


OTHERS = {
    "web page": (b"<!DOCTYPE html>", "it is a web page; its server may have wanted a login"),
    "text": (b"label,pixel0\n" * 100, "it is neither a .tar.gz nor a .tar"),
    "packed text": (gzip.compress(b"no tar archive" * 100), "it is neither a .tar.gz nor a .tar"),
    "backup": (
        gzip.compress(header("x", 20_000_000) + bytes(20_000_000)),
        "it unpacks to far more than CIFAR-10",
    ),
    "photographs": (gzip.compress(header("photograph.jpg") + bytes(1024)), "no data_batch_1, no .*6 files"),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", ["mine", "mine.tar.gz", "cifar-10-binary.tar.gz"])
def test_nobody_is_told_to_delete_what_may_be_whole(small, tmp_path, other, name):
    content, words = OTHERS[other]
    (tmp_path / name).write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=words) as error:
        load_cifar10(tmp_path / name)
    assert "Give another folder or archive, or move this one away and run" in str(error.value)
    assert not re.search("[Dd]elete|damaged", str(error.value).replace(str(tmp_path), ""))


def test_a_folder_that_lacks_one_file_is_completed_as_the_message_advises(small, tmp_path):
    folder = small.folder(tmp_path / "copy", "python", data_batch_3=None)
    with pytest.raises(FileNotFoundError, match="no data_batch_3 in it; CIFAR-10 is 6 files") as error:
        load_cifar10(folder)
    assert "elete" not in str(error.value)
    assert "Copy what is missing" in str(error.value)
    (folder / "data_batch_3").write_bytes(small.files("python")["data_batch_3"])
    assert small.is_in(load_cifar10(folder))


@pytest.mark.parametrize("n", [N, 1050])
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "uint8", ">i8"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_labels_that_were_saved_as_an_array_are_named_and_the_advice_works(
    small, tmp_path, monkeypatch, n, dtype, protocol
):
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", n)
    rows, labels = np.zeros((n, 3072), np.uint8), np.arange(n).astype(dtype) % 10

    def save(labels):
        for name in FILES:
            (tmp_path / name).write_bytes(pickle.dumps({"labels": labels, "data": rows}, protocol))

    save(labels)
    with pytest.raises(ValueError, match=r"are an array; save them as a list, labels\.tolist\(\)") as error:
        load_cifar10(tmp_path)
    assert "Delete" not in str(error.value)
    save(labels.tolist())
    assert load_cifar10(tmp_path).test.labels.tolist() == labels.tolist()


def test_links_in_an_archive_are_not_followed(small, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(small.files("binary")["test_batch.bin"])
    link = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        link.type, link.linkname = kind, str(secret)
        archive = small.archive(tmp_path / "copy.tar.gz", extra=[(link, b"")], test_batch=None)
        with pytest.raises(FileNotFoundError, match="no test_batch"):
            load_cifar10(archive)


# The real thing


@pytest.fixture(scope="module")
def real():
    if not os.environ.get("CIFAR10_DIR"):
        pytest.skip("CIFAR10_DIR is not set: no CIFAR-10 to test with")
    return load_cifar10()


def test_real_cifar10_has_its_shapes_and_its_order(real):
    assert real.train.images.shape == (50_000, 32, 32, 3)
    assert real.test.images.shape == (10_000, 32, 32, 3)
    assert real.train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert real.test.labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert np.bincount(real.train.labels).tolist() == [5000] * 10
    assert np.bincount(real.test.labels).tolist() == [1000] * 10


def test_real_cifar10_has_red_green_and_blue_in_that_order(real):
    mean, std = real.mean_and_std
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
