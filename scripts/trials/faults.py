"""Every system call of a save fails in turn."""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING, Any

from ffnn import saving
from trials.common import Result, temporaries
from trials.crashes import image_of, two_models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ERRORS = (errno.ENOSPC, errno.EIO)
CALLS = (
    "access",
    "chmod",
    "close",
    "fsync",
    "listdir",
    "open",
    "replace",
    "stat",
    "unlink",
    "write",
)


class FailingSystem:
    """The functions of `os`; the one that is called as number `at` fails.

    Parameters
    ----------
    at : int
        Which call fails, counted from 0.
    error : int
        The number of the error.
    and_all_after : bool, default False
        Whether later calls fail as well.
    longest_write : int, optional
        How many bytes a call writes at most.

    Attributes
    ----------
    calls : list of str
        What was called.
    """

    def __init__(
        self, at: int, error: int, and_all_after: bool = False, longest_write: int | None = None
    ) -> None:
        self.calls: list[str] = []
        self.at, self.and_all_after = at, and_all_after
        self._error = error
        self._longest_write = longest_write

    def __getattr__(self, name: str) -> Callable[..., Any]:
        assert name in CALLS, name
        return lambda *arguments: self._call(name, arguments)

    def _call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        if number == self.at or (self.and_all_after and number > self.at):
            if name == "close":  # a failing close closes all the same
                os.close(*arguments)
            raise OSError(self._error, os.strerror(self._error))
        if name == "write" and self._longest_write is not None:
            descriptor, view = arguments
            arguments = descriptor, view[: self._longest_write]
        return getattr(os, name)(*arguments)


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Make each call fail, alone or with all later ones, with and without an old file."""
    del cases, seed
    result = Result()
    models, path = two_models(), folder / "model.h5"
    old, new = (image_of(model) for model in models)
    content = models[1].capture()
    for before, error, and_all_after in itertools.product((old, None), ERRORS, (False, True)):
        for at in itertools.count():
            system = FailingSystem(at, error, and_all_after, longest_write=100_000)
            _prepare(path, before)
            raised = _save(path, content, system)
            if at >= len(system.calls):  # nothing has failed
                break
            what = _problem(path, before, new, system, raised)
            if what:
                result.fail(result.cases, f"{what}: {system.calls}, {error}, {and_all_after}")
            result.count(f"{system.calls[at]} failed")
            result.cases += 1
            advance(1)
        if raised is not None or path.read_bytes() != new:
            result.fail(result.cases, "not saved, though nothing failed")
    result.control = _control(path, old)
    return result


def _prepare(path: Path, before: bytes | None) -> None:
    for left in temporaries(path.parent):
        left.unlink()
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before)


def _save(path: Path, content: Any, system: Any) -> OSError | None:
    try:
        saving.write(path, *content, system=system)
    except OSError as error:
        return error
    return None


def _problem(
    path: Path, before: bytes | None, new: bytes, system: FailingSystem, raised: OSError | None
) -> str:
    """Return what is wrong after a save in which a call has failed."""
    now = path.read_bytes() if path.exists() else None
    replaced = "replace" in system.calls[: system.at]  # without a failure
    if now != (new if replaced or raised is None else before):
        return "the file is not whole"
    if raised is None and system.calls[system.at] != "listdir":
        return "nothing was raised"
    if raised is not None and raised.filename != str(path):
        return f"the error names {raised.filename!r}"
    unlink_failed = system.and_all_after and "unlink" in system.calls
    return "" if unlink_failed or not temporaries(path.parent) else "a temporary file is left"


def _control(path: Path, old: bytes) -> int:
    """Return whether a save in place loses the old file if its first write fails."""
    path.write_bytes(old)
    with open(path, "wb", buffering=0):
        pass  # here the disk is full
    return int(path.read_bytes() != old)
