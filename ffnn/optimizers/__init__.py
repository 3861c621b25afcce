"""Optimizers: rules that turn a gradient into an update, one a file; `base` has what they share.

Each works in place on the model's one flat vector w of parameters and g of gradients, whatever
layers they belong to. t counts the updates from 1, η is the learning rate of the update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.registry import load_class
from ffnn.optimizers.base import OPTIMIZERS, Optimizer

if TYPE_CHECKING:
    from ffnn.optimizers.adagrad import Adagrad
    from ffnn.optimizers.adam import Adam
    from ffnn.optimizers.adamw import AdamW
    from ffnn.optimizers.nadam import Nadam
    from ffnn.optimizers.rmsprop import RMSprop
    from ffnn.optimizers.sgd import SGD
else:

    def __getattr__(name):
        return load_class(__name__, name)


__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Nadam", "Optimizer", "RMSprop"]
