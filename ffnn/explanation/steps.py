"""What an explanation consists of: steps, each with its formulas and its arrays."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formula
from ffnn.core.registry import Configurable, family_of

SYMBOLS = {
    "weight": "W",
    "bias": "b",
    "gamma": "γ",
    "beta": "β",
    "alpha": "α",
    "embedding": "E",
    "frequency": "ω",
    "phase": "φ",
    "mixing": "M",
    "offset": "o",
}
_TAKEN = ("x", "y", "z")
Indices = tuple[tuple[int, ...] | None, ...]  # for each axis which entries are shown, None for all


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the computation.

    Attributes
    ----------
    direction : {"forward", "loss", "backward", "update"}
        The part of the training step that it belongs to.
    layer : str
        The layer's name; else ``"loss"`` or ``"optimizer"``.
    kind : str
        What is computed, such as ``"dense"`` or ``"relu"``.
    formulas : tuple of Formula
        Its formulas, in the order of computation.
    arrays : mapping of str to ndarray
        Symbol → its numbers, copied: first what is given, then what comes out. A single number is
        an array without axes.
    results : tuple of str
        The symbols of what comes out.
    note : str
        A remark in words, or nothing.
    place : int or None
        Its place in the chain of forward steps, counted from 0; the loss has the last one. None if
        it has none.
    indices : mapping of str to tuple
        Symbol → for each axis of the array the numbers of the rows or columns that are shown, None
        for all; arrays that are shown whole are left out.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential([ffnn.layers.Dense(1)], input_dim=2, seed=0)
    >>> model.compile("sgd", "mean_squared_error")
    >>> step = model.explain_step([[1.0, 2.0]], [[0.5]]).steps[0]
    >>> step.kind, [formula.text for formula in step.formulas]
    ('dense', ['y = x Wᵀ + b'])
    """

    direction: str
    layer: str
    kind: str
    formulas: tuple[Formula, ...]
    arrays: Mapping[str, Array]
    results: tuple[str, ...]
    note: str = ""
    place: int | None = None
    indices: Mapping[str, Indices] = field(default_factory=dict)

    @classmethod
    def made(
        cls,
        direction: str,
        layer: str,
        kind: str,
        formulas: Iterable[Formula],
        given: Mapping[str, Array],
        results: Mapping[str, Array],
        note: str = "",
        place: int | None = None,
    ) -> Step:
        """Return a step in which arrays are `given` and come out as `results`."""
        arrays = {**given, **results}
        return cls(direction, layer, kind, tuple(formulas), arrays, tuple(results), note, place)

    @property
    def given(self) -> tuple[str, ...]:
        """The symbols of what is given."""
        return tuple(symbol for symbol in self.arrays if symbol not in self.results)

    def numbers_of(self, symbol: str, axis: int) -> Sequence[int]:
        """Return the numbers of the rows or columns that are shown of an array."""
        chosen = self.indices[symbol][axis] if symbol in self.indices else None
        return range(self.arrays[symbol].shape[axis]) if chosen is None else chosen


def symbol_of(parameter: str) -> str:
    """Return the sign of a parameter in formulas; if it has none, its name."""
    symbol = SYMBOLS.get(parameter, parameter)
    return f"parameter {symbol}" if symbol in _TAKEN else symbol


def kind_of(part: Configurable) -> str:
    """Return the registered name of the part's class, or the class's own."""
    return family_of(part).name_of(part)


class Mathematics(NamedTuple):
    """The formulas of a part, read; `where` and `scale` are those of `Formulas`."""

    forward: tuple[Formula, ...]
    backward: tuple[Formula, ...]
    update: tuple[Formula, ...]
    where: Mapping[str, str]
    scale: Mapping[str, str]
    note: str

    def copy_kept(self, part: object, symbols: Container[str]) -> dict[str, Array]:
        """Return those of `symbols` that `part` keeps, copied."""
        kept = {}
        for symbol, path in self.where.items():
            if symbol in symbols:
                kept[symbol] = np.array(reduce(_member, path.split("."), part))
        return kept

    def kept_in(self, mapping: str) -> dict[str, str]:
        """Return symbol → name, of what is kept in a mapping such as the part's ``state``."""
        paths = ((symbol, path.partition(".")) for symbol, path in self.where.items())
        return {symbol: name for symbol, (start, _, name) in paths if start == mapping}


def _member(holder: Any, name: str) -> Any:
    return holder[name] if isinstance(holder, Mapping) else getattr(holder, name)


def formulas_of(part: Configurable) -> Mathematics:
    """Return the formulas on a part's own class: what is inherited may not be what it computes.

    A pass without formulas has those of its family, such as y = f(x).
    """
    general = family_of(part).base.formulas.fget(part)
    own = part.formulas if "formulas" in vars(type(part)) else general
    forward, backward, update = (
        tuple(map(Formula, getattr(own, name) or getattr(general, name)))
        for name in ("forward", "backward", "update")
    )
    return Mathematics(forward, backward, update, own.where, own.scale, own.note)


def symbols_in(formulas: Iterable[Formula]) -> set[str]:
    """Return what formulas take."""
    return {symbol for formula in formulas for symbol in formula.symbols}
