"""Working memory: arrays that are made once for each batch size and used again at every step.

Layers, losses, metrics and optimizers compute in arrays that are made here and nowhere else.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

import numpy as np

from ffnn._types import Array, DTypeLike, Shape
from ffnn.core.registry import Configurable
from ffnn.core.text import byte_count

_CACHE_LINE = 64  # bytes; also the width of the widest vector load, which crosses no line then
_MAX_VIEWS = 64  # in a workspace; a few batch sizes, not all that anybody ever predicts with


def aligned_empty(size: int, dtype: DTypeLike) -> Array:
    """Return an uninitialised vector that begins at a cache line, or raise MemoryError."""
    dtype = np.dtype(dtype)
    try:
        raw = np.empty(size * dtype.itemsize + _CACHE_LINE, np.uint8)
    except (MemoryError, ValueError):  # there is none, or no address for it
        needed = byte_count(size * dtype.itemsize)
        raise MemoryError(
            f"a vector of {dtype} needs {needed}, which cannot be allocated"
        ) from None
    start = -raw.__array_interface__["data"][0] % _CACHE_LINE
    return raw[start : start + size * dtype.itemsize].view(dtype)


def aligned_full(size: int, dtype: DTypeLike, value: float) -> Array:
    """Return a vector of equal numbers that begins at a cache line."""
    vector = aligned_empty(size, dtype)
    vector.fill(value)
    return vector


class Workspace:
    """Arrays by name, in memory that is used again while it is large enough.

    A batch lies column by column (order "F"): (batch, units) arrays whose transpose is contiguous.
    The products of a whole step are then 5 to 12 % faster than row by row (`docs/performance.md`),
    most of it in the first layer's forward, and sums over the units run along whole columns. The
    arrays of a few shapes are kept, so that a short last batch costs little.
    """

    def __init__(self, order: Literal["F", "C"] = "F") -> None:
        self._order = order
        self._memory: dict[str, Array] = {}
        self._views: dict[tuple[str, Shape, DTypeLike], Array] = {}

    def get(self, name: str, shape: Shape, dtype: DTypeLike) -> Array:
        """Return the array `name`, uninitialised at first; no other name shares memory with it."""
        kind = name, shape, dtype
        view = self._views.get(kind)
        if view is None:
            size, dtype = math.prod(shape), np.dtype(dtype)
            memory = self._memory.get(name)
            if memory is None or memory.dtype != dtype or memory.size < size:
                try:
                    memory = self._memory[name] = aligned_empty(size, dtype)
                except MemoryError:
                    needed = byte_count(size * dtype.itemsize)
                    raise MemoryError(
                        f"{name!r} of shape {shape} needs {needed}, which cannot be allocated; "
                        f"use a smaller batch_size or fewer units"
                    ) from None
                self._views.clear()  # some are views of what it replaces
            elif len(self._views) >= _MAX_VIEWS:
                self._views.clear()
            view = self._views[kind] = memory[:size].reshape(shape, order=self._order)
        return view

    def owns(self, value: object) -> bool:
        """Tell whether `value` is an array in this memory, or a view of one."""
        return isinstance(value, np.ndarray) and any(
            np.may_share_memory(value, memory) for memory in self._memory.values()
        )


class Buffered(Configurable):
    """A part that computes on one batch after another, in working memory of its own.

    When the number of rows changes, `allocate` sets attributes to the arrays that the formulas need
    and to views of them. A part whose width and dtype are known begins its `forward` with ::

        if len(x) != self.rows:
            self.allocate(len(x))

    and one that takes batches of any width and dtype with ::

        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)

    The rest is formulas. Copies make working memory of their own.

    Attributes
    ----------
    rows : int
        The number of rows of the batches that the arrays are for; -1 if there are none yet.
    shape : tuple of int
        The shape of these batches, if `allocate_for` was called.
    dtype : dtype
        In which the part computes.
    borrowed : tuple of str
        The attributes that hold a batch, which may be the caller's own memory.
    """

    borrowed: ClassVar[tuple[str, ...]] = ()
    rows: int = -1
    shape: Shape = ()
    dtype: np.dtype[Any] = np.dtype(np.float32)
    _workspace: Workspace | None = None

    def allocate(self, rows: int) -> None:
        """Make all arrays for batches of `rows` rows; an override calls this first."""
        self.rows = rows

    def allocate_for(self, x: Array) -> None:
        """Make all arrays for batches of the shape and dtype of `x`."""
        self.shape, self.dtype = x.shape, x.dtype
        self.allocate(len(x))

    def array(self, name: str, *shape: int | None, dtype: DTypeLike | None = None) -> Array:
        """Return the array `name`; RuntimeError if a size is None, as in a layer not built."""
        if None in shape:
            self.discard()
            raise RuntimeError(f"{type(self).__name__}: build a layer that stands alone first")
        space = self._workspace = self._workspace or Workspace()
        try:
            dtype = self.dtype if dtype is None else dtype
            return space.get(name, cast("Shape", shape), dtype)
        except MemoryError:
            self.discard()  # other arrays have been made for so many rows already
            raise

    def buffer(self, name: str, *columns: int | None, dtype: DTypeLike | None = None) -> Array:
        """Return the array `name` with a row for each of the batch's."""
        return self.array(name, self.rows, *columns, dtype=dtype)

    def like(self, name: str, dtype: DTypeLike | None = None) -> Array:
        """Return the array `name` in the shape that `allocate_for` was called for."""
        return self.array(name, *self.shape, dtype=dtype)

    def full(self, name: str, value: float, *columns: int) -> Array:
        """Return the array `name` with a row for each of the batch's, filled with `value`."""
        array = self.buffer(name, *columns)
        array.fill(value)
        return array

    def counting(self, name: str, count: int) -> Array:
        """Return the array `name` with the integers from 0 to `count` - 1."""
        array = self.array(name, count, dtype=np.intp)
        array[...] = np.arange(count)
        return array

    def scalar(self, value: float) -> Array:
        """Return a number as an array without axes, which needs no conversion at each use."""
        return np.array(value, self.dtype)

    def discard(self) -> None:
        """Have all arrays made anew for the next batch."""
        self.rows, self.shape = -1, ()

    def release(self) -> None:
        """Drop the batch, which may be the caller's own memory; working memory stays."""
        for name in self.borrowed:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, object]:
        space = self._workspace or Workspace()
        own = {"_workspace", "rows", "shape", *self.borrowed}
        return {k: v for k, v in self.__dict__.items() if k not in own and not space.owns(v)}


class ParameterVector:
    """The trainable numbers of a chain of layers, layer after layer, each array in C order.

    `shapes` has for each layer parameter name → shape, in the order in which they are laid out.
    MemoryError says which array is the largest if there is no memory for all; `names` are what the
    layers are called in it.

    Attributes
    ----------
    values, gradients : ndarray of shape (size,)
        All parameters, and the loss's derivative with respect to each of them.
    scratch : ndarray of shape (size,)
        Room for an intermediate result of the same size; its content means nothing.
    has_gradients : bool
        Whether a backward pass has filled `gradients`; until then their zeros mean nothing.
    frozen : sequence of collections of str
        For each layer, the names of the arrays that training leaves as they are.
    """

    def __init__(
        self, shapes: Sequence[Mapping[str, Shape]], dtype: DTypeLike, names: Sequence[str] = ()
    ) -> None:
        self._shapes = shapes
        self.frozen: Sequence[Collection[str]] = [()] * len(shapes)
        size = sum(math.prod(shape) for layer in shapes for shape in layer.values())
        try:
            self.scratch: Array = aligned_empty(size, dtype)
            self.gradients: Array = aligned_full(size, dtype, 0.0)
            self.values: Array = aligned_full(size, dtype, 0.0)
        except MemoryError:
            raise MemoryError(_too_large(shapes, np.dtype(dtype), names)) from None
        self.has_gradients = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.values.size:,} {self.values.dtype}>"

    def replica(self) -> ParameterVector:
        """Return a vector of the same values, with gradients and room of its own."""
        twin = copy.copy(self)
        twin.scratch = aligned_empty(self.values.size, self.values.dtype)
        twin.gradients = aligned_full(self.values.size, self.values.dtype, 0.0)
        return twin

    def stretches(self, *, trained: bool = False) -> Iterator[tuple[str, int, int]]:
        """Yield the name of each array, or `trained` one, and where it begins and ends."""
        start = 0
        for layer, frozen in zip(self._shapes, self.frozen, strict=True):
            for name, shape in layer.items():
                stop = start + math.prod(shape)
                if not (trained and name in frozen):
                    yield name, start, stop
                start = stop

    def largest_product(self, rows: int) -> tuple[int, int, int]:
        """Return the shape of the largest product of parameters and a batch of so many rows."""
        matrices = [s for layer in self._shapes for s in layer.values() if len(s) == 2]
        units, inputs = max(matrices, key=math.prod, default=(1, 1))
        return units, inputs, rows

    def views(self, vector: Array) -> list[dict[str, Array]]:
        """Cut a vector that is laid out like `values` into the layers' arrays, without copying."""
        places = self.stretches()
        return [
            {
                name: vector[start:stop].reshape(shape)
                for (name, shape), (_, start, stop) in zip(layer.items(), places, strict=False)
            }
            for layer in self._shapes
        ]


def _too_large(
    shapes: Sequence[Mapping[str, Shape]], dtype: np.dtype[Any], names: Sequence[str]
) -> str:
    """Return the message of parameters that there is no memory for: the largest, and all."""
    sizes = [math.prod(shape) for layer in shapes for shape in layer.values()]
    index, name, shape = max(
        ((i, *item) for i, layer in enumerate(shapes) for item in layer.items()),
        key=lambda each: math.prod(each[2]),
    )
    owner = names[index] if names else f"layer {index}"
    one, together = (byte_count(size * dtype.itemsize) for size in (max(sizes), 3 * sum(sizes)))
    return (
        f"{owner}: {name} of shape {shape} needs {one}; all parameters with their gradients and "
        f"working memory need {together}, which cannot be allocated; use fewer inputs or units"
    )
