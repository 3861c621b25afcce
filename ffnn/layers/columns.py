"""What layers share that make several columns of each of some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_int, check_items
from ffnn.core.operations import Value, join
from ffnn.layers.base import Layer


class ColumnWise(Layer):
    """A layer that makes `width` columns of each of its own, which stand first in y.

    The other columns of x follow as they are.
    """

    borrowed = ()  # all of x is copied
    columns: list[int] | None
    own_dim: int  # the number of its own columns, once built

    @property
    def width(self) -> int:
        """The number of columns that it makes of one."""
        raise NotImplementedError

    @property
    def category_counts(self) -> Sequence[int]:
        """How many categories each of its columns has the numbers of; empty if of none."""
        return ()

    def own_columns(self, input_dim: int) -> Sequence[int]:
        """Return which columns are its own; ValueError if there are not so many."""
        if self.columns is None:
            return range(input_dim)
        if max(self.columns) >= input_dim:
            raise ValueError(
                f"{self.title}: columns names column {max(self.columns)}, but there are "
                f"{input_dim}, counted from 0"
            )
        return self.columns

    def compute_output_dim(self, input_dim: int) -> int:
        """Return the number of columns that it makes, and of those that follow."""
        own = len(self.own_columns(input_dim))
        return own * self.width + input_dim - own

    def name_outputs(self, names: Sequence[str]) -> list[str]:
        """Return names of the columns of y, such as ``"age 1"``, from those of x."""
        own = self.own_columns(len(names))
        made = [f"{names[c]} {number}" for c in own for number in range(1, self.width + 1)]
        return [*made, *(name for c, name in enumerate(names) if c not in set(own))]

    def bind(self, input_dim: int, *arrays: Any) -> None:
        """Set the sizes, and which columns are whose."""
        own = self.own_columns(input_dim)
        self.own_dim = len(own)
        others = [column for column in range(input_dim) if column not in set(own)]
        self.own_index, self.other_index = np.array(own), np.array(others, np.intp)
        self.own_runs, self.other_runs = _runs(own), _runs(others)
        super().bind(input_dim, *arrays)

    def allocate(self, rows: int) -> None:
        """Allocate y, views of it, the columns of x and ∂L/∂x; all have a row for each column."""
        super().allocate(rows)
        self.y = self.buffer("y", self.output_dim)
        self.own_y, self.other_y = self.split(self.y)
        self.own_x = self.buffer("own_x", self.own_dim).T
        self.x_t = self.buffer("x_t", self.input_dim).T
        if self.needs_input_grad:
            self.dx = self.buffer("dx", self.input_dim)

    def split(self, y: Array) -> tuple[Array, Array]:
        """Return, of y or its gradient, (columns, width, rows) and what follows, transposed."""
        end = self.own_dim * self.width
        return y.T[:end].reshape(self.own_dim, self.width, len(y)), y.T[end:]

    def take(self, x: Array) -> None:
        """Write the columns of a batch into `own_x` and y."""
        if len(x) != self.rows:
            self.allocate(len(x))
        x_t = x.T
        if not x_t.flags.c_contiguous or x_t.dtype != self.dtype:  # which `take` would copy twice
            np.copyto(self.x_t, x_t, casting="unsafe")
            x_t = self.x_t
        x_t.take(self.own_index, 0, self.own_x, "clip")  # "raise" would not write to `out` at once
        x_t.take(self.other_index, 0, self.other_y, "clip")

    def express_own(self, x: Value) -> Value:
        """Return its own columns of a row of the inputs."""
        assert self.input_dim is not None
        return x.take(self.own_columns(self.input_dim))

    def express_all(self, x: Value, own: Value) -> Value:
        """Return what it makes of its own columns, side by side, and the other columns of x."""
        assert self.input_dim is not None
        taken = set(self.own_columns(self.input_dim))
        return join([own, x.take([c for c in range(self.input_dim) if c not in taken])])

    def express_beside(self, x: Value, made: Value) -> Value:
        """Return the same if each of its own columns stands in front of what is made of it."""
        own, width = self.own_dim, self.width - 1
        places = [
            place
            for column in range(own)
            for place in (column, *range(own + column * width, own + (column + 1) * width))
        ]
        return self.express_all(x, join([self.express_own(x), made]).take(places))

    def join(self, own: Array | float, others: Array) -> Array:
        """Return ∂L/∂x, whose columns are those of `own`, which may be 0 for all, and `others`."""
        dx_t = self.dx.T
        for target, source in self.own_runs:
            dx_t[source] = own if isinstance(own, float) else own[target]
        for target, source in self.other_runs:
            dx_t[source] = others[target]
        return self.dx


def _runs(columns: Sequence[int]) -> list[tuple[slice, slice]]:
    """Return places and numbers of columns, those that follow one another together."""
    starts = [i for i, column in enumerate(columns) if not i or column != columns[i - 1] + 1]
    ends = [*starts[1:], len(columns)] if starts else []
    return [
        (slice(start, end), slice(columns[start], columns[end - 1] + 1))
        for start, end in zip(starts, ends, strict=True)
    ]


def check_columns(owner: str, columns: Any) -> list[int] | None:
    """Return the numbers of columns, each once, or None for all."""
    if columns is None:
        return None
    checked = [
        check_int(owner, "columns", column, low=0)
        for column in check_items(owner, "columns", columns)
    ]
    if not checked or len(set(checked)) < len(checked):
        raise ValueError(
            f"{owner}: columns must be the numbers of columns, each once, or None for all, got "
            f"{columns!r}"
        )
    return checked
