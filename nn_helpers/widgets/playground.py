"""The playground: a network of your choice trains while you look into it and move its settings."""

import html
import json
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache

import ipywidgets as widgets
import numpy as np

from nn_helpers.data import Dataset, points, sketches
from nn_helpers.data.points import POINTS
from nn_helpers.layers import ACTIVATIONS, affine_backward
from nn_helpers.network import INITIALISATIONS, ClassificationNet
from nn_helpers.optimizers import OPTIMIZERS, make_optimizer
from nn_helpers.support.threads import sharing
from nn_helpers.support.validation import choice
from nn_helpers.training import TrainingDivergedError, training_steps
from nn_helpers.widgets import gallery
from nn_helpers.widgets.canvas import Canvas, Sheet
from nn_helpers.widgets.controls import (
    RATES,
    control,
    dropdown,
    row,
    seed_field,
    show_first,
    show_settings,
    slider,
    stop_slider,
    stops,
)
from nn_helpers.widgets.live import FRAMES, LiveTraining
from nn_helpers.widgets.network_view import HEIGHT, WIDTH, NetworkView, explain
from nn_helpers.widgets.own_points import CLASSES as OWN_CLASSES
from nn_helpers.widgets.own_points import OwnPoints
from nn_helpers.widgets.page import COPY
from nn_helpers.widgets.script import Script
from nn_helpers.widgets.views import Curves, Regions, Samples

IMAGES, MINE = "images", "own"
FORMERLY = "pictures"  # the same in programs that were written when it was called so
# What controls show at first where nothing else was said: for points, and what differs for images.
FIRST = {"noise": 1.0, "n_train": 200, "seed": 0, "depth": 2, "width": 8, "activation": "relu", "init": "he",
         "bias": "learnt", "reg": 0.0, "dropout": 0.0, "batch_size": 8, "optimizer": "sgd",
         "lr": 0.1}  # fmt: skip
FIRST_IMAGES = {"width": 64, "lr": 0.01}
DEEPEST, WIDEST, POINTS_MADE = 8, 128, 300
ZERO = "zero"  # an initialisation that the network has no word for
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
HOLDING = "net.use(affine_backward=lambda dz, cache: (*{}(dz, cache)[:2], 0 * dz[0]))  # biases stay at 0"
MADE = "500, n_test=0, n_val=200"  # sketches
MEASURED = 200  # examples of a part that each frame looks at
PREVIEW, PREVIEW_POINTS = 20_000, 15  # at most so many examples are seen, with so many points of a curve
FRAMES_OF_IMAGES = 17  # a second: one is 85 kB
TELL_EVERY = 0.2  # seconds until a training's numbers are written anew: the page lays itself out for them
SPEED = 20  # frames whose steps the speed is the mean of
ROW = {"width": "228px", "label_width": "102px"}  # four in a row
# What needs a new network.
NEW = ("data", "noise", "n_train", "seed", "depth", "width", "activation", "init", "bias")


def playground(data="moons", functions=None, **settings):
    """Train a network live: choose its depth and everything else, press Start, and look into it.

    Parameters
    ----------
    data : {"moons", "spirals", "circles", "blobs", "xor", "own", "images"}, tuple (x, y) or Dataset
        Points in a plane, points that you draw, your own as arrays x (N, 2) and y (N,) with up to four
        classes, or images: 500 sketches unless you pass others, such as
        ``load_cifar10().subset(500, val=200)``. Settings may follow, as *Code* shows them:
        ``"spirals sizes=8,4 lr=0.3"``.
    functions : dict of str to function, optional
        Your own functions in the network, as for ``net.use``: ``{"relu_forward": relu_forward}``.
    **settings
        What controls show at first: noise, n_train, seed, depth, width, activation, init, bias, reg,
        dropout, batch_size, optimizer, lr, and the optimizer's own beta, beta1, beta2, weight_decay; or
        sizes, the width of each hidden layer. activation may be a list too, one for each of them.

    Returns
    -------
    Playground
        For a cell's last line.
    """
    if isinstance(data, str):
        data, _, text = data.strip().partition(" ")
        settings = gallery.read_settings("playground", text) | settings
    return Playground(data, functions, settings)


class Playground(LiveTraining):
    """See `playground`."""

    def preview(self):
        """Make some steps for a figure that is worth saving."""
        for _ in range(PREVIEW_POINTS):
            self.run(min(20, PREVIEW // (PREVIEW_POINTS * self.batch_size())))

    def __init__(self, data="moons", functions=None, settings=None):
        super().__init__("playground", functions, sorted(FUNCTIONS))
        self.ui.add_class("nn-playground")
        self._passed = data if isinstance(data, Dataset) else None
        if self._passed is not None and not len(data.val):
            raise ValueError(
                f"playground: {data!r} has no validation part; write data.subset(500, val={MEASURED})"
            )
        self.mine = OwnPoints(data if isinstance(data, tuple) else None)
        kind = MINE if isinstance(data, tuple) else data
        kind = IMAGES if self._passed or (isinstance(data, str) and data == FORMERLY) else kind
        self._make_controls(choice("playground", "data", kind, (*POINTS, MINE, IMAGES)))
        self._make_extras()
        self.facts, self.about = widgets.HTML(), widgets.HTML()
        self._make_sheets()
        self._set(settings or {})
        self._show_own_parameters()
        self.ui.children = [
            self.buttons, self.controls, self.canvas, self.facts, self.message, self.task, self.own_points,
            self.code_box, self.about,
        ]  # fmt: skip
        self.kind = self._made = None  # of the data that are there, whatever the controls say
        self.begin()
        self._show_activation()  # now that they are known to be some
        self._connect()

    # What there is to see and to move

    def _make_controls(self, data):
        first = FIRST | (FIRST_IMAGES if data == IMAGES else {})
        kinds = "What is to be told apart: points in a plane, points that you draw, or images"
        n_train = f"How many of {POINTS_MADE} points are for training; the others are for validation"
        seed = "Seed of the points, the first weights, dropout and the order of examples"
        init = "How large the first weights are: he √(2/D), xavier √(2/(D + M)), normal 0.01, zero 0"
        bias = "zero: biases are not learnt, and every border passes through the centre"
        batch_size = "Examples in a mini-batch; all: gradient descent"
        self.settings = {
            "data": dropdown("data", kinds, [*POINTS, MINE, IMAGES], data, **ROW),
            "noise": slider("noise", "How far the points stray", first["noise"], 0, 3, **ROW),
            "n_train": slider("training points", n_train, first["n_train"], 10, 290, step=10, **ROW),
            "seed": seed_field("seed", seed, first["seed"], **ROW),
            "depth": slider("hidden layers", "0 is softmax regression", first["depth"], 0, DEEPEST, 1, **ROW),
            "width": slider("units per layer", "Of every hidden layer", first["width"], 1, WIDEST, 1, **ROW),
            "activation": dropdown("activation", "The function after each hidden layer", ACTIVATIONS,
                                   first["activation"], **ROW),
            "init": dropdown("initialisation", init, [*INITIALISATIONS, ZERO], first["init"], **ROW),
            "reg": stop_slider("L2 strength", "Of the penalty on large weights", stops(L2), first["reg"],
                               **ROW),
            "dropout": slider("dropout", "Share of the hidden units that each step leaves out",
                              first["dropout"], 0, 0.9, **ROW),
            "batch_size": stop_slider("batch size", batch_size, BATCHES, first["batch_size"], **ROW),
            "bias": dropdown("biases", bias, ["learnt", ZERO], first["bias"], **ROW),
            "optimizer": dropdown("optimizer", "How the gradient changes the weights",
                                  [(CLASSES[name], name) for name in OPTIMIZERS], first["optimizer"], **ROW),
            "lr": stop_slider("learning rate α", "How far a step goes, on a log scale", stops(RATES),
                              first["lr"], **ROW),
        }  # fmt: skip
        self.own = {name: {each: own_slider(name, each, *where) for each, where in parameters.items()}
                    for name, parameters in OWN.items()}  # fmt: skip
        each, self.own_box = list(self.settings.values()), widgets.VBox([])
        columns = each[:4], each[4:8], each[8:12], [*each[12:], self.own_box]
        self.controls = row(*(widgets.VBox(column) for column in columns))

    def _make_extras(self):
        lines = "lines that make this network and this run"
        self.code_button = self.button("Code", "code", f"Show the {lines}", self._show_code)
        self.code = control(widgets.Textarea, "code", lines.capitalize(), width="98%", label_width="100px")
        self.copy_button = widgets.HTML(COPY)
        self.code_box = widgets.VBox([])
        look = {"width": "146px", "label_width": "44px"}
        wires = "The weights, or the loss's derivative by each: blue above 0, orange and dashed below"
        self.wires = dropdown("lines", wires, ["weights", "gradient"], "weights", **look)
        pen = "What the mouse does in the decision regions of your own points"
        self.pen = dropdown("mouse", pen, [*OWN_CLASSES, "erase"], OWN_CLASSES[0], **look)
        entries = "Settings that work or fail, each with a question"
        names = [("choose one", ""), *((entry["name"], i) for i, entry in enumerate(gallery.GALLERY))]
        self.gallery = dropdown("gallery", entries, names, "", width="310px", label_width="60px")
        self.question, self.task = None, widgets.HTML()
        entry = "Your own points, one a line: x, y and the class from 1 to 4"
        self.entry = control(widgets.Textarea, "points", entry, rows=5, continuous_update=False, **look)
        self.entry.layout.width, self.own_points = "400px", widgets.VBox([])
        self.buttons.children = [*self.buttons.children, self.code_button, self.wires, self.gallery]

    def _set(self, settings):
        settings = dict(settings)
        own = self.own.get(settings.get("optimizer", self.value("optimizer")), {})
        known = {name: each for name, each in self.settings.items() if name != "data"} | own
        for name in settings:
            choice("playground", "setting", name, (*known, "sizes"))
        sizes, given = settings.pop("sizes", None), settings.get("activation")
        names = settings.pop("activation") if isinstance(given, list | tuple) and given else None
        if sizes is not None:
            settings["depth"] = len(gallery.check_sizes("playground", sizes, DEEPEST, WIDEST))
            settings |= {"width": sizes[0]} if len({*sizes}) == 1 else {}
        show_settings("playground", known, settings, {"lr": {"above": 0.0}, "reg": {}})
        self._make_all_layers_alike()
        self.sizes = self.sizes if sizes is None else list(sizes)
        self.activations = self.activations if names is None else list(names)

    def _make_all_layers_alike(self):
        depth = self.value("depth")
        self.sizes, self.activations = [self.value("width")] * depth, [self.value("activation")] * depth

    def _show_activation(self):
        """Let the dropdown say what all hidden layers have, and nothing where they differ."""
        names = {*self.activations} or {self.value("activation") or FIRST["activation"]}
        self.settings["activation"].value = None if len(names) > 1 else names.pop()

    def _connect(self):
        for name in NEW:
            self.when(self.settings[name], lambda _, name=name: self._resize_and_renew(name))
        self.when(self.settings["optimizer"], lambda _: self._change_optimizer())
        self.when(self.settings["lr"], lambda lr: self._change("lr", self.optimizer, lr))
        for name in ("reg", "dropout"):
            self.when(self.settings[name], lambda value, name=name: self._change(name, self.net, value))
        self.when(self.settings["batch_size"], lambda _: self._new_steps())
        for optimizer, sliders in self.own.items():
            for name, each in sliders.items():
                self.when(each, lambda value, which=(optimizer, name): self._tune(*which, value))
        self.when(self.wires, lambda _: self._redraw_network())
        self.when(self.gallery, self._show_entry)
        self.when(self.entry, self._read_points)

    def say(self, text):
        """Show a sentence, below the network and below the panel; an empty one clears it."""
        super().say(text)
        self._said = text
        self.network.write(self._below())
        self.canvas.draw()

    def _show_own_parameters(self):
        self.own_box.children = list(self.own.get(self.value("optimizer"), {}).values())

    def _make_sheets(self):
        network = Sheet(WIDTH, HEIGHT, "The network: a picture for each unit, a line for each weight")
        label = "What the network answers, and loss and accuracy over the steps"
        self.plots = Sheet(330, HEIGHT, label, pointer=True)
        self.network = NetworkView(network)
        self.canvas = Canvas([network, self.plots], self.post, self._on_event)
        self._looked_at, self._said = None, ""  # the unit under the mouse, (layer, number); the last message

    # What trains

    def batch_size(self):
        """Return how many examples a batch has: no more than there are."""
        size, N = self.value("batch_size"), len(self.data.train)
        return N if size == "all" else min(size, N)

    def begin(self):
        """Make the data, network and optimizer that the controls describe, and a frame of them."""
        # Not only after a change of these: one that came later may have its turn before theirs.
        made = *(self.value(name) for name in ("data", "noise", "n_train", "seed")), self.mine.version
        self.kind, noise, n_train, self.seed, _ = made
        self.most_frames = FRAMES_OF_IMAGES if self.kind == IMAGES else FRAMES
        new_data, self._made = made != self._made, made
        for name in ("noise", "n_train"):
            self.settings[name].disabled = self.kind == IMAGES or (name, self.kind) == ("noise", MINE)
        self.own_points.children = [self.pen, self.entry] if self.kind == MINE else []
        self.entry.value = self.mine.text()
        if new_data:
            counts = {"n_train": n_train, "n_val": POINTS_MADE - n_train}
            if self.kind in POINTS:
                self.data = points(self.kind, **counts, noise=noise, seed=self.seed)
            elif self.kind == MINE:
                self.data = self.mine.dataset(n_train / POINTS_MADE, self.seed)
            else:
                self.data = self._passed or sample_images()
        whose = self.mine if self.kind == MINE else self.data
        C = POINTS[self.kind][1] if self.kind in POINTS else whose.num_classes
        init, activations = self.value("init"), self.activations or self.value("activation")
        self.net = ClassificationNet(
            self.data.input_size, self.sizes, C, activations, self.value("reg"),
            (lambda D, M: 0.0) if init == ZERO else init, seed=self.seed, dropout=self.value("dropout"),
        )  # fmt: skip
        self.net.use(**self.own_functions())
        if self.value("bias") == ZERO:
            own = self.own_functions().get("affine_backward", affine_backward)
            self.net.use(affine_backward=lambda dz, cache: (*own(dz, cache)[:2], 0 * dz[0]))
        self.step_count, self.epochs, self._script = 0, 0, Script()
        self.seconds, self.times, self._tell_at = 0.0, deque(maxlen=SPEED), 0.0
        self._theta_before = np.full_like(self.net.theta, np.nan)
        self._new_optimizer()
        if new_data:
            self._look_at_data()
        for curves in (self.loss, self.accuracy):
            curves.clear()
        self._redraw_network()

    def _look_at_data(self):
        """Put together what each frame asks the network: examples of both parts, places of the plane."""
        self.plots.clear()
        if self.kind == IMAGES:
            self.answers = Samples(self.plots, self.data.val, self.data.class_names)
        else:
            self.answers = Regions(self.plots, self.data)
        self.loss = Curves(self.plots, (0, 340, 165, HEIGHT - 340), "Loss")
        self.accuracy = Curves(self.plots, (165, 340, 165, HEIGHT - 340), "Accuracy (%)", top=102)
        parts = [part[:MEASURED] for part in (self.data.train.inputs, self.data.val.inputs)]
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
        self.example = 0
        self._choose_example()

    def _redraw_network(self):
        """Lay the network out anew, and draw."""
        self.network.gradient, self._looked_at = self.wires.value == "gradient", None
        images, names = None, [f"class {k + 1}" for k in range(self.net.num_classes)]
        if self.kind == IMAGES:
            images, names = self.data.train.images, self.data.class_names
        self.network.begin(self.net, names, images)
        self.guard(self.draw)

    def _own_values(self):
        """Return the optimizer's own parameters as shown; the page makes 0.9000000000000001 of 0.9."""
        sliders = self.own.get(self.value("optimizer"), {})
        return {name: round(slider.value, 3) for name, slider in sliders.items()}

    def _new_optimizer(self):
        self.optimizer = make_optimizer(self.value("optimizer"), self.value("lr"), **self._own_values())
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

    def _resize_and_renew(self, name):
        depth, value = self.value("depth"), self.value(name)
        if name == "activation" and value in (None, self.net.activation):
            return  # it says what the layers have
        if name == "width":
            self.sizes = [value] * depth
        elif name == "activation":
            self.activations = [value] * depth
        elif name == "depth":  # layers that stay are as they were, and new ones like the last
            self.sizes, self.activations = (
                (of + (of or [self.value(name)])[-1:] * depth)[:depth]
                for of, name in ((self.sizes, "width"), (self.activations, "activation"))
            )
            if self.value("activation") is None:  # else it may have been chosen, and has its turn to come
                self._show_activation()
        self._renew(self.settings[name].description, name == "data")

    def _renew(self, what, new_kind=False):
        """Begin anew after a change that needs another network, and say so."""
        self.stop()
        hint, kind = "", new_kind and self.value("data")
        if kind == IMAGES:
            width, lr = FIRST_IMAGES["width"], FIRST_IMAGES["lr"]
            hint = f" A good start for images: {width} units per layer, SGD, a learning rate of {lr:g}."
        elif kind == MINE:
            hint = " Draw in the decision regions with the mouse, or write points below."
        self._said = f"New {what}: a new network, at step 0. Press Start.{hint}"
        super().say(self._said)
        self.begin()  # one picture, with the sentence in it; an error takes the sentence's place

    def _on_event(self, event):
        """Do what was pressed, pointed at or drawn in the sheets."""
        kind, spot = event["event"], event.get("spot", "").split()
        if kind == "pointer":
            self._point(event)
        elif spot[0] == "layers" and kind == "press":
            depth = self.settings["depth"]
            depth.value = min(max(self.value("depth") + int(spot[1]), 0), DEEPEST)
        elif spot[0] == "units" and kind == "press":
            layer, by = int(spot[1]) - 1, int(spot[2])
            self.sizes[layer] = min(max(self.sizes[layer] + by, 1), WIDEST)
            self._renew(f"size of layer {layer + 1}")
        elif spot[0] == "activation" and kind == "press":
            layer, known = int(spot[1]) - 1, list(ACTIVATIONS)
            self.activations[layer] = known[(known.index(self.activations[layer]) + 1) % len(known)]
            self._show_activation()
            self._renew(f"activation of layer {layer + 1}")
        elif spot[0] == "unit":
            layer, unit = int(spot[1]), int(spot[2])
            self._looked_at = (layer, unit) if kind != "leave" else None
            if kind == "press":  # forwards, on the way back, closed
                forward, backward = (layer, unit, False), (layer, unit, True)
                self.network.opened = {forward: backward, backward: None}.get(self.network.opened, forward)
            if not self.running:
                self.draw()

    def _point(self, event):
        """Draw or erase own points, or choose the example whose numbers a formula shows."""
        if self.kind == IMAGES or event["sheet"] != 1:
            return
        place = self.answers.axes.values(event["x"], event["y"])
        inside = max(map(abs, place)) <= Regions.LIMIT
        if self.kind == MINE:
            if inside and self.mine.touch(place, self.pen.value, event["phase"]):
                self._renew("points")
        elif event["phase"] == "down" and inside:
            x = self.data.train.inputs[:MEASURED]
            self.example = int(((x - place) ** 2).sum(axis=1).argmin())
            self._choose_example()
            if not self.running:
                self.draw()

    def _choose_example(self):
        if self.kind != IMAGES:
            self.answers.choose(self.data.train.inputs[self.example])

    def _show_entry(self, number):
        """Put the controls where an entry of the gallery has them, and ask its question."""
        self.question, self.task.value = None, ""
        if number == "":
            return
        entry = gallery.GALLERY[number]
        kind, _, text = entry["setting"].partition(" ")
        settings = {"data": kind, **FIRST, **gallery.read_settings("playground", text)}
        for name, value in settings.items():
            each = self.settings.get(name) or self.own[settings["optimizer"]].get(name)
            show_first("gallery", name, each, value)
        self.post(self._ask, entry)  # when the controls have had their turn

    def _ask(self, entry):
        self._make_all_layers_alike()
        self.stop()
        self.begin()
        self.question = gallery.Question(entry, self._standing())
        self.task.value = html.escape(self.question.text())
        self.say("")

    def _read_points(self, text):
        if text == self.mine.text():
            return
        try:
            self.mine.read(text)
        except ValueError as error:
            self.say(f"{error}. The points stay as they were.")
            return
        self._renew("points")

    def _standing(self):
        """Return what all controls say, by name."""
        return {name: each.value for name, each in self.settings.items()} | self._own_values() | {
            "sizes": tuple(self.sizes), "activation": self.net.activation,
        }  # fmt: skip

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
        self._refresh_code()

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
        if self.question is not None and self.step_count == self.question.entry["within"]:
            self.frames |= 1  # the last moment to answer may lie between two frames: one with the numbers
            self.draw()
        return True

    def fail(self, error):
        """Say why the steps ended; the curves keep what was there."""
        self._new_steps()  # the old ones ended with the error
        self._tell_at = 0.0
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
        """Show where the training stands. While it runs, the units' pictures and the numbers take turns."""
        places, numbers = self._answered, not self.running or self.frames % 2
        tell = numbers and (not self.running or time.perf_counter() > self._tell_at)
        with np.errstate(all="ignore"), sharing(1):  # more threads would wait for a core that the page has
            hidden, logits = look(self.net, self.x if numbers else self.x[places])
            p = self.net.functions["softmax"](logits)
            self.network.count(self.step_count)
            self.network.show_wires(self.net)
            if numbers:
                measured = self._show_numbers(hidden, logits, p, tell)
                hidden, p = [a[places] for a in hidden], p[places]
            self.answers.show(p, *self._what_a_unit_says(hidden))
            if not self.running or not numbers:
                self.network.show_pictures(self.net, hidden, p)
        self.times.append((self.step_count, self.seconds))
        self.canvas.draw()
        if tell:
            self.facts.value, self.about.value = map(html.escape, (self._facts(*measured), self._about()))
            self._tell_at = time.perf_counter() + TELL_EVERY
        self._refresh_code()

    def _show_numbers(self, hidden, logits, p, in_words):
        """Show what is measured with the examples; return loss and accuracy, for training and validation."""
        loss, accuracy = zip(*(self._measure(logits[rows], y) for rows, y in self._parts), strict=True)
        self.loss.add(self.step_count, *loss)
        self.accuracy.add(self.step_count, *(100 * share for share in accuracy))
        N = self._parts[-1][0].stop
        hidden, sizes = [a[:N] for a in hidden], self._sizes() if in_words else None
        dead = self.network.show_layers(self.net, hidden, p[:N], self._below(), sizes)
        units, dead = sum(map(len, dead)), sum(int(each.sum()) for each in dead)
        self.canvas.say = (
            f"Step {self.step_count}, loss {loss[0]:.2f}, {accuracy[0]:.0%} right; "
            f"{dead} of {units} units are dead"
        )
        if self.question is not None:
            measured = dict(zip(gallery.MEASURES, (*loss, *accuracy, dead / max(units, 1)), strict=True))
            if self.question.answered(self.step_count, measured, self._standing()):
                self.task.value = html.escape(f"That is it. {self.question.entry['because']}")
                self.question = None
        return loss, accuracy

    def _what_a_unit_says(self, hidden):
        """Return what the unit under the mouse puts out over the plane, and its name; nothing without one."""
        if self._looked_at is None or self.kind == IMAGES or self._looked_at[0] > len(hidden):
            return ()
        layer, unit = self._looked_at
        a = np.nan_to_num(hidden[layer - 1][:, unit])
        return a, f"Unit {unit + 1} of layer {layer}"

    def _below(self):
        """Return what is written below the network: how an opened unit comes about, or what was said."""
        if self.network.opened is None:
            asks = not (self.running and self.question)  # while it trains, what happens in the layers
            return [self._said or html.unescape(self.task.value) * asks]
        y = int(self.data.train.labels[self.example])
        return explain(self.net, self.x[self.example : self.example + 1], y, *self.network.opened)

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
        if self.value("bias") == ZERO:
            names |= {"affine_backward"} - {*self.functions}
        names |= {each for each in ("sketches", "points") if f"= {each}(" in lines[0]}
        imports = [f"from nn_helpers import {', '.join(sorted(names))}"]
        if "np." in lines[0]:
            imports.insert(0, "import numpy as np")
        return "\n".join([f'# playground("{self.as_text()}") opens this', *imports, "", *lines])

    def as_text(self):
        """Return the short text that `playground` takes back: the data, and what was changed."""
        first = FIRST | {name: value for name, (value, *_) in OWN.get(self.value("optimizer"), {}).items()}
        standing = self._standing()
        changed = {name: standing[name] for name in first if standing[name] != first[name]}
        for name in ("depth", "width"):
            changed.pop(name, None)
        if self.sizes != [FIRST["width"]] * FIRST["depth"]:
            changed["sizes"] = ",".join(map(str, self.sizes)) or "none"
        if isinstance(standing["activation"], list):
            changed["activation"] = ",".join(self.activations)
        return " ".join([self.kind, *(f"{name}={value}" for name, value in changed.items())])

    def _head(self):
        """Return the lines before the first step."""
        kind, seed, net = self.kind, self.seed, self.net
        n_train, noise = self.value("n_train"), self.value("noise")
        made = f"n_train={n_train}, n_val={POINTS_MADE - n_train}, noise={noise:g}, " * (
            (n_train, noise) != (FIRST["n_train"], FIRST["noise"])
        )
        data = f'data = points("{kind}", {made}seed={seed})'
        if kind == MINE:
            data = self.mine.code(self.data)
        if kind == IMAGES:
            passed = "# data: the images that playground was called with"
            data = f"data = sketches({MADE})" if self._passed is None else passed
        init = "lambda D, M: 0.0" if self.value("init") == ZERO else f'"{net.init}"'
        dropout = f", dropout={net.dropout:g}" if net.dropout else ""
        own = self.own_functions().items()
        names = {name: _name_in_code(name, function) for name, function in own}
        use = ", ".join(f"{name}={in_code}" for name, in_code in names.items())
        backward = names.get("affine_backward", "affine_backward")
        return [
            data,
            f"net = ClassificationNet({net.input_size}, {net.hidden_sizes}, {net.num_classes}, "
            f"{json.dumps(net.activation)}, reg={net.reg:g}, init={init}, seed={seed}{dropout})",
            *([f"net.use({use})"] if use else []),
            *([HOLDING.format(backward)] if self.value("bias") == ZERO else []),
            f"optimizer = {self.optimizer!r}",
            self._steps_line,
        ]

    def _refresh_code(self):
        if self.code_box.children and not self.running:
            self.code.value = self.as_code()

    def _show_code(self):
        """Show the code, or put it away again."""
        code = self.as_code()
        self.code.value, self.code.rows = code, min(16, code.count("\n") + 2)
        self.code_box.children = [] if self.code_box.children else [self.code, self.copy_button]


@lru_cache(maxsize=1)
def sample_images():
    """Return the images that are shown where none were passed."""
    return sketches(500, n_test=0, n_val=200)


def own_slider(optimizer, parameter, *where):
    """Return a slider for a parameter of one optimizer: its first value, and its ends."""
    words = f"{SYMBOLS[parameter]} of {CLASSES[optimizer]}"
    return slider(SYMBOLS[parameter], words, *where, step=0.001, readout_format=".3f", **ROW)


def look(net, x):
    """Return what each hidden layer puts out for examples x, and the logits."""
    hidden, last = net.activations(x), net.num_layers
    a = hidden[-1] if hidden else x
    logits, _ = net.functions["affine_forward"](a, net.params[f"W{last}"], net.params[f"b{last}"])
    return hidden, logits


def rms(values):
    """Return the root mean square of a vector."""
    return np.sqrt(np.dot(values, values) / values.size)


def _name_in_code(name, function):
    """Return what a function is called in the code: its own name, or for a lambda what it stands for."""
    return function.__name__ if getattr(function, "__name__", "").isidentifier() else name
