"""npz and HDF5 files of arrays."""

from __future__ import annotations

import gc

import h5py
import numpy as np
import pytest

from ffnn.datasets import load_h5, load_npz
from ffnn.errors import DataError

X, Y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 0])
FULL = {"x_train": X, "y_train": Y, "x_test": X[:2] + 9, "y_test": Y[:2]}


def write_npz(path, arrays):
    np.savez(path, **arrays)
    return path


def write_h5(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


FORMATS = pytest.mark.parametrize(
    ("save", "load", "name"),
    [(write_npz, load_npz, "data.npz"), (write_h5, load_h5, "data.h5")],
    ids=["npz", "h5"],
)


@FORMATS
class TestArrayFiles:
    def test_four_arrays(self, tmp_path, save, load, name):
        arrays = load(save(tmp_path / name, FULL))
        for field, expected in FULL.items():
            np.testing.assert_array_equal(getattr(arrays, field)[...], expected, strict=True)
        assert isinstance(arrays.y_train, np.ndarray)

    @pytest.mark.parametrize("names", [("x_train", "y_train"), ("x", "y")])
    def test_without_test_rows(self, tmp_path, save, load, name, names):
        arrays = load(save(tmp_path / name, dict(zip(names, (X, Y), strict=True))))
        np.testing.assert_array_equal(arrays.x_train[...], X, strict=True)
        np.testing.assert_array_equal(arrays.y_train, Y, strict=True)
        assert arrays.x_test is None
        assert arrays.y_test is None

    def test_rows_alone_on_request(self, tmp_path, save, load, name):
        path = save(tmp_path / name, {"x": X})
        arrays = load(path, targets=False)
        np.testing.assert_array_equal(arrays.x_train[...], X, strict=True)
        assert arrays.y_train is None
        with pytest.raises(DataError, match=r"found no array y; .* the file holds x$"):
            load(path)

    FAULTS = {  # noqa: RUF012
        "other names": ({"a": X, "b": Y}, "found no array x and no y; .* the file holds a, b$"),
        "nothing": ({}, "the file holds nothing"),
        "no y_train": ({"x_train": X}, "found no array y_train"),
        "no x_train": ({"y_train": Y, "x": X, "y": Y}, "found no array x_train"),
        "no y_test": ({"x": X, "y": Y, "x_test": X}, "found no array y_test"),
        "no x_test": ({"x": X, "y": Y, "y_test": Y}, "found no array x_test"),
        "rows": ({"x": X, "y": Y[:3]}, "x and y to have equally many rows, got 4 and 3"),
        "test rows": ({**FULL, "y_test": Y}, "x_test and y_test to have .* rows, got 2 and 4"),
        "columns": ({**FULL, "x_test": X[:2, :2]}, r"x_train and x_test .*\(4, 3\) and \(2, 2\)"),
        "complex": ({"x": X + 0j, "y": Y}, "x to be an array of numbers, .* complex128"),
        "text": ({"x": X, "y": np.array([b"a"] * 4)}, r"y to be an array of numbers, .* \|S1"),
        "scalar": ({"x": np.array(3.0), "y": Y}, r"x to be an array of .* of shape \(\)"),
    }

    @pytest.mark.parametrize("fault", FAULTS)
    def test_faults_are_told(self, tmp_path, save, load, name, fault):
        arrays, message = self.FAULTS[fault]
        path = save(tmp_path / name, arrays)
        with pytest.raises(DataError, match=message) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: ")

    def test_files_that_cannot_be_read_are_named(self, tmp_path, save, load, name):
        path = tmp_path / name
        with pytest.raises(DataError, match=f"{name}: there is no such file"):
            load(path)
        path.write_bytes(b"something else")
        with pytest.raises(DataError, match=f"{name}: "):
            load(path)
        save(path, FULL)
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(DataError, match=f"{name}: "):
            load(path)


def test_npz_never_unpickles(tmp_path):
    path = write_npz(tmp_path / "data.npz", {"x": np.array([{}], dtype=object), "y": Y[:1]})
    with pytest.raises(DataError, match="Object arrays cannot be loaded"):
        load_npz(path)


def test_a_damaged_member_of_an_npz_is_told(tmp_path):
    path = write_npz(tmp_path / "data.npz", {"x": X, "y": Y})
    content = path.read_bytes()
    path.write_bytes(content.replace(X.tobytes(), (X + 1).tobytes()))
    with pytest.raises(DataError, match=r"this \.npz file cannot be read: .*CRC"):
        load_npz(path)


@pytest.mark.parametrize(
    ("local", "central", "value", "message"),
    [(4, 6, 232, "zip file version"), (8, 10, 99, "compression"), (6, 8, 1, "encrypted")],
)
def test_an_npz_that_says_it_needs_more_is_told(tmp_path, local, central, value, message):
    path = write_npz(tmp_path / "data.npz", {"x": X, "y": Y})
    content = bytearray(path.read_bytes())
    content[local] = value
    for place in (content.index(b"PK\1\2"), content.rindex(b"PK\1\2")):
        content[place + central] = value
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"this \.npz file cannot be read: .*{message}"):
        load_npz(path)


def test_h5_rows_stay_on_disk_and_open(tmp_path):
    arrays = load_h5(write_h5(tmp_path / "data.h5", FULL))
    gc.collect()
    assert isinstance(arrays.x_train, h5py.Dataset)
    assert isinstance(arrays.x_test, h5py.Dataset)
    np.testing.assert_array_equal(arrays.x_train[1:3], X[1:3])


def test_h5_is_closed_after_an_error(tmp_path):
    path = write_h5(tmp_path / "data.h5", {"x": X})
    with pytest.raises(DataError) as caught:
        load_h5(path)
    with h5py.File(path, "a") as file:  # fails on a file that is open for reading
        assert list(file) == ["x"]
    del caught  # its traceback holds the file object: nothing but close() closed the file


def test_a_group_is_no_array(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file.create_group("x")
        file["y"] = Y
    with pytest.raises(DataError, match=r"expected x to be an array of numbers, .* got Group"):
        load_h5(path)
