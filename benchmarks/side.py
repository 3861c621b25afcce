"""What each side of the training benchmark is: one library that trains one network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import initial_weights, make_data

if TYPE_CHECKING:
    from common import Weights, Work


class Side:
    """One library on one work: builds and compiles everything that is not timed.

    Parameters
    ----------
    work : Work
        What is trained.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.x, self.y = make_data(work)
        self.initial = initial_weights(work)
        self.build()

    def build(self) -> None:
        """Make the network."""

    def reset(self) -> None:
        """Restore the initial weights, with a fresh optimizer."""

    def fit(self) -> None:
        """Train for all epochs and return when the weights are final; this is timed."""

    def weights(self) -> Weights | None:
        """Return (weight (units, inputs), bias) of each layer, or None if nothing is trained."""
        return None
