"""The chains of layers that an `Average` consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ffnn.core.checks import check_items
from ffnn.layers.base import Layer

T = TypeVar("T")


def copied(index: int, chain: Any) -> tuple[Layer, ...]:
    """Return new layers with the settings and states of those of a member."""
    layers = check_items("Average", f"members[{index}]", chain)
    if not layers:
        raise ValueError(f"Average: expected layers in members[{index}], got none")
    copies = []
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Average: expected layers such as Dense(64) in members[{index}], got {layer!r}"
            )
        copies.append(layer.check_clone("Average"))
        if layer.state:
            copies[-1].load_state(layer.state)
    return tuple(copies)


def of_layer(place: str, values: Mapping[str, T]) -> dict[str, T]:
    """Return the values of one layer, by the names that it gives them."""
    start = f"{place}."
    return {n.removeprefix(start): value for n, value in values.items() if n.startswith(start)}


def first_with_params(chain: Sequence[Layer]) -> int:
    """Return the place of the first layer with parameters, the last one's if none has any."""
    return next((i for i, layer in enumerate(chain) if layer.params), len(chain) - 1)
