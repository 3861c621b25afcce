"""What `bench_tabular.py` says of its results: ratios, ranks, and where ours is worse.

Ranks are compared as Demšar does it ("Statistical comparisons of classifiers over multiple data
sets", JMLR 2006): Friedman's test in the form of Iman and Davenport tells whether any models
differ, Nemenyi's critical difference which. A table counts once, with its mean error over splits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tabular_models import MODELS

from ffnn.reports.page import page
from ffnn.reports.pieces import Chart, Mark, Piece, Table
from ffnn.reports.text import text

if TYPE_CHECKING:
    from ffnn._types import Array

    Result = dict[str, Any]

# The studentized range at 5 % over √2, by the number of models from 2 on (Demšar's table 5a).
_NEMENYI = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)
_SMALLEST = 1e-4  # error or seconds that a ratio is made of


class Study(NamedTuple):
    """The results by (table, split) of each model, the first of which the others are beside."""

    title: str
    found: dict[str, dict[tuple[str, int], Result]]

    @classmethod
    def of(cls, title: str, results: list[Result]) -> Study:
        """Return the results in the order of `MODELS`."""
        found: dict[str, dict[tuple[str, int], Result]] = {}
        for name in MODELS:
            own = {(r["table"], r["split"]): r for r in results if r["model"] == name}
            if own:
                found[name] = own
        return cls(title, found)

    @property
    def tables(self) -> list[str]:
        """The names of all tables."""
        return sorted({table for own in self.found.values() for table, _ in own})

    def values(self, model: str, table: str, what: str) -> dict[int, float]:
        """Return a number of a model on a table, by split."""
        return {
            split: r[what]
            for (name, split), r in self.found[model].items()
            if name == table and what in r
        }

    def pairs(self, model: str, what: str) -> tuple[Array, Array]:
        """Return a number of the first model and of another, where both have it."""
        ours, theirs = self.found[next(iter(self.found))], self.found[model]
        shared = [k for k in ours if k in theirs and what in ours[k]]
        return np.array([ours[k][what] for k in shared]), np.array(
            [theirs[k][what] for k in shared]
        )

    def means(self) -> Array:
        """Return mean errors, (tables, models), of the splits that all models have.

        A table that some model has no result of is left out.
        """
        rows = []
        for table in self.tables:
            by_split = [self.values(model, table, "error") for model in self.found]
            shared = set.intersection(*map(set, by_split))
            if shared:
                rows.append([np.mean([own[s] for s in shared]) for own in by_split])
        return np.array(rows).reshape(-1, len(self.found))


def ratio(ours: Array, theirs: Array) -> float:
    """Return the geometric mean of `theirs` over `ours`."""
    logs = np.log(np.maximum(theirs, _SMALLEST)) - np.log(np.maximum(ours, _SMALLEST))
    return float(np.exp(logs.mean()))


def ranks(errors: Array) -> Array:
    """Return each model's mean rank over the tables, 1 being best; equal ones share theirs."""
    smaller = (errors[:, None, :] < errors[:, :, None]).sum(axis=2)
    equal = (errors[:, None, :] == errors[:, :, None]).sum(axis=2)
    mean: Array = (smaller + (equal + 1) / 2).mean(axis=0)
    return mean


def friedman(errors: Array) -> float:
    """Return F of Friedman's test after Iman and Davenport, of k - 1 and (k - 1)(n - 1) degrees."""
    n, k = errors.shape
    square = 12 * n / (k * (k + 1)) * (np.sum(ranks(errors) ** 2) - k * (k + 1) ** 2 / 4)
    return float((n - 1) * square / (n * (k - 1) - square))


def critical_difference(tables: int, models: int) -> float:
    """Return by how much mean ranks have to differ at 5 % after Nemenyi."""
    return _NEMENYI[models - 2] * math.sqrt(models * (models + 1) / (6 * tables))


# -- tables and charts -----------------------------------------------------------------------------


def summary(study: Study) -> Table:
    """Return each model beside the first."""
    errors, rows = study.means(), []
    mean_ranks = ranks(errors) if len(errors) else np.full(len(study.found), math.nan)
    for place, model in enumerate(study.found):
        error, seconds = study.pairs(model, "error"), study.pairs(model, "seconds")
        auc, loss = study.pairs(model, "auc"), study.pairs(model, "log_loss")
        memory = np.median([r["memory"] for r in study.found[model].values()])
        rows.append(
            (
                MODELS[model].title,
                f"{len(error[0])}",
                f"{ratio(*error):.3f}",
                f"{(auc[1] - auc[0]).mean():+.4f}" if len(auc[0]) else "–",
                f"{(loss[1] - loss[0]).mean():+.3f}" if len(loss[0]) else "–",
                f"{ratio(*seconds):.2f}",
                f"{memory:,.0f}",
                f"{mean_ranks[place]:.2f}",
            )
        )
    first = MODELS[next(iter(study.found))].title
    header = ("model", "runs", "error ×", "AUC", "log loss", "seconds ×", "MiB", "rank")
    return Table(
        f"Beside {first}",
        header,
        tuple(rows),
        "l" + "r" * (len(header) - 1),
        f"Geometric means of error and seconds over {first}'s (above 1 is worse, or slower), mean "
        f"differences of AUC and logarithmic loss, all over the same splits; the median of the "
        f"memory that a process held; the mean rank of the tables' errors.",
    )


def by_table(study: Study, what: str, title: str, note: str) -> Table:
    """Return the mean over the splits of a number, for each table and model."""
    rows = []
    for table in study.tables:
        cells = [list(study.values(model, table, what).values()) for model in study.found]
        if any(cells):
            shown = (f"{np.mean(own):.4f}" if own else "–" for own in cells)
            rows.append((table, *shown))
    header = ("table", *(MODELS[model].title for model in study.found))
    return Table(title, header, tuple(rows), "l" + "r" * len(study.found), note)


def losses(study: Study) -> Table:
    """Return where another model is better than the first by more than a standard error."""
    ours, rows = next(iter(study.found)), []
    for table in study.tables:
        for model in study.found:
            a, b = (study.values(name, table, "error") for name in (ours, model))
            shared = sorted(a.keys() & b.keys())
            if len(shared) < 2:
                continue
            more = np.array([a[s] - b[s] for s in shared])
            error = more.std(ddof=1) / math.sqrt(len(more))
            if more.mean() > error:
                means = (f"{np.mean([own[s] for s in shared]):.4f}" for own in (a, b))
                rows.append(
                    (table, MODELS[model].title, *means, f"{more.mean():.4f} ± {error:.4f}")
                )
    first = MODELS[ours].title
    return Table(
        f"Where {first} is worse",
        ("table", "than", "its error", "theirs", "difference"),
        tuple(rows),
        "llrrr",
        "By more than the standard error of the mean difference over the splits.",
        most_in_text=200,
    )


def rank_chart(study: Study) -> Chart | None:
    """Return mean ranks, each with half the critical difference to both sides."""
    errors, models = study.means(), list(study.found)
    if len(errors) < 2 or len(models) < 2:
        return None
    mean_ranks = ranks(errors)
    apart = critical_difference(*errors.shape)
    marks = []
    for place, index in enumerate(np.argsort(mean_ranks)):
        x, y, colour = mean_ranks[index], 1.0 + place, place % 6
        ends = np.array([x - apart / 2, x + apart / 2])
        label = f"{y:.0f}. {MODELS[models[index]].title}: {x:.2f}"
        marks += [
            Mark("line", ends, np.array([y, y]), label, colour),
            Mark("points", np.array([x]), np.array([y]), "", colour),
        ]
    degrees = len(models) - 1, (len(models) - 1) * (len(errors) - 1)
    return Chart(
        "Ranks",
        "mean rank",
        "place",
        tuple(marks),
        "mean ranks of the models with critical differences",
        y_range=(0.5, len(models) + 0.5),
        text=f"Over {len(errors)} tables. Models whose lines overlap do not differ significantly "
        f"(critical difference {apart:.2f}, Nemenyi at 5 %). Friedman's test: F = "
        f"{friedman(errors):.2f} with {degrees[0]} and {degrees[1]} degrees of freedom.",
    )


def pieces(study: Study) -> list[Piece]:
    """Return all that is to be said."""
    chart = rank_chart(study)
    return [
        summary(study),
        *([chart] if chart else []),
        by_table(study, "error", "Errors", "1 - R² or 1 - accuracy, the mean over the splits."),
        by_table(study, "auc", "AUC", "Of the classes, each against all others."),
        losses(study),
    ]


def as_page(study: Study) -> str:
    """Return an HTML page."""
    return page(study.title, _headline(study), "", pieces(study))


def as_text(study: Study) -> str:
    """Return text for a terminal."""
    return text(study.title, _headline(study), "", pieces(study))


def _headline(study: Study) -> str:
    splits = {split for own in study.found.values() for _, split in own}
    return f"{len(study.tables)} tables, {len(splits)} splits, {len(study.found)} models"
