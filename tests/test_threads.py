"""The number of BLAS threads: set, read, restored, and the errors where it cannot be."""

import sys

import numpy as np
import pytest

from ffnn import threads
from ffnn.core.openblas import find_openblas
from ffnn.threads import (
    blas_libraries,
    get_num_threads,
    limit_threads,
    one_thread,
    set_num_threads,
)


@pytest.fixture
def known():
    """Let a test set the number, and put it back."""
    before = get_num_threads()
    if before is None:
        pytest.skip("threadpoolctl is not installed, or does not know this BLAS")
    yield before
    set_num_threads(before)


@pytest.fixture
def alone(monkeypatch):
    """Hide threadpoolctl."""
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)


@pytest.fixture
def absent(alone, monkeypatch):
    """Hide threadpoolctl and the OpenBLAS of NumPy's wheel."""
    monkeypatch.setattr(threads, "find_openblas", lambda: None)


def test_what_is_set_is_in_use(known):
    set_num_threads(1)

    assert get_num_threads() == 1
    assert set(blas_libraries().values()) == {1}


def test_a_block_sets_the_number_back(known):
    set_num_threads(1)
    with limit_threads(2):
        inside = get_num_threads()

    assert inside in (1, 2)  # at most as many as the library was built for
    assert get_num_threads() == 1


def test_a_block_that_fails_sets_the_number_back(known):
    with pytest.raises(ZeroDivisionError), limit_threads(1):
        1 / 0  # noqa: B018

    assert get_num_threads() == known


def test_results_do_not_depend_on_the_number(known):
    x = np.random.default_rng(0).standard_normal((300, 200))
    with limit_threads(1):
        one = x @ x.T
    with limit_threads(2):
        two = x @ x.T

    np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)


def test_integers_of_numpy_are_accepted(known):
    set_num_threads(np.int64(1))

    assert get_num_threads() == 1


@pytest.mark.parametrize("call", [set_num_threads, lambda n: limit_threads(n).__enter__()])
@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (0, ValueError, "n must be at least 1, got 0"),
        (-2, ValueError, "n must be at least 1, got -2"),
        (1.0, TypeError, r"n must be an integer, got 1\.0"),
        (True, TypeError, "n must be an integer, got True"),
        (None, TypeError, "n must be an integer, got None"),
        ("1", TypeError, "n must be an integer, got '1'"),
    ],
)
def test_a_wrong_number_changes_nothing(call, number, error, message):
    before = get_num_threads()
    with pytest.raises(error, match=message):
        call(number)

    assert get_num_threads() == before


def test_a_wrong_number_is_reported_before_a_missing_library(absent):
    with pytest.raises(ValueError, match="set_num_threads: n must be at least 1"):
        set_num_threads(0)


def test_without_threadpoolctl_the_number_is_unknown(absent):
    assert get_num_threads() is None


@pytest.mark.parametrize("call", [set_num_threads, lambda n: limit_threads(n).__enter__()])
def test_without_threadpoolctl_the_error_names_the_extra_and_the_variables(absent, call):
    with pytest.raises(ImportError) as caught:
        call(1)

    assert "pip install 'ffnn[threads]'" in str(caught.value)
    for variable in threads.THREAD_VARIABLES:
        assert variable in str(caught.value)


@pytest.fixture
def wheel(alone):
    if find_openblas() is None:
        pytest.skip("this NumPy has no OpenBLAS of its own")


@pytest.mark.usefixtures("known", "wheel")
def test_without_threadpoolctl_the_library_of_the_wheel_is_asked_itself(monkeypatch):
    set_num_threads(1)
    with limit_threads(2):
        inside = get_num_threads()
    assert inside in (1, 2)  # at most as many as the library was built for
    assert get_num_threads() == 1
    monkeypatch.undo()  # threadpoolctl, which is independent, says the same
    assert get_num_threads() == 1


def test_a_file_that_is_no_library_is_passed_over(monkeypatch, tmp_path):
    (tmp_path / "numpy.libs").mkdir()
    (tmp_path / "numpy.libs" / "libopenblas.so").write_text("no library")
    monkeypatch.setattr(np, "__file__", str(tmp_path / "numpy" / "__init__.py"))
    assert find_openblas() is None


@pytest.mark.usefixtures("known")
def test_small_products_use_one_thread_and_set_the_number_back(monkeypatch):
    for name in threads.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    set_num_threads(2)
    before = get_num_threads()
    with one_thread():
        assert get_num_threads() == 1
    assert get_num_threads() == before
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # which somebody has chosen
    with one_thread():
        assert get_num_threads() == before


@pytest.mark.usefixtures("absent")
def test_where_no_number_can_be_set_none_is():
    with one_thread():
        assert get_num_threads() is None


class Controller:
    """What threadpoolctl would be on a machine with the libraries given."""

    def __init__(self, *libraries):
        self.libraries = libraries

    def __call__(self):
        return self

    def select(self, user_api=None, filepath=None):
        return Controller(
            *(
                library
                for library in self.libraries
                if library["user_api"] == user_api or library["filepath"] in (filepath or ())
            )
        )

    def info(self):
        return list(self.libraries)


def library(name, filepath, num_threads, user_api="blas", version="1.0"):
    return {
        "user_api": user_api,
        "internal_api": name,
        "filepath": str(filepath),
        "version": version,
        "num_threads": num_threads,
    }


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Put a NumPy with libraries of the test's own in place of this one's."""
    package = tmp_path / "numpy"
    monkeypatch.setattr(np, "__file__", str(package / "__init__.py"))

    def machine(*libraries):
        controller = Controller(*libraries)
        module = type(sys)("threadpoolctl")
        module.ThreadpoolController = controller
        monkeypatch.setitem(sys.modules, "threadpoolctl", module)
        return package

    return machine


@pytest.mark.parametrize("place", ["numpy.libs/blas.so", "numpy/.dylibs/blas.dylib"])
def test_only_the_library_of_numpy_counts(machine, tmp_path, place):
    machine(
        library("openblas", tmp_path / "scipy.libs" / "blas.so", 8),
        library("openmp", tmp_path / "numpy.libs" / "gomp.so", 4, "openmp"),
        library("openblas", tmp_path / place, 3),
    )

    assert blas_libraries() == {"openblas 1.0": 3}
    assert get_num_threads() == 3


def test_a_library_of_the_system_counts_when_numpy_brought_none(machine):
    machine(library("mkl", "/usr/lib/libmkl_rt.so", 6, version=None))

    assert blas_libraries() == {"mkl": 6}
    assert get_num_threads() == 6


def test_a_library_that_threadpoolctl_does_not_know(machine, tmp_path):
    machine(library("openmp", "/usr/lib/libgomp.so", 4, "openmp"))

    assert blas_libraries() == {}
    assert get_num_threads() is None
    with pytest.raises(RuntimeError, match=r"does not know the BLAS.*VECLIB_MAXIMUM_THREADS"):
        set_num_threads(1)
