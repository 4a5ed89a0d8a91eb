"""Products in slices: the same as whole ones, whatever the shapes, and really in slices where it pays."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_helpers.support.matmul import count_slices, matmul

BIG = (8, 3072, 200)  # examples, inputs, outputs


def matrices(N, D, M, dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in ((N, D), (D, M), (N, M))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [0, 1, 2, 8, 16, 17])
@pytest.mark.parametrize(("D", "M"), [(3072, 200), (3072, 512), (3001, 200), (5, 3)])
def test_products_are_those_of_numpy(N, D, M, dtype):
    x, W, dz = matrices(N, D, M, dtype)
    tolerance = {"rtol": 1e-10, "atol": 1e-10} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-3}
    products = (matmul(x, W), x @ W), (matmul(x.T, dz), x.T @ dz), (matmul(dz, W.T), dz @ W.T)
    for product, expected in products:
        assert product.dtype == dtype
        np.testing.assert_allclose(product, expected, **tolerance)


@given(N=st.integers(1, 20), D=st.integers(1, 4000), M=st.integers(1, 600))
def test_slices_divide_the_inputs_evenly_and_are_small(N, D, M):
    slices = count_slices(N, D, M)
    assert D % slices == 0
    if slices > 1:
        assert N * (D // slices) * M <= 1_000_000


def test_the_seeds_network_is_multiplied_in_slices_for_few_examples_only():
    assert count_slices(*BIG) == 6
    assert count_slices(1, *BIG[1:]) == 1
    assert count_slices(128, *BIG[1:]) == 1


def test_results_are_written_to_out():
    x, W, dz = matrices(*BIG)
    z, dW = np.empty_like(dz), np.empty_like(W)
    assert matmul(x, W, out=z) is z
    assert matmul(x.T, dz, out=dW) is dW
    np.testing.assert_allclose(z, x @ W)
    np.testing.assert_allclose(dW, x.T @ dz, atol=1e-12)


def test_arrays_that_are_no_rows_in_memory_are_multiplied_too():
    x, W, dz = matrices(*BIG)
    np.testing.assert_allclose(matmul(np.asfortranarray(x), W), x @ W)
    np.testing.assert_allclose(matmul(x, np.asfortranarray(W)), x @ W)
    np.testing.assert_allclose(matmul(x[:, ::-1], W[::-1]), x @ W)
    out = np.empty((200, 3072)).T
    assert matmul(x.T, dz, out=out) is out
    np.testing.assert_allclose(out, x.T @ dz, atol=1e-12)


def test_results_are_new_arrays_and_threads_do_not_share_any():
    x, W, _ = matrices(*BIG)
    expected, wrong = x @ W, []
    first = matmul(x, W)
    matmul(2 * x, W)
    np.testing.assert_allclose(first, expected)

    def many(factor):
        for _ in range(50):
            if not np.allclose(matmul(factor * x, W), factor * expected):
                wrong.append(factor)

    threads = [threading.Thread(target=many, args=(factor,)) for factor in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
