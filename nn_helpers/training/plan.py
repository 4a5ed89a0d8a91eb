"""The arguments of `training_steps` and `train` as one thing, checked before anything has happened."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nn_helpers.data.batches import ArrayDataset, as_dataset, check_augment
from nn_helpers.data.dataset import Dataset
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Optimizer
from nn_helpers.schedules import CosineWithWarmup
from nn_helpers.support.threads import threads_to_share
from nn_helpers.support.validation import counted, flag, generator, whole_number
from nn_helpers.support.warn import warn

FLAGS = ("drop_last", "shuffle", "validate", "keep_best")
SHARE = 32  # examples of a batch, at the least, that make a thread worth while


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What is trained, on what, and how. `train` explains each.

    Attributes
    ----------
    batch_size : int
        All training examples, where None was given.
    threads : int
        The number for this batch and this machine, where None was given.
    says_threads : bool
        Whether a step by itself says how many threads it takes. One thread for a small batch is not worth it.
    rng : numpy.random.Generator
        What `seed` makes: it draws the order of the examples, and what `augment` asks for.
    """

    net: ClassificationNet
    data: Dataset | ArrayDataset
    optimizer: Optimizer
    epochs: int | None
    batch_size: int
    drop_last: bool
    shuffle: bool
    augment: Callable | None
    seed: object
    validate: bool
    threads: int
    says_threads: bool
    rng: "np.random.Generator"  # as text: NumPy loads its generators when they are asked for
    keep_best: bool = False
    progress: bool | str = True
    checkpoint: object = None
    checkpoint_every: int | None = None
    resume: object = None

    @classmethod
    def checked(
        cls, function, *, net, data, optimizer, epochs, batch_size, augment, seed, threads, endless=False,
        **others,
    ):  # fmt: skip
        """Return the plan of a call of `function`, or say which argument makes no training.

        Only an `endless` one needs no epochs.
        """
        if not endless or epochs is not None:
            _check_epochs(function, epochs)
        require_net(function, net)
        if not isinstance(optimizer, Optimizer):
            advice = "; x and y are one argument: (x, y)" if isinstance(optimizer, np.ndarray) else ""
            raise TypeError(
                f"{function}: optimizer must be one such as Adam(lr=0.001), got {optimizer!r:.60}{advice}"
            )
        data = as_dataset(function, data)
        check_that_they_fit(function, net, data, ("train", "val"))
        check_augment(function, augment, data)
        for name in FLAGS:
            flag(function, name, others.get(name, False))
        batch_size = _batch_size(function, batch_size, len(data.train))
        share = _threads(function, threads, batch_size, net)
        _check_normalised(function, net, len(data.train), batch_size, share, others.get("drop_last", True))
        plan = cls(
            net=net, data=data, optimizer=optimizer, epochs=epochs, batch_size=batch_size, augment=augment,
            seed=seed, threads=share, says_threads=threads is not None or share > 1,
            rng=generator(function, seed), **others,
        )  # fmt: skip
        if plan.keep_best and not (plan.validate and len(data.val)):
            raise ValueError(
                "train: keep_best needs validate=True and images to validate with: data.subset(…, val=…) "
                "sets some apart, and so does ArrayDataset(…, val=…)"
            )
        plan._warn_of_surprises(function)
        return plan

    def _warn_of_surprises(self, function):
        """Say what is right as Python and seldom meant."""
        optimizer, schedule = self.optimizer, self.optimizer.lr
        if self.resume is None and optimizer.has_changed_another(self.net.theta):
            warn(
                f"{function}: this optimizer has made {counted(optimizer.t, 'step')} on another network, and "
                "goes on with what it remembers of them. Make a new one for each network"
            )
        steps = (self.epochs or 0) * self.steps_per_epoch
        advice = "A resumed training keeps its schedule; for another, train the network of its file anew"
        if self.resume is None:
            steps += optimizer.t
            advice = f"Write total_steps={steps}"
        if isinstance(schedule, CosineWithWarmup) and steps > schedule.total_steps:
            warn(
                f"{function}: the schedule of the learning rate ends at step {schedule.total_steps}, and "
                f"this training goes on to step {steps} with the rate {schedule.final_lr:g}. {advice}"
            )

    @property
    def steps_per_epoch(self):
        """How many batches an epoch has."""
        return steps_per_epoch(len(self.data.train), self.batch_size, self.drop_last)


def steps_per_epoch(N, batch_size, drop_last=True):
    """Return how many batches N examples make."""
    return N // batch_size if drop_last else -(-N // batch_size)


def require_net(function, net):
    """Refuse what is no network."""
    if not isinstance(net, ClassificationNet):
        raise TypeError(f"{function}: net must be a ClassificationNet, got {type(net).__name__}")


def check_that_they_fit(function, net, data, parts):
    """Refuse data whose examples or labels are not what the network takes."""
    if (D := data.input_size) != net.input_size:
        raise ValueError(
            f"{function}: the network takes {counted(net.input_size, 'number')} an example, the data has {D}"
            + f"; write ClassificationNet(input_size={D}, …)" * (D > 0)
        )
    for part in parts:
        labels, C = getattr(data, part).labels, net.num_classes
        if len(labels) and not 0 <= labels.min() <= labels.max() < C:
            advice = ": write y - 1" if (labels.min(), labels.max()) == (1, C) else ""
            raise ValueError(
                f"{function}: the network has {counted(C, 'class')}, the {part} labels go from "
                f"{labels.min()} to {labels.max()}; they must be from 0 to {C - 1}{advice}"
            )


def _batch_size(function, batch_size, N):
    if not N:
        raise ValueError(f"{function}: the training part has no examples")
    batch_size = N if batch_size is None else whole_number(function, "batch_size", batch_size, 1)
    if batch_size > N:
        raise ValueError(
            f"{function}: batch_size {batch_size} is larger than the training part: {counted(N, 'example')}; "
            "for all of them at once use batch_size=None"
        )
    return batch_size


def _threads(function, threads, batch_size, net):
    if threads is None and net.normalise:
        return 1  # each share is normalised by itself: another number of cores makes another network
    if threads is None:
        return max(1, min(threads_to_share(), batch_size // SHARE))
    return min(whole_number(function, "threads", threads, 1), batch_size)


def _check_normalised(function, net, N, batch_size, threads, drop_last):
    smallest = batch_size if drop_last or not N % batch_size else N % batch_size
    if net.normalise and smallest // threads < 2:
        raise ValueError(
            f"{function}: a normalised network needs two examples or more in each thread's share of a batch, "
            f"and the smallest batch has {smallest}, for threads={threads}. Write "
            f"{'drop_last=True' if batch_size // threads > 1 else 'a larger batch_size'}"
        )


def _check_epochs(function, epochs):
    if whole_number(function, "epochs", epochs, 1) > sys.maxsize:
        raise ValueError(
            f"{function}: epochs must be at most {sys.maxsize:,}; for training without end use "
            "training_steps with epochs=None"
        )
