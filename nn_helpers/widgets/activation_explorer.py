"""The activation explorer: a function, its derivative, and what the backward pass lets through."""

import html
from statistics import NormalDist

import ipywidgets as widgets
import numpy as np

from nn_helpers.layers import ACTIVATIONS
from nn_helpers.plots import COLOURS, finish, style, subplots
from nn_helpers.support.validation import choice
from nn_helpers.widgets.controls import dropdown, row, show_first, slider
from nn_helpers.widgets.figure_canvas import FigureCanvas
from nn_helpers.widgets.panel import Panel

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

    Parameters
    ----------
    activation : str
    z : float array
    slope : float
        Slope of a leaky ReLU where z is negative.
    """
    forward, backward = ACTIVATIONS[activation]
    a, cache = forward(z, slope) if activation == "leaky_relu" else forward(z)
    return a, backward(np.ones_like(z), cache)


class ActivationExplorer(Panel):
    """See `activation_explorer`."""

    def __init__(self, activation="relu", mean=0.0, std=1.0):
        super().__init__()
        self.activation = dropdown("activation", "The function", ACTIVATIONS, activation)
        self.mean = slider("mean of z", "Where the inputs lie: biases move this", 0.0, -5, 5)
        spread = "Standard deviation of the inputs: large weights spread them"
        self.std = slider("spread of z", spread, 1.0, 0.1, 5)
        show_first("activation_explorer", "mean", self.mean, mean)
        show_first("activation_explorer", "std", self.std, std)
        slope = "Slope of the leaky ReLU where z is negative"
        self.slope = slider("slope", slope, 0.01, 0, 0.5, step=0.01)
        self.normal = np.array([NormalDist().inv_cdf((i + 0.5) / UNITS) for i in range(UNITS)])
        self.facts = widgets.HTML()
        self._make_figure()
        self.ui.children = [
            row(self.activation, self.slope), row(self.mean, self.std), self.message, self.canvas.widget,
            self.facts,
        ]  # fmt: skip
        for each in (self.activation, self.mean, self.std, self.slope):
            self.when(each, lambda _: self.draw())
        self.draw()

    def _make_figure(self):
        figure, (graph, inputs, back) = subplots(11.2, 3.4, 1, 3, dpi=80)
        self.canvas = FigureCanvas(
            figure,
            alt="The activation with its derivative, the distribution of inputs and outputs, and the "
            "distribution of the derivative, by which the gradient is multiplied",
        )
        self.z = np.linspace(-SHOWN, SHOWN, 401)
        (self.function,) = graph.plot([], [], label="a", **style(0))
        (self.derivative,) = graph.plot([], [], label="derivative da/dz", **style(1))
        graph.set(title="The function", xlabel="z", xlim=(-SHOWN, SHOWN), ylim=(-1.3, 3))
        self.bins = np.linspace(-SHOWN, SHOWN, 61)
        # A filled one has no line, and Matplotlib 3.9.0 cannot draw dashes of no width.
        self.steps = [
            inputs.stairs(np.zeros(60), self.bins, fill=fill, alpha=alpha, label=label, color=COLOURS[i])
            for i, (label, fill, alpha) in enumerate((("inputs z", False, 1), ("outputs a", True, 0.5)))
        ]
        inputs.set(title="Inputs and outputs", xlabel=f"value (beyond ±{SHOWN:g}: at the edge)")
        inputs.set(ylabel=f"share of units (%), cut off at {HIGHEST}", ylim=(0, HIGHEST))
        self.parts = np.linspace(0, 1.0001, 26)
        self.passed = back.stairs(np.zeros(25), self.parts, fill=True, color=COLOURS[2])
        back.set(title="What comes back", xlabel="derivative: factor of the gradient", ylim=(0, 105))
        back.set(ylabel="share of units (%)", xlim=(0, 1))
        for ax in (graph, inputs, back):
            finish(ax)
        for ax, place in ((graph, "upper left"), (inputs, "upper right")):
            ax.legend(loc=place, frameon=False, fontsize="small")
        self.canvas.move(self.function, self.derivative, *self.steps, self.passed)

    def draw(self):
        """Compute everything anew for the controls' values."""
        name, slope = self.activation.value, self.slope.value
        self.slope.disabled = name != "leaky_relu"
        a, derivative = let_through(name, self.z, slope)
        self.function.set_data(self.z, a)
        self.derivative.set_data(self.z, derivative)
        z = self.mean.value + self.std.value * self.normal
        a, derivative = let_through(name, z, slope)
        for step, values in zip(self.steps, (z, a), strict=True):
            inside = np.clip(values, -SHOWN, SHOWN)
            step.set_data(np.minimum(HIGHEST, 100 * np.histogram(inside, self.bins)[0] / UNITS))
        self.passed.set_data(100 * np.histogram(np.clip(derivative, 0, 1), self.parts)[0] / UNITS)
        self.canvas.draw()
        self.facts.value = html.escape(self.facts_text(derivative))

    def facts_text(self, derivative):
        """Return what the last frame says in numbers."""
        left = float(np.sqrt(np.mean(derivative**2)))
        blocked = float(np.mean(derivative < NEARLY_NOTHING))
        ten = left**10
        return (
            f"For {blocked:.0%} of the units almost nothing of the gradient comes back (a factor below "
            f"{NEARLY_NOTHING}). The gradient's size (root mean square) is multiplied by {left:.2g}; "
            f"through ten such layers, weights aside, by {ten:.1g}."
        )
