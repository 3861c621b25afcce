"""Metrics that are weighted by the rows' weights: `weighted_metrics` of `compile`."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.metrics.base import Metric

if TYPE_CHECKING:
    from typing_extensions import Self


class Weighted(Metric):
    """Another metric, in which each row counts as much as it weighs.

    Parameters
    ----------
    metric : Metric
        The metric, whose `update` takes weights.
    name : str
        The name in histories.

    Examples
    --------
    >>> from ffnn.metrics import Accuracy, Weighted
    >>> metric = Weighted(Accuracy(), "weighted_accuracy")
    >>> metric.update([0, 1], [[0.9, 0.1], [0.8, 0.2]], [3.0, 1.0])
    >>> metric.result()
    0.75
    """

    def __init__(self, metric: Metric, name: str) -> None:
        self.metric, self.name = metric, name
        self.higher_is_better, self.is_table = metric.higher_is_better, metric.is_table

    @property
    def formulas(self) -> Formulas:
        """Those of the metric."""
        return self.metric.formulas

    def reset(self) -> None:
        """Discard all batches."""
        self.metric.reset()

    def reset_once(self) -> None:
        """Reset the metric if it has never been."""
        self.metric.reset_once()

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Add one batch."""
        self.metric.update(target, output, weight)

    def measure(self, target: Array, output: Array, weight: Array | None) -> None:
        """Add one batch with its weights."""
        self.metric.update(target, output, weight)

    def result(self) -> Any:
        """Return the metric over all rows since `reset`."""
        return self.metric.result()

    def get_state(self) -> dict[str, Any]:
        """Return what the metric has collected."""
        return self.metric.get_state()

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` returned."""
        self.metric.set_state(state)

    def follow(self, task: str | None, units: int | None = None) -> None:
        """Take note of what is measured."""
        super().follow(task, units)
        self.metric.follow(task, units)

    def check_target(self, target: Array) -> None:
        """Raise DataError if the metric means nothing for such targets."""
        self.metric.check_target(target)

    def clone(self) -> Self:
        """Return the same around a copy of the metric."""
        return type(self)(self.metric.clone(), self.name)


def weigh(metrics: Sequence[Metric], taken: Collection[str]) -> list[Metric]:
    """Return the metrics as weighted ones; TypeError says that one takes no weights.

    A name that is `taken` by a metric without weights gets ``"weighted_"`` before it, as in Keras.

    Examples
    --------
    >>> from ffnn.metrics import Accuracy, weigh
    >>> [metric.name for metric in weigh([Accuracy()], taken=["accuracy"])]
    ['weighted_accuracy']
    """
    for metric in metrics:
        try:
            inspect.signature(metric.update).bind(None, None, None)
        except TypeError:
            raise TypeError(
                f"compile: weighted_metrics: metric {metric.name!r} takes no weights; give it in "
                f"metrics=, or derive a class of ffnn.metrics.Metric whose "
                f"update(target, output, weight) does"
            ) from None
    return [
        Weighted(metric, f"weighted_{metric.name}" if metric.name in taken else metric.name)
        for metric in metrics
    ]
