"""What activation functions share."""

from __future__ import annotations

import math
from typing import ClassVar

from ffnn._types import Array
from ffnn.core.registry import Family
from ffnn.layers.base import Layer

_END_SHARE = 0.01  # of the range; this near to an end y counts as saturated


class ActivationFunction(Layer):
    """A layer without parameters whose output has the shape of its input.

    It takes batches of any width and float dtype, whether it belongs to a model or not.

    Attributes
    ----------
    output_range : tuple of float
        The smallest and the largest value that y can take.
    saturates : bool
        Whether y flattens towards both ends of a bounded range, where the gradient vanishes.
    can_die : bool
        Whether y' is exactly 0 on a half-line, so that a unit may stop learning for good.
    kinks : tuple of float
        Inputs at which f' or f'' jumps, where finite differences say nothing.

    Examples
    --------
    >>> from ffnn.activations import ActivationFunction, Tanh
    >>> isinstance(Tanh(), ActivationFunction), Tanh.output_range, Tanh.saturates
    (True, (-1.0, 1.0), True)
    """

    output_range: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    saturates: ClassVar[bool] = False
    can_die: ClassVar[bool] = False
    kinks: ClassVar[tuple[float, ...]] = ()

    @property
    def saturation_limits(self) -> tuple[float, float]:
        """Between what y is not saturated: 1 % of its range away from both ends."""
        low, high = self.output_range
        margin = _END_SHARE * (high - low)
        return low + margin, high - margin

    def allocate(self, rows: int) -> None:
        """Allocate y and the slope f'(x)."""
        super().allocate(rows)
        self.y, self.slope = self.like("y"), self.like("slope")

    def backward(self, grad: Array) -> Array:
        """Return ∂L/∂x from ∂L/∂y, in the memory of `grad`."""
        raise NotImplementedError


ACTIVATIONS: Family[ActivationFunction] = Family("activation", ActivationFunction, __package__)
