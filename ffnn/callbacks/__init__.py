"""Callbacks: objects that `fit` calls at the begin and the end of training, epochs and batches.

A callback sees the model as `self.model` and stops training by ``self.model.stop_training = True``.
"""

from ffnn.callbacks.base import Callback, CallbackList, Logs, overrides
from ffnn.callbacks.checkpoint import ModelCheckpoint
from ffnn.callbacks.csv_logger import CSVLogger
from ffnn.callbacks.early_stopping import EarlyStopping
from ffnn.callbacks.history import History
from ffnn.callbacks.loss_threshold import LossThreshold
from ffnn.callbacks.recorder import Recorder
from ffnn.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "Logs",
    "LossThreshold",
    "ModelCheckpoint",
    "Recorder",
    "ReduceLROnPlateau",
    "overrides",
]
