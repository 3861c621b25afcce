"""How long whole programs take: a command, a cold start, a training that watches a validation.

    python benchmarks/bench_commands.py [--peers sklearn,torch,keras,jax] [--rounds N] [--rows N]
                                        [--quick] [--json FILE]

- command: ``ffnn train`` of a CSV file with 30 columns, `--rows` rows of them, against a script of
  pandas and scikit-learn (`MLPClassifier`, 64-32, Adam, batch 256, 5 epochs), both with an input
  scaled by the training rows, a tenth held out, and the accuracy on it printed,
- cold start: from the start of Python to the end of the first epoch of 784-128-64-10, with batches
  of 64 and SGD,
- validation: a fit of 30 epochs with a tenth of the rows held out, whose loss or accuracy is
  measured after each epoch, and a patience that is never used up; the fit alone is on the clock.

Each time is that of a process of its own, all pinned to one core with one thread. The programs take
turns; the table shows medians over the rounds and of the ratios to ffnn's in the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import (
    CHILD_SETTINGS,
    PEERS,
    BenchmarkError,
    child_environment,
    chosen_core,
    environment,
    pin_to,
    split_peers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Times = dict[str, dict[str, list[float]]]  # case → side → seconds

DATA = """
    import numpy as np
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=6400)
    x = rng.standard_normal((10, 784))[y] * 0.05 + 0.5 * rng.standard_normal((6400, 784))
    x = x.astype(np.float32)
"""
COLD = {
    "ffnn": """
        import ffnn
        model = ffnn.Sequential.from_sizes([784, 128, 64, 10], ["relu", "relu", "softmax"], seed=0)
        model.compile(ffnn.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=64, epochs=1, verbose=0)
    """,
    "sklearn": """
        import warnings
        from sklearn.neural_network import MLPClassifier
        warnings.simplefilter("ignore")
        MLPClassifier((128, 64), solver="sgd", batch_size=64, alpha=0.0, learning_rate_init=0.05,
                      momentum=0.0, max_iter=1, random_state=0).fit(x, y)
    """,
    "torch": """
        import torch
        torch.set_num_threads(1)
        model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(),
                                    torch.nn.Linear(128, 64), torch.nn.ReLU(),
                                    torch.nn.Linear(64, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        loss = torch.nn.CrossEntropyLoss()
        xt, yt = torch.from_numpy(x), torch.from_numpy(y)
        for chosen in torch.randperm(len(x)).split(64):
            optimizer.zero_grad(set_to_none=True)
            loss(model(xt[chosen]), yt[chosen]).backward()
            optimizer.step()
    """,
    "keras": """
        import keras
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"),
                                  keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.05), loss)
        model.fit(x, y, batch_size=64, epochs=1, verbose=0)
    """,
    "jax": """
        from functools import partial
        import jax, jax.numpy as jnp
        from sides_jax import sgd
        sizes = [784, 128, 64, 10]
        state = [(jnp.array(rng.standard_normal((n, m)) / 28, "float32"), jnp.zeros(n))
                 for m, n in zip(sizes, sizes[1:])]
        step = jax.jit(partial(sgd, 0.05), donate_argnums=0)
        order = rng.permutation(len(x))
        labels = y.astype(np.int32)
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            state = step(state, x[chosen], labels[chosen])
        jax.block_until_ready(state)
    """,
}
VALIDATION = {
    "ffnn": """
        import time, ffnn
        from ffnn.callbacks import EarlyStopping
        model = ffnn.Sequential.from_sizes([784, 128, 64, 10], ["relu", "relu", "softmax"], seed=0)
        model.compile(ffnn.optimizers.Adam(0.0003), "sparse_categorical_crossentropy",
                      metrics=["accuracy"])
        stop = EarlyStopping("val_loss", patience=30)
        start = time.perf_counter()
        model.fit(x, y, batch_size=64, epochs=30, validation_split=0.1, callbacks=[stop], verbose=0)
        print(time.perf_counter() - start)
    """,
    "sklearn": """
        import time, warnings
        from sklearn.neural_network import MLPClassifier
        warnings.simplefilter("ignore")
        model = MLPClassifier((128, 64), batch_size=64, alpha=0.0, learning_rate_init=0.0003,
                              early_stopping=True, validation_fraction=0.1, n_iter_no_change=30,
                              max_iter=30, random_state=0)
        start = time.perf_counter()
        model.fit(x, y)
        print(time.perf_counter() - start)
    """,
    "keras": """
        import time, keras
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(128, "relu"),
                                  keras.layers.Dense(64, "relu"), keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(0.0003), loss, metrics=["accuracy"])
        stop = keras.callbacks.EarlyStopping("val_loss", patience=30)
        start = time.perf_counter()
        model.fit(x, y, batch_size=64, epochs=30, validation_split=0.1, callbacks=[stop], verbose=0)
        print(time.perf_counter() - start)
    """,
}
COMMAND = """
    import sys, warnings
    import pandas
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
    warnings.simplefilter("ignore")
    table = pandas.read_csv(sys.argv[1])
    y = table.pop("target")
    x, x_test, y, y_test = train_test_split(table.to_numpy("float32"), y, test_size=0.1)
    scaler = StandardScaler().fit(x)
    model = MLPClassifier((64, 32), batch_size=256, max_iter=5).fit(scaler.transform(x), y)
    print(model.score(scaler.transform(x_test), y_test))
"""
TRAIN = (
    *("--preset", "plain", "--target", "target", "--hidden", "64,32", "--batch-size", "256"),
    *("--epochs", "5", "--learning-rate", "0.001", "--test-split", "0.1", "--quiet"),
)


def write_table(path: Path, rows: int) -> None:
    """Write a CSV file of 30 columns of numbers and a target of two classes."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 30))
    y = (x[:, :5].sum(axis=1) + 0.5 * rng.standard_normal(rows) > 0).astype(int)
    head = ",".join([*(f"x{i}" for i in range(30)), "target"])
    table = np.column_stack([x, y])
    np.savetxt(path, table, "%.6g", ",", header=head, comments="")


def program(*parts: str) -> list[str]:
    """Return the command that runs pieces of Python."""
    return [sys.executable, "-c", "\n".join(map(textwrap.dedent, parts))]


def cases(peers: Sequence[str], table: Path) -> dict[str, dict[str, list[str]]]:
    """Return case → side → its command."""
    sides = ["ffnn", *peers]
    found = {
        "cold start": {side: program(DATA, COLD[side]) for side in sides if side in COLD},
        "validation": {side: program(DATA, VALIDATION[side]) for side in sides
                       if side in VALIDATION},
    }  # fmt: skip
    ours = [sys.executable, "-m", "ffnn", "train", str(table), *TRAIN]
    found["command"] = {"ffnn": [*ours, "--out", str(table.with_suffix(".h5"))]}
    if "sklearn" in peers:
        found["command"]["sklearn"] = [*program(COMMAND), str(table)]
    return found


def seconds_of(command: Sequence[str], core: int | None) -> float:
    """Return how long a process takes, or what it prints where that is a number of seconds.

    BenchmarkError has the end of what a process printed that failed.
    """
    here = str(Path(__file__).parent)
    paths = os.pathsep.join(path for path in (here, os.environ.get("PYTHONPATH")) if path)
    start = time.perf_counter()
    done = subprocess.run(
        command,
        env=child_environment(CHILD_SETTINGS | {"PYTHONPATH": paths}),
        capture_output=True,
        text=True,
        preexec_fn=lambda: pin_to("" if core is None else str(core)),
        check=False,
    )
    taken = time.perf_counter() - start
    if done.returncode:
        raise BenchmarkError(f"a process failed:\n{done.stderr[-2000:]}")
    is_timed = "perf_counter() - start" in command[-1]
    return float(done.stdout.split()[-1]) if is_timed else taken


def measure(found: Mapping[str, Mapping[str, Sequence[str]]], rounds: int) -> Times:
    """Return the seconds of all programs, which take turns."""
    core = chosen_core()
    times: Times = {case: {side: [] for side in sides} for case, sides in found.items()}
    for case, sides in found.items():
        for command in sides.values():
            seconds_of(command, core)  # which fills the caches of files
        for turn in range(rounds):
            names = list(sides)
            for side in (*names[turn % len(names) :], *names[: turn % len(names)]):
                times[case][side].append(seconds_of(sides[side], core))
    return times


def table_of(times: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Return the lines of the result."""
    lines = [f"{'':<14}{'side':<10}{'seconds':>10}{'× ffnn':>10}"]
    for case, sides in times.items():
        name = case
        for side, seconds in sides.items():
            ratio = statistics.median(
                t / own for t, own in zip(seconds, sides["ffnn"], strict=True)
            )
            lines.append(f"{name:<14}{side:<10}{statistics.median(seconds):>10.2f}{ratio:>10.2f}")
            name = ""
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Time whole programs against other libraries.")
    add = parser.add_argument
    add("--peers", default=",".join(PEERS), help="libraries, separated by commas, or none")
    add("--rounds", type=int, default=5, metavar="N", help="turns of each program")
    add("--rows", type=int, default=100_000, metavar="N", help="rows of the CSV file")
    add("--quick", action="store_true", help="1 round and 2,000 rows, to see that it runs")
    add("--json", type=Path, metavar="FILE", help="write all times to this file")
    options = parser.parse_args(argv)
    try:
        named = [name for name in options.peers.split(",") if name not in ("", "none")]
        peers, missing = split_peers(named)
    except ValueError as error:
        parser.error(str(error))
    rounds, rows = (1, 2000) if options.quick else (max(1, options.rounds), options.rows)
    about: dict[str, Any] = environment(peers)
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    if missing:
        print(f"not installed, left out: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        write_table(file, rows)
        try:
            times = measure(cases(peers, file), rounds)
        except BenchmarkError as error:
            print(f"bench_commands: {error}", file=sys.stderr)
            return 1
    print("\n".join(table_of(times)))
    if options.json is not None:
        content = {"environment": about, "rounds": rounds, "rows": rows, "seconds": times}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
