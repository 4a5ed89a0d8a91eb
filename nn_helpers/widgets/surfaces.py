"""Losses with two parameters, which can be drawn, and how optimizers go down on them.

A surface gives its loss, its gradient, and a noisy gradient such as a mini-batch's. All but one are
formulas. The last is the loss of a `ClassificationNet`, of which two weights are free.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nn_helpers.data.points import points
from nn_helpers.layers import affine_forward, tanh_backward, tanh_forward
from nn_helpers.losses import log_softmax
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Adam
from nn_helpers.support.arrays import describe
from nn_helpers.support.validation import choice
from nn_helpers.training import train

COS, SIN = math.cos(math.pi / 6), math.sin(math.pi / 6)  # of the ravine that is turned
SHALLOW, BARRIER, DEEP = -1.5, -0.5, 2.0  # along θ₁, where the surface with two minima is level
LEFT = "left the map"
BATCH_SIZE = 8  # of the mini-batches that make the tiny network's noisy gradient


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss of θ = (θ₁, θ₂), and the part of the plane that is worth seeing.

    Attributes
    ----------
    name, description : str
    loss_and_gradient : function
        Of the places theta (…, 2): the loss (…) there, and its gradient (…, 2).
    noisy_gradient : function
        Of theta (2,) and a random generator: what SGD sees in place of the gradient, right on average.
    noise_in_words : str
    limits : pair of pairs of float
        From where to where θ₁ and θ₂ are drawn.
    start : pair of float
        Where optimizers begin.
    minima : tuple of pairs of float
        Where the loss has a minimum, the lowest first.
    rates : dict of str to float
        A learning rate that suits GD (and SGD), momentum, RMSprop and Adam here.
    """

    name: str
    description: str
    loss_and_gradient: Callable
    noisy_gradient: Callable
    noise_in_words: str
    limits: tuple
    start: tuple
    minima: tuple
    rates: dict

    def loss(self, theta):
        """Return the loss (…) at each of the places theta (…, 2)."""
        return self.loss_and_gradient(theta)[0]

    def gradient(self, theta):
        """Return the gradient (…, 2) at each of the places theta (…, 2)."""
        return self.loss_and_gradient(theta)[1]


def _formula(name, description, function, noise, rates, **place):
    """Return a surface that is a formula.

    The function takes θ₁ and θ₂, and returns the loss and its derivatives with respect to them. The noise is
    the standard deviation of each number of a noisy gradient.
    """

    def loss_and_gradient(theta):
        loss, derivatives = function(theta[..., 0], theta[..., 1])
        return loss, np.stack(derivatives, axis=-1)

    def noisy_gradient(theta, rng):
        return loss_and_gradient(theta)[1] + noise * rng.standard_normal(2)

    words = f"the gradient and noise of standard deviation {noise:g}"
    rates = dict(zip(("GD", "momentum", "RMSprop", "Adam"), rates, strict=True))
    return Surface(name, description, loss_and_gradient, noisy_gradient, words, rates=rates, **place)


def _ravine(x, y):
    return (x * x + 50 * y * y) / 2, (x, 50 * y)


def _turned_ravine(x, y):
    loss, (along, across) = _ravine(COS * x + SIN * y, COS * y - SIN * x)
    return loss, (COS * along - SIN * across, SIN * along + COS * across)


def _saddle(x, y):
    return 4 * x * x + (y * y - 1) ** 2 / 4, (8 * x, y * (y * y - 1))


def _plateau(x, y):
    e = np.exp(-(x * x + y * y) / 2)
    return 1 - e, (x * e, y * e)


def _well(x):  # its derivative is (x − a)(x − b)(x − c)
    a, b, c = SHALLOW, BARRIER, DEEP
    return x**4 / 4 - (a + b + c) * x**3 / 3 + (a * b + a * c + b * c) * x * x / 2 - a * b * c * x


def _two_minima(x, y):
    r, slope = y - x / 2, (x - SHALLOW) * (x - BARRIER) * (x - DEEP) / 2
    return (_well(x) - _well(DEEP)) / 2 + r * r, (slope - r, 2 * r)


RAVINE_RATES = 0.038, 0.006, 0.2, 0.4  # it does not matter to GD that it is turned
FORMULAS = (
    _formula(
        "ravine", "(θ₁² + 50 θ₂²) / 2: across it 50 times as steep as along it", _ravine, 2.0,
        RAVINE_RATES, limits=((-10.0, 10.0), (-3.0, 3.0)), start=(-9.0, 1.2), minima=((0.0, 0.0),),
    ),
    _formula(
        "ravine, turned", "the same ravine, turned by 30°: neither θ₁ nor θ₂ goes along it", _turned_ravine,
        2.0, RAVINE_RATES, limits=((-10.0, 10.0), (-7.0, 7.0)), start=(-8.39, -3.46), minima=((0.0, 0.0),),
    ),
    _formula(
        "saddle", "4 θ₁² + (θ₂² − 1)² / 4: at (0, 0) the gradient is 0, and the loss falls to both sides",
        _saddle, 0.3, (0.1, 0.02, 0.02, 0.05), limits=((-2.0, 2.0), (-1.8, 1.8)), start=(-1.2, 0.01),
        minima=((0.0, 1.0), (0.0, -1.0)),
    ),
    _formula(
        "plateau", "1 − exp(−(θ₁² + θ₂²) / 2): flat all around, with one hole in it", _plateau, 0.02,
        (1.0, 0.5, 0.02, 0.1), limits=((-4.5, 4.5), (-3.5, 3.5)), start=(-3.0, 2.5), minima=((0.0, 0.0),),
    ),
    _formula(
        "two minima", "a shallow minimum near the start, a barrier, and the deep minimum behind it",
        _two_minima, 2.0, (0.1, 0.02, 0.05, 0.2), limits=((-3.5, 3.5), (-3.0, 3.0)),
        start=(-2.6, 0.5), minima=((DEEP, DEEP / 2), (SHALLOW, SHALLOW / 2)),
    ),
)  # fmt: skip
SURFACES = (*(each.name for each in FORMULAS), "tiny network")


@functools.cache
def tiny_network():
    """Return a trained network 2 → 3 → 2, and its 60 points and their labels."""
    data = points("circles", n_train=60, n_val=0, dtype=np.float64)
    x, y = data.train.images, data.train.labels
    net = ClassificationNet(2, [3], 2, "tanh", init="xavier", dtype=np.float64, seed=0)
    train(net, (x, y), Adam(lr=0.05), batch_size=None, epochs=300, progress=False)
    return net, x, y


def _network_surface():
    """Return the loss of the tiny network, as a function of the weights to its first hidden unit."""
    net, x, y = tiny_network()
    w, b, one_hot = net.params["W2"][0], net.params["b1"][0], np.eye(net.num_classes)[y]
    # What all other hidden units and the biases add to the logits (N, C).
    others = affine_forward(net.activations(x)[0][:, 1:], net.params["W2"][1:], net.params["b2"])[0]

    def loss_and_gradient(theta, rows=slice(None)):
        # The network's own forward and backward pass without what never changes: for many places at once, and
        # with sums in place of matrix products, whose last digit depends on how many places there are.
        z = (theta[..., np.newaxis, :] * x[rows]).sum(axis=-1) + b  # (…, N)
        a, cache = tanh_forward(z)
        logp = log_softmax(others[rows] + a[..., np.newaxis] * w)  # (…, N, C)
        dlogits = (np.exp(logp) - one_hot[rows]) / len(x[rows])
        dz = tanh_backward((dlogits * w).sum(axis=-1), cache)
        loss = -(one_hot[rows] * logp).sum(axis=-1).mean(axis=-1)
        return loss, (dz[..., np.newaxis] * x[rows]).sum(axis=-2)

    def noisy_gradient(theta, rng):
        return loss_and_gradient(theta, rng.permutation(len(x))[:BATCH_SIZE])[1]

    return Surface(
        "tiny network",
        "the cross-entropy of a trained network 2 → 3 → 2 on 60 points in two circles; θ₁ and θ₂ are the "
        "weights from its two inputs to its first hidden unit, and all others stay",
        loss_and_gradient, noisy_gradient,
        f"the gradient of mini-batches of {BATCH_SIZE} of the {len(x)} points", start=(5.0, 0.0),
        limits=((-6.0, 6.0), (-6.0, 6.0)), minima=(tuple(net.params["W1"][:, 0].tolist()),),
        rates={"GD": 1.0, "momentum": 0.1, "RMSprop": 0.05, "Adam": 0.1},
    )  # fmt: skip


@functools.cache
def surface(name):
    """Return the surface of this name, one of `SURFACES`; always the same one."""
    choice("surface", "surface", name, SURFACES)
    return next((each for each in FORMULAS if each.name == name), None) or _network_surface()


@dataclass(frozen=True)
class Descent:
    """Where an optimizer went.

    Attributes
    ----------
    theta : float array (K + 1, 2)
        At the start and after each of K steps. The last place of a path that left the map is
        where it crossed the edge of the map.
    loss : float array (K + 1,)
        NaN where a path ended by leaving the map.
    ended : str
        Why the path ended early, such as "left the map"; empty if it did not.
    at : int
        In which step it ended, counted from 1; 0 if it did not end early.
    error : Exception or None
        What the step raised.
    """

    theta: np.ndarray
    loss: np.ndarray
    ended: str = ""
    at: int = 0
    error: Exception | None = None


def descend(surface, step, steps=200, start=None, seed=None):
    """Walk down until the steps are done, the path leaves the map, or a step fails.

    Parameters
    ----------
    surface : Surface
    step : function
        ``step(theta, gradient)`` changes theta (2,) in place, as the optimizers' method does.
    steps : int
    start : pair of float, optional
        Where to begin; else the surface's own start.
    seed : int, optional
        Of noise: with one, the step is given noisy gradients.

    Returns
    -------
    Descent
        An error that a step raises is in it. All steps before are as they were.

    Examples
    --------
    >>> from nn_helpers import SGD
    >>> descent = descend(surface("ravine"), SGD(lr=0.05).step)
    >>> descent.ended, descent.at
    ('left the map', 3)
    """
    theta = np.array(surface.start if start is None else start, dtype=float)
    path, at, ended, error = [theta.copy()], 0, "", None
    rng = None if seed is None else np.random.default_rng(seed)
    with np.errstate(all="ignore"):  # that it overflowed is said in words
        while at < steps and not ended:
            at += 1
            gradient = surface.gradient(theta) if rng is None else surface.noisy_gradient(theta, rng)
            ended, error = _walk(step, theta, gradient, path, surface.limits)
        loss = surface.loss(np.array(path))
    if ended == LEFT:
        loss[-1] = np.nan
    return Descent(np.array(path), loss, ended, at if ended else 0, error)


def momentum_losses(surface, start, lr, beta, steps=200):
    """Return the loss (…) after many descents with momentum at once, NaN where a path left the map.

    Each has its own α and β, float arrays (…).
    """
    lr, beta = lr[..., np.newaxis], beta[..., np.newaxis]
    theta, low, high = np.broadcast_to(start, (*lr.shape[:-1], 2)).copy(), *np.transpose(surface.limits)
    v = np.zeros_like(theta)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            v = beta * v - lr * surface.gradient(theta)
            theta += v
            theta[((theta < low) | (theta > high)).any(axis=-1)] = np.nan
        return surface.loss(theta)


def _walk(step, theta, gradient, path, limits):
    """Make one step, and add where it led to the path; return why the path ended, if it did, and an error."""
    try:
        result = step(theta, gradient)
        if result is not None and result is not theta:
            raise TypeError(
                f"the step returned a {describe(result)}; it must change theta in place, with "
                "`theta -= …`, and return nothing"
            )
    except Exception as error:
        return f"raised {type(error).__name__}", error
    inside = all(low <= value <= high for value, (low, high) in zip(theta.tolist(), limits, strict=True))
    if not inside and np.isnan(theta).any():
        return "became NaN", None
    path.append(theta.copy() if inside else _edge(path[-1], theta, limits))
    return "" if inside else LEFT, None


def _edge(inside, outside, limits):
    """Return where the line between two places crosses the edge of the map."""
    low, high = np.transpose(limits)
    way = np.clip(outside, -1e100, 1e100) - inside
    room = np.where(way > 0, high, low) - inside
    share = np.divide(room, way, out=np.ones(2), where=way != 0)
    return inside + share.min() * way
