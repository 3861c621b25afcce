"""Networks out of ONNX files, those that others wrote too.

A graph is read as a chain: between two values through which all must pass lies a segment of nodes,
and `recognition` finds the layer that computes the same. At the end the network has to agree with
the graph on random rows. A file that `to_onnx` wrote says what its layers are; if the graph is that
of these layers, they are taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ffnn._types import Array, FilePath
from ffnn.core.descriptions import rebuild
from ffnn.core.files import read_whole
from ffnn.core.text import shown
from ffnn.errors import ModelFileError
from ffnn.exchange.extras import require
from ffnn.exchange.found import model_of
from ffnn.exchange.graph import Graph, GraphError
from ffnn.exchange.onnx_writer import CONFIG, to_onnx
from ffnn.exchange.recognition import recognize
from ffnn.saving.header import FORMAT
from ffnn.sequential import Sequential

_ROWS, _AGREEMENT = 16, 1e-4  # rows to compare, and how far numbers may differ


def from_onnx(path: FilePath) -> Sequential:
    """Return the network of an ONNX file that holds a chain of layers.

    Such a chain consists of ``Gemm`` or ``MatMul`` with ``Add``, activations, also where they are
    spelled out by other operators, the norms, ``Dropout``, ``Identity`` and ``Flatten``. What
    `to_onnx` wrote comes back with the same bits.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Sequential
        A built network, not compiled.

    Raises
    ------
    ModelFileError
        The file is missing or damaged, refers to other files, or holds something that is no such
        chain; the node is named.
    ImportError
        onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> x = np.array([[1.0, 2.0]], np.float32)
    >>> network = ffnn.exchange.to_onnx(model, "model.onnx")
    >>> again = ffnn.exchange.from_onnx("model.onnx")
    >>> bool(np.allclose(again.predict(x), model.predict(x), atol=1e-6))
    True
    """
    made = load(path)
    try:
        with np.errstate(all="ignore"):  # what overflows agrees with nothing
            graph = Graph(made)
            model = _described(made, graph) or _read(graph)
            _name(model, graph.metadata)
    except GraphError as error:
        raise ModelFileError(f"{path}: {error}") from error
    except (MemoryError, RecursionError) as error:
        raise ModelFileError(f"{path}: the graph is too large to be read") from error
    return model


def load(path: FilePath) -> Any:
    """Return what an ONNX file holds, without the files that it may refer to."""
    onnx = require("onnx", "an ONNX file")
    try:
        content = bytes(read_whole(path, 0, lambda start, size: None))
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
    if content.startswith(FORMAT.encode()):
        raise ModelFileError(
            f"{path}: this is a model file, which load_model and ffnn summary read, no ONNX file"
        )
    try:
        return onnx.load_model_from_string(content)
    except Exception as error:
        raise ModelFileError(f"{path}: this is no ONNX file: {error}") from error


def _read(graph: Graph) -> Sequential:
    """Return the network of layers that are recognized in a graph."""
    found = list(recognize(graph))
    if not found:
        raise GraphError("the graph computes nothing")
    try:
        model = model_of(found, graph.input_width, graph.dtype.name)
    except (ValueError, TypeError) as error:
        raise GraphError(f"its layers do not go together: {error}") from error
    _check_agreement(model, graph)
    return model


def _check_agreement(model: Sequential, graph: Graph) -> None:
    """Raise GraphError if the network does not compute what the graph does."""
    rows = np.random.default_rng(0).normal(size=(_ROWS, graph.input_width)).astype(graph.dtype)
    expected, found = graph.evaluate(rows), model.predict(rows)
    if expected.shape != found.shape:
        raise GraphError(
            f"expected outputs of shape (rows, {found.shape[1]}), got {expected.shape}"
        )
    difference = np.abs(expected - found) / np.maximum(1.0, np.abs(expected))
    if not (difference <= _AGREEMENT).all():
        raise GraphError(
            f"the chain of {len(model.layers)} layers that was found in it differs from it by "
            f"{difference.max():.2g}"
        )


def _described(made: Any, graph: Graph) -> Sequential | None:
    """Return the network that the file says it holds, None if it holds another or says nothing."""
    try:
        said = json.loads(graph.metadata[CONFIG])
        model = Sequential([rebuild(each) for each in said["layers"]], dtype=graph.dtype.name)
        values = _values(model, graph)
        model.build(graph.input_width)
        for layer, arrays in zip(model.layers, values, strict=True):
            for name, array in layer.params.items():
                array[...] = arrays[name]
            states = said["states"].get(layer.name, {})
            if states:
                layer.load_state({name: np.array(state) for name, state in states.items()})
        again = to_onnx(model, opset=graph.opset)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError):
        return None
    is_same: bool = again.graph.SerializeToString() == made.graph.SerializeToString()
    return model if is_same else None


def _values(model: Sequential, graph: Graph) -> list[dict[str, Array]]:
    """Return each layer's parameters; LookupError if the file does not have as many numbers."""
    dims = model.compute_dims(graph.input_width)
    found = list[dict[str, Array]]()
    for layer, columns in zip(model.layers, dims, strict=False):
        shapes = layer.parameter_shapes(columns)
        arrays = {name: graph.constants[f"{layer.name}.{name}"] for name in shapes}
        if any(math.prod(shape) != arrays[name].size for name, shape in shapes.items()):
            raise LookupError(layer.name)
        found.append({name: arrays[name].reshape(shape) for name, shape in shapes.items()})
    return found


def _name(model: Sequential, metadata: Mapping[str, str]) -> None:
    """Give the model the names that the file has for classes and features, where they fit."""
    for attribute, width in (("class_names", model.output_dim), ("feature_names", model.input_dim)):
        text = metadata.get(attribute, "null")
        try:
            names = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise GraphError(f"{attribute}: {shown(text, 60)} is not JSON: {error}") from error
        if names is None:
            continue
        counts = {width, 2} if attribute == "class_names" and width == 1 else {width}
        are_names = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not are_names or len(names) not in counts or len({*names}) < len(names):
            raise GraphError(
                f"{attribute}: expected {width} different names, got {shown(text, 60)}"
            )
        setattr(model, attribute, names)
