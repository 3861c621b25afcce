"""What is printed: on standard output if there is one, with nothing that a terminal would obey."""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any, TextIO

from ffnn.errors import visible

_INSIDE = ("ffnn", "sklearn")  # packages whose frames do not say where the user called


def is_open(stream: Any) -> bool:
    """Tell whether a standard stream can be written to.

    It is None in a program without a console and where the shell has closed it. A program may have
    closed it or detached its buffer, or put an object in its place that can do no more than write.
    """
    try:
        return stream is not None and not getattr(stream, "closed", False)
    except ValueError:  # its buffer has been detached
        return False


def is_terminal(stream: Any) -> bool:
    """Tell whether a standard stream is there and is a terminal."""
    return is_open(stream) and hasattr(stream, "isatty") and bool(stream.isatty())


def is_notebook() -> bool:
    """Tell whether this runs in the kernel of a notebook."""
    return "ipykernel" in sys.modules


def takes_bars() -> bool:
    """Tell whether tqdm can draw: on standard error, before which it flushes standard output."""
    return is_open(sys.stderr) and (sys.stdout is None or is_open(sys.stdout))


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


def complain(text: str) -> None:
    """Print lines on standard error, or nowhere if it is not open."""
    if sys.stderr is not None:
        show(text, sys.stderr)


def flush() -> None:
    """Let all that was printed on standard output be seen, if it is open and keeps anything."""
    if is_open(sys.stdout) and hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn, at the line from which the library was called.

    Where standard error is not open, nobody sees it, unless warnings are caught or made errors.
    """
    frame, level = inspect.currentframe(), 1
    while frame is not None and str(frame.f_globals.get("__name__")).split(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    try:
        warnings.warn(visible(text), category, stacklevel=level)
    except ValueError:  # Python writes to a closed stream
        if is_open(sys.stderr):
            raise
