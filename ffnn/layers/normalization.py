"""Learned scaling of each input column, as part of the model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.data.statistics import column_statistics
from ffnn.layers.base import LAYERS, Layer


@LAYERS.register("normalization")
class Normalization(Layer):
    """Scale each column to mean 0 and variance 1: y = (x - μ) / σ,  ∂L/∂x = ∂L/∂y / σ.

    Each column has its own μ and σ. They are learned once, by `adapt`, from the training rows,
    stay fixed in training, and are saved with the model. A column that never varies has σ = 1, so
    it becomes 0. As the first layer it takes integer rows as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Normalization
    >>> x = np.array([[1.0], [3.0]])
    >>> Normalization().adapt(x).build(1).forward(x).tolist()
    [[-1.0], [1.0]]
    """

    formulas = Formulas(
        forward=("y = (x - μ) / σ",),
        backward=("∂L/∂x = ∂L/∂y / σ",),
        where={"μ": "statistics.mean", "σ": "statistics.std"},
    )
    takes_any_dtype = True
    is_affine = True

    def __init__(self) -> None:
        # Shared by the replicas of the layer, which therefore see what is learned later.
        self.statistics: dict[str, Array] = {}

    @property
    def state(self) -> Mapping[str, Array]:
        """The columns' ``mean`` and ``variance``, float64 of shape (columns,), once adapted."""
        return MappingProxyType({n: a for n, a in self.statistics.items() if n != "std"})

    def adapt(self, x: Any) -> Normalization:
        """Learn each column's mean and (population) variance.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset, or SciPy sparse matrix, of shape (rows, columns)
            The training rows; at least one, all finite.

        Returns
        -------
        Normalization
            Itself.

        Raises
        ------
        DataError
            `x` is not two-dimensional, has no rows, or is not finite.
        ValueError
            The layer is built for another number of columns.
        """
        mean, variance = column_statistics(x)
        if self.input_dim not in (None, mean.size):
            raise ValueError(f"Normalization: built for {self.input_dim} columns, got {mean.size}")
        self.load_state({"mean": mean, "variance": variance})
        return self

    def load_state(self, values: Mapping[str, Array]) -> None:
        """Take a known ``mean`` and ``variance``, each of shape (columns,)."""
        mean, variance = (np.array(values[name], np.float64) for name in ("mean", "variance"))
        self.check_state({"mean": mean, "variance": variance})
        std = np.sqrt(variance)
        std[std == 0.0] = 1.0
        self.statistics.update({"mean": mean, "variance": variance, "std": std})

    def check_state(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError if the shapes differ, or a variance is negative or NaN."""
        mean, variance = values["mean"], values["variance"]
        if mean.ndim != 1 or variance.shape != mean.shape:
            raise ValueError(
                "Normalization: expected a mean and a variance for each column, got arrays of "
                f"shapes {mean.shape} and {variance.shape}"
            )
        if not (variance >= 0.0).all():
            raise ValueError("variance: expected a variance, got a negative number or NaN")

    def compute_output_dim(self, input_dim: int) -> int:
        """Return `input_dim`, after checking it against the adapted columns."""
        columns = self.statistics["mean"].size if self.statistics else input_dim
        if columns != input_dim:
            raise ValueError(
                f"Normalization: adapted to {columns} columns, but the input has {input_dim}"
            )
        return input_dim

    def allocate(self, rows: int) -> None:
        """Allocate y."""
        if not self.statistics:
            raise ValueError("Normalization: call adapt(x) with the training rows before using it")
        super().allocate(rows)
        self.y = self.buffer("y", self.statistics["mean"].size)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (x - μ) / σ in the model's dtype."""
        if len(x) != self.rows:
            self.allocate(len(x))
        np.subtract(x, self.statistics["mean"], out=self.y, casting="same_kind")
        self.y /= self.statistics["std"]
        return self.y

    def express(self, x: Value) -> Value:
        """Return (x - μ) / σ, computed in float64."""
        centered = (x.cast("float64") - self.statistics["mean"]).cast(x.dtype)
        return (centered.cast("float64") / self.statistics["std"]).cast(x.dtype)

    def backward(self, grad: Array) -> Array:
        """Return grad / σ."""
        grad /= self.statistics["std"]
        return grad
