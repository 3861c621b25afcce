"""Rates that change with the number of updates made so far.

A schedule may stand for an optimizer's learning rate, for the weight decay of `AdamW` and for the
rate of `Dropout`. Read `base` first.
"""

from ffnn.schedules.base import SCHEDULES, Schedule
from ffnn.schedules.cosine import CosineDecay, CosineLog, FlatCosine
from ffnn.schedules.decays import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay

__all__ = [
    "SCHEDULES",
    "CosineDecay",
    "CosineLog",
    "ExponentialDecay",
    "FlatCosine",
    "InverseTimeDecay",
    "PiecewiseConstantDecay",
    "Schedule",
]
