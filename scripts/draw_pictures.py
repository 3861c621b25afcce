"""Draw the pictures that README shows: ``python scripts/draw_pictures.py [--out FOLDER]``.

The first is a network that has learned XOR, with every weight and every gradient on its edge. The
second is what a `Recorder` saw while a network learned to read digits.
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"


def exclusive_or() -> Figure:
    """Return the graph of a network that tells whether two bits differ."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    model = ffnn.Sequential([Dense(4, "tanh"), Dense(2, "softmax")], input_dim=2, seed=0)
    model.feature_names, model.class_names = ["first bit", "second bit"], ["same", "different"]
    model.compile(ffnn.optimizers.Adam(0.02), "categorical_crossentropy", ["accuracy"])
    model.fit(x, x[:, 0] ^ x[:, 1], epochs=150, verbose=0)
    return model.plot_graph()


def digits_over_time() -> Figure:
    """Return gradients, updates, activations and weights over the epochs of a training."""
    (x, y), _ = ffnn.datasets.load_digits()
    layers = [Rescaling(1 / 16), Dense(32, "relu"), Dense(16, "relu"), Dense(10, "softmax")]
    model = ffnn.Sequential(layers, input_dim=64, seed=1)
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=20, verbose=0, callbacks=[Recorder()])
    assert model.recording is not None
    return model.recording.plot()


def main(argv: Sequence[str] | None = None) -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description="Draw the pictures that README shows.")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="where they go")
    folder = parser.parse_args(argv).out
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (("graph", exclusive_or), ("training", digits_over_time)):
        save_figure(draw(), folder / f"{name}.png", dpi=100)
        print(f"written: {folder / name}.png")


if __name__ == "__main__":
    main()
