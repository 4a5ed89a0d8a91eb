"""Matrix products, those of a few examples with a large matrix of weights in slices.

OpenBLAS, which NumPy multiplies with, copies both matrices into a layout of its own before it multiplies
them. With 8 examples the copying takes as long as the product. Where the processor has AVX-512 it leaves
the copying out for products of at most 10⁶ multiplications, so a large product is cut into such slices
here. Measured with 8 examples, 3,072 inputs and 200 outputs: xW takes 0.55 and xᵀdz 0.82 of the time of
one `np.matmul`. On other processors, and for more examples, nothing is gained and nothing lost.
"""

from functools import lru_cache

import numpy as np

from nn_helpers.support.scratch import scratch_array

_SMALL = 1_000_000  # multiplications, OpenBLAS's own threshold
_FEW = 16  # examples


def matmul(a, b, out=None):
    """Return ``a @ b`` for a (R, K) and b (K, M); `out` is none of the two."""
    (R, K), M = a.shape, b.shape[1]
    if K == 1:
        return np.multiply(a, b, out=out)  # five times as fast as BLAS
    if a.dtype != b.dtype or (out is not None and (out.dtype != a.dtype or not out.flags.c_contiguous)):
        return np.matmul(a, b, out=out)
    if R * K * M <= _SMALL:
        return a.dot(b, out=out)  # a microsecond faster than np.matmul, but it casts nothing
    if R <= _FEW and (slices := count_slices(R, K, M)) > 1 and a.flags.c_contiguous and b.flags.c_contiguous:
        parts = scratch_array("products", (slices, R, M), a.dtype)
        np.matmul(a.reshape(R, slices, -1).swapaxes(0, 1), b.reshape(slices, -1, M), out=parts)
        return np.add.reduce(parts, axis=0, out=out)
    if K <= _FEW and (slices := count_slices(K, R, M)) > 1 and a.flags.f_contiguous:  # a = xᵀ
        out = np.empty((R, M), a.dtype) if out is None else out
        np.matmul(a.reshape(slices, -1, K), b, out=out.reshape(slices, -1, M))
        return out
    return a.dot(b, out=out)


@lru_cache
def count_slices(N, D, M):
    """How many slices of D make every product small; 1 to leave it whole."""
    if not 1 < N <= _FEW:
        return 1
    fewest = -(-N * D * M // _SMALL)
    return next((s for s in range(fewest, 4 * fewest) if D % s == 0), 1) if fewest > 1 else 1
