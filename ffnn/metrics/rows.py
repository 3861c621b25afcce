"""Metrics of all rows together, which no sum over batches can give; and plain functions as such."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.metrics.base import METRICS, Metric

if TYPE_CHECKING:
    from typing_extensions import Self


class RowsMetric(Metric):
    """A metric that keeps targets, outputs and weights of all rows until it is asked.

    A training then takes memory for those of an epoch: of 10⁶ rows with 10 outputs in float32,
    40 MB. A subclass defines `of_rows`.

    Examples
    --------
    >>> from ffnn.metrics import AUC, RowsMetric
    >>> metric = AUC()
    >>> metric.update([0, 1], [0.2, 0.7])
    >>> metric.update([1], [0.1])  # all rows are kept until the result
    >>> metric.result(), isinstance(metric, RowsMetric)
    (0.5, True)
    """

    def reset(self) -> None:
        """Discard all rows."""
        self._kept: dict[str, list[Array]] = {"targets": [], "outputs": [], "weights": []}

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Keep one batch."""
        target, output, weight = self.open_batch(target, output, weight)
        for kept, batch in zip(self._kept.values(), (target, output, weight), strict=True):
            if batch is not None:
                kept.append(np.array(batch, order="C"))

    def result(self) -> Any:
        """Return `of_rows` of all rows since `reset`; NaN of none."""
        target, output, weight = self.get_state().values()
        return math.nan if target is None else self.of_rows(target, output, weight)

    def of_rows(self, target: Array, output: Array, weight: Array | None) -> Any:
        """Return the metric of rows, whose arrays it may change."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        """Return the rows as arrays, None for rows and weights that there are not."""
        for name, batches in self._kept.items():
            self._kept[name] = [np.concatenate(batches)] if batches else []
        return {name: each[0] if each else None for name, each in self._kept.items()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take rows back; ValueError if they are not such as `get_state` returns."""
        self.reset()
        target, output, weight = (state[name] for name in self._kept)
        for name, array, dimensions in (
            ("outputs", output, (2,)),
            ("targets", target, (1, 2)),
            ("weights", weight, (1,)),
        ):
            if array is None and (name == "weights" or output is target is None):
                continue
            is_array = isinstance(array, np.ndarray) and array.dtype.kind in "fi"
            if not is_array or array.ndim not in dimensions or len(array) != len(output):
                raise ValueError(f"metric {self.name!r}: expected an array of rows as {name}")
        self.update(target, output, weight)


_TRIED = 8  # rows with which a function is called first


@METRICS.takes_functions
class FunctionMetric(RowsMetric):
    """A plain function ``f(y_true, y_pred)`` as a metric, called once for all rows of an epoch.

    Before, it is called once for the first rows, to see that it returns a number; what it raises
    then, as it may need all rows, is of no account.

    `y_true` are class numbers, of shape (rows,), or else (rows, units) as `y_pred` always is: then
    both have the same shape, also for one unit. The function's name is the metric's; it returns a
    number.

    Parameters
    ----------
    function : callable
        The function.

    Raises
    ------
    TypeError
        It has no name, as a lambda, or does not take two arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.metrics import FunctionMetric
    >>> def largest_error(y_true, y_pred):
    ...     return np.abs(y_true - y_pred).max()
    >>> metric = FunctionMetric(largest_error)
    >>> metric.update(np.array([[1.0], [2.0]]), np.array([[1.5], [2.0]]))
    >>> metric.name, float(metric.result())
    ('largest_error', 0.5)
    """

    _was_tried = False

    def __init__(self, function: Callable[[Array, Array], float]) -> None:
        name = getattr(function, "__name__", None)
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(
                f"{'a lambda' if name == '<lambda>' else repr(function)} has no name to report its "
                f"value under; define it by def my_metric(y_true, y_pred)"
            )
        with contextlib.suppress(ValueError):  # of some that are written in C
            try:
                inspect.signature(function).bind(None, None)
            except TypeError as error:
                raise TypeError(
                    f"metric {name!r} must be a function of y_true and y_pred, but {error}"
                ) from None
        self.function, self.name = function, name

    def __repr__(self) -> str:
        return self.name

    @property
    def custom_object(self) -> Any:
        """The function, which a file with the metric is loaded with."""
        return self.function

    def get_config(self) -> dict[str, Any]:
        """Return nothing: a file has the function's name alone."""
        return {}

    def clone(self) -> Self:
        """Return a metric of the same function, for the same model."""
        twin = type(self)(self.function)
        twin._was_tried = self._was_tried
        twin.follow(self.loss_task, self.units)
        return twin

    def update(self, target: Array, output: Array) -> None:  # type: ignore[override]
        """Keep one batch; a function of two arguments takes no weights.

        TypeError says that it does not return a number for the first one.
        """
        super().update(target, output)
        if not self._was_tried:
            self._was_tried = True
            target, output = (self._kept[name][0][:_TRIED] for name in ("targets", "outputs"))
            try:
                value = self.function(target.copy(), output.copy())
            except Exception:  # it may need all rows
                return
            self.as_number(value)

    def of_rows(self, target: Array, output: Array, weight: Array | None) -> Any:
        """Return what the function does of all rows."""
        return self.function(target, output)
