"""How long the network for tables takes to learn a large table with its default recipe.

    python benchmarks/bench_large_table.py [--rows N] [--task regression|classification]

The table is generated: 20 columns of numbers, six of few categories and four of some dozens, which
are embedded; 30 columns of 100,000 rows by default. Printed are what was chosen, the seconds of the
clock and of the processor that `fit` takes, the largest memory, and the score (R² or accuracy) on
as many other rows as a fifth, beside the score of whoever knew all but the noise.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn.tables import TabularClassifier, TabularRegressor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NUMBERS, FEW, MANY = 20, 6, 4
NOISE = 0.3


def make_table(rows: int, seed: int) -> tuple[dict[str, Any], NDArray[Any], NDArray[Any]]:
    """Return columns, what is learned with its noise, and without it."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(NUMBERS, rows))
    few = [rng.integers(3 + i, size=rows) for i in range(FEW)]
    many = [rng.integers(20 + 10 * i, size=rows) for i in range(MANY)]
    columns: dict[str, Any] = {f"number {i}": values for i, values in enumerate(numbers)}
    for name, codes in [*(("few", each) for each in few), *(("many", each) for each in many)]:
        columns[f"{name} {len(columns)}"] = [f"{name[0]}{code}" for code in codes.tolist()]
    a, b, c, d, *rest = numbers
    clean = np.sin(2.0 * a) + b * c + 0.5 * np.abs(d) + 0.2 * np.sum(rest[:8], axis=0)
    clean += 0.3 * (few[0] == 0) + 0.3 * np.cos(7919.0 * many[-1])
    return columns, clean + NOISE * rng.normal(size=rows), clean


def main(argv: Sequence[str] | None = None) -> int:
    """Fit and print."""
    parser = argparse.ArgumentParser(description="Time the network for tables on a large one.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--task", choices=("regression", "classification"), default="regression")
    args = parser.parse_args(argv)
    columns, y, _ = make_table(args.rows, seed=0)
    new, new_y, new_clean = make_table(args.rows // 5 + 1, seed=1)
    best = 1.0 - ((new_y - new_clean) ** 2).mean() / new_y.var()
    kind, half = TabularRegressor, float(np.median(y))
    if args.task == "classification":
        kind, y, new_y = TabularClassifier, y > half, new_y > half
        best = ((new_clean > half) == new_y).mean()
    begun, used = time.perf_counter(), time.process_time()
    model = kind(random_state=0).fit(columns, y)
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"{args.rows:,} rows of {len(columns)} columns\n{model.recipe_}")
    print(f"{seconds:.1f} s, {processor:.1f} s of the processor, {mib:,.0f} MiB")
    print(f"score {model.score(new, new_y):.4f} of at most {best:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
