"""One rule for inputs: what every public function takes, what it says otherwise, and that its advice works.

The page docs/inputs.md is made from the tables here: ``python tests/core/test_inputs.py`` writes it.
"""

import re
from pathlib import Path

import numpy as np
import pytest

import nn_helpers
from nn_helpers import (
    SGD,
    Adam,
    ArrayDataset,
    ClassificationNet,
    Dataset,
    Split,
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    cross_entropy,
    dropout_backward,
    dropout_forward,
    evaluate,
    l2_penalty,
    log_softmax,
    softmax,
    train,
)
from nn_helpers.layers import ACTIVATIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "inputs.md"
TAKEN, REFUSED = "taken", "refused"


class Frame:
    """A data frame or a series, as far as is asked for here."""

    def __init__(self, values):
        self.values = values

    def to_numpy(self, dtype=None):
        return np.array(self.values, dtype)


class Tensor:
    """A tensor of PyTorch, as far as is asked for here."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.values


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def strided(values):
    wide = np.empty((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
    wide[..., ::2] = values
    return wide[..., ::2]


def memory_map(values):
    return np.asarray(values).view(np.memmap)


# What is given, how it is made of whole numbers in float64, and what comes of it where numbers are asked for.
NUMBERS = {
    "float64": (lambda v: v, TAKEN),
    "float32": (lambda v: v.astype(np.float32), TAKEN),
    "integers": (lambda v: v.astype(np.int16), TAKEN),
    "read-only": (read_only, TAKEN),
    "Fortran order": (np.asfortranarray, TAKEN),
    "every other column of another array": (strided, TAKEN),
    "the other byte order": (lambda v: v.astype(v.dtype.newbyteorder()), TAKEN),
    "a memory map": (memory_map, TAKEN),
    "a masked array": (lambda v: np.ma.masked_equal(v, v.flat[0]), REFUSED),
    "float16": (lambda v: v.astype(np.float16), REFUSED),
    "longdouble": (lambda v: v.astype(np.longdouble), REFUSED),
    "booleans": (lambda v: v > 0, REFUSED),
    "complex numbers": (lambda v: v + 1j, REFUSED),
    "text": (lambda v: v.astype(str), REFUSED),
    "objects": (lambda v: v.astype(object), REFUSED),
    "a list": (lambda v: v.tolist(), REFUSED),
    "a data frame": (Frame, REFUSED),
    "a tensor": (Tensor, REFUSED),
}
if np.dtype(np.longdouble).itemsize == 8:  # as on Windows
    del NUMBERS["longdouble"]

# The same for labels 0, 1, 1, 0.
LABELS = {
    "integers": (lambda y: y, TAKEN),
    "unsigned integers": (lambda y: y.astype(np.uint8), TAKEN),
    "one-hot rows": (lambda y: np.eye(2)[y], TAKEN),
    "read-only": (read_only, TAKEN),
    "the other byte order": (lambda y: y.astype(y.dtype.newbyteorder()), TAKEN),
    "one label without an axis": (lambda y: y[0], REFUSED),
    "one column (N, 1)": (lambda y: y[:, np.newaxis], REFUSED),
    "whole numbers as floats": (lambda y: y.astype(float), REFUSED),
    "booleans": (lambda y: y > 0, REFUSED),
    "text": (lambda y: np.array(["cat", "dog"])[y], REFUSED),
    "numbers that are not whole": (lambda y: y + 0.4, REFUSED),
    "NaN": (lambda y: np.where(y > 0, np.nan, 0.0), REFUSED),
    "a masked array": (lambda y: np.ma.masked_equal(y, 1), REFUSED),
    "a list": (lambda y: y.tolist(), REFUSED),
    "a data frame": (Frame, REFUSED),
    "a tensor": (Tensor, REFUSED),
}

x, W, b = np.arange(12.0).reshape(4, 3) - 5, np.arange(6.0).reshape(3, 2) - 2, np.array([1.0, -1.0])
z, y = x @ W + b, np.array([0, 1, 1, 0])
rng = np.random.default_rng(0)


def net():
    return ClassificationNet(3, [5], 2, dtype="float64")


def after_forward(dlogits):
    own = net()
    own.forward(x)
    own.backward(dlogits)
    return own.gradient.copy()


def step(gradient):
    theta = np.zeros((4, 2))
    Adam(0.1).step(theta, gradient)
    return theta


# The name in messages, the argument, its right value, and the call.
CALLS = [
    ("affine_forward", "x", x, lambda v: affine_forward(v, W, b)[0]),
    ("affine_forward", "W", W, lambda v: affine_forward(x, v, b)[0]),
    ("affine_forward", "b", b, lambda v: affine_forward(x, W, v)[0]),
    ("affine_backward", "dz", z, lambda v: affine_backward(v, (x, W))[1]),
    *((f"{name}_forward", "z", z, lambda v, f=f: f(v)[0]) for name, (f, _) in ACTIVATIONS.items()),
    *(
        (f"{name}_backward", "da", z, lambda v, f=f, g=g: g(v, f(z)[1]))
        for name, (f, g) in ACTIVATIONS.items()
    ),
    ("batchnorm_forward", "z", z, lambda v: batchnorm_forward(v, b, b)[0]),
    ("batchnorm_forward", "gamma", b, lambda v: batchnorm_forward(z, v, b)[0]),
    ("batchnorm_forward", "beta", b, lambda v: batchnorm_forward(z, b, v)[0]),
    ("batchnorm_backward", "dy", z, lambda v: batchnorm_backward(v, batchnorm_forward(z, b, b)[1])[0]),
    ("dropout_forward", "a", z, lambda v: dropout_forward(v, 0.5, np.random.default_rng(0))[0] * 0),
    ("dropout_backward", "d", z, lambda v: dropout_backward(v, np.ones_like(z))),
    ("softmax", "logits", z, softmax),
    ("log_softmax", "logits", z, log_softmax),
    ("cross_entropy", "logits", z, lambda v: cross_entropy(v, y)[1]),
    ("l2_penalty", "weights", W, lambda v: np.array(l2_penalty(v, 0.1))),
    ("forward", "x", x, lambda v: net().forward(v)),
    ("backward", "dlogits", z, after_forward),
    ("loss", "x", x, lambda v: np.array(net().loss(v, y))),
    ("logits", "x", x, lambda v: net().logits(v)),
    ("activations", "x", x, lambda v: net().activations(v)[0]),
    ("predict", "x", x, lambda v: net().predict(v)),
    ("predict_proba", "x", x, lambda v: net().predict_proba(v)),
    ("score", "x", x, lambda v: np.array(net().score(v, y))),
    ("Adam", "gradient", z, step),
]
LABEL_CALLS = [
    ("cross_entropy", lambda v: cross_entropy(z, v)[0]),
    ("loss", lambda v: net().loss(x, v)),
    ("score", lambda v: net().score(x, v)),
]


def advice(message):
    """Return what a message says to write, as Python, or None."""
    found = re.search(r"write (.+)$", message)
    return found and found[1]


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(
    ("function", "name", "right", "call"), CALLS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_function_takes_the_same_numbers_and_refuses_the_same(function, name, right, call, kind):
    make, outcome = NUMBERS[kind]
    given, expected = make(right), call(right)
    if outcome == TAKEN:
        result = call(given)
        assert type(result) is np.ndarray
        assert result.dtype.isnative
        assert result.dtype in (np.float32, np.float64, np.int64)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
        return
    with pytest.raises(TypeError) as caught:
        call(given)
    message = str(caught.value)
    assert message.startswith(f"{function}: {name} ")
    if (written := advice(message)) is not None:
        call(eval(written, {"np": np, name: given, "Frame": Frame}))


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(("function", "call"), LABEL_CALLS)
def test_every_function_takes_the_same_labels_and_refuses_the_same(function, call, kind):
    make, outcome = LABELS[kind]
    given = make(y)
    if outcome == TAKEN:
        assert call(given) == pytest.approx(call(y))
        return
    with pytest.raises((TypeError, ValueError)) as caught:
        call(given)
    message = str(caught.value)
    assert re.match(rf"{'cross_entropy' if function == 'loss' else function}: ", message)
    if (written := advice(message)) is not None:
        assert call(follow(written, given)) == pytest.approx(call(y))


def follow(written, given):
    """Return the labels that an advice makes; it may be a statement."""
    names = {"np": np, "y": given, "labels": given}
    if " = " in written:
        exec(written, names)
        return names["y"] if "y" in written.split("=")[0] else names["labels"]
    return eval(written, names)


@pytest.mark.parametrize("kind", [kind for kind, (_, outcome) in LABELS.items() if outcome == REFUSED])
def test_a_data_set_refuses_labels_with_advice_that_works(kind):
    given, images = LABELS[kind][0](y), np.zeros((4, 2, 2, 3), np.uint8)
    for make in (lambda v: ArrayDataset((x, v)).train, lambda v: Split(images, v)):
        with pytest.raises((TypeError, ValueError)) as caught:
            make(given)
        if (written := advice(str(caught.value))) is not None:
            assert np.array_equal(make(follow(written, given)).labels, y)


def test_nan_is_never_the_largest():
    own = net()
    own.params["b2"] = [np.nan, 0.0]
    for method, call in (("predict", lambda: own.predict(x)), ("score", lambda: own.score(x, y))):
        with pytest.raises(ValueError, match=f"{method}: the logits of 4 of 4 examples are NaN"):
            call()


def test_a_part_of_a_data_set_is_refused_with_advice_that_works():
    data = Dataset("images", Split(np.zeros((4, 2, 2, 3), np.uint8), y))
    own = ClassificationNet(12, [], 2)
    with pytest.raises(TypeError, match="predict: x must be a NumPy array, got Split") as caught:
        own.predict(data.train)
    written = str(caught.value).partition("write ")[2].partition(", where")[0]
    assert own.predict(eval(written, {"data": data, "part": data.train})).shape == (4,)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
def test_training_on_numbers_in_another_byte_order_is_refused_or_the_same(dtype):
    own, other = net(), net()
    train(own, (x, y), SGD(0.01), batch_size=2, epochs=1, progress=False)
    if np.dtype(dtype).isnative:
        train(other, (x.astype(dtype), y), SGD(0.01), batch_size=2, epochs=1, progress=False)
        np.testing.assert_allclose(own.theta, other.theta, rtol=1e-5)
        assert evaluate(own, (x.astype(dtype), y), "train")[1] >= 0


def test_masked_examples_are_not_trained_on_in_silence():
    masked = np.ma.masked_equal(x, 1.0)
    for given in ((masked, y), (x, np.ma.masked_equal(y, 1))):
        with pytest.raises(TypeError, match="is a masked array"):
            train(net(), given, SGD(0.1), batch_size=2, progress=False)
    with pytest.raises(TypeError, match="is a masked array"):
        Split(np.ma.masked_equal(np.zeros((4, 2, 2, 3), np.uint8), 1), y)
    with pytest.raises(TypeError, match="is a masked array"):
        net().theta = np.ma.masked_equal(net().theta, 0)


def page():
    """Return the page of what functions take."""
    functions = ", ".join(f"`{name}`" for name in dict.fromkeys(function for function, *_ in CALLS))
    lines = [
        "# What functions take",
        "",
        "This page is made by `python tests/core/test_inputs.py` from what is tested.",
        "",
        f"## Numbers: {functions}",
        "",
        "| given | what happens |",
        "|---|---|",
        *(row(kind, NUMBERS[kind], x, lambda v: affine_forward(v, W, b)) for kind in NUMBERS),
        "",
        "The result is a plain NumPy array. It is float32 where everything given was float32, else float64.",
        "",
        "## Labels: `cross_entropy`, `loss`, `score`, `train`, `Split`, `ArrayDataset`",
        "",
        "| given | what happens |",
        "|---|---|",
        *(row(kind, LABELS[kind], y, lambda v: cross_entropy(z, v)) for kind in LABELS),
    ]
    return "\n".join(lines) + "\n"


def row(kind, how, right, call):
    make, outcome = how
    if outcome == TAKEN:
        return f"| {kind} | taken |"
    try:
        call(make(right))
    except (TypeError, ValueError) as error:
        return f"| {kind} | refused: *{str(error).partition(': ')[2]}* |"
    raise AssertionError(kind)


def test_the_page_says_what_is_tested():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_public_function_that_takes_numbers_is_in_the_table():
    named = {function for function, *_ in CALLS}
    pairs = {name for name in nn_helpers.__all__ if name.endswith(("_forward", "_backward"))}
    assert pairs | {"softmax", "log_softmax", "cross_entropy", "l2_penalty"} <= named


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
