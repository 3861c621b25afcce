"""What answers depend on: importance, partial dependence and contributions, as users get them."""

import numpy as np
import pandas as pd
import pytest
from small_models import LABELS, ONE_HOT, X, classifier

import ffnn
from ffnn.callbacks import Recorder
from ffnn.errors import DataError
from ffnn.layers import BatchNorm, Dense, Dropout, Rescaling
from ffnn.tables import TableEncoder, read_table

# -- a table of which the truth is known ---------------------------------------------------------

RNG = np.random.default_rng(0)
ROWS = [
    {
        "size": float(i % 9),
        "wood": ["oak", "ash", "elm"][int(RNG.integers(3))],
        "noise": float(RNG.normal()),
        "when": f"2024-{1 + i % 12:02d}-11",
        "tag": [f"t{j}" for j in range(14)][int(RNG.integers(14))],
        "flag": ["yes", "no", "no"][i % 3],
    }
    for i in range(120)
]
PRICE = {"oak": 30.0, "ash": 0.0, "elm": 10.0}
for place, row in enumerate(ROWS):
    row["cost"] = 2.0 * row["size"] + PRICE[row["wood"]] + 0.1 * RNG.normal()
    if place % 10 == 0:
        row["size"] = None


def encoded(robust=False):
    """Return a linear model of the table whose numbers are set by hand, in units of the cost."""
    options = ("robust", 9) if robust else ()
    encoder = TableEncoder(*options).fit(ROWS, "cost")
    model = ffnn.Sequential([Dense(1)], input_dim=len(encoder.feature_names), dtype="float64")
    model.compile("adam", "mean_squared_error")
    model.encoder = encoder
    weight = model.layers[0].params["weight"][0]
    weight[:] = 0.0
    names = encoder.feature_names
    size = encoder.encodings[0]
    weight[names.index("size")] = 2.0 * size.std
    model.layers[0].params["bias"][:] = 2.0 * size.mean
    for wood, price in PRICE.items():
        weight[names.index(f"wood={wood}")] = price
    weight[names.index("size is missing")] = 5.0
    return model


def test_columns_of_a_table_are_shuffled_as_they_stand():
    model = encoded()

    found = model.permutation_importance(ROWS, repeats=3, seed=4)

    assert found.columns == ("size", "wood", "noise", "when", "tag", "flag")
    assert found.drops.shape == (6, 3)
    assert [found.columns[i] for i in found.order[:2]] == ["wood", "size"]
    np.testing.assert_array_equal(found.mean[2:], 0.0)
    # By hand: shuffle the entries of the table itself.
    rng = np.random.default_rng(4)
    y = np.array([row["cost"] for row in ROWS])

    def r2(rows):
        return 1.0 - np.mean((model.predict(rows)[:, 0] - y) ** 2) / y.var()

    order = rng.permutation(120)
    for column, drop in zip(("size", "wood"), found.drops, strict=False):
        moved = [
            {**row, column: ROWS[int(other)][column]}
            for row, other in zip(ROWS, order, strict=True)
        ]
        np.testing.assert_allclose(drop[0], r2(ROWS) - r2(moved))
    np.testing.assert_allclose(found.score, r2(ROWS))
    assert found.score_name == "R²"


def test_columns_that_are_named_have_the_same_importance():
    model = encoded()
    all_of_them = model.permutation_importance(ROWS)

    some = model.permutation_importance(ROWS, columns=["wood", 0])

    assert some.columns == ("wood", "size")
    np.testing.assert_array_equal(some.drops, all_of_them.drops[[1, 0]])


def test_another_seed_gives_other_orders():
    model = encoded()
    first, again, other = (
        model.permutation_importance(ROWS, repeats=1, seed=seed).drops for seed in (0, 0, 1)
    )

    assert (first == again).all()
    assert (first[:2] != other[:2]).all()


def test_partial_dependence_of_a_number_is_a_line():
    model = encoded()

    found = model.partial_dependence(ROWS, "size")

    assert found.entries == tuple("012345678")
    np.testing.assert_allclose(np.diff(found.values[:, 0]), 2.0)
    rest = np.mean([PRICE[row["wood"]] for row in ROWS])
    np.testing.assert_allclose(found.values[:, 0], 2.0 * found.points + rest)
    assert "size is 0" in found.headline


def test_partial_dependence_of_a_category_is_its_price():
    found = encoded().partial_dependence(ROWS, "wood")

    means = dict(zip(found.entries, found.values[:, 0], strict=True))
    assert found.points is None
    np.testing.assert_allclose(means["oak"] - means["ash"], 30.0)
    np.testing.assert_allclose(means["elm"] - means["ash"], 10.0)


def test_dates_are_years():
    found = encoded().partial_dependence(ROWS, "when")

    assert found.entries[0] == "2024-01-11"
    np.testing.assert_allclose(found.points[[0, -1]], [2024.028, 2024.945], atol=0.003)


def test_contributions_are_those_of_the_columns():
    model = encoded()
    row = {**ROWS[1], "wood": "oak", "size": 7.0}

    found = model.contributions([row, {**row, "size": None}])

    typical = model.encoder.typical
    assert (typical["size"], typical["flag"]) == ("4", "no")
    assert typical["wood"] in PRICE
    values = dict(zip(found.columns, found.values[0], strict=True))
    np.testing.assert_allclose(values["size"], 2.0 * (7.0 - 4.0))
    np.testing.assert_allclose(values["wood"], 30.0 - PRICE[typical["wood"]], atol=1e-12)
    assert [values[name] for name in ("noise", "when", "tag", "flag")] == [0.0] * 4
    np.testing.assert_allclose(found.values[1, 0], 5.0)  # that it is missing, as the median
    assert found.entries[1][0] == "(missing)"
    np.testing.assert_allclose(found.outputs, model.predict([row, {**row, "size": None}])[:, 0])
    np.testing.assert_allclose(found.values.sum(axis=1), found.outputs - found.baseline_outputs)
    assert found.row_names == ["1", "2"]


def test_another_baseline_may_be_given():
    model = encoded()
    base = [{**ROWS[1], "wood": "ash", "size": 1.0}]

    one = model.contributions(ROWS[:3], baseline=base)
    several = model.contributions(ROWS[:3], baseline=[*base, {**base[0], "size": 3.0}])

    np.testing.assert_allclose(one.values[1, 0], 2.0 * (ROWS[1]["size"] - 1.0))
    np.testing.assert_allclose(several.values[1, 0], 2.0 * (ROWS[1]["size"] - 2.0))
    assert "Compared with the row given." in str(one)
    assert "Compared with the 2 rows given, on average." in str(several)


@pytest.mark.parametrize("robust", [False, True])
def test_the_typical_row_is_one_that_the_encoder_makes(robust):
    encoder = encoded(robust).encoder

    entries = {name: [text] for name, text in encoder.typical.items()}

    features = encoder.transform(entries)[0]
    np.testing.assert_allclose(encoder.encode_typical(), features, rtol=1e-5, atol=1e-7)
    assert encoder.typical["when"] == "2024-06-26"  # 167 days after 11 January


def test_what_is_mostly_missing_is_typically_missing():
    rows = [{"a": None if i % 3 else "x", "b": "pqq"[i % 3], "y": i} for i in range(30)]
    encoder = TableEncoder().fit(rows, "y")

    assert encoder.typical == {"a": "(missing)", "b": "q"}
    np.testing.assert_array_equal(
        encoder.encode_typical(), encoder.transform([{"b": "q"} | {"a": None}])[0]
    )


def test_an_encoder_of_an_older_file_takes_the_first_category():
    encoder = TableEncoder().fit(ROWS, "cost")
    config = encoder.get_config()
    for column in config["columns"]:
        column.pop("most_frequent", None)

    assert TableEncoder.from_config(config).typical["wood"] == "ash"


def test_all_forms_of_a_table_are_taken(tmp_path):
    model = encoded()
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    expected = str(model.permutation_importance(ROWS)), str(model.partial_dependence(ROWS, "size"))

    for table in (frame, tmp_path / "rows.csv", read_table(tmp_path / "rows.csv")):
        assert str(model.permutation_importance(table)) == expected[0]
        assert str(model.partial_dependence(table, "size")) == expected[1]
        assert model.contributions(table).values.shape == (120, 6)


def test_encoded_rows_keep_the_names_of_their_columns():
    model = encoded()
    x = model.encoder.transform(ROWS)
    y = np.array([row["cost"] for row in ROWS])

    found = model.permutation_importance(x, y)

    np.testing.assert_array_equal(found.drops, model.permutation_importance(ROWS).drops)
    np.testing.assert_allclose(model.contributions(x).values, model.contributions(ROWS).values)
    with pytest.raises(DataError, match="the entries of 'wood' are not known; give the rows"):
        model.partial_dependence(x, "wood")


# -- arrays: classes, labels, numbers ------------------------------------------------------------


def test_without_an_encoder_features_are_columns():
    model = classifier()

    found = model.permutation_importance(X, LABELS)
    assert found.columns == ("column 0", "column 1", "column 2", "column 3")
    model.feature_names = ["a", "b", "c", "d"]
    assert model.permutation_importance(X, ONE_HOT, columns=["d"]).columns == ("d",)
    assert model.partial_dependence(X, "b").column == "b"
    np.testing.assert_allclose(model.permutation_importance(X, LABELS).drops, found.drops)


def test_the_predicted_class_is_explained_unless_another_is_asked_for():
    model = classifier()
    model.class_names = ["ash", "elm", "oak"]
    predicted, probabilities = model.predict(X).argmax(axis=1), model.predict(X)

    found = model.contributions(X)
    elm = model.contributions(X, output="elm")

    assert found.output_names == tuple(np.array(model.class_names)[predicted])
    np.testing.assert_allclose(found.outputs, probabilities.max(axis=1))
    zero = model.predict(np.zeros((1, 4)))[0]
    np.testing.assert_allclose(found.baseline_outputs, zero[predicted])
    np.testing.assert_allclose(elm.outputs, probabilities[:, 1])
    np.testing.assert_allclose(model.contributions(X, output=1).values, elm.values)
    assert "Compared with a row of zeros." in str(found)
    assert found.is_complete


def test_one_unit_stands_for_two_classes():
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=4, seed=0, dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    model.class_names = ["no", "yes"]
    probability = model.predict(X)[:, 0]

    found = model.contributions(X)
    yes, no = (model.contributions(X, output=name) for name in ("yes", "no"))

    np.testing.assert_allclose(yes.outputs, probability)
    np.testing.assert_allclose(no.outputs, 1.0 - probability)
    np.testing.assert_allclose(no.values, -yes.values)
    is_yes = probability > 0.5
    np.testing.assert_allclose(found.values, np.where(is_yes[:, None], yes.values, no.values))
    assert set(found.output_names) == {"no", "yes"}
    dependence = model.partial_dependence(X, 2)
    assert dependence.output_names == ("yes",)
    assert "the probability of 'yes'" in dependence.headline


def several(last, loss):
    model = ffnn.Sequential([Dense(5, "tanh"), Dense(3, last)], input_dim=4, seed=0)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    ("last", "loss", "y", "name"),
    [
        ("sigmoid", "binary_crossentropy", ONE_HOT, "accuracy of the labels"),
        (None, "mean_squared_error", X[:, :3], "R²"),
    ],
)
def test_of_several_outputs_one_is_chosen(last, loss, y, name):
    model = several(last, loss)

    with pytest.raises(ValueError, match="the model has 3 outputs; choose one by output"):
        model.contributions(X)
    found = model.contributions(X, output=2)
    np.testing.assert_allclose(found.outputs, model.predict(X)[:, 2], rtol=1e-4)
    assert model.permutation_importance(X, y).score_name == name
    assert model.partial_dependence(X, 0).values.shape == (20, 3)


def test_bytes_of_pictures_are_taken():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 64)).astype(np.uint8)
    model = ffnn.Sequential([Rescaling(1 / 255), Dense(3, "softmax")], input_dim=64, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")

    found = model.contributions(pixels)

    np.testing.assert_allclose(
        found.values.sum(axis=1), found.outputs - found.baseline_outputs, rtol=0.01
    )
    assert model.partial_dependence(pixels, 5).points.max() <= 255


# -- what is refused, and what stays -------------------------------------------------------------


def test_very_many_columns_have_to_be_named():
    model = ffnn.Sequential([Dense(2, "softmax")], input_dim=784, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.zeros((5, 784)), np.zeros(5, int)

    message = (
        r"784 columns would take 3,920 predictions of 5 rows; name up to 100 of them in columns"
    )
    with pytest.raises(ValueError, match=message):
        model.permutation_importance(x, y)
    assert model.permutation_importance(x, y, columns=[3, 700]).columns == (
        "column 3",
        "column 700",
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.permutation_importance(X, LABELS, columns=["a"]), ValueError, "column 'a'"),
        (lambda m: m.permutation_importance(X, LABELS, columns=[]), ValueError, "names none"),
        (lambda m: m.permutation_importance(X, LABELS, repeats=0), ValueError, "repeats must be"),
        (lambda m: m.permutation_importance(X), DataError, "y: "),
        (lambda m: m.partial_dependence(X, 4), ValueError, "column 4 of 4, counted from 0"),
        (lambda m: m.partial_dependence(X, "column 9"), ValueError, "did you mean 'column"),
        (lambda m: m.contributions(X, output="x"), ValueError, "no output 'x'; there are '0', '1'"),
        (lambda m: m.contributions(X[:, :3]), DataError, "expected input with 4 features"),
        (lambda m: m.contributions(X, X[:, :3]), DataError, "baseline: .*expected input with 4"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(classifier())


def test_a_model_that_is_not_ready_is_refused():
    unbuilt = ffnn.Sequential([Dense(3, "softmax")])
    with pytest.raises(RuntimeError, match="not compiled"):
        unbuilt.contributions(X)
    unbuilt.compile("sgd", "categorical_crossentropy")
    for call in (unbuilt.contributions, lambda x: unbuilt.partial_dependence(x, 0)):
        with pytest.raises(RuntimeError, match="no parameters yet"):
            call(X)
    with pytest.raises(RuntimeError, match="no parameters yet"):
        unbuilt.permutation_importance(X, LABELS)


def test_nothing_changes_the_model_and_training_goes_on_to_the_same_bits():
    def trained():
        layers = [Dense(6, "tanh"), BatchNorm(), Dropout(0.5), Dense(3, "softmax")]
        model = ffnn.Sequential(layers, input_dim=4, seed=0)
        model.compile("adam", "categorical_crossentropy", ["accuracy"])
        model.fit(X, ONE_HOT, epochs=2, verbose=0, callbacks=[Recorder()])
        return model

    models = trained(), trained()
    config, arrays = models[0].capture()
    before = str(config), {name: array.tobytes() for name, array in arrays.items()}

    for found in (
        models[0].permutation_importance(X, ONE_HOT),
        models[0].partial_dependence(X, 1),
        models[0].contributions(X),
    ):
        str(found), found._repr_html_(), found.plot()

    config, arrays = models[0].capture()
    assert (str(config), {name: array.tobytes() for name, array in arrays.items()}) == before
    for model in models:
        model.fit(X, ONE_HOT, epochs=4, initial_epoch=2, verbose=0)
    assert models[0].parameters.tobytes() == models[1].parameters.tobytes()


# -- how it is shown -----------------------------------------------------------------------------


def shown():
    model = encoded()
    yield model.permutation_importance(ROWS)
    yield model.partial_dependence(ROWS, "size")
    yield model.partial_dependence(ROWS, "wood")
    yield model.contributions(ROWS[:4])
    yield several("softmax", "categorical_crossentropy").partial_dependence(X, 3)


def test_texts_have_80_columns_and_pages_all_pieces(tmp_path):
    for found in shown():
        assert max(map(len, str(found).splitlines())) <= 80
        found.save(tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert f"<title>{found.title}</title>" in page
        assert page.count("<svg") + page.count("<table") == len(found.pieces)
        assert len(found.plot().axes) >= 1
        assert repr(found).startswith(f"<{type(found).__name__}: ")


def test_the_text_of_contributions_adds_up():
    text = str(encoded().contributions(ROWS[1:2]))

    (row,) = (line.split() for line in text.splitlines() if line.startswith("wood"))
    assert row[0] == "wood"
    assert row[-1].strip("+-") == "" or row[-1] == "+0"
    assert "sum" in text


def test_a_sum_that_misses_is_said():
    model = ffnn.Sequential([Dense(1, "sigmoid")], input_dim=1, dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    model.layers[0].params["weight"][...] = 1e12
    model.layers[0].params["bias"][...] = -0.3e12

    found = model.contributions(np.ones((1, 1)))

    assert not found.is_complete
    assert "miss the difference by 100 %, even with 416 steps" in " ".join(str(found).split())


# -- in a report ---------------------------------------------------------------------------------


def test_a_report_shows_importance_dependence_and_what_leads_to_errors():
    report = encoded().report(ROWS)

    assert report.importance.columns[report.importance.order[0]] == "wood"
    np.testing.assert_allclose(report.importance.score, report.scores["R²"])
    assert [each.column for each in report.dependences] == ["wood", "size"]
    assert [(row + 1) for row, _ in report.selected] == [e.row for e in report.largest_errors]
    titles = [piece.title for piece in report.pieces]
    assert titles[titles.index("Permutation importance") :] == [
        "Permutation importance",
        "Partial dependence on wood",
        "Partial dependence on size",
        "Partial dependence on numbers",
        "What leads to the largest errors",
    ]
    found, table = report.contributions, report.pieces[-1]
    predicted = [error.predicted for error in report.largest_errors]
    np.testing.assert_allclose(found.outputs, predicted)
    assert [row[0] for row in table.rows] == [f"{e.row:,}" for e in report.largest_errors]
    np.testing.assert_allclose(
        found.values.sum(axis=1), found.outputs - found.baseline_outputs, atol=1e-9
    )
    assert max(map(len, str(report).splitlines())) <= 80


def test_mistakes_are_explained_by_the_class_that_was_predicted():
    model = classifier()
    model.class_names = ["ash", "elm", "oak"]

    report = model.report(X, LABELS)

    assert report.contributions.output_names == tuple(each.predicted for each in report.mistakes)
    probabilities = [mistake.probability for mistake in report.mistakes]
    np.testing.assert_allclose(report.contributions.outputs, probabilities)
    medians = model.predict(np.median(X, axis=0)[None])[0]
    expected = [medians[model.class_names.index(each.predicted)] for each in report.mistakes]
    np.testing.assert_allclose(report.contributions.baseline_outputs, expected)
    assert "Compared with the median of each column." in str(report)


def test_labels_are_explained_each():
    model = several("sigmoid", "binary_crossentropy")

    report = model.report(X, ONE_HOT)

    rows, labels = zip(*report.selected, strict=True)
    np.testing.assert_allclose(
        report.contributions.outputs, model.predict(X)[rows, labels], rtol=1e-5
    )


@pytest.mark.parametrize(("inputs", "is_there"), [(60, True), (61, False), (64, False)])
def test_of_many_columns_and_of_pictures_a_report_tells_nothing(inputs, is_there):
    x = np.random.default_rng(0).uniform(0, 1, (30, inputs))
    model = ffnn.Sequential([Dense(3, "softmax")], input_dim=inputs, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")

    report = model.report(x, np.arange(30) % 3)

    assert (report.importance is not None) == is_there
    assert (report.contributions is not None) == is_there
    assert bool(report.dependences) == is_there


def test_encoded_rows_have_no_partial_dependence_in_a_report():
    model = encoded()

    report = model.report(model.encoder.transform(ROWS), [row["cost"] for row in ROWS])

    assert report.importance is not None
    assert report.dependences == ()


def test_entries_are_those_of_the_rows_where_others_lack_the_target():
    rows = [{**row, "cost": None if i % 4 == 1 else row["cost"]} for i, row in enumerate(ROWS)]

    report = encoded().report(rows)

    table = {error.row: rows[error.row - 1] for error in report.largest_errors}
    woods = [entries[1] for entries in report.contributions.entries]
    assert woods == [table[error.row]["wood"] for error in report.largest_errors]
    rows_with = [row for row in rows if row["cost"] is not None]
    prices = np.mean([PRICE[row["wood"]] for row in rows_with])
    sizes = report.dependences[1]
    np.testing.assert_allclose(sizes.values[:, 0], 2.0 * sizes.points + prices)
