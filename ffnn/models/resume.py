"""A training that goes on from a file: is it the same one, and how does the model get there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ffnn.core.registry import describe
from ffnn.models import serialization

if TYPE_CHECKING:
    from ffnn.models.trainable import Trainable


def open_checkpoint(
    model: Trainable, path: str | os.PathLike[str], epochs: int
) -> tuple[Trainable, dict[str, Any]]:
    """Return the model that a file holds, and where its training stood.

    Parameters
    ----------
    model : Trainable
        The compiled model that is to go on from there.
    path : str or path
        A model file.
    epochs : int
        The epoch to stop before, counted from 0.

    Raises
    ------
    ModelFileError
        The file is missing, is not a model, or is damaged.
    ValueError
        It does not say where its training stood, is of another model, or has been trained longer.
    """
    saved = type(model).load(path, serialization.custom_classes_of(model))
    position = saved.position()
    if position is None:
        raise ValueError(
            f"resume_from: {os.fspath(path)} does not say where its training stood: it was saved "
            f"before any, within an epoch, or after going back to earlier weights"
        )
    _check_alike(model, saved, os.fspath(path))
    if position["epoch"] > epochs:
        raise ValueError(
            f"resume_from: {os.fspath(path)} has been trained for {position['epoch']} epochs, more "
            f"than epochs={epochs}"
        )
    return saved, position


def _check_alike(model: Trainable, saved: Trainable, path: str) -> None:
    """Raise ValueError unless both have the same layers and are compiled alike."""
    for what, mine, theirs in _facts(model, saved):
        if mine != theirs:
            raise ValueError(
                f"resume_from: {path} is of another model: {what} there {theirs}, here {mine}"
            )
    for index, (mine, theirs) in enumerate(zip(model.layers, saved.layers, strict=True)):
        if describe(mine) != describe(theirs):
            raise ValueError(
                f"resume_from: {path} is of another model: layer {index} there {theirs!r}, "
                f"here {mine!r}"
            )


def _facts(model: Trainable, saved: Trainable) -> list[tuple[str, Any, Any]]:
    """Return what has to be the same: what it is, here, there."""
    pairs = [
        ("dtype", model.dtype.name, saved.dtype.name),
        ("number of layers", len(model.layers), len(saved.layers)),
        ("optimizer", _settings(model), _settings(saved)),
        ("loss", describe(model.loss), describe(saved.loss)),
        ("metrics", describe(model.metrics), describe(saved.metrics)),
    ]
    if model.is_built:
        pairs.append(("number of inputs", model.input_dim, saved.input_dim))
    return pairs


def _settings(model: Trainable) -> dict[str, Any]:
    """Return the optimizer's settings, without the learning rate, which callbacks change."""
    settings: dict[str, Any] = describe(model.optimizer)
    return settings | {"config": settings["config"] | {"learning_rate": None}}


def take_over(model: Trainable, saved: Trainable) -> None:
    """Bring a built model to where `saved` is.

    Parameters
    ----------
    model, saved : Trainable
        Alike, as `open_checkpoint` has checked.
    """
    assert model.optimizer is not None
    assert saved.optimizer is not None
    model.history, model.recording = saved.history, saved.recording
    model.optimizer.iterations = saved.optimizer.iterations
    model.optimizer.learning_rate = saved.optimizer.learning_rate
    model.has_gradients = saved.has_gradients
    for layer, other in zip(model.layers, saved.layers, strict=True):
        layer.load_state(other.state)
    serialization.fill(serialization.live_arrays(model), serialization.live_arrays(saved))
    states = [rng.bit_generator.state for rng in serialization.random_generators(saved)]
    serialization.set_generators(serialization.random_generators(model), states)
