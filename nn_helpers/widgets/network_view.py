"""The network, drawn: a picture for each unit, a wire for each weight, and what happens in each layer."""

import textwrap

import numpy as np

from nn_helpers.layers import affine_backward
from nn_helpers.plots import COLOURS
from nn_helpers.widgets.views import DIVERGING, FADING, dead_units, shares, signed

LAYERS, UNITS, OUTPUTS = 6, 8, 10  # at most so many are drawn: hidden layers, units of each, classes
WIDTH, HEIGHT, TOP, BOTTOM = 586, 450, 62, 366  # pixels; the units are between TOP and BOTTOM
FIRST, LAST, GAP, LARGEST, BINS = 38, 548, 5, 44, 14
ROW = 14  # pixels of a line of text
TERMS = 8  # of a sum that are written out
# Where the activations of a layer lie; those beyond are counted at the edge.
RANGES = {"relu": (0, 4), "leaky_relu": (-1, 4), "sigmoid": (0, 1), "tanh": (-1, 1)}


class NetworkView:
    """The network on a sheet of WIDTH × HEIGHT.

    Attributes
    ----------
    opened : None or tuple (layer, unit, backward)
        The unit whose formula is written below, counted from 1 and 0, and which way it is gone through.
    gradient : bool
        Whether the wires are the loss's derivatives with respect to the weights instead of the weights.
    """

    def __init__(self, sheet):
        self.sheet, self.opened, self.gradient = sheet, None, False

    def begin(self, net, class_names, images=None):
        """Draw another network; for images (N, H, W, 3), units are drawn as what they look for in them."""
        self.sheet.clear()
        self.class_names = class_names
        self.depth, self.images, self.opened = net.num_layers - 1, images, None
        hidden = list(range(1, self.depth + 1))
        if self.depth > LAYERS:
            hidden = [*hidden[: LAYERS - 1], self.depth]
        self.sizes = [net.input_size, *net.hidden_sizes, net.num_classes]
        self.drawn = {0: 1 if images is not None else min(2, net.input_size)}
        self.drawn |= {layer: min(UNITS, self.sizes[layer]) for layer in hidden}
        self.drawn[self.depth + 1] = min(OUTPUTS, net.num_classes)
        self.shape = (24, 24) if images is None else images.shape[1:]  # of a unit's picture
        self.xs = dict(zip(self.drawn, np.linspace(FIRST, LAST, len(self.drawn)), strict=True))
        self.boxes = {layer: self._column(layer, count) for layer, count in self.drawn.items()}
        self._make_wires()
        self._make_pictures()
        self._make_header(net)
        self.sheet.rects(np.concatenate(list(self.boxes.values())), "faint", stroke=1)
        self.dead = self.sheet.line(np.empty((0, 2)), COLOURS[1], 2)
        self.frame = self.sheet.rects([], COLOURS[3], stroke=3)
        self.bars = self.sheet.rects([], "faint")
        self.strip = self.sheet.texts([], align="center")
        self.lines, self.counter = self.sheet.texts([]), self.sheet.texts([], bold=True)

    def _column(self, layer, count):
        side = min(LARGEST, (BOTTOM - TOP) / count - GAP)
        tops = (TOP + BOTTOM) / 2 + (side + GAP) * (np.arange(count) - count / 2) + GAP / 2
        return np.array([(self.xs[layer] - side / 2, y, side, side) for y in tops])

    def _make_wires(self):
        ends, names, self.wired = [], [], []
        for layer in list(self.drawn)[1:]:
            if layer - 1 not in self.drawn or (layer == 1 and self.images is not None):
                continue  # what is between is not drawn, or too much
            self.wired.append(layer)
            what = "∂L/∂w" if self.gradient else "weight"
            for i, (x0, y0, w, h) in enumerate(self.boxes[layer - 1]):
                for j, (x1, y1, _, k) in enumerate(self.boxes[layer]):
                    ends.append((x0 + w, y0 + h / 2, x1, y1 + k / 2))
                    names.append(f"layer {layer}, {what} from {i + 1} to {j + 1}")
        self.wires = self.sheet.wires(ends, np.zeros(len(ends) + 1), names)
        if self.images is not None:  # all pixels go to each unit: too many wires to draw
            (x0, y0, w, h), gap = self.boxes[0][0], (np.nan, np.nan)
            fan = [[(x0 + w, y0 + h / 2), (x, y + k / 2), gap] for x, y, _, k in self.boxes[1]]
            self.sheet.line(np.reshape(fan, (-1, 2)), "grid", 1)

    def _make_pictures(self):
        sheet, cells = self.sheet, np.linspace(-1, 1, 24)
        if self.images is not None:
            sheet.images(self.boxes[0], self.images[:1])
        else:
            across = np.tile(cells, (24, 1))
            sheet.images(self.boxes[0], signed(np.array([across, -across.T])[: self.drawn[0]], 1), DIVERGING)
            names = zip(self.boxes[0], ("x₁", "x₂"), strict=False)
            sheet.texts([(x - 2, y + h / 2, name) for (x, y, _, h), name in names], "faint", 11, "right")
        blank = np.zeros((0, *self.shape), np.uint8)
        palettes = {layer: DIVERGING if self.images is None else None for layer in self.drawn if layer}
        self.pictures, self.spots = {}, {}
        for layer, palette in palettes.items():
            boxes = self.boxes[layer]
            if layer == self.depth + 1 and self.images is None:  # each in the colour of its class
                self.pictures[layer] = [
                    sheet.images(boxes[k : k + 1], blank, FADING[k]) for k in range(len(boxes))
                ]
            else:
                self.pictures[layer] = sheet.images(boxes, blank, palette)
            for unit, box in enumerate(boxes):
                self.spots[layer, unit] = sheet.spot(f"unit {layer} {unit}", box, "", "units")

    def _make_header(self, net):
        s = "s" * (self.depth != 1)
        self._plus_and_minus(WIDTH / 2, 12, 70, f"{self.depth} hidden layer{s}", "layers", "a hidden layer")
        self.sheet.texts([(FIRST, 33, "input"), (LAST, 33, "output")], "faint", align="center")
        self.sheet.images([(WIDTH - 132, 8, 72, 9)], np.arange(256, dtype=np.uint8)[np.newaxis, np.newaxis],
                          DIVERGING)  # fmt: skip
        self.sheet.texts([(WIDTH - 136, 12, "below 0")], "faint", 11, "right")
        self.sheet.texts([(WIDTH - 56, 12, "above 0")], "faint", 11)
        for layer in list(self.drawn)[1:-1]:
            where = f"a unit of layer {layer}"
            self._plus_and_minus(self.xs[layer], 33, 24, f"{self.sizes[layer]}", f"units {layer}", where)
            name = net.hidden_activations[layer - 1]
            what = f"Activation of layer {layer}: {name}. Press for the next"
            self._button((self.xs[layer], 52, 64), name, f"activation {layer}", what)
            if self.sizes[layer] > UNITS:
                more = f"+ {self.sizes[layer] - UNITS} more"
                self.sheet.texts([(self.xs[layer], BOTTOM + 5, more)], "faint", 11, "center")
        if self.depth > LAYERS:
            x = (self.xs[LAYERS - 1] + self.xs[self.depth]) / 2
            self.sheet.texts([(x, (TOP + BOTTOM) / 2, "…")], size=20, align="center")

    def _plus_and_minus(self, x, y, away, words, name, what):
        self.sheet.texts([(x, y, words)], align="center")
        for by, sign, verb in ((-1, "−", "Take away"), (1, "+", "Add")):
            self._button((x + by * away, y, 16), sign, f"{name} {by}", f"{verb} {what}", size=13)

    def _button(self, place, words, name, what, size=11):
        x, y, width = place
        box = (x - width / 2, y - 8, width, 16)
        self.sheet.rects([box], "faint", stroke=1)
        self.sheet.texts([(x, y, words)], size=size, align="center")
        self.sheet.spot(name, box, what, "sizes")

    def show_wires(self, net):
        """Draw the weights, or the gradient, as they are now."""
        of = net.grads if self.gradient else net.params
        parts = [
            of[f"W{layer}"][: self.drawn[layer - 1], : self.drawn[layer]].ravel() for layer in self.wired
        ]
        weights = np.concatenate(parts) if parts else np.zeros(0)
        least = 1e-9 if self.gradient else 1
        self.wires.show(np.append(weights, np.abs(weights).max(initial=least, where=np.isfinite(weights))))
        self.frame.show([] if self.opened is None else self.boxes[self.opened[0]][[self.opened[1]]])

    def show_layers(self, net, hidden, p, text, sizes=None):
        """Draw what happens in the layers.

        Parameters
        ----------
        hidden : list of float arrays (N, M)
            What each hidden layer puts out for examples.
        p : float array (N, C)
            The answers.
        text : list of str
            What is written in the place of all this.
        sizes : tuple of two float arrays (num_layers,), optional
            Of each layer's gradient, and of its update beside its weights. Without them, what is in words
            stays as it was: nobody reads it in every frame.

        Returns
        -------
        list of bool arrays (M,)
            Which units of each layer are dead.
        """
        dead = [dead_units(a, name) for a, name in zip(hidden, net.hidden_activations, strict=True)]
        if sizes is not None:
            self._show_units(net, hidden, p, dead)
            self.strip.show(self._strip(dead, sizes))
        self.bars.show(self._histograms(net, hidden))
        self.write(text)
        return dead

    def write(self, text):
        """Write lines below, in the place of what happens in the layers; without any that stays."""
        lines = [line for part in text for line in textwrap.wrap(part, 92)]
        self.lines.show([(2, BOTTOM + 16 + 15 * i, line) for i, line in enumerate(lines[:5])])
        for mark in (self.bars, self.strip) if lines else ():
            mark.show([])

    def count(self, step):
        """Write how many steps were made."""
        self.counter.show([(2, 12, f"step {step:,}")])

    def show_pictures(self, net, hidden, p):
        """Draw the units: what they put out, and the answers p, at places of the plane, or their weights."""
        for layer, mark in self.pictures.items():
            count = self.drawn[layer]
            if self.images is not None:
                mark.show(self._looked_for(net, layer, count))
                continue
            a = (hidden[layer - 1] if layer <= self.depth else p)[:, :count]
            side = int(len(a) ** 0.5)
            a = a.reshape(side, side, count)[::2, ::2].transpose(2, 0, 1)
            if layer <= self.depth:
                mark.show(signed(a, 2.5 * np.abs(a).sum(where=np.isfinite(a)) / a.size))
            else:
                for each, picture in zip(mark, np.nan_to_num(255 * a).astype(np.uint8), strict=True):
                    each.show(picture[np.newaxis])

    def _looked_for(self, net, layer, count):
        """Return the weights from the pixels to units of a layer, as if no activation were between."""
        W = net.params[f"W{layer}"][:, :count]
        for before in range(layer - 1, 0, -1):
            W = net.params[f"W{before}"] @ W
        return signed(W.T, np.abs(W).max(axis=0)[:, np.newaxis]).reshape(count, *self.shape)

    def _show_units(self, net, hidden, p, dead):
        crosses, means = [], [a.mean(axis=0) for a in (*hidden, p)]
        for (layer, unit), spot in self.spots.items():
            if layer > self.depth:
                words = f"Output {unit + 1}, {self.class_names[unit]}: {number(means[-1][unit])} on average"
            else:
                words = f"Unit {unit + 1} of layer {layer}: {number(means[layer - 1][unit])} "
                words += f"on average, bias {number(net.params[f'b{layer}'][unit])}"
                if dead[layer - 1][unit]:
                    x, y, side, _ = self.boxes[layer][unit]
                    crosses += [(x, y), (x + side, y + side), (np.nan,) * 2, (x, y + side), (x + side, y)]
                    crosses += [(np.nan,) * 2]
                    words += ", dead: it passes no gradient on for any example"
            if words != spot.data:
                spot.show(words)
        self.dead.show(crosses)

    def _histograms(self, net, hidden):
        bars = []
        for layer in list(self.drawn)[1:-1]:
            height = 22 * shares(hidden[layer - 1], *RANGES[net.hidden_activations[layer - 1]], BINS)
            left = self.xs[layer] - 2 * BINS + 4 * np.arange(BINS)
            bars.append(np.stack([left, BOTTOM + 32 - height, np.full(BINS, 3.0), height], axis=1))
        return np.concatenate(bars) if bars else []

    def _strip(self, dead, sizes):
        labels = ("dead", "size of ∇", "step / w")
        texts = [(FIRST - 6, BOTTOM + 42 + ROW * i, words) for i, words in enumerate(labels)]
        for layer in list(self.drawn)[1:]:
            share = f"{dead[layer - 1].sum()} of {len(dead[layer - 1])}" if layer <= self.depth else ""
            values = share, *(power(size[layer - 1]) for size in sizes)
            texts += [(self.xs[layer], BOTTOM + 42 + ROW * i, words) for i, words in enumerate(values)]
        return texts


def number(value):
    """Return a number with two decimals, or two digits where it is small."""
    if value == 0 or not 1e-3 <= abs(value) < 0.1:
        return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
    return f"{value:.2g}".replace("-", "−")


def power(value):
    """Return a size as a power of ten with one decimal, such as 2.3e−4; "–" where there is none."""
    if not np.isfinite(value):
        return "–"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits}e{int(exponent)}".replace("-", "−")


def _sum_of(pairs, more=""):
    """Return a sum of products written out."""
    written = [[number(each) for each in pair] for pair in pairs[:TERMS]]
    terms = ["·".join(f"({each})" if each[0] == "−" else each for each in pair) for pair in written]
    left = f" + … ({len(pairs) - TERMS:,} more)" if len(pairs) > TERMS else ""
    return " + ".join(terms) + left + more


def explain(net, x, y, layer, unit, backward):
    """Return how one unit's numbers come about for one example, line by line.

    Parameters
    ----------
    x : float array (1, D)
    y : int
        Its class.
    layer, unit : int
        Counted from 1, and from 0.
    backward : bool
        Whether it is the way back: the loss's derivatives.
    """
    p, net = net.params, net.replica()  # which leaves the gradient and dropout of the training alone
    net.dropout, net.functions = 0.0, {**net.functions, "affine_backward": affine_backward}
    answers = net.functions["softmax"](net.forward(x).copy())[0]
    inputs = [x.reshape(-1), *(a[0] for a in net.activations(x))][layer - 1 : layer + 1]
    W, b = p[f"W{layer}"][:, unit], p[f"b{layer}"][unit]
    f = (*net.hidden_activations, "softmax")[layer - 1]
    is_output, z = layer == net.num_layers, inputs[0] @ W + b
    which = f"Output {unit + 1}" if is_output else f"Unit {unit + 1} of layer {layer}"
    head = f"{which}, one example of class {y + 1}"
    if not backward:
        sign = f" {'−' if b < 0 else '+'} {number(abs(b))} = {number(z)}"
        end = f"p = softmax(z) = {number(answers[unit])}" if is_output else (
            f"a = {f}(z) = {f}({number(z)}) = {number(inputs[1][unit])}")  # fmt: skip
        return [f"{head}. Press again for the way back.",
                f"z = {_sum_of(list(zip(W, inputs[0], strict=True)), sign)}", end]  # fmt: skip
    net.backward((answers - np.eye(net.num_classes, dtype=net.dtype)[y])[np.newaxis])
    d, lines = net.grads[f"b{layer}"][unit], [f"{head}, the way back. Press again to close."]
    if is_output:
        lines.append(f"∂L/∂z = p − y = {number(answers[unit])} − {int(unit == y)} = {number(d)}")
    else:
        weights, after = p[f"W{layer + 1}"][unit], net.grads[f"b{layer + 1}"]  # of one example: ∂L/∂z
        terms = f"{_sum_of(list(zip(weights, after, strict=True)))} = {number(weights @ after)}"
        lines.append(f"∂L/∂a = {terms}  (weights · ∂L/∂z of the next layer)")
        lines.append(f"∂L/∂z = ∂L/∂a · {f}′({number(z)}) = {number(d)}")
    products = ", ".join(number(each * d) for each in inputs[0][:TERMS])
    more = ", …" if len(inputs[0]) > TERMS else ""
    return [*lines, f"∂L/∂w = inputs · ∂L/∂z = {products}{more};  ∂L/∂b = {number(d)}"]
