"""Rates that change with the number of updates made so far.

A schedule may stand for an optimizer's learning rate, for the weight decay of `AdamW` and for the
rate of `Dropout`. Read `base` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.registry import load_class
from ffnn.schedules.base import SCHEDULES, Schedule

if TYPE_CHECKING:
    from ffnn.schedules.cosine import CosineDecay, CosineLog, FlatCosine
    from ffnn.schedules.decays import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay
else:

    def __getattr__(name):
        return load_class(__name__, name)


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
