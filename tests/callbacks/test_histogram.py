"""Histograms with bins of a power of two, against counting by hand."""

import numpy as np
import pytest

from ffnn.callbacks import running_statistics
from ffnn.callbacks.histogram import RunningHistogram
from ffnn.callbacks.running_statistics import Scratch


def binned(batches, num_bins, dtype="float64"):
    scratch, bins = Scratch(dtype), RunningHistogram(num_bins)
    for batch in batches:
        bins.add(scratch.cut(np.asarray(batch, dtype)))
    return bins


def edges_of(bins):
    low, width = bins.grid
    return low + width * np.arange(len(bins.counts) + 1)


def test_bins_by_hand():
    # From -0.5 to 1.0 in four bins: width 0.25 would need seven, width 0.5 needs four.
    bins = binned([[-0.5, 1.0, 0.49, 0.5, 0.0]], 4)

    assert bins.grid == (-0.5, 0.5)
    assert bins.counts.tolist() == [1, 2, 1, 1]


def test_the_first_bin_holds_the_smallest_value_and_edges_are_multiples_of_the_width():
    bins = binned([[5.3, 5.9]], 4)

    assert bins.grid == (5.25, 0.25)
    assert bins.counts.tolist() == [1, 0, 1, 0]


def test_bins_are_joined_in_pairs_when_a_value_does_not_fit():
    bins = binned([[0.0, 0.25, 0.75, 0.75]], 4)
    assert bins.grid == (0.0, 0.25)
    assert bins.counts.tolist() == [1, 1, 0, 2]

    bins.add(Scratch("float64").cut(np.array([-0.1])))

    assert bins.grid == (-0.5, 0.5)
    assert bins.counts.tolist() == [1, 2, 2, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_numpy_for_the_same_edges_whatever_the_order(monkeypatch, dtype, seed):
    monkeypatch.setattr(running_statistics, "_BLOCK_SIZE", 16)
    rng = np.random.default_rng(seed)
    batches = [rng.normal(rng.normal(), 10 ** rng.uniform(-6, 3), 50) for _ in range(6)]
    values = np.concatenate(batches).astype(dtype).astype(float)

    bins, backwards = (binned(each, 32, dtype) for each in (batches, batches[::-1]))

    expected, _ = np.histogram(values, edges_of(bins))
    assert bins.counts.tolist() == expected.tolist()
    assert bins.counts.sum() == values.size
    assert backwards.grid == bins.grid
    assert backwards.counts.tolist() == bins.counts.tolist()


def test_no_narrower_power_of_two_would_do():
    rng = np.random.default_rng(0)
    for _ in range(100):
        values = rng.normal(rng.normal(), 10 ** rng.uniform(-4, 2), 20)
        bins = binned([values], 16)
        half = bins.grid[1] / 2
        cells = np.floor(values / half)
        assert cells.max() - cells.min() >= 16
        assert bins.grid[0] <= values.min() < bins.grid[0] + bins.grid[1]


def test_zeros_first_do_not_spoil_the_bins_of_what_comes_after():
    bins = binned([np.zeros(10), [1e-9, 3e-9]], 8, "float32")

    assert bins.grid[1] <= 1e-9
    assert bins.counts[0] == 10
    assert bins.counts.sum() == 12


def test_many_orders_of_magnitude_apart():
    bins = binned([[1e-30, -1e-30], [1e30]], 8)

    expected, _ = np.histogram([1e-30, -1e-30, 1e30], edges_of(bins))
    assert bins.counts.tolist() == expected.tolist()
    assert expected.sum() == 3


def test_one_value_alone_fills_a_narrow_bin():
    bins = binned([[1.0, 1.0]], 4, "float32")

    low, width = bins.grid
    assert low == 1.0
    assert width < 1e-6
    assert bins.counts.tolist() == [2, 0, 0, 0]


def test_what_is_not_finite_is_left_out():
    bins = binned([[np.nan, 1.0, np.inf], [-np.inf]], 4)
    assert bins.counts.sum() == 1
    assert bins.grid[0] == 1.0

    nothing = binned([[np.nan]], 4)
    assert nothing.counts.sum() == 0
    assert np.isnan(nothing.grid).all()
