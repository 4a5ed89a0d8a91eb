"""What is left of a widget when it is closed, or its output is gone: nothing."""

import asyncio
import gc
import threading
import weakref

import comm
import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances
from scenes import in_loop

from nn_helpers.data import Dataset, Split
from nn_helpers.widgets import (
    activation_explorer,
    backprop_stepper,
    depth_and_optimizer,
    optimizer_race,
    playground,
    signal_explorer,
    softmax_explorer,
)
from nn_helpers.widgets import panel as panel_module

images = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 3), dtype=np.uint8)
part = Split(images, np.arange(12) % 10)
FEW = Dataset("few", part, val=part)
KINDS = {
    "activation_explorer": activation_explorer,
    "backprop_stepper": backprop_stepper,
    "depth_and_optimizer": lambda: depth_and_optimizer(FEW),
    "optimizer_race": optimizer_race,
    "playground": playground,
    "signal_explorer": signal_explorer,
    "softmax_explorer": softmax_explorer,
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


@pytest.fixture
def messages(monkeypatch):
    """What widgets send: for each model, which kinds of messages."""
    sent = {}

    class Recording(comm.DummyComm):
        def publish_msg(self, msg_type, *arguments, **options):
            sent.setdefault(self.comm_id, []).append(msg_type)

    monkeypatch.setattr(comm, "create_comm", Recording)
    return sent


def models():
    """The models that are open; those of other tests are not counted."""
    return set(_instances)


def use(panel):
    """Do with a panel what makes more widgets, runs something, or draws."""
    if hasattr(panel, "surface"):
        panel.surface.value = "saddle"  # has sliders of its own
    if hasattr(panel, "code_button"):
        panel.settings["optimizer"].value = "adamw"
        panel.code_button.click()
    if hasattr(panel, "step"):
        panel.step()
    panel.saved_png()


@each_kind
def test_closing_closes_every_model_and_says_so_to_the_page(make, messages):
    before = models()
    panel = make()
    use(panel)
    opened = models() - before
    assert set(messages) == opened
    panel.close()
    assert models() == before
    assert all(sent[0] == "comm_open" and sent[-1] == "comm_close" for sent in messages.values())
    assert all(sent.count("comm_close") == 1 for sent in messages.values())


@each_kind
def test_what_was_closed_is_gone_and_memory_with_it(make):
    def once():
        panel = make()
        use(panel)
        panel.close()
        return weakref.ref(panel), weakref.ref(panel.canvas)

    def things():
        gc.collect()
        return len(gc.get_objects())

    once()  # fills what is remembered once and for all
    before, threads = things(), threading.active_count()
    gone = once()
    assert things() - before < 300  # a playground alone has some 15,000; Matplotlib remembers a few texts
    assert [reference() for reference in gone] == [None, None]
    assert threading.active_count() == threads


@pytest.mark.parametrize("make", [KINDS["depth_and_optimizer"], playground])
def test_large_data_do_not_wait_for_the_garbage_collector(make):
    panel = make()
    reference = weakref.ref(panel)
    gc.collect()
    gc.disable()
    try:
        panel.close()
        del panel
        assert reference() is None
    finally:
        gc.enable()


def test_a_cell_that_runs_again_leaves_the_models_of_one_run(monkeypatch):
    runs = iter(range(5))
    monkeypatch.setattr(panel_module, "running_cell", lambda: ("a", next(runs)))
    before = models()
    panel = backprop_stepper()
    first = len(models() - before)
    for _ in range(3):
        panel = backprop_stepper()
        assert len(models() - before) == first
    panel.close()
    assert models() == before
    assert panel not in panel_module.open_panels


def test_deleted_output_leaves_no_model_no_task_and_no_timer(monkeypatch):
    monkeypatch.setattr(panel_module, "GONE", 0.05)
    before = models()

    async def scene():
        loop, tasks = asyncio.get_running_loop(), asyncio.all_tasks()
        panel = playground()
        panel.ui._view_count = 1
        panel.start()
        await asyncio.sleep(0.05)
        panel.ui._view_count = 0  # ipywidgets' page sets this when a cell is moved: it shows it again at once
        panel.ui._view_count = 1
        await asyncio.sleep(0.1)
        assert not panel.closed
        panel.start()
        await asyncio.sleep(0.02)
        panel.ui._view_count = 0
        await asyncio.sleep(0.1)
        assert panel.closed
        assert models() == before
        assert asyncio.all_tasks() == tasks
        assert [timer for timer in loop._scheduled if not timer.cancelled()][1:] == []  # that of in_loop

    in_loop(scene)
