"""Open binary files, such as an `io.BytesIO`, in the place of a path."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Callable
from typing import IO, Any, Literal

from ffnn._types import FileOrPath
from ffnn.core.checks import check_path
from ffnn.core.files import Content, check_size
from ffnn.core.text import shown
from ffnn.errors import ModelFileError

_DONE = {"read": "read", "write": "written"}
_CHUNK = 1 << 20  # bytes that are read together: a stream cannot be asked for its length


def check_place(
    owner: str, name: str, value: Any, method: Literal["read", "write"]
) -> str | IO[bytes]:
    """Return a path as a string, or an open binary file that can be read or written, as it is."""
    if isinstance(value, (str, bytes, os.PathLike)):
        return check_path(owner, name, value, needs_name=method == "write")
    wanted = f"{owner}: {name} must be a path or an open binary file"
    if isinstance(value, type) or not callable(getattr(value, method, None)):
        raise TypeError(f"{wanted}, got {shown(value)}")
    if isinstance(value, io.TextIOBase) or hasattr(value, "encoding"):
        mode = f"{method[0]}b"
        raise TypeError(f"{wanted}, got a text file: {title(value)}; open it in mode {mode!r}")
    if getattr(value, "closed", False):
        raise ValueError(f"{wanted}, got a closed one: {title(value)}")
    able = getattr(value, "readable" if method == "read" else "writable", None)
    if able is not None and not able():
        raise ValueError(f"{wanted}, got one that cannot be {_DONE[method]}: {title(value)}")
    stream: IO[bytes] = value
    return stream


def title(place: FileOrPath) -> str:
    """Return what a message calls a path or an open file."""
    if isinstance(place, (str, bytes, os.PathLike)):
        return os.fsdecode(place)
    name = getattr(place, "name", None)
    return name if isinstance(name, str) else f"<{type(place).__name__}>"


def read_stream(stream: IO[bytes], start: int, length_of: Callable[[bytearray], int]) -> bytearray:
    """Return what an open file holds from its position to its end.

    `length_of` takes the first `start` bytes and returns the length of all, or raises if the rest
    is not worth reading. Memory grows only with what is there, and a file without an end is refused
    after a byte more. ModelFileError is raised where the file cannot be read.
    """
    content = bytearray()
    try:
        _read(stream, content, start)
        if not content:
            raise ModelFileError("no bytes at its position or after it; seek(0) goes to its start")
        length = length_of(content)
        check_size(length)
        _read(stream, content, length + 1)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"cannot be read: {error}") from None
    if len(content) > length:
        raise ModelFileError(f"damaged: expected {length} bytes, got more")
    return content


def _read(stream: IO[bytes], content: bytearray, length: int) -> None:
    """Add bytes to `content` until it has this length, or no more are there."""
    while len(content) < length:
        part: Any = stream.read(min(length - len(content), _CHUNK))
        if not isinstance(part, (bytes, bytearray)):
            problem = "none are there yet" if part is None else f"got {shown(part, 40)}"
            raise ModelFileError(f"cannot be read: expected bytes, {problem}")
        if not part:
            return
        content += part


def write_stream(stream: IO[bytes], content: Content) -> None:
    """Write all of `content` at the position of an open file, and cut off what lay behind it.

    The position is at the end then. After an error it is where it was, as far as the file can go
    back; what was written until then stays.
    """
    start = _position(stream)
    view = memoryview(content)
    try:
        while view:
            view = view[_written(stream, view) :]
        if hasattr(stream, "flush"):
            stream.flush()
    except BaseException:
        if start is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.seek(start)
        raise
    if start is not None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.truncate()


def _position(stream: IO[bytes]) -> int | None:
    """Return where an open file stands, None if it only goes forward."""
    try:
        return stream.tell() if stream.seekable() else None
    except (OSError, ValueError, AttributeError):
        return None


def _written(stream: IO[bytes], view: memoryview) -> int:
    """Write bytes and return how many an open file has taken."""
    count: Any = stream.write(view)
    if count is None and not isinstance(stream, io.RawIOBase):
        return len(view)  # what is no file of Python's, and says nothing, has taken all
    if not count or count < 0:
        raise OSError(errno.EIO, "nothing could be written")
    return int(count)
