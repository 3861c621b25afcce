"""What the page says: its texts and tables, made from the results and the tests of the claims."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from report.conclusions import (
    NOT_SHOWN,
    OPPOSITE,
    SHOWN,
    SIGNIFICANT,
    compare_order,
    describe_accuracy,
    is_met,
    judge,
    may_be_luck,
    state,
)
from report.document import Bullets, Fold, Heading, Picture, Table, Text
from report.runner import FULL, GRADIENT_ROWS, LOSS_THRESHOLD, file_name
from report.settings import SklearnTraining
from report.statistics import mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.conclusions import Finding
    from report.document import Part
    from report.results import Result
    from report.settings import Experiment, Row
    from report.statistics import Interval
    from report.study import Study

ABSENT = "–"
LOSSES = ("train loss", "validation loss", "test loss")
_VERDICTS = {True: "yes", False: "no", None: ABSENT}


def compose(study: Study, command: str, findings: Sequence[Finding]) -> list[Part]:
    """Return the page's parts.

    Parameters
    ----------
    study : Study
        What the page is about; only its experiments and results are read.
    command : str
        The command that the page names as its source.
    findings : sequence of Finding
        All claims with their tests.
    """
    parts = _introduce(study, command, findings)
    for experiment in study.experiments:
        own = [finding for finding in findings if finding.experiment == experiment.name]
        parts += _describe(study, experiment, own)
    return parts


def _introduce(study: Study, command: str, findings: Sequence[Finding]) -> list[Part]:
    results = [result for each in study.results.values() for result in each]
    versions = " and ".join(sorted({result.version for result in results}))
    cpu = sum(result.cpu_seconds for result in results)
    parts: list[Part] = [
        Heading("The report's experiments, repeated", 1),
        Text(
            "A student report compared networks on MNIST, one run of each. Here every run is "
            f"repeated with {study.num_seeds} seeds by `{command}` ({versions}; {len(results)} "
            f"runs, {cpu / 60.0:.0f} minutes of processor time in training). All numbers come "
            "from `results.csv` and `claims.csv`."
        ),
    ]
    if study.scale != FULL:
        parts.append(Text("This was a quick run on few rows and epochs: its numbers mean nothing."))
    return [*parts, _overall(study, findings), Heading("How to read this"), _explain(study)]


def _overall(study: Study, findings: Sequence[Finding]) -> Text:
    met = [
        is_met(row, study.accuracies(experiment)[row.name])
        for experiment in study.experiments
        for row in experiment.rows
        if row.reported is not None
    ]
    verdicts = [judge(finding) for finding in findings]
    theirs = [finding for finding in findings if finding.reported is not None]
    return Text(
        f"{sum(map(bool, met))} of {len(met)} reported accuracies are reached, in the report's "
        f"order unless a line below says otherwise. Of {len(findings)} "
        f"claims, {sum(each.startswith(SHOWN) for each in verdicts)} are shown, "
        f"{sum(each.startswith(OPPOSITE) for each in verdicts)} the other way round, and "
        f"{verdicts.count(NOT_SHOWN)} not. Of {len(theirs)} differences in the report, "
        f"{sum(map(may_be_luck, theirs))} may be luck."
    )


def _explain(study: Study) -> Bullets:
    scale = study.scale
    error = 196.0 * math.sqrt(0.96 * 0.04 / scale.test)
    return Bullets(
        (
            f"MNIST is split into {scale.train:,} training, {scale.validation:,} validation and "
            f"{scale.test:,} test rows, the same for all runs. Open choices were made by the "
            "validation accuracy of one seed, never by test rows.",
            "Unless a row says otherwise, a network has 784 inputs (pixels / 255) and a softmax "
            "over 10 classes, and is trained on the cross-entropy by plain SGD at rate 0.01, in "
            "float32 and in batches of 64, reshuffled every epoch. Training ends early once an "
            f"epoch's loss is at most {LOSS_THRESHOLD}. Rows with the same settings share their "
            "runs.",
            "`±` is half the 95 % interval of the mean over the seeds (Student's t). It covers "
            "other initial weights and orders of the rows. Other test rows would shift all "
            f"accuracies together, by up to {error:.1f} points at 96 %.",
            "An accuracy is reached if the mean is at most 0.7 points below the report's (1.0 for "
            "sigmoid, learning rate 0.001 and zeros). They cannot be equal: the report does not "
            "name its rows, and its code has known mistakes.",
            "A claim is tested by a two-sided paired t-test over the seeds. The p-values are "
            "corrected for all claims on this page by Holm's method; a claim is shown if its "
            f"corrected p is below {SIGNIFICANT}.",
            "`std` is the standard deviation of the difference between single runs. A reported "
            "difference below twice that may be luck.",
            "`other test rows` takes the test rows as the sample, with the runs as they are, and "
            "is not corrected. A verdict that might be reversed there says `for these rows`.",
            "Loss curves are means over the seeds and include penalties. The histograms are of "
            "seed 0; their gradients are those of the loss on the first "
            f"{GRADIENT_ROWS:,} training rows.",
        )
    )


def _describe(study: Study, experiment: Experiment, findings: Sequence[Finding]) -> list[Part]:
    name = experiment.name
    compared = compare_order(experiment, study.accuracies(experiment))
    compared += _compare_times(study, experiment)
    parts: list[Part] = [
        Heading(experiment.title),
        Text(experiment.setup),
        _table_of_rows(study, experiment),
        *([Text(" ".join(compared))] if compared else []),
        Picture(f"{name}_accuracy.png", "Test accuracy of each seed, mean and interval"),
        Picture(f"{name}_losses.png", _caption_losses(experiment)),
    ]
    if findings:
        parts.append(_table_of_claims(findings))
    shown = [
        Picture(distribution_name(experiment, row), f"{row.name}: weights and gradients")
        for _, row in list_networks([experiment])
    ]
    return [*parts, Text(f"Limits: {experiment.limits}"), Fold("Weights and gradients", shown)]


def _caption_losses(experiment: Experiment) -> str:
    if any(isinstance(row.training, SklearnTraining) for row in experiment.rows):
        return "Loss by epoch; scikit-learn reports only its training loss"
    return "Loss by epoch"


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
        "std",
        "p",
        "p corrected",
        "other test rows",
        "verdict",
    ]
    return Table(
        titles,
        [
            [
                state(finding.claim),
                ABSENT if finding.reported is None else f"{finding.reported:+.2f}",
                _describe_interval(finding.test.difference),
                ABSENT if math.isnan(finding.test.std) else f"{finding.test.std:.2f}",
                _describe_p(finding.test.p),
                _describe_p(finding.corrected_p),
                _describe_interval(finding.rows),
                judge(finding),
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
            f"{names[1]} took {ratio:.2f}{interval} times the processor time of {names[0]}."
        )
    return sentences


def list_networks(experiments: Sequence[Experiment]) -> list[tuple[Experiment, Row]]:
    """Return the rows that train a network of this library."""
    return [
        (experiment, row)
        for experiment in experiments
        for row in experiment.rows
        if not isinstance(row.training, SklearnTraining)
    ]


def distribution_name(experiment: Experiment, row: Row) -> str:
    """Return the file name of a row's picture of weights and gradients."""
    return f"{experiment.name}_{file_name(row.name)}.png"
