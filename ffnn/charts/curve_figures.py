"""Figures of learning curves: loss and metrics, epoch by epoch."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ffnn.charts.direct_labels import End, height_for, label_ends, shades
from ffnn.charts.learning_curves import Curve, HistoryLike, is_logarithmic, read_curves
from ffnn.charts.style import (
    BLACK,
    GREY,
    LINES,
    TRAINING,
    VALIDATION,
    mark_epochs,
    new_figure,
    on_paper,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_MARKERS = "os^D"  # the first until all colours are used, then the next
_LEGEND_WIDTH = 52  # letters to a line
_LINE_STYLES = ("-", "--", ":", "-.")  # of many trainings, one after the other
_LONGEST_END = 14  # letters at the end of a line
_WIDEST = 9.6  # inches: wider figures cannot be read where they are shown 800 pixels wide


def plot_curves(record: HistoryLike) -> Figure:
    """Return a figure with a panel for the loss and for each metric, training and validation.

    A ring marks the best epoch, and a dotted line leads to its number: that of validation where
    there is one, else of training. A loss that spans more than two decades has a logarithmic axis;
    numbers that are not finite leave a gap.
    """
    if not record.epoch or not record.history:
        raise ValueError("there is nothing to plot: no epoch was trained")
    curves = read_curves(record)
    figure, panels = _new_panels(list(curves), most_columns=3, height=3.6)
    for curve, axes in zip(curves.values(), panels, strict=True):
        _plot_lines(axes, curve, (TRAINING, VALIDATION), _MARKERS[0])
        _finish(axes, [curve])
        if curve.best is None:
            axes.set_title(_tell_best(curve), loc="right", fontsize=9)
        else:
            _ring(axes, curve.best, on_paper(BLACK))
            _write_best(axes, curve, curve.best)
        axes.legend(fontsize=9)
    return figure


def compare_histories(histories: Mapping[str, HistoryLike]) -> Figure:
    """Return a figure of several trainings' curves, a panel for the loss and for each metric.

    Each training has its own colour; training is solid, validation dashed. Rings mark the best
    epochs as in ``history.plot()``, and the legend below a panel lists their numbers. A metric is
    shown for the trainings that have it. Of more than 7, one line each is shown, that of the
    validation where there is one, with its label, or its number in the legend, at its end.

    Parameters
    ----------
    histories : mapping of str to History
        Each training's label in the figure → what its `fit` returned.

    Returns
    -------
    matplotlib.figure.Figure
        Not attached to any window.

    Raises
    ------
    TypeError
        `histories` is not a mapping of histories.
    ValueError
        There is no history, or one has no epoch.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> def train(optimizer):
    ...     model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    ...     model.compile(optimizer, "categorical_crossentropy")
    ...     return model.fit(x, y, epochs=2, verbose=0)
    >>> histories = {name: train(name) for name in ("adam", "rmsprop")}
    >>> ffnn.visualization.compare_histories(histories).savefig("runs.png")
    """
    _check_histories(histories)
    trainings = {label: read_curves(record) for label, record in histories.items()}
    names = list(dict.fromkeys(name for curves in trainings.values() for name in curves))
    num_lines = sum(1 + (len(str(label)) + 30) // _LEGEND_WIDTH for label in trainings)
    room = max(2.6, height_for(len(trainings)))
    figure, panels = _new_panels(names, most_columns=2, height=room + 0.8 + 0.19 * num_lines)
    for name, axes in zip(names, panels, strict=True):
        curves_of = {label: curves.get(name) for label, curves in trainings.items()}
        if len(trainings) > len(LINES):
            _compare_many(figure, axes, curves_of, room)
        else:
            _compare(figure, axes, curves_of)
    if len(trainings) > len(LINES):
        return figure
    if any(c.validation is not None for curves in trainings.values() for c in curves.values()):
        _explain_line_styles(figure)
    return figure


def _check_histories(histories: Mapping[str, HistoryLike]) -> None:
    if not isinstance(histories, Mapping):
        raise TypeError(
            'compare_histories: histories must be a dict such as {"sgd": history, "adam": other}, '
            f"got {type(histories).__name__}"
        )
    if not histories:
        raise ValueError("compare_histories: there is nothing to plot: no history was given")
    for label, record in histories.items():
        if not hasattr(record, "epoch"):
            raise TypeError(
                f"compare_histories: {label!r} must be a History, which fit returns, "
                f"got {type(record).__name__}"
            )
        if not record.epoch or not record.history:
            raise ValueError(f"compare_histories: no epoch was trained in {label!r}")


def _new_panels(
    names: Sequence[str], most_columns: int, height: float
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure with a panel for each name, `height` inches each."""
    columns = min(len(names), most_columns)
    rows = math.ceil(len(names) / columns)
    figure = new_figure(4.8 if columns == 1 else _WIDEST, height * rows)
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(len(names))]


def _plot_lines(axes: Axes, curve: Curve, colours: tuple[str, str], marker: str) -> Line2D:
    """Draw training and, where there is one, validation; return the line of training."""
    look: dict[str, Any] = {
        "marker": marker,
        "markersize": 3.5,
        "markevery": math.ceil(len(curve.epochs) / 25),  # more markers than 25 would hide a line
    }
    (line,) = axes.plot(curve.epochs, curve.training, color=colours[0], label="training", **look)
    if curve.validation is not None:
        look |= {"color": colours[1], "linestyle": "--", "label": "validation"}
        axes.plot(curve.epochs, curve.validation, **look)
    return line


def _ring(axes: Axes, best: tuple[int, float], colour: str) -> None:
    """Mark the best epoch."""
    axes.scatter(*best, s=70, facecolors="none", edgecolors=colour, linewidths=1.4, zorder=3)


def _write_best(axes: Axes, curve: Curve, best: tuple[int, float]) -> None:
    """Write the best epoch's number above the panel, where no curve is, and lead a line to it."""
    in_right_half = best[0] > (curve.epochs[0] + curve.epochs[-1]) / 2
    axes.annotate(
        _tell_best(curve),
        best,
        xytext=(best[0], 1.02),
        textcoords=axes.get_xaxis_transform(),
        horizontalalignment="right" if in_right_half else "left",
        verticalalignment="bottom",
        fontsize=9,
        arrowprops={
            "arrowstyle": "-",
            "linestyle": ":",
            "color": GREY,
            "relpos": (1.0 if in_right_half else 0.0, 0.0),
            "shrinkA": 0.0,
            "shrinkB": 4.0,  # up to the ring
        },
    )


def _tell_best(curve: Curve) -> str:
    if curve.best is None:
        return "no finite number"
    epoch, value = curve.best
    return f"best {value:.4g}, epoch {epoch}"


def _finish(axes: Axes, curves: Sequence[Curve]) -> None:
    """Name and scale the axes of a panel."""
    axes.set_xlabel("epoch")
    axes.set_ylabel(curves[0].name.replace("_", " "), parse_math=False)
    mark_epochs(axes)
    first = min(curve.epochs[0] for curve in curves)
    last = max(curve.epochs[-1] for curve in curves)
    margin = 0.5 + 0.02 * (last - first)
    axes.set_xlim(first - margin, last + margin)
    if is_logarithmic(curves):
        axes.set_yscale("log")


def _compare(figure: Figure, axes: Axes, curves: Mapping[str, Curve | None]) -> None:
    """Draw one metric of several trainings; None stands for a training without it."""
    lines, texts = [], []
    for number, (label, curve) in enumerate(curves.items()):
        if curve is None:
            continue
        colour = on_paper(LINES[number % len(LINES)])
        marker = _MARKERS[number // len(LINES) % len(_MARKERS)]
        lines.append(_plot_lines(axes, curve, (colour, colour), marker))
        if curve.best is not None:
            _ring(axes, curve.best, colour)
        texts.append(textwrap.fill(f"{label}: {_tell_best(curve)}", _LEGEND_WIDTH))
    _finish(axes, [curve for curve in curves.values() if curve is not None])
    _write_legend(figure, axes, lines, texts)


def _compare_many(
    figure: Figure, axes: Axes, curves: Mapping[str, Curve | None], height: float
) -> None:
    """Draw one metric of more trainings than there are colours, with labels at the lines' ends."""
    names = [str(label) for label in curves]
    is_numbered = max(map(len, names)) > _LONGEST_END
    lines, texts, ends = [], [], []
    for number, (name, curve, colour) in enumerate(
        zip(names, curves.values(), shades(len(names)), strict=True)
    ):
        if curve is None:
            continue
        shown = replace(curve, training=curve.validation or curve.training, validation=None)
        line = _plot_lines(axes, shown, (colour, colour), ".")
        line.set(linestyle=_LINE_STYLES[number % len(_LINE_STYLES)])
        lines.append(line)
        if curve.best is not None:
            _ring(axes, curve.best, colour)
        text = f"{name}: {_tell_best(curve)}"
        texts.append(f"{number + 1}  {text}" if is_numbered else text)
        label = str(number + 1) if is_numbered else name
        known = [
            pair
            for pair in zip(shown.epochs, shown.training, strict=True)
            if math.isfinite(pair[1])
        ]
        ends += [End(*known[-1], label, colour)] if known else []
    _finish(axes, [curve for curve in curves.values() if curve is not None])
    has_validation = any(curve is not None and curve.validation for curve in curves.values())
    axes.set_title("validation" if has_validation else "training", loc="left", fontsize=9)
    label_ends(axes, ends, height)
    _write_legend(figure, axes, lines, texts)


def _write_legend(
    figure: Figure, axes: Axes, lines: Sequence[Line2D], texts: Sequence[str]
) -> None:
    """Write the legend of a comparison below the panel."""
    from matplotlib.transforms import ScaledTranslation

    below = ScaledTranslation(0.0, -0.45, figure.dpi_scale_trans)
    legend = axes.legend(
        lines,
        ["" for _ in lines],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=axes.transAxes + below,
        fontsize=9,
        frameon=False,
    )
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_parse_math(False)  # labels are text, never markup
        entry.set_text(text)


def _explain_line_styles(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    figure.legend(
        handles=[
            Line2D([], [], color=on_paper(BLACK), label="training"),
            Line2D([], [], color=on_paper(BLACK), linestyle="--", label="validation"),
        ],
        loc="outside upper center",
        ncols=2,
        frameon=False,
    )
