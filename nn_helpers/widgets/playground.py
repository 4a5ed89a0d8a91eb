"""The playground: a network of your choice trains while you look into it and move its settings."""

import html
import time

import ipywidgets as widgets
import numpy as np

from nn_helpers._arguments import choice
from nn_helpers.data import Dataset, load_images, points
from nn_helpers.data.points import POINTS
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.losses import cross_entropy
from nn_helpers.network import INITIALISATIONS, ClassificationNet
from nn_helpers.optimizers import OPTIMIZERS, make_optimizer
from nn_helpers.plots import Picture
from nn_helpers.training import TrainingDivergedError, training_steps
from nn_helpers.widgets._canvas import Canvas
from nn_helpers.widgets._live import Live
from nn_helpers.widgets._views import DEEPEST, Curves, Layers, Regions, Samples

PICTURES = "pictures"
# Each optimizer's own parameters, beside the learning rate, with the range of their sliders.
OWN = {
    "momentum": {"beta": (0.9, 0.0, 0.99)},
    "rmsprop": {"beta": (0.99, 0.0, 0.999)},
    "adam": {"beta1": (0.9, 0.0, 0.99), "beta2": (0.999, 0.5, 0.999)},
    "adamw": {"beta1": (0.9, 0.0, 0.99), "beta2": (0.999, 0.5, 0.999), "weight_decay": (0.01, 0.0, 0.5)},
}
CLASSES = {"sgd": "SGD", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}
SYMBOLS = {"beta": "β", "beta1": "β₁", "beta2": "β₂", "weight_decay": "weight decay"}
L2 = [("0", 0.0), *((f"{reg:g}", reg) for reg in (1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0))]
WIDTHS, BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 100, 128), (1, 2, 4, 8, 16, 32, 64, "all")
VALIDATION = 200  # pictures looked at for each frame


def playground(data="moons", functions=None, **settings):
    """Train a network live: choose its depth and everything else, press Start, and look into it.

    Parameters
    ----------
    data : {"moons", "spirals", "circles", "blobs", "xor", "pictures"} or Dataset
        Points in a plane, or pictures: 500 sketches unless you pass others, such as
        ``load_cifar10().subset(500, val=200)``.
    functions : dict of str to function, optional
        Your own functions in the network, as for ``net.use``: ``{"relu_forward": relu_forward}``.
    **settings
        What controls show at first: depth, width, activation, init, optimizer, lr, batch_size, reg, seed.

    Returns
    -------
    Playground
        For a cell's last line.
    """
    return Playground(data, functions, settings)


class Playground(Live):
    """See `playground`."""

    def __init__(self, data="moons", functions=None, settings=None):
        super().__init__()
        self._functions, self._own_pictures = dict(functions or {}), None
        if isinstance(data, Dataset):
            self._own_pictures, data = data, PICTURES
        self._make_controls(choice("playground", "data", data, (*POINTS, PICTURES)))
        for name, value in (settings or {}).items():
            if name not in self.settings:
                raise TypeError(f"playground: unknown setting {name!r}; known: {', '.join(self.settings)}")
            self.settings[name].value = value
        self._show_own_parameters()
        self.picture_box = widgets.Box()
        self.facts = widgets.HTML()
        self.ui.children = [
            self.controls, self.buttons, self.message, self.picture_box, self.facts, self.code_box
        ]  # fmt: skip
        self._begin()
        self._connect()

    def _make_controls(self, data):
        def control(kind, label, tooltip, **options):
            return kind(
                description=label,
                tooltip=tooltip,
                style={"description_width": "104px"},
                layout=widgets.Layout(width="290px"),
                **options,
            )

        slider = {"continuous_update": True}
        self.settings = {
            "data": control(
                widgets.Dropdown, "data", "What is to be told apart", options=[*POINTS, PICTURES], value=data
            ),
            "seed": control(
                widgets.BoundedIntText, "seed", "Of the points, the first weights and the order", max=9999
            ),
            "depth": control(
                widgets.IntSlider, "hidden layers", "Depth: 0 is softmax regression", value=2, max=DEEPEST,
                **slider,
            ),
            "width": control(
                widgets.SelectionSlider, "units a layer", "Width of each hidden layer", options=WIDTHS,
                value=8,
            ),
            "activation": control(
                widgets.Dropdown, "activation", "After each hidden layer", options=list(ACTIVATIONS)
            ),
            "init": control(
                widgets.Dropdown, "first weights", "How the first weights are drawn",
                options=list(INITIALISATIONS),
            ),
            "optimizer": control(
                widgets.Dropdown, "optimizer", "How the gradient changes the weights",
                options=[(CLASSES[name], name) for name in OPTIMIZERS], value="sgd",
            ),
            "lr": control(
                widgets.FloatLogSlider, "learning rate α", "How far a step goes; on a log scale", value=0.1,
                min=-4, max=1, step=0.1, readout_format=".1e", **slider,
            ),
            "batch_size": control(
                widgets.SelectionSlider, "batch size", "Examples in a mini-batch; all: gradient descent",
                options=BATCHES, value=8,
            ),
            "reg": control(
                widgets.SelectionSlider, "L2 strength", "Strength of the penalty on large weights", options=L2
            ),
        }  # fmt: skip
        self.own = {
            name: {
                parameter: control(
                    widgets.FloatSlider, SYMBOLS[parameter], f"{SYMBOLS[parameter]} of {CLASSES[name]}",
                    value=value, min=low, max=high, step=0.001, readout_format=".3f",
                )
                for parameter, (value, low, high) in parameters.items()
            }
            for name, parameters in OWN.items()
        }  # fmt: skip
        self.code_button = widgets.Button(
            description="Copy as code",
            icon="code",
            tooltip="Lines that make this network and this run",
        )
        self.code = widgets.Textarea(
            description="the same in code", rows=9, layout=widgets.Layout(width="98%"),
            style={"description_width": "104px"}, tooltip="Select all and copy",
        )  # fmt: skip
        self.code_box = widgets.VBox([])
        self.buttons.children = [*self.buttons.children, self.code_button]
        self._own_box = widgets.VBox([])
        columns = (
            ("data", "seed", "batch_size", "reg"),
            ("depth", "width", "activation", "init"),
            ("optimizer", "lr"),
        )
        boxes = [[self.settings[name] for name in names] for names in columns]
        boxes[-1].append(self._own_box)
        self.controls = widgets.HBox(
            [widgets.VBox(box) for box in boxes], layout=widgets.Layout(flex_flow="row wrap")
        )

    def _show_own_parameters(self):
        self._own_box.children = list(self.own.get(self.value("optimizer"), {}).values())

    def _connect(self):
        for name in ("data", "seed", "depth", "width", "activation", "init"):
            self.when(self.settings[name], lambda _, name=name: self._renew(name))
        self.when(self.settings["optimizer"], lambda _: self._change_optimizer())
        self.when(self.settings["lr"], lambda lr: setattr(self.optimizer, "lr", lr))
        self.when(self.settings["reg"], lambda reg: setattr(self.net, "reg", reg))
        self.when(self.settings["batch_size"], lambda _: self._new_steps())
        for sliders in self.own.values():
            for name, slider in sliders.items():
                self.when(slider, lambda value, name=name: setattr(self.optimizer, name, value))
        self.on_click(self.code_button, self._show_code)

    def value(self, name):
        """Return what a control says."""
        return self.settings[name].value

    def _batch_size(self):
        size, N = self.value("batch_size"), len(self.data.train)
        return N if size == "all" else min(size, N)

    def _pictures(self):
        if self._own_pictures is None:
            self._own_pictures = load_images("sketches", quiet=True).subset(500, val=VALIDATION)
        return self._own_pictures

    def _begin(self):
        """Make data, network and optimizer as the controls say, and a picture of them."""
        kind, seed = self.value("data"), self.value("seed")
        self.data = self._pictures() if kind == PICTURES else points(kind, seed=seed)
        num_classes = self.data.num_classes if kind == PICTURES else POINTS[kind][1]
        self.net = ClassificationNet(
            self.data.input_size, [self.value("width")] * self.value("depth"), num_classes,
            self.value("activation"), self.value("reg"), self.value("init"), seed=seed,
        )  # fmt: skip
        self.net.use(**{name: f for name, f in self._functions.items() if name in self.net.functions})
        self.optimizer = self._make_optimizer()
        self.step_count, self.seconds, self._seen = 0, 0.0, []
        self._rng = np.random.default_rng(seed)
        self._theta_before = np.full_like(self.net.theta, np.nan)
        self._new_steps()
        val = self.data.val
        images, self._y = val.images[:VALIDATION], val.labels[:VALIDATION]
        self._x = self.data.standardise(images, self.net.dtype)
        self._make_picture()
        self.draw()

    def _make_optimizer(self):
        name = self.value("optimizer")
        own = {parameter: slider.value for parameter, slider in self.own.get(name, {}).items()}
        return make_optimizer(name, self.value("lr"), **own)

    def _new_steps(self):
        self._steps = training_steps(
            self.net, self.data, self.optimizer, batch_size=self._batch_size(), seed=self._rng, validate=False
        )

    def _renew(self, name):
        """Begin anew after a change that needs another network, and say so."""
        self.stop()
        label = self.settings[name].description
        self._begin()
        self.say(f"New {label}: a new network begins at step 0. Press Start.")

    def _change_optimizer(self):
        self._show_own_parameters()
        self.optimizer = self._make_optimizer()
        self._new_steps()
        self.say("The network stays as it is. The new optimizer remembers nothing yet.")

    def reset(self):
        """Stop, and make the same network again."""
        super().reset()
        self.say("")
        self._begin()

    def advance(self):
        """Make one step of training."""
        np.copyto(self._theta_before, self.net.theta)
        began = time.perf_counter()
        record = next(self._steps)
        self.seconds += time.perf_counter() - began
        self.step_count += 1
        self._seen.append((record.data_loss, record.accuracy))
        return True

    def failed(self, error):
        """Show why the steps ended; the curves keep what was there."""
        if not isinstance(error, TrainingDivergedError):
            self.show_error(error)
            return
        where = self._first_layer_without_numbers()
        own = f" Your own functions run in it: {', '.join(self._functions)}." if self._functions else ""
        self.say(
            f"Training diverged at step {self.step_count + 1}: the loss is no longer a finite number{where}."
            f"{own} Try a smaller learning rate, then press Reset."
        )

    def _first_layer_without_numbers(self):
        with np.errstate(all="ignore"):
            for layer, a in enumerate(self.net.activations(self._x), 1):
                if not np.isfinite(a).all():
                    return f", and hidden layer {layer} puts out infinity or NaN"
        return ""

    def _make_picture(self):
        figure = Picture(figsize=(11.2, 5.2), dpi=80)
        grid = figure.add_gridspec(2, 12, height_ratios=(3, 2))
        views = [figure.add_subplot(grid[0, i : i + 4]) for i in (0, 4, 8)]
        details = [figure.add_subplot(grid[1, i : i + 3]) for i in (0, 3, 6, 9)]
        self.canvas = Canvas(
            figure,
            alt="What the network answers, loss and accuracy over the steps, and for each layer its "
            "activations, dead units, gradient and update",
        )
        if self.value("data") == PICTURES:
            self.answers = Samples(self.canvas, views[0], self.data, self.data.class_names)
        else:
            self.answers = Regions(self.canvas, views[0], self.data)
        self.loss = Curves(self.canvas, views[1], "Loss", "cross-entropy (nats)")
        self.accuracy = Curves(self.canvas, views[2], "Accuracy", "accuracy (%)", top=102)
        self.layers = Layers(self.canvas, details, self.net.num_layers, self.net.activation)
        self.picture_box.children = [self.canvas.widget]

    def draw(self):
        """Show where the training stands."""
        with np.errstate(all="ignore"):  # a training that diverges is shown as well
            logits = self.net.logits(self._x)
            val_loss, _ = cross_entropy(logits, self._y)
            val_accuracy = float((logits.argmax(axis=1) == self._y).mean())
            loss, accuracy = np.mean(self._seen, axis=0) if self._seen else (np.nan, np.nan)
            self._seen = []
            changed = self.loss.add(self.step_count, loss, val_loss)
            changed |= self.accuracy.add(self.step_count, 100 * accuracy, 100 * val_accuracy)
            self.answers.show(self.net)
            self.layers.show(self.net.activations(self._x), *self._sizes())
        self.canvas.redraw() if changed else self.canvas.draw()
        self.facts.value = html.escape(self.facts_text(loss, accuracy, val_loss, val_accuracy))

    def _sizes(self):
        """Return each layer's gradient, and its last update divided by its weights, as root mean squares."""
        if not self.step_count:
            return (np.full(self.net.num_layers, np.nan),) * 2
        start, gradients, updates = 0, [], []
        for layer in range(1, self.net.num_layers + 1):
            W, dW = self.net.params[f"W{layer}"].ravel(), self.net.grads[f"W{layer}"].ravel()
            update = W - self._theta_before[start : start + W.size]
            gradients.append(rms(dW))
            updates.append(rms(update) / rms(W))
            start += W.size
        return np.array(gradients), np.array(updates)

    def facts_text(self, loss, accuracy, val_loss, val_accuracy):
        """Return the numbers of the picture as a line of text."""
        parts = [f"step {self.step_count:,}"]
        if np.isfinite(loss):
            parts.append(f"training: loss {loss:.3f}, accuracy {accuracy:.0%}")
        parts.append(f"validation: loss {val_loss:.3f}, accuracy {val_accuracy:.0%}")
        if self.running and self.seconds:
            parts.append(f"{self.step_count / self.seconds:,.0f} steps a second while training")
        return " · ".join(parts)

    def first_picture(self):
        """Return the figure as it is now."""
        return self.canvas.figure

    def as_code(self):
        """Return lines of Python that make the same network and the same run, from its first step."""
        name = CLASSES[self.value("optimizer")]
        own = "".join(
            f", {parameter}={slider.value:g}"
            for parameter, slider in self.own.get(self.value("optimizer"), {}).items()
        )
        if self.value("data") != PICTURES:
            data, imported = f'points("{self.value("data")}", seed={self.value("seed")})', "points"
        else:
            size = f"{len(self.data.train)}, val={len(self.data.val)}"
            data, imported = f"load_images().subset({size})", "load_images"
        use = ", ".join(f"{function}={function}" for function in self._functions)
        names = sorted((name, "ClassificationNet", imported, "training_steps"))
        lines = [
            f"from nn_helpers import {', '.join(names)}",
            "",
            f"data = {data}",
            f"net = ClassificationNet({self.net.input_size}, {list(self.net.hidden_sizes)}, "
            f'{self.net.num_classes}, "{self.net.activation}", reg={self.net.reg:g}, '
            f'init="{self.net.init}", seed={self.value("seed")})',
            *([f"net.use({use})"] if use else []),
            f"optimizer = {name}(lr={self.value('lr'):g}{own})",
            f"steps = training_steps(net, data, optimizer, batch_size={self._batch_size()}, "
            f"seed={self.value('seed')})",
            f"records = [next(steps) for _ in range({self.step_count})]",
        ]
        return "\n".join(lines)

    def _show_code(self):
        self.code.value = self.as_code()
        self.code_box.children = [self.code]


def rms(values):
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
