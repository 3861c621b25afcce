"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_bool, check_number
from ffnn.core.formulas import Formulas
from ffnn.optimizers.base import OPTIMIZERS, Optimizer
from ffnn.schedules import Schedule


@OPTIMIZERS.register("sgd")
class SGD(Optimizer):
    """Gradient descent on batches, optionally with momentum.

    Plain: w ← w - η g. With momentum μ: v ← μ v - η g, then w ← w + v, or, with Nesterov's
    correction, w ← w + μ v - η g.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        η, at least 0.
    momentum : float, default 0.0
        μ, in [0, 1]; at 1 velocity is never lost.
    nesterov : bool, default False
        Whether to look ahead; needs a momentum.
    clipnorm : float, optional
        The largest norm of the whole gradient.
    clipvalue : float, optional
        The largest size of each entry of the gradient, in place of `clipnorm`.

    References
    ----------
    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning", ICML 2013, equations 1 to 4.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([4, 2], "linear", seed=0)
    >>> model.compile(ffnn.optimizers.SGD(0.1, momentum=0.9), "mean_squared_error")
    >>> model.optimizer
    SGD(learning_rate=0.1, momentum=0.9)
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        clipnorm: float | None = None,
        learning_rate_factors: Mapping[str, float] | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clipnorm, learning_rate_factors, clipvalue)
        self.momentum = check_number("SGD", "momentum", momentum, low=0.0, high=1.0)
        self.nesterov = check_bool("SGD", "nesterov", nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError("SGD: nesterov=True needs a momentum above 0, got momentum=0.0")

    def changed(self, name: str, value: Any) -> Any:
        """Return what an argument becomes; AttributeError where memory would have to come or go."""
        value = super().changed(name, value)
        if name == "momentum" and self._vector is not None and bool(value) != bool(self.momentum):
            raise AttributeError(
                "SGD: momentum cannot become 0, or other than 0, once it trains a model; "
                "compile with a new one"
            )
        return value

    @property
    def formulas(self) -> Formulas:
        """The update, which momentum changes."""
        if not self.momentum:
            return Formulas(update=("w ← w - η g",))
        weight = "w ← w + μ v - η g" if self.nesterov else "w ← w + v"
        where = {"μ": "momentum", "v": "slots.velocity"}
        return Formulas(update=("v ← μ v - η g", weight), where=where)

    @property
    def slot_names(self) -> tuple[str, ...]:
        """With momentum, ``velocity``."""
        return ("velocity",) if self.momentum else ()

    def bound(self, updates: int, rate: float, norm: float, w: float, *memory: float) -> float:
        """Return the bound that follows from the formulas and μ ≤ 1."""
        step = rate * norm
        velocity = memory[0] + updates * step if self.momentum else 0.0
        return w + velocity + updates * (velocity + step)

    def update(self, rate: float, w: Array, g: Array, scratch: Array, *memory: Array) -> None:
        """Apply w ← w - η g, or its form with momentum."""
        np.multiply(g, -rate, out=scratch)
        if self.momentum:
            (velocity,) = memory
            velocity *= self.momentum
            velocity += scratch
            if not self.nesterov:
                w += velocity
                return
            w += scratch
            np.multiply(velocity, self.momentum, out=scratch)
        w += scratch
