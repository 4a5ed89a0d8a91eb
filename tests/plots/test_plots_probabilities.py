"""Figures of logits and probabilities: each shows the numbers it was given, with signs, units and words."""

import numpy as np
import pytest

from nn_helpers import plots

NAMES = ["cat", "dog", "frog"]
IMAGE = np.full((4, 4, 3), 7, np.uint8)


def lengths(ax):
    """The lengths of the bars from the top, and their names."""
    bars = sorted(ax.patches, key=lambda bar: bar.get_y())
    return [bar.get_width() for bar in bars]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def names_from_the_top(ax):
    assert ax.yaxis.get_inverted()
    return [label.get_text() for label in ax.get_yticklabels()]


def inside(figure, artists):
    """Whether texts lie within the figure, so that nothing is cut off."""
    figure.canvas.draw()
    page = figure.bbox
    boxes = [artist.get_window_extent() for artist in artists]
    return all(page.x0 <= b.x0 and b.x1 <= page.x1 and page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)


# An image and its scores


def test_scores_are_bars_beside_the_image_each_with_its_number():
    figure = plots.image_with_scores(IMAGE, np.array([-1.25, 0.0, 3.5]), NAMES)
    example, bars = figure.axes
    np.testing.assert_array_equal(example.images[0].get_array(), IMAGE)
    assert lengths(bars) == [-1.25, 0.0, 3.5]
    assert texts(bars) == ["−1.25", "0", "3.50"]
    assert names_from_the_top(bars) == NAMES
    assert bars.get_xlabel() == "logit"
    assert bars.get_title() == "One logit for each class"
    assert example.get_title()


def test_the_quantity_is_named():
    _, bars = plots.image_with_scores(IMAGE, np.array([0.2, 0.3, 0.5]), NAMES, "probability").axes
    assert bars.get_xlabel() == "probability"
    assert bars.get_title() == "One probability for each class"


def test_a_score_too_small_to_print_is_no_nought():
    _, bars = plots.image_with_scores(IMAGE, np.array([0.001, -0.001, 0.0]), NAMES).axes
    assert texts(bars) == ["0.00", "0.00", "0"]


def test_numbers_stand_at_the_ends_of_their_bars_and_none_is_cut_off():
    figure = plots.image_with_scores(IMAGE, np.array([-80.0, 0.0, 350.0]), NAMES)
    left, _, right = figure.axes[1].texts
    assert (left.get_ha(), right.get_ha()) == ("right", "left")
    assert (left.xy[0], right.xy[0]) == (-80.0, 350.0)
    assert inside(figure, figure.axes[1].get_yticklabels())
    plot = figure.axes[1].get_window_extent()
    boxes = [text.get_window_extent() for text in figure.axes[1].texts]
    assert all(plot.x0 <= box.x0 and box.x1 <= plot.x1 for box in boxes)


# Temperatures


def test_each_temperature_has_its_bars_on_one_scale():
    figure = plots.bars_at_temperatures({0.5: np.array([0.9, 0.1, 0.0]), 4: np.array([0.4, 0.3, 0.3])}, NAMES)
    cold, hot = figure.axes
    assert (cold.get_title(), hot.get_title()) == ("T = 0.5", "T = 4")
    assert lengths(cold) == [0.9, 0.1, 0.0]
    assert lengths(hot) == [0.4, 0.3, 0.3]
    assert cold.get_xlim() == hot.get_xlim()
    assert cold.get_xlabel() == hot.get_xlabel() == "probability"
    assert names_from_the_top(cold) == NAMES
    assert not hot.yaxis.get_tick_params()["labelleft"]  # the names stand there once
    assert inside(figure, [*cold.texts, *hot.texts])


def test_losses_over_temperature_have_their_lowest_points_marked():
    T = np.array([0.5, 1.0, 2.0, 4.0])
    losses = {"validation": np.array([3.0, 2.0, 1.0, 2.0]), "test": np.array([3.0, 1.5, 2.0, 2.5])}
    figure = plots.loss_over_temperature(T, losses)
    (ax,) = figure.axes
    validation, best_validation, test, best_test = ax.lines
    np.testing.assert_array_equal(validation.get_xydata(), np.stack([T, losses["validation"]], axis=1))
    np.testing.assert_array_equal(test.get_ydata(), losses["test"])
    assert best_validation.get_xydata().tolist() == [[2.0, 1.0]]
    assert best_test.get_xydata().tolist() == [[1.0, 1.5]]
    assert validation.get_linestyle() != test.get_linestyle()
    assert best_validation.get_marker() != best_test.get_marker()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["validation", "test"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.5", "1", "2", "4"]
    assert ax.get_xscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("temperature T", "loss (nats)")
    assert ax.get_title()


# Two classes


def test_two_classes_shows_both_probabilities_and_the_sigmoid():
    z = np.array([-1.0, 0.0, 1.0])
    p = np.array([[0.3, 0.7], [0.5, 0.5], [0.7, 0.3]])
    figure = plots.two_classes(z, p, np.array([0.25, 0.5, 0.75]))
    (ax,) = figure.axes
    first, second, sigmoid = ax.lines
    np.testing.assert_array_equal(first.get_xydata(), np.stack([z, p[:, 0]], axis=1))
    np.testing.assert_array_equal(second.get_ydata(), p[:, 1])
    np.testing.assert_array_equal(sigmoid.get_ydata(), [0.25, 0.5, 0.75])
    assert sigmoid.get_linestyle() == "None"
    assert first.get_linestyle() != second.get_linestyle()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "softmax, first class",
        "softmax, second class",
        "sigmoid of the difference",
    ]
    assert "z₁ − z₂" in ax.get_xlabel()
    assert ax.get_ylabel() == "probability"
    assert ax.get_title()


# Cost


def test_the_cost_is_minus_the_logarithm_and_examples_lie_on_it():
    figure = plots.cost_of_probability({"half": 0.5, "tiny": 1e-4})
    (ax,) = figure.axes
    curve, half, tiny = ax.lines
    p, cost = curve.get_data()
    np.testing.assert_allclose(cost, -np.log(p), atol=1e-15)
    assert p[-1] == 1
    assert p[0] <= 1e-4  # the curve goes on to the smallest example
    assert half.get_xydata().tolist() == [[0.5, -np.log(0.5)]]
    assert tiny.get_xydata().tolist() == [[1e-4, -np.log(1e-4)]]
    assert texts(ax) == ["half: 0.69", "tiny: 9.21"]
    assert ax.get_ylabel() == "−log p (nats)"
    assert "true class" in ax.get_xlabel()
    assert ax.get_title()


def test_a_cost_that_is_infinite_is_left_out_of_the_figure():
    figure = plots.cost_of_probability({"half": 0.5, "impossible": 0.0})
    assert [text.get_text() for text in figure.axes[0].texts] == ["half: 0.69"]


def test_an_example_near_certainty_is_not_cut_off():
    figure = plots.cost_of_probability({"sure and right": 0.97})
    assert inside(figure, figure.axes[0].texts)


@pytest.mark.parametrize("classes", [2, 10])
def test_first_losses_stand_beside_log_c(classes):
    spreads, losses = np.array([0.1, 1.0, 4.0]), np.array([2.3, 2.8, 6.0])
    figure = plots.first_losses(spreads, losses, classes, {"He": (1.3, 3.1)})
    (ax,) = figure.axes
    line, level, he = ax.lines
    np.testing.assert_array_equal(line.get_xydata(), np.stack([spreads, losses], axis=1))
    np.testing.assert_allclose(level.get_ydata(), np.log(classes))
    assert line.get_linestyle() != level.get_linestyle()
    assert he.get_xydata().tolist() == [[1.3, 3.1]]
    assert texts(ax) == ["He"]
    assert ax.get_xscale() == "log"
    assert ax.get_ylim()[0] == 0  # so that "a little above" looks it
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("standard deviation of the logits", "loss (nats)")
    assert any(f"log {classes}" in text.get_text() for text in figure.legends[0].get_texts())


# Gradient


def test_the_jacobian_shows_every_number_in_its_place():
    J = np.array([[0.25, -0.2, -0.05], [-0.2, 0.21, -0.01], [-0.05, -0.01, 0.06]])
    J[0, 2] = -0.5  # row 0, column 2: not symmetric, to tell rows from columns
    (ax,) = plots.softmax_jacobian(J, NAMES).axes
    np.testing.assert_array_equal(ax.images[0].get_array(), J)
    assert ax.images[0].get_clim() == (-0.5, 0.5)  # 0 is the neutral colour
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    assert shown[2, 0] == "−0.50"  # (x, y): column, row
    assert shown[0, 2] == "−0.05"
    assert shown[1, 1] == "0.21"
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert "zⱼ" in ax.get_xlabel()
    assert "pₖ" in ax.get_ylabel()
    ink = {text.get_text(): text.get_color() for text in ax.texts}
    assert (ink["−0.50"], ink["0.06"]) == ("white", "black")  # on a dark and on a light square


def test_p_minus_y_shows_all_three_and_which_logits_go_down():
    p, y = np.array([0.5, 0.2, 0.3]), np.array([0.0, 1.0, 0.0])
    figure = plots.p_minus_y(p, y, NAMES)
    first, second, third = figure.axes
    assert lengths(first) == [0.5, 0.2, 0.3]
    assert lengths(second) == [0, 1, 0]
    assert lengths(third) == [0.5, -0.8, 0.3]
    assert texts(third) == ["0.50", "−0.80", "0.30"]
    assert names_from_the_top(first) == NAMES
    bars = sorted(third.patches, key=lambda bar: bar.get_y())
    hatched = [bool(bar.get_hatch()) for bar in bars]
    assert hatched == [True, False, True]  # not by colour alone
    assert bars[0].get_facecolor() == bars[2].get_facecolor() != bars[1].get_facecolor()
    assert not any(bar.get_hatch() for bar in [*first.patches, *second.patches])
    assert [ax.get_title()[:3].strip(" ,") for ax in figure.axes] == ["p", "y", "p −"]
    assert "∂L/∂z" in third.get_xlabel()
    assert inside(figure, [*first.texts, *second.texts, *third.texts])


def test_every_figure_is_readable_on_a_narrow_page():
    p = np.array([0.5, 0.2, 0.3])
    figures = [
        plots.image_with_scores(IMAGE, p, NAMES),
        plots.bars_at_temperatures({1: p}, NAMES),
        plots.two_classes(p, np.stack([p, p], axis=1), p),
        plots.cost_of_probability({"a": 0.5}),
        plots.first_losses(p, p, 3, {}),
        plots.softmax_jacobian(np.outer(p, p), NAMES),
        plots.p_minus_y(p, p, NAMES),
        plots.loss_over_temperature(p, {"a": p}),
    ]
    for figure in figures:
        assert figure.get_size_inches()[0] * figure.dpi <= 900
        assert figure._repr_png_().startswith(b"\x89PNG")
