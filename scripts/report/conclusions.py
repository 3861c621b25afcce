"""What the numbers show: each claim with its test, and sentences that say no more than it does."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from report.statistics import (
    Interval,
    PairedTest,
    holm,
    mean_interval,
    paired_test,
    rows_interval,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from report.settings import Claim, Experiment, Row

SIGNIFICANT = 0.05
SHOWN, OPPOSITE, NOT_SHOWN = "shown", "opposite shown", "not shown"


class Finding(NamedTuple):
    """A claim and what came out.

    Attributes
    ----------
    experiment : str
        Its experiment's name.
    claim : Claim
        What was tested.
    reported : float or None
        The difference in the report, in points.
    test : PairedTest
        Of the accuracies, paired by seed.
    corrected_p : float
        p, corrected for the number of all claims on the page.
    rows : Interval
        The difference with its interval for other test rows.
    """

    experiment: str
    claim: Claim
    reported: float | None
    test: PairedTest
    corrected_p: float
    rows: Interval


def find_all(
    experiments: Sequence[Experiment],
    accuracies: Mapping[tuple[str, str], Sequence[float]],
    correct: Mapping[tuple[str, str], NDArray[np.bool_]],
) -> list[Finding]:
    """Return all claims of the experiments with their tests.

    Parameters
    ----------
    experiments : sequence of Experiment
        Those on the page.
    accuracies : mapping of (str, str) to sequence of float
        Experiment and row → the test accuracy of each seed, in percent.
    correct : mapping of (str, str) to ndarray of bool, shape (seeds, test rows)
        Experiment and row → which test rows were classified correctly.
    """
    findings = []
    for experiment in experiments:
        for claim in experiment.claims:
            higher, lower = (experiment.name, claim.higher), (experiment.name, claim.lower)
            findings.append(
                Finding(
                    experiment.name,
                    claim,
                    reported_difference(experiment, claim),
                    paired_test(accuracies[higher], accuracies[lower], claim.margin),
                    math.nan,
                    rows_interval(correct[higher], correct[lower]),
                )
            )
    corrected = holm([finding.test.p for finding in findings])
    return [finding._replace(corrected_p=p) for finding, p in zip(findings, corrected, strict=True)]


def reported_difference(experiment: Experiment, claim: Claim) -> float | None:
    """Return the difference of a claim's two accuracies in the report, in points."""
    reported = {row.name: row.reported for row in experiment.rows}
    higher, lower = reported[claim.higher], reported[claim.lower]
    return None if higher is None or lower is None else higher - lower


def state(claim: Claim) -> str:
    """Return a claim in words."""
    if claim.margin:
        return f"{claim.higher} is at most {claim.margin:g} points below {claim.lower}"
    return f"{claim.higher} is above {claim.lower}"


def judge(finding: Finding) -> str:
    """Return what a test says about its claim, in a word or two."""
    if math.isnan(finding.test.p) or finding.corrected_p >= SIGNIFICANT:
        return NOT_SHOWN
    margin = finding.claim.margin
    if finding.test.difference.mean + margin > 0.0:
        return SHOWN if finding.rows.low > -margin else f"{SHOWN} for these rows"
    return OPPOSITE if finding.rows.high < -margin else f"{OPPOSITE} for these rows"


def may_be_luck(finding: Finding) -> bool:
    """Tell whether one run of each, as in the report, cannot tell its difference from chance."""
    return finding.reported is not None and abs(finding.reported) < 2.0 * finding.test.std


def is_met(row: Row, accuracies: Sequence[float]) -> bool | None:
    """Tell whether the mean is near enough to the report's, or above; None without a report."""
    if row.reported is None:
        return None
    return float(np.mean(accuracies)) >= row.reported - row.tolerance


def compare_order(experiment: Experiment, accuracies: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a sentence on the rows that are in another order than in the report, if any.

    Parameters
    ----------
    experiment : Experiment
        With reported accuracies, or none.
    accuracies : mapping of str to sequence of float
        Row → the test accuracy of each seed, in percent.
    """
    turned = _turned_pairs(experiment, accuracies)
    return [f"Against the report's order, {' and '.join(turned)}."] if turned else []


def _turned_pairs(experiment: Experiment, accuracies: Mapping[str, Sequence[float]]) -> list[str]:
    """Return which rows are the other way round than in the report, and by how much."""
    rows = [row for row in experiment.rows if row.reported is not None]
    rows.sort(key=lambda row: row.reported or 0.0)
    means = {row.name: float(np.mean(accuracies[row.name])) for row in rows}
    return [
        f"{lower.name} is above {higher.name} by "
        f"{means[lower.name] - means[higher.name]:.2f} points"
        for lower, higher in itertools.combinations(rows, 2)
        if means[lower.name] > means[higher.name]
    ]


def describe_accuracy(values: Sequence[float]) -> str:
    """Return ``"96.40 ± 0.12"``: mean and 95 % interval, in percent."""
    mean, half = mean_interval(values)
    return f"{mean:.2f}" if math.isnan(half) else f"{mean:.2f} ± {half:.2f}"
