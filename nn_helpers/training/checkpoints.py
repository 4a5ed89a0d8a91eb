"""Checkpoints: all that a training needs to go on later, and to end with the same numbers.

A checkpoint is a saved network (`nn_helpers.saving`) with more arrays: ``optimizer.m_sum`` (P,), … for what
the optimizer remembers, ``history`` (steps, 11) with the columns of `COLUMNS`, and ``best``, the best
parameters so far, and the running means that belong to them. P counts all parameters. In the metadata,
``training`` holds ``settings``, what a resumed run must share; ``steps``; ``t``, the optimizer's own count;
``generators``, the states of the random generators; and ``best_accuracy``.
"""

import copy
import json
import math
import os
import sys
import zlib
from contextlib import ExitStack, suppress
from dataclasses import asdict, is_dataclass
from functools import cached_property, partial
from itertools import islice

import numpy as np

from nn_helpers.saving import DTYPES, SECTIONS, SUFFIX, description, explain_damage, read, shapes_in
from nn_helpers.saving import write as write_file
from nn_helpers.support.files import explain_failure, own_place, require_writable, resolve
from nn_helpers.support.parameters import TRAINED, of_kinds, size
from nn_helpers.support.validation import number, printable, whole_number
from nn_helpers.support.warn import warn
from nn_helpers.training.history import COLUMNS, Record

# Only attributes of these types are compared; others may reference arbitrary objects.
COMPARED = (bool, int, float, str, list, tuple, np.ndarray, np.generic)
# Arguments of `train` that a resumed run must share, besides the network, the data and the optimizer.
SHARED_ARGUMENTS = ("batch_size", "drop_last", "shuffle", "augment", "validate", "keep_best")
FORMER_NAMES = {"M": "m_sum", "V": "v_sum"}  # of Adam's arrays, in files of version 0.1.0
MOST_DIFFERENCES, LONGEST_NAME = 50, 60  # in a message; no training has more settings, or longer names
DATA_CHUNK = 1000  # examples that a fingerprint looks at together


class NotFiniteError(ValueError):
    """Nothing to go on from: NaN or infinity in what a training needs."""


class Checkpoints:
    """The checkpoints of one training run: its state is read afresh each time one is written.

    Parameters
    ----------
    plan : Plan
    records : list of Record
        Grows while training goes on.
    best : object with `numbers` and `accuracy`

    Raises
    ------
    OSError, ValueError
        If no checkpoint can be written to the plan's path, or another file is there than a training's before
        its first step or the one that is resumed.
    """

    def __init__(self, plan, records, best):
        self.plan, self.records, self.best = plan, records, best
        path, every, resume = plan.checkpoint, plan.checkpoint_every, plan.resume
        if path is None and every is not None:
            raise ValueError("train: checkpoint_every needs a checkpoint, the path to write to")
        self.path = None if path is None else require_writable("train", "checkpoint", path, SUFFIX)
        self.every = None if every is None else whole_number("train", "checkpoint_every", every, 1)
        self.resumes = None if resume is None else resolve("train", "resume", resume, SUFFIX)
        self._found = None  # which file is resumed
        if self.path is not None:
            with own_place(self.path, "train: the checkpoint"):
                self._refuse_to_replace()
        self._now = self._epoch_began = plan.rng.bit_generator.state
        self._rows = np.empty((0, len(COLUMNS)))
        self._written = self._failed = None  # the last step that was, and the first that could not be
        self._place = ExitStack()

    def __enter__(self):
        """Take the path for this training, and write the first checkpoint.

        It fails before training does, while the path can be mended.
        """
        if self.path is not None:
            with ExitStack() as place:
                place.enter_context(own_place(self.path, "train: the checkpoint", training=True))
                self._refuse_to_replace()  # again: another training may have ended since
                with explain_failure("train: the checkpoint", self.path):
                    self._write()
                self._place = place.pop_all()
        return self

    def __exit__(self, *raised):
        self.leave()

    def leave(self):
        """Leave the path to others."""
        self._place.close()

    def warn_if_behind(self):
        """Say once that the last step could not be checkpointed."""
        if self._failed not in (None, len(self.records)):
            warn(
                f"train: training ended after step {len(self.records)}, and {self.path} stays as it was "
                f"after step {self._written}: no checkpoint could be written since"
            )

    @cached_property
    def settings(self):
        """Everything that determines this run's numbers, captured before the first step, as JSON has it."""
        plan, net, optimizer = self.plan, self.plan.net, self.plan.optimizer
        settings = {
            "functions of your own": net.functions_of_your_own,
            "optimizer": {**_attributes(optimizer), **optimizer.options, "lr": _attributes(optimizer.lr)},
            "data": {part: _fingerprint(getattr(plan.data, part)) for part in ("train", "val")},
            "generators": {
                "order": type(plan.rng.bit_generator).__name__,
                "dropout": type(net.rng.bit_generator).__name__,
            },
            "one generator for both": net.rng is plan.rng,
            **{name: getattr(plan, name) for name in SHARED_ARGUMENTS},
            "seed": plan.seed if isinstance(plan.seed, int | np.integer) else None,
        }
        return _as_json(settings)

    def resume(self):
        """Take up the checkpoint: nothing is changed unless all of it fits.

        Returns
        -------
        records : list of Record
            Those of the steps that were made.
        generator : dict
            The state of the plan's `rng` after the last of them; `rng` itself is as the epoch found it.

        Raises
        ------
        FileNotFoundError
        ValueError
            If the file cannot be read, or holds another training.
        """
        plan, steps = self.plan, self.plan.steps_per_epoch
        self._found = _which(path := self.resumes)
        about, arrays = self._read(path)
        training, history = about["training"], arrays["history"]
        self._refuse_another(path, about)
        if len(history) > plan.epochs * steps:
            raise ValueError(
                f"train: {path} has made {len(history)} steps, into epoch {-(-len(history) // steps)}, and "
                f"epochs allows {plan.epochs * steps}; it counts the whole run"
            )
        with explain_damage(path):
            params = {name: arrays[name] for name in plan.net.arrays}
            _require_finite("its parameters are", *params.values())
            for name in arrays.keys() - params.keys() - {"history"}:  # which has NaN between validations
                _require_finite(f"{name} is", arrays[name])
            states = training["generators"]
            order, now = (_state(plan.rng, states[when]) for when in ("epoch_began", "now"))
            dropout = _state(plan.net.rng, states["dropout"])
            _refuse_miscounted(history, steps)
            records = [_record(row) for row in history]
            t, accuracy = whole_number("train", "t", training["t"], 0), training["best_accuracy"]
            names = [FORMER_NAMES.get(name, name) for name in training["remembers"]]
            _refuse_other_memory(names, plan.optimizer, t)
            kept = [arrays[f"optimizer.{name}"] for name in training["remembers"]]
            if accuracy is not None:
                accuracy = number("train", "best_accuracy", accuracy)
        plan.net.rng.bit_generator.state = dropout
        plan.rng.bit_generator.state = order  # after dropout's: they may be one generator
        self._epoch_began, self._now, self._rows = order, now, history
        plan.net.arrays.update(params)
        plan.optimizer.resume(t, dict(zip(names, kept, strict=True)))
        if accuracy is not None:
            self.best.numbers, self.best.accuracy = arrays["best"], accuracy
        return records, now

    def _read(self, path):
        """Return the metadata and the arrays of the checkpoint."""
        if not path.exists():
            raise FileNotFoundError(
                f"train: there is no checkpoint {path} to resume. A training that begins without resume, "
                "and with this path as its checkpoint, writes it"
            )
        try:
            about, arrays = read(path)
            if "training" not in about:
                raise ValueError(f"{path}: a network and no training; ClassificationNet.load reads it")
        except ValueError as error:
            raise ValueError(f"train: this checkpoint cannot be resumed: {error}") from None
        return about, arrays

    def _refuse_to_replace(self):
        """Refuse a path where there is something that a new training would write over."""
        path = self.path
        if path == self.resumes and self._found not in (None, _which(path)):
            raise FileExistsError(
                f"train: another training has written to {path} since it was read. Call train again to go on "
                "from where that one stands"
            )
        if path == self.resumes or not path.exists():
            return
        go_on = ""
        try:
            about, _ = read(path, advice="")
        except (ValueError, OSError) as error:
            found = error
        else:
            found, steps = f"{path} holds a network", about.get("training", {}).get("steps")
            if steps == 0:
                return
            if steps:
                found = f"{path} holds a training that stands at step {steps}"
                go_on = f'pass resume="{path}" (in a terminal --resume) to go on with it, or '
        raise FileExistsError(
            f"train: {found}. A new training would write over it: {go_on}delete it, or name another path as "
            "checkpoint"
        )

    def _refuse_another(self, path, about):
        here = {"network": description(self.plan.net)["network"], **self.settings}
        with explain_damage(path):
            network = {**about["network"], "init": here["network"]["init"]}  # the first weights are over
            there = {"network": network, **about["training"]["settings"]}
            if there.get("seed") is None or here["seed"] is None:  # a generator's state is in the file
                there["seed"] = here["seed"]
            other = printable("; ".join(islice(_differences(there, here), MOST_DIFFERENCES)))
        if other:
            raise ValueError(
                f"train: {path} is of another training: {other}. Pass what that run began with, or begin a "
                "new one in another file"
            )

    def after(self, record):
        """Look at a step that was made, and write a checkpoint if it is time for one."""
        if self.path is None:
            return
        self._now = self.plan.rng.bit_generator.state
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
        if not np.isfinite(self.plan.net.numbers).all():
            return  # nothing to go on from; the last checkpoint stays
        try:
            for name, array in self.plan.optimizer.state.items():
                _require_finite(f"optimizer.{name} is", array)
            self._write()
            self._failed = None
        except (OSError, MemoryError, NotFiniteError) as error:
            if self._failed is None:
                self._failed = len(self.records)
                warn(
                    f"train: the checkpoint could not be written after step {self._failed} "
                    f"({str(error) or repr(error)}). {self.path} stays as it was after step {self._written}. "
                    "If training goes on, the next one is tried, without another warning"
                )

    def _write(self):
        net, optimizer = self.plan.net, self.plan.optimizer
        self._rows = np.concatenate([self._rows, _rows(self.records[len(self._rows) :])])
        remembered = {f"optimizer.{name}": array for name, array in optimizer.state.items()}
        best = {} if self.best.numbers is None else {"best": self.best.numbers}
        training = {
            "settings": self.settings,
            "steps": len(self.records),
            "t": optimizer.t,
            "remembers": list(optimizer.state),
            "generators": {
                "epoch_began": self._epoch_began,
                "now": self._now,
                "dropout": net.rng.bit_generator.state,
            },
            "best_accuracy": self.best.accuracy if best else None,
        }
        arrays = {**net.arrays, **remembered, "history": self._rows, **best}
        write_file(self.path, arrays, {**description(net), "training": _as_json(training)})
        self._written = len(self.records)


def _which(path):
    """Return what tells a file from others that were or will be there."""
    with suppress(OSError):
        about = os.stat(path)
        return about.st_ino, about.st_size, about.st_mtime_ns
    return None


def _require_finite(what, *arrays):
    if not all(np.isfinite(array).all() for array in arrays):
        raise NotFiniteError(f"{what} not all finite numbers: there is nothing to go on from")


def _rows(records):
    """Return records as rows of `history`."""
    values = [[getattr(record, name) for name in COLUMNS] for record in records]
    return np.array(values, np.float64).reshape(-1, len(COLUMNS))  # None becomes NaN


def _record(row):
    """Return a `Record` from a row of `history`."""
    values = dict(zip(COLUMNS, row.tolist(), strict=True))
    values |= {"step": int(values["step"]), "epoch": int(values["epoch"])}
    values["epoch_ends"] = bool(values["epoch_ends"])
    if math.isnan(values["val_accuracy"]):
        values["val_loss"] = values["val_accuracy"] = None
    return Record(**values)


def _refuse_miscounted(history, steps):
    """Refuse a history that does not count steps and epochs, of so many steps, from 1."""
    step = np.arange(1, len(history) + 1)
    counted = {"step": step, "epoch": (step - 1) // steps + 1, "epoch_ends": step % steps == 0}
    for name, column in counted.items():
        if not np.array_equal(history[:, COLUMNS.index(name)], column):
            raise ValueError(f"damaged, its history does not count {name} as training does")


def _refuse_other_memory(names, optimizer, t):
    """Reject saved state that does not match this optimizer (before step 1 there is none)."""
    if sorted(names) != sorted(optimizer.remembers) and (names or t):
        raise ValueError(f"{type(optimizer).__name__} remembers {optimizer.remembers}, not {names}")
    if t > sys.maxsize:
        raise ValueError(f"no optimizer makes {t} steps")


def _fingerprint(split):
    """Return what tells one part of the data from another. A tenth of a second for 150 MB of images."""
    checksum = 0
    for start in range(0, len(split), DATA_CHUNK):
        chunk = slice(start, start + DATA_CHUNK)
        for array in (split.inputs[chunk], split.labels[chunk]):
            checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
    return {
        "examples": len(split),
        "shape of each": list(split.inputs.shape[1:]),
        "dtype": split.inputs.dtype.name,
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


def _differences(there, here, before=""):
    """Yield in words how nested dicts differ. That of a file may have names of any length, in any number."""
    for name in {**there, **here}:
        values = there.get(name, "missing"), here.get(name, "missing")
        if any(isinstance(value, dict) for value in values):
            inner = (value if isinstance(value, dict) else {} for value in values)
            yield from _differences(*inner, f"{before}{name[:LONGEST_NAME]} ")
            values = ("missing" if isinstance(value, dict) else value for value in values)
        a, b = values
        if a != b:
            yield f"{before}{name} is {a} there and {b} here"


def _attributes(thing):
    """Return kind and public attributes of an optimizer or a schedule; what has none, as it is."""
    if not hasattr(thing, "__dict__") or hasattr(thing, "__name__") or isinstance(thing, partial):
        return thing
    public = {name: value for name, value in vars(thing).items() if isinstance(value, COMPARED)}
    public = {name: value for name, value in public.items() if name[0] != "_" and name != "t"}
    return {"kind": type(thing).__name__, **public}


def _as_json(value):
    return json.loads(json.dumps(value, default=_convert))


def _convert(value):
    """Convert a value JSON cannot represent; functions are stored by name."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": type(value).__name__, **asdict(value)}
    if isinstance(value, partial):
        arguments = [*map(repr, value.args), *(f"{k}={v!r}" for k, v in value.keywords.items())]
        return f"{_convert(value.func)}({', '.join(arguments)})"
    return getattr(value, "__qualname__", type(value).__qualname__)


def _layout(about):
    """Return shape and dtype of each array of a training, by name."""
    training, shapes, dtype = about["training"], shapes_in(about), DTYPES[about["network"]["dtype"]]
    vector = (size(of_kinds(TRAINED, shapes)),), dtype
    layout = {f"optimizer.{name}": vector for name in training["remembers"]}
    layout["history"] = (training["steps"], len(COLUMNS)), DTYPES["float64"]
    if training["best_accuracy"] is not None:
        layout["best"] = (size(shapes),), dtype
    return layout


SECTIONS["training"] = _layout
