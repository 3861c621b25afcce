"""The conventions of scikit-learn's losses, put around the library's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.losses import Loss, SigmoidCrossentropy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ffnn._types import Array


class ScaledLoss(Loss):
    """Another loss with its value and its gradient multiplied by a number each.

    The library's elementwise losses are means over rows and outputs; scikit-learn's are means over
    rows and sums over outputs, and its squared loss has a factor ½. Its squared loss of u outputs
    moreover reports 1/u of what it differentiates, so there are two factors.

    Parameters
    ----------
    loss : Loss
        The loss.
    value_factor, gradient_factor : float
        What its value and its gradient are multiplied by.
    """

    def __init__(self, loss: Loss, value_factor: float, gradient_factor: float) -> None:
        self.loss = loss
        self.value_factor = value_factor
        self.gradient_factor = gradient_factor

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the loss's value times its factor."""
        value = self.loss.forward(output, target, weight)
        self.output = self.loss.output
        return value * self.value_factor

    def backward(self) -> Array:
        """Return the loss's gradient times its factor."""
        grad = self.loss.backward()
        if self.gradient_factor != 1.0:
            grad *= self.gradient_factor
        return grad


class CutLogLoss(ScaledLoss):
    """A log-loss whose value counts no probability as less than ε, the spacing of floats at 1.

    The value of a row that is wholly wrong is then at most -log ε, 36 in float64, and training
    stops at the same epoch as in scikit-learn. The gradient is the exact one, there as here.
    """

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the value, cut off if a row needs it."""
        value = super().forward(output, target, weight)
        p, y = self.output, self.loss.target
        epsilon = float(np.finfo(p.dtype).eps)
        miss = np.subtract(p, y, out=self._like("miss", p))
        if float(np.abs(miss, out=miss).max()) < 1.0 - 2.0 * epsilon:
            return value
        kept = np.clip(p, epsilon, 1.0 - epsilon)
        rows = (y * np.log(kept)).sum(axis=1)
        if isinstance(self.loss, SigmoidCrossentropy):
            rows += ((1.0 - y) * np.log1p(-kept)).sum(axis=1)
        return -float(rows.sum() if weight is None else rows @ weight) / len(rows)


class BatchPenalty:
    """The penalty on weights, R = (l2 Σw²/2 + l1 Σ|w|) / s, where s is the batch's weight.

    s is the sum of the batch's sample weights, its number of rows where there are none, so that a
    batch counts its penalty as often as its rows.

    Parameters
    ----------
    weights, gradients, scratch : sequence of ndarray
        The weights (no biases), their gradients, and room of the same shapes.
    l2, l1 : float
        scikit-learn's `alpha`, and its like for absolute values.

    Attributes
    ----------
    batch_weight : float
        s, to be set before each batch.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        gradients: Sequence[Array],
        scratch: Sequence[Array],
        l2: float,
        l1: float,
    ) -> None:
        self.l2, self.l1 = float(l2), float(l1)
        self.batch_weight = 1.0
        self._arrays = [
            (w, w.reshape(-1), grad, room)
            for w, grad, room in zip(weights, gradients, scratch, strict=True)
        ]

    def value(self) -> float:
        """Return R."""
        total = 0.0
        for w, flat, _, room in self._arrays:
            if self.l2:
                total += 0.5 * self.l2 * float(flat.dot(flat))
            if self.l1:
                total += self.l1 * float(np.abs(w, out=room).sum())
        return total / self.batch_weight

    def add_gradient(self) -> None:
        """Add ∂R/∂w = (l2 w + l1 sign w) / s to the gradients."""
        for w, _, grad, room in self._arrays:
            if self.l2:
                np.multiply(w, self.l2 / self.batch_weight, out=room)
                np.add(grad, room, out=grad)
            if self.l1:
                np.sign(w, out=room)
                np.multiply(room, self.l1 / self.batch_weight, out=room)
                np.add(grad, room, out=grad)
