"""What the command ``ffnn`` tells the shell, and the error that wrong usage raises."""

from __future__ import annotations

import argparse

from ffnn.errors import DataError, ModelFileError, TrainingDivergedError

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
    argparse.ArgumentTypeError: USAGE,
    DataError: USAGE,
    TrainingDivergedError: DIVERGED,
    ModelFileError: BAD_MODEL,
}


def code_of(error: Exception) -> int:
    """Return the exit code of a command that `error` has ended."""
    return next((code for kind, code in BY_ERROR.items() if isinstance(error, kind)), FAILED)
