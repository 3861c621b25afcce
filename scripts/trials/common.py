"""What all trials share: their result, children with limits, a naive way to load."""

from __future__ import annotations

import json
import os
import resource
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import ffnn


@dataclass
class Failure:
    """A case that went wrong: its number, what happened, and the file, if it was about one."""

    case: int
    what: str
    file: bytes | None = None


@dataclass
class Result:
    """The result of a trial.

    Attributes
    ----------
    cases : int
        How many were run.
    failures : list of Failure
        Those that went wrong.
    control : int
        How often the naive way failed; 0 means that the trial shows nothing.
    notes : dict of str to int
        What else was counted.
    """

    cases: int = 0
    failures: list[Failure] = field(default_factory=list)
    control: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a note."""
        self.notes[name] = self.notes.get(name, 0) + number

    def fail(self, case: int, what: str, file: bytes | None = None) -> None:
        """Record a failure."""
        self.failures.append(Failure(case, what, file))


def rng_of(seed: int, *numbers: int) -> np.random.Generator:
    """Return the generator of one case."""
    return np.random.default_rng([seed, *numbers])


# -- children ----------------------------------------------------------------------------------


def in_children(
    work: Callable[[int], Any],
    numbers: Sequence[int],
    *,
    memory: int = 256 << 20,
    seconds: float = 20.0,
    batch: int = 500,
) -> Iterator[tuple[int, Any]]:
    """Do ``work(number)`` in child processes, and yield each number with its result.

    A child may take `memory` bytes more than it started with, and `seconds` for each number. If it
    dies at one, the result of that number is ``{"died": why}``, and a new child takes the rest.

    Parameters
    ----------
    work : callable
        Takes a number and returns what JSON can hold.
    numbers : sequence of int
        The numbers.
    memory : int
        In bytes.
    seconds : float
        For each number.
    batch : int
        How many numbers a child does at most.
    """
    position = 0
    while position < len(numbers):
        todo = numbers[position : position + batch]
        done, ending = _run_child(work, todo, memory, seconds)
        yield from zip(todo, done, strict=False)
        position += len(done)
        if ending:
            yield todo[len(done)], {"died": ending}
            position += 1


def _run_child(
    work: Callable[[int], Any], todo: Sequence[int], memory: int, seconds: float
) -> tuple[list[Any], str]:
    """Return the results of the numbers that were done, and what ended the child early."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            limit_memory(memory)
            for number in todo:
                signal.setitimer(signal.ITIMER_REAL, seconds)  # whose signal kills
                _send(writing, work(number))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as pipe:
        lines = pipe.read().split(b"\n")[:-1]
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    ending = "" if code == 0 else f"signal {-code}" if code < 0 else f"exit code {code}"
    return [json.loads(line) for line in lines], ending


def _send(descriptor: int, value: Any) -> None:
    view = memoryview(json.dumps(value).encode() + b"\n")
    while view:
        view = view[os.write(descriptor, view) :]


def limit_memory(more: int) -> None:
    """Limit this process to `more` bytes of address space beyond what it has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


# -- a naive way ------------------------------------------------------------------------------


def naive_arrays(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return all that h5py finds in a file, followed wherever it leads."""
    arrays = {}
    with h5py.File(path, "r") as file:
        pending = [("", file)]
        while pending:
            place, group = pending.pop()
            for name in group:
                item = group[name]
                if isinstance(item, h5py.Group):
                    pending.append((f"{place}{name}/", item))
                else:
                    arrays[f"{place}{name}"] = item[()]
    return arrays


# -- comparing ---------------------------------------------------------------------------------


def content_of(model: ffnn.Sequential) -> dict[str, Any]:
    """Return all of a model that is kept, as JSON and bytes, to be compared."""
    config, arrays = model.capture()
    content: dict[str, Any] = {name: _facts(array) for name, array in arrays.items()}
    content["config"] = json.dumps(config)
    return content


def _facts(array: Any) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()


def temporaries(folder: Path) -> list[Path]:
    """Return the files that saves have left behind."""
    return sorted(folder.glob(".ffnn-*.tmp"))
