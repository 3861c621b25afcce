"""Random, mutated, packed and huge files: each ends in numbers or in one clear message."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import numpy as np

import ffnn
from ffnn.tables import TableEncoder, read_table
from trials import containers
from trials.common import Result, in_children, rng_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PIECES = [b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\\", b"\0", b"\xff", b"#", b" "]
PIECES += [b"\xef\xbb\xbf", "é".encode(), b"=cmd|' /C calc'!A0", b"1e999", b"-inf", b"NaN"]
PIECES += [b"9" * 400, b"2020-13-45", b"$-1,2.3,4%", b'"a""b', b"x" * 1000]
LONGEST_MESSAGE = 2000


def table(rng: np.random.Generator) -> bytes:
    """Return a sound file: columns of many kinds, with one of the usual delimiters."""
    delimiter = rng.choice(list(",;\t|"))
    makers: list[Callable[[int], object]] = [
        lambda i: i,
        lambda i: f"{rng.normal():.3f}",
        lambda i: rng.choice(["oak", "elm", "", "fir tree"]),
        lambda i: rng.choice(["yes", "no"]),
        lambda i: f"2020-{1 + i % 12:02}-{1 + i % 28:02}",
        lambda i: f'"visitor {i}"',
        lambda i: f"${i}.50",
        lambda i: rng.choice(["NA", "7"]),
    ]
    chosen = [makers[k] for k in rng.integers(0, len(makers), rng.integers(1, 9))]
    rows = [delimiter.join(str(make(i)) for make in chosen) for i in range(rng.integers(0, 60))]
    header = delimiter.join(f"c{k}" for k in range(len(chosen)))
    return "\n".join([header, *rows][int(rng.random() < 0.2) :]).encode()


def _mutated(rng: np.random.Generator) -> bytes:
    data = bytearray(table(rng))
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        start = int(rng.integers(0, len(data) + 1))
        piece = PIECES[rng.integers(len(PIECES))] * int(rng.integers(1, 4))
        choice = rng.integers(3)
        if choice == 0:
            data[start:start] = piece
        elif choice == 1:
            del data[start : start + int(rng.integers(40))]
        else:
            data[start : start + len(piece)] = piece
    return bytes(data)


def _random(rng: np.random.Generator) -> bytes:
    alphabets = [np.arange(256, dtype="u1"), np.frombuffer(b'ab1,;"\n\t. -', np.uint8)]
    alphabet = alphabets[rng.integers(2)]
    return rng.choice(alphabet, rng.integers(0, 3000)).astype("u1").tobytes()


def _huge(rng: np.random.Generator) -> bytes:
    size = int(rng.integers(10_000, 150_000))
    return [
        b",".join([b"c"] * size) + b"\n" + b",".join([b"1"] * size),
        b"a,b\n1," + b"x" * (10 * size) + b"\n2,y\n3,z\n",
        b"1," * size,
        b"a,b\n" + b'"1' * size,
        b"a;b\n" + b"1;2\n" * size,
        b"a,b\n" + b"".join(b"%d,k%d\n" % (i, i) for i in range(size)),
    ][rng.integers(6)]


def _odd(rng: np.random.Generator) -> bytes:
    """Return a sound file that is odd in one way: its encoding, line ends, numbers, width."""
    text, rows = table(rng).decode(), range(rng.integers(3, 60))
    big = 2 ** int(rng.integers(50, 70))
    numbers = [[f"{big + i % 4}" for i in rows], [f"{i + 1}e{rng.integers(400)}" for i in rows]]
    numbers += [["inf" if i == 2 else f"{i}" for i in rows], [f"{big * i}.5" for i in rows]]
    lines = [f"{v},{i * 1.5}" for i, v in enumerate(numbers[rng.integers(len(numbers))])]
    ends = rng.choice(["\n", "\r\n", "\r"], len(lines) + 1)
    width = int(rng.integers(1_000, 20_000))
    return [
        text.encode(str(rng.choice(["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"]))),
        ("sep=;\r\n" + text.replace(",", ";")).encode(),
        "".join(map("".join, zip(["v,y", *lines], ends, strict=True))).encode(),
        b",".join(b"c%d" % i for i in range(width)) + (b"\n" + b",".join([b"1"] * width)) * 3,
        b"a,y\n" + b"q" * int(rng.integers(10**6, 2 << 24)) + b",1\nx,2\nz,3\n",
    ][rng.integers(5)]


def image(seed: int, case: int) -> tuple[str, bytes]:
    """Return the name and the bytes of a case's file."""
    rng = rng_of(seed, 31, case)
    if case % 3 == 1:
        return containers.MAKERS[rng.integers(len(containers.MAKERS))](rng, table(rng))
    if case % 15 == 2:
        return "t.csv", _odd(rng)
    make = [_mutated, _mutated, _mutated, _random, _huge][case % 5 if case % 50 == 4 else case % 4]
    data = make(rng)
    if case % 7 == 0:
        return "t.csv.gz", gzip.compress(data)[: -4 if case % 3 == 0 else None]
    return "t.csv", data


def _learn(path: Path) -> str:
    """Read a file and encode it; tell how that ended."""
    try:
        read = read_table(path)
        encoder = TableEncoder().fit(read, read.names[-1])
        assert encoder.target is not None
        used = read.take(encoder.target.rows_of(read))
        numbers, targets = encoder.transform(used), encoder.target.values_of(used)
    except ffnn.DataError as error:
        lines = [line for line in str(error).splitlines() if not line.startswith("- ")]
        is_clear = len(lines) == 1 and len(str(error)) < LONGEST_MESSAGE  # but for a list below it
        return "refused" if is_clear else f"an unclear error: {str(error)[:200]!r}"
    if not np.isfinite(numbers).all() or len(numbers) != len(targets):
        return "numbers that are none"
    return "learned"


def _is_naive_wrong(data: bytes) -> bool:
    """Tell whether NumPy's reader of text ends in an error or in no numbers."""
    if data.count(b"\n") < 2 or not data.strip():
        return True
    try:
        numbers = np.genfromtxt(io.BytesIO(data), delimiter=",", skip_header=1, ndmin=2)
    except Exception:  # whatever it is
        return True
    return not np.isfinite(numbers).all()


def run(cases: Sequence[int], seed: int, folder: Path, advance: Callable[[int], object]) -> Result:
    """Read files in children with limits; the control is NumPy's own reader."""
    result = Result()

    def work(case: int) -> str:
        name, data = image(seed, case)
        (folder / name).write_bytes(data)
        return _learn(folder / name)

    for case, ending in in_children(work, cases, memory=1 << 30, seconds=60.0):
        result.cases += 1
        if ending in ("learned", "refused"):
            result.count(ending)
        else:
            result.fail(case, str(ending), image(seed, case)[1])
        if case % 12 == 0 and case % 7:  # one of text
            data = image(seed, case)[1]
            result.control += len(data) < 10_000 and _is_naive_wrong(data)
        advance(1)
    return result
