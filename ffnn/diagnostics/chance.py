"""What a constant answer reaches, and whether a model is evidently better."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.data.sources import BLOCK_ROWS
from ffnn.models.trainable import Trainable

EVIDENCE = math.log(20.0)  # nats that a model which knows nothing gains once in 20 times at most
FAR_WORSE = 10.0  # times the loss of the constant answer; initial networks have one to three times


def constant_loss(model: Trainable, y: Array, weight: Array | None = None) -> float:
    """Return the loss of the best constant answer: the classes' shares, or the mean target.

    `y` are targets that the loss has prepared.
    """
    y = y if y.ndim == 1 else y.astype(model.dtype, copy=False)
    assert model.loss is not None
    loss, units = model.loss.clone(), model.output_dim or 0
    weights = np.ones(len(y)) if weight is None else weight.astype(np.float64)
    total = float(weights.sum())
    if total == 0.0:
        return 0.0
    mean = np.bincount(y, weights, minlength=units) if y.ndim == 1 else weights @ y
    answer, result = (mean / total).astype(model.dtype), 0.0
    for start in range(0, len(y), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        part = y[rows]
        given = None if weight is None else weight[rows]
        result += loss.forward(np.tile(answer, (len(part), 1)), part, given) * len(part)
    return result / len(y)


def is_better(rows: int, loss: float, constant: float, task: str) -> bool:
    """Tell whether a loss over `rows` is evidently below that of the best constant answer.

    A cross-entropy is minus the mean log-likelihood of a row, so rows · (constant − loss) is the
    logarithm of a likelihood ratio. Where the model knows nothing of the targets the ratio's mean
    is at most 1, so by Markov's inequality it exceeds 20 at most once in 20 times. For losses that
    measure distances, errors as large as the constant answer's make it rows · (1 − loss / constant)
    / 2, exactly so for squares of normal errors.
    """
    gain = constant - loss if task != "numbers" else (1.0 - loss / constant) / 2.0
    return rows * gain >= EVIDENCE


def can_be_better(rows: int, constant: float, task: str) -> bool:
    """Tell whether there are enough rows for a quarter of what there is to gain to be evidence."""
    return constant > 0.0 and is_better(rows, 0.75 * constant, constant, task)
