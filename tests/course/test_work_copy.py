"""The learner's copy of the lessons: what it leaves out, newer editions, reset, folders in every state."""

import ast
import copy
import functools
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import threading

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nn_helpers.course import work_copy
from nn_helpers.course.work_copy import LEFT_OUT, copy_of, make, merge, reset

LESSONS = sorted(work_copy.source_folder().glob("*.ipynb"))
HTML = "text/html"


def code(name, source, output=None, **more):
    outputs = [new_output("display_data", {"text/plain": output})] if output else []
    return new_code_cell(source, id=name, outputs=outputs, **more)


def text(name, source):
    return new_markdown_cell(source, id=name)


def lesson(*cells):
    return new_notebook(cells=list(cells))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson and one page; `course.write` makes a newer edition of them."""
    return Course(tmp_path, monkeypatch)


class Course:
    """A source of lessons, and a place for the copy."""

    def __init__(self, folder, monkeypatch):
        self.source, self.copy = folder / "notebooks", folder / "my_lessons"
        self.source.mkdir()
        self.write(EDITION)
        (self.source / "glossary.md").write_text("# Words\n", encoding="utf-8")
        monkeypatch.setattr(work_copy, "source_folder", lambda: self.source)

    def write(self, notebook):
        nbformat.write(notebook, self.source / "00_first.ipynb")

    def make(self):
        return make(self.copy)

    @property
    def lesson(self):
        return self.copy / "00_first.ipynb"

    def read(self):
        notebook = nbformat.read(self.lesson, as_version=4)
        nbformat.validate(notebook)
        return {cell.id: cell for cell in notebook.cells}

    def edit(self, name, source):
        """Change a cell as a learner does who then runs it."""
        notebook = nbformat.read(self.lesson, as_version=4)
        for cell in notebook.cells:
            if cell.id == name:
                cell.source, cell.execution_count = source, 7
                cell.outputs = [new_output("stream", name="stdout", text="mine\n")]
        nbformat.write(notebook, self.lesson)


EDITION = lesson(
    text("title", "# First"),
    code("first", 'import nn_helpers\nnn_helpers.lesson(written_for="0.1")\nx = load_images()'),
    code("ask", 'predict("how-many")', "the question"),
    code("between", "print(1)", "1"),
    code("find-out", 'reveal("how-many", 1)', "1"),
    code("find-out-claims", "assert True", metadata={"tags": ["claims"]}),
    code("shows", "net.predict(x)", "2"),
    code("exercise", "def relu(z):\n    ...\n\n\ncheck(relu)", "not written yet"),
    code("widget", "playground()"),
)


def changed(edition, **sources):
    """An edition with other words in some cells, by their ids with _ for -."""
    edition = copy.deepcopy(edition)
    for cell in edition.cells:
        cell.source = sources.get(cell.id.replace("-", "_"), cell.source)
    return edition


# What a copy leaves out


def test_what_gives_an_answer_away_is_cleared_and_claims_are_left_out(course):
    course.make()
    cells = course.read()
    assert "find-out-claims" not in cells
    assert [name for name, cell in cells.items() if cell.get("outputs")] == ["shows"]


def test_the_saved_picture_of_a_widget_is_cleared():
    cell = code("widget", "playground()")
    cell.outputs = [new_output("display_data", {HTML: '<p class="nn-saved">▶ playground</p>'})]
    assert copy_of(lesson(cell)).cells[0].outputs == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_every_lesson_has_a_valid_copy_whose_cells_were_never_run(path):
    source = nbformat.read(path, as_version=4)
    notebook = copy_of(copy.deepcopy(source))
    nbformat.validate(notebook)
    left_out = [cell for cell in source.cells if LEFT_OUT & set(cell.metadata.get("tags", []))]
    assert len(notebook.cells) == len(source.cells) - len(left_out)
    assert "install" not in [cell.id for cell in notebook.cells]
    for cell in notebook.cells:
        assert cell.get("execution_count") is None
        if "check(" in cell.source and cell.cell_type == "code":
            assert not cell.outputs
    assert any(cell.get("outputs") for cell in notebook.cells)


# Newer editions


def test_a_second_time_nothing_is_done_and_nothing_is_said(course):
    assert course.make() == [f"{course.copy} is your copy of the lessons."]
    course.edit("exercise", "mine")
    before = course.lesson.read_bytes()
    assert course.make() == []
    assert course.lesson.read_bytes() == before


def test_words_of_ours_move_on_and_what_the_learner_wrote_stays(course):
    course.make()
    course.edit("exercise", "def relu(z):\n    return max(z, 0)\n\n\ncheck(relu)")
    course.write(changed(EDITION, title="# First, better", shows="net.predict(x)[0]"))
    said = course.make()
    cells = course.read()
    assert cells["title"].source == "# First, better"
    assert cells["shows"].source == "net.predict(x)[0]"
    assert "max(z, 0)" in cells["exercise"].source
    assert cells["exercise"].outputs[0].text == "mine\n"
    assert said[0] == f"{course.lesson} is the new edition, with all that you wrote."
    (before,) = (course.copy / ".nn_helpers").glob("before-*")
    assert str(before) in said[1]
    assert "First, better" not in (before / course.lesson.name).read_text(encoding="utf-8")
    assert course.make() == []


def test_where_both_changed_a_cell_the_learners_runs_and_the_other_is_shown(course):
    course.make()
    course.edit("exercise", "mine")
    course.write(changed(EDITION, exercise='def relu(z):\n    """```"""\n    ...\n\n\ncheck(relu)'))
    assert "Cells that both changed: 1. Yours stays" in course.make()[0]
    names = list(course.read())
    note = course.read()[names[names.index("exercise") + 1]]
    assert course.read()["exercise"].source == "mine"
    assert note.cell_type == "markdown"
    assert '````python\ndef relu(z):\n    """```"""' in note.source


def test_the_line_that_says_the_version_moves_on_in_a_cell_that_the_learner_changed(course):
    course.make()
    course.edit("first", EDITION.cells[1].source.replace("()", '("cifar10")'))
    course.write(changed(EDITION, first=EDITION.cells[1].source.replace("0.1", "0.2")))
    course.make()
    assert course.read()["first"].source.endswith('written_for="0.2")\nx = load_images("cifar10")')


def test_an_output_is_the_new_editions_where_the_learner_has_not_run_the_cell(course):
    course.make()
    edition = copy.deepcopy(EDITION)
    edition.cells[6].outputs = [new_output("display_data", {"text/plain": "3"})]
    course.write(edition)
    course.make()
    assert course.read()["shows"].outputs[0].data["text/plain"] == "3"


def test_a_page_is_brought_up_to_date_unless_the_learner_changed_it(course):
    course.make()
    page = course.copy / "glossary.md"
    (course.source / page.name).write_text("# More words\n", encoding="utf-8")
    course.make()
    assert page.read_text(encoding="utf-8") == "# More words\n"
    page.write_text("mine", encoding="utf-8")
    assert course.make() == []
    (course.source / page.name).write_text("# All words\n", encoding="utf-8")
    assert "is as you changed it" in course.make()[0]
    assert page.read_text(encoding="utf-8") == "mine"
    assert course.make() == []


def test_a_lesson_that_was_deleted_comes_back(course):
    course.make()
    course.lesson.unlink()
    assert course.make() == [f"{course.lesson} is new."]


def test_killed_before_the_edition_was_noted_the_next_time_changes_nothing_more(course, monkeypatch):
    course.make()
    course.edit("exercise", "mine")
    course.write(changed(EDITION, exercise="theirs", title="new"))
    remember = work_copy._remember

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(work_copy, "_remember", killed)
    with pytest.raises(KeyboardInterrupt):
        course.make()
    monkeypatch.setattr(work_copy, "_remember", remember)
    once = [cell.source for cell in course.read().values()]
    course.make()
    assert [cell.source for cell in course.read().values()] == once


def test_a_copy_whose_ids_an_editor_replaced_is_merged_all_the_same(course):
    course.make()
    course.edit("exercise", "mine")
    notebook = nbformat.read(course.lesson, as_version=4)
    for i, cell in enumerate(notebook.cells):
        cell.id = f"other-{i}"
    nbformat.write(notebook, course.lesson)
    course.write(changed(EDITION, title="new"))
    course.make()
    cells = course.read()
    assert cells["title"].source == "new"
    assert "mine" in [cell.source for cell in cells.values()]


def test_a_copy_from_a_tool_that_knows_no_ids_is_merged_and_reset(course):
    course.make()
    course.edit("exercise", "mine")
    notebook = json.loads(course.lesson.read_bytes()) | {"nbformat_minor": 0}  # as Colab saves it
    for cell in notebook["cells"]:
        del cell["id"]
    course.lesson.write_text(json.dumps(notebook), encoding="utf-8")
    course.write(changed(EDITION, title="new"))
    course.make()
    cells = course.read()
    assert cells["title"].source == "new"
    assert "mine" in [cell.source for cell in cells.values()]
    course.lesson.write_text(json.dumps(notebook), encoding="utf-8")
    assert reset("relu", course.copy)[0] == f"relu is blank again in {course.lesson}."


def test_half_a_character_stays_as_it_was(course):
    course.make()
    course.edit("exercise", "# mine HALF")
    content = course.lesson.read_text(encoding="utf-8")
    course.lesson.write_text(content.replace("HALF", r"\ud83d"), encoding="utf-8")
    course.write(changed(EDITION, title="new"))
    course.make()
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(course.lesson.read_bytes())["cells"]}
    assert (cells["title"], cells["exercise"]) == ("new", "# mine \ud83d")


# 200 random edits of both


def edit(cells, rng, who):
    """Change, write, insert, delete, move, split or double some of a lesson's cells."""
    cells = copy.deepcopy(cells)
    for number in range(rng.randrange(1, 9)):
        at = rng.randrange(len(cells))
        cell, mark = cells[at], f"# {who} {number}"
        new = {"id": f"{who}-{number}", "cell_type": "code", "source": mark}
        match rng.choice(["change", "write", "insert", "delete", "move", "split", "double"]):
            case "change":
                cell["source"] += f"\n{mark}"
            case "write":
                cell["source"] = mark
            case "insert":
                cells.insert(at, new)
            case "delete":
                del cells[at]
            case "move":
                del cells[at]
                cells.insert(rng.randrange(len(cells) + 1), cell)
            case "split":
                lines = cell["source"].splitlines()
                cell["source"], new["source"] = "\n".join(lines[:1]), "\n".join([mark, *lines[1:]])
                cells.insert(at + 1, new)
            case "double":
                cells.insert(at + 1, {**cell, "id": new["id"]})
    return cells


@functools.cache
def bare(path):
    return work_copy._bare(copy_of(nbformat.read(path, as_version=4)))


@functools.cache
def compiles(source):
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("seed", range(200))
def test_of_random_edits_nothing_of_the_learners_is_lost(seed):
    rng = random.Random(seed)
    base = bare(LESSONS[seed % len(LESSONS)])
    mine, new = edit(base, rng, "mine"), edit(base, rng, "theirs")
    merged, both = merge(copy.deepcopy(base), copy.deepcopy(mine), copy.deepcopy(new))
    known = {cell["id"]: cell["source"] for cell in base}
    own, theirs = ({cell["id"]: cell["source"] for cell in cells} for cells in (mine, new))
    result = {cell["id"]: cell["source"] for cell in merged}
    assert len(result) == len(merged)  # no id twice
    for name, source in own.items():
        if source != known.get(name):
            assert result[name] == source
        elif name in theirs:
            assert result[name] == theirs[name]
    for name, source in theirs.items():
        if name not in known or (name in own and own[name] == known[name]):
            assert result[name] == source
    for name in both:
        place = [cell["id"] for cell in merged].index(name)
        assert theirs[name] in merged[place + 1]["source"]
    possible = {cell["source"]: compiles(cell["source"]) for cell in [*mine, *new]}
    for cell in merged:
        if cell["cell_type"] == "code":
            assert compiles(cell["source"]) == possible[cell["source"]]
    notebook = new_notebook(
        cells=[
            (new_code_cell if cell["cell_type"] == "code" else new_markdown_cell)(
                cell["source"], id=cell["id"]
            )
            for cell in merged
        ]
    )
    nbformat.validate(notebook)
    again, _ = merge(copy.deepcopy(base), copy.deepcopy(merged), copy.deepcopy(new))
    assert {cell["id"]: cell["source"] for cell in again} == result


def test_what_the_learner_wrote_is_there_even_if_a_merge_of_orders_left_it_out(monkeypatch):
    base = work_copy._bare(EDITION)
    mine = [*copy.deepcopy(base), {"id": "last", "cell_type": "code", "source": "mine"}]
    mine.insert(0, {"id": "first-of-all", "cell_type": "code", "source": "mine too"})
    mine[3]["source"] = "changed"
    monkeypatch.setattr(
        work_copy, "_order", lambda *editions: [cell["id"] for cell in base if cell["id"] != "ask"]
    )
    merged, _ = merge(base, mine, base)
    assert [cell["id"] for cell in merged] == ["first-of-all", *(cell["id"] for cell in base), "last"]
    assert merged[3]["source"] == "changed"


# Reset


def test_an_exercise_is_blank_again_and_what_was_there_is_kept(course):
    course.make()
    course.edit("exercise", "my answer")
    course.edit("shows", "my own")
    said = reset("relu", course.copy)
    assert said[0] == f"relu is blank again in {course.lesson}."
    assert course.read()["exercise"].source == EDITION.cells[7].source
    assert course.read()["shows"].source == "my own"
    (before,) = (course.copy / ".nn_helpers").glob("before-*")
    assert "my answer" in (before / course.lesson.name).read_text(encoding="utf-8")


def test_a_lesson_and_everything_are_as_on_the_first_day(course):
    course.make()
    first = course.lesson.read_bytes()
    for what in ("00", "0", "all"):
        course.edit("exercise", "my answer")
        (course.copy / "record.jsonl").write_text("{}\n", encoding="utf-8")
        (course.copy / "own.txt").write_text("own", encoding="utf-8")
        reset(what, course.copy)
        assert course.lesson.read_bytes() == first
        record = course.copy / "record.jsonl"
        assert not record.exists() or '"event": "reset", "lesson": "00"' in record.read_text(encoding="utf-8")
        assert (course.copy / "record.jsonl").exists() == (what != "all")
        assert (course.copy / "own.txt").exists()
    kept = (course.copy / ".nn_helpers").glob("before-*/record.jsonl")
    assert [path.read_text(encoding="utf-8") for path in kept] == ["{}\n"]


def test_what_cannot_be_reset_is_said(course):
    with pytest.raises(ValueError, match="no work copy"):
        reset("relu", course.copy)
    course.make()
    with pytest.raises(ValueError, match=r"'rleu' is no exercise or lesson; there is relu, 02 or all"):
        reset("rleu", course.copy)
    before = course.lesson.read_bytes()
    with pytest.raises(ValueError, match="'' is no exercise or lesson"):
        reset("", course.copy)
    assert course.lesson.read_bytes() == before


def test_an_exercise_of_two_lessons_is_put_back_in_both_or_in_none(course):
    nbformat.write(EDITION, course.source / "01_second.ipynb")
    course.make()
    course.edit("exercise", "mine")
    (course.copy / "01_second.ipynb").write_text("half", encoding="utf-8")
    with pytest.raises(ValueError, match=r"01_second.ipynb is no notebook that .*; nn-helpers reset 01 "):
        reset("relu", course.copy)
    assert course.read()["exercise"].source == "mine"


# Folders in every state


def test_a_folder_of_somebodys_own_is_not_touched(course):
    course.copy.mkdir()
    (course.copy / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="is no work copy of the lessons, so nothing is changed"):
        course.make()
    assert os.listdir(course.copy) == ["thesis.txt"]


def test_a_file_and_a_link_in_the_place_of_the_folder_are_not_touched(course, tmp_path):
    course.copy.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="is a file"):
        course.make()
    course.copy.unlink()
    (tmp_path / "elsewhere").mkdir()
    try:
        course.copy.symlink_to(tmp_path / "elsewhere")
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(FileExistsError, match=r"is a link; name the folder itself, .*elsewhere"):
        course.make()
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"cells": 3}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_notebook_is_left_alone(course, content):
    course.make()
    course.lesson.write_bytes(content)
    course.write(changed(EDITION, title="new"))
    assert course.make() == [
        f"{course.lesson.name} is left as it was: {course.lesson} is no notebook that can be read; "
        "nn-helpers reset 00 puts the new one there, and keeps this one"
    ]
    assert course.lesson.read_bytes() == content
    reset("00", course.copy)  # as the message advises
    assert course.read()["title"].source == "new"
    assert [path.read_bytes() for path in course.copy.glob(".nn_helpers/before-*/*")] == [content]


NO_ID = b'{"edition": "x", "cells": [{"id": ["a"], "cell_type": "code", "source": "x"}]}'


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"edition": "x", "cells": [3]}', NO_ID, b"[" * 100_000]
)
def test_a_lesson_whose_edition_is_not_known_is_left_alone(course, content):
    course.make()
    before = course.lesson.read_bytes()
    (course.copy / ".nn_helpers/editions/00_first.ipynb.json").write_bytes(content)
    assert "nn-helpers reset 00 puts the new one there" in course.make()[0]
    assert course.lesson.read_bytes() == before
    reset("00", course.copy)
    assert course.make() == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_the_place_of_a_lesson_is_left_alone(course):
    course.make()
    course.lesson.unlink()
    os.mkfifo(course.lesson)
    course.write(changed(EDITION, title="new"))
    assert f"is left as it was: {course.lesson} is a link" in course.make()[0]
    assert stat.S_ISFIFO(course.lesson.lstat().st_mode)


def test_where_nothing_can_be_written_it_is_said_and_nothing_is_lost(course, monkeypatch):
    course.make()
    course.edit("exercise", "mine")
    before = course.lesson.read_bytes()
    course.write(changed(EDITION, title="new"))

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (said,) = course.make()[:1]
    assert "is left as it was" in said
    assert "No space left on device" in said
    assert course.lesson.read_bytes() == before
    assert not list(course.copy.glob("**/*.part"))


def test_two_at_once_make_one_copy(course):
    threads = [threading.Thread(target=course.make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "exercise" in course.read()
    assert course.make() == []
    assert not list((course.copy / ".nn_helpers").glob("before-*"))


def test_nothing_heavy_is_imported_when_nothing_is_new(tmp_path):
    make(tmp_path / "my_lessons")
    script = (
        "import sys\nfrom nn_helpers.course.work_copy import make\n"
        f"assert make({str(tmp_path / 'my_lessons')!r}) == []\n"
        "assert not {'nbformat', 'nbdime', 'IPython'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_a_copy_is_what_jupyter_writes(course):
    course.make()
    assert course.lesson.read_text(encoding="utf-8").startswith('{\n "cells": [\n')
    assert json.loads(course.lesson.read_bytes())["nbformat"] == 4


NOTE_OF_FIRST = ".nn_helpers/editions/00_first.ipynb.json"


@pytest.mark.parametrize("there", ["00_first.ipynb", "my_network.py", NOTE_OF_FIRST])
def test_a_folder_in_the_place_of_a_file_is_named_before_anything_is_reset(course, there):
    course.make()
    course.edit("exercise", "mine = 1")
    place = course.copy / there
    place.unlink(missing_ok=True)
    place.mkdir()
    before = {path: path.read_bytes() for path in course.copy.rglob("*") if path.is_file()}
    with pytest.raises(IsADirectoryError) as told:
        reset("all", course.copy)
    assert str(told.value) == f"{place} is a folder in the place of a file; move it away, and try again"
    assert {path: path.read_bytes() for path in course.copy.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_what_a_copy_was_made_from_keeps_nobody_waiting(course):
    course.make()
    note = course.copy / NOTE_OF_FIRST
    note.unlink()
    os.mkfifo(note)
    said = []
    waiting = threading.Thread(target=lambda: said.extend(course.make()), daemon=True)
    waiting.start()
    waiting.join(30)
    assert "nothing says which edition it was made from" in said[0]


def test_a_file_in_the_place_of_the_folder_of_editions_is_named(course):
    course.make()
    editions = course.copy / ".nn_helpers" / "editions"
    shutil.rmtree(editions)
    editions.write_text("mine", encoding="utf-8")
    for call in (course.make, lambda: reset("all", course.copy)):
        with pytest.raises(FileExistsError) as told:
            call()
        assert str(told.value) == f"{editions} is in the place of a folder; move it away, and try again"
