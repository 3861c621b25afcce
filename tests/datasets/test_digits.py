"""The digits that come with the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ffnn.datasets import load_digits

REPOSITORY = Path(__file__).resolve().parents[2]


def test_importing_datasets_loads_no_optional_package():
    heavy = {"h5py", "tqdm", "sklearn", "matplotlib", "scipy", "urllib.request"}
    code = f"import sys, ffnn.datasets; print(sorted({heavy!r} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_digits_have_their_shapes_types_and_range():
    (x_train, y_train), (x_test, y_test) = load_digits()
    assert (x_train.shape, x_test.shape) == ((1437, 64), (360, 64))
    assert (y_train.shape, y_test.shape) == ((1437,), (360,))
    assert x_train.dtype == x_test.dtype == np.uint8
    assert y_train.dtype == y_test.dtype == np.int64
    for x in (x_train, x_test):
        assert (x.min(), x.max()) == (0, 16)
    assert x_train.flags.writeable


def test_digits_split_keeps_the_share_of_each_class():
    (_, y_train), (_, y_test) = load_digits()
    # The class sizes of optdigits.tes, as its documentation gives them.
    total = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    np.testing.assert_array_equal(np.bincount(y_train) + np.bincount(y_test), total)
    assert np.abs(np.bincount(y_test) - total * 360 / 1797).max() < 1


def test_digits_are_the_rows_of_scikit_learn():
    sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn not installed")
    x, y = sklearn_datasets.load_digits(return_X_y=True)
    (x_train, y_train), (x_test, y_test) = load_digits()
    ours = np.column_stack([np.vstack([x_train, x_test]), np.concatenate([y_train, y_test])])
    theirs = np.column_stack([x, y]).astype(np.int64)
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))


def test_digits_file_is_what_its_script_makes(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn not installed")
    script = REPOSITORY / "scripts" / "make_digits.py"
    subprocess.run(
        [sys.executable, str(script), str(tmp_path / "digits.npz")], check=True, capture_output=True
    )
    with (
        np.load(tmp_path / "digits.npz") as made,
        np.load(REPOSITORY / "ffnn" / "datasets" / "digits.npz") as kept,
    ):
        assert made.files == kept.files == ["x_train", "y_train", "x_test", "y_test"]
        for name in made.files:
            np.testing.assert_array_equal(made[name], kept[name], strict=True)
