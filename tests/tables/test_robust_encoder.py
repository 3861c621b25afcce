"""Robust scaling with smooth clipping, and codes of categories: by hand and beside scikit-learn."""

import json
import math

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.tables import TableEncoder


def rows_of(**columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def fitted(rows, **options):
    return TableEncoder("robust", **options).fit(rows)


def clip(u):
    return u / math.sqrt(1.0 + (u / 3.0) ** 2)


def test_numbers_are_measured_from_the_median_in_quartile_distances():
    rows = rows_of(x=[1.0, 2.0, 3.0, 4.0, 100.0])  # median 3, quartiles 2 and 4
    found = fitted(rows).transform(rows)[:, 0]
    np.testing.assert_allclose(found, [clip(u) for u in (-1.0, -0.5, 0.0, 0.5, 48.5)], atol=1e-12)


def test_of_very_many_rows_some_of_all_parts_are_measured(monkeypatch):
    monkeypatch.setattr("ffnn.tables.blocks._MOST_MEASURED", 5)
    rows = rows_of(x=[float(i * i) for i in range(23)])  # each fifth: 0, 25, 100, 225, 400
    clipping = fitted(rows).clipping
    assert clipping is not None
    scaled = fitted(rows).encodings[0]
    np.testing.assert_allclose(clipping.centers[0], (100.0 - scaled.mean) / scaled.std)
    np.testing.assert_allclose(clipping.factors[0], scaled.std / 200.0)  # quartiles 25 and 225


def test_half_the_range_stands_for_quartiles_that_are_equal():
    rows = rows_of(x=[5.0] * 8 + [1.0, 9.0])
    found = fitted(rows).transform(rows_of(x=[5.0, 1.0, 9.0, 7.0]))[:, 0]
    np.testing.assert_allclose(found, [clip(u) for u in (0.0, -1.0, 1.0, 0.5)], atol=1e-12)


def test_it_is_the_scaling_of_an_independent_implementation():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = np.random.default_rng(0).standard_cauchy((200, 3)) * [1.0, 1e-3, 1e4] + [0.0, 5.0, -1e5]
    rows = rows_of(a=x[:, 0], b=x[:, 1], c=x[:, 2])
    u = preprocessing.RobustScaler().fit_transform(x)
    expected = u / np.sqrt(1.0 + (u / 3.0) ** 2)
    np.testing.assert_allclose(fitted(rows).transform(rows), expected, atol=1e-9)


def test_nothing_leaves_three_however_far_out_it_is():
    rows = rows_of(x=[1.0, 2.0, 3.0, 4.0])
    found = fitted(rows).transform(rows_of(x=[1e300, -1e300, 1e9]))[:, 0]
    np.testing.assert_allclose(found, [3.0, -3.0, 3.0])


def test_flags_and_ones_are_clipped_too():
    rows = rows_of(x=[1.0, 2.0, None, 4.0, 5.0], c=["a", "a", "b", "c", "a"])
    encoder = fitted(rows + rows)
    found = dict(zip(encoder.feature_names, encoder.transform(rows).T, strict=True))
    np.testing.assert_allclose(found["x is missing"], np.array([0, 0, 1, 0, 0]) * clip(2.0))
    np.testing.assert_allclose(found["c=a"], np.array([0, 0, -1, -1, 0]) * clip(1.0))


def test_a_feature_that_never_varies_is_zero():
    encoder = TableEncoder("robust").fit(rows_of(x=[1.0, 2.0], y=[3.0, 4.0]))
    constant = encoder.fit(rows_of(x=[1.0, 2.0, 3.0], c=["a", "a", None]))  # c=a is 1, 1, 0
    assert np.isfinite(constant.transform(rows_of(x=[9.0], c=["b"]))).all()


def test_categories_of_many_values_become_codes():
    names = [f"k{i}" for i in range(10)]
    rows = rows_of(c=[*names * 2, None, "once"], d=["u", "v"] * 11)
    encoder = fitted(rows, one_hot_max_size=9)
    assert encoder.feature_names == ["c (code)", "d=u", "d=v"]
    assert encoder.codes == {0: 12}  # ten, the missing ones, and 0 for others
    assert encoder.measured == []
    asked = ["k0", "k9", None, "once", "never"]
    found = encoder.transform(rows_of(c=asked, d=["u"] * 5))[:, 0]
    np.testing.assert_array_equal(found, [1, 10, 11, 0, 0])


def test_a_category_that_takes_as_many_columns_as_allowed_is_one_hot():
    rows = rows_of(c=["a", "b", "c"] * 2)
    assert fitted(rows, one_hot_max_size=3).codes == {}
    assert fitted(rows, one_hot_max_size=2).codes == {0: 4}


def test_more_categories_than_columns_would_be_made_of_have_codes():
    rows = rows_of(c=[f"k{i % 100}" for i in range(500)])
    assert fitted(rows, one_hot_max_size=9).codes == {0: 101}


def test_measured_features_are_numbers_and_elapsed_times():
    rows = rows_of(
        c=[f"k{i % 12}" for i in range(48)],
        day=[f"2020-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(48)],
        x=[None, *range(47)],
        b=["yes", "no"] * 24,
        y=[i * 0.5 for i in range(48)],
    )
    encoder = fitted(rows, one_hot_max_size=9)
    assert [encoder.feature_names[i] for i in encoder.measured] == ["day (elapsed)", "x", "y"]
    assert [encoder.feature_names[i] for i in encoder.codes] == ["c (code)"]


def test_it_is_told_what_becomes_of_columns():
    rows = rows_of(c=[f"k{i % 12}" for i in range(48)], y=[i * 0.5 for i in range(48)])
    code, number = (each["becomes"] for each in fitted(rows, one_hot_max_size=9).describe())
    assert code == "codes to embed: 12 categories"
    # Medians and quartiles of 0, 0.5, ..., 23.5, by hand.
    assert number == "scaled: median 11.75, width 11.75, softly clipped to ±3"


def test_a_column_that_is_clipped_is_told_by_what_it_is_clipped():
    numbers = [-3.0, 10.0, 20.0, 30.0, 1e6]  # median 20, quartiles 10 and 30
    rows = rows_of(x=[*numbers, None], flat=[7.0] * 4 + [1.0, 9.0], c=["a", "b"] * 3)
    told = {each["name"]: each["becomes"] for each in fitted(rows).describe()}
    # The missing one is the median: of -3, 10, 20, 20, 30, 1e6 the quartiles are 12.5 and 27.5.
    assert told["x"] == (
        "scaled: median 20, width 15, softly clipped to ±3, missing ones as 20 with a flag"
    )
    assert told["flat"] == "scaled: median 7, width 4, softly clipped to ±3"  # half of 1 to 9
    assert told["c"] == "one-hot: 2 columns, softly clipped to ±3"


def test_a_number_that_is_the_same_in_all_training_rows_is_told_so():
    rows = rows_of(x=[3.0, 3.0, 3.0, 8.0], y=[1.0, 2.0, 4.0, 5.0])
    encoder = TableEncoder("robust").fit(rows, rows=np.arange(3))
    assert encoder.describe()[0]["becomes"] == "0 in every row, as all are 3"


def test_categories_that_are_all_rare_are_said_to_share_a_column():
    rows = rows_of(c=[f"{letter}{'xyz'[i % 3]}" for i, letter in enumerate("abcdefgh")])
    told = fitted(rows, one_hot_max_size=9).describe()[0]["becomes"]
    assert told == "one column for all: 8 rare categories, softly clipped to ±3"


def test_a_saved_model_encodes_as_before(tmp_path):
    rows = rows_of(c=[f"k{i % 12}" for i in range(48)], y=[i * 0.5 for i in range(48)])
    encoder = fitted(rows, one_hot_max_size=9)
    model = ffnn.Sequential([Dense(1)], input_dim=2, seed=0)
    model.encoder = encoder
    model.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5").encoder
    np.testing.assert_array_equal(loaded.transform(rows), encoder.transform(rows))
    assert loaded.get_config() == encoder.get_config()
    assert loaded.fit(rows).get_config() == encoder.get_config()


@pytest.mark.parametrize(
    "clipping",
    [
        {"centers": [0.0], "factors": [1.0, 2.0]},
        {"centers": [0.0], "factors": [1.0]},
        {"centers": [0.0, 0.0], "factors": [1.0, -1.0]},
        {"centers": [0.0, math.nan], "factors": [1.0, 1.0]},
    ],
)
def test_an_impossible_clipping_is_refused(clipping):
    rows = rows_of(x=[1.0, 2.0, 3.0], y=[2.0, 4.0, 7.0])
    config = json.loads(json.dumps(fitted(rows).get_config()))
    with pytest.raises(ValueError, match="clipping"):
        TableEncoder.from_config({**config, "clipping": clipping})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "log"}, "scaling"),
        ({"one_hot_max_size": 0}, "one_hot_max_size"),
        ({"one_hot_max_size": 2.5}, "one_hot_max_size"),
    ],
)
def test_other_options_are_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        TableEncoder(**options)


def test_the_default_is_as_ever():
    rows = rows_of(x=[1.0, 2.0, 6.0], c=["a", "b", "a"])
    config = TableEncoder().fit(rows).get_config()
    assert config["clipping"] is None
    assert config["one_hot_max_size"] is None
