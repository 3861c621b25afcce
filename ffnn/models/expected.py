"""What functions of models say where they are given something else."""

from __future__ import annotations

from typing import Any

from ffnn.core.text import shown
from ffnn.models.trainable import Trainable


def check_model(owner: str, model: Any) -> Trainable:
    """Return a model; TypeError says that it is none, and where an estimator has it."""
    if isinstance(model, Trainable):
        return model
    hint = ""
    if hasattr(type(model), "fit") and hasattr(type(model), "predict"):
        hint = "; of an estimator that is fitted, give its model_"
    raise TypeError(f"{owner}: model must be a Sequential, got {shown(model, 60)}{hint}")
