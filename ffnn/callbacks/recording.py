"""What a `Recorder` saw of a training, as plain data: numbers per epoch, snapshots, histograms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.histogram import Histogram
from ffnn.callbacks.history import check_epochs
from ffnn.callbacks.rows import Rows
from ffnn.callbacks.snapshot import Snapshot, restore_snapshots, snapshot_arrays
from ffnn.core.checks import nearest
from ffnn.core.text import counted, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOMENTS = ("mean", "std", "norm", "zero_fraction")
STATISTICS = {
    "weights": _MOMENTS,
    "gradients": _MOMENTS,
    "updates": ("norm", "ratio"),
    "activations": _MOMENTS,
}
SATURATION, SATURATED = "saturation", "saturated_fraction"  # a table and statistic of activations
VALUE_KINDS = ("weights", "gradients", "activations")
COUNTS, GRIDS = "histograms/{}/counts", "histograms/{}/grids"  # tables of a kind
MIN_BINS, MAX_BINS = 2, 2**20
OUTPUT = "output"  # the name of a layer's activations, beside "weight", "bias", ...


class Recording:
    """Statistics of a network by epoch; `Recorder`, which fills it, says how each is computed.

    Parameters
    ----------
    parameters : iterable of (str, str)
        Layer name and parameter name of every parameter array, in the order of
        ``model.parameters``.
    layers : iterable of str
        The names of all layers.
    bins : int, optional
        The number of bins of a histogram; None where there are none.

    Attributes
    ----------
    epochs : list of int
        The numbers of the epochs that were recorded, counted from 0.
    snapshots : list of Snapshot
        Whole vectors of some epochs.
    bins : int or None
        The number of bins of a histogram.
    rows : Rows or None
        A few rows of the training, evenly spaced.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, str]],
        layers: Iterable[str],
        bins: int | None = None,
    ) -> None:
        self.epochs: list[int] = []
        self.snapshots: list[Snapshot] = []
        self.rows: Rows | None = None
        self.bins = bins
        pairs = [(layer, name) for layer, name in parameters]
        self._names = dict.fromkeys(STATISTICS, pairs)
        self._names["activations"] = [(layer, OUTPUT) for layer in layers]
        # Each table of an epoch: its kind, and the number of its columns (statistics, bins, grid).
        self._columns = {kind: (kind, len(names)) for kind, names in STATISTICS.items()}
        if bins is not None:
            for kind in VALUE_KINDS:
                self._columns[COUNTS.format(kind)] = kind, bins
                self._columns[GRIDS.format(kind)] = kind, 2
        self._tables: dict[str, list[Array]] = {name: [] for name in self._columns}
        self._saturation: list[Array] = []

    # -- reading -------------------------------------------------------------------------------

    def names(self, kind: str) -> list[tuple[str, str]]:
        """Return the layer and the array of everything that was recorded.

        Parameters
        ----------
        kind : {"weights", "gradients", "updates", "activations"}
            What was recorded.

        Returns
        -------
        list of (str, str)
            Such as ``("dense_1", "weight")``; of activations ``("dense_1", "output")``.

        Raises
        ------
        ValueError
            There is no such kind.
        """
        return list(self._names[_known("kind", kind, STATISTICS)])

    def series(self, kind: str, layer: str, array: str, statistic: str) -> Array:
        """Return one statistic, a number per epoch.

        Parameters
        ----------
        kind : {"weights", "gradients", "updates", "activations"}
            What was recorded.
        layer : str
            The layer's name, such as ``"dense_1"``.
        array : str
            The parameter's name, such as ``"weight"``; of activations ``"output"``.
        statistic : str
            ``"mean"``, ``"std"``, ``"norm"`` or ``"zero_fraction"``, of activations also
            ``"saturated_fraction"``; of updates ``"norm"`` or ``"ratio"``.

        Returns
        -------
        ndarray of shape (epochs,)
            In float64, in the order of `epochs`.

        Raises
        ------
        ValueError
            A name is unknown; the message lists the valid ones.
        """
        row = self._row(kind, layer, array)
        known = (*STATISTICS[kind], *([SATURATED] if kind == "activations" else []))
        if _known(f"statistic of {kind}", statistic, known) == SATURATED:
            return np.array([shares[row] for shares in self._saturation], np.float64)
        return self._stack(kind)[:, row, known.index(statistic)]

    def histogram(self, kind: str, layer: str, array: str) -> Histogram:
        """Return how often values fell into each bin, epoch by epoch.

        Parameters
        ----------
        kind : {"weights", "gradients", "activations"}
            What was recorded.
        layer : str
            The layer's name.
        array : str
            The parameter's name; of activations ``"output"``.

        Raises
        ------
        ValueError
            A name is unknown, or no histograms were recorded.
        """
        if self.bins is None:
            raise ValueError(
                "no histograms were recorded: give Recorder a number of bins, as in "
                "Recorder(histograms=64)"
            )
        _known("kind with histograms", kind, VALUE_KINDS)
        row = self._row(kind, layer, array)
        grid = self._stack(GRIDS.format(kind))[:, row]
        edges = grid[:, :1] + grid[:, 1:] * np.arange(self.bins + 1)
        return Histogram(edges, self._stack(COUNTS.format(kind))[:, row])

    def _row(self, kind: str, layer: str, array: str) -> int:
        names = self.names(kind)
        _known(f"layer with {kind}", layer, dict.fromkeys(known for known, _ in names))
        _known(f"array of {layer!r}", array, [name for known, name in names if known == layer])
        return names.index((layer, array))

    def _stack(self, name: str) -> Array:
        """Return the epochs' tables of a name as one array, also where there is none."""
        kind, columns = self._columns[name]
        return np.array(self._tables[name]).reshape(
            len(self.epochs), len(self._names[kind]), columns
        )

    def plot(self) -> Figure:
        """Return a figure of gradients, updates, activations and weights by epoch, a line a layer.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        ValueError
            No epoch was recorded.
        """
        from ffnn.charts.recording_figures import plot_recording

        return plot_recording(self)

    def plot_histograms(self, layer: str, array: str | None = None) -> Figure:
        """Return a figure of a layer's distributions by epoch.

        Parameters
        ----------
        layer : str
            The layer's name.
        array : str, optional
            Which parameter's values and gradients are shown beside the activations; by default
            the layer's first.

        Returns
        -------
        matplotlib.figure.Figure
            A row per epoch, from the first to the last, at most ten.

        Raises
        ------
        ValueError
            A name is unknown, no histograms were recorded, or no epoch was.
        """
        from ffnn.charts.recording_figures import plot_recorded_histograms

        return plot_recorded_histograms(self, layer, array)

    def _repr_html_(self) -> str:
        """Return a table of the layers, for notebooks."""
        from ffnn.charts.recording_html import recording_html

        return recording_html(self)

    # -- writing -------------------------------------------------------------------------------

    def append(self, epoch: int, tables: Mapping[str, Array]) -> None:
        """Add the epoch of a number, counted from 0.

        `tables` are an array of shape (names, statistics) for each kind, in the orders of `names`
        and of `STATISTICS`. With histograms, ``COUNTS.format(kind)`` has how many values each
        bin holds, and ``GRIDS.format(kind)`` the first bin's lower edge and the bins' width.
        `SATURATION` may have a share for each layer.
        """
        self.epochs.append(epoch)
        self._saturation.append(tables.get(SATURATION, self._no_saturation))
        for name, kept in self._tables.items():
            kept.append(tables[name])

    @property
    def _no_saturation(self) -> Array:
        return np.full(len(self._names["activations"]), np.nan)

    def get_config(self) -> dict[str, Any]:
        """Return the names as plain data; `restore` needs them and `arrays`."""
        return {
            "parameters": [list(pair) for pair in self._names["weights"]],
            "layers": [layer for layer, _ in self._names["activations"]],
            "bins": self.bins,
        }

    def arrays(self) -> dict[str, Array]:
        """Return copies of all numbers as arrays by name."""
        arrays: dict[str, Array] = {"epochs": np.array(self.epochs, np.int64)}
        arrays |= {name: self._stack(name) for name in self._tables}
        if not np.isnan(shares := np.array(self._saturation, np.float64)).all():
            arrays[SATURATION] = shares
        arrays |= snapshot_arrays(self.snapshots)
        if self.rows is not None:
            arrays |= {"rows/x": self.rows.x.copy(), "rows/y": self.rows.y.copy()}
        return arrays

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, Array]) -> Recording:
        """Return the recording of which `get_config` and `arrays` returned these.

        KeyError, TypeError or ValueError is raised where something is missing or does not fit, or
        is what no `Recorder` writes.
        """
        if config["bins"] is not None and config["bins"] < MIN_BINS:
            bins = config["bins"]
            raise ValueError(f"/config/recording/bins: expected at least {MIN_BINS}, got {bins}")
        recording = cls(config["parameters"], config["layers"], config["bins"])
        recording.epochs = arrays["epochs"].tolist()
        check_epochs(recording.epochs, "/recording/epochs")
        for name in recording._tables if recording.epochs else ():
            is_count = name in map(COUNTS.format, VALUE_KINDS)
            found, expected = arrays[name].dtype, np.dtype(np.int64 if is_count else np.float64)
            if found != expected:
                raise ValueError(f"/recording/{name}: expected {expected}, got {found}")
            if is_count and (arrays[name] < 0).any():
                raise ValueError(f"/recording/{name}: expected counts, got a negative number")
        recording._tables = {name: list(arrays[name]) for name in recording._tables}
        recording._saturation = [recording._no_saturation] * len(recording.epochs)
        if SATURATION in arrays:
            recording._saturation = list(_checked(arrays[SATURATION], recording))
        recording.snapshots = restore_snapshots(arrays)
        if "rows/x" in arrays:
            recording.rows = Rows.restore(arrays["rows/x"], arrays["rows/y"])
        recording.arrays()  # which fails where numbers do not fit the names
        return recording

    # -- comparing -----------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Tell whether all names and numbers are the same; NaN equals NaN here."""
        if not isinstance(other, Recording):
            return NotImplemented
        mine, others = self.arrays(), other.arrays()
        return (
            self.get_config() == other.get_config()
            and mine.keys() == others.keys()
            and all(np.array_equal(mine[name], others[name], equal_nan=True) for name in mine)
        )

    __hash__ = None  # type: ignore[assignment]  # it changes; mypy knows no other way to say so

    def __repr__(self) -> str:
        kept = f", {counted(len(self.snapshots), 'snapshot')}" if self.snapshots else ""
        bins = "" if self.bins is None else f", histograms of {counted(self.bins, 'bin')}"
        return f"<Recording of {counted(len(self.epochs), 'epoch')}{kept}{bins}>"


def _checked(shares: Array, recording: Recording) -> Array:
    """Return the shares of saturated outputs from a file, if they can be that."""
    expected = len(recording.epochs), len(recording.names("activations"))
    if shares.dtype != np.float64 or shares.shape != expected:
        raise ValueError(
            f"/recording/{SATURATION}: expected float64 of shape {expected}, got {shares.dtype} of "
            f"shape {shares.shape}"
        )
    if ((shares < 0.0) | (shares > 1.0)).any():
        raise ValueError(f"/recording/{SATURATION}: expected shares from 0 to 1")
    return shares


def _known(what: str, name: str, valid: Iterable[str]) -> str:
    """Return `name` if it is valid, else raise ValueError with the valid ones."""
    valid = list(valid)
    if name not in valid:
        hint, shown = nearest(str(name), valid), shorten(str(name), 100)
        raise ValueError(f"there is no {what} {shown!r}{hint}; known: {', '.join(valid)}")
    return name
