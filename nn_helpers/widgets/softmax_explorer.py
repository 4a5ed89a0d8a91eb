"""The softmax explorer: logits on sliders, temperature, the overflow, and what each class would cost."""

import html

import ipywidgets as widgets
import numpy as np

from nn_helpers.losses import cross_entropy, softmax
from nn_helpers.plots import COLOURS, finish, subplots
from nn_helpers.widgets.controls import control, dropdown, row, show_first, slider, stop_slider
from nn_helpers.widgets.figure_canvas import FigureCanvas
from nn_helpers.widgets.panel import Panel

CLASSES = ("cat", "dog", "frog", "ship")
SCALES = (1, 10, 100, 1000)
MANY = 6  # classes; the names and numbers of more stand upright


def softmax_explorer(logits=(2.0, 1.0, 0.1, -1.0), class_names=CLASSES):
    """Move logits and temperature, and see probabilities, the overflow, cross-entropy and p − y.

    Parameters
    ----------
    logits : sequence of float
        One for each class, between −5 and 5, when the widget opens.
    class_names : sequence of str
        As many different names.

    Returns
    -------
    SoftmaxExplorer
        For a cell's last line.
    """
    if isinstance(class_names, str) or not np.iterable(logits) or not np.iterable(class_names):
        raise TypeError("softmax_explorer: logits and class_names must be sequences, such as lists")
    logits, class_names = list(logits), list(class_names)
    if len(logits) != len(class_names):
        raise ValueError(f"softmax_explorer: {len(logits)} logits for {len(class_names)} class names")
    if not class_names or len({*map(str, class_names)}) < len(class_names):
        raise ValueError(f"softmax_explorer: class_names must be different names; got {class_names!r}")
    return SoftmaxExplorer(logits, class_names)


def naive_softmax(z):
    """Return e^z / Σ e^z as it is written; where an exponential overflows, the result is NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(z)
        return e / e.sum()


class SoftmaxExplorer(Panel):
    """See `softmax_explorer`."""

    def __init__(self, logits=(2.0, 1.0, 0.1, -1.0), class_names=CLASSES):
        super().__init__()
        self.names = [str(name) for name in class_names]
        wide = {"width": "440px", "label_width": "120px"}
        self.logits = [
            slider(f"logit: {name}", f"The network's number for {name}", 0.0, -5, 5, **wide)
            for name in self.names
        ]
        for name, each, value in zip(self.names, self.logits, logits, strict=True):
            show_first("softmax_explorer", f"logit of {name}", each, value)
        self.temperature = control(
            widgets.FloatLogSlider, "temperature T", "Logits are divided by it: small is sure, large unsure",
            value=1.0, base=10, min=-1, max=1, step=0.02, readout_format=".2f",
        )  # fmt: skip
        self.scale = stop_slider("logits times", "Large logits make e^z overflow", SCALES, 1)
        narrow = {"width": "220px", "label_width": "80px"}
        self.true = dropdown("true class", "What the image shows", self.names, self.names[0], **narrow)
        self.facts = widgets.HTML()
        self._make_figure()
        self.ui.children = [
            row(*self.logits), row(self.temperature, self.scale, self.true), self.message, self.canvas.widget,
            self.facts,
        ]  # fmt: skip
        for each in (*self.logits, self.temperature, self.scale, self.true):
            self.when(each, lambda _: self.draw())
        self.draw()

    def _make_figure(self):
        figure, axes = subplots(11.2, 3.4, 1, 3, dpi=80)
        self.canvas = FigureCanvas(
            figure,
            alt="Bars for each class: its probability by the stable and by the naive softmax, its "
            "cross-entropy were it the true one, and the gradient p minus y",
        )
        upright = {"rotation": 90} if len(self.names) > MANY else {}
        room = 0.3 if upright else 0.0  # more of it above the bars
        probabilities, cost, pull = axes
        probabilities.set(title="Probabilities", ylabel="p", ylim=(0, 1.25 + room), yticks=np.arange(6) / 5)
        cost.set(title="Cost of each class, were it true", ylabel="cross-entropy (nats), bars end at 10")
        cost.set(ylim=(0, 12.5), yticks=range(0, 11, 2))
        pull.set(title="Gradient with respect to the logits", ylabel="p − y", ylim=(-1.2, 1.2 + room))
        for ax in axes:
            ax.set_xticks(range(len(self.names)), self.names, **upright)
            finish(ax, grid=False)
        self._make_bars(*axes)
        self._make_texts(*axes, upright)
        probabilities.legend(frameon=False, fontsize="small", ncols=2, loc="upper right")

    def _make_bars(self, probabilities, cost, pull):
        places = np.arange(len(self.names))
        zeros = np.zeros(len(places))
        self.stable = probabilities.bar(places - 0.2, zeros, 0.38, color=COLOURS[0], label="stable")
        self.naive = probabilities.bar(
            places + 0.2, zeros, 0.38, color="white", edgecolor=COLOURS[1], hatch="///", label="naive"
        )
        self.costs = cost.bar(places, zeros, 0.6, color=COLOURS[4])
        self.pulls = pull.bar(places, zeros, 0.6, color=COLOURS[3])
        pull.axhline(0, color="black", linewidth=0.8)
        self.canvas.move(*self.stable, *self.naive, *self.costs, *self.pulls)

    def _make_texts(self, probabilities, cost, pull, upright):
        style, places = {"ha": "center", "va": "bottom", "size": 8}, range(len(self.names))
        self.texts = [
            [ax.text(place - aside, 0, "", **style, **upright) for place in places]
            for ax, aside in ((probabilities, 0.2), (cost, 0), (pull, 0))
        ]
        style |= {"color": COLOURS[1], "rotation": 90}
        self.broken = [probabilities.text(place + 0.2, 0.02, "", **style) for place in places]
        self.canvas.move(*(text for texts in (*self.texts, self.broken) for text in texts))

    def numbers(self):
        """Return what the figure shows: z, stable p, naive p, cost of each class, and p − y."""
        z = self.scale.value * np.array([slider.value for slider in self.logits]) / self.temperature.value
        C, y = len(z), self.names.index(self.true.value)
        costs = np.array([cross_entropy(z[np.newaxis], np.array([k]))[0] for k in range(C)])
        _, gradient = cross_entropy(z[np.newaxis], np.array([y]))
        return z, softmax(z), naive_softmax(z), costs, gradient[0]

    def draw(self):
        """Compute everything anew for the controls' values."""
        z, p, naive, costs, gradient = self.numbers()
        shown = ((self.stable, p, 1.0), (self.naive, np.nan_to_num(naive), 1.0), (self.costs, costs, 10.0))
        for bars, values, top in shown:
            for bar, value in zip(bars, np.minimum(values, top), strict=True):
                bar.set_height(value)
        for bar, value in zip(self.pulls, gradient, strict=True):
            bar.set_height(value)
        for texts, values, top, form in (
            (self.texts[0], p, 1.0, ".2f"), (self.texts[1], costs, 10.0, ".3g"),
            (self.texts[2], gradient, 1.0, "+.2f"),
        ):  # fmt: skip
            for text, value in zip(texts, values, strict=True):
                text.set_text(f"{value:{form if abs(value) < 100 else ',.0f'}}".replace("-", "−"))
                text.set_y(min(max(value, 0), top) + 0.02 * top)
        for text, value in zip(self.broken, naive, strict=True):
            text.set_text("NaN" if np.isnan(value) else "")
        self.canvas.draw()
        self.facts.value = html.escape(self.facts_text(z, p, naive, costs))

    def facts_text(self, z, p, naive, costs):
        """Return what the figure says in a sentence or two."""
        true = self.names.index(self.true.value)
        largest = z.max()
        text = f"The loss is −log p({self.true.value}) = {costs[true]:,.3f} nats."
        if np.isnan(naive).any():
            why = (
                f"overflows: e^{largest:.0f} is too large for a float64, and inf / inf is NaN"
                if largest > 0
                else f"underflows: even e^{largest:.0f} is 0 in a float64, and 0 / 0 is NaN"
            )
            return f"{text} The naive softmax {why}. The stable one subtracts the largest logit first."
        if p.min() == 0:
            zero = "A probability is 0 in a float64; the loss, computed from the logits, stays finite."
            return f"{text} {zero}"
        return f"{text} Guessing alike among {len(p)} classes would cost log {len(p)} = {np.log(len(p)):.3g}."
