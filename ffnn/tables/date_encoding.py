"""What becomes of a column of dates: its encoding, learned from the rows to train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ffnn._types import Array
from ffnn.core.text import shown
from ffnn.tables.column import Column
from ffnn.tables.dates import is_date_format
from ffnn.tables.encoding import Encoding, Floats, scale
from ffnn.tables.raw import RawColumn

# The parts of a date that go in a circle: the length of the circle, and where a moment is on it.
_PARTS: dict[str, Callable[[Array], Floats]] = {
    "month": lambda t: (t.astype("datetime64[M]").astype(int) % 12) / 12.0,
    "weekday": lambda t: (t.astype("datetime64[D]").astype(int) % 7) / 7.0,
    "hour": lambda t: (t - t.astype("datetime64[D]")).astype(int) / 86400.0,
}


@dataclass(frozen=True)
class DateEncoding(Encoding):
    """Days since the first date, scaled, and places on circles."""

    kind = "date"
    first: str
    mean: float
    std: float
    parts: list[str]
    date_format: str = ""  # of the texts, in which few rows may be read in two ways

    @classmethod
    def of(cls, column: Column, one_hot_max_size: int | None = None) -> DateEncoding:
        """Measure the span of the dates, and note which parts of them differ."""
        assert column.values is not None
        known = column.values[~column.is_missing]
        first = known.min() if len(known) else np.datetime64(0, "s")
        parts = [name for name, place in _PARTS.items() if len(np.unique(place(known))) > 1]
        mean, std = scale((known - first).astype(np.float64) / 86400.0)
        has_missing = bool(column.is_missing.any())
        date_format = column.raw.date_format or ""
        return cls(column.name, has_missing, str(first), mean, std, parts, date_format)

    def __post_init__(self) -> None:
        """Raise ValueError where that is no date, a part of none, or an unknown format."""
        super().__post_init__()
        np.datetime64(self.first, "s")
        if not is_date_format(self.date_format):
            raise ValueError(f"encoder: unknown format of dates: {shown(self.date_format, 60)}")
        if not set(self.parts) <= set(_PARTS):
            raise ValueError(f"encoder: unknown parts of dates: {self.parts}")

    @property
    def feature_names(self) -> list[str]:
        """The elapsed time, and two coordinates for each circle."""
        circles = [f"{self.name} ({p}, {f})" for p in self.parts for f in ("sin", "cos")]
        return [f"{self.name} (elapsed)", *circles, *self._flag_names]

    @property
    def num_measured(self) -> int:
        """The elapsed time."""
        return 1

    @property
    def typical(self) -> tuple[np.datetime64, str]:
        """The mean date, where the hour says nothing without one."""
        elapsed = np.timedelta64(round(86400.0 * self.mean), "s")
        moment = np.datetime64(self.first, "s") + elapsed
        if "hour" not in self.parts:
            moment = moment.astype("datetime64[D]")
        return moment, str(moment)

    def read(self, raw: RawColumn) -> Array:
        """Read the dates as those that it was fitted on, where others are possible."""
        return super().read(replace(raw, date_format=self.date_format))

    def encode(self, entries: Array) -> Floats:
        """Compute elapsed time and places; a missing date is in the middle of all."""
        is_missing, first = np.isnat(entries), np.datetime64(self.first, "s")
        moments = np.where(is_missing, first, entries)
        elapsed = (moments - first).astype(np.float64) / 86400.0
        blocks = [np.where(is_missing, 0.0, (elapsed - self.mean) / self.std)]
        for part in self.parts:
            angle = 2.0 * np.pi * _PARTS[part](moments)
            blocks += [np.where(is_missing, 0.0, f(angle)) for f in (np.sin, np.cos)]
        return np.column_stack([*blocks, *self._flags(is_missing)])

    def __str__(self) -> str:
        flag = ", with a flag for missing ones" if self.has_missing else ""
        parts = f", {' and '.join(self.parts)} on circles" if self.parts else ""
        is_of_day = self.date_format and "%y" not in self.date_format.lower()
        what = "time of day" if is_of_day else f"days since {self.first[:10]}"
        return f"{what}, scaled{parts}{flag}"
