"""Figures of networks show the shapes, values and sizes they are given."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nn_helpers import ClassificationNet, plots


def texts(figure):
    """Every text in a figure's plots."""
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


# network_diagram


def test_a_network_is_drawn_with_the_shape_of_every_array():
    figure = plots.network_diagram([4, 12, 3])
    shown = texts(figure)
    assert "$W_{1}$  (4, 12)\n$b_{1}$  (12,)" in shown
    assert "$W_{2}$  (12, 3)\n$b_{2}$  (3,)" in shown
    assert [text for text in shown if "(N, " in text] == ["x\n(N, 4)", "$a_{1}$\n(N, 12)", "logits\n(N, 3)"]
    assert figure._suptitle.get_text() == "2 affine layers, 99 parameters"  # 4 · 12 + 12 + 12 · 3 + 3
    assert plots.network_diagram([4, 3])._suptitle.get_text() == "1 affine layer, 15 parameters"


def test_every_unit_is_drawn_and_joined_to_all_of_the_next_layer_unless_the_layer_is_wide():
    _, ax = plots.network_diagram([4, 12, 3]).axes
    x, hidden, logits = ax.collections
    assert [len(units.get_offsets()) for units in (x, hidden, logits)] == [4, 8, 3]
    assert [text.get_text() for text in ax.texts].count("⋮") == 1
    assert len(ax.lines) == 4 * 8 + 8 * 3
    ends = {(line.get_xdata()[0], *np.round(line.get_ydata(), 6)) for line in ax.lines}
    heights = [np.round(units.get_offsets()[:, 1], 6) for units in (x, hidden, logits)]
    assert ends == {(layer, a, b) for layer in (0, 1) for a in heights[layer] for b in heights[layer + 1]}


def test_a_network_shows_its_example_and_names_its_classes_beside_their_units():
    image = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    example, ax = plots.network_diagram([27, 2], image, ["cat", "dog"]).axes
    np.testing.assert_array_equal(example.images[0].get_array(), image)
    names = {text.get_text(): text.get_position()[1] for text in ax.texts}
    logits = ax.collections[-1].get_offsets()
    assert (names["cat"], names["dog"]) == (logits[0, 1], logits[1, 1])
    assert names["cat"] > names["dog"]
    assert not plots.network_diagram([27, 2]).axes[0].images


def test_classes_are_named_only_where_every_unit_is_drawn():
    names = [f"class {k}" for k in range(12)]
    assert "class 0" not in texts(plots.network_diagram([4, 12], class_names=names))
    with pytest.raises(ValueError, match="zip"):
        plots.network_diagram([4, 3], class_names=names)


@pytest.mark.parametrize("sizes", [ClassificationNet(4, [12], 3), 3, [3], None, {4: 3}])
def test_what_are_no_sizes_is_refused_and_the_advice_helps(sizes):
    with pytest.raises(TypeError, match=r"sizes must be numbers such as \[3072, 100, 10\], got ") as error:
        plots.network_diagram(sizes)
    net = ClassificationNet(4, [12], 3)
    advised = eval(str(error.value).split("they are ")[1], {"net": net})
    assert plots.network_diagram(advised)._suptitle.get_text() == "2 affine layers, 99 parameters"


def test_nothing_in_a_wide_network_is_cut_off():
    figure = plots.network_diagram([3072, 100, 10], np.zeros((32, 32, 3), np.uint8), ["automobile"] * 10)
    figure.canvas.draw()
    for ax in figure.axes:
        for text in ax.texts:
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y0 >= 0
            assert box.y1 <= figure.bbox.y1


# wiring_diagram

NODES = {"x": ("x", 0, 1), "w": ("w", 0, 0), "times": ("×", 1, 0.5), "L": ("L", 2, 0.5)}
WIRES = [("x", "times", "x", 3, -0.5), ("w", "times", "w", -2, 0.75), ("times", "L", "L", -6, 1)]


def test_a_wire_has_its_value_above_and_its_derivative_below_in_another_colour():
    figure = plots.wiring_diagram(NODES, WIRES)
    figure.canvas.draw()
    shown = {text.get_text(): text for ax in figure.axes for text in ax.texts}
    for value, derivative in (("x = 3", "dx = −0.5"), ("w = −2", "dw = 0.75"), ("L = −6", "dL = 1")):
        above, below = shown[value], shown[derivative]
        assert above.get_window_extent().y0 > below.get_window_extent().y1
        assert above.get_color() != below.get_color()
    assert {"×", "x", "w", "L"} <= shown.keys()
    title = figure.axes[0].get_title()
    assert title.index("Above") < title.index("value") < title.index("below") < title.index("derivative of L")


def test_wires_lead_from_node_to_node():
    (ax,) = plots.wiring_diagram(NODES, WIRES).axes
    arrows = {(*text.xyann, *text.xy) for text in ax.texts if getattr(text, "arrow_patch", None)}
    assert arrows == {(0, 1, 1, 0.5), (0, 0, 1, 0.5), (1, 0.5, 2, 0.5)}


FORK = {
    "x": ("x", 0, 1), "copy": ("copy", 1, 1), "W1": ("W₁", 1, 2.1), "W2": ("W₂", 1, -0.1),
    "times1": ("×", 2, 1.6), "times2": ("×", 2, 0.4), "later": ("z₁ − 3z₂", 3, 1), "L": ("L", 4, 1),
}  # fmt: skip
FORK_WIRES = [
    ("x", "copy", "x"), ("copy", "times1", "x₁"), ("copy", "times2", "x₂"), ("W1", "times1", "W₁"),
    ("W2", "times2", "W₂"), ("times1", "later", "z₁"), ("times2", "later", "z₂"), ("later", "L", "L"),
]  # fmt: skip
CHAIN = {
    "x": ("x", 0, 0), "W": ("W", 0, -1), "b": ("b", 1, -1), "times": ("×", 1, 0), "plus": ("+", 2, 0),
    "relu": ("ReLU", 3, 0), "loss": ("(a − 5)²", 4, 0), "L": ("L", 5, 0),
}  # fmt: skip
CHAIN_WIRES = [
    ("x", "times", "x"), ("W", "times", "W"), ("times", "plus", "p"), ("b", "plus", "b"),
    ("plus", "relu", "z"), ("relu", "loss", "a"), ("loss", "L", "L"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "wires"), [(FORK, FORK_WIRES), (CHAIN, CHAIN_WIRES)], ids=["lesson 02", "lesson 01"]
)
def test_in_the_lessons_no_number_lies_on_a_wire_or_on_another_number(nodes, wires):
    """Nor does one hide a piece of a wire behind a white ground."""
    figure = plots.wiring_diagram(nodes, [(*wire, -4, -18) for wire in wires])
    figure.canvas.draw()
    (ax,) = figure.axes
    numbers = [text for text in ax.texts if "=" in text.get_text()]
    assert len(numbers) == 2 * len(wires)
    boxes = [text.get_window_extent() for text in numbers]
    arrows = [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None)]
    for arrow in arrows:
        wire = arrow.get_transform().transform_path(arrow.get_path())
        assert not [box for box in boxes if wire.intersects_bbox(box, filled=False)]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert not [text for text in numbers if text.get_bbox_patch()]


# matrix_product


def cells(ax):
    """{(row from the top, column): (number, is it picked out)} of a table."""
    faces = {}
    for patch in ax.patches:
        faces[patch.get_y() + 0.5, patch.get_x() + 0.5] = patch.get_facecolor()[:3] != to_rgb("white")
    tables = [(text.get_position(), text) for text in ax.texts if text.get_position()[::-1] in faces]
    return {(y, x): (text.get_text(), faces[y, x], text.get_weight() == "bold") for (x, y), text in tables}


def test_a_product_is_written_out_and_one_entry_picked_out_with_its_row_and_column():
    left, right = np.array([[1, 2, 3], [4, 5, -6]]), np.array([[1, 0], [0, 1], [1, 1]])
    figure = plots.matrix_product(left, right, ("A", "B", "AB"), row=1, column=0)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["A  (2, 3)", "B  (3, 2)", "AB  (2, 2)"]
    a, b, product = map(cells, figure.axes)
    assert [text for text, *_ in a.values()] == ["1", "2", "3", "4", "5", "−6"]
    assert [text for text, *_ in product.values()] == ["4", "5", "−2", "−1"]
    for table in (a, b, product):
        assert all(shaded == bold for _, shaded, bold in table.values())
    assert [text for text, shaded, _ in a.values() if shaded] == ["4", "5", "−6"]
    assert [place[1] for place, (_, shaded, _) in b.items() if shaded] == [0.5] * 3
    assert [text for text, shaded, _ in product.values() if shaded] == ["−2"]


def test_nothing_is_picked_out_of_a_product_unless_asked():
    figure = plots.matrix_product(np.ones((2, 2)), np.ones((2, 2)))
    for ax in figure.axes:
        assert len(cells(ax)) == 4
        assert not any(shaded for _, shaded, _ in cells(ax).values())


# weighted_images


def test_images_stand_with_their_weights_and_the_sum_is_scaled_around_grey():
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    total = np.zeros((2, 2, 3))
    total[0, 0] = [-4, 0, 2]
    figure = plots.weighted_images(images, ["cat", "dog"], np.array([0.5, -0.25]), total, "the sum")
    cat, dog, last = figure.axes
    assert (cat.get_title(), dog.get_title(), last.get_title()) == ("+0.500 ×", "−0.250 ×", "the sum")
    assert cat.title.get_color() != dog.title.get_color()
    assert (cat.get_xlabel(), dog.get_xlabel()) == ("cat", "dog")
    np.testing.assert_array_equal(dog.images[0].get_array(), images[1])
    np.testing.assert_allclose(last.images[0].get_array()[0, 0], [0, 0.5, 0.75])
    np.testing.assert_allclose(last.images[0].get_array()[1, 1], 0.5)


# sizes_through_layers


def test_sizes_are_drawn_from_layer_1_on_a_logarithmic_scale_and_lines_differ_without_colour():
    figure = plots.sizes_through_layers({"small": [1, 0.1, 0.01], "large": [1, 10, 100]}, "size of a")
    (ax,) = figure.axes
    small, large = ax.lines
    np.testing.assert_array_equal(large.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(large.get_ydata(), [1, 10, 100])
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("layer", "size of a")
    assert ax.get_title() == "How large the numbers are, layer by layer"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["small", "large"]
    assert small.get_color() != large.get_color()
    assert small.get_marker() != large.get_marker()
    assert small._unscaled_dash_pattern != large._unscaled_dash_pattern
    figure.canvas.draw()
    assert all(tick == round(tick) for tick in ax.get_xticks())


# All of them


@pytest.mark.parametrize(
    "make",
    [
        lambda k: plots.network_diagram([3, 2 + k, 2]),
        lambda k: plots.wiring_diagram(NODES, [("x", "L", "x", k, 1.0)]),
        lambda k: plots.matrix_product(np.eye(2), np.eye(2) * (k + 2)),
        lambda k: plots.weighted_images(
            np.zeros((1, 2, 2, 3), np.uint8), ["a"], np.array([1.0 + k]), np.ones((2, 2, 3)), "sum"
        ),
        lambda k: plots.sizes_through_layers({"a": [1, 2, 3 + k]}, "size"),
    ],
    ids=["network", "wiring", "product", "images", "sizes"],
)
def test_the_same_data_make_the_same_file_and_other_data_another_figure(make):
    assert make(0)._repr_png_() == make(0)._repr_png_()
    assert not np.array_equal(pixels(make(0)), pixels(make(1)))
