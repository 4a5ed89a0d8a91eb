"""Share each batch among threads: data-parallel training, in one process.

Every worker has the same parameters and a share of the batch. It computes the logits of its examples and
later, from their derivatives, a gradient of its own. The loss is a mean over the whole batch, so the
gradients of the shares add up to the gradient of the batch. Then each worker updates its part of θ::

    worker 0   x[:64] → logits[:64]  ┐      ┌ dlogits[:64] → g₀ ┐      ┌ θ[:P/2] ← g₀ + g₁
                                     ├ loss ┤                   ├  wait┤
    worker 1   x[64:] → logits[64:]  ┘      └ dlogits[64:] → g₁ ┘      └ θ[P/2:] ← g₀ + g₁

Where the network normalises, each worker takes the mean and the variance of its own share, and the running
means are those of worker 0, as in DistributedDataParallel. So another number of threads makes another
network, and `train` takes one unless it is told.

The functions are those of the network, the learner's too: they are pure, so several threads may call them.
NumPy lets go of Python's lock while it computes. With machines in the place of threads, and a network between
them, this is how large models are trained; PyTorch's tool for it is DistributedDataParallel.
"""

import numpy as np

from nn_helpers.losses import add_l2_gradient
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Optimizer
from nn_helpers.support.scratch import in_blocks
from nn_helpers.support.threads import at_once

LARGE = 100_000  # parameters that are worth sharing for an update


class Workers:
    """The network and its replicas, one for each thread; a single thread takes the network itself.

    Parameters
    ----------
    net : ClassificationNet
    threads : int
    """

    def __init__(self, net, threads):
        self.net, self._alone, self._rows = net, threads == 1, ()
        gradients = [] if self._alone else [net.gradient] + [None] * (threads - 1)
        self._replicas = [net.replica(gradient) for gradient in gradients]

    def forward(self, x):
        """Return the logits (N, C) of a batch (N, D), as the network's own `forward` does."""
        if self._alone:
            return self.net.forward(x)
        logits = np.empty((len(x), self.net.num_classes), self.net.dtype)
        self._rows = cut(len(x), min(len(self._replicas), len(x)))
        self._prepare()

        def work(number):
            rows = self._rows[number]
            logits[rows] = self._replicas[number].forward(x[rows])

        at_once(work, len(self._rows))
        return logits

    def _prepare(self):
        """Give each replica what may have changed since the last step, and dropout a generator of its own."""
        for replica in self._replicas:
            replica.functions, replica.dropout = self.net.functions, self.net.dropout
            if replica.dropout:
                replica.rng = np.random.default_rng(self.net.rng.integers(2**63))

    def backward(self, dlogits):
        """Compute the gradient of each share; `update` adds them up."""
        if self._alone:
            self.net.backward(dlogits)
        else:
            at_once(lambda n: self._replicas[n].backward(dlogits[self._rows[n]]), len(self._rows))

    def update(self, optimizer):
        """Finish the network's gradient, L2 included, and let the optimizer make its step with it."""
        theta, gradient, step = self.net.theta, self.net.gradient, optimizer.step
        if self._alone:
            step(theta, gradient)
        elif optimizer.elementwise and self._are_ours(step):
            step(theta, gradient, self._in_parts)
        else:  # a formula of the learner's own, which may look at the whole gradient
            self._in_parts(None, theta, gradient)
            if self.net.reg:
                self.net.add_l2()
            step(theta, gradient)

    def _are_ours(self, step):
        own = getattr(step, "__func__", None), type(self.net).add_l2
        return own == (Optimizer.step, ClassificationNet.add_l2)

    def _in_parts(self, update, theta, gradient, elementwise=True, **state):
        """Do as `in_blocks`, a part on each thread; in each block the gradient is finished first."""
        others = [replica.gradient for replica in self._replicas[1 : len(self._rows)]]
        reg, parts = (
            self.net.reg if update else 0.0,
            cut(theta.size, len(self._replicas) if theta.size >= LARGE else 1),
        )

        def finish(theta, gradient, weights, *others, scratch, **state):
            for other in others:
                gradient += other
            if reg:  # of the weights, which come first, there may be fewer here than of all parameters
                n = weights.size
                add_l2_gradient(gradient[:n], weights, reg, scratch[:n])
            if update:
                update(theta, gradient, scratch, **state)

        def work(number):
            part = parts[number]
            arrays = (array[part] for array in (theta, gradient, self.net.weights, *others))
            in_blocks(finish, *arrays, **{name: array[part] for name, array in state.items()})

        at_once(work, len(parts))


def cut(N, parts):
    """Cut 0 … N into as many slices of about the same length."""
    return [slice(N * part // parts, N * (part + 1) // parts) for part in range(parts)]
