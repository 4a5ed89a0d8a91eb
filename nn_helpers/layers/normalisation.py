"""Batch normalisation: mean 0 and deviation 1 for each unit over a batch, then a scale and a shift.

In training the mean μ and the variance σ² are those of the batch, so that z reaches the result in three ways:
directly, through μ and through σ². Predictions use running means of both: each example is by itself again.

N examples, M units: z, y, dz and dy are (N, M), all else is (M,).

References
----------
.. [1] Ioffe, Szegedy, *Batch normalization*, 2015, arXiv:1502.03167, algorithm 1 and section 3.
"""

import numpy as np

from nn_helpers.support import layer_checks as check

EPSILON = 1e-5  # keeps the quotient finite where all examples agree
SHARE = 0.1  # of a batch, in the running means


def batchnorm_forward(z, gamma, beta, running=None):
    """Compute ``y = γ · ẑ + β`` with ``ẑ = (z − μ) / √(σ² + ε)``.

    Without `running` μ and σ² are the mean and the variance of each unit over the batch, as in training.
    Predictions give both, as (mean, var); they have no way back, and their cache is None.

    Examples
    --------
    >>> y, cache = batchnorm_forward(np.array([[1.0], [5.0]]), np.array([10.0]), np.array([3.0]))
    >>> y.round(3)
    array([[-7.],
           [13.]])
    """
    z, gamma, beta, running = check.batchnorm_forward(z, gamma, beta, running)
    mean, var = (z.mean(axis=0), z.var(axis=0)) if running is None else running
    std = np.sqrt(var + EPSILON)
    z_hat = (z - mean) / std
    return gamma * z_hat + beta, (z_hat, std, gamma) if running is None else None


def batchnorm_backward(dy, cache):
    """Propagate dy back through the batch's μ and σ²: return dz, dgamma and dbeta.

    ``dz = γ / √(σ² + ε) · (dy − mean of dy − ẑ · mean of dy·ẑ)``, the means over the examples.
    """
    dy, z_hat, std, gamma = check.batchnorm_backward(dy, cache)
    dgamma, dbeta = (dy * z_hat).sum(axis=0), dy.sum(axis=0)
    dz = gamma / std * (dy - (dbeta + z_hat * dgamma) / len(dy))
    return dz, dgamma, dbeta


def follow_batch(mean, var, z):
    """Let running means follow a batch, in place: ``running ← 0.9 · running + 0.1 · the batch's``.

    The variance is Σ(z − μ)² / (N − 1): what a batch says about those that it comes from.
    """
    mean += SHARE * (z.mean(axis=0) - mean)
    var += SHARE * (z.var(axis=0, ddof=1) - var)
