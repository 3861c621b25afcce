"""Metrics: numbers that are reported but not trained on.

A metric collects integer counts or float64 sums batch by batch, so its result is that of all rows
together, whatever the batch size. Sample weights are ignored.

Outputs are (batch, units). Targets are (batch, units), or (batch,) class numbers. The predicted
class is the largest unit, or, with one unit, 1 where it is above 0.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.core.memory import Buffered
from ffnn.core.registry import Family


class Metric(Buffered):
    """A number about outputs and targets.

    Attributes
    ----------
    name : str
        The name in histories.
    higher_is_better : bool
        Whether larger is better, for callbacks that watch it.
    """

    name: ClassVar[str]
    higher_is_better: ClassVar[bool] = True

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of p and y."""
        return Formulas(("M = f(p, y)",))

    def reset(self) -> None:
        """Discard all batches."""
        raise NotImplementedError

    def update(self, target: Array, output: Array) -> None:
        """Add one batch."""
        raise NotImplementedError

    def result(self) -> float:
        """Return the metric over all rows since `reset`."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        """Return what has been collected since `reset`, as plain data."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.__getstate__().items()
            if name.startswith("_")
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` returned."""
        self.reset()
        for name in self.get_state():
            value = state[name]
            setattr(self, name, np.array(value) if isinstance(value, list) else value)

    def check_target(self, target: Array) -> None:
        """Raise ValueError if the metric cannot take targets of this shape."""

    def _classes(self, values: Array, name: str) -> Array:
        """Return the class number of each row of targets or outputs."""
        if values.ndim == 1:
            return values
        classes = self.array(name, len(values), dtype=np.intp)
        if values.shape[1] == 1:
            return np.greater(values[:, 0], 0.5, out=classes)
        rows = self.array(f"{name} rows", *values.shape[::-1], dtype=values.dtype).T
        np.copyto(rows, values)  # argmax would copy what does not lie row by row
        return np.argmax(rows, axis=1, out=classes)


METRICS: Family[Metric] = Family("metric", Metric)


@METRICS.register("accuracy", "acc")
class Accuracy(Metric):
    """The fraction of rows with the correct class.

    With one unit output and target are cut at 0.5. With several the largest unit counts, and
    targets may be class numbers, one-hot or soft rows.
    """

    formulas = Formulas(("A = mean(Σ_units c ∘ y) with c = [p = max_units(p)]",))
    name = "accuracy"

    def reset(self) -> None:
        """Discard all batches."""
        self._right = 0
        self._rows = 0

    def update(self, target: Array, output: Array) -> None:
        """Count the correct rows."""
        right = self.array("right", len(output), dtype=bool)
        np.equal(self._classes(target, "target"), self._classes(output, "output"), out=right)
        self._right += int(np.count_nonzero(right))
        self._rows += len(right)

    def result(self) -> float:
        """Return the fraction, from 0 to 1."""
        return self._right / self._rows


class _DenseMetric(Metric):
    """A metric that compares outputs and targets entry by entry."""

    def check_target(self, target: Array) -> None:
        """Raise ValueError for class numbers."""
        if target.ndim == 1:
            raise ValueError(
                f"metric {self.name!r} compares numbers and cannot be used with class numbers; "
                f"use one-hot rows as y, or another metric"
            )


@METRICS.register("binary_accuracy")
class BinaryAccuracy(_DenseMetric):
    """The fraction of entries on the correct side of 0.5, for several yes-or-no labels per row."""

    formulas = Formulas(("A = mean([[p > 0.5] = [y > 0.5]])",))
    name = "binary_accuracy"

    def reset(self) -> None:
        """Discard all batches."""
        self._right = 0
        self._entries = 0

    def update(self, target: Array, output: Array) -> None:
        """Count the correct entries."""
        high = np.greater(output, 0.5, out=self.array("output", *output.shape, dtype=bool))
        wanted = np.greater(target, 0.5, out=self.array("target", *output.shape, dtype=bool))
        self._right += int(np.count_nonzero(np.equal(high, wanted, out=high)))
        self._entries += high.size

    def result(self) -> float:
        """Return the fraction, from 0 to 1."""
        return self._right / self._entries


class _ConfusionMetric(Metric):
    """The fraction hits / (α predicted + (1 - α) actual) of a class, from counts of its rows.

    With α = 1 it is the precision, with α = 0 the recall, and with α = 1/2 their harmonic mean, F1
    (van Rijsbergen, "Information Retrieval", 1979, chapter 7). With one unit the metric is that of
    class 1; with several it is the unweighted mean over the classes ("macro"). A class with no rows
    to divide by counts as 0.
    """

    _alpha: ClassVar[float]

    def reset(self) -> None:
        """Discard all batches."""
        self._units = 0
        self._hits = self._predicted = self._actual = np.zeros(0)

    def update(self, target: Array, output: Array) -> None:
        """Count, per class, correct rows, rows predicted as it, and rows of it."""
        classes = max(output.shape[1], 2)
        if self._units == 0:
            self._units = output.shape[1]
            self._hits, self._predicted, self._actual = np.zeros((3, classes))
        wanted, found = self._classes(target, "target"), self._classes(output, "output")
        right = np.equal(wanted, found, out=self.array("right", len(wanted), dtype=bool))
        hits = self.array("hits", len(wanted), dtype=np.intp)
        hits.fill(classes)  # an extra class, for the wrong rows
        np.copyto(hits, wanted, where=right)
        self._hits += np.bincount(hits, minlength=classes + 1)[:classes]
        self._predicted += np.bincount(found, minlength=classes)
        self._actual += np.bincount(wanted, minlength=classes)

    def result(self) -> float:
        """Return the metric of class 1, or the mean over the classes, from 0 to 1."""
        whole = self._alpha * self._predicted + (1.0 - self._alpha) * self._actual
        values = np.divide(self._hits, whole, out=np.zeros_like(whole), where=whole > 0)
        return float(values[1] if self._units == 1 else values.mean())


@METRICS.register("precision")
class Precision(_ConfusionMetric):
    """The fraction of rows predicted as a class that belong to it; macro mean over classes."""

    formulas = Formulas(("P = mean((Σ_rows c ∘ y) / Σ_rows c) with c = [p = max_units(p)]",))
    name = "precision"
    _alpha = 1.0


@METRICS.register("recall")
class Recall(_ConfusionMetric):
    """The fraction of a class's rows that are predicted as it; macro mean over classes."""

    formulas = Formulas(("R = mean((Σ_rows c ∘ y) / Σ_rows y) with c = [p = max_units(p)]",))
    name = "recall"
    _alpha = 0.0


@METRICS.register("f1", "f1_score")
class F1(_ConfusionMetric):
    """The harmonic mean of precision and recall, 2 hits / (predicted + actual); macro mean."""

    formulas = Formulas(
        ("F = mean(2 (Σ_rows c ∘ y) / Σ_rows (c + y)) with c = [p = max_units(p)]",)
    )
    name = "f1"
    _alpha = 0.5


class _ResidualMetric(_DenseMetric):
    """A mean over all elements of a function of output - target."""

    higher_is_better = False

    def reset(self) -> None:
        """Discard all batches."""
        self._total = 0.0
        self._elements = 0

    def _sum(self, residual: Array) -> float:
        raise NotImplementedError

    def update(self, target: Array, output: Array) -> None:
        """Add the batch's elements."""
        residual = self.array("residual", *output.shape, dtype=np.float64)
        np.subtract(output, target, out=residual)
        self._total += self._sum(residual)
        self._elements += residual.size

    def result(self) -> float:
        """Return the mean."""
        return self._total / self._elements


@METRICS.register("mean_squared_error", "mse")
class MeanSquaredError(_ResidualMetric):
    """The mean of (p - y)² over all elements."""

    formulas = Formulas(("M = mean((p - y)²)",))
    name = "mean_squared_error"

    def _sum(self, residual: Array) -> float:
        flat = residual.ravel("K")
        return float(np.dot(flat, flat))


@METRICS.register("mean_absolute_error", "mae")
class MeanAbsoluteError(_ResidualMetric):
    """The mean of |p - y| over all elements."""

    formulas = Formulas(("M = mean(|p - y|)",))
    name = "mean_absolute_error"

    def _sum(self, residual: Array) -> float:
        return float(np.abs(residual, out=residual).sum())


@METRICS.register("r2", "r2_score")
class R2(_DenseMetric):
    """The fraction of the targets' variance that is explained, R² = 1 - Σ(p - y)² / Σ(y - mean y)².

    With several units it is the mean over them. A constant target gives 1 if it is predicted
    exactly, else 0. The sum of squares around the mean is updated batch by batch (Chan, Golub,
    LeVeque 1979, equation 2.1).
    """

    formulas = Formulas(("R = 1 - mean((Σ_rows (p - y)²) / Σ_rows (y - mean_rows(y))²)",))
    name = "r2"

    def reset(self) -> None:
        """Discard all batches."""
        self._rows = 0
        self._origin = self._mean = self._spread = self._errors = np.zeros(1)

    def update(self, target: Array, output: Array) -> None:
        """Add the batch's rows."""
        if self._rows == 0:  # a constant target becomes exactly 0 around its first row
            self._origin = target[0].astype(np.float64)
        rows = self._rows + len(target)
        centred = self.array("centred", *target.shape, dtype=np.float64)
        np.subtract(target, self._origin, out=centred)
        mean = centred.mean(axis=0)
        shift = mean - self._mean
        between = shift**2 * (self._rows * len(target) / rows)
        self._spread = self._spread + self._sum_of_squares(centred, mean) + between
        self._mean = self._mean + shift * (len(target) / rows)
        self._errors = self._errors + self._sum_of_squares(output, target)
        self._rows = rows

    def _sum_of_squares(self, values: Array, origin: Array) -> Array:
        """Return Σ(values - origin)² of each column."""
        distance = self.array("distance", *values.shape, dtype=np.float64)
        np.subtract(values, origin, out=distance)
        np.multiply(distance, distance, out=distance)
        return np.asarray(np.add.reduce(distance, axis=0))

    def result(self) -> float:
        """Return R², 1 at best."""
        exact = np.where(self._errors == 0.0, 1.0, 0.0)
        ratio = np.divide(self._errors, self._spread, out=1.0 - exact, where=self._spread > 0)
        return float((1.0 - ratio).mean())
