"""`explain_step`: one training step of a small network, to be checked by hand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ffnn.core.checks import check_bool, check_int
from ffnn.core.text import counted, listed, printable
from ffnn.data.batches import leave_out_absent
from ffnn.explanation.drawing import draw
from ffnn.explanation.labels import Head
from ffnn.explanation.markdown import LATEX, MARKDOWN, stand_alone, write_document
from ffnn.explanation.part import Part, can_be_cut, choose_part, cut
from ffnn.explanation.steps import Step
from ffnn.explanation.text import write_text
from ffnn.explanation.trace import trace
from ffnn.layers.base import Layer
from ffnn.models.trainable import Trainable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_PARAMETERS = 400
MAX_ROWS = 8
MAX_COLUMNS = 64
PRECISION, FIGURE_PRECISION = 4, 3


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Sequence[Step]):
    """One training step, as a sequence of steps with their formulas and numbers.

    Attributes
    ----------
    steps : tuple of Step
        From the first layer to the loss, back to the first layer, then the update.
    loss : float
        The loss before the update, penalties included.
    num_rows : int
        The number of rows of the batch.
    dtype : str
        The dtype of the computation.
    input_names, output_names : sequence of str or None
        The names of the columns of the input and of the output.
    layer : str or None
        The layer that it is of; None for the whole network.
    units, inputs : tuple of int or None
        The units and the inputs of this layer that are shown; None for all.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential([ffnn.layers.Dense(1)], input_dim=2, seed=0)
    >>> model.compile("sgd", "mean_squared_error")
    >>> explanation = model.explain_step([[1.0, 2.0]], [[0.5]])
    >>> [step.direction for step in explanation.steps]
    ['forward', 'loss', 'backward', 'backward', 'update', 'update', 'update']
    """

    steps: tuple[Step, ...]
    loss: float
    num_rows: int
    dtype: str
    input_names: Sequence[str] | None = None
    output_names: Sequence[str] | None = None
    layer: str | None = None
    units: tuple[int, ...] | None = None
    inputs: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        return self.steps[index]

    def __repr__(self) -> str:
        return f"<Explanation: {self._head.title}, {len(self)} steps, loss {self.loss:.4g}>"

    @property
    def _head(self) -> Head:
        title = f"One training step on {counted(self.num_rows, 'row')} ({self.dtype})"
        if self.layer is not None:
            title += f": {self._place}"
        named = (
            ("inputs", self.input_names, self.inputs),
            ("outputs", self.output_names, self.units),
        )
        names = {
            what: {index: of[index] for index in (range(len(of)) if shown is None else shown)}
            for what, of, shown in named
            if of
        }
        return Head(title, self.loss, names)

    @property
    def _place(self) -> str:
        """Such as "units 3, 7 of dense_1"."""
        name = printable(self.layer or "")
        if self.units is None:
            return name
        noun = "unit" if len(self.units) == 1 else "units"
        return f"{noun} {listed(self.units, len(self.units))} of {name}"

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, precision: int = PRECISION) -> str:
        """Return the explanation as text of at most 80 columns.

        Parameters
        ----------
        precision : int, default 4
            Significant digits of the largest entry of each array; the smallest has at least two.

        Examples
        --------
        >>> print(explanation.to_text()[:32])
        One training step on 1 row (floa
        """
        check_int("to_text", "precision", precision, low=1)
        return write_text(self._head, self.steps, precision)

    def to_markdown(self, precision: int = PRECISION) -> str:
        """Return the explanation as Markdown, with mathematics as GitHub and notebooks show it.

        Parameters
        ----------
        precision : int, default 4
            As in `to_text`.

        Examples
        --------
        >>> "$" in explanation.to_markdown()
        True
        """
        check_int("to_markdown", "precision", precision, low=1)
        return write_document(self._head, self.steps, precision, MARKDOWN)

    def to_latex(self, precision: int = PRECISION, standalone: bool = False) -> str:
        """Return the explanation as the body of a LaTeX document; it needs the package amsmath.

        Parameters
        ----------
        precision : int, default 4
            As in `to_text`.
        standalone : bool, default False
            Whether to return the whole document, ready to be compiled, in place of its body.

        Examples
        --------
        >>> explanation.to_latex(standalone=True).splitlines()[-1].endswith("{document}")
        True
        """
        check_int("to_latex", "precision", precision, low=1)
        body = write_document(self._head, self.steps, precision, LATEX)
        return stand_alone(body) if check_bool("to_latex", "standalone", standalone) else body

    def plot(self, precision: int = FIGURE_PRECISION) -> Figure:
        """Return a figure of the chain of layers, with data and gradients at each.

        Data (blue) flows down, gradients (vermilion) flow up; the update is left out. Of arrays
        with more than 8 rows or columns only the first are shown.

        Parameters
        ----------
        precision : int, default 3
            As in `to_text`.

        Returns
        -------
        matplotlib.figure.Figure
            As large as the numbers need. Save it with its ``savefig``; a notebook shows it.

        Examples
        --------
        >>> explanation.plot().savefig("step.png")
        """
        check_int("plot", "precision", precision, low=1)
        return draw(self._head, self.steps, precision)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def explain_step(
    model: Trainable,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    layer: str | None = None,
    units: Sequence[int] | None = None,
) -> Explanation:
    """Return a step's formulas and numbers; `Sequential.explain_step` says more.

    Examples
    --------
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> model.compile("sgd", "categorical_crossentropy")
    >>> explanation = ffnn.explanation.explain_step(model, [[1.0, 0.5]], [1])
    >>> len(explanation)
    14
    """
    if model.is_built:
        _choose(model, layer, units)
    twin = copy.deepcopy(model)
    batch = twin.open_batch(x, y, sample_weight)
    part = _choose(twin, layer, units)
    if len(batch[0]) > MAX_ROWS:
        raise ValueError(
            f"explain_step: expected at most {MAX_ROWS} rows, got {len(batch[0]):,}. Take the "
            f"first ones: x[:2], y[:2]."
        )
    if batch[2] is None or batch[2].any():
        batch = leave_out_absent(*batch)
    steps, loss = trace(twin, *batch)
    columns = ((model.feature_names, twin.input_dim), (model.class_names, twin.output_dim))
    # One output may have two classes; then their names are not its name.
    inputs, outputs = (names if len(names or ()) == number else None for names, number in columns)
    whole = Explanation(tuple(steps), loss, len(batch[0]), model.dtype.name, inputs, outputs)
    if part is None:
        return whole
    steps, part = cut(steps, part)
    return replace(
        whole,
        steps=tuple(steps),
        input_names=inputs if part.layer is twin.layers[0] else None,
        output_names=outputs if part.is_last else None,
        layer=part.layer.name,
        units=part.units,
        inputs=part.inputs,
    )


def _choose(model: Trainable, layer: str | None, units: Sequence[int] | None) -> Part | None:
    """Return the part to explain, None for the whole network, if it can be read."""
    part = choose_part(model, layer, units)
    if part is None:
        hint = f"Explain a part of it, such as layer={model.layers[-1].name!r}"
        _check_size("a network", model.count_params(), model.layers, hint)
    elif not can_be_cut(part.layer):
        size = sum(array.size for array in part.layer.params.values())
        _check_size(part.layer.title, size, [part.layer], "Explain another layer")
    return part


def _check_size(what: str, size: int, layers: Sequence[Layer], hint: str) -> None:
    """Raise ValueError if there is more than can be written down."""
    if size > MAX_PARAMETERS:
        raise ValueError(
            f"explain_step: expected {what} of at most {MAX_PARAMETERS} parameters, as each one "
            f"is written down, got {size:,}. {hint}"
        )
    layer = max(layers, key=_width)
    if _width(layer) > MAX_COLUMNS:
        raise ValueError(
            f"explain_step: expected at most {MAX_COLUMNS} columns into and out of each layer, got "
            f"{_width(layer):,} at {layer.name!r}. {hint}"
        )


def _width(layer: Layer) -> int:
    return max(layer.input_dim or 0, layer.output_dim or 0)
