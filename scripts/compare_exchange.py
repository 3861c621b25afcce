"""How far each layer is from itself in every format that it can go to.

    python scripts/compare_exchange.py [--networks N] [--first N] [--formats NAMES] [--page]

Formats whose library, compiler or node is not installed are left out. With ``--page`` it puts,
for each layer and activation between two `Dense` layers in float32, the largest difference over
200 rows, relative to max(1, |y|), into a table of `docs/exchange.md`: ``=`` are the same bits. Else
it compares so many random networks (500) of all layers, activations and dtypes, from the one of
number ``--first`` on, and prints for each format how many differ by more than 1e-6, and the largest
difference, of which network it is, and how far that network in float32 is here from itself in
float64: what float32 cannot hold, formats cannot agree on.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path += [str(Path(__file__).parents[1] / each) for each in ("benchmarks", "tests/shared")]

import numpy as np
from common import cpu_model
from page_sections import keep
from random_networks import distance, random_network
from tqdm import tqdm

import ffnn
from ffnn import activations, exchange, layers
from ffnn.activations import ACTIVATIONS

COMPILER, NODE = shutil.which("cc") or "", shutil.which("node") or ""
Run = Callable[[ffnn.Sequential, np.ndarray, Path], Any]


def by_onnx(opset: int, model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    content = exchange.to_onnx(model, opset=opset).SerializeToString()
    return onnxruntime.InferenceSession(content, options).run(None, {"x": x})[0]


def by_torch(model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by PyTorch."""
    import torch

    with torch.no_grad():
        return exchange.to_torch(model)(torch.tensor(x)).numpy()


def by_keras(model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by Keras."""
    return exchange.to_keras(model).predict(x, verbose=0)


def by_c(model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by a compiled C file."""
    source, library = folder / "m.c", Path(tempfile.mkstemp(".so", dir=folder)[1])
    exchange.to_c(model, source)
    flags = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-O2", "-fPIC", "-shared"]
    subprocess.run([COMPILER, *flags, source, "-o", library, "-lm"], check=True)
    predict, pointer = ctypes.CDLL(str(library)).predict, ctypes.POINTER(ctypes.c_float)
    rows, y = x.astype(np.float32), np.empty((len(x), model.output_dim or 0), np.float32)
    for row, out in zip(rows, y, strict=True):
        predict(row.ctypes.data_as(pointer), out.ctypes.data_as(pointer))
    return y


def by_python(model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by a Python file."""
    exchange.to_python(model, folder / "m.py")
    return runpy.run_path(str(folder / "m.py"))["predict"](x.tolist())


def by_javascript(model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by a JavaScript file."""
    exchange.to_javascript(model, folder / "m.mjs")
    (folder / "x.mjs").write_text(f"export default {json.dumps(x.tolist())};", encoding="utf-8")
    code = (
        f"import {{ predict }} from '{folder}/m.mjs'; import x from '{folder}/x.mjs';"
        "const entry = (key, y) => (typeof y === 'number' ? String(y) : y);"  # JSON has no NaN
        "console.log(JSON.stringify(predict(x), entry));"
    )
    command = [NODE, "--input-type=module", "--eval", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout), float)


def back_from_onnx(model: ffnn.Sequential, x: np.ndarray, folder: Path) -> Any:
    """Compute by what comes back from a file."""
    exchange.to_onnx(model, folder / "m.onnx")
    return exchange.from_onnx(folder / "m.onnx").predict(x)


FORMATS: dict[str, tuple[bool, Run]] = {  # name → whether it can be run here, and how
    "ONNX 17": (importlib.util.find_spec("onnxruntime") is not None, partial(by_onnx, 17)),
    "ONNX 20": (importlib.util.find_spec("onnxruntime") is not None, partial(by_onnx, 20)),
    "ONNX 23": (importlib.util.find_spec("onnxruntime") is not None, partial(by_onnx, 23)),
    "ONNX 24": (importlib.util.find_spec("onnxruntime") is not None, partial(by_onnx, 24)),
    "ONNX and back": (importlib.util.find_spec("onnx") is not None, back_from_onnx),
    "PyTorch": (importlib.util.find_spec("torch") is not None, by_torch),
    "Keras": (importlib.util.find_spec("keras") is not None, by_keras),
    "C": (bool(COMPILER), by_c),
    "Python": (True, by_python),
    "JavaScript": (bool(NODE), by_javascript),
}


def parts(rows: np.ndarray) -> dict[str, list[Any]]:
    """Return each part by its name, as a chain between two `Dense` layers."""
    single: dict[str, Callable[[], Any]] = {
        f"`{ACTIVATIONS.name_of(kind())}`": kind
        for kind in sorted(set(ACTIVATIONS.classes.values()), key=lambda kind: kind.__name__)
    }
    single |= {
        '`GELU("tanh")`': partial(activations.GELU, "tanh"),
        "`BatchNorm`": layers.BatchNorm,
        "`LayerNorm`": layers.LayerNorm,
        "`RMSNorm`": layers.RMSNorm,
        "`Scale`": layers.Scale,
        "`ParametricActivation`": partial(layers.ParametricActivation, "selu"),
        "`PReLU`": layers.PReLU,
        "`PReLU(shared=True)`": partial(layers.PReLU, shared=True),
        "`Dropout`": partial(layers.Dropout, 0.3),
        "`Clamp`": partial(layers.Clamp, -1.0, 1.0),
        "`Rescaling`": partial(layers.Rescaling, 0.5, 0.1),
    }
    chains = {name: [layers.Dense(8), make(), layers.Dense(3)] for name, make in single.items()}
    chains['`Dense(parametrization="ntk")`'] = [
        layers.Dense(8, "tanh", parametrization="ntk"),
        layers.Dense(3),
    ]
    first = {
        "`Normalization`": layers.Normalization().adapt(rows),
        "`PiecewiseLinear`": layers.PiecewiseLinear().adapt(rows),
        "`PeriodicEmbedding`": layers.PeriodicEmbedding(),
        "`Embedding`": layers.Embedding([4], columns=[0]),
    }
    return chains | {name: [layer, layers.Dense(3)] for name, layer in first.items()}


def keep_table(chosen: dict[str, Run], folder: Path) -> None:
    """Put into the page how far each part is in each format."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4))
    rows[:, 0] = rng.integers(0, 4, len(rows))
    table = []
    for name, chain in parts(rows).items():
        model, x = ffnn.Sequential(chain, 4, seed=0), rows.astype(np.float32)
        expected, cells = model.predict(x), list[str]()
        for run in chosen.values():
            found = np.asarray(run(model, x, folder))
            far = distance(found, expected)
            cells.append("=" if far == 0.0 else f"{far:.0e}")
        table.append([name, *cells])
    by = "python scripts/compare_exchange.py --page"
    keep("exchange.md", "formats", cpu_model(), by, ["", *chosen], table)


def in_double(seed: int, model: ffnn.Sequential) -> ffnn.Sequential:
    """Return the random network of this number with the values of `model`, in float64."""
    other, _ = random_network(seed, "float64")
    for layer, given in zip(other.layers, model.layers, strict=True):
        for name, array in {**layer.params, **layer.state}.items():
            array[...] = {**given.params, **given.state}[name]
    return other


def compare_random(chosen: dict[str, Run], seeds: range, folder: Path) -> None:
    """Print the largest difference of each format over random networks."""
    worst, beyond = dict.fromkeys(chosen, (0.0, "")), dict.fromkeys(chosen, 0)
    for seed in tqdm(seeds, disable=None):
        dtype = ("float32", "float64")[seed % 2]
        model, x = random_network(seed, dtype)
        x = x.astype(np.float32).astype(dtype)  # as C takes it
        expected = model.predict(x)
        own = distance(expected, in_double(seed, model).predict(x.astype(np.float64)))
        for name, run in chosen.items():
            far = distance(run(model, x, folder), expected)
            worst[name] = max(worst[name], (far, f"seed {seed}, {dtype}, {own:.1e} from float64"))
            beyond[name] += far > 1e-6
    for name, (far, which) in worst.items():
        print(f"{name:<16}{beyond[name]:>4} above 1e-06, at most {far:.2e}  ({which})")


def main() -> None:
    """Compare, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the number of the first network")
    parser.add_argument("--formats", help=f"names with commas, of {', '.join(FORMATS)}")
    parser.add_argument("--page", action="store_true", help="put a table into docs/exchange.md")
    options = parser.parse_args()
    names = options.formats.split(",") if options.formats else list(FORMATS)
    chosen = {name: FORMATS[name][1] for name in names if FORMATS[name][0]}
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        if options.page:
            keep_table(chosen, Path(folder))
        else:
            seeds = range(options.first, options.first + options.networks)
            compare_random(chosen, seeds, Path(folder))


if __name__ == "__main__":
    main()
