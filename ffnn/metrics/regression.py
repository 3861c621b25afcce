"""Metrics of numbers: how far outputs are from targets."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.metrics.base import METRICS, DenseMetric, ratio, rows_of


class _ResidualMetric(DenseMetric):
    """A mean over all elements of a function of output - target."""

    higher_is_better = False

    def reset(self) -> None:
        """Discard all batches."""
        self._total = 0.0
        self._elements: float = 0

    def _sum(self, residual: Array) -> float:
        raise NotImplementedError

    def _measure(self, residual: Array) -> Array:
        """Return the function of each element, in the same memory."""
        raise NotImplementedError

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Add the batch's elements."""
        target, output, weight = self.open_batch(target, output, weight)
        residual = self.array("residual", *output.shape, dtype=np.float64)
        np.subtract(output, target, out=residual)
        if weight is None:
            self._total += self._sum(residual)
        else:
            self._total += float(_weighed(self._measure(residual), weight).sum())
        self._elements += rows_of(residual, weight) * residual.shape[1]

    def result(self) -> float:
        """Return the mean; NaN of no rows."""
        return ratio(self._total, self._elements)


def _weighed(values: Array, weight: Array) -> Array:
    """Multiply rows by their weights, in place; one of weight 0 is 0, even if it is infinite."""
    with np.errstate(invalid="ignore"):
        np.multiply(values, weight[:, None], out=values)
    if not np.isfinite(values.sum()):
        values[weight == 0.0] = 0.0
    return values


@METRICS.register("mean_squared_error", "mse")
class MeanSquaredError(_ResidualMetric):
    """The mean of (p - y)² over all elements.

    Examples
    --------
    >>> from ffnn.metrics import MeanSquaredError
    >>> metric = MeanSquaredError()
    >>> metric.update([1.0, 2.0], [1.5, 2.0])
    >>> metric.result()
    0.125
    """

    formulas = Formulas(("M = mean((p - y)²)",))
    name = "mean_squared_error"

    def _sum(self, residual: Array) -> float:
        flat = residual.ravel("K")
        return float(np.dot(flat, flat))

    def _measure(self, residual: Array) -> Array:
        return np.multiply(residual, residual, out=residual)


@METRICS.register("mean_absolute_error", "mae")
class MeanAbsoluteError(_ResidualMetric):
    """The mean of |p - y| over all elements.

    Examples
    --------
    >>> from ffnn.metrics import MeanAbsoluteError
    >>> metric = MeanAbsoluteError()
    >>> metric.update([1.0, 2.0], [1.5, 2.0])
    >>> metric.result()
    0.25
    """

    formulas = Formulas(("M = mean(|p - y|)",))
    name = "mean_absolute_error"

    def _sum(self, residual: Array) -> float:
        return float(self._measure(residual).sum())

    def _measure(self, residual: Array) -> Array:
        return np.abs(residual, out=residual)


@METRICS.register("r2", "r2_score")
class R2(DenseMetric):
    """The fraction of the targets' variance that is explained, R² = 1 - Σ(p - y)² / Σ(y - mean y)².

    With several units it is the mean over them. A constant target gives 1 if it is predicted
    exactly, else 0. The sum of squares around the mean is updated batch by batch (Chan, Golub,
    LeVeque 1979, equation 2.1).

    Examples
    --------
    >>> from ffnn.metrics import R2
    >>> metric = R2()
    >>> metric.update([1.0, 2.0], [1.5, 2.0])
    >>> metric.result()
    0.5
    """

    formulas = Formulas(("R = 1 - mean((Σ_rows (p - y)²) / Σ_rows (y - mean_rows(y))²)",))
    name = "r2"
    higher_is_better = True

    def reset(self) -> None:
        """Discard all batches."""
        self._rows: float = 0
        self._origin = self._mean = self._spread = self._errors = np.zeros(1)

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Add the batch's rows."""
        target, output, weight = self.open_batch(target, output, weight)
        added = rows_of(target, weight)
        if added == 0:  # the rows of a batch may all weigh 0
            self._rows += added
            return
        if self._rows == 0:  # a constant target becomes exactly 0 around its first row
            self._origin = target[0].astype(np.float64)
        rows = self._rows + added
        centred = self.array("centred", *target.shape, dtype=np.float64)
        np.subtract(target, self._origin, out=centred)
        mean = self._mean_of(centred, weight, added)
        shift = mean - self._mean
        between = shift**2 * (self._rows * added / rows)
        self._spread = self._spread + self._sum_of_squares(centred, mean, weight) + between
        self._mean = self._mean + shift * (added / rows)
        self._errors = self._errors + self._sum_of_squares(output, target, weight)
        self._rows = rows

    def _mean_of(self, values: Array, weight: Array | None, rows: float) -> Array:
        """Return the mean of each column, whose rows together weigh `rows`."""
        if weight is None:
            return np.asarray(values.mean(axis=0))
        weighed = self.array("distance", *values.shape, dtype=np.float64)
        np.multiply(values, weight[:, None], out=weighed)
        return np.asarray(np.add.reduce(weighed, axis=0)) / rows

    def _sum_of_squares(self, values: Array, origin: Array, weight: Array | None) -> Array:
        """Return Σ w (values - origin)² of each column."""
        distance = self.array("distance", *values.shape, dtype=np.float64)
        np.subtract(values, origin, out=distance)
        np.multiply(distance, distance, out=distance)
        if weight is not None:
            _weighed(distance, weight)
        return np.asarray(np.add.reduce(distance, axis=0))

    def result(self) -> float:
        """Return R², 1 at best; NaN of no rows."""
        if self._rows == 0:
            return math.nan
        exact = np.where(self._errors == 0.0, 1.0, 0.0)
        ratio = np.divide(self._errors, self._spread, out=1.0 - exact, where=self._spread > 0)
        return float((1.0 - ratio).mean())
