"""The errors a user may want to catch by name."""

from __future__ import annotations


class DataError(ValueError):
    """Data that cannot be trained on or predicted from, found before any work began."""


class ModelFileError(Exception):
    """A model file that is missing, damaged, or not to be trusted."""


class TrainingDivergedError(ArithmeticError):
    """The loss or the gradient became infinite or NaN; the weights are the last finite ones.

    Parameters
    ----------
    message : str
        What happened, where, and what to try.
    epoch, batch : int
        Where it happened, both counted from 1.
    learning_rate : float
        The learning rate in force.
    """

    def __init__(self, message: str, epoch: int, batch: int, learning_rate: float) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
        self.learning_rate = learning_rate

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (*self.args, self.epoch, self.batch, self.learning_rate)


class LayerError(RuntimeError):
    """An unexpected failure inside a layer; the message names the layer, the cause is chained."""
