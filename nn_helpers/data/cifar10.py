"""CIFAR-10: 60,000 colour photographs in ten classes, from wherever this computer already has them."""

import glob
import os
import tarfile
import warnings
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from nn_helpers.data.archives import OtherFileError, members
from nn_helpers.data.dataset import Dataset, Split
from nn_helpers.support.files import expand_user

NO_HOME = "no home folder is known here"
FILES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
RECORDS_PER_FILE = 10_000
PIXELS = 3 * 32 * 32

WAYS_TO_GET_IT = """\
Three ways to get CIFAR-10:
  1. Download it (170 MB): download_cifar10() in Python; `python -m nn_helpers data` or `make data` in a
     terminal.
  2. Copy it, a folder or an archive, from somebody who has it: data_batch_1 … test_batch, with or without
     .bin; single images, such as .png, and CIFAR-100 are not read. Then load_cifar10(root="that/folder"),
     or set the environment variable CIFAR10_DIR to that folder.
  3. Go on without it: load_images() gives you the built-in sketches of the same ten classes."""

_FRESH_COPY = "Delete it, or move it away; then copy it afresh, or run download_cifar10()."
# For what may be whole: nobody is told to delete it.
_ANOTHER = "Give another folder or archive, or move this one away and run download_cifar10()."

# Where in a folder a copy may be; "" is the folder itself.
INSIDE = (
    "",
    "cifar-10-batches-bin",
    "cifar-10-batches-py",  # torchvision, Keras 2
    "cifar-10-batches-py/cifar-10-batches-py",  # Keras 3, early versions
    "cifar-10-batches-py-target/cifar-10-batches-py",  # Keras 3
    "cifar-10-batches-py_archive",
    "cifar-10-batches-py-target_archive",
)


def load_cifar10(root=None):
    """Load CIFAR-10, complete and in its original order.

    Reads the binary layout (``data_batch_1.bin`` …) and the Python layout (``data_batch_1`` …), each as a
    folder, a ``.tar.gz`` or a ``.tar``; the pickles of the Python layout are read without being run.

    Parameters
    ----------
    root : path, optional
        A folder with a copy of CIFAR-10 in it, or the copy itself. Without it, the environment variable
        ``CIFAR10_DIR`` says where. Either is the only place looked in. With neither, these are:
        `cache_dir`, and where Keras and torchvision usually keep theirs. Of several copies the first good
        one is taken; the damaged ones before it are warned of.

    Returns
    -------
    Dataset
        50,000 training and 10,000 test images, uint8 (N, 32, 32, 3); labels int64. `val` is empty.

    Raises
    ------
    TypeError
        If `root` is no path.
    FileNotFoundError
        If there is no copy, or none that has all files.
    ValueError
        If there are copies, and all are damaged or lack files.
    """
    _, data, damaged = first_good_copy(root)
    for message in damaged:
        warnings.warn(f"load_cifar10 passed over a damaged copy: {message}", stacklevel=2)
    return data


def first_good_copy(root=None):
    """Return where the first good copy is, its images, and what is wrong with the copies before it."""
    asked, places = _places(root)
    damaged, kinds = [], set()
    for copy in find_copies(root):
        try:
            return copy, read_copy(copy), damaged
        except (ValueError, OSError) as error:  # as text: an error would keep 180 MB of arrays alive
            damaged.append(str(error))
            kinds.add(type(error))
    if damaged:
        kind = FileNotFoundError if kinds == {FileNotFoundError} else ValueError
        raise kind("\n".join(["load_cifar10 found no good copy:", *damaged, WAYS_TO_GET_IT]))
    raise FileNotFoundError(_nothing_found(root, asked, places))


def cache_dir():
    """Return the folder `download_cifar10` keeps its files in.

    It is the operating system's folder for caches, unless the environment variable ``NN_HELPERS_CACHE``
    names another.
    """
    if os.environ.get("NN_HELPERS_CACHE"):
        return expand_user("cache_dir", "NN_HELPERS_CACHE", os.environ["NN_HELPERS_CACHE"])
    from platformdirs import user_cache_dir  # takes longer to import than all of this module

    with suppress(RuntimeError):
        place = Path(user_cache_dir("nn_helpers"))
        if place.is_absolute():  # older ones leave ~ as it is
            return place
    raise FileNotFoundError(
        f"cache_dir: {NO_HOME}; set the environment variable NN_HELPERS_CACHE or CIFAR10_DIR to a folder"
    )


def find_copies(root=None):
    """Return the folders and archives that look like CIFAR-10, in the order `load_cifar10` tries them."""
    _, places = _places(root)
    return [copy for place in places for copy in _copies_in(place)]


def _places(root):
    name = "root" if root is not None else "CIFAR10_DIR"
    asked = root if root is not None else (os.environ.get("CIFAR10_DIR") or None)
    return asked, _usual_places() if asked is None else [expand_user("load_cifar10", name, asked)]


def file_size():
    """Bytes in each file of the binary layout: a record is one byte of label and 3,072 of image."""
    return RECORDS_PER_FILE * (1 + PIXELS)


def _usual_places():
    keras = os.environ.get("KERAS_HOME") or "~/.keras"
    # torchvision leaves the choice to its user; these three are what its tutorials choose.
    places = [os.path.expanduser(place) for place in (f"{keras}/datasets", "data", "../data", "~/data")]
    places = [
        Path(place) for place in places if not place.startswith("~")
    ]  # ~ stays: no home folder is known
    try:
        return [cache_dir(), *places]
    except FileNotFoundError:
        if os.environ.get("NN_HELPERS_CACHE"):
            raise
        return places


def _copies_in(place):
    """Yield the folders and archives in `place` that look like CIFAR-10."""
    archives = [n for n in glob.glob("cifar-10-*", root_dir=place) if n.endswith((".tar", ".gz", ".tgz"))]
    archives.sort(key=lambda name: (len(name), name))  # a browser's second one is longer: (1)
    for path in (place / inside for inside in (*INSIDE, *archives)):
        if os.path.isfile(path) or any(
            os.path.isfile(path / (name + end)) for name in FILES for end in (".bin", "")
        ):
            yield path


def _nothing_found(root, asked, places):
    message = "load_cifar10 found no CIFAR-10. It looked in\n"
    message += "".join(
        f"  {at.absolute()}{'' if os.path.exists(at) else ' (does not exist)'}\n" for at in places
    )
    if root is not None:
        message += "and nowhere else, because root= names it.\n"
    elif asked is not None:
        message += "and nowhere else, because CIFAR10_DIR names it (download_cifar10() would put it there).\n"
    elif os.path.expanduser("~") == "~":
        message += (
            f"and not in a cache, because {NO_HOME}: set CIFAR10_DIR or NN_HELPERS_CACHE to a folder.\n"
        )
    return message + WAYS_TO_GET_IT


def read_copy(copy):
    """Read a folder or an archive, file by file, into two arrays made once: nothing is in memory twice."""
    if copy.is_file() and copy.name.removesuffix(".bin") in (*FILES, "batches.meta", "batches.meta.txt"):
        raise ValueError(
            f"{copy}: this is one file of a copy. Give the folder that it is in: root={str(copy.parent)!r}"
        )
    N = RECORDS_PER_FILE
    images = np.empty((len(FILES) * N, 32, 32, 3), np.uint8)
    labels = np.empty(len(FILES) * N, np.int64)
    missing = list(FILES)
    with archive_errors(copy):
        for name, size, stream in _files_in(copy):
            batch = name.removesuffix(".bin")
            if batch not in missing:
                continue
            missing.remove(batch)
            read = _read_python if name == batch else _read_binary
            here = slice(FILES.index(batch) * N, (FILES.index(batch) + 1) * N)
            try:
                read(stream, size, images[here], labels[here])
            except ValueError as error:
                cut = read is _read_binary and size <= file_size()
                raise ValueError(f"{copy / name}: {error}. {_FRESH_COPY if cut else _ANOTHER}") from None
    if missing:
        advice = "Copy what is missing, or run download_cifar10()."
        if copy.is_file():
            advice = _FRESH_COPY if len(missing) < len(FILES) else _ANOTHER
        raise FileNotFoundError(
            f"{copy}: no {', no '.join(missing)} in it; CIFAR-10 is {len(FILES)} files. {advice}"
        )
    train = slice(0, (len(FILES) - 1) * N)
    test = slice(train.stop, None)
    return Dataset("CIFAR-10", Split(images[train], labels[train]), test=Split(images[test], labels[test]))


def _files_in(copy):
    """Yield name, size and open stream of each file in a folder or an archive."""
    if copy.is_file():
        yield from archive_members(copy)
        return
    end = ".bin" if any((copy / f"{name}.bin").is_file() for name in FILES) else ""
    for path in (copy / (name + end) for name in FILES):
        if path.is_file():
            with open(path, "rb") as stream:
                yield path.name, path.stat().st_size, stream


def archive_members(archive):
    """Yield name, size and open stream of each regular file in an archive; nothing is unpacked to disk."""
    return members(archive, 2 * len(FILES) * file_size() + 10_000_000)


@contextmanager
def archive_errors(archive):
    """Turn what is raised while an archive is read into a ValueError that says what to do."""
    try:
        yield
    except (EOFError, tarfile.TarError, zlib.error) as error:
        raise ValueError(f"{archive}: cut short or damaged ({error}). {_FRESH_COPY}") from None
    except OtherFileError as error:
        raise ValueError(f"{archive}: this is no archive of CIFAR-10: {error}. {_ANOTHER}") from None


def _read_binary(stream, size, images, labels):
    """Read records of one label byte and 3,072 pixel bytes: the red ones, the green ones, the blue ones."""
    N = len(labels)
    if size != file_size():
        reason = "it was cut short" if size < file_size() else "it is another file"
        raise ValueError(
            f"it has {size:,} byte{'s' * (size != 1)}, not the {file_size():,} of {N:,} records: {reason}"
        )
    buffer = np.empty((1000, 1 + PIXELS), np.uint8)
    for start in range(0, N, 1000):
        records = buffer[: N - start]
        if stream.readinto(records) != records.nbytes:
            raise ValueError(f"it ends in the middle of records {start} to {start + len(records) - 1}")
        here = slice(start, start + len(records))
        wrong = np.flatnonzero(records[:, 0] > 9)
        if len(wrong):
            label = records[wrong[0], 0]
            raise ValueError(f"record {start + wrong[0]} of {N:,} has label {label}; labels are 0 to 9")
        labels[here] = records[:, 0]
        _interleave(records[:, 1:], images[here])


def _read_python(stream, size, images, labels):
    """Read a batch of the Python layout: pixels as in the binary layout, labels apart."""
    N = len(labels)
    if size > 2 * N * PIXELS + 2_000_000:  # 31 MB; up to 1.5 times that where Python 3 saved it for Python 2
        raise ValueError(
            f"{size:,} bytes, but a batch of {N:,} images has a little more than {file_size():,}"
        )
    pixels = images.reshape(N, PIXELS)  # the rows are read to where the images will be, and turned there
    from nn_helpers.data.pickles import read_batch  # here: `import nn_helpers` has no need of pickletools

    labels[:] = read_batch(stream, pixels)
    for start in range(0, N, 1000):
        here = slice(start, start + 1000)
        _interleave(pixels[here].copy(), images[here])


def _interleave(pixels, images):
    """Turn rows of 1,024 red, 1,024 green and 1,024 blue values into images."""
    planes = pixels.reshape(-1, 3, 32, 32)
    for channel in range(3):  # three times as fast as one assignment of the transposed planes
        images[..., channel] = planes[:, channel]
