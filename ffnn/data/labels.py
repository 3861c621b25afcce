"""Class labels, which may be numbers, booleans or strings, as texts and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ffnn._types import Array

_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_FLOATS = ["float16", "float32", "float64"]

# The name of each dtype that labels may have, and what makes a label of its text.
_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(_FLOATS, float),
    "bool": {"True": True, "False": False}.__getitem__,
    "str": str,
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
            f"class_labels: expected a list of numbers, booleans or strings, got {labels!r}"
        )
    return array


def describe_labels(labels: Array | None) -> dict[str, Any] | None:
    """Return checked labels as plain data."""
    if labels is None:
        return None
    return {"dtype": _name(labels), "values": [str(label) for label in labels.tolist()]}


def restore_labels(data: Mapping[str, Any] | None) -> Array | None:
    """Return the labels that `describe_labels` wrote down."""
    if data is None:
        return None
    name, read = data["dtype"], _READERS.get(data["dtype"])
    if read is None:
        raise ValueError(f"class_labels: unknown dtype {name!r}; known: {', '.join(_READERS)}")
    return np.array([read(text) for text in data["values"]], dtype=name)


def _name(labels: Array) -> str:
    return "str" if labels.dtype.kind == "U" else labels.dtype.name
