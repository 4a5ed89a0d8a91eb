"""Training that is watched: steps and frames take turns on the kernel's main loop."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from statistics import median

from nn_helpers.support.threads import sharing
from nn_helpers.support.validation import choice
from nn_helpers.training import TrainingDivergedError
from nn_helpers.widgets.controls import row
from nn_helpers.widgets.panel import Panel

FRAMES = 33  # a second, at most
DRAWING = 0.2  # of the time goes to frames, the rest to steps …
LEAST, MOST = 15, 0.33  # … or more, up to this share, for so many frames a second where they take long
WAIT = 0.02  # seconds until a page that was busy is asked again
BREATH = 0.001  # seconds between a frame and the next step in which Pause and sliders get through


class Live(Panel):
    """A panel with Start, Pause, Step and Reset around something that goes on step by step.

    A subclass writes `advance`, one step, and `draw`, one frame; `reset` begins anew. The state is in two
    places: the controls' values, and whatever `advance` goes on with. What a frame shows of a step is kept
    when `watch` has been called before it.
    """

    start_word, most_frames = "Start", FRAMES

    def __init__(self):
        super().__init__()
        self._task = None
        self.frames = 0  # drawn while running
        # One button, which keeps the keyboard's focus when it means something else.
        self.start_button = self.button(self.start_word, "play", "Start, or go on", self._start_or_pause)
        self.step_button = self.button("Step", "step-forward", "Make one step", self.step)
        self.reset_button = self.button("Reset", "refresh", "Begin anew", self.reset)
        self.buttons = row(self.start_button, self.step_button, self.reset_button)
        self._show_whether_it_runs()

    def advance(self):
        """Make one step; return False when there is none left."""

    def draw(self):
        """Bring the figure up to date."""

    def watch(self):
        """Prepare for the step after which a frame is drawn: the next one."""

    def reset(self):
        """Stop, and go back to the beginning. A subclass forgets its steps here, then draws."""
        self.stop()

    @property
    def ready(self):
        """Whether the page can take another frame now."""
        return self.canvas.ready

    @property
    def running(self):
        """Whether steps are being made."""
        return self._task is not None

    def _start_or_pause(self):
        (self.pause if self.running else self.start)()

    def start(self):
        """Begin, or go on, in the background of a notebook, until `pause`, an error or the last step."""
        if self.running or self.closed:
            return
        self.say("")
        if self.loop is None:
            raise RuntimeError("start: nothing runs in the background without a notebook; use run(steps)")
        self._task = self.loop.create_task(self.play())
        self._show_whether_it_runs()

    def pause(self):
        """Stop after the step that is being made, and draw where it stands."""
        was_running = self.running
        self.stop()
        if was_running:
            self.draw()

    def stop(self):
        """Stop after the step that is being made."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._show_whether_it_runs()

    def step(self):
        """Pause, make one step and draw it."""
        self.stop()
        self.say("")
        try:
            self.run(1)
        except Exception as error:
            self.fail(error)

    def run(self, steps):
        """Make steps at once, in any Python, and draw the last; what Start shows bit by bit."""
        try:
            with sharing(1):
                for left in range(steps, 0, -1):
                    if left == 1:
                        self.watch()
                    if not self.advance():
                        break
        finally:
            self.draw()

    async def play(self):
        """Make steps and draw frames by turns, as `start` begins it."""
        task = asyncio.current_task()
        try:
            more, due, costs = True, 0.0, deque(maxlen=5)
            while more:
                with sharing(1):
                    while more and time.perf_counter() < due and not self.asked:
                        more = self.advance()
                    if more and self.asked:  # what a control asks for comes before the next step
                        self.asked = False
                    elif self.ready or not more:
                        if more:
                            self.watch()
                            more = self.advance()
                        began = time.perf_counter()
                        self.draw()
                        self.frames += 1
                        costs.append(time.perf_counter() - began + BREATH)
                        # when frames take long the next one comes later, so that steps get their share
                        cost = median(costs)
                        later = min(cost / DRAWING, max(1 / LEAST, cost / MOST))
                        due = began + max(1 / self.most_frames, later)
                    else:  # the page is busy, or asleep: no picture that nobody sees
                        due = time.perf_counter() + WAIT
                await asyncio.sleep(BREATH)
        except Exception as error:
            self.stop()  # what is drawn now is the last
            self.guard(self.fail, error)
        finally:
            if self._task is task:
                self._task = None
                if not self.closed:
                    self._show_whether_it_runs()

    def fail(self, error):
        """Show an error that ended the steps; the figure keeps what was there."""
        self.show_error(error)

    def _show_whether_it_runs(self):
        self.start_button.description = "Pause" if self.running else self.start_word
        self.start_button.icon = "pause" if self.running else "play"


class LiveTraining(Live):
    """A `Live` that trains a network, ``self.net``, with settings and perhaps functions of the learner's.

    A subclass makes a control for each of its settings, ``self.settings``, and counts its steps,
    ``self.step_count``. It writes `preview`, which makes some for a figure that is worth saving, in a
    second at most.
    """

    def __init__(self, widget, functions, known):
        super().__init__()
        functions = {} if functions is None else functions
        if not isinstance(functions, Mapping):
            raise TypeError(f'{widget}: functions must be a dict such as {{"relu_forward": relu_forward}}')
        self.functions = dict(functions)
        for name in self.functions:
            choice(widget, "function", name, known)

    def saved_png(self):
        """Return what is saved of the panel, a PNG file: its figure as it is now, or what is to come.

        Before the first step that is a training with these settings and the library's functions, a short
        one. Afterwards the panel is at its beginning again.
        """
        if self.closed or self.step_count:
            return super().saved_png()
        functions, self.functions = self.functions, {}
        with self.canvas.hold_sync():
            try:
                self.reset()
                with suppress(TrainingDivergedError):
                    self.preview()
                return super().saved_png()
            finally:
                self.functions = functions
                self.reset()

    def value(self, name):
        """Return what a control says."""
        return self.settings[name].value

    def own_functions(self):
        """Return the learner's functions that the network calls, with its activation."""
        return {name: f for name, f in self.functions.items() if name in self.net.functions}

    def advice(self):
        """Return what to do when a training has diverged."""
        own = f"Look at what your own functions return ({', '.join(self.functions)}), or try"
        return f"{own if self.functions else 'Try'} a smaller learning rate."
