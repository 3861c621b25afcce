"""What the command ``ffnn`` tells the shell, and which errors mean wrong usage."""

from __future__ import annotations

import contextlib
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from ffnn.core.mpi import LOST
from ffnn.errors import (
    DataError,
    LayerError,
    ModelFileError,
    RankLostError,
    RanksDifferError,
    TrainingDivergedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE, FAILED, USAGE, DIVERGED, BAD_MODEL, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 4, 130, 143

MEANINGS = {
    DONE: "done",
    FAILED: "failure while running",
    USAGE: "wrong usage or data",
    DIVERGED: "training diverged or learned nothing",
    BAD_MODEL: "bad model file",
    LOST: "a process of --distributed was lost",
    INTERRUPTED: "interrupted",
    TERMINATED: "terminated",
}


class CheckFailedError(Exception):
    """What a command was to check does not hold."""


class NothingLearnedError(Exception):
    """A training ended without an error, and its model is worse than a constant prediction."""


# The errors whose messages need no explanation; any other is a fault of the program.
BY_ERROR: dict[type[Exception], int] = {
    ArgumentTypeError: USAGE,
    DataError: USAGE,
    RanksDifferError: USAGE,
    RankLostError: LOST,
    TrainingDivergedError: DIVERGED,
    NothingLearnedError: DIVERGED,
    ModelFileError: BAD_MODEL,
    CheckFailedError: FAILED,
    LayerError: FAILED,
    MemoryError: FAILED,
    OSError: FAILED,
}


@contextlib.contextmanager
def usage_errors(*kinds: type[Exception], label: str = "") -> Iterator[None]:
    """Turn errors that the library raises about arguments into errors about options."""
    try:
        yield
    except (DataError, RanksDifferError):
        raise
    except kinds as error:
        raise ArgumentTypeError(f"{label}{error}") from error
