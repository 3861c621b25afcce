"""The layers of the network for a table, and the rule that trains them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ffnn._types import Array
from ffnn.errors import DataError
from ffnn.initializers import RandomNormal
from ffnn.layers import (
    Clamp,
    Dense,
    Dropout,
    Embedding,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    Rescaling,
    Scale,
)
from ffnn.layers.base import Layer
from ffnn.layers.columns import ColumnWise
from ffnn.optimizers import AdamW
from ffnn.schedules import CosineLog, FlatCosine
from ffnn.tables.encoder import TableEncoder
from ffnn.tabular.recipe import WAVES, Recipe

_SMALLEST = 1e-18  # of a target's largest number, and 1 by it the largest
_LEAST_SHARE = 1e-6  # of a target's mean that its standard deviation is

# Of the learning rate, by parameter.
FACTORS = {
    "bias": 0.1,
    "gamma": 6.0,
    "alpha": 0.1,
    **dict.fromkeys(("frequency", "phase", "mixing", "offset"), 0.1),
}


def make_layers(recipe: Recipe, encoder: TableEncoder, targets: Array) -> list[Layer]:
    """Return the layers: embeddings, a factor for each feature, hidden layers, then the outputs.

    Inside the network numbers have mean 0 and standard deviation 1; its last layers bring them back
    to the scale of `targets`, and keep predictions within their range.
    """
    layers: list[Layer] = [*_embeddings(recipe, encoder), Scale()]
    for units in recipe.hidden:
        layers += [
            _dense(units),
            ParametricActivation(recipe.activation),
            Dropout(FlatCosine(recipe.dropout, recipe.updates)),
        ]
    if recipe.task == "classification":
        return [*layers, _dense(recipe.outputs, "softmax")]
    scale = Rescaling(*_scale(targets))
    return [*layers, _dense(1), scale, Clamp(float(targets.min()), float(targets.max()))]


def _scale(targets: Array) -> tuple[float, float]:
    """Return the standard deviation and the mean of targets.

    Raises DataError where they do not differ, or where float32 does not hold their squares or
    hardly tells them apart.
    """
    largest = float(np.abs(targets).max())
    if not _SMALLEST < largest < 1.0 / _SMALLEST:
        raise DataError(
            f"the target: expected numbers of a size from {_SMALLEST:g} to {1.0 / _SMALLEST:g}, "
            f"whose squares float32 holds, got {largest:g}; multiply it by a power of ten"
        )
    std, mean = float(targets.std()), float(targets.mean())
    if targets.min() == targets.max():
        raise DataError(
            f"the target is {targets[0]:g} in every training row: there is nothing to learn"
        )
    if std < _LEAST_SHARE * abs(mean):
        raise DataError(
            f"the target has a standard deviation of {std:.3g} around {mean:.8g}, which float32 "
            f"hardly tells apart: subtract {mean:.8g} from it"
        )
    return std, mean


def _embeddings(recipe: Recipe, encoder: TableEncoder) -> list[Layer]:
    """Return what makes several columns of a number, and of a code: numbers come first."""
    layers: list[ColumnWise] = []
    names = [f"{place}" for place in range(len(encoder.feature_names))]  # of what reaches a layer
    numbers = [names[place] for place in encoder.measured]
    if numbers and recipe.bins:
        layers.append(PiecewiseLinear(recipe.bins, encoder.measured))
        names = layers[-1].name_outputs(names)
        numbers = [f"{name} 1" for name in numbers]  # themselves, before their bins
    if numbers:
        layers.append(PeriodicEmbedding(columns=[names.index(name) for name in numbers]))
        names = layers[-1].name_outputs(names)
    if encoder.codes:
        columns = [names.index(f"{place}") for place in encoder.codes]
        layers.append(Embedding(list(encoder.codes.values()), columns=columns))
    return [*layers]


def _dense(units: int, activation: str | None = None) -> Dense:
    normal = RandomNormal(variance=1.0)
    return Dense(units, activation, weight_initializer=normal, parametrization="ntk")


def make_optimizer(recipe: Recipe, names: Collection[str]) -> AdamW:
    """Return the optimizer, whose rates follow their schedules for the whole training.

    `names` are those of the network's parameters.
    """
    return AdamW(
        CosineLog(recipe.learning_rate, recipe.updates, WAVES),
        FlatCosine(recipe.weight_decay, recipe.updates),
        beta_2=0.95,
        epsilon=1e-8,
        learning_rate_factors={n: factor for n, factor in FACTORS.items() if n in names},
        decay_exclude=["bias"],
    )
