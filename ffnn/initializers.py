"""Initial values of weights and biases.

Every initializer fills an array from the generator passed to it, so NumPy's global generator is
never touched. The layer derives that generator from the seed, its own place in the model and the
parameter's place in the layer: two layers never get the same numbers, even from one seed.

Values are drawn in float64 and rounded to the array's dtype, so a float32 and a float64 model of
one seed start from the same network.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_number, check_seed
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Guarded
from ffnn.core.registry import Configurable, Family


class Initializer(Guarded, Configurable):
    """A rule for the initial values of a parameter.

    Examples
    --------
    >>> from ffnn.initializers import Initializer
    >>> class Half(Initializer):
    ...     def fill(self, out, fan_in, fan_out, rng):
    ...         out[...] = 0.5
    >>> from ffnn.layers import Dense
    >>> Dense(2, weight_initializer=Half()).build(2).params["weight"].tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """

    @property
    def formulas(self) -> Formulas:
        """How the values are drawn; without its own, by a rule f."""
        return Formulas(("w ~ f(inputs, units)",))

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write initial values into `out`.

        Parameters
        ----------
        out : ndarray
            The parameter, of any shape.
        fan_in, fan_out : int
            The number of inputs and of units of its layer.
        rng : numpy.random.Generator
            The source of random numbers.
        """
        raise NotImplementedError


INITIALIZERS: Family[Initializer] = Family("initializer", Initializer)


@INITIALIZERS.register("constant")
class Constant(Initializer):
    """Sets every entry to one number.

    Parameters
    ----------
    value : float, default 0.0
        The number.

    Examples
    --------
    >>> from ffnn.initializers import Constant
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=Constant(0.1)).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w = c",), where={"c": "value"})

    def __init__(self, value: float = 0.0) -> None:
        self.value = check_number("Constant", "value", value)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write `value` into every entry."""
        out.fill(self.value)


@INITIALIZERS.register("zeros")
class Zeros(Initializer):
    """Sets every entry to 0. As weights they leave all units of a layer alike forever.

    Examples
    --------
    >>> from ffnn.initializers import Zeros
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=Zeros()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w = 0",))

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write 0 into every entry."""
        out.fill(0.0)


@INITIALIZERS.register("ones")
class Ones(Initializer):
    """Sets every entry to 1, the neutral gain of a normalization.

    Examples
    --------
    >>> from ffnn.initializers import Ones
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=Ones()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w = 1",))

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Write 1 into every entry."""
        out.fill(1.0)


@INITIALIZERS.register("random_uniform", "uniform")
class RandomUniform(Initializer):
    """Independent draws from U(low, high).

    Parameters
    ----------
    low, high : float, default -0.05 and 0.05
        The interval's ends, low ≤ high.
    seed : int, optional
        Makes the draws independent of the model's seed.

    Examples
    --------
    >>> from ffnn.initializers import RandomUniform
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=RandomUniform(-0.1, 0.1)).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ U(a, b)",), where={"a": "low", "b": "high"})

    def __init__(self, low: float = -0.05, high: float = 0.05, seed: int | None = None) -> None:
        self.low = check_number("RandomUniform", "low", low)
        self.high = check_number("RandomUniform", "high", high, low=self.low)
        check_number("RandomUniform", "high - low", self.high - self.low)
        self.seed = check_seed("RandomUniform", seed)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry."""
        out[...] = rng.uniform(self.low, self.high, out.shape)


@INITIALIZERS.register("random_normal", "normal")
class RandomNormal(Initializer):
    """Independent draws from N(mean, variance).

    Parameters
    ----------
    mean : float, default 0.0
        The mean.
    variance : float, default 0.0025
        The variance (not the standard deviation), at least 0.
    seed : int, optional
        Makes the draws independent of the model's seed.

    Examples
    --------
    >>> from ffnn.initializers import RandomNormal
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=RandomNormal(0.0, 0.04)).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ N(μ, v)",), where={"μ": "mean", "v": "variance"})

    def __init__(
        self, mean: float = 0.0, variance: float = 0.0025, seed: int | None = None
    ) -> None:
        self.mean = check_number("RandomNormal", "mean", mean)
        self.variance = check_number("RandomNormal", "variance", variance, low=0.0)
        self.seed = check_seed("RandomNormal", seed)

    def numbers(self) -> dict[str, float]:
        """Return the mean and the standard deviation; the variance itself is not used."""
        return {"mean": self.mean, "sqrt(variance)": math.sqrt(self.variance)}

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry."""
        out[...] = rng.normal(self.mean, math.sqrt(self.variance), out.shape)


class VarianceScaling(Initializer):
    """Draws around 0 with variance scale / fan, so that signals keep their size through layers.

    A subclass sets `scale`, `mode` ("fan_in": the fan is the number of inputs, "fan_avg": the mean
    of inputs and units) and `distribution` ("normal" or "uniform").

    Parameters
    ----------
    seed : int, optional
        Makes the draws independent of the model's seed.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.initializers import HeNormal, VarianceScaling
    >>> w = np.empty((200, 100))
    >>> HeNormal().fill(w, fan_in=100, fan_out=200, rng=np.random.default_rng(0))
    >>> isinstance(HeNormal(), VarianceScaling), round(float(w.var()), 3)  # 2 / 100
    (True, 0.02)
    """

    scale: ClassVar[float]
    mode: ClassVar[str]
    distribution: ClassVar[str]

    def __init__(self, seed: int | None = None) -> None:
        self.seed = check_seed(type(self).__name__, seed)

    def fill(self, out: Array, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Draw every entry."""
        fan = fan_in if self.mode == "fan_in" else (fan_in + fan_out) / 2.0
        variance = self.scale / fan
        if self.distribution == "normal":
            out[...] = rng.normal(0.0, math.sqrt(variance), out.shape)
        else:
            limit = math.sqrt(3.0 * variance)
            out[...] = rng.uniform(-limit, limit, out.shape)


@INITIALIZERS.register("he_normal")
class HeNormal(VarianceScaling):
    """N(0, 2 / inputs), which keeps the variance through layers of ReLUs.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.

    Examples
    --------
    >>> from ffnn.initializers import HeNormal
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=HeNormal()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ N(0, v) with v = 2 / inputs",))
    scale, mode, distribution = 2.0, "fan_in", "normal"


@INITIALIZERS.register("he_uniform")
class HeUniform(VarianceScaling):
    """U(±√(6 / inputs)), with the variance of `HeNormal`.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.

    Examples
    --------
    >>> from ffnn.initializers import HeUniform
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=HeUniform()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ U(-a, a) with a = √(6 / inputs)",))
    scale, mode, distribution = 2.0, "fan_in", "uniform"


@INITIALIZERS.register("glorot_normal", "xavier_normal")
class GlorotNormal(VarianceScaling):
    """N(0, 2 / (inputs + units)), also known as Xavier.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 12.

    Examples
    --------
    >>> from ffnn.initializers import GlorotNormal
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=GlorotNormal()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ N(0, v) with v = 2 / (inputs + units)",))
    scale, mode, distribution = 1.0, "fan_avg", "normal"


@INITIALIZERS.register("glorot_uniform", "xavier_uniform")
class GlorotUniform(VarianceScaling):
    """U(±√(6 / (inputs + units))), also known as Xavier; the default for weights.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.

    Examples
    --------
    >>> from ffnn.initializers import GlorotUniform
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=GlorotUniform()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ U(-a, a) with a = √(6 / (inputs + units))",))
    scale, mode, distribution = 1.0, "fan_avg", "uniform"


@INITIALIZERS.register("lecun_normal")
class LecunNormal(VarianceScaling):
    """N(0, 1 / inputs).

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, equation 16.

    Examples
    --------
    >>> from ffnn.initializers import LecunNormal
    >>> from ffnn.layers import Dense
    >>> layer = Dense(3, weight_initializer=LecunNormal()).build(2, seed=0)
    >>> layer.params["weight"].shape
    (3, 2)
    """

    formulas = Formulas(("w ~ N(0, v) with v = 1 / inputs",))
    scale, mode, distribution = 1.0, "fan_in", "normal"
