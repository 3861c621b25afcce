"""The files of the page about the experiments: every number is computed from the results."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ffnn.core.files import replace_whole
from report import pictures
from report.composition import compose, distribution_name, list_networks
from report.conclusions import Finding, reported_difference, state
from report.document import to_html, to_markdown
from report.results import ResultsError, ResultsFolder
from report.runner import FULL, Run
from report.statistics import Interval, PairedTest
from report.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from report.settings import Experiment

PICTURES = "pictures"
CLAIM_COLUMNS = (
    "experiment",
    "claim",
    "reported_difference",
    "difference",
    "half_width",
    "std",
    "p",
    "corrected_p",
    "rows_half_width",
)


def write_page(study: Study, folder: ResultsFolder, command: str, pool: Executor) -> None:
    """Write pictures, `claims.csv`, `index.html` and `report.md` into the folder.

    Parameters
    ----------
    study : Study
        What the page is about.
    folder : ResultsFolder
        Where they are written.
    command : str
        The command that the page names as its source.
    pool : Executor
        Draws the pictures.
    """
    place = folder.folder / PICTURES
    place.mkdir(exist_ok=True)
    jobs = [
        pool.submit(
            pictures.write_distributions,
            row.training,
            folder.read_network(Run(experiment.name, row, 0, study.scale)),
            place / distribution_name(experiment, row),
        )
        for experiment, row in list_networks(study.experiments)
    ]
    findings = study.findings()
    for experiment in study.experiments:
        accuracies = study.accuracies(experiment)
        histories = {
            row.name: study.histories[experiment.name, row.name] for row in experiment.rows
        }
        figure = pictures.draw_accuracies(experiment, accuracies)
        pictures.write_png(figure, place / f"{experiment.name}_accuracy.png")
        pictures.write_png(pictures.draw_losses(histories), place / f"{experiment.name}_losses.png")
    _write_claims(folder.folder / "claims.csv", findings)
    for job in jobs:
        job.result()
    parts = compose(study, command, findings)
    replace_whole(folder.folder / "index.html", to_html(parts, PICTURES).encode())
    replace_whole(folder.folder / "report.md", to_markdown(parts, PICTURES).encode())


def copy_markdown(folder: ResultsFolder, file: Path) -> None:
    """Write `report.md` as `file`, with pictures and tables in a folder of its name beside it."""
    beside = file.with_suffix("")
    beside.mkdir(parents=True, exist_ok=True)
    text = (folder.folder / "report.md").read_text(encoding="utf-8")
    replace_whole(file, text.replace(f"]({PICTURES}/", f"]({beside.name}/").encode())
    for name in ("results.csv", "claims.csv"):
        replace_whole(beside / name, (folder.folder / name).read_bytes())
    for picture in sorted((folder.folder / PICTURES).glob("*.png")):
        if f"]({PICTURES}/{picture.name})" in text:
            replace_whole(beside / picture.name, picture.read_bytes())


def rewrite_markdown(experiments: tuple[Experiment, ...], command: str, file: Path) -> None:
    """Write the text of `file` again, from the tables in the folder of its name beside it.

    Parameters
    ----------
    experiments : tuple of Experiment
        All that the tables are about.
    command : str
        The command that the page names as its source.
    file : Path
        As `copy_markdown` wrote it.

    Raises
    ------
    ResultsError
        A table is missing, or is of other experiments.
    """
    folder = ResultsFolder(file.with_suffix(""))
    known = [Run(each.name, row, 0, FULL) for each in experiments for row in each.rows]
    results = folder.read(known)
    num_seeds = 1 + max((seed for _, _, seed in results), default=0)
    study = Study(experiments, num_seeds, FULL, {}, {}, {})
    for run in known:
        keys = [(*run.key[:2], seed) for seed in range(num_seeds)]
        if missing := [key for key in keys if key not in results]:
            raise ResultsError(f"{folder.csv} has no run of {missing[0]}")
        study.results[run.experiment, run.row.name] = [results[key] for key in keys]
    findings = _read_claims(folder.folder / "claims.csv", experiments)
    parts = compose(study, command, findings)
    replace_whole(file, to_markdown(parts, folder.folder.name).encode())


def _read_claims(path: Path, experiments: Sequence[Experiment]) -> list[Finding]:
    """Return the findings that `_write_claims` wrote."""
    claims = [(each, claim) for each in experiments for claim in each.claims]
    with path.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    names = [(line["experiment"], line["claim"]) for line in lines]
    if names != [(each.name, state(claim)) for each, claim in claims]:
        raise ResultsError(f"{path} has other claims than the table of experiments")
    findings = []
    for (experiment, claim), line in zip(claims, lines, strict=True):
        mean, half, std, p, corrected, rows = (float(line[name]) for name in CLAIM_COLUMNS[3:])
        test = PairedTest(Interval(mean, half), std, p)
        reported = reported_difference(experiment, claim)
        findings.append(
            Finding(experiment.name, claim, reported, test, corrected, Interval(mean, rows))
        )
    return findings


def _write_claims(path: Path, findings: Sequence[Finding]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CLAIM_COLUMNS)
    for each in findings:
        numbers = (*each.test.difference, each.test.std, each.test.p, each.corrected_p)
        writer.writerow(
            [
                each.experiment,
                state(each.claim),
                "" if each.reported is None else f"{each.reported:.2f}",
                *(f"{number:.6g}" for number in (*numbers, each.rows.half_width)),
            ]
        )
    replace_whole(path, stream.getvalue().encode())
