"""What all figures share: colours that colour-blind readers can tell apart, and empty figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, "Color universal design", 2002.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#8C8C8C"
LIGHT_GREY = "#D9D9D9"

TRAINING, VALIDATION = BLUE, VERMILION
POSITIVE, NEGATIVE = BLUE, VERMILION
DIVERGING = "RdBu"  # matplotlib's name: red below zero, white at zero, blue above
KIND_COLOURS = {"input": SKY_BLUE, "bias": GREY, "neuron": ORANGE, "output": GREEN}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure on white that no window holds, sized in inches.

    Parameters
    ----------
    width, height : float
        Its size in inches.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")
