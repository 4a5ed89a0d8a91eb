"""Files that are written whole or not at all, whenever the process or the power ends."""

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

from nn_helpers._arguments import expanded


def followed(function, name, path, suffix):
    """Return the path in full; a link is followed, so that what it names is read or replaced."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f'{function}: {name} must be a path such as "run{suffix}", got {path!r}')
    return Path(os.path.realpath(expanded(function, name, path)))


def writable(function, name, path, suffix):
    """Return the path in full, or say why no such file can be written; then only the disk may refuse it."""
    given, path = path, followed(function, name, path, suffix)
    file = os.path.basename(given)
    lower = file.lower()
    if lower == suffix:
        raise ValueError(f"{function}: {name} needs a name before {suffix}, got {file!r}")
    if not lower.endswith(suffix):
        raise ValueError(f"{function}: {name} must end in {suffix}, got {file!r}")
    if path.is_dir():
        raise IsADirectoryError(f"{function}: {path} is a folder; {name} must be a file in one")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{function}: there is no folder {path.parent}; make it, or correct {name}")
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(f"{function}: {path} is write-protected; choose another path")
    return path


@contextmanager
def failure_explained(what, path):
    """Name the file that was asked for, and not the one that stands in for it until it is complete."""
    try:
        yield
    except OSError as error:
        reason = f"{what} cannot be written: {error.strerror or error}"
        raise OSError(error.errno, reason, str(path)) from None


@contextmanager
def complete(path, content):
    """Write a file of its own beside `path`, to be given its name, and remove it at the end if it was not.

    A file that a killed process left keeps nobody from writing: each has another name.
    """
    part = path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.part")
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
