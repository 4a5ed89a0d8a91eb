"""Download CIFAR-10 once: from the first server that delivers, continuing what an earlier attempt began.

No library that downloads files continues one that broke off on another server, so this is done by hand.
"""

import errno
import hashlib
import os
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from nn_helpers.data.cifar10 import (
    FILES,
    WAYS_TO_GET_IT,
    archive_errors,
    archive_members,
    cache_dir,
    file_size,
    read_copy,
)
from nn_helpers.support.files import PLAIN, expand_user

ARCHIVE = "cifar-10-binary.tar.gz"
WHOLE = f"{ARCHIVE}.whole"  # the downloaded one, not to be taken for one that somebody put there
ARCHIVE_SIZE = 170_052_171
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
# The original comes last: since June 2026 it sends some 70 kB/s, which makes 40 minutes and more.
# The checksum makes every server as good as the original.
MIRRORS = (
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
)
TIMEOUT = 10, 30  # seconds to connect, and without a single byte
LEAST_RATE = 10_000  # bytes a second, or the next server is asked; the slowest lines bring five times that
BUSY = 429, 500, 502, 503, 504  # answers that may change in a moment
NO_LOCKS = errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL
UNWRITABLE = PermissionError, FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError
# A disk that is read-only, and what stands where a file should be: a link, a pipe, a link to another disk
UNWRITABLE_NUMBERS = errno.EROFS, errno.ELOOP, errno.ENXIO, errno.EXDEV
PAUSE = 2  # seconds before a busy server is asked again


def download_cifar10(root=None, progress=True):
    """Download CIFAR-10 in its binary layout (170 MB, 184 MB unpacked), unless it is already there.

    A download that breaks off leaves ``cifar-10-binary.tar.gz.part`` behind, and the next call continues it.
    The archive's sha256 is checked before anything is unpacked; afterwards the archive is removed. One that
    you put there yourself is used as it is: nothing is downloaded, and it stays unchanged.

    A server that sends less than 10 kB a second for half a minute is given up, and the next one goes on where
    it ended; at that rate it would take five hours.

    Parameters
    ----------
    root : path, optional
        The folder to put it in. Without it, the folder where `load_cifar10` looks first: the environment
        variable ``CIFAR10_DIR``, or else `cache_dir`.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Path
        The folder with ``data_batch_1.bin`` … ``test_batch.bin`` in it, or the archive that was there.

    Raises
    ------
    TypeError
        If `root` is no path.
    ValueError, FileNotFoundError
        If an archive was there that is damaged or lacks files. The message says what to do.
    ConnectionError
        If no server delivers it. The message says what each of them did.
    OSError
        If the disk is full or the folder cannot be written to. The message says what to do.
    """
    name = "root" if root else "CIFAR10_DIR"
    asked = root or os.environ.get("CIFAR10_DIR") or cache_dir()
    folder = expand_user("download_cifar10", name, asked).absolute()
    target = folder / "cifar-10-batches-bin"
    for complete in (folder, target):
        if _is_complete(complete):
            _clear(folder)
            return complete
    for archive in (folder / ARCHIVE, folder / ARCHIVE.removesuffix(".gz")):
        if archive.is_file():
            read_copy(archive)
            return archive
    with _explain_disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_what_is_not_ours(folder)
        with _wait_for_others(folder, progress):
            if not _is_complete(target):  # another process may have brought it while this one waited
                archive = _fetch(folder, progress)
                _unpack(archive, target)
                with suppress(OSError):  # all that matters is there
                    archive.unlink()
    return target


def _is_complete(folder):
    return all(_size(folder / f"{name}.bin") == file_size() for name in FILES)


def _clear(folder):
    """Remove what a killed download left behind, unless another process works with it."""
    import filelock

    left = [folder / name for name in (f"{ARCHIVE}.part", WHOLE, "cifar-10-batches-bin.part")]
    if not any(map(os.path.lexists, left)):
        return
    with suppress(OSError), filelock.FileLock(_lock_file(folder), timeout=0, preserve_lock_file=True):
        _refuse_what_is_not_ours(folder)
        for path in left:
            path.unlink(missing_ok=True) if path.is_file() else shutil.rmtree(path, ignore_errors=True)


def _lock_file(folder):
    return folder / f"{ARCHIVE}.lock"


def _refuse_what_is_not_ours(folder):
    """Refuse links, pipes and folders in the place of our own files: they lead elsewhere, or wait."""
    for path in (folder / ARCHIVE, folder / f"{ARCHIVE}.part", folder / WHOLE, _lock_file(folder)):
        if os.path.lexists(path):
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise FileExistsError(errno.EEXIST, f"{path.name} in it is a link, a folder or a pipe")


def _open_ours(path, flags):
    """Open a file as `open` does, but follow no link and wait at no pipe that came there meanwhile."""
    return os.open(path, flags | PLAIN, 0o666)


def _size(path):
    return os.path.getsize(path) if os.path.isfile(path) else 0


def _fetch(folder, progress):
    """Return the archive's path, downloaded and verified."""
    from nn_helpers.data.servers import MirrorError  # here, because only a download needs it

    part, whole = folder / f"{ARCHIVE}.part", folder / WHOLE
    there = max(_size(part), _size(whole))
    still_needed = ARCHIVE_SIZE - min(there, ARCHIVE_SIZE) + len(FILES) * file_size()
    if shutil.disk_usage(folder).free < still_needed:
        raise OSError(errno.ENOSPC, "the disk is too full")
    if _is_right(whole):
        return whole
    reasons = []
    for url in MIRRORS:
        try:
            if _bring(url, part, progress):
                os.replace(part, whole)
                return whole
        except MirrorError as error:
            reasons.append(f"  {urlsplit(url).netloc}: {error}")
    kept = "Nothing was kept."
    if _size(part):
        kept = f"{_size(part):,} of {ARCHIVE_SIZE:,} bytes are in {part}; the next call goes on from there."
    raise ConnectionError("\n".join(["CIFAR-10 could not be downloaded:", *reasons, kept, WAYS_TO_GET_IT]))


def _bring(url, part, progress):
    """Return True once a server has brought `part` to what it should be, or raise a MirrorError."""
    from nn_helpers.data.servers import MirrorError, Watch

    with Watch(LEAST_RATE, TIMEOUT[1]) as watch:
        for attempt in range(2):
            begun_before = _size(part) > 0
            try:
                _continue(url, part, progress, watch)
            except MirrorError as error:
                if not error.busy or attempt:
                    raise
                time.sleep(PAUSE)
                continue
            if _is_right(part):
                return True
            part.unlink()
            if not begun_before:
                break
            # The fault may lie in what was there before this server, so it may try once more.
    raise MirrorError("wrong checksum; the file was removed")


def _is_right(path):
    """Whether a file is the archive itself, by its checksum."""
    if _size(path) != ARCHIVE_SIZE:
        return False
    with open(path, "rb", opener=_open_ours) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == ARCHIVE_SHA256


def _continue(url, part, progress, watch):
    """Bring `part` to its full length, asking the server only for what is missing.

    All servers continue the same part, whoever began it: if their files differ, the checksum will show it.
    """
    from nn_helpers.data.servers import MirrorError, ask

    if _size(part) > ARCHIVE_SIZE:
        part.unlink()
    have = _size(part)
    # "identity": some servers mistake the archive's gzip for the connection's, and would send it unpacked.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        if have < ARCHIVE_SIZE:
            with ask(url, headers, TIMEOUT, watch) as answer:
                _receive(answer, part, have, progress)
        if _size(part) != ARCHIVE_SIZE:
            raise MirrorError("sent no more")
    except MirrorError as error:
        broke_at = f" after {_size(part):,} of {ARCHIVE_SIZE:,} bytes" if _size(part) != have else ""
        raise MirrorError(f"{error}{broke_at}", error.busy) from None


def _receive(answer, part, have, progress):
    """Append to `part` what it lacks: what the server sends, or the rest of it where it sends everything."""
    from tqdm.auto import tqdm

    from nn_helpers.data.servers import MirrorError

    headers = answer.headers
    if answer.status == 206:
        at = have
        if headers.get("Content-Range") != f"bytes {have}-{ARCHIVE_SIZE - 1}/{ARCHIVE_SIZE}":
            raise MirrorError(f"sends a part of something else ({headers.get('Content-Range')})")
    elif answer.status == 200:
        at = 0
        if "html" in headers.get("Content-Type", ""):
            raise MirrorError("sends a web page instead (does this network want a login first?)")
        if headers.get("Content-Length", str(ARCHIVE_SIZE)) != str(ARCHIVE_SIZE):
            raise MirrorError(f"sends {headers['Content-Length']} bytes, the archive has {ARCHIVE_SIZE}")
    else:
        busy = answer.status in BUSY
        raise MirrorError(f"answers {answer.status} {answer.reason}", busy)

    def read():
        return answer.read(min(1 << 14, ARCHIVE_SIZE - at))

    chunk = read()
    if not at and not chunk.startswith(b"\x1f\x8b"):
        raise MirrorError("sends something that is no archive")
    bar = tqdm(
        desc=urlsplit(answer.url).netloc, total=ARCHIVE_SIZE, initial=at, unit="B", unit_scale=True,
        disable=not progress,
    )  # fmt: skip
    with bar, open(part, "ab", opener=_open_ours) as file:
        while chunk:
            file.write(chunk[max(0, have - at) :])  # an earlier part is never given up for a shorter one
            at += len(chunk)
            bar.update(len(chunk))
            chunk = read()
        file.flush()
        os.fsync(file.fileno())


def _unpack(archive, target):
    """Unpack the seven files by name. Each appears in `target` complete or not at all."""
    staging = target.with_name(f"{target.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    missing = ["batches.meta.txt", *(f"{name}.bin" for name in FILES)]
    try:
        with archive_errors(archive):
            for name, size, stream in archive_members(archive):
                if name not in missing:
                    continue
                missing.remove(name)
                right = size < 1000 if name == "batches.meta.txt" else size == file_size()
                if not right:
                    raise ValueError(f"{archive}: {name} in it has {size:,} bytes")
                with open(staging / name, "xb") as file:
                    shutil.copyfileobj(stream, file, 1 << 20)
                    file.flush()
                    os.fsync(file.fileno())
        if missing:
            raise ValueError(f"{archive}: no {', no '.join(missing)} in it")
        target.mkdir(exist_ok=True)
        for path in list(staging.iterdir()):
            os.replace(path, target / path.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _explain_disk_errors(folder):
    """Say what to do when the disk is full or the folder cannot be written to."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            needed = ARCHIVE_SIZE + len(FILES) * file_size()
            there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
            reason = (
                f"download_cifar10 needs {needed / 1e6:,.0f} MB in {folder}, less what it has there already; "
                f"{shutil.disk_usage(there).free / 1e6:,.0f} MB are free. Make room and call it again, or "
                "pass root= for another disk"
            )
        elif isinstance(error, UNWRITABLE) or error.errno in UNWRITABLE_NUMBERS:
            reason = (
                f"download_cifar10 cannot write to {folder} ({error.strerror or 'no permission'}). Pass "
                "root= for a folder of yours, or set the environment variable CIFAR10_DIR to one"
            )
        else:
            raise
        raise OSError(error.errno or errno.EACCES, reason) from None


@contextmanager
def _wait_for_others(folder, progress):
    """Wait until no other process downloads to `folder`: two would write into one part."""
    import filelock  # here, because only a download needs it

    # The system frees it however its process ends; its file stays, for another process may wait at it.
    lock = filelock.FileLock(_lock_file(folder), preserve_lock_file=True)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        if progress:
            print("Another process is downloading CIFAR-10 already; waiting for it.")
        lock.acquire(poll_interval=0.2)
    except OSError as error:
        if error.errno not in NO_LOCKS:  # some network drives have none; better to go on there without
            raise
    try:
        yield
    finally:
        lock.release()
