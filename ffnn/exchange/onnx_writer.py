"""Networks as ONNX files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array, FilePath
from ffnn._version import __version__
from ffnn.core.checks import check_int
from ffnn.core.descriptions import describe
from ffnn.core.files import replace_whole
from ffnn.core.operations import Value
from ffnn.exchange.extras import require
from ffnn.exchange.program import Program, address, express
from ffnn.models.network import Network

OLDEST, NEWEST = 17, 24
CONFIG = "ffnn"  # the key of what a file says of the layers, for `from_onnx`
INPUT, OUTPUT = "x", "y"

# Operation → the operator of ONNX.
_OPERATORS = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "maximum": "Max",
    "minimum": "Min",
    "negative": "Neg",
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "sqrt": "Sqrt",
    "cos": "Cos",
    "erf": "Erf",
    "round": "Round",
}
# The opset that brought an operator that computes, or has arguments, in float32 alone.
_SINCE = {"Gelu": 20, "PRelu": 16, "RMSNormalization": 23, "Swish": 24}


def to_onnx(model: Network, path: FilePath | None = None, opset: int = OLDEST) -> Any:
    """Write a network as an ONNX file, for onnxruntime and other programs.

    The graph has one input ``x``, (rows, inputs), and one output ``y``, (rows, outputs), in the
    model's dtype; it computes what `predict` does. Each parameter is an initializer of its name,
    such as ``dense_1.weight``. Class and feature names are metadata, ``class_names`` and
    ``feature_names``, as JSON. Of a model with an encoder the file takes the encoded columns.

    Parameters
    ----------
    model : Sequential
        A built network.
    path : str or path, optional
        Where to write; without it nothing is written.
    opset : int, default 17
        The version of ONNX's operators, from 17 to 24. Newer ones have operators of their own for
        some layers, older readers know the older ones.

    Returns
    -------
    onnx.ModelProto
        What the file holds.

    Raises
    ------
    ImportError
        onnx is not installed.
    NotImplementedError
        A layer of the user's does not say what it computes.
    RuntimeError
        The model is not built.
    ValueError, TypeError
        `opset` is out of its range.

    References
    ----------
    Open Neural Network Exchange, "Operators", https://onnx.ai/onnx/operators.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> network = ffnn.exchange.to_onnx(model, "model.onnx")
    >>> len(network.graph.node)
    4
    """
    opset = check_int("to_onnx", "opset", opset, low=OLDEST, high=NEWEST)
    onnx = require("onnx", "an ONNX file")
    program = express(model)
    graph = _Graph(onnx, program, opset)
    graph.write(program.result, OUTPUT)
    helper = onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(model.dtype)
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "network",
            [helper.make_tensor_value_info(INPUT, kind, ["rows", program.input.width])],
            [helper.make_tensor_value_info(OUTPUT, kind, ["rows", program.result.width])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="ffnn",
        producer_version=__version__,
    )
    made.ir_version = helper.find_min_ir_version_for(made.opset_import)
    helper.set_model_props(made, _metadata(model))
    onnx.checker.check_model(made, full_check=True)
    if path is not None:
        replace_whole(path, made.SerializeToString())
    return made


def _metadata(model: Network) -> dict[str, str]:
    """Return what the file says besides its graph."""
    states = {
        layer.name: {name: array.tolist() for name, array in layer.state.items()}
        for layer in model.layers
        if layer.state
    }
    described = [describe(layer) for layer in model.layers]
    said: dict[str, Any] = {"class_names": model.class_names, "feature_names": model.feature_names}
    said = {name: value for name, value in said.items() if value is not None}
    said[CONFIG] = {"layers": described, "states": states}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}


class _Graph:
    """The nodes and initializers of a file, as they are made."""

    def __init__(self, onnx: Any, program: Program, opset: int) -> None:
        self.onnx, self.opset, self.program = onnx, opset, program
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.names = {id(program.input): INPUT}
        self.constants: dict[str | tuple[Any, ...], str] = {}

    def write(self, value: Value, name: str) -> None:
        """Add what computes a value, which gets a name, after all that it needs."""
        waiting = [value]
        while waiting:
            top = waiting[-1]
            if id(top) in self.names:
                waiting.pop()
                continue
            needed = [each for each in self._needs(top) if id(each) not in self.names]
            if needed:
                waiting += reversed(needed)
            else:
                made = name if top is value else f"{top.operation}_{len(self.nodes) + 1}"
                self._add(top, made)
        if self.names[id(value)] != name:  # the network is the identity
            self.node("Identity", [self.names[id(value)]], name)

    def _needs(self, value: Value) -> Sequence[Value]:
        if self._is_native(value):
            assert value.native is not None
            return [value.native.input]
        if self._is_gemm(value):
            return value.inputs[0].inputs
        return value.inputs

    def _is_native(self, value: Value) -> bool:
        native = value.native
        if native is None or native.name not in _SINCE:
            return native is not None
        return value.dtype == np.float32 and self.opset >= _SINCE[native.name]

    def _is_gemm(self, value: Value) -> bool:
        """Tell whether a value is x Wᵀ + b."""
        if value.operation != "add":
            return False
        product, bias = value.inputs
        is_plain = product.operation == "linear" and product.numbers.ndim == 2
        return is_plain and bias.operation == "constant"

    def _add(self, value: Value, name: str) -> None:
        inputs = [self.names.get(id(each), "") for each in value.inputs]
        if value.operation == "constant":
            name = self.constant(value.numbers)
        elif self._is_native(value):
            self._add_native(value, name)
        elif self._is_gemm(value):
            product, bias = value.inputs
            x = self.names[id(product.inputs[0])]
            weight, bias_name = self.constant(product.numbers), self.constant(bias.numbers)
            self.node("Gemm", [x, weight, bias_name], name, transB=1)
        elif value.operation in _OPERATORS:
            self.node(_OPERATORS[value.operation], inputs, name)
        else:
            getattr(self, f"_{value.operation}")(value, inputs, name)
        self.names[id(value)] = name

    def _add_native(self, value: Value, name: str) -> None:
        assert value.native is not None
        operator, of, arguments = value.native
        inputs, attributes = [self.names[id(of)]], dict[str, Any]()
        for key, argument in arguments.items():
            if isinstance(argument, np.ndarray):
                inputs.append(self.constant(argument))
            else:
                attributes[key] = argument
        self.node(operator, inputs, name, **attributes)

    # -- operations with a form of their own ---------------------------------------------------

    def _linear(self, value: Value, inputs: list[str], name: str) -> None:
        weight = value.numbers
        if weight.ndim == 2:
            self.node("Gemm", [*inputs, self.constant(weight)], name, transB=1)
            return
        groups, units, columns = weight.shape
        shape = self.constant(np.array([-1, groups, 1, columns]))
        flat = self.constant(np.array([-1, groups * units]))
        maps = self.constant(weight)
        self.node("Reshape", [*inputs, shape], f"{name}_groups")
        self.node("Transpose", [maps], f"{name}_maps", perm=[0, 2, 1])
        self.node("MatMul", [f"{name}_groups", f"{name}_maps"], f"{name}_products")
        self.node("Reshape", [f"{name}_products", flat], name)

    def _lookup(self, value: Value, inputs: list[str], name: str) -> None:
        table = value.numbers
        self.node("Cast", inputs, f"{name}_rows", to=self.onnx.TensorProto.INT64)
        self.node("Gather", [self.constant(table), f"{name}_rows"], f"{name}_vectors")
        flat = self.constant(np.array([-1, value.width]))
        self.node("Reshape", [f"{name}_vectors", flat], name)

    def _take(self, value: Value, inputs: list[str], name: str) -> None:
        self.node("Gather", [*inputs, self.constant(value.numbers)], name, axis=1)

    def _join(self, value: Value, inputs: list[str], name: str) -> None:
        self.node("Concat", inputs, name, axis=1)

    def _cast(self, value: Value, inputs: list[str], name: str) -> None:
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
        self.node("Cast", inputs, name, to=kind)

    def _sum(self, value: Value, inputs: list[str], name: str) -> None:
        self.node("ReduceSum", [*inputs, self.constant(np.array([1]))], name)

    def _largest(self, value: Value, inputs: list[str], name: str) -> None:
        if self.opset < 18:
            self.node("ReduceMax", inputs, name, axes=[1])
        else:
            self.node("ReduceMax", [*inputs, self.constant(np.array([1]))], name)

    # -- parts of the file ---------------------------------------------------------------------

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Add a node of one output, by which it is named."""
        made = self.onnx.helper.make_node(operator, inputs, [output], output, **attributes)
        self.nodes.append(made)

    def constant(self, array: Array) -> str:
        """Return the name of an initializer with these numbers."""
        known = self.program.names.get(address(array))
        key = known or (array.dtype.str, array.shape, array.tobytes())
        name = self.constants.get(key)
        if name is None:
            name = known or f"constant_{len(self.constants) + 1}"
            self.constants[key] = name
            self.initializers.append(self.onnx.numpy_helper.from_array(array, name))
        return name
