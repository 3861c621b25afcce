"""What a training consists of, as plain data: one that is resumed has to consist of the same.

`epochs` and `verbose` are left out on purpose, and the files that callbacks write.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks import Callback
from ffnn.core.descriptions import describe
from ffnn.data.batches import Batches, Examples
from ffnn.data.sources import BLOCK_ROWS, Source
from ffnn.data.streams import StreamBatches
from ffnn.layers.base import Layer
from ffnn.schedules import Schedule
from ffnn.training.known_rows import pack_rows

FOUND_AGAIN = ("rows", "validation rows")
MOST_BYTES = 1 << 18  # of the inputs that are read whole; of larger ones, blocks of rows are
_BLOCKS = 64


def fingerprint(
    batches: Batches,
    held_out: Examples | StreamBatches | None,
    learning_rate: float | Schedule,
    callbacks: Sequence[Callback],
    layers: Sequence[Layer],
    accumulate: int,
    micro_batches: int,
) -> dict[str, Any]:
    """Return what has to be the same, by name.

    Data is described by shape, dtype and a checksum: of all targets and weights, and of all inputs
    or, where they are large, of blocks of rows spread evenly over them. `FOUND_AGAIN` is of no
    account: it tells which rows these were.
    """
    examples = batches if isinstance(batches, StreamBatches) else batches.examples
    facts = {
        **_describe_examples("", examples),
        **_describe_examples("validation ", held_out),
        "shuffle": batches.shuffling,
        "steps_per_epoch": batches.max_batches,
        "learning_rate": describe(learning_rate),
        "accumulate": accumulate,
        "micro_batches": micro_batches,
        "frozen": frozen_names(layers),
        **dict(zip(FOUND_AGAIN, map(_pack, (examples, held_out)), strict=True)),
    }
    for index, callback in enumerate(callbacks):
        for name in callback.settings:
            facts[f"callbacks[{index}].{name}"] = plain(getattr(callback, name))
    return facts


def frozen_names(layers: Sequence[Layer]) -> list[str]:
    """Return the parameters that are frozen, such as ``"dense_1.weight"``."""
    return [f"{layer.name}.{name}" for layer in layers for name in layer.frozen]


def rows_of(training: Mapping[str, Any], label: str = "") -> int:
    """Return how many rows a training had, according to its fingerprint; 0 if that does not say.

    `label` is ``""``, or ``"validation "`` for the rows to validate with.
    """
    found = re.search(r"of shape \((\d+),", str(training.get(f"{label}x")))
    return 0 if found is None else int(found[1])


def has_seen(training: Mapping[str, Any], name: str, source: Source, rows: Array) -> bool:
    """Tell whether the rows of these numbers, in their order, are those of a training.

    `name` is that in its fingerprint, such as ``"x"`` or ``"validation y"``.
    """
    most_bytes = MOST_BYTES if name.endswith("x") else np.inf
    return training.get(name) == _describe(source, most_bytes, rows)


def plain(value: Any) -> Any:
    """Return `value`, of lists and dicts, with NumPy's scalars as Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _pack(examples: Examples | StreamBatches | None) -> str | None:
    return None if isinstance(examples, StreamBatches) else pack_rows(examples)


def _describe_examples(
    label: str, examples: Examples | StreamBatches | None
) -> dict[str, str | None]:
    if isinstance(examples, StreamBatches):
        return {f"{label}x": "a stream", f"{label}y": "a stream", f"{label}weights": None}
    if examples is None:
        return {f"{label}x": None, f"{label}y": None, f"{label}weights": None}
    x, y, weight = examples
    return {
        f"{label}x": _describe(x, MOST_BYTES),
        f"{label}y": _describe(y),
        f"{label}weights": None if weight is None else _describe(weight),
    }


def _describe(source: Source, most_bytes: float = np.inf, chosen: Array | None = None) -> str:
    """Describe the rows of a source, or those of the numbers `chosen` in their order."""
    shape = source.shape if chosen is None else (len(chosen), *source.shape[1:])
    rows, row_bytes = shape[0], source.data.dtype.itemsize * math.prod(source.shape[1:])
    if rows * row_bytes <= most_bytes:
        starts, length = np.arange(0, rows, BLOCK_ROWS), BLOCK_ROWS
    else:
        length = max(int(most_bytes) // row_bytes // _BLOCKS, 1)
        starts = np.linspace(0, rows - length, _BLOCKS).astype(int)
    checksum = 0
    for start in map(int, starts):
        stop = min(start + length, rows)
        block = source.read(start, stop) if chosen is None else source.gather(chosen[start:stop])
        checksum = zlib.crc32(np.ascontiguousarray(block).data, checksum)
    return f"{source.data.dtype.name} of shape {shape} with checksum {checksum:08x}"
