"""Write the numbers of a training into a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ffnn._types import FilePath
from ffnn.callbacks.base import Callback, Logs
from ffnn.core.checks import check_bool, check_path


class CSVLogger(Callback):
    """Write one line of numbers per epoch into a CSV file.

    Parameters
    ----------
    filename : str or path
        The file.
    append : bool, default False
        Whether lines are added to an existing file; its header must be the same.
    """

    settings = ("append",)

    def __init__(self, filename: FilePath, append: bool = False) -> None:
        self.filename = check_path("CSVLogger", "filename", filename)
        self.append = check_bool("CSVLogger", "append", append)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin a new file, or check the header of the one that lines are added to.

        A resumed training adds lines too, after those of its earlier epochs.

        Raises
        ------
        ValueError
            The header differs.
        """
        names = ["epoch", *self.params["metrics"]]
        path = Path(self.filename)
        resumed = self.params["resumed"]
        if not ((self.append or resumed) and path.exists() and path.stat().st_size):
            self._write("w", [names])
            return
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = csv.reader(file)
        if header != names:
            raise ValueError(
                f"CSVLogger: {self.filename} has the columns {', '.join(header)}, "
                f"this training has {', '.join(names)}; use another file"
            )
        if resumed:
            first = self.params["initial_epoch"]
            self._write("w", [names, *(line for line in lines if int(line[0]) < first)])

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write the epoch's line."""
        self._write("a", [[epoch, *(logs[name] for name in self.params["metrics"])]])

    def _write(self, mode: str, lines: list[list[Any]]) -> None:
        with Path(self.filename).open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
