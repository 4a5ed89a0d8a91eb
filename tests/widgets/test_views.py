"""The parts of the playground's drawing: what is drawn for what was given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nn_helpers import layers, points, sketches
from nn_helpers.plots import COLOURS
from nn_helpers.widgets import views
from nn_helpers.widgets.canvas import Sheet
from nn_helpers.widgets.views import DIVERGING, Curves, Regions, Samples, dead_units, round_up, shares, signed


@pytest.fixture
def sheet():
    return Sheet(330, 450, "")


# Regions


def colours(regions):
    """The colours of the plane (CELLS, CELLS, 3), the upper row first."""
    return np.reshape(regions.image.look["palette"], (-1, 3))[regions.image.data[0]].astype(float)


@pytest.mark.parametrize("kind", ["moons", "spirals"])
def test_regions_take_the_colour_of_the_class_and_its_strength_from_the_probability(sheet, kind):
    data = points(kind)
    regions, C = Regions(sheet, data), data.train.labels.max() + 1
    for k in range(C):
        for sure in (0.0, 0.5, 1.0):
            p = np.full((len(regions.x), C), (1 - sure) / C)
            p[:, k] += sure
            regions.show(p)
            expected = 255 * (1 - 0.6 * sure * (1 - np.array(to_rgb(COLOURS[k]))))
            assert np.abs(colours(regions) - expected).max() < 4


def test_regions_lie_where_the_points_do(sheet):
    regions = Regions(sheet, points("moons"))
    p = np.zeros((len(regions.x), 2))
    p[np.arange(len(p)), (regions.x[:, 1] > 0).astype(int)] = 1  # class 1 above
    regions.show(p)
    (x, y, width, height), middle = regions.image.look["boxes"][0], regions.axes.place(0, 0)
    assert middle.tolist() == [x + width / 2, y + height / 2]
    above, below = colours(regions)[:20], colours(regions)[-20:]
    assert (above[..., 0] > above[..., 2]).all()
    assert (below[..., 0] < below[..., 2]).all()


def test_regions_without_numbers_stay_white(sheet):
    regions = Regions(sheet, points("moons"))
    regions.show(np.full((len(regions.x), 2), np.nan))
    assert (colours(regions) == 255).all()


@pytest.mark.parametrize("kind", ["moons", "spirals", "circles", "blobs", "xor"])
def test_every_point_is_drawn_with_a_shape_of_its_class(sheet, kind):
    data = points(kind)
    regions = Regions(sheet, data)
    marks = [mark for mark in sheet.marks if mark.kind == "points"]
    for part, size in ((data.train, 4.5), (data.val, 3)):
        for label in range(4):
            (mark,) = (each for each in marks if each.look["shape"] == label and each.look["size"] == size)
            assert np.allclose(mark.data, regions.axes.place(*part.inputs[part.labels == label].T))


def test_a_unit_takes_the_place_of_the_regions_and_gives_it_back(sheet):
    regions = Regions(sheet, points("moons"))
    p = np.full((len(regions.x), 2), 0.5)
    regions.show(p, regions.x[:, 0], "Unit 1")
    left, right = DIVERGING[regions.unit.data[0]][24, [0, -1]].astype(int)
    assert left[0] > left[2]
    assert right[0] < right[2]
    regions.show(p)
    assert len(regions.unit.data) == 0


def test_signed_values_are_white_at_0_and_nan_is_0():
    found = DIVERGING[signed(np.array([-9.0, 0, np.nan, 9]), 1)].astype(int)
    assert np.abs(found[1:3] - 255).max() < 3
    assert np.abs(found[[0, 3]] - 255 * np.array([to_rgb(COLOURS[1]), to_rgb(COLOURS[0])])).max() < 2


# Samples


@pytest.fixture(scope="module")
def split():
    return sketches(20, n_test=0).train


NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def test_samples_name_the_most_probable_class_and_whether_it_is_right(sheet, split):
    samples = Samples(sheet, split, NAMES)
    p = np.full((samples.COUNT, 10), 0.02)
    p[:, 3] = 0.82  # cat
    samples.show(p)
    for answer, label in zip(samples.answers, split.labels, strict=False):
        assert answer == f"cat {'✓' if label == 3 else '✗'} 82%"
    wrong, right = samples.texts
    assert all("✗" in words for _, _, words in wrong.data)
    assert all("✓" in words for _, _, words in right.data)
    assert len(wrong.data) + len(right.data) == samples.COUNT


def test_samples_without_numbers_are_wrong(sheet, split):
    samples = Samples(sheet, split, NAMES)
    samples.show(np.full((samples.COUNT, 10), np.nan))
    assert all("✗ 0%" in answer for answer in samples.answers)


def test_samples_may_be_few(sheet, split):
    samples = Samples(sheet, split[:2], NAMES)
    samples.show(np.eye(10)[split.labels[:2]])
    assert len(samples.answers) == 2


# Curves


def test_curves_hold_what_was_added(sheet):
    curves = Curves(sheet, (0, 0, 200, 120), "Loss")
    for step, training, validation in ((0, 2.0, 2.5), (10, 1.0, 1.5), (20, np.nan, np.inf)):
        curves.add(step, training, validation)
    assert curves.steps == [0, 10, 20]
    for line, values in zip(curves.lines, ([2, 1, np.nan], [2.5, 1.5, np.nan]), strict=True):
        assert np.array_equal(line.data, curves.axes.place([0, 10, 20], values), equal_nan=True)
    assert len({tuple(line.look["dash"]) for line in curves.lines}) == 2


def test_the_same_step_measured_again_replaces_the_point(sheet):
    curves = Curves(sheet, (0, 0, 200, 120), "Loss")
    for value in (3, 2, 1):
        curves.add(5, value, value)
    assert (curves.steps, curves.values) == ([5], [[1], [1]])


def test_long_curves_are_thinned_and_keep_their_ends(sheet):
    curves = Curves(sheet, (0, 0, 200, 120), "Loss")
    for step in range(5000):
        curves.add(step, step / 5000, 0)
    x, y = curves.steps, curves.values[0]
    assert len(curves.lines[0].data) == len(x)
    assert views.POINTS_KEPT / 3 < len(x) <= views.POINTS_KEPT
    assert (x[0], x[-1]) == (0, 4999)
    assert np.all(np.diff(x) > 0)
    assert np.allclose(np.array(y) * 5000, x)


def test_the_axes_end_where_the_curves_do(sheet):
    curves = Curves(sheet, (0, 0, 200, 120), "Loss")
    curves.add(0, 2.3, 2.4)
    for step in range(1, 1000, 10):
        curves.add(step, 1.0, 1.2)
    assert curves.axes.xlim[1] >= 991
    assert curves.axes.xlim[1] <= 3000
    assert 2.4 < curves.axes.ylim[1] <= 3
    curves.clear()
    curves.add(0, 0.5, 0.6)
    assert curves.axes.xlim == (0, curves.FIRST)
    assert 0.6 < curves.axes.ylim[1] <= 1


def test_a_curve_that_rises_stays_in_the_plot_and_one_that_overshoots_once_does_not_squeeze_it(sheet):
    curves = Curves(sheet, (0, 0, 200, 120), "Loss")
    for step in range(100):
        curves.add(step, 1.0, 1.0)
    curves.add(100, 1000.0, 1000.0)
    assert curves.axes.ylim[1] < 2
    for step in range(101, 120):
        curves.add(step, 5.0, 5.0)
    assert curves.axes.ylim[1] > 5


def test_axes_with_a_given_top_keep_it(sheet):
    curves = Curves(sheet, (0, 0, 200, 120), "Accuracy", top=102)
    curves.add(0, 10, 20)
    assert curves.axes.ylim == (0, 102)


@pytest.mark.parametrize(
    ("value", "end"), [(0.61, 0.7), (0.7, 0.7), (1.01, 1.5), (2.6, 3), (9.9, 10), (23, 30), (0, 1e-9)]
)
def test_axes_end_at_round_numbers(value, end):
    assert round_up(value) == pytest.approx(end)


# Layers


def test_values_beyond_the_range_are_counted_at_its_ends():
    a = np.array([-9, 0.1, 0.1, 2.5, 99, np.inf, -np.inf, 4.0])
    assert np.allclose(shares(a, 0, 4, 4), np.array([4, 0, 1, 3]) / 8)


def test_values_that_are_no_numbers_do_not_break_the_histogram():
    assert shares(np.array([np.nan, 1.0]), 0, 4, 4).sum() == 1


@pytest.mark.parametrize(
    ("activation", "dead", "alive"),
    [
        ("relu", 0.0, 0.3),
        ("sigmoid", 0.999, 0.9),
        ("sigmoid", 0.001, 0.1),
        ("tanh", -0.999, 0.9),
        ("tanh", 0.999, 0.0),
    ],
)
def test_a_unit_is_dead_when_it_passes_nothing_on_for_any_example(activation, dead, alive):
    a = np.full((5, 4), dead)
    assert dead_units(a, activation).all()
    a[2, 0] = alive  # one example is enough
    assert dead_units(a, activation).mean() == 0.75
    a[:, 1:] = alive
    assert not dead_units(a, activation).any()


def test_dead_means_that_the_derivative_is_nearly_zero():
    z = np.linspace(-8, 8, 401)[np.newaxis]
    for name in ("relu", "sigmoid", "tanh"):
        forward, backward = layers.ACTIVATIONS[name]
        a, cache = forward(z)
        derivative = backward(np.ones_like(z), cache)
        for unit in range(z.shape[1]):
            assert dead_units(a[:, unit : unit + 1], name)[0] == (derivative[0, unit] < 0.02)


def test_with_leaky_relu_no_unit_is_dead():
    assert not dead_units(np.full((5, 4), -0.01), "leaky_relu").any()
