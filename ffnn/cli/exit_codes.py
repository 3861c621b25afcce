"""What the command ``ffnn`` tells the shell, and which errors mean wrong usage."""

from __future__ import annotations

import contextlib
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from ffnn.errors import DataError, ModelFileError, TrainingDivergedError

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE, FAILED, USAGE, DIVERGED, BAD_MODEL, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 4, 130, 143

MEANINGS = {
    DONE: "done",
    FAILED: "failure while running",
    USAGE: "wrong usage or data",
    DIVERGED: "training diverged",
    BAD_MODEL: "bad model file",
    INTERRUPTED: "interrupted",
    TERMINATED: "terminated",
}
BY_ERROR = {
    ArgumentTypeError: USAGE,
    DataError: USAGE,
    TrainingDivergedError: DIVERGED,
    ModelFileError: BAD_MODEL,
}


def code_of(error: Exception) -> int:
    """Return the exit code of a command that `error` has ended."""
    return next((code for kind, code in BY_ERROR.items() if isinstance(error, kind)), FAILED)


@contextlib.contextmanager
def usage_errors(*kinds: type[Exception], label: str = "") -> Iterator[None]:
    """Turn errors that the library raises about arguments into errors about options."""
    try:
        yield
    except DataError:
        raise
    except kinds as error:
        raise ArgumentTypeError(f"{label}{error}") from error
