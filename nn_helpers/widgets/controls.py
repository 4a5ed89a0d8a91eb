"""Controls with labels that fit and tooltips that say what they do."""

import html
import numbers
from contextlib import suppress

import ipywidgets as widgets
import numpy as np
from traitlets import Bool, TraitError

from nn_helpers.support.validation import choice, number

# Where sliders of learning rates stop: round numbers, about as far from each other on a log scale.
RATES = (*(float(f"{step}e{power}") for power in range(-5, 1) for step in (1, 1.5, 2, 3, 5, 7)), 10.0)


class Dropdown(widgets.Dropdown):
    """A dropdown whose label has the tooltip; in the page, ipywidgets' own has it only without a label."""

    description_allow_html = Bool(True).tag(sync=True)

    def get_state(self, key=None, drop_defaults=False):
        """Return what the page is told of the dropdown."""
        state = super().get_state(key, drop_defaults)
        if "description" in state:
            tooltip, label = html.escape(self.tooltip or ""), html.escape(self.description)
            state["description"] = f'<span title="{tooltip}">{label}</span>'
        return state


def control(kind, label, tooltip, width="290px", label_width="104px", **options):
    """Return an ipywidgets control of this kind with a label in front of it."""
    look = {"style": {"description_width": label_width}, "layout": widgets.Layout(width=width)}
    made = kind(description=label, tooltip=tooltip, **look, **options)
    return made.add_class("nn-options") if kind is widgets.SelectionSlider else made


def slider(label, tooltip, value, low, high, step=0.1, **options):
    """Return a slider with a label, of whole numbers if its step is one."""
    kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    return control(kind, label, tooltip, value=value, min=low, max=high, step=step, **options)


def stop_slider(label, tooltip, options, value, **more):
    """Return a slider with a label that stops at the options."""
    return control(widgets.SelectionSlider, label, tooltip, options=options, value=value, **more)


def dropdown(label, tooltip, options, value, **more):
    """Return a dropdown with a label."""
    return control(Dropdown, label, tooltip, options=list(options), value=value, **more)


def seed_field(label, tooltip, value=0, **options):
    """Return a field for the seed of random numbers."""
    return control(widgets.BoundedIntText, label, tooltip, value=value, max=9999, **options)


def stops(values):
    """Return the options of a slider that stops at these numbers."""
    return [(f"{value:g}", value) for value in values]


def show_settings(function, controls, settings, stops_above=()):
    """Let controls show what a widget was called with.

    Parameters
    ----------
    function : str
        The widget's function, for errors.
    controls : dict of str to control
        The controls by the names of the settings.
    settings : dict of str to value
    stops_above : dict of str to dict, optional
        Sliders that may stop at any number as well: the limits of `number`, by the setting's name.
    """
    for name, value in settings.items():
        control = controls[choice(function, "setting", name, controls)]
        if name in stops_above:
            value = number(function, name, value, **stops_above[name])
            control.options = stops(sorted({*control._options_values, value}))
        show_first(function, name, control, value)


def show_first(function, name, control, value):
    """Let a control show a value that a widget was called with; what it cannot show is refused."""
    shown = False
    with suppress(TraitError, TypeError, ValueError, OverflowError):
        if np.ndim(value) == 0 and value is not None and not isinstance(value, bool):
            control.value = value
            shown = bool(control.value == value)  # some controls refuse, others take the nearest value
    if not shown:
        raise ValueError(f"{function}: {name} must be {_range(control, value)}; got {value!r}")


def _range(control, value):
    """Say which values a control takes, having refused this one."""
    if hasattr(control, "options"):
        return "one of " + ", ".join(map(repr, control._options_values))
    low, high = control.min, control.max
    if isinstance(control, widgets.FloatLogSlider):
        low, high = control.base**low, control.base**high
    takes_whole = isinstance(control, widgets.IntSlider | widgets.BoundedIntText)
    whole = "a whole number " * (takes_whole and not isinstance(value, numbers.Integral))
    return f"{whole}from {low:g} to {high:g}"


def row(*children):
    """Return controls side by side; on a narrow page they go on below."""
    return widgets.HBox(list(children), layout=widgets.Layout(flex_flow="row wrap"))
