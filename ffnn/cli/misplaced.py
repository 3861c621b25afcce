"""Which preset the options mean, and those without a meaning, which are refused with the reason."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, NamedTuple

from ffnn.cli.options import PLAIN
from ffnn.cli.values import is_file, is_made, is_table, is_text_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


class _Rule(NamedTuple):
    """Where options have a meaning, and what to say elsewhere, filled in from the arguments."""

    options: tuple[str, ...]
    has_meaning: Callable[[argparse.Namespace], bool]
    reason: str


_PLAIN = tuple(option.name for option in PLAIN)
_SINGLE = (  # networks
    *("--distributed", "--micro-batches", "--record", "--resume", "--save-every"),
    *("--validation-split", "--watch", "--workers"),
)


def _reads_table(args: argparse.Namespace) -> bool:
    return args.data is not None and is_table(args.data)


def _reads_text(args: argparse.Namespace) -> bool:
    return args.data is not None and is_text_table(args.data)


def _plays_file(args: argparse.Namespace) -> bool:
    return args.data is not None and not is_made(args.data) and args.data != "digits"


_RULES = (
    _Rule(("--target", "--exclude", "--only", "--kind"), _reads_table,
        "names columns of a table, such as a CSV file; {data} is none"),
    _Rule(("--missing", "--missing-value", "--decimal", "--encoding"), _reads_table,
        "says how to read a table, such as a CSV file; {data} is none"),
    _Rule(("--delimiter", "--no-header"), _reads_text,
        "says how to read a table in lines of text, such as a CSV file; {data} is none"),
    _Rule(("--data-dir",), lambda args: args.command == "info" or args.data == "mnist",
        "says where MNIST is; {data} is not mnist"),
    _Rule(("--test-split",), lambda args: args.command != "play" or _plays_file(args),
        "holds out rows of a file; those of the page are set there"),
    _Rule(("--test-split",), lambda args: is_file(args.data),
        "holds out rows of a file; {data} has test rows of its own"),
    _Rule(("--task",), lambda args: args.command != "play" or _plays_file(args),
        "is for a file; what {data} has to be learned is known"),
    _Rule(("--activation", "--normalization", "--dropout"), lambda args: bool(args.hidden),
        "is for hidden layers, and --hidden none has none"),
    _Rule(("--preset",), lambda args: args.preset == "plain" or _reads_table(args),
        "table is for tables, such as a CSV file; {data} is none"),
    _Rule(_PLAIN, lambda args: args.command != "train" or args.preset == "plain",
        "is chosen by --preset table; leave one of the two out"),
    _Rule(("--time", "--ensemble"), lambda args: args.preset == "table",
        "is for --preset table, the network for tables"),
    _Rule(("--validation-split",),
        lambda args: args.preset == "plain" or args.validation_split != 0.0,
        "must be above 0 with --preset table, which finds its best epoch on these rows"),
    _Rule(("--timeout",), lambda args: args.distributed, "needs --distributed"),
    _Rule(("--time",), lambda args: not args.distributed,
        "is not for --distributed, as what it plans depends on the speed of each process"),
    _Rule(("--time",), lambda args: not args.resume,
        "is not for --resume, as what it plans depends on the speed of the machine"),
    _Rule(_SINGLE, lambda args: args.command != "train" or args.ensemble == 1,
        "is for a single network, and --ensemble trains {ensemble}"),
    _Rule(("--record", "--resume", "--save-every"), lambda args: bool(args.out),
        "needs --out FILE"),
    _Rule(("--layers",),
        lambda args: not args.what or not {"weights", "gradients"}.isdisjoint(args.what),
        "is for plots of weights and gradients, which WHAT does not name"),
    _Rule(("--seed",),
        lambda args: args.command == "train" or args.data is None or args.entries is not None,
        "has nothing to draw: the rows are those of {data}, and --entries all takes all entries"),
)  # fmt: skip


def choose_preset(args: argparse.Namespace) -> None:
    """Fill in the preset of ``ffnn train`` where none was given, and whether one network is meant.

    It is the network for tables, if a table is read and no option describes another network.
    """
    if args.command == "train" and args.preset is None:
        is_table = _reads_table(args) and args.given.isdisjoint(_PLAIN)
        args.preset = "table" if is_table else "plain"
    if args.command == "train" and args.ensemble is None:
        is_single = args.preset == "plain" or not args.given.isdisjoint(_SINGLE)
        args.ensemble = 1 if is_single else None  # which the number of rows decides


def plain_options(args: argparse.Namespace) -> list[str]:
    """Return the options for whose sake a table is not learned by the network for tables."""
    if "--preset" in args.given or not _reads_table(args):
        return []
    return [name for name in _PLAIN if name in args.given]


def refuse_misplaced(args: argparse.Namespace) -> None:
    """Raise ArgumentTypeError if an option was given that the command would not use."""
    for options, has_meaning, reason in _RULES:
        for option in options:
            if option in args.given and not has_meaning(args):
                values = {**vars(args), "data": getattr(args, "data", None) or "no DATA"}
                raise ArgumentTypeError(f"{option} {reason.format_map(values)}")
