"""The cross-entropy of binary outputs."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction, Softmax
from ffnn.activations.sigmoid import Sigmoid, sigmoid
from ffnn.core.formulas import Formulas
from ffnn.data import targets
from ffnn.losses.base import LOSSES, Loss, wrong_ending
from ffnn.losses.smoothing import NOTE, BinaryLoss
from ffnn.losses.softmax_binary_crossentropy import SoftmaxBinaryCrossentropy


@LOSSES.register("binary_crossentropy", "bce")
class BinaryCrossentropy(BinaryLoss):
    """Cross-entropy of binary outputs, ℓ = -y log p - (1 - y) log(1 - p).

    ∂ℓ/∂p = (p - y) / (p (1 - p)). Targets y lie in [0, 1]. The network has to end in probabilities:
    after a sigmoid or a softmax the loss is computed from the logits (`SigmoidCrossentropy`,
    `SoftmaxBinaryCrossentropy`). By itself, and after an activation of your own, it is computed
    from p, with p and 1 - p kept above the smallest normal number. Where p has rounded to 1 and y
    is less, the loss is thus large and finite; ∂ℓ/∂p has the right sign, and the size it has at the
    largest p below 1. What your activation makes of it is up to its derivative: one computed as
    p (1 - p) is 0 there, and the unit no longer learns. A loss of your own whose `fuse` returns the
    loss on the activation's input is exact. A class derived from our sigmoid or softmax is refused.

    Parameters
    ----------
    label_smoothing : float, default 0.0
        s, in [0, 1): y becomes (1 - s) y + s / 2, so that no output is pushed to infinity.

    Raises
    ------
    TypeError, ValueError
        `label_smoothing` is not a number in its range.

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
    section 7 (label smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import BinaryCrossentropy
    >>> loss = BinaryCrossentropy()
    >>> round(loss.forward(np.array([[0.9], [0.2]]), np.array([[1.0], [0.0]])), 4)
    0.1643
    """

    task = "probabilities"
    domain = (0.0, 1.0)

    @property
    def formulas(self) -> Formulas:
        """Those of y, which may be smoothed."""
        return Formulas(
            forward=("L = -1/(n u) Σ w ∘ (y ∘ log p + (1 - y) ∘ log(1 - p))",),
            backward=("∂L/∂p = 1/(n u) w ∘ (p - y) / (p ∘ (1 - p))",),
            note=NOTE if self.label_smoothing else "",
        )

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the outputs are probabilities; see the class for which."""
        low, high = (-np.inf, np.inf) if activation is None else activation.output_range
        if low < 0.0 or high > 1.0:
            needed = "outputs between 0 and 1"
            raise wrong_ending(LOSSES.name_of(self), needed, activation, "sigmoid")
        if self.hides_input(activation, Sigmoid, Softmax):
            needed = "a sigmoid or a softmax itself, as one derived from it hides its logits"
            raise wrong_ending(LOSSES.name_of(self), needed, activation, "sigmoid")

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a sigmoid or a softmax."""
        if type(activation) is Softmax:
            return SoftmaxBinaryCrossentropy(self.label_smoothing)
        return SigmoidCrossentropy(self.label_smoothing) if type(activation) is Sigmoid else None

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and lie in [0, 1]."""
        return targets.prepare_probabilities(y, units, LOSSES.name_of(self))

    def allocate(self, rows: int) -> None:
        """Note also 1 - p of the largest p below 1."""
        super().allocate(rows)
        self.rounding = float(np.finfo(self.dtype).epsneg)

    def _values(self, output: Array, target: Array) -> Array:
        logs, rest = self.spare, self.slopes
        np.maximum(output, self.tiny, out=logs)
        np.log(logs, out=logs)
        np.multiply(logs, target, out=self.values)
        np.subtract(1.0, output, out=logs)
        np.maximum(logs, self.tiny, out=logs)
        np.log(logs, out=logs)
        np.subtract(1.0, target, out=rest)
        rest *= logs
        self.values += rest
        return np.negative(self.values, out=self.values)

    def _slopes(self, output: Array, target: Array) -> Array:
        product = np.subtract(1.0, output, out=self.spare)
        np.maximum(product, self.rounding, out=product)
        product *= output
        np.maximum(product, self.tiny, out=product)
        np.subtract(output, target, out=self.slopes)
        self.slopes /= product
        return self.slopes


class SigmoidCrossentropy(BinaryLoss):
    """Sigmoid and binary cross-entropy, on logits z: ℓ = max(z, 0) - z y + log(1 + e^-|z|).

    It is the same number as -y log p - (1 - y) log(1 - p) with p = sigmoid(z), for every finite z,
    and ∂ℓ/∂z = p - y. It replaces the two where they meet.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SigmoidCrossentropy
    >>> z, y = np.array([[2.0], [-1.0]]), np.array([[1.0], [0.0]])
    >>> round(SigmoidCrossentropy().forward(z, y), 4)
    0.2201
    """

    formulas = Formulas(
        forward=("L = 1/(n u) Σ w ∘ (max(z, 0) - z ∘ y + log(1 + e^-|z|))",),
        backward=("∂L/∂z = w ∘ (p - y) / (n u)",),
    )
    task = "probabilities"
    instead = "give loss='binary_crossentropy'; after a sigmoid it works on logits"

    def _values(self, output: Array, target: Array) -> Array:
        z, tail = output, self.spare
        np.multiply(z, target, out=tail)
        np.maximum(z, 0.0, out=self.values)
        self.values -= tail  # exactly 0 where the answer is right: the small rest must not drown
        np.negative(np.abs(z, out=tail), out=tail)
        self.values += np.log1p(np.exp(tail, out=tail), out=tail)
        return self.values

    def _predictions(self, output: Array) -> Array:
        return sigmoid(output, out=self.p)

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.subtract(output, target, out=self.slopes)
