"""A network's predictions in float64, in which a row's do not depend on the rows beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.data.sources import ArraySource
from ffnn.models.trainable import Trainable


class Doubled:
    """Predicts from the values of a network, computing in float64.

    Parameters
    ----------
    model : Trainable
        A network with an encoder. Its copy in float64 is kept for as long as its values stay as
        they are.
    """

    _copy: tuple[list[Array], Trainable] | None = None  # and the values that it was made of

    def __init__(self, model: Trainable) -> None:
        self.model = model

    def predict(self, rows: Any) -> Array:
        """Return the outputs for rows in any form that the encoder takes, (rows, units)."""
        assert self.model.encoder is not None
        source = ArraySource(self.model.encoder.transform(rows))  # of finite numbers and categories
        double = self._double()
        return double.compute(source, double.replicas())

    def _double(self) -> Trainable:
        states = (array for layer in self.model.layers for array in layer.state.values())
        values = [self.model.parameters, *states]
        if self._copy is None or not all(map(np.array_equal, self._copy[0], values)):
            self._copy = [value.copy() for value in values], self.model.as_double()
        return self._copy[1]

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}
