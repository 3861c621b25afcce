"""Tables of numbers from CSV files, with the line and the column in every error."""

from __future__ import annotations

import csv
import math
from array import array
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ffnn.core.checks import check_choice, check_items, check_path, check_text, nearest
from ffnn.core.text import listed
from ffnn.datasets.csv_table import Table, Target
from ffnn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ffnn._types import FilePath

_MISSING = frozenset({"", "?", "na", "n/a", "nan", "null"})
_MAX_SHOWN = 12


def load_csv(
    path: FilePath,
    target: str | None = None,
    *,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    missing: str = "error",
    delimiter: str = ",",
) -> Table:
    r"""Read features and a target from a CSV file with a header line.

    A numeric target is read as numbers, a textual one as classes. Files are UTF-8, with or without
    a byte order mark; blank lines are skipped, and spaces around fields are removed.

    Parameters
    ----------
    path : str or path-like
        The file.
    target : str, optional
        The target column's name. Default: the last column.
    feature_names : sequence of str, optional
        The columns to read into `x`, in this order. Default: all but the target, in the file's
        order.
    class_names : sequence of str, optional
        Reads the target as classes, whatever it holds, and each class as its index in this
        sequence. Default: the distinct entries of a textual target, sorted.
    missing : {"error", "drop"}
        What to do with a row that lacks a value (an empty field, ``?``, ``NA``, ``N/A``, ``NaN``
        or ``null`` in any case) in one of the columns read: raise, or leave the row out.
    delimiter : str
        The character between two fields.

    Returns
    -------
    Table
        `x` (rows, features) float64, `y` (rows,) int64 or float64, and the names.

    Raises
    ------
    DataError
        If the file cannot be read or has no header, for ragged rows, text or infinities where a
        finite number belongs, missing values, unknown columns or unknown classes.
    ValueError
        If `missing` is neither of the two.

    Examples
    --------
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,width,wood\n3,1.5,oak\n5,2,ash\n")
    >>> import ffnn
    >>> ffnn.datasets.load_csv("wood.csv", target="wood").x.tolist()
    [[3.0, 1.5], [5.0, 2.0]]
    """
    _check_options("load_csv", path, missing, delimiter)
    if target is not None:
        check_text("load_csv", "target", target)
    feature_names = _check_names("load_csv", "feature_names", feature_names)
    class_names = _check_names("load_csv", "class_names", class_names)
    header, rows = open_csv(path, delimiter)
    target_index = len(header) - 1 if target is None else _find(header, [target], path)[0]
    target = header[target_index]
    if feature_names is None:
        feature_names = [name for name in header if name != target]
    indices = _find(header, feature_names, path)
    if not indices or target_index in indices:
        raise DataError(
            f"{path}: expected one or more feature columns besides the target {target!r}, "
            f"got {_listing(feature_names) or 'none'}"
        )
    x, entries = array("d"), list[tuple[int, str]]()
    for line, fields in rows:
        row = f"{path}, line {line}"
        values = _numbers([fields[i] for i in indices], feature_names, row, missing)
        label = fields[target_index].strip()
        if values is None or _is_missing(label, f"{row}, column {target!r}", missing):
            continue
        x.extend(values)
        entries.append((line, label))
    matrix = _matrix(x, len(indices), path)
    y, classes = _target(entries, class_names, path, target)
    return Table(matrix, y, tuple(feature_names), classes, target)


def load_csv_features(
    path: FilePath,
    feature_names: Sequence[str] | None = None,
    *,
    missing: str = "error",
    delimiter: str = ",",
) -> NDArray[np.float64]:
    r"""Read feature columns from a CSV file with a header line, to predict from them.

    Parameters
    ----------
    path : str or path-like
        The file.
    feature_names : sequence of str, optional
        The columns to read, in the order in which the model was trained on them; the file may
        have them in another order, among others. Default: all columns.
    missing : {"error", "drop"}
        As in `load_csv`. With "drop" the rows no longer match the file's lines.
    delimiter : str
        The character between two fields.

    Returns
    -------
    ndarray of float64, shape (rows, features)
        The rows.

    Raises
    ------
    DataError, ValueError
        As `load_csv` does.

    Examples
    --------
    >>> from pathlib import Path
    >>> size = Path("wood.csv").write_text("age,width,wood\n3,1.5,oak\n5,2,ash\n")
    >>> import ffnn
    >>> ffnn.datasets.load_csv_features("wood.csv", ["width", "age"]).tolist()
    [[1.5, 3.0], [2.0, 5.0]]
    """
    _check_options("load_csv_features", path, missing, delimiter)
    feature_names = _check_names("load_csv_features", "feature_names", feature_names)
    header, rows = open_csv(path, delimiter)
    names = header if feature_names is None else feature_names
    indices = _find(header, names, path)
    x = array("d")
    for line, fields in rows:
        texts = [fields[i] for i in indices]
        x.extend(_numbers(texts, names, f"{path}, line {line}", missing) or ())
    return _matrix(x, len(indices), path)


def _check_options(owner: str, path: FilePath, missing: str, delimiter: str) -> None:
    check_path(owner, "path", path, needs_name=False)
    check_choice(owner, "missing", missing, ("error", "drop"))
    if len(check_text(owner, "delimiter", delimiter)) != 1 or delimiter in '\r\n"':
        raise ValueError(f"{owner}: delimiter must be one character, got {delimiter!r}")


def _check_names(owner: str, name: str, names: Sequence[str] | None) -> list[str] | None:
    if names is None:
        return None
    return [check_text(owner, name, each) for each in check_items(owner, name, names)]


def open_csv(path: FilePath, delimiter: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the checked header, and an iterator of the rows: line number, fields."""
    rows = _records(path, delimiter)
    line, fields = next(rows)
    where, header = f"{path}, line {line}", [name.strip() for name in fields]
    if all(_number(name) is not None for name in header):
        raise DataError(
            f"{where}: expected a header with the names of the columns, got the numbers "
            f"{_listing(header)}; put a line of names first"
        )
    other = next((sign for sign in ",;\t|" if sign in header[0]), None)
    if len(header) == 1 and other is not None:
        raise DataError(
            f"{where}: expected columns separated by {delimiter!r}, got one column {header[0]!r}; "
            f"is {other!r} the delimiter of the file?"
        )
    first = dict[str, int]()
    for position, name in enumerate(header, start=1):
        if not name:
            raise DataError(
                f"{where}: column {position} of {len(header)} has no name; name it or remove it "
                "(pandas writes its index like this, unless told index=False)"
            )
        if first.setdefault(name, position) != position:
            raise DataError(
                f"{where}: columns {first[name]} and {position} are both named {name!r}; rename "
                "one of them"
            )
    return header, rows


def _records(path: FilePath, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number and the fields of each record, the header first."""
    line, width, count = 1, 0, 0
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            # strict: an unclosed quote would otherwise swallow the rest of the file in silence.
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
            for fields in reader:
                if fields:
                    width, count = width or len(fields), count + 1
                    if len(fields) != width:
                        raise DataError(
                            f"{path}, line {line}: expected {width} fields, as in the header, got "
                            f"{len(fields)}; quote a field that holds the delimiter"
                        )
                    yield line, fields
                line = reader.line_num + 1
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {_undecodable_line(path)}: expected UTF-8 text, got the byte "
            f"0x{error.object[error.start]:02x}; save the file as UTF-8"
        ) from error
    except csv.Error as error:
        raise DataError(f"{path}, line {line}: this is not valid CSV: {error}") from error
    if not count:
        raise DataError(f"{path}: expected a header line and rows below it, got an empty file")
    if count == 1:
        raise DataError(f"{path}: expected rows below the header line, got none")


def _undecodable_line(path: FilePath) -> int:
    # Text is decoded ahead of the reader, in blocks, so that the reader's line is too early.
    with open(path, "rb") as file:
        lines = enumerate(file, start=1)
        return next(i for i, line in lines if line.decode(errors="ignore").encode() != line)


def _find(header: list[str], names: Sequence[str], path: FilePath) -> list[int]:
    """Return the position of each name in the header."""
    positions = {name: position for position, name in enumerate(header)}
    unknown = [name for name in names if name not in positions]
    if unknown:
        shown = listed((f"{name!r}{nearest(name, header)}" for name in unknown), _MAX_SHOWN)
        raise DataError(f"{path}: there is no column {shown}; the columns are {_listing(header)}")
    return [positions[name] for name in names]


def _numbers(texts: list[str], names: Sequence[str], row: str, missing: str) -> list[float] | None:
    """Return a row's numbers, or None if the row is to be dropped."""
    try:
        values = [float(text) for text in texts]
        # One sum tests all values at once; where it overflows, the checks below find no fault.
        if math.isfinite(sum(values)) and "_" not in "".join(texts):
            return values
    except ValueError:
        pass
    values = []
    advice = "write the column in numbers, leave it out of the features, or name it as the target"
    for name, text in zip(names, map(str.strip, texts), strict=True):
        where = f"{row}, column {name!r}"
        if _is_missing(text, where, missing):
            return None
        values.append(_finite(text, where, "a number", advice))
    return values


def _number(text: str) -> float | None:
    try:
        # float() takes Python's 1_000, which in a table is a code or a slip.
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _finite(text: str, where: str, expected: str, advice: str) -> float:
    value = _number(text)
    if value is None:
        raise DataError(f"{where}: expected {expected}, got {text!r}; {advice}")
    if not math.isfinite(value):
        raise DataError(f"{where}: expected a finite number, got {text!r}")
    return value


def _is_missing(text: str, where: str, missing: str) -> bool:
    if text.casefold() not in _MISSING:
        return False
    if missing == "error":
        raise DataError(
            f"{where}: a value is missing, got {text!r}; fill it in, or choose to drop such rows"
        )
    return True


def _matrix(values: array[float], width: int, path: FilePath) -> NDArray[np.float64]:
    if not values:
        raise DataError(f"{path}: no rows are left, every row lacks a value")
    return np.frombuffer(values, dtype=np.float64).reshape(-1, width)


def _target(
    entries: list[tuple[int, str]], class_names: Sequence[str] | None, path: FilePath, name: str
) -> tuple[Target, tuple[str, ...] | None]:
    """Read the target's entries (line, text) as numbers or as classes."""

    def place(line: int) -> str:
        return f"{path}, line {line}, column {name!r}"

    texts = [text for _, text in entries]
    if class_names is None and any(_number(text) is not None for text in texts):
        expected = "a number, as in other rows of the target"
        advice = "correct it, or give the names of all classes"
        values = [_finite(text, place(line), expected, advice) for line, text in entries]
        try:
            return np.array([int(text) for text in texts], dtype=np.int64), None
        except (ValueError, OverflowError):
            return np.array(values), None
    names = tuple(sorted(set(texts)) if class_names is None else class_names)
    index = {class_name: position for position, class_name in enumerate(names)}
    for line, text in entries:
        if text not in index:
            raise DataError(
                f"{place(line)}: unknown class {text!r}{nearest(text, names)}; "
                f"the classes are {_listing(names)}"
            )
    return np.array([index[text] for text in texts], dtype=np.int64), names


def _listing(names: Sequence[str]) -> str:
    return listed(map(repr, names), _MAX_SHOWN)
