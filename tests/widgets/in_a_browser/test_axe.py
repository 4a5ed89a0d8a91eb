"""axe-core looks for what keeps people from using the widgets, in both themes."""

import os
from pathlib import Path

import pytest

VARIABLE = "NN_HELPERS_AXE"
WIDGETS = """
import ipywidgets
from nn_helpers import sketches
from nn_helpers.widgets import *
few = sketches(n_train=80, n_test=10).subset(40, val=20)
panels = [activation_explorer(), softmax_explorer(), backprop_stepper(), optimizer_race(),
          depth_and_optimizer(few, width=10, epochs=3), playground()]
panels[4].run(8)
panels[5].run(20)
panels[5].code_button.click()
ipywidgets.VBox([each.ui for each in panels])
"""
# Levels A and AA of WCAG 2.0 to 2.2, within the widgets: the page around them is not ours.
LOOK = """async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const found = await axe.run({include: [[".nn-panel"]]}, {runOnly: {type: "tag", values: tags}});
    const each = found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`));
    return [found.passes.length, each];
}"""


@pytest.fixture(scope="module")
def page(lab):
    script = Path(os.environ.get(VARIABLE, "axe.min.js"))
    if not script.is_file():
        pytest.skip(f"axe-core is not there: npm install axe-core, and set {VARIABLE} to its axe.min.js")
    with lab.open([WIDGETS]) as notebook:
        notebook.run_all()
        notebook.until(lambda: notebook.root.locator(".nn-canvas[data-frame]").count() == 6)
        notebook.page.evaluate(script.read_text(encoding="utf-8"))
        yield notebook


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_of_levels_a_and_aa(page, theme):
    page.theme(theme)
    rules_met, violations = page.page.evaluate(LOOK)
    assert violations == []
    assert rules_met >= 10
