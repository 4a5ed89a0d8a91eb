"""Parts of a live figure: each draws on axes of its own, and changes what it drew when there is news."""

from functools import lru_cache

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.font_manager import findfont
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from nn_helpers.plots import COLOURS, MARKERS, finish, style

POINTS_KEPT = 400  # of a curve
DEEPEST = 8  # hidden layers
SIZES = (10, 9, 8)  # of letters
SMALLEST, LARGEST = 1e-7, 10  # sizes beyond these are drawn at the edge
# Where the activations of a layer lie; those beyond are counted at the edge.
RANGES = {"relu": (0, 4), "leaky_relu": (-1, 4), "sigmoid": (0, 1), "tanh": (-1, 1)}


class Regions:
    """What the network answers at every place of the plane: the class by colour, how surely by strength.

    Parameters
    ----------
    canvas : Canvas
    ax : matplotlib axes
    data : ArrayDataset
        Points in a plane. Training points are large, validation points small.

    Attributes
    ----------
    x : float32 array (CELLS², 2)
        The places whose answers `show` expects.
    """

    LIMIT, CELLS = 3.5, 48

    def __init__(self, canvas, ax, data):
        centres = ((np.arange(self.CELLS) + 0.5) / self.CELLS * 2 - 1) * self.LIMIT
        self.x = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2).astype(np.float32)
        self.colours = np.array([to_rgb(colour) for colour in COLOURS])
        self.pixels = np.full((self.CELLS, self.CELLS, 4), 255, np.uint8)
        extent = (-self.LIMIT, self.LIMIT) * 2
        self.image = canvas.move(
            ax.imshow(self.pixels, extent=extent, origin="lower", interpolation="bilinear")
        )
        for label in range(data.train.labels.max() + 1):
            for part, size, alpha in ((data.train, 5, 1.0), (data.val, 3.5, 0.6)):
                x = part.images[part.labels == label]
                look = {"color": COLOURS[label], "marker": MARKERS[label], "markeredgecolor": "white"}
                look |= {"markersize": size, "markeredgewidth": 0.6, "alpha": alpha, "linestyle": "none"}
                canvas.move(*ax.plot(x[:, 0], x[:, 1], **look))
        ax.spines[:].set_visible(False)
        ax.set(title="Decision regions", ylabel="second input")
        ax.set_xlabel("first input (small points: validation)")
        ax.set(xlim=extent[:2], ylim=extent[2:], xticks=(-2, 0, 2), yticks=(-2, 0, 2))

    def show(self, p):
        """Colour the plane by the answers p (CELLS², C); where they are not numbers it stays white."""
        C = p.shape[1]
        sure = (p.max(axis=1) - 1 / C) / (1 - 1 / C)  # 0 where all classes are as probable
        strength = 0.6 * np.nan_to_num(sure)[:, np.newaxis]
        rgb = 1 - strength * (1 - self.colours[p.argmax(axis=1)])
        self.pixels[..., :3] = (255 * rgb).reshape(self.CELLS, self.CELLS, 3)
        self.image.set_data(self.pixels)


class Samples:
    """Some images, and beside each what the network takes it for.

    Parameters
    ----------
    canvas : Canvas
    ax : matplotlib axes
    split : Split
    class_names : sequence of str

    Attributes
    ----------
    answers : list of str
        What stands beside the images: the class, and ✓ or ✗ with its probability.
    """

    COLUMNS, ROWS, GAP = 3, 4, 3  # the gap in pixels
    COUNT = COLUMNS * ROWS

    def __init__(self, canvas, ax, split, class_names):
        self.labels, self.names = split.labels[: self.COUNT], class_names
        self.answers = [""] * len(self.labels)
        ax.set_aspect("auto")
        ax.apply_aspect()  # all of the place, whatever was drawn here before
        width, height = (int(size) for size in ax.bbox.size)
        self.cell = width // self.COLUMNS, height // self.ROWS
        self.pixels = np.full((height, width, 4), 255, np.uint8)
        self.side = self.cell[1] - self.GAP
        for i, image in enumerate(split.images[: self.COUNT]):
            left, top = self._corner(i)
            resized = Image.fromarray(image).resize((self.side, self.side))
            self.pixels[top : top + self.side, left : left + self.side, :3] = resized
        self.image = canvas.move(ax.imshow(self.pixels, aspect="auto", interpolation="nearest"))
        ax.set_title("What it takes validation images for")
        ax.set_axis_off()

    def _corner(self, i):
        return i % self.COLUMNS * self.cell[0], i // self.COLUMNS * self.cell[1]

    def show(self, p):
        """Write beside each image its most probable class: ✓ where it is right, ✗ where not.

        Parameters
        ----------
        p : float array (COUNT, C)
        """
        for i, (row, label) in enumerate(zip(p, self.labels, strict=True)):
            best = int(row.argmax())
            right = np.isfinite(row[best]) and best == label
            share = f"{'✓' if right else '✗'} {np.nan_to_num(row[best]):.0%}"
            answer = f"{self.names[best]}\n{share}"
            if answer != self.answers[i]:
                self.answers[i] = answer
                self._write(i, answer, COLOURS[2] if right else COLOURS[1])
        self.image.set_data(self.pixels)

    def _write(self, i, answer, colour):
        left, top = self._corner(i)
        paper = self.pixels[top : top + self.side, left + self.side + self.GAP : left + self.cell[0], :3]
        paper[:] = 255
        for line, text in enumerate(answer.split("\n")):
            ink = draw_text(text, colour, paper.shape[1])[:, : paper.shape[1]]
            height = line * self.side // 2 + 2
            paper[height : height + len(ink), : ink.shape[1]] = ink[: len(paper) - height]


@lru_cache(maxsize=1000)
def draw_text(text, colour, width):
    """Return a line of text as pixels (height, width, 3) on white, if need be in smaller letters.

    Drawing text takes its time, so that what was drawn is remembered.
    """
    for size in SIZES:
        font = ImageFont.truetype(findfont("DejaVu Sans"), size, layout_engine=ImageFont.Layout.BASIC)
        if font.getlength(text) < width:
            break
    paper = Image.new("RGB", (int(font.getlength(text)) + 1, sum(font.getmetrics())), "white")
    ImageDraw.Draw(paper).text((0, 0), text, colour, font)
    return np.asarray(paper)


class Curves:
    """One quantity over the steps, for training and validation; long curves are thinned.

    Parameters
    ----------
    canvas : Canvas
    ax : matplotlib axes
    title, label : str
    top : float, optional
        Where the vertical axis ends; without it the axis follows the curves.
    """

    FIRST = 200  # steps shown at the beginning

    def __init__(self, canvas, ax, title, label, top=None):
        self.canvas, self.ax, self.top = canvas, ax, top
        self.lines = [
            canvas.move(*ax.plot([], [], label=part, **style(i)))
            for i, part in enumerate(("training", "validation"))
        ]
        ax.set(title=title, xlabel="step", ylabel=label, xlim=(0, self.FIRST), ylim=(0, top or 1))
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        canvas.rest(ax.xaxis, ax.yaxis)
        finish(ax)
        if top is None:
            ax.legend(loc="upper right", fontsize="small", frameon=False)
        self.clear()

    def clear(self):
        """Forget the curves."""
        self.steps, self.values = [], ([], [])

    def add(self, step, training, validation):
        """Add a point to each curve."""
        if self.steps and self.steps[-1] == step:  # the same step measured again
            self.steps.pop()
            for values in self.values:
                values.pop()
        self.steps.append(step)
        for values, new in zip(self.values, (training, validation), strict=True):
            values.append(new if np.isfinite(new) else np.nan)
        if len(self.steps) > POINTS_KEPT:
            del self.steps[1:-1:2]
            for values in self.values:
                del values[1:-1:2]
        for line, values in zip(self.lines, self.values, strict=True):
            line.set_data(self.steps, values)
        self._fit()

    def _fit(self):
        """Let the axes end where the curves do."""
        before = right, top = self.ax.get_xlim()[1], self.ax.get_ylim()[1]
        right = self.FIRST
        while right < self.steps[-1]:
            right *= 3
        finite = np.array(self.values)[np.isfinite(self.values)]
        if self.top is None and len(finite):
            # a few steps that overshoot may leave the plot, the beginning may not
            needed = 1.1 * max(finite[0], np.quantile(finite, 0.97))
            if needed > top or right != before[0] or len(self.steps) == 1:
                top = round_up(needed)
        if (right, top) != before:
            self.ax.set(xlim=(0, right), ylim=(0, top))
            self.canvas.renew(self.ax.xaxis)


def round_up(value):
    """Return the next larger of 1, 1.5, 2, 3, 5, 7, 10, 15, … at which an axis may end."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-9)))
    return next(float(f"{step * power:.2g}") for step in (1, 1.5, 2, 3, 5, 7, 10) if step * power >= value)


class Layers:
    """What happens in each layer, the first below: activations, dead units, gradients, updates.

    Parameters
    ----------
    canvas : Canvas
    axes : four matplotlib axes
    """

    BINS = 28

    def __init__(self, canvas, axes):
        self.canvas, self.axes = canvas, axes
        self.num_layers = self.activation = None
        histogram, dead, gradient, update = axes
        self.image = canvas.move(
            histogram.imshow(
                np.zeros((1, self.BINS)), cmap="Blues", vmin=0, vmax=0.4, aspect="auto", origin="lower",
                interpolation="nearest",
            )
        )  # fmt: skip
        self.dead = canvas.move(*dead.plot([], [], color=COLOURS[1], solid_capstyle="butt"))
        dots = {"markersize": 5, "linestyle": ":"}
        self.gradient = canvas.move(*gradient.plot([], [], color=COLOURS[0], marker="o", **dots))
        self.update = canvas.move(*update.plot([], [], color=COLOURS[2], marker="s", **dots))
        look = {"ha": "right", "va": "center", "transform": histogram.get_yaxis_transform()}
        self.names = [histogram.text(-0.03, 0, "", size=8, **look) for _ in range(DEEPEST + 1)]
        canvas.rest(*self.names)
        histogram.set(title="Activations")
        dead.set(xlabel="share (%)", xlim=(0, 100), xticks=(0, 50, 100))
        gradient.set(title="Gradient", xlabel="size of dW")
        update.set(title="Update / weight", xlabel="size of ΔW / size of W")
        for ax in axes:
            ax.set(ylim=(0, 1), yticks=())
            finish(ax, grid=ax in (gradient, update))
        for ax in (gradient, update):
            ax.set_xscale("log")
            ax.set_xlim(SMALLEST, LARGEST)
            ax.set_xticks((1e-6, 1e-4, 1e-2, 1), ("10⁻⁶", "10⁻⁴", "10⁻²", "1"))
            ax.minorticks_off()

    def begin(self, num_layers, activation):
        """Make room for another network; its last layer puts out the logits."""
        if activation != self.activation:
            self._name_values(activation)
        low, high = RANGES[activation]
        hidden = num_layers - 1
        self.rows = (np.arange(num_layers) + 0.5) / num_layers
        self.image.set_data(np.zeros((max(hidden, 1), self.BINS)))
        self.image.set_extent((low, high, 0, max(hidden, 1) / num_layers))
        self.dead.set_linewidth(min(15, 45 / num_layers))
        if num_layers != self.num_layers:
            words = [*(f"layer {layer}" for layer in range(1, num_layers)), "logits"]
            words += [""] * (len(self.names) - num_layers)
            for name, word, place in zip(self.names, words, [*self.rows, *[0] * DEEPEST], strict=False):
                name.set_text(word)
                name.set_y(place)
            self.canvas.renew(self.names[0])
        self.num_layers, self.activation = num_layers, activation

    def _name_values(self, activation):
        """Let the axes suit the values of an activation."""
        histogram, dead, *_ = self.axes
        low, high = RANGES[activation]
        beyond = f"; {high} and more at the edge" if high == 4 else ""
        histogram.set(xlim=(low, high), xlabel=f"value (dark: many{beyond})")
        dead.set_title("Saturated units" if activation in ("sigmoid", "tanh") else "Dead units")
        self.canvas.outdate()

    def show(self, activations, gradients, updates):
        """Show the hidden layers' activations (N, M), and each layer's gradient and update / weight."""
        low, high = RANGES[self.activation]
        if activations:
            self.image.set_data(np.array([shares(a, low, high, self.BINS) for a in activations]))
        dead = [100 * dead_share(a, self.activation) for a in activations]
        self.dead.set_data(*bars(dead, self.rows))
        for line, values in ((self.gradient, gradients), (self.update, updates)):
            line.set_data(np.clip(values, 1.5 * SMALLEST, LARGEST / 1.2), self.rows)


def bars(lengths, places):
    """Return x and y of one line that draws a bar of each length at its place, with gaps between."""
    x = [end for length in lengths for end in (0, length, np.nan)]
    y = [place for place, _ in zip(places, lengths, strict=False) for _ in range(3)]
    return x, y


def shares(a, low, high, bins):
    """Return the share of values in each bin from `low` to `high`; those beyond are in the outer two."""
    place = np.nan_to_num((a.ravel() - low) * (bins / (high - low)))
    return np.bincount(np.clip(place, 0, bins - 1).astype(np.intp), minlength=bins) / a.size


def dead_share(a, activation):
    """Return the share of a layer's units (N, M) whose derivative is 0, or nearly, for every example.

    Such a unit passes no gradient on. With ReLU it is 0 for all examples; with sigmoid and tanh it is near an
    end of its range, where the derivative is below 0.02. With leaky ReLU no unit is dead.
    """
    if activation == "relu":
        flat = a <= 0
    elif activation == "sigmoid":
        flat = a * (1 - a) < 0.02
    elif activation == "tanh":
        flat = 1 - a * a < 0.02
    else:
        return 0.0
    return float(flat.all(axis=0).mean())
