"""A scratch file keeps what was appended, and gives up what a disk cannot do."""

from __future__ import annotations

import contextlib
import errno
import os

import numpy as np
import pytest

from ffnn.core import files, scratch
from ffnn.core.scratch import ScratchFile


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(scratch, "_PIECE", 8192)


def written(*sizes):
    """Append pieces of random bytes; return what was appended and what the file holds."""
    arrays = [np.random.default_rng(size).integers(0, 256, size, np.uint8) for size in sizes]
    target = ScratchFile(sum(sizes), "a test")
    for array in arrays:
        target.append(array)
    file = target.finish()
    file.seek(0)
    with contextlib.closing(file):
        return b"".join(array.tobytes() for array in arrays), file.read()


@pytest.mark.parametrize("sizes", [[], [5], [8192], [8192, 1], [8191, 2], [3, 50_000, 0, 8189]])
def test_what_was_appended_is_there(sizes):
    before, after = written(*sizes)
    assert after == before


def test_rows_of_any_dtype_are_appended_and_the_file_is_read_through_the_cache():
    rows = np.random.default_rng(0).standard_normal((333, 7))
    target = ScratchFile(rows.nbytes, "a test")
    target.append(rows)
    with target.finish() as file:
        file.seek(0)
        np.testing.assert_array_equal(np.frombuffer(file.read()).reshape(333, 7), rows)
        if hasattr(os, "O_DIRECT"):
            fcntl = pytest.importorskip("fcntl")
            assert not fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT


class Refusing:
    """A file that refuses its first write."""

    def __init__(self, file, number):
        self.file, self.number, self.refused = file, number, 0

    def write(self, data):
        if not self.refused:
            self.refused += 1
            raise OSError(self.number, os.strerror(self.number))
        return self.file.write(data[: len(data) // 2 + 1])  # part of it, as a disk may do

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="this system writes through its cache")
def test_a_disk_that_wants_the_cache_gets_it(monkeypatch):
    temporary = files.tempfile.TemporaryFile
    refusing = lambda **settings: Refusing(temporary(**settings), errno.EINVAL)  # noqa: E731
    monkeypatch.setattr(files.tempfile, "TemporaryFile", refusing)
    monkeypatch.setattr(
        ScratchFile, "_set_direct", lambda s, is_direct: vars(s).update(_is_direct=is_direct)
    )
    before, after = written(20_000, 20_000)
    assert after == before


def test_a_full_disk_is_told(monkeypatch):
    temporary = files.tempfile.TemporaryFile
    refusing = lambda **settings: Refusing(temporary(**settings), errno.ENOSPC)  # noqa: E731
    monkeypatch.setattr(files.tempfile, "TemporaryFile", refusing)
    target = ScratchFile(10_000, "a test")
    with pytest.raises(OSError, match="No space left"):
        target.append(np.zeros(10_000, np.uint8))
    target.close()
