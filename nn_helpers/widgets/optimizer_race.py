"""The optimizer race: five optimizers, and the learner's own, go down from one start on a surface."""

import asyncio
import copy
import functools
import html
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from matplotlib import colormaps

from nn_helpers.optimizers import SGD, Adam, Momentum, RMSprop
from nn_helpers.plots import COLOURS, DASHES
from nn_helpers.support.validation import choice
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.canvas import Canvas, Sheet
from nn_helpers.widgets.controls import (
    control,
    dropdown,
    row,
    seed_field,
    show_first,
    show_settings,
    slider,
    stop_slider,
)
from nn_helpers.widgets.live import Live
from nn_helpers.widgets.page import task_html
from nn_helpers.widgets.panel import traceback_of
from nn_helpers.widgets.surfaces import SURFACES, Surface, descend_together, momentum_losses, surface

# Each optimizer for a learning rate and the slider's β. SGD is GD on noisy gradients.
OPTIMIZERS = {
    "GD": lambda lr, beta: SGD(lr),
    "SGD": lambda lr, beta: SGD(lr),
    "momentum": Momentum,
    "RMSprop": lambda lr, beta: RMSprop(lr),
    "Adam": lambda lr, beta: Adam(lr, beta1=beta),
}
KINDS = {"GD": SGD, "momentum": Momentum, "RMSprop": RMSprop, "Adam": Adam}
INKS = (*COLOURS[:-1], "ink")  # black, which is not to be seen in the dark
STEPS = 200
FINISH = 1e-3  # of the way from the surface's start down to its lowest loss is left at the finish line
SPEEDS = (5, 10, 20, 40, 80)  # steps a second
TICK = 0.1  # seconds after which the step's slider follows the page's clock
CELLS = 121  # of the landscape, along each axis
LEVELS = 22
DEEP = 1e-8  # of the highest loss: less is drawn at the lower edge
BETAS, RATIOS = np.linspace(0, 0.99, 23), np.geomspace(0.1, 25, 25)  # of the map of momentum's α and β
ROW = 24  # pixels of a row in the key
TASK = (
    "On the ravine, give GD and momentum the same learning rate: one at which GD leaves the map, and momentum "
    "crosses the finish line."
)


def optimizer_race(surface="ravine", mine=None, optimizers=None, rates=None, **settings):
    """Let optimizers race from one start on a surface, after a bet on who comes first.

    Parameters
    ----------
    surface : {"ravine", "ravine, turned", "saddle", "plateau", "two minima", "tiny network"}
    mine : dict of str to optimizer or function, optional
        Your own, by name: ``{"my optimizer": MyOptimizer(lr=0.1)}``, anything with a method
        ``step(theta, gradient)``, or a function ``step(theta, gradient, lr)``. It changes theta in place. Of
        an optimizer each race uses a copy, with the slider's α as its ``lr`` and the slider's β as its
        ``beta`` or ``beta1``, where it has them; a function has to remember nothing between steps.
    optimizers : sequence of str, optional
        Who takes part at first; everybody if it is left out.
    rates : dict of str to float, optional
        Learning rates, from 0.0001 to 10, in place of those that suit the surface.
    **settings
        What controls show at first: beta, theta1, theta2, seed, step.

    Returns
    -------
    OptimizerRace
        For a cell's last line.

    Notes
    -----
    Each optimizer begins with a rate that suits it. The same rate for all would be unfair: GD multiplies α by
    the gradient, so that a good α depends on how steep the surface is, whereas Adam and RMSprop divide by the
    gradient's size, and their α is how far a step goes.
    """
    return OptimizerRace(surface, mine, optimizers, rates, settings)


@functools.cache
def landscape(name):
    """Return the loss (CELLS, CELLS) on the map, a row for each θ₂, and the loss of the finish line."""
    on = surface(name)
    theta1, theta2 = (np.linspace(*ends, CELLS) for ends in on.limits)
    loss = on.loss(np.stack(np.meshgrid(theta1, theta2), axis=-1))
    start, lowest = on.loss(np.array(on.start)), min(loss.min(), on.loss(np.array(on.minima)).min())
    return loss, lowest + FINISH * (start - lowest)


@dataclass(frozen=True)
class Choice:
    """What all controls say at one moment: a page may change them while a frame is being drawn."""

    surface: Surface
    begin: tuple[float, float]
    rates: tuple[float | None, ...]  # of those that take part
    beta: float
    seed: int
    step: int
    names: tuple[str, ...]  # of those that take part
    bets: tuple[str, ...]


class OptimizerRace(Live):
    """See `optimizer_race`."""

    def __init__(self, surface="ravine", mine=None, optimizers=None, rates=None, settings=None):
        super().__init__()
        self.mine = _check_mine({} if mine is None else mine)
        self.names, self.bets, self.on = [*OPTIMIZERS, *self.mine], [], None
        self._make_controls(choice("optimizer_race", "surface", surface, SURFACES), optimizers)
        self._take_surface()
        for name, rate in (rates or {}).items():
            show_first(
                "optimizer_race",
                f"the rate of {name}",
                self.rates[choice("optimizer_race", "optimizer", name, self.rates)],
                rate,
            )
        show_settings("optimizer_race", self.settings, settings or {})
        self._kept, self._drawn, self._scene = {}, None, None
        self.map, self.curves, self.key = (
            Sheet(
                372,
                384,
                "The surface from above, with the path of each optimizer from the start",
                pointer=True,
            ),
            Sheet(304, 384, "The loss of each optimizer over the steps, with the finish line"),
            Sheet(
                268,
                384,
                "Who takes part, your bet and who has arrived; below, the loss that momentum reaches "
                "for each α and β",
                pointer=True,
            ),
        )
        self.canvas = Canvas([self.map, self.curves, self.key], self.post, self._hear)
        self.news, self.task = widgets.HTML(), widgets.HTML(task_html(TASK))
        theta1, theta2, beta, seed, step = (
            self.settings[each] for each in ("theta1", "theta2", "beta", "seed", "step")
        )
        pairs = [
            row(self.taking_part[name], self.rates.get(name, widgets.Label("its own rate")))
            for name in self.names
        ]
        self.ui.children = [
            row(self.surface, self.buttons, self.speed),
            row(step, theta1, theta2),
            row(*pairs, beta, seed),
            self.message,
            self.news,
            self.canvas,
            self.task,
        ]
        self.when(self.surface, lambda _: (self._take_surface(), self.draw()))
        for each in (*self.settings.values(), *self.taking_part.values(), *self.rates.values()):
            self.when(each, lambda _: self.draw())
        self.draw()

    def _make_controls(self, name, optimizers):
        self.start_button.tooltip = "Play the race; at its end, once more from the start"
        self.reset_button.tooltip = "Back to the start"
        for button in self.buttons.children:
            button.layout.width = "84px"
        what = "The loss, as a function of two parameters"
        self.surface = dropdown("surface", what, SURFACES, name, width="210px", label_width="56px")
        pace = {"width": "250px", "label_width": "100px"}
        self.speed = stop_slider("steps a second", "How fast the race is played", SPEEDS, 20, **pace)
        past = "β of momentum and β₁ of Adam: how much of the past is kept"
        begin = {"step": 0.01, "width": "270px", "label_width": "60px"}
        moment = {"width": "400px", "label_width": "40px"}
        self.settings = {
            "beta": slider("β", past, 0.9, 0, 0.99, step=0.01, width="228px", label_width="30px"),
            "seed": seed_field(
                "SGD's seed", "Other random numbers in SGD's gradients", width="160px", label_width="80px"
            ),
            "step": slider("step", "The moment of the race that is shown", 0, 0, STEPS, step=1, **moment),
            "theta1": slider(
                "start θ₁", "Where all begin: θ₁, or drag the start on the map", 0.0, -10, 10, **begin
            ),
            "theta2": slider(
                "start θ₂", "Where all begin: θ₂, or drag the start on the map", 0.0, -10, 10, **begin
            ),
        }
        self.time = self.settings["step"]
        if isinstance(optimizers, str) or not np.iterable([] if optimizers is None else optimizers):
            raise TypeError(f'optimizer_race: optimizers must be a list such as ["Adam"]; got {optimizers!r}')
        first = self.names if optimizers is None else [*optimizers, *self.mine]
        for each in first:
            choice("optimizer_race", "optimizer", each, self.names)
        box = widgets.Layout(width="24px", margin="2px")
        self.taking_part = {
            name: widgets.Checkbox(
                name in first, indent=False, tooltip=f"Whether {name} takes part", layout=box
            )
            for name in self.names
        }
        self.rates = {name: _rate_slider(name) for name in self.names if self._own_rate(name) is not None}

    def _own_rate(self, name):
        """Return the rate of the learner's optimizer; 1 for all else, None where it has no number for it."""
        mine = self.mine.get(name)
        rate = getattr(mine, "lr", None) if hasattr(mine, "step") else 1.0
        return rate if isinstance(rate, numbers.Real) else None

    def _take_surface(self):
        """Let the controls show what suits the surface that is chosen."""
        on, is_first = surface(self.surface.value), self.on is None
        self.bets, self.on = [], None  # nothing is drawn before all is set
        for symbol, limits, value in zip(("theta1", "theta2"), on.limits, on.start, strict=True):
            each = self.settings[symbol]
            with each.hold_trait_notifications():
                each.min, each.max, each.value = *limits, value
        for name, each in self.rates.items():
            mine, kind = self.mine.get(name), name
            if hasattr(mine, "step"):
                kind = next((name for name, its in KINDS.items() if isinstance(mine, its)), None)
            if is_first and hasattr(mine, "step"):
                each.value = mine.lr
            elif kind is not None:
                each.value = on.rates.get(kind, on.rates["GD"])
        self.on = on

    def choice(self):
        """Return what the controls say."""
        # A slider in a page sends its value with the rounding errors of its own arithmetic.
        theta1, theta2 = (round(self.settings[symbol].value, 6) for symbol in ("theta1", "theta2"))
        names = tuple(name for name, box in self.taking_part.items() if box.value)
        rates = tuple(
            float(f"{self.rates[name].value:.4g}") if name in self.rates else None for name in names
        )
        beta, seed, step = (self.settings[name].value for name in ("beta", "seed", "step"))
        return Choice(self.on, (theta1, theta2), rates, round(beta, 6), seed, step, names, tuple(self.bets))

    # Playing

    def advance(self):
        """Go on by one step; False at the end of the race."""
        self.run(1)
        return self.time.value < STEPS

    def run(self, steps):
        """Go on by so many steps at once, in any Python."""
        self.time.value = min(self.time.value + steps, STEPS)
        self.draw()

    async def play(self):
        """Let the page's clock run, and the step's slider follow it."""
        step = speed = None
        while self.time.value < STEPS:
            if (self.time.value, self.speed.value) != (
                step,
                speed,
            ):  # at first, and when one of them was moved
                step, speed = self.time.value, self.speed.value
                origin = self.loop.time() - step / speed
                self.canvas.play(step, speed, STEPS)
            await asyncio.sleep(TICK)
            if self.time.value == step:
                step = self.time.value = min(STEPS, int((self.loop.time() - origin) * speed))
        self.stop()

    def start(self):
        """Play the race in the background of a notebook, from the present step or, at the end, from 0."""
        if self.time.value == STEPS:
            self.time.value = 0
        super().start()

    def stop(self):
        """Stop the page's clock at the present step."""
        super().stop()
        self.canvas.play(self.time.value)

    def reset(self):
        """Stop, and go back to the start."""
        super().reset()
        self.say("")
        self.time.value = 0
        self.draw()

    def saved_png(self):
        """Return what is saved of the panel, a PNG file: the race at the present step, or from 0 at its end."""
        at, self.time.value = self.time.value, self.time.value or STEPS
        self.draw()
        png = super().saved_png()
        self.time.value = at
        self.draw()
        return png

    def _hear(self, event):
        """Take a bet, a start on the map, or momentum's α and β."""
        on, x, y = self.choice().surface, event.get("x"), event.get("y")
        if event["event"] == "press":
            self._bet(event["spot"])
        elif event["event"] == "pointer" and event["sheet"] == 0:
            for symbol, value in zip(("theta1", "theta2"), self.map_axes.values(x, y), strict=True):
                each = self.settings[symbol]
                each.value = round(min(max(value, each.min), each.max), 2)
        elif event["event"] == "pointer" and self._is_on_rates(x, y):
            log_lr, beta = self.rate_axes.values(x, y)
            self.settings["beta"].value = round(min(max(beta, 0.0), 0.99), 2)
            self.rates["momentum"].value = on.rates["momentum"] * 10**log_lr

    def _bet(self, name):
        """Bet that an optimizer comes next; pressed again, it and those after it are free again."""
        if self.time.value:
            self.say("Bets are made at the start. Press Reset.")
        elif name in self.bets:
            del self.bets[self.bets.index(name) :]
        else:
            self.bets.append(name)
        self.draw()

    # The race

    def _stepper(self, name, rate, beta):
        """Return ``step(theta, gradient)`` of a new optimizer."""
        if name in OPTIMIZERS:
            return OPTIMIZERS[name](rate, beta).step
        mine = self.mine[name]
        if not hasattr(mine, "step"):
            return lambda theta, gradient: mine(theta, gradient, rate)
        mine = copy.deepcopy(mine)
        for attribute, value in (("lr", rate), ("beta", beta), ("beta1", beta)):
            if value is not None and isinstance(getattr(mine, attribute, None), numbers.Real):
                setattr(mine, attribute, value)
        return mine.step

    def descents(self, chosen):
        """Return the descent of everybody who takes part, by name; what no control changed is kept."""
        depends, walkers = {}, {}
        for name, rate in zip(chosen.names, chosen.rates, strict=True):
            seed = chosen.seed if name == "SGD" else None
            beta = None if name in ("GD", "SGD", "RMSprop") else chosen.beta
            depends[name] = chosen.surface, chosen.begin, rate, beta, seed
            if name not in self._kept or self._kept[name][0] != depends[name]:
                walkers[name] = self._stepper(name, rate, beta), seed
        for name, descent in descend_together(chosen.surface, walkers, STEPS, chosen.begin).items():
            self._kept[name] = depends[name], descent
        return {name: self._kept[name][1] for name in chosen.names}

    # What is to be seen

    def _build(self, chosen):
        """Draw what stays while the surface and who takes part are the same."""
        on, (loss, finish) = chosen.surface, landscape(chosen.surface.name)
        for sheet in self.canvas.sheets:
            sheet.clear()
        self.map_axes = Axes(self.map, (0, 0, 372, 384), *on.limits, on.name, "θ₁     (◆ minimum; ○ start: drag it)", "θ₂")
        level = np.floor(LEVELS * ((loss - loss.min()) / np.ptp(loss)) ** 0.5)[::-1]
        greys = np.linspace(150, 245, LEVELS + 1).repeat(3).reshape(-1, 3)
        self.map.images([box_of(self.map_axes)], level[np.newaxis].astype(np.uint8), greys, smooth=False)
        self.map.points(self.map_axes.place(*np.transpose(on.minima)), "#222222", 3, 7)
        low = max(0.8 * min(loss.min(), finish), DEEP * loss.max())
        self.loss_axes = Axes(
            self.curves,
            (0, 0, 304, 384),
            (0, STEPS),
            np.log10((low, 1.5 * loss.max())),
            "Loss",
            "step",
            "log₁₀ of the loss",
        )
        self.curves.line(self.loss_axes.place((0, STEPS), np.log10([finish] * 2)), "ink", 1.5, (2, 3))
        x, y = self.loss_axes.place(STEPS, np.log10(finish)).tolist()
        self.curves.texts([(x, y - 9, "finish")], align="right")
        self.key.texts([(0, 9, "press to bet"), (150, 9, "bet")], "faint")
        self.key.texts([(264, 9, "arrives in step")], "faint", align="right")
        self.marks = {name: self._marks_of(i, name) for i, name in enumerate(chosen.names)}
        self.begin = [self.map.points(np.empty((0, 2)), ink, 0, size) for ink, size in (("#222222", 9), ("#ffffff", 5))]
        self._build_rates(on)

    def _marks_of(self, place, name):
        """Return path, its head, the curve of the loss, its head, and the key's words and spot."""
        i, y = self.names.index(name), 30 + ROW * place
        dash = [] if DASHES[i] == "-" else [1.6 * part for part in DASHES[i][1]]
        ink = INKS[i % len(INKS)]
        self.key.line([(0, y), (26, y)], ink, 1.6, dash)
        self.key.points([(13, y)], ink, i, 5)
        marks = [
            part
            for sheet in (self.map, self.curves)
            for part in (
                sheet.line(np.empty((0, 2)), ink, 1.6, dash, clocked=True),
                sheet.points(np.empty((0, 2)), ink, i, 7, clocked=True),
            )
        ]
        words = [self.key.texts([], align=align) for align in ("left", "right")]
        return [*marks, *words, self.key.spot(name, (0, y - ROW / 2, 268, ROW), name, "bets")]

    def _build_rates(self, on):
        """Draw the map of momentum's α, as a multiple of the rate that suits the surface, and β."""
        limits = np.log10(RATIOS[[0, -1]]), BETAS[[0, -1]]
        title = f"momentum: α / {on.rates['momentum']:g} and β"
        self.rate_axes = Axes(self.key, (0, 198, 268, 172), *limits, title, "", "β", ticks=(3, 3))
        self.key.texts([(134, 376, "log₁₀; dark: low at step 200; white: left")], "faint", align="center")
        palette = np.vstack([255 * colormaps["cividis"](np.linspace(0, 1, 100))[:, :3], [[255] * 3]])
        blank = np.full((1, len(BETAS), len(RATIOS)), 100, np.uint8)
        self.rate_map = self.key.images([box_of(self.rate_axes)], blank, palette, smooth=False)
        self.rate_dots = [self.key.points(np.empty((0, 2)), INKS[i], i, 7) for i in (2, 0)]

    def _is_on_rates(self, x, y):
        axes = self.rate_axes
        return axes.left <= x <= axes.right and axes.top <= y <= axes.bottom

    def draw(self):
        """Show the race at the present step."""
        chosen = self.choice()
        if chosen.surface is None or chosen == self._drawn:
            return
        descents, before = self.descents(chosen), self._drawn
        if before is None or (before.surface, before.names) != (chosen.surface, chosen.names):
            self._build(chosen)
            before = None
        for name, descent in descents.items():
            path, head, curve, curve_head, *_ = self.marks[name]
            ends = 10.0 ** np.array(self.loss_axes.ylim)
            places = self.map_axes.place(*descent.theta.T)
            heights = np.log10(np.clip(np.nan_to_num(descent.loss, nan=ends[1]), *ends))
            losses = self.loss_axes.place(np.arange(len(heights)), heights)
            for mark, xy in ((path, places), (head, places), (curve, losses), (curve_head, losses)):
                mark.show(xy)
        for mark in self.begin:
            mark.show(self.map_axes.place(*np.transpose([chosen.begin])))
        self._show_rates(chosen, before)
        self._show_standing(descents, chosen)
        if not self.running:
            self.canvas.play(chosen.step)
        self.canvas.draw()
        self._drawn = chosen

    def _show_rates(self, chosen, before):
        on, rates = chosen.surface, dict(zip(chosen.names, chosen.rates, strict=True))
        usual = on.rates["momentum"]
        if before is None or before.begin != chosen.begin:
            every = 1 if hasattr(on, "function") else 3  # what is not a formula takes its time
            lr, beta = np.meshgrid(usual * RATIOS[::every], BETAS[::-1][::every])
            loss, (_, finish) = momentum_losses(on, chosen.begin, lr, beta, STEPS), landscape(on.name)
            level = np.log10(
                np.maximum(loss, 1e-6 * finish / FINISH) / finish
            )  # 0 at the finish line, 3 at the start
            level = np.where(np.isnan(loss), 100, np.clip(50 + 49 / 3 * level, 0, 99)).astype(np.uint8)
            self.rate_map.show(
                level.repeat(every, 0)[: len(BETAS)].repeat(every, 1)[np.newaxis, :, : len(RATIOS)]
            )
        for dot, name, beta in zip(self.rate_dots, ("momentum", "GD"), (chosen.beta, 0.0), strict=True):
            dot.show(
                self.rate_axes.place([np.log10(rates[name] / usual)], [beta])
                if name in rates
                else np.empty((0, 2))
            )

    def _show_standing(self, descents, chosen):
        """Write who bets on whom, who has arrived, and what happens."""
        finish, step = landscape(chosen.surface.name)[1], chosen.step
        ranks = ranks_at(step, descents, finish)
        for (name, descent), rate in zip(descents.items(), chosen.rates, strict=True):
            left, right, spot = self.marks[name][4:]
            _, y, *_ = spot.look["box"]
            bet = f"{chosen.bets.index(name) + 1}." if name in chosen.bets else ""
            state = f"{ranks[name]}.  step {arrival(descent, finish)}" if name in ranks else "–"
            if descent.ended and step >= descent.at:
                state = "out"
            short = name if len(name) < 13 else f"{name[:11]}…"
            of = "" if rate is None else f", α = {rate:.2g}"
            left.show([(32, y + ROW / 2, short + of), (170, y + ROW / 2, bet)])
            right.show([(264, y + ROW / 2, state)])
            spot.show(
                f"{name}{of}: your bet {bet or 'none'}, arrived {state}, loss {descent.loss[min(step, len(descent.loss) - 1)]:.3g}"
            )
        news = [
            (k, words)
            for name, descent in descents.items()
            for k, words in events(name, descent, chosen.surface, finish, name in self.mine)
            if k <= step
        ]
        last = " · ".join(f"Step {k}: {words}." for k, words in sorted(news)[-3:])
        if step == STEPS and chosen.bets:
            right = sum(
                ranks.get(name, STEPS) == place or (name not in ranks and place > len(ranks))
                for place, name in enumerate(chosen.bets, 1)
            )
            last = f"You placed {right} of {len(chosen.bets)} rightly. {last}"
        about = (
            f"{chosen.surface.name}: {chosen.surface.description}. SGD sees {chosen.surface.noise_in_words}."
        )
        errors = "".join(
            f'<pre role="alert" style="white-space: pre-wrap">{html.escape(traceback_of(d.error))}</pre>'
            for d in descents.values()
            if d.error is not None
        )
        self.news.value = f'<div style="line-height: 1.4; height: 2.8em; overflow: hidden">{html.escape(last or about)}</div>{errors}'
        self.canvas.say = f"Step {step}. {last}"
        rates = dict(zip(chosen.names, chosen.rates, strict=True))
        if chosen.surface.name == "ravine" and {"GD", "momentum"} <= {*rates}:
            same = math.isclose(rates["GD"], rates["momentum"], rel_tol=0.03)
            if same and descents["GD"].ended and arrival(descents["momentum"], finish) is not None:
                beta = chosen.beta
                self.task.value = task_html(
                    TASK,
                    (
                        f"across the ravine the loss bends by 50. There GD needs α below 2 / 50 = 0.04, momentum below "
                        f"2 (1 + β) / 50 = {2 * (1 + beta) / 50:.3g}; you took {rates['GD']:.2g}."
                    ),
                )


def box_of(axes):
    """Return where axes lie, as a box."""
    return axes.left, axes.top, axes.right - axes.left, axes.bottom - axes.top


def arrival(descent, finish):
    """Return the first step after which the loss is at the finish line or below; None if there is none."""
    return next((k for k, loss in enumerate(descent.loss) if loss <= finish), None)


def ranks_at(step, descents, finish):
    """Return the place of each that has crossed the finish line by this step, by name."""
    at = {name: arrival(descent, finish) for name, descent in descents.items()}
    at = {name: k for name, k in at.items() if k is not None and k <= step}
    return {name: 1 + sum(other < k for other in at.values()) for name, k in at.items()}


def events(name, descent, on, finish, is_mine):
    """Return what there is to tell of a descent: for each event its step, and a sentence about it."""
    loss, theta, found, there = descent.loss, descent.theta, [], arrival(descent, finish)
    if descent.ended:
        found.append((descent.at, f"{name} {descent.ended}"))
    if there is not None:
        found.append((there, f"{name} crosses the finish line"))
    way, width = np.hypot(*np.diff(theta, axis=0).T), np.hypot(*np.ptp(on.limits, axis=1))
    slow = np.flatnonzero((way < 5e-4 * width) & (loss[:-1] > 20 * finish))
    if is_mine and len(way) and not way.any() and on.gradient(theta[0]).any():
        found.append((1, f"{name} does not move: its step has to change theta in place, with theta -= …"))
    elif len(slow):
        found.append((int(slow[0]) + 1, f"{name} hardly moves: the gradient is nearly 0 here"))
    rise = np.diff(np.log(np.maximum(loss, 1e-300)))
    up = np.flatnonzero((rise[1:] > 0) & (rise[:-1] < 0)) + 1
    if name == "momentum" and len(up):
        found.append((int(up[0]), f"{name} runs uphill: its velocity carries it on"))
    lowest = np.minimum.accumulate(np.nan_to_num(loss, nan=np.inf))
    jump = int(np.nanargmax(np.log(np.maximum(loss, 1e-300)) - np.log(np.maximum(lowest, 1e-300))))
    if name == "RMSprop" and loss[jump] > 1e6 * lowest[jump]:
        found.append(
            (jump, f"{name} is far off again: its divisor has shrunk, and its steps α / √s grew too long")
        )
    return found


def _rate_slider(name):
    return control(
        widgets.FloatLogSlider,
        f"{name}: α",
        f"The learning rate of {name}, on a log scale",
        width="250px",
        label_width="90px",
        value=1.0,
        min=-4,
        max=1,
        step=0.02,
        readout_format=".2g",
    )


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
