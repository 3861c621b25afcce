"""What the tests of the command line share: running it, its data, and what its output says."""

import csv
import os
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from ffnn.cli import main


@pytest.fixture
def run(capsys):
    """Run the command line in this process and return its exit code, output and errors."""

    def run(*args):
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def start():
    """Start the command line in a process of its own."""

    def start(*args, **options):
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "ffnn", *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            **options,
        )

    return start


@pytest.fixture
def run_process(start):
    """Run the command line in a process of its own and return what `run` returns."""

    def run_process(*args, **options):
        process = start(*args, **options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    return run_process


@pytest.fixture
def last_number():
    """Return the number in the last line of an output, which must read ``name: number``."""

    def last_number(out, name):
        assert out.endswith("\n")
        found = re.fullmatch(rf"{name}: (-?\d+\.\d{{4}})", out.splitlines()[-1])
        assert found, out
        return float(found[1])

    return last_number


@pytest.fixture
def assert_one_line():
    """Check that what was written to stderr is one line of error that has all parts."""

    def assert_one_line(err, *parts):
        assert err.startswith("ffnn: error: ")
        assert err.endswith("\n")
        assert len(err.splitlines()) == 1
        for part in parts:
            assert part in err

    return assert_one_line


@pytest.fixture
def problems_of():
    """Return the problems that a message lists, one by one, and what stands behind them.

    Each is on lines that fit the screen, but for the first line, which names the file.
    """

    def problems_of(err):
        title, *lines = err.splitlines()
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines).replace("\n  ", " ")
        problems = [line[2:] for line in text.splitlines() if line.startswith("- ")]
        assert title.startswith("ffnn: error: ")
        assert title.endswith(f": {len(problems)} problems:")
        return problems, text.splitlines()[len(problems) :]

    return problems_of


# -- data --------------------------------------------------------------------------------------


@pytest.fixture
def write_csv():
    def write_csv(path, header, rows):
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        return path

    return write_csv


@pytest.fixture
def save_arrays():
    """Write arrays into a .npz or .h5 file."""

    def save_arrays(path, **arrays):
        if path.suffix == ".npz":
            np.savez(path, **arrays)
        else:
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    file[name] = array
        return path

    return save_arrays


@pytest.fixture
def flower_rows():
    """Make rows of width, height, name, with classes far apart: small, tall and wide ones."""

    def flower_rows(count=150, seed=5):
        rng = np.random.default_rng(seed)
        centres = {"säte, small": (2, 100), "tall": (2, 900), "wide": (9, 100)}
        names = list(centres)
        rows = []
        for i in range(count):
            name = names[i % 3]
            width, height = rng.normal(centres[name], (0.3, 30))
            rows.append([round(width, 3), round(height, 2), name])
        return rows

    return flower_rows


@pytest.fixture
def flowers(tmp_path, write_csv, flower_rows):
    return write_csv(tmp_path / "flowers.csv", ["width", "height", "name"], flower_rows())


@pytest.fixture
def prices(tmp_path, write_csv):
    rng = np.random.default_rng(6)
    x = rng.normal((50, 3), (20, 1), (200, 2))
    y = 200_000 + 3_000 * (x[:, 0] - 50) - 20_000 * (x[:, 1] - 3)
    return write_csv(tmp_path / "prices.csv", ["area", "age", "price"], np.column_stack([x, y]))


@pytest.fixture
def blobs():
    """Make rows of three columns in two classes far apart, and their class numbers."""

    def blobs(count, seed=0):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, count)
        return rng.normal(size=(count, 3)) + 6.0 * y[:, None], y

    return blobs


@pytest.fixture(scope="session")
def digits_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "digits.h5"
    assert main(["train", "digits", "--epochs", "3", "--out", str(path), "--quiet"]) == 0
    return path
