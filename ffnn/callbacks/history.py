"""The record of a training, epoch by epoch."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ffnn._types import Array
from ffnn.callbacks.base import Callback, Logs
from ffnn.core.checks import LARGEST
from ffnn.core.text import counted, shorten, shown
from ffnn.errors import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_epochs(epochs: Sequence[int], place: str) -> None:
    """Raise ValueError unless `epochs` are numbers of epochs, in the order of a training."""
    known = [-1, *epochs]
    if not all(type(now) is int and before < now <= LARGEST for before, now in pairwise(known)):
        raise ValueError(
            f"{place}: expected numbers from 0 that rise, got {shorten(repr(epochs), 60)}"
        )


class History(Callback):
    """The record of a training, which `fit` returns.

    Attributes
    ----------
    history : dict of str to list of float
        ``"loss"``, the metrics' names, and each with ``"val_"`` before it → one number per epoch.
    epoch : list of int
        The epochs' numbers, counted from 0.
    higher_is_better : list of str
        The names of the metrics of which higher is better.
    interrupted : bool
        Whether Ctrl-C ended the training.

    Examples
    --------
    >>> import ffnn
    >>> (x, y), _ = ffnn.datasets.load_digits()
    >>> model = ffnn.Sequential([ffnn.layers.Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "categorical_crossentropy")
    >>> history = model.fit(x, y, epochs=2, validation_split=0.1, verbose=0)
    >>> history.epoch, list(history.history)
    ([0, 1], ['loss', 'val_loss'])
    """

    history: dict[str, list[float]]
    epoch: list[int]
    higher_is_better: list[str]
    interrupted: bool

    def __init__(self) -> None:
        self.history, self.epoch = {}, []
        self.higher_is_better = []
        self.interrupted = False

    def on_train_begin(self, logs: Logs) -> None:
        """Note of which metrics higher is better."""
        self.interrupted = False
        better = self.params["higher_is_better"]
        self.higher_is_better = [
            name
            for name, higher in better.items()
            if higher and name.removeprefix("val_") not in better.keys() - {name}
        ]

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Append the epoch's numbers."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def get_config(self) -> dict[str, Any]:
        """Return all but the numbers as plain data; `restore` needs it and `arrays`."""
        return {
            "names": list(self.history),
            "epoch": self.epoch,
            "growing": self.higher_is_better,
            "interrupted": self.interrupted,
        }

    def arrays(self) -> dict[str, Array]:
        """Return the numbers as arrays, which may be infinite as JSON may not, by their index."""
        for name, column in self.history.items():
            if not all(isinstance(number, numbers.Real) for number in column):
                raise TypeError(f"history: expected numbers as {name}, got {shown(column)}")
        return {
            str(index): np.array(column, np.float64)
            for index, column in enumerate(self.history.values())
        }

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, Array]) -> History:
        """Return the history of which `get_config` and `arrays` returned these.

        ValueError says which of them no training can have left.
        """
        history = cls()
        check_epochs(config["epoch"], "/config/history/epoch")
        if len(set(config["names"])) < len(config["names"]):
            raise ValueError(f"/config/history/names: the same twice in {config['names']}")
        history.epoch, history.higher_is_better = list(config["epoch"]), list(config["growing"])
        history.interrupted = config["interrupted"]
        unknown = [name for name in config["growing"] if name not in config["names"]]
        if unknown and history.epoch:
            raise ValueError(
                f"/config/history/growing: expected some of the history's names, got "
                f"{shorten(repr(unknown[0]), 60)}"
            )
        for index, name in enumerate(config["names"]):
            column = arrays.get(str(index))
            if column is None:
                raise ValueError(f"/history/{index}: missing")
            if column.shape != (len(history.epoch),):
                raise ValueError(
                    f"/history/{index}: expected a number for each of {len(history.epoch)} epochs, "
                    f"got shape {column.shape}"
                )
            history.history[name] = column.tolist()
        return history

    @classmethod
    def mean(cls, histories: Sequence[History]) -> History:
        """Return the mean numbers of several trainings, of the epochs that all of them made."""
        mean, epochs = cls(), min(len(each.epoch) for each in histories)
        mean.epoch = histories[0].epoch[:epochs]
        mean.higher_is_better = list(histories[0].higher_is_better)
        mean.history = {
            name: np.mean([each.history[name][:epochs] for each in histories], axis=0).tolist()
            for name in histories[0].history
        }
        return mean

    def plot(self) -> Figure:
        """Return a figure of the loss and of each metric per epoch, the best epoch marked.

        Training and validation are drawn together; the best epoch is that of the validation if
        there is one. Several histories are compared by `ffnn.visualization.compare_histories`.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with its ``savefig``; a notebook shows it.

        Raises
        ------
        ValueError
            No epoch was trained.

        Examples
        --------
        >>> history.plot().savefig("curves.png")
        """
        from ffnn.charts.curve_figures import plot_curves

        return plot_curves(self)

    def _repr_html_(self) -> str:
        """Return a table and small pictures of the curves, for notebooks."""
        from ffnn.charts.history_html import history_html

        return history_html(self)

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4f}" for name, values in self.history.items())
        epochs = counted(len(self.epoch), "epoch")
        return f"<History of {epochs}{': ' if last else ''}{visible(last)}>"
