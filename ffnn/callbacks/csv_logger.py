"""Write the numbers of a training into a CSV file."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from ffnn._types import FilePath
from ffnn.callbacks.base import Callback, Logs
from ffnn.core.checks import check_bool, check_path
from ffnn.core.files import append_whole, check_target, replace_whole
from ffnn.core.text import counted, shorten
from ffnn.errors import visible

_EPOCH = re.compile(r"\d{1,18}")
_LONGEST = 200  # characters that an error quotes of the file


class CSVLogger(Callback):
    """Write one line of numbers per epoch into a CSV file.

    The first epoch's line puts a new file in place of an old one, whole; each later line is added
    to it. Until then an old file is as it was, also if the training fails.

    Parameters
    ----------
    filename : str or path
        The file.
    append : bool, default False
        Whether lines are added to an existing file; its header must be the same.

    Examples
    --------
    >>> from ffnn.callbacks import CSVLogger
    >>> log = CSVLogger("training.csv")
    """

    settings = ("append",)

    def __init__(self, filename: FilePath, append: bool = False) -> None:
        self.filename = check_path("CSVLogger", "filename", filename)
        self.append = check_bool("CSVLogger", "append", append)

    def on_train_begin(self, logs: Logs) -> None:
        """Check the file, and read it if lines are added to those that it has.

        A resumed training adds lines too, after those of its earlier epochs.

        Raises
        ------
        OSError
            The file cannot be written.
        ValueError
            Its header differs, or it is not the log of a training.
        """
        check_target(self.filename)
        names, resumed = ["epoch", *self.params["metrics"]], self.params["resumed"]
        there, is_whole = self._read(names) if self.append or resumed else ([], False)
        kept = there or [names]
        if resumed:
            first = self.params["initial_epoch"]
            kept = [names, *(line for line in there[1:] if int(line[0]) < first)]
        self._before = None if is_whole and kept == there else kept

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write the epoch's line, the first one together with all that belongs before it."""
        line = [epoch, *(logs[name] for name in self.params["metrics"])]
        if self._before is None:
            append_whole(self.filename, _encode([line]))
        else:
            replace_whole(self.filename, _encode([*self._before, line]))
            self._before = None

    def _read(self, names: list[str]) -> tuple[list[list[str]], bool]:
        """Return the lines of the file if there is one, and whether lines can be added to it.

        They cannot where the last one was cut off while it was written.
        """
        try:
            with open(self.filename, encoding="utf-8", newline="") as file:
                text = file.read()
            lines = list(filter(None, csv.reader(io.StringIO(text, newline=""))))
        except FileNotFoundError:
            return [], False
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"CSVLogger: {self.filename} is not CSV: {error}; use another file"
            ) from error
        is_whole = text.endswith("\n")
        if lines[1:] and not is_whole and len(lines[-1]) < len(names):
            lines.pop()
        if lines and lines[0] != names:
            columns = visible(shorten(", ".join(lines[0]), _LONGEST))
            raise ValueError(
                f"CSVLogger: {self.filename} has the columns {columns}, this training has "
                f"{', '.join(names)}; use another file"
            )
        for number, line in enumerate(lines[1:], start=2):
            if len(line) != len(names) or not _EPOCH.fullmatch(line[0]):
                raise ValueError(
                    f"CSVLogger: {self.filename}, line {number}: expected an epoch and "
                    f"{counted(len(names) - 1, 'number')}, got "
                    f"{visible(shorten(', '.join(line), _LONGEST))}; use another file"
                )
        return lines, is_whole


def _encode(lines: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode(errors="replace")
