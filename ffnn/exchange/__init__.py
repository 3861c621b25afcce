"""Ways in and out: ONNX, PyTorch, Keras, scikit-learn, and files of code that need nothing.

What a layer computes outside training is told once, by `Layer.express`, as elementary operations.
Read `program`, a network as such; then the ways out: `onnx_writer`, `source` with `c_source`, and
with `script_source` `python_source`, `javascript_source`, `encoder_source`. `onnx_reader` reads
files of others by means of `graph`, `growth` and `recognition`. `torch_writer`, `torch_reader` and
`torch_runtime`, the same of Keras, `sklearn_networks` and `safetensors_files` go both ways. Each
library is an extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffnn.core.lazy import loader

if TYPE_CHECKING:
    from ffnn.exchange.by_suffix import SUFFIXES, export
    from ffnn.exchange.c_source import to_c
    from ffnn.exchange.javascript_source import to_javascript
    from ffnn.exchange.keras_reader import from_keras
    from ffnn.exchange.keras_writer import to_keras
    from ffnn.exchange.onnx_reader import from_onnx
    from ffnn.exchange.onnx_writer import to_onnx
    from ffnn.exchange.python_source import to_python
    from ffnn.exchange.safetensors_files import from_safetensors, to_safetensors
    from ffnn.exchange.sklearn_networks import from_sklearn, to_sklearn
    from ffnn.exchange.torch_reader import from_torch
    from ffnn.exchange.torch_writer import to_torch

_HOMES = {
    "SUFFIXES": "by_suffix",
    "export": "by_suffix",
    "from_keras": "keras_reader",
    "from_onnx": "onnx_reader",
    "from_safetensors": "safetensors_files",
    "from_sklearn": "sklearn_networks",
    "from_torch": "torch_reader",
    "to_c": "c_source",
    "to_javascript": "javascript_source",
    "to_keras": "keras_writer",
    "to_onnx": "onnx_writer",
    "to_python": "python_source",
    "to_safetensors": "safetensors_files",
    "to_sklearn": "sklearn_networks",
    "to_torch": "torch_writer",
}

__all__ = [
    "SUFFIXES",
    "export",
    "from_keras",
    "from_onnx",
    "from_safetensors",
    "from_sklearn",
    "from_torch",
    "to_c",
    "to_javascript",
    "to_keras",
    "to_onnx",
    "to_python",
    "to_safetensors",
    "to_sklearn",
    "to_torch",
]

__getattr__ = loader(__name__, _HOMES)
