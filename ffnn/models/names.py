"""What the columns into and out of a network mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ffnn._types import Array
from ffnn.core.text import counted, shorten, shown
from ffnn.data.labels import check_labels

if TYPE_CHECKING:
    from ffnn.tables import TableEncoder


def check_names(parts: Any) -> None:
    """Raise ValueError if names or labels in a model's parts are not as many as they name.

    One output may have two classes. `parts` have the names and the layers.
    """
    inputs, outputs = parts.input_dim, parts.layers[-1].output_dim
    classes = (outputs,) if outputs != 1 else (1, 2)
    labels = None if parts.class_labels is None else parts.class_labels.tolist()
    for kind, names, counts, what in (
        ("feature_names", parts.feature_names, (inputs,), counted(inputs or 0, "input")),
        ("class_names", parts.class_names, classes, counted(outputs or 0, "output")),
        ("class_labels", labels, classes, counted(outputs or 0, "output")),
    ):
        if names is None or None in counts:  # which are not known before the model is built
            continue
        told = shorten(repr(names), 60)
        if len(names) not in counts:
            expected = " or ".join(map(str, counts))
            raise ValueError(
                f"/config/{kind}: expected {expected} for {what}, got {len(names)}: {told}"
            )
        if kind != "feature_names" and len(set(names)) < len(names):
            raise ValueError(f"/config/{kind}: the same twice in {told}")


class Named:
    """Names of input columns and of classes; those that are given are kept with the model."""

    _class_names: list[str] | None = None
    _class_labels: Array | None = None
    _feature_names: list[str] | None = None
    _encoder: TableEncoder | None = None

    @property
    def class_names(self) -> list[str] | None:
        """What the outputs mean, if given; kept with the model."""
        return self._class_names

    @class_names.setter
    def class_names(self, names: Iterable[str] | None) -> None:
        self._class_names = None if names is None else [str(name) for name in names]
        self._class_labels = None

    @property
    def class_labels(self) -> Array | None:
        """The classes' labels as the targets have them, with their dtype; kept with the model.

        `as_estimator` predicts them. Setting `class_names` discards them.
        """
        return self._class_labels

    @class_labels.setter
    def class_labels(self, labels: Any) -> None:
        self._class_labels = None if labels is None else check_labels(labels)

    @property
    def feature_names(self) -> list[str] | None:
        """What the input columns mean, if given; kept with the model."""
        return self._feature_names

    @feature_names.setter
    def feature_names(self, names: Iterable[str] | None) -> None:
        self._feature_names = None if names is None else [str(name) for name in names]

    @property
    def encoder(self) -> TableEncoder | None:
        """What makes numbers of the columns of a table, if given; kept with the model.

        With one, `predict` and all else takes rows of tables and the paths of files as well.
        Setting it sets `feature_names`, and `class_names` if it was fitted on a target.
        """
        return self._encoder

    @encoder.setter
    def encoder(self, encoder: TableEncoder | None) -> None:
        if encoder is not None:
            from ffnn.tables.encoder import TableEncoder  # few models have one

            if not isinstance(encoder, TableEncoder):
                raise TypeError(f"encoder must be a TableEncoder or None, got {shown(encoder)}")
            self.feature_names = encoder.feature_names
            if encoder.target is not None:
                self.class_names = encoder.target.class_names
                self.class_labels = encoder.target.class_labels
        self._encoder = encoder
