"""Callbacks: objects that `fit` calls at the beginning and the end of training, epochs and batches.

A callback sees the model as `self.model` and stops training by ``self.model.stop_training = True``.
Start with `base`; each callback has a file of its own, but for `Watch`, which shows a page and is
in `ffnn.play`. What a `Recorder` saw is a `recording`, made by means of `running_statistics` and
`histogram`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ffnn.callbacks.base import Callback, CallbackList, Logs
from ffnn.core.registry import load_class

if TYPE_CHECKING:
    from ffnn.callbacks.checkpoint import ModelCheckpoint
    from ffnn.callbacks.csv_logger import CSVLogger
    from ffnn.callbacks.early_stopping import EarlyStopping
    from ffnn.callbacks.history import History
    from ffnn.callbacks.loss_threshold import LossThreshold
    from ffnn.callbacks.recorder import Recorder
    from ffnn.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
    from ffnn.callbacks.trial_pruning import TrialPruning
    from ffnn.play.watch import Watch
else:

    def __getattr__(name):
        if name == "Watch":  # which stands above this room
            return importlib.import_module("ffnn.play.watch").Watch
        return load_class(__name__, name)


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
    "TrialPruning",
    "Watch",
]
