"""Networks as files: what is loaded is what was saved, bit for bit, and a disk that fails spoils nothing."""

import itertools
import json
import os
import pickle
import textwrap

import numpy as np
import pytest
from faults import CTRL_C, DISK_FULL, ERRNO, FORBIDDEN, failing_disk
from networks import save_small_net, small_net
from processes import run_python
from runs import blobs
from safetensors import safe_open
from safetensors.numpy import load_file

from nn_helpers import SGD, ClassificationNet, train
from nn_helpers.layers import ACTIVATIONS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("hidden", "activation"),
    [*itertools.product([[], [4], [4, 3, 7]], ACTIVATIONS), ([4, 3, 7], ["tanh", "relu", "sigmoid"])],
)
def test_a_loaded_network_is_the_saved_one(tmp_path, dtype, activation, hidden):
    options = {"hidden_sizes": hidden, "activation": activation, "dtype": dtype}
    net, path = save_small_net(tmp_path, reg=0.1, init="xavier", dropout=0.25, **options)
    loaded = ClassificationNet.load(path)
    np.testing.assert_array_equal(loaded.theta, net.theta)
    assert loaded.config == net.config
    assert repr(loaded) == repr(net)
    x = np.random.default_rng(0).standard_normal((7, 5))
    np.testing.assert_array_equal(loaded.predict_proba(x), net.predict_proba(x))


def test_the_file_holds_parameters_by_name_and_the_architecture_as_json(tmp_path):
    net, path = save_small_net(tmp_path, reg=0.1)
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
    net, path = save_small_net(tmp_path, dtype=dtype)
    tensors = load(path)
    x = np.random.default_rng(0).standard_normal((6, 5)).astype(dtype)
    a = torch.from_numpy(x)
    for layer in (1, 2, 3):
        a = torch.nn.functional.linear(a, tensors[f"W{layer}"].T, tensors[f"b{layer}"])
        a = torch.relu(a) if layer < 3 else a
    np.testing.assert_allclose(a.numpy(), net.logits(x), rtol=1e-5 if dtype == "float32" else 1e-13)


def test_an_init_of_your_own_is_noted_and_the_loaded_network_works(tmp_path):
    net, path = save_small_net(tmp_path, init=lambda D, M: 0.3)
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
    _, path = save_small_net(tmp_path, dropout=0.5, activation="tanh")
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
        old, _ = save_small_net(tmp_path)
        error = None
        with failing_disk(tmp_path, at, fault) as disk:
            try:
                new.save(path)
            except (OSError, KeyboardInterrupt) as caught:
                error = caught
        replaced = at > 5 or not disk.failed  # after open of the lock, open, write, fsync, replace
        np.testing.assert_array_equal(ClassificationNet.load(path).theta, (new if replaced else old).theta)
        if isinstance(error, OSError):
            reason = f"save: the network cannot be written: {os.strerror(ERRNO[fault])}: {str(path)!r}"
            assert str(error) == f"[Errno {ERRNO[fault]}] {reason}"
        if not disk.failed:
            break
        if fault == DISK_FULL:
            assert list(tmp_path.iterdir()) == [path]
    assert error is None


def test_safetensors_is_imported_only_where_it_is_needed():
    code = """
    import sys, nn_helpers, numpy as np
    net = nn_helpers.ClassificationNet(4, [3], 2)
    nn_helpers.train(net, (np.ones((9, 4)), np.arange(9) % 2), nn_helpers.SGD(0.1), epochs=1, progress=False)
    print("safetensors" in sys.modules)
    """
    assert run_python(textwrap.dedent(code)) == "False\n"


def test_what_is_not_there_or_a_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.safetensors"):
        ClassificationNet.load(tmp_path / "nothing.safetensors")
    with pytest.raises(ValueError, match="this is a folder"):
        ClassificationNet.load(tmp_path)
    with pytest.raises(TypeError, match="path must be a path"):
        ClassificationNet.load(None)
