"""Callbacks: objects that `fit` calls at the begin and the end of training, epochs and batches.

A callback sees the model as `self.model` and stops training by ``self.model.stop_training = True``.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffnn.checks import check_choice, check_int, check_number
from ffnn.schedules import Schedule

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from matplotlib.figure import Figure

    from ffnn._types import Array

Logs = dict[str, float]


class Callback:
    """Hooks that do nothing; a subclass overrides those it needs.

    Attributes
    ----------
    model : Sequential
        The model in training.
    params : dict
        ``epochs``, ``initial_epoch``, ``steps`` (batches an epoch), ``verbose``, and ``metrics``,
        the names that `logs` hold at the end of an epoch.
    """

    model: Any
    params: Mapping[str, Any]

    def on_train_begin(self, logs: Logs) -> None:
        """Run before the first epoch."""

    def on_train_end(self, logs: Logs) -> None:
        """Run after the last epoch, also where training was stopped or interrupted."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Run before epoch number `epoch`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Run after an epoch; `logs` hold its loss and metrics, validation included."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Run before batch number `batch` of the epoch, counted from 0."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Run after a batch; ``logs["loss"]`` is the epoch's loss so far."""

    def close(self) -> None:
        """Let go of what `on_train_begin` opened; runs in every case, also after an error."""


def overrides(callback: Callback, hook: str) -> bool:
    """Tell whether `callback` does anything in `hook`."""
    return getattr(type(callback), hook) is not getattr(Callback, hook)


class History(Callback):
    """The record of a training, which `fit` returns.

    Attributes
    ----------
    history : dict of str to list of float
        ``"loss"``, the metrics' names, and each with ``"val_"`` before it: a number an epoch.
    epoch : list of int
        The epochs' numbers, counted from 0.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.interrupted = False

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Append the epoch's numbers."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def plot(self) -> Figure:
        """Return a figure of the loss and of each metric per epoch, training and validation.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        ValueError
            No epoch was trained.
        """
        from ffnn.visualization.curves import plot_curves

        return plot_curves(self.history, self.epoch)

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4f}" for name, values in self.history.items())
        return f"<History of {len(self.epoch)} epochs{': ' if last else ''}{last}>"


class _Monitor(Callback):
    """What callbacks that watch one number share.

    Parameters
    ----------
    monitor : str
        A key of `logs`, such as ``"val_loss"``.
    mode : {"auto", "min", "max"}
        Whether less or more is better; "auto" asks the metric, and takes less for the loss.
    min_delta : float
        What counts as better at least, at least 0.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        name = type(self).__name__
        self.monitor = monitor
        self.mode = check_choice(name, "mode", mode, ("auto", "min", "max"))
        self.min_delta = check_number(name, "min_delta", min_delta, low=0.0)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin to watch.

        Raises
        ------
        ValueError
            The training has no number of that name.
        """
        known = self.params["metrics"]
        if self.monitor not in known:
            hint = ""
            if self.monitor.startswith("val_"):
                hint = " Give fit validation_data or validation_split."
            raise ValueError(
                f"{type(self).__name__}: nothing is called {self.monitor!r} in this training; "
                f"known: {', '.join(known)}.{hint}"
            )
        grows = self.mode == "max"
        if self.mode == "auto":
            metrics = {metric.name: metric for metric in self.model.metrics}
            watched = metrics.get(self.monitor.removeprefix("val_"))
            grows = watched is not None and watched.higher_is_better
        self._sign = -1.0 if grows else 1.0
        self.best = math.inf * self._sign

    def _improves(self, logs: Logs) -> bool:
        """Tell whether the epoch is better than the best so far, and remember it if so."""
        value = logs[self.monitor]
        better = self._sign * value < self._sign * self.best - self.min_delta
        if better:
            self.best = value
        return better


class EarlyStopping(_Monitor):
    """Stop when a number has not become better for some epochs, and go back to the best weights.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Which number.
    min_delta : float, default 0.0
        What counts as better at least.
    patience : int, default 0
        The number of epochs without improvement after which training stops; 0 means 1.
    mode : {"auto", "min", "max"}, default "auto"
        Whether less or more is better.
    restore_best_weights : bool, default True
        Whether the model ends with the best epoch's parameters and layer states.

    Attributes
    ----------
    best : float
        The best value seen.
    best_epoch : int
        Its epoch, counted from 0.
    stopped_epoch : int or None
        The epoch after which it stopped, counted from 0.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = check_int("EarlyStopping", "patience", patience, low=0)
        self.restore_best_weights = bool(restore_best_weights)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin to watch."""
        super().on_train_begin(logs)
        self.best_epoch = self.params["initial_epoch"] - 1
        self.stopped_epoch: int | None = None
        self._best_weights: list[Array] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Remember a better epoch, or stop."""
        if self._improves(logs):
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._best_weights = self.model.get_weights()
        elif epoch - self.best_epoch >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        """Go back to the best weights."""
        if self._best_weights is not None:
            self.model.set_weights(self._best_weights)


class LossThreshold(Callback):
    """Stop when an epoch's training loss is at or under a threshold.

    Parameters
    ----------
    threshold : float
        The loss that is good enough.

    Attributes
    ----------
    stopped_epoch : int or None
        The epoch after which it stopped, counted from 0.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = check_number("LossThreshold", "threshold", threshold)
        self.stopped_epoch: int | None = None

    def on_train_begin(self, logs: Logs) -> None:
        """Begin to watch."""
        self.stopped_epoch = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Stop if the loss is good enough."""
        if logs["loss"] <= self.threshold:
            self.stopped_epoch = epoch
            self.model.stop_training = True


class ModelCheckpoint(_Monitor):
    """Save the model while it trains.

    Parameters
    ----------
    filepath : str or path
        Where to; fields such as ``{epoch:03d}`` or ``{val_loss:.3f}`` are filled in, the epoch
        counted from 1.
    monitor : str, default "val_loss"
        Which number says what is best; used with `save_best_only`.
    mode : {"auto", "min", "max"}, default "auto"
        Whether less or more is better.
    save_best_only : bool, default False
        Whether to save only an epoch that is better than all before.
    every : int, default 1
        Save at every so many epochs.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        mode: str = "auto",
        save_best_only: bool = False,
        every: int = 1,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        self.filepath = str(filepath)
        self.save_best_only = bool(save_best_only)
        self.every = check_int("ModelCheckpoint", "every", every, low=1)

    def on_train_begin(self, logs: Logs) -> None:
        """Check the path, and begin to watch if it matters which epoch is best.

        Raises
        ------
        ValueError, FileNotFoundError
            A field of the path is unknown, or its folder is not there.
        """
        if self.save_best_only:
            super().on_train_begin(logs)
        known = self.params["metrics"]
        try:
            path = self.filepath.format(epoch=1, **dict.fromkeys(known, 0.0))
        except (KeyError, IndexError) as error:
            raise ValueError(
                f"ModelCheckpoint: unknown field {error} in {self.filepath!r}; "
                f"known: epoch, {', '.join(known)}"
            ) from None
        folder = Path(path).parent
        if not folder.is_dir():
            raise FileNotFoundError(f"ModelCheckpoint: there is no folder {folder}")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Save, if it is this epoch's turn."""
        if (epoch + 1) % self.every:
            return
        if not self.save_best_only or self._improves(logs):
            self.model.save(self.filepath.format(epoch=epoch + 1, **logs))


class ReduceLROnPlateau(_Monitor):
    """Lower the learning rate when a number has not become better for some epochs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Which number.
    factor : float, default 0.1
        What the rate is multiplied by, in (0, 1).
    patience : int, default 10
        The number of epochs without improvement after which that is done, at least 1.
    mode : {"auto", "min", "max"}, default "auto"
        Whether less or more is better.
    min_delta : float, default 1e-4
        What counts as better at least.
    cooldown : int, default 0
        The number of epochs after a reduction that are not counted.
    min_lr : float, default 0.0
        The least rate.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        name = "ReduceLROnPlateau"
        self.factor = check_number(
            name, "factor", factor, low=0.0, high=1.0, low_open=True, high_open=True
        )
        self.patience = check_int(name, "patience", patience, low=1)
        self.cooldown = check_int(name, "cooldown", cooldown, low=0)
        self.min_lr = check_number(name, "min_lr", min_lr, low=0.0)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin to watch."""
        if isinstance(self.model.optimizer.learning_rate, Schedule):
            raise ValueError(
                "ReduceLROnPlateau cannot change a learning rate that a schedule sets; give the "
                "optimizer a number"
            )
        super().on_train_begin(logs)
        self._waited = 0
        self._cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Count the epoch, and lower the rate when patience is at its end."""
        if self._cooling > 0:
            self._cooling -= 1
            self._waited = 0
        if self._improves(logs):
            self._waited = 0
        elif self._cooling == 0:
            self._waited += 1
        if self._waited >= self.patience:
            optimizer = self.model.optimizer
            optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
            self._cooling = self.cooldown
            self._waited = 0


class CSVLogger(Callback):
    """Write a line of numbers an epoch into a CSV file.

    Parameters
    ----------
    filename : str or path
        Where to.
    append : bool, default False
        Whether lines are added to a file that is there; its header must be the same.
    """

    def __init__(self, filename: str | os.PathLike[str], append: bool = False) -> None:
        self.filename = str(filename)
        self.append = bool(append)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin a new file, or check the header of the one that lines are added to.

        Raises
        ------
        ValueError
            The header differs.
        """
        names = ["epoch", *self.params["metrics"]]
        path = Path(self.filename)
        if not (self.append and path.exists() and path.stat().st_size):
            self._write("w", names)
            return
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file))
        if header != names:
            raise ValueError(
                f"CSVLogger: {self.filename} has the columns {', '.join(header)}, "
                f"this training has {', '.join(names)}; use another file"
            )

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write the epoch's line."""
        self._write("a", [epoch, *(logs[name] for name in self.params["metrics"])])

    def _write(self, mode: str, fields: list[Any]) -> None:
        with Path(self.filename).open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(fields)


class CallbackList:
    """Several callbacks as one.

    Parameters
    ----------
    first, callbacks, last : iterable of Callback
        Called in this order; `callbacks`, the user's, may be None.
    model : Sequential
        What they see as `model`.
    params : mapping
        What they see as `params`.

    Raises
    ------
    TypeError
        `callbacks` is not a sequence of callbacks.
    """

    def __init__(
        self,
        first: Iterable[Callback],
        callbacks: Iterable[Callback] | None,
        last: Iterable[Callback],
        *,
        model: Any,
        params: Mapping[str, Any],
    ) -> None:
        if isinstance(callbacks, Callback):
            raise TypeError(f"callbacks: expected a list of callbacks, got {callbacks!r}")
        self.callbacks = [*first, *(callbacks or ()), *last]
        self._begun: list[Callback] = []
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks: expected objects of Callback, got {callback!r}")
            callback.model, callback.params = model, params
        hooks = ("on_train_batch_begin", "on_train_batch_end")
        self._batch_begin, self._batch_end = (
            [getattr(c, hook) for c in self.callbacks if overrides(c, hook)] for hook in hooks
        )
        self.watches_batches = bool(self._batch_begin or self._batch_end)

    def train_begin(self) -> None:
        """Call all `on_train_begin`."""
        for callback in self.callbacks:
            callback.on_train_begin({})
            self._begun.append(callback)

    def train_end(self, logs: Logs) -> None:
        """Call all `on_train_end`."""
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def epoch_begin(self, epoch: int) -> None:
        """Call all `on_epoch_begin`."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {})

    def epoch_end(self, epoch: int, logs: Logs) -> None:
        """Call all `on_epoch_end`."""
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def close(self) -> None:
        """Call `close` of all that have begun."""
        for callback in self._begun:
            callback.close()

    def batch_begin(self, batch: int) -> None:
        """Call the `on_train_batch_begin` that do anything."""
        for hook in self._batch_begin:
            hook(batch, {})

    def batch_end(self, batch: int, logs: Logs) -> None:
        """Call the `on_train_batch_end` that do anything."""
        for hook in self._batch_end:
            hook(batch, logs)
