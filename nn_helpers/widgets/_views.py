"""Parts of a live picture: each draws on axes of its own, and changes what it drew when there is news."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from nn_helpers.plots import COLOURS, DASHES

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*", "<", ">")
POINTS_KEPT = 400  # of a curve
DEEPEST = 8  # hidden layers


class Regions:
    """What the network answers at every place of the plane: the class by colour, how surely by strength."""

    LIMIT, CELLS = 3.5, 64

    def __init__(self, canvas, ax, data):
        centres = (np.arange(self.CELLS) + 0.5) / self.CELLS * 2 * self.LIMIT - self.LIMIT
        self.grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2).astype(np.float32)
        extent = (-self.LIMIT, self.LIMIT) * 2
        self.image = ax.imshow(
            np.ones((self.CELLS, self.CELLS, 3)), extent=extent, origin="lower", interpolation="nearest"
        )
        canvas.move(self.image)
        for label in range(data.train.labels.max() + 1):
            for part, size, alpha in ((data.train, 16, 1.0), (data.val, 8, 0.6)):
                x = part.images[part.labels == label]
                style = {"color": COLOURS[label], "marker": MARKERS[label], "edgecolors": "white"}
                canvas.move(ax.scatter(x[:, 0], x[:, 1], s=size, linewidths=0.5, alpha=alpha, **style))
        ax.set(title="Decision regions", xlabel="first input", ylabel="second input")
        ax.set(xlim=extent[:2], ylim=extent[2:])
        self.colours = np.array([to_rgb(colour) for colour in COLOURS])

    def show(self, net):
        """Colour the plane by the network's answers; where they are not numbers it stays white."""
        p = net.predict_proba(self.grid)
        C = p.shape[1]
        best = p.argmax(axis=1)
        sure = (p.max(axis=1) - 1 / C) / (1 - 1 / C)  # 0 where all classes are as probable
        strength = 0.6 * np.nan_to_num(sure)[:, np.newaxis]
        rgb = 1 - strength * (1 - self.colours[best])
        self.image.set_data(rgb.reshape(self.CELLS, self.CELLS, 3))


class Samples:
    """Some validation pictures with what the network takes them for."""

    COLUMNS, ROWS = 4, 3

    def __init__(self, canvas, ax, data, class_names):
        count = self.COLUMNS * self.ROWS
        self.images, self.labels, self.names = data.val.images[:count], data.val.labels[:count], class_names
        self.x = data.standardise(self.images)
        for i, image in enumerate(self.images):
            column, row = i % self.COLUMNS, i // self.COLUMNS
            ax.imshow(image, extent=(column + 0.06, column + 0.94, row + 0.86, row + 0.04))
        ax.set(xlim=(0, self.COLUMNS), ylim=(self.ROWS + 0.02, 0), title="Validation pictures")
        ax.set_aspect("auto")
        ax.set_axis_off()
        self.texts = [
            ax.text(i % self.COLUMNS + 0.5, i // self.COLUMNS + 0.875, "", ha="center", va="top", size=7)
            for i in range(len(self.images))
        ]
        canvas.move(*self.texts)

    def show(self, net):
        """Write below each picture the most probable class: ✓ where it is right, ✗ where not."""
        p = net.predict_proba(self.x)
        for text, row, label in zip(self.texts, p, self.labels, strict=True):
            best = int(row.argmax())
            right = best == label
            text.set_text(f"{'✓' if right else '✗'} {self.names[best]} {np.nan_to_num(row[best]):.0%}")
            text.set_color(COLOURS[2] if right else COLOURS[1])


class Curves:
    """One quantity over the steps, for training and validation; long curves are thinned."""

    def __init__(self, canvas, ax, title, label, top=None):
        self.canvas, self.ax, self.top = canvas, ax, top
        self.lines = [
            canvas.move(*ax.plot([], [], color=COLOURS[i], linestyle=DASHES[i], label=part))
            for i, part in enumerate(("training", "validation"))
        ]
        ax.set(title=title, xlabel="step", ylabel=label, xlim=(0, 200), ylim=(0, top or 1))
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(loc="best" if top is None else "lower right", fontsize="small", frameon=False)
        self.clear()

    def clear(self):
        """Forget the curves."""
        self.steps, self.values = [], ([], [])
        for line in self.lines:
            line.set_data([], [])
        self.ax.set_xlim(0, 200)
        if self.top is None:
            self.ax.set_ylim(0, 1)

    def add(self, step, training, validation):
        """Add a point to each curve; return whether the axes had to change."""
        self.steps.append(step)
        for values, new in zip(self.values, (training, validation), strict=True):
            values.append(new if new is not None and np.isfinite(new) else np.nan)
        if len(self.steps) > POINTS_KEPT:
            del self.steps[1:-1:2]
            for values in self.values:
                del values[1:-1:2]
        for line, values in zip(self.lines, self.values, strict=True):
            line.set_data(self.steps, values)
        changed = False
        if step > self.ax.get_xlim()[1]:
            self.ax.set_xlim(0, 2 * step)
            changed = True
        highest = np.nanmax([value for values in self.values for value in values[-1:]] + [0])
        if self.top is None and highest > self.ax.get_ylim()[1]:
            self.ax.set_ylim(0, 1.3 * highest)
            changed = True
        return changed


class Layers:
    """What happens in each layer, the first below: activations, dead units, gradients, updates."""

    BINS = 28

    def __init__(self, canvas, axes, num_layers, activation):
        hidden = num_layers - 1
        self.range = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}.get(activation, (-1.0, 4.0))
        self.activation = activation
        histogram, dead, gradient, update = axes
        self.image = histogram.imshow(
            np.zeros((max(hidden, 1), self.BINS)), extent=(*self.range, 0.5, max(hidden, 1) + 0.5),
            cmap="Blues", vmin=0, vmax=0.4, aspect="auto", origin="lower", interpolation="nearest",
        )  # fmt: skip
        canvas.move(self.image)
        self.dead = dead.barh(np.arange(1, hidden + 1), np.zeros(hidden), height=0.6, color=COLOURS[1])
        if hidden:
            canvas.move(*self.dead)
        layers = np.arange(1, num_layers + 1)
        self.layers = layers
        (self.gradient,) = gradient.plot([], [], color=COLOURS[0], marker="o", linestyle=":")
        (self.update,) = update.plot([], [], color=COLOURS[2], marker="s", linestyle=":")
        canvas.move(self.gradient, self.update)
        beyond = " (≥ 4 at the edge)" if self.range[1] == 4 else ""
        histogram.set(title="Activations", xlabel=f"value{beyond}", ylabel="layer")
        dead.set(title="Dead units", xlabel="share (%)", xlim=(0, 100))
        gradient.set(title="Gradient", xlabel="root mean square", xscale="log", xlim=(1e-7, 10))
        update.set(title="Update / weight", xlabel="ratio of sizes", xscale="log", xlim=(1e-7, 10))
        for ax in axes:
            ax.set_ylim(0.4, num_layers + 0.6)
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
            ax.spines[["top", "right"]].set_visible(False)
        for ax in (gradient, update):
            ax.grid(alpha=0.25)

    def show(self, activations, gradients, updates):
        """Show the hidden layers' activations, and for each layer its gradient and update/weight."""
        low, high = self.range
        rows = [
            np.histogram(np.clip(a, low, high), self.BINS, (low, high))[0] / a.size
            for a in map(np.nan_to_num, activations)
        ]
        if rows:
            self.image.set_data(np.array(rows))
            for bar, a in zip(self.dead, activations, strict=True):
                bar.set_width(100 * dead_share(a, self.activation))
        for line, values in ((self.gradient, gradients), (self.update, updates)):
            line.set_data(np.clip(values, 1.5e-7, 8), self.layers)


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
