"""The estimators against scikit-learn's own, on its bundled data: time of a fit, and scores.

    python benchmarks/bench_estimators.py [--solvers adam,sgd,lbfgs] [--rounds 9] [--seeds 5]
                                          [--quick] [--json FILE]

`FFNNClassifier` and `MLPClassifier` (on diabetes the regressors) are fitted with default parameters
except for the solver, in float64, on the columns as they are ("raw") and standardised.

- time: in each round both sides fit the whole data set from the same seed. The table shows the
  median of our time, and the median over the rounds of *their time / our time in the same round*
  with its quartiles; the number of epochs and the loss, which for adam and sgd must agree.
- score: 5-fold cross-validation with the first solver, for each seed. The table shows the means
  over folds and seeds, scikit-learn's standard error, and our distance from it in standard errors.

Each side is a child process, pinned to one core where the system allows it, with one thread for its
products; the sides take turns.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import json
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import (
    CHILD_SETTINGS,
    BenchmarkError,
    Child,
    chosen_core,
    environment,
    pin_to,
    threads_in_force,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIDES = ("ffnn", "sklearn")
CLASSES = {
    "ffnn": ("ffnn.estimators", "FFNNClassifier", "FFNNRegressor"),
    "sklearn": ("sklearn.neural_network", "MLPClassifier", "MLPRegressor"),
}
DATA = ("iris", "wine", "breast_cancer", "digits", "diabetes")
COLUMNS = ("raw", "scaled")
SOLVERS = ("adam", "sgd", "lbfgs")
FOLDS = 5
LOSS_TOLERANCE = 0.05  # on raw columns rounding alone can shift the last epoch


# -- one side in its process -----------------------------------------------------------------------


def load(data: str, columns: str) -> tuple[Any, Any]:
    """Return rows and targets of one of scikit-learn's data sets."""
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    x, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    return (StandardScaler().fit_transform(x) if columns == "scaled" else x), y


def make(side: str, data: str, solver: str, seed: int) -> Any:
    """Return a side's estimator for a data set."""
    module, classifier, regressor = CLASSES[side]
    name = regressor if data == "diabetes" else classifier
    return getattr(importlib.import_module(module), name)(solver=solver, random_state=seed)


def answer(side: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the time, epochs and loss of one fit, or the scores of a cross-validation."""
    from sklearn.model_selection import cross_val_score

    x, y = load(request["data"], request["columns"])
    estimator = make(side, request["data"], request["solver"], request["seed"])
    if request["what"] == "score":
        return {"scores": cross_val_score(estimator, x, y, cv=FOLDS).tolist()}
    start = time.perf_counter()
    estimator.fit(x, y)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "epochs": estimator.n_iter_, "loss": float(estimator.loss_)}


def serve(side: str) -> None:
    """Answer the parent: first the threads, then each request."""
    warnings.simplefilter("ignore")
    make(side, "iris", "adam", 0).set_params(max_iter=2).fit(*load("iris", "raw"))
    print(json.dumps({"threads": threads_in_force()}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(side, json.loads(line))), flush=True)


# -- both sides ------------------------------------------------------------------------------------


def ask_both(children: Mapping[str, Child], turn: int, **request: Any) -> dict[str, dict[str, Any]]:
    """Return side → its answer; the sides take turns going first."""
    order = SIDES if turn % 2 == 0 else SIDES[::-1]
    return {side: children[side].ask(json.dumps(request)) for side in order}


def time_fits(children: Mapping[str, Child], rounds: int, **work: Any) -> dict[str, Any]:
    """Let both sides fit in turn, and return the medians.

    Raises
    ------
    BenchmarkError
        The sides reached different losses.
    """
    found = [ask_both(children, turn, what="fit", seed=turn, **work) for turn in range(rounds)]
    ratios = [pair["sklearn"]["seconds"] / pair["ffnn"]["seconds"] for pair in found]
    lower, _, upper = statistics.quantiles(ratios * 2, method="inclusive")
    result: dict[str, Any] = {
        "seconds": statistics.median(pair["ffnn"]["seconds"] for pair in found),
        "ratio": statistics.median(ratios),
        "quartiles": [lower, upper],
    }
    for side in SIDES:
        for number in ("epochs", "loss"):
            result[f"{side} {number}"] = statistics.median(pair[side][number] for pair in found)
    ours, theirs = result["ffnn loss"], result["sklearn loss"]
    if work["solver"] != "lbfgs" and not abs(ours - theirs) <= LOSS_TOLERANCE * theirs:
        raise BenchmarkError(f"{work}: losses of {ours:.4f} (ffnn) and {theirs:.4f} (scikit-learn)")
    return result


def compare_scores(children: Mapping[str, Child], seeds: int, **work: Any) -> dict[str, float]:
    """Return both sides' mean scores over folds and seeds, and scikit-learn's standard error."""
    scores: dict[str, list[float]] = {side: [] for side in SIDES}
    for seed in range(seeds):
        for side, found in ask_both(children, seed, what="score", seed=seed, **work).items():
            scores[side] += found["scores"]
    theirs = scores["sklearn"]
    error = statistics.stdev(theirs) / len(theirs) ** 0.5
    means = {side: statistics.mean(numbers) for side, numbers in scores.items()}
    return {**means, "standard_error": error}


def time_line(data: str, columns: str, solver: str, row: Mapping[str, Any]) -> str:
    """Return a line of the table of times."""
    lower, upper = row["quartiles"]
    epochs = f"{row['ffnn epochs']:.0f} / {row['sklearn epochs']:.0f}"
    losses = f"{row['ffnn loss']:.4g} / {row['sklearn loss']:.4g}"
    return (
        f"{data:<15}{columns:<8}{solver:<7}{1e3 * row['seconds']:>9.1f}{row['ratio']:>8.2f}"
        f"{f'{lower:.2f} - {upper:.2f}':>14}{epochs:>12}{losses:>24}"
    )


def score_line(data: str, columns: str, row: Mapping[str, float]) -> str:
    """Return a line of the table of scores."""
    error = row["standard_error"]
    distance = (row["ffnn"] - row["sklearn"]) / error if error else 0.0
    return (
        f"{data:<15}{columns:<8}{row['ffnn']:>10.4f}{row['sklearn']:>15.4f}{error:>9.4f}"
        f"{distance:>+12.2f}"
    )


def heading(found: Mapping[str, Any], core: int | None, options: argparse.Namespace) -> str:
    """Return the lines that describe the machine and the settings."""
    pinned = "not pinned" if core is None else f"each pinned to core {core}"
    return "\n".join(
        [
            ", ".join(f"{key} {value}" for key, value in found.items()),
            f"one process per side, {pinned}; {options.rounds} rounds, {options.seeds} seeds",
            *(f"  {name}={value}" for name, value in CHILD_SETTINGS.items()),
        ]
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure, print each line as it is done, and return all numbers.

    Raises
    ------
    BenchmarkError
        The sides reached different losses, or a child ended early.
    """
    found, core = environment(["sklearn"]), chosen_core()
    print(heading(found, core, options))
    children: dict[str, Child] = {}
    results: dict[str, Any] = {"environment": found, "threads": {}}
    try:
        for side in SIDES:
            pinned = "" if core is None else str(core)
            children[side] = Child(Path(__file__), "--child", side, "--core", pinned)
        for side, child in children.items():
            results["threads"][side] = child.receive()["threads"]
            print(f"  {side:<9}threads: {results['threads'][side]['pools']}")
        results["times"] = run_times(children, options)
        results["scores"] = run_scores(children, options)
    finally:
        for child in children.values():
            child.close()
    return results


def run_times(children: Mapping[str, Child], options: argparse.Namespace) -> dict[str, Any]:
    """Print the table of times and return its numbers."""
    print(
        f"\n{'data':<15}{'columns':<8}{'solver':<7}{'ffnn, ms':>9}{'ratio':>8}{'quartiles':>14}"
        f"{'epochs':>12}{'loss, ours / theirs':>24}"
    )
    rows = {}
    for solver, data, columns in itertools.product(options.solvers, options.data, COLUMNS):
        row = time_fits(children, options.rounds, data=data, columns=columns, solver=solver)
        rows[f"{data}/{columns}/{solver}"] = row
        print(time_line(data, columns, solver, row), flush=True)
    return rows


def run_scores(children: Mapping[str, Child], options: argparse.Namespace) -> dict[str, Any]:
    """Print the table of scores and return its numbers."""
    solver = options.solvers[0]
    print(
        f"\n{f'score, {solver}':<15}{'columns':<8}{'ffnn':>10}{'scikit-learn':>15}{'SE':>9}"
        f"{'distance':>12}"
    )
    rows = {}
    for data, columns in itertools.product(options.data, COLUMNS):
        row = compare_scores(children, options.seeds, data=data, columns=columns, solver=solver)
        rows[f"{data}/{columns}"] = row
        print(score_line(data, columns, row), flush=True)
    return rows


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(description="Compare the estimators with scikit-learn's.")
    parser.add_argument(
        "--solvers", default=",".join(SOLVERS), help="solvers to run, separated by commas"
    )
    parser.add_argument("--rounds", type=int, help="fits per side (default: 9)")
    parser.add_argument("--seeds", type=int, help="seeds of the cross-validation (default: 5)")
    parser.add_argument("--quick", action="store_true", help="2 rounds, 1 seed, iris and diabetes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    parser.add_argument("--child", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--core", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    options.solvers = options.solvers.split(",")
    options.data = ("iris", "diabetes") if options.quick else DATA
    for name, usual, quick in (("rounds", 9, 2), ("seeds", 5, 1)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
        if getattr(options, name) < 1:
            parser.error(f"--{name}: expected at least 1, got {getattr(options, name)}")
    if not set(options.solvers) <= set(SOLVERS):
        parser.error(f"--solvers: expected some of {', '.join(SOLVERS)}")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = arguments(argv)
    if options.child:
        pin_to(options.core)
        serve(options.child)
        return 0
    if importlib.util.find_spec("sklearn") is None:
        print("bench_estimators: scikit-learn is not installed", file=sys.stderr)
        return 1
    try:
        results = run(options)
    except BenchmarkError as error:
        print(f"bench_estimators: {error}", file=sys.stderr)
        return 1
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
