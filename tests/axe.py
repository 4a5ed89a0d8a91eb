"""What stands in the way of somebody who cannot see, or uses no mouse: axe-core, on a page in a browser.

``npm install axe-core`` brings it, and NN_HELPERS_AXE says where its ``axe.min.js`` is.
"""

import os
from pathlib import Path

VARIABLE = "NN_HELPERS_AXE"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async ([inside, levels]) => {
    const {violations} = await axe.run(inside, {runOnly: levels, resultTypes: ["violations"]});
    return violations.flatMap(({id, help, nodes}) =>
        nodes.map(node => `${id}: ${help}: ${node.target} ${node.html.slice(0, 200)}`));
}"""


def program():
    """Return where axe-core is, None where it is not."""
    file = Path(os.environ.get(VARIABLE, "axe.min.js"))
    return file if file.is_file() else None


def what_is_missing():
    """Return why no page can be looked at; an empty text when it can."""
    return "" if program() else f"no axe-core: npm install axe-core, and set {VARIABLE} to its axe.min.js"


def violations(page, inside="html"):
    """Return what levels A and AA forbid in a part of a page of Playwright's, a sentence for each place."""
    if not page.evaluate("() => 'axe' in window"):
        page.add_script_tag(path=program())
    return page.evaluate(RUN, [inside, LEVELS])
