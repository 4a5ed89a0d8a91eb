"""Softmax, cross-entropy and L2: by hand, against central differences, and where others overflow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_helpers import cross_entropy, l2_penalty, log_softmax, numerical_gradient, relative_error, softmax

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_softmax_agrees_with_numbers_worked_by_hand():
    # e⁰ : e^(log 2) : e^(log 5) = 1 : 2 : 5
    p = softmax(np.log([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(p, [[0.125, 0.25, 0.625]], rtol=1e-15)
    np.testing.assert_allclose(
        log_softmax(np.log([[1.0, 2.0, 5.0]])), np.log([[0.125, 0.25, 0.625]]), rtol=1e-15
    )


def test_cross_entropy_agrees_with_numbers_worked_by_hand():
    logits = np.log([[1.0, 2.0, 5.0], [2.0, 1.0, 1.0]])
    loss, dlogits = cross_entropy(logits, np.array([2, 0]))
    assert loss == pytest.approx((np.log(8 / 5) + np.log(2)) / 2, rel=1e-15)
    np.testing.assert_allclose(
        dlogits, [[0.0625, 0.125, -0.1875], [-0.25, 0.125, 0.125]], rtol=1e-14
    )  # (p − y) / 2


def test_softmax_of_two_classes_is_the_sigmoid():
    from nn_helpers import sigmoid_forward

    z = np.linspace(-20, 20, 41)
    p = softmax(np.stack([z, np.zeros_like(z)], axis=1))
    np.testing.assert_allclose(p[:, 0], sigmoid_forward(z)[0], rtol=1e-13)


def test_guessing_all_classes_alike_costs_log_of_their_number():
    loss, _ = cross_entropy(np.zeros((7, 10)), np.arange(7))
    assert loss == pytest.approx(np.log(10), rel=1e-15)


@given(sizes, sizes, seeds)
def test_softmax_rows_are_distributions_that_a_shift_does_not_change(N, C, seed):
    logits = 10 * np.random.default_rng(seed).standard_normal((N, C))
    p = softmax(logits)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(softmax(logits + 100), p, rtol=1e-11)
    np.testing.assert_allclose(np.exp(log_softmax(logits)), p, rtol=1e-13)


def test_softmax_subtracts_the_maximum_of_each_row_not_of_the_batch():
    p = softmax(np.array([[1000.0, 1001.0], [-1000.0, -1001.0]]))
    np.testing.assert_allclose(
        p, [[0.2689414213699951, 0.7310585786300049], [0.7310585786300049, 0.2689414213699951]]
    )


def test_softmax_takes_one_row_or_many_dimensions():
    logits = np.random.default_rng(0).standard_normal((2, 3, 4))
    np.testing.assert_array_equal(softmax(logits)[1, 2], softmax(logits[1, 2]))


@given(sizes, sizes, st.booleans(), seeds)
def test_cross_entropy_gradient_agrees_with_central_differences(N, C, one_hot, seed):
    rng = np.random.default_rng(seed)
    logits, y = rng.standard_normal((N, C)), rng.integers(C, size=N)
    y = np.eye(C)[y] if one_hot else y
    _, dlogits = cross_entropy(logits, y)
    numerical = numerical_gradient(lambda z: cross_entropy(z, y)[0], logits.copy())
    if C == 1:
        assert not dlogits.any()  # one class: nothing to choose
    else:
        assert relative_error(dlogits, numerical) <= 1e-7


@given(sizes, sizes, seeds)
def test_labels_as_integers_and_as_one_hot_rows_give_the_same(N, C, seed):
    rng = np.random.default_rng(seed)
    logits, y = rng.standard_normal((N, C)), rng.integers(C, size=N)
    loss, dlogits = cross_entropy(logits, y)
    for one_hot in (np.eye(C)[y], np.eye(C, dtype=int)[y], np.eye(C, dtype=bool)[y]):
        same_loss, same_dlogits = cross_entropy(logits, one_hot)
        assert same_loss == pytest.approx(loss, rel=1e-13, abs=1e-15)
        np.testing.assert_allclose(same_dlogits, dlogits, rtol=1e-13, atol=1e-16)


def test_soft_labels_have_the_gradient_p_minus_y():
    logits, y = np.log([[1.0, 3.0]]), np.array([[0.5, 0.5]])
    loss, dlogits = cross_entropy(logits, y)
    assert loss == pytest.approx(-0.5 * np.log(0.25) - 0.5 * np.log(0.75), rel=1e-14)
    np.testing.assert_allclose(dlogits, [[-0.25, 0.25]], rtol=1e-14)


@dtypes
@pytest.mark.parametrize("one_hot", [False, True])
def test_logits_of_ten_thousand_give_a_finite_loss(dtype, one_hot):
    logits = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0], [1e4, 1e4, 1e4]], dtype)
    y = np.array([0, 0, 1])
    loss, dlogits = cross_entropy(logits, np.eye(3)[y] if one_hot else y)
    assert loss == pytest.approx((0 + 2e4 + np.log(3)) / 3, rel=1e-6)
    assert dlogits.dtype == dtype
    np.testing.assert_allclose(dlogits * 3, [[0, 0, 0], [-1, 1, 0], [1 / 3, -2 / 3, 1 / 3]], atol=1e-6)


@dtypes
def test_one_example_and_one_class_cost_nothing(dtype):
    loss, dlogits = cross_entropy(np.array([[3]], dtype), np.array([0]))
    assert loss == 0
    assert not np.signbit(loss)  # printed, −0 would look like a mistake
    np.testing.assert_array_equal(dlogits, [[0]])


def test_losses_change_none_of_their_arguments():
    logits, y = np.random.default_rng(0).standard_normal((4, 3)), np.array([0, 2, 1, 1])
    one_hot, before = np.eye(3)[y], logits.copy()
    for labels in (y, one_hot):
        cross_entropy(logits, labels)
    softmax(logits)
    log_softmax(logits)
    np.testing.assert_array_equal(logits, before)
    np.testing.assert_array_equal(y, [0, 2, 1, 1])
    np.testing.assert_array_equal(one_hot, np.eye(3)[y])


def test_losses_write_to_out():
    logits = np.random.default_rng(0).standard_normal((4, 3))
    for function in (softmax, log_softmax):
        out = np.empty_like(logits)
        assert function(logits, out=out) is out
        np.testing.assert_array_equal(out, function(logits))
    out = np.empty_like(logits)
    assert cross_entropy(logits, np.array([0, 1, 2, 0]), out=out)[1] is out


@pytest.mark.parametrize(
    ("logits", "y", "error", "words"),
    [
        (np.zeros((2, 3)), np.array([0, 3]), ValueError, r"y\[1\] is 3, but labels go from 0 to C − 1 = 2"),
        (np.zeros((2, 3)), np.array([-1, 0]), ValueError, r"y\[0\] is -1"),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), TypeError, "y must be integers, got float64"),
        (np.zeros((2, 3)), np.array([True, False]), TypeError, "y must be integers, got bool"),
        (np.zeros((2, 3)), np.array([0, 1, 2]), ValueError, r"y have shape \(3,\); expected \(2,\)"),
        (np.zeros((2, 3)), np.array([[0], [1]]), ValueError, r"y have shape \(2, 1\)"),
        (np.zeros((2, 3)), [0, 1], TypeError, "y must be a NumPy array, got list"),
        (np.zeros((2, 3)), np.array([[1.0, 1, 0], [0, 0, 1]]), ValueError, "row 0 of y"),
        (np.zeros((2, 3)), np.array([[1.0, 0, 0], [2, -1, 0]]), ValueError, "row 1 of y"),
        (np.zeros((1, 2)), np.array([[np.nan, 1]]), ValueError, "row 0 of y"),
        (np.zeros((0, 3)), np.zeros(0, int), ValueError, r"N and C at least 1; got \(0, 3\)"),
        (np.zeros((2, 0)), np.zeros(2, int), ValueError, "at least 1"),
        (np.zeros(3), np.array([0]), ValueError, r"shape \(N, C\)"),
        ([[0.0]], np.array([0]), TypeError, "logits must be a NumPy array"),
    ],
)
def test_cross_entropy_says_what_does_not_fit(logits, y, error, words):
    with pytest.raises(error, match=words):
        cross_entropy(logits, y)


def test_softmax_says_what_does_not_fit():
    for function in (softmax, log_softmax):
        with pytest.raises(ValueError, match="at least one class"):
            function(np.zeros((2, 0)))
        with pytest.raises(ValueError, match="at least one class"):
            function(np.array(1.0))


def test_l2_penalty_is_half_reg_times_the_sum_of_squares():
    weights = [np.array([[1.0, -2.0]]), np.array([[3.0]])]
    assert l2_penalty(weights, 0.1) == pytest.approx(0.5 * 0.1 * 14, rel=1e-15)
    assert l2_penalty(weights[0], 0.1) == pytest.approx(0.5 * 0.1 * 5, rel=1e-15)
    assert l2_penalty(weights, 0) == 0
    W = np.array([[1.5, -0.5], [2.0, 0.25]])
    assert relative_error(0.3 * W, numerical_gradient(lambda W: l2_penalty(W, 0.3), W.copy())) <= 1e-7


@pytest.mark.parametrize("reg", [-1, np.nan, np.inf, "0.1", None, True])
def test_l2_penalty_refuses_a_strength_that_is_none(reg):
    with pytest.raises((ValueError, TypeError), match="reg must be"):
        l2_penalty(np.ones(2), reg)
