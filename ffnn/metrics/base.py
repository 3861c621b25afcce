"""What metrics share."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.core.hints import is_ours
from ffnn.core.memory import Buffered
from ffnn.core.registry import Family
from ffnn.core.text import shown
from ffnn.errors import DataError
from ffnn.metrics.batch import check_batch

if TYPE_CHECKING:
    from typing_extensions import Self


class Metric(Buffered):
    """A number, or a table of numbers, about outputs and targets.

    Attributes
    ----------
    name : str
        The name in histories.
    higher_is_better : bool or None
        Whether larger is better, for callbacks that watch it; None says that it is not known.
    is_table : bool
        Whether its value is an array: `evaluate` alone measures it then, as histories hold numbers.
    loss_task : str or None
        What targets are: "numbers", "probabilities" or "classes", as the model's loss and last
        activation say; None outside a model.
    units : int or None
        How many outputs the model has; None outside a model.

    Examples
    --------
    >>> from ffnn.metrics import MeanSquaredError
    >>> metric = MeanSquaredError()
    >>> metric.update([[1.0], [2.0]], [[1.0], [4.0]])
    >>> metric.name, metric.result(), metric.higher_is_better
    ('mean_squared_error', 2.0, False)
    """

    name: str
    higher_is_better: bool | None = None
    is_table: bool = False
    loss_task: str | None = None
    units: int | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "result" in vars(cls) and is_ours(cls):
            cls.result = _of_rows_so_far(cls.result)  # type: ignore[method-assign, assignment]

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of p and y."""
        return Formulas(("M = f(p, y)",))

    def reset(self) -> None:
        """Discard all batches."""
        raise NotImplementedError

    def update(self, target: Array, output: Array, weight: Array | None = None) -> None:
        """Add one batch.

        Only `weighted_metrics` of a model get the rows' weights, of shape (batch,); a metric that
        cannot be weighted has no such argument.

        Raises
        ------
        DataError
            Outside a model, which checks all data before: the metric cannot measure such rows.
        """
        raise NotImplementedError

    def result(self) -> Any:
        """Return the metric over all rows since `reset`: a number, or an array if it `is_table`.

        A number is NaN, if it can be, where there are no rows.
        """
        raise NotImplementedError

    def open_batch(
        self, target: Any, output: Any, weight: Any = None
    ) -> tuple[Array, Array, Array | None]:
        """Return a batch to be measured; outside a model it is checked first.

        There, targets and outputs of one unit may come flat, and the first batch needs no `reset`.
        """
        if self.loss_task is not None:
            return target, output, weight
        try:
            target, output, weight = check_batch(target, output, weight)
        except DataError as error:
            raise DataError(f"metric {self.name!r}: {error}") from None
        self.reset_once()
        self.check_target(target)
        return target, output, weight

    def reset_once(self) -> None:
        """Reset the metric if it has never been, as before a first batch."""
        if not any(name.startswith("_") and name != "_workspace" for name in vars(self)):
            self.reset()

    def exact(self, weight: Array | None) -> Array | None:
        """Return a batch's weights in float64, if there are any."""
        if weight is None:
            return None
        copy = self.array("weight", len(weight), dtype=np.float64)
        np.copyto(copy, weight)
        return copy

    def measure(self, target: Array, output: Array, weight: Array | None) -> None:
        """Add one batch of a model that weighs its rows so."""
        self.update(target, output)

    def value(self) -> Any:
        """Return `result` as a plain float, or as an array if it is a table.

        Raises
        ------
        TypeError
            It is not a number.
        """
        result = self.result()
        return np.asarray(result) if self.is_table else self.as_number(result)

    def as_number(self, result: Any) -> float:
        """Return a result as a plain float; TypeError if it is none."""
        if not isinstance(result, (str, bytes)) and np.ndim(result) == 0:
            with contextlib.suppress(TypeError, ValueError):
                return float(result)
        is_array = isinstance(result, np.ndarray) and result.ndim > 0
        found = f"an array of shape {result.shape}" if is_array else shown(result, 60)
        raise TypeError(
            f"metric {self.name!r}: expected a number as its value, got {found}; "
            f"return one number for all rows, such as their mean"
        )

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

    def follow(self, task: str | None, units: int | None = None) -> None:
        """Take note of what a row of targets is in the model that is measured.

        `task` is what `Loss.task_after` the last activation says, and `units` the number of its
        outputs; None stands for no model.
        """
        self.loss_task, self.units = task, units

    def check_target(self, target: Array) -> None:
        """Raise DataError if the metric means nothing for such targets.

        They are all that will be measured, as the loss has prepared them. Called before any work,
        after `follow`.
        """

    def clone(self) -> Self:
        """Return a new metric made from the same arguments, for the same model."""
        twin = super().clone()
        twin.follow(self.loss_task, self.units)
        return twin


def _of_rows_so_far(result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `result` of a metric that may not have seen any batch."""

    @functools.wraps(result)
    def found(metric: Metric) -> Any:
        metric.reset_once()
        return result(metric)

    return found


METRICS: Family[Metric] = Family("metric", Metric, __package__)


class DenseMetric(Metric):
    """A metric that compares outputs and targets entry by entry.

    Examples
    --------
    >>> from ffnn.metrics import DenseMetric, MeanAbsoluteError
    >>> metric = MeanAbsoluteError()
    >>> metric.update([[1.0], [2.0]], [[1.0], [4.0]])
    >>> metric.result(), isinstance(metric, DenseMetric)
    (1.0, True)
    """

    def check_target(self, target: Array) -> None:
        """Raise DataError for class numbers."""
        if target.ndim == 1:
            raise DataError(
                f"metric {self.name!r} compares numbers and cannot be used with class numbers; "
                f"use one-hot rows as y, or another metric"
            )


def count(chosen: Array, weight: Array | None, axis: int | None = None) -> Any:
    """Return how many entries of a batch are true, or the sum of their rows' weights.

    `chosen` is (batch,) or (batch, units); with `axis` 0, each unit's entries count for themselves.
    """
    if weight is None:
        if axis is None:
            return int(np.count_nonzero(chosen))
        return np.add.reduce(chosen, axis=axis, dtype=np.intp)
    spread = weight if chosen.ndim == 1 else np.broadcast_to(weight[:, None], chosen.shape)
    total = np.add.reduce(spread, axis=axis, where=chosen, dtype=np.float64)
    return float(total) if axis is None else total


def rows_of(batch: Array, weight: Array | None) -> int | float:
    """Return how many rows a batch has, or the sum of their weights."""
    return len(batch) if weight is None else float(weight.sum(dtype=np.float64))


def ratio(part: float, whole: float) -> float:
    """Return a mean over rows, NaN of none and of such that weigh 0."""
    return part / whole if whole else math.nan


def check_names(metrics: Sequence[Metric]) -> None:
    """Raise unless each metric and its copies have a name that tells its numbers apart.

    Examples
    --------
    >>> from ffnn.metrics import Accuracy, check_names
    >>> check_names([Accuracy()])
    >>> try:
    ...     check_names([Accuracy(), Accuracy()])
    ... except ValueError as error:
    ...     print("two of a name")
    two of a name
    """
    taken = {"loss", "val_loss"}
    for metric in metrics:
        name = getattr(metric, "name", None)
        if not isinstance(name, str) or not name:
            raise TypeError(
                f"compile: metric {type(metric).__name__} needs a name: a class attribute "
                f"`name`, a string; got {name!r}"
            )
        better = metric.higher_is_better
        if not (better is None or isinstance(better, bool)):
            raise TypeError(
                f"compile: metric {name!r}: higher_is_better must be True, False or None, "
                f"got {better!r}"
            )
        kept = metric.check_clone("compile").name
        if kept != name:
            raise ValueError(
                f"compile: metric {type(metric).__name__} was given the name {name!r}, but its "
                f"copies and files would have {kept!r}; derive a class of it with this `name`"
            )
        names = [name, f"val_{name}"]
        for each in names:
            if each in taken:
                raise ValueError(
                    f"compile: two numbers would be called {each!r} in the history; give each "
                    f"metric once, and a metric of your own another `name`"
                )
        taken.update(names)
