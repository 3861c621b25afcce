"""A whole network as one expression of elementary operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.operations import Value, row
from ffnn.layers.base import Layer
from ffnn.models.network import Network


class Program(NamedTuple):
    """What a network computes of a row."""

    input: Value
    result: Value
    names: dict[int, str]  # of arrays that are parameters or states of layers, by their address


def express(model: Network) -> Program:
    """Return what a built network computes outside training.

    Raises
    ------
    RuntimeError
        The network is not built.
    NotImplementedError
        A layer does not say what it computes.
    ValueError
        A parameter is infinite or NaN.
    """
    model.require_built()
    for layer in model.layers:
        for name, array in {**layer.params, **layer.state}.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{layer.title}: {name} holds infinity or NaN: set it to numbers")
    assert model.input_dim is not None
    value = start = row(model.input_dim, model.dtype)
    for layer in model.layers:
        value = layer.express(value)
    return Program(start, value, _names(model.layers))


def address(array: Array) -> int:
    """Return where the numbers of an array are: views of all of it have the same address."""
    place: int = array.__array_interface__["data"][0]
    return place


def _names(layers: Sequence[Layer]) -> dict[int, str]:
    return {
        address(array): f"{layer.name}.{name}"
        for layer in layers
        for name, array in {**layer.params, **layer.state}.items()
    }
