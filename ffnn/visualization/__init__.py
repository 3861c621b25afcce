"""Pictures of networks and of their training; the home of matplotlib.

Models draw themselves by the methods of `drawn`, such as `Sequential.plot_graph`; histories of
several trainings are compared here, and `plot_boundary` shows what a network of two inputs answers.
Start with `structure`, which reads a network as columns and connections, and `selection`, which
says what is shown of it; `graph_figure` and the modules `page*` draw that. `distributions` has
histograms, `network_html` what notebooks show. Charts of plain numbers are in `ffnn.charts`.
"""

from ffnn.charts.curve_figures import compare_histories
from ffnn.visualization.boundary import plot_boundary

__all__ = ["compare_histories", "plot_boundary"]
