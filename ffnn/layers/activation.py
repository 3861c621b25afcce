"""An activation as a layer of its own."""

from __future__ import annotations

from ffnn._types import Array
from ffnn.activations import ACTIVATIONS, ActivationFunction
from ffnn.core.operations import Value
from ffnn.layers.base import LAYERS, Layer, Stage


@LAYERS.register("activation")
class Activation(Layer):
    """y = f(x) for an activation f, by name or by object.

    It is for places where the activation does not follow the linear part directly, as in
    ``Dense(64), RMSNorm(), Activation("relu")``. An activation object may stand there by itself.

    Parameters
    ----------
    activation : str or ActivationFunction
        Which f. An object is copied, so that one may be given to several layers.

    Raises
    ------
    TypeError, ValueError
        The name is unknown, or the object is not an activation.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Activation
    >>> layer = Activation("tanh").build(2, dtype="float64")
    >>> layer.forward(np.array([[0.0, 1.0]])).round(4).tolist()
    [[0.0, 0.7616]]
    """

    fixed = ("activation",)

    def __init__(self, activation: str | ActivationFunction) -> None:
        self.activation = ACTIVATIONS.get(activation, "Activation: activation").replica()

    def compute_output_dim(self, input_dim: int) -> int:
        """Return `input_dim`, if the activation allows it."""
        return self.activation.compute_output_dim(input_dim)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return f(x)."""
        return self.activation.forward(x, training)

    def express(self, x: Value) -> Value:
        """Return f(x)."""
        return self.activation.express(x)

    def backward(self, grad: Array) -> Array | None:
        """Return the activation's ∂L/∂x."""
        return self.activation.backward(grad)

    def stages(self) -> list[Stage]:
        """Return the activation's own stages."""
        return self.activation.stages()
