"""The HTML, CSS and JavaScript of the widgets: a style sheet, a button that copies, tables."""

import html

# What stands in the page before a panel's message. ipywidgets lets one type beside a slider between options,
# and ignores what was typed; and its dropdowns have an arrow that is black in the dark, too. In Notebook 7,
# arrow keys would go from cell to cell, instead of moving the slider or dropdown that they are pressed on.
STYLE = """<style onload="window.nnArrows ??= [window.addEventListener('keydown', event =>
    event.target.matches?.('.nn-panel :is(.noUi-handle, select)') &&
    event.target.toggleAttribute('data-lm-suppress-shortcuts', event.key.startsWith('Arrow')), true)]">
.nn-options .widget-readout {-webkit-user-modify: read-only; pointer-events: none}
.nn-panel {--jp-widgets-dropdown-arrow: url("data:image/svg+xml,\
<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'>\
<path d='M5 7l4 4 4-4' fill='none' stroke='%23808080' stroke-width='2'/></svg>")}
</style>"""
# Around a panel stand a text and perhaps a figure. Where the panel is alive they are hidden, else the panel
# is: JupyterLab says "model not found" in its place, or shows controls that do nothing. Only a notebook that
# shows widgets at all follows a style sheet, and other programs do not have these classes. A panel with a
# canvas is alive when the canvas has drawn: where the page lacks anywidget, it never does.
ALIVE = ".nn-panel:not(.jupyter-widgets-disconnected, .nn-drawn:not(.nn-alive))"
SAVED = f"""{{}}<style>
.lm-Widget.jp-OutputArea-child:has(.nn-saved):has(+ * {ALIVE}),
.lm-Widget.jp-OutputArea-child:has(.nn-saved) + :has({ALIVE}) + *,
.lm-Widget.jp-OutputArea-child:has(.nn-saved) + :not(:has({ALIVE}))
{{{{display: none}}}}
</style>"""
COPY = '<button class="jupyter-button nn-copy">Copy to the clipboard</button>'  # canvas.mjs does it
TABLE = "line-height: 1.4; border-spacing: 12px 0; text-align: left; white-space: nowrap"


def table_html(head, rows, bold):
    """Return a table.

    Parameters
    ----------
    head : sequence of str
    rows : sequence of sequences
        The cells of each row, of any type.
    bold : sequence of bool
        Which rows stand out.
    """
    header = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in head)
    body = ""
    for cells, stands_out in zip(rows, bold, strict=True):
        weight = ' style="font-weight: bold"' if stands_out else ""
        body += f"<tr{weight}>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"
    return f'<table style="{TABLE}"><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>'


def task_html(question, answer=""):
    """Return a task and, once it is solved, why the answer is right."""
    box, words = ("☑", f"{question} <b>Solved:</b> {html.escape(answer)}") if answer else ("☐", question)
    return f'<div role="status" style="line-height: 1.4">{box} <b>Task.</b> {words}</div>'
