"""Targets that the loss does not accept at all: what about them is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn.data.sources import as_numbers
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.report import Finding
from ffnn.errors import DataError


def rejected_targets(task: str, y: Any, outputs: int, error: DataError) -> Finding:
    """Return the finding that `fit` would raise `error` for these targets of a loss's `task`."""
    evidence: dict[str, Any] = {"error": str(error).rstrip(".")}
    try:
        values = as_numbers(y, "y")
    except DataError:
        return finding("targets-rejected", {**evidence, "not_numbers": True})
    evidence |= {"shape": values.shape, "outputs": outputs, "targets": values.size}
    non_finite = int(np.count_nonzero(~np.isfinite(values)))
    if non_finite:
        return finding("targets-rejected", {**evidence, "non_finite": non_finite})
    evidence |= {
        "min": float(values.min()),
        "max": float(values.max()),
        "distinct": len(np.unique(values)),
        "columns": 1 if values.ndim == 1 else values.shape[1],
        "needed_units": int(values.max()) + 1,
    }
    is_fractional = bool((values != np.round(values)).any())
    evidence[_cause(task, evidence, is_fractional)] = True
    return finding("targets-rejected", evidence)


def _cause(task: str, evidence: dict[str, Any], is_fractional: bool) -> str:
    """Return the case of the catalogue that targets of finite numbers are."""
    columns, outputs = evidence["columns"], evidence["outputs"]
    if columns == 1 and (outputs == 1 or task != "probabilities"):
        if is_fractional:
            return "fractional"
        if task == "numbers":
            return "one_column"
        if task == "classes":
            return "misnumbered"
        return "two_values" if evidence["distinct"] <= 2 else "many_values"
    if columns != outputs:
        return "other_columns"
    return "several_classes" if task == "classes" else "out_of_range"
