"""Lists of arguments for `python -m nn_helpers`, with files, environments and servers of every kind."""

import contextlib
import functools
import io
import os
import re
import shutil
import signal
import sys
from types import SimpleNamespace

import numpy as np

from fuzzing import Given, Target, copies, expect, rewrite
from nn_helpers import ClassificationNet, data, doctor, plots
from nn_helpers import __main__ as cli
from nn_helpers.data import cifar10, download
from nn_helpers.training import steps

WHOLE = (
    "1", "2", "3", "4", "5", "6", "7", "8", "0", "-1", "-0", "+2", "007", "1_0", "٣", " 2 ", "1e3", "0x10",
    "1.0",
    "", "x", "nan", "1000000000", "2147483648", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "1" + "0" * 30, "1" + "0" * 400, "9" * 5000, "-" + "9" * 30,
)  # fmt: skip
REAL = (
    "0", "0.001", "0.01", "0.1", "0.5", "0.9", "1", "-1", "1e-300", "1e-400", "1e30", "1e300", "1e400",
    "nan", "inf",
    "-inf", "-0.0", "0x1p3", "1_0.5", "", "x", "٣", "1e", "0.99999999999999999", "1" + "0" * 400,
)  # fmt: skip
WORDS = (
    "sketches", "cifar10", "relu", "tanh", "he", "sgd", "adam", "adamw", "full", "large", "seed", "cosine",
    "float64",
    "", "-", "--", "---", "-h", "--help", "-1", "--version", "@file", "%s", "%(prog)s", "{}", "\x1b[2J",
    "é", "😀",
    "\udcff", "x" * 5000, "--lr=1", "--hid", "--e", "--no-augment", "=", "a=b", "train", "data", "doctor",
)  # fmt: skip
NAMES = (
    "run", "new", "damaged", "network", "folder", "loop", "to/run", "to/new", "no/such/folder/run",
    "file/run", "",
    ".", "..", "~/run", "~nobody-of-this-name/run", "~", "x" * 300, "a b", "é", "😀", "\udcff", "%s", "-x",
    "to/../run",
    "./run", "link", "dangling", "nul\0l",
)  # fmt: skip
ENDS = {"--figure": (".png", ".png", ".PNG", ".jpg", "", ".png/", ".safetensors"),
        "--checkpoint": (".safetensors", ".safetensors", ".safetensors", ".pt", "", ".safetensors/"),
        "--root": ("",)}  # fmt: skip
CHOICES = {
    "--preset": ("seed", "full", "large"),
    "--data": ("sketches", "cifar10"),
    "--activation": ("relu", "leaky_relu", "sigmoid", "tanh"),
    "--init": ("he", "xavier", "normal"),
    "--schedule": ("constant", "cosine"),
    "--dtype": ("float32", "float64"),
}
OPTIMIZERS = ("gd", "sgd", "momentum", "rmsprop", "adam", "adamw")
SWITCHES = (
    "--quiet",
    "--keep-last",
    "--augment",
    "--no-augment",
    "--keep-best",
    "--no-keep-best",
    "--resume",
)
NUMBERS = {
    "--images": WHOLE, "--val": WHOLE, "--batch-size": WHOLE, "--epochs": WHOLE, "--seed": WHOLE,
    "--lr": REAL, "--reg": REAL, "--dropout": REAL, "--weight-decay": REAL,
}  # fmt: skip
BATCHES = 12  # after so many, Ctrl-C: some ask for 10³⁰ epochs


class Arguments(Target):
    """`main` does what it is asked, or says in one message why not."""

    name = "arguments"
    documented = ()
    warnings = ("RuntimeWarning: training diverged: ",)

    def __init__(self, folder):
        super().__init__(folder)
        self.work, self.home, self.copy = folder / "work", folder / "home", folder / "copy"
        for path in (self.work, self.home, self.copy):
            path.mkdir()
        self._make_small_data()
        self._make_files()
        self._replace_what_is_slow_or_far_away()
        os.chdir(self.work)

    def _make_small_data(self):
        rng = np.random.default_rng(0)
        images, labels = rng.integers(0, 256, (14, 2, 2, 3), np.uint8), np.arange(14) % 10
        part = data.Split(images, labels)
        self.sketches = data.Dataset("sketches", part[:10], test=part[10:])
        data.sketches = lambda: self.sketches
        cifar10.RECORDS_PER_FILE = copies.N
        self.archive = copies.gzipped(
            b"".join(
                copies.member(f"cifar-10-batches-bin/{name}", content)
                for name, content in [
                    ("batches.meta.txt", b"names"),
                    *((f"{name}.bin", bytes(copies.N * copies.RECORD)) for name in cifar10.FILES),
                ]
            )
            + bytes(1024)
        )
        for name in cifar10.FILES:
            (self.copy / f"{name}.bin").write_bytes(bytes(copies.N * copies.RECORD))

    def _make_files(self):
        """Make a checkpoint of the training in `RESUMED`, a network, and what is neither."""
        path = self.folder / "run.safetensors"
        arguments = [*RESUMED, "--checkpoint", str(path), "--quiet"]
        stdout, sys.stdout = sys.stdout, io.StringIO()
        try:
            expect(cli.main(arguments) == 0, "no checkpoint was made")
        finally:
            sys.stdout = stdout
        run = path.read_bytes()
        ClassificationNet(12, [2]).save(path)
        self.files = {
            "run.safetensors": run, "damaged.safetensors": run[:-1], "network.safetensors": path.read_bytes(),
            "folder.safetensors": None, "folder.png": None, "file": b"", "to": None, "run": b"",
        }  # fmt: skip

    def _replace_what_is_slow_or_far_away(self):
        plots.compare_histories = Figure
        finding = doctor.Finding("fuzz", "✓ θ", doctor.TROUBLE, "no advice")
        doctor.doctor = lambda: doctor.Report([finding] if self.trouble else [])
        cli.parser = functools.cache(cli.parser)  # making one takes longer than using it
        self.batches = batches_then_ctrl_c(steps.batches)
        steps.batches = self.batches
        download.ARCHIVE_SIZE = len(self.archive)

        import hashlib

        import requests
        from tqdm.auto import tqdm

        download.ARCHIVE_SHA256 = hashlib.sha256(self.archive).hexdigest()
        requests.get = self._answer
        tqdm.monitor_interval = 0  # no thread
        self.error = requests.ConnectionError

    def _answer(self, url, headers, stream, timeout):
        """Answer as a server might; `self.server` says how."""
        kind, have = self.server, int(headers.get("Range", "bytes=0-")[6:-1])
        if kind == "none":
            raise self.error("no network")
        body, status, sent = self.archive[have:], 206 if have else 200, {}
        if have:
            sent["Content-Range"] = f"bytes {have}-{len(self.archive) - 1}/{len(self.archive)}"
        if kind == "page":
            body, sent = b"<html>", {"Content-Type": "text/html"}
        elif kind == "missing":
            status, body = 404, b""
        elif kind == "short":
            body = body[: len(body) // 2]
        elif kind == "wrong":
            body = b"\x1f\x8b" + bytes(max(0, len(body) - 2))
        elif kind == "empty":
            body = b""
        raw = io.BytesIO(body)
        answer = SimpleNamespace(status_code=status, reason="said so", headers=sent, url=url)
        answer.raw = SimpleNamespace(read=lambda size, decode_content: raw.read(size))
        return _Closing(answer)

    def generate(self, rng):
        command = rng.choice(("train",) * 12 + ("data",) * 3 + ("doctor", "", rng.choice(WORDS)))
        arguments = [command] if command else []
        if command == "train":
            arguments += train_arguments(rng)
        elif command == "data":
            arguments += data_arguments(rng)
        if rng.random() < 0.06:
            arguments.insert(rng.randrange(len(arguments) + 1), rng.choice(WORDS))
        options = {
            "arguments": arguments,
            "NN_HELPERS_DATA": rng.choice((None, None, "", "sketches", "cifar10", "mnist")),
            "CIFAR10_DIR": rng.choice((None, "copy", "copy", "missing", "~nobody-of-this-name")),
            "server": rng.choice(("right", "right", "none", "page", "missing", "short", "wrong", "empty")),
            "trouble": rng.random() < 0.5,
            "encoding": rng.choice(("utf-8", "utf-8", "utf-8", "cp1252", "ascii")),
        }
        return Given({}, options, command if command in ("train", "data", "doctor") else "other")

    def _tidy_up(self):
        for path in self.folder.iterdir():  # what `--root ..` left there
            if path not in (self.work, self.home, self.copy):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        rewrite(self.work, self.files)
        rewrite(self.home, {"run.safetensors": self.files["run.safetensors"]})
        for end in (".safetensors", ".png"):
            for name, to in {"loop": "loop", "link": "run", "dangling": "no/where"}.items():
                with contextlib.suppress(OSError):  # Windows asks for a right that few have
                    (self.work / f"{name}{end}").symlink_to(f"{to}{end}")

    def prepare(self, given):
        if self.touched:
            self._tidy_up()
        options = given.options
        where = {"copy": str(self.copy), "missing": str(self.folder / "missing")}
        wanted = {
            "NN_HELPERS_DATA": options["NN_HELPERS_DATA"],
            "CIFAR10_DIR": where.get(options["CIFAR10_DIR"], options["CIFAR10_DIR"]),
            "HOME": str(self.home),
            "NN_HELPERS_CACHE": str(self.home / "cache"),
        }
        for name, value in wanted.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        self.server, self.trouble = options["server"], options["trouble"]
        self.batches.left = BATCHES

    def run(self, given):
        arguments, encoding = given.options["arguments"], given.options["encoding"]
        stdout = io.TextIOWrapper(io.BytesIO(), encoding)
        stderr = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace")
        was, argv = (sys.stdout, sys.stderr), sys.argv
        sys.stdout, sys.stderr, sys.argv = stdout, stderr, ["nn_helpers", *arguments]
        try:
            status, by = cli.main(), "main"
        except SystemExit as stopped:
            status, by = stopped.code, "argparse"
        finally:
            (sys.stdout, sys.stderr), sys.argv = was, argv
        stdout.flush()
        stderr.flush()
        out, err = (stream.buffer.getvalue().decode(encoding) for stream in (stdout, stderr))
        expect("Traceback" not in out + err, f"a traceback: {err[-500:]}")
        expect(status in (0, 1, 2), f"the exit status is {status!r}")
        if status == 2:
            self._look_at_refusal(arguments, by, err)
            return f"status 2 by {by}", err.splitlines()[-1] if by == "argparse" else _without_bar(err)
        if status == 1 and arguments[:1] != ["doctor"]:
            expect("training diverged" in err or "interrupted after step" in err, f"no reason: {err[-500:]}")
            return "status 1", _without_bar(err)
        return f"status {status}", ""

    def _look_at_refusal(self, arguments, by, err):
        if by == "argparse":
            expect(err.startswith("usage: python -m nn_helpers"), f"no usage: {err[:300]}")
            expect(": error: " in err.splitlines()[-1], f"the last line is no error: {err[-300:]}")
            return
        said = f"python -m nn_helpers {arguments[0]}: "
        message = _without_bar(err)
        expect(message.startswith(said) and len(message) > len(said), f"no message: {err[-300:]}")
        expect("codec can't" not in message, f"it could not be printed: {message}")
        several = ("found no CIFAR-10", "could not be downloaded", "only damaged copies")
        expect("\n" not in message or any(s in message for s in several), f"several lines: {message[:300]}")


def _without_bar(err):
    """Return what was printed to stderr from the last error on, without progress bars before it."""
    starts = [match.start() for match in re.finditer("^python -m nn_helpers ", err, re.M)]
    return (err[starts[-1] :] if starts else err.splitlines()[-1] if err else "").rstrip("\n")


class Figure:
    """In the place of a figure of these histories, as drawing one takes its time."""

    def __init__(self, histories):
        for history in histories.values():
            len(history)

    def _repr_png_(self):
        return b"\x89PNG"


class _Closing:
    """A server's answer, in a `with` statement."""

    def __init__(self, answer):
        self.answer = answer

    def __enter__(self):
        return self.answer

    def __exit__(self, *error):
        pass


def batches_then_ctrl_c(batches):
    """Return `batches` for training, with Ctrl-C after `left` of them."""

    def counted(*args, **kwargs):
        for batch in batches(*args, **kwargs):
            if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # training, not measuring
                counted.left -= 1
                if counted.left == 0:
                    signal.raise_signal(signal.SIGINT)
            yield batch

    counted.left = BATCHES
    return counted


# What the checkpoint is of that --resume finds
RESUMED = [
    "train",
    "--data",
    "sketches",
    "--images",
    "6",
    "--val",
    "2",
    "--hidden",
    "2",
    "--optimizer",
    "adam",
    "--batch-size",
    "3",
    "--epochs",
    "1",
]


def train_arguments(rng):
    """Return options of `train`: in half of the cases such that all of them can be right."""
    if rng.random() < 0.15:  # what the checkpoint is of, and a change or two
        arguments = [*RESUMED[1:-1], rng.choice(("1", "2", "3")), "--resume", "--checkpoint"]
        arguments.append(
            rng.choice(("run", "run", "run", "damaged", "network", "new", "~/run")) + ".safetensors"
        )
        more = rng.choice((0, 0, 1, 2))
    else:
        images = rng.choice(("4", "6", "6", "8"))
        arguments = ["--images", images, "--val", "2", "--hidden", *rng.choice(((), ("2",), ("3", "2")))]
        arguments += [
            "--batch-size",
            rng.choice(("1", "2", "3", "4")),
            "--epochs",
            rng.choice(("1", "1", "2")),
        ]
        more = rng.choice((0, 1, 1, 2, 3, 5))
        if rng.random() < 0.3:
            arguments = rng.sample(arguments, rng.randrange(len(arguments)))
    for _ in range(more):
        option = option_of_train(rng)
        at = rng.choice((0, len(arguments), len(arguments)))
        arguments[at:at] = option
    return arguments if rng.random() < 0.2 else [*arguments, "--quiet"]


def option_of_train(rng):
    """Return one option with its value or values, right or not."""
    kind = rng.randrange(14)
    if kind < 5:
        name = rng.choice(list(NUMBERS))
        value = rng.choice(NUMBERS[name][:10]) if rng.random() < 0.5 else rng.choice(NUMBERS[name])
        return [f"{name}={value}"] if value.startswith("-") or rng.random() < 0.2 else [name, value]
    if kind == 5:
        return ["--hidden", *(rng.choice(WHOLE) for _ in range(rng.choice((0, 1, 2, 3))))]
    if kind == 6:
        return ["--hidden", *["1"] * rng.choice((5, 9, 20, 20, 200))]
    if kind == 7:
        known = OPTIMIZERS if rng.random() < 0.85 else (*OPTIMIZERS, *WORDS)
        return ["--optimizer", *(rng.choice(known) for _ in range(rng.choice((1, 1, 1, 2, 3, 6))))]
    if kind == 8:
        name = rng.choice(list(CHOICES))
        return [name, rng.choice(CHOICES[name] if rng.random() < 0.8 else WORDS)]
    if kind < 11:
        return [rng.choice(SWITCHES)]
    name = rng.choice(("--figure", "--checkpoint"))
    if name == "--checkpoint" and rng.random() < 0.7:
        return [name, path(rng, name), "--optimizer", rng.choice(OPTIMIZERS)]
    return [name, path(rng, name)]


def data_arguments(rng):
    """Return options of `data`."""
    arguments = []
    if rng.random() < 0.8:
        arguments += ["--root", path(rng, "--root")]
    return [*arguments, "--quiet"] if rng.random() < 0.5 else arguments


def path(rng, option):
    """Return a path within the working folder, or one that cannot be."""
    name = rng.choice(NAMES)
    end = rng.choice(ENDS[option])
    if rng.random() < 0.05 and option != "--root":
        return rng.choice(("/dev/null/x", "/proc/self/mem/x", "/proc/no-such-thing/x")) + end
    return name + end
