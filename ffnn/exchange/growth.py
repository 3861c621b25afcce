"""How large the nodes of a graph make numbers: memory has to stay in proportion to the file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ffnn._types import Array


def is_flat(arrays: Sequence[Array]) -> bool:
    """Tell whether constants vary along the last axis alone, or all have one shape.

    Others could make each other, or the rows, much larger than they are.
    """
    shapes = {array.shape for array in arrays if array.size > 1}
    return len(shapes) <= 1 and all(
        math.prod(shape) == shape[-1] or len(arrays) > 1 for shape in shapes
    )


def size_of_result(node: Any, arrays: Sequence[Array | None]) -> int:
    """Return at least how many numbers a node makes of arrays."""
    shapes = [np.shape(array) for array in arrays if array is not None]
    if node.op_type == "Concat":
        return sum(map(math.prod, shapes))
    if node.op_type in ("MatMul", "Gemm") and len(shapes) > 1:
        (a, b), kinds = shapes[:2], {each.name: each.i for each in node.onnx_node.attribute}
        left = a[-1:] if kinds.get("transA") else a[:-1]
        right = b[:-1] if kinds.get("transB") else (*b[:-2], *b[-1:])
        return math.prod(left) * math.prod(right)
    try:
        return math.prod(np.broadcast_shapes(*shapes))
    except ValueError:  # which the node will refuse, or combine in a way of its own
        return 0
