"""The Poisson deviance of counts."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array
from ffnn.activations import ActivationFunction, Exponential, Sigmoid, Softmax, Softplus
from ffnn.core.formulas import Formulas
from ffnn.data import targets
from ffnn.losses.base import LOSSES, ElementwiseLoss, Loss, wrong_ending


@LOSSES.register("poisson")
class Poisson(ElementwiseLoss):
    """Half the Poisson deviance of counts, ℓ = y log(y / p) - y + p,  ∂ℓ/∂p = 1 - y / p.

    It is the negative log-likelihood of y at rate p, up to a number that depends on y alone, and 0
    at p = y. Targets y are at least 0, with 0 log 0 = 0. The network has to end in numbers of at
    least 0, but not in a sigmoid or a softmax, which reach no count above 1. After an exponential
    the loss is computed from x = log p (`LogRatePoisson`), after a softplus from its input
    (`SoftplusPoisson`), exactly however small p is; a class derived from one of them is refused.
    After any other activation p is kept above 1e-30, so that y / p stays finite. A ReLU of 0 learns
    nothing.

    References
    ----------
    McCullagh, Nelder, "Generalized linear models", 1989, section 6.2 and table 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import Poisson
    >>> round(Poisson().forward(np.array([[2.0], [1.0]]), np.array([[3.0], [0.0]])), 4)
    0.6082
    """

    formulas = Formulas(
        ("L = 1/(n u) Σ w ∘ (y ∘ log(y / p) - y + p)",), ("∂L/∂p = 1/(n u) w ∘ (1 - y / p)",)
    )

    domain = (0.0, math.inf)

    def check_output(self, activation: ActivationFunction | None) -> None:
        """Raise ValueError unless the outputs are at least 0; see the class for which."""
        is_share = isinstance(activation, (Sigmoid, Softmax))
        if activation is None or activation.output_range[0] < 0.0 or is_share:
            needed = "outputs of at least 0 without an upper end"
            raise wrong_ending("poisson", needed, activation, "exponential")
        if self.hides_input(activation, Exponential, Softplus):
            needed = "an exponential or a softplus itself, as one derived from it hides its input"
            raise wrong_ending("poisson", needed, activation, "exponential")

    def fuse(self, activation: ActivationFunction | None) -> Loss | None:
        """Return the loss on the input of an exponential or a softplus that the network ends in."""
        if type(activation) is Softplus:
            return SoftplusPoisson()
        return LogRatePoisson() if type(activation) is Exponential else None

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and at least 0."""
        return targets.prepare_counts(y, units)

    def _values(self, output: Array, target: Array) -> Array:
        np.maximum(output, 1e-30, out=self.p)
        np.divide(target, self.p, out=self.values)
        _target_times_log(self.values, target)
        self.values -= target
        self.values += self.p
        return self.values

    def _slopes(self, output: Array, target: Array) -> Array:
        np.divide(target, self.p, out=self.slopes)
        return np.subtract(1.0, self.slopes, out=self.slopes)


class LogRatePoisson(ElementwiseLoss):
    """Exponential and half the Poisson deviance, on x = log p: ℓ = y log y - y x - y + e^x.

    ∂ℓ/∂x = e^x - y, finite however small p is. It replaces the two where they meet.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import LogRatePoisson
    >>> z, y = np.array([[2.0], [-1.0]]), np.array([[3.0], [0.0]])
    >>> round(LogRatePoisson().forward(z, y), 4)
    1.0264
    """

    formulas = Formulas(
        forward=("L = 1/(n u) Σ w ∘ (y ∘ log y - y ∘ z - y + e^z)",),
        backward=("∂L/∂z = w ∘ (p - y) / (n u)",),
    )
    instead = "give loss='poisson'; after an exponential it works on log p"

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and at least 0."""
        return targets.prepare_counts(y, units)

    def _values(self, output: Array, target: Array) -> Array:
        np.copyto(self.values, target)
        _target_times_log(self.values, target)
        np.add(output, 1.0, out=self.spare)
        self.spare *= target
        self.values -= self.spare
        with np.errstate(over="ignore"):
            self.values += np.exp(output, out=self.p)
        return self.values

    def _predictions(self, output: Array) -> Array:
        return self.p

    def _slopes(self, output: Array, target: Array) -> Array:
        return np.subtract(output, target, out=self.slopes)


class SoftplusPoisson(ElementwiseLoss):
    """Softplus and half the Poisson deviance, on the input x: ℓ = y log(y / p) - y + p.

    p = log(1 + e^x), ∂p/∂x = 1 / (1 + e^-x) = 1 - e^-p and ∂ℓ/∂x = (1 - y / p) ∂p/∂x. With
    d = e^min(x, 0), both follow from p / d, which is 1 where e^x rounds to 0:
    log p = min(x, 0) + log(p / d), and ∂ℓ/∂x = (d - y / (p / d)) / (1 + e^-|x|). So they are exact
    and finite however small p is. It replaces the two where they meet.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.losses import SoftplusPoisson
    >>> z, y = np.array([[2.0], [-1.0]]), np.array([[3.0], [0.0]])
    >>> round(SoftplusPoisson().forward(z, y), 4)
    0.236
    """

    formulas = Formulas(
        forward=("L = 1/(n u) Σ w ∘ (y ∘ log(y / p) - y + p) with p = log(1 + e^z)",),
        backward=("∂L/∂z = 1/(n u) w ∘ (1 - y / p) ∘ (1 - e^-p)",),
    )
    instead = "give loss='poisson'; after a softplus it works on the softplus's input"

    def allocate(self, rows: int) -> None:
        """Allocate also 1 + e^-|x|, d and p / d."""
        super().allocate(rows)
        self.sum, self.d, self.ratio = (self.like(name) for name in ("sum", "d", "ratio"))

    def prepare(self, y: Array, units: int) -> Array:
        """Check that targets are (rows, units) and at least 0."""
        return targets.prepare_counts(y, units)

    def _values(self, output: Array, target: Array) -> Array:
        x, small = output, self.spare
        np.negative(np.abs(x, out=small), out=small)
        np.exp(small, out=small)
        np.maximum(small, self.tiny, out=small)  # below, p / d is 1
        np.add(small, 1.0, out=self.sum)
        np.log1p(small, out=self.p)
        self.p += np.maximum(x, 0.0, out=self.values)
        log_d = np.minimum(x, 0.0, out=self.values)
        np.exp(log_d, out=self.d)
        np.maximum(self.d, self.tiny, out=self.d)
        np.divide(self.p, self.d, out=self.ratio)
        log_p = np.log(self.ratio, out=self.spare)
        log_p += log_d
        log_p *= target
        np.copyto(self.values, target)
        _target_times_log(self.values, target)
        self.values -= log_p
        self.values -= target
        self.values += self.p
        return self.values

    def _predictions(self, output: Array) -> Array:
        return self.p

    def _slopes(self, output: Array, target: Array) -> Array:
        np.divide(target, self.ratio, out=self.slopes)
        np.subtract(self.d, self.slopes, out=self.slopes)
        self.slopes /= self.sum
        return self.slopes


def _target_times_log(values: Array, target: Array) -> None:
    """Replace v by y log v, which is 0 where y is 0."""
    np.copyto(values, 1.0, where=target == 0.0)
    np.log(values, out=values)
    values *= target
