"""Several columns for each number: cosines of it, mixed, and the number itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ffnn._types import Array, Shape
from ffnn.core.checks import check_int, check_number
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import matmul_over
from ffnn.initializers import Initializer, RandomNormal, RandomUniform
from ffnn.layers.base import LAYERS
from ffnn.layers.columns import ColumnWise, check_columns

_TURN = 2.0 * math.pi


@LAYERS.register("periodic_embedding")
class PeriodicEmbedding(ColumnWise):
    """Embed each column: y = (x, c Mᵀ + o) with c = cos(2π x ω + φ).

    Each column x of the inputs, (batch, 1), has its own frequencies ω and phases φ, (frequencies,),
    its own map M, (outputs - 1, frequencies), and its own offset o, (outputs - 1,). The first of
    its `outputs` is x itself. With δ = ∂L/∂y but for the first column, and
    g = -(δ M) ∘ sin(2π x ω + φ):

        ∂L/∂M = δᵀ c,    ∂L/∂o = Σ_batch δ,    ∂L/∂ω = 2π Σ_batch g ∘ x,    ∂L/∂φ = Σ_batch g,

    and ∂L/∂x is that of the first column plus 2π g ωᵀ. Small frequencies let the network bend
    smoothly, large ones let it tell neighbouring numbers apart; columns should have about the same
    spread. The parameters are called ``frequency``, ``phase``, ``mixing`` and ``offset``.

    Parameters
    ----------
    frequencies : int, default 16
        How many cosines a column has.
    outputs : int, default 4
        How many columns are made of one, at least 2.
    sigma : float, default 0.1
        The standard deviation of the initial frequencies, above 0, at most 10⁶.
    columns : sequence of int, optional
        The numbers of the columns to embed, counted from 0, without it all. Their outputs come
        first, in this order; the other columns follow as they are.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type or out of its range.

    References
    ----------
    Gorishniy, Rubachev, Babenko, "On embeddings for numerical features in tabular deep learning",
    NeurIPS 2022, section 3.3. The variant with phases and the number itself (PBLD) is that of
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import PeriodicEmbedding
    >>> layer = PeriodicEmbedding(outputs=3).build(2)
    >>> layer.forward(np.ones((5, 2), np.float32)).shape
    (5, 6)
    """

    formulas = Formulas(
        forward=("c = cos(2 π x ω + φ)", "y = join(x, c Mᵀ + o)"),
        backward=(
            "δ = tail(∂L/∂y)",
            "∂L/∂M = δᵀ c",
            "∂L/∂o = Σ_rows δ",
            "g = -(δ M) ∘ sin(2 π x ω + φ)",
            "∂L/∂ω = 2 π Σ_rows g ∘ x",
            "∂L/∂φ = Σ_rows g",
            "∂L/∂x = head(∂L/∂y) + 2 π g ωᵀ",
        ),
        note="The formulas are those of one column, which has its own ω, φ, M and o.",
    )
    fixed = ("frequencies", "outputs", "sigma", "columns")

    def __init__(
        self,
        frequencies: int = 16,
        outputs: int = 4,
        sigma: float = 0.1,
        columns: Sequence[int] | None = None,
    ) -> None:
        name = "PeriodicEmbedding"
        self.frequencies = check_int(name, "frequencies", frequencies, low=1)
        self.outputs = check_int(name, "outputs", outputs, low=2)
        self.sigma = check_number(name, "sigma", sigma, low=0.0, high=1e6, low_open=True)
        self.columns = check_columns(name, columns)

    @property
    def width(self) -> int:
        """The number of outputs of a column."""
        return self.outputs

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shapes of ω, φ, M and o."""
        columns, mixed = len(self.own_columns(input_dim)), self.outputs - 1
        return {
            "frequency": (columns, self.frequencies),
            "phase": (columns, self.frequencies),
            "mixing": (columns, mixed, self.frequencies),
            "offset": (columns, mixed),
        }

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values: normal ω, φ of any angle, small M and o."""
        bound = 1.0 / math.sqrt(self.frequencies)
        return {
            "frequency": RandomNormal(variance=self.sigma**2),
            "phase": RandomUniform(-math.pi, math.pi),
            "mixing": RandomUniform(-bound, bound),
            "offset": RandomUniform(-bound, bound),
        }

    def allocate(self, rows: int) -> None:
        """Allocate angles and cosines, (columns, frequencies, rows), and views of parameters."""
        super().allocate(rows)
        values, grads = self._params, self._grads
        self.w, self.dw = values["frequency"], grads["frequency"]
        self.w_column, self.dw_column = self.w[:, :, None], self.dw[:, :, None]
        self.phase, self.dphase = values["phase"][:, :, None], grads["phase"][:, :, None]
        self.M, self.dM = values["mixing"], grads["mixing"]
        self.M_t, self.offset, self.doffset = (
            self.M.transpose(0, 2, 1),
            values["offset"][:, :, None],
            grads["offset"][:, :, None],
        )
        self.angle, self.cosine, self.sine, self.g = (
            self.buffer(name, self.frequencies, self.own_dim).T
            for name in ("angle", "cosine", "sine", "g")
        )
        self.cosine_t = self.cosine.transpose(0, 2, 1)
        self.matmul = matmul_over(rows)  # which sums very many rows in float64
        self.mixed = self.buffer("mixed", self.outputs - 1, self.own_dim).T
        self.first_y, self.rest_y = self.own_y[:, 0], self.own_y[:, 1:]
        self.x_row = self.own_x[:, None]
        self.x_column, self.ones = self.own_x[:, :, None], self.full("ones", 1.0, 1)
        limit = float(1.0 / np.finfo(self.dtype).eps)  # from which on all numbers are whole
        self.low, self.high = self.scalar(-limit), self.scalar(limit)
        self.turn = self.scalar(_TURN)
        if self.needs_input_grad:
            self.own_dx = self.array("own_dx", rows, 1, self.own_dim).T

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x and its mixed cosines, column by column."""
        self.take(x)
        # The turns x ω lose their whole part before they become an angle, which costs no digit.
        with np.errstate(over="ignore"):
            np.multiply(self.x_row, self.w_column, out=self.angle)
        self.angle.clip(self.low, self.high, self.angle)
        self.angle -= np.rint(self.angle, out=self.cosine)
        self.angle *= self.turn
        self.angle += self.phase
        return self.mix()

    def mix(self) -> Array:
        """Return y of the angles."""
        np.cos(self.angle, out=self.cosine)
        np.matmul(self.M, self.cosine, out=self.mixed)
        np.add(self.mixed, self.offset, out=self.rest_y)
        np.copyto(self.first_y, self.own_x)
        return self.y

    def express(self, x: Value) -> Value:
        """Return x and its mixed cosines, column by column."""
        repeated = np.repeat(range(self.own_dim), self.frequencies).tolist()
        limit = float(1.0 / np.finfo(x.dtype).eps)
        turns = self.express_own(x).take(repeated) * self.params["frequency"]
        turns = turns.minimum(limit).maximum(-limit)
        cosines = ((turns - turns.round()) * _TURN + self.params["phase"]).cos()
        mixed = cosines.linear(self.params["mixing"]) + self.params["offset"]
        return self.express_beside(x, mixed)

    def backward(self, grad: Array) -> Array | None:
        """Fill the gradients of ω, φ, M and o and return ∂L/∂x."""
        own, others = self.split(grad)
        delta = own[:, 1:]
        self.matmul(delta, self.cosine_t, self.dM)
        self.matmul(delta, self.ones, self.doffset)
        np.matmul(self.M_t, delta, out=self.g)
        self.g *= np.sin(self.angle, out=self.sine)
        np.negative(self.g, out=self.g)
        self.matmul(self.g, self.ones, self.dphase)
        self.matmul(self.g, self.x_column, self.dw_column)
        self.dw *= _TURN
        if not self.needs_input_grad:
            return None
        np.matmul(self.w[:, None], self.g, out=self.own_dx)
        self.own_dx *= _TURN
        self.own_dx += own[:, :1]
        return self.join(self.own_dx[:, 0], others)
