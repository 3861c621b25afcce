"""The network that the settings describe, compiled, and the choices that the page offers."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.activations import ACTIVATIONS
from ffnn.layers import Dense, Dropout, Normalization, Rescaling
from ffnn.layers.base import Layer
from ffnn.losses import LOSSES
from ffnn.optimizers import OPTIMIZERS
from ffnn.play.problems import Problem
from ffnn.play.settings import NONE, Settings, norms
from ffnn.regularizers import REGULARIZERS
from ffnn.sequential import Sequential


def make_network(settings: Settings, problem: Problem) -> Sequential:
    """Return the network that the settings describe, built and compiled."""
    layers = [*_first(problem), *_hidden(settings)]
    if problem.class_names is not None:
        layers.append(_dense(settings, len(problem.class_names), "softmax"))
    else:
        layers.append(
            _dense(settings, 1 if problem.y_train.ndim == 1 else problem.y_train.shape[1])
        )
    model = Sequential(layers, input_dim=problem.x_train.shape[1], seed=settings.seed)
    optimizer = OPTIMIZERS.class_named(settings.optimizer)(learning_rate=settings.learning_rate)
    loss, metrics = loss_name(settings, problem), [metric_name(problem)]
    model.compile(optimizer, loss, metrics, jit_compile=False)  # nothing stands still for numba
    model.class_names, model.feature_names = problem.class_names, problem.feature_names
    model.encoder = problem.encoder
    return model


def loss_name(settings: Settings, problem: Problem) -> str:
    """Return the name of the loss, also where it follows from the targets."""
    if settings.loss != "auto":
        return settings.loss
    is_number = problem.class_names is None
    return "mean_squared_error" if is_number else "categorical_crossentropy"


def metric_name(problem: Problem) -> str:
    """Return the name of what is reported besides the loss."""
    return "r2" if problem.class_names is None else "accuracy"


def targets(y: Array, model: Sequential) -> Array:
    """Return targets as the loss of the model takes them: class numbers, or rows of 0 and 1."""
    takes_numbers = model.loss is not None and model.loss.task == "classes"
    if model.class_names is None or takes_numbers or y.ndim != 1:
        return y
    return np.eye(len(model.class_names))[y]


def losses_for(problem: Problem) -> list[str]:
    """Return the names of the losses that such a network and its targets take."""
    found = []
    for names in LOSSES.names():
        with contextlib.suppress(Exception):  # as the loss may refuse the ending or the targets
            model = make_network(Settings(hidden=(), loss=names[0]), problem)
            model.evaluate(problem.x_train[:8], targets(problem.y_train[:8], model))
            found.append(names[0])
    return found


def _first(problem: Problem) -> list[Layer]:
    """Return what brings the inputs of a table or a picture to a common scale."""
    if problem.encoder is not None or problem.feature_names == ["x0", "x1"]:
        return []
    if problem.largest:
        return [Rescaling(1.0 / problem.largest)]
    return [Normalization().adapt(problem.x_train)]


def _hidden(settings: Settings) -> list[Layer]:
    norm = norms()[settings.normalization]
    layers: list[Layer] = []
    for units, activation in settings.hidden:
        if norm is None:
            layers.append(_dense(settings, units, activation))
        else:
            layers += [_dense(settings, units), norm(), ACTIVATIONS.get(activation)]
        if settings.dropout:
            layers.append(Dropout(settings.dropout))
    return layers


def _dense(settings: Settings, units: int, activation: str | None = None) -> Dense:
    rule: Any = None
    if settings.penalty != NONE:
        penalty: Any = REGULARIZERS.class_named(settings.penalty)
        rule = penalty(settings.strength)
    return Dense(units, activation, weight_regularizer=rule)
