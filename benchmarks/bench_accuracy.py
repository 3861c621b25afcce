"""How long it takes to reach the same test accuracy on MNIST, against scikit-learn.

    python benchmarks/bench_accuracy.py [--target 0.97] [--seeds 3] [--quick] [--json FILE]

Both sides train a 784-100-10 network with ReLU and Adam at learning rate 0.001, epoch by epoch,
until their accuracy on the test rows reaches the target. There are two settings:

- defaults: ``MLPClassifier()`` (batches of 200, a penalty of 1e-4) on the float64 that ``pixels /
  255`` gives, and ffnn's ``fit`` with its defaults (batches of 32, float32) on the pixels;
- matched: float32 rows in memory, batches of 200, no penalty, the same Adam, for both.

Only the time inside the epochs counts, without testing, building the model and preparing
scikit-learn's input. Its epochs are calls of ``partial_fit``, each of which checks its input again;
ffnn's are those of one ``fit``. Each side is a child process with one thread for its matrix
products, and they take turns, seed by seed. The table shows medians over the seeds.

It needs scikit-learn and MNIST. With --quick it takes the package's own digits and one seed, to
check that it runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import BenchmarkError, Child, environment, threads_in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Data = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

SETTINGS = ("defaults", "matched")
SIDES = ("ffnn", "sklearn")
HIDDEN, MATCHED_BATCH = 100, 200
ADAM_EPSILON = 1e-8  # scikit-learn's


def load_data(quick: bool) -> tuple[Data, float]:
    """Return training and test rows, uint8, and the largest pixel value."""
    from ffnn import datasets

    return (datasets.load_digits(), 16.0) if quick else (datasets.load_mnist(), 255.0)


# -- one side in its process -----------------------------------------------------------------------


class Race:
    """A clock of the epochs, stopped while the test rows are predicted.

    Parameters
    ----------
    accuracy : callable
        Returns the accuracy on the test rows.
    target : float
        The accuracy at which the race ends.
    """

    def __init__(self, accuracy: Callable[[], float], target: float) -> None:
        self._accuracy, self._target = accuracy, target
        self.seconds: list[float] = []
        self.accuracies: list[float] = []
        self._start = 0.0

    def begin_epoch(self) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def end_epoch(self) -> bool:
        """Stop the clock, test, and return whether the target is reached."""
        self.seconds.append(time.perf_counter() - self._start)
        self.accuracies.append(self._accuracy())
        return self.accuracies[-1] >= self._target


def race_ffnn(setting: str, data: Data, scale: float, seed: int, limits: tuple[float, int]) -> Race:
    """Train ffnn until it reaches the target, and return its clock."""
    import ffnn
    from ffnn.callbacks import Callback
    from ffnn.layers import Dense, Rescaling
    from ffnn.optimizers import Adam

    (x, y), (x_test, y_test) = data
    target, epochs = limits
    optimizer, batch = Adam(), {}
    layers = [Rescaling(1 / scale), Dense(HIDDEN, "relu"), Dense(10, "softmax")]
    if setting == "matched":
        optimizer, batch = Adam(epsilon=ADAM_EPSILON), {"batch_size": MATCHED_BATCH}
        x, x_test, layers = _floats(x, scale), _floats(x_test, scale), layers[1:]
    model = ffnn.Sequential(layers, input_dim=x.shape[1], seed=seed)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    race = Race(lambda: float(np.mean(model.predict(x_test).argmax(axis=1) == y_test)), target)

    class Clock(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            race.begin_epoch()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            model.stop_training = race.end_epoch()

    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[Clock()], **batch)
    return race


def race_sklearn(
    setting: str, data: Data, scale: float, seed: int, limits: tuple[float, int]
) -> Race:
    """Train scikit-learn's classifier until it reaches the target, and return its clock."""
    from sklearn.neural_network import MLPClassifier

    (x, y), (x_test, y_test) = data
    target, epochs = limits
    if setting == "matched":
        model = MLPClassifier(batch_size=MATCHED_BATCH, alpha=0.0, random_state=seed)
        x, x_test = _floats(x, scale), _floats(x_test, scale)
    else:
        model = MLPClassifier(random_state=seed)
        x, x_test = x / scale, x_test / scale
    race, classes = Race(lambda: float(model.score(x_test, y_test)), target), np.arange(10)
    for _ in range(epochs):
        race.begin_epoch()
        model.partial_fit(x, y, classes=classes)
        if race.end_epoch():
            break
    return race


def _floats(x: NDArray[Any], scale: float) -> NDArray[np.float32]:
    return x.astype(np.float32) / np.float32(scale)


def serve(side: str, quick: bool, target: float, epochs: int) -> None:
    """Answer the parent: first the threads, then a race for each setting and seed."""
    data, scale = load_data(quick)
    run = {"ffnn": race_ffnn, "sklearn": race_sklearn}[side]
    print(json.dumps({"threads": threads_in_force()}), flush=True)
    for line in sys.stdin:
        setting, seed = json.loads(line)
        race = run(setting, data, scale, seed, (target, epochs))
        print(json.dumps({"seconds": race.seconds, "accuracies": race.accuracies}), flush=True)


# -- both sides ------------------------------------------------------------------------------------


def check_reached(setting: str, side: str, accuracies: Sequence[float], target: float) -> None:
    """Check that a side reached the target.

    Raises
    ------
    BenchmarkError
        It did not, so that there is no time to compare.
    """
    if not accuracies or not accuracies[-1] >= target:
        best = max(accuracies, default=0.0)
        raise BenchmarkError(
            f"{setting}: {side} did not reach a test accuracy of {target} in {len(accuracies)} "
            f"epochs, its best was {best:.4f}; lower --target or raise --epochs"
        )


def measure(args: argparse.Namespace, seeds: int, target: float) -> dict[str, Any]:
    """Return side and setting → one answer for each seed, and the threads of the sides."""
    options = ["--target", str(target), "--epochs", str(args.epochs)] + ["--quick"] * args.quick
    children: dict[str, Child] = {}
    races: dict[str, dict[str, list[Any]]] = {name: {s: [] for s in SIDES} for name in SETTINGS}
    try:
        for side in SIDES:
            children[side] = Child(Path(__file__), "--child", side, *options)
        threads = {side: child.receive()["threads"] for side, child in children.items()}
        for setting in SETTINGS:
            for seed in range(seeds):
                for side in SIDES if seed % 2 else SIDES[::-1]:
                    answer = children[side].ask(json.dumps([setting, seed]))
                    check_reached(setting, side, answer["accuracies"], target)
                    races[setting][side].append(answer)
        return {"threads": threads, "races": races}
    finally:
        for child in children.values():
            child.close()


def table(races: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> list[str]:
    """Return the lines of the result: medians over the seeds, and of the ratio of seconds."""
    heads = f"{'setting':<12}{'side':<10}{'epochs':>8}{'seconds':>10}{'s/epoch':>10}"
    lines = [f"{heads}{'accuracy':>10}{'ratio':>8}"]
    for setting, sides in races.items():
        own = [sum(race["seconds"]) for race in sides["ffnn"]]
        for side, answers in sides.items():
            seconds = [sum(race["seconds"]) for race in answers]
            ratio = statistics.median(t / mine for t, mine in zip(seconds, own, strict=True))
            epochs = statistics.median(len(race["seconds"]) for race in answers)
            each = statistics.median(t for race in answers for t in race["seconds"])
            reached = statistics.median(race["accuracies"][-1] for race in answers)
            lines.append(
                f"{setting:<12}{side:<10}{epochs:>8g}{statistics.median(seconds):>10.2f}"
                f"{each:>10.3f}{reached:>10.4f}{ratio:>7.2f}×"
            )
    return lines


def what_is_missing(quick: bool) -> str | None:
    """Return what the benchmark lacks, or None."""
    from ffnn import datasets

    if importlib.util.find_spec("sklearn") is None:
        return "scikit-learn is not installed: pip install scikit-learn"
    folder, _, there = datasets.find_mnist(None)
    if not quick and not there:
        return f"MNIST is not in {folder}: set FFNN_DATA_DIR, or let ffnn load it once"
    return None


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time both sides to the same test accuracy.")
    add = parser.add_argument
    add("--target", type=float, help="the test accuracy (default: 0.97; with --quick 0.9)")
    add("--seeds", type=int, default=3, help="number of races at each setting")
    add("--epochs", type=int, default=50, help="give a race up after this many")
    add("--quick", action="store_true", help="one seed on the package's digits")
    add("--json", metavar="FILE", type=Path, help="also write all epochs to this file")
    add("--child", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.target is None:
        args.target = 0.9 if args.quick else 0.97
    if not 0 < args.target <= 1 or args.seeds < 1 or args.epochs < 1:
        parser.error("expected a target above 0 and of at most 1, and at least one seed and epoch")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run all races and print the table; 1 if there is no valid result."""
    args = _arguments(argv)
    if args.child:
        serve(args.child, args.quick, args.target, args.epochs)
        return 0
    missing = what_is_missing(args.quick)
    if missing:
        print(f"bench_accuracy: error: {missing}", file=sys.stderr)
        return 1
    about, seeds = environment(["sklearn"]), 1 if args.quick else args.seeds
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    try:
        result = measure(args, seeds, args.target)
    except BenchmarkError as error:
        print(f"bench_accuracy: error: {error}", file=sys.stderr)
        return 1
    print(f"threads: {result['threads']}")
    print(f"to a test accuracy of {args.target}, medians of {seeds} seed{'s' * (seeds > 1)}\n")
    print("\n".join(table(result["races"])))
    if args.json:
        content = {"environment": about, "target": args.target, **result}
        args.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
