"""What a report takes, what it refuses, and that it leaves the model as it is."""

import copy

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from small_models import LABELS, ONE_HOT, X, classifier

import ffnn
from ffnn.callbacks import Recorder
from ffnn.errors import DataError
from ffnn.layers import BatchNorm, Dense, Dropout
from ffnn.tables import TableEncoder, read_table


def trained(**options):
    model = classifier(**options)
    model.fit(X, ONE_HOT, epochs=2, verbose=0)
    return model


def everything_of(model):
    """Return all that a file keeps of a model."""
    config, arrays = model.capture()
    return copy.deepcopy(config), {name: array.tobytes() for name, array in arrays.items()}


def test_the_model_stays_as_it_is():
    layers = [Dense(6, "tanh"), BatchNorm(), Dropout(0.5), Dense(3, "softmax")]
    model = ffnn.Sequential(layers, input_dim=4, seed=0)
    model.compile("adam", "categorical_crossentropy", ["accuracy", "f1"])
    model.fit(X, ONE_HOT, epochs=2, verbose=0, callbacks=[Recorder()])
    before = everything_of(model)

    report = model.report(X, ONE_HOT)
    str(report), report._repr_html_(), report.plot()

    assert everything_of(model) == before


def test_a_training_goes_on_as_if_there_had_been_no_report():
    models = trained(optimizer="adam"), trained(optimizer="adam")
    models[0].report(X, ONE_HOT)
    for model in models:
        model.fit(X, ONE_HOT, epochs=4, initial_epoch=2, verbose=0)

    assert models[0].parameters.tobytes() == models[1].parameters.tobytes()


@pytest.mark.parametrize("y", [ONE_HOT, LABELS], ids=["one-hot", "numbers"])
def test_rows_that_the_model_was_trained_on_are_told(tmp_path, y):
    model = classifier()
    model.fit(X[:40], y[:40], verbose=0, validation_split=0.25)
    model.save(tmp_path / "m.h5")
    begin = "note: the model was trained on"
    end = "so it may score lower on new ones"
    for known in (model, ffnn.load_model(tmp_path / "m.h5")):
        report = known.report(X, ONE_HOT)
        assert report.note == f"{begin} 30 of these 50 rows and validated on 10, {end}"
        assert report.note in report._repr_html_()
        for form in (ONE_HOT, LABELS):
            assert known.report(X[:30], form[:30]).note == f"{begin} these rows, {end}"
        assert known.report(X[40:], ONE_HOT[40:]).note == ""
    model.train_on_batch(X, ONE_HOT)
    assert model.report(X, ONE_HOT).note == ""  # what changes a model since is not known


def forms_of_rows(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["x"] = X
    np.save(folder / "x.npy", X)
    yield from (
        X.tolist(),
        np.asfortranarray(X),
        np.load(folder / "x.npy", mmap_mode="r"),
        scipy.sparse.csr_matrix(X),
        h5py.File(folder / "x.h5", "r")["x"],
    )


def test_rows_come_in_all_forms(tmp_path):
    model = trained()
    expected = model.report(X, ONE_HOT)

    for x in forms_of_rows(tmp_path):
        report = model.report(x, LABELS)
        assert str(report) == str(expected)
        assert report.mistakes == expected.mistakes


def test_blocks_of_rows_are_put_together(monkeypatch):
    model = trained()
    expected = str(model.report(X, ONE_HOT))
    monkeypatch.setattr("ffnn.reports.rows._BLOCK", 7)

    assert str(model.report(X, ONE_HOT)) == expected
    assert str(model.report(scipy.sparse.csr_matrix(X), ONE_HOT)) == expected


# -- tables ------------------------------------------------------------------------------------

ROWS = [{"size": i % 9, "wood": ["oak", "ash"][i % 2], "note": f"n{i}"} for i in range(60)]
for number, row in enumerate(ROWS):
    row["cost"] = "high" if row["size"] + 3 * (row["wood"] == "oak") > 6 else "low"
    if number in (3, 10):
        row["cost"] = None
    if number == 20:
        row["cost"] = {"high": "low", "low": "high"}[row["cost"]]


@pytest.fixture(scope="module")
def encoded():
    """Return a model of `ROWS` whose last layer is a softmax."""
    encoder = TableEncoder().fit(ROWS, "cost")
    model = ffnn.Sequential([Dense(8, "relu"), Dense(2, "softmax")], seed=0)
    model.compile(ffnn.optimizers.Adam(0.03), "categorical_crossentropy")
    model.encoder = encoder
    known = [row for row in ROWS if row["cost"]]
    model.fit(known, [row["cost"] for row in known], epochs=60, verbose=0)
    return model


def mistakes_in(report):
    (shown,) = (piece for piece in report.pieces if piece.title == "Most confident mistakes")
    return shown


def forms_of_tables(folder):
    pd.DataFrame(ROWS).to_csv(folder / "rows.csv", index=False)
    yield from (ROWS, pd.DataFrame(ROWS), folder / "rows.csv", read_table(folder / "rows.csv"))


def test_a_table_has_its_targets_and_shows_its_rows(encoded, tmp_path):
    for table in forms_of_tables(tmp_path):
        report = encoded.report(table)

        assert report.num_rows == 58
        assert report.note == (
            "note: the model was trained on these rows, so it may score lower on new ones; "
            "2 rows without a target left out"
        )
        assert report.class_names == ("high", "low")
        (mistake,) = report.mistakes
        assert (mistake.row, mistake.true) == (21, ROWS[20]["cost"])
        shown = mistakes_in(report)
        assert shown.header[4:] == ("size", "wood", "note")
        assert shown.rows[0][4:] == ("2", "oak", "n20")


def test_targets_of_a_table_may_be_given(encoded):
    known = [row for row in ROWS if row["cost"]]
    texts = [row["cost"] for row in known]
    numbers = [encoded.class_names.index(text) for text in texts]

    for y in (texts, numbers):
        report = encoded.report(known, y)
        assert report.num_rows == 58
        assert [mistake.row for mistake in report.mistakes] == [19]  # two rows before it are gone
        assert mistakes_in(report).rows[0][4:] == ("2", "oak", "n20")


def test_numbers_of_a_table_have_the_names_of_its_columns(encoded):
    known = [row for row in ROWS if row["cost"]]
    x = encoded.encoder.transform(known)

    report = encoded.report(x, [encoded.class_names.index(row["cost"]) for row in known])

    assert mistakes_in(report).header[4:] == tuple(encoded.encoder.feature_names)


def test_one_hot_targets_are_made_for_a_loss_on_numbers(encoded):
    model = ffnn.Sequential([Dense(8, "relu"), Dense(2, "softmax")], seed=0)
    model.compile("adam", "mean_squared_error")
    model.encoder = encoded.encoder
    model.build(len(encoded.encoder.feature_names))

    assert model.report(ROWS).num_rows == 58


# -- what is refused ---------------------------------------------------------------------------


def unbuilt():
    model = ffnn.Sequential([Dense(3, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    return model


def without_loss():
    return ffnn.Sequential([Dense(3, "softmax")], input_dim=4)


def broken():
    model = classifier()
    model.layers[0].params["weight"][0, 0] = np.nan
    return model


def squares(units, activation, names=None):
    """Return a model that tells classes apart by a loss on numbers."""
    model = ffnn.Sequential([Dense(units, activation)], input_dim=4, seed=0)
    model.compile("sgd", "mse", None if names else ["accuracy"])
    model.class_names = names
    return model


SIGNS = np.where(LABELS > 0, 1.0, -1.0)
DECISIONS = "expected targets of 0 and 1, got -1.0 in row"
REFUSALS = [
    (lambda: squares(1, "tanh"), (X, SIGNS), DataError, DECISIONS),
    (lambda: squares(1, "tanh", ["no", "yes"]), (X, SIGNS), DataError, DECISIONS),
    (lambda: squares(3, None), (X, 2 * ONE_HOT - 1), DataError, DECISIONS),
    (lambda: squares(3, "softmax"), (X, 0.5 * ONE_HOT), DataError, "rows that sum to 1"),
    (without_loss, (X, LABELS), RuntimeError, "this model is not compiled"),
    (unbuilt, (X, LABELS), RuntimeError, "this model has no parameters yet"),
    (classifier, (X,), DataError, "y: "),
    (classifier, ("rows.csv",), DataError, "."),
    (classifier, (X, LABELS[:-1]), DataError, "y: expected one target for each of 50 rows, got 49"),
    (classifier, (X, LABELS + 1), DataError, "expected class labels from 0 to 2"),
    (classifier, (X[:, :3], LABELS), DataError, "expected input with 4 features"),
    (classifier, (X[:0], LABELS[:0]), DataError, "expected at least one row"),
    (classifier, (np.full_like(X, np.nan), LABELS), DataError, "x: got nan in row 0, column 0"),
    (broken, (X, LABELS), DataError, "report: output 0 of the model is nan in row 0; diagnose"),
]


@pytest.mark.parametrize(("make", "arguments", "error", "message"), REFUSALS)
def test_what_is_refused_changes_nothing(make, arguments, error, message):
    model = make()
    built = model.is_built

    with pytest.raises(error, match=message):
        model.report(*arguments)

    assert model.is_built == built


def test_a_table_without_the_target_is_refused(encoded):
    rows = [{name: row[name] for name in ("size", "wood")} for row in ROWS]

    with pytest.raises(DataError, match="there is no column 'cost'"):
        encoded.report(rows)


def test_a_table_without_any_target_is_refused(encoded):
    with pytest.raises(DataError, match="every row lacks the target 'cost'"):
        encoded.report([row | {"cost": None} for row in ROWS])
