"""Resuming a training from a file: is it the same one, taking over its state, and going back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ffnn.callbacks import History
from ffnn.core.registry import describe
from ffnn.core.text import shorten
from ffnn.layers.base import Layer
from ffnn.models import serialization
from ffnn.models.serialization import Parts
from ffnn.schedules import Schedule
from ffnn.training.position import Position


def check_resumable(here: Parts, there: Parts, path: str, epochs: int) -> int:
    """Return the epoch that the training in a file continues with; ValueError if it cannot."""
    position, mine, theirs = there.position, _facts(here), _facts(there)
    if position is None:
        raise ValueError(
            f"resume_from: {path} does not say where its training stood: it was saved before any, "
            f"within an epoch, or after going back to earlier weights"
        )
    for name in ("number of inputs", "class names", "feature names"):
        if mine[name] is None:  # not known yet
            del mine[name]
    for fact, own in mine.items():
        if describe(own) != describe(theirs[fact]):
            raise ValueError(
                f"resume_from: {path} is of another model: {fact} there {theirs[fact]}, here {own}"
            )
    for index, (layer, other) in enumerate(zip(here.layers, there.layers, strict=True)):
        _check_fixed_state(f"resume_from: {path} is of another model: layer {index}", layer, other)
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
        "seed": parts.seed,
        "number of inputs": parts.input_dim,
        "class names": parts.class_names,
        "feature names": parts.feature_names,
        "encoder of the columns": None if parts.encoder is None else parts.encoder.get_config(),
        **{f"layer {index}": layer for index, layer in enumerate(parts.layers)},
    }


def _check_fixed_state(what: str, here: Layer, there: Layer) -> None:
    """Raise ValueError if a state that training never changes, such as a scaling, differs."""
    if type(here).update_state is not Layer.update_state:
        return
    for name, array in here.state.items():
        if not np.array_equal(array, there.state.get(name, ())):
            raise ValueError(f"{what}, {here!r}, has another {name} there")


def check_training(there: Parts, rate: float | Schedule, metrics: Iterable[str]) -> None:
    """Raise ValueError if a training with this learning rate and these metrics is another one."""
    _check_learning_rate(rate, there)
    _check_history(there.history, list(metrics))


def _check_learning_rate(here: float | Schedule, there: Parts) -> None:
    """Raise ValueError if the rate is neither that of the training's beginning nor its last one.

    Files of earlier versions do not know the first; of these only a schedule must be the same.
    """
    own = describe(here)
    assert there.position is not None
    assert there.optimizer is not None
    training, last = there.position["training"], describe(there.optimizer.learning_rate)
    if own == last or own == (training or {}).get("learning_rate"):
        return
    if training is None and not isinstance(own, dict) and not isinstance(last, dict):
        return
    first = there.optimizer.learning_rate if training is None else training.get("learning_rate")
    raise ValueError(
        f"resume_from: the training had learning_rate={shorten(str(first), 200)}, now it is {here}"
    )


def _check_history(history: History | None, names: list[str]) -> None:
    """Raise ValueError if a training reports other numbers than its history has."""
    kept = list(history.history) if history is not None and history.epoch else []
    missing = [name for name in names if name not in kept]
    if kept and (missing or ("val_loss" in kept and "val_loss" not in names)):
        raise ValueError(
            f"resume_from: the training reported {', '.join(kept)}; now it would report "
            f"{', '.join(names)}. Give the same metrics and validation"
        )


def take_over(model: Any, twin: Any) -> None:
    """Bring a built and compiled model to the state of another one of the same parts."""
    here, there = model.parts(), twin.parts()
    model.optimizer.learning_rate = there.optimizer.learning_rate
    model.recording, model.entropy = there.recording, there.entropy
    model.encoder = there.encoder
    model.class_names, model.feature_names = there.class_names, there.feature_names
    model.class_labels = there.class_labels
    model.require_built().has_gradients = there.has_gradients
    for layer, other in zip(here.layers, there.layers, strict=True):
        layer.load_state(other.state)
    theirs = serialization.computed_arrays(there)
    for name, array in serialization.computed_arrays(here).items():
        array[...] = theirs[name]
    model.optimizer.iterations = there.optimizer.iterations
    model.generator_states = there.generator_states


@contextmanager
def unless_refused(model: Any, position: Position) -> Iterator[None]:
    """Put a built model back to what it was if its training fails before it has begun."""
    attributes, rate = dict(vars(model)), model.optimizer.learning_rate
    before = model.twin() if position.is_resumed else None
    try:
        yield
    except BaseException:
        if not position.has_begun:
            if before is not None:
                take_over(model, before)
            for name in vars(model).keys() - attributes.keys():
                delattr(model, name)
            vars(model).update(attributes)
            model.optimizer.learning_rate = rate
        raise
