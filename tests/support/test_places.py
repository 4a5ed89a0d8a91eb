"""A place that one process writes to at a time: the lock beside it, and what else may have its name."""

import errno
import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

import filelock
import pytest
from faults import disk_full, names
from test_files import WRITERS, begin_training, each_writer

from nn_helpers.support import files
from nn_helpers.support.files import own_place, temporary_file

needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
PART = "0123456789abcdef"


def lock_of(path):
    """Return where the lock of a path is."""
    return path.with_name(f"{files._hidden_name(path)}.lock")


def part_of(path, number=PART):
    return path.with_name(f"{files._hidden_name(path)}.{number}.part")


def link(place, victim):
    place.symlink_to(victim)


def dangling_link(place, victim):
    place.symlink_to(victim.with_name("nothing"))


def hard_link(place, victim):
    os.link(victim, place)


def pipe(place, victim):
    os.mkfifo(place)


def folder(place, victim):
    place.mkdir()
    (place / "content").touch()


IN_THE_WAY = [link, dangling_link, hard_link, pipe, folder]


@needs_posix
@each_writer
@pytest.mark.parametrize("put", IN_THE_WAY)
def test_what_has_the_name_of_the_lock_is_neither_followed_nor_waited_for(tmp_path, write, suffix, put):
    path, victim = tmp_path / f"a{suffix}", tmp_path / "victim"
    victim.write_text("precious")
    put(lock_of(path), victim)
    before = os.lstat(lock_of(path))
    began = time.perf_counter()
    write(path)
    assert time.perf_counter() - began < 2
    assert path.stat().st_size
    assert victim.read_text() == "precious"
    assert os.path.samestat(os.lstat(lock_of(path)), before)
    assert not (tmp_path / "nothing").exists()


@needs_posix
@each_writer
@pytest.mark.parametrize("put", IN_THE_WAY)
def test_what_has_the_name_of_a_temporary_file_is_not_followed_nor_waited_for(
    tmp_path, monkeypatch, write, suffix, put
):
    path, victim = tmp_path / f"a{suffix}", tmp_path / "victim"
    victim.write_text("precious")
    put(part_of(path), victim)
    monkeypatch.setattr(secrets, "token_hex", lambda n: PART)  # as if somebody had guessed it
    if put is folder:
        with pytest.raises(OSError, match=rf"cannot be written: File exists: '.*a\{suffix}'"):
            write(path)
        assert names(part_of(path)) == ["content"]
    else:
        write(path)
        assert names(tmp_path) == [path.name, "victim"]
    assert victim.read_text() == "precious"


@each_writer
def test_who_owns_a_place_next_clears_what_killed_ones_left_there_and_nowhere_else(tmp_path, write, suffix):
    path = tmp_path / f"a{suffix}"
    others = [part_of(tmp_path / f"{name}{suffix}") for name in ("b", "A b", "a" * 60, "[a]")]
    own = path.with_name(f"{files._hidden_name(path)}.of_my_own.part")
    for part in [own, *others]:
        part.write_text("mine")
    for number in range(58):
        part_of(path, f"{number:016x}").write_bytes(bytes(1000))
    write(path)
    assert names(tmp_path) == sorted([path.name, own.name, *(part.name for part in others)])
    write(tmp_path / f"[a]{suffix}")
    assert not others[-1].exists()


@each_writer
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF])
@pytest.mark.filterwarnings("error")
def test_where_the_file_system_knows_no_locks_it_goes_on_without(
    tmp_path, monkeypatch, write, suffix, number
):
    def no_locks(*arguments, **options):
        raise OSError(number, os.strerror(number))

    path = tmp_path / f"a{suffix}"
    part_of(path).touch()
    monkeypatch.setattr(filelock, "lock_descriptor", no_locks)
    write(path)
    assert path.stat().st_size
    assert part_of(path).exists()  # who knows whose it is


@each_writer
def test_a_lock_without_room_for_a_number_is_a_lock(tmp_path, monkeypatch, write, suffix):
    path = tmp_path / f"a{suffix}"
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", disk_full)
        patch.setattr(os, "ftruncate", disk_full)
        with own_place(path, "the first", training=True):
            patch.setattr(files, "PATIENCE", 0.05)
            with pytest.raises(FileExistsError, match=rf"another program writes to .*a\{suffix}. Wait until"):
                write(path)
    write(path)
    assert names(tmp_path) == [path.name]


@needs_posix
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\x00987 elsewhere", "a training in process 987 on elsewhere"),
        ("\x00987 \x1b[2J", "another program"),
        ("\x00" + "9" * 5000, "another program"),
        ("987", "another program"),
        ("", "another program"),
    ],
    ids=repr,
)
def test_what_a_lock_says_is_believed_when_it_is_as_a_training_writes_it(
    tmp_path, monkeypatch, content, words
):
    path = tmp_path / "a.safetensors"
    monkeypatch.setattr(files, "PATIENCE", 0.3)
    with own_place(path, "the first", training=True):
        lock_of(path).write_text(content)
        refused = pytest.raises(FileExistsError, match=f"the second cannot be written: {words} writes to")
        with refused, own_place(path, "the second"):
            pass


@needs_posix
def test_a_number_that_a_killed_process_left_is_not_taken_for_the_present_holders(tmp_path, monkeypatch):
    path, numbered = tmp_path / "a.safetensors", threading.Event()
    truncate = os.ftruncate

    def late(*arguments):
        assert numbered.wait(10)
        truncate(*arguments)

    def look(descriptor, holder=files._holder):
        found = holder(descriptor)
        looks.append(found)
        numbered.set()
        return found

    looks = []
    lock_of(path).write_text(f"\x00987 {files.platform.node()}")
    monkeypatch.setattr(os, "ftruncate", late)
    monkeypatch.setattr(files, "_holder", look)
    ended = threading.Event()

    def first():
        with own_place(path, "the first", training=True):
            ended.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    while not lock_of(path).exists() or not filelock_is_held(lock_of(path)):
        time.sleep(0.005)
    refused = pytest.raises(FileExistsError, match=f"process {os.getpid()}, which is this one")
    with refused, own_place(path, "the second"):
        pass
    ended.set()
    thread.join()
    assert "process 987" in looks[0]


def filelock_is_held(lock):
    descriptor = os.open(lock, os.O_RDWR)
    try:
        return not filelock.lock_descriptor(descriptor, blocking=False)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("write", "suffix"), [writer for writer in WRITERS if writer[0] is not begin_training]
)
def test_who_saves_waits_for_another_who_saves(tmp_path, write, suffix):
    path, inside = tmp_path / f"a{suffix}", threading.Event()

    def slowly():
        with own_place(path, "the first"), temporary_file(path, b"first") as part:
            inside.set()
            time.sleep(0.3)
            os.replace(part, path)

    thread = threading.Thread(target=slowly)
    thread.start()
    assert inside.wait(10)
    write(path)
    thread.join()
    assert path.read_bytes() != b"first"
    assert names(tmp_path) == [path.name]


@needs_posix
def test_a_lock_that_somebody_else_made_is_a_lock_though_it_can_only_be_read(tmp_path, monkeypatch):
    path, opens = tmp_path / "a.safetensors", os.open

    def not_mine(name, flags, *arguments, **options):
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(name))
        return opens(name, flags, *arguments, **options)

    with own_place(path, "theirs", training=True):
        monkeypatch.setattr(os, "open", not_mine)
        with pytest.raises(FileExistsError, match=f"process {os.getpid()}"), own_place(path, "mine"):
            pass
    with own_place(path, "mine"):
        pass


@needs_posix
def test_an_interrupt_at_any_call_leaves_no_lock_that_is_held(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    for name in ("open", "fstat", "ftruncate", "lseek", "write", "unlink"):

        def interrupt(*arguments, **options):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(os, name, interrupt)
            with own_place(path, name, training=True):
                pass
        with own_place(path, "the next", training=True):
            pass
        assert not files._held
    assert names(tmp_path) == []


@needs_posix
def test_a_lock_that_was_removed_when_it_had_been_opened_is_none(tmp_path, monkeypatch):
    path, lock, calls = tmp_path / "a.safetensors", filelock.lock_descriptor, []

    def late(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            lock_of(path).unlink()  # as who had it before does
        return lock(*arguments, **options)

    monkeypatch.setattr(filelock, "lock_descriptor", late)
    refused = pytest.raises(FileExistsError, match=f"process {os.getpid()}")
    with own_place(path, "the first", training=True), refused, own_place(path, "the second"):
        pass


@needs_posix
def test_the_lock_of_a_path_is_not_that_of_another(tmp_path):
    paths = [Path(tmp_path, f"{name}.safetensors") for name in ("a", "b", "a" * 60, "a" * 61, "ä")]
    with own_place(paths[0], "the first"):
        for path in paths[1:]:
            with own_place(path, "the second"):
                pass
