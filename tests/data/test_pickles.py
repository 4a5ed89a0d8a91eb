import ast
import io
import os
import pickle
import struct
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_helpers.data.cifar10 import load_cifar10
from nn_helpers.data.pickles import read_batch

N = 20  # images a file, see conftest.py


def read(content):
    pixels = np.empty((N, 3072), np.uint8)
    return read_batch(io.BufferedReader(io.BytesIO(content)), pixels)


def touch(path):
    return f"touch {path}"


def classic(module_and_name, path):
    """A call of a named function, in the oldest instructions: GLOBAL and REDUCE."""
    return b"c" + module_and_name + b"\n(U" + bytes([len(touch(path))]) + touch(path).encode() + b"tR"


def hostile_values(path):
    """Pickled values, without their end, each of which runs a command when `pickle` loads it."""
    command = touch(path).encode()
    text = b"U" + bytes([len(command)]) + command
    spelled = b"\x8c\x02os\x8c\x06system\x93"
    return {
        "GLOBAL, REDUCE": classic(b"os\nsystem", path),
        "STACK_GLOBAL": spelled + text + b"\x85R",
        "memorised": b"\x8c\x02os\x94\x8c\x06system\x94\x93\x94" + text + b"\x85\x94R\x94",
        "eval": b"cbuiltins\neval\n"
        + pickle.dumps(f"__import__('os').system({touch(path)!r})", 4)[11:-1]
        + b"\x85R",
        "INST": b"(" + text + b"ios\nsystem\n",
        "OBJ": b"(csubprocess\nPopen\n]"
        + b"(\x8c\x05touch\x8c"
        + bytes([len(str(path))])
        + str(path).encode()
        + b"eo",
        "NEWOBJ": b"csubprocess\nPopen\n\x8c" + bytes([len(command)]) + command + b"\x85\x81",
        "NEWOBJ_EX": b"csubprocess\nPopen\n)}\x92",
        "by another name": classic(b"posix\nsystem", path),
        "through NumPy": b"cnumpy.testing._private.utils\nrunstring\n" + text + b"}\x86R",
        "inside a state": b"cnumpy\nndarray\n" + spelled + text + b"\x85Rb",
    }


RUN_BY_PICKLE = ["GLOBAL, REDUCE", "STACK_GLOBAL", "memorised", "eval", "INST", "OBJ", "by another name"]


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.mark.skipif(os.name == "nt", reason="touch and posix are for Linux and macOS")
@pytest.mark.parametrize("kind", RUN_BY_PICKLE)
def test_pickle_itself_would_run_these_commands(canary, kind):
    result = pickle.loads(b"\x80\x04" + hostile_values(canary)[kind] + b".", encoding="latin1")
    if hasattr(result, "wait"):
        result.wait()
    assert canary.exists()


@pytest.mark.parametrize("kind", hostile_values("x"))
@pytest.mark.parametrize("where", ["alone", "as the labels", "as the data", "among the labels", "forgotten"])
def test_a_hostile_pickle_is_refused_and_nothing_of_it_runs(canary, kind, where):
    value = hostile_values(canary)[kind]
    labels = b"U\x06labels"
    content = {
        "alone": value,
        "as the labels": b"}(" + labels + value + b"u",
        "as the data": b"}(" + labels + b"](K\x01eU\x04data" + value + b"u",
        "among the labels": b"}(" + labels + b"](K\x01" + value + b"eu",
        "forgotten": value + b"q\x01}",
    }[where]
    with pytest.raises(ValueError, match=r"not a CIFAR-10 batch: .*(asks for|uses|damaged)"):
        read(b"\x80\x02" + content + b".")
    time.sleep(0.01)
    assert not canary.exists()


def test_the_refusal_says_what_was_asked_for(small, tmp_path, canary):
    content = b"\x80\x02" + classic(b"os\nsystem", canary) + b"."
    copy = small.folder(tmp_path / "copy", "python", data_batch_2=content)
    with pytest.raises(ValueError, match=r"data_batch_2: .*it asks for os\.system; nothing of it was run"):
        load_cifar10(copy)


def test_what_was_asked_for_is_shown_without_control_characters():
    with pytest.raises(ValueError, match=r"asks for os\.\\x1b\[2J; nothing"):
        read(b"\x80\x02cos\n\x1b[2J\n.")
    with pytest.raises(ValueError, match=r"asks for os\.x{1,80}; nothing"):
        read(b"\x80\x02cos\n" + b"x" * 900 + b"\n.")


def unaccepted(**changed):
    batch = {"labels": [1] * N, "data": np.zeros((N, 3072), np.uint8)} | changed
    return [pickle.dumps(batch, protocol) for protocol in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"data": np.zeros((N, 3072), np.int8)}, "not of type uint8"),
        ({"data": np.zeros((N, 3072), bool)}, "not of type uint8"),
        ({"data": np.zeros((N, 384), np.int64)}, "not of type uint8"),
        ({"data": np.zeros((N, 3072), [("a", "u1")])}, "not of type uint8"),
        ({"data": np.array([[1, "x"]], object)}, "not a CIFAR-10 batch"),
        ({"data": np.zeros((N + 1, 3072), np.uint8)}, "images where 61,440 belong"),
        ({"data": np.zeros((N - 1, 3072), np.uint8)}, "images where 61,440 belong"),
        ({"data": np.zeros((N, 1024, 3), np.uint8)}, r"not an array of shape \(20, 3072\)"),
        ({"data": np.zeros((3072, N), np.uint8)}, r"not an array of shape \(20, 3072\)"),
        ({"data": np.zeros((N, 3072), np.uint8, order="F")}, "not an array in rows"),
        ({"data": bytes(N * 3072)}, "not a dictionary of labels and data"),
        ({"data": [1]}, "not a dictionary of labels and data"),
        ({"data": None}, "not a dictionary of labels and data"),
        ({"labels": [1] * (N - 1)}, "20 images, and labels for 19"),
        ({"labels": [1] * (N + 1)}, "20 images, and labels for 21"),
        ({"labels": [1] * (N - 1) + [10]}, "record 19 has a label that is not an integer from 0 to 9"),
        ({"labels": [-1] + [1] * (N - 1)}, "record 0 has a label"),
        ({"labels": [True] * N}, "record 0 has a label"),
        ({"labels": ["1"] * N}, "record 0 has a label"),
        ({"labels": [None] * N}, "record 0 has a label"),
        ({"labels": tuple([1] * N)}, "not a dictionary of labels and data"),
        ({"labels": np.ones(N, np.int64)}, "not a"),
    ],
)
def test_a_batch_of_the_wrong_kind_is_refused(change, complaint):
    for content in unaccepted(**change):
        with pytest.raises(ValueError, match=complaint):
            read(content)


def test_the_same_batch_with_nothing_wrong_is_accepted():
    for content in unaccepted():
        assert read(content) == [1] * N


@pytest.mark.parametrize("protocol", [0, 1])
def test_a_batch_in_a_protocol_that_python_2_did_not_write_it_in_is_refused(protocol):
    content = pickle.dumps({"labels": [1] * N, "data": np.zeros((N, 3072), np.uint8)}, protocol)
    with pytest.raises(ValueError, match=r"it uses the instruction .*, as no CIFAR-10 batch does; nothing"):
        read(content)


def test_a_text_of_the_right_length_with_a_character_that_is_no_byte_is_not_decoded():
    text = ("x" * (N * 3072 - 4) + "😀").encode()  # four bytes, so the length is right
    with pytest.raises(ValueError, match="damaged at the instruction BINUNICODE"):
        read(b"X" + struct.pack("<I", len(text)) + text + b".")


def test_a_batch_without_images_is_refused():
    content = pickle.dumps({"labels": [1] * N, "data": np.zeros((N, 3072), np.uint8)}, 3)
    images = b"B" + struct.pack("<I", N * 3072) + bytes(N * 3072)
    assert images in content
    with pytest.raises(ValueError, match=r"not an array of shape \(20, 3072\)"):
        read(content.replace(images, b"C\x01x"))


def test_a_batch_with_images_twice_is_refused():
    for content in unaccepted(more=bytes(N * 3072)):  # which of them would be shown?
        with pytest.raises(ValueError, match="it has images twice"):
            read(content)


def test_an_array_that_is_given_another_state_after_its_images_is_refused():
    content = unaccepted()[-1]  # protocol 5, which gives an array its images as it makes it
    assert content.endswith(b"R\x94u.")
    with pytest.raises(ValueError, match="its data is not an array in rows"):
        read(content[:-2] + b")b" + content[-2:])


def test_a_pickle_of_too_many_instructions_is_refused_before_its_end():
    stream = io.BytesIO(b"N" * 100_000 + b".")
    with pytest.raises(ValueError, match="far too long"):
        read_batch(stream, np.empty((N, 3072), np.uint8))
    assert stream.tell() < 2000


def test_a_text_too_long_to_be_the_images_is_not_even_read():
    content = b"X" + struct.pack("<I", 2 * N * 3072 + 1)
    stream = io.BytesIO(content + b"x" * 1_000_000)
    with pytest.raises(ValueError, match="122,881 bytes of images where 61,440 belong"):
        read_batch(stream, np.empty((N, 3072), np.uint8))
    assert stream.tell() == len(content)


def test_a_damaged_pickle_is_refused_with_the_instruction_that_does_not_fit():
    with pytest.raises(ValueError, match="damaged at the instruction TUPLE3"):
        read(b"K\x01\x87.")


@pytest.mark.parametrize("value", [[], {}, None, "text", 5, {"labels": [1]}, {"data": [1]}])
def test_a_pickle_of_something_else_is_refused(value):
    for protocol in range(6):
        with pytest.raises(ValueError, match="not a"):
            read(pickle.dumps(value, protocol))


DEEP = 1300  # as deep as the number of instructions lets it be


@pytest.mark.parametrize(
    "content",
    [
        b"(" * 3000 + b".",
        b"N" * 3000 + b".",
        b"]" + b"\x85" * DEEP + b".",
        b"}" + b"(U\x01k" * 300 + b"}" + b"u" * 300 + b".",
        b")" + b"q\x00h\x00h\x00\x86" * 100 + b"}q\x01h\x00Ns.",  # a key whose hash takes 2 to the 100 steps
        b")" + b"q\x00h\x00h\x00\x86" * 100 + b"h\x00\x93.",  # a name that long
        b"]q\x00h\x00a.",  # a list in itself
        b"}q\x00(U\x06labelsh\x00U\x04datah\x00u.",
        b"Nr\xff\xff\xff\x7f.",  # a place 2 billion in the memo
        b"T\xff\xff\xff\xff" + b"x" * 100,
        b"B\xff\xff\xff\x7f" + b"x" * 100,
        b"\x8e" + b"\xff" * 8 + b"x" * 100,
        b"\x96" + b"\xff" * 8 + b"x" * 100,
        b"\x8d" + struct.pack("<Q", 100_000) + b"x" * 100,
        b"\x8a\xff" + b"\xff" * 255 + b".",  # LONG1
        b"\x8b\xff\xff\xff\x7f" + b"\xff" * 255,  # LONG4
        b"I" + b"9" * 100_000 + b"\n.",
        b"\x82\x01.",  # EXT1
        b"P1\n.",
        b"\x97.",
        b"\xff.",
        b".",
        b"0.",
        b"R.",
        b"b.",
        b"e.",
        b"u.",
        b"t.",
        b"\x93.",
        b"]]b.",
        b"}Na.",
        b"](NNu.",
        b"}(Nu.",
        b"}(U\x01ku.",
        b"c_codecs\nencode\n)R.",
        b"(inumpy\ndtype\n.",
        b"cnumpy\ndtype\nNb.",
        b"cnumpy\ndtype\n(N.",
        b"X\x02\x00\x00\x00\xff\xff.",
        b"h\x07.",
        b"c\xff\nx\n.",
        b"c",
    ],
)
def test_nonsense_is_refused_at_once(content):
    start = time.perf_counter()
    with pytest.raises(ValueError, match="not a CIFAR-10 batch"):
        read(b"\x80\x04" + content)
    assert time.perf_counter() - start < 1


@given(st.data())
def test_a_batch_damaged_anywhere_is_read_or_refused_but_never_anything_else(data):
    content = bytearray(ORIGINAL)
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly outside the images, which may be anything.
        at = data.draw(st.one_of(st.integers(0, 300), st.integers(len(content) - 600, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    try:
        labels = read(bytes(content))
    except ValueError:
        return
    assert len(labels) == N
    assert set(labels) <= set(range(10))


@given(st.binary(max_size=60))
def test_random_bytes_are_refused(content):
    with pytest.raises(ValueError, match="not a CIFAR-10 batch"):
        read(content)


ORIGINAL = pickle.dumps(
    {b"labels": [1] * N, b"data": np.zeros((N, 3072), np.uint8), b"filenames": [b"a.png"] * N}, 2
)


@pytest.mark.parametrize("layout", ["python", 2, 3, 4, 5])
def test_a_batch_cut_anywhere_is_refused(small, layout):
    content = next(iter(small.files(layout).values()))
    for end in [*range(400), *range(len(content) - 400, len(content))]:
        with pytest.raises(ValueError, match="not a CIFAR-10 batch"):
            read(content[:end])


def test_a_pickle_far_too_large_is_not_even_opened(small, tmp_path):
    copy = small.folder(tmp_path / "copy", "python", data_batch_1=bytes(3_000_000))
    with pytest.raises(ValueError, match=r"3,000,000 bytes, but a batch of 20 images"):
        load_cifar10(copy)


def test_the_reader_of_pickles_has_nothing_in_it_that_could_unpickle_or_run():
    """Whatever the tests above forgot: its source has no loads in it, no getattr and no eval."""
    source = Path(sys.modules[read_batch.__module__].__file__).read_text(encoding="utf-8")
    forbidden = {
        "load",
        "loads",
        "Unpickler",
        "eval",
        "exec",
        "getattr",
        "__import__",
        "import_module",
        "compile",
    }
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert not names & forbidden
    assert "pickletools" in names
