"""What is read from a CSV file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Target = NDArray[np.int64] | NDArray[np.float64]


class Table(NamedTuple):
    r"""What `load_csv` found: rows of numbers and one target for each.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, features)
        The feature columns.
    y : ndarray of int64 or float64, shape (rows,)
        Class indices if `class_names` is given; otherwise the target's numbers, int64 if all of
        them are written as integers.
    feature_names : tuple of str
        The names of the columns of `x`, in order.
    class_names : tuple of str or None
        The name of each class index, or None for a numeric target.
    target_name : str
        The name of the target column.

    Examples
    --------
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,width,wood\n3,1.5,oak\n5,2,ash\n")
    >>> import ffnn
    >>> table = ffnn.datasets.load_csv("wood.csv")
    >>> table.feature_names, table.class_names, table.y.tolist()
    (('age', 'width'), ('ash', 'oak'), [1, 0])
    """

    x: NDArray[np.float64]
    y: Target
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] | None
    target_name: str
