"""Tables that the network can make little of, through the estimators and through the command.

Each is refused with one clear message, or learned from in the way that is documented and printed.
"""

import csv
import re

import numpy as np
import pytest
from slow_machine import SlowMachine

pytest.importorskip("sklearn", reason="scikit-learn is an extra")

import ffnn
from ffnn.cli import main
from ffnn.errors import DataError
from ffnn.tables import TabularClassifier, TabularRegressor
from ffnn.tabular import recipe as rules

RNG = np.random.default_rng(0)
NUM_ROWS = 60
SIZES = RNG.normal(size=NUM_ROWS).round(3).tolist()
COLUMNS = {
    "size": SIZES,
    "wood": RNG.choice(["oak", "pine", "ash"], NUM_ROWS).tolist(),
    "sold": [f"2020-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(NUM_ROWS)],
    "dry": [["no", "yes"][i % 2] for i in range(NUM_ROWS)],
}
LABELS = ["big" if size > 0 else "small" for size in SIZES]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Train smaller networks, for a shorter time."""
    monkeypatch.setattr(rules, "HIDDEN", (16, 16))
    monkeypatch.setattr(rules, "MOST_EPOCHS", 20)


class RefusedError(Exception):
    """The table was refused, with this message."""


class Estimator:
    """The table goes through `TabularClassifier` or `TabularRegressor`."""

    def __init__(self, folder, capsys):
        pass

    def learn(self, columns, y, time=None):
        kind = TabularClassifier if isinstance(y[0], str) else TabularRegressor
        self.model = kind(ensemble=None, random_state=0, time_budget=time)
        before = dict(vars(self.model))
        try:
            self.model.fit(columns, y)
        except ValueError as error:
            assert vars(self.model) == before
            raise RefusedError(str(error)) from error
        self.encoder = self.model.models_[0].encoder
        return str(self.model.recipe_)

    def predict(self, columns):
        try:
            return self.model.predict(columns)
        except DataError as error:
            raise RefusedError(str(error)) from error


class Command:
    """It goes through a file and ``ffnn train --preset table``."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys, self.out = folder, capsys, folder / "m.h5"

    def learn(self, columns, y, time=None):
        file = self.write("train.csv", {**columns, "target": y})
        options = "--preset", "table", "--target", "target", "--seed", "0", "--out", self.out
        said = self.run("train", file, *options, *([] if time is None else ["--time", time]))
        self.encoder = ffnn.load_model(self.out).encoder
        return said

    def predict(self, columns):
        said = self.run("predict", self.out, self.write("new.csv", columns))
        return [line.split(",")[0] for line in said.splitlines()[1:]]

    def write(self, name, columns):
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        return path

    def run(self, *arguments):
        code = main(list(map(str, arguments)))
        said = self.capsys.readouterr()
        if code:
            assert code == 2
            assert not self.out.exists() or arguments[0] == "predict"
            raise RefusedError(" ".join(said.err.split()))
        return said.out


@pytest.fixture(params=[Estimator, Command])
def door(request, tmp_path, capsys):
    return request.param(tmp_path, capsys)


# -- learned from --------------------------------------------------------------------------------


def test_a_class_of_one_row_is_only_learned_from(door):
    said = door.learn(COLUMNS, [*LABELS[:7], "giant", *LABELS[8:]])
    assert "3 classes" in said
    if isinstance(door, Command):
        assert "class 'giant' has 1 row" in said
    assert len(door.predict(COLUMNS)) == NUM_ROWS


def test_columns_that_are_all_missing_are_left_out(door):
    nothing = {"empty": [None] * NUM_ROWS, "blank": [float("nan")] * NUM_ROWS}
    said = door.learn({**nothing, **COLUMNS}, LABELS)
    assert door.encoder.left_out == [("empty", "empty"), ("blank", "empty")]
    if isinstance(door, Command):
        assert re.search(r"empty +ignore +60 +0 +left out: empty", said)
    filled = door.predict({"empty": [3.0] * NUM_ROWS, **COLUMNS})
    assert list(filled) == list(door.predict({**nothing, **COLUMNS}))


def test_more_columns_than_rows_are_learned_from(door):
    wide = {f"x{i}": RNG.normal(size=20).tolist() for i in range(50)}
    said = door.learn(wide, RNG.normal(size=20).tolist())
    assert re.search(r"\b50 features -> 16 \+ 16 units", said)
    assert np.isfinite(np.asarray(door.predict(wide), float)).all()


def test_a_column_that_is_missing_in_all_new_rows_is_as_if_each_row_lacked_it(door):
    door.learn({**COLUMNS, "size": [None, *SIZES[1:]]}, LABELS)
    assert len(door.predict({**COLUMNS, "size": [None] * NUM_ROWS})) == NUM_ROWS


@pytest.mark.parametrize("rows", [100_000, 200_000])
def test_a_category_of_very_many_values_takes_one_column_or_none(door, rows, monkeypatch):
    monkeypatch.setattr(rules, "MOST_UPDATES", 1)
    monkeypatch.setattr(rules, "FEWEST_EPOCHS", 1)
    monkeypatch.setattr(rules, "BATCH_ROWS", 20_000)
    users = [f"user {i % 100_000}" for i in range(rows)]
    said = door.learn({"user": users, "x": RNG.normal(size=rows).tolist()}, list(range(rows)))
    assert len(door.encoder.feature_names) <= 2
    if isinstance(door, Command):
        told = next(line for line in said.splitlines() if line.startswith("user"))
        assert "100,000" in told
        assert re.search("left out: identifier|one column for all", told)
    door.predict({"user": ["user 5", "nobody"], "x": [0.0, 1.0]})


# -- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "y", "message"),
    [
        (COLUMNS, [5.5] * NUM_ROWS, r"is '?5.5'? in every row: there is nothing to learn"),
        (COLUMNS, ["a"] * NUM_ROWS, r"'a'.*there is nothing to learn"),
        (COLUMNS, [1e6 + 1e-3 * s for s in SIZES], "float32 hardly tells apart: subtract 1000000"),
        (COLUMNS, [1e30 * size for size in SIZES], "multiply it by a power of ten"),
        (COLUMNS, [1e-30 * size for size in SIZES], "multiply it by a power of ten"),
        ({"a": [None] * NUM_ROWS}, LABELS, r"no column is left to learn from: 'a' \(empty\)"),
    ],
    ids=["a constant number", "a single class", "hardly varying", "huge", "tiny", "all missing"],
)
def test_what_cannot_be_learned_is_refused_with_one_message(door, columns, y, message):
    with pytest.raises(RefusedError, match=message):
        door.learn(columns, y)


@pytest.mark.parametrize("epoch", [0.2, 7.0])
def test_a_budget_that_is_too_small_is_refused_with_the_least_that_works(door, epoch, monkeypatch):
    SlowMachine(monkeypatch, update=epoch)
    with pytest.raises(RefusedError, match="too short for one epoch") as refused:
        door.learn(COLUMNS, LABELS, time=epoch / 2)
    least = float(re.search(r"give at least ([\d.e+-]+)", str(refused.value))[1])
    assert least == pytest.approx(1.2 * 7 * epoch, rel=0.05)  # two are measured, five networks
    door.learn(COLUMNS, LABELS, time=least)


# -- a frame whose columns changed their kind ----------------------------------------------------

OTHER_KINDS = [
    ({"size": ["large", "small"]}, "'size' is a number, but its values are not numbers"),
    ({"size": ["2020-01-01", "2020-01-03"]}, "'size' is a number, but"),
    ({"size": [0.5, "tall"]}, "'size' is a number, but 1 of 2 values are not numbers.*'tall'"),
    ({"sold": ["green", "red"]}, "'sold' is a date, but its values are not dates"),
    ({"sold": [3, 4]}, "'sold' is a date, but its values are not dates"),
    ({"dry": ["maybe", "no"]}, "'dry' has 'no', 'yes', got 'maybe'"),
    ({"dry": [2.5, 3.5]}, "'dry' has 'no', 'yes', got '2.5'"),
    ({"wood": [3, 4.5]}, "'wood' has categories such as 'ash', but .* numbers: '3', '4.5'"),
    ({"wood": ["2020-01-01", "2020-01-03"]}, "'wood' has categories .* dates: '2020-01-01'"),
]
SAME_KINDS = [
    {"dry": [0, 1]},  # the same in other words
    {"dry": ["n", "YES"]},
    {"size": ["0.5", "1 000"]},
    {"sold": ["2021-05-06 12:30", "2022-01-01 00:00"]},
    {"wood": ["elm", "4WD"]},  # words that were not seen
    {"wood": [None, None]},
]


def test_another_kind_than_in_training_is_refused_by_name(door):
    door.learn(COLUMNS, LABELS)
    rows = {name: values[:2] for name, values in COLUMNS.items()}
    for changed, message in OTHER_KINDS:
        with pytest.raises(RefusedError, match=message):
            door.predict({**rows, **changed})
    for changed in SAME_KINDS:
        assert len(door.predict({**rows, **changed})) == 2
    with pytest.raises(RefusedError, match="there is no column 'size'"):
        door.predict({name: values for name, values in rows.items() if name != "size"})


def test_what_the_preset_chose_is_no_advice(tmp_path, capsys):
    noise = {"x": RNG.normal(size=800).tolist()}
    file = Command(tmp_path, capsys).write("n.csv", {**noise, "y": RNG.normal(size=800).tolist()})
    assert main(["train", str(file), "--preset", "table", "--seed", "0"]) == 0
    said = capsys.readouterr().err
    assert "not clearly better than a constant prediction" in said
    assert "columns that say nothing about 'y'" in said
    assert "earning rate" not in said
