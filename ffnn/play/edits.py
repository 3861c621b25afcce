"""What is changed by hand in a network in training: entries, neurons, frozen layers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ffnn._types import Array
from ffnn.core.checks import check_bool, check_choice, check_int, check_number
from ffnn.layers.base import Layer
from ffnn.sequential import Sequential

_MOST_UNDONE = 100


class _Change(NamedTuple):
    """An entry of a parameter as it was."""

    array: Array
    place: tuple[int, ...]
    before: float


class Edits:
    """Changes by hand of one network, made between two batches.

    Raises
    ------
    TypeError, ValueError
        What a method is given is none of the network; nothing was changed.
    """

    def __init__(self, model: Sequential) -> None:
        self.model = model
        self.dense: list[Layer] = [layer for layer in model.layers if layer.is_dense]
        self.off: dict[tuple[int, int], Array] = {}  # column, unit → the weights it had
        self.made = 0  # changes of any kind
        self._changes: list[_Change] = []

    def __len__(self) -> int:
        return len(self._changes)

    def set(self, layer: Any, name: Any, place: Any, value: Any, begins: Any) -> None:
        """Set an entry of a layer's weight or bias.

        Those that do not begin a new change continue the last one, as when the mouse moves on.
        """
        params = self._layer(layer).params
        array = params[check_choice("edit", "name", name, params)]
        if not isinstance(place, list) or len(place) != array.ndim:
            raise ValueError(f"edit: expected a place in an array of shape {array.shape}")
        where = tuple(
            check_int("edit", "place", index, low=0, high=size - 1)
            for index, size in zip(place, array.shape, strict=True)
        )
        value = check_number("edit", "value", value, low=-1e6, high=1e6)
        if self._kept(array, where)[0] is not array:
            raise ValueError("edit: this neuron is off; switch it on to set what leads from it")
        if check_bool("edit", "begins", begins) or not self._changes:
            self._changes = self._changes[1 - _MOST_UNDONE :]
            self._changes.append(_Change(array, where, float(array[where])))
        array[where] = value
        self.made += 1

    def undo(self) -> None:
        """Take the last change back, if there is one."""
        if self._changes:
            array, place, before = self._changes.pop()
            array, place = self._kept(array, place)
            array[place] = before

    def switch(self, column: Any, unit: Any, off: Any) -> None:
        """Switch a neuron off, so that the next layer gets 0 for it, or on as it was before."""
        column = check_int("switch", "column", column, low=0, high=len(self.dense) - 1)
        weight = self.dense[column].params["weight"]
        unit = check_int("switch", "unit", unit, low=0, high=weight.shape[1] - 1)
        self.made += 1
        if check_bool("switch", "off", off):
            self.off.setdefault((column, unit), weight[:, unit].copy())
            self.hold()
        elif (column, unit) in self.off:
            weight[:, unit] = self.off.pop((column, unit))

    def hold(self) -> None:
        """Keep neurons off, whatever an update made of them."""
        for column, unit in self.off:
            self.dense[column].params["weight"][:, unit] = 0.0

    def _kept(self, array: Array, place: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
        """Return where the value of an entry is kept: elsewhere, if its neuron is off."""
        for (column, unit), kept in self.off.items():
            if array is self.dense[column].params["weight"] and place[1] == unit:
                return kept, place[:1]
        return array, place

    def freeze(self, layer: Any, frozen: Any) -> None:
        """Let a layer keep its numbers in training, or learn again."""
        frozen = check_bool("freeze", "frozen", frozen)
        self.made += 1
        self._layer(layer).trainable = not frozen

    @property
    def frozen(self) -> frozenset[str]:
        """The names of the layers that keep their numbers."""
        return frozenset(layer.name for layer in self.model.layers if not layer.trainable)

    def _layer(self, name: Any) -> Layer:
        known = {layer.name: layer for layer in self.model.layers if layer.params}
        return known[check_choice("edit", "layer", name, known)]


def norm_of(array: Array) -> float:
    """Return |w| of an array, at least a very small number."""
    return max(math.sqrt(float((array.astype("float64") ** 2).sum())), 1e-30)
