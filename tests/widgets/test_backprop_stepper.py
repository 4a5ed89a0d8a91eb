"""The backprop stepper."""

import numpy as np
import pytest

from nn_helpers import numerical_gradient
from nn_helpers.layers import ACTIVATIONS, affine_forward
from nn_helpers.losses import cross_entropy
from nn_helpers.widgets import backprop_stepper
from nn_helpers.widgets.backprop_stepper import BACKWARD, FORWARD, STEPS, format_rows, label, passes


def loss(v, activation):
    z, _ = affine_forward(v["x"], v["W1"], v["b1"])
    a, _ = ACTIVATIONS[activation][0](z)
    z, _ = affine_forward(a, v["W2"], v["b2"])
    return cross_entropy(z, v["y"])[0]


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_its_derivatives_are_those_of_its_loss(activation, N):
    v = passes(activation, N, seed=3)
    assert v["L"] == loss(v, activation)
    for name in ("W1", "b1", "W2", "b2"):
        numerical = numerical_gradient(
            lambda values, name=name: loss({**v, name: values}, activation), v[name]
        )
        np.testing.assert_allclose(v[f"d{name}"], numerical, atol=1e-7)
        assert v[f"d{name}"].shape == v[name].shape


def test_every_step_uses_only_what_the_steps_before_have_computed():
    known = {"x", "y", "W1", "b1", "W2", "b2"}
    for step in STEPS:
        assert set(step.sources) <= known
        known.add(step.result)
    assert {f"d{name}" for name in ("W1", "b1", "W2", "b2")} <= known


def test_next_and_back_go_edge_by_edge_to_both_ends():
    panel = backprop_stepper()
    assert panel.back.disabled
    assert "Press Next" in panel.text.value
    for number, step in enumerate(STEPS, 1):
        panel.next.click()
        assert panel.position.value == number
        assert f"Step {number} of 12, {'backward' if step.backward else 'forward'}" in panel.text.value
        assert label(step.result) in panel.text.value
        assert str(panel.values[step.result].shape) in panel.text.value
    assert panel.next.disabled
    panel.next.click()
    assert panel.position.value == len(STEPS)
    for _ in range(20):
        panel.back.click()
    assert panel.position.value == 0
    assert not panel.message.value


@pytest.fixture(scope="module")
def panel():
    """A panel that goes from test to test; each sets what it needs."""
    return backprop_stepper()


def shown(panel):
    return {name: text.get_text() for name, text in {**panel.numbers, **panel.derivatives}.items()}


@pytest.mark.parametrize("number", range(len(STEPS) + 1))
def test_the_figure_shows_what_is_computed_and_no_more(panel, number):
    panel.position.value = number
    known = {"x", "y", "W1", "b1", "W2", "b2", *(step.result for step in STEPS[:number])}
    for name, text in shown(panel).items():
        if name in known:
            assert text == format_rows(panel.values[name])
        else:
            assert text == ("" if name.startswith("d") else "?")


def active_edges(panel):
    return {edge for edge, arrow in panel.edges.items() if arrow.get_linewidth() > 1}


def test_the_edges_of_the_step_stand_out_and_point_the_way_it_goes(panel):
    panel.position.value = 1
    assert active_edges(panel) == {("x", "z1"), ("W1", "z1"), ("b1", "z1")}
    panel.position.value = 2
    assert active_edges(panel) == {("z1", "a1")}
    forward = panel.edges["z1", "a1"].get_edgecolor()
    panel.position.value = 1 + len(FORWARD) + [s.result for s in BACKWARD].index("dz1")
    assert active_edges(panel) == {("z1", "a1")}
    assert panel.edges["z1", "a1"].get_edgecolor() != forward
    panel.position.value = 0
    assert active_edges(panel) == set()


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_every_step_marks_an_edge_and_the_boxes_it_uses(panel, number):
    panel.position.value = number
    assert active_edges(panel)
    marked = {name for name, box in panel.boxes.items() if box.get_linewidth() > 1}
    step = STEPS[number - 1]
    assert marked == {name.removeprefix("d") for name in (step.result, *step.sources)}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("N", [1, 2, 3])
def test_other_numbers_activations_and_examples_are_shown_at_the_same_step(panel, activation, N):
    panel.position.value = len(STEPS)
    panel.activation.value, panel.N.value, panel.seed.value = activation, N, 5
    expected = passes(activation, N, 5)
    assert shown(panel)["W1"] == format_rows(expected["W1"])
    assert shown(panel)["dW1"] == format_rows(expected["dW1"])
    assert len(panel.values["x"]) == N
    assert not panel.message.value


def test_numbers_are_written_in_rows_with_a_true_minus_and_no_negative_zero():
    assert format_rows(np.array([[1.0, -2.5], [-0.0, 10.25]])) == " 1.00 −2.50\n 0.00 10.25"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="N must be 1, 2 or 3"):
        backprop_stepper(N=8)
    with pytest.raises(ValueError, match="unknown activation"):
        backprop_stepper("gelu")


def test_what_is_saved_at_the_beginning_is_the_last_step():
    first, last = backprop_stepper(), backprop_stepper()
    last.position.value = len(STEPS)
    frame = first.canvas.widget.value
    assert first.saved_png() == last.canvas.figure._repr_png_()
    assert (first.position.value, first.canvas.widget.value) == (0, frame)
    first.position.value = last.position.value = 3
    assert first.saved_png() == last.canvas.figure._repr_png_()
