"""Stop when a number stops improving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ffnn._types import Array
from ffnn.callbacks.base import Logs
from ffnn.callbacks.monitor import Monitor
from ffnn.core.checks import check_bool, check_int


class EarlyStopping(Monitor):
    """Stop when a number has not improved for some epochs, and restore the best weights.

    Parameters
    ----------
    monitor : str, default "val_loss"
        The number to watch, a key of `logs`.
    min_delta : float, default 0.0
        The smallest change that counts as an improvement.
    patience : int, default 0
        The number of epochs without improvement after which training stops; 0 means 1.
    mode : {"auto", "min", "max"}, default "auto"
        Whether lower or higher is better.
    restore_best_weights : bool, default True
        Whether the model ends with the best epoch's parameters and layer states; in `partial_fit`,
        which trains epoch by epoch, once the patience has run out.

    Attributes
    ----------
    best : float
        The best value seen.
    best_epoch : int
        Its epoch, counted from 0.
    stopped_epoch : int or None
        The epoch after which it stopped, counted from 0.

    Examples
    --------
    >>> from ffnn.callbacks import EarlyStopping
    >>> stop = EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True)
    """

    settings = (*Monitor.settings, "patience", "restore_best_weights")
    kept: ClassVar = {"best_epoch": int, "stopped_epoch": (int, None)}

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
        self.restore_best_weights = check_bool(
            "EarlyStopping", "restore_best_weights", restore_best_weights
        )

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
        """Restore the best weights."""
        has_ended = self.stopped_epoch is not None or not self.params["partial"]
        if self._best_weights is not None and has_ended:
            self.model.leave_position(self._best_weights)

    def get_state(self) -> dict[str, Any]:
        """Return the best number, its epoch and its weights."""
        kept = {f"weights/{i}": array for i, array in enumerate(self._best_weights or ())}
        return super().get_state() | kept

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Raise ValueError if these are not a best number, its epoch and weights of `model`."""
        super().check_state(state, model)
        if weights := self._weights_of(state):
            model.check_weights(weights, "EarlyStopping: the best weights")

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the best number, its epoch and its weights."""
        super().set_state(state)
        self._best_weights = self._weights_of(state) or None

    @staticmethod
    def _weights_of(state: Mapping[str, Any]) -> list[Array]:
        count = sum(name.startswith("weights/") for name in state)
        return [state[f"weights/{index}"] for index in range(count)]
