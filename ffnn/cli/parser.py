"""The options of the command ``ffnn``, and their help."""

from __future__ import annotations

import argparse
import itertools
import math
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ffnn._version import __version__
from ffnn.cli import exit_codes
from ffnn.cli.hints import hint_at_command, hint_at_option
from ffnn.cli.values import (
    data,
    delimiter,
    encoding,
    folder,
    indices,
    integer,
    kind,
    model,
    names,
    number,
    out_file,
    page_file,
    sizes,
)
from ffnn.core.console import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_EXIT_CODES = ", ".join(f"{code} {meaning}" for code, meaning in exit_codes.MEANINGS.items())
_EPILOG = """\
DATA is digits (1,797 handwritten digits in the package), mnist, or a file:
  .csv .tsv .tab .txt .data .dat .json .jsonl .parquet .xlsx, also with .gz or
             .zip: a table with columns of any kind; the last one is the
             target, unless --target names it (.parquet and .xlsx need
             pip install 'ffnn[tables]')
  .npz .h5   arrays x_train, y_train and optionally x_test, y_test; or x, y

examples:
  ffnn train digits
  ffnn train mnist --hidden 128,64 --batch-size 64 --out model.h5
  ffnn train flowers.csv --target species --out flowers.h5
  ffnn train houses.tsv.gz --exclude "price, net" --kind zip=category
  ffnn predict flowers.h5 new_flowers.csv
  ffnn graph flowers.h5 --html
  ffnn COMMAND --help

""" + textwrap.fill(
    f"exit codes: {_EXIT_CODES}. With FFNN_DEBUG=1 in the environment an error shows where in "
    "the code it was raised.",
    width=80,
)


class _Option(NamedTuple):
    """An argument of a command; one without metavar and choices is a switch."""

    name: str
    metavar: str
    help: str
    parse: Callable[[str], Any] = str
    default: Any = None
    choices: tuple[str, ...] | None = None
    nargs: str | None = None
    is_repeatable: bool = False


class _Command(NamedTuple):
    """A command's line in the help of ``ffnn``, and its options."""

    help: str
    options: Iterable[_Option]
    groups: Mapping[str, Iterable[_Option]] = {}
    exclusive: Iterable[_Option] = ()  # at most one of these
    details: str = ""  # of its own help


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are exceptions, and whose help may list the package's parts.

    `given` of what it returns are the names of the options that stood on the command line.
    """

    lists_parts = False

    def error(self, message: str) -> NoReturn:
        raise argparse.ArgumentTypeError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse as usual, but refuse unknown options first: their values would pass for others."""
        args = sys.argv[1:] if args is None else list(args)
        known, given = self._option_string_actions, set()
        for text in itertools.takewhile(lambda text: text != "--", args):
            option = text.partition("=")[0]
            given.add(option)
            if re.match("--?[a-zA-Z]", text) and option not in known:
                self.error(f"unknown option {option}{hint_at_option(option, known)}")
            if text in _COMMANDS:
                break  # whose own parser goes on from here
        found, others = super().parse_known_args(args, namespace)
        if "given" not in found:  # else they are the command's
            found.given = given & known.keys()
        return found, others

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.dest == "command" and value not in _COMMANDS:
            names, hint = ", ".join(_COMMANDS), hint_at_command(value, _COMMANDS)
            self.error(f"unknown command {value!r}{hint}; known: {names}")
        super()._check_value(action, value)

    def _print_message(self, message: str, file: Any = None) -> None:
        show(message.rstrip("\n"), file)

    def format_help(self) -> str:
        if self.lists_parts:
            from ffnn.cli.parts import describe_parts  # which loads NumPy and every part

            self.epilog = describe_parts()
        return super().format_help()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their options."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="ffnn",
        description="Train feed-forward neural networks, and use and inspect them.",
        epilog=_EPILOG,
        formatter_class=layout,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ffnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        child = commands.add_parser(
            name,
            help=command.help,
            description=textwrap.fill(
                f"{command.help[0].upper()}{command.help[1:]}. {command.details}", width=80
            ),
            formatter_class=layout,
            allow_abbrev=False,
        )
        _add(child.add_argument, command.options)
        for title, options in command.groups.items():
            _add(child.add_argument_group(title).add_argument, options)
        if command.exclusive:
            _add(child.add_mutually_exclusive_group().add_argument, command.exclusive)
        child.lists_parts = name == "train"
    return parser


def _add(add_argument: Callable[..., argparse.Action], options: Iterable[_Option]) -> None:
    for name, metavar, text, parse, default, choices, nargs, is_repeatable in options:
        if not metavar and not choices:
            add_argument(name, action="store_true", help=text)
            continue
        add_argument(
            name,
            metavar=metavar or None,
            help=text if default is None else f"{text} (default: %(default)s)",
            type=parse,
            default=default,
            choices=choices,
            nargs=nargs,
            action="append" if is_repeatable else "store",
        )


# -- options -----------------------------------------------------------------------------------

_REPLACED = "an old file is replaced, unless it is read-only, once the new one is complete"
# A table reads better with an option to a paragraph.
# fmt: off
_MODEL = _Option("model", "MODEL", "a file saved by ffnn train --out", model)
_DATA = _Option("data", "DATA",
    "digits, mnist, a table such as a .csv or .xlsx file, or a .npz or .h5 file", data)
_DATA_DIR = _Option("--data-dir", "FOLDER",
    "where MNIST is (default: $FFNN_DATA_DIR, else a cache that a download fills)")
_TARGET = _Option("--target", "COLUMN",
    "the column of a table to compare with (default: the one that the model learned, else the one "
    "that it does not read, else the last one)")
_THREADS = _Option("--threads", "N",
    "threads for matrix products (default: the BLAS library's choice, see ffnn info)", integer(1))
_FOUND = "(default: found out, or what the model was trained with)"
_FILE = [
    _Option("--missing", "",
        "what to do where a row of a table lacks a value: let the model's encoder fill it in, "
        "leave the row out, or stop with a list of the columns", str, "impute",
        ("impute", "drop", "error")),
    _Option("--delimiter", "CHARACTER",
        f"between the fields of a table's lines; tab for a tab {_FOUND}", delimiter),
    _Option("--encoding", "NAME", f"of a table's text, such as latin-1 {_FOUND}", encoding),
    _Option("--decimal", "MARK", f"what marks decimals in a table: a point or a comma {_FOUND}",
        str, None, (".", ",")),
    _Option("--no-header", "",
        "the first line of a table is a row; the columns are named column_1, column_2, ..."),
    _DATA_DIR,
]
_NETWORK = [
    _Option("--preset", "", "plain: the network of these options; table: one that needs none",
        str, "plain", ("plain", "table")),
    _Option("--hidden", "SIZES",
        "units of the hidden layers, such as 128,64; none for no hidden layer", sizes, "128"),
    _Option("--activation", "NAMES",
        "of the hidden layers, one for all or one for each, such as relu,tanh", names, "relu"),
    _Option("--normalization", "NAME",
        "layer between the linear part and the activation of each hidden layer", str, "none"),
    _Option("--dropout", "RATE",
        "fraction of each hidden layer's outputs that a training step drops", number(0, 1), 0.0),
    _Option("--initializer", "NAME", "of the weights", str, "glorot_uniform"),
    _Option("--l1", "FACTOR", "of the penalty on the sum of |weight|", number(0), 0.0),
    _Option("--l2", "FACTOR", "of the penalty on the sum of squared weights", number(0), 0.0),
]
_TRAINING = [
    _Option("--epochs", "N",
        "the most passes over the training rows (default: 20; of a table as many as make about "
        "5,000 updates, from 20 to 200)", integer(1)),
    _Option("--batch-size", "N", "mini-batch size", integer(1), 32),
    _Option("--optimizer", "NAME", "the rule that updates the weights", str, "adam"),
    _Option("--learning-rate", "RATE",
        "step size of the optimizer (default: the optimizer's own, see below)",
        number(0, low_open=True)),
    _Option("--momentum", "FACTOR",
        "of an optimizer that has momentum, such as sgd (default: the optimizer's own)",
        number(0, 1)),
    _Option("--clipnorm", "NORM",
        "the largest gradient norm that an update uses (default: no limit)",
        number(0, low_open=True)),
    _Option("--loss", "NAME",
        "the function to minimise (default: categorical_crossentropy for classes, "
        "mean_squared_error for numbers); for numbers it is measured in units of the target's "
        "standard deviation, for mean_squared_error of its variance"),
    _Option("--validation-split", "FRACTION",
        "fraction of the training rows, the last ones, to validate on instead of training "
        "(default: 0; of a table of 100 rows or more 0.1, with --patience 20)", number(0, 1)),
    _Option("--patience", "EPOCHS",
        "stop when the validation loss (without validation rows: the loss) has not improved for "
        "this many epochs, and restore the best weights (default: never)", integer(1)),
    _Option("--loss-threshold", "LOSS",
        "stop after the first epoch whose training loss is at most this (default: never)",
        number(-math.inf)),
    _Option("--time", "SECONDS", "the most that --preset table takes", number(0, low_open=True)),
    _Option("--seed", "N", "of initial values, shuffling, dropout and the test split",
        integer(0), 0),
    _Option("--out", "FILE",
        "save the model in this file, such as model.h5, also when Ctrl-C or SIGTERM ends the "
        f"training; {_REPLACED}", out_file),
    _Option("--record", "",
        "also keep in it how weights, gradients and activations change from epoch to epoch, for "
        "ffnn graph --html and ffnn plot; resume with it, too"),
    _Option("--report", "FILE",
        "write a page about the test rows, such as report.html: scores, curves and mistakes",
        page_file),
    _Option("--save-every", "EPOCHS",
        "also save it whenever this many epochs have passed, to resume from (default: never)",
        integer(1)),
    _Option("--resume", "",
        "resume the training that --out holds as if it had never stopped, given the same data "
        "and options (only --epochs, --save-every, --threads, --quiet and --verbose may differ); "
        "start a new one if there is no such file"),
    _THREADS,
]
_VERBOSITY = [
    _Option("--quiet", "", "print only the test results, and draw no bars"),
    _Option("--verbose", "", "print one line per epoch even where a progress bar could be shown"),
]
_TRAINING_DATA = [
    _Option("--target", "COLUMN", "the column of a table to learn (default: the last one)"),
    _Option("--task", "",
        "auto takes a target of text, of one-hot rows or of at most 20 distinct integers (of a "
        "table, with ten rows each) as classes, any other as numbers", str, "auto",
        ("auto", "classification", "regression")),
    _Option("--exclude", "NAME", "a column of a table not to learn from; may be repeated",
        is_repeatable=True),
    _Option("--only", "NAME", "a column of a table to learn from, and no others; may be repeated",
        is_repeatable=True),
    _Option("--kind", "NAME=KIND",
        "what a column of a table is, if not what it is taken for: number, category, boolean, "
        "date, text or ignore; may be repeated", kind, is_repeatable=True),
    _Option("--test-split", "FRACTION",
        "fraction of the rows, drawn at random, to hold out for the test, of a file without test "
        "rows of its own, which is then loaded whole", number(0, 1), 0.2),
    *_FILE,
]
_GRADCHECK = [
    _MODEL,
    _DATA._replace(help=f"{_DATA.help} (default: random rows)", nargs="?"),
    _Option("--rows", "N", "number of rows to compute with", integer(1), 8),
    _Option("--entries", "N", "number of entries of each array to check, or all",
        lambda text: None if text == "all" else integer(1)(text), "50"),
    _Option("--seed", "N", "of random rows and entries", integer(0), 0),
    *_FILE,
    _TARGET,
]
_GRAPH = [
    _Option("--html", "",
        "write an interactive page, named like MODEL but with .html (needs ffnn[html])"),
    _Option("--out", "FILE",
        "write this file instead: .html, .svg, .png or .graphml (default: named like MODEL but "
        f"with .png); {_REPLACED}", out_file),
]
_PLOT = [
    _MODEL,
    _Option("what", "WHAT",
        "weights, gradients, curves, recording (default: all that the model has)", nargs="*"),
    _Option("--layers", "NUMBERS",
        "layers whose weights and gradients are plotted, such as 0,2 (default: all)", indices),
    _Option("--out-dir", "FOLDER",
        "where the pictures go (default: beside the model); older ones there are replaced",
        folder),
    _Option("--format", "", "of the pictures", str, "png", ("png", "svg")),
]
_PREDICTIONS = (
    "Of classes, a line has the most likely one and its probability, of numbers the numbers. The "
    "name of a class that a spreadsheet would run as a formula (it begins with =, +, -, @, a tab "
    "or a carriage return, and is no number) is written with an apostrophe before it; so is what "
    "looks like one after a separator or a control character. A name with such characters is "
    "quoted. On a terminal, what it would obey is shown as an escape."
)
_REPORT_OUT = _Option("--out", "FILE", f"also write it as a page, such as report.html; {_REPLACED}",
    page_file)
_PREDICT_OUT = _Option("--out", "FILE", f"write them to this file instead; {_REPLACED}", out_file)

_COMMANDS = {
    "train": _Command("train a new network and test it on held-out rows", [_DATA],
        {"network": _NETWORK, "training": _TRAINING, "data": _TRAINING_DATA}, _VERBOSITY),
    "evaluate": _Command("test a saved model on the test rows of a data set, or on a file",
        [_MODEL, _DATA, *_FILE, _TARGET, _THREADS]),
    "predict": _Command("print a saved model's predictions as CSV, one line per row",
        [_MODEL, _DATA, *_FILE, _PREDICT_OUT, _THREADS], details=_PREDICTIONS),
    "report": _Command("tell how well a saved model answers on rows: scores, curves and mistakes",
        [_MODEL, _DATA, *_FILE, _TARGET, _REPORT_OUT, _THREADS]),
    "summary": _Command("show the layers of a saved model and how it was trained", [_MODEL]),
    "graph": _Command("draw a saved model: every neuron, weight and gradient", [_MODEL],
        exclusive=_GRAPH),
    "plot": _Command("plot a saved model's weights, gradients and learning curves", _PLOT),
    "diagnose": _Command("look for what is wrong with a saved model, and suggest remedies",
        [_MODEL, _DATA, *_FILE, _TARGET]),
    "gradcheck": _Command("check a saved model's gradients by finite differences", _GRADCHECK),
    "info": _Command("show versions, the BLAS library, and where MNIST is looked for",
        [_DATA_DIR]),
}
