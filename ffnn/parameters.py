"""One flat vector of all values, one of all gradients; layers get named views into them.

The optimizer's step, the gradient's norm and a snapshot are then one vector operation each,
however many layers there are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ffnn.workspace import aligned_empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ffnn._types import Array, DTypeLike, Shape


class ParameterVector:
    """The trainable numbers of a chain of layers.

    Parameters
    ----------
    shapes : sequence of mappings
        For each layer, parameter name → shape, in the order in which they are laid out.
    dtype : dtype
        ``float32`` or ``float64``.

    Attributes
    ----------
    values : ndarray of shape (size,)
        All parameters, layer after layer, each in C order.
    gradients : ndarray of shape (size,)
        The loss's derivative by each of them, zero before the first backward pass.
    scratch : ndarray of shape (size,)
        Room for an intermediate result of the same size; its content means nothing.
    has_gradients : bool
        Whether a backward pass has filled `gradients`; until then their zeros mean nothing.
    """

    def __init__(self, shapes: Sequence[Mapping[str, Shape]], dtype: DTypeLike) -> None:
        self._shapes = shapes
        size = sum(math.prod(shape) for layer in shapes for shape in layer.values())
        self.values: Array = aligned_empty(size, dtype)
        self.gradients: Array = aligned_empty(size, dtype)
        self.scratch: Array = aligned_empty(size, dtype)
        self.values.fill(0.0)
        self.gradients.fill(0.0)
        self.has_gradients = False

    def views(self, vector: Array) -> list[dict[str, Array]]:
        """Cut `vector` into the layers' arrays, without copying.

        Parameters
        ----------
        vector : ndarray of shape (size,)
            `values`, `gradients`, `scratch`, or any other vector laid out like them.

        Returns
        -------
        list of dict
            For each layer, parameter name → view of its shape.
        """
        start = 0
        result = []
        for layer in self._shapes:
            arrays = {}
            for name, shape in layer.items():
                stop = start + math.prod(shape)
                arrays[name] = vector[start:stop].reshape(shape)
                start = stop
            result.append(arrays)
        return result
