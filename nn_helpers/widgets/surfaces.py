"""Losses with two parameters, which can be drawn, and how an optimizer goes down on them.

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
from nn_helpers.support.validation import choice, whole_number
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

    def loss_and_gradient(self, theta):
        """Return the loss (…) and its gradient (…, 2) at each of the places theta (…, 2)."""

    def loss(self, theta):
        """Return the loss (…) at each of the places theta (…, 2)."""
        return self.loss_and_gradient(theta)[0]

    def gradient(self, theta):
        """Return the gradient (…, 2) at each of the places theta (…, 2)."""
        return self.loss_and_gradient(theta)[1]

    def noisy_gradient(self, theta, rng):
        """Return what SGD sees at theta (2,) in place of the gradient: right on average."""


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

    def loss_and_gradient(self, theta):
        """Return the loss (…) and its gradient (…, 2) at each of the places theta (…, 2)."""
        loss, derivatives = self.function(theta[..., 0], theta[..., 1])
        return loss, np.stack(derivatives, axis=-1)

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
        With one hidden layer, of tanh. The two weights are those from its inputs to its first hidden unit.
    x : float array (N, 2)
    y : integer array (N,)
    batch_size : int
        Size of the mini-batches that make the noisy gradient.
    """

    net: ClassificationNet
    x: np.ndarray
    y: np.ndarray
    batch_size: int = 8

    @functools.cached_property
    def _others(self):
        """What all other hidden units and the biases add to the logits (N, C)."""
        a = self.net.activations(self.x)[0]
        return affine_forward(a[:, 1:], self.net.params["W2"][1:], self.net.params["b2"])[0]

    def loss_and_gradient(self, theta, rows=slice(None)):
        """Return the loss (…) and its gradient (…, 2) at the places theta (…, 2), on all data or some rows.

        It is the network's own forward and backward pass without what never changes: for many places at once,
        and with sums in place of matrix products, whose last digit depends on how many places there are.
        """
        x, y = self.x[rows], np.eye(self.net.num_classes)[self.y[rows]]  # y one-hot
        w = self.net.params["W2"][0]  # from the first hidden unit to the logits
        z = (theta[..., np.newaxis, :] * x).sum(axis=-1) + self.net.params["b1"][0]  # (…, N)
        a, cache = tanh_forward(z)
        logp = log_softmax(self._others[rows] + a[..., np.newaxis] * w)  # (…, N, C)
        dlogits = (np.exp(logp) - y) / len(y)
        dz = tanh_backward((dlogits * w).sum(axis=-1), cache)
        return -(y * logp).sum(axis=-1).mean(axis=-1), (dz[..., np.newaxis] * x).sum(axis=-2)

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
        function=lambda x, y: ((x * x + 50 * y * y) / 2, (x, 50 * y)), limits=((-10.0, 10.0), (-3.0, 3.0)),
        start=(-9.0, 1.2), minima=((0.0, 0.0),),
        rates={"GD": 0.038, "momentum": 0.006, "RMSprop": 0.2, "Adam": 0.4}, noise=2.0,
    )  # fmt: skip


def _turned_ravine():
    ravine, c, s = _ravine(), math.cos(math.pi / 6), math.sin(math.pi / 6)

    def function(x, y):
        loss, (along, across) = ravine.function(c * x + s * y, c * y - s * x)
        return loss, (c * along - s * across, s * along + c * across)

    u, v = ravine.start
    return Formula(
        "ravine, turned",
        "the same ravine, turned by 30°: neither θ₁ nor θ₂ goes along it",
        function=function, limits=((-10.0, 10.0), (-7.0, 7.0)),
        start=(round(c * u - s * v, 2), round(s * u + c * v, 2)), minima=ravine.minima,
        rates=ravine.rates, noise=ravine.noise,
    )  # fmt: skip


def _saddle():
    return Formula(
        "saddle",
        "4 θ₁² + (θ₂² − 1)² / 4: at (0, 0) the gradient is 0, and the loss falls to both sides",
        function=lambda x, y: (4 * x * x + (y * y - 1) ** 2 / 4, (8 * x, y * (y * y - 1))),
        limits=((-2.0, 2.0), (-1.8, 1.8)), start=(-1.2, 0.01), minima=((0.0, 1.0), (0.0, -1.0)),
        rates={"GD": 0.1, "momentum": 0.02, "RMSprop": 0.02, "Adam": 0.05}, noise=0.3,
    )  # fmt: skip


def _plateau():
    def function(x, y):
        e = np.exp(-(x * x + y * y) / 2)
        return 1 - e, (x * e, y * e)

    return Formula(
        "plateau",
        "1 − exp(−(θ₁² + θ₂²) / 2): flat all around, with one hole in it",
        function=function, limits=((-4.5, 4.5), (-3.5, 3.5)), start=(-3.0, 2.5), minima=((0.0, 0.0),),
        rates={"GD": 1.0, "momentum": 0.5, "RMSprop": 0.02, "Adam": 0.1}, noise=0.02,
    )  # fmt: skip


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
        function=function, limits=((-3.5, 3.5), (-3.0, 3.0)), start=(-2.6, 0.5),
        minima=((c, c / 2), (a, a / 2)),
        rates={"GD": 0.1, "momentum": 0.02, "RMSprop": 0.05, "Adam": 0.2}, noise=2.0,
    )  # fmt: skip


def _tiny_network():
    data = points("circles", n_train=60, n_val=0, dtype=np.float64)
    x, y = data.train.images, data.train.labels
    net = ClassificationNet(2, [3], 2, "tanh", init="xavier", dtype=np.float64, seed=0)
    for _ in training_steps(net, (x, y), Adam(lr=0.05), batch_size=None, epochs=300, validate=False):
        pass
    return NetworkLoss(
        "tiny network",
        "the cross-entropy of a trained network 2 → 3 → 2 on 60 points in two circles; θ₁ and θ₂ are the "
        "weights from its two inputs to its first hidden unit, and all others stay",
        limits=((-6.0, 6.0), (-6.0, 6.0)), start=(5.0, 0.0),
        minima=(tuple(net.params["W1"][:, 0].tolist()),),
        rates={"GD": 1.0, "momentum": 0.1, "RMSprop": 0.05, "Adam": 0.1}, net=net, x=x, y=y,
    )  # fmt: skip


SURFACES = {
    "ravine": _ravine, "ravine, turned": _turned_ravine, "saddle": _saddle, "plateau": _plateau,
    "two minima": _two_minima, "tiny network": _tiny_network,
}  # fmt: skip


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
    """Walk down on a surface until the steps are done, the path leaves the map, or the step fails.

    Parameters
    ----------
    surface : Surface
    step : function
        ``step(theta, gradient)`` changes theta (2,) in place, as the optimizers' method does.
    steps : int
    start : pair of float, optional
        Where to begin; else the surface's own start.
    seed : int, optional
        Seed of the noise: with one, the step is given noisy gradients.

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
    ('left the map', 3)
    """
    return descend_together(surface, {"": (step, seed)}, steps, start)[""]


def descend_together(surface, walkers, steps=200, start=None):
    """Let several walk down from one start, each as `descend` does it alone.

    Losses and gradients are computed for all of them at once, which takes little longer than for one.

    Parameters
    ----------
    surface : Surface
    walkers : dict of str to (function, int or None)
        The step and the seed of each, as for `descend`.
    steps : int
    start : pair of float, optional

    Returns
    -------
    dict of str to Descent
    """
    whole_number("descend", "steps", steps, 0)
    begin = np.array(surface.start if start is None else start, dtype=float)
    if not _inside(begin, surface.limits):
        raise ValueError(f"descend: start {start} lies outside of the surface's limits {surface.limits}")
    theta = {name: begin.copy() for name in walkers}
    rngs = {name: np.random.default_rng(seed) for name, (_, seed) in walkers.items() if seed is not None}
    paths, losses, endings = {name: [begin] for name in walkers}, {name: [] for name in walkers}, {}
    with np.errstate(all="ignore"):  # that it overflowed is said in words
        for k in range(1, steps + 2):
            walking = [name for name in walkers if name not in endings]
            if not walking:
                break
            here = surface.loss_and_gradient(np.array([theta[name] for name in walking]))
            for name, loss, gradient in zip(walking, *here, strict=True):
                losses[name].append(loss)
                if k > steps:
                    continue
                if name in rngs:
                    gradient = surface.noisy_gradient(theta[name], rngs[name])
                ended, error = _walk(walkers[name][0], theta[name], gradient, paths[name], surface.limits)
                if ended:
                    endings[name] = ended, k, error
    for name, path in paths.items():
        losses[name] += [np.nan] * (len(path) - len(losses[name]))  # at the edge
    return {
        name: Descent(np.array(path), np.array(losses[name]), *endings.get(name, ()))
        for name, path in paths.items()
    }


def momentum_losses(surface, start, lr, beta, steps=200):
    """Return the loss after many descents with momentum at once, NaN where a path left the map.

    Parameters
    ----------
    surface : Surface
    start : pair of float
    lr, beta : float arrays (…)
        α and β of each.
    steps : int

    Returns
    -------
    float array (…)
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
        _expect_in_place(step(theta, gradient), theta)
    except Exception as error:
        return f"raised {type(error).__name__}", error
    inside = _inside(theta, limits)
    if not inside and np.isnan(theta).any():
        return "became NaN", None
    path.append(theta.copy() if inside else _edge(path[-1], theta, limits))
    return "" if inside else "left the map", None


def _expect_in_place(result, theta):
    if result is not None and result is not theta:
        raise TypeError(
            f"the step returned a {describe(result)}; it must change theta in place, with "
            "`theta -= …`, and return nothing"
        )


def _inside(theta, limits):
    return all(low <= value <= high for value, (low, high) in zip(theta.tolist(), limits, strict=True))


def _edge(inside, outside, limits):
    """Return where the line between two places crosses the edge of the map."""
    low, high = np.transpose(limits)
    way = np.clip(outside, -1e100, 1e100) - inside
    room = np.where(way > 0, high, low) - inside
    share = np.divide(room, way, out=np.ones(2), where=way != 0)
    return inside + share.min() * way
