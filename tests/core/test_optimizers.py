"""Optimizers and schedules: by hand, against the papers' formulas written out, and what they refuse."""

import math
import warnings

import numpy as np
import pytest

from nn_helpers import (
    SGD,
    Adam,
    AdamW,
    ClassificationNet,
    Constant,
    CosineWithWarmup,
    Momentum,
    RMSprop,
    StepDecay,
    make_optimizer,
    train,
)
from nn_helpers.optimizers import OPTIMIZERS, Optimizer

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def steps(optimizer, gradients, theta=(1.0, -2.0)):
    """Parameters after each of the given gradients."""
    theta, path = np.array(theta), []
    for gradient in gradients:
        optimizer.step(theta, np.array(gradient))
        path.append(theta.copy())
    return np.array(path)


def test_sgd_takes_alpha_times_the_gradient_away():
    np.testing.assert_allclose(steps(SGD(0.5), [[2.0, 1.0], [0.0, -4.0]]), [[0.0, -2.5], [0.0, -0.5]])


def test_momentum_is_v_becomes_beta_v_minus_alpha_gradient_and_theta_becomes_theta_plus_v():
    # v: −0.5·2 = −1, then 0.9·(−1) − 0.5·2 = −1.9, then 0.9·(−1.9) + 0 = −1.71
    path = steps(Momentum(0.5, beta=0.9), [[2.0], [2.0], [0.0]], theta=[0.0])
    np.testing.assert_allclose(path[:, 0], [-1.0, -2.9, -4.61], rtol=1e-15)


def test_rmsprop_is_the_formula_of_its_docstring():
    lr, beta, eps = 0.1, 0.9, 1e-3
    theta, s, expected = np.array([1.0, -2.0]), np.zeros(2), []
    gradients = np.random.default_rng(0).standard_normal((20, 2))
    for g in gradients:
        s = beta * s + (1 - beta) * g**2
        theta = theta - lr * g / (np.sqrt(s) + eps)
        expected.append(theta)
    np.testing.assert_allclose(steps(RMSprop(lr, beta, eps), gradients), expected, rtol=1e-12)


@pytest.mark.parametrize("weight_decay", [None, 0.1])
@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_adam_is_algorithm_1_of_its_paper_and_adamw_decays_beside_it(weight_decay, eps):
    lr, beta1, beta2 = 0.1, 0.8, 0.95
    theta, m, v, expected = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), []
    gradients = np.random.default_rng(0).standard_normal((30, 2))
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        decay = lr * weight_decay * theta if weight_decay else 0
        theta = theta - decay - lr * m_hat / (np.sqrt(v_hat) + eps)
        expected.append(theta)
    optimizer = AdamW(lr, beta1, beta2, eps, weight_decay) if weight_decay else Adam(lr, beta1, beta2, eps)
    np.testing.assert_allclose(steps(optimizer, gradients), expected, rtol=1e-12)


def test_adams_first_step_has_the_length_of_the_learning_rate_whatever_the_gradient():
    path = steps(Adam(0.01), [[1e-4, -1e6]], theta=[0.0, 0.0])
    np.testing.assert_allclose(path, [[-0.01, 0.01]], rtol=1e-3)


@every_optimizer
def test_a_parameter_whose_gradient_is_always_zero_stays_without_a_warning(name):
    options = {"weight_decay": 0.0} if name == "adamw" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = steps(make_optimizer(name, 0.1, **options), [[0.0, 1.0]] * 5)
    assert (path[:, 0] == 1).all()


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_changes_theta_in_place_and_leaves_the_gradient_alone(name, dtype):
    theta, gradient = np.ones((2, 3), dtype), np.full((2, 3), 0.5, dtype)
    optimizer = make_optimizer(name, 0.1)
    for _ in range(3):
        assert optimizer.step(theta, gradient) is None
    assert (theta < 1).all()
    assert theta.dtype == dtype
    assert all(array.dtype == dtype for array in optimizer.state.values())
    np.testing.assert_array_equal(gradient, np.full((2, 3), 0.5))


@every_optimizer
def test_every_optimizer_finds_the_bottom_of_a_bowl(name):
    theta, optimizer = np.array([3.0, -2.0]), make_optimizer(name, CosineWithWarmup(0.1, 300, 10))
    for _ in range(300):
        optimizer.step(theta, theta * [1.0, 5.0])
    assert np.abs(theta).max() < 0.01


def test_the_learning_rate_can_be_changed_at_any_time_and_can_be_a_schedule():
    optimizer = SGD(0.5)
    theta = np.zeros(1)
    optimizer.step(theta, np.ones(1))
    optimizer.lr = 2
    optimizer.step(theta, np.ones(1))
    assert theta[0] == -2.5
    optimizer.lr = StepDecay(1.0, every=3, factor=0.5)  # step 3 is its last at 1, step 4 the first at 0.5
    optimizer.step(theta, np.ones(1))
    optimizer.step(theta, np.ones(1))
    assert theta[0] == -4.0


def test_a_schedule_may_end_at_zero_and_not_below():
    theta = np.ones(3)
    SGD(lambda t: 0.0).step(theta, theta.copy())
    np.testing.assert_array_equal(theta, 1)
    for lr in (-1e-9, np.nan):
        optimizer = SGD(lambda t, lr=lr: lr)
        with pytest.raises(
            ValueError, match=f"SGD: the schedule lr must give .* at least 0, got {lr} for step 1"
        ):
            optimizer.step(theta, theta.copy())
        assert optimizer.t == 0


def test_a_schedule_is_a_function_of_the_step_that_returns_a_number():
    with pytest.raises(TypeError, match="SGD: a schedule lr must be a function of one argument, the step t"):
        SGD(lambda: 0.1)
    for lr in ("0.1", None):
        with pytest.raises(ValueError, match=f"learning rate of at least 0, got {lr!r} for step 1"):
            SGD(lambda t, lr=lr: lr).step(np.ones(3), np.ones(3))


@pytest.mark.parametrize("schedule", [Constant(0.1), StepDecay(0.1, 5), CosineWithWarmup(0.1, 10)])
def test_who_draws_a_schedule_from_step_0_sees_its_first_rate_there(schedule):
    assert schedule(0) == 0.1


def test_an_optimizer_of_ones_own_is_told_what_it_needs():
    class Mine(Optimizer):
        pass

    with pytest.raises(NotImplementedError, match=r"Mine needs update\(self, theta, gradient, lr, scratch\)"):
        Mine(0.1).step(np.ones(2), np.ones(2))


def test_constant_and_step_decay_schedules():
    assert [Constant(0.1)(t) for t in (1, 2, 1000)] == [0.1] * 3
    np.testing.assert_allclose([StepDecay(1.0, 2, 0.1)(t) for t in range(1, 7)], [1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_with_warmup_rises_in_a_line_and_falls_to_its_end():
    lr = CosineWithWarmup(0.4, total_steps=12, warmup_steps=4, final_lr=0.1)
    np.testing.assert_allclose([lr(t) for t in range(1, 5)], [0.1, 0.2, 0.3, 0.4])
    assert lr(8) == pytest.approx(0.25)  # half way down
    assert lr(6) == pytest.approx(0.1 + 0.3 * (1 + math.cos(math.pi / 4)) / 2)
    assert lr(12) == pytest.approx(0.1)
    assert lr(13) == lr(12)
    assert CosineWithWarmup(0.4, total_steps=10)(10) == 0


@every_optimizer
@pytest.mark.parametrize("lr", [0, -0.1, np.nan, np.inf])
def test_a_learning_rate_must_be_a_number_above_zero(name, lr):
    with pytest.raises(ValueError, match="learning rate lr must be greater than 0"):
        make_optimizer(name, lr)
    optimizer = make_optimizer(name, 0.1)
    with pytest.raises(ValueError, match="learning rate"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: SGD("0.1"), TypeError, "learning rate lr must be a number, got '0.1'"),
        (lambda: SGD(), TypeError, "lr"),
        (lambda: Momentum(0.1, beta=1.0), ValueError, "beta must be at least 0 and below 1, got 1.0"),
        (lambda: Momentum(0.1, beta=-0.5), ValueError, "beta must be at least 0"),
        (lambda: Momentum(0.1, betta=0.9), TypeError, "betta"),
        (lambda: Adam(0.1, beta1=2), ValueError, "Adam: beta1"),
        (lambda: AdamW(0.1, beta2=1), ValueError, "AdamW: beta2"),
        (lambda: Adam(0.1, eps=0), ValueError, "eps must be greater than 0"),
        (lambda: RMSprop(0.1, eps=-1), ValueError, "eps must be greater than 0"),
        (lambda: AdamW(0.1, weight_decay=-1), ValueError, "weight_decay must be at least 0"),
        (
            lambda: make_optimizer("adamm", 0.1),
            ValueError,
            "unknown optimizer 'adamm'; known: 'sgd', 'momentum'",
        ),
        (lambda: make_optimizer(Adam, 0.1), ValueError, "known: 'sgd'"),
        (lambda: Constant(0), ValueError, "lr must be greater than 0"),
        (lambda: StepDecay(0.1, 0), ValueError, "every must be at least 1"),
        (lambda: StepDecay(0.1, 10, 0), ValueError, "factor must be greater than 0"),
        (lambda: CosineWithWarmup(0.1, 10, 10), ValueError, r"warmup_steps \(10\) must be fewer"),
        (lambda: CosineWithWarmup(0.1, 10.5), TypeError, "total_steps must be a whole number"),
        (lambda: CosineWithWarmup(0.1, 10, final_lr=-1), ValueError, "final_lr must be at least 0"),
    ],
)
def test_options_that_cannot_be_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


@every_optimizer
def test_parameters_that_do_not_fit_are_refused_and_left_alone(name):
    optimizer, theta = make_optimizer(name, 0.1), np.ones(3)
    with pytest.raises(ValueError, match=r"theta has shape \(3,\) but gradient \(2,\)"):
        optimizer.step(theta, np.ones(2))
    with pytest.raises(TypeError, match="gradient must be a NumPy array"):
        optimizer.step(theta, [1.0, 1.0, 1.0])
    with pytest.raises(TypeError, match="theta must be a float array"):
        optimizer.step(np.ones(3, int), theta)
    assert optimizer.t == 0
    optimizer.step(theta, np.ones(3))
    kept = theta.copy()
    with pytest.raises(ValueError, match="make a new optimizer for another network"):
        optimizer.step(np.ones(4), np.ones(4))
    np.testing.assert_array_equal(theta, kept)
    assert optimizer.t == 1


class MakesAnotherTheta(Optimizer):
    def update(self, theta, gradient, lr, scratch):
        theta = theta - lr * gradient


@pytest.mark.parametrize("optimizer", [lambda: MakesAnotherTheta(0.1), lambda: SGD(1e-60)])
@pytest.mark.parametrize("options", [{}, {"normalise": True}])  # running means change all the same
def test_a_training_in_which_no_parameter_changes_is_warned_of(optimizer, options):
    rng = np.random.default_rng(0)
    data, net = (rng.standard_normal((8, 4)), np.arange(8) % 3), ClassificationNet(4, [5], 3, **options)
    words = r"no step has changed a parameter\. .* must change theta in place, as in theta -= lr \* gradient"
    with pytest.warns(RuntimeWarning, match=words):
        train(net, data, optimizer(), epochs=2, batch_size=4, progress=False)
    with warnings.catch_warnings(action="error"):
        train(net, data, SGD(0.1), epochs=2, batch_size=4, progress=False)
        train(net, data, SGD(lambda t: 0.0), epochs=2, batch_size=4, progress=False)  # as was asked for


def test_the_repr_tells_how_to_make_it_again():
    for text in (
        "SGD(lr=0.1)",
        "Momentum(lr=0.1, beta=0.9)",
        "RMSprop(lr=0.1, beta=0.99, eps=1e-08)",
        "Adam(lr=0.1, beta1=0.9, beta2=0.999, eps=1e-08)",
        "AdamW(lr=StepDecay(lr=0.1, every=5, factor=0.1), beta1=0.9, beta2=0.9, eps=0.1, weight_decay=0.01)",
    ):
        assert repr(eval(text)) == text
