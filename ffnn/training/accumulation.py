"""One update for several batches, as if all their rows were one batch."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ffnn._types import Array
from ffnn.core.memory import aligned_full
from ffnn.training.step import TrainStep


@dataclass(eq=False)
class AccumulatingStep(TrainStep):
    """A step that updates once for `every` batches, and at the last one of an epoch.

    With n_j rows and the gradient g_j of batch j, an update is by Σ n_j g_j / Σ n_j, which is the
    gradient of one batch of all these rows: weights are the same for all, and so are penalties.
    What a layer computes of a whole batch, as `BatchNorm` does, is still of each by itself.
    """

    every: int = 1
    batches: int = 1  # of an epoch
    done: int = 0  # of these
    _rows: int = 0  # since the last update, as the two that follow
    _are_present: bool = False  # whether one had a weight that is not 0
    _begins: bool = True

    @classmethod
    def of(cls, step: TrainStep, every: int, batches: int, done: int) -> AccumulatingStep:
        """Return such a step of the parts of another one, behind `done` batches of an epoch."""
        own = {field.name: getattr(step, field.name) for field in fields(TrainStep)}
        return cls(**own, every=every, batches=batches, done=done % batches)

    @property
    def is_plain(self) -> bool:
        """Whether a step is an update: of several it is not."""
        return False

    def __post_init__(self) -> None:
        super().__post_init__()
        gradients = self.vector.gradients
        self._total = aligned_full(gradients.size, gradients.dtype, 0.0)

    @property
    def is_between_updates(self) -> bool:
        """Whether all batches so far had their update."""
        return self._begins

    def __call__(self, x: Array, y: Array, weight: Array | None) -> float:
        """Take one batch into the next update and return its loss; see `TrainStep`."""
        if self._begins:
            self._rows, self._are_present = 0, False
        self._new_rows = len(x)
        self._rows += self._new_rows
        self.done = (self.done + 1) % self.batches
        self._is_due = self.done % self.every == 0
        loss = super().__call__(x, y, weight)
        assert self.target is not None
        if not len(self.target):  # such a batch counts by its number of rows alone
            self.backward()
            if self._is_due and self._are_present:
                super().update()
        self._begins = self._is_due
        return loss

    def backward(self) -> None:
        """Fill the gradients with the mean over the rows since the last update."""
        super().backward()
        gradients = self.vector.gradients
        if self._begins:
            np.multiply(gradients, self._new_rows, out=self._total)
        else:
            gradients *= self._new_rows
            self._total += gradients
        np.divide(self._total, self._rows, out=gradients)

    def update(self) -> None:
        """Update, if it is time to; check that all layers can follow the batch in any case."""
        self._are_present = True
        if self._is_due:
            super().update()
        else:
            self.check_layers()
