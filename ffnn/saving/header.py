"""The first 512 bytes: a few lines of text that say what follows, and a checksum of it.

HDF5 allows for such a "user block", and its tools skip it. With it, damage is found before anything
is parsed, and a file from a newer version is recognised whatever else has changed.
"""

from __future__ import annotations

import hashlib
import re

from ffnn._version import __version__
from ffnn.errors import ModelFileError

FORMAT = "ffnn-model"
FORMAT_VERSION = 1
SIZE = 512

# The first two lines are the same in all versions of the format.
_FIRST_LINES = re.compile(rb"ffnn-model ([1-9][0-9]{0,8})\nlibrary ([0-9a-z.+]{1,40})\n")
_HEADER = re.compile(
    rb"(ffnn-model [1-9][0-9]{0,8}\nlibrary [0-9a-z.+]{1,40}\nlength ([1-9][0-9]{0,17})\n)"
    rb"sha256 ([0-9a-f]{64})\n\0*"
)


def seal(content: bytes) -> bytes:
    """Return `content`, the HDF5 part, with a header before it."""
    lines = (
        f"{FORMAT} {FORMAT_VERSION}\nlibrary {__version__}\nlength {SIZE + len(content)}\n"
    ).encode()
    digest = _digest(lines, memoryview(content))
    return (lines + f"sha256 {digest}\n".encode()).ljust(SIZE, b"\0") + content


def check_first(first: bytes | bytearray, length: int) -> re.Match[bytes]:
    """Return the header in the first bytes of a file of `length` bytes, or raise ModelFileError.

    This shows whether the rest is worth reading: a model file, of no newer format, of full length.
    """
    header = _match(first)
    if int(header[2]) != length:
        raise ModelFileError(f"damaged: expected {int(header[2])} bytes, got {length}")
    return header


def length(first: bytes | bytearray) -> int:
    """Return the length of a file as its first bytes say it, or raise ModelFileError."""
    return int(_match(first)[2])


def _match(first: bytes | bytearray) -> re.Match[bytes]:
    first_lines = _FIRST_LINES.match(first)
    if first_lines is None:
        raise ModelFileError(f"not an ffnn model: it does not begin with {FORMAT!r}")
    version, library = int(first_lines[1]), first_lines[2].decode()
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"written in format {version}, newer than format {FORMAT_VERSION} which ffnn "
            f"{__version__} reads; install ffnn {library} or later"
        )
    header = _HEADER.fullmatch(first, 0, SIZE)
    if header is None or len(first) < SIZE:
        raise ModelFileError(f"damaged: its first {SIZE} bytes are not a valid header")
    return header


def check(image: bytes | bytearray) -> None:
    """Raise ModelFileError unless every bit of a whole file is as it was written."""
    header = check_first(image, len(image))
    if _digest(header[1], memoryview(image)[SIZE:]) != header[3].decode():
        raise ModelFileError("damaged: its content does not have the SHA-256 in its header")


def _digest(lines: bytes, content: memoryview) -> str:
    """Return the SHA-256 of a header's lines and of all that comes after the header."""
    digest = hashlib.sha256(lines)
    digest.update(content)
    return digest.hexdigest()
