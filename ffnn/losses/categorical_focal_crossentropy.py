"""The focal loss of one class out of several."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction, Softmax
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.losses.base import LOSSES, Loss
from ffnn.losses.categorical_crossentropy import CategoricalCrossentropy, ClassLoss
from ffnn.losses.smoothing import NOTE

_SMALLEST_LOG = -1000.0
_WHERE = {"α": "alpha", "γ": "gamma"}


class _ClassFocal(ClassLoss):
    """What both forms share: p, log p, and the powers of q = 1 - p."""

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2.0, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(label_smoothing)
        name = type(self).__name__
        self.alpha = check_number(name, "alpha", alpha, low=0.0, low_open=True)
        self.gamma = check_number(name, "gamma", gamma, low=0.0)

    def allocate(self, rows: int) -> None:
        """Allocate also log p, q, its power, and the terms of the sum."""
        super().allocate(rows)
        self.logs, self.q, self.power = (self.like(name) for name in ("logs", "q", "power"))
        self.terms, self.tiny = self.like("terms"), float(np.finfo(self.dtype).tiny)

    def _mean(self, weight: Array | None) -> float:
        """Return L from log p and q."""
        np.maximum(self.q, self.tiny, out=self.q)  # which may have a negative power
        np.power(self.q, self.gamma, out=self.power)
        np.multiply(self.power, self.logs, out=self.terms)
        self.terms *= self.y
        self.terms.sum(axis=1, out=self.row)
        total = float(self.row.sum()) if weight is None else self._weighted_sum(self.row, weight)
        return -self.alpha * total / self.rows

    def _share(self) -> Array:
        """Return γ q^(γ - 1) log p."""
        # A p whose logarithm is smaller is 0, and so is the product of the two.
        share = np.maximum(self.logs, _SMALLEST_LOG, out=self.terms)
        share *= np.divide(self.power, self.q, out=self.q)
        share *= self.gamma
        return share


@LOSSES.register("categorical_focal_crossentropy")
class CategoricalFocalCrossentropy(_ClassFocal, CategoricalCrossentropy):
    """Cross-entropy of one class out of several that counts the easy rows less.

    L = -α/n Σ_i w_i Σ_j y_ij q_ij^γ log p_ij with q = 1 - p,
    ∂L/∂p_ij = -α/n w_i y_ij (q_ij^γ / p_ij - γ q_ij^(γ - 1) log p_ij).

    Targets, and what the network has to end in, are as for `CategoricalCrossentropy`, which it is
    with α = 1 and γ = 0. After a softmax it is computed from the logits. For weights of the classes
    there is ``class_weight`` of ``fit``.

    Parameters
    ----------
    alpha : float, default 0.25
        α, a factor of the whole, above 0.
    gamma : float, default 2.0
        γ, at least 0: the larger, the less the easy rows count.
    label_smoothing : float, default 0.0
        s, in [0, 1): y becomes (1 - s) y + s / units.

    Raises
    ------
    TypeError, ValueError
        An argument is not a number in its range.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection", ICCV 2017,
    equation 5, with a softmax as in Keras.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import CategoricalFocalCrossentropy
    >>> p = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    >>> y = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    >>> round(CategoricalFocalCrossentropy().forward(p, y), 4)
    0.0142
    """

    @property
    def formulas(self) -> Formulas:
        """Those of y, which may be smoothed."""
        return Formulas(
            forward=("L = -1/n α Σ w ∘ y ∘ (1 - p)^γ ∘ log p",),
            backward=("∂L/∂p = -1/n α w ∘ y ∘ (q^γ / p - γ q^(γ - 1) ∘ log p) with q = 1 - p",),
            where=_WHERE,
            note=NOTE if self.label_smoothing else "",
        )

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on logits if the network ends in a softmax."""
        fused = SoftmaxFocalCrossentropy(self.alpha, self.gamma, self.label_smoothing)
        return fused if type(activation) is Softmax else None

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the weighted mean."""
        if output.shape != self.shape or output.dtype != self.dtype:
            self.allocate_for(output)
        self.fill_rows(target)
        self.output, self.target, self.weight = output, self.y, weight
        np.maximum(output, self.tiny, out=self.p)
        np.log(self.p, out=self.logs)
        np.subtract(1.0, output, out=self.q)
        return self._mean(weight)

    def backward(self) -> Array:
        """Return ∂L/∂p."""
        slopes = self._share()
        self.power /= self.p
        slopes -= self.power
        slopes *= self.y
        slopes *= self.alpha
        return self._weigh_rows(slopes)


class SoftmaxFocalCrossentropy(_ClassFocal):
    """Softmax and categorical focal cross-entropy together, on logits z.

    With h_ij = α y_ij (q_ij^γ - γ p_ij q_ij^(γ - 1) log p_ij):

    ∂L/∂z_ij = w_i / n (p_ij Σ_k h_ik - h_ij).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SoftmaxFocalCrossentropy
    >>> z, y = np.array([[2.0, 0.0, -1.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> round(SoftmaxFocalCrossentropy().forward(z, y), 4)
    0.001
    """

    formulas = Formulas(
        forward=("L = -1/n α Σ w ∘ y ∘ (1 - p)^γ ∘ ℓ with ℓ = z - log Σ_units e^z",),
        backward=(
            "∂L/∂z = 1/n w ∘ (p ∘ Σ_units h - h) with q = 1 - p "
            "and h = α y ∘ (q^γ - γ p ∘ q^(γ - 1) ∘ log p)",
        ),
        where=_WHERE,
    )
    instead = "give loss='categorical_focal_crossentropy'; after a softmax it works on logits"

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return L from logits; `output` becomes the probabilities."""
        if output.shape != self.shape or output.dtype != self.dtype:
            self.allocate_for(output)
        column = self.row[:, None]
        output.max(axis=1, out=self.row)
        np.subtract(output, column, out=self.logs)
        np.exp(self.logs, out=self.p)
        self.p.sum(axis=1, out=self.row)
        self.p /= column
        np.log(self.row, out=self.row)
        self.logs -= column
        np.negative(np.expm1(self.logs, out=self.q), out=self.q)
        self.fill_rows(target)
        self.output, self.target, self.weight = self.p, self.y, weight
        return self._mean(weight)

    def backward(self) -> Array:
        """Return w_i / n (p_ij Σ_k h_ik - h_ij)."""
        h = self._share()
        h *= self.p
        np.subtract(self.power, h, out=h)
        h *= self.y
        h *= self.alpha
        h.sum(axis=1, out=self.row)
        self.p *= self.row[:, None]
        self.p -= h
        return self._weigh_rows(self.p)
