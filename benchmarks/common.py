"""What the benchmarks share: the works, their data, the check of losses, child processes.

Every side of a benchmark runs in its own child process, so that no library's threads or allocator
disturb another's. A child is started once, runs one repeat at a time when asked over a pipe, and is
idle while the others run theirs.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Weights = list[tuple[NDArray[Any], NDArray[Any]]]

PEERS = {"sklearn": ["sklearn"], "torch": ["torch"], "keras": ["keras", "jax"], "jax": ["jax"]}
PACKAGES = {"sklearn": "scikit-learn"}  # where a distribution is not named as its module

CHILD_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "jax",
}
# Without what limits the threads: what users have who set nothing.
DEFAULT_SETTINGS = {name: CHILD_SETTINGS[name] for name in ("JAX_PLATFORMS", "KERAS_BACKEND")}

# What would choose another kernel of OpenBLAS than the machine's own, in NumPy alone.
UNSET = ("OPENBLAS_CORETYPE",)


class BenchmarkError(Exception):
    """The benchmark has no valid result; the message says why."""


class Work(NamedTuple):
    """A network with the settings that all sides train it at.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, then the units of each layer; ReLU between layers, at the end a softmax, or a
        sigmoid of one unit.
    batch : int
        Mini-batch size; `rows` is a multiple of it.
    optimizer : {"sgd", "adam"}
        The rule, without momentum or decay for SGD.
    learning_rate : float
        Its rate.
    rows, epochs : int
        The data's rows and the passes over them in one fit.
    dtype : {"float32", "float64"}
        In which all sides compute.
    """

    sizes: tuple[int, ...]
    batch: int
    optimizer: str
    learning_rate: float
    rows: int
    epochs: int = 5
    dtype: str = "float32"

    @property
    def name(self) -> str:
        """Sizes, batch and optimizer in one word, and the dtype unless it is float32."""
        name = f"{'-'.join(map(str, self.sizes))}/{self.batch}/{self.optimizer}"
        return name if self.dtype == "float32" else f"{name}/{self.dtype}"

    @property
    def classes(self) -> int:
        """The number of classes, of which one unit tells two apart."""
        return max(2, self.sizes[-1])

    @property
    def steps(self) -> int:
        """The number of steps in one fit."""
        return self.epochs * (self.rows // self.batch)


WORKS = [
    Work((784, 128, 64, 10), 64, "sgd", 0.05, rows=2560),
    Work((784, 128, 64, 10), 64, "adam", 0.0003, rows=2560),
    Work((784, 256, 128, 10), 64, "sgd", 0.05, rows=2560),
    Work((784, 256, 128, 10), 64, "adam", 0.0003, rows=2560),
    Work((20, 64, 64, 2), 32, "sgd", 0.02, rows=3200),
    Work((20, 64, 64, 2), 32, "adam", 0.0004, rows=3200),
    Work((784, 1024, 1024, 10), 256, "sgd", 0.05, rows=2560),
    Work((10, 100, 1), 32, "adam", 0.002, rows=3200),
    Work((30, 64, 32, 1), 32, "adam", 0.0005, rows=3200),
    Work((30, 64, 32, 1), 256, "adam", 0.001, rows=6400),
    Work((30, 64, 32, 1), 1024, "adam", 0.002, rows=20480),
    Work((784, 2048, 10), 128, "sgd", 0.02, rows=1280),
    Work((64, *[64] * 5, 10), 64, "adam", 0.0003, rows=6400),
    Work((784, 128, 64, 10), 64, "sgd", 0.05, rows=2560, dtype="float64"),
]
ADAM = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
LOSS_TOLERANCE = 0.02


def find_works(words: Sequence[str]) -> list[Work]:
    """Return the works that are named, or whose names contain a word that is no name; "all" is all.

    Raises
    ------
    ValueError
        A word fits no work.
    """
    for word in words:
        if word != "all" and not any(word in work.name for work in WORKS):
            known = ", ".join(work.name for work in WORKS)
            raise ValueError(f"no work is named {word!r}; known: all, {known}")
    names = {work.name for work in WORKS}
    return [
        work
        for work in WORKS
        if any(
            word in ("all", work.name) or (word not in names and word in work.name)
            for word in words
        )
    ]


# -- data and losses -------------------------------------------------------------------------------


def make_data(work: Work) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return rows in overlapping Gaussian clusters, and the number of the cluster of each.

    The columns have variance 1/4, about that of MNIST's pixels scaled to [0, 1]; neighbouring
    clusters overlap, so that the loss stays well above 0 and can be compared by ratio.
    """
    rng = np.random.default_rng(20240229)
    inputs, classes = work.sizes[0], work.classes
    centres = rng.standard_normal((classes, inputs)) * (2.2 / np.sqrt(2.0 * inputs))
    y = rng.integers(classes, size=work.rows)
    x = 0.5 * (centres[y] + rng.standard_normal((work.rows, inputs)))
    return x.astype(work.dtype), y


def initial_weights(work: Work) -> Weights:
    """Return (weight (units, inputs), bias (units,)) of each layer, the same for all sides."""
    rng = np.random.default_rng(7)
    weights = []
    for inputs, units in zip(work.sizes[:-1], work.sizes[1:], strict=True):
        bound = np.sqrt(6.0 / (inputs + units))
        weight = rng.uniform(-bound, bound, (units, inputs)).astype(work.dtype)
        weights.append((weight, np.zeros(units, work.dtype)))
    return weights


def mean_loss(weights: Weights, x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the mean cross-entropy over all rows, in float64 and by plain NumPy."""
    a = x.astype(np.float64)
    for number, (weight, bias) in enumerate(weights):
        a = (np.maximum(a, 0.0) if number else a) @ weight.astype(np.float64).T + bias
    if a.shape[1] == 1:  # the logit of class 1
        return float(np.mean(np.logaddexp(0.0, a[:, 0]) - y * a[:, 0]))
    a -= a.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(a).sum(axis=1))
    return float(np.mean(log_sums - a[np.arange(len(a)), y]))


def check_losses(name: str, first: float, losses: Mapping[str, Sequence[float]]) -> None:
    """Check that all sides trained, and to the same loss in every round.

    Parameters
    ----------
    name : str
        The work's name.
    first : float
        The loss before training.
    losses : mapping of str to sequence of float
        Side → its loss after each round's training; "ffnn" is one of the sides.

    Raises
    ------
    BenchmarkError
        A side's loss differs from ours, or training did not lower the loss.
    """
    ours = losses["ffnn"]
    if not max(ours) < 0.9 * first:
        raise BenchmarkError(f"{name}: ffnn did not train: loss {first:.4f} → {max(ours):.4f}")
    for side, theirs in losses.items():
        for mine, other in zip(ours, theirs, strict=True):
            if not abs(other - mine) <= LOSS_TOLERANCE * mine:
                raise BenchmarkError(
                    f"{name}: the two sides did not reach the same loss (within "
                    f"{LOSS_TOLERANCE:.0%}): ffnn {mine:.4f}, {side} {other:.4f}"
                )


# -- peers and versions ----------------------------------------------------------------------------


def split_peers(
    names: Iterable[str], known: Mapping[str, Sequence[str]] = PEERS
) -> tuple[list[str], list[str]]:
    """Return which of the peers are installed, and which are not; `known` has their modules.

    Raises
    ------
    ValueError
        A name is not a known peer.
    """
    present, missing = [], []
    for name in names:
        if name not in known:
            raise ValueError(f"no peer is named {name!r}; known: {', '.join(known)}")
        found = all(importlib.util.find_spec(module) for module in known[name])
        (present if found else missing).append(name)
    return present, missing


def version_of(module: str) -> str:
    """Return the version of an installed module's distribution, or "none"."""
    try:
        return importlib.metadata.version(PACKAGES.get(module, module))
    except importlib.metadata.PackageNotFoundError:
        return "none"


def cpu_model() -> str:
    """Return the processor's name, as reported by the system."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def environment(peers: Iterable[str], known: Mapping[str, Sequence[str]] = PEERS) -> dict[str, Any]:
    """Return what timings depend on: processor, versions, BLAS.

    Parameters
    ----------
    peers : iterable of str
        The peers that take part.
    known : mapping of str to sequence of str
        Their modules.
    """
    modules = dict.fromkeys(module for peer in peers for module in known[peer])
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "ffnn": version_of("ffnn"),
        **{module: version_of(module) for module in modules},
    }


# -- child processes -------------------------------------------------------------------------------


def chosen_core() -> int | None:
    """Return the core that all children share, or None where processes cannot be pinned."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def child_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: ours with `settings`, and without what is in `UNSET`."""
    return {k: v for k, v in os.environ.items() if k not in UNSET} | dict(settings)


def blas_kernel() -> str:
    """Return the kernel that NumPy's BLAS chooses by itself, or that nothing tells which."""
    code = "import json, numpy, common; print(json.dumps(common.threads_in_force()['pools']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=child_environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    pools = json.loads(done.stdout)
    return pools if isinstance(pools, str) else ", ".join(each.rpartition(":")[0] for each in pools)


class Child:
    """A process that runs one side of one work, a repeat at a time.

    Between its repeats it is stopped, where a system can do that: threads of some libraries spin
    for a while after their work, and would take the cores from the next side.

    Parameters
    ----------
    script : path
        What it runs; the script talks with `serve`.
    *arguments : str
        The script's arguments.
    settings : mapping of str to str, optional
        Variables of its environment, in place of `CHILD_SETTINGS`.

    Raises
    ------
    BenchmarkError
        The process ended early; the message has the end of what it wrote to stderr.
    """

    def __init__(
        self, script: Path, *arguments: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self._name = " ".join(arguments)
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            env=child_environment(CHILD_SETTINGS if settings is None else settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            encoding="utf-8",
        )

    def receive(self) -> dict[str, Any]:
        """Return the next answer, once it has come."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise BenchmarkError(f"{self._name}: the process ended\n{self._log.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        self._signal("SIGSTOP")
        return answer

    def _signal(self, name: str) -> None:
        """Send a signal to the process, where there is such a signal."""
        if hasattr(signal, name):
            self._process.send_signal(getattr(signal, name))

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command and return the answer to it."""
        assert self._process.stdin is not None
        self._signal("SIGCONT")
        with contextlib.suppress(BrokenPipeError):  # receive tells why
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        return self.receive()

    def close(self) -> None:
        """End the process, now."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


def pin_to(core: str) -> None:
    """Keep this process on one core, where that can be done; an empty `core` leaves it free."""
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})


def threads_in_force() -> dict[str, Any]:
    """Return the cores of this process and the threads of its numeric libraries."""
    found: dict[str, Any] = {"cores": None, "pools": "threadpoolctl is not installed"}
    if hasattr(os, "sched_getaffinity"):
        found["cores"] = sorted(os.sched_getaffinity(0))
    with contextlib.suppress(ImportError):
        from threadpoolctl import threadpool_info

        found["pools"] = [
            f"{pool['internal_api']} {pool.get('version') or ''} "
            f"{pool.get('architecture') or ''}: {pool['num_threads']}"
            for pool in threadpool_info()
        ]
    return found
