"""Which layer computes what a segment of a foreign graph does.

However a function is spelled out, it is known by its values: a segment that works entry by entry is
compared with each activation on numbers of all sizes, one that works row by row with each norm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.activations import ACTIVATIONS, GELU, ActivationFunction, Softmax
from ffnn.core.registry import argument_names
from ffnn.exchange.found import Found
from ffnn.exchange.graph import ENTRYWISE, ROWWISE, Graph, GraphError, Segment
from ffnn.layers import (
    BatchNorm,
    Clamp,
    Dense,
    LayerNorm,
    Normalization,
    PReLU,
    Rescaling,
    RMSNorm,
    Scale,
)
from ffnn.layers.base import Layer

_LONGEST = 12  # segments that together may be one layer
_PASSING = {"Cast", "CastLike", "Dropout", "Flatten", "Identity", "Reshape"}
_TOLERANCE = 2e-6
# Numbers of all sizes, many where activations bend.
_PROBES = np.concatenate([np.linspace(-12.0, 12.0, 481), [-1e3, -300.0, -50.0, 50.0, 300.0, 1e3]])


def recognize(graph: Graph) -> Iterator[Found]:
    """Yield the layers of a graph, each with the values of its parameters by name.

    Raises
    ------
    GraphError
        A segment is of no layer; its nodes are named.
    """
    segments, at = list(graph.segments()), 0
    while at < len(segments):
        for count in range(min(_LONGEST, len(segments) - at), 0, -1):
            found = _find(graph, _merged(segments[at : at + count]))
            if found is not None:
                break
        else:
            raise GraphError(f"{segments[at].place}: no layer computes this")
        at += count
        yield from found


def _merged(segments: Sequence[Segment]) -> Segment:
    nodes = tuple(node for segment in segments for node in segment.nodes)
    return Segment(segments[0].start, segments[-1].end, nodes)


def _find(graph: Graph, segment: Segment) -> list[Found] | None:
    """Return the layers that compute what a segment does, none where it does nothing."""
    for recognizer in (_passing, _dense, _norm_node, _two_classes, _entrywise, _rowwise):
        try:
            found = recognizer(graph, segment)
        except (LookupError, TypeError, ValueError):  # such nodes do not take what was tried
            found = None
        if found is not None:
            return found
    return None


def _passing(graph: Graph, segment: Segment) -> list[Found] | None:
    """Recognize nodes that leave numbers as they are."""
    if not set(segment.operators) <= _PASSING:
        return None
    rows = _random_rows(graph, 6)
    is_kept = np.array_equal(graph.through(segment, rows), rows)
    return [] if is_kept else None


def _random_rows(graph: Graph, width: int) -> Array:
    return np.random.default_rng(1).normal(size=(4, width)).astype(graph.dtype)


# -- products ----------------------------------------------------------------------------------


def _dense(graph: Graph, segment: Segment) -> list[Found] | None:
    """Recognize a matrix product, and numbers that are multiplied and added after it."""
    first, *rest = segment.nodes
    if first.op_type not in ("Gemm", "MatMul") or first.input[0] != segment.start:
        return None
    if not {node.op_type for node in rest} <= {*_PASSING, "Add", "Mul", "Squeeze"}:
        return None
    matrix = graph.constants.get(first.input[1])
    others = [first, *(node for node in rest if node.op_type in ("Add", "Mul"))]
    if matrix is None or matrix.ndim != 2 or not all(_has_constant(graph, n) for n in others):
        return None
    options = {each.name: each.f or each.i for each in first.attribute}
    weight = (matrix if options.get("transB") else matrix.T) * _one(options, "alpha")
    bias = np.zeros(len(weight), graph.dtype)
    if len(first.input) > 2:
        bias = bias + graph.constants[first.input[2]].reshape(-1) * _one(options, "beta")
    for node in rest:
        numbers = [graph.constants[n].reshape(-1) for n in node.input if n in graph.constants]
        if node.op_type == "Add":
            bias = bias + numbers[0]
        elif node.op_type == "Mul":
            weight, bias = weight * numbers[0].reshape(-1, 1), bias * numbers[0]
    rows = _random_rows(graph, weight.shape[1])
    made = graph.through(segment, rows)
    if made.shape != (len(rows), len(weight)) or not _agree(rows @ weight.T + bias, made, 1e-3):
        return None
    values = {"weight": weight, "bias": bias}
    return [Found(Dense(len(weight), use_bias=bool(bias.any())), values)]


def _has_constant(graph: Graph, node: Any) -> bool:
    """Tell whether a node takes one value and for the rest constants."""
    return len(graph.inputs_of(node)) == 1


def _one(options: Mapping[str, float], name: str) -> Any:
    """Return a factor of a Gemm; 1 leaves all numbers and their dtype as they are."""
    return np.float32(options.get(name, 1.0))


def _two_classes(graph: Graph, segment: Segment) -> list[Found] | None:
    """Recognize one logit z that becomes the probabilities of two classes, 1 - s(z) and s(z)."""
    first, *rest = segment.nodes
    if not rest or segment.operators[-1] != "Concat" or first.op_type not in ("Gemm", "MatMul"):
        return None
    adds = [node for node in rest if node.op_type == "Add"][:1]
    head = Segment(segment.start, (adds or [first])[0].output[0], (first, *adds))
    dense = _dense(graph, head)
    if dense is None or dense[0].values["weight"].shape[0] != 1:
        return None
    tail = Segment(head.end, segment.end, tuple(n for n in rest if n not in adds))
    z = _PROBES[:, None].astype(graph.dtype)
    with np.errstate(over="ignore"):
        share = 1.0 / (1.0 + np.exp(-_PROBES))
    if not _agree(graph.through(tail, z), np.column_stack([1.0 - share, share])):
        return None
    values = {n: np.concatenate([np.zeros_like(v), v]) for n, v in dense[0].values.items()}
    return [Found(Dense(2, "softmax"), values)]


# -- functions of one number -------------------------------------------------------------------


def _entrywise(graph: Graph, segment: Segment) -> list[Found] | None:
    """Recognize what becomes of each number by itself, or of each column by itself."""
    if not set(segment.operators) <= {*ENTRYWISE, "Softmax"}:
        return None
    constants = [
        graph.constants[n] for node in segment.nodes for n in node.input if n in graph.constants
    ]
    width = max((array.size for array in constants), default=1)
    if "Softmax" in segment.operators:
        return _try_softmax(graph, segment)
    if width > 1:
        return _columns(graph, segment, width) or _slopes(graph, segment, width)
    if segment.operators == ["PRelu"]:
        return _slopes(graph, segment, width)
    probes = _PROBES[:, None].astype(graph.dtype)
    made = graph.through(segment, probes)
    numbers = [float(array.reshape(-1)[0]) for array in constants if array.size]
    for layer in _candidates(segment, numbers, made) if made.shape == probes.shape else ():
        if _agree(_outputs(layer, probes), made):
            return [Found(layer.clone(), {})]
    return None


def _candidates(segment: Segment, numbers: Sequence[float], made: Array) -> Iterator[Layer]:
    """Yield the functions that it may be, with arguments out of its constants and attributes.

    `made` is what it makes of `_PROBES`.
    """
    attributes = [each.f for node in segment.nodes for each in node.attribute if each.f]
    defaults = {"Elu": 1.0, "LeakyRelu": 0.01}
    attributes += [value for name, value in defaults.items() if name in segment.operators]
    guesses = {round(number, 12): number for number in (*numbers, *attributes)}
    for kind in dict.fromkeys(ACTIVATIONS.classes.values()):
        names = argument_names(kind)
        if not names and kind is not Softmax:
            yield kind()
        if kind is GELU:
            yield from (GELU(), GELU("tanh"))
        if len(names) == 1:
            for number in guesses.values():
                try:
                    yield kind(**{names[0]: number})
                except (ValueError, TypeError):
                    continue
    largest = float(np.finfo(np.float32).max)
    lows = [-largest, *(n for n in guesses.values() if _is_near(n, made.min()))]
    highs = [largest, *(n for n in guesses.values() if _is_near(n, made.max()))]
    for low in lows:
        for high in highs:
            if low < high:
                yield Clamp(low, high)
    slope = (made[-1, 0] - made[-2, 0]) / (_PROBES[-1] - _PROBES[-2])
    scales = [*guesses.values(), *(1.0 / n for n in guesses.values() if n), 1.0]
    for scale in (n for n in scales if _is_near(n, slope)):
        for offset in (0.0, *guesses.values(), *(-n for n in guesses.values())):
            if np.isfinite(offset):
                yield Rescaling(scale, offset)


def _is_near(number: float, found: float) -> bool:
    """Tell whether a number may be one that was measured."""
    return math.isfinite(number) and abs(number - found) <= 1e-3 * max(1e-3, abs(number))


def _outputs(layer: Layer, rows: Array) -> Array:
    if not isinstance(layer, ActivationFunction):
        layer.build(rows.shape[1], dtype=rows.dtype.name)
    with np.errstate(all="ignore"):
        return np.array(layer.forward(rows))


def _agree(found: Array, expected: Array, tolerance: float = _TOLERANCE) -> bool:
    if found.shape != expected.shape:
        return False
    with np.errstate(all="ignore"):
        near = np.abs(found - expected) <= tolerance * np.maximum(1.0, np.abs(expected))
    return bool((near | (found == expected)).all())


def _columns(graph: Graph, segment: Segment, width: int) -> list[Found] | None:
    """Recognize y = a x + c with an a and a c for each column."""
    probe = np.stack([np.zeros(width), np.ones(width), np.full(width, -3.5)]).astype(graph.dtype)
    made = graph.through(segment, probe).astype(np.float64)
    if made.shape != probe.shape:
        return None
    offset, factor = made[0], made[1] - made[0]
    if not np.allclose(made[2], -3.5 * factor + offset, rtol=1e-5, atol=1e-5):
        return None
    if not offset.any():
        return [] if (factor == 1.0).all() else [Found(Scale(), {"gamma": factor})]
    if (factor <= 0.0).any():
        return None
    statistics = {"mean": -offset / factor, "variance": factor**-2.0}
    layer = Normalization()
    layer.load_state(statistics)
    return [Found(layer, {})]


def _slopes(graph: Graph, segment: Segment, width: int) -> list[Found] | None:
    """Recognize y = x above 0 and y = a x below it, with an a for each column or one for all."""
    probe = np.outer([-1.0, 0.0, 2.0, -3.5], np.ones(width)).astype(graph.dtype)
    made = graph.through(segment, probe)
    if made.shape != probe.shape:
        return None
    slopes = -made[0]
    if not _agree(np.where(probe > 0.0, probe, slopes * probe), made):
        return None
    return [Found(PReLU(shared=width == 1), {"alpha": slopes})]


# -- functions of a row ------------------------------------------------------------------------


def _try_softmax(graph: Graph, segment: Segment) -> list[Found] | None:
    rows = 3.0 * _random_rows(graph, 5)
    return (
        [Found(Softmax(), {})]
        if _agree(graph.through(segment, rows), _outputs(Softmax(), rows))
        else None
    )


def _rowwise(graph: Graph, segment: Segment) -> list[Found] | None:
    """Recognize a softmax that is spelled out, and the norms of rows."""
    if not set(segment.operators) <= {*ENTRYWISE, *ROWWISE, "Unsqueeze"}:
        return None
    constants = [
        graph.constants[n] for node in segment.nodes for n in node.input if n in graph.constants
    ]
    vectors = [a for a in constants if a.size > 1 and a.dtype.kind == "f"]
    numbers = [float(a.reshape(-1)[0]) for a in constants if a.size == 1 and a.dtype.kind == "f"]
    numbers += [
        each.f for node in segment.nodes for each in node.attribute if each.name == "epsilon"
    ]
    if not vectors:
        return _try_softmax(graph, segment)
    width = vectors[0].size
    rows = _random_rows(graph, width)
    made = graph.through(segment, rows)
    epsilons = [number for number in numbers if 0.0 < number < 0.1] or [1e-5]
    for epsilon in epsilons:
        for layer, values in _norms(epsilon, [v.reshape(-1) for v in vectors]):
            layer.build(width, dtype=graph.dtype.name)
            for name, array in values.items():
                layer.params[name][...] = array
            if _agree(np.array(layer.forward(rows)), made):
                return [Found(layer.clone(), values)]
    return None


def _norms(epsilon: float, vectors: Sequence[Array]) -> Iterator[tuple[Layer, Mapping[str, Array]]]:
    for gamma in vectors:
        yield RMSNorm(epsilon), {"gamma": gamma}
        for beta in (*vectors, np.zeros_like(gamma)):
            yield LayerNorm(epsilon), {"gamma": gamma, "beta": beta}


def _norm_node(graph: Graph, segment: Segment) -> list[Found] | None:
    """Recognize one node that stands for a norm by fixed statistics."""
    if len(segment.nodes) != 1:
        return None
    node = segment.nodes[0]
    attributes = {each.name: each for each in node.attribute}
    if node.op_type == "Scaler":
        layer = Normalization()
        offset, scale = (np.array(attributes[n].floats, float) for n in ("offset", "scale"))
        layer.load_state({"mean": offset, "variance": scale**-2.0})
        return [Found(layer, {})]
    if node.op_type != "BatchNormalization":
        return None
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    if any(name not in graph.constants for name in node.input[1:5]):
        return None
    values = {n: graph.constants[i] for n, i in zip(names, node.input[1:5], strict=True)}
    epsilon = attributes["epsilon"].f if "epsilon" in attributes else 1e-5
    momentum = attributes["momentum"].f if "momentum" in attributes else 0.9
    return [Found(BatchNorm(min(momentum, 0.999999), epsilon), values)]
