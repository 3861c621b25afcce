"""What the training came to: its record, epoch by epoch, and whether anything was learned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import History
from ffnn.diagnostics.catalogue import finding
from ffnn.diagnostics.chance import FAR_WORSE, can_be_better, is_better
from ffnn.diagnostics.layers import blown_up
from ffnn.diagnostics.probe import Probe
from ffnn.diagnostics.report import Finding
from ffnn.diagnostics.sample import Sample

MIN_EPOCHS = 5  # fewer show no trend
FALLING = 0.05  # of all that the loss has fallen, in the last fifth of the epochs
FLAT = 0.01  # of the first epoch's loss; one that has fallen by less is not on its way down
STEADY = 0.75  # of the last epochs, in which a loss that falls does so
ROSE = (0.25, 0.1)  # of the best level and of the first epoch's loss, by which the end is above it
SETBACK = (0.25, 0.02)  # of the epoch before and of the first one, by which an epoch is worse
OFTEN = (3, 0.1)  # setbacks, and as a share of the epochs; such a loss goes up and down
# Between training and validation, in a score or in parts of a constant answer's loss.
GAPS = (0.1, 0.25)
PAST_BEST = 1.05  # times the best validation loss


def check_history(history: History, sample: Sample, chance: float) -> Iterator[Finding]:
    """Yield what the losses and scores of the epochs show.

    Levels are medians over a fifth of the epochs, so a single noisy epoch counts for nothing.

    - Still falling: an exponential approach that has covered 95 % of its way (three time constants)
      falls in the last fifth by 4 % of what it has fallen, so more than `FALLING` means that a
      notable part is still to come. Most of the last epochs must have taken part. Sound trainings
      end with 0 to 3 %.
    - Risen, or going up and down: a change must be large beside the level and beside the first
      epoch's loss. The first leaves alone the noise of targets that cannot be learned, the second
      that of losses near 0. Sound trainings have no such setback; those of epochs that
      differ by `Dropout` or ``steps_per_epoch`` tell nothing.
    - A gap to the validation: a tenth is a note. A quarter is a warning; the accuracy of 30 rows
      varies by less than that (0.09 is one standard deviation). So is a validation loss that is
      above the training loss by all that a constant answer has.
    """
    numbers = {name: np.array(values) for name, values in history.history.items()}
    loss, held_out = numbers["loss"], numbers.get("val_loss")
    if held_out is not None and not np.isfinite(held_out).all():
        held_out = None
    changes = list(_check_changes(loss, sample))
    yield from changes
    yield from _check_falling(loss, held_out)
    if held_out is not None and not any(found.kind == "risen-loss" for found in changes):
        # Of best weights that were put back, the numbers are those of their epoch.
        place = sample.model.position
        is_restored = place is not None and bool(place["weights"])
        best = int(held_out.argmin())
        end = slice(best, best + 1) if is_restored else slice(-_fifth(loss), None)
        reference = max(float(loss[0]), float(held_out[0]), chance)
        yield from _check_gap(history, numbers, end, reference)


def check_learning(sample: Sample, measured: Probe, chance: float) -> Iterator[Finding]:
    """Yield whether a trained model knows no more of these rows than the best constant answer.

    Of classes either the loss or the accuracy suffices; `is_better` says when a loss does, and the
    accuracy has to exceed the share of the largest class by two standard deviations.
    """
    loss, model = measured.loss, sample.model
    assert model.loss is not None
    assert model.optimizer is not None
    rows, task = measured.num_rows, model.loss.task
    if loss is None:
        return
    weight = None if sample.weight is None else sample.weight.take(sample.chosen)
    scale = 1.0 if weight is None else float(weight.mean())  # weights count by their ratios
    if is_better(rows, loss / scale, chance / scale, task) or not can_be_better(
        rows, chance / scale, task
    ):
        return
    evidence: dict[str, Any] = {"loss": loss, "chance_loss": chance, "rows": rows}
    if measured.wanted is not None:
        share, accuracy = float(measured.wanted.max()) / rows, measured.right / rows
        if accuracy > share + 2.0 * math.sqrt(share * (1.0 - share) / rows):
            return
        evidence |= {"accuracy": accuracy, "share_of_largest": share}
    evidence |= {"updates": model.optimizer.iterations, "is_far": loss > FAR_WORSE * chance}
    yield finding("nothing-learned", **evidence, **blown_up(sample))


# -- the loss ----------------------------------------------------------------------------------


def _fifth(values: Array) -> int:
    return max(1, len(values) // 5)


def _levels(values: Array) -> list[float]:
    """Return the median of each fifth of the epochs, one for each place where it may begin."""
    size = _fifth(values)
    return [float(np.median(values[i : i + size])) for i in range(len(values) - size + 1)]


def _check_falling(loss: Array, held_out: Array | None) -> Iterator[Finding]:
    """Yield whether the loss is on its way down, and that of the validation too."""
    first, (before, end) = float(loss[0]), _last_levels(loss)
    if held_out is not None:
        val_before, val_end = _last_levels(held_out)
        if val_end >= val_before:
            return
    fallen, size = first - float(loss.min()), _fifth(loss)
    steps = np.diff(loss[-2 * size - 1 :])
    share = (before - end) / fallen if fallen > FLAT * abs(first) else 0.0
    if share > FALLING and (steps < 0).mean() >= STEADY:
        levels = {"before": before, "end": end, "is_early": end > first / 2.0}
        place = {"epochs": len(loss), "last_epochs": size}
        yield finding("unfinished-training", **place, **levels, share=share, limit=FALLING)


def _last_levels(values: Array) -> tuple[float, float]:
    """Return the medians of the last fifth of the epochs but one, and of the last."""
    size = _fifth(values)
    return float(np.median(values[-2 * size : -size])), float(np.median(values[-size:]))


def _check_changes(loss: Array, sample: Sample) -> Iterator[Finding]:
    """Yield whether the loss rose, or went up and down."""
    levels, first, half = _levels(loss), abs(float(loss[0])), loss[len(loss) // 2 :]
    best, end = min(levels), levels[-1]
    if end > best + max(ROSE[0] * abs(best), ROSE[1] * first):
        start = levels.index(best)
        place = {"best_epoch": start + 1, "last_epochs": _fifth(loss), "epochs": len(loss)}
        yield finding("risen-loss", best=best, end=end, **place, **sample.rates)
        return
    if not _compares_epochs(sample):
        return
    up = np.diff(half)
    setbacks = up > np.maximum(SETBACK[0] * np.abs(half[:-1]), SETBACK[1] * first)
    count, share = int(setbacks.sum()), float(setbacks.mean())
    if count >= OFTEN[0] and share >= OFTEN[1]:
        worst = int(np.argmax(np.where(setbacks, up, 0.0)))
        pair = {"from_loss": float(half[worst]), "to_loss": float(half[worst + 1])}
        facts = {"setbacks": count, "steps": len(up), "share": share, **pair}
        yield finding("unsteady-loss", **facts, **sample.rates)


def _compares_epochs(sample: Sample) -> bool:
    """Tell whether each epoch was of all rows and all units, so that its loss can be compared."""
    place = sample.model.position or {}
    is_cut = place.get("training", {}).get("steps_per_epoch") is not None
    return not is_cut and not any(layer.random_generators() for layer in sample.model.layers)


# -- validation --------------------------------------------------------------------------------


def _check_gap(
    history: History, numbers: dict[str, Array], end: slice, reference: float
) -> Iterator[Finding]:
    """Yield whether the training rows are known much better than those of the validation."""
    level = {name: float(np.median(values[end])) for name, values in numbers.items()}
    scores = [name for name in history.higher_is_better if f"val_{name}" in level]
    gaps = {name: level[name] - level[f"val_{name}"] for name in scores}
    loss_gap = (level["val_loss"] - level["loss"]) / reference
    held_out = numbers["val_loss"]
    best = int(held_out.argmin())
    evidence: dict[str, Any] = {
        "loss": level["loss"],
        "val_loss": level["val_loss"],
        "loss_gap": loss_gap,
        "best_epoch": history.epoch[best] + 1,
        "best_loss": float(held_out[best]),
        "epochs": len(held_out),
        "is_past_best": level["val_loss"] > PAST_BEST * float(held_out[best]),
        "limits": GAPS,
    }
    metric = max(gaps, key=gaps.__getitem__, default=None)
    gap = loss_gap
    if metric is not None:
        gap = gaps[metric]
        score = {"score": level[metric], "val_score": level[f"val_{metric}"]}
        evidence |= {"metric": metric, "metric_gap": gap, **score}
    if max(gap, loss_gap) >= GAPS[0]:
        yield finding("overfitting", **evidence, gap=gap)
