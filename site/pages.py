"""What becomes of a lesson, a page, a formula and a function on the site; an extension of Sphinx."""

import ast
import html
import inspect
import operator
import os
import re
from contextlib import suppress
from pathlib import Path

import latex2mathml.converter
import nbformat
from docutils import nodes
from nbformat.v4 import new_markdown_cell
from sphinx.util import logging

import nn_helpers
from nn_helpers.course import predictions, questions
from nn_helpers.course.work_copy import LEFT_OUT
from nn_helpers.exercises.checking.page import paragraphs
from tools.run_notebooks import write_words

LESSONS = {path.name[:2]: path for path in sorted(Path(__file__).parents[1].glob("notebooks/[0-9]*.ipynb"))}
NAVIGATION = Path(__file__).with_name("navigation.txt").read_text(encoding="utf-8")
CORE = r"nn_helpers\.(layers|losses|optimizers|schedules|gradcheck|network)\b"
REPOSITORY = os.environ.get("GITHUB_REPOSITORY")  # owner/name; without it no service can be named
DOORS = {
    "Binder": "https://mybinder.org/v2/gh/{0}/main?urlpath=lab/tree/my_lessons/{1}",
    "Colab": "https://colab.research.google.com/github/{0}/blob/main/notebooks/{1}",
    "Codespaces": "https://codespaces.new/{0}",
}
warn = logging.getLogger(__name__).warning


# Lessons


def lesson(text):
    """Return a lesson as a page: what only tests is left out, figures have words, questions are cards."""
    notebook = nbformat.reads(text, as_version=4)
    number = notebook.cells[0].source[2:4]
    cells = [cell for cell in notebook.cells if not LEFT_OUT & set(cell.metadata.get("tags", ()))]
    write_words(notebook)
    for cell in cells:
        if cell.cell_type == "markdown":
            for name, files in cell.get("attachments", {}).items():
                ((kind, data),) = files.items()
                cell.source = cell.source.replace(f"attachment:{name}", f"data:{kind};base64,{data}")
        else:
            cell.outputs = [shown for output in cell.outputs if (shown := on_a_page(output, cell, number))]
            known = [output.get("metadata", {}).get("image/png") for output in cell.outputs]
            cell.metadata["mystnb"] = {"image": next(filter(None, known), {})}
    notebook.cells = [cells[0], new_markdown_cell(doors(LESSONS[number].name)), *cells[1:]]
    return notebook


def doors(name):
    """Return where a lesson can be run."""
    links = [f"[{service}]({DOORS[service].format(REPOSITORY, name)})" for service in DOORS if REPOSITORY]
    clear = "In Colab choose *Edit → Clear all outputs* first: then you guess before you see.\n\n"
    there = f"**Run it in your browser:** {' · '.join(links)}. {clear}" if links else ""
    return f"{there}**Run it on your computer:** `uvx nn-helpers lab`, or [another way](../README.md#start)."


def on_a_page(output, cell, number):
    """Return an output as a reader sees it, or None: questions are cards, answers fold, bars are left out."""
    data = output.get("data", {})
    words, text = data.get("text/html", ""), data.get("text/plain", "")
    if "nn-saved" in words:
        data["text/html"] = cards(cell.source, number) or (
            "<p>▶ This is a widget: it answers where the lesson runs. Its picture as it opens:</p>"
        )
    elif "○" in words and "reveal(" in cell.source:
        data["text/html"] = folded("What comes out", words)
    elif data and set(data) == {"text/plain"} and (not text or re.match(r"\s*\d+%\|", text)):
        return None
    return output


def cards(source, number):
    """Return the questions that a cell asks, as HTML, with an answer to unfold where no cell finds it out."""
    asks = {"recall": predictions.recalled_in, "quiz": lambda n: predictions.quizzed_in(n).values()}
    if name := re.search(r'\bpredict\("([^"]+)"', source):
        return card(questions.questions_of(number)[name[1]])
    asked = [question for call, found in asks.items() if f"{call}(" in source for question in found(number)]
    return "".join(card(q, f"{q.in_words(q.answer)}. {q.because}") for q in asked)


def card(question, answer=""):
    """Return a question as HTML."""
    options = "".join(f"<li>{html.escape(option.text.replace('`', ''))}</li>" for option in question.options)
    options = f"<ul>{options}</ul>" if question.kind != "number" else ""
    fold = folded("Answer", paragraphs(answer)) if answer else "<p>Guess, then read on.</p>"
    return f'<div class="nn-card">{paragraphs(question.text)}{options}{fold}</div>'


def folded(summary, inside):
    """Return what opens on a click."""
    return f'<details class="nn-fold"><summary>{summary}</summary>{inside}</details>'


# Pages


def read_page(app, name, source):
    """Give the front page its navigation, and a formula a link to its code."""
    if name == app.config.root_doc:
        source[0] += NAVIGATION
    if name in ("notebooks/formulas", "notebooks/glossary"):
        source[0] = re.sub(r"`([\w.]+)`", link_to_code, source[0])


def link_to_code(name):
    """Return a name between backticks as a link to the reference, where it is in it."""
    with suppress(AttributeError):
        thing = operator.attrgetter(name[1])(nn_helpers)
        return f"{{py:obj}}`{name[1]} <{thing.__module__}.{thing.__qualname__}>`"
    return name[0]


def check_images(app, doctree, name):
    """Load images when they are scrolled to; complain about one that has no words."""
    for image in doctree.findall(nodes.image):
        image["loading"] = "lazy"
        if not image.get("alt"):
            warn(f"an image without words: {image['uri'][:80]}", location=name)


# Formulas and functions


def mathml(latex, display):
    """Return a formula as MathML, which browsers draw and screen readers speak, with no program of ours."""
    found = latex2mathml.converter.convert(latex, display=display)
    if "\\" in found:
        warn(f"a formula that MathML does not know: {latex}")
    return found


def inline_formula(writer, node):
    """Write $…$."""
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def formula(writer, node):
    """Write $$…$$; a wide one scrolls, by keys too."""
    drawn = mathml(node.astext(), "block")
    group = 'class="nn-formula" tabindex="0" role="group" aria-label="Formula"'
    writer.body.append(f"<div {group}>{drawn}</div>")
    raise nodes.SkipNode


def add_source(app, what, name, thing, options, lines):
    """Put the code of a function of the core below what is said of it."""
    if what in ("function", "method") and re.match(CORE, name) and inspect.isfunction(thing):
        source = inspect.cleandoc("\n" + inspect.getsource(thing))
        function = ast.parse(source).body[0]
        text = source.splitlines()
        if ast.get_docstring(function):
            text[function.body[0].lineno - 1 : function.body[0].end_lineno] = []
        lines += ["", ".. code-block:: python", "", *("   " + line for line in text), ""]


def setup(app):
    """Sphinx calls this."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (formula, None))
    app.connect("source-read", read_page)
    app.connect("doctree-resolved", check_images)
    app.connect("autodoc-process-docstring", add_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
