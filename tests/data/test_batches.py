"""Batches hold every row once a pass, in an order that follows from the generator alone."""

from __future__ import annotations

import numpy as np
import pytest

from ffnn.data.batches import Batches, Examples
from ffnn.data.sources import ArraySource
from ffnn.errors import DataError


def examples(rows, weights=False):
    index = np.arange(rows, dtype=np.float64)
    weight = ArraySource(index * 100) if weights else None
    return Examples(
        ArraySource(np.stack([index, -index], 1)), ArraySource(index[:, None] * 10), weight
    )


def copies(batches):
    return [tuple(None if a is None else a.copy() for a in batch) for batch in batches]


@pytest.mark.parametrize(
    ("rows", "batch_size", "sizes"),
    [
        (10, 4, [4, 4, 2]),
        (8, 4, [4, 4]),
        (3, 100, [3]),
        (1, 1, [1]),
        (5, 1, [1, 1, 1, 1, 1]),
    ],
)
@pytest.mark.parametrize("shuffled", [False, True])
def test_every_row_comes_once_and_the_last_batch_may_be_short(rows, batch_size, sizes, shuffled):
    rng = np.random.default_rng(0) if shuffled else None
    batches = Batches(examples(rows), batch_size, rng)
    came = copies(batches)
    assert len(batches) == len(sizes)
    assert [len(xs) for xs, _, _ in came] == sizes
    assert sorted(np.concatenate([xs[:, 0] for xs, _, _ in came])) == list(range(rows))


@pytest.mark.parametrize("shuffled", [False, True])
def test_targets_and_weights_go_with_their_rows(shuffled):
    rng = np.random.default_rng(0) if shuffled else None
    for xs, ys, weights in Batches(examples(10, weights=True), 4, rng):
        np.testing.assert_array_equal(xs[:, 1], -xs[:, 0])
        np.testing.assert_array_equal(ys[:, 0], 10 * xs[:, 0])
        np.testing.assert_array_equal(weights, 100 * xs[:, 0])


def test_without_weights_there_are_none():
    assert all(weight is None for _, _, weight in Batches(examples(5), 2))


def test_order_is_kept_without_a_generator():
    came = [xs[:, 0].tolist() for xs, _, _ in Batches(examples(5), 2)]
    assert came == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, [4]), (2, [4, 4]), (3, [4, 4, 2]), (9, [4, 4, 2])]
)
@pytest.mark.parametrize("shuffled", [False, True])
def test_an_epoch_ends_at_its_limit(limit, sizes, shuffled):
    rng = np.random.default_rng(0) if shuffled else None
    batches = Batches(examples(10), 4, rng, max_batches=limit)
    assert len(batches) == len(sizes)
    assert [len(xs) for xs, _, _ in batches] == sizes


def order(batches):
    return np.concatenate([xs[:, 0] for xs, _, _ in copies(batches)]).tolist()


def test_each_epoch_has_a_new_order():
    batches = Batches(examples(50), 8, np.random.default_rng(0))
    orders = [tuple(order(batches)) for _ in range(5)]
    assert len(set(orders)) == 5
    assert list(orders[0]) != sorted(orders[0])


def test_order_follows_from_the_generators_state_alone():
    # What went before must not matter: a loaded model has the state but not the past.
    rng = np.random.default_rng(3)
    batches = Batches(examples(20), 8, rng)
    order(batches)
    state = rng.bit_generator.state
    second = order(batches)
    fresh = np.random.default_rng()
    fresh.bit_generator.state = state
    assert order(Batches(examples(20), 8, fresh)) == second


def test_order_is_the_same_for_every_batch_size():
    orders = [order(Batches(examples(20), size, np.random.default_rng(3))) for size in (1, 7, 20)]
    assert orders[0] == orders[1] == orders[2]


def test_shuffling_leaves_the_data_and_numpys_generator_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    data = examples(20)
    order(Batches(data, 8, np.random.default_rng(3)))
    np.testing.assert_array_equal(data.x.data[:, 0], np.arange(20))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("seed", range(3))
def test_every_row_lands_at_every_place_about_equally_often(seed):
    # 3,000 shuffles of 6 rows: each of the 36 cells expects 500; its standard deviation is
    # √(3000 · 1/6 · 5/6) ≈ 20.4, and 5 of them are passed by chance in 2e-5 of all runs.
    batches = Batches(examples(6), 6, np.random.default_rng(seed))
    counts = np.zeros((6, 6))
    for _ in range(3000):
        counts[np.arange(6), np.array(order(batches), int)] += 1
    assert np.abs(counts - 500).max() < 5 * 20.4


def test_a_function_makes_each_order_from_the_last():
    batches = Batches(examples(5), 2, shuffle=lambda last: np.roll(last, 2), max_batches=2)

    assert [order(batches) for _ in range(3)] == [[3, 4, 0, 1], [2, 1, 2], [3, 4, 0]]


def test_split_takes_the_last_rows_with_targets_and_weights():
    first, last = examples(10, weights=True).split(0.25)
    assert first.x.slice(0, 7)[:, 0].tolist() == list(range(7))
    assert last.x.slice(0, 3)[:, 0].tolist() == [7, 8, 9]
    assert last.y.slice(0, 3)[:, 0].tolist() == [70, 80, 90]
    assert last.weight.slice(0, 3).tolist() == [700, 800, 900]
    assert examples(10).split(0.5)[1].weight is None


def test_split_that_leaves_a_side_empty_is_refused():
    with pytest.raises(
        DataError, match=r"validation_split=0\.01 of 1 rows leaves none on one side"
    ):
        examples(1).split(0.01)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_limited_epoch_goes_on_where_the_last_one_ended(shuffled):
    rng = np.random.default_rng(0) if shuffled else None
    batches = Batches(examples(10), 4, rng, max_batches=2)

    epochs = [order(batches) for _ in range(3)]

    # three batches a pass: 4 + 4 | 2 (end of the pass) + 4 | 4 + 2
    assert [len(epoch) for epoch in epochs] == [8, 6, 6]
    assert sorted(epochs[0] + epochs[1][:2]) == list(range(10))
    assert sorted(epochs[1][2:] + epochs[2]) == list(range(10))


def test_class_weights_multiply_sample_weights():
    labels = ArraySource(np.array([0, 1, 1]), np.intp)
    x = ArraySource(np.zeros((3, 1)))
    plain = Examples(x, labels, None).weigh_classes({1: 0.5}, 2, "classes", np.dtype("f4"))
    both = Examples(x, labels, ArraySource(np.array([1.0, 2.0, 3.0])))
    both = both.weigh_classes({1: 0.5}, 2, "classes", np.dtype("f8"))

    np.testing.assert_array_equal(plain.weight.data, [1, 0.5, 0.5])
    np.testing.assert_array_equal(both.weight.data, [1, 1, 1.5])


@pytest.mark.parametrize(
    ("rows", "share", "kept"),
    [(10, 0.9, 1), (10, 0.7, 3), (10, 0.25, 7), (3, 0.5, 1), (100, 0.01, 99)],
)
def test_split_keeps_the_whole_rows_of_the_share_despite_rounding(rows, share, kept):
    first, last = examples(rows).split(share)

    assert (len(first.x), len(last.x)) == (kept, rows - kept)
