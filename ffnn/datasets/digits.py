"""The handwritten digits that come with the package."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

LabelledImages = tuple[NDArray[Any], NDArray[np.int64]]  # uint8, which users bind again as x / 16


def load_digits() -> tuple[LabelledImages, LabelledImages]:
    """Load the handwritten digits that come with the package.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        `x_train` uint8 (1437, 64) and `x_test` uint8 (360, 64): images of 8×8 pixels from 0 to 16,
        row by row. `y_train` int64 (1437,) and `y_test` int64 (360,): the digits. The split is
        fixed and keeps the share of each digit.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, doi:10.24432/C50P49, CC BY 4.0. These are the 1,797 rows of its test set.

    Examples
    --------
    >>> import ffnn
    >>> (x_train, y_train), (x_test, y_test) = ffnn.datasets.load_digits()
    >>> x_train.shape, x_test.shape
    ((1437, 64), (360, 64))
    """
    with (
        (resources.files("ffnn.datasets") / "digits.npz").open("rb") as stream,
        np.load(stream) as npz,
    ):
        return (
            (npz["x_train"], npz["y_train"].astype(np.int64)),
            (npz["x_test"], npz["y_test"].astype(np.int64)),
        )
