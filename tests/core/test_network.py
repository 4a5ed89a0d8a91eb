"""The network: its gradient, its views, its buffers, and functions of the learner's own."""

import copy
import pickle
import warnings
from threading import Barrier

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nn_helpers import (
    ClassificationNet,
    affine_backward,
    affine_forward,
    cross_entropy,
    numerical_gradient,
    relative_error,
    relu_backward,
    relu_forward,
    softmax,
)
from nn_helpers.layers import ACTIVATIONS
from nn_helpers.support.threads import sharing

seeds = st.integers(0, 2**32 - 1)


def small_net(**options):
    return ClassificationNet(
        **{"input_size": 5, "hidden_sizes": [4, 3], "num_classes": 3, "dtype": np.float64, **options}
    )


def batch(N=6, D=5, C=3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D)).astype(dtype), rng.integers(C, size=N)


def gradient_of(net, x, y):
    _, dlogits = cross_entropy(net.forward(x), y)
    net.backward(dlogits)
    return net.gradient.copy()


# --- gradients ---------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    hidden=st.lists(st.tuples(st.integers(1, 5), st.sampled_from(sorted(ACTIVATIONS))), max_size=5),
    mixed=st.booleans(),
    reg=st.sampled_from([0.0, 0.1]),
    N=st.integers(1, 5),
    C=st.integers(2, 4),
    one_hot=st.booleans(),
    seed=seeds,
)
def test_gradient_agrees_with_central_differences(hidden, mixed, reg, N, C, one_hot, seed):
    hidden, activation = [M for M, _ in hidden], [name for _, name in hidden]
    activation = activation if mixed and hidden else [*activation, "tanh"][0]
    net = small_net(
        hidden_sizes=hidden, num_classes=C, activation=activation, reg=reg, init="xavier", seed=seed
    )
    rng = np.random.default_rng(seed)
    net.theta += 0.1 * rng.standard_normal(net.theta.size)  # biases too
    x, y = batch(N, 5, C, seed)
    y = np.eye(C)[y] if one_hot else y
    gradient = gradient_of(net, x, y)
    if any("relu" in name for name in net.hidden_activations):
        # A kink nearer than the step of the differences has no derivative to agree with.
        z = np.concatenate([z.ravel() for z, *_ in net._buffers.of(N)])
        assume(np.abs(z).min() > 1e-3)
    theta = net.theta.copy()

    def loss(values):
        net.theta = values
        return net.loss(x, y)

    assume(np.linalg.norm(gradient) > 1e-3)  # dead units throughout leave nothing to compare
    assert relative_error(gradient, numerical_gradient(loss, theta)) <= 1e-7


def test_a_network_of_two_layers_agrees_with_numbers_worked_by_hand():
    net = ClassificationNet(2, [2], 2, dtype=np.float64, reg=0.5)
    net.params["W1"] = np.array([[1.0, -1.0], [2.0, 1.0]])
    net.params["b1"] = np.array([0.0, 1.0])
    net.params["W2"] = np.array([[1.0, 0.0], [0.0, 1.0]])
    net.params["b2"] = np.array([0.0, 3.0])
    x = np.array([[1.0, 1.0], [1.0, -1.0]])  # z1 = (3, 1), (−1, −1); a1 = (3, 1), (0, 0)
    np.testing.assert_array_equal(net.forward(x), [[3.0, 4.0], [0.0, 3.0]])
    net.backward(np.array([[1.0, -1.0], [2.0, 3.0]]))
    np.testing.assert_array_equal(net.grads["b2"], [3.0, 2.0])
    np.testing.assert_array_equal(net.grads["W2"], [[3.0 + 0.5, -3.0], [1.0, -1.0 + 0.5]])
    np.testing.assert_array_equal(net.grads["b1"], [1.0, -1.0])
    np.testing.assert_array_equal(net.grads["W1"], [[1.0 + 0.5, -1.0 - 0.5], [1.0 + 1.0, -1.0 + 0.5]])


def test_loss_is_cross_entropy_plus_half_reg_times_squared_weights_without_biases():
    net, (x, y) = small_net(reg=0.3), batch()
    net.params["b1"] = 7.0 * np.ones(4)
    squares = sum((W**2).sum() for name, W in net.params.items() if name[0] == "W")
    plain = net.copy()
    plain.reg = 0.0
    assert plain.loss(x, y) == pytest.approx(cross_entropy(net.logits(x), y)[0], rel=1e-14)
    assert net.loss(x, y) == pytest.approx(plain.loss(x, y) + 0.5 * 0.3 * squares, rel=1e-14)
    assert isinstance(net.loss(x, y), float)


def test_backward_called_twice_gives_the_same_gradient_bit_for_bit():
    net, (x, y) = small_net(reg=0.1), batch()
    _, dlogits = cross_entropy(net.forward(x), y)
    kept = dlogits.copy()
    net.backward(dlogits)
    first = net.gradient.copy()
    net.backward(dlogits)
    np.testing.assert_array_equal(net.gradient, first)
    np.testing.assert_array_equal(dlogits, kept)


def test_predicting_between_forward_and_backward_changes_no_gradient():
    net, (x, y) = small_net(), batch()
    expected = gradient_of(net, x, y)
    _, dlogits = cross_entropy(net.forward(x), y)
    other, labels = batch(N=6, seed=9)
    net.predict(other)
    net.loss(other, labels)
    net.backward(dlogits)
    np.testing.assert_array_equal(net.gradient, expected)


def test_logits_of_one_batch_survive_the_next_forward():
    net = small_net()
    first = net.forward(batch(seed=1)[0])
    kept = first.copy()
    net.forward(batch(seed=2)[0])
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("sizes", [(6, 2, 6, 9), (3, 3, 1)])
def test_batches_of_changing_size_do_not_disturb_each_other(sizes):
    net = small_net()
    for N in sizes:
        x, y = batch(N, seed=N)
        np.testing.assert_array_equal(gradient_of(net, x, y), gradient_of(small_net(), x, y))


def test_images_need_not_be_flattened():
    net = ClassificationNet(12, [4], 3, dtype=np.float64)
    x, _ = batch(5, 12)
    np.testing.assert_array_equal(net.forward(x.reshape(5, 2, 2, 3)), net.forward(x))


# --- parameters --------------------------------------------------------------------------------------


def test_parameters_and_gradients_are_views_of_one_vector_all_weights_first():
    net = small_net()
    assert list(net.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    parts = [net.params[name] for name in ("W1", "W2", "W3", "b1", "b2", "b3")]
    np.testing.assert_array_equal(np.concatenate([p.ravel() for p in parts]), net.theta)
    assert all(np.shares_memory(p, net.theta) for p in net.params.values())
    assert all(np.shares_memory(g, net.gradient) for g in net.grads.values())
    assert net.weights.size == sum(net.params[f"W{layer}"].size for layer in (1, 2, 3))


def test_assigning_parameters_writes_into_the_vector():
    net = small_net()
    net.params["W1"] = np.full((5, 4), 2.0)
    assert (net.theta[:20] == 2).all()
    net.params["b3"] += 1
    assert (net.theta[-3:] == 1).all()
    vector = net.theta
    net.theta = np.arange(net.theta.size)
    assert net.theta is vector
    assert net.params["W1"][0, 1] == 1
    net.theta *= 2
    assert net.params["W1"][0, 1] == 2


def test_nothing_can_be_disconnected_by_assigning():
    net = small_net(reg=1.0)
    x, y = batch()
    net.weights = net.weights * 0
    assert not net.params["W1"].any()
    net.weights *= 2
    assert net.loss(x, y) == pytest.approx(np.log(3))
    for name, value in (("params", {}), ("grads", {}), ("activation", "tanh"), ("gradient", 0)):
        with pytest.raises(AttributeError):
            setattr(net, name, value)


def test_the_architecture_cannot_change_so_what_is_saved_can_be_loaded(tmp_path):
    net = small_net()
    for name, value in (
        ("input_size", 9), ("hidden_sizes", [7]), ("num_classes", 5), ("dtype", np.dtype(np.float32))
    ):  # fmt: skip
        with pytest.raises(AttributeError, match=f"'{name}'"):
            setattr(net, name, value)
    net.hidden_sizes.append(7)
    net.config["hidden_sizes"].append(7)
    net.save(tmp_path / "net.safetensors")
    loaded = ClassificationNet.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(loaded.theta, net.theta)


def test_assigning_what_does_not_fit_is_refused_and_changes_nothing():
    net = small_net()
    before = net.theta.copy()
    with pytest.raises(ValueError, match=r"W1 must have shape \(5, 4\), got \(4, 5\)"):
        net.params["W1"] = np.ones((4, 5))
    with pytest.raises(ValueError, match="theta must have shape"):
        net.theta = 0.0
    with pytest.raises(TypeError, match="must hold numbers"):
        net.params["b1"] = np.array(list("abcd"))
    with pytest.raises(KeyError, match="no parameter 'W9'; this network has W1, b1"):
        net.params["W9"] = np.ones(1)
    with pytest.raises(TypeError, match="cannot be removed"):
        del net.params["W1"]
    np.testing.assert_array_equal(net.theta, before)


@pytest.mark.parametrize(
    ("init", "std"),
    [
        ("he", np.sqrt(2 / 400)),
        ("xavier", np.sqrt(2 / 900)),
        ("normal", 0.01),
        (lambda D, M: D / M, 400 / 500),
    ],
)
def test_first_weights_have_the_standard_deviation_asked_for_and_biases_are_zero(init, std):
    net = ClassificationNet(400, [], 500, init=init, dtype=np.float64)
    W = net.params["W1"]
    assert W.std() == pytest.approx(std, rel=0.01)  # 200,000 draws: 0.0016 is one standard error
    assert abs(W.mean()) < 5 * std / np.sqrt(W.size)
    assert not net.params["b1"].any()


def test_the_same_seed_gives_the_same_weights_and_another_gives_others():
    a, b, c = ClassificationNet(seed=3), ClassificationNet(seed=3), ClassificationNet(seed=4)
    np.testing.assert_array_equal(a.theta, b.theta)
    assert (a.theta != c.theta).any()
    double = ClassificationNet(seed=3, dtype=np.float64)
    np.testing.assert_array_equal(a.theta, double.theta.astype(np.float32))
    generator = ClassificationNet(seed=np.random.default_rng(3))
    np.testing.assert_array_equal(a.theta, generator.theta)


def test_copies_stand_alone_and_stay_connected_inside():
    net, (x, y) = small_net(reg=0.2), batch()
    for other in (net.copy(), copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(gradient_of(other, x, y), gradient_of(net, x, y))
        assert not np.shares_memory(other.theta, net.theta)
        assert other.rng is not net.rng
        other.params["W1"] = np.zeros((5, 4))
        assert not other.theta[:20].any()
        assert net.theta[:20].any()


# --- dtypes and extremes -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_everything_is_of_the_dtype_the_network_was_made_with(dtype):
    net = small_net(dtype=dtype, reg=0.1)
    for given_dtype in (np.float32, np.float64):
        x, y = batch(dtype=given_dtype)
        logits = net.forward(x)
        net.backward(cross_entropy(logits, y)[1])
        arrays = [logits, net.theta, net.gradient, net.logits(x), net.predict_proba(x)]
        arrays += [array for arrays in net._buffers.of(6) for array in arrays]
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hidden", [[], [3] * 49], ids=["softmax regression", "50 layers"])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_extreme_networks_stay_finite_and_quiet(activation, dtype, hidden, scale):
    init = "he" if "relu" in activation else "xavier"
    net = small_net(hidden_sizes=hidden, activation=activation, dtype=dtype, reg=0.1, init=init)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for N in (1, 4):
            x, y = batch(N, dtype=dtype)
            gradient_of(net, scale * x, y)
            assert np.isfinite(net.gradient).all()
            assert np.isfinite(net.loss(scale * x, y))
            np.testing.assert_allclose(net.predict_proba(scale * x).sum(axis=1), 1, rtol=1e-5)


def test_a_network_of_one_class_has_nothing_to_learn():
    net, (x, _) = small_net(num_classes=1), batch()
    y = np.zeros(6, int)
    assert net.loss(x, y) == 0
    assert not gradient_of(net, x, y).any()
    assert net.score(x, y) == 1


def test_softmax_regression_is_one_affine_layer_and_softmax():
    net, (x, _) = small_net(hidden_sizes=[]), batch()
    assert net.num_layers == 1
    z, _ = affine_forward(x, net.params["W1"], net.params["b1"])
    np.testing.assert_array_equal(net.predict_proba(x), softmax(z))


# --- dropout -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_with_dropout_agrees_with_central_differences(activation):
    net, (x, y) = small_net(activation=activation, dropout=0.4, reg=0.1, init="xavier"), batch()
    net.theta += 0.1 * np.random.default_rng(0).standard_normal(net.theta.size)  # no unit exactly at 0
    fresh = pickle.dumps(net.rng)

    def forward_loss(theta):
        net.rng = pickle.loads(fresh)  # the same units are dropped at every call
        net.theta = theta
        return cross_entropy(net.forward(x), y)[0] + 0.05 * (net.weights**2).sum()

    theta = net.theta.copy()
    net.rng = pickle.loads(fresh)
    net.backward(cross_entropy(net.forward(x), y)[1])
    gradient = net.gradient.copy()
    assert relative_error(gradient, numerical_gradient(forward_loss, theta)) <= 1e-7


def test_only_forward_drops_units_and_drops_others_each_time():
    net, (x, y) = small_net(dropout=0.5), batch()
    without = small_net()
    np.testing.assert_array_equal(net.logits(x), without.logits(x))
    assert net.loss(x, y) == without.loss(x, y)
    assert (net.forward(x) != net.forward(x)).any()
    net.dropout = 0.0
    np.testing.assert_array_equal(net.forward(x), without.forward(x))
    assert "dropout=0.5" in repr(small_net(dropout=0.5))
    with pytest.raises(ValueError, match="dropout must be at least 0 and below 1"):
        net.dropout = 1.0


def test_dropout_is_decided_by_the_seed_and_copies_go_on_alike():
    a, b = small_net(dropout=0.5, seed=7), small_net(dropout=0.5, seed=7)
    x, _ = batch()
    np.testing.assert_array_equal(a.forward(x), b.forward(x))
    np.testing.assert_array_equal(a.copy().forward(x), a.forward(x))


# --- predicting --------------------------------------------------------------------------------------


def test_predictions_of_many_examples_are_those_of_each():
    net, (x, y) = small_net(), batch(N=1203)
    np.testing.assert_allclose(net.logits(x)[1100:1101], net.forward(x[1100:1101]), rtol=1e-12)
    np.testing.assert_array_equal(net.predict(x), net.predict_proba(x).argmax(axis=1))
    assert net.score(x, y) == (net.predict(x) == y).mean()
    assert net.score(x, np.eye(3)[y]) == net.score(x, y)
    assert net.score(x, net.predict(x)) == 1.0


# --- the learner's own functions ---------------------------------------------------------------------


def my_affine_forward(x, W, b):
    return x @ W + b, {"mine": (x, W)}


def my_affine_backward(dz, cache):
    x, W = cache["mine"]
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def my_relu_forward(z):
    return np.maximum(z, 0), z > 0


def my_relu_backward(da, cache):
    return da * cache


def my_cross_entropy(logits, y):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    one_hot = np.eye(logits.shape[1])[y]
    return -np.log(p[one_hot == 1]).mean(), (p - one_hot) / len(y)


MINE = {
    "affine_forward": my_affine_forward,
    "affine_backward": my_affine_backward,
    "relu_forward": my_relu_forward,
    "relu_backward": my_relu_backward,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_of_the_learners_functions_has_the_same_gradient(dtype):
    (x, y), net = batch(), small_net(reg=0.1, dtype=dtype)
    expected, loss = gradient_of(net, x, y), net.loss(x, y)
    assert net.use(**MINE, cross_entropy=my_cross_entropy) is net
    np.testing.assert_allclose(gradient_of(net, x, y), expected, rtol=1e-4 if dtype == np.float32 else 1e-12)
    assert net.loss(x, y) == pytest.approx(loss, rel=1e-6)


def test_the_learners_functions_are_really_called_and_can_be_taken_back():
    calls = []

    def counting_relu(z):
        calls.append(z.shape)
        return np.maximum(z, 0), z

    net, (x, _) = small_net(), batch()
    net.use(relu_forward=counting_relu).forward(x)
    assert calls == [(6, 4), (6, 3)]
    net.use(relu_forward=None).forward(x)
    assert len(calls) == 2


def test_the_librarys_own_functions_can_be_passed_too():
    net, (x, y) = small_net(), batch()
    expected = gradient_of(net, x, y)
    net.use(affine_forward=affine_forward, affine_backward=affine_backward)
    net.use(relu_forward=relu_forward, relu_backward=relu_backward)
    np.testing.assert_array_equal(gradient_of(net, x, y), expected)


@pytest.mark.parametrize(
    ("name", "function", "error", "words"),
    [
        ("affine_forward", lambda x, W, b: x @ W + b, TypeError, r"must return \(z, cache\)"),
        ("affine_forward", lambda x, W, b: (x, (x, W)), ValueError, r"z from your affine_forward .*\(6, 4\)"),
        ("relu_forward", lambda z: z, TypeError, r"must return \(a, cache\)"),
        (
            "relu_forward",
            lambda z: (z[0], z),
            ValueError,
            r"a from your relu_forward must have shape \(6, 4\)",
        ),
        ("relu_forward", lambda z: (None, z), TypeError, "must be an array, got NoneType"),
        ("relu_backward", lambda da, cache: da[0], ValueError, "what your relu_backward returns must have"),
        ("relu_backward", lambda da, cache: None, TypeError, "must be an array, got NoneType"),
        ("affine_backward", lambda dz, c: (dz @ c[1].T, dz.T @ c[0], dz.sum(0)), ValueError, r"dW from your"),
        ("affine_backward", lambda dz, c: (dz @ c[1].T, c[0].T @ dz, dz.sum(1)), ValueError, r"db from your"),
        ("affine_backward", lambda dz, c: (dz, c[0].T @ dz, dz.sum(0)), ValueError, r"dx from your"),
        ("affine_backward", lambda dz, c: dz, TypeError, r"must return \(dx, dW, db\)"),
        ("cross_entropy", lambda logits, y: 1.0, TypeError, r"must return \(loss, dlogits\)"),
        (
            "cross_entropy",
            lambda logits, y: (1.0, y),
            ValueError,
            r"dlogits from your .* \(6, 3\), got \(6,\)",
        ),
        ("cross_entropy", lambda logits, y: (y * 1.0, logits), TypeError, "loss from your .* one number"),
        ("relu_backward", lambda da, cache: cache > 0, TypeError, "must hold numbers, got bool"),
        ("l2_penalty", lambda weights, reg: None, TypeError, "your l2_penalty returns must be one number"),
        ("softmax", lambda logits: logits[0], ValueError, "what your softmax returns"),
    ],
)
def test_a_learners_function_that_returns_something_else_is_told_what(name, function, error, words):
    net, (x, y) = small_net(), batch()
    net.use(**{name: function})

    def run_all():
        net.loss(x, y)
        net.predict_proba(x)
        _, dlogits = net.functions["cross_entropy"](net.forward(x), y)
        net.backward(dlogits)

    with pytest.raises(error, match=words):
        run_all()


def test_use_says_which_functions_there_are():
    with pytest.raises(ValueError, match="calls no function 'sigmoid_forward'; it calls affine_forward"):
        small_net().use(sigmoid_forward=my_relu_forward)
    with pytest.raises(TypeError, match="relu_forward must be a function, got int"):
        small_net().use(relu_forward=3)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_activations_and_sizes_may_be_any_row_of_them(kind):
    net = small_net(hidden_sizes=kind([4, 3]), activation=kind(["tanh", "relu"]))
    assert net.hidden_sizes == [4, 3]
    assert net.activation == ["tanh", "relu"]
    assert {type(name) for name in net.hidden_activations} == {str}
    assert small_net(activation=kind(["tanh", "tanh"])).activation == "tanh"


# --- what does not fit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (
            {"activation": "rectifier"},
            ValueError,
            "unknown activation 'rectifier'; known: 'relu', 'leaky_relu'",
        ),
        ({"activation": None}, ValueError, "unknown activation None"),
        ({"activation": ["relu", "relo"]}, ValueError, "unknown activation 'relo'; known: 'relu'"),
        ({"activation": ["relu", ["relu"]]}, ValueError, r"unknown activation \['relu'\]"),
        ({"activation": {"relu": 1, "tanh": 2}}, ValueError, "unknown activation {'relu': 1"),
        (
            {"activation": ["relu"] * 3},
            ValueError,
            "must be one name, or one for each hidden layer; got 3 for 2",
        ),
        ({"activation": [], "hidden_sizes": []}, ValueError, r"unknown activation \[\]"),
        ({"init": "random"}, ValueError, "unknown init 'random'; known: 'he', 'xavier', 'normal'"),
        ({"init": lambda D, M: -1.0}, ValueError, "standard deviation that init returns must be at least 0"),
        ({"dtype": np.int32}, ValueError, "unknown dtype 'int32'; known: 'float32', 'float64'"),
        ({"dtype": "decimal"}, ValueError, "unknown dtype"),
        ({"hidden_sizes": 100}, TypeError, r"write \[100\] for one hidden layer, \[\] for none"),
        ({"hidden_sizes": None}, TypeError, r"got None; write \[100\] for one hidden layer"),
        ({"hidden_sizes": {100, 50}}, TypeError, r"must be a list .* got {"),  # in whose order?
        ({"hidden_sizes": {100: "relu"}}, TypeError, r"must be a list .* got {100: 'relu'}"),
        ({"hidden_sizes": [100, 0]}, ValueError, "each of hidden_sizes must be at least 1, got 0"),
        ({"hidden_sizes": [1.5]}, TypeError, "each of hidden_sizes must be a whole number, got 1.5"),
        ({"input_size": 0}, ValueError, "input_size must be at least 1"),
        ({"num_classes": 0}, ValueError, "num_classes must be at least 1"),
        ({"num_classes": True}, TypeError, "num_classes must be a whole number"),
        ({"reg": -0.1}, ValueError, "reg must be at least 0 and below inf, got -0.1"),
        ({"reg": "0.1"}, TypeError, "reg must be a number"),
        ({"reg": np.nan}, ValueError, "reg must be at least 0"),
        ({"reg": 10**400}, ValueError, "reg must be at least 0 and below inf, got 1000"),
        ({"hidden_sizes": [10**9, 10**9]}, MemoryError, "not enough memory for more than 10¹⁸ parameters"),
        (
            {"hidden_sizes": [10**13]},
            MemoryError,
            "for 90,000,000,000,003 parameters and their",
        ),
        ({"hidden_sizes": [10**3000, 10**3000]}, MemoryError, "write smaller hidden_sizes"),
    ],
)
def test_a_network_that_cannot_be_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        small_net(**options)


@pytest.mark.parametrize("method", ["forward", "predict", "logits", "predict_proba"])
@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.zeros((2, 5), np.uint8), TypeError, r"uint8 .* data.standardise\(x\), or x / 255"),
        (np.zeros((2, 4)), ValueError, r"x must have shape \(N, 5\).*got \(2, 4\)"),
        (np.zeros(5), ValueError, r"got \(5,\)"),
        ([[0.0] * 5], TypeError, "must be a NumPy array"),
        (np.zeros((2, 5), complex), TypeError, "floating-point"),
    ],
)
def test_examples_that_do_not_fit_are_refused(method, x, error, words):
    with pytest.raises(error, match=words):
        getattr(small_net(), method)(x)


def test_backward_says_what_it_needs():
    net = small_net()
    with pytest.raises(RuntimeError, match="call forward first"):
        net.backward(np.zeros((2, 3)))
    net.forward(batch()[0])
    with pytest.raises(ValueError, match=r"shape of the logits of the last forward, \(6, 3\); got \(5, 3\)"):
        net.backward(np.zeros((5, 3)))
    with pytest.raises(TypeError, match="dlogits must be a NumPy array"):
        net.backward([0.0])


def test_backward_does_not_go_on_with_half_a_forward():
    net, (x, _) = small_net(), batch()
    net.forward(x)

    def failing_relu(z):
        raise ZeroDivisionError

    net.functions["relu_forward"] = lambda z, out=None: failing_relu(z)
    with pytest.raises(ZeroDivisionError):
        net.forward(2 * x)
    with pytest.raises(RuntimeError, match="call forward first"):
        net.backward(np.zeros((6, 3)))


def test_score_needs_examples_and_labels_that_fit():
    net, (x, y) = small_net(), batch()
    with pytest.raises(ValueError, match="at least one example"):
        net.score(x[:0], y[:0])
    with pytest.raises(ValueError, match="labels go from 0 to C − 1 = 2"):
        net.score(x, y + 3)
    with pytest.raises(ValueError, match=r"expected \(6,\)"):
        net.score(x, y[:5])


def test_the_repr_tells_the_architecture():
    net = ClassificationNet(3072, [100], 10, "tanh", reg=0.01)
    assert repr(net) == "ClassificationNet(3072 → 100 → 10, tanh, reg=0.01, 308,310 parameters, float32)"
    assert repr(net.params) == "{'W1': (3072, 100), 'b1': (100,), 'W2': (100, 10), 'b2': (10,)}"


def test_threads_predict_with_one_network_each_in_arrays_of_its_own():
    def meeting(z, out=None):
        result = relu_forward(z, out=out)
        both.wait(timeout=20)  # until the other has written too
        return result

    net, x, both = ClassificationNet(5, [8], 3), np.random.default_rng(0).random((2000, 5)), Barrier(2)
    expected = np.concatenate([net.logits(part) for part in np.split(x, 4)])
    net.functions["relu_forward"] = meeting
    with sharing(2):
        assert np.array_equal(net.logits(x), expected)
