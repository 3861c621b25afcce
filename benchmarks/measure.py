"""Measure everything that `docs/measured.md` and README's table of speeds show, and write them.

The machines side by side, in `docs/performance.md`, come from the same numbers.

    python benchmarks/measure.py [--all-cores] [--rows NAME...] [--again] [--quick]
                                 [--machine NAME] [--page-only]

The rows are the trainings of `bench_training.py`, the predictions of `bench_predict.py`, and the
programs of `bench_commands.py`; all sides are pinned to one core. With ``--all-cores`` the rows are
those with the libraries' own threads on all cores. Each takes a quarter of an hour.

Each row is kept as soon as it is measured, in ``benchmarks/results/MACHINE``, MACHINE being the
processor by default; a run that was interrupted resumes with the rows that are missing. ``--rows``
measures the rows whose names contain a word, and ``--again`` all of them, whatever is there. The
page has a section for each folder. Run it on a machine that does nothing else: the load before each
row is kept with it, and the largest is on the page.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from common import WORKS, cpu_model
from page_sections import DOCS, RESULTS, ROOT, put, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent
PAGE, README, PERFORMANCE = DOCS / "measured.md", ROOT / "README.md", DOCS / "performance.md"
TITLES = {
    "training": "Training on one core",
    "predict": "Predictions of 784-128-64-10 on one core, µs a call",
    "commands": "Whole programs on one core, seconds",
    "memory": "Whole programs on one core, MB of memory",
}
NAMES = {
    "sklearn": "scikit-learn", "torch": "PyTorch",
    "keras": "Keras", "keras-steps": "Keras, 10 steps",
    "ffnn-plain": "ffnn without loops", "keras-call": "Keras call", "jax": "JAX jit",
    "jax-batches": "JAX, NumPy batches",
    "jax-scan": "JAX, whole epoch", "onnxruntime": "ONNX Runtime", "c": "C program",
    "compiled": "loops", "floor": "floor",
}  # fmt: skip
SHORT = [  # the rows of README's table, and then its columns
    "784-128-64-10/64/sgd",
    "784-128-64-10/64/adam",
    "20-64-64-2/32/adam",
]
FIRST = ["sklearn", "torch", "keras", "jax"]
BESIDE = ["sklearn", "torch", "keras", "jax-batches"]  # of the machines side by side, and the floor
QUICK = "20-64-64-2/32/sgd", "predict", "cold-start"
PROGRAMS = "command", "cold-start", "validation", "sparse"


class Row(NamedTuple):
    """What is measured at once."""

    part: str  # "training", "predict" or "commands", with "-all-cores" where that is so
    name: str
    command: list[str]  # the script and its options

    def file(self, folder: Path) -> Path:
        """Return where its numbers are kept."""
        return folder / self.part / f"{self.name.replace('/', '_')}.json"


def all_rows(*, all_cores: bool, quick: bool = False) -> list[Row]:
    """Return the rows, in the order in which they are measured."""
    more = ["--all-cores"] if all_cores else []
    suffix = "-all-cores" if all_cores else ""
    if quick:
        more += ["--quick", "--peers", "sklearn"]
    training = ["bench_training.py", "--compiled", "--repeats", "9", "--seconds", "25"]
    commands = ["bench_commands.py", "--rounds", "3"]
    rows = [Row("training", work.name, [*training, "--rows", work.name]) for work in WORKS]
    rows += [Row("predict", "predict", ["bench_predict.py", "--rounds", "9"])]
    rows += [Row("commands", name, [*commands, "--cases", name]) for name in PROGRAMS]
    return [
        Row(part + suffix, name, [*command, *more])
        for part, name, command in rows
        if not quick or name in QUICK
    ]


def run(row: Row, folder: Path) -> None:
    """Measure a row, and keep its numbers with the load before it and the day."""
    script, *options = row.command
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    file = row.file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    try:
        command = [sys.executable, str(HERE / script), *options, "--json", str(new)]
        subprocess.run(command, check=True)
        found = json.loads(new.read_text(encoding="utf-8"))
    finally:
        new.unlink(missing_ok=True)
    found |= {"load": load, "day": time.strftime("%Y-%m-%d")}
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def run_all(rows: Sequence[Row], folder: Path) -> list[Row]:
    """Measure rows and return those that failed; the others are worth having."""
    failed = []
    for row in rows:
        try:
            run(row, folder)
        except subprocess.CalledProcessError as error:
            print(f"measure: {row.part}/{row.name}: {error}", file=sys.stderr)
            failed.append(row)
    return failed


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Return the median over the rounds of their time / our time."""
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def digits(number: float) -> str:
    """Return a number with at least three digits."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def work_name(work: Mapping[str, Any]) -> str:
    """Return what a row of a training is called."""
    sizes = "-".join(map(str, work["sizes"]))
    optimizer = {"sgd": "SGD", "adam": "Adam"}[work["optimizer"]]
    dtype = "" if work["dtype"] == "float32" else f", {work['dtype']}"
    return f"{sizes}, batch {work['batch']}, {optimizer}{dtype}"


def training_table(
    works: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> list[str]:
    """Return the table of trainings: their time / ours, with loops and, in brackets, without.

    On all cores it is with loops on the threads that ffnn chooses, and in brackets on all cores.
    """
    found = dict.fromkeys(side for work in works for side in work["seconds"])
    ours = ("auto", "compiled") if "auto" in found else ("compiled", "ffnn")
    sides = [side for side in found if side not in ("ffnn", "compiled", "auto")]
    sides = [side for side in sides if side in (columns or [s for s in sides if s != "floor"])]
    rows = []
    for work in works:
        seconds = work["seconds"]
        loops, plain = (seconds[side] for side in ours)
        row = [work_name(work)]
        if columns is None:
            per_step = 1e6 / work["steps"]
            times = (statistics.median(each) * per_step for each in (loops, plain))
            row.append("{:,.0f} ({:,.0f})".format(*times))
        for side in sides:
            theirs = seconds.get(side)
            both = theirs and f"{ratio(theirs, loops):.2f} ({ratio(theirs, plain):.2f})"
            row.append(both or "")
        if columns is None:
            floor = seconds["floor"]
            row.append(f"{ratio(loops, floor):.2f} ({ratio(plain, floor):.2f})")
        rows.append(row)
    names = [NAMES[side] for side in sides]
    whole = ["ffnn, µs a step", *names, "ffnn / floor"] if columns is None else names
    return table(["", *whole], rows)


def sides_table(numbers: Mapping[str, Mapping[str, Sequence[float]]], unit: float) -> list[str]:
    """Return the table of case → side → numbers: ours, and theirs / ours."""
    sides = list(dict.fromkeys(side for case in numbers.values() for side in case))
    others = [side for side in sides if side != "ffnn"]
    rows = []
    for case, each in numbers.items():
        ours = each["ffnn"]
        ratios = [f"{ratio(each[s], ours):.2f}" if s in each else "" for s in others]
        rows.append([case, digits(unit * statistics.median(ours)), *ratios])
    return table(["", "ffnn", *(NAMES[side] for side in others)], rows)


def turned(seconds: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return case → side → numbers of side → case → numbers."""
    cases = next(iter(seconds.values()))
    return {case: {side: seconds[side][case] for side in seconds} for case in cases}


def about(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the line that says on what, when, and beside what load rows were measured."""
    environment = {name: value for row in rows for name, value in row["environment"].items()}
    words = [f"{name} {value}" for name, value in environment.items()
             if name not in ("cpu", "system")]  # fmt: skip
    threads = [work["threads"]["ffnn"] for work in works_of(rows).values()]
    threads += [row["ready"]["ffnn"]["threads"] for row in rows if "ready" in row]
    if threads:
        pools = threads[0]["pools"]
        words.append(pools if isinstance(pools, str) else f"products by {', '.join(pools)}")
    loads = [row["load"] for row in rows if row["load"] is not None]
    load = f"load before each at most {max(loads):.2f}" if loads else "load unknown"
    days = sorted({row["day"] for row in rows})
    day = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{day}, {load}; {', '.join(words)}."


def read_rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return part → what is kept of its rows, in the order in which they are measured."""
    found: dict[str, list[dict[str, Any]]] = {}
    for all_cores in (False, True):
        for row in all_rows(all_cores=all_cores):
            if row.file(folder).exists():
                content = json.loads(row.file(folder).read_text(encoding="utf-8"))
                found.setdefault(row.part, []).append(content)
    return found


def works_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return name → numbers of the trainings in rows."""
    return {name: work for row in rows for name, work in row.get("works", {}).items()}


def section(folder: Path) -> list[str]:
    """Return the lines about one machine."""
    found = read_rows(folder)
    lines = [f"## {next(iter(found.values()))[0]['environment']['cpu']}"]
    for part, rows in found.items():
        kind = part.removesuffix("-all-cores")
        if kind == "training":
            made = {kind: training_table([*works_of(rows).values()])}
        elif kind == "predict":
            made = {kind: sides_table(turned(rows[0]["seconds"]), 1e6)}
        else:
            merged = {
                key: {case: sides for row in rows for case, sides in row[key].items()}
                for key in ("seconds", "memory")
            }
            made = {
                kind: sides_table(merged["seconds"], 1.0),
                "memory": sides_table(merged["memory"], 1.0),
            }
        for name, tables in made.items():
            title = TITLES[name]
            if kind != part:
                title = title.replace("on one core", "with the libraries' own threads on all cores")
            lines += ["", f"### {title}", "", about(rows), "", *tables]
    return lines


def write_page(folders: Sequence[Path]) -> None:
    """Write the page about all machines."""
    lines = [
        "# Measured",
        "",
        "`python benchmarks/measure.py` and the same with `--all-cores` write this page. A cell is",
        "theirs / ours, the median over the rounds: above 1, ffnn is faster, or takes less memory.",
        "Trainings are with compiled loops and, in brackets, without; on all cores they are on the",
        'threads that `set_num_threads("auto")` chooses and, in brackets, on all cores. Everything',
        "else has what its library takes by default.",
        "[performance](performance.md) tells how it is measured and what the floor is.",
    ]
    if not folders:
        lines += ["", "Nothing has been measured since the command was written."]
    for folder in folders:
        lines += ["", *section(folder)]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_readme(folder: Path) -> None:
    """Write README's table from the trainings on one core of one machine, if there are any."""
    rows = read_rows(folder).get("training")
    if not rows:
        return
    works = works_of(rows)
    chosen = [works[name] for name in SHORT if name in works] or [*works.values()]
    head, *others = training_table(chosen, FIRST)
    where = f"{rows[0]['environment']['cpu']}, {rows[0]['day']}, with loops (without)"
    put(README, "measured", [head.replace("|  |", f"| {where} |", 1), *others])


def side_by_side(folders: Sequence[Path]) -> list[str]:
    """Return the table of the trainings with loops, with a ratio for each machine in each cell."""
    parts = [read_rows(folder).get("training", []) for folder in folders]
    machines = {rows[0]["environment"]["cpu"]: works_of(rows) for rows in parts if rows}
    names = dict.fromkeys(name for works in machines.values() for name in works)

    def cell(name: str, side: str) -> str:
        found = []
        for works in machines.values():
            seconds = works[name]["seconds"] if name in works else {}
            pair = [seconds.get(each) for each in (side, "compiled")]
            pair = pair[::-1] if side == "floor" else pair
            found.append(f"{ratio(*pair):.2f}" if all(pair) else "–")
        return " / ".join(found)

    rows = []
    for name in names:
        work = next(works[name] for works in machines.values() if name in works)
        rows.append([work_name(work), *(cell(name, side) for side in (*BESIDE, "floor"))])
    head = [" / ".join(machines), *(NAMES[side] for side in BESIDE), "ffnn / floor"]
    return table(head, rows)


def write_side_by_side(folders: Sequence[Path]) -> None:
    """Write the table of the machines into the page of performance, if there is anything."""
    if any(read_rows(folder).get("training") for folder in folders):
        put(PERFORMANCE, "side by side", side_by_side(folders))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a wrong one ends the program with exit code 2."""
    parser = argparse.ArgumentParser(description="Measure what the docs show, and write it.")
    add = parser.add_argument
    add("--all-cores", action="store_true", help="threads and cores as each library takes them")
    add("--rows", nargs="+", metavar="NAME", help="these anew, by parts of their names")
    add("--again", action="store_true", help="all rows anew")
    add("--quick", action="store_true", help="a row of each part, printed and not kept")
    add("--machine", default=re.sub(r"\W+", "-", cpu_model()).strip("-").lower(), metavar="NAME",
        help="folder of the results (default: the processor)")  # fmt: skip
    add("--page-only", action="store_true", help="measure nothing, write from what is there")
    options = parser.parse_args(argv)
    rows = all_rows(all_cores=options.all_cores, quick=options.quick)
    names = [f"{row.part}/{row.name}" for row in rows]
    for word in options.rows or []:
        if not any(word in name for name in names):
            parser.error(f"--rows: none is named {word!r}; known: {', '.join(names)}")
    folder = RESULTS / options.machine
    options.folder, options.chosen = folder, []
    for row, name in zip(rows, names, strict=True):
        is_named = any(word in name for word in options.rows or [])
        is_due = options.again or options.quick or not row.file(folder).exists()
        if is_named or (options.rows is None and is_due):
            options.chosen.append(row)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = arguments(argv)
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            failed = run_all(options.chosen, Path(folder))
            if not failed:
                print("\n".join(section(Path(folder))))
        return 1 if failed else 0
    RESULTS.mkdir(exist_ok=True)
    failed = run_all([] if options.page_only else options.chosen, options.folder)
    folders = sorted(path for path in RESULTS.iterdir() if any(path.glob("*/*.json")))
    write_page(folders)
    write_side_by_side(folders)
    write_readme(options.folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
