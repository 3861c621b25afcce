"""Dropout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ffnn._types import Array, DTypeLike
from ffnn.core.checks import check_number, check_seed
from ffnn.core.formulas import Formula, Formulas
from ffnn.core.generators import generator
from ffnn.core.hints import HINTS
from ffnn.core.operations import Value
from ffnn.layers.base import LAYERS, Layer
from ffnn.schedules import Schedule

_SIGNS = {"η": "r", "η₀": "r₀"}  # of a schedule → of the rate


def _check(what: str, rate: float) -> float:
    return check_number("Dropout", what, rate, low=0.0, high=1.0, high_open=True)


@LAYERS.register("dropout")
class Dropout(Layer):
    """Switch units off at random while training: y = x ∘ m, each m being 0 or 1 / (1 - rate).

    m is 0 with probability `rate`, drawn anew for every entry and batch. ∂L/∂x = ∂L/∂y ∘ m. The
    kept units are scaled up ("inverted dropout"), so that E[y] = x, and outside training y = x.
    It has nothing to train, so `trainable` makes no difference, as in Keras: to switch it off, set
    `rate` to 0.

    Parameters
    ----------
    rate : float or Schedule
        The fraction of units that is switched off, in [0, 1), or a schedule that gives it by the
        number of updates.
    seed : int, optional
        Makes the masks independent of the model's seed.

    Raises
    ------
    TypeError, ValueError
        `rate`, perhaps that of a later update, is out of its range, or `seed` is not an integer.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR
    2014, section 4 and, for the scaling, section 10.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Dropout
    >>> layer = Dropout(0.5, seed=0).build(4, dtype="float64")
    >>> layer.forward(np.array([[1.0, 1.0, 1.0, 1.0]]), training=True).round(4).tolist()
    [[2.0, 0.0, 2.0, 0.0]]
    """

    hints: ClassVar[Mapping[str, str]] = {"p": HINTS["p"]}
    updates: int = 0  # for a schedule
    is_affine = True  # for the masks that were drawn
    borrowed = ()  # x is not kept
    _is_masked = False  # whether the last forward drew some

    def __init__(self, rate: float | Schedule, seed: int | None = None) -> None:
        if isinstance(rate, Schedule):
            for known in {rate(0), rate.upper_bound} - {math.inf}:
                _check(f"rate={rate!r}", known)
            self.rate: float | Schedule = rate
        else:
            self.rate = _check("rate", rate)
        self.seed = check_seed("Dropout", seed)
        self._rng = np.random.default_rng(seed)

    @property
    def formulas(self) -> Formulas:
        """Those of training; at a rate of 0 nothing is done."""
        if not self.current_rate:
            return Formulas(("y = x",), ("∂L/∂x = ∂L/∂y",))
        first: tuple[str, ...] = ()
        where = {"m": "m"}
        if isinstance(self.rate, Schedule):
            own = self.rate.formulas
            first = tuple(Formula(text).rename(_SIGNS).text for text in own.forward)
            where |= {_SIGNS.get(sign, sign): f"rate.{path}" for sign, path in own.where.items()}
            where |= {"t": "updates", "r": "current_rate"}
        return Formulas((*first, "y = x ∘ m"), ("∂L/∂x = ∂L/∂y ∘ m",), where=where)

    @property
    def current_rate(self) -> float:
        """The rate of the next update."""
        rate = self.rate
        return rate(self.updates) if isinstance(rate, Schedule) else rate

    def check_numbers(self, dtype: DTypeLike, owner: str) -> None:
        """Raise ValueError, too, if the rate becomes 1 in `dtype`: nothing would be kept."""
        super().check_numbers(dtype, owner)
        largest = self.rate.upper_bound if isinstance(self.rate, Schedule) else self.rate
        if np.array(largest, dtype) == 1.0:
            raise ValueError(
                f"{owner}: rate={self.rate!r} becomes 1 in {np.dtype(dtype)}, so that no unit "
                f"would ever be kept; give dtype='float64' or a smaller one"
            )

    def initialize(
        self, values: Mapping[str, Array], input_dim: int, entropy: Any, index: int
    ) -> None:
        """Seed the masks from the layer's own seed or the model's entropy, and its place."""
        self._rng = generator(entropy if self.seed is None else self.seed, index)

    def random_generators(self) -> list[np.random.Generator]:
        """Return the masks' generator."""
        return [self._rng]

    def allocate(self, rows: int) -> None:
        """Allocate the mask and y."""
        super().allocate(rows)
        self.m, self.y = self.like("m"), self.like("y")

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x ∘ m in training, else x itself."""
        rate = self.begin(x) if training else 0.0
        self._is_masked = rate != 0.0
        if not self._is_masked:
            return x
        self._rng.random(dtype=x.dtype, out=self.m)
        np.greater_equal(self.m, rate, out=self.m)
        self.m *= 1.0 / (1.0 - rate)
        return np.multiply(x, self.m, out=self.y)

    def begin(self, x: Array) -> float:
        """Return the rate of a batch in training, and have m and y for it unless that is 0."""
        rate = self.current_rate
        if rate != 0.0:
            if not 0.0 < rate < 1.0:  # of a schedule that does not know its bound
                _check(f"rate={self.rate!r} after {self.updates} updates", rate)
            if x.shape != self.shape or x.dtype != self.dtype:
                self.allocate_for(x)
        self._is_masked = rate != 0.0
        return rate

    def express(self, x: Value) -> Value:
        """Return x itself."""
        return x

    def backward(self, grad: Array) -> Array:
        """Return grad ∘ m, with the mask of the last forward."""
        if self._is_masked:
            grad *= self.m
        return grad
