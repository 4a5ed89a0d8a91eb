"""What a class stumbled over: what was planted in its records is found again, whatever else lies there."""

import csv
import json
import os
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from nn_helpers import plots
from nn_helpers.__main__ import main
from nn_helpers.course import questions, report
from nn_helpers.exercises.catalogue import EXERCISES


@pytest.fixture(autouse=True)
def real_questions(monkeypatch):
    monkeypatch.setattr(questions, "FOLDER", Path(questions.__file__).parent / "questions")


def line(event, lesson="01", **what):
    return json.dumps({"v": 1, "event": event, "lesson": lesson, **what})


def checked(name, kind, *mistakes, **more):
    return line("checked", EXERCISES[name].lesson[:2], exercise=name, kind=kind, mistakes=mistakes, **more)


def hand_in(folder, name, *lines):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class PlantedClass:
    """Learners who did what is known: by mistake, who made it, and on which try those were right who were."""

    def __init__(self, folder, learners, seed=0):
        self.rng = random.Random(seed)
        self.made, self.how = defaultdict(dict), defaultdict(Counter)
        self.wrong = defaultdict(list)
        for number in range(learners):
            hand_in(
                folder, f"group {number % 3}/learner {number}/record.jsonl", *self.one(f"learner {number}")
            )

    def one(self, who):
        """Return the lines of a learner who works through a part of the exercises, and stops in one."""
        lines, rng = [], self.rng
        names = list(EXERCISES)[: rng.randrange(1, len(EXERCISES))]
        for name in names:
            lines += self.exercise(who, name, mends=name != names[-1])
            if rng.random() < 0.1:
                lines += [line("reset", "03"), "a damaged line"]
        for question in questions.questions_of("01").values():
            right = rng.random() < 0.5
            event = "quizzed" if question.part == "quiz" else "revealed"
            lines.insert(0, line(event, question=question.id, answer="x", truth="y", right=right))
            lines.insert(1, line(event, question=question.id, answer="x", truth="y", right=not right))
            self.wrong[question.id].append(not right)
        return lines

    def exercise(self, who, name, mends):
        rng, lines = self.rng, []
        wrong = [rng.choice([*list(EXERCISES[name].mistakes)[:4], ""]) for _ in range(rng.randrange(5))]
        for mistake in wrong:
            lines.append(checked(name, "mistake", *filter(None, [mistake])))
            lines += [checked(name, "not attempted")] * rng.randrange(2)
            self.made[name, mistake][who] = len(wrong) + 1 if mends else 0
        how = self.how[name]
        if rng.random() < 0.3:
            lines += [line("hint", EXERCISES[name].lesson[:2], exercise=name)] * rng.randrange(1, 3)
            how["hint read"] += 1
        if mends:
            lines.append(checked(name, "right"))
            how["right later" if wrong else "right on the first try"] += 1
        elif lines:
            how["not right yet"] += 1
        how["tried"] += bool(lines)
        how["checked"] += bool(wrong or mends)
        return lines


@pytest.mark.parametrize("seed", range(3))
def test_what_was_planted_in_thirty_records_is_found_exactly(tmp_path, seed):
    planted = PlantedClass(tmp_path, 30, seed)
    found = report.report(tmp_path)
    assert len(found.learners) == 30
    assert all(re.search(r": \d+ damaged lines? left out$", problem) for problem in found.problems)
    expected = {
        key: (len(who), planted.how[key[0]]["checked"], sorted(filter(None, who.values())),
              {f"group {int(name[8:]) % 3}/{name}" for name, right in who.items() if not right})
        for key, who in planted.made.items()
    }  # fmt: skip
    mistakes = {
        (f.about, f.finding): (f.learners, f.of, list(f.mended), set(f.names)) for f in found.mistakes
    }
    assert mistakes == expected
    exercises = {(f.about, f.finding): (f.learners, f.of) for f in found.exercises}
    assert exercises == {
        (name, finding): (how[finding], how["tried"])
        for name, how in planted.how.items() if how["tried"]
        for finding in report.HOW
    }  # fmt: skip
    wrong = {f.about: (f.learners, f.of) for f in found.questions}
    assert wrong == {name: (sum(each), 30) for name, each in planted.wrong.items()}


# In words


def class_of_thirty(folder, name="affine_backward", mistake="bias-wrong-axis"):
    """Fourteen of thirty make a mistake; twelve mend it, on their second or third try."""
    for number in range(30):
        lines = [checked(name, "mistake", mistake)] * (number % 2 + 1) if number < 14 else []
        lines += [checked(name, "right")] * (number < 12 or number >= 14)
        hand_in(folder, f"{number}.jsonl", *lines, line("begun", "02", time=str(number)))


def test_the_first_lines_are_sentences(tmp_path, capsys):
    class_of_thirty(tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    first, _, sentence, explained, *_ = capsys.readouterr().out.splitlines()
    assert first == "30 learners"
    assert sentence == (
        "14 of 30 made “bias wrong axis” in affine_backward (lesson 02); "
        "12 mended it within 3 tries, half of them within 2."
    )
    said = EXERCISES["affine_backward"].mistakes["bias-wrong-axis"].sentence
    assert said.startswith(explained.strip())


@pytest.mark.parametrize(
    ("tries", "words"),
    [
        ([0, 0], "nobody has mended it yet."),
        ([2, 0], "1 mended it within 2 tries."),
        ([3, 3, 3, 3], "4 mended it within 3 tries."),
        ([2, 3, 9], "3 mended it within 9 tries, half of them within 3."),
        ([12, 2], "2 mended it within 12 tries, half of them within 2."),
    ],
)
def test_a_sentence_says_who_mended_a_mistake_and_when(tmp_path, tries, words):
    for number, right in enumerate(tries):
        lines = [checked("softmax", "mistake", "axis-0")] * max(1, right - 1)
        lines += [checked("softmax", "right")] * bool(right)
        hand_in(tmp_path, f"{number}.jsonl", *lines, line("begun", time=str(number)))
    first = report.report(tmp_path).in_words().splitlines()[2]
    assert first == f"{len(tries)} of {len(tries)} made “axis 0” in softmax (lesson 03); {words}"


def test_the_place_is_where_they_were_last_and_not_where_they_once_were(tmp_path):
    hand_in(tmp_path, "a.jsonl", checked("relu_forward", "right"), line("begun", "02"))
    hand_in(tmp_path, "b.jsonl", checked("affine_forward", "right"), line("reset", "02"))
    hand_in(tmp_path, "c.jsonl", line("finished", "00"), line("begun", "01"))
    assert [(f.finding, f.learners) for f in report.report(tmp_path).places] == [
        ("lesson 01: Begin with exercise 1, relu_forward.", 1),
        ("lesson 02: Begin with exercise 1, affine_forward.", 2),
    ]


def test_a_question_is_said_with_its_most_frequent_wrong_answer_and_what_came_of_it(tmp_path):
    for number, answer in enumerate(["about 4", "about 4", "about 1", "about 64"]):
        about = {"question": "four-sigmoids", "time": str(number)}
        lines = [line("revealed", **about, answer=answer, truth="41.6", right=answer == "about 64")]
        lines += [line("recalled", "03", **about, answer="1/32", right=True)] * (number < 1)
        hand_in(tmp_path, f"{number}.jsonl", *lines)
    text = report.report(tmp_path).in_words()
    assert "3 of 4: lesson 01, Four hidden layers of sigmoids" in text
    assert "most frequent: about 4 (2); right when asked again: 1" in text


# Names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Anna Arendt_1234_assignsubmission_file_/record.jsonl", "Anna Arendt"),
        ("annaarendt_LATE_1234_5678_record.jsonl", "annaarendt"),
        ("anna/my_lessons/record.jsonl", "anna"),
        ("anna/record.jsonl.txt", "anna"),
        ("anna.jsonl.txt", "anna"),
        ("17.jsonl", "17"),
        ("group 1/ben.jsonl", "group 1/ben"),
        ("record.jsonl", "class"),
        ("\x1b[2Ja/record.jsonl", r"\x1b[2Ja"),
    ],
)
def test_a_learner_is_called_what_the_file_is_called(tmp_path, path, name):
    hand_in(tmp_path / "class", path, line("begun"))
    assert [learner.name for learner in report.report(tmp_path / "class").learners] == [name]


def test_what_a_reset_put_away_is_no_learner_of_its_own(tmp_path):
    hand_in(tmp_path, "anna/my_lessons/record.jsonl", line("begun", "02"))
    hand_in(tmp_path, "anna/my_lessons/.nn_helpers/before-2026-01-01-000000/record.jsonl", line("begun"))
    found = report.report(tmp_path)
    assert [learner.name for learner in found.learners] == ["anna"]
    assert found.problems == []


def test_names_are_said_only_when_asked_for(tmp_path, capsys):
    wrong = checked("softmax", "mistake", "axis-0")
    hand_in(tmp_path, "anna.jsonl", wrong)
    hand_in(tmp_path, "=1+1.jsonl", wrong, checked("softmax", "right"))
    table = tmp_path / "class.csv"
    for options, there in (([], False), (["--names"], True)):
        assert main(["report", str(tmp_path), "--csv", str(table), *options]) == 0
        assert ("anna" in capsys.readouterr().out) is there
        assert ("anna" in table.read_text(encoding="utf-8-sig")) is there
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == {
        "kind": "mistake", "lesson": "03", "about": "softmax", "finding": "axis-0",
        "learners": "2", "of": "2", "mended": "1", "half_mended_by_try": "2", "names": "anna",
    }  # fmt: skip
    (later,) = (row for row in rows if row["finding"] == "right later")
    assert later["names"] == "'=1+1"  # no formula in a spreadsheet


# The figure


def test_the_figure_shows_each_exercise_and_its_most_frequent_mistake(tmp_path):
    class_of_thirty(tmp_path)
    guess = line("revealed", question="corner", answer="0", truth="0.5", right=False)
    hand_in(tmp_path, "0.jsonl", checked("affine_backward", "mistake", "transposed"), guess)
    figure = report.report(tmp_path).figure()
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["02  affine_backward"]
    assert [bar.get_width() for bar in left.patches] == [16, 11, 3]
    words = [text.get_text() for text in left.texts]
    assert words == ["16", "11", "3", "  “bias wrong axis”: 13 made it, 11 mended it"]
    assert "1 of 1" in [text.get_text() for text in right.texts]
    assert figure.get_suptitle() == "What 30 learners stumbled over"


def test_a_figure_is_saved_or_it_is_said_why_not(tmp_path, capsys):
    class_of_thirty(tmp_path)
    path = tmp_path / "class.png"
    assert main(["report", str(tmp_path), "--figure", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    for option in ("--figure", "--csv"):
        capsys.readouterr()
        assert main(["report", str(tmp_path), option, str(tmp_path / "class.txt")]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert "must end in" in said.err
    hand_in(tmp_path / "begun", "a.jsonl", line("begun"))
    assert main(["report", str(tmp_path / "begun"), "--figure", str(path)]) == 2
    assert "nobody has tried an exercise yet" in capsys.readouterr().err


# Whatever else lies there


def test_each_file_that_is_not_read_whole_gets_a_line_and_the_others_count(tmp_path):
    sound, foreign = checked("softmax", "right"), line("checked", "09", exercise="conv_forward", kind="right")
    hand_in(tmp_path, "a.jsonl", sound, "{", "null")
    hand_in(tmp_path, "b.jsonl", sound, sound, foreign)
    hand_in(tmp_path, "c.jsonl", foreign)
    hand_in(tmp_path, "d.jsonl", json.dumps({"v": 7, "event": "begun", "lesson": "02", "mood": 1}))
    hand_in(tmp_path, "e.jsonl", sound)
    hand_in(tmp_path, "f.jsonl", "nothing")
    hand_in(tmp_path, "g.zip", "PK")
    hand_in(tmp_path, "h.jsonl", checked("softmax", "mistake", "a-mistake-of-next-year"), line("begun"))
    with hand_in(tmp_path, "i.jsonl", sound).open("r+b") as file:
        file.truncate(1 << 30)
        file.seek(0, 2)
        file.write(b"\n" + checked("relu_forward", "right").encode())
    hand_in(tmp_path, "other.txt", sound)
    found = report.report(tmp_path)
    assert [learner.name for learner in found.learners] == ["a", "b", "d", "h", "i"]
    assert found.problems == [
        "a.jsonl: 2 damaged lines left out",
        "b.jsonl: 1 of 3 events left out, of another course or edition",
        "c.jsonl: no record of this course, but of another",
        "d.jsonl: written by a later version (7), and read as far as this one knows it",
        "e.jsonl is the same as a.jsonl; they count once",
        "f.jsonl: no record of this course",
        "g.zip is an archive, which is not opened; unpack it",
        "h.jsonl: 1 of 2 events left out, of another course or edition",
        "i.jsonl: longer than 8 MB; its end was read",
    ]
    assert [f.learners for f in found.exercises if f.finding == "right on the first try"] == [1, 2]


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_plain_file_is_left_alone(tmp_path, kind):
    hand_in(tmp_path / "class", "a.jsonl", line("begun"))
    path = tmp_path / "class" / "b.jsonl"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(path)
    else:
        try:
            path.symlink_to(hand_in(tmp_path, "secret.jsonl", line("begun", "02")))
        except OSError:
            pytest.skip("no links here")
    found = report.report(tmp_path / "class")
    assert [learner.name for learner in found.learners] == ["a"]
    assert len(found.problems) == (kind != "folder")


@pytest.mark.parametrize("given", ["nowhere", "file", "empty", "damaged"])
def test_a_folder_without_records_is_refused_in_words(tmp_path, capsys, given):
    hand_in(tmp_path, "file", "x")
    (tmp_path / "empty").mkdir()
    hand_in(tmp_path, "damaged/a.jsonl", "x")
    assert main(["report", str(tmp_path / given)]) == 2
    said = capsys.readouterr().err
    assert ("is no folder" if given in ("nowhere", "file") else "no record of a learner is below") in said
    assert ("a.jsonl: no record of this course" in said) is (given == "damaged")


def test_damaged_files_are_read_as_far_as_they_go(tmp_path):
    rng = random.Random(0)
    whole = "\n".join(PlantedClass(tmp_path / "whole", 3).one("x")).encode()
    names = ["é", "=", "record", "\u202e", "a" * 60]
    pieces = [b"null", b"[", b"-1e999", b'"right": 3,', b"\0", b'{"v": 1, "event": "', b"\n", b"\xff"]
    for number in range(10_000 if os.environ.get("NN_HELPERS_COSTLY") else 300):
        begin = rng.randrange(len(whole))
        damaged = bytearray(whole[begin : begin + rng.randrange(600)])
        for _ in range(rng.randrange(8)):
            place = rng.randrange(len(damaged) + 1)
            damaged[place : place + rng.randrange(9)] = rng.choice(pieces)
        path = tmp_path / f"{rng.choice(names)}{number}" / "record.jsonl"
        path.parent.mkdir()
        path.write_bytes(damaged)
    found = report.report(tmp_path)
    assert len(found.learners) > 30
    assert len(found.problems) > 30
    assert "Where they were last" in found.in_words(names=True)
    found.write_csv(tmp_path / "all.csv", names=True)
    assert found.figure()._repr_png_()


def test_long_questions_hide_no_bar_in_the_figure():
    asked = {f"{n} {'why ' * 16 * n}": (1, 1) for n in (1, 2, 3, 4)}
    figure = plots.stumbles({"01 relu_forward": (1, 0, 0, "")}, asked, 1)
    figure.canvas.draw()
    right = figure.axes[1]
    bars = [bar.get_window_extent() for bar in right.patches]
    texts = [text.get_window_extent() for text in right.texts[::2]]
    assert len(bars) == len(texts) == 4
    assert not any(bar.overlaps(text) for bar in bars for text in texts)
    assert all(right.get_window_extent().y1 > text.y1 for text in texts)
