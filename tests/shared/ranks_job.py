"""What the processes of a distributed training do in tests: ``mpiexec -n R python ranks_job.py``.

Rank 0 writes what it found as JSON into the folder that is given.
"""

import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import ffnn
from ffnn.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from ffnn.core.mpi import Ranks
from ffnn.data import open_rows
from ffnn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from ffnn.optimizers import SGD, Adam, AdamW
from ffnn.regularizers import L2

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(75, 5)), RNG.integers(3, size=75)
WEIGHT = np.where(RNG.random(75) < 0.3, 0.0, RNG.uniform(0.5, 2.0, 75))
PARTS = 8

KINDS = {
    "plain": lambda: ([Dense(6, "relu")], SGD(0.1, momentum=0.9)),
    "dropout": lambda: ([Dense(6, "relu"), Dropout(0.3)], Adam(0.01)),
    "batch norm": lambda: ([Dense(6), BatchNorm(), Activation("relu")], SGD(0.1)),
    "layer norm": lambda: (
        [Dense(6, weight_regularizer=L2(0.01)), LayerNorm(), Activation("tanh")],
        AdamW(0.01, clipnorm=0.5),
    ),
}
WEIGHTS = {
    "even": {},
    "weighted": {"sample_weight": WEIGHT, "class_weight": {0: 2.0, 2: 0.5}},
}


class Sets(Callback):
    """Changes in rank 0 alone, as any callback runs, what all ranks have to follow."""

    def on_epoch_end(self, epoch, logs):
        if epoch == 0:
            self.model.parameters[:3] = 0.25
            self.model.layers[0].trainable = False
        if epoch == 1:
            self.model.layers[0].trainable = True


def model(kind="dropout"):
    layers, optimizer = KINDS[kind]()
    built = ffnn.Sequential([*layers, Dense(3, "softmax")], 5, seed=0)
    built.compile(optimizer, "cce", ["accuracy", "auc"])
    return built


def fit(built, x=X, y=Y, **options):
    defaults = {"batch_size": 16, "epochs": 3, "verbose": 0, "micro_batches": PARTS}
    return built.fit(x, y, **defaults | options)


def result(built):
    """Return a hash of all that a training leaves, its history included."""
    total = hashlib.sha256(repr(built.history.history).encode())
    for array in (*built.get_weights(), built.parameters):
        total.update(array.tobytes())
    return total.hexdigest()[:16]


def trainings(**options):
    """Return the results of all kinds of trainings, by name."""
    found = {}
    for kind in KINDS:
        for weights, weighted in WEIGHTS.items():
            for workers in (1, 2):
                callbacks = [
                    EarlyStopping("val_loss", patience=1),
                    ReduceLROnPlateau("loss", patience=1, min_delta=0.5),
                ]
                built = model(kind)
                held_out = {"validation_split": 0.2, "callbacks": callbacks}
                fit(built, workers=workers, **weighted, **held_out, **options)
                found[f"{kind}, {weights}, {workers} workers"] = result(built)
    built = model()
    fit(built, callbacks=[Sets()], **options)
    found["a callback that sets weights"] = result(built)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", X)
        built, rows = model(), open_rows(Path(folder) / "x.npy")
        fit(built, rows, shuffle="blocks", **options)
        found["rows on disk"] = result(built)
        del rows
    return found


def resumed(folder, epochs, **options):
    """Resume the training in a folder, if there is one, up to an epoch."""
    built, path = model("batch norm"), folder / "resumed.h5"
    options["resume_from"] = path if path.exists() else None
    stop = EarlyStopping("loss", patience=9)
    fit(built, epochs=epochs, callbacks=[stop, ModelCheckpoint(path)], **options)
    return result(built)


def refusals(ranks, folder):
    """Return what all ranks have raised, by what was wrong."""
    tries = {
        "other targets": lambda: fit(
            model(), y=Y if ranks.rank != 1 else Y[::-1], distributed=True
        ),
        "other parts": lambda: fit(model(), micro_batches=8 + (ranks.rank == 2), distributed=True),
        "NaN in one rank": lambda: fit(
            model(), x=X if ranks.rank != 2 else X * np.nan, distributed=True
        ),
        "NaN in all": lambda: fit(model(), x=X * np.nan, distributed=True),
        "too few parts": lambda: fit(model(), micro_batches=2, distributed=True),
        "a stream": lambda: fit(
            model(), lambda: iter([(X, Y)]), None, steps_per_epoch=1, distributed=True
        ),
        "other weights": lambda: fit(other_weights(ranks.rank), distributed=True),
        "diverged": lambda: fit(model("plain"), learning_rate=1e30, epochs=9, distributed=True),
        "a bit flips": lambda: fit(flipping(ranks.rank), distributed=True),
    }
    found = {}
    for name, trial in tries.items():
        try:
            trial()
            raised = "nothing"
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
        found[name] = ranks.collect(raised)
    return found


def other_weights(rank):
    built = model()
    built.parameters[0] += rank == 1
    return built


def flipping(rank):
    """Return a model whose weights change by themselves on rank 2, in the second epoch."""
    built = model("plain")
    step, calls = built.optimizer.step, []

    def update(*arguments):
        step(*arguments)
        calls.append(1)
        if rank == 2 and len(calls) == 7:
            built.parameters.view(np.uint32)[4] ^= 1 << 20

    vars(built.optimizer)["step"] = update
    return built


class Ends(LayerNorm):
    """Ends its process, or stops it, in the middle of a training."""

    calls, how = 0, ""

    def forward(self, x, training=False):
        Ends.calls += 1
        if Ends.calls == 30:
            if Ends.how == "raise":
                raise RuntimeError("no more")
            os.kill(os.getpid(), getattr(signal, Ends.how))
        return super().forward(x, training)


def ending(how, which):
    """Train until one of the ranks ends."""
    ranks = Ranks(60.0)
    Ends.how, Ends.calls = how, 0 if ranks.rank == which else 1000
    built = ffnn.Sequential([Dense(6, "relu"), Ends(), Dense(3, "softmax")], 5, seed=0)
    built.compile("sgd", "cce")
    fit(built, epochs=1000, distributed=True, timeout=3.0)


def bad_row(folder, which):
    """Train on rows on disk of which one, that a rank reads in its turn, is not finite."""
    ranks, path = Ranks(60.0), folder / "bad.npy"
    if ranks.rank == 0:
        x = X[:16].copy()
        x[15 if which else 0, 2] = np.nan  # of the last or the first of eight parts
        np.save(path, x)
    ranks.share()
    fit(model(), open_rows(path), Y[:16], shuffle=False, distributed=True)


def listening():
    """Return the addresses on which this process listens, by inode."""
    own = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if exists(fd)}
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                found[fields[9]] = fields[1].split(":")[0]
    return found


def exists(fd):
    return os.path.lexists(f"/proc/self/fd/{fd}")


def main(folder, task, *arguments):
    folder = Path(folder)
    if task == "end":
        ending(arguments[0], int(arguments[1]))
    if task == "bad row":
        bad_row(folder, int(arguments[0]))
    if task == "begin":
        if os.environ["PMI_RANK"] == "1":
            time.sleep(600)
        Ranks(2.0)
    before = listening()
    ranks = Ranks(60.0)
    new = {inode: address for inode, address in listening().items() if inode not in before}
    found = {"listens": sorted(set(new.values())), **trainings(distributed=True, timeout=60.0)}
    if task != "0":
        found["resumed"] = resumed(folder, int(task), distributed=True)
    if ranks.size == 3:
        found["refusals"] = refusals(ranks, folder)
    everywhere = ranks.collect(found)
    if ranks.rank == 0:
        (folder / f"{ranks.size}.json").write_text(json.dumps(everywhere))


if __name__ == "__main__":
    main(*sys.argv[1:])
