"""Which columns of a table to learn from, and what to learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ffnn.core.problems import Problems
from ffnn.core.text import listed, shown
from ffnn.tables.column import Column
from ffnn.tables.table import Table
from ffnn.tables.target import Target


class Choice(NamedTuple):
    """The columns to learn from, the names of the others with the reason, and the target."""

    features: list[Column]
    left_out: list[tuple[str, str]]
    target: Target | None  # None, too, where the column cannot be one


def choose(
    table: Table,
    target: str | Target | None,
    task: str | None,
    exclude: Sequence[str],
    only: Sequence[str] | None,
    problems: Problems,
) -> Choice:
    """Return what is to be learned, and from which columns.

    Columns that are named and do not exist, a target that cannot be learned, and that no column is
    left, are noted as problems.
    """
    name = target.name if isinstance(target, Target) else target
    named = {"target": [] if name is None else [name], "exclude": exclude, "only": only or ()}
    for option, names in named.items():
        with problems.noted():
            table.require(names, option)
    if isinstance(target, str):
        target = None
        column = next((each for each in table.columns if each.name == name), None)
        if column is not None and len(table.columns) > 1:
            with problems.noted():
                target = Target.of(column, task, table.source)
    features, left_out = list[Column](), list[tuple[str, str]]()
    for column in table.columns:
        if column.name == name:
            continue
        reason = column.reason or ("free text" if column.kind == "text" else "")
        if column.name in exclude or (only is not None and column.name not in only):
            reason = "excluded"
        if reason:
            left_out.append((column.name, reason))
        else:
            features.append(column)
    is_mistaken = only is not None and not any(n in table and n != name for n in only)
    if not features and not (problems and is_mistaken):  # else that is the only problem
        problems.add(_nothing_left(table, left_out))
    return Choice(features, left_out, target)


def _nothing_left(table: Table, left_out: Sequence[tuple[str, str]]) -> str:
    reasons = listed(f"{shown(name, 60)} ({why})" for name, why in left_out)
    remedy = "; to take one in, say its kind (--kind, or kinds in Python)"
    if all(why == "excluded" for _, why in left_out):
        remedy = "; exclude fewer (--exclude and --only, or exclude and only in Python)"
    if not left_out:
        reasons = f"there is only {listed(map(shown, table.names), 1)}"
        remedy = "; is the delimiter right (--delimiter, or delimiter in Python)?"
    return f"no column is left to learn from: {reasons}{remedy}"
