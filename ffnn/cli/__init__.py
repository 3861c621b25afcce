"""The command ``ffnn``: its options, and what becomes of errors.

NumPy and all that needs it are loaded when a command runs, so ``ffnn --help`` is quick. What the
commands do stands in `ffnn.cli.commands`, how they read data in `ffnn.cli.data`.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ffnn._version import __version__
from ffnn.errors import DataError, LayerError, ModelFileError, TrainingDivergedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED, USAGE, DIVERGED, BAD_MODEL, INTERRUPTED, TERMINATED = 1, 2, 3, 4, 130, 143
_CODES = {
    argparse.ArgumentTypeError: USAGE,
    DataError: USAGE,
    TrainingDivergedError: DIVERGED,
    ModelFileError: BAD_MODEL,
}

_EPILOG = """\
DATA is digits (1,797 handwritten digits in the package), mnist, or a file:
  .csv       a header line, then a line a row; the last column is the target
  .npz .h5   arrays x_train and y_train, perhaps x_test and y_test; or x and y

examples:
  ffnn train digits
  ffnn train mnist --hidden 128,64 --batch-size 64 --out model.h5
  ffnn train flowers.csv --target species --out flowers.h5
  ffnn predict flowers.h5 new_flowers.csv
  ffnn graph flowers.h5 --html
  ffnn COMMAND --help

exit codes: 0 done, 1 failure while running, 2 wrong usage or data, 3 training
diverged, 4 bad model file, 130 interrupted, 143 terminated. With FFNN_DEBUG=1
in the environment an error shows where in the code it was raised."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after ``ffnn``. Default: those of the process.

    Returns
    -------
    int
        The exit code: 0 done, 1 failure while running, 2 wrong usage or data, 3 training
        diverged, 4 bad model file, 130 interrupted, 143 terminated.
    """
    with contextlib.suppress(AttributeError):  # a stream that stands in for stdout
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        _discard_output()
        return FAILED
    except KeyboardInterrupt as interrupt:
        terminated = type(interrupt) is not KeyboardInterrupt  # its subclass, raised on SIGTERM
        print(f"ffnn: {'terminated' if terminated else 'interrupted'}", file=sys.stderr)
        return TERMINATED if terminated else INTERRUPTED
    except Exception as error:
        if os.environ.get("FFNN_DEBUG"):
            traceback.print_exc()
        print(f"ffnn: error: {_message(error)}", file=sys.stderr)
        return next((code for kind, code in _CODES.items() if isinstance(error, kind)), FAILED)
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = build_parser().parse_args(argv)
    except SystemExit:  # after --help and --version; errors come as ArgumentTypeError
        return 0
    from ffnn.cli import commands

    command: Callable[[argparse.Namespace], int] = getattr(commands, args.command)
    with commands.thread_limit(args):
        return command(args)


def _discard_output() -> None:
    # Otherwise Python complains at exit when it flushes what could not be written.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: Exception) -> str:
    """Return the error in one line."""
    text = " ".join(str(error).split())
    expected = (*_CODES, LayerError, OSError)
    return text if text and isinstance(error, expected) else f"{type(error).__name__}: {text}"


_DATA_HELP = "digits, mnist, or a .csv, .npz or .h5 file"


# -- options -----------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise argparse.ArgumentTypeError(f"{message} (see {self.prog} --help)")


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their options."""
    parser = _Parser(
        prog="ffnn",
        description="Train feed-forward neural networks, and use and inspect them.",
        epilog=_EPILOG,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ffnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            formatter_class=_Formatter,
            allow_abbrev=False,
        )

    _train_options(add("train", "train a new network and test it on rows kept apart"))
    evaluate = add("evaluate", "test a saved model on the test rows of a data set, or on a file")
    _model_and_data(evaluate)
    _target_option(evaluate)
    _threads_option(evaluate)
    predict = add("predict", "print a saved model's predictions as CSV, one line for each row")
    _model_and_data(predict)
    predict.add_argument("--out", metavar="FILE", help="write them into this file instead")
    _threads_option(predict)
    _model_argument(add("summary", "show the layers of a saved model and what it learned from"))
    _graph_options(add("graph", "draw a saved model: every neuron, weight and gradient"))
    _plot_options(add("plot", "plot a saved model's weights, gradients and learning curves"))
    diagnose = add("diagnose", "look for what is wrong with a saved model, and say what to do")
    _model_and_data(diagnose)
    _target_option(diagnose)
    _gradcheck_options(add("gradcheck", "check a saved model's gradients by finite differences"))
    info = add("info", "show versions, the BLAS library, and where MNIST is looked for")
    _data_dir_option(info)
    return parser


# A table reads better with an option to a paragraph.
# fmt: off


def _train_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", type=_data, help=_DATA_HELP)
    add = parser.add_argument_group("network").add_argument
    add("--hidden", metavar="SIZES", type=_sizes, default="128",
        help="units of the hidden layers, such as 128,64; none for no hidden layer")
    add("--activation", metavar="NAMES", type=_names, default="relu",
        help="of the hidden layers, one for all or one for each, such as relu,tanh: linear, relu, "
             "leaky_relu, sigmoid, tanh, softmax, swish, elu, gelu, softplus, exponential")
    add("--normalization", choices=("none", "rms", "layer", "batch"), default="none",
        help="between a hidden layer's linear part and its activation")
    add("--dropout", metavar="RATE", type=_number(0, 1), default=0.0,
        help="share of each hidden layer's outputs that a training step leaves out")
    add("--initializer", metavar="NAME", default="glorot_uniform",
        help="of the weights: glorot_uniform, glorot_normal (or xavier_...), he_uniform, "
             "he_normal, lecun_normal, random_uniform, random_normal, zeros, ones")
    add("--l1", metavar="FACTOR", type=_number(0), default=0.0,
        help="of the penalty on the sum of |weight|")
    add("--l2", metavar="FACTOR", type=_number(0), default=0.0,
        help="of the penalty on the sum of weight squared")
    _training_options(parser)
    _data_options(parser)


def _training_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    add = group.add_argument
    add("--epochs", metavar="N", type=_whole(1), default=20, help="passes over the training rows")
    add("--batch-size", metavar="N", type=_whole(1), default=32, help="rows to an update")
    add("--optimizer", metavar="NAME", default="adam", help="sgd, rmsprop, adam or adamw")
    add("--learning-rate", metavar="RATE", type=_number(0, low_open=True),
        help="(default: the optimizer's own, 0.01 for sgd, 0.001 for the others)")
    add("--momentum", metavar="FACTOR", type=_number(0, 1), help="of sgd (default: 0)")
    add("--clipnorm", metavar="NORM", type=_number(0, low_open=True),
        help="the longest gradient that an update uses (default: any)")
    add("--loss", metavar="NAME",
        help="categorical_crossentropy (the default for classes), mean_squared_error (the default "
             "for numbers), mean_absolute_error, huber or binary_crossentropy; of numbers it is "
             "measured in units of the target's spread: its variance for mean_squared_error, else "
             "its standard deviation")
    add("--validation-split", metavar="SHARE", type=_number(0, 1), default=0.0,
        help="share of the training rows, the last ones, that is only watched")
    add("--patience", metavar="EPOCHS", type=_whole(1),
        help="stop when the validation loss (without validation rows: the loss) has not become "
             "better for so many epochs, and go back to the best (default: never)")
    add("--loss-threshold", metavar="LOSS", type=_number(-math.inf),
        help="stop after an epoch whose training loss is this or less (default: never)")
    add("--seed", metavar="N", type=_whole(0), default=0,
        help="of first values, shuffling, dropout and the test split")
    add("--out", metavar="FILE",
        help="save the model in this file, such as model.h5, also when Ctrl-C or SIGTERM ends the "
             "training")
    add("--save-every", metavar="EPOCHS", type=_whole(1),
        help="save it also after every so many epochs, to resume from (default: never)")
    add("--resume", action="store_true",
        help="go on with the training that --out holds, given the same data and options, as if it "
             "had never stopped; begin anew if there is no such file")
    _threads_option(group)
    shown = group.add_mutually_exclusive_group()
    shown.add_argument("--quiet", action="store_true", help="print the test results alone")
    shown.add_argument("--verbose", action="store_true",
        help="print a line an epoch also where a bar could be shown")


def _data_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    add = group.add_argument
    add("--target", metavar="COLUMN", help="what to learn of a CSV file (default: the last column)")
    add("--task", choices=("auto", "classification", "regression"), default="auto",
        help="auto takes a target of text, of one-hot rows or of at most 20 different whole "
             "numbers as classes, any other as numbers")
    add("--exclude", metavar="COLUMNS", type=_names,
        help="columns of a CSV file not to learn from, such as id,name")
    add("--test-split", metavar="SHARE", type=_number(0, 1), default=0.2,
        help="share of the rows, drawn at random, that is kept apart for the test; of files "
             "without test rows of their own, which are then loaded whole")
    _file_options(group)


def _gradcheck_options(parser: argparse.ArgumentParser) -> None:
    _model_argument(parser)
    add = parser.add_argument
    add("data", metavar="DATA", nargs="?", type=_data, help=f"{_DATA_HELP} (default: random rows)")
    add("--rows", metavar="N", type=_whole(1), default=8, help="how many rows to compute with")
    add("--entries", metavar="N", type=_whole_or_all, default="50",
        help="how many entries of each array to check, or all")
    add("--seed", metavar="N", type=_whole(0), default=0, help="of random rows and entries")
    _file_options(parser)
    _target_option(parser)


def _graph_options(parser: argparse.ArgumentParser) -> None:
    _model_argument(parser)
    add = parser.add_mutually_exclusive_group().add_argument
    add("--html", action="store_true",
        help="write an interactive page, MODEL with the ending .html (needs ffnn[html])")
    add("--out", metavar="FILE",
        help="write this file instead: .html, .svg, .png or .graphml (default: MODEL with the "
             "ending .png)")


def _plot_options(parser: argparse.ArgumentParser) -> None:
    _model_argument(parser)
    add = parser.add_argument
    add("what", metavar="WHAT", nargs="*",
        help="weights, gradients, curves, recording (default: all that the model has)")
    add("--layers", metavar="NUMBERS", type=_indices,
        help="which layers' weights and gradients, such as 0,2 (default: all)")
    add("--out-dir", metavar="FOLDER", help="where the pictures go (default: beside the model)")
    add("--format", choices=("png", "svg"), default="png", help="of the pictures")


def _model_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a file that ffnn train --out has saved")


def _model_and_data(parser: argparse.ArgumentParser) -> None:
    _model_argument(parser)
    parser.add_argument("data", metavar="DATA", type=_data, help=_DATA_HELP)
    _file_options(parser)


def _file_options(group: argparse._ActionsContainer) -> None:
    add = group.add_argument
    add("--missing", choices=("error", "drop"), default="error",
        help="what to do with a CSV row that lacks a value")
    add("--delimiter", metavar="CHARACTER", type=_delimiter, default=",",
        help="between the fields of a CSV row; tab for a tab")
    _data_dir_option(group)


def _target_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", metavar="COLUMN",
        help="the column of a CSV file to compare with (default: the one that the model does not "
             "read, else the last)")


def _threads_option(group: argparse._ActionsContainer) -> None:
    group.add_argument("--threads", metavar="N", type=_whole(1),
        help="threads of the matrix products (default: as the BLAS library does, see ffnn info)")


def _data_dir_option(group: argparse._ActionsContainer) -> None:
    group.add_argument("--data-dir", metavar="FOLDER",
        help="where MNIST is (default: $FFNN_DATA_DIR, else a cache that a download fills)")


# fmt: on
# -- values ------------------------------------------------------------------------------------


def _data(text: str) -> str:
    if text in ("digits", "mnist") or Path(text).suffix.lower() in (".csv", ".npz", ".h5"):
        return text
    raise argparse.ArgumentTypeError(
        f"expected digits, mnist, or a path ending in .csv, .npz or .h5, got {text!r}"
    )


def _sizes(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    try:
        return tuple(_whole(1)(size) for size in text.split(","))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected whole numbers of at least 1, such as 128,64, or none, got {text!r}"
        ) from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _indices(text: str) -> list[int]:
    try:
        return [int(index) for index in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected layer numbers, such as 0,2, got {text!r}"
        ) from None


def _delimiter(text: str) -> str:
    character = "\t" if text in ("tab", "\\t") else text
    if len(character) != 1:
        raise argparse.ArgumentTypeError(f"expected one character, or tab, got {text!r}")
    return character


def _whole(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        with contextlib.suppress(ValueError):
            if int(text) >= low:
                return int(text)
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {low}, got {text!r}")

    return parse


def _whole_or_all(text: str) -> int | None:
    return None if text == "all" else _whole(1)(text)


def _number(low: float, high: float = math.inf, low_open: bool = False) -> Callable[[str], float]:
    """Return a parser of finite numbers of at least `low` (or above it) and under `high`."""
    least = f"above {low:g}" if low_open else f"of at least {low:g}"
    if low == -math.inf:
        least = "that is finite"
    limits = least if high == math.inf else f"{least} and under {high:g}"

    def parse(text: str) -> float:
        with contextlib.suppress(ValueError):
            value = float(text)
            if (low < value if low_open else low <= value) and -math.inf < value < high:
                return value
        raise argparse.ArgumentTypeError(f"expected a number {limits}, got {text!r}")

    return parse
