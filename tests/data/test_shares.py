"""A rank reads from disk the rows of its own parts of each batch, and no others."""

import numpy as np
import pytest

from ffnn.data import windows
from ffnn.data.batches import Batches, Examples
from ffnn.data.rows import Rows
from ffnn.data.sources import ArraySource, StoredSource

ROWS, BATCH, PARTS = 1000, 48, 8  # the last batch has 40 rows
X = np.random.default_rng(0).normal(size=(ROWS, 20))


class Counted(Rows):
    """Rows that note which of them were asked for."""

    def __init__(self):
        super().__init__("memory", X.shape, X.dtype)
        self.read = []

    def gather_into(self, out, numbers):
        self.read += numbers.tolist()
        out[...] = X[numbers]


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Let a window have four blocks, 256 rows."""
    monkeypatch.setattr(windows, "WINDOW_BYTES", 1)


def share_of(rank, ranks):
    first, last = PARTS * rank // ranks, PARTS * (rank + 1) // ranks
    return lambda rows: (rows * first // PARTS, rows * last // PARTS)


def batches_of(source, shuffle, rank=0, ranks=1, batch=BATCH):
    y = ArraySource(np.arange(len(source), dtype=np.float64)[:, None])
    rng = None if shuffle is None else np.random.default_rng(5)
    made = Batches(Examples(source, y, None), batch, rng, by_blocks=shuffle == "blocks")
    made.share = share_of(rank, ranks)
    return made


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("shuffle", [None, "full", "blocks"])
def test_each_row_is_read_by_one_rank_once_an_epoch(shuffle, ranks):
    whole = [
        [(x.copy(), y.copy()) for x, y, _ in batches]
        for batches in [batches_of(ArraySource(X), shuffle)] * 2
    ]
    read = []
    for rank in range(ranks):
        rows = Counted()
        batches = batches_of(StoredSource(rows), shuffle, rank, ranks)
        for epoch in whole:
            rows.read.clear()
            for (x, y, _), (all_x, all_y) in zip(batches, epoch, strict=True):
                first, last = batches.share(len(y))
                np.testing.assert_array_equal(x, all_x[first:last])
                np.testing.assert_array_equal(y, all_y)
            sizes = [last - first for first, last in (batches.share(len(y)) for _, y in epoch)]
            assert len(rows.read) == sum(sizes)
        read += rows.read
    assert sorted(read) == list(range(ROWS))


def test_a_window_without_rows_of_a_rank_is_passed_over():
    rows = Counted()  # a batch has 600 rows: those of the last rank begin in the third window
    found = [x.copy() for x, _, _ in batches_of(StoredSource(rows), None, 7, 8, batch=600)]
    np.testing.assert_array_equal(np.concatenate(found), np.r_[X[525:600], X[950:1000]])
    assert rows.read == [*range(525, 600), *range(950, 1000)]


def test_a_batch_of_fewer_rows_than_parts_leaves_a_rank_without_any():
    rows = Counted()
    source = StoredSource(rows).part(0, 52)  # 48 rows, then 4 in 8 parts
    found = [len(x) for x, _, _ in batches_of(source, None, 0, 8)]
    assert found == [6, 0]
    assert rows.read == [*range(6)]


@pytest.mark.parametrize("shuffle", ["full", "blocks"])
def test_an_epoch_that_was_left_is_resumed(shuffle):
    first = batches_of(StoredSource(Counted()), shuffle, 1, 3)
    expected = [x.copy() for x, _, _ in first]
    left = batches_of(StoredSource(Counted()), shuffle, 1, 3)
    taken = iter(left)
    for _ in range(5):
        next(taken)
    state = left.get_state()
    left.close()
    rows = Counted()
    resumed = batches_of(StoredSource(rows), shuffle, 1, 3)
    resumed.set_state(state)
    found = [x.copy() for x, _, _ in resumed]
    for there, here in zip(expected[5:], found, strict=True):
        np.testing.assert_array_equal(here, there)
