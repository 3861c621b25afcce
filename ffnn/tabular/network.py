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
    Rescaling,
    Scale,
)
from ffnn.layers.base import Layer
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
    layers: list[Layer] = [*_embeddings(encoder), Scale()]
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


def _embeddings(encoder: TableEncoder) -> list[Layer]:
    """Return the embeddings of numbers, whose outputs come first, and of the codes behind them."""
    layers: list[Layer] = []
    features = len(encoder.feature_names)
    places = list(range(features))  # of features, as they reach the next layer
    if encoder.measured:
        layers.append(PeriodicEmbedding(columns=encoder.measured))
        made = layers[0].compute_output_dim(features) - features + len(encoder.measured)
        others = [place for place in places if place not in encoder.measured]
        places = [made + others.index(p) if p in others else -1 for p in places]
    if encoder.codes:
        columns = [places[place] for place in encoder.codes]
        layers.append(Embedding(list(encoder.codes.values()), columns=columns))
    return layers


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
