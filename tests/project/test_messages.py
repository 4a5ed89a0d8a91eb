"""What is said to somebody who calls something wrongly stays as it is, word for word.

messages.json holds wrong calls and what they bring about: errors, warnings, and what widgets or the command
line say. Each call is Python that is run among the names of `prepared`, in an empty folder of its own.

When a message is to change, change it, record all of them again, and read the difference in git. A new call
is a new line with an empty message.

    python tests/project/test_messages.py
"""

import ast
import contextlib
import io
import json
import os
import pickle
import re
import shutil
import tarfile
import tempfile
import time
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import requests
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import nn_helpers
from nn_helpers import (
    SGD,
    ArrayDataset,
    ClassificationNet,
    Dataset,
    Split,
    exercises,
    plots,
    sketches,
    train,
    widgets,
)
from nn_helpers.__main__ import main
from nn_helpers.course import doctor
from nn_helpers.data import cache_dir, empty_batch
from nn_helpers.optimizers import Optimizer

RECORDED = Path(__file__).with_name("messages.json")
CALLS = json.loads(RECORDED.read_text(encoding="utf-8"))


COSINE = (
    "train --images 20 --val 0 --hidden 5 --optimizer sgd --schedule cosine --quiet "
    "--checkpoint run.safetensors "
)
FEW_SKETCHES = sketches(n_train=100, n_test=20)


@pytest.mark.parametrize("table", CALLS)
def test_every_wrong_call_brings_about_the_message_that_was_recorded(table, tmp_path):
    if table == "posix" and os.name == "nt":
        pytest.skip("Windows has other long names, and guesses where a home would be")
    found = messages(table, tmp_path)
    differences = [
        f"{call}\n  recorded: {recorded!r}\n  now:      {found[call]!r}"
        for call, recorded in CALLS[table].items()
        if recorded != found[call]
    ]
    assert not differences, "\n".join([f"{len(differences)} differences", *differences])


def test_every_call_is_wrong_and_says_so():
    assert [call for calls in CALLS.values() for call, said in calls.items() if not said] == []


def messages(table, folder):
    """Return what each call of a table brings about, as text by call."""
    return {call: message(call, folder / f"{table}{i}") for i, call in enumerate(CALLS[table])}


def message(call, folder):
    """Run a call in a new folder; return its warnings, what it says, and its error, in this order."""
    folder.mkdir()
    here, error, said = os.path.realpath(folder), "", None
    printed = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(record=True) as warned,
        np.errstate(all="ignore"),
        contextlib.redirect_stderr(printed),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        patch.chdir(here)
        for variable in ("NN_HELPERS_DATA", "CIFAR10_DIR", "KERAS_HOME"):
            patch.delenv(variable, raising=False)
        patch.setenv("NN_HELPERS_CACHE", os.path.join(here, "cache"))
        patch.setenv("HOME", here)
        patch.setattr("nn_helpers.data.sketches", lambda: FEW_SKETCHES)
        try:
            said = run(call, prepared(patch))
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    said = str(said) if isinstance(said, str | exercises.Verdict) else ""
    kinds = RuntimeWarning, UserWarning
    all_warned = [f"{w.category.__name__}: {w.message}" for w in warned if w.category in kinds]
    return the_same_everywhere("\n".join(filter(None, [*all_warned, printed.getvalue(), said, error])), here)


def run(call, names):
    """Run Python statements; return the value of the last, if it is an expression."""
    *before, last = ast.parse(call).body
    for statement in before:
        exec(compile(ast.Module([statement], []), call, "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), call, "eval"), names)
    return exec(compile(ast.Module([last], []), call, "exec"), names)


def the_same_everywhere(text, here):
    """Return a text without what differs from machine to machine, or with the versions of packages."""
    root = str(Path(nn_helpers.__file__).resolve().parent.parent)
    text = text.replace(here, "<here>").replace(root, "<root>")
    if os.name == "nt":
        text = text.replace(repr(here)[1:-1], "<here>").replace("\\\\", "/").replace("\\", "/")
    text = text.replace(f"{nn_helpers.__version__} is running", "<version> is running")
    text = re.sub(r"\[Errno \d+\]", "[Errno …]", text)
    return re.sub(r"(?<=no complete safetensors file \().*?(?=\); it )", "…", text)


def last_line(text):
    """Return the last line of a traceback on a page."""
    return text.partition("</pre>")[0].rstrip().rpartition("\n")[2]


def prepared(patch):
    """Return the names that calls use, all of them new: arrays, a network, data, and what makes files."""
    x = np.arange(12.0).reshape(4, 3) / 10
    W, b = np.array([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]]), np.array([0.1, -0.1])
    y = np.array([0, 1, 0, 1])
    images = np.arange(4 * 6 * 5 * 3, dtype=np.uint8).reshape(4, 6, 5, 3)
    split = Split(images, np.arange(4))
    net, optimizer = ClassificationNet(3, [5], 2, dtype="float64"), SGD(0.1)
    data = ArrayDataset((x, y), val=(x, y))
    dataset = Dataset("images", split, split)

    def fit(net=net, data=data, optimizer=optimizer, **options):
        """Train in the right way but for what is said."""
        options = {"epochs": 2, "batch_size": 2, "progress": False, **options}
        return train(net, data, optimizer, **options)

    def kept(net=None, optimizer=None, **options):
        """Return the path of a checkpoint of two epochs."""
        fit(net or ClassificationNet(3, [5], 2, dtype="float64"), checkpoint="run.safetensors",
            optimizer=optimizer or SGD(0.1), **options)  # fmt: skip
        return "run.safetensors"

    def saved():
        net.save("net.safetensors")
        return "net.safetensors"

    def terminal(arguments):
        main(arguments.split())

    def unwritten(z):
        raise NotImplementedError

    def returning(theta, gradient, lr):
        return theta - lr * gradient

    def env(**variables):
        for name, value in variables.items():
            patch.setenv(name, str(value))

    def protected(path):
        Path(path).touch()
        patch.setattr(os, "access", lambda path, mode: False)

    def disk(free=None, writes=None):
        """Leave so many bytes free on the disk, and so many files that can be written."""
        if free is not None:
            patch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=free))
        if writes is not None:
            replace, left = os.replace, iter(range(writes))

            def replace_while_there_is_room(*paths):
                if next(left, None) is None:
                    raise OSError(28, "No space left on device")
                replace(*paths)

            patch.setattr(os, "replace", replace_while_there_is_room)

    def server(status, reason="", content=b"", **headers):
        """Let every download get this answer, or this error."""
        disk(free=10**12)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)

        def get(session, url, **options):
            if isinstance(status, Exception):
                raise status
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return Answer(status, reason, named, io.BytesIO(content), url)

        patch.setattr(requests.Session, "get", get)
        patch.setattr(time, "sleep", lambda seconds: None)

    return {
        **{name: getattr(nn_helpers, name) for name in nn_helpers.__all__},
        **{name: getattr(exercises, name) for name in ("check", "hint", "solution", "yours_or_ours")},
        **{f.__name__: f for f in (archive, batch, cut, damaged, edited, foreign, overrun, written)},
        **{f.__name__: f for f in (fit, kept, saved, terminal, unwritten, returning, env, protected)},
        **{f.__name__: f for f in (disk, server, cache_dir, empty_batch, generator, last_line)},
        "Optimizer": Optimizer, "Path": Path,
        "np": np, "plots": plots, "widgets": widgets, "doctor": doctor, "requests": requests,
        "x": x, "W": W, "b": b, "y": y, "z": x @ W + b, "other": x @ W, "rng": np.random.default_rng(0),
        "net": net, "data": data, "optimizer": optimizer, "images": images, "labels": split.labels,
        "dataset": dataset, "wide": lambda: ClassificationNet(90, [5], 10), "COSINE": COSINE,
        "many": ArrayDataset((np.tile(x, (20, 1)), np.tile(y, 20)), (x, y)),
        "endless": lambda weights, reg: np.inf, "figure": plots.Figure(),
    }  # fmt: skip


class Answer(io.BytesIO):
    """What a server answers, as far as a download looks at it."""

    is_redirect = False

    def __init__(self, status_code, reason, headers, content, url):
        super().__init__()
        self.status_code, self.reason, self.headers, self.url = status_code, reason, headers, url
        self.raw = types.SimpleNamespace(read=lambda size, decode_content: content.read(size))


# What writes files of all kinds, good ones and others; each returns the path


def written(name, content, size=None):
    """Write a file; of zeros up to its size, if that is given."""
    with open(name, "wb") as file:
        file.write(content)
        if size is not None:
            file.truncate(size)
    return Path(name).absolute()


def archive(name, *members, tells=0):
    """Write a .tar.gz of empty files, of which each is said to have so many bytes."""
    with tarfile.open(name, "w:gz", compresslevel=1) as tar:
        for member in members:
            info = tarfile.TarInfo(member)
            info.size = tells
            tar.fileobj.write(info.tobuf())
    return Path(name).absolute()


def batch(labels, data):
    """Return a batch of CIFAR-10 as Python writes it."""
    return pickle.dumps({"labels": labels, "data": data}, 4)


def cut(path):
    Path(path).write_bytes(Path(path).read_bytes()[:-1])
    return path


def damaged(path, at):
    content = bytearray(Path(path).read_bytes())
    content[at] ^= 1
    Path(path).write_bytes(content)
    return path


def foreign(path="foreign.safetensors", about=None, **arrays):
    """Write arrays that another program might have written, with a text that tells of them."""
    save_file(arrays, path, None if about is None else {"nn_helpers": about, "crc32": "0"})
    return path


def edited(path, *keys, **values):
    """Write a file anew, with a right checksum and other content: arrays by name, all else under these keys.

    None leaves an array out, and ... leaves out anything else.
    """
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    arrays, there = load_file(path), about
    for key in keys:
        there = there[key]
    for name, value in values.items():
        if isinstance(value, np.ndarray) or name in arrays:
            arrays[name] = value
        else:
            there[name] = value
    for values in (arrays, there):
        for name in [name for name, value in values.items() if value is (None if values is arrays else ...)]:
            del values[name]
    text = json.dumps(about)
    checksum = zlib.crc32(text.encode())
    for name in sorted(arrays):
        checksum = zlib.crc32(arrays[name], checksum)
    save_file(arrays, path, {"nn_helpers": text, "crc32": f"{checksum:08x}"})
    return path


def generator(kind):
    return np.random.Generator(kind(0))


def overrun(path):
    """Let the state of a checkpoint's MT19937 point beyond its buffer."""
    with safe_open(path, framework="numpy") as file:
        now = json.loads(file.metadata()["nn_helpers"])["training"]["generators"]["now"]
    return edited(path, "training", "generators", now={**now, "state": {**now["state"], "pos": 10**6}})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        CALLS = {table: messages(table, Path(folder)) for table in CALLS}
    RECORDED.write_text(json.dumps(CALLS, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for table, calls in CALLS.items():
        print(f"{table}: {len(calls)}")
        print("".join(f"  says nothing: {call}\n" for call, said in calls.items() if not said), end="")
