"""An activation that each unit takes as much of as it learns to."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array, Shape
from ffnn.activations import ACTIVATIONS, ActivationFunction
from ffnn.core.formulas import Formula, Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import sum_rows
from ffnn.initializers import Initializer, Ones
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("parametric_activation")
class ParametricActivation(Layer):
    """Learn how much of an activation each unit takes: y = x + α ∘ (h - x), h = f(x).

    x, h and y are (batch, units), α is (units,) and begins at 1, where y = f(x); at 0 the unit is
    linear. With δ = ∂L/∂y ∘ α:

        ∂L/∂α = Σ_batch ∂L/∂y ∘ (h - x),    ∂L/∂x = δ ∘ f'(x) + ∂L/∂y ∘ (1 - α).

    It stands behind a `Dense` without an activation, as in ``Dense(256),
    ParametricActivation("selu")``.

    Parameters
    ----------
    activation : str or ActivationFunction
        Which f. An object is copied, so that one may be given to several layers.

    Raises
    ------
    TypeError, ValueError
        The name is unknown, or the object is not an activation.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024, section 3 (parametric activation functions).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import ParametricActivation
    >>> layer = ParametricActivation("relu").build(2, dtype="float64")
    >>> layer.forward(np.array([[-2.0, 4.0]])).round(4).tolist()
    [[0.0, 4.0]]
    """

    fixed = ("activation",)
    borrowed = ("x", "h")

    def __init__(self, activation: str | ActivationFunction) -> None:
        owner = "ParametricActivation: activation"
        self.activation = ACTIVATIONS.get(activation, owner).replica()

    @property
    def formulas(self) -> Formulas:
        """Those of the activation, of h and in δ for ∂L/∂h, and what is added to them."""
        own = self.activation.formulas
        forward = (Formula(text).rename({"y": "h"}).text for text in own.forward)
        *others, slope = (
            Formula(text).rename({"y": "h"}).text.replace("∂L/∂h", "δ") for text in own.backward
        )
        slope, separator, definitions = slope.partition(" with ")
        return Formulas(
            forward=(*forward, "y = α ∘ h + (1 - α) ∘ x"),
            backward=(
                *("∂L/∂α = Σ_rows ∂L/∂y ∘ (h - x)", "δ = ∂L/∂y ∘ α", *others),
                f"{slope} + ∂L/∂y ∘ (1 - α){separator}{definitions}",
            ),
            where={
                "h": "h",
                **{symbol: f"activation.{path}" for symbol, path in own.where.items()},
            },
        )

    @property
    def kinks(self) -> tuple[float, ...]:
        """The activation's, where finite differences say nothing."""
        return self.activation.kinks

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shape of the shares α."""
        return {"alpha": (input_dim,)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values: α = 1."""
        return {"alpha": Ones()}

    def compute_output_dim(self, input_dim: int) -> int:
        """Return `input_dim`, if the activation allows it."""
        return self.activation.compute_output_dim(input_dim)

    def allocate(self, rows: int) -> None:
        """Allocate y, 1 - α, and room for products."""
        super().allocate(rows)
        self.alpha, self.dalpha = self._params["alpha"], self._grads["alpha"]
        self.rest, self.one = self.array("rest", self.input_dim), self.scalar(1.0)
        self.y = self.buffer("y", self.input_dim)
        self.product = self.buffer("product", self.input_dim)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return α ∘ f(x) + (1 - α) ∘ x, which at α = 1 is f(x) to the last bit."""
        if len(x) != self.rows:
            self.allocate(len(x))
        self.x, self.h = x, self.activation.forward(x, training)
        np.subtract(self.one, self.alpha, out=self.rest)
        np.multiply(x, self.rest, out=self.product)
        np.multiply(self.h, self.alpha, out=self.y)
        self.y += self.product
        return self.y

    def express(self, x: Value) -> Value:
        """Return α ∘ f(x) + (1 - α) ∘ x."""
        alpha = x.same(self.params["alpha"])
        return self.activation.express(x) * alpha + x * (1.0 - alpha)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradient of α and return ∂L/∂x."""
        np.subtract(self.h, self.x, out=self.product)
        self.product *= grad
        sum_rows(self.product, self.dalpha)
        if not self.needs_input_grad:
            return None
        np.multiply(grad, self.alpha, out=self.product)
        grad *= self.rest
        grad += self.activation.backward(self.product)
        return grad

    def release(self) -> None:
        """Drop the batch, the activation's too."""
        super().release()
        self.activation.release()
