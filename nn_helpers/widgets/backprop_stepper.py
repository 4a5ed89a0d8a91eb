"""The backprop stepper: a small network with all its numbers, forwards and backwards edge by edge."""

import html
import numbers
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from nn_helpers.layers import ACTIVATIONS, affine_backward, affine_forward
from nn_helpers.losses import cross_entropy, softmax
from nn_helpers.plots import COLOURS, Figure
from nn_helpers.support.validation import choice
from nn_helpers.widgets.controls import dropdown, row, seed_field, show_first, slider
from nn_helpers.widgets.figure_canvas import FigureCanvas
from nn_helpers.widgets.panel import Panel

D, M, C = 2, 3, 2  # inputs, hidden units, classes


@dataclass(frozen=True)
class Step:
    """One edge of the graph: what is computed, from what, by which formula, and why."""

    result: str
    sources: tuple[str, ...]
    formula: str
    why: str

    @property
    def backward(self):
        """Whether it is a step of the backward pass: it computes a derivative."""
        return self.result.startswith("d")


FORWARD = (
    Step("z1", ("x", "W1", "b1"), "z₁ = x W₁ + b₁",
         "The first affine layer. It keeps x and W₁ for the way back."),
    Step("a1", ("z1",), "a₁ = f(z₁)",
         "The activation, number by number. It keeps what its derivative needs."),
    Step("z2", ("a1", "W2", "b2"), "z₂ = a₁ W₂ + b₂",
         "The second affine layer: the logits."),
    Step("p", ("z2",), "p = softmax(z₂)",
         "Each row becomes probabilities that sum to 1."),
    Step("L", ("p", "y"), "L = 1/N Σᵢ Σₖ −yᵢₖ log pᵢₖ",
         "Cross-entropy: how far the prediction is from the truth."),
)  # fmt: skip
BACKWARD = (
    Step("dz2", ("p", "y"), "∂L/∂z₂ = (p − y) / N",
         "Softmax and cross-entropy together have this derivative."),
    Step("dW2", ("a1", "dz2"), "∂L/∂W₂ = a₁ᵀ ∂L/∂z₂",
         "What came in, times what comes back: the shape of W₂."),
    Step("db2", ("dz2",), "∂L/∂b₂ = Σ over the examples of ∂L/∂z₂",
         "The bias was added to every example."),
    Step("da1", ("dz2", "W2"), "∂L/∂a₁ = ∂L/∂z₂ W₂ᵀ",
         "On to the layer before, through the same weights."),
    Step("dz1", ("da1", "z1"), "∂L/∂z₁ = ∂L/∂a₁ · f′(z₁)",
         "The activation's derivative, number by number."),
    Step("dW1", ("x", "dz1"), "∂L/∂W₁ = xᵀ ∂L/∂z₁",
         "The same rule as in layer 2, with this layer's input."),
    Step("db1", ("dz1",), "∂L/∂b₁ = Σ over the examples of ∂L/∂z₁",
         "The last derivative: now θ can change."),
)  # fmt: skip
STEPS = FORWARD + BACKWARD
NAMES = {"x": "x", "y": "y", "L": "L", "p": "p", "z1": "z₁", "a1": "a₁", "z2": "z₂"}
NAMES |= {"W1": "W₁", "b1": "b₁", "W2": "W₂", "b2": "b₂"}
# Where the arrays' boxes stand in the figure, and how wide they are: left to right, parameters above.
PLACES = {
    "W1": (0.15, 0.73, 0.125), "b1": (0.29, 0.73, 0.125), "W2": (0.53, 0.73, 0.09), "b2": (0.64, 0.73, 0.09),
    "y": (0.87, 0.73, 0.09),
    "x": (0.055, 0.25, 0.09), "z1": (0.235, 0.25, 0.125), "a1": (0.43, 0.25, 0.125), "z2": (0.61, 0.25, 0.09),
    "p": (0.77, 0.25, 0.09), "L": (0.93, 0.25, 0.09),
}  # fmt: skip
HALF = 0.18  # of a box's height


def backprop_stepper(activation="relu", N=2, seed=0):
    """Step through one forward and one backward pass of a network with 2 inputs, 3 hidden units, 2 classes.

    Parameters
    ----------
    activation : {"relu", "leaky_relu", "sigmoid", "tanh"}
    N : {1, 2, 3}
        Examples in the batch.
    seed : int
        Seed of the numbers.

    Returns
    -------
    BackpropStepper
        For a cell's last line.
    """
    if not isinstance(N, numbers.Integral) or isinstance(N, bool) or N not in (1, 2, 3):
        raise ValueError(f"backprop_stepper: N must be 1, 2 or 3, so that all numbers fit; got {N!r}")
    return BackpropStepper(choice("backprop_stepper", "activation", activation, ACTIVATIONS), N, seed)


def passes(activation, N, seed):
    """Run the small network forwards and backwards; return every array by its name.

    Parameters
    ----------
    activation : str
    N, seed : int

    Returns
    -------
    dict of str to float array
        The names of the steps' results and sources; y is one-hot.
    """
    rng = np.random.default_rng(seed)

    def numbers(*shape):
        return np.round(rng.uniform(-2, 2, shape), 1)

    v = {"x": numbers(N, D), "W1": numbers(D, M), "b1": numbers(M), "W2": numbers(M, C), "b2": numbers(C)}
    v["y"] = np.eye(C)[rng.integers(C, size=N)]
    forward, backward = ACTIVATIONS[activation]
    v["z1"], first = affine_forward(v["x"], v["W1"], v["b1"])
    v["a1"], cache = forward(v["z1"])
    v["z2"], second = affine_forward(v["a1"], v["W2"], v["b2"])
    v["p"] = softmax(v["z2"])
    L, v["dz2"] = cross_entropy(v["z2"], v["y"])
    v["L"] = np.array(L)
    v["da1"], v["dW2"], v["db2"] = affine_backward(v["dz2"], second)
    v["dz1"] = backward(v["da1"], cache)
    _, v["dW1"], v["db1"] = affine_backward(v["dz1"], first)
    return v


class BackpropStepper(Panel):
    """See `backprop_stepper`."""

    def __init__(self, activation="relu", N=2, seed=0):
        super().__init__()
        how_far = "How far the computation has come: forwards, then backwards"
        self.position = slider("step", how_far, 0, 0, len(STEPS), step=1, width="420px", label_width="50px")
        self.back = self.button("Back", "arrow-left", "One edge back", lambda: self._move(-1))
        self.next = self.button("Next", "arrow-right", "One edge on", lambda: self._move(1))
        self.activation = dropdown("activation f", "Activation of the hidden layer", ACTIVATIONS, activation)
        self.N = dropdown("examples N", "Examples in the batch", (1, 2, 3), N, width="200px")
        self.seed = seed_field("other numbers", "Seed of the inputs and weights", width="200px")
        show_first("backprop_stepper", "seed", self.seed, seed)
        self.text = widgets.HTML()
        self._make_figure()
        self.ui.children = [
            row(self.position, self.back, self.next), row(self.activation, self.N, self.seed), self.message,
            self.canvas.widget, self.text,
        ]  # fmt: skip
        self.when(self.position, lambda _: self.draw())
        for each in (self.activation, self.N, self.seed):
            self.when(each, lambda _: self._renew())
        self._renew()

    def saved_png(self):
        """Return what is saved of the panel, a PNG file: the present step, or from the first on the last."""
        self.draw(self.position.value or len(STEPS))
        png = super().saved_png()
        self.draw()
        return png

    def _move(self, by):
        self.position.value = min(max(self.position.value + by, 0), len(STEPS))

    def _renew(self):
        self.values = passes(self.activation.value, self.N.value, self.seed.value)
        self.draw()

    def _make_figure(self):
        figure = Figure(figsize=(11.2, 4.4), dpi=80, layout=None)
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.set_axis_off()
        self.canvas = FigureCanvas(
            figure,
            alt="A graph of the network: arrays as boxes, from the input on the left to the loss on the "
            "right, parameters above; in each box its values and, below them, its derivative",
        )
        self.boxes, self.edges, self.numbers, self.derivatives = {}, {}, {}, {}
        for name, (x, y, width) in PLACES.items():
            box = FancyBboxPatch(
                (x - width / 2, y - HALF), width, 2 * HALF, boxstyle="round,pad=0,rounding_size=0.01",
                facecolor="white", edgecolor="0.6",
            )  # fmt: skip
            self.boxes[name] = ax.add_patch(box)
            ax.text(x, y + HALF + 0.01, NAMES[name], ha="center", va="bottom", size=11, weight="bold")
            style = {"ha": "center", "va": "center", "size": 8.5, "family": "monospace"}
            above = 0 if name in ("x", "y", "p", "L") else HALF / 2
            self.numbers[name] = ax.text(x, y + above, "", **style)
            if above:
                self.derivatives[f"d{name}"] = ax.text(x, y - above, "", **style, color=COLOURS[1])
        for step in FORWARD:
            for source in step.sources:
                self.edges[source, step.result] = self._arrow(ax, source, step.result)
        note = "in each box: the values, and below them in orange ∂L/∂values"
        ax.text(0.01, 0.01, note, size=9, va="bottom")
        self.canvas.move(
            *self.edges.values(), *self.boxes.values(), *self.numbers.values(), *self.derivatives.values()
        )

    def _arrow(self, ax, source, target):
        (x, y, width), (u, v, target_width) = PLACES[source], PLACES[target]
        along = (x + width / 2, y), (u - target_width / 2, v)
        down = (x, y - HALF), (u + (x - u) / 4, v + HALF + 0.075)
        look = {"arrowstyle": "-|>", "mutation_scale": 13, "shrinkA": 1, "shrinkB": 1, "color": "0.75"}
        return ax.add_patch(FancyArrowPatch(*(along if y == v else down), **look))

    def draw(self, at=None):
        """Show the graph as far as it is computed, or at another step, and this step in words."""
        done = STEPS[: self.position.value if at is None else at]
        known = {"x", "y", "W1", "b1", "W2", "b2", *(step.result for step in done)}
        now = done[-1] if done else None
        used = {*now.sources, now.result} if now else set()
        for name, box in self.boxes.items():
            active = name in used or f"d{name}" in used
            backward = active and now.backward
            colour = COLOURS[1] if backward else COLOURS[0] if active else "0.6"
            box.set(edgecolor=colour, linewidth=2.5 if active else 1)
            self.numbers[name].set_text(format_rows(self.values[name]) if name in known else "?")
        for name, text in self.derivatives.items():
            numbers = format_rows(self.values[name]) if name in known else ""
            text.set(text=numbers, weight="bold" if name in used else "normal")
        for (source, target), arrow in self.edges.items():
            active = now is not None and self._is_edge(now, source, target)
            backward = active and now.backward
            colour = COLOURS[1] if backward else COLOURS[0] if active else "0.75"
            arrow.set(color=colour, linewidth=2.5 if active else 1, arrowstyle="<|-" if backward else "-|>")
        self.canvas.draw()
        self.text.value = self.words(now)
        self.back.disabled, self.next.disabled = not done, len(done) == len(STEPS)

    @staticmethod
    def _is_edge(step, source, target):
        if not step.backward:
            return step.result == target
        of = step.result[1:]  # dz2 flows back along the edges into p and L, dW2 along W2 → z2, and so on
        if of == "z2":
            return (source, target) in {("z2", "p"), ("p", "L"), ("y", "L")}
        return source == of

    def words(self, step):
        """Return the present step as HTML: its formula, its shapes, its numbers."""
        if step is None:
            return "<p>The network's numbers before the forward pass. Press Next.</p>"
        number = STEPS.index(step) + 1
        way = "backward" if step.backward else "forward"
        shapes = ", ".join(
            f"{label(name)} {self.values[name].shape}" for name in (step.result, *step.sources)
        )
        numbers = f"{label(step.result)} =\n{format_rows(self.values[step.result], 4)}"
        return (
            f"<p><b>Step {number} of {len(STEPS)}, {way}: {html.escape(step.formula)}</b><br>"
            f"{html.escape(step.why)}<br>Shapes: {html.escape(shapes)}</p><pre>{html.escape(numbers)}</pre>"
        )


def label(name):
    """Return the name of an array as formulas write it."""
    return NAMES[name] if name in NAMES else f"∂L/∂{NAMES[name[1:]]}"


def format_rows(values, digits=2):
    """Return an array's numbers in rows."""
    rows = np.atleast_2d(values)
    lines = [" ".join(f"{number:{digits + 3}.{digits}f}" for number in line) for line in rows + 0.0]
    return "\n".join(lines).replace("-", "−")
