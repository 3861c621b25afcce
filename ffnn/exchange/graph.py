"""The graph of an ONNX file, checked, and cut into the segments of a chain."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.text import shown
from ffnn.exchange.extras import require
from ffnn.exchange.growth import is_flat, size_of_result

_OLDEST, _NEWEST = 9, 26  # opsets whose operators are those that are read here
ENTRYWISE = {
    *("Abs", "Add", "Cast", "CastLike", "Celu", "Clip", "Div", "Elu", "Equal", "Erf", "Exp"),
    *("Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu"),
    *("Less", "LessOrEqual", "Log", "Max", "Min", "Mish", "Mul", "Neg", "Not", "PRelu", "Pow"),
    *("Reciprocal", "Relu", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Sub"),
    *("Swish", "Tanh", "ThresholdedRelu", "Where"),
}
ROWWISE = {
    *("Concat", "LayerNormalization", "RMSNormalization", "ReduceMax", "ReduceMean"),
    *("ReduceSum", "ReduceSumSquare", "Softmax"),
}
SHAPING = {"Constant", "Dropout", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
KNOWN = {*ENTRYWISE, *ROWWISE, *SHAPING, "BatchNormalization", "Gemm", "MatMul", "Scaler"}
_MOST_NODES = 100_000
_FEWEST_COLUMNS = 1 << 16  # which an input may have, whatever the file holds
_MAPS = "ZipMap"  # which makes dicts of probabilities


class GraphError(ValueError):
    """What keeps a graph from being read as a chain of layers."""


class Segment(NamedTuple):
    """Nodes through which a batch passes from one value to another, and nothing beside."""

    start: str
    end: str
    nodes: tuple[Any, ...]

    @property
    def operators(self) -> list[str]:
        """The nodes' operators."""
        return [node.op_type for node in self.nodes]

    @property
    def place(self) -> str:
        """Which nodes these are."""
        named = [
            f"{shown(node.name or node.output[0], 40)} ({node.op_type})" for node in self.nodes
        ]
        return ", ".join(named)


class Graph:
    """A checked graph with one input of numbers and one output of numbers.

    Attributes
    ----------
    input : str
        Its name.
    input_width : int
        The number of columns.
    dtype : dtype
        Of the input.
    constants : dict of str to ndarray
        What does not depend on the input.
    metadata : dict of str to str
        What the file says besides.
    """

    def __init__(self, made: Any) -> None:
        self.onnx = require("onnx", "an ONNX file")
        self.opset = self._check_versions(made)
        made = self._inlined(made)
        graph = made.graph
        self.metadata = {entry.key: entry.value for entry in made.metadata_props}
        self.constants = self._read_constants(graph)
        self._check_nodes(graph)
        inputs = [each for each in graph.input if each.name not in self.constants]
        if len(inputs) != 1:
            raise GraphError(f"expected one input, got {len(inputs)}")
        self.input = inputs[0].name
        self.input_width, self.dtype = self._read_input(inputs[0])
        self.graph = graph

    @functools.cached_property
    def output(self) -> str:
        """The name of the output: of several, of the one that has numbers and not labels."""
        return self._find_output(self.graph)

    @functools.cached_property
    def nodes(self) -> list[Any]:
        """The nodes that the output needs and that depend on the input, in their order.

        Raises GraphError if one is of an unknown operator.
        """
        return self._fold(self._needed(self.graph.node))

    # -- checks --------------------------------------------------------------------------------

    def _check_versions(self, made: Any) -> int:
        versions = {each.domain: each.version for each in made.opset_import}
        unknown = versions.keys() - {"", "ai.onnx", "ai.onnx.ml", "pkg.onnxscript.torch_lib.common"}
        opset = int(versions.get("", versions.get("ai.onnx", 0)))
        if not _OLDEST <= opset <= _NEWEST:
            raise GraphError(f"expected operators of opset {_OLDEST} to {_NEWEST}, got {opset}")
        if unknown and not made.functions:
            used = {node.domain for node in made.graph.node} & unknown
            if used:
                raise GraphError(f"operators of {shown(sorted(used)[0], 60)} are unknown")
        return opset

    def _inlined(self, made: Any) -> Any:
        """Return the model with the bodies of its functions in place of their calls."""
        if not made.functions:
            return made
        self._check_calls(made)
        require("onnx.inliner", "functions of an ONNX file")
        try:
            return self.onnx.inliner.inline_local_functions(made)
        except Exception as error:
            raise GraphError(f"its functions cannot be put in their places: {error}") from error

    def _check_calls(self, made: Any) -> None:
        """Raise GraphError if functions that call functions would become very many nodes."""
        sizes: dict[tuple[str, str], int] = {}
        bodies = {(each.domain, each.name): each.node for each in made.functions}

        def count(nodes: Sequence[Any]) -> int:
            return sum(sizes.get((node.domain, node.op_type), 1) for node in nodes)

        for _ in bodies:  # as deep as calls can be
            sizes = {key: count(nodes) for key, nodes in bodies.items()}
            if count(made.graph.node) > _MOST_NODES:
                raise GraphError(f"its functions become more than {_MOST_NODES:,} nodes")

    def _check_nodes(self, graph: Any) -> None:
        known = {*self.constants, *(each.name for each in graph.input)}
        for node in graph.node:
            made = [name for name in node.output if name]
            if not known.isdisjoint(made) or len({*made}) < len(made):
                raise GraphError(f"{_title(node)} makes a value that is there already")
            known.update(made)
            kinds = self.onnx.AttributeProto
            for attribute in node.attribute:
                if attribute.type in (kinds.GRAPH, kinds.GRAPHS):
                    raise GraphError(f"{_title(node)} holds a graph of its own")
                is_form = (node.op_type, attribute.name) == ("Gelu", "approximate")
                if is_form and attribute.s not in (b"none", b"tanh"):
                    form = shown(attribute.s, 60)
                    raise GraphError(f"{_title(node)} is approximated by none or tanh, got {form}")
                sparse = [attribute.sparse_tensor, *attribute.sparse_tensors]
                parts = [part for each in sparse for part in (each.values, each.indices)]
                for tensor in (attribute.t, *attribute.tensors, *parts):
                    self._check_inside(tensor, _title(node))

    def _read_constants(self, graph: Any) -> dict[str, Array]:
        if graph.sparse_initializer:
            raise GraphError("sparse initializers are not read")
        return {each.name: self.read(each, each.name) for each in graph.initializer}

    def read(self, tensor: Any, name: str) -> Array:
        """Return the numbers of a tensor that lie in the file itself."""
        self._check_inside(tensor, shown(name, 60))
        if any(size < 0 for size in tensor.dims):
            raise GraphError(f"{shown(name, 60)} has a negative size")
        try:
            array: Array = self.onnx.numpy_helper.to_array(tensor)
        except Exception as error:
            raise GraphError(f"{shown(name, 60)} is damaged: {error}") from error
        if array.dtype.kind not in "biuf":
            raise GraphError(f"{shown(name, 60)}: expected numbers, got {array.dtype.name}")
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise GraphError(f"{shown(name, 60)} has numbers that are not finite")
        if array.dtype.kind == "f" and array.size > 1 and not np.isfinite(array).all():
            raise GraphError(f"{shown(name, 60)} has numbers that are not finite")
        return array

    def _check_inside(self, tensor: Any, title: str) -> None:
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise GraphError(f"{title} lies in another file, which is not read")

    def _read_input(self, value: Any) -> tuple[int, np.dtype[Any]]:
        kind = value.type.tensor_type
        kinds = {self.onnx.TensorProto.FLOAT: np.float32, self.onnx.TensorProto.DOUBLE: np.float64}
        if kind.elem_type not in kinds:
            raise GraphError(f"input {shown(value.name, 60)}: expected numbers of float or double")
        sizes = [size.dim_value for size in kind.shape.dim][1:]
        if not sizes or not all(size > 0 for size in sizes):
            raise GraphError(
                f"input {shown(value.name, 60)}: expected the shape (rows, columns) with a known "
                f"number of columns"
            )
        columns = math.prod(sizes)
        if columns > max(_FEWEST_COLUMNS, 0, *(array.size for array in self.constants.values())):
            raise GraphError(
                f"input {shown(value.name, 60)}: {shown(columns, 30)} columns are more than any "
                f"array of the file has numbers"
            )
        return columns, np.dtype(kinds[kind.elem_type])

    def _find_output(self, graph: Any) -> str:
        made_by = {name: node for node in graph.node for name in node.output}
        names = list[str]()
        for each in graph.output:
            node = made_by.get(each.name)
            if node is not None and node.op_type == _MAPS:
                names.append(node.input[0])
            elif each.type.tensor_type.elem_type in (
                self.onnx.TensorProto.FLOAT,
                self.onnx.TensorProto.DOUBLE,
            ):
                names.append(each.name)
        if len(names) != 1:
            raise GraphError(f"expected one output of numbers, got {len(names)}")
        return names[0]

    # -- nodes ---------------------------------------------------------------------------------

    def _needed(self, nodes: Sequence[Any]) -> list[Any]:
        """Return the nodes that the output needs; each must be of a known operator."""
        wanted, kept = {self.output}, list[Any]()
        for node in reversed(nodes):
            if wanted & set(node.output):
                if node.op_type not in KNOWN:
                    raise GraphError(
                        f"{_title(node)}: {node.op_type} is none of the operators of a chain of "
                        f"layers"
                    )
                kept.append(node)
                wanted |= set(node.input)
        return kept[::-1]

    def _fold(self, nodes: Sequence[Any]) -> list[Any]:
        """Return the nodes that depend on the input; what the others compute is constant."""
        kept = list[Any]()
        for node in nodes:
            arrays = [self.constants[name] for name in node.input if name in self.constants]
            if node.op_type in ENTRYWISE and not is_flat(arrays):
                raise GraphError(f"{_title(node)}: a constant of an unexpected shape")
            if len(arrays) < sum(map(bool, node.input)):
                kept.append(node)
            elif node.op_type not in {*SHAPING, *ENTRYWISE}:
                raise GraphError(f"{_title(node)}: {node.op_type} of constants alone")
            else:
                values = self.run([node], list(node.output), {})
                for name, array in zip(node.output, values, strict=True):
                    self.constants[name] = np.asarray(array)
        return kept

    def inputs_of(self, node: Any) -> list[str]:
        """Return the names of a node's inputs that are no constants."""
        return [name for name in node.input if name and name not in self.constants]

    def segments(self) -> Iterator[Segment]:
        """Yield the segments between values through which every batch passes."""
        uses: dict[str, int] = {self.output: 1}
        for node in self.nodes:
            for name in set(self.inputs_of(node)):
                uses[name] = uses.get(name, 0) + 1
        alive, start, run = {self.input}, self.input, list[Any]()
        for node in self.nodes:
            run.append(node)
            for name in set(self.inputs_of(node)):
                uses[name] -= 1
                if not uses[name]:
                    alive.discard(name)
            alive |= {name for name in node.output if uses.get(name)}
            if len(alive) == 1:
                (end,) = alive
                yield Segment(start, end, tuple(run))
                start, run = end, []
        if run:
            raise GraphError(f"{_title(run[0])} and what follows are no chain")

    # -- computing -----------------------------------------------------------------------------

    def run(self, nodes: Sequence[Any], outputs: Sequence[str], known: Mapping[str, Any]) -> Any:
        """Return values that nodes compute from known ones and constants."""
        helper = self.onnx.helper
        needed = {name for node in nodes for name in node.input}
        tensors = [
            self.onnx.numpy_helper.from_array(array, name)
            for name, array in self.constants.items()
            if name in needed
        ]
        given = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), [None] * array.ndim
            )
            for name, array in known.items()
        ]
        made = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(nodes, "part", given, made, tensors)
        versions = [helper.make_opsetid("", self.opset), helper.make_opsetid("ai.onnx.ml", 3)]
        made_of_it = helper.make_model(graph, opset_imports=versions)
        reference = require("onnx.reference", "an ONNX file")
        try:
            with np.errstate(all="ignore"):
                return self._compute(reference.ReferenceEvaluator(made_of_it), outputs, known)
        except GraphError:
            raise
        except Exception as error:
            raise GraphError(f"{_title(nodes[0])} and what follows fail: {error}") from error

    def _compute(self, evaluator: Any, outputs: Sequence[str], known: Mapping[str, Any]) -> Any:
        """Return what the nodes of an evaluator compute, none of which may grow without bound."""
        rows = max((len(array) for array in known.values()), default=1)
        widest = max(
            self.input_width, 1, *(max(a.shape, default=1) for a in self.constants.values())
        )
        most = 2 * rows * max(rows, widest)
        results = {"": None, **evaluator.rt_inits_, **known}
        for node in evaluator.rt_nodes_:
            inputs = [results[name] for name in node.input]
            if known and size_of_result(node, inputs) > most:
                raise GraphError(f"{_title(node.onnx_node)} makes more numbers than a layer does")
            results |= zip(node.output, node.run(*inputs), strict=False)
        return [results[name] for name in outputs]

    def through(self, segment: Segment, rows: Array) -> Array:
        """Return what a segment makes of numbers."""
        made: Array = self.run(segment.nodes, [segment.end], {segment.start: rows})[0]
        return np.asarray(made)

    def evaluate(self, rows: Array) -> Array:
        """Return what the graph makes of rows."""
        made: Array = self.run(self.nodes, [self.output], {self.input: rows})[0]
        return np.asarray(made)


def _title(node: Any) -> str:
    return f"node {shown(node.name or ', '.join(node.output), 60)}"
