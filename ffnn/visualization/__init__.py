"""Pictures of networks and of their training; the home of matplotlib.

Models draw themselves by methods such as `Sequential.plot_graph`. Here is what takes more than
one of them.
"""

from ffnn.charts.curve_figures import compare_histories

__all__ = ["compare_histories"]
