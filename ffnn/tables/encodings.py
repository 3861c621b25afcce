"""What becomes of a column of each kind: its encoding, learned from the rows to train on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.core.text import counted, listed, shown
from ffnn.tables.column import Column
from ffnn.tables.entries import WORDS
from ffnn.tables.kinds import find_kind
from ffnn.tables.raw import RawColumn

Floats = NDArray[np.float64]
MISSING = "(missing)"
OTHER = "(other)"
_MOST_CATEGORIES = 64
_FORMS: dict[str, Any] = {
    **{each.__name__: each for each in (bool, int, float, str)},
    "list[str]": [str],
    "dict[str, float]": dict,
}
_HUGE = 1e100  # the squares of larger numbers may be infinite
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

    def read(self, raw: RawColumn) -> Array:
        """Return what `encode` takes of each row, of shape (rows,), or raise ValueError."""
        column = _read(raw, self.kind)
        assert column.values is not None
        return column.values

    def encode(self, entries: Array) -> Floats:
        """Return the numbers of some rows, of shape (rows, features), out of what `read` found."""
        raise NotImplementedError

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


@dataclass(frozen=True)
class NumberEncoding(Encoding):
    """(x - mean) / std; a missing x is the median."""

    kind = "number"
    median: float
    mean: float
    std: float

    @classmethod
    def of(cls, column: Column, one_hot_max_size: int | None = None) -> NumberEncoding:
        """Measure the numbers that are there."""
        assert column.values is not None
        known = column.values[~column.is_missing]
        mean, std = _scale(known)
        median = float(np.median(known)) if len(known) else 0.0
        return cls(column.name, bool(column.is_missing.any()), median, mean, std)

    @property
    def feature_names(self) -> list[str]:
        """The column itself, and whether it is missing."""
        return [self.name, *self._flag_names]

    @property
    def num_measured(self) -> int:
        """The column itself."""
        return 1

    def encode(self, entries: Array) -> Floats:
        """Scale the numbers."""
        is_missing = np.isnan(entries)
        values = np.where(is_missing, self.median, entries)
        return np.column_stack([(values - self.mean) / self.std, *self._flags(is_missing)])

    def __str__(self) -> str:
        flag = f", missing ones as {self.median:g} with a flag" if self.has_missing else ""
        return f"scaled: mean {self.mean:.4g}, std {self.std:.4g}{flag}"


@dataclass(frozen=True)
class BooleanEncoding(Encoding):
    """0 or 1, scaled as numbers are; a missing one is the mean."""

    kind = "boolean"
    meanings: dict[str, float]  # of the entries as they are written
    mean: float
    std: float

    @classmethod
    def of(cls, column: Column, one_hot_max_size: int | None = None) -> BooleanEncoding:
        """Note which words there are, and how frequent."""
        assert column.values is not None
        mean, std = _scale(column.values[~column.is_missing])
        texts = column.raw.as_texts().texts
        meanings = {text: WORDS[text.casefold()] for text in texts}
        return cls(column.name, bool(column.is_missing.any()), meanings, mean, std)

    def __post_init__(self) -> None:
        """Raise ValueError for other meanings than 0 and 1."""
        super().__post_init__()
        if not set(self.meanings.values()) <= {0.0, 1.0}:
            raise ValueError(
                f"encoder: the meanings of column {shown(self.name, 60)} are impossible"
            )

    @property
    def feature_names(self) -> list[str]:
        """The column itself, and whether it is missing."""
        return [self.name, *self._flag_names]

    def read(self, raw: RawColumn) -> Array:
        """Look each entry up, whatever its case; 0 and 1 and the words of other pairs will do."""
        texts = raw.as_texts()
        known = {**WORDS, **{text.casefold(): value for text, value in self.meanings.items()}}
        unknown = [text for text in texts.texts if text.casefold() not in known]
        if unknown:
            words = listed(shown(word, 60) for word in self.meanings)
            raise ValueError(
                f"column {shown(self.name, 60)} has {words}, got {shown(unknown[0], 60)} in "
                f"{raw.place_of(unknown[0])}"
            )
        assert texts.codes is not None
        return np.array([*(known[text.casefold()] for text in texts.texts), np.nan])[texts.codes]

    def encode(self, entries: Array) -> Floats:
        """Scale the values."""
        is_missing = np.isnan(entries)
        values = np.where(is_missing, self.mean, entries)
        return np.column_stack([(values - self.mean) / self.std, *self._flags(is_missing)])

    def __str__(self) -> str:
        flag = ", with a flag for missing ones" if self.has_missing else ""
        return f"0 or 1, scaled{flag}"


@dataclass(frozen=True)
class CategoryEncoding(Encoding):
    """One-hot: a column of zeros and ones for each category of enough rows; or a code for each."""

    kind = "category"
    categories: list[str]
    num_rare: int  # categories of very few rows, which share a column, or the code 0
    is_code: bool = False

    @classmethod
    def of(cls, column: Column, one_hot_max_size: int | None = None) -> CategoryEncoding:
        """Choose the most frequent ones, of two rows or more; codes for more than so many."""
        raw = column.raw.as_texts()
        assert raw.codes is not None
        counts = np.bincount(raw.codes[~raw.is_missing], minlength=len(raw.texts))
        least = max(2, math.ceil(len(raw) / 1000))
        order = sorted(range(len(counts)), key=lambda i: (-counts[i], raw.texts[i]))
        kept = [i for i in order if counts[i] >= least]
        has_missing = raw.num_missing > 0
        width = len(kept) + (len(kept) < len(counts)) + has_missing
        is_code = one_hot_max_size is not None and width > one_hot_max_size
        names = sorted(raw.texts[i] for i in (kept if is_code else kept[:_MOST_CATEGORIES]))
        return cls(column.name, has_missing, names, len(raw.texts) - len(names), is_code)

    def __post_init__(self) -> None:
        """Raise ValueError where no name is left for a category."""
        if len(set(self.categories)) < len(self.categories) or self.num_rare < 0:
            raise ValueError(
                f"encoder: the categories of column {shown(self.name, 60)} are impossible"
            )

    @property
    def feature_names(self) -> list[str]:
        """A name for each category, for the rare ones and for missing ones; or one for the code."""
        if self.is_code:
            return [f"{self.name} (code)"]
        others = [OTHER] * bool(self.num_rare) + [MISSING] * self.has_missing
        return [f"{self.name}={category}" for category in (*self.categories, *others)]

    @property
    def num_codes(self) -> int:
        """A code for each category, one for missing ones, and 0 for all others."""
        return len(self.categories) + 1 + self.has_missing if self.is_code else 0

    def read(self, raw: RawColumn) -> Array:
        """Return the place of each row's category, -1 where there is none."""
        texts = raw.as_texts()
        places = {category: i for i, category in enumerate(self.categories)}
        width, has_other = len(places), self.num_rare > 0 and not self.is_code
        other = width if has_other else -1
        missing = width + has_other if self.has_missing else -1
        found = np.array([*(places.get(text, other) for text in texts.texts), missing], np.int32)
        assert texts.codes is not None
        return found[texts.codes]

    def encode(self, entries: Array) -> Floats:
        """Set a 1 for each row, or its code."""
        if self.is_code:
            return (entries + 1)[:, None].astype(np.float64)
        is_one: Array = entries[:, None] == np.arange(len(self.feature_names))
        return is_one.astype(np.float64)

    def __str__(self) -> str:
        rare = f", {counted(self.num_rare, 'rare one')} together" if self.num_rare else ""
        missing = ", one for missing ones" if self.has_missing else ""
        form, each = ("codes", "category") if self.is_code else ("one-hot", "column")
        return f"{form}: {counted(len(self.categories), each)}{rare}{missing}"


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

    @classmethod
    def of(cls, column: Column, one_hot_max_size: int | None = None) -> DateEncoding:
        """Measure the span of the dates, and note which parts of them differ."""
        assert column.values is not None
        known = column.values[~column.is_missing]
        first = known.min() if len(known) else np.datetime64(0, "s")
        parts = [name for name, place in _PARTS.items() if len(np.unique(place(known))) > 1]
        mean, std = _scale((known - first).astype(np.float64) / 86400.0)
        has_missing = bool(column.is_missing.any())
        return cls(column.name, has_missing, str(first), mean, std, parts)

    def __post_init__(self) -> None:
        """Raise ValueError where that is no date, or a part of none."""
        super().__post_init__()
        np.datetime64(self.first, "s")
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
        return f"days since {self.first[:10]}, scaled{parts}{flag}"


ENCODINGS: dict[str, type[Encoding]] = {
    each.kind: each for each in (NumberEncoding, BooleanEncoding, CategoryEncoding, DateEncoding)
}


def _scale(values: Floats) -> tuple[float, float]:
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
