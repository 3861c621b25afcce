"""What is in an ONNX file, in words."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ffnn._types import FilePath
from ffnn.core.text import counted, listed, shown
from ffnn.errors import ModelFileError
from ffnn.exchange.extras import require
from ffnn.exchange.onnx_reader import from_onnx, load
from ffnn.sequential import Sequential


class Content(NamedTuple):
    """What is in a file."""

    lines: list[str]
    model: Sequential | None  # None if it is no chain of layers
    problem: str = ""  # why it is none


def describe_onnx(path: FilePath) -> Content:
    """Return what an ONNX file says of itself, and the network if it is a chain of layers.

    Raises
    ------
    ModelFileError
        It is no ONNX file.
    ImportError
        onnx is not installed.
    """
    made = load(path)
    graph = made.graph
    writer = " ".join(filter(None, (made.producer_name, made.producer_version)))
    opsets = ", ".join(f"{each.domain or 'opset'} {each.version}" for each in made.opset_import)
    operators = Counter(node.op_type for node in graph.node)
    numbers = sum(_size(each.dims) for each in graph.initializer)
    lines = [
        f"{path}: ONNX, {shown(opsets, 60)[1:-1]}"
        + (f", written by {shown(writer, 60)[1:-1]}" if writer else ""),
        *(f"input {_described(each)}" for each in graph.input),
        *(f"output {_described(each)}" for each in graph.output),
        f"{counted(len(graph.node), 'node')}: "
        + listed((f"{n} {shown(name, 40)[1:-1]}" for name, n in operators.most_common()), 6),
        f"{counted(len(graph.initializer), 'array')} of {counted(numbers, 'number')}",
    ]
    try:
        return Content(lines, from_onnx(path))
    except ModelFileError as error:
        return Content(lines, None, str(error).removeprefix(f"{path}: "))


def _size(dims: Any) -> int:
    size = 1
    for each in dims:
        size *= max(int(each), 0)
    return size


def _described(value: Any) -> str:
    """Return the name, the type and the shape of an input or output."""
    onnx = require("onnx", "an ONNX file")
    kind = value.type.tensor_type
    name = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
    sizes = [
        shown(d.dim_param, 20)[1:-1] if d.dim_param else d.dim_value or "?" for d in kind.shape.dim
    ]
    return f"{shown(value.name, 40)}: {name}, {' x '.join(map(str, sizes)) or 'any shape'}"
