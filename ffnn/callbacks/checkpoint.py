"""Saving the model while it trains."""

from __future__ import annotations

import os
import re
import string
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ffnn._types import FilePath
from ffnn.callbacks.base import Logs
from ffnn.callbacks.monitor import Monitor
from ffnn.core.checks import check_bool, check_int, check_path
from ffnn.core.files import check_folder, check_target
from ffnn.core.text import shorten


class ModelCheckpoint(Monitor):
    """Save the model while it trains.

    It saves after all other callbacks have ended the epoch, so ``fit(..., resume_from=...)``
    continues from the file as if training had never stopped.

    Parameters
    ----------
    filepath : str or path
        The file; fields such as ``{epoch:03d}`` or ``{val_loss:.3f}`` are filled in, the epoch
        counted from 1.
    monitor : str, default "val_loss"
        The number that tells which epoch is best; used with `save_best_only`.
    mode : {"auto", "min", "max"}, default "auto"
        Whether lower or higher is better.
    save_best_only : bool, default False
        Whether to save only an epoch that is better than all before.
    every : int, default 1
        Save every this many epochs.

    Raises
    ------
    ValueError
        The fields of `filepath` cannot be filled in, or make a name that no file can have.

    Examples
    --------
    >>> from ffnn.callbacks import ModelCheckpoint
    >>> keep = ModelCheckpoint("best.h5", monitor="val_loss", save_best_only=True)
    """

    def __init__(
        self,
        filepath: FilePath,
        monitor: str = "val_loss",
        mode: str = "auto",
        save_best_only: bool = False,
        every: int = 1,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        self.filepath = _check_template(check_path("ModelCheckpoint", "filepath", filepath))
        self.save_best_only = check_bool("ModelCheckpoint", "save_best_only", save_best_only)
        self.every = check_int("ModelCheckpoint", "every", every, low=1)

    saves_model = True
    settings = ("monitor", "mode", "save_best_only", "every")

    def on_train_begin(self, logs: Logs) -> None:
        """Check the path, and begin to watch if it matters which epoch is best.

        Raises
        ------
        ValueError, OSError
            A field of the path is unknown, or the file or its folder cannot be written.
        """
        if self.save_best_only:
            super().on_train_begin(logs)
        known = self.params["metrics"]
        try:
            path = self.filepath.format_map({**dict.fromkeys(known, 0.0), "epoch": 1})
        except KeyError as error:
            raise ValueError(
                f"ModelCheckpoint: unknown field {error} in {self.filepath!r}; "
                f"known: epoch, {', '.join(known)}"
            ) from None
        check = check_target if path == self.filepath else check_folder  # whose names come later
        check(path)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Save, if the epoch is due."""
        if (epoch + 1) % self.every:
            return
        if not self.save_best_only or self._improves(logs):
            self.model.save(self.filepath.format_map({**logs, "epoch": epoch + 1}))

    def get_state(self) -> dict[str, Any]:
        """Return the best number so far, if it matters."""
        return super().get_state() if self.save_best_only else {}

    def check_state(self, state: Mapping[str, Any], model: Any) -> None:
        """Raise ValueError if this is not a best number, if it matters."""
        if self.save_best_only:
            super().check_state(state, model)

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the best number so far."""
        if self.save_best_only:
            super().set_state(state)


_LONGEST_NAME = 255  # bytes, on nearly all file systems


def _check_template(filepath: str) -> str:
    """Return a path whose fields can be filled in: the epoch, an integer, and other numbers."""
    what, path = f"ModelCheckpoint: filepath {shorten(filepath, 200)!r}", ""
    try:
        specs = [str(spec) for _, _, spec, _ in string.Formatter().parse(filepath)]
        is_endless = any(re.search(r"\d{4}", spec) for spec in specs)  # and would fill the memory
        if not is_endless:
            path = filepath.format_map(defaultdict(float, epoch=1))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"{what} cannot be filled in: {error}; write fields such as {{epoch:03d}} or "
            f"{{val_loss:.3f}}, and {{{{ or }}}} for a brace itself"
        ) from None
    if is_endless or len(os.fsencode(os.path.basename(path))) > _LONGEST_NAME:
        raise ValueError(f"{what} gives a name of more than {_LONGEST_NAME} bytes; shorten it")
    check_path("ModelCheckpoint", "filepath", path)
    return filepath
