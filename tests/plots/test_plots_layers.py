"""Figures of lessons 00 and 01: each shows what it was given, with title, axes and units."""

from itertools import pairwise

import numpy as np
import pytest

from nn_helpers import plots

NAMES = ("cat", "dog", "ship")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def line(ax, label):
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return found


def looks(ax):
    """The colour, dashes and marker of every line."""
    return [(line.get_color(), str(line._unscaled_dash_pattern), line.get_marker()) for line in ax.lines]


# predictions


def test_predictions_name_the_class_and_the_right_one_where_it_differs():
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 5, 5, 3), np.uint8)
    figure = plots.predictions(images, np.array([0, 1, 2, 1]), np.array([0, 2, 2, 0]), NAMES, columns=3)
    right, wrong, again, last, *empty = figure.axes
    assert [ax.get_title() for ax in (right, wrong)] == ["✓ cat\n", "✗ ship\nis: dog"]
    assert (again.get_title(), last.get_title()) == ("✓ ship\n", "✗ cat\nis: dog")
    assert right.title.get_color() == again.title.get_color() != wrong.title.get_color()
    assert [ax.images[0].get_array()[0, 0, 0] for ax in (right, wrong, again, last)] == [0, 1, 2, 3]
    assert len(empty) == 2
    assert not any(ax.images or ax.axison for ax in empty)


def test_predictions_cut_off_no_title():
    names = ["automobile", "airplane"]
    images = np.zeros((8, 32, 32, 3), np.uint8)
    figure = plots.predictions(images, np.zeros(8, int), np.ones(8, int), names)
    figure.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in figure.axes]
    assert boxes[0].x0 >= 0
    assert boxes[-1].x1 <= figure.bbox.width
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert max(box.y1 for box in boxes) <= figure.bbox.height


# taken_apart


def test_an_image_is_taken_apart_into_its_channels_and_numbers():
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3)).astype(np.uint8)
    image[3, 2] = 255, 128, 0
    figure = plots.taken_apart(image, corner=(3, 2), size=2)
    assert len(figure.axes) == 8
    whole, square = figure.axes[:4], figure.axes[4:]
    assert [ax.get_title().split()[0] for ax in whole[1:]] == ["red", "green", "blue"]
    np.testing.assert_array_equal(whole[0].images[0].get_array(), image)
    np.testing.assert_array_equal(square[0].images[0].get_array(), image[3:5, 2:4])
    assert texts(square[0]) == []
    for channel in range(3):
        np.testing.assert_array_equal(whole[channel + 1].images[0].get_array(), image[..., channel])
        numbers = image[3:5, 2:4, channel].ravel()
        assert texts(square[channel + 1]) == [str(number) for number in numbers]
        assert [text.get_position() for text in square[channel + 1].texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
        for ax in (whole[channel + 1], square[channel + 1]):
            assert ax.images[0].get_clim() == (0, 255)  # a dark channel stays dark
    marked = whole[1].patches[0]
    assert (marked.get_xy(), marked.get_width(), marked.get_height()) == ((1.5, 2.5), 2, 2)


def test_numbers_can_be_read_on_dark_and_on_light():
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 255
    red = plots.taken_apart(image, corner=(0, 0), size=2).axes[5]
    assert [text.get_color() for text in red.texts] == ["white", "black"]


@pytest.mark.parametrize("corner", [(7, 0), (50, -3)])
def test_a_square_that_would_reach_beyond_the_image_lies_in_its_corner(corner):
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3)).astype(np.uint8)
    square = plots.taken_apart(image, corner=corner, size=2).axes[4]
    np.testing.assert_array_equal(square.images[0].get_array(), image[6:8, 0:2])


# decision_regions


def test_points_can_be_shown_before_there_is_a_classifier():
    points, labels = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])
    (ax,) = plots.decision_regions({"two classes": None}, points, labels).axes
    assert ax.get_title() == "two classes"
    assert len(ax.collections) == 2  # the points alone


def test_decision_regions_show_each_classifier_and_how_often_it_is_right():
    points = np.array([[-1.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, -1.0]])
    labels = np.array([0, 1, 1, 1])
    classifiers = {"by side": lambda x: (x[:, 0] > 0).astype(int), "never": lambda x: np.zeros(len(x), int)}
    figure = plots.decision_regions(classifiers, points, labels)
    side, never = figure.axes
    assert (side.get_title(), never.get_title()) == ("by side: 100 % right", "never: 25 % right")
    assert (side.get_xlabel(), side.get_ylabel()) == ("first input", "second input")
    zero, one = side.collections[-2:]
    np.testing.assert_array_equal(zero.get_offsets(), points[:1])
    np.testing.assert_array_equal(one.get_offsets(), points[1:])
    assert not np.array_equal(zero.get_facecolor(), one.get_facecolor())
    assert len(zero.get_paths()[0].vertices) != len(one.get_paths()[0].vertices)  # markers of two shapes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["class 0", "class 1"]


def test_what_shows_no_regions_is_refused():
    points, labels = np.zeros((3, 2)), np.array([0, 1, 1])
    with pytest.raises(TypeError, match=r'predictors must be a dict such as {"my network": net.predict}'):
        plots.decision_regions(np.argmax, points, labels)
    with pytest.raises(TypeError, match=r"points must be a NumPy array, got list; write np\.array\(points, "):
        plots.decision_regions({"mine": None}, points.tolist(), labels)
    with pytest.raises(ValueError, match=r"labels must have shape \(3,\), one for each point, got \(2,\)"):
        plots.decision_regions({"mine": None}, points, labels[:2])


def test_the_background_changes_where_the_classifier_does():
    points, labels = np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([0, 1])
    figure = plots.decision_regions({"by side": lambda x: (x[:, 0] > 0).astype(int)}, points, labels)
    figure.canvas.draw()
    (ax,) = figure.axes
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]

    def colour(x, y):
        column, row = ax.transData.transform((x, y)).astype(int)
        return tuple(pixels[-row, column])

    assert colour(-0.6, 0.3) == colour(-0.2, -0.7) != colour(0.6, 0.3)
    assert colour(0.6, 0.3) == colour(0.2, -0.7)


# activation_graphs


def test_activations_stand_above_their_derivatives():
    z = np.linspace(-2, 2, 81)
    graphs = {"square": (z**2, 2 * z), "sine": (np.sin(z), np.cos(z))}
    square, sine, below_square, below_sine = plots.activation_graphs(z, graphs).axes
    for above, below, (name, (a, derivative)) in zip(
        (square, sine), (below_square, below_sine), graphs.items(), strict=True
    ):
        assert above.get_title() == name
        assert below.get_title() == "its derivative"
        assert (above.get_xlabel(), below.get_xlabel()) == ("z", "z")
        np.testing.assert_array_equal(above.lines[0].get_xdata(), z)
        np.testing.assert_array_equal(above.lines[0].get_ydata(), a)
        np.testing.assert_array_equal(below.lines[0].get_ydata(), derivative)
    assert (square.get_ylabel(), below_square.get_ylabel()) == ("a", "∂a/∂z")
    (a_look,), (derivative_look,) = looks(square), looks(below_square)
    assert a_look[0] != derivative_look[0]
    assert a_look[1] != derivative_look[1]
    assert square.get_ylim() == sine.get_ylim()  # or a low hill looks like a high one


def test_one_activation_stands_beside_its_derivative():
    z = np.linspace(-1, 1, 21)
    left, right = plots.activation_graphs(z, {"ReLU": (np.maximum(z, 0), (z > 0) * 1.0)}).axes
    assert (left.get_title(), right.get_title()) == ("ReLU", "its derivative")
    assert left.get_position().y0 == pytest.approx(right.get_position().y0)
    assert left.get_position().x1 < right.get_position().x0


def test_a_derivative_that_jumps_is_not_drawn_as_a_steep_line():
    z = np.linspace(-1, 1, 21)
    step = (
        plots.activation_graphs(z, {"ReLU": (np.maximum(z, 0), (z > 0) * 1.0)}).axes[1].lines[0].get_ydata()
    )
    assert np.isnan(step).sum() == 1
    assert np.isnan(step[np.searchsorted(z, 0)])
    assert np.nanmin(step) == 0
    assert np.nanmax(step) == 1


# one_feature


def feature_figure():
    x = np.arange(24.0)
    y = (x >= 12).astype(int)
    curve = np.array([0.0, 23.0]), np.array([0.25, 0.75])
    return plots.one_feature(x, y, curve, ("horse", "ship"), "blueness (standard deviations)"), x, y


def test_one_feature_shows_both_classes_the_curve_and_the_shares():
    figure, x, y = feature_figure()
    (ax,) = figure.axes
    assert ax.get_title() == "Ship or horse, judged by one number"
    assert ax.get_xlabel() == "blueness (standard deviations)"
    assert ax.get_ylabel() == "probability of ship (%)"
    for label, k in (("a horse", 0), ("a ship", 1)):
        np.testing.assert_array_equal(line(ax, label).get_xdata(), x[y == k])
        assert set(line(ax, label).get_ydata()) == {100 * k}
    np.testing.assert_array_equal(line(ax, "probability of ship").get_ydata(), [25, 75])
    shares = line(ax, "share of ships")
    np.testing.assert_array_equal(shares.get_xdata(), x.reshape(12, 2).mean(axis=1))
    np.testing.assert_array_equal(shares.get_ydata(), [0] * 6 + [100] * 6)
    assert len(figure.legends[0].get_texts()) == len(set(looks(ax))) == 4


def test_shares_are_of_examples_next_to_each_other_in_whatever_order_they_come():
    _, x, y = feature_figure()
    order = np.random.default_rng(0).permutation(len(x))
    curve = np.zeros(2), np.zeros(2)
    ax = plots.one_feature(x[order], y[order], curve, ("horse", "ship"), "x").axes[0]
    np.testing.assert_array_equal(line(ax, "share of ships").get_ydata(), [0] * 6 + [100] * 6)


# saturated_and_dead


def test_saturated_and_dead_show_shares_in_percent():
    scales, biases = np.array([0.1, 1, 10]), np.array([0.0, -1.0])
    saturated = {"sigmoid": np.array([0, 0.25, 1]), "tanh": np.array([0, 0.5, 1])}
    figure = plots.saturated_and_dead(scales, saturated, biases, {"dead": np.array([0.1, 0.9])})
    left, right = figure.axes
    assert (left.get_title(), right.get_title()) == ("Saturated", "Silent ReLUs")
    assert (left.get_xlabel(), right.get_xlabel()) == ("weights, times their usual size", "bias")
    assert left.get_ylabel() == right.get_ylabel() == "share (%)"
    assert left.get_xscale() == "log"
    assert right.get_xlim()[0] > right.get_xlim()[1]  # biases fall from left to right
    np.testing.assert_array_equal(line(left, "sigmoid").get_xdata(), scales)
    np.testing.assert_array_equal(line(left, "sigmoid").get_ydata(), [0, 25, 100])
    np.testing.assert_array_equal(line(left, "tanh").get_ydata(), [0, 50, 100])
    np.testing.assert_array_equal(line(right, "dead").get_xdata(), biases)
    np.testing.assert_allclose(line(right, "dead").get_ydata(), [10, 90])
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["sigmoid", "tanh"]
    for i in range(3):  # colours, dashes and markers all differ, in both plots together
        assert len({look[i] for look in looks(left) + looks(right)}) == 3


# difference_errors


def test_errors_are_drawn_over_the_step_on_logarithmic_axes():
    h = np.array([1e-8, 1e-4, 1e-1])
    errors = {"forward": np.array([1e-8, 1e-4, 1e-1]), "central": np.array([1e-7, 0, 1e-3])}
    figure = plots.difference_errors(h, errors)
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_title() == "The valley of the step"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step h", "relative error of the gradient")
    np.testing.assert_array_equal(line(ax, "forward").get_xdata(), h)
    np.testing.assert_array_equal(line(ax, "forward").get_ydata(), errors["forward"])
    np.testing.assert_array_equal(line(ax, "central").get_ydata(), [1e-7, np.nan, 1e-3])
    rounding, formula = ax.texts
    assert "rounding" in rounding.get_text()
    assert "formula" in formula.get_text()
    assert rounding.get_position()[0] < formula.get_position()[0]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["forward", "central"]
    assert all(one != other for one, other in zip(*looks(ax), strict=True))
