"""How long a training step takes, next to other libraries and to the bare matrix products.

    python benchmarks/bench_training.py [--peers sklearn,torch,keras,jax] [--quick] [--json FILE]
                                        [--rows all|NAME...] [--repeats N] [--seconds S]
                                        [--compiled] [--all-cores]

All train the same network from the same weights on the same float32 rows, with the same batch size,
optimizer, learning rate and number of epochs, reshuffling every epoch. The time of a step is that
of a whole fit of five epochs divided by its number of steps. The sides are

- ffnn: ``Sequential.fit`` as NumPy computes; compiled: with compiled loops (``--compiled``); auto,
  with ``--all-cores``: the same on the threads that ``set_num_threads("auto")`` chooses,
- floor: the ``np.matmul(..., out=)`` calls that the steps cannot do without, and nothing else,
- sklearn: ``MLPClassifier.fit``,
- torch: an eager loop, with fused Adam,
- keras: ``model.fit`` on the JAX backend; keras-steps: the same, ten steps to a compiled call,
- jax: a jitted step that gathers its batch; jax-batches: the same, with batches made by NumPy;
  jax-scan: a whole epoch in one compiled call.

Each side is a child process, pinned to one core where the system allows it, with one thread for its
products; with ``--all-cores`` it has what its library takes by default. OPENBLAS_CORETYPE is not
set for any. The sides take turns, and those that wait are stopped; in each round every side trains
once. The table shows the median
over the rounds of the time of a step, of its ratio to ffnn's in the same round, and the quartiles
of that ratio. After each fit the loss over all rows is computed by plain NumPy in float64 from the
side's weights; if it differs from ours by more than 2 %, the benchmark fails.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import statistics
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import (
    CHILD_SETTINGS,
    DEFAULT_SETTINGS,
    PEERS,
    UNSET,
    WORKS,
    BenchmarkError,
    Child,
    check_losses,
    chosen_core,
    environment,
    find_works,
    split_peers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common import Work
    from tqdm import tqdm

SIDES = {peer: [peer] for peer in PEERS}
SIDES |= {"keras": ["keras", "keras-steps"], "jax": ["jax", "jax-batches", "jax-scan"]}
FEWEST_ROUNDS = 3
SCRIPT = Path(__file__).with_name("sides.py")
HEADER = (
    f"{'work':<28}{'side':<12}{'µs/step':>10}{'× ffnn':>8}{'quartiles':>13}"
    f"{'ffnn/floor':>12}{'loss':>9}"
)


def measure(
    work: Work,
    sides: Sequence[str],
    repeats: int,
    bar: tqdm[Any],
    *,
    all_cores: bool = False,
    limit: float | None = None,
) -> dict[str, Any]:
    """Let all sides train in turn, and return what was measured.

    Parameters
    ----------
    work : Work
        What is trained.
    sides : sequence of str
        The sides that train.
    repeats : int
        The number of rounds.
    bar : tqdm
        Advanced by one for each child that is ready and for each fit.
    all_cores : bool, default False
        Whether the sides may use all cores, as their libraries do by default.
    limit : float, optional
        Seconds after which no further round begins, once there are three.

    Returns
    -------
    dict
        ``"first_loss"``; ``"threads"``, side → cores and thread pools; ``"seconds"``, side → the
        time of each fit; ``"losses"``, side → the loss after each fit, without the floor.

    Raises
    ------
    BenchmarkError
        A child ended early.
    """
    core = None if all_cores else chosen_core()
    settings = DEFAULT_SETTINGS if all_cores else CHILD_SETTINGS
    children: dict[str, Child] = {}
    try:
        threads = {}
        for side in sides:  # one after another: the first fit of one may measure threads
            pinned = "" if core is None else str(core)
            children[side] = Child(SCRIPT, side, work.name, pinned, settings=settings)
            threads[side] = children[side].receive()
            bar.update()
        first_loss = threads[sides[0]]["first_loss"]
        seconds, losses = take_turns(children, repeats, bar, limit)
    finally:
        for child in children.values():
            child.close()
    del losses["floor"]
    return {"first_loss": first_loss, "threads": threads, "seconds": seconds, "losses": losses}


def take_turns(
    children: Mapping[str, Child], repeats: int, bar: tqdm[Any], limit: float | None = None
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Let each child train once in each round, and return all times and losses by side."""
    sides = list(children)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    losses: dict[str, list[float]] = {side: [] for side in sides}
    begun = time.perf_counter()
    for turn in range(repeats):
        if limit and turn >= FEWEST_ROUNDS and time.perf_counter() - begun > limit:
            break
        start = turn % len(sides)  # each round begins with another side
        for side in (*sides[start:], *sides[:start]):
            answer = children[side].ask("fit")
            seconds[side].append(answer["seconds"])
            losses[side].append(answer["loss"])
            bar.update()
    return seconds, losses


def summarize(seconds: Mapping[str, Sequence[float]], steps: int) -> dict[str, dict[str, Any]]:
    """Return the medians of each side.

    Parameters
    ----------
    seconds : mapping of str to sequence of float
        Side → its time in each round; "ffnn" is one of the sides.
    steps : int
        The number of steps in that time.

    Returns
    -------
    dict
        Side → ``"us_per_step"``, the median; ``"ratio"``, the median over the rounds of its time
        over ffnn's; ``"quartiles"``, that ratio's; and for the floor ``"ffnn_over_floor"``.
    """
    result: dict[str, dict[str, Any]] = {}
    for side, theirs in seconds.items():
        rounds = list(zip(theirs, seconds["ffnn"], strict=True))
        ratios = [their / our for their, our in rounds]
        lower, _, upper = statistics.quantiles(ratios * 2, method="inclusive")
        result[side] = {
            "us_per_step": 1e6 * statistics.median(theirs) / steps,
            "ratio": statistics.median(ratios),
            "quartiles": [lower, upper],
        }
        if side == "floor":
            result[side]["ffnn_over_floor"] = statistics.median(
                our / their for their, our in rounds
            )
    return result


def table(name: str, summary: Mapping[str, Any], losses: Mapping[str, Sequence[float]]) -> str:
    """Return the lines of one work.

    Parameters
    ----------
    name : str
        The work's name.
    summary : mapping
        What `summarize` returned.
    losses : mapping of str to sequence of float
        Side → the loss after each fit.
    """
    lines = []
    for side, row in summary.items():
        line = f"{name:<28}{side:<12}{row['us_per_step']:>10.1f}{row['ratio']:>8.2f}"
        lower, upper = row["quartiles"]
        line += f"{f'{lower:.2f} - {upper:.2f}' if side != 'ffnn' else '':>13}"
        floor = row.get("ffnn_over_floor")
        line += f"{'' if floor is None else f'{floor:.2f}':>12}"
        line += f"{f'{statistics.median(losses[side]):.4f}' if side in losses else '':>9}"
        lines.append(line.rstrip())
        name = ""
    return "\n".join(lines)


def report(found: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the lines that describe the machine and the settings."""
    versions = [f"{key} {value}" for key, value in found.items() if key not in ("cpu", "cores")]
    lines = [f"{found['cpu']}, {found['cores']} cores", textwrap.fill(", ".join(versions), 99)]
    core = settings["core"]
    pinned = "not pinned" if core is None else f"each pinned to core {core}"
    lines.append(f"{settings['repeats']} rounds of five epochs; one process per side, {pinned}")
    lines += [f"  {name}={value}" for name, value in settings["child"].items()]
    lines += [f"  {name} was set, and is not for the sides" for name in UNSET if name in os.environ]
    with contextlib.suppress(OSError):
        lines.append(f"load before: {os.getloadavg()[0]:.2f}")
    if settings["missing"]:
        lines.append(f"not installed, left out: {', '.join(settings['missing'])}")
    return "\n".join(lines)


def threads_report(threads: Mapping[str, Any]) -> str:
    """Return a line for each side: its numeric libraries' thread pools, with their threads."""
    lines = ["threads:"]
    for side, found in threads.items():
        pools = found["pools"]
        shown = pools if isinstance(pools, str) else ", ".join(pools) or "no pool known"
        lines.append(f"  {side:<12}{shown}")
    return "\n".join(lines)


def run(works: Sequence[Work], peers: Sequence[str], settings: dict[str, Any]) -> dict[str, Any]:
    """Measure all works, print each as it is done, and return all numbers.

    Raises
    ------
    BenchmarkError
        A side trained to another loss, or a child ended early.
    """
    from tqdm import tqdm

    ours = ["ffnn", "compiled"] if settings["compiled"] else ["ffnn"]
    if settings["compiled"] and settings["all_cores"]:
        ours.append("auto")
    sides = [*ours, "floor", *itertools.chain.from_iterable(SIDES[peer] for peer in peers)]
    found = environment(peers)
    print(report(found, settings), flush=True)
    results: dict[str, Any] = {}
    repeats, more = settings["repeats"], {key: settings[key] for key in ("all_cores", "limit")}
    total = len(works) * len(sides) * (repeats + 1)
    with tqdm(total=total, file=sys.stderr, unit="fit", disable=None, leave=False) as bar:
        for work in works:
            bar.set_description(work.name)
            measured = measure(work, sides, repeats, bar, **more)
            check_losses(work.name, measured["first_loss"], measured["losses"])
            summary = summarize(measured["seconds"], work.steps)
            text = table(work.name, summary, measured["losses"])
            if not results:
                text = f"{threads_report(measured['threads'])}\n\n{HEADER}\n{text}"
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()
            results[work.name] = {**work._asdict(), "steps": work.steps, "summary": summary}
            results[work.name] |= measured
    return {"environment": found, "settings": settings, "works": results}


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(description="Time training against other libraries.")
    parser.add_argument(
        "--peers",
        default=",".join(PEERS),
        help="libraries to compare with, separated by commas, or none",
    )
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    parser.add_argument(
        "--rows",
        nargs="+",
        default=["all"],
        metavar="NAME",
        help=f"works, by parts of their names; known: {', '.join(work.name for work in WORKS)}",
    )
    parser.add_argument("--compiled", action="store_true", help="also with compiled loops")
    parser.add_argument(
        "--all-cores", action="store_true", help="threads and cores as each library takes them"
    )
    parser.add_argument("--repeats", type=int, metavar="N", help="number of rounds")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="of a work's rounds, after at least three"
    )
    options = parser.parse_args(argv)
    named = [name for name in options.peers.split(",") if name not in ("", "none")]
    try:
        options.peers, options.missing = split_peers(named)
        options.works = find_works(options.rows)
    except ValueError as error:
        parser.error(str(error))
    if options.repeats is None:
        options.repeats = 3 if options.quick else 15
    if options.repeats < 1:
        parser.error(f"--repeats: expected at least 1, got {options.repeats}")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = arguments(argv)
    settings = {
        "repeats": options.repeats,
        "missing": options.missing,
        "core": None if options.all_cores else chosen_core(),
        "compiled": options.compiled,
        "all_cores": options.all_cores,
        "limit": options.seconds,
        "child": DEFAULT_SETTINGS if options.all_cores else CHILD_SETTINGS,
    }
    try:
        numbers = run(options.works, options.peers, settings)
    except BenchmarkError as error:
        print(f"bench_training: {error}", file=sys.stderr)
        return 1
    if options.json is not None:
        options.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
