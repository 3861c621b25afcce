"""What the readers of other libraries' networks find, and the network of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.layers import Dense
from ffnn.layers.base import Layer
from ffnn.sequential import Sequential


class Found(NamedTuple):
    """A layer that was read."""

    layer: Layer
    values: Mapping[str, Array]  # of its parameters and state, by name
    width: int | None = None  # of its inputs, where that is known


def model_of(found: Sequence[Found], width: int, dtype: str) -> Sequential:
    """Return a built network of layers that were read, with their values.

    An activation that follows a `Dense` without one becomes part of it.
    """
    chain = list[Found]()
    for each in found:
        last = chain[-1].layer if chain else None
        is_activation = isinstance(each.layer, ActivationFunction)
        if is_activation and isinstance(last, Dense) and last.activation is None:
            joined = Dense(**{**last.get_config(), "activation": each.layer})
            joined.trainable = last.trainable
            chain[-1] = chain[-1]._replace(layer=joined)
        else:
            chain.append(each)
    model = Sequential([each.layer for each in chain], width, dtype)
    for layer, each in zip(model.layers, chain, strict=True):
        for name, array in {**layer.params, **layer.state}.items():
            if name in each.values:
                array[...] = each.values[name]
    return model
