"""Class labels, which may be numbers, booleans, strings or times, as texts and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.text import shown

_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_FLOATS = ["float16", "float32", "float64"]
_UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]
_TIMES = [f"datetime64[{unit}]" for unit in _UNITS]
_DURATIONS = [f"timedelta64[{unit}]" for unit in _UNITS]

# The name of each dtype that labels may have, and what makes a label of its text.
_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(_INTEGERS, int),
    np.dtype(np.longdouble).name: np.longdouble,  # where that is no float64
    **dict.fromkeys(_FLOATS, float),
    "bool": {"True": True, "False": False}.__getitem__,
    "str": str,
    **dict.fromkeys(_TIMES, np.datetime64),
    **dict.fromkeys(_DURATIONS, int),  # in their unit
}


def check_labels(labels: Any) -> Array:
    """Return class labels as an array of one dimension whose dtype can be written down.

    Objects have to be of one of the dtypes below; else TypeError is raised.
    """
    array = np.array(labels)
    if array.dtype == object and all(isinstance(label, str) for label in array.flat):
        array = array.astype(str)
    if array.ndim != 1 or _name(array) not in _READERS:
        raise TypeError(
            f"class_labels: expected a list of numbers, booleans, strings or times, got {labels!r}"
        )
    return array


def describe_labels(labels: Array | None) -> dict[str, Any] | None:
    """Return checked labels as plain data."""
    if labels is None:
        return None
    kind = labels.dtype.kind
    values = labels.astype(str) if kind == "M" else labels.astype(int) if kind == "m" else labels
    return {"dtype": _name(labels), "values": [str(label) for label in values.tolist()]}


def restore_labels(data: Mapping[str, Any] | None) -> Array | None:
    """Return the labels that `describe_labels` wrote down."""
    if data is None:
        return None
    name, read = data["dtype"], _READERS.get(data["dtype"])
    if read is None:
        raise ValueError(
            f"class_labels: unknown dtype {shown(name, 60)}; known: {', '.join(_READERS)}"
        )
    return np.array([read(text) for text in data["values"]], dtype=name)


def _name(labels: Array) -> str:
    return "str" if labels.dtype.kind == "U" else labels.dtype.name
