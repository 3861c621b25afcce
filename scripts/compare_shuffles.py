"""Compare a full shuffle with ``shuffle="blocks"`` on MNIST sorted by class, the worst order.

    python scripts/compare_shuffles.py [--seeds 3] [--epochs 5] [--page]

The rows are written to a temporary file, class after class, and trained from there by blocks; the
full shuffle trains from memory. With --page the table is put into ``docs/growth.md``. Nothing is
fetched: MNIST is looked for as ``ffnn info`` says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

import numpy as np
from page_sections import DOCS, put, table

import ffnn
from ffnn.layers import Dense, Rescaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def accuracy(x: Any, y: NDArray[Any], test: Any, shuffle: Any, seed: int, epochs: int) -> float:
    """Train 784-128-64-10 on rows and return its accuracy on the test rows, in percent."""
    layers = [Rescaling(1 / 255), Dense(128, "relu"), Dense(64, "relu"), Dense(10, "softmax")]
    model = ffnn.Sequential(layers, x.shape[1], seed=seed)
    model.compile(ffnn.optimizers.SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, 64, epochs, verbose=0, shuffle=shuffle)
    return 100.0 * model.evaluate(*test, return_dict=True)["accuracy"]


def compare(train: Any, test: Any, seeds: int, epochs: int, folder: Path) -> list[list[str]]:
    """Return the rows of the table: for each seed the accuracy of both, and what lies between."""
    x, y = train
    order = np.argsort(y, kind="stable")
    x, y = x[order], y[order]
    np.save(folder / "x.npy", x)
    stored = ffnn.data.open_rows(folder / "x.npy")
    rows = []
    for seed in range(seeds):
        full = accuracy(x, y, test, True, seed, epochs)
        blocks = accuracy(stored, y, test, "blocks", seed, epochs)
        rows.append([str(seed), f"{full:.2f} %", f"{blocks:.2f} %", f"{blocks - full:+.2f}"])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and put it into the page if told to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--page", action="store_true", help="put the table into docs/growth.md")
    options = parser.parse_args(arguments)
    if not ffnn.datasets.find_mnist(None)[2]:
        sys.exit("MNIST was not found; ffnn info says where it is looked for")
    train, test = ffnn.datasets.load_mnist()
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(train, test, options.seeds, options.epochs, Path(folder))
    head = ["seed", "shuffle=True", 'shuffle="blocks"', "difference, points"]
    lines = table(head, rows)
    print("\n".join(lines))
    if options.page:
        put(DOCS / "growth.md", "shuffles", lines)


if __name__ == "__main__":
    main()
