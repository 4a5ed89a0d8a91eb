"""Measure what it costs to watch a training: the widgets in JupyterLab and a real browser.

``python -m benchmarks.widgets [--minutes N] [--disturbed]`` prints how long a slider takes to a new frame in
every widget, and frames a second; of the race and the grid also the pictures that the page draws a second;
of the playground also how soon the first picture is there, how much goes to the page, the share of training
speed that is left, how fast Pause acts, and how the kernel's memory and the page's grew in N minutes in which
controls are moved at random. Disturbed, another program takes one core.
It needs Playwright and Chromium, as the tests in a browser do.
"""

import argparse
import contextlib
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.__main__ import machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from browser import SECONDS, lab_in_temporary_folder, what_is_missing

MOVE_EVERY = 0.2  # seconds, in the soak test
KINDS = {"points": "'moons', sizes=[8, 8, 8]", "images": "'images'"}
# The other widgets, each with a slider that draws.
SLIDERS = {
    "activation_explorer()": "mean of z",
    "softmax_explorer()": "logit: cat",
    "backprop_stepper()": "step",
    "optimizer_race()": "GD: α",
    "optimizer_race('tiny network')": "GD: α",
}
RUNS = {"optimizer_race()": "Start", "depth_and_optimizer(epochs=50, width=200)": "Train"}

# The widget, and the same training without it in the same process.
CELLS = [
    "import copy, gc, time\nfrom nn_helpers import training_steps\nfrom nn_helpers.widgets import *",
    '''
def without_widget(seconds):
    """Steps a second of the panel's training when nobody watches it."""
    net, optimizer = p.net.copy(), copy.deepcopy(p.optimizer)
    steps = training_steps(net, p.data, optimizer, batch_size=p.batch_size(), validate=False)
    for _ in range(20):
        next(steps)
    began, made = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        next(steps)
        made += 1
    return made / (time.perf_counter() - began)
''',
    "p = playground()\np",
]

# Notes the time (ms) of a key or press, of the first new frame after it, and of the end of a run.
WATCH = """() => {
    window.acted = window.seen = window.ended = null;
    for (const kind of ['keydown', 'pointerdown'])
        document.addEventListener(kind, () => {
            window.acted = performance.now();
            window.seen = window.ended = null;
        }, true);
    document.addEventListener('load', event => {
        if (event.target.classList.contains('widget-image')) window.seen ??= performance.now();
    }, true);
    new MutationObserver(changes => {
        for (const change of changes) {
            const it = change.target.nodeType === 1 ? change.target : change.target.parentElement;
            if (change.attributeName) window.seen ??= performance.now();
            else if (it?.closest('button')?.textContent.trim() === 'Start')
                window.ended ??= performance.now();
        }
    }).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true,
                               attributeFilter: ['data-frame']});
    let moment = window.drawn = 0;  // pictures that the page has drawn, with or without a new frame
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
        window.drawn += moment !== (moment = document.timeline.currentTime);
        clear.apply(this, box);
    };
}"""


def show(notebook, widget, there):
    """Show a widget in the notebook's last cell, and wait until it is there."""
    notebook.write(2, f"p = {widget}\np")
    notebook.run_all()
    notebook.until(there)
    notebook.wait(1)


def first_picture(notebook):
    """Return the seconds from running the last cell to a picture in the page."""
    notebook.page.evaluate("window.seen = null")
    began = time.perf_counter()
    notebook.page.evaluate("() => void jupyterapp.commands.execute('notebook:run-cell')")
    notebook.until(lambda: notebook.page.evaluate("window.seen !== null"))
    taken = time.perf_counter() - began
    notebook.wait(2)
    return taken


def traffic(notebook, seconds):
    """Return the MB a second that the page gets from the server while it trains."""
    client, received = notebook.page.context.new_cdp_session(notebook.page), [0]

    def count(event):
        received[0] += 0.75 * len(event["response"]["payloadData"])  # base64

    client.send("Network.enable")
    client.on("Network.webSocketFrameReceived", count)
    notebook.press("Start")
    notebook.wait(seconds)
    notebook.press("Pause")
    client.detach()
    return received[0] / seconds / 1e6


def slider_to_frame(notebook, label="hidden layers", times=50):
    """Return the milliseconds from each press of a key on a slider to the new frame that is to be seen."""
    taken, handle = [], notebook.control(label).locator(".noUi-handle")
    handle.focus()
    for turn in range(times):
        handle.press("ArrowRight" if turn % 6 < 3 else "ArrowLeft")
        notebook.until(lambda: notebook.page.evaluate("window.seen !== null"))
        taken.append(notebook.page.evaluate("window.seen - window.acted"))
        notebook.wait(0.05)
    return taken


def frames_per_second(notebook, seconds, button="Start"):
    """Return, a second while it runs, the frames from the kernel, and the pictures that the page draws.

    The race's page draws between two frames, by its own clock.
    """
    notebook.press(button)
    notebook.wait(2)
    counts = "() => [window.frames_shown, window.drawn, performance.now() / 1000]"
    before = notebook.page.evaluate(counts)
    notebook.wait(seconds)
    *both, taken = (b - a for a, b in zip(before, notebook.page.evaluate(counts), strict=True))
    notebook.press("Pause")
    return [count / taken for count in both]


def share_of_speed(notebook, seconds, rounds=3):
    """Return steps a second watched / unwatched, as the median of rounds in which both take turns."""
    shares = []
    for _ in range(rounds):
        alone = notebook.ask(f"without_widget({seconds})")
        notebook.press("Start")
        notebook.wait(1)
        steps, began = notebook.ask("(p.step_count, time.perf_counter())")
        notebook.wait(seconds)
        more, ended = notebook.ask("(p.step_count, time.perf_counter())")
        notebook.press("Pause")
        shares.append((more - steps) / (ended - began) / alone)
    return statistics.median(shares)


def time_to_pause(notebook, times=20):
    """Return the milliseconds from each press of Pause to the page's showing that the run has ended."""
    taken = []
    for _ in range(times):
        notebook.press("Start")
        notebook.wait(0.4)
        notebook.press("Pause")
        notebook.until(lambda: notebook.page.evaluate("window.ended !== null"))
        taken.append(notebook.page.evaluate("window.ended - window.acted"))
    return taken


def move_something(notebook, rng):
    """Do with the playground what a restless visitor might."""
    move = rng.choice(("slider", "slider", "slider", "option", "seed", "button", "Start", "Start", "spot"))
    if move == "slider":
        labels = notebook.root.locator(".widget-slider:visible .widget-label").all_inner_texts()
        notebook.keys(
            rng.choice(labels), *rng.choices(("ArrowLeft", "ArrowRight", "PageUp", "PageDown"), k=2)
        )
    elif move == "option":
        label = rng.choice(("data", "activation", "initialisation", "optimizer"))
        notebook.choose(label, rng.choice(notebook.options(label)))
    elif move == "spot":
        rng.choice(notebook.root.locator(".nn-sheet button").all()).click()
    elif move == "seed":
        notebook.type("seed", rng.randrange(10_000))
    else:
        words = rng.choice(("Pause", "Step", "Reset", "Code")) if move == "button" else move
        if notebook.button(words).count():
            notebook.press(words)


def soak(notebook, minutes, seed=0):
    """Move controls at random; return how many MB kernel and page grew, how many moves, and what went wrong.

    A control may go away, or be disabled, while the mouse is on its way to it. That is no trouble as long as
    page and kernel go on answering.
    """
    from playwright.sync_api import TimeoutError as NotThere

    rng, moves, troubles = random.Random(seed), 0, []
    notebook.page.set_default_timeout(1000)
    for kind in ("images", "moons"):  # what is loaded once is no growth
        notebook.choose("data", kind)
        notebook.press("Start")
        notebook.wait(3)
    before = memory(notebook)
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            with contextlib.suppress(NotThere):
                move_something(notebook, rng)
            notebook.ask("p.step_count")
        except Exception as error:
            troubles.append(f"{type(error).__name__}: {error}".splitlines()[0])
        moves += 1
        troubles += [each for each in notebook.errors() if each not in troubles]
        notebook.wait(max(0, MOVE_EVERY - (time.monotonic() - began)))
    notebook.page.set_default_timeout(1000 * SECONDS)
    notebook.choose("data", "moons")
    with contextlib.suppress(Exception):
        notebook.press("Pause")
    notebook.wait(1)
    return [after - earlier for after, earlier in zip(memory(notebook), before, strict=True)], moves, troubles


def memory(notebook):
    """Return the MB of the kernel, and of the page's JavaScript."""
    notebook.ask("gc.collect()")
    client = notebook.page.context.new_cdp_session(notebook.page)
    client.send("HeapProfiler.collectGarbage")
    heap = client.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    client.detach()
    return notebook.kernel_memory(), heap


def spread(taken):
    return f"median {statistics.median(taken):.0f} ms, worst of {len(taken)}: {max(taken):.0f} ms"


@contextlib.contextmanager
def another_program(runs):
    """Let a program that never rests run meanwhile, if it is asked for."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if runs else None
    try:
        yield
    finally:
        if busy:
            busy.kill()
            busy.wait()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="of moving controls at random")
    parser.add_argument("--seconds", type=float, default=10, help="of each other measurement")
    parser.add_argument("--disturbed", action="store_true", help="while another program takes one core")
    options = parser.parse_args(argv)
    if reason := what_is_missing():
        sys.exit(reason)
    print(f"{machine(('numpy', 'matplotlib', 'ipywidgets', 'jupyterlab', 'ipykernel'))}\n")
    with another_program(options.disturbed), lab_in_temporary_folder() as lab, lab.open(CELLS) as notebook:
        notebook.page.evaluate(WATCH)
        for kind, data in KINDS.items():
            show(notebook, f"playground({data})", lambda: notebook.text("step 0"))
            print(f"{kind}:")
            print(f"  first picture after {first_picture(notebook):.2f} s")
            print(f"  slider → new frame: {spread(slider_to_frame(notebook))}", flush=True)
            print(f"  frames a second: {frames_per_second(notebook, options.seconds)[0]:.1f}", flush=True)
            print(f"  MB a second to the page: {traffic(notebook, options.seconds / 2):.2f}", flush=True)
            share = share_of_speed(notebook, options.seconds / 2)
            print(f"  steps a second, of the same training unwatched: {share:.0%}", flush=True)
            print(f"  Pause: {spread(time_to_pause(notebook))}", flush=True)
        for widget, label in SLIDERS.items():
            show(notebook, widget, lambda label=label: notebook.control(label).count())
            print(f"{widget}:\n  slider → new frame: {spread(slider_to_frame(notebook, label))}")
        for widget, button in RUNS.items():
            show(notebook, widget, lambda button=button: notebook.button(button).count())
            frames, drawn = frames_per_second(notebook, options.seconds / 2, button)
            print(f"{widget}:\n  pictures a second that the page draws: {drawn:.1f}", flush=True)
            print(f"  frames a second from the kernel: {frames:.1f}", flush=True)
        show(notebook, "playground()", lambda: notebook.text("step 0"))
        growth, moves, troubles = soak(notebook, options.minutes)
    print(
        f"{options.minutes:g} minutes, {moves} moves at random: the kernel grew by {growth[0]:.1f} MB, "
        f"the page by {growth[1]:.1f} MB, ",
        end="",
    )
    print(f"{len(troubles)} errors", *troubles, sep="\n  ")
    return bool(troubles)


if __name__ == "__main__":
    sys.exit(main())
