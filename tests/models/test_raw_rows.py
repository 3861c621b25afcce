"""A model with an encoder takes tables of all forms, in every verb; names are the table's own."""

import json

import numpy as np
import pytest

import ffnn
from ffnn.layers import Dense
from ffnn.models.raw_rows import targets_for
from ffnn.tables import TableEncoder, TabularClassifier, read_table

ROWS = [
    {"wood": "oak", "age": 1.0, "cost": 10.0, "grade": "low"},
    {"wood": "elm", "age": 3.0, "cost": 20.0, "grade": "mid"},
    {"wood": "oak", "age": 5.0, "cost": 60.0, "grade": "top"},
    {"wood": "elm", "age": 7.0, "cost": 30.0, "grade": "low"},
    {"wood": "elm", "age": 4.0, "cost": 40.0, "grade": "top"},
    {"wood": "oak", "age": 4.0, "cost": 50.0, "grade": "mid"},
]
STD = np.std([1, 3, 5, 7, 4, 4])
# The features wood=elm, wood=oak and age, by hand; the classes low, mid, top.
NUMBERS = np.array([[r["wood"] == "elm", r["wood"] == "oak", (r["age"] - 4) / STD] for r in ROWS])
TARGETS = {"cost": [10.0, 20.0, 60.0, 30.0, 40.0, 50.0], "grade": [0, 1, 2, 0, 2, 1]}


def columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def as_csv(rows):
    return "\n".join([",".join(rows[0]), *(",".join(map(str, r.values())) for r in rows)]) + "\n"


FORMS = {
    "path": lambda rows, folder: written(folder / "t.csv", as_csv(rows)),
    "path as text": lambda rows, folder: str(written(folder / "t.json", json.dumps(rows))),
    "Table": lambda rows, folder: read_table(written(folder / "t.csv", as_csv(rows))),
    "pandas": lambda rows, folder: pytest.importorskip("pandas").DataFrame(rows),
    "polars": lambda rows, folder: pytest.importorskip("polars").DataFrame(rows),
    "pyarrow": lambda rows, folder: pytest.importorskip("pyarrow").Table.from_pylist(rows),
    "list of dicts": lambda rows, folder: rows,
    "dict of columns": lambda rows, folder: columns(rows),
    "other columns and order": lambda rows, folder: [
        {"other": 1, **dict(reversed(row.items()))} for row in rows
    ],
}
VERBS = {
    "predict": lambda model, *xy: model.predict(xy[0]),
    "forward": lambda model, *xy: model.forward(xy[0]),
    "evaluate": lambda model, *xy: model.evaluate(*xy),
    "fit": lambda model, *xy: (model.fit(*xy, epochs=2, verbose=0), model.parameters)[1],
    "train_on_batch": lambda model, *xy: (model.train_on_batch(*xy), model.parameters)[1],
    "compute_gradients": lambda model, *xy: (model.compute_gradients(*xy), model.gradients)[1],
    "gradient_check": lambda model, *xy: str(ffnn.gradient_check(model, *xy)),
    "find_learning_rate": lambda model, *xy: str(ffnn.find_learning_rate(model, *xy)),
    "diagnose": lambda model, *xy: str(model.diagnose(*xy)),
    "explain_step": lambda model, *xy: str(model.explain_step(*xy)),
    "validation_data": lambda model, *xy: (
        model.fit(
            NUMBERS, TARGETS[model.encoder.target.name], verbose=0, validation_data=(*xy,)[:2]
        )
    ).history["val_loss"],
}


def make(target="cost", loss="mse", units=1, **options):
    model = ffnn.Sequential([Dense(3, "tanh"), Dense(units, **options)], input_dim=3, seed=0)
    model.compile("sgd", loss)
    model.encoder = TableEncoder().fit(ROWS, target, exclude={"cost", "grade"} - {target})
    return model


def classifier(loss="categorical_crossentropy"):
    return make("grade", loss, 3, activation="softmax")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_table_is_as_good_as_its_numbers(verb, form, target, tmp_path):
    build = {"cost": make, "grade": classifier}[target]
    x, do = FORMS[form](ROWS, tmp_path), VERBS[verb]
    xy = [x, None] if verb == "validation_data" else [x]

    found, expected = do(build(), *xy), do(build(), NUMBERS, np.array(TARGETS[target]))

    if isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_array_equal(found, expected)


def test_targets_may_be_texts_and_columns_of_a_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS)
    expected = classifier().evaluate(NUMBERS, TARGETS["grade"])

    for y in (frame["grade"], [row["grade"] for row in ROWS], frame["grade"].astype("category")):
        assert classifier().evaluate(frame, y) == expected
    assert make().evaluate(frame, frame["cost"]) == make().evaluate(NUMBERS, TARGETS["cost"])
    assert make().evaluate(frame, list(map(str, TARGETS["cost"]))) == make().evaluate(frame)


def test_classes_are_one_hot_for_a_loss_of_numbers():
    model = classifier("mse")
    one_hot = np.eye(3)[TARGETS["grade"]]
    assert model.evaluate(ROWS) == model.evaluate(NUMBERS, one_hot)
    np.testing.assert_array_equal(targets_for(model, np.array([2, 0])), one_hot[[2, 0]])


def test_rows_without_a_target_are_left_out_and_counted():
    rows = [ROWS[0] | {"cost": None}, *ROWS]
    weight = np.arange(7.0)
    with pytest.warns(UserWarning, match=r"^1 row of 7 lacks the target 'cost': left out$"):
        found = make().evaluate(rows, sample_weight=weight)
    assert found == make().evaluate(NUMBERS, TARGETS["cost"], sample_weight=weight[1:])
    with pytest.raises(ffnn.DataError, match="every row lacks the target 'cost'"):
        make().evaluate([ROWS[0] | {"cost": None}])
    assert len(make().predict(rows)) == 7


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (NUMBERS, r"^y: expected one target for each of 6 rows, got None"),
        ([{"wood": "oak", "age": 2}], r"there is no column 'cost'; the columns are 'wood', 'age'"),
        ([{"wood": "oak", "cost": 2}], r"there is no column 'age'; the columns are 'wood', 'cost'"),
    ],
)
def test_what_is_missing_is_named(x, message):
    for verb in ("fit", "evaluate", "train_on_batch", "compute_gradients", "explain_step"):
        with pytest.raises(ffnn.DataError, match=message):
            getattr(make(), verb)(x)


@pytest.mark.parametrize("verb", ["fit", "evaluate", "predict", "report", "diagnose"])
def test_a_table_without_rows_is_refused(verb):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS)
    for empty in (frame.iloc[:0], pandas.DataFrame(), {"wood": [], "age": [], "cost": []}, {}):
        with pytest.raises(ffnn.DataError, match=r"^table: expected rows, got none$"):
            getattr(make(), verb)(empty)


def test_an_unknown_class_is_named():
    with pytest.raises(ffnn.DataError, match=r"has the unknown class 'tip' in row 1.*'top'"):
        classifier().evaluate(ROWS[:1], ["tip"])


def test_a_model_without_encoder_wants_numbers():
    model = ffnn.Sequential([Dense(1)], input_dim=3)
    model.compile()
    for y in (None, TARGETS["cost"]):
        with pytest.raises(ffnn.DataError, match="a model without an encoder takes no"):
            model.evaluate(ROWS, y)


def test_a_diagnosis_needs_no_targets():
    inputs = [{"wood": row["wood"], "age": row["age"]} for row in ROWS]
    assert str(make().diagnose(inputs)) == str(make().diagnose(NUMBERS))
    assert "no targets were given" in str(make().diagnose(inputs))


def test_views_call_columns_by_name():
    model = make()
    assert model.feature_names == ["wood=elm", "wood=oak", "age"]
    labels = {data["label"] for _, data in model.to_networkx().nodes(data=True)}
    assert labels >= {"wood=elm", "wood=oak", "age", "cost"}
    labels = {data["label"] for _, data in classifier().to_networkx().nodes(data=True)}
    assert labels >= {"low", "mid", "top"}
    assert "wood=oak" in model._repr_html_()
    assert "0 wood=elm, 1 wood=oak, 2 age" in str(model.explain_step(ROWS))

    constant = model.diagnose([row | {"wood": "oak"} for row in ROWS])
    (found,) = (finding for finding in constant if finding.kind == "constant-inputs")
    assert "columns 0 ('wood=elm'), 1 ('wood=oak')." in found.message
    far = model.diagnose([row | {"age": 1e4 * i} for i, row in enumerate(ROWS)])
    (found,) = (finding for finding in far if finding.kind == "unscaled-inputs")
    assert "in column 2 ('age')" in found.message
    assert found.remedy.startswith("The model's encoder scales columns by the rows that it was fit")
    numbers = NUMBERS.copy()
    numbers[1, 2] = np.nan
    (found,) = (f for f in model.diagnose(numbers) if f.kind == "non-finite-inputs")
    assert "in columns 2 ('age');" in found.message


def test_the_summary_names_the_columns_of_the_table(capsys):
    model = make()
    model.summary()
    assert capsys.readouterr().out.endswith("KiB)\nreads the columns wood, age\n")
    model.encoder = None
    model.summary()
    assert capsys.readouterr().out.endswith("KiB)\n")


def test_a_summary_of_many_columns_fits_the_screen(capsys):
    rows = [{f"column {i}": i + j**2 % 7 for i in range(50)} | {"y": j} for j in range(9)]
    model = ffnn.Sequential([Dense(1)])
    model.encoder = TableEncoder().fit(rows, "y")
    model.summary()
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("reads the columns column 0, column 1, ")
    assert last.endswith("…")
    assert len(last) == 78


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_that_knows_its_classes_takes_their_names_as_targets():
    rows = [{"a": i, "b": "xy"[i % 2]} for i in range(40)]
    y = np.array(["no" if i < 20 else "yes" for i in range(40)])
    model = TabularClassifier(random_state=0).fit(rows, y).model_
    numbers = (y == "yes").astype(int)
    assert model.evaluate(rows, y) == model.evaluate(rows, numbers)
    assert model.evaluate(rows, numbers.astype(object)) == model.evaluate(rows, numbers)
    assert str(model.report(rows, list(y))) == str(model.report(rows, numbers))
    with pytest.raises(
        ffnn.DataError, match=r"class 'yess' in row 3 \(did you mean 'yes'\?\); the"
    ):
        model.report(rows, [*y[:3], "yess", *y[4:]])
