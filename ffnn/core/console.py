"""What is printed: on standard output if there is one, with nothing that a terminal would obey."""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any, TextIO

from ffnn.errors import visible


def is_open(stream: Any) -> bool:
    """Tell whether a standard stream can be written to.

    It is None in a program without a console and where the shell has closed it.
    """
    return stream is not None and not getattr(stream, "closed", False)


def is_terminal(stream: Any) -> bool:
    """Tell whether a standard stream is there and is a terminal."""
    return is_open(stream) and bool(stream.isatty())


def show(text: str, stream: TextIO | None = None) -> None:
    """Print lines on standard output or `stream`, or nowhere if it is not open.

    What cannot be printed is written as an escape, and what the stream cannot encode as "?".
    """
    stream = sys.stdout if stream is None else stream
    if not is_open(stream):
        return
    lines = f"{visible(text)}\n"
    try:
        stream.write(lines)
    except UnicodeEncodeError as error:
        stream.write(lines.encode(error.encoding, "replace").decode(error.encoding))


def warn(text: str) -> None:
    """Warn, at the line from which the library was called."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and str(frame.f_globals.get("__name__")).split(".")[0] == "ffnn":
        frame, level = frame.f_back, level + 1
    warnings.warn(visible(text), stacklevel=level)
