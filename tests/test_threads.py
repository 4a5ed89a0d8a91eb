"""Long vectors are updated in blocks, by several threads, to the numbers of one update of the whole."""

import threading

import numpy as np
import pytest
import threadpoolctl

from nn_helpers import ClassificationNet, make_optimizer
from nn_helpers._threads import BLOCK, LONG, in_blocks, use_threads
from nn_helpers.optimizers import OPTIMIZERS, Adam


def blas_threads():
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("size", [1, LONG - 1, LONG, LONG + 1, 10 * BLOCK, 10 * BLOCK + 7])
def test_blocks_cover_every_number_once(size, n):
    seen, threads = np.zeros(size, int), set()

    def look(block, scratch):
        assert len(scratch) == len(seen[block])
        threads.add(threading.get_ident())
        seen[block] += 1

    with use_threads(n):
        in_blocks(look, size, np.float32)
    assert (seen == 1).all()
    assert len(threads) <= (n if size >= LONG else 1)


def test_threads_share_the_blocks():
    both = threading.Barrier(2, timeout=10)
    with use_threads(2):
        in_blocks(
            lambda block, scratch: both.wait() if block.start in (0, LONG) else None, 2 * LONG, np.float32
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_in_blocks_is_the_update_of_the_whole_to_the_last_bit(name, dtype):
    rng = np.random.default_rng(0)
    P = LONG + 12_345
    theta = rng.standard_normal(P).astype(dtype)
    thetas = {n: theta.copy() for n in (1, 2, 3)}
    optimizers = {n: make_optimizer(name, 0.01) for n in thetas}
    by_hand, whole = make_optimizer(name, 0.01), theta.copy()
    state = {what: np.zeros_like(theta) for what in by_hand.remembers}
    for t in range(1, 4):
        gradient = rng.standard_normal(P).astype(dtype)
        for n in thetas:
            with use_threads(n):
                optimizers[n].step(thetas[n], gradient)
        by_hand.t = t
        by_hand.update(whole, gradient, 0.01, np.empty_like(whole), **state)
    for n in thetas:
        assert np.array_equal(thetas[n], whole), n


def test_an_optimizer_with_a_formula_of_its_own_sees_the_whole_gradient():
    sizes = []

    class Clipped(Adam):
        def update(self, theta, gradient, lr, scratch, M, V):
            sizes.append(gradient.size)
            super().update(theta, gradient / np.linalg.norm(gradient), lr, scratch, M, V)

    theta = np.zeros(2 * LONG, np.float32)
    with use_threads(2):
        Clipped(0.01).step(theta, np.ones_like(theta))
    assert sizes == [2 * LONG]
    assert Adam.elementwise
    assert not Clipped.elementwise


def test_the_gradient_of_the_l2_penalty_is_added_in_blocks_too():
    net = ClassificationNet(1100, [1000], 10, reg=0.5)
    x, dlogits = np.ones((2, 1100), np.float32), np.zeros((2, 10), np.float32)
    for n in (1, 2):
        with use_threads(n):
            net.forward(x)
            net.backward(dlogits)
        assert np.array_equal(net.gradient[: net.weights.size], np.float32(0.5) * net.weights)


def test_an_error_in_another_threads_block_comes_out():
    def fail(block, scratch):
        if block.start >= LONG:
            raise FloatingPointError("in a block")

    with use_threads(2), pytest.raises(FloatingPointError, match="in a block"):
        in_blocks(fail, 2 * LONG, np.float32)


def test_threads_are_given_back_when_the_context_ends_also_by_an_error():
    before, running = blas_threads(), threading.active_count()

    def fail():
        with use_threads(1):
            assert blas_threads() == {1}
            with use_threads(2):
                in_blocks(lambda block, scratch: None, 2 * LONG, np.float32)
                assert blas_threads() == {2}
            assert blas_threads() == {1}
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert blas_threads() == before
    assert threading.active_count() == running
