"""Names for types that appear in many signatures; imported by type checkers alone."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
FloatDType: TypeAlias = np.dtype[Any]
FilePath: TypeAlias = str | os.PathLike[str]

__all__ = ["Array", "DTypeLike", "FilePath", "FloatDType", "Shape"]
