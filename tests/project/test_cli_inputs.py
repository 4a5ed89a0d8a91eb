"""Whatever the arguments are, what was asked for is done, or one message says why not."""

import functools
import io
import os
import re
import shutil
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_helpers import __main__ as cli
from nn_helpers import data, plots
from nn_helpers.course import doctor, kit
from nn_helpers.data import cifar10, download
from nn_helpers.training import steps

WHOLE = [*"123123123", "0", "-1", "٣", "1e3", "", "x", "nan", "2147483648", "1" + "0" * 30, "9" * 5000]
REAL = [
    *["0", "0.01", "0.5", "0.9"] * 3,
    "1",
    "-1",
    "1e-400",
    "1e30",
    "1e300",
    "1e400",
    "nan",
    "inf",
    "",
    "x",
]
WORDS = ["", "-", "--", "-h", "--version", "@file", "%s", "%(prog)s", "\x1b[2J", "😀", "\udcff", "--e", "="]
NAMES = [
    "run",
    "new",
    "copy",
    "damaged",
    "folder",
    "no/such/run",
    "file/run",
    ".",
    "~/run",
    "~nobody-of-this-name/run",
    "",
]
NAMES += ["x" * 300, "a b", "é", "\udcff", "%s", "-x", "to/../run", "link", "nul\0l", ""]
CHOICES = ["--activation=tanh", "--schedule=cosine", "--dtype=float64", "--keep-last", "--augment", "--quiet"]
CHOICES += ["--keep-best", "--resume", "--preset=full", "--data=cifar10", "--init=x"]
RUN = "train --data sketches --images 6 --val 2 --hidden 2 --optimizer adam --batch-size 3 --epochs"
BATCHES = 12  # after so many Ctrl-C is pressed: some ask for 10³⁰ epochs


def path_option(name, ends):
    return st.builds(lambda where, end: [name, where + end], st.sampled_from(NAMES), st.sampled_from(ends))


def arguments(begin, *options, most):
    more = st.lists(st.one_of(*options), max_size=most)
    return more.map(lambda lists: [*begin.split(), *(text for texts in lists for text in texts)])


whole, real = st.sampled_from(WHOLE), st.sampled_from(REAL)
words = st.tuples(st.sampled_from(WORDS) | st.text(max_size=9))
options = (
    st.tuples(st.sampled_from(["--images", "--val", "--batch-size", "--epochs", "--seed"]), whole),
    st.tuples(st.sampled_from(["--lr", "--reg", "--dropout", "--weight-decay"]), real),
    st.lists(whole, max_size=9).map(lambda sizes: ["--hidden", *sizes]),
    st.lists(st.sampled_from(cli.COMPARED), max_size=3).map(lambda names: ["--optimizer", *names]),
    path_option("--checkpoint", [*[".safetensors"] * 4, ".safetensors/", ".pt"]),
    path_option("--figure", [*[".png"] * 4, ".PNG", ".jpg"]),
    st.tuples(st.sampled_from(CHOICES)),
)
root = path_option("--root", [""])
ARGUMENTS = st.one_of(
    arguments(f"{RUN} 1", *options, most=3),
    arguments(f"{RUN} 1", *options, words, most=3),
    arguments(f"{RUN} 3", *options, most=1),
    arguments(f"{RUN} 2 --resume --checkpoint run.safetensors", *options, most=2),
    arguments("data", root, most=1),
    arguments("data", root, words, most=2),
    arguments("doctor", words, most=1),
    arguments("reset", words, most=2),
    arguments("progress", words, st.tuples(st.sampled_from(NAMES)), most=2),
    arguments("kit", words, st.tuples(st.sampled_from(NAMES)), most=2),
    arguments("report", words, st.tuples(st.sampled_from(NAMES)), path_option("--csv", [".csv", ""]), most=3),
    arguments("grade", words, most=2),
    arguments("", words, *options, most=4),
)
written = None  # paths outside of the folder, while the command line is watched


def collect(event, given):
    """An audit hook: Python calls it whenever a file is opened, made, renamed or removed."""
    changes = event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if written is not None and (changes or event in ("os.mkdir", "os.rename", "os.remove", "os.link")):
        written.extend(os.path.realpath(path) for path in given[:2] if isinstance(path, str | bytes | Path))


def batches_then_ctrl_c(batches):
    def counted(*args, **kwargs):
        for batch in batches(*args, **kwargs):
            counted.left -= 1
            if counted.left == 0:
                signal.raise_signal(signal.SIGINT)
            yield batch

    return counted


def no_pip(command, **options):
    return SimpleNamespace(returncode=1, stderr="ERROR: there is no network")


@pytest.fixture(scope="module")
def tidy_up(tmp_path_factory):
    """What makes the folder as it was, with a training to go on from; there is little data and no network."""
    sys.addaudithook(collect)  # it cannot be taken away again
    folder, make, patch = tmp_path_factory.mktemp("cli") / "work", cli.parser, pytest.MonkeyPatch()
    part = data.Split(np.random.default_rng(0).integers(0, 256, (14, 2, 2, 3), np.uint8), np.arange(14) % 10)
    sketches = data.Dataset("sketches", part[:10], test=part[10:])
    trouble = doctor.Report([doctor.Finding("inputs", "✓ θ", doctor.TROUBLE, "no advice")])
    for where, name, replacement in (
        (data, "sketches", lambda: sketches),
        (steps, "batches", batches_then_ctrl_c(steps.batches)),
        (plots, "compare_histories", lambda histories: SimpleNamespace(_repr_png_=lambda: b"\x89PNG")),
        (doctor, "doctor", lambda: trouble),
        (kit.subprocess, "run", no_pip),
        (download, "MIRRORS", ()),
        (cifar10, "RECORDS_PER_FILE", 2),
        (cli, "parser", functools.cache(make)),  # making one takes longer than using it
    ):
        patch.setattr(where, name, replacement)
    for name in ("HOME", "USERPROFILE", "NN_HELPERS_CACHE", "XDG_CACHE_HOME"):
        patch.setenv(name, str(folder / "home"))
    patch.delenv("CIFAR10_DIR", raising=False)
    (folder / "folder").mkdir(parents=True)
    patch.chdir(folder)
    steps.batches.left = 1000
    assert cli.main(f"{RUN} 1 --quiet --checkpoint run.safetensors".split()) == 0
    run = Path("run.safetensors").read_bytes()
    files = {"run.safetensors": run, "damaged.safetensors": run[:-1], "file": b"", "run": b""}
    yield lambda: make_afresh(files)
    patch.undo()


def make_afresh(files):
    for path in Path().iterdir():
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    for name, content in files.items():
        Path(name).write_bytes(content)
    for name in ("folder.safetensors", "folder.png", "to", "copy", "home"):
        Path(name).mkdir()
    for name in cifar10.FILES:
        Path("copy", f"{name}.bin").write_bytes(bytes(cifar10.file_size()))
    with suppress(OSError):  # Windows asks for a right that few have
        Path("link.safetensors").symlink_to("run.safetensors")


def run_main(argv, encoding):
    """Return the exit status, and what was printed to stderr."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, errors) for errors in ("strict", "backslashreplace"))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = cli.main(argv)
        except SystemExit as stopped:
            status = stopped.code
        except KeyboardInterrupt:  # it would end all tests
            status = "KeyboardInterrupt"
    err.flush()
    return status, err.buffer.getvalue().decode(encoding)


@pytest.mark.filterwarnings("ignore:training diverged:RuntimeWarning")
@settings(max_examples=250)
@given(argv=ARGUMENTS, encoding=st.sampled_from(["utf-8", "cp1252", "ascii"]))
def test_any_arguments_bring_what_was_asked_for_or_one_message(tidy_up, argv, encoding):
    global written
    tidy_up()
    steps.batches.left, written = BATCHES, []
    try:
        status, err = run_main(argv, encoding)
        outside = [path for path in written if not Path(path).is_relative_to(Path.cwd())]
    finally:
        written = None
    assert outside in ([], [os.devnull])
    assert "Traceback" not in err
    assert "codec can't" not in err
    assert status in (0, 1, 2, 130)
    messages = [line for line in err.splitlines() if line.startswith("python -m nn_helpers")]
    if status == 2:
        assert len(messages) == 1
        assert re.match(r"python -m nn_helpers( \w+)?: .", messages[0])
    elif status == 1:
        assert argv[0] == "doctor" or "training diverged" in err or "interrupted after step" in err
