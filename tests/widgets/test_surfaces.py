"""Surfaces with two parameters, and descents on them."""

import numpy as np
import pytest

from nn_helpers import SGD, Adam, Momentum, RMSprop, cross_entropy, numerical_gradient, relative_error
from nn_helpers.widgets import optimizer_race
from nn_helpers.widgets.optimizer_race import momentum_levels
from nn_helpers.widgets.surfaces import SURFACES, descend, surface, tiny_network

OPTIMIZERS = {"GD": SGD, "SGD": SGD, "momentum": Momentum, "RMSprop": RMSprop, "Adam": Adam}
FORMULAS = [name for name in SURFACES if name != "tiny network"]


def places(on, count=8):
    low, high = np.transpose(on.limits)
    return np.random.default_rng(0).uniform(low, high, (count, 2))


def suitable(on, name, factor=1.0):
    return OPTIMIZERS[name](factor * on.rates.get(name, on.rates["GD"]))


@pytest.mark.parametrize("name", SURFACES)
def test_gradients_agree_with_central_differences(name):
    on = surface(name)
    for theta in (*places(on), np.array(on.start)):
        numerical = numerical_gradient(lambda at: float(on.loss(at)), theta)
        gradient = on.gradient(theta)
        assert gradient.shape == (2,)
        assert np.linalg.norm(gradient - numerical) < 1e-7 * (1 + np.linalg.norm(numerical))


@pytest.mark.parametrize("name", SURFACES)
def test_losses_of_many_places_are_those_of_each_and_at_least_0(name):
    on = surface(name)
    theta = places(on, 6).reshape(3, 2, 2)
    losses = on.loss(theta)
    assert losses.shape == (3, 2)
    for place, loss in zip(theta.reshape(-1, 2), losses.ravel(), strict=True):
        assert on.loss_and_gradient(place)[0] == pytest.approx(loss, rel=1e-12)
    assert losses.min() > 0


@pytest.mark.parametrize("name", SURFACES)
def test_minima_are_minima_and_the_first_is_the_lowest(name):
    on = surface(name)
    losses = [on.loss(np.array(minimum)) for minimum in on.minima]
    assert losses == sorted(losses)
    assert losses[0] <= on.loss(places(on, 200)).min()
    for minimum, loss in zip(np.array(on.minima), losses, strict=True):
        assert np.linalg.norm(on.gradient(minimum)) < 2e-3
        ring = minimum + 0.2 * np.stack([np.cos(np.arange(8)), np.sin(np.arange(8))], axis=-1)
        assert (on.loss(ring) > loss).all()


def test_the_surfaces_are_what_their_names_say():
    ravine, saddle, plateau, two = map(surface, ("ravine", "saddle", "plateau", "two minima"))
    assert ravine.loss(np.array([0.0, 1.0])) == 50 * ravine.loss(np.array([1.0, 0.0])) == 25
    middle = np.zeros(2)
    assert not saddle.gradient(middle).any()
    assert saddle.loss(np.array([0.1, 0.0])) > saddle.loss(middle) > saddle.loss(np.array([0.0, 0.1]))
    assert np.linalg.norm(plateau.gradient(np.array(plateau.start))) < 0.01
    deep, shallow = np.array(two.minima)
    between = [two.loss(deep + share * (shallow - deep)) for share in np.linspace(0, 1, 50)]
    assert np.argmax(between) not in (0, 49)
    assert two.loss(shallow) > two.loss(deep) + 1


def test_the_turned_ravine_is_the_ravine_turned():
    ravine, turned = surface("ravine"), surface("ravine, turned")
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turn = np.array([[c, -s], [s, c]])
    theta = places(ravine)
    np.testing.assert_allclose(turned.loss(theta @ turn.T), ravine.loss(theta), rtol=1e-12)
    np.testing.assert_allclose(turned.start, turn @ ravine.start, atol=0.006)


def test_the_tiny_networks_loss_is_that_of_the_network_with_two_weights_changed():
    on, (trained, x, y) = surface("tiny network"), tiny_network()
    net = trained.copy()
    for theta in places(on, 4):
        net.params["W1"][:, 0] = theta
        loss, dlogits = cross_entropy(net.forward(x), y)
        net.backward(dlogits)
        found, gradient = on.loss_and_gradient(theta)
        assert found == pytest.approx(loss, rel=1e-12)
        assert loss == net.loss(x, y)
        np.testing.assert_allclose(gradient, net.grads["W1"][:, 0], rtol=1e-10, atol=1e-14)
    assert on.loss(np.array(on.minima[0])) < 0.02
    assert trained.score(x, y) == 1


@pytest.mark.parametrize("name", SURFACES)
def test_noisy_gradients_are_right_on_average_and_the_same_for_the_same_seed(name):
    on, rng = surface(name), np.random.default_rng(0)
    theta = np.array(on.start)
    gradients = np.array([on.noisy_gradient(theta, rng) for _ in range(400)])
    error = gradients.std(axis=0) / np.sqrt(len(gradients))
    assert (np.abs(gradients.mean(axis=0) - on.gradient(theta)) < 4 * error).all()
    assert (error > 0).all()
    again = on.noisy_gradient(theta, np.random.default_rng(0))
    np.testing.assert_array_equal(again, gradients[0])


def test_the_networks_noise_is_a_mini_batchs_and_the_formulas_noise_has_their_deviation():
    on, theta = surface("tiny network"), np.array([1.0, 1.0])
    batch = np.random.default_rng(3).permutation(60)[:8]
    expected = on.loss_and_gradient(theta, batch)[1]
    np.testing.assert_array_equal(on.noisy_gradient(theta, np.random.default_rng(3)), expected)
    assert relative_error(expected, on.gradient(theta)) > 0.01
    assert "mini-batches of 8 of the 60 points" in on.noise_in_words
    for name in FORMULAS:
        on, rng = surface(name), np.random.default_rng(0)
        noise = [on.noisy_gradient(theta, rng) - on.gradient(theta) for _ in range(1000)]
        said = float(on.noise_in_words.split()[-1])
        assert np.std(noise) == pytest.approx(said, rel=0.1)


@pytest.mark.parametrize("name", SURFACES)
def test_the_suggested_rates_keep_everybody_in_the_map_and_lead_to_a_minimum(name):
    on = surface(name)
    begin = on.loss(np.array(on.start))
    for optimizer in OPTIMIZERS:
        seed = 0 if optimizer == "SGD" else None
        descent = descend(on, suitable(on, optimizer).step, seed=seed)
        assert descent.ended == "", optimizer
        lowest = min(on.loss(np.array(on.minima)), key=lambda loss: abs(loss - descent.loss[-1]))
        assert descent.loss[-1] - lowest < 0.05 * begin, optimizer


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("optimizer", ["GD", "momentum", "RMSprop", "Adam"])
def test_a_sixth_of_the_suggested_rate_is_slower_on_the_way(name, optimizer):
    on = surface(name)
    means = [descend(on, suitable(on, optimizer, factor).step).loss.mean() for factor in (1, 1 / 6)]
    assert means[0] < means[1]


def test_what_the_surfaces_are_there_to_show():
    def after(name, optimizer, k, factor=1.0):
        return descend(surface(name), suitable(surface(name), optimizer, factor).step).loss[k]

    # in a ravine GD is slow, and with a rate only a little larger it does not stay in it
    assert after("ravine", "momentum", 60) < after("ravine", "GD", 60) / 2
    assert descend(surface("ravine"), SGD(0.05).step).ended == "left the map"
    # the turned ravine is the same for GD, and harder for RMSprop
    assert after("ravine, turned", "GD", 60) == pytest.approx(after("ravine", "GD", 60), rel=0.01)
    assert after("ravine, turned", "RMSprop", 60) > 1000 * after("ravine", "RMSprop", 60)
    # GD waits at the saddle, at loss 1/4
    assert after("saddle", "GD", 20) == pytest.approx(0.25, abs=0.01)
    assert after("saddle", "Adam", 30) < 0.1
    # far out on the plateau steps proportional to the gradient lead nowhere
    assert after("plateau", "GD", 100) > 0.99
    assert after("plateau", "Adam", 100) < 0.01
    # momentum carries over the barrier
    shallow = surface("two minima").loss(np.array(surface("two minima").minima[1]))
    assert after("two minima", "GD", 200) == pytest.approx(shallow, rel=1e-3)
    assert after("two minima", "momentum", 200) < 1e-3
    # of seeds of SGD's noise some carry over it, some not
    two = surface("two minima")
    ends = [descend(two, suitable(two, "SGD").step, seed=seed).theta[-1, 0] for seed in range(12)]
    assert 2 <= sum(end > 0 for end in ends) <= 10


# descend


def test_a_descent_is_the_optimizers_steps():
    on = surface("ravine")
    descent = descend(on, Adam(0.4).step, steps=30)
    theta, optimizer = np.array(on.start), Adam(0.4)
    for k in range(31):
        np.testing.assert_array_equal(descent.theta[k], theta)
        assert descent.loss[k] == on.loss(theta)
        optimizer.step(theta, on.gradient(theta))
    assert descent.theta.shape == (31, 2)
    assert (descent.ended, descent.at, descent.error) == ("", 0, None)


def test_a_descent_may_begin_elsewhere_and_make_no_step():
    descent = descend(surface("ravine"), SGD(0.01).step, steps=0, start=(2.0, -1.0))
    np.testing.assert_array_equal(descent.theta, [[2.0, -1.0]])
    assert descent.loss.tolist() == [27.0]


def test_noise_changes_the_steps_and_not_the_losses():
    on = surface("ravine")
    seen = []
    descent = descend(on, lambda theta, gradient: seen.append(gradient), steps=5, seed=1)
    rng = np.random.default_rng(1)
    for gradient in seen:
        np.testing.assert_array_equal(
            gradient, on.gradient(np.array(on.start)) + 2.0 * rng.standard_normal(2)
        )
    assert descent.loss.tolist() == [on.loss(np.array(on.start))] * 6


def test_a_path_that_leaves_the_map_ends_at_its_edge():
    def right(theta, gradient):
        theta += [8.0, 1.0]

    descent = descend(surface("ravine"), right, start=(-9.0, 0.0))
    assert (descent.ended, descent.at) == ("left the map", 3)
    np.testing.assert_allclose(descent.theta, [[-9, 0], [-1, 1], [7, 2], [10, 2.375]])
    np.testing.assert_array_equal(np.isnan(descent.loss), [False, False, False, True])
    descent = descend(surface("ravine"), right, start=(-9.0, 1.0))  # it stands on the edge before
    np.testing.assert_allclose(descent.theta[2:], [[7, 3], [7, 3]])


@pytest.mark.parametrize("far", [1e300, np.inf, -np.inf])
def test_an_infinite_step_leaves_the_map(far):
    def step(theta, gradient):
        theta *= 1 if len(steps) < 2 else far
        steps.append(1)

    steps = []
    descent = descend(surface("saddle"), step)
    assert (descent.ended, descent.at) == ("left the map", 3)
    assert np.isfinite(descent.theta).all()
    assert (np.abs(descent.theta[-1]) <= [2.0, 1.8]).all()


def test_nan_ends_a_descent_and_is_not_part_of_the_path():
    def step(theta, gradient):
        calls.append(1)
        theta[1] = np.nan if len(calls) == 4 else 0.5

    calls = []
    descent = descend(surface("saddle"), step)
    assert (descent.ended, descent.at) == ("became NaN", 4)
    assert len(descent.theta) == len(descent.loss) == 4
    assert np.isfinite(descent.theta).all()
    assert np.isfinite(descent.loss).all()


def test_an_error_ends_a_descent_and_is_kept():
    def step(theta, gradient):
        theta -= 0.01
        if theta[0] < -9.035:
            raise ZeroDivisionError("mine")

    descent = descend(surface("ravine"), step)
    assert (descent.ended, descent.at) == ("raised ZeroDivisionError", 4)
    assert isinstance(descent.error, ZeroDivisionError)
    assert len(descent.theta) == len(descent.loss) == 4


def test_a_step_that_returns_a_new_array_is_told_to_change_theta_in_place():
    descent = descend(surface("ravine"), lambda theta, gradient: theta - 0.01 * gradient)
    assert (descent.ended, descent.at) == ("raised TypeError", 1)
    assert "in place" in str(descent.error)
    assert "float64 array (2,)" in str(descent.error)


def test_a_step_may_return_theta_itself():
    def step(theta, gradient):
        theta -= 0.01 * gradient
        return theta

    assert not descend(surface("ravine"), step).ended


def test_the_races_map_of_momentums_rates_is_made_once_for_each_start():
    panel = optimizer_race()
    made = momentum_levels.cache_info().misses
    panel.time.value, panel.settings["beta"].value, panel.rates["GD"].value = 5, 0.5, 0.01
    assert momentum_levels.cache_info().misses == made
    panel.settings["theta1"].value = -8.76
    assert momentum_levels.cache_info().misses == made + 1


def test_an_unknown_surface_is_refused():
    with pytest.raises(ValueError, match="unknown surface 'hill'; known: 'ravine'"):
        surface("hill")


def test_a_surface_is_always_the_same_one():
    assert surface("tiny network") is surface("tiny network")
