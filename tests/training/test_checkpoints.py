"""Networks and trainings as files: what comes back is what was kept, bit for bit, or an error says why."""

import copy
import errno
import itertools
import json
import math
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import textwrap
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from faults import CTRL_C, DISK_FULL, ERRNO, FORBIDDEN, failing_disk
from safetensors import safe_open
from safetensors.numpy import load_file, save, save_file

from nn_helpers import (
    SGD,
    Adam,
    AdamW,
    ArrayDataset,
    ClassificationNet,
    CosineWithWarmup,
    Dataset,
    Momentum,
    Record,
    Split,
    StepDecay,
    compare_optimizers,
    flip_and_shift,
    train,
    training_steps,
)
from nn_helpers import __main__ as cli
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.optimizers import OPTIMIZERS, Optimizer, make_optimizer
from nn_helpers.training import progress as bars
from nn_helpers.training.history import COLUMNS

KILLS = int(
    os.environ.get("NN_HELPERS_KILLS", "6")
)  # NN_HELPERS_KILLS=300 pytest tests/training/test_checkpoints.py -k kill


needs_known_homes = pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")


# --- a network's file --------------------------------------------------------------------------------


def small_net(**options):
    return ClassificationNet(**{"input_size": 5, "hidden_sizes": [4, 3], "num_classes": 3, **options})


def saved(tmp_path, **options):
    net = small_net(**options)
    net.params["b1"] += 0.5
    net.save(tmp_path / "net.safetensors")
    return net, tmp_path / "net.safetensors"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [[], [4], [4, 3, 7]])
def test_a_loaded_network_is_the_saved_one(tmp_path, dtype, activation, hidden):
    options = {"hidden_sizes": hidden, "activation": activation, "dtype": dtype}
    net, path = saved(tmp_path, reg=0.1, init="xavier", dropout=0.25, **options)
    loaded = ClassificationNet.load(path)
    np.testing.assert_array_equal(loaded.theta, net.theta)
    assert loaded.config == net.config
    assert repr(loaded) == repr(net)
    x = np.random.default_rng(0).standard_normal((7, 5))
    np.testing.assert_array_equal(loaded.predict_proba(x), net.predict_proba(x))


def test_the_file_holds_parameters_by_name_and_the_architecture_as_json(tmp_path):
    net, path = saved(tmp_path, reg=0.1)
    arrays = load_file(path)
    assert sorted(arrays) == ["W1", "W2", "W3", "b1", "b2", "b3"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, net.params[name])
        assert array.dtype == np.float32
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    assert about["format"] == 1
    assert about["network"] == {
        "input_size": 5, "hidden_sizes": [4, 3], "num_classes": 3, "activation": "relu", "reg": 0.1,
        "init": "he", "dtype": "float32", "dropout": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pytorch_loads_the_file_and_computes_the_same_logits(tmp_path, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed", exc_type=ImportError)
    load = pytest.importorskip("safetensors.torch", exc_type=ImportError).load_file
    net, path = saved(tmp_path, dtype=dtype)
    tensors = load(path)
    x = np.random.default_rng(0).standard_normal((6, 5)).astype(dtype)
    a = torch.from_numpy(x)
    for layer in (1, 2, 3):
        a = torch.nn.functional.linear(a, tensors[f"W{layer}"].T, tensors[f"b{layer}"])
        a = torch.relu(a) if layer < 3 else a
    np.testing.assert_allclose(a.numpy(), net.logits(x), rtol=1e-5 if dtype == "float32" else 1e-13)


def test_an_init_of_your_own_is_noted_and_the_loaded_network_works(tmp_path):
    net, path = saved(tmp_path, init=lambda D, M: 0.3)
    loaded = ClassificationNet.load(path)
    assert loaded.init == "custom"
    loaded.save(path)
    loaded = ClassificationNet.load(path)
    for other in (loaded, loaded.copy(), pickle.loads(pickle.dumps(loaded))):
        np.testing.assert_array_equal(other.theta, net.theta)
        assert other.init == "custom"
    train(loaded, blobs(), SGD(0.1), epochs=1, progress=False)
    with pytest.raises(
        ValueError,
        match=r"unknown init 'custom': the file says .* write init=… with that function, or one of he",
    ):
        ClassificationNet(**loaded.config)


def test_functions_of_your_own_are_not_stored(tmp_path):
    net = small_net().use(softmax=lambda logits: np.zeros_like(logits))
    net.save(tmp_path / "net.safetensors")
    loaded = ClassificationNet.load(tmp_path / "net.safetensors")
    assert loaded.predict_proba(np.ones((1, 5), np.float32)).sum() == pytest.approx(1)


def test_dropout_of_a_loaded_network_follows_its_own_seed(tmp_path):
    _, path = saved(tmp_path, dropout=0.5, activation="tanh")
    x = np.ones((9, 5), np.float32)
    a, b, c = (ClassificationNet.load(path, seed=seed).forward(x) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_a_path_may_be_text_begin_at_home_or_be_a_link(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    small_net().save("~/net.safetensors")
    assert ClassificationNet.load(str(tmp_path / "net.safetensors")).input_size == 5
    if os.name != "nt":
        (tmp_path / "link.safetensors").symlink_to(tmp_path / "net.safetensors")
        small_net(input_size=6).save(tmp_path / "link.safetensors")
        assert (tmp_path / "link.safetensors").is_symlink()
        assert ClassificationNet.load(tmp_path / "net.safetensors").input_size == 6


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("net.pt", ValueError, r"save: path must end in \.safetensors, got 'net.pt'"),
        ("net", ValueError, r"must end in \.safetensors"),
        ("folder.safetensors", IsADirectoryError, r"folder\.safetensors is a folder; path must be a file in"),
        ("missing/net.safetensors", FileNotFoundError, "there is no folder .*missing; make it"),
        (3, TypeError, r'save: path must be a path such as "run.safetensors", got 3'),
    ],
)
def test_a_network_is_not_saved_where_it_cannot_be(tmp_path, path, error, words):
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(error, match=words):
        small_net().save(tmp_path / path if isinstance(path, str) else path)


@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN, CTRL_C])
def test_wherever_the_disk_fails_a_whole_network_is_there(tmp_path, fault):
    new, path = small_net(seed=1), tmp_path / "net.safetensors"
    for at in itertools.count(1):
        old, _ = saved(tmp_path)
        error = None
        with failing_disk(tmp_path, at, fault) as disk:
            try:
                new.save(path)
            except (OSError, KeyboardInterrupt) as caught:
                error = caught
        replaced = at > 4 or not disk.failed  # after open, write, fsync, replace
        np.testing.assert_array_equal(ClassificationNet.load(path).theta, (new if replaced else old).theta)
        if isinstance(error, OSError):
            reason = f"save: the network cannot be written: {os.strerror(ERRNO[fault])}: {str(path)!r}"
            assert str(error) == f"[Errno {ERRNO[fault]}] {reason}"
        if not disk.failed:
            break
        if fault == DISK_FULL:
            assert list(tmp_path.iterdir()) == [path]
    assert error is None


def disk_full(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_safetensors_is_imported_only_where_it_is_needed():
    code = """
    import sys, nn_helpers, numpy as np
    net = nn_helpers.ClassificationNet(4, [3], 2)
    nn_helpers.train(net, (np.ones((9, 4)), np.arange(9) % 2), nn_helpers.SGD(0.1), epochs=1, progress=False)
    print("safetensors" in sys.modules)
    """
    assert run_python(textwrap.dedent(code)) == "False\n"


# --- files that are no network -----------------------------------------------------------------------


ONE = np.ones((4, 5), np.float32)


def rewritten(path, arrays=None, checksum=None, **changes):
    """Write the file again with other metadata, and a checksum that fits unless another is given."""
    from nn_helpers import saving

    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    for place, value in changes.items():
        about = put(about, place.split("__"), value)
    arrays, text = load_file(path) if arrays is None else arrays, json.dumps(about)
    checksum = checksum or saving._checksum(text, arrays)
    save_file(arrays, path, {"nn_helpers": text, "crc32": checksum})


def put(about, place, value):
    if not place:
        return value
    inner = dict(about)
    inner[place[0]] = put(inner.get(place[0]), place[1:], value)
    return inner


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no complete safetensors file .*; it is empty"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>" * 9, "it begins like a web page"),
        (b"PK\x03\x04" + bytes(999), "it was cut off, or it is something else"),
        (b"\x80\x04\x95" + bytes(999), "no complete safetensors file"),
        ((2**62).to_bytes(8, "little") + b"{}", "no complete safetensors file"),
        ((99_000_000).to_bytes(8, "little") + b"{}", "no complete safetensors file"),
        ((2).to_bytes(8, "little") + b"{}", "not written by nn_helpers"),
        (save({"weight": ONE}), "not written by nn_helpers"),
        (save({"W1": ONE}, {"format": "pt"}), "not written by nn_helpers"),
        (save({"x": ONE}, {"nn_helpers": "[" * 100_000}), "damaged"),
        (save({"x": ONE}, {"nn_helpers": "{"}), "Expecting property name"),
        (save({"x": ONE}, {"nn_helpers": "[]"}), "makes no sense"),
        (save({"x": ONE}, {"nn_helpers": '{"format": 2}'}), "format 2 is of another version .* reads 1"),
        (save({"x": ONE}, {"nn_helpers": '{"format": 1}'}), "makes no sense"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_network_is_one_error_that_names_the_file(tmp_path, content, words):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as caught:
        ClassificationNet.load(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network__hidden_sizes": [4, 4]}, r"W2 is F32 \(4, 3\), not F32 \(4, 4\)"),
        ({"network__hidden_sizes": [4]}, r"[bW]3 is F32 .*, not missing"),
        ({"network__hidden_sizes": [4, 3, 3]}, "W4 is missing, not F32"),
        ({"network__hidden_sizes": [10**12, 3]}, "W1 is F32"),
        ({"network__hidden_sizes": 4}, "makes no sense"),
        ({"network__hidden_sizes": ["4", 3]}, "makes no sense"),
        ({"network__input_size": -5}, "must be at least 1"),
        ({"network__dtype": "float64"}, "W1 is F32 .*, not F64"),
        ({"network__dtype": "float16"}, "unknown dtype 'float16'"),
        ({"network__activation": "swish"}, "unknown activation 'swish'"),
        ({"network__reg": -1}, "reg must be at least 0"),
        ({"network__reg": 10**400}, "reg must be at least 0 and below inf, got 1000"),
        ({"network__dropout": "x"}, "dropout must be a number"),
        ({"network__init": "orthogonal"}, "unknown init 'orthogonal'"),
        ({"network__colour": "red"}, "unexpected keyword argument 'colour'"),
        ({"network": None}, "makes no sense"),
        ({"format": "one"}, "format 'one' is of another version"),
        ({"checksum": "00000000"}, "its checksum is not that of its content"),
        ({"arrays": {"x": ONE}}, "W1 is missing"),
    ],
)  # fmt: skip
def test_an_architecture_that_does_not_fit_is_refused(tmp_path, changes, words):
    _, path = saved(tmp_path)
    rewritten(path, **changes)
    with pytest.raises(ValueError, match=words) as caught:
        ClassificationNet.load(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("key", ["reg", "init", "num_classes", "dropout"])
def test_an_architecture_with_a_gap_is_refused(tmp_path, key):
    net, path = saved(tmp_path)
    rewritten(path, network={k: v for k, v in {**net.config, "dtype": "float32"}.items() if k != key})
    with pytest.raises(ValueError, match=f"{path.name}: .*{key}"):
        ClassificationNet.load(path)


def test_weights_of_another_dtype_or_name_are_refused(tmp_path):
    _, path = saved(tmp_path)
    arrays = load_file(path)
    for wrong, words in (
        ({**arrays, "W1": arrays["W1"].astype(np.float16)}, r"W1 is F16 \(5, 4\), not F32 \(5, 4\)"),
        ({**arrays, "W1": arrays["W1"].astype(np.int32)}, "W1 is I32"),
        ({**arrays, "W1": arrays["W1"].T.copy()}, r"W1 is F32 \(4, 5\), not F32 \(5, 4\)"),
        ({**arrays, "W4": arrays["W1"]}, "W4 is F32 .*, not missing"),
        ({name: array for name, array in arrays.items() if name != "b3"}, "b3 is missing"),
    ):
        rewritten(path, wrong)
        with pytest.raises(ValueError, match=words):
            ClassificationNet.load(path)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    _, path = saved(tmp_path, input_size=2, hidden_sizes=[], num_classes=2)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="no complete safetensors file"):
            ClassificationNet.load(path)


def test_a_byte_that_changed_is_noticed_or_means_nothing(tmp_path):
    net, path = saved(tmp_path, input_size=2, hidden_sizes=[], num_classes=2)
    content, changed = path.read_bytes(), random.Random(0)
    noticed = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << changed.randrange(8)
        path.write_bytes(damaged)
        try:
            loaded = ClassificationNet.load(path)
        except ValueError as error:
            noticed += str(error).startswith(str(path))
        else:
            np.testing.assert_array_equal(loaded.theta, net.theta)
            assert loaded.config == net.config
    assert noticed > len(content) - 100


@needs_known_homes
def test_a_home_folder_that_nobody_has_is_said(tmp_path):
    path = "~nobody-of-this-name/run.safetensors"
    for function, try_it in {
        "load: path": lambda: ClassificationNet.load(path),
        "save: path": lambda: small_net().save(path),
        "train: checkpoint": lambda: Run().train(checkpoint=path),
        "train: resume": lambda: Run().train(resume=path),
    }.items():
        with pytest.raises(FileNotFoundError, match=f"{function} is '~nobody.*no home folder is known"):
            try_it()


def test_what_is_not_there_or_a_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.safetensors"):
        ClassificationNet.load(tmp_path / "nothing.safetensors")
    with pytest.raises(ValueError, match="this is a folder"):
        ClassificationNet.load(tmp_path)
    with pytest.raises(TypeError, match="path must be a path"):
        ClassificationNet.load(None)


# --- a training goes on ------------------------------------------------------------------------------


def blobs(N=60, D=5, C=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(N) % C
    return 2 * np.eye(C, D)[y] + 0.5 * rng.standard_normal((N, D)), y


def pictures(seed=0):
    """22 training and 12 validation pictures of 6×6 pixels; every third one is brighter in one colour."""
    rng = np.random.default_rng(seed)
    labels = np.arange(34) % 3
    images = rng.integers(0, 160, (34, 6, 6, 3), dtype=np.uint8)
    images[np.arange(34), ..., labels] += 40
    part = Split(images, labels)
    return Dataset("colours", part[:22], part[22:], class_names=("red", "green", "blue"))


class PowerCutError(Exception):
    """The end of a process, without the process."""


class Augment:
    """`flip_and_shift`, and at the n-th batch Ctrl-C or the end."""

    def __init__(self, at=None, happens=None):
        self.at, self.happens, self.batches = at, happens, 0

    def __call__(self, images, rng):
        self.batches += 1
        if self.batches == self.at:
            if self.happens is PowerCutError:
                raise PowerCutError
            signal.raise_signal(signal.SIGINT)
        flip_and_shift(images, rng)


def forget(path):
    """Remove a checkpoint and the one before, so that another training may begin there."""
    for file in (path, path.with_name("run.previous.safetensors")):
        file.unlink(missing_ok=True)


STEPS = 6  # of an epoch: 22 pictures in batches of 4, the smaller one too


class Run:
    """A training with everything that has a state: dropout, augmentation, a schedule, the best epoch."""

    def __init__(self, optimizer="adamw", dtype="float32", net=(), **arguments):
        lr = CosineWithWarmup(0.02, 4 * STEPS, 3)
        self.optimizer = make_optimizer(optimizer, lr) if isinstance(optimizer, str) else optimizer
        self.net = ClassificationNet(
            108, [7, 6], 3, reg=0.01, dtype=dtype, **{"dropout": 0.3, "seed": 1, **dict(net)}
        )
        self.arguments = {
            "data": pictures(), "epochs": 4, "batch_size": 4, "drop_last": False, "augment": Augment(),
            "keep_best": True, "seed": 5, "progress": False, **arguments,
        }  # fmt: skip

    def train(self, **arguments):
        self.history = train(self.net, optimizer=self.optimizer, **{**self.arguments, **arguments})
        return self

    def cut_after(self, step, path, every=1, **arguments):
        """Train, and end like a process that is killed after `step` steps."""
        if "resume" not in arguments:
            forget(path)
        with pytest.raises(PowerCutError):
            self.train(
                augment=Augment(step + 1, PowerCutError), checkpoint=path, checkpoint_every=every, **arguments
            )
        return self


def assert_equal(run, expected):
    np.testing.assert_array_equal(run.net.theta, expected.net.theta)
    assert run.optimizer.t == expected.optimizer.t
    np.testing.assert_equal(run.optimizer.state, expected.optimizer.state)
    for ours, theirs in zip(run.history.records, expected.history.records, strict=True):
        for name in Record.__slots__:
            assert name == "seconds" or getattr(ours, name) == getattr(theirs, name), (ours.step, name)
            assert type(getattr(ours, name)) is type(getattr(theirs, name)), name
    assert (np.diff(run.history.to_arrays()["seconds"]) > 0).all()
    assert run.history.stopped == expected.history.stopped
    assert_equal_generators(run.net.rng, expected.net.rng)


def assert_equal_generators(a, b):
    np.testing.assert_equal(a.bit_generator.state, b.bit_generator.state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_training_ends_bit_for_bit_like_one_that_never_stopped(tmp_path, name, dtype):
    path = tmp_path / "run.safetensors"
    expected = Run(name, dtype).train()
    Run(name, dtype).cut_after(2 * STEPS + 3, path)
    assert_equal(Run(name, dtype).train(resume=path), expected)


def test_it_can_stop_after_any_step(tmp_path):
    path = tmp_path / "run.safetensors"
    expected = Run().train(epochs=2)
    for step in range(2 * STEPS):
        Run().cut_after(step, path, epochs=2)
        assert len(load_file(path)["history"]) == step
        assert_equal(Run().train(resume=path, epochs=2), expected)


def test_it_can_stop_again_and_again(tmp_path):
    path = tmp_path / "run.safetensors"
    Run().cut_after(5, path, every=2)
    for step in (8, 8, 13, 17, 22):  # once without a single step
        steps_here = step - len(load_file(path)["history"])
        replayed = len(load_file(path)["history"]) % STEPS
        Run().cut_after(steps_here + replayed, path, every=2, resume=path)
        assert len(load_file(path)["history"]) == step - step % 2
    assert_equal(Run().train(resume=path, checkpoint=path), Run().train())


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": None},
        {"drop_last": True},
        {"shuffle": False},
        {"validate": False, "keep_best": False},
        {"keep_best": False},
        {"data": blobs(), "keep_best": False, "augment": None},
        {"data": ArrayDataset(blobs(), val=blobs(20, seed=1)), "augment": None, "batch_size": 8},
    ],
    ids=str,
)
def test_it_goes_on_with_every_argument(tmp_path, arguments):
    if isinstance(arguments.get("data"), tuple | ArrayDataset):
        make = partial(RunOnPoints, **arguments)
    else:
        make = partial(Run, **arguments)
    path, expected = tmp_path / "run.safetensors", make().train()
    stopped = make(epochs=3).train(checkpoint=path, checkpoint_every=5)
    assert len(stopped.history) < len(expected.history)
    for checkpoint in (path, tmp_path / "run.previous.safetensors"):
        assert_equal(make().train(resume=checkpoint), expected)


class RunOnPoints(Run):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.net = ClassificationNet(5, [6], 3, dtype="float64", dropout=0.2)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
@pytest.mark.parametrize("shared", [False, True])
def test_it_goes_on_with_every_kind_of_generator_and_with_one_for_both_seeds(tmp_path, kind, shared):
    def make():
        rng = np.random.Generator(getattr(np.random, kind)(3))
        rng.integers(9, dtype=np.uint32)  # half of 64 random bits are left over
        return Run(
            net={"seed": rng}, seed=rng if shared else np.random.Generator(getattr(np.random, kind)(4))
        )

    path, expected = tmp_path / "run.safetensors", make().train()
    make().cut_after(STEPS + 3, path)
    resumed = make().train(resume=path)
    assert_equal(resumed, expected)
    assert_equal_generators(resumed.arguments["seed"], expected.arguments["seed"])


def test_a_custom_schedule_and_an_optimizer_of_your_own_go_on_too(tmp_path):
    def falling(t):
        return 0.1 / t

    class Nesterov(Momentum):
        remembers = ("v", "last")

        def update(self, theta, gradient, lr, scratch, v, last):
            np.copyto(last, v)
            super().update(theta, gradient, lr, scratch, v)
            theta += self.beta * (v - last)

    def make():
        return Run(Nesterov(falling))

    path, expected = tmp_path / "run.safetensors", make().train()
    make().cut_after(STEPS + 3, path)
    assert_equal(make().train(resume=path), expected)


class Mine(Optimizer):
    remembers = ("v",)

    def __init__(self, lr, beta=0.9):
        super().__init__(lr)
        self.beta, self.steps, self.net = beta, 0, small_net()

    def update(self, theta, gradient, lr, scratch, v):
        self.steps += 1
        v *= self.beta
        v -= lr * gradient
        theta += v


class Falling:
    def __init__(self, lr, at=(3, 9)):
        self.lr, self.at = lr, np.array(at)

    def __call__(self, t):
        return self.lr / (1 + int((t >= self.at).sum()))


def test_an_optimizer_and_a_schedule_of_your_own_class_are_told_apart_by_their_attributes(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run(Mine(Falling(0.01))).train()
    Run(Mine(Falling(0.01))).cut_after(STEPS + 3, path)
    for other, words in (
        (Mine(Falling(0.01), 0.1), "optimizer beta is 0.9 there and 0.1 here"),
        (Mine(Falling(9.0)), "optimizer lr lr is 0.01 there and 9.0 here"),
        (Mine(Falling(0.01, (3, 8))), r"optimizer lr at is \[3, 9\] there and \[3, 8\] here"),
        (Mine(0.01), "optimizer lr kind is Falling there and missing here"),
    ):
        with pytest.raises(ValueError, match=words):
            Run(other).train(resume=path)
    assert_equal(Run(Mine(Falling(0.01))).train(resume=path), expected)


def test_an_optimizer_that_was_used_before_goes_on_from_where_it_was(tmp_path):
    def make():
        optimizer = Adam(0.01)
        train(Run().net, pictures(), optimizer, epochs=1, batch_size=4, progress=False)
        return Run(optimizer)

    path, expected = tmp_path / "run.safetensors", make().train()
    make().cut_after(STEPS + 3, path)
    assert_equal(make().train(resume=path), expected)
    assert_equal(Run(Adam(0.01)).train(resume=path), expected)


def test_what_the_network_and_the_optimizer_were_before_does_not_matter(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run().train()
    Run().cut_after(STEPS + 3, path)
    other = Run(net={"seed": 9}).train(epochs=1)
    assert_equal(other.train(resume=path), expected)


def test_epochs_counts_the_whole_run_and_may_grow(tmp_path):
    path = tmp_path / "run.safetensors"
    Run(epochs=2).train(checkpoint=path)
    assert_equal(Run(epochs=4).train(resume=path), Run(epochs=4).train())
    with pytest.raises(
        ValueError, match=r"has made 12 steps, into epoch 2, and epochs allows 6; it counts the"
    ):
        Run(epochs=1).train(resume=path)


def test_a_finished_training_is_only_read(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run().train()
    Run().train(checkpoint=path)
    augment = Augment()
    assert_equal(Run().train(resume=path, augment=augment), expected)
    assert augment.batches == 0


def test_the_best_epoch_may_lie_before_the_stop(tmp_path):
    def make():  # goes down for two epochs, and far away from there on
        return Run(SGD(lambda t: 0.02 if t <= 2 * STEPS else 5.0), net={"dropout": 0.0})

    path, expected = tmp_path / "run.safetensors", make().train()
    accuracy = expected.history.epochs()["val_accuracy"]
    assert np.argmax(accuracy) <= 1  # or this test would show nothing
    make().cut_after(2 * STEPS + 3, path)
    resumed = make().train(resume=path)
    assert_equal(resumed, expected)
    assert resumed.net.score(*standardised(pictures())) == np.max(accuracy)


def standardised(data):
    return data.standardise(data.val.images), data.val.labels


def test_ctrl_c_leaves_a_checkpoint_of_the_last_step(tmp_path):
    path, expected = tmp_path / "run.safetensors", Run().train()
    stopped = Run().train(augment=Augment(STEPS + 3, signal.SIGINT), checkpoint=path)
    assert stopped.history.stopped == f"interrupted after step {STEPS + 3} of {4 * STEPS}"
    assert len(load_file(path)["history"]) == STEPS + 3
    assert_equal(Run().train(resume=path), expected)


def test_a_second_ctrl_c_leaves_no_checkpoint_of_half_a_step(tmp_path):
    class Twice(SGD):
        def update(self, theta, gradient, lr, scratch):
            theta[::2] -= lr * gradient[::2]
            if self.t == STEPS + 3 and self._stuck:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            theta[1::2] -= lr * gradient[1::2]

    def make(stuck):
        optimizer = Twice(0.1)
        optimizer._stuck = stuck
        return Run(optimizer)

    path = tmp_path / "run.safetensors"
    make(stuck=True).train(checkpoint=path)
    assert len(load_file(path)["history"]) == STEPS
    assert_equal(make(stuck=False).train(resume=path), make(stuck=False).train())


@pytest.fixture(scope="module")
def states():
    """What a training of two epochs is after each step: parameters, and the optimizer's count and memory."""
    run, after = Run(), []
    arguments = {k: v for k, v in run.arguments.items() if k not in ("data", "keep_best", "progress")}

    def look():
        memory = {name: array.copy() for name, array in run.optimizer.state.items()}
        after.append((run.net.theta.copy(), run.optimizer.t, memory))

    look()
    for _ in training_steps(run.net, run.arguments["data"], run.optimizer, **{**arguments, "epochs": 2}):
        look()
    return after


def assert_as_after(run, step, states):
    theta, t, memory = states[step]
    assert [record.step for record in run.history.records] == list(range(1, step + 1))
    assert run.history.stopped == f"interrupted after step {step} of {2 * STEPS}"
    np.testing.assert_array_equal(run.net.theta, theta)
    assert run.optimizer.t == t
    if step:
        np.testing.assert_equal(run.optimizer.state, memory)


def go_on(path):
    return Run(epochs=2).train(resume=path)


@pytest.mark.parametrize("step", range(1, 2 * STEPS + 1))
def test_ctrl_c_in_any_step_ends_after_it_with_everything_as_it_left_it(tmp_path, states, step):
    path = tmp_path / "run.safetensors"
    augment = Augment(step, signal.SIGINT)
    run = Run(epochs=2, keep_best=False).train(augment=augment, checkpoint=path)
    assert_as_after(run, step, states)
    assert len(load_file(path)["history"]) == step
    assert_equal(Run(epochs=2, keep_best=False).train(resume=path), Run(epochs=2, keep_best=False).train())


@pytest.mark.parametrize("step", range(1, 2 * STEPS + 1))
def test_an_interrupt_between_two_steps_leaves_a_checkpoint_of_the_first(tmp_path, monkeypatch, step):
    class Bar:
        def show(self, record):
            if record.step == step:
                raise KeyboardInterrupt

    path = tmp_path / "run.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(bars, "Quiet", Bar)
        run = Run(epochs=2).train(checkpoint=path)
    assert run.history.stopped == f"interrupted after step {step} of {2 * STEPS}"
    assert len(load_file(path)["history"]) == len(run.history) == step
    assert_equal(go_on(path), Run(epochs=2).train())


class Interrupted:
    """A function that raises KeyboardInterrupt when it is called for the n-th time, or never."""

    def __init__(self, function, at=None):
        self.function, self._at, self.calls = function, at, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        if self.calls == self._at:
            raise KeyboardInterrupt
        return self.function(*arguments, **options)


PLACES = (
    "augment", "lr", "affine_forward", "relu_forward", "cross_entropy", "l2_penalty", "affine_backward",
    "relu_backward",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupt_in_a_function_of_your_own_leaves_everything_as_the_last_step_did(tmp_path, place):
    def make(at=None):
        run = Run(epochs=2, keep_best=False, augment=flip_and_shift)
        if place == "augment":
            mine = run.arguments["augment"] = Interrupted(flip_and_shift, at)
        elif place == "lr":
            mine = run.optimizer.lr = Interrupted(run.optimizer.lr, at)
        else:
            mine = Interrupted(run.net.functions[place], at)
            run.net.use(**{place: mine})
        return run, mine

    path = tmp_path / "run.safetensors"
    expected, mine = make()
    begun, after = [], []  # calls before each step, and what it left

    def look(run, mine):
        memory = {name: array.copy() for name, array in run.optimizer.state.items()}
        begun.append(mine.calls)
        after.append((run.net.theta.copy(), run.optimizer.t, memory))

    expected.train()
    counted, mine = make()
    arguments = {k: v for k, v in counted.arguments.items() if k not in ("keep_best", "progress")}
    look(counted, mine)
    for _ in training_steps(counted.net, optimizer=counted.optimizer, **arguments):
        look(counted, mine)
    for at in sorted({begun[0] + 1, begun[2] + 1, begun[STEPS - 1] + 1, begun[STEPS], begun[-1]}):
        run, _ = make(at)
        run.train(checkpoint=path)
        assert_as_after(run, len(run.history), after)
        assert_equal(make()[0].train(resume=path), expected)


def test_checkpoints_change_nothing_in_a_training(tmp_path):
    assert_equal(Run().train(checkpoint=tmp_path / "run.safetensors", checkpoint_every=1), Run().train())


def test_the_progress_bar_begins_where_the_training_does(tmp_path, capsys):
    path = tmp_path / "run.safetensors"
    Run(epochs=2).train(checkpoint=path)
    Run().train(resume=path, progress=True)
    shown = capsys.readouterr().err
    assert "12/24" in shown
    assert "24/24" in shown
    assert " 0/24" not in shown


# --- what is refused ---------------------------------------------------------------------------------


def other_pictures():
    data = pictures()
    images = data.train.images.copy()
    images[-1, -1, -1, -1] ^= 1
    return Dataset(data.name, Split(images, data.train.labels), data.val, class_names=data.class_names)


def other_labels(part):
    data, splits = pictures(), {}
    for name in ("train", "val"):
        split = getattr(data, name)
        splits[name] = Split(split.images, split.labels[::-1].copy()) if name == part else split
    return Dataset(data.name, **splits, class_names=data.class_names)


def other_net(**options):
    def change(run):
        run.net = ClassificationNet(
            **{
                "input_size": 108,
                "hidden_sizes": [7, 6],
                "num_classes": 3,
                "reg": 0.01,
                "dropout": 0.3,
                **options,
            }
        )

    return change


def optimizer(optimizer):
    return lambda run: setattr(run, "optimizer", optimizer)


def with_function(run):
    run.net.use(softmax=lambda logits: logits)


COSINE = CosineWithWarmup(0.02, 4 * STEPS, 3)


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        (other_net(hidden_sizes=[7]), {}, r"network hidden_sizes is \[7, 6\] there and \[7\] here"),
        (other_net(activation="tanh"), {}, "network activation is relu there and tanh here"),
        (other_net(dtype="float64"), {}, "network dtype is float32 there and float64 here"),
        (other_net(reg=0.1), {}, "network reg is 0.01 there and 0.1 here"),
        (other_net(dropout=0.1), {}, "network dropout is 0.3 there and 0.1 here"),
        (other_net(seed=np.random.Generator(np.random.SFC64())), {}, "generators dropout is PCG64 .* SFC64"),
        (with_function, {}, r"functions of your own is \[\] there and \['softmax'\] here"),
        (optimizer(Adam(COSINE)), {}, "optimizer kind is AdamW there and Adam here"),
        (optimizer(AdamW(COSINE, weight_decay=0.1)), {}, "weight_decay is 0.01 there and 0.1"),
        (optimizer(AdamW(0.02)), {}, "optimizer lr kind is CosineWithWarmup there and missing here"),
        (optimizer(AdamW(StepDecay(0.02, 3))), {}, "lr kind is CosineWithWarmup there and StepDecay"),
        (
            optimizer(AdamW(CosineWithWarmup(0.02, 30, 3))),
            {},
            "optimizer lr total_steps is 24 there and 30 here. Pass what that run began with",
        ),
        (None, {"batch_size": 5}, "batch_size is 4 there and 5 here"),
        (None, {"drop_last": True}, "drop_last is False there and True here"),
        (None, {"shuffle": False}, "shuffle is True there and False here"),
        (None, {"seed": 6}, "seed is 5 there and 6 here"),
        (None, {"seed": np.random.Generator(np.random.MT19937())}, "generators order is PCG64 .* MT19937"),
        (None, {"augment": None}, "augment is Augment there and None here"),
        (None, {"augment": flip_and_shift}, "augment is Augment there and flip_and_shift here"),
        (None, {"augment": partial(flip_and_shift, shift=2)}, r"and flip_and_shift\(shift=2\) here"),
        (None, {"keep_best": False}, "keep_best is True there and False here"),
        (None, {"validate": False, "keep_best": False}, "validate is True there and False here"),
        (None, {"data": pictures().subset(20)}, "data train examples is 22 there and 20 here"),
        (None, {"data": pictures(seed=1)}, "data train checksum"),
        (None, {"data": other_pictures()}, "data train checksum"),
        (None, {"data": other_labels("train")}, "data train checksum"),
        (None, {"data": other_labels("val")}, "data val checksum"),
    ],
)  # fmt: skip
def test_another_training_is_refused_and_nothing_is_changed(tmp_path, change, arguments, words):
    path = tmp_path / "run.safetensors"
    Run().train(epochs=1, checkpoint=path)
    content, other = path.read_bytes(), Run(**arguments)
    if change:
        change(other)
    before = other.net.theta.copy(), copy.deepcopy(other.net.rng)
    with pytest.raises(ValueError, match=words) as caught:
        other.train(resume=path, checkpoint=path)
    assert f"{path} is of another training" in str(caught.value)
    np.testing.assert_array_equal(other.net.theta, before[0])
    assert_equal_generators(other.net.rng, before[1])
    assert (other.optimizer.t, other.optimizer.state) == (0, {})
    assert path.read_bytes() == content


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    with pytest.raises(
        FileNotFoundError, match=r"there is no checkpoint .* A training that begins without resume"
    ):
        Run().train(resume=path, checkpoint=path)
    Run().net.save(path)
    with pytest.raises(ValueError, match=r"a network and no training; ClassificationNet\.load reads it"):
        Run().train(resume=path)
    path.write_bytes(b"<html>")
    with pytest.raises(
        ValueError, match=r"this checkpoint cannot be resumed: .*run.safetensors: no complete"
    ):
        Run().train(resume=path)
    with pytest.raises(TypeError, match="resume must be a path such as"):
        Run().train(resume=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"training__generators__now": {}},
        {"training__generators__dropout": None},
        {"training__generators__epoch_began__state__state": -1},
        {"training__t": "6"},
        {"training__t": -1},
        {"training__t": 10**400},
        {"training__remembers": ["M"]},
        {"training__remembers": None},
        {"training__steps": 5},
        {"training__best_accuracy": None},
        {"training__best_accuracy": "high"},
        {"training__best_accuracy": float("nan")},
        {"training__settings": None},
        {"training": []},
    ],
    ids=str,
)
def test_a_checkpoint_that_makes_no_sense_is_refused_and_nothing_is_changed(tmp_path, changes):
    assert_refused(one_checkpoint(tmp_path / "run.safetensors"), Run(), changes)


def one_checkpoint(path, **arguments):
    """Write a checkpoint of one epoch, and none before it."""
    forget(path)
    Run(**arguments).train(epochs=1, checkpoint=path)
    path.with_name("run.previous.safetensors").unlink()
    return path


def assert_refused(path, run, changes, words="", arrays=None):
    """Rewrite a checkpoint, and see that it is refused with nothing changed."""
    rewritten(path, arrays, **changes)
    before = copy.deepcopy(run)
    with pytest.raises(ValueError, match=rf"run\.safetensors: .*{words}") as caught:
        run.train(resume=path)
    assert str(caught.value).isprintable()
    np.testing.assert_array_equal(run.net.theta, before.net.theta)
    assert (run.optimizer.t, run.optimizer.state) == (0, {})
    assert_equal_generators(run.net.rng, before.net.rng)
    if isinstance(run.arguments["seed"], np.random.Generator):
        assert_equal_generators(run.arguments["seed"], before.arguments["seed"])


@pytest.mark.parametrize(
    "names", [["M", "W"], ["M"], [], ["M", "M", "V"], [["M"], "V"], [None, "V"], [{}]], ids=str
)
def test_a_checkpoint_with_another_memory_than_the_optimizers_is_refused(tmp_path, names):
    path = one_checkpoint(tmp_path / "run.safetensors")
    arrays = {name: array for name, array in load_file(path).items() if "optimizer" not in name}
    arrays |= {f"optimizer.{name}": Run().net.theta for name in names}
    assert_refused(path, Run(), {"training__remembers": names}, arrays=arrays)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[::-1], "its history does not count step"),
        (lambda rows: np.concatenate([rows, rows]), "its history does not count step"),
        (lambda rows: rows[1:], "its history does not count step"),
        (lambda rows: put_number(rows, "step", np.nan), "its history does not count step"),
        (lambda rows: put_number(rows, "step", 1e300), "its history does not count step"),
        (lambda rows: put_number(rows, "epoch", np.inf), "its history does not count epoch"),
        (lambda rows: put_number(rows, "epoch", 2), "its history does not count epoch"),
        (lambda rows: put_number(rows, "epoch_ends", 0), "its history does not count epoch_ends"),
    ],
)
def test_a_history_that_does_not_count_its_steps_is_refused(tmp_path, change, words):
    path = one_checkpoint(tmp_path / "run.safetensors")
    arrays = load_file(path)
    arrays["history"] = change(arrays["history"]).copy()
    assert_refused(path, Run(), {"training__steps": len(arrays["history"])}, words, arrays)


def put_number(rows, column, number):
    rows[-1, COLUMNS.index(column)] = number
    return rows


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_parameters_that_are_no_numbers_are_nothing_to_go_on_from(tmp_path, number):
    path = one_checkpoint(tmp_path / "run.safetensors")
    arrays = load_file(path)
    arrays["b1"][0] = number
    assert_refused(path, Run(), {}, "parameters are not all finite", arrays)


@pytest.mark.parametrize("position", [-1, 625, 65_536, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("kind", ["MT19937", "Philox"])
def test_a_generator_is_not_sent_beyond_its_own_memory(tmp_path, kind, position):
    def make():
        return Run(seed=np.random.Generator(getattr(np.random, kind)(5)))

    path = tmp_path / "run.safetensors"
    make().train(epochs=1, checkpoint=path)
    path.with_name("run.previous.safetensors").unlink()
    place = "state__pos" if kind == "MT19937" else "buffer_pos"
    # By us, and from NumPy 2.5 on by NumPy.
    refused = rf"(position {position} in a|pos(ition)? must be between)"
    assert_refused(path, make(), {f"training__generators__now__{place}": position}, refused)


def test_what_a_file_says_steers_no_terminal_and_fills_none(tmp_path):
    path, odd = one_checkpoint(tmp_path / "run.safetensors"), "\x1b[2J\n" * 9000
    for changes in ({"training__settings__seed": odd}, {"training__settings": {odd: 1}}, {"format": odd}):
        one_checkpoint(path)
        rewritten(path, **changes)
        with pytest.raises(ValueError, match=r"run\.safetensors.*\\x1b\[2J\\n.*…") as caught:
            Run().train(resume=path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 2000
    _, path = saved(tmp_path)
    rewritten(path, network__activation=odd)
    with pytest.raises(ValueError, match=r"unknown activation '\\x1b\[2J") as caught:
        ClassificationNet.load(path)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"checkpoint": "run.pt"}, ValueError, r"checkpoint must end in \.safetensors, got 'run\.pt'"),
        ({"checkpoint": "folder.safetensors"}, IsADirectoryError, "is a folder; checkpoint must be a file"),
        (
            {"checkpoint": "no/run.safetensors"},
            FileNotFoundError,
            "there is no folder .*no; make it, or correct",
        ),
        ({"checkpoint": 1}, TypeError, "checkpoint must be a path such as"),
        ({"checkpoint_every": 5}, ValueError, "checkpoint_every needs a checkpoint"),
        ({"checkpoint": "run.safetensors", "checkpoint_every": 0}, ValueError, "must be at least 1, got 0"),
        ({"checkpoint": "run.safetensors", "checkpoint_every": 0.5}, TypeError, "must be a whole number"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_said_before_training(
    tmp_path, monkeypatch, arguments, error, words
):
    monkeypatch.chdir(tmp_path)
    Path("folder.safetensors").mkdir()
    Run().train(epochs=1, checkpoint="good.safetensors")
    run, augment = Run(), Augment()
    theta = run.net.theta.copy()
    for more in ({}, {"resume": "good.safetensors"}):
        with pytest.raises(error, match=words):
            run.train(augment=augment, **arguments, **more)
    assert augment.batches == 0
    np.testing.assert_array_equal(run.net.theta, theta)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"augment": "flip"}, "augment must be a function such as flip_and_shift, got 'flip'"),
        ({"augment": flip_and_shift}, "augment changes pictures"),
        ({"seed": -1}, "train: seed must be a whole number of at least 0, .* got -1"),
        ({"keep_best": True}, "keep_best needs validation pictures"),
        ({"checkpoint_every": 0}, "checkpoint_every must be at least 1"),
    ],
)
def test_a_refused_call_changes_no_file(tmp_path, arguments, words):
    paths = {name: {"checkpoint": tmp_path / f"{name}.safetensors"} for name in "ab"}
    with pytest.raises((TypeError, ValueError), match=words):
        train(small_net(), blobs(), SGD(0.1), progress=False, **paths["a"], **arguments)
    runs = {"a": (SGD(0.1), paths["a"]), "b": (SGD(0.1), {**paths["b"], **arguments})}
    with pytest.raises((TypeError, ValueError), match=words):
        compare_optimizers(small_net(), blobs(), runs, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (
            lambda path: Run().cut_after(3, path),
            r'holds a training that stands at step 3\. .* pass resume=".*" .*--resume.* to go on',
        ),
        (lambda path: Run().net.save(path), r"holds a network\. .* it: delete it, or name another path"),
        (lambda path: path.write_bytes(b"mine"), "no complete safetensors file .* delete it, or name"),
        (lambda path: one_checkpoint(path) and rewritten(path, format=2), "of another version of nn_helpers"),
    ],
)
@pytest.mark.parametrize("name", ["run.safetensors", "run.previous.safetensors"])
def test_no_training_writes_over_what_it_did_not_go_on_from(tmp_path, put, words, name):
    path, there, other = (tmp_path / file for file in ("run.safetensors", name, "other.safetensors"))
    Run().train(epochs=1, checkpoint=other)
    put(path)
    content = path.read_bytes()
    forget(path)
    there.write_bytes(content)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    run = Run()
    for arguments in ({}, {"resume": other}):
        with pytest.raises(FileExistsError, match=f"{re.escape(str(there))}.* {words}"):
            run.train(checkpoint=path, **arguments)
    with pytest.raises(FileExistsError, match=words):
        compare_optimizers(
            run.net, pictures(), {"a": SGD(0.1), "b": (SGD(0.1), {"checkpoint": path})}, progress=False
        )
    assert run.optimizer.t == 0
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_name_too_long_for_the_one_before_is_said_before_training(tmp_path):
    path, augment = tmp_path / f"{'r' * 236}.safetensors", Augment()
    small_net().save(path)
    path.unlink()
    with pytest.raises(OSError, match=r"the checkpoint cannot be written: .*r\.previous\.safetensors'"):
        Run().train(checkpoint=path, augment=augment)
    assert augment.batches == 0
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_never_began_is_written_over_and_the_one_before_may_be_gone_on_from(tmp_path):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    Run().cut_after(0, path)
    Run().train(checkpoint=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24, "run.previous.safetensors": 18}
    with pytest.raises(FileExistsError, match=r"run\.safetensors holds a training that stands at step 24"):
        Run().train(checkpoint=path, resume=previous)
    path.unlink()
    Run().train(checkpoint=path, resume=previous)
    assert steps_in(tmp_path)["run.safetensors"] == 24


def test_a_folder_without_permission_is_said_before_training(tmp_path, monkeypatch):
    path, augment = tmp_path / "run.safetensors", Augment()
    if os.name == "nt" or os.geteuid() == 0:  # Windows has other permissions, and root has all

        def forbidden(*arguments):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("builtins.open", forbidden)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(
        PermissionError, match=r"the checkpoint cannot be written: Permission denied.*run\.safe"
    ):
        Run().train(checkpoint=path, augment=augment)
    assert augment.batches == 0


# --- what is written, and when -----------------------------------------------------------------------


def steps_in(folder):
    return {path.name: len(load_file(path)["history"]) for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("links", [True, False])
def test_the_last_two_checkpoints_are_kept(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", forbidden_link)
    path = tmp_path / "run.safetensors"
    Run().cut_after(0, path)
    assert steps_in(tmp_path) == {"run.safetensors": 0}
    Run().cut_after(2 * STEPS + 1, path, every=None)
    assert steps_in(tmp_path) == {"run.safetensors": 2 * STEPS, "run.previous.safetensors": STEPS}
    Run().train(checkpoint=path, checkpoint_every=9, resume=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24, "run.previous.safetensors": 18}
    forget(path)
    Run().train(checkpoint=path)
    assert steps_in(tmp_path) == {"run.safetensors": 24, "run.previous.safetensors": 18}


def forbidden_link(*arguments):
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_checkpoint_is_a_saved_network_as_well(tmp_path):
    path = tmp_path / "run.safetensors"
    run = Run(keep_best=False).train(checkpoint=path)
    np.testing.assert_array_equal(ClassificationNet.load(path).theta, run.net.theta)


def test_a_checkpoint_holds_every_column_of_the_history(tmp_path):
    assert COLUMNS == tuple(Record.__slots__)
    path = tmp_path / "run.safetensors"
    run = Run().train(checkpoint=path)
    arrays = load_file(path)
    memory = ["optimizer.m_sum", "optimizer.v_sum"]
    assert sorted(arrays) == sorted([*run.net.params, *memory, "history", "best"])
    losses = arrays["history"][:, COLUMNS.index("loss")]
    np.testing.assert_array_equal(losses, run.history.to_arrays()["loss"])
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    assert about["versions"]["numpy"] == np.__version__
    assert about["training"]["settings"]["optimizer"]["lr"] == {
        "kind": "CosineWithWarmup", "lr": 0.02, "total_steps": 24, "warmup_steps": 3, "final_lr": 0.0
    }  # fmt: skip


def damage(path):
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, "its checksum is not that of its content"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "no complete safetensors file"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (Path.unlink, "No such file"),
        (lambda path: rewritten(path, training__remembers=None), "makes no sense"),
    ],
)
def test_when_the_newest_is_damaged_the_one_before_goes_on_with_a_warning(tmp_path, spoil, words):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    expected = Run().train()
    Run().cut_after(STEPS + 3, path, every=2)
    spoil(path)
    kept = previous.read_bytes()
    with pytest.warns(
        RuntimeWarning, match=f"{words}.* Going on from .*run.previous.safetensors, step 6"
    ) as caught:
        Run().cut_after(0, path, resume=path, every=None)
    assert caught[0].filename == __file__
    assert previous.read_bytes() == kept  # and not what could not be read
    assert_equal(Run().train(resume=path), expected)


def other_format(path):
    rewritten(path, format=2)


def other_program(path):
    save_file({"weight": ONE}, path)


@pytest.mark.parametrize(
    ("put", "words"),
    [
        (lambda path: Run().net.save(path), "a network and no training; ClassificationNet.load reads it"),
        (other_format, "format 2 is of another version of nn_helpers"),
        (other_program, "not written by nn_helpers"),
    ],
)
@pytest.mark.parametrize("which", ["newest", "the one before"])
def test_a_file_that_is_not_damaged_is_not_passed_over(tmp_path, put, words, which):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    Run().cut_after(3, path)
    if which == "the one before":
        damage(path)
    put(path if which == "newest" else previous)
    contents = path.read_bytes(), previous.read_bytes()
    with pytest.raises(ValueError, match=f"this checkpoint cannot be resumed: .*{words}"):
        Run().train(resume=path, checkpoint=path)
    assert (path.read_bytes(), previous.read_bytes()) == contents


def not_permitted(path, monkeypatch):
    """Let a file be one that may not be read; root may read all."""
    path.chmod(0)
    if os.name == "nt" or os.geteuid() == 0:

        def refuse(file, *arguments, **options):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

        monkeypatch.setattr("builtins.open", refuse)


def test_a_file_that_may_not_be_read_is_not_passed_over_nor_said_to_be_missing(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    Run().cut_after(3, path)
    with monkeypatch.context() as patch:
        not_permitted(path, patch)
        for read in (ClassificationNet.load, lambda path: Run().train(resume=path)):
            with pytest.raises(PermissionError, match=r"Permission denied: '.*run\.safetensors'"):
                read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path):
    pipe = tmp_path / "run.safetensors"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/null"):
        for read in (ClassificationNet.load, lambda path: Run().train(resume=path)):
            with pytest.raises(ValueError, match=f"{path}: this is a device and no file"):
                read(path)


def test_when_neither_can_be_read_both_reasons_are_given(tmp_path):
    path, previous = tmp_path / "run.safetensors", tmp_path / "run.previous.safetensors"
    Run().cut_after(3, path)
    damage(path)
    previous.write_bytes(b"")
    with pytest.raises(ValueError, match=r"its checksum is not .* Nor can the one before it: .* it is empty"):
        Run().train(resume=path)


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_full_disk_ends_no_training_and_spoils_no_checkpoint(tmp_path, monkeypatch, fails):
    path, augment = tmp_path / "run.safetensors", Augment()
    works, calls = getattr(os, fails), []

    def full_for_a_while(*arguments):
        calls.append(augment.batches)
        return works(*arguments) if augment.batches < STEPS or augment.batches > 3 * STEPS else disk_full()

    monkeypatch.setattr(os, fails, full_for_a_while)
    augment.at, augment.happens = 3 * STEPS + 1, PowerCutError
    said = pytest.warns(RuntimeWarning, match=r"could not be written after step 6 .*No space left")
    with said as caught, pytest.raises(PowerCutError):
        Run(augment=augment).train(checkpoint=path)
    assert "stays as it was after step 0. If training goes on" in str(caught[0].message)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(calls) > 3  # it was tried again
    monkeypatch.undo()
    assert set(steps_in(tmp_path)) <= {"run.safetensors", "run.previous.safetensors"}
    assert steps_in(tmp_path)["run.safetensors"] == 0
    assert_equal(Run().train(resume=path), Run().train())


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN, CTRL_C])
def test_wherever_the_disk_fails_the_training_can_be_gone_on_with(tmp_path, monkeypatch, fault, links):
    path, expected = tmp_path / "run.safetensors", Run(epochs=2).train()
    if not links:
        monkeypatch.setattr(os, "link", forbidden_link)
    outcomes = []
    for at in itertools.count(1):
        for file in tmp_path.iterdir():
            file.unlink()
        run, augment, error, outcome = Run(epochs=2), Augment(), None, "whole"
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with failing_disk(tmp_path, at, fault, lasting=links) as disk:
                try:
                    run.train(checkpoint=path, augment=augment)
                except (OSError, KeyboardInterrupt) as caught:
                    error, outcome = caught, "refused"
        if error is not None:  # the first checkpoint: nothing was trained
            assert augment.batches == 0
            assert isinstance(error, KeyboardInterrupt) or "the checkpoint cannot be written" in str(error)
        elif run.history.stopped:
            outcome = "interrupted"
            assert fault == CTRL_C
        else:
            assert_equal(run, expected)
        if said:
            outcome = "warned"
            messages = [str(warning.message) for warning in said]
            written = len(load_file(path)["history"])
            assert re.search(f"could not be written after step ({STEPS}|{2 * STEPS}) ", messages[0])
            ended = f"ended after step {2 * STEPS}, and {path} stays as it was after step {written}"
            late = f"after step {STEPS} " in messages[0] and written < 2 * STEPS
            assert [ended in message for message in messages[1:]] == [True] * late
        if error is None:
            assert len(load_file(path)["history"]) in (0, STEPS, 2 * STEPS)
            assert_equal(Run(epochs=2).train(resume=path), expected)
        outcomes.append(outcome)
        if not disk.failed:
            break
    assert outcomes[-1] == "whole"
    assert {"refused", "interrupted" if fault == CTRL_C else "warned"} <= set(outcomes)


def test_each_time_the_disk_is_full_is_said_once_and_so_is_a_last_checkpoint_that_is_missing(
    tmp_path, monkeypatch
):
    path, fsync, augment, epochs = tmp_path / "run.safetensors", os.fsync, Augment(), 6
    full = [STEPS * epoch for epoch in (2, 4, 5, 6)]
    monkeypatch.setattr(os, "fsync", lambda d: disk_full() if augment.batches in full else fsync(d))
    with pytest.warns(RuntimeWarning) as said:
        Run().train(epochs=epochs, checkpoint=path, augment=augment)
    first, second, last = (str(warning.message) for warning in said)
    assert "could not be written after step 12 " in first
    assert "could not be written after step 24 " in second
    assert f"training ended after step 36, and {path} stays as it was after step 18" in last
    assert steps_in(tmp_path)["run.safetensors"] == 18


def test_ctrl_c_while_the_last_checkpoint_is_written_ends_a_comparison(tmp_path, monkeypatch):
    replace, writes = os.replace, []

    def ctrl_c(*arguments):
        writes.append(arguments)
        if len(writes) == 3:  # of steps 0, 4 and 6
            signal.raise_signal(signal.SIGINT)
        replace(*arguments)

    monkeypatch.setattr(os, "replace", ctrl_c)
    run, first = Run(epochs=1), {"checkpoint": tmp_path / "run.safetensors", "checkpoint_every": 4}
    runs = {"a": (SGD(0.1), first), "b": SGD(0.1)}
    _, histories = compare_optimizers(run.net, optimizers=runs, **run.arguments)
    assert list(histories) == ["a"]
    assert histories["a"].stopped == f"interrupted after step {STEPS} of {STEPS}"
    assert steps_in(tmp_path)["run.safetensors"] == STEPS


def test_after_a_full_disk_checkpoints_are_written_again(tmp_path, monkeypatch):
    path, fsync, augment = tmp_path / "run.safetensors", os.fsync, Augment()
    full = range(2 * STEPS, 3 * STEPS + 1)
    monkeypatch.setattr(os, "fsync", lambda d: disk_full() if augment.batches in full else fsync(d))
    with pytest.warns(RuntimeWarning, match="could not be written after step 12"):
        run = Run().train(checkpoint=path, augment=augment)
    assert_equal(run, Run().train())
    assert steps_in(tmp_path) == {"run.previous.safetensors": 6, "run.safetensors": 24}


def test_parameters_that_are_not_finite_replace_no_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"
    run = Run(SGD(lambda t: 0.01 if t <= 8 else math.inf), "float64")
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        run.train(checkpoint=path, checkpoint_every=1)
    assert all(np.isfinite(array).all() for name, array in load_file(path).items() if name != "history")


def test_a_resumed_training_diverges_like_one_that_never_stopped(tmp_path):
    def make():
        return Run(SGD(lambda t: 0.01 if t <= 8 else t * 1e299), "float64")

    path = tmp_path / "run.safetensors"
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = make().train()
        assert "at step 10 (learning rate 9e+299); one step before it was" in expected.history.stopped
        make().cut_after(9, path)
        assert_equal(make().train(resume=path), expected)


# --- several trainings -------------------------------------------------------------------------------


def test_a_comparison_refuses_one_checkpoint_for_all(tmp_path):
    net, path = small_net(), tmp_path / "run.safetensors"
    with pytest.raises(ValueError, match="a checkpoint holds one training; give each optimizer its own"):
        compare_optimizers(net, blobs(), {"a": SGD(0.1), "b": Adam(0.1)}, checkpoint=path, progress=False)
    assert list(tmp_path.iterdir()) == []
    own = {
        name: (make_optimizer(name, 0.01), {"checkpoint": tmp_path / f"{name}.safetensors"})
        for name in ("sgd", "adam")
    }
    nets, _ = compare_optimizers(net, blobs(), own, epochs=1, progress=False)
    for name, trained in nets.items():
        loaded = ClassificationNet.load(tmp_path / f"{name}.safetensors")
        np.testing.assert_array_equal(loaded.theta, trained.theta)


# --- the command line --------------------------------------------------------------------------------

QUICK = ["train", "--data", "sketches", "--images", "40", "--val", "20", "--hidden", "8", "--quiet"]


@pytest.fixture(scope="module")
def few_sketches():
    from nn_helpers import data

    few = data.sketches(n_train=60, n_test=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nn_helpers.data.sketches", lambda: few)
        yield


def without_seconds(out):
    *rest, last = out.splitlines()
    name, steps, _, *numbers = last.split()
    return rest, name, steps, numbers


def test_the_command_line_goes_on_from_its_checkpoint(few_sketches, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = [*QUICK, "--optimizer", "adam", "--epochs", "4", "--augment", "--dropout", "0.2", "--keep-best"]
    assert cli.main(command) == 0
    expected = without_seconds(capsys.readouterr().out)
    with monkeypatch.context() as patch:
        patch.setattr(cli, "flip_and_shift", stop_at_batch_8(flip_and_shift))
        assert cli.main([*command, "--checkpoint", "run.safetensors"]) == 1
    assert "adam: interrupted after step 8 of 20" in (error := capsys.readouterr().err)
    assert "add --resume to go on from run.safetensors" in error
    assert cli.main([*command, "--checkpoint", "run.safetensors", "--resume"]) == 0
    assert without_seconds(capsys.readouterr().out) == expected
    assert cli.main([*command[:-1], "--checkpoint", "run.safetensors", "--resume"]) == 2
    assert "keep_best is True there and False here" in capsys.readouterr().err
    whole = Path("run.safetensors").read_bytes()
    assert cli.main([*command, "--checkpoint", "run.safetensors"]) == 2
    error = capsys.readouterr().err
    assert "run.safetensors holds a training that stands at step 20. A new" in error
    assert "(in a terminal --resume)" in error
    assert error.count("train: ") == 1
    assert error.count("\n") == 1
    assert Path("run.safetensors").read_bytes() == whole


def stop_at_batch_8(augment):
    seen = []

    def flip_and_shift(images, rng):
        seen.append(len(images))
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)
        augment(images, rng)

    flip_and_shift.__qualname__ = "flip_and_shift"
    return flip_and_shift


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--checkpoint", "run.safetensors"],
            "--checkpoint holds one training, and gd sgd momentum adam make 4;",
        ),
        (["--resume", "--optimizer", "adam"], "--resume needs --checkpoint"),
        (
            ["--optimizer", "adam", "--checkpoint", "run.pt"],
            "checkpoint must end in .safetensors, got 'run.pt'",
        ),
        (["--optimizer", "adam", "--checkpoint", "no.safetensors", "--resume"], "there is no checkpoint"),
        (["--optimizer", "adam", "--checkpoint", "a/b.safetensors"], "there is no folder"),
    ],
)
def test_the_command_line_says_what_it_cannot_do(few_sketches, tmp_path, capsys, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*QUICK, *options]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_plain_gradient_descent_keeps_a_checkpoint_too(few_sketches, tmp_path, capsys):
    command = [*QUICK, "--optimizer", "gd", "--checkpoint", str(tmp_path / "run.safetensors")]
    assert cli.main([*command, "--epochs", "2"]) == 0
    assert cli.main([*command, "--epochs", "3", "--resume"]) == 0
    assert " 3 " in capsys.readouterr().out.splitlines()[-1]


# --- processes that end ------------------------------------------------------------------------------

TRAINING = textwrap.dedent("""
    import os, sys
    import numpy as np
    from nn_helpers import *

    def training(**arguments):
        images = np.random.default_rng(0).integers(256, size=(60, 16, 16, 3), dtype=np.uint8)
        part = Split(images, np.arange(60) % 10)
        data = Dataset("noise", part[:48], part[48:])
        net = ClassificationNet(768, [60, 30], 10, dropout=0.2, seed=2)
        optimizer = AdamW(CosineWithWarmup(0.002, 60, 5))
        history = train(net, data, optimizer, epochs=5, batch_size=4, augment=flip_and_shift, keep_best=True,
                        seed=3, progress=False, checkpoint_every=1, **arguments)
        return net, optimizer, history

    def end(path, net, optimizer, history):
        arrays = history.to_arrays()
        del arrays["seconds"]
        np.savez(path, theta=net.theta, t=optimizer.t, **optimizer.state, **arrays)
""")


def run_python(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def same(a, b):
    with np.load(a) as first, np.load(b) as second:
        assert sorted(first) == sorted(second)
        for name in first:
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_a_training_that_is_killed_again_and_again_ends_like_one_that_never_was(tmp_path):
    checkpoint, ended, expected = (tmp_path / name for name in ("run.safetensors", "end.npz", "expected.npz"))
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    run_python(
        TRAINING + "end(sys.argv[1], *training(checkpoint=sys.argv[2]))", expected, folder / "run.safetensors"
    )
    program = TRAINING + textwrap.dedent("""
        checkpoint, ended = sys.argv[1:]
        resume = checkpoint if os.path.exists(checkpoint) else None
        print("ready", flush=True)
        end(ended, *training(checkpoint=checkpoint, resume=resume))
    """)
    chance, kills, ended_since = random.Random(0), 0, False
    while kills < KILLS or not ended_since:
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, str(checkpoint), str(ended)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout.readline() == "ready\n"
            try:
                process.wait(chance.uniform(0, 0.4) if kills < KILLS else 60)
            except subprocess.TimeoutExpired:
                process.kill()
                kills, ended_since = kills + 1, False
                process.wait()
                if checkpoint.exists():  # else it was killed before training began
                    ClassificationNet.load(checkpoint)
                continue
        assert process.returncode == 0
        same(ended, expected)
        ended_since = True
        forget(checkpoint)  # and once more, from the beginning
        ended.unlink()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
@pytest.mark.parametrize("links", [True, False])
def test_a_process_that_ends_at_any_call_to_the_disk_leaves_a_checkpoint_to_go_on_from(tmp_path, links):
    program = TRAINING + textwrap.dedent("""
        import errno
        from pathlib import Path

        path, links = Path(sys.argv[1]), sys.argv[2] == "True"
        calls = 0

        def ending(function, last):
            def call(*arguments, **options):
                global calls
                calls += 1
                if calls == last:
                    os._exit(9)
                return function(*arguments, **options)
            return call

        def no_link(*arguments):
            raise OSError(errno.EPERM, "no links here")

        if not links:
            os.link = no_link
        training(checkpoint=path)
        good = path.read_bytes()
        for last in range(1, 9):
            for stale in path.parent.iterdir():
                stale.unlink()
            path.write_bytes(good)
            path.with_name("run.previous.safetensors").write_bytes(b"an older one")
            if not (child := os.fork()):
                for name in ("fsync", "link", "replace", "unlink"):
                    setattr(os, name, ending(getattr(os, name), last))
                training(checkpoint=path, resume=path)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            newest = path if path.exists() else path.with_name("run.previous.safetensors")
            assert newest == path or not links
            ClassificationNet.load(newest)
            print(code, end=" ")
    """)
    codes = run_python(program, tmp_path / "run.safetensors", links).split()
    cut, whole = codes.count("9"), codes.count("0")
    assert codes == ["9"] * cut + ["0"] * whole
    assert cut >= 5  # two fsync, unlink, link, replace
    assert whole  # or there would be more to cut off
