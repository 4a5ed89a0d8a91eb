"""Long vectors are updated in blocks, with the same result as one update of the whole."""

import numpy as np
import pytest

from nn_helpers import ClassificationNet, make_optimizer
from nn_helpers.optimizers import OPTIMIZERS, Adam
from nn_helpers.support.scratch import BLOCK, LONG, in_blocks, scratch_array


@pytest.mark.parametrize("size", [1, LONG - 1, LONG, LONG + 1, 10 * BLOCK, 10 * BLOCK + 7])
def test_blocks_cover_every_number_once(size):
    seen, lengths = np.zeros(size, int), []

    def look(part, same_part, scratch):
        assert len(scratch) == len(part)
        assert scratch.dtype == seen.dtype
        assert np.shares_memory(part, same_part)
        lengths.append(len(scratch))
        part += 1

    in_blocks(look, seen, seen)
    assert (seen == 1).all()
    assert max(lengths) == (size if size < LONG else BLOCK)


def test_a_scratch_array_stays_until_another_is_needed():
    first = scratch_array("a test", (3, 4), np.float32)
    assert scratch_array("a test", (3, 4), np.float32) is first
    assert scratch_array("another test", (3, 4), np.float32) is not first
    assert scratch_array("a test", (3, 4), np.float64).dtype == np.float64
    assert scratch_array("a test", (4, 3), np.float64).shape == (4, 3)


def test_a_smaller_scratch_array_is_a_part_of_the_larger_one_that_is_there():
    large = scratch_array("shrinking", (10,), np.float32)
    assert np.shares_memory(scratch_array("shrinking", (2, 3), np.float32), large)
    assert np.shares_memory(scratch_array("shrinking", (10,), np.float32), large)
    assert not np.shares_memory(scratch_array("shrinking", (11,), np.float32), large)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_in_blocks_is_the_update_of_the_whole_to_the_last_bit(name, dtype):
    rng = np.random.default_rng(0)
    P = LONG + 12_345
    theta = rng.standard_normal(P).astype(dtype)
    optimizer, by_hand, whole = make_optimizer(name, 0.01), make_optimizer(name, 0.01), theta.copy()
    state = {what: np.zeros_like(theta) for what in by_hand.remembers}
    for t in range(1, 4):
        gradient = rng.standard_normal(P).astype(dtype)
        optimizer.step(theta, gradient)
        by_hand.t = t
        by_hand.update(whole, gradient, 0.01, np.empty_like(whole), **state)
    assert np.array_equal(theta, whole)


def test_an_optimizer_with_a_formula_of_its_own_sees_the_whole_gradient():
    sizes = []

    class Clipped(Adam):
        def update(self, theta, gradient, lr, scratch, m_sum, v_sum):
            sizes.append(gradient.size)
            super().update(theta, gradient / np.linalg.norm(gradient), lr, scratch, m_sum, v_sum)

    theta = np.zeros(2 * LONG, np.float32)
    Clipped(0.01).step(theta, np.ones_like(theta))
    assert sizes == [2 * LONG]
    assert Adam.elementwise
    assert not Clipped.elementwise


def test_the_gradient_of_the_l2_penalty_is_added_in_blocks_too():
    net = ClassificationNet(1100, [1000], 10, reg=0.5)
    x, dlogits = np.ones((2, 1100), np.float32), np.zeros((2, 10), np.float32)
    net.forward(x)
    net.backward(dlogits)
    assert np.array_equal(net.gradient[: net.weights.size], np.float32(0.5) * net.weights)
