"""The parameters of a network at the end of an epoch."""

from __future__ import annotations

from dataclasses import dataclass

from ffnn._types import Array


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All parameters and gradients of one epoch.

    Attributes
    ----------
    epoch : int
        The epoch's number, counted from 0.
    weights : ndarray of shape (size,)
        The parameters at the epoch's end, laid out like ``model.parameters``.
    gradients : ndarray of shape (size,)
        The mean of the gradients of the epoch's batches, laid out alike.
    """

    epoch: int
    weights: Array
    gradients: Array
