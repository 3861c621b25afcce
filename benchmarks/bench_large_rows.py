"""How fast rows on disk are trained on, and in how much memory, beside rows in memory.

    python benchmarks/bench_large_rows.py [--gigabytes N] [--limit GB] [--kinds npy,h5,parquet]
        [--epochs N] [--rounds N] [--folder DIR] [--page]

Rows of 784 float32 numbers are written to a file of each kind. An epoch over each runs in a process
whose address space is limited (RLIMIT_AS), with a cold cache (POSIX_FADV_DONTNEED); the same
network runs over at most a gigabyte in memory, before and after. The sides take turns. Memory is
what the process held at most beyond what it held with the libraries loaded. Where numba is
installed, all sides run compiled loops, which are loaded before. With --page the best round of each
kind is put into ``docs/growth.md``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from common import cpu_model
from page_sections import DOCS, put, table

COLUMNS, CLASSES, BATCH = 784, 10, 128
_BLOCK = 8_192
_MOST_IN_MEMORY = 1 << 30


def blocks(rows: int) -> Iterator[np.ndarray]:
    """Yield rows, block by block: noise around the mean of one of ten classes, which alternate."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((CLASSES, COLUMNS), "float32")
    noise = rng.standard_normal((_BLOCK, COLUMNS), "float32")
    for start in range(0, rows, _BLOCK):
        numbers = np.arange(start, min(start + _BLOCK, rows))
        yield means[numbers % CLASSES] + np.roll(noise, start // _BLOCK, 0)[: len(numbers)]


def write(kind: str, folder: Path, rows: int) -> Path:
    """Write rows to a file of a kind and return its path."""
    path, shape = folder / f"x.{kind}", (rows, COLUMNS)
    if kind == "npy":
        out = np.lib.format.open_memmap(path, "w+", "float32", shape)
        for index, block in enumerate(blocks(rows)):
            out[index * _BLOCK : index * _BLOCK + len(block)] = block
        out.flush()
    elif kind == "h5":
        import h5py

        with h5py.File(path, "w") as file:
            dataset = file.create_dataset("x", shape, "float32")
            for index, block in enumerate(blocks(rows)):
                dataset[index * _BLOCK : index * _BLOCK + len(block)] = block
    else:
        import pyarrow as pa
        from pyarrow import parquet

        names = [f"c{i}" for i in range(COLUMNS)]
        schema = pa.schema([(name, pa.float32()) for name in names])
        with parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
            for block in blocks(rows):
                columns = [np.ascontiguousarray(column) for column in block.T]
                writer.write_table(pa.table(columns, names=names))
    return path


def forget(path: Path) -> None:
    """Have the system drop its copy of a file in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def measure(path: str, limit: int, epochs: int) -> dict[str, Any]:
    """Train for an epoch on a file, or on rows in memory where `path` is a number of them."""
    import ffnn
    from ffnn.layers import Dense

    layers = [Dense(128, "relu"), Dense(64, "relu"), Dense(CLASSES, "softmax")]
    model = ffnn.Sequential(layers, input_dim=COLUMNS, seed=0)
    is_compiled = importlib.util.find_spec("numba") is not None
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=is_compiled)
    x: Any = np.concatenate([*blocks(int(path))]) if path.isdigit() else None
    model.fit(np.zeros((BATCH, COLUMNS), "float32"), np.zeros(BATCH, int), BATCH, verbose=0)
    if path.endswith(".parquet"):
        importlib.import_module("pyarrow.parquet")  # one of the libraries
    if x is None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    held = memory("VmRSS")
    begin, busy = time.perf_counter(), time.process_time()
    x = ffnn.data.open_rows(path) if x is None else x
    y = np.arange(len(x)) % CLASSES
    model.fit(x, y, BATCH, epochs, verbose=0, shuffle="blocks")
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    extra = memory("VmHWM") - held
    return {
        "rows": epochs * len(x),
        "seconds": seconds,
        "processor": busy,
        "megabytes": extra / 1e6,
    }


def memory(name: str) -> int:
    """Return a number of bytes that Linux tells of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def main() -> None:
    """Write the files, let all sides take turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--limit", type=float, default=2.0, help="of address space, in GB")
    parser.add_argument("--kinds", default="npy,h5,parquet")
    parser.add_argument("--epochs", type=int, default=1, help="of a run over a file")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", help="where the files are written; they are removed")
    parser.add_argument("--page", action="store_true", help="put the table into docs/growth.md")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args()
    limit = int(args.limit * 1e9)
    if args.measure:
        print(json.dumps(measure(args.measure, limit, args.epochs)))
        return
    rows = int(args.gigabytes * 1e9) // (COLUMNS * 4)
    in_memory = min(rows, _MOST_IN_MEMORY // (COLUMNS * 4))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        sides = {"memory": str(in_memory)}
        for kind in args.kinds.split(","):
            sides[kind] = str(write(kind, Path(folder), rows))
        fastest, best = 0.0, {}
        for number in range(args.rounds):
            for name, path in sides.items():
                if name != "memory":
                    forget(Path(path))
                options = {"measure": path, "limit": args.limit, "epochs": args.epochs}
                given = [f"--{option}={value}" for option, value in options.items()]
                command = [sys.executable, __file__, *given]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    print(f"{name}: failed: {done.stderr.splitlines()[-1]}")
                    continue
                found = json.loads(done.stdout)
                speed = found["rows"] / found["seconds"]
                fastest = speed if name == "memory" else fastest
                share = speed / fastest if fastest else 1.0
                best[name] = max(best.get(name, (0.0, 0.0)), (share, found["megabytes"]))
                print(
                    f"round {number + 1} {name:8} {found['rows']:>9,} rows {speed:>9,.0f} rows/s "
                    f"({share:.2f} of memory), "
                    f"processor {found['processor']:.1f} s of {found['seconds']:.1f} s, "
                    f"{found['megabytes']:,.0f} MB, load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    if args.page:
        write_page(best, args.gigabytes, args.limit)


def write_page(best: dict[str, tuple[float, float]], gigabytes: float, limit: float) -> None:
    """Put the best round of each kind of file into the page about growing."""
    names = {"npy": "`.npy`", "h5": "HDF5", "parquet": "Parquet"}
    kinds = [(names[kind], *best[kind]) for kind in best if kind != "memory"]
    where = f"{cpu_model()}, {os.cpu_count()} cores, {date.today()}"
    head = ("file", "speed, of that in memory", "MB beside the libraries")
    found = [(name, f"{share:.2f}", f"{megabytes:,.0f}") for name, share, megabytes in kinds]
    about = f"{where}; files of {gigabytes:g} GB, a limit of {limit:g} GB:"
    put(DOCS / "growth.md", "large rows", [about, "", *table(head, found)])


if __name__ == "__main__":
    main()
