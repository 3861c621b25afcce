"""The HDF5 part of a model file, as it is written."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from ffnn._types import Array
from ffnn.saving.header import SIZE
from ffnn.saving.strict_hdf5 import DTYPES

_NUMBERS = itertools.count()


def build(config: bytes, arrays: Mapping[str, Array]) -> bytes:
    """Return an HDF5 file made in memory, without the user block that belongs before it.

    `config` becomes the dataset ``/config``, each array the contiguous little-endian dataset of its
    name.
    """
    import h5py

    # The oldest version of each structure: what `strict_hdf5` and every HDF5 library reads. All
    # libraries since 1.14 write the same bytes for it, without dates. `track_order`, which the user
    # may have set for all files, asks for newer structures.
    options = {"driver": "core", "backing_store": False, "libver": ("earliest", "v108")}
    # No other file of the process may have its name, nor one that another thread of a process that
    # this one was forked from was writing then, which stays open here for good.
    name = f"model {next(_NUMBERS)}"
    with h5py.File(name, "w", userblock_size=SIZE, track_order=False, **options) as file:
        file.create_dataset("config", data=np.frombuffer(config, np.uint8), track_order=False)
        for name, array in arrays.items():
            stored = array.astype(array.dtype.newbyteorder("<"), copy=False)
            if stored.dtype not in DTYPES.values():
                raise ValueError(
                    f"{name}: expected float32, float64 or int64, got {array.dtype}: it cannot "
                    "be saved"
                )
            if not {"", ".", ".."}.isdisjoint(name.split("/")) or "\0" in name:
                raise ValueError(f"{name!r} is not a name for an array: it cannot be saved")
            group = name.rpartition("/")[0]
            if group and group not in file:
                file.create_group(group, track_order=False)
            file.create_dataset(name, data=stored, track_order=False)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image
