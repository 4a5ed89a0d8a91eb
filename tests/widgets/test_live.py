"""What all widgets share: handlers, errors, closing, and steps that take turns with frames."""

import asyncio
import base64
import threading
import time
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
from scenes import in_loop
from threadpoolctl import threadpool_info

from nn_helpers.plots import Figure
from nn_helpers.widgets import live as live_module
from nn_helpers.widgets import panel as panel_module
from nn_helpers.widgets import playground
from nn_helpers.widgets.live import Live
from nn_helpers.widgets.panel import Panel, traceback_of

VIEW = "application/vnd.jupyter.widget-view+json"


class Counter(Live):
    """Counts to `last`; a step may take its time or fail."""

    def __init__(self, last=10**9, seconds=0.0, fail_at=None):
        super().__init__()
        self.count, self.drawn, self.last, self.seconds, self.fail_at = 0, [], last, seconds, fail_at
        self.canvas = SimpleNamespace(ready=True)
        self.ui.children = [self.buttons, self.message]

    def advance(self):
        if self.count == self.fail_at:
            raise ValueError("on purpose")
        time.sleep(self.seconds)
        self.count += 1
        return self.count < self.last

    def draw(self):
        self.drawn.append(self.count)

    def reset(self):
        super().reset()
        self.count = 0
        self.draw()

    def saved_png(self):
        return Figure(figsize=(1, 1))._repr_png_()


def test_start_goes_on_until_pause_and_a_second_start_changes_nothing():
    async def scene():
        others = asyncio.all_tasks()
        live = Counter(seconds=0.001)
        live.start_button.click()
        await asyncio.sleep(0.01)
        live.start()
        await asyncio.sleep(0.3)
        assert live.running
        assert live.start_button.description == "Pause"
        live.start_button.click()
        await asyncio.sleep(0.02)
        stopped = live.count
        assert not live.running
        assert live.drawn[-1] == stopped
        await asyncio.sleep(0.1)
        assert live.count == stopped
        assert asyncio.all_tasks() == others
        live.start_button.click()
        await asyncio.sleep(0.1)
        assert live.count > stopped
        live.close()

    in_loop(scene)


def test_pause_acts_after_the_step_that_is_being_made():
    async def scene():
        live = Counter(seconds=0.05)
        live.start()
        await asyncio.sleep(0.2)
        began = time.perf_counter()
        live.post(live.pause)
        while live.running:
            await asyncio.sleep(0.001)
        assert time.perf_counter() - began < 0.3
        live.close()

    in_loop(scene)


def test_steps_get_most_of_the_time_also_when_drawing_takes_long():
    async def scene():
        live = Counter()
        live.draw = lambda: time.sleep(0.05)
        steps = 0.0

        def advance():
            nonlocal steps
            began = time.perf_counter()
            time.sleep(0.002)
            steps += time.perf_counter() - began
            return True

        live.advance = advance
        began = time.perf_counter()
        live.start()
        await asyncio.sleep(1)
        share = steps / (time.perf_counter() - began)
        live.close()
        assert share > 0.5

    in_loop(scene)


def test_the_last_step_ends_the_task_and_is_drawn():
    async def scene():
        live = Counter(last=5)
        live.start()
        while live.running:
            await asyncio.sleep(0.01)
        assert (live.count, live.drawn[-1]) == (5, 5)
        assert live.start_button.description == "Start"

    in_loop(scene)


def test_an_error_in_a_step_ends_the_run_and_shows_in_the_panel():
    async def scene():
        live = Counter(fail_at=7)
        live.start()
        while live.running:
            await asyncio.sleep(0.01)
        assert "ValueError: on purpose" in live.message.value
        assert 'role="alert"' in live.message.value
        live.fail_at = None
        live.start()  # the page is alive: it goes on
        assert not live.message.value
        await asyncio.sleep(0.05)
        assert live.count > 7
        live.close()

    in_loop(scene)


def test_step_and_reset_stop_a_run():
    async def scene():
        live = Counter(seconds=0.001)
        live.start()
        await asyncio.sleep(0.05)
        live.step_button.click()
        await asyncio.sleep(0.01)
        assert not live.running
        at = live.count
        live.step_button.click()
        await asyncio.sleep(0.01)
        assert live.count == at + 1
        live.start()
        await asyncio.sleep(0.05)
        live.reset_button.click()
        await asyncio.sleep(0.01)
        assert not live.running
        assert live.count == 0

    in_loop(scene)


def test_without_a_notebook_run_makes_steps_and_start_says_why_not():
    live = Counter(last=5)
    live.run(3)
    assert (live.count, live.drawn) == (3, [3])
    live.run(100)
    assert live.count == 5
    with pytest.raises(RuntimeError, match="use run"):
        live.start()
    live.start_button.click()
    assert "use run" in live.message.value


def test_handlers_on_another_thread_run_on_the_loop():
    async def scene():
        live, seen = Counter(), []
        slider = widgets.IntSlider()
        live.when(slider, lambda value: seen.append((value, threading.current_thread())))
        await asyncio.to_thread(setattr, slider, "value", 7)
        await asyncio.sleep(0.01)
        assert seen == [(7, threading.current_thread())]

    in_loop(scene)


def test_an_error_in_a_handler_shows_with_the_learners_line_first():
    panel, slider = Panel(), widgets.IntSlider()

    def learners_function(value):
        raise ZeroDivisionError(f"<{value}>")

    panel.when(slider, learners_function)
    slider.value = 3
    assert "&lt;3&gt;" in panel.message.value
    assert "learners_function" in panel.message.value
    assert "panel.py" not in panel.message.value
    panel.say("better")
    assert "better" in panel.message.value
    panel.say("")
    assert not panel.message.value


def test_a_traceback_of_this_package_alone_is_whole():
    with pytest.raises(AttributeError) as caught:
        Panel().saved_png()
    error = caught.value
    assert "panel.py" in traceback_of(error.with_traceback(error.__traceback__.tb_next))


def test_closing_stops_the_run_and_closes_every_widget():
    async def scene():
        others = asyncio.all_tasks()
        live = Counter(seconds=0.001)
        live.start()
        await asyncio.sleep(0.05)
        live.close()
        live.close()
        at = live.count
        await asyncio.sleep(0.05)
        assert live.count == at
        assert live.ui.comm is None
        assert live.start_button.comm is None
        assert asyncio.all_tasks() == others
        live.post(live.start)
        await asyncio.sleep(0.01)
        assert not live.running

    in_loop(scene)


def test_closing_the_box_itself_stops_the_run_too():
    async def scene():
        live = Counter(seconds=0.001)
        live.start()
        await asyncio.sleep(0.02)
        live.ui.close()
        assert not live.running
        assert live.closed

    in_loop(scene)


def test_a_cell_that_runs_again_closes_the_panels_of_its_run_before(monkeypatch):
    runs = iter([("a", 1), ("a", 1), ("b", 2), ("a", 3)])
    monkeypatch.setattr(panel_module, "running_cell", lambda: next(runs))
    monkeypatch.setattr(panel_module, "open_panels", set())
    first, beside = Counter(), Counter()
    assert not first.closed  # a run may make two
    other, again = Counter(), Counter()
    assert first.closed
    assert beside.closed
    assert not other.closed
    assert not again.closed


def shown(panel, monkeypatch):
    """What a notebook gets of a panel."""
    parts = []
    monkeypatch.setattr(panel_module, "display", lambda part, raw: parts.append(part))
    panel._ipython_display_()
    return parts


def test_a_panel_is_shown_between_a_sentence_and_a_figure_that_are_saved(monkeypatch):
    live = Counter()
    sentence, panel, figure = shown(live, monkeypatch)
    assert sentence["text/plain"] == "Counter: run this cell to use it"
    assert "Counter: run this cell to use it" in sentence["text/html"]
    assert panel[VIEW] == {"model_id": live.ui.model_id, "version_major": 2, "version_minor": 0}
    assert set(panel) == {VIEW, "text/plain"}
    assert base64.b64decode(figure["image/png"]).startswith(b"\x89PNG")
    assert panel["text/plain"] == figure["text/plain"] == ""


def test_a_panel_that_is_closed_is_shown_as_it_is_saved(monkeypatch):
    live = Counter()
    live.close()
    sentence, nothing, figure = shown(live, monkeypatch)
    assert "run this cell to use it" in sentence["text/html"]
    assert nothing == {"text/plain": ""}
    assert "image/png" in figure


def test_where_a_figure_stands_in_for_a_lost_panel_one_output_has_all(monkeypatch):
    monkeypatch.setattr(panel_module, "running_cell", lambda: ("vscode-notebook-cell:/a.ipynb#W0", 1))
    (part,) = shown(Counter(), monkeypatch)
    assert set(part) == {VIEW, "text/plain", "image/png"}
    assert part["text/plain"] == "Counter: run this cell to use it"


def test_while_the_page_takes_no_picture_steps_go_on_and_none_is_drawn():
    async def scene():
        live = Counter(seconds=0.001)
        live.canvas.ready = False
        live.start()
        await asyncio.sleep(0.2)
        assert live.drawn == []
        count = live.count
        assert count > 10
        live.canvas.ready = True
        await asyncio.sleep(0.1)
        assert live.drawn[-1] >= count
        live.close()

    in_loop(scene)


def test_frames_are_limited():
    async def scene():
        live = Counter()
        live.start()
        await asyncio.sleep(0.5)
        live.close()
        assert live.frames <= 0.5 * live_module.FRAMES + 2

    in_loop(scene)


def test_what_a_control_asks_for_waits_neither_for_the_next_picture_nor_for_a_step():
    async def scene():
        live, count, seen = Counter(seconds=0.001), Counter.advance, []

        def advance():
            if live.count == 50:
                live.post(lambda: seen.append(live.count))
            return count(live)

        live.advance, live.most_frames = advance, 2
        live.start()
        while not seen:
            await asyncio.sleep(0.01)
        live.close()
        assert seen == [51]

    in_loop(scene)


def test_what_another_thread_asks_for_is_in_the_queue_before_the_training_makes_room_for_it():
    live, seen = Counter(), []
    live.loop = SimpleNamespace(is_closed=bool, call_soon_threadsafe=lambda *_: seen.append(live.asked))
    live.post(print)
    assert (seen, live.asked) == ([False], True)


def watched(live):
    """At which counts `watch` is called, as a list that fills while the steps go on."""
    counts = []
    live.watch = lambda: counts.append(live.count)
    return counts


def test_the_step_before_a_frame_is_announced():
    live = Counter(last=5)
    counts = watched(live)
    live.run(3)
    live.step()
    assert counts == [2, 3]
    live.run(0)
    assert (counts, live.drawn[-1]) == ([2, 3], 4)

    async def scene():
        live = Counter(seconds=0.001)
        counts = watched(live)
        live.start()
        await asyncio.sleep(0.3)
        live.close()
        assert len(counts) > 2
        assert [count + 1 for count in counts] == live.drawn[: len(counts)]

    in_loop(scene)


def threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_the_playgrounds_frames_leave_the_other_cores_to_the_browser_too():
    panel, before, seen = playground(), threads(), []
    softmax = panel.net.functions["softmax"]
    panel.net.use(softmax=lambda logits: seen.append(threads()) or softmax(logits))
    panel.draw()
    assert np.max(seen) == 1
    assert threads() == before


def test_steps_leave_the_other_cores_to_the_browser():
    async def scene():
        live, seen = Counter(), []
        live.advance = lambda: bool(seen.append(threads())) or len(seen) < 50
        live.start()
        await asyncio.sleep(0.02)
        between = threads()
        while live.running:
            await asyncio.sleep(0.01)
        live.run(1)
        assert np.max(seen) == 1
        assert between == threads() == before

    before = threads()
    in_loop(scene)


def test_one_frame_that_takes_long_does_not_hold_back_the_next():
    async def scene():
        live = Counter(seconds=0.001)
        took = [0.01] * 5 + [0.4] + [0.01] * 100  # such as the one in which the axes change
        began = []

        def draw():
            began.append(time.perf_counter())
            time.sleep(took[len(began) - 1])

        live.draw = draw
        live.start()
        while len(began) < 8:
            await asyncio.sleep(0.01)
        live.close()
        assert began[7] - began[6] < 0.4

    in_loop(scene)


def test_an_error_at_the_press_of_step_is_told_as_one_in_a_run():
    class Told(Counter):
        def fail(self, error):
            self.say(f"in words: {error}")

    live = Told(fail_at=0)
    live.step_button.click()
    assert "in words: on purpose" in live.message.value
    live.fail_at = None
    live.step_button.click()
    assert not live.message.value


def test_an_error_while_an_error_is_told_shows_as_well():
    async def scene():
        live = Counter(fail_at=3)
        live.fail = lambda error: 1 / 0
        live.start()
        while live.running:
            await asyncio.sleep(0.01)
        assert "ZeroDivisionError" in live.message.value
        assert live.start_button.description == "Start"

    in_loop(scene)


def test_steps_end_when_the_panel_is_nowhere_to_be_seen():
    async def scene():
        live = Counter(seconds=0.001)
        live.ui._view_count = 1  # ipywidgets' page sets this: here a cell shows the panel
        live.start()
        await asyncio.sleep(0.02)
        live.ui._view_count = 2
        await asyncio.sleep(0.02)
        assert live.running
        live.ui._view_count = 1
        await asyncio.sleep(0.02)
        assert live.running
        live.ui._view_count = 0  # the cell was deleted
        await asyncio.sleep(0.02)
        assert not live.running
        assert not live.closed  # the deletion may be undone
        live.close()

    in_loop(scene)


def test_a_page_that_is_loaded_again_counts_from_the_beginning():
    live = Counter()
    live.ui._view_count = 1
    assert live.ui.get_state()["_view_count"] == 0
    assert live.ui.get_state("_view_count") == {"_view_count": 1}


def test_of_changes_that_come_faster_than_they_can_be_followed_the_last_counts():
    async def scene():
        live, slider, seen = Counter(), widgets.IntSlider(), []
        live.when(slider, seen.append)
        for value in (3, 5, 7):
            slider.value = value
        await asyncio.sleep(0.01)
        assert seen == [7]
        slider.value = 8
        await asyncio.sleep(0.01)
        assert seen == [7, 8]
        live.when(slider, lambda value: 1 / (value - 9))
        slider.value = 9  # raises
        await asyncio.sleep(0.01)
        assert "ZeroDivisionError" in live.message.value
        slider.value = 10
        await asyncio.sleep(0.01)
        assert seen[-1] == 10

    in_loop(scene)
