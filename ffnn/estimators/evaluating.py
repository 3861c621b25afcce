"""Outputs, losses and scores of rows that are not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.estimators.epochs import normalize, open_targets
from ffnn.estimators.sparse import open_matrix
from ffnn.layers.chain import forget_batch, run_forward

if TYPE_CHECKING:
    from ffnn._types import Array
    from ffnn.estimators.sklearn_losses import ScaledLoss
    from ffnn.sequential import Sequential

BLOCK_ROWS = 1024  # computed together


class HeldOut(NamedTuple):
    """Rows for validation.

    Attributes
    ----------
    X : ndarray or sparse matrix of shape (rows, columns)
        Checked inputs.
    target : ndarray of shape (rows,) or (rows, units)
        Targets in the form of the loss.
    weight : ndarray of shape (rows,) or None
        The rows' weights.
    """

    X: Any
    target: Array
    weight: Array | None


def compute_outputs(model: Sequential, X: Any) -> Array:
    """Return the network's outputs for checked rows; safe to be called from many threads at once.

    Parameters
    ----------
    model : Sequential
        The network.
    X : ndarray or sparse matrix of shape (rows, columns)
        Finite numbers.

    Returns
    -------
    ndarray of shape (rows, units)
        In the network's dtype.
    """
    source, stages = open_matrix(X, model.dtype, model.replicas())
    result = np.empty((len(source), model.output_dim or 0), model.dtype)
    for start in range(0, len(source), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(source))
        result[start:stop] = run_forward(stages, source.slice(start, stop), training=False)
    forget_batch(stages)
    return result


class Validation:
    """The loss and the score of held-out rows, after each epoch.

    Parameters
    ----------
    estimator : BaseFFNN
        Has the network, and says how outputs are scored.
    held_out : HeldOut
        The rows.
    loss : ScaledLoss
        What is computed of them; no penalty is added.
    """

    def __init__(self, estimator: Any, held_out: HeldOut, loss: ScaledLoss) -> None:
        model: Sequential = estimator.model_
        self._estimator, self._held_out, self._loss = estimator, held_out, loss
        stages = model.replicas()[: len(model.step.stages)]
        self._x, self._stages = open_matrix(held_out.X, model.dtype, stages)
        self._y = open_targets(held_out.target, model.dtype)
        self._shares = None
        if held_out.weight is not None:
            self._shares = normalize(held_out.weight.astype(model.dtype))[0]
        self._outputs = np.empty((len(self._x), model.output_dim or 0), model.dtype)

    def __call__(self) -> dict[str, float]:
        """Return ``"loss"`` and ``"score"``."""
        rows, total = len(self._x), 0.0
        for start in range(0, rows, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, rows)
            x, y = self._x.slice(start, stop), self._y.slice(start, stop)
            share = None if self._shares is None else self._shares[start:stop]
            output = run_forward(self._stages, x, training=False)
            total += self._loss.forward(output, y, share) * (stop - start)
            self._outputs[start:stop] = self._loss.output
        _, target, weight = self._held_out
        return {
            "loss": total / rows,
            "score": self._estimator._score_outputs(self._outputs, target, weight),
        }
