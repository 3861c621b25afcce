"""The options of the commands of ``ffnn``, and their help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

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
    number_of_threads,
    out_file,
    page_file,
    play_data,
    sizes,
)
from ffnn.tabular.recipe import FEW_ROWS, FEW_ROWS_NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable


class Option(NamedTuple):
    """An argument of a command; one without metavar and choices is a switch."""

    name: str
    metavar: str
    help: str
    parse: Callable[[str], Any] = str
    default: Any = None
    choices: tuple[str, ...] | None = None
    nargs: str | None = None
    is_repeatable: bool = False


_REPLACED = "an old file is replaced, unless it is read-only, once the new one is complete"
# A table reads better with an option to a paragraph.
# fmt: off
MODEL = Option("model", "MODEL", "a file saved by ffnn train --out", model)
DATA = Option("data", "DATA",
    "digits, mnist, a table such as a .csv or .xlsx file, or a .npz, .npy or .h5 file", data)
DATA_DIR = Option("--data-dir", "FOLDER",
    "where MNIST is (default: $FFNN_DATA_DIR, else a cache that a download fills)")
TARGET = Option("--target", "COLUMN",
    "the column of a table to compare with (default: the one that the model learned, else the one "
    "that it does not read, else the last one)")
THREADS = Option("--threads", "N",
    "threads for matrix products, or auto: what is fastest for a training, measured once for its "
    "size (default: the BLAS library's choice, see ffnn info; to train with --preset table 1)",
    number_of_threads)
_FOUND = "(default: found out, or what the model was trained with)"
FILE = [
    Option("--missing", "",
        "what to do where a row of a table lacks a value: let the model's encoder fill it in, "
        "leave the row out, or stop with a list of the columns", str, "impute",
        ("impute", "drop", "error")),
    Option("--missing-value", "TEXT",
        "an entry of a table that stands for a missing value, such as -200 or n.d., besides usual "
        "ones such as NA; may be repeated (default: what the model was trained with)",
        is_repeatable=True),
    Option("--delimiter", "CHARACTER",
        f"between the fields of a table's lines; tab for a tab {_FOUND}", delimiter),
    Option("--encoding", "NAME", f"of a table's text, such as latin-1 {_FOUND}", encoding),
    Option("--decimal", "MARK", f"what marks decimals in a table: a point or a comma {_FOUND}",
        str, None, (".", ",")),
    Option("--no-header", "",
        "the first line of a table is a row; the columns are named column_1, column_2, ..."),
    DATA_DIR,
]
NETWORK = [
    Option("--preset", "",
        "table: the network for tables that needs no tuning; plain: the network of the options "
        "below (default: table for tables, unless such an option is given; plain for other data)",
        str, None, ("table", "plain")),
    Option("--ensemble", "K",
        "with --preset table: train K networks, each validated on another of K parts of the "
        "training rows, and predict the mean of theirs (default: "
        f"{FEW_ROWS_NETWORKS} of fewer than {FEW_ROWS} training rows, else 1)", integer(1)),
]
PLAIN = [
    Option("--hidden", "SIZES",
        "units of the hidden layers, such as 128,64; none for no hidden layer", sizes, "128"),
    Option("--activation", "NAMES",
        "of the hidden layers, one for all or one for each, such as relu,tanh", names, "relu"),
    Option("--normalization", "NAME",
        "layer between the linear part and the activation of each hidden layer", str, "none"),
    Option("--dropout", "RATE",
        "fraction of each hidden layer's outputs that a training step drops", number(0, 1), 0.0),
    Option("--initializer", "NAME", "of the weights", str, "glorot_uniform"),
    Option("--l1", "FACTOR", "of the penalty on the sum of |weight|", number(0), 0.0),
    Option("--l2", "FACTOR", "of the penalty on the sum of squared weights", number(0), 0.0),
    Option("--batch-size", "N", "mini-batch size", integer(1), 32),
    Option("--accumulate", "N",
        "the number of mini-batches to an update, which is that of one batch of all their rows",
        integer(1), 1),
    Option("--optimizer", "NAME", "the rule that updates the weights", str, "adam"),
    Option("--learning-rate", "RATE",
        "step size of the optimizer (default: the optimizer's own, see below)",
        number(0, low_open=True)),
    Option("--momentum", "FACTOR",
        "of an optimizer that has momentum, such as sgd (default: the optimizer's own)",
        number(0, 1)),
    Option("--clipnorm", "NORM",
        "the largest gradient norm that an update uses (default: no limit)",
        number(0, low_open=True)),
    Option("--loss", "NAME",
        "the function to minimise (default: categorical_crossentropy for classes, "
        "mean_squared_error for numbers); for numbers it is measured in units of the target's "
        "standard deviation, for mean_squared_error of its variance"),
    Option("--patience", "EPOCHS",
        "stop when the validation loss (without validation rows: the loss) has not improved for "
        "this many epochs, and restore the best weights (default: never)", integer(1)),
    Option("--loss-threshold", "LOSS",
        "stop after the first epoch whose training loss is at most this (default: never)",
        number(-math.inf)),
]
TRAINING = [
    Option("--epochs", "N",
        "the most passes over the training rows (default: with --preset table as many as make "
        "about 9,000 updates, from 8 to 256; with plain 20, of a table as many as make about "
        "5,000 updates, from 20 to 120)", integer(1)),
    Option("--validation-split", "FRACTION",
        "fraction of the training rows, the last ones, to validate on instead of training "
        "(default: with --preset table 0.1; with plain 0, of a table of 100 rows or more 0.1, with "
        "--patience 20)", number(0, 1)),
    Option("--time", "SECONDS",
        "with --preset table: the time for reading, training and testing, for which a shorter "
        "training is planned where it would take longer", number(0, low_open=True)),
    Option("--micro-batches", "K",
        "the number of parts that each mini-batch is cut into; the update is that of the whole, "
        "in the memory of a part (batch normalisation and dropout see each part by itself)",
        integer(1), 1),
    Option("--workers", "N",
        "the number of threads that compute these parts; the result is the same for any",
        integer(1), 1),
    Option("--distributed", "",
        "share the parts out among the processes of mpiexec -n R ffnn train ... (needs ffnn[mpi]); "
        "the result is the same for any R"),
    Option("--timeout", "SECONDS",
        "with --distributed: the time after which a process that does not answer is taken as "
        "lost, and all of them end with exit code 75; more than a validation takes",
        number(0, low_open=True), 300.0),
    Option("--seed", "N", "of initial values, shuffling, dropout and the test split",
        integer(0), 0),
    Option("--out", "FILE",
        "save the model in this file, such as model.h5, also when Ctrl-C or SIGTERM ends the "
        f"training; {_REPLACED}", out_file),
    Option("--record", "",
        "also keep in it how weights, gradients and activations change from epoch to epoch, for "
        "ffnn graph --html and ffnn plot; resume with it, too"),
    Option("--watch", "",
        "show the training on a page of this machine while it runs, and print its address (needs "
        "ffnn[html])"),
    Option("--report", "FILE",
        "write a page about the test rows, such as report.html: scores, curves and mistakes",
        page_file),
    Option("--save-every", "EPOCHS",
        "also save it whenever this many epochs have passed, to resume from (default: never)",
        integer(1)),
    Option("--resume", "",
        "resume the training that --out holds as if it had never stopped, given the same data "
        "and options (only --save-every, --threads, --workers, the number of processes, --quiet "
        "and --verbose may differ, with --preset plain also --epochs); start a new one if there "
        "is no such file"),
    THREADS,
]
VERBOSITY = [
    Option("--quiet", "", "print only the test results, and draw no bars"),
    Option("--verbose", "", "print one line per epoch even where a progress bar could be shown"),
]
TRAINING_DATA = [
    Option("--target", "COLUMN", "the column of a table to learn (default: the last one)"),
    Option("--task", "",
        "auto takes a target of text, of one-hot rows or of at most 20 distinct integers (of a "
        "table, with ten rows each) as classes, any other as numbers", str, "auto",
        ("auto", "classification", "regression")),
    Option("--exclude", "NAME", "a column of a table not to learn from; may be repeated",
        is_repeatable=True),
    Option("--only", "NAME", "a column of a table to learn from, and no others; may be repeated",
        is_repeatable=True),
    Option("--kind", "NAME=KIND",
        "what a column of a table is, if not what it is taken for: number, category, boolean, "
        "date, text or ignore; may be repeated", kind, is_repeatable=True),
    Option("--test-split", "FRACTION",
        "fraction of the rows, drawn at random, to hold out for the test, of a file without test "
        "rows of its own, which is then loaded whole", number(0, 1), 0.2),
    *FILE,
]
GRADCHECK = [
    MODEL,
    DATA._replace(help=f"{DATA.help} (default: random rows)", nargs="?"),
    Option("--rows", "N", "number of rows to compute with", integer(1), 8),
    Option("--entries", "N", "number of entries of each array to check, or all",
        lambda text: None if text == "all" else integer(1)(text), "50"),
    Option("--seed", "N", "of random rows and entries", integer(0), 0),
    *FILE,
    TARGET,
]
GRAPH = [
    Option("--html", "",
        "write an interactive page, named like MODEL but with .html"),
    Option("--out", "FILE",
        "write this file instead: .html, .svg, .png or .graphml (default: named like MODEL but "
        f"with .png); {_REPLACED}", out_file),
]
PLOT = [
    MODEL,
    Option("what", "WHAT",
        "weights, gradients, curves, recording (default: all that the model has)", nargs="*"),
    Option("--layers", "NUMBERS",
        "layers whose weights and gradients are plotted, such as 0,2 (default: all)", indices),
    Option("--out-dir", "FOLDER",
        "where the pictures go (default: beside the model); older ones there are replaced",
        folder),
    Option("--format", "", "of the pictures", str, "png", ("png", "svg")),
]
PLAY = [
    Option("data", "DATA",
        "circles, xor, gaussians, spiral, moons, plane, hill, or DATA as for ffnn train (default: "
        "circles)", play_data, nargs="?"),
    Option("--settings", "FILE", "begin with the settings that the page has saved in this file"),
    Option("--port", "N", "the first port to try on this machine", integer(1), 5006),
    Option("--no-browser", "", "print the address of the page and open no browser"),
    *TRAINING_DATA,
]
PREDICTIONS = (
    "Of classes, a line has the most likely one and its probability, of numbers the numbers. The "
    "name of a class that a spreadsheet would run as a formula (it begins with =, +, -, @, a tab "
    "or a carriage return, and is no number) is written with an apostrophe before it; so is what "
    "looks like one after a separator or a control character. A name with such characters is "
    "quoted. On a terminal, what it would obey is shown as an escape."
)
REPORT_OUT = Option("--out", "FILE", f"also write it as a page, such as report.html; {_REPLACED}",
    page_file)
CONTRIBUTIONS = (
    "The difference between the answer for the row and that for the typical row of the training "
    "(medians and most frequent entries; of a model without an encoder a row of zeros) is shared "
    "out among the columns by integrated gradients: the contributions add up to it within 1 %, or "
    "it is said by how much they miss it. Of classes the answer is the probability of one."
)
EXPLAINED = [
    Option("--row", "N",
        "a row to explain, counted from 1 in a table, else from 0; may be repeated (default: the "
        "first one)", integer(0), is_repeatable=True),
    Option("--output", "NAME",
        "the class, label or output to explain (default: the class that the model predicts)"),
]
EXPORT = [
    MODEL,
    Option("out", "PATH",
        "where to write, by the suffix: .onnx (needs ffnn[onnx]), .c, .py or .js, source code that "
        f"needs nothing, or .safetensors (needs ffnn[safetensors]); {_REPLACED}", out_file),
    Option("--opset", "N",
        "the version of the operators of an .onnx file, 17 to 24 (default: 17, which most programs "
        "read)", integer(17)),
]
ONNX_FILE = Option("file", "FILE", "an .onnx file, to say what is in it", out_file, nargs="?")
PREDICT_OUT = Option("--out", "FILE", f"write them to this file instead; {_REPLACED}", out_file)
