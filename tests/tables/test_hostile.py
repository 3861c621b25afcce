"""Random and mutated files end in a table or in one clear error."""

import gzip

import numpy as np
import pytest

import ffnn
from ffnn.tables import TableEncoder, read_table
from tests.tables.test_files import EXPECTED, FILES

PIECES = [b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\\", b"\0", b"\xff", b"\xef\xbb\xbf"]
PIECES += ["é".encode(), b"=cmd|' /C calc'!A0", b"1e999", b"-inf", b"NaN", b"#", b" ", b"9" * 400]
NAMES = [name for name in EXPECTED if not name.endswith(".gz")]


def mutated(rng):
    """Return the bytes of a small file with a few random changes."""
    data = bytearray((FILES / NAMES[rng.integers(len(NAMES))]).read_bytes())
    for _ in range(rng.integers(1, 6)):
        start, stop = sorted(rng.integers(0, len(data) + 1, 2))
        piece = PIECES[rng.integers(len(PIECES))] * int(rng.integers(1, 4))
        choice = rng.integers(3)
        if choice == 0:
            data[start:start] = piece
        elif choice == 1:
            del data[start : min(stop, start + 40)]
        else:
            data[start : start + len(piece)] = piece
    return bytes(data)


def learn(path):
    """Read a file and learn to encode it."""
    table = read_table(path)
    encoder = TableEncoder().fit(table, table.names[-1])
    used = table.take(encoder.target.rows_of(table))
    assert np.isfinite(encoder.transform(used)).all()
    assert len(encoder.target.values_of(used)) == used.num_rows


def ends_well(path):
    """Learn to encode a file, or get an error of ours, on one line."""
    message = ""
    try:
        learn(path)
    except ffnn.DataError as error:
        message = str(error)
    assert "\n" not in message
    assert len(message) < 2000, message[:200]


@pytest.mark.parametrize("seed", range(150))
def test_mutated_files(tmp_path, seed):
    rng = np.random.default_rng(seed)
    data = mutated(rng)
    name = "t.csv.gz" if seed % 10 == 0 else "t.csv"
    (tmp_path / name).write_bytes(gzip.compress(data) if seed % 10 == 0 else data)
    ends_well(tmp_path / name)


@pytest.mark.parametrize("seed", range(50))
def test_random_bytes(tmp_path, seed):
    rng = np.random.default_rng(seed)
    alphabet = np.frombuffer(b'ab1,;"\n\t. -', np.uint8) if seed % 2 else np.arange(256, dtype="u1")
    (tmp_path / "t.csv").write_bytes(rng.choice(alphabet, rng.integers(0, 2000)).tobytes())
    ends_well(tmp_path / "t.csv")


LARGE = {
    "many columns": lambda: ",".join(f"c{i}" for i in range(5000)) + "\n" + ",".join("1" * 5000),
    "a long cell": lambda: "a,b\n1," + "x" * 1_000_000 + "\n2,y\n",
    "an endless line": lambda: "1," * 500_000,
    "too many columns": lambda: "\n".join([",".join("1" * 100_001)] * 2),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_things(tmp_path, name):
    (tmp_path / "t.csv").write_text(LARGE[name]())
    ends_well(tmp_path / "t.csv")
