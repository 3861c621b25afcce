"""One model in many threads, and the memory of a long training."""

from __future__ import annotations

import concurrent.futures
import gc
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ffnn
from ffnn.layers import BatchNorm, Dense, Dropout, LayerNorm, Normalization, RMSNorm
from ffnn.layers.chain import run_forward
from trials.common import Result, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

NUM_THREADS = 8


def _model(x: NDArray[Any]) -> ffnn.Sequential:
    stack = [
        Normalization().adapt(x),
        Dense(64, "relu"),
        LayerNorm(),
        Dense(64, "gelu"),
        Dropout(0.3),
        BatchNorm(),
        Dense(32, "tanh"),
        RMSNorm(),
        Dense(5, "softmax"),
    ]
    model = ffnn.Sequential(stack, input_dim=20, seed=0)
    model.compile("adam", "cce")
    return model


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Predict from eight threads; each must get what one thread gets, bit for bit."""
    del folder
    result = Result()
    rng = rng_of(seed)
    batches = [rng.standard_normal((int(rows), 20)) for rows in rng.integers(1, 300, 40)]
    model = _model(batches[-1])
    model.fit(batches[0], np.arange(len(batches[0])) % 5, verbose=0)
    expected = [model.predict(batch, batch_size=64).tobytes() for batch in batches]

    def differs(predict: Callable[[NDArray[Any]], NDArray[Any]], case: int) -> bool:
        which = case % len(batches)
        return predict(batches[which]).tobytes() != expected[which]

    def ours(case: int) -> bool:
        return differs(lambda batch: model.predict(batch, batch_size=64), case)

    def naive(case: int) -> bool:
        with np.errstate(all="ignore"):
            try:
                return differs(lambda batch: _predict_in_one_memory(model, batch), case)
            except ffnn.LayerError:  # another thread has made arrays for other rows meanwhile
                return True

    assert not any(naive(case) for case in range(len(batches)))  # with one thread it is right

    with concurrent.futures.ThreadPoolExecutor(NUM_THREADS) as pool:
        for case, differed in zip(cases, pool.map(ours, cases), strict=True):
            if differed:
                result.fail(case, "other predictions")
            result.cases += 1
            advance(1)
        result.control = sum(pool.map(naive, range(2000)))
    return result


def _predict_in_one_memory(model: ffnn.Sequential, batch: NDArray[Any]) -> NDArray[Any]:
    """Predict in the model's own working memory, which all threads share."""
    parts = [batch[start : start + 64] for start in range(0, len(batch), 64)]
    return np.concatenate([np.array(run_forward(model.stages, x, False)) for x in parts])


# -- memory ------------------------------------------------------------------------------------

ALLOWED_GROWTH = 2 << 20  # Python takes memory from the system by 1 MiB
WARM_UP_STEPS = 2_000


def run_memory(
    cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]
) -> Result:
    """Train for that many steps after a warm-up; the process must not grow by 2 MiB."""
    del folder
    steps = len(cases)
    result = Result(cases=steps)
    growth = _growth_apart(seed, steps, "")
    result.notes["bytes grown"] = growth
    if growth >= ALLOWED_GROWTH:
        result.fail(0, f"{growth} bytes grown in {steps} steps")
    advance(steps)
    result.control = int(_growth_apart(seed, 10_000, "hoard") >= ALLOWED_GROWTH)
    return result


def _growth_apart(seed: int, steps: int, how: str) -> int:
    """Return the growth of a new process, in which nothing was freed before."""
    command = [sys.executable, "-m", "trials.sharing", str(seed), str(steps), how]
    scripts = Path(__file__).parent.parent
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=scripts)
    return int(result.stdout)


class _Hoarder(ffnn.callbacks.Callback):
    """Keeps a little of each batch, as a leak would."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def on_train_batch_end(self, batch: int, logs: Any) -> None:
        self.kept.append(bytes(512))


def _growth(seed: int, steps: int, callbacks: list[Any]) -> int:
    x = rng_of(seed).standard_normal((320, 20))
    model = _model(x)
    y = np.arange(len(x)) % 5
    before = 0
    for epochs in (WARM_UP_STEPS // 10, steps // 10):
        gc.collect()
        before = _resident()
        model.fit(x, y, epochs=epochs, verbose=0, callbacks=callbacks)
    gc.collect()
    return _resident() - before


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    seed, steps, how = sys.argv[1:]
    print(_growth(int(seed), int(steps), [_Hoarder()] if how else []))
