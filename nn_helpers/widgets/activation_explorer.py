"""The activation explorer: a function, its derivative, and what the backward pass lets through."""

from statistics import NormalDist

import numpy as np

from nn_helpers.layers import ACTIVATIONS
from nn_helpers.plots import COLOURS
from nn_helpers.support.validation import choice
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.controls import dropdown, show_first, slider
from nn_helpers.widgets.explorer import Explorer

HEIGHT = 290  # pixels
UNITS, SHOWN = 2000, 6.0  # inputs drawn, and how far the axes reach
HIGHEST = 40  # % of the inputs or outputs in one bar that are drawn
NEARLY_NOTHING = 0.02  # a derivative below this lets almost no gradient through


def activation_explorer(activation="relu", mean=0.0, std=1.0):
    """Move the inputs of an activation, and see how much of the gradient comes back through it.

    Parameters
    ----------
    activation : {"relu", "leaky_relu", "sigmoid", "tanh"}
    mean, std : float
        Mean, from −5 to 5, and standard deviation, from 0.1 to 5, of the inputs z, which are normally
        distributed, when the widget opens.

    Returns
    -------
    ActivationExplorer
        For a cell's last line.
    """
    return ActivationExplorer(choice("activation_explorer", "activation", activation, ACTIVATIONS), mean, std)


def let_through(activation, z, slope=0.01):
    """Return a = activation(z), and the derivative that the backward pass multiplies the gradient by.

    The slope is a leaky ReLU's where z, a float array, is negative.
    """
    forward, backward = ACTIVATIONS[activation]
    a, cache = forward(z, slope) if activation == "leaky_relu" else forward(z)
    return a, backward(np.ones_like(z), cache)


class ActivationExplorer(Explorer):
    """See `activation_explorer`."""

    def __init__(self, activation, mean, std):
        self.activation = dropdown("activation", "The function", ACTIVATIONS, activation)
        self.mean = slider("mean of z", "Where the inputs lie: biases move this", 0.0, -5, 5)
        spread = "Standard deviation of the inputs: large weights spread them"
        self.std = slider("spread of z", spread, 1.0, 0.1, 5)
        show_first("activation_explorer", "mean", self.mean, mean)
        show_first("activation_explorer", "std", self.std, std)
        slope = "Slope of the leaky ReLU where z is negative"
        self.slope = slider("slope", slope, 0.01, 0, 0.5, step=0.01)
        self.normal = np.array([NormalDist().inv_cdf((i + 0.5) / UNITS) for i in range(UNITS)])
        words = (
            "The activation with its derivative, the distribution of inputs and outputs, and the "
            "distribution of the derivative, by which the gradient is multiplied"
        )
        super().__init__(HEIGHT, words, (self.activation, self.slope), (self.mean, self.std))

    def show(self):
        """Draw the function, its inputs and outputs, and what comes back; return that in numbers."""
        name, slope = self.activation.value, self.slope.value
        self.slope.disabled = name != "leaky_relu"
        z = self.mean.value + self.std.value * self.normal
        a, derivative = let_through(name, z, slope)
        self._draw_function(np.linspace(-SHOWN, SHOWN, 401), name, slope)
        self._draw_values(z, a)
        axes = Axes(self.sheet, (640, 0, 320, HEIGHT), (0, 1), (0, 100), "What comes back",
                    "derivative: factor of the gradient", "share of units (%)")  # fmt: skip
        self._draw_shares(axes, np.linspace(0, 1.0001, 26), np.clip(derivative, 0, 1), COLOURS[2])
        left, blocked = np.sqrt(np.mean(derivative**2)), np.mean(derivative < NEARLY_NOTHING)
        return (
            f"For {blocked:.0%} of the units almost nothing of the gradient comes back (a factor below "
            f"{NEARLY_NOTHING}). The gradient's size (root mean square) is multiplied by {left:.2g}; "
            f"through ten such layers, weights aside, by {left**10:.1g}."
        )

    def _draw_function(self, z, name, slope):
        axes = Axes(self.sheet, (0, 0, 320, HEIGHT), (-SHOWN, SHOWN), (-1.3, 3), "The function", "z")
        for i, (values, dash) in enumerate(zip(let_through(name, z, slope), ((), (7, 3)), strict=True)):
            self.sheet.line(axes.place(z, np.where(values > 3, np.nan, values)), COLOURS[i], 2, dash)
            words = ("— a", "- - derivative da/dz")[i]
            self.sheet.texts([(axes.left + 6, axes.top + 12 + 16 * i, words)], COLOURS[i])

    def _draw_values(self, *values):
        below, beside = f"value (beyond ±{SHOWN:g}: at the edge)", f"share of units (%), cut off at {HIGHEST}"
        limits = (-SHOWN, SHOWN), (0, HIGHEST)
        axes = Axes(self.sheet, (320, 0, 320, HEIGHT), *limits, "Inputs and outputs", below, beside)
        for i, words in ((1, "■ outputs a"), (0, "□ inputs z")):
            inside, look = np.clip(values[i], -SHOWN, SHOWN), {"alpha": 0.5} if i else {"stroke": 1.5}
            self._draw_shares(axes, np.linspace(-SHOWN, SHOWN, 61), inside, COLOURS[i], **look)
            self.sheet.texts([(axes.right - 4, axes.top + 12 + 16 * i, words)], COLOURS[i], align="right")

    def _draw_shares(self, axes, edges, values, colour, **look):
        shares = 100 * np.histogram(values, edges)[0] / UNITS
        is_there = shares > 0
        self.sheet.rects(axes.bars(edges[:-1], edges[1:], shares)[is_there], colour, **look)
