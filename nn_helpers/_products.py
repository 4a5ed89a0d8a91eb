"""Products of a few examples with a large matrix of weights, in slices.

OpenBLAS, which NumPy multiplies with, copies both matrices into a layout of its own before it multiplies
them. With 8 examples the copying takes as long as the product. Where the processor has AVX-512 it leaves
the copying out for products of at most 10⁶ multiplications, so a large product is cut into such slices
here. Measured with 8 examples, 3,072 inputs and 200 outputs: xW takes 0.55 and xᵀdz 0.82 of the time of
one `np.matmul`. On other processors, and for more examples, nothing is gained and nothing lost.
"""

from functools import lru_cache

import numpy as np

from nn_helpers._blocks import kept

_SMALL = 1_000_000  # multiplications, OpenBLAS's own threshold
_FEW = 16  # examples


def product(a, b, out=None):
    """Return ``a b``. `ndarray.dot` is a microsecond faster than `np.matmul`, but casts nothing."""
    if a.dtype == b.dtype and (out is None or (out.dtype == a.dtype and out.flags.c_contiguous)):
        return a.dot(b, out=out)
    return np.matmul(a, b, out=out)


def times(x, W, out=None):
    """Return ``x W`` for x (N, D) and W (D, M): the sum of products of D's slices."""
    N, D = x.shape
    slices = _slices(N, D, W.shape[1])
    if slices == 1 or x.dtype != W.dtype or not (x.flags.c_contiguous and W.flags.c_contiguous):
        return product(x, W, out=out)
    parts = kept("products", (slices, N, W.shape[1]), x.dtype)
    np.matmul(x.reshape(N, slices, -1).swapaxes(0, 1), W.reshape(slices, -1, W.shape[1]), out=parts)
    return np.add.reduce(parts, axis=0, out=out)


def transposed_times(x, dz, out=None):
    """Return ``xᵀ dz`` for x (N, D) and dz (N, M): each slice of D is a slice of the result."""
    (N, D), M = x.shape, dz.shape[1]
    if out is None:
        out = np.empty((D, M), np.result_type(x, dz))
    slices = _slices(N, D, M)
    if N == 1:
        return np.multiply(x.T, dz, out=out)  # five times as fast as BLAS
    if slices == 1 or not (x.flags.c_contiguous and out.flags.c_contiguous):
        return product(x.T, dz, out=out)
    np.matmul(x.T.reshape(slices, -1, N), dz, out=out.reshape(slices, -1, M))
    return out


@lru_cache
def _slices(N, D, M):
    """How many slices of D make every product small; 1 to leave it whole."""
    if not 1 < N <= _FEW:
        return 1
    fewest = -(-N * D * M // _SMALL)
    return next((s for s in range(fewest, 4 * fewest) if D % s == 0), 1) if fewest > 1 else 1
