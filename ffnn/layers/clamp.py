"""Predictions that stay within a range."""

from __future__ import annotations

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("clamp")
class Clamp(Layer):
    """Keep predictions within a range: y = min(max(x, low), high), in training y = x.

    As the last layer of a network for numbers, with the smallest and the largest target of its
    training, it keeps the network from predicting what it has never seen. Training sees x itself,
    ∂L/∂x = ∂L/∂y, so that errors beyond the range are still learned from. Outside training
    ∂L/∂x = ∂L/∂y where low < x < high, else 0.

    Parameters
    ----------
    low, high : float
        The range, low ≤ high.

    Raises
    ------
    TypeError, ValueError
        One is not a finite number, or `low` is larger than `high`.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024, section 3 (output clipping).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Clamp
    >>> layer = Clamp(0.0, 1.0).build(3, dtype="float64")
    >>> layer.forward(np.array([[-1.0, 0.5, 3.0]])).round(4).tolist()
    [[0.0, 0.5, 1.0]]
    """

    formulas = Formulas(("y = x",), ("∂L/∂x = ∂L/∂y",))
    is_affine = True  # in training
    borrowed = ()
    _is_clamped = False  # whether the last forward was outside training

    def __init__(self, low: float, high: float) -> None:
        self.low = check_number("Clamp", "low", low)
        self.high = check_number("Clamp", "high", high)
        if self.low > self.high:
            raise ValueError(f"Clamp: low must be at most high, got low={low!r} and high={high!r}")

    def allocate(self, rows: int) -> None:
        """Allocate y."""
        super().allocate(rows)
        self.y = self.buffer("y", self.input_dim)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x in training, else x within the range."""
        self._is_clamped = not training
        if training:
            return x
        if len(x) != self.rows:
            self.allocate(len(x))
        return x.clip(self.low, self.high, self.y)

    def express(self, x: Value) -> Value:
        """Return x within the range."""
        return x.maximum(self.low).minimum(self.high)

    def backward(self, grad: Array) -> Array:
        """Return grad, outside training with 0 where y is at the end of the range."""
        if self._is_clamped:
            grad *= (self.low < self.y) & (self.y < self.high)
        return grad
