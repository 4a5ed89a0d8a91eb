"""Batch normalisation and shortcuts: by hand, by differences, and in a network."""

import copy
import pickle

import numpy as np
import pytest

from nn_helpers import (
    SGD,
    Adam,
    ClassificationNet,
    batchnorm_backward,
    batchnorm_forward,
    cross_entropy,
    evaluate,
    numerical_gradient,
    relative_error,
    train,
    training_steps,
)
from nn_helpers.layers import ACTIVATIONS, follow_batch


def data(N=60, D=6, C=3):
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, D)), rng.integers(C, size=N)


def net_of(hidden=(5, 5, 5), activation="tanh", **options):
    options = {"normalise": True, "residual": True, "init": "xavier", "dtype": np.float64, **options}
    return ClassificationNet(6, hidden, 3, activation, **options)


def running(net):
    return {name: array.copy() for name, array in net.arrays.items() if name not in net.params}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


# The pair of functions


def test_each_unit_has_mean_beta_and_deviation_gamma():
    z = np.random.default_rng(1).standard_normal((50, 3)) * [1, 10, 100] + [0, -5, 2000]
    y, _ = batchnorm_forward(z, np.array([1.0, 2.0, 3.0]), np.array([0.0, 7.0, -1.0]))
    np.testing.assert_allclose(y.mean(axis=0), [0, 7, -1], atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), [1, 2, 3], rtol=1e-4)  # ε takes a little


def test_the_running_mean_and_variance_take_the_place_of_the_batchs():
    running = np.array([1.0]), np.array([4.0 - 1e-5])
    y, _ = batchnorm_forward(np.array([[3.0]]), np.array([2.0]), np.array([1.0]), running)
    np.testing.assert_allclose(y, [[2 * (3 - 1) / 2 + 1]])


@pytest.mark.parametrize("N", [2, 3, 8])
def test_the_backward_pass_agrees_with_central_differences(N):
    rng = np.random.default_rng(N)
    z, gamma, beta, dy = (
        rng.standard_normal((N, 4)),
        *rng.standard_normal((2, 4)),
        rng.standard_normal((N, 4)),
    )
    _, cache = batchnorm_forward(z, gamma, beta)
    for array, gradient in zip((z, gamma, beta), batchnorm_backward(dy, cache), strict=True):
        numerical = numerical_gradient(lambda _: (dy * batchnorm_forward(z, gamma, beta)[0]).sum(), array)
        assert relative_error(gradient, numerical) < 1e-7


def test_the_functions_change_no_argument_and_keep_float32():
    rng = np.random.default_rng(2)
    given = [*rng.standard_normal((2, 6, 4)), *rng.standard_normal((2, 4))]
    z, dy, gamma, beta = (array.astype(np.float32) for array in given)
    kept = copy.deepcopy((z, dy, gamma, beta))
    y, cache = batchnorm_forward(z, gamma, beta)
    first, again = batchnorm_backward(dy, cache), batchnorm_backward(dy, cache)
    assert {array.dtype for array in (y, *first)} == {np.dtype(np.float32)}
    assert all(map(np.array_equal, (z, dy, gamma, beta, *first), (*kept, *again)))


def test_running_means_follow_by_a_tenth():
    mean, var = np.array([10.0]), np.array([2.0])
    follow_batch(mean, var, np.array([[1.0], [3.0]]))  # the batch's: 2, and 2 = (1 + 1) / (2 − 1)
    np.testing.assert_allclose([mean, var], [[9.2], [2.0]])


ONE, Z = np.ones(2), np.ones((3, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: batchnorm_forward(np.ones(2), ONE, ONE), r"z must have shape \(N, M\), got \(2,\)"),
        (lambda: batchnorm_forward(Z, np.ones(3), ONE), r"gamma must have shape \(2,\)"),
        (lambda: batchnorm_forward(Z, ONE, Z), r"beta must have shape \(2,\)"),
        (
            lambda: batchnorm_forward(np.ones((1, 2)), ONE, ONE),
            r"got z \(1, 2\); for predictions give running=",
        ),
        (
            lambda: batchnorm_forward(Z, ONE, ONE, True),
            r"running must be \(mean, var\), got bool",
        ),
        (
            lambda: batchnorm_forward(Z, ONE, ONE, (ONE, np.ones(3))),
            "the running variance must",
        ),
        (
            lambda: batchnorm_backward(Z, Z),
            "cache must come from batchnorm_forward",
        ),
        (lambda: batchnorm_backward(Z, (np.ones((4, 2)), ONE, ONE)), r"returned \(4, 2\)"),
        (
            lambda: batchnorm_backward(Z, batchnorm_forward(Z, ONE, ONE, (ONE, ONE))[1]),
            "unless running= makes it a prediction; got NoneType",
        ),
        (
            lambda: batchnorm_backward(Z, (Z, np.ones((3, 1)), ONE)),
            r"std in the cache must have shape \(2,\), one for each unit, got \(3, 1\); another",
        ),
        (lambda: net_of((5, 4, 3)), "Write two equal widths in a row"),
        (lambda: net_of((5,)), r"with input_size 6 and hidden_sizes \[5\] none does"),
        (lambda: net_of(()), r"with input_size 6 and hidden_sizes \[\] none does"),
        (
            lambda: net_of().use(batchnorm_forward=lambda z, gamma, beta: (z, None)),
            r"batchnorm_forward must take \(z, gamma, beta, running\), got a function of \(z, gamma, beta\)",
        ),
        (lambda: net_of(normalise="batch"), "normalise must be True or False, got 'batch'"),
        (lambda: train(net_of(), data(), SGD(0.1), epochs=1, batch_size=1), "two examples or more"),
        (
            lambda: train(net_of(), data(61), SGD(0.1), epochs=1, batch_size=10, drop_last=False),
            "the smallest batch has 1, for threads=1. Write drop_last=True",
        ),
        (
            lambda: train(net_of(), data(), SGD(0.1), epochs=1, batch_size=3, threads=2),
            "3, for threads=2. Write a larger batch_size",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_words(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


# In a network


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("normalise", "residual"), [(True, False), (False, True), (True, True)])
def test_the_networks_gradient_agrees_with_central_differences(activation, normalise, residual):
    x, y = data(N=9)
    net = net_of((4, 5, 5, 5), activation, normalise=normalise, residual=residual, reg=0.1, seed=3)
    net.theta += 0.1 * np.random.default_rng(0).standard_normal(net.theta.size)  # γ and β too

    def loss(theta):
        net.theta = theta
        return cross_entropy(net.forward(x), y)[0] + 0.05 * (net.weights**2).sum()

    theta = net.theta.copy()
    numerical = numerical_gradient(loss, theta.copy())
    net.theta = theta
    net.backward(cross_entropy(net.forward(x), y)[1])
    assert relative_error(net.gradient, numerical) < 1e-7


def test_a_shortcut_adds_a_layers_input_where_the_widths_agree():
    x, _ = data()
    net = net_of((5, 5, 4), "relu", normalise=False)
    p, (a1, a2, a3) = net.params, net.activations(x)
    np.testing.assert_allclose(a1, np.maximum(x @ p["W1"], 0))
    np.testing.assert_allclose(a2, a1 + np.maximum(a1 @ p["W2"], 0))
    np.testing.assert_allclose(a3, np.maximum(a2 @ p["W3"], 0))
    np.testing.assert_allclose(net.forward(x), a3 @ p["W4"])


def test_dropout_and_a_shortcut_get_along():
    x, y = data(N=9)
    net = net_of(normalise=False, dropout=0.4)

    def loss_and_dlogits(theta):
        net.theta, net.rng = theta, np.random.default_rng(5)
        return cross_entropy(net.forward(x), y)

    theta = net.theta.copy()
    numerical = numerical_gradient(lambda theta: loss_and_dlogits(theta)[0], theta)
    net.backward(loss_and_dlogits(theta)[1])
    assert relative_error(net.gradient, numerical) < 1e-7


def test_predictions_take_each_example_by_itself_and_training_does_not():
    x, y = data()
    net = net_of()
    train(net, (x, y), Adam(0.01), epochs=2, batch_size=20, progress=False)
    one_by_one = np.concatenate([net.logits(row[np.newaxis]) for row in x])
    np.testing.assert_allclose(net.logits(x), one_by_one, atol=1e-12)
    assert np.abs(net.forward(x)[:30] - net.forward(x[:30])).max() > 1e-3
    assert evaluate(net, (x, y), "train")[0] == pytest.approx(net.loss(x, y))


def test_running_means_follow_a_step_and_not_a_look():
    x, y = data()
    net = net_of()
    before = running(net)
    assert sorted(before) == ["mean1", "mean2", "mean3", "var1", "var2", "var3"]
    logits = net.forward(x)
    net.predict(x)
    assert same(before, running(net))
    net.backward(cross_entropy(logits, y)[1])
    z = x @ net.params["W1"]
    np.testing.assert_allclose(net.arrays["mean1"], 0.1 * z.mean(axis=0))
    np.testing.assert_allclose(net.arrays["var1"], 0.9 + 0.1 * z.var(axis=0, ddof=1))


def test_running_means_follow_a_batch_once_however_often_the_way_back_is_taken():
    x, y = data()
    net, again = net_of(), net_of()
    dlogits = cross_entropy(net.forward(x), y)[1]
    again.forward(x)
    for each in (net, again, again):
        each.backward(dlogits)
    assert same(running(net), running(again))
    assert np.array_equal(net.gradient, again.gradient)
    again.backward(cross_entropy(again.forward(x), y)[1])
    assert not same(running(net), running(again))


def test_one_hidden_layer_as_wide_as_the_input_has_its_shortcut():
    x, _ = data()
    net = net_of((6,), "relu", normalise=False)
    np.testing.assert_allclose(net.activations(x)[0], x + np.maximum(0, x @ net.params["W1"]))


def test_a_step_that_is_not_made_leaves_the_running_means():
    x, y = data()
    x[3, 2] = np.nan
    net = net_of()
    before = running(net)
    with pytest.warns(RuntimeWarning, match="diverged"):
        train(net, (x, y), SGD(0.1), epochs=1, batch_size=None, progress=False)
    assert same(before, running(net))


def test_the_bias_before_a_normalisation_has_no_effect():
    x, y = data()
    net = net_of()
    net.backward(cross_entropy(net.forward(x), y)[1])
    assert np.abs(net.grads["b1"]).max() < 1e-15 < 1e-4 < np.abs(net.grads["beta1"]).max()


def test_copies_and_pickles_have_running_means_of_their_own():
    x, y = data()
    net = net_of()
    train(net, (x, y), SGD(0.1), epochs=1, batch_size=20, progress=False)
    for other in (net.copy(), pickle.loads(pickle.dumps(net))):
        assert same(running(net), running(other))
        assert repr(other) == repr(net)
        other.arrays["mean1"] += 1
        assert not same(running(net), running(other))


def test_functions_of_a_learners_own_take_their_place():
    x, y = data()
    ours, theirs = net_of(), net_of()
    calls = []

    def forward(z, gamma, beta, running=None):
        calls.append(running is None)
        mean, var = (z.mean(axis=0), z.var(axis=0)) if running is None else running
        return gamma * (z - mean) / np.sqrt(var + 1e-5) + beta, (z, gamma)

    def backward(dy, cache):
        z, gamma = cache
        std = np.sqrt(z.var(axis=0) + 1e-5)
        z_hat = (z - z.mean(axis=0)) / std
        d = gamma * dy
        return (
            (d - d.mean(axis=0) - z_hat * (d * z_hat).mean(axis=0)) / std,
            (dy * z_hat).sum(axis=0),
            dy.sum(axis=0),
        )

    theirs.use(batchnorm_forward=forward, batchnorm_backward=backward)
    for net in (ours, theirs):
        train(net, (x, y), SGD(0.1), epochs=3, batch_size=20, progress=False)
    np.testing.assert_allclose(ours.numbers, theirs.numbers, atol=1e-12)
    assert set(calls) == {True}
    theirs.predict(x)
    assert set(calls) == {True, False}
    with pytest.raises(TypeError, match=r"your batchnorm_backward must return \(dz, dgamma, dbeta\)"):
        theirs.use(batchnorm_backward=lambda dy, cache: dy).backward(theirs.forward(x))
    with pytest.raises(ValueError, match=r"dgamma from your batchnorm_backward must have shape \(5,\)"):
        theirs.use(batchnorm_backward=lambda dy, cache: (dy, dy, dy)).backward(theirs.forward(x))
    with pytest.raises(TypeError, match=r"your batchnorm_forward must return \(y, cache\)"):
        theirs.use(batchnorm_forward=lambda z, gamma, beta, running: z).forward(x)
    with pytest.raises(ValueError, match=r"^y from your batchnorm_forward must have shape"):
        theirs.use(batchnorm_forward=lambda z, gamma, beta, running: (z[0], z)).forward(x)


def test_threads_normalise_their_own_shares_and_the_first_one_counts():
    x, y = data(64)
    alone, shared = net_of(), net_of()
    next(training_steps(shared, (x, y), SGD(0.1), batch_size=None, shuffle=False, threads=2))
    alone.backward(cross_entropy(alone.forward(x[:32]), y[:32])[1])
    assert same(running(alone), running(shared))
    halves = [net_of().forward(part) for part in (x[:32], x[32:])]
    record = next(training_steps(net_of(), (x, y), SGD(0.1), batch_size=None, shuffle=False, threads=2))
    assert record.loss == pytest.approx(cross_entropy(np.concatenate(halves), y)[0])
    told, untold = net_of(), net_of()
    for net, threads in ((told, 1), (untold, None)):
        train(net, (x, y), SGD(0.1), epochs=2, batch_size=None, progress=False, threads=threads)
    assert np.array_equal(told.numbers, untold.numbers)


def test_the_first_layer_can_add_its_input_too():
    net = ClassificationNet(4, [4, 3], 2, residual=True, dtype=np.float64)
    x = np.ones((2, 4))
    first, _ = net.activations(x)
    assert np.allclose(first, x + np.maximum(0, x @ net.params["W1"] + net.params["b1"]))
