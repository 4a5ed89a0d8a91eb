"""One step of training after the other, as a generator, and the evaluation on one part of the data.

`make_step` is the step itself, (a) to (e).
"""

import math
import time
from contextlib import nullcontext
from itertools import count
from typing import NamedTuple

import numpy as np

from nn_helpers.data.batches import as_dataset, batches, empty_batch
from nn_helpers.support.learner_functions import made_nan
from nn_helpers.support.threads import share_out, sharing
from nn_helpers.support.validation import choice
from nn_helpers.training.history import Record
from nn_helpers.training.plan import Plan, check_that_they_fit, require_net
from nn_helpers.training.workers import Workers

EVALUATION_BATCH = 500


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

    def __init__(self, step, loss, lr, last_loss, culprit=None):
        self.step, self.lr, self.last_loss = step, lr, last_loss
        self._arguments = step, loss, lr, last_loss, culprit
        if culprit is not None:
            what = f"the loss is {loss} at step {step}: your {culprit} returned NaN where the library's "
            what += "function does not"
        elif last_loss is None:
            what = f"the loss is {loss} before the first update. Look for NaN or infinity in the examples"
            what += " and in the first weights"
        else:
            what = f"the loss became {loss} at step {step} (learning rate {lr:g}); one step before it was "
            what += f"{last_loss:.4g}. Try a smaller learning rate"
        super().__init__(f"training diverged: {what}")

    def __reduce__(self):
        return type(self), self._arguments


def make_step(workers, optimizer, x, y, last):
    """Make one step on a batch, and return its record; the epoch and the time are left to the caller.

    The `workers` do what the network and the optimizer do, each on a share of the batch.
    """
    net = workers.net
    logits = workers.forward(x)  # (a) affine layers and activations, up to the logits
    predicted = logits.argmax(axis=1)  # now: a learner's cross_entropy may write into the logits
    # (b) softmax turns the logits into probabilities, and (c) cross-entropy gives the data loss
    data_loss, dlogits = net.functions["cross_entropy"](logits, y)
    reg_loss = net.functions["l2_penalty"](net.weights, net.reg)  # (d) the regularization loss
    loss = float(data_loss + reg_loss)
    if not math.isfinite(loss):
        raise TrainingDivergedError(last.step + 1, loss, last.lr, last.loss, made_nan(net.functions))
    workers.backward(dlogits)  # (e) the gradient of the total loss, L2 included, …
    lr = optimizer.lr_at(optimizer.t + 1)
    workers.update(optimizer)  # … changes the parameters
    accuracy = float(np.count_nonzero(predicted == y) / len(y))
    return Record(last.step + 1, last.epoch, loss, float(data_loss), float(reg_loss), accuracy, lr, 0.0)


def training_steps(
    net, data, optimizer, *, batch_size=8, epochs=None, drop_last=True, shuffle=True, augment=None, seed=0,
    validate=True, threads=None,
):  # fmt: skip
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
    augment : function (images, rng), optional
        Changes each batch of training images: in place, as `flip_and_shift` does, or by returning new ones.
    seed : int or numpy.random.Generator
        For these orders, and for `augment`.
    validate : bool
        Measure loss and accuracy on the validation part, if there is one, after each epoch.
    threads : int, optional
        How many threads share each batch; see `Workers`. Without it, one for each processor core, and no more
        than leaves each 32 examples; one for a network with batch normalisation.

    Yields
    ------
    Record

    Raises
    ------
    TrainingDivergedError
        When the loss is not finite; the update of that step is not made.
    """
    plan = Plan.checked(
        "training_steps",
        net=net, data=data, optimizer=optimizer, epochs=epochs, batch_size=batch_size, drop_last=drop_last,
        shuffle=shuffle, augment=augment, seed=seed, validate=validate, threads=threads, endless=True,
    )  # fmt: skip
    return steps_of(plan)


class Resumed(NamedTuple):
    """Where a resumed training goes on: its last record, and the generator's state after that step."""

    record: Record
    rng_state: dict


def steps_of(plan, history=None, resumed=None):
    """Do as `training_steps`; `history` has each record as soon as its update is made."""
    net, data, steps_per_epoch = plan.net, plan.data, plan.steps_per_epoch
    batch, workers = empty_batch(data, plan.batch_size, net.dtype), Workers(net, plan.threads)
    last = resumed.record if resumed is not None else _before_the_first(plan.optimizer)
    for epoch in count(last.step // steps_per_epoch + 1):
        if plan.epochs is not None and epoch > plan.epochs:
            return
        epoch_batches = batches(
            data, plan.batch_size, shuffle=plan.shuffle, drop_last=plan.drop_last, augment=plan.augment,
            seed=plan.rng, out=batch,
        )  # fmt: skip
        if (
            skipped := last.step % steps_per_epoch
        ):  # resumed within an epoch: the same order, and all that was drawn since
            for _ in range(skipped):
                next(epoch_batches)
            plan.rng.bit_generator.state = resumed.rng_state
        while last.step < epoch * steps_per_epoch:
            began = time.perf_counter()
            with sharing(plan.threads) if plan.says_threads else nullcontext():
                record = make_step(workers, plan.optimizer, *next(epoch_batches), last)
                record.epoch, record.epoch_ends = epoch, record.step == epoch * steps_per_epoch
                record.seconds = last.seconds + time.perf_counter() - began
                if history is not None:
                    history.append(record)
                finite = _end_epoch(plan, record) if record.epoch_ends else True  # looked at once an epoch
            yield record
            if not finite:  # the last update ruined the parameters, and no next loss would have told
                raise TrainingDivergedError(
                    record.step + 1, math.nan, record.lr, record.loss, made_nan(net.functions)
                )
            last = record


def _before_the_first(optimizer):
    lr = optimizer.lr_at(optimizer.t + 1)
    return Record(
        step=0, epoch=0, loss=None, data_loss=None, reg_loss=None, accuracy=None, lr=lr, seconds=0.0
    )


def _end_epoch(plan, record):
    """Validate, and say whether parameters and validation loss are finite numbers."""
    finite = is_finite(plan.net.numbers)
    if plan.validate and len(plan.data.val) and finite:
        record.val_loss, record.val_accuracy = evaluate(plan.net, plan.data, "val")
        finite = math.isfinite(record.val_loss)
    return finite


def is_finite(numbers):
    """Say whether all of them are finite numbers."""
    with np.errstate(invalid="ignore", over="ignore"):
        return math.isfinite(numbers.sum())  # inf and NaN stay in a sum


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
    require_net("evaluate", net)
    data = as_dataset("evaluate", data)
    choice("evaluate", "part", part, ("train", "val", "test"))
    check_that_they_fit("evaluate", net, data, (part,))
    split = getattr(data, part)
    if not len(split):
        raise ValueError(f"evaluate: the {part} part of {data!r} is empty")
    losses, right = np.zeros((2, -(-len(split) // EVALUATION_BATCH)))

    def look(batch):
        these = slice(EVALUATION_BATCH * batch, EVALUATION_BATCH * (batch + 1))
        y = split.labels[these]
        logits = net.logits(data.standardise(split.inputs[these], net.dtype))
        right[batch] = np.count_nonzero(logits.argmax(axis=1) == y)
        batch_loss, _ = net.functions["cross_entropy"](logits, y)
        losses[batch] = float(batch_loss) * len(y)

    share_out(look, len(losses))
    return float(losses.sum() / len(split)), float(right.sum() / len(split))
