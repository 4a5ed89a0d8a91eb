"""Layers: by hand, against central differences, at the extremes, and as pure functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_helpers import layers, numerical_gradient, relative_error
from nn_helpers.layers import ACTIVATIONS, affine_backward, affine_forward

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
activations = pytest.mark.parametrize("name", ACTIVATIONS)


def away_from_kinks(rng, shape):
    """Random numbers at least 0.01 from 0, where ReLU has no derivative."""
    z = rng.standard_normal(shape)
    return z + np.copysign(0.01, z)


# --- affine ------------------------------------------------------------------------------------------


def test_affine_forward_and_backward_agree_with_numbers_worked_by_hand():
    x = np.array([[1.0, 2.0], [0.0, -1.0]])
    W = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    b = np.array([10.0, 20.0, 30.0])
    z, cache = affine_forward(x, W, b)
    np.testing.assert_array_equal(z, [[19.0, 32.0, 45.0], [6.0, 15.0, 24.0]])
    dx, dW, db = affine_backward(np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]]), cache)
    np.testing.assert_array_equal(dx, [[-2.0, -2.0], [4.0, 13.0]])
    np.testing.assert_array_equal(dW, [[1.0, 0.0, -1.0], [0.0, -1.0, -2.0]])
    np.testing.assert_array_equal(db, [3.0, 1.0, -1.0])


@given(sizes, sizes, sizes, seeds)
def test_affine_gradients_agree_with_central_differences(N, D, M, seed):
    rng = np.random.default_rng(seed)
    x, W, b = rng.standard_normal((N, D)), rng.standard_normal((D, M)), rng.standard_normal(M)
    dz = rng.standard_normal((N, M))
    _, cache = affine_forward(x, W, b)
    for gradient, argument in zip(affine_backward(dz, cache), (x, W, b), strict=True):
        numerical = numerical_gradient(lambda _: np.vdot(affine_forward(x, W, b)[0], dz), argument)
        assert relative_error(gradient, numerical) <= 1e-7


@given(sizes, st.lists(st.integers(1, 4), min_size=2, max_size=3), sizes, seeds)
def test_affine_flattens_images_and_returns_their_gradient_in_their_shape(N, shape, M, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, *shape))
    W, b = rng.standard_normal((int(np.prod(shape)), M)), rng.standard_normal(M)
    z, cache = affine_forward(x, W, b)
    flat, flat_cache = affine_forward(x.reshape(N, -1), W, b)
    np.testing.assert_array_equal(z, flat)
    dz = rng.standard_normal((N, M))
    dx, dW, _ = affine_backward(dz, cache)
    assert dx.shape == x.shape
    np.testing.assert_array_equal(dx.reshape(N, -1), affine_backward(dz, flat_cache)[0])
    np.testing.assert_array_equal(dW, affine_backward(dz, flat_cache)[1])


def test_affine_backward_leaves_dx_out_when_nobody_needs_it():
    _, cache = affine_forward(np.ones((2, 3)), np.ones((3, 4)), np.ones(4))
    dx, dW, _ = affine_backward(np.ones((2, 4)), cache, need_dx=False)
    assert dx is None
    assert dW.shape == (3, 4)


@pytest.mark.parametrize(
    ("x", "W", "b", "error", "words"),
    [
        (np.ones((8, 3072)), np.ones((3071, 100)), np.ones(100), ValueError, "3072 features but W has 3071"),
        (np.ones(4), np.ones((4, 2)), np.ones(2), ValueError, r"x\[np.newaxis\]"),
        (np.float64(3), np.ones((1, 2)), np.ones(2), ValueError, "one number"),
        (np.ones((2, 3)), np.ones(3), np.ones(1), ValueError, r"W must have shape \(D, M\)"),
        (np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 4)), ValueError, r"b must have shape \(4,\)"),
        (np.ones((2, 3)), np.ones((3, 4)), np.ones(3), ValueError, r"b must have shape \(4,\)"),
        ([[1.0]], np.ones((1, 1)), np.ones(1), TypeError, "x must be a NumPy array, got list"),
        (np.array([["a"]]), np.ones((1, 1)), np.ones(1), TypeError, "x must hold floating-point numbers"),
        (np.ones((1, 1)), np.ones((1, 1), complex), np.ones(1), TypeError, "W must hold floating-point"),
        (np.ones((1, 1)), np.ones((1, 1)), np.ones(1, bool), TypeError, "b must hold floating-point"),
    ],
)
def test_affine_forward_says_what_does_not_fit(x, W, b, error, words):
    with pytest.raises(error, match=words):
        affine_forward(x, W, b)


def test_affine_backward_says_what_does_not_fit():
    _, cache = affine_forward(np.ones((2, 3)), np.ones((3, 4)), np.ones(4))
    with pytest.raises(ValueError, match=r"dz has shape \(4, 2\), but the forward pass returned \(2, 4\)"):
        affine_backward(np.ones((4, 2)), cache)
    for foreign in (None, (), (1, 2), (np.ones(3), np.ones(3)), "xW"):
        with pytest.raises(TypeError, match="cache must come from affine_forward"):
            affine_backward(np.ones((2, 4)), foreign)


# --- activations -------------------------------------------------------------------------------------


def test_activations_agree_with_numbers_worked_by_hand():
    z = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(layers.relu_forward(z)[0], [0.0, 0.0, 3.0])
    np.testing.assert_array_equal(layers.leaky_relu_forward(z, slope=0.1)[0], [-0.2, 0.0, 3.0])
    np.testing.assert_allclose(
        layers.sigmoid_forward(z)[0], [0.11920292202211755, 0.5, 0.9525741268224334], rtol=1e-15
    )
    np.testing.assert_allclose(
        layers.tanh_forward(z)[0], [-0.9640275800758169, 0.0, 0.9950547536867305], rtol=1e-15
    )


def test_relu_passes_gradient_only_where_input_was_positive():
    _, cache = layers.relu_forward(np.array([-1.0, 0.0, 2.0, 1e-300]))
    np.testing.assert_array_equal(
        layers.relu_backward(np.array([5.0, 6.0, 7.0, 8.0]), cache), [0.0, 0.0, 7.0, 8.0]
    )


def test_leaky_relu_lets_a_share_of_the_gradient_through_elsewhere():
    _, cache = layers.leaky_relu_forward(np.array([-1.0, 0.0, 2.0]), slope=0.25)
    np.testing.assert_array_equal(
        layers.leaky_relu_backward(np.array([4.0, 8.0, 7.0]), cache), [1.0, 2.0, 7.0]
    )


def test_sigmoid_and_tanh_derivatives_at_zero_are_a_quarter_and_one():
    for name, derivative in (("sigmoid", 0.25), ("tanh", 1.0)):
        forward, backward = ACTIVATIONS[name]
        assert backward(np.ones(1), forward(np.zeros(1))[1])[0] == derivative


@activations
@given(shape=st.lists(sizes, min_size=1, max_size=4), seed=seeds)
def test_activation_gradients_agree_with_central_differences(name, shape, seed):
    forward, backward = ACTIVATIONS[name]
    rng = np.random.default_rng(seed)
    z, da = away_from_kinks(rng, shape), rng.standard_normal(shape)
    _, cache = forward(z)
    numerical = numerical_gradient(lambda z: np.vdot(forward(z)[0], da), z.copy())
    assert relative_error(backward(da, cache), numerical) <= 1e-7


@activations
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_stay_finite_and_quiet_at_the_extremes(name, dtype):
    forward, backward = ACTIVATIONS[name]
    z = np.array([-1e4, -100, -1e-30, 0, 1e-30, 100, 1e4], dtype)
    a, cache = forward(z)
    dz = backward(np.ones_like(z), cache)
    for result in (a, dz):
        assert result.dtype == dtype
        assert np.isfinite(result).all()
    assert (np.diff(a) >= 0).all()


def test_sigmoid_keeps_its_precision_far_below_zero():
    z = np.array([-30.0, -300.0, -700.0])
    np.testing.assert_allclose(layers.sigmoid_forward(z)[0], np.exp(z), rtol=1e-13)


@activations
def test_results_are_written_to_out_and_are_the_same(name):
    forward, backward = ACTIVATIONS[name]
    rng = np.random.default_rng(0)
    z, da = rng.standard_normal((2, 4, 5))
    a, cache = forward(z)
    out = np.full_like(a, np.nan)
    assert forward(z, out=out)[0] is out
    np.testing.assert_array_equal(out, a)
    dz, out = backward(da, cache), np.full_like(a, np.nan)
    assert backward(da, cache, out=out) is out
    np.testing.assert_array_equal(out, dz)
    for argument in (da, cache if name != "leaky_relu" else cache[0]):
        with pytest.raises(ValueError, match="out must be an array of its own"):
            backward(da, cache, out=argument)
    too_large = np.empty((2, 4, 5))
    with pytest.raises(ValueError, match=r"out has shape \(2, 4, 5\), but the result has \(4, 5\)"):
        forward(z, out=too_large)
    with pytest.raises(ValueError, match=r"out has shape \(2, 4, 5\), but the result has \(4, 5\)"):
        backward(da, cache, out=too_large)


@activations
def test_activations_say_what_does_not_fit(name):
    forward, backward = ACTIVATIONS[name]
    with pytest.raises(TypeError, match=f"{name}_forward: z must be a NumPy array, got list"):
        forward([1.0])
    with pytest.raises(TypeError, match="floating-point"):
        forward(np.array([True]))
    _, cache = forward(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"da has shape \(3, 2\), but the forward pass returned \(2, 3\)"):
        backward(np.ones((3, 2)), cache)
    with pytest.raises(TypeError, match=f"cache must come from {name}_forward"):
        backward(np.ones((2, 3)), None)


@pytest.mark.parametrize("slope", [-0.1, 1.0, np.nan, "0.1"])
def test_leaky_relu_refuses_slopes_that_are_none(slope):
    with pytest.raises((ValueError, TypeError), match="slope must be"):
        layers.leaky_relu_forward(np.ones(2), slope)


# --- dropout -----------------------------------------------------------------------------------------


def test_dropout_drops_its_share_and_makes_up_for_it():
    a = np.random.default_rng(0).standard_normal((400, 500))
    dropped, mask = layers.dropout_forward(a, 0.2, np.random.default_rng(1))
    np.testing.assert_allclose(np.unique(mask), [0, 1.25])
    assert (mask == 0).mean() == pytest.approx(0.2, abs=0.005)  # 200,000 draws: 0.0009 is one standard error
    np.testing.assert_array_equal(dropped, a * mask)
    again, _ = layers.dropout_forward(a, 0.2, np.random.default_rng(1))
    np.testing.assert_array_equal(again, dropped)


def test_dropout_lets_the_gradient_through_where_the_unit_was_kept():
    _, mask = layers.dropout_forward(np.ones((3, 4)), 0.5, np.random.default_rng(0))
    d = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(layers.dropout_backward(d, mask), d * mask)


def test_dropout_of_nothing_changes_nothing():
    a = np.random.default_rng(0).standard_normal((3, 4))
    dropped, mask = layers.dropout_forward(a, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(dropped, a)
    assert (mask == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_the_dtype_and_writes_to_out(dtype):
    a = np.ones((3, 4), dtype)
    out = np.empty_like(a), np.empty_like(a)
    dropped, mask = layers.dropout_forward(a, 0.5, np.random.default_rng(0), out=out)
    assert (dropped is out[0], mask is out[1]) == (True, True)
    assert layers.dropout_backward(a, mask).dtype == dropped.dtype == mask.dtype == dtype


def test_dropout_says_what_does_not_fit():
    rng = np.random.default_rng(0)
    for rate in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="rate must be at least 0 and below 1"):
            layers.dropout_forward(np.ones(3), rate, rng)
    with pytest.raises(ValueError, match=r"d has shape \(2,\), but the forward pass returned \(3,\)"):
        layers.dropout_backward(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="cache must come from dropout_forward"):
        layers.dropout_backward(np.ones(2), None)


# --- all of them -------------------------------------------------------------------------------------


def affine(z):
    return affine_forward(z, np.full((z.shape[1], 3), 2, z.dtype), np.ones(3, z.dtype))


pairs = [pytest.param(affine, affine_backward, id="affine")]
pairs += [pytest.param(*functions, id=name) for name, functions in ACTIVATIONS.items()]


def arrays_in(value):
    return [a for v in value for a in arrays_in(v)] if isinstance(value, tuple) else [value]


@pytest.mark.parametrize(("forward", "backward"), pairs)
def test_functions_change_none_of_their_arguments_and_backward_can_be_called_twice(forward, backward):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 5))
    x_before = x.copy()
    result, cache = forward(x)
    np.testing.assert_array_equal(x, x_before)
    d, kept = rng.standard_normal(result.shape), [np.copy(a) for a in arrays_in(cache)]
    d_before = d.copy()
    first = [np.copy(a) for a in arrays_in(backward(d, cache))]
    second = arrays_in(backward(d, cache))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(d, d_before)
    for a, b in zip(arrays_in(cache), kept, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("forward", "backward"), pairs)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_dtype_of_the_arguments(forward, backward, dtype):
    result, cache = forward(np.ones((2, 5), dtype))
    assert result.dtype == dtype
    for gradient in arrays_in(backward(np.ones_like(result), cache)):
        assert gradient.dtype == dtype


@pytest.mark.parametrize(("forward", "backward"), pairs)
def test_whole_numbers_are_taken_as_floats(forward, backward):
    whole = np.array([[-2, 0, 3, 1, 4]])
    result, cache = forward(whole)
    np.testing.assert_array_equal(result, forward(whole.astype(float))[0])
    assert result.dtype == np.float64
    assert arrays_in(backward(np.ones(result.shape, int), cache))[0].dtype == np.float64


@pytest.mark.parametrize(("forward", "backward"), pairs)
def test_an_empty_batch_passes_through(forward, backward):
    result, cache = forward(np.ones((0, 5)))
    assert len(result) == 0
    assert arrays_in(backward(result, cache))[0].shape == (0, 5)
