"""Integrated gradients: what each feature contributes to an output, along a straight path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ffnn._types import Array
from ffnn.core.progress import bar
from ffnn.inspection.path_embedding import PathEmbedding
from ffnn.layers import Embedding
from ffnn.layers.chain import all_layers, run_backward, run_forward
from ffnn.models.trainable import Trainable

LARGEST_ERROR = 0.01  # up to which contributions count as complete
FEWEST_PARTS, MOST_PARTS = 4, 256  # of a path: at first, and from which on none is halved
MOST_ROUNDS = 24  # in which parts are halved
_POINTS = 8  # of a part
_BATCH = 4096  # points of paths that are computed together
_ROWS = 256  # that are refined together
_LEAST = 0.01  # of all contributions: a smaller difference has no error of its own
_WORST = 0.25  # of the largest miss of a row's parts: those that miss more are halved


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
    points in each of 4 parts of the path. Within each part the contributions have to add up to the
    difference of the outputs at its ends; the parts that miss it most, such as those with a kink,
    are halved, up to 24 times or to 256 parts, until all of them together miss at most 1 % of the
    difference. All is computed in float64 by a copy of the model. Codes of categories, which an
    `Embedding` reads, have nothing in between; `PathEmbedding` leads straight from the vector of
    one category to that of the other.

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
    network, count = _Network(model), len(x)
    x, baselines = x.astype(np.float64), baselines.astype(np.float64)
    outputs = network.outputs(x)[np.arange(count), units]
    starts = network.outputs(baselines).mean(axis=0)[units]
    values, steps = np.zeros_like(x), np.zeros(count, np.intp)
    with bar("Explaining", count, "row") as seen:
        for part in _slices(count, _ROWS):
            paths = _Paths(network, x[part], baselines, units[part])
            paths.refine(np.abs(outputs[part] - starts[part]))
            values[part], steps[part] = paths.sums(), paths.steps
            seen.update(len(paths.steps))
    missed = np.abs(values.sum(axis=1) - (outputs - starts))
    scale = _scale(np.abs(outputs - starts), np.abs(values).sum(axis=1))
    errors = np.divide(missed, scale, out=np.where(missed, np.inf, 0.0), where=scale > 0.0)
    return Integral(values, outputs, starts, errors, steps)


def _scale(differences: Array, contributions: Array) -> Array:
    """Return what an error is relative to, from absolute differences and sums of contributions."""
    return np.maximum(differences, _LEAST * contributions)


class _Network:
    """A copy of a model that computes outputs, and gradients on the way between rows."""

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
        blocks = (x[part] for part in _slices(len(x), _BATCH))
        return np.concatenate([run_forward(self.stages, block, False).copy() for block in blocks])

    def lead(self, begin: Array, end: Array, points: int) -> None:
        """Tell the embeddings between which rows the next batch is, of `points` for each."""
        if not self.embeddings:
            return
        codes = list[list[Array]]()
        for x in (begin, end):
            self.outputs(x)
            codes.append([e.own_x.repeat(points, axis=1) for e in self.embeddings])
        for embedding, first, last in zip(self.embeddings, *codes, strict=True):
            embedding.ends = first, last

    def slopes(self, points: Array, units: Array) -> tuple[Array, Array]:
        """Return one output of each row, (rows,), and its gradient, (rows, features)."""
        rows = np.arange(len(points))
        y = run_forward(self.stages, points, False)
        output, grad = y[rows, units], np.zeros(y.shape)
        grad[rows, units] = 1.0
        slopes = run_backward(self.stages[::-1], grad)
        assert slopes is not None
        return output, slopes


class _Paths:
    """The paths from some baselines to some rows, in parts, of each of which the integral is known.

    Parts are arrays of equal length: the number of the path, where the part begins (from 0 to 1)
    and how long it is, its integral (parts, features), and by how much that misses the difference.
    """

    def __init__(self, network: _Network, x: Array, baselines: Array, units: Array) -> None:
        self.network, self.size = network, len(baselines)
        self.rows, bases = (index.ravel() for index in np.indices((len(x), self.size)))
        self.begin, self.way = baselines[bases], x[self.rows] - baselines[bases]
        self.units, self.steps = units[self.rows], np.zeros(len(x), np.intp)
        self.path = np.repeat(np.arange(len(self.rows)), FEWEST_PARTS)
        self.low = np.tile(np.arange(FEWEST_PARTS) / FEWEST_PARTS, len(self.rows))
        self.width = np.full(len(self.path), 1.0 / FEWEST_PARTS)
        self.integral, self.miss = self._measure(self.path, self.low, self.width)

    def sums(self) -> Array:
        """Return the contributions, (rows, features): the means over all baselines."""
        sums = np.zeros((len(self.steps), self.integral.shape[1]))
        np.add.at(sums, self.rows[self.path], self.integral)
        return sums / self.size

    def refine(self, differences: Array) -> None:
        """Halve parts until they miss, row by row, at most 1 % of the absolute differences."""
        for _ in range(MOST_ROUNDS):
            rows, sizes = self.rows[self.path], np.abs(self.sums()).sum(axis=1)
            total = np.bincount(rows, self.miss, len(self.steps)) / self.size
            parts = np.bincount(rows, minlength=len(self.steps)) / self.size
            is_open = total > LARGEST_ERROR * _scale(differences, sizes)
            is_open &= parts < MOST_PARTS
            worst = np.zeros(len(self.steps))
            np.maximum.at(worst, rows, self.miss)
            chosen = is_open[rows] & (self.miss >= _WORST * worst[rows])
            if not chosen.any():
                return
            self._halve(chosen)

    def _halve(self, chosen: Array) -> None:
        path, width = self.path[chosen].repeat(2), self.width[chosen].repeat(2) / 2.0
        low = self.low[chosen].repeat(2)
        low[1::2] += width[1::2]
        new = (path, low, width, *self._measure(path, low, width))
        old = (self.path, self.low, self.width, self.integral, self.miss)
        self.path, self.low, self.width, self.integral, self.miss = (
            np.concatenate([mine[~chosen], other]) for mine, other in zip(old, new, strict=True)
        )

    def _measure(self, path: Array, low: Array, width: Array) -> tuple[Array, Array]:
        """Return the integrals of some parts, and by how much each misses the difference."""
        np.add.at(self.steps, self.rows[path], _POINTS)
        nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
        places = np.concatenate([[0.0], (nodes + 1.0) / 2.0, [1.0]])  # with both ends
        weights = np.concatenate([[0.0], weights / 2.0, [0.0]])
        integral, miss = np.empty((len(path), self.way.shape[1])), np.empty(len(path))
        for part in _slices(len(path), _BATCH // len(places)):
            begin, way = self.begin[path[part]], self.way[path[part]]
            self.network.lead(begin, begin + way, len(places))
            shares = low[part, None] + places * width[part, None]
            points = begin[:, None] + shares[:, :, None] * way[:, None]
            units = self.units[path[part]].repeat(len(places))
            output, slopes = self.network.slopes(points.reshape(-1, way.shape[1]), units)
            mean = np.einsum("t,ptj->pj", weights, slopes.reshape(points.shape))
            integral[part] = width[part, None] * way * mean
            ends = output.reshape(shares.shape)[:, [0, -1]]
            miss[part] = np.abs(integral[part].sum(axis=1) - (ends[:, 1] - ends[:, 0]))
        return integral, miss


def _slices(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` that together are the first `count`."""
    return (slice(start, start + size) for start in range(0, count, size))
