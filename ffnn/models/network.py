"""`Network`: a chain of layers and what it computes, with nothing about training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction
from ffnn.core.checks import check_bool, check_int
from ffnn.core.hints import explain_names
from ffnn.data.sources import Source, check_finite, open_source
from ffnn.errors import DataError
from ffnn.layers.base import Layer, Stage
from ffnn.layers.chain import run_forward
from ffnn.models.codes import CodeCheck
from ffnn.models.compiling import JitCompile
from ffnn.models.layered import Layered
from ffnn.models.raw_rows import input_dtype
from ffnn.models.replicas import Replicas

EVALUATION_BATCH_SIZE = 1024


class Network(Layered):
    """Layers, their forward pass, and predictions."""

    jit_compile: JitCompile = "auto"

    def __init__(
        self,
        layers: Sequence[Layer],
        input_dim: int | None = None,
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(layers, input_dim, dtype, seed)
        self._replicas = Replicas(self.layers, self.dtype)
        self._code_check = CodeCheck(self.layers)

    @property
    def stages(self) -> list[Stage]:
        """The steps that a batch takes through all layers."""
        return [stage for layer in self.layers for stage in layer.stages()]

    @property
    def last_activation(self) -> ActivationFunction | None:
        """What the network, or each member of its `Average`, ends with, if an activation."""
        last = self.stages[-1].layer
        last = last.ending or last
        return last if isinstance(last, ActivationFunction) else None

    def replicas(self) -> list[Stage]:
        """Return stages that share the parameters but have this thread's own working memory."""
        self._replicas.check()
        return self._replicas.stages()

    def renew_replicas(self) -> None:
        """Let every thread make new replicas, as the layers may have changed."""
        self._replicas.renew()

    def open_inputs(self, x: Any, expected: int | None = None) -> Source:
        """Return checked inputs, of the columns that are `expected` where that is not known yet.

        All that takes data begins here: with layers whose arguments are what they were built with.
        """
        self._replicas.check()
        is_table = False
        if self.encoder is not None and self.encoder.takes(x):
            x, is_table = self.encoder.transform(x, dtype=self.dtype), True
        source = open_source(x, input_dtype(self), "x")
        columns, expected = source.shape[1], self.input_dim or expected
        if expected not in (None, columns):
            first = self.layers[0]
            hint = " Was the label column left in x?" if columns - 1 == expected else ""
            raise DataError(
                f"{first.title}: expected input with {expected} "
                f"features, got array of shape {source.shape}.{hint}"
            )
        if not is_table:  # of which the encoder makes finite numbers, and those of its categories
            check_finite(source, "x", self.dtype)
            self._code_check.check(source)
        return source

    def _takes_as_is(self, x: Array) -> bool:
        """Tell whether rows are what `open_inputs` would hand out unchanged, if they are finite."""
        self._replicas.check()
        return (
            x.dtype == self.dtype
            and x.ndim == 2
            and x.shape[1] == self.layers[0].input_dim
            and x.size > 0
            and x.flags.c_contiguous
            and self._code_check.is_needless
        )

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the outputs for a batch, and leave in the layers what `backward` needs.

        Parameters
        ----------
        x : array-like of shape (batch, input_dim)
            The batch.
        training : bool, default False
            Whether layers such as `Dropout` and `BatchNorm` act as in training.

        Returns
        -------
        ndarray of shape (batch, units)
            A copy, in the model's dtype.
        """
        training, source = check_bool("forward", "training", training), self.open_inputs(x)
        self.build(source.shape[1])
        return np.array(run_forward(self.stages, source.slice(0, len(source)), training))

    @explain_names
    def predict(self, x: Any, batch_size: int = EVALUATION_BATCH_SIZE) -> Array:
        """Return the outputs for all rows; safe to be called from many threads at once.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset or sparse matrix of shape (rows, input_dim)
            Inputs.
        batch_size : int, default 1024
            How many rows are computed together.

        Returns
        -------
        ndarray of shape (rows, units)
            Outputs in the model's dtype, for the caller to keep.

        Raises
        ------
        DataError
            The shape does not fit, or a value is not a finite number.

        Examples
        --------
        >>> model.predict(x_test[:3]).argmax(axis=1).tolist(), y_test[:3].tolist()
        ([3, 5, 5], [3, 5, 5])
        """
        batch_size = check_int("predict", "batch_size", batch_size, low=1)
        if type(x) is np.ndarray and self._takes_as_is(x):
            result = self._replicas.predict(x, batch_size, self.jit_compile)
            if result is not None:
                return result
        source = self.open_inputs(x)
        if not self.is_built:
            self.build(source.shape[1])
        return self.compute(source, self._replicas.stages(), batch_size)

    def compute(
        self, source: Source, stages: Sequence[Stage], batch_size: int = EVALUATION_BATCH_SIZE
    ) -> Array:
        """Return as an array of its own what `stages` put out for all rows of checked inputs."""
        return self._replicas.compute(source, stages, batch_size, self.jit_compile)

    def passing(self, stages: Sequence[Stage]) -> Callable[[Array], Array]:
        """Return what sends a batch through some of `replicas`, from the first one on.

        What it returns is valid until the next batch.
        """
        return self._replicas.passing(stages, self.jit_compile)
