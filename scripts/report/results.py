"""The folder of results: a line in `results.csv` for each run, and arrays for the pictures."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ffnn.core.files import append_whole, replace_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from report.runner import Outcome, Run


class ResultsError(Exception):
    """The folder cannot be used; the message says why."""


class Result(NamedTuple):
    """A line of `results.csv`, without the seed's and the setting's names.

    Accuracies are in percent; losses are mean cross-entropies after training.
    """

    experiment: str
    setting: str
    seed: int
    epochs: int
    end: str
    train_loss: float
    validation_loss: float
    test_loss: float
    validation_accuracy: float
    test_accuracy: float
    seconds: float
    cpu_seconds: float
    settings: str
    version: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells runs apart."""
        return self.experiment, self.setting, self.seed


_READ: dict[str, type[int] | type[str]] = {"seed": int, "epochs": int} | dict.fromkeys(
    ("experiment", "setting", "end", "settings", "version"), str
)
_DIGITS = {"seconds": 3, "cpu_seconds": 3, "validation_accuracy": 4, "test_accuracy": 4}


def to_result(run: Run, outcome: Outcome) -> Result:
    """Return the line of a run."""
    return Result(
        run.experiment,
        run.row.name,
        run.seed,
        outcome.epochs,
        outcome.end,
        *outcome.losses,
        outcome.validation_accuracy,
        100.0 * float(outcome.correct.mean()),
        outcome.seconds,
        outcome.cpu_seconds,
        run.settings,
        outcome.version,
    )


class ResultsFolder:
    """`results.csv` and the runs' files in a folder.

    Parameters
    ----------
    folder : Path
        Created with the first run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.csv = folder / "results.csv"
        self._runs = folder / "runs"

    def _arrays_file(self, run: Run) -> Path:
        return self._runs / f"{run.file_stem}.npz"

    def add(self, run: Run, outcome: Outcome) -> Result:
        """Keep a run: its arrays first, then its line."""
        arrays = {name: np.array(values) for name, values in outcome.history.items()}
        arrays.update(outcome.network)
        arrays["correct"] = np.packbits(outcome.correct)
        arrays["num_test_rows"] = np.array(len(outcome.correct))
        self._runs.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        replace_whole(self._arrays_file(run), content.getbuffer())
        result = to_result(run, outcome)
        line = _line(_texts(result))
        if self.csv.exists():
            append_whole(self.csv, line.encode())
        else:
            replace_whole(self.csv, (_line(Result._fields) + line).encode())
        return result

    def read(self, known: Iterable[Run]) -> dict[tuple[str, str, int], Result]:
        """Return the results in the file, after checking that they belong to `known` settings.

        A last line that was cut off while being written is removed.

        Parameters
        ----------
        known : iterable of Run
            All runs that may be in the file, with any seed.

        Raises
        ------
        ResultsError
            The file is not one of results, or has runs of other settings.
        """
        if not self.csv.exists():
            return {}
        results = _parse(self.csv)
        settings = {(run.experiment, run.row.name): run.settings for run in known}
        for result in results:
            now = settings.get((result.experiment, result.setting))
            if result.settings != now:
                raise ResultsError(
                    f"{self.csv} holds a run of {result.experiment}: {result.setting} with other "
                    f"settings ({result.settings}, now {now or 'no such row'}): "
                    "--quick and full runs, or those of a changed table, are not mixed. Name "
                    "another folder with --out, or delete this one"
                )
        return {result.key: result for result in results}

    def read_arrays(self, run: Run) -> tuple[dict[str, list[float]], NDArray[np.bool_]]:
        """Return a run's history, and which test rows it classified correctly.

        Raises
        ------
        ResultsError
            The file is missing.
        """
        arrays = self._load(run, ("loss", "val_loss", "correct", "num_test_rows"))
        bits = np.unpackbits(arrays.pop("correct"), count=int(arrays.pop("num_test_rows")))
        return {name: values.tolist() for name, values in arrays.items()}, bits.astype(bool)

    def read_network(self, run: Run) -> dict[str, NDArray[np.float32]]:
        """Return the ``"parameters"`` and the ``"gradients"`` of a run, if they were kept.

        Raises
        ------
        ResultsError
            The file is missing.
        """
        return self._load(run, ("parameters", "gradients"))

    def _load(self, run: Run, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Return the arrays of a run that exist."""
        path = self._arrays_file(run)
        if not path.exists():
            raise ResultsError(
                f"{path} is missing, though {self.csv} has its run: put it back, or delete the "
                "line to train it again"
            )
        with np.load(path) as arrays:
            return {name: arrays[name] for name in names if name in arrays}


def _line(fields: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue()


def _texts(result: Result) -> list[str]:
    return [
        f"{value:.{_DIGITS.get(name, 6)}f}" if isinstance(value, float) else str(value)
        for name, value in zip(Result._fields, result, strict=True)
    ]


def _parse(path: Path) -> list[Result]:
    """Return all complete lines, and cut off an incomplete last one."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        replace_whole(path, whole)
    lines = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
    if not lines:
        path.unlink()
        return []
    if tuple(lines[0]) != Result._fields:
        raise ResultsError(f"{path} is not from this script: its columns are {lines[0]}")
    kinds = [_READ.get(name, float) for name in Result._fields]
    try:
        return [
            Result(*(kind(text) for kind, text in zip(kinds, line, strict=True)))
            for line in lines[1:]
        ]
    except ValueError as error:
        raise ResultsError(f"{path} has a line that cannot be read: {error}") from None
