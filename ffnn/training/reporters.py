"""What `fit` shows while it trains: one callback for each verbose level that shows anything."""

from __future__ import annotations

import itertools
import math
import sys
import time

import numpy as np

from ffnn.callbacks import Callback, Logs
from ffnn.core.console import flush, is_notebook, is_terminal, show, takes_bars
from ffnn.core.progress import open_tqdm


def reporters(verbose: int | str) -> list[Callback]:
    """Return the callbacks of a verbose level of `fit`, or raise ValueError if it is none."""
    if isinstance(verbose, str) and verbose == "auto":
        verbose = 1 if is_notebook() or is_terminal(sys.stderr) else 2
    is_level = isinstance(verbose, (int, np.integer, np.bool_)) and verbose in (0, 1, 2)
    if not is_level:
        raise ValueError(f"fit: verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
    levels: list[list[Callback]] = [[], [ProgressBar()], [EpochLines()]]
    return levels[int(verbose)]


class ProgressBar(Callback):
    """One tqdm bar over all epochs, with losses and metrics (verbose 1).

    First stand the loss and the validation loss, then as many metrics as there is room for.
    """

    REDRAW_SECONDS = 0.1
    FORMAT = "{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    TAKEN = len("100%||" + 10 * "█" + " 1:00:00<1:00:00")  # columns beside the texts
    COLUMNS = 80  # where it is not known how many there are
    sees_every_batch = False

    def on_train_begin(self, logs: Logs) -> None:
        """Open the bar."""
        epochs = self.params["epochs"] - self.params["initial_epoch"]
        total = epochs * self.params["steps"]
        self._bar = open_tqdm(total=total, bar_format=self.FORMAT, disable=not takes_bars())
        self._shown: Logs = {}
        self._pending, self._last = 0, -1
        self._next_redraw = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Say which epoch it is."""
        self._last = -1
        self._bar.set_description(f"Epoch {epoch + 1}/{self.params['epochs']}", refresh=False)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Count the batches since the last one; redraw at most ten times a second."""
        self._pending += batch - self._last
        self._last = batch
        now = time.monotonic()
        if now >= self._next_redraw:
            self._next_redraw = now + self.REDRAW_SECONDS
            self._shown["loss"] = logs["loss"]
            self._redraw()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Show the epoch's losses and metrics."""
        first = [name for name in ("loss", "val_loss") if name in logs]
        self._shown = {name: logs[name] for name in dict.fromkeys([*first, *logs])}
        self._redraw()

    def on_train_end(self, logs: Logs) -> None:
        """Show the last numbers."""
        self._redraw()

    def close(self) -> None:
        """Close the bar; it stays to be read."""
        self._bar.close()

    def _redraw(self) -> None:
        if self._bar.disable:
            return
        self._bar.set_postfix_str(self._numbers(), refresh=False)
        self._bar.update(self._pending)
        self._pending = 0
        self._bar.refresh()

    def _numbers(self) -> str:
        """Return the numbers to show, as many as fit beside the bar."""
        columns = math.inf if is_notebook() else self._bar.ncols or self.COLUMNS
        room = columns - self.TAKEN - len(self._bar.desc or "")
        texts = [f"{name}={value:.4f}" for name, value in self._shown.items()]
        ends = itertools.accumulate(len(f", {text}") for text in texts)
        return ", ".join(text for text, end in zip(texts, ends, strict=True) if end <= room)


class EpochLines(Callback):
    """One printed line an epoch (verbose 2)."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Print the epoch's numbers."""
        width = len(str(self.params["epochs"]))
        numbers = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
        seconds = time.monotonic() - self._start
        show(f"Epoch {epoch + 1:{width}}/{self.params['epochs']} - {seconds:.1f}s - {numbers}")
        flush()
