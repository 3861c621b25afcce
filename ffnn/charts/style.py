"""What all figures share: colours that colour-blind readers can tell apart, and empty figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, "Color universal design", 2002.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
YELLOW = "#F0E442"
GREY = "#8C8C8C"
LIGHT_GREY = "#D9D9D9"

LINES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY_BLUE, BLACK)  # one after the other
# Regions of classes, to be told apart side by side too; the last three are Paul Tol's, 2021.
CLASSES = (
    BLUE,
    ORANGE,
    GREEN,
    VERMILION,
    SKY_BLUE,
    PURPLE,
    YELLOW,
    "#882255",
    "#999933",
    "#332288",
)
MARKERS = "os^DvPX*<>"  # of classes
TRAINING, VALIDATION = BLUE, VERMILION
POSITIVE, NEGATIVE = BLUE, VERMILION
KIND_COLOURS = {"input": SKY_BLUE, "bias": GREY, "neuron": ORANGE, "output": GREEN}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure on white that no window holds, sized in inches.

    All figures are made here, so that all show themselves in notebooks.
    """
    from ffnn.charts.notebook_figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained", facecolor="white")


def mark_epochs(axes: Axes) -> None:
    """Let the x axis have whole numbers and a grid, also where there is one epoch alone."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
