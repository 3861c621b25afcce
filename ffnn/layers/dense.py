"""The fully connected layer."""

from __future__ import annotations

import math

import numpy as np

from ffnn._types import Array, Shape
from ffnn.activations import ACTIVATIONS, ActivationFunction
from ffnn.core.checks import check_bool, check_choice, check_int
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import dot_over
from ffnn.initializers import INITIALIZERS, Initializer
from ffnn.layers.base import LAYERS, Layer, Stage
from ffnn.regularizers import REGULARIZERS, Regularizer


@LAYERS.register("dense")
class Dense(Layer):
    """A linear map of the whole input, then an activation: y = f(z), z = x Wᵀ + b.

    x is (batch, inputs), the weight W is (units, inputs), the bias b is (units,), z and y are
    (batch, units). With δ = ∂L/∂z = the activation's backward of ∂L/∂y, of shape (batch, units):

        ∂L/∂W = δᵀ x,    ∂L/∂b = Σ_batch δ,    ∂L/∂x = δ W.

    With ``parametrization="ntk"`` the weight is divided by the root of the number of inputs where
    it is used: z = x Wᵀ / √inputs + b, ∂L/∂W = δᵀ x / √inputs, ∂L/∂x = δ W / √inputs. One learning
    rate then suits layers of any width. W should begin with variance 1, as
    ``RandomNormal(variance=1.0)`` draws it. Penalties, graphs and files have W as it is kept.

    Parameters
    ----------
    units : int
        The number of neurons, at least 1.
    activation : str or ActivationFunction, optional
        f; None means the identity. An object is copied, so that one may be given to several
        layers.
    use_bias : bool, default True
        Whether there is a b.
    weight_initializer : str or Initializer, default "glorot_uniform"
        Initial values of W.
    bias_initializer : str or Initializer, default "zeros"
        Initial values of b.
    weight_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on W and on b.
    parametrization : {"standard", "ntk"}, default "standard"
        Whether z is x Wᵀ + b or x Wᵀ / √inputs + b.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type, a name is unknown, or a softmax has one unit only.

    References
    ----------
    Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", Nature
    1986, equations 1 and 5 to 7. Jacot, Gabriel, Hongler, "Neural tangent kernel: convergence and
    generalization in neural networks", NeurIPS 2018, section 2 (the parametrization).

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Dense
    >>> layer = Dense(2, "relu", weight_initializer="ones").build(2, dtype="float64")
    >>> layer.forward(np.array([[1.0, 2.0], [-3.0, 1.0]])).round(4).tolist()
    [[3.0, 3.0], [0.0, 0.0]]
    """

    fixed = (
        *("units", "activation", "use_bias", "weight_initializer", "bias_initializer"),
        *("weight_regularizer", "bias_regularizer", "parametrization"),
    )

    def __init__(
        self,
        units: int,
        activation: str | ActivationFunction | None = None,
        use_bias: bool = True,
        weight_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        weight_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        parametrization: str = "standard",
    ) -> None:
        self.units = check_int("Dense", "units", units, low=1)
        if activation is not None:
            activation = ACTIVATIONS.get(activation, "Dense: activation").replica()
            activation.compute_output_dim(self.units)
        self.activation = activation
        self.use_bias = check_bool("Dense", "use_bias", use_bias)
        self.weight_initializer, self.bias_initializer = (
            INITIALIZERS.get(rule, f"Dense: {name}_initializer")
            for name, rule in (("weight", weight_initializer), ("bias", bias_initializer))
        )
        self.weight_regularizer, self.bias_regularizer = (
            None if rule is None else REGULARIZERS.get(rule, f"Dense: {name}_regularizer")
            for name, rule in (("weight", weight_regularizer), ("bias", bias_regularizer))
        )
        if self.bias_regularizer is not None and not self.use_bias:
            raise ValueError("Dense: bias_regularizer is given but use_bias is False")
        self.parametrization = check_choice(
            "Dense", "parametrization", parametrization, ("standard", "ntk")
        )

    @property
    def formulas(self) -> Formulas:
        """Those of the linear part; the activation has its own."""
        root = " / √inputs" if self.parametrization == "ntk" else ""
        shift, bias = (" + b", ("∂L/∂b = Σ_rows δ",)) if self.use_bias else ("", ())
        return Formulas(
            forward=(f"z = x Wᵀ{root}{shift}",),
            backward=("δ = ∂L/∂z", f"∂L/∂W = δᵀ x{root}", *bias, f"∂L/∂x = δ W{root}"),
            where={"inputs": "input_dim"} if root else {},
        )

    @property
    def weight_factor(self) -> float:
        """1 / √inputs with ``parametrization="ntk"``, else 1."""
        return 1.0 / math.sqrt(self.input_dim or 1) if self.parametrization == "ntk" else 1.0

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shapes of weight and bias."""
        bias: dict[str, Shape] = {"bias": (self.units,)} if self.use_bias else {}
        return {"weight": (self.units, input_dim), **bias}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initializers of weight and bias."""
        bias = {"bias": self.bias_initializer} if self.use_bias else {}
        return {"weight": self.weight_initializer, **bias}

    def regularizers(self) -> dict[str, Regularizer]:
        """Return the penalties that are set."""
        rules = {"weight": self.weight_regularizer, "bias": self.bias_regularizer}
        return {name: rule for name, rule in rules.items() if rule is not None}

    def compute_output_dim(self, input_dim: int) -> int:
        """Return the number of units."""
        return self.units

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return f(x Wᵀ + b)."""
        z = self.linear(x, training)
        return z if self.activation is None else self.activation.forward(z, training)

    def express(self, x: Value) -> Value:
        """Return f(x Wᵀ + b)."""
        z = x.linear(self.params["weight"])
        if self.weight_factor != 1.0:
            z = z * self.weight_factor
        if self.use_bias:
            z = z + self.params["bias"]
        return z if self.activation is None else self.activation.express(z)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradients of W and b and return ∂L/∂x, from ∂L/∂y.

        Examples
        --------
        >>> layer.backward(np.array([[1.0, 1.0], [1.0, 1.0]])).tolist()  # the second row gave zeros
        [[2.0, 2.0], [0.0, 0.0]]
        >>> layer.grads["weight"].tolist()
        [[1.0, 2.0], [1.0, 2.0]]
        """
        if self.activation is not None:
            grad = self.activation.backward(grad)
        return self.linear_backward(grad)

    def allocate(self, rows: int) -> None:
        """Allocate z and ∂L/∂x, column by column in memory: products take their transposes."""
        super().allocate(rows)
        self.W, self.dW = self._params["weight"], self._grads["weight"]
        self.z = self.buffer("z", self.units)
        self.z_t, self.W_t = self.z.T, self.W.T
        self.factor = None if self.weight_factor == 1.0 else self.scalar(self.weight_factor)
        self.dot = dot_over(rows)  # which sums very many rows in float64
        if self.use_bias:
            self.b, self.db = self._params["bias"], self._grads["bias"]
            self.b_column, self.ones = self.b[:, None], self.full("ones", 1.0)
        if self.needs_input_grad:
            self.dx = self.buffer("dx", self.input_dim)
            self.dx_t = self.dx.T

    def linear(self, x: Array, training: bool = False) -> Array:
        """Return z = x Wᵀ + b."""
        if len(x) != self.rows:
            self.allocate(len(x))
        if x.dtype != self.dtype:
            x = x.astype(self.dtype)
        self.x = x
        self.W.dot(x.T, self.z_t)  # zᵀ = W xᵀ
        if self.factor is not None:
            self.z *= self.factor
        if self.use_bias:
            np.add(self.z_t, self.b_column, self.z_t)
        return self.z

    def linear_backward(self, dz: Array) -> Array | None:
        """Fill the gradients of W and b and return ∂L/∂x, from δ = ∂L/∂z."""
        dz_t = dz.T
        if self.use_bias:
            self.dot(dz_t, self.ones, self.db)  # ∂L/∂b = Σ_batch δ
        if self.factor is not None:
            dz *= self.factor
        self.dot(dz_t, self.x, self.dW)  # ∂L/∂W = δᵀ x
        if not self.needs_input_grad:
            return None
        self.W_t.dot(dz_t, self.dx_t)  # ∂L/∂x = δ W
        return self.dx

    def stages(self) -> list[Stage]:
        """Return the linear part and the activation as two steps."""
        linear = Stage(self, self.linear, self.linear_backward)
        return [linear] if self.activation is None else [linear, *self.activation.stages()]
