"""Depth and optimizer on images: train one network after another, keep the runs, and compare them."""

import math
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np

from nn_helpers.data import load_images
from nn_helpers.data.batches import as_dataset
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import make_optimizer
from nn_helpers.plots import COLOURS, finish, style, subplots
from nn_helpers.training import TrainingDivergedError, training_steps
from nn_helpers.widgets.controls import RATES, dropdown, row, show_settings, slider, stop_slider, stops
from nn_helpers.widgets.figure_canvas import FigureCanvas
from nn_helpers.widgets.live import LiveTraining
from nn_helpers.widgets.page import table_html

# By the name in the menu: the library's name, whether a step sees all images, and a rate that suits it.
OPTIMIZERS = {
    "GD": ("sgd", True, 0.02),
    "SGD": ("sgd", False, 5e-3),
    "momentum": ("momentum", False, 5e-4),
    "RMSprop": ("rmsprop", False, 3e-4),
    "Adam": ("adam", False, 5e-4),
}
WIDTHS = (10, 20, 50, 100, 200)
PREVIEW = 2000  # examples, at most, that are seen for the figure that is saved before the first run
SHOWN = len(COLOURS)  # runs that are drawn; the table has them all


@dataclass
class Run:
    """One training: what was chosen, and what came of it, epoch by epoch."""

    depth: int
    width: int
    optimizer: str
    lr: float
    steps_per_epoch: int
    steps: int = 0
    ended: str = ""
    losses: list = field(default_factory=list)  # mean training data loss of each epoch
    accuracies: list = field(default_factory=list)  # training
    val_accuracies: list = field(default_factory=list)
    epoch: list = field(default_factory=list)  # training data loss and accuracy of the present epoch's steps

    @property
    def name(self):
        """What the legend calls the run."""
        return f"{self.depth} hidden, {self.optimizer}, {self.lr:.2g}"

    def loss_curve(self):
        """Return the epochs, counted from 1, and their losses; the last may be the present epoch so far."""
        epochs, losses = [*range(1, len(self.losses) + 1)], [*self.losses]
        if self.epoch:
            epochs.append(self.steps / self.steps_per_epoch)
            losses.append(np.mean(self.epoch, axis=0)[0])
        return epochs, losses

    @property
    def best(self):
        """The highest validation accuracy of an epoch, −1 before the first."""
        return max(self.val_accuracies, default=-1.0)


def depth_and_optimizer(data=None, functions=None, **settings):
    """Choose depth and optimizer, train on images, and compare what you tried.

    Parameters
    ----------
    data : Dataset, optional
        With a validation part. 500 sketches to train on and 500 to compare with, unless you pass others,
        such as ``load_cifar10().subset(500, val=500)``.
    functions : dict of str to function, optional
        Your own functions in the networks, as for ``net.use``.
    **settings
        What controls show at first: depth, optimizer, lr, width, epochs.

    Returns
    -------
    DepthAndOptimizer
        For a cell's last line.
    """
    return DepthAndOptimizer(data, functions, settings)


class DepthAndOptimizer(LiveTraining):
    """See `depth_and_optimizer`."""

    start_word = "Train"

    @property
    def step_count(self):
        """How many steps were made, in all runs."""
        return sum(run.steps for run in self.runs)

    def preview(self):
        """Train for some epochs, for a figure that is worth saving; for none where one would take long."""
        for _ in range(PREVIEW // len(self.data.train)):
            self.step()

    def __init__(self, data=None, functions=None, settings=None):
        super().__init__("depth_and_optimizer", functions, ClassificationNet(1, [1], 2).functions)
        if data is None:
            data = load_images("sketches", quiet=True).subset(500, val=500)
        self.data = as_dataset("depth_and_optimizer", data)
        if not len(self.data.val):
            raise ValueError(
                f"depth_and_optimizer: {self.data!r} has no validation part; write data.subset(500, val=500)"
            )
        self._make_controls()
        settings = settings or {}
        show_settings("depth_and_optimizer", self.settings, settings, {"lr": {"above": 0.0}})
        if "optimizer" in settings and "lr" not in settings:
            self._suggest_lr(settings["optimizer"])
        self.runs, self._steps = [], None
        self._make_figure()
        self.table = widgets.HTML()
        self.ui.children = [
            row(*list(self.settings.values())[:3]), row(*list(self.settings.values())[3:]), self.buttons,
            self.message, self.canvas.widget, self.table,
        ]  # fmt: skip
        self.when(self.settings["optimizer"], self._suggest_lr)
        for name in ("depth", "optimizer", "lr", "width", "epochs"):
            self.when(self.settings[name], lambda _: self._changed())
        self.draw()

    def _make_controls(self):
        for button, words, tooltip in (
            (self.start_button, self.start_word, "Train a network as chosen, or go on"),
            (self.step_button, "One epoch", "Train for one epoch"),
            (self.reset_button, "Forget all", "Forget all runs"),
        ):
            button.description, button.tooltip = words, tooltip
        rate = "How far a step goes; on a log scale"
        self.settings = {
            "depth": slider("hidden layers", "Depth: 0 is softmax regression", 2, 0, 8, step=1),
            "optimizer": dropdown("optimizer", "How the gradient changes the weights", OPTIMIZERS, "Adam"),
            "lr": stop_slider("learning rate α", rate, stops(RATES), OPTIMIZERS["Adam"][2]),
            "width": stop_slider("units a layer", "Width of each hidden layer", WIDTHS, 100),
            "epochs": slider("epochs", "How long a run trains", 20, 1, 50, step=1),
        }

    def _suggest_lr(self, optimizer):
        self.settings["lr"].value = OPTIMIZERS[optimizer][2]

    def _changed(self):
        if self.running:
            self.say("This run goes on as it began. Your change takes effect with the next one.")

    def _choices(self):
        return self.value("depth"), self.value("width"), self.value("optimizer"), self.value("lr")

    def _present_run(self):
        """Return the present run if it can go on, else None."""
        run = self.runs[-1] if self.runs else None
        return None if run is None or run.ended else run

    def _end_if_changed(self):
        """End the present run when something else is chosen now: what comes is another run."""
        run = self._present_run()
        if run is not None and (run.depth, run.width, run.optimizer, run.lr) != self._choices():
            run.ended = "stopped"

    def start(self):
        """Train as chosen, or go on, in the background of a notebook."""
        if not self.running:
            self._end_if_changed()
        super().start()

    def run(self, steps):
        """Make steps at once, in any Python, and draw the last."""
        self._end_if_changed()
        super().run(steps)

    def _begin(self):
        """Begin a run with what is chosen now."""
        self.say("")
        depth, width, optimizer, lr = self._choices()
        name, whole, _ = OPTIMIZERS[optimizer]
        self.net = ClassificationNet(self.data.input_size, [width] * depth, self.num_classes(), seed=0)
        self.net.use(**self.own_functions())
        N = len(self.data.train)
        batch_size = N if whole else min(8, N)
        how = {"batch_size": batch_size, "threads": 1}
        self._steps = training_steps(self.net, self.data, make_optimizer(name, lr), **how)
        self.runs.append(Run(depth, width, optimizer, lr, N // batch_size))
        return self.runs[-1]

    def num_classes(self):
        """Return how many classes the labels tell apart."""
        return int(max(self.data.train.labels.max(), self.data.val.labels.max())) + 1

    def advance(self):
        """Make one step of the present run, or of a new one; False when its epochs are over."""
        run = self._present_run() or self._begin()
        with np.errstate(over="ignore", invalid="ignore"):  # that it diverged is said in the panel
            record = next(self._steps)
        run.steps += 1
        run.epoch.append((record.data_loss, record.accuracy))
        if not record.epoch_ends:
            return True
        loss, accuracy = np.mean(run.epoch, axis=0)
        run.losses.append(loss)
        run.accuracies.append(accuracy)
        run.val_accuracies.append(record.val_accuracy)
        run.epoch = []
        if len(run.losses) < self.value("epochs"):
            return True
        run.ended = "done"
        return False

    def step(self):
        """Train for one epoch and draw it."""
        self.stop()
        self._end_if_changed()
        try:
            while self.advance() and self.runs[-1].epoch:  # empty when the epoch is over
                pass
        except Exception as error:
            self.fail(error)
        finally:
            self.draw()

    def fail(self, error):
        """Keep the run's curve, and say how it ended."""
        if self.runs:
            self.runs[-1].ended = "diverged" if isinstance(error, TrainingDivergedError) else "failed"
        if isinstance(error, TrainingDivergedError):
            self.say(
                f"Run {len(self.runs)} diverged at step {self.runs[-1].steps + 1}: its loss is no longer a "
                f"finite number. {self.advice()}"
            )
        else:
            self.show_error(error)
        self.draw()

    def reset(self):
        """Stop, and forget all runs."""
        super().reset()
        self.runs, self._steps = [], None
        self.say("")
        self.draw()

    def _make_figure(self):
        figure, axes = subplots(11.2, 3.6, 1, 3, dpi=80, width_ratios=(4, 4, 2.9))
        self.loss, self.accuracy, self.key = axes
        self.key.set_axis_off()
        self.canvas = FigureCanvas(
            figure, alt="For every run a curve: the training loss and the validation accuracy over the epochs"
        )
        self.lines = []
        for ax in (self.loss, self.accuracy):
            finish(ax, "epoch")
            lines = [ax.plot([], [], markersize=4, **style(i, marker=True)) for i in range(SHOWN)]
            self.lines.append([self.canvas.move(*line) for line in lines])
        self.loss.set(title="Training loss", xlabel="epoch", ylabel="cross-entropy (nats)", ylim=(0, 3))
        self.accuracy.set(title="Validation accuracy", xlabel="epoch", ylabel="accuracy (%)", ylim=(0, 100))
        self._limits = self._legend = None

    def last_runs(self):
        """Return the runs that are drawn, with the number of each, counted from 1."""
        return list(enumerate(self.runs, 1))[-SHOWN:]

    def draw(self):
        """Bring curves and table up to date."""
        shown = self.last_runs()
        for lines in self.lines:
            for line in lines:
                line.set_data([], [])
        for number, run in shown:
            losses, accuracies = (lines[(number - 1) % SHOWN] for lines in self.lines)
            losses.set_data(*run.loss_curve())
            values = [100 * accuracy for accuracy in run.val_accuracies]
            accuracies.set_data(range(1, len(values) + 1), values)
        epochs = max([self.value("epochs"), *(len(run.losses) for _, run in shown)])
        top = max([2.5, *(loss for _, run in shown for loss in run.losses if math.isfinite(loss))])
        limits, legend = (epochs, math.ceil(2 * min(top, 20)) / 2), [(n, run.name) for n, run in shown]
        if (limits, legend) == (self._limits, self._legend):
            self.canvas.draw()
        else:
            self._limits, self._legend = limits, legend
            self._set_axes()
            self.canvas.redraw()
        self.table.value = self.table_html()

    def _set_axes(self):
        epochs, top = self._limits
        for ax in (self.loss, self.accuracy):
            ax.set_xlim(0.5, epochs + 0.5)
        self.loss.set_ylim(0, 1.05 * top)
        if self.key.get_legend() is not None:
            self.key.get_legend().remove()
        if self._legend:
            handles = [self.lines[0][(number - 1) % SHOWN] for number, _ in self._legend]
            names = [f"{number}: {name}" for number, name in self._legend]
            legend = self.key.legend(handles, names, fontsize="small", frameon=False, loc="upper left")
            for handle in legend.legend_handles:
                handle.set_animated(False)

    def best_run(self):
        """Return the number, counted from 1, of the run with the highest validation accuracy; None before."""
        numbers = [number for number, run in enumerate(self.runs, 1) if run.val_accuracies]
        return max(numbers, key=lambda number: self.runs[number - 1].best, default=None)

    def table_html(self):
        """Return what was tried as a table; the best run is marked by a word and by bold type."""
        if not self.runs:
            return "<p>Nothing was tried yet. Choose depth and optimizer, and press Train.</p>"
        head = ("run", "hidden", "units", "optimizer", "α", "epochs", "training loss",
                "training accuracy", "best validation accuracy", "")  # fmt: skip
        best, rows = self.best_run(), []
        for number, run in enumerate(self.runs, 1):
            numbers = ("–",) * 3
            if run.losses:
                numbers = f"{run.losses[-1]:.3f}", f"{run.accuracies[-1]:.1%}", f"{run.best:.1%}"
            state = ["best"] * (number == best) + [run.ended] * (run.ended not in ("", "done"))
            choices = run.depth, run.width, run.optimizer, f"{run.lr:.2g}"
            rows.append((number, *choices, len(run.losses), *numbers, ", ".join(state)))
        return table_html(head, rows, [number == best for number, *_ in rows])
