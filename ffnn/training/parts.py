"""A step that cuts each batch into parts, whose gradients it adds up: micro-batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.core.memory import Workspace
from ffnn.data.batches import leave_out_absent
from ffnn.layers.base import Layer
from ffnn.training.step import TrainStep
from ffnn.training.tree import add_up, whole
from ffnn.training.worker import FAILED, LOSS, Part, Total, Totals, Worker

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(eq=False)
class PartedStep(TrainStep):
    """A step in which each part of a batch goes forward and back by itself.

    Part i of n rows are the rows from n·i//K to n·(i+1)//K. With m rows and the gradient g of each
    part, the update is by Σ m g / n, which is the gradient of the whole batch; the sum is that of
    `tree`, so its bits depend on K alone, and not on which worker computes what. Penalties, decay
    and clipping come after the sum. What a layer computes of a whole batch, as `BatchNorm` does, is
    of each part by itself; states that follow it change by the mean over the parts, by rows.

    Each generator of the layers draws a key for a batch, and part i draws from the Philox of that
    key, from a counter that begins at i · 2¹⁹².
    """

    parts: int = 1
    workers: int = 1

    @classmethod
    def of(cls, step: TrainStep, **options: Any) -> Self:
        """Return such a step of the parts of another one."""
        own = {field.name: getattr(step, field.name) for field in fields(TrainStep)}
        return cls(**own, **options)

    def __post_init__(self) -> None:
        self._workspace = Workspace("C")
        self._threads: ThreadPoolExecutor | None = None
        super().__post_init__()

    def _follow_trainable(self) -> None:
        super()._follow_trainable()
        self._workers = [Worker(self) for _ in range(self.workers)]

    @property
    def own_parts(self) -> tuple[int, int]:
        """The first of the parts that this process computes, and the one behind the last."""
        return 0, self.parts

    @property
    def is_measured(self) -> bool:
        """Whether predictions are kept for metrics."""
        return bool(self.metrics)

    def forward(self, x: Array, y: Array, weight: Array | None, for_update: bool = False) -> float:
        """Compute all parts, forward and back, and return the loss of the batch."""
        if Layer.switched is not self._switched:
            self._follow_trainable()
        self._is_for_update = for_update
        _, self.target, _ = leave_out_absent(y, y, weight)
        self.tell_updates()
        totals = self._compute(self._cut(x, y, weight))
        self._total = self.add_up(totals)
        loss = float(self._total.rest[LOSS])
        for penalty in self.penalties:
            loss += penalty.value()
        return loss

    def _cut(self, x: Array, y: Array, weight: Array | None) -> dict[int, Part]:
        """Return the parts of this process by number; `x` has the rows of these parts alone."""
        rows, (first, last) = len(y), self.own_parts
        bounds = [rows * number // self.parts for number in range(self.parts + 1)]
        present = bounds  # the same among the rows of weight 0 left out
        if weight is not None:
            present = [int(np.count_nonzero(weight[:bound])) for bound in bounds]
        output: Array | None = None
        if self.is_measured:
            shape = present[-1], self.layers[-1].output_dim or 0
            output = self._workspace.get("output", shape, self.vector.values.dtype)
            self.loss.output = output
        self._present, parts = present, {}
        for number in range(first, last):
            start, stop = bounds[number : number + 2]
            parts[number] = Part(
                x[start - bounds[first] : stop - bounds[first]],
                y[start:stop],
                None if weight is None else weight[start:stop],
                (stop - start) / rows,
                None if output is None else output[present[number] : present[number + 1]],
            )
        return parts

    def _compute(self, parts: dict[int, Part]) -> Totals:
        """Return the sums of the tree that each worker's parts make up."""
        generators = [rng for layer in self.layers for rng in layer.random_generators()]
        keys = [rng.integers(0, 1 << 64, 2, np.uint64) for rng in generators]
        numbers, count = list(parts), len(self._workers)
        shares = [
            {number: parts[number] for number in numbers[start:stop]}
            for start, stop in (
                (len(numbers) * i // count, len(numbers) * (i + 1) // count) for i in range(count)
            )
        ]
        first, *others = zip(self._workers, shares, strict=True)
        if others and self._threads is None:
            self._threads = ThreadPoolExecutor(len(others), "ffnn-worker")
        running = [
            self._threads.submit(worker.compute, share, self.parts, keys)
            for worker, share in others
            if self._threads is not None
        ]
        try:
            totals: Totals = first[0].compute(first[1], self.parts, keys)
        finally:
            for each in running:
                each.exception()  # so that none computes on where another one failed
        for each in running:
            totals |= each.result()
        return totals

    def add_up(self, totals: Totals) -> Total:
        """Return the sum of all parts, from those sums of the tree that are known."""
        return self.find_sum(whole(self.parts), totals)

    def find_sum(self, place: tuple[int, int], totals: Totals) -> Total:
        """Return the sum of a start and a size, from others that are known."""

        def find(start: int, size: int) -> Total | None:
            return totals.get((start, size))

        return add_up(*place, self.parts, find, self._workers[0].add)

    def backward(self) -> None:
        """Fill the gradients for the batch of the last `forward`."""
        np.copyto(self.vector.gradients, self._total.gradients)
        self.vector.has_gradients = True
        for penalty in self._update_penalties if self._is_for_update else self.penalties:
            penalty.add_gradient()

    def check_layers(self) -> None:
        """Raise FloatingPointError if a layer cannot follow a part of the batch."""
        if self._total.rest[FAILED]:
            told = [worker.problem for worker in self._workers if worker.problem]
            raise FloatingPointError([*told, "a layer cannot follow the batch"][0])

    def update_states(self) -> None:
        """Change the states of layers by the mean of what the parts would change them by."""
        self._workers[0].change_states(self._total.rest)

    def release(self) -> None:
        """Release the last batch, and end the threads."""
        super().release()
        for worker in self._workers:
            worker.release()
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
