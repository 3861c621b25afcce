"""Rows that scikit-learn has checked; sparse ones stay sparse up to the first layer's product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from ffnn._types import Array
from ffnn.core.sums import BLOCK_ROWS, sum_rows
from ffnn.data.batches import Examples, open_weights
from ffnn.data.sources import ArraySource, Source, SparseSource
from ffnn.layers.base import Stage
from ffnn.layers.dense import Dense

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

    # SciPy's csr_matrix and csc_matrix, too, which have the same methods.
    SparseMatrix: TypeAlias = csr_array[Any, tuple[int, int]] | csc_array[Any]
    Matrix: TypeAlias = Array | SparseMatrix


class Samples(NamedTuple):
    """Checked rows, with their targets in the form of the loss and their weights."""

    X: Matrix  # (rows, columns)
    target: Array  # (rows,) or (rows, units)
    weight: Array | None  # (rows,)
    class_weight: Array | None = None  # (rows,): of the rows' classes, in training alone

    def take(self, rows: Array) -> Samples:
        """Return the samples of some row numbers."""
        X = self.X if isinstance(self.X, np.ndarray) else self.X.tocsr()
        weight, of_class = (
            None if each is None else each[rows] for each in (self.weight, self.class_weight)
        )
        return Samples(X[rows], self.target[rows], weight, of_class)

    def open(self, dtype: np.dtype[Any], stages: Sequence[Stage]) -> tuple[Examples, list[Stage]]:
        """Return examples to be cut into batches of `dtype`, and the stages that these pass."""
        x, stages = open_matrix(self.X, dtype, stages)
        y = ArraySource(self.target, np.intp if self.target.ndim == 1 else dtype)
        weight, of_class = self.weight, self.class_weight
        if of_class is not None:
            weight = of_class if weight is None else of_class * weight
        return Examples(x, y, open_weights(weight, len(self.target), dtype)), stages


class SparseBatch:
    """Rows of a sparse matrix, as a batch of shape (batch, columns)."""

    def __init__(self, matrix: SparseMatrix) -> None:
        self.matrix = matrix
        self.shape: tuple[int, int] = matrix.shape
        self.dtype: np.dtype[Any] = matrix.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Array) -> SparseBatch:
        return SparseBatch(self.matrix.tocsr()[rows])


class UndensedSource(SparseSource):
    """Rows of a sparse matrix whose batches are `SparseBatch` objects."""

    def _dense(self, block: SparseMatrix) -> Any:
        return SparseBatch(block)


class SparseLinear:
    """The linear part of a `Dense` layer, z = x Wᵀ + b, for sparse x."""

    def __init__(self, layer: Dense) -> None:
        self._layer = layer

    def forward(self, x: Any, training: bool = False) -> Array:
        """Return z for a `SparseBatch`."""
        layer = self._layer
        self._x: SparseBatch = x
        if len(x) != layer.rows:
            layer.allocate(len(x))
        product = x.matrix @ layer.W_t  # z = x Wᵀ
        if layer.use_bias:
            np.add(product, layer.b, out=layer.z)
        else:
            np.copyto(layer.z, product)
        return layer.z

    def backward(self, dz: Array) -> None:
        """Fill the gradients of W and b; nothing stands before a first layer."""
        layer = self._layer
        np.copyto(layer.dW.T, _sum_products(self._x.matrix, dz), "same_kind")  # ∂L/∂Wᵀ = xᵀ δ
        if layer.use_bias:
            sum_rows(dz, layer.db)  # ∂L/∂b = Σ_batch δ


def _sum_products(matrix: SparseMatrix, dz: Array) -> Array:
    """Return xᵀ δ; the products of very many rows are added in float64, block by block."""
    if len(dz) <= BLOCK_ROWS:
        product: Array = matrix.T @ dz
        return product
    total: Array = np.zeros((matrix.shape[1], dz.shape[1]))
    rows = matrix.tocsr()
    for start in range(0, len(dz), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        total += rows[block].T @ dz[block]
    return total


def open_matrix(
    X: Matrix, dtype: np.dtype[Any], stages: Sequence[Stage]
) -> tuple[Source, list[Stage]]:
    """Return checked rows as a source of batches of `dtype`, and the stages that these pass.

    Where the first stage is the linear part of a `Dense`, sparse rows stay sparse and it is
    replaced. Before any other layer they become dense a batch at a time.
    """
    first = stages[0].layer
    if isinstance(X, np.ndarray):
        return ArraySource(X, None if first.takes_any_dtype else dtype), list(stages)
    if not isinstance(first, Dense):
        return SparseSource(X, dtype), list(stages)
    linear = SparseLinear(first)
    source = UndensedSource(X.astype(dtype, copy=False), dtype)
    return source, [Stage(first, linear.forward, linear.backward), *stages[1:]]
