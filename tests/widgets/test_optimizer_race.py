"""The optimizer race."""

import asyncio
import io
import re
import sys

import numpy as np
import pytest
from PIL import Image
from scenes import in_loop, until

from nn_helpers import SGD, Adam, Constant, Momentum, RMSprop, StepDecay
from nn_helpers.plots import COLOURS, DASHES
from nn_helpers.plots.base import subplots
from nn_helpers.widgets import optimizer_race
from nn_helpers.widgets.optimizer_race import OPTIMIZERS, STEPS, Choice, landscape
from nn_helpers.widgets.surfaces import SURFACES, descend, surface

LIBRARY = {
    "GD": lambda lr: SGD(lr), "SGD": lambda lr: SGD(lr), "momentum": lambda lr: Momentum(lr, beta=0.9),
    "RMSprop": lambda lr: RMSprop(lr), "Adam": lambda lr: Adam(lr, beta1=0.9),
}  # fmt: skip


def expected(name, on="ravine", factor=1.0, start=None, seed=0):
    on = surface(on)
    rate = factor * on.rates.get(name, on.rates["GD"])
    return descend(on, LIBRARY[name](rate).step, STEPS, start, seed if name == "SGD" else None)


@pytest.fixture(scope="module", autouse=True)
def fixed_places():
    """Leave everything in its place: to find better ones takes as long as to draw, and nobody looks here."""

    def fixed(*arguments, **options):
        figure, axes = subplots(*arguments, **options)
        figure.set_layout_engine("none")
        return figure, axes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["nn_helpers.widgets.optimizer_race"], "subplots", fixed)
        yield


@pytest.fixture(scope="module")
def used():
    """A panel that goes from test to test, as a learner's does from idea to idea."""
    return optimizer_race()


@pytest.fixture
def panel(used):
    """The same panel as it was at first, on the ravine."""
    for name, value in {"factor": 1.0, "beta": 0.9, "seed": 0, "step": STEPS}.items():
        used.settings[name].value = value
    for box in used.taking_part.values():
        box.value = True
    for name, sliders in used.starts.items():
        for slider, value in zip(sliders, surface(name).start, strict=True):
            slider.value = value
    used.surface.value = "ravine"
    return used


def path(panel, name):
    return np.transpose(panel.artists[name][0].get_data())


def head(panel, name):
    return np.transpose(panel.artists[name][1].get_data())[0]


def curve(panel, name):
    return panel.artists[name][2].get_ydata()


def words(panel, name):
    return panel.artists[name][5].get_text()


def rows(panel):
    """The table as {name: [cells after the name]}."""
    cells = [re.findall("<td>(.*?)</td>", row) for row in panel.facts.value.split("<tr")[2:]]
    return {row[0].partition(" ")[2]: row[1:] for row in cells}


def said(panel):
    return re.search('<div role="status">(.*?)</div>', panel.facts.value).group(1)


@pytest.mark.parametrize("name", SURFACES)
def test_every_surface_shows_the_librarys_optimizers_from_its_start(panel, name):
    panel.surface.value = name
    on = surface(name)
    for optimizer in OPTIMIZERS:
        descent = expected(optimizer, name)
        np.testing.assert_array_equal(path(panel, optimizer), descent.theta)
        np.testing.assert_array_equal(head(panel, optimizer), descent.theta[-1])
        lowest = panel.loss.get_ylim()[0]
        np.testing.assert_array_equal(curve(panel, optimizer), np.maximum(descent.loss, lowest))
        rate = on.rates.get(optimizer, on.rates["GD"])
        assert words(panel, optimizer) == f"{optimizer}, α = {rate:.2g}"
        assert rows(panel)[optimizer][:2] == [f"{rate:.2g}", f"{descent.loss[-1]:.3g}"]
    assert panel.choice().begin == on.start
    assert np.transpose(panel.origin.get_data()).tolist() == [list(on.start)]
    assert (panel.map.get_xlim(), panel.map.get_ylim()) == on.limits
    assert panel.map.get_title() == f"Paths: {name}"
    assert np.transpose(panel.terrain[-1].get_data()).tolist() == [list(m) for m in on.minima]
    assert re.sub("<.*?>", "", panel.facts.value.rpartition("<p>")[2]).startswith(f"{name}: ")
    assert panel.loss.get_ylim()[1] > landscape(name)[2].max()
    assert not panel.message.value
    assert not said(panel)


def test_the_landscape_is_the_surfaces_loss_a_row_for_each_theta2():
    theta1, theta2, loss = landscape("saddle")
    assert loss[3, 7] == surface("saddle").loss(np.array([theta1[7], theta2[3]]))
    panel = optimizer_race("saddle")
    assert panel.terrain[0].levels[[0, -1]] == pytest.approx([loss.min(), loss.max()])


def test_another_surface_leaves_nothing_of_the_one_before():
    panel = optimizer_race(optimizers=["GD"])
    counts = len(panel.map.collections), len(panel.map.lines)
    before = panel.canvas.widget.value
    panel.surface.value = "saddle"
    ravine, saddle = (np.asarray(Image.open(io.BytesIO(p))) for p in (before, panel.canvas.widget.value))
    assert (ravine != saddle).any(axis=-1).mean() > 0.1  # contour lines and axes too
    assert (len(panel.map.collections), len(panel.map.lines)) == counts
    panel.surface.value = "ravine"
    assert panel.canvas.widget.value == before


@pytest.mark.parametrize("k", [0, 1, 77, STEPS])
def test_the_race_is_shown_at_every_step_of_the_slider(panel, k):
    panel.time.value = k
    for name in OPTIMIZERS:
        descent = expected(name)
        np.testing.assert_array_equal(path(panel, name), descent.theta[: k + 1])
        np.testing.assert_array_equal(head(panel, name), descent.theta[k])
        assert len(curve(panel, name)) == k + 1
        assert panel.artists[name][3].get_xdata() == [k]
    assert list(panel.now.get_xdata()) == [k, k]
    assert f"loss at step {k}<" in panel.facts.value
    order = sorted(OPTIMIZERS, key=lambda name: expected(name).loss[k])
    ranks = [int(rows(panel)[name][2]) for name in order]
    assert ranks == ([1] * 5 if k == 0 else [1, 2, 3, 4, 5])
    bold = re.findall('<tr style="font-weight: bold"><td>. (.*?)</td>', panel.facts.value)
    assert bold == (list(OPTIMIZERS) if k == 0 else [order[0]])


@pytest.mark.parametrize("factor", [0.1, 1.6, 10.0])
def test_the_rates_slider_multiplies_every_rate(panel, factor):
    panel.surface.value = "saddle"
    panel.settings["factor"].value = factor
    for name in OPTIMIZERS:
        np.testing.assert_array_equal(path(panel, name), expected(name, "saddle", factor).theta)
        rate = factor * surface("saddle").rates.get(name, 0.1)
        assert words(panel, name) == f"{name}, α = {rate:.2g}"


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.99])
def test_beta_is_momentums_and_adams_first_and_nobody_elses(panel, beta):
    kept = {name: panel.descents(panel.choice())[name] for name in OPTIMIZERS}
    panel.settings["beta"].value = beta
    on = surface("ravine")
    mine = {"momentum": Momentum(on.rates["momentum"], beta), "Adam": Adam(on.rates["Adam"], beta1=beta)}
    for name, optimizer in mine.items():
        np.testing.assert_array_equal(path(panel, name), descend(on, optimizer.step).theta)
    for name in ("GD", "SGD", "RMSprop"):
        assert panel.descents(panel.choice())[name] is kept[name]


@pytest.mark.parametrize("which", [0, 1])
def test_the_start_can_be_anywhere_in_the_map(which):
    panel = optimizer_race("two minima", optimizers=["GD"])
    slider = panel.start_sliders(panel.surface.value)[which]
    assert (slider.min, slider.max) == surface("two minima").limits[which]
    for value in (slider.min, 0.25, slider.max):
        slider.value = value
        start = panel.choice().begin
        assert start[which] == value
        np.testing.assert_array_equal(path(panel, "GD"), expected("GD", "two minima", start=start).theta)
        assert panel.origin.get_data()[which] == [value]


def test_each_surface_has_a_start_of_its_own_and_keeps_it():
    panel = optimizer_race("saddle", optimizers=["GD"])
    panel.start_sliders(panel.surface.value)[0].value = 0.5
    panel.surface.value = "plateau"
    assert panel.choice().begin == surface("plateau").start
    hidden = [slider.layout.display for slider in panel.start_row.children]
    assert hidden == ["none", "none", None, None]
    panel.surface.value = "saddle"
    assert panel.choice().begin == (0.5, 0.01)
    assert [slider.layout.display for slider in panel.start_row.children] == hidden[::-1]
    sliders = panel.start_row.children
    panel.close()
    assert all(slider.comm is None for slider in sliders)


def test_a_pages_rounding_errors_change_nothing(panel):
    panel.surface.value = "saddle"
    kept, before = panel.descents(panel.choice()), panel.canvas.widget.value
    panel.start_sliders(panel.surface.value)[1].value = 0.010000000000000009
    assert all(panel.descents(panel.choice())[name] is kept[name] for name in OPTIMIZERS)
    assert panel.canvas.widget.value == before


def test_the_seed_is_of_sgds_noise_and_changes_nobody_else(panel):
    panel.surface.value = "tiny network"
    kept = panel.descents(panel.choice())
    panel.settings["seed"].value = 7
    np.testing.assert_array_equal(path(panel, "SGD"), expected("SGD", "tiny network", seed=7).theta)
    assert not np.array_equal(path(panel, "SGD"), kept["SGD"].theta)
    assert all(panel.descents(panel.choice())[name] is kept[name] for name in OPTIMIZERS if name != "SGD")
    assert "SGD sees the gradient of mini-batches of 8 of the 60 points" in panel.facts.value
    panel.surface.value = "ravine"
    assert "SGD sees the gradient and noise of standard deviation 2" in panel.facts.value


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_everybody_can_stay_at_home_and_come_back(panel, name):
    before = panel.canvas.widget.value
    panel.taking_part[name].value = False
    assert not any(artist.get_visible() for artist in panel.artists[name])
    assert name not in rows(panel)
    assert sorted(int(cells[2]) for cells in rows(panel).values()) == [1, 2, 3, 4]
    panel.taking_part[name].value = True
    assert all(artist.get_visible() for artist in panel.artists[name])
    assert panel.canvas.widget.value == before


def test_nobody_at_all_may_race():
    panel = optimizer_race(optimizers=[])
    assert rows(panel) == {}
    assert not panel.message.value


def test_nobody_is_told_apart_by_colour_alone():
    panel = optimizer_race(mine={"one": SGD(0.01), "two": SGD(0.02)}, optimizers=["GD"])
    lines = [artists[0] for artists in panel.artists.values()]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 7
    assert [line.get_color() for line in lines] == list(COLOURS)
    assert len(set(map(str, DASHES[:6]))) == 6
    symbols = re.findall("<td>(.) ", panel.facts.value)
    assert len(set(symbols)) == 3


# Who leaves


def test_who_leaves_the_map_is_cut_off_and_named():
    panel = optimizer_race(optimizers=["GD", "Adam"], factor=1.5)
    descent = expected("GD", factor=panel.choice().factor)
    k = descent.at
    assert descent.ended
    np.testing.assert_array_equal(path(panel, "GD"), descent.theta)
    assert said(panel).startswith(f"GD left the map at step {k}. Smaller learning rates")
    assert rows(panel)["GD"][1:] == ["–", "out"]
    assert rows(panel)["Adam"][2] == "1"
    assert panel.artists["GD"][3].get_xdata() == [k - 1]
    panel.time.value = k
    assert rows(panel)["GD"][1:] == ["–", "out"]
    assert rows(panel)["Adam"][2] == "1"
    panel.time.value = k - 1
    assert not said(panel)
    assert rows(panel)["GD"][2] in "12"
    panel.settings["factor"].value = 1.0
    panel.time.value = STEPS
    assert not said(panel)


# The learner's own


class Signs:
    """Goes as far as the learning rate says, whatever the gradient's size. It remembers its steps."""

    def __init__(self, lr):
        self.lr, self.steps = lr, 0

    def step(self, theta, gradient):
        self.steps += 1
        theta -= (self.lr(self.steps) if callable(self.lr) else self.lr) * np.sign(gradient)


def test_the_learners_optimizer_races_as_it_is_and_is_not_used_up():
    mine = Signs(0.05)
    panel = optimizer_race("saddle", {"signs": mine})
    np.testing.assert_array_equal(path(panel, "signs"), descend(surface("saddle"), Signs(0.05).step).theta)
    assert (mine.steps, mine.lr) == (0, 0.05)
    assert words(panel, "signs") == "signs, α = 0.05"
    panel.settings["factor"].value = 2.0
    descent = descend(surface("saddle"), Signs(0.1).step)
    np.testing.assert_array_equal(path(panel, "signs"), descent.theta)
    assert (mine.steps, mine.lr) == (0, 0.05)


def test_a_subclass_of_the_librarys_optimizer_races():
    class MyMomentum(Momentum):
        def update(self, theta, gradient, lr, scratch, v):
            v *= self.beta
            v -= lr * gradient
            theta += v

    panel = optimizer_race(mine={"mine": MyMomentum(0.006)}, optimizers=["momentum"])
    np.testing.assert_allclose(path(panel, "mine"), path(panel, "momentum"), atol=1e-12)
    assert [cells[2] for cells in rows(panel).values()].count("1") >= 1


@pytest.mark.parametrize("schedule", [Constant(0.02), StepDecay(0.05, every=20)])
def test_a_schedule_is_multiplied_too(schedule):
    panel = optimizer_race(mine={"mine": SGD(schedule)}, optimizers=[], factor=0.5)
    wanted = SGD(lambda t: 0.5 * schedule(t))
    np.testing.assert_array_equal(path(panel, "mine"), descend(surface("ravine"), wanted.step).theta)
    assert words(panel, "mine") == "mine"
    assert rows(panel)["mine"][0] == "its own"


def test_an_optimizer_without_a_rate_races_as_it_is():
    class Fixed:
        def step(self, theta, gradient):
            theta -= 0.01 * gradient

    panel = optimizer_race(mine={"fixed": Fixed()}, optimizers=[], factor=3)
    np.testing.assert_array_equal(path(panel, "fixed"), descend(surface("ravine"), Fixed().step).theta)
    assert rows(panel)["fixed"][0] == "its own"


@pytest.mark.parametrize("name", SURFACES)
def test_a_function_gets_gds_rate_times_the_factor(name):
    def mine(theta, gradient, lr):
        theta -= lr * gradient

    panel = optimizer_race(name, {"mine": mine}, optimizers=["GD"], factor=0.5)
    np.testing.assert_array_equal(path(panel, "mine"), path(panel, "GD"))
    assert words(panel, "mine").partition(",")[2] == words(panel, "GD").partition(",")[2]


def test_an_error_in_the_learners_step_is_shown_and_the_others_go_on():
    calls = []

    def mine(theta, gradient, lr):
        theta -= lr * gradient
        calls.append(1)
        if len(calls) == 12:
            raise ZeroDivisionError("<in my step>")

    panel = optimizer_race(mine={"mine": mine})
    assert len(path(panel, "mine")) == 12
    assert said(panel) == "mine raised ZeroDivisionError at step 12. "
    alert = re.search('<pre role="alert".*?</pre>', panel.facts.value, re.S).group()
    assert "ZeroDivisionError: &lt;in my step&gt;" in alert
    assert "in mine" in alert
    assert "surfaces.py" not in alert
    assert rows(panel)["mine"][1:] == ["–", "out"]
    np.testing.assert_array_equal(path(panel, "Adam"), expected("Adam").theta)
    panel.step_button.click()
    panel.time.value = 11
    assert not said(panel)
    assert 'role="alert"' in panel.facts.value
    panel.settings["factor"].value = 0.5
    assert 'role="alert"' not in panel.facts.value
    assert not panel.message.value


def test_nan_in_the_learners_step_is_named_and_the_others_go_on():
    class Nan(Signs):
        def step(self, theta, gradient):
            super().step(theta, gradient)
            if self.steps == 5:
                theta[0] = np.nan

    panel = optimizer_race(mine={"mine": Nan(0.01)}, optimizers=["GD"])
    assert said(panel) == "mine became NaN at step 5. "
    assert len(path(panel, "mine")) == 5
    assert np.isfinite(head(panel, "mine")).all()
    np.testing.assert_array_equal(path(panel, "GD"), expected("GD").theta)


def test_a_step_that_makes_a_new_array_is_told_what_to_do():
    def returns(theta, gradient, lr):
        return theta - lr * gradient

    def forgets(theta, gradient, lr):
        theta = theta - lr * gradient

    panel = optimizer_race(mine={"returns": returns, "forgets": forgets}, optimizers=["GD"])
    assert "returns raised TypeError at step 1. forgets does not move: its step has to change" in said(panel)
    assert "must change theta in place" in panel.facts.value
    panel.time.value = 0
    assert not said(panel)


def test_who_stands_where_the_gradient_is_0_is_not_blamed():
    panel = optimizer_race("saddle", {"mine": SGD(0.1)}, theta1=0, theta2=0)
    assert np.ptp(path(panel, "mine"), axis=0).tolist() == [0, 0]
    assert not said(panel)


@pytest.mark.parametrize(
    ("mine", "error", "message"),
    [
        ([SGD(0.1)], TypeError, "mine must be a dict such as"),
        ({"mine": SGD}, TypeError, r"'mine' is a class; pass an object, SGD\(lr=0.1\)"),
        ({"mine": 0.1}, TypeError, r"'mine' must have a method step\(theta, gradient\).* got float"),
        ({"Adam": SGD(0.1)}, ValueError, "'Adam' cannot be the name of yours"),
        ({1: SGD(0.1)}, ValueError, "1 cannot be the name of yours"),
        ({"": SGD(0.1)}, ValueError, "'' cannot be the name of yours"),
        ({name: SGD(0.1) for name in "abc"}, ValueError, "race 2 of your own at a time, not 3"),
    ],
)
def test_what_cannot_race_is_refused(mine, error, message):
    with pytest.raises(error, match=message):
        optimizer_race(mine=mine)


def test_an_optimizer_that_cannot_be_copied_is_told_when_the_cell_runs():
    mine = SGD(0.1)
    mine.stream = (number for number in range(3))
    with pytest.raises(TypeError, match="generator"):
        optimizer_race(mine={"mine": mine})


def test_what_cannot_be_used_is_refused():
    with pytest.raises(ValueError, match="unknown surface 'hill'; known: 'ravine'"):
        optimizer_race("hill")
    with pytest.raises(ValueError, match="unknown optimizer 'AdamW'; known: 'GD'"):
        optimizer_race(optimizers=["AdamW"])
    with pytest.raises(ValueError, match="unknown setting 'lr'; known: 'factor'"):
        optimizer_race(lr=0.1)
    with pytest.raises(ValueError, match=r"factor must be from 0\.1 to 10; got 11"):
        optimizer_race(factor=11)
    with pytest.raises(ValueError, match="theta1 must be from -2 to 2; got 3"):
        optimizer_race("saddle", theta1=3)
    with pytest.raises(ValueError, match="step must be from 0 to 200; got 201"):
        optimizer_race(step=201)
    with pytest.raises(ValueError, match=r"beta must be from 0 to 0\.99; got 'high'"):
        optimizer_race(beta="high")


def test_settings_say_what_controls_show_at_first():
    panel = optimizer_race("plateau", optimizers=["Adam"], factor=2.0, beta=0.5, theta1=1.0, seed=3, step=10)
    assert panel.choice() == Choice(surface("plateau"), (1.0, 2.5), 2.0, 0.5, 3, 10, ("Adam",))
    assert len(path(panel, "Adam")) == 11


# Playing


def test_step_reset_and_run_move_the_slider_and_the_figure():
    panel = optimizer_race(optimizers=["GD"], step=3)
    panel.step_button.click()
    assert panel.time.value == 4
    assert len(path(panel, "GD")) == 5
    panel.run(10)
    assert panel.time.value == 14
    assert len(path(panel, "GD")) == 15
    panel.reset_button.click()
    assert panel.time.value == 0
    assert len(path(panel, "GD")) == 1
    panel.run(10_000)
    panel.step_button.click()
    assert panel.time.value == STEPS
    assert not panel.message.value


def test_nothing_is_drawn_twice(monkeypatch):
    panel = optimizer_race(optimizers=["GD"], step=3)
    draw, drawn = panel.canvas.draw, []
    monkeypatch.setattr(panel.canvas, "draw", lambda: (drawn.append(panel.time.value), draw()))
    panel.run(10)
    panel.step_button.click()
    panel.draw()
    assert drawn == [13, 14]


def test_start_in_plain_python_says_what_to_do():
    panel = optimizer_race(optimizers=["GD"])
    panel.start_button.click()
    assert "use run(steps)" in panel.message.value


def test_start_plays_one_step_a_frame_from_the_beginning_until_pause():
    async def scene():
        panel = optimizer_race(optimizers=["GD"])
        panel.start_button.click()
        await until(lambda: panel.running)
        panel.start()
        await until(lambda: 4 <= panel.time.value < STEPS)
        assert panel.time.value <= panel.frames + 1
        panel.start_button.click()
        await until(lambda: not panel.running)
        k = panel.time.value
        await asyncio.sleep(0.15)
        assert panel.time.value == k < 50
        assert len(path(panel, "GD")) == k + 1
        panel.start_button.click()
        await until(lambda: panel.time.value > k)
        panel.close()
        assert not panel.running

    in_loop(scene)


def test_the_race_ends_at_its_last_step_and_start_plays_it_again():
    async def scene():
        panel = optimizer_race(optimizers=["GD"], step=STEPS - 2)
        panel.start_button.click()
        await until(lambda: panel.frames)
        await until(lambda: not panel.running)
        assert panel.time.value == STEPS
        assert panel.start_button.description == "Start"
        await asyncio.sleep(0.02)
        assert len(path(panel, "GD")) == STEPS + 1
        panel.start_button.click()
        await until(lambda: panel.running and panel.time.value < 10)
        panel.close()

    in_loop(scene)


def test_controls_moved_while_it_plays_take_effect_at_once_and_scrubbing_goes_on_from_there():
    async def scene():
        panel = optimizer_race(optimizers=["GD"], step=5)
        panel.start_button.click()
        await until(lambda: panel.time.value > 6)
        panel.settings["factor"].value = 0.5
        panel.surface.value = "saddle"
        await until(lambda: panel.map.get_title() == "Paths: saddle")
        assert panel.running
        k = len(path(panel, "GD"))
        np.testing.assert_array_equal(path(panel, "GD"), expected("GD", "saddle", 0.5).theta[:k])
        panel.time.value = 150
        await until(lambda: panel.time.value > 151)
        assert panel.running
        panel.time.value = 20
        await until(lambda: 21 < panel.time.value < 150)
        panel.reset_button.click()
        await until(lambda: not panel.running)
        assert panel.time.value == 0
        assert not panel.message.value
        panel.close()

    in_loop(scene)


def test_controls_that_a_page_moves_while_a_frame_is_drawn_are_in_the_next_frame():
    """A page's messages may come on another thread, between any two lines."""
    panels, seen = [], []

    def mine(theta, gradient, lr):
        theta -= lr * gradient
        for panel in panels:
            panel.settings["factor"].value = 0.5
            panel.time.value = 7
            panel.taking_part["SGD"].value = False
            panel.surface.value = "saddle"

    async def scene():
        panel = optimizer_race(mine={"mine": mine})
        panel.facts.observe(lambda change: seen.append(change["new"]), "value")
        panels.append(panel)
        panel.settings["factor"].value = 0.9
        await until(lambda: len(seen) > 1)
        for part in ("<td>0.034</td>", "loss at step 200", "SGD</td>", "<p>ravine"):
            assert part in seen[0]
        for part in ("<td>0.05</td>", "loss at step 7", "<p>saddle"):
            assert part in seen[1]
        assert "SGD</td>" not in seen[1]
        await asyncio.sleep(0.1)
        assert len(seen) == 2
        assert not panel.message.value
        panel.close()

    in_loop(scene)


def test_an_error_in_the_learners_step_stays_in_sight_while_the_race_plays():
    def mine(theta, gradient, lr):
        raise ZeroDivisionError("in my step")

    async def scene():
        panel = optimizer_race(mine={"mine": mine}, optimizers=["GD"])
        panel.start_button.click()
        await until(lambda: 2 < panel.time.value < STEPS)
        assert "in my step" in panel.facts.value
        assert panel.running
        panel.close()

    in_loop(scene)


def test_the_first_figure_is_always_the_same_file_and_closing_closes():
    first, second = optimizer_race(), optimizer_race()
    second.time.value = 3
    second.surface.value = "saddle"
    second.surface.value = "ravine"
    second.time.value = STEPS
    assert first.canvas.widget.value == second.canvas.widget.value
    assert first.saved_png() == optimizer_race().saved_png()
    assert repr(first) == "OptimizerRace: run this cell to use it"
    first.close()
    assert first.ui.comm is None
    second.settings["factor"].value = 2.0
    assert not second.message.value
