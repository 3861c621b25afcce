"""Names for types that appear in many signatures."""

from __future__ import annotations

import os
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = dict[str, Array]
Shape: TypeAlias = tuple[int, ...]
FloatDType: TypeAlias = np.dtype[Any]
FilePath: TypeAlias = str | os.PathLike[str]
FileOrPath: TypeAlias = FilePath | IO[bytes]

__all__ = ["Array", "Arrays", "DTypeLike", "FileOrPath", "FilePath", "FloatDType", "Shape"]
