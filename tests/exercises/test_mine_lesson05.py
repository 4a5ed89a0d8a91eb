"""The functions of lesson 05 at work in a network of the learner's own: dropout, AdamW, the schedule."""

import numpy as np
import pytest

from nn_helpers import AdamW, ClassificationNet, CosineWithWarmup, sketches, train
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.mine import MyNetwork

ANSWERS = {name: exercise.answer for name, exercise in EXERCISES.items()}
DATA = sketches(60, 10, seed=0)


def losses(made_by, dtype, **options):
    schedule = made_by.schedule(2e-3, 12, 3) if made_by else CosineWithWarmup(2e-3, 12, 3)
    net = (made_by.net if made_by else ClassificationNet)(
        hidden_sizes=(8, 8), dropout=0.2, reg=0.01, dtype=dtype, seed=1
    )
    data = made_by.data(DATA) if made_by else DATA
    optimizer = (
        made_by.optimizer("adamw", schedule, weight_decay=0.3)
        if made_by
        else AdamW(schedule, weight_decay=0.3)
    )
    return train(net, data, optimizer, epochs=2, batch_size=10, progress=False).to_arrays()["loss"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_they_train_to_the_librarys_numbers(dtype):
    own = losses(MyNetwork(ANSWERS, {}), dtype)
    if dtype == np.float64:
        np.testing.assert_allclose(own, losses(None, dtype), rtol=1e-10)
    assert np.isfinite(own).all()


def test_each_of_them_is_used():
    used = set()

    def noticed(name):
        def call(*args):
            used.add(name)
            return ANSWERS[name](*args)

        return call

    names = ("dropout_forward", "adamw_step", "cosine_with_warmup")
    losses(MyNetwork({name: noticed(name) for name in names}, {}), np.float64)
    assert used == set(names)


def test_a_schedule_of_ones_own_that_is_too_short_is_named():
    mine = MyNetwork(ANSWERS, {})
    net = mine.net((4,), seed=0)
    with pytest.warns(RuntimeWarning, match="ends at step 3, and this training goes on to step 6"):
        train(net, DATA, mine.optimizer("adamw", mine.schedule(1e-3, 3)), epochs=1, batch_size=10,
              progress=False)  # fmt: skip
