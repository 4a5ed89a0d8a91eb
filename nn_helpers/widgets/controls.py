"""Controls with labels that fit and tooltips that say what they do."""

import html
from contextlib import suppress

import ipywidgets as widgets
from traitlets import Bool, TraitError


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
    kind = Dropdown if kind is widgets.Dropdown else kind
    made = kind(
        description=label,
        tooltip=tooltip,
        style={"description_width": label_width},
        layout=widgets.Layout(width=width),
        **options,
    )
    return made.add_class("nn-options") if kind is widgets.SelectionSlider else made


def named(values):
    """Return the options of a slider, each with its name."""
    return [(f"{value:g}", value) for value in values]


def add_stop(slider, value):
    """Let a slider between options stop at another number, too."""
    slider.options = named(sorted({*slider._options_values, value}))


def show_first(function, name, control, value):
    """Let a control show what a widget was called with; what it cannot show is refused."""
    with suppress(TraitError):
        control.value = value
    if control.value != value:  # some controls refuse, others take the nearest value
        raise ValueError(f"{function}: {name} must be {_range(control)}; got {value!r}")


def _range(control):
    """Say which values a control takes."""
    if hasattr(control, "options"):
        return "one of " + ", ".join(repr(value) for value in control._options_values)
    return f"from {control.min:g} to {control.max:g}"


def row(*children):
    """Return controls side by side; on a narrow page they go on below."""
    return widgets.HBox(list(children), layout=widgets.Layout(flex_flow="row wrap"))
