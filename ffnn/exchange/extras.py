"""The libraries that models go to and come from; each is an extra."""

from __future__ import annotations

import importlib
from typing import Any

# Module → the extra that brings it.
_EXTRAS = {
    "keras": "keras",
    "onnx": "onnx",
    "onnx.reference": "onnx",
    "safetensors.numpy": "safetensors",
    "sklearn": "sklearn",
    "skl2onnx": "onnx",
    "torch": "torch",
}


def require(module: str, purpose: str) -> Any:
    """Return a module of an extra, or raise ImportError with the line that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {name}, which is not installed ({error}): "
            f"pip install 'ffnn[{_EXTRAS[module]}]'"
        ) from error
