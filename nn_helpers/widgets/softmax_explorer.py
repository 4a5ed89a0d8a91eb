"""The softmax explorer: logits on sliders, temperature, the overflow, and what each class would cost."""

import ipywidgets as widgets
import numpy as np

from nn_helpers.losses import cross_entropy, softmax
from nn_helpers.plots import COLOURS
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.controls import control, dropdown, show_first, slider, stop_slider
from nn_helpers.widgets.explorer import Explorer

CLASSES = ("cat", "dog", "frog", "ship")
SCALES = (1, 10, 100, 1000)
HEIGHT = 290  # pixels
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
        raise ValueError(
            f"softmax_explorer: each name needs a logit; got {len(logits)} for {len(class_names)}"
        )
    if not class_names or len({*map(str, class_names)}) < len(class_names):
        raise ValueError(f"softmax_explorer: class_names must be different names; got {class_names!r}")
    return SoftmaxExplorer(logits, class_names)


def naive_softmax(z):
    """Return e^z / Σ e^z as it is written; where an exponential overflows, the result is NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(z)
        return e / e.sum()


class SoftmaxExplorer(Explorer):
    """See `softmax_explorer`."""

    def __init__(self, logits, class_names):
        self.names = [str(name) for name in class_names]
        wide = {"width": "440px", "label_width": "120px"}
        self.logits = []
        for name, value in zip(self.names, logits, strict=True):
            each = slider(f"logit: {name}", f"The network's number for {name}", 0.0, -5, 5, **wide)
            show_first("softmax_explorer", f"logit of {name}", each, value)
            self.logits.append(each)
        self.temperature = control(
            widgets.FloatLogSlider, "temperature T", "Logits are divided by it: small is sure, large unsure",
            value=1.0, base=10, min=-1, max=1, step=0.02, readout_format=".2f",
        )  # fmt: skip
        self.scale = stop_slider("logits times", "Large logits make e^z overflow", SCALES, 1)
        narrow = {"width": "220px", "label_width": "80px"}
        self.true = dropdown("true class", "What the image shows", self.names, self.names[0], **narrow)
        words = (
            "Bars for each class: its probability by the stable and by the naive softmax, its "
            "cross-entropy were it the true one, and the gradient p minus y"
        )
        super().__init__(HEIGHT, words, self.logits, (self.temperature, self.scale, self.true))

    def show(self):
        """Draw the bars; return what they say."""
        z = self.scale.value * np.array([slider.value for slider in self.logits]) / self.temperature.value
        p, naive, y = softmax(z), naive_softmax(z), self.names.index(self.true.value)
        costs = np.array([cross_entropy(z[np.newaxis], np.array([k]))[0] for k in range(len(z))])
        _, (gradient,) = cross_entropy(z[np.newaxis], np.array([y]))
        axes = self._draw_bars(0, "Probabilities", "p", (0, 1.3), p, COLOURS[0], ".2f", width=0.4)
        lefts = np.arange(len(p)) + 0.02
        self.sheet.rects(axes.bars(lefts, lefts + 0.4, np.nan_to_num(naive)), COLOURS[1], stroke=1.5)
        broken = [(float(axes.x(k + 0.22)), axes.bottom - 6, "NaN") for k in np.flatnonzero(np.isnan(naive))]
        self.sheet.texts(broken, COLOURS[1], bold=True, turned=True)
        self.sheet.texts([(axes.left + 4, axes.top + 8, "■ stable")], COLOURS[0])
        self.sheet.texts([(axes.left + 70, axes.top + 8, "□ naive")], COLOURS[1])
        words = "Cost of each class, were it true", "cross-entropy (nats), bars end at 10"
        self._draw_bars(1, *words, (0, 13), np.minimum(costs, 10), COLOURS[4], ".3g", costs)
        words = "Gradient with respect to the logits", "p − y"
        self._draw_bars(2, *words, (-1.3, 1.3), gradient, COLOURS[3], "+.2f")
        return self.facts_text(z, p, naive, costs)

    def _draw_bars(self, i, title, label, limits, heights, colour, form, numbers=None, width=0.6):
        """Draw a bar for each class, left of its middle if it is narrow, with its number; return the axes."""
        C, is_full = len(heights), len(heights) > MANY
        margins = 44, 10, 24, 84 if is_full else 24
        axes = Axes(self.sheet, (320 * i, 0, 320, HEIGHT), (-0.6, C - 0.4), limits, title, "", label,
                    ticks=(0, 5), margins=margins)  # fmt: skip
        lefts = np.arange(C) - (0.38 if width < 0.5 else width / 2)
        self.sheet.rects(axes.bars(lefts, lefts + width, heights), colour)
        tops = axes.place(lefts + width / 2, np.maximum(heights, 0)) - (0, 5 if is_full else 9)
        numbers = heights if numbers is None else numbers
        words = [f"{n:{form if abs(n) < 100 else ',.0f'}}".replace("-", "−") for n in numbers]
        look = {"turned": True} if is_full else {"align": "center"}
        texts = [(*top, word) for top, word in zip(tops.tolist(), words, strict=True)]
        self.sheet.texts(texts, size=11, **look)
        x, y = axes.x(np.arange(C)).tolist(), HEIGHT - 4 if is_full else axes.bottom + 11
        self.sheet.texts(list(zip(x, [y] * C, self.names, strict=True)), **look)
        return axes

    def facts_text(self, z, p, naive, costs):
        """Return what the figure says in a sentence or two."""
        loss, largest = costs[self.names.index(self.true.value)], z.max()
        more = f"Equal probabilities would cost log {len(p)} = {np.log(len(p)):.3g}."
        if np.isnan(naive).any():
            why = f"overflows: e^{largest:.0f} is too large for a float64, and inf / inf is NaN"
            if largest <= 0:
                why = f"underflows: even e^{largest:.0f} is 0 in a float64, and 0 / 0 is NaN"
            more = f"The naive softmax {why}. The stable one subtracts the largest logit first."
        elif p.min() == 0:
            more = "A probability is 0 in a float64; the loss, computed from the logits, stays finite."
        return f"The loss is −log p({self.true.value}) = {loss:,.3f} nats. {more}"
