"""`Twin`: what does the work of a part by compiled loops; `twin_of` finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


# Makes the twin of a part that computes in a dtype; None if there is none for it.
Maker = TypeVar("Maker", bound=Callable[[Any, Any], Any])

TWINS: dict[type, Callable[[Any, Any], Any]] = {}


def twin_for(*classes: type) -> Callable[[Maker], Maker]:
    """Return a decorator that enters what makes twins for parts of these classes."""

    def enter(twin: Maker) -> Maker:
        for each in classes:
            TWINS[each] = twin
        return twin

    return enter


def twin_of(part: Any, dtype: np.dtype[Any]) -> Any:
    """Return the twin of a part, or None if there is none for just this class, or this part.

    Raises whatever numba does where it fails to compile.
    """
    if not TWINS:
        load_modules(__package__)
    twin = TWINS.get(type(part))
    return None if twin is None or dtype.char not in "fd" else twin(part, dtype)
