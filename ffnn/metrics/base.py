"""What metrics share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.core.memory import Buffered
from ffnn.core.registry import Family
from ffnn.errors import DataError

if TYPE_CHECKING:
    from typing_extensions import Self


class Metric(Buffered):
    """A number about outputs and targets.

    Attributes
    ----------
    name : str
        The name in histories.
    higher_is_better : bool or None
        Whether larger is better, for callbacks that watch it; None says that it is not known.
    loss_task : str or None
        What targets are: "numbers", "probabilities" or "classes", as the model's loss and last
        activation say; None outside a model.
    """

    name: ClassVar[str]
    higher_is_better: ClassVar[bool | None] = None
    loss_task: str | None = None

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
        """Return the metric over all rows since `reset`; NaN, if it can, where there are none."""
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

    def follow(self, task: str | None) -> None:
        """Take note of what a row of targets is in the model that is measured.

        `task` is what `Loss.task_after` the last activation says; None stands for no model.
        """
        self.loss_task = task

    def check_target(self, target: Array) -> None:
        """Raise DataError if the metric means nothing for such targets.

        They are all that will be measured, as the loss has prepared them. Called before any work,
        after `follow`.
        """

    def clone(self) -> Self:
        """Return a new metric made from the same arguments, for the same model."""
        twin = super().clone()
        twin.follow(self.loss_task)
        return twin


METRICS: Family[Metric] = Family("metric", Metric, __package__)


class DenseMetric(Metric):
    """A metric that compares outputs and targets entry by entry."""

    def check_target(self, target: Array) -> None:
        """Raise DataError for class numbers."""
        if target.ndim == 1:
            raise DataError(
                f"metric {self.name!r} compares numbers and cannot be used with class numbers; "
                f"use one-hot rows as y, or another metric"
            )


def check_names(metrics: Sequence[Metric]) -> None:
    """Raise unless each metric and its copies have a name that tells its numbers apart."""
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
        names = {name, f"val_{name}"}
        if names & taken:
            raise ValueError(
                f"compile: two numbers would be called {min(names & taken)!r} in the history; "
                f"give each metric once, and a metric of your own another `name`"
            )
        taken |= names
