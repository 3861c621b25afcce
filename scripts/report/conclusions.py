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
        reported = {row.name: row.reported for row in experiment.rows}
        for claim in experiment.claims:
            higher, lower = (experiment.name, claim.higher), (experiment.name, claim.lower)
            theirs = reported[claim.higher], reported[claim.lower]
            findings.append(
                Finding(
                    experiment.name,
                    claim,
                    None if theirs[0] is None or theirs[1] is None else theirs[0] - theirs[1],
                    paired_test(accuracies[higher], accuracies[lower], claim.margin),
                    math.nan,
                    rows_interval(correct[higher], correct[lower]),
                )
            )
    corrected = holm([finding.test.p for finding in findings])
    return [finding._replace(corrected_p=p) for finding, p in zip(findings, corrected, strict=True)]


def state(claim: Claim) -> str:
    """Return a claim in words."""
    if claim.margin:
        return f"{claim.higher} is at most {claim.margin:g} points below {claim.lower}"
    return f"{claim.higher} is above {claim.lower}"


def judge(finding: Finding) -> str:
    """Return what a test says about its claim, in a sentence or two."""
    claim, test = finding.claim, finding.test
    if math.isnan(test.p):
        return "One seed has no standard deviation, so nothing is shown."
    above = test.difference.mean + claim.margin > 0.0
    if finding.corrected_p < SIGNIFICANT:
        sentence = "Shown" if above else "The opposite is shown"
        held = finding.rows.low > -claim.margin if above else finding.rows.high < -claim.margin
        sentence += " for this split and these test rows" + (
            ", and likely to hold for other rows of this kind."
            if held
            else "; another sample of test rows might reverse it."
        )
    elif test.p < SIGNIFICANT:
        sentence = (
            f"Not shown: p would be small for this {'claim' if above else 'claim’s opposite'} "
            "alone, but not among so many."
        )
    elif claim.margin and above:
        sentence = (
            "Not shown: the mean keeps to the margin, but its interval over the seeds does not."
        )
    else:
        sentence = "Not shown: the seeds alone could explain this difference."
    return sentence + _compare_with_report(finding)


def _compare_with_report(finding: Finding) -> str:
    """Say whether one run of each can tell the reported difference from chance."""
    if finding.reported is None or math.isnan(finding.test.std):
        return ""
    size, std = abs(finding.reported), finding.test.std
    if size < 2.0 * std:
        return (
            f" One run of each, as in the report, cannot tell {finding.reported:+.2f} from luck: "
            f"single differences have a standard deviation of {std:.2f}."
        )
    return ""


def is_met(row: Row, accuracies: Sequence[float]) -> bool | None:
    """Tell whether the mean is near enough to the report's, or above; None without a report."""
    if row.reported is None:
        return None
    return float(np.mean(accuracies)) >= row.reported - row.tolerance


def sum_up(experiment: Experiment, accuracies: Mapping[str, Sequence[float]]) -> str:
    """Return how an experiment's rows compare with the report's.

    Parameters
    ----------
    experiment : Experiment
        With at least one reported accuracy, or none.
    accuracies : mapping of str to sequence of float
        Row → the test accuracy of each seed, in percent.
    """
    met = {
        row.name: is_met(row, accuracies[row.name])
        for row in experiment.rows
        if row.reported is not None
    }
    if not met:
        return "The report has no such numbers."
    missed = [name for name, is_near in met.items() if not is_near]
    reached = f"Reached: {len(met) - len(missed)} of {len(met)} reported rows"
    reached += f", but not {', '.join(missed)}." if missed else "."
    turned = _turned_pairs(experiment, accuracies)
    if turned:
        return f"{reached} Against the report's order of the means: {'; '.join(turned)}."
    return f"{reached} The means have the report's order."


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
