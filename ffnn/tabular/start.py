"""Where the weights of a network begin, by the rows that it will be trained on."""

from __future__ import annotations

import numpy as np

from ffnn._types import Array
from ffnn.layers import Dense, PiecewiseLinear
from ffnn.models.network import Network

_MOST_ROWS = 4096  # that are looked at
_CORNERS = 5  # rows whose mixture a unit begins to tell apart from others


def start_from_rows(network: Network, x: Array, rng: np.random.Generator) -> None:
    """Set weights and biases of each `Dense`, and bins, by what reaches them of some rows.

    Layer by layer, with h the layer's inputs for these rows, its weights are divided by the
    standard deviations of h Wᵀ, unit by unit, so that what each unit sums up has variance 1. Its
    bias becomes minus a random convex combination of the sums of five rows, with weights drawn
    evenly from the simplex: then each unit begins with its kink amid the rows. A `PiecewiseLinear`
    layer is adapted to h.

    Parameters
    ----------
    network : Network
        A built network; its initial weights say in which directions units look.
    x : array of shape (rows, inputs)
        Rows that it will be trained on.
    rng : Generator
        Draws rows and their weights.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data", NeurIPS 2024, appendix A (initialization). Steinwart, "A sober look at neural
    network initializations", arXiv 1903.11482 (the biases, "he+5").
    """
    if len(x) > _MOST_ROWS:
        x = x[np.sort(rng.choice(len(x), _MOST_ROWS, replace=False))]
    h = np.asarray(x, network.dtype)
    for layer in network.layers:
        if isinstance(layer, PiecewiseLinear):
            layer.adapt(h)
        if isinstance(layer, Dense):
            _start(layer, h, rng)
        h = np.array(layer.forward(h))
        layer.release()


def _start(layer: Dense, h: Array, rng: np.random.Generator) -> None:
    weight, bias = layer.params["weight"], layer.params["bias"]
    sums = h @ (weight.T * layer.weight_factor)
    std = sums.std(axis=0)
    std[std == 0.0] = 1.0  # of units that the rows are all alike to
    weight /= std[:, None]
    sums /= std
    corners = rng.integers(len(h), size=(_CORNERS, layer.units))
    shares = rng.exponential(size=corners.shape)
    shares /= shares.sum(axis=0)
    bias[...] = -(np.take_along_axis(sums, corners, axis=0) * shares).sum(axis=0)
