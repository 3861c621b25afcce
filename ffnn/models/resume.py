"""Resuming a training from a file: is it the same one, and taking over its state."""

from __future__ import annotations

from typing import Any

from ffnn.core.registry import describe
from ffnn.models import serialization
from ffnn.models.serialization import Parts


def check_resumable(here: Parts, there: Parts, path: str, epochs: int) -> int:
    """Return the epoch that the training in a file continues with; ValueError if it cannot."""
    position, mine, theirs = there.position, _facts(here), _facts(there)
    if position is None:
        raise ValueError(
            f"resume_from: {path} does not say where its training stood: it was saved before any, "
            f"within an epoch, or after going back to earlier weights"
        )
    if here.input_dim is None:  # not built yet
        del mine["number of inputs"]
    for fact, own in mine.items():
        if describe(own) != describe(theirs[fact]):
            raise ValueError(
                f"resume_from: {path} is of another model: {fact} there {theirs[fact]}, here {own}"
            )
    if position["epoch"] > epochs:
        raise ValueError(
            f"resume_from: {path} has been trained for {position['epoch']} epochs, more than "
            f"epochs={epochs}"
        )
    return int(position["epoch"])


def _facts(parts: Parts) -> dict[str, Any]:
    """Return by name what has to be the same."""
    optimizer = describe(parts.optimizer)
    if optimizer is not None:  # whose learning rate callbacks change
        optimizer["config"]["learning_rate"] = None
    return {
        "dtype": parts.dtype,
        "number of layers": len(parts.layers),
        "optimizer": optimizer,
        "loss": parts.loss,
        "metrics": parts.metrics,
        "number of inputs": parts.input_dim,
        **{f"layer {index}": layer for index, layer in enumerate(parts.layers)},
    }


def take_over(here: Parts, there: Parts) -> None:
    """Bring the layers and the optimizer of a built model to the state of those of a twin."""
    for layer, other in zip(here.layers, there.layers, strict=True):
        layer.load_state(other.state)
    theirs = serialization.computed_arrays(there)
    for name, array in serialization.computed_arrays(here).items():
        array[...] = theirs[name]
    if here.optimizer is not None and there.optimizer is not None:
        here.optimizer.iterations = there.optimizer.iterations
