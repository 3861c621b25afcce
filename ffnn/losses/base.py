"""What losses share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction, Softmax
from ffnn.core.formulas import Formulas
from ffnn.core.hints import HINTS
from ffnn.core.memory import Buffered
from ffnn.core.registry import Family
from ffnn.data import targets
from ffnn.errors import DataError


class Loss(Buffered):
    """A number L that measures how far outputs are from targets, and ∂L/∂output.

    Attributes
    ----------
    output : ndarray of shape (batch, units)
        What the network predicts for the last batch; valid until `backward`.
    target, weight : ndarray
        The last batch's targets and the weights of its rows, None if there are none.
    kinks : tuple of float
        Residuals p - y at which the derivative or its slope jumps.
    task : {"numbers", "probabilities", "classes"}
        What targets are: any numbers, numbers from 0 to 1, or one class out of several.
    domain : tuple of float
        The smallest and the largest output that the loss takes.
    instead : str
        What to give to `compile`, for a loss that only replaces another one (see `fuse`).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import MeanSquaredError
    >>> loss = MeanSquaredError()
    >>> float(loss.forward(np.array([[1.0], [2.0]]), np.array([[0.0], [2.0]])))
    0.5
    >>> loss.backward().tolist()
    [[1.0], [0.0]]
    """

    hints: ClassVar[Mapping[str, str]] = {"from_logits": HINTS["from_logits"]}
    task: ClassVar[str] = "numbers"
    domain: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    instead: ClassVar[str] = ""
    borrowed = ("output", "target", "weight", "absent")

    kinks: tuple[float, ...] = ()
    output: Array
    target: Array
    weight: Array | None
    absent: Array | None = None  # the rows of weight 0, where these spoilt the last batch's loss
    share: Array  # 1/n or 1/(n u)

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of p and y.

        The factor w, the weights of the rows, is left out where there are none.
        """
        return Formulas(("L = ℓ(p, y)",), ("∂L/∂p = ∂ℓ/∂p",))

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError if the loss cannot follow a network that ends in `activation`."""
        if self.instead:
            raise ValueError(self.instead)

    def task_after(self, activation: ActivationFunction | None) -> str:
        """Return what a row of targets is in a network that ends in `activation`, as in `task`.

        A softmax chooses one class out of several, whatever the loss.
        """
        return "classes" if isinstance(activation, Softmax) else self.task

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss that replaces both `activation` and this loss, if there is one."""
        return None

    def hides_input(
        self, activation: ActivationFunction | None, *exact: type[ActivationFunction]
    ) -> bool:
        """Tell whether `activation` is derived from one of `exact`, but its input is not used.

        After the classes `exact` themselves the loss is computed from the activation's input. A
        class derived from one of them may compute anything, so only the output is known of it,
        which has rounded where the input has not.
        """
        is_derived = isinstance(activation, exact) and type(activation) not in exact
        return is_derived and self.fuse(activation) is None

    def prepare(self, y: Array, units: int) -> Array:
        """Check targets once, before any training, and convert them to what `forward` takes.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, units)
            Targets as the user gave them.
        units : int
            The number of the network's outputs.

        Returns
        -------
        ndarray
            (rows, units) floats or (rows,) class labels of dtype intp.

        Raises
        ------
        DataError
            The shape or the values do not fit; the message says what was expected.
        """
        return targets.prepare_dense(y, units, type(self).__name__)

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return L for one batch.

        Parameters
        ----------
        output : ndarray of shape (batch, units)
            p, or the logits where the loss is a fused one.
        target : ndarray
            Prepared targets of the same rows.
        weight : ndarray of shape (batch,), optional
            The rows' weights.
        """
        raise NotImplementedError

    def backward(self) -> Array:
        """Return ∂L/∂output for the last batch, of its shape; call it once for each `forward`.

        The caller may overwrite the array, which is working memory.
        """
        raise NotImplementedError

    def __call__(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> float:
        """Return L of plain arrays, for use outside a model.

        Parameters
        ----------
        y_true : array-like of shape (rows,) or (rows, units)
            Targets.
        y_pred : array-like of shape (rows, units) or (rows,)
            Predictions.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.

        Raises
        ------
        DataError
            The numbers of rows differ, or the loss does not take such values: they are not finite,
            or predictions lie outside `domain`.
        """
        output = self.prepare_output(y_pred)
        target = self.prepare(y_true, output.shape[1])
        if len(target) != len(output):
            raise DataError(
                f"{type(self).__name__}: expected as many rows in y_true as in y_pred, "
                f"got {len(target)} and {len(output)}"
            )
        if target.ndim == 2:
            target = target.astype(np.float64)
        if sample_weight is not None:
            sample_weight = targets.prepare_weights(sample_weight, len(target))
        with np.errstate(over="ignore", invalid="ignore"):  # as in training; the result tells
            return self.forward(output, target, sample_weight)

    def prepare_output(self, y_pred: Array) -> Array:
        """Check predictions that the loss is called with, and return them as (rows, units)."""
        return targets.prepare_predictions(y_pred, self.domain, LOSSES.name_of(self))

    def _leave_absent_out(self, values: Array, weight: Array) -> None:
        """Set the values of all rows of weight 0 to 0, and have their gradients be 0 too.

        Such a row is as if it were not there, whatever its target and output, but 0 · inf is NaN:
        this is called where L is not finite.
        """
        self.absent = weight == 0.0
        values[self.absent] = 0.0

    def _weigh_rows(self, grad: Array) -> Array:
        """Multiply row i of `grad` by w_i and by 1/n or 1/(n u), `share`."""
        np.multiply(grad, self.share, grad)
        if self.weight is not None:
            grad *= self.weight[:, None]
            if self.absent is not None:
                grad[self.absent] = 0.0
        return grad


LOSSES: Family[Loss] = Family("loss", Loss, __package__)


class ElementwiseLoss(Loss):
    """A mean over all elements, L = 1/(n u) Σ_ij w_i ℓ(p_ij, y_ij).

    A subclass gives ℓ and ∂ℓ/∂p, or, where it works on logits z, ∂ℓ/∂z.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import ElementwiseLoss, MeanAbsoluteError
    >>> loss = MeanAbsoluteError()
    >>> float(loss.forward(np.array([[1.0], [4.0]]), np.array([[0.0], [1.0]])))
    2.0
    >>> isinstance(loss, ElementwiseLoss)
    True
    """

    def allocate(self, rows: int) -> None:
        """Allocate ℓ and ∂ℓ/∂p of each element, p where it is not the output, and a spare array."""
        super().allocate(rows)
        self.values, self.slopes, self.p, self.spare = (
            self.like(name) for name in ("values", "slopes", "p", "spare")
        )
        self.share = self.scalar(1.0 / self.values.size)
        self.tiny = float(np.finfo(self.dtype).tiny)

    def _values(self, output: Array, target: Array) -> Array:
        """Return ℓ of every element."""
        raise NotImplementedError

    def _slopes(self, output: Array, target: Array) -> Array:
        """Return ∂ℓ/∂p of every element, for what `_values` was called with before.

        `output` is what `_predictions` returned.
        """
        raise NotImplementedError

    def _predictions(self, output: Array) -> Array:
        """Return p: the output itself, unless that is logits."""
        return output

    def forward(self, output: Array, target: Array, weight: Array | None = None) -> float:
        """Return the weighted mean of ℓ."""
        if output.shape != self.shape or output.dtype != self.dtype:
            self.allocate_for(output)
        values = self._values(output, target)
        self.output, self.target, self.weight = self._predictions(output), target, weight
        if weight is None:
            return float(values.sum()) / values.size
        values *= weight[:, None]
        self.absent, total = None, float(values.sum())
        if not math.isfinite(total):
            self._leave_absent_out(values, weight)
            total = float(values.sum())
        return total / values.size

    def backward(self) -> Array:
        """Return w_i ∂ℓ/∂p / (n u)."""
        return self._weigh_rows(self._slopes(self.output, self.target))


def wrong_ending(
    loss: str, needed: str, activation: ActivationFunction | None, better: str
) -> ValueError:
    """Return the error of a loss that cannot follow the network's last activation."""
    name = None if activation is None else type(activation).__name__
    ending = "a layer without activation" if name is None else f"activation {name}"
    return ValueError(
        f"{loss} needs {needed}, but the network ends in {ending}. "
        f"Let the last layer have activation={better!r}."
    )
