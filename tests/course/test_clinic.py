"""The clinic: faults that can be told apart, cases that can be solved, and a record of both."""

import json
from itertools import combinations

import numpy as np
import pytest

from benchmarks.symptoms import not_told_apart
from nn_helpers.course import clinic as room
from nn_helpers.course import progress
from nn_helpers.course.clinic import (
    FAULTS,
    PARTS,
    Case,
    clinic,
    patient,
    symptom_table,
    symptoms,
    what_tells_apart,
)
from nn_helpers.course.patient import INSTRUMENTS, reading
from nn_helpers.course.progress import SOLVED
from nn_helpers.course.source import source_folder
from nn_helpers.support import record


def a_case(fault, seed=0):
    """Return a case with this fault, whatever its seed would plant."""
    case = Case(seed)
    case._fault = fault
    return case


@pytest.fixture(scope="module")
def ill():
    """Trainings with faults, by fault: each is made once."""
    return {name: patient(name, seed=100) for name in (None, "dead-units", "bias-mean", "class-lost")}


# The faults


def test_there_are_enough_faults_in_three_degrees():
    degrees = [fault["degree"] for fault in FAULTS.values()]
    assert len(FAULTS) >= 24
    assert set(degrees) == {1, 2, 3}
    assert min(map(degrees.count, (1, 2, 3))) >= 8


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_parts_that_there_are_and_is_shown_by_a_number(name):
    fault = FAULTS[name]
    assert {*fault["plant"], *fault.get("with", {})} <= set(PARTS)
    assert all(value != PARTS[part] for part, value in fault["plant"].items())
    assert fault["shows"] in symptoms()[name]
    assert fault["is"].endswith(".")


def test_every_two_faults_differ_in_some_reading_by_more_than_their_spread():
    assert set(symptoms()) == {"healthy", *FAULTS}
    assert not_told_apart(symptoms()) == []


def test_two_faults_whose_readings_overlap_are_not_told_apart():
    table = {"a": {"n": (1, 2, 3)}, "b": {"n": (3, 4, 5)}, "c": {"n": (5.5, 6, 7)}}
    assert not_told_apart(table) == [("a", "b")]


@pytest.mark.parametrize("name", FAULTS)
def test_the_number_that_shows_a_fault_is_not_that_of_a_healthy_training(name):
    (low, _, high), (least, _, most) = (symptoms()[n][FAULTS[name]["shows"]] for n in (name, "healthy"))
    assert high < least or most < low


@pytest.mark.parametrize("seed", [100, 101, 102])
@pytest.mark.parametrize(
    "name", ["dead-units", "bias-mean", "first-layer-left-out", "validation-in-training"]
)
def test_what_shows_a_fault_shows_it_on_other_seeds_too(name, seed):
    instrument, _, number = FAULTS[name]["shows"].partition(": ")
    least, _, most = symptoms()["healthy"][FAULTS[name]["shows"]]
    assert not least <= reading(patient(name, seed), instrument)[0][number] <= most


def test_the_table_is_what_the_instruments_read():
    for name in ("weights-all-zero", "two-classes-exchanged"):
        ill_one = patient(name, seed=3)
        for instrument in INSTRUMENTS:
            for number, value in reading(ill_one, instrument)[0].items():
                low, _, high = symptoms()[name][f"{instrument}: {number}"]
                assert low - 1e-3 * abs(low) - 1e-9 <= value <= high + 1e-3 * abs(high) + 1e-9, number


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_an_instrument_reads_finite_numbers_and_its_figure_can_be_drawn(ill, instrument):
    for who in ill.values():
        numbers, draw = reading(who, instrument)
        assert np.isfinite(list(numbers.values())).all()
        assert draw is None or draw()._repr_png_()[:4] == b"\x89PNG"


def test_the_same_seed_makes_the_same_training():
    one, other = (patient("dropout-left-on", 5).history.to_arrays() for _ in range(2))
    assert np.array_equal(one["loss"], other["loss"])
    assert np.array_equal(one["val_accuracy"], other["val_accuracy"], equal_nan=True)


@pytest.mark.parametrize("instrument", ["confusion", "fresh images", "asked twice"])
def test_dropout_that_was_left_on_reads_the_same_however_often_one_looks(instrument):
    left_on = patient("dropout-left-on", 5)
    first, _ = reading(left_on, instrument)
    reading(left_on, "layers")
    assert left_on.measure() == left_on.measure()
    assert reading(left_on, instrument)[0] == first
    assert reading(left_on, "asked twice")[0]["answers that differ"] > 0.1


def test_the_curves_do_not_say_that_there_is_a_penalty():
    ill, well = (reading(patient(name), "curves")[1]().axes for name in ("penalty-too-strong", None))
    assert [ax.get_title() for ax in ill] == [ax.get_title() for ax in well]


def test_the_table_of_the_lesson_has_a_line_for_each_fault():
    lines = symptom_table().splitlines()
    assert len(lines) == len(FAULTS) + 2
    assert all(line.count("|") == 5 for line in lines)


# A case


def test_seeds_plant_many_faults_and_a_degree_only_its_own():
    assert len({clinic(seed)._fault for seed in range(200)}) > 0.9 * len(FAULTS)
    for degree in (1, 2, 3):
        assert {FAULTS[clinic(seed, degree)._fault]["degree"] for seed in range(20)} == {degree}
    assert clinic(7)._fault == clinic(7)._fault


def test_a_case_does_not_say_what_it_has():
    texts = [str(clinic(seed)).partition("\n")[2] for seed in range(5)]
    assert len(set(texts)) == 1
    assert all(name in texts[0] for name in (*FAULTS, *PARTS))


def test_at_first_sight_there_is_the_training_loss_and_nothing_beside_it(capsys):
    case = a_case("labels-counted-from-1")
    (ax,) = case.loss().axes
    (line,) = ax.lines
    assert np.array_equal(line.get_ydata(), case._patient.history.epochs()["loss"])
    assert case.asked == []
    assert capsys.readouterr().out == ""


def test_there_are_five_experiments_and_each_can_be_looked_at_again(capsys):
    case = a_case("dead-units")
    case.loss()
    for instrument in ("images", "layers", "updates", "confusion", "asked twice", "layers"):
        case.experiment(instrument)
    read = capsys.readouterr().out
    assert read.count("healthy") == 6
    assert "your 5 experiments: images, layers, updates, confusion, asked twice" in " ".join(
        str(case.experiment("by heart")).split()
    )
    case.experiment("updates")
    assert "update / weight" in capsys.readouterr().out


def test_a_wrong_name_is_answered_with_a_reading_that_tells_the_two_apart():
    case = a_case("dead-units")
    said = " ".join(str(case.name("weights-all-zero")).split())
    assert said.startswith(
        "It is not weights-all-zero. What tells it from weights-all-zero: layers, which you"
    )
    assert "dead-units" not in said
    case.experiment("layers")
    assert "did not ask" not in str(case.name("weights-all-zero"))
    assert "It is dead-units. The biases begin" in " ".join(str(case.name("uphill")).split())


def test_the_right_name_is_called_right():
    said = " ".join(str(a_case("class-lost").name("class-lost")).split())
    assert said.startswith(f"Right: {FAULTS['class-lost']['is']} Its nearest twin is ")


def test_the_nearest_twin_is_the_fault_that_the_readings_so_far_leave_open():
    case = a_case("bias-mean")
    case.asked = ["curves"]
    said = " ".join(str(case.name("bias-mean")).split())
    assert "Its nearest twin is gradient-not-averaged. What tells it from gradient-not-averaged: " in said
    assert "gradient check, which you did not ask for, reads" in said
    case = a_case("labels-shuffled")
    case.asked = ["images"]
    said = " ".join(str(case.name("labels-shuffled")).split())
    assert (
        "Its nearest twin is a-third-of-the-labels. What tells it from a-third-of-the-labels: images reads"
        in said
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reading_that_was_made_tells_two_faults_apart_before_one_that_was_not(fault):
    for other in FAULTS.keys() - {fault}:
        anywhere = what_tells_apart(fault, other)
        for instrument in INSTRUMENTS:
            told = what_tells_apart(fault, other, [instrument])
            (low, _, high), (least, _, most) = symptoms()[fault][told], symptoms()[other][told]
            assert high < least or most < low
            assert told == anywhere or told.startswith(f"{instrument}: ")


@pytest.mark.parametrize(("pair"), list(combinations(["dead-units", "bias-mean", "class-lost"], 2)))
def test_a_verdict_names_a_reading_that_lies_outside_the_other_faults_span(pair):
    said = " ".join(str(a_case(pair[0], seed=100).name(pair[1])).split())
    assert "reads" in said
    assert f"With {pair[1]} that is" in said


@pytest.mark.parametrize(
    ("fault", "mending", "words"),
    [
        ("dead-units", ("bias",), "Mended."),
        ("dead-units", ("lr",), "The fault is still there. "),
        ("rate-too-large", {"lr": 0.003}, "Mended."),
        (
            "rate-too-large",
            {"lr": 1e-7},
            "The fault is gone, but what you put in its place does not do well.",
        ),
        ("rate-too-large", {"lr": 1000}, "if healthy. The fault is still there."),
        ("rate-too-small", {"lr": 1.1e-5}, "if healthy. The fault is still there."),
        ("rate-too-small", {"lr": 1e-3}, "It does better now, but the fault is still there."),
        ("rate-too-small", {"lr": 0.01}, "Mended."),
        ("weights-all-zero", {"init": 1e-6}, "if healthy. The fault is still there."),
        ("weights-too-large", {"init": 0.0}, "The fault is gone, but"),
        ("signal-dies", {"init": 0.1}, "Mended."),
        ("signal-dies", {"lr": 0.02}, "your change hides it"),
        ("bias-mean", ("formula",), "Mended."),
        ("saturated-units", ("init",), "Mended."),
    ],
)
def test_a_mending_is_judged_by_training_again(fault, mending, words, capsys):
    case = a_case(fault)
    figure = case.mend(**mending) if isinstance(mending, dict) else case.mend(*mending)
    assert words.strip() in " ".join(capsys.readouterr().out.split())
    assert len(figure.axes) == 1


def test_what_was_healthy_and_is_changed_with_it_is_named(capsys):
    a_case("dead-units").mend("bias", units=30)
    assert "You have also changed what was healthy: units." in " ".join(capsys.readouterr().out.split())


# What cannot be


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clinic(-1), "seed"),
        (lambda: clinic(1, 4), "degree must be 1, 2 or 3"),
        (lambda: clinic(1, "hard"), "degree must be 1, 2 or 3"),
        (lambda: patient("flu"), "unknown fault 'flu'"),
        (lambda: clinic(1).experiment("x-ray"), "unknown instrument 'x-ray'"),
        (lambda: clinic(1).mend(), "name a part"),
        (lambda: clinic(1).mend("roof"), "unknown part 'roof'"),
        (lambda: clinic(1).mend(roof=1), "unknown part 'roof'"),
        (lambda: clinic(1).mend(images=1), "images is no number"),
        (
            lambda: clinic(1).mend(lr=float("nan")),
            "^mend: lr must be greater than 0 and below 10000, got nan",
        ),
        (lambda: clinic(1).mend(lr="0.1"), "^mend: lr must be a number, got '0.1'"),
        (lambda: clinic(1).mend(lr=True), "^mend: lr must be a number"),
        (lambda: clinic(1).mend(lr=0), "^mend: lr must be greater than 0"),
        (lambda: clinic(1).mend(reg=-1), "^mend: reg must be at least 0"),
        (lambda: clinic(1).mend(reg=10**400), "^mend: reg must be at least 0 and below"),
        (lambda: clinic(1).mend(init=-1), "^mend: init must be at least 0"),
        (lambda: clinic(1).mend(bias=-(10**9)), "^mend: bias must be at least -10000"),
        (lambda: clinic(1).mend(units=2.5), "^mend: units must be a whole number"),
        (lambda: clinic(1).mend(units=1000), "^mend: units must be at least 1 and below 201"),
        (lambda: clinic(1).mend(units=0), "^mend: units must be at least 1"),
        (lambda: clinic(1).mend(dropout=1), "^mend: dropout must be at least 0 and below 1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_an_unknown_name_costs_no_try_and_gets_a_suggestion():
    case = a_case("dead-units")
    assert "Did you mean dead-units?" in str(case.name("dead-unit"))
    assert "knows no Ellipsis" in str(case.name(...))
    assert "knows no ['lr']" in str(case.name(["lr"]))
    assert case.tries == 0


def test_numpys_numbers_mend_like_pythons(monkeypatch):
    parts, healthy = [], patient()
    monkeypatch.setattr(room, "Patient", lambda p, seed: parts.append(p) or healthy)
    a_case("dead-units").mend(lr=np.float32(0.5), units=np.int64(30), reg=np.float64(0), bias=0)
    assert [(p.lr, p.units, p.reg, p.bias) for p in parts if p.units == 30] == [(0.5, 30, 0.0, 0.0)]


# The record


def test_the_first_name_and_each_mending_are_on_record(home):
    case = a_case("dead-units")
    case.name("uphill")
    case.name("dead-units")
    case.mend("bias")
    lines = [json.loads(line) for line in (home / record.FILE).read_text(encoding="utf-8").splitlines()]
    assert [(e["kind"], e["case"], e["answer"], e["truth"], e["right"]) for e in lines] == [
        ("named", "clinic(0)", "uphill", "dead-units", False),
        ("mended", "clinic(0)", "bias", "dead-units", True),
    ]
    assert {(e["event"], e["lesson"]) for e in lines} == {("treated", "06")}
    assert "Clinic: 0 of 1 named at the first try." in str(progress())
    assert "Clinic: 0 of 1" in progress()._repr_html_()


def test_a_case_counts_once_by_its_first_name_and_until_the_lesson_is_begun_anew(home):
    clinic(0).name("nothing-changes")
    for case in (clinic(0), clinic(0, 3), clinic(1)):  # the first once more
        case.name(case._fault)
    assert "Clinic: 2 of 3 named" in str(progress())
    record.note("reset", lesson="06")
    assert "Clinic" not in str(progress())
    clinic(0).name(clinic(0)._fault)
    assert "Clinic: 1 of 1 named" in str(progress())


def test_the_case_that_the_lesson_solves_is_not_counted_as_the_learners(home):
    lesson = (source_folder() / "06_clinic.ipynb").read_text(encoding="utf-8")
    assert f"case = {SOLVED}" in lesson
    case = clinic(0, degree=2)
    case.name(case._fault)
    assert case._title == SOLVED
    assert record.read()
    assert "Clinic" not in str(progress())
    clinic(3, degree=1).name("dead-units")
    assert "Clinic: 0 of 1 named" in str(progress())


def test_who_was_never_in_the_clinic_reads_nothing_of_it():
    assert "Clinic" not in str(progress())
