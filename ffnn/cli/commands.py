"""The commands that use a saved model.

Each takes the parsed options, prints its results on standard output, and raises if it fails.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn import reports
from ffnn.charts.files import save_figure
from ffnn.cli.data import (
    evaluation_data,
    explained_rows,
    load_compiled,
    prediction_rows,
    shown_data,
)
from ffnn.cli.exit_codes import CheckFailedError, usage_errors
from ffnn.cli.output import check_writable, print_scores, say
from ffnn.cli.tables import input_names
from ffnn.cli.trained import note_trained_rows, tell_trained_rows
from ffnn.cli.values import is_file
from ffnn.core.checks import nearest
from ffnn.core.console import is_open, is_terminal, show
from ffnn.core.files import replace_whole
from ffnn.core.text import counted
from ffnn.errors import visible
from ffnn.gradcheck import gradient_check
from ffnn.layers import Normalization, Rescaling
from ffnn.losses import LOSSES
from ffnn.models.averaging import members_of
from ffnn.models.network import EVALUATION_BATCH_SIZE
from ffnn.reports.contributions import Contributions, choose_outputs, find_baseline
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from matplotlib.figure import Figure

    from ffnn._types import Array

_ROWS_A_PART = 8 * EVALUATION_BATCH_SIZE  # of predictions, which are written as they are made
_SEPARATORS = r""",;|"\x00-\x1f\x7f-\x9f\u2028\u2029"""
_ABSENT = {
    "gradients": "the model has none yet: train it first",
    "curves": "the model has no history: train it first",
    "recording": "the model was trained without a Recorder",
}
# What ends a field of a table in some program, and what begins a formula in some spreadsheet.
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")
_FORMULA = re.compile(rf"(^[{_SEPARATORS}]*|[{_SEPARATORS}]+)([=+\-@＝＋－＠][^{_SEPARATORS}]*)")


def evaluate(args: argparse.Namespace) -> None:
    """Print the loss and the metrics of a saved model."""
    model = load_compiled(args.model)
    x, y = evaluation_data(args, model)
    show(f"{Path(args.data).name}: {counted(x.shape[0], 'row')}")
    tell_trained_rows(model, x, y)
    print_scores(model, x, y, "test", with_baseline=is_file(args.data))


def predict(args: argparse.Namespace) -> None:
    """Write a saved model's predictions as CSV: class and probability, or numbers."""
    if args.out:
        check_writable(args.out, args.data, args.model, label="--out ")
    elif not is_open(sys.stdout):
        raise argparse.ArgumentTypeError("there is no standard output; use --out FILE")
    model = Sequential.load(args.model)
    parts = _predicted_lines(model, prediction_rows(args, model))
    if args.out:
        replace_whole(args.out, ("".join(lines).encode(errors="replace") for lines in parts))
        return
    stream = sys.stdout
    for lines in parts:
        for line in map(visible, lines) if is_terminal(stream) else lines:
            stream.write(line)


def report(args: argparse.Namespace) -> None:
    """Print how well a saved model answers, and write it as a page if asked to."""
    if args.out:
        check_writable(args.out, args.data, args.model, label="--out ")
    model = load_compiled(args.model)
    x, y, rows = shown_data(args, model)
    found = reports.report(model, x, y, rows)
    found.note = "; ".join(note_trained_rows(model, x, y))
    show(str(found))
    if args.out:
        found.save(args.out, f"{Path(args.model).name} on {Path(args.data).name}")
        show(f"written: {args.out}")


def explain(args: argparse.Namespace) -> None:
    """Print what each column contributes to a saved model's answer for some rows."""
    if args.out:
        check_writable(args.out, args.data, args.model, label="--out ")
    model = load_compiled(args.model)
    rows = explained_rows(args, model)
    with usage_errors(ValueError):
        places = choose_outputs(model, rows, args.output)
    found = Contributions(model, rows, find_baseline(model), places)
    show(str(found))
    if args.out:
        found.save(args.out, f"{Path(args.model).name} on {Path(args.data).name}")
        show(f"written: {args.out}")


def summary(args: argparse.Namespace) -> None:
    """Print a saved model's layers, how it was trained, and its last epoch."""
    model = Sequential.load(args.model)
    model.summary()
    if model.loss is not None and model.optimizer is not None:
        say(f"loss: {LOSSES.name_of(model.loss)}")
        say(f"optimizer: {model.optimizer!r}, {counted(model.optimizer.iterations, 'update')} made")
    if model.class_names:
        say(f"classes: {', '.join(model.class_names)}")
    if columns := input_names(model):
        say(f"columns: {', '.join(columns)}")
    if model.encoder is not None and model.encoder.target is not None:
        say(f"target: {model.encoder.target.name}")
    if model.history is not None and model.history.epoch:
        numbers = (f"{name} {values[-1]:.4f}" for name, values in model.history.history.items())
        say(f"epoch {model.history.epoch[-1] + 1}: {', '.join(numbers)}")
    if model.recording is not None and model.recording.epochs:
        kept = counted(len(model.recording.snapshots), "epoch")
        say(f"recorded: {counted(len(model.recording.epochs), 'epoch')}, all weights of {kept}")


def graph(args: argparse.Namespace) -> None:
    """Write a saved model's graph as a page, a picture or GraphML."""
    model = Sequential.load(args.model)
    out = Path(args.out or Path(args.model).with_suffix(".html" if args.html else ".png"))
    members = members_of(model)  # of an ensemble, each of which has a picture of its own
    pictures = (
        {out: model}
        if not members
        else {
            out.with_name(f"{out.stem}_{number}{out.suffix}"): member
            for number, member in enumerate(members, start=1)
        }
    )
    for path in pictures:
        check_writable(path, args.model)
    kept = model.recording.rows if members and model.recording is not None else None
    rows = {"x": kept.x, "y": kept.y} if kept is not None and out.suffix == ".html" else {}
    with usage_errors(ValueError, RuntimeError, ImportError):
        for path, drawn in pictures.items():
            drawn.save_graph(path, **rows)
            show(f"written: {path}")


def export(args: argparse.Namespace) -> None:
    """Write a saved model for other programs."""
    model = Sequential.load(args.model)
    check_writable(args.out, args.model)
    options = {} if args.opset is None else {"opset": args.opset}
    is_onnx = args.out.lower().endswith(".onnx")
    if options and not is_onnx:
        raise argparse.ArgumentTypeError("--opset is for .onnx files")
    with usage_errors(ValueError, RuntimeError, ImportError, NotImplementedError):
        model.export(args.out, **options)
    show(f"written: {args.out}")
    if model.encoder is not None and not args.out.lower().endswith((".py", ".js")):
        show("it takes the encoded columns, not those of the table")


def plot(args: argparse.Namespace) -> None:
    """Write pictures of a saved model's weights, gradients, learning curves and recording."""
    model = Sequential.load(args.model)
    plots = _plots(model, args.layers)
    for name in args.what:
        if name not in plots:
            problem = f"unknown plot {name!r}{nearest(name, plots)}; known: {', '.join(plots)}"
            if name in _ABSENT:
                problem = f"{name}: {_ABSENT[name]}"
            raise argparse.ArgumentTypeError(problem)
    folder = Path(args.out_dir) if args.out_dir else Path(args.model).parent
    stem = Path(args.model).stem
    targets = {name: folder / f"{stem}_{name}.{args.format}" for name in args.what or plots}
    for out in targets.values():
        check_writable(out, args.model)
    for name, out in targets.items():
        with usage_errors(ValueError, IndexError, RuntimeError, label=f"{name}: "):
            figure = plots[name]()
        save_figure(figure, out)
        show(f"written: {out}")


def diagnose(args: argparse.Namespace) -> None:
    """Print what is likely wrong with a saved model or the data, and how to fix it."""
    model = load_compiled(args.model)
    x, y = evaluation_data(args, model)
    show(str(model.diagnose(x, y)))


def gradcheck(args: argparse.Namespace) -> None:
    """Compare a saved model's gradients with finite differences, and raise if they do not agree."""
    model = load_compiled(args.model)
    if args.data:
        x, y = evaluation_data(args, model)
        x, y = x[: args.rows], y[: args.rows]
    else:
        x, y = _random_rows(model, args.rows, args.seed)
    report = gradient_check(
        model, x, y, max_entries=args.entries, seed=args.seed, progress=is_terminal(sys.stderr)
    )
    show(str(report))
    if not report.checked:
        raise CheckFailedError("no entry could be checked; try more --rows")
    if not report.is_right:
        raise CheckFailedError("the gradients do not agree with finite differences")


# -- parts -------------------------------------------------------------------------------------


def _plots(model: Sequential, layers: list[int] | None) -> dict[str, Callable[[], Figure]]:
    """Return what can be plotted of a model, by name."""
    plots: dict[str, Callable[[], Figure]] = {"weights": lambda: model.plot_weights(layers)}
    if model.has_gradients:
        plots["gradients"] = lambda: model.plot_gradients(layers)
    history, recording = model.history, model.recording
    if history is not None and history.epoch:
        plots["curves"] = history.plot
    if recording is not None and recording.epochs:
        plots["recording"] = recording.plot
    return plots


def _predicted_lines(model: Sequential, x: Any) -> Iterator[list[str]]:
    """Yield lines of CSV for some thousand rows at a time, the header with the first."""
    source, stages = model.open_inputs(x), model.replicas()
    for start in range(0, len(source), _ROWS_A_PART):
        part = source.part(start, min(start + _ROWS_A_PART, len(source)))
        header, rows = _predictions(model, model.compute(part, stages))
        lines = itertools.chain([] if start else [header], rows)
        yield [*map(_csv_line, lines)]


def _predictions(model: Sequential, output: Array) -> tuple[list[str], Iterable[list[str]]]:
    """Return a header and rows of text: class and probability, or numbers as they are."""
    task = "numbers" if model.loss is None else model.loss.task
    names = model.class_names
    units = output.shape[1]
    if units == 1 and (names is not None or task == "probabilities"):
        output, units = np.hstack([1.0 - output, output]), 2
    elif names is None and task != "classes":
        header = [f"prediction_{i}" for i in range(units)] if units > 1 else ["prediction"]
        return header, ([str(value) for value in row] for row in output)
    if names is None or len(names) != units:
        names = [str(i) for i in range(units)]
    best = output.argmax(axis=1)
    values = output[np.arange(len(output)), best]
    names = [_quoted(name) for name in names]
    rows = ([names[i], f"{value:.6f}"] for i, value in zip(best, values, strict=True))
    return ["class", "probability"], rows


def _quoted(name: str) -> str:
    """Return a class name that no spreadsheet runs: what is like a formula gets an apostrophe.

    A formula may begin behind separators and control characters too: not every program heeds the
    quotation marks around a field, and some drop what stands before it.
    """
    quoted = _FORMULA.sub(_quoted_formula, name)
    return f"'{name}" if quoted == name and name.startswith(("\t", "\r")) else quoted


def _quoted_formula(found: re.Match[str]) -> str:
    before, formula = found.groups()
    with contextlib.suppress(ValueError):
        float(formula)
        return found[0]
    return f"{before}'{formula}" if found.start() else f"'{found[0]}"


def _csv_line(fields: Iterable[str]) -> str:
    """Return a line of CSV whose fields no program takes for several, whatever separates there."""
    quoted = (
        f'"{field.replace(chr(34), 2 * chr(34))}"' if _SEPARATOR.search(field) else field
        for field in fields
    )
    return ",".join(quoted) + "\n"


def _random_rows(model: Sequential, rows: int, seed: int) -> tuple[Array, Array]:
    """Return rows that the first layer standardises, and targets that suit the loss."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, model.input_dim or 1))
    first = model.layers[0]
    if isinstance(first, Rescaling):
        x = (x - first.offset) / (first.scale or 1.0)
    elif isinstance(first, Normalization):
        x = first.state["mean"] + x * np.sqrt(first.state["variance"])
    assert model.loss is not None
    units = model.output_dim or 1
    if model.loss.task == "classes":
        return x, rng.integers(0, units, rows)
    if model.loss.task == "probabilities":
        return x, rng.integers(0, 2, (rows, units))
    output = model.predict(x).astype(np.float64)
    return x, output + (output.std() or 1.0) * rng.standard_normal(output.shape)
