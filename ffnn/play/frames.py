"""A frame: what a page draws, as one text and two arrays, which travel as bytes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array


@dataclass
class Frame:
    """Facts, which become JSON, and arrays by name.

    Numbers that are shown are kept in float32 or float64 as they are; maps in bytes, for a
    colour needs no more.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    _places: dict[str, list[Any]] = field(default_factory=dict)  # name → start, shape
    _numbers: list[NDArray[np.float64]] = field(default_factory=list)
    _bytes: list[NDArray[np.uint8]] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, name: str, array: Array) -> None:
        """Add numbers to show."""
        self._add(name, self._numbers, 0, array.astype(np.float64))

    def add_map(self, name: str, array: Array, scale: float) -> None:
        """Add numbers from -scale to scale as colours, of which the middle one stands for 0."""
        with np.errstate(invalid="ignore"):
            coloured = np.nan_to_num(array / scale, nan=0.0, posinf=1.0, neginf=-1.0)
            levels = np.rint(128.0 + 127.0 * np.clip(coloured, -1.0, 1.0))
        self._add(name, self._bytes, 1, levels.astype(np.uint8))

    def _add(self, name: str, kept: list[Any], kind: int, array: Array) -> None:
        self._places[name] = [kind, self._sizes[kind], list(array.shape)]
        self._sizes[kind] += array.size
        kept.append(array.ravel())

    def pack(self) -> dict[str, list[Any]]:
        """Return the frame as the columns of a Bokeh source: facts, numbers, bytes."""
        facts = json.dumps(finite(self.facts | {"arrays": self._places}))
        numbers = np.concatenate([*self._numbers, np.empty(0)])
        bytes_ = np.concatenate([*self._bytes, np.empty(0, np.uint8)])
        return {"facts": [facts], "numbers": [numbers], "bytes": [bytes_]}


def finite(value: Any) -> Any:
    """Return plain data in which null stands for what JSON has no number for."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [finite(item) for item in value]
    if isinstance(value, (np.generic, float)):
        number = value.item() if isinstance(value, np.generic) else value
        return None if isinstance(number, float) and not math.isfinite(number) else number
    return value
