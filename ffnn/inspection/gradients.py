"""Integrated gradients: what each feature contributes to an output, along a straight path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.progress import bar
from ffnn.inspection.path_embedding import PathEmbedding
from ffnn.layers import Embedding
from ffnn.layers.chain import run_backward, run_forward
from ffnn.models.replicas import all_layers
from ffnn.models.trainable import Trainable

LARGEST_ERROR = 0.01  # up to which contributions count as complete
FEWEST_PANELS, MOST_PANELS = 4, 512  # of a path, each with so many points:
_POINTS = 8
_BATCH = 4096  # points of paths that are computed together
_LEAST = 0.01  # of all contributions: a smaller difference has no error of its own


class Integral(NamedTuple):
    """What the features of some rows contribute.

    Attributes
    ----------
    values : ndarray of shape (rows, features)
        The contributions.
    outputs, starts : ndarray of shape (rows,)
        The output for each row, and the mean output for the baselines.
    errors : ndarray of shape (rows,)
        By how much the sum of the contributions misses the difference of the two: its share of the
        difference, or of a hundredth of the sum of absolute contributions where that is more.
    steps : ndarray of int, shape (rows,)
        At how many points of each path the gradient was taken.
    """

    values: Array
    outputs: Array
    starts: Array
    errors: Array
    steps: Array


def integrate(model: Trainable, x: Array, baselines: Array, units: Array) -> Integral:
    """Return integrated gradients, of each row for one output, by the model's own backward pass.

    For an output f of the network, a row x and a baseline x₀, feature j contributes

        c_j = (x_j - x₀_j) ∫₀¹ ∂f/∂x_j (x₀ + t (x - x₀)) dt,    Σ_j c_j = f(x) - f(x₀),

    the mean over the baselines, if there are several. The integral is a Gauss-Legendre sum of 8
    points in each of 4, 8, ... 512 equal parts of the path: as many as bring the sum of the
    contributions within 1 % of the difference. All is computed in float64 by a copy of the model.
    Codes of categories, which an `Embedding` reads, have nothing in between; `PathEmbedding` leads
    straight from the vector of one category to that of the other.

    Parameters
    ----------
    model : Trainable
        A built model, which stays as it is.
    x : ndarray of shape (rows, features)
        The rows.
    baselines : ndarray of shape (baselines, features)
        The rows that they are compared with.
    units : ndarray of int, shape (rows,)
        The output that is looked at, for each row.

    References
    ----------
    Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017, sections 3 and 5.
    Erion, Janizek, Sturmfels, Lundberg, Lee, "Improving performance of deep learning models with
    axiomatic attribution priors and expected gradients", Nature Machine Intelligence 2021 (the mean
    over baselines).
    """
    path, rows = _Paths(model), len(x)
    x, baselines = x.astype(np.float64), baselines.astype(np.float64)
    outputs = path.outputs(x)[np.arange(rows), units]
    starts = path.outputs(baselines).mean(axis=0)[units]
    difference = outputs - starts
    values, errors = np.zeros_like(x), np.full(rows, np.inf)
    steps, pending, panels = np.zeros(rows, np.intp), np.arange(rows), FEWEST_PANELS
    with bar("Explaining", rows, "row") as seen:
        while len(pending) and panels <= MOST_PANELS:
            values[pending] = path.integrals(x[pending], baselines, units[pending], panels)
            steps[pending] = panels * _POINTS
            missed = np.abs(values.sum(axis=1) - difference)
            scale = np.maximum(np.abs(difference), _LEAST * np.abs(values).sum(axis=1))
            errors = np.divide(missed, scale, out=np.where(missed, np.inf, 0.0), where=scale > 0.0)
            unfinished = np.flatnonzero(errors > LARGEST_ERROR)
            seen.update(len(pending) - len(unfinished))
            pending, panels = unfinished, 2 * panels
    return Integral(values, outputs, starts, errors, steps)


class _Paths:
    """A copy of a model that computes outputs, and gradients along straight paths."""

    def __init__(self, model: Trainable) -> None:
        twin = model.as_double()
        self.embeddings = list[PathEmbedding]()
        for layer in all_layers(twin.layers):
            layer.needs_input_grad = True
            if isinstance(layer, Embedding):
                layer.__class__ = PathEmbedding
                assert isinstance(layer, PathEmbedding)
                self.embeddings.append(layer)
        self.stages = twin.stages

    def outputs(self, x: Array) -> Array:
        """Return the outputs for rows, (rows, units)."""
        for embedding in self.embeddings:
            embedding.ends = None
        blocks = (x[start : start + _BATCH] for start in range(0, len(x), _BATCH))
        return np.concatenate([run_forward(self.stages, b, False).copy() for b in blocks])

    def integrals(self, x: Array, baselines: Array, units: Array, panels: int) -> Array:
        """Return the contributions to one output of each row, the mean over all baselines."""
        nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
        begins = np.arange(panels)[:, None]
        places = ((begins + (nodes + 1.0) / 2.0) / panels).ravel()  # on the path, from 0 to 1
        weights = np.tile(weights / 2.0 / panels, panels)
        rows, starts = (
            index.ravel() for index in np.indices((len(x), len(baselines)))
        )  # of all paths
        sums = np.zeros_like(x)
        for part in _parts(len(rows), max(_BATCH // len(places), 1)):
            begin, way = baselines[starts[part]], x[rows[part]] - baselines[starts[part]]
            self._lead(begin, begin + way, len(places))
            points = begin[:, None] + places[:, None] * way[:, None]
            slopes = self._gradients(points, units[rows[part]])
            np.add.at(sums, rows[part], way * np.einsum("t,ptj->pj", weights, slopes))
        return sums / len(baselines)

    def _lead(self, begin: Array, end: Array, points: int) -> None:
        """Tell the embeddings between which categories the next batch is: `points` for each row."""
        if not self.embeddings:
            return
        codes = list[list[Array]]()
        for x in (begin, end):
            self.outputs(x)
            codes.append([e.own_x.repeat(points, axis=1) for e in self.embeddings])
        for embedding, first, last in zip(self.embeddings, *codes, strict=True):
            embedding.ends = first, last

    def _gradients(self, points: Array, units: Array) -> Array:
        """Return ∂(the unit of each path)/∂x at points of shape (paths, points, features)."""
        y = run_forward(self.stages, points.reshape(-1, points.shape[-1]), False)
        grad = np.zeros(y.shape)
        grad[np.arange(len(y)), units.repeat(points.shape[1])] = 1.0
        slopes = run_backward(self.stages[::-1], grad)
        assert slopes is not None
        return slopes.reshape(points.shape)


def _parts(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` that together are the first `count`."""
    return (slice(start, start + size) for start in range(0, count, size))
