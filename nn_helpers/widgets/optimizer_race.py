"""The optimizer race: five optimizers, and the learner's own, go down from one start on a surface."""

import asyncio
import copy
import functools
import html
import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from nn_helpers.optimizers import SGD, Adam, Momentum, RMSprop
from nn_helpers.plots import COLOURS, MARKERS, finish, style, subplots
from nn_helpers.support.validation import choice
from nn_helpers.widgets.controls import control, dropdown, row, seed_field, show_settings, slider
from nn_helpers.widgets.figure_canvas import FigureCanvas
from nn_helpers.widgets.live import BREATH, FRAMES, Live
from nn_helpers.widgets.page import table_html
from nn_helpers.widgets.panel import traceback_of
from nn_helpers.widgets.surfaces import SURFACES, Surface, descend_together, surface

# Each optimizer for a learning rate and the slider's β. SGD is GD on noisy gradients.
OPTIMIZERS = {
    "GD": lambda lr, beta: SGD(lr),
    "SGD": lambda lr, beta: SGD(lr),
    "momentum": Momentum,
    "RMSprop": lambda lr, beta: RMSprop(lr),
    "Adam": lambda lr, beta: Adam(lr, beta1=beta),
}
HAVE_BETA = ("momentum", "Adam")
SYMBOLS = "●▲■◆▼✚✖"  # the markers, for the table
STEPS = 200
CELLS = 49  # of the landscape, along each axis
LEVELS = 22
DEEP = 1e-8  # of the highest loss: less is drawn at the lower edge


def optimizer_race(surface="ravine", mine=None, optimizers=None, **settings):
    """Let optimizers race from one start on a surface; play the race, and scrub back through time.

    Parameters
    ----------
    surface : {"ravine", "ravine, turned", "saddle", "plateau", "two minima", "tiny network"}
    mine : dict of str to optimizer or function, optional
        Your own, by name: ``{"my optimizer": MyOptimizer(lr=0.1)}``, anything with a method
        ``step(theta, gradient)``, or a function ``step(theta, gradient, lr)``, which gets the
        learning rate of GD. It changes theta in place. Of an optimizer each race uses a copy; a function
        has to remember nothing between steps.
    optimizers : sequence of str, optional
        Who takes part at first; everybody if it is left out.
    **settings
        What controls show at first: factor, beta, theta1, theta2, seed, step.

    Returns
    -------
    OptimizerRace
        For a cell's last line.

    Notes
    -----
    One slider multiplies all learning rates, and each optimizer has a rate of its own that it starts
    from. The same rate for all would be unfair: GD multiplies α by the gradient, so that a good α depends on
    how steep the surface is, whereas Adam and RMSprop divide by the gradient's size, and their α is how far
    a step goes. With each at a rate that suits it, the race shows what differs in the rules. With
    all rates three times as large it shows who needs the right rate most.
    """
    return OptimizerRace(surface, mine, optimizers, settings)


@functools.cache
def landscape(name):
    """Return θ₁ (CELLS,), θ₂ (CELLS,) and the loss there (CELLS, CELLS), a row for each θ₂."""
    theta1, theta2 = (np.linspace(*ends, CELLS) for ends in surface(name).limits)
    return theta1, theta2, surface(name).loss(np.stack(np.meshgrid(theta1, theta2), axis=-1))


@dataclass(frozen=True)
class Choice:
    """What all controls say at one moment: a page may change them while a frame is being drawn."""

    surface: Surface
    begin: tuple[float, float]
    factor: float
    beta: float
    seed: int
    step: int
    names: tuple[str, ...]  # of those that take part


class OptimizerRace(Live):
    """See `optimizer_race`."""

    def __init__(self, surface="ravine", mine=None, optimizers=None, settings=None):
        super().__init__()
        self.mine = _check_mine({} if mine is None else mine)
        self.names = [*OPTIMIZERS, *self.mine]
        self._make_controls(choice("optimizer_race", "surface", surface, SURFACES), optimizers)
        self.starts, self.start_row = {}, row()
        theta1, theta2 = self.start_sliders(surface)
        known = {**self.settings, "theta1": theta1, "theta2": theta2}
        show_settings("optimizer_race", known, settings or {})
        self._kept, self.terrain, self._drawn, self._surface_drawn = {}, [], None, None
        self._make_figure()
        self.facts = widgets.HTML()
        factor, beta, seed, step = self.settings.values()
        who = widgets.Label("in the race", layout=widgets.Layout(width="80px"))
        self.ui.children = [
            row(self.surface, factor, beta), row(self.start_row, seed), row(who, *self.taking_part.values()),
            row(self.buttons, step), self.message, self.canvas.widget, self.facts,
        ]  # fmt: skip
        for each in (self.surface, *self.settings.values(), *self.taking_part.values()):
            self.when(each, lambda _: self.draw())
        self.draw()

    def _make_controls(self, name, optimizers):
        self.start_button.tooltip = "Play the race, a step at a time; at its end, once more from the start"
        self.reset_button.tooltip = "Back to the start"
        for button in self.buttons.children:
            button.layout.width = "92px"
        what = "The loss, as a function of two parameters"
        self.surface = dropdown("surface", what, SURFACES, name, width="250px", label_width="60px")
        moment = {"width": "440px", "label_width": "40px"}
        self.time = slider("step", "The moment of the race that is shown", STEPS, 0, STEPS, step=1, **moment)
        past = "β of momentum and β₁ of Adam: how much of the past is kept"
        noise = {"width": "200px", "label_width": "80px"}
        self.settings = {
            "factor": control(
                widgets.FloatLogSlider, "learning rates ×", "Multiplies every learning rate; on a log scale",
                width="320px", label_width="110px", value=1.0, min=-1, max=1, step=0.02, readout_format=".2f",
            ),
            "beta": slider("β", past, 0.9, 0, 0.99, step=0.01, width="250px", label_width="30px"),
            "seed": seed_field("SGD's seed", "Other random numbers in SGD's gradients", **noise),
            "step": self.time,
        }  # fmt: skip
        if isinstance(optimizers, str) or not np.iterable([] if optimizers is None else optimizers):
            raise TypeError(f'optimizer_race: optimizers must be a list such as ["Adam"]; got {optimizers!r}')
        first = self.names if optimizers is None else [*optimizers, *self.mine]
        for each in first:
            choice("optimizer_race", "optimizer", each, self.names)
        self.taking_part = {
            name: widgets.Checkbox(
                name in first, description=name, indent=False,
                layout=widgets.Layout(width="auto", margin="2px 18px 2px 2px"),
            )
            for name in self.names
        }  # fmt: skip

    def choice(self):
        """Return what the controls say."""
        name = self.surface.value
        theta1, theta2 = self.start_sliders(name)
        # A slider in a page sends its value with the rounding errors of its own arithmetic.
        begin = round(theta1.value, 6), round(theta2.value, 6)
        names = tuple(each for each, box in self.taking_part.items() if box.value)
        return Choice(surface(name), begin, *(control.value for control in self.settings.values()), names)

    def start_sliders(self, name):
        """Return the two sliders of the start on a surface, each of which has limits of its own."""
        if name not in self.starts:
            on, look = surface(name), {"width": "270px", "label_width": "60px"}
            self.starts[name] = [
                slider(f"start {symbol}", f"Where all begin: {symbol}", *where, step=0.01, **look)
                for symbol, *where in zip(("θ₁", "θ₂"), on.start, *np.transpose(on.limits), strict=True)
            ]
            self.start_row.children = [*self.start_row.children, *self.starts[name]]
            for each in self.starts[name]:
                self.when(each, lambda _: self.draw())
        return self.starts[name]

    def advance(self):
        """Go on by one step; False at the end of the race."""
        self.time.value = min(self.time.value + 1, STEPS)
        return self.time.value < STEPS

    def run(self, steps):
        """Go on by so many steps at once, in any Python."""
        self.time.value = min(self.time.value + steps, STEPS)
        self.draw()

    async def play(self):
        """Go on a step a frame, to be watched, where `Live` makes as many as it can. The slider draws."""
        due = self.loop.time()
        while self.advance():
            self.frames += 1
            due = max(due + 1 / FRAMES, self.loop.time() + BREATH)
            await asyncio.sleep(due - self.loop.time())
        self.stop()

    def start(self):
        """Play the race in the background of a notebook, from the present step or, at the end, from 0."""
        super().start()
        if self.time.value == STEPS:
            self.time.value = 0

    def reset(self):
        """Stop, and go back to the start."""
        super().reset()
        self.time.value = 0
        self.draw()

    def rate(self, name, chosen):
        """Return the learning rate of an optimizer; None where the learner's own has no number for it."""
        base = chosen.surface.rates.get(name, chosen.surface.rates["GD"])
        if hasattr(self.mine.get(name), "step"):
            base = getattr(self.mine[name], "lr", None)
        return chosen.factor * base if isinstance(base, numbers.Real) else None

    def _stepper(self, name, chosen):
        """Return ``step(theta, gradient)`` of a new optimizer."""
        rate = self.rate(name, chosen)
        if name in OPTIMIZERS:
            return OPTIMIZERS[name](rate, chosen.beta).step
        mine = self.mine[name]
        if hasattr(mine, "step"):
            return _scale_rate(chosen.factor, mine).step
        return lambda theta, gradient: mine(theta, gradient, rate)

    def descents(self, chosen):
        """Return the descent of everybody who takes part, by name; what no control changed is kept."""
        depends, walkers = {}, {}
        for name in chosen.names:
            seed = chosen.seed if name == "SGD" else None
            beta = chosen.beta if name in HAVE_BETA else None
            depends[name] = chosen.surface, chosen.begin, chosen.factor, beta, seed
            if name not in self._kept or self._kept[name][0] != depends[name]:
                walkers[name] = self._stepper(name, chosen), seed
        for name, descent in descend_together(chosen.surface, walkers, STEPS, chosen.begin).items():
            self._kept[name] = depends[name], descent
        return {name: self._kept[name][1] for name in chosen.names}

    def _make_figure(self):
        figure, axes = subplots(11.2, 4.1, 1, 3, dpi=80, width_ratios=(4.4, 4, 1.9))
        self.map, self.loss, self.key = axes
        self.canvas = FigureCanvas(
            figure,
            alt="Contour lines of the loss over both parameters, with the path of each optimizer from the "
            "start to the present step; beside it the loss of each over the steps",
        )
        self.map.set(xlabel="θ₁", ylabel="θ₂")
        self.loss.set(title="Loss", xlabel="step", ylabel="loss (log scale)", yscale="log", xlim=(0, STEPS))
        finish(self.loss)
        self.now = self.canvas.move(self.loss.axvline(STEPS, color="0.4", linewidth=1))
        self._make_key()
        self.artists = {name: self._make_artists(i) for i, name in enumerate(self.names)}
        self.origin = self.canvas.move(*self.map.plot([], [], "ko", markerfacecolor="w", clip_on=False))

    def _make_key(self):
        self.key.set(xlim=(0, 1), ylim=(len(COLOURS) + 2.5, -0.5))
        self.key.set_axis_off()
        for y, (marker, face, words) in enumerate((("o", "w", "start"), ("*", "k", "minimum")), len(COLOURS)):
            self.key.plot([0.13], [y], marker, color="black", markersize=8, markerfacecolor=face)
            self.key.text(0.32, y, words, va="center", size=9)

    def _make_artists(self, i):
        """Return path, its head, the curve of the loss, its head, and line and words in the key."""
        line = {**style(i), "linewidth": 1.6}
        dots = {"marker": MARKERS[i], "markersize": 3.5, "markevery": 10}
        head = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 9, "markeredgecolor": "white"}
        head["clip_on"] = False  # it may stand on the edge
        artists = (
            *self.map.plot([], [], **line, **dots), *self.map.plot([], [], **head),
            *self.loss.plot([], [], **line), *self.loss.plot([], [], **head),
            *self.key.plot([0, 0.13, 0.26], [i] * 3, **line, marker=MARKERS[i], markersize=6, markevery=[1]),
            self.key.text(0.32, i, "", va="center", size=9, parse_math=False),
        )  # fmt: skip
        self.canvas.move(*artists)
        return artists

    def draw(self):
        """Show the race at the present step."""
        chosen = self.choice()
        if chosen == self._drawn:
            return
        descents, is_new = self.descents(chosen), chosen.surface is not self._surface_drawn
        if is_new:
            self._draw_surface(chosen.surface)
        for name, artists in self.artists.items():
            for artist in artists:
                artist.set_visible(name in descents)
            if name in descents:
                self._show(name, descents[name], chosen)
        self.origin.set_data(*np.transpose([chosen.begin]))
        self.now.set_xdata([chosen.step] * 2)
        self.canvas.redraw() if is_new else self.canvas.draw()
        self.facts.value = self.facts_html(descents, chosen)
        self._drawn = chosen

    def _show(self, name, descent, chosen):
        path, head, curve, curve_head, _, words = self.artists[name]
        theta, loss = descent.theta[: chosen.step + 1], descent.loss[: chosen.step + 1]
        loss = np.maximum(loss, self.loss.get_ylim()[0])
        path.set_data(*theta.T)
        head.set_data(*theta[-1:].T)
        curve.set_data(np.arange(len(loss)), loss)
        last = np.flatnonzero(np.isfinite(loss))[-1:]
        curve_head.set_data(last, loss[last])
        rate, short = self.rate(name, chosen), name if len(name) < 15 else f"{name[:13]}…"
        words.set_text(short if rate is None else f"{short}, α = {rate:.2g}")

    def _draw_surface(self, on):
        """Draw contour lines, which on a parabola lie at equal distances from each other."""
        for name, sliders in self.starts.items():
            for each in sliders:
                each.layout.display = None if name == on.name else "none"
        for drawn in self.terrain:
            drawn.remove()
        theta1, theta2, loss = landscape(on.name)
        where = theta1, theta2, loss, loss.min() + np.ptp(loss) * np.linspace(0, 1, LEVELS) ** 2
        self.terrain = [
            self.map.contourf(*where, cmap="Greys_r", alpha=0.25),
            self.map.contour(*where, colors="0.6", linewidths=0.6),
            *self.map.plot(*np.transpose(on.minima), "k*", markersize=11),
        ]
        self.map.set(title=f"Paths: {on.name}", xlim=on.limits[0], ylim=on.limits[1])
        lowest = min(loss.min(), on.loss(np.array(on.minima)).min())
        self.loss.set_ylim(max(0.8 * lowest, DEEP * loss.max()), 1.5 * loss.max())
        self._surface_drawn = on

    def note(self, name, descent, chosen):
        """Return what there is to say of an optimizer at this step, mostly nothing."""
        if descent.ended and chosen.step >= descent.at:
            return f"{name} {descent.ended} at step {descent.at}. "
        stands = chosen.step > 0 and (descent.theta == descent.theta[0]).all()
        if name in self.mine and stands and chosen.surface.gradient(descent.theta[0]).any():
            return f"{name} does not move: its step has to change theta in place, with theta -= …. "
        return ""

    def facts_html(self, descents, chosen):
        """Return what ended early, errors, the race at this step as a table, and what the surface is."""
        on, notes = chosen.surface, [self.note(name, d, chosen) for name, d in descents.items()]
        if any("left" in note for note in notes):
            notes.append("Smaller learning rates may keep a path inside.")
        errors = [html.escape(traceback_of(d.error)) for d in descents.values() if d.error is not None]
        parts = (
            f'<div role="status">{html.escape("".join(notes))}</div>',
            *(f'<pre role="alert" style="white-space: pre-wrap">{error}</pre>' for error in errors),
            self.table_html(descents, chosen),
            f"<p>{html.escape(f'{on.name}: {on.description}. SGD sees {on.noise_in_words}.')}</p>",
        )
        return "".join(parts)

    def table_html(self, descents, chosen):
        """Return the race at this step as a table; who leads is in bold type."""
        ranks, rows = ranks_at(chosen.step, descents), []
        for name, descent in descents.items():
            rate, rank = self.rate(name, chosen), ranks.get(name)
            cells = f"{SYMBOLS[self.names.index(name)]} {name}", "its own" if rate is None else f"{rate:.2g}"
            loss = f"{descent.loss[chosen.step]:.3g}" if rank else "–"
            rows.append((*cells, loss, rank or "out"))
        head = ("optimizer", "learning rate α", f"loss at step {chosen.step}", "rank")
        return table_html(head, rows, [ranks.get(name) == 1 for name in descents])


def _scale_rate(factor, optimizer):
    """Return a copy of the learner's optimizer with its learning rate or schedule times a factor."""
    optimizer = copy.deepcopy(optimizer)
    lr = getattr(optimizer, "lr", None)
    if callable(lr):
        optimizer.lr = lambda t: factor * lr(t)
    elif lr is not None:
        optimizer.lr = factor * lr
    return optimizer


def ranks_at(k, descents):
    """Return the place of each that is in the race at step k, by name: 1 for the lowest loss."""
    losses = {name: descent.loss[k] for name, descent in descents.items() if k < len(descent.loss)}
    losses = {name: loss for name, loss in losses.items() if np.isfinite(loss)}
    return {name: 1 + sum(other < loss for other in losses.values()) for name, loss in losses.items()}


def _check_mine(mine):
    """Return the learner's optimizers by name, having made sure that they can race."""
    if not isinstance(mine, Mapping):
        raise TypeError('optimizer_race: mine must be a dict such as {"my optimizer": MyOptimizer(lr=0.1)}')
    if len(mine) > len(COLOURS) - len(OPTIMIZERS):
        raise ValueError(
            f"optimizer_race: there are {len(COLOURS)} colours, {len(OPTIMIZERS)} of them taken; race "
            f"{len(COLOURS) - len(OPTIMIZERS)} of your own at a time, not {len(mine)}"
        )
    for name, each in mine.items():
        if not isinstance(name, str) or not name or name in OPTIMIZERS:
            raise ValueError(
                f"optimizer_race: {name!r} cannot be the name of yours; choose a text other than "
                f"{', '.join(OPTIMIZERS)}"
            )
        if isinstance(each, type):
            raise TypeError(f"optimizer_race: {name!r} is a class; pass an object, {each.__name__}(lr=0.1)")
        if not callable(getattr(each, "step", each)):
            raise TypeError(
                f"optimizer_race: {name!r} must have a method step(theta, gradient), or be a function "
                f"step(theta, gradient, lr); got {type(each).__name__}"
            )
    return dict(mine)
