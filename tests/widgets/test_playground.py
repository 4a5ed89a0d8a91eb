"""The playground in plain Python: every option of every control, its figure, and its code."""

import io
import re
import time

import numpy as np
import pytest
from scenes import assert_code_makes_the_same, facts, in_loop, redo, until

from nn_helpers import evaluate, layers, losses, points, sketches
from nn_helpers.network import INITIALISATIONS
from nn_helpers.widgets import playground
from nn_helpers.widgets.canvas import Canvas
from nn_helpers.widgets.controls import RATES
from nn_helpers.widgets.playground import (
    BATCHES,
    CLASSES,
    FIRST,
    IMAGES,
    L2,
    MINE,
    OWN,
    POINTS,
    ZERO,
    sample_images,
)

STEPS = 7


# Every option of every control

OPTIONS = {
    "data": [*POINTS, MINE, IMAGES],
    "noise": [0.0, 0.5, 3.0],
    "n_train": [10, 100, 290],
    "seed": [0, 1, 9999],
    "depth": [0, 1, 4, 8],
    "width": [1, 64, 128],
    "activation": list(layers.ACTIVATIONS),
    "init": [*INITIALISATIONS, ZERO],
    "bias": ["learnt", ZERO],
    "optimizer": list(CLASSES),
    "lr": list(RATES),
    "reg": list(L2),
    "dropout": [0.0, 0.3, 0.9],
    "batch_size": list(BATCHES),
}
# Each of them; of the many learning rates, which take one path, the ends and some between.
EVERY = [
    (name, value) for name, values in OPTIONS.items() for value in (values[::9] if name == "lr" else values)
]


def test_the_options_tried_here_are_all_there_are(panel):
    assert panel.settings.keys() == OPTIONS.keys()
    for name in ("data", "activation", "init", "optimizer", "lr", "reg", "batch_size"):
        values = [
            option[1] if isinstance(option, tuple) else option for option in panel.settings[name].options
        ]
        assert values == OPTIONS[name]
    for name in ("noise", "n_train", "seed", "depth", "width", "dropout"):
        assert [panel.settings[name].min, panel.settings[name].max] == [OPTIONS[name][0], OPTIONS[name][-1]]


@pytest.fixture(scope="module")
def used():
    """A panel that goes from test to test, as a learner's does from idea to idea."""
    return playground()


@pytest.fixture
def panel(used, monkeypatch):
    """The same panel as it was at first; what is between is not drawn."""
    with monkeypatch.context() as unseen:
        unseen.setattr(used, "draw", lambda: None)
        for name, value in FIRST.items():
            used.settings[name].value = value
        used.settings["data"].value = "moons"
        for optimizer, parameters in OWN.items():
            for parameter, (value, _, _) in parameters.items():
                used.own[optimizer][parameter].value = value
    used.reset()
    return used


@pytest.mark.parametrize(("name", "value"), EVERY)
def test_an_option_makes_what_it_says_and_its_code_makes_the_same_run(panel, name, value):
    panel.settings[name].value = value
    panel.run(STEPS)
    assert 'role="alert"' not in panel.message.value
    net = panel.net
    expected = {
        "data": lambda: (panel.data.name, "sketches" if value == IMAGES else value),
        "noise": lambda: (panel.data.val.inputs[5, 0], points("moons", noise=value).val.inputs[5, 0]),
        "n_train": lambda: ((len(panel.data.train), len(panel.data.val)), (value, 300 - value)),
        "seed": lambda: (panel.data.train.images[0, 0], points("moons", seed=value).train.images[0, 0]),
        "depth": lambda: (net.hidden_sizes, [8] * value),
        "width": lambda: (net.hidden_sizes, [value, value]),
        "activation": lambda: (net.activation, value),
        "init": lambda: (float(net.params["W1"].std() > 0), float(value != ZERO)),
        "bias": lambda: (bool(net.params["b1"].any()), value == "learnt"),
        "dropout": lambda: (net.dropout, value),
        "optimizer": lambda: (type(panel.optimizer).__name__, CLASSES[value]),
        "lr": lambda: (panel.optimizer.lr, value),
        "reg": lambda: (net.reg, value),
        "batch_size": lambda: (panel.batch_size(), 200 if value == "all" else value),
    }
    got, wanted = expected[name]()
    assert got == wanted
    assert_code_makes_the_same(panel)


@pytest.mark.parametrize(("name", "values"), OPTIONS.items())
def test_an_option_chosen_at_first_is_the_same_as_one_chosen_later(panel, name, values):
    if name == "data":
        panel.settings["lr"].value, panel.settings["width"].value = 0.02, 5
        at_first = playground(values[-1], width=5, lr=0.02)
    else:
        at_first = playground(**{name: values[-1]})
    panel.settings[name].value = values[-1]
    assert at_first.net.theta.tobytes() == panel.net.theta.tobytes()
    assert at_first.as_code() == panel.as_code()
    at_first.run(2)
    panel.run(2)
    assert at_first.net.theta.tobytes() == panel.net.theta.tobytes()
    assert facts(at_first).partition("%")[0] == facts(panel).partition("%")[0]


OWN_OPTIONS = [
    (optimizer, parameter, value)
    for optimizer, parameters in OWN.items()
    for parameter, (_, low, high) in parameters.items()
    for value in (low, 0.7 * low + 0.3 * high, high)
]


@pytest.mark.parametrize(("optimizer", "parameter", "value"), OWN_OPTIONS)
def test_an_optimizers_own_parameter_acts_and_is_in_the_code(panel, optimizer, parameter, value):
    panel.settings["lr"].value, panel.settings["optimizer"].value = 0.01, optimizer
    assert list(panel.own_box.children) == list(panel.own[optimizer].values())
    panel.run(STEPS)
    panel.own[optimizer][parameter].value = value
    panel.run(STEPS)
    assert getattr(panel.optimizer, parameter) == pytest.approx(value, abs=5e-4)
    assert_code_makes_the_same(panel)
    panel.reset()
    assert getattr(panel.optimizer, parameter) == round(value, 3)
    panel.run(STEPS)
    assert_code_makes_the_same(panel)


def test_an_optimizers_own_parameters_can_be_chosen_at_first():
    panel = playground(optimizer="adamw", beta1=0.5, weight_decay=0.125)
    assert repr(panel.optimizer) == "AdamW(lr=0.1, beta1=0.5, beta2=0.999, eps=1e-08, weight_decay=0.125)"
    assert panel.own["adamw"]["weight_decay"].value == 0.125


def test_sliders_of_other_optimizers_are_not_shown_and_change_nothing():
    panel = playground(optimizer="momentum")
    panel.own["rmsprop"]["beta"].value = 0.5
    assert panel.optimizer.beta == 0.9
    panel.settings["optimizer"].value = "sgd"
    assert panel.own_box.children == ()
    panel.own["adam"]["beta1"].value = 0.5
    assert not hasattr(panel.optimizer, "beta1")
    panel.settings["optimizer"].value = "adam"
    assert panel.optimizer.beta1 == 0.5  # as its slider says


def test_every_control_has_a_label_and_says_what_it_does(panel):
    controls = [*panel.settings.values(), *(each for own in panel.own.values() for each in own.values())]
    controls += [*panel.buttons.children, panel.pen, panel.entry]
    labels = [each.description for each in controls]
    assert all(labels)
    assert all(each.tooltip and len(each.tooltip) > 5 for each in controls)
    assert len({each.description for each in panel.settings.values()}) == len(panel.settings)
    assert all(len(sheet.label) > 20 for sheet in panel.canvas.sheets)


# Changes in the middle of a run

NEW_NETWORK = {
    "data": "xor", "noise": 2.0, "n_train": 100, "seed": 5, "depth": 3, "width": 5, "activation": "tanh",
    "init": "xavier", "bias": "zero",
}  # fmt: skip
SAME_NETWORK = {"lr": 0.01, "reg": 0.1, "dropout": 0.3, "batch_size": 32, "optimizer": "adam"}


def test_every_control_either_makes_a_new_network_or_acts_on_the_run():
    assert NEW_NETWORK.keys() | SAME_NETWORK.keys() == playground().settings.keys()


@pytest.mark.parametrize("name", list(NEW_NETWORK))
def test_what_needs_a_new_network_begins_anew_and_says_so(panel, name):
    panel.run(STEPS)
    before = panel.net
    panel.settings[name].value = NEW_NETWORK[name]
    assert panel.net is not before
    assert panel.step_count == 0
    assert panel.loss.steps == panel.accuracy.steps == [0]
    assert panel.settings[name].description in panel.message.value
    assert "step 0" in panel.message.value
    assert facts(panel).startswith("step 0 ")
    assert_code_makes_the_same(panel)


@pytest.mark.parametrize("name", list(SAME_NETWORK))
def test_what_needs_no_new_network_acts_on_the_run(panel, name):
    panel.run(STEPS)
    net, theta = panel.net, panel.net.theta.copy()
    panel.settings[name].value = SAME_NETWORK[name]
    assert panel.net is net
    assert (net.theta == theta).all()
    assert panel.step_count == STEPS
    panel.run(STEPS)
    assert panel.step_count == 2 * STEPS
    assert_code_makes_the_same(panel)
    changed = net.theta.copy()
    panel.settings[name].value = FIRST[name]
    panel.reset()
    panel.run(2 * STEPS)
    assert (panel.net.theta != changed).any()


def test_the_code_has_every_change_in_its_place():
    panel = playground("spirals", depth=3, activation="leaky_relu")
    panel.run(3)
    panel.settings["lr"].value = 0.5
    panel.settings["lr"].value = 0.05
    panel.run(30)
    panel.settings["optimizer"].value = "momentum"
    panel.settings["batch_size"].value = 16
    panel.own["momentum"]["beta"].value = 0.5
    panel.run(4)
    panel.settings["optimizer"].value = "adamw"
    panel.settings["optimizer"].value = "rmsprop"
    panel.settings["reg"].value = 0.01
    panel.run(5)
    assert_code_makes_the_same(panel)
    code = panel.as_code()
    assert "lr = 0.5\n" not in code  # no step was made with it
    assert "AdamW(" not in code
    for line in (
        "optimizer.lr = 0.05",
        "batch_size=16",
        "optimizer.beta = 0.5",
        "RMSprop(",
        "net.reg = 0.01",
    ):
        assert line in code
    assert re.findall(r"range\((\d+)\)", code) == ["3", "30", "4", "5"]
    assert re.findall(r"batch_size=\d+, seed=(\d+)", code) == ["0", "33", "37"]  # in another order each time


@pytest.mark.parametrize("batch_size", [1, 64, "all"])
def test_the_code_makes_the_same_run_of_images_on_one_thread_as_the_panel_did(batch_size):
    panel = playground(IMAGES, batch_size=batch_size, optimizer="adam", lr=0.001)
    panel.run(STEPS)
    panel.settings["width"].value = 100
    panel.run(STEPS)
    assert_code_makes_the_same(panel)
    assert panel.as_code().count("threads=1") == panel.as_code().count("training_steps(") == 1


def test_changes_may_have_their_turn_in_any_order():
    panel, waiting = playground("moons"), []
    panel.post = lambda action, *arguments: waiting.append((action, arguments))
    panel.settings["data"].value = "spirals"  # three classes in the place of two
    panel.settings["seed"].value = 3
    panel.settings["depth"].value = 1
    assert len(waiting) == 3
    for action, arguments in reversed(waiting):
        action(*arguments)
        assert panel.net.num_classes == 3
        assert panel.data.train.labels.max() == 2
    panel.run(STEPS)
    assert_code_makes_the_same(panel)


def test_before_the_first_step_the_code_begins_with_what_is_chosen(panel):
    panel.settings["optimizer"].value = "adam"
    panel.settings["lr"].value = 0.02
    panel.settings["batch_size"].value = 4
    panel.settings["reg"].value = 0.1
    assert "records" not in panel.as_code()
    panel.run(STEPS)
    assert panel.as_code().count("optimizer") == 3  # its name, made, and passed on
    assert_code_makes_the_same(panel)


def test_rates_are_round_numbers_evenly_spaced_on_a_log_scale():
    assert (RATES[0], RATES[-1]) == (1e-5, 10)
    assert {f"{rate:.1e}"[:3] for rate in RATES} == {"1.0", "1.5", "2.0", "3.0", "5.0", "7.0"}
    steps = np.diff(np.log10(RATES))
    assert steps.max() < 1.8 * steps.min()


def test_a_rate_or_strength_between_the_sliders_stops_becomes_one():
    panel = playground(lr=0.0042, reg=0.002)
    assert (panel.optimizer.lr, panel.net.reg) == (0.0042, 0.002)
    labels = [label for label, _ in panel.settings["lr"].options]
    assert labels[labels.index("0.0042") - 1 :][:3] == ["0.003", "0.0042", "0.005"]
    panel.run(2)
    assert_code_makes_the_same(panel)


def test_the_button_shows_the_code_and_puts_it_away_again(panel):
    panel.run(2)
    assert panel.code_box.children == ()
    panel.code_button.click()
    assert panel.code.value == panel.as_code()
    assert panel.code in panel.code_box.children
    panel.code_button.click()
    assert panel.code_box.children == ()
    panel.run(1)
    panel.code_button.click()
    assert "range(3)" in panel.code.value


# What it shows


@pytest.mark.parametrize("kind", ["moons", "spirals", IMAGES])
def test_the_curves_are_loss_and_accuracy_of_both_parts(kind):
    panel = playground(kind)
    panel.run(STEPS)
    assert panel.loss.steps == panel.accuracy.steps == [0, STEPS]
    data = panel.data if kind != IMAGES else panel.data.subset(200)  # as many as a frame looks at
    for i, part in enumerate(("train", "val")):
        if kind == IMAGES and part == "train":
            x, y = panel.data.standardise(data.train.images), data.train.labels
            loss, accuracy = panel.net.loss(x, y), panel.net.score(x, y)
        else:
            loss, accuracy = evaluate(panel.net, panel.data, part)
        assert panel.loss.values[i][-1] == pytest.approx(loss, rel=1e-4)
        assert panel.accuracy.values[i][-1] == pytest.approx(100 * accuracy)
        assert f"{loss:.3f}" in facts(panel)
        assert f"{accuracy:.0%}" in facts(panel)


def test_the_regions_are_what_the_network_answers():
    panel = playground("circles")
    panel.run(200)
    p = panel.net.predict_proba(panel.answers.x)
    palette = np.reshape(panel.answers.image.look["palette"], (-1, 3))
    shown = palette[panel.answers.image.data[0]].reshape(-1, 3)
    sure = np.abs(p[:, 0] - 0.5) > 0.1
    blue = shown[:, 2] > shown[:, 0]
    assert sure.sum() > 1000
    assert (blue[sure] == (p[sure, 0] > 0.5)).all()
    assert 0 < blue.mean() < 1


def test_the_sample_images_are_what_the_network_answers():
    panel = playground(IMAGES)
    panel.run(30)
    val = panel.data.val[: len(panel.answers.answers)]
    p = panel.net.predict_proba(panel.data.standardise(val.images))
    for answer, row, label in zip(panel.answers.answers, p, val.labels, strict=True):
        best = row.argmax()
        assert answer == f"{panel.data.class_names[best]} {'✓' if best == label else '✗'} {row[best]:.0%}"


def test_before_the_first_step_no_speed_is_told(panel):
    assert "steps a second" not in facts(panel)


def test_the_text_has_step_epochs_throughput_and_what_kind_of_network_it_is():
    panel = playground(batch_size=64)
    panel.run(7)  # 200 points are three batches of 64
    assert facts(panel).startswith("step 7 · 2 epochs · ")
    (speed,) = re.findall(r"([\d,]+) steps a second", facts(panel))
    assert int(speed.replace(",", "")) == pytest.approx(7 / panel.seconds, rel=0.01)
    assert "2 → 8 → 8 → 2, relu, 114 parameters" in panel.about.value


def test_a_setting_that_is_unknown_is_told_all_there_are():
    with pytest.raises(ValueError, match=r"unknown setting 'speed'; known: .*'noise'.*'bias'.*'lr', 'sizes'"):
        playground(speed=1)


def test_biases_that_are_not_learnt_stay_at_0_and_the_code_says_how():
    def affine_backward(dz, cache):
        return layers.affine_backward(dz, cache)

    for functions in ({}, {"affine_backward": affine_backward}):
        panel = playground("blobs bias=zero", functions, optimizer="adamw")
        before = panel.net.theta.copy()
        panel.run(5)
        assert (panel.net.theta != before).any()
        assert not any(panel.net.params[f"b{layer}"].any() for layer in (1, 2, 3))
        assert_code_makes_the_same(panel, **functions)


def below(panel):
    """What is written below the network, and whether what happens in the layers is."""
    written = " ".join(words for _, _, words in panel.network.lines.data)
    return written, bool(panel.network.strip.data)


def test_what_is_said_and_asked_stands_below_the_network_where_no_page_is_too_short_for_it():
    panel = playground()
    assert below(panel) == ("", True)
    panel.settings["data"].value = "xor"
    assert below(panel) == ("New data: a new network, at step 0. Press Start.", False)
    panel.step()
    assert below(panel) == ("", True)
    panel.gallery.value = 0
    assert below(panel) == (panel.question.text(), False)


def test_an_unsolved_question_makes_room_for_the_layers_while_it_trains(monkeypatch):
    monkeypatch.setattr(Canvas, "ready", True)

    async def scene():
        panel = playground()
        panel.gallery.value = 3
        await until(lambda: panel.question is not None)
        panel.start()
        await until(lambda: below(panel) == ("", True))
        panel.pause()
        assert below(panel) == (panel.question.text(), False)
        panel.close()

    in_loop(scene)


@pytest.mark.parametrize("data", ["moons", "images"])
def test_while_it_trains_pictures_and_numbers_take_turns_and_pause_shows_both(monkeypatch, data):
    panel, seen = playground(data), []

    def new():
        before = panel.network.pictures[1].data.tobytes(), list(panel.loss.steps), panel.network.wires.data
        panel.advance()
        panel.draw()
        after = panel.network.pictures[1].data.tobytes(), list(panel.loss.steps), panel.network.wires.data
        seen.append([a is not b if a is after[2] else a != b for a, b in zip(after, before, strict=True)])

    with monkeypatch.context() as patched:
        patched.setattr(type(panel), "running", True)
        for panel.frames in (0, 1):
            new()
    new()
    assert seen == [[True, False, True], [False, True, True], [True, True, True]]


def test_numbers_are_written_anew_so_seldom_that_they_can_be_read(monkeypatch):
    monkeypatch.setattr(Canvas, "ready", True)

    async def scene():
        panel, written = playground(), []
        panel.facts.observe(lambda change: written.append(change["new"]), "value")
        began = time.perf_counter()
        panel.start()
        await until(lambda: panel.frames > 20)
        assert len(written) <= 2 + (time.perf_counter() - began) / 0.2
        panel.pause()
        assert panel.facts.value.startswith(f"step {panel.step_count:,} ")
        panel.close()

    in_loop(scene)


def test_one_epoch_is_no_epochs_and_two_are(panel):
    for count, words in ((0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs")):
        panel.epochs = count
        panel.draw()
        assert f" · {words} · " in facts(panel)


def test_code_that_is_shown_follows_every_change():
    panel = playground()
    panel.code_button.click()
    for name, value, words in (
        ("data", "xor", 'points("xor"'),
        ("lr", 0.5, "lr=0.5"),
        ("dropout", 0.5, "dropout=0.5"),
    ):
        panel.settings[name].value = value
        assert words in panel.code.value
    panel.run(3)
    assert "range(3)" in panel.code.value
    panel.settings["reg"].value = 0.1
    assert "net.reg = 0.1" in panel.code.value


@pytest.mark.parametrize("settings", [{}, {"data": IMAGES}, {"batch_size": "all"}, {"lr": 10.0, "depth": 8}])
def test_what_is_saved_before_the_first_step_is_a_short_training_that_leaves_nothing_behind(settings):
    panel, calls = playground(**settings, functions={"softmax": losses.softmax}), []

    def frame():
        return [[mark.packed() for mark in sheet.marks] for sheet in panel.canvas.sheets]

    theta, before, text = panel.net.theta.copy(), frame(), facts(panel)
    curves = []
    figure = panel.canvas.figure
    panel.canvas.figure = lambda: curves.append(len(panel.loss.steps)) or figure()
    own = panel.functions["softmax"]
    panel.functions["softmax"] = lambda z: calls.append(1) or own(z)
    assert panel.saved_png() == playground(**settings).saved_png()
    assert curves[0] >= (1 if "lr" in settings else 10)
    assert panel.net.theta.tobytes() == theta.tobytes()
    assert (panel.step_count, frame(), facts(panel)) == (0, before, text)
    assert len(calls) == 1  # the frame at the beginning: not the training
    panel.run(3)
    now = figure()._repr_png_()
    assert panel.saved_png() == now
    assert panel.step_count == 3


def test_the_throughput_is_that_of_the_last_frames(panel):
    panel.times.extend([(0, 0.0)] * 30 + [(1000, 1.0)] * 19 + [(1000, 1.0), (1100, 3.0)])
    panel.step_count, panel.seconds = 1150, 4.0
    panel.draw()
    assert "50 steps a second" in facts(panel)  # 150 in 3 s


@pytest.mark.parametrize("kind", ["moons", IMAGES])
def test_the_figure_names_what_it_shows(kind):
    panel = playground(kind)
    panel.canvas.figure().savefig(io.BytesIO())
    titles = [words for mark in panel.plots.marks if mark.look.get("bold") for _, _, words in mark.data]
    loss, accuracy = panel.loss.values[0][-1], panel.accuracy.values[0][-1]
    numbers = [f"Loss: {loss:.3g}", f"Accuracy (%): {accuracy:.3g}"]
    assert titles == ["Decision regions"] * (kind != IMAGES) + numbers
    assert repr(panel) == "Playground: run this cell to use it"


def test_the_same_seed_is_the_same_run_and_another_seed_another():
    first, same, other = playground(seed=4), playground(seed=4), playground(seed=5)
    for panel in (first, same, other):
        panel.run(STEPS)
    assert (first.net.theta == same.net.theta).all()
    assert (first.data.train.images == same.data.train.images).all()
    assert (first.net.theta != other.net.theta).any()
    assert (first.data.train.images != other.data.train.images).any()


def test_reset_makes_the_same_run_again():
    panel = playground(optimizer="adam", lr=0.01)
    panel.run(40)
    theta, code = panel.net.theta.copy(), panel.as_code()
    panel.say("something")
    panel.reset()
    assert panel.step_count == 0
    assert not panel.message.value
    panel.run(40)
    assert (panel.net.theta == theta).all()
    assert panel.as_code() == code


def test_images_begin_with_settings_that_suit_them():
    panel = playground(IMAGES)
    panel.run(300)
    assert panel.accuracy.values[0][-1] > 40
    points_panel = playground()
    points_panel.settings["data"].value = IMAGES
    assert "64 units per layer, SGD, a learning rate of 0.01" in points_panel.message.value


def test_moons_are_learnt_with_the_first_settings(panel):
    panel.run(1500)
    assert panel.accuracy.values[1][-1] > 93


# Images of one's own


def test_images_of_ones_own():
    data = sketches(40, n_test=0, n_val=8)
    panel = playground(data, width=5)
    assert panel.value("data") == IMAGES
    assert panel.data is data
    assert len(panel.answers.answers) == 8
    panel.run(STEPS)
    assert "playground was called with" in panel.as_code()
    assert_code_makes_the_same(panel, data=data)
    panel.settings["data"].value = "moons"
    panel.run(2)
    assert_code_makes_the_same(panel)
    panel.settings["data"].value = IMAGES
    assert panel.data is data


def test_sketches_in_the_code_are_those_that_were_shown():
    panel = playground(IMAGES)
    assert (redo(panel)["data"].train.images == sample_images().train.images).all()


def test_a_batch_is_never_larger_than_the_data():
    panel = playground(sketches(20, n_test=0, n_val=5), batch_size=64)
    panel.run(2)
    assert "batch_size=20" in panel.as_code()


def test_images_may_be_asked_for_by_their_former_name():
    assert playground("pictures").value("data") == IMAGES
