"""Optimizers: how the gradient changes the parameters.

Every optimizer has one method, ``step(theta, gradient)``, which changes ``theta`` in place and
leaves ``gradient`` as it is. ``lr`` is the learning rate α: a number, or one of the `schedules`; it can
be changed at any time. Arrays may have any shape; the network passes all its parameters as one
vector, so that an update is a handful of NumPy calls.

References
----------
.. [1] Sutskever et al., *On the importance of initialization and momentum in deep learning*, 2013, eq. 1–2.
.. [2] Hinton, *Neural Networks for Machine Learning*, lecture 6e, 2012 (RMSprop).
.. [3] Kingma, Ba, *Adam: a method for stochastic optimization*, 2015, arXiv:1412.6980, algorithm 1.
.. [4] Loshchilov, Hutter, *Decoupled weight decay regularization*, 2019, arXiv:1711.05101, algorithm 2.
"""

import inspect
import math
import weakref

import numpy as np

from nn_helpers.schedules import Constant, CosineWithWarmup, StepDecay  # noqa: F401 - found here too
from nn_helpers.support import optimizer_checks as check
from nn_helpers.support.scratch import in_blocks
from nn_helpers.support.validation import Number, choice


class Optimizer:
    """What all optimizers share: a learning rate, a count of steps, and memory kept between steps.

    A subclass names the arrays it remembers in `remembers` and writes its formula in `update`. Where
    each number's update is independent of the others', `elementwise` says so: `update` is then called
    with parts of a long vector, by several threads at once where these share the training.

    Attributes
    ----------
    lr : float or schedule
        The learning rate α: a number greater than 0, or a schedule.
    t : int
        Steps made.
    state : dict of str to float array
        What is remembered, by name, each array shaped like theta.
    """

    remembers: tuple[str, ...] = ()
    elementwise = False
    lr = check.LearningRate()

    def __init__(self, lr):
        self.lr, self.t, self.state = lr, 0, {}
        self._for = None  # shape and dtype of theta
        self._theta = _unknown  # a weak reference to the last theta

    @property
    def options(self):
        """The arguments that make an optimizer like this one."""
        names, own = inspect.signature(type(self)).parameters, vars(self)
        return {name: own[name] for name in names if name in own and name != "t"}

    def lr_at(self, t):
        """Return the learning rate of step t, counted from 1."""
        return check.scheduled(self, self.lr(t), t) if callable(self.lr) else self.lr

    def step(self, theta, gradient, blocks=in_blocks):
        """Change `theta` in place by one step against `gradient`.

        Parameters
        ----------
        theta : float array
        gradient : float array, shaped like theta
            Not changed.
        blocks : function
            Calls the formula with parts of the arrays: `in_blocks`, or what `train` puts in its place.
        """
        gradient = check.step(self, theta, gradient, self._for)
        if self._for is None:
            self.state = {name: np.zeros_like(theta) for name in self.remembers}
            self._for = theta.shape, theta.dtype
        lr = self.lr_at(self.t + 1)
        self._theta, self.t = weakref.ref(theta), self.t + 1
        try:
            with np.errstate(under="ignore"):  # what is too small for a float is 0, and that is right
                blocks(self._update_at(lr), theta, gradient, elementwise=self.elementwise, **self.state)
        except BaseException:
            self.t -= 1  # that step was not made
            raise

    def has_changed_another(self, theta):
        """Say whether the steps so far were made on other parameters than these, as far as that is known."""
        last = vars(self).get("_theta", _unknown)()
        return self.t > 0 and last is not None and last is not theta and not np.array_equal(last, theta)

    def _update_at(self, lr):
        return lambda theta, gradient, scratch, **state: self.update(theta, gradient, lr, scratch, **state)

    def update(self, theta, gradient, lr, scratch):
        """Change `theta` in place; `scratch` is an array of the same shape to compute in."""
        raise NotImplementedError(f"{type(self).__name__} needs update(self, theta, gradient, lr, scratch)")

    def resume(self, t, state):
        """Go on after step `t`, remembering the arrays in `state`, by name, as a checkpoint kept them."""
        self.t, self.state = t, state
        self._for = next(((array.shape, array.dtype) for array in state.values()), None)

    def __init_subclass__(cls):
        if "update" in vars(cls) and "elementwise" not in vars(cls):
            cls.elementwise = False  # not inherited: another formula may look at the whole gradient

    def __getstate__(self):
        return {**vars(self), "_theta": _unknown}

    def __repr__(self):
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({options})"


def _unknown():
    """Stand for a reference to parameters that are gone, or were never seen."""


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
    """SGD that keeps some of its speed: ``v ← βv − α∇L(θ);  θ ← θ + v`` [1]_.

    Parameters
    ----------
    lr : float or schedule
        α.
    beta : float in [0, 1)
        β, the share of the speed that is kept.
    """

    remembers = ("v",)
    elementwise = True
    beta = Number(below=1.0)

    def __init__(self, lr, beta=0.9):
        super().__init__(lr)
        self.beta = beta

    def update(self, theta, gradient, lr, scratch, v):
        """Make one step."""
        v *= self.beta
        np.multiply(gradient, lr, out=scratch)
        v -= scratch
        theta += v


class RMSprop(Optimizer):
    """Divide by the root of the mean square: ``s ← βs + (1 − β)g²;  θ ← θ − α g / (√s + ε)`` [2]_.

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
    beta, eps = Number(below=1.0), Number(above=0.0)

    def __init__(self, lr, beta=0.99, eps=1e-8):
        super().__init__(lr)
        self.beta, self.eps = beta, eps

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


class Adam(Optimizer):
    """First and second moment of the gradient together, each freed of its bias towards 0 [3]_.

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
    The optimizer remembers the sums m / (1 − β₁) and v / (1 − β₂) in place of m and v, which saves two passes
    over the parameters. The constants move into the step size and into ε; the update is the one above.
    """

    remembers = ("m_sum", "v_sum")
    elementwise = True
    beta1, beta2, eps = Number(below=1.0), Number(below=1.0), Number(above=0.0)

    def __init__(self, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(lr)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def update(self, theta, gradient, lr, scratch, m_sum, v_sum):
        """Make one step."""
        m_scale = (1 - self.beta1) / (1 - self.beta1**self.t)  # m̂ = m_scale · m_sum
        v_scale = (1 - self.beta2) / (1 - self.beta2**self.t)  # v̂ = v_scale · v_sum
        m_sum *= self.beta1
        m_sum += gradient
        np.multiply(gradient, gradient, out=scratch)
        v_sum *= self.beta2
        v_sum += scratch
        np.sqrt(v_sum, out=scratch)
        scratch += self.eps / math.sqrt(v_scale)  # (√v̂ + ε) / √v_scale
        np.divide(m_sum, scratch, out=scratch)
        scratch *= lr * m_scale / math.sqrt(v_scale)
        theta -= scratch


class AdamW(Adam):
    """Adam with weight decay beside the gradient: ``θ ← θ − αλθ`` before Adam's own step [4]_.

    Parameters
    ----------
    lr : float or schedule
        α.
    beta1, beta2, eps : float
        As for `Adam`.
    weight_decay : float
        λ, at least 0. It acts on every parameter in theta, biases too.
    """

    elementwise = True  # said again: a class with an `update` of its own does not inherit it
    weight_decay = Number()

    def __init__(self, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
        super().__init__(lr, beta1, beta2, eps)
        self.weight_decay = weight_decay

    def update(self, theta, gradient, lr, scratch, m_sum, v_sum):
        """Make one step."""
        theta *= 1 - lr * self.weight_decay
        super().update(theta, gradient, lr, scratch, m_sum, v_sum)


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def make_optimizer(name, lr, **options):
    """Return the optimizer of this name: sgd, momentum, rmsprop, adam or adamw."""
    return OPTIMIZERS[choice("make_optimizer", "optimizer", name, OPTIMIZERS)](lr, **options)
