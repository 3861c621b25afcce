"""How skl2onnx converts the estimators, alone or as the last step of a pipeline."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np

from ffnn.estimators.base import BaseFFNN
from ffnn.estimators.classifier import FFNNClassifier
from ffnn.estimators.regressor import FFNNRegressor
from ffnn.exchange.onnx_writer import INPUT, OUTPUT, to_onnx

_LIBRARY = "skl2onnx"


def register_converters() -> None:
    """Tell skl2onnx how to convert the estimators: now, or when it is imported."""
    if _LIBRARY in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _Registrar())


class _Registrar(importlib.abc.MetaPathFinder):
    """Waits for skl2onnx to be imported, and registers the converters then."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find skl2onnx as all others would, and do more when it is loaded."""
        if name != _LIBRARY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_register(module: ModuleType) -> None:
            load(module)
            _register()

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec


def _register() -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    update_registered_converter(
        FFNNClassifier,
        "FFNNClassifier",
        calculate_linear_classifier_output_shapes,
        _convert_classifier,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False]},
    )
    update_registered_converter(
        FFNNRegressor, "FFNNRegressor", _regressor_shapes, _convert_regressor
    )


def _regressor_shapes(operator: Any) -> None:
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type.shape = [rows, operator.raw_operator.model_.output_dim]


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    made = _add_network(scope, operator, container)
    _add(scope, container, "Identity", [made], operator.outputs[0].full_name)


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Add the network, probabilities of all classes, and the label of the largest."""
    estimator = operator.raw_operator
    classes = np.asarray(estimator.classes_)
    if classes.ndim != 1 or estimator.model_.output_dim not in (1, len(classes)):
        raise NotImplementedError(
            f"{type(estimator).__name__}: labels of several columns have no form in skl2onnx"
        )
    shares = _add_network(scope, operator, container)
    label, probabilities = (output.full_name for output in operator.outputs)
    if estimator.model_.output_dim == 1:  # the probability of the second class
        one = _constant(scope, container, np.ones(1, _dtype(operator)))
        others = _add(scope, container, "Sub", [one, shares])
        _add(scope, container, "Concat", [others, shares], probabilities, axis=1)
    else:
        _add(scope, container, "Identity", [shares], probabilities)
    number = _add(scope, container, "ArgMax", [probabilities], axis=1, keepdims=0)
    is_text = classes.dtype.kind not in "iub"
    labels = classes.astype(str).astype(object) if is_text else classes.astype(np.int64)
    _add(scope, container, "Gather", [_constant(scope, container, labels), number], label)


def _add_network(scope: Any, operator: Any, container: Any) -> str:
    """Add the nodes of an estimator's network, and return the name of its outputs."""
    from onnx import compose, helper

    estimator: BaseFFNN = operator.raw_operator
    opset = max(17, min(24, container.target_opset))
    prefix = scope.get_unique_operator_name("ffnn") + "_"
    graph = compose.add_prefix(to_onnx(estimator.model_, opset=opset), prefix).graph
    container.initializers.extend(graph.initializer)
    kind = helper.np_dtype_to_tensor_dtype(estimator.model_.dtype)
    x = operator.inputs[0].full_name
    _add(scope, container, "Cast", [x], prefix + INPUT, to=kind)
    for node in graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        _add(scope, container, node.op_type, list(node.input), node.output[0], **attributes)
    wanted = helper.np_dtype_to_tensor_dtype(_dtype(operator))
    return _add(scope, container, "Cast", [prefix + OUTPUT], to=wanted)


def _dtype(operator: Any) -> np.dtype[Any]:
    """Return the dtype that skl2onnx expects of the numbers."""
    from skl2onnx.common.data_types import DoubleTensorType

    is_double = isinstance(operator.outputs[-1].type, DoubleTensorType)
    return np.dtype(np.float64 if is_double else np.float32)


def _add(
    scope: Any,
    container: Any,
    operator: str,
    inputs: list[str],
    output: str | None = None,
    **attributes: Any,
) -> str:
    """Add a node, and return the name of its output."""
    output = output or scope.get_unique_variable_name("ffnn_value")
    name = scope.get_unique_operator_name(f"ffnn_{operator}")
    container.add_node(operator, inputs, [output], name=name, op_domain="", **attributes)
    return output


def _constant(scope: Any, container: Any, array: np.ndarray[Any, Any]) -> str:
    from onnx import numpy_helper

    name: str = scope.get_unique_variable_name("ffnn_constant")
    container.initializers.append(numpy_helper.from_array(array, name))
    return name
