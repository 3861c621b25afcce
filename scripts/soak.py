"""Try for hours what the tests try for a minute: files, crashes, resuming, threads, arguments.

Run from anywhere, on Linux, with the package installed::

    python scripts/soak.py                      all trials at their long counts, new seeds
    python scripts/soak.py --quick              the counts of the tests
    python scripts/soak.py --minutes 30         all trials, repeated for half an hour
    python scripts/soak.py mutations --count 20000
    python scripts/soak.py --replay found/mutations-7-1234.json

Each failing case is written into a folder, as a JSON file for ``--replay`` and, where there is
one, the model file. The exit code is 1 if a case failed or a control did not.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tqdm import tqdm
from trials import (
    arguments,
    changes,
    crashes,
    faults,
    forgeries,
    hostile,
    interruptions,
    mutations,
    networks,
    ranks,
    resumes,
    sharing,
    tables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trials.common import Result

    Run = Callable[[Sequence[int], int, Path, Callable[[int], object]], Result]


class Trial(NamedTuple):
    """A trial, and how many cases it has in the tests and in a long run."""

    run: Run
    quick: int
    long: int


TRIALS = {
    "hostile": Trial(hostile.run, len(hostile.KINDS), len(hostile.KINDS)),
    "faults": Trial(faults.run, 1, 1),
    "mutations": Trial(mutations.run, 10_000, 400_000),  # half of them with a valid checksum
    "kills": Trial(crashes.run, 200, 5_000),
    "readers": Trial(crashes.run_readers, 300, 20_000),
    "networks": Trial(networks.run, 200, 5_000),
    "resumes": Trial(resumes.run, 20, 200),
    "forgeries": Trial(forgeries.run, 200, 10_000),
    "changes": Trial(changes.run, 2 * len(changes.CHANGES), 1_000),
    "interruptions": Trial(interruptions.run, 10, 200),
    "ranks": Trial(ranks.run, 5, 200),
    "endings": Trial(ranks.run_endings, 3, 50),
    "arguments": Trial(arguments.run, 2_000, 10_000),
    "tables": Trial(tables.run, 200, 2_000),
    "threads": Trial(sharing.run, 5_000, 1_000_000),
    "memory": Trial(sharing.run_memory, 10_000, 10_000),  # with more, the history alone takes a MiB
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run trials and print a table of their results.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line, without the program.

    Returns
    -------
    int
        The exit code.
    """
    options = _parser().parse_args(arguments)
    if options.replay:
        return _replay(options.replay)
    end = time.monotonic() + 60 * options.minutes
    rows = []
    while True:
        for name in options.trials or TRIALS:
            trial = TRIALS[name]
            count = options.count or (
                trial.quick if options.quick or options.minutes else trial.long
            )
            seed = secrets.randbits(31) if options.seed is None else options.seed
            rows.append(_run(name, range(count), seed, options.out))
        if time.monotonic() >= end:
            break
    print(json.dumps(rows) if options.json else _table(rows))
    return int(any(row["failures"] or not row["control"] for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=", ".join(TRIALS))
    parser.add_argument("--quick", action="store_true", help="use the counts of the tests")
    parser.add_argument("--count", type=int, help="number of cases of each trial")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="repeat the trials for this long"
    )
    parser.add_argument("--seed", type=int, help="default: a new one each time")
    parser.add_argument("--out", type=Path, default=Path("found"), help="folder of failing cases")
    parser.add_argument("--json", action="store_true", help="print results as JSON")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a failing case again")
    return parser


def _run(name: str, cases: Sequence[int], seed: int, out: Path) -> dict[str, object]:
    """Run a trial, write its failures down, and return a row of the table."""
    start = time.monotonic()
    tqdm.monitor_interval = 0  # no thread of its own, as trials fork
    with (
        tempfile.TemporaryDirectory() as folder,
        tqdm(total=len(cases), desc=name, disable=None) as bar,
    ):
        result = TRIALS[name].run(cases, seed, Path(folder), bar.update)
    for failure in result.failures:
        out.mkdir(parents=True, exist_ok=True)
        case = {"trial": name, "seed": seed, "case": failure.case, "what": failure.what}
        path = out / f"{name}-{seed}-{failure.case}.json"
        path.write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")
        if failure.file is not None:
            path.with_suffix(".h5").write_bytes(failure.file)
    row = asdict(result) | {"trial": name, "seed": seed, "seconds": time.monotonic() - start}
    row["failures"] = [f"{failure.case}: {failure.what}" for failure in result.failures]
    return row


def _replay(path: Path) -> int:
    case = json.loads(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        run = TRIALS[case["trial"]].run
        result = run([case["case"]], case["seed"], Path(folder), lambda _: None)
    for failure in result.failures:
        print(f"{case['trial']}, seed {case['seed']}, case {failure.case}: {failure.what}")
    print("it fails" if result.failures else "it does not fail")
    return int(bool(result.failures))


def _table(rows: list[dict[str, object]]) -> str:
    lines = [f"{'trial':13} {'seed':>11} {'cases':>9} {'failed':>7} {'control':>8} {'s':>7}"]
    for row in rows:
        failures = row["failures"]
        assert isinstance(failures, list)
        lines.append(
            f"{row['trial']:13} {row['seed']:>11} {row['cases']:>9} {len(failures):>7} "
            f"{row['control']:>8} {row['seconds']:>7.0f}  {_notes(row['notes'])}".rstrip()
        )
        lines += [f"    {failure}" for failure in failures[:10]]
    return "\n".join(lines)


def _notes(notes: object) -> str:
    assert isinstance(notes, dict)
    return ", ".join(f"{name}: {number}" for name, number in notes.items())


if __name__ == "__main__":
    sys.exit(main())
