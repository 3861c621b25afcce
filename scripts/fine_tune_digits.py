"""Measure what the layers of a network that knows the digits 0 to 4 are worth for other tasks.

    python scripts/fine_tune_digits.py

The tasks have few rows: the digits 5 to 9, and the digits 0 to 4 in pale pictures with noise. For
each number of rows a digit it prints the mean accuracy on test rows over 20 seeds, and the standard
error of that mean: of a network that begins from nothing; of the known hidden layers with a new
output layer, all of them trained; with the first hidden layer frozen; and with both frozen.
`docs/fine-tuning.md` quotes the tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

import ffnn
from ffnn.layers import Dense, Layer, Rescaling
from ffnn.optimizers import Adam

ROWS = (2, 5, 20)  # of each digit
WAYS = ("from nothing", "copied, all trained", "first one frozen", "both frozen")
Rows = tuple[np.ndarray, np.ndarray]


def select(digits: range, x: np.ndarray, y: np.ndarray) -> Rows:
    """Return the rows of some digits, numbered from 0."""
    chosen = np.isin(y, digits)
    return x[chosen].astype(np.float32), y[chosen] - digits.start


def fade(rows: Rows, seed: int) -> Rows:
    """Return pictures at half the contrast, with noise."""
    noise = np.random.default_rng(seed).normal(0.0, 3.0, rows[0].shape)
    return np.clip(0.5 * rows[0] + noise, 0.0, 16.0).astype(np.float32), rows[1]


def draw(rows: Rows, count: int, seed: int) -> Rows:
    """Return `count` rows of each class."""
    (x, y), rng = rows, np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(y == k))[:count] for k in np.unique(y)]
    return x[np.concatenate(chosen)], y[np.concatenate(chosen)]


def train(
    layers: Sequence[Layer], rows: Rows, seed: int, epochs: int, rate: float
) -> ffnn.Sequential:
    """Return a network of hidden layers and a new output layer, trained."""
    model = ffnn.Sequential([*layers, Dense(5, "softmax")], input_dim=64, seed=seed)
    model.compile(Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(*rows, epochs=epochs, verbose=0)
    return model


def new_layers() -> list[Layer]:
    """Return new layers up to the last hidden one."""
    return [Rescaling(1 / 16), Dense(64, "relu"), Dense(32, "relu")]


def compare(old: ffnn.Sequential, rows: Rows, test: Rows, seed: int) -> list[float]:
    """Return the accuracy on the test rows of each of `WAYS`."""
    models = [train(new_layers(), rows, seed, 200, 0.003)]
    for count in range(3):
        copies = [layer.copy() for layer in old.layers[:-1]]
        for layer in copies[1 : 1 + count]:
            layer.trainable = False
        models.append(train(copies, rows, seed, 200, 0.003))
    return [model.evaluate(*test, return_dict=True)["accuracy"] for model in models]


def main() -> None:
    """Print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    options = parser.parse_args()
    data = ffnn.datasets.load_digits()
    known, known_test = (select(range(5), *rows) for rows in data)
    tasks = {
        "The digits 5 to 9": [select(range(5, 10), *rows) for rows in data],
        "The digits 0 to 4, pale and with noise": [fade(known, 1), fade(known_test, 2)],
    }
    olds = [train(new_layers(), known, seed, 30, 0.001) for seed in range(options.seeds)]
    for title, (rows, test) in tasks.items():
        print(f"{title}\n\n| rows a digit | {' | '.join(WAYS)} |\n{'|---' * 5}|")
        for count in options.rows:
            found = [compare(old, draw(rows, count, k), test, k) for k, old in enumerate(olds)]
            mean, error = np.mean(found, axis=0), np.std(found, axis=0) / len(found) ** 0.5
            cells = [f"{m:.1%} ± {e:.1%}" for m, e in zip(mean, error, strict=True)]
            print(f"| {count} | {' | '.join(cells)} |", flush=True)
        print()


if __name__ == "__main__":
    main()
