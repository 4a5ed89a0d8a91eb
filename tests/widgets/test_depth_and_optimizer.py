"""Depth and optimizer on images."""

import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from scenes import in_loop, until

from nn_helpers import ClassificationNet, make_optimizer, relu_forward, sketches, train
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.widgets import depth_and_optimizer
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.canvas import GAP
from nn_helpers.widgets.depth_and_optimizer import (
    DEPTHS,
    DROPOUT,
    L2,
    OPTIMIZERS,
    SEEDS,
    SHOWN,
    WIDTHS,
    Run,
    in_words,
)


@pytest.fixture(scope="module")
def data():
    return sketches(n_train=80, n_test=10).subset(40, val=20)


def panel_of(data, **settings):
    return depth_and_optimizer(data, **{"epochs": 2, "width": 10, **settings})


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_trains_as_train_does(data, optimizer):
    panel = panel_of(data, optimizer=optimizer)
    panel.run(1000)
    (run,) = panel.runs
    name, whole, _ = OPTIMIZERS[optimizer]
    for seed in range(SEEDS):
        net = ClassificationNet(3072, [10, 10], panel.num_classes(), seed=seed)
        made, batch_size = make_optimizer(name, panel.value("lr")), None if whole else 8
        history = train(net, data, made, epochs=2, batch_size=batch_size, seed=seed, progress=False)
        assert np.array_equal(net.theta, panel.nets[seed].theta)
        assert run.steps == len(history)
        epochs = history.epochs()
        for values, name_of in ((run.losses, "data_loss"), (run.accuracies, "accuracy")):
            np.testing.assert_allclose(np.array(values)[:, seed], epochs[name_of])
        np.testing.assert_allclose(np.array(run.val_accuracies)[:, seed], epochs["val_accuracy"])
    assert run.ended == "done"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("activation", each) for each in ACTIVATIONS] + [("reg", each) for each in L2]
    + [("dropout", each) for each in DROPOUT],
)  # fmt: skip
def test_every_option_is_in_every_network(data, setting, value):
    panel = panel_of(data, seed=4)
    panel.settings[setting].value = value
    panel.run(1)
    assert [getattr(net, setting) for net in panel.nets] == [value] * SEEDS
    assert panel.runs[0].chosen[setting] == value
    first = ClassificationNet(3072, [10, 10], panel.num_classes(), panel.value("activation"), seed=4)
    assert (panel.nets[0].theta != panel.nets[1].theta).any()
    assert panel.nets[0].hidden_sizes == first.hidden_sizes


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_choosing_an_optimizer_suggests_a_rate_that_suits_it(data, optimizer):
    panel = panel_of(data)
    panel.settings["optimizer"].value = "SGD"
    panel.settings["optimizer"].value = optimizer
    assert panel.value("lr") == pytest.approx(OPTIMIZERS[optimizer][2])


@pytest.mark.parametrize("depth", range(9))
def test_every_depth_makes_a_network_of_that_depth(data, depth):
    panel = panel_of(data, depth=depth)
    panel.run(1)
    assert panel.net.hidden_sizes == [10] * depth
    assert panel.runs[0].cell == (depth, "Adam")


@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_can_be_chosen(data, width):
    panel = panel_of(data, width=width)
    panel.run(1)
    assert panel.net.hidden_sizes == [width] * 2


@pytest.mark.parametrize("epochs", [1, 3, 50])
def test_a_run_ends_after_its_epochs_and_the_axes_reach_as_far(data, epochs):
    panel = panel_of(data, depth=0, epochs=epochs)
    panel.run(10_000)
    assert len(panel.runs[0].losses) == epochs
    assert [axes.xlim[1] for axes in axes_of(panel)] == [epochs + 0.5] * 2


def test_another_choice_is_another_run_and_the_same_choice_goes_on(data):
    panel = panel_of(data)
    panel.run(3)
    panel.run(1)
    assert [run.steps for run in panel.runs] == [4]
    panel.settings["depth"].value = 1
    panel.run(2)
    assert [(run.cell[0], run.steps, run.ended) for run in panel.runs] == [(2, 4, "stopped"), (1, 2, "")]


def test_a_run_has_the_epochs_it_began_with(data):
    panel = panel_of(data, epochs=3)
    panel.advance()
    panel.settings["epochs"].value = 1
    while panel.advance():
        pass
    assert [len(run.losses) for run in panel.runs] == [3]


def axes_of(panel):
    """The axes of the curves, as they are drawn."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        module = sys.modules["nn_helpers.widgets.depth_and_optimizer"]
        patch.setattr(module, "Axes", lambda *args, **how: made.append(Axes(*args, **how)) or made[-1])
        panel._drawn = None
        panel.draw()
    return made


def curves(panel):
    """What the lines of the runs show: for each the epochs, and their means over the seeds."""
    loss, accuracy = axes_of(panel)
    lines = [mark.data for mark in panel.curves.marks if mark.kind == "line" and mark.look["width"] == 2]
    return [np.array((loss, accuracy)[i % 2].values(*line.T)) for i, line in enumerate(lines)]


def written(panel, sheet):
    return [words for mark in getattr(panel, sheet).marks if mark.kind == "texts" for *_, words in mark.data]


def cell_of(panel, depth, optimizer):
    """What a screen reader says of a cell of the grid."""
    (words,) = [mark.data for mark in panel.grid.marks if mark.look.get("id") == f"{depth} {optimizer}"]
    return words.partition(": ")[2]


def test_curves_grid_and_table_show_every_run_and_mark_the_best(data):
    panel = panel_of(data)
    for depth in (0, 1, 2):
        panel.settings["depth"].value = depth
        panel.run(1000)
    shown = curves(panel)
    for run, loss, accuracy in zip(panel.runs, shown[::2], shown[1::2], strict=True):
        np.testing.assert_allclose(loss, [[1, 2], np.minimum(np.mean(run.losses, 1), 1.3 * np.log(10))])
        np.testing.assert_allclose(accuracy, [[1, 2], 100 * np.mean(run.val_accuracies, 1)])
        mean, spread = run.best
        assert cell_of(panel, *run.cell) == f"{100 * mean:.0f} ± {100 * spread:.0f}"
        assert f"{100 * mean:.1f} ± {100 * spread:.1f} %" in panel.table.value
    assert cell_of(panel, 3, "Adam") == "empty"
    best = panel.best_of(panel.runs)
    assert best.best == max(run.best for run in panel.runs)
    rows = panel.table.value.split("<tr")[2:]
    assert len(rows) == 3
    assert [i for i, cells in enumerate(rows) if "<td>best</td>" in cells] == [panel.runs.index(best)]
    assert {"1", "2", "3", "target"} <= set(written(panel, "curves"))


def test_mean_and_spread_are_those_of_the_best_epoch_over_the_seeds():
    run = Run({}, val_accuracies=[np.array([0.1, 0.2, 0.6]), np.array([0.3, 0.3, 0.2])])
    assert run.best == pytest.approx((0.3, np.std([0.1, 0.2, 0.6], ddof=1)))
    assert Run({}).best == (-1.0, 0.0)


def test_a_band_reaches_from_the_lowest_seed_to_the_highest(data):
    panel = panel_of(data)
    panel.run(1000)
    _, accuracy = axes_of(panel)
    _, band = (mark.data for mark in panel.curves.marks if mark.kind == "rects")
    values = 100 * np.array(panel.runs[0].val_accuracies)
    np.testing.assert_allclose(band[:, 1], accuracy.y(values.max(1)))
    np.testing.assert_allclose(band[:, 1] + band[:, 3], accuracy.y(values.min(1)))


def test_the_loss_grows_within_an_epoch_and_only_what_moves_is_drawn(data):
    panel = panel_of(data)
    panel.run(5)  # an epoch
    scene, sent = panel.canvas._scene, panel.canvas.sent
    for _ in range(2):
        panel.advance()
    panel.draw()
    panel.draw()
    assert panel.canvas._scene is scene
    assert panel.canvas.sent == sent + 1
    (run,) = panel.runs
    (line,) = [mark.data for mark in panel.curves.marks if mark.kind == "line" and len(mark.data) == 2
               and mark.look["width"] == 2]  # fmt: skip
    axes, _ = axes_of(panel)
    means = [np.mean(run.losses[0]), np.mean([loss for step in run.epoch for loss, _ in step])]
    np.testing.assert_allclose(axes.values(*line.T), [[1, 1.4], np.minimum(means, 1.3 * np.log(10))])
    assert run.batches == 5


def test_the_target_is_the_best_without_hidden_layers(data):
    panel = panel_of(data, depth=1)
    panel.run(1000)
    assert "target" not in written(panel, "curves")
    panel.settings["depth"].value = 0
    panel.run(1000)
    _, accuracy = axes_of(panel)
    (line,) = [mark.data for mark in panel.curves.marks if mark.look.get("dash") == [6, 4]]
    assert accuracy.values(*line[0])[1] == pytest.approx(100 * panel.runs[1].best[0])


@pytest.mark.parametrize(("deep", "solves"), [(0.5, True), (0.44, False), (0.3, False)])
def test_the_task_is_solved_by_a_deeper_network_that_is_better_by_more_than_both_spreads(data, deep, solves):
    panel = panel_of(data)
    for depth, mean in ((0, 0.4), (2, deep)):
        accuracies = [np.array([mean - 0.03, mean, mean + 0.03])]
        run = Run({**panel._choices(), "depth": depth}, 1, "done", [np.ones(3)], accuracies, accuracies)
        panel.runs.append(run)
    panel.draw()
    assert ("Solved" in panel.task.value) == solves


def test_pressing_a_cell_chooses_it_and_filling_trains_all_that_are_empty():
    few = sketches(n_train=40, n_test=10).subset(8, val=8)

    async def scene():
        panel = panel_of(few, epochs=1)
        panel.canvas._hear(panel.canvas, {"event": "press", "spot": "5 momentum"}, [])
        await until(lambda: (panel.value("depth"), panel.value("optimizer")) == (5, "momentum"))
        panel.run(1)
        first = panel.runs[0]
        panel.fill_button.click()
        await until(lambda: panel.running)
        await until(lambda: not panel.running)
        assert {run.cell for run in panel.runs} == {(d, name) for d in DEPTHS for name in OPTIMIZERS}
        assert len(panel.runs) == len(DEPTHS) * len(OPTIMIZERS)
        assert panel.runs[0] is first
        assert all(run.chosen["lr"] == OPTIMIZERS[run.cell[1]][2] for run in panel.runs)
        assert not panel.message.value
        panel.close()

    in_loop(scene)


def test_of_many_runs_the_last_are_drawn_and_all_are_in_the_table(data):
    panel = panel_of(data, epochs=1)
    for _ in range(SHOWN + 2):
        panel.run(1000)
    assert [number for number, _ in panel.last_runs()] == list(range(3, SHOWN + 3))
    assert len(curves(panel)) == 2 * SHOWN
    assert panel.table.value.count("<tr") == SHOWN + 3


def test_one_epoch_trains_for_one_epoch(data):
    panel = panel_of(data)
    panel.step_button.click()
    assert (len(panel.runs[0].losses), panel.runs[0].steps) == (1, 5)
    panel.step_button.click()
    assert (len(panel.runs[0].losses), panel.runs[0].steps) == (2, 10)
    assert len(panel.runs) == 1
    panel.step_button.click()
    assert [len(run.losses) for run in panel.runs] == [2, 1]
    assert not panel.message.value


def test_the_headings_of_the_grid_keep_their_distance(data):
    panel = panel_of(data)
    texts = panel.canvas.figure().axes[0].texts
    boxes = [each.get_window_extent() for each in texts if each.get_text() in OPTIMIZERS]
    assert len(boxes) == len(OPTIMIZERS)
    assert all(right.x0 - left.x1 >= 6 for left, right in pairwise(boxes))
    assert panel.grid.width + GAP + panel.curves.width <= 928  # side by side in a window of 1,280 pixels


def test_one_hidden_layer_is_no_plural(data):
    panel = panel_of(data)
    spots = {mark.look["id"]: mark.data for mark in panel.grid.marks if mark.kind == "spot"}
    assert spots["1 SGD"] == "1 hidden layer, SGD: empty"
    assert spots["2 SGD"] == "2 hidden layers, SGD: empty"
    assert in_words(Run({"depth": 1, "optimizer": "Adam"})).startswith("1 hidden layer with Adam: ")


def test_forget_all_forgets_all(data):
    panel = panel_of(data)
    panel.run(1000)
    panel.reset_button.click()
    assert panel.runs == []
    assert "Nothing has been tried yet" in panel.table.value
    assert curves(panel) == []
    assert cell_of(panel, 2, "Adam") == "empty"


def test_a_run_that_diverges_says_so_and_the_next_is_another(data):
    panel = panel_of(data, optimizer="SGD", depth=8)
    panel.settings["lr"].value = 1.0
    panel.step_button.click()
    panel.step_button.click()
    assert "diverged" in panel.message.value
    assert "diverged" in panel.table.value
    assert cell_of(panel, 8, "SGD") == "diverged"
    assert panel.runs[-1].ended == "diverged"
    panel.settings["lr"].value = 1e-3
    panel.step_button.click()
    assert not panel.message.value
    assert panel.runs[-1].losses


def test_the_learners_functions_are_in_the_networks_and_their_errors_in_the_panel(data):
    calls = []

    def mine(z):
        calls.append(len(z))
        if len(calls) > 8:
            raise ZeroDivisionError("in my relu_forward")
        return relu_forward(z)

    panel = depth_and_optimizer(data, {"relu_forward": mine}, epochs=2, width=10)
    panel.step_button.click()
    assert calls
    assert "in my relu_forward" in panel.message.value
    assert panel.runs[0].ended == "failed"


def test_a_run_that_failed_can_be_the_best_and_both_are_said(data):
    left = [60]

    def mine(z):
        left[0] -= 1
        if left[0] == 0:
            raise ZeroDivisionError("in my relu_forward")
        return relu_forward(z)

    panel = depth_and_optimizer(data, {"relu_forward": mine}, epochs=2, width=10)
    panel.step_button.click()
    panel.step_button.click()
    assert panel.runs[0].ended == "failed"
    assert panel.best_of(panel.runs) is panel.runs[0]
    assert "<td>best, failed</td>" in panel.table.value


def test_nan_from_the_learners_function_points_to_it(data):
    panel = depth_and_optimizer(data, {"relu_forward": lambda z: (z * np.nan, z)}, epochs=1, width=10)
    panel.step_button.click()
    assert "diverged at step 1" in panel.message.value
    assert "Look at what your own functions return (relu_forward), or try" in panel.message.value


def test_a_change_while_it_runs_takes_effect_with_the_next_run(data):
    async def scene():
        def slow(z):
            time.sleep(0.002)
            return relu_forward(z)

        panel = depth_and_optimizer(data, {"relu_forward": slow}, epochs=50, width=10)
        panel.start()
        await until(lambda: panel.runs)
        panel.settings["depth"].value = 5
        await until(lambda: "next one" in panel.message.value)
        assert len(panel.runs) == 1
        panel.pause()
        assert not panel.running
        panel.start()
        await until(lambda: len(panel.runs) == 2)
        panel.close()
        assert [run.cell[0] for run in panel.runs] == [2, 5]
        assert panel.runs[0].ended == "stopped"

    in_loop(scene)


def test_what_cannot_be_used_is_refused(data):
    with pytest.raises(ValueError, match="no validation part"):
        depth_and_optimizer(sketches(n_train=20, n_test=10))
    with pytest.raises(ValueError, match="unknown setting 'layers'; known: 'depth'"):
        panel_of(data, layers=2)
    with pytest.raises(ValueError, match=r"unknown function 'relu_forwards'; known: .*'relu_forward'"):
        depth_and_optimizer(data, {"relu_forwards": relu_forward})
    with pytest.raises(ValueError, match="depth must be from 0 to 8; got 9"):
        panel_of(data, depth=9)
    with pytest.raises(ValueError, match="width must be one of 10, 20, 50, 100, 200; got 30"):
        panel_of(data, width=30)
    with pytest.raises(ValueError, match="lr must be greater than 0"):
        panel_of(data, lr=-0.1)


@pytest.mark.parametrize("lr", [5e-4, 0.0123])
def test_any_learning_rate_can_be_given_and_is_used_as_it_is(data, lr):
    panel = panel_of(data, lr=lr)
    panel.run(1)
    assert panel.runs[0].chosen["lr"] == panel.value("lr") == lr


def test_an_optimizer_that_is_given_comes_with_its_rate_unless_another_is_given(data):
    assert panel_of(data, optimizer="GD").value("lr") == OPTIMIZERS["GD"][2]
    assert panel_of(data, optimizer="GD", lr=0.1).value("lr") == 0.1
    assert panel_of(data, lr=0.1, optimizer="GD").value("lr") == 0.1


def test_pairs_of_arrays_serve_as_data_too_when_they_have_a_validation_part():
    from nn_helpers import points

    panel = depth_and_optimizer(points("spirals", 30, 30), epochs=1, width=10)
    panel.run(100)
    assert panel.net.num_classes == 3


def test_what_is_saved_before_the_first_run_is_a_short_one_that_leaves_nothing_behind():
    panel = depth_and_optimizer(width=20)
    table = panel.table.value
    saved = panel.saved_png()
    assert saved != panel.canvas.figure()._repr_png_()
    assert (panel.runs, panel.table.value, panel.canvas.say) == ([], table, "Nothing has been tried yet")
    panel.step()
    panel.step()
    runs = panel.runs[:]
    assert panel.saved_png() == saved
    assert panel.runs == runs
