"""Several networks as one that predicts the mean of what they do, and the networks in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ffnn.callbacks import History
from ffnn.layers import Average
from ffnn.layers.base import Layer
from ffnn.models.trainable import Trainable

M = TypeVar("M", bound=Trainable)


def join(models: Sequence[M], seed: int | None = None) -> M:
    """Return one network that predicts the mean of what `models` do.

    Parameters
    ----------
    models : sequence of Trainable
        Compiled and trained networks for the same inputs and outputs. The first one gives names,
        encoder, loss, metrics and the settings of the optimizer. If all have a history, the mean of
        these becomes the whole's.
    seed : int, optional
        That of the whole.

    Returns
    -------
    Trainable
        A network with one `Average`, and values of its own.
    """
    model = _like(models[0], [Average([each.layers for each in models])], seed)
    model.parameters[...] = np.concatenate([each.parameters for each in models])
    average = model.layers[0]
    average.load_state(
        {
            f"member_{number}.{layer.name}.{name}": array
            for number, each in enumerate(models, start=1)
            for layer in each.layers
            for name, array in layer.state.items()
        }
    )
    histories = [each.history for each in models if each.history is not None]
    if len(histories) == len(models):
        model.history = History.mean(histories)
    return model


def members_of(model: M) -> list[M]:
    """Return the networks that `join` made one of, with values of their own; of others none."""
    average = model.layers[0]
    if not isinstance(average, Average) or len(model.layers) > 1:
        return []
    models, start = list[M](), 0
    for chain in average.members:
        one = _like(model, [layer.clone() for layer in chain], model.seed)
        end = start + one.parameters.size
        one.parameters[...] = model.parameters[start:end]
        one.gradients[...] = model.gradients[start:end]
        one.require_built().has_gradients = model.has_gradients
        for layer, known in zip(one.layers, chain, strict=True):
            if known.state:
                layer.load_state(known.state)
        models.append(one)
        start = end
    return models


def _like(model: M, layers: Sequence[Layer], seed: int | None) -> M:
    """Return a network of other layers, built and compiled as a model, with its names."""
    assert model.optimizer is not None
    assert model.loss is not None
    assert model.input_dim is not None
    other = type(model)(layers, dtype=model.dtype.name, seed=seed)
    other.compile(model.optimizer.clone(), model.loss.clone(), *model.copy_metrics())
    other.take_jit_compile(model.jit_compile)
    other.build(model.input_dim)
    other.encoder = model.encoder
    other.class_names, other.feature_names = model.class_names, model.feature_names
    other.class_labels = model.class_labels
    return other
