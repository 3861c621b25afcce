"""``ffnn info``, and the threads that ``--threads`` sets."""

import os
import sys

import h5py
import numpy as np
import pytest

import ffnn
from ffnn.core import thread_choice
from ffnn.threads import blas_libraries, get_num_threads, limit_threads

# -- info --------------------------------------------------------------------------------------


def test_info_shows_versions_threads_and_where_mnist_is(run, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setenv("FFNN_DATA_DIR", str(tmp_path))
    code, out, err = run("info")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"ffnn {ffnn.__version__}"
    assert f"numpy {np.__version__}" in lines
    assert f"h5py {h5py.__version__}" in lines
    assert "OMP_NUM_THREADS: 3" in lines
    assert "MKL_NUM_THREADS: not set" in lines
    assert f"CPUs: {os.cpu_count()}" in lines
    assert f"MNIST: {tmp_path} (not found)" in lines
    assert any(line.startswith("BLAS: ") for line in lines)


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ("", "compiled loops: yes, in long trainings"),
        (
            "numba is not installed: pip install",
            "compiled loops: no, numba is not installed: pip install",
        ),
    ],
)
def test_info_says_whether_loops_can_be_compiled(problem, line, run, monkeypatch):
    monkeypatch.setattr("ffnn.kernels.compiler.find_problem", lambda: problem)

    assert line in run("info")[1].splitlines()


def test_info_shows_what_is_not_installed(run, monkeypatch):
    from importlib import metadata

    def version(name):
        if name == "scipy":
            raise metadata.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr("ffnn.threads.find_openblas", lambda: None)
    code, out, _ = run("info")

    assert code == 0
    assert "scipy: not installed\n" in out
    assert "h5py 1.2.3\n" in out
    assert "threadpoolctl is not installed" in out


def test_info_shows_the_threads_in_use(run):
    pytest.importorskip("threadpoolctl")
    _, out, _ = run("info")

    for name, number in blas_libraries().items():
        assert f"  {name}: {number} thread{'' if number == 1 else 's'}\n" in out


def test_info_says_when_the_threads_are_unknown(run, monkeypatch):
    monkeypatch.setattr("ffnn.cli.info.blas_libraries", dict)
    _, out, _ = run("info")

    assert "threads: unknown, threadpoolctl does not know this library" in out


# -- threads -----------------------------------------------------------------------------------


@pytest.fixture
def threads_seen(monkeypatch):
    """Note the number of threads that the networks of the command line compute with."""
    pytest.importorskip("threadpoolctl")
    seen = set()

    def watch(name, method):
        def watched(*args, **options):
            seen.add(get_num_threads())
            return method(*args, **options)

        monkeypatch.setattr(ffnn.Sequential, name, watched)

    for name in ("fit", "evaluate", "predict"):
        watch(name, getattr(ffnn.Sequential, name))
    return seen


def test_threads_apply_only_to_the_command(run, tmp_path, threads_seen):
    model = tmp_path / "model.h5"
    with limit_threads(2):
        before = get_num_threads()
        train = ("train", "digits", "--epochs", "1", "--hidden", "4", "--quiet", "--out", model)
        assert run(*train, "--threads", "1")[0] == 0
        assert run("evaluate", model, "digits", "--threads", "1")[0] == 0
        assert run("predict", model, "digits", "--threads", "1")[0] == 0

        assert threads_seen == {1}
        assert get_num_threads() == before


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many"])
def test_a_wrong_number_of_threads(run, number, assert_one_line):
    code, _, err = run("train", "digits", "--threads", number)

    assert code == 2
    assert_one_line(err, "--threads", "an integer of at least 1", number)


def test_threads_without_threadpoolctl(run, monkeypatch, assert_one_line):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr("ffnn.threads.find_openblas", lambda: None)
    code, out, err = run("train", "digits", "--threads", "1")

    assert (code, out) == (2, "")
    assert_one_line(err, "--threads: ", "ffnn[threads]", "OPENBLAS_NUM_THREADS")


def test_threads_are_chosen_by_size_and_info_shows_it(run, tmp_path, monkeypatch):
    if get_num_threads() is None:
        pytest.skip("threadpoolctl is not installed, or does not know this BLAS")
    monkeypatch.setattr(thread_choice, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(thread_choice, "available_cores", lambda: 2)
    monkeypatch.setattr(thread_choice, "measure", lambda *_: {1: 1.0, 2: 0.5})
    file = tmp_path / "numbers.csv"
    file.write_text("a,b\n" + "".join(f"{i},{2 * i}\n" for i in range(40)), "utf-8")
    options = ["--target", "b", "--hidden", "8", "--epochs", "1", "--out", tmp_path / "m.h5"]

    before = run("info")[1]
    code, _, err = run("train", file, *options, "--threads", "auto")
    after = run("info")[1]

    assert (code, err) == (0, "")
    assert "threads of --threads auto: not measured yet" in before
    assert "threads of --threads auto: float32 2^8: 2" in after
    assert "an integer of at least 1 or" in run("train", file, "--threads", "all")[2]
