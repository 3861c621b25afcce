"""What becomes of each kind of column, by hand; the same row from anywhere gives the same bits."""

import copy
import json
import math

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.tables import TableEncoder
from ffnn.tables.frames import as_table

ROWS = [
    {"size": "S", "age": 1.0, "smokes": "yes", "sold": "2020-01-01", "cost": 10.0},
    {"size": "M", "age": None, "smokes": "no", "sold": "2020-04-01", "cost": 20.0},
    {"size": "S", "age": 5.0, "smokes": "no", "sold": "2020-07-01", "cost": 30.0},
    {"size": None, "age": 6.0, "smokes": "yes", "sold": None, "cost": 60.0},
    {"size": "M", "age": 18.0, "smokes": "yes", "sold": "2020-10-01", "cost": 50.0},
    {"size": "L", "age": 5.0, "smokes": "no", "sold": "2020-01-01", "cost": 40.0},
]


def encoded(name, rows=ROWS, fitted_on=ROWS):
    """Return the columns that become of one, by the names of the features."""
    encoder = TableEncoder().fit(fitted_on, "cost", only=[name])
    return dict(zip(encoder.feature_names, encoder.transform(rows).T, strict=True))


def test_numbers_are_scaled_and_missing_ones_are_the_median():
    found = encoded("age")
    known = [1.0, 5.0, 6.0, 18.0, 5.0]
    mean, std = 7.0, math.sqrt(sum((v - 7.0) ** 2 for v in known) / 5)
    filled = np.array([1.0, 5.0, 5.0, 6.0, 18.0, 5.0])
    np.testing.assert_allclose(found["age"], (filled - mean) / std)
    np.testing.assert_array_equal(found["age is missing"], [0, 1, 0, 0, 0, 0])


def test_categories_are_one_hot_with_places_for_rare_and_missing_ones():
    found = encoded("size")
    np.testing.assert_array_equal(found["size=M"], [0, 1, 0, 0, 1, 0])
    np.testing.assert_array_equal(found["size=S"], [1, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(found["size=(other)"], [0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(found["size=(missing)"], [0, 0, 0, 1, 0, 0])
    unseen = encoded("size", [{"size": "XXL"}])
    assert [float(v[0]) for v in unseen.values()] == [0, 0, 1, 0]


@pytest.mark.parametrize("blank", [None, "", "NA"])
@pytest.mark.parametrize("name", ["age", "size", "smokes", "sold"])
def test_a_row_whose_only_value_is_missing_is_like_others_that_lack_it(name, blank):
    found = [v[0] for v in encoded(name, [{name: blank}]).values()]
    lacking = [i for i, row in enumerate(ROWS) if row[name] is None]
    expected = [v[lacking[0]] for v in encoded(name).values()] if lacking else [0.0]
    np.testing.assert_array_equal(found, expected)


def test_an_unseen_category_without_a_place_is_a_row_of_zeros():
    rows = [{"size": size, "cost": cost} for cost, size in enumerate("SSMMSM")]
    assert encoded("size", [{"size": "L"}, {"size": None}], rows) == {
        "size=M": pytest.approx([0, 0]),
        "size=S": pytest.approx([0, 0]),
    }


def test_at_most_so_many_categories_get_a_column():
    rows = [{"code": f"c{i % 100}", "cost": i} for i in range(1000)]
    rows += [{"code": "c7", "cost": 5}] * 10
    names = list(encoded("code", rows, rows))
    assert len(names) == 65
    assert {"code=c7", "code=(other)"} <= set(names)


def test_booleans():
    found = encoded("smokes", [{"smokes": v} for v in ("YES", "no", True, 0, None)])
    np.testing.assert_allclose(found["smokes"], [1, -1, 1, -1, 0])


def test_dates_become_elapsed_time_and_places_on_circles():
    found = encoded("sold")
    days = np.array([0, 91, 182, 274, 0])  # of the known ones
    expected = (days - days.mean()) / days.std()
    np.testing.assert_allclose(np.delete(found["sold (elapsed)"], 3), expected)
    np.testing.assert_allclose(found["sold (month, sin)"], [0, 1, 0, 0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(found["sold (month, cos)"], [1, 0, -1, 0, 0, 1], atol=1e-12)
    assert "sold (hour, sin)" not in found
    np.testing.assert_array_equal(found["sold is missing"], [0, 0, 0, 1, 0, 0])


def test_a_column_that_is_constant_in_training_is_never_blown_up():
    rows = [{"a": 1e6 + 1e-10 * (i % 2), "b": i, "cost": i} for i in range(10)]
    assert abs(encoded("a", [{"a": 1e6 + 5.0}], rows)["a"][0]) == pytest.approx(5.0)


def test_huge_numbers_are_scaled():
    found = encoded("a", [{"a": 1e300}], [{"a": 1e300, "cost": 0.5}, {"a": -1e300, "cost": 1.5}])
    assert found["a"][0] == pytest.approx(1.0)


def test_only_the_rows_given_are_learned_from_and_rows_without_target_are_not():
    encoder = TableEncoder().fit([*ROWS, {"age": 1e9, "cost": None}], "cost", only=["age"])
    assert encoder.get_config() == TableEncoder().fit(ROWS, "cost", only=["age"]).get_config()


def test_what_becomes_of_each_column_is_described():
    described = {each["name"]: each for each in TableEncoder().fit(ROWS, "cost").describe()}
    assert described["age"]["becomes"].startswith("scaled: mean 7, std 5.76")
    assert described["size"]["becomes"] == (
        "one-hot: 2 columns, 1 rare one together, one for missing ones"
    )


PANDAS = pytest.importorskip("pandas")


def as_file(rows, path):
    PANDAS.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("source", ["file", "pandas", "polars", "pyarrow", "dict", "shuffled"])
def test_the_same_rows_from_anywhere_give_the_same_bits(source, tmp_path):
    expected = TableEncoder().fit(ROWS, "cost").transform(ROWS)
    encoder = TableEncoder().fit(as_file(ROWS, tmp_path / "t.csv"), "cost")
    frame = PANDAS.DataFrame(ROWS)
    shuffled = frame[frame.columns[::-1]].assign(other=1.0, age=frame["age"].astype("float32"))
    made = {
        "file": lambda: tmp_path / "t.csv",
        "pandas": lambda: frame.assign(sold=PANDAS.to_datetime(frame["sold"])),
        "polars": lambda: pytest.importorskip("polars").DataFrame(ROWS),
        "pyarrow": lambda: pytest.importorskip("pyarrow").Table.from_pylist(ROWS),
        "dict": lambda: {name: [row[name] for row in ROWS] for name in ROWS[0]},
        "shuffled": lambda: shuffled.drop(columns="cost"),
    }
    found = encoder.transform(made[source]())
    np.testing.assert_array_equal(found, expected)
    one = encoder.transform([ROWS[2]])
    np.testing.assert_array_equal(one[0], expected[2])


def test_all_problems_of_rows_are_in_one_message():
    encoder = TableEncoder().fit(ROWS, "cost")
    with pytest.raises(ffnn.DataError) as error:
        encoder.transform([{"age": "old", "smokes": "maybe", "sold": "x", "siez": "S"}])
    for part in ("column 'age'", "'old'", "no column 'size'", "'siez'", "'maybe'", "'sold'"):
        assert part in str(error.value)


TARGETS = {
    "text": (["a", "b", "a"], ["a", "b"]),
    "booleans": (["yes", "no", "yes"], ["no", "yes"]),
    "true and false": ([True, False, True], ["False", "True"]),
    "two numbers": ([0, 1, 0], ["0", "1"]),
    "few in many": ([1, 2, 3] * 10, ["1", "2", "3"]),
    "few in few": ([1, 2, 3], None),
    "decimals": ([0.5, 1.5, 0.5], None),
    "codes": (["01", "1", "01"], ["01", "1"]),
    "percent": (["5%", "7%", "5%"], None),
    "numbers as text": (["1e5", "100000", "x", "x"] * 2, ["100000", "1e5", "x"]),
}


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_a_class(name):
    entries, classes = TARGETS[name]
    rows = [{"a": i, "y": entry} for i, entry in enumerate(entries)]
    target = TableEncoder().fit(rows, "y", only=["a"]).target
    assert target.class_names == classes


@pytest.mark.parametrize(
    ("entries", "task", "message"),
    [
        (["a", "a"], None, "there is nothing to learn"),
        ([None, None], None, "is empty"),
        (["a", "b"], None, "different in every row"),
        (
            ["a", "b", "a"],
            "regression",
            "numbers for a regression, but its values are not numbers: 'a', 'b'",
        ),
    ],
)
def test_what_cannot_be_a_target(entries, task, message):
    rows = [{"a": i % 3, "b": i, "y": entry} for i, entry in enumerate(entries)]
    with pytest.raises(ffnn.DataError, match=message):
        TableEncoder().fit(rows, "y", task=task)


@pytest.mark.parametrize("name", ["cots", "Cost"])
def test_a_target_that_is_not_there_is_told_its_neighbour(name):
    with pytest.raises(ffnn.DataError, match="did you mean 'cost'"):
        TableEncoder().fit(ROWS, name)


def test_nothing_left_to_learn_from():
    with pytest.raises(ffnn.DataError, match=r"no column is left.*'b' \(constant\)"):
        TableEncoder().fit([{"b": 1, "y": 1.5}, {"b": 1, "y": 2.5}], "y")


# -- within a model ----------------------------------------------------------------------------


def trained():
    encoder = TableEncoder().fit(ROWS, "cost")
    model = ffnn.Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.encoder = encoder
    model.fit(ROWS, encoder.target.values_of(as_table(ROWS)), epochs=2, verbose=0)
    return model


def test_a_model_with_an_encoder_takes_raw_rows(tmp_path):
    model = trained()
    expected = model.predict(model.encoder.transform(ROWS))
    np.testing.assert_array_equal(model.predict(ROWS), expected)
    np.testing.assert_array_equal(model.predict(as_file(ROWS, tmp_path / "t.csv")), expected)
    assert model.feature_names == model.encoder.feature_names


def test_the_encoder_is_saved_with_the_model(tmp_path):
    model = trained()
    model.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5")
    for other in (loaded, copy.deepcopy(model)):
        assert other.encoder.get_config() == model.encoder.get_config()
        np.testing.assert_array_equal(other.predict(ROWS), model.predict(ROWS))
    config = json.loads(json.dumps(model.encoder.get_config()))
    again = TableEncoder.from_config(config)
    np.testing.assert_array_equal(again.transform(ROWS), model.encoder.transform(ROWS))


def test_the_decimal_comma_of_a_file_is_kept(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n1.234;0,5\n5.678,5;1,5\n2;2.000\n")
    encoder = TableEncoder()
    encoder.reading = {"decimal": ",", "delimiter": ";"}
    encoder.fit(path, "y")
    table = as_table(path, encoder.reading)
    values = np.array([1234.0, 5678.5, 2.0])
    np.testing.assert_array_equal(table["a"].array, values)
    np.testing.assert_array_equal(encoder.target.values_of(table), [0.5, 1.5, 2000.0])
    scaled = (values - values.mean()) / values.std()
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.get_config())))
    np.testing.assert_allclose(again.transform(path)[:, 0], scaled)


def test_a_target_may_know_of_classes_that_the_rows_lack():
    rows = [{"a": i, "y": "xyz"[i % 3]} for i in range(9)]
    target = TableEncoder().fit(rows, "y").target
    assert TableEncoder().fit(rows[::3], target).target.class_names == ["x", "y", "z"]


def test_the_row_of_an_unknown_class_and_of_what_is_no_number_is_named():
    rows = [{"a": i, "y": y, "n": i} for i, y in enumerate("xyx")]
    text = [{"y": "x", "n": 1}, {"y": None, "n": 2}, {"y": "w", "n": "?!"}]
    target = TableEncoder().fit(rows, "y").target
    with pytest.raises(ffnn.DataError, match="unknown class 'w' in row 3"):
        target.values_of(as_table(text))
    target = TableEncoder().fit(rows, "n").target
    with pytest.raises(ffnn.DataError, match=r"1 of 3 values are not numbers.*'\?!' in row 3"):
        target.rows_of(as_table(text))


def test_a_word_keeps_its_meaning_where_the_other_one_is_not_seen():
    rows = [{"a": "yes", "y": i} for i in range(3)] + [{"a": "no", "y": 9}]
    table = as_table(rows)
    encoding = TableEncoder().fit(table.take(np.arange(3)), "y").encodings[0]
    assert encoding.meanings == {"yes": 1.0}


FORGERIES = {
    "another way to read": lambda c: c["reading"].update(sheet="one"),
    "two delimiters": lambda c: c["reading"].update(delimiter=";;"),
    "a number as delimiter": lambda c: c["reading"].update(delimiter=5),
    "no encoding of text": lambda c: c["reading"].update(encoding="zlib"),
    "an encoding with NUL": lambda c: c["reading"].update(encoding="utf-8\0"),
    "another decimal": lambda c: c["reading"].update(decimal="5"),
    "a header of text": lambda c: c["reading"].update(header="no"),
    "no columns": lambda c: c["columns"].clear(),
    "unknown kind": lambda c: c["columns"][0].update(kind="picture"),
    "no kind": lambda c: c["columns"][0].pop("kind"),
    "std of 0": lambda c: c["columns"][1].update(std=0.0),
    "text for a number": lambda c: c["columns"][1].update(median="5"),
    "equal categories": lambda c: c["columns"][0].update(categories=["a", "a"]),
    "rare below 0": lambda c: c["columns"][0].update(num_rare=-1),
    "another meaning": lambda c: c["columns"][2].update(meanings={"yes": 7.0}),
    "no date": lambda c: c["columns"][3].update(first="yesterday"),
    "unknown part": lambda c: c["columns"][3].update(parts=["century"]),
    "left out": lambda c: c["left_out"].append(["alone"]),
    "target": lambda c: c.update(target={"name": 5, "class_names": None, "are_numbers": False}),
    "classes that are no numbers": lambda c: c.update(
        target={"name": "y", "class_names": ["a", "b"], "are_numbers": True}
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_files_with_impossible_encoders_are_refused(tmp_path, name):
    config, arrays = trained().capture()
    config = copy.deepcopy(config)
    FORGERIES[name](config["encoder"])
    ffnn.saving.write(tmp_path / "m.h5", config, arrays)
    with pytest.raises(ffnn.ModelFileError):
        ffnn.load_model(tmp_path / "m.h5")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_impossible_numbers_are_refused(value):
    config = TableEncoder().fit(ROWS, "cost", only=["age"]).get_config()
    config["columns"][0]["mean"] = value
    with pytest.raises(ValueError, match="numbers of column 'age'"):
        TableEncoder.from_config(config)


@pytest.mark.parametrize("rows", [ROWS, "rows.csv", {"age": [1.0]}])
def test_a_model_without_an_encoder_refuses_raw_rows(rows):
    model = ffnn.Sequential([Dense(1)], input_dim=4)
    with pytest.raises(ffnn.DataError, match="without an encoder"):
        model.predict(rows)


@pytest.mark.parametrize(
    ("entries", "labels"),
    [([1, 2, 1, 2], [1, 2]), (["a", "b", "a", "b"], ["a", "b"]), (["01", "1"] * 2, ["01", "1"])],
)
def test_labels_keep_their_values_and_their_dtype(tmp_path, entries, labels):
    rows = [{"a": float(i), "y": entry} for i, entry in enumerate(entries)]
    model = ffnn.Sequential([Dense(1, "sigmoid")], seed=0)
    model.compile("adam", "bce")
    model.encoder = TableEncoder().fit(rows, "y", only=["a"])
    model.build(1)
    model.save(tmp_path / "m.h5")
    for each in (model, ffnn.load_model(tmp_path / "m.h5")):
        assert each.class_labels.tolist() == labels
        assert each.class_labels.dtype == np.array(labels).dtype
        assert each.as_estimator().classes_.tolist() == labels


def test_columns_that_are_not_there_are_named_together():
    rows = {"a": range(20), "b": range(20), "c": ["x", "y"] * 10, "y": range(20)}
    encoder = TableEncoder().fit(rows, "y")
    with pytest.raises(ffnn.DataError) as caught:
        encoder.transform({"A": [1], "c": ["x"], "z": [2]})
    assert str(caught.value) == (
        "table: there are no columns 'a' (did you mean 'A'?), 'b'; the columns are 'A', 'c', 'z'"
    )
    with pytest.raises(
        ffnn.DataError, match=r"(?s)'a' is a number, but .*\n- there is no column 'b'\nthe"
    ):
        encoder.transform({"a": ["u"], "c": ["x"]})


def test_a_comma_that_was_learned_is_one_in_texts_of_dicts(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("v;y\n" + "".join(f"{i}.250,5;{i}\n" for i in range(1, 30)))
    encoder = TableEncoder().fit(path, "y")
    expected = encoder.transform({"v": [3250.0, 3250.5]})
    np.testing.assert_array_equal(encoder.transform({"v": ["3.250", "3.250,5"]}), expected)
    np.testing.assert_array_equal(encoder.transform([{"v": "3.250"}]), expected[:1])


def test_data_frames_with_equal_names_and_lengths_of_time():
    pandas = pytest.importorskip("pandas")
    hours = pandas.to_timedelta([*range(19), None], "h")
    frame = pandas.DataFrame({"a": hours, "b": range(20), "y": range(20)})
    frame.columns = ["a", "a", "y"]
    encoder = TableEncoder().fit(frame, "y")
    assert [e.name for e in encoder.encodings] == ["a", "a_2"]
    assert [e.kind for e in encoder.encodings] == ["number", "number"]
    assert encoder.encodings[0].mean == pytest.approx(9 * 3600)
    assert encoder.encodings[0].has_missing


@pytest.mark.parametrize("row", [{"a": 3}, {"a": "oak"}, {"a": None}])
def test_a_dict_of_single_values_is_no_table(row):
    encoder = TableEncoder().fit({"a": range(20), "y": range(20)}, "y")
    with pytest.raises(ffnn.DataError, match=r"expected columns, got a single value for 'a'"):
        encoder.transform(row)
