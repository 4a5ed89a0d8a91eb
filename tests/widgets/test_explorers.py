"""The activation explorer and the softmax explorer."""

import html

import numpy as np
import pytest

from nn_helpers.layers import ACTIVATIONS
from nn_helpers.plots import COLOURS
from nn_helpers.widgets import activation_explorer, softmax_explorer
from nn_helpers.widgets.activation_explorer import let_through
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.softmax_explorer import naive_softmax


def marks(panel, kind, **look):
    """The data of all marks of a kind that look so."""
    found = [mark for mark in panel.sheet.marks if mark.kind == kind]
    return [mark.data for mark in found if look.items() <= mark.look.items()]


def written(panel):
    return [words for texts in marks(panel, "texts") for *_, words in texts]


def bars(panel, colour, limits, is_full=False, **look):
    """The heights of bars of this colour, on a vertical axis with these limits: of the softmax explorer."""
    axes = Axes(panel.sheet, (0, 0, 320, 290), (0, 1), limits, margins=(44, 10, 24, 84 if is_full else 24))
    (boxes,) = marks(panel, "rects", colour=colour, **look)
    del panel.sheet.marks[-6:]  # those of the axes
    heights = boxes[:, 3] * (limits[1] - limits[0]) / (axes.bottom - axes.top)
    return list(np.round(np.where(boxes[:, 1] + 1e-9 < axes.y(0), heights, -heights), 9))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_let_through_is_the_derivative(name):
    z = np.array([-3.0, -0.7, 0.4, 2.0])
    a, derivative = let_through(name, z, 0.2)
    h = 1e-6
    numerical = (let_through(name, z + h, 0.2)[0] - let_through(name, z - h, 0.2)[0]) / (2 * h)
    np.testing.assert_allclose(derivative, numerical, rtol=1e-6)
    if name == "leaky_relu":
        assert a[0] == pytest.approx(-0.6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_drawn_with_its_derivative_and_told_in_numbers(name):
    panel = activation_explorer()
    panel.activation.value = name
    axes = Axes(panel.sheet, (0, 0, 320, 290), (-6, 6), (-1.3, 3))
    z = np.linspace(-6, 6, 401)
    for i, values in enumerate(let_through(name, z)):
        (line,) = marks(panel, "line", colour=COLOURS[i])
        shown = values <= 3
        np.testing.assert_allclose(line[shown], axes.place(z, values)[shown])
        assert shown.all() or np.isnan(line[~shown, 1]).all()
    assert panel.slope.disabled == (name != "leaky_relu")
    assert "gradient" in panel.facts.value
    assert html.escape(panel.canvas.say) == panel.facts.value
    assert not panel.message.value


@pytest.mark.parametrize("which", ["mean", "std", "slope"])
def test_both_ends_of_every_slider_move_the_figure(which):
    panel = activation_explorer("leaky_relu")
    slider = getattr(panel, which)
    frames = set()
    for value in (slider.min, slider.max):
        slider.value = value
        frames.add(str([mark.packed() for mark in panel.sheet.marks]))
        assert not panel.message.value
    assert len(frames) == 2


def passed(panel):
    """Where the bars of what comes back stand, and how high they are, in %."""
    axes = Axes(panel.sheet, (640, 0, 320, 290), (0, 1), (0, 100))
    (boxes,) = marks(panel, "rects", colour=COLOURS[2])
    return axes.values(boxes[:, 0], boxes[:, 1])


def test_half_of_the_units_of_a_relu_around_0_block_the_gradient_and_all_of_them_far_below():
    panel = activation_explorer("relu")
    assert "For 50% of the units" in panel.facts.value
    panel.mean.value, panel.std.value = -5, 0.1
    assert "For 100% of the units" in panel.facts.value
    assert np.allclose(passed(panel), [[0], [100]])


def test_a_sigmoid_lets_a_quarter_through_at_most():
    panel = activation_explorer("sigmoid", std=0.1)
    assert passed(panel)[0].max() <= 0.25
    assert "multiplied by 0.25" in panel.facts.value


def test_a_small_factor_is_not_told_as_0():
    panel = activation_explorer("tanh", mean=-4.9, std=0.3)
    assert "multiplied by 0.00032; " in panel.facts.value


def test_the_histograms_are_those_of_inputs_and_outputs():
    panel = activation_explorer("tanh", mean=1.0, std=2.0)
    axes, edges = Axes(panel.sheet, (320, 0, 320, 290), (-6, 6), (0, 40)), np.linspace(-6, 6, 61)
    z = 1 + 2 * panel.normal
    for values, look in ((z, {"stroke": 1.5}), (np.tanh(z), {"alpha": 0.5})):
        (boxes,) = marks(panel, "rects", **look)
        shares = np.histogram(np.clip(values, -6, 6), edges)[0] / len(z) * 100
        left, top = axes.values(boxes[:, 0], boxes[:, 1])
        np.testing.assert_allclose(left, edges[:-1][shares > 0], atol=1e-9)
        np.testing.assert_allclose(top, np.minimum(40, shares[shares > 0]))


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="unknown activation 'gelu'; known: 'relu'"):
        activation_explorer("gelu")


def stable(panel):
    return bars(panel, COLOURS[0], (0, 1.3))


def naive(panel):
    return bars(panel, COLOURS[1], (0, 1.3), stroke=1.5)


def costs(panel):
    return bars(panel, COLOURS[4], (0, 13))


def pulls(panel):
    return bars(panel, COLOURS[3], (-1.3, 1.3))


def test_probabilities_costs_and_gradient_by_hand():
    panel = softmax_explorer((0.0, 0.0), ("cat", "dog"))
    assert stable(panel) == naive(panel) == [0.5, 0.5]
    assert costs(panel) == pytest.approx([np.log(2)] * 2)
    assert pulls(panel) == [-0.5, 0.5]
    panel.true.value = "dog"
    assert pulls(panel) == [0.5, -0.5]
    panel.logits[0].value = 1.0
    p = 1 / (1 + np.exp(-1.0))
    assert stable(panel) == pytest.approx([p, 1 - p])
    assert costs(panel) == pytest.approx([-np.log(p), -np.log(1 - p)])
    assert "−log p(dog) = 1.313" in panel.facts.value


@pytest.mark.parametrize("value", [0.1, 1.0, 10.0])
def test_temperature_divides_the_logits(value):
    panel = softmax_explorer((2.0, 1.0), ("cat", "dog"))
    panel.temperature.value = value
    assert stable(panel)[0] == pytest.approx(1 / (1 + np.exp(-1 / value)))


@pytest.fixture(scope="module")
def softmax_panel():
    """A panel that goes from test to test."""
    return softmax_explorer()


@pytest.mark.parametrize("scale", [1, 10, 100, 1000])
def test_large_logits_overflow_the_naive_softmax_only(softmax_panel, scale):
    panel = softmax_panel
    panel.scale.value = scale
    assert sum(stable(panel)) == pytest.approx(1)
    assert ("NaN" in written(panel)) == (scale == 1000)
    assert ("overflows" in panel.facts.value) == (scale == 1000)
    assert np.isfinite(costs(panel)).all()
    if scale == 10:
        assert naive(panel) == pytest.approx(stable(panel))
    panel.scale.value = 1


def test_large_negative_logits_underflow_the_naive_softmax_only():
    panel = softmax_explorer((-3.0, -3.0, -3.0, -3.0))
    panel.scale.value = 1000
    assert stable(panel) == [0.25] * 4
    assert "The naive softmax underflows: even e^-3000 is 0" in panel.facts.value
    panel.close()


@pytest.mark.parametrize("end", ["min", "max"])
def test_every_logits_slider_moves_its_class(softmax_panel, end):
    panel = softmax_panel
    for k, slider in enumerate(panel.logits):
        before = stable(panel)[k]
        slider.value = getattr(slider, end)
        assert (stable(panel)[k] > before) == (end == "max")
        slider.value = 0


@pytest.mark.parametrize("name", ["cat", "dog", "frog", "ship"])
def test_every_class_can_be_the_true_one(softmax_panel, name):
    panel = softmax_panel
    panel.true.value = name
    gradient = dict(zip(panel.names, pulls(panel), strict=True))
    assert [k for k, value in gradient.items() if value < 0] == [name]
    assert sum(gradient.values()) == pytest.approx(0, abs=1e-12)


def test_naive_softmax_is_right_where_nothing_overflows_and_nan_where_something_does():
    np.testing.assert_allclose(naive_softmax(np.array([0.0, np.log(3)])), [0.25, 0.75])
    assert np.isnan(naive_softmax(np.array([1000.0, 0.0]))).any()


def test_logits_and_names_must_agree():
    with pytest.raises(ValueError, match="each name needs a logit; got 3 for 2"):
        softmax_explorer((1, 2, 3), ("a", "b"))


def test_names_and_numbers_of_many_classes_stand_upright_and_do_not_overlap():
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    panel = softmax_explorer(np.linspace(-2, 3, 10), names)
    panel.scale.value = 1000
    upright = [texts for texts in marks(panel, "texts", turned=True) if len(texts) == 10]
    assert len(upright) == 6
    for texts in upright:
        assert np.diff([x for x, *_ in texts]).min() > 13  # letters are 12 pixels high


@pytest.mark.parametrize("make", [activation_explorer, softmax_explorer])
def test_the_first_figure_is_always_the_same_file_and_closing_closes(make):
    first, second = make(), make()
    assert first.saved_png() == second.saved_png()
    first.close()
    assert first.ui.comm is None
