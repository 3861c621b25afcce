"""Sources of rows: every kind gives the same batches, and bad data is named by row and column."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from ffnn.data.batches import Batches, Examples
from ffnn.data.numbers import as_numbers
from ffnn.data.sources import BLOCK_ROWS, ArraySource, check_finite, open_source
from ffnn.data.statistics import column_statistics
from ffnn.errors import DataError

SPARSE = ("csr_matrix", "csc_matrix", "coo_matrix", "csr_array", "csc_array", "coo_array")
KINDS = ("ndarray", "list", "frame", "memmap", "h5py", "fortran", "strided", *SPARSE)


class Frame:
    """Stands for a DataFrame: NumPy reads it through `__array__`."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


@pytest.fixture
def make(tmp_path):
    """Return a function that puts an array into a source of some kind."""
    files = []

    def build(kind, x):
        if kind in SPARSE:
            sparse = pytest.importorskip("scipy.sparse", reason="SciPy is an extra")
            return getattr(sparse, kind)(x)
        if kind == "h5py":
            h5py = pytest.importorskip("h5py")
            files.append(h5py.File(tmp_path / f"{len(files)}.h5", "w"))
            return files[-1].create_dataset("x", data=x)
        if kind == "memmap":
            np.save(tmp_path / "x.npy", x)
            return np.load(tmp_path / "x.npy", mmap_mode="r")
        if kind == "strided":
            wide = np.empty((len(x), 2 * x.shape[1]), x.dtype)
            wide[:, ::2] = x
            return wide[:, ::2]
        return {
            "ndarray": lambda: x,
            "list": x.tolist,
            "frame": lambda: Frame(x),
            "fortran": lambda: np.asfortranarray(x),
        }[kind]()

    yield build
    for file in files:
        file.close()


@pytest.fixture
def x():
    values = np.random.default_rng(0).integers(-3, 4, (23, 5)).astype(np.float64) / 4
    values[::3] = 0.0  # something for sparse formats to leave out
    return values


# The same rows from every kind of source


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64", None])
def test_slices_and_takes_are_those_of_the_array(make, x, kind, dtype):
    source = open_source(make(kind, x), dtype)
    assert len(source) == 23
    assert source.shape == (23, 5)
    wanted = np.dtype(dtype or "float64")
    for start, stop in ((0, 7), (20, 23), (0, 23), (4, 5)):
        block = source.slice(start, stop)
        assert block.dtype == wanted
        np.testing.assert_array_equal(block, x[start:stop])
    for indices in ([3, 1, 22, 0], [5], list(range(22, -1, -1))):
        block = source.take(np.array(indices))
        assert block.dtype == wanted
        np.testing.assert_array_equal(block, x[indices])


@pytest.mark.parametrize("kind", KINDS)
def test_shuffled_batches_are_the_same_from_every_kind(make, x, kind):
    def batches(source):
        y = ArraySource(np.arange(23.0)[:, None])
        examples = Examples(open_source(source, "float32"), y, None)
        return [xs.copy() for xs, _, _ in Batches(examples, 4, np.random.default_rng(7))]

    for came, expected in zip(batches(make(kind, x)), batches(x), strict=True):
        np.testing.assert_array_equal(came, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_those_rows_alone(make, x, kind):
    part = open_source(make(kind, x), "float32").part(6, 20)
    assert len(part) == 14
    assert part.shape == (14, 5)
    np.testing.assert_array_equal(part.slice(0, 14), x[6:20])
    np.testing.assert_array_equal(part.take(np.array([13, 0, 5])), x[[19, 6, 11]])
    again = part.part(2, 5)
    np.testing.assert_array_equal(again.slice(0, 3), x[8:11])
    np.testing.assert_array_equal(again.take(np.array([2, 0])), x[[10, 8]])


def test_a_part_of_an_array_is_no_copy(x):
    source = open_source(x, None)
    assert np.shares_memory(source.part(3, 9).data, x)


def test_arrays_and_memory_maps_are_not_copied(make, x):
    assert np.shares_memory(open_source(x, "float32").data, x)
    assert np.shares_memory(open_source(x, "float64").slice(3, 9), x)
    mapped = make("memmap", x)
    assert np.shares_memory(open_source(mapped, "float32").data, mapped)


def test_a_dataset_stays_in_its_file(make, x):
    dataset = make("h5py", x)
    source = open_source(dataset, "float32")
    assert source.data is dataset
    assert source.part(2, 9).data is dataset


@pytest.mark.parametrize("kind", ["ndarray", "memmap", "h5py", "csr_matrix", "csc_array"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f4", "?"])
def test_dtype_is_kept_until_a_batch_is_cast(make, kind, dtype):
    x = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 1]], dtype)
    kept = open_source(make(kind, x), None)
    assert kept.take(np.array([2, 0])).dtype == np.dtype(dtype)
    assert kept.slice(0, 2).dtype == np.dtype(dtype)
    cast = open_source(make(kind, x), "float32")
    assert cast.data.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(cast.take(np.array([2, 0])), x[[2, 0]].astype("f4"))
    assert cast.take(np.array([2, 0])).dtype == np.float32


@pytest.mark.parametrize("kind", ["ndarray", "memmap", "h5py"])
@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4", ">u2"])
@pytest.mark.parametrize("target", ["float32", "float64"])
def test_big_endian_data_is_read_right(make, kind, dtype, target):
    x = np.arange(12).reshape(4, 3).astype(dtype)
    source = open_source(make(kind, x), target)
    for block in (source.slice(0, 4), source.take(np.arange(4))):
        assert block.dtype == np.dtype(target)
        assert block.dtype.isnative
        np.testing.assert_array_equal(block, np.arange(12).reshape(4, 3))
    np.testing.assert_array_equal(open_source(make(kind, x), None).take(np.array([1])), [[3, 4, 5]])


def test_float64_is_rounded_to_float32():
    x = np.array([[0.1, 1 / 3]])
    np.testing.assert_array_equal(open_source(x, "float32").slice(0, 1), x.astype(np.float32))


def test_duplicate_entries_of_a_coo_matrix_add_up():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is an extra")
    x = sparse.coo_matrix(([1.0, 2.0, 5.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    np.testing.assert_array_equal(open_source(x, "float32").slice(0, 2), [[0, 3], [5, 0]])


@pytest.mark.parametrize("kind", ["ndarray", "h5py", "csr_matrix"])
def test_take_uses_its_buffer_again_and_never_writes_the_data(make, x, kind):
    kept = x.copy()
    source = open_source(make(kind, x), "float32")
    first = source.take(np.arange(8))
    assert np.shares_memory(source.take(np.arange(5)), first)
    first[:] = 99.0
    np.testing.assert_array_equal(source.slice(0, 23), kept)


# NaN, infinity and numbers too large


def check_and_read(source):
    check_finite(source, "x")  # of rows on disk nothing is read yet
    if source.is_stored:
        source.take(np.array([18, 4, 17]))


@pytest.mark.parametrize("kind", ["ndarray", "list", "memmap", "h5py", "csr_matrix", "coo_array"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_entries_that_are_not_finite_are_named(make, x, kind, bad):
    x[17, 3] = bad
    source = open_source(make(kind, x), "float32")
    with pytest.raises(DataError, match=f"x: got {bad} in row 17, column 3.*[Rr]emove or fill"):
        check_and_read(source)


@pytest.mark.parametrize("kind", ["ndarray", "h5py", "csr_matrix"])
def test_entries_too_large_for_float32_are_named_as_such(make, x, kind):
    x[4, 2] = 1e39
    with pytest.raises(DataError, match=r"x: got 1e\+39 in row 4, column 2.*large for float32"):
        check_and_read(open_source(make(kind, x), "float32"))
    check_and_read(open_source(make(kind, x), "float64"))


@pytest.mark.parametrize("row", [0, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 5])
@pytest.mark.parametrize("kind", ["ndarray", "h5py", "csr_matrix"])
def test_the_first_bad_entry_is_found_in_any_block(make, kind, row):
    x = np.zeros((2 * BLOCK_ROWS + 7, 3))
    x[row, 1] = np.nan
    x[-1, 2] = np.inf
    assert open_source(make(kind, x), "float32").find_non_finite()[:2] == (row, 1)


def test_rows_of_a_part_are_counted_from_its_start(make, x):
    x[9, 0] = np.nan
    for kind in ("ndarray", "h5py", "csr_matrix"):
        part = open_source(make(kind, x), "float32").part(5, 20)
        assert part.find_non_finite()[:2] == (4, 0)
        assert open_source(make(kind, x), "float32").part(10, 20).find_non_finite() is None


def test_large_finite_numbers_whose_sum_overflows_are_fine():
    x = np.full((8, 4), 3e38)
    x[::2] *= -1
    x[0] = 3e38
    assert open_source(x, "float32").find_non_finite() is None
    assert open_source(np.full((8, 4), 1.7e308), "float64").find_non_finite() is None


def test_infinities_of_both_signs_do_not_cancel():
    x = np.zeros((3, 2))
    x[1] = np.inf, -np.inf
    assert open_source(x, "float32").find_non_finite()[:2] == (1, 0)


def test_integers_are_always_finite():
    assert open_source(np.full((3, 2), 2**63 - 1), "float32").find_non_finite() is None


# What is not a table of numbers


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros(3), r"rows of shape \(rows, columns\), got shape \(3,\).*x.reshape\(1, -1\)"),
        (np.zeros((2, 3, 4)), r"got shape \(2, 3, 4\).*x.reshape\(len\(x\), -1\)"),
        (np.float64(3.0), r"rows of shape \(rows, columns\), got shape \(\)"),
        (np.zeros((0, 3)), r"at least one row and one column, got shape \(0, 3\)"),
        (np.zeros((3, 0)), r"at least one row and one column, got shape \(3, 0\)"),
        ([], r"got shape \(0,\)"),
        ([[]], r"at least one row and one column, got shape \(1, 0\)"),
        ([[1.0, 2.0], [3.0]], "x: expected rows of one length"),
        ([["1", "cat"]], r"expected numbers, got .*cat.* in row 0, column 1"),
        (np.array([[1.0, 2.0], [3.0, "cat"]], object), r"got 'cat' in row 1, column 1"),
        (np.array([[1.0, [2.0]]], object), r"got '?\[2\.0\]'? in row 0, column 1"),
        (np.array([["1", "2"]]), r"numbers written as text.*astype\(float\)"),
        (np.array([["2020-01-01"]], "M8[D]"), r"expected numbers, got .*(2020-01-01|datetime64)"),
        ("text", "x: expected numbers, got .*text"),
        ({"a": 1}, "x: expected numbers, got .*'a': 1"),
        (None, "x: "),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_bad_data_is_refused_with_advice(data, message):
    with pytest.raises(DataError, match=message):
        open_source(data, "float32")


def test_the_message_uses_the_name_of_the_data():
    with pytest.raises(DataError, match=r"^validation x: .*validation x\.reshape\(1, -1\)"):
        open_source(np.zeros(3), "float32", "validation x")


def test_complex_numbers_are_refused_as_what_they_are():
    with pytest.raises(DataError, match="complex") as caught:
        open_source(np.array([[1.0 + 2.0j]]), "float32")
    assert "text" not in str(caught.value)


def test_an_object_array_of_numbers_is_read():
    x = np.array([[1, 2.5], [True, np.float32(4)]], object)
    np.testing.assert_array_equal(open_source(x, "float32").slice(0, 2), [[1, 2.5], [1, 4]])


def test_missing_entries_of_an_object_array_are_named():
    with pytest.raises(DataError, match=r"x: .*got '?(None|nan)'? in row 0, column 1"):
        check_finite(open_source(np.array([[1.0, None], [2.0, 3.0]], object), "float32"), "x")


@pytest.mark.parametrize("number", [Decimal("2.5"), Fraction(5, 2), 10**30], ids=repr)
def test_other_numbers_of_python_are_read_or_refused_as_what_they_are(number):
    # A database hands out such columns; they are no "numbers written as text".
    try:
        source = open_source(np.array([[1.0, number]], object), "float64")
    except DataError as error:
        assert "text" not in str(error)  # noqa: PT017
    else:
        np.testing.assert_array_equal(source.slice(0, 1), [[1.0, float(number)]])


def test_numbers_written_as_text_in_an_object_array_are_refused_too():
    # As they are in an array of dtype U: text must not become numbers without a word.
    with pytest.raises(DataError, match="x: expected numbers, got "):
        open_source(np.array([["1", "2"]], object), "float32")


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 3)])
def test_datasets_of_another_shape_are_refused(make, shape):
    with pytest.raises(DataError, match=r"x: .*got shape \("):
        open_source(make("h5py", np.zeros(shape)), "float32")


def test_dataset_of_text_is_refused(make):
    with pytest.raises(DataError, match="x: expected numbers, got dtype"):
        open_source(make("h5py", np.array([[b"a", b"b"]])), "float32")


def test_empty_or_complex_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is an extra")
    with pytest.raises(DataError, match=r"at least one row .*got shape \(0, 3\)"):
        open_source(sparse.csr_matrix((0, 3)), "float32")
    with pytest.raises(DataError, match="expected numbers, got dtype complex"):
        open_source(sparse.csr_matrix(np.array([[1j]])), "float32")


def test_numbers_of_any_shape_are_numbers():
    assert as_numbers(3, "y").shape == ()
    assert as_numbers([1, 2], "y").dtype.kind == "i"
    assert as_numbers([[[True]]], "y").dtype == bool


# Statistics of columns


@pytest.mark.parametrize("kind", ["ndarray", "memmap", "h5py", "csr_matrix", "csc_array"])
@pytest.mark.parametrize("rows", [1, 2, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS + 17])
def test_mean_and_variance_are_those_of_numpy(make, kind, rows):
    x = np.random.default_rng(rows).normal(3.0, [0.1, 1.0, 50.0], (rows, 3))
    x[::4] = 0.0
    mean, variance = column_statistics(make(kind, x))
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, x.var(axis=0), rtol=1e-11, atol=1e-25)
    assert mean.dtype == variance.dtype == np.float64


@pytest.mark.parametrize("dtype", ["u1", "i4", "f4"])
def test_statistics_of_other_dtypes_are_exact(dtype):
    x = np.random.default_rng(0).integers(0, 256, (3000, 2)).astype(dtype)
    mean, variance = column_statistics(x)
    np.testing.assert_allclose(mean, x.astype("f8").mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(variance, x.astype("f8").var(axis=0), rtol=1e-12)


def test_variance_survives_a_large_offset():
    # The textbook Σx² - (Σx)²/n would lose all digits: 1e9² has an ulp of 128.
    small = np.random.default_rng(0).integers(-8, 9, (5000, 2)) / 16.0
    mean, variance = column_statistics(small + 1e9)
    np.testing.assert_allclose(mean, 1e9 + small.mean(axis=0), rtol=1e-15)
    np.testing.assert_allclose(variance, small.var(axis=0), rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, -7.7, 1e6 + 0.1])
@pytest.mark.parametrize("rows", [1, 7, 10, 1797, 5000])
def test_variance_of_a_column_that_never_varies_is_zero(value, rows):
    # Not 1e-34: `Normalization` would divide rounding errors by its root.
    mean, variance = column_statistics(np.full((rows, 2), value))
    assert variance.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(mean, value, rtol=1e-15)


def test_statistics_refuse_what_is_not_finite():
    x = np.zeros((BLOCK_ROWS + 3, 2))
    x[BLOCK_ROWS + 1, 1] = np.nan
    with pytest.raises(DataError, match=f"x: got nan in row {BLOCK_ROWS + 1}, column 1"):
        column_statistics(x)
    with pytest.raises(DataError, match="at least one row"):
        column_statistics(np.zeros((0, 2)))


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_beyond_all_floats_are_refused_by_their_place(sign):
    with pytest.raises(DataError, match=r"x: .* beyond the largest float in row 1, column 0"):
        open_source([[1, 2], [sign * 10**400, 4]], np.dtype("float32"), "x")
