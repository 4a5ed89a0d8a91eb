"""Losses with two parameters, which can be drawn, and how an optimizer goes down on them.

A surface gives its loss, its gradient, and a noisy gradient such as a mini-batch's. All but one are
formulas. The last is the loss of a `ClassificationNet`, of which two weights are free.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nn_helpers._arguments import choice, describe, whole_number
from nn_helpers.data.points import points
from nn_helpers.losses import cross_entropy
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Adam
from nn_helpers.training import training_steps


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss of θ = (θ₁, θ₂), and the part of the plane that is worth seeing.

    Attributes
    ----------
    name, description : str
    limits : pair of pairs of float
        From where to where θ₁ and θ₂ are drawn.
    start : pair of float
        Where optimizers begin.
    minima : tuple of pairs of float
        Where the loss has a minimum, the lowest first.
    rates : dict of str to float
        A learning rate that suits GD (and SGD), momentum, RMSprop and Adam here.
    noise_in_words : str
        What makes the noisy gradient noisy.
    """

    name: str
    description: str
    limits: tuple
    start: tuple
    minima: tuple
    rates: dict

    def loss(self, theta):
        """Return the loss (…) at each of the places theta (…, 2)."""
        raise NotImplementedError

    def loss_and_gradient(self, theta):
        """Return the loss, a float, and its gradient (2,) at theta (2,)."""
        raise NotImplementedError

    def gradient(self, theta):
        """Return the gradient (2,) at theta (2,)."""
        return self.loss_and_gradient(theta)[1]

    def noisy_gradient(self, theta, rng):
        """Return what SGD sees at theta (2,) in place of the gradient: right on average."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Formula(Surface):
    """A loss that is a formula.

    Attributes
    ----------
    function : function
        Takes θ₁ and θ₂, numbers or arrays; returns the loss, and its derivatives with respect to them.
    noise : float
        The standard deviation of each number of a noisy gradient.
    """

    function: Callable
    noise: float

    def loss(self, theta):
        """Return the loss (…) at each of the places theta (…, 2)."""
        return self.function(theta[..., 0], theta[..., 1])[0]

    def loss_and_gradient(self, theta):
        """Return the loss, a float, and its gradient (2,) at theta (2,)."""
        loss, derivatives = self.function(*theta)
        return float(loss), np.array(derivatives, dtype=float)

    def noisy_gradient(self, theta, rng):
        """Return the gradient (2,) at theta (2,) plus normally distributed noise."""
        return self.gradient(theta) + self.noise * rng.standard_normal(2)

    @property
    def noise_in_words(self):
        """What makes the noisy gradient noisy."""
        return f"the gradient and noise of standard deviation {self.noise:g}"


@dataclass(frozen=True, eq=False)
class NetworkLoss(Surface):
    """The loss of a network on data, as a function of two of its weights; the others stay as they are.

    Attributes
    ----------
    net : ClassificationNet
    weights, derivatives : float array (2,)
        Views of the two weights in the network, and of their place in its gradient.
    x : float array (N, D)
    y : integer array (N,)
    batch_size : int
        Of the mini-batches that make the noisy gradient.
    """

    net: ClassificationNet
    weights: np.ndarray
    derivatives: np.ndarray
    x: np.ndarray
    y: np.ndarray
    batch_size: int = 8

    def loss(self, theta):
        """Return the loss (…) at each of the places theta (…, 2)."""

        def at(place):
            self.weights[:] = place
            return self.net.loss(self.x, self.y)

        return np.apply_along_axis(at, -1, theta)

    def loss_and_gradient(self, theta, rows=slice(None)):
        """Return the loss, a float, and its gradient (2,) at theta (2,), on all rows of the data or some."""
        self.weights[:] = theta
        loss, dlogits = cross_entropy(self.net.forward(self.x[rows]), self.y[rows])
        self.net.backward(dlogits)
        return loss, self.derivatives.copy()

    def noisy_gradient(self, theta, rng):
        """Return the gradient (2,) at theta (2,) of the loss on a mini-batch."""
        batch = rng.permutation(len(self.x))[: self.batch_size]
        return self.loss_and_gradient(theta, batch)[1]

    @property
    def noise_in_words(self):
        """What makes the noisy gradient noisy."""
        return f"the gradient of mini-batches of {self.batch_size} of the {len(self.x)} points"


def _ravine():
    return Formula(
        "ravine",
        "(θ₁² + 50 θ₂²) / 2: across it 50 times as steep as along it",
        function=lambda x, y: ((x * x + 50 * y * y) / 2, (x, 50 * y)),
        limits=((-10.0, 10.0), (-3.0, 3.0)),
        start=(-9.0, 1.2),
        minima=((0.0, 0.0),),
        rates={"GD": 0.038, "momentum": 0.006, "RMSprop": 0.2, "Adam": 0.4},
        noise=2.0,
    )


def _turned_ravine():
    ravine, c, s = _ravine(), math.cos(math.pi / 6), math.sin(math.pi / 6)

    def function(x, y):
        loss, (along, across) = ravine.function(c * x + s * y, c * y - s * x)
        return loss, (c * along - s * across, s * along + c * across)

    u, v = ravine.start
    return Formula(
        "ravine, turned",
        "the same ravine, turned by 30°: neither θ₁ nor θ₂ goes along it",
        function=function,
        limits=((-10.0, 10.0), (-7.0, 7.0)),
        start=(round(c * u - s * v, 2), round(s * u + c * v, 2)),
        minima=ravine.minima,
        rates=ravine.rates,
        noise=ravine.noise,
    )


def _saddle():
    return Formula(
        "saddle",
        "4 θ₁² + (θ₂² − 1)² / 4: at (0, 0) the gradient is 0, and the loss falls to both sides",
        function=lambda x, y: (4 * x * x + (y * y - 1) ** 2 / 4, (8 * x, y * (y * y - 1))),
        limits=((-2.0, 2.0), (-1.8, 1.8)),
        start=(-1.2, 0.01),
        minima=((0.0, 1.0), (0.0, -1.0)),
        rates={"GD": 0.1, "momentum": 0.02, "RMSprop": 0.02, "Adam": 0.05},
        noise=0.3,
    )


def _plateau():
    def function(x, y):
        e = np.exp(-(x * x + y * y) / 2)
        return 1 - e, (x * e, y * e)

    return Formula(
        "plateau",
        "1 − exp(−(θ₁² + θ₂²) / 2): flat all around, with one hole in it",
        function=function,
        limits=((-4.5, 4.5), (-3.5, 3.5)),
        start=(-3.0, 2.5),
        minima=((0.0, 0.0),),
        rates={"GD": 1.0, "momentum": 0.5, "RMSprop": 0.02, "Adam": 0.1},
        noise=0.02,
    )


def _two_minima():
    a, b, c = -1.5, -0.5, 2.0  # along θ₁: a shallow minimum, the barrier, the deep minimum

    def well(x):  # its derivative is (x − a)(x − b)(x − c)
        return x**4 / 4 - (a + b + c) * x**3 / 3 + (a * b + a * c + b * c) * x * x / 2 - a * b * c * x

    def function(x, y):
        r = y - x / 2
        loss = (well(x) - well(c)) / 2 + r * r
        return loss, ((x - a) * (x - b) * (x - c) / 2 - r, 2 * r)

    return Formula(
        "two minima",
        "a shallow minimum near the start, a barrier, and the deep minimum behind it",
        function=function,
        limits=((-3.5, 3.5), (-3.0, 3.0)),
        start=(-2.6, 0.5),
        minima=((c, c / 2), (a, a / 2)),
        rates={"GD": 0.1, "momentum": 0.02, "RMSprop": 0.05, "Adam": 0.2},
        noise=2.0,
    )


def _tiny_network():
    data = points("circles", n_train=60, n_val=0, dtype=np.float64)
    x, y = data.train.images, data.train.labels
    net = ClassificationNet(2, [3], 2, "tanh", init="xavier", dtype=np.float64, seed=0)
    for _ in training_steps(net, (x, y), Adam(lr=0.05), batch_size=None, epochs=300, validate=False):
        pass
    weights = net.params["W1"][:, 0]
    return NetworkLoss(
        "tiny network",
        "the cross-entropy of a trained network 2 → 3 → 2 on 60 points in two circles; θ₁ and θ₂ are the "
        "weights from its two inputs to its first hidden unit, and all others stay",
        limits=((-6.0, 6.0), (-6.0, 6.0)),
        start=(5.0, 0.0),
        minima=(tuple(weights.tolist()),),
        rates={"GD": 1.0, "momentum": 0.1, "RMSprop": 0.05, "Adam": 0.1},
        net=net,
        weights=weights,
        derivatives=net.grads["W1"][:, 0],
        x=x,
        y=y,
    )


SURFACES = {
    "ravine": _ravine,
    "ravine, turned": _turned_ravine,
    "saddle": _saddle,
    "plateau": _plateau,
    "two minima": _two_minima,
    "tiny network": _tiny_network,
}


@functools.cache
def surface(name):
    """Return the surface of this name, one of `SURFACES`; always the same one."""
    return SURFACES[choice("surface", "surface", name, SURFACES)]()


@dataclass(frozen=True)
class Descent:
    """Where an optimizer went.

    Attributes
    ----------
    theta : float array (K + 1, 2)
        At the start and after each of K steps. The last place of a path that left the picture is
        where it crossed the picture's edge.
    loss : float array (K + 1,)
        NaN where a path ended by leaving the picture.
    ended : str
        Why the path ended early, such as "left the picture"; empty if it did not.
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
    """Walk down on a surface until the steps are done, the path leaves the picture, or the step fails.

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
        An error that `step` raises is in it. All steps before are as they were.

    Examples
    --------
    >>> from nn_helpers import SGD
    >>> descend(surface("ravine"), SGD(lr=0.038).step).ended
    ''
    >>> descent = descend(surface("ravine"), SGD(lr=0.05).step)
    >>> descent.ended, descent.at
    ('left the picture', 3)
    """
    whole_number("descend", "steps", steps, 0)
    theta = np.array(surface.start if start is None else start, dtype=float)
    if not _inside(theta, surface.limits):
        raise ValueError(f"descend: start {start} lies outside of the surface's limits {surface.limits}")
    rng = None if seed is None else np.random.default_rng(seed)
    path, losses, ending = [theta.copy()], [], ()
    with np.errstate(all="ignore"):  # that it overflowed is said in words
        for k in range(1, steps + 1):
            loss, gradient = surface.loss_and_gradient(theta)
            losses.append(loss)
            if rng is not None:
                gradient = surface.noisy_gradient(theta, rng)
            try:
                _expect_in_place(step(theta, gradient), theta)
            except Exception as error:
                ending = f"raised {type(error).__name__}", k, error
                break
            if np.isnan(theta).any():
                ending = "became NaN", k
                break
            if not _inside(theta, surface.limits):
                path.append(_edge(path[-1], theta, surface.limits))
                ending = "left the picture", k
                break
            path.append(theta.copy())
    if len(losses) < len(path):
        losses.append(np.nan if ending else surface.loss_and_gradient(theta)[0])
    return Descent(np.array(path), np.array(losses), *ending)


def _expect_in_place(result, theta):
    if result is not None and result is not theta:
        raise TypeError(
            f"the step returned a {describe(result)}; it must change theta in place, with "
            "`theta -= …`, and return nothing"
        )


def _inside(theta, limits):
    return all(low <= value <= high for value, (low, high) in zip(theta.tolist(), limits, strict=True))


def _edge(inside, outside, limits):
    """Return where the line between two places crosses the edge of the picture."""
    low, high = np.transpose(limits)
    way = np.clip(outside, -1e100, 1e100) - inside
    room = np.where(way > 0, high, low) - inside
    share = np.divide(room, way, out=np.ones(2), where=way != 0)
    return inside + share.min() * way
