"""How well a model answers, as one number: what permutation importance is measured by."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.metrics import R2

SCORES = {"classes": "accuracy", "labels": "accuracy of the labels", "numbers": "R²"}  # by task


def score(task: str, target: Array, output: Array) -> float:
    """Return the score of outputs (rows, units) for targets as `ffnn.models.decisions` has them."""
    if task == "numbers":
        r2 = R2()
        r2.reset()
        r2.update(target, output.astype(np.float64))
        return float(r2.result())
    if task == "labels":
        return float(np.mean((output > 0.5) == target))
    decided = output.argmax(axis=1) if output.shape[1] > 1 else output[:, 0] > 0.5
    return float(np.mean(decided == target))
