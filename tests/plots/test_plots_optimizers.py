"""Figures of going downhill: each shows the paths, noise, rates and losses that it was given."""

import numpy as np
import pytest
from matplotlib.colors import same_color

from nn_helpers import plots
from nn_helpers.plots.base import COLOURS

H = np.diag([1.0, 50.0])
PATH = np.array([[-9.0, 1.0], [-8.0, -1.0], [-7.0, 0.5]])


def line(ax, label):
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return found


def points(line):
    return list(zip(*line.get_data(), strict=True))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def drawn(figure):
    """Draw it, so that constrained layout and ticks are made."""
    figure.canvas.draw()
    return figure


def labels_on(axis):
    return [label.get_text() for label in axis.get_ticklabels() if label.get_text()]


# Paths on a terrain


def test_each_path_is_drawn_in_its_own_plot_from_start_to_end():
    figure = plots.descent_paths(H, {"GD": PATH, "Adam": PATH + 1})
    gd, adam = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["GD", "Adam"]
    np.testing.assert_array_equal(np.transpose(line(gd, "a step").get_data()), PATH)
    np.testing.assert_array_equal(np.transpose(line(adam, "a step").get_data()), PATH + 1)
    assert points(line(gd, "start")) == [(-9.0, 1.0)]
    assert points(line(gd, "end")) == [(-7.0, 0.5)]
    assert points(line(gd, "lowest point")) == [(0, 0)]
    assert legend(figure) == ["a step", "start", "end", "lowest point"]
    assert (gd.get_xlabel(), gd.get_ylabel(), adam.get_xlabel()) == ("θ₁", "θ₂", "θ₁")


def test_a_path_may_be_a_list_of_places():
    (ax,) = plots.descent_paths(H, {"GD": list(PATH)}).axes
    np.testing.assert_array_equal(np.transpose(line(ax, "a step").get_data()), PATH)


def test_contour_lines_are_those_of_the_quadratic_form_and_double():
    turned = np.array([[26.0, 24.0], [24.0, 26.0]])
    figure = plots.descent_paths(turned, {"GD": PATH}, theta1=(-4, 4), theta2=(-3, 3))
    (ax,) = figure.axes
    _, lines = ax.collections
    levels = lines.levels
    np.testing.assert_allclose(levels[1:] / levels[:-1], 2)
    for level, path in zip(levels[-3:], lines.get_paths()[-3:], strict=True):
        theta = path.vertices
        np.testing.assert_allclose(0.5 * np.sum(theta @ turned * theta, axis=1), level, rtol=0.02)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-4, 4), (-3, 3))


def test_four_paths_are_a_low_figure_that_fits_below_a_few_lines_of_code():
    figure = plots.descent_paths(H, dict.fromkeys(("GD", "momentum", "RMSprop", "Adam"), PATH))
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 920
    assert height <= 230


# Learning rates


RATES = np.array([0.01, 0.1, 1.0])


def sweep(**lines):
    return plots.learning_rate_sweep(
        {"training loss": {name: (RATES, np.array(losses)) for name, losses in lines.items()}},
        "after 3 epochs",
        ceiling=4.0,
    )


def test_a_sweep_shows_losses_over_learning_rates():
    figure = sweep(SGD=[2.0, 1.0, 3.0], Adam=[1.0, 2.0, 3.0])
    (ax,) = figure.axes
    assert points(line(ax, "SGD")) == [(0.01, 2.0), (0.1, 1.0), (1.0, 3.0)]
    assert legend(figure) == ["SGD", "Adam"]
    assert ax.get_title() == "Training loss after 3 epochs"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate α", "training loss (nats)")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


@pytest.mark.parametrize("far", [5.0, 1e200, np.inf, np.nan])
def test_what_is_above_the_ceiling_infinite_or_nan_is_a_cross_at_the_top(far):
    figure = sweep(SGD=[2.0, 1.0, far], Adam=[2.0, 1.0, far])
    (ax,) = figure.axes
    assert points(line(ax, "SGD")) == [(0.01, 2.0), (0.1, 1.0)]
    crosses = [line for line in ax.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [list(cross.get_xdata()) for cross in crosses] == [[1.0], [1.0]]
    heights = [cross.get_ydata()[0] for cross in crosses]
    assert len(set(heights)) == 2  # no cross covers the other
    assert all(4 <= height < 8 for height in heights)
    assert legend(figure) == ["SGD", "Adam", "off the scale, or diverged"]


def test_two_losses_are_two_plots():
    lines = {"GD": (RATES, np.ones(3))}
    figure = plots.learning_rate_sweep({"training loss": lines, "validation loss": lines}, "then", 4.0)
    assert [ax.get_ylabel() for ax in figure.axes] == ["training loss (nats)", "validation loss (nats)"]


# Mini-batches


def test_angles_are_dots_with_a_line_through_their_medians():
    angles = {"first weights": np.array([[80.0, 90.0, 50.0], [40.0, 20.0, 10.0]])}
    figure = plots.gradient_angles((1, 100), angles)
    (ax,) = drawn(figure).axes
    assert points(line(ax, "first weights")) == [(1, 80.0), (100, 20.0)]
    dots = [line for line in ax.lines if line.get_marker() == "."]
    assert sorted(angle for dot in dots for angle in dot.get_ydata()) == [10, 20, 40, 50, 80, 90]
    assert 90 in [line.get_ydata()[0] for line in ax.lines]
    assert ax.get_ylabel() == "angle to the full gradient (degrees)"
    assert ax.get_xlabel() == "images in the mini-batch"
    assert ax.get_title()
    assert labels_on(ax.xaxis) == ["1", "100"]


def test_time_of_a_step_and_of_an_epoch_are_in_milliseconds():
    step, epoch = drawn(plots.time_by_batch_size((1, 10), [0.001, 0.002], examples=50)).axes
    np.testing.assert_allclose(step.lines[0].get_ydata(), [1, 2])
    np.testing.assert_allclose(epoch.lines[0].get_ydata(), [50, 10])
    for ax, title in ((step, "One step"), (epoch, "One epoch")):
        assert ax.get_title() == title
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("images in the batch", "time (ms)")
        assert labels_on(ax.xaxis) == ["1", "10"]


# Losses


def test_losses_begin_at_step_1_or_where_they_are_said_to_be():
    here, there = np.array([3.0, 2.0]), (np.array([10, 20]), np.array([1.0, 0.5]))
    figure = plots.losses_by_step({"A": {"SGD": here}, "B": {"SGD": there}}, over="epoch")
    a, b = figure.axes
    assert points(line(a, "SGD")) == [(1, 3.0), (2, 2.0)]
    assert points(line(b, "SGD")) == [(10, 1.0), (20, 0.5)]
    assert [ax.get_title() for ax in figure.axes] == ["A", "B"]
    assert (a.get_xlabel(), a.get_ylabel(), a.get_yscale()) == ("epoch", "training loss (nats)", "log")
    assert [text.get_text() for text in a.get_legend().get_texts()] == ["SGD"]


def test_logarithmic_axes_have_at_least_two_numbers_that_can_be_read():
    for low, high in ((1.1, 2.9), (0.3, 40), (1e-6, 10)):
        (ax,) = drawn(plots.losses_by_step({"A": {"SGD": np.array([high, low])}})).axes
        inside = [
            label
            for label, place in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)
            if ax.get_ylim()[0] <= place <= ax.get_ylim()[1] and label.get_text()
        ]
        assert 2 <= len(inside) <= 9, (low, high)
        assert all("$" not in label.get_text() for label in inside)


def test_the_first_steps_are_shown_by_length_and_by_loss():
    figure = plots.first_steps(
        {"with": np.array([1.0, 0.5]), "without": np.array([3.2, 2.0])},
        {"with": np.array([2.5, 2.0]), "without": np.array([3.0, 4.0])},
    )
    size, loss = figure.axes
    assert points(line(size, "without")) == [(1, 3.2), (2, 2.0)]
    assert points(line(loss, "without")) == [(1, 3.0), (2, 4.0)]
    assert size.get_ylim()[0] == 0
    assert [1, 1] in [list(line.get_ydata()) for line in size.lines]  # α itself
    assert (size.get_ylabel(), loss.get_ylabel()) == ("mean |Δθ| / α", "training loss (nats)")
    assert size.get_xlabel() == loss.get_xlabel() == "step"
    assert size.get_title()
    assert loss.get_title()
    assert legend(figure) == ["with", "without"]


def test_bands_reach_from_the_lowest_seed_to_the_highest_and_the_line_is_the_mean():
    loss = np.array([[4.0, 2.0], [3.0, 1.0], [2.0, 1.5]])
    figure = plots.runs_in_bands({"SGD": {"loss": loss, "val_loss": 2 * loss}})
    train, val = figure.axes
    assert points(line(train, "SGD")) == [(1, 3.0), (2, 1.5)]
    assert points(line(val, "SGD")) == [(1, 6.0), (2, 3.0)]
    (band,) = train.collections
    corners = band.get_paths()[0].vertices
    for epoch, low, high in ((1, 2.0, 4.0), (2, 1.0, 2.0)):
        at = corners[corners[:, 0] == epoch, 1]
        assert (at.min(), at.max()) == (low, high)
    assert (train.get_ylabel(), val.get_ylabel()) == ("training loss (nats)", "validation loss (nats)")
    assert train.get_xlabel() == val.get_xlabel() == "epoch"
    assert (train.get_title(), val.get_title()) == ("Training loss", "Validation loss")
    assert legend(figure) == ["SGD"]


# Looks


def test_a_rule_has_the_same_look_in_every_figure_and_other_lines_have_others():
    ones = np.ones(2)
    alone = plots.losses_by_step({"A": {"Adam": ones}}).axes[0]
    names = ["faster SGD", "SGD", "momentum", "Adam", "another"]
    together = plots.losses_by_step({"A": dict.fromkeys(names, ones)}).axes[0]
    colour = line(alone, "Adam").get_color()
    assert same_color(colour, line(together, "Adam").get_color())
    assert len({line.get_color() for line in together.lines}) == len(names)
    assert len({str(line._unscaled_dash_pattern) for line in together.lines}) == len(names)
    band = plots.runs_in_bands({"Adam": {"loss": np.ones((2, 2)), "val_loss": np.ones((2, 2))}})
    assert same_color(colour, line(band.axes[0], "Adam").get_color())


def test_more_lines_than_colours_begin_again():
    names = [f"line {i}" for i in range(len(COLOURS) + 2)]
    ax = plots.losses_by_step({"A": dict.fromkeys(names, np.ones(2))}).axes[0]
    assert ax.lines[0].get_color() == ax.lines[len(COLOURS)].get_color()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: plots.descent_paths(H, {"GD": PATH + x}),
        lambda x: sweep(GD=[1.0, 2.0 + x, 3.0]),
        lambda x: plots.gradient_angles((1, 8), {"a": np.array([[80.0, 85.0], [60.0, 70.0 + 9 * x]])}),
        lambda x: plots.time_by_batch_size((1, 8), [0.1, 0.2 + x], examples=80),
        lambda x: plots.losses_by_step({"A": {"SGD": np.array([2.0, 1.0 + x])}}),
        lambda x: plots.first_steps({"a": np.array([1.0, 1.0 + x])}, {"a": np.ones(2)}),
        lambda x: plots.runs_in_bands(
            {"a": {"loss": np.array([[2.0, 1.0 + x]]), "val_loss": np.ones((1, 2))}}
        ),
    ],
    ids=["paths", "sweep", "angles", "time", "losses", "first steps", "bands"],
)
def test_the_same_data_make_the_same_file_and_other_data_another(make):
    png = make(0)._repr_png_()
    assert make(0)._repr_png_() == png
    assert make(0.5)._repr_png_() != png
