"""The commands that show a saved model: `graph`, `plot`, `diagnose`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ffnn.cli.data import evaluation_data, load_compiled
from ffnn.cli.exit_codes import DONE, usage_errors
from ffnn.cli.output import check_writable
from ffnn.core.checks import nearest
from ffnn.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure


def graph(args: argparse.Namespace) -> int:
    """Write a saved model's graph as a page, a picture or GraphML."""
    out = Path(args.out or Path(args.model).with_suffix(".html" if args.html else ".png"))
    check_writable(out, [args.model])
    model = Sequential.load(args.model)
    with usage_errors(ValueError, RuntimeError, ImportError):
        model.save_graph(out)
    print(f"written: {out}")
    return DONE


def plot(args: argparse.Namespace) -> int:
    """Write pictures of a saved model's weights, gradients, learning curves and recording."""
    model = Sequential.load(args.model)
    plots = _plots(model, args.layers)
    for name in args.what:
        if name not in plots:
            raise argparse.ArgumentTypeError(_unknown(name, plots))
    folder = Path(args.out_dir) if args.out_dir else Path(args.model).parent
    stem = Path(args.model).stem
    for name in args.what or plots:
        out = folder / f"{stem}_{name}.{args.format}"
        check_writable(out, [args.model])
        with usage_errors(ValueError, IndexError, RuntimeError, label=f"{name}: "):
            figure = plots[name]()
        figure.savefig(out, dpi=150)
        print(f"written: {out}")
    return DONE


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


_ABSENT = {
    "gradients": "the model has none yet: train it first",
    "curves": "the model has no history: train it first",
    "recording": "the model was trained without a Recorder",
}


def _unknown(name: str, known: dict[str, Callable[[], Figure]]) -> str:
    if name in _ABSENT:
        return f"{name}: {_ABSENT[name]}"
    return f"unknown plot {name!r}{nearest(name, known)}; known: {', '.join(known)}"


def diagnose(args: argparse.Namespace) -> int:
    """Print what is likely wrong with a saved model or the data, and how to fix it."""
    model = load_compiled(args.model)
    x, y = evaluation_data(args, model)
    print(model.diagnose(x, y))
    return DONE
