"""The focal loss of binary outputs."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction, Softmax
from ffnn.activations.sigmoid import Sigmoid
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, Loss, wrong_ending
from ffnn.losses.binary_crossentropy import BinaryCrossentropy, SigmoidCrossentropy
from ffnn.losses.smoothing import NOTE, BinaryLoss

# Where b is larger, p (1 - p) b is 0, whatever small number p has rounded to.
_LARGEST = 1000.0
_B = "-1 y ∘ log p - (1 - y) ∘ log(1 - p)"
_Q = "q = y ∘ (1 - p) + (1 - y) ∘ p"


class _BinaryFocal(BinaryLoss):
    """What both forms share; the cross-entropy b and its slope are those of the other base."""

    def __init__(
        self, alpha: float | None = None, gamma: float = 2.0, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(label_smoothing)
        name = type(self).__name__
        if alpha is not None:
            alpha = check_number(name, "alpha", alpha, low=0.0, high=1.0)
        self.alpha = alpha
        self.gamma = check_number(name, "gamma", gamma, low=0.0)

    def formulas_of(self, b: str, slope: str, spread: str = "") -> Formulas:
        """Return those of a cross-entropy b and its slope; `spread` is ∂p/∂z, if it is of z."""
        factor, ends = "w", ""
        where = {"γ": "gamma"}
        if self.alpha is not None:
            where["α"], factor = "alpha", "w ∘ a"
            ends = " and a = α y + (1 - α) (1 - y)"
        by = "z" if spread else "p"
        return Formulas(
            forward=(f"L = 1/(n u) Σ {factor} ∘ q^γ ∘ b with {_Q} and b = {b}{ends}",),
            backward=(
                f"∂L/∂{by} = 1/(n u) {factor} ∘ (q^γ ∘ {slope} "
                f"+ γ q^(γ - 1) ∘ (1 - 2 y){spread} ∘ b) with {_Q} and b = {_B}{ends}",
            ),
            where=where,
            note=NOTE if self.label_smoothing else "",
        )

    def allocate(self, rows: int) -> None:
        """Allocate also b, q, its power, and α or 1 - α."""
        super().allocate(rows)
        self.cross, self.q, self.power = (self.like(name) for name in ("cross", "q", "power"))
        self.balance = self.scalar(1.0) if self.alpha is None else self.like("balance")

    def _values(self, output: Array, target: Array) -> Array:
        np.copyto(self.cross, super()._values(output, target))
        p, q, rest = self._predictions(output), self.q, self.spare
        np.subtract(1.0, p, out=q)
        q *= target
        np.subtract(1.0, target, out=rest)
        rest *= p
        q += rest
        np.maximum(q, self.tiny, out=q)  # which may have a negative power
        np.power(q, self.gamma, out=self.power)
        np.multiply(self.cross, self.power, out=self.values)
        if self.alpha is not None:
            np.multiply(target, 2.0 * self.alpha - 1.0, out=self.balance)
            self.balance += 1.0 - self.alpha
            self.values *= self.balance
        return self.values

    def _slopes(self, output: Array, target: Array) -> Array:
        slopes, extra = super()._slopes(output, target), self.spare
        slopes *= self.power
        np.divide(self.power, self.q, out=extra)
        extra *= np.minimum(self.cross, _LARGEST, out=self.cross)
        extra *= self.gamma
        np.multiply(target, -2.0, out=self.q)
        self.q += 1.0
        extra *= self.q
        self._spread(extra, output)
        slopes += extra
        slopes *= self.balance
        return slopes

    def _spread(self, slopes: Array, p: Array) -> None:
        """Multiply ∂ℓ/∂p by ∂p/∂z where the loss works on z."""


@LOSSES.register("binary_focal_crossentropy")
class BinaryFocalCrossentropy(_BinaryFocal, BinaryCrossentropy):
    """Cross-entropy of binary outputs that counts the easy ones less, ℓ = a q^γ b.

    b is `BinaryCrossentropy`'s ℓ, q = y (1 - p) + (1 - y) p the probability of the wrong answer,
    and a = α y + (1 - α) (1 - y), or 1 without α:

        ∂ℓ/∂p = a (q^γ (p - y) / (p (1 - p)) + γ q^(γ - 1) (1 - 2 y) b).

    Targets y lie in [0, 1]. After a sigmoid the loss is computed from the logits. With γ = 0 and
    no α it is the plain cross-entropy.

    Parameters
    ----------
    alpha : float, optional
        α, in [0, 1]: the weight of targets of 1, that of 0 is 1 - α. The paper has 0.25; without it
        both weigh 1, as in Keras without ``apply_class_balancing``.
    gamma : float, default 2.0
        γ, at least 0: the larger, the less the easy ones count.
    label_smoothing : float, default 0.0
        s, in [0, 1): y becomes (1 - s) y + s / 2.

    Raises
    ------
    TypeError, ValueError
        An argument is not a number in its range.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection", ICCV 2017,
    equations 4 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import BinaryFocalCrossentropy
    >>> loss = BinaryFocalCrossentropy()
    >>> round(loss.forward(np.array([[0.9], [0.2]]), np.array([[1.0], [0.0]])), 4)
    0.005
    """

    @property
    def formulas(self) -> Formulas:
        """Those of the settings."""
        return self.formulas_of(_B, "(p - y) / (p ∘ (1 - p))")

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the outputs are probabilities, each of its own yes or no."""
        super().check_output(activation)
        if isinstance(activation, Softmax):
            needed = "outputs that do not depend on each other"
            error = wrong_ending("binary_focal_crossentropy", needed, activation, "sigmoid")
            raise ValueError(f"{error} With a softmax, use loss='categorical_focal_crossentropy'.")

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a sigmoid."""
        fused = SigmoidFocalCrossentropy(self.alpha, self.gamma, self.label_smoothing)
        return fused if type(activation) is Sigmoid else None


class SigmoidFocalCrossentropy(_BinaryFocal, SigmoidCrossentropy):
    """Sigmoid and binary focal cross-entropy, on logits z, for every finite z.

    ∂ℓ/∂z = a (q^γ (p - y) + γ q^(γ - 1) (1 - 2 y) p (1 - p) b).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SigmoidFocalCrossentropy
    >>> z, y = np.array([[2.0], [-1.0]]), np.array([[1.0], [0.0]])
    >>> round(SigmoidFocalCrossentropy().forward(z, y), 4)
    0.0122
    """

    instead = "give loss='binary_focal_crossentropy'; after a sigmoid it works on logits"

    @property
    def formulas(self) -> Formulas:  # type: ignore[override]
        """Those of the settings."""
        b = "max(z, 0) - z ∘ y + log(1 + e^-|z|)"
        return self.formulas_of(b, "(p - y)", " ∘ p ∘ (1 - p)")

    def _spread(self, slopes: Array, p: Array) -> None:
        slopes *= p
        np.subtract(1.0, p, out=self.q)
        slopes *= self.q
