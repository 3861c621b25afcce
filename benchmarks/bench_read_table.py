"""How long reading a large CSV file takes: by the core, by DuckDB in ffnn, by DuckDB, by pandas.

    python benchmarks/bench_read_table.py [--rows N] [--columns N] [--repeats N]

The file has numbers of four decimals. Each side is a process of its own, the sides alternate, and
the smallest processor time of each is shown, with the most memory that it held.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDES = {
    "ffnn, the core alone": "from ffnn.tables import duck, read_table as read\n"
    "duck.LEAST_BYTES = 1 << 60",
    "ffnn with DuckDB": "from ffnn.tables import read_table as read",
    "DuckDB": "import duckdb\n"
    "def read(path): duckdb.sql(f\"SELECT * FROM read_csv('{path}')\").fetchnumpy()",
    "pandas": "from pandas import read_csv as read",
}
NEEDED = {"ffnn with DuckDB": "duckdb", "DuckDB": "duckdb", "pandas": "pandas"}


def write(path: Path, rows: int, columns: int) -> None:
    """Write a file of random numbers."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write(",".join(f"c{i}" for i in range(columns)) + "\n")
        for start in range(0, rows, 50_000):
            block = rng.normal(size=(min(50_000, rows - start), columns)).round(4).tolist()
            file.writelines(",".join(map(repr, row)) + "\n" for row in block)


def measure(side: str, path: str) -> None:
    """Print the processor time of reading, and the most memory held, in this process."""
    names: dict[str, object] = {}
    exec(SIDES[side], names)
    start = time.process_time()
    names["read"](path)  # type: ignore[operator]
    seconds = time.process_time() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Let the sides read in turn, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        measure(options.side, options.path)
        return
    present = [s for s in SIDES if importlib.util.find_spec(NEEDED.get(s, "numpy"))]
    found: dict[str, list[tuple[float, float]]] = {side: [] for side in present}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path, options.rows, options.columns)
        print(f"{options.rows:,} rows of {options.columns}, {path.stat().st_size / 1e6:.0f} MB")
        for _ in range(options.repeats):
            for side in present:
                command = [sys.executable, __file__, "--side", side, "--path", str(path)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                seconds, memory = map(float, done.stdout.split())
                found[side].append((seconds, memory))
    print(f"{'side':<24}{'s':>8}{'MiB':>8}")
    for side, pairs in found.items():
        print(f"{side:<24}{min(s for s, _ in pairs):>8.2f}{max(m for _, m in pairs):>8.0f}")


if __name__ == "__main__":
    main()
