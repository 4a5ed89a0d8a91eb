"""The signal explorer: what each layer puts out, and what comes back to it."""

import html

import numpy as np
import pytest

from nn_helpers import ClassificationNet, cross_entropy
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.network import INITIALISATIONS
from nn_helpers.widgets import signal_explorer
from nn_helpers.widgets.signal_explorer import BINS, LAYERS, M, N, signals, sizes


@pytest.mark.parametrize("activation", ["tanh", ["sigmoid", "tanh"]])
def test_signals_are_the_outputs_and_the_derivative_of_the_loss_with_respect_to_them(activation):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 4)), np.array([0, 1, 2, 1, 0])
    net = ClassificationNet(4, [4, 4], 3, activation, dtype=np.float64, residual=True)
    theta = net.theta.copy()
    outputs, derivatives = signals(net, x, y)
    for ours, theirs in zip(outputs, net.activations(x), strict=True):
        np.testing.assert_allclose(ours, theirs)
    _, dlogits = cross_entropy(net.forward(x), y)
    np.testing.assert_allclose(derivatives[1], dlogits @ net.params["W3"].T)
    dz = derivatives[1] * (1 - (outputs[1] - outputs[0]) ** 2)  # without the shortcut the output is tanh z
    np.testing.assert_allclose(derivatives[0], derivatives[1] + dz @ net.params["W2"].T)
    assert net.functions_of_your_own == []
    assert np.array_equal(theta, net.theta)
    assert not net.gradient.any()


def test_signals_of_a_normalised_network_are_those_of_training_and_leave_the_running_means():
    x, y = 7 + np.random.default_rng(0).standard_normal((50, 4)), np.zeros(50, int)
    net = ClassificationNet(4, [6], 3, "tanh", dtype=np.float64, normalise=True)
    before = net.numbers.copy()
    (output,), _ = signals(net, x, y)
    assert np.abs(output.mean(axis=0)).max() < 0.2  # as predictions have it: the tanh of 7 times the weights
    assert np.array_equal(before, net.numbers)


CHOICES = {"depth": (1, 40, 3), "init": INITIALISATIONS, "activation": ACTIVATIONS, "layers": LAYERS}


def test_every_choice_draws_and_says_what_is_to_be_seen():
    panel = signal_explorer(depth=3)
    for name, value in ((name, value) for name, values in CHOICES.items() for value in values):
        panel.controls[name].value = value
        depth = panel.controls["depth"].value
        boxes = np.concatenate([mark.data for mark in panel.sheet.marks if mark.kind == "rects"])
        assert 0 < len(boxes) <= depth * BINS
        assert np.isfinite(boxes).all()
        assert panel.message.value == ""
        assert "nan" not in panel.canvas.say
        assert html.escape(panel.canvas.say) == panel.facts.value
        assert f"layer {depth}" in panel.canvas.say
    panel.close()


def test_the_bars_of_a_layer_are_shares_of_its_outputs():
    panel = signal_explorer("xavier", 3, "tanh")
    net = ClassificationNet(M, [M] * 3, 10, "tanh", init="xavier", dtype=np.float64)
    outputs, _ = signals(net, panel.x, panel.y)
    for a, mark in zip(outputs, [mark for mark in panel.sheet.marks if mark.kind == "rects"], strict=True):
        counts = np.histogram(a, np.linspace(-3, 3, BINS + 1))[0]
        widths = mark.data[:, 2]
        np.testing.assert_allclose(widths / widths.sum(), counts[counts > 0] / (N * M))
    panel.close()


def test_the_words_have_the_sizes():
    panel = signal_explorer("he", 2, "relu")
    outputs, derivatives = signals(ClassificationNet(M, [M] * 2, 10, dtype=np.float64), panel.x, panel.y)
    assert f"Layer 1 puts out numbers of size {sizes(outputs)[0]:.1g}" in panel.canvas.say
    assert f"and {sizes(derivatives)[0]:.1g} at the first" in panel.canvas.say
    panel.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"init": "kaiming"}, "init must be one of 'he', 'xavier', 'normal'; got 'kaiming'"),
        ({"depth": 0}, "depth must be from 1 to 40; got 0"),
        ({"depth": 2.5}, "depth must be a whole number from 1 to 40"),
        ({"activation": "gelu"}, "activation must be one of"),
        ({"layers": "deep"}, "layers must be one of 'plain', 'normalised'"),
    ],
)
def test_what_the_controls_cannot_show_is_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^signal_explorer: {message}"):
        signal_explorer(**arguments)
