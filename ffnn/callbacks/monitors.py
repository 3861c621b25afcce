"""Callbacks that watch one number and stop training, or slow it down."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ffnn.callbacks.base import Callback
from ffnn.checks import check_choice, check_int, check_number
from ffnn.schedules import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffnn._types import Array
    from ffnn.callbacks.base import Logs


class Monitor(Callback):
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

    def get_state(self) -> dict[str, Any]:
        """Return the best number so far; None stands for none."""
        return {"best": self.best if math.isfinite(self.best) else None}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the best number so far."""
        if state["best"] is not None:
            self.best = float(state["best"])

    def _improves(self, logs: Logs) -> bool:
        """Tell whether the epoch is better than the best so far, and remember it if so."""
        value = logs[self.monitor]
        better = self._sign * value < self._sign * self.best - self.min_delta
        if better:
            self.best = value
        return better


class EarlyStopping(Monitor):
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
            self.model.forget_position()

    def get_state(self) -> dict[str, Any]:
        """Return the best number, its epoch and its weights."""
        weights = self._best_weights or ()
        kept = {f"weights/{index}": array for index, array in enumerate(weights)}
        return super().get_state() | {
            "best_epoch": self.best_epoch,
            "stopped_epoch": self.stopped_epoch,
            **kept,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the best number, its epoch and its weights."""
        super().set_state(state)
        self.best_epoch, self.stopped_epoch = state["best_epoch"], state["stopped_epoch"]
        kept = sum(name.startswith("weights/") for name in state)
        weights = [state[f"weights/{index}"] for index in range(kept)]
        expected = [array.shape for array in self.model.get_weights()]
        if weights and [array.shape for array in weights] != expected:
            raise ValueError("EarlyStopping: the best weights are of another network")
        self._best_weights = weights or None


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


class ReduceLROnPlateau(Monitor):
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

    def get_state(self) -> dict[str, Any]:
        """Return the best number, and the epochs waited and still to cool."""
        return super().get_state() | {"waited": self._waited, "cooling": self._cooling}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the best number, and the epochs waited and still to cool."""
        super().set_state(state)
        self._waited, self._cooling = state["waited"], state["cooling"]
