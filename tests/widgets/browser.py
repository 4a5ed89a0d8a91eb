"""Notebooks in a real browser: JupyterLab in a folder of its own, headless Chromium, controls by label.

::

    with Lab(folder) as lab, lab.open(["from nn_helpers.widgets import *", "playground()"]) as notebook:
        notebook.run_all()
        notebook.press("Start")
        notebook.until(lambda: "step 1" in notebook.text("step"))

While a `Lab` is open, Playwright keeps an event loop running in this thread, so that no other can be run
in it: tests that use both stand in different files.
"""

import ast
import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

VARIABLE = "NN_HELPERS_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
SECONDS = 60  # for anything to happen; machines may be busy
SCREEN = {"width": 1366, "height": 768}
SETTINGS = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Tracebacks in widgets, errors and warnings below cells, and widgets that could not be shown.
WENT_WRONG = (
    "[role=alert], [data-mime-type$='.error'], [data-mime-type$='.stderr'], .jupyter-widgets.error-frame"
)
# What JavaScript sees of the notebook: its panel, and the connection to its kernel.
PANEL = "const panel = jupyterapp.shell.currentWidget, kernel = panel.sessionContext.session.kernel;"


def chromium():
    """Return the path of Chromium or Chrome, None when there is none."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


def what_is_missing():
    """Return why no browser can be started here; an empty text when it can."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: pip install -e '.[dev]'"
    if chromium() is None:
        return f"no Chromium found: install one, or set {VARIABLE} to its path"
    return ""


class Lab:
    """A JupyterLab server on a free port, with its settings and notebooks in `folder`, and a browser."""

    def __init__(self, folder):
        self.folder, self.token, self._notebooks = Path(folder), secrets.token_hex(16), 0

    def __enter__(self):
        from playwright.sync_api import sync_playwright

        (self.folder / "notebooks").mkdir()
        for name, values in SETTINGS.items():
            path = self.folder / "config" / "lab" / "user-settings" / "@jupyterlab" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".jupyterlab-settings").write_text(json.dumps(values), encoding="utf-8")
        self._log = (self.folder / "server.log").open("w", encoding="utf-8")
        self.server = subprocess.Popen(
            self._command(), env=self._environment(), stdout=self._log, stderr=self._log
        )
        try:
            self.address = self._wait_for_server()
            self._playwright = sync_playwright().start()
            self.browser = self._playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if browser := getattr(self, "browser", None):
            browser.close()
        if playwright := getattr(self, "_playwright", None):
            playwright.stop()
        self.server.terminate()  # it ends its kernels
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self._log.close()

    def _command(self):
        return [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser",
            "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder / 'notebooks'}",
        ]  # fmt: skip

    def _environment(self):
        own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
        own["JUPYTERLAB_WORKSPACES_DIR"] = "workspaces"
        return {**os.environ, **{name: str(self.folder / part) for name, part in own.items()}}

    def _wait_for_server(self):
        """Return the server's address, which it writes to a file when it is up."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self.server.poll() is None:
            for path in (self.folder / "runtime").glob("jpserver-*.json"):
                try:
                    info = json.loads(path.read_text(encoding="utf-8"))
                    return f"http://127.0.0.1:{info['port']}/"
                except ValueError:
                    pass  # half written
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text()}")

    def request(self, path, method="GET"):
        """Ask the server's REST interface, and return its answer."""
        request = urllib.request.Request(f"{self.address}{path}?token={self.token}", method=method)
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return json.loads(response.read() or "null")

    @contextmanager
    def open(self, cells):
        """Open a new notebook of these cells (code, none of it run); afterwards shut its kernel down."""
        self._notebooks += 1
        path = self.folder / "notebooks" / f"notebook-{self._notebooks}.ipynb"
        nb = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": KERNELSPEC})
        nbformat.write(nb, path)
        context = self.browser.new_context(viewport=SCREEN)
        try:
            page = context.new_page()
            page.set_default_timeout(1000 * SECONDS)
            page.goto(f"{self.address}lab/tree/{path.name}?token={self.token}&reset")
            yield Notebook(self, page)
        finally:
            context.close()
            for session in self.request("api/sessions"):
                if session["path"] == path.name:
                    self.request(f"api/sessions/{session['id']}", "DELETE")


class Controls:
    """A part of the page: controls by their labels, buttons by their words, pictures by their number."""

    def __init__(self, page, root):
        self.page, self.root = page, root

    def control(self, label):
        """Return the control with this label: the slider, dropdown or field with all its parts."""
        words = self.page.get_by_text(label, exact=True)
        return self.root.locator(".widget-label:visible").and_(words).last.locator("xpath=..")

    def button(self, words):
        """Return the button that says this."""
        return self.root.locator("button", has_text=re.compile(rf"^\s*{re.escape(words)}\s*$"))

    def press(self, words):
        """Press a button, once it can be pressed."""
        self.button(words).click()

    def choose(self, label, option):
        """Choose an option of a dropdown."""
        self.control(label).locator("select").select_option(label=option)

    def options(self, label):
        """Return the options of a dropdown."""
        return self.control(label).locator("option").all_inner_texts()

    def type(self, label, text):
        """Type into a field in the place of what is there, and press Enter."""
        field = self.control(label).locator("input[type=text], input[type=number], textarea")
        field.fill(str(text))
        field.press("Enter")

    def drag(self, label, *places, seconds=0.0):
        """Drag a slider's handle to places between 0 and 1, one after the other, and let it go there."""
        slider = self.control(label).locator(".noUi-base")
        slider.scroll_into_view_if_needed()
        box, handle = slider.bounding_box(), slider.locator(".noUi-handle").bounding_box()
        y = handle["y"] + handle["height"] / 2
        self.page.mouse.move(handle["x"] + handle["width"] / 2, y)
        self.page.mouse.down()
        for place in places:
            self.page.mouse.move(box["x"] + place * box["width"], y, steps=2)
            time.sleep(seconds)
        self.page.mouse.up()

    def keys(self, label, *keys):
        """Focus a slider's handle, or a field, and press keys: ArrowRight, Home, …."""
        control = self.control(label)
        handle = control.locator(".noUi-handle, select, input, textarea").first
        handle.focus()
        for key in keys:
            handle.press(key)

    def read(self, label):
        """Return what a control shows, as text."""
        control = self.control(label)
        if control.locator("select").count():
            return control.locator("select").evaluate("select => select.selectedOptions[0].textContent")
        if control.locator(".widget-readout").count():
            return control.locator(".widget-readout").inner_text()
        return control.locator("input, textarea").first.input_value()

    def text(self, part=""):
        """Return the text of all HTML widgets in which `part` occurs."""
        found = self.root.locator(".widget-html-content", has_text=part)
        return "\n".join(text for text in found.all_inner_texts() if text)

    def picture(self, number=0):
        """Return a picture's address in the page; a new picture has a new one."""
        return self.root.locator("img.widget-image").nth(number).get_attribute("src")

    def whole(self):
        """Return all text that is there."""
        return self.root.inner_text()


class Notebook(Controls):
    """An open notebook."""

    def __init__(self, lab, page):
        super().__init__(page, page.locator(".jp-NotebookPanel:visible"))
        self.lab, self.crashes = lab, []
        page.on("pageerror", lambda error: self.crashes.append(str(error)))
        self._wait_for_page()

    def _wait_for_page(self):
        self.page.wait_for_selector(".jp-Notebook-cell")
        self.page.evaluate("async () => await jupyterapp.shell.currentWidget.sessionContext.ready")
        self.page.evaluate(COUNT_FRAMES)

    def reload(self):
        """Save the notebook and load the page again; the kernel goes on."""
        self.page.evaluate("async () => await jupyterapp.commands.execute('docmanager:save')")
        self.page.reload()
        self._wait_for_page()

    def output(self, cell):
        """Return what stands below a cell, by the cell's number from 0 up."""
        return Controls(self.page, self.root.locator(".jp-Cell").nth(cell).locator(".jp-Cell-outputWrapper"))

    def run(self, cell):
        """Run a cell, and wait until it has run."""
        self._activate(cell)
        self.page.evaluate("async () => await jupyterapp.commands.execute('notebook:run-cell')")

    def run_all(self):
        """Run all cells, and wait until they have run."""
        self.page.evaluate("async () => await jupyterapp.commands.execute('notebook:run-all-cells')")

    def write(self, cell, code):
        """Write other code into a cell."""
        change = "(cell, code) => panel.content.widgets[cell].model.sharedModel.setSource(code)"
        self.page.evaluate(f"([cell, code]) => {{ {PANEL} ({change})(cell, code) }}", [cell, code])

    def delete(self, cell):
        """Delete a cell, as the scissors do."""
        self._activate(cell)
        self.page.evaluate("async () => await jupyterapp.commands.execute('notebook:delete-cell')")

    def restart(self):
        """Restart the kernel, as the button in the toolbar and *Restart* in its dialog do."""
        self.page.evaluate("() => void jupyterapp.commands.execute('notebook:restart-kernel')")
        self.page.locator(".jp-Dialog").locator(".jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.page.evaluate(f"async () => {{ {PANEL} await kernel.info }}")

    def _activate(self, cell):
        self.page.evaluate(f"cell => {{ {PANEL} panel.content.activeCellIndex = cell }}", cell)

    def ask(self, expression):
        """Return an expression's value in the kernel, also while it trains: numbers, texts, lists."""
        reply = self.page.evaluate(
            f"""async code => {{ {PANEL}
            const asked = {{user_expressions: {{answer: code}}}};
            const content = {{code: "", silent: true, store_history: false, ...asked}};
            return (await kernel.requestExecute(content).done).content.user_expressions.answer }}""",
            f"__import__('json').dumps({expression})",
        )
        if reply["status"] == "error":
            raise RuntimeError(f"{expression}: {reply['ename']}: {reply['evalue']}")
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def until(self, happens, seconds=SECONDS, message=""):
        """Wait until ``happens()`` is true, and return its value."""
        until = time.monotonic() + seconds
        while not (value := happens()):
            if time.monotonic() > until:
                raise AssertionError(f"{message or 'it did not happen'}; the page shows:\n{self.whole()}")
            self.page.wait_for_timeout(20)
        return value

    def wait(self, seconds):
        """Let the page live for a while."""
        self.page.wait_for_timeout(1000 * seconds)

    def frames(self):
        """Return how many pictures the page has shown so far, in all its image widgets."""
        return self.page.evaluate("() => window.frames_shown")

    def errors(self):
        """Return what went wrong: tracebacks below cells and in widgets, and errors of the page itself."""
        return [*self.root.locator(WENT_WRONG).all_inner_texts(), *self.crashes]

    def theme(self, name):
        """Change to the theme "light" or "dark"."""
        theme = f"JupyterLab {name.capitalize()}"
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        self.until(lambda: self.page.locator(f"body[data-jp-theme-name='{theme}']").count())
        self.wait(0.5)

    def screenshot(self, path):
        """Save what is to be seen as a PNG file."""
        self.page.screenshot(path=str(path))

    def kernel_memory(self):
        """Return the kernel's memory in MB."""
        return self.ask("__import__('psutil').Process().memory_info().rss") / 1e6


# Counts new pictures in image widgets, and notes the time (ms) of the last.
COUNT_FRAMES = """() => {
    window.frames_shown = 0;
    window.last_frame = 0;
    new MutationObserver(changes => {
        for (const change of changes) {
            if (change.target.classList.contains("widget-image")) {
                window.frames_shown += 1;
                window.last_frame = performance.now();
            }
        }
    }).observe(document.body, {subtree: true, attributes: true, attributeFilter: ["src"]});
}"""


@contextmanager
def lab_in_temporary_folder():
    """A `Lab` in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Lab(folder) as lab:
        yield lab
