"""Several columns for each number: how far it is through each bin of its quantiles, and itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.core.checks import check_int
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.data.sources import open_source
from ffnn.data.statistics import column_statistics
from ffnn.layers.base import LAYERS
from ffnn.layers.columns import ColumnWise, check_columns

_MOST_ROWS = 100_000  # that quantiles are taken of


@LAYERS.register("piecewise_linear")
class PiecewiseLinear(ColumnWise):
    """Encode each column by bins: y = (x, e) with e = min(max((x - l) / w, 0), 1).

    Each column x of the inputs, (batch, 1), has its own bins, with lower edges l and widths w,
    (bins,). e, (batch, bins), rises from 0 to 1 in the bin that x is in, is 1 in all bins below it
    and 0 in all above. What stands behind may so bend at every edge. With δ = ∂L/∂y but for the
    first column, ∂L/∂x is that of the first column plus

        Σ_bins δ ∘ [0 < e < 1] / w.

    The edges are learned once, by `adapt`, from the training rows: the quantiles, each of which has
    as many rows below it as the next bin holds. They stay fixed in training, and are saved with the
    model.

    Parameters
    ----------
    bins : int, default 8
        How many bins a column has.
    columns : sequence of int, optional
        The numbers of the columns to encode, counted from 0, without it all. Their outputs come
        first, in this order; the other columns follow as they are.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type or out of its range.

    References
    ----------
    Gorishniy, Rubachev, Babenko, "On embeddings for numerical features in tabular deep learning",
    NeurIPS 2022, equation 1. There the first and the last bin have no end, and x is left out; here
    x itself tells what is beyond them.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import PiecewiseLinear
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]], np.float32)
    >>> layer = PiecewiseLinear(bins=2).build(1).adapt(x)
    >>> layer.forward(x[1:4]).tolist()
    [[1.0, 0.5, 0.0], [2.0, 1.0, 0.0], [3.0, 1.0, 0.5]]
    """

    formulas = Formulas(
        forward=("e = min(max((x - l) / w, 0), 1)", "y = join(x, e)"),
        backward=("∂L/∂x = head(∂L/∂y) + Σ_units tail(∂L/∂y) ∘ [e > 0] ∘ [e < 1] / w",),
        note="The formulas are those of one column, which has its own l and w.",
    )
    fixed = ("bins", "columns")
    edges: Array | None = None  # that the working memory is made for

    def __init__(self, bins: int = 8, columns: Sequence[int] | None = None) -> None:
        self.bins = check_int("PiecewiseLinear", "bins", bins, low=1, high=1000)
        self.columns = check_columns("PiecewiseLinear", columns)
        # Shared by the replicas of the layer, which therefore see what is learned later.
        self.learned: dict[str, Array] = {}

    @property
    def width(self) -> int:
        """The number of outputs of a column."""
        return 1 + self.bins

    @property
    def state(self) -> Mapping[str, Array]:
        """The columns' ``edges``, float64 of shape (columns, bins + 1), once adapted."""
        return MappingProxyType(self.learned)

    def adapt(self, x: Any) -> PiecewiseLinear:
        """Learn each column's edges.

        Where quantiles are equal, the widest bins are halved instead.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset, or SciPy sparse matrix, of shape (rows, columns)
            The training rows, at least one, all finite; of more than 100,000 as many, evenly
            spaced.

        Returns
        -------
        PiecewiseLinear
            Itself.

        Raises
        ------
        DataError
            `x` is not two-dimensional, has no rows, or is not finite.
        ValueError
            The layer is built for another number of columns.
        """
        size = column_statistics(x)[0].size  # which checks x
        if self.input_dim not in (None, size):
            raise ValueError(f"PiecewiseLinear: built for {self.input_dim} columns, got {size}")
        source = open_source(x, np.float64)
        rows = source.slice(0, len(source))[:: -(-len(source) // _MOST_ROWS)]
        edges = [_edges(rows[:, column], self.bins) for column in self.own_columns(size)]
        self.load_state({"edges": np.array(edges)})
        return self

    def load_state(self, values: Mapping[str, Array]) -> None:
        """Take known ``edges``."""
        edges = np.array(values["edges"], np.float64)
        self.check_state({"edges": edges})
        self.learned["edges"] = edges

    def check_state(self, values: Mapping[str, Array]) -> None:
        """Raise ValueError if the shape is wrong, or edges do not ascend."""
        edges = values["edges"]
        if edges.ndim != 2 or edges.shape[1] != self.width:
            raise ValueError(
                f"PiecewiseLinear: expected {self.width} edges for each column, got an array of "
                f"shape {edges.shape}"
            )
        if not (np.isfinite(edges).all() and (np.diff(edges, axis=1) > 0.0).all()):
            raise ValueError("edges: expected finite numbers in ascending order")

    def bind(self, input_dim: int, *arrays: Any) -> None:
        """Set the sizes, after checking them against the adapted columns."""
        own, edges = len(self.own_columns(input_dim)), self.learned.get("edges")
        if edges is not None and len(edges) != own:
            raise ValueError(
                f"PiecewiseLinear: adapted to {len(edges)} columns, but it has {own} to encode"
            )
        super().bind(input_dim, *arrays)

    def allocate(self, rows: int) -> None:
        """Allocate e's inside, and take lower edges and inverse widths in the model's dtype."""
        if not self.learned:
            raise ValueError(
                "PiecewiseLinear: call adapt(x) with the training rows before using it"
            )
        super().allocate(rows)
        self.edges = edges = self.learned["edges"]
        self.low = edges[:, :-1, None].astype(self.dtype)
        slope = np.minimum(1.0 / np.diff(edges, axis=1), np.finfo(self.dtype).max)
        self.slope = slope[:, :, None].astype(self.dtype)
        self.first_y, self.e = self.own_y[:, 0], self.own_y[:, 1:]
        self.x_column = self.own_x[:, None]
        self.zero, self.one = self.scalar(0.0), self.scalar(1.0)
        if self.needs_input_grad:
            self.product = self.buffer("product", self.bins, self.own_dim).T
            self.above, self.below = (
                self.buffer(name, self.bins, self.own_dim, dtype=bool).T
                for name in ("above", "below")
            )
            self.own_dx = self.buffer("own_dx", self.own_dim).T

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x and e, column by column."""
        self.take_rows(x)
        np.copyto(self.first_y, self.own_x)
        with np.errstate(over="ignore"):  # beyond the edges, where e is 0 or 1
            np.subtract(self.x_column, self.low, out=self.e)
            self.e *= self.slope
        self.e.clip(self.zero, self.one, self.e)
        return self.y

    def take_rows(self, x: Array) -> None:
        """Write the columns of a batch into `own_x` and y, with all arrays for its rows."""
        if self.edges is not self.learned.get("edges"):
            self.discard()  # what was allocated is of other edges
        self.take(x)

    def express(self, x: Value) -> Value:
        """Return x and e, column by column."""
        edges = self.learned["edges"]
        repeated = np.repeat(range(self.own_dim), self.bins).tolist()
        slope = np.minimum(1.0 / np.diff(edges, axis=1), np.finfo(x.dtype).max)
        e = (self.express_own(x).take(repeated) - edges[:, :-1]) * slope
        return self.express_beside(x, e.maximum(0.0).minimum(1.0))

    def backward(self, grad: Array) -> Array | None:
        """Return ∂L/∂x."""
        if not self.needs_input_grad:
            return None
        own, others = self.split(grad)
        np.multiply(own[:, 1:], self.slope, out=self.product)
        np.greater(self.e, 0.0, out=self.above)
        self.above &= np.less(self.e, 1.0, out=self.below)
        self.product *= self.above
        self.product.sum(axis=1, out=self.own_dx)
        self.own_dx += own[:, 0]
        return self.join(self.own_dx, others)


def _edges(column: Array, bins: int) -> Array:
    """Return bins + 1 ascending edges of a column."""
    edges = np.unique(np.quantile(column, [number / bins for number in range(bins + 1)]))
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0] + max(1.0, abs(edges[0]))])
    while len(edges) <= bins:
        widest = int(np.diff(edges).argmax())
        edges = np.insert(edges, widest + 1, edges[widest : widest + 2].mean())
    return edges
