"""The HTML of the widgets: what is saved of them, a button that copies, tasks."""

import html

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


def task_html(question, answer=""):
    """Return a task and, once it is solved, why the answer is right."""
    box, words = ("☑", f"{question} <b>Solved:</b> {html.escape(answer)}") if answer else ("☐", question)
    return f'<div role="status" style="line-height: 1.4">{box} <b>Task.</b> {words}</div>'
