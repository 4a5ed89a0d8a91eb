"""What is told of a class that was graded: the table, what a person should look at, a CSV, and pages."""

import html
import itertools
import re
from collections import Counter
from pathlib import Path

from nn_helpers.course.grade import AS_GIVEN, WORDS
from nn_helpers.course.standing import TITLES
from nn_helpers.course.submissions import words
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.page import headline, paragraphs
from nn_helpers.exercises.checking.wording import join_names, wrap
from nn_helpers.support.files import explain_failure, require_writable, write, write_table

SIGNS = {"right": "✓", "unsure": "?", "mistake": "✗", "not attempted": "○", "missing": "–"}
EMPTY = {"not attempted": "Not written yet", "missing": "Not handed in"}
SHORT = 20  # words and signs; so short a function is written alike by many


def check_places(folder, csv=None, feedback=None):
    """Raise OSError or ValueError now, and not when all is judged, where nothing can be written."""
    if csv:
        require_writable("grade", "--csv", csv, ".csv")
    if feedback:
        if feedback.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"--feedback is inside {folder}, among the students; name a folder beside it")
        with explain_failure("grade: --feedback", feedback):
            feedback.mkdir(parents=True, exist_ok=True)


def lessons_of(students):
    """Return {lesson: its exercises} of the lessons in which anybody wrote something, or of all handed in."""
    found = [(name, student.of(name).kind) for student in students for name in student.found]
    written = [name for name, kind in found if kind != "not attempted"]
    seen = {EXERCISES[name].lesson for name in written or dict(found)}
    lessons = {}
    for name, exercise in EXERCISES.items():
        if exercise.lesson in seen:
            lessons.setdefault(exercise.lesson[:2], []).append(name)
    return lessons


def report(students):
    """Return all that is to be said of a class, as a text."""
    lessons = lessons_of(students)
    names = [name for group in lessons.values() for name in group]
    width = max(len("student"), *(len(student.name) for student in students))
    head = f"{'student':{width}}  right of {len(names)}  "
    lines = [head + "  ".join(f"{lesson:{len(group)}}" for lesson, group in lessons.items())]
    for student in students:
        signs = ("".join(SIGNS[student.of(n).kind] for n in group) for group in lessons.values())
        count = f"{student.right(names):>{len(head) - width - 4}}"
        lines.append(f"{student.name:{width}}  {count}  {'  '.join(signs)}".rstrip())
    legend = "   ".join(f"{sign} {WORDS[kind]}" for kind, sign in SIGNS.items())
    sections = {
        "Mistakes": _mistakes(students, names),
        "For a person to look at": [
            *(f"{student.name}: {mark}" for student in students for mark in _marks_of(student)),
            *likenesses(students),
        ],
        "Files": [note for student in students for note in student.notes],
    }
    for title, said in sections.items():
        lines += ["", title, *(wrap(f"  {line}") for line in said)] if said else []
    return "\n".join([*lines[: len(students) + 1], "", legend, *lines[len(students) + 1 :]])


def _mistakes(students, names):
    """Return a line for each mistake: the exercise, its name, how many made it, and who."""
    who = {}
    for name in names:
        for student in students:
            if (found := student.of(name)).kind == "mistake":
                who.setdefault((name, found.in_a_word), []).append(student.name)
    return [
        f"{name}: {'none that has a name' if word == 'wrong' else word}, {len(them)} ({', '.join(them)})"
        for (name, word), them in who.items()
    ]


def _marks_of(student):
    marks = {}
    for name, found in student.found.items():
        for mark in found.marks:
            marks.setdefault(mark, []).append(name)
    return [f"{mark}: {', '.join(names)}" for mark, names in marks.items()]


def likenesses(students):
    """Return a line for each few students who wrote what nobody else did, from the most alike on.

    Compared is the code without comments, and with one set of names for all. What is as the lesson or
    `solution` shows it says nothing, and neither does what is short.
    """
    alike, few = {}, max(2, len(students) // 8)
    for name in EXERCISES:
        forms = {}
        for student in students:
            found = student.of(name)
            if found.verdict.kind != "not attempted" and len(words(found.form)) >= SHORT:
                forms.setdefault(found.form, set()).add(student.name)
        threes = {form: _threes(words(form)) for form in forms}
        near = {
            form: frozenset().union(*(forms[other] for other in forms if _near(threes[form], threes[other])))
            for form in forms
        }
        for group in set(near.values()):
            if 2 <= len(group) <= few and all(near[f] == group for f in forms if forms[f] & group):
                alike.setdefault(group, []).append(name)
    pairs = sorted(alike.items(), key=lambda pair: (-len(pair[1]), sorted(pair[0])))
    return [f"{join_names(sorted(who))} alone wrote the same {', '.join(names)}" for who, names in pairs]


def _threes(all_words):
    return Counter(zip(all_words, all_words[1:], all_words[2:], strict=False))


def _near(one, two):
    return (one & two).total() >= 0.9 * (one | two).total()


def write_csv(students, path):
    """Write a table with a row for each student, as learning platforms and spreadsheets read it."""
    names = [name for group in lessons_of(students).values() for name in group]
    rows = [["student", "right", "of", "percent", *names, "to look at"]]
    for student in students:
        right = student.right(names)
        percent = round(100 * right / max(1, len(names)))
        found = (student.of(name).in_a_word for name in names)
        rows.append([student.name, right, len(names), percent, *found, "; ".join(_marks_of(student))])
    write_table("grade", path, rows)


def write_feedback(students, folder):
    """Write a page for each student: the verdicts, in the words of `check`."""
    folder = Path(folder)
    lessons, taken = lessons_of(students), set()
    for student in students:
        stem = re.sub(r"[^\w .-]", "_", student.name)[:80].strip(" .") or "student"
        numbered = (f"{stem} {n}" if n else stem for n in itertools.count())
        stem = next(name for name in numbered if name.lower() not in taken)
        taken.add(stem.lower())
        page = page_for(student, lessons).encode("utf-8", "replace")
        write(folder / f"{stem}.html", page, "grade: a page")


def page_for(student, lessons):
    """Return a student's page, as HTML."""
    names = [name for group in lessons.values() for name in group]
    parts = [f"<h1>{html.escape(student.name)}</h1>"]
    parts.append(f"<p>Right: {student.right(names)} of {len(names)} functions.</p>")
    parts += [f"<p>{html.escape(note)}</p>" for note in student.notes]
    for lesson, group in lessons.items():
        parts.append(f"<h2>Lesson {lesson}: {html.escape(TITLES[lesson])}</h2>")
        left = {}  # what there is nothing to say of, by why
        for name in group:
            found = student.of(name)
            if found.verdict.kind == "missing" or found.verdict.said == AS_GIVEN:
                left.setdefault(EMPTY[found.verdict.kind], []).append(name)
            else:
                parts.append(_section(found))
        parts += [headline("not attempted", f"{why}: {', '.join(names)}") for why, names in left.items()]
    return PAGE.format(title=html.escape(student.name), body="\n".join(parts))


def _section(found):
    """Return what is said of one function, and where it stands."""
    verdict = found.verdict
    kind = "not attempted" if verdict.kind == "unsure" else verdict.kind
    doubts = [f"A person will look at this one: it {doubt}." for doubt in found.doubts]
    said = "\n".join(filter(None, [verdict.said, *doubts, verdict.example, verdict.after]))
    where = f"<small>{html.escape(found.where)}</small>"
    return f"<section>{headline(kind, verdict.head)}{paragraphs(said)}{where}</section>"


PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark }}
  body {{ max-width: 46em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif }}
  section {{ margin: 1.2em 0 }}
  pre {{ white-space: pre-wrap }}
  small {{ opacity: 0.7 }}
</style>
{body}
</html>
"""
