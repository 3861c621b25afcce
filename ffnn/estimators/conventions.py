"""scikit-learn's conventions on losses, weights and penalties, put around the library's parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_in_dtype
from ffnn.core.sums import dot_over
from ffnn.errors import DataError
from ffnn.estimators.parameters import Estimator
from ffnn.layers import Dense
from ffnn.layers.base import Stage
from ffnn.losses import Loss
from ffnn.regularizers import L1L2
from ffnn.training.step import TrainStep, make_penalties

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(eq=False, repr=False)
class ScaledLoss(Loss):
    """Another loss with its value and its gradient multiplied by a factor each.

    The library's elementwise losses are means over the outputs, scikit-learn's are sums, and its
    squared loss of u outputs reports 1/u of what it differentiates.
    """

    inner: Loss
    value_factor: float = 1.0
    gradient_factor: float = 1.0

    def around(self, inner: Loss) -> Self:
        """Return the same around a copy of another loss, such as the one that `compile` pairs."""
        return type(self)(inner.clone(), self.value_factor, self.gradient_factor)

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the loss's value times its factor."""
        value = self.inner.forward(output, target, weight)
        self.output = self.inner.output
        return value * self.value_factor

    def backward(self) -> Array:
        """Return the loss's gradient times its factor."""
        grad = self.inner.backward()
        if self.gradient_factor != 1.0:
            grad *= self.gradient_factor
        return grad


class ClippedLogLoss(ScaledLoss):
    """A log-loss whose value counts no probability as less than ε, the spacing of floats at 1.

    A row that is entirely wrong then has the value -log ε, 36 in float64, and training stops at the
    same epoch as in scikit-learn. The gradient is exact, there as here.
    """

    def allocate(self, rows: int) -> None:
        """Allocate p - y."""
        super().allocate(rows)
        self.miss = self.like("miss")

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the value, clipped if a row needs it."""
        value = super().forward(output, target, weight)
        p, y = self.output, self.inner.target
        epsilon = float(np.finfo(p.dtype).eps)
        if p.shape != self.shape or p.dtype != self.dtype:
            self.allocate_for(p)
        np.subtract(p, y, out=self.miss)
        if float(np.abs(self.miss, out=self.miss).max()) < 1.0 - 2.0 * epsilon:
            return value
        clipped = np.clip(p, epsilon, 1.0 - epsilon)
        rows = (y * np.log(clipped)).sum(axis=1)
        if self.inner.task == "probabilities":
            rows += ((1.0 - y) * np.log1p(-clipped)).sum(axis=1)
        total = rows.sum() if weight is None else dot_over(len(rows))(rows, weight)
        return -float(total) / len(rows)


def normalize(weight: Array) -> tuple[Array, float]:
    """Return weights divided by their mean, and their sum, which may not be zero.

    DataError says that sum or mean are beyond the dtype's range.
    """
    with np.errstate(over="ignore"):
        total = float(weight.sum())
    if total == 0.0:
        raise ZeroDivisionError(
            "sample_weight: the weights of a batch sum to zero, so it has no mean loss. Leave out "
            "the rows of weight zero, or increase batch_size."
        )
    if not len(weight) / float(np.finfo(weight.dtype).max) < total < math.inf:
        raise DataError(
            f"sample_weight: the weights of a batch sum to {total:g}, which is beyond the range of "
            f"{weight.dtype}; divide all of them by their mean"
        )
    return weight * (len(weight) / total), total


class WeightedStep(TrainStep):
    """The library's training step with weights and penalty relative to the batch's weight s.

    s is the sum of the rows' weights, or the number of rows if they have none. The rows' weights
    are divided by their mean, and R = (alpha Σw²/2 + l1 Σ|w|) / s is the penalty on the weights of
    the fully connected layers: a batch counts its penalty as often as its rows. Regularizers that
    layers of a given network have are added as they are.
    """

    def __init__(self, estimator: Estimator, stages: Sequence[Stage], loss: Loss) -> None:
        model = estimator.model_
        assert model.optimizer is not None
        vector = model.require_built()
        self._l1, self._l2 = float(estimator.l1), 0.5 * float(estimator.alpha)
        for name in ("l1", "alpha"):
            check_in_dtype(
                type(estimator).__name__, name, float(getattr(estimator, name)), model.dtype
            )
        self._penalty = L1L2(self._l1, self._l2)
        penalized = {"weight": self._penalty} if self._l1 or self._l2 else {}
        penalties = make_penalties(model.layers, vector) + make_penalties(
            model.layers, vector, lambda layer: penalized if isinstance(layer, Dense) else {}
        )
        metrics = model.epoch_metrics
        super().__init__(stages, model.layers, loss, penalties, vector, model.optimizer, metrics)

    def forward(self, x: Array, y: Array, weight: Array | None, for_update: bool = False) -> float:
        """Return the loss of one batch, penalty included."""
        total = float(len(x))
        if weight is not None:
            weight, total = normalize(weight)
        self._penalty.l1, self._penalty.l2 = self._l1 / total, self._l2 / total
        return super().forward(x, y, weight, for_update)
