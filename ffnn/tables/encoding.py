"""What an encoding of a column is, whatever the column's kind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.core.text import shown
from ffnn.tables.clipping import LIMIT, SmoothClipping
from ffnn.tables.column import Column
from ffnn.tables.kinds import find_kind
from ffnn.tables.raw import RawColumn
from ffnn.tables.values import column_of

Floats = NDArray[np.float64]
ForOne = Callable[[Any], Sequence[float]]
_FORMS: dict[str, Any] = {
    **{each.__name__: each for each in (bool, int, float, str)},
    "list[str]": [str],
    "dict[str, float]": dict,
}
_HUGE = 1e100  # the squares of larger numbers may be infinite
_REMEMBERED = 4096  # entries of a column
_FLAT = 1e-9  # a standard deviation of less than this share of the mean is one of rounding


@dataclass(frozen=True)
class Encoding:
    """How a column becomes numbers; a subclass for each kind. All fields are plain data."""

    kind: ClassVar[str]
    name: str
    has_missing: bool  # among the rows that it was fitted on

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that no column leads to, as in a damaged file."""
        numbers = [v for v in asdict(self).values() if isinstance(v, float)]
        if not np.isfinite(numbers).all() or getattr(self, "std", 1.0) <= 0.0:
            raise ValueError(
                f"encoder: the numbers of column {shown(self.name, 60)} are impossible"
            )

    @classmethod
    def of(cls, column: Column, one_hot_max_size: int | None = None) -> Encoding:
        """Return the encoding that the rows to train on lead to, as `TableEncoder` was told to."""
        raise NotImplementedError

    @property
    def feature_names(self) -> list[str]:
        """The names of the columns of numbers."""
        raise NotImplementedError

    @property
    def num_measured(self) -> int:
        """How many of the features, the first ones, are measured on a scale, as numbers are."""
        return 0

    @property
    def num_codes(self) -> int:
        """From how many codes its only feature is; 0 if it has others."""
        return 0

    @property
    def typical(self) -> tuple[Any, str]:
        """The median or the most frequent entry, as `encode` takes entries, and in words."""
        raise NotImplementedError

    def read(self, raw: RawColumn) -> Array:
        """Return what `encode` takes of each row, of shape (rows,), or raise ValueError."""
        column = _read(raw, self.kind)
        assert column.values is not None
        return column.values

    def encode(self, entries: Array) -> Floats:
        """Return the numbers of some rows, of shape (rows, features), out of what `read` found."""
        raise NotImplementedError

    def finish(self, entries: Array, clipping: SmoothClipping | None) -> Floats:
        """Return what `encode` does, clipped if there is a clipping of its features."""
        numbers = self.encode(entries)
        return numbers if clipping is None else clipping.apply(numbers)

    def for_one(self, clipping: SmoothClipping | None) -> ForOne:
        """Return what gives the numbers of one entry, to the last bit as if a column had only that.

        It knows those that come often by heart. Of an entry that is not as usual, or is wrong, it
        raises ValueError or TypeError: then the column has to be read.
        """

        @functools.lru_cache(_REMEMBERED, typed=True)
        def numbers_of(entry: Any) -> Sequence[float]:
            entries = self.read(column_of(self.name, [entry]))
            numbers: list[float] = self.finish(entries, clipping)[0].tolist()
            return numbers

        return numbers_of

    def becomes(self, clipping: SmoothClipping | None) -> str:
        """Tell what becomes of the column, if all its features are clipped, or none."""
        return f"{self}" if clipping is None else f"{self}, softly clipped to ±{LIMIT:g}"

    def get_config(self) -> dict[str, Any]:
        """Return the encoding as plain data."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def form(cls) -> dict[str, Any]:
        """Return the form that a config has, for checks of those out of files."""
        return {"kind": str, **{each.name: _FORMS[str(each.type)] for each in fields(cls)}}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Encoding:
        """Return the encoding of which `get_config` returned `config`."""
        return cls(**{name: value for name, value in config.items() if name != "kind"})

    def _flags(self, is_missing: NDArray[np.bool_]) -> list[Floats]:
        """Return the column that tells which entries are missing, if there is one."""
        return [is_missing.astype(np.float64)] if self.has_missing else []

    @property
    def _flag_names(self) -> list[str]:
        return [f"{self.name} is missing"] if self.has_missing else []


def scale(values: Floats) -> tuple[float, float]:
    """Return mean and standard deviation, 1 where all numbers are the same up to rounding."""
    if not len(values):
        return 0.0, 1.0
    largest = float(np.abs(values).max())
    unit = largest if largest > _HUGE else 1.0
    mean, std = unit * float((values / unit).mean()), unit * float((values / unit).std())
    return mean, std if std > _FLAT * max(abs(mean), np.finfo(float).tiny) else 1.0


def _read(raw: RawColumn, kind: str) -> Column:
    try:
        return find_kind(raw, asked=kind)
    except ValueError as error:
        raise ValueError(f"column {shown(raw.name, 60)} is a {kind}, but {error}") from None
