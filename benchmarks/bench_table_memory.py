"""How much memory `ffnn train` takes for a large CSV file, and what it says where that is too much.

    python benchmarks/bench_table_memory.py [--megabytes N] [--limit MIB] [--small MIB]

A file of numbers and one of numbers, categories, dates and texts are trained on for an epoch, each
in a process whose address space is limited (RLIMIT_AS, which counts more than what is held): by the
core alone, and with DuckDB, which is used if enough memory is free. Then the same with too little.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 20_000
_RUN = """
import resource, sys
limit = int(sys.argv[1]) << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from ffnn.cli import main
from ffnn.tables import duck
if sys.argv[2] == "core":
    duck.LEAST_BYTES = 1 << 60
code = main(sys.argv[3:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
sys.exit(code)
"""
_WORDS = np.array(["lorem", "ipsum", "dolor", "sit", "amet"])


def numbers(rng: np.random.Generator) -> Iterator[str]:
    """Yield a header and blocks of lines with twenty numbers of four decimals."""
    yield ",".join(f"c{i}" for i in range(20)) + "\n"
    while True:
        rows = rng.normal(size=(_BLOCK, 20)).round(4)
        rows[:, -1] = (rows[:, 0] - rows[:, 1]).round(4)
        yield "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())


def mixed(rng: np.random.Generator) -> Iterator[str]:
    """Yield a header and blocks of lines with an id, a date, numbers, categories and free text."""
    yield "id,when,a,b,c,d,e,city,wood,kind,smokes,comment,cost\n"
    for block in itertools.count():
        values = rng.normal(size=(_BLOCK, 5)).round(4).tolist()
        codes = rng.integers(0, (40, 5, 12, 2, 1800), (_BLOCK, 5)).tolist()
        words = _WORDS[rng.integers(0, 5, (_BLOCK, 5))].tolist()
        yield "".join(
            f"{i},{np.datetime64('2015-01-01') + day},{a if i % 50 else ''},{b},{c},{d},{e},"
            f'city {city},wood {wood},kind {kind},{("no", "yes")[smokes]},"{" ".join(text)} {i}",'
            f"{2 * a + wood - smokes:.3f}\n"
            for i, ((a, b, c, d, e), (city, wood, kind, smokes, day), text) in enumerate(
                zip(values, codes, words, strict=True), start=block * _BLOCK
            )
        )


def write(path: Path, blocks: Iterator[str], size: int) -> None:
    """Write blocks of lines until the file has `size` bytes."""
    with path.open("w") as file:
        while file.tell() < size:
            file.write(next(blocks))


def train(path: Path, limit: int, reader: str) -> tuple[int, float, str, str]:
    """Return the exit code of a training, its seconds, and what it printed last and on stderr."""
    options = ["--epochs", "1", "--hidden", "16", "--batch-size", "1024", "--quiet"]
    command = [sys.executable, "-c", _RUN, str(limit), reader, "train", path.name, *options]
    start = time.perf_counter()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=path.parent, env=environment
    )
    last = (done.stdout.splitlines() or ["?"])[-1]
    return done.returncode, time.perf_counter() - start, last, done.stderr.strip()


def main() -> None:
    """Train on both files under the limits, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--megabytes", type=int, default=500, help="of each file")
    parser.add_argument("--limit", type=int, default=2048, help="MiB of address space")
    parser.add_argument("--small", type=int, default=600, help="MiB that are too few")
    options = parser.parse_args()
    print(f"{'file':<12}{'reader':<8}{'limit, MiB':>11}{'exit code':>11}{'held, MiB':>11}{'s':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("numbers", numbers), ("mixed", mixed)):
            path = Path(folder) / f"{name}.csv"
            write(path, make(np.random.default_rng(0)), options.megabytes * 1_000_000)
            for limit, reader in itertools.product((options.limit, options.small), _READERS):
                code, seconds, held, errors = train(path, limit, reader)
                print(f"{name:<12}{reader:<8}{limit:>11}{code:>11}{held:>11}{seconds:>7.0f}")
                if code:
                    print(f"  {errors}")
            path.unlink()


_READERS = ("core", "duckdb")

if __name__ == "__main__":
    main()
