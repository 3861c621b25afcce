"""What all figures share: colours that colour-blind readers can tell apart, and empty figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
PALE = "#F7F7F7"

WINE, INDIGO = "#882255", "#332288"  # Paul Tol's, 2021
OLIVE = "#444411"  # far from all others, however one sees colours
# One colour for each layer, in all figures: by its place in the network. The first are not those of
# positive and negative numbers, nor of training and validation.
_LAYERS = (GREEN, ORANGE, PURPLE, WINE, INDIGO, BLUE, VERMILION)
_LINE_STYLES = ("-", "--", ":", "-.")  # the first until all colours are used, then the next
_LINE_MARKERS = ".s^D"  # the first until all of both are used, then the next
_DARK = {WINE, INDIGO, OLIVE, BLUE, BLACK}  # on which letters are white

LINES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY_BLUE, BLACK)  # one after the other
# Regions of classes, to be told apart side by side too.
CLASSES = (
    BLUE,
    ORANGE,
    GREEN,
    VERMILION,
    SKY_BLUE,
    PURPLE,
    YELLOW,
    WINE,
    OLIVE,
    INDIGO,
)
MARKERS = "os^DvPX*<>"  # of classes
TRAINING, VALIDATION = BLUE, VERMILION
POSITIVE, NEGATIVE = BLUE, VERMILION
KIND_COLOURS = {"input": SKY_BLUE, "bias": GREY, "neuron": ORANGE, "output": GREEN}


# What cannot be seen on dark paper, and what takes its place there.
_ON_DARK = {BLACK: "#FFFFFF", PALE: "#2B2B2B", WINE: YELLOW, INDIGO: SKY_BLUE}


def paper() -> str:
    """Return the colour that figures are drawn on: white, unless matplotlib's style is another."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    return to_hex(rcParams["figure.facecolor"])


def is_dark() -> bool:
    """Tell whether figures are drawn on dark paper, as by matplotlib's style dark_background."""
    from matplotlib.colors import to_rgb

    return sum(to_rgb(paper())) < 1.5


def on_paper(colour: str) -> str:
    """Return a colour as it can be seen on the paper."""
    return _ON_DARK.get(colour, colour) if is_dark() else colour


def layer_colour(place: int) -> str:
    """Return the colour of the layer that has this place in its network, counted from 0."""
    return _LAYERS[place % len(_LAYERS)]


def layer_line(place: int) -> dict[str, Any]:
    """Return the look of a layer's line; of many layers no two are alike."""
    again, style = divmod(place // len(_LAYERS), len(_LINE_STYLES))
    marker = _LINE_MARKERS[again % len(_LINE_MARKERS)]
    colour = on_paper(layer_colour(place))
    return {"color": colour, "linestyle": _LINE_STYLES[style], "marker": marker}


def letters_on(colour: str) -> str:
    """Return the colour of letters that can be read on a colour."""
    return "white" if colour in _DARK else BLACK


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure that no window holds, sized in inches.

    All figures are made here, so that all show themselves in notebooks.
    """
    from ffnn.charts.notebook_figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained", facecolor=paper())


def mark_epochs(axes: Axes) -> None:
    """Let the x axis have whole numbers and a grid, also where there is one epoch alone."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
