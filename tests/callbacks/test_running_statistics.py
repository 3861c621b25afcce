"""Statistics over many batches, against NumPy in float64 on all values at once."""

import numpy as np
import pytest

from ffnn.callbacks import running_statistics
from ffnn.callbacks.running_statistics import (
    RunningStatistics,
    Scratch,
    UpdateStatistics,
    euclidean_norm,
)


def pooled(batches, dtype="float32"):
    scratch, statistics = Scratch(dtype), RunningStatistics()
    for batch in batches:
        statistics.add(scratch.cut(np.asarray(batch, dtype)))
    return statistics


def by_numpy(batches, dtype="float32"):
    """Return mean, deviation, norm and fraction of zeros, computed in float64."""
    batches = [np.asarray(batch, dtype).astype(np.float64) for batch in batches]
    values = np.concatenate(batches)
    norms = [np.linalg.norm(batch) for batch in batches]
    return values.mean(), values.std(), np.mean(norms), np.mean(values == 0.0)


def assert_agrees(batches, dtype="float32", rtol=2e-6):
    statistics = pooled(batches, dtype)
    mean, *others = by_numpy(batches, dtype)
    largest = np.abs(np.concatenate(batches)).max()
    np.testing.assert_allclose(
        [statistics.std, statistics.norm, statistics.zero_fraction], others, rtol=rtol
    )
    assert statistics.mean == pytest.approx(mean, rel=rtol, abs=1e-7 * largest)


def test_statistics_by_hand():
    statistics = pooled([[1.0, 3.0], [0.0, 0.0, -4.0, 0.0]])

    assert statistics.mean == 0.0
    assert statistics.std == pytest.approx(np.sqrt((1 + 9 + 16) / 6))
    assert statistics.norm == pytest.approx((np.sqrt(10) + 4) / 2)
    assert statistics.zero_fraction == 0.5
    assert statistics.count == 6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_of_unlike_sizes_are_pooled(dtype):
    rng = np.random.default_rng(0)
    batches = [rng.normal(rng.normal(), 2.0, size) for size in (1, 7, 100, 64, 3)]

    assert_agrees(batches, dtype, rtol=2e-6 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("size", [-1, 0, 1, 100])
def test_arrays_longer_than_a_block_are_taken_whole(monkeypatch, size):
    monkeypatch.setattr(running_statistics, "_BLOCK_SIZE", 256)
    rng = np.random.default_rng(1)
    batches = [rng.normal(0.5, 1.0, 3 * 256 + size) for _ in range(4)]
    batches[2][::5] = 0.0

    assert_agrees(batches)


@pytest.mark.parametrize("mean", [1e3, -1e6])
def test_the_deviation_of_values_far_from_zero_is_not_lost(mean):
    rng = np.random.default_rng(2)

    assert_agrees([rng.normal(mean, 0.5, 1000) for _ in range(5)], rtol=1e-6)


def test_the_deviation_between_batches_that_are_constant_is_kept():
    statistics = pooled([[1e6] * 5, [1e6 + 1] * 5])

    assert statistics.mean == 1e6 + 0.5
    assert statistics.std == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-12, 1e-22, 1e-30, 1e-38, 1e25])
def test_values_whose_squares_do_not_fit_into_float32_count(scale):
    rng = np.random.default_rng(3)

    with np.errstate(over="ignore"):
        batches = [scale * rng.normal(0.1, 1.0, 500) for _ in range(3)]
        batches[1][::3] = 0.0
        assert_agrees(batches, rtol=1e-5)


def test_nothing_but_zeros():
    statistics = pooled([np.zeros(10), -np.zeros(3)])

    assert (statistics.mean, statistics.std, statistics.norm, statistics.zero_fraction) == (
        0.0,
        0.0,
        0.0,
        1.0,
    )


def test_many_batches_do_not_wear_the_deviation_down():
    batch = np.float32([0.999, 1.0, 1.001])
    statistics = pooled([batch] * 20_000)

    assert statistics.std == pytest.approx(batch.astype(np.float64).std(), rel=1e-9)
    assert statistics.mean == pytest.approx(batch.astype(np.float64).mean(), rel=1e-12)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_is_not_finite_shows_and_raises_nothing(bad):
    with np.errstate(invalid="ignore"):
        statistics = pooled([[1.0, bad], [2.0, 0.0]])

    assert not np.isfinite([statistics.mean, statistics.std, statistics.norm]).any()
    assert statistics.zero_fraction == 0.25


def test_without_any_batch_nothing_is_known():
    statistics = RunningStatistics()

    assert np.isnan(
        [statistics.mean, statistics.std, statistics.norm, statistics.zero_fraction]
    ).all()


# -- updates ------------------------------------------------------------------------------------


def test_ratios_are_averaged_where_there_is_one():
    statistics = UpdateStatistics()
    for norm, before in [(3.0, 0.0), (1.0, 2.0), (1.0, 4.0)]:
        statistics.add(norm, before)

    assert statistics.norm == pytest.approx(5.0 / 3.0)
    assert statistics.ratio == (0.5 + 0.25) / 2


def test_without_any_ratio_there_is_none():
    statistics = UpdateStatistics()
    statistics.add(1.0, 0.0)

    assert statistics.norm == 1.0
    assert np.isnan(statistics.ratio)
    assert np.isnan(UpdateStatistics().norm)


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_norms_of_any_size(monkeypatch, scale):
    monkeypatch.setattr(running_statistics, "_BLOCK_SIZE", 4)
    vector = np.float32(scale * np.arange(-4.0, 7.0))

    with np.errstate(over="ignore"):
        norm = euclidean_norm(Scratch("float32").cut(vector))

    assert norm == pytest.approx(np.linalg.norm(vector.astype(np.float64)), rel=1e-6)
