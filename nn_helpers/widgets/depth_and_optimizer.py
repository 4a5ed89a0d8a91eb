"""Depth and optimizer on images: fill a grid of both with trainings, each with three seeds, and compare."""

from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
from matplotlib.colors import to_hex, to_rgb

from nn_helpers.data import load_images
from nn_helpers.data.batches import as_dataset
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import make_optimizer
from nn_helpers.plots import COLOURS
from nn_helpers.training import TrainingDivergedError, training_steps
from nn_helpers.widgets import controls
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.canvas import Canvas, Sheet
from nn_helpers.widgets.controls import dropdown, row, seed_field, show_settings, slider, stop_slider, stops
from nn_helpers.widgets.live import LiveTraining
from nn_helpers.widgets.page import task_html

# By the name in the menu: the library's name, whether a step sees all images, and a rate that suits it.
OPTIMIZERS = {
    "GD": ("sgd", True, 0.02), "SGD": ("sgd", False, 5e-3), "momentum": ("momentum", False, 5e-4),
    "RMSprop": ("rmsprop", False, 3e-4), "Adam": ("adam", False, 5e-4),
}  # fmt: skip
DEPTHS = range(9)
WIDTHS = (10, 20, 50, 100, 200)
L2, DROPOUT = (0.0, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0), (0.0, 0.1, 0.2, 0.3, 0.5)
SEEDS = 3  # networks of a run
PREVIEW = 1000  # examples, at most, that each sees for the figure that is saved before the first run
SHOWN = 4  # runs that are drawn; grid and table have them all
RUN_DASHES = (), (7, 2), (2, 2), (8, 2, 2, 2)
HEAD = ("run", "hidden", "units", "optimizer", "α", "activation", "L2", "dropout", "epochs", "training loss",
        "training accuracy", "best validation accuracy", "")  # fmt: skip
CELL, LINE = 66, 32  # pixels of the grid
# The grid: the left upper corner of each depth and optimizer.
PLACES = {(depth, name): (63 + CELL * i, 44 + LINE * depth)
          for depth in DEPTHS for i, name in enumerate(OPTIMIZERS)}  # fmt: skip
TASK = (
    "The row without hidden layers sets the target: its best, the dashed line. Find a deeper network that "
    "beats it by more than both ± together."
)


@dataclass
class Run:
    """Trainings that differ in their seed: what was chosen, and what came of it, epoch by epoch."""

    chosen: dict  # the controls' values by their names
    steps: int = 0
    ended: str = ""
    losses: list = field(default_factory=list)  # mean training data loss of each epoch (SEEDS,)
    accuracies: list = field(default_factory=list)  # training (SEEDS,)
    val_accuracies: list = field(default_factory=list)  # (SEEDS,)
    epoch: list = field(default_factory=list)  # data loss and accuracy (SEEDS, 2) of the epoch's steps
    batches: int = 1  # steps of an epoch

    @property
    def cell(self):
        """Where the run is in the grid: its depth and its optimizer."""
        return self.chosen["depth"], self.chosen["optimizer"]

    @property
    def best(self):
        """The highest mean validation accuracy of an epoch, and its standard deviation over the seeds."""
        values = max(self.val_accuracies, key=np.mean, default=None)
        return (-1.0, 0.0) if values is None else (np.mean(values), np.std(values, ddof=1))

    def losses_so_far(self):
        """Return epochs (K,) and their losses (K, SEEDS); of one that is not over, the part that is done."""
        part = [np.mean(self.epoch, axis=0)[:, 0]] if self.epoch else []
        ends = [len(self.losses) + len(self.epoch) / self.batches] * len(part)
        return [*range(1, len(self.losses) + 1), *ends], [*self.losses, *part]


def depth_and_optimizer(data=None, functions=None, **settings):
    """Choose depth and optimizer, train three networks on images, and compare what you tried.

    Parameters
    ----------
    data : Dataset, optional
        With a validation part. 500 sketches to train on and 500 to compare with, unless you pass others,
        such as ``load_cifar10().subset(500, val=500)``.
    functions : dict of str to function, optional
        Your own functions in the networks, as for ``net.use``.
    **settings
        What controls show at first: depth, optimizer, lr, width, epochs, activation, reg, dropout, seed.

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

    def __init__(self, data, functions, settings):
        super().__init__("depth_and_optimizer", functions, ClassificationNet(1, [1], 2).functions)
        if data is None:
            data = load_images("sketches", quiet=True).subset(500, val=500)
        self.data = as_dataset("depth_and_optimizer", data)
        if not len(self.data.val):
            raise ValueError(
                f"depth_and_optimizer: {self.data!r} has no validation part; write data.subset(500, val=500)"
            )
        self._make_controls()
        show_settings("depth_and_optimizer", self.settings, settings, {"lr": {"above": 0.0}})
        if "optimizer" in settings and "lr" not in settings:
            self._suggest_lr(settings["optimizer"])
        self.runs, self._queue, self._drawn = [], [], None
        self.table, self.task = widgets.HTML(), widgets.HTML(task_html(TASK))
        self.grid = Sheet(394, 340, "For each depth and optimizer the best validation accuracy in %")
        words = "For each run its training loss and validation accuracy over the epochs"
        self.curves = Sheet(526, 340, words)
        self.canvas = Canvas([self.grid, self.curves], self.post, self._hear)
        all_settings = list(self.settings.values())
        rows = [row(*all_settings[i : i + 3]) for i in (0, 3, 6)]
        self.ui.children = [*rows, self.buttons, self.message, self.canvas, self.task, self.table]
        self.when(self.settings["optimizer"], self._suggest_lr)
        for each in all_settings:
            self.when(each, lambda _: self._changed())
        self.draw()

    def _make_controls(self):
        self.fill_button = self.button("Fill the grid", "th", "Train all that is still empty", self._fill)
        self.start_button.tooltip = "Train networks as chosen, or go on"
        self.step_button.description, self.step_button.tooltip = "One epoch", "Train for one epoch"
        self.reset_button.description, self.reset_button.tooltip = "Forget all", "Forget all runs"
        self.buttons.children = [*self.buttons.children, self.fill_button]
        rate = "How far a step goes; on a log scale"
        self.settings = {
            "depth": slider("hidden layers", "Depth: 0 is softmax regression", 2, 0, DEPTHS[-1], step=1),
            "optimizer": dropdown("optimizer", "How the gradient changes the weights", OPTIMIZERS, "Adam"),
            "lr": stop_slider("learning rate α", rate, stops(controls.RATES), OPTIMIZERS["Adam"][2]),
            "width": stop_slider("units a layer", "Width of each hidden layer", WIDTHS, 100),
            "activation": dropdown("activation", "The function after each hidden layer", ACTIVATIONS, "relu"),
            "epochs": slider("epochs", "How long a run trains", 20, 1, 50, step=1),
            "reg": stop_slider("L2 strength", "Strength of the penalty on large weights", stops(L2), 0.0),
            "dropout": stop_slider("dropout", "Share left out in each step", stops(DROPOUT), 0.0),
            "seed": seed_field("first seed", f"Of {SEEDS} seeds, one after the other"),
        }

    def _suggest_lr(self, optimizer):
        self.settings["lr"].value = OPTIMIZERS[optimizer][2]

    def _changed(self):
        run = self._present_run()
        if self.running and run is not None and run.chosen != self._choices():  # not by filling the grid
            self.say("This run goes on as it began. Your change takes effect with the next one.")
        self.draw()

    def _hear(self, event):
        """Choose a cell of the grid."""
        if event["event"] == "press":
            depth, optimizer = event["spot"].split()
            self.settings["depth"].value, self.settings["optimizer"].value = int(depth), optimizer

    def _choices(self):
        return {name: control.value for name, control in self.settings.items()}

    def _present_run(self):
        """Return the present run if it can go on, else None."""
        return self.runs[-1] if self.runs and not self.runs[-1].ended else None

    def _end_if_changed(self):
        """End the present run when something else is chosen now: what comes is another run."""
        run = self._present_run()
        if run is not None and run.chosen != self._choices():
            run.ended = "stopped"

    def start(self):
        """Train as chosen, or go on, in the background of a notebook."""
        if not self.running:
            self._end_if_changed()
        super().start()

    def stop(self):
        """Stop after the step that is being made, and fill no more of the grid."""
        super().stop()
        self._queue = []

    def _fill(self):
        """Train what is still empty in the grid, each optimizer at a rate that suits it."""
        self.stop()
        full = {run.cell for run in self.runs}
        self._queue = [cell for cell in PLACES if cell not in full]
        if self._queue:
            self._take_next()
            self.start()

    def _take_next(self):
        self.settings["depth"].value, optimizer = self._queue.pop(0)
        self.settings["optimizer"].value = optimizer
        self._suggest_lr(optimizer)

    def run(self, steps):
        """Make steps at once, in any Python, and draw the last."""
        self._end_if_changed()
        super().run(steps)

    def _begin(self):
        """Begin a run with what is chosen now."""
        self.say("")
        chosen = self._choices()
        name, whole, _ = OPTIMIZERS[chosen["optimizer"]]
        N, hidden = len(self.data.train), [chosen["width"]] * chosen["depth"]
        how = {name: chosen[name] for name in ("activation", "reg", "dropout")}
        self.nets, self._steps, batch_size = [], [], N if whole else min(8, N)
        for seed in range(chosen["seed"], chosen["seed"] + SEEDS):
            self.net = ClassificationNet(self.data.input_size, hidden, self.num_classes(), seed=seed, **how)
            self.net.use(**self.own_functions())
            self.nets.append(self.net)
            optimizer, batches = make_optimizer(name, chosen["lr"]), {"batch_size": batch_size, "seed": seed}
            self._steps.append(training_steps(self.net, self.data, optimizer, threads=1, **batches))
        self.runs.append(Run(chosen, batches=N // batch_size))
        return self.runs[-1]

    def num_classes(self):
        """Return how many classes the labels tell apart."""
        return int(max(self.data.train.labels.max(), self.data.val.labels.max())) + 1

    def advance(self):
        """Make one step of each network of the present run, or of a new one; False when all is done."""
        run = self._present_run() or self._begin()
        with np.errstate(over="ignore", invalid="ignore"):  # that it diverged is said in the panel
            records = [next(steps) for steps in self._steps]
        run.steps += 1
        run.epoch.append([(record.data_loss, record.accuracy) for record in records])
        if not records[0].epoch_ends:
            return True
        loss, accuracy = np.mean(run.epoch, axis=0).T
        run.losses.append(loss)
        run.accuracies.append(accuracy)
        run.val_accuracies.append(np.array([record.val_accuracy for record in records]))
        run.epoch = []
        if len(run.losses) < run.chosen["epochs"]:
            return True
        run.ended = "done"
        if not self._queue:
            return False
        self._take_next()
        return True

    def step(self):
        """Train to the end of the epoch, and draw it."""
        self.stop()
        try:
            self._end_if_changed()
            run = self._present_run() or self._begin()
            self.run(run.batches - len(run.epoch))
        except Exception as error:
            self.fail(error)

    def fail(self, error):
        """Keep the run's curve, and say how it ended."""
        diverged = isinstance(error, TrainingDivergedError)
        if self.runs:
            self.runs[-1].ended = "diverged" if diverged else "failed"
        if diverged:
            where = f"Run {len(self.runs)} diverged at step {self.runs[-1].steps + 1}"
            self.say(f"{where}: its loss is no longer a finite number. {self.advice()}")
        else:
            self.show_error(error)
        self.draw()

    def reset(self):
        """Stop, and forget all runs."""
        super().reset()
        self.runs = []
        self.say("")
        self.task.value = task_html(TASK)
        self.draw()

    # What is to be seen

    def best_of(self, runs):
        """Return the run with the highest validation accuracy, of those that have one; None without any."""
        return max((run for run in runs if run.val_accuracies), key=lambda run: run.best, default=None)

    def draw(self):
        """Bring grid, curves and table up to date."""
        before = self._drawn
        state = [(len(run.losses), run.ended) for run in self.runs], self._choices()
        self._drawn = state, self.step_count
        if before == self._drawn:
            return
        if before is None or before[0] != state:
            self._build()
        else:
            self._go_on(*self.runs[-1].losses_so_far())
        self.canvas.draw()

    def _build(self):
        """Draw what changes with an epoch, and with a choice."""
        target = self.best_of(run for run in self.runs if not run.chosen["depth"])
        self._draw_grid()
        self._draw_curves(target)
        self.table.value = self.table_html()
        best, self.canvas.say = self.best_of(self.runs), "Nothing has been tried yet"
        if self.runs:
            self.canvas.say = f"Run {len(self.runs)}, epoch {len(self.runs[-1].losses)}"
        if best is not None:
            self.canvas.say += f"; best {in_words(best)}"
            if target is not None and best.best[0] - best.best[1] > sum(target.best):
                self.task.value = task_html(TASK, f"{in_words(best)} against {in_words(target)}.")

    def _draw_grid(self):
        self.grid.clear()
        chosen, best = (self.value("depth"), self.value("optimizer")), self.best_of(self.runs)
        self.grid.texts([(394 / 2, 9, "Best validation accuracy (%)")], size=13, align="center", bold=True)
        self.grid.texts([(x + CELL / 2, 32, name) for (depth, name), (x, _) in PLACES.items() if not depth],
                        size=11, align="center")  # fmt: skip
        rows = [(58, 44 + LINE * (depth + 0.5), f"{depth} hidden") for depth in DEPTHS]
        self.grid.texts(rows, align="right")
        chance = 1 / self.num_classes()
        for cell, (x, y) in PLACES.items():
            here = [run for run in self.runs if run.cell == cell]
            run, words = self.best_of(here), (here[-1].ended or "…") if here else ""
            if run is not None:
                share = max(0.0, run.best[0] - chance) / max(best.best[0] - chance, 1e-9)
                self.grid.rects([(x, y, CELL, LINE)], to_hex(1 - share * (1 - np.array(to_rgb(COLOURS[5])))))
                words = f"{100 * run.best[0]:.0f} ± {100 * run.best[1]:.0f}"
            middle, ink = (x + CELL / 2, y + LINE / 2, words), "ink" if run is None else "#111111"
            self.grid.texts([middle], ink, align="center", bold=run is not None and run is best)
            name = f"{cell[0]} hidden layer{'s' * (cell[0] != 1)}, {cell[1]}: {words or 'empty'}"
            self.grid.spot(f"{cell[0]} {cell[1]}", (x, y, CELL, LINE), name, "grid")
        self.grid.rects([(*place, CELL, LINE) for place in PLACES.values()], "faint", stroke=0.5)
        self.grid.rects([(*PLACES[chosen], CELL, LINE)], "ink", stroke=3)

    def last_runs(self):
        """Return the runs that are drawn, with the number of each, counted from 1."""
        return list(enumerate(self.runs, 1))[-SHOWN:]

    def _draw_curves(self, target):
        self.curves.clear()
        shown = self.last_runs()
        epochs = max([self.value("epochs"), *(len(run.losses) for _, run in shown)])
        highest = 1.3 * np.log(self.num_classes())  # a run that diverges may leave the plot
        loss = Axes(self.curves, (0, 0, 258, 340), (0, epochs + 0.5), (0, highest), "Training loss", "epoch",
                    "cross-entropy (nats)")  # fmt: skip
        accuracy = Axes(self.curves, (268, 0, 258, 340), (0, epochs + 0.5), (0, 100), "Validation accuracy",
                        "epoch", "accuracy (%)")  # fmt: skip
        if target is not None:
            line = accuracy.place((0, epochs + 0.5), 100 * np.array([target.best[0]] * 2))
            self.curves.line(line, "ink", 1.5, (6, 4))
            self.curves.texts([(line[1, 0], line[1, 1] - 8, "target")], align="right")
        for number, run in shown:
            self._go_on = self._run_drawer(loss, number)  # at last the present run's
            self._go_on(*run.losses_so_far())
            accuracies = [100 * each for each in run.val_accuracies]
            self._run_drawer(accuracy, number)(np.arange(1, len(accuracies) + 1), accuracies)

    def _run_drawer(self, axes, number):
        """Return what draws a run's epochs (K,) and values (K, SEEDS).

        Their mean over the seeds has the run's number at its end, and lies on a band from lowest to highest.
        """
        i, sheet = (number - 1) % SHOWN, self.curves
        band, line = sheet.rects([], COLOURS[i], alpha=0.2), sheet.line([], COLOURS[i], 2, RUN_DASHES[i])
        points, name = sheet.points([], COLOURS[i], i, 4), sheet.texts([], COLOURS[i], bold=True)
        width = axes.x(2) - axes.x(1)

        def show(epochs, values):
            values = np.reshape(values, (-1, SEEDS))
            mean, low, high = (axes.place(epochs, f(values, axis=1)) for f in (np.mean, np.min, np.max))
            heights = low[:, 1] - high[:, 1]
            band.show(np.stack([low[:, 0] - width / 2, high[:, 1], 0 * heights + width, heights], axis=1))
            line.show(mean)
            points.show(mean)
            name.show([(x + 4, y - 9, str(number)) for x, y in mean[-1:]])

        return show

    def table_html(self):
        """Return what was tried as a table; the best run is marked by a word and by bold type."""
        if not self.runs:
            return "<p>Nothing has been tried yet. Choose a cell of the grid, and press Train.</p>"
        best = self.best_of(self.runs)
        rows = "".join(f'<th scope="col">{title}</th>' for title in HEAD)
        for number, run in enumerate(self.runs, 1):
            numbers = ("–",) * 3
            if run.losses:
                mean, spread = run.best
                numbers = f"{run.losses[-1].mean():.3f}", f"{run.accuracies[-1].mean():.1%}"
                numbers = *numbers, f"{100 * mean:.1f} ± {100 * spread:.1f} %"
            state = ["best"] * (run is best) + [run.ended] * (run.ended not in ("", "done"))
            names = "depth", "width", "optimizer", "lr", "activation", "reg", "dropout"
            choices = [f"{run.chosen[name]:.2g}" if name == "lr" else run.chosen[name] for name in names]
            cells = number, *choices, len(run.losses), *numbers, ", ".join(state)
            weight = "bold" if run is best else "normal"
            rows += f'<tr style="white-space: nowrap; font-weight: {weight}">'
            rows += "".join(f"<td>{cell}</td>" for cell in cells)
        return f'<table style="line-height: 1.4; border-spacing: 12px 0; text-align: left"><tr>{rows}</table>'


def in_words(run):
    """Return a run's name and its best validation accuracy."""
    (depth, optimizer), (mean, spread) = run.cell, run.best
    layers = f"{depth} hidden layer{'s' * (depth != 1)}"
    return f"{layers} with {optimizer}: {100 * mean:.1f} ± {100 * spread:.1f} %"
