"""Run the contenders against each other and print a table of times and ratios.

``python -m benchmarks [--workload NAME …] [--rounds N] [--disturbed] [--figure benchmarks/results.png]``
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS

EXACT = ("ours", "textbook", "torch", "torch-fused")  # from the same first weights; the others draw their own


class Worker:
    """A contender's process."""

    def __init__(self, contender, workload, threads):
        self.contender, self.threads, self.seconds, self.disturbed = contender, threads, [], []
        environment = {
            **os.environ,
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", contender, workload],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip

    def run(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contender} ended early; what it said is above")
        answer = json.loads(line)
        self.memory = answer["memory"]
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    @property
    def title(self):
        return f"{CONTENDERS[self.contender].name}, {self.threads}T"


class Load:
    """A process that computes without end, on the last processor where the system lets one choose."""

    CODE = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print("computing", flush=True)
while True:
    pass
"""

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", self.CODE], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def installed():
    """Return the contenders that can run here, and the names of those that cannot."""
    there = [key for key, contender in CONTENDERS.items() if importlib.util.find_spec(contender.needs)]
    return there, [CONTENDERS[key].name for key in CONTENDERS if key not in there]


def verify(workers, workload):
    """Make sure that all compute the same before anything is timed; this warms them up as well."""
    answers = {w: w.run(1 if workload.predict else 10) for w in workers}
    exact = [w for w in workers if w.contender in EXACT]
    for worker in exact[1:]:
        if workload.predict:
            agree = np.mean(np.equal(answers[worker]["classes"], answers[exact[0]]["classes"])) >= 0.99
        else:
            agree = np.allclose(answers[worker]["losses"], answers[exact[0]]["losses"], rtol=5e-3)
        if not agree:
            raise RuntimeError(f"{worker.title} does not compute what {exact[0].title} computes")


def measure(key, rounds, threads, disturbed=False):
    """Time a workload; return its workers with their `seconds` per step, one for each round.

    With `disturbed`, each round is made once more while a `Load` holds one core.
    """
    workload = WORKLOADS[key]
    contenders, _ = installed()
    workers = [Worker(c, key, t) for c in contenders for t in threads if not (c == "sklearn" and t > 1)]
    try:
        verify(workers, workload)
        for number in range(rounds):
            turns = workers if number % 2 else workers[::-1]
            for worker in turns:
                worker.seconds.append(worker.run(workload.steps)["seconds"])
            if disturbed:
                with Load():
                    for worker in turns:
                        worker.disturbed.append(worker.run(workload.steps)["seconds"])
    finally:
        for worker in workers:
            worker.close()
    return workers


def ratio(a, b):
    """Write the median over the rounds of a's time as a share of b's, with the quartiles."""
    return "{:.2f} ({:.2f}–{:.2f})".format(*np.percentile(np.divide(a, b), [50, 25, 75]))


def table(key, workers):
    """Return the lines of a Markdown table for one workload."""
    ours = {w.threads: w for w in workers if w.contender == "ours"}
    lines = [
        f"## {WORKLOADS[key].title}",
        "",
        "| | ms, median | ms, minimum | nn_helpers' time / its time (quartiles) | peak memory, MB |",
        "|---|---|---|---|---|",
    ]
    for worker in workers:
        share = "" if worker.contender == "ours" else ratio(ours[worker.threads].seconds, worker.seconds)
        milliseconds = f"{1e3 * statistics.median(worker.seconds):.3f} | {1e3 * min(worker.seconds):.3f}"
        lines.append(f"| {worker.title} | {milliseconds} | {share} | {worker.memory / 1e6:.0f} |")
    return [*lines, ""]


def disturbed_table(workers):
    """Return the lines of the table that a `Load` on one core makes of it."""
    ours = {w.threads: w for w in workers if w.contender == "ours"}
    lines = [
        "While another process computes on one core:",
        "",
        "| | ms, median | its time / its quiet time (quartiles) | nn_helpers' time / its time (quartiles) |",
        "|---|---|---|---|",
    ]
    for worker in workers:
        share = "" if worker.contender == "ours" else ratio(ours[worker.threads].disturbed, worker.disturbed)
        median, own = 1e3 * statistics.median(worker.disturbed), ratio(worker.disturbed, worker.seconds)
        lines.append(f"| {worker.title} | {median:.3f} | {own} | {share} |")
    return [*lines, ""]


def machine(names=("numpy", "torch", "scikit-learn")):
    """Say what was measured with: processor, Python, and the versions of these packages."""
    versions = [f"Python {platform.python_version()}"]
    for name in names:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed")
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
        processor = models[0].split(":")[1].strip() if models else processor
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}; {', '.join(versions)}"


def figure(results):
    """Return a figure with the time of a step beside those of the others, a panel for each workload."""
    from nn_helpers.plots import COLOURS, Figure

    keys = list(CONTENDERS)
    heights = [1.0 + 0.24 * len(workers) for workers in results.values()]
    figure = Figure(figsize=(9, sum(heights)), dpi=100)
    axes = figure.subplots(len(results), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (key, workers) in zip(axes, results.items(), strict=True):
        names = [w.title for w in workers]
        milliseconds = [1e3 * statistics.median(w.seconds) for w in workers]
        bars = ax.barh(names, milliseconds, color=[COLOURS[keys.index(w.contender)] for w in workers])
        ax.bar_label(bars, fmt="%.2f", padding=3)
        ax.invert_yaxis()
        ax.set(
            title=WORKLOADS[key].title, xlabel="time (ms, median): a step, or one prediction of all images"
        )
        ax.margins(x=0.1)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def to_save(name):
    """Return the path of a file to save at the end. Its folder is made now, not after the measurements."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def main():
    """Measure, print, and save what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--disturbed", action="store_true", help="measure each round once more beside a process that computes"
    )
    parser.add_argument("--table", type=to_save, help="save the table here (.md)")
    parser.add_argument("--figure", type=to_save, help="save a figure here (.png)")
    options = parser.parse_args()
    _, absent = installed()
    measured = f"Measured on {machine()}; {options.rounds} rounds in turn."
    heading = ["# How fast a training step is", "", measured, ""]
    if absent:
        heading += [f"Not installed here, and left out: {', '.join(absent)}.", ""]
    print("\n".join(heading), flush=True)
    results, lines = {}, heading
    for key in options.workload:
        results[key] = measure(key, options.rounds, options.threads, options.disturbed)
        rows = table(key, results[key])
        if options.disturbed:
            rows += disturbed_table(results[key])
        print("\n".join(rows), flush=True)
        lines += rows
    if options.table:
        options.table.write_text("\n".join(lines), encoding="utf-8")
    if options.figure:
        from nn_helpers.plots import save

        save(figure(results), options.figure)


if __name__ == "__main__":
    main()
