"""Depth and optimizer on images."""

import asyncio
import time

import numpy as np
import pytest

from nn_helpers import ClassificationNet, make_optimizer, relu_forward, sketches, train
from nn_helpers.widgets import depth_and_optimizer
from nn_helpers.widgets.depth_and_optimizer import OPTIMIZERS, SHOWN, WIDTHS


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
    net = ClassificationNet(3072, [10, 10], panel.num_classes(), seed=0)
    optimizer = make_optimizer(name, panel.value("lr"))
    history = train(net, data, optimizer, epochs=2, batch_size=None if whole else 8, progress=False)
    assert np.array_equal(net.theta, panel.net.theta)
    assert run.steps == len(history)
    epochs = history.epochs()
    np.testing.assert_allclose(run.losses, epochs["data_loss"])
    np.testing.assert_allclose(run.accuracies, epochs["accuracy"])
    np.testing.assert_allclose(run.val_accuracies, epochs["val_accuracy"])
    assert run.ended == "done"


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
    assert panel.runs[0].depth == depth
    assert f"{depth} hidden, Adam" in panel.runs[0].name


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
    assert panel.loss.get_xlim()[1] == epochs + 0.5


def test_another_choice_is_another_run_and_the_same_choice_goes_on(data):
    panel = panel_of(data)
    panel.run(3)
    panel.run(1)
    assert [run.steps for run in panel.runs] == [4]
    panel.settings["depth"].value = 1
    panel.run(2)
    assert [(run.depth, run.steps, run.ended) for run in panel.runs] == [(2, 4, "stopped"), (1, 2, "")]


def test_curves_and_table_show_every_run_and_mark_the_best(data):
    panel = panel_of(data)
    for depth in (0, 1, 2):
        panel.settings["depth"].value = depth
        panel.run(1000)
    for i, run in enumerate(panel.runs):
        np.testing.assert_array_equal(panel.lines[0][i].get_ydata(), run.losses)
        np.testing.assert_array_equal(panel.lines[1][i].get_ydata(), 100 * np.array(run.val_accuracies))
    best = panel.best_run()
    assert panel.runs[best - 1].best == max(run.best for run in panel.runs)
    rows = panel.table.value.split("<tr")[2:]
    assert len(rows) == 3
    assert [i for i, cells in enumerate(rows, 1) if "<td>best</td>" in cells] == [best]
    assert [text.get_text()[0] for text in panel.key.get_legend().get_texts()] == ["1", "2", "3"]


def test_the_curve_of_the_loss_grows_with_every_step(data):
    panel = panel_of(data)
    panel.run(5 + 2)  # 5 steps are an epoch
    x, y = panel.lines[0][0].get_data()
    assert list(x) == [1, 7 / 5]
    assert y[0] == panel.runs[0].losses[0]
    two = [loss for loss, _ in panel.runs[0].epoch]
    assert len(two) == 2
    assert y[1] == pytest.approx(np.mean(two))
    assert len(panel.lines[1][0].get_xdata()) == 1  # validation comes with the end of an epoch
    panel.run(3)
    assert list(panel.lines[0][0].get_xdata()) == [1, 2]


def test_of_many_runs_the_last_are_drawn_and_all_are_in_the_table(data):
    panel = panel_of(data, epochs=1)
    for _ in range(SHOWN + 2):
        panel.run(1000)
    assert [number for number, _ in panel.last_runs()] == list(range(3, SHOWN + 3))
    assert sum(len(line.get_xdata()) > 0 for line in panel.lines[0]) == SHOWN
    assert panel.table.value.count("<tr") == SHOWN + 3
    third = panel.lines[0][2].get_ydata()
    assert list(third) == panel.runs[2].losses


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


def test_forget_all_forgets_all(data):
    panel = panel_of(data)
    panel.run(1000)
    panel.reset_button.click()
    assert panel.runs == []
    assert "Nothing was tried yet" in panel.table.value
    assert all(len(line.get_xdata()) == 0 for lines in panel.lines for line in lines)
    assert panel.key.get_legend() is None


def test_a_run_that_diverges_says_so_and_the_next_is_another(data):
    panel = panel_of(data, optimizer="SGD", depth=8)
    panel.settings["lr"].value = 1.0
    panel.step_button.click()
    panel.step_button.click()
    assert "diverged" in panel.message.value
    assert "diverged" in panel.table.value
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
    left = [20]

    def mine(z):
        left[0] -= 1
        if left[0] == 0:
            raise ZeroDivisionError("in my relu_forward")
        return relu_forward(z)

    panel = depth_and_optimizer(data, {"relu_forward": mine}, epochs=2, width=10)
    panel.step_button.click()
    panel.step_button.click()
    assert panel.runs[0].ended == "failed"
    assert panel.best_run() == 1
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
        panel.start_button.click()
        await asyncio.sleep(0.05)
        assert panel.running
        panel.settings["depth"].value = 5
        await asyncio.sleep(0.05)
        assert "next one" in panel.message.value
        assert len(panel.runs) == 1
        panel.start_button.click()
        await asyncio.sleep(0.05)
        assert not panel.running
        panel.start_button.click()
        await asyncio.sleep(0.1)
        panel.close()
        assert [run.depth for run in panel.runs] == [2, 5]
        assert panel.runs[0].ended == "stopped"

    asyncio.run(asyncio.wait_for(scene(), 20))


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
    assert panel.runs[0].lr == panel.value("lr") == lr


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
    frame, table = panel.canvas.widget.value, panel.table.value
    saved = panel.saved_png()
    assert saved != panel.canvas.figure._repr_png_()
    assert (panel.runs, panel.canvas.widget.value, panel.table.value) == ([], frame, table)
    panel.step()
    panel.step()
    runs = panel.runs[:]
    panel.saved_png()
    assert panel.runs == runs
