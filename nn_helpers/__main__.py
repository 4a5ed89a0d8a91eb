"""From a terminal: ``nn-helpers lab`` opens the lessons, ``nn-helpers train`` trains, and more."""

import argparse
import os
import sys
from contextlib import chdir, nullcontext
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from nn_helpers.data import download_cifar10, flip_and_shift, load_images
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.network import INITIALISATIONS, ClassificationNet
from nn_helpers.optimizers import OPTIMIZERS, make_optimizer
from nn_helpers.schedules import CosineWithWarmup
from nn_helpers.support.validation import counted
from nn_helpers.support.version import __version__
from nn_helpers.training import compare_optimizers, evaluate
from nn_helpers.training.plan import steps_per_epoch

# Plain gradient descent is SGD on a batch the size of the data.
COMPARED = ("gd", *OPTIMIZERS)


# What an option is when it is not given; "seed" is the lessons' experiment, with the defaults below.
FULL = {
    "data": "cifar10", "images": 45_000, "val": 5_000, "batch_size": 128, "epochs": 28,
    "hidden": [512, 256], "dropout": 0.1, "augment": True, "keep_best": True,
    "optimizer": ["adamw"], "lr": 1e-3, "weight_decay": 0.1, "schedule": "cosine",
}  # fmt: skip
LARGE = {**FULL, "hidden": [1024, 512, 256], "dropout": 0.2, "lr": 1.5e-3, "batch_size": 256, "epochs": 70}
PRESETS = {"seed": {}, "full": FULL, "large": LARGE}


# What each command does, what else there is to know about it, and lines to try.
LAB = (
    "open your copy of the lessons in JupyterLab",
    """\
The first time, this puts a copy of the lessons for you into the folder my_lessons
where you are. Later it goes on where you stopped, and brings in newer editions of
the lessons: what you wrote stays. Close JupyterLab with Ctrl-C, twice.

Options that are not listed here go to JupyterLab; write their values with =.""",
    "", "my_course", "--no-browser --port=8899", "--copy-only /srv/lessons/ada",
)  # fmt: skip
PROGRESS = (
    "show what you have done, and where to go on",
    "The same as progress() in a lesson: exercises, guesses, and mistakes made and mended.",
    "", "my_course",
)  # fmt: skip
RESET = (
    "put an exercise or a lesson back as it was",
    """\
What was there before is kept, and this says where. `all` puts back every lesson, and
puts your record and my_network.py away.""",
    "relu_forward", "02", "all my_course",
)  # fmt: skip
TRAIN = (
    "train one network with several optimizers and compare them",
    """\
Each optimizer gets a copy of the network, and all begin with the same weights. A
table at the end compares them. Options have the defaults of the preset.""",
    "",
    "--optimizer sgd momentum adam --hidden 200 100 --activation tanh --figure loss.png",
    "--preset full --test",
    "--mine --preset full",
    "--optimizer adam --epochs 200 --checkpoint run.safetensors --resume",
)  # fmt: skip
SEARCH = (
    "try many settings, on all cores or on a cluster, and keep the best network",
    """\
Each configuration is trained with several seeds and judged by its mean accuracy on the
validation images. Random search draws learning rates and L2 strengths between the
lowest and the highest value. With --scheduler the trainings run on a Dask cluster.""",
    "", "--how grid --lr 1e-4 1e-3 1e-2 --hidden 64 100,100",
    "--how halving --count 32 --epochs 32 --save best.safetensors",
    "--scheduler tcp://10.0.0.1:8786",
)  # fmt: skip
DATA = (
    "fetch CIFAR-10 (170 MB), check it and unpack it",
    """\
The lessons need it only where they say so: they have images of their own. A download
that breaks off goes on where it stopped. CIFAR10_DIR names a copy that you have.""",
    "", "--root /srv/data",
)  # fmt: skip
DOCTOR = (
    "say whether everything is in order here, and if not, what is to be done",
    "Nothing is changed, nothing is sent. Something needs attention: the exit status is 1.",
    "",
)  # fmt: skip
KIT = (
    "make a folder from which a room without network installs everything",
    """\
It holds packages for Linux and Windows (64 bit, Intel and AMD) and macOS (Apple
silicon), CIFAR-10 if it is on this computer, and install.py, which installs from the
folder. Packages are made for one version of Python each: name those of the room.
This takes some minutes, and needs a network.""",
    "nn-kit", "nn-kit --python 3.12 3.13",
)  # fmt: skip
REPORT = (
    "say what a class stumbled over, by the learners' records",
    """\
Which mistakes were made, how many mended them and on which try, which questions were
guessed wrong, and where all were last. A record is my_lessons/record.jsonl: collect
them as name.jsonl, or in a folder for each learner.""",
    "records", "records --csv class.csv --figure class.png",
)  # fmt: skip
GRADE = (
    "judge what a class handed in: which functions are right, which mistakes were made",
    """\
Each function is found wherever its cell went, and judged as check does it, on fresh
inputs too, in a process that can compute and nothing else; no cell is run. What calls
the library, equals the solution or is like another student's is said to be so: a
person decides.""",
    "submissions", "submissions --csv marks.csv --feedback pages",
)  # fmt: skip

FOLDER = {"nargs": "?", "type": Path, "help": "your copy of the lessons (default: my_lessons)"}


def program():
    """Return what this was called as: ``nn-helpers``, or ``python -m nn_helpers``, which is the same."""
    return "nn-helpers" if Path(sys.argv[0]).stem == "nn-helpers" else "python -m nn_helpers"


def parser(preset="seed"):
    """Return the parser of the whole command line, with the defaults of a preset."""
    top = argparse.ArgumentParser(
        prog=program(),
        description="Neural networks, from one ReLU to CIFAR-10, in NumPy. Begin with: %(prog)s lab",
        epilog="%(prog)s COMMAND --help says more, with examples.",
    )
    top.add_argument("--version", action="version", version=f"nn-helpers {__version__}")
    commands = top.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    lab = _command(commands, "lab", run_lab, *LAB)
    lab.add_argument("folder", **FOLDER)
    lab.add_argument("--copy-only", action="store_true", help="make or update the copy, and open nothing")
    _command(commands, "progress", run_progress, *PROGRESS).add_argument("folder", **FOLDER)
    reset = _command(commands, "reset", run_reset, *RESET)
    reset.add_argument("what", help="a function, as relu_forward; a lesson's number, as 02; or all")
    reset.add_argument("folder", **FOLDER)

    train = _command(commands, "train", run_train, *TRAIN, shows=TrainHelp)
    for add_options in (_add_network, _add_steps, _add_files_of_a_training):
        add_options(train.add_argument)
    train.set_defaults(**PRESETS.get(preset, {}))

    _add_search(_command(commands, "search", run_search, *SEARCH, shows=TrainHelp).add_argument)

    data = _command(commands, "data", run_data, *DATA)
    data.add_argument("--root", type=Path, help="folder for it (default: this user's cache)")
    data.add_argument("--quiet", action="store_true", help="no progress bar")
    _command(commands, "doctor", run_doctor, *DOCTOR)
    kit = _command(commands, "kit", run_kit, *KIT)
    kit.add_argument("folder", type=Path, help="a new or empty folder, or an older kit")
    versions = "the room's versions of Python (default: this one)"
    kit.add_argument("--python", nargs="+", metavar="3.X", help=versions)
    _add_for_a_class(commands)
    top.set_defaults(run=lambda arguments: print(top.format_help(), end="") or 0)
    return top


def _add_for_a_class(commands):
    report = _command(commands, "report", run_report, *REPORT)
    report.add_argument("folder", type=Path, help="the folder with the records, at any depth")
    report.add_argument("--csv", type=Path, metavar="PATH.csv", help="write all findings here, one a row")
    report.add_argument("--figure", type=Path, metavar="PATH.png", help="save a figure for the wall here")
    report.add_argument("--names", action="store_true", help="say who, by the names of files and folders")
    grade = _command(commands, "grade", run_grade, *GRADE)
    grade.add_argument("folder", type=Path, help="what was handed in: a folder or a notebook a student")
    grade.add_argument("--csv", type=Path, metavar="PATH.csv", help="save the table, for a learning platform")
    grade.add_argument("--feedback", type=Path, metavar="FOLDER", help="save a page for each student here")
    grade.add_argument("--seed", type=int, help="for the fresh inputs, to judge once more on the same ones")
    unprotected = "go on where no process can be confined: what was handed in can then do what you can"
    grade.add_argument("--unprotected", action="store_true", help=unprotected)


# The options of `train`, with the defaults of the preset "seed".


def _add_network(add):
    """Add what is trained, and on what."""
    add(
        "--preset", choices=PRESETS, default="seed",
        help="what options are when they are not given: the lessons' experiment on 500 images, or training "
        "on all of CIFAR-10 (full: 2 to 3 minutes on 2 cores; large: 8 to 10)",
    )  # fmt: skip
    add(
        "--data", choices=("sketches", "cifar10"), default=argparse.SUPPRESS,
        help="images to train on; the preset seed leaves it to NN_HELPERS_DATA, or takes sketches",
    )  # fmt: skip
    add("--images", type=int, default=500, help="training images; 500 are 1%% of CIFAR-10")
    add("--val", type=int, default=500, help="validation images, from the other training ones")
    add("--hidden", type=int, nargs="*", default=[100, 100], help="width of each hidden layer")
    add("--activation", choices=ACTIVATIONS, default="relu", help="after each hidden layer")
    add("--init", choices=INITIALISATIONS, default="he", help="how the first weights are drawn")
    add("--dropout", type=float, default=0.0, help="share of hidden units left out in training")
    add("--reg", type=float, default=0.0, help="strength of the L2 penalty")


def _add_steps(add):
    """Add how it is trained."""
    yes_or_no = argparse.BooleanOptionalAction
    add(
        "--optimizer", choices=COMPARED, nargs="+", default=["gd", "sgd", "momentum", "adam"],
        help="gd takes all images at each step",
    )  # fmt: skip
    add("--lr", type=float, default=5e-4, help="learning rate of every optimizer")
    add("--weight-decay", type=float, default=0.01, help="of adamw, beside the gradient")
    add(
        "--schedule", choices=("constant", "cosine"), default="constant",
        help="of the learning rate; cosine begins with a warm-up of a twentieth of all steps",
    )  # fmt: skip
    add(
        "--augment", action=yes_or_no, default=False,
        help="mirror half of the training images and move all by up to a pixel, anew in each epoch",
    )  # fmt: skip
    add("--keep-best", action=yes_or_no, default=False, help="end with the weights that validated best")
    add("--batch-size", type=int, default=8, help="images in a mini-batch")
    add("--keep-last", action="store_true", help="keep an epoch's last, smaller batch")
    add("--epochs", type=int, default=20, help="times to go through the training images")
    add("--dtype", choices=("float32", "float64"), default="float32", help="of all numbers")
    add("--seed", type=int, default=0, help="for the first weights and the order of images")


def _widths(text):
    """Return the widths of the hidden layers in ``100,100``; none of them is ``0``."""
    try:
        return () if text == "0" else tuple(map(int, text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"write 100,100, or 0 for no layer, not {text!r}") from None


def _add_search(add):
    """Add what is tried, how, and where."""
    add("--how", choices=("grid", "random", "halving"), default="random", help="halving is random, too")
    add("--lr", type=float, nargs="+", default=[1e-4, 1e-1], help="learning rates")
    add("--reg", type=float, nargs="+", default=[0.0], help="strengths of the L2 penalty")
    add("--dropout", type=float, nargs="+", default=[0.0], help="shares of hidden units left out")
    add("--hidden", type=_widths, nargs="+", default=[(100, 100)], help="as 100,100, or 0 for no layer")
    add("--optimizer", choices=OPTIMIZERS, nargs="+", default=["adam"], help="rules of the steps")
    add("--count", type=int, default=16, help="configurations to draw; a grid takes all there are")
    add("--seeds", type=int, default=3, help="trainings of each configuration")
    add("--epochs", type=int, default=20, help="of each training; with halving, of the last ones")
    add("--data", choices=("sketches", "cifar10"), default=argparse.SUPPRESS, help="images to train on")
    add("--images", type=int, default=500, help="training images")
    add("--val", type=int, default=500, help="validation images, from the other training ones")
    add("--seed", type=int, default=0, help="for what is drawn")
    add("--jobs", type=int, default=-1, help="processes here; -1 for one on each core")
    add("--scheduler", metavar="ADDRESS", default=argparse.SUPPRESS, help="of a Dask cluster to train on")
    add("--save", type=Path, default=argparse.SUPPRESS, help="keep the best network here (.safetensors)")
    add("--test", action="store_true", help="measure that network on the test images too: once, at the end")
    add("--quiet", action="store_true", help="no progress bar")


def _add_files_of_a_training(add):
    """Add what of the learner's a training reads, and what it writes and shows."""
    given = argparse.SUPPRESS
    add("--mine", action="store_true", help="train with the functions in my_lessons/my_network.py, your own")
    add("--figure", type=Path, default=given, help="save loss over epochs and seconds here (.png)")
    add(
        "--checkpoint", type=Path, metavar="PATH.safetensors", default=given,
        help="keep the training of a single optimizer here, after each epoch and when it is interrupted",
    )  # fmt: skip
    add(
        "--resume", action="store_true",
        help="go on from the checkpoint; all other options are those it began with; --epochs may be more, "
        "but not with the cosine schedule of the presets full and large, which ends with the last epoch",
    )  # fmt: skip
    add("--test", action="store_true", help="measure on the test images too: once, when all choices are made")
    add("--quiet", action="store_true", help="no progress bar")


class TrainHelp(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """Text as it was written, and each option with its default."""


def _command(commands, name, run, does, more, *examples, shows=argparse.RawDescriptionHelpFormatter):
    """Add a command: what it does in a line, what else there is to know, and lines to try."""
    made = commands.add_parser(
        name, help=does, description=f"{does[0].upper()}{does[1:]}.\n\n{more}", formatter_class=shows,
        epilog="\n".join(["examples:", *(f"  {program()} {name} {line}".rstrip() for line in examples)]),
    )  # fmt: skip
    made.set_defaults(run=run)
    return made


def run_lab(arguments):
    """Bring the learner's lessons up to date, and open them in JupyterLab until it is shut down."""
    from nn_helpers.course.lab import open_lab, work_copy_here
    from nn_helpers.course.work_copy import LEFT, make

    for option, value in pairwise(arguments.given):  # JupyterLab's --port 8899 gives us a folder 8899
        if option in arguments.options and "=" not in option and Path(value) == arguments.folder:
            raise ValueError(
                f"is {value} a folder, or the value of {option}? Write the folder first, "
                f"lab {value} {option}, or the value with =, {option}={value}"
            )
    if not arguments.copy_only:
        open_lab(arguments.folder, arguments.options)
        return 0
    folder = arguments.folder or work_copy_here()
    said = make(folder)
    print(*(said or [f"{folder} is up to date."]), sep="\n")
    return int(any(LEFT in sentence for sentence in said))


def run_progress(arguments):
    """Show what a learner has done."""
    from nn_helpers.course import progress
    from nn_helpers.course.lab import work_copy_here
    from nn_helpers.course.work_copy import require

    with chdir(require("progress", arguments.folder or work_copy_here())):
        print(progress())
    return 0


def run_reset(arguments):
    """Put an exercise, a lesson or everything back, and say where the old ones are."""
    from nn_helpers.course.lab import work_copy_here
    from nn_helpers.course.work_copy import reset

    print(*reset(arguments.what, arguments.folder or work_copy_here()), sep="\n")
    return 0


def run_kit(arguments):
    """Make a kit, and say how far it is."""
    from nn_helpers.course.kit import make_kit

    for sentence in make_kit(arguments.folder, arguments.python):
        print(sentence, flush=True)
    return 0


def run_train(arguments):
    """Train and print a table; with ``--figure`` save a figure as well."""
    figure_path = getattr(arguments, "figure", None)
    if figure_path is not None:
        from nn_helpers import plots  # matplotlib comes in only when something is drawn

        plots.check_path(figure_path, "--figure")  # now, and not after an hour of training
    checkpoint = getattr(arguments, "checkpoint", None)
    _check_options(arguments, checkpoint)
    made_by = find_mine() if arguments.mine else library()
    data = load_images(getattr(arguments, "data", None)).subset(arguments.images, val=arguments.val)
    net, data = make_network(arguments, data, made_by), made_by.data(data)
    optimizers = {
        name: make_optimizer_for(name, arguments, len(data.train), made_by) for name in arguments.optimizer
    }
    print(f"{net!r}\n{counted(len(data.train), 'training image')}, {counted(arguments.epochs, 'epoch')}")
    with np.errstate(over="ignore", invalid="ignore"):  # a training that diverges is told in words
        nets, histories = compare_optimizers(
            net, data, optimizers,
            epochs=arguments.epochs, batch_size=arguments.batch_size, drop_last=not arguments.keep_last,
            augment=made_by.augment if arguments.augment else None, seed=arguments.seed,
            keep_best=arguments.keep_best, progress=not arguments.quiet,
            checkpoint=checkpoint, resume=checkpoint if arguments.resume else None,
        )  # fmt: skip
        parts = ("train", "val", "test") if arguments.test else ("train", "val")
        print(results_table(nets, histories, data, parts))
    stopped = [f"{name}: {history.stopped}" for name, history in histories.items() if history.stopped]
    for reason in stopped:
        print(reason, file=sys.stderr)
        if checkpoint is not None and "interrupted" in reason:
            print(f"add --resume to go on from {checkpoint}", file=sys.stderr)
    if figure_path is not None:
        plots.save(plots.compare_histories(histories), figure_path)
        print(f"Saved {figure_path}")
    return 1 if stopped else 0


def _check_options(arguments, checkpoint):
    if checkpoint is not None and len(arguments.optimizer) > 1:
        raise ValueError(
            f"--checkpoint holds one training, and {' '.join(arguments.optimizer)} make "
            f"{len(arguments.optimizer)}; give one --optimizer"
        )
    _at_least(arguments, seed=0, epochs=1, batch_size=1)
    if arguments.keep_best and not arguments.val:
        raise ValueError("--keep-best needs validation images; --val says how many")
    if arguments.resume and checkpoint is None:
        raise ValueError("--resume needs --checkpoint, the path to go on from")


def _at_least(arguments, **least):
    for name, lowest in least.items():
        if (value := getattr(arguments, name)) < lowest:
            raise ValueError(f"--{name.replace('_', '-')} must be at least {lowest}, got {value}")


def find_mine():
    """Return the learner's functions, as `MyNetwork`, and print which they are."""
    from nn_helpers.course.lab import work_copy_here
    from nn_helpers.course.work_copy import require
    from nn_helpers.exercises.mine import my_network  # only who asks for them waits for the exercises

    mine = my_network(require("--mine", work_copy_here()))
    print(mine)
    return mine


def library():
    """Return what makes a training of the library's; `MyNetwork` has the same names."""
    return SimpleNamespace(
        net=ClassificationNet, data=lambda data: data, optimizer=make_optimizer, schedule=CosineWithWarmup,
        augment=flip_and_shift,
    )  # fmt: skip


def make_network(arguments, data, made_by=None):
    """Return the network that the options of `train` describe."""
    return (made_by or library()).net(
        input_size=data.input_size, hidden_sizes=arguments.hidden, num_classes=data.num_classes,
        activation=arguments.activation, reg=arguments.reg, init=arguments.init, dtype=arguments.dtype,
        seed=arguments.seed, dropout=arguments.dropout,
    )  # fmt: skip


def make_optimizer_for(name, arguments, N, made_by=None):
    """Return the optimizer of this name as `train` describes it; gd comes with arguments of its own."""
    made_by = made_by or library()
    lr, batch_size = arguments.lr, N if name == "gd" else arguments.batch_size
    if arguments.schedule == "cosine":
        # At least one: a batch larger than the data is reported by `train`.
        steps = arguments.epochs * max(1, steps_per_epoch(N, batch_size, not arguments.keep_last))
        lr = made_by.schedule(lr, steps, steps // 20)
    if name == "gd":
        return made_by.optimizer("sgd", lr), {"batch_size": None}
    options = {"weight_decay": arguments.weight_decay} if name == "adamw" else {}
    return made_by.optimizer(name, lr, **options)


def results_table(nets, histories, data, parts):
    """Return a text table: loss and accuracy of every network on these parts of the data, and its time."""
    parts = [part for part in parts if len(getattr(data, part))]
    lines = [f"{'':10}{'steps':>7}{'seconds':>9}{'train loss':>12}" + "".join(f"{p:>8}" for p in parts)]
    for name, history in histories.items():
        results = {part: evaluate(nets[name], data, part) for part in parts}
        seconds = history.records[-1].seconds if len(history) else 0.0
        lines.append(
            f"{name:10}{len(history):>7}{seconds:>9.2f}{results['train'][0]:>12.4f}"
            + "".join(f"{results[part][1]:>8.1%}" for part in parts)
        )
    return "\n".join(lines)


def run_search(arguments):
    """Try the configurations, print a table, and save the best network where that is asked for."""
    from nn_helpers.support.files import explain_failure, require_writable, temporary_file
    from nn_helpers.training.estimator import NetClassifier  # scikit-learn comes in only here
    from nn_helpers.training.search import configurations, fit, search, table

    _at_least(arguments, seed=0, seeds=1, epochs=1, images=1, val=1, jobs=-1 if arguments.jobs == -1 else 1)
    path = getattr(arguments, "save", None)
    if path is not None:  # now, and not after an hour of training
        place = require_writable("search", "--save", path, ".safetensors")
        with explain_failure("--save", place), temporary_file(place, b""):
            pass
    varied = {"hidden_sizes": "hidden"} | {name: name for name in ("lr", "reg", "dropout", "optimizer")}
    choices = {name: getattr(arguments, option) for name, option in varied.items()}
    count = None if arguments.how == "grid" else arguments.count
    tried = configurations(choices, count, arguments.seed)
    with _cluster(getattr(arguments, "scheduler", None)) as client:
        data = load_images(getattr(arguments, "data", None)).subset(arguments.images, val=arguments.val)
        if missing := set(range(len(data.class_names))) - set(data.train.labels.tolist()):
            without = ", ".join(data.class_names[label] for label in sorted(missing))
            raise ValueError(f"no training image shows {without}; write a larger --images")
        found = search(
            data, tried, epochs=arguments.epochs, seeds=arguments.seeds, halving=arguments.how == "halving",
            jobs=arguments.jobs, client=client, progress=not arguments.quiet,
        )  # fmt: skip
    print(table(found))
    if path is not None or arguments.test:
        if found[0].mean < 0:
            raise ValueError("every training diverged, so there is no best network; write a smaller --lr")
        best = fit(NetClassifier(**found[0].configuration, epochs=found[0].epochs, random_state=0), data).net_
        if path is not None:
            best.save(path)
            print(f"Saved {path}")
        if arguments.test:
            print(f"accuracy of the best one's first seed on the test images: {evaluate(best, data)[1]:.1%}")
    return 0


def _cluster(address):
    """Return a client of a Dask cluster, or what stands for none."""
    if address is None:
        return nullcontext()
    try:
        from dask.distributed import Client

        return Client(address, timeout=10)
    except ModuleNotFoundError:
        raise ValueError("--scheduler needs Dask; pip install 'dask[distributed]'") from None
    except (OSError, ValueError) as error:
        said = f"--scheduler {address}: no Dask cluster answers there ({error})"
        raise ValueError(f"{said}; an address is such as tcp://10.0.0.1:8786") from None


def run_data(arguments):
    """Fetch CIFAR-10 and say where it is."""
    print(f"CIFAR-10 is in {download_cifar10(arguments.root, progress=not arguments.quiet)}")
    return 0


def run_doctor(arguments):
    """Say what was found; the exit status is 1 when something needs attention."""
    from nn_helpers.course.doctor import doctor

    report = doctor()
    print(report)
    return 0 if report.in_order else 1


def run_report(arguments):
    """Print what a class stumbled over, and write what is asked for."""
    from nn_helpers.course.report import report
    from nn_helpers.support.files import require_writable

    if arguments.csv is not None:  # now, and not after thousands of records
        require_writable("report", "--csv", arguments.csv, ".csv")
    if arguments.figure is not None:
        from nn_helpers import plots

        plots.check_path(arguments.figure, "--figure")
    found = report(arguments.folder)
    saved = []
    try:  # before what is printed, for whoever reads may stop, as with | head
        if arguments.csv is not None:
            found.write_csv(arguments.csv, arguments.names)
            saved.append(f"Saved {arguments.csv}")
        if arguments.figure is not None:
            plots.save(found.figure(), arguments.figure)
            saved.append(f"Saved {arguments.figure}")
    finally:
        print(*found.problems, sep="\n", end="\n" * bool(found.problems), file=sys.stderr)
        print(found.in_words(arguments.names), *saved, sep="\n")
    return 0


def run_grade(arguments):
    """Judge what a class handed in, and save what was asked for."""
    from nn_helpers.course.grade import grade
    from nn_helpers.course.gradebook import check_places, report, write_csv, write_feedback

    check_places(arguments.folder, arguments.csv, arguments.feedback)
    students, seed = grade(arguments.folder, arguments.seed, arguments.unprotected)
    said = [report(students), f"\nOnce more with the same fresh inputs: --seed {seed}"]
    try:  # before what is printed, for whoever reads may stop, as with | head
        if arguments.csv:
            write_csv(students, arguments.csv)
            said.append(f"Saved {arguments.csv}")
        if arguments.feedback:
            write_feedback(students, arguments.feedback)
            said.append(f"Saved {len(students)} page{'s' * (len(students) > 1)} in {arguments.feedback}")
    finally:
        print(*said, sep="\n")
    return 0


def main(argv=None):
    """Run the command line; errors that a user can mend are one message, without a traceback."""
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - closed, and progress bars need one
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a pipe on Windows knows no →; \u2192 is better than an error
            stream.reconfigure(errors="backslashreplace")
    # The preset first: it gives all other options their defaults, which --help shows too.
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--preset", nargs="?")  # what is wrong with it, the second look tells
    top = parser(first.parse_known_args(argv)[0].preset)
    arguments, arguments.options = top.parse_known_args(argv)
    arguments.given = sys.argv[1:] if argv is None else argv
    for_jupyter = arguments.command == "lab" and not arguments.copy_only
    if arguments.options and not for_jupyter:  # options that JupyterLab knows, we do not
        top.parse_args(argv)
    try:
        return arguments.run(arguments)
    except BrokenPipeError:  # whoever reads has read enough, as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, TypeError, OSError, MemoryError) as error:
        reason = str(error).removeprefix(f"{arguments.command}: ") or "there is not enough memory"
        if isinstance(error, FileNotFoundError) and error.errno and not error.filename:  # of os.getcwd
            reason = "the current folder is gone; change into one that is there"
        reason = reason.replace("use batch_size=None", "use --optimizer gd")
        if "total_steps is" in reason:  # of a training that is resumed
            reason += ". The cosine schedule ends with the last epoch, so --epochs must be what it was"
        print(f"{program()} {arguments.command}: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
