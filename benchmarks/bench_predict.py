"""How long predictions of a 784-128-64-10 network take, next to other libraries.

    python benchmarks/bench_predict.py [--peers sklearn,torch,onnxruntime,c] [--all-cores]
                                       [--rounds N] [--quick] [--json FILE]

The cases are one row, 100 rows and 10,000 rows, float32 in and NumPy arrays out, from one Python
thread and from eight that predict at the same time. All sides have the same weights, and each must
agree with plain NumPy in float64 within 1e-4, or the benchmark fails.

Each side is a child process, pinned to one core with one thread for its matrix products; with
``--all-cores`` it has what its library takes by default. In every round each side runs
each case for about the same time; the table shows medians over the rounds of the time of a call
(with eight threads: the wall time divided by all calls) and of its ratio to ffnn's. The sides are

- ffnn: ``Sequential.predict`` of a model compiled with ``jit_compile=True``,
- ffnn-plain: the same without compiled loops,
- sklearn: ``MLPClassifier.predict_proba``,
- torch: the module called under ``inference_mode``, with ``from_numpy`` and ``.numpy()``,
- keras: ``model.predict(verbose=0)`` on the JAX backend, in batches of our size, under a lock, as
  it fails when several threads call it,
- keras-call: ``model(x)``, the fastest way in Keras for few rows,
- jax: a function under ``jit``,
- onnxruntime: the session of the file that ffnn exported,
- c: the program that ffnn exported, compiled with ``cc -O2`` and called from a loop in C, row by
  row.

Peers that are not installed are skipped and listed, and the program where there is no ``cc``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from common import (
    CHILD_SETTINGS,
    DEFAULT_SETTINGS,
    PEERS,
    BenchmarkError,
    Child,
    chosen_core,
    environment,
    pin_to,
    split_peers,
    threads_in_force,
)
from exported import COMPILER, CProgram, by_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from common import Weights
    from numpy.typing import NDArray

    import ffnn

    Predict = Callable[[NDArray[np.float32]], NDArray[Any]]

SIZES = (784, 128, 64, 10)
BATCH = 1024  # ffnn's own batch of predictions
TOLERANCE = 1e-4
MODULES: dict[str, list[str]] = {**PEERS, "onnxruntime": ["onnx", "onnxruntime"], "c": []}
SIDES = {peer: [peer] for peer in MODULES} | {"keras": ["keras", "keras-call"]}


class Case(NamedTuple):
    """How many rows are predicted at a time, and by how many Python threads."""

    rows: int
    threads: int

    def __str__(self) -> str:
        rows, threads = "s" * (self.rows > 1), "s" * (self.threads > 1)
        return f"{self.rows:,} row{rows}, {self.threads} thread{threads}"


CASES = [Case(rows, threads) for threads in (1, 8) for rows in (1, 100, 10_000)]


# -- the network, the same everywhere --------------------------------------------------------------


def make_weights() -> Weights:
    """Return (weight (units, inputs), bias (units,)) of each layer."""
    rng = np.random.default_rng(7)
    weights = []
    for inputs, units in itertools.pairwise(SIZES):
        weight, bias = rng.standard_normal((units, inputs)), rng.standard_normal(units)
        weight *= np.sqrt(2.0 / inputs)
        weights.append((weight.astype(np.float32), bias.astype(np.float32)))
    return weights


def make_rows(rows: int) -> NDArray[np.float32]:
    """Return rows between 0 and 1."""
    return np.random.default_rng(3).random((rows, SIZES[0]), dtype=np.float32)


def reference(weights: Weights, x: NDArray[Any]) -> NDArray[np.float64]:
    """Return the probabilities of each row, by plain NumPy in float64."""
    a = x.astype(np.float64)
    for number, (weight, bias) in enumerate(weights):
        a = (np.maximum(a, 0.0) if number else a) @ weight.T.astype(np.float64) + bias
    a = np.exp(a - a.max(axis=1, keepdims=True))
    a /= a.sum(axis=1, keepdims=True)
    return a


# -- the sides -------------------------------------------------------------------------------------


def make_model(weights: Weights) -> ffnn.Sequential:
    """Return the network of ffnn."""
    import ffnn

    model = ffnn.Sequential.from_sizes(SIZES, activations=["relu", "relu", "softmax"])
    for layer, (weight, bias) in zip(model.layers, weights, strict=True):
        layer.params["weight"][...] = weight
        layer.params["bias"][...] = bias
    return model


def ffnn_side(weights: Weights, loops: bool = True) -> Predict:
    """Return ffnn's prediction, by compiled loops where numba is installed."""
    from ffnn.kernels.compiler import find_problem

    model = make_model(weights)
    model.compile(jit_compile=loops and not find_problem())
    return model.predict


def sklearn_side(weights: Weights) -> Predict:
    """Return scikit-learn's prediction; one small fit gives the model what it must have."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(SIZES[1:-1], max_iter=1, batch_size=10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(make_rows(10), np.arange(10))
    model.coefs_ = [np.ascontiguousarray(weight.T) for weight, _ in weights]
    model.intercepts_ = [bias for _, bias in weights]
    predict: Predict = model.predict_proba
    return predict


def torch_side(weights: Weights) -> Predict:
    """Return PyTorch's prediction."""
    import torch

    if os.environ.get("OMP_NUM_THREADS") == "1":
        torch.set_num_threads(1)
    layers: list[Any] = []
    for weight, bias in weights:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1], torch.nn.Softmax(dim=1)).eval()

    def predict(x: NDArray[np.float32]) -> NDArray[Any]:
        with torch.inference_mode():
            result: NDArray[Any] = model(torch.from_numpy(x)).numpy()
        return result

    return predict


def keras_side(weights: Weights, call: bool = False) -> Predict:
    """Return the prediction that Keras documents, or the one that it advises for few rows."""
    import keras

    activations, lock = ["relu", "relu", "softmax"], threading.Lock()
    layers = [keras.layers.Dense(*pair) for pair in zip(SIZES[1:], activations, strict=True)]
    model = keras.Sequential([keras.Input((SIZES[0],)), *layers])
    model.set_weights([array for weight, bias in weights for array in (weight.T, bias)])
    if call:
        return lambda x: np.asarray(model(x, training=False))

    def predict(x: NDArray[np.float32]) -> NDArray[Any]:
        with lock:
            result: NDArray[Any] = model.predict(x, batch_size=BATCH, verbose=0)
        return result

    return predict


def jax_side(weights: Weights) -> Predict:
    """Return a jitted JAX function."""
    import jax

    values = [(jax.device_put(weight.T), jax.device_put(bias)) for weight, bias in weights]

    @jax.jit
    def forward(values: Any, x: Any) -> Any:
        for weight, bias in values[:-1]:
            x = jax.nn.relu(x @ weight + bias)
        weight, bias = values[-1]
        return jax.nn.softmax(x @ weight + bias)

    return lambda x: np.asarray(forward(values, x))


MAKERS: dict[str, Callable[[Weights], Predict]] = {
    "ffnn": ffnn_side,
    "ffnn-plain": lambda weights: ffnn_side(weights, loops=False),
    "sklearn": sklearn_side,
    "torch": torch_side,
    "keras": keras_side,
    "keras-call": lambda weights: keras_side(weights, call=True),
    "jax": jax_side,
    "onnxruntime": lambda weights: by_onnxruntime(make_model(weights)),
    "c": lambda weights: CProgram(make_model(weights)),
}

# -- one side in its process -----------------------------------------------------------------------


def worst_error(predict: Predict, weights: Weights, case: Case) -> float:
    """Return how far the side's predictions lie from the reference, from all threads at once."""
    x = make_rows(case.rows)
    expected, outputs = reference(weights, x), []
    in_threads(lambda: outputs.append(np.array(predict(x))), case.threads)
    return max(float(np.abs(output - expected).max()) for output in outputs)


def in_threads(
    work: Callable[[], Any], threads: int, first: Callable[[], Any] = lambda: None
) -> float:
    """Run `work` in so many threads at once and return the seconds until the last is done.

    Each thread has called `first` before, as those of a server have predicted before.
    """
    if threads == 1:
        first()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    begin, errors = threading.Barrier(threads + 1), []

    def run() -> None:
        first()
        begin.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)  # and raised below

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    start = time.perf_counter()  # the last worker to arrive may begin before this thread continues
    begin.wait()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - start
    if errors:
        raise errors[0]
    return seconds


def time_call(predict: Predict, case: Case, calls: int) -> float:
    """Return the seconds of a call; with several threads, of the calls of all of them."""
    x = make_rows(case.rows)

    def work() -> None:
        if isinstance(predict, CProgram):
            predict.repeat(x, calls)
            return
        for _ in range(calls):
            predict(x)

    return in_threads(work, case.threads, lambda: predict(x)) / (calls * case.threads)


def serve(side: str, core: str) -> None:
    """Answer the parent: first errors and threads, then the time of a case for each request."""
    pin_to(core)
    weights = make_weights()
    predict = MAKERS[side](weights)
    errors = {str(case): worst_error(predict, weights, case) for case in CASES}
    single = {rows: time_call(predict, Case(rows, 1), 3) for rows in {c.rows for c in CASES}}
    print(json.dumps({"errors": errors, "threads": threads_in_force()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        case = Case(request["rows"], request["threads"])
        calls = max(1, round(request["seconds"] / (single[case.rows] * case.threads)))
        print(json.dumps({"seconds": time_call(predict, case, calls)}), flush=True)


# -- all sides -------------------------------------------------------------------------------------


def check_agreement(errors: Mapping[str, Mapping[str, float]]) -> None:
    """Raise BenchmarkError unless all errors, side → case → number, are within the tolerance."""
    for side, cases in errors.items():
        for case, error in cases.items():
            if not error <= TOLERANCE:
                raise BenchmarkError(
                    f"{side}: predictions of {case} differ from the reference by {error:.2g}, "
                    f"allowed are {TOLERANCE:g}"
                )


def measure(
    sides: Sequence[str], rounds: int, seconds: float, *, all_cores: bool = False
) -> dict[str, Any]:
    """Return the seconds of a call, side → case → one number a round, and all sides' threads."""
    children: dict[str, Child] = {}
    core = None if all_cores else chosen_core()
    settings = DEFAULT_SETTINGS if all_cores else CHILD_SETTINGS
    try:
        for side in sides:
            child = "--child", side, "" if core is None else str(core)
            children[side] = Child(Path(__file__), *child, settings=settings)
        ready = {side: child.receive() for side, child in children.items()}
        check_agreement({side: answer["errors"] for side, answer in ready.items()})
        times: dict[str, dict[str, list[float]]] = {
            side: {str(case): [] for case in CASES} for side in sides
        }
        for number in range(rounds):
            turn = number % len(sides)
            for case in CASES:
                request = json.dumps({**case._asdict(), "seconds": seconds})
                for side in [*sides[turn:], *sides[:turn]]:  # nobody is always first
                    times[side][str(case)].append(children[side].ask(request)["seconds"])
        return {"seconds": times, "ready": ready}
    finally:
        for child in children.values():
            child.close()


def table(seconds: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Return the lines of the result: median µs of a call, and median ratio to ffnn."""
    lines = [f"{'µs a call (× ffnn)':<24}" + "".join(f"{side:>20}" for side in seconds)]
    for case in map(str, CASES):
        line, ours = f"{case:<24}", seconds["ffnn"][case]
        for cases in seconds.values():
            ratio = statistics.median(t / own for t, own in zip(cases[case], ours, strict=True))
            line += f"{1e6 * statistics.median(cases[case]):>10,.1f} ({ratio:>6.2f}×)"
        lines.append(line)
    return lines


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time predictions against other libraries.")
    add = parser.add_argument
    add("--peers", default=",".join(MODULES), help="which, with commas; none with an empty text")
    add("--rounds", type=int, default=15, help="turns of each side at each case")
    add("--quick", action="store_true", help="3 short rounds, to see that it runs")
    add("--json", metavar="FILE", type=Path, help="write all times into this file too")
    add("--all-cores", action="store_true", help="threads and cores as each library takes them")
    add("--child", nargs=2, metavar=("SIDE", "CORE"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Time all sides and print the table; 1 if there is no valid result, 2 on wrong usage."""
    args = _arguments(argv)
    if args.child:
        serve(*args.child)
        return 0
    try:
        peers, missing = split_peers((name for name in args.peers.split(",") if name), MODULES)
    except ValueError as error:
        print(f"bench_predict: error: {error}", file=sys.stderr)
        return 2
    if "c" in peers and COMPILER is None:
        peers.remove("c")
        missing.append("c")
    sides = ["ffnn", "ffnn-plain", *(side for peer in peers for side in SIDES[peer])]
    about = environment(peers, MODULES)
    for name, value in about.items():
        print(f"{name}: {value}")
    for peer in missing:
        print(f"{peer}: {'there is no cc' if peer == 'c' else 'not installed'}, left out")
    rounds, seconds = (3, 0.01) if args.quick else (max(1, args.rounds), 0.05)
    try:
        result = measure(sides, rounds, seconds, all_cores=args.all_cores)
    except BenchmarkError as error:
        print(f"bench_predict: error: {error}", file=sys.stderr)
        return 1
    for side, answer in result["ready"].items():
        print(f"{side} threads: {answer['threads']}")
    print(f"{rounds} rounds, medians; worst error allowed {TOLERANCE:g}", end="\n\n")
    print("\n".join(table(result["seconds"])))
    if args.json:
        content = {"environment": about, "missing": missing, **result}
        args.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
