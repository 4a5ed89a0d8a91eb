"""The site that ``make site`` has built: whole, light, found by its search, and open to those who cannot see.

Where build/site is not there, these tests are skipped. They read the pages as a browser does.
"""

import functools
import http.server
import importlib
import json
import re
import threading
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import axe
import nbformat
import pytest
from browser import running_chromium, what_is_missing
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build/site"
LESSONS = sorted(path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb"))
SCREENS = {"wide": {"width": 1366, "height": 768}, "narrow": {"width": 390, "height": 844}}
FIRST_SIGHT = 1_500_000  # bytes of a page with all that it loads at once

pytestmark = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no site: make site")
no_browser = what_is_missing()


class Page(HTMLParser):
    """What the tests ask of a page: its tags, with their attributes."""

    def __init__(self, path):
        super().__init__()
        self.path, self.tags, self.bytes = path, [], path.stat().st_size
        self.feed(path.read_text(encoding="utf-8"))
        self.ids = {tag[name] for _, tag in self.tags for name in ("id", "name") if name in tag}

    def handle_starttag(self, tag, attributes):
        """Take a tag."""
        self.tags.append((tag, dict(attributes)))

    def all(self, *names):
        """Return the attributes of all tags of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]

    def file(self, address):
        """Return the file that an address on this page means, and the place in it."""
        parts = urlsplit(address)
        path = (self.path.parent / unquote(parts.path)).resolve() if parts.path else self.path
        return (path / "index.html" if path.is_dir() else path), unquote(parts.fragment)


@functools.cache
def pages():
    return {path: Page(path) for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts}


def is_elsewhere(address):
    return bool(urlsplit(address).scheme or urlsplit(address).netloc)


def loaded_at_once(page):
    """Return the addresses of what a browser loads with a page, before anybody scrolls."""
    scripts = [tag["src"] for tag in page.all("script") if "src" in tag]
    sheets = [tag["href"] for tag in page.all("link") if tag.get("rel") in ("stylesheet", "icon")]
    images = [tag["src"] for tag in page.all("img") if tag.get("loading") != "lazy"]
    return [*scripts, *sheets, *(src for src in images if not src.startswith("data:"))]


def test_every_lesson_is_a_page_of_the_menu():
    linked = {Path(tag.get("href", "")).stem for tag in pages()[SITE / "index.html"].all("a")}
    assert LESSONS
    assert set(LESSONS) <= linked


def test_every_link_inside_leads_somewhere():
    broken = []
    for page in pages().values():
        for tag in page.all("a", "link", "img", "script"):
            address = tag.get("href") or tag.get("src") or ""
            if not address or is_elsewhere(address):
                continue
            path, place = page.file(address)
            if not path.exists() or (place and path in pages() and place not in pages()[path].ids):
                broken.append(f"{page.path.relative_to(SITE)}: {address}")
    assert broken == []


def test_a_link_to_a_page_shows_words_and_no_files_name():
    for page in pages().values():
        text = page.path.read_text(encoding="utf-8")
        links = re.findall(r"<a [^>]*internal[^>]*>(.*?)</a>", text, re.DOTALL)
        shown = [re.sub("<[^>]+>", "", link) for link in links]
        assert [words for words in shown if re.search(r"\.(md|ipynb|html)$", words)] == [], page.path


def test_nothing_is_loaded_from_elsewhere_and_no_page_is_heavy():
    for page in pages().values():
        loaded = loaded_at_once(page)
        assert [address for address in loaded if is_elsewhere(address)] == []
        files = {page.file(address)[0] for address in loaded}
        fonts = {path for path in SITE.rglob("fa-solid-900.woff2") if "_static" in path.parts}
        assert page.bytes + sum(path.stat().st_size for path in files | fonts) <= FIRST_SIGHT, page.path


def test_a_page_has_one_title_and_no_heading_leaves_out_a_level():
    for page in pages().values():
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert (levels[0], levels.count(1)) == (1, 1), page.path
        assert all(below <= above + 1 for above, below in pairwise(levels)), page.path


def test_every_image_has_words_and_every_figure_those_of_its_lesson():
    for page in pages().values():
        assert [tag["src"][:80] for tag in page.all("img") if not tag.get("alt")] == []
    for name in LESSONS:
        page = pages()[SITE / f"notebooks/{name}.html"]
        cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        figures = [output for output in outputs if "image/png" in output.get("data", {})]
        words = [tag["alt"] for tag in page.all("img") if tag["alt"].startswith("The figure")]
        assert len(words) == len(figures) > 0


def test_formulas_are_there_to_be_heard_and_lead_to_their_code():
    page = pages()[SITE / "notebooks/formulas.html"]
    text = page.path.read_text(encoding="utf-8")
    dollars = (ROOT / "notebooks/formulas.md").read_text(encoding="utf-8").count("$$")
    assert len(page.all("math")) == dollars / 2
    assert "../site/reference/01_layers.html#nn_helpers.layers.affine_forward" in text
    assert not re.search(r"\\[a-z]{2}|\$\$", text)


def test_a_question_waits_with_its_answer_and_nothing_that_only_tests_is_shown():
    for name in LESSONS:
        text = (SITE / f"notebooks/{name}.html").read_text(encoding="utf-8")
        assert "nn-card" in text
        assert '<details class="nn-fold"><summary>Answer</summary>' in text
        shown = re.sub("<[^>]+>", "", text).split("What you now have")[0]
        assert "assert" not in shown.replace("assert ...", "")  # that is a blank
        assert "|—" not in shown  # the line below the head of a table that is shown as text


# site/pages.py, where what it imports is installed


@pytest.fixture
def rules(monkeypatch):
    """Return site/pages.py, and the list of what it warns of."""
    for package in ("latex2mathml", "sphinx"):
        pytest.importorskip(package)
    monkeypatch.syspath_prepend(ROOT / "site")
    module, said = importlib.import_module("pages"), []
    monkeypatch.setattr(module, "warn", lambda text, **_: said.append(text))
    return module, said


def test_an_image_without_words_and_a_formula_that_cannot_be_written_are_warnings(rules):
    from docutils import nodes

    module, said = rules
    with_words, without = nodes.image(uri="a.png", alt="A figure."), nodes.image(uri="b.png")
    module.check_images(None, nodes.container("", with_words, without), "a page")
    module.mathml(r"\frac{a}{b}", "inline")
    assert said == ["an image without words: b.png"]
    module.mathml(r"\unheardof{a}", "inline")
    assert said[1:] == [r"a formula that MathML does not know: \unheardof{a}"]


def test_a_figure_takes_the_words_below_it_and_a_bar_is_left_out(rules):
    figure = new_output("display_data", {"image/png": "", "text/plain": "<Figure>"})
    bar = new_output("display_data", {"text/plain": "  0%|          | 0/310 [00:00<?, ?step/s]"})
    cells = [
        new_markdown_cell("# 01 · A lesson"),
        new_code_cell("plot()", outputs=[bar, figure]),
        new_markdown_cell("*The figure: $a_1$ rises,\n`z` falls.*\n\nMore."),
        new_code_cell("assert True", metadata={"tags": ["claims"]}),
    ]
    _, doors, code, _ = rules[0].lesson(nbformat.writes(new_notebook(cells=cells))).cells
    assert code.metadata["mystnb"]["image"]["alt"] == "The figure: a1 rises, z falls."
    assert [output.data for output in code.outputs] == [figure.data]
    assert "uvx nn-helpers lab" in doors.source


def test_services_are_named_where_the_repository_is_known(rules, monkeypatch):
    monkeypatch.setattr(rules[0], "REPOSITORY", None)
    assert "http" not in rules[0].doors("01_layers_and_relu.ipynb")
    monkeypatch.setattr(rules[0], "REPOSITORY", "owner/name")
    links = re.findall(r"\((https://[^)]+)\)", rules[0].doors("01_layers_and_relu.ipynb"))
    assert links == [
        "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/my_lessons/01_layers_and_relu.ipynb",
        "https://colab.research.google.com/github/owner/name/blob/main/notebooks/01_layers_and_relu.ipynb",
        "https://codespaces.new/owner/name",
    ]


# In a browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def visit():
    """Return a function that opens a page in Chromium, in a theme and on a screen."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with running_chromium() as browser:

            def visit(address, theme="light", screen="wide"):
                page = browser.new_context(viewport=SCREENS[screen], color_scheme=theme).new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/{address}")
                return page

            yield visit
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(bool(no_browser), reason=no_browser)
@pytest.mark.parametrize(
    ("words", "lesson"),
    [
        ("dead ReLU", "01_layers_and_relu"),
        ("overflow", "03_softmax_cross_entropy"),
        ("momentum", "04_optimizers"),
    ],
)
def test_the_search_finds_it_in_the_right_lesson(visit, words, lesson):
    page = visit(f"search.html?q={words}")
    page.wait_for_selector("ul.search > li > a")
    found = page.locator("ul.search > li > a").evaluate_all("all => all.map(it => it.getAttribute('href'))")
    lessons = [Path(urlsplit(address).path).stem for address in found if "notebooks/0" in address]
    assert lessons[:1] == [lesson], found


@pytest.mark.skipif(bool(no_browser), reason=no_browser)
@pytest.mark.skipif(bool(axe.what_is_missing()), reason=axe.what_is_missing())
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_who_cannot_see(visit, theme, screen):
    found = {}
    for path in pages():
        if "_modules" not in path.parts:
            page = visit(path.relative_to(SITE).as_posix(), theme, screen)
            page.evaluate("() => document.querySelectorAll('details').forEach(it => { it.open = true })")
            said = axe.violations(page)
            if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
                said.append("the page is wider than the screen")
            found |= {path.relative_to(SITE).as_posix(): said} if said else {}
            page.context.close()
    assert found == {}
