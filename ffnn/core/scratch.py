"""Files that hold what is too much for the memory, and are gone once they are closed."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from typing import BinaryIO

import numpy as np

from ffnn._types import Array
from ffnn.core.files import scratch_file

_PIECE = 1 << 23  # bytes that are written at once


class ScratchFile:
    """A file without a name that is written once, from its beginning to its end.

    It lies where temporary files do, which the variable TMPDIR says. Where the system can do it,
    pieces go to the disk past its cache, which takes a third of the time for gigabytes.

    Parameters
    ----------
    size : int
        How many bytes it will have. OSError: there is no room for them.
    purpose : str
        What it is for, of which that message tells.
    """

    def __init__(self, size: int, purpose: str) -> None:
        self._file = scratch_file(size, purpose)
        self._piece = np.frombuffer(mmap.mmap(-1, _PIECE), np.uint8)  # which begins with a page
        self._filled = 0
        self._set_direct(True)

    def append(self, values: Array) -> None:
        """Add the bytes of a contiguous array."""
        data = values.reshape(-1).view(np.uint8)
        while len(data):
            part = data[: _PIECE - self._filled]
            self._piece[self._filled : self._filled + len(part)] = part
            self._filled, data = self._filled + len(part), data[len(part) :]
            if self._filled == _PIECE:
                self._write()

    def finish(self) -> BinaryIO:
        """Write what is left; return the file, to be read."""
        self._set_direct(False)  # the last piece is not a whole number of disk blocks
        self._write()
        return self._file

    def close(self) -> None:
        """Give the file up."""
        self._file.close()

    def _write(self) -> None:
        view = self._piece[: self._filled].data
        while view:
            try:
                view = view[self._file.write(view) :]
            except OSError as error:
                if error.errno != errno.EINVAL or not self._is_direct:
                    raise
                self._set_direct(False)  # this disk wants other pieces
        self._filled = 0

    def _set_direct(self, is_direct: bool) -> None:
        """Have writes go past the system's cache, or no longer."""
        self._is_direct = False
        if hasattr(os, "O_DIRECT"):
            import fcntl

            with contextlib.suppress(OSError):  # a file system that does not know it
                flags = fcntl.fcntl(self._file, fcntl.F_GETFL) & ~os.O_DIRECT
                flags |= os.O_DIRECT if is_direct else 0
                fcntl.fcntl(self._file, fcntl.F_SETFL, flags)
                self._is_direct = is_direct
