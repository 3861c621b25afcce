"""Preprocessing that belongs to the model: fixed and learned scaling of the input columns."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.base import LAYERS, Layer
from ffnn.checks import check_number
from ffnn.data import column_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from ffnn._types import Array


@LAYERS.register("rescaling")
class Rescaling(Layer):
    """Scale all columns alike: y = scale · x + offset,  ∂L/∂x = scale · ∂L/∂y.

    As the first layer it takes integer rows as they are: pixels stay uint8 in memory and become
    floats a batch at a time.

    Parameters
    ----------
    scale : float
        The factor, such as 1/255 for 8-bit pixels.
    offset : float, default 0.0
        What is added.
    """

    takes_any_dtype = True

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        self.scale = check_number("Rescaling", "scale", scale)
        self.offset = check_number("Rescaling", "offset", offset)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return scale · x + offset in the model's dtype."""
        y = self._buffer("y", x.shape, self._dtype)
        np.copyto(y, x)
        y *= self.scale
        if self.offset:
            y += self.offset
        return y

    def backward(self, grad: Array) -> Array:
        """Return scale · grad."""
        grad *= self.scale
        return grad


@LAYERS.register("normalization")
class Normalization(Layer):
    """Scale each column to mean 0 and variance 1: y = (x - μ) / σ,  ∂L/∂x = ∂L/∂y / σ.

    Each column has its own μ and σ. They are learned once, by `adapt`, from the training rows,
    stay fixed in training, and are saved with the model. A column that never varies has σ = 1, so
    it becomes 0. As the first layer it takes integer rows as they are.
    """

    takes_any_dtype = True

    def __init__(self) -> None:
        self._mean: Array | None = None
        self._variance: Array | None = None

    @property
    def state(self) -> Mapping[str, Array]:
        """The columns' ``mean`` and ``variance``, float64 of shape (columns,), once adapted."""
        if self._mean is None or self._variance is None:
            return MappingProxyType({})
        return MappingProxyType({"mean": self._mean, "variance": self._variance})

    def adapt(self, x: Any) -> Self:
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
        """
        mean, variance = column_statistics(x)
        if self._mean is not None and self.is_built and self._mean.shape != mean.shape:
            raise ValueError(f"Normalization: built for {self._mean.size} columns, got {mean.size}")
        self.load_state({"mean": mean, "variance": variance})
        return self

    def load_state(self, values: Mapping[str, Array]) -> None:
        """Take known statistics: ``mean`` and ``variance``, each of shape (columns,)."""
        if self._mean is None or not self.is_built:
            self._mean, self._variance = np.array(values["mean"]), np.array(values["variance"])
            self._std = np.empty_like(self._mean)
        else:  # in place: threads that predict share these arrays
            super().load_state(values)
        np.sqrt(values["variance"], out=self._std)
        self._std[self._std == 0.0] = 1.0

    def compute_output_dim(self, input_dim: int) -> int:
        """Return `input_dim`, after checking it against the adapted columns."""
        if self._mean is not None and self._mean.shape != (input_dim,):
            raise ValueError(
                f"Normalization: adapted to {self._mean.shape[0]} columns, "
                f"but the input has {input_dim}"
            )
        return input_dim

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (x - μ) / σ in the model's dtype."""
        if self._mean is None:
            raise ValueError("Normalization: call adapt(x) with the training rows before using it")
        y = self._buffer("y", x.shape, self._dtype)
        np.subtract(x, self._mean, out=y, casting="same_kind")
        y /= self._std
        return y

    def backward(self, grad: Array) -> Array:
        """Return grad / σ."""
        grad /= self._std
        return grad
