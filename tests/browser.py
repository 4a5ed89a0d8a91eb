"""Notebooks in a real browser: JupyterLab in a folder of its own, headless Chromium, controls by label.

::

    with (
        Server(folder) as server,
        running_chromium() as browser,
        Lab(server, browser) as lab,
        lab.open(["from nn_helpers.widgets import *", "playground()"]) as notebook,
    ):
        notebook.run_all()
        notebook.press("Start")
        notebook.until(lambda: "step 1" in notebook.text("step"))

While Chromium is running, Playwright keeps an event loop running in this thread, so that no other can be run
in it: tests in a browser stand in a folder of their own.
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
from importlib.metadata import version
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
# In 4.4 a page holds only the cells that are in view, and here cells are counted.
ALL_CELLS = (
    {"notebook-extension/tracker": {"windowingMode": "defer"}}
    if version("jupyterlab").startswith("4.4.")
    else {}
)
SETTINGS = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}, **ALL_CELLS}
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Tracebacks in widgets, errors and warnings below cells, and widgets that could not be shown.
WENT_WRONG = (
    "[role=alert], [data-mime-type$='.error'], [data-mime-type$='.stderr'], .jupyter-widgets.error-frame"
)
# The front ends that a test can open, by their package: where they show a notebook.
FRONT_ENDS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}
# What JavaScript sees of the notebook: its panel, and the connection to its kernel.
PANEL = "const panel = jupyterapp.shell.currentWidget, kernel = panel.sessionContext.session.kernel;"


def chromium():
    """Return the path of Chromium or Chrome, None when there is none."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


def what_is_missing(front_end="jupyterlab"):
    """Return why no notebook can be opened in a browser here; an empty text when one can."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: pip install -e '.[dev]'"
    if importlib.util.find_spec(front_end) is None:
        return f"{front_end} is not installed: pip install {front_end}"
    if chromium() is None:
        return f"no Chromium found: install one, or set {VARIABLE} to its path"
    return ""


class Server:
    """A JupyterLab server on a free port, with its settings and notebooks in `folder`.

    With the front end "notebook" it is Jupyter Notebook 7, whose pages are made of JupyterLab's parts.
    """

    settings = SETTINGS  # a user's own

    def __init__(self, folder, front_end="jupyterlab"):
        self.folder, self.front_end = Path(folder), front_end
        self.token, self.notebooks = secrets.token_hex(16), 0

    def __enter__(self):
        (self.folder / "notebooks").mkdir()
        for name, values in self.settings.items():
            path = self.folder / "config" / "lab" / "user-settings" / "@jupyterlab" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".jupyterlab-settings").write_text(json.dumps(values), encoding="utf-8")
        self._log = (self.folder / "server.log").open("w", encoding="utf-8")
        self._process = subprocess.Popen(
            self._command(), env=self._environment(), stdout=self._log, stderr=self._log
        )
        try:
            self.address = self._wait_for_address()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()  # it ends its kernels
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _command(self):
        return [
            sys.executable, "-m", self.front_end, "--no-browser", "--allow-root", "--expose-app-in-browser",
            "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder / 'notebooks'}",
        ]  # fmt: skip

    def _environment(self):
        own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
        own |= {"JUPYTER_DATA_DIR": "data", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
        return {**os.environ, **{name: str(self.folder / part) for name, part in own.items()}}

    def _wait_for_address(self):
        """Return the server's address, which it writes to a file when it is up."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            for path in (self.folder / "runtime").glob("jpserver-*.json"):
                try:
                    info = json.loads(path.read_text(encoding="utf-8"))
                    return f"http://127.0.0.1:{info['port']}/"
                except ValueError:
                    pass  # half written
            time.sleep(0.1)
        raise RuntimeError(f"{self.front_end} did not start:\n{(self.folder / 'server.log').read_text()}")

    def request(self, path, method="GET"):
        """Ask the server's REST interface, and return its answer."""
        request = urllib.request.Request(f"{self.address}{path}?token={self.token}", method=method)
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return json.loads(response.read() or "null")

    def new_notebook(self, cells):
        """Write a notebook of these cells (code); return its file name and its address."""
        self.notebooks += 1
        path = self.folder / "notebooks" / f"notebook-{self.notebooks}.ipynb"
        nb = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": KERNELSPEC})
        nbformat.write(nb, path)
        return path.name, f"{self.address}{FRONT_ENDS[self.front_end]}/{path.name}?token={self.token}&reset"

    def end_kernel(self, name):
        """Shut down the kernel of a notebook."""
        for session in self.request("api/sessions"):
            if session["path"] == name:
                self.request(f"api/sessions/{session['id']}", "DELETE")


@contextmanager
def running_chromium():
    """Start Chromium; yield it as Playwright's browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Lab:
    """The notebooks of a `Server` in a browser, which keeps the parts of its pages from one to the next."""

    def __init__(self, server, browser):
        self.server, self.browser = server, browser

    def __enter__(self):
        self.context = self.browser.new_context(viewport=SCREEN)
        return self

    def __exit__(self, *_):
        self.context.close()

    @contextmanager
    def open(self, cells):
        """Open a new notebook of these cells (code, none of it run); afterwards shut its kernel down."""
        name, address = self.server.new_notebook(cells)
        page = self.context.new_page()
        try:
            page.set_default_timeout(1000 * SECONDS)
            page.goto(address)
            yield Notebook(page, name)
        finally:
            page.close()
            self.server.end_kernel(name)

    def reopen(self, notebook):
        """Save a notebook, shut its kernel down, and open it again, as on the next day."""
        address = notebook.page.url
        notebook.save()
        notebook.page.goto("about:blank")
        self.server.end_kernel(notebook.name)
        notebook.page.goto(address)
        notebook.wait_for_page()


def exactly(words):
    """Return a pattern for these words and nothing else."""
    return re.compile(rf"^\s*{re.escape(words)}\s*$")


class Controls:
    """A part of the page: controls by their labels, buttons by their words, images by their number."""

    def __init__(self, page, root):
        self.page, self.root = page, root

    def control(self, label):
        """Return the control with this label: the slider, dropdown or field with all its parts."""
        labels = self.root.locator(".widget-label:visible", has_text=exactly(label))
        return labels.last.locator("xpath=..")

    def button(self, words):
        """Return the button that says this."""
        return self.root.locator("button", has_text=exactly(words))

    def press(self, words, key=None):
        """Press a button, once it can be pressed, with the mouse or with a key: Enter, Space."""
        self.button(words).press(key) if key else self.button(words).click()

    def choose(self, label, option):
        """Choose an option of a dropdown."""
        number = self.options(label).index(option)
        self.control(label).locator("select").select_option(index=number)

    def options(self, label):
        """Return the options of a dropdown."""
        options = self.control(label).locator("option").all_inner_texts()
        return [words.replace("\xa0", " ") for words in options]

    def type(self, label, text):
        """Type into a field, or beside a slider, in the place of what is there, and press Enter."""
        fields = "input[type=text], input[type=number], textarea, .widget-readout"
        field = self.control(label).locator(fields)
        field.click()
        field.press("Control+a")
        field.press_sequentially(str(text))  # key by key: none of them may be a shortcut of the notebook
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

    def box(self, words):
        """Return the box to tick that stands before these words."""
        return self.root.locator(".widget-checkbox label", has_text=exactly(words)).locator("input")

    def read(self, label):
        """Return what a control shows, as text."""
        control = self.control(label)
        if control.locator("select").count():
            return control.locator("select").evaluate("it => it.selectedOptions[0]?.textContent ?? ''")
        if control.locator(".widget-readout").count():
            return control.locator(".widget-readout").inner_text()
        return control.locator("input, textarea").first.input_value()

    def text(self, part=""):
        """Return the text of all HTML widgets in which `part` occurs."""
        found = self.root.locator(".widget-html-content", has_text=part)
        return "\n".join(text for text in found.all_inner_texts() if text)

    def image(self, number=0):
        """Return an image's address in the page; a new image has a new one."""
        return self.root.locator("img.widget-image").nth(number).get_attribute("src")

    def frame(self):
        """Return the number of the frame that a canvas shows."""
        return int(self.root.locator(".nn-canvas").first.get_attribute("data-frame") or 0)

    def spot(self, words):
        """Return the place on a canvas that can be pressed and whose words begin so."""
        return self.root.locator(f".nn-sheet button[aria-label^={words!r}]")

    def pixels(self, number=0):
        """Return a hash of the file that an image shows."""
        return self.root.locator("img.widget-image").nth(number).evaluate(HASH_IMAGE)

    def sheets(self):
        """Return what each sheet of a canvas shows, as an image's address."""
        return self.root.locator(".nn-sheet canvas").evaluate_all("all => all.map(it => it.toDataURL())")

    def whole(self):
        """Return all text that is there."""
        return self.root.inner_text()


class Notebook(Controls):
    """An open notebook."""

    def __init__(self, page, name):
        super().__init__(page, page.locator(".jp-NotebookPanel:visible"))
        self.name, self.crashes = name, []
        page.on("pageerror", lambda error: self.crashes.append(str(error)))
        self.wait_for_page()

    def wait_for_page(self):
        """Wait until the notebook is there, and its kernel."""
        self.page.wait_for_selector(".jp-Notebook-cell")
        # Not "await ….ready", for which there is no time limit.
        self.page.wait_for_function("jupyterapp.shell.currentWidget?.sessionContext?.isReady")
        self.page.evaluate(COUNT_FRAMES)

    def save(self):
        """Save the notebook."""
        self.page.evaluate("async () => await jupyterapp.commands.execute('docmanager:save')")

    def reload(self):
        """Save the notebook and load the page again; the kernel goes on."""
        self.save()
        self.page.reload()
        self.wait_for_page()

    def output(self, cell):
        """Return what stands below a cell, by the cell's number from 0 up."""
        return Controls(self.page, self.root.locator(".jp-Cell").nth(cell).locator(".jp-Cell-outputWrapper"))

    def run(self, cell):
        """Run a cell, and wait until it has run."""
        self.command("run-cell", cell)

    def run_all(self):
        """Run all cells, and wait until they have run."""
        self.page.evaluate("async () => await jupyterapp.commands.execute('notebook:run-all-cells')")

    def write(self, cell, code):
        """Write other code into a cell."""
        change = "(cell, code) => panel.content.widgets[cell].model.sharedModel.setSource(code)"
        self.page.evaluate(f"([cell, code]) => {{ {PANEL} ({change})(cell, code) }}", [cell, code])

    def delete(self, cell):
        """Delete a cell, as the scissors do."""
        self.command("delete-cell", cell)

    def insert(self, cell):
        """Insert an empty cell below another."""
        self.command("insert-cell-below", cell)

    def restart(self):
        """Restart the kernel, as the button in the toolbar and *Restart* in its dialog do."""
        self.page.evaluate("() => void jupyterapp.commands.execute('notebook:restart-kernel')")
        self.page.locator(".jp-Dialog").locator(".jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.page.evaluate(f"async () => {{ {PANEL} await kernel.info }}")

    def command(self, name, cell):
        """Do with a cell what a menu or a key does, by the command's name."""
        self.page.evaluate(f"cell => {{ {PANEL} panel.content.activeCellIndex = cell }}", cell)
        self.page.evaluate(f"async () => await jupyterapp.commands.execute('notebook:{name}')")

    def comms(self):
        """Return how many widgets the kernel keeps a connection to."""
        asked = "kernel.requestCommInfo({target_name: 'jupyter.widget'})"
        return self.page.evaluate(
            f"async () => {{ {PANEL} return Object.keys((await {asked}).content.comms).length }}"
        )

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
        """Return how many frames the page has shown so far, in all its image widgets and canvases."""
        return self.page.evaluate("() => window.frames_shown")

    def errors(self):
        """Return what went wrong: tracebacks below cells and in widgets, and errors of the page itself."""
        return [*self.root.locator(WENT_WRONG).all_inner_texts(), *self.crashes]

    def cut_off(self):
        """Return texts that are longer than their place, and boxes and texts wider than their cell."""
        return self.page.evaluate(CUT_OFF)

    def contrasts(self):
        """Return (contrast, text) of all texts in widgets, the faintest first.

        WCAG 2 defines the contrast; from 4.5 on everybody can read a text.
        """
        return sorted(self.page.evaluate(CONTRASTS))

    def silent(self):
        """Return the controls that do not say, when the mouse is over them, what they do."""
        return self.root.locator(".widget-inline-hbox:not(.widget-label):visible").evaluate_all(SILENT)

    def tab_stops(self, most=200):
        """Press Tab from the first control on; return how many controls it reached, and those it missed."""
        controls = self.page.evaluate(BEFORE_TAB)
        for _ in range(most):
            if not self.page.evaluate(AT_CONTROL):
                break
            self.page.keyboard.press("Tab")
        missed = self.page.evaluate(MISSED)
        return controls - len(missed), missed

    def theme(self, name):
        """Change to the theme "light" or "dark"."""
        theme = f"JupyterLab {name.capitalize()}"
        if self.page.locator(f"body[data-jp-theme-name='{theme}']").count():
            return
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        self.until(lambda: self.page.locator(f"body[data-jp-theme-name='{theme}']").count())
        self.wait(0.5)

    def screenshot(self, path):
        """Save what is to be seen as a PNG file."""
        self.page.screenshot(path=str(path))

    def kernel_memory(self):
        """Return the kernel's memory in MB."""
        return self.ask("__import__('psutil').Process().memory_info().rss") / 1e6


# Counts new images in image widgets and frames of canvases, and notes the time (ms) of the last.
COUNT_FRAMES = """() => {
    window.frames_shown = 0;
    window.last_frame = 0;
    new MutationObserver(changes => {
        for (const change of changes) {
            if (change.target.matches(".widget-image, .nn-canvas")) {
                window.frames_shown += 1;
                window.last_frame = performance.now();
            }
        }
    }).observe(document.body, {subtree: true, attributes: true, attributeFilter: ["src", "data-frame"]});
}"""

# An image has arrived in the page when it is the file that the kernel sent.
HASH_IMAGE = """async image => {
    const file = await (await fetch(image.src)).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
    return [...hash].map(byte => byte.toString(16).padStart(2, "0")).join("");
}"""

# At once, as a box may come or go at any moment.
SILENT = """boxes => boxes.filter(box => !box.querySelector("[title]:not([title=''])"))
    .map(box => box.innerText)"""

CUT_OFF = """() => {
    const found = [];
    const texts = '.widget-label, .widget-readout, .jupyter-button, .widget-html-content, td, th, pre';
    for (const output of document.querySelectorAll('.jp-OutputArea-output')) {
        const right = output.getBoundingClientRect().right;
        for (const it of [output, ...output.querySelectorAll(texts)])
            if (it.clientWidth && it.scrollWidth > it.clientWidth + 1) found.push(it.textContent);
        for (const it of output.querySelectorAll('.jupyter-widgets, .widget-html-content *'))
            if (it.getBoundingClientRect().right > right + 1) found.push(it.className || it.textContent);
    }
    return found;
}"""

CONTRASTS = """() => {
    const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
    const seen = colour => numbers(colour).length === 3 || numbers(colour)[3] > 0.9;
    const light = colour => {
        const [r, g, b] = numbers(colour).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = it => {
        for (; it; it = it.parentElement)
            if (seen(getComputedStyle(it).backgroundColor)) return getComputedStyle(it).backgroundColor;
        return 'rgb(255, 255, 255)';
    };
    const words = it => it.matches('select') ? it.selectedOptions[0]?.text ?? '' :
        [...it.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data).join('');
    return [...document.querySelectorAll('.jp-OutputArea-output .jupyter-widgets *')]
        .filter(it => it.checkVisibility() && !it.closest(':disabled') && words(it).trim())
        .map(it => {
            const [a, b] = [light(getComputedStyle(it).color), light(behind(it))].sort((a, b) => b - a);
            return [(a + 0.05) / (b + 0.05), words(it).trim()];
        });
}"""

# Everything that can be pressed, moved or typed into; the keyboard is at the first of it.
BEFORE_TAB = """() => {
    const controls = ':is(button, select, input, textarea, .noUi-handle, [contenteditable=true])';
    const usable = it => it.checkVisibility() && !it.closest(':disabled, [disabled]') &&
        (it.contentEditable !== 'true' || getComputedStyle(it).webkitUserModify !== 'read-only');
    const all = [...document.querySelectorAll(`.jp-OutputArea-output .jupyter-widgets ${controls}`)];
    window.missed = new Set(all.filter(usable));
    all[0].focus();
    return window.missed.size;
}"""
AT_CONTROL = """() => {
    window.missed.delete(document.activeElement);
    return document.activeElement.closest('.jp-OutputArea-output') !== null;
}"""
MISSED = "() => [...window.missed].map(it => it.outerHTML)"


@contextmanager
def server_in_temporary_folder(front_end="jupyterlab"):
    """A `Server` in a folder that is removed afterwards."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Server(folder, front_end) as server,
    ):
        yield server


@contextmanager
def lab_in_temporary_folder(front_end="jupyterlab"):
    """A `Lab` with a server and a browser of its own."""
    with (
        server_in_temporary_folder(front_end) as server,
        running_chromium() as browser,
        Lab(server, browser) as lab,
    ):
        yield lab
