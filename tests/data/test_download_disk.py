import errno
import gzip
import io
import itertools
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from faults import CTRL_C, DISK_FULL, FORBIDDEN, failing_disk, names
from servers import ALL_THERE, DOWNLOADED, hostile, member

from nn_helpers.data import cifar10, download
from nn_helpers.data.cifar10 import FILES, load_cifar10
from nn_helpers.data.download import download_cifar10

# The disk


def test_a_disk_too_small_is_noticed_before_anything_is_downloaded(mirrors, place, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 0, 700_000))
    mirrors.does(mirrors.good)
    with pytest.raises(OSError, match=r"needs 1 MB in .*place.*; 1 MB are free\. Make room") as error:
        download_cifar10(place, progress=False)
    assert error.value.errno == errno.ENOSPC
    assert mirrors.requests == []
    assert names(place) == ["cifar-10-binary.tar.gz.lock"]


@pytest.mark.parametrize("full_at", ["cifar-10-binary.tar.gz.part", "data_batch_3.bin"])
def test_a_disk_that_fills_up_leaves_nothing_that_looks_whole(small, mirrors, place, monkeypatch, full_at):
    real_open, filled = open, []

    class Full(io.FileIO):
        def write(self, content):
            if self.tell() + len(content) > 50_000:
                filled.append(self.name)
                super().write(content[:100])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content)

    def open_until_full(path, mode="r", *args, **kwargs):
        writes = mode in ("xb", "ab") and Path(path).name == full_at
        return Full(path, mode) if writes else real_open(path, mode, *args, **kwargs)

    mirrors.does(mirrors.good, mirrors.good)
    with monkeypatch.context() as patched:
        patched.setattr(download, "open", open_until_full, raising=False)
        with pytest.raises(OSError, match=r"MB are free\. Make room and call it again") as error:
            download_cifar10(place, progress=False)
    assert error.value.errno == errno.ENOSPC
    assert error.value.__suppress_context__
    assert filled
    assert len(mirrors.requests) == 1  # another server would not help
    assert not (place / "cifar-10-batches-bin").exists()
    assert not (place / "cifar-10-batches-bin.part").exists()
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))


CANNOT_WRITE = (
    r"download_cifar10 cannot write to .*place.* \(.+\)\. Pass root= for a folder of yours, or set the"
)


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(mirrors, place):
    place.write_text("this is a file")
    mirrors.does(mirrors.good)
    for folder in (place, place / "in it"):
        with pytest.raises(OSError, match=CANNOT_WRITE):
            download_cifar10(folder)
    assert mirrors.requests == []


def test_a_drive_that_is_not_there_is_an_error_that_names_it(mirrors, place, monkeypatch):
    def no_such_drive(folder, **options):  # Windows says so of Z: and a folder
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))

    monkeypatch.setattr(Path, "mkdir", no_such_drive)
    with pytest.raises(FileNotFoundError, match=CANNOT_WRITE):
        download_cifar10(place)
    assert mirrors.requests == []


@contextmanager
def read_only(folder):
    """A folder that nobody may write to, not even where the tests run as root, who may all."""
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    try:
        if os.access(folder, os.W_OK):
            with failing_disk(folder, at=1, fault=FORBIDDEN):
                yield
        else:
            yield
    finally:
        folder.chmod(mode)


def test_a_read_only_cache_is_one_error_before_anything_is_downloaded(mirrors, place, capfd):
    mirrors.does(mirrors.good)
    place.mkdir()
    for folder in (place, place / "inside"):
        with read_only(place), pytest.raises(PermissionError, match=CANNOT_WRITE) as error:
            download_cifar10(folder)
        assert error.value.__suppress_context__
    assert capfd.readouterr() == ("", "")
    assert mirrors.requests == []
    assert names(place) == []


def test_a_read_only_cache_that_is_complete_is_as_good_as_any(small, mirrors, place):
    mirrors.does()
    small.folder(place / "cifar-10-batches-bin")
    with read_only(place):
        assert small.is_in(load_cifar10(download_cifar10(place)))
    assert names(place) == ["cifar-10-batches-bin"]


@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN, CTRL_C])
def test_wherever_the_disk_fails_nothing_looks_whole_and_the_next_call_completes_it(
    small, mirrors, tmp_path, monkeypatch, fault
):
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", 2)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # the disk itself need not be waited for
    images = type(small)(n=2)
    mirrors.use(images.archive(tmp_path / "tiny.tar.gz").read_bytes())
    for at in itertools.count(1):
        place = tmp_path / str(at) / "place"
        error = None
        with failing_disk(place.parent, at, fault) as disk:
            try:
                download_cifar10(place, progress=False)
            except (OSError, KeyboardInterrupt) as caught:
                error = caught
        if not disk.failed:
            break
        if error is not None:
            words = {DISK_FULL: "Make room and call it again", FORBIDDEN: "cannot write to", CTRL_C: ""}[
                fault
            ]
            assert words in str(error)
            for folder in (place, place / "cifar-10-batches-bin"):
                with suppress(FileNotFoundError):  # unless all of it is there
                    assert images.is_in(load_cifar10(folder))
        assert images.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert at > 35


@pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
def test_a_home_folder_that_nobody_has_is_not_made(nowhere, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match=r"download_cifar10: root is '~nobody.*no home folder is known"
    ):
        download_cifar10("~nobody-of-this-name/data")
    monkeypatch.setenv("CIFAR10_DIR", "~nobody-of-this-name")
    with pytest.raises(FileNotFoundError, match="download_cifar10: CIFAR10_DIR is '~nobody"):
        download_cifar10()
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("function", [load_cifar10, download_cifar10])
@pytest.mark.parametrize("root", [5, b"data", ["data"]])
def test_a_root_that_is_no_path_is_named_with_what_was_given(nowhere, function, root):
    words = f"{function.__name__}: root must be a path, as text or a pathlib.Path, got {root!r}"
    with pytest.raises(TypeError, match=re.escape(words)):
        function(root)


def test_a_process_that_is_killed_while_unpacking_leaves_nothing_that_looks_whole(
    small, mirrors, place, monkeypatch
):
    mirrors.does(mirrors.good)
    seen = []

    def killed(*args):
        seen.append(names(place))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(download.shutil, "rmtree", lambda *args, **kwargs: None)  # nobody tidies up either
        patched.setattr(download.shutil, "copyfileobj", killed)
        with pytest.raises(KeyboardInterrupt):
            download_cifar10(place, progress=False)
    assert seen == [["cifar-10-batches-bin.part", *DOWNLOADED]]
    assert (place / "cifar-10-batches-bin.part").exists()
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert names(place) == ALL_THERE
    assert len(mirrors.requests) == 1


# What an archive must not do


def test_an_archive_cannot_write_anywhere_else(small, mirrors, place, tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    archive = small.archive(tmp_path / "bad.tar.gz", extra=hostile(tmp_path))
    mirrors.use(archive.read_bytes())
    folder = download_cifar10(place, progress=False)
    assert victim.read_text() == "as it was"
    assert names(place) == ALL_THERE
    assert names(folder) == ["batches.meta.txt", *(f"{name}.bin" for name in FILES)]
    assert all(path.is_file() and not path.is_symlink() for path in folder.iterdir())
    assert not any(path.stat().st_mode & 0o4000 for path in folder.iterdir())
    assert small.is_in(load_cifar10(folder))


def test_a_bomb_of_zeros_is_not_unpacked(small, mirrors, place, tmp_path, monkeypatch):
    """20 MB in 20 kB, as one more file, as one of the seven, and after the end of the archive."""
    zeros, archive = bytes(20_000_000), small.archive(tmp_path / "good.tar.gz")
    one_more = small.archive(tmp_path / "1.tar.gz", extra=[member("zeros", content=zeros)])
    one_of_them = small.archive(tmp_path / "2.tar.gz", data_batch_1=zeros)
    after = gzip.compress(gzip.decompress(archive.read_bytes()) + zeros)
    for content, complaint in (
        (one_more.read_bytes(), "unpacks to far more than CIFAR-10"),
        (one_of_them.read_bytes(), r"data_batch_1\.bin in it has 20,000,000 bytes"),
        (after, "unpacks to far more than CIFAR-10"),
    ):
        mirrors.use(content)
        with pytest.raises(ValueError, match=complaint):
            download_cifar10(place, progress=False)
        assert names(place) == DOWNLOADED
        with pytest.raises(FileNotFoundError):
            load_cifar10(place)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"data_batch_2": bytes(61_461)}, r"data_batch_2\.bin in it has 61,461 bytes"),
        ({"data_batch_2": bytes(61_459)}, r"data_batch_2\.bin in it has 61,459 bytes"),
        ({"data_batch_2": None, "test_batch": None}, r"no data_batch_2\.bin, no test_batch\.bin in it"),
    ],
)
def test_an_archive_with_wrong_contents_is_not_unpacked(
    small, mirrors, place, tmp_path, monkeypatch, changed, complaint
):
    mirrors.use(small.archive(tmp_path / "bad.tar.gz", **changed).read_bytes())
    with pytest.raises(ValueError, match=complaint):
        download_cifar10(place, progress=False)
    assert not (place / "cifar-10-batches-bin").exists()
    assert not (place / "cifar-10-batches-bin.part").exists()
