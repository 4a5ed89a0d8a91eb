"""The playground while it runs, with the learner's functions in it, and what goes wrong."""

import asyncio
import re

import numpy as np
import pytest
from scenes import assert_code_makes_the_same, facts, in_loop, until
from test_playground import NEW_NETWORK, SAME_NETWORK

from nn_helpers import ClassificationNet, cross_entropy, sketches
from nn_helpers.widgets import playground
from nn_helpers.widgets.controls import RATES
from nn_helpers.widgets.playground import BATCHES, FUNCTIONS, look

# The learner's own functions


def relu_forward(z):
    return np.maximum(z, 0), z


def mine(z):
    return np.tanh(z), np.tanh(z)


def test_the_learners_function_trains_draws_and_stands_in_the_code():
    called = []

    def counted(z):
        called.append(len(z))
        return relu_forward(z)

    panel = playground(functions={"relu_forward": counted})
    assert max(called) > 1000  # the plane
    assert panel.about.value.endswith("your own functions in it: relu_forward")
    panel.run(3)
    assert 8 in called  # a batch
    assert "net.use(relu_forward=counted)" in panel.as_code()
    assert_code_makes_the_same(panel, counted=counted)
    plain = playground()
    plain.run(3)
    assert np.allclose(plain.net.theta, panel.net.theta)


def test_functions_without_a_name_of_their_own_stand_in_the_code_by_what_they_are_for():
    panel = playground(functions={"relu_forward": lambda z: relu_forward(z)})
    panel.run(2)
    assert_code_makes_the_same(panel, relu_forward=relu_forward)


def test_a_function_of_another_activation_waits_for_it():
    panel = playground(functions={"tanh_forward": mine})
    assert panel.about.value.endswith("your own functions in it: none")
    assert "net.use" not in panel.as_code()
    panel.settings["activation"].value = "tanh"
    assert panel.about.value.endswith("tanh_forward")
    panel.run(2)
    assert_code_makes_the_same(panel, mine=mine)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_can_be_the_learners(name):
    activation = name.partition("_")[0] if name.endswith(("forward", "backward")) else "relu"
    activation = {"affine": "relu", "leaky": "leaky_relu"}.get(activation, activation)
    library = ClassificationNet(2, [2], 2, activation).functions[name]
    calls = []

    def own(*args):
        calls.append(name)
        return library(*args)

    panel = playground(functions={name: own}, activation=activation, reg=0.01)
    panel.run(2)
    assert calls
    assert "alert" not in panel.message.value


def test_a_cross_entropy_that_writes_into_the_logits_spoils_no_figure():
    def spoils(logits, y):
        loss, dlogits = cross_entropy(logits, y)
        logits[...] = np.eye(logits.shape[1])[y]
        return loss, dlogits

    spoilt, plain = playground("spirals", functions={"cross_entropy": spoils}), playground("spirals")
    assert spoilt.accuracy.values == plain.accuracy.values
    assert (spoilt.answers.image.data == plain.answers.image.data).all()


def test_an_unknown_function_is_named():
    with pytest.raises(ValueError, match=r"unknown function 'relu_foward'; known: .*'relu_forward'"):
        playground(functions={"relu_foward": relu_forward})


class Failing:
    """A relu that does something wrong from its n-th batch on; frames, with more examples, are right."""

    def __init__(self, after, wrong):
        self.left, self.wrong, self.mended = after, wrong, False

    def __call__(self, z):
        self.left -= len(z) == 8
        return self.wrong(z) if self.left < 0 and len(z) == 8 and not self.mended else relu_forward(z)


def raises(z):
    raise ZeroDivisionError("in the learner's code")


def gives_nan(z):
    return np.full_like(z, np.nan), z


def test_a_function_that_raises_in_the_middle_shows_its_traceback_and_the_page_lives():
    async def scene():
        mine = Failing(2 * 50, raises)  # two layers: 50 steps
        panel = playground(functions={"relu_forward": mine})
        panel.start()
        await until(lambda: not panel.running)
        assert panel.step_count == 50
        assert "ZeroDivisionError: in the learner" in panel.message.value
        assert "raise ZeroDivisionError" in panel.message.value
        first_line = panel.message.value.splitlines()[1]
        assert "test_playground_runs.py" in first_line  # and none of the library's before it
        assert panel.start_button.description == "Start"
        assert facts(panel).startswith("step 50 ")
        mine.mended = True
        panel.start()
        await until(lambda: panel.step_count > 60)
        panel.pause()
        assert not panel.message.value
        assert_code_makes_the_same(panel, relu_forward=relu_forward)
        panel.close()

    in_loop(scene)


def test_a_function_that_raises_at_the_press_of_step_shows_it_too():
    panel = playground(functions={"relu_forward": Failing(0, raises)})
    panel.step_button.click()
    assert "ZeroDivisionError" in panel.message.value
    assert panel.step_count == 0


def test_of_two_errors_the_one_that_ended_the_steps_is_shown():
    panel = playground(functions={"relu_forward": raises})  # in every frame
    panel.fail(ValueError("in a step"))
    assert "ValueError: in a step" in panel.message.value
    assert "ZeroDivisionError" not in panel.message.value


def test_a_function_that_raises_from_the_beginning_still_gives_a_panel():
    panel = playground(functions={"relu_forward": raises})
    assert "ZeroDivisionError" in panel.message.value
    panel.settings["activation"].value = "tanh"
    assert "ZeroDivisionError" not in panel.message.value
    panel.run(2)
    assert panel.step_count == 2


def test_a_function_that_returns_the_wrong_thing_is_told_so():
    panel = playground(functions={"relu_forward": lambda z: np.maximum(z, 0)})
    assert "relu_forward" in panel.message.value
    assert 'role="alert"' in panel.message.value


def test_a_function_that_returns_nan_in_the_middle_ends_the_run_with_a_word_about_it():
    async def scene():
        panel = playground(functions={"relu_forward": Failing(2 * 30, gives_nan)})
        panel.start()
        await until(lambda: not panel.running)
        assert panel.step_count == 30
        assert "diverged at step 31" in panel.message.value
        assert "what your own functions return (relu_forward)" in panel.message.value
        assert np.isfinite(panel.net.theta).all()
        panel.reset()
        assert not panel.message.value
        panel.close()

    in_loop(scene)


# What goes wrong


def diverging():
    return playground("blobs", lr=10.0, optimizer="momentum", width=64, depth=4)


def test_a_rate_that_is_too_large_is_told_in_words_and_the_curves_stay():
    async def scene():
        panel = diverging()
        panel.start()
        await until(lambda: not panel.running)
        assert re.search(r"diverged at step \d+.*smaller learning rate.*press Reset", panel.message.value)
        assert 'role="alert"' not in panel.message.value
        ended = panel.step_count
        assert panel.loss.steps[0] == 0
        assert panel.loss.steps[-1] == ended
        assert np.isfinite(panel.loss.values[0][0])
        panel.start()  # the numbers are gone: it says so again
        await until(lambda: not panel.running)
        assert panel.step_count == ended
        assert "diverged" in panel.message.value
        panel.settings["lr"].value = 0.01
        await asyncio.sleep(0.01)
        panel.reset_button.click()
        await asyncio.sleep(0.01)
        assert not panel.message.value
        panel.start()
        await until(lambda: panel.step_count > 100)
        assert np.isfinite(panel.net.theta).all()
        assert panel.running
        panel.close()

    in_loop(scene)


def test_the_press_of_step_tells_of_divergence_in_words_too():
    panel = diverging()
    while "diverged" not in panel.message.value and panel.step_count < 200:
        panel.step_button.click()
    assert "diverged" in panel.message.value
    assert 'role="alert"' not in panel.message.value


def test_divergence_names_the_first_layer_without_numbers():
    panel = playground(depth=3)
    panel.net.params["W2"][...] = np.inf
    panel.step()
    assert "hidden layer 2 puts out infinity or NaN" in panel.message.value


def test_start_twice_is_one_run():
    async def scene():
        others = asyncio.all_tasks()
        panel = playground()
        panel.start()
        panel.start()
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks() - others) == 1
        panel.start_button.click()
        await until(lambda: not panel.running)
        assert_code_makes_the_same(panel)
        panel.close()

    in_loop(scene)


@pytest.mark.parametrize(("name", "value"), [*SAME_NETWORK.items(), *NEW_NETWORK.items()])
def test_a_control_moved_while_it_trains(name, value):
    async def scene():
        panel = playground()
        panel.start()
        await until(lambda: panel.step_count > 20)
        net = panel.net
        panel.settings[name].value = value
        if name in SAME_NETWORK:
            at = panel.step_count
            await until(lambda: panel.step_count > at + 40)
            assert panel.running
            assert panel.net is net
        else:
            await until(lambda: panel.net is not net)
            assert not panel.running
            assert panel.step_count == 0
            panel.start()
            await until(lambda: panel.step_count > 20)
        panel.pause()
        assert 'role="alert"' not in panel.message.value
        assert_code_makes_the_same(panel)
        panel.close()

    in_loop(scene)


def test_a_slider_dragged_while_it_trains_is_in_the_code():
    async def scene():
        panel = playground("circles")
        panel.start()
        for i in range(12):
            panel.settings["lr"].value = RATES[i % len(RATES)]
            panel.settings["batch_size"].value = BATCHES[i % 4]
            await asyncio.sleep(0.01)
        panel.pause()
        assert_code_makes_the_same(panel)
        panel.close()

    in_loop(scene)


def test_of_changes_that_come_all_at_once_the_last_one_counts():
    async def scene():
        panel = playground()
        made = []
        begin = panel.begin
        panel.begin = lambda **how: (made.append(panel.value("depth")), begin(**how))
        for depth in (1, 2, 3, 4, 5, 6):
            panel.settings["depth"].value = depth
        await asyncio.sleep(0.05)
        assert made == [6]
        panel.close()

    in_loop(scene)


def test_two_panels_do_not_know_of_each_other():
    async def scene():
        first, second = playground(), playground("xor")
        first.start()
        second.start()
        await until(lambda: first.step_count > 20 and second.step_count > 20)
        first.pause()
        at = first.step_count
        more = second.step_count
        await until(lambda: second.step_count > more + 20)
        assert first.step_count == at
        second.settings["depth"].value = 0
        await until(lambda: not second.running)
        assert first.net.num_layers == 3
        first.start()
        second.close()
        await until(lambda: first.step_count > at + 20)
        first.pause()
        assert_code_makes_the_same(first)
        first.close()

    in_loop(scene)


def test_closing_in_the_middle_of_a_run_ends_it():
    async def scene():
        others = asyncio.all_tasks()
        panel = playground()
        panel.start()
        await until(lambda: panel.step_count > 5)
        panel.close()
        await asyncio.sleep(0.02)
        at = panel.step_count
        await asyncio.sleep(0.05)
        assert panel.step_count == at
        assert asyncio.all_tasks() == others
        assert panel.canvas.comm is None
        assert panel.settings["lr"].comm is None

    in_loop(scene)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depht": 3}, "unknown setting 'depht'; known: .*'depth'"),
        ({"lr": 0}, "lr must be greater than 0 and below inf, got 0"),
        ({"reg": -1.0}, "reg must be at least 0 and below inf, got -1"),
        ({"depth": 9}, "depth must be from 0 to 8; got 9"),
        ({"width": 0}, "width must be from 1 to 128; got 0"),
        ({"batch_size": 7}, "batch_size must be one of 1, 2, 4, 8, 16, 32, 64, 'all'; got 7"),
        ({"activation": "gelu"}, "activation must be one of 'relu', .*; got 'gelu'"),
        ({"beta": 0.5}, "unknown setting 'beta'"),  # SGD has none
        ({"optimizer": "momentum", "beta": 1.5}, "beta must be from 0 to 0.99; got 1.5"),
        ({"seed": -1}, "seed must be from 0 to 9999; got -1"),
        ({"depth": "two"}, "depth must be a whole number from 0 to 8; got 'two'"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_what_can(settings, message):
    with pytest.raises(ValueError, match=message):
        playground(**settings)


def test_data_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="unknown data 'moon'; known: 'moons'"):
        playground("moon")
    with pytest.raises(ValueError, match=r"no validation part; write data.subset\(500, val=200\)"):
        playground(sketches(20, n_test=0))


def test_looking_is_the_networks_own_forward_pass():
    panel = playground(depth=3)
    hidden, logits = look(panel.net, panel.x)
    assert np.allclose(logits, panel.net.logits(panel.x), atol=1e-6)
    assert [a.shape for a in hidden] == [(len(panel.x), 8)] * 3
    softmax_regression = playground(depth=0)
    hidden, logits = look(softmax_regression.net, softmax_regression.x)
    assert hidden == []
    assert np.allclose(logits, softmax_regression.net.logits(softmax_regression.x), atol=1e-6)
