"""`TabularClassifier` and `TabularRegressor`: any table in, good answers out, clear errors."""

import pickle

import numpy as np
import pytest
from slow_machine import SlowMachine

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import ffnn
from ffnn.errors import DataError
from ffnn.tables import TabularClassifier, TabularRegressor
from ffnn.tables.frames import as_table
from ffnn.tabular import recipe as rules

RNG = np.random.default_rng(0)
CODES = [f"c{i}" for i in range(15)]
ROWS = [
    {
        "size": None if i % 11 == 0 else float(RNG.normal(50, 10)),
        "wood": str(RNG.choice(["oak", "beech", "pine"])),
        "code": str(RNG.choice(CODES)),
        "sold": f"2020-{RNG.integers(1, 13):02}-{RNG.integers(1, 28):02}",
        "smokes": bool(RNG.integers(2)),
        "note": "".join(RNG.choice(list("abcdefgh "), 70)),
    }
    for i in range(240)
]
PRICE = np.array(
    [1000.0 + 40.0 * (row["size"] or 50.0) + 900.0 * (row["wood"] == "oak") for row in ROWS]
)
LABELS = np.where(np.median(PRICE) < PRICE, "dear", "cheap")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Train smaller networks, for a shorter time."""
    monkeypatch.setattr(rules, "HIDDEN", (32, 32))
    monkeypatch.setattr(rules, "MOST_EPOCHS", 40)


# -- what it is given ----------------------------------------------------------------------------


def frames():
    pandas = pytest.importorskip("pandas")
    yield "list of dicts", ROWS
    yield "dict of columns", {name: [row[name] for row in ROWS] for name in ROWS[0]}
    yield "pandas", pandas.DataFrame(ROWS)
    packages = [("pyarrow", "Table")]
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (
        1,
        8,
    ):  # older ones cannot read the names of today's polars
        packages.append(("polars", "DataFrame"))
    for package, make in packages:
        module = pytest.importorskip(package)
        kind = getattr(module, make)
        yield package, kind(ROWS) if package == "polars" else kind.from_pylist(ROWS)


def test_the_same_table_in_any_form_gives_the_same_network():
    predicted = {}
    for name, table in frames():
        model = TabularRegressor(random_state=0).fit(table, PRICE)
        assert model.n_features_in_ == 6
        assert model.feature_names_in_.tolist() == list(ROWS[0])
        predicted[name] = model.predict(table)
        np.testing.assert_array_equal(model.predict(ROWS), predicted[name])
    for name, found in predicted.items():
        np.testing.assert_allclose(found, predicted["list of dicts"], rtol=1e-9, err_msg=name)


def test_numbers_are_learned_from_text_dates_and_missing_values():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    assert model.score(ROWS, PRICE) > 0.9
    assert PRICE.min() <= model.predict(ROWS).min() <= model.predict(ROWS).max() <= PRICE.max()
    assert model.model_.encoder.left_out == [("note", "free text")]


def test_classes_are_learned():
    model = TabularClassifier(random_state=0).fit(ROWS, LABELS)
    assert model.classes_.tolist() == ["cheap", "dear"]
    assert model.score(ROWS, LABELS) > 0.9
    probabilities = model.predict_proba(ROWS)
    assert probabilities.shape == (240, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(ROWS), model.classes_[probabilities.argmax(axis=1)])


@pytest.mark.parametrize(
    "labels", [[True, False], [3, 7], ["b", "a"], [1.0, 2.0]], ids=["bool", "int", "str", "float"]
)
def test_labels_of_any_kind_come_back(labels):
    y = np.array(labels)[(LABELS == "dear").astype(int)]
    model = TabularClassifier(random_state=0).fit(ROWS, y)
    assert model.predict(ROWS).dtype == y.dtype
    assert set(model.predict(ROWS)) == set(labels)
    assert model.model_.class_labels.tolist() == sorted(labels)


def test_arrays_are_tables_without_names():
    x = RNG.normal(size=(120, 3))
    x[::7, 1] = np.nan
    model = TabularRegressor(random_state=0).fit(x, x[:, 0])
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")
    assert model.score(x, x[:, 0]) > 0.7
    mixed = np.array([[row["size"], row["wood"]] for row in ROWS], object)
    assert TabularClassifier(random_state=0).fit(mixed, LABELS).score(mixed, LABELS) > 0.8


# -- what it keeps -------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_network_and_another_another():
    first, again, other = (
        TabularRegressor(random_state=seed).fit(ROWS, PRICE).predict(ROWS) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_network_is_one_of_the_library_and_takes_tables_itself(tmp_path):
    model = TabularClassifier(random_state=0).fit(ROWS, LABELS)
    model.model_.save(tmp_path / "m.h5")
    loaded = ffnn.load_model(tmp_path / "m.h5")
    np.testing.assert_allclose(loaded.predict(ROWS), model.predict_proba(ROWS), atol=1e-5)
    assert loaded.class_names == ["cheap", "dear"]
    assert str(model.recipe_).splitlines()[-1] == "label smoothing 0.1"
    assert model.recipe_.rows == 216


def test_without_a_number_few_rows_are_learned_by_five_networks():
    few, one = TabularRegressor(None, random_state=0), TabularRegressor(random_state=0)
    assert [len(each.fit(ROWS, PRICE).models_) for each in (few, one)] == [5, 1]
    assert "mean of 5 such networks, each validated on another of 5 parts: " in str(few.recipe_)
    assert few.recipe_.rows == 192  # each sees four fifths of 240 rows
    assert "such networks" not in str(one.recipe_)
    assert one.model_ is one.models_[0]
    many = ROWS + ROWS[:60]
    assert len(TabularRegressor(None, random_state=0).fit(many, [*PRICE, *PRICE[:60]]).models_) == 1
    curves = [each.history.history["val_loss"] for each in few.models_]
    length = min(map(len, curves))
    mean = np.mean([curve[:length] for curve in curves], axis=0)
    np.testing.assert_allclose(few.model_.history.history["val_loss"], mean)


def test_an_ensemble_is_the_mean_of_networks_on_folds():
    model = TabularRegressor(ensemble=3, random_state=0).fit(ROWS, PRICE)
    assert len(model.models_) == 3
    assert isinstance(model.model_.layers[0], ffnn.layers.Average)
    mean = np.mean([each.predict(ROWS)[:, 0] for each in model.models_], axis=0)
    np.testing.assert_allclose(model.predict(ROWS), mean, rtol=1e-4)


def test_copies_predict_alike():
    model = TabularClassifier(random_state=0).fit(ROWS, LABELS)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(ROWS), model.predict_proba(ROWS))
    fresh = clone(model)
    assert not hasattr(fresh, "models_")
    assert fresh.get_params() == model.get_params()


def test_a_row_is_predicted_as_if_it_were_alone():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    alone = [model.predict([row])[0] for row in ROWS[:20]]
    np.testing.assert_allclose(alone, model.predict(ROWS)[:20], rtol=1e-12)


def test_a_network_that_is_changed_after_the_fit_is_followed():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    before = model.predict(ROWS[:9])
    model.model_.parameters[:] *= 0.9
    np.testing.assert_allclose(model.predict(ROWS[:9]), model.model_.predict(ROWS[:9])[:, 0], 1e-4)
    assert (model.predict(ROWS[:9]) != before).all()


def test_a_row_is_predicted_from_a_list_of_one_dict_as_from_a_table():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    assert model.predict(ROWS[3:4]).tolist() == model.predict(as_table(ROWS[3:4])).tolist()
    with pytest.raises(DataError, match="no columns 'wood', 'code'"):
        model.predict([{"size": 3.0}])
    with pytest.raises(NotFittedError):
        TabularRegressor().predict([ROWS[0]])


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", ">f8", "float16"])
def test_a_row_of_an_array_is_predicted_as_beside_others(dtype, monkeypatch):
    x = (np.random.default_rng(1).random((60, 3)) * 9).astype(dtype)
    x[::7, 2] = 0
    if x.dtype.kind == "f":
        x[::5, 1] = np.nan
    model = TabularClassifier(ensemble=1, random_state=0).fit(x, x[:, 0] > 4)
    tables = [{f"x{j}": x[i : i + 1, j] for j in range(3)} for i in range(60)]
    together = model.predict_proba(x)
    expected = np.concatenate([model.predict_proba(table) for table in tables])
    with monkeypatch.context() as patched:
        if dtype in ("float64", "int64"):
            patched.delattr("ffnn.estimators.tabular_base.as_table")  # which a row does not need
        alone = np.concatenate([model.predict_proba(x[i : i + 1]) for i in range(60)])

    assert np.array_equal(expected, alone)
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    for wrong in (x[:1, :2], x[0], np.array(1.0)):
        with pytest.raises(ValueError, match=r"features|2D"):
            model.predict(wrong)


def test_columns_are_found_by_name_in_any_order_and_others_are_not_looked_at():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    turned = [{"more": 1, **dict(reversed(row.items()))} for row in ROWS[:5]]
    np.testing.assert_array_equal(model.predict(turned), model.predict(ROWS[:5]))


# -- how long it takes ---------------------------------------------------------------------------


@pytest.mark.parametrize("ensemble", [1, 3])
def test_a_budget_of_time_is_used_and_kept(ensemble, monkeypatch):
    monkeypatch.setattr(rules, "MOST_EPOCHS", 100_000)
    monkeypatch.setattr(rules, "MOST_UPDATES", 100_000)
    monkeypatch.setattr(rules.Recipe, "waves", [])  # no training ends earlier
    machine = SlowMachine(monkeypatch, update=0.1, validation=0.02)
    TabularRegressor(ensemble=ensemble, time_budget=20.0, random_state=0).fit(ROWS, PRICE)
    assert 0.92 * 20.0 < machine.seconds < 0.98 * 20.0


def test_a_budget_that_is_long_enough_changes_nothing():
    free = TabularRegressor(random_state=0).fit(ROWS[:60], PRICE[:60])
    timed = TabularRegressor(time_budget=600, random_state=0).fit(ROWS[:60], PRICE[:60])
    np.testing.assert_array_equal(timed.predict(ROWS), free.predict(ROWS))


SHORT = r"^TabularRegressor: time_budget: 1e-05 seconds are too short for one epoch of 1 network"


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "rows", "y", "error", "message"),
    [
        (TabularRegressor(), ROWS, np.ones(240), DataError, "y is 1 in every row"),
        (TabularClassifier(), ROWS, ["a"] * 240, DataError, "only one class, 'a'"),
        (TabularClassifier(), ROWS[:3], list("abc"), DataError, "a class of one row"),
        (TabularRegressor(), ROWS, PRICE[:-1], ValueError, "inconsistent numbers of samples"),
        (TabularRegressor(), ROWS, None, ValueError, "requires y"),
        (TabularRegressor(), ROWS, np.where(PRICE > 0, np.nan, 0), ValueError, "y contains NaN"),
        (TabularRegressor(ensemble=0), ROWS, PRICE, ValueError, "ensemble"),
        (TabularRegressor(ensemble=1.5), ROWS, PRICE, TypeError, "ensemble"),
        (TabularRegressor(ensemble=500), ROWS, PRICE, DataError, "at least 500 rows"),
        (TabularRegressor(time_budget=0), ROWS, PRICE, ValueError, "time_budget"),
        (TabularRegressor(time_budget=1e-5), ROWS, PRICE, ValueError, SHORT),
        (TabularRegressor(), [{"a": None}, {"a": None}], [1, 2], DataError, "no column is left"),
        (TabularRegressor(), [{"a": 3}, {"a": 3}], [1, 2], DataError, "no column is left"),
    ],
)
def test_what_cannot_be_learned_is_refused_and_changes_nothing(model, rows, y, error, message):
    before = dict(vars(model))
    with pytest.raises(error, match=message):
        model.fit(rows, y)
    assert vars(model) == before


def test_a_fitted_one_that_is_refused_predicts_as_before():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    before = model.predict(ROWS)
    with pytest.raises(DataError):
        model.fit([{"a": 1.0}, {"a": 2.0}], [5, 5])
    np.testing.assert_array_equal(model.predict(ROWS), before)


def test_a_column_that_is_no_longer_what_it_was_is_named():
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    changed = [{**row, "size": "large"} for row in ROWS[:4]]
    with pytest.raises(DataError, match=r"column 'size' is a number, but .*'large'"):
        model.predict(changed)
    lacking = [{name: row[name] for name in row if name != "wood"} for row in ROWS[:4]]
    with pytest.raises(DataError, match="no column 'wood'"):
        model.predict(lacking)
    with pytest.raises(NotFittedError):
        TabularRegressor().predict(ROWS)


def test_wide_tables_and_unseen_categories_are_taken():
    wide = [{f"x{i}": float(v) for i, v in enumerate(RNG.normal(size=60))} for _ in range(20)]
    assert np.isfinite(
        TabularRegressor(random_state=0).fit(wide, np.arange(20.0)).predict(wide)
    ).all()
    model = TabularRegressor(random_state=0).fit(ROWS, PRICE)
    assert np.isfinite(model.predict([{**ROWS[0], "code": "new", "wood": "ash"}])).all()


# As a list: scikit-learn 1.7 hands over a generator, which pytest 9 warns of.
CHECKS = parametrize_with_checks([TabularClassifier(), TabularRegressor()])
NAMES, CASES = CHECKS.args


@pytest.mark.parametrize(NAMES, list(CASES), **CHECKS.kwargs)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)
