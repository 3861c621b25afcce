"""Dates and times of day, in the ways that people and programs write them."""

from datetime import datetime, time

import numpy as np
import pytest

from ffnn.tables import TableEncoder, read_table
from ffnn.tables.dates import parse_dates

MOMENTS = [datetime(2023, 1, 25, 8, 5, 9), datetime(2024, 11, 3, 17, 0, 59)]
# As strftime writes them, and what of a moment is left then.
WRITTEN = {
    "%Y-%m-%d %H:%M:%S": "s",
    "%Y-%m-%dT%H:%M:%S": "s",
    "%Y-%m-%d": "D",
    "%Y.%m.%d %H:%M": "m",
    "%d.%m.%Y": "D",
    "%d.%m.%y": "D",
    "%d.%m.%Y %H:%M": "m",
    "%m/%d/%Y %I:%M:%S %p": "s",
    "%d/%m/%Y, %H:%M:%S": "s",
    "%d/%m/%y": "D",
    "%m-%d-%Y": "D",
    "%d/%b/%Y:%H:%M:%S +0000": "s",
    "%Y/%m/%d %I:%M:%S %p GMT": "s",
    "%a, %d %b %Y %H:%M:%S UTC": "s",
    "%a %b %d %H:%M:%S +0000 %Y": "s",
    "%B %d, %Y": "D",
    "%Y-%m": "M",
    "%b %Y": "M",
    "%m/%Y": "M",
    "%b-%y": "M",
    "%YM%m": "M",
}


@pytest.mark.parametrize("form", WRITTEN)
def test_dates_are_read_as_they_are_written(form):
    found = parse_dates([moment.strftime(form) for moment in MOMENTS])
    expected = np.array(MOMENTS, f"datetime64[{WRITTEN[form]}]")
    np.testing.assert_array_equal(found.moments, expected)


@pytest.mark.parametrize(
    "form", ["{y}-Q{q}", "{y}Q{q}", "{y} q{q}", "{y}:Q{q}", "Q{q} {y}", "Q{q}/{y}", "q{q}-{y}"]
)
def test_quarters_are_their_first_days(tmp_path, form):
    texts = [form.format(y=2015 + i // 4, q=i % 4 + 1) for i in range(24)]
    expected = np.arange("2015-01", "2021-01", 3, dtype="datetime64[M]")
    np.testing.assert_array_equal(parse_dates(texts).moments, expected)
    path = tmp_path / "d.csv"
    path.write_text("when,y\n" + "".join(f"{text},{i}\n" for i, text in enumerate(texts)))
    encoder = TableEncoder().fit(path, "y")
    assert (encoder.encodings[0].kind, encoder.encodings[0].parts[0]) == ("date", "month")
    path.write_text(f"when,y\n{texts[0]},1\n")
    assert encoder.transform(path)[0, 0] == encoder.transform({"when": texts})[0, 0]
    assert parse_dates([texts[0], "2020Q5"]) is None


@pytest.mark.parametrize(
    ("zone", "hours"), [("GMT+2", 2), ("UTC-5", -5), ("GMT", 0), ("GMT+10:30", 10.5), ("+0200", 2)]
)
def test_moments_of_other_zones_are_of_utc(zone, hours):
    found = parse_dates([f"2023/01/25 10:00:00 PM {zone}"])
    expected = np.datetime64("2023-01-25T22:00:00") - np.timedelta64(int(3600 * hours), "s")
    assert found.moments[0] == expected


@pytest.mark.parametrize("form", ["%H:%M", "%H:%M:%S", "%I:%M %p", "%H.%M.%S", "%H:%M:%S.%f"])
def test_times_are_dates_whose_hour_is_on_a_circle(tmp_path, form):
    path = tmp_path / "t.csv"
    hours = [time(h, 30) for h in range(24)]
    path.write_text(
        "at;y\n" + "".join(f"{t.strftime(form)};{i % 5}.5\n" for i, t in enumerate(hours))
    )
    table = read_table(path)
    assert table["at"].kind == "date"
    encoder = TableEncoder().fit(table, "y")
    assert encoder.feature_names == ["at (elapsed)", "at (hour, sin)", "at (hour, cos)"]
    angle = 2 * np.pi * (np.arange(24) + 0.5) / 24
    np.testing.assert_allclose(encoder.transform(table)[:, 1], np.sin(angle), atol=1e-12)
    assert str(encoder.encodings[0]) == "time of day, scaled, hour on circles"


@pytest.mark.parametrize(
    "texts",
    [
        ["3:2", "0:1"],  # scores
        ["1.2.3", "1.10.0"],  # versions
        ["25:00", "26:30"],  # lengths of time
        ["16:9", "4:3"],
        ["12/31", "11/30"],
        ["2021-13", "2021-12"],
        ["2021-01-05", "05.01.2021"],
        ["abc123", "abd124"],
        ["A-1", "B-2"],
    ],
)
def test_what_only_looks_like_a_date_is_none(texts):
    assert parse_dates(texts) is None


def test_it_is_said_where_month_and_day_may_be_swapped(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("on,y\n" + "".join(f"0{i % 9 + 1}/05/2021,{i}.5\n" for i in range(30)))
    assert read_table(path)["on"].note == (
        "dates such as 01/05/2021 are read with the month before day, which may be wrong"
    )
    path.write_text(path.read_text() + "31/05/2021,1\n")
    table = read_table(path)
    assert table["on"].note == ""
    assert table["on"].array[0] == np.datetime64("2021-05-01")


@pytest.mark.parametrize(
    ("form", "day"),
    [("%d/%m/%Y", "04/03/2021"), ("%m/%d/%Y", "03/04/2021"), ("%d-%m-%Y", "04-03-2021")],
)
def test_few_rows_are_read_as_those_that_were_learned_from(tmp_path, form, day):
    days = np.arange(np.datetime64("2021-01-01"), np.datetime64("2021-04-30"))
    path, one = tmp_path / "t.csv", tmp_path / "one.csv"
    path.write_text(
        "on,y\n" + "".join(f"{d.strftime(form)},{i}.5\n" for i, d in enumerate(days.tolist()))
    )
    one.write_text(f"on\n{day}\n")
    encoder = TableEncoder().fit(read_table(path), "y")
    expected = encoder.transform({"on": np.array(["2021-03-04"], "datetime64[D]")})
    encoder = TableEncoder.from_config(encoder.get_config())
    np.testing.assert_array_equal(encoder.transform(one), expected)
    np.testing.assert_array_equal(encoder.transform([{"on": day}]), expected)
    np.testing.assert_array_equal(encoder.transform([{"on": "2021-03-04"}]), expected)


def test_an_unknown_format_in_a_model_file_is_refused():
    encoder = TableEncoder().fit({"on": ["2021-01-05", "2021-02-06"] * 9, "y": [*range(18)]}, "y")
    config = encoder.get_config()
    config["columns"][0]["date_format"] = "%Q"
    with pytest.raises(ValueError, match="unknown format of dates"):
        TableEncoder.from_config(config)
