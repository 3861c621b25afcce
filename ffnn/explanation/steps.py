"""What an explanation consists of: steps, each with its formulas and its arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.core.registry import family_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ffnn._types import Array
    from ffnn.core.formulas import Formula
    from ffnn.core.registry import Configurable

SYMBOLS = {"weight": "W", "bias": "b", "gamma": "γ", "beta": "β"}
_TAKEN = ("x", "y", "z")


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the computation.

    Attributes
    ----------
    direction : {"forward", "loss", "backward", "update"}
        Which part of the training step it belongs to.
    layer : str
        The layer's name; else ``"loss"`` or ``"optimizer"``.
    kind : str
        What is computed, such as ``"dense"`` or ``"relu"``.
    formulas : tuple of Formula
        How, in the order of computation.
    arrays : mapping of str to ndarray
        Symbol → its numbers, copied: first what is given, then what comes out. A single number is
        an array without axes.
    results : tuple of str
        The symbols of what comes out.
    note : str
        What else there is to say.
    place : int or None
        To which place in the chain of forward steps it belongs, counted from 0; the loss's is the
        last. None if to none.
    """

    direction: str
    layer: str
    kind: str
    formulas: tuple[Formula, ...]
    arrays: Mapping[str, Array]
    results: tuple[str, ...]
    note: str = ""
    place: int | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """The symbols of what is given."""
        return tuple(symbol for symbol in self.arrays if symbol not in self.results)


def symbol_of(parameter: str) -> str:
    """Return the sign of a parameter in formulas; if it has none, its name."""
    symbol = SYMBOLS.get(parameter, parameter)
    return f"parameter {symbol}" if symbol in _TAKEN else symbol


def kind_of(part: Configurable) -> str:
    """Return the registered name of the part's class, or the class's own."""
    return family_of(part).name_of(part)


def is_known(part: object) -> bool:
    """Tell whether a part's class is the library's own, so that its formulas are known."""
    return type(part).__module__.startswith("ffnn.")


def copy_kept(part: object, kept: Mapping[str, str]) -> dict[str, Array]:
    """Return symbol → the part's attribute, copied, for attributes such as ``"a"`` or ``"a.b"``.

    What stands behind a dot is the key of a dict.
    """
    return {symbol: np.array(_read(part, path)) for symbol, path in kept.items()}


def _read(part: object, path: str) -> Any:
    name, *keys = path.split(".")
    value = getattr(part, name)
    for key in keys:
        value = value[key]
    return value
