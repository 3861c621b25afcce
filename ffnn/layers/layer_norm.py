"""Layer normalisation."""

from __future__ import annotations

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.layers.base import LAYERS
from ffnn.layers.standardization import WHERE, Standardization, standardization


@LAYERS.register("layer_norm")
class LayerNorm(Standardization):
    """Standardise each row over its units: y = γ ∘ x̂ + β,  x̂ = (x - μ) / σ,  σ = √(var + ε).

    μ and the (population) variance are the row's. With g = ∂L/∂y ∘ γ and means over the row:

        ∂L/∂γ = Σ_batch ∂L/∂y ∘ x̂,    ∂L/∂β = Σ_batch ∂L/∂y,
        ∂L/∂x = (g - mean(g) - x̂ · mean(g ∘ x̂)) / σ.

    Parameters
    ----------
    epsilon : float, default 1e-3
        ε above, greater than 0.

    Raises
    ------
    TypeError, ValueError
        `epsilon` is not a number above 0.

    References
    ----------
    Ba, Kiros, Hinton, "Layer normalization", 2016, equations 3 and 4.
    """

    formulas = Formulas(*standardization("mean_units"), where=WHERE)
    axis = 1

    def __init__(self, epsilon: float = 1e-3) -> None:
        self.epsilon = check_number("LayerNorm", "epsilon", epsilon, low=0.0, low_open=True)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return γ ∘ x̂ + β."""
        if len(x) != self.rows:
            self.allocate(len(x))
        return self.standardize(x)
