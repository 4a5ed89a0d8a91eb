"""Measure how a training step's time and a training's memory grow, beside how they would ideally.

``python -m benchmarks.scaling [--threads N] [--to FOLDER]`` saves ``scaling.md`` and ``scaling.png`` there.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.__main__ import Worker, machine
from benchmarks.workloads import INPUT_SIZE, NUM_CLASSES, Workload
from nn_helpers.support.threads import usable_cores


@dataclass(frozen=True)
class Sizes:
    """What is tried, and for how long."""

    widths: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    depths: tuple[int, ...]
    images: tuple[int, ...]
    threads: tuple[int, ...]
    rounds: int
    seconds: float  # that a workload is timed for, at least, in each round
    starts: int  # of a fresh process for each number of images
    training: int  # images, where their number is not what is tried


FULL = Sizes(
    widths=(16, 32, 64, 128, 256, 512, 1024, 2048),
    batch_sizes=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
    depths=(1, 2, 4, 8, 16, 32),
    images=(1_000, 10_000, 25_000, 50_000, 100_000),
    threads=(1, 2, 3, 4, 6, 8),
    rounds=15, seconds=0.1, starts=5, training=10_000,
)  # fmt: skip
TINY = Sizes((4, 8), (2, 4), (1, 2), (200, 400), (1, 2), rounds=2, seconds=1e-3, starts=1, training=200)


@dataclass(frozen=True)
class Curve:
    """A quantity measured several times for each x; two points of the ideal's line, flat from `most` on."""

    title: str
    xlabel: str
    quantity: str
    unit: str
    x: tuple[int, ...]
    measured: np.ndarray  # (len(x), times)
    start: tuple[float, float]
    end: tuple[float, float]
    ideal_is: str
    log: bool = False
    most: float = np.inf

    def ideal(self, x):
        (x0, y0), (x1, y1) = self.start, self.end
        return y0 + (y1 - y0) * (np.minimum(x, self.most) - x0) / (x1 - x0)

    @property
    def median(self):
        return np.median(self.measured, axis=1)

    @property
    def known(self):
        return bool(np.isfinite(self.measured).all())


def milliseconds(workloads, sizes, threads):
    """Time a step of each in turn, each in its own process; return an array (len(workloads), rounds)."""
    workers = [Worker("ours", json.dumps(asdict(workload)), threads) for workload in workloads]
    try:
        for worker in workers:
            worker.run(1)
        steps = [1 + int(sizes.seconds / worker.run(2)["seconds"]) for worker in workers]
        for number in range(sizes.rounds):
            turns = list(zip(workers, steps, strict=True))
            for worker, n in turns if number % 2 else reversed(turns):
                worker.seconds.append(worker.run(n)["seconds"])
    finally:
        for worker in workers:
            worker.close()
    return 1e3 * np.array([worker.seconds for worker in workers])


def megabytes(workloads, sizes, threads):
    """Measure the peak memory of fresh processes that train; return an array (len(workloads), starts)."""
    peaks = np.empty((len(workloads), sizes.starts))
    for start in range(sizes.starts):
        for i, workload in enumerate(workloads):
            worker = Worker("ours", json.dumps(asdict(workload)), threads)
            try:
                peaks[i, start] = worker.run(2)["memory"] / 1e6
            finally:
                worker.close()
    return peaks


def parameters(hidden):
    """Return how many parameters a network has."""
    return sum(D * M + M for D, M in pairwise([INPUT_SIZE, *hidden, NUM_CLASSES]))


def over_width(sizes, threads):
    batch_size = min(128, sizes.training)
    workloads = [
        Workload("width", (width,), batch_size=batch_size, images=sizes.training) for width in sizes.widths
    ]
    x, y = tuple(parameters(w.hidden) for w in workloads), milliseconds(workloads, sizes, threads)
    return Curve(
        f"Width: one hidden layer, batches of {batch_size}", "parameters", "time of a step", "ms", x, y,
        (0, 0), (x[-1], np.median(y[-1])), "in proportion to the parameters", log=True,
    )  # fmt: skip


def over_batch_size(sizes, threads):
    x = sizes.batch_sizes
    workloads = [Workload("batch", (512, 256), batch_size=N, images=sizes.training) for N in x]
    y = milliseconds(workloads, sizes, threads)
    return Curve(
        "Batch size: hidden layers of 512 and 256", "images in a batch", "time of a step", "ms", x, y,
        (x[0], np.median(y[0])), (x[-1], np.median(y[-1])),
        "the same for each further image", log=True,
    )  # fmt: skip


def over_depth(sizes, threads):
    x = sizes.depths
    workloads = [Workload("depth", (100,) * depth, batch_size=8, images=sizes.training) for depth in x]
    y = milliseconds(workloads, sizes, threads)
    return Curve(
        "Depth: hidden layers of 100, batches of 8", "hidden layers", "time of a step", "ms", x, y,
        (x[0], np.median(y[0])), (x[-1], np.median(y[-1])), "the same for each further layer",
    )  # fmt: skip


def over_images(sizes, threads):
    x = sizes.images
    workloads = [Workload("data", (512, 256), batch_size=128, images=N) for N in x]
    y = megabytes(workloads, sizes, threads)
    first = np.median(y[0])
    return Curve(
        "Data: a process that trains", "training images", "peak memory", "MB", x, y,
        (x[0], first), (x[0] + 1, first + INPUT_SIZE / 1e6),
        f"{INPUT_SIZE:,} bytes for each further image",
    )  # fmt: skip


def over_threads(sizes, threads):
    x, batch_size = sizes.threads, min(128, sizes.training)
    how = {"batch_size": batch_size, "images": sizes.training}
    workloads = [Workload("threads", (512, 256), threads=T, **how) for T in x]
    y = 1e3 / milliseconds(workloads, sizes, threads)
    one = np.median(y[0])
    return Curve(
        f"Threads: layers of 512 and 256, batches of {batch_size}", "threads", "rate", "steps/s", x, y,
        (x[0], one), (x[0] + 1, 2 * one), "as much for each further thread with a core",
        most=usable_cores(),
    )  # fmt: skip


CURVES = (over_width, over_batch_size, over_depth, over_threads, over_images)


def number(value):
    """Write a value with three digits."""
    return f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:,.0f}"


def table(curve):
    """Return the lines of a Markdown table."""
    lines = [f"## {curve.title}", ""]
    if not curve.known:
        return [*lines, sentence(curve), ""]
    lines += [
        f"{curve.quantity.capitalize()} in {curve.unit}. Ideal: {curve.ideal_is}.",
        "",
        f"| {curve.xlabel} | median | quartiles | minimum | ideal | median / ideal |",
        "|---|---|---|---|---|---|",
    ]
    for x, values in zip(curve.x, curve.measured, strict=True):
        low, middle, high = (number(value) for value in np.percentile(values, [25, 50, 75]))
        ideal, share = curve.ideal(x), np.median(values) / curve.ideal(x)
        row = f"{x:,}", middle, f"{low}–{high}", number(values.min()), number(ideal), f"{share:.2f}"
        lines.append(f"| {' | '.join(row)} |")
    return [*lines, ""]


def sentence(curve):
    """Say what a panel shows, for those who do not see it."""
    if not curve.known:
        return f"{curve.title}: this system does not tell the {curve.quantity}."
    median, share = curve.median, curve.median / curve.ideal(curve.x)
    return (
        f"{curve.title}: the {curve.quantity} goes from {number(median[0])} {curve.unit} "
        f"({curve.xlabel}: {curve.x[0]:,}) to {number(median[-1])} {curve.unit} ({curve.x[-1]:,}). It is "
        f"{share.min():.2f} to {share.max():.2f} times the ideal ({curve.ideal_is})."
    )


def figure(curves):
    """Return a figure with a panel for each curve: what was measured, and the ideal line."""
    from matplotlib.ticker import LogLocator, NullFormatter

    from nn_helpers.plots import COLOURS, DASHES, Figure

    rows = -(-len(curves) // 2)
    figure = Figure(figsize=(9.6, 3.8 * rows), dpi=100)
    panels = figure.subplots(rows, 2, squeeze=False).flat
    for ax in panels[len(curves) :]:
        ax.remove()
    for ax, curve in zip(panels[: len(curves)], curves, strict=True):
        ax.set(title=curve.title, xlabel=curve.xlabel, ylabel=f"{curve.quantity} ({curve.unit})")
        ax.spines[["top", "right"]].set_visible(False)
        if not curve.known:
            ax.text(0.5, 0.5, "this system does not tell", ha="center", transform=ax.transAxes)
            ax.set_axis_off()
            continue
        low, middle, high = np.percentile(curve.measured, [25, 50, 75], axis=1)
        ax.errorbar(
            curve.x, middle, yerr=(middle - low, high - middle), color=COLOURS[0], marker=".", capsize=3,
            label="measured: median and quartiles",
        )  # fmt: skip
        line = np.geomspace(curve.x[0], curve.x[-1], 100)
        ax.plot(
            line, curve.ideal(line), color=COLOURS[1], linestyle=DASHES[1], label=f"ideal: {curve.ideal_is}",
            zorder=3,  # in front, to be seen where the two are one
        )  # fmt: skip
        if curve.log:
            ax.set(xscale="log", yscale="log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_minor_formatter(NullFormatter())
        else:
            ax.set_ylim(0, None)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:,.10g}")
        ax.grid(alpha=0.25)
        ax.legend(frameon=False, loc="upper left", fontsize="small")
    return figure


def report(curves, sizes, threads):
    """Return the page with the figure, its text alternative and the tables."""
    lines = [
        "# How time and memory grow",
        "",
        f"Measured on {machine(['numpy'])}, {threads} thread{'s' if threads > 1 else ''} unless it says "
        f"otherwise: Adam, float32, random images of 32×32×3. Times: {sizes.rounds} rounds in turn. "
        f"Memory: {sizes.starts} fresh processes for each number of images.",
        "",
        "![Five plots, each with what was measured and an ideal line.](scaling.png)",
        "",
        *(f"- {sentence(curve)}" for curve in curves),
        "",
    ]
    for curve in curves:
        lines += table(curve)
    return "\n".join(lines)


def main(argv=None):
    """Measure, print, and save the page and the figure."""
    from nn_helpers.plots import save

    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tiny", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="folder to save to")
    options = parser.parse_args(argv)
    options.to.mkdir(parents=True, exist_ok=True)
    sizes, curves = TINY if options.tiny else FULL, []
    for measure in CURVES:
        curves.append(measure(sizes, options.threads))
        print("\n".join(table(curves[-1])), flush=True)
    page = report(curves, sizes, options.threads)
    (options.to / "scaling.md").write_text(page, encoding="utf-8")
    save(figure(curves), options.to / "scaling.png")


if __name__ == "__main__":
    main()
