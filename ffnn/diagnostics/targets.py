"""Targets that do not fit the loss or the last layer, and answers no better than guessing."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ffnn._types import Array
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.probe import Probe
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample
from ffnn.losses import LOSSES

ROWS_PER_CLASS = 10  # at least, before a few integers are taken for classes
MOST_CLASSES = 100
LARGE, SMALL = 10.0, 1e-3  # root mean square of a column of targets
UNLEARNED = 0.5  # of the loss of the best constant answer, above which scales still matter
UNBALANCED = 10.0  # rows of the largest class for one of the smallest
EPOCHS = 5  # at the end of a training, whose median loss says where it came to
ABOVE_CHANCE = 2.0  # times the loss of the best constant answer
MANY_VALUES = 100  # distinct targets between 0 and 1; more are numbers rather than labels


def check_targets(sample: Sample, measured: Probe, chance: float) -> Iterator[Finding]:
    """Yield what about the targets does not fit the loss, the last layer, or each other.

    `chance` is the loss of the best constant answer.
    """
    assert sample.y is not None
    assert sample.model.loss is not None
    target: Array = sample.y.data
    if sample.model.loss.task == "numbers":
        yield from _check_numbers(sample, measured, target, chance)
        return
    classes = _class_numbers(sample.model.loss.task, target)
    if classes is None:
        yield from _check_continuous(target)
        return
    counts = np.bincount(classes, minlength=max(sample.model.output_dim or 0, 2))
    present = np.flatnonzero(counts)
    if len(present) == 1:
        numbers = {"class": int(present[0]), "rows": len(classes), "classes": len(counts)}
        yield finding("one-class", **numbers)
        return
    missing = np.flatnonzero(counts == 0).tolist()
    if missing:
        yield finding("missing-classes", missing=missing, classes=len(counts), present=len(present))
    if sample.weight is None:
        yield from _check_balance(counts, present)
    if measured.predicted is not None:
        yield from _check_answers(sample, measured, len(present), chance)


def _class_numbers(task: str, target: Array) -> Array | None:
    """Return the class of each row; None if rows have several, or shares of them."""
    if target.ndim == 1:
        return target
    if target.shape[1] == 1:
        is_class = (target == 0) | (target == 1)
        return (target[:, 0] > 0.5).astype(np.intp) if is_class.all() else None
    if task == "classes" and (target.max(axis=1) > 0.5).all():
        return np.asarray(target.argmax(axis=1))
    return None


def _check_continuous(target: Array) -> Iterator[Finding]:
    between = int(np.count_nonzero((target > 0) & (target < 1)))
    if target.shape[1] == 1 and 2 * between > len(target):
        distinct = len(np.unique(target))
        if distinct > MANY_VALUES:
            rows = len(target)
            yield finding("continuous-labels", between=between, rows=rows, distinct=distinct)


def _check_balance(counts: Array, present: Array) -> Iterator[Finding]:
    """Yield whether classes are unbalanced, with the weights that balance them.

    They are those of scikit-learn's class_weight="balanced", after King, Zeng, "Logistic regression
    in rare events data", Political Analysis 2001.
    """
    largest, smallest = int(counts.argmax()), int(present[counts[present].argmin()])
    most, fewest, rows = int(counts[largest]), int(counts[smallest]), int(counts.sum())
    if most > UNBALANCED * fewest:
        weights = {c: rows / (len(present) * int(counts[c])) for c in present.tolist()}
        extremes = {"largest": largest, "most": most, "smallest": smallest, "fewest": fewest}
        yield finding(
            "unbalanced-classes",
            counts=counts.tolist(),
            class_weight={c: float(f"{weight:.3g}") for c, weight in weights.items()},
            share_of_largest=most / rows,
            ratio=most / fewest,
            limit=UNBALANCED,
            **extremes,
        )


def _check_answers(
    sample: Sample, measured: Probe, num_present: int, chance: float
) -> Iterator[Finding]:
    """Yield whether predicted classes are all the same, or worse than guessing."""
    assert measured.predicted is not None
    rows = measured.num_rows
    accuracy, predicted = measured.right / rows, np.flatnonzero(measured.predicted)
    if sample.is_trained and len(predicted) == 1:
        numbers = {"class": int(predicted[0]), "accuracy": accuracy, "rows": rows}
        yield finding("one-answer", **numbers, classes=num_present)
    if measured.loss is not None and 0.0 < chance * ABOVE_CHANCE < measured.loss:
        shares = {"accuracy": accuracy, "share_certain": measured.confident / rows}
        rates = sample.rates if _ended_above(sample, chance * ABOVE_CHANCE) else {}
        losses = {"loss": measured.loss, "chance_loss": chance}
        yield finding("loss-above-chance", **losses, **shares, **rates)


def _ended_above(sample: Sample, loss: float) -> bool:
    """Tell whether a training of several epochs ended with a loss above this one."""
    history = sample.model.history
    losses = [] if history is None else history.history.get("loss", [])
    return len(losses) >= EPOCHS and float(np.median(losses[-EPOCHS:])) > loss


def _check_numbers(
    sample: Sample, measured: Probe, target: Array, chance: float
) -> Iterator[Finding]:
    """Yield what does not fit about targets of a loss that measures distances."""
    if (target == target[:1]).all():
        yield finding("constant-targets", value=float(target[0, 0]), rows=len(target))
        return
    yield from _check_range(sample, target)
    yield from _check_classes_as_numbers(sample, target)
    if measured.loss is None or measured.loss >= UNLEARNED * chance:  # else it has learned them
        yield from _check_scale(target)


def _check_range(sample: Sample, target: Array) -> Iterator[Finding]:
    activation = sample.model.last_activation
    if activation is None:
        return
    low, high = activation.output_range
    outside = int(np.count_nonzero((target < low) | (target > high)))
    if outside:
        yield finding(
            "targets-out-of-range",
            sample.model.layers[-1].name,
            outside=outside,
            targets=target.size,
            share=outside / target.size,
            range=(low, high),
            is_bounded=math.isfinite(high),
            ending=type(activation).__name__,
            min=float(target.min()),
            max=float(target.max()),
        )


def _check_classes_as_numbers(sample: Sample, target: Array) -> Iterator[Finding]:
    """Yield whether targets look like classes, though the loss measures distances."""
    num_classes, columns = _count_classes(target), target.shape[1]
    if num_classes == 0:
        return
    assert sample.model.loss is not None
    evidence = {"classes": num_classes, "loss": LOSSES.name_of(sample.model.loss)}
    if columns == 1 and num_classes > 2:
        evidence |= {"min": float(target.min()), "max": float(target.max())}
        yield finding("class-numbers", **evidence, are_integers=target.dtype.kind in "iub")
        return
    ending = sample.model.last_activation
    name = "no activation" if ending is None else type(ending).__name__
    gives_probabilities = ending is not None and ending.output_range == (0.0, 1.0)
    kind = "class-loss" if gives_probabilities else "linear-ending"
    layer = sample.model.layers[-1].name
    yield finding(kind, layer, **evidence, ending=name, is_onehot=columns > 1)


def _count_classes(target: Array) -> int:
    """Return how many classes targets seem to be: few integers, or one-hot rows; else 0."""
    if target.shape[1] > 1:
        few = target[:1000]
        for rows in (few, target):  # the first rows suffice to tell most others
            if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
                return 0
        return int(target.shape[1])
    values = np.unique(target)
    count = len(values)
    consecutive = np.array_equal(values, np.arange(count) + values[0]) and values[0] in (0, 1)
    if not consecutive or count > MOST_CLASSES or len(target) < ROWS_PER_CLASS * count:
        return 0
    return count


def _check_scale(target: Array) -> Iterator[Finding]:
    values = target.astype(np.float64, copy=False)
    rms = np.sqrt(np.einsum("ij,ij->j", values, values) / len(values))
    column = int(rms.argmax())
    if not SMALL <= rms[column] <= LARGE:
        std = float(values[:, column].std())
        numbers = {"rms": float(rms[column]), "std": std, "column": column}
        yield finding("unscaled-targets", **numbers, limits=(SMALL, LARGE))
