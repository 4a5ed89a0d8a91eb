"""The playground in a real browser: pressed, dragged, typed into, and looked at."""

import re

import pytest

# Without the short training for the figure that is saved, which test_what_is_saved looks at.
IMPORTS = """
from nn_helpers.widgets import playground
from nn_helpers.widgets.playground import Playground
import numpy as np
Playground.preview = lambda self: None
"""
PLAYGROUND = "p = playground()\np"
STEP = re.compile(r"step ([\d,]+) · [\d,]+ epoch")  # "1 epoch", "2 epochs"
LATER = 10  # seconds in which something that takes 0.3 s happens on any machine


@pytest.fixture(scope="module")
def opened(lab):
    with lab.open([IMPORTS, PLAYGROUND, ""]) as notebook:
        notebook.run(0)
        yield notebook


@pytest.fixture
def notebook(opened):
    """The notebook with a new playground in it."""
    show(opened, PLAYGROUND)
    opened.crashes.clear()
    yield opened
    opened.ask("p.pause()")


def show(notebook, code, cell=1):
    notebook.write(cell, code)
    notebook.run(cell)
    output = notebook.output(cell)
    notebook.until(
        lambda: "step" in output.text("step") and output.button("Start").count(), message="no playground"
    )


def step(notebook):
    """The number of steps that the page shows."""
    said = notebook.root.locator(".widget-html-content", has_text=STEP).first.text_content()
    return int(STEP.search(said)[1].replace(",", ""))


def start(notebook, steps=30):
    notebook.press("Start")
    notebook.until(lambda: step(notebook) >= steps)


def test_start_trains_before_your_eyes_and_pause_ends_it(notebook):
    assert step(notebook) == 0
    image, text = notebook.image(), notebook.text("loss")
    start(notebook)
    assert notebook.text("loss") != text
    assert notebook.image() != image
    assert "steps a second" in notebook.text("loss")
    assert notebook.button("Start").is_disabled()
    frames = notebook.frames()
    notebook.until(lambda: notebook.frames() > frames + 5)
    notebook.press("Pause")
    notebook.until(lambda: not notebook.ask("p.running"), LATER)
    notebook.until(lambda: step(notebook) == notebook.ask("p.step_count"), LATER)
    frames, steps = notebook.frames(), notebook.ask("p.step_count")
    notebook.wait(0.5)
    assert (notebook.frames(), notebook.ask("p.step_count")) == (frames, steps)
    assert notebook.button("Pause").is_disabled()
    notebook.press("Start")
    notebook.until(lambda: step(notebook) > steps)
    assert notebook.errors() == []


def test_step_and_reset(notebook):
    for count in (1, 2, 3):
        notebook.press("Step")
        notebook.until(lambda count=count: step(notebook) == count)
    notebook.press("Reset")
    notebook.until(lambda: step(notebook) == 0)
    start(notebook)
    notebook.press("Reset")
    notebook.until(lambda: step(notebook) == 0)
    assert not notebook.ask("p.running")
    assert notebook.errors() == []


def test_a_slider_dragged_while_it_trains_acts_on_the_run(notebook):
    start(notebook)
    notebook.drag("learning rate α", 0.2, 0.9, 0.5, seconds=0.05)
    rate = float(notebook.read("learning rate α"))
    notebook.until(lambda: notebook.ask("p.optimizer.lr") == rate)
    assert rate != 0.1
    steps = step(notebook)
    notebook.until(lambda: step(notebook) > steps)
    notebook.drag("batch size", 1)
    notebook.until(lambda: "batch_size=200" in notebook.ask("p.as_code()"))
    assert notebook.read("batch size") == "all"
    assert notebook.ask("p.running")
    assert notebook.errors() == []


def test_a_slider_that_needs_a_new_network_begins_anew_and_says_so(notebook):
    start(notebook)
    notebook.drag("hidden layers", 0.5, 1, seconds=0.05)
    notebook.until(lambda: notebook.ask("p.net.num_layers") == 9)
    notebook.until(lambda: notebook.read("hidden layers") == "8")
    notebook.until(lambda: step(notebook) == 0)
    assert "New hidden layers: a new network, at step 0. Press Start." in notebook.text("New")
    assert "2 → 8 → 8 → 8 → 8 → 8 → 8 → 8 → 8 → 2" in notebook.text("parameters")
    start(notebook)
    assert notebook.text("New") == ""
    assert notebook.errors() == []


def test_everything_can_be_reached_and_moved_with_the_keyboard(notebook):
    notebook.keys("hidden layers", "ArrowRight", "ArrowRight")
    notebook.until(lambda: notebook.ask("p.net.num_layers") == 5)
    notebook.keys("units per layer", "End")
    notebook.until(lambda: notebook.ask("p.net.hidden_sizes[0]") == 128)
    notebook.keys("activation", "Enter", "ArrowDown", "Enter")
    notebook.until(lambda: notebook.ask("p.net.activation") == "leaky_relu")
    notebook.keys("optimizer", "Space", "End", "ArrowUp", "Enter")
    notebook.until(lambda: notebook.ask("repr(p.optimizer)").startswith("Adam("))
    notebook.keys("β₁", "Home")
    notebook.until(lambda: notebook.ask("p.optimizer.beta1") == 0)
    notebook.type("seed", 12)
    notebook.until(lambda: "seed=12" in notebook.ask("p.as_code()"))
    notebook.button("Start").focus()
    notebook.page.keyboard.press("Space")
    notebook.until(lambda: notebook.ask("p.running"))
    for control in notebook.root.locator(
        ".jupyter-widgets :is(button, select, input, textarea, .noUi-handle)"
    ).all():
        assert control.evaluate("it => it.tabIndex") >= 0 or control.is_disabled()
    assert notebook.errors() == []


def test_every_control_says_what_it_does(notebook):
    assert notebook.silent() == []


def test_a_number_can_be_typed_beside_a_slider(notebook):
    notebook.type("units per layer", 37)
    notebook.until(lambda: notebook.ask("p.net.hidden_sizes") == [37, 37])


def test_images_are_trained_on_before_your_eyes(notebook):
    notebook.choose("data", "images")
    notebook.until(lambda: notebook.ask("p.value('data')") == "images")
    notebook.until(lambda: "3072 → 8" in notebook.text("parameters"))
    assert "A good start for images" in notebook.text("New")
    frames = notebook.frames()
    start(notebook)
    notebook.until(lambda: notebook.frames() > frames + 5)
    assert notebook.errors() == []


def test_copy_as_code_copies_the_code(notebook):
    notebook.press("Step")
    notebook.until(lambda: step(notebook) == 1)
    notebook.press("Copy as code")
    code = notebook.until(lambda: notebook.control("code").count() and notebook.read("code"))
    assert code == notebook.ask("p.as_code()")
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.press("Copy to the clipboard")
    notebook.until(lambda: notebook.button("Copied").count())
    assert notebook.page.evaluate("navigator.clipboard.readText()") == code
    notebook.write(2, code)
    notebook.run(2)
    assert notebook.ask("bool((net.theta == p.net.theta).all())")
    notebook.press("Copy as code")
    notebook.until(lambda: not notebook.control("code").count())
    assert notebook.errors() == []


def test_nothing_is_cut_off_and_nothing_wider_than_the_page(notebook):
    for name in ("SGD", "Momentum", "RMSprop", "Adam", "AdamW"):
        notebook.choose("optimizer", name)
        notebook.until(lambda name=name: notebook.ask("type(p.optimizer).__name__") == name)
        notebook.wait(0.1)
        assert notebook.cut_off() == []
    image = notebook.root.locator("img.widget-image")
    assert image.evaluate("it => [it.clientWidth, it.naturalWidth]") == [896, 896]
    columns = {
        notebook.control(label).bounding_box()["y"] for label in ("data", "hidden layers", "optimizer")
    }
    assert max(columns) - min(columns) < 2  # three beside each other


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_the_light_and_in_the_dark(notebook, theme, tmp_path):
    notebook.theme(theme)
    try:
        notebook.choose("data", "circles")
        notebook.until(lambda: "New data" in notebook.text("New"))
        contrast, text = notebook.contrasts()[0]
        assert contrast > 4.5, text
        notebook.screenshot(tmp_path / f"{theme}.png")
        assert (tmp_path / f"{theme}.png").stat().st_size > 10_000
    finally:
        notebook.theme("light")


def test_an_error_of_the_learners_shows_in_the_widget_and_the_page_lives(notebook):
    code = """
left = [200]
def relu_forward(z):
    left[0] -= 1
    if left[0] == 0:
        raise ZeroDivisionError("on purpose")
    return np.maximum(z, 0), z
p = playground(functions={"relu_forward": relu_forward})
p
"""
    show(notebook, code)
    notebook.press("Start")
    notebook.until(lambda: notebook.errors())
    (shown,) = notebook.errors()
    assert "on purpose" in shown
    assert 'raise ZeroDivisionError("on purpose")' in shown
    assert not notebook.ask("p.running")
    steps = step(notebook)
    notebook.press("Start")
    notebook.until(lambda: step(notebook) > steps)
    assert notebook.errors() == []


def test_divergence_is_told_in_words(notebook):
    show(notebook, "p = playground('blobs', lr=10.0, optimizer='momentum', width=64, depth=4)\np")
    notebook.press("Start")
    notebook.until(lambda: "diverged" in notebook.text("Training"))
    assert "press Reset" in notebook.text("diverged")
    notebook.type("seed", 1)
    notebook.until(lambda: "New seed" in notebook.text("New"))
    assert notebook.errors() == []


def test_running_the_cell_again_ends_the_run_before(notebook):
    notebook.write(1, "panels = globals().get('panels', []) + [playground()]\np = panels[-1]\np")
    notebook.run(1)
    start(notebook)
    notebook.run(1)
    notebook.until(lambda: step(notebook) == 0)
    assert notebook.ask("[each.running for each in panels]") == [False, False]
    assert notebook.ask("[each.closed for each in panels]") == [True, False]
    start(notebook)
    assert notebook.errors() == []
    notebook.ask("panels.clear()")


def test_two_playgrounds_in_a_notebook(notebook):
    show(notebook, "q = playground('xor')\nq", cell=2)
    first, second = notebook.output(1), notebook.output(2)
    second.press("Start")
    notebook.until(lambda: step(second) > 30)
    assert step(first) == 0
    first.press("Start")
    notebook.until(lambda: step(first) > 30)
    first.press("Pause")
    notebook.until(lambda: not notebook.ask("p.running"))
    steps = step(second)
    notebook.until(lambda: step(second) > steps)
    second.drag("hidden layers", 0)
    notebook.until(lambda: notebook.ask("q.net.num_layers") == 1)
    assert notebook.ask("p.net.num_layers") == 3
    assert first.image() != second.image()
    assert notebook.errors() == []
    notebook.write(2, "q.close()")
    notebook.run(2)


def test_deleting_the_cell_ends_the_run_also_after_the_page_was_loaded_again(notebook):
    start(notebook)
    notebook.reload()
    notebook.until(lambda: notebook.button("Pause").count() and notebook.text("epochs"))
    steps = step(notebook)
    notebook.until(lambda: step(notebook) > steps)  # it went on all the time
    assert notebook.ask("p.running")
    notebook.delete(1)
    notebook.insert(0)
    notebook.until(lambda: not notebook.ask("p.running"), LATER)
    notebook.write(1, "done = True")
    notebook.run(1)
    assert notebook.ask("done")
    assert notebook.errors() == []


def test_after_a_restart_of_the_kernel_the_cell_works_again(notebook):
    start(notebook)
    notebook.restart()
    notebook.run(0)
    show(notebook, PLAYGROUND)
    assert step(notebook) == 0
    start(notebook)
    notebook.press("Pause")
    notebook.until(lambda: not notebook.ask("p.running"), LATER)
    assert notebook.errors() == []
