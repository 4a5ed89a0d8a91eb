"""All widgets but the playground in a real browser: pressed, dragged, typed into, and looked at."""

import pytest

IMPORTS = """
import time
import ipywidgets
import numpy as np
from nn_helpers import sketches
from nn_helpers.widgets import *
few = sketches(n_train=80, n_test=10).subset(40, val=20)  # an epoch has 5 steps
"""
DEPTH = "depth_and_optimizer(few, width=10, epochs=3)"
WIDGETS = ("activation_explorer()", "softmax_explorer()", "backprop_stepper()", "optimizer_race()", DEPTH)
# With something to see in each of them.
ALL = f"""
panels = [{", ".join(WIDGETS)}]
p = panels[1]
p.scale.value = 1000
panels[2].position.value = 7
panels[4].run(8)
ipywidgets.VBox([each.ui for each in panels])
"""
LATER = 10  # seconds in which something that takes 0.3 s happens on any machine


@pytest.fixture(scope="module")
def same_page(lab):
    with lab.open([IMPORTS, "", ""]) as notebook:
        notebook.run(0)
        yield notebook


@pytest.fixture
def page(same_page):
    same_page.crashes.clear()
    yield same_page
    assert same_page.errors() == []


def show(page, code, cell=1, count=1):
    page.write(cell, code)
    page.run(cell)
    canvases = page.output(cell).root.locator(".nn-canvas")
    page.until(lambda: canvases.count() == count, message="no widget")
    page.until(lambda: len(set(page.output(cell).sheets())) > 1 or page.ask("p.canvas.shown"))
    return page.sheets()


def shows_what_the_kernel_drew_after(first, page):
    return page.ask("p.canvas.shown == p.canvas.sent") and first != page.sheets()


def test_the_activation_explorer(page):
    first = show(page, "p = activation_explorer()\np")
    assert "For 50% of the units" in page.text("units")
    page.choose("activation", "leaky_relu")
    page.until(lambda: page.ask("not p.slope.disabled"))
    page.drag("slope", 0.5)
    page.until(lambda: page.ask("p.slope.value") == float(page.read("slope")) > 0.2)
    page.drag("mean of z", 0.5, 0)
    page.until(lambda: page.ask("p.mean.value") == -5 and "For 0% of the units" in page.text("units"))
    page.keys("activation", "End")
    page.until(lambda: page.ask("p.activation.value") == "tanh")
    page.keys("mean of z", "Home", "ArrowRight")
    page.until(lambda: page.ask("p.mean.value") == -4.9)
    page.type("spread of z", 0.3)
    page.until(lambda: page.ask("p.std.value") == pytest.approx(0.3))
    page.until(lambda: "For 100% of the units" in page.text("units"))
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


def test_the_signal_explorer(page):
    first = show(page, "p = signal_explorer('xavier')\np")
    assert "layer 30 of 2e-05" in page.text("Layer 1")
    page.choose("layers", "normalised")
    page.until(lambda: "layer 30 of 0.7" in page.text("Layer 1"))
    page.keys("activation", "End")
    page.until(lambda: page.ask("p.controls['activation'].value") == "tanh")
    page.keys("depth", "Home", "ArrowRight")
    page.until(lambda: "layer 2 of" in page.text("Layer 1"))
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


def test_the_softmax_explorer(page):
    first = show(page, "p = softmax_explorer()\np")
    assert "−log p(cat) = 0.449 nats" in page.text("loss")
    page.choose("true class", "frog")
    page.until(lambda: "−log p(frog) = 2.349 nats" in page.text("loss"))
    page.keys("true class", "End")
    page.until(lambda: "−log p(ship) = 3.449 nats" in page.text("loss"))
    page.drag("logit: ship", 0.5, 1)
    page.until(lambda: page.ask("p.logits[3].value") == 5)
    page.keys("logit: ship", "ArrowLeft")
    page.until(lambda: page.read("logit: ship") == "4.90" and page.ask("p.logits[3].value") == 4.9)
    page.type("logit: cat", -2)
    page.until(lambda: page.ask("p.logits[0].value") == -2)
    page.drag("temperature T", 0)
    page.until(lambda: page.ask("p.temperature.value") == pytest.approx(0.1))
    page.keys("logits times", "ArrowRight", "ArrowRight")
    page.until(lambda: "The naive softmax overflows: e^4900 is too large" in page.text("loss"))
    page.type("temperature T", 1)
    page.until(lambda: page.ask("p.temperature.value") == pytest.approx(1))
    page.keys("temperature T", "End")
    page.until(lambda: page.read("temperature T") == "10.00")
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


def test_the_backprop_stepper(page):
    first = show(page, "p = backprop_stepper()\np")
    assert "before the forward pass" in page.text("forward")
    assert page.button("Back").is_disabled()
    for step in (1, 2):
        page.press("Next")
        page.until(lambda step=step: f"Step {step} of 12, forward" in page.text("Step"))
    page.press("Next", key="Enter")
    page.until(lambda: "Step 3 of 12, forward: z₂ = a₁ W₂ + b₂" in page.text("Step"))
    page.press("Back", key="Space")
    page.until(lambda: page.read("step") == "2" and "Step 2" in page.text("Step"))
    page.drag("step", 0.3, 1)
    page.until(lambda: page.ask("p.position.value") == 12 and page.button("Next").is_disabled())
    page.keys("step", "ArrowLeft")
    page.until(lambda: "Step 11 of 12, backward" in page.text("Step"))
    page.choose("examples N", "3")
    page.until(lambda: "x (3, 2)" in page.text("Shapes"))
    page.keys("examples N", "Home")
    page.until(lambda: "x (1, 2)" in page.text("Shapes"))
    page.keys("activation f", "End")
    page.until(lambda: page.ask("p.activation.value") == "tanh")
    numbers = page.text("∂L/∂W₁[0, 0] = ")
    page.type("other numbers", 12)
    page.until(lambda: page.ask("p.seed.value") == 12 and page.text("∂L/∂W₁[0, 0] = ") != numbers)
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


def test_a_number_is_pointed_at_with_the_mouse_and_with_the_keyboard(page):
    show(page, "p = backprop_stepper()\np.position.value = 12\np")
    page.until(lambda: page.spot("z₁[0, 1]").count())
    page.spot("z₁[0, 1]").hover()
    page.until(lambda: "z₁[0, 1] = 0.50 · 1.70 + (−0.90) · 0.20 + (−2.00) = −1.33" in page.text("z₁["))
    assert "z₁[0, 1] = 0.50 · 1.70" in page.root.locator(".nn-tip").inner_text()
    page.spot("∂L/∂W₁[0, 0]").focus()
    page.page.keyboard.press("ArrowRight")
    page.until(lambda: "∂L/∂W₁[0, 1] = " in page.text("∂L/∂W₁["))
    page.page.keyboard.press("ArrowDown")
    page.until(lambda: "∂L/∂W₁[1, 1] = " in page.text("∂L/∂W₁["))
    assert "Solved" not in page.text("Task")
    row, column = page.ask("np.argwhere((p.values['dz1'] == 0) & (p.values['da1'] != 0)).tolist()[0]")
    page.spot(f"∂L/∂z₁[{row}, {column}]").press("Enter")
    page.until(lambda: "Solved" in page.text("Task"))


def test_the_race_is_played_and_its_controls_act_on_it(page):
    first = show(page, "p = optimizer_race()\np")
    assert page.read("step") == "0"
    for name in ("RMSprop", "momentum"):
        page.spot(name).press("Enter")
    page.until(lambda: page.ask("p.bets") == ["RMSprop", "momentum"])
    page.press("Start")
    page.until(lambda: 0 < int(page.read("step")) < 200)
    before = page.sheets()
    page.wait(0.3)
    assert page.sheets()[:2] != before[:2]
    page.drag("GD: α", 0.5, 1)
    page.until(lambda: page.ask("p.choice().rates['GD']") == pytest.approx(10))
    page.until(lambda: "GD left the map" in page.text("map"))
    step = page.ask("p.time.value")
    page.until(lambda: page.ask("p.running and p.time.value") > step)
    page.drag("step", 0.2, 0.05, seconds=0.1)  # against the race, which moves the same slider
    page.press("Pause")
    page.until(lambda: not page.ask("p.running"), LATER)
    step = page.ask("p.time.value")
    assert step < 150
    page.until(lambda: page.read("step") == str(step), LATER)
    page.wait(0.3)
    assert page.ask("p.time.value") == step
    page.press("Step", key="Space")
    page.until(lambda: page.read("step") == str(step + 1))
    page.keys("step", "End")
    page.until(lambda: "of your 2 bets won" in page.text("bets"))
    page.press("Reset")
    page.until(lambda: page.read("step") == "0")
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


def drag(page, sheet, start, end):
    """Drag from a share of a sheet's width and height to another."""
    canvas = page.root.locator(".nn-sheet canvas").nth(sheet)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    ends = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.page.mouse.move(*ends[0])
    page.page.mouse.down()
    page.page.mouse.move(*ends[1], steps=3)
    page.page.mouse.up()


def test_the_start_is_dragged_on_the_map_and_momentums_rates_on_theirs(page):
    first = show(page, "p = optimizer_race('saddle')\np")
    drag(page, 0, (0.3, 0.5), (0.9, 0.3))
    page.until(lambda: page.ask("p.choice().begin[0] > 1.2 and p.choice().begin[1] > 0.5"))
    page.until(lambda: page.read("start θ₁") == f"{page.ask('p.choice().begin[0]'):.2f}")
    drag(page, 2, (0.5, 0.7), (0.6, 0.6))
    page.until(lambda: page.ask("0 < p.choice().beta < 0.9 and p.choice().rates['momentum'] > 0.02"))
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


def test_who_races_where_and_from_where(page):
    first = show(page, "p = optimizer_race()\np")
    page.choose("surface", "saddle")
    page.until(lambda: page.ask("p.choice().surface.name") == "saddle")
    page.until(lambda: page.read("start θ₁") == "−1.20")
    page.drag("start θ₁", 0.5)
    page.until(lambda: page.ask("p.choice().begin[0]") == pytest.approx(0, abs=0.1))
    page.keys("start θ₂", "Home", "ArrowRight")
    page.until(lambda: page.ask("p.choice().begin[1]") == -1.79)
    page.keys("surface", "ArrowDown")
    page.until(lambda: "plateau: " in page.text("plateau"))
    page.until(lambda: page.read("start θ₁") == "−3.00", LATER)
    assert page.ask("p.choice().begin[0]") == -3
    page.box("SGD").uncheck()
    page.box("Adam").press("Space")
    page.until(lambda: page.ask("[*p.choice().rates]") == ["GD", "momentum", "RMSprop"])
    page.until(lambda: page.spot("SGD").count() == 0)
    page.box("SGD").press("Space")
    page.type("SGD's seed", 23)
    page.until(lambda: page.ask("p.choice().seed") == 23)
    page.keys("β", "Home")
    page.until(lambda: page.ask("p.choice().beta") == 0)
    page.type("momentum: α", 0.3)
    page.until(lambda: page.ask("p.choice().rates['momentum']") == pytest.approx(0.3, rel=0.02))
    page.keys("steps a second", "End")
    page.until(lambda: page.ask("p.speed.value") == 80)
    page.keys("step", "ArrowRight")
    page.until(lambda: page.ask("p.canvas._clock[0]") == 1)
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)


RACE_OF_MINE = """
def raises(theta, gradient, lr):
    theta -= lr * gradient
    if abs(theta[0]) < 5:
        raise ZeroDivisionError("on purpose")
def no_number(theta, gradient, lr):
    theta -= lr * gradient if abs(theta[0]) > 5 else np.nan
p = optimizer_race(mine={"mine": raises, "yours": no_number})
p
"""


def test_a_learners_step_that_fails_shows_in_the_race_and_the_others_go_on(page):
    show(page, RACE_OF_MINE)
    page.press("Start")
    page.until(lambda: "mine raised ZeroDivisionError" in page.text("mine"))
    page.until(lambda: "yours became NaN" in page.text("yours"))
    (shown,) = page.errors()
    assert 'raise ZeroDivisionError("on purpose")' in shown
    page.press("Pause")
    page.until(lambda: not page.ask("p.running"), LATER)
    page.box("mine").uncheck()
    page.until(lambda: page.errors() == [])


# How long an epoch takes is up to the learner's function.
SLOW = """
def relu_forward(z):
    time.sleep(0.015)
    return np.maximum(z, 0), z
p = depth_and_optimizer(few, functions={"relu_forward": relu_forward}, width=10, epochs=3)
p
"""


def test_depth_and_optimizer(page):
    first = show(page, SLOW)
    page.press("Train")
    page.until(lambda: page.ask("p.running"))
    page.keys("hidden layers", "Home")
    page.until(lambda: "This run goes on as it began" in page.text("run"))
    page.until(lambda: page.ask("[len(run.losses) for run in p.runs]") == [3])
    page.until(lambda: page.button("Train").count())
    assert page.ask("p.runs[0].chosen['depth']") == 2
    page.press("One epoch")
    page.until(
        lambda: page.ask("[(run.chosen['depth'], len(run.losses)) for run in p.runs]") == [[2, 3], [0, 1]]
    )
    page.spot("7 hidden layers, Adam").click()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    page.until(lambda: page.ask("p.value('depth')") == 8 and page.read("hidden layers") == "8")
    page.press("Train", key="Enter")
    page.until(lambda: page.ask("len(p.runs)") == 3)
    page.press("Pause", key="Space")
    page.until(lambda: not page.ask("p.running"), LATER)
    assert page.ask("len(p.runs[2].losses)") < 3
    page.choose("optimizer", "GD")
    page.until(lambda: page.ask("p.value('lr')") == 0.02 and page.read("learning rate α") == "0.02")
    page.keys("optimizer", "End")
    page.until(lambda: page.ask("p.value('optimizer')") == "Adam")
    page.keys("units a layer", "End")
    page.until(lambda: page.ask("p.value('width')") == 200)
    page.type("epochs", 1)
    page.until(lambda: page.ask("p.value('epochs')") == 1)
    page.keys("learning rate α", "Home", "ArrowRight")
    page.until(lambda: page.ask("p.value('lr')") == 1.5e-5 == float(page.read("learning rate α")))
    page.drag("hidden layers", 0)
    page.until(lambda: page.ask("p.value('depth')") == 0)
    page.press("Train")
    page.until(lambda: page.ask("[run.ended for run in p.runs]") == ["done", "stopped", "stopped", "done"])
    page.until(lambda: "4\t0\t200\tAdam\t1.5e-05\trelu\t0.0\t0.0\t1" in page.text("best"))
    page.until(lambda: shows_what_the_kernel_drew_after(first, page), LATER)
    page.press("Forget all")
    page.until(lambda: "Nothing has been tried yet" in page.text("tried"))


FAILS = """
left = [60]
def relu_forward(z):
    left[0] -= 1
    if left[0] == 0:
        {how}
    return np.maximum(z, 0), z
p = depth_and_optimizer(few, functions={{"relu_forward": relu_forward}}, width=10, epochs=2)
p
"""


def test_a_learners_function_that_raises_shows_and_the_next_run_goes_on(page):
    show(page, FAILS.format(how='raise ZeroDivisionError("on purpose")'))
    page.press("Train")
    page.until(lambda: page.errors())
    (shown,) = page.errors()
    assert 'raise ZeroDivisionError("on purpose")' in shown
    page.until(lambda: page.ask("[run.ended for run in p.runs]") == ["failed"], LATER)
    page.press("Train")
    page.until(lambda: page.ask("[run.ended for run in p.runs]") == ["failed", "done"])
    page.until(lambda: page.errors() == [], LATER)


def test_a_learners_function_that_returns_nan_is_told_in_words(page):
    show(page, FAILS.format(how="z = z * np.nan"))
    page.press("Train")
    page.until(lambda: "Run 1 diverged at step" in page.text("diverged"))
    assert "relu_forward" in page.text("diverged at step")
    page.press("Train")
    page.until(lambda: page.ask("[run.ended for run in p.runs]") == ["diverged", "done"])
    page.until(lambda: not page.text("diverged at step"), LATER)


@pytest.fixture
def all_in_one_cell(page):
    if page.output(1).root.locator(".nn-canvas").count() != len(WIDGETS):
        show(page, ALL, count=len(WIDGETS))
    return page


def test_nothing_is_cut_off_and_nothing_wider_than_the_page(all_in_one_cell):
    assert all_in_one_cell.cut_off() == []
    for sheet in all_in_one_cell.root.locator(".nn-sheet canvas").all():
        assert sheet.evaluate("it => it.clientWidth <= it.closest('.nn-canvas').clientWidth")


def test_a_keyboard_reaches_every_control(all_in_one_cell):
    reached, missed = all_in_one_cell.tab_stops(400)
    assert [each for each in missed if 'tabindex="-1"' not in each] == []  # those: with the arrow keys
    assert reached > 50


def test_arrow_keys_belong_to_the_slider_or_dropdown_they_are_pressed_on(all_in_one_cell):
    # Notebook 7 looks at keys before the page does, and would move to another cell.
    kept = "document.activeElement.hasAttribute('data-lm-suppress-shortcuts')"
    for label in ("mean of z", "surface"):
        all_in_one_cell.keys(label, "ArrowDown")
        assert all_in_one_cell.page.evaluate(kept)
        all_in_one_cell.keys(label, "Home")
        assert not all_in_one_cell.page.evaluate(kept)


def test_a_number_that_cannot_be_typed_has_no_place_to_type_it(all_in_one_cell):
    widget = all_in_one_cell
    widget.keys("units a layer", "Home", "Tab")  # to the next slider, not to the number
    widget.page.keyboard.type("7")
    widget.control("units a layer").locator(".widget-readout").click(force=True)
    widget.page.keyboard.type("7")
    assert widget.read("units a layer") == "10"


def test_every_control_says_what_it_does(all_in_one_cell):
    assert all_in_one_cell.silent() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_the_light_and_in_the_dark(all_in_one_cell, theme):
    all_in_one_cell.theme(theme)
    try:
        contrast, text = all_in_one_cell.contrasts()[0]
        assert contrast > 4.5, text
    finally:
        all_in_one_cell.theme("light")


def test_two_that_run_side_by_side(page):
    show(page, "p = optimizer_race()\np")
    show(page, SLOW.replace("p = ", "q = ").replace("\np\n", "\nq\n"), cell=2)
    page.output(2).press("Train")
    page.output(1).press("Start")
    page.until(lambda: page.ask("len(q.runs[0].losses)") > 1)
    page.until(lambda: page.ask("p.time.value") > 3)
    page.output(1).press("Pause")
    page.until(lambda: not page.ask("p.running"), LATER)
    page.until(lambda: page.ask("[run.ended for run in q.runs]") == ["done"])
