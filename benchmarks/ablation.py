"""Take one thing at a time away from the preset `full`, and measure what is lost on the test images.

``python -m benchmarks.ablation [--seeds 0 1 2] [--presets]`` saves ``ablation.md`` and ``full_training.png``.
A training that is finished is kept in a file of JSON lines and not made again: stop when you like, and the
same command goes on from there.
"""

import argparse
import json
import os
import zlib
from pathlib import Path

import numpy as np

from benchmarks.__main__ import machine
from nn_helpers import evaluate, flip_and_shift, load_images, sketches, train
from nn_helpers.__main__ import PRESETS, make_network, make_optimizer_for, parser

HERE = Path(__file__).parent
FULL = "full recipe"
# What each recipe changes, and whose weights are tested: the best epoch's for validation, or the last's.
RECIPES = {
    FULL: ({}, "best"),
    "without flips and shifts": ({"augment": False}, "best"),
    "without dropout": ({"dropout": 0.0}, "best"),
    "without weight decay: Adam": ({"optimizer": ["adam"]}, "best"),
    f"without warm-up and cosine: {PRESETS['full']['lr']} at every step": ({"schedule": "constant"}, "best"),
    "without the best weights: the last epoch's": ({}, "last"),
    "without all of these": (
        {"augment": False, "dropout": 0.0, "optimizer": ["adam"], "schedule": "constant"},
        "last",
    ),
}
TINY = {"data": "sketches", "images": 60, "val": 40, "hidden": [8], "batch_size": 10, "epochs": 3}
KEPT = ("data_loss", "accuracy", "val_loss", "val_accuracy")  # of each epoch, for the figure


def prepare(data, options, seed):
    """Return images, network and optimizer as ``python -m nn_helpers train`` makes them from options."""
    defaults = vars(parser().parse_args(["train"]))
    arguments = argparse.Namespace(**{**defaults, **options, "seed": seed})
    data = data.subset(arguments.images, val=arguments.val)
    optimizer = make_optimizer_for(arguments.optimizer[0], arguments, len(data.train))
    return data, make_network(arguments, data), optimizer


def measure(data, options, seed, threads):
    """Train once; return the test accuracy with the best epoch's weights and with the last's, and the course.

    One call of `train` for each epoch is the same training as one call for all: the optimizer and the
    generator of the images' order go on where they were.
    """
    data, net, optimizer = prepare(data, options, seed)
    rng, epochs = np.random.default_rng(seed), []
    for _ in range(options["epochs"]):
        history = train(
            net, data, optimizer, epochs=1, batch_size=options["batch_size"], seed=rng,
            augment=flip_and_shift if options["augment"] else None, progress=False, threads=threads,
        )  # fmt: skip
        if history.stopped:
            raise SystemExit(f"stopped: {history.stopped}. What was finished before is kept.")
        epoch = {name: values[-1].item() for name, values in history.epochs().items()}
        if epoch["val_accuracy"] > max((before["val_accuracy"] for before in epochs), default=-1.0):
            best = net.theta.copy()
        epochs.append(epoch)
    last = evaluate(net, data)[1]
    net.theta = best
    return {
        "best": evaluate(net, data)[1],
        "last": last,
        "seconds": round(sum(epoch["seconds"] for epoch in epochs), 1),
        "course": {name: [round(epoch[name], 5) for epoch in epochs] for name in KEPT},
    }


def fingerprint(data):
    """Return a name for these very images: results on others are not taken for theirs."""
    checksum = 0
    for part in (data.train, data.test):
        for array in (part.inputs, part.labels):
            checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
    return f"{data.name} {checksum:08x}"


class Results:
    """Finished trainings in a file of JSON lines, each with what it was: images, options, seed, threads."""

    def __init__(self, path):
        self.path, self.lines = path, []
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            try:
                self.lines.append(json.loads(line))
            except json.JSONDecodeError:  # the computer went off while it was written
                print(f"{path}: passed over a line that is not complete: {line[:40]}…")
        self.begin = "" if not text or text.endswith("\n") else "\n"

    def find(self, what):
        return next((line for line in self.lines if line["what"] == what), None)

    def add(self, what, result):
        self.lines.append({"what": what, **result})
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{self.begin}{json.dumps(self.lines[-1])}\n")
            file.flush()
            os.fsync(file.fileno())
        self.begin = ""


def complete(results, whats, data):
    """Make every training of `whats` that is not there yet."""
    missing = [what for i, what in enumerate(whats) if what not in whats[:i] and not results.find(what)]
    for number, what in enumerate(missing, 1):
        result = measure(data, what["options"], what["seed"], what["threads"])
        results.add(what, {**result, "machine": machine(["numpy"])})
        changes = {k: v for k, v in what["options"].items() if v != PRESETS["full"][k]}
        print(
            f"{number} of {len(missing)}: seed {what['seed']}, preset full with {changes or 'no changes'}: "
            f"test accuracy {result['best']:.1%}, with the last epoch's weights {result['last']:.1%}, "
            f"{result['seconds']:.0f} s",
            flush=True,
        )


def spread(values, form=".2f", to="–"):
    """Write the mean of several values, and the smallest and the largest."""
    text = f"{np.mean(values):{form}}"
    text += f" ({min(values):{form}}{to}{max(values):{form}})" if len(values) > 1 else ""
    return text.replace("-", "−")


def ablation_table(found):
    """Return the lines of the recipes' table; `found` has the results of each recipe, seed by seed."""
    accuracy = {
        name: np.array([100 * result[RECIPES[name][1]] for result in found[name]]) for name in RECIPES
    }
    lines = [
        "| | test accuracy, % | difference to the full recipe, points |",
        "|---|---|---|",
    ]
    for name, values in accuracy.items():
        difference = "" if name == FULL else spread(values - accuracy[FULL], "+.2f", " to ")
        lines.append(f"| {name} | {spread(values)} | {difference} |")
    return [*lines, ""]


def presets_table(found):
    """Return the lines of the presets' table."""
    lines = ["| preset | hidden layers | epochs | seeds | test accuracy, % |", "|---|---|---|---|---|"]
    for name, results in found.items():
        options = results[0]["what"]["options"]
        values = [100 * result["best"] for result in results]
        hidden = ", ".join(map(str, options["hidden"]))
        seeds = ", ".join(str(result["what"]["seed"]) for result in results)
        lines.append(f"| {name} | {hidden} | {options['epochs']} | {seeds} | {spread(values)} |")
    return [*lines, ""]


def report(recipes, presets, data, label):
    """Return the page: on which images, the tables, and the figure's text alternative."""
    first = recipes[FULL][0]
    options, course, threads = first["what"]["options"], first["course"], first["what"]["threads"]
    seeds = [result["what"]["seed"] for result in recipes[FULL]]
    machines = sorted(
        {result["machine"] for results in (*recipes.values(), *presets.values()) for result in results}
    )
    ends = {name: (values[0], values[-1]) for name, values in course.items()}
    lines = [
        "# What each part of the full recipe brings",
        "",
        f"Images: {label}, {options['images']:,} to train on, {options['val']:,} for validation, "
        f"{len(data.test):,} to test. {'Seed' if len(seeds) == 1 else 'Seeds'} {', '.join(map(str, seeds))}. "
        "Of several seeds the mean, and in brackets the smallest and the largest. A difference is between "
        "trainings with the same seed.",
        "",
        f"Measured on {'; '.join(machines)}; threads: {threads or 'as many as NumPy takes'}.",
        "",
        *ablation_table(recipes),
    ]
    if presets:
        lines += ["## The presets", "", *presets_table(presets)]
    lines += [
        f"## The full recipe, seed {first['what']['seed']}",
        "",
        f"![Data loss and accuracy over {options['epochs']} epochs, for training and validation. "
        f"Training: loss from {ends['data_loss'][0]:.2f} to {ends['data_loss'][1]:.2f} nats, accuracy from "
        f"{ends['accuracy'][0]:.1%} to {ends['accuracy'][1]:.1%}. Validation: loss from "
        f"{ends['val_loss'][0]:.2f} to {ends['val_loss'][1]:.2f} nats, accuracy from "
        f"{ends['val_accuracy'][0]:.1%} to {ends['val_accuracy'][1]:.1%}.](full_training.png)",
        "",
    ]
    return "\n".join(lines)


def figure(course):
    """Return the training curves of one training."""
    from nn_helpers.plots import training_curves

    epochs = {name: np.array(values) for name, values in course.items()}
    return training_curves({"epoch": np.arange(1, len(epochs["accuracy"]) + 1), **epochs})


def options_parser():
    """Return the parser of this program's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--presets", type=int, nargs="*", metavar="SEED",
        help="train the presets full and large with these seeds (default: those of --seeds) and compare",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="for `train` (default: as many as NumPy takes)")
    parser.add_argument("--label", help="what the page calls the images (default: the data's own name)")
    parser.add_argument("--results", type=Path, default=HERE / "ablation.jsonl", help="finished trainings")
    parser.add_argument("--to", type=Path, default=HERE, help="folder for the page and the figure")
    parser.add_argument("--tiny", action="store_true", help="a few sketches, to see that it works")
    return parser


def main(argv=None):
    """Train what is not there yet, then save the page and the figure."""
    from nn_helpers.plots import save

    options = options_parser().parse_args(argv)
    options.to.mkdir(parents=True, exist_ok=True)
    changes = TINY if options.tiny else {}
    data = sketches(n_train=100, n_test=20) if options.tiny else load_images(PRESETS["full"]["data"])
    images, results = fingerprint(data), Results(options.results)

    def trainings(preset, more, seeds):
        what = {
            "images": images,
            "options": {**PRESETS[preset], **changes, **more},
            "threads": options.threads,
        }
        return [{**what, "seed": seed} for seed in seeds]

    recipes = {name: trainings("full", more, options.seeds) for name, (more, _) in RECIPES.items()}
    presets = {}
    if options.presets is not None:
        presets = {name: trainings(name, {}, options.presets or options.seeds) for name in ("full", "large")}
    for of_each_seed in (recipes, presets):
        complete(
            results, [what for whats in zip(*of_each_seed.values(), strict=True) for what in whats], data
        )
    recipes, presets = (
        {name: [results.find(what) for what in whats] for name, whats in of_all.items()}
        for of_all in (recipes, presets)
    )
    page = report(recipes, presets, data, options.label or data.name)
    (options.to / "ablation.md").write_text(page, encoding="utf-8")
    save(figure(recipes[FULL][0]["course"]), options.to / "full_training.png")
    print(page)


if __name__ == "__main__":
    main()
