"""How long a table is trained on where no option says so."""

import argparse

import numpy as np
import pytest

import ffnn
from ffnn.cli.plan import describe_plan, plan_training

PLANS = {
    # rows, options: epochs, share, patience
    "few rows": (40, {}, (120, 0.0, None)),
    "100 rows: 90 in 3 batches": (100, {}, (120, 0.1, 20)),
    "2,000 rows: 1,800 in 57 batches": (2_000, {}, (88, 0.1, 20)),  # 5000 / 57 = 87.7
    "10⁵ rows": (100_000, {}, (20, 0.1, 20)),
    "large batches": (2_000, {"--batch-size": 600}, (120, 0.1, 20)),
    "2 batches to an update": (4_000, {"--accumulate": 2}, (88, 0.1, 20)),  # 5000 / 57
    "epochs given": (2_000, {"--epochs": 7}, (7, 0.1, 20)),
    "no validation": (2_000, {"--validation-split": 0.0}, (80, 0.0, None)),  # 5000 / 63 = 79.4
    "another share": (2_000, {"--validation-split": 0.3}, (114, 0.3, None)),  # 5000 / 44 = 113.6
    "patience": (2_000, {"--patience": 3}, (80, 0.0, 3)),
    "threshold": (2_000, {"--loss-threshold": 0.1}, (80, 0.0, None)),
    "no table": (None, {}, (20, 0.0, None)),
    "no table, epochs given": (None, {"--epochs": 3}, (3, 0.0, None)),
}


def options(given):
    names = {"epochs": None, "validation_split": None, "patience": None, "batch_size": 32}
    names["accumulate"] = 1
    names |= {name.strip("-").replace("-", "_"): value for name, value in given.items()}
    return argparse.Namespace(given=set(given), preset="plain", **names)


@pytest.mark.parametrize("name", PLANS)
def test_what_is_planned(name):
    rows, given, expected = PLANS[name]
    args = options(given)
    plan_training(args, rows)
    assert (args.epochs, args.validation_split, args.patience) == expected


def test_the_plan_is_said():
    args = options({})
    plan_training(args, 2_000)
    assert describe_plan(args, 2_000) == (
        "at most 88 epochs, stopped after 20 without a better loss on 200 validation rows"
    )
    plan_training(few := options({}), 40)
    assert describe_plan(few, 40) == "120 epochs"


@pytest.fixture
def noise(tmp_path):
    """A table in which a network soon learns nothing but its training rows."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), rng.integers(0, 2, 300)
    y = np.where(rng.random(300) < 0.7, x[:, 0] > 0, y)
    lines = [
        ",".join(map(repr, row.tolist())) + f",{'yes' if t else 'no'}"
        for row, t in zip(x, y, strict=True)
    ]
    path = tmp_path / "noise.csv"
    path.write_text("\n".join(["a,b,c,d,kind", *lines, ""]))
    return path


def test_training_stops_early_with_the_best_weights(run, noise, tmp_path):
    code, out, _ = run("train", noise, "--preset", "plain", "--out", tmp_path / "m.h5")

    assert code == 0
    assert "at most 120 epochs, stopped after 20 without a better loss on 24 validation rows" in out
    history = ffnn.load_model(tmp_path / "m.h5").history.history["val_loss"]
    assert len(history) < 120
    assert len(history) - 1 - int(np.argmin(history)) == 20
    assert f"trained {len(history)} of 120 epochs" in out


def test_a_planned_training_is_resumed(run, noise, tmp_path):
    def weights(name):
        return ffnn.load_model(tmp_path / name).parameters

    first = run(
        "train", noise, "--preset", "plain", "--out", tmp_path / "a.h5", "--epochs", 3, "--quiet"
    )
    second = run(
        "train",
        noise,
        "--preset",
        "plain",
        "--out",
        tmp_path / "a.h5",
        "--epochs",
        8,
        "--quiet",
        "--resume",
    )
    whole = run(
        "train", noise, "--preset", "plain", "--out", tmp_path / "b.h5", "--epochs", 8, "--quiet"
    )
    assert {first[0], second[0], whole[0]} <= {0, 3}
    np.testing.assert_array_equal(weights("a.h5"), weights("b.h5"))
