"""A part of an explanation: some units of one layer, and the inputs that matter most to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_int, nearest
from ffnn.core.formulas import Formula
from ffnn.core.text import counted, listed, shown
from ffnn.explanation.steps import Indices, Step, symbols_in
from ffnn.layers.base import Layer
from ffnn.models.trainable import Trainable

MOST_UNITS = 16
ALL_UNITS, ALL_INPUTS = 10, 8  # up to so many, all are shown
FEW = 6  # of more, which fit side by side
_DERIVED = re.compile(r"^∂./∂")
_PRODUCT = re.compile(r"x Wᵀ(?: / √inputs)?")
_SLOPE = "∂L/∂x"


class Part(NamedTuple):
    """What is shown of a network: a layer, and which of its units, in ascending order.

    `units` that are None were not named, or are all; so are `inputs`.
    """

    layer: Layer
    is_last: bool
    units: tuple[int, ...] | None = None
    inputs: tuple[int, ...] | None = None


def choose_part(model: Trainable, layer: Any, units: Any) -> Part | None:
    """Return what `layer` and `units` name; None for the whole network."""
    if layer is None:
        if units is not None:
            raise ValueError(
                "explain_step: units are those of a layer: name it too, as in "
                f"layer={model.layers[0].name!r}"
            )
        return None
    by_name = {each.name: each for each in model.layers}
    if not isinstance(layer, str):
        raise TypeError(
            f"explain_step: layer must be a layer's name, such as {next(iter(by_name))!r}, got "
            f"{shown(layer)}"
        )
    if layer not in by_name:
        raise ValueError(
            f"explain_step: there is no layer {shown(layer)}{nearest(layer, by_name)}; layers: "
            f"{listed(by_name, 20)}"
        )
    found = by_name[layer]
    return Part(found, found is model.layers[-1], _check_units(found, units))


def _check_units(layer: Layer, units: Any) -> tuple[int, ...] | None:
    if units is None:
        return None
    size, owner = layer.output_dim or 0, "explain_step"
    if not can_be_cut(layer):
        raise ValueError(
            f"{owner}: {layer.title} has no units that stand for themselves; leave units out"
        )
    if isinstance(units, (str, bytes)) or not np.iterable(units):
        raise TypeError(f"{owner}: units must be a list of numbers, as in [3, 7], got {units!r}")
    numbers = sorted({check_int(owner, "each of units", unit, low=0) for unit in units})
    if numbers and numbers[-1] >= size:
        raise ValueError(
            f"{owner}: {layer.title} has {counted(size, 'unit')}, 0 to {size - 1:,}; there is no "
            f"unit {numbers[-1]:,}"
        )
    if not numbers or len(numbers) > MOST_UNITS:
        raise ValueError(
            f"{owner}: expected 1 to {MOST_UNITS} units, as their numbers are written down, got "
            f"{len(numbers)}"
        )
    return tuple(numbers)


def can_be_cut(layer: Layer) -> bool:
    """Tell whether each unit of a layer has parameters of its own: a `Dense`, or one a column."""
    size = layer.output_dim
    per_unit = all(array.shape in {(), (1,), (size,)} for array in layer.params.values())
    return layer.is_dense or (per_unit and size == layer.input_dim)


def cut(steps: Sequence[Step], part: Part) -> tuple[list[Step], Part]:
    """Return the steps of a part, and the part with the units and the inputs that are shown.

    Where units were not named, they are all, or, of more than ten, those whose outputs have the
    largest gradients. Of more than eight inputs, those are shown that contribute most to the units.
    """
    kept = [step for step in steps if _belongs(step, part)]
    layer = part.layer
    if not can_be_cut(layer):
        return kept, part
    inputs, outputs = layer.input_dim or 0, layer.output_dim or 0
    units = part.units or _steepest_units(kept, outputs)
    chosen = _strongest_inputs(kept, units) if layer.is_dense else units
    part = part._replace(units=_some(units, outputs), inputs=_some(chosen, inputs))
    return [_Cut(part).apply(step) for step in kept], part


def _some(numbers: tuple[int, ...], size: int) -> tuple[int, ...] | None:
    """Return which of so many are shown, None for all."""
    return None if len(numbers) == size else numbers


def _belongs(step: Step, part: Part) -> bool:
    if step.layer == "loss":
        return part.is_last and step.direction == "backward"
    if step.layer == part.layer.name:
        return step.direction != "loss"  # which a penalty is, of all parameters
    return step.layer == "optimizer"


def _steepest_units(steps: Sequence[Step], size: int) -> tuple[int, ...]:
    """Return the units whose outputs have the largest gradients, over all rows."""
    if size > ALL_UNITS:
        for step in steps:
            for symbol, array in step.arrays.items() if step.direction == "backward" else ():
                if symbol[0] in "∂δ" and array.shape[1:] == (size,):
                    return _largest(np.abs(array).sum(axis=0))
        return tuple(range(FEW))
    return tuple(range(size))


def _strongest_inputs(steps: Sequence[Step], units: Sequence[int]) -> tuple[int, ...]:
    """Return the inputs that contribute most to units, over all rows."""
    arrays = next(step.arrays for step in steps if step.direction == "forward")
    x, weight = (np.abs(arrays[symbol]).astype(np.float64) for symbol in ("x", "W"))
    if x.shape[1] <= ALL_INPUTS:
        return tuple(range(x.shape[1]))
    return _largest(x.sum(axis=0) * weight[list(units)].sum(axis=0))


def _largest(sizes: Array) -> tuple[int, ...]:
    """Return the places of the largest few, in ascending order."""
    order = np.argsort(-np.nan_to_num(sizes, nan=np.inf), kind="stable")
    return tuple(sorted(order[:FEW].tolist()))


class _Cut(NamedTuple):
    """Leaves of the steps of a layer what belongs to a part."""

    part: Part

    def apply(self, step: Step) -> Step:
        """Return a step with what is shown of its arrays."""
        arrays, indices = dict[str, Array](), dict[str, Indices]()
        is_linear = self.part.layer.is_dense and "W" in map(_base, step.arrays)
        for symbol, array in step.arrays.items():
            chosen = self._indices(symbol, array, is_linear)
            arrays[symbol] = array
            for axis, numbers in enumerate(chosen):
                if numbers is not None:
                    arrays[symbol] = arrays[symbol].take(numbers, axis)
            if any(numbers is not None for numbers in chosen):
                indices[symbol] = chosen
        kept = replace(step, arrays=arrays, indices=indices)
        if is_linear and step.direction == "forward" and self.part.inputs is not None:
            return self._with_rest(kept, step)
        if self.part.units is not None:
            if is_linear and step.direction == "backward":
                return self._without_sum(kept)
            if any("_units" in formula.text for formula in step.formulas):
                return _remark(kept, f"What is taken over units is taken over all {self._total}.")
        return kept

    @property
    def _total(self) -> str:
        return f"{self.part.layer.output_dim:,}"

    def _indices(self, symbol: str, array: Array, is_linear: bool) -> Indices:
        """Return which rows or columns are shown of each axis, None for all."""
        layer, units, inputs = self.part.layer, self.part.units, self.part.inputs
        if is_linear and _base(symbol) in ("W", "x"):
            return units if _base(symbol) == "W" else None, inputs
        if array.ndim and array.shape[-1] == layer.output_dim:
            return *(None,) * (array.ndim - 1), units
        return ()

    def _with_rest(self, kept: Step, step: Step) -> Step:
        """Return a forward step with what the inputs that are not shown add."""
        x, weight = (step.arrays[symbol].astype(np.float64) for symbol in ("x", "W"))
        hidden = np.ones(x.shape[1], bool)
        hidden[list(self.part.inputs or ())] = False
        weight = weight if self.part.units is None else weight[list(self.part.units)]
        rest = x[:, hidden] @ weight[:, hidden].T * getattr(self.part.layer, "weight_factor", 1.0)
        formulas = [Formula(_PRODUCT.sub(r"\g<0> + r", each.text)) for each in step.formulas]
        if formulas == list(step.formulas):  # those of a layer of the user's
            return kept
        given = {symbol: kept.arrays[symbol] for symbol in kept.given}
        given["r"] = rest.astype(step.arrays["x"].dtype)
        arrays = {**given, **{symbol: kept.arrays[symbol] for symbol in kept.results}}
        indices = {**kept.indices, "r": (None, self.part.units)}
        number = np.count_nonzero(~hidden)
        shown = f"Of {len(hidden):,} inputs the {number} are shown that contribute most"
        kept = replace(kept, formulas=tuple(formulas), arrays=arrays, indices=indices)
        return _remark(kept, f"{shown}; r is what the others add.")

    def _without_sum(self, step: Step) -> Step:
        """Return a backward step without the gradient of the inputs, a sum over all units."""
        arrays = {symbol: array for symbol, array in step.arrays.items() if symbol != _SLOPE}
        if len(arrays) == len(step.arrays):
            return step
        formulas = tuple(formula for formula in step.formulas if formula.symbol != _SLOPE)
        results = tuple(symbol for symbol in step.results if symbol != _SLOPE)
        used = {*symbols_in(formulas), *results, *step.given[:1]}
        arrays = {symbol: array for symbol, array in arrays.items() if symbol in used}
        step = replace(step, formulas=formulas, arrays=arrays, results=results)
        return _remark(step, f"{_SLOPE}, a sum over all {self._total} units, is left out.")


def _base(symbol: str) -> str:
    """Return what a symbol is of: "W" for "∂L/∂W", "m_W_new" and "W" itself."""
    return _DERIVED.sub("", symbol).removesuffix("_new").rpartition("_")[2]


def _remark(step: Step, note: str) -> Step:
    return replace(step, note=f"{step.note} {note}".strip())
