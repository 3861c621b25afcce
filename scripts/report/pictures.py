"""The page's pictures, drawn from the folder of results."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ffnn.charts.style import BLACK, BLUE, GREY, VERMILION, new_figure
from ffnn.core.files import replace_whole
from ffnn.visualization import compare_histories
from ffnn.visualization.distributions import plot_distributions
from report.runner import build_model
from report.statistics import mean_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from report.settings import Experiment, Training

WIDTH, DOTS_PER_INCH = 7.6, 100  # width in inches
NUM_COLOURS = 256


class MeanHistory(NamedTuple):
    """The mean of several trainings' histories, in the form that the curves need."""

    history: Mapping[str, Sequence[float]]
    epoch: Sequence[int]
    higher_is_better: Sequence[str] = ()
    interrupted: bool = False


def average(histories: Sequence[Mapping[str, Sequence[float]]]) -> MeanHistory:
    """Return the mean over the seeds, for as many epochs as all of them were trained."""
    num_epochs = min(len(history["loss"]) for history in histories)
    means = {
        name: np.mean([history[name][:num_epochs] for history in histories], axis=0).tolist()
        for name in histories[0]
    }
    return MeanHistory(means, range(num_epochs))


def draw_accuracies(experiment: Experiment, accuracies: Mapping[str, Sequence[float]]) -> Figure:
    """Return a figure of each row's test accuracy: seeds, mean, 95 % interval, and the report's."""
    rows = experiment.rows
    figure = new_figure(WIDTH, 1.2 + 0.42 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        values = accuracies[row.name]
        mean, half = mean_interval(values)
        axes.plot(values, [place] * len(values), "|", color=GREY, markersize=9)
        error = None if math.isnan(half) else half
        axes.errorbar(mean, place, xerr=error, fmt="o", color=BLUE, markersize=5, capsize=4)
        if row.reported is not None:
            axes.plot(row.reported, place, "D", color=VERMILION, markersize=6, fillstyle="none")
    axes.plot([], [], "|", color=GREY, markersize=9, label="each seed")
    axes.errorbar([], [], xerr=[], fmt="o", color=BLUE, capsize=4, label="mean, 95 % interval")
    if any(row.reported is not None for row in rows):
        axes.plot([], [], "D", color=VERMILION, fillstyle="none", label="the report")
    axes.set_yticks(range(len(rows)), [row.name for row in rows], color=BLACK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("test accuracy, %")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def draw_losses(histories: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> Figure:
    """Return a figure of the mean loss curves of an experiment's rows, on a logarithmic axis.

    Parameters
    ----------
    histories : mapping of str to sequence of mapping
        Row → each seed's history. A row without a finished epoch is left out.
    """
    figure = compare_histories(
        {name: average(each) for name, each in histories.items() if all(h["loss"] for h in each)}
    )
    _, height = figure.get_size_inches()
    figure.set_size_inches(WIDTH, height + 1.0)
    _write_plain_numbers(figure.axes[0])
    return figure


def _write_plain_numbers(axes: Axes) -> None:
    """Make the loss's axis logarithmic, with "0.2" on it and not "2×10⁻¹"."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def write_distributions(
    training: Training, network: Mapping[str, NDArray[np.float32]], path: Path
) -> None:
    """Write a picture of a network's weights and gradients.

    Parameters
    ----------
    training : Training
        What the network is like.
    network : mapping of str to ndarray
        Its ``"parameters"`` and ``"gradients"``.
    path : Path
        Where to.
    """
    model = build_model(training)
    model.parameters[:] = network["parameters"]
    model.gradients[:] = network["gradients"]
    model.require_built().has_gradients = True
    write_png(plot_distributions(model), path)


def write_png(figure: Figure, path: Path) -> None:
    """Write a figure as a small PNG: a palette of few colours is enough for it."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    buffer.seek(0)
    with Image.open(buffer) as image:
        few = image.convert("RGB").quantize(
            NUM_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        content = io.BytesIO()
        few.save(content, "png", optimize=True)
    replace_whole(path, content.getbuffer())
