"""What a page needs to know of a training at one moment, copied: nobody changes it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ffnn._types import Array
from ffnn.callbacks import Logs
from ffnn.play.problems import Problem
from ffnn.sequential import Sequential

RUNNING, PAUSED, DIVERGED, FINISHED = "running", "paused", "diverged", "finished"
_MOST_POINTS = 400  # of a curve


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The numbers of a network in training, between two batches.

    Parameters
    ----------
    network : Sequential
        A copy of the network that nobody trains; it has the layers, and other numbers.
    problem : Problem or None
        The rows that it learns, if they are known.
    number : int
        Counts the snapshots.
    state, message : str
        Whether the training runs, and what there is to say about it.
    values, gradients : ndarray
        Copies of the network's `parameters` and `gradients`; the latter may be None.
    layer_states : list of ndarray
        Copies of what layers keep besides, in their order.
    updates, epoch : int
        How many were made.
    updates_per_second, learning_rate : float
        How fast the training runs, and its step size.
    ratios : mapping of str to float
        Layer → |Δw| / |w| of the last update.
    curves : list of (int, Logs)
        Epoch → what it reported; of very many epochs some.
    off : set of (int, int)
        Column and number of the neurons that are switched off.
    frozen : set of str
        Names of the layers that are not trained.
    edits : int
        How many changes by hand can be undone.
    """

    network: Sequential
    problem: Problem | None
    number: int
    state: str
    message: str
    values: Array
    gradients: Array | None
    layer_states: list[Array]
    updates: int
    epoch: int
    updates_per_second: float
    learning_rate: float
    ratios: Mapping[str, float]
    curves: list[tuple[int, Logs]]
    off: frozenset[tuple[int, int]] = frozenset()
    frozen: frozenset[str] = frozenset()
    edits: int = 0


@dataclass
class Curves:
    """What epochs reported: of more than 400 each second one, then each fourth, and so on."""

    points: list[tuple[int, Logs]] = field(default_factory=list)
    step: int = 1

    def add(self, epoch: int, logs: Logs) -> None:
        """Keep what an epoch reported, if it is one of those that are kept."""
        if (epoch - 1) % self.step == 0:
            self.points.append((epoch, dict(logs)))
        if len(self.points) > _MOST_POINTS:
            self.points = self.points[::2]
            self.step *= 2
