"""Mean and variance of the columns of rows of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.moments import Moments
from ffnn.data.sources import BLOCK_ROWS, check_finite, open_source
from ffnn.errors import DataError


def column_statistics(x: Any) -> tuple[Array, Array]:
    """Return the mean and population variance of each column, in float64.

    The data, of any kind that `open_source` takes, is read block by block and never loaded whole.
    DataError says that it is empty or holds NaN or infinity, or that its squares do.
    """
    source = open_source(x, np.float64)
    check_finite(source, "x")
    origin = source.slice(0, 1)[0].copy()  # a column that never varies becomes exactly 0 around it
    moments = Moments()
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(source), BLOCK_ROWS):
            moments.add_rows(source.slice(start, min(start + BLOCK_ROWS, len(source))) - origin)
    too_large = np.flatnonzero(~np.isfinite(moments.deviations))
    if len(too_large):
        raise DataError(f"x: the numbers in column {too_large[0]} are too large to be squared")
    return origin + moments.mean, moments.variance
