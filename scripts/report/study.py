"""The outcomes of the runs of some experiments, read from the folder of results."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from report.conclusions import find_all
from report.results import ResultsError
from report.runner import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from report.conclusions import Finding
    from report.results import Result, ResultsFolder
    from report.runner import Scale
    from report.settings import Experiment


class Study(NamedTuple):
    """The experiments and the outcomes of their runs, by experiment and row.

    Attributes
    ----------
    experiments : tuple of Experiment
        Those on the page.
    num_seeds : int
        Runs of each row, with the seeds from 0 on.
    scale : Scale
        How much was trained.
    results : dict of (str, str) to list of Result
        A result for each seed.
    histories : dict of (str, str) to list of dict
        Each seed's losses by epoch.
    correct : dict of (str, str) to ndarray of bool, shape (seeds, test rows)
        Which test rows were classified correctly.
    """

    experiments: tuple[Experiment, ...]
    num_seeds: int
    scale: Scale
    results: dict[tuple[str, str], list[Result]]
    histories: dict[tuple[str, str], list[dict[str, list[float]]]]
    correct: dict[tuple[str, str], NDArray[np.bool_]]

    def accuracies(self, experiment: Experiment) -> dict[str, list[float]]:
        """Return each seed's test accuracy in percent, by row."""
        return {
            row.name: [result.test_accuracy for result in self.results[experiment.name, row.name]]
            for row in experiment.rows
        }

    def findings(self) -> list[Finding]:
        """Return all claims with their tests."""
        accuracies = {
            key: [result.test_accuracy for result in results]
            for key, results in self.results.items()
        }
        return find_all(self.experiments, accuracies, self.correct)


def gather(
    experiments: tuple[Experiment, ...],
    num_seeds: int,
    scale: Scale,
    folder: ResultsFolder,
    results: Mapping[tuple[str, str, int], Result],
) -> Study:
    """Return what the folder has of the experiments.

    Raises
    ------
    ResultsError
        A run is missing.
    """
    study = Study(experiments, num_seeds, scale, {}, {}, {})
    for experiment in experiments:
        for row in experiment.rows:
            key = (experiment.name, row.name)
            runs = [Run(experiment.name, row, seed, scale) for seed in range(num_seeds)]
            for run in runs:
                if run.key not in results:
                    raise ResultsError(
                        f"{experiment.name}: {row.name} with seed {run.seed} is not in "
                        f"{folder.csv}: run the command without --page-only"
                    )
            arrays = [folder.read_arrays(run) for run in runs]
            study.results[key] = [results[run.key] for run in runs]
            study.histories[key] = [history for history, _ in arrays]
            study.correct[key] = np.array([correct for _, correct in arrays])
    return study
