"""``ffnn train --resume`` with other data or options than before: refused, and nothing changes."""

import numpy as np
import pytest

import ffnn

OPTIONS = ["--epochs", 3, "--hidden", "5", "--quiet", "--batch-size", 16]
ROWS = np.random.default_rng(4).standard_normal((60, 3)).round(3)


def table(path, columns=(0, 1, 2), names="abc", labels=("no", "yes"), scale=1.0, rows=ROWS):
    lines = [",".join([*(names[i] for i in columns), "kind"])]
    for row in rows:
        label = labels[int(row[0] * row[1] > 0)]
        lines.append(",".join([*(repr(float(row[i] * scale)) for i in columns), label]))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


@pytest.fixture
def trained(run, tmp_path):
    """A folder with a table and a finished training on it."""
    table(tmp_path / "data.csv")
    assert run("train", tmp_path / "data.csv", *OPTIONS, "--out", tmp_path / "m.h5")[0] == 0
    return tmp_path


OTHER_DATA = {
    "another scaling": {"scale": 2.0},
    "renamed classes": {"labels": ("none", "some")},
    "swapped classes": {"labels": ("yes", "no")},
    "reordered columns": {"columns": (1, 0, 2)},
    "swapped names": {"names": "bac"},
    "a renamed column": {"names": "abd"},
    "a column less": {"columns": (0, 1)},
    "a row less": {"rows": ROWS[:-1]},
    "reordered rows": {"rows": ROWS[::-1]},
    "another number": {"rows": np.where(ROWS[7, 2] == ROWS, ROWS[7, 2] + 0.001, ROWS)},
}
OTHER_OPTIONS = {
    "seed": ["--seed", 1],
    "batch size": ["--batch-size", 8],
    "rate": ["--learning-rate", 0.5],
    "optimizer": ["--optimizer", "sgd"],
    "loss": ["--loss", "mse"],
    "hidden": ["--hidden", "6"],
    "dropout": ["--dropout", 0.5],
    "penalty": ["--l2", 0.1],
    "validation": ["--validation-split", 0.2],
    "patience": ["--patience", 2],
    "threshold": ["--loss-threshold", 0.1],
    "test split": ["--test-split", 0.5],
    "excluded": ["--exclude", "c"],
    "accumulate": ["--accumulate", 2],
    "micro-batches": ["--micro-batches", 2],
    "clipnorm": ["--clipnorm", 1.0],
    "fewer epochs": ["--epochs", 2],
}


def assert_refused(run, folder, *options):
    before = (folder / "m.h5").read_bytes()
    arguments = [*OPTIONS, "--out", folder / "m.h5", "--resume", "--epochs", 5, *options]

    code, _, err = run("train", folder / "data.csv", *arguments)

    assert code == 2
    assert "resume_from" in err
    assert (folder / "m.h5").read_bytes() == before


@pytest.mark.parametrize("change", OTHER_DATA)
def test_other_data_are_refused(run, trained, change):
    table(trained / "data.csv", **OTHER_DATA[change])

    assert_refused(run, trained)


@pytest.mark.parametrize("change", OTHER_OPTIONS)
def test_other_options_are_refused(run, trained, change):
    assert_refused(run, trained, *OTHER_OPTIONS[change])


@pytest.mark.parametrize("early", [[], ["--patience", 30, "--validation-split", 0.2]])
def test_a_finished_training_is_resumed_again_and_again(run, tmp_path, early):
    table(tmp_path / "data.csv")

    def train(epochs, name, *options):
        arguments = [*OPTIONS, *early, "--epochs", epochs, "--out", tmp_path / name, *options]
        assert run("train", tmp_path / "data.csv", *arguments)[0] == 0
        return ffnn.load_model(tmp_path / name)

    straight = train(6, "straight.h5")
    train(3, "m.h5")
    train(3, "m.h5", "--resume")
    train(3, "m.h5", "--resume", "--save-every", 1, "--threads", 1)

    last = train(6, "m.h5", "--resume")

    np.testing.assert_array_equal(last.parameters, straight.parameters)
    assert last.history.history == straight.history.history
