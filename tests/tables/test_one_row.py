"""A row that comes alone: encoded without a table, to the last bit as if it came in one."""

import copy
import datetime
import math
import pickle
from decimal import Decimal

import numpy as np
import pytest

from ffnn.tables import TableEncoder
from ffnn.tables.clipping import SmoothClipping
from ffnn.tables.frames import as_table

RNG = np.random.default_rng(0)
ROWS = [
    {
        "size": None if i % 9 == 0 else float(RNG.standard_cauchy()),
        "count": int(RNG.integers(-5, 100)),
        "wood": str(RNG.choice(["oak", "pine", "ash", "'elm'"])),
        "code": None if i % 7 == 0 else f"0{RNG.integers(20)}",
        "sold": f"2020-{RNG.integers(1, 13):02}-{RNG.integers(1, 28):02}",
        "dry": [None, "yes", "no"][i % 3],
        "level": int(RNG.integers(4)),
        "rare": f"{'abc'[i % 3]}x{i}" if i % 20 == 0 else "usual",
    }
    for i in range(300)
]
ENTRIES = [
    *(None, math.nan, 0, -3, 7.25, 1e-300, 2**53, 2**70, -1e16, 1e300, math.inf, True, False),
    *(np.float64(2.5), np.float32(0.1), np.int64(4), np.float64("nan"), np.datetime64("NaT", "s")),
    *("oak", " oak ", "OAK", "'oak'", "'elm'", "new", "", "?", "nan", "usual", "ax0", "Yes", "n"),
    *("3", "05", "5", 5, 5.0, 12, "1 000", "12 kg", "3.0", "2020-05-06", "06.05.2020", "12:30"),
    *(datetime.date(2021, 3, 4), datetime.datetime(2021, 3, 4, 5, 6), Decimal("2.5"), b"oak"),
    *([1], {}, object, np.str_("oak"), np.array([1.0, 2.0]), 1 + 2j, "10" * 20, -0.0),
]


def encoders():
    table = as_table(ROWS)
    for scaling in ("standard", "robust"):
        for size in (None, 3):
            yield pytest.param(TableEncoder(scaling, size).fit(table), id=f"{scaling}, {size}")
    kinds = as_table([{**row, "level": f"{row['level']} of 4"} for row in ROWS])
    yield pytest.param(TableEncoder("robust", 3).fit(kinds), id="words with digits")


def outcome(encoder, rows, dtype):
    """Return the numbers, or the error, to be compared."""
    try:
        found = encoder.transform(rows, dtype=dtype)
    except Exception as error:
        return type(error), str(error)
    return found.dtype, found.shape, found.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("encoder", list(encoders()))
def test_rows_are_the_same_to_the_last_bit(encoder, dtype):
    for row in ROWS[:40]:
        # A Table goes the long way, as a file or a data frame does.
        assert outcome(encoder, [row], dtype) == outcome(encoder, as_table([row]), dtype)


@pytest.mark.parametrize("encoder", list(encoders())[::3])
@pytest.mark.parametrize("name", ROWS[0])
def test_any_entry_leads_to_the_same_numbers_or_the_same_error(encoder, name):
    for entry in ENTRIES * 2:  # those that were seen are remembered
        row = {**ROWS[1], name: entry}
        try:
            expected = outcome(encoder, as_table([row]), "float64")
        except Exception as error:  # no column can be made of it
            expected = type(error), str(error)
        assert outcome(encoder, [row], "float64") == expected, entry


def test_the_long_way_is_not_gone(monkeypatch):
    encoder = TableEncoder("robust", 3).fit(ROWS)
    expected = [encoder.transform(as_table([row]))[0] for row in ROWS[:30]]
    monkeypatch.setattr(encoder, "open", None)
    alone = [encoder.transform([row])[0] for row in ROWS[:30]]
    np.testing.assert_array_equal(alone, expected)


def test_one_number_is_clipped_to_the_last_bit():
    numbers = RNG.standard_cauchy(20_000) * 3.0
    clipping = SmoothClipping.of(numbers[:100, None])
    clip = clipping.for_one(0)
    alone = [clip(number) for number in numbers.tolist()]
    np.testing.assert_array_equal(alone, clipping.apply(numbers[:, None])[:, 0])


def test_lacking_columns_are_named_and_others_not_looked_at():
    encoder = TableEncoder().fit(ROWS)
    more = {"other": object(), **ROWS[5]}
    np.testing.assert_array_equal(encoder.transform([more]), encoder.transform([ROWS[5]]))
    lacking = {name: entry for name, entry in ROWS[5].items() if name != "wood"}
    with pytest.raises(ValueError, match="no column 'wood'"):
        encoder.transform([lacking])


def test_a_new_fit_is_followed():
    encoder = TableEncoder().fit(ROWS)
    encoder.transform([ROWS[1]])
    encoder.fit(ROWS[:50])
    fresh = TableEncoder().fit(ROWS[:50])
    np.testing.assert_array_equal(encoder.transform([ROWS[1]]), fresh.transform([ROWS[1]]))


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_encode_alike(twin):
    encoder = TableEncoder("robust").fit(ROWS)
    expected = encoder.transform([ROWS[1]])
    np.testing.assert_array_equal(twin(encoder).transform([ROWS[1]]), expected)


def test_numbers_that_overflow_are_refused_as_in_a_table():
    encoder = TableEncoder().fit([{"x": 1e-30}, {"x": 3e-30}])
    row = {"x": 4e15}
    assert outcome(encoder, [row], "float32") == outcome(encoder, as_table([row]), "float32")
    assert "too far" in outcome(encoder, [row], "float32")[1]
