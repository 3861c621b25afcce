"""`export`: a file of the kind that its name says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffnn._types import FilePath
from ffnn.core.files import check_target
from ffnn.core.text import shown
from ffnn.exchange.c_source import to_c
from ffnn.exchange.javascript_source import to_javascript
from ffnn.exchange.onnx_writer import to_onnx
from ffnn.exchange.python_source import to_python
from ffnn.exchange.safetensors_files import to_safetensors

if TYPE_CHECKING:
    from ffnn.models.network import Network

SUFFIXES: dict[str, Callable[..., Any]] = {
    ".onnx": to_onnx,
    ".c": to_c,
    ".py": to_python,
    ".js": to_javascript,
    ".safetensors": to_safetensors,
}


def export(model: Network, path: FilePath, **options: Any) -> None:
    """Write a network in the format that the file's suffix says; see `Sequential.export`.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> ffnn.exchange.export(model, "model.js")
    """
    suffix = Path(path).suffix.lower()
    write = SUFFIXES.get(suffix)
    if write is None:
        raise ValueError(
            f"export: unknown suffix {shown(suffix, 20)} of {path}, expected one of "
            f"{', '.join(SUFFIXES)}"
        )
    model.require_built()
    check_target(path)
    write(model, path, **options)
