"""The playground: a network of your choice trains while you look into it and move its settings."""

import html
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache

import ipywidgets as widgets
import numpy as np

from nn_helpers.data import Dataset, points, sketches
from nn_helpers.data.points import POINTS
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.network import INITIALISATIONS, ClassificationNet
from nn_helpers.optimizers import OPTIMIZERS, make_optimizer
from nn_helpers.plots import Figure
from nn_helpers.support.validation import choice
from nn_helpers.training import TrainingDivergedError, training_steps
from nn_helpers.widgets.controls import (
    RATES,
    control,
    dropdown,
    row,
    seed_field,
    show_settings,
    slider,
    stop_slider,
    stops,
)
from nn_helpers.widgets.figure_canvas import FigureCanvas
from nn_helpers.widgets.live import LiveTraining
from nn_helpers.widgets.page import COPY
from nn_helpers.widgets.script import Script
from nn_helpers.widgets.views import DEEPEST, Curves, Layers, Regions, Samples

IMAGES = "images"
FORMERLY = "pictures"  # the same in programs that were written when it was called so
# What controls show at first where nothing else was said: for points, and what differs for images.
FIRST = {"seed": 0, "batch_size": 8, "reg": 0.0, "depth": 2, "width": 8, "activation": "relu", "init": "he",
         "optimizer": "sgd", "lr": 0.1}  # fmt: skip
FIRST_IMAGES = {"width": 64, "lr": 0.01}
WIDEST = 128
# Each optimizer's own parameters, beside the learning rate: the first value, and the ends of the slider.
OWN = {
    "momentum": {"beta": (0.9, 0.0, 0.99)},
    "rmsprop": {"beta": (0.99, 0.0, 0.999)},
    "adam": {"beta1": (0.9, 0.0, 0.99), "beta2": (0.999, 0.5, 0.999)},
    "adamw": {"beta1": (0.9, 0.0, 0.99), "beta2": (0.999, 0.5, 0.999), "weight_decay": (0.01, 0.0, 0.5)},
}
CLASSES = {"sgd": "SGD", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}
SYMBOLS = {"beta": "β", "beta1": "β₁", "beta2": "β₂", "weight_decay": "weight decay λ"}
L2 = (0.0, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, "all")
FUNCTIONS = {"affine_forward", "affine_backward", "softmax", "cross_entropy", "l2_penalty"} | {
    f"{activation}_{way}" for activation in ACTIVATIONS for way in ("forward", "backward")
}
MADE = "500, n_test=0, n_val=200"  # sketches
MEASURED = 200  # examples of a part that each frame looks at
PREVIEW, PREVIEW_POINTS = 20_000, 15  # at most so many examples are seen, with so many points of a curve
SPEED = 20  # frames whose steps the speed is the mean of
WIDE = {"width": "300px", "label_width": "100px"}  # three in a row


def playground(data="moons", functions=None, **settings):
    """Train a network live: choose its depth and everything else, press Start, and look into it.

    Parameters
    ----------
    data : {"moons", "spirals", "circles", "blobs", "xor", "images"} or Dataset
        Points in a plane, or images: 500 sketches unless you pass others, such as
        ``load_cifar10().subset(500, val=200)``.
    functions : dict of str to function, optional
        Your own functions in the network, as for ``net.use``: ``{"relu_forward": relu_forward}``.
    **settings
        What controls show at first: depth, width, activation, init, optimizer, lr, batch_size, reg, seed, and
        the optimizer's own beta, beta1, beta2, weight_decay.

    Returns
    -------
    Playground
        For a cell's last line.
    """
    return Playground(data, functions, settings)


class Playground(LiveTraining):
    """See `playground`."""

    def preview(self):
        """Make some steps for a figure that is worth saving."""
        for _ in range(PREVIEW_POINTS):
            self.run(min(20, PREVIEW // (PREVIEW_POINTS * self.batch_size())))

    def __init__(self, data="moons", functions=None, settings=None):
        super().__init__("playground", functions, sorted(FUNCTIONS))
        self._passed = data if isinstance(data, Dataset) else None
        if self._passed is not None and not len(data.val):
            raise ValueError(
                f"playground: {data!r} has no validation part; write data.subset(500, val={MEASURED})"
            )
        kind = IMAGES if self._passed or (isinstance(data, str) and data == FORMERLY) else data
        self._make_controls(choice("playground", "data", kind, (*POINTS, IMAGES)))
        self._make_code_box()
        self._set(settings or {})
        self._show_own_parameters()
        self.facts, self.about = widgets.HTML(), widgets.HTML()
        self._make_figure()
        self.ui.children = [
            self.controls, self.buttons, self.message, self.code_box, self.facts, self.canvas.widget,
            self.about,
        ]  # fmt: skip
        self.kind = self.seed = None  # of the data and the network that are there, whatever the controls say
        self.begin()
        self._connect()

    # What there is to see and to move

    def _make_controls(self, data):
        first = FIRST | (FIRST_IMAGES if data == IMAGES else {})
        columns = self._data_controls(data, first), self._network_controls(first), self._step_controls(first)
        self.settings = {name: each for column in columns for name, each in column.items()}
        self.own = {
            name: {
                parameter: slider(
                    SYMBOLS[parameter], f"{SYMBOLS[parameter]} of {CLASSES[name]}", *where, step=0.001,
                    readout_format=".3f", **WIDE,
                )
                for parameter, where in parameters.items()
            }
            for name, parameters in OWN.items()
        }  # fmt: skip
        self.own_box = widgets.VBox([])
        boxes = [widgets.VBox(list(column.values())) for column in columns]
        boxes[-1].children = [*boxes[-1].children, self.own_box]
        self.controls = row(*boxes)

    def _data_controls(self, data, first):
        kinds = "What is to be told apart: points in a plane, or images"
        seed = "Seed of the points, the first weights and the order of examples"
        batch_size, reg = (
            "Examples in a mini-batch; all: gradient descent",
            "Strength of the penalty on large weights",
        )
        return {
            "data": dropdown("data", kinds, [*POINTS, IMAGES], data, **WIDE),
            "seed": seed_field("seed", seed, first["seed"], **WIDE),
            "batch_size": stop_slider("batch size", batch_size, BATCHES, first["batch_size"], **WIDE),
            "reg": stop_slider("L2 strength", reg, stops(L2), first["reg"], **WIDE),
        }

    def _network_controls(self, first):
        depth, width = "Depth: 0 is softmax regression", "Width of each hidden layer"
        activation = "The function after each hidden layer"
        init = "How large the first weights are: he √(2/D), xavier √(2/(D + M)), normal 0.01"
        return {
            "depth": slider("hidden layers", depth, first["depth"], 0, DEEPEST, step=1, **WIDE),
            "width": slider("units per layer", width, first["width"], 1, WIDEST, step=1, **WIDE),
            "activation": dropdown("activation", activation, ACTIVATIONS, first["activation"], **WIDE),
            "init": dropdown("initialisation", init, INITIALISATIONS, first["init"], **WIDE),
        }

    def _step_controls(self, first):
        classes = [(CLASSES[name], name) for name in OPTIMIZERS]
        optimizer, lr = "How the gradient changes the weights", "How far a step goes, on a log scale"
        return {
            "optimizer": dropdown("optimizer", optimizer, classes, first["optimizer"], **WIDE),
            "lr": stop_slider("learning rate α", lr, stops(RATES), first["lr"], **WIDE),
        }

    def _make_code_box(self):
        lines = "lines that make this network and this run"
        self.code_button = self.button("Copy as code", "code", f"Show the {lines}", self._show_code)
        self.code = control(widgets.Textarea, "code", lines.capitalize(), width="98%", label_width="100px")
        self.copy_button = widgets.HTML(COPY)
        self.code_box = widgets.VBox([])
        self.buttons.children = [*self.buttons.children, self.code_button]

    def _set(self, settings):
        own = self.own.get(settings.get("optimizer", self.value("optimizer")), {})
        known = {name: each for name, each in self.settings.items() if name != "data"} | own
        show_settings("playground", known, settings, {"lr": {"above": 0.0}, "reg": {}})

    def _connect(self):
        for name in ("data", "seed", "depth", "width", "activation", "init"):
            self.when(self.settings[name], lambda _, name=name: self._renew(name))
        self.when(self.settings["optimizer"], lambda _: self._change_optimizer())
        self.when(self.settings["lr"], lambda lr: self._change("lr", self.optimizer, lr))
        self.when(self.settings["reg"], lambda reg: self._change("reg", self.net, reg))
        self.when(self.settings["batch_size"], lambda _: self._new_steps())
        for optimizer, sliders in self.own.items():
            for name, each in sliders.items():
                self.when(
                    each, lambda value, optimizer=optimizer, name=name: self._tune(optimizer, name, value)
                )

    def _show_own_parameters(self):
        self.own_box.children = list(self.own.get(self.value("optimizer"), {}).values())

    def _make_figure(self):
        figure = Figure(figsize=(11.2, 4.8), dpi=80, layout="none")  # pixels: 896 × 384
        places = {"left": 0.06, "right": 0.985}
        above = figure.add_gridspec(
            1, 3, bottom=0.475, top=0.945, width_ratios=(1.3, 1, 1), wspace=0.25, **places
        )
        below = figure.add_gridspec(1, 4, bottom=0.105, top=0.315, wspace=0.15, **places)
        self._answers_ax, loss, accuracy = (figure.add_subplot(place) for place in above)
        self.canvas = FigureCanvas(
            figure,
            alt="What the network answers, loss and accuracy over the steps, and for each layer its "
            "activations, dead units, gradient and update; sizes are root mean squares",
        )
        self.accuracy = Curves(self.canvas, accuracy, "Accuracy", "accuracy (%)", top=102)
        self.loss = Curves(self.canvas, loss, "Loss", "cross-entropy (nats)")  # its axes change more often
        self.layers = Layers(self.canvas, [figure.add_subplot(place) for place in below])

    # What trains

    def batch_size(self):
        """Return how many examples a batch has: no more than there are."""
        size, N = self.value("batch_size"), len(self.data.train)
        return N if size == "all" else min(size, N)

    def begin(self):
        """Make the data, network and optimizer that the controls describe, and a frame of them."""
        kind, seed = self.value("data"), self.value("seed")
        # Not only after a change of these two: one that came later may have its turn before theirs.
        new_data = (kind, seed) != (self.kind, self.seed)
        self.kind, self.seed = kind, seed
        if new_data:
            self.data = points(kind, seed=seed) if kind in POINTS else self._passed or sample_images()
        C = POINTS[kind][1] if kind in POINTS else self.data.num_classes
        self.net = ClassificationNet(
            self.data.input_size, [self.value("width")] * self.value("depth"), C,
            self.value("activation"), self.value("reg"), self.value("init"), seed=seed,
        )  # fmt: skip
        self.net.use(**self.own_functions())
        self.step_count, self.epochs, self._script = 0, 0, Script()
        self.code_box.children = []  # code that makes another network
        self.seconds, self.times = 0.0, deque(maxlen=SPEED)
        self._theta_before = np.full_like(self.net.theta, np.nan)
        self._new_optimizer()
        if new_data:
            self._look_at_data()
        self.loss.clear()
        self.accuracy.clear()
        self.layers.begin(self.net.num_layers, self.net.activation)
        self.guard(self.draw)

    def _look_at_data(self):
        """Put together what each frame asks the network: examples of both parts, places of the plane."""
        canvas, ax = self.canvas, self._answers_ax
        canvas.clear(ax)
        if self.kind == IMAGES:
            self.answers = Samples(canvas, ax, self.data.val, self.data.class_names)
        else:
            self.answers = Regions(canvas, ax, self.data)
        parts = [part[:MEASURED] for part in (self.data.train.images, self.data.val.images)]
        N = [len(part) for part in parts]
        self._parts = [
            (slice(0, N[0]), self.data.train.labels[:MEASURED]),
            (slice(N[0], sum(N)), self.data.val.labels[:MEASURED]),
        ]
        x = [self.data.standardise(part, self.net.dtype) for part in parts]
        if self.kind == IMAGES:
            self._answered = slice(N[0], N[0] + Samples.COUNT)
        else:
            self._answered = slice(sum(N), None)
            x.append(self.answers.x)
        self.x = np.concatenate(x)

    def _new_optimizer(self):
        sliders = self.own.get(self.value("optimizer"), {})
        own = {name: round(slider.value, 3) for name, slider in sliders.items()}  # as they are shown
        self.optimizer = make_optimizer(self.value("optimizer"), self.value("lr"), **own)
        self._note("optimizer", f"optimizer = {self.optimizer!r}")
        self._new_steps()

    def _new_steps(self):
        """Go on with batches of the size that is chosen, in another order of examples."""
        # One thread: the page needs the other cores, and more would add in another order.
        how = {"batch_size": self.batch_size(), "seed": self.seed + self.step_count, "threads": 1}
        self._steps = training_steps(self.net, self.data, self.optimizer, validate=False, **how)
        arguments = ", ".join(f"{name}={value}" for name, value in how.items())
        self._steps_line = f"steps = training_steps(net, data, optimizer, {arguments})"
        self._note("steps", self._steps_line)

    # What a change does

    def _renew(self, name):
        """Begin anew after a change that needs another network, and say so."""
        self.stop()
        self.begin()
        hint = ""
        if name == "data" and self.value("data") == IMAGES:
            width, lr = FIRST_IMAGES["width"], FIRST_IMAGES["lr"]
            hint = f" A good start for images: {width} units per layer, SGD, a learning rate of {lr:g}."
        self.say(f"New {self.settings[name].description}: a new network, at step 0. Press Start.{hint}")

    def _change_optimizer(self):
        self._show_own_parameters()
        self._new_optimizer()
        if self.step_count:
            self.say("The network stays as it is. The new optimizer remembers nothing yet.")

    def _change(self, name, what, value):
        """Change an attribute of the network or the optimizer in the middle of the run."""
        setattr(what, name, value)
        self._note(name, f"{'net' if what is self.net else 'optimizer'}.{name} = {value!r}")

    def _tune(self, optimizer, name, value):
        if optimizer == self.value("optimizer"):
            self._change(name, self.optimizer, round(value, 3))

    def _note(self, what, line):
        if self.step_count:  # what was changed before is what the run begins with
            self._script.change(self.step_count, what, line)

    # Steps and frames

    def reset(self):
        """Stop, and make the same network again."""
        super().reset()
        self.say("")
        self.begin()

    def watch(self):
        """Remember the parameters before a step whose update is to be seen."""
        np.copyto(self._theta_before, self.net.theta)

    def advance(self):
        """Make one step of training."""
        if not self.step_count:
            self._script.head = self._head()
        began = time.perf_counter()
        with np.errstate(all="ignore"):  # a training that diverges is told in words
            record = next(self._steps)
        self.seconds += time.perf_counter() - began
        self.step_count += 1
        self.epochs += record.epoch_ends
        return True

    def fail(self, error):
        """Say why the steps ended; the curves keep what was there."""
        self._new_steps()  # the old ones ended with the error
        with suppress(Exception):  # what failed may be needed for drawing too
            self.draw()
        if not isinstance(error, TrainingDivergedError):
            self.show_error(error)
            return
        self.say(
            f"Training diverged at step {self.step_count + 1:,}: the loss is no longer a finite number"
            f"{self._first_layer_without_numbers()}. {self.advice()} Then press Reset."
        )

    def _first_layer_without_numbers(self):
        with np.errstate(all="ignore"):
            for layer, a in enumerate(self.net.activations(self.x), 1):
                if not np.isfinite(a).all():
                    return f", and hidden layer {layer} puts out infinity or NaN"
        return ""

    def draw(self):
        """Show where the training stands."""
        with np.errstate(all="ignore"):
            hidden, logits = look(self.net, self.x)
            loss, accuracy = zip(*(self._measure(logits[rows], y) for rows, y in self._parts), strict=True)
            self.loss.add(self.step_count, *loss)
            self.accuracy.add(self.step_count, *(100 * share for share in accuracy))
            self.answers.show(self.net.functions["softmax"](logits[self._answered]))
            examples = slice(0, self._parts[-1][0].stop)
            self.layers.show([a[examples] for a in hidden], *self._sizes())
        self.canvas.draw()
        self.times.append((self.step_count, self.seconds))
        self.facts.value = html.escape(self._facts(loss, accuracy))
        self.about.value = html.escape(self._about())

    def _measure(self, logits, y):
        """Return cross-entropy and accuracy."""
        loss, _ = self.net.functions["cross_entropy"](logits.copy(), y)  # a learner's may write into them
        return float(loss), float((logits.argmax(axis=1) == y).mean())

    def _sizes(self):
        """Return each layer's gradient, and its last update divided by its weights, as root mean squares."""
        start, gradients, updates = 0, [], []
        for layer in range(1, self.net.num_layers + 1):
            W, dW = self.net.params[f"W{layer}"].ravel(), self.net.grads[f"W{layer}"].ravel()
            gradients.append(rms(dW) if self.step_count else np.nan)
            updates.append(rms(W - self._theta_before[start : start + W.size]) / rms(W))
            start += W.size
        return np.array(gradients), np.array(updates)

    def _facts(self, loss, accuracy):
        """Return the figure's numbers as text."""
        parts = [
            f"step {self.step_count:,}",
            f"{self.epochs:,} epoch{'s' * (self.epochs != 1)}",
            f"loss {loss[0]:.3f}, validation {loss[1]:.3f}",
            f"accuracy {accuracy[0]:.0%}, validation {accuracy[1]:.0%}",
        ]
        (first, began), (last, ended) = self.times[0], self.times[-1]
        if last > first:
            parts.append(f"{(last - first) / (ended - began):,.0f} steps a second")
        return " · ".join(parts)

    def _about(self):
        """Return what kind of network it is, and which of the learner's functions run in it."""
        text = repr(self.net).removeprefix("ClassificationNet(").removesuffix(")")
        if self.functions:
            text += f" · your own functions in it: {', '.join(self.own_functions()) or 'none'}"
        return text

    # The same in code

    def as_code(self):
        """Return lines of Python that make the same network and the same run."""
        if not self.step_count:
            self._script.head = self._head()
        lines = self._script.lines(self.step_count)
        names = {"ClassificationNet", "training_steps"}
        names |= {each for each in CLASSES.values() if any(f"= {each}(" in line for line in lines)}
        if not self._is_passed():
            names.add("sketches" if self.kind == IMAGES else "points")
        imports = [f"from nn_helpers import {', '.join(sorted(names))}"]
        return "\n".join([*imports, "", *lines])

    def _is_passed(self):
        return self._passed is not None and self.kind == IMAGES

    def _head(self):
        """Return the lines before the first step."""
        kind, seed, net = self.kind, self.seed, self.net
        data = f'data = points("{kind}", seed={seed})'
        if kind == IMAGES:
            data = f"data = sketches({MADE})"
        if self._is_passed():
            data = "# data: the images that playground was called with"
        own = self.own_functions().items()
        use = ", ".join(f"{name}={_name_in_code(name, function)}" for name, function in own)
        return [
            data,
            f"net = ClassificationNet({net.input_size}, {net.hidden_sizes}, {net.num_classes}, "
            f'"{net.activation}", reg={net.reg:g}, init="{net.init}", seed={seed})',
            *([f"net.use({use})"] if use else []),
            f"optimizer = {self.optimizer!r}",
            self._steps_line,
        ]

    def _show_code(self):
        """Show the code, or put it away again."""
        code = self.as_code()
        self.code.value, self.code.rows = code, min(16, code.count("\n") + 2)
        self.code_box.children = [] if self.code_box.children else [self.code, self.copy_button]


@lru_cache(maxsize=1)
def sample_images():
    """Return the images that are shown where none were passed."""
    return sketches(500, n_test=0, n_val=200)


def look(net, x):
    """Return what each hidden layer puts out for examples x, and the logits."""
    hidden, last = net.activations(x), net.num_layers
    a = hidden[-1] if hidden else x
    logits, _ = net.functions["affine_forward"](a, net.params[f"W{last}"], net.params[f"b{last}"])
    return hidden, logits


def rms(values):
    """Return the root mean square."""
    return np.sqrt(np.mean(np.square(values, dtype=np.float64)))


def _name_in_code(name, function):
    """Return what a function is called in the code: its own name, or for a lambda what it stands for."""
    return function.__name__ if getattr(function, "__name__", "").isidentifier() else name
