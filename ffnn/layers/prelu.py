"""ReLU that learns its slope for negative inputs."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array, Shape
from ffnn.core.checks import check_bool, check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import sum_rows
from ffnn.initializers import Constant, Initializer
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("prelu")
class PReLU(Layer):
    """Leaky ReLU with a learned slope: y = max(x, 0) + α ∘ min(x, 0).

    x and y are (batch, units), α is (units,), or (1,) if it is shared:

        ∂L/∂α = Σ_batch ∂L/∂y ∘ min(x, 0), summed over the units too if α is shared,
        ∂L/∂x = ∂L/∂y where x > 0, else ∂L/∂y ∘ α.

    It stands behind a `Dense` without an activation, as in ``Dense(64), PReLU()``. Weight decay
    pulls the slopes towards 0; ``decay_exclude=["alpha"]`` of `AdamW` spares them.

    Parameters
    ----------
    shared : bool, default False
        Whether all units have the same slope.
    initial_slope : float, default 0.25
        The value of α at the beginning.

    Raises
    ------
    TypeError, ValueError
        An argument is of another type, or not finite.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equations 1 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import PReLU
    >>> layer = PReLU().build(2, dtype="float64")
    >>> layer.forward(np.array([[-2.0, 4.0]])).round(4).tolist()
    [[-0.5, 4.0]]
    """

    kinks = (0.0,)
    fixed = ("shared", "initial_slope")

    def __init__(self, shared: bool = False, initial_slope: float = 0.25) -> None:
        self.shared = check_bool("PReLU", "shared", shared)
        self.initial_slope = check_number("PReLU", "initial_slope", initial_slope)

    @property
    def formulas(self) -> Formulas:
        """The same but for what is summed."""
        total = "Σ" if self.shared else "Σ_rows"
        return Formulas(
            forward=("y = max(x, 0) + α ∘ min(x, 0)",),
            backward=(
                f"∂L/∂α = {total} ∂L/∂y ∘ min(x, 0)",
                "∂L/∂x = ∂L/∂y ∘ ([x > 0] + α ∘ [x ≤ 0])",
            ),
        )

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shape of the slopes α."""
        return {"alpha": (1 if self.shared else input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values of the slopes."""
        return {"alpha": Constant(self.initial_slope)}

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, min(x, 0), and where x is positive."""
        super().allocate(rows)
        self.alpha, self.dalpha = self._params["alpha"], self._grads["alpha"]
        self.y = self.buffer("y", self.input_dim)
        self.slope = self.buffer("slope", self.input_dim)
        self.negative = self.buffer("negative", self.input_dim)
        self.positive = self.buffer("positive", self.input_dim, dtype=bool)
        self.sums = self.array("sums", self.input_dim)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(x, 0) + α ∘ min(x, 0)."""
        if len(x) != self.rows:
            self.allocate(len(x))
        self.x = x
        np.minimum(x, 0.0, out=self.negative)
        np.maximum(x, 0.0, out=self.y)
        np.multiply(self.negative, self.alpha, out=self.slope)
        self.y += self.slope
        return self.y

    def express(self, x: Value) -> Value:
        """Return max(x, 0) + α ∘ min(x, 0)."""
        alpha = self.params["alpha"]
        y: Value = x.maximum(0.0) + x.minimum(0.0) * x.same(alpha)
        return y.known_as("PRelu", x, slope=alpha)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradient of α and return ∂L/∂x."""
        np.multiply(self.negative, grad, out=self.slope)
        if self.shared:
            sum_rows(self.slope, self.sums)
            self.sums.sum(keepdims=True, out=self.dalpha)
        else:
            sum_rows(self.slope, self.dalpha)
        if not self.needs_input_grad:
            return None
        np.copyto(self.slope, self.alpha)
        np.greater(self.x, 0.0, out=self.positive)
        np.copyto(self.slope, 1.0, where=self.positive)
        grad *= self.slope
        return grad
