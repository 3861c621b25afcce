"""What the pieces of a step take on this machine, and what whole steps take on 1, 2 and 4 ranks.

A side is a process of its own, or several under ``mpiexec``: ``python -m growth.measure TASK ...``.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn.core.mpi import Ranks
from ffnn.data.batches import Batches, Examples
from ffnn.data.sources import ArraySource
from ffnn.layers import Dense, Rescaling
from ffnn.training.agreement import digest
from ffnn.training.parts import PartedStep
from growth.costs import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NETWORKS = (
    Network((784, 128, 64, 10)),
    Network((784, 1024, 1024, 10)),
    Network((784, 4096, 4096, 10)),
)
BATCH, RANKS = 1024, (1, 2, 4)  # of the whole steps
STEPS = (60, 6, 2)  # of an epoch, by network
TURNS = (3, 2, 2)
_ROWS = (1, 4, 16, 64, 256, 1024)  # of a part
_SECONDS = 0.2  # for each piece
_ROOT = Path(ffnn.__file__).resolve().parent.parent
_SCRIPTS = Path(__file__).resolve().parent.parent


def measure() -> dict[str, Any]:
    """Return all that is measured, as plain data."""
    whole: dict[str, dict[str, float]] = {}
    for network, steps, turns in zip(NETWORKS, STEPS, TURNS, strict=True):
        task = ["whole", *map(str, (network, steps))]
        found = [{str(ranks): launch(ranks, *task) for ranks in RANKS} for _ in range(turns)]
        whole[str(network)] = {ranks: min(turn[ranks] for turn in found) for ranks in found[0]}
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "day": time.strftime("%Y-%m-%d"),
        "load": os.getloadavg()[0],
        "pieces": {str(network): launch(1, "pieces", str(network)) for network in NETWORKS},
        "links": launch(2, "links"),
        "whole": whole,
    }


def processor() -> str:
    """Return the name of the processor."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def launch(ranks: int, *task: str) -> Any:
    """Run a task in processes of its own and return what rank 0 has found."""
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    started = [mpiexec, "-n", str(ranks)] if ranks > 1 else []
    paths = os.pathsep.join(map(str, (_ROOT, _SCRIPTS)))
    done = subprocess.run(
        [*started, sys.executable, "-m", "growth.measure", *task],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def best(function: Callable[[], object]) -> float:
    """Return the seconds of a call: the shortest of those that fit into a time, at least three."""
    times: list[float] = []
    until = time.perf_counter() + _SECONDS
    while len(times) < 3 or time.perf_counter() < until:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


def build(sizes: Sequence[int]) -> ffnn.Sequential:
    """Return a network that takes rows of 0 to 255 and is trained with SGD."""
    *hidden, last = sizes[1:]
    layers = [Dense(units, "relu") for units in hidden]
    model = ffnn.Sequential([Rescaling(1 / 255), *layers, Dense(last, "softmax")], sizes[0], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"], jit_compile=False)
    return model


def rows_of(sizes: Sequence[int], count: int) -> tuple[Any, Any]:
    """Return random rows and their classes."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, sizes[0]), dtype=np.uint8)
    return x, rng.integers(sizes[-1], size=count)


# -- pieces ------------------------------------------------------------------------------------


def pieces(sizes: Sequence[int]) -> dict[str, float]:
    """Return the fields of `growth.costs.Pieces`, and the seconds of saving the network."""
    model = build(sizes)
    step, dtype = model.step, np.dtype(np.float32)
    data, classes = rows_of(sizes, 16 * BATCH)
    x, y = ArraySource(data, dtype), ArraySource(classes, np.dtype(np.intp))
    order = np.random.default_rng(1).permutation(len(data))

    def part(rows: int) -> Callable[[], object]:
        starts = itertools.cycle(range(0, len(order) - rows + 1, rows))

        def run() -> None:
            chosen = order[(start := next(starts)) : start + rows]
            step.forward(x.take(chosen), classes[:rows], None, for_update=True)
            step.backward()

        return run

    times = {rows: best(part(rows)) for rows in _ROWS}
    fixed, row = line_through(times)
    gradients, other = step.vector.gradients, np.empty_like(step.vector.gradients)
    batches = Batches(Examples(x, y, None), BATCH, np.random.default_rng(2))
    batches.share = lambda rows: (0, 0)
    answers = np.random.default_rng(3).random((BATCH, sizes[-1]), np.float32)
    metric = step.metrics[0]
    found = {
        "row": row,
        "part": fixed,
        "walk": best(lambda: np.multiply(gradients, 0.5, out=other)),
        "update": best(step.update),
        "target": best(lambda: sum(1 for _ in batches)) / len(data),
        "metric": best(lambda: metric.measure(classes[:BATCH], answers, None)) / BATCH,
        "digest": best(lambda: digest(model)),
    }
    rows = _ROWS[2]
    taken = np.array(x.take(order[:rows]))
    arguments = taken, classes[:rows], None
    plain = best(lambda: step(*arguments))
    found["fixed"] = max(plain - times[rows] - found["update"] - rows * found["metric"], 0.0)
    parted = PartedStep.of(step, parts=2)
    halves = best(lambda: parted(*arguments))
    found["parted"] = max(
        halves - plain - (times[rows] - rows * row) - 4 * found["walk"], 0.0
    )  # beside a second part: two are scaled, then added and copied
    with tempfile.TemporaryDirectory() as folder:
        found["saving"] = best(lambda: model.save(Path(folder) / "model.h5"))
    return found


def line_through(times: dict[int, float]) -> tuple[float, float]:
    """Return a and b so that a + b·m is close to each time, by the square of the ratio."""
    terms = np.array([[1.0 / each, rows / each] for rows, each in times.items()])
    a, b = np.linalg.lstsq(terms, np.ones(len(times)), rcond=None)[0]
    return max(float(a), 0.0), float(b)


# -- messages ----------------------------------------------------------------------------------


def links(ranks: Ranks) -> dict[str, dict[str, float]]:
    """Return the fields of `growth.costs.Link` in memory, and of TCP on 127.0.0.1."""
    other, few, many = 1 - ranks.rank, 1, 257

    def exchange(size: int, count: int) -> float:
        sent = [(other, np.zeros(size, np.uint8)) for _ in range(count)]
        received = [(other, np.zeros(size, np.uint8)) for _ in range(count)]
        times = []
        for _ in range(200 if size == 8 else 20):
            began = time.perf_counter()
            ranks.exchange(sent, received)
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    first = exchange(8, few)
    message = (exchange(8, many) - first) / (many - few)
    size = 1 << 22
    byte = (exchange(size, 1) - first) / size
    memory = {"latency": max(first - message, 0.0), "message": message, "byte": byte}
    return {"memory": memory, "tcp": tcp(ranks)}


def tcp(ranks: Ranks) -> dict[str, float]:
    """Return what the processor does for messages and bytes through a socket on 127.0.0.1."""
    with socket.socket() as server:
        port = None
        if ranks.rank == 0:
            server.bind(("127.0.0.1", 0))
            server.listen(1)
            port = server.getsockname()[1]
        port = ranks.share(port)
        if ranks.rank == 0:
            link = server.accept()[0]
        else:
            link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    count, size = 256, 1 << 22
    small, large, buffer = bytes(8), bytes(size), bytearray(size)

    def messages() -> None:
        for _ in range(count):
            link.send(small)
        got = 0
        while got < 8 * count:
            got += link.recv_into(buffer, 8)

    def there_and_back() -> None:
        for turn in range(2):
            if turn == ranks.rank:
                link.sendall(large)
            else:
                got = 0
                while got < size:
                    got += link.recv_into(buffer, size - got)

    with link:
        times = [_timed(messages) / count for _ in range(30)]
        bytes_both_ways = [_timed(there_and_back) / size for _ in range(30)]
    return {"message": statistics.median(times), "byte": statistics.median(bytes_both_ways)}


def _timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


# -- whole steps -------------------------------------------------------------------------------


class Clock(ffnn.callbacks.Callback):
    """Notes when each epoch begins."""

    def __init__(self) -> None:
        self.begun: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any) -> None:
        """Note the time."""
        self.begun.append(time.perf_counter())


def whole(sizes: Sequence[int], steps: int, ranks: int) -> float:
    """Return the seconds of a step, the mean of the best epoch."""
    clock = Clock()
    build(sizes).fit(
        *rows_of(sizes, BATCH * steps),
        batch_size=BATCH,
        epochs=3,
        verbose=0,
        callbacks=[clock],
        micro_batches=ranks,
        distributed=ranks > 1,
    )
    return float(np.diff(clock.begun).min()) / steps if clock.begun else 0.0


def main(task: str, *arguments: str) -> None:
    """Do a task, of which rank 0 prints what it has found."""
    sizes = [int(size) for size in arguments[0].split("-")] if arguments else []
    rank = int(os.environ.get("PMI_RANK", "0"))
    if task == "pieces":
        found: Any = pieces(sizes)
    elif task == "links":
        found = links(Ranks(60.0))
    else:
        found = whole(sizes, int(arguments[1]), int(os.environ.get("PMI_SIZE", "1")))
    if rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
