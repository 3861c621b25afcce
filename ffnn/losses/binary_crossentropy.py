"""The cross-entropy of yes-or-no outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ffnn.activations import ActivationFunction
from ffnn.activations.sigmoid import Sigmoid, sigmoid
from ffnn.core.formulas import Formulas
from ffnn.data import targets
from ffnn.losses.base import LOSSES, ElementwiseLoss, Loss, describe_ending

if TYPE_CHECKING:
    from ffnn._types import Array


@LOSSES.register("binary_crossentropy", "bce")
class BinaryCrossentropy(ElementwiseLoss):
    """Cross-entropy of yes-or-no outputs, ℓ = -y log p - (1 - y) log(1 - p).

    ∂ℓ/∂p = (p - y) / (p (1 - p)). Targets y lie in [0, 1]. The network has to end in probabilities:
    after a sigmoid the loss is computed from the logits (`SigmoidCrossentropy`); after a softmax
    it is computed from p, with p and 1 - p kept above the smallest normal number.
    """

    formulas = Formulas(
        forward=("L = -1/(n u) Σ w ∘ (y ∘ log p + (1 - y) ∘ log(1 - p))",),
        backward=("∂L/∂p = 1/(n u) w ∘ (p - y) / (p ∘ (1 - p))",),
    )
    task = "probabilities"

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the outputs are probabilities."""
        low, high = (-np.inf, np.inf) if activation is None else activation.output_range
        if low < 0.0 or high > 1.0:
            raise ValueError(
                f"binary_crossentropy needs outputs between 0 and 1, but the network ends in "
                f"{describe_ending(activation)}. Let the last layer have activation='sigmoid'."
            )

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a sigmoid."""
        return SigmoidCrossentropy() if type(activation) is Sigmoid else None

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and lie in [0, 1]."""
        return targets.prepare_probabilities(y, units)

    def allocate(self, rows: int) -> None:
        """Make also the logarithms, 1 - y, and p (1 - p)."""
        super().allocate(rows)
        self.logs, self.rest, self.product = (self.like(n) for n in ("logs", "rest", "product"))
        self.tiny = float(np.finfo(self.dtype).tiny)

    def _values(self, output: Array, target: Array) -> Array:
        np.maximum(output, self.tiny, out=self.logs)
        np.log(self.logs, out=self.logs)
        np.multiply(self.logs, target, out=self.values)
        np.subtract(1.0, output, out=self.logs)
        np.maximum(self.logs, self.tiny, out=self.logs)
        np.log(self.logs, out=self.logs)
        np.subtract(1.0, target, out=self.rest)
        self.rest *= self.logs
        self.values += self.rest
        return np.negative(self.values, out=self.values)

    def _slopes(self, output: Array, target: Array) -> Array:
        np.subtract(1.0, output, out=self.product)
        self.product *= output
        np.maximum(self.product, self.tiny, out=self.product)
        np.subtract(output, target, out=self.r)
        self.r /= self.product
        return self.r


class SigmoidCrossentropy(ElementwiseLoss):
    """Sigmoid and binary cross-entropy in one, on logits z: ℓ = max(z, 0) - z y + log(1 + e^-|z|).

    It is the same number as -y log p - (1 - y) log(1 - p) with p = sigmoid(z), for every finite z,
    and ∂ℓ/∂z = p - y. It stands in for the two where they meet.
    """

    formulas = Formulas(
        forward=("L = 1/(n u) Σ w ∘ (max(z, 0) - z ∘ y + log(1 + e^-|z|))",),
        backward=("∂L/∂z = w ∘ (p - y) / (n u)",),
    )
    task = "probabilities"

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError: after any activation the loss would be another one."""
        raise ValueError("give loss='binary_crossentropy'; after a sigmoid it works on logits")

    def allocate(self, rows: int) -> None:
        """Make also p, and room for the terms of ℓ."""
        super().allocate(rows)
        self.p, self.tail = self.like("p"), self.like("tail")

    def _values(self, output: Array, target: Array) -> Array:
        z = output
        np.multiply(z, target, out=self.tail)
        np.maximum(z, 0.0, out=self.values)
        self.values -= self.tail  # exactly 0 where the answer is right: the rest must not drown
        np.abs(z, out=self.tail)
        np.negative(self.tail, out=self.tail)
        np.exp(self.tail, out=self.tail)
        self.values += np.log1p(self.tail, out=self.tail)
        return self.values

    def _predictions(self, output: Array) -> Array:
        return sigmoid(output, out=self.p)

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.subtract(output, target, out=output)
