"""The layers of a network; any activation object is a layer too (`ffnn.activations`).

Read `base`, what every layer is, then `dense`, then `chain`, how a batch passes them; the others
are one layer a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.registry import load_class
from ffnn.layers.base import LAYERS, Layer

if TYPE_CHECKING:
    from ffnn.activations.leaky_relu import LeakyReLU
    from ffnn.layers.activation import Activation
    from ffnn.layers.average import Average
    from ffnn.layers.batch_norm import BatchNorm
    from ffnn.layers.clamp import Clamp
    from ffnn.layers.dense import Dense
    from ffnn.layers.dropout import Dropout
    from ffnn.layers.embedding import Embedding
    from ffnn.layers.layer_norm import LayerNorm
    from ffnn.layers.normalization import Normalization
    from ffnn.layers.parametric_activation import ParametricActivation
    from ffnn.layers.periodic_embedding import PeriodicEmbedding
    from ffnn.layers.piecewise_linear import PiecewiseLinear
    from ffnn.layers.prelu import PReLU
    from ffnn.layers.rescaling import Rescaling
    from ffnn.layers.rms_norm import RMSNorm
    from ffnn.layers.scale import Scale
else:

    def __getattr__(name):
        return load_class("ffnn.activations" if name == "LeakyReLU" else __name__, name)


__all__ = [
    "LAYERS",
    "Activation",
    "Average",
    "BatchNorm",
    "Clamp",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "ParametricActivation",
    "PeriodicEmbedding",
    "PiecewiseLinear",
    "RMSNorm",
    "Rescaling",
    "Scale",
]
