"""`Twin`: what does the work of a part by compiled loops; `twin_of` finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, TypeVar

import numpy as np

from ffnn._types import Array
from ffnn.core.registry import load_modules
from ffnn.kernels.compiler import Loop
from ffnn.layers.base import Layer


class Twin:
    """What has some methods of a part, by compiled loops.

    Parameters
    ----------
    part : layer or optimizer
        Whose numbers and arrays it works on.
    dtype : dtype
        In which the part computes.
    """

    loops: ClassVar[Mapping[str, Loop]] = {}  # by the names that they have here once compiled
    saved: ClassVar[float] = 0.0  # about, in nanoseconds for a parameter or an entry of y

    @classmethod
    def suits(cls, part: Any) -> bool:
        """Tell whether this is the twin for a part of its class with such arguments."""
        return True

    def __init__(self, part: Any, dtype: np.dtype[Any]) -> None:
        self.part, self.dtype, self.number = part, dtype, dtype.type
        for name, each in self.loops.items():
            setattr(self, name, each.compiled(dtype))

    def __getattr__(self, name: str) -> Any:  # for type checkers: what `loops` names
        raise AttributeError(f"{type(self).__name__} has no {name!r}")


class LayerTwin(Twin):
    """What does the work of a layer in training.

    A batch that does not lie column by column, or is of another dtype, as a layer of the user's may
    return it, goes the layer's own way.
    """

    part: Layer
    _fits = False  # whether the last batch went through the loops

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y."""
        self._fits = self.fits(x)
        return self.run_forward(x) if self._fits else self.own_forward(x, training)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradients of the parameters and return ∂L/∂x."""
        if self._fits and self.fits(grad):
            return self.run_backward(grad)
        if self._fits:  # what the layer's own way needs has not been computed
            self.part.forward(vars(self.part)["x"], True)
        return self.part.backward(grad)

    def own_forward(self, x: Array, training: bool) -> Array:
        """Return y as the layer does."""
        return self.part.forward(x, training)

    def fits(self, x: Array) -> bool:
        """Tell whether the loops take a batch or a gradient."""
        return x.dtype == self.dtype and x.T.flags.carray

    def run_forward(self, x: Array) -> Array:
        """Return y, of a batch that fits."""
        raise NotImplementedError

    def run_backward(self, grad: Array) -> Array | None:
        """Do what `backward` does, with a gradient that fits."""
        raise NotImplementedError


_Class = TypeVar("_Class", bound=type[Twin])
TWINS: dict[type, list[type[Twin]]] = {}


def twin_for(*classes: type) -> Callable[[_Class], _Class]:
    """Return a decorator that enters a twin for parts of these classes."""

    def enter(twin: _Class) -> _Class:
        for each in classes:
            TWINS.setdefault(each, []).append(twin)
        return twin

    return enter


@cache
def _load_twins() -> None:
    """Have all twins entered, by importing the modules of this package."""
    load_modules(__package__)


def find_twin(part: Any, dtype: np.dtype[Any]) -> type[Twin] | None:
    """Return the class of the twin of a part; None if there is none for just its class, or it."""
    _load_twins()
    suitable = (twin for twin in TWINS.get(type(part), ()) if twin.suits(part))
    return next(suitable, None) if dtype.char in "fd" else None


def twin_of(part: Any, dtype: np.dtype[Any]) -> Any:
    """Return the twin of a part, or None if there is none.

    Raises whatever numba does where it fails to compile.
    """
    twin = find_twin(part, dtype)
    return None if twin is None else twin(part, dtype)
