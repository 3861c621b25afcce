"""``ffnn train --distributed``: one of several processes, of which rank 0 speaks for all."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
import warnings
from typing import TYPE_CHECKING

from ffnn.cli.exit_codes import usage_errors
from ffnn.core.console import complain
from ffnn.core.mpi import Ranks, guard_rank, launched_rank, launched_size
from ffnn.core.progress import no_bars
from ffnn.errors import RankLostError, RanksDifferError, TrainingDivergedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_ALL = (RanksDifferError, RankLostError, TrainingDivergedError)  # raised on all ranks alike
_GRACE = 1.0  # seconds that mpiexec has to print what rank 0 has to say

_opened: list[Ranks] = []


@contextlib.contextmanager
def as_rank(args: argparse.Namespace) -> Iterator[None]:
    """Run the command as one of the processes that ``mpiexec`` has started, silently but in rank 0.

    `args.rank` becomes its number.
    """
    args.rank = 0
    if not args.distributed:
        if launched_size() > 1:
            raise argparse.ArgumentTypeError(
                f"mpiexec has started {launched_size()} processes, each of which would train a "
                f"network of its own: give --distributed and --micro-batches K"
            )
        yield
        return
    guard_rank()
    with usage_errors(ImportError, label="--distributed: "):
        ranks = Ranks(args.timeout)
    _opened.append(ranks)
    args.rank = ranks.rank
    with contextlib.ExitStack() as stack:
        if ranks.rank:
            args.quiet = True
            silence = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(silence))
            stack.enter_context(no_bars())
            warnings.simplefilter("ignore")
        yield


def leave(error: Exception, text: str, code: int) -> int:
    """Print the message of an error and return the exit code; end all ranks if only one has it."""
    ranks = _opened[-1] if _opened else None
    if (
        ranks is not None
        and ranks.size > 1
        and not (ranks.has_failed or isinstance(error, _BY_ALL))
    ):
        ranks.abort(text if ranks.rank == 0 else f"{text} (rank {ranks.rank})", code)
    if launched_rank():
        time.sleep(_GRACE)
    else:
        complain(text)
    return code
