"""A disk that fails on demand: it counts the calls that write below a folder, and refuses some of them."""

import builtins
import errno
import io
import os
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

DISK_FULL, FORBIDDEN, CTRL_C = "disk full", "forbidden", "Ctrl-C"
ERRNO = {DISK_FULL: errno.ENOSPC, FORBIDDEN: errno.EACCES}
REMOVING = ("unlink", "remove", "rmdir")  # needs no space


class Disk:
    """Counts calls; `failed` tells whether one of them was refused."""

    def __init__(self, folder, at, fault, lasting):
        self.folder, self.at, self.fault, self.lasting = os.path.realpath(folder), at, fault, lasting
        self.calls, self.failed = 0, False

    def ask(self, what, *paths):
        """Raise the fault if it is time for it."""
        if not any(os.path.abspath(path).startswith(self.folder) for path in paths):
            return
        if what in REMOVING and self.fault == DISK_FULL:
            return
        self.calls += 1
        if self.calls == self.at or (self.lasting and self.calls > self.at):
            self.failed = True
            if self.fault == CTRL_C:
                raise KeyboardInterrupt
            raise OSError(ERRNO[self.fault], os.strerror(ERRNO[self.fault]), str(paths[0]))

    def open(self, path, mode="r", *args, **kwargs):
        if isinstance(path, int) or not set(mode) & set("wax+"):
            return _open(path, mode, *args, **kwargs)
        self.ask("open", path)
        if "b" not in mode:
            return _open(path, mode, *args, **kwargs)
        return _File(self, path, mode)

    def wrap(self, name):
        function = getattr(os, name)

        def call(*args, **kwargs):
            if name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):  # only read
                return function(*args, **kwargs)
            if name == "fsync":  # its argument names no folder; only the code under test calls it
                self.ask(name, self.folder)
                return None  # and nobody waits for the real one
            self.ask(name, *(path for path in args[:2] if isinstance(path, str | os.PathLike)))
            return function(*args, **kwargs)

        return call


_open = builtins.open


class _File(io.FileIO):
    """A file whose writing may fail half-way."""

    def __init__(self, disk, path, mode):
        super().__init__(path, mode)
        self.disk = disk

    def write(self, content):
        try:
            self.disk.ask("write", self.name)
        except BaseException:
            super().write(content[: len(content) // 2])
            raise
        return super().write(content)


@contextmanager
def failing_disk(folder, at, fault=DISK_FULL, lasting=True):
    """Refuse the `at`-th call that writes below `folder`, and, if the fault is `lasting`, all after it.

    ::

        for at in itertools.count(1):
            with failing_disk(folder, at) as disk:
                ...
            if not disk.failed:
                break
    """
    disk = Disk(folder, at, fault, lasting and fault != CTRL_C)
    names = ("open", "mkdir", "fsync", "link", "replace", "rename", "unlink", "remove", "rmdir")
    calls = {name: disk.wrap(name) for name in names}
    with mock.patch.multiple(os, **calls), mock.patch.object(builtins, "open", disk.open):
        yield disk


def names(folder):
    """Return what is in a folder, sorted."""
    return sorted(path.name for path in Path(folder).iterdir())


def disk_full(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
