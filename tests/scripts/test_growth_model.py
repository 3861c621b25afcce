"""The model of a step's time on many ranks, and the simulations beside it, against closed forms."""

import json
import math

import compare_shuffles
import model_growth
import numpy as np
import pytest
from growth import measure, simulate
from growth.costs import Link, Network, Pieces, fastest, half_used, speedup, step_seconds

NOTHING = Pieces(*[0.0] * len(Pieces._fields))
FREE = Link(0.0, 0.0, 0.0)
NETWORK = Network((3, 4, 2))  # 4 · 4 + 5 · 2 = 26 parameters


def test_a_network_counts_its_parameters():
    assert NETWORK.parameters == 26
    assert str(NETWORK) == "3-4-2"


@pytest.mark.parametrize(
    ("ranks", "piece", "seconds"),
    [
        (1, "row", 10.0),
        (4, "row", 3.0),  # ⌈10 / 4⌉
        (4, "part", 1.0),
        (4, "update", 1.0),
        (4, "target", 10.0),
        (4, "metric", 10.0),
        (1, "walk", 0.0),
        (4, "walk", 2.75),
        (1, "parted", 0.0),
        (4, "parted", 1.0),
        (4, "fixed", 1.0),
        (1, "digest", 0.0),
        (4, "digest", 2 * 10 / 40),  # an epoch of four steps
    ],
)
def test_each_piece_counts_as_the_formula_says(ranks, piece, seconds):
    pieces = NOTHING._replace(**{piece: 1.0})
    assert step_seconds(ranks, 10, NETWORK, pieces, FREE, 40) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("link", "seconds"),
    [
        (Link(1.0, 0.0, 0.0), 2.0),
        (Link(0.0, 1.0, 0.0), 3 * 3 + 2 * 3 * 10 / 40),
        (Link(0.0, 0.0, 1.0), 2 * 0.75 * 26 * 4 + 0.75 * 10 * 2 * 4),
    ],
)
def test_each_cost_of_a_message_counts_as_the_formula_says(link, seconds):
    assert step_seconds(4, 10, NETWORK, NOTHING, link, 40) == pytest.approx(seconds)
    assert step_seconds(1, 10, NETWORK, NOTHING, link, 40) == 0.0


def test_ranks_that_share_cores_take_turns():
    pieces = NOTHING._replace(row=1.0)
    assert step_seconds(4, 8, NETWORK, pieces, FREE, cores=2) == 4.0  # 8 rows on two cores
    assert step_seconds(2, 8, NETWORK, pieces, FREE, cores=2) == 4.0
    assert step_seconds(4, 8, NETWORK, pieces, Link(1.0, 0.0, 0.0), cores=2) == 6.0  # waits are not


def test_the_fastest_number_of_ranks_is_that_of_the_closed_form():
    # c B / R + 3 (R - 1) o is least at R = √(c B / 3 o); the hash's messages are 4 % of an epoch
    pieces, link = NOTHING._replace(row=1.0), Link(0.0, 1.0, 0.0)
    assert fastest(1200, NETWORK, pieces, link) == pytest.approx(math.sqrt(1200 / 3), abs=2)
    assert fastest(1200, NETWORK, pieces, FREE) == 600  # two rows each, as with any up to 1,024
    assert fastest(64, NETWORK, pieces, FREE) == 64  # a row each


def test_half_of_each_rank_is_used_up_to_where_the_speedup_is_half():
    # 101 u / (100 u / R + u) = R / 2 at R = 102
    pieces = NOTHING._replace(row=1.0, update=10_000.0)
    assert half_used(1_000_000, NETWORK, pieces, FREE) == pytest.approx(102, abs=1)
    assert speedup(1, 1_000_000, NETWORK, pieces, FREE) == 1.0


# -- late ranks --------------------------------------------------------------------------------


def test_one_rank_takes_the_mean():
    rng = np.random.default_rng(0)
    assert simulate.slowest_exponential(0.3, 1) == pytest.approx(1.3)
    assert simulate.slowest_lognormal(0.5, 1) == pytest.approx(1.0, abs=1e-6)
    assert simulate.slowest(simulate.exponential(0.3), 1, 20_000, rng) == pytest.approx(
        1.3, abs=0.01
    )
    assert simulate.slowest(simulate.lognormal(0.3), 1, 20_000, rng) == pytest.approx(1.0, abs=0.01)


def test_the_slowest_of_some_takes_a_harmonic_number():
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    rng = np.random.default_rng(1)
    assert simulate.slowest_exponential(0.2, 4) == pytest.approx(1 + 0.2 * harmonic)
    found = simulate.slowest(simulate.exponential(0.2), 4, 20_000, rng)
    assert found == pytest.approx(1 + 0.2 * harmonic, abs=0.01)


def test_the_slower_of_two_lognormal_times_is_known():
    sigma = 0.4  # E max = 2 Φ(σ / √2), of the mean 1
    expected = 1.0 + math.erf(sigma / 2)
    rng = np.random.default_rng(2)
    assert simulate.slowest_lognormal(sigma, 2) == pytest.approx(expected, abs=1e-6)
    found = simulate.slowest(simulate.lognormal(sigma), 2, 40_000, rng)
    assert found == pytest.approx(expected, abs=0.01)


# -- failures ----------------------------------------------------------------------------------


def test_without_failures_only_the_checkpoints_take_time():
    rng = np.random.default_rng(0)
    assert simulate.wall_seconds(100.0, 30.0, 2.0, 5.0, 1e12, rng) == pytest.approx(108.0)


@pytest.mark.parametrize("interval", [2.0, 10.0, 40.0])
def test_simulated_failures_take_what_daly_expects(interval):
    rng = np.random.default_rng(3)
    terms = 200.0, interval, 1.0, 3.0, 50.0
    found = np.mean([simulate.wall_seconds(*terms, rng) for _ in range(1500)])
    assert found == pytest.approx(simulate.expected_seconds(*terms), rel=0.03)


@pytest.mark.parametrize("between", [20.0, 100.0, 10_000.0])
def test_dalys_interval_is_the_best_one(between):
    intervals = np.geomspace(0.1, 1000.0, 4000)
    expected = [simulate.expected_seconds(1.0, each, 1.0, 2.0, between) for each in intervals]
    best = intervals[int(np.argmin(expected))]
    assert simulate.daly(1.0, between) == pytest.approx(best, rel=0.01)
    assert simulate.young(1.0, between) == pytest.approx(math.sqrt(2 * between))


def test_where_a_checkpoint_takes_longer_than_failures_leave_the_interval_is_their_mean():
    assert simulate.daly(10.0, 4.0) == 4.0


# -- the page ----------------------------------------------------------------------------------


def test_the_page_shows_what_the_script_computes():
    text = (model_growth.DOCS / "growth.md").read_text(encoding="utf-8")
    found = json.loads(model_growth.MEASURED.read_text(encoding="utf-8"))
    networks = {each: model_growth.pieces_of(found, each) for each in measure.NETWORKS}
    for lines in (
        model_growth.pieces_table(found),
        model_growth.check_table(found),
        model_growth.growth_table(networks, model_growth.links_of(found)),
    ):
        assert "\n".join(lines) in text


# -- what is measured --------------------------------------------------------------------------


def test_pieces_and_steps_are_measured(monkeypatch):
    monkeypatch.setattr(measure, "_SECONDS", 0.0)
    found = measure.pieces((5, 4, 3))
    assert set(Pieces._fields) <= set(found)
    assert min(found.values()) >= 0.0
    assert found["row"] > 0.0
    assert measure.whole((5, 4, 3), 2, 1) > 0.0


def test_a_line_is_found_again():
    a, b = measure.line_through({1: 3.5, 10: 8.0, 100: 53.0})
    assert (a, b) == pytest.approx((3.0, 0.5))


def test_both_shuffles_are_compared_on_sorted_rows(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (300, 4), dtype=np.uint8), rng.integers(3, size=300)
    rows = compare_shuffles.compare((x, y), (x, y), 2, 1, tmp_path)
    assert [row[0] for row in rows] == ["0", "1"]
    for _, full, blocks, difference in rows:
        assert float(blocks[:-2]) - float(full[:-2]) == pytest.approx(float(difference), abs=0.011)
    assert (np.load(tmp_path / "x.npy") == x[np.argsort(y, kind="stable")]).all()
