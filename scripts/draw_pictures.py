"""Draw the pictures that README and docs show: ``python scripts/draw_pictures.py [--out FOLDER]``.

They have twice the pixels that they are shown with, for dense screens.

The first is a network that has learned XOR, with every weight and every gradient on its edge. The
second is what a `Recorder` saw while a network learned to read digits. Then come a search for the
learning rate of that network, and what another one has learned of three spirals.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import ffnn
from ffnn.callbacks import Recorder
from ffnn.charts.files import save_figure
from ffnn.layers import Dense, Rescaling
from ffnn.visualization import plot_boundary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
DOTS = 200  # an inch


def exclusive_or() -> Figure:
    """Return the graph of a network that tells whether two bits differ."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    model = ffnn.Sequential([Dense(4, "tanh"), Dense(2, "softmax")], input_dim=2, seed=0)
    model.feature_names, model.class_names = ["first bit", "second bit"], ["same", "different"]
    model.compile(ffnn.optimizers.Adam(0.02), "categorical_crossentropy", ["accuracy"])
    model.fit(x, x[:, 0] ^ x[:, 1], epochs=150, verbose=0)
    return model.plot_graph()


def reader_of_digits() -> ffnn.Sequential:
    """Return a network that has not learned yet."""
    layers = [Rescaling(1 / 16), Dense(32, "relu"), Dense(16, "relu"), Dense(10, "softmax")]
    model = ffnn.Sequential(layers, input_dim=64, seed=1)
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    return model


def digits_over_time() -> Figure:
    """Return gradients, updates, activations and weights over the epochs of a training."""
    (x, y), _ = ffnn.datasets.load_digits()
    model = reader_of_digits()
    model.fit(x, y, epochs=20, verbose=0, callbacks=[Recorder()])
    assert model.recording is not None
    return model.recording.plot()


def learning_rates() -> Figure:
    """Return the loss at ever higher learning rates, with the one that is suggested."""
    (x, y), _ = ffnn.datasets.load_digits()
    return ffnn.find_learning_rate(reader_of_digits(), x, y, verbose=0).plot()


def spirals() -> Figure:
    """Return what a network has learned of three spirals, one inside the other."""
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    radius = np.sqrt(rng.uniform(0.05, 1.0, 600))
    angle = 4.5 * radius + 2.0 * np.pi / 3.0 * y + rng.normal(0.0, 0.15, 600)
    x = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    layers = [Dense(64, "tanh"), Dense(64, "tanh"), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=2, seed=0)
    model.class_names = ["first", "second", "third"]
    model.compile(ffnn.optimizers.Adam(0.003), "categorical_crossentropy")
    model.fit(x, y, epochs=150, verbose=0)
    return plot_boundary(model, x, y)


PICTURES = {
    "graph": exclusive_or,
    "training": digits_over_time,
    "rates": learning_rates,
    "boundary": spirals,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description="Draw the pictures that README and docs show.")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="where they go")
    folder = parser.parse_args(argv).out
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        save_figure(draw(), folder / f"{name}.png", dpi=DOTS)
        print(f"written: {folder / name}.png")


if __name__ == "__main__":
    main()
