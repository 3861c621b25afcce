"""The page about the experiments: every number on it is computed from the folder of results."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

import numpy as np

from ffnn.core.files import replace_whole
from report import pictures
from report.conclusions import describe_accuracy, is_met, judge, state, sum_up
from report.document import Bullets, Fold, Heading, Picture, Table, Text, to_html, to_markdown
from report.runner import FULL, GRADIENT_ROWS, LOSS_THRESHOLD, Run, file_name
from report.settings import SklearnTraining
from report.statistics import mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from report.conclusions import Finding
    from report.document import Part
    from report.results import Result, ResultsFolder
    from report.settings import Experiment, Row
    from report.statistics import Interval
    from report.study import Study

PICTURES = "pictures"
ABSENT = "–"
LOSSES = ("train loss", "validation loss", "test loss")
_VERDICTS = {True: "yes", False: "no", None: ABSENT}
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
            place / _distribution_name(experiment, row),
        )
        for experiment, row in _networks(study.experiments)
    ]
    findings = study.findings()
    parts = [*_introduce(study, command, findings)]
    for experiment in study.experiments:
        accuracies = study.accuracies(experiment)
        histories = {
            row.name: study.histories[experiment.name, row.name] for row in experiment.rows
        }
        figure = pictures.draw_accuracies(experiment, accuracies)
        pictures.write_png(figure, place / f"{experiment.name}_accuracy.png")
        pictures.write_png(pictures.draw_losses(histories), place / f"{experiment.name}_losses.png")
        own = [finding for finding in findings if finding.experiment == experiment.name]
        parts += _describe(study, experiment, own)
    _write_claims(folder.folder / "claims.csv", findings)
    for job in jobs:
        job.result()
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


# -- the parts of the page -------------------------------------------------------------------------


def _introduce(study: Study, command: str, findings: Sequence[Finding]) -> list[Part]:
    results = [result for each in study.results.values() for result in each]
    versions = sorted({result.version for result in results})
    cpu = sum(result.cpu_seconds for result in results)
    parts: list[Part] = [
        Heading("The report's experiments, repeated", 1),
        Text(
            f"Made by `{command}` with {' and '.join(versions)}: {len(results)} runs, "
            f"{cpu / 60.0:.0f} minutes of processor time in training. All numbers come from "
            "`results.csv` and from the test rows that each run classified correctly."
        ),
    ]
    if study.scale != FULL:
        parts.append(Text("This was a quick run on few rows and epochs: its numbers mean nothing."))
    return [*parts, Heading("How to read this"), _explain(study, len(findings)), _overall(study)]


def _explain(study: Study, num_claims: int) -> Bullets:
    scale = study.scale
    error = 196.0 * math.sqrt(0.96 * 0.04 / scale.test)
    return Bullets(
        (
            f"MNIST: {scale.train:,} training rows and {scale.validation:,} validation rows, "
            "drawn once from the 60,000 and the same for all runs, and "
            f"{scale.test:,} of the usual test rows. Open choices were made by the validation "
            "accuracy of one seed, never by test rows.",
            "Every network has 784 inputs (pixels / 255) and a softmax over 10 classes, and is "
            "trained on the cross-entropy in batches of 64 by plain SGD at learning rate 0.01, "
            "in float32, with the rows reshuffled every epoch, unless its row says "
            f"otherwise. Training ends early once an epoch's loss is at most {LOSS_THRESHOLD}.",
            f"Each row is run with the seeds 0 to {study.num_seeds - 1}. `±` is half the width of "
            "the 95 % interval of the mean over the seeds (Student's t). It says how certain the "
            "mean is over other initial weights and orders of the rows, for this split and "
            "these test rows. Other test rows would shift all accuracies together: by up to "
            f"{error:.1f} points (95 %) at an accuracy of 96 %. Rows of the same settings in two "
            "experiments have the same numbers: the second confirms nothing.",
            "The report's accuracies come from one run each, on rows that it does not name and "
            "with known mistakes in its code, so ours cannot be equal. A row counts as reached if "
            "its mean is at most 0.7 points below the report's (1.0 for sigmoid, for learning rate "
            "0.001 and for zeros).",
            "A claim is tested by a two-sided paired t-test: the accuracies of two rows with "
            "the same seed are subtracted. The same seed means the same order of the rows, and "
            "for networks of one shape the same random numbers for the initial weights. "
            f"As {num_claims} claims are tested on this page, each p is also given "
            "corrected by Holm's method, and only a corrected p below 0.05 counts as shown.",
            "The last interval of a claim takes the runs as they are and the test rows as the "
            "sample: would the difference hold on other rows of this kind? It is not corrected "
            "for the number of claims.",
        )
    )


def _overall(study: Study) -> Text:
    met = [
        is_met(row, study.accuracies(experiment)[row.name])
        for experiment in study.experiments
        for row in experiment.rows
        if row.reported is not None
    ]
    return Text(f"In all, {sum(map(bool, met))} of {len(met)} reported rows are reached.")


def _describe(study: Study, experiment: Experiment, findings: Sequence[Finding]) -> list[Part]:
    name, accuracies = experiment.name, study.accuracies(experiment)
    parts: list[Part] = [
        Heading(experiment.title),
        Text(experiment.setup),
        _table_of_rows(study, experiment),
        Text(sum_up(experiment, accuracies)),
        Picture(f"{name}_accuracy.png", "Test accuracy of each seed, mean and interval"),
        Picture(f"{name}_losses.png", _caption_losses(experiment)),
    ]
    if findings:
        parts += [
            _table_of_claims(findings),
            Bullets([f"{state(finding.claim)}: {judge(finding)}" for finding in findings]),
        ]
    parts += [Bullets(sentences)] if (sentences := _compare_times(study, experiment)) else []
    parts.append(Text(f"What the numbers do not show: {experiment.limits}"))
    shown = [
        Picture(_distribution_name(experiment, row), f"{row.name}: weights and gradients")
        for _, row in _networks([experiment])
    ]
    note = Text(
        f"The gradients are those of the loss on the first {GRADIENT_ROWS:,} training rows."
    )
    parts.append(Fold("Weights and gradients of each row after training, seed 0", [note, *shown]))
    return parts


def _caption_losses(experiment: Experiment) -> str:
    caption = (
        "Loss by epoch, penalties included: mean over the seeds, for as many epochs as all of them "
        "were trained"
    )
    if any(isinstance(row.training, SklearnTraining) for row in experiment.rows):
        caption += ". scikit-learn reports only its training loss"
    return caption


def _table_of_rows(study: Study, experiment: Experiment) -> Table:
    """Return the table of the rows; what the report gives is left out where it gives nothing."""
    titles = ["setting", "test accuracy, %", *LOSSES, "epochs", "CPU s"]
    lines = []
    for row in experiment.rows:
        results = study.results[experiment.name, row.name]
        losses = [
            np.mean([getattr(result, title.replace(" ", "_")) for result in results])
            for title in LOSSES
        ]
        lines.append(
            [
                row.name,
                describe_accuracy([result.test_accuracy for result in results]),
                *(f"{loss:.4f}" for loss in losses),
                _describe_epochs(results),
                f"{np.mean([result.cpu_seconds for result in results]):.1f}",
            ]
        )
    if any(row.reported is not None for row in experiment.rows):
        titles[1:2] = ["reported, %", titles[1], "reached"]
        accuracies = study.accuracies(experiment)
        for row, line in zip(experiment.rows, lines, strict=True):
            line[1:2] = [
                ABSENT if row.reported is None else f"{row.reported:.2f}",
                line[1],
                _VERDICTS[is_met(row, accuracies[row.name])],
            ]
    return Table(titles, lines)


def _describe_epochs(results: Sequence[Result]) -> str:
    epochs = sorted({result.epochs for result in results})
    text = str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    diverged = sum(result.end == "diverged" for result in results)
    return f"{text}, {diverged} diverged" if diverged else text


def _table_of_claims(findings: Sequence[Finding]) -> Table:
    titles = [
        "claim",
        "reported",
        "difference, points",
        "p",
        "p corrected",
        "other test rows, points",
    ]
    return Table(
        titles,
        [
            [
                state(finding.claim),
                ABSENT if finding.reported is None else f"{finding.reported:+.2f}",
                _describe_interval(finding.test.difference),
                _describe_p(finding.test.p),
                _describe_p(finding.corrected_p),
                _describe_interval(finding.rows),
            ]
            for finding in findings
        ],
    )


def _describe_interval(interval: Interval) -> str:
    mean, half = interval
    return f"{mean:+.2f}" if math.isnan(half) else f"{mean:+.2f} ± {half:.2f}"


def _describe_p(p: float) -> str:
    if math.isnan(p):
        return ABSENT
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _compare_times(study: Study, experiment: Experiment) -> list[str]:
    sentences = []
    for names in experiment.races:
        first, second = (
            np.array([result.cpu_seconds for result in study.results[experiment.name, name]])
            for name in names
        )
        ratio, half = mean_interval(second / first)
        interval = "" if math.isnan(half) else f" ± {half:.2f}"
        sentences.append(
            f"{names[0]}: {first.mean():.1f} s of processor time in training; {names[1]}: "
            f"{second.mean():.1f} s, seed by seed {ratio:.2f}{interval} times as much."
        )
    return sentences


def _networks(experiments: Sequence[Experiment]) -> list[tuple[Experiment, Row]]:
    """Return the rows that train a network of this library."""
    return [
        (experiment, row)
        for experiment in experiments
        for row in experiment.rows
        if not isinstance(row.training, SklearnTraining)
    ]


def _distribution_name(experiment: Experiment, row: Row) -> str:
    return f"{experiment.name}_{file_name(row.name)}.png"


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
