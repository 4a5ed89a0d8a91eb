"""Files that are written whole or not at all, whenever the process or the power ends."""

import csv
import errno
import glob
import io
import os
import platform
import re
import secrets
import shutil
import stat
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

FORMULA = tuple("=+-@\t\r")  # how one begins in a spreadsheet
PATIENCE = 60  # seconds to wait for others who save, each of whom needs a moment
# Bytes as they are, no link followed, and no waiting; not every system has all three.
PLAIN = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))


def expand_user(function, name, path):
    """Return a path with the home folder in the place of its ``~``."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{function}: {name} must be a path, as text or a pathlib.Path, got {path!r}")
    if "\0" in str(path):
        raise ValueError(
            f"{function}: {name} is {str(path)!r}, and no path has the character \\0; in Python text write "
            r"\\ or / for \, or r before the quotation marks"
        )
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise FileNotFoundError(
            f"{function}: {name} is {str(path)!r}, and no home folder is known by that name; write it in full"
        ) from None


def resolve(function, name, path, suffix):
    """Return the path in full; a link is followed, so that what it names is read or replaced."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f'{function}: {name} must be a path such as "run{suffix}", got {path!r}')
    return Path(os.path.realpath(expand_user(function, name, path)))


def require_writable(function, name, path, suffix):
    """Return the path in full, or say why no such file can be written; then only the disk may refuse it."""
    given, path = path, resolve(function, name, path, suffix)
    file = os.path.basename(given)
    lower = file.lower()
    if lower == suffix:
        raise ValueError(f"{function}: {name} needs a name before {suffix}, got {file!r}")
    if not lower.endswith(suffix):
        raise ValueError(f"{function}: {name} must end in {suffix}, got {file!r}")
    with explain_failure(f"{function}: {name}", path):
        there = path.exists()  # or its name is too long, or a folder on the way lets nobody in
    if there and not (path.is_file() or path.is_dir()):
        raise FileExistsError(f"{function}: {path} is a pipe or a device, and no file; choose another path")
    if path.is_dir():
        raise IsADirectoryError(f"{function}: {path} is a folder; {name} must be a file in one")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{function}: there is no folder {path.parent}; make it, or correct {name}")
    if there and not os.access(path, os.W_OK):
        raise PermissionError(f"{function}: {path} is write-protected; choose another path")
    return path


@contextmanager
def explain_failure(what, path):
    """Make errors name the file that was asked for, and not the temporary one."""
    try:
        yield
    except OSError as error:
        reason = f"{what} cannot be written: {error.strerror or error}"
        raise OSError(error.errno, reason, str(path)) from None


@contextmanager
def temporary_file(path, content):
    """Write `content` to a temporary file next to `path`; the caller renames it into place.

    It is removed on exit if it was not renamed. One that a killed process left is in nobody's way, for each
    has another name; who owns the place next removes it.
    """
    part = path.with_name(f"{_hidden_name(path)}.{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb") as file:
            with suppress(OSError):  # there is no old one, or the disk knows no permissions
                shutil.copymode(path, part)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the new name without its content
        yield part
    finally:
        with suppress(OSError):
            part.unlink()


def write(path, content, what):
    """Write a file whole or not at all; an error says that `what` cannot be written."""
    with explain_failure(what, path), temporary_file(path, content) as part:
        os.replace(part, path)


def write_table(function, path, rows):
    """Write rows to a .csv file, as learning platforms and spreadsheets read it."""
    text = io.StringIO()
    for row in rows:
        # A spreadsheet would calculate what begins like a formula.
        cells = [f"'{cell}" if str(cell).startswith(FORMULA) else cell for cell in row]
        csv.writer(text, lineterminator="\n").writerow(cells)
    path = require_writable(function, "--csv", path, ".csv")
    write(path, text.getvalue().encode("utf-8-sig", "replace"), f"{function}: the table")


@contextmanager
def own_place(path, what, training=False):
    """Keep a path for this process until the end, and clear what killed ones left there.

    The lock is a file beside the path, and the system frees it however its process ends. Where no lock is to
    be had, as on some network drives, this goes on without one. Whoever saves is waited for; a `training`
    leaves its number in the lock, and is not.

    Raises
    ------
    FileExistsError
        If a training, of this process or another, keeps the path already.
    """
    lock = path.with_name(f"{_hidden_name(path)}.lock")
    descriptor, owner = _lock(lock, path, what), os.getpid()
    if descriptor is None:
        yield
        return
    _held.add(descriptor)
    try:
        with suppress(OSError):  # a full disk, or somebody else's lock file: it holds without a number
            os.ftruncate(descriptor, 0)
            if training:
                os.lseek(descriptor, 1, os.SEEK_SET)  # Windows locks the first byte for reading too
                os.write(descriptor, f"{os.getpid()} {platform.node()}".encode())
        for part in path.parent.glob(f"{glob.escape(_hidden_name(path))}.{'[0-9a-f]' * 16}.part"):
            with suppress(OSError):
                part.unlink()
        yield
    finally:
        if os.getpid() == owner:  # and no process that it forked
            try:
                with suppress(OSError):  # Windows removes no open file; it stays, and is in nobody's way
                    lock.unlink()  # still locked: who waits for it looks for another
            finally:
                _let_go(descriptor)


_held = set()  # descriptors of locks


def _let_go(*descriptors):
    """Close locks; a forked process closes all, or they would be held until it ends too."""
    for descriptor in descriptors or tuple(_held):
        _held.discard(descriptor)
        os.close(descriptor)


if hasattr(os, "register_at_fork"):  # Windows forks no processes
    os.register_at_fork(after_in_child=_let_go)


def _lock(lock, path, what):
    """Return the descriptor of the locked file `lock`, or None where there is no lock to be had."""
    from filelock import lock_descriptor  # here: `import nn_helpers` loads NumPy and nothing heavier

    give_up, known = time.monotonic() + PATIENCE, None
    while True:
        if (descriptor := _open_lock(lock)) is None:
            return None
        locked = False
        try:
            locked = lock_descriptor(descriptor, blocking=False) and _is_still(lock, descriptor)
            holder = None if locked else _holder(descriptor)
        except OSError:  # this file system knows no locks
            return None
        finally:
            if not locked:
                os.close(descriptor)
        if locked:
            return descriptor
        # What one look finds, a killed process may have left that the present holder is about to replace.
        if (holder is not None and holder == known) or time.monotonic() > give_up:
            raise FileExistsError(
                f"{what} cannot be written: {holder or 'another program'} writes to {path}. "
                "Wait until it has ended, or name another path"
            )
        known = holder
        time.sleep(0.01 if holder is None else 0.1)


def open_plain(path, flags=os.O_RDONLY):
    """Return a descriptor of a file with one name, never waiting; OSError for a link, a pipe or a device."""
    descriptor = os.open(path, flags | PLAIN, 0o666)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_nlink < 2:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is a link, a pipe or a device, and no file", str(path))


def _open_lock(lock):
    """Return a descriptor of a lock file; None if there can be none, or something else has its name."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):  # somebody else's may only be read
        with suppress(OSError):
            return open_plain(lock, flags)
    return None


def _is_still(lock, descriptor):
    """Say whether the file of this name is the one that is open: who had it before may have removed it."""
    with suppress(OSError):
        return os.path.samestat(os.lstat(lock), os.fstat(descriptor))
    return False


def _holder(descriptor):
    """Return in words which training holds a lock, or None if that is not known."""
    with suppress(OSError):
        os.lseek(descriptor, 1, os.SEEK_SET)
        if found := re.fullmatch(rb"(\d{1,10}) ([\w.-]{0,64})", os.read(descriptor, 99)):
            process, computer = (part.decode() for part in found.groups())
            if computer != platform.node():
                return f"a training in process {process} on {computer}"
            this = ", which is this one," if int(process) == os.getpid() else ""
            return f"a training in process {process}{this}"
    return None


def _hidden_name(path):
    """Return how the names of what stands beside a file for a while begin: its own, and no other file's.

    In lower case: Run and run are one file on many disks.
    """
    return f".{path.name[:50]}.{zlib.crc32(os.fsencode(path.name.lower())):08x}"
