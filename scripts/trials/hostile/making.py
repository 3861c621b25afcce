"""Tools for makers of hostile files.

A maker writes a file; the text that it is entered with must be in the message with which the file
is refused. Most files carry a right checksum, as a stranger can compute one too.
"""

from __future__ import annotations

import functools
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

import ffnn
from ffnn import saving
from ffnn.layers import BatchNorm, Dense, Dropout, Normalization
from ffnn.saving import hdf5, header

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Path], object]

KINDS: dict[str, tuple[Maker, str]] = {}
CANARY = b"canary: another file's content, which nobody may read".ljust(96, b".")
WEIGHT = "layers/1_dense_1/weight"  # float32 of shape (4, 3)
BIAS = "layers/1_dense_1/bias"


def kinds(message: str, **makers: Maker) -> None:
    """Register makers under their names, with what the message must contain."""
    for name, make in makers.items():
        key = name.replace("_", " ")
        assert key not in KINDS, key
        KINDS[key] = make, message


def model() -> ffnn.Sequential:
    """Return the small trained model that all makers start from."""
    x = np.random.default_rng(0).standard_normal((12, 3))
    layers = [Normalization().adapt(x), Dense(4, "relu"), BatchNorm(), Dropout(0.2), Dense(1)]
    made = ffnn.Sequential(layers, input_dim=3, seed=1)
    made.compile("adam", "mse", ["mae"])
    made.fit(x, x[:, 0], epochs=2, batch_size=4, verbose=0)
    return made


@functools.cache
def model_bytes() -> bytes:
    """Return the file of that model."""
    return saving.encode(*model().capture())


def sealed(path: Path, content: bytes) -> None:
    """Write HDF5 bytes behind a header that fits them."""
    path.write_bytes(header.seal(content))


# -- changing the HDF5 part --------------------------------------------------------------------


def edited(path: Path, edit: Callable[[h5py.File], object]) -> None:
    """Edit a saved model with h5py, and give it a valid checksum again."""
    path.write_bytes(model_bytes())
    with h5py.File(path, "r+", libver=("earliest", "latest")) as file:
        edit(file)
    sealed(path, path.read_bytes()[header.SIZE :])


def replaced(name: str, make: Callable[[h5py.File, str], object]) -> Maker:
    """Return a maker that replaces an object by another."""

    def edit(file: h5py.File) -> None:
        del file[name]
        make(file, name)

    return lambda path: edited(path, edit)


def stored(**options: Any) -> Maker:
    """Return a maker of a file with the weight stored in another way."""
    return replaced(
        WEIGHT, lambda f, name: f.create_dataset(name, data=np.ones((4, 3), "<f4"), **options)
    )


def patched(change: Callable[[bytearray, int], object]) -> Maker:
    """Return a maker that changes bytes, knowing where the weight's layout message is."""

    def make(path: Path) -> None:
        path.write_bytes(model_bytes())
        content = bytearray(model_bytes()[header.SIZE :])
        change(content, _layout_of(path, WEIGHT))
        sealed(path, bytes(content))

    return make


def put(offset: int, value: bytes, after: bytes = b"") -> Maker:
    """Return a maker that writes `value` at an offset, counted from the first `after`."""

    def change(content: bytearray, _: int) -> None:
        start = content.index(after) + offset
        content[start : start + len(value)] = value

    return patched(change)


def _layout_of(path: Path, name: str) -> int:
    with h5py.File(path, "r") as file:
        dataset = file[name].id
        address, size = dataset.get_offset() - header.SIZE, dataset.get_storage_size()
    content = path.read_bytes()[header.SIZE :]
    return content.index(struct.pack("<2B2Q", 3, 1, address, size))


# -- changing what it holds --------------------------------------------------------------------


def rebuilt(
    path: Path,
    change: Callable[[dict[str, Any]], object] | None = None,
    arrays: dict[str, Any] | None = None,
    text: Callable[[bytes], bytes] | None = None,
) -> None:
    """Write a well-formed file with another config, other arrays (None: none) or JSON."""
    config, kept = saving.decode(model_bytes())
    if change is not None:
        change(config)
    kept |= arrays or {}
    document = {
        "format": header.FORMAT,
        "format_version": header.FORMAT_VERSION,
        "library_version": ffnn.__version__,
        "model": config,
    }
    raw = json.dumps(document).encode()
    if text is not None:
        raw = text(raw)
    sealed(path, hdf5.build(raw, {name: a for name, a in kept.items() if a is not None}))


def configured(change: Callable[[dict[str, Any]], object]) -> Maker:
    """Return a maker of a file with a changed config."""
    return lambda path: rebuilt(path, change)


def with_value(place: str, value: Any) -> Maker:
    """Return a maker of a file with one entry of the config set, as in ``"layers/1/kind"``."""

    def change(config: Any) -> None:
        *parents, last = (int(key) if key.isdigit() else key for key in place.split("/"))
        for key in parents:
            config = config[key]
        config[last] = value

    return configured(change)


def with_array(name: str, array: Any) -> Maker:
    """Return a maker of a file with another array, or without it (None)."""
    return lambda path: rebuilt(path, arrays={name: array})


def with_text(text: Callable[[bytes], bytes]) -> Maker:
    """Return a maker of a file with other JSON."""
    return lambda path: rebuilt(path, text=text)
