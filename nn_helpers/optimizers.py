"""Optimizers: how the gradient changes the parameters. And schedules: how the learning rate changes.

Every optimizer has one method, ``step(theta, gradient)``, which changes ``theta`` in place and
leaves ``gradient`` as it is. ``lr`` is the learning rate α: a number, or a schedule that gives the
learning rate of step 1, 2, 3, …; it can be changed at any time. Arrays may have any shape; the
network passes all its parameters as one vector, so that an update is a handful of NumPy calls.

References
----------
.. [1] Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013, eq. 1–2.
.. [2] Hinton, *Neural Networks for Machine Learning*, lecture 6e, 2012 (RMSprop).
.. [3] Kingma, Ba, *Adam: a method for stochastic optimization*, 2015, arXiv:1412.6980, algorithm 1.
.. [4] Loshchilov, Hutter, *Decoupled weight decay regularization*, 2019, arXiv:1711.05101, algorithm 2.
.. [5] Loshchilov, Hutter, *SGDR*, 2017, arXiv:1608.03983, eq. 5 (cosine).
"""

import math
from dataclasses import dataclass

import numpy as np

from nn_helpers._arguments import choice, describe, floats, number, whole_number
from nn_helpers._blocks import LONG, in_blocks, kept


@dataclass(frozen=True)
class Constant:
    """The same learning rate at every step."""

    lr: float

    def __post_init__(self):
        number("Constant", "lr", self.lr, above=0.0)

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        return self.lr


@dataclass(frozen=True)
class StepDecay:
    """Multiply the learning rate by `factor` after every `every` steps."""

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self):
        number("StepDecay", "lr", self.lr, above=0.0)
        whole_number("StepDecay", "every", self.every, 1)
        number("StepDecay", "factor", self.factor, above=0.0)

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        return self.lr * self.factor ** ((t - 1) // self.every)


@dataclass(frozen=True)
class CosineWithWarmup:
    """Rise in a line to `lr` in `warmup_steps`, then fall along half a cosine to `final_lr`."""

    lr: float
    total_steps: int
    warmup_steps: int = 0
    final_lr: float = 0.0

    def __post_init__(self):
        number("CosineWithWarmup", "lr", self.lr, above=0.0)
        number("CosineWithWarmup", "final_lr", self.final_lr)
        whole_number("CosineWithWarmup", "total_steps", self.total_steps, 1)
        whole_number("CosineWithWarmup", "warmup_steps", self.warmup_steps, 0)
        if self.warmup_steps >= self.total_steps:
            raise ValueError(
                f"CosineWithWarmup: warmup_steps ({self.warmup_steps}) must be fewer than "
                f"total_steps ({self.total_steps})"
            )

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        if t <= self.warmup_steps:
            return self.lr * t / self.warmup_steps
        done = min(1.0, (t - self.warmup_steps) / (self.total_steps - self.warmup_steps))
        return self.final_lr + (self.lr - self.final_lr) * (1 + math.cos(math.pi * done)) / 2


class Optimizer:
    """What all optimizers share: a learning rate, a count of steps, and memory kept between steps.

    A subclass names the arrays it remembers in `remembers` and writes its formula in `update`. Where
    each number's update is independent of the others', `elementwise` says so: `update` is then called
    with parts of a long vector, one after the other.
    """

    remembers: tuple[str, ...] = ()
    elementwise = False

    def __init_subclass__(cls):
        if "update" in vars(cls) and "elementwise" not in vars(cls):
            cls.elementwise = False  # not inherited: another formula may look at the whole gradient

    def __init__(self, lr):
        self.lr = lr
        self.t = 0  # steps made
        self.state = {}  # name -> array shaped like theta
        self._for = None  # shape and dtype of theta

    @property
    def lr(self):
        """The learning rate α: a number greater than 0, or a schedule."""
        return self._lr

    @lr.setter
    def lr(self, lr):
        name = type(self).__name__
        self._lr = lr if callable(lr) else number(name, "the learning rate lr", lr, above=0.0)

    def lr_at(self, t):
        """Return the learning rate of step t, counted from 1."""
        if not callable(self.lr):
            return self.lr
        lr = self.lr(t)
        if not lr >= 0:  # nor is it NaN
            raise ValueError(
                f"{type(self).__name__}: the schedule lr must give a learning rate of at least 0, got {lr} "
                f"for step {t}"
            )
        return lr

    def step(self, theta, gradient):
        """Change `theta` in place by one step against `gradient`.

        Parameters
        ----------
        theta : float array
        gradient : float array, shaped like theta
            Not changed.
        """
        name = type(self).__name__
        if not isinstance(theta, np.ndarray) or theta.dtype.kind != "f":
            raise TypeError(f"{name}: theta must be a float array, to be changed in place; got {theta!r:.60}")
        gradient = floats(name, gradient=gradient)
        if gradient.shape != theta.shape:
            raise ValueError(f"{name}: theta has shape {theta.shape} but gradient {gradient.shape}")
        if self._for is None:
            self._for = theta.shape, theta.dtype
            self.state = {what: np.zeros_like(theta) for what in self.remembers}
        elif self._for != (theta.shape, theta.dtype):
            shape, dtype = self._for
            raise ValueError(
                f"{name}: theta is a {describe(theta)}, but this optimizer remembers a {dtype} array "
                f"{shape}; make a new optimizer for another network"
            )
        lr = self.lr_at(self.t + 1)
        self.t += 1
        try:
            self._update(theta, gradient, lr)
        except BaseException:
            self.t -= 1  # that step was not made
            raise

    def _update(self, theta, gradient, lr):
        if not self.elementwise or theta.ndim != 1 or theta.size < LONG:
            self.update(theta, gradient, lr, kept("scratch", theta.shape, theta.dtype), **self.state)
            return

        def update(block, scratch):
            state = {what: array[block] for what, array in self.state.items()}
            self.update(theta[block], gradient[block], lr, scratch, **state)

        in_blocks(update, theta.size, theta.dtype)

    def update(self, theta, gradient, lr, scratch):
        """Change `theta` in place; `scratch` is an array of the same shape to compute in."""
        raise NotImplementedError

    def resume(self, t, state):
        """Go on after step `t`, remembering the arrays in `state`, by name, as a checkpoint kept them."""
        self.t, self.state = t, state
        self._for = next(((array.shape, array.dtype) for array in state.values()), None)

    def _options(self):
        return {"lr": self.lr}

    def __repr__(self):
        options = ", ".join(f"{name}={value!r}" for name, value in self._options().items())
        return f"{type(self).__name__}({options})"


class SGD(Optimizer):
    """Gradient descent: ``θ ← θ − α∇L(θ)``.

    *Stochastic* when the gradient comes from a mini-batch, plain gradient descent when it comes
    from the whole data set: the formula is the same.

    Parameters
    ----------
    lr : float or schedule
        α.
    """

    elementwise = True

    def update(self, theta, gradient, lr, scratch):
        """Make one step."""
        np.multiply(gradient, lr, out=scratch)
        theta -= scratch


class Momentum(Optimizer):
    """SGD that keeps some of its speed: ``v ← βv − α∇L(θ);  θ ← θ + v``.

    Parameters
    ----------
    lr : float or schedule
        α.
    beta : float in [0, 1)
        β, the share of the speed that is kept.
    """

    remembers = ("v",)
    elementwise = True

    def __init__(self, lr, beta=0.9):
        super().__init__(lr)
        self.beta = number("Momentum", "beta", beta, below=1.0)

    def update(self, theta, gradient, lr, scratch, v):
        """Make one step."""
        v *= self.beta
        np.multiply(gradient, lr, out=scratch)
        v -= scratch
        theta += v

    def _options(self):
        return {"lr": self.lr, "beta": self.beta}


class RMSprop(Optimizer):
    """Divide by the root of the mean square: ``s ← βs + (1 − β)g²;  θ ← θ − α g / (√s + ε)``.

    Parameters
    ----------
    lr : float or schedule
        α.
    beta : float in [0, 1)
        β, how much of the mean of squares is kept.
    eps : float
        ε, which keeps the quotient finite where the gradient is 0.
    """

    remembers = ("s",)
    elementwise = True

    def __init__(self, lr, beta=0.99, eps=1e-8):
        super().__init__(lr)
        self.beta = number("RMSprop", "beta", beta, below=1.0)
        self.eps = number("RMSprop", "eps", eps, above=0.0)

    def update(self, theta, gradient, lr, scratch, s):
        """Make one step."""
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.beta
        s *= self.beta
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += self.eps
        np.divide(gradient, scratch, out=scratch)
        scratch *= lr
        theta -= scratch

    def _options(self):
        return {"lr": self.lr, "beta": self.beta, "eps": self.eps}


class Adam(Optimizer):
    """First- and second-order momentum together, each freed of its bias towards 0.

    ::

        m ← β₁m + (1 − β₁)g        m̂ = m / (1 − β₁ᵗ)
        v ← β₂v + (1 − β₂)g²       v̂ = v / (1 − β₂ᵗ)
        θ ← θ − α m̂ / (√v̂ + ε)

    Parameters
    ----------
    lr : float or schedule
        α.
    beta1, beta2 : float in [0, 1)
        How much of the mean, and of the mean of squares, is kept.
    eps : float
        ε.

    Notes
    -----
    The optimizer remembers M = m / (1 − β₁) and V = v / (1 − β₂) instead of m and v: M ← β₁M + g
    and V ← β₂V + g² need two passes over the parameters less. The constants move into the step
    size and into ε, and the update is the one above.
    """

    remembers = ("M", "V")
    elementwise = True

    def __init__(self, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(lr)
        name = type(self).__name__
        self.beta1 = number(name, "beta1", beta1, below=1.0)
        self.beta2 = number(name, "beta2", beta2, below=1.0)
        self.eps = number(name, "eps", eps, above=0.0)

    def update(self, theta, gradient, lr, scratch, M, V):
        """Make one step."""
        m_hat = (1 - self.beta1) / (1 - self.beta1**self.t)  # m̂ = m_hat · M
        root_v_hat = math.sqrt((1 - self.beta2) / (1 - self.beta2**self.t))  # √v̂ = root_v_hat · √V
        M *= self.beta1
        M += gradient
        np.multiply(gradient, gradient, out=scratch)
        V *= self.beta2
        V += scratch
        np.sqrt(V, out=scratch)
        scratch += self.eps / root_v_hat
        np.divide(M, scratch, out=scratch)
        scratch *= lr * m_hat / root_v_hat
        theta -= scratch

    def _options(self):
        return {"lr": self.lr, "beta1": self.beta1, "beta2": self.beta2, "eps": self.eps}


class AdamW(Adam):
    """Adam with weight decay beside the gradient: ``θ ← θ − αλθ`` before Adam's own step.

    Parameters
    ----------
    lr : float or schedule
        α.
    beta1, beta2, eps : float
        As for `Adam`.
    weight_decay : float
        λ, at least 0. It acts on every parameter in theta, biases too.
    """

    elementwise = True

    def __init__(self, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
        super().__init__(lr, beta1, beta2, eps)
        self.weight_decay = number("AdamW", "weight_decay", weight_decay)

    def update(self, theta, gradient, lr, scratch, M, V):
        """Make one step."""
        theta *= 1 - lr * self.weight_decay
        super().update(theta, gradient, lr, scratch, M, V)

    def _options(self):
        return {**super()._options(), "weight_decay": self.weight_decay}


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def make_optimizer(name, lr, **options):
    """Return the optimizer of this name: sgd, momentum, rmsprop, adam or adamw."""
    return OPTIMIZERS[choice("make_optimizer", "optimizer", name, OPTIMIZERS)](lr, **options)
