"""What a model decides of a row: one class, several labels, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.metrics import Accuracy, ClassificationMetric


def task_of(model: Any) -> str:
    """Return what a row of targets is of a compiled model: "classes", "labels" or "numbers".

    A loss on numbers may have been used for classes: then the model has names for them, or a metric
    that counts right decisions.
    """
    loss = model.require_compiled()
    task, units = loss.task_after(model.last_activation), model.output_dim or 0
    if task == "numbers":
        chosen = [*model.metrics, *model.weighted_metrics]
        measured = any(isinstance(metric, ClassificationMetric) for metric in chosen)
        return "classes" if measured or model.class_names is not None else "numbers"
    return "labels" if task == "probabilities" and units > 1 else "classes"


def decided(model: Any, target: Array) -> Array:
    """Return targets that the loss has prepared as class numbers, booleans, or float64.

    DataError says that they are no decisions, which a loss on numbers has not noticed.
    """
    task = task_of(model)
    if task == "numbers":
        return target.astype(np.float64)
    if task == "labels":
        return np.asarray(target > 0.5)
    metric = Accuracy()
    metric.follow(model.loss.task_after(model.last_activation), model.output_dim)
    metric.check_target(target)
    if target.ndim == 1:
        return target
    return target.argmax(axis=1) if target.shape[1] > 1 else (target[:, 0] > 0.5).astype(np.intp)


def names_of(names: Sequence[str] | None, units: int, task: str) -> tuple[str, ...]:
    """Return a name for each class, label or output: those given if they fit, else numbers.

    One unit tells two classes apart.
    """
    size = 2 if task == "classes" and units == 1 else units
    is_fit = names is not None and len(names) == size
    return tuple(names) if names is not None and is_fit else tuple(map(str, range(size)))
