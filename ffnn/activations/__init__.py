"""Activation functions, each a layer with its own forward and hand-derived backward.

In all formulas x is the input, y the output, both (batch, units) in the model's float dtype, and L
the loss. An elementwise activation has ∂L/∂x = ∂L/∂y · f'(x); softmax mixes the units of a row and
has a full Jacobian. Read `base` first; then there is one activation a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.activations.base import ACTIVATIONS, ActivationFunction
from ffnn.core.registry import load_class

if TYPE_CHECKING:
    from ffnn.activations.elu import ELU
    from ffnn.activations.exponential import Exponential
    from ffnn.activations.gelu import GELU
    from ffnn.activations.leaky_relu import LeakyReLU
    from ffnn.activations.linear import Linear
    from ffnn.activations.mish import Mish
    from ffnn.activations.relu import ReLU
    from ffnn.activations.selu import SELU
    from ffnn.activations.sigmoid import Sigmoid
    from ffnn.activations.softmax import Softmax
    from ffnn.activations.softplus import Softplus
    from ffnn.activations.swish import Swish
    from ffnn.activations.tanh import Tanh
else:

    def __getattr__(name):
        return load_class(__name__, name)


__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "ActivationFunction",
    "Exponential",
    "LeakyReLU",
    "Linear",
    "Mish",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Swish",
    "Tanh",
]
