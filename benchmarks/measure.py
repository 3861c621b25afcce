"""Measure everything that `docs/measured.md` and README's table of speeds show, and write them.

    python benchmarks/measure.py [--quick] [--only PART...] [--machine NAME] [--page-only]

The parts are training, on one core; cores, the same with the libraries' own threads on all cores;
predict; and commands. What a part measures is kept in ``benchmarks/results/NAME``, NAME being the
processor by default, and the page has a section for each folder there, so that a later run on
another machine stands beside. Run it on a machine that does nothing else: the whole takes about
an hour, and the load before each part is on the page.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import cpu_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent
RESULTS, PAGE, README = (
    HERE / "results",
    HERE.parent / "docs/measured.md",
    HERE.parent / "README.md",
)
MARKS = "<!-- measured -->", "<!-- end of measured -->"
PARTS = {
    "training": ["bench_training.py", "--compiled", "--repeats", "9"],
    "cores": ["bench_training.py", "--compiled", "--repeats", "5", "--all-cores"],
    "predict": ["bench_predict.py"],
    "commands": ["bench_commands.py"],
}
QUICK = {
    "training": ["--quick", "--rows", "20-64-64-2/32/sgd", "--peers", "sklearn"],
    "cores": ["--quick", "--rows", "20-64-64-2/32/sgd", "--peers", "sklearn"],
    "predict": ["--quick", "--peers", "sklearn"],
    "commands": ["--quick", "--peers", "sklearn"],
}
NAMES = {
    "sklearn": "scikit-learn", "torch": "PyTorch",
    "keras": "Keras", "keras-steps": "Keras, 10 steps",
    "keras-call": "Keras call", "jax": "JAX jit", "jax-batches": "JAX, NumPy batches",
    "jax-scan": "JAX, whole epoch", "onnxruntime": "ONNX Runtime", "c": "C program",
    "compiled": "loops", "floor": "floor",
}  # fmt: skip
SHORT = [  # the rows of README's table, and then its columns
    "784-128-64-10/64/sgd",
    "784-128-64-10/64/adam",
    "20-64-64-2/32/adam",
]
FIRST = ["sklearn", "torch", "keras", "jax"]


def run(part: str, folder: Path, *, quick: bool) -> None:
    """Measure one part, and keep its numbers with the load before it and the day."""
    script, *options = PARTS[part]
    file = folder / f"{part}.json"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    more = QUICK[part] if quick else []
    command = [sys.executable, str(HERE / script), *options, *more, "--json", str(file)]
    subprocess.run(command, check=True)
    found = json.loads(file.read_text(encoding="utf-8"))
    found |= {"load": load, "day": time.strftime("%Y-%m-%d")}
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Return the median over the rounds of their time / our time."""
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def digits(number: float) -> str:
    """Return a number with at least three digits."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in lines]


def work_name(work: Mapping[str, Any]) -> str:
    """Return what a row of a training is called."""
    sizes = "-".join(map(str, work["sizes"]))
    optimizer = {"sgd": "SGD", "adam": "Adam"}[work["optimizer"]]
    dtype = "" if work["dtype"] == "float32" else f", {work['dtype']}"
    return f"{sizes}, batch {work['batch']}, {optimizer}{dtype}"


def training_table(found: Mapping[str, Any], columns: Sequence[str] | None = None) -> list[str]:
    """Return the table of a training: their time / ours, with loops and, in brackets, without."""
    works = found["works"].values()
    sides = [side for side in next(iter(works))["seconds"] if side not in ("ffnn", "compiled")]
    sides = [side for side in sides if side in (columns or [s for s in sides if s != "floor"])]
    rows = []
    for work in works:
        seconds = work["seconds"]
        loops, plain = seconds["compiled"], seconds["ffnn"]
        row = [work_name(work)]
        if columns is None:
            per_step = 1e6 / work["steps"]
            times = (statistics.median(each) * per_step for each in (loops, plain))
            row.append("{:,.0f} ({:,.0f})".format(*times))
        row += [f"{ratio(seconds[s], loops):.2f} ({ratio(seconds[s], plain):.2f})" for s in sides]
        if columns is None:
            floor = seconds["floor"]
            row.append(f"{ratio(loops, floor):.2f} ({ratio(plain, floor):.2f})")
        rows.append(row)
    names = [NAMES[side] for side in sides]
    whole = ["ffnn, µs a step", *names, "ffnn / floor"] if columns is None else names
    return table(["", *whole], rows)


def sides_table(seconds: Mapping[str, Mapping[str, Sequence[float]]], unit: float) -> list[str]:
    """Return the table of case → side → seconds: ours, and their time / ours."""
    sides = list(dict.fromkeys(side for case in seconds.values() for side in case))
    others = [side for side in sides if side != "ffnn"]
    rows = []
    for case, times in seconds.items():
        ours = times["ffnn"]
        ratios = [f"{ratio(times[s], ours):.2f}" if s in times else "" for s in others]
        rows.append([case, digits(unit * statistics.median(ours)), *ratios])
    return table(["", "ffnn", *(NAMES[side] for side in others)], rows)


def turned(seconds: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return case → side → numbers of side → case → numbers."""
    cases = next(iter(seconds.values()))
    return {case: {side: seconds[side][case] for side in seconds} for case in cases}


def about(found: Mapping[str, Any]) -> str:
    """Return the line that says on what, when, and beside what load a part was measured."""
    words = [f"{name} {value}" for name, value in found["environment"].items()
             if name not in ("cpu", "system")]  # fmt: skip
    if "works" in found:
        pools = next(iter(found["works"].values()))["threads"]["ffnn"]["pools"]
        words.append(pools if isinstance(pools, str) else f"products by {', '.join(pools)}")
    load = "unknown" if found["load"] is None else f"{found['load']:.2f}"
    return f"{found['day']}, load before {load}; {', '.join(words)}."


def section(folder: Path) -> list[str]:
    """Return the lines about one machine."""
    found = {
        part: json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
        for part in PARTS
        if (folder / f"{part}.json").exists()
    }
    cpu = next(iter(found.values()))["environment"]["cpu"]
    lines = [f"## {cpu}"]
    titles = {
        "training": "Training on one core",
        "cores": "Training with the libraries' own threads on all cores",
        "predict": "Predictions of 784-128-64-10, µs a call",
        "commands": "Whole programs, seconds",
    }
    for part, numbers in found.items():
        if part in ("training", "cores"):
            made = training_table(numbers)
        elif part == "predict":
            made = sides_table(turned(numbers["seconds"]), 1e6)
        else:
            made = sides_table(numbers["seconds"], 1.0)
        lines += ["", f"### {titles[part]}", "", about(numbers), "", *made]
    return lines


def write_page(folders: Sequence[Path]) -> None:
    """Write the page about all machines."""
    lines = [
        "# Measured",
        "",
        "`python benchmarks/measure.py` writes this page. A cell is their time / the time of ffnn,",
        "the median over the rounds: above 1, ffnn is faster. Trainings are with compiled loops",
        "and, in brackets, without; [performance](performance.md) tells how it is measured and",
        "what the floor is.",
    ]
    if not folders:
        lines += ["", "Nothing has been measured since the command was written."]
    for folder in folders:
        lines += ["", *section(folder)]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_readme(folder: Path) -> None:
    """Write README's table from the training on one machine."""
    found = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    works = found["works"]
    found["works"] = {name: works[name] for name in SHORT if name in works} or works
    text, (begin, end) = README.read_text(encoding="utf-8"), MARKS
    head, *rows = training_table(found, FIRST)
    where = f"{found['environment']['cpu']}, {found['day']}, with loops (without)"
    lines = [head.replace("|  |", f"| {where} |", 1), *rows]
    between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    new = "\n".join([begin, *lines, end])
    README.write_text(between.sub(lambda _: new, text), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Measure what the docs show, and write it.")
    add = parser.add_argument
    add("--quick", action="store_true", help="a row of each, to see that it runs")
    add(
        "--only",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        metavar="PART",
        help=", ".join(PARTS),
    )
    add("--machine", default=re.sub(r"\W+", "-", cpu_model()).strip("-").lower(), metavar="NAME",
        help="folder of the results (default: the processor)")  # fmt: skip
    add("--page-only", action="store_true", help="measure nothing, write from what is there")
    options = parser.parse_args(argv)
    folder = RESULTS / options.machine
    RESULTS.mkdir(exist_ok=True)
    try:
        for part in [] if options.page_only else options.only:
            folder.mkdir(exist_ok=True)
            run(part, folder, quick=options.quick)
    except subprocess.CalledProcessError as error:
        print(f"measure: {error}", file=sys.stderr)
        return 1
    write_page(sorted(path for path in RESULTS.iterdir() if any(path.glob("*.json"))))
    if (folder / "training.json").exists():
        write_readme(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
