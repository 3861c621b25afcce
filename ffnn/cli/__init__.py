"""The command ``ffnn``: how it is run, and what becomes of errors.

Read `parser` for its options and `misplaced` for where they have no meaning, then `commands` and
`train` for what the commands do, and `data` for how they read files. NumPy and all that needs it
are loaded when a command runs, so ``ffnn --help`` is quick.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, TextIO

from ffnn.cli.exit_codes import BY_ERROR, DONE, FAILED, INTERRUPTED, TERMINATED, usage_errors
from ffnn.cli.misplaced import choose_preset, refuse_misplaced
from ffnn.cli.parser import build_parser
from ffnn.cli.ranks import as_rank, leave
from ffnn.core import clock
from ffnn.core.console import complain, flush
from ffnn.core.mpi import launched_rank
from ffnn.core.progress import no_bars

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


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
    began = clock.now()
    with contextlib.suppress(AttributeError, ValueError):  # a stand-in for stdout, none, closed
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        try:
            _run(argv, began)
        finally:
            flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        # Otherwise Python complains at exit when it flushes what could not be written.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt as interrupt:
        terminated = type(interrupt) is not KeyboardInterrupt  # its subclass, raised on SIGTERM
        end = "terminated" if terminated else "interrupted"
        if not launched_rank():
            complain(" ".join(["ffnn:", end, *interrupt.args]))
        return TERMINATED if terminated else INTERRUPTED
    except Exception as error:
        if os.environ.get("FFNN_DEBUG"):
            complain(traceback.format_exc().rstrip("\n"))
        kind = next((kind for kind in BY_ERROR if isinstance(error, kind)), None)
        text = f"ffnn: error: {_message(error, is_known=kind is not None)}"
        return leave(error, text, BY_ERROR[kind] if kind else FAILED)
    return DONE


def _message(error: Exception, *, is_known: bool) -> str:
    """Return what is said of an error: a line, or one for each problem that it lists."""
    if len(getattr(error, "problems", ())) > 1:
        from ffnn.cli.output import filled

        title, *lines = str(error).splitlines()
        return "\n".join([title, *map(filled, lines)])
    text = " ".join(str(error).split())
    return text if text and is_known else f"{type(error).__name__}: {text}"


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning alone; where in the code it comes from says nothing here."""
    complain(f"ffnn: warning: {message}")


def _run(argv: Sequence[str] | None, began: float) -> None:
    try:
        args = build_parser().parse_args(argv, argparse.Namespace(began=began))
    except SystemExit:  # after --help and --version; errors come as ArgumentTypeError
        return
    choose_preset(args)
    refuse_misplaced(args)
    from ffnn.cli import commands, info, train
    from ffnn.threads import limit_threads, one_thread

    args.loading = clock.now() - began
    module: ModuleType = {"train": train, "info": info}.get(args.command, commands)
    if args.command == "play":
        module = importlib.import_module("ffnn.cli.play")
    command = getattr(module, args.command)
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.showwarning = _show_warning
        if getattr(args, "quiet", False):
            stack.enter_context(no_bars())
        if getattr(args, "threads", None) is not None:
            with usage_errors(ImportError, RuntimeError, label="--threads: "):
                stack.enter_context(limit_threads(args.threads))
        elif getattr(args, "preset", None) == "table":
            stack.enter_context(one_thread())
        if args.command == "train":
            stack.enter_context(as_rank(args))
        command(args)
