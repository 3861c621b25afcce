"""What is wrong with data, found one after another and told in one message."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ffnn.core.text import counted, shorten
from ffnn.errors import DataError

_MOST, _LONGEST = 50, 2000  # problems that are told, and characters of one


class Problems:
    """Collects problems, so that whoever mends one is not told of the next one only then.

    Parameters
    ----------
    source : str
        Where the data comes from, for the message.

    Examples
    --------
    >>> problems = Problems("d.csv")
    >>> problems.add("there is no column 'wodo'", hint="the columns are 'wood', 'age'")
    >>> with problems.noted():
    ...     raise DataError("d.csv: target 'age' is empty")
    >>> problems.check()
    Traceback (most recent call last):
    ffnn.errors.DataError: d.csv: 2 problems:
    - there is no column 'wodo'
    - target 'age' is empty
    the columns are 'wood', 'age'
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._found: dict[str, None] = {}  # in order, and each once
        self._hints: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, problem: str, hint: str = "") -> None:
        """Note a problem; a hint that several share is told once, behind all of them."""
        self._found[_line(problem)] = None
        if hint:
            self._hints[_line(hint)] = None

    def include(self, error: DataError) -> None:
        """Note an error, with all of its problems."""
        for problem in error.problems or [str(error).removeprefix(f"{self.source}: ")]:
            self.add(problem)
        self._hints |= dict.fromkeys(error.hints)

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note a DataError instead of letting it end the work."""
        try:
            yield
        except DataError as error:
            self.include(error)

    def error(self) -> DataError:
        """Return an error that lists all problems."""
        found, hints = tuple(self._found), tuple(self._hints)
        if len(found) == 1:
            return DataError(f"{self.source}: {'; '.join([*found, *hints])}", found, hints)
        rest = len(found) - _MOST
        lines = [f"{self.source}: {counted(len(found), 'problem')}:"]
        lines += [f"- {problem}" for problem in found[:_MOST]]
        lines += [f"- and {counted(rest, 'more problem')}"] if rest > 0 else []
        return DataError("\n".join([*lines, *hints]), found, hints)

    def check(self) -> None:
        """Raise that error, if there is any problem."""
        if self._found:
            raise self.error()


def _line(text: str) -> str:
    return shorten(" ".join(text.split()), _LONGEST)
