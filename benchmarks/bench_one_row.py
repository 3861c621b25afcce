"""How long the prediction of a single row of a table takes, its encoding included.

    python benchmarks/bench_one_row.py [FILE --target NAME] [--calls N]

Trains the network for tables (for one epoch, as only its size counts) on a file, or on a generated
table of eight columns, and times ``model.predict([{...}])`` beside its parts: the encoder alone,
and the network on a row that is encoded. ``estimator`` is the prediction of ``TabularClassifier``
or ``TabularRegressor``, which computes in float64. The medians of many calls are printed, each call
with another row of the table.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.core.text import counted
from ffnn.errors import DataError
from ffnn.tables import TableEncoder, TabularClassifier, TabularRegressor, read_table
from ffnn.tabular import recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Rows = list[dict[str, Any]]


def generated(count: int = 500) -> tuple[Rows, list[Any]]:
    """Return rows with numbers, some of them missing, words and codes; and classes."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "age": None if rng.random() < 0.2 else float(rng.integers(1, 80)),
            "fare": float(rng.lognormal(3.0)),
            "relatives": int(rng.poisson(0.5)),
            "class": str(rng.choice(["first", "second", "third"])),
            "port": str(rng.choice(["Cherbourg", "Queenstown", "Southampton"])),
            "deck": None if rng.random() < 0.5 else str(rng.choice(list("ABCDEF"))),
            "sex": str(rng.choice(["male", "female"])),
            "title": f"title {rng.integers(20)}",
        }
        for _ in range(count)
    ]
    return rows, ["yes" if rng.random() < 0.4 else "no" for _ in rows]


def from_file(path: str, target: str) -> tuple[Rows, list[Any]]:
    """Return the rows of a file that have the target, and their targets: texts, or floats."""
    table = read_table(path)
    learned = TableEncoder().fit(table, target).target
    assert learned is not None
    table = table.take(learned.rows_of(table))
    entries = {each.name: [_plain(v) for v in each.array.tolist()] for each in table.columns}
    y = entries.pop(target)
    rows = [dict(zip(entries, row, strict=True)) for row in zip(*entries.values(), strict=True)]
    return rows, [str(value) if learned.class_names else float(value) for value in y]


def _plain(entry: Any) -> Any:
    """Return an entry as it comes out of JSON."""
    if isinstance(entry, float):
        return None if math.isnan(entry) else entry
    return entry if entry is None or isinstance(entry, (int, str)) else str(entry)


def median_time(work: Callable[[Any], Any], rows: Sequence[Any], calls: int) -> float:
    """Return the median of the microseconds that a call takes."""
    times = []
    for row in itertools.islice(itertools.cycle(rows), calls):
        begun = time.perf_counter()
        work(row)
        times.append(time.perf_counter() - begun)
    return 1e6 * statistics.median(times[calls // 10 :])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the medians; 2 on wrong usage."""
    parser = argparse.ArgumentParser(description="Time predictions of single rows of a table.")
    parser.add_argument("file", nargs="?", help="a table; without it one is generated")
    parser.add_argument("--target", default="target", help="its column to be learned")
    parser.add_argument("--calls", type=int, default=3000)
    args = parser.parse_args(argv)
    try:
        rows, y = from_file(args.file, args.target) if args.file else generated()
    except DataError as error:
        print(f"bench_one_row: error: {error}", file=sys.stderr)
        return 2
    recipe.MOST_EPOCHS = recipe.FEWEST_EPOCHS = 1
    kind = TabularRegressor if isinstance(y[0], float) else TabularClassifier
    estimator = kind(random_state=0).fit(rows, y)
    model, rows = estimator.model_, rows[:200]
    encoded = [model.encoder.transform([row], dtype=np.float32) for row in rows]
    print(
        f"{counted(len(rows[0]), 'column')}, {encoded[0].shape[1]} features; microseconds of a row:"
    )
    alone = [[row] for row in rows]
    for name, work, inputs in (
        ("encoder", model.encoder.transform, alone),
        ("network", model.predict, encoded),
        ("both", model.predict, alone),
        ("estimator", estimator.predict, alone),
    ):
        print(f"{name:<10}{median_time(work, inputs, args.calls):8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
