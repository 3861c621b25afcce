"""That all ranks of a distributed training do the same work: before it, and after each epoch."""

from __future__ import annotations

import hashlib
import os
import platform
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ffnn._version import __version__
from ffnn.callbacks import Callback, CallbackList, Logs
from ffnn.core.console import complain
from ffnn.core.mpi import Ranks
from ffnn.core.text import shorten
from ffnn.errors import (
    DataError,
    LayerError,
    RankLostError,
    RanksDifferError,
    TrainingDivergedError,
)
from ffnn.training.fingerprint import FOUND_AGAIN

_FAILED = 1  # the exit code of a job of which one rank failed and said why
_WRONG = 2  # of one that met wrong data when it was read
_INTERRUPTED = 130  # of one that Ctrl-C ended outside of its steps
_BY_ALL = (RanksDifferError, RankLostError, TrainingDivergedError)  # raised on all ranks alike
_PLAIN = (DataError, OSError, LayerError, MemoryError)  # whose messages need no traceback


@contextmanager
def together(ranks: Ranks | None) -> Iterator[None]:
    """Tell the other ranks of an error of this one, which would else leave them waiting.

    Before the work begins, all raise it; after that it ends the job.
    """
    if ranks is None:
        yield
        return
    ranks.has_agreed = False
    try:
        yield
    except _BY_ALL:
        raise
    except KeyboardInterrupt:
        ranks.abort("ffnn: interrupted", _INTERRUPTED)
    except Exception as error:
        if not ranks.has_agreed:
            agree(ranks, {}, error)
            raise
        if not isinstance(error, _PLAIN) or os.environ.get("FFNN_DEBUG"):
            complain(traceback.format_exc().rstrip("\n"))
        code = _WRONG if isinstance(error, DataError) else _FAILED
        ranks.abort(f"ffnn: error: rank {ranks.rank}: {_describe(error)}", code)


def agree(ranks: Ranks, facts: Mapping[str, Any], error: BaseException | None = None) -> None:
    """Compare what the ranks are about to do; RanksDifferError on all of them says who differs.

    Where all have the same error, nothing is raised: each raises its own.
    """
    known = [ranks.size, None if error is None else _describe(error), dict(facts)]
    found = ranks.collect(known)
    problems = [problem for _, problem, _ in found]
    if any(problems):
        if len(set(problems)) > 1:
            rank = next(rank for rank, problem in enumerate(problems) if problem)
            raise RanksDifferError(f"rank {rank}: {problems[rank]}") from error
        ranks.has_failed = True
        return
    first = found[0][2]
    for rank, (_, _, theirs) in enumerate(found):
        for name in first.keys() | theirs.keys():
            if first.get(name) != theirs.get(name):
                raise RanksDifferError(_difference(rank, name, first.get(name), theirs.get(name)))
    ranks.has_agreed = True


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"


def _difference(rank: int, name: str, first: Any, theirs: Any) -> str:
    if name == PRODUCT:
        return (
            f"rank {rank} computes a fixed product with other bits than rank 0: its processor or "
            f"its libraries choose other code; set OPENBLAS_CORETYPE, such as Haswell, and "
            f"OPENBLAS_NUM_THREADS=1 on all ranks, and install the same versions"
        )
    here, there = (shorten(str(value), 120) for value in (first, theirs))
    return f"rank {rank} has another {name} than rank 0: {there}, not {here}"


PRODUCT = "fixed product"


def facts_of(model: Any, training: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be the same on all ranks, by name."""
    return {
        "version of ffnn": __version__,
        "version of NumPy": np.__version__,
        "version of Python": platform.python_version(),
        **{name: value for name, value in training.items() if name not in FOUND_AGAIN},
        "model": repr(model),
        "optimizer": repr(model.optimizer),
        "loss": repr(model.loss),
        "metrics": repr(list(model.all_metrics)),
        "initial state, which a seed sets,": digest(model),
        "random generators": repr(model.generator_states),
        PRODUCT: product(),
    }


def digest(model: Any) -> str:
    """Return a hash of all that updates change: parameters, states, the optimizer's memory."""
    total = hashlib.sha256(str(model.optimizer.iterations).encode())
    states = [layer.state[name] for layer in model.layers for name in layer.state]
    for array in (model.parameters, *states, *model.optimizer.slots.values()):
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def product() -> str:
    """Return a hash of fixed products and functions, whose bits depend on the code they run."""
    total = hashlib.sha256()
    base = np.sin(np.arange(64 * 300, dtype=np.float64) ** 1.5).reshape(64, 300)
    for dtype in (np.float32, np.float64):
        x = base.astype(dtype)
        for rows in (1, 5, 32, 64):
            total.update((x[:rows] @ x.T).tobytes())
            total.update(np.ascontiguousarray(x[:rows].T @ x[:rows]).tobytes())
        for function in (np.exp, np.tanh, np.log1p, np.sqrt):
            total.update(function(np.abs(x)).tobytes())
        total.update(np.add.reduce(x, axis=0).tobytes() + np.add.reduce(x, axis=1).tobytes())
    return total.hexdigest()


class Compare(Callback):
    """Compares the ranks' weights after each epoch, before any other callback may set them."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks, self._epoch, self.digest = ranks, -1, ""

    def on_validation_begin(self, epoch: int) -> None:
        """Compare them before the validation."""
        self.compare(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare them if nothing was validated."""
        self.compare(epoch)

    def compare(self, epoch: int) -> None:
        """Compare the weights of all ranks, once in an epoch; RankLostError names the rank."""
        if epoch == self._epoch:
            return
        self._epoch, self.digest = epoch, digest(self.model)
        found = self.ranks.collect(self.digest)
        others = [rank for rank, theirs in enumerate(found) if theirs != found[0]]
        if not others:
            return
        rank = others[0]
        if len(others) == len(found) - 1 > 1 and len(set(found[1:])) == 1:
            rank = 0  # from which all the others differ, and not from one another
        raise RankLostError(
            f"after epoch {epoch + 1} the weights of rank {rank} are not those of the others: its "
            f"memory, processor or code is at fault, or a callback that runs in batches; resume "
            f"from the last checkpoint"
        )


class Follow(Callback):
    """Lets all ranks have what the callbacks of rank 0 have decided and changed."""

    def __init__(self, ranks: Ranks, compared: Compare) -> None:
        self.ranks, self.compared = ranks, compared

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Share whether to stop, the learning rate, what is frozen, and weights that were set."""
        model, told = self.model, None
        if self.ranks.rank == 0:
            is_new = digest(model) != self.compared.digest
            told = {
                "logs": logs,
                "stop": model.stop_training,
                "rate": model.optimizer.learning_rate,
                "frozen": [list(layer.frozen) for layer in model.layers],
                "weights": model.get_weights() if is_new else None,
            }
        told = self.ranks.share(told)
        if self.ranks.rank == 0:
            return
        logs.update(told["logs"])
        model.stop_training, model.optimizer.learning_rate = told["stop"], told["rate"]
        for layer, names in zip(model.layers, told["frozen"], strict=True):
            if list(layer.frozen) != names:
                layer.freeze(names)
        if told["weights"] is not None:
            model.set_weights(told["weights"])

    def on_train_end(self, logs: Logs) -> None:
        """Share the weights at the end, which may be those of an earlier epoch."""
        weights = self.ranks.share(self.model.get_weights() if self.ranks.rank == 0 else None)
        if self.ranks.rank:
            self.model.leave_position(weights)


def follow(ranks: Ranks, called: CallbackList) -> CallbackList:
    """Return the callbacks of a training as this rank calls them.

    Rank 0 calls all of them, and tells the others what they have changed; these keep the history.
    """
    compared = Compare(ranks)
    following = Follow(ranks, compared)
    all_of_them = called.callbacks if ranks.rank == 0 else called.callbacks[:1]
    history = all_of_them[0]
    around = [*all_of_them, following] if ranks.rank == 0 else [following, *all_of_them]
    joined = CallbackList([compared, *around], None, (), model=history.model, params=history.params)
    if ranks.rank == 0:
        joined.users, joined.users_watch_batches = called.users, called.users_watch_batches
    return joined
