"""The command ``ffnn``: how it is run, and what becomes of errors.

Read `parser` for its options, then `commands`, `train` and `views` for what the commands do, and
`data` for how they read files. NumPy and all that needs it are loaded when a command runs, so
``ffnn --help`` is quick.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

from ffnn.cli.exit_codes import BY_ERROR, DONE, FAILED, INTERRUPTED, TERMINATED, code_of
from ffnn.cli.parser import build_parser
from ffnn.errors import LayerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after ``ffnn``. Default: those of the process.

    Returns
    -------
    int
        The exit code, one of `ffnn.cli.exit_codes`.
    """
    with contextlib.suppress(AttributeError):  # a stream that stands in for stdout
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        _discard_output()
        return FAILED
    except KeyboardInterrupt as interrupt:
        terminated = type(interrupt) is not KeyboardInterrupt  # its subclass, raised on SIGTERM
        print(f"ffnn: {'terminated' if terminated else 'interrupted'}", file=sys.stderr)
        return TERMINATED if terminated else INTERRUPTED
    except Exception as error:
        if os.environ.get("FFNN_DEBUG"):
            traceback.print_exc()
        print(f"ffnn: error: {_message(error)}", file=sys.stderr)
        return code_of(error)
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = build_parser().parse_args(argv)
    except SystemExit:  # after --help and --version; errors come as ArgumentTypeError
        return DONE
    from ffnn.cli import commands, train, views

    homes = {"train": train, "graph": views, "plot": views, "diagnose": views}
    command: Callable[[argparse.Namespace], int]
    command = getattr(homes.get(args.command, commands), args.command)
    with commands.thread_limit(args):
        return command(args)


def _discard_output() -> None:
    # Otherwise Python complains at exit when it flushes what could not be written.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: Exception) -> str:
    """Return the error in one line."""
    text = " ".join(str(error).split())
    expected = (*BY_ERROR, LayerError, OSError)
    return text if text and isinstance(error, expected) else f"{type(error).__name__}: {text}"
