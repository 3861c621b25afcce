"""The cross-entropy of binary outputs after a softmax, from its logits."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.formulas import Formulas
from ffnn.losses.smoothing import BinaryLoss


class SoftmaxBinaryCrossentropy(BinaryLoss):
    """Softmax and binary cross-entropy together, on logits z, ℓ = -y log p - (1 - y) log(1 - p).

    With p the softmax of z, E = e^(z - max z), S = Σ E of the row, and r the row's sum of E without
    its largest entry, so that S = 1 + r,

        -log p_j = log(1 + r) - (z_j - max z),    -log(1 - p_j) = log(1 + E_j / (S - E_j)),

    and for the largest entry itself -log(1 - p) = log(1 + 1/r). Where r is small, it is
    log(1 + r) - log r, and log r is taken around the second largest logit; thus all is finite and
    exact for all logits, also where p or 1 - p rounds to 0. With the odds o_j = p_j / (1 - p_j),

        ∂ℓ/∂z_i = p_i (Σ_j y_j + 1 - y_i - Σ_{j≠i} (1 - y_j) o_j) - y_i,

    in which p_i o_j is the softmax without the largest entry, times its p, where j is that entry.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SoftmaxBinaryCrossentropy
    >>> z, y = np.array([[2.0, 0.0, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> round(SoftmaxBinaryCrossentropy().forward(z, y), 4)
    0.1113
    """

    formulas = Formulas(
        forward=(
            "L = 1/(n u) Σ w ∘ (log s - y ∘ z - (1 - y) ∘ log(s - e^z)) with s = Σ_units e^z",
        ),
        backward=(
            "∂L/∂z = 1/(n u) w ∘ (p ∘ (Σ_units y + 1 - y - Σ_units o + o) - y)"
            " with o = (1 - y) ∘ p / (1 - p)",
        ),
    )
    task = "probabilities"
    instead = "give loss='binary_crossentropy'; after a softmax it works on logits"

    def allocate(self, rows: int) -> None:
        """Allocate z, the odds, the softmax without the largest entry, and sums of rows.

        ``_flat`` marks a view as a vector, ``place`` where each row's largest entry is in it.
        """
        super().allocate(rows)
        self.z, self.odds = self.like("z"), self.like("odds")
        self.others = self.like("others")
        self.by_row = self.array("by row", *self.shape[::-1]).T  # argmax copies any other order
        self.odds_flat, self.spare_flat, self.others_flat = (
            array.T.reshape(-1) for array in (self.odds, self.spare, self.others)
        )
        self.place, self.row = (self.buffer(name, dtype=np.intp) for name in ("place", "row"))
        self.place.fill(1)
        np.cumsum(self.place, out=self.row)  # arange would allocate
        self.row -= 1
        names = ("top", "second", "rest", "sum", "log sum", "spare row")
        self.top, self.second, self.rest, self.sum, self.log_sum, self.spare_row = (
            self.buffer(name) for name in names
        )

    def _values(self, output: Array, target: Array) -> Array:
        self._split(output)
        np.subtract(self.sum[:, None], self.p, out=self.spare)  # at least 1, except at the largest
        self.spare_flat[self.place] = 1.0
        np.divide(self.p, self.spare, out=self.odds)
        unlikely = np.log1p(self.odds, out=self.spare)  # -log(1 - p)
        self.spare_flat[self.place] = self._log_of_largest()
        self.odds_flat[self.place] = 0.0
        self.p /= self.sum[:, None]
        np.subtract(self.log_sum[:, None], self.z, out=self.values)  # -log p
        self.values *= target
        np.subtract(1.0, target, out=self.slopes)
        unlikely *= self.slopes
        self.values += unlikely
        return self.values

    def _split(self, z: Array) -> None:
        """Compute E as `p`, its sums, and the softmax of the row without its largest entry."""
        others = self.others
        np.copyto(others, z)
        np.copyto(self.by_row, z)
        np.argmax(self.by_row, axis=1, out=self.place)
        self.place *= len(z)
        self.place += self.row
        np.take(self.others_flat, self.place, out=self.top, mode="clip")
        self.others_flat[self.place] = -np.inf
        others.max(axis=1, out=self.second)
        others -= self.second[:, None]
        np.exp(others, out=others)
        sums = others.sum(axis=1, out=self.spare_row)
        others /= sums[:, None]
        np.subtract(z, self.top[:, None], out=self.z)
        np.exp(self.z, out=self.p)
        self.second -= self.top
        np.exp(self.second, out=self.rest)
        self.rest *= sums
        np.add(self.rest, 1.0, out=self.sum)
        np.log1p(self.rest, out=self.log_sum)

    def _log_of_largest(self) -> Array:
        """Return -log(1 - p) of the largest entry of each row."""
        result = np.log(self.spare_row, out=self.spare_row)  # log r without its exponent
        result += self.second
        np.subtract(self.log_sum, result, out=result)
        np.maximum(self.rest, 1.0, out=self.top)
        np.reciprocal(self.top, out=self.top)
        large = np.greater_equal(self.rest, 1.0, out=self.buffer("large", dtype=bool))
        np.copyto(result, np.log1p(self.top, out=self.top), where=large)
        return result

    def _predictions(self, output: Array) -> Array:
        return self.p

    def _slopes(self, output: Array, target: Array) -> Array:
        missing = np.subtract(1.0, target, out=self.spare)
        self.odds *= missing
        np.add(missing, self.odds, out=self.slopes)
        self.odds.sum(axis=1, out=self.top)
        target.sum(axis=1, out=self.rest)
        self.rest -= self.top
        self.slopes += self.rest[:, None]
        self.slopes *= output
        self.slopes -= target
        np.take(self.spare_flat, self.place, out=self.top, mode="clip")
        self.top /= self.sum
        self.others *= self.top[:, None]
        self.slopes -= self.others
        return self.slopes
