"""The gallery's entries and questions, the settings as text, and points of one's own."""

import numpy as np
import pytest
from scenes import assert_code_makes_the_same, redo

from nn_helpers.widgets import playground
from nn_helpers.widgets.gallery import GALLERY, MEASURES, read_settings
from nn_helpers.widgets.own_points import OwnPoints

# The gallery

each_entry = pytest.mark.parametrize("number", range(len(GALLERY)), ids=[each["name"] for each in GALLERY])


def test_six_settings_fail_and_six_work():
    assert [each["name"].partition(":")[0] for each in GALLERY] == ["fails"] * 6 + ["works"] * 6
    assert all(each["measure"] in MEASURES for each in GALLERY)
    assert all(each["why"].count(". ") >= 1 and each["question"].endswith(".") for each in GALLERY)


def shown(number):
    """A playground with an entry of the gallery chosen; it draws nothing."""
    panel = playground()
    panel.gallery.value = number
    return panel


@each_entry
def test_an_entry_as_it_stands_does_not_answer_its_question_and_the_answer_does(number):
    entry, panel = GALLERY[number], shown(number)
    assert entry["question"] in panel.task.value.replace("&#x27;", "'")
    panel.run(entry.get("after", entry["within"]))
    assert panel.question is not None
    panel.settings[entry["change"]].value = entry["answer"]
    if panel.step_count:  # a change of the run: from the beginning, to be sure of the number of steps
        panel.reset()
    panel.run(entry.get("after", entry["within"]))
    assert panel.question is None
    assert "That is it." in panel.task.value


@each_entry
def test_an_entry_is_what_its_text_makes(number):
    panel, made = shown(number), playground(GALLERY[number]["setting"])
    assert panel.as_code() == made.as_code()
    panel.run(2)
    assert_code_makes_the_same(panel)


def test_two_changes_at_once_are_no_answer():
    entry, panel = GALLERY[0], shown(0)
    panel.settings["seed"].value = 1
    panel.settings[entry["change"]].value = entry["answer"]
    panel.run(entry["within"])
    assert panel.question is not None


def test_fewer_units_beside_the_right_change_are_no_answer():
    number = next(i for i, each in enumerate(GALLERY) if each["change"] == "reg")
    entry, panel = GALLERY[number], shown(number)
    panel.settings["reg"].value = entry["answer"]
    panel.sizes = [63, 64]
    panel.reset()
    panel.run(entry["after"])
    assert panel.question is not None


def test_a_number_that_the_page_rounds_otherwise_is_no_change():
    number = next(i for i, each in enumerate(GALLERY) if each["change"] == "reg")
    entry, panel = GALLERY[number], shown(number)
    panel.own["adam"]["beta1"].value = 0.9000000000000001  # what ipywidgets' slider makes of 0.9
    assert "beta1" not in panel.as_text()
    panel.settings["reg"].value = entry["answer"]
    panel.run(entry["after"])
    assert "That is it." in panel.task.value


def test_a_question_about_units_is_answered_at_the_picture_too():
    number = next(i for i, each in enumerate(GALLERY) if each["change"] == "width")
    entry, panel = GALLERY[number], shown(number)
    for _ in range(4 - entry["answer"]):
        press(panel, "units 1 -1")
    panel.run(entry["after"])
    assert "That is it." in panel.task.value


@each_entry
def test_an_answer_counts_that_no_frame_has_seen_in_time(number):
    entry, panel = GALLERY[number], shown(number)
    panel.settings[entry["change"]].value = entry["answer"]
    panel.run(entry["within"] + 1)  # draws after the last step only
    assert "That is it." in panel.task.value


def test_no_entry_asks_nothing():
    panel = shown(0)
    panel.gallery.value = ""
    assert (panel.question, panel.task.value) == (None, "")


# Settings as text


@pytest.mark.parametrize(
    "text",
    [
        "moons",
        "spirals lr=0.3",
        "xor seed=3 sizes=8,4,2 activation=tanh",
        "circles noise=0.5 n_train=50 init=zero batch_size=all dropout=0.2 sizes=none",
        "blobs optimizer=adam reg=0.01 beta1=0.5 beta2=0.99",
        "images sizes=32 lr=0.01",
        "moons dropout=0.3 init=xavier batch_size=1",
    ],
)
def test_a_setting_comes_back_as_its_text_says(text):
    panel = playground(text)
    again = playground(panel.as_text())
    assert set(panel.as_text().split()) >= set(text.split())
    assert again.as_text() == panel.as_text()
    assert again.as_code() == panel.as_code()
    panel.run(3)
    assert_code_makes_the_same(panel)
    assert panel.as_code().startswith(f'# playground("{panel.as_text()}")')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("moons lr", "settings follow the data as name=value.*got 'lr'"),
        ("moons lr=", "got 'lr='"),
        ("moons colour=red", "unknown setting 'colour'; known"),
        ("moons sizes=8,x", r"sizes must be a list of at most 8 whole numbers from 1 to 128.*got \[8, 'x'\]"),
        ("moons sizes=0", "sizes must be"),
        ("moons sizes=" + ",".join(["8"] * 9), "sizes must be"),
        ("moon lr=1", "unknown data 'moon'"),
        ("moons optimizer=sgd,adam", "optimizer must be one of 'sgd', .*; got 'sgd,adam'"),
    ],
)
def test_a_text_that_says_nothing_known_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        playground(text)


def test_a_setting_beside_the_text_counts():
    assert playground("moons lr=0.3", lr=0.5).optimizer.lr == 0.5
    assert read_settings("f", " a=1  b=x ") == {"a": 1, "b": "x"}


# Points of one's own

RNG = np.random.default_rng(0)
ARRAYS = RNG.standard_normal((40, 2)), np.arange(40) % 3


def test_points_passed_as_arrays_are_trained_on_and_stand_in_the_code():
    panel = playground(ARRAYS)
    assert panel.value("data") == "own"
    assert panel.net.num_classes == 3
    assert len(panel.data.train) == 27
    panel.run(5)
    assert_code_makes_the_same(panel)
    assert np.allclose(np.sort(redo(panel)["data"][0], axis=0), np.sort(panel.data.train.inputs, axis=0))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros((0, 2)), np.zeros(0, int)), "at least two; got x float64 array"),
        ((np.zeros((5, 3)), np.zeros(5, int)), "at least two; got x"),
        ((np.zeros((5, 2)), np.zeros(4, int)), "got y"),
        ((np.zeros((5, 2)), np.full(5, 4)), "classes from 0 to 3; got y .*4 to 4"),
        ((np.zeros((5, 2)), np.zeros(5)), "got y"),
        ((np.array([[0, 1], [np.nan, 0]]), np.array([0, 1])), r"row 1 of x is \[nan, 0.0\]"),
    ],
)
def test_points_that_cannot_be_are_refused(arrays, message):
    with pytest.raises(ValueError, match=message):
        playground(arrays)


def test_a_tuple_that_is_no_pair_is_refused():
    with pytest.raises(TypeError, match=r"are a pair .* got a tuple of 3"):
        playground((1, 2, 3))


def test_one_class_alone_and_ten_thousand_points_are_trained_on():
    one = playground((ARRAYS[0], np.zeros(40, int)))
    one.run(5)
    assert one.net.num_classes == 2
    many = playground((RNG.standard_normal((10_000, 2)), RNG.integers(0, 4, 10_000)))
    many.run(5)
    assert "training points that playground was called with" in many.as_code()
    drawn = sum(len(mark.data) for mark in many.plots.marks if mark.kind == "points")
    assert drawn <= 8 * 1000


def pointer(panel, x, y, phase="down"):
    """Press, move or let go at a place of the plane."""
    px, py = panel.answers.axes.place(x, y)
    panel._on_event({"event": "pointer", "phase": phase, "sheet": 1, "x": float(px), "y": float(py)})


def test_points_are_drawn_in_up_to_four_classes_and_erased():
    panel = playground("own")
    before = len(panel.mine.x)
    panel.run(2)
    panel.pen.value = "class 4"
    pointer(panel, 2, 2)
    pointer(panel, 2.01, 2, "move")  # too near
    pointer(panel, 2.5, 2, "move")
    pointer(panel, 2.5, 2, "up")
    assert len(panel.mine.x) == before + 2
    assert panel.mine.y[-1] == 3
    assert (panel.net.num_classes, panel.step_count) == (4, 0)
    panel.run(3)
    assert_code_makes_the_same(panel)
    panel.pen.value = "erase"
    pointer(panel, 2.25, 2)
    assert len(panel.mine.x) == before
    assert panel.net.num_classes == 2


def test_the_last_two_points_stay():
    mine = OwnPoints((np.zeros((3, 2)), np.array([0, 1, 0])))
    assert not mine.touch((0, 0), "erase", "down")
    assert len(mine.x) == 3


def test_points_are_written_and_read_as_text():
    panel = playground("own")
    panel.entry.value = "0 0 1\n1, 1; 2\n\n−1 0.5 3"
    assert panel.mine.x.tolist() == [[0, 0], [1, 1], [-1, 0.5]]
    assert panel.net.num_classes == 3
    assert panel.entry.value == "0 0 1\n1 1 2\n-1 0.5 3"
    for wrong, words in (
        ("0 0", "line 1 of the points"), ("0 0 1\n1 nan 2", "line 2"), ("0 0 5\n0 0 1", "line 1"),
        ("0 0 1", "at least two"), ("", "at least two"),
    ):  # fmt: skip
        panel.entry.value = wrong
        assert words in panel.message.value
        assert len(panel.mine.x) == 3


def test_a_click_chooses_the_example_of_the_formulas():
    panel = playground("moons")
    place = panel.data.train.inputs[7]
    pointer(panel, *place)
    assert panel.example == 7
    panel._on_event({"event": "press", "spot": "unit 1 0"})
    text = " ".join(words for _, _, words in panel.network.lines.data)
    assert f"{abs(place[0]):.2f}" in text


def test_points_are_drawn_on_no_other_data():
    panel = playground("moons")
    pointer(panel, 2, 2)
    assert panel.mine.version == 1


# The picture's own controls


def press(panel, spot, event="press"):
    panel._on_event({"event": event, "spot": spot})


def test_layers_and_units_are_added_and_taken_away_at_the_picture():
    panel = playground()
    press(panel, "layers 1")
    assert panel.net.hidden_sizes == [8, 8, 8]
    press(panel, "units 2 -1")
    assert panel.net.hidden_sizes == [8, 7, 8]
    press(panel, "layers 1")
    assert panel.net.hidden_sizes == [8, 7, 8, 8]
    for _ in range(6):
        press(panel, "layers -1")
    assert (panel.net.hidden_sizes, panel.value("depth")) == ([], 0)
    press(panel, "layers 1")
    assert panel.net.hidden_sizes == [8]
    for _ in range(9):
        press(panel, "units 1 -1")
    assert panel.net.hidden_sizes == [1]
    panel.run(2)
    assert_code_makes_the_same(panel)


@pytest.mark.parametrize("spot", ["units 2 1", "activation 2", "unit 3 1", "unit 1 7"])
def test_a_press_on_what_has_gone_meanwhile_is_none(spot):
    panel = playground(sizes=[7])
    panel.canvas._hear(panel.canvas, {"event": "press", "spot": "unit 1 6"}, [])
    panel.canvas._hear(panel.canvas, {"event": "press", "spot": spot}, [])
    assert (panel.net.hidden_sizes, panel.network.opened) == ([7], (1, 6, False))
    assert panel.message.value == ""


def test_each_layer_has_its_own_activation_at_the_picture():
    panel = playground("xor activation=tanh")
    press(panel, "activation 2")
    assert panel.net.activation == ["tanh", "relu"]  # the first comes after the last
    assert "activation of layer 2" in panel.message.value
    press(panel, "layers 1")
    assert panel.net.activation == ["tanh", "relu", "relu"]
    assert panel.as_text() == "xor activation=tanh,relu,relu sizes=8,8,8"
    panel.run(2)
    assert_code_makes_the_same(panel)
    again = playground(panel.as_text())
    again.run(2)
    assert again.net.theta.tobytes() == panel.net.theta.tobytes()
    panel.settings["width"].value = 5  # which leaves the activations alone
    assert panel.net.activation == ["tanh", "relu", "relu"]
    panel.settings["activation"].value = "sigmoid"
    assert (panel.net.activation, panel.net.hidden_sizes) == ("sigmoid", [5, 5, 5])


def test_the_dropdown_says_what_all_layers_have_and_nothing_where_they_differ():
    panel = playground("moons activation=tanh,relu")
    dropdown = panel.settings["activation"]
    assert dropdown.value is None
    dropdown.value = "relu"  # what is not shown can be chosen
    assert panel.net.activation == "relu"
    press(panel, "activation 1")
    assert dropdown.value is None
    press(panel, "activation 2")
    assert (dropdown.value, panel.net.activation) == ("leaky_relu", "leaky_relu")
    assert "activation of layer 2" in panel.message.value
    press(panel, "activation 2")
    for layers, shows in ((1, "leaky_relu"), (0, "leaky_relu"), (2, "leaky_relu")):
        panel.settings["depth"].value = layers
        assert (dropdown.value, panel.net.activation) == (shows, shows)
    press(panel, "activation 2")
    panel.settings["depth"].value = 0
    assert dropdown.value == panel.net.activation == "relu"


def test_what_fails_in_an_activation_that_was_just_chosen_is_shown():
    def relu_forward(z, out=None):
        raise RuntimeError("mine fails")

    panel = playground("moons activation=tanh", {"relu_forward": relu_forward})
    press(panel, "activation 1")
    assert "mine fails" in panel.message.value
    press(panel, "activation 1")
    assert "mine fails" not in panel.message.value


def test_an_entry_of_the_gallery_makes_all_layers_alike_whatever_they_were():
    number = next(i for i, each in enumerate(GALLERY) if each["change"] == "lr")
    panel = playground(sizes=[3, 5], activation=["tanh", "relu"])
    panel.gallery.value = number
    assert panel._standing() == shown(number)._standing()


def test_the_slider_says_the_width_that_all_layers_have():
    for text, width in (("moons sizes=5,5", 5), ("moons sizes=5,4", 8), ("moons sizes=none", 8)):
        assert playground(text).value("width") == width


def test_an_activation_of_one_layer_is_another_change_than_the_question_asks_for(monkeypatch):
    panel = playground()
    panel.gallery.value = next(i for i, each in enumerate(GALLERY) if each["change"] == "lr")
    press(panel, "activation 1")
    changed = {name for name, value in panel._standing().items() if panel.question.first[name] != value}
    assert changed == {"activation"}


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        (["relu", "relo"], "unknown activation 'relo'; known: 'relu'"),
        (["relo"] * 2, "unknown activation 'relo'; known: 'relu'"),
        ([["relu"], ["tanh"]], r"unknown activation \['relu'\]"),
        (["relu"] * 3, "one for each hidden layer; got 3 for 2"),
        ([], "activation must be one of 'relu', .*; got"),
        ("relu,", "unknown activation ''"),
    ],
)
def test_activations_that_do_not_fit_are_refused(activation, words):
    setting = f"moons activation={activation}" if isinstance(activation, str) else "moons"
    options = {} if isinstance(activation, str) else {"activation": activation}
    with pytest.raises(ValueError, match=words):
        playground(setting, **options)


def test_a_unit_opens_forwards_then_on_the_way_back_then_closes():
    panel = playground()
    opened = []
    for _ in range(3):
        press(panel, "unit 1 2")
        opened.append(panel.network.opened)
    assert opened == [(1, 2, False), (1, 2, True), None]


def test_the_unit_under_the_mouse_is_shown_large():
    panel = playground("circles")
    press(panel, "unit 2 3", "enter")
    assert len(panel.answers.unit.data) == 1
    press(panel, "unit 2 3", "leave")
    assert len(panel.answers.unit.data) == 0


def test_the_live_sentence_has_step_loss_accuracy_and_dead_units():
    panel = playground()
    panel.run(40)
    assert panel.canvas.say.startswith("Step 40, loss 0.")
    assert panel.canvas.say.endswith("of 16 units are dead")
