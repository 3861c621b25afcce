"""What is refused changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ffnn.callbacks import Callback
from ffnn.estimators.parameters import Estimator
from ffnn.models.trainable import Trainable


@contextmanager
def unchanged_if_refused(estimator: Estimator) -> Iterator[None]:
    """Leave an estimator, its network and callbacks as they were, if no update has been made.

    lbfgs, which counts none, has to end before anything is changed.
    """
    model: Trainable | None = vars(estimator).get("model_")
    callbacks = [each for each in estimator.callbacks or () if isinstance(each, Callback)]
    owners: list[Any] = [estimator, *callbacks]
    if model is not None:
        owners += [model] if model.history is None else [model, model.history]
    attributes = [(owner, dict(vars(owner))) for owner in owners]
    network = None if model is None else _Network(model, estimator.solver == "lbfgs")
    try:
        yield
    except BaseException:
        if not _has_updated(estimator, network):
            for owner, before in attributes:
                vars(owner).clear()
                vars(owner).update(before)
            if network is not None:
                network.put_back()
        raise


def _has_updated(estimator: Estimator, before: _Network | None) -> bool:
    """Tell whether the network's optimizer has made updates."""
    model: Trainable | None = vars(estimator).get("model_")
    if model is None or model.optimizer is None:
        return False
    is_same = before is not None and before.optimizer is model.optimizer
    return model.optimizer.iterations > (before.iterations if before and is_same else 0)


class _Network:
    """What a training changes of a network besides its attributes before the first update."""

    def __init__(self, model: Trainable, with_values: bool) -> None:
        self._model, self.optimizer = model, model.optimizer
        self.iterations = 0
        if self.optimizer is not None:
            self.iterations = self.optimizer.iterations
            self._rate = self.optimizer.learning_rate
        self._generators = model.generator_states
        self._vector = model.require_built()
        self._has_gradients = self._vector.has_gradients
        arrays = [self._vector.gradients]  # which a first update that fails has filled
        if with_values:
            arrays.append(self._vector.values)
        self._arrays = [(array, array.copy()) for array in arrays]

    def put_back(self) -> None:
        """Go back to how it was."""
        if self.optimizer is not None:
            self.optimizer.learning_rate = self._rate
        self._model.generator_states = self._generators
        self._vector.has_gradients = self._has_gradients
        for array, before in self._arrays:
            np.copyto(array, before)
