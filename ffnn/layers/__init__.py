"""The layers of a network; any activation object is a layer too (`ffnn.activations`)."""

from __future__ import annotations

from ffnn.activations import LeakyReLU
from ffnn.base import LAYERS, Layer
from ffnn.layers.activation import Activation
from ffnn.layers.dense import Dense
from ffnn.layers.dropout import Dropout
from ffnn.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from ffnn.layers.rescaling import Normalization, Rescaling

__all__ = [
    "LAYERS",
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Normalization",
    "RMSNorm",
    "Rescaling",
]
