"""Files that are no network, or no longer one: an error says which file, and why."""

import random

import numpy as np
import pytest
from networks import ONE, rewrite, save_small_net
from safetensors.numpy import load_file, save

from nn_helpers import ClassificationNet


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no complete safetensors file .*; it is empty"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>" * 9, "it begins like a web page"),
        (b"PK\x03\x04" + bytes(999), "it was cut off, or it is something else"),
        (b"\x80\x04\x95" + bytes(999), "no complete safetensors file"),
        ((2**62).to_bytes(8, "little") + b"{}", "no complete safetensors file"),
        ((99_000_000).to_bytes(8, "little") + b"{}", "no complete safetensors file"),
        ((2).to_bytes(8, "little") + b"{}", "not an nn_helpers file"),
        (save({"weight": ONE}), "not an nn_helpers file"),
        (save({"W1": ONE}, {"format": "pt"}), "not an nn_helpers file"),
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
    _, path = save_small_net(tmp_path)
    rewrite(path, **changes)
    with pytest.raises(ValueError, match=words) as caught:
        ClassificationNet.load(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("key", ["reg", "init", "num_classes", "dropout"])
def test_an_architecture_with_a_gap_is_refused(tmp_path, key):
    net, path = save_small_net(tmp_path)
    rewrite(path, network={k: v for k, v in {**net.config, "dtype": "float32"}.items() if k != key})
    with pytest.raises(ValueError, match=f"{path.name}: .*{key}"):
        ClassificationNet.load(path)


def test_weights_of_another_dtype_or_name_are_refused(tmp_path):
    _, path = save_small_net(tmp_path)
    arrays = load_file(path)
    for wrong, words in (
        ({**arrays, "W1": arrays["W1"].astype(np.float16)}, r"W1 is F16 \(5, 4\), not F32 \(5, 4\)"),
        ({**arrays, "W1": arrays["W1"].astype(np.int32)}, "W1 is I32"),
        ({**arrays, "W1": arrays["W1"].T.copy()}, r"W1 is F32 \(4, 5\), not F32 \(5, 4\)"),
        ({**arrays, "W4": arrays["W1"]}, "W4 is F32 .*, not missing"),
        ({name: array for name, array in arrays.items() if name != "b3"}, "b3 is missing"),
    ):
        rewrite(path, wrong)
        with pytest.raises(ValueError, match=words):
            ClassificationNet.load(path)


def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path):
    _, path = save_small_net(tmp_path, input_size=2, hidden_sizes=[], num_classes=2)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="no complete safetensors file"):
            ClassificationNet.load(path)


def test_a_byte_that_changed_is_noticed_or_means_nothing(tmp_path):
    net, path = save_small_net(tmp_path, input_size=2, hidden_sizes=[], num_classes=2)
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
