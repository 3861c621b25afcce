"""Model files: a config and named arrays in HDF5, written whole and read with suspicion.

Nothing here knows what a model is; `docs/format.md` describes the format. Read `header` (512 bytes
with a checksum), `hdf5` (what is written), `strict_hdf5` and `strict_json` (what is accepted),
`schema` (what plain data must look like), then this module.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ffnn._types import Array, FileOrPath
from ffnn._version import __version__
from ffnn.core import files, streams
from ffnn.core.signals import signals_held
from ffnn.errors import ModelFileError
from ffnn.saving import hdf5, header, strict_hdf5, strict_json
from ffnn.saving.schema import check_form

DOCUMENT = {"format": str, "format_version": int, "library_version": str, "model": dict}
MAX_CONFIG_BYTES = 1 << 24  # parsed JSON takes up to some twenty times as much memory
FINITE = ("layers/", "state/")  # what predictions are computed from

T = TypeVar("T")
Build: TypeAlias = Callable[[dict[str, Any], dict[str, Array]], T]


def write(
    place: FileOrPath,
    config: Mapping[str, Any],
    arrays: Mapping[str, Array],
    build: Build[Any] | None = None,
    *,
    system: Any = os,
) -> None:
    """Write plain data and arrays by name into a new file that then takes the place of a path.

    What a symbolic link points to is replaced, and the link stays. Ctrl-C waits until the file is
    complete. `system` has the functions of `os`; tests pass one that fails. An old file is left as
    it was by any error: OSError, or what `encode` raises. An open file gets the same bytes, all
    made before the first is written.
    """
    with signals_held():
        image = encode(config, arrays, build)
        if isinstance(place, (str, os.PathLike)):
            files.replace_whole(place, image, system)
    if not isinstance(place, (str, os.PathLike)):  # what may take for ever, so that Ctrl-C ends it
        streams.write_stream(place, image)


def read(place: FileOrPath, build: Build[T]) -> T:
    """Read what `write` made and return what `build` makes of its config and arrays.

    Any other file, and any error of `build`, is a ModelFileError that names file and place.
    """
    try:
        if isinstance(place, (str, os.PathLike)):
            image = files.read_whole(place, header.SIZE, header.check_first)
        else:
            image = streams.read_stream(place, header.SIZE, header.length)
        return _build(image, build)
    except ModelFileError as error:
        raise ModelFileError(f"{streams.title(place)}: {error}") from error.__cause__


def encode(
    config: Mapping[str, Any], arrays: Mapping[str, Array], build: Build[Any] | None = None
) -> bytes:
    """Return the bytes of a file; equal arguments give equal bytes.

    They are read again before they are returned, and given to `build` as `read` will. TypeError or
    ValueError says why `read` would not give the arguments back.
    """
    document = {
        "format": header.FORMAT,
        "format_version": header.FORMAT_VERSION,
        "library_version": __version__,
        "model": config,
    }
    try:
        text = json.dumps(document, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise type(error)(f"this model cannot be saved: its config is not JSON: {error}") from None
    image = header.seal(hdf5.build(text, arrays))

    def check(config: dict[str, Any], kept: dict[str, Array]) -> None:
        assert kept.keys() == arrays.keys()
        if build is not None:
            build(config, kept)

    try:
        _build(image, check)
    except ModelFileError as error:
        raise ValueError(f"this model cannot be saved: {error}") from error.__cause__
    return image


def _build(image: bytes | bytearray, build: Build[T]) -> T:
    """Return what `build` makes of the content of a file; any error is a ModelFileError."""
    try:
        return build(*decode(image))
    except ModelFileError:
        raise
    except MemoryError:
        raise ModelFileError("needs more memory than there is") from None
    except Exception as error:  # a forged config can fail in any way
        raise ModelFileError(_text(error)) from error


def decode(image: bytes | bytearray) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the config and the arrays in a file's bytes; ModelFileError if `encode` made none."""
    header.check(image)
    arrays = strict_hdf5.read_arrays(image, header.SIZE)
    document = strict_json.parse(_config_text(arrays.pop("config", None)))
    try:
        check_form(document, DOCUMENT, "/config")
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    found = document["format"], document["format_version"]
    if found != (header.FORMAT, header.FORMAT_VERSION):
        raise ModelFileError(f"/config: expected the format of the header, got {found}")
    for name, array in arrays.items():
        if name.startswith(FINITE) and not np.isfinite(array).all():
            raise ModelFileError(f"/{name}: holds infinity or NaN")
    config: dict[str, Any] = document["model"]
    return config, arrays


def _config_text(array: Array | None) -> bytes:
    if array is None:
        raise ModelFileError("/config: missing")
    if array.dtype != np.uint8 or array.ndim != 1:
        raise ModelFileError(
            f"/config: expected uint8 of one dimension, got {array.dtype} of shape {array.shape}"
        )
    if array.size > MAX_CONFIG_BYTES:
        raise ModelFileError(
            f"/config: expected at most {MAX_CONFIG_BYTES} bytes, got {array.size}"
        )
    return array.tobytes()


def _text(error: Exception) -> str:
    text = f"missing {error}" if isinstance(error, KeyError) else str(error) or repr(error)
    return text if text.startswith("/") else f"not a valid model: {text}"  # "/": it has the place
