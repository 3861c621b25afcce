"""Working memory: arrays that are made once and used again at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.registry import Configurable

if TYPE_CHECKING:
    from ffnn._types import Array, DTypeLike, Shape


class Workspace:
    """Arrays by name, each made at its first use."""

    def __init__(self) -> None:
        self._whole: dict[str, Array] = {}
        self._leading: dict[str, Array] = {}

    def get(self, key: str, shape: Shape, dtype: DTypeLike) -> Array:
        """Return an uninitialised array that stays the same from call to call.

        Parameters
        ----------
        key : str
            Which array; another key never shares memory with it.
        shape : tuple of int
            Its shape. Fewer rows than before get the leading rows of the same memory.
        dtype : dtype
            Its dtype.
        """
        array = self._leading.get(key)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self._leading[key] = self._slice(key, shape, np.dtype(dtype))
        return array

    def _slice(self, key: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
        whole = self._whole.get(key)
        fits = whole is not None and whole.dtype == dtype and whole.shape[1:] == shape[1:]
        if whole is None or not fits or whole.shape[0] < shape[0]:
            whole = self._whole[key] = np.empty(shape, dtype)
        return whole[: shape[0]]


class Buffered(Configurable):
    """A part that keeps working memory of its own, made when it is first needed."""

    _workspace: Workspace | None = None

    def _buffer(self, key: str, shape: Shape, dtype: DTypeLike) -> Array:
        """Return the array `key` of this part, uninitialised at first."""
        if self._workspace is None:
            self._workspace = Workspace()
        return self._workspace.get(key, shape, dtype)

    def _like(self, key: str, x: Array) -> Array:
        """Return the array `key` of this part in the shape and dtype of `x`."""
        return self._buffer(key, x.shape, x.dtype)
