"""What happened in a training: a record of each step, and the history that they make."""

from dataclasses import dataclass, field, fields

import numpy as np


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


COLUMNS = tuple(each.name for each in fields(Record))


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

    @property
    def interrupted(self):
        """Whether training was stopped from outside: by ■, or Ctrl-C."""
        return (self.stopped or "").startswith("interrupted")

    def append(self, record):
        """Add the next step's record."""
        self.records.append(record)

    def __len__(self):
        return len(self.records)

    def to_arrays(self):
        """Return every quantity of every step as plain arrays: ``{"step": …, "loss": …, "accuracy": …, …}``.

        `val_loss` and `val_accuracy` are NaN at steps that were not validated.
        """
        names = [name for name in COLUMNS if name != "epoch_ends"]
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
            f"History({len(self):,} step{'s' * (len(self) > 1)}, {last.epoch} epoch{'s' * (last.epoch > 1)}; "
            f"last epoch: loss {epochs['loss'][-1]:.4f}, accuracy {epochs['accuracy'][-1]:.1%}{val}{stopped})"
        )
