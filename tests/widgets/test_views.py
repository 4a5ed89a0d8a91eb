"""The parts of a live figure: what is drawn for what was given."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from nn_helpers import layers, points, sketches
from nn_helpers.plots import COLOURS, Figure
from nn_helpers.widgets import views
from nn_helpers.widgets.figure_canvas import FigureCanvas, png
from nn_helpers.widgets.views import (
    Curves,
    Layers,
    Regions,
    Samples,
    bars,
    dead_share,
    draw_text,
    round_up,
    shares,
)


@pytest.fixture
def canvas():
    return FigureCanvas(Figure(figsize=(6, 3), dpi=50, layout="none"))


def pixels(canvas):
    canvas.draw()
    return np.asarray(Image.open(io.BytesIO(canvas.widget.value)))


# Canvas


def test_a_png_file_holds_the_very_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png(pixels)))) == pixels).all()


def test_what_rests_is_kept_until_it_is_renewed(canvas):
    ax = canvas.figure.subplots()
    ax.set_axis_off()
    text = canvas.rest(ax.text(0.5, 0.5, "before"))
    before = pixels(canvas)
    text.set_text("after, and longer")
    assert (pixels(canvas) == before).all()
    canvas.renew(text)
    renewed = pixels(canvas)
    assert (renewed != before).any()
    canvas.redraw()
    assert (pixels(canvas) == renewed).all()


def test_what_rests_is_renewed_in_groups_those_before_being_kept(canvas):
    ax = canvas.figure.subplots()
    ax.set_axis_off()
    first, second, third = (canvas.rest(ax.text(0.3 * i, 0.3 * i, "before")) for i in range(3))
    pixels(canvas)
    for text in (first, second, third):
        text.set_text("after, and longer")
    canvas.renew(second)
    later = pixels(canvas)
    first.set_text("before")
    canvas.redraw()
    assert (pixels(canvas) == later).all()


def test_what_is_cleared_is_gone_and_can_be_drawn_on_again(canvas):
    first, second = canvas.figure.subplots(1, 2)
    for ax in (first, second):
        ax.set(xlim=(0, 1), ylim=(0, 1))
        canvas.move(*ax.plot([0, 1], [0, 1]))
    canvas.rest(first.text(0.5, 0.1, "words"))
    both = pixels(canvas)
    canvas.clear(first)
    assert [artist.axes for artist in canvas.moving] == [second]
    assert not any(canvas.resting)
    assert (pixels(canvas) != both).any()


# Regions


@pytest.mark.parametrize("kind", ["moons", "spirals"])
def test_regions_take_the_colour_of_the_class_and_its_strength_from_the_probability(canvas, kind):
    data = points(kind)
    regions = Regions(canvas, canvas.figure.subplots(), data)
    C = data.train.labels.max() + 1
    assert regions.x.shape == (regions.CELLS**2, 2)
    p = np.full((len(regions.x), C), 0.0, np.float32)
    sure = regions.x[:, 0] > 0  # right half: class 1 for sure; left half: no idea
    p[sure, 1], p[~sure] = 1, 1 / C
    regions.show(p)
    shown = np.asarray(regions.image.get_array())[..., :3] / 255
    half = regions.CELLS // 2
    assert np.allclose(shown[:, :half], 1)
    assert np.allclose(shown[:, half:], 1 - 0.6 * (1 - np.array(to_rgb(COLOURS[1]))), atol=0.01)


def test_regions_lie_where_the_points_do(canvas):
    regions = Regions(canvas, canvas.figure.subplots(), points("moons"))
    p = np.zeros((len(regions.x), 2), np.float32)
    above = regions.x[:, 1] > 2  # the second input: up
    p[above, 1], p[~above, 0] = 1, 1
    regions.show(p)
    left, right, bottom, top = regions.image.get_extent()
    rows = regions.image.get_array()[:, 0, 0]  # red: little of it in class 0's blue
    assert regions.image.origin == "lower"
    boundary = bottom + (top - bottom) * np.flatnonzero(np.diff(rows.astype(int)))[0] / regions.CELLS
    assert boundary == pytest.approx(2, abs=2 * (top - bottom) / regions.CELLS)
    assert (left, right) == (bottom, top)


def test_regions_without_numbers_stay_white(canvas):
    regions = Regions(canvas, canvas.figure.subplots(), points("moons"))
    with np.errstate(invalid="ignore"):
        regions.show(np.full((len(regions.x), 2), np.nan, np.float32))
    assert (np.asarray(regions.image.get_array()) == 255).all()


@pytest.mark.parametrize("kind", ["moons", "spirals", "circles", "blobs", "xor"])
def test_every_point_is_drawn_with_a_marker_of_its_class(canvas, kind):
    data = points(kind)
    Regions(canvas, canvas.figure.subplots(), data)
    for part in (data.train, data.val):
        for label in range(part.labels.max() + 1):
            drawn = [
                np.array(line.get_data()).T
                for line in canvas.moving[1:]
                if line.get_marker() == views.MARKERS[label]
            ]
            assert any(np.array_equal(x, part.images[part.labels == label]) for x in drawn)
    assert len({line.get_marker() for line in canvas.moving[1:]}) == data.train.labels.max() + 1


# Samples


@pytest.fixture(scope="module")
def split():
    return sketches(20, n_test=0).train


NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def test_samples_name_the_most_probable_class_and_whether_it_is_right(canvas, split):
    samples = Samples(canvas, canvas.figure.subplots(), split, NAMES)
    p = np.full((samples.COUNT, 10), 0.02)
    p[:, 3] = 0.82  # cat
    samples.show(p)
    for answer, label in zip(samples.answers, split.labels, strict=False):
        assert answer == f"cat\n{'✓' if label == 3 else '✗'} 82%"
    assert sum("✓" in answer for answer in samples.answers) in (1, 2)


def test_samples_show_the_images_and_right_and_wrong_in_their_colours(canvas, split):
    samples = Samples(canvas, canvas.figure.subplots(), split, NAMES)
    resized = Image.fromarray(split.images[0]).resize((samples.side, samples.side))
    assert (samples.pixels[: samples.side, : samples.side, :3] == np.asarray(resized)).all()
    right = np.eye(10)[split.labels[: samples.COUNT]]
    samples.show(right)
    ink = np.asarray(samples.image.get_array())[: samples.side, samples.side : samples.cell[0], :3]
    green, vermilion = (255 * np.array(to_rgb(COLOURS[i])) for i in (2, 1))
    assert (np.abs(ink - green).max(axis=2) < 2).any()
    samples.show(np.roll(right, 1, axis=1))
    ink = np.asarray(samples.image.get_array())[: samples.side, samples.side : samples.cell[0], :3]
    assert (np.abs(ink - vermilion).max(axis=2) < 2).any()


def test_nothing_of_an_earlier_answer_is_left(canvas, split):
    ax, other = canvas.figure.subplots(1, 2)
    changed, fresh = Samples(canvas, ax, split, NAMES), Samples(canvas, other, split, NAMES)
    for label in (1, 3):  # "automobile" is longer than "cat"
        changed.show(np.eye(10)[[label] * changed.COUNT])
    fresh.show(np.eye(10)[[3] * fresh.COUNT])
    assert (changed.pixels == fresh.pixels).all()


def test_samples_without_numbers_are_wrong(canvas, split):
    samples = Samples(canvas, canvas.figure.subplots(), split, NAMES)
    samples.show(np.full((samples.COUNT, 10), np.nan))
    assert all("✗ 0%" in answer for answer in samples.answers)


def test_samples_may_be_few(canvas, split):
    samples = Samples(canvas, canvas.figure.subplots(), split[:2], NAMES)
    samples.show(np.eye(10)[split.labels[:2]])
    assert len(samples.answers) == 2


def test_samples_take_all_of_their_place_after_regions(canvas):
    ax = canvas.figure.subplots()
    whole = ax.bbox.size
    Regions(canvas, ax, points("moons"))
    canvas.draw()
    assert ax.bbox.width < whole[0]  # the plane is square
    canvas.clear(ax)
    samples = Samples(canvas, ax, sketches(20, n_test=0).train, NAMES)
    assert samples.pixels.shape == (int(whole[1]), int(whole[0]), 4)


def test_text_is_drawn_once():
    assert draw_text("cat", "#000000", 48) is draw_text("cat", "#000000", 48)
    assert draw_text("cat", "#000000", 48).min() < 100
    assert (draw_text("cat", "#ffffff", 48) == 255).all()


def test_a_long_word_is_written_in_smaller_letters():
    narrow, wide = (draw_text("automobile", "#000000", width).shape[1] for width in (48, 100))
    assert narrow <= 48 < wide


# Curves


def test_curves_hold_what_was_added(canvas):
    curves = Curves(canvas, canvas.figure.subplots(), "Loss", "nats")
    for step, training, validation in ((0, 2.0, 2.5), (10, 1.0, 1.5), (20, np.nan, np.inf)):
        curves.add(step, training, validation)
    training, validation = curves.lines
    assert list(training.get_xdata()) == [0, 10, 20]
    assert np.array_equal(training.get_ydata(), [2, 1, np.nan], equal_nan=True)
    assert np.array_equal(validation.get_ydata(), [2.5, 1.5, np.nan], equal_nan=True)
    assert [line.get_label() for line in curves.lines] == ["training", "validation"]
    assert len({line.get_linestyle() for line in curves.lines}) == 2


def test_the_same_step_measured_again_replaces_the_point(canvas):
    curves = Curves(canvas, canvas.figure.subplots(), "Loss", "nats")
    for value in (3, 2, 1):
        curves.add(5, value, value)
    assert (curves.steps, curves.values) == ([5], ([1], [1]))


def test_long_curves_are_thinned_and_keep_their_ends(canvas):
    curves = Curves(canvas, canvas.figure.subplots(), "Loss", "nats")
    for step in range(5000):
        curves.add(step, step / 5000, 0)
    x, y = curves.lines[0].get_data()
    assert views.POINTS_KEPT / 3 < len(x) <= views.POINTS_KEPT
    assert (x[0], x[-1]) == (0, 4999)
    assert np.all(np.diff(x) > 0)
    assert np.allclose(np.array(y) * 5000, x)


def test_the_axes_end_where_the_curves_do(canvas):
    curves = Curves(canvas, canvas.figure.subplots(), "Loss", "nats")
    curves.add(0, 2.3, 2.4)
    for step in range(1, 1000, 10):
        curves.add(step, 1.0, 1.2)
    assert curves.ax.get_xlim()[1] >= 991
    assert curves.ax.get_xlim()[1] <= 3000
    assert 2.4 < curves.ax.get_ylim()[1] <= 3
    curves.clear()
    curves.add(0, 0.5, 0.6)
    assert curves.ax.get_xlim() == (0, curves.FIRST)
    assert 0.6 < curves.ax.get_ylim()[1] <= 1


def test_a_curve_that_rises_stays_in_the_plot_and_one_that_overshoots_once_does_not_squeeze_it(canvas):
    curves = Curves(canvas, canvas.figure.subplots(), "Loss", "nats")
    for step in range(100):
        curves.add(step, 1.0, 1.0)
    curves.add(100, 1000.0, 1000.0)
    assert curves.ax.get_ylim()[1] < 2
    for step in range(101, 120):
        curves.add(step, 5.0, 5.0)
    assert curves.ax.get_ylim()[1] > 5


def test_axes_with_a_given_top_keep_it(canvas):
    curves = Curves(canvas, canvas.figure.subplots(), "Accuracy", "%", top=102)
    curves.add(0, 10, 20)
    assert curves.ax.get_ylim() == (0, 102)


def test_only_axes_that_change_are_drawn_anew(canvas, monkeypatch):
    curves = Curves(canvas, canvas.figure.subplots(), "Loss", "nats")
    curves.add(0, 1, 1)
    canvas.draw()
    renewed = []
    monkeypatch.setattr(canvas, "renew", lambda axis: renewed.append(curves.steps[-1]))
    monkeypatch.setattr(canvas, "outdate", lambda: pytest.fail("everything was drawn anew"))
    for step in (10, 150, 250, 300, 500, 700):
        curves.add(step, 1, 1)
    assert renewed == [250, 700]


@pytest.mark.parametrize(
    ("value", "end"), [(0.61, 0.7), (0.7, 0.7), (1.01, 1.5), (2.6, 3), (9.9, 10), (23, 30), (0, 1e-9)]
)
def test_axes_end_at_round_numbers(value, end):
    assert round_up(value) == pytest.approx(end)


# Layers


@pytest.fixture
def four(canvas):
    return Layers(canvas, canvas.figure.subplots(1, 4))


def activations(name, depth, seed=0):
    rng = np.random.default_rng(seed)
    forward, _ = layers.ACTIVATIONS[name]
    return [forward(rng.standard_normal((50, 6)) * 2)[0] for _ in range(depth)]


@pytest.mark.parametrize("activation", list(layers.ACTIVATIONS))
@pytest.mark.parametrize("depth", [0, 1, 4, 8])
def test_layers_show_each_layer_in_its_row(four, activation, depth):
    four.begin(depth + 1, activation)
    a, sizes = activations(activation, depth), np.geomspace(1e-5, 1, depth + 1)
    four.show(a, sizes, sizes / 2)
    image = np.asarray(four.image.get_array())
    if depth:
        assert image.shape == (depth, four.BINS)
        assert np.allclose(image.sum(axis=1), 1)
        left, right, bottom, top = four.image.get_extent()
        assert (left, right) == views.RANGES[activation]
        assert (bottom, top) == (0, depth / (depth + 1))
    x, y = four.gradient.get_data()
    assert np.allclose(x, sizes)
    assert np.allclose(y, (np.arange(depth + 1) + 0.5) / (depth + 1))
    assert np.allclose(four.update.get_xdata(), sizes / 2)
    ends = np.array(four.dead.get_data()).reshape(2, depth, 3)[:, :, 1]
    assert np.allclose(ends[0], [100 * dead_share(each, activation) for each in a])
    assert np.allclose(ends[1], y[:-1])
    names = [name.get_text() for name in four.names if name.get_text()]
    assert names == [*(f"layer {i + 1}" for i in range(depth)), "logits"]
    assert np.allclose([name.get_position()[1] for name in four.names[: depth + 1]], y)


def test_layers_follow_the_next_network(four, canvas):
    four.begin(5, "relu")
    four.show(activations("relu", 4), np.ones(5), np.ones(5))
    canvas.draw()
    four.begin(2, "tanh")
    four.show(activations("tanh", 1), np.ones(2), np.ones(2))
    assert len(four.gradient.get_xdata()) == 2
    assert [name.get_text() for name in four.names][:3] == ["layer 1", "logits", ""]
    assert four.axes[0].get_xlim() == (-1, 1)
    assert four.axes[1].get_title() == "Saturated units"
    four.begin(2, "relu")
    assert four.axes[1].get_title() == "Dead units"


def test_a_value_of_zero_is_dark_where_zero_is(four):
    four.begin(2, "leaky_relu")
    four.show([np.zeros((10, 3))], np.ones(2), np.ones(2))
    row = np.asarray(four.image.get_array())[0]
    low, high = views.RANGES["leaky_relu"]
    place = low + (high - low) * row.argmax() / four.BINS
    assert place <= 0 < place + (high - low) / four.BINS
    assert row.max() == 1


def test_sizes_beyond_the_axes_are_drawn_at_their_edge_and_missing_ones_not_at_all(four):
    four.begin(3, "relu")
    four.show(activations("relu", 2), np.array([0, 1e9, np.nan]), np.array([np.inf, 1e-3, 1e-30]))
    low, high = four.axes[2].get_xlim()
    gradient, update = four.gradient.get_xdata(), four.update.get_xdata()
    assert low < gradient[0] < 2 * low
    assert high / 2 < gradient[1] < high
    assert np.isnan(gradient[2])
    assert high / 2 < update[0] < high
    assert update[1] == 1e-3


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
    assert dead_share(a, activation) == 1
    a[2, 0] = alive  # one example is enough
    assert dead_share(a, activation) == 0.75
    a[:, 1:] = alive
    assert dead_share(a, activation) == 0


def test_dead_means_that_the_derivative_is_nearly_zero():
    z = np.linspace(-8, 8, 401)[np.newaxis]
    for name in ("relu", "sigmoid", "tanh"):
        forward, backward = layers.ACTIVATIONS[name]
        a, cache = forward(z)
        derivative = backward(np.ones_like(z), cache)
        for unit in range(z.shape[1]):
            assert dead_share(a[:, unit : unit + 1], name) == (derivative[0, unit] < 0.02)


def test_with_leaky_relu_no_unit_is_dead():
    assert dead_share(np.full((5, 4), -0.01), "leaky_relu") == 0


def test_bars_are_one_line_with_gaps():
    x, y = bars([3, 5], [0.25, 0.75])
    assert np.array_equal(x, [0, 3, np.nan, 0, 5, np.nan], equal_nan=True)
    assert y == [0.25] * 3 + [0.75] * 3
