"""The optimizer race."""

import asyncio
import json
import math
import re

import numpy as np
import pytest
from scenes import in_loop, until

from nn_helpers import SGD, Adam, Constant, Momentum, RMSprop, StepDecay
from nn_helpers.widgets import optimizer_race
from nn_helpers.widgets.optimizer_race import (
    OPTIMIZERS,
    STEPS,
    Choice,
    OptimizerRace,
    arrival,
    events,
    landscape,
    ranks_at,
)
from nn_helpers.widgets.surfaces import SURFACES, Descent, descend, surface

LIBRARY = {"GD": SGD, "SGD": SGD, "momentum": Momentum, "RMSprop": RMSprop, "Adam": Adam}  # β and β₁ are 0.9


def expected(name, on="ravine", rate=None, start=None, seed=0):
    on = surface(on)
    rate = on.rates.get(name, on.rates["GD"]) if rate is None else rate
    return descend(on, LIBRARY[name](rate).step, STEPS, start, seed if name == "SGD" else None)


@pytest.fixture(scope="module")
def used():
    """A panel that goes from test to test, as a learner's does from idea to idea."""
    return optimizer_race()


@pytest.fixture
def panel(used):
    """The same panel as it was at first, on the ravine, at the end of the race."""
    for name, value in {"beta": 0.9, "seed": 0, "step": STEPS}.items():
        used.settings[name].value = value
    for box in used.taking_part.values():
        box.value = True
    used.surface.value = "saddle"
    used.surface.value = "ravine"
    return used


def racing(panel):
    """Who is in the key, by name: all that is written in the line, and the place that can be pressed."""
    marks = panel.key.marks
    return {mark.look["id"]: marks[i - 2 : i + 1] for i, mark in enumerate(marks) if mark.kind == "spot"}


def moving(panel, name):
    """What the page's clock moves of an optimizer, on the map and among the curves: a line and its heads."""
    at, found = [*racing(panel)].index(name), []
    for sheet in (panel.map, panel.curves):
        clocked = [mark for mark in sheet.marks if mark.look.get("clocked")]
        starts = [*(i for i, mark in enumerate(clocked) if mark.kind == "line"), None]
        found.append(clocked[starts[at] : starts[at + 1]])
    return found


def marked(panel, name, which):
    """The values at which a mark of an optimizer's is: 0 its path, 1 the curve of its log₁₀ loss."""
    axes = panel.loss_axes if which == 1 else panel.map_axes
    return np.transpose(axes.values(*np.transpose(moving(panel, name)[which][0].data)))


def assert_path(panel, name, descent):
    path, *heads = moving(panel, name)[0]
    assert heads
    assert all(head.data is path.data for head in heads)  # they are where the page's clock is
    np.testing.assert_allclose(marked(panel, name, 0), descent.theta, atol=1e-9)


def cells(panel, name):
    """What the key says of an optimizer: its name, α, bet and arrival."""
    left, right, _ = racing(panel)[name]
    return [words for *_, words in (*left.data, *right.data)]


def spot(panel, name):
    return racing(panel)[name][-1].data


def hear(panel, **event):
    panel.canvas._hear(panel.canvas, event, [])


def said(panel):
    return re.search("<div.*?>(.*?)</div>", panel.news.value).group(1)


@pytest.mark.parametrize("name", SURFACES)
def test_every_surface_shows_the_librarys_optimizers_from_its_start(panel, name):
    panel.surface.value = name
    on = surface(name)
    for optimizer in OPTIMIZERS:
        descent = expected(optimizer, name)
        assert_path(panel, optimizer, descent)
        low, high = 10 ** np.array(panel.loss_axes.ylim)
        curve = marked(panel, optimizer, 1)
        np.testing.assert_allclose(curve[:, 0], np.arange(STEPS + 1), atol=1e-9)
        np.testing.assert_allclose(curve[:, 1], np.log10(np.clip(descent.loss, low, high)), atol=1e-9)
        rate = on.rates.get(optimizer, on.rates["GD"])
        assert cells(panel, optimizer)[:2] == [optimizer, f"{rate:.2g}"]
        assert f"loss {descent.loss[-1]:.3g}" in spot(panel, optimizer)
    assert panel.choice().begin == on.start
    (begin,) = (mark.data for mark in panel.map.marks if mark.look.get("size") == 9)
    assert [round(v, 6) for v in panel.map_axes.values(*begin[0])] == list(on.start)
    assert (panel.map_axes.xlim, panel.map_axes.ylim) == on.limits
    assert not panel.message.value


def test_the_landscape_is_the_surfaces_loss_a_row_for_each_theta2():
    loss, lowest, finish = landscape("saddle")
    on, end = surface("saddle"), len(loss) - 1
    assert loss[0, end] == on.loss(np.array([on.limits[0][1], on.limits[1][0]]))
    start = on.loss(np.array(on.start))
    assert lowest == 0 < finish
    assert finish == pytest.approx(start / 1000)


@pytest.mark.parametrize("k", [0, 1, 77, STEPS])
def test_the_race_is_shown_at_every_step_of_the_slider(panel, k):
    panel.time.value = k
    assert panel.canvas._clock == (k, 0.0, 0)
    for name in OPTIMIZERS:
        descent, finish = expected(name), landscape("ravine")[2]
        assert_path(panel, name, descent)
        assert f"loss {descent.loss[k]:.3g}" in spot(panel, name)
        at = arrival(descent, finish)
        assert cells(panel, name)[-1].endswith(f"in step {at}" if at <= k else "–")


def test_the_page_draws_each_path_as_far_as_its_clock(panel):
    sheets = json.loads(panel.canvas._scene[0])
    clocked = [mark for sheet in sheets for mark in sheet["marks"] if mark.get("clocked")]
    assert len(clocked) == 4 * len(OPTIMIZERS) + 2  # two heads are hollow: Adam's


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_a_rate_of_its_own(panel, name):
    kept = panel.descents(panel.choice())
    panel.rates[name].value = 0.01
    assert_path(panel, name, expected(name, rate=0.01))
    assert cells(panel, name)[1] == "0.01"
    now = panel.descents(panel.choice())
    assert all(now[other] is kept[other] for other in OPTIMIZERS if other != name)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.99])
def test_beta_is_momentums_and_adams_first_and_nobody_elses(panel, beta):
    kept = {name: panel.descents(panel.choice())[name] for name in OPTIMIZERS}
    panel.settings["beta"].value = beta
    on = surface("ravine")
    mine = {"momentum": Momentum(on.rates["momentum"], beta), "Adam": Adam(on.rates["Adam"], beta1=beta)}
    for name, optimizer in mine.items():
        assert_path(panel, name, descend(on, optimizer.step))
    for name in ("GD", "SGD", "RMSprop"):
        assert panel.descents(panel.choice())[name] is kept[name]


def test_the_start_can_be_dragged_on_the_map_and_no_further_than_its_edge():
    panel = optimizer_race("two minima", optimizers=["GD"])
    for theta in ((0.25, -1.0), (3.5, 3.0)):
        x, y = panel.map_axes.place(*theta)
        hear(panel, event="pointer", phase="move", sheet=0, x=x, y=y)
        assert panel.choice().begin == theta
        assert_path(panel, "GD", expected("GD", "two minima", start=theta))
    hear(panel, event="pointer", phase="up", sheet=0, x=-500, y=900)
    assert panel.choice().begin == (-3.5, -3.0)
    assert not panel.message.value


def test_each_surface_has_a_start_and_rates_of_its_own():
    panel = optimizer_race("saddle", optimizers=["GD"], rates={"GD": 0.5}, theta1=0.5)
    assert panel.choice().begin == (0.5, 0.01)
    panel.surface.value = "plateau"
    assert panel.choice().begin == surface("plateau").start
    assert panel.choice().rates == {"GD": surface("plateau").rates["GD"]}
    panel.close()
    assert all(slider.comm is None for slider in panel.settings.values())


def test_a_pages_rounding_errors_change_nothing(panel):
    panel.surface.value = "saddle"
    drawn = panel._drawn
    panel.settings["theta2"].value = 0.010000000000000009
    panel.rates["GD"].value = 0.1000000000001
    assert panel._drawn is drawn


def test_the_seed_is_of_sgds_noise_and_changes_nobody_else(panel):
    panel.surface.value = "tiny network"
    kept = panel.descents(panel.choice())
    panel.settings["seed"].value = 7
    assert_path(panel, "SGD", expected("SGD", "tiny network", seed=7))
    assert not np.array_equal(panel.descents(panel.choice())["SGD"].theta, kept["SGD"].theta)
    assert all(panel.descents(panel.choice())[name] is kept[name] for name in OPTIMIZERS if name != "SGD")
    panel.time.value = 0
    assert "SGD sees the gradient of mini-batches of 8 of the 60 points" in said(panel)
    panel.surface.value = "ravine"
    assert "SGD sees the gradient and noise of standard deviation 2" in said(panel)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_everybody_can_stay_at_home_and_come_back(panel, name):
    panel.taking_part[name].value = False
    assert [*racing(panel)] == [other for other in OPTIMIZERS if other != name]
    panel.taking_part[name].value = True
    assert_path(panel, name, expected(name))


def test_nobody_at_all_may_race():
    panel = optimizer_race(optimizers=[])
    assert racing(panel) == {}
    assert not panel.message.value


def test_nobody_is_told_apart_by_colour_alone():
    panel = optimizer_race(mine={"one": SGD(0.01), "two": SGD(0.02)})
    for at in (0, 1):
        marks = [moving(panel, name)[at] for name in racing(panel)]
        heads = [str([each.look["shape"] % 4 for each in head]) for _, *head in marks]
        assert len({line.look["colour"] for line, *_ in marks}) == len({*heads}) == 7
    in_key = [mark.look["size"] for mark in panel.key.marks if mark.kind == "points"]
    assert in_key[:10] == [5, 5, 5, 5, 5, 2, 5, 2, 5, 2]  # what is hollow has another in it


# The finish line, bets and what happens


def test_ranks_are_by_arrival_and_those_who_arrive_together_share_one():
    def falls(*loss):
        return Descent(np.zeros((len(loss), 2)), np.array(loss))

    descents = {"a": falls(3, 2, 1), "b": falls(3, 1, 9), "c": falls(3, 9, 1), "d": falls(3, np.nan, 2)}
    assert ranks_at(0, descents, 1) == {}
    assert ranks_at(1, descents, 1) == {"b": 1}
    assert ranks_at(2, descents, 1) == {"b": 1, "a": 2, "c": 2}


def test_the_race_opens_at_its_start_and_bets_are_made_there_and_paid_at_the_end():
    panel = optimizer_race()
    assert panel.time.value == 0
    for name in ("RMSprop", "Adam", "momentum"):
        hear(panel, event="press", spot=name)
    hear(panel, event="press", spot="Adam")  # takes it back, and who comes after it
    for name in ("momentum", "GD"):
        hear(panel, event="press", spot=name)
    assert panel.bets == ["RMSprop", "momentum", "GD"]
    assert [cells(panel, name)[2] for name in OPTIMIZERS] == ["3.", "", "2.", "1.", ""]
    assert "your bet: 2." in spot(panel, "momentum")
    panel.time.value = STEPS
    assert said(panel).startswith("2 of your 3 bets won.")
    hear(panel, event="press", spot="SGD")
    assert "Bets are made at the start" in panel.message.value
    assert len(panel.bets) == 3
    panel.reset_button.click()
    assert not panel.message.value


def happens(name, on, rate=None):
    return events(name, expected(name, on, rate), surface(on), landscape(on)[2])


def test_what_happens_is_told_in_a_sentence_with_its_step(panel):
    (jump,) = [k for k, words in happens("RMSprop", "ravine") if "its divisor has shrunk" in words]
    assert jump == 170 == 100 + np.argmax(expected("RMSprop", "ravine").loss[100:])
    assert "RMSprop crosses the finish line" in dict(happens("RMSprop", "ravine"))[21]
    assert any("velocity carries it on" in words for _, words in happens("momentum", "two minima"))
    for name, on in (("GD", "saddle"), ("GD", "plateau"), ("Adam", "two minima")):
        assert any("hardly moves" in words for _, words in happens(name, on))
    on_the_way = ("Adam", "saddle"), ("RMSprop", "plateau"), ("momentum", "two minima"), ("GD", "ravine")
    for name, on in on_the_way:
        assert not any("hardly moves" in words for _, words in happens(name, on))
    panel.time.value = 169
    assert "divisor" not in said(panel)
    panel.time.value = 170
    assert "Step 170: RMSprop is far off again: its divisor has shrunk" in said(panel)
    assert panel.canvas.say.startswith("Step 170.")


@pytest.mark.parametrize("name", ["ravine", "saddle", "tiny network"])
def test_the_map_of_momentums_rates_is_dark_where_momentum_gets_low(name):
    panel = optimizer_race(name)
    on, (_, lowest, finish) = surface(name), landscape(name)
    (levels,) = (mark.data[0] for mark in panel.key.marks if mark.kind == "images")
    for lr, beta in ((0.3, 0.0), (1.0, 0.9), (25.0, 0.9)):
        x, y = panel.rate_axes.place(math.log10(lr), beta)
        axes = panel.rate_axes
        column = min(int((x - axes.left) / (axes.right - axes.left) * levels.shape[1]), levels.shape[1] - 1)
        line = min(int((y - axes.top) / (axes.bottom - axes.top) * levels.shape[0]), levels.shape[0] - 1)
        every = 3 if name == "tiny network" else 1
        at = 0.1 * 250 ** (column // every * every / 24), 0.99 * (1 - line // every * every / 22)
        descent = descend(on, Momentum(at[0] * on.rates["momentum"], at[1]).step, STEPS)
        left = max((descent.loss[-1] - lowest) / (finish - lowest), 1e-3)
        level = 100 if descent.ended else min(50 + 49 / 3 * np.log10(left), 99)
        assert levels[line, column] == pytest.approx(level, abs=1.01)


def test_pressing_the_map_sets_momentums_rate_and_beta_and_a_dot_is_there():
    panel = optimizer_race()
    x, y = panel.rate_axes.place(math.log10(2), 0.5).tolist()
    hear(panel, event="pointer", phase="down", sheet=2, x=x, y=y)
    assert panel.choice().rates["momentum"] == pytest.approx(0.012)
    assert panel.choice().beta == 0.5
    dot, _ = (mark for mark in panel.key.marks if mark.look.get("size") == 7)
    assert (dot.look["shape"], dot.data[0].tolist()) == (2, pytest.approx([x, y]))
    hear(panel, event="pointer", phase="down", sheet=2, x=1, y=1)  # beside the map
    assert panel.choice().beta == 0.5


def test_the_task_is_solved_by_a_rate_between_the_two_limits_and_by_no_other():
    for rate, solves in ((0.03, False), (0.05, True), (0.08, False)):
        panel = optimizer_race(rates={"GD": rate, "momentum": rate})
        assert ("Solved" in panel.task.value) == solves
    assert "Solved" not in optimizer_race(rates={"GD": 0.05, "momentum": 0.03}).task.value
    panel = optimizer_race(rates={"GD": 0.05, "momentum": 0.05}, optimizers=["momentum"])
    assert "Solved" not in panel.task.value


# Who leaves


def test_who_leaves_the_map_is_cut_off_and_named():
    panel = optimizer_race(optimizers=["GD", "Adam"], rates={"GD": 0.06}, step=STEPS)
    descent = expected("GD", rate=0.06)
    k = descent.at
    assert descent.ended
    assert_path(panel, "GD", descent)
    assert said(panel).startswith(f"Step {k}: GD left the map.")
    assert [cells(panel, name)[-1] for name in ("GD", "Adam")] == ["out", "1. in step 56"]
    panel.time.value = k
    assert cells(panel, "GD")[-1] == "out"
    panel.time.value = k - 1
    assert "left" not in said(panel)
    assert cells(panel, "GD")[-1] == "–"


# The learner's own


class Signs:
    """Goes as far as the learning rate says, whatever the gradient's size. It remembers its steps."""

    def __init__(self, lr):
        self.lr, self.steps = lr, 0

    def step(self, theta, gradient):
        self.steps += 1
        theta -= (self.lr(self.steps) if callable(self.lr) else self.lr) * np.sign(gradient)


def test_the_learners_optimizer_races_at_its_rate_or_the_sliders_and_is_not_used_up():
    mine = Signs(0.05)
    panel = optimizer_race("saddle", {"signs": mine})
    assert_path(panel, "signs", descend(surface("saddle"), Signs(0.05).step))
    assert (mine.steps, mine.lr) == (0, 0.05)
    assert cells(panel, "signs")[:2] == ["signs", "0.05"]
    panel.rates["signs"].value = 0.1
    assert_path(panel, "signs", descend(surface("saddle"), Signs(0.1).step))
    assert (mine.steps, mine.lr) == (0, 0.05)
    panel.surface.value = "ravine"  # nobody knows what suits it there
    assert panel.choice().rates["signs"] == 0.1


def test_a_subclass_of_the_librarys_optimizer_gets_the_sliders_beta_and_the_surfaces_rate():
    class MyMomentum(Momentum):
        def update(self, theta, gradient, lr, scratch, v):
            v *= self.beta
            v -= lr * gradient
            theta += v

    panel = optimizer_race(mine={"mine": MyMomentum(0.006)}, optimizers=["momentum"])
    for change in (lambda: None, lambda: setattr(panel.settings["beta"], "value", 0.5),
                   lambda: setattr(panel.surface, "value", "saddle")):  # fmt: skip
        change()
        paths = panel.descents(panel.choice())
        np.testing.assert_allclose(paths["mine"].theta, paths["momentum"].theta, atol=1e-12)


@pytest.mark.parametrize("schedule", [Constant(0.02), StepDecay(0.05, every=20)])
def test_a_schedule_is_its_own_rate(schedule):
    panel = optimizer_race(mine={"mine": SGD(schedule)}, optimizers=[])
    assert_path(panel, "mine", descend(surface("ravine"), SGD(schedule).step))
    assert cells(panel, "mine")[:2] == ["mine", ""]
    assert [*panel.rates] == [*OPTIMIZERS]


@pytest.mark.parametrize("lr", [None, 0, -1.0, math.inf, "fast"])
def test_an_optimizer_without_a_rate_races_as_it_is(lr):
    class Fixed:
        def step(self, theta, gradient):
            theta -= 0.01 * gradient

    mine = Fixed()
    mine.lr = lr
    panel = optimizer_race(mine={"fixed": mine}, optimizers=[])
    assert_path(panel, "fixed", descend(surface("ravine"), Fixed().step))
    assert cells(panel, "fixed")[1] == ""


@pytest.mark.parametrize("lr", [1e-7, 500.0])
def test_a_rate_beyond_the_sliders_is_kept(lr):
    panel = optimizer_race("saddle", {"signs": Signs(lr)}, optimizers=[])
    assert panel.choice().rates["signs"] == lr


@pytest.mark.parametrize("name", SURFACES)
def test_a_function_gets_gds_rate_at_first(name):
    def mine(theta, gradient, lr):
        theta -= lr * gradient

    panel = optimizer_race(name, {"mine": mine}, optimizers=["GD"])
    assert_path(panel, "mine", expected("GD", name))
    assert cells(panel, "mine")[1] == cells(panel, "GD")[1]


def test_an_error_in_the_learners_step_is_shown_and_the_others_go_on():
    calls = []

    def mine(theta, gradient, lr):
        theta -= lr * gradient
        calls.append(1)
        if len(calls) == 12:
            raise ZeroDivisionError("<in my step>")

    panel = optimizer_race(mine={"mine": mine}, step=15)
    assert len(marked(panel, "mine", 0)) == 12
    assert said(panel).endswith("· Step 12: mine raised ZeroDivisionError.")
    alert = re.search('<pre role="alert".*?</pre>', panel.news.value, re.S).group()
    assert "ZeroDivisionError: &lt;in my step&gt;" in alert
    assert "in mine" in alert
    assert "surfaces.py" not in alert
    assert cells(panel, "mine")[-1] == "out"
    assert_path(panel, "Adam", expected("Adam"))
    panel.step_button.click()
    panel.time.value = 11
    assert "raised" not in said(panel)
    assert 'role="alert"' in panel.news.value
    panel.rates["mine"].value = 0.01
    assert 'role="alert"' not in panel.news.value
    assert not panel.message.value


def test_nan_in_the_learners_step_is_named_and_the_others_go_on():
    class Nan(Signs):
        def step(self, theta, gradient):
            super().step(theta, gradient)
            if self.steps == 5:
                theta[0] = np.nan

    panel = optimizer_race(mine={"mine": Nan(0.01)}, optimizers=["GD"], step=10)
    assert said(panel) == "Step 5: mine became NaN."
    assert len(marked(panel, "mine", 0)) == 5
    assert np.isfinite(marked(panel, "mine", 0)).all()
    assert_path(panel, "GD", expected("GD"))


def test_a_step_that_makes_a_new_array_is_told_what_to_do():
    def returns(theta, gradient, lr):
        return theta - lr * gradient

    def forgets(theta, gradient, lr):
        theta = theta - lr * gradient

    panel = optimizer_race(mine={"returns": returns, "forgets": forgets}, optimizers=["GD"], step=1)
    assert "Step 1: forgets does not move: its step has to change theta in place" in said(panel)
    assert "Step 1: returns raised TypeError" in said(panel)
    assert "must change theta in place" in panel.news.value
    panel.time.value = 0
    assert "Step" not in said(panel)


def test_who_stands_where_the_gradient_is_0_is_not_blamed():
    panel = optimizer_race("saddle", {"mine": SGD(0.1)}, theta1=0, theta2=0, step=STEPS)
    assert np.ptp(marked(panel, "mine", 0), axis=0).tolist() == [0, 0]
    mine = panel.descents(panel.choice())["mine"]
    told = dict(events("mine", mine, surface("saddle"), landscape("saddle")[2]))
    assert any("mine hardly moves" in words for words in told.values())
    assert "does not move" not in said(panel)


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


def test_a_race_that_was_refused_can_be_closed(monkeypatch):
    made = []
    monkeypatch.setattr(OptimizerRace, "_make_controls", lambda race, *_: made.append(race) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        optimizer_race()
    made[0].close()  # as it is when Python gives its memory back
    assert made[0].closed


def test_an_optimizer_that_cannot_be_copied_is_told_when_the_cell_runs():
    mine = SGD(0.1)
    mine.stream = (number for number in range(3))
    with pytest.raises(TypeError, match="generator"):
        optimizer_race(mine={"mine": mine})


def test_what_cannot_be_used_is_refused():
    cases = [
        ({"surface": "hill"}, "unknown surface 'hill'; known: 'ravine'"),
        ({"optimizers": ["AdamW"]}, "unknown optimizer 'AdamW'; known: 'GD'"),
        ({"lr": 0.1}, "unknown setting 'lr'; known: 'beta'"),
        ({"rates": {"GD": 11}}, r"GD must be from 0\.0001 to 10; got 11"),
        ({"rates": {"gd": 1}}, "unknown setting 'gd'; known: 'GD'"),
        ({"surface": "saddle", "theta1": 3}, "theta1 must be from -2 to 2; got 3"),
        ({"step": 201}, "step must be from 0 to 200; got 201"),
        ({"beta": "high"}, r"beta must be from 0 to 0\.99; got 'high'"),
    ]
    for wrong, message in cases:
        with pytest.raises(ValueError, match=message):
            optimizer_race(**wrong)


def test_settings_say_what_controls_show_at_first():
    panel = optimizer_race(
        "plateau", optimizers=["Adam"], rates={"Adam": 2.0}, beta=0.5, theta1=1, seed=3, step=10
    )
    assert panel.choice() == Choice(surface("plateau"), (1.0, 2.5), {"Adam": 2.0}, 0.5, 3, 10, ())


# Playing


def test_step_reset_and_run_move_the_slider_and_the_figure():
    panel = optimizer_race(optimizers=["GD"], step=3)
    panel.step_button.click()
    assert panel.time.value == 4
    panel.run(10)
    assert panel.canvas._clock == (14, 0.0, 0)
    panel.reset_button.click()
    assert panel.time.value == 0
    assert panel.canvas._clock == (0, 0.0, 0)
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


def test_start_lets_the_pages_clock_run_and_the_slider_follows_until_pause():
    async def scene():
        panel = optimizer_race(optimizers=["GD"])
        panel.speed.value = 40
        panel.start()
        panel.start()
        await until(lambda: panel.canvas._clock == (0, 40, STEPS))
        await until(lambda: 4 <= panel.time.value < STEPS)
        assert panel.canvas._clock == (0, 40, STEPS)  # the page goes on by itself
        panel.pause()
        k = panel.time.value
        assert panel.canvas._clock == (k, 0.0, 0)
        await asyncio.sleep(0.25)
        assert panel.time.value == k < STEPS
        panel.start()
        await until(lambda: panel.time.value > k)
        panel.close()
        assert not panel.running

    in_loop(scene)


def test_the_race_ends_at_its_last_step_and_start_plays_it_again():
    async def scene():
        panel = optimizer_race(optimizers=["GD"], step=STEPS - 2)
        panel.start()
        await until(lambda: not panel.running)
        assert panel.time.value == STEPS
        assert panel.canvas._clock[:2] == (STEPS, 0.0)
        panel.start()
        await until(lambda: panel.running and panel.time.value < 10)
        panel.close()

    in_loop(scene)


def test_controls_moved_while_it_plays_take_effect_at_once_and_scrubbing_goes_on_from_there():
    async def scene():
        panel = optimizer_race(optimizers=["GD"], step=5)
        panel.start()
        await until(lambda: panel.time.value > 6)
        panel.rates["GD"].value = 0.01
        await until(lambda: "0.01" in cells(panel, "GD"))
        assert panel.running
        assert_path(panel, "GD", expected("GD", rate=0.01))
        panel.time.value = 150
        await until(lambda: panel.canvas._clock == (150, 20, STEPS))
        await until(lambda: panel.time.value > 151)
        panel.time.value = 20
        await until(lambda: 21 < panel.time.value < 150)
        panel.speed.value = 5
        await until(lambda: panel.canvas._clock[1] == 5)
        panel.reset()
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
            panel.rates["GD"].value = 0.02
            panel.time.value = 7
            panel.taking_part["SGD"].value = False

    async def scene():
        panel = optimizer_race(mine={"mine": mine})
        draw = panel.canvas.draw
        panel.canvas.draw = lambda: (seen.append((cells(panel, "GD")[1], [*racing(panel)])), draw())
        panels.append(panel)
        panel.rates["mine"].value = 0.03
        await until(lambda: len(seen) > 1)
        assert seen[0] == ("0.038", [*OPTIMIZERS, "mine"])
        assert seen[1] == ("0.02", ["GD", "momentum", "RMSprop", "Adam", "mine"])
        await asyncio.sleep(0.1)
        assert len(seen) == 2
        assert panel._drawn.step == 7
        assert not panel.message.value
        panel.close()

    in_loop(scene)


def test_an_error_in_the_learners_step_stays_in_sight_while_the_race_plays():
    def mine(theta, gradient, lr):
        raise ZeroDivisionError("in my step")

    async def scene():
        panel = optimizer_race(mine={"mine": mine}, optimizers=["GD"])
        panel.start()
        await until(lambda: 2 < panel.time.value < STEPS)
        assert "in my step" in panel.news.value
        assert panel.running
        panel.close()

    in_loop(scene)


def test_what_is_saved_at_the_start_is_the_end_of_the_race_and_always_the_same_file():
    first, second = optimizer_race(), optimizer_race()
    second.surface.value = "saddle"
    second.surface.value = "ravine"
    second.time.value = STEPS
    saved = first.saved_png()
    assert saved == second.saved_png()
    second.time.value = 3
    assert second.saved_png() != saved
    assert (first.time.value, first.canvas._clock) == (0, (0, 0.0, 0))
    assert repr(first) == "OptimizerRace: run this cell to use it"
    first.close()
    assert first.ui.comm is None
    second.rates["GD"].value = 2.0
    assert not second.message.value
