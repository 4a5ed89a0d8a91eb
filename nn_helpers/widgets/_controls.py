"""Controls with labels that fit and tooltips that say what they do."""

import ipywidgets as widgets


def control(kind, label, tooltip, width="290px", label_width="104px", **options):
    """Return an ipywidgets control of this kind with a label in front of it."""
    return kind(
        description=label,
        tooltip=tooltip,
        style={"description_width": label_width},
        layout=widgets.Layout(width=width),
        **options,
    )


def row(*children):
    """Return controls side by side; on a narrow page they go on below."""
    return widgets.HBox(list(children), layout=widgets.Layout(flex_flow="row wrap"))
