"""Files of tables: what the commands learn from them, test on them and predict from them."""

from __future__ import annotations

import argparse
import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from ffnn.cli.account import account_of
from ffnn.cli.classes import TrainingData
from ffnn.cli.exit_codes import usage_errors
from ffnn.cli.plan import plan_training
from ffnn.cli.preset import make_encoder
from ffnn.cli.rows import UsedRows
from ffnn.core.free_memory import memory_for
from ffnn.core.problems import Problems
from ffnn.core.text import counted, listed, shown
from ffnn.data.batches import rows_kept
from ffnn.errors import DataError
from ffnn.models.trained_rows import split_order
from ffnn.reports import TableRows
from ffnn.tables import Column, Table
from ffnn.tables.choice import choose
from ffnn.tables.kinds import find_kind
from ffnn.tables.outline import TOO_LARGE
from ffnn.tables.read import open_table
from ffnn.tables.target import Target
from ffnn.tabular.folds import networks_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ffnn._types import Array
    from ffnn.sequential import Sequential


P = ParamSpec("P")
R = TypeVar("R")


def _within_memory(read: Callable[P, R]) -> Callable[P, R]:
    """Return a reader of the table `args.data` that says what to do where memory is short."""

    @functools.wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        with memory_for(args[0].data, TOO_LARGE):  # type: ignore[attr-defined]
            return read(*args, **kwargs)

    return reading


@_within_memory
def table_to_learn(args: argparse.Namespace) -> TrainingData:
    """Return what ``ffnn train`` learns from a table."""
    problems, reading = Problems(args.data), _reading(args)
    kinds = _kinds(args, problems)
    table = _read(args, reading, problems, kinds)
    name = table.names[-1] if args.target is None else args.target
    exclude, only = args.exclude or (), args.only
    for option, names in (("--exclude", exclude), ("--only", only or ())):
        if name in names:
            problems.add(f"{option} names {shown(name, 60)}, which is the target")
    task = _task(args, table, name, kinds.get(name), problems)
    features, _, target = choose(table, name, task, exclude, only, problems)
    used = _used_rows(args.missing, table, features, target, problems)
    problems.check()
    assert target is not None
    if len(used.rows) < len(target.rows_of(table)):  # there must be something left to tell apart
        Target.of(table[name].take(used.rows), target.task, table.source)
    train, test = held_out(len(used.rows), args.test_split, args.seed)
    training = used.rows[train]
    y_train = _planned_for(args, target, target.values_of(table, training))
    kept = rows_kept(len(train), args.validation_split)
    encoder = make_encoder(args)
    encoder.reading = reading
    encoder.fit(table, target, exclude=exclude, only=only, rows=training[:kept])
    account = () if args.quiet else account_of(table, encoder, training[:kept], used)
    reported = TableRows(table, used.rows[train if test is None else test]) if args.report else None
    table = table.select([name, *(each.name for each in features)])  # others may need much memory
    tested = None if test is None else used.rows[test]
    return TrainingData(
        x_train=encoder.transform(table, rows=training, dtype=np.float32),
        y_train=y_train,
        x_test=None if tested is None else encoder.transform(table, rows=tested, dtype=np.float32),
        y_test=None if tested is None else target.values_of(table, tested),
        class_names=target.class_names,
        feature_names=encoder.feature_names,
        target=name,
        encoder=encoder,
        tested=reported,
        account=account,
    )


def _planned_for(args: argparse.Namespace, target: Target, y: Array) -> Array:
    """Return the targets of the training rows, for which the training is planned."""
    if args.preset == "table" and args.ensemble is None:
        args.ensemble = networks_for(y, are_classes=target.class_names is not None)
    plan_training(args, len(y))
    return y


@_within_memory
def table_to_test(
    args: argparse.Namespace, model: Sequential
) -> tuple[Array, Array, UsedRows, Table]:
    """Return the rows of a table that have a target, to test `model` on, and the targets.

    These are class numbers or numbers. Then come which rows they are, and of which table.
    """
    problems = Problems(args.data)
    table = _read(args, _reading(args, model), problems)
    target = _target_of(args, model, table, problems)
    features = _inputs(model, table, target, problems)
    used = _used_rows(args.missing, table, features, target, problems)
    if target is not None:
        with problems.noted():
            y = target.values_of(table, used.rows)
    with problems.noted():
        x = _numbers(model, table, features, used.rows)
    problems.check()
    assert model.loss is not None
    assert target is not None
    if target.class_names is None and model.loss.task != "numbers" and (y == np.floor(y)).all():
        y = y.astype(np.int64)  # as class numbers are
    return x, y, used, table


@_within_memory
def table_to_predict(args: argparse.Namespace, model: Sequential) -> tuple[Array, UsedRows, Table]:
    """Return the rows of a table to predict from; then come which they are, and of which table."""
    problems = Problems(args.data)
    table = _read(args, _reading(args, model), problems)
    features = _inputs(model, table, None, problems)
    used = _used_rows(args.missing, table, features, None, problems)
    with problems.noted():
        x = _numbers(model, table, features, used.rows)
    problems.check()
    return x, used, table


def held_out(
    rows: int, share: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
    """Return the numbers of the rows to train on, and of a share to test on, drawn at random."""
    count = min(max(1, round(rows * share)), rows - 1)
    if not share or count < 1:
        return np.arange(rows), None
    order = split_order(rows, seed)
    return order[count:], order[:count]


# -- reading -----------------------------------------------------------------------------------


def _reading(args: argparse.Namespace, model: Sequential | None = None) -> dict[str, Any]:
    """Return how to read the file: as the options say, else as the one that `model` learned."""
    given = {
        "delimiter": args.delimiter,
        "encoding": args.encoding,
        "decimal": args.decimal,
        "header": False if args.no_header else None,
        "missing_values": args.missing_value,
    }
    known = {} if model is None or model.encoder is None else model.encoder.reading
    return {**known, **{name: value for name, value in given.items() if value is not None}}


def _kinds(args: argparse.Namespace, problems: Problems) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for name, kind in args.kind or ():
        if kinds.setdefault(name, kind) != kind:
            problems.add(f"--kind: column {shown(name, 60)} is to be a {kinds[name]} and a {kind}")
    return kinds


_TASKS = {"number": "regression", "category": "classification", "boolean": "classification"}


def _task(
    args: argparse.Namespace, table: Table, target: str, kind: str | None, problems: Problems
) -> str | None:
    """Return what --task and --kind say of the target, None if nothing that can be."""
    task: str | None = None if args.task == "auto" else args.task
    if kind is None:
        return task
    if kind not in _TASKS or task not in (None, _TASKS[kind]):
        purpose = f" for --task {task}" if kind in _TASKS else ""
        problems.add(f"--kind: the target {shown(target, 60)} cannot be of kind {kind}{purpose}")
        return None
    is_of_kind = target not in table or table[target].kind == kind
    return _TASKS[kind] if is_of_kind else None  # which is a problem already


def _read(
    args: argparse.Namespace,
    reading: Mapping[str, Any],
    problems: Problems,
    kinds: Mapping[str, str] | None = None,
) -> Table:
    try:
        with usage_errors(ImportError):  # of what reads Parquet or Excel
            return open_table(args.data, problems, kinds=kinds, **reading)
    except DataError as error:
        problems.include(error)
        raise problems.error() from error


# -- rows --------------------------------------------------------------------------------------


def _used_rows(
    missing: str,
    table: Table,
    features: Sequence[Column],
    target: Target | None,
    problems: Problems,
) -> UsedRows:
    """Return the rows that have a target and, if such rows are dropped, all features."""
    is_used = np.ones(table.num_rows, bool)
    reasons, counts = list[str](), dict[str, int]()
    if target is not None:
        with problems.noted():
            known = target.rows_of(table)
            is_used[:] = False
            is_used[known] = True
        without = int((~is_used).sum())
        if without:
            counts[target.name] = without
            reasons.append(f"{without:,} {_verb(without)} the target {shown(target.name, 60)}")
    if missing != "impute":
        lacking = {column.name: is_used & column.is_missing for column in features}
        lacking = {name: mask for name, mask in lacking.items() if mask.any()}
        counts |= {name: int(mask.sum()) for name, mask in lacking.items()}
        if missing == "error" and counts:
            problems.add(_complaint(counts))
        elif lacking:
            dropped = np.any(list(lacking.values()), axis=0)
            is_used &= ~dropped
            reasons.append(_why_dropped(int(dropped.sum()), lacking))
    if not is_used.any():
        problems.add(f"no row is left of {table.num_rows:,}: {', '.join(reasons)}")
    return UsedRows(np.flatnonzero(is_used), table.num_rows, tuple(reasons))


def _verb(count: int) -> str:
    return "lacks" if count == 1 else "lack"


def _why_dropped(count: int, lacking: Mapping[str, Array]) -> str:
    columns = [(shown(name, 60), int(mask.sum())) for name, mask in lacking.items()]
    if len(columns) == 1:
        return f"{count:,} {_verb(count)} a value in column {columns[0][0]}"
    places = listed(f"{number:,} in column {name}" for name, number in columns)
    return f"{count:,} {_verb(count)} a value ({places})"


def _complaint(counts: Mapping[str, int]) -> str:
    places = listed(
        (f"{shown(name, 60)} ({counted(count, 'row')})" for name, count in counts.items()), 20
    )
    return (
        f"values are missing in {places}; --missing impute fills in those of features, "
        f"--missing drop leaves out such rows, --exclude NAME a column; rows without a target are "
        f"left out by either"
    )


# -- what a saved model reads ------------------------------------------------------------------


def _target_of(
    args: argparse.Namespace, model: Sequential, table: Table, problems: Problems
) -> Target | None:
    """Return the target: of the name given, else the model's, else what the model does not read."""
    encoder = model.encoder
    target = Target("", model.class_names)
    if encoder is not None and encoder.target is not None:
        target = encoder.target
    if args.target is not None or target.name:
        return replace(target, name=args.target or target.name)
    known = input_names(model)
    others = [name for name in table.names if known is None or name not in known]
    if known is None or len(others) == 1:
        return replace(target, name=others[-1])
    choices = f"say so with --target: {listed(others, 12)}" if others else "there is none"
    problems.add(f"which column that the model does not read is the target? {choices}")
    return None


def input_names(model: Sequential) -> list[str] | None:
    """Return the names of the columns that a model reads; None if it has none."""
    if model.encoder is not None:
        return [encoding.name for encoding in model.encoder.encodings]
    return model.feature_names


def _inputs(
    model: Sequential, table: Table, target: Target | None, problems: Problems
) -> list[Column]:
    """Return the columns that a model reads; those of one without an encoder as numbers."""
    names = input_names(model)
    if names is None:
        names = [name for name in table.names if target is None or name != target.name]
    if model.encoder is not None:  # which complains of columns that are not there
        return [table[name] for name in names if name in table]
    with problems.noted():
        table.require(names)
    columns = list[Column]()
    for raw in (table.raw(name) for name in names if name in table):
        try:
            columns.append(find_kind(raw, asked="number"))
        except ValueError as error:
            problems.add(f"column {shown(raw.name, 60)}: {error}")
    return columns


def _numbers(model: Sequential, table: Table, inputs: Sequence[Column], rows: Array) -> Array:
    """Return what a model reads of rows of a table; DataError lists why it cannot."""
    if model.encoder is not None:
        return model.encoder.transform(table, rows=rows, dtype=model.dtype)
    lacking = [shown(column.name, 60) for column in inputs if column.is_missing[rows].any()]
    if lacking:
        raise DataError(
            f"{table.source}: values are missing in {listed(lacking)}, and the model has no "
            f"encoder to fill them in: leave such rows out with --missing drop"
        )
    return np.column_stack([np.empty((len(rows), 0)), *(column.array[rows] for column in inputs)])
