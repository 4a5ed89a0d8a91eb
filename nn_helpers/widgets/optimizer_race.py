"""The optimizer race: five optimizers, and the learner's own, go down from one start on a surface."""

import asyncio
import copy
import functools
import html
import math
import numbers
from collections import namedtuple
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
from matplotlib import colormaps

from nn_helpers.optimizers import SGD, Adam, Momentum, RMSprop
from nn_helpers.plots import COLOURS, DASHES
from nn_helpers.support.validation import choice, counted
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.canvas import SHAPES, Canvas, Sheet
from nn_helpers.widgets.controls import control, dropdown, row, seed_field, show_settings, slider, stop_slider
from nn_helpers.widgets.live import Live
from nn_helpers.widgets.page import task_html
from nn_helpers.widgets.panel import traceback_of
from nn_helpers.widgets.surfaces import SURFACES, descend, momentum_losses, surface


class Plain:
    """A function ``step(theta, gradient, lr)`` of the learner's, as an optimizer."""

    def __init__(self, function):
        self.function, self.lr = function, 1.0

    def step(self, theta, gradient):
        """Change theta in place, or return what cannot be used."""
        return self.function(theta, gradient, self.lr)


# Of each a race uses a copy, with the sliders' α and β. SGD is GD on noisy gradients.
OPTIMIZERS = {"GD": SGD(1.0), "SGD": SGD(1.0), "momentum": Momentum(1.0), "RMSprop": RMSprop(1.0),
              "Adam": Adam(1.0)}  # fmt: skip
BLIND = "GD", "SGD", "RMSprop"  # to β
KINDS = {"GD": (SGD, Plain), "momentum": Momentum, "RMSprop": RMSprop, "Adam": Adam}  # what suits whom
INKS = (*COLOURS[:-1], "ink")  # black is not to be seen in the dark
STEPS = 200
FINISH = 1e-3  # of the way down from the surface's start to its lowest loss is left at the finish line
SPEEDS = (5, 10, 20, 40, 80)  # steps a second
TICK = 0.1  # seconds after which the step's slider follows the page's clock
CELLS, LEVELS = 91, 22  # of the landscape, along each axis and from the lowest to the highest loss
DEEP = 1e-8  # of the highest loss: less is drawn at the lower edge
HEIGHT, ROW = 384, 24  # pixels of the sheets, and of a line in the key
# The map of momentum's β and α, the latter as a multiple of the rate that suits the surface.
BETAS, RATIOS = np.linspace(0, 0.99, 23), np.geomspace(0.1, 25, 25)
# What all controls say at one moment: a page may change them while a frame is being drawn. The rates are of
# those who take part, None where it is not a number.
Choice = namedtuple("Choice", "surface begin rates beta seed step bets")
TASK = (
    "On the ravine, give GD and momentum the same learning rate: one at which GD leaves the map and momentum "
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
    """Return the loss (CELLS, CELLS) on the map, a row for each θ₂; the lowest; the finish line's."""
    on = surface(name)
    loss = on.loss(np.stack(np.meshgrid(*(np.linspace(*ends, CELLS) for ends in on.limits)), axis=-1))
    start, lowest = on.loss(np.array(on.start)), min(loss.min(), on.loss(np.array(on.minima)).min())
    return loss, lowest, lowest + FINISH * (start - lowest)


class OptimizerRace(Live):
    """See `optimizer_race`."""

    def __init__(self, surface, mine, optimizers, rates, settings):
        super().__init__()
        self.racers = OPTIMIZERS | _check_mine({} if mine is None else mine)
        self.names, self.bets, self.on = [*self.racers], [], None
        self._kept, self._drawn = {}, None
        self._make_controls(choice("optimizer_race", "surface", surface, SURFACES), optimizers)
        self._take_surface()
        show_settings("optimizer_race", self.rates, rates or {})
        show_settings("optimizer_race", self.settings, settings)
        words = "The surface from above, with the path of each optimizer from the start to the present step"
        self.map = Sheet(350, HEIGHT, words, pointer=True)
        self.curves = Sheet(288, HEIGHT, "The loss of each optimizer over the steps, with the finish line")
        words = "Who takes part; below, momentum's last loss for each of its α and β, and where you are"
        self.key = Sheet(266, HEIGHT, words, pointer=True)
        self.canvas = Canvas([self.map, self.curves, self.key], self.post, self._hear)
        self.news, self.task = widgets.HTML(), widgets.HTML(task_html(TASK))
        beta, seed, step, theta1, theta2 = self.settings.values()
        pairs = [row(box, self.rates.get(name) or widgets.Label(f"{name}: its own rate"))
                 for name, box in self.taking_part.items()]  # fmt: skip
        self.ui.children = [
            row(self.surface, self.buttons, self.speed), row(step, theta1, theta2), row(*pairs, beta, seed),
            self.message, self.news, self.canvas, self.task,
        ]  # fmt: skip
        self.when(self.surface, lambda _: (self._take_surface(), self.draw()))
        for each in (*self.settings.values(), *self.taking_part.values(), *self.rates.values()):
            self.when(each, lambda _: self.draw())
        self.draw()

    def _make_controls(self, name, optimizers):
        self.start_button.tooltip = "Play the race; at its end, once more from the start"
        self.reset_button.tooltip = "Back to the start"
        for button in self.buttons.children:
            button.layout.width = "84px"
        what, pace = "The loss, as a function of two parameters", "How fast the race is played"
        self.surface = dropdown("surface", what, SURFACES, name, width="210px", label_width="56px")
        self.speed = stop_slider("steps a second", pace, SPEEDS, 20, width="250px", label_width="100px")
        past = "β of momentum and β₁ of Adam: how much of the past is kept"
        noise = "Other random numbers in SGD's gradients"
        where = "Where all begin; or drag the start on the map"
        begin = {"step": 0.01, "width": "250px", "label_width": "60px"}
        self.time = slider("step", "The moment of the race that is shown", 0, 0, STEPS, step=1, width="340px",
                           label_width="40px")  # fmt: skip
        self.settings = {
            "beta": slider("β", past, 0.9, 0, 0.99, step=0.01, width="228px", label_width="30px"),
            "seed": seed_field("SGD's seed", noise, width="160px", label_width="80px"),
            "step": self.time,
            "theta1": slider("start θ₁", where, 0.0, -10, 10, **begin),
            "theta2": slider("start θ₂", where, 0.0, -10, 10, **begin),
        }
        self._make_rates(optimizers)

    def _make_rates(self, optimizers):
        """Make what says who takes part, and at which learning rate."""
        if isinstance(optimizers, str) or not np.iterable([] if optimizers is None else optimizers):
            raise TypeError(f'optimizer_race: optimizers must be a list such as ["Adam"]; got {optimizers!r}')
        first = self.names if optimizers is None else [*optimizers, *self.names[len(OPTIMIZERS) :]]
        for each in first:
            choice("optimizer_race", "optimizer", each, self.names)
        self.taking_part, self.rates = {}, {}
        for name in self.names:
            place = widgets.Layout(width="19px", margin="2px", overflow="hidden")  # its name is beside it
            look = {"indent": False, "layout": place, "tooltip": f"Whether {name} takes part"}
            self.taking_part[name] = widgets.Checkbox(name in first, description=name, **look)
            own = getattr(self.racers[name], "lr", None)
            if isinstance(own, numbers.Real) and 0 < own < math.inf:
                power = math.log10(own)
                self.rates[name] = control(
                    widgets.FloatLogSlider, f"{name}: α", f"The learning rate of {name}, on a log scale",
                    value=own, min=min(-4, power), max=max(1, power), step=0.02, readout_format=".2g",
                    label_width="98px", width="272px",
                )  # fmt: skip

    def _take_surface(self):
        """Let the controls show what suits the surface; an optimizer of the learner's begins as it is."""
        on, is_first = surface(self.surface.value), self.on is None
        self.bets, self.on = [], None  # nothing is drawn before all is set
        for symbol, limits, value in zip(("theta1", "theta2"), on.limits, on.start, strict=True):
            each = self.settings[symbol]
            with each.hold_sync():
                with each.hold_trait_notifications():
                    each.min, each.max, each.value = *limits, value
                # In this order: the page clips a value to the limits that it has, and sends it back.
                each.send_state(["min", "max", "value"])
        for name, each in self.rates.items():
            racer = self.racers[name]
            kind = next((kind for kind, its in KINDS.items() if isinstance(racer, its)), None)
            is_set = is_first and name not in OPTIMIZERS and not isinstance(racer, Plain)
            if kind is not None and not is_set:
                each.value = on.rates[kind]
        self.on = on

    def choice(self):
        """Return what the controls say."""
        # A slider in a page sends its value with the rounding errors of its own arithmetic.
        beta, seed, step, *begin = (round(control.value, 6) for control in self.settings.values())
        rates = {name: float(f"{self.rates[name].value:.4g}") if name in self.rates else None
                 for name, box in self.taking_part.items() if box.value}  # fmt: skip
        return Choice(self.on, tuple(begin), rates, beta, seed, step, tuple(self.bets))

    # Playing

    def run(self, steps):
        """Go on by so many steps at once, in any Python."""
        self.time.value += steps  # the slider stays within its ends
        self.draw()

    async def play(self):
        """Let the page's clock run, and the step's slider follow it."""
        step = speed = None
        while self.time.value < STEPS:
            if (self.time.value, self.speed.value) != (step, speed):  # at first, or somebody moved one
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
        """Stop the page's clock at the present step; a race that was refused has none."""
        super().stop()
        if "canvas" in vars(self):
            self.canvas.play(self.time.value)

    def reset(self):
        """Stop, and go back to the start."""
        super().reset()
        self.say("")
        self.time.value = 0
        self.draw()

    def saved_png(self):
        """Return what is saved of the panel, a PNG file: the present step, or from the first on the last."""
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
        elif event.get("sheet") == 0:
            for symbol, value in zip(("theta1", "theta2"), self.map_axes.values(x, y), strict=True):
                self.settings[symbol].value = round(value, 2)  # a slider stays within its ends
        elif event["event"] == "pointer":
            log_lr, beta = self.rate_axes.values(x, y)
            if abs(log_lr - 0.2) <= 1.2 and 0 <= beta <= 0.99:  # on the map, and not beside it
                self.settings["beta"].value = round(float(beta), 2)
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
        """Return ``step(theta, gradient)`` of a copy, with this rate and β where it has them."""
        racer = copy.deepcopy(self.racers[name])
        for attribute, value in (("lr", rate), ("beta", beta), ("beta1", beta)):
            if value is not None and isinstance(getattr(racer, attribute, None), numbers.Real):
                setattr(racer, attribute, value)
        return racer.step

    def descents(self, chosen):
        """Return the descent of everybody who takes part, by name; what no control changed is kept."""
        for name, rate in chosen.rates.items():
            seed, beta = chosen.seed if name == "SGD" else None, None if name in BLIND else chosen.beta
            depends = chosen.surface, chosen.begin, rate, beta, seed
            if name not in self._kept or self._kept[name][0] != depends:
                step = self._stepper(name, rate, beta)
                self._kept[name] = depends, descend(chosen.surface, step, STEPS, chosen.begin, seed)
        return {name: self._kept[name][1] for name in chosen.rates}

    # What is to be seen

    def draw(self):
        """Show the race at the present step."""
        chosen = self.choice()
        if chosen.surface is None or chosen == self._drawn:
            return
        descents = self.descents(chosen)
        for sheet in self.canvas.sheets:
            sheet.clear()
        self._draw_surface(chosen.surface)
        self._draw_descents(descents, chosen.begin)
        self._draw_key(descents, chosen)
        self._draw_rates(chosen, 36 + ROW * len(descents))
        self._show_news(descents, chosen)
        if not self.running:
            self.canvas.play(chosen.step)
        self.canvas.draw()
        self._drawn = chosen

    def _draw_surface(self, on):
        """Draw the surface from above, and the finish line."""
        loss, lowest, finish = landscape(on.name)
        below = "θ₁     (◆ minimum; ○ start: drag it)"
        self.map_axes = Axes(self.map, (0, 0, 350, HEIGHT), *on.limits, on.name, below, "θ₂")
        level = np.floor(LEVELS * ((loss - loss.min()) / np.ptp(loss)) ** 0.5)[np.newaxis, ::-1]
        greys = np.linspace(150, 245, LEVELS + 1).repeat(3).reshape(-1, 3)
        self.map.images([self.map_axes.box], level.astype(np.uint8), greys, smooth=False)
        self.map.points(self.map_axes.place(*np.transpose(on.minima)), "#222222", 3, 7)
        heights = np.log10((max(0.8 * lowest, DEEP * loss.max()), 1.5 * loss.max()))
        words = "Loss", "step", "log₁₀ of the loss   (dotted: finish)"
        self.loss_axes = Axes(self.curves, (0, 0, 288, HEIGHT), (0, STEPS), heights, *words)
        self.curves.line(self.loss_axes.place((0, STEPS), np.log10(finish)), "ink", 1.5, (2, 3))

    def _draw_descents(self, descents, begin):
        """Draw for each its path with a head, and its loss with a head; the page's clock says how far."""
        for name, descent in descents.items():
            ink, dash, heads = self._look_of(name)
            heights = np.log10(np.maximum(np.nan_to_num(descent.loss, nan=np.inf), 1e-300))
            losses = self.loss_axes.place(np.arange(len(heights)), heights)
            for sheet, xy in ((self.map, self.map_axes.place(*descent.theta.T)), (self.curves, losses)):
                sheet.line(xy, ink, 1.6, dash, clocked=True)
                for *look, part in heads:
                    sheet.points(xy, *look, 7 * part, clocked=True)
        for colour, size in (("#222222", 9), ("#ffffff", 5)):
            self.map.points(self.map_axes.place(*np.transpose([begin])), colour, 0, size)

    def _look_of(self, name):
        """Return an optimizer's colour and dashes, and its head in parts: colour, shape and size of each."""
        i = self.names.index(name)
        hollow = i // len(SHAPES)  # where no shape is left; no circle, which would look like the start
        heads = ((INKS[i], i + hollow, 1), ("paper", i + hollow, 0.4))[: 1 + hollow]
        return INKS[i], [1.6 * part for part in DASHES[i][1]] if DASHES[i] != "-" else [], heads

    def _draw_key(self, descents, chosen):
        """Write who takes part, who bets on whom, and who has arrived."""
        self.key.texts([(0, 9, "press to bet"), (118, 9, "α"), (170, 9, "bet")], "faint")
        self.key.texts([(266, 9, "arrives")], "faint", align="right")
        step, finish = chosen.step, landscape(chosen.surface.name)[2]
        ranks = ranks_at(step, descents, finish)
        for y, (name, descent) in zip(range(30, HEIGHT, ROW), descents.items(), strict=False):
            ink, dash, heads = self._look_of(name)
            self.key.line([(0, y), (26, y)], ink, 1.6, dash)
            for *look, part in heads:
                self.key.points([(13, y)], *look, 5 * part)
            bet = f"{chosen.bets.index(name) + 1}." if name in chosen.bets else ""
            place = f"{ranks[name]}. in step {arrival(descent, finish)}" if name in ranks else "–"
            state = "out" if descent.ended and step >= descent.at else place
            rate = "" if chosen.rates[name] is None else f"{chosen.rates[name]:.2g}"
            short = name if len(name) < 13 else f"{name[:11]}…"
            self.key.texts([(32, y, short), (118, y, rate), (170, y, bet)])
            self.key.texts([(266, y, state)], align="right")
            loss = descent.loss[min(step, len(descent.loss) - 1)]
            words = f"{name}, α {rate}; your bet: {bet or 'none'}; arrived: {state}; loss {loss:.3g}"
            self.key.spot(name, (0, y - ROW / 2, 266, ROW), words, "bets")

    def _draw_rates(self, chosen, top):
        """Draw the map of momentum's α and β, and where momentum and GD are on it."""
        limits, words = (np.log10(RATIOS[[0, -1]]), BETAS[[0, -1]]), "α   (dark: low in the end; white: left)"
        place, usual = (0, top, 266, HEIGHT - top), chosen.surface.rates["momentum"]
        self.rate_axes = Axes(self.key, place, *limits, "Momentum from this start", words, "β", ticks=(0, 4))
        for ratio in (0.1, 1, 10):
            x, y = float(self.rate_axes.x(np.log10(ratio))), self.rate_axes.bottom + 11
            self.key.texts([(x, y, f"{ratio * usual:g}")], "faint", align="center")
        palette = np.vstack([255 * colormaps["cividis"](np.linspace(0, 1, 100))[:, :3], [[255] * 3]])
        levels = momentum_levels(chosen.surface, chosen.begin)[np.newaxis]
        self.key.images([self.rate_axes.box], levels, palette, smooth=False)
        for name, i, beta in (("momentum", 2, chosen.beta), ("GD", 0, 0.0)):
            if name in chosen.rates:
                dot = self.rate_axes.place([np.log10(chosen.rates[name] / usual)], [beta])
                self.key.points(dot, INKS[i], i, 7)

    def _show_news(self, descents, chosen):
        """Say what has happened by now, and whether the task is solved."""
        on, step, finish = chosen.surface, chosen.step, landscape(chosen.surface.name)[2]
        all_news = (event for name, each in descents.items() for event in events(name, each, on, finish))
        news = sorted(event for event in all_news if event[0] <= step)
        out = {(each.at, f"{name} {each.ended}") for name, each in descents.items() if 0 < each.at <= step}
        last = " · ".join(f"Step {k}: {words}." for k, words in sorted(out | {*news[-3:]}))
        if step == STEPS and chosen.bets:
            ranks = ranks_at(step, descents, finish)
            right = sum(ranks.get(name, max(place, len(ranks) + 1)) == place
                        for place, name in enumerate(chosen.bets, 1))  # fmt: skip
            last = f"{right} of your {counted(len(chosen.bets), 'bet')} won. {last}"
        about = f"{on.name}: {on.description}. SGD sees {on.noise_in_words}."
        look = "line-height: 1.4; height: 2.8em; overflow: auto"
        errors = [traceback_of(each.error) for each in descents.values() if each.error is not None]
        self.news.value = f'<div style="{look}">{html.escape(last or about)}</div>' + "".join(
            f'<pre role="alert" style="white-space: pre-wrap">{html.escape(words)}</pre>' for words in errors
        )
        self.canvas.say = f"Step {step}. {last}"
        gd, momentum = (chosen.rates.get(name, math.nan) for name in ("GD", "momentum"))
        is_same = on.name == "ravine" and math.isclose(gd, momentum, rel_tol=0.03)
        if is_same and descents["GD"].ended and arrival(descents["momentum"], finish) <= STEPS:
            why = (
                "across the ravine the loss bends by 50. There GD needs α below 2 / 50 = 0.04, and momentum "
                f"below 2 (1 + β) / 50 = {(1 + chosen.beta) / 25:.3g}; you took {gd:.2g}."
            )
            self.task.value = task_html(TASK, why)


@functools.lru_cache(8)
def momentum_levels(on, start):
    """Return how low momentum gets for each α and β: the lower, the darker; white where it left."""
    every = 1 if on.name != "tiny network" else 3  # what is not a formula takes its time
    _, lowest, finish = landscape(on.name)
    lr, beta = np.meshgrid(on.rates["momentum"] * RATIOS[::every], BETAS[::-1][::every])
    left = (momentum_losses(on, start, lr, beta, STEPS) - lowest) / (finish - lowest)
    level = np.clip(50 + 49 / 3 * np.log10(np.maximum(left, 1e-3)), 0, 99)  # at the finish line 50
    level = np.where(np.isnan(left), 100, level).astype(np.uint8).repeat(every, 0).repeat(every, 1)
    return level[: len(BETAS), : len(RATIOS)]


def arrival(descent, finish):
    """Return the first step after which the loss is at the finish line or below; infinity if none is."""
    return next((k for k, loss in enumerate(descent.loss) if loss <= finish), math.inf)


def ranks_at(step, descents, finish):
    """Return the place of each that has crossed the finish line by this step, by name."""
    at = {name: arrival(descent, finish) for name, descent in descents.items()}
    return {name: 1 + sum(other < k for other in at.values()) for name, k in at.items() if k <= step}


def events(name, descent, on, finish):
    """Yield what there is to tell of a descent: of each event its step, or infinity, and a sentence."""
    loss, theta = descent.loss, descent.theta
    if descent.ended:
        yield descent.at, f"{name} {descent.ended}"
    yield arrival(descent, finish), f"{name} crosses the finish line"
    way, width = np.hypot(*np.diff(theta, axis=0).T), np.hypot(*np.ptp(on.limits, axis=1))
    slow = np.flatnonzero((way < 5e-4 * width) & (loss[:-1] > 20 * finish))
    if name not in OPTIMIZERS and len(way) and not way.any() and on.gradient(theta[0]).any():
        yield 1, f"{name} does not move: its step has to change theta in place, with theta -= …"
    elif len(slow):
        yield int(slow[0]) + 1, f"{name} hardly moves: the gradient is nearly 0 here"
    rise = np.diff(np.log(np.maximum(loss, 1e-300)))
    up = np.flatnonzero((rise[1:] > 0) & (rise[:-1] < 0)) + 1
    if name == "momentum" and len(up):
        yield int(up[0]), f"{name} runs uphill: its velocity carries it on"
    height = np.log(np.maximum(loss, 1e-300)) - np.log(np.maximum(np.fmin.accumulate(loss), 1e-300))
    jump = int(np.nanargmax(height))
    if name == "RMSprop" and height[jump] > math.log(1e6):
        yield jump, f"{name} is far off again: its divisor has shrunk, and its steps α / √s grew too long"


def _check_mine(mine):
    """Return the learner's optimizers by name, functions too, having made sure that they can race."""
    if not isinstance(mine, Mapping):
        raise TypeError('optimizer_race: mine must be a dict such as {"my optimizer": MyOptimizer(lr=0.1)}')
    free = len(COLOURS) - len(OPTIMIZERS)
    if len(mine) > free:
        raise ValueError(
            f"optimizer_race: {free} colours are free; race {free} of your own at a time, not {len(mine)}"
        )
    for name, each in mine.items():
        if not isinstance(name, str) or not name or name in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            raise ValueError(
                f"optimizer_race: {name!r} cannot be the name of yours; take a text other than {known}"
            )
        if isinstance(each, type):
            raise TypeError(f"optimizer_race: {name!r} is a class; pass an object, {each.__name__}(lr=0.1)")
        if not callable(getattr(each, "step", each)):
            raise TypeError(
                f"optimizer_race: {name!r} must have a method step(theta, gradient), or be a function "
                f"step(theta, gradient, lr); got {type(each).__name__}"
            )
    return {name: each if hasattr(each, "step") else Plain(each) for name, each in mine.items()}
