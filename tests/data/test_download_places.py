"""What others may have put where a download keeps its own files, and what a killed one left there."""

import os
import threading

import filelock
import pytest
from faults import names
from servers import ALL_THERE, part

from nn_helpers.data import download
from nn_helpers.data.cifar10 import load_cifar10
from nn_helpers.data.download import ARCHIVE, WHOLE, download_cifar10

OURS = [f"{ARCHIVE}.lock", f"{ARCHIVE}.part", WHOLE]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes are for Linux and macOS")


def link(path, victim):
    path.symlink_to(victim)


def link_to_nothing(path, victim):
    path.symlink_to(victim.with_name("nothing"))


def hard_link(path, victim):
    path.hardlink_to(victim)


def link_to_a_folder(path, victim):
    path.symlink_to(victim.parent)


def pipe(path, victim):
    os.mkfifo(path)


def folder(path, victim):
    path.mkdir()
    (path / "kept").write_text("kept")


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_bytes(b"\x1f\x8bas it was")
    return path


@pytest.mark.parametrize("name", [*OURS, ARCHIVE])
@pytest.mark.parametrize("put", [link, link_to_nothing, hard_link, link_to_a_folder, pipe, folder])
def test_what_stands_in_the_place_of_our_files_is_not_followed_nor_waited_for(
    mirrors, place, victim, name, put
):
    if name == ARCHIVE and put in (link, hard_link):
        pytest.skip("an archive may be a link")
    place.mkdir()
    put(place / name, victim)
    before = os.lstat(place / name)
    with pytest.raises(FileExistsError) as error:
        download_cifar10(place, progress=False)
    said = (
        f"download_cifar10 cannot write to {place} ({name} in it is a link, a folder or a pipe). Pass root="
    )
    assert str(error.value).partition("] ")[2].startswith(said)
    assert os.lstat(place / name) == before  # before the test reads it: a hard link shares its times
    assert victim.read_bytes() == b"\x1f\x8bas it was"
    assert names(victim.parent) == ["made.tar.gz", "place", "victim", "work"]
    assert names(place) == [name]
    assert mirrors.requests == []


def test_the_advice_works(small, mirrors, place, tmp_path, victim):
    place.mkdir()
    link(part(place), victim)
    with pytest.raises(FileExistsError, match="Pass root= for a folder of yours"):
        download_cifar10(place, progress=False)
    assert small.is_in(load_cifar10(download_cifar10(tmp_path / "mine", progress=False)))


@pytest.mark.parametrize("put", [link, link_to_nothing, pipe])
@pytest.mark.parametrize("name", [f"{ARCHIVE}.part", WHOLE, f"{ARCHIVE}.lock"])
def test_what_comes_there_after_the_first_look_is_not_followed_either(
    mirrors, place, victim, monkeypatch, name, put
):
    look = download._refuse_what_is_not_ours

    def and_then(folder):
        look(folder)
        put(folder / name, victim)

    monkeypatch.setattr(download, "_refuse_what_is_not_ours", and_then)
    said = []

    def run():
        try:
            said.append(download_cifar10(place, progress=False))
        except OSError as error:
            said.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    assert said == [place / "cifar-10-batches-bin"] or "cannot write to" in said[0]
    assert victim.read_bytes() == b"\x1f\x8bas it was"
    assert not victim.with_name("nothing").exists()


def test_a_link_in_the_place_of_the_unpacked_files_is_not_followed(mirrors, place, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "kept").write_text("kept")
    place.mkdir()
    (place / "cifar-10-batches-bin.part").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError, match="download_cifar10 cannot write to"):
        download_cifar10(place, progress=False)
    assert names(tmp_path / "precious") == ["kept"]


# What a killed download leaves


def leave(place, archive):
    """What downloads leave that were killed at various times."""
    place.mkdir(exist_ok=True)
    part(place).write_bytes(archive[:1000])
    (place / WHOLE).write_bytes(archive)
    (place / "cifar-10-batches-bin.part").mkdir()
    (place / "cifar-10-batches-bin.part" / "data_batch_1.bin").write_bytes(b"half a file")


def test_what_a_killed_download_left_is_used_by_the_next(small, mirrors, place):
    leave(place, mirrors.archive)
    assert small.is_in(load_cifar10(download_cifar10(place, progress=False)))
    assert mirrors.requests == []
    download_cifar10(place)
    assert names(place) == ALL_THERE


def test_what_a_killed_download_left_beside_a_complete_copy_is_cleared(small, mirrors, place):
    small.folder(place / "cifar-10-batches-bin")
    leave(place, mirrors.archive)
    assert small.is_in(load_cifar10(download_cifar10(place)))
    assert names(place) == ALL_THERE


def test_what_another_process_works_with_is_not_cleared(small, mirrors, place):
    small.folder(place / "cifar-10-batches-bin")
    leave(place, mirrors.archive)
    with filelock.FileLock(place / f"{ARCHIVE}.lock", is_singleton=False):
        download_cifar10(place)
        assert names(place) == sorted(["cifar-10-batches-bin", "cifar-10-batches-bin.part", *OURS])


@pytest.mark.parametrize("put", [link, pipe, folder])
def test_what_is_not_ours_is_not_cleared(small, mirrors, place, victim, put):
    small.folder(place / "cifar-10-batches-bin")
    put(place / WHOLE, victim)
    assert small.is_in(load_cifar10(download_cifar10(place)))
    assert os.path.lexists(place / WHOLE)
    assert victim.read_bytes() == b"\x1f\x8bas it was"


def test_an_archive_that_a_browser_unpacked_is_used_as_it_is(small, mirrors, place, tmp_path):
    import gzip

    place.mkdir()
    archive = place / "cifar-10-binary.tar"
    archive.write_bytes(gzip.decompress(mirrors.archive))
    assert download_cifar10(place, progress=False) == archive
    assert small.is_in(load_cifar10(place))
    assert names(place) == ["cifar-10-binary.tar"]
    assert mirrors.requests == []
