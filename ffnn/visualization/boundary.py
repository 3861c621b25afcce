"""What a network of two inputs answers all over their plane: regions of classes, or contours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ffnn._types import Array
from ffnn.charts.style import BLACK, CLASSES, MARKERS, new_figure
from ffnn.core.text import counted, listed, printable, shown
from ffnn.models.decisions import decided, names_of, task_of
from ffnn.models.expected import check_model
from ffnn.models.raw_rows import targets_for
from ffnn.models.trainable import Trainable
from ffnn.tables.kinds import find_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 300  # points of the plane along each axis
_MOST_POINTS = 2_000  # rows that are drawn
_MARGIN = 0.08  # around the rows, of their range
_PALEST, _STRONGEST = 0.1, 0.5  # how strong the colour of a class is, unsure and sure
_LEVELS = 16
_MAP = "cividis"  # which looks alike with all kinds of colour vision
_LEGEND_ROWS = 20


class _Plane(NamedTuple):
    """The plane of the inputs: the rows in it, and what the model answers anywhere."""

    names: tuple[str, str]
    points: NDArray[np.float64]  # (rows, 2)
    target: Array  # as the loss has prepared it
    answer: Callable[[Array], Array]  # (rows, 2) → (rows, units)


def plot_boundary(model: Trainable, x: Any, y: Any = None) -> Figure:
    """Return a figure of what a network of two inputs answers, with rows on top.

    Of classes it shows the most likely one everywhere in its colour, paler where it is less
    certain, with lines where the decision changes. Of one number it shows filled contours. Rows
    have the colour of their target; of more than 2,000, as many are drawn with a fixed seed.

    Parameters
    ----------
    model : Sequential
        A trained model of two inputs. One with an encoder that reads two columns of numbers is
        drawn over these columns as they stand in a table.
    x, y
        As for `Sequential.evaluate`, such as the training rows.

    Returns
    -------
    matplotlib.figure.Figure
        Not attached to any window. Save it with its ``savefig``; a notebook shows it.

    Raises
    ------
    RuntimeError
        The model is not built or not compiled.
    ValueError
        It has other inputs than two numbers, or its answer is not one class or one number.
    DataError
        The rows do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import ffnn
    >>> model = ffnn.Sequential.from_sizes([2, 3, 2], ["tanh", "softmax"], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> x, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1])
    >>> ffnn.visualization.plot_boundary(model, x, y).savefig("boundary.png")
    """
    check_model("plot_boundary", model)
    model.require_compiled()
    model.require_built()
    task = task_of(model)
    if task == "labels" or (task == "numbers" and model.output_dim != 1):
        kind = "labels that are not exclusive" if task == "labels" else "numbers"
        raise ValueError(
            f"plot_boundary: expected a model that answers with one class or one number, this one "
            f"answers with {model.output_dim} {kind}"
        )
    plane = _table_plane(model, x, y) or _array_plane(model, x, y)
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot()
    target = decided(model, plane.target)
    if task == "classes":
        names = names_of(model.class_names, model.output_dim or 0, task)
        _draw_classes(figure, axes, plane, target, names)
    else:
        _draw_numbers(figure, axes, plane, target[:, 0])
    across, up = map(printable, plane.names)
    axes.set_xlabel(across, parse_math=False)
    axes.set_ylabel(up, parse_math=False)
    return figure


# -- the plane ---------------------------------------------------------------------------------


def _table_plane(model: Trainable, x: Any, y: Any) -> _Plane | None:
    """Return the plane of two columns of a table; None if `x` is not one that an encoder reads."""
    encoder = model.encoder
    if encoder is None or not encoder.takes(x):
        return None
    read = [f"{each.name} ({each.kind})" for each in encoder.encodings]
    if [each.kind for each in encoder.encodings] != ["number", "number"]:
        raise _not_two(f"columns of a table: {listed(shown(name, 60) for name in read)}")
    names = encoder.encodings[0].name, encoder.encodings[1].name
    table = encoder.open(x)
    if y is None and encoder.target is not None:
        rows = encoder.target.rows_of(table)
        table, y = table.take(rows), targets_for(model, encoder.target.values_of(table, rows))
    target = model.open_examples(table, y, measured=False).y.data
    columns = [find_kind(table.raw(name), asked="number").values for name in names]
    points = np.column_stack([values for values in columns if values is not None])

    def answer(plane: Array) -> Array:
        return model.predict(dict(zip(names, plane.T, strict=True)))

    return _Plane(names, points, target, answer)


def _array_plane(model: Trainable, x: Any, y: Any) -> _Plane:
    """Return the plane of an array of two columns."""
    if model.input_dim != 2:
        raise _not_two(counted(model.input_dim or 0, "input"))
    examples = model.open_examples(x, y, measured=False)
    points = np.array(examples.x.read(0, len(examples.x)), np.float64)
    first, second = model.feature_names or ("x[:, 0]", "x[:, 1]")
    return _Plane((first, second), points, examples.y.data, model.predict)


def _not_two(found: str) -> ValueError:
    return ValueError(
        f"plot_boundary: expected a model of two numbers, which make a plane, this one reads "
        f"{found}. Train one on two columns: x[:, [0, 1]], or TableEncoder().fit(table, target, "
        f"only=[...]), or ffnn train --only NAME --only NAME"
    )


def _grid(points: NDArray[np.float64]) -> tuple[list[tuple[float, float]], list[Array]]:
    """Return the limits of both axes, and the places along each at which the model is asked."""
    limits = []
    for values in points.T:
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        margin = _MARGIN * (high - low) or 0.5 * abs(low) or 1.0
        limits.append((low - margin, high + margin))
    return limits, [np.linspace(*each, _SIDE) for each in limits]


def _answers(plane: _Plane, places: Sequence[Array]) -> NDArray[np.float64]:
    """Return the outputs all over the plane, of shape (side, side, units)."""
    across, up = np.meshgrid(*places)
    output = plane.answer(np.column_stack([across.ravel(), up.ravel()]))
    return output.astype(np.float64).reshape(_SIDE, _SIDE, -1)


def _chosen(plane: _Plane) -> tuple[Array, str]:
    """Return the numbers of the rows to draw, in a random order, and what is left out."""
    rows = np.flatnonzero(np.isfinite(plane.points).all(axis=1))
    order = np.random.default_rng(0).permutation(rows)[:_MOST_POINTS]
    few = len(order) < len(plane.points)
    return order, f"{len(order):,} of {counted(len(plane.points), 'row')}" if few else ""


# -- drawing -----------------------------------------------------------------------------------


def _draw_classes(
    figure: Figure, axes: Axes, plane: _Plane, target: Array, names: Sequence[str]
) -> None:
    limits, places = _grid(plane.points)
    shares = np.clip(_answers(plane, places), 0.0, 1.0)
    if shares.shape[2] == 1:
        shares = np.concatenate([1.0 - shares, shares], axis=2)
    axes.imshow(
        _shaded(shares),
        extent=(*limits[0], *limits[1]),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    for index in range(len(names)):
        others = np.delete(shares, index, axis=2).max(axis=2)
        lead = shares[:, :, index] - others
        if lead.min() < 0.0 < lead.max():
            axes.contour(*places, lead, levels=[0.0], colors=BLACK, linewidths=1.0)
    rows, left_out = _chosen(plane)
    size = _size_of(len(rows))
    for index in range(len(names)):
        own = plane.points[rows[target[rows] == index]]
        axes.scatter(
            own[:, 0],
            own[:, 1],
            s=size,
            zorder=2,
            linewidths=0.4,
            edgecolors="white",
            **_look(index),
        )
    axes.set_title(left_out, fontsize=9)
    _write_legend(figure, names)


def _shaded(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the plane as a picture: each class's colour, as strong as the class is certain."""
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(colour) for colour in CLASSES])
    even = 1.0 / shares.shape[2]
    certain = (shares.max(axis=2) - even) / (1.0 - even)
    strength = _PALEST + (_STRONGEST - _PALEST) * np.clip(certain, 0.0, 1.0)[:, :, None]
    colour = palette[shares.argmax(axis=2) % len(palette)]
    picture: NDArray[np.float64] = 1.0 - strength * (1.0 - colour)
    return picture


def _look(index: int) -> dict[str, Any]:
    """Return the look of a class; of up to a hundred, no two are alike."""
    turn, colour = divmod(index, len(CLASSES))
    return {"color": CLASSES[colour], "marker": MARKERS[(colour + turn) % len(MARKERS)]}


def _size_of(rows: int) -> float:
    return max(18.0, 50.0 - 10.0 * math.log10(max(rows, 1)))


def _write_legend(figure: Figure, names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", markersize=6, markeredgecolor="white", **_look(index))
        for index in range(len(names))
    ]
    legend = figure.legend(
        handles,
        [""] * len(names),
        loc="outside right upper",
        ncols=math.ceil(len(names) / _LEGEND_ROWS),
        fontsize=9,
        frameon=False,
    )
    for entry, name in zip(legend.get_texts(), names, strict=True):
        entry.set_parse_math(False)  # names are text, never markup
        entry.set_text(printable(name, 24) or "(no name)")


def _draw_numbers(figure: Figure, axes: Axes, plane: _Plane, target: Array) -> None:
    from matplotlib.ticker import MaxNLocator

    _, places = _grid(plane.points)
    answers = _answers(plane, places)[:, :, 0]
    rows, left_out = _chosen(plane)
    seen = np.concatenate([answers.ravel(), target[rows]])
    low, high = float(seen.min()), float(seen.max())
    if not high > low:
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    levels = MaxNLocator(_LEVELS).tick_values(low, high)
    look: dict[str, Any] = {"cmap": _MAP, "vmin": levels[0], "vmax": levels[-1]}
    drawn = axes.contourf(*places, answers, levels=levels, **look)
    axes.scatter(
        plane.points[rows, 0],
        plane.points[rows, 1],
        c=target[rows],
        s=_size_of(len(rows)),
        linewidths=0.6,
        edgecolors="white",
        zorder=2,
        **look,
    )
    axes.set_title(left_out, fontsize=9)
    figure.colorbar(drawn, ax=axes, label="prediction, and target of the rows")
