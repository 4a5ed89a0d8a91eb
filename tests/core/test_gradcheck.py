"""The gradient checker itself: it must agree with known derivatives and notice wrong ones."""

import numpy as np
import pytest

from nn_helpers import numerical_gradient, relative_error


def test_central_differences_agree_with_known_derivatives():
    x = np.array([[0.5, -1.0], [2.0, 0.1]])
    assert relative_error(numerical_gradient(lambda x: np.sin(x).sum(), x), np.cos(x)) < 1e-9
    assert relative_error(numerical_gradient(lambda x: (x**3).sum(), x), 3 * x**2) < 1e-9


def test_the_argument_is_put_back_even_when_the_function_raises():
    x = np.array([1.0, 2.0])
    numerical_gradient(lambda x: x.sum(), x)
    np.testing.assert_array_equal(x, [1.0, 2.0])
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda x: 1 / 0, x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_a_wrong_gradient_is_far_away():
    x = np.array([0.5, -1.0])
    numerical = numerical_gradient(lambda x: (x**2).sum(), x)
    assert relative_error(numerical, x) == pytest.approx(0.5)
    assert relative_error(numerical, -2 * x) == pytest.approx(2)
    assert relative_error(numerical, 2 * x + [1e-4, 0]) > 1e-6


def test_relative_error_of_zeros_and_of_other_shapes():
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.zeros(3), np.ones(3)) == 1
    with pytest.raises(ValueError, match=r"shapes differ: \(2,\) and \(1, 2\)"):
        relative_error(np.ones(2), np.ones((1, 2)))


@pytest.mark.parametrize("x", [np.ones(2, np.float32), np.ones(2, int), [1.0], 1.0])
def test_only_float64_is_precise_enough(x):
    with pytest.raises(TypeError, match="must be a float64 array"):
        numerical_gradient(lambda x: 0.0, x)


@pytest.mark.parametrize("h", [0, -1e-5, np.nan])
def test_the_step_must_be_greater_than_zero(h):
    with pytest.raises(ValueError, match="h must be greater than 0"):
        numerical_gradient(lambda x: x.sum(), np.ones(2), h)
