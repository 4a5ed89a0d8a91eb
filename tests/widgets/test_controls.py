"""What all widgets' controls share."""

import ipywidgets as widgets
import pytest

from nn_helpers.widgets.controls import control, dropdown, show_first, show_settings, stops


def test_a_dropdowns_tooltip_is_in_its_label():
    made = dropdown("a < b", 'Say "which"', ("x", "y"), "x")
    expected = '<span title="Say &quot;which&quot;">a &lt; b</span>'
    assert made.get_state()["description"] == made.get_state("description")["description"] == expected
    assert made.get_state()["description_allow_html"]
    assert "description" not in made.get_state("index")
    assert made.description == "a < b"


def test_what_a_control_cannot_show_is_refused_and_the_rest_shown():
    depth = control(widgets.IntSlider, "depth", "", max=8)
    width = control(widgets.SelectionSlider, "width", "", options=stops((0.5, 2.0)))
    show_first("widget", "depth", depth, 3)
    show_first("widget", "width", width, 2.0)
    assert (depth.value, width.value, width.label) == (3, 2.0, "2")
    with pytest.raises(ValueError, match="widget: depth must be from 0 to 8; got 9"):
        show_first("widget", "depth", depth, 9)
    with pytest.raises(ValueError, match=r"widget: width must be one of 0.5, 2.0; got 1.0"):
        show_first("widget", "width", width, 1.0)
    show_settings("widget", {"width": width}, {"width": 1.0}, {"width": {"above": 0.0}})
    assert width.value == 1.0
    assert [label for label, _ in width.options] == ["0.5", "1", "2"]
