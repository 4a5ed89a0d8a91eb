"""The playground in a real browser: pressed, dragged, typed into, and looked at."""

import re

import pytest
from browser import SCREEN

from nn_helpers.widgets.canvas import AHEAD

# Without the short training for the figure that is saved, which test_what_is_saved looks at.
IMPORTS = """
from nn_helpers.widgets import playground
from nn_helpers.widgets.playground import Playground
import numpy as np
Playground.preview = lambda self: None
"""
PLAYGROUND = "p = playground()\np"
STEP = re.compile(r"step ([\d,]+) · [\d,]+ epoch")  # "1 epoch", "2 epochs"
FOCUSED = "document.activeElement.getAttribute('aria-label') ?? ''"
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
    text = notebook.text("loss")
    start(notebook)
    assert notebook.text("loss") != text
    assert "steps a second" in notebook.text("loss")
    frames = notebook.frames()
    notebook.until(lambda: notebook.frames() > frames + 5)
    notebook.press("Pause")
    notebook.until(lambda: not notebook.ask("p.running"), LATER)
    notebook.until(lambda: step(notebook) == notebook.ask("p.step_count"), LATER)
    frames, steps = notebook.frames(), notebook.ask("p.step_count")
    notebook.wait(0.5)
    assert (notebook.frames(), notebook.ask("p.step_count")) == (frames, steps)
    notebook.press("Start", key="Enter")
    notebook.until(lambda: step(notebook) > steps)
    assert notebook.page.evaluate("document.activeElement.textContent") == "Pause"  # focus stays
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


def test_layers_and_units_are_changed_and_opened_at_the_picture(notebook):
    notebook.spot("Add a hidden layer").click()
    notebook.until(lambda: notebook.ask("p.net.hidden_sizes") == [8, 8, 8])
    notebook.spot("Take away a unit of layer 2").click()
    notebook.until(lambda: notebook.ask("p.net.hidden_sizes") == [8, 7, 8])
    notebook.until(lambda: notebook.spot("Unit 7 of layer 3").count())
    assert notebook.spot("Unit 8 of layer 2").count() == 0
    notebook.spot("Unit 2 of layer 1").hover()
    notebook.until(lambda: notebook.ask("p._looked_at") == [1, 1])
    assert notebook.root.locator(".nn-tip").first.inner_text().startswith("Unit 2 of layer 1")
    for opened in ([1, 1, False], [1, 1, True], None):
        notebook.spot("Unit 2 of layer 1").click()
        notebook.until(lambda opened=opened: notebook.ask("p.network.opened") == opened)
    assert notebook.errors() == []


def test_a_wire_under_the_mouse_tells_its_number(notebook):
    x, y = notebook.ask("[float(v) for v in p.network.wires.look['ends'][0][:2]]")
    sheet = notebook.root.locator(".nn-sheet").first
    sheet.scroll_into_view_if_needed()
    sheet.hover(position={"x": x + 3, "y": y})
    tip = notebook.root.locator(".nn-tip").first
    notebook.until(lambda: "layer 1, weight from 1 to" in tip.inner_text())


def test_units_are_reached_by_one_tab_and_the_arrow_keys(notebook):
    notebook.spot("Unit 1 of layer 1").focus()
    for key, words in (("ArrowDown", "Unit 2 of layer 1"), ("ArrowRight", "Unit 2 of layer 2")):
        notebook.page.keyboard.press(key)
        notebook.until(lambda words=words: notebook.page.evaluate(FOCUSED).startswith(words))
    notebook.page.keyboard.press("Enter")
    notebook.until(lambda: notebook.ask("p.network.opened") == [2, 1, False])
    tabs = notebook.root.locator(".nn-sheet button[tabindex='0']").count()
    assert tabs == 2  # sizes, units


def test_buttons_at_the_picture_keep_the_focus_when_others_come_and_go(notebook):
    for words, sizes in (
        ("Add a hidden layer", ([8, 8, 8], [8, 8, 8, 8])),
        ("Take away a hidden layer", ([8, 8, 8], [8, 8])),
        ("Take away a unit of layer 1", ([7, 8], [6, 8])),
    ):
        notebook.spot(words).focus()
        for size in sizes:
            notebook.page.keyboard.press("Enter")
            notebook.until(lambda size=size: notebook.ask("p.net.hidden_sizes") == size)
            units = f"Unit {size[-1]} of layer {len(size)}"
            notebook.until(lambda units=units: notebook.spot(units).count())
            assert notebook.page.evaluate(FOCUSED) == words
    notebook.spot("Activation of layer 2").focus()
    notebook.page.keyboard.press("Enter")
    notebook.until(lambda: notebook.ask("p.net.activation") == ["relu", "leaky_relu"])
    notebook.until(lambda: "layer 2: leaky_relu" in notebook.page.evaluate(FOCUSED))
    notebook.spot("Activation of layer 2").click()
    tip = notebook.root.locator(".nn-tip").first
    notebook.until(lambda: "layer 2: sigmoid" in tip.inner_text(), LATER)  # what is under the mouse now
    shown = notebook.control("activation").locator("select")
    assert shown.evaluate("it => it.selectedIndex") == -1  # layers differ: each can be chosen
    notebook.choose("activation", "relu")
    notebook.until(lambda: notebook.ask("p.net.activation") == "relu")


def test_points_are_drawn_with_the_mouse(notebook):
    notebook.choose("data", "own")
    notebook.until(lambda: notebook.ask("p.kind") == "own" and notebook.control("mouse").count())
    notebook.choose("mouse", "class 3")
    before = notebook.ask("len(p.mine.x)")
    box = notebook.root.locator(".nn-sheet").nth(1).bounding_box()
    notebook.page.mouse.move(box["x"] + 200, box["y"] + 60)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + 280, box["y"] + 100, steps=6)
    notebook.page.mouse.up()
    notebook.until(lambda: notebook.ask("len(p.mine.x)") > before + 2)
    notebook.until(lambda: notebook.ask("p.net.num_classes") == 3)
    assert len(notebook.read("points").splitlines()) == notebook.ask("len(p.mine.x)")
    assert notebook.errors() == []


# The number of an entry, the control to change, and the keys that do it.
BY_KEYBOARD = [
    (1, "learning rate α", ["ArrowLeft"] * 9),
    (3, "initialisation", ["Home"]),
    (5, "batch size", ["ArrowRight"] * 4),
    (6, "L2 strength", ["ArrowRight"] * 6),
]


@pytest.mark.parametrize(("number", "label", "keys"), BY_KEYBOARD)
def test_a_keyboard_alone_answers_questions_of_the_gallery(notebook, number, label, keys):
    notebook.keys("gallery", *["ArrowDown"] * number)
    notebook.until(lambda: notebook.ask("p.question is not None"))
    notebook.keys(label, *keys)
    notebook.wait(0.5)
    notebook.button("Start").focus()
    notebook.page.keyboard.press("Enter")
    notebook.until(lambda: "That is it." in notebook.text("That is it"))
    assert notebook.errors() == []


def test_an_entry_of_the_gallery_puts_all_layers_in_order_again(notebook):
    for entry, activation in (("fails: sigmoid, six layers deep", "sigmoid"), ("works: dropout", "relu")):
        notebook.spot("Activation of layer 1").click()
        notebook.until(lambda: notebook.ask("type(p.net.activation).__name__") == "list")
        notebook.choose("gallery", entry)
        notebook.until(lambda: notebook.ask("p.question is not None"))
        assert notebook.ask("p.net.activation") == notebook.read("activation") == activation
    assert notebook.errors() == []


def test_a_screen_reader_is_told_how_it_goes(notebook):
    start(notebook)
    live = notebook.root.locator(".nn-live").first
    notebook.until(lambda: re.match(r"Step [1-9]\d*, loss \d.\d\d, \d+% right; \d+ of 16 units are dead",
                                    live.text_content()))  # fmt: skip
    assert notebook.root.locator(".nn-panel .noUi-handle:not([aria-label])").count() == 0
    assert notebook.root.locator(".nn-sheet canvas:not([aria-label])").count() == 0


def test_no_backlog_grows_while_the_page_is_busy(notebook):
    start(notebook)
    ahead = "p.canvas.sent - p.canvas.shown"
    block = "const end = performance.now() + 400; while (performance.now() < end);"
    for _ in range(3):
        notebook.page.evaluate(f"() => {{ {block} }}")
        assert notebook.ask(ahead) <= AHEAD
    frames = notebook.frames()
    notebook.until(lambda: notebook.frames() > frames + 3)


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
        ".jupyter-widgets :is(button:not(.nn-sheet *), select, input, textarea, .noUi-handle)"
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
    notebook.press("Code")
    code = notebook.until(lambda: notebook.control("code").count() and notebook.read("code"))
    assert code == notebook.ask("p.as_code()")
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.press("Copy to the clipboard")
    notebook.until(lambda: notebook.button("Copied").count())
    assert notebook.page.evaluate("navigator.clipboard.readText()") == code
    notebook.write(2, code)
    notebook.run(2)
    assert notebook.ask("bool((net.theta == p.net.theta).all())")
    notebook.press("Code")
    notebook.until(lambda: not notebook.control("code").count())
    assert notebook.errors() == []


def test_nothing_is_cut_off_and_nothing_wider_than_the_page(notebook):
    for name in ("SGD", "Momentum", "RMSprop", "Adam", "AdamW"):
        notebook.choose("optimizer", name)
        notebook.until(lambda name=name: notebook.ask("type(p.optimizer).__name__") == name)
        notebook.wait(0.1)
        assert notebook.cut_off() == []
    labels = ("data", "hidden layers", "L2 strength", "optimizer")
    tops = {notebook.control(label).bounding_box()["y"] for label in labels}
    assert max(tops) - min(tops) < 2  # four beside each other


def test_everything_is_on_one_screen_with_the_file_browser_open(notebook):
    notebook.page.evaluate("document.querySelector('.nn-panel').scrollIntoView()")
    notebook.wait(0.3)
    page = notebook.root.locator(".jp-WindowedPanel-outer").first.bounding_box()
    parts = [notebook.button("Start"), notebook.control("seed"), *notebook.root.locator(".nn-sheet").all()]
    parts.append(notebook.root.locator(".widget-html", has_text=STEP).first)
    for part in parts:
        box = part.bounding_box()
        assert box["y"] >= page["y"] - 1
        assert box["y"] + box["height"] <= page["y"] + page["height"]
        assert box["x"] + box["width"] <= page["x"] + page["width"]
    assert notebook.ask("p.answers.axes.right - p.answers.axes.left") >= 300


def test_a_narrow_page_puts_the_sheets_below_one_another(notebook):
    notebook.page.set_viewport_size({"width": 1024, "height": 700})
    try:
        notebook.wait(0.5)
        network, plots = (each.bounding_box() for each in notebook.root.locator(".nn-sheet").all())
        assert plots["y"] >= network["y"] + network["height"]
        assert notebook.cut_off() == []
    finally:
        notebook.page.set_viewport_size(SCREEN)


def test_a_message_moves_nothing(notebook):
    def places():
        found = notebook.root.locator(".nn-panel :is(button, select, .nn-sheet):visible").all()
        return [each.bounding_box() for each in found]

    before = places()
    notebook.type("seed", 3)
    notebook.until(lambda: "New seed" in notebook.text("New"))
    assert places() == before


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


def test_a_second_view_of_a_playground_shows_what_the_first_one_does(notebook):
    notebook.ask("p.run(30)")
    notebook.ask("[p._on_event(dict(event='press', spot='unit 1 0')), p.advance(), p.draw()]")
    show(notebook, "p", cell=2)
    first, second = notebook.output(1), notebook.output(2)
    notebook.until(lambda: first.sheets() == second.sheets(), LATER)
    assert len(set(first.sheets())) == 2
    notebook.write(2, "")
    notebook.run(2)


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
