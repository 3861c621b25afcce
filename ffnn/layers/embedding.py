"""A learned vector for each category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ffnn._types import Array, Shape
from ffnn.core.checks import check_int, check_items
from ffnn.core.formulas import Formulas
from ffnn.core.operations import Value
from ffnn.core.sums import BLOCK_ROWS, row_blocks
from ffnn.initializers import Initializer, RandomNormal
from ffnn.layers.base import LAYERS
from ffnn.layers.columns import ColumnWise, check_columns


@LAYERS.register("embedding")
class Embedding(ColumnWise):
    """Replace each category by a learned vector: y = H E, H = [x = k], k = 0, 1, 2, ...

    A column x of the inputs, (batch, 1), has the numbers of categories, whole numbers from 0 on.
    Its table E, (categories, units), has a row for each of them; y is the row of the one in x:

        ∂L/∂E = Hᵀ ∂L/∂y,    ∂L/∂x = 0.

    The tables of all columns stand one below the other in the parameter ``embedding``.

    Parameters
    ----------
    categories : sequence of int
        How many categories each column has, at least 1.
    units : int, default 8
        The length of the vectors.
    columns : sequence of int, optional
        The numbers of the columns that have categories, counted from 0, one for each of
        `categories`; without it all. Their vectors come first, in this order; the other columns
        follow as they are.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong type or out of its range, or the inputs have another number of
        columns. A model refuses what is no number of a category before it begins to work, with its
        row and column.

    References
    ----------
    Guo, Berkhahn, "Entity embeddings of categorical variables", 2016, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from ffnn.layers import Embedding
    >>> layer = Embedding([3], units=2).build(1, seed=0)
    >>> layer.forward(np.array([[0], [2]])).shape
    (2, 2)
    """

    formulas = Formulas(
        forward=("H = [x = k]", "y = H E"),
        backward=("∂L/∂E = Hᵀ ∂L/∂y", "∂L/∂x = 0 x"),
        note="The formulas are those of one column, which has its own E; k are the numbers of its "
        "categories, from 0 on.",
    )
    fixed = ("categories", "units", "columns")

    def __init__(
        self, categories: Sequence[int], units: int = 8, columns: Sequence[int] | None = None
    ) -> None:
        counts = check_items("Embedding", "categories", categories)
        self.categories = [check_int("Embedding", "categories", n, low=1) for n in counts]
        self.units = check_int("Embedding", "units", units, low=1)
        self.columns = check_columns("Embedding", columns)
        if not self.categories:
            raise ValueError("Embedding: categories must have a number for each column, got []")
        if self.columns is not None and len(self.columns) != len(self.categories):
            raise ValueError(
                f"Embedding: expected a number of categories for each of {len(self.columns)} "
                f"columns, got categories of {len(self.categories)}"
            )

    @property
    def width(self) -> int:
        """The length of the vectors."""
        return self.units

    @property
    def category_counts(self) -> Sequence[int]:
        """How many categories each column has."""
        return self.categories

    def own_columns(self, input_dim: int) -> Sequence[int]:
        """Return which columns have categories; ValueError if there are not so many."""
        if self.columns is None and input_dim != len(self.categories):
            raise ValueError(
                f"{self.title}: expected {len(self.categories)} columns, one for each number in "
                f"categories, got {input_dim}; give columns if the others are no categories"
            )
        return super().own_columns(input_dim)

    def parameter_shapes(self, input_dim: int) -> dict[str, Shape]:
        """Return the shape of all tables together."""
        return {"embedding": (sum(self.categories), self.units)}

    def initializers(self) -> dict[str, Initializer]:
        """Return the initial values, which have variance 1."""
        return {"embedding": RandomNormal(variance=1.0)}

    def allocate(self, rows: int) -> None:
        """Allocate the numbers of rows of the tables, and room for a vector of each."""
        super().allocate(rows)
        self.E, self.dE = self._params["embedding"], self._grads["embedding"]
        counts = np.array(self.categories)
        self.starts = (np.cumsum(counts) - counts)[:, None]
        self.zero, self.last = self.scalar(0.0), (counts - 1).astype(self.dtype)[:, None]
        self.index = self.buffer("index", self.own_dim, dtype=np.intp).T
        self.whole = self.buffer("whole", self.own_dim).T
        self.wrong = self.buffer("wrong", self.own_dim, dtype=bool).T
        self.vectors = self.array("vectors", self.units, rows, self.own_dim).T  # as rows of E
        self.vectors_t = self.vectors.transpose(0, 2, 1)
        # Sums over very many rows are added in float64.
        self.total: Array | None = None
        if rows > BLOCK_ROWS:
            self.total = self.array("total", *self.E.shape, dtype=np.float64)
            self.exact = self.array("exact", *self.E.shape, dtype=np.float64)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the vectors of the categories, or raise ValueError if one has none."""
        self.take(x)
        self.check_categories()
        np.copyto(self.index, self.own_x, casting="unsafe")
        self.index += self.starts
        self.E.take(self.index, 0, self.vectors, "clip")
        np.copyto(self.own_y, self.vectors_t)
        return self.y

    def check_categories(self) -> None:
        """Raise ValueError if a number in `own_x` is none of a category."""
        self.own_x.clip(self.zero, self.last, self.whole)
        np.rint(self.whole, out=self.whole)
        if np.count_nonzero(np.not_equal(self.whole, self.own_x, out=self.wrong)):
            column, row = np.argwhere(self.wrong)[0]
            number = column if self.columns is None else self.columns[column]
            raise ValueError(
                f"column {number} has {self.own_x[column, row]:g} in row {row} of the "
                f"batch, expected the number of a category, a whole number from 0 to "
                f"{self.categories[column] - 1}"
            )

    def express(self, x: Value) -> Value:
        """Return the vectors of the categories, and the other columns.

        A number that is none of a category of its column leads to no row of the table.
        """
        code = self.express_own(x)
        beyond = code - code.maximum(0.0).minimum(np.array(self.categories) - 1)
        row = code + np.cumsum([0, *self.categories[:-1]]) + beyond * (2 * sum(self.categories))
        return self.express_all(x, row.lookup(self.params["embedding"]))

    def backward(self, grad: Array) -> Array | None:
        """Add the gradients of the vectors to their rows of E, and return ∂L/∂x."""
        own, others = self.split(grad)
        np.copyto(self.vectors, own.transpose(0, 2, 1))
        if self.total is None:
            self.dE.fill(0.0)
            np.add.at(self.dE, self.index, self.vectors)
        else:
            self.add_blocks(self.total)
        if not self.needs_input_grad:
            return None
        return self.join(0.0, others)

    def add_blocks(self, total: Array) -> None:
        """Add the gradients of very many rows in blocks, and these in float64."""
        total.fill(0.0)
        for index, vectors in zip(self.index, self.vectors, strict=True):
            for rows in row_blocks(self.rows):
                self.dE.fill(0.0)
                np.add.at(self.dE, index[rows], vectors[rows])
                np.copyto(self.exact, self.dE)  # an addition of both dtypes would convert in pieces
                total += self.exact
        np.copyto(self.dE, total, casting="same_kind")
