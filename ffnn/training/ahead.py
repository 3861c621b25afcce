"""`Ahead`: many steps in one compiled call, between two moments at which Python is needed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ffnn._types import Array
from ffnn.data.batches import Batches
from ffnn.data.sources import ArraySource
from ffnn.metrics import Metric
from ffnn.training.position import Sums
from ffnn.training.step import Penalty, TrainStep

SECONDS = 0.05  # that a call should take at most, as Ctrl-C waits for it


class Runs(Protocol):
    """Steps that one call makes one after another, with the bits of single ones."""

    def takes(
        self,
        x: Array,
        y: Array,
        weight: Array | None,
        rows: int,
        metrics: Sequence[Metric],
        penalties: Sequence[Penalty],
    ) -> bool:
        """Tell whether it takes batches of so many of these rows, which come next then."""

    def run(self, order: Array, total: float) -> tuple[int, float]:
        """Make steps of rows in this order, and return how many, and the new sum of losses."""


class Ahead:
    """What makes the next steps of a training after one that was made by itself.

    A call makes only steps whose success is certain: what may fail, or has to be told to callbacks,
    is left to the single step. How many steps a call makes depends on the time that they take; the
    results do not.

    Parameters
    ----------
    runs : Runs
        Which makes the steps.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self._most, self._waits, self._failures = 8, 0, 0

    def run(self, step: TrainStep, batches: Iterable[Any], sums: Sums) -> None:
        """Train on some of the batches that come next, or none, and add to the sums of an epoch."""
        if type(batches) is not Batches or not step.is_plain:
            return
        if self._waits:
            self._waits -= 1
            return
        x, y, weight = batches.examples
        order, rows = batches.ahead, batches.batch_size
        are_arrays = all(type(each) is ArraySource for each in (x, y, weight) if each is not None)
        if not (len(order) and are_arrays):
            return
        data = x.data, y.data, None if weight is None else weight.data
        if not self.runs.takes(*data, rows, step.metrics, step.penalties):
            return
        asked = min(len(order) // rows, self._most)
        start = time.perf_counter()
        done, sums.total = self.runs.run(order[: asked * rows], sums.total)
        seconds = time.perf_counter() - start
        sums.rows += done * rows
        sums.batches += done
        batches.skip(done)
        if done:
            self._most = max(1, int(SECONDS / seconds * done))
        # After a step that was refused, the next ones may be too.
        self._failures = 0 if done else min(self._failures + 1, 10)
        self._waits = 2**self._failures - 1
