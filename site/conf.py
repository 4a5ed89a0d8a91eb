"""The site: ``make site`` builds it from the lessons, the pages and the docstrings, offline, into build/site.

Its source is the whole repository, so a link between two files of the project is one between two pages.
"""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from nn_helpers import __version__  # noqa: E402

project, author, release = "nn-helpers", "the authors of nn-helpers", __version__
copyright = "the authors of nn-helpers: code MIT, text CC BY 4.0"
extensions = [
    "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_copybutton", "pages"
]  # fmt: skip

root_doc = "README"
include_patterns = [
    "README.md", "TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md",
    "notebooks/*", "docs/*.md", "benchmarks/*.md", "site/*.md", "site/reference/*.md",
]  # fmt: skip
exclude_patterns = ["notebooks/**.ipynb_checkpoints"]

nb_execution_mode = "off"  # the lessons are saved as they ran
nb_custom_formats = {".ipynb": "pages.lesson"}
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["dollarmath", "amsmath", "html_image"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_mock_imports = []
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "nn-helpers"
html_baseurl = os.environ.get("NN_HELPERS_SITE", "")
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"**": ["sidebar-nav-bs"]}
html_theme_options = {
    "navbar_align": "left",
    "navbar_center": [],
    "show_nav_level": 1,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "search_bar_text": "Search the lessons",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def front_page(app, exception):
    """The README is the front page, under both names."""
    if exception is None:
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app):
    """Sphinx calls this."""
    app.connect("build-finished", front_page)
