"""The signal explorer: what each layer of a network puts out before it learns, and what comes back to it."""

from functools import partial

import numpy as np

from nn_helpers.layers import ACTIVATIONS
from nn_helpers.losses import cross_entropy
from nn_helpers.network import INITIALISATIONS, ClassificationNet
from nn_helpers.plots import COLOURS
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.controls import dropdown, show_settings, slider
from nn_helpers.widgets.explorer import Explorer

HEIGHT = 300  # pixels
N, M, C = 200, 64, 10  # examples, units of each layer, classes
SHOWN, BINS = 3.0, 40  # how far the histograms reach, and how many bars each has
DECADES = -12, 4  # powers of ten that are drawn
LAYERS = {"plain": {}, "normalised": {"normalise": True}, "with shortcuts": {"residual": True},
          "normalised, with shortcuts": {"normalise": True, "residual": True}}  # fmt: skip


def signal_explorer(init="he", depth=30, activation="relu", layers="plain"):
    """Choose first weights, depth, activation and kind of layers, and see the signals of each layer.

    Parameters
    ----------
    init : {"he", "xavier", "normal"}
    depth : int
        Hidden layers, from 1 to 40.
    activation : {"relu", "leaky_relu", "sigmoid", "tanh"}
    layers : {"plain", "normalised", "with shortcuts", "normalised, with shortcuts"}

    Returns
    -------
    SignalExplorer
        For a cell's last line.
    """
    return SignalExplorer(init=init, depth=depth, activation=activation, layers=layers)


def signals(net, x, y):
    """Return what each hidden layer puts out, and ∂L/∂ of it: two lists of float arrays (N, M).

    They are those of a step of training, and the network stays as it is.
    """
    outputs, derivatives, forward = [], [], net.functions["affine_forward"]
    names = {f"{activation}_backward" for activation in net.hidden_activations}

    def look_forward(x, W, b):
        outputs.append(x.copy())  # an affine layer's input is the output of the layer before
        return forward(x, W, b)

    def look_back(backward, da, cache):
        derivatives.append(da.copy())
        return backward(da, cache)

    looks_back = {name: partial(look_back, net.functions[name]) for name in names}
    net = net.copy().use(affine_forward=look_forward, **looks_back)
    net.backward(cross_entropy(net.forward(x), y)[1])
    return outputs[1:], derivatives[::-1]


def sizes(arrays):
    """Return the root mean square of each array."""
    return np.array([np.sqrt(np.mean(array**2)) for array in arrays])


class SignalExplorer(Explorer):
    """See `signal_explorer`."""

    def __init__(self, **settings):
        options = (
            ("init", "The deviation of the first weights", INITIALISATIONS),
            ("activation", "The function after each affine layer", ACTIVATIONS),
            ("layers", "What is in one", LAYERS),
        )
        self.controls = {name: dropdown(name, tip, kinds, next(iter(kinds))) for name, tip, kinds in options}
        self.controls["depth"] = slider("depth", "Hidden layers", 30, 1, 40, step=1)
        show_settings("signal_explorer", self.controls, settings)
        rng = np.random.default_rng(0)
        self.x, self.y = rng.standard_normal((N, M)), rng.integers(C, size=N)
        words = (
            "A histogram of the outputs of each layer, turned on its side, and beside it the size of "
            "the outputs and of the gradient, layer by layer, in powers of ten"
        )
        super().__init__(HEIGHT, words, self.controls.values())

    def show(self):
        """Make the network that the controls ask for, and draw its signals; return their sizes."""
        init, activation, layers, depth = (control.value for control in self.controls.values())
        net = ClassificationNet(M, [M] * depth, C, activation, init=init, dtype=np.float64, **LAYERS[layers])
        outputs, derivatives = signals(net, self.x, self.y)
        limits = (0.5, depth + 0.5), (-SHOWN, SHOWN)
        axes = Axes(self.sheet, (0, 0, 560, HEIGHT), *limits, "Outputs of each layer", "layer",
                    f"value (beyond ±{SHOWN:g}: at the edge)")  # fmt: skip
        edges = np.linspace(-SHOWN, SHOWN, BINS + 1)
        for layer, a in enumerate(outputs, start=1):
            shares = np.histogram(np.clip(a, -SHOWN, SHOWN), edges)[0] / a.size
            (left, right), tops = axes.x([layer - 0.4, layer + 0.4]), axes.y(edges[1:])
            width, height = (right - left) * np.minimum(3 * shares, 1), axes.y(edges[:-1]) - tops
            boxes = np.column_stack(np.broadcast_arrays(left, tops, width, height))
            self.sheet.rects(boxes[shares > 0], COLOURS[0])
        axes = Axes(self.sheet, (560, 0, 400, HEIGHT), limits[0], DECADES, "Size of each layer's signals",
                    "layer", "log₁₀ of the root mean square")  # fmt: skip
        numbers, outputs, derivatives = np.arange(1, depth + 1), sizes(outputs), sizes(derivatives)
        looks = ("— outputs", outputs, ()), ("- - gradient with respect to them", derivatives, (7, 3))
        for i, (words, values, dash) in enumerate(looks):
            with np.errstate(divide="ignore"):  # the logarithm of 0 lies at the edge
                self.sheet.line(axes.place(numbers, np.log10(values)), COLOURS[i], 2, dash)
            self.sheet.texts([(axes.left + 6, axes.top + 12 + 16 * i, words)], COLOURS[i])
        return (
            f"Layer 1 puts out numbers of size {outputs[0]:.1g}, layer {len(outputs)} of {outputs[-1]:.1g} "
            f"(root mean square). The gradient has the size {derivatives[-1]:.1g} at the last of them and "
            f"{derivatives[0]:.1g} at the first."
        )
