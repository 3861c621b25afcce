"""Classes: too few of them, too few rows of some, and answers that are worse than guessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.text import listed
from ffnn.diagnostics.report import NOTE, PROBLEM, WARNING, Finding
from ffnn.diagnostics.values import check_numbers

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.diagnostics.probe import Measurements
    from ffnn.diagnostics.sample import Sample

UNBALANCED = 10.0  # rows of the largest class for one of the smallest
ABOVE_CHANCE = 2.0  # times the loss of the best constant answer
MANY_VALUES = 100  # distinct targets between 0 and 1; more are numbers rather than labels


def check_targets(sample: Sample, measured: Measurements, chance: float) -> list[Finding]:
    """Return what about the targets does not fit the loss, the last layer, or each other.

    Parameters
    ----------
    sample : Sample
        With targets.
    measured : Measurements
        Of one pass.
    chance : float
        The loss of the best constant answer.
    """
    assert sample.y is not None
    assert sample.model.loss is not None
    target: Array = sample.y.data
    if sample.model.loss.task == "numbers":
        return check_numbers(sample, measured, target, chance)
    classes = _class_numbers(sample, target)
    if classes is None:
        return _continuous(target)
    units = sample.model.output_dim or 0
    counts = np.bincount(classes, minlength=max(units, 2))
    if np.count_nonzero(counts) == 1:
        return [_one_class(counts)]
    return [
        *_missing(counts),
        *(_unbalanced(counts) if sample.weight is None else []),
        *_one_answer(sample, measured, counts),
        *_above_chance(measured, chance),
    ]


def _class_numbers(sample: Sample, target: Array) -> Array | None:
    """Return the class of each row; None if rows have several, or shares of them."""
    if target.ndim == 1:
        return target
    if target.shape[1] == 1:
        whole = (target == 0) | (target == 1)
        return (target[:, 0] > 0.5).astype(np.intp) if whole.all() else None
    assert sample.model.loss is not None
    if sample.model.loss.task == "classes" and (target.max(axis=1) > 0.5).all():
        return np.asarray(target.argmax(axis=1))
    return None


def _one_class(counts: Array) -> Finding:
    only = int(counts.argmax())
    return Finding(
        kind="one-class",
        severity=PROBLEM,
        layer=None,
        message=f"All {int(counts.sum()):,} rows are of class {only}, of {len(counts)} that the "
        f"model tells apart: there is nothing to learn.",
        evidence={"class": only, "rows": int(counts.sum()), "classes": len(counts)},
        remedy="Take rows of all classes: were they cut out of a sorted file? Shuffle them before "
        "they are split.",
    )


def _missing(counts: Array) -> list[Finding]:
    missing = np.flatnonzero(counts == 0).tolist()
    if not missing:
        return []
    return [
        Finding(
            kind="missing-classes",
            severity=NOTE,
            layer=None,
            message=f"{len(missing)} of the {len(counts)} classes that the model tells apart have "
            f"no row: {listed(missing)}.",
            evidence={"missing": tuple(missing), "classes": len(counts)},
            remedy=f"If there are no such classes, number the others from 0 and end in "
            f"Dense({len(counts) - len(missing)}, 'softmax').",
        )
    ]


def _unbalanced(counts: Array) -> list[Finding]:
    present = np.flatnonzero(counts)
    most, least = int(counts.max()), int(counts[present].min())
    if most <= UNBALANCED * least:
        return []
    # As scikit-learn's class_weight="balanced", after King, Zeng, "Logistic regression in rare
    # events data", 2001.
    balanced = int(counts.sum()) / (len(present) * counts[present])
    weights = {int(c): float(f"{w:.3g}") for c, w in zip(present, balanced, strict=True)}
    shown = ", ".join(f"{c}: {w:g}" for c, w in list(weights.items())[:6])
    rarest = int(present[counts[present].argmin()])
    return [
        Finding(
            kind="unbalanced-classes",
            severity=NOTE,
            layer=None,
            message=f"The largest class, {int(counts.argmax())}, has {most:,} rows and the "
            f"smallest, {rarest}, has {least:,}: {most / least:.0f} to 1 (a note from "
            f"{UNBALANCED:g} to 1 on). Always naming the largest is right on "
            f"{most / counts.sum():.1%} of the rows.",
            evidence={"counts": counts.tolist(), "ratio": most / least, "class_weight": weights},
            remedy=f"To give all classes one weight, fit(class_weight={{{shown}"
            f"{', ...' if len(weights) > 6 else ''}}}); judge by metrics=['f1'].",
        )
    ]


def _one_answer(sample: Sample, measured: Measurements, counts: Array) -> list[Finding]:
    if measured.predicted is None or not sample.is_trained:
        return []
    answers = np.flatnonzero(measured.predicted)
    if len(answers) > 1:
        return []
    share = measured.right / measured.num_rows
    return [
        Finding(
            kind="one-answer",
            severity=WARNING,
            layer=None,
            message=f"The model takes all {measured.num_rows:,} rows for class {answers[0]}, which "
            f"is right on {share:.1%} of them; there are {np.count_nonzero(counts)} classes.",
            evidence={"class": int(answers[0]), "accuracy": share, "rows": measured.num_rows},
            remedy="It has learned no more than which class is the most frequent. Train for more "
            "epochs; if the loss stands still, see the other findings, and class_weight of fit "
            "for unbalanced classes.",
        )
    ]


def _above_chance(measured: Measurements, chance: float) -> list[Finding]:
    if measured.loss is None or not 0.0 < chance * ABOVE_CHANCE < measured.loss:
        return []
    certain, right = measured.confident / measured.num_rows, measured.right / measured.num_rows
    return [
        Finding(
            kind="loss-above-chance",
            severity=NOTE,
            layer=None,
            message=f"The loss is {measured.loss:.3g}; answering with the classes' shares alone "
            f"has {chance:.3g} (a note from twice that on). The model is right on {right:.1%} of "
            f"the rows, and sure of its answer, by a probability above 0.99, on {certain:.1%}.",
            evidence={
                "loss": measured.loss,
                "chance_loss": chance,
                "accuracy": right,
                "share_certain": certain,
            },
            # Karpathy et al., CS231n course notes, "Neural networks 3": the loss at the start
            # should be that of chance.
            remedy="Before training, start the last layer from smaller weights, such as "
            "weight_initializer='glorot_uniform', on scaled inputs. After training, these rows "
            "may be unlike those it was trained on.",
        )
    ]


def _continuous(target: Array) -> list[Finding]:
    if target.shape[1] != 1:
        return []
    between = int(np.count_nonzero((target > 0) & (target < 1)))
    if 2 * between <= len(target) or len(np.unique(target)) <= MANY_VALUES:
        return []
    return [
        Finding(
            kind="continuous-labels",
            severity=NOTE,
            layer=None,
            message=f"{between:,} of {len(target):,} targets lie between 0 and 1, in "
            f"{len(np.unique(target)):,} distinct values: numbers rather than two classes.",
            evidence={"between": between, "rows": len(target)},
            remedy="For probabilities this is right. For other numbers, end without activation "
            "and compile with loss='mean_squared_error'.",
        )
    ]
