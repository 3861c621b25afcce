"""Layer normalisation."""

from __future__ import annotations

from ffnn.core.operations import Value
from ffnn.layers.base import LAYERS
from ffnn.layers.standardization import Standardization, standardization


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

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import LayerNorm
    >>> layer = LayerNorm().build(3, dtype="float64")
    >>> layer.forward(np.array([[1.0, 2.0, 3.0]])).round(4).tolist()
    [[-1.2238, 0.0, 1.2238]]
    """

    formulas = standardization("mean_units")
    axis = 1

    def express(self, x: Value) -> Value:
        """Return γ ∘ x̂ + β by the mean and the variance of the row."""
        centered = x - x.mean()
        std = ((centered * centered).mean() + self.epsilon).sqrt()
        return centered / std * self.params["gamma"] + self.params["beta"]
