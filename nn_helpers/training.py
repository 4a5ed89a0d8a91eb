"""Training: steps (a) to (e) of an epoch as a generator, and a loop that runs it.

Everything that trains runs the loop of `training_steps`: `train`, the widgets, the tests, the command line.
"""

import copy
import math
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import signature
from itertools import count
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from nn_helpers._arguments import choice, whole_number
from nn_helpers._warnings import warn
from nn_helpers.checkpoints import TrainingRun
from nn_helpers.data.batches import as_dataset, batches, empty_batch
from nn_helpers.data.dataset import Dataset
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Optimizer

EVALUATION_BATCH = 500
SHARED_BATCH = 64  # examples from which on two threads are faster than one


@dataclass(slots=True)
class Record:
    """What one step of training did.

    Attributes
    ----------
    step, epoch : int
        Counted from 1.
    loss : float
        `data_loss` + `reg_loss`, of this batch, before the update.
    data_loss, reg_loss : float
        Cross-entropy and L2 penalty.
    accuracy : float
        The share of this batch that was classified rightly, before the update.
    lr : float
        The learning rate of the update.
    seconds : float
        Time spent training since the first step began, validation left out.
    epoch_ends : bool
        Whether this is the epoch's last step.
    val_loss, val_accuracy : float or None
        After the epoch's last step, on the validation part.
    """

    step: int
    epoch: int
    loss: float
    data_loss: float
    reg_loss: float
    accuracy: float
    lr: float
    seconds: float
    epoch_ends: bool = False
    val_loss: float | None = None
    val_accuracy: float | None = None


class TrainingDivergedError(ArithmeticError):
    """The loss is no longer a finite number.

    Attributes
    ----------
    step : int
        The step whose loss was not finite; its update was not made.
    lr : float
        The learning rate of the update before.
    last_loss : float or None
        The last finite loss.
    """

    def __init__(self, step, loss, lr, last_loss):
        self.step, self.lr, self.last_loss = step, lr, last_loss
        if last_loss is None:
            what = f"the loss is {loss} before the first update. Look for NaN or infinity in the examples"
            what += " and in the first weights"
        else:
            what = f"the loss became {loss} at step {step} (learning rate {lr:g}); one step before it was "
            what += f"{last_loss:.4g}. Try a smaller learning rate"
        super().__init__(f"training diverged: {what}")


def training_steps(
    net,
    data,
    optimizer,
    *,
    batch_size=8,
    epochs=None,
    drop_last=True,
    shuffle=True,
    augment=None,
    seed=0,
    validate=True,
):
    """Train, one step each time the generator is asked for the next record.

    Parameters
    ----------
    net : ClassificationNet
    data : Dataset or tuple (x, y)
    optimizer : Optimizer
    batch_size : int or None
        None stands for all training examples at once: plain gradient descent.
    epochs : int or None
        How often to go through the training part; None goes on for ever.
    drop_last : bool
        Leave out each epoch's last batch when it is smaller than the others.
    shuffle : bool
        Go through the examples in a new random order each epoch.
    augment : function (images, rng) -> None, optional
        Changes each batch of training pictures in place, as `flip_and_shift` does.
    seed : int or numpy.random.Generator
        Of these orders, and of `augment`.
    validate : bool
        Measure loss and accuracy on the validation part, if there is one, after each epoch.

    Yields
    ------
    Record

    Raises
    ------
    TrainingDivergedError
        When the loss is not finite; the update of that step is not made.
    """
    net, data, batch_size = _checked(net, data, optimizer, batch_size, epochs, augment)
    return _training_steps(
        net, data, optimizer, batch_size, epochs, drop_last, shuffle, augment, _generator(seed), validate
    )


def _training_steps(
    net,
    data,
    optimizer,
    batch_size,
    epochs,
    drop_last,
    shuffle,
    augment,
    rng,
    validate,
    history=None,
    resumed=None,
):
    """Do as `training_steps`; `history` has each record as soon as its update is made."""
    steps = _steps_per_epoch(len(data.train), batch_size, drop_last)
    batch = empty_batch(data, batch_size, net.dtype)
    step, seconds, last_loss, lr = 0, 0.0, None, optimizer.lr_at(optimizer.t + 1)
    if resumed is not None:
        done = resumed.record
        step, seconds, last_loss, lr = done.step, done.seconds, done.loss, done.lr
    for epoch in count(step // steps + 1):
        if epochs is not None and epoch > epochs:
            return
        epoch_batches = batches(
            data, batch_size, shuffle=shuffle, drop_last=drop_last, augment=augment, seed=rng, out=batch
        )
        if step % steps:  # resumed within an epoch: the same order, and all that was drawn since
            for _ in range(step % steps):
                next(epoch_batches)
            rng.bit_generator.state = resumed.generator
        for step_of_epoch in range(step % steps + 1, steps + 1):
            began = time.perf_counter()
            x, y = next(epoch_batches)
            step += 1
            logits = net.forward(x)  # (a) affine layers and activations, up to the logits
            predicted = logits.argmax(axis=1)  # now: a learner's cross_entropy may write into the logits
            # (b) softmax turns the logits into probabilities, and (c) cross-entropy gives the data loss
            data_loss, dlogits = net.functions["cross_entropy"](logits, y)
            reg_loss = net.functions["l2_penalty"](net.weights, net.reg)  # (d) the regularization loss
            loss = float(data_loss + reg_loss)
            if not math.isfinite(loss):
                raise TrainingDivergedError(step, loss, lr, last_loss)
            net.backward(dlogits)  # (e) the total loss updates the parameters
            lr = optimizer.lr_at(optimizer.t + 1)
            optimizer.step(net.theta, net.gradient)
            last_loss = loss
            accuracy = float(np.count_nonzero(predicted == y) / len(y))
            seconds += time.perf_counter() - began
            record = Record(step, epoch, loss, float(data_loss), float(reg_loss), accuracy, lr, seconds)
            record.epoch_ends = step_of_epoch == steps
            if history is not None:
                history.append(record)
            if not record.epoch_ends:
                yield record
                continue
            finite = _is_finite(net.theta)
            if validate and len(data.val) and finite:
                record.val_loss, record.val_accuracy = evaluate(net, data, "val")
                finite = math.isfinite(record.val_loss)
            yield record
            if not finite:  # the last update ruined the parameters, and no next loss would have told
                raise TrainingDivergedError(step + 1, math.nan, lr, last_loss)


def _is_finite(theta):
    with np.errstate(invalid="ignore", over="ignore"):
        return math.isfinite(theta.sum())  # inf and NaN stay in a sum


def train(
    net,
    data,
    optimizer,
    *,
    epochs=20,
    batch_size=8,
    drop_last=True,
    shuffle=True,
    augment=None,
    seed=0,
    validate=True,
    keep_best=False,
    progress=True,
    threads=None,
    checkpoint=None,
    checkpoint_every=None,
    resume=None,
):
    """Train for a number of epochs, and return what happened.

    Ctrl-C, or *Interrupt Kernel*, ends training after the current step. The network is then as
    that step left it, and the history holds everything up to it. The same is true when the loss
    becomes infinite or NaN; a warning says so. And it is true when one of your own functions, such as
    `augment`, raises KeyboardInterrupt. Only a second Ctrl-C does not wait: it may leave an update half
    made. The last checkpoint is whole even then.

    Parameters
    ----------
    net, data, optimizer, epochs, batch_size, drop_last, shuffle, augment, seed, validate
        As for `training_steps`.
    keep_best : bool
        At the end, however it comes, give the network the parameters of the epoch with the highest
        validation accuracy so far; of two alike the earlier one.
    progress : bool or str
        Show a progress bar with loss and accuracy, and with this text before it.
    threads : int, optional
        How many threads matrix products may use during the run. Without it, one for batches of
        fewer than 64 examples, whose products are too small to share, and all for larger ones.
    checkpoint : path, optional
        A .safetensors file to go on from should training end early. It is written before the first
        step, after each epoch, and when training ends or is interrupted. The one before is kept as well:
        ``run.previous.safetensors`` beside ``run.safetensors``. What another training, or anybody else,
        wrote to these paths is not replaced; only what `resume` goes on from is.
    checkpoint_every : int, optional
        Write it after every so many steps instead of after each epoch.
    resume : path, optional
        A checkpoint to go on from. `epochs` counts the whole run, so it may be larger now; all other
        arguments are those the run began with. The network, the optimizer and the history take up
        what the file holds and, on the same machine and with as many threads, end bit for bit as if
        training had never stopped. Functions, such as `augment` or a schedule, are told apart by their
        names only; optimizers and schedules of your own class by their public attributes too. What an
        optimizer remembers is kept if it is named in its `remembers`.

    Returns
    -------
    History

    Raises
    ------
    OSError
        If there is no checkpoint to resume, or none can be written to this path. FileExistsError, if
        another file is there. No file has changed then.
    ValueError
        If the checkpoint is damaged, and the one before it too; or if it is of another training: another
        network, data, optimizer, or other arguments.
    """
    training = _Training(
        net, data, optimizer, epochs, batch_size, drop_last, shuffle, augment, seed, validate, keep_best,
        progress, threads, checkpoint, checkpoint_every, resume,
    )  # fmt: skip
    return training.run()


def evaluate(net, data, part="test"):
    """Return loss (cross-entropy, without L2) and accuracy on one part of the data.

    Parameters
    ----------
    net : ClassificationNet
    data : Dataset or tuple (x, y)
    part : {"train", "val", "test"}

    Returns
    -------
    loss : float
    accuracy : float
        Between 0 and 1.
    """
    data = as_dataset(data)
    choice("evaluate", "part", part, ("train", "val", "test"))
    loss = right = seen = 0
    size = len(getattr(data, part))
    if not size:
        raise ValueError(f"evaluate: the {part} part of {data!r} is empty")
    batch_size = min(EVALUATION_BATCH, size)
    batch = empty_batch(data, batch_size, net.dtype)
    for x, y in batches(data, batch_size, part=part, shuffle=False, drop_last=False, out=batch):
        logits = net.logits(x)
        right += np.count_nonzero(logits.argmax(axis=1) == y)
        batch_loss, _ = net.functions["cross_entropy"](logits, y)
        loss += float(batch_loss) * len(y)
        seen += len(y)
    return float(loss / seen), float(right / seen)


def compare_optimizers(net, data, optimizers, **options):
    """Train copies of one network, all from the same first weights, one with each optimizer.

    Parameters
    ----------
    net : ClassificationNet
        Not changed; nor are the optimizers, of which copies are used.
    data : Dataset or tuple (x, y)
    optimizers : dict of str to Optimizer or (Optimizer, dict)
        By the name that plots show; with a dict of arguments for `train` that are its own, such as
        ``{"batch_size": None}`` for plain gradient descent.
    **options
        Arguments for `train` that all share.

    Returns
    -------
    nets : dict of str to ClassificationNet
        The trained copies.
    histories : dict of str to History
    """
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise TypeError('compare_optimizers: optimizers must be a dict such as {"Adam": Adam(lr=0.001)}')
    trainings = {}
    for name, given in optimizers.items():
        optimizer, own = given if isinstance(given, tuple) and len(given) == 2 else (given, {})
        if isinstance(optimizer, tuple) or not isinstance(own, Mapping):
            raise TypeError(
                f"compare_optimizers: {name!r} must be an optimizer, or a pair of one and a dict of "
                f'arguments, such as (SGD(lr=0.1), {{"batch_size": None}}); got {given!r}'
            )
        arguments = {**options, **own}
        if arguments.get("progress", True) is True:
            arguments["progress"] = name
        # Copies: what was passed stays as it is, and a Generator gives each the same order of pictures.
        # All at once: one Generator for dropout and for the order stays one.
        own_net, optimizer, arguments = copy.deepcopy((net, optimizer, arguments))
        bound = signature(train).bind(own_net, data, optimizer, **arguments)
        bound.apply_defaults()
        trainings[name] = _Training(**bound.arguments)
    _refuse_shared_checkpoints(training.checkpoints.path for training in trainings.values())
    nets, histories = {}, {}
    for name, training in trainings.items():
        history = training.run()
        nets[name], histories[name] = training.net, history
        if history.stopped and history.stopped.startswith("interrupted"):
            break
    return nets, histories


@dataclass
class History:
    """What happened in training, step by step and epoch by epoch.

    Attributes
    ----------
    records : list of Record
        One for each step.
    stopped : str or None
        Why training ended early, if it did.
    """

    records: list[Record] = field(default_factory=list)
    stopped: str | None = None

    def append(self, record):
        """Add the next step's record."""
        self.records.append(record)

    def __len__(self):
        return len(self.records)

    def to_arrays(self):
        """Return every quantity of every step as plain arrays: ``{"step": …, "loss": …, "accuracy": …, …}``.

        `val_loss` and `val_accuracy` are NaN at steps that were not validated.
        """
        names = [name for name in Record.__slots__ if name != "epoch_ends"]
        columns = {name: [getattr(record, name) for record in self.records] for name in names}
        whole = ("step", "epoch")
        return {
            name: np.array(column, np.int64 if name in whole else np.float64)
            for name, column in columns.items()
        }

    def epochs(self):
        """Return one number for each epoch begun, as plain arrays.

        Returns
        -------
        dict of str to array (epochs,)
            `epoch`; `loss`, `data_loss`, `reg_loss` and `accuracy`, each the mean over the epoch's
            batches; `lr`, `seconds`, `val_loss` and `val_accuracy`, each as of the epoch's last step.
        """
        steps = self.to_arrays()
        epoch, starts = np.unique(steps["epoch"], return_index=True)
        ends = np.append(starts[1:], len(self))[: len(starts)]
        means = {
            name: np.array([steps[name][i:j].mean() for i, j in zip(starts, ends, strict=True)])
            for name in ("loss", "data_loss", "reg_loss", "accuracy")
        }
        last = {name: steps[name][ends - 1] for name in ("lr", "seconds", "val_loss", "val_accuracy")}
        return {"epoch": epoch, **means, **last}

    def plot(self):
        """Return a figure with loss and accuracy over the epochs, for training and validation."""
        from nn_helpers import plots  # matplotlib comes in only when something is drawn

        return plots.training_curves(self.epochs())

    def __repr__(self):
        if not self.records:
            return "History(no steps)"
        epochs, last = self.epochs(), self.records[-1]
        val = (
            f", validation accuracy {epochs['val_accuracy'][-1]:.1%}" if last.val_accuracy is not None else ""
        )
        stopped = f"; {self.stopped}" if self.stopped else ""
        return (
            f"History({len(self):,} steps, {last.epoch} epochs; last epoch: loss {epochs['loss'][-1]:.4f}, "
            f"accuracy {epochs['accuracy'][-1]:.1%}{val}{stopped})"
        )


class _Training:
    """One call of `train`. When it is made, all arguments have been looked at, and no file has changed."""

    def __init__(
        self, net, data, optimizer, epochs, batch_size, drop_last, shuffle, augment, seed, validate,
        keep_best, progress, threads, checkpoint, checkpoint_every, resume,
    ):  # fmt: skip
        epochs = whole_number("train", "epochs", epochs, 1)
        net, data, batch_size = _checked(net, data, optimizer, batch_size, epochs, augment)
        if keep_best and not (validate and len(data.val)):
            raise ValueError(
                "train: keep_best needs validation pictures; data.subset(…, val=…) sets some apart"
            )
        if threads is not None:
            threads = whole_number("train", "threads", threads, 1)
        self.net, self.batch_size, self.threads = net, batch_size, threads
        self.keep_best, self.progress = keep_best, progress
        self.history, self.best, rng, resumed = History(), _Best(), _generator(seed), None
        arguments = {
            "batch_size": batch_size,
            "drop_last": drop_last,
            "shuffle": shuffle,
            "augment": augment,
            "seed": seed,
            "validate": validate,
            "keep_best": keep_best,
        }
        records, steps = self.history.records, _steps_per_epoch(len(data.train), batch_size, drop_last)
        self.total = epochs * steps
        self.checkpoints = TrainingRun(
            net, data, optimizer, rng, records, self.best, arguments, checkpoint, checkpoint_every, resume
        )
        if resume is not None:
            done, generator = self.checkpoints.resume(epochs, steps)
            records.extend(Record(**record) for record in done)
            resumed = _Resumed(records[-1], generator) if records else None
        self.steps = _training_steps(
            net, data, optimizer, batch_size, epochs, drop_last, shuffle, augment, rng, validate,
            self.history, resumed,
        )  # fmt: skip

    def run(self):
        """Train, and return the history."""
        history, best, checkpoints = self.history, self.best, self.checkpoints
        checkpoints.begin()
        try:
            with (
                _blas_threads(self.threads, self.batch_size),
                _interrupt_between_steps() as interrupted,
                _progress_bar(self.total, self.progress, len(history)) as bar,
            ):
                for record in self.steps:
                    if self.keep_best and record.epoch_ends and record.val_accuracy is not None:
                        best.look(self.net, record)
                    checkpoints.after(record)
                    try:
                        bar.show(record)
                        if interrupted.is_set():
                            raise KeyboardInterrupt
                    except KeyboardInterrupt:  # between two steps, so everything is as the last one left it
                        checkpoints.write()
                        raise
                checkpoints.write()
                if interrupted.is_set():  # while it was being written
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            history.stopped = f"interrupted after step {len(history)} of {self.total}"
        except TrainingDivergedError as error:
            history.stopped = str(error)
            warn(str(error))
        checkpoints.end()
        if best.theta is not None:
            self.net.theta = best.theta
        return history


def _generator(seed):
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(
            f"train: seed must be a whole number of at least 0, or a numpy.random.Generator, got {seed!r}"
        ) from None


def _checked(net, data, optimizer, batch_size, epochs, augment):
    """Refuse what cannot be trained before anything has happened."""
    if not isinstance(net, ClassificationNet):
        raise TypeError(f"train: net must be a ClassificationNet, got {type(net).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"train: optimizer must be one such as Adam(lr=0.001), got {optimizer!r}")
    data = as_dataset(data)
    if data.input_size != net.input_size:
        raise ValueError(
            f"train: the network takes {net.input_size} numbers an example, the data has {data.input_size}; "
            f"write ClassificationNet(input_size={data.input_size}, …)"
        )
    for part in ("train", "val"):
        labels = getattr(data, part).labels
        if len(labels) and not 0 <= labels.min() <= labels.max() < net.num_classes:
            raise ValueError(
                f"train: the network has {net.num_classes} classes, the {part} labels go from "
                f"{labels.min()} to {labels.max()}"
            )
    if augment is not None and not callable(augment):
        raise TypeError(f"train: augment must be a function such as flip_and_shift, got {augment!r}")
    if augment is not None and not isinstance(data, Dataset):
        raise TypeError(f"train: augment changes pictures; {data!r} has none")
    N = len(data.train)
    batch_size = N if batch_size is None else whole_number("train", "batch_size", batch_size, 1)
    if batch_size > N:
        raise ValueError(
            f"train: batch_size {batch_size} is larger than the {N} training examples; "
            "for all of them at once use batch_size=None"
        )
    if epochs is not None and whole_number("train", "epochs", epochs, 1) > sys.maxsize:
        raise ValueError(
            f"train: epochs must be at most {sys.maxsize:,}; for training without end use "
            "training_steps with epochs=None"
        )
    return net, data, batch_size


def _refuse_shared_checkpoints(paths):
    paths = [path for path in paths if path is not None]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "compare_optimizers: a checkpoint holds one training; give each optimizer its own, as in "
            '{"Adam": (Adam(lr=0.001), {"checkpoint": "adam.safetensors"}), …}'
        )


def _steps_per_epoch(N, batch_size, drop_last):
    return N // batch_size if drop_last else -(-N // batch_size)


def _blas_threads(threads, batch_size):
    """Set how many threads NumPy's matrix products use, until the returned context ends."""
    if threads is None and batch_size < SHARED_BATCH:
        threads = 1
    return threadpool_limits(threads, user_api="blas")


@contextmanager
def _interrupt_between_steps():
    """Hold back Ctrl-C until the current step is done; a second one comes through at once.

    An interrupt in the middle of an update would leave the parameters half changed.
    """
    interrupted = threading.Event()
    standard = signal.getsignal(signal.SIGINT)
    if (
        threading.current_thread() is not threading.main_thread()
        or standard is not signal.default_int_handler
    ):
        yield interrupted  # interrupts do not come here, or somebody else handles them
        return

    def handler(signum, frame):
        if interrupted.is_set():
            standard(signum, frame)
        interrupted.set()

    signal.signal(signal.SIGINT, handler)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, standard)


class _Resumed(NamedTuple):
    """Where a resumed training goes on: its last record, and the generator's state after that step."""

    record: Record
    generator: dict


class _Best:
    """A copy of the best parameters: the network's own go on changing."""

    def __init__(self):
        self.theta, self.accuracy = None, -1.0

    def look(self, net, record):
        if record.val_accuracy > self.accuracy and _is_finite(net.theta):
            self.accuracy, self.theta = record.val_accuracy, net.theta.copy()


@contextmanager
def _progress_bar(total, progress, done):
    if not progress:
        yield _Quiet()
        return
    description = progress if isinstance(progress, str) else None
    from tqdm.auto import tqdm  # a widget in a notebook, text elsewhere

    with tqdm(total=total, initial=done, unit="step", desc=description) as bar:
        shown = _Bar(bar)
        try:
            yield shown
        finally:
            shown.finish()


class _Quiet:
    def show(self, record):
        pass


class _Bar:
    """A tqdm bar with the epoch's mean loss and accuracy so far; it is drawn ten times a second at most."""

    def __init__(self, bar):
        self._bar, self._at, self._record = bar, 0.0, None

    def show(self, record):
        if self._record is None or self._record.epoch != record.epoch:
            self._steps = self._loss = self._accuracy = 0
        self._record = record
        self._steps, self._loss, self._accuracy = (
            self._steps + 1,
            self._loss + record.loss,
            self._accuracy + record.accuracy,
        )
        if time.perf_counter() - self._at > 0.1:
            self.finish()

    def finish(self):
        if self._record is not None:
            self._at = time.perf_counter()
            loss, accuracy = self._loss / self._steps, self._accuracy / self._steps
            text = f"epoch {self._record.epoch}, loss {loss:.3f}, accuracy {accuracy:.0%}"
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(self._record.step - self._bar.n)
