"""Bounds of what is read from HDF5; `test_hostile_files.py` has the rest."""

import pytest

from ffnn.errors import ModelFileError
from ffnn.saving import hdf5, header, strict_hdf5

pytest.importorskip("h5py")


def test_a_file_of_too_many_parts_is_refused(monkeypatch):
    image = bytes(header.SIZE) + hdf5.build(b"{}", {})
    parts = 8  # superblock; the root's header, its messages, tree, heap, names, node; ...
    monkeypatch.setattr(strict_hdf5, "_MAX_BLOCKS", parts)

    with pytest.raises(ModelFileError, match="one part too many"):
        strict_hdf5.read_arrays(image, header.SIZE)

    monkeypatch.setattr(strict_hdf5, "_MAX_BLOCKS", parts + 2)
    assert list(strict_hdf5.read_arrays(image, header.SIZE)) == ["config"]
