"""The page's rows: what the network, as it is and at each recorded epoch, makes of them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.snapshot import Snapshot
from ffnn.errors import DataError
from ffnn.models.decisions import names_of, task_of
from ffnn.models.trainable import Trainable
from ffnn.visualization.page_states import pack
from ffnn.visualization.passes import Passes, open_rows, run_rows

MAX_NUMBERS = 4  # of a row's target that name it


def describe_rows(
    model: Trainable, x: Any, y: Any, snapshots: Sequence[Snapshot]
) -> dict[str, Any] | None:
    """Return the rows and their passes, or None where no rows are given and none were kept.

    ``passes`` are those of the snapshots and, last, of the model as it is. None stands for a
    snapshot without the statistics that a layer kept of its batches.
    """
    opened = _open_recorded(model) if x is None else open_rows(model, x, y)
    if opened is None:
        return None
    rows, targets = opened
    twin = model.twin()
    now = run_rows(twin, rows, targets)
    passes: list[dict[str, Any] | None] = []
    for snapshot in snapshots:
        twin.parameters[:] = snapshot.weights
        is_known = snapshot.restore_statistics(twin.layers)
        passes.append(_pack(run_rows(twin, rows, targets), now) if is_known else None)
    return {
        "count": len(rows),
        "labels": _labels(model, targets),
        "classes": _classes(model, targets),
        "inputs": pack(now.inputs),
        "are_shares": _are_shares(model),
        "passes": [*passes, _pack(now, now)],
    }


def _open_recorded(model: Trainable) -> tuple[Array, Array | None] | None:
    """Return the rows of the recording, without targets that the loss does not take any more."""
    recorded = None if model.recording is None else model.recording.rows
    if recorded is None:
        return None
    if model.loss is not None:
        with contextlib.suppress(DataError):
            return open_rows(model, recorded.x, recorded.y)
    return open_rows(model, recorded.x, None)


def _pack(passes: Passes, now: Passes) -> dict[str, Any]:
    are_same = passes.inputs.tobytes() == now.inputs.tobytes()
    return {
        "inputs": None if are_same else pack(passes.inputs),  # those of the model as it is
        "sums": pack(passes.sums),
        "outputs": pack(passes.outputs),
        "slopes": None if passes.slopes is None else pack(passes.slopes),
        "losses": None
        if passes.losses is None
        else [loss if np.isfinite(loss) else None for loss in passes.losses.tolist()],
    }


def _classes(model: Trainable, targets: Array | None) -> list[int] | None:
    """Return the class of each row, None where a row has none or several."""
    if targets is None or task_of(model) != "classes":
        return None
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0] > 0.5
    classes: list[int] = (targets if targets.ndim == 1 else targets.argmax(axis=1)).tolist()
    return [int(number) for number in classes]


def _labels(model: Trainable, targets: Array | None) -> list[str] | None:
    """Return what each row's target is called."""
    if targets is None:
        return None
    if (classes := _classes(model, targets)) is not None:
        names = names_of(model.class_names, model.output_dim or 1, "classes")
        return [names[number] for number in classes]
    rows = targets.reshape(len(targets), -1)[:, :MAX_NUMBERS].tolist()
    return [", ".join(f"{value:.4g}" for value in row) for row in rows]


def _are_shares(model: Trainable) -> bool:
    """Tell whether all outputs are from 0 to 1."""
    activation = model.last_activation
    low, high = (-np.inf, np.inf) if activation is None else activation.output_range
    return low >= 0.0 and high <= 1.0
