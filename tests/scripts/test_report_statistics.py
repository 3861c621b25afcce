"""The report's statistics, and what is concluded from them."""

import dataclasses
import math

import numpy as np
import pytest
from report import statistics as stats
from report.conclusions import (
    Finding,
    compare_order,
    describe_accuracy,
    find_all,
    is_met,
    judge,
    may_be_luck,
    state,
)
from report.settings import Claim, Experiment, Row, Training

# -- statistics --------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [0.0, 0.3, 2.0, 15.0])
def test_tails_of_one_and_two_degrees_are_the_closed_forms(t):
    assert stats.student_tail(t, 1) == pytest.approx(1.0 - 2.0 / math.pi * math.atan(t))
    assert stats.student_tail(t, 2) == pytest.approx(1.0 - t / math.sqrt(2.0 + t * t))


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262)])
def test_quantiles_are_those_of_the_printed_tables(degrees, quantile):
    assert stats.student_quantile(degrees) == pytest.approx(quantile, abs=5e-4)


def test_student_agrees_with_scipy():
    t = pytest.importorskip("scipy.stats", reason="SciPy not installed").t
    for degrees in range(1, 30):
        assert stats.student_quantile(degrees) == pytest.approx(t.ppf(0.975, degrees))
        for value in (0.01, 1.0, 4.0, 20.0):
            tail = stats.student_tail(value, degrees)
            assert tail == pytest.approx(2.0 * t.sf(value, degrees), rel=1e-6, abs=1e-14)


def test_a_mean_comes_with_students_interval():
    mean, half = stats.mean_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.303 / math.sqrt(3.0), abs=5e-4)
    interval = stats.Interval(2.0, 0.5)
    assert (interval.low, interval.high) == (1.5, 2.5)
    assert math.isnan(stats.mean_interval([7.0]).half_width)


def test_a_paired_test_is_about_the_differences_alone():
    # Differences 1, 2, 3: t = 2 / (1 / √3) = 3.4641, two degrees.
    test = stats.paired_test([11.0, 52.0, 93.0], [10.0, 50.0, 90.0])
    assert test.difference.mean == 2.0
    assert test.std == pytest.approx(1.0)
    assert test.p == pytest.approx(1.0 - 12**0.5 / 14**0.5)
    turned = stats.paired_test([10.0, 50.0, 90.0], [11.0, 52.0, 93.0])
    assert (turned.difference.mean, turned.p) == (-2.0, test.p)


def test_a_margin_moves_the_tested_difference():
    # Differences -0.2, -0.1, 0 against -0.2: t = 0.1 / (0.1 / √3).
    test = stats.paired_test([0.8, 1.9, 3.0], [1.0, 2.0, 3.0], margin=0.2)
    assert test.difference.mean == pytest.approx(-0.1)
    assert test.p == pytest.approx(stats.student_tail(math.sqrt(3.0), 2))


def test_differences_that_are_all_the_same_are_certain():
    assert stats.paired_test([2.0, 2.0], [1.0, 1.0]).p == 0.0
    assert stats.paired_test([2.0, 2.0], [2.0, 2.0]).p == 1.0
    assert math.isnan(stats.paired_test([2.0], [1.0]).p)


def test_holms_correction_counts_the_tests_that_are_left():
    # 4 × 0.01, 3 × 0.02, then 2 × 0.025 below the one before, and 1 × 0.9.
    assert stats.holm([0.9, 0.01, 0.025, 0.02]) == pytest.approx([0.9, 0.04, 0.06, 0.06])
    assert stats.holm([0.6, 0.7]) == [1.0, 1.0]
    corrected = stats.holm([math.nan, 0.01, 0.02])
    assert math.isnan(corrected[0])
    assert corrected[1:] == pytest.approx([0.02, 0.02])


def test_test_rows_are_a_sample_too():
    higher = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
    lower = np.array([[1, 0, 0, 0], [1, 0, 0, 1]], bool)
    # Row by row 0, 1, 0.5 and -0.5: mean 0.25, standard deviation 0.6455.
    mean, half = stats.rows_interval(higher, lower)
    assert mean == 25.0
    assert half == pytest.approx(1.96 * 64.55 / 2.0, rel=1e-4)


# -- conclusions -------------------------------------------------------------------------------


def finding(difference, p, corrected, rows, claim=None, reported=None, std=0.1):
    test = stats.PairedTest(stats.Interval(difference, 0.1), std, p)
    interval = stats.Interval(difference, rows)
    return Finding("width", claim or Claim("b", "a"), reported, test, corrected, interval)


def test_a_claim_is_shown_only_after_correction_and_for_what_was_sampled():
    assert judge(finding(0.5, 0.001, 0.01, rows=0.4)) == "shown"
    assert judge(finding(0.5, 0.001, 0.01, rows=0.6)) == "shown for these rows"
    assert judge(finding(-0.5, 0.001, 0.01, rows=0.4)) == "opposite shown"
    assert judge(finding(-0.5, 0.001, 0.01, rows=0.6)) == "opposite shown for these rows"
    assert judge(finding(0.5, 0.01, 0.05, rows=0.1)) == "not shown"
    assert judge(finding(-0.5, 0.2, 1.0, rows=0.1)) == "not shown"
    assert judge(finding(0.5, math.nan, math.nan, rows=0.1)) == "not shown"  # a single seed


def test_a_margin_counts_in_the_verdict():
    claim = Claim("b", "a", margin=0.2)
    assert judge(finding(-0.1, 0.001, 0.01, 0.05, claim)) == "shown"
    assert judge(finding(-0.1, 0.001, 0.01, 0.15, claim)) == "shown for these rows"
    assert judge(finding(-0.5, 0.001, 0.01, 0.05, claim)) == "opposite shown"
    assert judge(finding(-0.1, 0.2, 1.0, 0.05, claim)) == "not shown"
    assert state(claim) == "b is at most 0.2 points below a"
    assert state(Claim("b", "a")) == "b is above a"


def test_a_reported_difference_within_the_scatter_of_single_runs_may_be_luck():
    assert may_be_luck(finding(0.5, 0.2, 1.0, 0.1, reported=0.15))
    assert may_be_luck(finding(0.5, 0.2, 1.0, 0.1, reported=-0.15))
    assert not may_be_luck(finding(0.5, 0.2, 1.0, 0.1, reported=0.25))
    assert not may_be_luck(finding(0.5, 0.2, 1.0, 0.1, reported=0.15, std=math.nan))
    assert not may_be_luck(finding(0.5, 0.2, 1.0, 0.1))


def test_all_claims_are_corrected_together():
    rows = tuple(Row(name, Training(), reported) for name, reported in (("a", 90.0), ("b", 91.5)))
    both = [
        Experiment(name, name, "", "", rows, (Claim("b", "a"),)) for name in ("first", "second")
    ]
    values = {("first", "a"): [1, 2, 3], ("first", "b"): [2, 4, 6]}
    values |= {("second", "a"): [1, 2, 3], ("second", "b"): [1, 2, 4]}
    correct = {key: np.zeros((3, 4), bool) for key in values}
    first, second = find_all(both, values, correct)

    assert first.reported == 1.5
    assert first.test.p == pytest.approx(1.0 - 12**0.5 / 14**0.5)
    assert first.corrected_p == pytest.approx(2.0 * first.test.p)
    assert second.corrected_p == pytest.approx(max(second.test.p, first.corrected_p))


def test_a_row_is_reached_within_its_tolerance():
    row = Row("a", Training(), reported=96.0)
    assert is_met(row, [95.2, 95.5])  # 95.35
    assert not is_met(row, [95.2, 95.2])
    assert is_met(dataclasses.replace(row, tolerance=1.0), [95.2, 95.2])
    assert is_met(Row("b", Training()), [10.0]) is None


def test_rows_in_another_order_than_reported_are_named():
    rows = (Row("a", Training(), 96.0), Row("b", Training(), 97.0), Row("c", Training()))
    experiment = Experiment("e", "E", "", "", rows, ())
    reached = {"a": [96.0], "b": [97.0], "c": [99.0]}
    assert compare_order(experiment, reached) == []
    assert compare_order(experiment, reached | {"b": [95.75]}) == [
        "Against the report's order, a is above b by 0.25 points."
    ]


def test_an_accuracy_comes_with_its_interval():
    assert describe_accuracy([1.0, 2.0, 3.0]) == "2.00 ± 2.48"
    assert describe_accuracy([1.0]) == "1.00"
