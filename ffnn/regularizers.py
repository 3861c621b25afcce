"""Penalties on the size of a parameter, added to the loss and to the gradient."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Guarded
from ffnn.core.registry import Configurable, Family
from ffnn.core.sums import sum_of_squares


class Regularizer(Guarded, Configurable):
    """A function R(w) ≥ 0 of one parameter array.

    Attributes
    ----------
    kinks : tuple of float
        Values of w at which the derivative jumps.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.regularizers import L2
    >>> w = np.array([1.0, 2.0])
    >>> L2(0.5).value(w, scratch=np.empty_like(w))
    2.5
    """

    kinks: tuple[float, ...] = ()

    @property
    def formulas(self) -> Formulas:
        """Its mathematics; without its own, a function of w."""
        return Formulas(("R = ρ(w)",), ("∂R/∂w = ∂ρ/∂w",))

    def value(self, w: Array, scratch: Array) -> float:
        """Return R(w); `scratch` of the shape of `w` may be overwritten."""
        raise NotImplementedError

    def add_gradient(self, w: Array, grad: Array, scratch: Array) -> None:
        """Add ∂R/∂w to `grad`; `scratch` of the shape of `w` may be overwritten."""
        raise NotImplementedError


REGULARIZERS: Family[Regularizer] = Family("regularizer", Regularizer)


@REGULARIZERS.register("l1l2", "l1_l2")
class L1L2(Regularizer):
    """The elastic net, R(w) = l1 Σ|w| + l2 Σw²,  ∂R/∂w = l1 sign(w) + 2 l2 w.

    At w = 0 the L1 part takes 0 out of its subgradients [-l1, l1].

    Parameters
    ----------
    l1, l2 : float, default 0.01
        The strengths λ1 and λ2, at least 0.

    References
    ----------
    Zou, Hastie, "Regularization and variable selection via the elastic net", JRSS B 2005,
    equation 3.

    Examples
    --------
    >>> from ffnn.layers import Dense
    >>> from ffnn.regularizers import L1L2
    >>> Dense(3, weight_regularizer=L1L2(0.01, 0.02)).regularizers()
    {'weight': L1L2(l2=0.02)}
    """

    formulas = Formulas(
        forward=("R = λ₁ Σ |w| + λ₂ Σ w²",),
        backward=("∂R/∂w = λ₁ sign(w) + 2 λ₂ w",),
        where={"λ₁": "l1", "λ₂": "l2"},
    )

    def __init__(self, l1: float = 0.01, l2: float = 0.01) -> None:
        self.l1 = check_number(type(self).__name__, "l1", l1, low=0.0)
        self.l2 = check_number(type(self).__name__, "l2", l2, low=0.0)
        self.kinks = (0.0,) if self.l1 else ()

    def numbers(self) -> dict[str, float]:
        """Return the factors of the gradient."""
        return {"l1": self.l1, "2 * l2": 2.0 * self.l2}

    def value(self, w: Array, scratch: Array) -> float:
        """Return l1 Σ|w| + l2 Σw²."""
        total = 0.0
        if self.l1:
            total += self.l1 * float(np.abs(w, out=scratch).sum())
        if self.l2:
            total += self.l2 * sum_of_squares(w)
        return total

    def add_gradient(self, w: Array, grad: Array, scratch: Array) -> None:
        """Add l1 sign(w) + 2 l2 w to `grad`."""
        if self.l1:
            np.sign(w, out=scratch)
            scratch *= self.l1
            grad += scratch
        if self.l2:
            np.multiply(w, 2.0 * self.l2, out=scratch)
            grad += scratch


@REGULARIZERS.register("l1")
class L1(L1L2):
    """The lasso, R(w) = l1 Σ|w|,  ∂R/∂w = l1 sign(w).

    Parameters
    ----------
    l1 : float, default 0.01
        The strength λ1, at least 0.

    Examples
    --------
    >>> from ffnn.layers import Dense
    >>> from ffnn.regularizers import L1
    >>> Dense(3, weight_regularizer=L1(0.01)).regularizers()
    {'weight': L1()}
    """

    formulas = Formulas(("R = λ₁ Σ |w|",), ("∂R/∂w = λ₁ sign(w)",), where={"λ₁": "l1"})

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1, l2=0.0)


@REGULARIZERS.register("l2")
class L2(L1L2):
    """Ridge, R(w) = l2 Σw²,  ∂R/∂w = 2 l2 w.

    Parameters
    ----------
    l2 : float, default 0.01
        The strength λ2, at least 0.

    Examples
    --------
    >>> from ffnn.layers import Dense
    >>> from ffnn.regularizers import L2
    >>> Dense(3, weight_regularizer=L2(0.01)).regularizers()
    {'weight': L2()}
    """

    formulas = Formulas(("R = λ₂ Σ w²",), ("∂R/∂w = 2 λ₂ w",), where={"λ₂": "l2"})

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l1=0.0, l2=l2)
