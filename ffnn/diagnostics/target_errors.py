"""Targets that the loss does not take at all: what is wrong with them, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.data.sources import as_numbers
from ffnn.diagnostics.report import PROBLEM, Finding
from ffnn.errors import DataError

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.losses import Loss


def rejected_targets(loss: Loss, y: Any, units: int, error: DataError) -> Finding:
    """Return the finding that `fit` would raise an error for these targets.

    Parameters
    ----------
    loss : Loss
        What takes no such targets.
    y : array-like
        The targets, one for each row.
    units : int
        The number of the network's outputs.
    error : DataError
        What the loss said.
    """
    try:
        values = as_numbers(y, "y")
    except DataError:
        return _finding(error, "", {}, _NUMBER_THEM)
    evidence: dict[str, Any] = {"shape": values.shape, "outputs": units}
    if not np.isfinite(values).all():
        evidence["non_finite"] = int(np.count_nonzero(~np.isfinite(values)))
        seen = f"{evidence['non_finite']:,} of {values.size:,} targets are NaN or infinite"
        return _finding(error, seen, evidence, _LEAVE_OUT)
    evidence |= {"min": float(values.min()), "max": float(values.max())}
    evidence["distinct"] = len(np.unique(values))
    seen = (
        f"y of shape {values.shape} runs from {evidence['min']:g} to {evidence['max']:g} in "
        f"{evidence['distinct']:,} distinct values; the network has {units} output"
        f"{'s' if units > 1 else ''}"
    )
    return _finding(error, seen, evidence, _remedy(loss, values, units, evidence))


def _finding(error: DataError, seen: str, evidence: dict[str, Any], remedy: str) -> Finding:
    said = str(error).rstrip(".")
    return Finding(
        kind="targets-rejected",
        severity=PROBLEM,
        layer=None,
        message=f"The loss does not take these targets, so fit raises an error: {said}."
        + (f" Measured: {seen}." if seen else ""),
        evidence=evidence,
        remedy=remedy,
    )


_NUMBER_THEM = "For classes, number them from 0: names, y = np.unique(y, return_inverse=True)."
_LEAVE_OUT = (
    "Leave such rows out: keep = np.isfinite(y), for several columns .all(axis=1) of it, "
    "then x[keep] and y[keep]."
)


def _remedy(loss: Loss, y: Array, units: int, evidence: dict[str, Any]) -> str:
    """Return the way out for finite numbers."""
    columns = 1 if y.ndim == 1 else y.shape[1]
    whole = bool((y == np.round(y)).all())
    if columns == 1 and (units == 1 or loss.task != "probabilities"):
        return _remedy_for_one_column(loss.task, whole, units, evidence)
    if columns != units:
        return f"Give the last layer {columns} units, or bring y into shape (rows, {units})."
    if loss.task == "classes":
        return (
            "For one class a row, pass class numbers; for several at once, end in "
            f"Dense({units}, 'sigmoid') and compile with loss='binary_crossentropy'."
        )
    return (
        "For probabilities, scale y into [0, 1]; for other numbers, end in a Dense without "
        "activation and compile with loss='mean_squared_error'."
    )


def _remedy_for_one_column(task: str, whole: bool, units: int, evidence: dict[str, Any]) -> str:
    if not whole:
        return (
            "If y is a number to predict and no class, end in Dense(1) without activation and "
            "compile with loss='mean_squared_error'."
        )
    distinct = evidence["distinct"]
    if task == "numbers":
        return (
            f"For class numbers, end in Dense({units}, 'softmax') and compile with "
            f"loss='categorical_crossentropy'; for one number a row, end in Dense(1)."
        )
    if task == "classes":
        return (
            f"Number the {distinct} classes from 0, as np.unique(y, return_inverse=True) does, or "
            f"give the last layer more units, Dense({int(evidence['max']) + 1}, 'softmax')."
        )
    if distinct <= 2:
        return "Code the two classes as 0 and 1: y = (y == y.max()).astype(int)."
    return (
        f"For {distinct} classes, end in Dense({distinct}, 'softmax') and compile with "
        f"loss='categorical_crossentropy'."
    )
