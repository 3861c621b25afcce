"""Record statistics of weights, gradients, updates and activations, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.base import Callback, Logs
from ffnn.callbacks.histogram import RunningHistogram
from ffnn.callbacks.recording import (
    COUNTS,
    GRIDS,
    MAX_BINS,
    MIN_BINS,
    SATURATION,
    VALUE_KINDS,
    Recording,
)
from ffnn.callbacks.rows import Rows, number_of_rows
from ffnn.callbacks.running_statistics import (
    Block,
    RunningStatistics,
    Scratch,
    UpdateStatistics,
    count_outside,
    euclidean_norm,
)
from ffnn.callbacks.snapshot import Snapshot, batch_statistics
from ffnn.core.checks import check_int
from ffnn.core.memory import aligned_empty
from ffnn.core.text import shorten


class Recorder(Callback):
    """Record how weights, gradients, updates and activations change, epoch by epoch.

    The result is plain data, a `Recording`: this callback's `recording`, and the model's, which is
    saved with the model. Recording does not change the training. For each epoch there are, for
    every parameter array and every layer's output:

    - **gradients**, those of the loss with its penalties, before any clipping. ``mean``, ``std``
      (the population's standard deviation) and ``zero_fraction`` (the fraction of entries that are
      exactly 0) are taken over all entries in all watched batches; ``norm`` is the mean over the
      watched batches of the Euclidean norm.
    - **activations**, the layer's output in training, after its activation and, for dropout, with
      units switched off. ``mean``, ``std`` and ``zero_fraction`` are taken over all entries of all
      watched rows, each row counting once whatever the batches' sizes; ``norm`` is √(mean over
      the rows of ‖row‖²). ``saturated_fraction`` is the fraction of entries within 1 % of the
      range from an end of it, where the layer ends in an activation that saturates (tanh,
      sigmoid), else NaN.
    - **updates**, what the optimizer added to the parameter in a watched batch. ``norm`` is the
      mean over the batches of ‖update‖, ``ratio`` the mean of ‖update‖ / ‖parameter before it‖.
      Batches in which the whole parameter is 0, as biases are at first, do not count in the
      ratio, which is NaN if there are no others. About 1e-3 is a common rule of thumb for
      weights.
    - **weights**, the parameters at the end of the epoch: ``mean``, ``std``, ``norm`` and
      ``zero_fraction`` of their entries.

    Besides, 36 of the rows are kept, evenly spaced, with their targets, and fewer where they are
    very wide: `Sequential.save_graph` shows what the network makes of them.

    Batches 0, `every`, 2 `every`, ... of each epoch are watched. An epoch that Ctrl-C cuts short
    is left out, also when it is resumed and no batch is left that would be watched.

    Parameters
    ----------
    every : int, default 1
        Watch one batch in this many. A watched batch costs about ten passes over all parameters,
        which may be half the time of a step with few rows (`benchmarks/bench_recorder.py` measures
        it); 10 reduces that to a tenth.
    snapshots : int, optional
        Keep all parameters and the mean of the watched batches' gradients, at the first epoch and
        then once in this many epochs; None keeps none.
    histograms : int, optional
        Count the values of weights, gradients and activations in this many bins, from 2 to
        1,048,576; None counts none. The bins of an epoch have one width, the smallest power of two
        at which all of the epoch's values fit, edges at whole multiples of it, and begin with the
        one that holds the smallest value. Infinities and NaN are not counted. Counting takes longer
        than all the rest.

    Attributes
    ----------
    recording : Recording or None
        Of the last training.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, monitors activations and gradients in this way. The ratio and its rule of thumb
    are from Karpathy's notes to the course CS231n, Stanford 2016, "Neural networks 3", "Ratio of
    weights to updates".

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> recorder = ffnn.callbacks.Recorder()
    >>> history = model.fit(x, y, epochs=2, callbacks=[recorder], verbose=0)
    >>> norms = model.recording.series("gradients", "dense_1", "weight", "norm")
    >>> model.recording.plot().savefig("training.png")
    """

    settings = ("every", "snapshots", "histograms")
    recording: Recording | None = None

    def __init__(
        self, every: int = 1, snapshots: int | None = None, histograms: int | None = None
    ) -> None:
        def check(name: str, value: int | None, *limits: int) -> int | None:
            return None if value is None else check_int("Recorder", name, value, *limits)

        self.every = check_int("Recorder", "every", every, low=1)
        self.snapshots = check("snapshots", snapshots, 1)
        self.histograms = check("histograms", histograms, MIN_BINS, MAX_BINS)

    def on_train_begin(self, logs: Logs) -> None:
        """Begin a new recording, or go on with the model's if its training is continued."""
        self._earlier = self.model.recording
        self.recording = start_recording(self.model, self.histograms)
        self._first_epoch = self.params["initial_epoch"]
        earlier = self._earlier if self.params["resumed"] else None
        is_alike = earlier is not None and earlier.get_config() == self.recording.get_config()
        if earlier is not None and is_alike and earlier.epochs:
            self.recording, self._first_epoch = earlier, earlier.epochs[0]
        self.model.recording = self.recording
        self._memory = _Memory(self.model)
        self._limits = {each.name: _saturation_limits(each) for each in self.model.layers}

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Start the epoch's statistics."""
        assert self.recording is not None
        due = self._is_due(epoch - self._first_epoch)
        gradient_sum = np.zeros(self.model.gradients.size) if due else None
        self._epoch = _Epoch(self.recording, gradient_sum, self._limits)

    def _is_due(self, since: int) -> bool:
        """Tell whether a snapshot is taken of the epoch that is so many after the first."""
        return self.snapshots is not None and since % self.snapshots == 0

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Decide whether to watch this batch."""
        self._is_watched = batch % self.every == 0

    def on_forward_end(self, outputs: Mapping[str, Array]) -> None:
        """Add the layers' outputs."""
        if self._is_watched:
            self._epoch.add_outputs(self._memory.scratch, outputs)

    def on_backward_end(self) -> None:
        """Add the gradients, and keep the parameters."""
        if self._is_watched:
            self._epoch.add_gradients(self._memory.gradients, self.model.gradients)
            self._memory.remember_parameters()

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Add the update."""
        if self._is_watched:
            self._epoch.add_updates(*self._memory.measure_update())

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Add the parameters, and append the epoch to the recording."""
        assert self.recording is not None
        if not self._epoch.num_batches:  # all were before an interruption
            return
        self._epoch.add("weights", self._memory.parameters)
        self._epoch.write(self.recording, epoch, self.model)

    def get_state(self) -> dict[str, Any]:
        """Return the number of the first epoch; the recording itself is kept with the model."""
        return {"first_epoch": self._first_epoch}

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Raise ValueError if this and the recording in the file are not of one training."""
        first = check_int("Recorder", "first_epoch", state["first_epoch"], low=0)
        recording, history = model.recording, model.history
        if recording is None or history is None:
            return
        if not set(recording.epochs) <= {epoch for epoch in history.epoch if epoch >= first}:
            raise ValueError(
                f"Recorder: epochs {shorten(repr(recording.epochs), 60)} are recorded, which are "
                f"not in the history"
            )
        taken = [snapshot.epoch for snapshot in recording.snapshots]
        if taken != [epoch for epoch in recording.epochs if self._is_due(epoch - first)]:
            raise ValueError(
                f"Recorder: snapshots={self.snapshots} takes none at epochs "
                f"{shorten(repr(taken), 60)}"
            )

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Add to the recording that came with the model.

        Of an epoch that was interrupted, the batches before the interruption are missing.
        """
        self._first_epoch = state["first_epoch"]
        if self._earlier is not None and self.recording is not None:
            if self._earlier.get_config() != self.recording.get_config():
                raise ValueError("Recorder: the recording so far has other names or bins")
            self.recording = self.model.recording = self._earlier

    def close(self) -> None:
        """Release the working memory."""
        for name in ("_memory", "_epoch", "_earlier"):
            self.__dict__.pop(name, None)


def start_recording(model: Any, bins: int | None = None) -> Recording:
    """Return the recording of a training that begins: no epochs yet, but a few of its rows."""
    parameters = [(layer.name, name) for layer in model.layers for name in layer.params]
    recording = Recording(parameters, [layer.name for layer in model.layers], bins)
    recording.rows = Rows.keep(*model.sample_rows(number_of_rows(model.input_dim)))
    return recording


def _saturation_limits(layer: Any) -> tuple[float, float] | None:
    """Return beyond which outputs a layer is saturated, if its last part saturates."""
    last = layer.stages()[-1].layer
    return last.saturation_limits if getattr(last, "saturates", False) else None


class _Memory:
    """A model's flat vectors, cut by parameter array, and the parameters before an update."""

    def __init__(self, model: Any) -> None:
        self._live: Array = model.parameters
        self._kept = aligned_empty(self._live.size, self._live.dtype)
        self.scratch = Scratch(self._live.dtype)
        sizes = [array.size for layer in model.layers for array in layer.params.values()]
        ends = np.cumsum(sizes, dtype=np.intp)
        self.parameters, self.gradients, self._updates = (
            [self.scratch.cut(part) for part in np.split(vector, ends)[:-1]]
            for vector in (self._live, model.gradients, self._kept)
        )
        self._norms: list[float] = []

    def remember_parameters(self) -> None:
        """Keep a copy of the parameters, and their norms."""
        np.copyto(self._kept, self._live)
        self._norms = [euclidean_norm(blocks) for blocks in self.parameters]

    def measure_update(self) -> tuple[list[float], list[float]]:
        """Return the norm of what was added to each array since then, and that of the array."""
        np.subtract(self._live, self._kept, out=self._kept)
        return [euclidean_norm(blocks) for blocks in self._updates], self._norms


class _Epoch:
    """The statistics of one epoch's watched batches, and the sum of their gradients if needed."""

    def __init__(
        self,
        recording: Recording,
        gradient_sum: Array | None,
        limits: Mapping[str, tuple[float, float] | None],
    ) -> None:
        names = {kind: recording.names(kind) for kind in VALUE_KINDS}
        self._places = {layer: place for place, (layer, _) in enumerate(names["activations"])}
        self._statistics = {kind: [RunningStatistics() for _ in names[kind]] for kind in names}
        self._histograms: dict[str, list[RunningHistogram]] = {}
        if (bins := recording.bins) is not None:
            self._histograms = {k: [RunningHistogram(bins) for _ in names[k]] for k in names}
        self._updates = [UpdateStatistics() for _ in names["weights"]]
        self._limits = limits
        self._saturated = dict.fromkeys(limits, 0)
        self._num_rows = 0
        self.num_batches = 0
        self._gradient_sum = gradient_sum

    def _add(self, kind: str, place: int, blocks: Sequence[Block]) -> None:
        self._statistics[kind][place].add(blocks)
        if self._histograms:
            self._histograms[kind][place].add(blocks)

    def add(self, kind: str, arrays: Iterable[Sequence[Block]]) -> None:
        """Add all parameters or all gradients, cut into blocks."""
        for place, blocks in enumerate(arrays):
            self._add(kind, place, blocks)

    def add_outputs(self, scratch: Scratch, outputs: Mapping[str, Array]) -> None:
        """Add the layers' outputs for a batch."""
        self._num_rows += len(next(iter(outputs.values())))
        for name, output in outputs.items():
            # In the order in which it lies in memory, so that nothing is copied.
            blocks = scratch.cut(output.astype(scratch.dtype, copy=False).ravel("K"))
            self._add("activations", self._places[name], blocks)
            if (limits := self._limits[name]) is not None:
                self._saturated[name] += count_outside(blocks, *limits)

    def add_gradients(self, arrays: Iterable[Sequence[Block]], vector: Array) -> None:
        """Add a batch's gradients, given in blocks and as one vector."""
        self.add("gradients", arrays)
        self.num_batches += 1
        if self._gradient_sum is not None:
            self._gradient_sum += vector

    def add_updates(self, norms: Iterable[float], before: Iterable[float]) -> None:
        """Add a batch's updates."""
        for update, norm, old in zip(self._updates, norms, before, strict=True):
            update.add(norm, old)

    def write(self, recording: Recording, epoch: int, model: Any) -> None:
        """Add the epoch to a recording."""
        tables = {
            kind: np.array([(s.mean, s.std, s.norm, s.zero_fraction) for s in statistics])
            for kind, statistics in self._statistics.items()
        }
        outputs = self._statistics["activations"]
        tables["activations"][:, 2] = [self._row_norm(each) for each in outputs]
        tables[SATURATION] = np.array([self._share_saturated(name) for name in self._places])
        tables["updates"] = np.array([(each.norm, each.ratio) for each in self._updates])
        for kind, histograms in self._histograms.items():
            tables[COUNTS.format(kind)] = np.array([each.counts for each in histograms])
            tables[GRIDS.format(kind)] = np.array([each.grid for each in histograms])
        recording.append(epoch, tables)
        if self._gradient_sum is not None:
            mean = (self._gradient_sum / self.num_batches).astype(model.parameters.dtype)
            kept = [array.ravel() for array in batch_statistics(model.layers)]
            statistics = np.concatenate(kept) if kept else None
            taken = Snapshot(epoch, model.parameters.copy(), mean, statistics)
            recording.snapshots.append(taken)

    def _share_saturated(self, layer: str) -> float:
        """Return the share of a layer's outputs that are saturated; NaN where none can be."""
        count = self._statistics["activations"][self._places[layer]].count
        return self._saturated[layer] / count if self._limits[layer] and count else math.nan

    def _row_norm(self, output: RunningStatistics) -> float:
        """Return √(mean over the rows of ‖row‖²)."""
        units = output.count / self._num_rows
        return math.sqrt((output.mean * output.mean + output.std * output.std) * units)
