"""Figures of lesson 05: images in rows, weights as images, the confusion matrix, the learning rate."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nn_helpers import CosineWithWarmup, plots


def one_colour(*values, size=4):
    """Images of one colour each, which can be told apart."""
    return np.broadcast_to(np.array(values, np.uint8)[:, None, None, None], (len(values), size, size, 3))


def drawn(ax):
    """The pixels of the image that an axes shows, (height, width, 3)."""
    return np.asarray(ax.images[0].get_array())


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


# Images in rows


def test_rows_of_images_stand_beside_their_names_in_the_order_given():
    figure = plots.image_rows({"cat": one_colour(10, 20, 30), "dog": one_colour(40, 50, 60)})
    assert [ax.get_ylabel() for ax in figure.axes] == ["cat", "dog"]
    cat, dog = map(drawn, figure.axes)
    assert [cat[2, x, 0] for x in (2, 8, 14)] == [10, 20, 30]
    assert [dog[2, x, 0] for x in (2, 8, 14)] == [40, 50, 60]


def test_a_row_with_fewer_images_stays_white_at_its_end():
    figure = plots.image_rows({"two": one_colour(10, 20), "one": one_colour(30)})
    assert (drawn(figure.axes[1])[:, 6:] == 255).all()


def test_titles_stand_above_the_middle_of_their_columns():
    figure = plots.image_rows(
        {"cat": one_colour(1, 2), "dog": one_colour(3, 4)}, titles=["as it is", "mirrored"]
    )
    first, second = figure.axes
    assert [label.get_text() for label in first.get_xticklabels()] == ["as it is", "mirrored"]
    assert list(first.get_xticks()) == [2.5, 8.5]  # an image of 4 pixels with a frame of 1, twice
    assert not len(second.get_xticks())
    figure.canvas.draw()
    highest = max(label.get_window_extent().y1 for label in first.get_xticklabels())
    assert first.get_window_extent().y1 < highest <= figure.bbox.height
    extent = first.get_window_extent()
    assert extent.height / extent.width == pytest.approx(6 / 12, rel=0.02)  # pixels stay square


def test_a_contact_sheet_takes_the_first_figures_of_each_class():
    images, labels = one_colour(10, 20, 30, 40), np.array([1, 0, 1, 1])
    figure = plots.contact_sheet(images, labels, ["cat", "dog"], columns=2)
    assert [drawn(figure.axes[1])[2, x, 0] for x in (2, 8)] == [10, 30]


# The first layer


def test_weights_are_shown_at_the_place_of_their_pixel_with_0_in_grey():
    W = np.zeros((2 * 3 * 3, 1))
    image = W.reshape(2, 3, 3)  # rows, columns, colours: a view
    image[0, 1, 0], image[1, 2, 2] = 2.0, -1.0
    (ax,) = plots.first_layer({"mine": W}, columns=1, shape=(2, 3, 3)).axes
    shown = drawn(ax)[1:-1, 1:-1]
    assert ax.get_ylabel() == "mine"
    assert shown[0, 1].tolist() == [255, 128, 128]  # the largest weight
    assert shown[1, 2].tolist() == [128, 128, 64]  # half as large, and negative
    assert shown[0, 0].tolist() == [128, 128, 128]


def test_the_units_with_the_largest_weights_come_first_and_each_has_its_own_scale():
    W = np.zeros((3, 3))
    W[0, 0], W[1, 1], W[2, 2] = 0.1, 3.0, -1.0
    (ax,) = plots.first_layer({"W": W}, columns=2, shape=(1, 1, 3)).axes
    strongest, second = drawn(ax)[1, 1], drawn(ax)[1, 4]
    assert strongest.tolist() == [128, 255, 128]
    assert second.tolist() == [128, 128, 0]


def test_a_unit_without_weights_is_grey():
    (ax,) = plots.first_layer({"W": np.zeros((3, 1))}, columns=1, shape=(1, 1, 3)).axes
    assert drawn(ax)[1, 1].tolist() == [128, 128, 128]


def test_networks_are_compared_row_by_row():
    rng = np.random.default_rng(0)
    figure = plots.first_layer({"start": rng.normal(size=(3072, 12)), "end": rng.normal(size=(3072, 12))})
    start, end = figure.axes
    assert (start.get_ylabel(), end.get_ylabel()) == ("start", "end")
    assert drawn(start).shape == (34, 340, 3)
    assert (drawn(start) != drawn(end)).any()


# A grid with texts


def test_each_image_of_a_grid_stands_under_its_text():
    figure = plots.image_grid(one_colour(10, 20, 30), ["says cat\nis dog", "two", "three"], columns=2)
    titles = [ax.get_title() for ax in figure.axes if ax.images]
    assert titles == ["says cat\nis dog", "two", "three"]
    assert [drawn(ax)[0, 0, 0] for ax in figure.axes if ax.images] == [10, 20, 30]
    assert not any(ax.axison for ax in figure.axes)  # the place of a fourth image is empty


# The confusion matrix

MATRIX = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])


def test_the_confusion_matrix_has_true_classes_in_rows_and_writes_each_count():
    figure = plots.confusion_matrix(MATRIX, ["cat", "dog", "ship"])
    ax, _ = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["cat", "dog", "ship"]
    counts = {text.get_position(): text.get_text() for text in ax.texts}
    assert counts[1, 0] == "2"  # x is the predicted class, y the true one
    assert counts[0, 1] == "1"
    assert len(counts) == 9
    assert ax.get_title() == "14 images, 78.6% of them on the diagonal"
    figure = plots.confusion_matrix(np.eye(2, dtype=int) * [1, 0], ["cat", "dog"])
    assert figure.axes[0].get_title() == "1 image, 100.0% of them on the diagonal"


def test_a_field_is_coloured_by_its_share_of_the_row():
    ax, bar = plots.confusion_matrix(MATRIX, ["cat", "dog", "ship"]).axes
    np.testing.assert_allclose(ax.images[0].get_array(), [[80, 20, 0], [25, 75, 0], [0, 0, 0]])
    assert ax.images[0].get_clim() == (0, 100)
    assert bar.get_ylabel() == "share of the row (%)"


@pytest.mark.parametrize("percent", [0, 20, 50, 60, 70, 72, 80, 100])
def test_counts_can_be_read_on_every_colour(percent):
    ax = plots.confusion_matrix(np.array([[percent, 100 - percent], [0, 1]]), ["cat", "dog"]).axes[0]
    for text in ax.texts:
        x, y = text.get_position()
        field = ax.images[0].to_rgba(ax.images[0].get_array()[y, x])[:3]
        assert contrast(to_rgb(text.get_color()), field) > 4.4  # 4.6 is the best there is on the worst colour


def contrast(a, b):
    low, high = sorted(map(luminance, (a, b)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def test_a_confusion_matrix_without_images_is_empty_and_no_error():
    assert texts(plots.confusion_matrix(np.zeros((2, 2), int), ["cat", "dog"])) == ["0"] * 4


# The learning rate


def test_learning_rates_are_drawn_over_the_steps_from_1():
    schedule = CosineWithWarmup(0.1, total_steps=20, warmup_steps=4)
    rates = {"cosine": [schedule(t) for t in range(1, 21)], "constant": [0.1] * 20}
    figure = plots.learning_rates(rates)
    (ax,) = figure.axes
    cosine, constant = ax.lines
    np.testing.assert_array_equal(cosine.get_xdata(), np.arange(1, 21))
    np.testing.assert_array_equal(cosine.get_ydata(), rates["cosine"])
    assert cosine.get_color() != constant.get_color()
    assert cosine._unscaled_dash_pattern != constant._unscaled_dash_pattern
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cosine", "constant"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "learning rate α")
    assert ax.get_title() == "Learning rate over training"
    assert ax.get_ylim()[0] == 0


def test_scores_in_bands_go_from_the_worst_seed_to_the_best_with_the_best_mean_uppermost():
    (ax,) = plots.scores_in_bands({"a": [0.5, 0.9], "b": [0.6, 0.4], "c": [0.3, 0.3]}).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "b", "a"]
    band, mean = ax.lines[4:]
    assert band.get_xdata() == pytest.approx([50, 90])
    assert mean.get_xdata() == pytest.approx([70])
    assert ax.get_title() == "3 configurations, 2 seeds each"


def test_accuracies_are_points_or_lines_over_a_quantity():
    x, y = {"grid": [0.1, 1.0], "random": [0.3]}, {"grid": [0.5, 0.6], "random": [0.7]}
    (ax,) = plots.accuracies_over(x, y, "learning rate", log=True, lines=False).axes
    assert ax.get_xscale() == "log"
    assert [line.get_linestyle() for line in ax.lines] == ["None", "None"]
    assert ax.lines[1].get_ydata() == pytest.approx([70])
    (ax,) = plots.accuracies_over(x, y, "tries").axes
    assert ax.get_xscale() == "linear"
    assert ax.lines[0].get_linestyle() == "-"


@pytest.mark.parametrize(
    "figure",
    [
        plots.image_rows({"a": one_colour(1, 2)}, titles=["x", "y"]),
        plots.first_layer({"a": np.eye(12)[:, :3]}, columns=3, shape=(2, 2, 3)),
        plots.image_grid(one_colour(1, 200), ["a", "b"]),
        plots.confusion_matrix(MATRIX, ["cat", "dog", "ship"]),
        plots.learning_rates({"a": [1, 2, 3]}),
    ],
    ids=["rows", "weights", "grid", "confusion", "learning rate"],
)
def test_a_figure_shows_itself_and_fits_a_notebook(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.bbox.width <= 1000
