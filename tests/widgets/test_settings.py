"""What a widget cannot show it refuses, in one sentence that names the setting, and what there is."""

import numpy as np
import pytest

from nn_helpers.widgets import (
    activation_explorer,
    backprop_stepper,
    optimizer_race,
    playground,
    softmax_explorer,
)
from nn_helpers.widgets.controls import dropdown, show_first, slider, stop_slider

NAN, INF = float("nan"), float("inf")
NO_NUMBERS = (NAN, INF, -INF, None, "3", "high", True, [3], np.arange(3.0), np.array([3.0]), 3j, 10**400)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 6, -6.0], ids=repr)
@pytest.mark.parametrize("name", ["mean", "std"])
def test_the_activation_explorer_refuses_inputs_that_its_sliders_cannot_show(name, value):
    with pytest.raises(ValueError, match=rf"^activation_explorer: {name} must be from .* to 5; got "):
        activation_explorer(**{name: value})


def test_the_activation_explorer_shows_what_it_was_called_with():
    panel = activation_explorer(mean=np.float32(-4.5), std=5)
    assert (panel.mean.value, panel.std.value) == (-4.5, 5)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 5.5], ids=repr)
def test_the_softmax_explorer_refuses_logits_that_its_sliders_cannot_show(value):
    with pytest.raises(ValueError, match=r"^softmax_explorer: logit of dog must be from -5 to 5; got "):
        softmax_explorer([1.0, value], ("cat", "dog"))


@pytest.mark.parametrize(
    ("names", "message"),
    [(("cat", "cat"), "must be different"), ((1, "1"), "must be different"), ("ab", "sequences"), (2, "seq")],
)
def test_the_softmax_explorer_refuses_names_that_do_not_tell_classes_apart(names, message):
    with pytest.raises((TypeError, ValueError), match=f"^softmax_explorer: .*{message}"):
        softmax_explorer([1.0, 2.0], names)


@pytest.mark.parametrize("logits", [5, None, NAN])
def test_the_softmax_explorer_refuses_what_is_no_sequence_of_logits(logits):
    with pytest.raises(TypeError, match=r"^softmax_explorer: logits and class_names must be sequences"):
        softmax_explorer(logits)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 2.0, 4], ids=repr)
def test_the_backprop_stepper_refuses_other_numbers_of_examples(value):
    with pytest.raises(ValueError, match=r"^backprop_stepper: N must be 1, 2 or 3"):
        backprop_stepper(N=value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.5, -1, 10_000], ids=repr)
@pytest.mark.parametrize("widget", [backprop_stepper, playground, optimizer_race])
def test_seeds_that_a_field_cannot_show_are_refused(widget, value):
    with pytest.raises(ValueError, match=rf"^{widget.__name__}: seed must be .*from 0 to 9999; got "):
        widget(seed=value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 2.5, 9], ids=repr)
@pytest.mark.parametrize(
    "make",
    [
        lambda: slider("", "", 2, 0, 8, step=1),
        lambda: slider("", "", 2.0, 0, 2),
        lambda: stop_slider("", "", (1, 2, "all"), 1),
        lambda: dropdown("", "", ("relu", "tanh"), "relu"),
    ],
)
def test_no_control_takes_what_it_cannot_show(make, value):
    control = make()
    with pytest.raises(ValueError, match=r"^widget: x must be "):
        show_first("widget", "x", control, value)


def test_whole_numbers_are_asked_for_where_they_are_needed():
    with pytest.raises(ValueError, match=r"^playground: depth must be a whole number from 0 to 8; got 2\.5"):
        playground(depth=2.5)
    with pytest.raises(ValueError, match=r"^playground: depth must be from 0 to 8; got 9"):
        playground(depth=9)


@pytest.mark.parametrize("value", [*NO_NUMBERS], ids=repr)
@pytest.mark.parametrize("name", ["lr", "reg"])
def test_the_playground_refuses_rates_that_are_no_numbers(name, value):
    with pytest.raises((TypeError, ValueError), match=rf"^playground: {name} must be "):
        playground(**{name: value})


@pytest.mark.parametrize("optimizers", ["GD", 5, True])
def test_who_races_is_a_list(optimizers):
    with pytest.raises(TypeError, match=r'optimizers must be a list such as \["Adam"\]'):
        optimizer_race(optimizers=optimizers)


@pytest.mark.parametrize("functions", [5, len, ["relu_forward"], True])
def test_own_functions_are_a_dict(functions):
    with pytest.raises(TypeError, match=r'^playground: functions must be a dict such as \{"relu_forward"'):
        playground(functions=functions)
