"""Targets that are numbers: outside what the network can give, of another size, or no numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.activations import Sigmoid, Softmax
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING, Finding
from ffnn.losses import LOSSES

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.diagnostics.probe import Measurements
    from ffnn.diagnostics.sample import Sample

ROWS_PER_CLASS = 10  # at least, before few whole numbers are taken for classes
MOST_CLASSES = 100
LARGE, SMALL = 10.0, 1e-3  # root mean square of a column of targets
UNLEARNED = 0.5  # of the loss of the best constant answer, from which on scales still matter


def check_numbers(
    sample: Sample, measured: Measurements, target: Array, chance: float
) -> list[Finding]:
    """Return what does not fit about targets of a loss that measures distances.

    Parameters
    ----------
    sample : Sample
        The model and its rows.
    measured : Measurements
        Of one pass.
    target : ndarray of shape (rows, units)
        All targets that were given.
    chance : float
        The loss of the best constant answer.
    """
    if (target == target[:1]).all():
        return [_constant_targets(target)]
    return [
        *_outside(sample, target),
        *_classes_as_numbers(sample, target),
        *_scale(measured, target, chance),
    ]


def _constant_targets(target: Array) -> Finding:
    value = float(target[0, 0])
    return Finding(
        kind="constant-targets",
        severity=PROBLEM,
        layer=None,
        message=f"All {len(target):,} rows have the same target, {value:g} in the first column: "
        f"there is nothing to learn.",
        evidence={"value": value, "rows": len(target)},
        remedy="Look at y: is it the right column?",
    )


def _outside(sample: Sample, target: Array) -> list[Finding]:
    activation = sample.model.last_activation
    if activation is None:
        return []
    low, high = activation.output_range
    outside = int(np.count_nonzero((target < low) | (target > high)))
    if not outside:
        return []
    name, share = type(activation).__name__, outside / target.size
    least, greatest = float(target.min()), float(target.max())
    return [
        Finding(
            kind="targets-out-of-range",
            severity=PROBLEM if share > 0.01 else WARNING,
            layer=sample.model.layers[-1].name,
            message=f"{outside:,} of {target.size:,} targets ({share:.1%}) lie outside [{low:.3g}, "
            f"{high:.3g}], which is all that {name} can give; targets run from {least:.4g} to "
            f"{greatest:.4g}.",
            evidence={
                "outside": outside,
                "targets": target.size,
                "range": (low, high),
                "min": least,
                "max": greatest,
            },
            remedy=f"End without activation instead of {name}"
            + ("." if math.isinf(high) else ", or scale y into that range."),
        )
    ]


def _classes_as_numbers(sample: Sample, target: Array) -> list[Finding]:
    """Return whether targets look like classes, though the loss measures distances."""
    num_classes = _count_classes(target)
    if num_classes == 0:
        return []
    model = sample.model
    assert model.loss is not None
    evidence: dict[str, Any] = {"classes": num_classes, "loss": LOSSES.name_of(model.loss)}
    if target.shape[1] == 1 and num_classes > 2:
        whole = target.dtype.kind in "iub"
        return [
            Finding(
                kind="class-numbers",
                severity=WARNING if whole else NOTE,
                layer=None,
                message=f"The targets are the {num_classes} whole numbers from {target.min():g} "
                f"to {target.max():g}, as class numbers are, but {evidence['loss']} measures "
                f"distances: class 2 would lie between 1 and 3.",
                evidence=evidence,
                remedy=f"For classes, number them from 0, end in Dense({num_classes}, 'softmax') "
                f"and compile with loss='categorical_crossentropy'. For counts or grades this is "
                f"right as it is.",
            )
        ]
    return [_classes_by_distance(sample, target, evidence)]


def _classes_by_distance(sample: Sample, target: Array, evidence: dict[str, Any]) -> Finding:
    """Return the finding for two classes in one column, or one-hot rows."""
    activation = sample.model.last_activation
    ending = "no activation" if activation is None else type(activation).__name__
    seen = (
        f"The targets are {evidence['classes']} classes, but the network ends in {ending} with "
        f"{evidence['loss']}"
    )
    needed, loss = ("softmax", "categorical") if target.shape[1] > 1 else ("sigmoid", "binary")
    advice = f"ompile with loss='{loss}_crossentropy', which is made for classes."
    is_bounded = isinstance(activation, (Sigmoid, Softmax))
    if is_bounded:
        seen += ", whose gradient is nearly 0 where an answer is wrong and sure."
    else:
        seen += ", which counts right answers beyond 0 and 1 as wrong."
    return Finding(
        kind="class-loss" if is_bounded else "linear-ending",
        severity=NOTE if is_bounded else WARNING,
        layer=sample.model.layers[-1].name,
        message=seen,
        evidence={**evidence, "ending": ending},
        remedy=f"C{advice}" if is_bounded else f"End in activation='{needed}' and c{advice}",
    )


def _count_classes(target: Array) -> int:
    """Return how many classes targets seem to be: few whole numbers, or one-hot rows; else 0."""
    if target.shape[1] > 1:
        few = target[:1000]
        for rows in (few, target):  # most others are told from the first rows
            if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
                return 0
        return int(target.shape[1])
    values = np.unique(target)
    count = len(values)
    consecutive = np.array_equal(values, np.arange(count) + values[0]) and values[0] in (0, 1)
    if not consecutive or count > MOST_CLASSES or len(target) < ROWS_PER_CLASS * count:
        return 0
    return count


def _scale(measured: Measurements, target: Array, chance: float) -> list[Finding]:
    if measured.loss is not None and measured.loss < UNLEARNED * chance:
        return []  # it has learned them, whatever their scale
    values = target.astype(np.float64, copy=False)
    rms = np.sqrt(np.einsum("ij,ij->j", values, values) / len(values))
    greatest = float(rms.max())
    if SMALL <= greatest <= LARGE:
        return []
    std = float(values.std(axis=0)[rms.argmax()])
    limit = f"above {LARGE:g}" if greatest > LARGE else f"below {SMALL:g}"
    return [
        Finding(
            kind="unscaled-targets",
            severity=WARNING,
            layer=None,
            message=f"The targets are far from the size of first outputs, about 1: the root mean "
            f"square is {greatest:.3g} in column {rms.argmax()}, {limit}, the standard deviation "
            f"{std:.3g}.",
            evidence={"rms": greatest, "std": std, "column": int(rms.argmax())},
            remedy="Train on (y - y.mean(axis=0)) / y.std(axis=0), and take predictions times "
            "that spread plus that mean.",
        )
    ]
