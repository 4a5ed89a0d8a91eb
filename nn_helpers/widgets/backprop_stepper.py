"""The backprop stepper: a small network with all its numbers, forwards and backwards edge by edge."""

import html
import numbers
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from nn_helpers.layers import ACTIVATIONS, affine_backward, affine_forward
from nn_helpers.losses import cross_entropy, softmax
from nn_helpers.plots import COLOURS
from nn_helpers.support.validation import choice
from nn_helpers.widgets.activation_explorer import let_through
from nn_helpers.widgets.canvas import Canvas, Sheet
from nn_helpers.widgets.controls import dropdown, row, seed_field, show_first, slider
from nn_helpers.widgets.page import task_html
from nn_helpers.widgets.panel import Panel

D, M, C = 2, 3, 2  # inputs, hidden units, classes


@dataclass(frozen=True)
class Step:
    """One edge of the graph: what is computed, from what, by which formula, and why.

    A product has a "·" behind its first factor, and "ᵀ" says that an array is turned.
    """

    result: str
    made_of: str
    formula: str
    why: str

    @property
    def sources(self):
        """The names of the arrays that it is computed from."""
        return self.made_of.replace("·", "").replace("ᵀ", "").split()

    @property
    def backward(self):
        """Whether it is a step of the backward pass: it computes a derivative."""
        return self.result.startswith("d")


FORWARD = (
    Step("z1", "x · W1 b1", "z₁ = x W₁ + b₁", "The first affine layer. It keeps x and W₁ for the way back."),
    Step("a1", "z1", "a₁ = f(z₁)", "The activation, number by number. It keeps what its derivative needs."),
    Step("z2", "a1 · W2 b2", "z₂ = a₁ W₂ + b₂", "The second affine layer: the logits."),
    Step("p", "z2", "p = softmax(z₂)", "Each row becomes probabilities that sum to 1."),
    Step(
        "L", "p y", "L = 1/N Σᵢ Σₖ −yᵢₖ log pᵢₖ", "Cross-entropy: how far the prediction is from the truth."
    ),
)
SUM = "Σ over the examples of"
BACKWARD = (
    Step("dz2", "p y", "∂L/∂z₂ = (p − y) / N", "Softmax and cross-entropy together have this derivative."),
    Step("dW2", "a1ᵀ · dz2", "∂L/∂W₂ = a₁ᵀ ∂L/∂z₂", "What came in, times what comes back: the shape of W₂."),
    Step("db2", "dz2", f"∂L/∂b₂ = {SUM} ∂L/∂z₂", "The bias was added to every example."),
    Step("da1", "dz2 · W2ᵀ", "∂L/∂a₁ = ∂L/∂z₂ W₂ᵀ", "On to the layer before, through the same weights."),
    Step("dz1", "da1 z1", "∂L/∂z₁ = ∂L/∂a₁ · f′(z₁)", "The activation's derivative, number by number."),
    Step("dW1", "xᵀ · dz1", "∂L/∂W₁ = xᵀ ∂L/∂z₁", "The same rule as in layer 2, with this layer's input."),
    Step("db1", "dz1", f"∂L/∂b₁ = {SUM} ∂L/∂z₁", "The last derivative: now θ can change."),
)
STEPS = FORWARD + BACKWARD
EDGES = [(source, step.result) for step in FORWARD for source in step.sources]
MADE_OF = {step.result: step.made_of.split() for step in STEPS}
WIDTH, HEIGHT = 926, 344  # pixels of the graph
CELL, LINE = 46, 18  # of a number
# Where the arrays stand, by their middle and their upper edge: left to right, parameters above.
PLACES = {
    "W1": (130, 20), "b1": (292, 20), "W2": (520, 20), "b2": (638, 20), "y": (820, 20),
    "x": (62, 192), "z1": (240, 192), "a1": (434, 192), "z2": (608, 192), "p": (758, 192), "L": (900, 192),
}  # fmt: skip
TASK = (
    "Find where ReLU stops a gradient: a number of ∂L/∂z₁ that is 0 although that of ∂L/∂a₁ is not. Press "
    "it. (There may be none; then take other numbers.)"
)


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
    """Run the small network forwards and backwards; return every array by its name, y as one-hot rows."""
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

    def __init__(self, activation, N, seed):
        super().__init__()
        how_far = "How far the computation has come: forwards, then backwards"
        self.position = slider("step", how_far, 0, 0, len(STEPS), step=1, width="300px", label_width="40px")
        self.back = self.button("Back", "arrow-left", "One edge back", lambda: self._move(-1))
        self.next = self.button("Next", "arrow-right", "One edge on", lambda: self._move(1))
        words = "Activation of the hidden layer"
        self.activation = dropdown("activation f", words, ACTIVATIONS, activation, width="200px")
        self.N = dropdown("examples N", "Examples in the batch", (1, 2, 3), N, width="170px")
        self.seed = seed_field("other numbers", "Seed of the inputs and weights", width="190px")
        show_first("backprop_stepper", "seed", self.seed, seed)
        self.text, self.sum, self.task = widgets.HTML(), widgets.HTML(), widgets.HTML(task_html(TASK))
        self.sheet = Sheet(WIDTH, HEIGHT, "")
        self.canvas = Canvas([self.sheet], self.post, self._hear)
        self.ui.children = [
            row(self.position, self.back, self.next), row(self.activation, self.N, self.seed), self.message,
            self.text, self.sum, self.canvas, self.task,
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
        self.position.value += by  # the slider stays within its ends

    def _renew(self):
        self.values = passes(self.activation.value, self.N.value, self.seed.value)
        self.draw()

    def box(self, name):
        """Return the place of an array's numbers: x, y, width, height."""
        middle, top = PLACES[name.removeprefix("d")]
        rows, columns = np.atleast_2d(self.values[name]).shape
        if name.startswith("d"):
            top += rows * LINE + 26
        return middle - columns * CELL / 2, top, columns * CELL, rows * LINE

    def cells(self, entries):
        """Return the places (N, 4) of numbers, each an array's name, a row and a column."""
        corners = [(self.box(name), i, j) for name, i, j in entries]
        places = [(x + j * CELL, y + i * LINE, CELL, LINE) for (x, y, *_), i, j in corners]
        return np.reshape(places, (-1, 4))

    def draw(self, at=None):
        """Show the graph as far as it is computed, or at another step, and this step in words."""
        done = STEPS[: self.position.value if at is None else at]
        now = done[-1] if done else None
        self.colour = COLOURS[1] if now and now.backward else COLOURS[0]
        computed = self.computed = [step.result for step in done]
        self.sheet.clear()
        self._draw_edges(edges_of(now))
        for name in PLACES:
            self._draw_array(name, name in {*computed, "x", "y", "W1", "b1", "W2", "b2"})
            if f"d{name}" in computed:
                self._draw_array(f"d{name}", True)
        around = [self.box(name) for name in ((now.result, *now.sources) if now else ())]
        self.sheet.rects(np.reshape(around, (-1, 4)), self.colour, stroke=2.5)
        self.used = self.sheet.rects(np.empty((0, 4)), self.colour, stroke=1.5)
        self.marked = self.sheet.rects(np.empty((0, 4)), self.colour, alpha=0.3)
        for name in computed:
            for i, j in np.ndindex(np.atleast_2d(self.values[name]).shape):
                box = self.cells([(name, i, j)])[0].tolist()
                self.sheet.spot(f"{name} {i} {j}", box, self.written(name, i, j), group=name)
        self.sheet.label = (
            "A graph of the network: arrays, from the input on the left to the loss on the right, parameters "
            f"above; below each its derivative. {len(done)} of {len(STEPS)} steps are computed"
        )
        self.text.value = self.words(now)
        self.back.disabled, self.next.disabled = not done, len(done) == len(STEPS)
        self.point(*((now.result, 0, 0) if now else ()))

    def _draw_array(self, name, is_known):
        x, y, width, height = self.box(name)
        values, colour = np.atleast_2d(self.values[name]), COLOURS[1] if name.startswith("d") else "ink"
        self.sheet.rects([(x, y, width, height)], "faint", stroke=1)
        self.sheet.texts([(x + width / 2, y - 10, label(name))], colour, size=13, align="center", bold=True)
        numbers = [
            (x + (j + 1) * CELL - 5, y + (i + 0.5) * LINE + 1, readable(value) if is_known else "?")
            for (i, j), value in np.ndenumerate(values)
        ]
        self.sheet.texts(numbers, colour, size=13, align="right")

    def _draw_edges(self, active):
        faint = [self._arrow(*edge) for edge in EDGES if edge not in active]
        strong = [self._arrow(*edge, self.colour == COLOURS[1]) for edge in EDGES if edge in active]
        self.sheet.line(np.reshape(faint, (-1, 2)), "faint", 1)
        self.sheet.line(np.reshape(strong, (-1, 2)), self.colour, 3)

    def _arrow(self, source, target, backward=False):
        """Return an arrow between two arrays as a line, with its head and a gap at the end."""
        (x, y, width, _), (u, v, target_width, _) = self.box(source), self.box(target)
        if PLACES[source][1] == PLACES[target][1]:  # side by side
            ends = np.array([(x + width + 3, y + LINE / 2), (u - 3, y + LINE / 2)])
        else:
            lowest = self.box(f"d{source}" if f"d{source}" in self.computed else source)
            middle = x + width / 2
            tip = u + target_width / 2 + (middle - u) / 8, v - 20
            ends = np.array([(middle, lowest[1] + lowest[3] + 3), tip])
        tail, tip = ends[::-1] if backward else ends
        way = 7 * (tail - tip) / np.hypot(*(tail - tip))
        aside = 0.6 * way[::-1] * (1, -1)
        return [tail, tip, tip + way + aside, tip, tip + way - aside, (np.nan, np.nan)]

    def _hear(self, event):
        if event["event"] == "leave":
            return
        name, i, j = event["spot"].split()
        entry = name, int(i), int(j)
        self.point(*entry)
        if event["event"] == "press":
            self.task.value = task_html(TASK, self._stopped(*entry))

    def _stopped(self, name, i, j):
        """Return why a number solves the task; nothing if it does not."""
        v = self.values
        if name != "dz1" or v["dz1"][i, j] or not v["da1"][i, j] or self.activation.value != "relu":
            return ""
        z, index = readable(v["z1"][i, j]), f"[{i}, {j}]"
        return (
            f"z₁{index} is {z}, and there ReLU is flat: f′({z}) = 0. Whatever comes back to a₁{index}, "
            f"nothing goes on to column {j} of W₁ from this example."
        )

    def point(self, name=None, i=0, j=0):
        """Write out where a number comes from, and mark the numbers that it is made of."""
        parts = [] if name is None else parts_of(self.values, name, i, j, self.activation.value)
        entries = [part for part in parts if not isinstance(part, str)]
        self.used.show(self.cells(entries))
        self.marked.show(self.cells([(name, i, j)] if name else []))
        words = html.escape(self.written(name, i, j)) if name else "Point at a number to see how it is made."
        self.sum.value = f'<div style="font-size: 15px; min-height: 1.4em">{words}</div>'
        self.canvas.draw()

    def written(self, name, i, j):
        """Return a number's computation as text, such as "0.50 · (−1.80) + 0.20 = −0.70"."""
        v, activation, text = self.values, self.activation.value, ""
        for part in parts_of(v, name, i, j, activation):
            number = part if isinstance(part, str) else readable(np.atleast_2d(v[part[0]])[part[1:]], 4)
            in_brackets = number[0] == "−" and text[-2:] in ("· ", "+ ", "− ")
            text += f"({number})" if in_brackets else number
        value = float(np.atleast_2d(v[name])[i, j])
        is_whole = abs(round(value, 4) - value) < 1e-12
        index = {0: "", 1: f"[{j}]", 2: f"[{i}, {j}]"}[v[name].ndim]
        return f"{label(name)}{index} = {text} {'=' if is_whole else '≈'} {readable(value, 4)}"

    def words(self, step):
        """Return the present step as HTML: its formula, its shapes, why it is so."""
        parts = "The network's numbers before the forward pass. Press Next.", "", ""
        if step is not None:
            way = "backward" if step.backward else "forward"
            names = step.result, *step.sources
            result, *sources = (f"{label(name)} {self.values[name].shape}" for name in names)
            formula = f"Step {STEPS.index(step) + 1} of {len(STEPS)}, {way}: {step.formula}"
            parts = formula, f"Shapes: {result} from {', '.join(sources)}", step.why
        formula, shapes, why = map(html.escape, parts)
        return (
            f'<div style="line-height: 1.4; min-height: 4.4em"><b style="font-size: 17px">{formula}</b><br>'
            f'<span style="font-size: 14px">{shapes}<br>{why}</span></div>'
        )


def edges_of(step):
    """Return the edges of the graph that a step goes along, each (source, target) as on the way forwards."""
    if step is None:
        return set()
    if not step.backward:
        return {edge for edge in EDGES if edge[1] == step.result}
    of = ("z2", "p", "y") if step.result == "dz2" else (step.result[1:],)
    return {edge for edge in EDGES if edge[0] in of}


def parts_of(v, name, i, j, activation):
    """Return what a number is made of, in order: texts, and numbers as (array, row, column).

    The arrays v are those of `passes`, the number is one of a step's result; of a vector it is in row 0.
    """
    N = len(v["x"])
    if "·" in MADE_OF[name]:
        left, _, right, *bias = MADE_OF[name]
        inner = v[left[:-1]].shape[0] if left[-1] == "ᵀ" else v[left].shape[1]
        products = [[_at(left, i, k), " · ", _at(right, k, j)] for k in range(inner)]
        return _joined(" + ", [*products, *([(each, 0, j)] for each in bias)])
    if name == "a1":
        return ["f(", ("z1", i, j), ")"]
    if name == "p":
        all_of_them = [["e^", ("z2", i, k)] for k in range(C)]
        return [*all_of_them[j], " / (", *_joined(" + ", all_of_them), ")"]
    if name == "L":
        true = [[("p", n, int(v["y"][n].argmax()))] for n in range(N)]
        return ["(−log ", *_joined(" − log ", true), f") / {N}"]
    if name == "dz2":
        return ["(", ("p", i, j), " − ", ("y", i, j), f") / {N}"]
    if name == "dz1":
        _, slope = let_through(activation, v["z1"][i, j : j + 1])
        factors = [("da1", i, j), " · f′(", ("z1", i, j), ") = ", ("da1", i, j)]
        return [*factors, " · ", readable(slope[0], 4)]
    return _joined(" + ", [[(f"dz{name[-1]}", n, j)] for n in range(N)])  # a bias


def _at(name, i, j):
    return (name[:-1], j, i) if name[-1] == "ᵀ" else (name, i, j)


def _joined(between, lists):
    return [part for number, each in enumerate(lists) for part in ([between] * (number > 0) + each)]


def label(name):
    """Return the name of an array as formulas write it."""
    return ("∂L/∂" * name.startswith("d") + name.removeprefix("d")).replace("1", "₁").replace("2", "₂")


def readable(value, digits=2):
    """Return a number with two digits behind the point, or with more where they are there."""
    if digits > 2 and 1e-9 < abs(value) < 1e-3:
        return f"{value:.2e}".replace("-", "−")
    text = f"{round(float(value), digits) + 0.0:.{digits}f}"
    short = text.rstrip("0") if digits > 2 else text
    return (short + "00"[: max(0, 3 - len(short) + short.index("."))]).replace("-", "−")
