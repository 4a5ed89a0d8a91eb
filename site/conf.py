"""The site: ``make site`` builds it from the lessons, the pages and the docstrings into build/site, offline.

Its source is the whole repository, so a link between two files of the project is one between two pages.
"""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from nn_helpers import __version__  # noqa: E402

project, release = "nn-helpers", __version__
copyright = "the authors of nn-helpers. Code: MIT licence; text: CC BY 4.0"
extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_copybutton",
    "pages",
]  # fmt: skip

root_doc = "README"
include_patterns = [
    "*.md", "notebooks/*.md", "notebooks/[0-9]*.ipynb", "docs/*.md", "benchmarks/*.md", "site/**.md",
]  # fmt: skip
nb_execution_mode = "off"  # the lessons are saved as they ran
nb_render_markdown_format = "myst"  # tables too
nb_custom_formats = {".ipynb": "pages.lesson"}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["ref.python"]  # attributes of one name in two classes

autodoc_default_options = {"members": True, "member-order": "bysource"}
default_role = "literal"
napoleon_use_ivar, napoleon_use_rtype = True, False
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = "nn-helpers"
html_math_renderer = "mathml"
templates_path = ["templates"]
html_favicon = "static/favicon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_context = {"default_mode": "auto"}  # light or dark, as the browser is
html_sidebars = {"**": ["contents.html"]}
html_theme_options = {
    "navbar_center": [],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "search_bar_text": "Search",
}


def front_page(app, exception):
    """Make the README the page that a browser opens first."""
    if exception is None:
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app):
    """Sphinx calls this."""
    app.connect("build-finished", front_page)
