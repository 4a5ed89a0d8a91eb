"""Files of networks and of trainings: safetensors for the arrays, JSON for all else, and no pickle.

A file's arrays are the parameters by name: ``W1`` (D, M), ``b1`` (M,), …; its metadata has two entries.
``nn_helpers`` is JSON: ``format``, a number; ``versions``; ``network``, the arguments that make the network;
and, in a checkpoint of a training, ``training``. ``crc32`` is the checksum of that text and of all arrays.

A checkpoint is a saved network with more arrays: ``optimizer.M`` (P,), … for what the optimizer remembers,
``history`` (steps, 11) with the columns `COLUMNS`, and ``best`` (P,), the best parameters so far. P counts
all parameters. Its ``training`` holds ``settings``, what a resumed run must share; ``steps``; ``t``, the
optimizer's own count; ``generators``, the random generators' states; and ``best_accuracy``.

Reference: https://huggingface.co/docs/safetensors
"""

import copy
import json
import math
import os
import sys
import zlib
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from nn_helpers._arguments import choice, number, printable, whole_number
from nn_helpers._files import complete, failure_explained, followed, writable
from nn_helpers._warnings import warn

FORMAT = 1
SUFFIX = ".safetensors"
CUSTOM = "custom"  # what is stored for an init that is a function
# Of `history`, in this order; val_loss and val_accuracy are NaN at steps that were not validated.
COLUMNS = (
    "step", "epoch", "loss", "data_loss", "reg_loss", "accuracy", "lr", "seconds", "epoch_ends",
    "val_loss", "val_accuracy",
)  # fmt: skip
DTYPES = {"float32": "F32", "float64": "F64"}  # NumPy's names and those in a file
# Attributes of an optimizer or a schedule that are looked at; others may lead to all the world
COMPARED = (bool, int, float, str, list, tuple, np.ndarray, np.generic)
DATA_CHUNK = 1000  # examples that a fingerprint looks at together


# Networks


def save_network(net, path):
    """Write a network's architecture and parameters to a new file, or over an old one."""
    path = writable("save", "path", path, SUFFIX)
    with failure_explained("save: the network", path):
        _write(path, dict(net.params), _about(net))


def load_network(path):
    """Return the arguments that make a saved network, and its parameters by name.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the file is damaged, or was not written by this module.
    """
    path = followed("load", "path", path, SUFFIX)
    if not path.exists():
        raise FileNotFoundError(f"load: there is no file {path}")
    about, arrays = _read(path)
    return about["network"], {name: arrays[name] for name in _parameters(about["network"])}


def _about(net):
    from nn_helpers import __version__  # here: the package is complete by now

    python = ".".join(map(str, sys.version_info[:3]))
    versions = {"nn_helpers": __version__, "numpy": np.__version__, "python": python}
    network = {**net.config, "dtype": net.dtype.name, "init": CUSTOM if callable(net.init) else net.init}
    return {"format": FORMAT, "versions": versions, "network": network}


# Trainings


class TrainingRun:
    """One training as its checkpoints see it: what they hold is looked up when one is written.

    Parameters
    ----------
    net : ClassificationNet
    data : Dataset or ArrayDataset
    optimizer : Optimizer
    rng : numpy.random.Generator
        Of the order of examples and of augmentation.
    records : list of Record
        Grows while training goes on.
    best : object with `theta` and `accuracy`
    arguments : dict
        Those of `train` that a resumed run must share.
    path : path, optional
        Where checkpoints are written; without it none are.
    every : int, optional
        Write after every so many steps; without it, after each epoch.
    resume : path, optional
        What will be resumed. No other file may be at `path`, except a training's before its first step.
    """

    def __init__(
        self, net, data, optimizer, rng, records, best, arguments, path=None, every=None, resume=None
    ):
        if path is None and every is not None:
            raise ValueError("train: checkpoint_every needs a checkpoint, the path to write to")
        self.net, self.data, self.optimizer, self.rng = net, data, optimizer, rng
        self.records, self.best, self.arguments = records, best, arguments
        self.path = None if path is None else writable("train", "checkpoint", path, SUFFIX)
        if self.path is not None:
            with (
                failure_explained("train: the checkpoint", _previous(self.path)),
                suppress(FileNotFoundError),
            ):
                os.lstat(_previous(self.path))  # its name is longer, and may be too long
        self.every = None if every is None else whole_number("train", "checkpoint_every", every, 1)
        self.resumes = None if resume is None else followed("train", "resume", resume, SUFFIX)
        if path is not None and self.resumes != self.path:
            for there in (self.path, _previous(self.path)):
                if there != self.resumes:
                    _refuse_to_replace(there)
        self._now = self._epoch_began = rng.bit_generator.state
        self._rows = np.empty((0, len(COLUMNS)))
        self._written = self._failed = None  # the last step that was, and the first that could not be
        self._unreadable = None  # a file that is not worth keeping as the previous one

    @cached_property
    def _data(self):
        return {part: _fingerprint(getattr(self.data, part)) for part in ("train", "val")}

    @cached_property
    def settings(self):
        """What decides every number of this training, as it is before the first step and as JSON gives it."""
        generators = {"order": self.rng, "dropout": self.net._rng}
        seed = self.arguments["seed"]
        settings = {
            "functions of your own": [
                k for k, f in self.net.functions.items() if f is not self.net._library[k]
            ],
            "optimizer": {
                **_attributes(self.optimizer),
                **self.optimizer._options(),
                "lr": _attributes(self.optimizer.lr),
            },
            "data": self._data,
            "generators": {k: type(rng.bit_generator).__name__ for k, rng in generators.items()},
            "one generator for both": self.net._rng is self.rng,
            **self.arguments,
            "seed": seed if isinstance(seed, int | np.integer) else None,
        }
        return json.loads(_as_json(settings))

    def resume(self, epochs, steps):
        """Take up the checkpoint: nothing is changed unless all of it fits.

        Parameters
        ----------
        epochs : int
            Of the whole run.
        steps : int
            Of an epoch.

        Returns
        -------
        records : list of dict
            The arguments of each step's `Record`.
        generator : dict
            The state of `rng` after the last of them; `rng` itself is as the epoch found it.

        Raises
        ------
        FileNotFoundError
        ValueError
            If the file and the one before it cannot be read, or hold another training.
        """
        (about, arrays), read = self._newest(self.resumes)
        training, history = about["training"], arrays["history"]
        with _damage_explained(read):
            settings = _flat({"network": about["network"], **training["settings"]})
        self._refuse_another(read, settings)
        if len(history) > epochs * steps:
            raise ValueError(
                f"train: {read} has made {len(history)} steps, into epoch {-(-len(history) // steps)}, and "
                f"epochs allows {epochs * steps}; it counts the whole run"
            )
        with _damage_explained(read):
            params = {name: arrays[name] for name in self.net.params}
            if not all(np.isfinite(array).all() for array in params.values()):
                raise ValueError("its parameters are not all finite numbers: there is nothing to go on from")
            states = training["generators"]
            order, now = (_state(self.rng, states[when]) for when in ("epoch_began", "now"))
            dropout = _state(self.net._rng, states["dropout"])
            _refuse_miscounted(history, steps)
            records = [_record(row) for row in history]
            t, accuracy = whole_number("train", "t", training["t"], 0), training["best_accuracy"]
            _refuse_other_memory(training["remembers"], self.optimizer, t)
            remembered = {name: arrays[f"optimizer.{name}"] for name in training["remembers"]}
            if accuracy is not None:
                accuracy = number("train", "best_accuracy", accuracy)
        self.net._rng.bit_generator.state = dropout
        self.rng.bit_generator.state = order  # after dropout's: they may be one generator
        self._epoch_began, self._now, self._rows = order, now, history
        self.net.params.update(params)
        self.optimizer.resume(t, remembered)
        if accuracy is not None:
            self.best.theta, self.best.accuracy = arrays["best"], accuracy
        return records, now

    def _newest(self, path):
        """Return what is in the checkpoint, or in the one before if it is damaged or gone, and its path."""
        previous, reasons = _previous(path), []
        for candidate in (path, previous):
            try:
                read = _read(candidate)
                if "training" not in read[0]:
                    raise OtherFileError(
                        f"{candidate}: a network and no training; ClassificationNet.load reads it"
                    )
            except OtherFileError as error:
                reasons.append(error)
                break
            except (ValueError, FileNotFoundError) as error:
                reasons.append(error)
                continue
            if reasons:
                self._unreadable = path
                warn(f"train: {reasons[0]}. Going on from {previous}, step {read[0]['training']['steps']}")
            return read, candidate
        if not path.exists() and not previous.exists():
            raise FileNotFoundError(
                f"train: there is no checkpoint {path} to resume. A training that begins without resume, "
                "and with this path as its checkpoint, writes it"
            )
        also = [
            f". Nor can the one before it: {reason}"
            for reason in reasons[1:]
            if not isinstance(reason, FileNotFoundError)
        ]
        raise ValueError(f"train: this checkpoint cannot be resumed: {reasons[0]}{''.join(also)}")

    def _refuse_another(self, path, there):
        here = _flat({"network": _about(self.net)["network"], **self.settings})
        there["network init"] = here["network init"]  # the first weights are over
        if there.get("seed") is None or here["seed"] is None:  # a generator's state is in the file
            there["seed"] = here["seed"]
        other = [
            f"{name} is {there.get(name, 'missing')} there and {here.get(name, 'missing')} here"
            for name in {**there, **here}
            if there.get(name, "missing") != here.get(name, "missing")
        ]
        if other:
            raise ValueError(
                f"train: {path} is of another training: {printable('; '.join(other))}. Pass what that run "
                "began with, or begin a new one in another file"
            )

    def begin(self):
        """Write the first checkpoint. It fails before training does, while the path can be mended."""
        if self.path is None:
            return
        with failure_explained("train: the checkpoint", self.path):
            self._write()

    def after(self, record):
        """Look at a step that was made, and write a checkpoint if it is time for one."""
        if self.path is None:
            return
        self._now = self.rng.bit_generator.state
        if record.epoch_ends:
            self._epoch_began = self._now
        if record.epoch_ends if self.every is None else record.step % self.every == 0:
            self.write()

    def write(self):
        """Write a checkpoint of the last step, unless there is one; should that fail, warn.

        One warning is enough until one has been written again.
        """
        if self.path is None or self._written == len(self.records):
            return
        if not np.isfinite(self.net.theta).all():
            return  # nothing to go on from; the last checkpoint stays
        try:
            self._write()
            self._failed = None
        except (OSError, MemoryError) as error:
            if self._failed is None:
                self._failed = len(self.records)
                warn(
                    f"train: the checkpoint could not be written after step {self._failed} "
                    f"({str(error) or repr(error)}). {self.path} stays as it was after step {self._written}. "
                    "If training goes on, the next one is tried, without another warning"
                )

    def end(self):
        """Warn, if it was not said yet, when no checkpoint of the last step could be written."""
        if self._failed not in (None, len(self.records)):
            warn(
                f"train: training ended after step {len(self.records)}, and {self.path} stays as it was "
                f"after step {self._written}: no checkpoint could be written since"
            )

    def _write(self):
        self._rows = np.concatenate([self._rows, _rows(self.records[len(self._rows) :])])
        remembered = {f"optimizer.{name}": array for name, array in self.optimizer.state.items()}
        best = {} if self.best.theta is None else {"best": self.best.theta}
        training = {
            "settings": self.settings,
            "steps": len(self.records),
            "t": self.optimizer.t,
            "remembers": list(self.optimizer.state),
            "generators": {
                "epoch_began": self._epoch_began,
                "now": self._now,
                "dropout": self.net._rng.bit_generator.state,
            },
            "best_accuracy": self.best.accuracy if best else None,
        }
        arrays = {**self.net.params, **remembered, "history": self._rows, **best}
        about = {**_about(self.net), "training": training}
        _write(self.path, arrays, about, keep_previous=self.path != self._unreadable)
        self._written, self._unreadable = len(self.records), None


def _refuse_to_replace(path):
    """Refuse a path where there is something that a new training would write over."""
    if not path.exists():
        return
    go_on = ""
    try:
        about, _ = _read(path)
    except (ValueError, OSError) as error:
        found = error
    else:
        found, steps = f"{path} holds a network", about["training"]["steps"] if "training" in about else None
        if steps == 0:
            return
        if steps:
            found = f"{path} holds a training that stands at step {steps}"
            go_on = f'pass resume="{path}" (in a terminal --resume) to go on with it, or '
    raise FileExistsError(
        f"train: {found}. A new training would write over it: {go_on}delete it, or name another path as "
        "checkpoint"
    )


def _rows(records):
    """Return records as rows of `history`."""
    values = [[getattr(record, name) for name in COLUMNS] for record in records]
    return np.array(values, np.float64).reshape(-1, len(COLUMNS))  # None becomes NaN


def _record(row):
    """Return the arguments of a `Record` from a row of `history`."""
    values = dict(zip(COLUMNS, row.tolist(), strict=True))
    values |= {"step": int(values["step"]), "epoch": int(values["epoch"])}
    values["epoch_ends"] = bool(values["epoch_ends"])
    if math.isnan(values["val_accuracy"]):
        values["val_loss"] = values["val_accuracy"] = None
    return values


def _refuse_miscounted(history, steps):
    """Refuse a history that does not count steps and epochs, of so many steps, from 1."""
    step = np.arange(1, len(history) + 1)
    counted = {"step": step, "epoch": (step - 1) // steps + 1, "epoch_ends": step % steps == 0}
    for name, column in counted.items():
        if not np.array_equal(history[:, COLUMNS.index(name)], column):
            raise ValueError(f"damaged, its history does not count {name} as training does")


def _refuse_other_memory(names, optimizer, t):
    """Refuse what this optimizer does not remember after `t` steps; before the first it is nothing."""
    if sorted(names) != sorted(optimizer.remembers) and (names or t):
        raise ValueError(f"{type(optimizer).__name__} remembers {optimizer.remembers}, not {names}")
    if t > sys.maxsize:
        raise ValueError(f"no optimizer makes {t} steps")


def _fingerprint(split):
    """Return what tells one part of the data from another; 150 MB of pictures take a tenth of a second."""
    checksum = 0
    for start in range(0, len(split), DATA_CHUNK):
        chunk = slice(start, start + DATA_CHUNK)
        for array in (split.images[chunk], split.labels[chunk]):
            checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
    return {
        "examples": len(split),
        "shape of each": list(split.images.shape[1:]),
        "dtype": split.images.dtype.name,
        "checksum": f"{checksum:08x}",
    }


def _state(rng, state):
    """Return `state` as `rng` takes it; an error if it does not."""
    fresh = copy.deepcopy(rng).bit_generator
    fresh.state = state
    taken = fresh.state
    buffers = (
        (taken.get("buffer_pos"), taken.get("buffer")),
        (taken["state"].get("pos"), taken["state"].get("key")),
    )
    for position, buffer in buffers:  # NumPy would read what lies beyond the buffer, and crash
        if position is not None and not 0 <= position <= len(buffer):
            raise ValueError(f"the generator's state has position {position} in a buffer of {len(buffer)}")
    return taken


def _flat(settings, before=""):
    """Return nested dicts as one, ``{"network reg": 0.1, …}``."""
    flat = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{before}{name} ") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


def _attributes(thing):
    """Return kind and public attributes of an optimizer or a schedule; what has none, as it is."""
    if not hasattr(thing, "__dict__") or hasattr(thing, "__name__") or isinstance(thing, partial):
        return thing
    public = {name: value for name, value in vars(thing).items() if isinstance(value, COMPARED)}
    public = {name: value for name, value in public.items() if name[0] != "_" and name != "t"}
    return {"kind": type(thing).__name__, **public}


def _as_json(value):
    return json.dumps(value, default=_plain)


def _plain(value):
    """Return what JSON has no word for as something it has: functions are told apart by their names."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": type(value).__name__, **asdict(value)}
    if isinstance(value, partial):
        arguments = [*map(repr, value.args), *(f"{k}={v!r}" for k, v in value.keywords.items())]
        return f"{_plain(value.func)}({', '.join(arguments)})"
    return getattr(value, "__qualname__", type(value).__qualname__)


# Files


def _previous(path):
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _write(path, arrays, about, keep_previous=False):
    """Write a file that is at `path` complete or not at all, whenever the process or the power ends."""
    from safetensors.numpy import save  # here: `import nn_helpers` loads NumPy and nothing heavier

    text = _as_json(about)
    content = save(arrays, {"nn_helpers": text, "crc32": _checksum(text, arrays)})
    with complete(path, content) as part:
        keep = keep_previous and path.exists()
        try:
            if keep:
                _keep(path, _previous(path))
            os.replace(part, path)
        except BaseException:
            if keep and not path.exists():  # it was kept where the disk knows no links
                with suppress(OSError):
                    os.replace(_previous(path), path)
            raise
    _sync_folder(path.parent)


def _keep(path, previous):
    previous.unlink(missing_ok=True)
    try:
        os.link(path, previous)  # so that `path` is there at every moment
    except OSError:
        os.replace(path, previous)  # where the disk knows no links; for a moment only `previous` is there


def _sync_folder(folder):
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class OtherFileError(ValueError):
    """Somebody's file, which may be whole, but not what was looked for."""


def _read(path):
    """Return what the metadata tells and all arrays of a file that is what it claims to be.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is not; the message names the file.
    """
    from safetensors import SafetensorError, safe_open

    if path.exists() and not path.is_file():
        raise OtherFileError(f"{path}: this is a {'folder' if path.is_dir() else 'device and no file'}")
    with open(path, "rb"):  # safetensors calls a file missing when it may not be read
        pass
    with _damage_explained(path):
        try:
            with safe_open(path, framework="numpy") as file:
                text, checksum = _metadata(file.metadata() or {})
                about, names = json.loads(text), file.keys()
                found = {name: file.get_slice(name) for name in names}
                found = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in found.items()}
                _refuse_other_arrays(_layout(about), found)  # before they are looked at: they may be huge
                arrays = {name: file.get_tensor(name) for name in names}
        except SafetensorError as error:
            raise ValueError(f"no complete safetensors file ({error}); {_what_it_is(path)}") from None
        if _checksum(text, arrays) != checksum:
            raise ValueError("damaged, its checksum is not that of its content; use another copy")
    return about, arrays


@contextmanager
def _damage_explained(path):
    """Turn what unexpected content brings about into one kind of error, which names the file."""
    try:
        yield
    except ValueError as error:
        kind = OtherFileError if isinstance(error, OtherFileError) else ValueError
        raise kind(f"{path}: {printable(error)}") from None
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError) as error:
        reason = f"damaged, what it tells of itself makes no sense ({error!r})"
        raise ValueError(f"{path}: {printable(reason)}") from None


def _metadata(metadata):
    """Return the JSON text and the checksum."""
    if "nn_helpers" not in metadata:
        raise OtherFileError("not written by nn_helpers: it has arrays, and tells of no network")
    format_number = json.loads(metadata["nn_helpers"])["format"]
    if format_number != FORMAT:
        raise OtherFileError(
            f"format {format_number!r} is of another version of nn_helpers; this one reads {FORMAT}"
        )
    return metadata["nn_helpers"], metadata["crc32"]


def _parameters(network):
    """Return shape and dtype of each parameter of an architecture, by name."""
    sizes = [network["input_size"], *network["hidden_sizes"], network["num_classes"]]
    sizes = [whole_number("load", "each size", size, 1) for size in sizes]
    dtype, layout = DTYPES[choice("load", "dtype", network["dtype"], DTYPES)], {}
    for layer, (D, M) in enumerate(pairwise(sizes), start=1):
        layout |= {f"W{layer}": ((D, M), dtype), f"b{layer}": ((M,), dtype)}
    return layout


def _layout(about):
    """Return shape and dtype of every array that a file must have, by name."""
    layout = _parameters(about["network"])
    if "training" in about:
        training, P = about["training"], sum(math.prod(shape) for shape, _ in layout.values())
        vector = (P,), DTYPES[about["network"]["dtype"]]
        layout |= {f"optimizer.{name}": vector for name in training["remembers"]}
        layout["history"] = (training["steps"], len(COLUMNS)), DTYPES["float64"]
        if training["best_accuracy"] is not None:
            layout["best"] = vector
    return layout


def _refuse_other_arrays(expected, found):
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            there, here = (_said(arrays.get(name)) for arrays in (found, expected))
            raise ValueError(
                f"its arrays are not those of the network it describes: {name} is {there}, not {here}"
            )


def _said(array):
    return "missing" if array is None else f"{array[1]} {array[0]}"


def _checksum(text, arrays):
    checksum = zlib.crc32(text.encode())
    for name in sorted(arrays):
        checksum = zlib.crc32(arrays[name], checksum)
    return f"{checksum:08x}"


def _what_it_is(path):
    with open(path, "rb") as file:
        begin = file.read(64)
    if not begin:
        return "it is empty"
    if begin.lstrip().startswith(b"<"):
        return "it begins like a web page, so the download may have wanted a login"
    return "it was cut off, or it is something else"
