"""What a model shows of itself: graphs, distributions, explanations, diagnoses.

Each method hands the model to the module that does the work, which is loaded when it is first
asked for: a training needs no figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ffnn.models.network import Network

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import networkx as nx
    from matplotlib.figure import Figure

    from ffnn.diagnostics import Diagnosis
    from ffnn.explanation import Explanation
    from ffnn.sequential import Sequential


class VisibleNetwork(Network):
    """A network with the methods by which it is looked into."""

    def to_networkx(self) -> nx.DiGraph:
        """Return the network as a graph with every weight and every gradient.

        There is an edge for each entry of each `Dense` weight and bias. Its float attributes
        ``weight`` and ``gradient`` are the arrays' values exactly; ``gradient`` is NaN as long as
        no gradient was computed. A node's attributes are ``kind`` ("input", "bias", "neuron",
        "output"), ``layer`` (its column: 0 for inputs, k for the k-th `Dense`), ``unit``, ``x``
        and ``y``, ``label``, and, on neurons, ``activation``, ``bias``, gains and shifts with
        their gradients. ``networkx.write_graphml`` writes all of it.

        Returns
        -------
        networkx.DiGraph
            A copy of the numbers: it stays as it is when the model trains on.

        Raises
        ------
        RuntimeError
            The model is not built.
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
            The most neurons to show of a layer, the strongest ones; the rest is folded into one
            node that says how many. None for all.
        max_edges : int or None, default 80
            The most edges to show between two layers, the strongest ones; None for all.
        max_labels : int, default 40
            With at most so many edges, weight and gradient are written on each.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        RuntimeError
            The model is not built, or gradients are asked for and none were computed.
        TypeError, ValueError
            A limit is no whole number of at least 1, or there is no `Dense` layer.
        """
        from ffnn.visualization.graph_figure import plot_graph

        return plot_graph(self, values, max_units, max_edges, max_labels)

    def save_graph(self, path: str | os.PathLike[str]) -> None:
        """Write the network's graph into a file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Where to. Its suffix says as what: ``.html``, one interactive page that needs no
            network and no server (needs the extra ``ffnn[html]``); ``.svg`` or ``.png``, the
            figure of `plot_graph`; ``.graphml``, the graph of `to_networkx`.

        Raises
        ------
        ValueError
            The suffix is another one.
        RuntimeError
            The model is not built.
        ImportError
            The page's library is not installed.
        OSError
            The file cannot be written; an old one is left as it was.
        """
        from ffnn.visualization.graph import save_graph

        save_graph(self, path)

    def plot_weights(self, layers: Sequence[int] | None = None) -> Figure:
        """Return histograms of weights, biases and gains, with mean, spread and share of zeros.

        Parameters
        ----------
        layers : sequence of int, optional
            Indices into `layers`, a row for each; negative ones count from the end. None means all
            layers with parameters.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        RuntimeError
            The model is not built.
        TypeError, IndexError, ValueError
            `layers` is not a list of indices, there is no such layer, or it has no parameters.
        """
        from ffnn.visualization.distributions import plot_weights

        return plot_weights(self, layers)

    def plot_gradients(self, layers: Sequence[int] | None = None) -> Figure:
        """Return histograms of the gradients of the last backward pass.

        Parameters
        ----------
        layers : sequence of int, optional
            As in `plot_weights`.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        RuntimeError
            The model is not built, or no gradient was computed yet.
        TypeError, IndexError, ValueError
            `layers` is not a list of indices, there is no such layer, or it has no parameters.
        """
        from ffnn.visualization.distributions import plot_gradients

        return plot_gradients(self, layers)

    def plot_distributions(self, layers: Sequence[int] | None = None) -> Figure:
        """Return histograms of weights and, beside them, of their gradients.

        Parameters
        ----------
        layers : sequence of int, optional
            As in `plot_weights`.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        RuntimeError
            The model is not built.
        TypeError, IndexError, ValueError
            `layers` is not a list of indices, there is no such layer, or it has no parameters.
        """
        from ffnn.visualization.distributions import plot_distributions

        return plot_distributions(self, layers)

    def explain_step(self, x: Any, y: Any, sample_weight: Any = None) -> Explanation:
        """Return each layer's forward and backward step on a few rows, with formulas and numbers.

        Meant for small networks and for reading. The model stays as it is.

        Parameters
        ----------
        x : array-like of shape (batch, input_dim)
            Inputs, a few rows.
        y : array-like of shape (batch,) or (batch, units)
            Targets, as the loss wants them.
        sample_weight : array-like of shape (batch,), optional
            The rows' weights.

        Returns
        -------
        Explanation
            Print it, or take its ``to_text()``, ``to_markdown()``, ``to_latex()`` or ``plot()``.

        Raises
        ------
        RuntimeError
            The model is not compiled.
        DataError
            The data does not fit.
        ValueError
            The network or the batch is too large to be read.
        """
        from ffnn.explanation import explain_step

        return explain_step(cast("Sequential", self), x, y, sample_weight)

    def diagnose(self, x: Any, y: Any = None, sample_weight: Any = None) -> Diagnosis:
        """Return what is likely wrong with the model or its data, each with a remedy.

        Looked for are dead and saturated units, vanishing and exploding gradients, units that are
        all the same, inputs that are not scaled, a learning rate that is out of range, and labels
        that do not fit the loss. The model stays as it is.

        Parameters
        ----------
        x : array-like, memmap, h5py dataset or sparse matrix of shape (rows, input_dim)
            Inputs, such as the training rows.
        y : array-like of shape (rows,) or (rows, units), optional
            Targets; without them the checks that need a loss are left out.
        sample_weight : array-like of shape (rows,), optional
            The rows' weights.

        Returns
        -------
        Diagnosis
            A list of findings; print it.

        Raises
        ------
        RuntimeError
            The model is not built.
        """
        from ffnn.diagnostics import diagnose

        return diagnose(cast("Sequential", self), x, y, sample_weight)

    def _repr_html_(self) -> str:
        """Return a table and a small picture of the layers, for notebooks."""
        from ffnn.visualization.notebook import network_html

        return network_html(self)
