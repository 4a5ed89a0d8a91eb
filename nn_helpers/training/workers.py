"""Share each batch among threads: data-parallel training, in one process.

Every worker has the same parameters and a share of the batch. It computes the logits of its examples, and
later, from their derivatives, a gradient of its own. The loss is a mean over the whole batch, so the gradients
of the shares add up to the gradient of the batch. Then each worker updates its part of the parameters::

    worker 0   x[:64] → logits[:64]  ┐      ┌ dlogits[:64] → g₀ ┐      ┌ θ[:P/2] ← g₀ + g₁
                                     ├ loss ┤                   ├  wait┤
    worker 1   x[64:] → logits[64:]  ┘      └ dlogits[64:] → g₁ ┘      └ θ[P/2:] ← g₀ + g₁

The functions are those of the network, the learner's too: they are pure, so several threads may call them.
NumPy lets go of Python's lock while it computes. With machines in the place of threads, and a network between
them, this is how large models are trained; PyTorch's tool for it is DistributedDataParallel.
"""

from functools import partial

import numpy as np

from nn_helpers.losses import add_l2_gradient
from nn_helpers.support.scratch import in_blocks
from nn_helpers.support.threads import at_once

LARGE = 100_000  # parameters that are worth sharing for an update


class Workers:
    """The network and its replicas, one for each thread.

    Parameters
    ----------
    net : ClassificationNet
    threads : int
    """

    def __init__(self, net, threads):
        self.net = net
        self.replicas = [net.replica(net.gradient), *(net.replica() for _ in range(threads - 1))]
        self._rows = ()

    def forward(self, x):
        """Return the logits (N, C) of a batch (N, D), as the network's own `forward` does."""
        net, threads = self.net, min(len(self.replicas), len(x))
        self._rows = cut(len(x), threads)
        for number, replica in enumerate(self.replicas[:threads]):
            replica.dropout = net.dropout
            if net.dropout and number:  # masks of its own, which follow from the network's generator
                replica.rng = np.random.default_rng(net.rng.integers(2**63))
        if threads == 1:
            return self.replicas[0].forward(x)
        logits = np.empty((len(x), net.num_classes), net.dtype)

        def work(number):
            rows = self._rows[number]
            logits[rows] = self.replicas[number].forward(x[rows])

        at_once(work, threads)
        return logits

    def backward(self, dlogits):
        """Compute the gradient of each share; `update` adds them up."""
        at_once(lambda n: self.replicas[n].backward(dlogits[self._rows[n]]), len(self._rows))

    def update(self, optimizer):
        """Finish the network's gradient, L2 included, and let the optimizer make its step with it."""
        optimizer.step(self.net.theta, self.net.gradient, self._in_parts)

    def _in_parts(self, update, theta, gradient, elementwise, **state):
        """Do as `in_blocks`, a part on each thread; in each block the gradient is finished first."""
        others = [replica.gradient for replica in self.replicas[1 : len(self._rows)]]
        if not others and not self.net.reg:
            in_blocks(update, theta, gradient, elementwise=elementwise, **state)
            return
        parts = cut(theta.size, len(self.replicas) if theta.size >= LARGE else 1)
        finish = partial(self._finish, update if elementwise else None)

        def work(number):
            part = parts[number]  # of the weights, which come first, there may be fewer than of the others
            arrays = (array[part] for array in (theta, gradient, self.net.weights, *others))
            in_blocks(finish, *arrays, **{name: array[part] for name, array in state.items()})

        at_once(work, len(parts))
        if not elementwise:
            in_blocks(update, theta, gradient, elementwise=False, **state)

    def _finish(self, update, theta, gradient, weights, *others, scratch, **state):
        for other in others:
            gradient += other
        if self.net.reg:
            n = weights.size
            add_l2_gradient(gradient[:n], weights, self.net.reg, scratch[:n])
        if update:
            update(theta, gradient, scratch=scratch, **state)


def cut(N, parts):
    """Cut 0 … N into as many slices of about the same length."""
    return [slice(N * part // parts, N * (part + 1) // parts) for part in range(parts)]
