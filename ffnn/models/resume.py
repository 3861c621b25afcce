"""Resuming a training from a file: is it the same one, taking over its state, and going back."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ffnn.callbacks import Callback, History
from ffnn.core.checks import check_path
from ffnn.core.descriptions import describe
from ffnn.core.text import shorten, shown
from ffnn.errors import ModelFileError, visible
from ffnn.layers.base import Layer
from ffnn.layers.chain import all_layers
from ffnn.models import serialization
from ffnn.models.serialization import Parts
from ffnn.schedules import Schedule
from ffnn.training.fingerprint import frozen_names
from ffnn.training.position import Position
from ffnn.training.settings import Settings


def open_checkpoint(
    model: Any,
    path: str | os.PathLike[str] | None,
    settings: Settings,
    load: Callable[[str | os.PathLike[str], Any], Any],
) -> tuple[Any, Settings]:
    """Return what `load` makes of the file to resume from, if one is given, and where to begin."""
    if path is None:
        return None, settings
    check_path("fit", "resume_from", path, needs_name=False)
    if settings.initial_epoch:
        raise ValueError("fit: give resume_from or initial_epoch, not both")
    model.require_compiled()
    here = model.parts()
    there = load(path, here.custom_objects())
    first = check_resumable(here, there.parts(), os.fspath(path), settings.epochs)
    return there, settings._replace(initial_epoch=first)


def check_resumable(here: Parts, there: Parts, path: str, epochs: int) -> int:
    """Return the epoch that the training in a file continues with.

    ValueError says why it cannot, ModelFileError that the file contradicts itself.
    """
    position, mine, theirs = there.position, _facts(here), _facts(there)
    if position is None:
        raise ValueError(
            f"resume_from: {path} does not say where its training stood: it was saved before any, "
            f"within an epoch, or after something else changed the model: an update, other "
            f"weights, another learning rate, compile"
        )
    _check_epochs(path, int(position["epoch"]), there.history)
    for name in ("number of inputs", "class names", "feature names"):
        if mine[name] is None:  # not known yet
            del mine[name]
    for fact, own in mine.items():
        if _settings(own) != _settings(theirs[fact]):
            both = theirs[fact], own
            if fact == "optimizer":
                both = there.optimizer, here.optimizer
            saved, now = (visible(shorten(str(each), 300)) for each in both)
            raise ValueError(
                f"resume_from: {path} is of another model: {fact} there {saved}, here {now}"
            )
    for index, (layer, other) in enumerate(zip(here.layers, there.layers, strict=True)):
        _check_fixed_state(f"resume_from: {path} is of another model: layer {index}", layer, other)
    if position["epoch"] > epochs:
        raise ValueError(
            f"resume_from: {path} has been trained for {position['epoch']} epochs, more than "
            f"epochs={epochs}"
        )
    return int(position["epoch"])


def _check_epochs(path: str, epoch: int, history: History | None) -> None:
    """Raise ModelFileError if a history does not end where the training stands."""
    done = [] if history is None else history.epoch
    if done and done != list(range(done[0], done[0] + len(done))):
        raise ModelFileError(
            f"{path}: /config/model/history/epoch: expected numbers that follow one another, "
            f"got {shorten(repr(done), 60)}"
        )
    if done and epoch != done[-1] + 1:
        raise ModelFileError(
            f"{path}: /config/model/position/epoch: expected {done[-1] + 1}, as epoch {done[-1]} "
            f"is the last in the history, got {epoch}"
        )


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
        "weighted metrics": parts.weighted_metrics,
        "seed": parts.seed,
        "number of inputs": parts.input_dim,
        "class names": parts.class_names,
        "feature names": parts.feature_names,
        **_encoder_facts(parts.encoder),
        **{f"layer {index}": layer for index, layer in enumerate(parts.layers)},
    }


def _settings(fact: Any) -> Any:
    """Return a fact as plain data, without `trainable` of layers, which callbacks change."""

    def without(described: Any) -> Any:
        if isinstance(described, list):
            return [without(each) for each in described]
        if not isinstance(described, dict):
            return described
        return {name: without(each) for name, each in described.items() if name != "trainable"}

    return without(describe(fact))


def _encoder_facts(encoder: Any) -> dict[str, Any]:
    """Return them of an encoder: what the others are depends on the first, or on one before."""
    if encoder is None:
        return {"columns of the table": None}
    config = encoder.get_config()
    columns = config.pop("columns")
    return {
        "columns of the table": [column["name"] for column in columns],
        **{f"{name} of the table": value for name, value in config.items()},
        **{
            f"{name} of column {shown(column['name'], 60)}": value
            for column in columns
            for name, value in column.items()
        },
    }


def _check_fixed_state(what: str, here: Layer, there: Layer) -> None:
    """Raise ValueError if a state that training never changes, such as a scaling, differs."""
    if type(here).update_state is not Layer.update_state:
        return
    for name, array in here.state.items():
        if not np.array_equal(array, there.state.get(name, ())):
            raise ValueError(f"{what}, {here!r}, has another {name} there")


def check_training(
    here: Parts,
    there: Parts,
    rate: float | Schedule,
    metrics: Collection[str],
    callbacks: Sequence[Callback],
) -> None:
    """Raise ValueError if a training with this rate, metrics and callbacks is another one.

    ModelFileError says that the history in the file has numbers that nothing reports.
    """
    _check_learning_rate(rate, there)
    _check_frozen(here.layers, there)
    if there.history is not None:
        _check_history(there.history, metrics, callbacks)


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
        f"resume_from: the training had learning_rate={visible(shorten(str(first), 200))}, now it "
        f"is {here}"
    )


def _check_frozen(layers: Sequence[Layer], there: Parts) -> None:
    """Raise ValueError if the frozen layers are neither those of the beginning nor the last ones.

    Files of earlier versions know no frozen layers, as nor did the trainings.
    """
    assert there.position is not None
    own, last = frozen_names(layers), frozen_names(there.layers)
    first = (there.position["training"] or {}).get("frozen", [])
    if own not in (first, last):
        before, now = (visible(shorten(str(each), 200)) for each in (first, own))
        raise ValueError(
            f"resume_from: the training began with these parameters frozen: {before}; now: {now}. "
            f"Set trainable of the layers as it was"
        )


def _check_history(history: History, names: Collection[str], callbacks: Sequence[Callback]) -> None:
    """Raise an error if a training reports other numbers than its history has."""
    kept = list(history.history)
    missing = [name for name in names if name not in kept] if history.epoch else []
    if missing or ("val_loss" in kept and "val_loss" not in names):
        reported = visible(shorten(", ".join(kept), 200))
        raise ValueError(
            f"resume_from: the training reported {reported}; now it would "
            f"report {', '.join(names)}. Give the same metrics and validation"
        )
    surplus = [name for name in kept if name not in names]
    if surplus and (not history.epoch or all(map(_is_ours, callbacks))):
        raise ModelFileError(
            f"resume_from: /config/model/history/names: {shorten(repr(surplus[0]), 60)} is "
            f"reported neither by this training nor by a callback"
        )


def _is_ours(callback: Callback) -> bool:
    """Tell whether a callback is the library's: none of these writes into the history."""
    return type(callback).__module__.startswith(f"{Callback.__module__.rpartition('.')[0]}.")


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
        if list(layer.frozen) != list(other.frozen):
            layer.freeze(other.frozen)
    theirs = serialization.computed_arrays(there)
    for name, array in serialization.computed_arrays(here).items():
        array[...] = theirs[name]
    model.optimizer.iterations = there.optimizer.iterations
    model.generator_states = there.generator_states


@contextmanager
def unless_refused(model: Any, position: Position) -> Iterator[None]:
    """Put a model back to what it was, built or not, if its training fails before it has begun."""
    rate, generators = model.optimizer.learning_rate, model.generator_states
    before = model.twin() if position.is_resumed and model.is_built else None
    parts = [model] if model.is_built else [model, model.optimizer, *all_layers(model.layers)]
    attributes = [dict(vars(part)) for part in parts]
    try:
        yield
    except BaseException:
        if not position.has_begun:
            if before is not None:
                take_over(model, before)
            for part, own in zip(parts, attributes, strict=True):
                vars(part).clear()
                vars(part).update(own)
            model.renew_replicas()
            model.optimizer.learning_rate, model.generator_states = rate, generators
        raise
