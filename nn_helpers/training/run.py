"""`train` runs the generator of `steps` to its end; `compare_optimizers` does it for several optimizers."""

import copy
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from inspect import signature

from nn_helpers.support.threads import sharing
from nn_helpers.support.warn import warn
from nn_helpers.training.checkpoints import Checkpoints
from nn_helpers.training.history import History
from nn_helpers.training.plan import Plan
from nn_helpers.training.progress import interrupt_between_steps, progress_bar
from nn_helpers.training.steps import Resumed, TrainingDivergedError, is_finite, steps_of


def train(
    net, data, optimizer, *, epochs=20, batch_size=8, drop_last=True, shuffle=True, augment=None, seed=0,
    validate=True, keep_best=False, progress=True, threads=None,
    checkpoint=None, checkpoint_every=None, resume=None,
):  # fmt: skip
    """Train for a number of epochs, and return what happened.

    Training may end early. The network is then as the last step left it, and the history holds every step:

    - with Ctrl-C, or *Interrupt Kernel*, after the current step;
    - when one of your own functions, such as `augment`, raises KeyboardInterrupt;
    - when the loss becomes infinite or NaN; a warning says so;
    - with a second Ctrl-C at once: it may leave an update half made. The last checkpoint is whole even then.

    Parameters
    ----------
    net, data, optimizer, epochs, batch_size, drop_last, shuffle, augment, seed, validate, threads
        As for `training_steps`.
    keep_best : bool
        At the end, however it comes, give the network the parameters of the epoch with the highest
        validation accuracy so far; of two alike the earlier one.
    progress : bool or str
        Show a progress bar with loss and accuracy, and with this text before it.
    checkpoint : path, optional
        A .safetensors file to go on from should training end early. It is written before the first
        step, after each epoch, and when training ends or is interrupted. Each time it is replaced in one
        step: whenever the process ends, the file is there and whole. Until training ends, the path belongs
        to it, and no other training and no `net.save` of this package may write there. What another
        training, or anybody else, wrote is not replaced; only what `resume` goes on from is.
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
        another file is there, or another training writes to it; the message says in which process. No
        file has changed then.
    ValueError
        If the checkpoint is damaged, or of another training: another network, data, optimizer, or other
        arguments.
    """
    plan = Plan.checked(
        "train",
        net=net, data=data, optimizer=optimizer, epochs=epochs, batch_size=batch_size, drop_last=drop_last,
        shuffle=shuffle, augment=augment, seed=seed, validate=validate, keep_best=keep_best,
        progress=progress, threads=threads, checkpoint=checkpoint, checkpoint_every=checkpoint_every,
        resume=resume,
    )  # fmt: skip
    run = Run(plan)
    with run.checkpoints:
        return run.train()


def compare_optimizers(net, data, optimizers, **options):
    """Train copies of one network, all from the same first weights, one with each optimizer.

    Parameters
    ----------
    net : ClassificationNet
        Not changed; nor are the optimizers, of which copies are used.
    data : Dataset or tuple (x, y)
    optimizers : dict of str to Optimizer or (Optimizer, dict)
        By the name that plots show; with a dict of arguments for `train` that are its own, such as
        ``{"batch_size": None}`` for plain gradient descent, or a checkpoint. All checkpoints are begun
        before the first training is.
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
    runs = {}
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
        # Copies: what was passed stays as it is, and a Generator gives each the same order of images.
        # All at once: one Generator for dropout and for the order stays one.
        own_net, optimizer, arguments = copy.deepcopy((net, optimizer, arguments))
        try:
            bound = signature(train).bind(own_net, data, optimizer, **arguments)
        except TypeError as error:
            raise TypeError(f"compare_optimizers: {error}; options are arguments of train") from None
        bound.apply_defaults()
        runs[name] = Run(Plan.checked("train", **bound.arguments))
    _refuse_shared_checkpoints(run.checkpoints.path for run in runs.values())
    nets, histories = {}, {}
    with ExitStack() as paths:
        for run in runs.values():  # before the first trains: nothing is lost if one is refused
            paths.enter_context(run.checkpoints)
        for name, run in runs.items():
            history = run.train()
            nets[name], histories[name] = run.plan.net, history
            if history.interrupted:
                break
    return nets, histories


def _refuse_shared_checkpoints(paths):
    paths = [path for path in paths if path is not None]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "compare_optimizers: a checkpoint holds one training; give each optimizer its own, as in "
            '{"Adam": (Adam(lr=0.001), {"checkpoint": "adam.safetensors"}), …}'
        )


class Run:
    """One call of `train`. When it is made, all arguments have been looked at, and no file has changed."""

    def __init__(self, plan):
        self.plan, self.history, self.best, resumed = plan, History(), _Best(), None
        records = self.history.records
        self.checkpoints = Checkpoints(plan, records, self.best)
        if plan.resume is not None:
            done, generator = self.checkpoints.resume()
            records.extend(done)
            resumed = Resumed(records[-1], generator) if records else None
        self.steps = steps_of(plan, self.history, resumed)

    def train(self):
        """Train, within `checkpoints`, and return the history."""
        plan, history = self.plan, self.history
        total, before = plan.epochs * plan.steps_per_epoch, (len(history), zlib.crc32(plan.net.theta))
        try:
            with (
                sharing(plan.threads),
                interrupt_between_steps() as interrupted,
                progress_bar(total, plan.progress, len(history)) as bar,
            ):
                self._make_steps(interrupted, bar)
        except KeyboardInterrupt:
            history.stopped = f"interrupted after step {len(history)} of {total}"
        except TrainingDivergedError as error:
            history.stopped = str(error)
            warn(str(error))
        self.checkpoints.warn_if_behind()
        if any(r.lr for r in history.records[before[0] :]) and zlib.crc32(plan.net.theta) == before[1]:
            warn(
                "train: no step has changed a parameter. An optimizer's update must change theta in place, "
                "as in theta -= lr * gradient; if it does, the learning rate is too small"
            )
        if self.best.numbers is not None:
            plan.net.numbers[...] = self.best.numbers
        return history

    def _make_steps(self, interrupted, bar):
        """Make all steps, unless `interrupted` is set between two of them."""
        for record in self.steps:
            if self.plan.keep_best and record.epoch_ends and record.val_accuracy is not None:
                self.best.look(self.plan.net, record)
            self.checkpoints.after(record)
            try:
                bar.show(record)
                if interrupted.is_set():
                    raise KeyboardInterrupt
            except KeyboardInterrupt:  # between two steps, so everything is as the last one left it
                self.checkpoints.write()
                raise
        self.checkpoints.write()
        self.checkpoints.leave()
        if interrupted.is_set():  # while it was being written
            raise KeyboardInterrupt


class _Best:
    """A copy of the best parameters and running means: the network's own go on changing."""

    def __init__(self):
        self.numbers, self.accuracy = None, -1.0

    def look(self, net, record):
        if record.val_accuracy > self.accuracy and is_finite(net.numbers):
            self.accuracy, self.numbers = record.val_accuracy, net.numbers.copy()
