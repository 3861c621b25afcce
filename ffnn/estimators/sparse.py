"""Batches of sparse rows that stay sparse: the first layer multiplies them as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.data.sources import ArraySource, Source, SparseSource
from ffnn.layers.base import Stage
from ffnn.layers.dense import Dense

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array, DTypeLike


class SparseBatch:
    """Rows of a sparse matrix, as a batch.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array or csr_matrix of shape (batch, columns)
        The rows.
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.transposed = matrix.T
        self.shape: tuple[int, int] = matrix.shape
        self.dtype: np.dtype[Any] = matrix.dtype

    def __len__(self) -> int:
        return self.shape[0]


class UndensedSource(SparseSource):
    """Rows of a sparse matrix whose batches are `SparseBatch` objects."""

    def _dense(self, block: Any) -> Any:
        return SparseBatch(block)


class SparseLinear:
    """The linear part of a `Dense` layer, z = x Wᵀ + b, for sparse x.

    Parameters
    ----------
    layer : Dense
        Whose W and b, gradients and working memory are used.
    """

    def __init__(self, layer: Dense) -> None:
        self._layer = layer

    def forward(self, x: Any, training: bool = False) -> Array:
        """Return z."""
        layer = self._layer
        self._x = x
        product = x.matrix @ layer.params["weight"].T
        z = layer._buffer("z", product.shape, product.dtype)
        bias = layer.params.get("bias")
        if bias is None:
            np.copyto(z, product)
        else:
            np.add(product, bias, out=z)
        return z

    def backward(self, dz: Array) -> None:
        """Fill the gradients of W and b; nothing stands before a first layer."""
        grads = self._layer.grads
        np.copyto(grads["weight"].T, self._x.transposed @ dz)
        if "bias" in grads:
            np.add.reduce(dz, axis=0, out=grads["bias"])


def open_matrix(x: Any, dtype: DTypeLike, stages: Sequence[Stage]) -> tuple[Source, list[Stage]]:
    """Return checked rows as a source of batches, and the stages that such batches pass.

    Parameters
    ----------
    x : ndarray or sparse matrix of shape (rows, columns)
        Numbers that have been checked.
    dtype : dtype
        What the network computes in.
    stages : sequence of Stage
        The network's.

    Returns
    -------
    source : Source
        Where the first stage is the linear part of a `Dense`, sparse rows stay sparse. Before any
        other layer a batch at a time becomes dense.
    stages : list of Stage
        With the first one replaced where batches are sparse.
    """
    first = stages[0].layer
    if not hasattr(x, "tocsr"):
        return ArraySource(x, None if first.takes_any_dtype else dtype), list(stages)
    if not isinstance(first, Dense):
        return SparseSource(x, dtype), list(stages)
    linear = SparseLinear(first)
    source = UndensedSource(x.astype(dtype, copy=False), dtype)
    return source, [Stage(first, linear.forward, linear.backward), *stages[1:]]
