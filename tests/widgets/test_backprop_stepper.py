"""The backprop stepper."""

import re

import numpy as np
import pytest

from nn_helpers import numerical_gradient
from nn_helpers.layers import ACTIVATIONS, affine_forward
from nn_helpers.losses import cross_entropy
from nn_helpers.widgets import backprop_stepper
from nn_helpers.widgets.backprop_stepper import BACKWARD, FORWARD, STEPS, edges_of, label, passes, readable


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
    """All that is written in the graph."""
    return [words for mark in panel.sheet.marks if mark.kind == "texts" for *_, words in mark.data]


def spots(panel):
    """The words of each number that can be pointed at."""
    return {mark.look["id"]: mark.data for mark in panel.sheet.marks if mark.kind == "spot"}


def point(panel, entry, event="enter"):
    panel.canvas._hear(panel.canvas, {"event": event, "spot": entry}, [])


@pytest.mark.parametrize("number", range(len(STEPS) + 1))
def test_the_figure_shows_what_is_computed_and_no_more(panel, number):
    panel.position.value = number
    known = ["x", "y", "W1", "b1", "W2", "b2", *(step.result for step in STEPS[:number])]
    arrays = {name.removeprefix("d") for name in panel.values}
    numbers = sorted(readable(value) for name in known for value in panel.values[name].flat)
    unknown = sum(panel.values[name].size for name in arrays - set(known))
    names = sorted(label(name) for name in arrays | set(known))
    assert sorted(shown(panel)) == sorted([*numbers, *["?"] * unknown, *names])
    results = [step.result for step in STEPS[:number]]
    assert {entry.split()[0] for entry in spots(panel)} == set(results)
    assert len(spots(panel)) == sum(panel.values[name].size for name in results)


def strong_lines(panel):
    return (
        sum(len(mark.data) for mark in panel.sheet.marks if mark.kind == "line" and mark.look["width"] > 1)
        // 6
    )


def test_the_edges_of_the_step_stand_out_and_point_the_way_it_goes(panel):
    assert edges_of(STEPS[0]) == {("x", "z1"), ("W1", "z1"), ("b1", "z1")}
    assert edges_of(STEPS[1]) == {("z1", "a1")}
    back = 1 + len(FORWARD) + [s.result for s in BACKWARD].index("dz1")
    assert edges_of(STEPS[back - 1]) == {("z1", "a1")}
    tips = []
    for panel.position.value in (2, back):
        assert strong_lines(panel) == 1
        (line,) = (mark.data for mark in panel.sheet.marks if mark.kind == "line" and mark.look["width"] > 1)
        tips.append(line[1, 0] - line[0, 0])
    assert tips[0] > 0 > tips[1]
    panel.position.value = 0
    assert strong_lines(panel) == 0


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_every_step_marks_an_edge_and_the_boxes_it_uses(panel, number):
    panel.position.value = number
    step = STEPS[number - 1]
    assert strong_lines(panel) == len(edges_of(step)) > 0
    (around,) = (mark.data for mark in panel.sheet.marks if mark.look.get("stroke") == 2.5)
    assert around.tolist() == [list(panel.box(name)) for name in (step.result, *step.sources)]


def evaluated(words, activation):
    """What the right side of a number's words comes to, and the number they end with."""
    name, _, rest = words.partition(" = ")
    sums, _, value = rest.replace("≈", "=").rpartition(" = ")
    if name.startswith("∂L/∂z₁"):
        sums = sums.rpartition(" = ")[2]  # the slope in numbers
    for sign, meaning in (("−", "-"), ("·", "*"), ("log ", "log")):
        sums = sums.replace(sign, meaning)
    sums = re.sub(r"e\^(-?[\d.]+)", r"exp(\1)", sums)
    sums = re.sub(r"log([\d.]+(e-\d+)?)", r"log(\1)", sums)

    def f(z):
        return ACTIVATIONS[activation][0](np.array(z))[0]

    return eval(sums, {"exp": np.exp, "log": np.log, "f": f}), float(value.replace("−", "-"))


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_sum_that_is_written_out_comes_to_its_number(activation, N):
    panel = backprop_stepper(activation, N, seed=3)
    panel.position.value = len(STEPS)
    for entry, words in spots(panel).items():
        name, i, j = entry.split()
        made, written = evaluated(words, activation)
        value = np.atleast_2d(panel.values[name])[int(i), int(j)]
        assert written == pytest.approx(value, rel=6e-3, abs=6e-5), words
        assert made == pytest.approx(value, abs=2e-3), words


def test_pointing_at_a_number_writes_its_sum_out_and_marks_what_it_is_made_of(panel):
    panel.activation.value, panel.N.value, panel.seed.value = "relu", 2, 0
    panel.position.value = 3
    assert "z₂[0, 0] = 1.14 · (−1.90) + 0.00 · (−1.30) + 0.07 · 0.20 + (−0.30) = −2.452" in panel.sum.value
    point(panel, "z1 0 1")
    assert "z₁[0, 1] = 0.50 · 1.70 + (−0.90) · 0.20 + (−2.00) = −1.33" in panel.sum.value
    used = [("x", 0, 0), ("W1", 0, 1), ("x", 0, 1), ("W1", 1, 1), ("b1", 0, 1)]
    assert panel.used.data.tolist() == panel.cells(used).tolist()
    assert panel.marked.data.tolist() == panel.cells([("z1", 0, 1)]).tolist()
    point(panel, "z1 0 1", "leave")
    assert "z₁[0, 1]" in panel.sum.value


def test_the_task_is_solved_where_relu_stops_a_gradient_and_nowhere_else():
    panel = backprop_stepper(N=2)
    panel.position.value = len(STEPS)
    v = panel.values
    right = (v["dz1"] == 0) & (v["da1"] != 0)
    assert right.any()
    assert not right.all()
    for entry in spots(panel):
        name, i, j = entry.split()
        point(panel, entry, "press")
        assert ("Solved" in panel.task.value) == (name == "dz1" and right[int(i), int(j)])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("N", [1, 2, 3])
def test_other_numbers_activations_and_examples_are_shown_at_the_same_step(panel, activation, N):
    panel.position.value = len(STEPS)
    panel.activation.value, panel.N.value, panel.seed.value = activation, N, 5
    expected = passes(activation, N, 5)
    for name in ("W1", "dW1"):
        assert {readable(value) for value in expected[name].flat} <= set(shown(panel))
    assert len(panel.values["x"]) == N
    assert not panel.message.value


def test_numbers_have_a_true_minus_no_negative_zero_and_more_digits_where_asked():
    assert [readable(value) for value in (1.0, -2.5, -0.0, -0.001, 10.256)] == [
        "1.00", "−2.50", "0.00", "0.00", "10.26",
    ]  # fmt: skip
    assert [readable(value, 4) for value in (1.5, -0.25, 1 / 3, -1e-5, 1e-17)] == [
        "1.50", "−0.25", "0.3333", "−1.00e−05", "0.00",
    ]  # fmt: skip


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="N must be 1, 2 or 3"):
        backprop_stepper(N=8)
    with pytest.raises(ValueError, match="unknown activation"):
        backprop_stepper("gelu")


def test_what_is_saved_at_the_beginning_is_the_last_step():
    first, last = backprop_stepper(), backprop_stepper()
    last.position.value = len(STEPS)
    words = shown(first)
    assert first.saved_png() == last.canvas.figure()._repr_png_()
    assert (first.position.value, shown(first)) == (0, words)
    first.position.value = last.position.value = 3
    assert first.saved_png() == last.canvas.figure()._repr_png_()
