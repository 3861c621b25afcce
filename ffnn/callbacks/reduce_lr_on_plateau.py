"""Lower the learning rate when a number stops improving."""

from __future__ import annotations

from typing import ClassVar

from ffnn.callbacks.base import Logs
from ffnn.callbacks.monitor import Monitor
from ffnn.core.checks import check_int, check_number
from ffnn.schedules import Schedule


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate when a number has not improved for some epochs.

    Parameters
    ----------
    monitor : str, default "val_loss"
        The number to watch, a key of `logs`.
    factor : float, default 0.1
        What the rate is multiplied by, in (0, 1).
    patience : int, default 10
        The number of epochs without improvement after which the rate is lowered, at least 1.
    mode : {"auto", "min", "max"}, default "auto"
        Whether lower or higher is better.
    min_delta : float, default 1e-4
        The smallest change that counts as an improvement.
    cooldown : int, default 0
        The number of epochs after a reduction that are not counted.
    min_lr : float, default 0.0
        The smallest rate.

    Examples
    --------
    >>> from ffnn.callbacks import ReduceLROnPlateau
    >>> lower = ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=3)
    """

    settings = (*Monitor.settings, "factor", "patience", "cooldown", "min_lr")
    kept: ClassVar = {"waited": int, "cooling": int}

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
        self.waited = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Count the epoch, and lower the rate when patience runs out."""
        if self.cooling > 0:
            self.cooling -= 1
            self.waited = 0
        if self._improves(logs):
            self.waited = 0
        elif self.cooling == 0:
            self.waited += 1
        if self.waited >= self.patience:
            optimizer = self.model.optimizer
            optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
            self.cooling = self.cooldown
            self.waited = 0
