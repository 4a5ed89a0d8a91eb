"""A learner works through the lessons in JupyterLab: guesses, errs, mends it, restarts, and comes back.

With NN_HELPERS_COSTLY=1: lesson 00, with a newer edition in the middle; all lessons, with every exercise and
a next day; and two at once in one folder. It takes minutes.
"""

import ast
import inspect
import json
import os
import re
import sys
from contextlib import contextmanager

import nbformat
import pytest
from browser import ALL_CELLS, SCREEN, Notebook, Server, running_chromium, what_is_missing

from nn_helpers.course import work_copy
from nn_helpers.exercises.catalogue import EXERCISES

pytestmark = pytest.mark.flaky(reruns=1)  # on a busy machine a kernel or a page may come too late
WHOLE = bool(os.environ.get("NN_HELPERS_COSTLY"))
LESSONS = sorted(path.name for path in work_copy.source_folder().glob("*.ipynb"))
CHECK = re.compile(r"^check\((\w+)\)", re.MULTILINE)
ASKED = re.compile(r"^(?:predict)\(\"([\w-]+)\"", re.MULTILINE)
ANSWERED = re.compile(r"^(?:quiz|recall|predict)\(", re.MULTILINE)
WENT_WRONG = "[data-mime-type$='.error'], [data-mime-type$='.stderr'], .jupyter-widgets.error-frame"
CELLS = """() => jupyterapp.shell.currentWidget.content.widgets.map(cell => ({
    id: cell.model.id, type: cell.model.type, source: cell.model.sharedModel.source,
    outputs: cell.model.type === 'code' ? cell.model.outputs.length : 0}))"""
AGAIN = "In this edition, a sentence is new."  # what a newer edition says in a lesson's first cell


class WorkCopyServer(Server):
    """JupyterLab as ``make lab`` opens it; nobody has chosen any settings."""

    settings = ALL_CELLS

    def _command(self):
        return [
            sys.executable, "-m", "nn_helpers", "lab", str(self.copy), "--no-browser", "--allow-root",
            "--expose-app-in-browser", "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={self.token}",
        ]  # fmt: skip

    @property
    def copy(self):
        return self.folder.parent / "my_lessons"


class Lesson(Notebook):
    """A lesson that is open, and what the learner did in it."""

    def __init__(self, page, name, copy):
        self.copy, self.guesses, self.checked = copy, set(), set()
        super().__init__(page, name)

    def cells(self):
        return self.page.evaluate(CELLS)

    def events(self):
        """Return the record's events of this lesson's number, and of its exercises."""
        path = self.copy / "record.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def work(self):
        """Do every cell from the top down; stop after each, so that something else can happen."""
        for name in [cell["id"] for cell in self.cells() if cell["type"] == "code"]:
            cells = self.cells()
            at = next(i for i, cell in enumerate(cells) if cell["id"] == name)
            self.do(cells, at)
            assert self.root.locator(WENT_WRONG).all_inner_texts() == [], cells[at]["source"]
            yield name

    def do(self, cells, at):
        """Do what a cell asks for."""
        source = cells[at]["source"]
        for question in ASKED.findall(source):
            assert seen_too_early(cells, question) == []
        if exercise := next((name for name in CHECK.findall(source) if f"def {name}(" in source), None):
            self.answer(at, exercise, source)
            return
        self.run(at)
        if ANSWERED.search(source):
            self.click_all(at)
            self.guesses.update(ASKED.findall(source))

    def answer(self, at, exercise, source):
        """Give a wrong answer to an exercise, and then the right one."""
        mistakes = EXERCISES[exercise].mistakes
        for code in (next(iter(mistakes.values())).code, answer_to(exercise)):
            self.write(at, with_function(source, exercise, code))
            self.run(at)
            number = len(self.verdicts(exercise))
            self.until(lambda number=number: len(self.verdicts(exercise)) >= number)
        self.checked.add(exercise)

    def verdicts(self, exercise):
        return [e["kind"] for e in self.events() if (e["event"], e.get("exercise")) == ("checked", exercise)]

    def click_all(self, at):
        """Answer all questions of a cell: click until something is said, or type a number."""
        questions = self.output(at).root.locator(".nn-question")
        self.until(questions.count)
        for i in range(questions.count()):
            question = questions.nth(i)
            if field := question.locator("input").all():
                field[0].fill("7")
            for button in question.locator("button").all():
                if not question.locator("[role=status]").count():
                    button.click()
                    self.wait(0.3)
            self.until(lambda question=question: question.locator("[role=status]").count())


def seen_too_early(cells, question):
    """Return the ids of cells that show something before a question of theirs is answered."""
    first = next(i for i, cell in enumerate(cells) if f'predict("{question}"' in cell["source"])
    last = next((i for i, cell in enumerate(cells) if f'reveal("{question}"' in cell["source"]), first)
    return [cell["id"] for cell in cells[first : last + 1] if cell["outputs"]]


def answer_to(exercise):
    """Return the source of an exercise's answer: that of a mistake, without the mistake."""
    return inspect.getsource(EXERCISES[exercise].answer)


def with_function(source, name, code):
    """Return a cell's source with another function of this name in it."""
    tree, lines = ast.parse(source), source.splitlines()
    old = next(node for node in tree.body if getattr(node, "name", "") == name)
    lines[old.lineno - 1 : old.end_lineno] = code.strip().splitlines()
    return "\n".join(lines)


@contextmanager
def open_lesson(browser, server, name, how="&reset"):
    """Open a lesson in a window of its own, with "&reset" without those that were open before."""
    with browser.new_context(viewport=SCREEN) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server.address}lab/tree/{name}?token={server.token}{how}")
        yield Lesson(page, name, server.copy)


def bring_newer_editions(copy, tmp_path, monkeypatch):
    """Bring an edition of all lessons with a new sentence, and with another exercise."""
    newer = tmp_path / "newer"
    newer.mkdir()
    for path in work_copy.source_folder().glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source += f"\n\n{AGAIN}"
        for cell in notebook.cells:
            if cell.cell_type == "code" and CHECK.search(cell.source):
                cell.source = f"# A line that is new.\n{cell.source}"
        nbformat.write(notebook, newer / path.name)
    with monkeypatch.context() as patch:
        patch.setattr(work_copy, "source_folder", lambda: newer)
        return work_copy.make(copy)


def restart_and_run(lesson, name):
    """Restart the kernel, and run what a learner would: everything down to the cell of this id."""
    lesson.restart()
    at = next(i for i, cell in enumerate(lesson.cells()) if cell["id"] == name)
    lesson.command("run-all-above", at + 1)


def all_is_well(lesson):
    """Hold what the record and the copy say against what the learner did."""
    lesson.save()
    events = lesson.events()
    predicted = {
        event.get("question"): event.get("answer") for event in events if event["event"] == "predicted"
    }
    assert all(predicted.get(question) for question in lesson.guesses)
    assert {event.get("question") for event in events if event["event"] == "revealed"} >= lesson.guesses
    for exercise in lesson.checked:
        first, last = lesson.verdicts(exercise)[0], lesson.verdicts(exercise)[-1]
        assert (first != "right", last) == (True, "right"), exercise
    sources = "\n".join(cell["source"] for cell in lesson.cells())
    for exercise in lesson.checked:
        assert answer_to(exercise).strip() in sources
    notebook = nbformat.read(lesson.copy / lesson.name, as_version=4)
    nbformat.validate(notebook)
    assert sorted(cell.id for cell in notebook.cells) == sorted(cell["id"] for cell in lesson.cells())


@pytest.fixture(scope="module")
def browser():
    if reason := what_is_missing():
        pytest.skip(reason)
    with running_chromium() as browser:
        yield browser


def server(tmp_path, name="server"):
    folder = tmp_path / name
    folder.mkdir()
    return WorkCopyServer(folder)


def work_through(lesson, tmp_path, monkeypatch, newer):
    """Work through a lesson; half-way, restart the kernel, and reload the page with a newer edition in it."""
    total = sum(cell["type"] == "code" for cell in lesson.cells())
    for number, name in enumerate(lesson.work()):
        if number == total // 2:
            lesson.save()
            said = bring_newer_editions(lesson.copy, tmp_path, monkeypatch) if newer else []
            lesson.reload() if not newer else lesson.page.reload()
            lesson.wait_for_page()
            assert all("is the new edition" in line for line in said[: -2 or None])
            restart_and_run(lesson, name)
    if newer:
        assert AGAIN in lesson.cells()[0]["source"]
    all_is_well(lesson)


@pytest.mark.skipif(not WHOLE, reason="NN_HELPERS_COSTLY is not set; it takes half a minute")
def test_a_learner_does_the_first_lesson_and_takes_a_newer_edition_in_the_middle(
    browser, tmp_path, monkeypatch
):
    with server(tmp_path) as lab, open_lesson(browser, lab, LESSONS[0], "") as lesson:
        assert not lesson.page.locator(".Toastify__toast").count()
        assert lesson.page.locator(".jp-TableOfContents").is_visible()
        assert not any("claims" in cell["id"] for cell in lesson.cells())
        work_through(lesson, tmp_path, monkeypatch, newer=True)
        assert "relu_forward" in lesson.checked


@pytest.mark.skipif(not WHOLE, reason="NN_HELPERS_COSTLY is not set; it takes minutes")
def test_a_learner_does_all_lessons_and_comes_back_the_next_day(browser, tmp_path, monkeypatch):
    checked = set()
    with server(tmp_path) as lab:
        for name in LESSONS[:3]:
            with open_lesson(browser, lab, name) as lesson:
                work_through(lesson, tmp_path, monkeypatch, newer=name == LESSONS[1])
                checked |= lesson.checked
            lab.end_kernel(name)
    with server(tmp_path, "next day") as lab:
        for name in LESSONS[3:]:
            with open_lesson(browser, lab, name) as lesson:
                work_through(lesson, tmp_path, monkeypatch, newer=False)
                checked |= lesson.checked
            lab.end_kernel(name)
    assert checked == set(EXERCISES)


@pytest.mark.skipif(not WHOLE, reason="NN_HELPERS_COSTLY is not set; it takes minutes")
def test_two_at_once_in_one_folder_do_each_other_no_harm(browser, tmp_path):
    with (
        server(tmp_path, "one") as one,
        server(tmp_path, "two") as two,
        open_lesson(browser, one, LESSONS[0]) as first,
        open_lesson(browser, two, LESSONS[1]) as second,
    ):
        works = [first.work(), second.work()]
        while works:
            works = [work for work in works if next(work, None)]
        all_is_well(first)
        all_is_well(second)
