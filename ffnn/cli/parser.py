"""The commands of ``ffnn``, and how what is typed is read."""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ffnn._version import __version__
from ffnn.cli import exit_codes
from ffnn.cli.hints import hint_at_command, hint_at_option
from ffnn.cli.options import (
    CONTRIBUTIONS,
    DATA,
    DATA_DIR,
    EXPLAINED,
    EXPORT,
    FILE,
    GRADCHECK,
    GRAPH,
    MODEL,
    NETWORK,
    ONNX_FILE,
    PLAIN,
    PLAY,
    PLOT,
    PREDICT_OUT,
    PREDICTIONS,
    REPORT_OUT,
    TARGET,
    THREADS,
    TRAINING,
    TRAINING_DATA,
    VERBOSITY,
    Option,
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
  .npy       x.npy with y.npy beside it, or x_train.npy and so on, as in .npz;
             rows in .npy and .h5 may be larger than memory

examples:
  ffnn train digits
  ffnn train mnist --hidden 128,64 --batch-size 64 --out model.h5
  ffnn train flowers.csv --target species --out flowers.h5
  ffnn train houses.tsv.gz --exclude "price, net" --kind zip=category
  ffnn train houses.csv --ensemble 5 --time 60 --out houses.h5
  ffnn predict flowers.h5 new_flowers.csv
  ffnn play
  ffnn graph flowers.h5 --html
  ffnn COMMAND --help

""" + textwrap.fill(
    f"exit codes: {_EXIT_CODES}. With FFNN_DEBUG=1 in the environment an error shows where in "
    "the code it was raised.",
    width=80,
)


class _Command(NamedTuple):
    """A command's line in the help of ``ffnn``, and its options."""

    help: str
    options: Iterable[Option]
    groups: Mapping[str, Iterable[Option]] = {}
    exclusive: Iterable[Option] = ()  # at most one of these
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


def _add(add_argument: Callable[..., argparse.Action], options: Iterable[Option]) -> None:
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


# fmt: off
_COMMANDS = {
    "train": _Command("train a new network and test it on held-out rows", [DATA],
        {"network": NETWORK, "network, with --preset plain": PLAIN, "training": TRAINING,
            "data": TRAINING_DATA}, VERBOSITY),
    "play": _Command("watch a network learn, on a page in the browser", PLAY),
    "evaluate": _Command("test a saved model on the test rows of a data set, or on a file",
        [MODEL, DATA, *FILE, TARGET, THREADS]),
    "predict": _Command("print a saved model's predictions as CSV, one line per row",
        [MODEL, DATA, *FILE, PREDICT_OUT, THREADS], details=PREDICTIONS),
    "report": _Command("tell how well a saved model answers on rows: scores, curves and mistakes",
        [MODEL, DATA, *FILE, TARGET, REPORT_OUT, THREADS]),
    "explain": _Command("tell what each column contributes to a saved model's answer for a row",
        [MODEL, DATA, *EXPLAINED, *FILE, REPORT_OUT, THREADS], details=CONTRIBUTIONS),
    "summary": _Command("show the layers of a saved model and how it was trained", [MODEL]),
    "graph": _Command("draw a saved model: every neuron, weight and gradient", [MODEL],
        exclusive=GRAPH),
    "plot": _Command("plot a saved model's weights, gradients and learning curves", PLOT),
    "diagnose": _Command("look for what is wrong with a saved model, and suggest remedies",
        [MODEL, DATA, *FILE, TARGET]),
    "gradcheck": _Command("check a saved model's gradients by finite differences", GRADCHECK),
    "export": _Command("write a saved model for other programs: ONNX, C, Python, JavaScript",
        EXPORT),
    "info": _Command("show versions, the BLAS library, and where MNIST is looked for; or what is "
        "in an .onnx file", [ONNX_FILE, DATA_DIR]),
}
