"""`Drawn`: a network that draws itself.

Each method passes the model to the module that does the work, which is imported when it is first
needed: training needs no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ffnn.models.trainable import Trainable

if TYPE_CHECKING:
    import os

    import networkx as nx
    from matplotlib.figure import Figure


class Drawn(Trainable):
    """A network that trains, and shows itself as a graph, as figures and in notebooks.

    Users hold a `ffnn.Sequential`.
    """

    def to_networkx(self) -> nx.DiGraph:
        """Return the network as a graph with every weight and every gradient.

        There is an edge for each entry of each `Dense` weight and bias. Its float attributes
        ``weight`` and ``gradient`` are the arrays' values exactly (without the factor 1 / √inputs
        of ``parametrization="ntk"``); ``gradient`` is NaN before the first gradient is computed. A
        node's attributes are ``kind`` ("input", "bias", "neuron", "output"), ``layer`` (its column:
        0 for inputs, k for the k-th `Dense`), ``unit``, ``x`` and ``y``, ``label``, and, on
        neurons, ``activation``, ``bias``, gains and shifts with their gradients, and
        ``trainable``, whether the layer is trained or frozen.
        ``networkx.write_graphml`` writes all of it.

        Returns
        -------
        networkx.DiGraph
            A copy of the numbers, which later training does not change.

        Raises
        ------
        RuntimeError
            The model is not built.

        Examples
        --------
        >>> graph = model.to_networkx()  # 64 inputs, 42 neurons, 2 for the biases
        >>> graph.number_of_nodes(), graph.number_of_edges()
        (108, 2410)
        """
        from ffnn.visualization.graph import to_networkx

        return to_networkx(self)

    def plot_graph(
        self,
        values: str = "weight",
        max_units: int | None = 16,
        max_edges: int | None = 80,
        max_labels: int = 40,
    ) -> Figure:
        """Return a figure of the network: layers in columns, edges by sign and size.

        Parameters
        ----------
        values : {"weight", "gradient"}, default "weight"
            What the edges' colour and width show.
        max_units : int or None, default 16
            The most neurons to show of a layer, the strongest ones; the rest are folded into one
            node that says how many there are. None for all.
        max_edges : int or None, default 80
            The most edges to show between two layers, the strongest ones; None for all.
        max_labels : int, default 40
            With at most so many edges, weight and gradient are written on each; 0 for none.

        Raises
        ------
        RuntimeError
            The model is not built, or there are no gradients to show yet.
        TypeError, ValueError
            `values` is none of the two, `max_units` or `max_edges` not an integer of at least 1,
            `max_labels` not one of at least 0, or there is no `Dense` layer.

        Examples
        --------
        >>> model.plot_graph(max_units=8).savefig("graph.png")
        """
        from ffnn.visualization.graph_figure import plot_graph

        return plot_graph(self, values, max_units, max_edges, max_labels)

    def save_graph(self, path: str | os.PathLike[str], x: Any = None, y: Any = None) -> None:
        """Write the network's graph into a file, whole or not at all.

        The page can send rows through the network: it shows the activations, what each edge
        contributes and, of a row with a target, the gradients of its loss. The numbers are computed
        here, as `predict` does.

        Parameters
        ----------
        path : str or path
            Where to. Its suffix determines the form: ``.html``, one interactive page that needs no
            network and no server; ``.svg`` or ``.png``, the figure of `plot_graph`; ``.graphml``,
            the graph of `to_networkx`.
        x : array-like of shape (rows, input_dim), or a table, optional
            Rows for the page, which shows at most 36 of them, evenly spaced. Without `x` they are
            those of the training that a `Recorder` kept, if there was one.
        y : array-like of shape (rows,) or (rows, units), optional
            Their targets, as for `fit`.

        Raises
        ------
        RuntimeError
            The model is not built, or targets are given and it is not compiled.
        TypeError, ValueError
            `path` is no path, its suffix is another one, rows are given for another form than
            ``.html`` or targets without rows, or there is no `Dense` layer to draw.
        DataError
            The rows or the targets do not fit the model.
        OSError
            The file cannot be written; an old one is left as it was.

        Examples
        --------
        >>> model.save_graph("graph.html", x_test[:5], y_test[:5])
        """
        from ffnn.visualization.graph import save_graph

        save_graph(self, path, x, y)

    def plot_weights(self, layers: Sequence[int] | None = None) -> Figure:
        """Return histograms of weights, biases and gains, with mean, deviation and share of zeros.

        Parameters
        ----------
        layers : sequence of int, optional
            Indices into `layers`, a row for each; negative ones count from the end. None means all
            layers with parameters.

        Raises
        ------
        RuntimeError
            The model is not built.
        TypeError, IndexError, ValueError
            `layers` is not a list of indices, there is no such layer, or it has no parameters.

        Examples
        --------
        >>> model.plot_weights(layers=[0]).savefig("weights.png")
        """
        from ffnn.visualization.distributions import plot_weights

        return plot_weights(self, layers)

    def plot_gradients(self, layers: Sequence[int] | None = None) -> Figure:
        """Return histograms of the gradients of the last backward pass.

        As `plot_weights`; RuntimeError also if no gradient has been computed yet.

        Examples
        --------
        >>> model.plot_gradients().savefig("gradients.png")
        """
        from ffnn.visualization.distributions import plot_gradients

        return plot_gradients(self, layers)

    def plot_distributions(self, layers: Sequence[int] | None = None) -> Figure:
        """Return histograms of weights and, beside them, of their gradients, as `plot_weights`.

        Examples
        --------
        >>> model.plot_distributions().savefig("distributions.png")
        """
        from ffnn.visualization.distributions import plot_distributions

        return plot_distributions(self, layers)

    def _repr_html_(self) -> str:
        """Return a table and a small picture of the layers, for notebooks."""
        from ffnn.visualization.network_html import network_html

        return network_html(self)
