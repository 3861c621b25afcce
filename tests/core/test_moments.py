"""Merged moments, against NumPy on all values at once."""

import numpy as np
import pytest

from ffnn.core.moments import Moments


def test_numbers_by_hand():
    moments = Moments()
    moments.merge(2, 2.0, 2.0)  # 1, 3
    moments.merge(4, -1.0, 12.0)  # 0, 0, -4, 0

    assert moments.count == 6
    assert moments.mean == 0.0
    assert moments.deviations == 26.0
    assert moments.variance == 26.0 / 6


@pytest.mark.parametrize("sizes", [[1], [1, 1], [7, 100, 3], [1000, 1, 64]])
def test_rows_in_parts_have_the_moments_of_all_rows(sizes):
    rng = np.random.default_rng(0)
    parts = [rng.normal(rng.normal(size=3), [0.1, 1.0, 50.0], (size, 3)) for size in sizes]
    moments = Moments()
    for part in parts:
        moments.add_rows(part)

    rows = np.concatenate(parts)
    assert moments.count == len(rows)
    np.testing.assert_allclose(moments.mean, rows.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(moments.variance, rows.var(axis=0), rtol=1e-13)


def test_a_part_is_not_kept():
    rows = np.ones((2, 3))
    moments = Moments()
    moments.add_rows(rows)
    rows[:] = 5.0
    moments.add_rows(rows)

    assert moments.mean.tolist() == [3.0, 3.0, 3.0]
    assert moments.variance.tolist() == [4.0, 4.0, 4.0]
