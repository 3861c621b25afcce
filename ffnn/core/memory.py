"""Working memory: arrays that are made once and used again at every step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from ffnn.core.registry import Configurable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ffnn._types import Array, DTypeLike, Shape

_CACHE_LINE = 64  # bytes; also the width of the widest vector load, which crosses no line then


def aligned_empty(size: int, dtype: DTypeLike) -> Array:
    """Return an uninitialised vector that begins at a cache line.

    Parameters
    ----------
    size : int
        Its number of entries.
    dtype : dtype
        Its dtype.
    """
    dtype = np.dtype(dtype)
    raw = np.empty(size * dtype.itemsize + _CACHE_LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % _CACHE_LINE
    return raw[start : start + size * dtype.itemsize].view(dtype)


class Workspace:
    """Arrays by name, each made at its first use.

    Parameters
    ----------
    order : {"F", "C"}, default "F"
        How entries follow in memory. Layers keep a batch column by column ("F"): (batch, units)
        arrays whose transpose is contiguous. The products of a whole step are 5 to 12 % faster so
        than row by row (`docs/performance.md`), most of it in the first layer's forward, and sums
        over the units run along whole columns.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The arrays in the shapes that were last asked for.
    """

    def __init__(self, order: Literal["F", "C"] = "F") -> None:
        self.arrays: dict[str, Array] = {}
        self._order = order
        self._memory: dict[str, Array] = {}

    def get(self, key: str, shape: Shape, dtype: DTypeLike) -> Array:
        """Return an uninitialised array, the same memory from call to call while it is enough.

        Parameters
        ----------
        key : str
            Which array; another key never shares memory with it.
        shape : tuple of int
            Its shape.
        dtype : dtype
            Its dtype.
        """
        array = self.arrays.get(key)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self.arrays[key] = self._shape(key, shape, np.dtype(dtype))
        return array

    def _shape(self, key: str, shape: Shape, dtype: np.dtype[np.generic]) -> Array:
        size = math.prod(shape)
        memory = self._memory.get(key)
        if memory is None or memory.dtype != dtype or memory.size < size:
            memory = self._memory[key] = aligned_empty(size, dtype)
        return memory[:size].reshape(shape, order=self._order)


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
        if self._workspace is not None:  # what `get` does, without its call
            array = self._workspace.arrays.get(key)
            if array is not None and array.shape == x.shape and array.dtype is x.dtype:
                return array
        return self._buffer(key, x.shape, x.dtype)

    def __getstate__(self) -> dict[str, object]:
        # A copy makes working memory of its own.
        working = ("_workspace", "_batch")
        return {key: value for key, value in self.__dict__.items() if key not in working}


class ParameterVector:
    """The trainable numbers of a chain of layers.

    Parameters
    ----------
    shapes : sequence of mappings
        For each layer, parameter name → shape, in the order in which they are laid out.
    dtype : dtype
        ``float32`` or ``float64``.

    Attributes
    ----------
    values : ndarray of shape (size,)
        All parameters, layer after layer, each in C order.
    gradients : ndarray of shape (size,)
        The loss's derivative by each of them, zero before the first backward pass.
    scratch : ndarray of shape (size,)
        Room for an intermediate result of the same size; its content means nothing.
    has_gradients : bool
        Whether a backward pass has filled `gradients`; until then their zeros mean nothing.
    """

    def __init__(self, shapes: Sequence[Mapping[str, Shape]], dtype: DTypeLike) -> None:
        self._shapes = shapes
        size = sum(math.prod(shape) for layer in shapes for shape in layer.values())
        self.values: Array = aligned_empty(size, dtype)
        self.gradients: Array = aligned_empty(size, dtype)
        self.scratch: Array = aligned_empty(size, dtype)
        self.values.fill(0.0)
        self.gradients.fill(0.0)
        self.has_gradients = False

    def views(self, vector: Array) -> list[dict[str, Array]]:
        """Cut `vector` into the layers' arrays, without copying.

        Parameters
        ----------
        vector : ndarray of shape (size,)
            `values`, `gradients`, `scratch`, or any other vector laid out like them.

        Returns
        -------
        list of dict
            For each layer, parameter name → view of its shape.
        """
        start = 0
        result = []
        for layer in self._shapes:
            arrays = {}
            for name, shape in layer.items():
                stop = start + math.prod(shape)
                arrays[name] = vector[start:stop].reshape(shape)
                start = stop
            result.append(arrays)
        return result
