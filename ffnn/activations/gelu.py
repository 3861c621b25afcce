"""The Gaussian error linear unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core import gaussian
from ffnn.core.checks import check_choice
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value

_EXACT = Formulas(
    forward=("y = x ∘ (1 + erf(x / √2)) / 2",),
    backward=("∂L/∂x = ∂L/∂y ∘ ((1 + erf(x / √2)) / 2 + x ∘ e^(-x² / 2) / √(2 π))",),
)
_TANH = Formulas(
    forward=("t = tanh(√(2/π) (x + 0.044715 x³))", "y = x ∘ (1 + t) / 2"),
    backward=("∂L/∂x = ∂L/∂y ∘ ((1 + t) / 2 + x ∘ (1 - t²) ∘ √(2/π) (1 + 0.134145 x²) / 2)",),
    where={"t": "t"},
)


@ACTIVATIONS.register("gelu")
class GELU(ActivationFunction):
    """Gaussian error linear unit, y = x Φ(x), with Φ(x) = (1 + erf(x / √2)) / 2.

    y' = Φ(x) + x φ(x),  φ(x) = e^(-x²/2) / √(2π).

    Φ is computed for -|x| by a rational approximation, whose error is below 2e-16, and
    y = max(x, 0) - |x| Φ(-|x|). With ``approximate="tanh"`` it is y = x (1 + t) / 2 with
    t = tanh u, which differs by less than 5e-4:

    u = c (x + 0.044715 x³),  c = √(2/π),
    y' = (1 + t) / 2 + x (1 - t²) c (1 + 3 · 0.044715 x²) / 2.

    Parameters
    ----------
    approximate : {"none", "tanh"}, default "none"
        Which form, as in PyTorch and ONNX. Models that were saved before there were two have the
        second.

    Raises
    ------
    TypeError, ValueError
        `approximate` is none of these.

    References
    ----------
    Hendrycks, Gimpel, "Gaussian error linear units", 2016, section 2.
    Hart et al., "Computer approximations", 1968, algorithm 5666; see `ffnn.core.gaussian`.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.activations import GELU
    >>> y = GELU().forward(np.array([[-1.0, 0.0, 2.0]]))
    >>> y.round(4).tolist()
    [[-0.1587, 0.0, 1.9545]]
    """

    in_older_files: ClassVar[Mapping[str, Any]] = {"approximate": "tanh"}
    factor = math.sqrt(2.0 / math.pi)
    cubic = 0.044715

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = check_choice("GELU", "approximate", approximate, ("none", "tanh"))

    @property
    def formulas(self) -> Formulas:
        """Those of the form."""
        return _TANH if self.approximate == "tanh" else _EXACT

    @property
    def output_range(self) -> tuple[float, float]:  # type: ignore[override]
        """The minimum lies near x = -0.75."""
        exact = self.approximate == "none"
        return (-0.16997120747990369 if exact else -0.17004075057125406, math.inf)

    def allocate(self, rows: int) -> None:
        """Allocate y, the slope, and what the forms need."""
        super().allocate(rows)
        self.t, self.du, self.z = self.like("t"), self.like("du"), self.like("z")
        self.tail, self.bell = self.t, self.du  # one form needs these, the other those

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x Φ(x), or x (1 + tanh u) / 2."""
        if x.shape != self.shape or x.dtype != self.dtype:
            self.allocate_for(x)
        self.x = x
        if self.approximate == "none":
            self._compute_exact(x)
        elif training:
            self._compute_tanh(x)
        else:
            # x² may overflow: then t is ±1, which is right. A training ignores that by itself.
            with np.errstate(over="ignore"):
                self._compute_tanh(x)
        return self.y

    def backward(self, grad: Array) -> Array:
        """Return grad · y'."""
        if self.approximate == "none":
            self._compute_exact_slope()
        else:
            self._compute_tanh_slope()
        grad *= self.slope
        return grad

    def _compute_exact(self, x: Array) -> None:
        """Compute y, Φ(-|x|) and e^(-x²/2)."""
        np.abs(x, out=self.z)
        np.minimum(self.z, gaussian.FAR, out=self.z)
        np.multiply(self.z, self.z, out=self.bell)
        self.bell *= -0.5
        np.exp(self.bell, out=self.bell)
        _evaluate(gaussian.P, self.z, self.tail)
        _evaluate(gaussian.Q, self.z, self.slope)
        self.tail /= self.slope
        self.tail *= self.bell
        np.multiply(self.z, self.tail, out=self.slope)
        np.maximum(x, 0.0, out=self.y)
        self.y -= self.slope

    def _compute_exact_slope(self) -> None:
        """Compute y' = 1/2 ± (1/2 - Φ(-|x|) + |x| φ(x)), with the sign of x."""
        np.multiply(self.z, self.bell, out=self.slope)
        self.slope *= 1.0 / math.sqrt(2.0 * math.pi)
        self.slope -= self.tail
        self.slope += 0.5
        np.copysign(self.slope, self.x, out=self.slope)
        self.slope += 0.5

    def _compute_tanh(self, x: Array) -> None:
        """Compute t and y."""
        np.multiply(x, x, out=self.t)
        self.t *= self.cubic
        self.t += 1.0
        self.t *= x
        self.t *= self.factor
        np.tanh(self.t, out=self.t)
        np.add(self.t, 1.0, out=self.y)
        self.y *= 0.5  # first, as 2 x may overflow
        self.y *= x

    def _compute_tanh_slope(self) -> None:
        # Beyond ±30 y' is exactly 0 or 1; x² must not overflow on the way.
        np.clip(self.x, -30.0, 30.0, out=self.du)
        self.du *= self.du
        self.du *= 3.0 * self.cubic
        self.du += 1.0
        self.du *= self.factor
        np.multiply(self.t, self.t, out=self.slope)
        np.subtract(1.0, self.slope, out=self.slope)
        self.slope *= self.du
        self.slope *= self.x
        self.slope += self.t
        self.slope += 1.0
        self.slope *= 0.5

    def express(self, x: Value) -> Value:
        """Return x Φ(x), or x (1 + tanh u) / 2."""
        if self.approximate == "tanh":
            t = ((x * x * self.cubic + 1.0) * x * self.factor).tanh()
            return (x * 0.5 * (t + 1.0)).known_as("Gelu", x, approximate="tanh")
        if x.dtype == np.float32:
            share = (x / math.sqrt(2.0)).erf() + 1.0
            bounded = x.maximum(-gaussian.FAR)  # -inf times 0 would be NaN
            return (bounded * 0.5 * share).known_as("Gelu", x, approximate="none")
        # onnxruntime has no erf of float64.
        z = x.maximum(-x).minimum(gaussian.FAR)
        tail = (z * z * -0.5).exp() * _polynomial(gaussian.P, z) / _polynomial(gaussian.Q, z)
        result: Value = x.maximum(0.0) - z * tail
        return result


def _evaluate(coefficients: Sequence[float], z: Array, out: Array) -> None:
    """Evaluate a polynomial by Horner's scheme."""
    first, second, *others = coefficients
    np.multiply(z, first, out=out)
    out += second
    for coefficient in others:
        out *= z
        out += coefficient


def _polynomial(coefficients: Sequence[float], z: Value) -> Any:
    """Return the same as an expression."""
    first, *others = coefficients
    value: Any = first
    for coefficient in others:
        value = z * value + coefficient
    return value
