"""The tables of `docs/tables.md`, made from the results of `bench_tabular.py`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from page_sections import table
from tabular_models import MODELS
from tabular_page import Study, critical_difference, friedman, losses, ranks, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANCHORS = ("lightgbm", "catboost")  # which stand beside models that were measured on fewer splits


def sections(study: Study) -> list[str]:
    """Return a table for each number of splits, and where the first model is worse."""
    ours, *others = study.found
    splits = {model: {split for _, split in own} for model, own in study.found.items()}
    lines: list[str] = []
    for number in sorted({len(splits[model]) for model in others}, reverse=True):
        models = [model for model in others if len(splits[model]) == number]
        shared = set.intersection(*(splits[model] for model in [ours, *models]))
        if lines:
            models = [m for m in others if m in models or (m in _ANCHORS and splits[m] >= shared)]
        part = _part(study, [ours, *models], shared)
        lines += ["", *_errors(part, len(shared)), "", *_ranks(part)]
    return [*lines[1:], "", *_losses(study)]


def _part(study: Study, models: Iterable[str], splits: set[int]) -> Study:
    found = {
        model: {key: r for key, r in study.found[model].items() if key[1] in splits}
        for model in models
    }
    return Study(study.title, found)


def _errors(study: Study, splits: int) -> list[str]:
    """Return the errors by table, and what sums them up."""
    models = list(study.found)
    rows = []
    for name in study.tables:
        cells = [list(study.values(model, name, "error").values()) for model in models]
        rows.append([name, *(f"{np.mean(own):.3f}" if own else "–" for own in cells)])
    for title, what, form in (
        ("error, relative", "error", "{:.3f}"),
        ("processor seconds, relative", "seconds", "{:.2f}"),
    ):
        ratios = (ratio(*study.pairs(model, what)) for model in models)
        rows.append([title, *(form.format(each) for each in ratios)])
    for title, what, form in (
        ("AUC, difference", "auc", "{:+.4f}"),
        ("log loss, difference", "log_loss", "{:+.3f}"),
    ):
        pairs = (study.pairs(model, what) for model in models)
        rows.append([title, *(form.format((theirs - own).mean()) for own, theirs in pairs)])
    held = ([r["memory"] for r in study.found[model].values()] for model in models)
    rows.append(["memory, MiB", *(f"{np.median(each):.0f}" for each in held)])
    head = ["the first split" if splits == 1 else f"mean of {splits} splits"]
    return table([*head, *(MODELS[model].title for model in models)], rows)


def _ranks(study: Study) -> list[str]:
    """Return mean ranks, and which differ."""
    errors, models = study.means(), list(study.found)
    found, apart = ranks(errors), critical_difference(*errors.shape)
    order = np.argsort(found, kind="stable").tolist()
    listed = ", ".join(f"{MODELS[models[place]].title} {found[place]:.2f}" for place in order)
    n, k = errors.shape
    said = (
        f"Mean ranks over the {n} tables on which all were measured: {listed}. They differ "
        f"significantly where they are {apart:.2f} apart (after Nemenyi; Friedman's F = "
        f"{friedman(errors):.2f} with {k - 1} and {(k - 1) * (n - 1)} degrees of freedom)."
    )
    return textwrap.wrap(said, 105)


def _losses(study: Study) -> list[str]:
    """Return where the first model is worse than those of others by more than a standard error."""
    own = {MODELS[model].title for model in study.found if model.startswith("ffnn")}
    worse = [(name, than, by) for name, than, _, _, by in losses(study).rows if than not in own]
    first = MODELS[next(iter(study.found))].title
    said = f"Where one network of {first} is worse by more than a standard error over the splits"
    return [f"{said}:", "", *table(["table", "than", "by"], worse)] if worse else []
