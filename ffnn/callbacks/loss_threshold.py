"""Stop when the training loss is low enough."""

from __future__ import annotations

from ffnn.callbacks.base import Callback, Logs
from ffnn.core.checks import check_number


class LossThreshold(Callback):
    """Stop when an epoch's training loss is at or below a threshold.

    Parameters
    ----------
    threshold : float
        The loss that is good enough.

    Attributes
    ----------
    stopped_epoch : int or None
        The epoch after which it stopped, counted from 0.

    Examples
    --------
    >>> from ffnn.callbacks import LossThreshold
    >>> stop = LossThreshold(0.01)
    """

    settings = ("threshold",)

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
