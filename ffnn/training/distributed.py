"""A step whose parts are computed by several processes, which MPI calls ranks."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.core.mpi import Ranks
from ffnn.training.parts import PartedStep
from ffnn.training.signals import Interrupt
from ffnn.training.step import TrainStep
from ffnn.training.tree import blocks, whole
from ffnn.training.worker import INTERRUPTED, Total, Totals

if TYPE_CHECKING:
    from typing_extensions import Self


class SharedInterrupt(Interrupt):
    """What says on all ranks, behind the same batch, that a signal came to one of them."""

    def __init__(self, own: Interrupt) -> None:
        super().__init__()
        self.own = own

    def agree(self) -> None:
        """Note that one of the ranks had a signal when the last batch was computed."""
        self.requested = self.requested or self.own.requested or int(signal.SIGINT)


@dataclass(eq=False)
class DistributedStep(PartedStep):
    """A step in which rank r of R computes the parts from K·r//R to K·(r+1)//R.

    Each rank adds up what it can of the tree. The vector of the sums is cut into R stretches: each
    rank gets one stretch of all others' sums, adds them up in the tree's order, and sends the
    result to all. Then all have the same gradient, and make the same update.

    The predictions go to rank 0, which alone has the metrics.
    """

    ranks: Ranks | None = None
    is_measured: bool = False

    @classmethod
    def on(cls, ranks: Ranks, step: TrainStep, **options: Any) -> Self:
        """Return such a step of the parts of another one."""
        made = cls.of(step, ranks=ranks, is_measured=bool(step.metrics), **options)
        if ranks.rank:
            made.metrics = ()
        return made

    def follow(self, interrupt: Interrupt) -> Interrupt:
        """Return what says that a signal to any rank ends the training."""
        self._interrupt = SharedInterrupt(interrupt)
        return self._interrupt

    @property
    def own_parts(self) -> tuple[int, int]:
        """The first of the parts that this rank computes, and the one behind the last."""
        assert self.ranks is not None
        return self._parts_of(self.ranks.rank)

    def own_rows(self, rows: int) -> tuple[int, int]:
        """Return the first of a batch's rows that this rank reads, and the one behind the last."""
        first, last = self.own_parts
        return rows * first // self.parts, rows * last // self.parts

    def _parts_of(self, rank: int) -> tuple[int, int]:
        assert self.ranks is not None
        size = self.ranks.size
        return self.parts * rank // size, self.parts * (rank + 1) // size

    def _stretch_of(self, rank: int) -> slice:
        assert self.ranks is not None
        size, entries = self.ranks.size, self.vector.gradients.size
        return slice(entries * rank // size, entries * (rank + 1) // size)

    def add_up(self, totals: Totals) -> Total:
        """Return the sum of all ranks' parts, the same bits on all of them."""
        ranks = self.ranks
        assert ranks is not None
        next(iter(totals.values())).rest[INTERRUPTED] = float(bool(self._interrupt.own.requested))
        totals = {place: self.find_sum(place, totals) for place in blocks(*self.own_parts)}
        stretch = self._stretch_of(ranks.rank)
        stretches = {
            place: Total(total.gradients[stretch], total.rest) for place, total in totals.items()
        }
        own = self.find_sum(whole(self.parts), stretches | self._exchange(totals))
        gradients = self._get("sum", self.vector.gradients.size, own.gradients.dtype)
        gradients[stretch] = own.gradients
        others = [rank for rank in range(ranks.size) if rank != ranks.rank]
        ranks.exchange(
            [(rank, gradients[stretch]) for rank in others],
            [(rank, gradients[self._stretch_of(rank)]) for rank in others],
        )
        if own.rest[INTERRUPTED]:
            self._interrupt.agree()
        return Total(gradients, own.rest)

    def _exchange(self, totals: Totals) -> Totals:
        """Send each rank its stretch of this one's sums, and return all others' for this one's."""
        ranks = self.ranks
        assert ranks is not None
        sent: list[tuple[int, Array]] = []
        received: list[tuple[int, Array]] = []
        found: Totals = {}
        stretch = self._stretch_of(ranks.rank)
        for rank in range(ranks.size):
            if rank == ranks.rank:
                continue
            for total in totals.values():
                sent += [(rank, total.gradients[self._stretch_of(rank)]), (rank, total.rest)]
            for place in blocks(*self._parts_of(rank)):
                known = next(iter(totals.values()))
                theirs = found[place] = Total(
                    self._get(f"gradients {place}", stretch.stop - stretch.start, known[0].dtype),
                    self._get(f"rest {place}", known.rest.size, known.rest.dtype),
                )
                received += [(rank, theirs.gradients), (rank, theirs.rest)]
            if self.is_measured and ranks.rank == 0:
                received.append((rank, self._predictions_of(rank)))
        if self.is_measured and ranks.rank:
            sent.append((0, self._predictions_of(ranks.rank)))
        ranks.exchange(sent, received)
        return found

    def _predictions_of(self, rank: int) -> Array:
        first, last = self._parts_of(rank)
        predictions: Array = self.loss.output[self._present[first] : self._present[last]]
        return predictions

    def _get(self, name: str, size: int, dtype: np.dtype[Any]) -> Array:
        return self._workspace.get(name, (size,), dtype)
