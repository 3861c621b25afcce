"""The page's numbers: all parameters and gradients, at each recorded epoch and now.

Small networks are written to the bit. Of large ones the recorded epochs are rounded: each array to
multiples of a step, as differences from the epoch before, which are small and compress well. The
model as it is, which comes last, is always exact.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.snapshot import Snapshot
from ffnn.models.trainable import Trainable

MAX_EXACT_BYTES = 2_000_000  # of all recorded epochs together, before they are compressed
MAX_NUMBERS = 6_000_000  # of all recorded epochs together
WEIGHT_STEPS, GRADIENT_STEPS = 1023, 63  # of an array, from 0 to its largest value of all epochs
OF_EPOCH, OF_BATCH = "the mean over the epoch's batches", "that of the last batch"


def choose_snapshots(model: Trainable) -> list[Snapshot]:
    """Return the recorded epochs, of very many evenly spaced ones, with the first and the last."""
    snapshots = recorded(model)
    number = min(max(2, MAX_NUMBERS // (2 * model.parameters.size)), len(snapshots))
    places = np.linspace(0, len(snapshots) - 1, number).round().astype(int)
    return [snapshots[place] for place in places]


def recorded(model: Trainable) -> Sequence[Snapshot]:
    """Return the snapshots of a model, if it has any."""
    return [] if model.recording is None else model.recording.snapshots


def describe_states(model: Trainable, shown: Sequence[Snapshot]) -> dict[str, Any]:
    """Return the flat vectors of the snapshots and, last, of the model as it is."""
    is_exact = 2 * len(shown) * model.parameters.nbytes <= MAX_EXACT_BYTES
    sizes = [array.size for layer in model.layers for array in layer.params.values()]
    encode = _encode_exact if is_exact else _encode_rounded
    weights, weight_steps = encode([each.weights for each in shown], sizes, WEIGHT_STEPS)
    gradients, gradient_steps = encode([each.gradients for each in shown], sizes, GRADIENT_STEPS)
    states: list[dict[str, Any]] = [
        {
            "label": f"after epoch {snapshot.epoch + 1}",
            "epoch": snapshot.epoch + 1,
            "gradient_name": OF_EPOCH,
            "weight": weight,
            "gradient": gradient,
        }
        for snapshot, weight, gradient in zip(shown, weights, gradients, strict=True)
    ]
    states.append(
        {
            "label": "the model as it is",
            "epoch": None,
            "gradient_name": OF_BATCH,
            "weight": pack(model.parameters),
            "gradient": pack(model.gradients) if model.has_gradients else None,
        }
    )
    rounding = {"sizes": sizes, "weight": weight_steps, "gradient": gradient_steps}
    left_out = ""
    if len(shown) < (total := len(recorded(model))):
        left_out = f"This page has {len(shown)} of the {total} recorded epochs."
    return {"states": states, "rounding": None if is_exact else rounding, "left_out": left_out}


def pack(array: Array) -> str:
    """Return the values' bytes, little-endian, deflated and in base64."""
    content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def _encode_exact(vectors: Sequence[Array], sizes: Sequence[int], steps: int) -> Any:
    return [pack(vector) for vector in vectors], []


def _encode_rounded(
    vectors: Sequence[Array], sizes: Sequence[int], steps: int
) -> tuple[list[str], list[float]]:
    """Return the vectors in multiples of a step for each array, and these steps.

    Each vector is the difference from the one before, in 16 bits: first all lower bytes, then all
    higher ones.
    """
    stacked = np.nan_to_num(np.array(vectors, np.float64))
    arrays = np.split(stacked, np.cumsum(sizes)[:-1], axis=1)
    found = [float(np.abs(array).max(initial=0.0)) / steps or 1.0 for array in arrays]
    rounded = np.rint(stacked / np.repeat(found, sizes)).astype("<i2")
    differences = np.diff(rounded, axis=0, prepend=np.zeros((1, stacked.shape[1]), "<i2"))
    planes = np.ascontiguousarray(differences).view(np.uint8).reshape(*differences.shape, 2)
    return [pack(np.ascontiguousarray(each.T)) for each in planes], found


def describe_curves(model: Trainable) -> dict[str, Any] | None:
    """Return the losses by epoch, None where there are fewer than two."""
    history = model.history
    if history is None or len(history.epoch) < 2:
        return None
    losses = {name: history.history.get(name) for name in ("loss", "val_loss")}
    return {
        "epochs": [epoch + 1 for epoch in history.epoch],
        "losses": {
            name: [value if np.isfinite(value) else None for value in map(float, values)]
            for name, values in losses.items()
            if values is not None and len(values) == len(history.epoch)
        },
    }
