"""A number for each row of a training, to find these rows again in any order and among others."""

from __future__ import annotations

import base64
import binascii
import math

import numpy as np

from ffnn._types import Array
from ffnn.data.batches import Examples
from ffnn.data.sources import BLOCK_ROWS, Source

MOST_ROWS, MOST_BYTES = 1 << 13, 1 << 24  # of a training, to be kept; others have no numbers
_BLOCK_BYTES = 1 << 20  # that are read together, or so many rows as anywhere
_LEAST_DISTINCT = 0.95  # of its rows: where fewer differ, new ones may be the same by chance


def pack_rows(examples: Examples | None) -> str | None:
    """Return the numbers of all rows as a text of base64, None where that tells nothing."""
    if examples is None or len(examples.x) > MOST_ROWS:
        return None
    x = examples.x
    if np.prod(x.shape, dtype=float) * x.data.dtype.itemsize > MOST_BYTES:
        return None
    numbers = np.sort(numbers_of(examples.x, examples.y))
    numbers = numbers[np.append(True, numbers[1:] != numbers[:-1])]
    if len(numbers) < _LEAST_DISTINCT * len(x):
        return None
    return base64.b64encode(numbers.astype("<u4").tobytes()).decode()


def unpack_rows(text: object) -> Array:
    """Return the numbers of which `pack_rows` made a text; none of what is no such text."""
    try:
        return np.frombuffer(base64.b64decode(str(text or ""), validate=True), "<u4")
    except (binascii.Error, ValueError):  # of a damaged file
        return np.empty(0, "<u4")


def numbers_of(x: Source, y: Source) -> Array:
    """Return a number of 32 bits for each row, which follows from its inputs and its target."""
    numbers = np.zeros(len(x), np.uint64)
    for source in (x, y):
        row_bytes = source.data.dtype.itemsize * math.prod(source.shape[1:])
        length = max(BLOCK_ROWS, _BLOCK_BYTES // row_bytes)
        for start in range(0, len(x), length):
            stop = min(start + length, len(x))
            numbers[start:stop] = _mixed(numbers[start:stop], source.read(start, stop))
    found: Array = (numbers >> np.uint64(32)).astype(np.uint32)
    return found


def _mixed(numbers: Array, block: Array) -> Array:
    """Return the numbers of rows after more entries, whose bits are multiplied by fixed numbers."""
    data = np.ascontiguousarray(block).reshape(len(block), -1)
    size = data.dtype.itemsize * data.shape[1]
    if size % 4:
        words = np.zeros((len(block), -(-size // 4)), np.uint32)
        words.view(np.uint8)[:, :size] = data.view(np.uint8)
    else:
        words = data.view(np.uint32)
    factors = _scrambled(np.arange(1, words.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    return _scrambled(numbers + np.einsum("ij,j->i", words, factors))


def _scrambled(numbers: Array) -> Array:
    """Return numbers of 64 bits in which each bit depends on many, by SplitMix64."""
    numbers = numbers * np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scrambled: Array = numbers ^ (numbers >> np.uint64(31))
    return scrambled
