"""A small table, and the network that is to learn it."""

import numpy as np

import ffnn
from ffnn.tables import TableEncoder
from ffnn.tabular.network import make_layers
from ffnn.tabular.recipe import Recipe
from ffnn.tabular.training import Rows


def problem(task="regression", rows=240):
    """Return a recipe, a maker of its network, and half of the rows for each purpose."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3))
    y = 1e6 + 1e4 * (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2])
    table = [dict(zip("abc", row, strict=True)) for row in x.tolist()]
    encoder = TableEncoder("robust", 9).fit(table[: rows // 2])
    features = encoder.transform(table).astype(np.float32)
    y = y if task == "regression" else (y > 1e6).astype(int)
    half = rows // 2
    parts = Rows(features[:half], y[:half]), Rows(features[half:], y[half:])
    recipe = Recipe.of(task, half, 3, 1 if task == "regression" else 2)
    return recipe, (lambda: ffnn.Sequential(make_layers(recipe, encoder, y), seed=0)), *parts
