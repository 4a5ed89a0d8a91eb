"""Mini-batches: every example once, in an order that a seed decides, standardised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn_helpers import ArrayDataset, Dataset, Split, batches
from nn_helpers.data import empty_batch


def numbered(N):
    """Examples that carry their own index, so that a batch tells what is in it."""
    return np.arange(N, dtype=float).reshape(N, 1), np.arange(N)


def images(N=10):
    rng = np.random.default_rng(0)
    return Dataset("noise", Split(rng.integers(256, size=(N, 2, 2, 3), dtype=np.uint8), np.arange(N) % 10))


@given(N=st.integers(1, 50), batch_size=st.integers(1, 50), drop_last=st.booleans(), seed=st.integers(0, 99))
def test_each_example_comes_once_or_is_in_the_last_smaller_batch_that_was_dropped(
    N, batch_size, drop_last, seed
):
    batch_size = min(batch_size, N)
    got = list(batches(numbered(N), batch_size, drop_last=drop_last, seed=seed))
    sizes = [len(y) for _, y in got]
    assert len(got) == (N // batch_size if drop_last else -(-N // batch_size))
    assert set(sizes[:-1]) <= {batch_size}
    assert sizes[-1] == (batch_size if drop_last or N % batch_size == 0 else N % batch_size)
    seen = np.concatenate([y for _, y in got])
    assert len(set(seen)) == len(seen)
    for x, y in got:
        np.testing.assert_array_equal(x[:, 0], y)


def test_500_images_in_batches_of_8_are_62():
    assert len(list(batches(numbered(500), 8))) == 62
    assert len(list(batches(numbered(500), 8, drop_last=False))) == 63


def order(**options):
    return [y.tolist() for _, y in batches(numbered(10), 3, **options)]


def test_the_seed_decides_the_order_and_a_generator_goes_on():
    assert order(seed=1) == order(seed=1)
    assert order(seed=1) != order(seed=2)
    assert order(shuffle=False) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    rng = np.random.default_rng(1)
    first, second = order(seed=rng), order(seed=rng)
    assert first == order(seed=1)
    assert second != first


def test_batches_are_new_arrays_unless_they_are_given_some():
    kept = list(batches(numbered(9), 3, shuffle=False))
    assert [y[0] for _, y in kept] == [0, 3, 6]
    data = images()
    out = empty_batch(data, 4)
    pairs = zip(batches(data, 4, drop_last=False), batches(data, 4, drop_last=False, out=out), strict=True)
    for (x, y), (x2, y2) in pairs:
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, y2)
        assert np.shares_memory(x2, out[1])
        assert np.shares_memory(y2, out[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_come_standardised_in_the_dtype_asked_for(dtype):
    data = images()
    for x, y in batches(data, 5, dtype=dtype, shuffle=False):
        assert x.dtype == dtype
        np.testing.assert_array_equal(x, data.standardise(data.train.images[y], dtype))


def test_any_part_can_be_gone_through():
    data = ArrayDataset(numbered(6), val=numbered(4))
    assert sum(len(y) for _, y in batches(data, 2, part="val")) == 4
    assert len(data.test) == 0


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 1], [2, 3]], np.array([[0, 1], [2, 3]]), np.array([[0, 1], [2, 3]], np.float16),
        np.array([0.0, 1.0]), np.array([[True], [False]]), np.array([[0, 51], [255, 0]], np.uint8),
    ],
)  # fmt: skip
def test_rows_become_right_by_following_what_the_error_says(rows):
    with pytest.raises(TypeError, match=r"x of train must be a float array \(N, D\), got .*; ") as caught:
        ArrayDataset((rows, np.array([0, 1])))
    x = eval(str(caught.value).partition("write ")[2].partition(", or")[0], {"np": np, "x": rows})
    assert ArrayDataset((x, np.array([0, 1]))).train.inputs.tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: batches(numbered(4), 5), ValueError, "batch_size 5 is larger than train: 4 examples"),
        (lambda: batches(numbered(4), 0), ValueError, "batch_size must be at least 1, got 0"),
        (lambda: batches(numbered(4), 2.0), TypeError, "batch_size must be a whole number, got 2.0"),
        (
            lambda: batches(numbered(4), 2, part="training"),
            ValueError,
            "unknown part 'training'; known: 'train'",
        ),
        (lambda: batches(np.ones((4, 2)), 2), TypeError, r"must be a Dataset or a pair \(x, y\)"),
        (lambda: batches((np.ones((4, 2)), [0, 1]), 2), ValueError, "must be 4 integer labels"),
        (lambda: batches((np.ones((4, 2), np.uint8), np.zeros(4, int)), 2), TypeError, "make a Dataset"),
        (lambda: batches((np.ones((4, 2)),), 2), TypeError, r"a pair \(x, y\)"),
        (lambda: batches((np.ones((4, 2)), np.zeros(3, int)), 2), ValueError, "one for each row of x"),
        (
            lambda: batches((np.ones((4, 2)), np.eye(4)), 2),
            ValueError,
            r"one-hot rows write y.argmax\(axis=1\)",
        ),
    ],
)
def test_what_cannot_be_cut_into_batches_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        next(call())


def test_parts_have_the_same_number_of_columns():
    with pytest.raises(ValueError, match="x has 1 column in train but 2 in val"):
        ArrayDataset(numbered(4), val=(np.ones((4, 2)), np.zeros(4, int)))


def test_one_row_of_labels_is_not_taken_for_one_hot_rows():
    x, y = numbered(5)
    with pytest.raises(ValueError, match=r"got int64 array \(1, 5\)$"):
        ArrayDataset((x, y.astype(np.int64)[np.newaxis]))


def test_arrays_of_any_shape_are_flattened_and_described():
    data = ArrayDataset((np.ones((4, 2, 3)), np.zeros(4, int)))
    assert data.input_size == 6
    assert repr(data) == "ArrayDataset(4 train, 0 val, 0 test examples)"
