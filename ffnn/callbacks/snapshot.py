"""The parameters of a network at the end of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.history import check_epochs


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
    statistics : ndarray of shape (entries,), optional
        What layers such as `BatchNorm` kept of their batches by then, all in one; None if there is
        no such layer, or if it was not recorded.
    """

    epoch: int
    weights: Array
    gradients: Array
    statistics: Array | None = None

    def restore_statistics(self, layers: Iterable[Any]) -> bool:
        """Give layers the statistics of then; tell whether all that they keep is known."""
        arrays = batch_statistics(layers)
        if self.statistics is None:
            return not arrays
        ends = np.cumsum([array.size for array in arrays], dtype=np.intp)
        for array, part in zip(arrays, np.split(self.statistics, ends[:-1]), strict=True):
            array[...] = part.reshape(array.shape)
        return True


def batch_statistics(layers: Iterable[Any]) -> list[Array]:
    """Return the arrays that layers keep of their batches, such as moving means."""
    return [array for layer in layers if layer.depends_on_batch for array in layer.state.values()]


# -- in files ------------------------------------------------------------------------------------

_FIELDS = ("weights", "gradients")


def snapshot_arrays(snapshots: Sequence[Snapshot]) -> dict[str, Array]:
    """Return the numbers of snapshots as arrays by name, NaN for statistics that are not known."""
    if not snapshots:
        return {}
    epochs = np.array([each.epoch for each in snapshots], np.int64)
    found = {name: np.array([getattr(each, name) for each in snapshots]) for name in _FIELDS}
    known = [each.statistics for each in snapshots if each.statistics is not None]
    if known:
        unknown = np.full_like(known[0], np.nan)
        then = [unknown if each.statistics is None else each.statistics for each in snapshots]
        found["statistics"] = np.array(then)
    return {f"snapshots/{name}": array for name, array in {"epochs": epochs, **found}.items()}


def restore_snapshots(arrays: Mapping[str, Array]) -> list[Snapshot]:
    """Return the snapshots of which `snapshot_arrays` returned these; ValueError if of none."""
    if "snapshots/epochs" not in arrays:
        return []
    epochs: list[int] = arrays["snapshots/epochs"].tolist()
    check_epochs(epochs, "/recording/snapshots/epochs")
    then: Sequence[Array | None] = [None] * len(epochs)
    if "snapshots/statistics" in arrays:
        then = [None if np.isnan(row).all() else row for row in arrays["snapshots/statistics"]]
    fields = [arrays[f"snapshots/{name}"] for name in _FIELDS]
    return [Snapshot(*each) for each in zip(epochs, *fields, then, strict=True)]
