"""HDF5 files with a config and arrays in them; nothing here knows what a model is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ffnn._version import __version__
from ffnn.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ffnn._types import Array

FORMAT = "ffnn-model"
FORMAT_VERSION = 1

T = TypeVar("T")


def write(
    path: str | os.PathLike[str], config: Mapping[str, Any], arrays: Mapping[str, Array]
) -> None:
    """Write `config` and `arrays` into a new file that then takes the place of `path`.

    Parameters
    ----------
    path : str or path
        Where to.
    config : mapping
        Plain data; stored as UTF-8 JSON in the uint8 dataset ``/config``.
    arrays : mapping of str to ndarray
        Each stored as the dataset of its name.

    Raises
    ------
    OSError
        The file cannot be written; an old one is left as it was.
    """
    import h5py

    target = Path(path)
    text = json.dumps(config, allow_nan=False).encode()
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        with h5py.File(temporary, "w") as file:
            file.attrs["format"] = FORMAT
            file.attrs["format_version"] = FORMAT_VERSION
            file.attrs["library_version"] = __version__
            file.create_dataset("config", data=np.frombuffer(text, np.uint8))
            for name, array in arrays.items():
                file.create_dataset(name, data=array)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def read(
    path: str | os.PathLike[str],
    build: Callable[[dict[str, Any], dict[str, Array]], T],
) -> T:
    """Read a file that `write` made and return what `build` makes of its config and arrays.

    Parameters
    ----------
    path : str or path
        The file.
    build : callable
        Takes config and arrays.

    Raises
    ------
    ModelFileError
        The file is missing, is not of this format, is from a newer version, or is damaged; the
        message names the file and what is wrong.
    """
    import h5py

    if not Path(path).is_file():
        raise ModelFileError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            _check_format(file)
            config = json.loads(file["config"][()].tobytes())
            arrays: dict[str, Array] = {}

            def collect(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset) and name != "config":
                    arrays[name] = item[()]

            file.visititems(collect)
        return build(config, arrays)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path}: not a readable ffnn model: {error}") from error


def _check_format(file: Any) -> None:
    if file.attrs.get("format") != FORMAT:
        raise ModelFileError("this HDF5 file does not hold an ffnn model")
    version = file.attrs["format_version"]
    if version > FORMAT_VERSION:
        needed = file.attrs["library_version"]
        raise ModelFileError(
            f"written in format {version}, newer than format {FORMAT_VERSION} which this version "
            f"reads; install ffnn {needed} or later"
        )
