"""Weights that users set, checked whole before the first is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_items
from ffnn.data.numbers import as_array, as_numbers
from ffnn.errors import DataError
from ffnn.layers.base import Layer


def check_weights(layers: Sequence[Layer], weights: Any) -> list[dict[str, Array]]:
    """Return for each layer name → values of its parameters and states, or raise ValueError.

    `weights` are arrays in the order of the layers, the parameters of each before its states.
    """
    places = [
        (index, name, array)
        for index, layer in enumerate(layers)
        for name, array in (*layer.params.items(), *layer.state.items())
    ]
    given = [as_array(w, "set_weights") for w in check_items("set_weights", "weights", weights)]
    came, expected = [np.shape(w) for w in given], [array.shape for *_, array in places]
    if came != expected:
        raise ValueError(f"set_weights: expected arrays of shapes {expected}, got {came}")
    checked: list[dict[str, Array]] = [{} for _ in layers]
    for (index, name, own), array in zip(places, given, strict=True):
        what = f"set_weights: {name} of {layers[index].name}"
        values = as_numbers(array, what)
        with np.errstate(over="ignore"):
            bad = values[~np.isfinite(values.astype(own.dtype))]
        if bad.size:
            raise DataError(f"{what}: expected numbers finite in {own.dtype}, got {bad[0]}")
        checked[index][name] = values
    for layer, values_of in zip(layers, checked, strict=True):
        try:
            layer.check_state({name: values_of[name] for name in layer.state})
        except ValueError as error:
            raise ValueError(f"set_weights: {layer.name}: {error}") from None
    return checked
