"""Where the time of one training step goes, part by part, against the floor's parts.

    python benchmarks/profile_step.py [--work NAME] [--samples N] [--page]

Each part is run by itself, repeatedly on the same arrays, and its best time is shown; "rest" is
what a step of a whole fit takes beyond all parts: the loop, the checks of the data, the shuffling,
and that within a step the parts find each other's arrays in the cache instead of their own. The
floor is the matrix products. One thread, one core. With --page the table, the layers put together,
goes into ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import time
from typing import TYPE_CHECKING, Any

# Before NumPy is imported, because its BLAS reads the number of threads then.
os.environ |= dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"], "1")

import numpy as np
from common import chosen_core, environment, find_works, pin_to
from measure import work_name
from page_sections import keep
from sides import FFNN, Floor

if TYPE_CHECKING:
    from collections.abc import Callable

    from common import Work

Row = tuple[str, float, float]  # part, ffnn's seconds, the floor's


def best(function: Callable[[], Any], samples: int, at_least: float = 2e-4) -> float:
    """Return the best time of a call.

    Parameters
    ----------
    function : callable
        What is timed.
    samples : int
        The number of measurements.
    at_least : float
        Each measurement makes as many calls as take about this many seconds.
    """
    start = time.perf_counter()
    function()
    calls = max(1, math.ceil(at_least / (time.perf_counter() - start)))
    shortest = math.inf
    for _ in range(samples):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest / calls


def floor_times(work: Work, samples: int) -> dict[str, float]:
    """Return the best time of each matrix product, by the same keys as the parts' labels."""
    floor, matmul = Floor(work), np.matmul
    times = {}
    for i, (w, grad) in enumerate(zip(floor.w, floor.grads, strict=True)):
        a_t = floor.batches[0].T if i == 0 else floor.z_t[i - 1]
        z_t, dz_t = floor.z_t[i], floor.dz_t[i]
        into = np.empty_like(z_t)
        times[f"forward {i}"] = best(
            lambda w=w, a_t=a_t, out=into: matmul(w, a_t, out=out), samples
        )
        back = best(lambda dz_t=dz_t, a_t=a_t, g=grad: matmul(dz_t, a_t.T, out=g), samples)
        if i > 0:
            da_t = floor.dz_t[i - 1]
            back += best(lambda w=w, dz_t=dz_t, out=da_t: matmul(w.T, dz_t, out=out), samples)
        times[f"backward {i}"] = back
    return times


def step_times(side: FFNN, samples: int) -> list[tuple[str, str, float]]:
    """Return (key, label, best time) of the parts of ffnn's step, in their order."""
    from ffnn.data.sources import ArraySource

    model, work = side.model, side.work
    chosen = np.random.default_rng(5).permutation(work.rows)[: work.batch]
    x_source, y_source = ArraySource(side.x), ArraySource(side.y.astype(np.intp))
    gather = best(lambda: (x_source.take(chosen), y_source.take(chosen)), samples)
    x, y = x_source.take(chosen), y_source.take(chosen)
    times = [("gather", "gather the batch", gather)]
    # The last layer's softmax belongs to the loss, as in training.
    loss = model.loss.fuse(model.layers[-1].activation)
    stages = [list(layer.stages()) for layer in model.layers]
    stages[-1] = stages[-1][:1]
    model.layers[0].needs_input_grad = False
    flowing = x
    for i, parts in enumerate(stages):
        for part, stage in enumerate(parts):
            key = f"{'activation' if part else 'forward'} {i}"
            taken = best(lambda f=stage.forward, a=flowing: f(a, True), samples)
            times.append((key, f"layer {i} forward{', activation' if part else ''}", taken))
            flowing = stage.forward(flowing, True)
    taken = best(lambda: (loss.forward(flowing, y), loss.backward()), samples)
    times.append(("loss", "loss and its gradient", taken))
    loss.forward(flowing, y)
    flowing = loss.backward()
    for i, parts in reversed(list(enumerate(stages))):
        for part, stage in reversed(list(enumerate(parts))):
            key = f"{'activation' if part else 'backward'} {i}"
            taken = best(lambda f=stage.backward, a=flowing: f(a), samples)
            times.append((key, f"layer {i} backward{', activation' if part else ''}", taken))
            flowing = stage.backward(flowing)
    times.append(("optimizer", f"optimizer, {work.optimizer}", best(model.optimizer.step, samples)))
    return times


def profile(work: Work, samples: int) -> list[Row]:
    """Return a row for each part, one for the rest, and one for the whole step."""
    side = FFNN(work)
    side.reset()
    side.fit()
    whole = math.inf
    for _ in range(max(3, samples // 20)):
        side.reset()
        start = time.perf_counter()
        side.fit()
        whole = min(whole, (time.perf_counter() - start) / work.steps)
    floor = floor_times(work, samples)
    side.reset()
    side.model.optimizer.learning_rate = 1e-6  # thousands of updates by one gradient
    rows = [(label, taken, floor.get(key, 0.0)) for key, label, taken in step_times(side, samples)]
    rows.append(("rest: loop, checks, cache", whole - sum(row[1] for row in rows), 0.0))
    return [*rows, ("whole step", whole, sum(floor.values()))]


def of_all_layers(rows: list[Row]) -> list[Row]:
    """Return rows with what is said of each layer put together."""
    sums: dict[str, list[float]] = {}
    for label, ours, floor in rows:
        both = sums.setdefault(re.sub(r"layer \d+ ", "", label), [0.0, 0.0])
        both[0] += ours
        both[1] += floor
    return [(label, ours, floor) for label, (ours, floor) in sums.items()]


def main() -> None:
    """Print the parts of a step of one work."""
    parser = argparse.ArgumentParser(description="Show where the time of a step goes.")
    parser.add_argument("--work", default="784-128-64-10/64/sgd", help="a part of a work's name")
    parser.add_argument("--samples", type=int, default=200, help="measurements of each part")
    parser.add_argument("--page", action="store_true", help="put it into docs/performance.md")
    options = parser.parse_args()
    try:
        work = find_works([options.work])[0]
    except ValueError as error:
        parser.error(str(error))
    core = chosen_core()
    pin_to("" if core is None else str(core))
    rows = profile(work, options.samples)
    found = environment([])
    print(f"{found['cpu']}, Python {found['python']}, NumPy {found['numpy']}, {found['blas']}")
    print(f"{work.name}, best of {options.samples}, µs\n")
    print(f"{'part':<30}{'ffnn':>10}{'floor':>10}{'beyond':>10}{'share':>8}")
    for label, ours, floor in rows:
        bare = f"{1e6 * floor:.1f}" if floor else ""
        share = ours / rows[-1][1]
        print(f"{label:<30}{1e6 * ours:>10.1f}{bare:>10}{1e6 * (ours - floor):>10.1f}{share:>8.0%}")
    if options.page:
        cells = [
            [label, f"{1e6 * ours:.0f}", f"{1e6 * floor:.0f}" if floor else "",
             f"{1e6 * (ours - floor):.0f}"]
            for label, ours, floor in of_all_layers(rows)
        ]  # fmt: skip
        machine = f"{work_name(work._asdict())}; {found['cpu']}, one core"
        head = ["part, µs", "ffnn", "its products", "beyond"]
        by = f"python benchmarks/profile_step.py --work {options.work} --page"
        keep("performance.md", "parts of a step", machine, by, head, cells)


if __name__ == "__main__":
    main()
