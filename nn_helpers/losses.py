"""From logits to a loss: softmax, cross-entropy and the L2 penalty.

Shapes: N examples, C classes. *Logits* are the last layer's outputs, without an activation.

References
----------
.. [1] Goodfellow, Bengio, Courville, *Deep Learning*, 2016, sections 6.2.2.3 (softmax) and 7.1.1 (L2).
.. [2] Blanchard, Higham, Higham, *Accurately computing the log-sum-exp and softmax functions*,
       IMA Journal of Numerical Analysis 41 (2021).
"""

import numpy as np

from nn_helpers.support import layer_checks as check
from nn_helpers.support.arrays import floats
from nn_helpers.support.validation import number


@np.errstate(under="ignore")  # e⁻¹⁰⁰⁰ is 0, and that is right
def softmax(logits, out=None):
    """Turn each row of logits into probabilities: ``pₖ = e^(zₖ − max z) / Σⱼ e^(zⱼ − max z)``.

    Subtracting the row's maximum changes nothing in the result, and keeps the exponential from
    overflowing.

    Parameters
    ----------
    logits : float array (N, C), or any shape with the classes last
    out : float array shaped like logits, optional

    Returns
    -------
    p : float array, shaped like logits
        Between 0 and 1; each row sums to 1.

    Examples
    --------
    >>> softmax(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """
    logits = check.logits("softmax", logits)
    p = np.subtract(logits, logits.max(axis=-1, keepdims=True), out=out)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return p


@np.errstate(under="ignore")
def log_softmax(logits, out=None):
    """Compute ``log softmax(z) = z − max z − log Σⱼ e^(zⱼ − max z)`` without a logarithm of 0.

    Parameters
    ----------
    logits : float array (N, C), or any shape with the classes last
    out : float array shaped like logits, optional

    Returns
    -------
    logp : float array, shaped like logits
        At most 0.
    """
    logits = check.logits("log_softmax", logits)
    logp = np.subtract(logits, logits.max(axis=-1, keepdims=True), out=out)
    logp -= np.log(np.exp(logp).sum(axis=-1, keepdims=True))
    return logp


@np.errstate(under="ignore")
def cross_entropy(logits, y, out=None):
    """Compute the mean cross-entropy ``1/N Σᵢ Σₖ −yᵢₖ log pᵢₖ`` of p = softmax(logits), and its gradient.

    Parameters
    ----------
    logits : float array (N, C)
    y : integer array (N,) or one-hot array (N, C)
        The true class of each example, as a label from 0 to C − 1 or as a row of probabilities.
    out : float array (N, C), optional
        Where to write dlogits.

    Returns
    -------
    loss : float
        In nats. Guessing all C classes alike costs log C.
    dlogits : float array (N, C)
        ``(p − y) / N``.
    """
    logits, y = check.logits_and_labels("cross_entropy", logits, y)
    N = len(logits)
    logp = log_softmax(logits, out=out)
    if y.ndim == 1:
        true = np.arange(N), y
        loss = 0.0 - logp[true].sum() / N
        dlogits = np.exp(logp, out=logp)
        dlogits[true] -= 1
    else:
        loss = 0.0 - np.multiply(y, logp, where=y != 0, out=np.zeros_like(logp)).sum() / N  # 0 · log 0 = 0
        dlogits = np.exp(logp, out=logp)
        dlogits -= y
    dlogits /= N
    return float(loss), dlogits


def l2_penalty(weights, reg):
    """Compute ``½ · reg · Σ‖W‖²``.

    Parameters
    ----------
    weights : float array, or a list of them
        Weights only: biases are left out by convention.
    reg : float
        Strength, at least 0.

    Returns
    -------
    float
    """
    reg = number("l2_penalty", "reg", reg)
    if not reg:
        return 0.0
    total = 0.0
    for W in weights if isinstance(weights, list | tuple) else [weights]:
        flat = floats("l2_penalty", weights=W).ravel()
        total += float(flat @ flat)
    return 0.5 * reg * total


def add_l2_gradient(gradient, weights, reg, scratch):
    """Add the penalty's gradient, ``reg · W``; `scratch` is an array like the weights to compute in."""
    gradient += np.multiply(weights, reg, out=scratch)
