"""Fixed scaling of the inputs, as part of the model."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("rescaling")
class Rescaling(Layer):
    """Scale all columns alike: y = scale · x + offset,  ∂L/∂x = scale · ∂L/∂y.

    As the first layer it takes integer rows as they are: pixels stay uint8 in memory and become
    floats a batch at a time.

    Parameters
    ----------
    scale : float
        The factor, such as 1/255 for 8-bit pixels.
    offset : float, default 0.0
        What is added.

    Raises
    ------
    TypeError, ValueError
        `scale` or `offset` is not a finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Rescaling
    >>> layer = Rescaling(1 / 255).build(3, dtype="float64")
    >>> layer.forward(np.array([[0.0, 51.0, 255.0]])).round(4).tolist()
    [[0.0, 0.2, 1.0]]
    """

    formulas = Formulas(("y = a x + c",), ("∂L/∂x = a ∂L/∂y",), where={"a": "scale", "c": "offset"})
    takes_any_dtype = True
    is_affine = True
    borrowed = ()  # x is copied

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        self.scale = check_number("Rescaling", "scale", scale)
        self.offset = check_number("Rescaling", "offset", offset)

    def allocate(self, rows: int) -> None:
        """Allocate y."""
        super().allocate(rows)
        self.y = self.buffer("y", self.input_dim)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return scale · x + offset in the model's dtype."""
        if len(x) != self.rows:
            self.allocate(len(x))
        np.copyto(self.y, x)
        self.y *= self.scale
        if self.offset:
            self.y += self.offset
        return self.y

    def express(self, x: Value) -> Value:
        """Return scale · x + offset."""
        return x * self.scale + self.offset if self.offset else x * self.scale

    def backward(self, grad: Array) -> Array:
        """Return scale · grad."""
        grad *= self.scale
        return grad
