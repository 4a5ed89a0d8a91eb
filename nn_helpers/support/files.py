"""Files that are written whole or not at all, whenever the process or the power ends."""

import glob
import os
import secrets
import shutil
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path


def expand_user(function, name, path):
    """Return a path with the home folder in the place of its ``~``."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{function}: {name} must be a path, as text or a pathlib.Path, got {path!r}")
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
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FileExistsError(f"{function}: {path} is a pipe or a device, and no file; choose another path")
    if path.is_dir():
        raise IsADirectoryError(f"{function}: {path} is a folder; {name} must be a file in one")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{function}: there is no folder {path.parent}; make it, or correct {name}")
    if path.exists() and not os.access(path, os.W_OK):
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

    It is removed on exit if it was not renamed. One that a killed process left is in nobody's way: each has
    another name.
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


@contextmanager
def own_place(path, what):
    """Keep a path for this process until the end, and clear what killed ones left there.

    The lock is beside the path, and the system frees it however its process ends. Where no lock is to be had,
    as on some network drives, this goes on without one.

    Raises
    ------
    FileExistsError
        If another process, or this one, keeps the path already.
    """
    import filelock  # here: `import nn_helpers` loads NumPy and nothing heavier

    lock = filelock.FileLock(path.with_name(f"{_hidden_name(path)}.lock"), blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise FileExistsError(
            f"{what} cannot be written: a training that goes on at this moment writes to {path}. "
            "Wait until it has ended, or name another path"
        ) from None
    except OSError:
        yield
        return
    try:
        for part in path.parent.glob(f"{glob.escape(_hidden_name(path))}.*.part"):
            with suppress(OSError):
                part.unlink()
        yield
    finally:
        with suppress(OSError):
            os.unlink(lock.lock_file)  # still held: who waits for it looks for another
        lock.release()


def _hidden_name(path):
    """Return how the names of what stands beside a file for a while begin: its own, and no other file's."""
    return f".{path.name[:50]}.{zlib.crc32(os.fsencode(path.name)):08x}"
