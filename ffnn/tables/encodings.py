"""What becomes of a column of each kind: its encoding, learned from the rows to train on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.text import counted, listed, shown
from ffnn.tables.clipping import LIMIT, SmoothClipping
from ffnn.tables.column import Column
from ffnn.tables.date_encoding import DateEncoding
from ffnn.tables.dates import parse_dates
from ffnn.tables.encoding import Encoding, Floats, ForOne, scale
from ffnn.tables.entries import WORDS, parse_numbers
from ffnn.tables.raw import EXACT, RawColumn, named_by_numbers

MISSING = "(missing)"
OTHER = "(other)"
_MOST_CATEGORIES = 64
_NUMBERS = frozenset({int, float, np.float64})


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
        mean, std = scale(known)
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

    @property
    def typical(self) -> tuple[float, str]:
        """The median."""
        return self.median, f"{self.median:g}"

    def encode(self, entries: Array) -> Floats:
        """Scale the numbers."""
        is_missing = np.isnan(entries)
        values = np.where(is_missing, self.median, entries)
        return np.column_stack([(values - self.mean) / self.std, *self._flags(is_missing)])

    def for_one(self, clipping: SmoothClipping | None) -> ForOne:
        """Return what scales a number; texts, and what float64 may not hold, are unusual."""
        mean, std = self.mean, self.std
        known, missing = list[list[float]](self.finish(np.array([mean, np.nan]), clipping).tolist())
        flags, clip = known[1:], float if clipping is None else clipping.for_one(0)

        def numbers_of(entry: Any) -> Sequence[float]:
            if entry is None:
                return missing
            if type(entry) not in _NUMBERS:
                raise TypeError
            if math.isnan(entry):
                return missing
            if not -EXACT < entry < EXACT:
                raise ValueError
            return [clip((entry - mean) / std), *flags]

        return numbers_of

    def __str__(self) -> str:
        return f"scaled: mean {self.mean:.4g}, std {self.std:.4g}{self._missing_text}"

    def becomes(self, clipping: SmoothClipping | None) -> str:
        """Tell the median and the width instead, in the unit of the column."""
        if clipping is None:
            return str(self)
        center, factor = clipping.centers[0], clipping.factors[0]
        median = self.mean + self.std * center
        if not factor:
            return f"0 in every row, as all are {median:.4g}{self._missing_text}"
        width = self.std / factor
        return (
            f"scaled: median {median:.4g}, width {width:.4g}, softly clipped to "
            f"±{LIMIT:g}{self._missing_text}"
        )

    @property
    def _missing_text(self) -> str:
        return f", missing ones as {self.median:g} with a flag" if self.has_missing else ""


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
        mean, std = scale(column.values[~column.is_missing])
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

    @property
    def typical(self) -> tuple[float, str]:
        """The more frequent entry."""
        value = float(self.mean >= 0.5)
        words = (text for text, meaning in self.meanings.items() if meaning == value)
        return value, next(words, f"{value:g}")

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
    most_frequent: str = ""  # in files of earlier versions

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
        most_frequent = raw.texts[kept[0]] if kept else ""
        if raw.num_missing > (counts[kept[0]] if kept else len(raw) // 2):
            most_frequent = MISSING
        num_rare = len(raw.texts) - len(names)
        return cls(column.name, has_missing, names, num_rare, is_code, most_frequent)

    def __post_init__(self) -> None:
        """Raise ValueError where no name is left for a category, or the most frequent is none."""
        known = ["", *self.categories, *([MISSING] * self.has_missing)]
        if (
            len(set(self.categories)) < len(self.categories)
            or self.num_rare < 0
            or self.most_frequent not in known
        ):
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

    @property
    def typical(self) -> tuple[int, str]:
        """The most frequent category, or that it is missing; where unknown, the first one."""
        name = self.most_frequent or (self.categories or [OTHER])[0]
        if name in self.categories:
            return self.categories.index(name), name
        return (self._missing_place if name == MISSING else self._other_place), name

    def read(self, raw: RawColumn) -> Array:
        """Return the place of each row's category, -1 where there is none."""
        texts = raw.as_texts()
        places = {category: i for i, category in enumerate(self.categories)}
        if raw.numbers is not None:
            places |= {n: places[code] for n, code in named_by_numbers(places).items()}
        if not self.num_rare and not any(text in places for text in texts.texts):
            self._refuse_other_kinds(texts.texts)
        other = self._other_place
        found = [*(places.get(text, other) for text in texts.texts), self._missing_place]
        assert texts.codes is not None
        return np.array(found, np.int32)[texts.codes]

    @property
    def _other_place(self) -> int:
        """The place of the categories of few rows, -1 where there is none."""
        return len(self.categories) if self.num_rare and not self.is_code else -1

    @property
    def _missing_place(self) -> int:
        """The place of missing entries, -1 where there is none."""
        place = max(self._other_place + 1, len(self.categories))
        return place if self.has_missing else -1

    def _refuse_other_kinds(self, texts: Sequence[str]) -> None:
        """Raise ValueError for plain numbers or dates where all categories are words."""
        if not texts or _have_digits(self.categories) or not _have_digits(texts):
            return
        numbers = parse_numbers(texts)
        are_numbers = numbers is not None and not numbers.unit
        if are_numbers or parse_dates(texts) is not None:
            raise ValueError(
                f"column {shown(self.name, 60)} has categories such as "
                f"{shown(self.categories[0], 60)}, but its values are "
                f"{'numbers' if are_numbers else 'dates'}: {listed(map(repr, texts), 3)}"
            )

    def encode(self, entries: Array) -> Floats:
        """Set a 1 for each row, or its code."""
        if self.is_code:
            return (entries + 1)[:, None].astype(np.float64)
        is_one: Array = entries[:, None] == np.arange(len(self.feature_names))
        return is_one.astype(np.float64)

    def __str__(self) -> str:
        missing = ", one for missing ones" if self.has_missing else ""
        if not self.categories:
            return f"one column for all: {counted(self.num_rare, 'rare category')}{missing}"
        rare = f", {counted(self.num_rare, 'rare one')} together" if self.num_rare else ""
        form, each = ("codes to embed", "category") if self.is_code else ("one-hot", "column")
        return f"{form}: {counted(len(self.categories), each)}{rare}{missing}"


def _have_digits(texts: Iterable[str]) -> bool:
    return any(map(str.isdigit, itertools.chain.from_iterable(texts)))


ENCODINGS: dict[str, type[Encoding]] = {
    each.kind: each for each in (NumberEncoding, BooleanEncoding, CategoryEncoding, DateEncoding)
}
