"""The network that is drawn: units, wires, what happens in each layer, and formulas with their numbers."""

import re

import numpy as np
import pytest

from nn_helpers import ClassificationNet, cross_entropy, layers
from nn_helpers.widgets import playground
from nn_helpers.widgets.canvas import Sheet
from nn_helpers.widgets.network_view import HEIGHT, LAYERS, UNITS, WIDTH, NetworkView, explain, number, power
from nn_helpers.widgets.playground import rms


def wire_names(view):
    return view.wires.look["names"]


@pytest.mark.parametrize("sizes", [[], [1], [8, 4], [8] * 6, [128] * 8])
def test_units_and_wires_are_drawn_up_to_six_layers_of_eight(sizes):
    panel = playground(sizes=sizes)
    view, L = panel.network, len(sizes)
    hidden = [layer for layer in view.drawn if 0 < layer <= L]
    assert hidden == (list(range(1, L + 1)) if L <= LAYERS else [1, 2, 3, 4, 5, L])
    assert all(view.drawn[layer] == min(UNITS, sizes[layer - 1]) for layer in hidden)
    expected = sum(view.drawn[layer - 1] * view.drawn[layer] for layer in view.wired)
    assert len(wire_names(view)) == len(view.wires.data) - 1 == expected
    boxes = np.concatenate(list(view.boxes.values()))
    assert (boxes >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= WIDTH).all()
    assert (boxes[:, 1] + boxes[:, 3] <= HEIGHT).all()


def test_a_wire_is_the_weight_that_its_name_says_and_the_gradient_after_the_switch():
    panel = playground(sizes=[3, 5])
    panel.run(3)
    for what, of in (("weight", panel.net.params), ("∂L/∂w", panel.net.grads)):
        for name, value in zip(wire_names(panel.network), panel.network.wires.data, strict=False):
            layer, i, j = map(int, re.fullmatch(rf"layer (\d), {what} from (\d) to (\d)", name).groups())
            assert value == of[f"W{layer}"][i - 1, j - 1]
        panel.wires.value = "gradient"
    assert panel.network.wires.data[-1] == np.abs(panel.network.wires.data[:-1]).max()


def test_a_units_picture_is_what_it_puts_out_over_the_plane():
    panel = playground("circles", depth=1)
    panel.run(50)
    (a,) = panel.net.activations(panel.answers.x)
    picture = panel.network.pictures[1].data.astype(float) - 127.5
    expected = a.reshape(48, 48, 8)[::2, ::2].transpose(2, 0, 1)
    for unit in range(8):
        if expected[unit].std() > 0.01:
            shade = np.clip(expected[unit] * 127.5 / (2.5 * np.abs(expected).mean()), 0, 127.5)
            assert np.abs(picture[unit] - shade).max() < 1


def test_for_images_a_unit_of_the_first_layer_shows_its_weights():
    panel = playground("images")
    W = panel.net.params["W1"][:, 0].reshape(32, 32, 3)
    shown = panel.network.pictures[1].data[0].astype(float)
    assert np.allclose(shown, 127.5 + 127.5 * W / np.abs(W).max(), atol=1)
    assert panel.network.pictures[3].data.shape == (10, 32, 32, 3)


def test_dead_units_are_crossed_out_and_say_so():
    panel = playground(depth=1, seed=1)
    panel.net.params["b1"][2] = -100
    panel.draw()
    words = panel.network.spots[1, 2].data
    assert words.startswith("Unit 3 of layer 1: 0.00 on average, bias −100.00, dead")
    x, y, _, _ = panel.network.boxes[1][2]
    assert (x, y) in panel.network.dead.data
    assert sum("dead" in spot.data for spot in panel.network.spots.values()) * 6 == len(
        panel.network.dead.data
    )


def strip(panel):
    """The lines of text below the layers: labels and a column for each layer, as rows."""
    words = [words for _, _, words in panel.network.strip.data]
    return {words[i]: words[i + 3 :: 3] for i in range(3)}


def test_below_each_layer_stand_its_dead_units_its_gradient_and_its_update():
    panel = playground(depth=2, lr=0.05, seed=3)
    assert strip(panel)["size of ∇"] == ["–"] * 3  # before the first step
    panel.run(20)
    before = panel.net.theta.copy()
    panel.step()
    update = panel.net.copy()
    update.theta = panel.net.theta - before
    below = strip(panel)
    for layer in (1, 2, 3):
        W, dW = panel.net.params[f"W{layer}"], panel.net.grads[f"W{layer}"]
        assert below["size of ∇"][layer - 1] == power(np.sqrt((dW.astype(float) ** 2).mean()))
        ratio = np.linalg.norm(update.params[f"W{layer}"]) / np.linalg.norm(W)
        assert ratio == pytest.approx(0.05 * np.linalg.norm(dW) / np.linalg.norm(W), rel=1e-3)
        assert below["step / w"][layer - 1] == power(ratio)
    assert below["dead"][2] == ""  # logits have no activation


def test_the_histogram_counts_the_examples_alone():
    panel = playground(depth=1)
    (a,) = panel.net.activations(panel.x[: panel._parts[-1][0].stop])
    bars = panel.network.bars.data
    assert bars[0, 3] == pytest.approx(22 * (a < 4 / len(bars)).mean(), abs=0.01)


def test_the_root_mean_square():
    assert rms(np.array([3.0, -4.0])) == pytest.approx(np.sqrt(12.5))


# Formulas


@pytest.fixture
def net():
    net = ClassificationNet(2, [3], 2, dtype=np.float64, seed=0)
    net.params["W1"][:, 0], net.params["b1"][0] = [0.5, -0.9], 0.2
    return net


X = np.array([[-1.8, 1.7]])


def test_a_unit_forwards_is_its_sum_written_out(net):
    lines = explain(net, X, 1, 1, 0, False)
    assert "z = 0.50·(−1.80) + (−0.90)·1.70 + 0.20 = −2.23" in lines
    assert "a = relu(z) = relu(−2.23) = 0.00" in lines


def test_an_output_ends_in_its_probability(net):
    lines = explain(net, X, 1, 2, 1, False)
    assert lines[-1] == f"p = softmax(z) = {number(net.predict_proba(X)[0, 1])}"


@pytest.mark.parametrize("activation", [*layers.ACTIVATIONS, ["tanh", "relu"]])
def test_the_way_back_has_the_networks_own_derivatives(activation):
    net = ClassificationNet(2, [3, 4], 2, activation, dtype=np.float64, seed=3)
    _, dlogits = cross_entropy(net.forward(X), np.array([1]))
    net.backward(dlogits)
    for layer in (1, 2, 3):
        for unit in range(2):
            back = explain(net, X, 1, layer, unit, True)[-1]
            assert back.endswith(f"∂L/∂b = {number(net.grads[f'b{layer}'][unit])}")
            assert number(net.grads[f"W{layer}"][0, unit]) in back


def test_a_formula_names_the_activation_of_its_layer():
    net = ClassificationNet(2, [3, 4], 2, ["tanh", "sigmoid"], dtype=np.float64, seed=3)
    for layer, name in enumerate(net.hidden_activations, 1):
        a = net.activations(X)[layer - 1][0, 1]
        assert explain(net, X, 1, layer, 1, False)[-1].startswith(f"a = {name}(z) = {name}(")
        assert explain(net, X, 1, layer, 1, False)[-1].endswith(f" = {number(a)}")
        assert f"∂L/∂a · {name}′(" in explain(net, X, 1, layer, 1, True)[2]


def test_dead_units_and_histograms_follow_the_activation_of_each_layer():
    panel = playground(sizes=[4, 4], activation=["sigmoid", "relu"])
    panel.net.params["b1"], panel.net.params["b2"] = np.full(4, -60.0), np.full(4, -60.0)
    panel.draw()
    dead = [words for (x, y, words) in panel.network.strip.data if words.endswith("of 4")]
    assert dead == ["4 of 4", "4 of 4"]
    panel.net.params["b1"] = np.full(4, -3.0)  # small, and far from 0 for a sigmoid alone
    panel.draw()
    dead = [words for (x, y, words) in panel.network.strip.data if words.endswith("of 4")]
    assert dead == ["0 of 4", "4 of 4"]
    panel.net.params["W2"], panel.net.params["b2"] = np.zeros((4, 4)), np.full(4, 1.0)
    panel.draw()
    heights = panel.network.bars.data[:, 3].reshape(2, -1)
    assert heights[1].tolist() == [0, 0, 0, 22, *[0] * 10]  # 1 is a quarter of the way from 0 to 4


def test_a_formula_changes_nothing_of_a_training_with_dropout():
    with_, without = playground(dropout=0.5), playground(dropout=0.5)
    with_.network.opened = (1, 0, True)
    for panel in (with_, without):
        panel.run(3)
        panel.draw()
        panel.run(3)
    assert with_.net.theta.tobytes() == without.net.theta.tobytes()


def test_long_sums_are_cut_short():
    panel = playground("images")
    panel.network.opened = (1, 0, False)
    panel.draw()
    text = " ".join(words for _, _, words in panel.network.lines.data)
    assert "(3,064 more)" in text


def test_numbers_are_short_and_have_a_minus_sign():
    assert [number(value) for value in (0, -1.234, 0.0123, -1e-9)] == ["0.00", "−1.23", "0.012", "0.00"]
    assert [power(value) for value in (np.nan, 2.34e-4, 12)] == ["–", "2.3e−4", "1.2e1"]


def test_a_network_without_hidden_layers_has_inputs_and_outputs():
    view = NetworkView(Sheet(WIDTH, HEIGHT, ""))
    view.begin(ClassificationNet(2, [], 3), ["a", "b", "c"])
    assert view.drawn == {0: 2, 1: 3}
